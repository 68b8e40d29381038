//! What is asked of a draw: the study, the seed and how it came to be, and the design.

use super::sample::allocate::Rule;
use super::sample::quota::{self, Override, Quota};
use crate::record::HubId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The seed, and how it came to be. It is chosen when the frame's digest is known to others already, so that nobody can choose a frame
/// for its draw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commitment {
    /// The seed, as text: dice as they fell, a round of a public beacon.
    pub seed: String,
    /// Where it comes from, in words.
    pub how: String,
    /// The hub at which it was entered.
    pub hub: HubId,
    /// When it was chosen.
    pub at: Timestamp,
    /// When the frame's digest was fixed.
    pub frozen: Timestamp,
    /// The frame's digest.
    pub frame: String,
}

/// Sizes for probabilities in proportion to size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Size {
    /// How many saw the unit at first hand: its multiplicity in the lists.
    Sources,
    /// By unit, all units of the frame.
    Given(BTreeMap<String, f64>),
}

/// How units are taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Design {
    /// Simple random: the smallest tickets.
    Simple {
        /// Units.
        n: usize,
    },
    /// Simple random in each stratum.
    Stratified {
        /// Dimensions that make the strata: `area`, or one of the frame's values.
        by: Vec<String>,
        /// How the sample is divided.
        rule: Rule,
        /// Units in all.
        n: usize,
        /// Fewest from each.
        minimum: usize,
        /// For [`Rule::Neyman`]: standard deviation by stratum.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        deviations: BTreeMap<String, f64>,
    },
    /// Every so manieth of the sorted units, by fractional interval.
    Systematic {
        /// Dimensions to sort by, then by unit.
        sort: Vec<String>,
        /// Units.
        n: usize,
    },
    /// In proportion to size, systematic, in the order of `sort`.
    SystematicPps {
        /// Dimensions to sort by, then by unit.
        sort: Vec<String>,
        /// Sizes.
        size: Size,
        /// Units.
        n: usize,
    },
    /// In proportion to size, by Pareto ranks of the tickets.
    ParetoPps {
        /// Sizes.
        size: Size,
        /// Units.
        n: usize,
    },
    /// By quotas: no probability sample.
    Quota {
        /// What must be there at least.
        quotas: Vec<Quota>,
        /// Units.
        n: usize,
        /// People's choices against the suggestion.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        overrides: Vec<Override>,
    },
}

impl Design {
    /// Whether units are taken by their places on the line of tickets.
    pub fn goes_by_line(&self) -> bool {
        !matches!(self, Design::Systematic { .. } | Design::SystematicPps { .. })
    }

    /// People's choices against a suggestion.
    pub fn overrides(&self) -> &[Override] {
        match self {
            Design::Quota { overrides, .. } => overrides,
            _ => &[],
        }
    }

    /// The dimensions that it names: of strata, of sorting, of quotas.
    pub fn dimensions(&self) -> Vec<&str> {
        match self {
            Design::Stratified { by: named, .. }
            | Design::Systematic { sort: named, .. }
            | Design::SystematicPps { sort: named, .. } => named.iter().map(String::as_str).collect(),
            Design::Quota { quotas, .. } => quotas.iter().map(|quota| quota.dimension.as_str()).collect(),
            Design::Simple { .. } | Design::ParetoPps { .. } => Vec::new(),
        }
    }

    /// What every export must say beside the sample.
    pub fn caution(&self) -> Option<&'static str> {
        match self {
            Design::Quota { .. } => Some(quota::NON_PROBABILITY),
            Design::Systematic { .. } | Design::SystematicPps { .. } => Some(
                "Systematic sample: some pairs of units can never be drawn together, so no unbiased variance estimator exists.",
            ),
            Design::ParetoPps { .. } => Some(
                "Pareto sample: the inclusion probabilities are the target ones, which the true ones meet closely but not exactly.",
            ),
            Design::Simple { .. } | Design::Stratified { .. } => None,
        }
    }
}

/// That a frame is drawn from anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redraw {
    /// Digest of the draw before.
    pub of: String,
    /// Why, in words.
    pub reason: String,
}

/// What is asked of a draw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The study's name.
    pub study: String,
    /// The seed.
    pub commitment: Commitment,
    /// How units are taken.
    pub design: Design,
    /// Where the line of tickets begins; from 0 where it is absent. A second study begins where the first one ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// Most units of the reserve that are written down for each stratum; a replay gives the others.
    pub reserve: usize,
    /// Where the frame was drawn from before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redraw: Option<Redraw>,
    /// Codes of areas, or their beginnings: the part of the frame that is drawn from. Empty for all of it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub part: BTreeSet<String>,
    /// Units of an earlier study, which come after all others. For quotas only: other designs begin elsewhere on the line,
    /// which leaves probabilities as they are.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub spared: BTreeSet<String>,
}

impl Request {
    /// Whether a unit of this area belongs to the part that is drawn from.
    pub fn takes(&self, area: Option<&str>) -> bool {
        self.part.is_empty() || area.is_some_and(|area| self.part.iter().any(|code| area.starts_with(code.as_str())))
    }

    /// Whether some unit may belong to the parts of both.
    pub fn overlaps(&self, other: &BTreeSet<String>) -> bool {
        let meet = |a: &String, b: &String| a.starts_with(b.as_str()) || b.starts_with(a.as_str());
        self.part.is_empty() || other.is_empty() || self.part.iter().any(|a| other.iter().any(|b| meet(a, b)))
    }
}
