//! What hubs say they have erased of a log: derived from their `ack` leaves, the newest word of each hub on each log.

use super::{StoreError, Write, corrupt};
use sqlx::SqliteConnection;
use uuid::Uuid;

/// A hub's word that it obeyed every erasure in a log below a size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AckRow {
    /// Number of the hub that says so.
    pub hub: i64,
    /// The log's origin.
    pub origin: String,
    /// The statement's id; one for each log.
    pub rec: Uuid,
    /// Its revision.
    pub rev: u64,
    /// Leaves looked through.
    pub size: u64,
    /// Erasures among them.
    pub erased: u64,
    /// When it says so, in seconds since 1970.
    pub at: i64,
}

/// Takes down what a hub said. A smaller size than it said before changes nothing: nobody can take an ack back.
///
/// # Errors
/// Database errors.
pub async fn take(db: &mut Write, row: &AckRow) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO ack (hub, origin, rec, rev, size, erased, at) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (hub, origin) \
         DO UPDATE SET rec = excluded.rec, rev = excluded.rev, size = excluded.size, erased = excluded.erased, at = excluded.at \
         WHERE excluded.size >= size",
    )
    .bind(row.hub)
    .bind(&row.origin)
    .bind(&row.rec.as_bytes()[..])
    .bind(row.rev as i64)
    .bind(row.size as i64)
    .bind(row.erased as i64)
    .bind(row.at)
    .execute(&mut **db)
    .await
    .map(drop)
}

/// Every hub's word on a log, by hub.
///
/// # Errors
/// Database errors.
pub async fn of(db: &mut SqliteConnection, origin: &str) -> Result<Vec<AckRow>, StoreError> {
    let rows: Vec<(i64, Vec<u8>, i64, i64, i64, i64)> =
        sqlx::query_as("SELECT hub, rec, rev, size, erased, at FROM ack WHERE origin = ? ORDER BY hub")
            .bind(origin)
            .fetch_all(db)
            .await?;
    rows.into_iter()
        .map(|(hub, rec, rev, size, erased, at)| {
            Ok(AckRow {
                hub,
                origin: origin.to_owned(),
                rec: Uuid::from_slice(&rec).map_err(|_| corrupt("ack.rec"))?,
                rev: rev as u64,
                size: size as u64,
                erased: erased as u64,
                at,
            })
        })
        .collect()
}

/// Notes that a hub was found to serve what it said it had erased.
///
/// # Errors
/// Database errors.
pub async fn still_served(db: &mut Write, hub: i64, erased: i64, at: i64) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO still_served (hub, erased, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
        .bind(hub)
        .bind(erased)
        .bind(at)
        .execute(&mut **db)
        .await
        .map(drop)
}

/// Notes that a hub serves none of it any more.
///
/// # Errors
/// Database errors.
pub async fn no_longer_served(db: &mut Write, hub: i64) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM still_served WHERE hub = ?").bind(hub).execute(&mut **db).await.map(drop)
}

/// Which hubs were found to serve which erasures, and since when: (hub, erasure, time).
///
/// # Errors
/// Database errors.
pub async fn caught(db: &mut SqliteConnection) -> Result<Vec<(i64, i64, i64)>, StoreError> {
    sqlx::query_as("SELECT hub, erased, at FROM still_served ORDER BY hub, erased").fetch_all(db).await
}
