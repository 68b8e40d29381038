//! One question, with all that a person looks at: both groups field by field, who said what, why it is asked, what an answer
//! would change.

use super::Ends;
use crate::node::groups::say;
use crate::node::groups::words::{line, unit_label};
use crate::node::groups::{Known, One, Reader};
use crate::record::RecordRef;
use crate::record::statement::Judgement;
use crate::registry::link::standing;
use crate::registry::linkage::cluster::Edge;
use crate::registry::linkage::why::{Why, explain};
use crate::registry::linkage::{Outcome, Row, cluster};
use crate::registry::{Cluster, Decision, Unit, value};
use crate::store::group::{Loaded, Rules};
use crate::store::log::OWN;
use crate::store::{self, StoreError, lookup};
use sqlx::SqliteConnection;

/// How the two sides' words for a field stand to one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// They cannot both hold.
    Differs,
    /// One says more: nothing contradicts.
    Near,
    /// Only one side says anything.
    Missing,
    /// The same, normal forms compared.
    Same,
}

impl Mark {
    /// One character that stands before the field, so that colour is not needed.
    pub fn sign(self) -> char {
        match self {
            Mark::Same => '=',
            Mark::Near => '~',
            Mark::Differs => 'X',
            Mark::Missing => '-',
        }
    }

    /// Stable label.
    pub fn label(self) -> &'static str {
        match self {
            Mark::Same => "same",
            Mark::Near => "near",
            Mark::Differs => "differs",
            Mark::Missing => "one-side",
        }
    }
}

/// What one side says of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// In words.
    pub words: String,
    /// Who says so, by the side's letters ("A2"); empty where all its records do.
    pub from: Vec<String>,
    /// Whether this is what the registry shows, or another word beside it.
    pub shown: bool,
}

/// A field, side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Which.
    pub unit: Unit,
    /// What people call it.
    pub label: &'static str,
    /// How the two stand to one another.
    pub mark: Mark,
    /// What is said on the left, what is shown first.
    pub left: Vec<Cell>,
    /// On the right.
    pub right: Vec<Cell>,
}

/// What the answer "same" would change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// Records of the group that would come to be.
    pub records: usize,
    /// Hubs whose lists it is in.
    pub hubs: usize,
    /// Records of both sides that would stay outside it, because something else keeps them apart.
    pub outside: usize,
    /// Fields in which hubs would disagree then, and do not now.
    pub disagree: Vec<&'static str>,
    /// Another decision would outweigh it: nothing would come together.
    pub outweighed: bool,
}

/// One question.
pub struct Question {
    /// The two records that stand for it.
    pub ends: Ends,
    /// The group of the first, or the first alone where the two are one group by now.
    pub left: Known,
    /// The other.
    pub right: Known,
    /// Whether they are one group now.
    pub one_group: bool,
    /// What this hub has said of the two; "none" counts as nothing.
    pub said: Option<Judgement>,
    /// Why it is a question.
    pub why: Why,
    /// Every field that either side states.
    pub fields: Vec<Field>,
    /// What "same" would change.
    pub effect: Effect,
    /// What "same" says beside the two: records of either side that would fall off otherwise, because something speaks against
    /// them that did not matter while only their own side was one group. Whoever says "same" looked at both sides as wholes.
    pub bonds: Vec<Ends>,
}

impl Question {
    /// Reads a question; `None` where one of the two records is gone.
    ///
    /// # Errors
    /// Database errors.
    pub async fn load(db: &mut SqliteConnection, reader: &Reader, ends: Ends) -> Result<Option<Question>, StoreError> {
        let rules = reader.rules();
        let Some((one, n)) = place(db, rules, &ends.0).await? else { return Ok(None) };
        let Some((other, m)) = place(db, rules, &ends.1).await? else { return Ok(None) };
        let one_group = n == m;
        // Where the two have come together, they are still shown side by side: to be looked at again.
        let mut sides = Vec::with_capacity(2);
        for (group, record) in [(n, one), (m, other)] {
            let Some(row) = lookup::groups(db, &[group]).await?.pop() else { return Ok(None) };
            sides.push(if one_group { reader.among(db, row, &[record]).await? } else { reader.read(db, row).await? });
        }
        let (Some(right), Some(left)) = (sides.pop(), sides.pop()) else { return Ok(None) };
        if left.members.is_empty() || right.members.is_empty() {
            return Ok(None);
        }
        let mut links = left.links();
        links.extend(right.links().into_iter().filter(|link| !left.links().contains(link)));
        let said = say::judged(left.decisions.iter(), ends.0, ends.1);
        let Some(why) = why(&left, &right, ends, &links) else { return Ok(None) };
        let why = if left.open() && right.open() { why } else { why.without_place() };
        let (effect, bonds) = effect(db, &left, &right, ends, &links).await?;
        let fields = fields(&left, &right);
        Ok(Some(Question { ends, left, right, one_group, said, why, fields, effect, bonds }))
    }

    /// The record on the left that stands for the question.
    pub fn one(&self) -> Option<&One> {
        self.left.member(&self.ends.0)
    }

    /// The one on the right.
    pub fn other(&self) -> Option<&One> {
        self.right.member(&self.ends.1)
    }

    /// A record's letter: A1 is the first on the left, B1 the first on the right.
    pub fn letter(&self, record: &RecordRef) -> Option<String> {
        let at = |known: &Known| known.members.iter().position(|one| one.record == *record);
        let left = at(&self.left).map(|at| letter(0, at));
        left.or_else(|| at(&self.right).map(|at| letter(1, at)))
    }

    /// Why it is asked, in one line of plain words.
    pub fn words(&self) -> String {
        self.why.words(&|hub| self.left.hub_name(hub))
    }

    /// What an answer would change, in plain words.
    pub fn change(&self) -> String {
        let Effect { records, hubs, outside, disagree, outweighed } = &self.effect;
        if self.one_group {
            return "They are one group now. \"Different\" would part them.".into();
        }
        if *outweighed {
            return "If \"same\": nothing yet, because another decision that counts here keeps them apart.".into();
        }
        let lists = if *hubs == 1 { "one hub".into() } else { format!("{hubs} hubs") };
        let mut text = format!("If \"same\": one entry from {records} records of {lists} instead of two entries");
        if *outside > 0 {
            text.push_str(&format!("; {outside} kept outside it by other decisions"));
        }
        if !disagree.is_empty() {
            text.push_str(&format!("; disagreement shown about: {}", disagree.join(", ").to_lowercase()));
        }
        text.push_str(". If \"different\": nothing moves, and nobody is asked again.");
        text
    }
}

/// "A2": the second on the left.
pub fn letter(side: usize, at: usize) -> String {
    format!("{}{}", if side == 0 { 'A' } else { 'B' }, at + 1)
}

/// A record's number and its group's.
async fn place(db: &mut SqliteConnection, rules: &Rules, record: &RecordRef) -> Result<Option<(i64, i64)>, StoreError> {
    let Some((hub, rec)) = rules.key(record) else { return Ok(None) };
    Ok(store::record::get(db, hub, rec).await?.and_then(|row| Some((row.state.first, row.group?))))
}

fn why(left: &Known, right: &Known, ends: Ends, links: &[Decision]) -> Option<Why> {
    let (rules, lists) = left.standing();
    let compared = (left.compared(), right.compared());
    let find = |known: &Known, record: &RecordRef| known.members.iter().position(|one| one.record == *record);
    let one = compared.0.get(find(left, &ends.0)?)?.row(rules, lists)?;
    let other = compared.1.get(find(right, &ends.1)?)?.row(rules, lists)?;
    Some(explain(&one, &other, links, rules.policy.linkage()))
}

/// Clusters the records of both sides as if this hub had said "same", by the same function that makes the registry.
async fn effect(
    db: &mut SqliteConnection,
    left: &Known,
    right: &Known,
    ends: Ends,
    links: &[Decision],
) -> Result<(Effect, Vec<Ends>), StoreError> {
    let (rules, lists) = left.standing();
    let model = rules.policy.linkage();
    let compared: Vec<_> = left.compared().into_iter().chain(right.compared()).collect();
    let rows: Vec<Row> = compared.iter().filter_map(|one| one.row(rules, lists)).collect();
    let mut edges = Vec::new();
    for (i, a) in rows.iter().enumerate() {
        for b in &rows[i + 1..] {
            let judged = a.judge(b, model);
            if judged.outcome == Outcome::Joined {
                edges.push(Edge { a: a.record, b: b.record, score: judged.score });
            }
        }
    }
    let mut decisions = standing(links);
    let own = rules.hubs.get(&OWN).copied();
    let said = |(a, b): Ends| {
        let author = own?;
        let rank = rules.policy.rank(&author)?;
        let (at, order) = (jiff::Timestamp::UNIX_EPOCH, u64::MAX);
        Some(Decision { author, rank, a, b, judgement: Judgement::Same, at, order })
    };
    let unsaid = |decisions: &mut Vec<Decision>, pair: Ends| {
        let pair = (pair.0.min(pair.1), pair.0.max(pair.1));
        decisions.retain(|link| link.pair() != pair || Some(link.author) != own);
        decisions.extend(said(pair));
    };
    let made = |decisions: &[Decision]| {
        let groups = cluster(&rows, &edges, decisions, model).groups;
        groups.into_iter().find(|group| group.members.contains(&ends.0)).map(|group| group.members).unwrap_or_default()
    };
    unsaid(&mut decisions, ends);
    let first = made(&decisions);
    let mut bonds: Vec<Ends> = Vec::new();
    if first.contains(&ends.1) {
        for (known, end) in [(left, ends.0), (right, ends.1)] {
            let outside = known.members.iter().map(|one| one.record).filter(|record| !first.contains(record));
            bonds.extend(outside.map(|record| (end, record)));
        }
        bonds.iter().for_each(|bond| unsaid(&mut decisions, *bond));
    }
    let members = made(&decisions);
    // What another's decision keeps outside, this hub's word would not bring in.
    bonds.retain(|(_, record)| members.contains(record));
    let made = Cluster { members, joined: Vec::new() };
    let mut hubs: Vec<_> = made.members.iter().map(|record| record.hub).collect();
    hubs.sort_unstable();
    hubs.dedup();
    let numbers: Vec<i64> = left
        .members
        .iter()
        .chain(&right.members)
        .filter(|one| made.members.contains(&one.record))
        .map(|one| one.row.state.first)
        .collect();
    let loaded = Loaded::read(db, rules, &numbers).await?;
    let decided = left.decisions.iter().chain(&right.decisions);
    let (merged, _) = loaded.merge(&made, rules, decided);
    let known = |unit: &Unit| left.merged.conflicts.contains(unit) || right.merged.conflicts.contains(unit);
    let effect = Effect {
        records: made.members.len(),
        hubs: hubs.len(),
        outside: rows.len() - made.members.len(),
        disagree: merged.conflicts.iter().filter(|unit| !known(unit)).map(|unit| unit_label(unit.name())).collect(),
        outweighed: !made.members.contains(&ends.1),
    };
    Ok((effect, bonds))
}

fn fields(left: &Known, right: &Known) -> Vec<Field> {
    let field = |unit: Unit| {
        let (a, b) = (left.merged.value(unit.name()), right.merged.value(unit.name()));
        let mark = match (a, b) {
            (None, None) => return None,
            (Some(a), Some(b)) if value::same(unit.name(), a, b) => Mark::Same,
            (Some(a), Some(b)) if value::contradicts(unit.name(), a, b) => Mark::Differs,
            (Some(_), Some(_)) => Mark::Near,
            _ => Mark::Missing,
        };
        let (left, right) = (cells(left, unit, 0), cells(right, unit, 1));
        Some(Field { unit, label: unit_label(unit.name()), mark, left, right })
    };
    let mut fields: Vec<Field> = Unit::all().filter_map(field).collect();
    // The name says what one looks at; after it, what differs.
    fields.sort_by_key(|field| (field.unit.name() != "name", field.mark));
    fields
}

/// What one side says of a field: what is shown, then what else its records say.
fn cells(known: &Known, unit: Unit, side: usize) -> Vec<Cell> {
    say::stated(known, unit)
        .into_iter()
        .map(|stated| {
            let position = |record: &RecordRef| known.members.iter().position(|one| one.record == *record);
            let mut from: Vec<String> = stated.from.iter().filter_map(position).map(|at| letter(side, at)).collect();
            if from.len() == known.members.len() {
                from.clear();
            }
            Cell { words: line(unit.name(), &stated.value), from, shown: stated.shown }
        })
        .collect()
}
