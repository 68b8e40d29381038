//! Erasures: what must be forgotten, and what must never come back.
//!
//! [`obey`] is the one way by which words go because somebody asked: it notes the erasure for ever (the never-again list),
//! takes every copy in the database out of sight, and marks what was derived from them. [`settle`] then deletes: at once, or
//! after [`BRAKE`] where one hub asks for so many that its key may be stolen. Files (part bundles, backups, exports) follow in
//! `node::erase`, after the transaction.

use super::hidden;
use super::{StoreError, Write, corrupt};
use crate::record::contact::CONTACT;
use crate::record::part::PUBLIC;
use crate::record::statement::ErasedParts;
use sqlx::{FromRow, SqliteConnection};
use std::collections::BTreeMap;
use uuid::Uuid;

/// In the never-again list: every class.
const ALL: &str = "*";
/// So many erasures of one hub in a day are nothing unusual (PROTOCOL 1.7).
pub const FEW: u64 = 20;
/// How long the words of a mass erasure stay, hidden: 72 hours.
pub const BRAKE: i64 = 72 * 3_600;
/// The time within which erasures are counted together.
const DAY: i64 = 86_400;
/// Every revision that can be: of a request made here, until the record's own hub says up to which.
pub const EVERY_REVISION: u64 = (1 << 53) - 1;

/// Why something is erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// This hub said so of its own record.
    Issued,
    /// The record's hub said so.
    Received,
    /// Somebody asked this hub; the record's own hub was, or is to be, told.
    Asked,
}

impl How {
    fn label(self) -> &'static str {
        match self {
            How::Issued => "issued",
            How::Received => "received",
            How::Asked => "asked",
        }
    }
}

/// An erasure to be obeyed.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// Number of the record's hub.
    pub hub: i64,
    /// The record.
    pub rec: Uuid,
    /// Revisions up to this one.
    pub upto: u64,
    /// Which classes of parts.
    pub parts: &'a ErasedParts,
    /// Why.
    pub how: How,
    /// Position of the leaf that says so.
    pub pos: Option<i64>,
}

/// As stored, and as people read it.
pub fn parts_label(parts: &ErasedParts) -> String {
    match parts {
        ErasedParts::All => ALL.to_owned(),
        ErasedParts::Classes(classes) => classes.join(","),
    }
}

fn parts_of(label: &str) -> ErasedParts {
    match label {
        // Whatever else is named beside it.
        label if label.split(',').any(|class| class == ALL) => ErasedParts::All,
        classes => ErasedParts::Classes(classes.split(',').map(str::to_owned).collect()),
    }
}

/// Obeys an erasure: remembers it for ever and takes every copy out of sight. `unfolded` are positions of the hub's leaves
/// that no record may point at although they have lines: not accepted yet, or superseded in a bundle that is not full.
///
/// # Errors
/// Database errors.
pub async fn obey(db: &mut Write, order: &Order<'_>, unfolded: &[std::ops::Range<i64>]) -> Result<(), StoreError> {
    let Order { hub, rec, upto, parts, how, pos } = *order;
    let classes = match parts {
        ErasedParts::All => vec![ALL.to_owned()],
        ErasedParts::Classes(classes) => classes.clone(),
    };
    for class in &classes {
        never_again(db, hub, rec, class, upto, how == How::Asked).await?;
    }
    let mut took = false;
    if parts.covers(PUBLIC) {
        let mut lines = hidden::of_record(db, hub, rec, upto, unfolded).await?;
        lines.retain(|line| line.rev <= upto);
        took = hidden::hide(db, hub, &lines).await? > 0;
        if hub == super::log::OWN {
            let gone: Vec<i64> = lines.iter().map(|line| line.pos).collect();
            super::registry::part_due(db, &gone).await?;
        }
    }
    if parts.covers(CONTACT) {
        super::contact::erase(db, hub, rec, upto).await?;
        if hub == super::log::OWN {
            super::contact::erase_entries(db, rec).await?;
        }
    }
    if hub == super::log::OWN && *parts == ErasedParts::All {
        // What its level withheld, and what waits to be said of it. An erasure of public words alone is how a level rises.
        super::protected::erase(db, rec).await?;
        super::held::remove(db, rec).await?;
    }
    sqlx::query("INSERT INTO erased (hub, rec, parts, upto, how, pos, took) VALUES (?, ?, ?, ?, ?, ?, ?)")
        .bind(hub)
        .bind(&rec.as_bytes()[..])
        .bind(parts_label(parts))
        .bind(upto as i64)
        .bind(how.label())
        .bind(pos)
        .bind(took)
        .execute(&mut **db)
        .await?;
    super::registry::mark(db, hub, rec).await
}

/// Remembers an erasure, for ever. The hub's own word takes the place of a request made here, and may be narrower.
async fn never_again(
    db: &mut Write,
    hub: i64,
    rec: Uuid,
    class: &str,
    upto: u64,
    asked: bool,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO erasure (hub, rec, class, upto, asked) VALUES (?, ?, ?, ?, ?) ON CONFLICT (hub, rec, class) DO UPDATE SET \
         upto = CASE WHEN asked > excluded.asked THEN excluded.upto ELSE max(upto, excluded.upto) END, asked = excluded.asked",
    )
    .bind(hub)
    .bind(&rec.as_bytes()[..])
    .bind(class)
    .bind(upto as i64)
    .bind(asked)
    .execute(&mut **db)
    .await
    .map(drop)
}

/// What of a class must never come back from a hub: record to highest revision. To be asked before any line is stored.
///
/// # Errors
/// Database errors.
pub async fn gone(db: &mut SqliteConnection, hub: i64, class: &str) -> Result<BTreeMap<Uuid, u64>, StoreError> {
    let rows: Vec<(Vec<u8>, i64)> =
        sqlx::query_as("SELECT rec, max(upto) FROM erasure WHERE hub = ? AND class IN ('*', ?) GROUP BY rec")
            .bind(hub)
            .bind(class)
            .fetch_all(db)
            .await?;
    rows.into_iter().map(|(rec, upto)| Ok((id(&rec)?, upto as u64))).collect()
}

/// What a hub says for ever to be erased: record and revision to classes.
///
/// # Errors
/// Database errors.
pub async fn stated(db: &mut SqliteConnection, hub: i64) -> Result<BTreeMap<(Uuid, u64), ErasedParts>, StoreError> {
    let rows: Vec<(Vec<u8>, i64, String)> =
        sqlx::query_as("SELECT rec, upto, class FROM erasure WHERE hub = ? AND NOT asked ORDER BY rec, upto, class")
            .bind(hub)
            .fetch_all(db)
            .await?;
    let mut stated: BTreeMap<(Uuid, u64), Vec<String>> = BTreeMap::new();
    for (rec, upto, class) in rows {
        stated.entry((id(&rec)?, upto as u64)).or_default().push(class);
    }
    Ok(stated.into_iter().map(|(of, classes)| (of, parts_of(&classes.join(",")))).collect())
}

/// Up to which revision a record's parts of a class must never come back.
///
/// # Errors
/// Database errors.
pub async fn upto(db: &mut SqliteConnection, hub: i64, rec: Uuid, class: &str) -> Result<Option<u64>, StoreError> {
    let upto: Option<i64> =
        sqlx::query_scalar("SELECT max(upto) FROM erasure WHERE hub = ? AND rec = ? AND class IN ('*', ?)")
            .bind(hub)
            .bind(&rec.as_bytes()[..])
            .bind(class)
            .fetch_one(db)
            .await?;
    Ok(upto.map(|upto| upto as u64))
}

fn id(bytes: &[u8]) -> Result<Uuid, StoreError> {
    Uuid::from_slice(bytes).map_err(|_| corrupt("erasure.rec"))
}

/// One erasure as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErasedRow {
    /// Its number here.
    pub n: i64,
    /// Number of the record's hub.
    pub hub: i64,
    /// The record.
    pub rec: Uuid,
    /// Which classes.
    pub parts: ErasedParts,
    /// Revisions up to this one.
    pub upto: u64,
    /// Why.
    pub how: How,
    /// Its leaf.
    pub pos: Option<i64>,
    /// When it was obeyed, in seconds since 1970.
    pub at: i64,
    /// When the words are deleted, or were to be.
    pub due: i64,
    /// When they were.
    pub done: Option<i64>,
}

#[derive(FromRow)]
struct Stored {
    n: i64,
    hub: i64,
    rec: Vec<u8>,
    parts: String,
    upto: i64,
    how: String,
    pos: Option<i64>,
    at: Option<i64>,
    due: Option<i64>,
    done: Option<i64>,
}

impl TryFrom<Stored> for ErasedRow {
    type Error = StoreError;
    fn try_from(row: Stored) -> Result<ErasedRow, StoreError> {
        let how = [How::Issued, How::Received, How::Asked].into_iter().find(|how| how.label() == row.how);
        Ok(ErasedRow {
            n: row.n,
            hub: row.hub,
            rec: id(&row.rec)?,
            parts: parts_of(&row.parts),
            upto: row.upto as u64,
            how: how.ok_or_else(|| corrupt("erased.how"))?,
            pos: row.pos,
            at: row.at.unwrap_or(0),
            due: row.due.unwrap_or(i64::MAX),
            done: row.done,
        })
    }
}

const COLUMNS: &str = "SELECT n, hub, rec, parts, upto, how, pos, at, due, done FROM erased";

async fn rows(db: &mut SqliteConnection, rest: &'static str, with: i64) -> Result<Vec<ErasedRow>, StoreError> {
    let rows: Vec<Stored> =
        sqlx::query_as(sqlx::AssertSqlSafe(format!("{COLUMNS} {rest} ORDER BY n"))).bind(with).fetch_all(db).await?;
    rows.into_iter().map(ErasedRow::try_from).collect()
}

/// Every erasure with a number above this one.
///
/// # Errors
/// Database errors.
pub async fn after(db: &mut SqliteConnection, n: i64) -> Result<Vec<ErasedRow>, StoreError> {
    rows(db, "WHERE n > ?", n).await
}

/// Erasures that a hub asked for whose words are hidden and not deleted yet.
///
/// # Errors
/// Database errors.
pub async fn waiting(db: &mut SqliteConnection, hub: i64) -> Result<Vec<ErasedRow>, StoreError> {
    rows(db, "WHERE done IS NULL AND hub = ?", hub).await
}

/// What settling did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settled {
    /// Erasures whose words were deleted.
    pub deleted: u64,
    /// Erasures whose words are hidden, and deleted later.
    pub held_back: u64,
}

/// Dates what was obeyed since the last time, decides whether it is so much at once that deleting waits, and deletes what is
/// due. Belongs into every transaction that obeys something, and runs by itself as time passes.
///
/// # Errors
/// Database errors.
pub async fn settle(db: &mut Write, now: i64) -> Result<Settled, StoreError> {
    let mut settled = Settled::default();
    let hubs: Vec<i64> = sqlx::query_scalar("SELECT DISTINCT hub FROM erased WHERE done IS NULL AND at IS NULL")
        .fetch_all(&mut **db)
        .await?;
    for hub in hubs {
        sqlx::query("UPDATE erased SET at = ? WHERE done IS NULL AND at IS NULL AND hub = ?")
            .bind(now)
            .bind(hub)
            .execute(&mut **db)
            .await?;
        let late = now + if is_mass(db, hub, now).await? { BRAKE } else { 0 };
        let dated = sqlx::query(
            "UPDATE erased SET due = CASE how WHEN 'received' THEN ? ELSE ? END WHERE done IS NULL AND due IS NULL AND hub = ?",
        );
        let dated = dated.bind(late).bind(now).bind(hub).execute(&mut **db).await?;
        if late > now {
            settled.held_back += dated.rows_affected();
        }
    }
    settled.deleted = delete_due(db, now).await?;
    if settled.deleted + hidden::expire(db, now).await? > 0 {
        mark_scrub(db).await?;
    }
    Ok(settled)
}

/// Carries out everything that was obeyed, brake or not: in a backup, whose hub decided long ago.
///
/// # Errors
/// Database errors.
pub async fn carry_out(db: &mut Write, now: i64) -> Result<(), StoreError> {
    sqlx::query("UPDATE erased SET at = coalesce(at, ?1), due = min(coalesce(due, ?1), ?1) WHERE done IS NULL")
        .bind(now)
        .execute(&mut **db)
        .await?;
    delete_due(db, now).await.map(drop)
}

async fn delete_due(db: &mut Write, now: i64) -> Result<u64, StoreError> {
    let due = rows(db, "WHERE done IS NULL AND due <= ?", now).await?;
    for row in &due {
        hidden::delete(db, row.hub, row.rec, row.upto, &row.parts).await?;
        sqlx::query("UPDATE erased SET done = ? WHERE n = ?").bind(now).bind(row.n).execute(&mut **db).await?;
    }
    Ok(due.len() as u64)
}

/// Whether a hub had more than [`FEW`] and more than a twentieth of its live records erased within a day. What took nothing
/// away here (a newcomer reads of old erasures) does not count.
async fn is_mass(db: &mut Write, hub: i64, now: i64) -> Result<bool, StoreError> {
    let recent: i64 =
        sqlx::query_scalar("SELECT count(*) FROM erased WHERE hub = ? AND how = 'received' AND took AND at > ? ")
            .bind(hub)
            .bind(now - DAY)
            .fetch_one(&mut **db)
            .await?;
    let recent = recent as u64;
    if recent <= FEW {
        return Ok(false);
    }
    let before = super::registry::live(db, hub).await? + recent;
    Ok(recent > before / 20)
}

/// Name of the setting that says whether bytes of deleted words may still be in files.
const SCRUB: &str = "scrub";
const DUE: &str = "due";

/// Whether files must be gone through because words were deleted.
///
/// # Errors
/// Database errors.
pub async fn scrub_due(db: &mut SqliteConnection) -> Result<bool, StoreError> {
    Ok(super::setting(db, SCRUB).await?.as_deref() == Some(DUE))
}

/// Words were deleted: files must be gone through.
///
/// # Errors
/// Database errors.
pub async fn mark_scrub(db: &mut Write) -> Result<(), StoreError> {
    super::set(db, SCRUB, DUE).await
}

/// They were gone through.
///
/// # Errors
/// Database errors.
pub async fn scrubbed(db: &mut Write) -> Result<(), StoreError> {
    super::set(db, SCRUB, "").await
}

/// Undoes what a log says from a size on, because its hub closed it there (a stolen key): erasures that are not carried out
/// yet are taken back, and lines that a later leaf superseded come back into sight. The caller cuts the log and folds it
/// again; what folding supersedes anew is hidden anew.
///
/// # Errors
/// Database errors.
pub async fn cancel(db: &mut Write, hub: i64, log: i64, closed: u64) -> Result<u64, StoreError> {
    let (from, upto) = (super::log::pos(log, closed), super::log::pos(log + 1, 0));
    let void: Vec<(Vec<u8>,)> =
        sqlx::query_as("SELECT DISTINCT rec FROM erased WHERE hub = ? AND pos >= ? AND pos < ?")
            .bind(hub)
            .bind(from)
            .bind(upto)
            .fetch_all(&mut **db)
            .await?;
    sqlx::query("DELETE FROM erased WHERE hub = ? AND pos >= ? AND pos < ?")
        .bind(hub)
        .bind(from)
        .bind(upto)
        .execute(&mut **db)
        .await?;
    sqlx::query("DELETE FROM hidden WHERE pos >= ? AND pos < ?").bind(from).bind(upto).execute(&mut **db).await?;
    for (rec,) in void {
        again(db, hub, id(&rec)?).await?;
    }
    mark_scrub(db).await?;
    hidden::bring_back(db, hub, super::log::pos(log, 0)..from).await
}

/// Takes back a request made here. The record's words come with one of the next pulls.
///
/// # Errors
/// Database errors.
pub async fn release(db: &mut Write, row: &ErasedRow) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM erased WHERE n = ?").bind(row.n).execute(&mut **db).await?;
    again(db, row.hub, row.rec).await
}

/// Makes a record's never-again entries again from the erasures that stand.
async fn again(db: &mut Write, hub: i64, rec: Uuid) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM erasure WHERE hub = ? AND rec = ?")
        .bind(hub)
        .bind(&rec.as_bytes()[..])
        .execute(&mut **db)
        .await?;
    let stored: Vec<Stored> =
        sqlx::query_as(sqlx::AssertSqlSafe(format!("{COLUMNS} WHERE hub = ? AND rec = ? ORDER BY n")))
            .bind(hub)
            .bind(&rec.as_bytes()[..])
            .fetch_all(&mut **db)
            .await?;
    for row in stored {
        let asked = row.how == How::Asked.label();
        for class in row.parts.split(',') {
            never_again(db, hub, rec, class, row.upto as u64, asked).await?;
        }
    }
    super::registry::mark(db, hub, rec).await
}

/// What is not in the journal beside the backups yet, of what must survive a restore: everything but what the brake holds.
///
/// # Errors
/// Database errors.
pub async fn unwritten(db: &mut SqliteConnection, now: i64) -> Result<Vec<ErasedRow>, StoreError> {
    rows(db, "WHERE written = 0 AND at IS NOT NULL AND due <= ?", now).await
}

/// They are in the journal.
///
/// # Errors
/// Database errors.
pub async fn journaled(db: &mut Write, upto: &[ErasedRow]) -> Result<(), StoreError> {
    for row in upto {
        sqlx::query("UPDATE erased SET written = 1 WHERE n = ?").bind(row.n).execute(&mut **db).await?;
    }
    Ok(())
}

/// Forgets a hub's erasures with the hub. The journal keeps them, in case it becomes a partner again.
///
/// # Errors
/// Database errors.
pub async fn forget_hub(db: &mut Write, hub: i64) -> Result<(), StoreError> {
    for sql in [
        "DELETE FROM erasure WHERE hub = ?",
        "DELETE FROM erased WHERE hub = ?",
        "DELETE FROM hidden WHERE hub = ?",
        "DELETE FROM still_served WHERE hub = ?",
    ] {
        sqlx::query(sql).bind(hub).execute(&mut **db).await?;
    }
    Ok(())
}

/// How many copies of a record's words the database holds, in words: for the list that is shown before anything is erased.
///
/// # Errors
/// Database errors.
pub async fn copies(db: &mut SqliteConnection, hub: i64, rec: Uuid) -> Result<Vec<(&'static str, u64)>, StoreError> {
    const PLACES: [(&str, &str); 6] = [
        (
            "the entry itself",
            "SELECT count(*) FROM leaf JOIN record ON record.put = leaf.pos WHERE record.hub = ?1 AND rec = ?2 AND line IS NOT NULL",
        ),
        ("earlier versions, hidden for a week", "SELECT count(*) FROM hidden WHERE hub = ?1 AND rec = ?2"),
        ("the merged group", "SELECT count(*) FROM record WHERE hub = ?1 AND rec = ?2 AND grp IS NOT NULL"),
        (
            "the index of the search",
            "SELECT count(*) FROM record JOIN search ON search.rowid = grp WHERE record.hub = ?1 AND rec = ?2",
        ),
        (
            "keys by which it is compared with others",
            "SELECT count(*) FROM record JOIN link_key ON link_key.record = record.first WHERE hub = ?1 AND rec = ?2",
        ),
        (
            "what imports keep for undoing",
            "SELECT count(*) FROM import_change WHERE ?1 = 1 AND rec = ?2 AND before IS NOT NULL",
        ),
    ];
    let mut found = Vec::new();
    for (place, sql) in PLACES {
        let n: i64 = sqlx::query_scalar(sql).bind(hub).bind(&rec.as_bytes()[..]).fetch_one(&mut *db).await?;
        found.push((place, n as u64));
    }
    found.retain(|(_, n)| *n > 0);
    Ok(found)
}

/// How many records this hub has erased since a moment.
///
/// # Errors
/// Database errors.
pub async fn issued_since(db: &mut SqliteConnection, moment: i64) -> Result<u64, StoreError> {
    let n: i64 = sqlx::query_scalar("SELECT count(*) FROM erased WHERE how = 'issued' AND at > ?")
        .bind(moment)
        .fetch_one(db)
        .await?;
    Ok(n as u64)
}

/// How far every erasure in a log is carried out: the index of the first that is not, or `held`; and how many are below it.
///
/// # Errors
/// Database errors.
pub async fn carried_out(db: &mut SqliteConnection, log: i64, held: u64) -> Result<(u64, u64), StoreError> {
    let (from, upto) = (super::log::pos(log, 0), super::log::pos(log, held));
    let (end, count): (i64, i64) = sqlx::query_as(
        "WITH first(open) AS (SELECT coalesce(min(pos), ?2) FROM erased WHERE done IS NULL AND pos >= ?1 AND pos < ?2) \
         SELECT open, (SELECT count(*) FROM erased WHERE pos >= ?1 AND pos < open) FROM first",
    )
    .bind(from)
    .bind(upto)
    .fetch_one(db)
    .await?;
    Ok((super::log::index(end), count as u64))
}
