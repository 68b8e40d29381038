//! Verified leaves → records and decisions: what the registry may see of a log.
//!
//! Accepting is the moment at which a pull (or an import) becomes visible; it happens in one transaction with deriving.
//! The brake sits here: a pull that takes back or replaces too much at once waits for a person.

use crate::feed::note::Note;
use crate::feed::tile::WIDTH;
use crate::record::state::RecordState;
use crate::record::statement::{Body, Kind, RecordRef, Statement};
use crate::store::log::{LogRow, OWN, index, pos};
use crate::store::record::DecisionRow;
use crate::store::registry::Dirty;
use crate::store::{self, StoreError, Write};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Leaves folded at a time.
const PAGE: u64 = 2048;

/// So many records a hub may replace or take back at once without anybody looking.
pub const FEW: u64 = 5;

/// What accepting touched.
#[derive(Debug, Default)]
pub struct Accepted {
    /// Records to derive again.
    pub dirty: Dirty,
    /// Records named by decisions that came or changed.
    pub judged: BTreeSet<RecordRef>,
    /// Whether a list's own description changed: every record of the hub may then link otherwise.
    pub lists_changed: bool,
    /// Live group records whose words were replaced.
    pub replaced: u64,
    /// Live group records taken back.
    pub withdrawn: u64,
    /// New group records.
    pub new: u64,
    /// Leaves whose revision does not rise (PROTOCOL F20): log order won.
    pub disordered: u64,
    /// Leaves kept without effect because they are newer than this program.
    pub not_understood: u64,
}

/// A mass change that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct MassChange {
    /// Live records of the hub before.
    pub live: u64,
    /// Of these, replaced.
    pub replaced: u64,
    /// Of these, taken back.
    pub withdrawn: u64,
}

impl MassChange {
    /// Whether so much at once waits for a person: more than five records, and more than a tenth.
    pub fn brakes(&self) -> bool {
        self.replaced + self.withdrawn > (self.live / 10).max(FEW)
    }
}

/// Folds a log's leaves from its head up to `upto` into records and decisions, and moves the head. Lines of superseded
/// puts are blanked; of the own log's last bundle, once it is full (PROTOCOL 1.4).
///
/// # Errors
/// Database errors.
pub async fn accept(db: &mut Write, log: &LogRow, upto: u64) -> Result<Accepted, StoreError> {
    let mut accepted = Accepted::default();
    let (start, mut latest) = (log.head, store::record::latest(db, log.n).await?);
    let mut from = start;
    while from < upto {
        let end = upto.min(from + PAGE);
        let leaves = store::log::leaves(db, log.n, from, end).await?;
        let voids = store::record::voids(db, pos(log.n, from), pos(log.n, end)).await?;
        let statements: Vec<(i64, String, Statement)> = leaves
            .into_iter()
            .filter(|leaf| !voids.contains_key(&leaf.pos))
            .filter_map(|leaf| {
                let text = Note::parse(&leaf.note).ok()?.text.to_owned();
                let statement = Statement::read(text.as_bytes()).ok()?;
                Some((leaf.pos, text, statement))
            })
            .collect();

        let ids: BTreeSet<Uuid> = statements.iter().map(|(_, _, statement)| statement.id).collect();
        let ids: Vec<Uuid> = ids.into_iter().collect();
        let mut known: BTreeMap<Uuid, RecordState> =
            store::record::get_many(db, log.n, &ids).await?.into_iter().map(|row| (row.rec, row.state)).collect();
        let mut changed = BTreeSet::new();
        let mut superseded = Vec::new();
        for (pos, text, statement) in &statements {
            let at = statement.at.as_second();
            if at < latest {
                // A leaf cannot be later than leaves after it; what is in this page is lowered with the rest.
                for state in known.values_mut() {
                    state.said = state.said.min(at);
                    state.affirmed = state.affirmed.min(at);
                }
                let rows: Vec<_> = known.iter().map(|(rec, state)| (log.n, *rec, state)).collect();
                store::record::save(db, &rows).await?;
                accepted.dirty.extend(store::registry::said_after(db, at).await?);
                store::record::lower(db, log.n, at).await?;
                accepted.dirty.extend(known.iter().map(|(rec, state)| (state.first, (log.n, *rec))));
            }
            latest = at;
            match &statement.body {
                Body::Put(kind) | Body::Affirm(kind, _) | Body::Withdraw(kind) | Body::Erase(kind, ..) => {
                    let state = known.entry(statement.id).or_insert_with(|| RecordState::new(*kind, *pos));
                    accepted.disordered += u64::from(statement.rev <= state.rev && state.rev > 0);
                    accepted.weigh(state, statement, pos_at(log.n, start));
                    superseded.extend(state.apply(*pos, statement));
                    changed.insert(statement.id);
                }
                Body::Link { a, b, .. } => {
                    decide(db, &mut accepted, log.n, *pos, text, statement, a, Some(b)).await?;
                }
                Body::Choose { on, .. } => {
                    decide(db, &mut accepted, log.n, *pos, text, statement, on, None).await?;
                }
                Body::Hub { .. } => {}
                Body::NotUnderstood(_) => accepted.not_understood += 1,
            }
        }
        let rows: Vec<_> = changed.iter().filter_map(|rec| Some((log.n, *rec, known.get(rec)?))).collect();
        store::record::save(db, &rows).await?;
        blank(db, log, upto, &superseded).await?;
        accepted.dirty.extend(rows.iter().map(|(hub, rec, state)| (state.first, (*hub, *rec))));
        from = end;
    }
    if log.n == OWN {
        // Bundles that filled in this step: what was kept only because they had not.
        let (first, last) = (start / WIDTH, upto / WIDTH);
        let late = store::registry::superseded(db, first * WIDTH, last * WIDTH).await?;
        store::log::blank(db, &late).await?;
        store::registry::part_due(db, &late).await?;
    }
    store::record::set_latest(db, log.n, latest).await?;
    store::log::set_head(db, log.n, upto).await?;
    Ok(accepted)
}

fn pos_at(log: i64, index: u64) -> i64 {
    pos(log, index)
}

impl Accepted {
    /// Counts what a statement does to a record that was live before this step.
    fn weigh(&mut self, state: &RecordState, statement: &Statement, start: i64) {
        if state.kind != Kind::Record {
            self.lists_changed |= matches!(statement.body, Body::Put(Kind::List)) && state.put.is_some();
            return;
        }
        let was_live = !state.withdrawn && state.put.is_some_and(|(pos, _)| pos < start);
        match statement.body {
            Body::Put(Kind::Record) if was_live => self.replaced += 1,
            Body::Put(Kind::Record) if state.put.is_none() => self.new += 1,
            Body::Withdraw(Kind::Record) if was_live => self.withdrawn += 1,
            _ => {}
        }
    }
}

async fn blank(db: &mut Write, log: &LogRow, upto: u64, superseded: &[i64]) -> Result<(), StoreError> {
    let now: Vec<i64> =
        superseded.iter().copied().filter(|pos| log.n != OWN || index(*pos) / WIDTH < upto / WIDTH).collect();
    store::log::blank(db, &now).await?;
    if log.n == OWN {
        store::registry::part_due(db, &now).await?;
    }
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "one statement's places, each used once")]
async fn decide(
    db: &mut Write,
    accepted: &mut Accepted,
    hub: i64,
    pos: i64,
    text: &str,
    statement: &Statement,
    a: &RecordRef,
    b: Option<&RecordRef>,
) -> Result<(), StoreError> {
    accepted.judged.extend(store::record::ends_of(db, hub, statement.id).await?);
    accepted.judged.extend([Some(a), b].into_iter().flatten().copied());
    let row = DecisionRow { hub, rec: statement.id, pos, said: statement.at.as_second(), body: text.to_owned() };
    store::record::decide(db, &row, a, b).await
}
