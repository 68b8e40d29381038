//! People, as this hub knows them. Local only.
//!
//! What they are called and where they live is [`Personal`]: it is no text, cannot be serialised, compared or printed, and
//! shows itself only to whoever asks with [`Personal::reveal`], which three commands do and nothing else. So no path leads
//! from a person to a part, a log line or an error:
//!
//! ```compile_fail
//! // A part's words are serialised; a person is not.
//! fn part(person: &mutuald::store::person::PersonRow) -> String { serde_json::to_string(person).unwrap() }
//! ```
//! ```compile_fail
//! // The signer takes text; a person's name is none.
//! fn draft(person: mutuald::store::person::PersonRow) -> Option<String> { Some(person.name) }
//! ```
//! ```compile_fail
//! // Nor does it turn into text by being printed.
//! fn log(person: &mutuald::store::person::PersonRow) -> String { format!("{}", person.name) }
//! ```

use super::{StoreError, Write, corrupt};
use jiff::civil::Date;
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};
use std::fmt;
use uuid::Uuid;

/// Something of a person's.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Personal(String);

impl Personal {
    /// Takes it in.
    pub fn new(text: impl Into<String>) -> Personal {
        Personal(text.into())
    }

    /// Shows it, to one of the hub's people who asked for this person.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Personal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("(personal)")
    }
}

/// A person.
#[derive(Debug, Clone, Default)]
pub struct PersonRow {
    /// Their local number.
    pub n: i64,
    /// The record of the group they stand for.
    pub rec: Option<Uuid>,
    /// Name.
    pub name: Personal,
    /// In what role this hub knows them.
    pub role: String,
    /// Mailbox.
    pub email: Option<Personal>,
    /// Telephone.
    pub phone: Option<Personal>,
    /// Address.
    pub address: Option<Personal>,
    /// What support they asked for.
    pub needs: Option<Personal>,
    /// Notes.
    pub notes: Option<Personal>,
    /// When the entry was made, in seconds since 1970.
    pub made: i64,
    /// When it was last confirmed.
    pub confirmed: i64,
}

impl TryFrom<SqliteRow> for PersonRow {
    type Error = StoreError;
    fn try_from(row: SqliteRow) -> Result<PersonRow, StoreError> {
        let personal = |column: &str| Ok::<_, StoreError>(row.try_get::<Option<String>, _>(column)?.map(Personal));
        let rec: Option<Vec<u8>> = row.try_get("rec")?;
        Ok(PersonRow {
            n: row.try_get("n")?,
            rec: rec.map(|rec| Uuid::from_slice(&rec).map_err(|_| corrupt("person.rec"))).transpose()?,
            name: Personal(row.try_get("name")?),
            role: row.try_get("role")?,
            email: personal("email")?,
            phone: personal("phone")?,
            address: personal("address")?,
            needs: personal("needs")?,
            notes: personal("notes")?,
            made: row.try_get("made")?,
            confirmed: row.try_get("confirmed")?,
        })
    }
}

/// Everybody, in the order of their numbers.
///
/// # Errors
/// Database errors.
pub async fn all(db: &mut SqliteConnection) -> Result<Vec<PersonRow>, StoreError> {
    sqlx::query(
        "SELECT n, rec, name, role, email, phone, address, needs, notes, made, confirmed FROM person ORDER BY n",
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(PersonRow::try_from)
    .collect()
}

/// Makes an entry (number 0), or writes one over. Returns its number.
///
/// # Errors
/// Database errors.
pub async fn save(db: &mut Write, row: &PersonRow) -> Result<i64, StoreError> {
    let text = |value: &Option<Personal>| value.as_ref().map(|value| value.0.clone());
    sqlx::query_scalar(
        "INSERT INTO person (n, rec, name, role, email, phone, address, needs, notes, made, confirmed) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (n) DO UPDATE SET rec = excluded.rec, name = excluded.name, \
         role = excluded.role, email = excluded.email, phone = excluded.phone, address = excluded.address, \
         needs = excluded.needs, notes = excluded.notes, confirmed = excluded.confirmed RETURNING n",
    )
    .bind((row.n > 0).then_some(row.n))
    .bind(row.rec.map(|rec| rec.as_bytes().to_vec()))
    .bind(&row.name.0)
    .bind(&row.role)
    .bind(text(&row.email))
    .bind(text(&row.phone))
    .bind(text(&row.address))
    .bind(text(&row.needs))
    .bind(text(&row.notes))
    .bind(row.made)
    .bind(row.confirmed)
    .fetch_one(&mut **db)
    .await
}

/// **Removes everything of a person.** This is what an erasure calls. Their consents end, and stay: numbers, labels and days.
///
/// # Errors
/// Database errors.
pub async fn erase(db: &mut Write, n: i64, day: Date) -> Result<(), StoreError> {
    sqlx::query("UPDATE consent SET withdrawn = min(coalesce(withdrawn, ?1), ?1) WHERE person = ?2")
        .bind(day.to_string())
        .bind(n)
        .execute(&mut **db)
        .await?;
    for sql in ["DELETE FROM person WHERE n = ?", "DELETE FROM person_log WHERE person = ?"] {
        sqlx::query(sql).bind(n).execute(&mut **db).await?;
    }
    Ok(())
}

/// Notes that somebody looked at or changed an entry: what was done, never what it says.
///
/// # Errors
/// Database errors.
pub async fn note(db: &mut Write, n: i64, what: &str, now: i64) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO person_log (at, person, what) VALUES (?, ?, ?)")
        .bind(now)
        .bind(n)
        .bind(what)
        .execute(&mut **db)
        .await
        .map(drop)
}

/// What was done with an entry, oldest first.
///
/// # Errors
/// Database errors.
pub async fn log(db: &mut SqliteConnection, n: i64) -> Result<Vec<(i64, String)>, StoreError> {
    sqlx::query_as("SELECT at, what FROM person_log WHERE person = ? ORDER BY at, rowid").bind(n).fetch_all(db).await
}

/// Forgets what was done before a moment.
///
/// # Errors
/// Database errors.
pub async fn forget_log(db: &mut Write, before: i64) -> Result<u64, StoreError> {
    Ok(sqlx::query("DELETE FROM person_log WHERE at < ?").bind(before).execute(&mut **db).await?.rows_affected())
}
