//! Groups as people look for them at a hub's desk: by name, by words, by the beginning of an id, or because hubs disagree.
//!
//! Unlike [`super::directory`], nothing is hidden here: this is what the hub's own people see.

use super::registry::GroupRow;
use super::{CHUNK, StoreError, corrupt};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};
use uuid::Uuid;

const COLUMNS: &str = "grp.n, grp.hub, grp.rec, grp.digest, grp.name, grp.place, grp.status, grp.checked, grp.members, \
                       grp.hubs, grp.conflicts, grp.level";

impl TryFrom<SqliteRow> for GroupRow {
    type Error = StoreError;
    fn try_from(row: SqliteRow) -> Result<GroupRow, StoreError> {
        let digest: Vec<u8> = row.try_get("digest")?;
        let conflicts: &str = row.try_get("conflicts")?;
        Ok(GroupRow {
            n: row.try_get("n")?,
            hub: row.try_get("hub")?,
            rec: Uuid::from_slice(row.try_get("rec")?).map_err(|_| corrupt("grp.rec"))?,
            digest: digest.try_into().map_err(|_| corrupt("grp.digest"))?,
            name: row.try_get("name")?,
            place: row.try_get("place")?,
            status: row.try_get("status")?,
            checked: row.try_get("checked")?,
            members: row.try_get("members")?,
            hubs: row.try_get("hubs")?,
            level: row.try_get("level")?,
            conflicts: conflicts.split(',').filter(|unit| !unit.is_empty()).map(str::to_owned).collect(),
        })
    }
}

/// These groups, by name.
///
/// # Errors
/// Database errors.
pub async fn groups(db: &mut SqliteConnection, numbers: &[i64]) -> Result<Vec<GroupRow>, StoreError> {
    let mut found = Vec::with_capacity(numbers.len());
    for chunk in numbers.chunks(CHUNK) {
        let mut select = QueryBuilder::<Sqlite>::new(format!("SELECT {COLUMNS} FROM grp WHERE n IN "));
        super::in_list(&mut select, chunk.iter().copied());
        for row in select.build().fetch_all(&mut *db).await? {
            found.push(GroupRow::try_from(row)?);
        }
    }
    found.sort_by(|a, b| (&a.name, &a.place, a.n).cmp(&(&b.name, &b.place, b.n)));
    Ok(found)
}

/// Numbers of the groups whose place is protected.
///
/// # Errors
/// Database errors.
pub async fn guarded(db: &mut SqliteConnection) -> Result<Vec<i64>, StoreError> {
    sqlx::query_scalar("SELECT n FROM grp WHERE level <> 'open' ORDER BY n").fetch_all(db).await
}

/// The records of groups whose place is protected, by hub number and id.
///
/// # Errors
/// Database errors.
pub async fn guarded_records(db: &mut SqliteConnection) -> Result<std::collections::BTreeSet<(i64, Uuid)>, StoreError> {
    let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(
        "SELECT record.hub, record.rec FROM record JOIN grp ON grp.n = record.grp WHERE grp.level <> 'open'",
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(|(hub, rec)| Ok((hub, Uuid::from_slice(&rec).map_err(|_| corrupt("record.rec"))?))).collect()
}

/// Number and name of every group, in no promised order.
///
/// # Errors
/// Database errors.
pub async fn names(db: &mut SqliteConnection) -> Result<Vec<(i64, String)>, StoreError> {
    sqlx::query_as("SELECT n, name FROM grp").fetch_all(db).await
}

/// Numbers of the groups that the full-text index finds, best first.
///
/// # Errors
/// Database errors; an expression that FTS5 cannot read.
pub async fn search(db: &mut SqliteConnection, expression: &str) -> Result<Vec<i64>, StoreError> {
    sqlx::query_scalar("SELECT rowid FROM search WHERE search MATCH ? ORDER BY rank, rowid")
        .bind(expression)
        .fetch_all(db)
        .await
}

/// Numbers of the groups in which hubs or lists disagree; with `own`, only of those that this hub speaks of itself.
///
/// # Errors
/// Database errors.
pub async fn disagreeing(db: &mut SqliteConnection, own: bool) -> Result<Vec<i64>, StoreError> {
    let sql = if own {
        "SELECT n FROM grp WHERE conflicts <> '' AND EXISTS (SELECT 1 FROM record WHERE record.grp = grp.n AND record.hub = 1)"
    } else {
        "SELECT n FROM grp WHERE conflicts <> ''"
    };
    sqlx::query_scalar(sql).fetch_all(db).await
}

/// Numbers of the groups with a record whose id begins with these hexadecimal digits (without hyphens).
///
/// # Errors
/// Database errors.
pub async fn by_id(db: &mut SqliteConnection, digits: &str) -> Result<Vec<i64>, StoreError> {
    sqlx::query_scalar(
        "SELECT DISTINCT grp FROM record WHERE grp IS NOT NULL AND substr(lower(hex(rec)), 1, length(?1)) = ?1 ORDER BY grp",
    )
    .bind(digits)
    .fetch_all(db)
    .await
}

/// What a registry holds, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Groups.
    pub groups: i64,
    /// Groups of records of several hubs.
    pub shared: i64,
    /// Live group records of all hubs.
    pub records: i64,
    /// This hub's own live group records.
    pub own_records: i64,
    /// Groups in which hubs, or lists of one hub, disagree.
    pub disagreements: i64,
    /// Records whose words did not come.
    pub withheld: i64,
}

/// Counts what the registry holds.
///
/// # Errors
/// Database errors.
pub async fn counts(db: &mut SqliteConnection) -> Result<Counts, StoreError> {
    let (groups, shared, disagreements): (i64, i64, i64) =
        sqlx::query_as("SELECT count(*), coalesce(sum(hubs > 1), 0), coalesce(sum(conflicts <> ''), 0) FROM grp")
            .fetch_one(&mut *db)
            .await?;
    let (records, own_records, withheld): (i64, i64, i64) = sqlx::query_as(
        "SELECT coalesce(sum(state = 'live'), 0), coalesce(sum(state = 'live' AND hub = 1), 0), \
         coalesce(sum(state = 'withheld'), 0) FROM record WHERE kind = 1",
    )
    .fetch_one(db)
    .await?;
    Ok(Counts { groups, shared, records, own_records, disagreements, withheld })
}

/// Numbers of this hub's own live group records.
///
/// # Errors
/// Database errors.
pub async fn own_live(db: &mut SqliteConnection) -> Result<Vec<i64>, StoreError> {
    sqlx::query_scalar("SELECT first FROM record WHERE hub = 1 AND kind = 1 AND state = 'live' ORDER BY first")
        .fetch_all(db)
        .await
}

/// Numbers of all groups, by name and place.
///
/// # Errors
/// Database errors.
pub async fn all(db: &mut SqliteConnection) -> Result<Vec<i64>, StoreError> {
    sqlx::query_scalar("SELECT n FROM grp ORDER BY name, place, n").fetch_all(db).await
}
