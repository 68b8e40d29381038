//! Poisson regression with the logarithm as link, by iterated weighted least squares (McCullagh and Nelder 1989, *Generalized
//! Linear Models*, 2.5). The linear algebra is nalgebra's: a QR decomposition for each step.

use super::Refusal;
use nalgebra::{DMatrix, DVector};

/// A fitted regression.
#[derive(Debug, Clone, PartialEq)]
pub struct Regression {
    /// Coefficients.
    pub beta: Vec<f64>,
    /// Their standard errors.
    pub se: Vec<f64>,
    /// Means fitted.
    pub mu: Vec<f64>,
    /// 2 Σ (y ln(y/μ) − (y − μ)).
    pub deviance: f64,
}

/// Most steps; ten are usual.
const STEPS: usize = 200;
/// A step that changes the deviance by less than this share is the last.
const SETTLED: f64 = 1e-13;
/// A mean whose logarithm is beyond this runs to 0 or to infinity: counts of groups are below exp 20.
const RUNAWAY: f64 = 25.0;

/// Fits counts `y` (at least 0, need not be whole) to the columns of `design`, given by row.
///
/// # Errors
/// [`Refusal::NoFit`] where columns depend on one another, or the estimate runs away instead of settling.
pub fn fit(design: &[Vec<f64>], y: &[f64]) -> Result<Regression, Refusal> {
    let (rows, columns) = (design.len(), design.first().map_or(0, Vec::len));
    if columns == 0 || rows < columns || y.len() != rows {
        return Err(Refusal::NoFit);
    }
    let x = DMatrix::from_fn(rows, columns, |row, column| design[row][column]);
    let mut eta: Vec<f64> = y.iter().map(|y| (y + 0.1).ln()).collect();
    let mut before = f64::INFINITY;
    for _ in 0..STEPS {
        let mu: Vec<f64> = eta.iter().map(|eta| eta.exp()).collect();
        let root: Vec<f64> = mu.iter().map(|mu| mu.sqrt()).collect();
        let weighted = DMatrix::from_fn(rows, columns, |row, column| root[row] * x[(row, column)]);
        let working = DVector::from_fn(rows, |row, _| root[row] * (eta[row] + (y[row] - mu[row]) / mu[row]));
        let qr = weighted.qr();
        let r = qr.r();
        let scale = r.diagonal().amax();
        if !scale.is_finite() || r.diagonal().iter().any(|entry| entry.abs() < scale * 1e-11) {
            return Err(Refusal::NoFit);
        }
        let mut right = working;
        qr.q_tr_mul(&mut right);
        let right = right.rows(0, columns).into_owned();
        let beta = r.solve_upper_triangular(&right).ok_or(Refusal::NoFit)?;
        let fitted = &x * &beta;
        eta = fitted.iter().copied().collect();
        let mu: Vec<f64> = eta.iter().map(|eta| eta.exp()).collect();
        let deviance = deviance(y, &mu);
        if !deviance.is_finite() || fitted.amax() > RUNAWAY {
            return Err(Refusal::NoFit);
        }
        if (before - deviance).abs() <= SETTLED * (deviance.abs() + 0.1) {
            let inverse = r.solve_upper_triangular(&DMatrix::identity(columns, columns)).ok_or(Refusal::NoFit)?;
            let se = (0..columns).map(|at| inverse.row(at).norm()).collect();
            return Ok(Regression { beta: beta.iter().copied().collect(), se, mu, deviance });
        }
        before = deviance;
    }
    Err(Refusal::NoFit)
}

fn deviance(y: &[f64], mu: &[f64]) -> f64 {
    let one = |(y, mu): (&f64, &f64)| if *y > 0.0 { y * (y / mu).ln() - (y - mu) } else { *mu };
    2.0 * y.iter().zip(mu).map(one).sum::<f64>()
}

impl Regression {
    /// The logarithm of the Poisson likelihood of counts `y`, factorials included.
    pub fn log_likelihood(&self, y: &[u64]) -> f64 {
        y.iter().zip(&self.mu).map(|(y, mu)| *y as f64 * mu.ln() - mu - factorial(*y)).sum()
    }
}

/// ln y!: the sum itself, and Stirling's series where that has more digits than a double.
fn factorial(y: u64) -> f64 {
    if y < 256 {
        return (2..=y).map(|k| (k as f64).ln()).sum();
    }
    let y = y as f64;
    (y + 0.5) * y.ln() - y + 0.5 * (2.0 * std::f64::consts::PI).ln() + (1.0 - 1.0 / (30.0 * y * y)) / (12.0 * y)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_of_two_kinds_are_fitted_exactly() {
        let design = [vec![1.0, 0.0], vec![1.0, 0.0], vec![1.0, 1.0], vec![1.0, 1.0]];
        let fitted = fit(&design, &[2.0, 4.0, 10.0, 20.0]).unwrap();
        assert!((fitted.mu[0] - 3.0).abs() < 1e-9 && (fitted.mu[3] - 15.0).abs() < 1e-9);
        // Var(β₀) of a saturated mean is 1/Σy.
        assert!((fitted.se[0] - (1.0f64 / 6.0).sqrt()).abs() < 1e-9);
    }

    /// However large a count is: of one as somebody may bring it in a file, a sum would take for ever.
    #[test]
    fn the_factorial_of_any_count_is_known_at_once() {
        let sum = |y: u64| (2..=y).map(|k| (k as f64).ln()).sum::<f64>();
        for y in [0, 1, 5, 255, 256, 1_000, 40_000] {
            assert!((factorial(y) - sum(y)).abs() <= 1e-12 * sum(y), "{y}: {} {}", factorial(y), sum(y));
        }
        assert!(factorial(u64::MAX).is_finite());
    }

    #[test]
    fn columns_that_depend_on_one_another_are_refused() {
        let design = [vec![1.0, 2.0], vec![1.0, 2.0], vec![1.0, 2.0]];
        assert_eq!(fit(&design, &[1.0, 2.0, 3.0]), Err(Refusal::NoFit));
        // A mean that runs to 0.
        let design = [vec![1.0, 0.0], vec![1.0, 0.0], vec![1.0, 1.0]];
        assert_eq!(fit(&design, &[5.0, 7.0, 0.0]), Err(Refusal::NoFit));
    }
}
