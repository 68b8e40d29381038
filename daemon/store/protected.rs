//! Places that must not be known: the one type that holds them, and the one table.
//!
//! [`SealedPlace`] lives beside its SQL, so that private means private: no other file can look into it. It does not
//! serialise, print, compare with texts, or turn into a record; what it can do is be stored, be held against words that are about to be
//! signed ([`SealedPlace::given_away`]), be told to a member of staff who asks for it by name
//! ([`SealedPlace::tell`]), and become part of a record again for a [`Lowered`], which only two people can make.
//!
//! It cannot be serialised; a place that is not sealed can:
//!
//! ```compile_fail,E0277
//! fn out(place: &mutuald::store::protected::SealedPlace) -> String { serde_json::to_string(place).unwrap() }
//! ```
//! ```
//! fn out(place: &mutuald::record::group::Place) -> String { serde_json::to_string(place).unwrap() }
//! # assert_eq!(out(&Default::default()), "{}");
//! ```
//!
//! It cannot be formatted, so it cannot be logged or stand in an error:
//!
//! ```compile_fail,E0277
//! fn log(place: &mutuald::store::protected::SealedPlace) { tracing::error!(?place, "met"); }
//! ```
//! ```
//! fn log(place: &mutuald::record::group::Place) { tracing::error!(?place, "met"); }
//! # log(&Default::default());
//! ```
//! ```compile_fail,E0277
//! fn say(place: &mutuald::store::protected::SealedPlace) -> String { format!("{place}") }
//! ```
//! ```
//! fn say(place: &String) -> String { format!("{place}") }
//! # assert_eq!(say(&"a".to_owned()), "a");
//! ```
//!
//! It cannot be put into a draft, and so not be signed:
//!
//! ```compile_fail,E0308
//! use mutuald::{node::author::Draft, record::statement::{Body, Kind}};
//! fn draft(place: mutuald::store::protected::SealedPlace) -> Draft {
//!     Draft { id: uuid::Uuid::nil(), rev: 1, body: Body::Put(Kind::Record), public: Some(place) }
//! }
//! ```
//! ```
//! use mutuald::{node::author::Draft, record::statement::{Body, Kind}};
//! fn draft(place: String) -> Draft {
//!     Draft { id: uuid::Uuid::nil(), rev: 1, body: Body::Put(Kind::Record), public: Some(place) }
//! }
//! # draft(String::new());
//! ```
//!
//! It cannot become a record, or a text of the index:
//!
//! ```compile_fail,E0277
//! fn record(place: mutuald::store::protected::SealedPlace) -> mutuald::record::Group { place.into() }
//! ```
//! ```
//! fn record(group: mutuald::record::Group) -> mutuald::record::Group { group.into() }
//! # record(Default::default());
//! ```
//! ```compile_fail,E0308
//! fn index(place: mutuald::store::protected::SealedPlace) -> mutuald::registry::search::SearchText {
//!     mutuald::registry::search::SearchText { place, ..Default::default() }
//! }
//! ```
//! ```
//! fn index(place: String) -> mutuald::registry::search::SearchText {
//!     mutuald::registry::search::SearchText { place, ..Default::default() }
//! }
//! # index(String::new());
//! ```

pub mod locked;
mod lowering;
mod scan;

pub use lowering::{LowerError, Lowered, Person, Proposal, confirm, proposal, proposals, propose};

use super::{StoreError, Write, corrupt};
use crate::record::Group;
use crate::record::safety::{self, Level};
use serde_json::{Map, Value};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What a safety level withholds of a record. See the module for what cannot be done with it.
#[derive(Clone, PartialEq)]
pub struct SealedPlace(Map<String, Value>);

/// A row taken apart: what may be signed, where anything may, and what must not.
pub struct Split {
    /// The record without what its level withholds; `None` where nothing of it is signed.
    pub public: Option<Group>,
    /// What is withheld; of a record of which nothing is signed, all of it.
    pub sealed: SealedPlace,
}

/// Takes a record apart by its level. Words stay in the public part: [`SealedPlace::given_away`] says which of them a person
/// must look at first.
pub fn split(group: Group, level: Level) -> Split {
    let said = Group { safety: Some(level.label().to_owned()), ..group }.members();
    if !level.signed() {
        return Split { public: None, sealed: SealedPlace(said) };
    }
    let public = safety::coarsened(&said, level, true);
    let withheld = said.into_iter().filter(|(name, value)| public.get(name) != Some(value)).collect();
    Split { public: crate::record::group::typed(public).ok(), sealed: SealedPlace(withheld) }
}

impl SealedPlace {
    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Which members it holds: names of fields, never values.
    pub fn members(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    /// Fields of a record about to be signed that hold something of what is withheld: the postcode, the venue's name, the street, and the
    /// district where that is withheld too. Names of fields, never what was met.
    pub fn given_away(&self, public: &Group) -> Vec<&'static str> {
        scan::given_away(&self.0, &public.members())
    }

    /// What newer words withhold besides what is withheld already: the newer value of each member counts. A place keeps what
    /// the newer words do not speak of.
    pub fn with(mut self, newer: SealedPlace) -> SealedPlace {
        for (name, value) in newer.0 {
            match (self.0.get_mut(&name), value) {
                (Some(Value::Object(known)), Value::Object(more)) => known.extend(more),
                (_, value) => _ = self.0.insert(name, value),
            }
        }
        self
    }

    /// Whether other words withhold nothing that is not held already.
    pub fn holds(&self, other: &SealedPlace) -> bool {
        self.clone().with(other.clone()) == *self
    }

    /// Whether a postcode and town that are public are where this is: by postcode where both have one, else by town; capitals,
    /// blanks and punctuation do not count. `None` where nobody can tell.
    pub fn is_at(&self, public: [Option<&str>; 2]) -> Option<bool> {
        let folded = |text: &str| {
            let folded: String = text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
            Some(folded).filter(|text| !text.is_empty())
        };
        self.at().into_iter().zip(public).find_map(|(here, there)| Some(folded(here?)? == folded(there?)?))
    }

    /// [`SealedPlace::is_at`], of two that are withheld.
    pub fn is_with(&self, other: &SealedPlace) -> Option<bool> {
        self.is_at(other.at())
    }

    /// Postcode and town.
    fn at(&self) -> [Option<&str>; 2] {
        ["postcode", "locality"].map(|member| self.0.get("place")?.get(member)?.as_str())
    }

    /// The fields and values, for a member of staff who asked for them by name: `group show --protected` and nothing else.
    /// `tests/suite/safety.rs` holds every other file to that.
    pub fn tell(&self) -> Vec<(String, Value)> {
        self.0.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// The record as it was, at a level that two people agreed on, taken apart anew.
    pub fn opened(self, public: Option<Group>, lowered: &Lowered) -> Split {
        let mut whole = public.map(|group| group.members()).unwrap_or_default();
        whole.extend(self.0);
        let mut group: Group = crate::record::group::typed(whole).unwrap_or_default();
        let level = lowered.level();
        if level == Level::Open {
            group.safety = Some(level.label().to_owned());
            return Split { public: Some(group), sealed: SealedPlace(Map::new()) };
        }
        split(group, level)
    }
}

/// Sealed places of rows that are being read, by line. It prints how many there are, and nothing of them.
#[derive(Clone, PartialEq, Default)]
pub struct SealedRows(BTreeMap<u32, SealedPlace>);

impl std::fmt::Debug for SealedRows {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} sealed rows", self.0.len())
    }
}

impl SealedRows {
    /// Keeps a row's.
    pub fn keep(&mut self, line: u32, sealed: SealedPlace) {
        self.0.insert(line, sealed);
    }

    /// A row's.
    pub fn of(&self, line: u32) -> Option<&SealedPlace> {
        self.0.get(&line)
    }

    /// The name and the reference of a row of which nothing is signed, to find it again; both are withheld words, so they are
    /// held against what is stored and go nowhere else.
    fn known(&self, line: u32) -> (Option<&str>, Option<&str>) {
        let text = |name| self.0.get(&line).and_then(|sealed| sealed.0.get(name)).and_then(Value::as_str);
        (text("source_id"), text("name"))
    }
}

/// A protected record of this hub, without what is withheld.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProtectedRow {
    /// The record's id.
    pub rec: Uuid,
    /// The list whose row it is.
    pub list: Option<Uuid>,
    /// Its level.
    pub level: Level,
    /// Since when.
    pub since: i64,
    /// Since when everybody could read it before that; `None` when never.
    pub public_from: Option<i64>,
}

impl TryFrom<&SqliteRow> for ProtectedRow {
    type Error = StoreError;
    fn try_from(row: &SqliteRow) -> Result<ProtectedRow, StoreError> {
        let list: Option<&[u8]> = row.try_get("list")?;
        Ok(ProtectedRow {
            rec: Uuid::from_slice(row.try_get("rec")?).map_err(|_| corrupt("protected.rec"))?,
            list: list.map(Uuid::from_slice).transpose().map_err(|_| corrupt("protected.list"))?,
            level: Level::of(row.try_get("level")?),
            since: row.try_get("since")?,
            public_from: row.try_get("public_from")?,
        })
    }
}

const ALL: &str = "SELECT rec, list, level, since, public_from, value FROM protected";

fn sealed(row: &SqliteRow) -> Result<SealedPlace, StoreError> {
    // A JSON error would hold a piece of the text: only the column is named.
    serde_json::from_str(row.try_get("value")?).map(SealedPlace).map_err(|_| corrupt("protected.value"))
}

/// Every protected record of this hub, by id.
///
/// # Errors
/// Database errors.
pub async fn rows(db: &mut SqliteConnection) -> Result<Vec<ProtectedRow>, StoreError> {
    let rows = sqlx::query(sqlx::AssertSqlSafe(format!("{ALL} ORDER BY rec"))).fetch_all(db).await?;
    rows.iter().map(ProtectedRow::try_from).collect()
}

/// A protected record, with what is withheld.
///
/// # Errors
/// Database errors.
pub async fn get(db: &mut SqliteConnection, rec: Uuid) -> Result<Option<(ProtectedRow, SealedPlace)>, StoreError> {
    let row = sqlx::query(sqlx::AssertSqlSafe(format!("{ALL} WHERE rec = ?")))
        .bind(&rec.as_bytes()[..])
        .fetch_optional(db)
        .await?;
    row.as_ref().map(|row| Ok((ProtectedRow::try_from(row)?, sealed(row)?))).transpose()
}

/// Writes a protected record over what was known of it.
///
/// # Errors
/// Database errors.
pub async fn keep(db: &mut Write, row: &ProtectedRow, place: &SealedPlace) -> Result<(), StoreError> {
    let value = Value::Object(place.0.clone()).to_string();
    sqlx::query(
        "INSERT INTO protected (rec, list, level, since, public_from, value) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (rec) DO UPDATE \
         SET list = excluded.list, level = excluded.level, since = excluded.since, \
         public_from = coalesce(protected.public_from, excluded.public_from), value = excluded.value",
    )
    .bind(&row.rec.as_bytes()[..])
    .bind(row.list.map(|list| list.as_bytes().to_vec()))
    .bind(row.level.label())
    .bind(row.since)
    .bind(row.public_from)
    .bind(value)
    .execute(&mut **db)
    .await
    .map(drop)
}

/// A record is protected no longer.
///
/// # Errors
/// Database errors.
pub async fn release(db: &mut Write, rec: Uuid) -> Result<(), StoreError> {
    for sql in ["DELETE FROM protected WHERE rec = ?", "DELETE FROM protected_words WHERE rec = ?"] {
        sqlx::query(sql).bind(&rec.as_bytes()[..]).execute(&mut **db).await?;
    }
    Ok(())
}

/// Protected records of which nothing is signed, whose name a person has typed: all words of it, in any writing. They are in no
/// index, so the names are gone through; there are few.
///
/// # Errors
/// Database errors.
pub async fn named(db: &mut SqliteConnection, wanted: &str) -> Result<Vec<ProtectedRow>, StoreError> {
    let wanted = crate::registry::normal::words(wanted);
    let rows = sqlx::query(sqlx::AssertSqlSafe(format!("{ALL} ORDER BY rec"))).fetch_all(db).await?;
    let mut found = Vec::new();
    for row in &rows {
        let name = sealed(row)?.0.get("name").and_then(Value::as_str).map(crate::registry::normal::words);
        let whole = name.as_deref() == Some(&wanted);
        let within = |name: &str| wanted.split(' ').all(|word| name.split(' ').any(|known| known.starts_with(word)));
        if !wanted.is_empty() && (whole || name.as_deref().is_some_and(within)) {
            found.push(ProtectedRow::try_from(row)?);
        }
    }
    Ok(found)
}

/// Which of the names of other hubs' groups are the names of records of which nothing is signed here: (record, place in `names`).
///
/// # Errors
/// Database errors.
pub async fn same_name(db: &mut SqliteConnection, names: &[(i64, String)]) -> Result<Vec<(Uuid, i64)>, StoreError> {
    let rows = sqlx::query(sqlx::AssertSqlSafe(format!("{ALL} ORDER BY rec"))).fetch_all(db).await?;
    let mut forms: BTreeMap<String, Vec<Uuid>> = BTreeMap::new();
    for row in &rows {
        if let Some(name) = sealed(row)?.0.get("name").and_then(Value::as_str) {
            forms.entry(crate::registry::normal::words(name)).or_default().push(ProtectedRow::try_from(row)?.rec);
        }
    }
    let mut found = Vec::new();
    for (n, name) in names.iter().filter(|_| !forms.is_empty()) {
        let same = forms.get(&crate::registry::normal::words(name)).into_iter().flatten();
        found.extend(same.map(|rec| (*rec, *n)));
    }
    found.sort_unstable();
    Ok(found)
}

/// How many protected places hold one of these texts, in small letters.
///
/// # Errors
/// Database errors.
pub async fn holding(db: &mut SqliteConnection, texts: &[String]) -> Result<u64, StoreError> {
    let rows = sqlx::query(ALL).fetch_all(db).await?;
    let mut n = 0;
    for row in &rows {
        let value = Value::Object(sealed(row)?.0).to_string().to_ascii_lowercase();
        n += u64::from(texts.iter().any(|text| value.contains(text.as_str())));
    }
    Ok(n)
}

/// Protected records as [`super::gone`] knows them: by the record alone, as its level may have changed since a backup was made.
pub(super) const STANDING: &str = "SELECT lower(hex(rec)), 'place' FROM protected";
/// Lets one go: its record (`?1`), `place` (`?2`), on a day (`?3`).
pub(super) const LET_GO: [&str; 2] = [
    "DELETE FROM protected_words WHERE ?2 = 'place' AND rec IN (SELECT rec FROM protected WHERE lower(hex(rec)) = ?1 \
     AND date(since, 'unixepoch', '-1 day') <= ?3)",
    "DELETE FROM protected WHERE ?2 = 'place' AND lower(hex(rec)) = ?1 AND date(since, 'unixepoch', '-1 day') <= ?3",
];

/// What is withheld of a record goes, with all that was noted beside it: the record is erased.
///
/// # Errors
/// Database errors.
pub async fn erase(db: &mut Write, rec: Uuid) -> Result<(), StoreError> {
    release(db, rec).await?;
    sqlx::query("DELETE FROM safety_proposal WHERE rec = ?")
        .bind(&rec.as_bytes()[..])
        .execute(&mut **db)
        .await
        .map(drop)
}

/// Which record of a list a row is of which nothing is signed: by the row's own reference, or by its name. And whether what is
/// stored says the same as the row.
///
/// # Errors
/// Database errors.
pub async fn again(
    db: &mut SqliteConnection,
    list: Uuid,
    rows: &SealedRows,
    line: u32,
) -> Result<Option<(ProtectedRow, bool)>, StoreError> {
    let (source, name) = rows.known(line);
    let all = sqlx::query(sqlx::AssertSqlSafe(format!("{ALL} WHERE list = ? ORDER BY rec")))
        .bind(&list.as_bytes()[..])
        .fetch_all(db)
        .await?;
    let (mut by_name, mut surely) = (None, false);
    for row in &all {
        let stored = sealed(row)?;
        let text = |member: &str| stored.0.get(member).and_then(Value::as_str);
        let same = rows.of(line).is_some_and(|it| it.0.iter().all(|(k, v)| k == "list" || stored.0.get(k) == Some(v)));
        if source.is_some() && text("source_id") == source {
            return Ok(Some((ProtectedRow::try_from(row)?, same)));
        }
        let form = crate::registry::normal::words;
        let named = name.is_some() && text("name").map(form) == name.map(form);
        // Groups of one name at several places are several groups: the words of one must not take the place of another's.
        let there = rows.of(line).and_then(|it| it.is_with(&stored));
        if named && there != Some(false) && (by_name.is_none() || there == Some(true) && !surely) {
            surely = there == Some(true);
            by_name = Some((ProtectedRow::try_from(row)?, same));
        }
    }
    Ok(by_name)
}

/// Fields of a record's words, about to be signed, that hold something of what is withheld of that record, and of which nobody has
/// said that they may.
///
/// # Errors
/// Database errors.
pub async fn gives_away(db: &mut SqliteConnection, rec: Uuid, public: &str) -> Result<Vec<&'static str>, StoreError> {
    let Some((_, place)) = get(db, rec).await? else { return Ok(Vec::new()) };
    let Ok(group) = Group::read(public) else { return Ok(Vec::new()) };
    let said = group.members();
    let mut found = Vec::new();
    for field in place.given_away(&group) {
        let text = said.get(field).map(Value::to_string).unwrap_or_default();
        if !allowed(db, rec, &text).await? {
            found.push(field);
        }
    }
    Ok(found)
}

async fn allowed(db: &mut SqliteConnection, rec: Uuid, text: &str) -> Result<bool, StoreError> {
    let found = sqlx::query("SELECT 1 FROM protected_words WHERE rec = ? AND digest = ?")
        .bind(&rec.as_bytes()[..])
        .bind(digest(text))
        .fetch_optional(db)
        .await?;
    Ok(found.is_some())
}

fn digest(text: &str) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    Sha256::digest(text).to_vec()
}

/// A person said that these words of a record give nothing away. Other words are looked at again.
///
/// # Errors
/// Database errors.
pub async fn allow(db: &mut Write, rec: Uuid, public: &Group, fields: &[&str]) -> Result<(), StoreError> {
    let said = public.members();
    for field in fields {
        let text = said.get(*field).map(Value::to_string).unwrap_or_default();
        sqlx::query("INSERT OR IGNORE INTO protected_words (rec, digest) VALUES (?, ?)")
            .bind(&rec.as_bytes()[..])
            .bind(digest(&text))
            .execute(&mut **db)
            .await?;
    }
    Ok(())
}

/// Postcodes of protected places, to be looked for in what is said of other groups. It prints nothing of them.
#[derive(Default)]
pub struct Postcodes(Vec<(Uuid, String)>);

impl Postcodes {
    /// Whether a text holds one; of another record than `own`, whose own words [`SealedPlace::given_away`] looks at.
    pub fn stand_in(&self, text: &str, own: Option<Uuid>) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let joined = scan::joined(text);
        self.0.iter().any(|(rec, postcode)| Some(*rec) != own && joined.contains(postcode.as_str()))
    }
}

/// The postcodes of every protected place.
///
/// # Errors
/// Database errors.
pub async fn postcodes(db: &mut SqliteConnection) -> Result<Postcodes, StoreError> {
    let rows = sqlx::query(ALL).fetch_all(db).await?;
    let mut found = Vec::new();
    for row in &rows {
        if let Some(postcode) = scan::postcode(&sealed(row)?.0) {
            found.push((ProtectedRow::try_from(row)?.rec, postcode));
        }
    }
    Ok(Postcodes(found))
}

/// The name of a record of which nothing is signed; of others it stands in the record.
///
/// # Errors
/// Database errors.
pub async fn name(db: &mut SqliteConnection, rec: Uuid) -> Result<Option<String>, StoreError> {
    let found = get(db, rec).await?;
    Ok(found.and_then(|(_, sealed)| sealed.0.get("name").and_then(Value::as_str).map(str::to_owned)))
}

/// Writes down that a level rose.
///
/// # Errors
/// Database errors.
pub async fn note_change(db: &mut Write, rec: Uuid, at: i64, before: Level, after: Level) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO safety_change (rec, at, before, after) VALUES (?, ?, ?, ?)")
        .bind(&rec.as_bytes()[..])
        .bind(at)
        .bind(before.label())
        .bind(after.label())
        .execute(&mut **db)
        .await
        .map(drop)
}

/// Former words of a record, kept so that an import could be undone, are kept no longer.
///
/// # Errors
/// Database errors.
pub async fn forget_before(db: &mut Write, rec: Uuid) -> Result<(), StoreError> {
    sqlx::query("UPDATE import_change SET before = NULL WHERE rec = ?")
        .bind(&rec.as_bytes()[..])
        .execute(&mut **db)
        .await
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Compiles only while no implementation exists: two would make the call ambiguous.
    macro_rules! never {
        ($type:ty: $($bound:path),+) => {$({
            trait Ambiguous<A> { fn met() {} }
            impl<T: ?Sized> Ambiguous<()> for T {}
            struct Met;
            impl<T: ?Sized + $bound> Ambiguous<Met> for T {}
            let _ = <$type as Ambiguous<_>>::met;
        })+};
    }

    #[test]
    fn a_sealed_place_has_no_way_out() {
        never!(SealedPlace: serde::Serialize, std::fmt::Debug, std::fmt::Display, AsRef<str>, Into<String>, Into<Group>);
        never!(SealedPlace: std::ops::Deref, std::borrow::Borrow<str>, IntoIterator, Into<Value>, Into<Map<String, Value>>);
        never!(SealedRows: serde::Serialize, std::fmt::Display, IntoIterator);
        never!(Split: serde::Serialize, std::fmt::Debug);
        let mut rows = SealedRows::default();
        rows.keep(7, split(whole(), Level::Sealed).sealed);
        assert_eq!(format!("{rows:?}"), "1 sealed rows");
    }

    fn whole() -> Group {
        let json = json!({"name": "Reading Circle", "description": "We read.", "topics": ["loneliness"],
            "place": {"venue": "Mill House", "address": "7 Mill Lane", "postcode": "BA5 2QJ", "locality": "Wells"},
            "meetings": [{"text": "Tuesdays at seven"}], "contact": {"phone": "01632 960001"}});
        Group::read(&json.to_string()).unwrap()
    }

    #[test]
    fn a_row_is_taken_apart_by_its_level() {
        for level in [Level::Approximate, Level::ContactFirst] {
            let Split { public, sealed } = split(whole(), level);
            let public = public.unwrap();
            assert_eq!(public.safety.as_deref(), Some(level.label()));
            assert_eq!(sealed.members(), ["meetings", "place"]);
            assert_eq!(public.place.is_some(), level == Level::Approximate);
            assert!(!public.json().contains("Mill") && !public.json().contains("2QJ"), "{}", public.json());
        }
        for level in [Level::Unlisted, Level::Sealed] {
            let Split { public, sealed } = split(whole(), level);
            assert!(public.is_none() && sealed.members().contains(&"name"));
        }
    }
}
