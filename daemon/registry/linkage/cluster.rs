//! Records and judged pairs → groups, with people's decisions first.
//!
//! One connected component at a time: the records that joined pairs and decisions of `same` lead to. The surest joining is
//! made first, and none that would bring together two records that something keeps apart, or clusters that do not look alike as a
//! whole: one wrong pair must not fuse two groups. The result is a function of the set of records. Where two joinings are equally sure,
//! what the records say decides which is first, and ids only between records that say the same: so the same rows under
//! other hubs' ids give the same groups.

use super::features::Features;
use super::judge::{self, Judged, Lists, Outcome, Rule, judge};
use super::model::Model;
use crate::record::{RecordRef, statement::Judgement};
use crate::registry::link::{Cluster, Decision, Joining, standing};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// A record to be clustered.
#[derive(Debug, Clone)]
pub struct Row<'a> {
    /// The record.
    pub record: RecordRef,
    /// The list whose row it is; `None` when it names none.
    pub list: Option<RecordRef>,
    /// Whether that list is known to name one group more than once.
    pub duplicates: bool,
    /// What of it is compared.
    pub features: &'a Features,
}

impl Row<'_> {
    /// How two records' lists stand to one another.
    pub fn lists(&self, other: &Row) -> Lists {
        match (self.list, other.list) {
            (Some(a), Some(b)) if a == b && (self.duplicates || other.duplicates) => Lists::Repeats,
            (Some(a), Some(b)) if a == b => Lists::Once,
            _ => Lists::Apart,
        }
    }

    /// Compares two records and says what follows.
    pub fn judge(&self, other: &Row, model: &Model) -> Judged {
        let judged = judge(self.features, other.features, self.lists(other), model);
        if self.copies(other) || other.copies(self) {
            // A copy that has grown old, or whose original was corrected since, may look like another group.
            let score = judged.score.max(model.cuts().join);
            return Judged { outcome: Outcome::Joined, rule: Rule::Copy, forbidden: None, score, ..judged };
        }
        judged
    }

    /// [`Row::judge`], unless the two are two groups. Most pairs that share a key plainly are, which is found soon.
    pub fn related(&self, other: &Row, model: &Model) -> Option<Judged> {
        let copies = || self.copies(other) || other.copies(self);
        if judge::apart(self.features, other.features, self.lists(other), model) && !copies() {
            return None;
        }
        Some(self.judge(other, model)).filter(|judged| judged.outcome != Outcome::Apart)
    }

    /// Whether it says itself that it was taken over from the other, or from where the other was.
    fn copies(&self, other: &Row) -> bool {
        let from = |row: &Row| row.features.copy_of.as_deref().copied().filter(|from| from.hub != row.record.hub);
        from(self).is_some_and(|from_here| {
            from_here == other.record
                || self.list.is_none_or(|list| other.list != Some(list)) && from(other) == Some(from_here)
        })
    }
}

/// A pair that was judged [`Outcome::Joined`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// One record.
    pub a: RecordRef,
    /// The other.
    pub b: RecordRef,
    /// Its score.
    pub score: i32,
}

/// Why a pair that was judged joined did not come together: it becomes a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// A person keeps two records apart that this would bring together.
    Decision,
    /// Two records it would bring together contradict each other (list, days, sister groups, distance, charity).
    Contradiction,
    /// Two records it would bring together are too unlike, or the two clusters are as a whole.
    Unlike,
    /// The group would be larger than any real one.
    Size,
}

impl Held {
    /// Stable kebab-case code.
    pub fn code(self) -> &'static str {
        match self {
            Held::Decision => "kept-apart",
            Held::Contradiction => "contradiction",
            Held::Unlike => "unlike",
            Held::Size => "too-large",
        }
    }
}

/// A component, divided.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Clusters {
    /// Groups, sorted by id; together they hold every record once.
    pub groups: Vec<Cluster>,
    /// Pairs that were judged joined and did not come together, sorted.
    pub held: Vec<(RecordRef, RecordRef, Held)>,
}

/// A reason to join, the weightiest first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Reason {
    rank: Reverse<u32>,
    by_score: bool,
    score: Reverse<i32>,
    content: (u64, u64),
    a: usize,
    b: usize,
    author: Option<crate::record::HubId>,
}

/// Divides one component into groups. `edges` are its pairs judged [`Outcome::Joined`]; others, and edges and decisions of records
/// that are not in `rows`, are passed over.
pub fn cluster(rows: &[Row], edges: &[Edge], decisions: &[Decision], model: &Model) -> Clusters {
    let mut sorted: Vec<&Row> = rows.iter().collect();
    // By what they say, then by id: places in this order break ties below.
    sorted.sort_by_key(|row| (row.features.content, row.record));
    sorted.dedup_by_key(|row| row.record);
    let index: BTreeMap<RecordRef, usize> = sorted.iter().enumerate().map(|(i, row)| (row.record, i)).collect();
    let place = |record: &RecordRef| index.get(record).copied();
    let content = |a: usize, b: usize| {
        let (x, y) = (sorted[a].features.content, sorted[b].features.content);
        (x.min(y), x.max(y))
    };

    let mut reasons: Vec<Reason> = Vec::new();
    let mut apart: BTreeMap<(usize, usize), u32> = BTreeMap::new();
    for decision in standing(decisions) {
        let (Some(a), Some(b)) = (place(&decision.a), place(&decision.b)) else { continue };
        let (a, b) = (a.min(b), a.max(b));
        match decision.judgement {
            Judgement::Same => reasons.push(Reason {
                rank: Reverse(decision.rank),
                by_score: false,
                score: Reverse(0),
                content: content(a, b),
                a,
                b,
                author: Some(decision.author),
            }),
            Judgement::Unsure | Judgement::None => {}
            _ => {
                let rank = apart.entry((a, b)).or_default();
                *rank = decision.rank.max(*rank);
            }
        }
    }
    for edge in edges {
        let (Some(a), Some(b)) = (place(&edge.a), place(&edge.b)) else { continue };
        let (a, b) = (a.min(b), a.max(b));
        if a != b {
            let score = Reverse(edge.score);
            reasons.push(Reason {
                rank: Reverse(0),
                by_score: true,
                score,
                content: content(a, b),
                a,
                b,
                author: None,
            });
        }
    }
    reasons.sort_unstable();

    let mut made = Making { sorted: &sorted, apart: &apart, model, known: BTreeMap::new() };
    let mut group: Vec<usize> = (0..sorted.len()).collect();
    let mut members: Vec<Vec<usize>> = group.iter().map(|i| vec![*i]).collect();
    let mut joined: Vec<Vec<Joining>> = members.iter().map(|_| Vec::new()).collect();
    let mut held: Vec<(usize, usize, Held)> = Vec::new();
    for reason in reasons {
        let (into, from) = (group[reason.a].min(group[reason.b]), group[reason.a].max(group[reason.b]));
        if into == from {
            continue;
        }
        if let Some(why) = made.refuses(&members[into], &members[from], &reason) {
            if reason.by_score {
                held.push((reason.a, reason.b, why));
            }
            continue;
        }
        let moved = std::mem::take(&mut members[from]);
        moved.iter().for_each(|i| group[*i] = into);
        members[into].extend(moved);
        let before = std::mem::take(&mut joined[from]);
        joined[into].extend(before);
        let (a, b) = (sorted[reason.a].record, sorted[reason.b].record);
        joined[into].push(Joining { a: a.min(b), b: a.max(b), decided_by: reason.author });
    }
    // A pair that was held and came together by others after all is no question.
    let mut held: Vec<(RecordRef, RecordRef, Held)> = held
        .into_iter()
        .filter(|(a, b, _)| group[*a] != group[*b])
        .map(|(a, b, why)| (sorted[a].record.min(sorted[b].record), sorted[a].record.max(sorted[b].record), why))
        .collect();
    held.sort_by_key(|(a, b, _)| (*a, *b));
    held.dedup_by_key(|(a, b, _)| (*a, *b));
    let mut groups: Vec<Cluster> = members
        .into_iter()
        .zip(joined)
        .filter(|(members, _)| !members.is_empty())
        .map(|(members, joined)| {
            let mut members: Vec<RecordRef> = members.into_iter().map(|i| sorted[i].record).collect();
            members.sort_unstable();
            Cluster { members, joined }
        })
        .collect();
    groups.sort_by_key(Cluster::id);
    Clusters { groups, held }
}

struct Making<'a> {
    sorted: &'a [&'a Row<'a>],
    apart: &'a BTreeMap<(usize, usize), u32>,
    model: &'a Model,
    /// Score of pairs looked at, and whether the two contradict each other.
    known: BTreeMap<(usize, usize), (i32, bool)>,
}

impl Making<'_> {
    /// Why these two clusters may not be joined for this reason.
    fn refuses(&mut self, into: &[usize], from: &[usize], reason: &Reason) -> Option<Held> {
        let cuts = *self.model.cuts();
        let across = || into.iter().flat_map(|x| from.iter().map(|y| (*x.min(y), *x.max(y))));
        if across().any(|pair| self.apart.get(&pair).is_some_and(|rank| *rank >= reason.rank.0)) {
            return Some(Held::Decision);
        }
        if !reason.by_score {
            return None;
        }
        if into.len() + from.len() > cuts.cluster as usize {
            return Some(Held::Size);
        }
        let (mut sum, mut count) = (0i64, 0i64);
        for (x, y) in across() {
            let (sorted, model) = (self.sorted, self.model);
            let (score, contradict) = *self.known.entry((x, y)).or_insert_with(|| {
                let judged = sorted[x].judge(sorted[y], model);
                // A list that may repeat a group still takes most rows for groups of their own: two of its rows come
                // together only where the two alone would be joined, never by way of others.
                let rows = sorted[x].lists(sorted[y]) == Lists::Repeats && judged.outcome != Outcome::Joined;
                (judged.score, judged.forbidden.is_some() || rows)
            });
            if contradict {
                return Some(Held::Contradiction);
            }
            if score < cuts.worst {
                return Some(Held::Unlike);
            }
            sum += i64::from(score);
            count += 1;
        }
        (sum < i64::from(cuts.mean) * count).then_some(Held::Unlike)
    }
}

/// Clusters rows without a store: keys, pairs, components and groups of everything given. What a store does step by step gives the same.
///
/// `keys` are those of the rows, in their order.
pub fn from_scratch(
    rows: &[Row],
    keys: &[Vec<u64>],
    decisions: &[Decision],
    model: &Model,
) -> (Clusters, Vec<(usize, usize, Judged)>) {
    let judged = judged(rows, &pairs(keys, model.cuts().sharing as usize), model);
    let place: BTreeMap<RecordRef, usize> = rows.iter().enumerate().map(|(i, row)| (row.record, i)).collect();
    let mut root: Vec<usize> = (0..rows.len()).collect();
    let joined = judged.iter().filter(|(_, _, judged)| judged.outcome == Outcome::Joined).map(|(a, b, _)| (*a, *b));
    let decided = decisions.iter().filter_map(|d| Some((*place.get(&d.a)?, *place.get(&d.b)?)));
    for (a, b) in joined.chain(decided) {
        let (a, b) = (find(&mut root, a), find(&mut root, b));
        root[a.max(b)] = a.min(b);
    }
    let mut components: BTreeMap<usize, (Vec<Row>, Vec<Edge>)> = BTreeMap::new();
    for (i, row) in rows.iter().enumerate() {
        components.entry(find(&mut root, i)).or_default().0.push(row.clone());
    }
    for (a, b, judged) in judged.iter().filter(|(_, _, judged)| judged.outcome == Outcome::Joined) {
        let edge = Edge { a: rows[*a].record, b: rows[*b].record, score: judged.score };
        components.entry(find(&mut root, *a)).or_default().1.push(edge);
    }
    let mut about: BTreeMap<usize, Vec<Decision>> = BTreeMap::new();
    for decision in decisions {
        if let (Some(a), Some(_)) = (place.get(&decision.a), place.get(&decision.b)) {
            about.entry(find(&mut root, *a)).or_default().push(*decision);
        }
    }
    let mut all = Clusters::default();
    for (component, (rows, edges)) in &components {
        let decisions = about.get(component).map_or(&[][..], Vec::as_slice);
        let found = cluster(rows, edges, decisions, model);
        all.groups.extend(found.groups);
        all.held.extend(found.held);
    }
    all.groups.sort_by_key(Cluster::id);
    all.held.sort_by_key(|(a, b, _)| (*a, *b));
    (all, judged)
}

/// The pairs that are not plainly apart, in the order given: on all cores, however many there are.
fn judged(rows: &[Row], pairs: &[(usize, usize)], model: &Model) -> Vec<(usize, usize, Judged)> {
    let one = |(a, b): &(usize, usize)| Some((*a, *b, rows[*a].related(&rows[*b], model)?));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let workers: Vec<_> = pairs
            .chunks(pairs.len().div_ceil(cores).max(1))
            .map(|share| scope.spawn(move || share.iter().filter_map(one).collect::<Vec<_>>()))
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

fn find(root: &mut [usize], mut i: usize) -> usize {
    while root[i] != i {
        root[i] = root[root[i]];
        i = root[i];
    }
    i
}

/// Pairs of places that share a key which at most `sharing` have; the smaller first, sorted, once each.
pub fn pairs(keys: &[Vec<u64>], sharing: usize) -> Vec<(usize, usize)> {
    let mut held: Vec<(u64, u32)> = Vec::with_capacity(keys.iter().map(Vec::len).sum());
    for (i, keys) in keys.iter().enumerate() {
        held.extend(keys.iter().map(|key| (*key, i as u32)));
    }
    held.sort_unstable();
    held.dedup();
    let mut pairs: Vec<(u32, u32)> = Vec::new();
    for members in held.chunk_by(|a, b| a.0 == b.0).filter(|members| (2..=sharing).contains(&members.len())) {
        for (n, (_, a)) in members.iter().enumerate() {
            pairs.extend(members[n + 1..].iter().map(|(_, b)| (*a, *b)));
        }
    }
    pairs.sort_unstable();
    pairs.dedup();
    pairs.into_iter().map(|(a, b)| (a as usize, b as usize)).collect()
}
