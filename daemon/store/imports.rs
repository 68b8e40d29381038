//! Imports that can be undone, records that are asked about, saved mappings, and sources that are read on a schedule.

use super::{StoreError, Write, corrupt};
use sqlx::{FromRow, Row, SqliteConnection};
use uuid::Uuid;

/// How many imports of a list keep what records said before, so that they can be undone.
const KEPT: i64 = 20;

/// One import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchRow {
    /// Its number, from 1.
    pub n: i64,
    /// When; seconds since 1970.
    pub at: i64,
    /// The list.
    pub list: Uuid,
    /// Whether it made the list.
    pub new_list: bool,
    /// The file's name, or the source's address.
    pub source: String,
    /// Digest of the plan.
    pub plan: String,
    /// JSON: how many rows of each kind.
    pub counts: String,
    /// When it was undone.
    pub undone: Option<i64>,
}

/// What an import did to one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeRow {
    /// The record.
    pub rec: Uuid,
    /// The revision that the import made.
    pub rev: u64,
    /// Whether the import made the record.
    pub made: bool,
    /// What it said before, as JSON; `None` for a new record, or when it may no longer be kept.
    pub before: Option<String>,
}

fn id(bytes: &[u8], column: &'static str) -> Result<Uuid, StoreError> {
    Uuid::from_slice(bytes).map_err(|_| corrupt(column))
}

/// Writes down an import; its number.
///
/// # Errors
/// Database errors.
pub async fn add(db: &mut Write, batch: &BatchRow, changes: &[ChangeRow]) -> Result<i64, StoreError> {
    let n =
        sqlx::query("INSERT INTO import_batch (at, list, new_list, source, plan, counts) VALUES (?, ?, ?, ?, ?, ?)")
            .bind(batch.at)
            .bind(batch.list.as_bytes().as_slice())
            .bind(batch.new_list)
            .bind(&batch.source)
            .bind(&batch.plan)
            .bind(&batch.counts)
            .execute(&mut **db)
            .await?
            .last_insert_rowid();
    for change in changes {
        sqlx::query("INSERT INTO import_change (batch, rec, rev, made, before) VALUES (?, ?, ?, ?, ?)")
            .bind(n)
            .bind(change.rec.as_bytes().as_slice())
            .bind(i64::try_from(change.rev).map_err(|_| corrupt("import_change.rev"))?)
            .bind(change.made)
            .bind(&change.before)
            .execute(&mut **db)
            .await?;
    }
    sqlx::query(
        "UPDATE import_change SET before = NULL WHERE before IS NOT NULL AND batch IN \
         (SELECT n FROM import_batch WHERE list = ? ORDER BY n DESC LIMIT -1 OFFSET ?)",
    )
    .bind(batch.list.as_bytes().as_slice())
    .bind(KEPT)
    .execute(&mut **db)
    .await?;
    Ok(n)
}

/// Every import, newest first.
///
/// # Errors
/// Database errors.
pub async fn batches(db: &mut SqliteConnection) -> Result<Vec<BatchRow>, StoreError> {
    let rows =
        sqlx::query("SELECT n, at, list, new_list, source, plan, counts, undone FROM import_batch ORDER BY n DESC")
            .fetch_all(db)
            .await?;
    rows.into_iter()
        .map(|row| {
            Ok(BatchRow {
                n: row.try_get("n")?,
                at: row.try_get("at")?,
                list: id(row.try_get("list")?, "import_batch.list")?,
                new_list: row.try_get("new_list")?,
                source: row.try_get("source")?,
                plan: row.try_get("plan")?,
                counts: row.try_get("counts")?,
                undone: row.try_get("undone")?,
            })
        })
        .collect()
}

/// What an import did.
///
/// # Errors
/// Database errors.
pub async fn changes(db: &mut SqliteConnection, batch: i64) -> Result<Vec<ChangeRow>, StoreError> {
    let rows = sqlx::query("SELECT rec, rev, made, before FROM import_change WHERE batch = ? ORDER BY rec")
        .bind(batch)
        .fetch_all(db)
        .await?;
    rows.into_iter()
        .map(|row| {
            let rev: i64 = row.try_get("rev")?;
            Ok(ChangeRow {
                rec: id(row.try_get("rec")?, "import_change.rec")?,
                rev: u64::try_from(rev).map_err(|_| corrupt("import_change.rev"))?,
                made: row.try_get("made")?,
                before: row.try_get("before")?,
            })
        })
        .collect()
}

/// Marks an import as undone.
///
/// # Errors
/// Database errors.
pub async fn undone(db: &mut Write, batch: i64, at: i64) -> Result<(), StoreError> {
    sqlx::query("UPDATE import_batch SET undone = ? WHERE n = ?")
        .bind(at)
        .bind(batch)
        .execute(&mut **db)
        .await
        .map(drop)
}

/// By what a record is known again when its words are gone.
pub type Key = [u8; 16];

/// Writes down by what records of a list are known again.
///
/// # Errors
/// Database errors.
pub async fn know(db: &mut Write, list: Uuid, keys: &[(Key, Uuid)]) -> Result<(), StoreError> {
    for chunk in keys.chunks(super::CHUNK) {
        let mut insert = sqlx::QueryBuilder::<sqlx::Sqlite>::new("INSERT OR IGNORE INTO import_key (list, key, rec) ");
        insert.push_values(chunk, |mut row, (key, rec)| {
            row.push_bind(list.as_bytes().to_vec()).push_bind(key.to_vec()).push_bind(rec.as_bytes().to_vec());
        });
        insert.build().execute(&mut **db).await?;
    }
    Ok(())
}

/// These records may come back with their list.
///
/// # Errors
/// Database errors.
pub async fn unknow(db: &mut Write, recs: &[Uuid]) -> Result<(), StoreError> {
    for rec in recs {
        sqlx::query("DELETE FROM import_key WHERE rec = ?").bind(rec.as_bytes().as_slice()).execute(&mut **db).await?;
    }
    Ok(())
}

/// By what records of a list are known that this hub has taken back or erased.
///
/// # Errors
/// Database errors.
pub async fn taken_back(db: &mut SqliteConnection, list: Uuid) -> Result<Vec<(Key, Uuid)>, StoreError> {
    let rows: Vec<(Vec<u8>, Vec<u8>)> = sqlx::query_as(
        "SELECT key, import_key.rec FROM import_key JOIN record ON record.hub = 1 AND record.rec = import_key.rec \
         WHERE list = ? AND (record.withdrawn OR record.state = 'erased') ORDER BY key, import_key.rec",
    )
    .bind(list.as_bytes().as_slice())
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|(key, rec)| {
            let key = key.try_into().map_err(|_| corrupt("import_key.key"))?;
            Ok((key, id(&rec, "import_key.rec")?))
        })
        .collect()
}

/// This hub's records whose newest words no import gave them: a person did.
///
/// # Errors
/// Database errors.
pub async fn edited(db: &mut SqliteConnection) -> Result<Vec<Uuid>, StoreError> {
    let rows: Vec<Vec<u8>> = sqlx::query_scalar(
        "SELECT rec FROM record WHERE hub = 1 AND kind = 1 AND state = 'live' AND NOT EXISTS \
         (SELECT 1 FROM import_change WHERE import_change.rec = record.rec AND import_change.rev = record.put_rev) ORDER BY rec",
    )
    .fetch_all(db)
    .await?;
    rows.iter().map(|rec| id(rec, "record.rec")).collect()
}

/// A record says again, in revision `now`, what it said in revision `then`: imports that made that one can still be undone.
///
/// # Errors
/// Database errors.
pub async fn follow(db: &mut Write, rec: Uuid, then: u64, now: u64) -> Result<(), StoreError> {
    let number = |rev: u64| i64::try_from(rev).map_err(|_| corrupt("import_change.rev"));
    sqlx::query("UPDATE import_change SET rev = ? WHERE rec = ? AND rev = ?")
        .bind(number(now)?)
        .bind(rec.as_bytes().as_slice())
        .bind(number(then)?)
        .execute(&mut **db)
        .await
        .map(drop)
}

/// Records of a list that are asked about, with since when.
///
/// # Errors
/// Database errors.
pub async fn asked(db: &mut SqliteConnection, list: Uuid) -> Result<Vec<(Uuid, i64)>, StoreError> {
    let rows: Vec<(Vec<u8>, i64)> =
        sqlx::query_as("SELECT rec, since FROM import_asked WHERE list = ? ORDER BY since, rec")
            .bind(list.as_bytes().as_slice())
            .fetch_all(db)
            .await?;
    rows.into_iter().map(|(rec, since)| Ok((id(&rec, "import_asked.rec")?, since))).collect()
}

/// Asks about these records of a list. Those asked about before keep their day.
///
/// # Errors
/// Database errors.
pub async fn ask(db: &mut Write, list: Uuid, recs: &[Uuid], since: i64) -> Result<(), StoreError> {
    for rec in recs {
        sqlx::query("INSERT INTO import_asked (list, rec, since) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
            .bind(list.as_bytes().as_slice())
            .bind(rec.as_bytes().as_slice())
            .bind(since)
            .execute(&mut **db)
            .await?;
    }
    Ok(())
}

/// These records are no longer asked about.
///
/// # Errors
/// Database errors.
pub async fn answered(db: &mut Write, list: Uuid, recs: &[Uuid]) -> Result<(), StoreError> {
    for rec in recs {
        sqlx::query("DELETE FROM import_asked WHERE list = ? AND rec = ?")
            .bind(list.as_bytes().as_slice())
            .bind(rec.as_bytes().as_slice())
            .execute(&mut **db)
            .await?;
    }
    Ok(())
}

/// A saved mapping, as TOML.
///
/// # Errors
/// Database errors.
pub async fn mapping(db: &mut SqliteConnection, name: &str) -> Result<Option<String>, StoreError> {
    sqlx::query_scalar("SELECT text FROM mapping WHERE name = ?").bind(name.to_lowercase()).fetch_optional(db).await
}

/// Names of the saved mappings.
///
/// # Errors
/// Database errors.
pub async fn mappings(db: &mut SqliteConnection) -> Result<Vec<String>, StoreError> {
    sqlx::query_scalar("SELECT name FROM mapping ORDER BY name").fetch_all(db).await
}

/// Saves a mapping under a name, capitals aside.
///
/// # Errors
/// Database errors.
pub async fn save_mapping(db: &mut Write, name: &str, text: &str) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO mapping (name, text) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET text = excluded.text")
        .bind(name.to_lowercase())
        .bind(text)
        .execute(&mut **db)
        .await
        .map(drop)
}

/// A list that is read from an address on a schedule. Times are seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct SourceRow {
    /// The list's id.
    #[sqlx(try_from = "Vec<u8>")]
    pub list: ListId,
    /// Where it is.
    pub url: String,
    /// How it speaks; see `exchange::feed::Kind`.
    pub format: String,
    /// When it is read.
    pub schedule: String,
    /// Whether a person paused it.
    pub paused: bool,
    /// Where a feed of changes goes on.
    pub cursor: Option<String>,
    /// Last attempt.
    pub last_try: Option<i64>,
    /// Last attempt that ended well.
    pub last_success: Option<i64>,
    /// Last attempt that changed something.
    pub last_change: Option<i64>,
    /// Failures in a row.
    pub failures: i64,
    /// When it is due next.
    pub next_due: i64,
    /// Stable code of the last outcome.
    pub state: String,
    /// The same in words.
    pub reason: String,
}

/// A list's id, as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListId(pub Uuid);

impl TryFrom<Vec<u8>> for ListId {
    type Error = uuid::Error;
    fn try_from(bytes: Vec<u8>) -> Result<ListId, uuid::Error> {
        Uuid::from_slice(&bytes).map(ListId)
    }
}

/// Every source.
///
/// # Errors
/// Database errors.
pub async fn sources(db: &mut SqliteConnection) -> Result<Vec<SourceRow>, StoreError> {
    sqlx::query_as(
        "SELECT list, url, format, schedule, paused, cursor, last_try, last_success, last_change, failures, next_due, state, \
         reason FROM source ORDER BY url, list",
    )
    .fetch_all(db)
    .await
}

/// Writes a source, new or known.
///
/// # Errors
/// Database errors.
pub async fn save_source(db: &mut Write, row: &SourceRow) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT OR REPLACE INTO source (list, url, format, schedule, paused, cursor, last_try, last_success, last_change, \
         failures, next_due, state, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(row.list.0.as_bytes().as_slice())
    .bind(&row.url)
    .bind(&row.format)
    .bind(&row.schedule)
    .bind(row.paused)
    .bind(&row.cursor)
    .bind(row.last_try)
    .bind(row.last_success)
    .bind(row.last_change)
    .bind(row.failures)
    .bind(row.next_due)
    .bind(&row.state)
    .bind(&row.reason)
    .execute(&mut **db)
    .await
    .map(drop)
}

/// Forgets a source; its list and records stay.
///
/// # Errors
/// Database errors.
pub async fn remove_source(db: &mut Write, list: Uuid) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM source WHERE list = ?").bind(list.as_bytes().as_slice()).execute(&mut **db).await.map(drop)
}
