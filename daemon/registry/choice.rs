//! People's choices between values, and which of them stands.

use super::merge::Member;
use super::merged::Open;
use super::rules::Unit;
use crate::record::statement::{Prefer, Revision};
use crate::record::{HubId, RecordRef};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// What a hub's person chose for one field of a group: by reference to who states it, never by value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The hub.
    pub author: HubId,
    /// Its rank by this hub's policy. Choices of hubs that do not count are not passed in.
    pub rank: u32,
    /// Any member record of the group.
    pub on: RecordRef,
    /// The field.
    pub unit: Unit,
    /// What is preferred.
    pub prefer: Prefer,
    /// What was on the table. An `unresolved` stands only while nothing else is; a value that was chosen stays, and is asked about
    /// again when something else is. Empty where the author did not say.
    pub over: Vec<Revision>,
    /// Effective time.
    pub at: Timestamp,
    /// Place in its author's log.
    pub order: u64,
}

impl Choice {
    /// Which of one hub's choices is newer. A log has one leaf at a place; all after that makes the answer the same even
    /// if a caller numbers otherwise.
    fn age(&self) -> impl Ord + '_ {
        let prefer = match &self.prefer {
            Prefer::Value(revision) => (2, Some(*revision)),
            Prefer::Unresolved => (1, None),
            Prefer::Retracted => (0, None),
        };
        (self.order, self.at, self.rank, self.on, prefer, &self.over)
    }
}

/// Who chose, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    /// The hub.
    pub by: HubId,
    /// When.
    pub at: Timestamp,
}

/// Most revisions that a choice names as having been on the table (PROTOCOL 1.2). Where so many are named, there may have been
/// more.
pub const MOST_OVER: usize = 16;

/// What the standing choice for a unit amounts to.
pub(super) enum Ruling<'a> {
    /// This member's value is taken, chosen over these revisions.
    Take(usize, Chosen, &'a [Revision]),
    /// A person left it open.
    Leave(Open, Chosen),
    /// Nobody chose.
    Nobody,
}

/// The choice that stands for a unit: of each hub its newest, of those the highest rank's, of equal ranks the newest.
///
/// Only that one is looked at. Were a lower-ranked choice to step in when the higher one's value is gone, a decision
/// that was overruled would come back by itself.
pub(super) fn ruling<'a>(
    unit: Unit,
    choices: &'a [Choice],
    members: &[&Member],
    states: &dyn Fn(usize) -> bool,
    latest: Timestamp,
) -> Ruling<'a> {
    let index = |record: &RecordRef| members.binary_search_by_key(record, |member| member.record).ok();
    let mut newest: BTreeMap<HubId, &Choice> = BTreeMap::new();
    for choice in choices.iter().filter(|choice| choice.unit == unit && index(&choice.on).is_some()) {
        let held = newest.entry(choice.author).or_insert(choice);
        if choice.age() > held.age() {
            *held = choice;
        }
    }
    // A time beyond the as-of date is a wrong clock: it must not win by being latest.
    let believed = |choice: &Choice| if choice.at > latest { Timestamp::MIN } else { choice.at };
    let standing = newest
        .into_values()
        .filter(|choice| choice.prefer != Prefer::Retracted)
        .min_by_key(|choice| (Reverse(choice.rank), Reverse(believed(choice)), choice.author));
    let Some(choice) = standing else { return Ruling::Nobody };
    let chosen = Chosen { by: choice.author, at: choice.at };
    match choice.prefer {
        Prefer::Retracted => Ruling::Nobody,
        Prefer::Value(preferred) => match index(&preferred.record) {
            Some(i) if members[i].rev == preferred.rev && states(i) => Ruling::Take(i, chosen, &choice.over),
            _ => Ruling::Leave(Open::Moved, chosen),
        },
        Prefer::Unresolved => {
            let seen = |i: usize| {
                choice.over.iter().any(|over| over.record == members[i].record && over.rev == members[i].rev)
            };
            let all_seen = choice.over.is_empty() || (0..members.len()).filter(|i| states(*i)).all(seen);
            Ruling::Leave(if all_seen { Open::Unresolved } else { Open::Moved }, chosen)
        }
    }
}
