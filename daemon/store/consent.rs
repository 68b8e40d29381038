//! The consent ledger: who agreed to what, for whom, told by which words. Local only, and never written over: a consent ends
//! by being withdrawn or by its last day.

use super::{StoreError, Write, corrupt};
use crate::record::consent::{Consent, Reader};
use crate::record::contact::Field;
use crate::record::part;
use jiff::civil::Date;
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};
use std::collections::{BTreeMap, BTreeSet};

/// Whose consent it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// Of a role contact, by its local number.
    Contact(i64),
    /// Of a person, by their local number.
    Person(i64),
}

/// An entry of the ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct ConsentRow {
    /// Its number.
    pub n: i64,
    /// Whose.
    pub subject: Subject,
    /// Which fields, by name.
    pub fields: BTreeSet<Field>,
    /// For whom.
    pub readers: BTreeSet<Reader>,
    /// SHA-256 of what they were told.
    pub notice: String,
    /// Version of what they were told.
    pub notice_version: String,
    /// How it was given.
    pub medium: String,
    /// In what role it was obtained.
    pub by_role: String,
    /// The day it was given.
    pub given: Date,
    /// The last day on which it counts.
    pub review: Date,
    /// The day it was withdrawn.
    pub withdrawn: Option<Date>,
}

impl ConsentRow {
    /// As it decides what is signed. A person's decides nothing of that: no part can hold a person.
    pub fn rule(&self) -> Option<Consent> {
        let Subject::Contact(contact) = self.subject else { return None };
        Some(Consent {
            contact,
            fields: self.fields.clone(),
            readers: self.readers.clone(),
            given: self.given,
            review: self.review,
            withdrawn: self.withdrawn,
        })
    }

    /// Whether it counts on a day.
    pub fn in_force(&self, day: Date) -> bool {
        let rule = Consent {
            contact: 0,
            fields: BTreeSet::new(),
            readers: BTreeSet::new(),
            given: self.given,
            review: self.review,
            withdrawn: self.withdrawn,
        };
        rule.in_force(day)
    }
}

/// A reader as stored.
fn written(reader: &Reader) -> String {
    match reader {
        Reader::Public => "public".into(),
        Reader::Hub(hub) => hub.to_string(),
    }
}

fn read_reader(text: &str) -> Option<Reader> {
    if text == "public" { Some(Reader::Public) } else { text.parse().ok().map(Reader::Hub) }
}

impl TryFrom<SqliteRow> for ConsentRow {
    type Error = StoreError;
    fn try_from(row: SqliteRow) -> Result<ConsentRow, StoreError> {
        let day = |column: &'static str| -> Result<Option<Date>, StoreError> {
            let text: Option<String> = row.try_get(column)?;
            text.map(|text| text.parse().map_err(|_| corrupt("consent's days"))).transpose()
        };
        let subject = match (row.try_get("contact")?, row.try_get("person")?) {
            (Some(n), None) => Subject::Contact(n),
            (None, Some(n)) => Subject::Person(n),
            _ => return Err(corrupt("consent.contact")),
        };
        let fields: String = row.try_get("fields")?;
        let fields = fields.split(',').filter(|name| !name.is_empty()).map(Field::named);
        let readers: Option<String> = row.try_get("readers")?;
        let readers = readers.unwrap_or_default();
        let readers = readers.split(',').filter(|text| !text.is_empty()).map(read_reader);
        Ok(ConsentRow {
            n: row.try_get("n")?,
            subject,
            fields: fields.collect::<Option<_>>().ok_or_else(|| corrupt("consent.fields"))?,
            readers: readers.collect::<Option<_>>().ok_or_else(|| corrupt("consent_reader.reader"))?,
            notice: row.try_get("notice")?,
            notice_version: row.try_get("version")?,
            medium: row.try_get("medium")?,
            by_role: row.try_get("by_role")?,
            given: day("given")?.ok_or_else(|| corrupt("consent.given"))?,
            review: day("review")?.ok_or_else(|| corrupt("consent.review"))?,
            withdrawn: day("withdrawn")?,
        })
    }
}

/// The whole ledger, oldest first.
///
/// # Errors
/// Database errors.
pub async fn all(db: &mut SqliteConnection) -> Result<Vec<ConsentRow>, StoreError> {
    sqlx::query(
        "SELECT n, contact, person, fields, notice, version, medium, by_role, given, review, withdrawn, \
         (SELECT group_concat(reader) FROM consent_reader WHERE consent = n) AS readers \
         FROM consent JOIN notice ON notice.hash = consent.notice ORDER BY n",
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(ConsentRow::try_from)
    .collect()
}

/// The consents that decide what is signed and read.
///
/// # Errors
/// Database errors.
pub async fn rules(db: &mut SqliteConnection) -> Result<Vec<Consent>, StoreError> {
    Ok(all(db).await?.iter().filter_map(ConsentRow::rule).collect())
}

/// Adds an entry; `n` and `notice_version` of `row` are not looked at. Returns its number.
///
/// # Errors
/// Database errors; a notice that is not kept.
pub async fn add(db: &mut Write, row: &ConsentRow) -> Result<i64, StoreError> {
    let (contact, person) = match row.subject {
        Subject::Contact(n) => (Some(n), None),
        Subject::Person(n) => (None, Some(n)),
    };
    let fields: Vec<&str> = row.fields.iter().map(|field| field.name()).collect();
    let n: i64 = sqlx::query_scalar(
        "INSERT INTO consent (contact, person, fields, notice, medium, by_role, given, review, withdrawn) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING n",
    )
    .bind(contact)
    .bind(person)
    .bind(fields.join(","))
    .bind(&row.notice)
    .bind(&row.medium)
    .bind(&row.by_role)
    .bind(row.given.to_string())
    .bind(row.review.to_string())
    .bind(row.withdrawn.map(|day| day.to_string()))
    .fetch_one(&mut **db)
    .await?;
    for reader in &row.readers {
        sqlx::query("INSERT INTO consent_reader (consent, reader) VALUES (?, ?)")
            .bind(n)
            .bind(written(reader))
            .execute(&mut **db)
            .await?;
    }
    Ok(n)
}

/// Withdraws a consent from a day on. An earlier withdrawal stands.
///
/// # Errors
/// Database errors.
pub async fn withdraw(db: &mut Write, n: i64, day: Date) -> Result<(), StoreError> {
    sqlx::query("UPDATE consent SET withdrawn = min(coalesce(withdrawn, ?1), ?1) WHERE n = ?2")
        .bind(day.to_string())
        .bind(n)
        .execute(&mut **db)
        .await
        .map(drop)
}

/// Ends the consents of contacts and people that are no longer here, however they went: nothing is in force for nobody.
///
/// # Errors
/// Database errors.
pub async fn end_of_nobody(db: &mut Write, day: Date) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE consent SET withdrawn = ?1 WHERE withdrawn IS NULL AND ((contact IS NOT NULL AND contact NOT IN (SELECT n FROM contact)) \
         OR (person IS NOT NULL AND person NOT IN (SELECT n FROM person)))",
    )
    .bind(day.to_string())
    .execute(&mut **db)
    .await
    .map(drop)
}

/// Removes entries that may no longer be kept, and notices that nobody refers to any more.
///
/// # Errors
/// Database errors.
pub async fn remove(db: &mut Write, numbers: &[i64]) -> Result<(), StoreError> {
    for n in numbers {
        for sql in ["DELETE FROM consent_reader WHERE consent = ?", "DELETE FROM consent WHERE n = ?"] {
            sqlx::query(sql).bind(n).execute(&mut **db).await?;
        }
    }
    sqlx::query("DELETE FROM notice WHERE hash NOT IN (SELECT notice FROM consent)").execute(&mut **db).await.map(drop)
}

/// Keeps what people are told, word for word. Returns its hash.
///
/// # Errors
/// Database errors.
pub async fn keep_notice(db: &mut Write, version: &str, text: &str, now: i64) -> Result<String, StoreError> {
    let hash = part::digest(text.as_bytes());
    sqlx::query("INSERT OR IGNORE INTO notice (hash, version, text, since) VALUES (?, ?, ?, ?)")
        .bind(&hash)
        .bind(version)
        .bind(text)
        .bind(now)
        .execute(&mut **db)
        .await?;
    Ok(hash)
}

/// What people were told, by hash.
///
/// # Errors
/// Database errors.
pub async fn notices(db: &mut SqliteConnection) -> Result<BTreeMap<String, String>, StoreError> {
    let rows: Vec<(String, String)> = sqlx::query_as("SELECT hash, text FROM notice").fetch_all(db).await?;
    Ok(rows.into_iter().collect())
}
