//! Records → groups: what changed is linked and merged again, in the transaction that brought the change.
//!
//! The records that reach one another by shared keys or decisions are clustered; then every group that came to be, or
//! whose words or members changed, is merged and written, in rising order of numbers. Doing this for all records at once
//! is a rebuild; doing it for those that changed gives the same, because a component's clusters depend on its records only.

use super::reach::{self, Reached};
use super::stand::{self, Touched};
use crate::record::statement::{HubId, RecordRef};
use crate::record::vocabulary;
use crate::registry::link;
use crate::registry::search::SearchText;
use crate::registry::{Candidate, Cluster, Merged};
use crate::store::group::{Loaded, Rules, facet, links, lists};
use crate::store::record::{DecisionRow, RecordRow};
use crate::store::registry::GroupRow;
use crate::store::{self, StoreError, Write};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Groups read, merged and written at a time.
const BATCH: usize = 500;

/// What deriving changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Derived {
    /// Records looked at.
    pub records: u64,
    /// Groups written.
    pub groups: u64,
    /// Of these, groups of several records.
    pub joined: u64,
    /// Of these, groups in which hubs disagree.
    pub in_conflict: u64,
}

/// Derives groups again from these records and those that hang together with them.
///
/// # Errors
/// Database errors.
pub async fn derive(db: &mut Write, rules: &Rules, mut touched: Touched) -> Result<Derived, StoreError> {
    stand::again(db, &mut touched).await?;
    let mut derived = Derived { records: touched.records.len() as u64, ..Derived::default() };
    // Who was in a group with a changed record may belong elsewhere now.
    let groups: Vec<i64> = touched.groups.iter().copied().collect();
    let mut seeds = touched.records.clone();
    seeds.extend(store::record::members_of(db, &groups).await?);
    let reached = reach::reach(db, rules, &seeds, &touched.keys).await?;
    let placed = place(db, rules, touched, &reached).await?;
    store::registry::remove_groups(db, &placed.gone.into_iter().collect::<Vec<_>>()).await?;
    store::registry::set_groups(db, &placed.moved).await?;
    write(db, rules, placed.groups, &mut derived).await?;
    Ok(derived)
}

/// Which records make which groups now.
struct Placed {
    /// Groups to take away, or to write again.
    gone: BTreeSet<i64>,
    /// Records that belong to another group than the database says: (record, group).
    moved: Vec<(i64, i64)>,
    /// Groups to write, with their members.
    groups: BTreeMap<i64, Vec<i64>>,
}

/// Clusters every component. A group is written again when a record of it changed, or when its members did; one that
/// a changed record reaches without joining it stays as it is.
async fn place(db: &mut Write, rules: &Rules, touched: Touched, reached: &Reached) -> Result<Placed, StoreError> {
    let Touched { records: changed, groups: gone, .. } = touched;
    let mut placed = Placed { gone, moved: Vec::new(), groups: BTreeMap::new() };
    let mut clusters = clusters(db, rules, reached).await?;
    for (n, members) in &clusters {
        for (record, group) in members.iter().filter(|(_, group)| *group != Some(*n)) {
            placed.moved.push((*record, *n));
            placed.gone.insert(*n);
            // Of a changed record it is known already, and what stands there now is no group yet.
            placed.gone.extend(group.filter(|_| !changed.contains(record)));
        }
    }
    let alone: Vec<i64> = reached.alone().collect();
    for (record, group) in store::registry::displaced(db, &alone).await? {
        placed.moved.push((record, record));
        placed.gone.extend([record, group]);
    }
    clusters.extend(alone.into_iter().map(|record| (record, vec![(record, None)])));
    for (n, members) in clusters {
        if placed.gone.contains(&n) || members.iter().any(|(record, _)| changed.contains(record)) {
            placed.groups.insert(n, members.into_iter().map(|(record, _)| record).collect());
        }
    }
    Ok(placed)
}

/// A group's number, with its members and the groups that the database says they belong to.
type Clustered = (i64, Vec<(i64, Option<i64>)>);

/// Clusters of every component of several records.
async fn clusters(db: &mut Write, rules: &Rules, reached: &Reached) -> Result<Vec<Clustered>, StoreError> {
    let lists = lists(db, rules).await?;
    let links = links(reached.decisions.iter(), rules);
    let mut clusters = Vec::new();
    let mut components: VecDeque<&[i64]> =
        reached.components.iter().map(Vec::as_slice).filter(|component| component.len() > 1).collect();
    while !components.is_empty() {
        // Many components are small: they are read together.
        let (mut numbers, mut ends) = (Vec::new(), Vec::new());
        while numbers.len() < BATCH
            && let Some(component) = components.pop_front()
        {
            numbers.extend_from_slice(component);
            ends.push(numbers.len());
        }
        let loaded = Loaded::read(db, rules, &numbers).await?;
        let mut candidates: BTreeMap<i64, Candidate> = loaded.candidates(rules, &lists).collect();
        let mut from = 0;
        for end in ends {
            let component: Vec<Candidate> =
                numbers[from..end].iter().filter_map(|record| candidates.remove(record)).collect();
            from = end;
            for cluster in link::cluster(&component, &links, &reached.too_common) {
                let rows = cluster.members.iter().filter_map(|record| Some(&loaded.members.get(record)?.0));
                let members: Vec<_> = rows.map(|row| (row.state.first, row.group)).collect();
                // A group's number is its smallest member's, and members come sorted.
                clusters.extend(members.first().map(|(n, _)| *n).map(|n| (n, members)));
            }
        }
    }
    Ok(clusters)
}

/// Merges and writes groups. Records that are not live are in none.
async fn write(
    db: &mut Write,
    rules: &Rules,
    groups: BTreeMap<i64, Vec<i64>>,
    derived: &mut Derived,
) -> Result<(), StoreError> {
    let groups: Vec<Vec<i64>> = groups.into_values().collect();
    let mut merging: Option<tokio::task::JoinHandle<Vec<Written>>> = None;
    let mut batches = groups.chunks(BATCH);
    loop {
        let next = match batches.next() {
            Some(batch) => {
                let spoken = store::record::spoken(db, &batch.concat()).await?;
                let records = spoken.iter().filter_map(|(row, _)| rules.reference((row.hub, row.rec)));
                let decisions = store::record::decisions(db, &records.collect::<Vec<_>>()).await?;
                let (batch, rules) = (batch.to_vec(), rules.clone());
                Some(tokio::task::spawn_blocking(move || {
                    merge(&batch, &Loaded::of(spoken, &rules), &decisions, &rules)
                }))
            }
            None => None,
        };
        // While one batch is merged on another core, the one before is written.
        if let Some(batch) = merging.take() {
            let batch = batch.await.map_err(|error| StoreError::Protocol(format!("merging stopped: {error}")))?;
            derived.groups += batch.len() as u64;
            derived.joined += batch.iter().filter(|(row, ..)| row.members > 1).count() as u64;
            derived.in_conflict += batch.iter().filter(|(row, ..)| !row.conflicts.is_empty()).count() as u64;
            store::registry::add_groups(db, &batch).await?;
        }
        match next {
            Some(batch) => merging = Some(batch),
            None => return Ok(()),
        }
    }
}

/// A group as listed, its search text and its facets.
type Written = (GroupRow, SearchText, String);

fn merge(batch: &[Vec<i64>], loaded: &Loaded, decisions: &[DecisionRow], rules: &Rules) -> Vec<Written> {
    let by_number: BTreeMap<i64, RecordRef> =
        loaded.members.iter().map(|(record, (row, _))| (row.state.first, *record)).collect();
    let clusters = batch.iter().map(|members| members.iter().filter_map(|n| by_number.get(n).copied()).collect());
    clusters
        .filter(|members: &Vec<RecordRef>| !members.is_empty())
        .map(|members| {
            let (merged, rows) = loaded.merge(&Cluster { members, joined: Vec::new() }, rules, decisions.iter());
            group_row(&merged, &rows)
        })
        .collect()
}

/// A merged group as it is listed and found.
fn group_row(merged: &Merged, rows: &[(&RecordRow, RecordRef)]) -> Written {
    let first = rows.iter().find(|(_, record)| *record == merged.id).map(|(row, _)| row);
    let text = |unit: &str, member: &str| {
        merged.value(unit).and_then(|value| value.get(member)).and_then(|value| value.as_str()).unwrap_or_default()
    };
    let hubs: BTreeSet<HubId> = merged.members.iter().map(|member| member.hub).collect();
    let place = [text("place", "locality"), text("place", "postcode")];
    let row = GroupRow {
        n: first.map_or(0, |row| row.state.first),
        hub: first.map_or(0, |row| row.hub),
        rec: merged.id.rec,
        digest: merged.digest(),
        name: merged.name().to_owned(),
        place: place.iter().filter(|text| !text.is_empty()).copied().collect::<Vec<_>>().join(" "),
        status: text("status", "state").to_owned(),
        checked: merged.assured.as_ref().map(|assured| assured.date.to_string()).unwrap_or_default(),
        members: merged.members.len() as i64,
        hubs: hubs.len() as i64,
        conflicts: merged.conflicts.iter().map(|unit| unit.name().to_owned()).collect(),
    };
    let expand = |term: &str| -> Vec<String> {
        [vocabulary::topics(), vocabulary::communities(), vocabulary::roles()]
            .iter()
            .find(|vocabulary| vocabulary.get(term).is_some())
            .map(|vocabulary| vocabulary.search_words(term).into_iter().map(str::to_owned).collect())
            .unwrap_or_default()
    };
    let search = SearchText::of(merged, &expand).unwrap_or_default();
    let facets = if merged.listed() { facets(merged) } else { String::new() };
    (row, search, facets)
}

/// Words by which results are narrowed: one token each in the index, which no visitor's own words can be.
fn facets(merged: &Merged) -> String {
    let mut facets = BTreeSet::new();
    let strings = |unit: &str| -> Vec<String> {
        let array = merged.value(unit).and_then(|value| value.as_array());
        array.into_iter().flatten().filter_map(|value| value.as_str()).map(str::to_owned).collect()
    };
    for topic in strings("topics") {
        let above = vocabulary::topics().ancestors(&topic);
        facets.extend(above.into_iter().map(|term| facet("topic", term)));
        facets.insert(facet("topic", &topic));
    }
    facets.extend(strings("modes").iter().map(|mode| facet("mode", mode)));
    if let Some(place) = merged.value("place").and_then(|place| place.get("locality")).and_then(|text| text.as_str()) {
        facets.insert(facet("place", place));
    }
    let ended = merged.value("status").and_then(|status| status.get("state")).and_then(|state| state.as_str())
        == Some(crate::record::group::CLOSED);
    facets.insert(facet("status", if ended { "ended" } else { "current" }));
    facets.into_iter().collect::<Vec<_>>().join(" ")
}
