//! How each merge unit is merged: `schema/merge.json`, read once.

use crate::record::group::UNITS;
use crate::record::safety::SAFETY_TABLE;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

/// The merge rules as shipped.
pub const MERGE_RULES: &str = include_str!("../../schema/merge.json");

/// SHA-256 (hex) of the merge rules, followed by the table of safety levels, which decides what of a record is merged.
pub fn merge_hash() -> String {
    hex::encode(Sha256::new().chain_update(MERGE_RULES).chain_update(SAFETY_TABLE).finalize())
}

/// How the values that records state for a unit become the group's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// One record's value is taken whole.
    One,
    /// All values together, each with who states it.
    Union,
    /// For each key the newest fact.
    Each,
}

#[derive(Deserialize)]
struct File {
    units: BTreeMap<String, Entry>,
    safety: Vec<String>,
}

#[derive(Deserialize)]
struct Entry {
    how: How,
}

struct Rules {
    how: [How; UNITS.len()],
    safety: Vec<String>,
}

static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let file: File = serde_json::from_str(MERGE_RULES).expect("schema/merge.json is checked by a test");
    Rules { how: UNITS.map(|name| file.units.get(name).map_or(How::One, |entry| entry.how)), safety: file.safety }
});

/// A merge unit: a field in which hubs can disagree. Ordered as in [`UNITS`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Unit(u8);

impl Unit {
    /// The unit of a name, if there is one.
    pub fn of(name: &str) -> Option<Unit> {
        UNITS.iter().position(|unit| *unit == name).map(|index| Unit(index as u8))
    }

    /// Its name in a group record and in a `choose`.
    pub fn name(self) -> &'static str {
        UNITS[usize::from(self.0)]
    }

    /// All, in the order of [`UNITS`].
    pub fn all() -> impl Iterator<Item = Unit> {
        (0..UNITS.len() as u8).map(Unit)
    }

    /// How it is merged.
    pub fn how(self) -> How {
        RULES.how[usize::from(self.0)]
    }
}

impl fmt::Debug for Unit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl Serialize for Unit {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Unit {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Unit, D::Error> {
        let name = std::borrow::Cow::<str>::deserialize(from)?;
        Unit::of(&name).ok_or_else(|| serde::de::Error::custom("not a merge unit"))
    }
}

/// The level of a place that anybody may know.
pub const OPEN: &str = "open";

/// How protective a safety level is: 0 for `open`; a level that is not known counts as the most protective of all.
pub fn protection(level: &str) -> usize {
    RULES.safety.iter().position(|known| known == level).unwrap_or(RULES.safety.len())
}

/// The most protective of several levels; of several that nobody knows, the first by name.
pub fn most<'a>(levels: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    levels.min_by_key(|level| (std::cmp::Reverse(protection(level)), *level))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::privacy::VISIBILITY;
    use serde_json::Value;
    use std::collections::BTreeSet;

    #[test]
    fn every_member_of_a_group_is_a_unit_or_says_why_not() {
        let file: Value = serde_json::from_str(MERGE_RULES).unwrap();
        let names = |part: &str| file[part].as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
        let (units, others) = (names("units"), names("not_units"));
        assert_eq!(units, UNITS.iter().map(|unit| (*unit).to_owned()).collect());
        assert!(units.is_disjoint(&others));
        // schema/visibility.json lists every member of the Group type; its own test ties it to the type.
        let members: BTreeSet<String> = VISIBILITY["part.group"].keys().cloned().collect();
        assert_eq!(units.union(&others).cloned().collect::<BTreeSet<_>>(), members);
        for reason in file["not_units"].as_object().unwrap().values().chain(file["units"].as_object().unwrap().values())
        {
            let words = reason.as_str().or(reason["why"].as_str()).unwrap();
            assert!(words.ends_with('.'), "{words}");
        }
    }

    #[test]
    fn a_union_unit_is_a_list_of_words_and_a_unit_is_its_name() {
        for unit in Unit::all() {
            assert_eq!(Unit::of(unit.name()), Some(unit));
            let json = serde_json::to_string(&unit).unwrap();
            assert_eq!(serde_json::from_str::<Unit>(&json).unwrap(), unit);
        }
        assert_eq!(Unit::of("place").unwrap().how(), How::One);
        assert_eq!(Unit::of("topics").unwrap().how(), How::Union);
        assert_eq!(Unit::of("criteria").unwrap().how(), How::Each);
        assert_eq!(Unit::of("safety"), None);
    }

    #[test]
    fn a_level_nobody_knows_is_the_most_protective() {
        let order = ["open", "approximate", "contact-first", "unlisted", "sealed", "lead-lined"];
        assert!(order.windows(2).all(|pair| protection(pair[0]) < protection(pair[1])));
    }
}
