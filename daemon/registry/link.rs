//! People's decisions about pairs of records, and the groups that records make. (PROTOCOL section 4, item 2.)

use crate::record::{HubId, RecordRef, statement::Judgement};
use jiff::Timestamp;
use std::collections::BTreeMap;

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
    /// Sorted.
    pub members: Vec<RecordRef>,
    /// The joinings that made it, in the order in which they were made: one fewer than members.
    pub joined: Vec<Joining>,
}

impl Cluster {
    /// Its smallest member, by which clusters are told apart. The group that is merged of it is named after the smallest of
    /// those that speak.
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
