//! Which records may be one group with changed ones: those that they reach by joined pairs and decisions.

use super::compare::Repaired;
use crate::record::statement::{Body, RecordRef};
use crate::store::group::{Rules, statement_of};
use crate::store::record::DecisionRow;
use crate::store::{self, StoreError, Write};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// What changed records reach.
#[derive(Debug, Default)]
pub struct Reached {
    /// Records by number, those that hang together in one component, sorted.
    pub components: Vec<Vec<i64>>,
    /// Joined pairs among them: the two records and the score.
    pub joined: Vec<(i64, i64, i32)>,
    /// Decisions that name any of them.
    pub decisions: Vec<DecisionRow>,
}

impl Reached {
    /// Records that hang together with no other.
    pub fn alone(&self) -> impl Iterator<Item = i64> {
        self.components.iter().filter(|component| component.len() == 1).flatten().copied()
    }
}

/// Follows joined pairs and decisions from `seeds`, and from records whose pairs came or went, until nothing new is reached.
///
/// # Errors
/// Database errors.
pub async fn reach(
    db: &mut Write,
    rules: &Rules,
    mut seeds: BTreeSet<i64>,
    repaired: Repaired,
) -> Result<Reached, StoreError> {
    let mut graph = Graph::default();
    let mut joined: BTreeMap<(i64, i64), i32> = BTreeMap::new();
    seeds.extend(repaired.ends);
    if repaired.all {
        for (a, b, score) in store::pair::joined(db, None).await? {
            graph.join(a, b);
            joined.insert((a, b), score);
        }
    }
    let decided = store::record::any_decision(db).await?;
    let mut decisions: BTreeMap<(i64, Uuid), DecisionRow> = BTreeMap::new();
    let mut looked: BTreeSet<i64> = BTreeSet::new();
    let mut frontier = seeds;
    while !frontier.is_empty() {
        let new: Vec<i64> = frontier.iter().copied().collect();
        looked.append(&mut frontier);
        if !repaired.all {
            for (a, b, score) in store::pair::joined(db, Some(&new)).await? {
                graph.join(a, b);
                joined.insert((a, b), score);
                frontier.extend([a, b]);
            }
        }
        if decided {
            let rows = store::record::numbered(db, &new).await?;
            let references: Vec<RecordRef> =
                rows.iter().filter_map(|row| rules.reference((row.hub, row.rec))).collect();
            for row in store::group::decisions(db, rules, &references).await? {
                let ends = match statement_of(&row.body).map(|statement| statement.body) {
                    Some(Body::Link { a, b, .. }) => vec![a, b],
                    Some(Body::Choose { on, .. }) => vec![on],
                    _ => Vec::new(),
                };
                let ends: Vec<(i64, Uuid)> = ends.iter().filter_map(|end| rules.key(end)).collect();
                let ends: Vec<i64> =
                    store::registry::places(db, &ends).await?.into_iter().map(|(record, _)| record).collect();
                if let [a, b] = ends[..] {
                    graph.join(a, b);
                }
                frontier.extend(ends);
                decisions.insert((row.hub, row.rec), row);
            }
        }
        frontier.retain(|record| !looked.contains(record));
    }
    let joined = joined.into_iter().map(|((a, b), score)| (a, b, score)).collect();
    Ok(Reached { components: graph.components(&looked), joined, decisions: decisions.into_values().collect() })
}

/// Records and what joins them, as far as they were reached.
#[derive(Default)]
struct Graph {
    neighbours: BTreeMap<i64, BTreeSet<i64>>,
}

impl Graph {
    fn join(&mut self, a: i64, b: i64) {
        self.neighbours.entry(a).or_default().insert(b);
        self.neighbours.entry(b).or_default().insert(a);
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
