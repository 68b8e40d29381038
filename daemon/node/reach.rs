//! Which records may be one group with changed ones: those that they reach by shared keys and decisions.

use crate::record::statement::{Body, RecordRef};
use crate::registry::link::MAX_SHARING;
use crate::store::group::{Rules, statement_of};
use crate::store::record::DecisionRow;
use crate::store::{self, StoreError, Write};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Past this many changed keys, all shared keys are read in one go.
const ALL_KEYS: usize = 4096;

/// What changed records reach.
#[derive(Debug, Default)]
pub struct Reached {
    /// Records by number, those that hang together in one component.
    pub components: Vec<Vec<i64>>,
    /// Decisions that name any of them.
    pub decisions: Vec<DecisionRow>,
    /// Keys that so many share that they join nobody.
    pub too_common: BTreeSet<u64>,
}

impl Reached {
    /// Records that hang together with no other.
    pub fn alone(&self) -> impl Iterator<Item = i64> {
        self.components.iter().filter(|component| component.len() == 1).flatten().copied()
    }
}

/// Follows keys and decisions from `seeds` until nothing new is reached. `touched` are the keys of changed records, with
/// how many came to have each and how many ceased to.
///
/// # Errors
/// Database errors.
pub async fn reach(
    db: &mut Write,
    rules: &Rules,
    seeds: &BTreeSet<i64>,
    touched: &BTreeMap<i64, (i64, i64)>,
) -> Result<Reached, StoreError> {
    let mut graph = Graph::default();
    let mut wanted: BTreeSet<i64> = touched.keys().copied().collect();
    let mut frontier = seeds.clone();
    let bulk = wanted.len() > ALL_KEYS;
    if bulk {
        let rows = store::registry::sharing(db, None).await?;
        graph.share(&rows, touched, &mut frontier);
        wanted.clear();
    }
    let mut decisions: BTreeMap<(i64, Uuid), DecisionRow> = BTreeMap::new();
    let mut looked: BTreeSet<i64> = BTreeSet::new();
    // Until nothing new is reached: keys lead to records, decisions lead to records, records lead to keys.
    loop {
        let fresh: Vec<i64> = wanted.iter().copied().filter(|key| !graph.seen.contains(key)).collect();
        wanted.clear();
        if !fresh.is_empty() {
            let rows = store::registry::sharing(db, Some(&fresh)).await?;
            graph.seen.extend(&fresh);
            graph.share(&rows, touched, &mut frontier);
        }
        let new: Vec<i64> = frontier.iter().copied().filter(|record| !looked.contains(record)).collect();
        frontier.clear();
        if new.is_empty() {
            break;
        }
        if !bulk || store::record::any_decision(db).await? {
            let rows = store::record::numbered(db, &new).await?;
            let references: Vec<RecordRef> =
                rows.iter().filter_map(|row| rules.reference((row.hub, row.rec))).collect();
            for row in store::record::decisions(db, &references).await? {
                if let Some(statement) = statement_of(&row.body) {
                    let ends = match &statement.body {
                        Body::Link { a, b, .. } => vec![*a, *b],
                        Body::Choose { on, .. } => vec![*on],
                        _ => Vec::new(),
                    };
                    let ends: Vec<(i64, Uuid)> = ends.iter().filter_map(|end| rules.key(end)).collect();
                    let ends: Vec<i64> =
                        store::registry::places(db, &ends).await?.into_iter().map(|(record, _)| record).collect();
                    if let [a, b] = ends[..] {
                        graph.join(a, b);
                    }
                    frontier.extend(ends);
                }
                decisions.insert((row.hub, row.rec), row);
            }
            if !bulk {
                rows.iter().for_each(|row| wanted.extend(&row.keys));
            }
        }
        looked.extend(new);
    }
    let components = graph.components(&looked);
    Ok(Reached { components, decisions: decisions.into_values().collect(), too_common: graph.too_common })
}

/// Records and what joins them, as far as they were reached.
#[derive(Default)]
struct Graph {
    neighbours: BTreeMap<i64, BTreeSet<i64>>,
    seen: BTreeSet<i64>,
    too_common: BTreeSet<u64>,
}

impl Graph {
    fn join(&mut self, a: i64, b: i64) {
        self.neighbours.entry(a).or_default().insert(b);
        self.neighbours.entry(b).or_default().insert(a);
    }

    /// Takes in who shares which key. A key shared too widely joins nobody; one that just became or ceased to be so is
    /// still followed, because what it joined before must be looked at again.
    fn share(&mut self, rows: &[(i64, i64)], touched: &BTreeMap<i64, (i64, i64)>, frontier: &mut BTreeSet<i64>) {
        for chunk in rows.chunk_by(|a, b| a.0 == b.0) {
            let (key, now) = (chunk[0].0, chunk.len() as i64);
            let (added, removed) = touched.get(&key).copied().unwrap_or_default();
            let before = now - added + removed;
            if now as usize > MAX_SHARING {
                self.too_common.insert(key as u64);
                if before as usize <= MAX_SHARING {
                    frontier.extend(chunk.iter().map(|(_, record)| record));
                }
                continue;
            }
            frontier.extend(chunk.iter().map(|(_, record)| record));
            chunk.windows(2).for_each(|pair| self.join(pair[0].1, pair[1].1));
        }
    }

    /// Connected components among the records looked at, each sorted.
    fn components(&self, looked: &BTreeSet<i64>) -> Vec<Vec<i64>> {
        let (mut done, mut components) = (BTreeSet::new(), Vec::new());
        for start in looked {
            if !done.insert(*start) {
                continue;
            }
            let (mut component, mut open) = (vec![*start], vec![*start]);
            while let Some(record) = open.pop() {
                for next in self.neighbours.get(&record).into_iter().flatten() {
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
