//! The values by which units are put into strata and quotas: focus, age, affiliation, community.
//!
//! A value that is not known is absent: a group of unknown age is neither new nor established, and counts for neither quota.

use crate::record::{Group, vocabulary};
use jiff::Span;
use jiff::civil::Date;
use std::collections::{BTreeMap, BTreeSet};

/// Values by dimension, sorted. A group may have several of one.
pub type Values = BTreeMap<String, BTreeSet<String>>;

/// The dimensions that every frame has; one that an earlier or later program made may have others beside them.
pub const DIMENSIONS: [&str; 4] = ["focus", "age", "affiliation", "community"];

/// Younger than this many years on the frame's day is new (Seebohm and others 2013: "new groups (under 3 years old)").
pub const NEW_YEARS: i64 = 3;

/// Affiliations by which a group belongs to a larger body. Who hosts, helps or pays a group does not thereby hold it.
const AFFILIATED: [&str; 3] = ["affiliated-to", "branch-of", "network-member"];

/// The values of a group on a day, with topics and communities summed up as a study does (`roll_up` of the vocabularies).
pub fn values(group: &Group, as_of: Date, study: &str) -> Values {
    let rolled = |terms: &[String], vocabulary: &vocabulary::Vocabulary| -> BTreeSet<String> {
        terms.iter().filter_map(|term| vocabulary.get(term)?.roll_up.get(study).cloned()).collect()
    };
    let affiliation = group.affiliation.as_ref().map(|one| {
        let affiliated = AFFILIATED.contains(&one.kind.as_str());
        if affiliated { "affiliated" } else { "independent" }.to_owned()
    });
    let age = group.founded.as_deref().and_then(|founded| age(founded, as_of));
    [
        ("focus", rolled(&group.topics, vocabulary::topics())),
        ("age", age.map(str::to_owned).into_iter().collect()),
        ("affiliation", affiliation.into_iter().collect()),
        ("community", rolled(&group.communities, vocabulary::communities())),
    ]
    .into_iter()
    .filter(|(_, values)| !values.is_empty())
    .map(|(dimension, values)| (dimension.to_owned(), values))
    .collect()
}

/// `new` or `established`, where the founding date is known well enough to say.
fn age(founded: &str, as_of: Date) -> Option<&'static str> {
    let (first, last) = match founded.len() {
        4 => (format!("{founded}-01-01"), format!("{founded}-12-31")),
        7 => {
            let first: Date = format!("{founded}-01").parse().ok()?;
            (first.to_string(), first.last_of_month().to_string())
        }
        10 => (founded.to_owned(), founded.to_owned()),
        _ => return None,
    };
    let (first, last): (Date, Date) = (first.parse().ok()?, last.parse().ok()?);
    let limit = as_of.checked_sub(Span::new().years(NEW_YEARS)).ok()?;
    // What was founded after the day is not yet there to be of any age.
    match (first > limit, last > limit) {
        _ if first > as_of => None,
        (true, _) => Some("new"),
        (false, false) => Some("established"),
        (false, true) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_group_is_new_for_three_years_as_far_as_is_known() {
        let as_of = "2026-06-30".parse().unwrap();
        let cases = [
            ("2024", Some("new")),
            ("2022", Some("established")),
            // Founded sometime in the year in which the line lies.
            ("2023", None),
            ("2023-06", Some("established")),
            ("2023-07", Some("new")),
            ("2023-06-30", Some("established")),
            ("2023-07-01", Some("new")),
            ("2026-07-01", None),
            ("about 1990", None),
            ("1990-13", None),
        ];
        for (founded, expected) in cases {
            assert_eq!(age(founded, as_of), expected, "{founded}");
        }
    }

    #[test]
    fn values_are_those_of_the_study() {
        let group: Group = serde_json::from_value(json!({
            "name": "Sangam", "topics": ["drugs-and-alcohol", "depression", "no-such-topic"],
            "communities": ["south-asian", "gay-men"], "affiliation": {"kind": "hosted-by", "to": "CVS"},
        }))
        .unwrap();
        let values = values(&group, "2026-06-30".parse().unwrap(), "esteem2013");
        let of = |dimension: &str| values.get(dimension).map(|v| v.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(of("focus"), Some(vec!["mental-ill-health", "physical-ill-health"]));
        assert_eq!(of("community"), Some(vec!["bame"]));
        assert_eq!(of("affiliation"), Some(vec!["independent"]));
        assert_eq!(of("age"), None);
        assert!(!super::values(&group, "2026-06-30".parse().unwrap(), "another").contains_key("focus"));
    }
}
