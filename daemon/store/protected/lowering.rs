//! Making a level less protective: one person proposes, another confirms. This is a guard against a slip and a hurried hand; who
//! holds the hub's keys can sign anything.

use super::super::{StoreError, Write, corrupt};
use crate::record::safety::Level;
use crate::record::vocabulary;
use sqlx::SqliteConnection;
use uuid::Uuid;

/// A person at this hub, as far as lowering needs to know. Who it is stays here; the role is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Name or initials.
    pub name: String,
    /// Vocabulary `safety-roles`.
    pub role: String,
}

impl Person {
    /// Whether two are the same person, however the name is written.
    fn is(&self, other: &Person) -> bool {
        let form = |name: &str| -> String {
            let plain = deunicode::deunicode(name).to_lowercase();
            plain.chars().filter(char::is_ascii_alphanumeric).collect()
        };
        form(&self.name) == form(&other.name)
    }
}

/// A level that one person wants to lower.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The record.
    pub rec: Uuid,
    /// To which level.
    pub level: Level,
    /// Who.
    pub by: Person,
    /// When.
    pub at: i64,
}

/// Why a level is not lowered.
#[derive(Debug, thiserror::Error)]
pub enum LowerError {
    /// Nobody proposed it.
    #[error("nobody has proposed to lower it")]
    NotProposed,
    /// Somebody proposed another level.
    #[error("what was proposed is {proposed:?}, not {asked:?}", proposed = proposed.label(), asked = asked.label())]
    OtherLevel {
        /// What was proposed.
        proposed: Level,
        /// What is asked for.
        asked: Level,
    },
    /// One person cannot do both.
    #[error("the person who proposed it cannot confirm it")]
    SamePerson,
    /// Without a name nobody is a second person.
    #[error("a name or initials are missing")]
    NoName,
    /// A role outside the vocabulary.
    #[error("the role {0:?} is not known")]
    Role(String),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl LowerError {
    /// Stable kebab-case code.
    pub fn code(&self) -> &'static str {
        match self {
            LowerError::NotProposed => "not-proposed",
            LowerError::OtherLevel { .. } => "other-level",
            LowerError::SamePerson => "same-person",
            LowerError::NoName => "no-name",
            LowerError::Role(_) => "unknown-role",
            LowerError::Store(_) => "database",
        }
    }
}

/// Proof that two people agreed to lower a level. [`confirm`] alone makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lowered {
    rec: Uuid,
    level: Level,
    roles: [String; 2],
}

impl Lowered {
    /// The record.
    pub fn rec(&self) -> Uuid {
        self.rec
    }

    /// The new level.
    pub fn level(&self) -> Level {
        self.level
    }

    /// The roles of who proposed and who confirmed.
    pub fn roles(&self) -> &[String; 2] {
        &self.roles
    }
}

fn sound(person: &Person) -> Result<(), LowerError> {
    if !person.name.chars().any(char::is_alphanumeric) {
        return Err(LowerError::NoName);
    }
    match vocabulary::safety_roles().get(&person.role) {
        Some(_) => Ok(()),
        None => Err(LowerError::Role(person.role.clone())),
    }
}

/// Writes a proposal down, over an earlier one for the record.
///
/// # Errors
/// [`LowerError`].
pub async fn propose(db: &mut Write, proposal: &Proposal) -> Result<(), LowerError> {
    sound(&proposal.by)?;
    sqlx::query("INSERT OR REPLACE INTO safety_proposal (rec, level, person, role, at) VALUES (?, ?, ?, ?, ?)")
        .bind(&proposal.rec.as_bytes()[..])
        .bind(proposal.level.label())
        .bind(&proposal.by.name)
        .bind(&proposal.by.role)
        .bind(proposal.at)
        .execute(&mut **db)
        .await?;
    Ok(())
}

/// All proposals that wait, by record.
///
/// # Errors
/// Database errors.
pub async fn proposals(db: &mut SqliteConnection) -> Result<Vec<Proposal>, StoreError> {
    let rows: Vec<(Vec<u8>, String, String, String, i64)> =
        sqlx::query_as("SELECT rec, level, person, role, at FROM safety_proposal ORDER BY rec").fetch_all(db).await?;
    rows.into_iter()
        .map(|(rec, level, name, role, at)| {
            let rec = Uuid::from_slice(&rec).map_err(|_| corrupt("safety_proposal.rec"))?;
            Ok(Proposal { rec, level: Level::of(&level), by: Person { name, role }, at })
        })
        .collect()
}

/// The proposal for a record.
///
/// # Errors
/// Database errors.
pub async fn proposal(db: &mut SqliteConnection, rec: Uuid) -> Result<Option<Proposal>, StoreError> {
    Ok(proposals(db).await?.into_iter().find(|proposal| proposal.rec == rec))
}

/// A second person confirms a proposal: it is taken away, and what was done is written down.
///
/// # Errors
/// [`LowerError`]; nothing is changed then.
pub async fn confirm(
    db: &mut Write,
    rec: Uuid,
    before: Level,
    level: Level,
    person: &Person,
    now: i64,
) -> Result<Lowered, LowerError> {
    sound(person)?;
    let proposal = proposal(db, rec).await?.ok_or(LowerError::NotProposed)?;
    if proposal.level != level {
        return Err(LowerError::OtherLevel { proposed: proposal.level, asked: level });
    }
    if proposal.by.is(person) {
        return Err(LowerError::SamePerson);
    }
    sqlx::query("DELETE FROM safety_proposal WHERE rec = ?").bind(&rec.as_bytes()[..]).execute(&mut **db).await?;
    sqlx::query(
        "INSERT INTO safety_change (rec, at, before, after, person, role, confirmed, confirmed_role) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(&rec.as_bytes()[..])
    .bind(now)
    .bind(before.label())
    .bind(level.label())
    .bind(&proposal.by.name)
    .bind(&proposal.by.role)
    .bind(&person.name)
    .bind(&person.role)
    .execute(&mut **db)
    .await?;
    Ok(Lowered { rec, level, roles: [proposal.by.role, person.role.clone()] })
}
