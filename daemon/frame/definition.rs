//! What a frame is: the names of DDI Codebook 2.5's `sampleFrame`, which archives take as they are, and by what it is built.

use crate::record::{HubId, canonical};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// What a frame is, in the names of DDI Codebook 2.5's `sampleFrame`, and by what it is built. How many units there are
/// (DDI `numberOfUnits`) follows from the build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Definition {
    /// Short name, by which the frame is called.
    pub sample_frame_name: String,
    /// Title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labl: Option<String>,
    /// Description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub txt: Option<String>,
    /// For how long it may be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_period: Option<Period>,
    /// Who keeps it: a hub or organisation, never a person.
    pub custodian: String,
    /// What it may be used for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub use_stmt: Option<String>,
    /// The population that is meant, in words.
    pub universe: String,
    /// What a unit is, such as `group`.
    pub unit_type: String,
    /// When the units were as the frame has them, in words or as days.
    pub reference_period: String,
    /// How and how often it is brought up to date.
    pub update_procedure: String,
    /// Codes of areas, or their beginnings; empty for everywhere.
    pub area: Vec<String>,
    /// The day for which everything is judged.
    #[serde(deserialize_with = "canonical::a_date")]
    pub as_of: Date,
    /// Hubs whose records are taken; empty for all.
    pub sources: Vec<HubId>,
    /// By which study's categories topics and communities are summed up: a name in the vocabularies' `roll_up`.
    pub roll_up: String,
    /// Hash of the policy by which records were linked and merged: how duplicates were found.
    pub policy: String,
    /// Digest of the registry that the frame was built from.
    pub registry: String,
}

/// From a day to a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// First day.
    #[serde(deserialize_with = "canonical::a_date")]
    pub from: Date,
    /// Last day.
    #[serde(deserialize_with = "canonical::a_date")]
    pub to: Date,
}

/// Something that a definition must say and does not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the definition does not say {0}")]
pub struct NotSaid(pub &'static str);

impl Definition {
    /// Checks that what a reader needs is said.
    ///
    /// # Errors
    /// The first member that is empty, in words.
    pub fn check(&self) -> Result<(), NotSaid> {
        let must = [
            ("its name", &self.sample_frame_name),
            ("who keeps it", &self.custodian),
            ("its universe", &self.universe),
            ("what a unit is", &self.unit_type),
            ("its reference period", &self.reference_period),
            ("how it is brought up to date", &self.update_procedure),
            ("by which study's categories it sums up", &self.roll_up),
            ("by which policy records were linked", &self.policy),
            ("from which registry it is built", &self.registry),
        ];
        if let Some((what, _)) = must.iter().find(|(_, text)| text.trim().is_empty()) {
            return Err(NotSaid(what));
        }
        if self.area.iter().any(|code| code.trim().is_empty()) {
            return Err(NotSaid("which area it means by an empty code"));
        }
        Ok(())
    }
}
