//! One group from the records that speak of it: field by field, with who said what, and what disagrees.
//!
//! Order of authority (PROTOCOL, "Settled points" 7): a standing choice by rank of its author; the group's own word; the
//! hub whose area the policy grants; national lists; others. Then the date of the check, completeness, hub id, record id.

use super::choice::{Choice, MOST_OVER, Ruling, ruling};
use super::merged::{GATED, Merged, Open, Other, Resolved, Rule};
use super::policy::Policy;
use super::rules::{self, How, OPEN, Unit};
use super::sighting;
use super::value::{contradicts, fullness, same};
use crate::record::group::{Assured, Group, Sighting};
use crate::record::safety::{Level, coarsened};
use crate::record::statement::Revision;
use crate::record::{HubId, RecordRef};
use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use serde_json::{Map, Value};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// A record that speaks of the group.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// The record.
    pub record: RecordRef,
    /// The revision whose public part this is. An `affirm` does not change it, so that it undoes no choice.
    pub rev: u64,
    /// Effective time of the newest statement about the record (PROTOCOL 1.9): a check cannot be later than it.
    pub eff: Timestamp,
    /// The newest affirm's, where there is one; otherwise the public part's own counts.
    pub assured: Option<Assured>,
    /// The public part.
    pub group: Group,
    /// The most protective word said about the record beside it (statements of the type `safety`).
    pub guard: Option<String>,
    /// Records of hubs that ended, in whose stead it stands: what the policy grants their hubs it grants this record too.
    pub former: Vec<RecordRef>,
}

impl Member {
    /// What it is called, and was.
    fn names(&self) -> impl Iterator<Item = RecordRef> {
        std::iter::once(self.record).chain(self.former.iter().copied())
    }

    /// The records that it repeats, where its hub saw nothing of it itself.
    fn repeats(&self) -> Vec<RecordRef> {
        sighting::repeats(&self.record, &self.group, self.assured.is_some())
    }
}

/// What a member's word weighs; compared in this order, more first.
#[derive(Clone, Copy)]
struct Standing {
    class: Rule,
    weight: u8,
    checked: Option<Date>,
}

/// Merges the records of one group. The order of members and of choices does not matter; members are one or more.
///
/// `choices` are those of hubs that count, on any of the members; `as_of` is the day the registry speaks of.
pub fn merge(members: &[Member], choices: &[Choice], policy: &Policy, as_of: Date) -> Merged {
    let mut all: Vec<&Member> = members.iter().collect();
    all.sort_by_key(|member| member.record);
    all.dedup_by_key(|member| member.record);
    // Of a copy, too: the most protective word wins whoever says it.
    let safety = safety(&all);
    let latest = end_of(as_of);
    let Parts { speak: sorted, fill, silent } = parts(&all);
    let mut stated: Vec<Map<String, Value>> = sorted.iter().map(|member| shown(member, &safety)).collect();

    let mut values = BTreeMap::new();
    if let [map] = &mut stated[..] {
        let from = sorted[0].record;
        for (name, value) in std::mem::take(map) {
            if let Some(unit) = Unit::of(&name) {
                values.insert(unit, single(unit, value, from));
            }
        }
    } else {
        let context = Context { standing: standing(&sorted, policy, latest), members: &sorted, choices, latest };
        for unit in Unit::all() {
            let mut said: Vec<(usize, Value)> =
                stated.iter_mut().enumerate().filter_map(|(i, map)| Some((i, map.remove(unit.name())?))).collect();
            if said.iter().any(|(i, _)| !fill.contains(i)) {
                said.retain(|(i, _)| !fill.contains(i));
            }
            if !said.is_empty() {
                values.insert(unit, context.resolve(unit, said));
            }
        }
    }
    let conflicts = values
        .iter()
        .filter(|(_, resolved)| matches!(resolved.open, Some(Open::Conflict | Open::Moved)))
        .map(|(unit, _)| *unit)
        .collect();
    let listed = rules::protection(&safety) <= rules::protection(GATED[1]);
    Merged {
        // A copy that says nothing names nothing either: ids would change with every hub that passes a record on.
        id: sorted.first().map_or(RecordRef { hub: HubId([0; 20]), rec: uuid::Uuid::nil() }, |member| member.record),
        members: sorted.iter().map(|member| member.record).collect(),
        revs: sorted.iter().map(|member| member.rev).collect(),
        copies: silent,
        values,
        sightings: if listed { sightings(&all, &safety) } else { Vec::new() },
        assured: newest_check(&sorted, latest),
        licence: licence(&sorted),
        safety,
        conflicts,
    }
}

/// The records of a group by what their words are worth beside one another.
struct Parts<'a> {
    /// Those that speak.
    speak: Vec<&'a Member>,
    /// Of these, by place, those that repeat others in part: they say what the rest leaves open.
    fill: BTreeSet<usize>,
    /// Those that repeat only what stands here already, and so say nothing: a copy that is older than its original would
    /// contradict it, or bring back what was taken out of it.
    silent: Vec<RecordRef>,
}

fn parts<'a>(all: &[&'a Member]) -> Parts<'a> {
    let repeated: Vec<Vec<RecordRef>> = all.iter().map(|member| member.repeats()).collect();
    if repeated.iter().all(Vec::is_empty) {
        return Parts { speak: all.to_vec(), fill: BTreeSet::new(), silent: Vec::new() };
    }
    // Only what is nobody's copy can silence one: two that name each other both speak.
    let first_hand: BTreeSet<RecordRef> =
        all.iter().zip(&repeated).filter(|(_, of)| of.is_empty()).flat_map(|(member, _)| member.names()).collect();
    let mut parts = Parts { speak: Vec::new(), fill: BTreeSet::new(), silent: Vec::new() };
    for (member, of) in all.iter().zip(&repeated) {
        let here = of.iter().filter(|origin| first_hand.contains(origin)).count();
        if here > 0 && here == of.len() {
            parts.silent.push(member.record);
            continue;
        }
        if here > 0 {
            parts.fill.insert(parts.speak.len());
        }
        parts.speak.push(member);
    }
    parts
}

/// The last moment that is not beyond the as-of date by more than a day.
fn end_of(as_of: Date) -> Timestamp {
    as_of
        .checked_add(2.days())
        .and_then(|day| day.to_zoned(TimeZone::UTC))
        .map_or(Timestamp::MAX, |midnight| midnight.timestamp() - jiff::SignedDuration::from_nanos(1))
}

/// The most protective level; of several that nobody knows, the first by name.
fn safety(members: &[&Member]) -> String {
    let words = members.iter().flat_map(|member| member.guard.as_deref().into_iter().chain([level(member)]));
    rules::most(words).unwrap_or(OPEN).to_owned()
}

/// For which level a record was written.
fn level(member: &Member) -> &str {
    member.group.safety.as_deref().unwrap_or(OPEN)
}

/// What of a record may take part, given how far the group's place may be known: the table of [`crate::record::safety`].
/// The words of records that were written for a less protective level go too: an address stands in a description as easily
/// as in its own field.
///
/// Of a group that the public does not see at all, what a front gate would say stays for the hub's own people, without the
/// way in.
fn shown(member: &Member, safety: &str) -> Map<String, Value> {
    let members = member.group.members();
    if safety == OPEN {
        return members;
    }
    let written = rules::protection(level(member)) >= rules::protection(safety);
    let mut map = coarsened(&members, Level::of(safety).min(Level::ContactFirst), written);
    if !GATED.contains(&safety) {
        map.remove("contact");
    }
    map
}

/// A record's last check: no later than the statement that says so, and none when that lies beyond the as-of date.
fn check(member: &Member, latest: Timestamp) -> Option<Assured> {
    let assured = member.assured.as_ref().or(member.group.assured.as_ref())?;
    if member.eff > latest {
        return None;
    }
    let date = assured.date.min(day(member.eff));
    Some(Assured { date, ..assured.clone() })
}

fn day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

fn newest_check(members: &[&Member], latest: Timestamp) -> Option<Assured> {
    members
        .iter()
        .filter_map(|member| check(member, latest))
        .reduce(|best, next| if next.date > best.date { next } else { best })
}

fn licence(members: &[&Member]) -> Option<String> {
    let first = members.first()?.group.licence.as_ref()?;
    members.iter().all(|member| member.group.licence.as_ref() == Some(first)).then(|| first.clone())
}

/// Who saw it. Of a group whose place is protected, what other lists are called stays out: an exact one would show the way.
fn sightings(members: &[&Member], safety: &str) -> Vec<Sighting> {
    let all = members.iter().flat_map(|member| &member.group.sightings);
    let by_hub = |seen: &&Sighting| safety == OPEN || seen.observed_by.parse::<HubId>().is_ok();
    let all: Vec<Sighting> = all
        .filter(by_hub)
        .map(|seen| if safety == OPEN { seen.clone() } else { Sighting { extra: Default::default(), ..seen.clone() } })
        .collect();
    sighting::once_each(&all)
}

fn standing(members: &[&Member], policy: &Policy, latest: Timestamp) -> Vec<Standing> {
    let area = |member: &Member| member.group.place.as_ref().and_then(|place| place.area.clone());
    let stated: BTreeSet<String> = members.iter().filter_map(|member| area(member)).collect();
    // A record that names no area stands where all those that name one agree it is.
    let common = (stated.len() == 1).then(|| stated.into_iter().next()).flatten();
    members
        .iter()
        .map(|member| {
            let check = check(member, latest);
            let own = check.as_ref().is_some_and(|assured| assured.by == "group");
            let here = area(member).or_else(|| common.clone());
            let (class, weight) = if own {
                (Rule::GroupsOwn, 3)
            } else if here.is_some_and(|area| member.names().any(|of| policy.covers(&of.hub, &area))) {
                (Rule::Area, 2)
            } else if member.names().any(|of| policy.national(&of.hub)) {
                (Rule::National, 1)
            } else {
                (Rule::Order, 0)
            };
            Standing { class, weight, checked: check.map(|assured| assured.date) }
        })
        .collect()
}

/// A unit of a group that only one record speaks of.
fn single(unit: Unit, value: Value, from: RecordRef) -> Resolved {
    let value = if unit.how() == How::Union { sorted_set(value) } else { value };
    Resolved {
        value,
        from: vec![from],
        rule: Rule::Only,
        others: Vec::new(),
        said: BTreeMap::new(),
        open: None,
        chosen: None,
    }
}

/// A list of words, sorted, once each.
fn sorted_set(value: Value) -> Value {
    match value {
        Value::Array(mut items) => {
            items.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
            items.dedup();
            Value::Array(items)
        }
        other => other,
    }
}

struct Context<'a> {
    standing: Vec<Standing>,
    members: &'a [&'a Member],
    choices: &'a [Choice],
    latest: Timestamp,
}

impl Context<'_> {
    /// The written order, as something to sort by: smallest is weightiest.
    fn place(&self, (i, value): &(usize, Value)) -> impl Ord + use<> {
        let standing = self.standing[*i];
        (Reverse(standing.weight), Reverse(standing.checked), Reverse(fullness(value)), *i)
    }

    fn refs(&self, members: impl IntoIterator<Item = usize>) -> Vec<RecordRef> {
        let sorted: BTreeSet<usize> = members.into_iter().collect();
        sorted.into_iter().map(|i| self.members[i].record).collect()
    }

    fn resolve(&self, unit: Unit, mut said: Vec<(usize, Value)>) -> Resolved {
        let states: BTreeSet<usize> = said.iter().map(|(i, _)| *i).collect();
        let ruling = ruling(unit, self.choices, self.members, &|i| states.contains(&i), self.latest);
        said.sort_by_cached_key(|entry| self.place(entry));
        match (unit.how(), ruling) {
            // A choice takes one record's value whole, also of a unit that is otherwise a union: how else to drop a topic?
            (_, Ruling::Take(taken, chosen, over)) => {
                let open = self.moved(unit, taken, &said, over).then_some(Open::Moved);
                if let Some(at) = said.iter().position(|(i, _)| *i == taken) {
                    said[..=at].rotate_right(1);
                }
                let mut resolved = self.one(unit, said);
                (resolved.rule, resolved.open, resolved.chosen) = (Rule::Chosen, open, Some(chosen));
                resolved
            }
            (How::One, Ruling::Nobody) => self.one(unit, said),
            (How::One, Ruling::Leave(open, chosen)) => {
                let mut resolved = self.one(unit, said);
                let contested = resolved.others.iter().any(|other| other.contradicts);
                resolved.open = contested.then_some(open);
                resolved.chosen = contested.then_some(chosen);
                resolved
            }
            (How::Union, _) => self.union(unit, said),
            (How::Each, _) => self.each(said),
        }
    }

    /// Whether something that contradicts the chosen value was said since: by a record that was not on the table, or by one that
    /// says other words now. What an untouched record on the table says was weighed by the person who chose.
    ///
    /// Old words are not kept (PROTOCOL 1.4), so a new revision counts even if it changed another field: to ask once more is
    /// the lesser harm.
    fn moved(&self, unit: Unit, taken: usize, said: &[(usize, Value)], over: &[Revision]) -> bool {
        if unit.how() != How::One || over.is_empty() {
            return false;
        }
        let Some((_, chosen)) = said.iter().find(|(i, _)| *i == taken) else { return false };
        let named = |i: usize| over.iter().find(|over| over.record == self.members[i].record);
        let weighed = |i: usize| match named(i) {
            Some(over) => over.rev == self.members[i].rev,
            None => over.len() >= MOST_OVER,
        };
        let known: Vec<&Value> = said.iter().filter(|(i, _)| weighed(*i)).map(|(_, value)| value).collect();
        said.iter().filter(|(i, _)| *i != taken && !weighed(*i)).any(|(_, value)| {
            contradicts(unit.name(), chosen, value) && !known.iter().any(|known| same(unit.name(), known, value))
        })
    }

    /// The first of `said` is taken; it is sorted, but for a choice.
    fn one(&self, unit: Unit, mut said: Vec<(usize, Value)>) -> Resolved {
        let count = said.len();
        let (first, value) = said.remove(0);
        let value = if unit.how() == How::Union { sorted_set(value) } else { value };
        let mut from = vec![first];
        let mut others: Vec<(Value, Vec<usize>)> = Vec::new();
        for (i, stated) in said {
            if same(unit.name(), &value, &stated) {
                from.push(i);
            } else if let Some((_, who)) = others.iter_mut().find(|(other, _)| same(unit.name(), other, &stated)) {
                who.push(i);
            } else {
                others.push((stated, vec![i]));
            }
        }
        // Between whom it was: the weightiest that says otherwise.
        let rule = match others.first() {
            None if count == 1 => Rule::Only,
            None => Rule::Agreed,
            Some((other, who)) => {
                let (ours, theirs) = (self.standing[first], self.standing[who[0]]);
                if ours.weight != theirs.weight {
                    ours.class
                } else if ours.checked != theirs.checked {
                    Rule::CheckedLater
                } else if fullness(&value) != fullness(other) {
                    Rule::Fuller
                } else {
                    Rule::Order
                }
            }
        };
        let mut open = None;
        let others = others
            .into_iter()
            .map(|(other, who)| {
                let contradicts = contradicts(unit.name(), &value, &other);
                if contradicts && self.standing[who[0]].weight == self.standing[first].weight {
                    open = Some(Open::Conflict);
                }
                let assured = who.iter().filter_map(|i| self.standing[*i].checked).max();
                Other { value: other, from: self.refs(who), assured, contradicts }
            })
            .collect();
        Resolved { value, from: self.refs(from), rule, others, said: BTreeMap::new(), open, chosen: None }
    }

    /// All values, sorted, each with who states it. Other names that differ in writing only are one.
    fn union(&self, unit: Unit, said: Vec<(usize, Value)>) -> Resolved {
        let alone = said.len() == 1;
        let mut sets: Vec<BTreeSet<String>> = Vec::new();
        let mut who: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
        let everybody = self.refs(said.iter().map(|(i, _)| *i));
        for (i, value) in said {
            let Value::Array(items) = value else { continue };
            let words: BTreeSet<String> =
                items.into_iter().filter_map(|item| item.as_str().map(str::to_owned)).collect();
            for word in &words {
                who.entry(word.clone()).or_default().insert(i);
            }
            sets.push(words);
        }
        if unit.name() == "other_names" {
            who = folded(who);
        }
        let rule = if alone {
            Rule::Only
        } else if sets.windows(2).all(|pair| pair[0] == pair[1]) {
            Rule::Agreed
        } else {
            Rule::Union
        };
        let value = who.keys().map(|word| Value::from(word.as_str())).collect();
        let said = who.into_iter().map(|(word, who)| (word, self.refs(who)));
        let said = if alone { BTreeMap::new() } else { said.collect() };
        Resolved { value, from: everybody, rule, others: Vec::new(), said, open: None, chosen: None }
    }

    /// For each criterion the newest fact; of one day, the weightier record's. What is left out stands in `others`.
    fn each(&self, said: Vec<(usize, Value)>) -> Resolved {
        let everybody = self.refs(said.iter().map(|(i, _)| *i));
        let alone = said.len() == 1;
        let mut facts: BTreeMap<String, Vec<(usize, Value)>> = BTreeMap::new();
        for (i, value) in said {
            let Value::Object(members) = value else { continue };
            for (key, fact) in members {
                facts.entry(key).or_default().push((i, fact));
            }
        }
        let (mut value, mut who, mut others) = (Map::new(), BTreeMap::new(), Vec::new());
        for (key, mut stated) in facts {
            // Stable: the written order decides between facts of one day.
            stated.sort_by_key(|(i, fact)| Reverse(self.found(*i, fact)));
            let (first, taken) = stated.remove(0);
            let mut from = vec![first];
            for (i, fact) in stated {
                if same("criteria", &taken, &fact) {
                    from.push(i);
                } else {
                    let contradicts = taken.get("value") != fact.get("value");
                    let assured = self.found(i, &fact);
                    let value = Value::Object(Map::from_iter([(key.clone(), fact)]));
                    others.push(Other { value, from: self.refs([i]), assured, contradicts });
                }
            }
            who.insert(key.clone(), self.refs(from));
            value.insert(key, taken);
        }
        Resolved {
            value: Value::Object(value),
            from: everybody,
            rule: if alone {
                Rule::Only
            } else if others.is_empty() && who.values().all(|from| from.len() > 1) {
                Rule::Agreed
            } else {
                Rule::Each
            },
            others,
            said: if alone { BTreeMap::new() } else { who },
            open: None,
            chosen: None,
        }
    }

    /// When a fact was found, as far as that can be believed.
    fn found(&self, i: usize, fact: &Value) -> Option<Date> {
        let eff = self.members[i].eff;
        let date: Date = fact.get("date")?.as_str()?.parse().ok()?;
        (eff <= self.latest).then(|| date.min(day(eff)))
    }
}

/// Other names that differ in writing only, under the first of their spellings.
fn folded(who: BTreeMap<String, BTreeSet<usize>>) -> BTreeMap<String, BTreeSet<usize>> {
    let mut spelling: BTreeMap<String, String> = BTreeMap::new();
    let mut found: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    for (name, members) in who {
        let first = spelling.entry(super::normal::words(&name)).or_insert(name).clone();
        found.entry(first).or_default().extend(members);
    }
    found
}

#[cfg(test)]
#[path = "merge_tests.rs"]
pub(crate) mod tests;
