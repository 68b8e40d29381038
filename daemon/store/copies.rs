//! Which lists are copies of others, kept beside what it was worked out from.

use super::group::Rules;
use super::{StoreError, Write, corrupt, setting};
use crate::record::statement::RecordRef;
use crate::record::{Group, part};
use crate::registry::copies::{self, Copy, Row};
use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};
use sqlx::SqliteConnection;
use std::collections::BTreeMap;

/// Where it is kept.
const SETTING: &str = "copied-lists";

#[derive(Serialize, Deserialize)]
struct Kept {
    of: String,
    copies: Vec<Copy>,
}

/// What was last found, and whether it still holds: nothing was taken in since.
///
/// # Errors
/// Database errors.
pub async fn known(db: &mut SqliteConnection) -> Result<(Vec<Copy>, bool), StoreError> {
    let Some(text) = setting(db, SETTING).await? else { return Ok((Vec::new(), false)) };
    let kept: Kept = serde_json::from_str(&text).map_err(|_| corrupt("setting.value"))?;
    let holds = kept.of == inputs(db).await?;
    Ok((kept.copies, holds))
}

/// How much of each log is accepted: what the answer is a function of.
async fn inputs(db: &mut SqliteConnection) -> Result<String, StoreError> {
    let logs = super::log::all(db).await?;
    Ok(logs.iter().map(|log| format!("{}:{}:{}", log.hub, log.ordinal, log.head)).collect::<Vec<_>>().join(","))
}

/// Works it out from every live record: one pass through their words, 24 bytes of memory a record.
///
/// # Errors
/// Database errors.
pub async fn find(db: &mut SqliteConnection, rules: &Rules) -> Result<Vec<Copy>, StoreError> {
    let mut lists: BTreeMap<RecordRef, Vec<Row>> = BTreeMap::new();
    let mut lines = sqlx::query_as::<_, (i64, i64, String)>(
        "SELECT record.hub, said, line FROM record JOIN leaf ON leaf.pos = record.put \
         WHERE kind = 1 AND state = 'live' AND line IS NOT NULL",
    )
    .fetch(db);
    while let Some((hub, said, line)) = lines.try_next().await? {
        let Some(group) = part::json(&line).and_then(|json| Group::read(json).ok()) else { continue };
        let list = group.list.and_then(|list| rules.reference((hub, list)));
        if let Some(list) = list {
            lists.entry(list).or_default().push(Row::of(&group, said));
        }
    }
    drop(lines);
    Ok(copies::copies(&lists))
}

/// Keeps what was found.
///
/// # Errors
/// Database errors.
pub async fn keep(db: &mut Write, copies: &[Copy]) -> Result<(), StoreError> {
    let of = inputs(db).await?;
    let text = serde_json::to_string(&Kept { of, copies: copies.to_vec() }).map_err(|_| corrupt("setting.value"))?;
    super::set(db, SETTING, &text).await
}
