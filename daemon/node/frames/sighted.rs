//! Who saw the units of a frame at first hand: from records and lists to the sightings that coverage is estimated from.
//!
//! A list is an observer of its own: a hub that keeps three lists has looked three times. A row of a hub's own knowledge was seen by the
//! hub. A copy saw nothing, through however many hands it came: it leads to the record it was taken from, and that one's list. Lists that
//! derive from one another (they say so, stand word for word in one another, or have one title at several hubs) are named as such, so that
//! they count as one.

use super::Plan;
use crate::frame::coverage::history::{Derived, Sighted};
use crate::frame::frozen::{self, Frame};
use crate::node::Hub;
use crate::record::list::{List, OWN};
use crate::record::{HubId, RecordRef};
use crate::registry::normal;
use crate::registry::sighting::{Seen, origin};
use crate::store;
use crate::store::frame::{Behind, Told};
use crate::store::group::{Key, Lists, Rules};
use jiff::civil::Date;
use std::collections::{BTreeMap, BTreeSet};

/// A frame as it is in the registry now, with what stands behind its units.
#[derive(Debug, Clone)]
pub struct Look {
    /// The frame.
    pub frame: Frame,
    /// Digest of its bytes.
    pub digest: String,
    /// Its units, and who saw each.
    pub units: Vec<Sighted>,
    /// Sources that were made from others.
    pub derived: Vec<Derived>,
    /// Units that are likely one group, by their ids: nobody has answered yet.
    pub likely: Vec<(RecordRef, RecordRef)>,
    /// Units with fields in which records contradict each other, and how many fields.
    pub conflicts: BTreeMap<RecordRef, usize>,
    /// Units that everybody may reach.
    pub public_contact: BTreeSet<RecordRef>,
    /// Units that this hub may reach.
    pub role_contact: BTreeSet<RecordRef>,
}

impl Hub {
    /// Builds a frame from the registry as it is, with what stands behind its units.
    ///
    /// # Errors
    /// A definition or decision that is not sound; database errors.
    pub async fn look_at_frame(&self, plan: &Plan) -> anyhow::Result<Look> {
        let decisions = self.frame_decisions(&plan.definition.sample_frame_name).await?;
        let copies = self.copies().await?;
        let mut connection = self.store.read().await?;
        let mut db = sqlx::Connection::begin(&mut *connection).await?;
        let rules = Rules::standing(&mut db, self.policy.clone()).await?;
        let definition = super::of_registry(&mut db, plan).await?;
        let given = store::frame::given(&mut db, &rules, &definition, true).await?;
        let lists = store::group::lists(&mut db, &rules).await?;
        let names = store::directory::names(&mut db).await?;
        let open = store::question::open(&mut db, &rules, false, usize::from(u16::MAX)).await?;
        let with_contact = store::frame::with_contact(&mut db).await?;
        drop(db);
        let frame = frozen::build(definition, plan.profile.clone(), given.candidates, &given.apart, decisions)?;
        let sources = Sources::of(&lists, &rules, &names);
        let unit: BTreeSet<RecordRef> = frame.units().map(|row| row.id).collect();
        let behind: Vec<&Behind> = given.behind.iter().filter(|one| unit.contains(&one.id)).collect();
        let list_of: BTreeMap<RecordRef, Option<Key>> =
            given.behind.iter().flat_map(|one| &one.records).map(|told| (told.record, told.list)).collect();
        let unit_of: BTreeMap<i64, RecordRef> =
            behind.iter().flat_map(|one| one.records.iter().map(|told| (told.number, one.id))).collect();
        let likely = open.first.iter().filter_map(|asked| Some((*unit_of.get(&asked.a)?, *unit_of.get(&asked.b)?)));
        let likely = likely.filter(|(a, b)| a != b).collect();
        let mut derived = sources.derived.clone();
        for copied in copies {
            let name = |list: &RecordRef| rules.key(list).map(|key| sources.name(list.hub, Some(key)));
            if let (Some(source), Some(of)) = (name(&copied.copy.list), name(&copied.copy.of)) {
                derived.push(Derived { source, of, how: "word-for-word".to_owned() });
            }
        }
        let told = |one: &&Behind| Sighted { unit: one.id.to_string(), by: sources.seen(&one.records, &list_of) };
        Ok(Look {
            digest: frame.digest(),
            units: behind.iter().map(told).collect(),
            derived,
            likely,
            conflicts: behind.iter().map(|one| (one.id, one.conflicts)).filter(|(_, n)| *n > 0).collect(),
            public_contact: behind.iter().filter(|one| one.public_contact).map(|one| one.id).collect(),
            role_contact: behind
                .iter()
                .filter(|one| one.records.iter().any(|told| with_contact.contains(&told.number)))
                .map(|one| one.id)
                .collect(),
            frame,
        })
    }
}

impl Look {
    /// The same units with every likely pair joined: the loose linkage beside the strict one.
    pub fn loosely(&self) -> Vec<Sighted> {
        let place: BTreeMap<&str, usize> =
            self.units.iter().enumerate().map(|(at, unit)| (unit.unit.as_str(), at)).collect();
        let mut first: Vec<usize> = (0..self.units.len()).collect();
        let root = |first: &[usize], mut at: usize| {
            while first[at] != at {
                at = first[at];
            }
            at
        };
        for (a, b) in &self.likely {
            let (Some(a), Some(b)) = (place.get(a.to_string().as_str()), place.get(b.to_string().as_str())) else {
                continue;
            };
            let (a, b) = (root(&first, *a), root(&first, *b));
            first[a.max(b)] = a.min(b);
        }
        let mut joined: BTreeMap<usize, Sighted> = BTreeMap::new();
        for (at, unit) in self.units.iter().enumerate() {
            let one = joined.entry(root(&first, at)).or_insert_with(|| Sighted { unit: unit.unit.clone(), by: vec![] });
            for seen in &unit.by {
                match one.by.iter_mut().find(|known| known.observed_by == seen.observed_by) {
                    Some(known) => known.date = known.date.max(seen.date),
                    None => one.by.push(seen.clone()),
                }
            }
        }
        joined.into_values().collect()
    }
}

/// What sources are called.
struct Sources<'a> {
    lists: &'a Lists,
    names: &'a BTreeMap<HubId, String>,
    /// Lists whose titles several hubs use.
    shared: BTreeSet<Key>,
    derived: Vec<Derived>,
}

impl<'a> Sources<'a> {
    fn of(lists: &'a Lists, rules: &Rules, names: &'a BTreeMap<HubId, String>) -> Sources<'a> {
        let mut by_title: BTreeMap<String, Vec<Key>> = BTreeMap::new();
        for (key, list) in lists.iter().filter(|(_, list)| is_source(list)) {
            by_title.entry(normal::words(&list.title)).or_default().push(*key);
        }
        let shared = by_title.values().filter(|keys| keys.len() > 1).flatten().copied().collect();
        let mut sources = Sources { lists, names, shared, derived: Vec::new() };
        let hub = |key: &Key| rules.hubs.get(&key.0).copied();
        let mut derived = Vec::new();
        for (key, list) in lists {
            let Some(source) = hub(key).map(|hub| sources.name(hub, Some(*key))) else { continue };
            if sources.shared.contains(key) {
                // Two hubs that keep a list of one name have taken it from one place, for all that is known.
                derived.push(Derived { source: source.clone(), of: list.title.clone(), how: "same-title".to_owned() });
            }
            for of in &list.derived_from {
                derived.push(Derived { source: source.clone(), of: of.clone(), how: "declared".to_owned() });
            }
        }
        sources.derived = derived;
        sources
    }

    /// What the source of a record is called: its list, or its hub by its id.
    fn name(&self, hub: HubId, list: Option<Key>) -> String {
        let known = list.and_then(|key| Some((key, self.lists.get(&key)?))).filter(|(_, list)| is_source(list));
        match known {
            None => hub.to_string(),
            Some((key, list)) if self.shared.contains(&key) => {
                let of = self.names.get(&hub).cloned().unwrap_or_else(|| hub.to_string());
                format!("{} ({of})", list.title)
            }
            Some((_, list)) => list.title.clone(),
        }
    }

    /// Who saw a group, each source once with its newest day.
    fn seen(&self, records: &[Told], list_of: &BTreeMap<RecordRef, Option<Key>>) -> Vec<Seen> {
        let mut by: BTreeMap<String, Option<Date>> = BTreeMap::new();
        let mut add = |source: String, date: Option<Date>| {
            let newest = by.entry(source).or_default();
            *newest = (*newest).max(date);
        };
        for told in records {
            if told.sightings.is_empty() {
                add(self.name(told.record.hub, told.list), told.checked);
            }
            for sighting in &told.sightings {
                let source = match (origin(sighting), sighting.observed_by.parse::<HubId>()) {
                    // The row that it was taken from, if it is known here, says which list that was.
                    (Some(from), _) => self.name(from.hub, list_of.get(&from).copied().flatten()),
                    // A hub's word for itself: the list in which it says so.
                    (None, Ok(hub)) if hub == told.record.hub => self.name(hub, told.list),
                    (None, Ok(hub)) => hub.to_string(),
                    (None, Err(_)) => sighting.observed_by.clone(),
                };
                add(source, sighting.date);
            }
        }
        let one = |(observed_by, date)| Seen { observed_by, kind: None, date, via: Vec::new() };
        by.into_iter().map(one).collect()
    }
}

/// Whether a list is a source beside its hub's own knowledge.
fn is_source(list: &List) -> bool {
    list.kind != OWN && !list.title.trim().is_empty()
}
