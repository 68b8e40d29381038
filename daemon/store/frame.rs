//! Frames: the registry as a frame looks at it, and what this hub defined, decided, froze and drew.

use super::group::{Key, Loaded, Rules, statement_of};
use super::record::{DecisionRow, RecordRow};
use super::{CHUNK, StoreError, Write, record};
use crate::frame::definition::Definition;
use crate::frame::flow::Apart;
use crate::frame::frozen::Candidate;
use crate::record::RecordRef;
use crate::record::group::Sighting;
use crate::record::statement::Body;
use crate::registry::merged::Open;
use crate::registry::{Cluster, sighting};
use jiff::civil::Date;
use sqlx::SqliteConnection;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// Groups of a page, with what stands behind each where that was asked for.
type Page = Vec<(Candidate, Option<Behind>)>;

/// Pages that wait to be merged while another is read.
const AHEAD: usize = 4;

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
    /// What stands behind each candidate, in the same order; empty where it was not asked for.
    pub behind: Vec<Behind>,
}

/// What stands behind a group of the registry, beyond what a frame holds of it.
#[derive(Debug, Clone)]
pub struct Behind {
    /// The group's id.
    pub id: RecordRef,
    /// Its records.
    pub records: Vec<Told>,
    /// Fields in which its records contradict each other.
    pub conflicts: usize,
    /// Whether everybody may know how it is reached.
    pub public_contact: bool,
}

/// A record, as far as it tells who saw its group.
#[derive(Debug, Clone)]
pub struct Told {
    /// Its number here.
    pub number: i64,
    /// Its name in the world.
    pub record: RecordRef,
    /// Hub number and id of the list whose row it is.
    pub list: Option<Key>,
    /// When it was last checked.
    pub checked: Option<Date>,
    /// Who saw the group, where that is not its own hub.
    pub sightings: Vec<Sighting>,
}

/// Every group of the registry as a frame looks at it, with all its records, so many at a time that memory stays small; with
/// what stands `behind` each, for those who ask how good the frame is.
///
/// # Errors
/// Database errors.
pub async fn given(
    db: &mut SqliteConnection,
    rules: &Rules,
    definition: &Definition,
    behind: bool,
) -> Result<Given, StoreError> {
    let mut given = Given::default();
    let definition = Arc::new(definition.clone());
    // While pages are merged on other cores, the next is read; no more of them than cores could take.
    let mut merging: VecDeque<tokio::task::JoinHandle<Page>> = VecDeque::new();
    let mut last = i64::MIN;
    loop {
        let page = match up_to(db, last).await? {
            None => None,
            Some(upto) => {
                // By numbers of groups, so that no row is fetched to find another.
                let spoken = record::spoken_of(db, (last.saturating_add(1), upto)).await?;
                last = upto;
                let references: Vec<RecordRef> =
                    spoken.iter().filter_map(|(row, _)| rules.reference((row.hub, row.rec))).collect();
                Some((spoken, super::group::decisions(db, rules, &references).await?))
            }
        };
        while page.is_none() || merging.len() >= AHEAD {
            let Some(merged) = merging.pop_front() else { break };
            let merged = merged.await.map_err(|error| StoreError::Protocol(format!("merging stopped: {error}")))?;
            for (candidate, behind) in merged {
                given.candidates.push(candidate);
                given.behind.extend(behind);
            }
        }
        let Some((spoken, decisions)) = page else { break };
        let (rules, definition) = (rules.clone(), definition.clone());
        let merge = move || merged(spoken, &decisions, &rules, &definition, behind);
        merging.push_back(tokio::task::spawn_blocking(merge));
    }
    let count = |sql| sqlx::query_scalar::<_, i64>(sql);
    let all = count("SELECT count(*) FROM record WHERE kind = 1").fetch_one(&mut *db).await? as usize;
    let withdrawn = count("SELECT count(*) FROM record WHERE kind = 1 AND (withdrawn OR state = 'replaced')")
        .fetch_one(&mut *db)
        .await? as usize;
    let inside: usize = given.candidates.iter().map(|one| one.records.len() + one.copies.len()).sum();
    // Whatever is neither taken back nor part of a group cannot be read, or its words are gone: so the accounts always add up.
    let unreadable = all.saturating_sub(withdrawn + inside);
    given.apart = vec![(Apart::Withdrawn, withdrawn), (Apart::Unreadable, unreadable)];
    Ok(given)
}

/// Number of the last group of the page that comes after a group.
async fn up_to(db: &mut SqliteConnection, last: i64) -> Result<Option<i64>, StoreError> {
    sqlx::query_scalar("SELECT max(n) FROM (SELECT n FROM grp WHERE n > ? ORDER BY n LIMIT ?)")
        .bind(last)
        .bind(CHUNK as i64)
        .fetch_one(db)
        .await
}

/// The groups of a page of records.
fn merged(
    spoken: Vec<(RecordRow, String)>,
    decisions: &[DecisionRow],
    rules: &Rules,
    definition: &Definition,
    behind: bool,
) -> Page {
    let loaded = Loaded::of(spoken, rules);
    // Each decision is read once, and looked for at the records that it names: not by every group of the page.
    let mut naming: BTreeMap<RecordRef, Vec<usize>> = BTreeMap::new();
    for (at, row) in decisions.iter().enumerate() {
        let ends = statement_of(&row.body).map(|statement| match statement.body {
            Body::Link { a, b, .. } => vec![a, b],
            Body::Choose { on, .. } | Body::Safety { on, .. } => vec![on],
            _ => Vec::new(),
        });
        for end in ends.into_iter().flatten() {
            naming.entry(rules.successions.now(end)).or_default().push(at);
        }
    }
    let mut groups: BTreeMap<i64, Vec<RecordRef>> = BTreeMap::new();
    for (reference, (row, _)) in &loaded.members {
        groups.entry(row.group.unwrap_or_default()).or_default().push(*reference);
    }
    let one = |members: Vec<RecordRef>| {
        let told: Vec<Told> = members
            .iter()
            .filter_map(|reference| {
                let (row, group) = loaded.members.get(reference)?;
                let checked = row.state.assured.as_ref().or(group.assured.as_ref());
                Some(Told {
                    number: row.state.first,
                    record: *reference,
                    list: group.list.map(|list| (row.hub, list)),
                    checked: checked.map(|assured| assured.date),
                    sightings: if behind { group.sightings.clone() } else { Vec::new() },
                })
            })
            .collect();
        let words = |one: &Told| Some((one.record, &loaded.members.get(&one.record)?.1, one.checked));
        let seen = sighting::seen(told.iter().filter_map(words));
        let mut about: Vec<usize> = members.iter().filter_map(|one| naming.get(one)).flatten().copied().collect();
        about.sort_unstable();
        about.dedup();
        let cluster = Cluster { members, joined: Vec::new() };
        let (merged, _) = loaded.merge(&cluster, rules, about.iter().map(|at| &decisions[*at]));
        let candidate = Candidate::of(&merged, &seen, definition);
        let behind = behind.then(|| Behind {
            id: merged.id,
            records: told,
            conflicts: merged.values.values().filter(|value| value.open == Some(Open::Conflict)).count(),
            public_contact: merged.group().contact.is_some_and(|contact| {
                [contact.phone, contact.email, contact.url].iter().flatten().any(|text| !text.trim().is_empty())
            }),
        });
        (candidate, behind)
    };
    groups.into_values().map(one).collect()
}

/// Numbers of the records of which this hub holds a role contact that it may use, beside what everybody may know.
///
/// # Errors
/// Database errors.
pub async fn with_contact(db: &mut SqliteConnection) -> Result<BTreeSet<i64>, StoreError> {
    let numbers: Vec<i64> = sqlx::query_scalar(
        "SELECT first FROM record JOIN contact ON contact.rec = record.rec WHERE record.hub = 1 \
         UNION SELECT first FROM record JOIN contact_slot USING (hub, rec) \
         WHERE EXISTS (SELECT 1 FROM contact_line WHERE contact_line.pos = contact_slot.pos)",
    )
    .fetch_all(db)
    .await?;
    Ok(numbers.into_iter().collect())
}

/// A frame that a hub published, as it stands.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct PublishedRow {
    /// Number of the hub.
    pub hub: i64,
    /// The record.
    pub rec: Vec<u8>,
    /// Its highest revision.
    pub rev: i64,
    /// When it was said, in seconds since 1970.
    pub said: i64,
    /// Its line.
    pub line: String,
}

/// Every frame that this hub or a partner has published and not taken back, in the order in which they were first said.
///
/// # Errors
/// Database errors.
pub async fn published(db: &mut SqliteConnection) -> Result<Vec<PublishedRow>, StoreError> {
    sqlx::query_as(
        "SELECT record.hub, record.rec, record.rev, record.said, leaf.line FROM record JOIN leaf ON leaf.pos = record.put \
         WHERE kind = 2 AND state = 'live' AND line IS NOT NULL ORDER BY record.hub, record.first",
    )
    .fetch_all(db)
    .await
}

/// A use in the register of research uses.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct UseRow {
    /// Its number.
    pub n: i64,
    /// The study.
    pub study: String,
    /// The ethics committee's reference.
    pub ethics: String,
    /// What for.
    pub purpose: String,
    /// Name of the frame.
    pub frame: String,
    /// Digest of the frame's bytes, where it is a frozen one.
    pub digest: Option<String>,
    /// The organisation that it is released to.
    pub reader: String,
    /// JSON: names of the fields released.
    pub fields: String,
    /// First day.
    pub begun: String,
    /// Last day.
    pub expires: String,
    /// Day on which it was said to have ended.
    pub ended: Option<String>,
    /// When it was noted, in seconds since 1970.
    pub at: i64,
}

/// Notes a use; its number.
///
/// # Errors
/// Database errors.
pub async fn note_use(db: &mut Write, row: &UseRow) -> Result<i64, StoreError> {
    sqlx::query_scalar(
        "INSERT INTO frame_use (study, ethics, purpose, frame, digest, reader, fields, begun, expires, ended, at) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING n",
    )
    .bind(&row.study)
    .bind(&row.ethics)
    .bind(&row.purpose)
    .bind(&row.frame)
    .bind(&row.digest)
    .bind(&row.reader)
    .bind(&row.fields)
    .bind(&row.begun)
    .bind(&row.expires)
    .bind(&row.ended)
    .bind(row.at)
    .fetch_one(&mut **db)
    .await
}

/// The register, the last noted first.
///
/// # Errors
/// Database errors.
pub async fn uses(db: &mut SqliteConnection) -> Result<Vec<UseRow>, StoreError> {
    sqlx::query_as(
        "SELECT n, study, ethics, purpose, frame, digest, reader, fields, begun, expires, ended, at FROM frame_use ORDER BY n DESC",
    )
    .fetch_all(db)
    .await
}

/// Notes that a use has ended; whether there was one that had not.
///
/// # Errors
/// Database errors.
pub async fn end_use(db: &mut Write, n: i64, day: &str) -> Result<bool, StoreError> {
    let done = sqlx::query("UPDATE frame_use SET ended = ? WHERE n = ? AND ended IS NULL")
        .bind(day)
        .bind(n)
        .execute(&mut **db)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Notes another last day of a use that has not ended; whether there was one.
///
/// # Errors
/// Database errors.
pub async fn extend_use(db: &mut Write, n: i64, day: &str) -> Result<bool, StoreError> {
    let done = sqlx::query("UPDATE frame_use SET expires = ? WHERE n = ? AND ended IS NULL")
        .bind(day)
        .bind(n)
        .execute(&mut **db)
        .await?;
    Ok(done.rows_affected() > 0)
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

/// Remembers of which part of the frame a draw is: JSON, a list of codes of areas.
///
/// # Errors
/// Database errors.
pub async fn drew_part(db: &mut Write, digest: &str, part: &str) -> Result<(), StoreError> {
    sqlx::query("UPDATE frame_draw SET part = ? WHERE digest = ?")
        .bind(part)
        .bind(digest)
        .execute(&mut **db)
        .await
        .map(drop)
}

/// Draws that this hub made from a frozen frame for a study, oldest first: digest and part (JSON).
///
/// # Errors
/// Database errors.
pub async fn drawn_parts(
    db: &mut SqliteConnection,
    frozen: &str,
    study: &str,
) -> Result<Vec<(String, String)>, StoreError> {
    sqlx::query_as("SELECT digest, part FROM frame_draw WHERE frozen = ? AND study = ? ORDER BY at, digest")
        .bind(frozen)
        .bind(study)
        .fetch_all(db)
        .await
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
