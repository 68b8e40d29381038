//! Records whose words a person must look at before they are signed, and what people decided about such words.

use super::{StoreError, Write, corrupt};
use crate::record::scan::Found;
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A record that waits.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldRow {
    /// Its number in the list.
    pub n: i64,
    /// The record, which may not exist yet.
    pub rec: Uuid,
    /// Its revision when it was held; 0 of a new one.
    pub rev: u64,
    /// What the group calls itself.
    pub name: String,
    /// JSON of what would be signed.
    pub public: String,
    /// What was found.
    pub found: Vec<Found>,
    /// Since when, in seconds since 1970.
    pub since: i64,
}

impl TryFrom<SqliteRow> for HeldRow {
    type Error = StoreError;
    fn try_from(row: SqliteRow) -> Result<HeldRow, StoreError> {
        Ok(HeldRow {
            n: row.try_get("n")?,
            rec: Uuid::from_slice(row.try_get("rec")?).map_err(|_| corrupt("held.rec"))?,
            rev: row.try_get::<i64, _>("rev")? as u64,
            name: row.try_get("name")?,
            public: row.try_get("public")?,
            found: serde_json::from_str(row.try_get("found")?).map_err(|_| corrupt("held.found"))?,
            since: row.try_get("since")?,
        })
    }
}

/// All that waits, in the order in which it came.
///
/// # Errors
/// Database errors.
pub async fn all(db: &mut SqliteConnection) -> Result<Vec<HeldRow>, StoreError> {
    sqlx::query("SELECT n, rec, rev, name, public, found, since FROM held ORDER BY n")
        .fetch_all(db)
        .await?
        .into_iter()
        .map(HeldRow::try_from)
        .collect()
}

/// Holds a record, in the place of what was held of it before. `n` is not looked at.
///
/// # Errors
/// Database errors.
pub async fn hold(db: &mut Write, row: &HeldRow) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO held (rec, rev, name, public, found, since) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (rec) DO UPDATE SET \
         rev = excluded.rev, name = excluded.name, public = excluded.public, found = excluded.found",
    )
    .bind(&row.rec.as_bytes()[..])
    .bind(row.rev as i64)
    .bind(&row.name)
    .bind(&row.public)
    .bind(serde_json::to_string(&row.found).map_err(|error| StoreError::Encode(error.into()))?)
    .bind(row.since)
    .execute(&mut **db)
    .await
    .map(drop)
}

/// Holds it no longer.
///
/// # Errors
/// Database errors.
pub async fn remove(db: &mut Write, rec: Uuid) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM held WHERE rec = ?").bind(&rec.as_bytes()[..]).execute(&mut **db).await.map(drop)
}

/// What was decided about texts: mark to whether they may be signed.
///
/// # Errors
/// Database errors.
pub async fn decisions(db: &mut SqliteConnection) -> Result<BTreeMap<String, bool>, StoreError> {
    let rows: Vec<(String, bool)> = sqlx::query_as("SELECT mark, released FROM held_decision").fetch_all(db).await?;
    Ok(rows.into_iter().collect())
}

/// Remembers a decision.
///
/// # Errors
/// Database errors.
pub async fn decide(db: &mut Write, found: &[Found], released: bool, now: i64) -> Result<(), StoreError> {
    for found in found {
        sqlx::query("INSERT OR REPLACE INTO held_decision (mark, released, at) VALUES (?, ?, ?)")
            .bind(&found.mark)
            .bind(released)
            .bind(now)
            .execute(&mut **db)
            .await?;
    }
    Ok(())
}
