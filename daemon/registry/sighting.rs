//! Who saw a group at first hand, by which hubs that came here, and which records only repeat others.
//!
//! A record that names no sighting is its own hub's word. One that was taken over from another hub says so: each of its
//! [`Sighting`]s names the observer, the observer's own record and the hubs that passed it on, nearest first. However many
//! hubs republish it, the observer stays one, so a copy is never a second sighting (USERS section 1, item 5).

use crate::record::group::{Group, Sighting};
use crate::record::{HubId, RecordRef};
use jiff::civil::Date;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Most sightings that a record passes on, and most hubs that one of them names: a bound for records that come round.
pub const MOST: usize = 16;

/// The hub's record that a sighting comes from, where the observer is a hub and its record is named.
pub fn origin(sighting: &Sighting) -> Option<RecordRef> {
    Some(RecordRef { hub: sighting.observed_by.parse().ok()?, rec: sighting.record? })
}

/// The records of other hubs that a record repeats, sorted; empty where its own hub saw anything of it itself.
///
/// `checked`: its hub has confirmed it since. Then it is that hub's word as well, whatever it was taken from.
pub fn repeats(record: &RecordRef, group: &Group, checked: bool) -> Vec<RecordRef> {
    if checked {
        return Vec::new();
    }
    let found: Option<BTreeSet<RecordRef>> =
        group.sightings.iter().map(|sighting| origin(sighting).filter(|from| from.hub != record.hub)).collect();
    found.unwrap_or_default().into_iter().collect()
}

/// What is known of who saw the records of a group, as a hub states it that takes them over as its own row: each observer
/// once, by the shortest way, with `by` (the hub that passes them on) in front.
pub fn passed_on<'a>(
    members: impl IntoIterator<Item = (RecordRef, &'a Group, Option<Date>)>,
    by: HubId,
) -> Vec<Sighting> {
    let step = by.to_string();
    let pass = |mut sighting: Sighting| {
        if sighting.observed_by != step && sighting.via.first() != Some(&step) {
            sighting.via.insert(0, step.clone());
        }
        sighting.via.truncate(MOST);
        sighting
    };
    let told: Vec<Sighting> = members.into_iter().flat_map(|(record, group, date)| told(record, group, date)).collect();
    once_each(told.iter()).into_iter().map(pass).take(MOST).collect()
}

/// The sightings behind one record, as they stand once its hub has said them.
fn told(record: RecordRef, group: &Group, date: Option<Date>) -> Vec<Sighting> {
    let hub = record.hub.to_string();
    if group.sightings.is_empty() {
        return vec![Sighting { observed_by: hub, record: Some(record.rec), date, ..Sighting::default() }];
    }
    let through = |sighting: &Sighting| {
        let mut sighting = sighting.clone();
        if sighting.observed_by != hub && sighting.via.first() != Some(&hub) {
            sighting.via.insert(0, hub.clone());
        }
        sighting
    };
    group.sightings.iter().map(through).collect()
}

/// One of each observer's record and day, by the shortest way; sorted by what they say.
pub fn once_each<'a>(sightings: impl IntoIterator<Item = &'a Sighting>) -> Vec<Sighting> {
    let mut shortest: BTreeMap<String, &Sighting> = BTreeMap::new();
    for sighting in sightings {
        let without_way = Sighting { via: Vec::new(), ..sighting.clone() };
        // Of a hub's own record, the day is the record's to say: a copy may be older than the check.
        let key = match origin(sighting) {
            Some(from) => format!("{}/{}", from.hub, from.rec),
            None => serde_json::to_string(&without_way).unwrap_or_default(),
        };
        let held = shortest.entry(key).or_insert(sighting);
        let rank = |one: &Sighting| (one.via.len(), one.via.clone(), std::cmp::Reverse(one.date));
        if rank(sighting) < rank(held) {
            *held = sighting;
        }
    }
    shortest.into_values().cloned().collect()
}

/// Somebody who saw a group at first hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// A hub's id, or the title of a source.
    pub observed_by: String,
    /// Vocabulary `source-kinds`, where it is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The newest day on which that is said to have been.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<Date>,
    /// By which hubs it came, nearest first; empty of what the observer told us itself. The shortest way where there are
    /// several.
    pub via: Vec<String>,
}

/// Who saw a group at first hand, each observer once however many copies of its word there are, sorted.
pub fn seen<'a>(members: impl IntoIterator<Item = (RecordRef, &'a Group, Option<Date>)>) -> Vec<Seen> {
    let mut by: BTreeMap<String, Seen> = BTreeMap::new();
    for sighting in members.into_iter().flat_map(|(record, group, date)| told(record, group, date)) {
        let Sighting { observed_by, kind, date, via, .. } = sighting;
        let key = match observed_by.parse::<HubId>() {
            Ok(hub) => hub.to_string(),
            Err(_) => super::normal::words(&observed_by),
        };
        let found = by.entry(key).or_insert_with(|| Seen { observed_by, kind: None, date: None, via: via.clone() });
        found.date = found.date.max(date);
        found.kind = found.kind.take().or(kind);
        if (via.len(), &via) < (found.via.len(), &found.via) {
            found.via = via;
        }
    }
    by.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn hub(n: u8) -> HubId {
        HubId([n; 20])
    }

    fn record(n: u8) -> RecordRef {
        RecordRef { hub: hub(n), rec: Uuid::from_u128(u128::from(n)) }
    }

    fn copy_of(told: Vec<Sighting>) -> Group {
        Group { name: "A".into(), sightings: told, ..Group::default() }
    }

    #[test]
    fn the_first_observer_is_kept_through_any_number_of_hands() {
        let own = Group { name: "A".into(), ..Group::default() };
        let (mut told, mut last) = (own.clone(), record(1));
        for n in 2..=5 {
            // Hub n has pulled the record before and takes it over into a list of its own.
            told = copy_of(passed_on([(last, &told, None)], hub(n)));
            last = record(n);
        }
        let [one] = &told.sightings[..] else { panic!("{:?}", told.sightings) };
        assert_eq!(origin(one), Some(record(1)));
        assert_eq!(one.via, [5, 4, 3, 2].map(|n| hub(n).to_string()));
        assert_eq!(repeats(&last, &told, false), [record(1)]);
        // Whoever holds all of it counts one observer, who told it directly.
        let all = seen([(record(1), &own, None), (last, &told, None)]);
        assert_eq!(
            all.iter().map(|seen| (&seen.observed_by, seen.via.len())).collect::<Vec<_>>(),
            [(&hub(1).to_string(), 0)]
        );
        // Two copies by two ways, of a hub that is not followed here: one observer, by the shorter way.
        let other = copy_of(passed_on([(record(1), &own, None)], hub(9)));
        let all = seen([(record(9), &other, None), (last, &told, None)]);
        assert_eq!(all.iter().map(|seen| seen.via.len()).collect::<Vec<_>>(), [1]);
        assert_eq!(once_each(other.sightings.iter().chain(&told.sightings)).len(), 1);
    }

    #[test]
    fn who_looked_itself_repeats_nobody() {
        let copy = copy_of(passed_on([(record(1), &Group::default(), None)], hub(2)));
        assert_eq!(repeats(&record(2), &copy, false), [record(1)]);
        assert!(repeats(&record(2), &copy, true).is_empty(), "confirmed since");
        assert!(repeats(&record(1), &copy, false).is_empty(), "its own words, come home");
        let mut looked = copy.clone();
        looked.sightings.push(Sighting { observed_by: hub(2).to_string(), ..Sighting::default() });
        assert!(repeats(&record(2), &looked, false).is_empty());
        let leaflet = copy_of(vec![Sighting { observed_by: "Library leaflet".into(), ..Sighting::default() }]);
        assert!(repeats(&record(2), &leaflet, false).is_empty());
        assert_eq!(seen([(record(2), &leaflet, None)])[0].via, [hub(2).to_string()]);
    }
}
