//! Words that hold something of a place that must not be known.
//!
//! Texts are compared by their words: capitals, punctuation and the spaces people put into postcodes do not count. A
//! venue or a street is found by all its words in a row; a word that stands alone must be more than a common one.

use crate::record::safety::outward;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Words that name kinds of places and streets: alone they give nothing away.
const COMMON: [&str; 47] = [
    "the",
    "a",
    "of",
    "and",
    "at",
    "in",
    "room",
    "hall",
    "house",
    "centre",
    "center",
    "church",
    "community",
    "library",
    "school",
    "village",
    "town",
    "street",
    "st",
    "road",
    "rd",
    "lane",
    "ln",
    "avenue",
    "ave",
    "close",
    "drive",
    "way",
    "court",
    "place",
    "square",
    "green",
    "hill",
    "park",
    "upper",
    "lower",
    "north",
    "south",
    "east",
    "west",
    "flat",
    "unit",
    "ground",
    "first",
    "second",
    "third",
    "floor",
];

/// Members of a public part whose words hold what is withheld.
pub(super) fn given_away(sealed: &Map<String, Value>, public: &Map<String, Value>) -> Vec<&'static str> {
    let marks = Marks::of(sealed, public);
    let mut found: Vec<&'static str> = Vec::new();
    for (member, value) in public {
        // The district of an approximate place stands in `place`, and is what may be known.
        let known = crate::record::group::UNITS.iter().chain(&["source_id", "sightings"]).find(|name| *name == member);
        let Some(name) = known.filter(|name| **name != "place") else { continue };
        let mut texts = Vec::new();
        strings(value, &mut texts);
        if texts.iter().any(|text| marks.stand_in(text)) {
            found.push(name);
        }
    }
    if let Some(place) = public.get("place").and_then(|place| place.get("catchment")).and_then(Value::as_str)
        && marks.stand_in(place)
    {
        found.push("place");
    }
    found
}

/// The whole postcode of a withheld place, as [`joined`] words hold it.
pub(super) fn postcode(sealed: &Map<String, Value>) -> Option<String> {
    Marks::of(sealed, &Map::new()).postcode
}

/// A text's words without anything between them.
pub(super) fn joined(text: &str) -> String {
    plain(text).chars().filter(|c| *c != ' ').collect()
}

/// By what a place is known in a text.
struct Marks {
    /// The postcode without its space, in small letters.
    postcode: Option<String>,
    /// Its outward half, where that is withheld.
    outcode: Option<String>,
    /// Venue, street and town, as words with one space between.
    phrases: BTreeSet<String>,
}

impl Marks {
    fn of(sealed: &Map<String, Value>, public: &Map<String, Value>) -> Marks {
        let place = sealed.get("place");
        let text = |member: &str| place.and_then(|place| place.get(member)).and_then(Value::as_str);
        let shown = public.get("place").and_then(|place| place.get("postcode")).is_some();
        let bare = |text: &str| -> String {
            text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
        };
        let postcode = text("postcode").map(bare).filter(|text| text.len() >= 5);
        let outcode = text("postcode").and_then(outward).filter(|_| !shown).map(|out| out.to_lowercase());
        let mut phrases = BTreeSet::new();
        for member in ["venue", "address", "locality"] {
            // "Mill House, 7 Mill Lane": each part is a mark of its own, a house's number is none.
            for part in text(member).unwrap_or_default().split([',', ';', '\n']) {
                let words = plain(part);
                let words: Vec<&str> =
                    words.split(' ').filter(|word| !word.is_empty() && !starts_with_digit(word)).collect();
                if words.iter().any(|word| !COMMON.contains(word) && word.len() > 2) {
                    phrases.insert(words.join(" "));
                }
                // A street is often called without its kind: "in Mill Lane", "the Mill".
                let rare: Vec<&str> = words.iter().filter(|word| !COMMON.contains(word)).copied().collect();
                if member != "address" && rare.len() == 1 && rare[0].len() > 4 {
                    phrases.insert(rare[0].to_owned());
                }
            }
        }
        Marks { postcode, outcode, phrases }
    }

    fn stand_in(&self, text: &str) -> bool {
        let words = plain(text);
        let joined = joined(text);
        let padded = format!(" {words} ");
        self.postcode.as_ref().is_some_and(|postcode| joined.contains(postcode.as_str()))
            || self.outcode.as_ref().is_some_and(|out| padded.contains(&format!(" {out} ")))
            || self.phrases.iter().any(|phrase| {
                // In a web address words stand together, or with hyphens.
                let run: String = phrase.chars().filter(|c| *c != ' ').collect();
                padded.contains(&format!(" {phrase} "))
                    || (text.contains("://") && run.len() > 5 && joined.contains(&run))
            })
    }
}

fn starts_with_digit(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit())
}

/// A text as its words in small letters, one space between.
fn plain(text: &str) -> String {
    let folded = deunicode::deunicode(text).to_lowercase().replace(['\'', '\u{2019}'], "");
    let words: Vec<&str> = folded.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

fn strings<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(items) => items.iter().for_each(|item| strings(item, found)),
        Value::Object(members) => members.values().for_each(|value| strings(value, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Group;
    use crate::record::safety::Level;
    use crate::store::protected::split;
    use serde_json::json;

    fn met(level: Level, words: Value) -> Vec<&'static str> {
        let mut whole = json!({"name": "Reading Circle", "place": {"venue": "Mill House, first floor", "address": "7 Orchard Lane",
            "postcode": "BA5 2QJ", "locality": "Wells"}, "meetings": [{"text": "Tuesdays"}]});
        whole.as_object_mut().unwrap().extend(words.as_object().unwrap().clone());
        let split = split(Group::read(&whole.to_string()).unwrap(), level);
        split.sealed.given_away(&split.public.unwrap())
    }

    #[test]
    fn words_that_hold_the_place_are_met_however_they_are_written() {
        for text in [
            "Come to BA5 2QJ",
            "ba52qj!",
            "it is at the MILL  house",
            "down Orchard Lane, ring the bell",
            "in Wells",
            "Postcode: B A 5 2 Q J",
        ] {
            for field in ["description", "joining", "access", "cost", "sponsorship", "name"] {
                assert_eq!(met(Level::ContactFirst, json!({field: text})), [field], "{text}");
            }
        }
        assert_eq!(met(Level::ContactFirst, json!({"other_names": ["Mill House Ladies"]})), ["other_names"]);
        assert_eq!(met(Level::ContactFirst, json!({"contact": {"url": "https://millhouse.example/"}})), ["contact"]);
        assert_eq!(
            met(Level::ContactFirst, json!({"affiliation": {"kind": "hosted-by", "to": "Mill House Trust"}})),
            ["affiliation"]
        );
        assert_eq!(
            met(Level::ContactFirst, json!({"status": {"state": "closed", "reason": "Mill House was sold"}})),
            ["status"]
        );
        assert_eq!(met(Level::ContactFirst, json!({"source_id": "BA5-2QJ"})), ["source_id"]);
    }

    #[test]
    fn the_district_counts_only_where_it_is_withheld() {
        let words = json!({"description": "For people around BA5."});
        assert_eq!(met(Level::ContactFirst, words.clone()), ["description"]);
        assert!(met(Level::Approximate, words).is_empty());
    }

    #[test]
    fn words_that_hold_nothing_of_it_are_let_through() {
        for text in [
            "We talk and listen, on the first floor of a house.",
            "Ring 01632 960001, ask for the circle",
            "milling about",
            "",
        ] {
            assert!(met(Level::ContactFirst, json!({"description": text})).is_empty(), "{text}");
        }
    }
}
