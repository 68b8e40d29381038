//! What may leave this hub: the visibility of every field, and the signer's last look at a leaf.

use super::safety::{self, Level};
use super::statement::{self, HEADER, Statement};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Who may see a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Visibility {
    /// In the public part: everybody, for as long as the record stands.
    Public,
    /// In the permanent leaf: everybody, for ever. Ids, dates, labels and digests only.
    Permanent,
    /// In the contact part: hubs that a consent names, for as long as it is in force.
    Peers,
    /// In this hub's own database only.
    Local,
    /// In this hub's own database, in the one table that nothing reads but `group show --protected` and what takes two people.
    Protected,
}

/// The visibility of every member of every part and leaf, and every stored column: `schema/visibility.json`.
/// A test fails for a field that is not listed.
pub static VISIBILITY: LazyLock<BTreeMap<String, BTreeMap<String, Visibility>>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../schema/visibility.json"))
        .expect("schema/visibility.json is checked by a test")
});

/// Why a leaf must not be signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not signed: {member} ({why})")]
pub struct RefusedToSign {
    /// Where.
    pub member: String,
    /// What it met.
    pub why: &'static str,
}

/// The signer's last look at a record's public part: what its own safety level withholds is not in it. It reads the text about
/// to be signed, as [`check_leaf`] does.
///
/// # Errors
/// [`RefusedToSign`], naming the member and never its value.
pub fn check_part(json: &str) -> Result<(), RefusedToSign> {
    let refuse = |member: &str, why| Err(RefusedToSign { member: member.to_owned(), why });
    let Ok(group) = super::Group::read(json) else { return Ok(()) };
    let level = Level::stated(&group);
    if !level.signed() {
        return refuse("safety", "nothing of a group of this level is signed");
    }
    let said = group.members();
    let may = safety::coarsened(&said, level, true);
    match said.iter().find(|(name, value)| may.get(*name) != Some(*value)) {
        Some((name, _)) => refuse(name, "the group's safety level withholds it"),
        None => Ok(()),
    }
}

/// The signer's last look at a leaf's text (PROTOCOL F39): every string in it must be an id, a date, a time, a label or a
/// digest, and every member one that the rules name. It reads the bytes about to be signed, not the value they came
/// from, so that no path to the signer can go round it.
///
/// # Errors
/// [`RefusedToSign`], naming the member.
pub fn check_leaf(text: &str) -> Result<(), RefusedToSign> {
    let refuse = |member: &str, why| Err(RefusedToSign { member: member.to_owned(), why });
    if Statement::read(text.as_bytes()).is_err() {
        return refuse("text", "it does not follow the rules of a leaf");
    }
    let (kind, json) = match text.strip_prefix(HEADER).and_then(|rest| rest.split_once('\n')) {
        Some(split) => split,
        None => return refuse("text", "it has no header"),
    };
    let Ok(Value::Object(members)) = serde_json::from_str::<Value>(json) else {
        return refuse("text", "it is not a JSON object");
    };
    let Some(allowed) = VISIBILITY.get(&format!("leaf.{kind}")) else {
        return refuse("type", "it is not one this hub writes");
    };
    for (name, value) in &members {
        if !allowed.contains_key(name) {
            return refuse(name, "it is not a member the rules name");
        }
        // A log's name is its hub's, published; nothing else has its form.
        let origin = kind == "ack" && name == "origin" && value.as_str().is_some_and(statement::is_origin);
        if !origin {
            strings(name, value)?;
        }
    }
    Ok(())
}

fn strings(member: &str, value: &Value) -> Result<(), RefusedToSign> {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        Value::String(text) if is_impersonal(text) => Ok(()),
        Value::String(_) => Err(RefusedToSign { member: member.to_owned(), why: "free text" }),
        Value::Array(items) => items.iter().try_for_each(|item| strings(member, item)),
        Value::Object(members) => members.iter().try_for_each(|(name, value)| {
            // A member's name is text too: only those that the rules name.
            if !INNER_MEMBERS.contains(&name.as_str()) {
                return Err(RefusedToSign { member: member.to_owned(), why: "a member the rules do not name" });
            }
            strings(member, value)
        }),
    }
}

fn is_impersonal(text: &str) -> bool {
    text == "*"
        || statement::uuid(text).is_some()
        || statement::time(text).is_some()
        || text.parse::<jiff::civil::Date>().is_ok_and(|date| date.to_string() == text)
        || text.parse::<statement::HubId>().is_ok()
        || statement::is_digest(text)
        || VOCABULARY_LABELS.contains(&text)
        || is_word_of_the_rules(text)
}

/// Members of members: of `assured`, and the classes of parts this program writes.
const INNER_MEMBERS: [&str; 5] = ["date", "method", "by", "public", "contact"];

/// Labels that the wire's rules themselves define.
const VOCABULARY_LABELS: [&str; 8] = ["put", "affirm", "withdraw", "erase", "lower", "unresolved", "public", "contact"];

/// A label is only safe when it is a term somebody published: a surname is a fine label too.
fn is_word_of_the_rules(text: &str) -> bool {
    use super::vocabulary;
    statement::Judgement::of(text).is_some()
        || crate::record::group::UNITS.contains(&text)
        || [
            vocabulary::assurance_methods(),
            vocabulary::assurance_roles(),
            vocabulary::safety_levels(),
            vocabulary::safety_roles(),
        ]
        .iter()
        .any(|v| v.get(text).is_some())
}
