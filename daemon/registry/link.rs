//! Which records speak of one group: people's decisions first, then the rule. (PROTOCOL section 4, item 2.)
//!
//! [`cluster`] takes one connected component: the records that reach one another by shared keys or by decisions. Its
//! result depends on that set only, never on order, so that clustering what changed equals clustering everything.

use super::features::Features;
use super::rule::compare;
use crate::record::{HubId, RecordRef, statement::Judgement};
use jiff::Timestamp;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// A key that more records than this share is ignored: it is a platform's or an office's, not a group's.
pub const MAX_SHARING: usize = 20;

/// Most records the rule brings together. A group in more lists than this is not to be expected; a hub that publishes a
/// chain of ten thousand look-alikes is, and each joining looks at every pair across.
pub const MAX_BY_RULE: usize = 64;

/// A record that may belong together with others.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The record.
    pub record: RecordRef,
    /// The list whose row it is; `None` when it names none.
    pub list: Option<RecordRef>,
    /// Whether that list is known to name one group more than once.
    pub duplicates: bool,
    /// What of it is compared.
    pub features: Features,
}

impl Candidate {
    /// Two rows of a list that says it names each group once.
    fn rows_apart(&self, other: &Candidate) -> bool {
        self.list.is_some() && self.list == other.list && !(self.duplicates || other.duplicates)
    }
}

/// What a hub's person judged of two records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// The hub.
    pub author: HubId,
    /// Its rank by this hub's policy. Decisions of hubs that do not count are not passed in.
    pub rank: u32,
    /// First record; the subject of a directional judgement.
    pub a: RecordRef,
    /// Second record.
    pub b: RecordRef,
    /// The judgement.
    pub judgement: Judgement,
    /// Effective time: for words, and for order between hubs of one rank.
    pub at: Timestamp,
    /// Place in its author's log. Which of one hub's decisions is the newest is the log's to say, never a clock's.
    pub order: u64,
}

impl Decision {
    fn keeps_apart(&self) -> bool {
        use Judgement::{BranchOf, Different, HostedBy, SameVenue, SucceededBy};
        matches!(self.judgement, Different | BranchOf | HostedBy | SucceededBy | SameVenue)
    }

    /// The two records, smaller first.
    pub fn pair(&self) -> (RecordRef, RecordRef) {
        (self.a.min(self.b), self.a.max(self.b))
    }
}

/// Of one hub's decisions about one pair the newest counts: the standing ones, sorted by pair and author.
pub fn standing(decisions: &[Decision]) -> Vec<Decision> {
    let mut newest: BTreeMap<((RecordRef, RecordRef), HubId), &Decision> = BTreeMap::new();
    for decision in decisions {
        let held = newest.entry((decision.pair(), decision.author)).or_insert(decision);
        // A log has one leaf at a place; the rest makes the answer the same if a caller numbers otherwise.
        let rank = |d: &Decision| (d.order, d.at, d.judgement, d.rank, d.a);
        if rank(decision) > rank(held) {
            *held = decision;
        }
    }
    newest.into_values().copied().collect()
}

/// Records taken for one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// Sorted; the first is the group's id.
    pub members: Vec<RecordRef>,
    /// The joinings that made it, in the order in which they were made: one fewer than members.
    pub joined: Vec<Joining>,
}

impl Cluster {
    /// The group's id: its smallest member. Any other member's id leads to the same group.
    pub fn id(&self) -> RecordRef {
        self.members[0]
    }
}

/// Why two records came together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Joining {
    /// The smaller record.
    pub a: RecordRef,
    /// The other.
    pub b: RecordRef,
    /// The hub that said so; `None` when the rule did.
    pub decided_by: Option<HubId>,
}

/// A reason to join two records, ordered so that the weightiest comes first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Edge {
    rank: Reverse<u32>,
    by_rule: bool,
    score: Reverse<u32>,
    at: Timestamp,
    a: usize,
    b: usize,
    author: Option<HubId>,
}

/// Divides one connected component into groups. Clusters come sorted by id; together they hold every candidate once.
///
/// Positive edges (`same`, and the rule) are taken by rank of their author, decisions before the rule, the surer first. Each
/// joins unless some pair across is kept apart by a decision of at least its rank. The rule, besides, joins no two rows
/// of one list, and no records that contradict each other.
pub fn cluster(candidates: &[Candidate], decisions: &[Decision], too_common: &BTreeSet<u64>) -> Vec<Cluster> {
    let mut sorted: Vec<&Candidate> = candidates.iter().collect();
    sorted.sort_by_key(|candidate| candidate.record);
    sorted.dedup_by_key(|candidate| candidate.record);
    if let [only] = sorted[..] {
        return vec![Cluster { members: vec![only.record], joined: Vec::new() }];
    }
    let index = |record: &RecordRef| sorted.binary_search_by_key(record, |candidate| candidate.record).ok();

    let mut edges: Vec<Edge> = Vec::new();
    let mut apart: BTreeMap<(usize, usize), u32> = BTreeMap::new();
    for decision in standing(decisions) {
        let (a, b) = decision.pair();
        let (Some(a), Some(b)) = (index(&a), index(&b)) else { continue };
        if decision.judgement == Judgement::Same {
            edges.push(Edge {
                rank: Reverse(decision.rank),
                by_rule: false,
                score: Reverse(0),
                at: decision.at,
                a,
                b,
                author: Some(decision.author),
            });
        } else if decision.keeps_apart() {
            let rank = apart.entry((a, b)).or_default();
            *rank = decision.rank.max(*rank);
        }
    }
    for (a, b) in pairs(&sorted, too_common) {
        let comparison = compare(&sorted[a].features, &sorted[b].features, too_common);
        if comparison.joins() && !sorted[a].rows_apart(sorted[b]) {
            let score = Reverse(comparison.score());
            edges.push(Edge { rank: Reverse(0), by_rule: true, score, at: Timestamp::MIN, a, b, author: None });
        }
    }
    edges.sort_unstable();

    let mut group: Vec<usize> = (0..sorted.len()).collect();
    let mut members: Vec<Vec<usize>> = group.iter().map(|i| vec![*i]).collect();
    let mut joined: Vec<Vec<Joining>> = members.iter().map(|_| Vec::new()).collect();
    for edge in edges {
        let (into, from) = (group[edge.a].min(group[edge.b]), group[edge.a].max(group[edge.b]));
        if into == from || edge.by_rule && members[into].len() + members[from].len() > MAX_BY_RULE {
            continue;
        }
        let kept_apart = members[into].iter().any(|x| {
            members[from].iter().any(|y| {
                let (x, y) = (*x.min(y), *x.max(y));
                apart.get(&(x, y)).is_some_and(|rank| *rank >= edge.rank.0)
                    || edge.by_rule
                        && (sorted[x].rows_apart(sorted[y])
                            || compare(&sorted[x].features, &sorted[y].features, too_common).clashes())
            })
        });
        if kept_apart {
            continue;
        }
        let moved = std::mem::take(&mut members[from]);
        moved.iter().for_each(|i| group[*i] = into);
        members[into].extend(moved);
        let before = std::mem::take(&mut joined[from]);
        joined[into].extend(before);
        joined[into].push(Joining { a: sorted[edge.a].record, b: sorted[edge.b].record, decided_by: edge.author });
    }
    members
        .into_iter()
        .zip(joined)
        .filter(|(members, _)| !members.is_empty())
        .map(|(mut members, joined)| {
            members.sort_unstable();
            Cluster { members: members.into_iter().map(|i| sorted[i].record).collect(), joined }
        })
        .collect()
}

/// Pairs that share a key which counts; smaller index first.
fn pairs(sorted: &[&Candidate], too_common: &BTreeSet<u64>) -> BTreeSet<(usize, usize)> {
    let mut sharing: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (i, candidate) in sorted.iter().enumerate() {
        for key in candidate.features.keys().filter(|key| !too_common.contains(key)) {
            let holders = sharing.entry(key).or_default();
            // Two of one record's keys may have one hash.
            if holders.last() != Some(&i) {
                holders.push(i);
            }
        }
    }
    let mut pairs = BTreeSet::new();
    for holders in sharing.values() {
        for (n, a) in holders.iter().enumerate() {
            pairs.extend(holders[n + 1..].iter().map(|b| (*a, *b)));
        }
    }
    pairs
}

#[cfg(test)]
#[path = "link_tests.rs"]
mod tests;
