//! Local data by age, and where somebody's words stand.

use super::{StoreError, Write, corrupt};
use sqlx::SqliteConnection;
use uuid::Uuid;

/// Imports made before a moment that still hold former words, as (number, when, how many).
///
/// # Errors
/// Database errors.
pub async fn old_imports(db: &mut SqliteConnection, before: i64) -> Result<Vec<(i64, i64, i64)>, StoreError> {
    sqlx::query_as(
        "SELECT n, at, count(*) FROM import_batch JOIN import_change ON batch = n \
         WHERE at < ? AND before IS NOT NULL GROUP BY n ORDER BY n",
    )
    .bind(before)
    .fetch_all(db)
    .await
}

/// Forgets the former words that an import kept for being undone.
///
/// # Errors
/// Database errors.
pub async fn forget_import(db: &mut Write, n: i64) -> Result<(), StoreError> {
    sqlx::query("UPDATE import_change SET before = NULL WHERE batch = ?").bind(n).execute(&mut **db).await.map(drop)
}

/// Entries of the log of the people table made before a moment: how many, and when the oldest; `None` where there are none.
///
/// # Errors
/// Database errors.
pub async fn old_log(db: &mut SqliteConnection, before: i64) -> Result<Option<(i64, i64)>, StoreError> {
    let (old, oldest): (i64, Option<i64>) =
        sqlx::query_as("SELECT count(*), min(at) FROM person_log WHERE at < ?").bind(before).fetch_one(db).await?;
    Ok(oldest.map(|oldest| (old, oldest)))
}

/// Where a text stands in what this hub holds: a stable name of the place, the hub's number and the record, where it is one.
/// Public words, contact parts, held records, and what imports keep.
///
/// # Errors
/// Database errors.
pub async fn appearances(
    db: &mut SqliteConnection,
    text: &str,
) -> Result<Vec<(String, Option<i64>, Option<Uuid>)>, StoreError> {
    let mut rows: Vec<(String, Option<i64>, Option<Vec<u8>>)> = Vec::new();
    for spelt in super::people::spellings(text) {
        let sql = "SELECT 'public-words', record.hub, rec FROM record JOIN leaf ON leaf.pos = record.put WHERE instr(lower(line), ?1) > 0 \
         UNION ALL SELECT 'contact-part', contact_slot.hub, rec FROM contact_slot JOIN contact_line ON contact_line.pos = contact_slot.pos \
           WHERE instr(lower(line), ?1) > 0 \
         UNION ALL SELECT 'held', NULL, rec FROM held WHERE instr(lower(public), ?1) > 0 \
         UNION ALL SELECT 'import', NULL, rec FROM import_change WHERE instr(lower(before), ?1) > 0";
        rows.extend(
            sqlx::query_as::<_, (String, Option<i64>, Option<Vec<u8>>)>(sql).bind(spelt).fetch_all(&mut *db).await?,
        );
    }
    rows.sort();
    rows.dedup();
    rows.into_iter()
        .map(|(place, hub, rec)| {
            let rec = rec.map(|rec| Uuid::from_slice(&rec).map_err(|_| corrupt("record.rec"))).transpose()?;
            Ok((place, hub, rec))
        })
        .collect()
}
