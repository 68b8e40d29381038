//! Frames that an earlier version of this program kept without understanding them, understood now.
//!
//! To that version a `frame` was a type like any that is newer than itself: kept, passed on, without effect, and an `erase` of one
//! no more obeyed than anything else said of it. Here they are folded from their first leaf as [`super::accept`] would have.

use super::stand::{self, Gone, Touched};
use crate::feed::note::Note;
use crate::record::part::PUBLIC;
use crate::record::statement::{Body, Kind, Statement};
use crate::registry::linkage::Model;
use crate::store::erase::{self, How, Order};
use crate::store::hidden::{self, Line};
use crate::store::log::{hub_of, index, log_of};
use crate::store::record::RecordRow;
use crate::store::{self, StoreError, Write};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// What is known of one frame while its leaves are gone through.
struct Late {
    row: RecordRow,
    superseded: Vec<Line>,
    erased: Vec<(i64, Statement)>,
}

/// Folds the frames that no record stands for yet, as far as their logs are accepted.
///
/// # Errors
/// Database errors.
pub async fn frames(db: &mut Write, model: &Model, touched: &mut Touched) -> Result<(), StoreError> {
    let leaves = store::log::of_type(db, "frame").await?;
    if leaves.is_empty() {
        return Ok(());
    }
    let heads: BTreeMap<i64, u64> = store::log::all(db).await?.into_iter().map(|log| (log.n, log.head)).collect();
    let mut found: BTreeMap<(i64, Uuid), Late> = BTreeMap::new();
    for (at, note) in leaves {
        let hub = hub_of(log_of(at));
        let seen = heads.get(&log_of(at)).is_some_and(|head| index(at) < *head);
        if !seen || !store::record::voids(db, at, at + 1).await?.is_empty() {
            continue;
        }
        let Some(statement) = read(&note) else { continue };
        let (Body::Put(kind) | Body::Affirm(kind, _) | Body::Withdraw(kind) | Body::Erase(kind, ..)) = &statement.body
        else {
            continue;
        };
        let late = found.entry((hub, statement.id)).or_insert_with(|| Late {
            row: RecordRow::new(hub, statement.id, *kind, at),
            superseded: Vec::new(),
            erased: Vec::new(),
        });
        let rev = late.row.state.put.map_or(0, |(_, rev)| rev);
        let came = !statement.parts.contains_key(PUBLIC) || !store::log::lines(db, &[at]).await?.is_empty();
        let gone = late.row.state.apply(at, &statement, came);
        late.superseded.extend(gone.map(|pos| Line { pos, rec: statement.id, rev }));
        if matches!(statement.body, Body::Erase(Kind::Frame, ..)) {
            late.erased.push((at, statement));
        }
    }
    for ((hub, rec), mut late) in found {
        match store::record::get(db, hub, rec).await? {
            // Folded from its first leaf on: there was nothing that was not understood.
            Some(known) if known.state.first <= late.row.state.first => continue,
            // What came since was, and what came before was not.
            Some(known) => store::record::forget_one(db, known.state.first).await?,
            None => {}
        }
        let first = late.row.state.first;
        late.row.state.said =
            effective(db, late.row.state.put.map_or(first, |(at, _)| at), late.row.state.said).await?;
        if let Some(at) = late.row.state.affirm {
            late.row.state.affirmed = effective(db, at, late.row.state.affirmed).await?;
        }
        if let Some(newer) = &mut late.row.state.awaited {
            newer.said = effective(db, newer.pos, newer.said).await?;
            if let Some(at) = newer.affirm {
                newer.affirmed = effective(db, at, newer.affirmed).await?;
            }
        }
        hidden::hide(db, hub, &late.superseded).await?;
        store::record::write(db, std::slice::from_ref(&late.row)).await?;
        for (at, statement) in &late.erased {
            let Body::Erase(_, upto, parts) = &statement.body else { continue };
            let order = Order { hub, rec, upto: *upto, parts, how: How::Received, pos: Some(*at) };
            let unfolded = store::log::unfolded_of(db, hub).await?;
            erase::obey(db, &order, &unfolded).await?;
        }
        let erased = store::log::erasures(db, hub).await?;
        let put: Vec<i64> = stand::puts(&late.row).collect();
        let words = stand::words_at(db, &put, model).await?;
        // A frame stands in nobody's stead.
        let gone = Gone { erased: &erased, replaced: &BTreeSet::new() };
        stand::stand(db, vec![late.row], words, gone, touched).await?;
    }
    Ok(())
}

fn read(note: &[u8]) -> Option<Statement> {
    Statement::read(Note::parse(note).ok()?.text.as_bytes()).ok()
}

/// When a leaf counts as said: no later than any leaf after it in its log (PROTOCOL 1.9).
async fn effective(db: &mut Write, at: i64, said: i64) -> Result<i64, StoreError> {
    let log = log_of(at);
    let head = store::log::all(db).await?.into_iter().find(|row| row.n == log).map_or(0, |row| row.head);
    let mut least = said;
    for from in (index(at)..head).step_by(store::CHUNK) {
        for leaf in store::log::leaves(db, log, from, head.min(from + store::CHUNK as u64)).await? {
            if store::record::voids(db, leaf.pos, leaf.pos + 1).await?.is_empty()
                && let Some(statement) = read(&leaf.note)
            {
                least = least.min(statement.at.as_second());
            }
        }
    }
    Ok(least)
}
