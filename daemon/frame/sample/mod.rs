//! Samples: which units a design takes, with what probability, and what follows from them.
//!
//! Every choice is a function of the units, a seed's tickets and numbers written in the design. Units are given and come back
//! by id; what a method leaves open, the smaller id decides.
//!
//! * [`allocate`](mod@allocate): how many units each stratum gives;
//! * [`simple`]: simple random, stratified, and systematic with equal probabilities;
//! * [`unequal`]: probabilities proportional to size, systematic and Pareto;
//! * [`quota`]: a purposive grid of quotas;
//! * [`estimate`]: sample size, totals, means and their standard errors;
//! * [`disposition`]: what became of the units, and response rates.

pub mod allocate;
pub mod disposition;
pub mod estimate;
pub mod quota;
pub mod simple;
pub mod unequal;

use serde::Serialize;

/// A unit that was taken, as data sets of samples have it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Taken {
    /// The unit's id.
    pub unit: String,
    /// Its stratum; empty where the design has none.
    pub stratum: String,
    /// The unit's ticket.
    pub ticket: String,
    /// Place in the sample's order, from 1.
    pub order: usize,
    /// Inclusion probability; none for a purposive sample, which has none.
    pub pi: Option<f64>,
    /// Design weight, 1/pi.
    pub weight: Option<f64>,
    /// Units in the stratum.
    pub population: usize,
    /// Units taken from the stratum.
    pub taken: usize,
    /// Whether it was taken for sure, because it is so large.
    pub certain: bool,
}

/// Why a sample cannot be drawn or an estimate not be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SampleError {
    /// More units wanted than there are.
    #[error("{wanted} units are wanted of {place}, which has {held}")]
    TooFew {
        /// Stratum, or "the frame".
        place: String,
        /// Units wanted.
        wanted: usize,
        /// Units there.
        held: usize,
    },
    /// Nothing is wanted, or from nothing.
    #[error("a sample needs at least one unit and a frame that is not empty")]
    Empty,
    /// The least that strata must give is more than the sample.
    #[error("the strata must give at least {least} units together, and the sample has {wanted}")]
    Minimum {
        /// What the minima make together.
        least: usize,
        /// Size of the sample.
        wanted: usize,
    },
    /// A size, deviation or probability that is none.
    #[error("{what} of {of} is {value}: it must be a number that is {must}")]
    Number {
        /// What kind of number.
        what: &'static str,
        /// Whose.
        of: String,
        /// What it is.
        value: f64,
        /// What it must be.
        must: &'static str,
    },
    /// The same unit or stratum twice.
    #[error("{0} is named twice")]
    Twice(String),
    /// A pair of units that can never be in one sample: no unbiased variance can be estimated.
    #[error("{a} and {b} can never be in one sample of this design, so no unbiased standard error exists")]
    NeverTogether {
        /// One unit.
        a: String,
        /// The other.
        b: String,
    },
    /// One unit in a stratum of several: its variance cannot be estimated.
    #[error("stratum {0} gave one unit of several, so its variance cannot be estimated: join it with another")]
    Lonely(String),
    /// An override without a reason.
    #[error("a choice against the rule needs a reason in words")]
    NoReason,
    /// A unit that is not there.
    #[error("{0} is not among the units")]
    Unknown(String),
    /// A disposition that cannot be.
    #[error("{0}")]
    Disposition(String),
}

impl SampleError {
    /// Stable kebab-case code.
    pub fn code(&self) -> &'static str {
        match self {
            SampleError::TooFew { .. } => "sample-too-few",
            SampleError::Empty => "sample-empty",
            SampleError::Minimum { .. } => "sample-minimum",
            SampleError::Number { .. } => "sample-number",
            SampleError::Twice(_) => "sample-twice",
            SampleError::NeverTogether { .. } => "sample-never-together",
            SampleError::Lonely(_) => "sample-lonely-unit",
            SampleError::NoReason => "sample-no-reason",
            SampleError::Unknown(_) => "sample-unknown-unit",
            SampleError::Disposition(_) => "sample-disposition",
        }
    }
}

/// Refuses what is not a number above zero.
fn positive(what: &'static str, of: &str, value: f64) -> Result<f64, SampleError> {
    let sound = value.is_finite() && value > 0.0;
    if sound { Ok(value) } else { Err(SampleError::Number { what, of: of.to_owned(), value, must: "above 0" }) }
}

/// Refuses what is no probability above zero.
fn probability(of: &str, value: f64) -> Result<f64, SampleError> {
    if value <= 1.0 {
        positive("the inclusion probability", of, value)
    } else {
        let of = of.to_owned();
        Err(SampleError::Number { what: "the inclusion probability", of, value, must: "above 0 and at most 1" })
    }
}
