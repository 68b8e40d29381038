//! How far a group's place may be known, and what that means for each member of its record: `schema/safety.json`, read once.
//!
//! The table is the only place that says so. Splitting a row ([`crate::store::protected`]), the signer's last look
//! ([`super::privacy::check_part`]), the merge and every export go by [`coarsened`].

use super::group::{self, Group};
use super::vocabulary;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A safety level, least protective first; vocabulary `safety-levels`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// The place and time may be shown to anyone.
    Open,
    /// The district only.
    Approximate,
    /// Only a safe way to get in touch.
    ContactFirst,
    /// Known to the hub only, and counted.
    Unlisted,
    /// Not even that it exists leaves the hub.
    Sealed,
}

impl Level {
    /// All, least protective first.
    pub const ALL: [Level; 5] = [Level::Open, Level::Approximate, Level::ContactFirst, Level::Unlisted, Level::Sealed];

    /// The level of a label; one that nobody here knows is taken for the most protective of all.
    pub fn of(label: &str) -> Level {
        Level::ALL.into_iter().find(|level| level.label() == label).unwrap_or(Level::Sealed)
    }

    /// What a record says of itself; nothing is open.
    pub fn stated(group: &Group) -> Level {
        group.safety.as_deref().map_or(Level::Open, Level::of)
    }

    /// The label in records and statements.
    pub fn label(self) -> &'static str {
        match self {
            Level::Open => "open",
            Level::Approximate => "approximate",
            Level::ContactFirst => "contact-first",
            Level::Unlisted => "unlisted",
            Level::Sealed => "sealed",
        }
    }

    /// Whether anything of a record of this level is signed.
    pub fn signed(self) -> bool {
        TABLE.levels.get(self.label()).is_some_and(|terms| terms.signed)
    }

    /// Whether groups of this level may be counted in a sum that leaves the hub.
    pub fn counted(self) -> bool {
        TABLE.levels.get(self.label()).is_some_and(|terms| terms.counted)
    }

    /// Why the level is as it is, in plain words.
    pub fn why(self) -> &'static str {
        TABLE.levels.get(self.label()).map_or("", |terms| terms.why.as_str())
    }
}

impl std::fmt::Display for Level {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.label())
    }
}

/// What becomes of a member at a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// Stays as it is.
    Public,
    /// Stays, if it was written for this level and holds nothing of what is withheld.
    Words,
    /// Only part of it stays.
    Coarse,
    /// Goes.
    Withheld,
}

#[derive(Deserialize)]
struct Terms {
    signed: bool,
    counted: bool,
    why: String,
}

#[derive(Deserialize)]
struct Table {
    levels: BTreeMap<String, Terms>,
    members: BTreeMap<String, BTreeMap<String, Row>>,
}

/// What becomes of a member at each level above open, and why.
type Row = (How, How, How, How, String);

/// The table as shipped; its hash is part of the merge rules'.
pub const SAFETY_TABLE: &str = include_str!("../../schema/safety.json");

static TABLE: LazyLock<Table> =
    LazyLock::new(|| serde_json::from_str(SAFETY_TABLE).expect("schema/safety.json is checked by a test"));

/// What becomes of a member (`group` and `place`, `place` and `venue`) at a level. A member that the table does not name goes.
pub fn how(level: Level, section: &str, member: &str) -> How {
    if level == Level::Open {
        return How::Public;
    }
    let members = TABLE.members.get(section);
    let Some(row) = members.and_then(|members| members.get(member)) else { return How::Withheld };
    match level {
        Level::Open => How::Public,
        Level::Approximate => row.0,
        Level::ContactFirst => row.1,
        Level::Unlisted => row.2,
        Level::Sealed => row.3,
    }
}

/// The section that says what becomes of the members of a member.
fn section_of(member: &str) -> &str {
    match member {
        "meetings" => "meeting",
        "criteria" => "criterion",
        "sightings" => "sighting",
        other => other,
    }
}

/// What of a record's members may be known at a level. `words` says whether its words were written for this level: those of
/// a record for a less protective one go.
pub fn coarsened(members: &Map<String, Value>, level: Level, words: bool) -> Map<String, Value> {
    if level == Level::Open { members.clone() } else { section(members, "group", level, words) }
}

/// [`coarsened`] of a record.
pub fn coarse(group: &Group, level: Level, words: bool) -> Group {
    group::typed(coarsened(&group.members(), level, words)).unwrap_or_default()
}

fn section(members: &Map<String, Value>, name: &str, level: Level, words: bool) -> Map<String, Value> {
    let mut kept = Map::new();
    for (member, value) in members {
        let value = match how(level, name, member) {
            How::Public => Some(value.clone()),
            How::Words => words.then(|| value.clone()),
            How::Withheld => None,
            How::Coarse => part(name, member, value, level, words),
        };
        if let Some(value) = value {
            kept.insert(member.clone(), value);
        }
    }
    kept
}

/// The part of a member that stays.
fn part(section_name: &str, member: &str, value: &Value, level: Level, words: bool) -> Option<Value> {
    match (section_name, member, value) {
        ("place", "postcode", Value::String(text)) => outward(text).map(Value::String),
        ("meeting", "rrule", Value::String(text)) => how_often(text).map(Value::String),
        ("group", "criteria", Value::Object(facts)) => {
            let fact = |value: &Value| {
                Value::Object(value.as_object().map(|it| section(it, "criterion", level, words)).unwrap_or_default())
            };
            Some(Value::Object(facts.iter().map(|(term, value)| (term.clone(), fact(value))).collect()))
        }
        ("group", _, Value::Object(inner)) => {
            let kept = section(inner, section_of(member), level, words);
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        ("group", _, Value::Array(items)) => {
            let mut kept: Vec<Value> = Vec::new();
            for item in items.iter().filter_map(Value::as_object) {
                let item = Value::Object(section(item, section_of(member), level, words));
                if item.as_object().is_some_and(|item| !item.is_empty()) && !kept.contains(&item) {
                    kept.push(item);
                }
            }
            (!kept.is_empty()).then_some(Value::Array(kept))
        }
        // The table says coarse of something that has no coarse form here.
        _ => None,
    }
}

/// The outward half of a postcode; `None` of what has not the form of one, because it may be anything.
pub fn outward(text: &str) -> Option<String> {
    let bare: String = text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_uppercase()).collect();
    if !bare.is_ascii() {
        return None;
    }
    let out = match bare.len() {
        5..=7 => {
            let (out, inward) = bare.split_at(bare.len() - 3);
            let inward = inward.as_bytes();
            let sound = inward[0].is_ascii_digit() && inward[1..].iter().all(u8::is_ascii_uppercase);
            sound.then_some(out)?
        }
        2..=4 => bare.as_str(),
        _ => return None,
    };
    let letters = out.bytes().take_while(u8::is_ascii_uppercase).count();
    let rest = &out.as_bytes()[letters..];
    let sound = (1..=2).contains(&letters)
        && matches!(rest, [digit, more @ ..] if digit.is_ascii_digit() && more.len() <= 1
            && more.iter().all(u8::is_ascii_alphanumeric));
    sound.then(|| out.to_owned())
}

/// Frequency and interval of a recurrence, without any day or date.
fn how_often(rule: &str) -> Option<String> {
    let known = |part: &&str| match part.split_once('=') {
        Some(("FREQ", value)) => ["DAILY", "WEEKLY", "MONTHLY", "YEARLY"].contains(&value),
        Some(("INTERVAL", value)) => value.len() <= 2 && value.bytes().all(|b| b.is_ascii_digit()),
        _ => false,
    };
    let kept: Vec<&str> = rule.split(';').filter(known).collect();
    kept.iter().any(|part| part.starts_with("FREQ=")).then(|| kept.join(";"))
}

/// Whether a record says more of where or when than a level lets be known. Words are another matter: only who knows the
/// place can tell what they give away.
pub fn exceeds(group: &Group, level: Level) -> bool {
    let said = group.members();
    let kept = coarsened(&said, level, true);
    ["place", "meetings"].iter().any(|member| said.get(*member) != kept.get(*member))
}

/// The first word of the vocabulary `safety-words` in a text, as a whole word: what is there may be looked for by whoever hurt
/// people. A reason to ask and to be careful, never a decision.
pub fn asks_care(text: &str) -> Option<&'static str> {
    let all = text.to_lowercase();
    let whole_word = |word: &&str| {
        let word = word.to_lowercase();
        all.match_indices(&word).any(|(at, _)| {
            let before = all[..at].chars().next_back().is_none_or(|c| !c.is_alphabetic());
            before && all[at + word.len()..].chars().next().is_none_or(|c| !c.is_alphabetic())
        })
    };
    vocabulary::safety_words().terms.iter().flat_map(vocabulary::Term::words).find(whole_word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::privacy::VISIBILITY;
    use crate::record::vocabulary;
    use serde_json::json;

    #[test]
    fn the_table_names_every_member_of_a_record_and_nothing_else() {
        let mut sections: Vec<String> = TABLE.members.keys().map(|name| format!("part.{name}")).collect();
        // Neither speaks of one group.
        sections.extend(["part.list", "part.frame", "part.frame-count", "part.frame-period"].map(String::from));
        sections.sort();
        // Contacts are signed only beside a record, where it is signed at all, and given to those whom a consent names.
        let elsewhere = ["part.contact-part", "part.rolecontact"];
        let all: Vec<&String> =
            VISIBILITY.keys().filter(|name| name.starts_with("part.") && !elsewhere.contains(&name.as_str())).collect();
        assert_eq!(sections.iter().collect::<Vec<_>>(), all, "a new part has a section here");
        for (name, members) in &TABLE.members {
            let known: Vec<&String> = VISIBILITY[&format!("part.{name}")].keys().collect();
            assert_eq!(members.keys().collect::<Vec<_>>(), known, "{name}: a new member says what becomes of it");
            assert!(members.values().all(|row| row.4.ends_with(['.', '?'])), "{name}: each says why");
        }
    }

    #[test]
    fn a_more_protective_level_never_shows_more() {
        let rank = |how: How| match how {
            How::Public => 0,
            How::Words => 1,
            How::Coarse => 2,
            How::Withheld => 3,
        };
        for (section, members) in &TABLE.members {
            for member in members.keys() {
                let all = Level::ALL.map(|level| rank(how(level, section, member)));
                assert!(all.windows(2).all(|pair| pair[0] <= pair[1]), "{section}.{member}: {all:?}");
            }
        }
        let signed = Level::ALL.map(Level::signed);
        assert_eq!(signed, [true, true, true, false, false]);
        for level in [Level::Unlisted, Level::Sealed] {
            let all = TABLE.members.iter().flat_map(|(section, members)| members.keys().map(move |m| (section, m)));
            assert!(all.into_iter().all(|(section, member)| how(level, section, member) == How::Withheld), "{level}");
        }
        assert!(Level::Unlisted.counted() && !Level::Sealed.counted());
    }

    #[test]
    fn levels_are_the_vocabulary_and_rank_as_it_does() {
        let terms: Vec<&str> = vocabulary::safety_levels().terms.iter().map(|term| term.id.as_str()).collect();
        assert_eq!(terms, Level::ALL.map(Level::label));
        assert!(Level::ALL.is_sorted());
        assert_eq!(Level::of("lead-lined"), Level::Sealed);
        assert_eq!(TABLE.levels.len(), Level::ALL.len());
    }

    #[test]
    fn what_stays_is_the_district_and_how_often() {
        let said = json!({
            "name": "A", "photo": "https://a.example/door.jpg", "charity": "GB-CHC-1234567", "description": "We talk.",
            "place": {"venue": "Mill House", "venue_kind": "library", "address": "7 Mill Lane", "locality": "Wells",
                      "postcode": "ba5 2qj", "area": "E07000187", "latitude": 51.2, "longitude": -2.6, "floor": "2"},
            "meetings": [{"text": "Tuesdays", "rrule": "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU", "start": "19:30"},
                         {"text": "and Thursdays"}],
        });
        let said = Group::read(&said.to_string()).unwrap();
        let kept = coarse(&said, Level::Approximate, true).members();
        assert_eq!(
            Value::Object(kept.clone()),
            json!({"name": "A", "description": "We talk.", "place": {"postcode": "BA5", "area": "E07000187"},
                   "meetings": [{"rrule": "FREQ=WEEKLY;INTERVAL=2"}]})
        );
        let first = coarse(&said, Level::ContactFirst, false).members();
        assert_eq!(Value::Object(first), json!({"name": "A"}));
        assert!(
            exceeds(&said, Level::Approximate) && exceeds(&said, Level::ContactFirst) && !exceeds(&said, Level::Open)
        );
        assert!(
            !exceeds(&coarse(&said, Level::Approximate, true), Level::Approximate),
            "what is coarse is coarse enough"
        );
        // Coarse twice is coarse once.
        assert_eq!(coarsened(&kept, Level::Approximate, true), kept);
    }

    #[test]
    fn the_outward_half_is_of_postcodes_only() {
        for (text, out) in [("NG1 7DP", Some("NG1")), ("ec1a1bb", Some("EC1A")), ("SE23", Some("SE23"))] {
            assert_eq!(outward(text).as_deref(), out);
        }
        for no in ["", "Mill House", "MILL", "12345", "the old mill 7dp", "é1", "NG111 7DP"] {
            assert_eq!(outward(no), None, "{no}");
        }
    }
}
