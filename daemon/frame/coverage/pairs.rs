//! Two lists at a time: Lincoln and Petersen, and Chapman.
//!
//! For looking at, never for reporting: a pair can give fewer units than were seen, because one list leads to the other.

use super::{Refusal, Table};
use crate::frame::sample::estimate::Confidence;
use serde::Serialize;

/// What a pair of lists says of how many units there are.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Pair {
    /// The first list.
    pub a: usize,
    /// The second list.
    pub b: usize,
    /// Units that both saw.
    pub both: u64,
    /// Lincoln–Petersen: n₁n₂/m.
    pub lincoln_petersen: f64,
    /// Chapman 1951: (n₁+1)(n₂+1)/(m+1) − 1.
    pub chapman: f64,
    /// Its standard error, by Seber 1970.
    pub se: f64,
    /// Its limits, by Chao 1987's log-normal interval: never less than the units that the two lists saw.
    pub limits: (f64, f64),
}

/// Estimates from two lists.
///
/// # Errors
/// No unit that both saw (guard 1): nothing can be said.
pub fn pair(table: &Table, a: usize, b: usize, sure: Confidence) -> Result<Pair, Refusal> {
    let both = table.both(a, b);
    if both == 0 {
        return Err(Refusal::NoOverlap);
    }
    let (n1, n2, m) = (table.size(a) as f64, table.size(b) as f64, both as f64);
    let chapman = (n1 + 1.0) * (n2 + 1.0) / (m + 1.0) - 1.0;
    let variance = (n1 + 1.0) * (n2 + 1.0) * (n1 - m) * (n2 - m) / ((m + 1.0).powi(2) * (m + 2.0));
    let seen = n1 + n2 - m;
    let limits = log_normal(seen, chapman - seen, variance, sure);
    Ok(Pair { a, b, both, lincoln_petersen: n1 * n2 / m, chapman, se: variance.sqrt(), limits })
}

/// Limits of `seen + unseen` where the logarithm of `unseen` is taken for normal (Chao 1987, *Biometrics* 43:783–791).
pub(super) fn log_normal(seen: f64, unseen: f64, variance: f64, sure: Confidence) -> (f64, f64) {
    if unseen <= 0.0 {
        return (seen, seen);
    }
    let factor = (sure.z() * (1.0 + variance / (unseen * unseen)).ln().sqrt()).exp();
    (seen + unseen / factor, seen + unseen * factor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::coverage::tests::{close, known, table};

    #[test]
    fn chapman_pairs() {
        let hav = table("HAV");
        for (name, expected) in known("HAV")["pairs"].as_object().unwrap() {
            let digit = |at: usize| name[at..=at].parse::<usize>().unwrap() - 1;
            let got = pair(&hav, digit(0), digit(1), Confidence::NinetyFive).unwrap();
            close(got.lincoln_petersen, &expected["LP"], 1e-6);
            close(got.chapman, &expected["chapman"], 1e-6);
            close(got.se, &expected["se"], 1e-6);
            close(got.limits.0, &expected["ci"][0], 1e-6);
            close(got.limits.1, &expected["ci"][1], 1e-6);
        }
        for (name, expected) in known("HIV")["all_pairs_chapman"].as_object().unwrap() {
            let digit = |at: usize| name[at..=at].parse::<usize>().unwrap() - 1;
            let got = pair(&table("HIV"), digit(0), digit(1), Confidence::NinetyFive).unwrap();
            close(got.chapman, &expected[0], 1e-6);
            close(got.se, &expected[1], 1e-6);
            close(got.limits.0, &expected[2], 1e-6);
            close(got.limits.1, &expected[3], 1e-6);
        }
    }

    #[test]
    fn a_single_pair_can_say_less_than_its_neighbour_by_half() {
        let lesbian = table("lesbian");
        let all: Vec<f64> =
            lesbian.pairs().map(|(a, b)| pair(&lesbian, a, b, Confidence::NinetyFive).unwrap().chapman).collect();
        let range = &known("lesbian")["chapman_range"];
        close(all.iter().copied().fold(f64::INFINITY, f64::min), &range[0], 1e-6);
        close(all.iter().copied().fold(0.0, f64::max), &range[1], 1e-6);
    }
}
