//! Lines out of sight: superseded, or held by the brake. Nothing serves, indexes, merges or exports them.

use super::{CHUNK, StoreError, Write};
use crate::feed::note::Note;
use crate::record::Statement;
use crate::record::statement::ErasedParts;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use std::ops::Range;
use uuid::Uuid;

/// How long a superseded line stays: 7 days, so that overwriting everything with a stolen key can be undone (PROTOCOL 1.7).
pub const UNDO: i64 = 7 * 86_400;

/// A line that is to go out of sight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// Its leaf.
    pub pos: i64,
    /// Its record.
    pub rec: Uuid,
    /// The revision whose words it has.
    pub rev: u64,
}

/// Takes public lines out of sight; returns how many there were.
///
/// # Errors
/// Database errors.
pub async fn hide(db: &mut Write, hub: i64, lines: &[Line]) -> Result<u64, StoreError> {
    let mut hid = 0;
    for chunk in lines.chunks(CHUNK) {
        let mut insert = QueryBuilder::<Sqlite>::new("WITH gone (pos, rec, rev) AS (");
        insert.push_values(chunk, |mut row, line| {
            row.push_bind(line.pos).push_bind(line.rec.as_bytes().to_vec()).push_bind(line.rev as i64);
        });
        insert.push(
            ") INSERT OR REPLACE INTO hidden (pos, class, hub, rec, rev, line) \
             SELECT leaf.pos, 'public', ",
        );
        insert.push_bind(hub);
        insert.push(
            ", gone.rec, gone.rev, leaf.line FROM gone JOIN leaf ON leaf.pos = gone.pos WHERE leaf.line IS NOT NULL",
        );
        hid += insert.build().execute(&mut **db).await?.rows_affected();
        let positions: Vec<i64> = chunk.iter().map(|line| line.pos).collect();
        super::log::blank(db, &positions).await?;
    }
    Ok(hid)
}

/// What leaves at these positions speak of, of those that have a line.
///
/// # Errors
/// Database errors.
pub async fn at(db: &mut SqliteConnection, positions: &[i64]) -> Result<Vec<Line>, StoreError> {
    let mut found = Vec::new();
    for chunk in positions.chunks(CHUNK) {
        let mut select = QueryBuilder::<Sqlite>::new("SELECT pos, note FROM leaf WHERE line IS NOT NULL AND pos IN ");
        super::in_list(&mut select, chunk.iter().copied());
        let rows: Vec<(i64, Vec<u8>)> = select.build_query_as().fetch_all(&mut *db).await?;
        found.extend(rows.iter().filter_map(|(pos, note)| read(*pos, note)));
    }
    Ok(found)
}

fn read(pos: i64, note: &[u8]) -> Option<Line> {
    let statement = Statement::read(Note::parse(note).ok()?.text.as_bytes()).ok()?;
    Some(Line { pos, rec: statement.id, rev: statement.rev })
}

/// Every line of a record that is held in sight: that of its newest put, where its revision is not above `upto`, and those
/// in ranges of positions that are looked through.
///
/// # Errors
/// Database errors.
pub async fn of_record(
    db: &mut Write,
    hub: i64,
    rec: Uuid,
    upto: u64,
    unfolded: &[Range<i64>],
) -> Result<Vec<Line>, StoreError> {
    let put: Option<(i64, i64)> = sqlx::query_as(
        "SELECT put, put_rev FROM record JOIN leaf ON leaf.pos = put \
         WHERE hub = ? AND rec = ? AND put_rev <= ? AND line IS NOT NULL",
    )
    .bind(hub)
    .bind(&rec.as_bytes()[..])
    .bind(upto as i64)
    .fetch_optional(&mut **db)
    .await?;
    let mut found: Vec<Line> = put.map(|(pos, rev)| Line { pos, rec, rev: rev as u64 }).into_iter().collect();
    // A leaf's text begins with its id, so that its bytes can be found without reading it as JSON.
    for range in unfolded {
        let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(
            "SELECT pos, note FROM leaf WHERE pos >= ? AND pos < ? AND line IS NOT NULL AND instr(note, CAST(? AS BLOB)) > 0",
        )
        .bind(range.start)
        .bind(range.end)
        .bind(format!("\"id\":\"{rec}\""))
        .fetch_all(&mut **db)
        .await?;
        found.extend(rows.iter().filter_map(|(pos, note)| read(*pos, note)).filter(|line| line.rec == rec));
    }
    found.sort_by_key(|line| line.pos);
    found.dedup();
    Ok(found)
}

/// Deletes a record's hidden lines of these classes up to a revision.
///
/// # Errors
/// Database errors.
pub async fn delete(db: &mut Write, hub: i64, rec: Uuid, upto: u64, parts: &ErasedParts) -> Result<(), StoreError> {
    let mut delete = QueryBuilder::<Sqlite>::new("DELETE FROM hidden WHERE hub = ");
    delete.push_bind(hub).push(" AND rec = ").push_bind(rec.as_bytes().to_vec());
    delete.push(" AND rev <= ").push_bind(upto as i64);
    if let ErasedParts::Classes(classes) = parts {
        delete.push(" AND class IN ");
        super::in_list(&mut delete, classes.iter().cloned());
    }
    delete.build().execute(&mut **db).await.map(drop)
}

/// Dates lines that went out of sight since the last time, and deletes those whose time is over. Returns how many.
///
/// # Errors
/// Database errors.
pub async fn expire(db: &mut Write, now: i64) -> Result<u64, StoreError> {
    sqlx::query("UPDATE hidden SET until = ? WHERE until IS NULL").bind(now + UNDO).execute(&mut **db).await?;
    let gone = sqlx::query("DELETE FROM hidden WHERE until IS NOT NULL AND until <= ?").bind(now);
    Ok(gone.execute(&mut **db).await?.rows_affected())
}

/// Brings a hub's public lines in a range of positions back into sight, but for those that are erased for good. Returns how many.
///
/// # Errors
/// Database errors.
pub async fn bring_back(db: &mut Write, hub: i64, range: Range<i64>) -> Result<u64, StoreError> {
    const STANDS: &str = "hub = ?1 AND class = 'public' AND pos >= ?2 AND pos < ?3 AND NOT EXISTS (SELECT 1 FROM erasure \
                          WHERE erasure.hub = ?1 AND erasure.rec = hidden.rec AND erasure.class IN ('*', 'public') \
                          AND erasure.upto >= hidden.rev)";
    let back = format!(
        "UPDATE leaf SET line = hidden.line FROM hidden WHERE leaf.pos = hidden.pos AND {}",
        STANDS.replace(" pos ", " hidden.pos ")
    );
    let mut brought = 0;
    for sql in [back, format!("DELETE FROM hidden WHERE {STANDS}")] {
        let done = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(hub).bind(range.start).bind(range.end);
        brought = done.execute(&mut **db).await?.rows_affected();
    }
    Ok(brought)
}

/// Where the leaves of a record up to a revision are in a range of positions, with the digests of their public parts.
///
/// # Errors
/// Database errors.
pub async fn digests(
    db: &mut SqliteConnection,
    range: Range<i64>,
    rec: Uuid,
    upto: u64,
) -> Result<Vec<(i64, String)>, StoreError> {
    let rows: Vec<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT pos, note FROM leaf WHERE pos >= ? AND pos < ? AND instr(note, CAST(? AS BLOB)) > 0")
            .bind(range.start)
            .bind(range.end)
            .bind(format!("\"id\":\"{rec}\""))
            .fetch_all(db)
            .await?;
    let digest = |(pos, note): (i64, Vec<u8>)| {
        let statement = Statement::read(Note::parse(&note).ok()?.text.as_bytes()).ok()?;
        let of = statement.id == rec && statement.rev <= upto;
        Some((pos, statement.parts.get(crate::record::part::PUBLIC).filter(|_| of)?.clone()))
    };
    Ok(rows.into_iter().filter_map(digest).collect())
}
