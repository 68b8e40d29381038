//! Carrying out the plan of an import, as one batch that can be undone.
//!
//! The plan that was shown is the plan that is carried out: inside the transaction it is made once more, and if a single
//! letter of it is another by then, nothing is done. Undoing makes new statements that say what was said before; nothing that
//! was signed is ever unsaid.

use super::author::Draft;
use super::groups::{self, One, say, words::vocabularies};
use super::{Hub, Said, init, protect};
use crate::exchange::keys;
use crate::exchange::plan::{Existing, HeldBack, ImportPlan, Keeps, Missing, Terms, Waits, missed, plan_under};
use crate::exchange::row::{Reading, What};
use crate::record::List;
use crate::record::group::Group;
use crate::record::safety::Level;
use crate::record::statement::{Body, Kind};
use crate::store::imports::{self, BatchRow, ChangeRow, SourceRow};
use crate::store::log::OWN;
use crate::store::protected::{self, SealedPlace};
use crate::store::{self, Write};
use anyhow::Context as _;
use serde::Serialize;
use sqlx::SqliteConnection;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Where rows go.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// The list.
    pub id: Uuid,
    /// What it says of itself.
    pub list: List,
    /// Whether it is made by this import.
    pub new: bool,
}

/// An import to be planned and carried out.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    /// What the file says.
    pub reading: &'a Reading,
    /// Under which terms.
    pub terms: &'a Terms,
    /// Into which list.
    pub target: &'a Target,
    /// The file's name, or the source's address.
    pub source: &'a str,
}

/// What is written down in the same transaction.
#[derive(Debug, Clone, Default)]
pub struct Beside {
    /// A mapping to be remembered: its name and TOML.
    pub mapping: Option<(String, String)>,
    /// How reading the source went.
    pub source: Option<SourceRow>,
}

/// The plan that was shown is no longer the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this hub's records changed while the file was read; nothing was imported")]
pub struct Stale;

/// Rows of an import by kind. They add up to `rows`; `missing` and `ended` are records, not rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Rows in the file.
    pub rows: usize,
    /// New.
    pub new: usize,
    /// Changed.
    pub changed: usize,
    /// Unchanged.
    pub unchanged: usize,
    /// Known already and left as they are.
    pub left_alone: usize,
    /// Corrected here, and kept so.
    pub kept: usize,
    /// Taken back by this hub before, and not added again.
    pub taken_back: usize,
    /// Refused.
    pub refused: usize,
    /// Held back for safety.
    pub held_back: usize,
    /// Held until a person has looked at their words.
    pub to_look_at: usize,
    /// Kept by this hub alone: nothing of them is signed.
    pub unsigned: usize,
    /// Blank, guidance, filtered, sums.
    pub left_out: usize,
    /// Records of the list that are asked about.
    pub asked: usize,
    /// Records that ended.
    pub ended: usize,
}

impl Counts {
    /// Of a plan.
    pub fn of(plan: &ImportPlan) -> Counts {
        Counts {
            rows: plan.rows_read,
            new: plan.new.len(),
            changed: plan.changed.len(),
            unchanged: plan.unchanged.len(),
            left_alone: plan.left_alone.len(),
            kept: plan.kept.len(),
            taken_back: plan.taken_back.len(),
            refused: plan.refused.len(),
            held_back: plan.held_back.len(),
            to_look_at: plan.to_look_at.len(),
            unsigned: plan.protected.iter().filter(|row| !row.level.signed()).count(),
            left_out: plan.skipped.len(),
            asked: plan.asked.len(),
            ended: plan.ending.len(),
        }
    }
}

/// The plan against what this hub says now.
///
/// # Errors
/// Database errors.
pub async fn planned(hub: &Hub, db: &mut SqliteConnection, job: Job<'_>) -> anyhow::Result<ImportPlan> {
    let own = groups::own_records(hub, db).await?;
    let existing: Vec<Existing> = own.iter().map(say::existing).collect();
    let taken_back = imports::taken_back(db, job.target.id).await?.into_iter().collect();
    let edited = imports::edited(db).await?.into_iter().collect();
    let terms = Terms { taken_back, edited, ..job.terms.clone() };
    let mut plan = plan_under(&terms, job.reading, &existing, job.target.id, &vocabularies());
    guard(db, job, &mut plan).await?;
    super::held::look(db, &mut plan, &existing).await?;
    Ok(plan)
}

/// What only the table of protected places can say of a plan: which of its rows are known there, which say nothing new, and which
/// have the name of a group that this hub keeps to itself.
async fn guard(db: &mut SqliteConnection, job: Job<'_>, plan: &mut ImportPlan) -> anyhow::Result<()> {
    if protected::rows(db).await?.is_empty() {
        return Ok(());
    }
    for row in &mut plan.protected {
        let Some(sealed) = sealed_of(job.reading, row.line, row.level) else { continue };
        if let Some(rec) = row.rec {
            if row.keeps == Keeps::Again
                && protected::get(db, rec).await?.is_some_and(|(_, known)| known.holds(&sealed))
            {
                row.keeps = Keeps::Same;
            }
        } else if !row.level.signed()
            && let Some((known, same)) = protected::again(db, job.target.id, &job.reading.sealed, row.line).await?
        {
            row.rec = Some(known.rec);
            row.keeps = if same && known.level >= row.level { Keeps::Same } else { Keeps::Again };
            row.level = row.level.max(known.level);
        }
    }
    let answered = |line: u32| plan.new.iter().any(|new| new.line == line && new.group.safety.is_some());
    let names: Vec<(i64, String)> = plan
        .new
        .iter()
        .filter(|new| !answered(new.line))
        .map(|new| (i64::from(new.line), new.group.name.clone()))
        .collect();
    for (_, line) in protected::same_name(db, &names).await? {
        let line = u32::try_from(line).unwrap_or_default();
        plan.new.retain(|new| new.line != line);
        let level = "kept to itself".to_owned();
        plan.held_back.push(HeldBack { line, level, rec: None, why: Waits::Namesake, fields: Vec::new() });
    }
    Ok(())
}

/// What is withheld of a row: read so, or of a row that says nothing of safety, of a record that is protected.
pub(super) fn sealed_of(reading: &Reading, line: u32, level: Level) -> Option<SealedPlace> {
    if let Some(sealed) = reading.sealed.of(line) {
        return Some(sealed.clone());
    }
    let row = reading.rows.iter().find(|row| row.line == line)?;
    match &row.what {
        What::Group(row) => Some(protected::split(row.group.clone(), level).sealed),
        _ => None,
    }
}

fn put(id: Uuid, rev: u64, group: &Group) -> Draft {
    Draft { id, rev, body: Body::Put(Kind::Record), public: Some(group.json()) }
}

/// Carries the plan out: in one transaction, and only if it is still the same plan in there. `tick` hears of statements
/// signed, and of how many there will be.
///
/// # Errors
/// [`Stale`] within, and database errors; nothing is changed then. A failure to publish leaves what was signed standing.
pub async fn commit(
    hub: &Hub,
    job: Job<'_>,
    shown: &ImportPlan,
    beside: Beside,
    mut tick: impl FnMut(usize, usize),
) -> anyhow::Result<(i64, Said)> {
    let Job { target, .. } = job;
    let mut db = hub.store.write().await?;
    if planned(hub, &mut db, job).await? != *shown {
        db.rollback().await?;
        return Err(Stale.into());
    }
    let touched: Vec<Uuid> =
        shown.changed.iter().map(|changed| changed.rec).chain(shown.ending.iter().map(|ending| ending.rec)).collect();
    let raised = shown.protected.iter().filter(|row| row.keeps == Keeps::Raised).filter_map(|row| row.rec);
    let touched_all: Vec<Uuid> = touched.iter().copied().chain(raised).collect();
    let before = said(hub, &mut db, &touched_all).await?;
    let mut known: Vec<(imports::Key, Uuid)> = Vec::new();
    let mut drafts = Vec::with_capacity(1 + shown.new.len() + touched.len());
    let mut changes = Vec::with_capacity(drafts.capacity());
    if target.new {
        drafts.push(init::list(target.id, 1, &target.list)?);
    }
    for new in &shown.new {
        let id = hub.chance.id();
        known.extend(keys(&new.group).into_iter().map(|key| (key, id)));
        match shown.protected.iter().find(|row| row.line == new.line) {
            Some(row) => {
                let sealed = sealed_of(job.reading, row.line, row.level).context("a sealed row is not there")?;
                let fresh =
                    protect::Fresh { rec: id, list: new.group.list, level: row.level, public: Some(&new.group) };
                drafts.extend(protect::first(hub, &mut db, fresh, &sealed, true).await?);
            }
            None => drafts.push(put(id, 1, &new.group)),
        }
        changes.push(ChangeRow { rec: id, rev: 1, made: true, before: None });
    }
    for row in &shown.protected {
        let Some(sealed) = sealed_of(job.reading, row.line, row.level) else { continue };
        match (row.keeps, row.rec) {
            (Keeps::Same, _) => {}
            (Keeps::New, _) if row.level.signed() => {}
            (Keeps::New, _) => {
                let rec = hub.chance.id();
                let fresh = protect::Fresh { rec, list: Some(target.id), level: row.level, public: None };
                protect::first(hub, &mut db, fresh, &sealed, true).await?;
                // Nothing of it is signed, so it has no revision; undone, it is gone all the same.
                changes.push(ChangeRow { rec, rev: UNSIGNED, made: true, before: None });
            }
            (Keeps::Again, Some(rec)) => protect::renew(hub, &mut db, rec, row.level, sealed).await?,
            (Keeps::Raised, Some(rec)) => {
                let one = before.get(&rec).context("a record of the plan is not there")?;
                let public = shown.changed.iter().find(|changed| changed.rec == rec).map(|changed| &changed.group);
                drafts.extend(protect::raised(hub, &mut db, one, row.level, public, sealed).await?);
                let made =
                    drafts.iter().filter(|draft| draft.id == rec).map(|draft| draft.rev).max().unwrap_or_default();
                changes.push(ChangeRow { rec, rev: made, made: false, before: None });
            }
            (_, None) => {}
        }
    }
    let was_raised = |rec: Uuid| changes.iter().any(|change: &ChangeRow| change.rec == rec);
    let ends = shown.ending.iter().map(|ending| (ending.rec, ending.group.as_ref()));
    let mut later = Vec::new();
    for (rec, after) in shown.changed.iter().map(|changed| (changed.rec, Some(&changed.group))).chain(ends) {
        if was_raised(rec) {
            continue;
        }
        let one = before.get(&rec).context("a record of the plan is not there")?;
        let rev = one.row.state.rev + 1;
        drafts.push(match after {
            Some(group) => {
                known.extend(keys(group).into_iter().map(|key| (key, rec)));
                put(rec, rev, group)
            }
            None => say::withdraw(&one.row),
        });
        later.push(ChangeRow { rec, rev, made: false, before: Some(one.group.json()) });
    }
    changes.extend(later);
    let all = drafts.len();
    let derived = hub.say_in(&mut db, &drafts, |signed| tick(signed, all)).await?;
    imports::know(&mut db, target.id, &known).await?;
    // What goes because its list no longer names it may come back with its list.
    let listed: Vec<Uuid> = shown.ending.iter().filter(|it| it.group.is_none()).map(|it| it.rec).collect();
    imports::unknow(&mut db, &listed).await?;
    let now = hub.clock.now().as_second();
    settle(&mut db, job, shown, now).await?;
    let batch = BatchRow {
        n: 0,
        at: now,
        list: target.id,
        new_list: target.new,
        source: job.source.to_owned(),
        plan: shown.digest(),
        counts: serde_json::to_string(&Counts::of(shown))?,
        undone: None,
    };
    let number = if changes.is_empty() { 0 } else { imports::add(&mut db, &batch, &changes).await? };
    write_beside(&mut db, beside).await?;
    // All rows or none: a crash before this line leaves the list as it was.
    let waiting = hub.held_among(&mut db, &drafts).await? + super::held::keep(hub, &mut db, shown).await?;
    db.commit().await?;
    let published = hub.publish().await.context(
        "the rows are signed and in the registry, but could not be published; the next import or edit, or the daemon, does it",
    )?;
    hub.scrub().await?;
    Ok((number, Said { statements: all, held: waiting, derived, published }))
}

/// Writes down what goes with an import, or with one that changed nothing.
///
/// # Errors
/// Database errors.
pub async fn write_beside(db: &mut Write, beside: Beside) -> anyhow::Result<()> {
    if let Some((name, text)) = &beside.mapping {
        imports::save_mapping(db, name, text).await?;
    }
    if let Some(source) = &beside.source {
        imports::save_source(db, source).await?;
    }
    Ok(())
}

/// What is seen again is no longer asked about; what is missing now is.
///
/// # Errors
/// Database errors.
pub async fn settle(db: &mut Write, job: Job<'_>, plan: &ImportPlan, now: i64) -> anyhow::Result<()> {
    let list = job.target.id;
    let seen = plan.changed.iter().map(|row| row.rec).chain(plan.unchanged.iter().map(|row| row.rec));
    let seen = seen.chain(plan.left_alone.iter().map(|row| row.rec));
    let mut answered: BTreeSet<Uuid> = seen.chain(plan.kept.iter().map(|row| row.rec)).collect();
    if job.terms.missing != Missing::Ask {
        answered.extend(&plan.not_in_file);
    }
    let asked: Vec<Uuid> = imports::asked(db, list).await?.into_iter().map(|(rec, _)| rec).collect();
    let answered: Vec<Uuid> = asked.into_iter().filter(|rec| answered.contains(rec)).collect();
    imports::answered(db, list, &answered).await?;
    let ask: Vec<Uuid> = plan.asked.iter().map(|asked| asked.rec).collect();
    Ok(imports::ask(db, list, &ask, now).await?)
}

/// This hub's records by id, as they stand.
async fn said(hub: &Hub, db: &mut SqliteConnection, recs: &[Uuid]) -> anyhow::Result<BTreeMap<Uuid, One>> {
    if recs.is_empty() {
        return Ok(BTreeMap::new());
    }
    let wanted: BTreeSet<Uuid> = recs.iter().copied().collect();
    let own = groups::own_records(hub, db).await?;
    Ok(own.into_iter().filter(|one| wanted.contains(&one.row.rec)).map(|one| (one.row.rec, one)).collect())
}

/// The revision in an import's memory of a row of which nothing was signed: its level keeps all of it at this hub.
const UNSIGNED: u64 = 0;

/// What undoing brought about.
#[derive(Debug, Clone, Serialize)]
pub struct Undone {
    /// Records that say again what they said before.
    pub restored: usize,
    /// Records that the import had made, and that this hub no longer states.
    pub withdrawn: usize,
    /// Records that were changed again since: they stay as they are.
    pub changed_since: Vec<Uuid>,
    /// Records whose former words may no longer be kept.
    pub forgotten: Vec<Uuid>,
    /// What was said; `None` when nothing was left to say.
    pub said: Option<Said>,
}

/// Undoes an import: by new statements, for every record that nobody has changed since.
///
/// # Errors
/// Database errors; nothing is changed then. A failure to publish leaves what was signed standing.
pub async fn undo(hub: &Hub, batch: &BatchRow) -> anyhow::Result<Undone> {
    let mut db = hub.store.write().await?;
    let changes = imports::changes(&mut db, batch.n).await?;
    let recs: Vec<Uuid> = changes.iter().map(|change| change.rec).collect();
    let rows = store::record::get_many(&mut db, OWN, &recs).await?;
    let rows: BTreeMap<Uuid, _> = rows.into_iter().map(|row| (row.rec, row)).collect();
    let mut undone = Undone { restored: 0, withdrawn: 0, changed_since: Vec::new(), forgotten: Vec::new(), said: None };
    let (mut drafts, mut made) = (Vec::new(), Vec::new());
    for change in changes {
        if change.rev == UNSIGNED && change.made && !rows.contains_key(&change.rec) {
            // Kept to this hub from the first: nobody else ever heard of it.
            if store::protected::get(&mut db, change.rec).await?.is_some() {
                undone.withdrawn += 1;
                made.push(change.rec);
                store::protected::release(&mut db, change.rec).await?;
            }
            continue;
        }
        let Some(row) = rows.get(&change.rec).filter(|row| row.state.rev == change.rev) else {
            undone.changed_since.push(change.rec);
            continue;
        };
        match (change.made, change.before) {
            (true, _) => {
                undone.withdrawn += 1;
                made.push(change.rec);
                store::protected::release(&mut db, change.rec).await?;
                drafts.push(say::withdraw(row));
            }
            (false, Some(before)) => {
                undone.restored += 1;
                imports::follow(&mut db, change.rec, change.rev.saturating_sub(1), change.rev + 1).await?;
                let body = Body::Put(Kind::Record);
                drafts.push(Draft { id: change.rec, rev: row.state.rev + 1, body, public: Some(before) });
            }
            (false, None) => undone.forgotten.push(change.rec),
        }
    }
    let left = undone.changed_since.len() + undone.forgotten.len();
    if batch.new_list && left == 0 {
        let rev = store::record::get(&mut db, OWN, batch.list).await?.map(|row| row.state.rev);
        let others = groups::own_records(hub, &mut db).await?;
        let empty = others.iter().all(|one| one.group.list != Some(batch.list) || recs.contains(&one.row.rec));
        if let Some(rev) = rev.filter(|_| empty) {
            drafts.push(Draft { id: batch.list, rev: rev + 1, body: Body::Withdraw(Kind::List), public: None });
        }
    }
    let derived = hub.say_in(&mut db, &drafts, |_| ()).await?;
    imports::unknow(&mut db, &made).await?;
    let asked = imports::asked(&mut db, batch.list).await?;
    let asked: Vec<Uuid> = asked.into_iter().filter(|(_, since)| *since == batch.at).map(|(rec, _)| rec).collect();
    imports::answered(&mut db, batch.list, &asked).await?;
    imports::undone(&mut db, batch.n, hub.clock.now().as_second()).await?;
    db.commit().await?;
    let published =
        hub.publish().await.context("the undoing is signed, but could not be published; the daemon does it")?;
    // What was kept in the table of protected places is gone from the disk too.
    hub.scrub().await?;
    hub.store.truncate().await?;
    if !drafts.is_empty() {
        undone.said = Some(Said { statements: drafts.len(), held: 0, derived, published });
    }
    Ok(undone)
}

/// A person says what becomes of records that their list no longer names. One batch, which can be undone like any other.
///
/// # Errors
/// As [`undo`].
pub async fn decide_missing(hub: &Hub, list: Uuid, recs: &[Uuid], missing: Missing) -> anyhow::Result<usize> {
    let mut db = hub.store.write().await?;
    let before = said(hub, &mut db, recs).await?;
    let (mut drafts, mut changes) = (Vec::new(), Vec::new());
    for (rec, one) in &before {
        let draft = match missing {
            Missing::Ask | Missing::Keep => continue,
            Missing::Close(day) => say::put(&one.row, &missed(&one.group, day)),
            Missing::Withdraw => say::withdraw(&one.row),
        };
        changes.push(ChangeRow { rec: *rec, rev: draft.rev, made: false, before: Some(one.group.json()) });
        drafts.push(draft);
    }
    if !drafts.is_empty() {
        hub.say_in(&mut db, &drafts, |_| ()).await?;
        let counts = Counts { ended: drafts.len(), ..Counts::default() };
        let batch = BatchRow {
            n: 0,
            at: hub.clock.now().as_second(),
            list,
            new_list: false,
            source: "decided: no longer in the list".to_owned(),
            plan: String::new(),
            counts: serde_json::to_string(&counts)?,
            undone: None,
        };
        imports::add(&mut db, &batch, &changes).await?;
    }
    if missing == Missing::Withdraw {
        imports::unknow(&mut db, recs).await?;
    }
    if missing != Missing::Ask {
        imports::answered(&mut db, list, recs).await?;
    }
    db.commit().await?;
    hub.publish().await.context("what was decided is signed, but could not be published; the daemon does it")?;
    Ok(drafts.len())
}
