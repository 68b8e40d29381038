//! Files outside the database that hold words: exports that people asked for, and backups. Remembered, so that an erasure
//! finds them.

use super::{StoreError, Write};
use crate::record::HubId;
use sqlx::{FromRow, SqliteConnection};

/// A file with words that this hub wrote.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct WrittenRow {
    /// Where; a whole path.
    pub path: String,
    /// When, in seconds since 1970; -1 once words that it may hold were declared void.
    pub at: i64,
    /// Of which records: `all`, `own`, or the id of a list; or about whom: `person 3`, `contact 2`.
    pub scope: String,
    /// SHA-256 of what was written.
    pub digest: Vec<u8>,
}

/// Remembers a file that was written.
///
/// # Errors
/// Database errors.
pub async fn wrote(db: &mut Write, row: &WrittenRow) -> Result<(), StoreError> {
    sqlx::query("INSERT OR REPLACE INTO written (path, at, scope, digest) VALUES (?, ?, ?, ?)")
        .bind(&row.path)
        .bind(row.at)
        .bind(&row.scope)
        .bind(&row.digest)
        .execute(&mut **db)
        .await
        .map(drop)
}

/// Every file that was written and is remembered.
///
/// # Errors
/// Database errors.
pub async fn written(db: &mut SqliteConnection) -> Result<Vec<WrittenRow>, StoreError> {
    sqlx::query_as("SELECT path, at, scope, digest FROM written ORDER BY path").fetch_all(db).await
}

/// Files that may hold what was erased, or declared void, since they were written, or are about somebody who is no longer here.
///
/// # Errors
/// Database errors.
pub async fn written_before(db: &mut SqliteConnection) -> Result<Vec<WrittenRow>, StoreError> {
    sqlx::query_as(
        "SELECT path, at, scope, digest FROM written WHERE CASE \
           WHEN scope LIKE 'person %' THEN CAST(substr(scope, 8) AS INTEGER) NOT IN (SELECT n FROM person) \
           WHEN scope LIKE 'contact %' THEN CAST(substr(scope, 9) AS INTEGER) NOT IN (SELECT n FROM contact) \
           ELSE at < 0 OR EXISTS (SELECT 1 FROM erased WHERE took AND done >= written.at AND (scope = 'all' OR hub = 1)) END \
         ORDER BY path",
    )
    .fetch_all(db)
    .await
}

/// About whom a file is, where it is about one person or role contact.
pub fn about(scope: &str) -> Option<&str> {
    Some(scope).filter(|scope| scope.starts_with("person ") || scope.starts_with("contact "))
}

/// A file is gone.
///
/// # Errors
/// Database errors.
pub async fn forget_written(db: &mut Write, path: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM written WHERE path = ?").bind(path).execute(&mut **db).await.map(drop)
}

/// A backup that this hub made.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct BackupRow {
    /// Where; a whole path.
    pub path: String,
    /// When, in seconds since 1970.
    pub at: i64,
    /// Statements of the own log in it.
    pub statements: i64,
    /// Every erasure up to this number is done in it.
    pub cleaned: i64,
}

/// Every backup, newest first.
///
/// # Errors
/// Database errors.
pub async fn backups(db: &mut SqliteConnection) -> Result<Vec<BackupRow>, StoreError> {
    sqlx::query_as("SELECT path, at, statements, cleaned FROM backup ORDER BY at DESC, path DESC").fetch_all(db).await
}

/// Remembers a backup, new or known.
///
/// # Errors
/// Database errors.
pub async fn save_backup(db: &mut Write, row: &BackupRow) -> Result<(), StoreError> {
    sqlx::query("INSERT OR REPLACE INTO backup (path, at, statements, cleaned) VALUES (?, ?, ?, ?)")
        .bind(&row.path)
        .bind(row.at)
        .bind(row.statements)
        .bind(row.cleaned)
        .execute(&mut **db)
        .await
        .map(drop)
}

/// How many statements of its own list a file holds, if it is a database of this hub. Nothing of the file is changed: it may be
/// anybody's.
pub async fn statements_in(path: &std::path::Path, hub: HubId) -> Option<i64> {
    use sqlx::{ConnectOptions, Connection};
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).read_only(true).immutable(true);
    let mut db = options.connect().await.ok()?;
    let held: Result<Option<i64>, StoreError> = sqlx::query_scalar(
        "SELECT (SELECT held FROM log WHERE log.hub = hub.n ORDER BY log.n DESC LIMIT 1) FROM hub WHERE hub.n = 1 AND hub.id = ?",
    )
    .bind(hub.to_string())
    .fetch_optional(&mut db)
    .await;
    // Whether it closes well tells nothing of what it holds.
    let _ = db.close().await;
    held.ok().flatten()
}

/// Every backup must be gone through again: something went that has no number among the erasures.
///
/// # Errors
/// Database errors.
pub async fn clean_again(db: &mut Write) -> Result<(), StoreError> {
    sqlx::query("UPDATE backup SET cleaned = -1").execute(&mut **db).await.map(drop)
}

/// Words of a partner hub were declared void, which files made meanwhile may hold: backups are gone through again, and exports
/// of everything are as those from before an erasure.
///
/// # Errors
/// Database errors.
pub async fn void(db: &mut Write) -> Result<(), StoreError> {
    clean_again(db).await?;
    sqlx::query("UPDATE written SET at = -1 WHERE scope = 'all'").execute(&mut **db).await.map(drop)
}

/// A backup is gone.
///
/// # Errors
/// Database errors.
pub async fn forget_backup(db: &mut Write, path: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM backup WHERE path = ?").bind(path).execute(&mut **db).await.map(drop)
}

/// The highest number of an erasure that is carried out, with all before it.
///
/// # Errors
/// Database errors.
pub async fn carried_out(db: &mut SqliteConnection) -> Result<i64, StoreError> {
    sqlx::query_scalar(
        "SELECT coalesce((SELECT min(n) - 1 FROM erased WHERE done IS NULL), (SELECT max(n) FROM erased), 0)",
    )
    .fetch_one(db)
    .await
}

/// What a backup need not carry: what is derived, and what is out of sight (restoring brings back no word that had gone).
///
/// # Errors
/// Database errors.
pub async fn strip(db: &mut Write) -> Result<(), StoreError> {
    super::record::forget(db).await?;
    super::registry::forget(db).await?;
    sqlx::query("DELETE FROM hidden").execute(&mut **db).await.map(drop)
}
