//! Hubs that took over from others: which record stands in the stead of which.
//!
//! Both must have spoken (PROTOCOL 1.6): the hub that ends names its successor in its document, and the successor says of each
//! record which one it replaces. Then the newer record is what the older one was, in everything: what people linked, chose
//! and protected, what repeats it, and what the policy grants. A claim by anybody else is a row that nothing looks at.

use super::erase::{self, How, Order};
use super::record::of_end;
use super::{StoreError, Write, corrupt};
use crate::feed::hub::VerifiedHub;
use crate::record::statement::{ErasedParts, HubId, RecordRef};
use sqlx::SqliteConnection;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Which record stands in the stead of which, of all hubs that ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Successions {
    /// A record that is replaced → the one that stands for it.
    now: BTreeMap<RecordRef, RecordRef>,
    /// The other way round: a record → all whose place it took, at first and second hand.
    former: BTreeMap<RecordRef, Vec<RecordRef>>,
}

/// Longest way of hand-overs that is followed: a hub that took over may itself be taken over.
const LONGEST: usize = 16;

impl Successions {
    /// Of single steps: (replaced, its replacement). Of several for one record the first by hub and id counts.
    pub fn of(steps: impl IntoIterator<Item = (RecordRef, RecordRef)>) -> Successions {
        let steps: BTreeSet<(RecordRef, RecordRef)> = steps.into_iter().collect();
        let mut next: BTreeMap<RecordRef, RecordRef> = BTreeMap::new();
        for (replaced, by) in steps {
            next.entry(replaced).or_insert(by);
        }
        let mut all = Successions::default();
        for replaced in next.keys() {
            let way = std::iter::successors(next.get(replaced), |at| next.get(at)).take(LONGEST);
            let Some(last) = way.last() else { continue };
            all.now.insert(*replaced, *last);
            all.former.entry(*last).or_default().push(*replaced);
        }
        all
    }

    /// The record that stands for one: itself, where it was not replaced.
    pub fn now(&self, record: RecordRef) -> RecordRef {
        self.now.get(&record).copied().unwrap_or(record)
    }

    /// The records whose place one took.
    pub fn former(&self, record: &RecordRef) -> &[RecordRef] {
        self.former.get(record).map_or(&[], Vec::as_slice)
    }
}

/// Notes what a newly adopted document says of a successor. Records that it lets be replaced, or no longer does, are looked at
/// again with the next deriving.
///
/// # Errors
/// Database errors.
pub async fn adopt(db: &mut Write, hub: i64, verified: &VerifiedHub) -> Result<(), StoreError> {
    let ended = verified.logs.last().is_some_and(|log| log.closed.is_some());
    let successor = verified.document.successor.filter(|_| ended).map(|id| id.to_string());
    let changed = sqlx::query("UPDATE hub SET successor = ?1 WHERE n = ?2 AND successor IS NOT ?1")
        .bind(successor)
        .bind(hub)
        .execute(&mut **db)
        .await?
        .rows_affected();
    if changed > 0 {
        for (by, rec, replaced) in claims(db, verified.id).await? {
            super::registry::mark(db, hub, replaced.rec).await?;
            // What was said of the one counts for the other now.
            super::registry::mark(db, by, rec).await?;
            // What the successor erased before the document that names it came here.
            for ((_, _), parts) in erase::stated(db, by).await?.into_iter().filter(|((of, _), _)| *of == rec) {
                forget(db, (by, rec), &parts, None).await?;
            }
        }
    }
    Ok(())
}

/// Hubs that ended, with the hub that each names to take over: (number, id, successor).
///
/// # Errors
/// Database errors.
pub async fn ended(db: &mut SqliteConnection) -> Result<Vec<(i64, HubId, HubId)>, StoreError> {
    let rows: Vec<(i64, String, String)> =
        sqlx::query_as("SELECT n, id, successor FROM hub WHERE successor IS NOT NULL ORDER BY n").fetch_all(db).await?;
    rows.into_iter()
        .map(|(n, id, successor)| {
            let id = id.parse().map_err(|_| corrupt("hub.id"))?;
            Ok((n, id, successor.parse().map_err(|_| corrupt("hub.successor"))?))
        })
        .collect()
}

/// Every statement that a record replaces one of a hub: (hub that says so, its record, the record it names).
async fn claims(db: &mut SqliteConnection, of: HubId) -> Result<Vec<(i64, Uuid, RecordRef)>, StoreError> {
    let (from, upto) = (of.0.to_vec(), [&of.0[..], &[0xff; 17]].concat());
    // Of decisions, only these are about a record of the same id.
    let rows: Vec<(i64, Vec<u8>, Vec<u8>)> = sqlx::query_as(
        "SELECT hub, rec, b FROM decision WHERE b IS NOT NULL AND b >= ? AND b < ? AND rec = substr(a, 21) \
         AND body LIKE 'groups-feed/v1 record%' ORDER BY hub, rec",
    )
    .bind(from)
    .bind(upto)
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|(hub, rec, replaced)| {
            let rec = Uuid::from_slice(&rec).map_err(|_| corrupt("decision.rec"))?;
            Ok((hub, rec, of_end(&replaced).ok_or_else(|| corrupt("decision.b"))?))
        })
        .collect()
}

/// All that count.
///
/// # Errors
/// Database errors.
pub async fn all(db: &mut SqliteConnection, hubs: &BTreeMap<i64, HubId>) -> Result<Successions, StoreError> {
    let mut steps = Vec::new();
    for (_, id, successor) in ended(db).await? {
        for (hub, rec, replaced) in claims(db, id).await? {
            if hubs.get(&hub) == Some(&successor) {
                steps.push((replaced, RecordRef { hub: successor, rec }));
            }
        }
    }
    Ok(Successions::of(steps))
}

/// Records of a hub that gave way to its successor's.
///
/// # Errors
/// Database errors.
pub async fn replaced(db: &mut SqliteConnection, hub: i64) -> Result<BTreeSet<Uuid>, StoreError> {
    let Some((_, id, successor)) = ended(db).await?.into_iter().find(|(n, ..)| *n == hub) else {
        return Ok(BTreeSet::new());
    };
    let successor = super::hub::by_id(db, successor).await?.map(|(n, _)| n);
    let claims = claims(db, id).await?;
    Ok(claims.into_iter().filter(|(hub, ..)| Some(*hub) == successor).map(|(_, _, replaced)| replaced.rec).collect())
}

/// What a hub claims to replace without being named by whose it is: that hub's name, and how many of its records.
///
/// # Errors
/// Database errors.
pub async fn unfounded(db: &mut SqliteConnection, hub: i64) -> Result<BTreeMap<String, u64>, StoreError> {
    let claims: Vec<Vec<u8>> = sqlx::query_scalar(
        "SELECT b FROM decision WHERE hub = ? AND b IS NOT NULL AND rec = substr(a, 21) AND body LIKE 'groups-feed/v1 record%'",
    )
    .bind(hub)
    .fetch_all(&mut *db)
    .await?;
    if claims.is_empty() {
        return Ok(BTreeMap::new());
    }
    let named: Vec<(String, String, Option<String>)> =
        sqlx::query_as("SELECT id, name, successor FROM hub WHERE n <> ?").bind(hub).fetch_all(&mut *db).await?;
    let own: Option<String> = sqlx::query_scalar("SELECT id FROM hub WHERE n = ?").bind(hub).fetch_optional(db).await?;
    let mut found = BTreeMap::new();
    for replaced in claims.iter().filter_map(|end| of_end(end)) {
        let whose = replaced.hub.to_string();
        match named.iter().find(|(id, ..)| *id == whose) {
            Some((_, _, successor)) if successor == &own => {}
            Some((_, name, _)) => *found.entry(name.clone()).or_default() += 1,
            None => *found.entry(whose).or_default() += 1,
        }
    }
    Ok(found)
}

/// The record in whose stead a hub's own records stand, of those with these ids.
///
/// # Errors
/// Database errors.
pub async fn stated(
    db: &mut SqliteConnection,
    hub: i64,
    ids: &[Uuid],
) -> Result<BTreeMap<Uuid, RecordRef>, StoreError> {
    if !super::record::any_decision(db).await? {
        return Ok(BTreeMap::new());
    }
    let mut found = BTreeMap::new();
    for chunk in ids.chunks(super::CHUNK) {
        let mut select = sqlx::QueryBuilder::<sqlx::Sqlite>::new("SELECT rec, b FROM decision WHERE hub = ");
        select
            .push_bind(hub)
            .push(" AND b IS NOT NULL AND rec = substr(a, 21) AND body LIKE 'groups-feed/v1 record%' AND rec IN ");
        super::in_list(&mut select, chunk.iter().map(|id| id.as_bytes().to_vec()));
        let rows: Vec<(Vec<u8>, Vec<u8>)> = select.build_query_as().fetch_all(&mut *db).await?;
        for (rec, replaced) in rows {
            let rec = Uuid::from_slice(&rec).map_err(|_| corrupt("decision.rec"))?;
            found.insert(rec, of_end(&replaced).ok_or_else(|| corrupt("decision.b"))?);
        }
    }
    Ok(found)
}

/// Notes which record a hub's record stands for, at the position of the put that says so.
///
/// # Errors
/// Database errors.
pub async fn claim(
    db: &mut Write,
    row: &super::record::DecisionRow,
    own: &RecordRef,
    replaced: &RecordRef,
) -> Result<(), StoreError> {
    super::record::decide(db, row, own, Some(replaced)).await?;
    if let Some((n, _)) = super::hub::by_id(db, replaced.hub).await? {
        super::registry::mark(db, n, replaced.rec).await?;
    }
    Ok(())
}

/// Erases what a hub that ended said of a record, because its successor erased the record that stands for it. Who ended can say
/// nothing more, and a person who asks to be removed does not care under whose name they stand.
///
/// # Errors
/// Database errors.
pub async fn forget(
    db: &mut Write,
    (hub, rec): (i64, Uuid),
    parts: &ErasedParts,
    pos: Option<i64>,
) -> Result<(), StoreError> {
    let Some(replaced) = stated(db, hub, &[rec]).await?.remove(&rec) else { return Ok(()) };
    let by: Option<String> =
        sqlx::query_scalar("SELECT id FROM hub WHERE n = ?").bind(hub).fetch_optional(&mut **db).await?;
    let ended = ended(db).await?;
    let Some((n, ..)) = ended.iter().find(|(_, id, to)| *id == replaced.hub && Some(to.to_string()) == by) else {
        return Ok(());
    };
    // A rebuild folds the same erasure again.
    let known: Option<i64> = sqlx::query_scalar("SELECT 1 FROM erased WHERE hub = ? AND rec = ? AND parts = ?")
        .bind(n)
        .bind(&replaced.rec.as_bytes()[..])
        .bind(erase::parts_label(parts))
        .fetch_optional(&mut **db)
        .await?;
    if known.is_some() {
        return Ok(());
    }
    let unfolded = super::log::unfolded_of(db, *n).await?;
    let order = Order { hub: *n, rec: replaced.rec, upto: erase::EVERY_REVISION, parts, how: How::Received, pos };
    erase::obey(db, &order, &unfolded).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(n: u8) -> RecordRef {
        RecordRef { hub: HubId([n; 20]), rec: Uuid::from_u128(u128::from(n)) }
    }

    #[test]
    fn a_record_stands_for_all_whose_place_it_took() {
        let all = Successions::of([(record(1), record(2)), (record(2), record(3))]);
        assert_eq!([1, 2, 3, 4].map(|n| all.now(record(n))), [3, 3, 3, 4].map(record));
        assert_eq!(all.former(&record(3)), [record(1), record(2)]);
        assert!(all.former(&record(2)).is_empty());
        // Two that say they replace one another: an answer all the same, and the same whoever asks.
        let round = Successions::of([(record(1), record(2)), (record(2), record(1))]);
        assert_eq!(round, Successions::of([(record(2), record(1)), (record(1), record(2))]));
    }

    #[test]
    fn of_two_for_one_the_first_counts() {
        let all = Successions::of([(record(1), record(3)), (record(1), record(2))]);
        assert_eq!(all.now(record(1)), record(2));
        assert!(all.former(&record(3)).is_empty());
    }
}
