//! The public part of a frame: what a hub says of a sampling frame that it has frozen.
//!
//! What the frame is, by which rules, how many units it has and what became of all records, and the digest of its bytes. The rows
//! themselves are no part of a feed: a line holds 16 KiB and anybody may read it, and a frame's rows are for those whom a study's
//! agreement names. Who is given the folder checks it by the digest.

use super::canonical;
use super::group::{Extra, PartError, typed};
use super::statement::HubId;
use super::strict;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Why records took no part before groups were made of them, all reasons together: apart, they would tell whoever knows an area
/// that a group there must not be listed.
pub const APART: &str = "taken-out";

/// What a hub says of a frozen frame; members with the names of DDI Codebook 2.5's `sampleFrame` are written as there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct FramePart {
    /// Short name: lower-case words and numbers joined by hyphens, at most 40 characters.
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
    /// What it may be used for, and how its rows are asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub use_stmt: Option<String>,
    /// The population that is meant, in words.
    pub universe: String,
    /// What a unit is, such as `group`.
    pub unit_type: String,
    /// How many units it has.
    pub number_of_units: u64,
    /// When the units were as the frame has them.
    pub reference_period: String,
    /// How and how often it is brought up to date.
    pub update_procedure: String,
    /// Codes of areas, or their beginnings; absent for everywhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub area: Vec<String>,
    /// The day for which everything was judged.
    #[serde(deserialize_with = "canonical::a_date")]
    pub as_of: Date,
    /// Hubs whose records were taken; absent for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub sources: Vec<HubId>,
    /// By which rules, as they are cited.
    pub profile: String,
    /// Hash of the policy by which records were linked and merged.
    pub policy: String,
    /// Digest of the registry that it was built from.
    pub registry: String,
    /// What became of all records and groups, step by step.
    pub counts: Vec<Count>,
    /// When it was frozen: the time of its seal.
    #[serde(deserialize_with = "canonical::a_time")]
    pub frozen: Timestamp,
    /// SHA-256 (lower-case hex) of the frame's bytes.
    pub digest: String,
    /// Licence of what is said here and of the frame, as an SPDX id or address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// Members this version does not know, kept as they came.
    #[serde(flatten)]
    pub extra: Extra,
}

/// From a day to a day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Period {
    /// First day.
    #[serde(deserialize_with = "canonical::a_date")]
    pub from: Date,
    /// Last day.
    #[serde(deserialize_with = "canonical::a_date")]
    pub to: Date,
}

/// A step of the accounts: how many are left, and what left before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Count {
    /// `received`, `read`, `linked`, `in-area`, `in-scope`, `included`.
    pub step: String,
    /// What is counted: `records` or `groups`.
    pub of: String,
    /// How many reached this step.
    pub count: u64,
    /// How many left before it, by reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left: BTreeMap<String, u64>,
}

/// Whether a text is a name that frames have.
pub fn is_name(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=40).contains(&text.len()) && !text.starts_with('-') && !text.ends_with('-') && text.bytes().all(plain)
}

/// Whether a text is a SHA-256 in lower-case hex.
pub fn is_hex(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

impl FramePart {
    /// Reads the JSON of a public part.
    ///
    /// # Errors
    /// [`PartError`]: JSON that readers would read differently, a member of another form, a name or digest that is none, accounts
    /// that do not add up.
    pub fn read(json: &str) -> Result<FramePart, PartError> {
        let part: FramePart = typed(strict::object(json.as_bytes())?)?;
        let wrong = |member: &str| Err(PartError::Member(member.to_owned()));
        if !is_name(&part.sample_frame_name) {
            return Err(PartError::Name);
        }
        if !is_hex(&part.digest) {
            return wrong("digest");
        }
        let left = |step: &Count| step.left.values().try_fold(step.count, |sum, left| sum.checked_add(*left));
        let adds_up = part.counts.windows(2).all(|pair| left(&pair[1]) == Some(pair[0].count));
        if !adds_up || part.counts.last().is_none_or(|last| last.count != part.number_of_units) {
            return wrong("counts");
        }
        Ok(part)
    }

    /// The JSON of the public part: one line, members in the order of this file.
    pub fn json(&self) -> String {
        serde_json::to_string(self).expect("a FramePart has string keys and finite numbers, which always serialise")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn sound() -> Value {
        json!({
            "sampleFrameName": "nottingham-2026", "custodian": "Self Help Nottingham", "universe": "Groups in Nottingham",
            "unitType": "group", "numberOfUnits": 2, "referencePeriod": "2026", "updateProcedure": "Each year",
            "asOf": "2026-11-22", "profile": "seebohm2013 version 1", "policy": "p", "registry": "r",
            "counts": [
                {"step": "received", "of": "records", "count": 5},
                {"step": "included", "of": "groups", "count": 2, "left": {"closed": 1, "same-group": 2}},
            ],
            "frozen": "2026-11-22T09:00:00Z", "digest": "0".repeat(64),
        })
    }

    #[test]
    fn it_reads_back_and_keeps_what_is_newer() {
        let mut value = sound();
        value["doi"] = json!("10.1234/later");
        let part = FramePart::read(&value.to_string()).unwrap();
        assert_eq!(FramePart::read(&part.json()).unwrap(), part);
        assert!(part.json().contains("10.1234/later"));
    }

    #[test]
    fn what_is_no_frame_or_does_not_add_up_is_refused() {
        let cases = [
            ("sampleFrameName", json!("Nottingham 2026"), "part-name"),
            ("sampleFrameName", json!("-"), "part-name"),
            ("digest", json!("A".repeat(64)), "part-member"),
            ("numberOfUnits", json!(3), "part-member"),
            ("asOf", json!("20261122"), "part-member"),
            ("frozen", json!("2026-11-22T09:00:00+00:00"), "part-member"),
            ("sources", json!(["somebody"]), "part-member"),
            ("counts", json!([]), "part-member"),
            ("universe", json!(null), "part-member"),
        ];
        for (member, value, code) in cases {
            let mut changed = sound();
            changed[member] = value;
            assert_eq!(FramePart::read(&changed.to_string()).map_err(|error| error.code()), Err(code), "{member}");
        }
        let mut lost = sound();
        lost["counts"][1]["left"]["closed"] = json!(2);
        assert!(FramePart::read(&lost.to_string()).is_err(), "a group too many");
    }
}
