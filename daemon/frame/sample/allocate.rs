//! How many units each stratum gives: W. G. Cochran, *Sampling Techniques*, 3rd edition, chapter 5.

use super::SampleError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How the size of a sample is divided among strata.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// To each the same.
    Equal,
    /// In proportion to the stratum's units (Cochran 5.4).
    Proportional,
    /// In proportion to units times standard deviation (Neyman 1934; Cochran 5.5).
    Neyman,
}

/// A stratum, before a sample is divided.
#[derive(Debug, Clone, PartialEq)]
pub struct Stratum {
    /// Its name.
    pub name: String,
    /// Units in it.
    pub population: usize,
    /// Standard deviation of what is studied. Only [`Rule::Neyman`] asks for it.
    pub deviation: f64,
}

/// Divides `n` units among strata by largest remainder, each giving at least `minimum` (or all it has) and at most what it has.
/// Where remainders are equal, the earlier name comes first.
///
/// # Errors
/// More wanted than there is, minima that exceed `n`, a deviation that is no number above zero where one is needed.
pub fn allocate(
    rule: Rule,
    n: usize,
    minimum: usize,
    strata: &[Stratum],
) -> Result<BTreeMap<String, usize>, SampleError> {
    let held: usize = strata.iter().map(|stratum| stratum.population).sum();
    if n == 0 || held == 0 {
        return Err(SampleError::Empty);
    }
    if n > held {
        return Err(SampleError::TooFew { place: "the frame".into(), wanted: n, held });
    }
    let shares = weights(rule, strata)?;
    let least = |held: usize| minimum.min(held);
    let least_of_all = shares.values().map(|(_, held)| least(*held)).sum();
    if least_of_all > n {
        return Err(SampleError::Minimum { least: least_of_all, wanted: n });
    }
    // What breaks a bound is set to it, and the rest divided anew among the others. Bounds that are exceeded and bounds that
    // are missed pull in opposite directions, so in each round only the side that weighs more is set: then no stratum that was
    // set would have to move again.
    let mut fixed: BTreeMap<&str, usize> = BTreeMap::new();
    loop {
        let left = n - fixed.values().sum::<usize>();
        let free: Vec<_> = shares.iter().filter(|(name, _)| !fixed.contains_key(*name)).collect();
        let total: f64 = free.iter().map(|(_, (share, _))| share).sum();
        let raw = |share: f64| if total > 0.0 { left as f64 * share / total } else { 0.0 };
        let (mut over, mut under) = (Vec::new(), Vec::new());
        let (mut above, mut below) = (0.0, 0.0);
        for (name, (share, held)) in &free {
            let wanted = raw(*share);
            if wanted > *held as f64 {
                above += wanted - *held as f64;
                over.push((**name, *held));
            } else if wanted < least(*held) as f64 {
                below += least(*held) as f64 - wanted;
                under.push((**name, least(*held)));
            }
        }
        if over.is_empty() && under.is_empty() {
            fixed.extend(largest_remainder(left, &free.iter().map(|(n, (s, _))| (**n, raw(*s))).collect::<Vec<_>>()));
            return Ok(fixed.into_iter().map(|(name, count)| (name.to_owned(), count)).collect());
        }
        fixed.extend(if above >= below { over } else { under });
    }
}

/// Each stratum's share of `n` before it is made whole and before any bound.
///
/// # Errors
/// A stratum twice, or a deviation that is no number above zero where one is needed.
pub fn shares(rule: Rule, n: usize, strata: &[Stratum]) -> Result<BTreeMap<String, f64>, SampleError> {
    let weights = weights(rule, strata)?;
    let total: f64 = weights.values().map(|(weight, _)| weight).sum();
    Ok(weights
        .into_iter()
        .map(|(name, (weight, _))| (name.to_owned(), n as f64 * weight / total.max(f64::MIN_POSITIVE)))
        .collect())
}

/// By stratum, what its share is in proportion to, and its units.
fn weights(rule: Rule, strata: &[Stratum]) -> Result<BTreeMap<&str, (f64, usize)>, SampleError> {
    let mut weights = BTreeMap::new();
    for stratum in strata {
        let weight = match rule {
            Rule::Equal => 1.0,
            Rule::Proportional => stratum.population as f64,
            Rule::Neyman => {
                super::positive("the standard deviation", &stratum.name, stratum.deviation)? * stratum.population as f64
            }
        };
        let weight = if stratum.population == 0 { 0.0 } else { weight };
        if weights.insert(stratum.name.as_str(), (weight, stratum.population)).is_some() {
            return Err(SampleError::Twice(stratum.name.clone()));
        }
    }
    Ok(weights)
}

/// Whole numbers that make `n` together, each at most one from its share.
fn largest_remainder<'a>(n: usize, raw: &[(&'a str, f64)]) -> Vec<(&'a str, usize)> {
    let mut counts: Vec<(&str, usize)> = raw.iter().map(|(name, share)| (*name, share.floor() as usize)).collect();
    let short = n.saturating_sub(counts.iter().map(|(_, count)| count).sum());
    let mut by_remainder: Vec<usize> = (0..raw.len()).collect();
    let remainder = |at: usize| raw[at].1 - raw[at].1.floor();
    by_remainder.sort_by(|a, b| remainder(*b).total_cmp(&remainder(*a)).then(raw[*a].0.cmp(raw[*b].0)));
    for at in by_remainder.into_iter().take(short) {
        counts[at].1 += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::reference;
    use proptest::prelude::*;

    fn strata(of: &[(&str, usize, f64)]) -> Vec<Stratum> {
        of.iter()
            .map(|(name, population, deviation)| Stratum {
                name: (*name).into(),
                population: *population,
                deviation: *deviation,
            })
            .collect()
    }

    #[test]
    fn the_reference_allocations() {
        let known = &reference()["sampling"]["allocation"];
        let number = |value: &serde_json::Value| value.as_f64().unwrap();
        let names = ["E", "H", "M"];
        let of: Vec<_> = (0..3)
            .map(|i| (names[i], known["Nh"][i].as_u64().unwrap() as usize, number(&known["Sh"][names[i]])))
            .collect();
        for (rule, key) in [(Rule::Proportional, "proportional"), (Rule::Neyman, "neyman")] {
            for n in [60, 200] {
                let counts = allocate(rule, n, 0, &strata(&of)).unwrap();
                let shares = shares(rule, n, &strata(&of)).unwrap();
                let expected = &known[key][n.to_string()]["largest_remainder"];
                for (i, name) in names.iter().enumerate() {
                    assert_eq!(counts[*name] as u64, expected[i].as_u64().unwrap(), "{key} {n} {name}");
                    let raw = number(&known[key][n.to_string()]["raw"][i]);
                    assert!((shares[*name] - raw).abs() < 1e-6 * raw, "{key} {n} {name}");
                }
            }
        }
    }

    #[test]
    fn bounds_hold_and_contradictions_are_refused() {
        let two = strata(&[("essex", 24, 1.0), ("nottingham", 202, 1.0)]);
        let shares = |rule, n, minimum| allocate(rule, n, minimum, &two).map(|c| (c["essex"], c["nottingham"]));
        assert_eq!(shares(Rule::Equal, 20, 0), Ok((10, 10)));
        assert_eq!(shares(Rule::Equal, 21, 0), Ok((11, 10)));
        assert_eq!(shares(Rule::Equal, 100, 0), Ok((24, 76)));
        assert_eq!(shares(Rule::Proportional, 20, 0), Ok((2, 18)));
        assert_eq!(shares(Rule::Proportional, 20, 5), Ok((5, 15)));
        assert_eq!(shares(Rule::Proportional, 226, 2), Ok((24, 202)));
        assert_eq!(shares(Rule::Equal, 227, 0).unwrap_err().code(), "sample-too-few");
        assert_eq!(shares(Rule::Equal, 9, 5).unwrap_err().code(), "sample-minimum");
        assert_eq!(shares(Rule::Equal, 0, 0).unwrap_err().code(), "sample-empty");
        let flat = strata(&[("a", 5, 0.0), ("b", 5, 1.0)]);
        assert_eq!(allocate(Rule::Neyman, 4, 0, &flat).unwrap_err().code(), "sample-number");
    }

    proptest! {
        #[test]
        fn all_is_given_and_no_bound_is_broken(
            sizes in proptest::collection::vec((0..80usize, 0.1..50.0f64), 1..7),
            share in 0.0..1.0f64,
            minimum in 0..4usize,
            which in 0..3usize,
        ) {
            let rule = [Rule::Equal, Rule::Proportional, Rule::Neyman][which];
            let strata: Vec<Stratum> = sizes.iter().enumerate()
                .map(|(i, (population, deviation))| Stratum { name: format!("s{i}"), population: *population, deviation: *deviation })
                .collect();
            let held: usize = sizes.iter().map(|(population, _)| population).sum();
            let n = ((held as f64 * share) as usize).max(1);
            match allocate(rule, n, minimum, &strata) {
                Ok(counts) => {
                    prop_assert_eq!(counts.values().sum::<usize>(), n);
                    for stratum in &strata {
                        let count = counts[&stratum.name];
                        prop_assert!(count <= stratum.population && count >= minimum.min(stratum.population));
                    }
                }
                Err(error) => prop_assert!(held < n || ["sample-minimum", "sample-empty"].contains(&error.code())),
            }
        }
    }
}
