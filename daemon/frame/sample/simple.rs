//! Simple random and stratified samples by ticket, and systematic ones with equal probabilities.

use super::{SampleError, Taken};
use crate::frame::ticket::{Line, Numbered, Seed};
use std::collections::BTreeMap;

/// A sample with the units that may take the place of others, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    /// The units taken, by stratum and then in order.
    pub base: Vec<Taken>,
    /// By stratum, all its other units: the next to be asked first.
    pub reserve: BTreeMap<String, Vec<Numbered>>,
}

/// A simple random sample of `n` in each stratum: its units with the smallest tickets (Ohlsson 1995, sequential simple random
/// sampling). A stratum without an entry in `n` gives none, and is all reserve.
///
/// `units`: id and stratum of each. One stratum of any name is a simple random sample of the frame.
///
/// # Errors
/// A unit twice, a stratum that nobody is in, more wanted than there is.
pub fn stratified(
    seed: &Seed,
    line: &Line,
    units: &[(&str, &str)],
    n: &BTreeMap<String, usize>,
) -> Result<Drawn, SampleError> {
    let mut strata: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut met = std::collections::BTreeSet::new();
    for (unit, stratum) in units {
        if !met.insert(unit) {
            return Err(SampleError::Twice((*unit).to_owned()));
        }
        strata.entry(stratum).or_default().push(unit);
    }
    for (stratum, wanted) in n {
        let held = strata.get(stratum.as_str()).map_or(0, Vec::len);
        if *wanted > held {
            return Err(SampleError::TooFew { place: format!("stratum {stratum:?}"), wanted: *wanted, held });
        }
    }
    if n.values().all(|wanted| *wanted == 0) {
        return Err(SampleError::Empty);
    }
    let mut drawn = Drawn { base: Vec::new(), reserve: BTreeMap::new() };
    for (stratum, units) in strata {
        let mut order = line.order(seed, units);
        let (population, taken) = (order.len(), n.get(stratum).copied().unwrap_or(0));
        let rest = order.split_off(taken);
        let pi = taken as f64 / population as f64;
        drawn.base.extend(order.into_iter().enumerate().map(|(at, one)| Taken {
            unit: one.unit,
            stratum: stratum.to_owned(),
            ticket: one.ticket.to_string(),
            order: at + 1,
            pi: Some(pi),
            weight: Some(population as f64 / taken as f64),
            population,
            taken,
            certain: taken == population,
        }));
        drawn.reserve.insert(stratum.to_owned(), rest);
    }
    Ok(drawn)
}

/// Places (from 1) of a systematic sample of `n` of `population` units in their order, by a fractional interval: the unit at
/// ⌈r + iN/n⌉ for i = 0 … n−1, with start 0 < r ≤ N/n (Särndal, Swensson and Wretman 1992, *Model Assisted Survey Sampling*, 3.4.1).
///
/// # Errors
/// More wanted than there is, or a start outside the first interval.
pub fn fractional(population: usize, n: usize, start: f64) -> Result<Vec<usize>, SampleError> {
    check(population, n)?;
    let interval = population as f64 / n as f64;
    if !(start > 0.0 && start <= interval) {
        let must = "above 0 and at most the interval N/n";
        return Err(SampleError::Number { what: "the start", of: "the sample".into(), value: start, must });
    }
    // Computed as (rn + iN)/n: adding the interval up would carry its rounding along, and end past the last unit.
    let place = |i: usize| ((start * n as f64 + (population * i) as f64) / n as f64).ceil() as usize;
    Ok((0..n).map(|i| place(i).clamp(1, population)).collect())
}

/// Places (from 1) of a systematic sample by cumulated probabilities: unit k where (k−1)n/N ≤ u + i < kn/N, with 0 ≤ u < 1.
///
/// # Errors
/// More wanted than there is, or a `u` that is no fraction.
pub fn cumulated(population: usize, n: usize, u: f64) -> Result<Vec<usize>, SampleError> {
    check(population, n)?;
    super::unequal::start(u)?;
    let place = |i: usize| ((u + i as f64) * population as f64 / n as f64).floor() as usize + 1;
    Ok((0..n).map(|i| place(i).min(population)).collect())
}

fn check(population: usize, n: usize) -> Result<(), SampleError> {
    match n {
        0 => Err(SampleError::Empty),
        n if n > population => Err(SampleError::TooFew { place: "the frame".into(), wanted: n, held: population }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::reference;
    use proptest::prelude::*;

    fn places(value: &serde_json::Value) -> Vec<usize> {
        value.as_array().unwrap().iter().map(|place| place.as_u64().unwrap() as usize).collect()
    }

    #[test]
    fn systematic_samples_of_202() {
        let known = &reference()["sampling"]["systematic_equal_202_10"];
        assert_eq!(cumulated(202, 10, 0.5).unwrap(), places(&known["u=0.5"]));
        for (start, expected) in known["fractional_interval_20.2"].as_object().unwrap() {
            assert_eq!(fractional(202, 10, start.parse().unwrap()).unwrap(), places(expected), "{start}");
        }
        for start in [0.0, 20.3, f64::NAN] {
            assert_eq!(fractional(202, 10, start).unwrap_err().code(), "sample-number");
        }
        assert_eq!(cumulated(202, 10, 1.0).unwrap_err().code(), "sample-number");
        assert_eq!(cumulated(5, 6, 0.5).unwrap_err().code(), "sample-too-few");
    }

    #[test]
    fn esteem_weights() {
        let ids: Vec<(String, &str)> = (0..24)
            .map(|i| (format!("e{i}"), "essex"))
            .chain((0..202).map(|i| (format!("n{i}"), "nottingham")))
            .collect();
        let units: Vec<(&str, &str)> = ids.iter().map(|(id, stratum)| (id.as_str(), *stratum)).collect();
        let n = BTreeMap::from([("essex".to_owned(), 10), ("nottingham".to_owned(), 10)]);
        let drawn = stratified(&Seed::new("314159"), &Line::default(), &units, &n).unwrap();
        let known = &reference()["sampling"]["esteem_like_weights"];
        for site in ["essex", "nottingham"] {
            let taken: Vec<&Taken> = drawn.base.iter().filter(|one| one.stratum == site).collect();
            assert_eq!(taken.len(), 10);
            assert!((taken[0].weight.unwrap() - known[site]["w"].as_f64().unwrap()).abs() < 1e-9);
            assert!((taken[0].pi.unwrap() - known[site]["pi"].as_f64().unwrap()).abs() < 1e-9);
            assert_eq!(taken.iter().map(|one| one.order).collect::<Vec<_>>(), (1..=10).collect::<Vec<_>>());
        }
        assert_eq!((drawn.reserve["essex"].len(), drawn.reserve["nottingham"].len()), (14, 192));
    }

    #[test]
    fn what_cannot_be_drawn_is_refused() {
        let draw = |units: &[(&str, &str)], n: usize, of: &str| {
            let n = BTreeMap::from([(of.to_owned(), n)]);
            stratified(&Seed::new("1"), &Line::default(), units, &n).map_err(|e| e.code())
        };
        assert_eq!(draw(&[("a", ""), ("a", "")], 1, ""), Err("sample-twice"));
        assert_eq!(draw(&[("a", "")], 2, ""), Err("sample-too-few"));
        assert_eq!(draw(&[("a", "")], 1, "x"), Err("sample-too-few"));
        assert_eq!(draw(&[("a", "")], 0, ""), Err("sample-empty"));
    }

    proptest! {
        #[test]
        fn systematic_places_are_n_and_rise(population in 1..400usize, share in 0.0..1.0f64, u in 0.0..1.0f64) {
            let n = ((population as f64 * share) as usize).clamp(1, population);
            let interval = population as f64 / n as f64;
            for places in [cumulated(population, n, u).unwrap(), fractional(population, n, (1.0 - u) * interval).unwrap()] {
                prop_assert_eq!(places.len(), n);
                prop_assert!(places.windows(2).all(|pair| pair[0] < pair[1]));
                prop_assert!(*places.last().unwrap() <= population && places[0] >= 1);
            }
        }

        /// A larger sample holds the smaller one, and the reserve is what follows.
        #[test]
        fn samples_grow_by_their_reserve(size in 2..40usize, n in 1..39usize) {
            let n = n.min(size - 1);
            let ids: Vec<String> = (0..size).map(|i| format!("g{i}")).collect();
            let units: Vec<(&str, &str)> = ids.iter().map(|id| (id.as_str(), "")).collect();
            let draw = |n: usize| {
                stratified(&Seed::new("2026"), &Line::default(), &units, &BTreeMap::from([(String::new(), n)])).unwrap()
            };
            let (less, more) = (draw(n), draw(n + 1));
            prop_assert_eq!(&less.reserve[""][0].unit, &more.base[n].unit);
            prop_assert!(less.base.iter().zip(&more.base).all(|(a, b)| a.unit == b.unit));
        }
    }
}
