//! Records and decisions, folded from leaves; and which leaves are void.

use super::{CHUNK, StoreError, Write, corrupt};
use crate::record::state::RecordState;
use crate::record::statement::{Body, HubId, Kind, RecordRef, Statement};
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection, sqlite::SqliteRow};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Marks leaves void.
///
/// # Errors
/// Database errors.
pub async fn mark_void(db: &mut Write, voids: &[(i64, &'static str)]) -> Result<(), StoreError> {
    for chunk in voids.chunks(CHUNK) {
        let mut insert = QueryBuilder::<Sqlite>::new("INSERT OR REPLACE INTO void (pos, code) ");
        insert.push_values(chunk, |mut row, (pos, code)| {
            row.push_bind(*pos).push_bind(*code);
        });
        insert.build().execute(&mut **db).await?;
    }
    Ok(())
}

/// Void leaves in a range of positions.
///
/// # Errors
/// Database errors.
pub async fn voids(db: &mut SqliteConnection, from: i64, upto: i64) -> Result<BTreeMap<i64, String>, StoreError> {
    let rows: Vec<(i64, String)> = sqlx::query_as("SELECT pos, code FROM void WHERE pos >= ? AND pos < ?")
        .bind(from)
        .bind(upto)
        .fetch_all(db)
        .await?;
    Ok(rows.into_iter().collect())
}

/// A record of any hub, as folded.
#[derive(Debug, Clone)]
pub struct RecordRow {
    /// Number of its hub.
    pub hub: i64,
    /// Its id there.
    pub rec: Uuid,
    /// What the log says.
    pub state: RecordState,
    /// live, withdrawn, erased, withheld, or unreadable:CODE; `again` when it must be derived again.
    pub standing: String,
    /// Link keys, as stored.
    pub keys: Vec<i64>,
    /// The group it belongs to.
    pub group: Option<i64>,
    /// Hash of what of it is compared; 0 when there is nothing.
    pub compared: i64,
}

impl RecordRow {
    /// A record of which nothing is known but that a leaf names it.
    pub fn new(hub: i64, rec: Uuid, kind: Kind, first: i64) -> RecordRow {
        let state = RecordState::new(kind, first);
        RecordRow { hub, rec, state, standing: String::new(), keys: Vec::new(), group: None, compared: 0 }
    }
}

const COLUMNS: &str = "hub, rec, kind, first, put, put_rev, rev, withdrawn, said, assured, affirmed, affirm, state, keys, grp, compared, awaited FROM record";
/// Without link keys, of which whoever reads lines needs none.
const SPOKEN: &str = "SELECT hub, rec, kind, first, put, put_rev, rev, withdrawn, said, assured, affirmed, affirm, state, x'', grp, compared, awaited, leaf.line \
                      FROM record JOIN leaf ON leaf.pos = record.put \
                      WHERE state = 'live' AND kind = 1 AND line IS NOT NULL AND ";

/// A kind as it is stored.
fn number(kind: Kind) -> i64 {
    match kind {
        Kind::List => 0,
        Kind::Record => 1,
        Kind::Frame => 2,
    }
}

fn kind(number: i64) -> Kind {
    match number {
        0 => Kind::List,
        2 => Kind::Frame,
        _ => Kind::Record,
    }
}

impl TryFrom<SqliteRow> for RecordRow {
    type Error = StoreError;
    /// Takes the columns by their places, which costs a third of finding them by name.
    fn try_from(row: SqliteRow) -> Result<RecordRow, StoreError> {
        let assured: Option<&str> = row.try_get(9)?;
        let keys: &[u8] = row.try_get(13)?;
        let awaited: Option<&str> = row.try_get(16)?;
        Ok(RecordRow {
            hub: row.try_get(0)?,
            rec: Uuid::from_slice(row.try_get(1)?).map_err(|_| corrupt("record.rec"))?,
            state: RecordState {
                kind: kind(row.try_get(2)?),
                first: row.try_get(3)?,
                put: row.try_get::<Option<i64>, _>(4)?.map(|pos| (pos, row.get::<i64, _>(5) as u64)),
                rev: row.try_get::<i64, _>(6)? as u64,
                withdrawn: row.try_get(7)?,
                said: row.try_get(8)?,
                assured: assured.map(serde_json::from_str).transpose().map_err(|_| corrupt("record.assured"))?,
                affirmed: row.try_get(10)?,
                affirm: row.try_get(11)?,
                awaited: awaited.map(serde_json::from_str).transpose().map_err(|_| corrupt("record.awaited"))?,
            },
            standing: row.try_get(12)?,
            keys: keys.as_chunks::<8>().0.iter().map(|key| i64::from_be_bytes(*key)).collect(),
            group: row.try_get(14)?,
            compared: row.try_get(15)?,
        })
    }
}

/// The record by hub and id.
///
/// # Errors
/// Database errors.
pub async fn get(db: &mut SqliteConnection, hub: i64, rec: Uuid) -> Result<Option<RecordRow>, StoreError> {
    sqlx::query(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} WHERE hub = ? AND rec = ?")))
        .bind(hub)
        .bind(&rec.as_bytes()[..])
        .fetch_optional(db)
        .await?
        .map(RecordRow::try_from)
        .transpose()
}

/// Those of the given records that exist, in no promised order.
///
/// # Errors
/// Database errors.
pub async fn get_many(db: &mut SqliteConnection, hub: i64, recs: &[Uuid]) -> Result<Vec<RecordRow>, StoreError> {
    let mut found = Vec::with_capacity(recs.len());
    for chunk in recs.chunks(CHUNK) {
        let mut select = QueryBuilder::<Sqlite>::new(format!("SELECT {COLUMNS} WHERE hub = "));
        select.push_bind(hub).push(" AND rec IN ");
        super::in_list(&mut select, chunk.iter().map(|rec| rec.as_bytes().to_vec()));
        for row in select.build().fetch_all(&mut *db).await? {
            found.push(RecordRow::try_from(row)?);
        }
    }
    Ok(found)
}

/// Those of the records with these numbers that exist, in rising order of their numbers.
///
/// # Errors
/// Database errors.
pub async fn numbered(db: &mut SqliteConnection, numbers: &[i64]) -> Result<Vec<RecordRow>, StoreError> {
    let mut found = Vec::with_capacity(numbers.len());
    for chunk in numbers.chunks(CHUNK) {
        let mut select = QueryBuilder::<Sqlite>::new(format!("SELECT {COLUMNS} WHERE first IN "));
        super::in_list(&mut select, chunk.iter().copied());
        select.push(" ORDER BY first");
        for row in select.build().fetch_all(&mut *db).await? {
            found.push(RecordRow::try_from(row)?);
        }
    }
    Ok(found)
}

/// The live group records among those with these numbers, with the lines of their newest puts; in rising order.
///
/// # Errors
/// Database errors.
pub async fn spoken(db: &mut SqliteConnection, numbers: &[i64]) -> Result<Vec<(RecordRow, String)>, StoreError> {
    let mut found = Vec::with_capacity(numbers.len());
    for chunk in numbers.chunks(CHUNK) {
        let mut select = QueryBuilder::<Sqlite>::new(SPOKEN);
        select.push("first IN ");
        super::in_list(&mut select, chunk.iter().copied());
        select.push(" ORDER BY first");
        for row in select.build().fetch_all(&mut *db).await? {
            let line = row.try_get(17)?;
            found.push((RecordRow::try_from(row)?, line));
        }
    }
    Ok(found)
}

/// The live group records, with the lines of their newest puts, of the groups numbered from one to another, both included.
///
/// # Errors
/// Database errors.
pub async fn spoken_of(db: &mut SqliteConnection, groups: (i64, i64)) -> Result<Vec<(RecordRow, String)>, StoreError> {
    let mut select = QueryBuilder::<Sqlite>::new(SPOKEN);
    select.push("grp >= ").push_bind(groups.0).push(" AND grp <= ").push_bind(groups.1);
    let one = |row: SqliteRow| {
        let line = row.try_get(17)?;
        Ok((RecordRow::try_from(row)?, line))
    };
    select.build().fetch_all(&mut *db).await?.into_iter().map(one).collect()
}

/// Writes records over whatever was known of them.
///
/// # Errors
/// Database errors.
pub async fn write(db: &mut Write, rows: &[RecordRow]) -> Result<(), StoreError> {
    for chunk in rows.chunks(CHUNK) {
        let mut upsert = QueryBuilder::<Sqlite>::new(
            "INSERT INTO record (first, hub, rec, kind, put, put_rev, rev, withdrawn, said, assured, affirmed, affirm, state, keys, grp, compared, awaited) ",
        );
        upsert.push_values(chunk, |mut values, row| {
            let state = &row.state;
            values
                .push_bind(state.first)
                .push_bind(row.hub)
                .push_bind(row.rec.as_bytes().to_vec())
                .push_bind(number(state.kind))
                .push_bind(state.put.map(|(pos, _)| pos))
                .push_bind(state.put.map_or(0, |(_, rev)| rev as i64))
                .push_bind(state.rev as i64)
                .push_bind(state.withdrawn)
                .push_bind(state.said)
                .push_bind(state.assured.as_ref().and_then(|assured| serde_json::to_string(assured).ok()))
                .push_bind(state.affirmed)
                .push_bind(state.affirm)
                .push_bind(&row.standing)
                .push_bind(row.keys.iter().flat_map(|key| key.to_be_bytes()).collect::<Vec<u8>>())
                .push_bind(row.group)
                .push_bind(row.compared)
                .push_bind(state.awaited.as_ref().and_then(|awaited| serde_json::to_string(awaited).ok()));
        });
        upsert.push(
            " ON CONFLICT (first) DO UPDATE SET put = excluded.put, put_rev = excluded.put_rev, rev = excluded.rev, \
             withdrawn = excluded.withdrawn, said = excluded.said, assured = excluded.assured, affirmed = excluded.affirmed, affirm = excluded.affirm, \
             state = excluded.state, keys = excluded.keys, grp = excluded.grp, compared = excluded.compared, awaited = excluded.awaited",
        );
        upsert.build().execute(&mut **db).await?;
    }
    Ok(())
}

/// Forgets a record by its number, for it to be folded again from an earlier leaf.
///
/// # Errors
/// Database errors.
pub async fn forget_one(db: &mut Write, first: i64) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM record WHERE first = ?").bind(first).execute(&mut **db).await.map(drop)
}

/// Lowers effective times above `at` in one log. Rare: only a leaf dated before one that stands before it does this. What
/// it touches is [`super::registry::said_after`] that moment.
///
/// # Errors
/// Database errors.
pub async fn lower(db: &mut Write, log: i64, at: i64) -> Result<(), StoreError> {
    for sql in [
        "UPDATE record SET said = ?1 WHERE hub = ?2 AND said > ?1 AND put >= ?3 AND put < ?4",
        "UPDATE record SET affirmed = ?1 WHERE hub = ?2 AND affirmed > ?1 AND affirm >= ?3 AND affirm < ?4",
        "UPDATE record SET awaited = json_set(awaited, '$.said', ?1) WHERE hub = ?2 AND awaited IS NOT NULL \
         AND awaited ->> 'said' > ?1 AND awaited ->> 'pos' >= ?3 AND awaited ->> 'pos' < ?4",
        "UPDATE record SET awaited = json_set(awaited, '$.affirmed', ?1) WHERE hub = ?2 AND awaited IS NOT NULL \
         AND awaited ->> 'affirmed' > ?1 AND awaited ->> 'affirm' >= ?3 AND awaited ->> 'affirm' < ?4",
        "UPDATE decision SET said = ?1 WHERE hub = ?2 AND said > ?1 AND pos >= ?3 AND pos < ?4",
    ] {
        sqlx::query(sql)
            .bind(at)
            .bind(super::log::hub_of(log))
            .bind(super::log::pos(log, 0))
            .bind(super::log::pos(log + 1, 0))
            .execute(&mut **db)
            .await?;
    }
    Ok(())
}

/// The latest effective time of a log below its head.
///
/// # Errors
/// Database errors.
pub async fn latest(db: &mut SqliteConnection, log: i64) -> Result<i64, StoreError> {
    sqlx::query_scalar("SELECT latest FROM log WHERE n = ?").bind(log).fetch_one(db).await
}

/// Sets it.
///
/// # Errors
/// Database errors.
pub async fn set_latest(db: &mut Write, log: i64, latest: i64) -> Result<(), StoreError> {
    sqlx::query("UPDATE log SET latest = ? WHERE n = ?").bind(latest).bind(log).execute(&mut **db).await.map(drop)
}

/// A link or choose statement.
#[derive(Debug, Clone)]
pub struct DecisionRow {
    /// Number of its author's hub.
    pub hub: i64,
    /// The decision's own record id.
    pub rec: Uuid,
    /// Position of its leaf.
    pub pos: i64,
    /// Effective time.
    pub said: i64,
    /// The statement's text.
    pub body: String,
}

/// A record's key in the decision table.
pub fn end(record: &RecordRef) -> Vec<u8> {
    [&record.hub.0[..], &record.rec.as_bytes()[..]].concat()
}

/// The record of a key in the decision table.
pub fn of_end(bytes: &[u8]) -> Option<RecordRef> {
    let (hub, rec) = bytes.split_first_chunk::<20>()?;
    Some(RecordRef { hub: HubId(*hub), rec: Uuid::from_slice(rec).ok()? })
}

/// Writes a decision over whatever the same id said before.
///
/// # Errors
/// Database errors.
pub async fn decide(db: &mut Write, row: &DecisionRow, a: &RecordRef, b: Option<&RecordRef>) -> Result<(), StoreError> {
    sqlx::query("INSERT OR REPLACE INTO decision (hub, rec, pos, said, body, a, b) VALUES (?, ?, ?, ?, ?, ?, ?)")
        .bind(row.hub)
        .bind(&row.rec.as_bytes()[..])
        .bind(row.pos)
        .bind(row.said)
        .bind(&row.body)
        .bind(end(a))
        .bind(b.map(end))
        .execute(&mut **db)
        .await
        .map(drop)
}

/// Ends that a decision named before it is replaced.
///
/// # Errors
/// Database errors.
pub async fn ends_of(db: &mut SqliteConnection, hub: i64, rec: Uuid) -> Result<Vec<RecordRef>, StoreError> {
    let row: Option<(Vec<u8>, Option<Vec<u8>>)> = sqlx::query_as("SELECT a, b FROM decision WHERE hub = ? AND rec = ?")
        .bind(hub)
        .bind(&rec.as_bytes()[..])
        .fetch_optional(db)
        .await?;
    let Some((a, b)) = row else { return Ok(Vec::new()) };
    [Some(a), b].into_iter().flatten().map(|end| of_end(&end).ok_or_else(|| corrupt("decision.a"))).collect()
}

/// The safety level that a statement of this id stands for now.
///
/// # Errors
/// Database errors.
pub async fn safety_of(db: &mut SqliteConnection, hub: i64, rec: Uuid) -> Result<Option<String>, StoreError> {
    let row: Option<String> = sqlx::query_scalar("SELECT body FROM decision WHERE hub = ? AND rec = ?")
        .bind(hub)
        .bind(&rec.as_bytes()[..])
        .fetch_optional(db)
        .await?;
    let statement = row.and_then(|body| Statement::read(body.as_bytes()).ok());
    Ok(statement.and_then(|statement| match statement.body {
        Body::Safety { level, .. } => Some(level),
        _ => None,
    }))
}

/// Position and effective time of every decision of a hub.
///
/// # Errors
/// Database errors.
pub async fn own_decisions(db: &mut SqliteConnection, hub: i64) -> Result<Vec<(i64, i64)>, StoreError> {
    // What a put says of a record that it replaces is said again with the put.
    sqlx::query_as(
        "SELECT pos, said FROM decision WHERE hub = ? AND body NOT LIKE 'groups-feed/v1 record%' ORDER BY pos",
    )
    .bind(hub)
    .fetch_all(db)
    .await
}

/// Ids of a hub's decisions.
///
/// # Errors
/// Database errors.
pub async fn decided(db: &mut SqliteConnection, hub: i64) -> Result<std::collections::BTreeSet<Uuid>, StoreError> {
    let rows: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT rec FROM decision WHERE hub = ?").bind(hub).fetch_all(db).await?;
    rows.iter().map(|rec| Uuid::from_slice(rec).map_err(|_| corrupt("decision.rec"))).collect()
}

/// Whether anybody decided anything.
///
/// # Errors
/// Database errors.
pub async fn any_decision(db: &mut SqliteConnection) -> Result<bool, StoreError> {
    Ok(sqlx::query("SELECT 1 FROM decision LIMIT 1").fetch_optional(db).await?.is_some())
}

/// Decisions that name any of these records.
///
/// # Errors
/// Database errors.
pub async fn decisions(db: &mut SqliteConnection, records: &[RecordRef]) -> Result<Vec<DecisionRow>, StoreError> {
    let mut found = BTreeMap::new();
    // Most registries hold few decisions: one look saves a query per record.
    if !any_decision(db).await? {
        return Ok(Vec::new());
    }
    for chunk in records.chunks(CHUNK) {
        for column in ["a", "b"] {
            let mut select = QueryBuilder::<Sqlite>::new("SELECT hub, rec, pos, said, body FROM decision WHERE ");
            select.push(column).push(" IN ");
            super::in_list(&mut select, chunk.iter().map(end));
            let rows: Vec<(i64, Vec<u8>, i64, i64, String)> = select.build_query_as().fetch_all(&mut *db).await?;
            for (hub, rec, pos, said, body) in rows {
                let rec = Uuid::from_slice(&rec).map_err(|_| corrupt("decision.rec"))?;
                found.insert((hub, rec), DecisionRow { hub, rec, pos, said, body });
            }
        }
    }
    Ok(found.into_values().collect())
}

/// Forgets everything folded, so that it can be folded again.
///
/// # Errors
/// Database errors.
pub async fn forget(db: &mut Write) -> Result<(), StoreError> {
    super::contact::forget_slots(db).await?;
    for sql in [
        "DELETE FROM record",
        "DELETE FROM decision",
        "DELETE FROM ack",
        "DELETE FROM void",
        "UPDATE log SET latest = 0",
    ] {
        sqlx::query(sql).execute(&mut **db).await?;
    }
    Ok(())
}

/// A hub's lists.
///
/// # Errors
/// Database errors.
pub async fn lists(db: &mut SqliteConnection, hub: i64) -> Result<Vec<RecordRow>, StoreError> {
    // Left to itself, SQLite takes the index of ids for the sake of the order, and goes through every record of the hub.
    sqlx::query(sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} INDEXED BY record_list WHERE hub = ? AND kind = 0 ORDER BY rec"
    )))
    .bind(hub)
    .fetch_all(db)
    .await?
    .into_iter()
    .map(RecordRow::try_from)
    .collect()
}

/// Numbers of the records that belong to these groups.
///
/// # Errors
/// Database errors.
pub async fn members_of(db: &mut SqliteConnection, groups: &[i64]) -> Result<Vec<i64>, StoreError> {
    let mut found = Vec::new();
    for chunk in groups.chunks(CHUNK) {
        let mut select = QueryBuilder::<Sqlite>::new("SELECT first FROM record WHERE grp IN ");
        super::in_list(&mut select, chunk.iter().copied());
        found.extend(select.build_query_scalar::<i64>().fetch_all(&mut *db).await?);
    }
    Ok(found)
}

/// Ids of a hub's records and lists.
///
/// # Errors
/// Database errors.
pub async fn ids(db: &mut SqliteConnection, hub: i64) -> Result<Vec<Uuid>, StoreError> {
    let rows: Vec<Vec<u8>> = sqlx::query_scalar("SELECT rec FROM record WHERE hub = ?").bind(hub).fetch_all(db).await?;
    rows.iter().map(|rec| Uuid::from_slice(rec).map_err(|_| corrupt("record.rec"))).collect()
}
