//! Lists that were copied from another hub's list: found from what rows say, never decided by anybody.
//!
//! Two honest lists of one town name the same groups, by the same names and telephones; typed by two people they still
//! differ in how things are written, and in their longer texts. So a list is shown as a copy of another where
//!
//! 1. at least nine in ten of its rows, and at least [`ROWS`], stand **word for word** in the other: every text of the row, byte
//!    for byte, and nothing left out. (Fewer than all: a copy is corrected here and there afterwards.)
//! 2. at least [`TELLING`] of those rows, and a tenth of them, are **telling**: they hold a text of at least [`LONG`] letters, or a
//!    mistake (a postcode that does not exist, a number that is none, doubled blanks, broken letters, "N/A"). Short rows that
//!    agree say only that both lists are right; nobody makes another's mistakes.
//! 3. and most of those rows were said by the other hub first. So a small list is no copy of the great one that took it over.
//!
//! A fact about lists, for people to look at and for counting sightings: nothing is hidden, joined or weighed by it.

use super::geo;
use super::normal;
use super::normal_contact as contact;
use super::normal_text::is_placeholder;
use crate::record::{Group, RecordRef};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// Fewest rows that must be equal.
pub const ROWS: usize = 20;
/// Fewest of them that must be telling.
pub const TELLING: usize = 5;
/// Letters from which on two people would not write the same by chance.
pub const LONG: usize = 40;

/// A row, as far as copying is concerned: 24 bytes, so that a nation's rows fit in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The first 8 bytes of SHA-256 of all its texts as written.
    pub words: u64,
    /// Whether two people would not have written it alike.
    pub telling: bool,
    /// When its hub said so: seconds since 1970.
    pub said: i64,
}

impl Row {
    /// What a record says, said at this time.
    pub fn of(group: &Group, said: i64) -> Row {
        let nothing = Default::default();
        let (place, contact) = (group.place.as_ref().unwrap_or(&nothing), group.contact.clone().unwrap_or_default());
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let mut texts = vec![
            group.name.clone(),
            text(&group.description),
            text(&place.venue),
            text(&place.address),
            text(&place.locality),
            text(&place.postcode),
            text(&contact.phone),
            text(&contact.email),
            text(&contact.url),
            text(&group.cost),
            text(&group.access),
            text(&group.joining),
        ];
        texts.extend(group.other_names.iter().cloned());
        texts.extend(group.meetings.iter().map(|meeting| text(&meeting.text)));
        let mut hash = Sha256::new();
        for text in &texts {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        }
        let mut words = [0; 8];
        words.copy_from_slice(&hash.finalize()[..8]);
        let long = texts.iter().any(|text| text.chars().count() >= LONG);
        let telling = long || texts.iter().any(|text| slip(text)) || mistaken(group);
        Row { words: u64::from_be_bytes(words), telling, said }
    }
}

/// Whether a text is written as nobody means to: doubled blanks, letters broken by a wrong coding, a stand-in for nothing.
fn slip(text: &str) -> bool {
    // Nothing said is no slip.
    !text.is_empty()
        && (text.contains("  ")
            || text.contains('\u{fffd}')
            || text.contains("â€")
            || text.contains("Ã")
            || is_placeholder(text))
}

/// Whether a postcode, number or address is none.
fn mistaken(group: &Group) -> bool {
    let said = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    let postcode = group.place.as_ref().and_then(|place| said(&place.postcode)).is_some_and(|text| {
        // The embedded table has Great Britain; other codes of the form are taken as right.
        let elsewhere = ["BT", "JE", "GY", "IM"];
        normal::postcode(&text).is_none_or(|code| {
            !geo::known(&code.outward) && !elsewhere.iter().any(|area| code.outward.starts_with(area))
        })
    });
    let gate = group.contact.as_ref();
    let phone = gate.and_then(|gate| said(&gate.phone)).is_some_and(|text| contact::phone(&text).is_none());
    let email = gate.and_then(|gate| said(&gate.email)).is_some_and(|text| contact::email(&text).is_none());
    let url = gate.and_then(|gate| said(&gate.url)).is_some_and(|text| contact::web(&text).is_none());
    postcode || phone || email || url
}

/// One list that nearly all stands in another hub's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copy {
    /// The list.
    pub list: RecordRef,
    /// The other hub's list, which said most of it first.
    pub of: RecordRef,
    /// Rows of the list.
    pub rows: usize,
    /// Those that stand word for word in the other.
    pub same: usize,
    /// Those of them that two people would not have written alike.
    pub telling: usize,
}

/// The lists that are copies, each with that of its sources which has most of it; sorted. A function of the rows alone.
pub fn copies(lists: &BTreeMap<RecordRef, Vec<Row>>) -> Vec<Copy> {
    // By wording: which lists have it, each at the first time it said so.
    let mut by_words: BTreeMap<u64, BTreeMap<RecordRef, i64>> = BTreeMap::new();
    for (list, row) in lists.iter().flat_map(|(list, rows)| rows.iter().map(move |row| (*list, row))) {
        let said = by_words.entry(row.words).or_default().entry(list).or_insert(row.said);
        *said = row.said.min(*said);
    }
    let mut found = Vec::new();
    for (list, rows) in lists.iter().filter(|(_, rows)| rows.len() >= ROWS) {
        // Of each other list: rows that are the same, those that are telling, those that it said first.
        let mut shared: BTreeMap<RecordRef, (usize, usize, usize)> = BTreeMap::new();
        // A row that stands twice in one list is one row of evidence.
        let mut met = BTreeSet::new();
        for row in rows.iter().filter(|row| met.insert(row.words)) {
            for (other, said) in
                by_words.get(&row.words).into_iter().flatten().filter(|(other, _)| other.hub != list.hub)
            {
                let (same, telling, first) = shared.entry(*other).or_default();
                *same += 1;
                *telling += usize::from(row.telling);
                // Said in one second, ids decide, so that of two lists only one is the copy.
                *first += usize::from((*said, other) < (row.said, list));
            }
        }
        let rows = met.len();
        let copied = |(same, telling, first): &(usize, usize, usize)| {
            *same >= ROWS && same * 10 >= rows * 9 && *telling >= TELLING && telling * 10 >= *same && first * 2 > *same
        };
        let most = shared
            .into_iter()
            .filter(|(_, counts)| copied(counts))
            .max_by_key(|(other, counts)| (counts.0, std::cmp::Reverse(*other)));
        found.extend(most.map(|(of, (same, telling, _))| Copy { list: *list, of, rows, same, telling }));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::HubId;
    use serde_json::json;
    use uuid::Uuid;

    fn list(n: u8) -> RecordRef {
        RecordRef { hub: HubId([n; 20]), rec: Uuid::from_u128(u128::from(n)) }
    }

    /// Thirty groups of one town, as a person of hub `n` writes them. One in three gives its own leaflet's words to everybody.
    fn typed(n: usize) -> Vec<Group> {
        (0..30)
            .map(|at| {
                let leaflet = format!("Group {at} meets to share what helps us, over tea, and nobody has to speak.");
                let own = format!("Hub {n} knows group {at} as a friendly circle of people who support each other.");
                let long = if at % 3 == 0 { leaflet } else { own };
                let json = json!({
                    "name": format!("Circle {at}"), "description": long,
                    "place": {"locality": "Southend", "postcode": "SS1 1AA"},
                    "contact": {"phone": format!("01702 6001{at:02}")},
                });
                serde_json::from_value(json).unwrap()
            })
            .collect()
    }

    fn rows(groups: &[Group], said: i64) -> Vec<Row> {
        groups.iter().map(|group| Row::of(group, said)).collect()
    }

    fn found(lists: Vec<(u8, Vec<Row>)>) -> Vec<Copy> {
        copies(&lists.into_iter().map(|(n, rows)| (list(n), rows)).collect())
    }

    #[test]
    fn two_honest_lists_of_one_town_are_no_copies() {
        assert_eq!(found(vec![(1, rows(&typed(1), 10)), (2, rows(&typed(2), 20))]), []);
        // Not even where both say little, and so the same: names, town and telephones that are right.
        let brief = |n| {
            let mut groups = typed(n);
            groups.iter_mut().for_each(|group| group.description = None);
            rows(&groups, n as i64)
        };
        assert_eq!(found(vec![(1, brief(1)), (2, brief(2))]), []);
    }

    #[test]
    fn a_list_that_was_copied_is_found_though_it_was_touched_since() {
        let first = typed(1);
        let mut second = first.clone();
        second[3].contact = None;
        second[7].name = "Circle seven".into();
        let copy = Copy { list: list(2), of: list(1), rows: 30, same: 28, telling: 28 };
        assert_eq!(found(vec![(1, rows(&first, 10)), (2, rows(&second, 20))]), [copy]);
        // Whoever said it first is the source, whatever the ids.
        let turned = found(vec![(1, rows(&second, 20)), (2, rows(&first, 10))]);
        assert_eq!((turned[0].list, turned[0].of, turned.len()), (list(1), list(2), 1));
        // A tenth and more of it is its own: no copy.
        second[9].name = "Circle nine".into();
        second[10].name = "Circle ten".into();
        assert_eq!(found(vec![(1, rows(&first, 10)), (2, rows(&second, 20))]), []);
    }

    #[test]
    fn mistakes_tell_where_texts_are_short() {
        let mut brief = typed(1);
        brief.iter_mut().for_each(|group| group.description = None);
        for (at, group) in brief.iter_mut().enumerate().take(5) {
            match at {
                0 => group.place.as_mut().unwrap().postcode = Some("SS77 1AA".into()),
                1 => group.contact.as_mut().unwrap().phone = Some("01702 60".into()),
                2 => group.name = "Circle  2".into(),
                3 => group.name = "Womenâ€™s circle".into(),
                _ => group.cost = Some("N/A".into()),
            }
        }
        let all = rows(&brief, 10);
        assert_eq!(all.iter().filter(|row| row.telling).count(), 5);
        assert_eq!(found(vec![(1, all), (2, rows(&brief, 20))])[0].telling, 5);
    }

    #[test]
    fn who_was_taken_over_into_a_greater_list_is_no_copy_of_it() {
        let small = typed(1);
        let mut great = small.clone();
        great.extend(typed(2));
        great.extend(typed(3));
        assert_eq!(found(vec![(1, rows(&small, 10)), (2, rows(&great, 20))]), []);
        // A hub's own lists may repeat one another as they like; and few rows say nothing.
        let mut own = BTreeMap::from([(list(1), rows(&small, 10))]);
        own.insert(RecordRef { hub: list(1).hub, rec: Uuid::from_u128(77) }, rows(&small, 20));
        assert_eq!(copies(&own), []);
        assert_eq!(found(vec![(1, rows(&small[..19], 10)), (2, rows(&small[..19], 20))]), []);
    }
}
