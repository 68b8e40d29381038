//! Probabilities proportional to size: systematic (Madow 1949) and Pareto (Rosén 1997).

use super::SampleError;
use crate::frame::ticket::Numbered;

/// A probability this near to 1 is 1: what division leaves of a unit that is taken for sure.
const NEAR: f64 = 1e-12;

/// Inclusion probabilities of a sample of `n` in proportion to size. A unit that would have more than 1 is taken for sure, and
/// the rest computed again without it, until none is left over (Tillé 2006, *Sampling Algorithms*, 2.10; as R `sampling`).
///
/// # Errors
/// A size that is no number above zero or not comparable with the others, more wanted than there is.
pub fn inclusion(sizes: &[(&str, f64)], n: usize) -> Result<Vec<f64>, SampleError> {
    if n == 0 || sizes.is_empty() {
        return Err(SampleError::Empty);
    }
    if n > sizes.len() {
        return Err(SampleError::TooFew { place: "the frame".into(), wanted: n, held: sizes.len() });
    }
    for (unit, size) in sizes {
        super::positive("the size", unit, *size)?;
    }
    let mut certain = vec![false; sizes.len()];
    loop {
        let left = n - certain.iter().filter(|certain| **certain).count();
        let total: f64 = sizes.iter().zip(&certain).filter(|(_, certain)| !**certain).map(|((_, size), _)| size).sum();
        let share = |at: usize| if certain[at] { 1.0 } else { left as f64 * sizes[at].1 / total };
        let pi: Vec<f64> = (0..sizes.len()).map(share).collect();
        let more: Vec<usize> = (0..sizes.len()).filter(|at| !certain[*at] && pi[*at] >= 1.0 - NEAR).collect();
        if more.is_empty() {
            // Sizes too far apart for these numbers leave a probability of nothing, or none at all, and its weight endless.
            return match pi.iter().position(|pi| !pi.is_normal()) {
                Some(at) => Err(SampleError::Number {
                    what: "the inclusion probability",
                    of: sizes[at].0.to_owned(),
                    value: pi[at],
                    must: "above 0: the sizes are too far apart",
                }),
                None => Ok(pi),
            };
        }
        for at in more {
            certain[at] = true;
        }
    }
}

/// Refuses a start that is no fraction.
pub(super) fn start(u: f64) -> Result<f64, SampleError> {
    if (0.0..1.0).contains(&u) {
        Ok(u)
    } else {
        let must = "at least 0 and below 1";
        Err(SampleError::Number { what: "the start", of: "the sample".into(), value: u, must })
    }
}

/// The probabilities added up, from 0 to their whole-numbered sum.
fn cumulated(pi: &[f64]) -> Result<Vec<f64>, SampleError> {
    let mut sums = vec![0.0];
    let mut sum = 0.0;
    for (at, one) in pi.iter().enumerate() {
        sum += super::probability(&format!("unit {}", at + 1), *one)?;
        // A whole sum that rounding missed by a hair would put a unit into the wrong turn.
        sums.push(if (sum - sum.round()).abs() < 1e-9 { sum.round() } else { sum });
    }
    if sum.round() < 1.0 || (sum - sum.round()).abs() > 1e-6 {
        let must = "a whole number, at least 1";
        return Err(SampleError::Number { what: "the sum", of: "the probabilities".into(), value: sum, must });
    }
    Ok(sums)
}

/// Places (from 0) of a systematic sample: unit k where V(k−1) ≤ u + i < V(k), V the probabilities added up (Madow 1949, *Ann. Math.
/// Statist.* 20:333–354).
///
/// # Errors
/// A probability that is none, probabilities that do not add up to a whole number, a start that is no fraction.
pub fn systematic(pi: &[f64], u: f64) -> Result<Vec<usize>, SampleError> {
    start(u)?;
    Ok(turn(&cumulated(pi)?, u))
}

fn turn(sums: &[f64], u: f64) -> Vec<usize> {
    // How many of the points u, u+1, u+2 … lie below a sum; a unit is taken where that number rises.
    let below = |sum: f64| (sum - u).ceil().max(0.0) as usize;
    (1..sums.len()).filter(|at| below(sums[*at]) > below(sums[at - 1])).map(|at| at - 1).collect()
}

/// Probabilities with which two units are both in a systematic sample, exactly: the sample changes only where the start passes the
/// fraction of a sum, so that between two such fractions it is one sample. Zeros mean that no unbiased variance exists.
///
/// # Errors
/// As [`systematic`].
pub fn joint(pi: &[f64]) -> Result<Vec<Vec<f64>>, SampleError> {
    let sums = cumulated(pi)?;
    let mut edges: Vec<f64> = sums.iter().map(|sum| sum.fract()).chain([0.0, 1.0]).collect();
    edges.sort_by(f64::total_cmp);
    let mut both = vec![vec![0.0; pi.len()]; pi.len()];
    for edge in edges.windows(2).filter(|edge| edge[1] - edge[0] > NEAR) {
        let taken = turn(&sums, (edge[0] + edge[1]) / 2.0);
        for a in &taken {
            for b in &taken {
                both[*a][*b] += edge[1] - edge[0];
            }
        }
    }
    Ok(both)
}

/// Of each unit, the starts of a systematic sample that take it: a stretch of the circle from 0 to 1 as long as its probability, in
/// two pieces where it goes past 1.
type Stretch = [(f64, f64); 2];

fn stretches(pi: &[f64]) -> Result<Vec<Stretch>, SampleError> {
    let sums = cumulated(pi)?;
    let stretch = |at: usize| {
        let (from, to) = (sums[at].fract(), sums[at].fract() + (sums[at + 1] - sums[at]));
        if to <= 1.0 { [(from, to), (0.0, 0.0)] } else { [(from, 1.0), (0.0, to - 1.0)] }
    };
    Ok((0..pi.len()).map(stretch).collect())
}

/// How long two stretches are one.
fn common(a: &Stretch, b: &Stretch) -> f64 {
    let both = |(a, b): (&(f64, f64), &(f64, f64))| {
        let both = a.1.min(b.1) - a.0.max(b.0);
        if both > NEAR { both } else { 0.0 }
    };
    a.iter().flat_map(|one| b.iter().map(move |other| (one, other))).map(both).sum()
}

/// Whether every pair of units can be drawn together: only then is there an unbiased standard error. Neighbours are looked at first: in all
/// but very large samples it is they who cannot.
///
/// # Errors
/// As [`systematic`].
pub fn all_together(pi: &[f64]) -> Result<bool, SampleError> {
    let all = stretches(pi)?;
    let neighbours = all.windows(2).all(|two| common(&two[0], &two[1]) > 0.0);
    Ok(neighbours && all.iter().enumerate().all(|(at, a)| all[..at].iter().all(|b| common(a, b) > 0.0)))
}

/// As [`joint`], for the units at some places (from 0) only: what there is room for of a large frame.
///
/// # Errors
/// As [`systematic`], or a place where no unit is.
pub fn joint_of(pi: &[f64], places: &[usize]) -> Result<Vec<Vec<f64>>, SampleError> {
    let all = stretches(pi)?;
    let at = |place: &usize| all.get(*place).ok_or_else(|| SampleError::Unknown(format!("unit {}", place + 1)));
    let taken: Vec<&Stretch> = places.iter().map(at).collect::<Result<_, _>>()?;
    Ok(taken.iter().map(|a| taken.iter().map(|b| common(a, b)).collect()).collect())
}

/// A unit's place in a Pareto sample: Q = u(1−λ)/(λ(1−u)); 0 where it is taken for sure (Rosén 1997, *J. Statist. Plann. Inference*
/// 62:159–191).
pub fn pareto_rank(u: f64, lambda: f64) -> f64 {
    u * (1.0 - lambda) / (lambda * (1.0 - u))
}

/// Places (from 0) of all units of a Pareto sample in order: the first n are the sample, the others its reserve. Equal ranks, as
/// units that are taken for sure have, stand in the order of tickets.
///
/// # Errors
/// A probability that is none; lists of different lengths.
pub fn pareto(units: &[Numbered], u: &[f64], lambda: &[f64]) -> Result<Vec<usize>, SampleError> {
    if units.len() != lambda.len() || units.len() != u.len() {
        return Err(SampleError::TooFew { place: "the probabilities".into(), wanted: units.len(), held: lambda.len() });
    }
    let mut ranked = Vec::with_capacity(units.len());
    for (at, unit) in units.iter().enumerate() {
        start(u[at])?;
        ranked.push((pareto_rank(u[at], super::probability(&unit.unit, lambda[at])?), at));
    }
    ranked.sort_by(|(q, a), (r, b)| {
        q.total_cmp(r)
            .then_with(|| u[*a].total_cmp(&u[*b]))
            .then_with(|| (&units[*a].ticket, &units[*a].unit).cmp(&(&units[*b].ticket, &units[*b].unit)))
    });
    Ok(ranked.into_iter().map(|(_, at)| at).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::reference;
    use crate::frame::ticket::Ticket;
    use proptest::prelude::*;

    fn numbers(value: &serde_json::Value) -> Vec<f64> {
        value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-6 * b.abs().max(1e-9)
    }

    fn sizes(of: &[f64]) -> Vec<(&'static str, f64)> {
        of.iter().map(|size| ("", *size)).collect()
    }

    #[test]
    fn sizes_beyond_comparison_are_refused() {
        for sizes in [[1e308, 1e308, 1e308], [5e-324, 1e308, 1e308], [1e-320, 1.0, 1.0]] {
            let named = [("a", sizes[0]), ("b", sizes[1]), ("c", sizes[2])];
            assert_eq!(inclusion(&named, 1).unwrap_err().code(), "sample-number", "{sizes:?}");
        }
    }

    #[test]
    fn probabilities_as_r_sampling_has_them() {
        for case in reference()["sampling"]["inclusion_probabilities"].as_array().unwrap() {
            let pi = inclusion(&sizes(&numbers(&case["x"])), case["n"].as_u64().unwrap() as usize).unwrap();
            for (got, expected) in pi.iter().zip(numbers(&case["pi"])) {
                assert!(close(*got, expected), "{got} {expected}");
            }
        }
        let twenty: Vec<f64> = (1..=20).map(f64::from).collect();
        let pi = inclusion(&sizes(&twenty), 12).unwrap();
        assert!(pi.iter().zip(&twenty).all(|(pi, k)| close(*pi, (k / 17.0).min(1.0))));
        assert_eq!(pi[16..], [1.0; 4]);
        assert_eq!(inclusion(&sizes(&[1.0, 0.0]), 1).unwrap_err().code(), "sample-number");
        assert_eq!(inclusion(&sizes(&[1.0]), 2).unwrap_err().code(), "sample-too-few");
    }

    #[test]
    fn systematic_as_r_sampling_has_it() {
        let known = &reference()["sampling"]["systematic_pps"];
        let pi = numbers(&known["pi"]);
        for (u, expected) in known["by_start"].as_object().unwrap() {
            let taken: Vec<f64> =
                systematic(&pi, u.parse().unwrap()).unwrap().iter().map(|at| (at + 1) as f64).collect();
            assert_eq!(taken, numbers(expected), "{u}");
        }
        for (row, expected) in joint(&pi).unwrap().iter().zip(known["joint_pi"].as_array().unwrap()) {
            for (got, expected) in row.iter().zip(numbers(expected)) {
                assert!((got - expected).abs() < 1e-9, "{got} {expected}");
            }
        }
        assert_eq!(systematic(&[0.5, 0.2], 0.1).unwrap_err().code(), "sample-number");
        assert_eq!(systematic(&[1.5, 0.5], 0.1).unwrap_err().code(), "sample-number");
    }

    #[test]
    fn pareto_and_srs_as_prnsamplr_has_them() {
        let known = &reference()["sampling"]["prn_srs_and_pareto"];
        let texts = |key: &str| -> Vec<String> {
            known[key].as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
        };
        let (ids, strata) = (texts("id"), texts("stratum"));
        let (prn, size) = (numbers(&known["prn"]), numbers(&known["size"]));
        let (mut srs, mut taken) = (Vec::new(), Vec::new());
        for site in ["essex", "nottingham"] {
            let n = known["n"][site].as_u64().unwrap() as usize;
            let here: Vec<usize> = (0..ids.len()).filter(|at| strata[*at] == site).collect();
            let units: Vec<Numbered> = here
                .iter()
                .map(|at| Numbered { ticket: Ticket::read(&prn[*at].to_string()).unwrap(), unit: ids[*at].clone() })
                .collect();
            let u: Vec<f64> = units.iter().map(|unit| unit.ticket.fraction()).collect();
            let lambda =
                inclusion(&here.iter().map(|at| (ids[*at].as_str(), size[*at])).collect::<Vec<_>>(), n).unwrap();
            for (unit, lambda) in units.iter().zip(&lambda) {
                assert!(close(*lambda, known["lambda"][&unit.unit].as_f64().unwrap()), "{}", unit.unit);
            }
            for (at, unit) in units.iter().enumerate() {
                if let Some(expected) = known["Q"].get(&unit.unit) {
                    assert!(close(pareto_rank(u[at], lambda[at]), expected.as_f64().unwrap()), "{}", unit.unit);
                }
            }
            taken.extend(pareto(&units, &u, &lambda).unwrap().into_iter().take(n).map(|at| units[at].unit.clone()));
            let mut order = units.clone();
            order.sort_by(|a, b| crate::frame::ticket::Line::default().compare(a, b));
            srs.extend(order.into_iter().take(n).map(|one| one.unit));
        }
        assert_eq!(taken, texts("pareto"));
        assert_eq!(srs, texts("srs"));
    }

    proptest! {
        /// For every start: n units, the certain ones among them, and the Horvitz–Thompson total of the sizes exact.
        #[test]
        fn every_systematic_sample_has_the_total_of_sizes(
            size in proptest::collection::vec(1..60u32, 2..30),
            share in 0.05..1.0f64,
            u in 0.0..1.0f64,
        ) {
            let size: Vec<f64> = size.into_iter().map(f64::from).collect();
            let n = ((size.len() as f64 * share) as usize).max(1);
            let pi = inclusion(&sizes(&size), n).unwrap();
            prop_assert!(close(pi.iter().sum::<f64>(), n as f64));
            let taken = systematic(&pi, u).unwrap();
            prop_assert_eq!(taken.len(), n);
            let total: f64 = taken.iter().map(|at| size[*at] / pi[*at]).sum();
            prop_assert!(close(total, size.iter().sum()));
            // The joint ones are those of the design: rows add up to n times pi, the diagonal is pi.
            let of_sample = joint_of(&pi, &taken).unwrap();
            let of_all = joint(&pi).unwrap();
            prop_assert_eq!(all_together(&pi).unwrap(), of_all.iter().flatten().all(|both| *both > 1e-9));
            for (a, row) in taken.iter().zip(&of_sample) {
                for (b, both) in taken.iter().zip(row) {
                    prop_assert!((of_all[*a][*b] - both).abs() < 1e-9, "{a} {b}");
                }
            }
            for (at, row) in of_all.iter().enumerate() {
                prop_assert!((row[at] - pi[at]).abs() < 1e-9);
                prop_assert!((row.iter().sum::<f64>() - n as f64 * pi[at]).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn the_example_totals_175_for_every_start() {
        let size = [3.0, 12.0, 30.0, 8.0, 15.0, 40.0, 6.0, 10.0, 25.0, 9.0, 5.0, 12.0];
        for n in [5, 8] {
            let pi = inclusion(&sizes(&size), n).unwrap();
            for step in 0..1000 {
                let taken = systematic(&pi, f64::from(step) / 1000.0).unwrap();
                assert!(close(taken.iter().map(|at| size[*at] / pi[*at]).sum(), 175.0));
            }
        }
    }
}
