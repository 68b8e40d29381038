//! Frames: the registry as a frame looks at it, and what this hub defined, decided, froze and drew.

use super::group::{Loaded, Rules};
use super::{CHUNK, StoreError, Write, lookup, record};
use crate::frame::definition::Definition;
use crate::frame::flow::Apart;
use crate::frame::frozen::Candidate;
use crate::record::RecordRef;
use crate::registry::{Cluster, sighting};
use sqlx::SqliteConnection;
use std::collections::BTreeMap;

/// A frame as defined here.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct FrameRow {
    /// Its name.
    pub name: String,
    /// JSON of its definition.
    pub definition: String,
    /// JSON of its profile.
    pub profile: String,
    /// When it was defined, in seconds since 1970.
    pub at: i64,
}

/// What the registry gives a frame.
#[derive(Debug, Default)]
pub struct Given {
    /// Its groups.
    pub candidates: Vec<Candidate>,
    /// Records that are part of no group, by reason.
    pub apart: Vec<(Apart, usize)>,
}

/// Every group of the registry as a frame looks at it, with all its records, so many at a time that memory stays small.
///
/// # Errors
/// Database errors.
pub async fn given(db: &mut SqliteConnection, rules: &Rules, definition: &Definition) -> Result<Given, StoreError> {
    let mut candidates = Vec::new();
    for chunk in lookup::all(db).await?.chunks(CHUNK) {
        let records = record::members_of(db, chunk).await?;
        let loaded = Loaded::read(db, rules, &records).await?;
        let references: Vec<RecordRef> = loaded.members.keys().copied().collect();
        let decisions = super::group::decisions(db, rules, &references).await?;
        let mut groups: BTreeMap<i64, Vec<RecordRef>> = BTreeMap::new();
        for (reference, (row, _)) in &loaded.members {
            groups.entry(row.group.unwrap_or_default()).or_default().push(*reference);
        }
        for members in groups.into_values() {
            let told = members.iter().filter_map(|reference| {
                let (row, group) = loaded.members.get(reference)?;
                let checked = row.state.assured.as_ref().or(group.assured.as_ref());
                Some((*reference, group, checked.map(|assured| assured.date)))
            });
            let seen = sighting::seen(told);
            let cluster = Cluster { members, joined: Vec::new() };
            let (merged, _) = loaded.merge(&cluster, rules, decisions.iter());
            candidates.push(Candidate::of(&merged, &seen, definition));
        }
    }
    let count = |sql| sqlx::query_scalar::<_, i64>(sql);
    let all = count("SELECT count(*) FROM record WHERE kind = 1").fetch_one(&mut *db).await? as usize;
    let withdrawn = count("SELECT count(*) FROM record WHERE kind = 1 AND (withdrawn OR state = 'replaced')")
        .fetch_one(&mut *db)
        .await? as usize;
    let inside: usize = candidates.iter().map(|one| one.records.len() + one.copies.len()).sum();
    // Whatever is neither taken back nor part of a group cannot be read, or its words are gone: so the accounts always add up.
    let unreadable = all.saturating_sub(withdrawn + inside);
    Ok(Given { candidates, apart: vec![(Apart::Withdrawn, withdrawn), (Apart::Unreadable, unreadable)] })
}

/// Defines a frame, or defines it anew.
///
/// # Errors
/// Database errors.
pub async fn define(db: &mut Write, row: &FrameRow) -> Result<(), StoreError> {
    sqlx::query("INSERT OR REPLACE INTO frame (name, definition, profile, at) VALUES (?, ?, ?, ?)")
        .bind(&row.name)
        .bind(&row.definition)
        .bind(&row.profile)
        .bind(row.at)
        .execute(&mut **db)
        .await
        .map(drop)
}

/// All frames that are defined here, by name.
///
/// # Errors
/// Database errors.
pub async fn defined(db: &mut SqliteConnection) -> Result<Vec<FrameRow>, StoreError> {
    sqlx::query_as("SELECT name, definition, profile, at FROM frame ORDER BY name").fetch_all(db).await
}

/// Notes a decision; one of the same day about the same record of the same frame is corrected by it.
///
/// # Errors
/// Database errors.
pub async fn decide(db: &mut Write, frame: &str, on: &RecordRef, (day, body): (&str, &str)) -> Result<(), StoreError> {
    sqlx::query("INSERT OR REPLACE INTO frame_decision (frame, hub, rec, day, body) VALUES (?, ?, ?, ?, ?)")
        .bind(frame)
        .bind(on.hub.to_string())
        .bind(&on.rec.as_bytes()[..])
        .bind(day)
        .bind(body)
        .execute(&mut **db)
        .await
        .map(drop)
}

/// The decisions of a frame, as JSON.
///
/// # Errors
/// Database errors.
pub async fn decisions(db: &mut SqliteConnection, frame: &str) -> Result<Vec<String>, StoreError> {
    sqlx::query_scalar("SELECT body FROM frame_decision WHERE frame = ? ORDER BY day, hub, rec")
        .bind(frame)
        .fetch_all(db)
        .await
}

/// Remembers that a frame was frozen.
///
/// # Errors
/// Database errors.
pub async fn froze(db: &mut Write, digest: &str, frame: &str, at: i64) -> Result<(), StoreError> {
    sqlx::query("INSERT OR REPLACE INTO frame_frozen (digest, frame, at) VALUES (?, ?, ?)")
        .bind(digest)
        .bind(frame)
        .bind(at)
        .execute(&mut **db)
        .await
        .map(drop)
}

/// Digests and times (seconds since 1970) at which a frame of this name was frozen here, oldest first.
///
/// # Errors
/// Database errors.
pub async fn frozen(db: &mut SqliteConnection, frame: &str) -> Result<Vec<(String, i64)>, StoreError> {
    sqlx::query_as("SELECT digest, at FROM frame_frozen WHERE frame = ? ORDER BY at, digest")
        .bind(frame)
        .fetch_all(db)
        .await
}

/// Remembers a draw from a frozen frame.
///
/// # Errors
/// Database errors.
pub async fn drew(db: &mut Write, digest: &str, frozen: &str, study: &str, at: i64) -> Result<(), StoreError> {
    sqlx::query("INSERT OR REPLACE INTO frame_draw (digest, frozen, study, at) VALUES (?, ?, ?, ?)")
        .bind(digest)
        .bind(frozen)
        .bind(study)
        .bind(at)
        .execute(&mut **db)
        .await
        .map(drop)
}

/// Digests of the draws that this hub made from a frozen frame for a study, oldest first.
///
/// # Errors
/// Database errors.
pub async fn drawn(db: &mut SqliteConnection, frozen: &str, study: &str) -> Result<Vec<String>, StoreError> {
    sqlx::query_scalar("SELECT digest FROM frame_draw WHERE frozen = ? AND study = ? ORDER BY at, digest")
        .bind(frozen)
        .bind(study)
        .fetch_all(db)
        .await
}
