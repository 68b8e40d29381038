//! Pairs of records that may speak of one group, as judged for the two alone.

use super::{CHUNK, StoreError, Write};
use crate::registry::linkage::Outcome;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

/// A pair that is not plainly two groups: the numbers of its records, the smaller first; what follows; and the score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// One record.
    pub a: i64,
    /// The other.
    pub b: i64,
    /// [`Outcome::Asked`] or [`Outcome::Joined`].
    pub outcome: Outcome,
    /// Hundredths of a nat.
    pub score: i32,
}

const JOINED: i64 = 2;

/// Writes pairs, over what was known of them.
///
/// # Errors
/// Database errors.
pub async fn add(db: &mut Write, pairs: &[Pair]) -> Result<(), StoreError> {
    for chunk in pairs.chunks(2 * CHUNK) {
        let mut insert = QueryBuilder::<Sqlite>::new("INSERT OR REPLACE INTO pair (a, b, outcome, score) ");
        insert.push_values(chunk, |mut row, pair| {
            let outcome = if pair.outcome == Outcome::Joined { JOINED } else { 1 };
            row.push_bind(pair.a).push_bind(pair.b).push_bind(outcome).push_bind(i64::from(pair.score));
        });
        insert.build().execute(&mut **db).await?;
    }
    Ok(())
}

/// Removes every pair of these records. Returns the records that were joined with them.
///
/// # Errors
/// Database errors.
pub async fn remove(db: &mut Write, records: &[i64]) -> Result<Vec<i64>, StoreError> {
    let mut left = Vec::new();
    for chunk in records.chunks(CHUNK) {
        for sql in ["DELETE FROM pair WHERE a IN ", "DELETE FROM pair WHERE b IN "] {
            let mut delete = QueryBuilder::<Sqlite>::new(sql);
            super::in_list(&mut delete, chunk.iter().copied());
            delete.push(" RETURNING a, b, outcome");
            let gone: Vec<(i64, i64, i64)> = delete.build_query_as().fetch_all(&mut **db).await?;
            left.extend(gone.into_iter().filter(|(.., outcome)| *outcome == JOINED).flat_map(|(a, b, _)| [a, b]));
        }
    }
    Ok(left)
}

/// Removes all pairs. Returns the records that were joined with any.
///
/// # Errors
/// Database errors.
pub async fn clear(db: &mut Write) -> Result<Vec<i64>, StoreError> {
    let joined = joined(db, None).await?.into_iter().flat_map(|(a, b, _)| [a, b]).collect();
    sqlx::query("DELETE FROM pair").execute(&mut **db).await?;
    Ok(joined)
}

/// Joined pairs with any of these records, or all of them: (one, the other, score).
///
/// # Errors
/// Database errors.
pub async fn joined(db: &mut SqliteConnection, records: Option<&[i64]>) -> Result<Vec<(i64, i64, i32)>, StoreError> {
    let Some(records) = records else {
        return sqlx::query_as("SELECT a, b, score FROM pair WHERE outcome = 2").fetch_all(db).await;
    };
    let mut found = Vec::new();
    for chunk in records.chunks(CHUNK) {
        for sql in [
            "SELECT a, b, score FROM pair WHERE outcome = 2 AND a IN ",
            "SELECT a, b, score FROM pair WHERE outcome = 2 AND b IN ",
        ] {
            let mut select = QueryBuilder::<Sqlite>::new(sql);
            super::in_list(&mut select, chunk.iter().copied());
            found.extend(select.build_query_as::<(i64, i64, i32)>().fetch_all(&mut *db).await?);
        }
    }
    Ok(found)
}
