//! Limits by the profile of the multinomial likelihood (Cormack 1992, *Biometrics* 48:567–576): which totals the data do not
//! speak against.
//!
//! For a total N, the missing count n₀ = N − n joins the table as a cell of its own with the row (1, 0 … 0); the likelihood of N is
//! that fit's, less what the Poisson one counts for the total itself.

use super::loglinear::Fit;
use super::{Refusal, poisson};
use crate::frame::sample::estimate::Confidence;
use serde::Serialize;

/// The profile of a model.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Profile {
    /// The total at which the likelihood is greatest: a little less than the Poisson estimate.
    pub total: f64,
    /// Lower limit; the units seen, where the data do not exclude that these are all.
    pub low: f64,
    /// Upper limit; none where the data set none.
    pub high: Option<f64>,
}

/// Past so many times the units seen there is no limit worth the name.
const ENDLESS: f64 = 1e5;
/// Limits are found to this share of themselves.
const PRECISION: f64 = 1e-9;

/// The profile of a fitted model.
///
/// # Errors
/// [`Refusal::NoFit`] where the likelihood cannot be computed.
pub fn profile(fit: &Fit, sure: Confidence) -> Result<Profile, Refusal> {
    let n = fit.n as f64;
    let likelihood = |total: f64| Ok(at(fit, total)?.0);
    // The slope falls from above 0 at the units seen to below 0 far out.
    let mut far = n + 2.0 * (fit.total - n) + 1.0;
    while at(fit, far)?.1 > 0.0 && far < n * ENDLESS {
        far += far - n;
    }
    let total = crossing(&|total| Ok(-at(fit, total)?.1), 0.0, n, far)?;
    let least = likelihood(total)? - sure.chi_squared() / 2.0;
    let low = if likelihood(n)? >= least { n } else { crossing(&likelihood, least, n, total)? };
    let mut far = total + (total - n).max(1.0);
    while likelihood(far)? > least {
        far += 2.0 * (far - n);
        if far > n * ENDLESS {
            return Ok(Profile { total, low, high: None });
        }
    }
    Ok(Profile { total, low, high: Some(crossing(&likelihood, least, far, total)?) })
}

/// The logarithm of the likelihood of a total, and its slope there. The fit is the best for its total, so that only what
/// names n₀ moves with it: −ln(n₀/μ₀) from the regression, and what the constant adds.
fn at(fit: &Fit, total: f64) -> Result<(f64, f64), Refusal> {
    let missing = (total - fit.n as f64).max(0.0);
    let mut row = vec![0.0; fit.design[0].len()];
    row[0] = 1.0;
    let mut design = fit.design.clone();
    design.push(row);
    let y: Vec<f64> = fit.counts.iter().map(|count| *count as f64).chain([missing]).collect();
    let fitted = poisson::fit(&design, &y)?;
    let expected = fitted.mu.last().copied().unwrap_or(1.0);
    const STEP: f64 = 1e-4;
    let slope = if missing > STEP {
        let moved = constant(missing + STEP, total + STEP) - constant(missing - STEP, total - STEP);
        moved / (2.0 * STEP) - (missing / expected).ln()
    } else {
        f64::INFINITY
    };
    Ok((constant(missing, total) - fitted.deviance / 2.0, slope))
}

/// ln N! − N ln N − (ln n₀! − n₀ ln n₀). With Stirling's formula for the factorials this is Cormack's n₀ − N − ½ ln(n₀/N); exact, it
/// holds for small frames too.
fn constant(missing: f64, total: f64) -> f64 {
    ragged(total) - ragged(missing)
}

/// ln Γ(x+1) − x ln x: Stirling's series after raising the argument by ten.
fn ragged(x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    let z = x + 11.0;
    let series = (1.0 / 12.0 - (1.0 / 360.0 - 1.0 / (1260.0 * z * z)) / (z * z)) / z;
    let gamma = (z - 0.5) * z.ln() - z + 0.5 * (2.0 * std::f64::consts::PI).ln() + series;
    let down: f64 = (1..=10).map(|k| (x + f64::from(k)).ln()).sum();
    gamma - down - x * x.ln()
}

/// Where a function passes a level between an argument where it is below and one where it is above.
fn crossing(of: &impl Fn(f64) -> Result<f64, Refusal>, level: f64, below: f64, above: f64) -> Result<f64, Refusal> {
    let (mut below, mut above) = (below, above);
    while (below - above).abs() > PRECISION * above {
        let middle = (below + above) / 2.0;
        if of(middle)? < level {
            below = middle;
        } else {
            above = middle;
        }
    }
    Ok((below + above) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::coverage::loglinear::{self, Differ, Model};
    use crate::frame::coverage::tests::{close, known, table};
    use serde_json::Value;

    fn same(of: &str, model: &Model, expected: &Value) {
        let fit = loglinear::fit(&table(of), model).unwrap();
        let got = profile(&fit, Confidence::NinetyFive).unwrap();
        close(got.total, &expected[0], 1e-4);
        close(got.low, &expected[1], 1e-4);
        close(got.high.unwrap(), &expected[2], 1e-4);
    }

    #[test]
    fn profiles_of_the_known_models() {
        same("HAV", &Model::m0(), &known("HAV")["M0_profile"]);
        for of in ["HAV", "HIV", "lesbian"] {
            same(of, &Model::mt(), &known(of)["Mt_profile"]);
            same(of, &Model::mt().differing(Differ::Chao), &known(of)["MthChao_profile"]);
        }
        same("lesbian", &Model::m0().differing(Differ::Chao), &known("lesbian")["MhChao_profile"]);
        same("HIV", &Model::with_pairs([(0, 1)]), &known("HIV")["Mt+12_profile"]);
        let darroch = Model::with_pairs([(0, 1), (0, 2), (0, 3)]).differing(Differ::Darroch);
        same("lesbian", &darroch, &known("lesbian")["Darroch_12_13_14_profile"]);
    }

    /// Guard 8: of two short lists only that there are 38 to 133, and that two ways of computing it agree.
    #[test]
    fn a_tiny_table_is_honest_about_itself() {
        let known = &crate::frame::reference()["expected"]["guards"]["tiny"];
        let patterns = known["freq"].as_object().unwrap().iter().map(|(p, c)| (p.clone(), c.as_u64().unwrap()));
        let tiny = crate::frame::coverage::Table::of(vec!["a".into(), "b".into()], &patterns.collect()).unwrap();
        let fit = loglinear::fit(&tiny, &Model::mt()).unwrap();
        close(fit.se, &known["Mt_se"], 1e-4);
        let pair = crate::frame::coverage::pairs::pair(&tiny, 0, 1, Confidence::NinetyFive).unwrap();
        close(pair.lincoln_petersen, &known["LP"], 1e-9);
        close(pair.chapman, &known["chapman"], 1e-8);
        let got = profile(&fit, Confidence::NinetyFive).unwrap();
        close(got.total, &known["profile"][0], 1e-4);
        close(got.low, &known["profile"][1], 1e-4);
        close(got.high.unwrap(), &known["profile"][2], 1e-4);
    }

    #[test]
    fn the_factorials_are_right() {
        // 5! = 120, 0! = 1.
        assert!((ragged(5.0) - (120.0f64.ln() - 5.0 * 5.0f64.ln())).abs() < 1e-10);
        assert!(ragged(1.0).abs() < 1e-10 && ragged(0.0) == 0.0);
        let (missing, total) = (500.0f64, 900.0f64);
        let cormack = missing - total - 0.5 * (missing / total).ln();
        assert!((constant(missing, total) - cormack).abs() < 1e-3);
    }
}
