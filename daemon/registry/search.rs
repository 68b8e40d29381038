//! The text by which people find a group.

use super::merged::Merged;
use serde_json::Value;

/// Four columns of a full-text index, weightiest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchText {
    /// Name and other names.
    pub name: String,
    /// Topics, communities and roles, with what else they are called and what they belong to.
    pub topics: String,
    /// Venue, address, locality, postcode and catchment: only what may be shown.
    pub place: String,
    /// The group's own words about itself.
    pub words: String,
}

impl SearchText {
    /// The search text of a group, or `None` where the public must not find it.
    ///
    /// `expand` gives what else a term of a vocabulary is called, and the terms above it.
    pub fn of(merged: &Merged, expand: &dyn Fn(&str) -> Vec<String>) -> Option<SearchText> {
        if !merged.listed() {
            return None;
        }
        let mut text = SearchText::default();
        for (unit, resolved) in &merged.values {
            let value = &resolved.value;
            match unit.name() {
                "name" | "other_names" => add(&mut text.name, value),
                "topics" | "communities" | "roles" => {
                    let terms = value.as_array().map(Vec::as_slice).unwrap_or_default();
                    for term in terms.iter().filter_map(Value::as_str) {
                        add_word(&mut text.topics, term);
                        expand(term).iter().for_each(|word| add_word(&mut text.topics, word));
                    }
                }
                "place" => {
                    for member in ["venue", "address", "locality", "postcode", "catchment"] {
                        if let Some(value) = value.get(member) {
                            add(&mut text.place, value);
                        }
                    }
                }
                "description" | "joining" | "access" | "sponsorship" => add(&mut text.words, value),
                "affiliation" => {
                    if let Some(to) = value.get("to") {
                        add(&mut text.words, to);
                    }
                }
                _ => {}
            }
            // A name that was not taken is still what some people call it.
            if unit.name() == "name" {
                resolved.others.iter().for_each(|other| add(&mut text.name, &other.value));
            }
        }
        Some(text)
    }
}

/// Adds the texts in a value, however deep, each on a line of its own so that a phrase does not run across two.
fn add(to: &mut String, value: &Value) {
    match value {
        Value::String(text) => add_word(to, text),
        Value::Array(items) => items.iter().for_each(|item| add(to, item)),
        _ => {}
    }
}

fn add_word(to: &mut String, text: &str) {
    if !to.is_empty() {
        to.push('\n');
    }
    to.push_str(text);
}
