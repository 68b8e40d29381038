//! Records that only repeat this hub's own.

use super::log::{hub_of, log_of};
use super::{StoreError, record};
use crate::feed::note::Note;
use crate::record::statement::{Kind, RecordRef, Statement};
use crate::record::{Group, HubId, part};
use crate::registry::sighting::repeats;
use futures_util::TryStreamExt;
use sqlx::SqliteConnection;

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
    let rows = sqlx::query_as::<_, (i64, Vec<u8>, String)>(
        "SELECT pos, note, line FROM leaf WHERE pos >= ? AND instr(line, ?) > 0",
    )
    .bind(from)
    .bind(own.to_string())
    .fetch(&mut *db);
    let named: Vec<(i64, Vec<u8>, String)> = rows.try_collect().await?;
    let mut count = 0;
    for (at, note, line) in named.into_iter().filter(|(at, ..)| hub_of(log_of(*at)) == n) {
        let Some(Ok(statement)) = Note::parse(&note).ok().map(|note| Statement::read(note.text.as_bytes())) else {
            continue;
        };
        let Some(row) = record::get(db, n, statement.id).await? else { continue };
        // A newer put, or a check of their own, says more than this line does.
        let stands = row.standing == "live"
            && row.state.kind == Kind::Record
            && row.state.assured.is_none()
            && row.state.put.is_some_and(|(put, _)| put == at);
        let Some(Ok(group)) = part::json(&line).filter(|_| stands).map(Group::read) else { continue };
        let of = repeats(&RecordRef { hub, rec: statement.id }, &group, false);
        count += u64::from(!of.is_empty() && of.iter().all(|record| record.hub == own));
    }
    Ok(count)
}
