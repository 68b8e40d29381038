//! What a merge gives: a group, each of its fields with who said so, why it was taken, and what else is said.

use super::choice::Chosen;
use super::rules::{OPEN, Unit};
use crate::record::group::{self, Assured, Group, Sighting};
use crate::record::{HubId, RecordRef};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

mod canonical;

/// Why a value was taken. Codes are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// Only one record states it.
    Only,
    /// All that state it say the same.
    Agreed,
    /// A person chose.
    Chosen,
    /// The group's own word.
    GroupsOwn,
    /// The hub whose area it is.
    Area,
    /// A national list.
    National,
    /// Checked later.
    CheckedLater,
    /// Says more.
    Fuller,
    /// Nothing decides: the smaller id, so that every hub shows the same.
    Order,
    /// All values together.
    Union,
    /// For each key the newest.
    Each,
}

impl Rule {
    /// Stable kebab-case code.
    pub fn code(self) -> &'static str {
        match self {
            Rule::Only => "only",
            Rule::Agreed => "agreed",
            Rule::Chosen => "chosen",
            Rule::GroupsOwn => "groups-own",
            Rule::Area => "area",
            Rule::National => "national",
            Rule::CheckedLater => "checked-later",
            Rule::Fuller => "fuller",
            Rule::Order => "order",
            Rule::Union => "union",
            Rule::Each => "each",
        }
    }

    /// Plain words.
    pub fn words(self) -> &'static str {
        match self {
            Rule::Only => "only one hub's record says this",
            Rule::Agreed => "all that say it agree",
            Rule::Chosen => "chosen by a person",
            Rule::GroupsOwn => "the group's own word",
            Rule::Area => "from the hub for this area",
            Rule::National => "from a national list",
            Rule::CheckedLater => "checked most recently",
            Rule::Fuller => "says the most",
            Rule::Order => "nothing decides between them; the first in order is shown",
            Rule::Union => "everything that was said, together",
            Rule::Each => "for each criterion the newest",
        }
    }
}

/// What of a unit a person may still look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Open {
    /// Records of equal authority contradict each other.
    Conflict,
    /// A person chose, and what was chosen, or what it was chosen over, has changed since.
    Moved,
    /// A person looked, and nobody knows.
    Unresolved,
}

impl Open {
    /// Stable kebab-case code.
    pub fn code(self) -> &'static str {
        match self {
            Open::Conflict => "conflict",
            Open::Moved => "moved",
            Open::Unresolved => "unresolved",
        }
    }
}

/// A value that was not taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Other {
    /// The value.
    pub value: Value,
    /// Who states it, sorted.
    pub from: Vec<RecordRef>,
    /// When it was last checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assured: Option<Date>,
    /// Whether it contradicts what was taken, rather than saying less or more.
    pub contradicts: bool,
}

/// A unit of the group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resolved {
    /// What is shown.
    pub value: Value,
    /// Who states it, sorted.
    pub from: Vec<RecordRef>,
    /// Why it was taken.
    pub rule: Rule,
    /// What else is said, weightiest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Other>,
    /// For unions and criteria, who states each value, by value or key. Empty when all come from one record.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub said: BTreeMap<String, Vec<RecordRef>>,
    /// What is still open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<Open>,
    /// Whose choice stands, or stood until something changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen: Option<Chosen>,
}

impl Resolved {
    /// Hubs that state what is shown or what contradicts it: one where only a hub's own lists disagree.
    pub fn hubs(&self) -> BTreeSet<HubId> {
        let against = self.others.iter().filter(|other| other.contradicts).flat_map(|other| &other.from);
        self.from.iter().chain(against).map(|record| record.hub).collect()
    }
}

/// A group, as all records that speak of it say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Merged {
    /// The smallest record's of those that speak. The id of any other, of a copy too, leads to the same group.
    pub id: RecordRef,
    /// Records that speak of the group, sorted.
    pub members: Vec<RecordRef>,
    /// The revision of each member, in the same order.
    pub revs: Vec<u64>,
    /// Records that only repeat what members say, sorted: copies that came back, which say nothing beside their originals.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub copies: Vec<RecordRef>,
    /// By unit; units that nobody states, or that must not be shown, are absent.
    pub values: BTreeMap<Unit, Resolved>,
    /// Everybody who saw the group, once each, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sightings: Vec<Sighting>,
    /// The most protective level any member states.
    pub safety: String,
    /// The newest check that can be true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assured: Option<Assured>,
    /// Licence, where all members state the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// Units on which a person should look, sorted: in conflict, or chosen and changed since.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<Unit>,
}

/// Levels at which the public "front gate" is shown although the place is not.
pub(super) const GATED: [&str; 2] = ["approximate", "contact-first"];

impl Merged {
    /// Whether the public may see that the group exists.
    pub fn listed(&self) -> bool {
        self.safety == OPEN || GATED.contains(&self.safety.as_str())
    }

    /// The value taken for a unit.
    pub fn value(&self, unit: &str) -> Option<&Value> {
        self.values.get(&Unit::of(unit)?).map(|resolved| &resolved.value)
    }

    /// The group's name.
    pub fn name(&self) -> &str {
        self.value("name").and_then(Value::as_str).unwrap_or_default()
    }

    /// What was taken of some units, as a record that says nothing else: for who looks at few units of many groups.
    pub fn some(&self, units: &[&str]) -> Group {
        let taken = |name: &&str| Some(((*name).to_owned(), self.value(name)?.clone()));
        serde_json::from_value(Value::Object(units.iter().filter_map(taken).collect())).unwrap_or_default()
    }

    /// What was taken, as one record.
    pub fn group(&self) -> Group {
        let map: Map<String, Value> =
            self.values.iter().map(|(unit, resolved)| (unit.name().to_owned(), resolved.value.clone())).collect();
        // Values came out of typed groups, unit by unit, so they go back in.
        let mut group: Group = group::typed(map).unwrap_or_default();
        group.sightings.clone_from(&self.sightings);
        group.assured.clone_from(&self.assured);
        group.licence.clone_from(&self.licence);
        group.safety = (self.safety != OPEN).then(|| self.safety.clone());
        group
    }

    /// SHA-256 of the group's canonical JSON (RFC 8785), in which records are named by their place in `members`.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(canonical::text(self)).into()
    }
}
