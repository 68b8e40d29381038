//! Groups and the full-text index, derived from records; and the few marks that tie lines to records.

use super::{CHUNK, StoreError, Write, corrupt};
use crate::feed::tile::WIDTH;
use crate::record::statement::{HubId, RecordRef};
use crate::registry::search::SearchText;
use crate::store::log::{OWN, pos};
use futures_util::{Stream, StreamExt};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// A group as listed; what hubs say of it is made from its members when somebody looks.
#[derive(Debug, Clone)]
pub struct GroupRow {
    /// `first` of its smallest record, of those too that only repeat others.
    pub n: i64,
    /// Hub number of its smallest member, of those that speak.
    pub hub: i64,
    /// Record id of that member.
    pub rec: Uuid,
    /// Digest of all it says.
    pub digest: [u8; 32],
    /// Name shown.
    pub name: String,
    /// Place shown.
    pub place: String,
    /// State shown; empty for active.
    pub status: String,
    /// Date of the newest check, or empty.
    pub checked: String,
    /// Number of records.
    pub members: i64,
    /// Number of hubs among them.
    pub hubs: i64,
    /// Merge units in which hubs disagree.
    pub conflicts: Vec<String>,
    /// How far its place may be known.
    pub level: String,
}

/// Takes link keys away from records: (key, record).
///
/// # Errors
/// Database errors.
pub async fn unlink(db: &mut Write, gone: &[(i64, i64)]) -> Result<(), StoreError> {
    for (key, record) in gone {
        sqlx::query("DELETE FROM link_key WHERE key = ? AND record = ?")
            .bind(key)
            .bind(record)
            .execute(&mut **db)
            .await?;
    }
    Ok(())
}

/// Gives link keys to records: (key, record), best in that order.
///
/// # Errors
/// Database errors.
pub async fn link(db: &mut Write, come: &[(i64, i64)]) -> Result<(), StoreError> {
    for chunk in come.chunks(8 * CHUNK) {
        let mut insert = QueryBuilder::<Sqlite>::new("INSERT OR IGNORE INTO link_key (key, record) ");
        insert.push_values(chunk, |mut row, (key, record)| {
            row.push_bind(*key).push_bind(*record);
        });
        insert.build().execute(&mut **db).await?;
    }
    Ok(())
}

/// Whether no record has any link key.
///
/// # Errors
/// Database errors.
pub async fn unlinked(db: &mut SqliteConnection) -> Result<bool, StoreError> {
    Ok(sqlx::query("SELECT 1 FROM link_key LIMIT 1").fetch_optional(db).await?.is_none())
}

/// Removes groups and what the index holds of them.
///
/// # Errors
/// Database errors.
pub async fn remove_groups(db: &mut Write, groups: &[i64]) -> Result<(), StoreError> {
    for chunk in groups.chunks(CHUNK) {
        let mut select = QueryBuilder::<Sqlite>::new("SELECT facets FROM search WHERE rowid IN ");
        super::in_list(&mut select, chunk.iter().copied());
        let facets: Vec<String> = select.build_query_scalar().fetch_all(&mut **db).await?;
        count_facets(db, facets.iter().map(String::as_str), -1).await?;
        for table in ["DELETE FROM grp WHERE n IN ", "DELETE FROM search WHERE rowid IN "] {
            let mut delete = QueryBuilder::<Sqlite>::new(table);
            super::in_list(&mut delete, chunk.iter().copied());
            delete.build().execute(&mut **db).await?;
        }
    }
    Ok(())
}

/// Writes groups, their text, and (for groups of several) which records belong to them.
///
/// # Errors
/// Database errors.
pub async fn add_groups(db: &mut Write, groups: &[(GroupRow, SearchText, String)]) -> Result<(), StoreError> {
    for chunk in groups.chunks(CHUNK) {
        let mut insert = QueryBuilder::<Sqlite>::new(
            "INSERT INTO grp (n, hub, rec, digest, name, place, status, checked, members, hubs, conflicts, level) ",
        );
        insert.push_values(chunk, |mut row, (group, _, _)| {
            row.push_bind(group.n)
                .push_bind(group.hub)
                .push_bind(group.rec.as_bytes().to_vec())
                .push_bind(group.digest.to_vec())
                .push_bind(&group.name)
                .push_bind(&group.place)
                .push_bind(&group.status)
                .push_bind(&group.checked)
                .push_bind(group.members)
                .push_bind(group.hubs)
                .push_bind(group.conflicts.join(","))
                .push_bind(&group.level);
        });
        insert.build().execute(&mut **db).await?;
        let mut insert = QueryBuilder::<Sqlite>::new("INSERT INTO search (rowid, name, words, topics, place, facets) ");
        insert.push_values(chunk, |mut row, (group, text, facets)| {
            row.push_bind(group.n)
                .push_bind(&text.name)
                .push_bind(&text.words)
                .push_bind(&text.topics)
                .push_bind(&text.place)
                .push_bind(facets);
        });
        insert.build().execute(&mut **db).await?;
        count_facets(db, chunk.iter().map(|(_, _, facets)| facets.as_str()), 1).await?;
    }
    Ok(())
}

/// Counts facets of groups that come (`by` 1) or go (`by` -1).
async fn count_facets(db: &mut Write, facets: impl Iterator<Item = &str>, by: i64) -> Result<(), StoreError> {
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    for term in facets.flat_map(|facets| facets.split(' ')).filter(|term| !term.is_empty()) {
        *counts.entry(term).or_default() += by;
    }
    let counts: Vec<(&str, i64)> = counts.into_iter().collect();
    for chunk in counts.chunks(CHUNK) {
        let mut upsert = QueryBuilder::<Sqlite>::new("INSERT INTO facet (term, groups) ");
        upsert.push_values(chunk, |mut row, (term, count)| {
            row.push_bind(*term).push_bind(*count);
        });
        upsert.push(" ON CONFLICT (term) DO UPDATE SET groups = groups + excluded.groups");
        upsert.build().execute(&mut **db).await?;
    }
    if by < 0 {
        sqlx::query("DELETE FROM facet WHERE groups <= 0").execute(&mut **db).await?;
    }
    Ok(())
}

/// Says which group each record belongs to: (record, group).
///
/// # Errors
/// Database errors.
pub async fn set_groups(db: &mut Write, of: &[(i64, i64)]) -> Result<(), StoreError> {
    for (record, group) in of {
        sqlx::query("UPDATE record SET grp = ? WHERE first = ?").bind(group).bind(record).execute(&mut **db).await?;
    }
    Ok(())
}

/// Records that have these keys, by key, of each key the first `most`: a key that thousands share costs what any other does.
///
/// # Errors
/// Database errors.
pub async fn sharing(
    db: &mut SqliteConnection,
    keys: &[i64],
    most: i64,
) -> Result<BTreeMap<i64, Vec<i64>>, StoreError> {
    let mut members = BTreeMap::new();
    for chunk in keys.chunks(CHUNK) {
        let mut select = QueryBuilder::<Sqlite>::new("WITH wanted(key) AS (");
        select.push_values(chunk, |mut row, key| {
            row.push_bind(*key);
        });
        select.push(
            ") SELECT key, (SELECT group_concat(record) FROM \
             (SELECT record FROM link_key WHERE link_key.key = wanted.key ORDER BY record LIMIT ",
        );
        select.push_bind(most);
        select.push(")) FROM wanted");
        for (key, records) in select.build_query_as::<(i64, Option<String>)>().fetch_all(&mut *db).await? {
            if let Some(records) = records {
                members.insert(key, concatenated(&records)?);
            }
        }
    }
    Ok(members)
}

fn concatenated(records: &str) -> Result<Vec<i64>, StoreError> {
    records.split(',').map(|n| n.parse().map_err(|_| corrupt("link_key.record"))).collect()
}

/// Records of every key that at least two and at most so many have, key by key.
pub fn shared(db: &mut SqliteConnection, most: u32) -> impl Stream<Item = Result<Vec<i64>, StoreError>> + Send {
    // One row a key: a row a record takes many times as long to hand over.
    let sql = "SELECT group_concat(record) FROM link_key GROUP BY key HAVING count(*) BETWEEN 2 AND ?";
    sqlx::query_scalar::<_, String>(sql).bind(most).fetch(db).map(|row| concatenated(&row?))
}

/// How many live group records there are.
///
/// # Errors
/// Database errors.
pub async fn count_live(db: &mut SqliteConnection) -> Result<u64, StoreError> {
    let n: i64 =
        sqlx::query_scalar("SELECT count(*) FROM record WHERE kind = 1 AND state = 'live'").fetch_one(db).await?;
    Ok(n as u64)
}

/// Numbers of all live group records, rising.
///
/// # Errors
/// Database errors.
pub async fn all_live(db: &mut SqliteConnection) -> Result<Vec<i64>, StoreError> {
    sqlx::query_scalar("SELECT first FROM record WHERE kind = 1 AND state = 'live' ORDER BY first").fetch_all(db).await
}

/// The groups to which these records belong, of those that belong to any.
///
/// # Errors
/// Database errors.
pub async fn groups_of(db: &mut SqliteConnection, records: &[i64]) -> Result<Vec<(i64, i64)>, StoreError> {
    let mut found = Vec::new();
    for chunk in records.chunks(CHUNK) {
        let mut select =
            QueryBuilder::<Sqlite>::new("SELECT first, grp FROM record WHERE grp IS NOT NULL AND first IN ");
        super::in_list(&mut select, chunk.iter().copied());
        found.extend(select.build_query_as::<(i64, i64)>().fetch_all(&mut *db).await?);
    }
    Ok(found)
}

/// Every group's smallest member and digest, in no promised order.
///
/// # Errors
/// Database errors.
pub async fn digests(db: &mut SqliteConnection) -> Result<Vec<(i64, Uuid, [u8; 32])>, StoreError> {
    // Many to a row: handing a row over costs ten times what is in it.
    let rows: Vec<(i64, String)> =
        sqlx::query_as("SELECT hub, group_concat(hex(rec) || ',' || hex(digest), ' ') FROM grp GROUP BY hub, n / 512")
            .fetch_all(db)
            .await?;
    let one = |(hub, text): &(i64, String)| -> Result<Vec<(i64, Uuid, [u8; 32])>, StoreError> {
        let read = |one: &str| {
            let (rec, digest) = one.split_once(',').ok_or_else(|| corrupt("grp.rec"))?;
            let rec = Uuid::try_parse(rec).map_err(|_| corrupt("grp.rec"))?;
            let mut bytes = [0; 32];
            hex::decode_to_slice(digest, &mut bytes).map_err(|_| corrupt("grp.digest"))?;
            Ok((*hub, rec, bytes))
        };
        text.split(' ').map(read).collect()
    };
    Ok(rows.iter().map(one).collect::<Result<Vec<_>, _>>()?.concat())
}

/// The registry digest, the number of groups, and the policy hash and date it is made with.
///
/// # Errors
/// Database errors.
pub async fn digest(db: &mut SqliteConnection) -> Result<(String, usize, String, jiff::civil::Date), StoreError> {
    let as_of = super::setting(db, "as-of").await?.and_then(|text| text.parse().ok()).unwrap_or_default();
    let policy = super::setting(db, "policy").await?.unwrap_or_default();
    let rows: Vec<(i64, String)> = sqlx::query_as("SELECT n, id FROM hub").fetch_all(&mut *db).await?;
    let mut hubs = BTreeMap::new();
    for (n, id) in rows {
        hubs.insert(n, id.parse::<HubId>().map_err(|_| corrupt("hub.id"))?);
    }
    let mut groups: Vec<(RecordRef, [u8; 32])> = digests(db)
        .await?
        .into_iter()
        .filter_map(|(hub, rec, digest)| Some((RecordRef { hub: *hubs.get(&hub)?, rec }, digest)))
        .collect();
    groups.sort_unstable();
    let mut digest = crate::registry::RegistryDigest::new(&policy, as_of);
    groups.iter().for_each(|(id, one)| digest.add(*id, one));
    Ok((digest.finish(), groups.len(), policy, as_of))
}

/// Forgets every group.
///
/// # Errors
/// Database errors.
pub async fn forget(db: &mut Write) -> Result<(), StoreError> {
    for sql in
        ["DELETE FROM grp", "DELETE FROM search", "DELETE FROM facet", "DELETE FROM link_key", "DELETE FROM pair"]
    {
        sqlx::query(sql).execute(&mut **db).await?;
    }
    Ok(())
}

/// Indexes in a log of records whose public part is still missing.
///
/// # Errors
/// Database errors.
pub async fn withheld(db: &mut SqliteConnection, log: i64) -> Result<Vec<u64>, StoreError> {
    let rows: Vec<i64> = sqlx::query_scalar(
        "SELECT put AS at FROM record WHERE hub = ?1 AND state = 'withheld' AND at >= ?2 AND at < ?3 UNION ALL \
         SELECT awaited ->> 'pos' AS at FROM record WHERE hub = ?1 AND awaited IS NOT NULL AND at >= ?2 AND at < ?3 ORDER BY at",
    )
    .bind(super::log::hub_of(log))
    .bind(pos(log, 0))
    .bind(pos(log + 1, 0))
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(super::log::index).collect())
}

/// How many of a hub's records came without their words.
///
/// # Errors
/// Database errors.
pub async fn withheld_by(db: &mut SqliteConnection, hub: i64) -> Result<u64, StoreError> {
    let records: i64 = sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM record WHERE hub = ?1 AND state = 'withheld') \
         + (SELECT count(*) FROM record WHERE hub = ?1 AND awaited IS NOT NULL)",
    )
    .bind(hub)
    .fetch_one(db)
    .await?;
    Ok(records as u64)
}

/// Marks a record for deriving because its line came.
///
/// # Errors
/// Database errors.
pub async fn line_came(db: &mut Write, hub: i64, rec: Uuid) -> Result<(), StoreError> {
    mark(db, hub, rec).await
}

/// Marks a record for deriving because its words came or went.
///
/// # Errors
/// Database errors.
pub async fn mark(db: &mut Write, hub: i64, rec: Uuid) -> Result<(), StoreError> {
    sqlx::query("UPDATE record SET state = 'again' WHERE hub = ? AND rec = ?")
        .bind(hub)
        .bind(&rec.as_bytes()[..])
        .execute(&mut **db)
        .await
        .map(drop)
}

/// Marks every record for deriving, and forgets the keys by which they were found.
///
/// # Errors
/// Database errors.
pub async fn mark_all(db: &mut Write) -> Result<(), StoreError> {
    for sql in ["UPDATE record SET state = 'again', keys = x''", "DELETE FROM link_key", "DELETE FROM pair"] {
        sqlx::query(sql).execute(&mut **db).await?;
    }
    Ok(())
}

/// Numbers of records that were marked for deriving.
///
/// # Errors
/// Database errors.
pub async fn marked(db: &mut SqliteConnection) -> Result<Vec<i64>, StoreError> {
    sqlx::query_scalar("SELECT first FROM record WHERE state = 'again' ORDER BY first").fetch_all(db).await
}

/// Positions of lines in a range of an own log that no record or decision states any more.
///
/// # Errors
/// Database errors.
pub async fn superseded(db: &mut SqliteConnection, log: i64, from: u64, upto: u64) -> Result<Vec<i64>, StoreError> {
    sqlx::query_scalar(
        "SELECT pos FROM leaf WHERE pos >= ?1 AND pos < ?2 AND line IS NOT NULL \
         AND pos NOT IN (SELECT put FROM record WHERE hub = ?3 AND put >= ?1 AND put < ?2 AND NOT withdrawn) \
         AND pos NOT IN (SELECT pos FROM decision WHERE hub = ?3)",
    )
    .bind(pos(log, from))
    .bind(pos(log, upto))
    .bind(OWN)
    .fetch_all(db)
    .await
}

/// Notes that bundles of own logs must be written again.
///
/// # Errors
/// Database errors.
pub async fn part_due(db: &mut Write, blanked: &[i64]) -> Result<(), StoreError> {
    let bundle = |pos: &i64| (super::log::log_of(*pos), super::log::index(*pos) / WIDTH);
    for (log, n) in blanked.iter().map(bundle).collect::<BTreeSet<(i64, u64)>>() {
        sqlx::query("INSERT OR IGNORE INTO part_due (log, n) VALUES (?, ?)")
            .bind(log)
            .bind(n as i64)
            .execute(&mut **db)
            .await?;
    }
    Ok(())
}

/// Bundles of an own log that must be written again.
///
/// # Errors
/// Database errors.
pub async fn parts_due(db: &mut SqliteConnection, log: i64) -> Result<BTreeSet<u64>, StoreError> {
    let rows: Vec<i64> = sqlx::query_scalar("SELECT n FROM part_due WHERE log = ?").bind(log).fetch_all(db).await?;
    Ok(rows.into_iter().map(|n| n as u64).collect())
}

/// They were.
///
/// # Errors
/// Database errors.
pub async fn parts_done(db: &mut Write, log: i64, done: &BTreeSet<u64>) -> Result<(), StoreError> {
    for n in done {
        sqlx::query("DELETE FROM part_due WHERE log = ? AND n = ?")
            .bind(log)
            .bind(*n as i64)
            .execute(&mut **db)
            .await?;
    }
    Ok(())
}

/// A record's number and the group it belongs to.
pub type Place = (i64, Option<i64>);

/// Records whose effective times lie past a moment: those that a later as-of date may change.
///
/// # Errors
/// Database errors.
pub async fn said_after(db: &mut SqliteConnection, moment: i64) -> Result<Vec<Place>, StoreError> {
    sqlx::query_as("SELECT first, grp FROM record WHERE said > ?1 OR affirmed > ?1").bind(moment).fetch_all(db).await
}

/// Every record and list.
///
/// # Errors
/// Database errors.
pub async fn every(db: &mut SqliteConnection) -> Result<Vec<Place>, StoreError> {
    sqlx::query_as("SELECT first, grp FROM record").fetch_all(db).await
}

/// Where the records with these ids stand, of those that exist.
///
/// # Errors
/// Database errors.
pub async fn places(db: &mut SqliteConnection, records: &[(i64, Uuid)]) -> Result<Vec<Place>, StoreError> {
    let mut found = Vec::with_capacity(records.len());
    for (hub, rec) in records {
        let place = sqlx::query_as::<_, Place>("SELECT first, grp FROM record WHERE hub = ? AND rec = ?");
        found.extend(place.bind(hub).bind(&rec.as_bytes()[..]).fetch_optional(&mut *db).await?);
    }
    Ok(found)
}

/// Live records of a hub.
///
/// # Errors
/// Database errors.
pub async fn live(db: &mut SqliteConnection, hub: i64) -> Result<u64, StoreError> {
    let n: i64 = sqlx::query_scalar("SELECT count(*) FROM record WHERE hub = ? AND kind = 1 AND state = 'live'")
        .bind(hub)
        .fetch_one(db)
        .await?;
    Ok(n as u64)
}

/// Everything derived, as one digest a table: what a rebuild must give again, byte for byte.
///
/// # Errors
/// Database errors.
pub async fn dump(db: &mut SqliteConnection) -> Result<Vec<(&'static str, String)>, StoreError> {
    use sha2::{Digest, Sha256};
    const TABLES: [(&str, &str); 10] = [
        (
            "ack",
            "SELECT quote(hub) || quote(origin) || quote(rec) || quote(rev) || quote(size) || quote(erased) || quote(at) FROM ack ORDER BY hub, origin",
        ),
        ("facet", "SELECT quote(term) || quote(groups) FROM facet ORDER BY term"),
        (
            "contact_slot",
            "SELECT quote(hub) || quote(rec) || quote(pos) || quote(rev) || quote(digest) FROM contact_slot \
             ORDER BY hub, rec",
        ),
        ("void", "SELECT quote(pos) || quote(code) FROM void ORDER BY pos"),
        (
            "record",
            "SELECT quote(hub) || quote(rec) || quote(kind) || quote(first) || quote(put) || quote(put_rev) || quote(rev) || \
             quote(withdrawn) || quote(said) || quote(assured) || quote(affirmed) || quote(state) || quote(keys) || quote(grp) || \
             quote(awaited) \
             FROM record ORDER BY first",
        ),
        (
            "decision",
            "SELECT quote(hub) || quote(rec) || quote(pos) || quote(said) || quote(body) || quote(a) || quote(b) \
             FROM decision ORDER BY hub, rec",
        ),
        ("pair", "SELECT quote(a) || quote(b) || quote(outcome) || quote(score) FROM pair ORDER BY a, b"),
        ("link_key", "SELECT quote(key) || quote(record) FROM link_key ORDER BY key, record"),
        (
            "grp",
            "SELECT quote(n) || quote(hub) || quote(rec) || quote(digest) || quote(name) || quote(place) || quote(status) || \
             quote(checked) || quote(members) || quote(hubs) || quote(conflicts) || quote(level) FROM grp ORDER BY n",
        ),
        (
            "search",
            "SELECT quote(rowid) || quote(name) || quote(words) || quote(topics) || quote(place) || quote(facets) \
             FROM search ORDER BY rowid",
        ),
    ];
    let mut dumps = Vec::new();
    for (name, sql) in TABLES {
        let rows: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut *db).await?;
        let mut hash = Sha256::new();
        rows.iter().for_each(|row| hash.update(format!("{row}\n")));
        dumps.push((name, format!("{}:{}", rows.len(), hex::encode(hash.finalize()))));
    }
    Ok(dumps)
}
