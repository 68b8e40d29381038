//! Records that only repeat this hub's own.

use super::StoreError;
use crate::record::statement::RecordRef;
use crate::record::{Group, HubId, part};
use crate::registry::sighting::repeats;
use futures_util::TryStreamExt;
use sqlx::SqliteConnection;
use uuid::Uuid;

/// How many of a hub's live records, put at or after the position `from`, name records of `own` as what they were taken
/// from, and nothing that their hub saw itself.
///
/// # Errors
/// Database errors.
pub async fn echoes(
    db: &mut SqliteConnection,
    (n, hub): (i64, HubId),
    from: i64,
    own: HubId,
) -> Result<u64, StoreError> {
    // The hub's id in the line is looked for before anything is read: hardly a line has it.
    let mut rows = sqlx::query_as::<_, (Vec<u8>, String)>(
        "SELECT rec, line FROM record JOIN leaf ON leaf.pos = record.put \
         WHERE record.hub = ? AND kind = 1 AND state = 'live' AND put >= ? AND assured IS NULL AND instr(line, ?) > 0",
    )
    .bind(n)
    .bind(from)
    .bind(own.to_string())
    .fetch(db);
    let mut count = 0;
    while let Some((rec, line)) = rows.try_next().await? {
        let (Ok(rec), Some(json)) = (Uuid::from_slice(&rec), part::json(&line)) else { continue };
        let Ok(group) = Group::read(json) else { continue };
        let of = repeats(&RecordRef { hub, rec }, &group, false);
        count += u64::from(!of.is_empty() && of.iter().all(|record| record.hub == own));
    }
    Ok(count)
}
