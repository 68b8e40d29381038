//! A group's fields and values as people read them, and the words people have for fields.

use crate::exchange::Words;
use crate::exchange::columns::columns;
use crate::exchange::field::Field;
use crate::record::group::{self, Group};
use crate::record::vocabulary;
use crate::registry::Unit;
use serde_json::{Map, Value};

fn find(vocabulary: &str, text: &str) -> Option<String> {
    vocabulary::named(vocabulary)?.find(text).map(str::to_owned)
}

fn label(vocabulary: &str, id: &str) -> Option<String> {
    vocabulary::named(vocabulary)?.get(id).map(|term| term.label.clone())
}

fn labels(vocabulary: &str) -> Vec<String> {
    let terms = vocabulary::named(vocabulary).map(|vocabulary| vocabulary.terms.as_slice()).unwrap_or_default();
    terms.iter().map(|term| term.label.clone()).collect()
}

/// The vocabularies, as spreadsheets ask for them.
pub const fn vocabularies() -> Words<'static> {
    Words { find: &find, label: &label, labels: &labels }
}

/// Who it is that does not agree, where values of so many hubs contradict each other.
pub fn who_disagree(hubs: usize) -> &'static str {
    if hubs > 1 { "hubs disagree" } else { "lists of one hub disagree" }
}

/// What people call a merge unit.
pub fn unit_label(unit: &str) -> &'static str {
    match unit {
        "name" => "Name",
        "other_names" => "Other names",
        "description" => "About the group",
        "topics" => "Topics",
        "communities" => "Communities",
        "roles" => "Who comes",
        "gender" => "Gender",
        "ages" => "Ages",
        "languages" => "Languages",
        "modes" => "How it meets",
        "place" => "Where",
        "meetings" => "When",
        "cost" => "Cost",
        "access" => "Access",
        "joining" => "How to join",
        "newcomers" => "Newcomers welcome",
        "contact" => "Contact",
        "founded" => "Founded",
        "status" => "Status",
        "affiliation" => "Affiliation",
        "charity" => "Charity number",
        "sponsorship" => "Sponsors",
        "criteria" => "Criteria",
        "orientation" => "Orientation",
        _ => "Other",
    }
}

/// The merge unit that a field of the spreadsheet belongs to; `None` for what hubs cannot disagree about.
fn unit_of(field: &Field) -> Option<&'static str> {
    Some(match field {
        Field::Name => "name",
        Field::OtherNames => "other_names",
        Field::Description => "description",
        Field::Topics => "topics",
        Field::Communities => "communities",
        Field::Roles => "roles",
        Field::Gender => "gender",
        Field::Youngest | Field::Oldest => "ages",
        Field::Languages => "languages",
        Field::Modes => "modes",
        Field::Venue
        | Field::VenueKind
        | Field::Address
        | Field::Locality
        | Field::Postcode
        | Field::Area
        | Field::Latitude
        | Field::Longitude => "place",
        Field::Meets | Field::Start | Field::End | Field::Calendar => "meetings",
        Field::Cost => "cost",
        Field::Access => "access",
        Field::Joining => "joining",
        Field::Newcomers => "newcomers",
        Field::Website | Field::Email | Field::Phone => "contact",
        Field::Founded => "founded",
        Field::Status | Field::StatusDate | Field::StatusReason | Field::BreakUntil => "status",
        Field::Affiliation | Field::AffiliatedTo => "affiliation",
        Field::Charity => "charity",
        Field::Sponsors => "sponsorship",
        Field::Criterion(_) => "criteria",
        Field::Orientation => "orientation",
        Field::Checked
        | Field::CheckedHow
        | Field::CheckedBy
        | Field::Safety
        | Field::Licence
        | Field::SourceId
        | Field::RecordId
        | Field::Seen => return None,
    })
}

/// The merge unit that a person means: its own name, what people call it, or any heading or key of the spreadsheet.
pub fn unit(text: &str) -> Option<Unit> {
    let wanted = text.trim().to_lowercase();
    let by_label = Unit::all().find(|unit| unit_label(unit.name()).to_lowercase() == wanted);
    let key = wanted.replace([' ', '-'], "_");
    by_label
        .or_else(|| Unit::of(&key))
        .or_else(|| Field::named(text, &vocabularies()).as_ref().and_then(unit_of).and_then(Unit::of))
}

/// A unit's value in words: heading and text of each part, in the spreadsheet's order.
pub fn parts(unit: &str, value: &Value) -> Vec<(String, String)> {
    let map = Map::from_iter([(unit.to_owned(), value.clone())]);
    let Ok(group) = group::typed::<Group>(map) else { return Vec::new() };
    let words = vocabularies();
    let criteria = group.criteria.keys().map(|term| Field::Criterion(term.clone()));
    let fields =
        columns().iter().map(|column| column.field.clone()).filter(|field| !matches!(field, Field::Criterion(_)));
    fields
        .chain(criteria)
        .map(|field| (field.heading(&words), field.show(&group, &words)))
        .filter(|(_, text)| !text.is_empty())
        .collect()
}

/// A unit's value in one line.
pub fn line(unit: &str, value: &Value) -> String {
    let parts = parts(unit, value);
    match &parts[..] {
        [] => value.to_string(),
        [(_, text)] if !matches!(unit, "criteria" | "contact" | "ages") => text.replace('\n', " "),
        many if matches!(unit, "place" | "meetings" | "status") => {
            many.iter().map(|(_, text)| text.replace('\n', " ")).collect::<Vec<_>>().join(", ")
        }
        many => many.iter().map(|(heading, text)| format!("{heading}: {text}")).collect::<Vec<_>>().join(", "),
    }
}

/// The id of a term by its id, label or synonym.
///
/// # Errors
/// A sentence with the words there are.
pub fn term(vocabulary: &str, text: &str) -> Result<String, String> {
    find(vocabulary, text).ok_or_else(|| {
        let all = labels(vocabulary);
        let shown: Vec<&str> = all.iter().map(String::as_str).take(30).collect();
        let more = if all.len() > shown.len() { ", …" } else { "" };
        format!("write one of: {}{more}", shown.join(", "))
    })
}

/// The label of a term, or the term itself where it is newer than this program.
pub fn term_label(vocabulary: &str, id: &str) -> String {
    label(vocabulary, id).unwrap_or_else(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn people_name_fields_as_they_see_them() {
        for (text, unit_name) in [
            ("place", "place"),
            ("Where", "place"),
            ("phone", "contact"),
            ("Telephone", "contact"),
            ("when it meets", "meetings"),
            ("other names", "other_names"),
            ("Criterion: run by members", "criteria"),
        ] {
            assert_eq!(unit(text).map(Unit::name), Some(unit_name), "{text}");
        }
        assert_eq!(unit("licence"), None);
        assert_eq!(unit("shoe size"), None);
    }

    #[test]
    fn every_column_but_the_local_ones_belongs_to_a_unit_with_a_label() {
        for column in columns() {
            if let Some(name) = unit_of(&column.field) {
                assert!(Unit::of(name).is_some() && unit_label(name) != "Other", "{name}");
            }
        }
        Unit::all().for_each(|unit| assert_ne!(unit_label(unit.name()), "Other", "{unit}"));
    }

    #[test]
    fn values_read_as_people_write_them() {
        assert_eq!(line("place", &json!({"venue": "Hall", "locality": "Beeston"})), "Hall, Beeston");
        assert_eq!(line("contact", &json!({"phone": "01159111662"})), "Telephone: 01159 111662");
        assert_eq!(line("name", &json!("A group")), "A group");
        assert_eq!(line("status", &json!({"state": "closed", "date": "2026-05-01"})), "Closed, 2026-05-01");
    }
}
