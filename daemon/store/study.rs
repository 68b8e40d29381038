//! Studies in the field: what was drawn, what was noted of it, and which group has which number. Local; nothing here is ever signed,
//! published or exported.

use super::{CHUNK, StoreError, Write};
use sqlx::{QueryBuilder, SqliteConnection};

/// A study as opened here.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct StudyRow {
    /// Its name.
    pub name: String,
    /// Digest of the frame.
    pub digest: String,
    /// JSON of frame and draws.
    pub body: String,
    /// When it was opened, in seconds since 1970.
    pub at: i64,
}

/// An entry as stored.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct EntryRow {
    /// Its number, from 1.
    pub n: i64,
    /// When it happened.
    pub day: String,
    /// When it was noted, in seconds since 1970.
    pub at: i64,
    /// JSON of what happened.
    pub body: String,
}

/// Opens a study with its units, each as JSON in its place.
///
/// # Errors
/// Database errors; among them a study of that name that is there.
pub async fn open(db: &mut Write, row: &StudyRow, units: &[String]) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO study (name, digest, body, at) VALUES (?, ?, ?, ?)")
        .bind(&row.name)
        .bind(&row.digest)
        .bind(&row.body)
        .bind(row.at)
        .execute(&mut **db)
        .await?;
    for (chunk, units) in units.chunks(CHUNK).enumerate() {
        let places = chunk * CHUNK..;
        let mut insert = QueryBuilder::new("INSERT INTO study_unit (study, place, body) ");
        insert.push_values(places.zip(units), |mut values, (place, body)| {
            values.push_bind(&row.name).push_bind(place as i64).push_bind(body);
        });
        insert.build().execute(&mut **db).await?;
    }
    Ok(())
}

/// Forgets a study of which nothing was noted.
///
/// # Errors
/// Database errors.
pub async fn forget(db: &mut Write, study: &str) -> Result<(), StoreError> {
    for sql in ["DELETE FROM study_unit WHERE study = ?", "DELETE FROM study WHERE name = ?"] {
        sqlx::query(sql).bind(study).execute(&mut **db).await?;
    }
    Ok(())
}

/// All studies, by name.
///
/// # Errors
/// Database errors.
pub async fn all(db: &mut SqliteConnection) -> Result<Vec<StudyRow>, StoreError> {
    sqlx::query_as("SELECT name, digest, body, at FROM study ORDER BY name").fetch_all(db).await
}

/// The units of a study, as JSON, in their places.
///
/// # Errors
/// Database errors.
pub async fn units(db: &mut SqliteConnection, study: &str) -> Result<Vec<String>, StoreError> {
    sqlx::query_scalar("SELECT body FROM study_unit WHERE study = ? ORDER BY place").bind(study).fetch_all(db).await
}

/// The entries of a study, in the order in which they were noted.
///
/// # Errors
/// Database errors.
pub async fn entries(db: &mut SqliteConnection, study: &str) -> Result<Vec<EntryRow>, StoreError> {
    sqlx::query_as("SELECT n, day, at, body FROM study_entry WHERE study = ? ORDER BY n")
        .bind(study)
        .fetch_all(db)
        .await
}

/// Adds an entry. Its number must be free: entries are never written over.
///
/// # Errors
/// Database errors.
pub async fn enter(db: &mut Write, study: &str, row: &EntryRow) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO study_entry (study, n, day, at, body) VALUES (?, ?, ?, ?, ?)")
        .bind(study)
        .bind(row.n)
        .bind(&row.day)
        .bind(row.at)
        .bind(&row.body)
        .execute(&mut **db)
        .await
        .map(drop)
}

/// Gives a unit its number.
///
/// # Errors
/// Database errors; among them a number or a unit that has been used.
pub async fn number(db: &mut Write, study: &str, unit: &str, number: i64) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO study_number (study, number, unit) VALUES (?, ?, ?)")
        .bind(study)
        .bind(number)
        .bind(unit)
        .execute(&mut **db)
        .await
        .map(drop)
}

/// The numbers of a study with their units, by number.
///
/// # Errors
/// Database errors.
pub async fn numbers(db: &mut SqliteConnection, study: &str) -> Result<Vec<(i64, String)>, StoreError> {
    sqlx::query_as("SELECT number, unit FROM study_number WHERE study = ? ORDER BY number")
        .bind(study)
        .fetch_all(db)
        .await
}
