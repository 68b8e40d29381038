//! Records → groups: what changed is linked and merged again, in the transaction that brought the change.
//!
//! Changed records are compared with those that share a key with them; records that reach one another by joined pairs or
//! decisions are clustered; then every group that came to be, or
//! whose words or members changed, is merged and written, in rising order of numbers. Doing this for all records at once
//! is a rebuild; doing it for those that changed gives the same, because a component's clusters depend on its records only.

use super::compare;
use super::reach::{self, Reached};
use super::stand::{self, Touched};
use crate::record::statement::{HubId, RecordRef};
use crate::record::vocabulary;
use crate::registry::linkage::{self, Row, cluster::Edge};
use crate::registry::search::SearchText;
use crate::registry::{Cluster, Decision, Merged};
use crate::store::group::{Compared, Lists, Loaded, Rules, facet, links, lists};
use crate::store::record::{DecisionRow, RecordRow};
use crate::store::registry::GroupRow;
use crate::store::{self, StoreError, Write};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use tracing::Instrument;

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
    stand::again(db, rules.policy.linkage(), &mut touched).await?;
    let mut derived = Derived { records: touched.records.len() as u64, ..Derived::default() };
    if touched.records.is_empty() {
        return Ok(derived);
    }
    let lists = Arc::new(lists(db, rules).await?);
    // The span tells linking's own cost from that of merging and writing what came of it.
    let linking = async {
        let repaired = compare::compare(db, rules, &lists, &mut touched).await?;
        let reached = reach::reach(db, rules, touched.records.clone(), repaired).await?;
        place(db, rules, &lists, touched, &reached).await
    };
    let placed = linking.instrument(tracing::debug_span!("linking")).await?;
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
async fn place(
    db: &mut Write,
    rules: &Rules,
    lists: &Lists,
    mut touched: Touched,
    reached: &Reached,
) -> Result<Placed, StoreError> {
    let mut clusters = clusters(db, rules, lists, &mut touched.compared, reached).await?;
    clusters.extend(reached.alone().map(|record| (record, vec![record])));
    let changed = touched.records;
    let mut placed = Placed { gone: touched.groups, moved: Vec::new(), groups: BTreeMap::new() };
    let records: Vec<i64> = clusters.iter().flat_map(|(_, members)| members.iter().copied()).collect();
    let stands: HashMap<i64, i64> = store::registry::groups_of(db, &records).await?.into_iter().collect();
    for (n, members) in &clusters {
        for (record, group) in members.iter().filter_map(|record| Some((*record, *stands.get(record)?))) {
            if group != *n {
                placed.moved.push((record, *n));
                placed.gone.insert(*n);
                // Of a changed record it is known already, and what stands there now is no group yet.
                placed.gone.extend((!changed.contains(&record)).then_some(group));
            }
        }
    }
    for (n, members) in clusters {
        if placed.gone.contains(&n) || members.iter().any(|record| changed.contains(record)) {
            placed.groups.insert(n, members);
        }
    }
    Ok(placed)
}

/// Clusters of every component of several records: a group's number, and its members.
async fn clusters(
    db: &mut Write,
    rules: &Rules,
    lists: &Lists,
    compared: &mut BTreeMap<i64, Compared>,
    reached: &Reached,
) -> Result<Vec<(i64, Vec<i64>)>, StoreError> {
    let several: Vec<&[i64]> =
        reached.components.iter().map(Vec::as_slice).filter(|component| component.len() > 1).collect();
    compare::read(db, rules, several.concat(), compared).await?;
    let component: HashMap<i64, usize> = several
        .iter()
        .enumerate()
        .flat_map(|(n, component)| component.iter().map(move |record| (*record, n)))
        .collect();
    let mut edges: Vec<Vec<Edge>> = vec![Vec::new(); several.len()];
    for (a, b, score) in &reached.joined {
        let row = |record: &i64| compared.get(record).and_then(|one| rules.reference((one.hub, one.rec)));
        if let (Some(n), Some(a), Some(b)) = (component.get(a), row(a), row(b)) {
            edges[*n].push(Edge { a, b, score: *score });
        }
    }
    let links = links(reached.decisions.iter(), rules);
    let mut clusters = Vec::new();
    for (component, edges) in several.iter().zip(edges) {
        let rows: BTreeMap<RecordRef, (i64, Row)> = component
            .iter()
            .filter_map(|record| Some((*record, compared.get(record)?.row(rules, lists)?)))
            .map(|(record, row)| (row.record, (record, row)))
            .collect();
        let about: Vec<Decision> =
            links.iter().filter(|link| rows.contains_key(&link.a) && rows.contains_key(&link.b)).copied().collect();
        let candidates: Vec<Row> = rows.values().map(|(_, row)| row.clone()).collect();
        for cluster in linkage::cluster(&candidates, &edges, &about, rules.policy.linkage()).groups {
            let members: Vec<i64> = cluster.members.iter().filter_map(|record| Some(rows.get(record)?.0)).collect();
            // A group's number is its smallest record's, of copies too, and they come sorted.
            clusters.extend(members.first().copied().map(|n| (n, members)));
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
                let decisions = store::group::decisions(db, rules, &records.collect::<Vec<_>>()).await?;
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
    // The number is the smallest record's, whether it speaks or only repeats; the id is that of one which speaks.
    let first = rows.iter().min_by_key(|(_, record)| *record).map(|(row, _)| row);
    let named = rows.iter().find(|(_, record)| *record == merged.id).map(|(row, _)| row);
    let text = |unit: &str, member: &str| {
        merged.value(unit).and_then(|value| value.get(member)).and_then(|value| value.as_str()).unwrap_or_default()
    };
    let hubs: BTreeSet<HubId> = merged.members.iter().map(|member| member.hub).collect();
    let place = [text("place", "locality"), text("place", "postcode")];
    let row = GroupRow {
        n: first.map_or(0, |row| row.state.first),
        hub: named.map_or(0, |row| row.hub),
        rec: merged.id.rec,
        digest: merged.digest(),
        name: merged.name().to_owned(),
        place: place.iter().filter(|text| !text.is_empty()).copied().collect::<Vec<_>>().join(" "),
        status: text("status", "state").to_owned(),
        checked: merged.assured.as_ref().map(|assured| assured.date.to_string()).unwrap_or_default(),
        members: merged.members.len() as i64,
        hubs: hubs.len() as i64,
        conflicts: merged.conflicts.iter().map(|unit| unit.name().to_owned()).collect(),
        level: merged.safety.clone(),
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
