//! Verified leaves → records and decisions: what the registry may see of a log.
//!
//! Accepting is the moment at which a pull (or an import) becomes visible; it happens in one transaction with deriving.
//! The brake sits here: a pull that takes back or replaces too much at once waits for a person.

use super::stand::{self, Touched, Words};
use crate::feed::note::Note;
use crate::feed::tile::WIDTH;
use crate::record::contact::CONTACT;
use crate::record::part::PUBLIC;
use crate::record::state::RecordState;
use crate::record::statement::{Body, Kind, RecordRef, Statement};
use crate::registry::linkage::Model;
use crate::registry::rules::protection;
use crate::store::ack::AckRow;
use crate::store::hidden::Line;
use crate::store::log::{LeafRow, LogRow, OWN, index, log_of, pos};
use crate::store::record::{DecisionRow, RecordRow};
use crate::store::{self, StoreError, Write};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use uuid::Uuid;

/// Leaves folded at a time.
const PAGE: u64 = 2048;

/// So many records a hub may replace or take back at once without anybody looking.
pub const FEW: u64 = 5;

/// The newest type of statement that this version understands; a database of an earlier one is looked through for it once.
pub const UNDERSTOOD: &str = "frame";

/// What accepting touched.
#[derive(Debug, Default)]
pub struct Accepted {
    /// What to derive again.
    pub touched: Touched,
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

/// Folds a log's leaves from its head up to `upto` into records and decisions, and moves the head. The logs of one hub are
/// folded in their order, each only when all that counts of the one before was: so what a hub says is the newest leaf by
/// log, then by index, whoever reads when (PROTOCOL 1.6). Lines of superseded puts are blanked; of the own log's last
/// bundle, once it is full (PROTOCOL 1.4). Goes on from what logs before it brought: what one of them said, a later one may take
/// away again.
///
/// # Errors
/// Database errors.
pub async fn accept(
    db: &mut Write,
    log: &LogRow,
    upto: u64,
    model: &Arc<Model>,
    accepted: Accepted,
) -> Result<Accepted, StoreError> {
    if log.head >= upto {
        return Ok(accepted);
    }
    let mut fold = Fold {
        log,
        upto,
        model,
        latest: store::record::latest(db, log.n).await?,
        erased: store::log::erasures(db, log.owner).await?,
        replaced: store::succession::replaced(db, log.owner).await?,
        met: (log.head == 0 && log.ordinal == 0).then(HashSet::new),
        contacts: store::contact::slots(db, log.owner).await?,
        accepted,
    };
    // While one page is folded and written, the next is read on another core.
    let mut reading: Option<tokio::task::JoinHandle<Vec<Said>>> = None;
    let mut from = log.head;
    loop {
        let next = if from < upto {
            let end = upto.min(from + PAGE);
            let leaves = store::log::leaves(db, log.n, from, end).await?;
            let voids = store::record::voids(db, pos(log.n, from), pos(log.n, end)).await?;
            from = end;
            let sound = leaves.into_iter().filter(move |leaf| !voids.contains_key(&leaf.pos));
            let model = model.clone();
            Some(tokio::task::spawn_blocking(move || sound.filter_map(|leaf| Said::read(leaf, &model)).collect()))
        } else {
            None
        };
        if let Some(page) = reading.take() {
            let page = page.await.map_err(|error| StoreError::Protocol(format!("reading stopped: {error}")))?;
            fold.page(db, page).await?;
        }
        match next {
            Some(page) => reading = Some(page),
            None => break,
        }
    }
    if log.owner == OWN {
        // Bundles that filled in this step: what was kept only because they had not.
        let (first, last) = (log.head / WIDTH, upto / WIDTH);
        let late = store::registry::superseded(db, log.n, first * WIDTH, last * WIDTH).await?;
        let lines = store::hidden::at(db, &late).await?;
        store::hidden::hide(db, OWN, &lines).await?;
        store::registry::part_due(db, &late).await?;
    }
    store::record::set_latest(db, log.n, fold.latest).await?;
    store::log::set_head(db, log.n, upto).await?;
    Ok(fold.accepted)
}

/// A leaf as it is folded.
struct Said {
    pos: i64,
    statement: Statement,
    /// The statement's text, where it is kept: of a decision.
    text: Option<String>,
    /// What its line gives, of a put.
    words: Option<Words>,
}

impl Said {
    fn read(leaf: LeafRow, model: &Model) -> Option<Said> {
        let text = Note::parse(&leaf.note).ok()?.text;
        let statement = Statement::read(text.as_bytes()).ok()?;
        let decides = matches!(statement.body, Body::Link { .. } | Body::Choose { .. } | Body::Safety { .. });
        let text = (decides || statement.replaces.is_some()).then(|| text.to_owned());
        let words = matches!(statement.body, Body::Put(_)).then(|| Words::of(leaf.line.as_deref(), model));
        Some(Said { pos: leaf.pos, statement, text, words })
    }
}

struct Fold<'a> {
    log: &'a LogRow,
    upto: u64,
    model: &'a Model,
    latest: i64,
    erased: BTreeMap<Uuid, u64>,
    /// Records that gave way to those of the hub that took over.
    replaced: BTreeSet<Uuid>,
    /// Of a hub that is folded from its beginning, ids met so far: of all others nothing is stored yet.
    met: Option<HashSet<Uuid>>,
    /// Records of which something was ever said about contacts.
    contacts: BTreeSet<Uuid>,
    accepted: Accepted,
}

impl Fold<'_> {
    async fn page(&mut self, db: &mut Write, page: Vec<Said>) -> Result<(), StoreError> {
        let hub = self.log.owner;
        let ids: BTreeSet<Uuid> = page.iter().map(|said| said.statement.id).collect();
        let ids: Vec<Uuid> = match &mut self.met {
            Some(met) => ids.into_iter().filter(|id| !met.insert(*id)).collect(),
            None => ids.into_iter().collect(),
        };
        let known = store::record::get_many(db, hub, &ids).await?;
        let mut known: BTreeMap<Uuid, RecordRow> = known.into_iter().map(|row| (row.rec, row)).collect();
        let before = self.said_before(db, known.values()).await?;
        let (mut changed, mut superseded, mut words) = (BTreeSet::new(), Vec::new(), HashMap::new());
        let (log, start) = (self.log.n, self.start());
        let here = |pos: i64| log_of(pos) == log;
        for Said { pos: at_pos, statement, text, words: said } in page {
            let at = statement.at.as_second();
            if at < self.latest {
                // A leaf cannot be later than leaves after it; what is in this page is lowered with the rest.
                for (rec, row) in &mut known {
                    if row.state.put.is_some_and(|(pos, _)| here(pos)) {
                        row.state.said = row.state.said.min(at);
                    }
                    if row.state.affirm.is_some_and(here) {
                        row.state.affirmed = row.state.affirmed.min(at);
                    }
                    if let Some(newer) = &mut row.state.awaited {
                        if here(newer.pos) {
                            newer.said = newer.said.min(at);
                        }
                        if newer.affirm.is_some_and(here) {
                            newer.affirmed = newer.affirmed.min(at);
                        }
                    }
                    changed.insert(*rec);
                }
                let later = store::registry::said_after(db, at).await?;
                self.accepted.touched.places(later);
                store::record::lower(db, self.log.n, at).await?;
            }
            self.latest = at;
            // A put without public words waits for none; of the own list there is nobody to wait for.
            let came = hub == OWN
                || !statement.parts.contains_key(PUBLIC)
                || said.as_ref().is_none_or(|said| !matches!(said, Words::Absent));
            words.extend(said.map(|said| (at_pos, said)));
            match &statement.body {
                Body::Put(kind) | Body::Affirm(kind, _) | Body::Withdraw(kind) | Body::Erase(kind, ..) => {
                    let row =
                        known.entry(statement.id).or_insert_with(|| RecordRow::new(hub, statement.id, *kind, at_pos));
                    self.accepted.disordered += u64::from(self.disordered(&row.state, statement.rev));
                    // What a hub says again in its next log, word for word, replaces nothing.
                    let digest = row.state.newest().and_then(|pos| before.get(&pos));
                    if digest.is_none() || digest != statement.parts.get(PUBLIC) {
                        self.accepted.weigh(&row.state, &statement, |pos| !here(pos) || pos < start);
                    }
                    let replaced = row.state.put.map_or(0, |(_, rev)| rev);
                    let gone = row.state.apply(at_pos, &statement, came);
                    superseded.extend(gone.map(|pos| Line { pos, rec: statement.id, rev: replaced }));
                    changed.insert(statement.id);
                    let counts = row.state.kind == Kind::Record;
                    self.contact(db, at_pos, &statement, counts).await?;
                    self.succeed(db, at_pos, text, &statement).await?;
                }
                Body::Link { a, b, .. } => {
                    self.decide(db, at_pos, text, &statement, a, Some(b)).await?;
                }
                Body::Choose { on, .. } => {
                    self.decide(db, at_pos, text, &statement, on, None).await?;
                }
                Body::Ack { origin, size, erased } => {
                    let (origin, size, erased) = (origin.clone(), *size, *erased);
                    let row = AckRow { hub, origin, rec: statement.id, rev: statement.rev, size, erased, at };
                    store::ack::take(db, &row).await?;
                }
                Body::Safety { on, .. } => {
                    if stands(db, hub, &statement).await? {
                        self.decide(db, at_pos, text, &statement, on, None).await?;
                    }
                }
                Body::Hub { .. } => {}
                Body::NotUnderstood(_) => self.accepted.not_understood += 1,
            }
        }
        known.retain(|rec, _| changed.contains(rec));
        let rows: Vec<RecordRow> = known.into_values().collect();
        let puts = rows.iter().flat_map(stand::puts);
        let elsewhere: Vec<i64> = puts.filter(|pos| !words.contains_key(pos)).collect();
        words.extend(stand::words_at(db, &elsewhere, self.model).await?);
        let gone = stand::Gone { erased: &self.erased, replaced: &self.replaced };
        stand::stand(db, rows, words, gone, &mut self.accepted.touched).await?;
        self.blank(db, &superseded).await
    }

    /// What a statement says of a record's contact part: a newer put or a withdrawal takes the older line away.
    async fn contact(
        &mut self,
        db: &mut Write,
        at: i64,
        statement: &Statement,
        counts: bool,
    ) -> Result<(), StoreError> {
        let (hub, id, rev) = (self.log.owner, statement.id, statement.rev);
        match &statement.body {
            Body::Put(Kind::Record) if counts => {
                let digest = statement.parts.get(CONTACT);
                if digest.is_none() && !self.contacts.contains(&id) {
                    return Ok(());
                }
                self.contacts.insert(id);
                store::contact::stated(db, hub, id, (at, rev), digest.map(String::as_str)).await
            }
            Body::Withdraw(Kind::Record) if counts && self.contacts.contains(&id) => {
                store::contact::stated(db, hub, id, (at, rev), None).await
            }
            _ => Ok(()),
        }
    }

    /// What a statement means for the record of a hub that ended, in whose stead its own stands. A put that does not name it
    /// again leaves it so.
    async fn succeed(
        &mut self,
        db: &mut Write,
        pos: i64,
        text: Option<String>,
        statement: &Statement,
    ) -> Result<(), StoreError> {
        let own = RecordRef { hub: self.log.hub, rec: statement.id };
        match (&statement.body, &statement.replaces) {
            (Body::Put(Kind::Record), Some(replaced)) => {
                self.accepted.judged.extend(store::record::ends_of(db, self.log.owner, statement.id).await?);
                self.accepted.judged.extend([own, *replaced]);
                let (said, body) = (statement.at.as_second(), text.unwrap_or_default());
                let row = DecisionRow { hub: self.log.owner, rec: statement.id, pos, said, body };
                store::succession::claim(db, &row, &own, replaced).await
            }
            (Body::Erase(Kind::Record, _, parts), _) => {
                store::succession::forget(db, (self.log.owner, statement.id), parts, Some(pos)).await
            }
            _ => Ok(()),
        }
    }

    /// Whether a revision does not rise. What a hub says again in its next log keeps its revision, so there only what
    /// follows it in that log is compared.
    fn disordered(&self, state: &RecordState, rev: u64) -> bool {
        match state.put {
            _ if self.log.ordinal == 0 => rev <= state.rev && state.rev > 0,
            Some((_, put)) => {
                let put = state.awaited.as_ref().map_or(put, |newer| newer.rev);
                state.newest().is_some_and(|pos| log_of(pos) == self.log.n) && rev <= put
            }
            None => false,
        }
    }

    /// Position of the first leaf of this step.
    fn start(&self) -> i64 {
        pos(self.log.n, self.log.head)
    }

    /// Digests of the words that records have from an earlier log, by position.
    async fn said_before(
        &self,
        db: &mut Write,
        rows: impl Iterator<Item = &RecordRow>,
    ) -> Result<HashMap<i64, String>, StoreError> {
        let puts = rows.filter_map(|row| row.state.newest());
        let earlier: Vec<i64> = puts.filter(|pos| log_of(*pos) != self.log.n).collect();
        let notes = store::log::notes(db, &earlier).await?;
        let digest = |note: &[u8]| {
            let statement = Statement::read(Note::parse(note).ok()?.text.as_bytes()).ok()?;
            statement.parts.get(PUBLIC).cloned()
        };
        Ok(notes.into_iter().filter_map(|(pos, note)| Some((pos, digest(&note)?))).collect())
    }

    /// Takes lines out of sight that a newer leaf took the place of; of the own log in use, in bundles that are full.
    async fn blank(&self, db: &mut Write, superseded: &[Line]) -> Result<(), StoreError> {
        let own = self.log.owner == OWN;
        let in_use = |pos: i64| own && log_of(pos) == self.log.n;
        let full = |line: &Line| !in_use(line.pos) || index(line.pos) / WIDTH < self.upto / WIDTH;
        let now: Vec<Line> = superseded.iter().copied().filter(full).collect();
        store::hidden::hide(db, self.log.owner, &now).await?;
        if own {
            let now: Vec<i64> = now.iter().map(|line| line.pos).collect();
            store::registry::part_due(db, &now).await?;
        }
        Ok(())
    }

    async fn decide(
        &mut self,
        db: &mut Write,
        pos: i64,
        text: Option<String>,
        statement: &Statement,
        a: &RecordRef,
        b: Option<&RecordRef>,
    ) -> Result<(), StoreError> {
        self.accepted.judged.extend(store::record::ends_of(db, self.log.owner, statement.id).await?);
        self.accepted.judged.extend([Some(a), b].into_iter().flatten().copied());
        let (said, body) = (statement.at.as_second(), text.unwrap_or_default());
        let row = DecisionRow { hub: self.log.owner, rec: statement.id, pos, said, body };
        store::record::decide(db, &row, a, b).await
    }
}

/// Whether a safety statement has an effect: under one id a later word may protect more; less, only when two people said so.
async fn stands(db: &mut Write, hub: i64, statement: &Statement) -> Result<bool, StoreError> {
    let Body::Safety { level, lowered, .. } = &statement.body else { return Ok(false) };
    let before = store::record::safety_of(db, hub, statement.id).await?;
    let lowers = before.is_some_and(|before| protection(&before) > protection(level));
    Ok(lowered.is_some() || !lowers)
}

/// Safety statements that an earlier version of this program kept without understanding them, folded now; the records they are
/// about.
///
/// # Errors
/// Database errors.
pub async fn late(db: &mut Write) -> Result<BTreeSet<RecordRef>, StoreError> {
    let heads: BTreeMap<i64, u64> = store::log::all(db).await?.into_iter().map(|log| (log.n, log.head)).collect();
    let mut about = BTreeSet::new();
    for (at, note) in store::log::of_type(db, "safety").await? {
        let log = store::log::log_of(at);
        let hub = store::log::hub_of(log);
        let void = !store::record::voids(db, at, at + 1).await?.is_empty();
        let Ok(note) = Note::parse(&note) else { continue };
        let Ok(statement) = Statement::read(note.text.as_bytes()) else { continue };
        let Body::Safety { on, .. } = &statement.body else { continue };
        let seen = heads.get(&log).is_some_and(|head| index(at) < *head);
        if void || !seen || !stands(db, hub, &statement).await? {
            continue;
        }
        let (said, body) = (statement.at.as_second(), note.text.to_owned());
        store::record::decide(db, &DecisionRow { hub, rec: statement.id, pos: at, said, body }, on, None).await?;
        about.insert(*on);
    }
    Ok(about)
}

impl Accepted {
    /// Counts what a statement does to a record that was live before this step, as `before` says of a position.
    fn weigh(&mut self, state: &RecordState, statement: &Statement, before: impl Fn(i64) -> bool) {
        if state.kind != Kind::Record {
            self.lists_changed |= matches!(statement.body, Body::Put(Kind::List)) && state.put.is_some();
            return;
        }
        let was_live = !state.withdrawn && state.put.is_some_and(|(pos, _)| before(pos));
        match statement.body {
            Body::Put(Kind::Record) if was_live => self.replaced += 1,
            Body::Put(Kind::Record) if state.put.is_none() => self.new += 1,
            Body::Withdraw(Kind::Record) if was_live => self.withdrawn += 1,
            _ => {}
        }
    }
}
