//! The keys by which records find one another. Two records are compared when they share one that is not too common.
//!
//! Keys depend on the record and the model alone. A key that more than `cuts.sharing` records have is not used: comparing
//! all with all would cost their square, and what so many share tells no two of them apart. That count is a
//! fact about the set of records, not about the order in which they came, so adding one by one gives what starting afresh
//! gives, as long as the members of a key that crosses the line, either way, are looked at again. For those who share
//! such a key and are one group, each of the kinds that could be crowded (postcode, telephone, site) is also
//! given together with the name's rarest word and, apart, with the topic: finer keys that nobody can crowd by accident.

use super::features::{Draft, hash};
use crate::registry::geo::Precision;
use crate::registry::normal_contact as contact;
use std::collections::BTreeSet;

/// Rarest words of a name that become keys.
const RAREST: usize = 3;
/// Words that weigh less are too common to find anything by.
const TELLING: u32 = 300;

/// The keys of a record, sorted, once each.
pub(super) fn keys(draft: &Draft) -> Vec<u64> {
    let mut keys = Vec::with_capacity(32);
    let mut add = |kind: &str, parts: &[&str]| keys.push(hash(kind, &parts.join("\u{1}")));

    let mut words: Vec<&(String, u32)> = draft.words.iter().collect();
    // The rarest first; of equals the first in the alphabet.
    words.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    words.dedup();
    let rarest: Vec<&str> =
        words.iter().filter(|word| word.1 >= TELLING).take(RAREST).map(|word| word.0.as_str()).collect();
    let first = rarest.first().copied();
    let outward = draft.postcode.as_ref().map(|code| code.outward.as_str()).or(draft.foreign.as_deref());
    let town = (!draft.town.is_empty()).then_some(draft.town.as_str());
    let topics: Vec<String> = draft.topics.iter().map(u16::to_string).collect();
    let areas: Vec<(&str, &str)> =
        outward.map(|code| ("o", code)).into_iter().chain(town.map(|town| ("t", town))).collect();

    let full = draft.postcode.as_ref().and_then(|code| Some(format!("{} {}", code.outward, code.inward.as_ref()?)));
    // What may be crowded: alone, with the rarest word, with each topic.
    let mut crowded: Vec<(&str, &str)> = full.as_deref().map(|code| ("postcode", code)).into_iter().collect();
    for phone in &draft.phones {
        if contact::is_switchboard(phone) {
            areas.iter().for_each(|(kind, area)| add("switchboard", &[phone, kind, area]));
        }
        crowded.push(("phone", phone));
    }
    if let Some(email) = &draft.email {
        if draft.office {
            areas.iter().for_each(|(kind, area)| add("office", &[email, kind, area]));
        }
        crowded.push(("email", email));
    }
    if let Some(page) = &draft.page {
        crowded.push(("page", page));
    }
    if let Some(site) = &draft.site {
        areas.iter().for_each(|(kind, area)| add("site", &[site, kind, area]));
        crowded.push(("site", site));
    }
    for (kind, value) in crowded {
        add(kind, &[value]);
        if let Some(word) = first {
            add(kind, &[value, "w", word]);
        }
    }
    if let Some(number) = &draft.charity {
        add("charity", &[number]);
    }
    for word in &rarest {
        for (kind, area) in &areas {
            add("word", &[word, kind, area]);
        }
        if let Some(point) = draft.point.filter(|point| point.precision <= Precision::Sector) {
            // Cells of about 4 km, twice, so that neighbours across an edge of one share the other.
            for (grid, shift) in [("g", 0), ("h", 1)] {
                let (lat, lon) =
                    ((point.lat + shift * 2_000).div_euclid(4_000), (point.lon + shift * 3_000).div_euclid(6_000));
                add("word", &[word, grid, &lat.to_string(), &lon.to_string()]);
            }
        }
    }
    // Two telling words together are nearly an id, wherever they stand; all of them are one even where there are many.
    for (n, left) in rarest.iter().enumerate() {
        for right in &rarest[n + 1..] {
            add("words", &[left.min(right), left.max(right)]);
        }
    }
    if rarest.len() >= 2 {
        let telling = draft.words.iter().filter(|word| word.1 >= TELLING / 2).map(|word| word.0.as_str());
        let whole: BTreeSet<&str> = telling.collect();
        add("name", &[&whole.into_iter().collect::<Vec<_>>().join(" ")]);
    }
    if !draft.house.is_empty() && !draft.street.is_empty() {
        let street = &draft.street;
        add("house", &[&draft.house, street]);
        areas.iter().for_each(|(kind, area)| add("house", &[&draft.house, street, kind, area]));
    }
    // A name without telling words is found by what the group is about.
    for topic in &topics {
        for (kind, area) in &areas {
            add("topic", &[topic, kind, area]);
        }
    }
    keys.sort_unstable();
    keys.dedup();
    keys
}
