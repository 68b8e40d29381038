//! Partner hubs: where they are, when they are due, how pulling them went.

use super::{StoreError, Write};
use crate::feed::Validator;
use sqlx::{FromRow, SqliteConnection};

/// A partner hub as stored. Times are seconds since 1970.
#[derive(Debug, Clone, FromRow)]
pub struct PartnerRow {
    /// Number of its hub.
    pub hub: i64,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Where its hub document is fetched from.
    pub url: String,
    /// Its own schedule; `None` follows the configuration's.
    pub schedule: Option<String>,
    /// Whether a person paused it.
    pub paused: bool,
    /// ETag of the checkpoint last seen.
    pub etag: Option<String>,
    /// Last attempt.
    pub last_try: Option<i64>,
    /// Last attempt that ended well.
    pub last_success: Option<i64>,
    /// Last attempt that brought something new.
    pub last_change: Option<i64>,
    /// When all that it had signed was held for the first time.
    pub caught_up: Option<i64>,
    /// Failures in a row.
    pub failures: i64,
    /// Not before this time, as the partner asked.
    pub retry_after: Option<i64>,
    /// When it is due next.
    pub next_due: i64,
    /// Stable code of the last outcome.
    pub state: String,
    /// The same in words.
    pub reason: String,
    /// A mass change that waits for a person, as JSON.
    pub waiting: Option<String>,
    /// Two notes that prove a fork, as JSON.
    pub disputed: Option<String>,
    /// ETag of the hub document last seen.
    pub document_etag: Option<String>,
    /// When its hub document was last asked for.
    pub document_seen: i64,
    /// When what it has seen of other hubs was last read.
    pub gossip: i64,
    /// The checkpoint that `etag` came with, as [`Validator`] marks it.
    pub etag_of: Option<String>,
    /// How often in a row its server's ETags did not tell what changed.
    pub etag_doubts: i64,
    /// Leaves held, of all its logs.
    pub held: i64,
    /// Leaves the registry sees.
    pub head: i64,
}

impl PartnerRow {
    /// What is known of its server's ETags.
    pub fn validator(&self) -> Validator {
        Validator { etag: self.etag.clone(), of: self.etag_of.clone(), doubts: self.etag_doubts }
    }

    /// Remembers what is known of its server's ETags.
    pub fn set_validator(&mut self, known: Validator) {
        (self.etag, self.etag_of, self.etag_doubts) = (known.etag, known.of, known.doubts);
    }
}

const SELECT: &str = "SELECT partner.*, hub.id, hub.name, \
                      (SELECT sum(held) FROM log WHERE log.hub = partner.hub) AS held, \
                      (SELECT sum(head) FROM log WHERE log.hub = partner.hub) AS head FROM partner \
                      JOIN hub ON hub.n = partner.hub";

/// Every partner, by name.
///
/// # Errors
/// Database errors.
pub async fn all(db: &mut SqliteConnection) -> Result<Vec<PartnerRow>, StoreError> {
    sqlx::query_as(sqlx::AssertSqlSafe(format!("{SELECT} ORDER BY hub.name, hub.id"))).fetch_all(db).await
}

/// One partner by number.
///
/// # Errors
/// Database errors.
pub async fn get(db: &mut SqliteConnection, hub: i64) -> Result<Option<PartnerRow>, StoreError> {
    sqlx::query_as(sqlx::AssertSqlSafe(format!("{SELECT} WHERE partner.hub = ?"))).bind(hub).fetch_optional(db).await
}

/// Adds a partner whose hub and log rows exist.
///
/// # Errors
/// Database errors.
pub async fn add(db: &mut Write, hub: i64, url: &str, schedule: Option<&str>) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO partner (hub, url, schedule) VALUES (?, ?, ?)")
        .bind(hub)
        .bind(url)
        .bind(schedule)
        .execute(&mut **db)
        .await
        .map(drop)
}

/// Writes back everything about a partner that a run or a person can change.
///
/// # Errors
/// Database errors.
pub async fn save(db: &mut Write, row: &PartnerRow) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE partner SET url = ?, schedule = ?, paused = ?, etag = ?, last_try = ?, last_success = ?, last_change = ?, \
         caught_up = ?, failures = ?, retry_after = ?, next_due = ?, state = ?, reason = ?, waiting = ?, disputed = ?, \
         document_etag = ?, document_seen = ?, gossip = ?, etag_of = ?, etag_doubts = ? WHERE hub = ?",
    )
    .bind(&row.url)
    .bind(&row.schedule)
    .bind(row.paused)
    .bind(&row.etag)
    .bind(row.last_try)
    .bind(row.last_success)
    .bind(row.last_change)
    .bind(row.caught_up)
    .bind(row.failures)
    .bind(row.retry_after)
    .bind(row.next_due)
    .bind(&row.state)
    .bind(&row.reason)
    .bind(&row.waiting)
    .bind(&row.disputed)
    .bind(&row.document_etag)
    .bind(row.document_seen)
    .bind(row.gossip)
    .bind(&row.etag_of)
    .bind(row.etag_doubts)
    .bind(row.hub)
    .execute(&mut **db)
    .await
    .map(drop)
}

/// Forgets a partner, its log and all it said. Derived rows are the caller's to derive again.
///
/// # Errors
/// Database errors.
pub async fn remove(db: &mut Write, hub: i64) -> Result<(), StoreError> {
    for log in super::log::of_hub(db, hub).await? {
        let (from, upto) = (super::log::pos(log.n, 0), super::log::pos(log.n + 1, 0));
        for sql in ["DELETE FROM leaf WHERE pos >= ? AND pos < ?", "DELETE FROM void WHERE pos >= ? AND pos < ?"] {
            sqlx::query(sql).bind(from).bind(upto).execute(&mut **db).await?;
        }
        sqlx::query("DELETE FROM bundle WHERE log = ?").bind(log.n).execute(&mut **db).await?;
    }
    super::erase::forget_hub(db, hub).await?;
    super::contact::forget_hub(db, hub).await?;
    for sql in [
        "DELETE FROM partner WHERE hub = ?",
        "DELETE FROM log WHERE hub = ?",
        "DELETE FROM hub_version WHERE hub = ?",
        "DELETE FROM hub WHERE n = ?",
    ] {
        sqlx::query(sql).bind(hub).execute(&mut **db).await?;
    }
    Ok(())
}
