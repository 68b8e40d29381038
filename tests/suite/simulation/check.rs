//! What a hub makes of all that it holds: records, groups, one digest; and what must be true of it.

use super::hub::{Held, Hub, Logs, Partner, Truth};
use mutuald::record::statement::{Body, Revision};
use mutuald::record::{Group, HubId, RecordRef, Statement, part, state::RecordState};
use mutuald::registry::digest::RegistryDigest;
use mutuald::registry::merge::{Member, merge};
use mutuald::registry::policy::Policy;
use mutuald::registry::rules::{self, Unit};
use mutuald::registry::{Choice, Decision, linkage};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;
use uuid::Uuid;

/// Where groups meet.
pub const POSTCODES: [&str; 2] = ["NG9 2AB", "SS1 1BJ"];
/// What every group's description says, and a place with it.
pub const ROOM: &str = "We meet in room";

/// When each leaf counts as said: it cannot be later than leaves after it (PROTOCOL 1.9).
pub fn effective(leaves: &[Held]) -> Vec<i64> {
    let mut least = i64::MAX;
    let mut all: Vec<i64> = leaves
        .iter()
        .rev()
        .map(|leaf| {
            least = leaf.said.as_ref().map_or(least, |said| least.min(said.at.as_second()));
            least
        })
        .collect();
    all.reverse();
    all
}

/// Where a leaf stands among all of its hub.
pub fn pos(log: usize, index: usize) -> i64 {
    (log as i64) << 40 | index as i64
}

fn leaf_at(logs: &[Logs], pos: i64) -> &Held {
    &logs[(pos >> 40) as usize].leaves[(pos & ((1 << 40) - 1)) as usize]
}

/// A hub's records, folded from its logs in their order.
pub fn fold(logs: &[Logs]) -> BTreeMap<Uuid, RecordState> {
    let mut records: BTreeMap<Uuid, RecordState> = BTreeMap::new();
    for (log, held) in logs.iter().enumerate() {
        for ((index, leaf), eff) in held.leaves.iter().enumerate().zip(effective(&held.leaves)) {
            let Some(said) = &leaf.said else { continue };
            let (Body::Put(kind) | Body::Affirm(kind, _) | Body::Withdraw(kind) | Body::Erase(kind, ..)) = &said.body
            else {
                continue;
            };
            let at = pos(log, index);
            let counts = Statement { at: jiff::Timestamp::from_second(eff).unwrap_or(said.at), ..(**said).clone() };
            records.entry(said.id).or_insert_with(|| RecordState::new(*kind, at)).apply(at, &counts, true);
        }
    }
    records
}

/// Leaves of a log that are what their records say now, and whose words are missing.
pub fn lacking(partner: &Partner, log: usize) -> BTreeSet<usize> {
    let lacks = |leaf: &Held| {
        let waits = |said: &Rc<Statement>| said.parts.contains_key(part::PUBLIC) && partner.may_hold(said);
        leaf.line.is_none() && leaf.said.as_ref().is_some_and(waits)
    };
    let leaves = &partner.logs[log].leaves;
    if !leaves.iter().any(lacks) {
        return BTreeSet::new();
    }
    let newest = newest(&partner.logs);
    (0..leaves.len()).filter(|at| lacks(&leaves[*at]) && newest.contains(&pos(log, *at))).collect()
}

/// Where what records say now stands.
pub fn newest(logs: &[Logs]) -> BTreeSet<i64> {
    fold(logs).values().filter(|state| !state.withdrawn).filter_map(|state| Some(state.put?.0)).collect()
}

/// What a hub's logs say of each record, as somebody holds them.
pub fn told(logs: &[Logs], erased: &BTreeMap<Uuid, u64>) -> BTreeMap<Uuid, Truth> {
    fold(logs)
        .into_iter()
        .map(|(id, state)| {
            let (at, rev) = state.put.unwrap_or((-1, 0));
            let live = at >= 0 && !state.withdrawn && erased.get(&id).is_none_or(|upto| rev > *upto);
            let line = if live { leaf_at(logs, at).line.clone() } else { None };
            let says = line.as_deref().and_then(part::json).map(str::to_owned);
            (id, Truth { rev, says })
        })
        .collect()
}

/// The digest of the registry that follows from what a hub holds.
pub fn digest(hub: &Hub, policy: &Policy) -> String {
    let as_of = "2026-11-22".parse().unwrap();
    let mut members: BTreeMap<RecordRef, Member> = BTreeMap::new();
    let (mut decisions, mut choices) = (Vec::new(), Vec::new());
    let mut take = |id: HubId, logs: &[Logs], erased: &BTreeMap<Uuid, u64>| {
        let told = told(logs, erased);
        for (rec, state) in fold(logs) {
            let Some(json) = told.get(&rec).and_then(|truth| truth.says.as_deref()) else { continue };
            let Ok(group) = Group::read(json) else { continue };
            let eff = if state.assured.is_some() { state.affirmed } else { state.said };
            let eff = jiff::Timestamp::from_second(eff).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
            let (record, rev) = (RecordRef { hub: id, rec }, state.put.map_or(0, |(_, rev)| rev));
            members.insert(
                record,
                Member { record, rev, eff, assured: state.assured, group, guard: None, former: Vec::new() },
            );
        }
        let rank = policy.rank(&id);
        for (log, held) in logs.iter().enumerate() {
            for ((index, leaf), eff) in held.leaves.iter().enumerate().zip(effective(&held.leaves)) {
                let (Some(said), Some(rank)) = (&leaf.said, rank) else { continue };
                let at = jiff::Timestamp::from_second(eff).unwrap_or(said.at);
                let order = pos(log, index) as u64;
                match &said.body {
                    Body::Link { a, b, judgement } => {
                        decisions.push(Decision { author: id, rank, a: *a, b: *b, judgement: *judgement, at, order });
                    }
                    Body::Choose { on, field, prefer, over } => {
                        let Some(unit) = Unit::of(field) else { continue };
                        let (prefer, over): (_, Vec<Revision>) = (*prefer, over.clone());
                        choices.push(Choice { author: id, rank, on: *on, unit, prefer, over, at, order });
                    }
                    _ => {}
                }
            }
        }
    };
    take(hub.own.id(), &hub.own.logs, &hub.own.erased);
    for partner in hub.partners.values() {
        take(partner.hub().id, &partner.logs, &partner.erased);
    }
    for (on, level) in protected(hub, policy) {
        if let Some(member) = members.get_mut(&on) {
            member.guard = Some(level);
        }
    }
    let model = policy.linkage();
    let read: Vec<(RecordRef, linkage::Features, Vec<u64>)> = members
        .values()
        .map(|member| {
            let (features, keys) = features(&member.group, model);
            (member.record, features, keys)
        })
        .collect();
    let rows: Vec<linkage::Row> = read
        .iter()
        .map(|(record, features, _)| linkage::Row { record: *record, list: None, duplicates: false, features })
        .collect();
    let keys: Vec<Vec<u64>> = read.iter().map(|(.., keys)| keys.clone()).collect();
    let (clusters, _) = linkage::cluster::from_scratch(&rows, &keys, &decisions, model);
    let mut merged: Vec<_> = clusters
        .groups
        .iter()
        .map(|cluster| {
            let of: Vec<Member> = cluster.members.iter().map(|record| members[record].clone()).collect();
            let about: Vec<Choice> =
                choices.iter().filter(|choice| cluster.members.contains(&choice.on)).cloned().collect();
            let merged = merge(&of, &about, policy, as_of);
            if merged.safety != rules::OPEN {
                // What was written for a less protective level goes with the place itself.
                let told = merged.group().json();
                for place in POSTCODES.into_iter().chain([ROOM]) {
                    assert!(!told.contains(place), "{place} of a group whose level is {}: {told}", merged.safety);
                }
            }
            (merged.id, merged.digest())
        })
        .collect();
    merged.sort_by_key(|(id, _)| *id);
    let mut digest = RegistryDigest::new(policy.hash(), as_of);
    merged.iter().for_each(|(id, hash)| digest.add(*id, hash));
    digest.finish()
}

/// How far the place of each record may be known by what hubs said beside it: the most protective word that stands.
pub fn protected(hub: &Hub, policy: &Policy) -> BTreeMap<RecordRef, String> {
    let mut all: BTreeMap<RecordRef, String> = BTreeMap::new();
    let mut take = |id: HubId, logs: &[Logs]| {
        let counts = policy.rank(&id).is_some();
        for (on, level) in standing_words(logs).into_values() {
            if on.hub == id || counts {
                let most = all.remove(&on);
                let most = rules::most(most.as_deref().into_iter().chain([level.as_str()])).map(str::to_owned);
                all.extend(most.map(|most| (on, most)));
            }
        }
    };
    take(hub.own.id(), &hub.own.logs);
    hub.partners.values().for_each(|partner| take(partner.hub().id, &partner.logs));
    all
}

/// What a hub's words about safety are now, by their ids: under one id a later one protects more, or less only as two people
/// said it.
pub fn standing_words(logs: &[Logs]) -> BTreeMap<Uuid, (RecordRef, String)> {
    let mut words: BTreeMap<Uuid, (RecordRef, String)> = BTreeMap::new();
    for said in logs.iter().flat_map(|log| &log.leaves).filter_map(|leaf| leaf.said.as_ref()) {
        let Body::Safety { on, level, lowered } = &said.body else { continue };
        let lowers =
            words.get(&said.id).is_some_and(|(_, before)| rules::protection(before) > rules::protection(level));
        if lowered.is_some() || !lowers {
            words.insert(said.id, (*on, level.clone()));
        }
    }
    words
}

/// Of one log: its hub, its number, how much of it is held, the root at that size, and which words are.
pub type Input = (HubId, usize, usize, [u8; 32], Vec<usize>);

/// What two registries are equal over: how far each log is held, on which tree, and which words are there.
pub fn inputs(hub: &Hub) -> BTreeSet<Input> {
    let mut all = BTreeSet::new();
    let mut take = |id: HubId, logs: &[Logs]| {
        let newest = newest(logs);
        for (nth, log) in logs.iter().enumerate() {
            let live: Vec<usize> = (0..log.leaves.len())
                .filter(|at| log.leaves[*at].line.is_some() && newest.contains(&pos(nth, *at)))
                .collect();
            all.insert((id, nth, log.leaves.len(), log.root_at(log.leaves.len() as u64), live));
        }
    };
    take(hub.own.id(), &hub.own.logs);
    hub.partners.values().for_each(|partner| take(partner.hub().id, &partner.logs));
    all
}

/// Whether anybody still holds words that were erased.
pub fn holds(logs: &[Logs], gone: &[Rc<str>]) -> bool {
    logs.iter().flat_map(|log| &log.leaves).any(|leaf| leaf.line.as_ref().is_some_and(|line| gone.contains(line)))
}

/// Whether a hub's own files still show words that it erased.
pub fn shows(files: &BTreeMap<String, Rc<Vec<u8>>>, gone: &[Rc<str>]) -> bool {
    let parts = files.iter().filter(|(path, _)| path.contains("/part/"));
    let shows = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        gone.iter().any(|line| text.contains(&**line))
    };
    parts.into_iter().any(|(_, bytes)| shows(bytes))
}

/// What linking reads of a group. It depends on the words alone, and there are few different ones.
fn features(group: &Group, model: &linkage::Model) -> (linkage::Features, Vec<u64>) {
    thread_local!(static KNOWN: RefCell<HashMap<String, (linkage::Features, Vec<u64>)>> = RefCell::default());
    let read = |known: &RefCell<HashMap<String, _>>| {
        known.borrow_mut().entry(group.json()).or_insert_with(|| linkage::read(group, model)).clone()
    };
    KNOWN.with(read)
}
