//! Role contacts: this hub's own entries, the lines that consents let out, and those that partner hubs gave us. Their own
//! tables, so that no query for public words can bring them along.

use super::log::{LogRow, OWN, index, pos};
use super::{StoreError, Write, corrupt};
use crate::record::consent::{Consented, Holds};
use crate::record::contact::CONTACT;
use crate::record::contact::{Field, RoleContact};
use crate::record::statement::HubId;
use jiff::civil::Date;
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// An entry of this hub: a role contact of one of its records.
#[derive(Debug, Clone, PartialEq)]
pub struct ContactRow {
    /// Its local number.
    pub n: i64,
    /// The record.
    pub rec: Uuid,
    /// What it says.
    pub contact: RoleContact,
    /// When it was made, in seconds since 1970.
    pub made: i64,
    /// When it was last confirmed.
    pub confirmed: i64,
}

impl TryFrom<SqliteRow> for ContactRow {
    type Error = StoreError;
    fn try_from(row: SqliteRow) -> Result<ContactRow, StoreError> {
        let mut contact = RoleContact { role: row.try_get("role")?, ..RoleContact::default() };
        for field in Field::ALL {
            contact.set(field, row.try_get(field.name())?);
        }
        Ok(ContactRow {
            n: row.try_get("n")?,
            rec: Uuid::from_slice(row.try_get("rec")?).map_err(|_| corrupt("contact.rec"))?,
            contact,
            made: row.try_get("made")?,
            confirmed: row.try_get("confirmed")?,
        })
    }
}

const COLUMNS: &str = "SELECT n, rec, role, email, phone, url, hours, notes, made, confirmed FROM contact";

/// Every entry, in the order of their numbers.
///
/// # Errors
/// Database errors.
pub async fn all(db: &mut SqliteConnection) -> Result<Vec<ContactRow>, StoreError> {
    let sql = format!("{COLUMNS} ORDER BY n");
    sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(db).await?.into_iter().map(ContactRow::try_from).collect()
}

/// The entries of one record.
///
/// # Errors
/// Database errors.
pub async fn of(db: &mut SqliteConnection, rec: Uuid) -> Result<Vec<ContactRow>, StoreError> {
    let sql = format!("{COLUMNS} WHERE rec = ? ORDER BY n");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(&rec.as_bytes()[..]).fetch_all(db).await?;
    rows.into_iter().map(ContactRow::try_from).collect()
}

/// One entry.
///
/// # Errors
/// Database errors.
pub async fn get(db: &mut SqliteConnection, n: i64) -> Result<Option<ContactRow>, StoreError> {
    let sql = format!("{COLUMNS} WHERE n = ?");
    sqlx::query(sqlx::AssertSqlSafe(sql)).bind(n).fetch_optional(db).await?.map(ContactRow::try_from).transpose()
}

/// Makes an entry (number 0), or writes one over. Returns its number.
///
/// # Errors
/// Database errors.
pub async fn save(db: &mut Write, row: &ContactRow) -> Result<i64, StoreError> {
    let contact = &row.contact;
    sqlx::query_scalar(
        "INSERT INTO contact (n, rec, role, email, phone, url, hours, notes, made, confirmed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
         ON CONFLICT (n) DO UPDATE SET role = excluded.role, email = excluded.email, phone = excluded.phone, url = excluded.url, \
         hours = excluded.hours, notes = excluded.notes, confirmed = excluded.confirmed RETURNING n",
    )
    .bind((row.n > 0).then_some(row.n))
    .bind(&row.rec.as_bytes()[..])
    .bind(&contact.role)
    .bind(&contact.email)
    .bind(&contact.phone)
    .bind(&contact.url)
    .bind(&contact.hours)
    .bind(&contact.notes)
    .bind(row.made)
    .bind(row.confirmed)
    .fetch_one(&mut **db)
    .await
}

/// Removes an entry, and ends its consents: from this day on. What was signed of it goes when contacts are tended next.
///
/// # Errors
/// Database errors.
pub async fn remove(db: &mut Write, n: i64, day: Date) -> Result<(), StoreError> {
    sqlx::query("UPDATE consent SET withdrawn = min(coalesce(withdrawn, ?1), ?1) WHERE contact = ?2")
        .bind(day.to_string())
        .bind(n)
        .execute(&mut **db)
        .await?;
    sqlx::query("DELETE FROM contact WHERE n = ?").bind(n).execute(&mut **db).await.map(drop)
}

/// **Removes the contact lines of a record up to a revision**, whoever's it is. Called by `store::erase::obey`, which sees to it that
/// they never come back.
///
/// # Errors
/// Database errors.
pub async fn erase(db: &mut Write, hub: i64, rec: Uuid, upto: u64) -> Result<(), StoreError> {
    drop_line(db, hub, rec, Some(upto)).await?;
    sqlx::query("DELETE FROM contact_slot WHERE hub = ? AND rec = ? AND rev <= ?")
        .bind(hub)
        .bind(&rec.as_bytes()[..])
        .bind(upto as i64)
        .execute(&mut **db)
        .await
        .map(drop)
}

/// **Removes this hub's own entries of a record.** Whoever erases a contact of our own calls this, then signs the record again
/// or erases the class.
///
/// # Errors
/// Database errors.
pub async fn erase_entries(db: &mut Write, rec: Uuid) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM contact WHERE rec = ?").bind(&rec.as_bytes()[..]).execute(&mut **db).await.map(drop)
}

/// Removes the line that is held of a record: of a revision up to `upto`, or whichever it is.
///
/// # Errors
/// Database errors.
pub async fn drop_line(db: &mut Write, hub: i64, rec: Uuid, upto: Option<u64>) -> Result<(), StoreError> {
    let upto = upto.map_or(i64::MAX, |upto| upto as i64);
    sqlx::query(
        "DELETE FROM contact_line WHERE pos = (SELECT pos FROM contact_slot WHERE hub = ? AND rec = ? AND rev <= ?)",
    )
    .bind(hub)
    .bind(&rec.as_bytes()[..])
    .bind(upto)
    .execute(&mut **db)
    .await
    .map(drop)
}

/// Records of a hub of which something was ever said about contacts: only these need a look when a leaf of them comes.
///
/// # Errors
/// Database errors.
pub async fn slots(db: &mut SqliteConnection, hub: i64) -> Result<BTreeSet<Uuid>, StoreError> {
    let rows: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT rec FROM contact_slot WHERE hub = ?").bind(hub).fetch_all(db).await?;
    rows.iter().map(|rec| Uuid::from_slice(rec).map_err(|_| corrupt("contact_slot.rec"))).collect()
}

/// A record's newest put names a contact part (or none any more): what was held of an older one goes.
///
/// # Errors
/// Database errors.
pub async fn stated(
    db: &mut Write,
    hub: i64,
    rec: Uuid,
    (at, rev): (i64, u64),
    digest: Option<&str>,
) -> Result<(), StoreError> {
    let id = rec.as_bytes().to_vec();
    sqlx::query(
        "DELETE FROM contact_line WHERE pos = (SELECT pos FROM contact_slot WHERE hub = ? AND rec = ?) AND pos <> ?",
    )
    .bind(hub)
    .bind(&id)
    .bind(at)
    .execute(&mut **db)
    .await?;
    let gone = super::erase::upto(db, hub, rec, CONTACT).await?.is_some_and(|upto| rev <= upto);
    let Some(digest) = digest.filter(|_| !gone) else {
        let sql = "DELETE FROM contact_slot WHERE hub = ? AND rec = ?";
        return sqlx::query(sql).bind(hub).bind(&id).execute(&mut **db).await.map(drop);
    };
    sqlx::query(
        "INSERT INTO contact_slot (hub, rec, pos, rev, digest) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (hub, rec) DO UPDATE SET \
         pos = ?3, rev = ?4, digest = ?5, asked = 0",
    )
    .bind(hub)
    .bind(&id)
    .bind(at)
    .bind(rev as i64)
    .bind(digest)
    .execute(&mut **db)
    .await
    .map(drop)
}

/// What was signed at one position of the own log is signed again at another, word for word: its line goes with it.
///
/// # Errors
/// Database errors.
pub async fn carry(db: &mut Write, from: i64, to: i64) -> Result<(), StoreError> {
    for sql in [
        "INSERT INTO contact_line (pos, line) SELECT ?2, line FROM contact_line WHERE pos = ?1",
        "INSERT INTO contact_holds (pos, contact, field) SELECT ?2, contact, field FROM contact_holds WHERE pos = ?1",
        "INSERT INTO contact_served (pos, hub, at) SELECT ?2, hub, at FROM contact_served WHERE pos = ?1",
    ] {
        sqlx::query(sql).bind(from).bind(to).execute(&mut **db).await?;
    }
    Ok(())
}

/// Forgets what was derived, so that it can be derived again.
///
/// # Errors
/// Database errors.
pub async fn forget_slots(db: &mut Write) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM contact_slot").execute(&mut **db).await.map(drop)
}

/// Forgets all that came from a partner hub.
///
/// # Errors
/// Database errors.
pub async fn forget_hub(db: &mut Write, hub: i64) -> Result<(), StoreError> {
    for held in super::log::held_of(db, hub).await? {
        sqlx::query("DELETE FROM contact_line WHERE pos >= ? AND pos < ?")
            .bind(held.start)
            .bind(held.end)
            .execute(&mut **db)
            .await?;
    }
    for sql in ["DELETE FROM contact_slot WHERE hub = ?", "DELETE FROM contact_source WHERE hub = ?"] {
        sqlx::query(sql).bind(hub).execute(&mut **db).await?;
    }
    Ok(())
}

// ---- Lines ----

/// Keeps the line that was signed at a position of the own log, with what it holds.
///
/// # Errors
/// Database errors.
pub async fn keep_own(db: &mut Write, at: i64, line: &str, part: &Consented) -> Result<(), StoreError> {
    keep(db, at, line).await?;
    for (contact, field) in part.holds() {
        sqlx::query("INSERT INTO contact_holds (pos, contact, field) VALUES (?, ?, ?)")
            .bind(at)
            .bind(contact)
            .bind(field.name())
            .execute(&mut **db)
            .await?;
    }
    Ok(())
}

/// Keeps a line that came and was checked.
///
/// # Errors
/// Database errors.
pub async fn keep(db: &mut Write, at: i64, line: &str) -> Result<(), StoreError> {
    sqlx::query("INSERT OR REPLACE INTO contact_line (pos, line) VALUES (?, ?)")
        .bind(at)
        .bind(line)
        .execute(&mut **db)
        .await
        .map(drop)
}

/// A line that stands, with whose it is.
#[derive(Debug, Clone, PartialEq)]
pub struct LineRow {
    /// Its position.
    pub pos: i64,
    /// The record.
    pub rec: Uuid,
    /// The line.
    pub line: String,
}

/// Lines that stand in a range of positions of a hub's log: of newest puts, and not erased.
///
/// # Errors
/// Database errors.
pub async fn lines(db: &mut SqliteConnection, from: i64, upto: i64) -> Result<Vec<LineRow>, StoreError> {
    let rows: Vec<(i64, Vec<u8>, String)> = sqlx::query_as(
        "SELECT contact_line.pos, rec, line FROM contact_line JOIN contact_slot ON contact_slot.pos = contact_line.pos \
         WHERE contact_line.pos >= ? AND contact_line.pos < ? ORDER BY contact_line.pos",
    )
    .bind(from)
    .bind(upto)
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|(pos, rec, line)| {
            Ok(LineRow { pos, rec: Uuid::from_slice(&rec).map_err(|_| corrupt("contact_slot.rec"))?, line })
        })
        .collect()
}

/// The line that stands of a record.
///
/// # Errors
/// Database errors.
pub async fn line_of(db: &mut SqliteConnection, hub: i64, rec: Uuid) -> Result<Option<LineRow>, StoreError> {
    let row: Option<(i64, String)> = sqlx::query_as(
        "SELECT contact_line.pos, line FROM contact_slot JOIN contact_line ON contact_line.pos = contact_slot.pos \
         WHERE hub = ? AND rec = ?",
    )
    .bind(hub)
    .bind(&rec.as_bytes()[..])
    .fetch_optional(db)
    .await?;
    Ok(row.map(|(pos, line)| LineRow { pos, rec, line }))
}

/// What the own line at a position holds.
///
/// # Errors
/// Database errors.
pub async fn holds(db: &mut SqliteConnection, at: i64) -> Result<Vec<Holds>, StoreError> {
    let rows: Vec<(i64, String)> =
        sqlx::query_as("SELECT contact, field FROM contact_holds WHERE pos = ? ORDER BY contact, field")
            .bind(at)
            .fetch_all(db)
            .await?;
    rows.into_iter()
        .map(|(contact, field)| Ok((contact, Field::named(&field).ok_or_else(|| corrupt("contact_holds.field"))?)))
        .collect()
}

/// Own records that have entries, or of which a contact part is signed.
///
/// # Errors
/// Database errors.
pub async fn concerned(db: &mut SqliteConnection) -> Result<Vec<Uuid>, StoreError> {
    let rows: Vec<Vec<u8>> = sqlx::query_scalar(
        "SELECT rec FROM contact UNION SELECT rec FROM contact_slot WHERE hub = ? AND pos IS NOT NULL ORDER BY 1",
    )
    .bind(OWN)
    .fetch_all(db)
    .await?;
    rows.iter().map(|rec| Uuid::from_slice(rec).map_err(|_| corrupt("contact.rec"))).collect()
}

/// How many lines of partner hubs are held, by hub number.
///
/// # Errors
/// Database errors.
pub async fn received(db: &mut SqliteConnection) -> Result<BTreeMap<i64, i64>, StoreError> {
    let rows: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT hub, count(*) FROM contact_slot JOIN contact_line ON contact_line.pos = contact_slot.pos WHERE hub <> ? GROUP BY hub",
    )
    .bind(OWN)
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().collect())
}

// ---- Who reads ----

/// Hubs that may read contact parts at all, with when they were let.
///
/// # Errors
/// Database errors.
pub async fn readers(db: &mut SqliteConnection) -> Result<BTreeMap<HubId, i64>, StoreError> {
    let rows: Vec<(String, i64)> = sqlx::query_as("SELECT hub, since FROM contact_reader").fetch_all(db).await?;
    rows.into_iter().map(|(hub, since)| Ok((hub.parse().map_err(|_| corrupt("contact_reader.hub"))?, since))).collect()
}

/// Lets a hub read contact parts (`since`), or no longer (`None`).
///
/// # Errors
/// Database errors.
pub async fn share(db: &mut Write, hub: HubId, since: Option<i64>) -> Result<(), StoreError> {
    let query = match since {
        Some(since) => sqlx::query("INSERT OR IGNORE INTO contact_reader (hub, since) VALUES (?, ?)")
            .bind(hub.to_string())
            .bind(since),
        None => sqlx::query("DELETE FROM contact_reader WHERE hub = ?").bind(hub.to_string()),
    };
    query.execute(&mut **db).await.map(drop)
}

/// Hubs to which the own line at a position was given.
///
/// # Errors
/// Database errors.
pub async fn served(db: &mut SqliteConnection, at: i64) -> Result<BTreeSet<HubId>, StoreError> {
    let rows: Vec<String> =
        sqlx::query_scalar("SELECT hub FROM contact_served WHERE pos = ?").bind(at).fetch_all(db).await?;
    rows.iter().map(|hub| hub.parse().map_err(|_| corrupt("contact_served.hub"))).collect()
}

/// Notes that lines are about to be given to a hub: before they are, so that nobody ever holds one without our knowing.
///
/// # Errors
/// Database errors.
pub async fn note_served(db: &mut Write, positions: &[i64], hub: HubId, now: i64) -> Result<(), StoreError> {
    for at in positions {
        sqlx::query("INSERT OR IGNORE INTO contact_served (pos, hub, at) VALUES (?, ?, ?)")
            .bind(at)
            .bind(hub.to_string())
            .bind(now)
            .execute(&mut **db)
            .await?;
    }
    Ok(())
}

/// Every hub that a role contact was ever given to, and when first: whom to tell of an erasure (Art. 19), and whom to name.
///
/// # Errors
/// Database errors.
pub async fn recipients(db: &mut SqliteConnection, contact: i64) -> Result<Vec<(HubId, i64)>, StoreError> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "SELECT hub, min(at) FROM contact_served WHERE pos IN (SELECT pos FROM contact_holds WHERE contact = ?) GROUP BY hub",
    )
    .bind(contact)
    .fetch_all(db)
    .await?;
    rows.into_iter().map(|(hub, at)| Ok((hub.parse().map_err(|_| corrupt("contact_served.hub"))?, at))).collect()
}

// ---- What is still to come from partner hubs ----

/// A part that a partner's record names and that is not held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Index of its leaf.
    pub index: u64,
    /// What its line must hash to.
    pub digest: String,
    /// When it was last asked for; 0: never.
    pub asked: i64,
}

/// Parts that a hub's log names and that are not held, in its order.
///
/// # Errors
/// Database errors.
pub async fn wanted(db: &mut SqliteConnection, log: &LogRow) -> Result<Vec<Wanted>, StoreError> {
    let rows: Vec<(i64, String, i64)> = sqlx::query_as(
        "SELECT pos, digest, asked FROM contact_slot WHERE hub = ? AND pos >= ? AND pos < ? \
         AND pos NOT IN (SELECT pos FROM contact_line) ORDER BY pos",
    )
    .bind(log.owner)
    .bind(pos(log.n, 0))
    .bind(pos(log.n, log.held))
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|(pos, digest, asked)| Wanted { index: index(pos), digest, asked }).collect())
}

/// Whether contact parts that a hub's records name are not held.
///
/// # Errors
/// Database errors.
pub async fn wants(db: &mut SqliteConnection, hub: i64) -> Result<bool, StoreError> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM contact_slot WHERE hub = ? AND pos NOT IN (SELECT pos FROM contact_line))",
    )
    .bind(hub)
    .fetch_one(db)
    .await
}

/// Keeps what came of a range of a hub's log, if it is still what the records name, and notes that all of it was asked for.
///
/// # Errors
/// Database errors.
pub async fn came(
    db: &mut Write,
    log: &LogRow,
    range: std::ops::Range<u64>,
    lines: &[(u64, String, String)],
    now: i64,
) -> Result<usize, StoreError> {
    let mut kept = 0;
    for (index, digest, line) in lines {
        // Named no longer: a newer put or an erasure was met meanwhile.
        let named = sqlx::query("SELECT 1 FROM contact_slot WHERE hub = ? AND pos = ? AND digest = ?")
            .bind(log.owner)
            .bind(pos(log.n, *index))
            .bind(digest)
            .fetch_optional(&mut **db)
            .await?
            .is_some();
        if named {
            keep(db, pos(log.n, *index), line).await?;
            kept += 1;
        }
    }
    sqlx::query("UPDATE contact_slot SET asked = ? WHERE hub = ? AND pos >= ? AND pos < ?")
        .bind(now)
        .bind(log.owner)
        .bind(pos(log.n, range.start))
        .bind(pos(log.n, range.end))
        .execute(&mut **db)
        .await?;
    Ok(kept)
}

/// How asking a hub went last: a stable code, and when.
///
/// # Errors
/// Database errors.
pub async fn source(db: &mut SqliteConnection, hub: i64) -> Result<Option<(String, i64)>, StoreError> {
    sqlx::query_as("SELECT state, at FROM contact_source WHERE hub = ?").bind(hub).fetch_optional(db).await
}

/// Notes it.
///
/// # Errors
/// Database errors.
pub async fn set_source(db: &mut Write, hub: i64, state: &str, now: i64) -> Result<(), StoreError> {
    sqlx::query("INSERT OR REPLACE INTO contact_source (hub, state, at) VALUES (?, ?, ?)")
        .bind(hub)
        .bind(state)
        .bind(now)
        .execute(&mut **db)
        .await
        .map(drop)
}
