//! Hubs: the versions of their documents, and the logs that these name.

use super::log::number;
use super::{StoreError, Write, corrupt};
use crate::feed::hub::VerifiedHub;
use crate::record::HubId;
use sqlx::SqliteConnection;

/// Remembers a verified version of a hub's document as its newest: its name, the logs it names, and where it closes them.
///
/// # Errors
/// Database errors.
pub async fn adopt(db: &mut Write, hub: i64, verified: &VerifiedHub, document: &[u8]) -> Result<(), StoreError> {
    sqlx::query("UPDATE hub SET name = ?, document = ? WHERE n = ?")
        .bind(&verified.document.name)
        .bind(document)
        .bind(hub)
        .execute(&mut **db)
        .await?;
    keep_version(db, hub, verified.document.version, document).await?;
    super::succession::adopt(db, hub, verified).await?;
    for (ordinal, log) in (0..).zip(&verified.logs) {
        sqlx::query(
            "INSERT INTO log (n, hub, ordinal, origin, vkey, peer, closed_size, closed_root) VALUES (?, ?, ?, ?, ?, ?, ?, ?) \
             ON CONFLICT (n) DO UPDATE SET closed_size = excluded.closed_size, closed_root = excluded.closed_root",
        )
        .bind(number(hub, ordinal))
        .bind(hub)
        .bind(ordinal)
        .bind(log.key.name())
        .bind(log.key.to_string())
        .bind(log.peer.to_string())
        .bind(log.closed.map(|(size, _)| size as i64))
        .bind(log.closed.map(|(_, root)| root.to_vec()))
        .execute(&mut **db)
        .await?;
    }
    Ok(())
}

/// Remembers a verified version of a hub's document.
///
/// # Errors
/// Database errors.
pub async fn keep_version(db: &mut Write, hub: i64, version: u64, document: &[u8]) -> Result<(), StoreError> {
    sqlx::query("INSERT OR REPLACE INTO hub_version (hub, version, document) VALUES (?, ?, ?)")
        .bind(hub)
        .bind(version as i64)
        .bind(document)
        .execute(&mut **db)
        .await
        .map(drop)
}

/// One version of a hub's document, as received.
///
/// # Errors
/// Database errors.
pub async fn version(db: &mut SqliteConnection, hub: i64, version: u64) -> Result<Option<Vec<u8>>, StoreError> {
    sqlx::query_scalar("SELECT document FROM hub_version WHERE hub = ? AND version = ?")
        .bind(hub)
        .bind(version as i64)
        .fetch_optional(db)
        .await
}

/// Every version of a hub's document that is kept, oldest first.
///
/// # Errors
/// Database errors.
pub async fn versions(db: &mut SqliteConnection, hub: i64) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
    let rows: Vec<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT version, document FROM hub_version WHERE hub = ? ORDER BY version")
            .bind(hub)
            .fetch_all(db)
            .await?;
    Ok(rows.into_iter().map(|(version, document)| (version as u64, document)).collect())
}

/// A hub's number and newest document, by its id.
///
/// # Errors
/// Database errors.
pub async fn by_id(db: &mut SqliteConnection, id: HubId) -> Result<Option<(i64, Vec<u8>)>, StoreError> {
    sqlx::query_as("SELECT n, document FROM hub WHERE id = ?").bind(id.to_string()).fetch_optional(db).await
}

/// Number and id of every hub.
///
/// # Errors
/// Database errors.
pub async fn ids(db: &mut SqliteConnection) -> Result<Vec<(i64, HubId)>, StoreError> {
    let rows: Vec<(i64, String)> = sqlx::query_as("SELECT n, id FROM hub ORDER BY n").fetch_all(db).await?;
    rows.into_iter().map(|(n, id)| Ok((n, id.parse().map_err(|_| corrupt("hub.id"))?))).collect()
}

/// Two signed notes that contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Evidence {
    /// What it is called: the beginning of the SHA-256 of both notes.
    pub id: String,
    /// The hub whose keys signed both.
    pub hub: String,
    /// `fork`: two checkpoints; `document`: two hub documents; `void-tail`: a checkpoint past the end that the hub's
    /// document, the other note, sets to its log.
    pub kind: String,
    /// One note.
    pub first: Vec<u8>,
    /// The other.
    pub second: Vec<u8>,
    /// When it was met, in seconds since 1970.
    pub found: i64,
}

/// Keeps evidence, for ever. Returns what it is called.
///
/// # Errors
/// Database errors.
pub async fn witness(
    db: &mut Write,
    hub: HubId,
    kind: &str,
    (first, second): (&[u8], &[u8]),
    found: i64,
) -> Result<String, StoreError> {
    use sha2::{Digest, Sha256};
    let digest = Sha256::new().chain_update(first).chain_update([0]).chain_update(second).finalize();
    let id = hex::encode(&digest[..8]);
    sqlx::query("INSERT OR IGNORE INTO evidence (id, hub, kind, first, second, found) VALUES (?, ?, ?, ?, ?, ?)")
        .bind(&id)
        .bind(hub.to_string())
        .bind(kind)
        .bind(first)
        .bind(second)
        .bind(found)
        .execute(&mut **db)
        .await?;
    Ok(id)
}

/// All evidence that is kept, oldest first.
///
/// # Errors
/// Database errors.
pub async fn evidence(db: &mut SqliteConnection) -> Result<Vec<Evidence>, StoreError> {
    sqlx::query_as("SELECT id, hub, kind, first, second, found FROM evidence ORDER BY found, id").fetch_all(db).await
}
