//! Records → groups: what changed is linked and merged again, in the transaction that brought the change.
//!
//! First every changed record is taken alone and becomes its own group; most stay so. Then the records that reach one
//! another by shared keys or decisions are clustered, and groups of several take the place of theirs. Doing this for all
//! records at once is a rebuild; doing it for those that changed gives the same, because a component's clusters depend
//! on its records only.

use crate::record::statement::{Body, HubId, Kind, RecordRef};
use crate::record::{Group, part, vocabulary};
use crate::registry::link::{self, MAX_SHARING};
use crate::registry::merge;
use crate::registry::search::SearchText;
use crate::registry::{Candidate, Merged, features};
use crate::store::group::{Key, Lists, Loaded, Rules, facet, links, lists, member, rows_of, statement_of};
use crate::store::record::{DecisionRow, RecordRow};
use crate::store::registry::{Dirty, GroupRow, Standing};
use crate::store::{self, StoreError, Write};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// Records read, computed and written at a time.
const BATCH: usize = 512;
/// Past this many changed keys, all shared keys are read in one go.
const ALL_KEYS: usize = 4096;

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
pub async fn derive(
    db: &mut Write,
    rules: &Rules,
    mut dirty: Dirty,
    judged: &BTreeSet<RecordRef>,
) -> Result<Derived, StoreError> {
    let mut derived = Derived::default();
    dirty.extend(store::registry::marked(db).await?);
    let lists = lists(db, rules).await?;
    // Groups that lose a member are derived again with all that is left of them.
    let mut seeds: BTreeSet<Key> = judged.iter().filter_map(|record| rules.key(record)).collect();
    let mut keys_touched: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
    derived.records = dirty.len() as u64;
    alone(db, rules, &dirty, &mut seeds, &mut keys_touched, &mut derived).await?;
    seeds.extend(dirty.values());
    let fresh = dirty.into_iter().map(|(first, key)| (key, first)).collect();
    together(db, rules, &lists, &fresh, seeds, keys_touched, &mut derived).await?;
    Ok(derived)
}

/// Step one: each changed record for itself.
async fn alone(
    db: &mut Write,
    rules: &Rules,
    dirty: &Dirty,
    seeds: &mut BTreeSet<Key>,
    keys_touched: &mut BTreeMap<i64, (i64, i64)>,
    derived: &mut Derived,
) -> Result<(), StoreError> {
    let mut computing: Option<tokio::task::JoinHandle<Batch>> = None;
    let dirty: Vec<Key> = dirty.values().copied().collect();
    let mut chunks = dirty.chunks(BATCH);
    loop {
        let next = match chunks.next() {
            Some(chunk) => {
                let spoken = read(db, chunk).await?;
                let rules = rules.clone();
                Some(tokio::task::spawn_blocking(move || Batch::compute(spoken, &rules)))
            }
            None => None,
        };
        // While one batch is computed on another core, the one before is written.
        if let Some(batch) = computing.take() {
            let batch = batch.await.map_err(|error| StoreError::Protocol(format!("deriving stopped: {error}")))?;
            batch.write(db, seeds, keys_touched, derived).await?;
        }
        match next {
            Some(batch) => computing = Some(batch),
            None => return Ok(()),
        }
    }
}

/// A record with the line that its newest put stands for.
struct Spoken {
    row: RecordRow,
    line: Option<String>,
    erased: bool,
}

async fn read(db: &mut Write, keys: &[Key]) -> Result<Vec<Spoken>, StoreError> {
    let mut by_hub: BTreeMap<i64, Vec<Uuid>> = BTreeMap::new();
    keys.iter().for_each(|(hub, rec)| by_hub.entry(*hub).or_default().push(*rec));
    let mut spoken = Vec::with_capacity(keys.len());
    for (hub, recs) in by_hub {
        let erased = store::log::erasures(db, hub).await?;
        let rows = store::record::get_many(db, hub, &recs).await?;
        let positions: Vec<i64> = rows.iter().filter_map(|row| row.state.put.map(|(pos, _)| pos)).collect();
        let mut lines: HashMap<i64, String> = store::log::lines(db, &positions).await?.into_iter().collect();
        spoken.extend(rows.into_iter().map(|row| {
            let line = row.state.put.and_then(|(pos, _)| lines.remove(&pos));
            let erased = row.state.put.is_some_and(|(_, rev)| erased.get(&row.rec).is_some_and(|upto| rev <= *upto));
            Spoken { row, line, erased }
        }));
    }
    Ok(spoken)
}

/// What was computed of a batch of records.
#[derive(Default)]
struct Batch {
    standings: Vec<Standing>,
    had: Vec<(i64, Uuid, Vec<i64>)>,
    old_groups: Vec<i64>,
    groups: Vec<(GroupRow, SearchText, String)>,
}

impl Batch {
    fn compute(mut spoken: Vec<Spoken>, rules: &Rules) -> Batch {
        let mut batch = Batch::default();
        spoken.sort_by_key(|spoken| spoken.row.state.first);
        for Spoken { row, line, erased } in spoken {
            batch.had.push((row.hub, row.rec, row.keys.clone()));
            batch.old_groups.extend(row.group);
            let mut standing =
                Standing { hub: row.hub, rec: row.rec, state: String::new(), keys: Vec::new(), group: None };
            let read = line.as_deref().map(|line| part::json(line).map(Group::read));
            standing.state = match (&row.state.put, read) {
                (None, _) => "withdrawn".into(),
                _ if row.state.withdrawn => "withdrawn".into(),
                _ if erased => "erased".into(),
                (_, None) => "withheld".into(),
                _ if row.state.kind == Kind::List => "live".into(),
                (_, Some(None)) => "unreadable:part-salt".into(),
                (_, Some(Some(Err(error)))) => format!("unreadable:{}", error.code()),
                (_, Some(Some(Ok(group)))) => {
                    if let Some(record) = rules.reference((row.hub, row.rec)) {
                        let keys = features::keys(&group);
                        standing.keys = keys.iter().map(|key| key.hash as i64).collect();
                        standing.group = Some(row.state.first);
                        let member = member(record, &row, group);
                        let merged = merge::merge(&[member], &[], &rules.policy, rules.as_of);
                        batch.groups.push(group_row(&merged, &[(&row, record)]));
                    }
                    "live".into()
                }
            };
            batch.standings.push(standing);
        }
        batch
    }

    async fn write(
        self,
        db: &mut Write,
        seeds: &mut BTreeSet<Key>,
        keys_touched: &mut BTreeMap<i64, (i64, i64)>,
        derived: &mut Derived,
    ) -> Result<(), StoreError> {
        let shared: Vec<i64> = self.old_groups.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
        for mates in store::record::members_of(db, &shared).await? {
            seeds.insert(mates);
        }
        store::registry::remove_groups(db, &shared).await?;
        // What changes for a key is how many records share it: before and after decide whether it joins anything.
        let before = |had: &[(i64, Uuid, Vec<i64>)]| -> BTreeMap<Key, BTreeSet<i64>> {
            had.iter().map(|(hub, rec, keys)| ((*hub, *rec), keys.iter().copied().collect())).collect()
        };
        let before = before(&self.had);
        let gone: Vec<_> = self
            .standings
            .iter()
            .map(|now| {
                let had = before.get(&(now.hub, now.rec)).cloned().unwrap_or_default();
                let keeps: BTreeSet<i64> = now.keys.iter().copied().collect();
                had.difference(&keeps).for_each(|key| keys_touched.entry(*key).or_default().1 += 1);
                keeps.difference(&had).for_each(|key| keys_touched.entry(*key).or_default().0 += 1);
                for key in had.intersection(&keeps) {
                    keys_touched.entry(*key).or_default();
                }
                (now.hub, now.rec, had.difference(&keeps).copied().collect::<Vec<i64>>())
            })
            .collect();
        store::registry::stand(db, &self.standings, &gone).await?;
        derived.groups += self.groups.len() as u64;
        store::registry::add_groups(db, &self.groups).await
    }
}

/// Step two: records that hang together.
async fn together(
    db: &mut Write,
    rules: &Rules,
    lists: &Lists,
    fresh: &BTreeMap<Key, i64>,
    seeds: BTreeSet<Key>,
    keys_touched: BTreeMap<i64, (i64, i64)>,
    derived: &mut Derived,
) -> Result<(), StoreError> {
    let mut graph = Graph::default();
    let mut wanted: BTreeSet<i64> = keys_touched.keys().copied().collect();
    let mut frontier = seeds;
    let bulk = wanted.len() > ALL_KEYS;
    if bulk {
        let rows = store::registry::sharing(db, None).await?;
        graph.share(rows, &keys_touched, &mut BTreeSet::new());
        wanted.clear();
    }
    let mut decisions: BTreeMap<Key, DecisionRow> = BTreeMap::new();
    let mut looked: BTreeSet<Key> = BTreeSet::new();
    // Until nothing new is reached: keys lead to records, decisions lead to records, records lead to keys.
    loop {
        let fresh: Vec<i64> = wanted.iter().copied().filter(|key| !graph.seen.contains(key)).collect();
        wanted.clear();
        if !fresh.is_empty() {
            let rows = store::registry::sharing(db, Some(&fresh)).await?;
            graph.seen.extend(&fresh);
            graph.share(rows, &keys_touched, &mut frontier);
        } else if bulk && looked.is_empty() {
            frontier.extend(graph.neighbours.keys().copied());
        }
        let new: Vec<Key> = frontier.iter().copied().filter(|key| !looked.contains(key)).collect();
        frontier.clear();
        if new.is_empty() {
            break;
        }
        let references: Vec<RecordRef> = new.iter().filter_map(|key| rules.reference(*key)).collect();
        for row in store::record::decisions(db, &references).await? {
            if let Some(statement) = statement_of(&row.body) {
                let ends = match &statement.body {
                    Body::Link { a, b, .. } => vec![*a, *b],
                    Body::Choose { on, .. } => vec![*on],
                    _ => Vec::new(),
                };
                let ends: Vec<Key> = ends.iter().filter_map(|end| rules.key(end)).collect();
                if let [a, b] = ends[..] {
                    graph.join(a, b);
                }
                frontier.extend(ends);
            }
            decisions.insert((row.hub, row.rec), row);
        }
        if !bulk {
            for row in rows_of(db, &new).await? {
                wanted.extend(&row.keys);
            }
        }
        looked.extend(new);
    }
    let chosen: BTreeSet<Key> = decisions
        .values()
        .filter_map(|row| match statement_of(&row.body)?.body {
            Body::Choose { on, .. } => rules.key(&on),
            _ => None,
        })
        .collect();
    let mut regrouped = Regrouped::default();
    for component in graph.components(&looked) {
        // One record on which nobody chose anything: step one said all there is.
        if let [one] = component[..]
            && let Some(group) = fresh.get(&one)
            && !chosen.contains(&one)
        {
            // A group that fell apart must not take away what took its place under the same number.
            regrouped.kept.insert(*group);
            continue;
        }
        regroup(db, rules, lists, &component, &decisions, &graph.too_common, &mut regrouped).await?;
    }
    // What step one wrote and this step takes away again was no group in the end.
    let written: BTreeSet<i64> = fresh.values().copied().collect();
    let taken = regrouped.old.difference(&regrouped.kept).filter(|group| written.contains(group)).count() as u64;
    derived.groups = derived.groups.saturating_sub(taken);
    regrouped.write(db, derived).await
}

/// Groups to put in the place of others, gathered so that the index takes them in rising order.
#[derive(Default)]
struct Regrouped {
    old: BTreeSet<i64>,
    kept: BTreeSet<i64>,
    new: Vec<(GroupRow, SearchText, String)>,
    members: Vec<(Vec<Key>, i64)>,
}

impl Regrouped {
    async fn write(mut self, db: &mut Write, derived: &mut Derived) -> Result<(), StoreError> {
        store::registry::remove_groups(db, &self.old.difference(&self.kept).copied().collect::<Vec<_>>()).await?;
        self.new.sort_by_key(|(row, ..)| row.n);
        derived.groups += self.new.len() as u64;
        derived.joined += self.new.iter().filter(|(row, ..)| row.members > 1).count() as u64;
        derived.in_conflict += self.new.iter().filter(|(row, ..)| !row.conflicts.is_empty()).count() as u64;
        for (members, group) in &self.members {
            store::registry::set_group(db, members, *group).await?;
        }
        store::registry::add_groups(db, &self.new).await
    }
}

/// Records and what joins them, as far as they were reached.
#[derive(Default)]
struct Graph {
    neighbours: BTreeMap<Key, BTreeSet<Key>>,
    seen: BTreeSet<i64>,
    too_common: BTreeSet<u64>,
}

impl Graph {
    fn join(&mut self, a: Key, b: Key) {
        self.neighbours.entry(a).or_default().insert(b);
        self.neighbours.entry(b).or_default().insert(a);
    }

    /// Takes in who shares which key. A key shared too widely joins nobody; one that just became or ceased to be so is
    /// still followed, because what it joined before must be looked at again.
    fn share(
        &mut self,
        rows: Vec<(i64, i64, Uuid)>,
        touched: &BTreeMap<i64, (i64, i64)>,
        frontier: &mut BTreeSet<Key>,
    ) {
        for chunk in rows.chunk_by(|a, b| a.0 == b.0) {
            let (key, now) = (chunk[0].0, chunk.len() as i64);
            let (added, removed) = touched.get(&key).copied().unwrap_or_default();
            let before = now - added + removed;
            let members: Vec<Key> = chunk.iter().map(|(_, hub, rec)| (*hub, *rec)).collect();
            if now as usize > MAX_SHARING {
                self.too_common.insert(key as u64);
                if before as usize <= MAX_SHARING {
                    frontier.extend(&members);
                }
                continue;
            }
            frontier.extend(&members);
            for member in &members {
                self.neighbours.entry(*member).or_default();
            }
            members.windows(2).for_each(|pair| self.join(pair[0], pair[1]));
        }
    }

    /// Connected components among the records looked at, each sorted.
    fn components(&self, looked: &BTreeSet<Key>) -> Vec<Vec<Key>> {
        let (mut done, mut components) = (BTreeSet::new(), Vec::new());
        for start in looked {
            if !done.insert(*start) {
                continue;
            }
            let (mut component, mut open) = (vec![*start], vec![*start]);
            while let Some(key) = open.pop() {
                for next in self.neighbours.get(&key).into_iter().flatten() {
                    if done.insert(*next) {
                        component.push(*next);
                        open.push(*next);
                    }
                }
            }
            component.sort_unstable();
            components.push(component);
        }
        components
    }
}

/// Clusters one component and writes its groups, where they are not what step one left. `written` are the groups that
/// components before it wrote: when a group fell apart, its records still name it, and may not remove what took its place.
async fn regroup(
    db: &mut Write,
    rules: &Rules,
    lists: &Lists,
    component: &[Key],
    decisions: &BTreeMap<Key, DecisionRow>,
    too_common: &BTreeSet<u64>,
    regrouped: &mut Regrouped,
) -> Result<(), StoreError> {
    let loaded = Loaded::read(db, rules, component).await?;
    regrouped.old.extend(&loaded.old_groups);
    regrouped.old.extend(loaded.members.values().map(|(row, _)| row.state.first));
    let candidates: Vec<Candidate> = loaded.candidates(rules, lists);
    let links = links(decisions.values(), rules);
    for cluster in link::cluster(&candidates, &links, too_common) {
        let (merged, rows) = loaded.merge(&cluster, rules, decisions.values());
        let row = group_row(&merged, &rows);
        let members = rows.iter().map(|(row, _)| (row.hub, row.rec)).collect();
        regrouped.members.push((members, row.0.n));
        regrouped.new.push(row);
    }
    Ok(())
}

/// A merged group as it is listed and found.
fn group_row(merged: &Merged, rows: &[(&RecordRow, RecordRef)]) -> (GroupRow, SearchText, String) {
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
