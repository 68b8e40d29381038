//! Whether two records that share a key are one group: the exact rule, sure rather than complete.
//!
//! A shared telephone number or page alone says little: switchboards, hosts and federations have many groups. So name and
//! place must agree too, and words that tell sister groups apart (men, women, north, Tuesday) must be the same. What this
//! rule does not join, a person can.

use super::features::{Features, Key, KeyKind, Where};
use super::normal::Name;
use std::collections::BTreeSet;

/// How alike two records' names are; the best of all their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Names {
    /// Nothing in common that counts, or words that tell sister groups apart.
    Different,
    /// All that one says the other says too, and so many words more.
    Contained,
    /// The same but for general words, the town's name and single letters.
    Near,
    /// The same words.
    Equal,
}

/// How two records' places stand to one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Places {
    /// Both are known and differ.
    Conflict,
    /// One is not known, or they cannot be compared.
    Unknown,
    /// Both are known and agree.
    Agree,
}

/// Two records side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// Kinds of the keys they share, sorted.
    pub shared: Vec<KeyKind>,
    /// Their names.
    pub names: Names,
    /// For [`Names::Contained`], how many telling words one has more.
    pub more: usize,
    /// Whether words that tell sister groups apart differ.
    pub sisters: bool,
    /// Their places.
    pub places: Places,
    /// Whether both state topics and none is common.
    pub topics_apart: bool,
}

/// Compares two records. Keys that too many records share count for nothing.
pub fn compare(a: &Features, b: &Features, too_common: &BTreeSet<u64>) -> Comparison {
    let places = places(&a.place, &b.place);
    let shared = a.keys.iter().filter(|key| b.keys.contains(key) && !too_common.contains(&key.hash));
    let neutral = neutral(&a.place, &b.place);
    let mut best = (Names::Different, 0, true);
    for (i, left) in a.names.iter().enumerate() {
        for (j, right) in b.names.iter().enumerate() {
            let (names, more, sisters) = alike(left, right, &neutral);
            // Fewer additional words are more alike.
            let better = (names, std::cmp::Reverse(more)) > (best.0, std::cmp::Reverse(best.1));
            if better || (i, j) == (0, 0) {
                best = (names, more, sisters);
            }
        }
    }
    Comparison {
        shared: shared.map(|key: &Key| key.kind).collect(),
        names: best.0,
        more: best.1,
        sisters: best.2 && best.0 == Names::Different,
        places,
        topics_apart: !a.topics.is_empty() && !b.topics.is_empty() && !a.topics.iter().any(|t| b.topics.contains(t)),
    }
}

impl Comparison {
    /// The rule: whether the two are joined without a person's word.
    pub fn joins(&self) -> bool {
        let page = self.shared.contains(&KeyKind::Page);
        let strong = self.shared.iter().filter(|kind| kind.strong()).count();
        if self.shared.is_empty() {
            return false;
        }
        match (self.names, self.places) {
            (Names::Different, _) => false,
            // One page is one group, even where two hubs place it differently; but then the names must leave no doubt.
            (Names::Near | Names::Equal, Places::Conflict) => page,
            (Names::Contained, Places::Conflict) => false,
            (Names::Equal, _) | (Names::Near, Places::Agree) => true,
            (Names::Near, Places::Unknown) => strong > 0,
            // "Nottingham Mind" and "Nottingham Mind Hearing Voices" share a telephone, and are not one group.
            (Names::Contained, Places::Agree) => {
                !self.topics_apart && (page && self.more <= 2 || strong > 0 && self.more <= 1)
            }
            (Names::Contained, Places::Unknown) => !self.topics_apart && (page || strong > 1) && self.more <= 1,
        }
    }

    /// Whether the two contradict each other so that no third record may bring them together without a person's word.
    pub fn clashes(&self) -> bool {
        (self.sisters || self.places == Places::Conflict) && !self.joins()
    }

    /// How sure a joining is; the surer is made first. A whole number: sums of fractions differ between machines.
    pub fn score(&self) -> u32 {
        let strong = self.shared.iter().filter(|kind| kind.strong()).count() as u32;
        let weak = self.shared.len() as u32 - strong;
        strong * 8 + weak * 3 + self.names as u32 * 4 + self.places as u32 * 2
    }
}

/// Words of the place that both records state (or the only one that is stated): in a name they tell nothing more.
fn neutral<'a>(a: &'a Where, b: &'a Where) -> Vec<&'a str> {
    let (a, b) = (&a.locality.all, &b.locality.all);
    match (a.is_empty(), b.is_empty()) {
        (false, false) => a.iter().filter(|word| b.contains(word)).map(String::as_str).collect(),
        (false, true) => a.iter().map(String::as_str).collect(),
        _ => b.iter().map(String::as_str).collect(),
    }
}

/// How alike two names are, how many words one has more, and whether words that tell sister groups apart differ.
fn alike(a: &Name, b: &Name, neutral: &[&str]) -> (Names, usize, bool) {
    if a.words == b.words && !a.words.is_empty() {
        return (Names::Equal, 0, false);
    }
    let telling = |words: &[String]| -> Vec<String> {
        words.iter().filter(|word| !neutral.contains(&word.as_str())).cloned().collect()
    };
    if telling(&a.qualifiers) != telling(&b.qualifiers) {
        return (Names::Different, 0, true);
    }
    let (mut left, mut right) = (telling(&a.core), telling(&b.core));
    let nothing_tells = left.is_empty() && right.is_empty();
    let whole = left.len().min(right.len());
    left.retain(|word| match right.iter().position(|other| same_word(word, other)) {
        Some(at) => {
            right.remove(at);
            false
        }
        None => true,
    });
    match (left.len(), right.len()) {
        // "Mutual Aid Group" and "Covid Support": nothing tells them apart, and nothing says they are one. As far apart as
        // two words, so that only one page in one place joins them.
        (0, 0) if nothing_tells && (a.core.is_empty() || a.core != b.core) => (Names::Contained, 2, false),
        (0, 0) => (Names::Near, 0, false),
        (more, 0) | (0, more) if whole > 0 || more <= 1 => (Names::Contained, more, false),
        _ => (Names::Different, 0, false),
    }
}

/// The same word, or a long one with one letter wrong. Short words one letter apart are often two places (Marlow, Harlow).
fn same_word(a: &str, b: &str) -> bool {
    a == b || (a.len() >= 8 && b.len() >= 8 && one_edit(a.as_bytes(), b.as_bytes()))
}

/// Whether two texts differ by one letter put in, left out, changed, or by two neighbours exchanged.
fn one_edit(a: &[u8], b: &[u8]) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let start = short.iter().zip(long).take_while(|(x, y)| x == y).count();
    let (s, l) = (&short[start..], &long[start..]);
    match l.len() - s.len() {
        0 if s.is_empty() => true,
        0 => s[1..] == l[1..] || s.len() > 1 && s[0] == l[1] && s[1] == l[0] && s[2..] == l[2..],
        1 => *s == l[1..],
        _ => false,
    }
}

fn places(a: &Where, b: &Where) -> Places {
    if let (Some(x), Some(y)) = (&a.postcode, &b.postcode) {
        if x.outward != y.outward {
            return Places::Conflict;
        }
        if x.inward.is_some() && x == y {
            return Places::Agree;
        }
    }
    let (x, y) = (&a.locality, &b.locality);
    if !x.all.is_empty() && !y.all.is_empty() {
        let within = |head: &[String], all: &[String]| head.iter().all(|word| all.contains(word));
        return if within(&x.head, &y.all) || within(&y.head, &x.all) { Places::Agree } else { Places::Conflict };
    }
    if a.postcode.is_some() && b.postcode.is_some() {
        return Places::Agree;
    }
    match (&a.area, &b.area) {
        (Some(x), Some(y)) if x == y => Places::Agree,
        // Codes of two kinds (a county and a district in it) cannot be compared by their text.
        (Some(x), Some(y)) if x.get(..3) == y.get(..3) => Places::Conflict,
        _ => Places::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Group;
    use serde_json::json;

    /// name, locality, postcode, url, phone; empty means not stated.
    fn record(row: [&str; 5]) -> Features {
        let [name, locality, postcode, url, phone] = row;
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let json = json!({
            "name": name,
            "place": {"locality": some(locality), "postcode": some(postcode)},
            "contact": {"url": some(url), "phone": some(phone)},
        });
        Features::of(&serde_json::from_value::<Group>(json).unwrap())
    }

    fn joins(a: [&str; 5], b: [&str; 5]) -> bool {
        let none = BTreeSet::new();
        let (a, b) = (record(a), record(b));
        let there = compare(&a, &b, &none).joins();
        assert_eq!(there, compare(&b, &a, &none).joins(), "the rule has no direction");
        there
    }

    const PAGE: &str = "https://facebook.com/groups/12";
    const PHONE: &str = "0115 911 1662";

    #[test]
    fn one_group_written_twice_is_joined() {
        for (a, b) in [
            (
                ["Coggeshall cv-19 helpers", "Coggeshall, Essex", "", PAGE, ""],
                ["Coggeshall Covid-19 Help", "Coggeshall", "", PAGE, ""],
            ),
            (
                ["Nottingham Bipolar Group", "Nottingham", "NG1 7DP", "", PHONE],
                ["Bipolar Support Group", "Nottingham", "NG1 7DP", "", PHONE],
            ),
            (
                ["Carers Together", "Danbury Essex", "", "", PHONE],
                ["Carers' Together", "Danbury, Essex", "", "", PHONE],
            ),
            (
                ["Perry Vale Covid Support", "London SE23, UK", "", PAGE, ""],
                ["Perry Vale & Forest Mutual Aid", "London SE23", "", PAGE, ""],
            ),
            (
                ["West Putney Coronavirus Community Help", "West Hill, London, UK", "", PAGE, ""],
                ["West Putney Covid help", "Putney", "", PAGE, ""],
            ),
            (
                ["Emsworth Alliance", "", "", "https://emsworthalliance.co.uk", ""],
                ["Emsworth Alliance", "Emsworth, Hants", "", "http://www.emsworthalliance.co.uk/", ""],
            ),
            (["Fibromyalgia Friends", "Derby", "", "", PHONE], ["Fybromyalgia friends", "Derby", "", "", PHONE]),
        ] {
            assert!(joins(a, b), "{a:?} {b:?}");
        }
    }

    #[test]
    fn two_groups_that_share_a_contact_are_not() {
        for (a, b) in [
            (
                ["Nottingham Bipolar Women", "Nottingham", "", "", PHONE],
                ["Nottingham Bipolar", "Nottingham", "", "", PHONE],
            ),
            (["Essex Carers", "Chelmsford", "", PAGE, PHONE], ["Essex Young Carers", "Chelmsford", "", PAGE, PHONE]),
            (["North Leeds MS Group", "Leeds", "", "", PHONE], ["South Leeds MS Group", "Leeds", "", "", PHONE]),
            (
                ["Gamblers Anonymous Tuesday", "Derby", "", "", PHONE],
                ["Gamblers Anonymous Friday", "Derby", "", "", PHONE],
            ),
            (["Hearing Voices Nottingham", "", "", "", PHONE], ["Hearing Voices Beeston", "", "", "", PHONE]),
            (["Mind Carers", "Derby", "DE1 1AA", "", PHONE], ["Mind Carers", "Derby", "DE23 1AA", "", PHONE]),
            (["Stroke Club", "Wells", "", "", PHONE], ["Stroke Club", "Bath", "", "", PHONE]),
            (
                ["Nottingham Mind", "Nottingham", "", "", PHONE],
                ["Nottingham Mind Hearing Voices", "Nottingham", "", "", PHONE],
            ),
            (
                ["Stroke Club", "Wells", "", "", "0300 123 4567"],
                ["Wells Aphasia Choir", "Wells", "", "", "0300 123 4567"],
            ),
            (
                ["Mutual Aid Groups", "E7 0QQ", "", PAGE, ""],
                ["Friends of Waterloo", "Waterloo, Ashton-under-Lyne", "", PAGE, ""],
            ),
            (
                ["Same name", "Wells", "BA5 1AA", "https://a.uk/x", "0115 911 1663"],
                ["Same name", "Wells", "BA5 1AA", "https://a.uk/y", "0115 911 1664"],
            ),
        ] {
            assert!(!joins(a, b), "{a:?} {b:?}");
        }
    }

    #[test]
    fn a_key_that_everybody_has_counts_for_nothing() {
        let (a, b) = (record(["Stroke Club", "Wells", "", "", PHONE]), record(["Stroke Club", "Wells", "", "", PHONE]));
        assert!(compare(&a, &b, &BTreeSet::new()).joins());
        assert!(!compare(&a, &b, &a.keys().collect()).joins());
    }

    #[test]
    fn one_edit_is_one_letter_or_two_neighbours() {
        for (a, b, expected) in [
            ("nottinham", "nottingham", true),
            ("nottnigham", "nottingham", true),
            ("nottingham", "nottingham", true),
            ("nottinghem", "nottingham", true),
            ("nottinghams", "nottingham", true),
            ("nttinghm", "nottingham", false),
            ("tottinghem", "nottingham", false),
        ] {
            assert_eq!(one_edit(a.as_bytes(), b.as_bytes()), expected, "{a} {b}");
            assert_eq!(one_edit(b.as_bytes(), a.as_bytes()), expected, "{b} {a}");
        }
    }
}
