//! Sample size, totals, means and standard errors: W. G. Cochran, *Sampling Techniques*, 3rd edition; Horvitz and Thompson 1952.

use super::SampleError;
use serde::Serialize;

/// How sure an interval or a sample size is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Confidence {
    /// Nine times in ten.
    Ninety,
    /// Nineteen times in twenty.
    NinetyFive,
    /// Ninety-nine times in a hundred.
    NinetyNine,
}

impl Confidence {
    /// The two-sided quantile of the normal distribution.
    pub fn z(self) -> f64 {
        match self {
            Confidence::Ninety => 1.644_853_626_951_472_7,
            Confidence::NinetyFive => 1.959_963_984_540_054,
            Confidence::NinetyNine => 2.575_829_303_548_900_4,
        }
    }

    /// The quantile of chi-squared with one degree of freedom: the square of [`Confidence::z`].
    pub fn chi_squared(self) -> f64 {
        self.z() * self.z()
    }
}

/// Units needed to know a share within ± `margin`, of a frame of `population`: n₀/(1 + (n₀−1)/N) with n₀ = z²p(1−p)/margin²
/// (Cochran 4.4). `share` is the share expected; one half asks for most.
///
/// # Errors
/// An empty frame; a share or margin that is none.
pub fn sample_size(population: usize, share: f64, margin: f64, sure: Confidence) -> Result<usize, SampleError> {
    if population == 0 {
        return Err(SampleError::Empty);
    }
    let fraction = |what, value: f64| {
        let sound = value > 0.0 && value < 1.0;
        let error = SampleError::Number { what, of: "the sample".into(), value, must: "between 0 and 1" };
        if sound { Ok(value) } else { Err(error) }
    };
    let (share, margin) = (fraction("the share", share)?, fraction("the margin", margin)?);
    let wanted = sure.chi_squared() * share * (1.0 - share) / (margin * margin);
    // At least one: where the wanted precision is so coarse that less than a unit would do.
    Ok(((wanted / (1.0 + (wanted - 1.0) / population as f64)).ceil() as usize).clamp(1, population))
}

/// An estimate and its standard error.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// The estimate.
    pub value: f64,
    /// Its standard error.
    pub se: f64,
}

/// The Horvitz–Thompson total: Σ y/π.
///
/// # Errors
/// A probability that is none.
pub fn horvitz_thompson(sample: &[(f64, f64)]) -> Result<f64, SampleError> {
    let mut total = 0.0;
    for (at, (y, pi)) in sample.iter().enumerate() {
        total += y / super::probability(&format!("unit {}", at + 1), *pi)?;
    }
    Ok(total)
}

/// The standard error of a Horvitz–Thompson total of a sample of fixed size, by Sen, Yates and Grundy 1953: the root of
/// Σ over pairs of (πᵢπⱼ−πᵢⱼ)/πᵢⱼ·(yᵢ/πᵢ−yⱼ/πⱼ)², none less than 0.
///
/// `joint`: for the units of the sample only, in their order.
///
/// # Errors
/// A probability that is none, or a pair that can never be drawn together, as systematic samples have.
pub fn yates_grundy(units: &[&str], sample: &[(f64, f64)], joint: &[Vec<f64>]) -> Result<f64, SampleError> {
    horvitz_thompson(sample)?;
    let mut variance = 0.0;
    for (i, (y, pi)) in sample.iter().enumerate() {
        for (j, (z, pj)) in sample.iter().enumerate().take(i) {
            let both = joint.get(i).and_then(|row| row.get(j)).copied().unwrap_or(0.0);
            if both <= 0.0 {
                let name =
                    |at: usize| units.get(at).map_or_else(|| format!("unit {}", at + 1), |unit| (*unit).to_owned());
                return Err(SampleError::NeverTogether { a: name(j), b: name(i) });
            }
            variance += (pi * pj - both) / both * (y / pi - z / pj).powi(2);
        }
    }
    Ok(variance.max(0.0).sqrt())
}

/// The Horvitz–Thompson total with a standard error for samples whose joint probabilities are not known: the root of
/// n/(n−1)·Σ(1−πᵢ)(yᵢ/πᵢ−mean)², over the units that were not taken for sure, which add nothing (K. R. W. Brewer and M. E. Donadio 2003,
/// *Survey Methodology* 29:189–196; as R `survey` with `pps = "brewer"`). An approximation, good for designs of high entropy as Pareto's.
///
/// # Errors
/// A probability that is none; one unit that was not taken for sure.
pub fn brewer(sample: &[(f64, f64)]) -> Result<Estimate, SampleError> {
    let value = horvitz_thompson(sample)?;
    let expanded: Vec<(f64, f64)> = sample.iter().filter(|(_, pi)| *pi < 1.0).map(|(y, pi)| (y / pi, *pi)).collect();
    let n = expanded.len() as f64;
    if expanded.len() == 1 {
        return Err(SampleError::Lonely("of units that are not certain".into()));
    }
    let mean = expanded.iter().map(|(y, _)| y).sum::<f64>() / n;
    let spread: f64 = expanded.iter().map(|(y, pi)| (1.0 - pi) * (y - mean).powi(2)).sum();
    let se = if expanded.is_empty() { 0.0 } else { (n / (n - 1.0) * spread).sqrt() };
    Ok(Estimate { value, se })
}

/// What a simple random sample of one stratum showed.
#[derive(Debug, Clone, PartialEq)]
pub struct Stratum {
    /// Its name.
    pub name: String,
    /// Units in it.
    pub population: usize,
    /// Units of the sample.
    pub taken: usize,
    /// Mean of the sample's values.
    pub mean: f64,
    /// Variance of the sample's values, with n−1 below.
    pub variance: f64,
}

impl Stratum {
    /// From the values themselves.
    ///
    /// # Errors
    /// No values; more values than units.
    pub fn of(name: &str, population: usize, values: &[f64]) -> Result<Stratum, SampleError> {
        let taken = values.len();
        if taken == 0 {
            return Err(SampleError::Empty);
        }
        if taken > population {
            return Err(SampleError::TooFew { place: format!("stratum {name:?}"), wanted: taken, held: population });
        }
        let mean = values.iter().sum::<f64>() / taken as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let variance = if taken > 1 { squares / (taken - 1) as f64 } else { 0.0 };
        Ok(Stratum { name: name.to_owned(), population, taken, mean, variance })
    }
}

/// The total of all strata: Σ Nₕ·meanₕ, its variance Σ Nₕ²(1−nₕ/Nₕ)s²ₕ/nₕ (Cochran 5.3 and 5.4). One stratum is a simple random
/// sample.
///
/// # Errors
/// A stratum without a sample, or with one unit of several: its variance cannot be estimated.
pub fn total(strata: &[Stratum]) -> Result<Estimate, SampleError> {
    let (mut value, mut variance) = (0.0, 0.0);
    for Stratum { name, population, taken, mean, variance: s2 } in strata {
        match (*taken, *population) {
            (0, _) => return Err(SampleError::Empty),
            (1, 2..) => return Err(SampleError::Lonely(name.clone())),
            (taken, held) if taken > held => {
                return Err(SampleError::TooFew { place: format!("stratum {name:?}"), wanted: taken, held });
            }
            _ => {}
        }
        let (held, taken) = (*population as f64, *taken as f64);
        value += held * mean;
        variance += held * held * (1.0 - taken / held) * s2 / taken;
    }
    Ok(Estimate { value, se: variance.sqrt() })
}

/// The mean per unit of the frame: the total divided by the units, which are known.
///
/// # Errors
/// As [`total`].
pub fn mean(strata: &[Stratum]) -> Result<Estimate, SampleError> {
    let units: usize = strata.iter().map(|stratum| stratum.population).sum();
    if units == 0 {
        return Err(SampleError::Empty);
    }
    let Estimate { value, se } = total(strata)?;
    Ok(Estimate { value: value / units as f64, se: se / units as f64 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::reference;
    use crate::frame::sample::unequal;
    use serde_json::Value;

    fn close(a: f64, b: &Value, tolerance: f64) {
        let b = b.as_f64().unwrap();
        assert!((a - b).abs() <= tolerance * b.abs(), "{a} {b}");
    }

    fn strata(of: &Value, mean: &str, variance: &str) -> Vec<Stratum> {
        let number = |key: &str, at: usize| of[key][at].as_f64().unwrap();
        (0..3)
            .map(|at| Stratum {
                name: of["order"][at].as_str().unwrap().into(),
                population: number("Nh", at) as usize,
                taken: number("nh", at) as usize,
                mean: number(mean, at),
                variance: number(variance, at),
            })
            .collect()
    }

    #[test]
    fn sample_sizes_with_the_finite_frame() {
        for (case, n) in reference()["sampling"]["sample_size_fpc"]["cases"].as_object().unwrap() {
            let (population, margin) = case.strip_prefix("N=").unwrap().split_once(",e=").unwrap();
            let (population, margin) = (population.parse().unwrap(), format!("0{margin}").parse().unwrap());
            let got = sample_size(population, 0.5, margin, Confidence::NinetyFive).unwrap();
            assert_eq!(got as u64, n.as_u64().unwrap(), "{case}");
        }
        assert_eq!(sample_size(0, 0.5, 0.05, Confidence::NinetyFive).unwrap_err().code(), "sample-empty");
        assert_eq!(sample_size(9, 0.5, 0.0, Confidence::NinetyFive).unwrap_err().code(), "sample-number");
        let of_a_thousand = |sure| sample_size(1000, 0.5, 0.05, sure).unwrap();
        assert!(of_a_thousand(Confidence::NinetyNine) > of_a_thousand(Confidence::Ninety));
    }

    #[test]
    fn stratified_totals_and_means() {
        let known = &reference()["sampling"]["stratified_estimate_api"];
        let estimate = total(&strata(known, "mean", "var")).unwrap();
        close(estimate.value, &known["total_exact_weights"], 1e-9);
        close(estimate.se, &known["se_exact_weights"], 1e-9);
        let estimate = mean(&strata(known, "api00_means", "api00_vars")).unwrap();
        // R keeps these weights in single precision.
        close(estimate.value, &known["mean_api00"], 1e-6);
        close(estimate.se, &known["mean_api00_se"], 1e-6);
    }

    #[test]
    fn simple_random_samples() {
        let known = &reference()["sampling"]["srs_estimate_api"];
        let number = |key: &str| known[key].as_f64().unwrap();
        let (population, taken) = (number("N") as usize, number("n") as usize);
        let one = Stratum { name: String::new(), population, taken, mean: number("mean"), variance: number("var") };
        close(mean(&[one]).unwrap().se, &known["se"], 1e-9);
        let per_unit = number("total_enroll") / population as f64;
        let one = Stratum { name: String::new(), population, taken, mean: per_unit, variance: number("enroll_var") };
        close(total(&[one]).unwrap().se, &known["se_total"], 1e-9);
    }

    #[test]
    fn horvitz_and_thompson() {
        let known = &reference()["sampling"]["HT"];
        let number = |key: &str, at: usize| known[key][at].as_f64().unwrap();
        let sample: Vec<(f64, f64)> = (0..3).map(|at| (number("y", at), number("pi", at))).collect();
        close(horvitz_thompson(&sample).unwrap(), &known["total"], 1e-12);
        assert_eq!(horvitz_thompson(&[(1.0, 0.0)]).unwrap_err().code(), "sample-number");
    }

    /// Of a simple random sample, Sen, Yates and Grundy give what Cochran's formula gives.
    #[test]
    fn both_variances_agree_where_both_hold() {
        let (population, values) = (20.0, [3.0, 8.0, 1.0, 9.0, 4.0]);
        let n = values.len() as f64;
        let sample: Vec<(f64, f64)> = values.iter().map(|y| (*y, n / population)).collect();
        let both = vec![vec![n * (n - 1.0) / (population * (population - 1.0)); 5]; 5];
        let se = yates_grundy(&[], &sample, &both).unwrap();
        let other = total(&[Stratum::of("", 20, &values).unwrap()]).unwrap();
        assert!((se - other.se).abs() < 1e-9, "{se} {other:?}");
    }

    /// With equal probabilities the approximation is Cochran's formula, and certain units change nothing.
    #[test]
    fn brewer_is_cochran_where_all_are_alike() {
        let values = [3.0, 8.0, 1.0, 9.0, 4.0];
        let mut sample: Vec<(f64, f64)> = values.iter().map(|y| (*y, 0.25)).collect();
        let other = total(&[Stratum::of("", 20, &values).unwrap()]).unwrap();
        let found = brewer(&sample).unwrap();
        assert!((found.se - other.se).abs() < 1e-9 && (found.value - other.value).abs() < 1e-9, "{found:?} {other:?}");
        sample.push((100.0, 1.0));
        assert!((brewer(&sample).unwrap().se - other.se).abs() < 1e-9);
        assert_eq!(brewer(&[(7.0, 1.0)]).unwrap(), Estimate { value: 7.0, se: 0.0 });
        assert_eq!(brewer(&[(7.0, 0.5), (1.0, 1.0)]).unwrap_err().code(), "sample-lonely-unit");
    }

    #[test]
    fn what_has_no_standard_error_is_refused() {
        let pi = [0.2, 0.7, 0.8, 0.5, 0.4, 0.4];
        let joint = unequal::joint(&pi).unwrap();
        let taken = [0, 2, 3];
        let pairs: Vec<Vec<f64>> = taken.iter().map(|a| taken.iter().map(|b| joint[*a][*b]).collect()).collect();
        let sample: Vec<(f64, f64)> = taken.iter().map(|at| (1.0, pi[*at])).collect();
        assert!(yates_grundy(&["a", "c", "d"], &sample, &pairs).is_ok());
        let error = yates_grundy(&["a", "b"], &[(1.0, 0.2), (1.0, 0.7)], &joint).unwrap_err();
        assert_eq!(error, SampleError::NeverTogether { a: "a".into(), b: "b".into() });
        let lonely = Stratum::of("x", 9, &[1.0]).unwrap();
        assert_eq!(total(&[lonely]).unwrap_err().code(), "sample-lonely-unit");
        // All of a stratum is no sample: nothing is uncertain.
        assert_eq!(total(&[Stratum::of("x", 1, &[7.0]).unwrap()]).unwrap(), Estimate { value: 7.0, se: 0.0 });
    }
}
