//! How many units there are at least, and what share of them the lists saw.

use super::{Refusal, Table, pairs};
use crate::frame::sample::estimate::Confidence;
use serde::Serialize;

/// Chao's lower bound for t lists: however unlike the units are in how easily they are seen, there are at least about so many
/// (Chao 1987, *Biometrics* 43:783–791; with (t−1)/t as in Chao and Colwell 2017, *SORT* 41:3–54, section 3).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LowerBound {
    /// n + ((t−1)/t)·f₁²/(2f₂); none where no unit was seen twice.
    pub classical: Option<f64>,
    /// n + ((t−1)/t)·f₁(f₁−1)/(2(f₂+1)): the one to show.
    pub corrected: f64,
    /// Log-normal limits of the corrected one.
    pub limits: (f64, f64),
}

/// The lower bound.
///
/// # Errors
/// No unit that two lists saw (guard 1).
pub fn lower_bound(table: &Table, sure: Confidence) -> Result<LowerBound, Refusal> {
    let f = table.f();
    if f[1..].iter().all(|count| *count == 0) {
        return Err(Refusal::NoOverlap);
    }
    let (n, f1, f2) = (table.n() as f64, f[0] as f64, f[1] as f64);
    let share = (table.t() - 1) as f64 / table.t() as f64;
    let unseen = share * f1 * (f1 - 1.0) / (2.0 * (f2 + 1.0));
    // Variance of the corrected form by the delta method (Chao and Colwell 2017, appendix; EstimateS, equation 6).
    let variance = unseen
        + (share * (2.0 * f1 - 1.0) / (2.0 * (f2 + 1.0))).powi(2) * f1
        + (share * f1 * (f1 - 1.0) / (2.0 * (f2 + 1.0).powi(2))).powi(2) * f2;
    Ok(LowerBound {
        classical: (f2 > 0.0).then(|| n + share * f1 * f1 / (2.0 * f2)),
        corrected: n + unseen,
        limits: pairs::log_normal(n, unseen, variance, sure),
    })
}

/// Below this share of coverage, estimates by coverage swing too widely to be shown without the warning (Chao, Tsay, Lin, Shau
/// and Chao 2001, *Statist. Med.* 20:3123–3157, section 4).
pub const LOW_COVERAGE: f64 = 0.55;

/// Estimates by sample coverage (Chao and Tsay 1998, *J. Amer. Statist. Assoc.* 93:283–293).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SampleCoverage {
    /// Mean number of units that are left when one list is taken away from those it alone saw: D.
    pub d: f64,
    /// Share of the lists' units that another list saw too: C.
    pub c: f64,
    /// D/C: right where lists do not depend on one another.
    pub n0: f64,
    /// With dependence, where coverage is high.
    pub n: f64,
    /// One step from `n0` towards `n`: for low coverage.
    pub n1: f64,
    /// Whether coverage is low: then `n` is unstable, and `n0` or `n1` is to be looked at.
    pub low: bool,
}

/// Estimates by sample coverage.
///
/// # Errors
/// An empty list, or no unit that two lists saw (guard 1).
pub fn sample_coverage(table: &Table) -> Result<SampleCoverage, Refusal> {
    let (t, n) = (table.t() as f64, table.n() as f64);
    let sizes: Vec<f64> = (0..table.t()).map(|list| table.size(list) as f64).collect();
    if let Some(list) = sizes.iter().position(|size| *size == 0.0) {
        return Err(Refusal::EmptyList(table.lists[list].clone()));
    }
    let alone: Vec<f64> = (0..table.t()).map(|list| table.sum(|combination| combination == 1 << list) as f64).collect();
    let d = n - alone.iter().sum::<f64>() / t;
    let c = 1.0 - alone.iter().zip(&sizes).map(|(alone, size)| alone / size).sum::<f64>() / t;
    if c <= 0.0 {
        return Err(Refusal::NoOverlap);
    }
    // For each pair: A, the units that only these two or one of them saw, weighted as the paper does, and B/(n₁n₂).
    let terms: Vec<(f64, f64)> = table
        .pairs()
        .map(|(a, b)| {
            let both_only = table.sum(|combination| combination == (1 << a | 1 << b)) as f64;
            let weight = alone[a] + alone[b] + 2.0 * both_only;
            (weight, table.both(a, b) as f64 / (sizes[a] * sizes[b]))
        })
        .collect();
    let n0 = d / c;
    let sum_a: f64 = terms.iter().map(|(a, _)| a).sum();
    let sum_ab: f64 = terms.iter().map(|(a, b)| a * b).sum();
    let step = |from: f64| d / c + terms.iter().map(|(a, b)| a * (from * b - 1.0)).sum::<f64>() / (t * c);
    Ok(SampleCoverage { d, c, n0, n: (t * d - sum_a) / (t * c - sum_ab), n1: step(step(n0)), low: c < LOW_COVERAGE })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::coverage::tests::{close, known, number, table};

    #[test]
    fn lower_bounds_in_closed_form() {
        let bound = |name| lower_bound(&table(name), Confidence::NinetyFive).unwrap();
        close(bound("HAV").corrected, &known("HAV")["MhChao_bc_closed"], 1e-9);
        close(bound("HIV").corrected, &known("HIV")["MhChao_bc_closed"], 1e-9);
        close(bound("HIV").classical.unwrap(), &known("HIV")["MhChao_closed"], 1e-9);
        // The model that has this bound has its standard error too; the interval is about two of them either way.
        let (low, high) = bound("HAV").limits;
        let se = number(&known("HAV")["MhChao"][1]);
        assert!(low > 271.0 && (3.0..5.5).contains(&((high - low) / se)), "{low} {high}");
    }

    #[test]
    fn sample_coverage_of_the_known_tables() {
        for name in ["HAV", "HIV", "lesbian"] {
            let (got, expected) = (sample_coverage(&table(name)).unwrap(), &known(name)["coverage"]);
            for (value, key) in [(got.d, "D"), (got.c, "C"), (got.n0, "N0"), (got.n, "N"), (got.n1, "N1")] {
                close(value, &expected[key], 1e-6);
            }
            assert!(got.low);
        }
    }
}
