//! Questions for people: pairs of groups that may be one, ranked by what a decision would change.
//!
//! A question is asked of two groups, by their best pair of records: one that was judged joined and did not come together before
//! one that is asked about, then the higher score. It is open while no person's word stands between the two groups: of
//! this hub any, even "not sure"; of another hub whose decisions count, any that is not "not sure".
//!
//! The order, the first difference deciding:
//!
//! 1. Groups that this hub lists itself, then groups in a town in which it lists any: what its people can answer, and what its
//!    readers see.
//! 2. The change to be expected from an answer: *how likely* they are one, in tenths (1 at the score from which people are asked,
//!    10 from that at which groups are joined), times *how much* then changes: records brought together (up to 20, so
//!    that one large cluster does not hide all else), 2 more when two hubs list them (nobody can see it from one list),
//!    and 2 more when hubs disagree about either already.
//! 3. The score; then the smaller record numbers, so that the order is always the same.
//!
//! All of it is counted and ranked in the database: only questions that are shown are ever read.

use super::group::Rules;
use super::log::OWN;
use super::{StoreError, record};
use crate::record::RecordRef;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

/// An open question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct Question {
    /// Number of a record of one group.
    pub a: i64,
    /// Number of a record of the other.
    pub b: i64,
    /// Whether the two alone would be one group, and something else holds them apart.
    pub held: bool,
    /// Hundredths of a nat.
    pub score: i32,
    /// This hub has a record in one of the groups.
    pub own: bool,
    /// One of the groups is in a town in which this hub lists any.
    pub near: bool,
    /// The change to be expected from an answer.
    pub weight: i64,
}

/// What is open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Open {
    /// How many questions there are.
    pub total: u64,
    /// Of these, about groups that this hub lists.
    pub own: u64,
    /// The first of them.
    pub first: Vec<Question>,
}

/// A group's town: what stands in `place` before the postcode, whose letters and digits are capitals.
macro_rules! town {
    ($place:literal) => {
        concat!(
            "lower(trim(rtrim(rtrim(rtrim(",
            $place,
            ", 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789')), 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789')))"
        )
    };
}

/// Hubs, with whether their decisions count: `hubs (n, id, counts)`, to begin a statement with.
fn hubs(rules: &Rules) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::<Sqlite>::new("WITH hubs (n, id, counts) AS (VALUES ");
    for (i, (n, id)) in rules.hubs.iter().enumerate() {
        query.push(if i == 0 { "(" } else { ", (" }).push_bind(*n);
        query.push(", ").push_bind(id.0.to_vec());
        query.push(", ").push_bind(rules.policy.rank(id).is_some()).push(")");
    }
    query.push("), ");
    query
}

/// Of one hub's decisions about one pair the newest: `standing`. A column beside `max` is that of the row that has it.
const STANDING: &str = "standing AS MATERIALIZED ( \
     SELECT hub, max(pos) AS pos, said, a AS one, b AS other, \
       json_extract(substr(body, instr(body, '{')), '$.judgement') AS judgement \
     FROM decision WHERE b IS NOT NULL GROUP BY hub, min(a, b), max(a, b)), ";

/// The first open questions, in the order of this module; with `own`, only those about groups that this hub lists.
///
/// # Errors
/// Database errors.
pub async fn open(db: &mut SqliteConnection, rules: &Rules, own: bool, limit: usize) -> Result<Open, StoreError> {
    let cuts = rules.policy.linkage().cuts();
    let mut query = hubs(rules);
    query.push(STANDING);
    query.push(
        "settled (x, y) AS MATERIALIZED ( \
           SELECT DISTINCT min(ra.grp, rb.grp), max(ra.grp, rb.grp) FROM standing AS s \
           JOIN hubs AS author ON author.n = s.hub \
           JOIN hubs AS ha ON ha.id = substr(s.one, 1, 20) JOIN record AS ra ON ra.hub = ha.n AND ra.rec = substr(s.one, 21) \
           JOIN hubs AS hb ON hb.id = substr(s.other, 1, 20) JOIN record AS rb ON rb.hub = hb.n AND rb.rec = substr(s.other, 21) \
           WHERE ra.grp <> rb.grp AND s.judgement <> 'none' \
             AND (s.hub = 1 OR author.counts AND s.judgement <> 'unsure')), \
         own (n) AS MATERIALIZED (SELECT DISTINCT grp FROM record WHERE hub = 1 AND grp IS NOT NULL), \
         home (town) AS MATERIALIZED (SELECT DISTINCT ",
    );
    query.push(town!("place"));
    query.push(
        " FROM grp WHERE n IN own), \
         pairs AS (SELECT p.a, p.b, p.outcome = 2 AS held, p.score, min(ra.grp, rb.grp) AS x, max(ra.grp, rb.grp) AS y \
           FROM pair AS p JOIN record AS ra ON ra.first = p.a JOIN record AS rb ON rb.first = p.b \
           WHERE ra.grp <> rb.grp), \
         best AS (SELECT *, row_number() OVER (PARTITION BY x, y ORDER BY held DESC, score DESC, a, b) AS nth FROM pairs), \
         asked AS (SELECT q.a, q.b, q.held, q.score, q.x IN own OR q.y IN own AS own, ",
    );
    query.push(town!("gx.place")).push(" AS tx, ").push(town!("gy.place"));
    query.push(" AS ty, max(1, min(10, 1 + 9 * (q.score - ").push_bind(i64::from(cuts.ask));
    query.push(") / ").push_bind(i64::from((cuts.join - cuts.ask).max(1)));
    query.push(
        ")) * (min(20, gx.members + gy.members) + 2 * (gx.hub <> gy.hub) \
           + 2 * (gx.conflicts <> '' OR gy.conflicts <> '')) AS weight \
           FROM best AS q JOIN grp AS gx ON gx.n = q.x JOIN grp AS gy ON gy.n = q.y \
           LEFT JOIN settled AS s ON s.x = q.x AND s.y = q.y \
           WHERE q.nth = 1 AND s.x IS NULL), \
         placed AS (SELECT a, b, held, score, own, tx <> '' AND tx IN home OR ty <> '' AND ty IN home AS near, weight \
           FROM asked), \
         counted AS (SELECT *, count(*) OVER () AS total, sum(own) OVER () AS owns FROM placed) \
         SELECT a, b, held, score, own, near, weight, total, owns FROM counted WHERE own >= ",
    );
    query.push_bind(own);
    query
        .push(" ORDER BY own DESC, near DESC, weight DESC, score DESC, a, b LIMIT ")
        .push_bind(i64::try_from(limit.max(1)).unwrap_or(i64::MAX));
    #[derive(sqlx::FromRow)]
    struct Row {
        #[sqlx(flatten)]
        question: Question,
        total: i64,
        owns: i64,
    }
    let rows: Vec<Row> = query.build_query_as().fetch_all(db).await?;
    let (total, owns) = rows.first().map_or((0, 0), |row| (row.total as u64, row.owns as u64));
    let first = rows.into_iter().take(limit).map(|row| row.question).collect();
    Ok(Open { total: if own { owns } else { total }, own: owns, first })
}

/// A decision of this hub about two records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// One record; the subject of a directional judgement.
    pub a: RecordRef,
    /// The other.
    pub b: RecordRef,
    /// The judgement's label.
    pub judgement: String,
    /// When, in seconds since 1970.
    pub at: i64,
}

/// Decisions of this hub that stand (those taken back are none), in the order in which they were made.
///
/// # Errors
/// Database errors.
pub async fn judged(db: &mut SqliteConnection) -> Result<Vec<Judged>, StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new("WITH ");
    query.push(STANDING.trim_end_matches(", "));
    query.push(" SELECT one, other, judgement, said FROM standing WHERE judgement <> 'none' AND hub = ").push_bind(OWN);
    query.push(" ORDER BY pos");
    let rows: Vec<(Vec<u8>, Vec<u8>, String, i64)> = query.build_query_as().fetch_all(db).await?;
    let end = |bytes: &[u8]| record::of_end(bytes).ok_or_else(|| super::corrupt("decision.a"));
    rows.iter()
        .map(|(a, b, judgement, at)| Ok(Judged { a: end(a)?, b: end(b)?, judgement: judgement.clone(), at: *at }))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::HubId;
    use crate::record::vocabulary;
    use crate::registry::Policy;
    use crate::registry::linkage::Model;
    use crate::store::{Store, Write};
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use uuid::Uuid;

    fn rules() -> Rules {
        let policy = Policy::parse(Policy::default_text(), vocabulary::digest(), Model::shipped()).unwrap();
        let hubs = (1..=3).map(|n| (n, HubId([n as u8; 20]))).collect::<BTreeMap<_, _>>();
        Rules {
            policy: Arc::new(policy),
            as_of: "2026-11-22".parse().unwrap(),
            hubs: Arc::new(hubs),
            successions: Arc::default(),
        }
    }

    async fn store(folder: &tempfile::TempDir) -> Store {
        Store::open(&folder.path().join("test.db"), true).await.unwrap()
    }

    async fn run(db: &mut Write, sql: &str) {
        sqlx::query(sqlx::AssertSqlSafe(sql.to_owned())).execute(&mut **db).await.unwrap();
    }

    /// A group of one record.
    async fn group(db: &mut Write, n: i64, hub: i64, place: &str) {
        run(
            db,
            &format!(
                "INSERT INTO record (first, hub, rec, kind, put_rev, rev, withdrawn, said, affirmed, state, keys, grp) \
             VALUES ({n}, {hub}, x'{}', 1, 1, 1, 0, 0, 0, 'live', x'', {n})",
                Uuid::from_u128(n as u128).simple()
            ),
        )
        .await;
        run(
            db,
            &format!(
                "INSERT INTO grp (n, hub, rec, digest, name, place, status, checked, members, hubs, conflicts) \
             VALUES ({n}, {hub}, x'{}', x'', 'g', '{place}', '', '', 1, 1, '')",
                Uuid::from_u128(n as u128).simple()
            ),
        )
        .await;
    }

    async fn pair(db: &mut Write, a: i64, b: i64, outcome: i64, score: i64) {
        run(db, &format!("INSERT INTO pair (a, b, outcome, score) VALUES ({a}, {b}, {outcome}, {score})")).await;
    }

    /// A decision of a hub about records `a` of hub 1 and `b` of hub 2.
    async fn decide(db: &mut Write, hub: i64, pos: i64, (a, b): (i64, i64), said: &str) {
        let end = |hub: u8, n: i64| format!("x'{}{}'", hex::encode([hub; 20]), Uuid::from_u128(n as u128).simple());
        run(
            db,
            &format!(
                "INSERT INTO decision (hub, rec, pos, said, body, a, b) VALUES ({hub}, randomblob(16), {pos}, 0, \
             'groups-feed/v1' || char(10) || 'link' || char(10) || '{{\"judgement\": \"{said}\"}}', {}, {})",
                end(1, a),
                end(2, b)
            ),
        )
        .await;
    }

    async fn first(store: &Store, own: bool, limit: usize) -> (u64, u64, Vec<(i64, i64)>) {
        let mut db = store.read().await.unwrap();
        let found = open(&mut db, &rules(), own, limit).await.unwrap();
        (found.total, found.own, found.first.iter().map(|question| (question.a, question.b)).collect())
    }

    #[tokio::test]
    async fn own_groups_come_first_then_own_towns_then_what_changes_most() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder).await;
        let mut db = store.write().await.unwrap();
        group(&mut db, 1, 1, "Harlow CM20 1WG").await;
        for (n, hub, place) in [
            (2, 2, "Harlow"),
            (3, 3, "Leeds LS1 1AA"),
            (4, 2, "Leeds LS1 1AB"),
            (5, 3, "Leeds"),
            (6, 2, "York"),
            (7, 3, "York"),
            (8, 2, "HARLOW CM20 2AA"),
            (9, 2, "harlow"),
        ] {
            group(&mut db, n, hub, place).await;
        }
        pair(&mut db, 1, 2, 1, -100).await;
        pair(&mut db, 3, 4, 1, 100).await;
        pair(&mut db, 5, 6, 1, 290).await;
        pair(&mut db, 6, 7, 2, 310).await;
        pair(&mut db, 2, 9, 1, -140).await;
        // However it is written, before a postcode or alone.
        pair(&mut db, 4, 8, 1, 0).await;
        db.commit().await.unwrap();
        let order = vec![(1, 2), (4, 8), (2, 9), (6, 7), (5, 6), (3, 4)];
        assert_eq!(first(&store, false, 20).await, (6, 1, order.clone()));
        assert_eq!(first(&store, true, 20).await, (1, 1, order[..1].to_vec()));
        assert_eq!(first(&store, false, 2).await, (6, 1, order[..2].to_vec()));
        // Of two groups the best pair asks; joined before asked.
        let mut db = store.write().await.unwrap();
        run(&mut db, "UPDATE record SET grp = 6 WHERE first = 4").await;
        pair(&mut db, 4, 7, 1, 900).await;
        db.commit().await.unwrap();
        let (total, _, found) = first(&store, false, 20).await;
        assert!(found.contains(&(6, 7)) && !found.contains(&(4, 7)), "{found:?}");
        assert_eq!(total, 6);
    }

    #[tokio::test]
    async fn what_a_person_has_said_is_not_asked_again_until_it_is_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder).await;
        let mut db = store.write().await.unwrap();
        group(&mut db, 1, 1, "").await;
        group(&mut db, 2, 2, "").await;
        pair(&mut db, 1, 2, 1, 0).await;
        db.commit().await.unwrap();
        // (by whom, what, still open)
        let told = [
            (1, "unsure", false),
            (1, "none", true),
            (2, "unsure", true),
            (2, "different", false),
            (2, "none", true),
            (1, "branch-of", false),
        ];
        for (pos, (hub, said, stays)) in told.iter().enumerate() {
            let mut db = store.write().await.unwrap();
            decide(&mut db, *hub, pos as i64, (1, 2), said).await;
            db.commit().await.unwrap();
            assert_eq!(first(&store, false, 9).await.0, u64::from(*stays), "{hub} {said}");
        }
        let mut db = store.read().await.unwrap();
        let labels = judged(&mut db).await.unwrap();
        assert_eq!(labels.iter().map(|one| one.judgement.as_str()).collect::<Vec<_>>(), ["branch-of"]);
        assert_eq!(labels[0].a, RecordRef { hub: HubId([1; 20]), rec: Uuid::from_u128(1) });
    }

    #[tokio::test]
    async fn a_nations_questions_are_ranked_in_under_a_second() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder).await;
        let mut db = store.write().await.unwrap();
        // 49,000 groups of three hubs, 15,000 open questions, 30,000 pairs within groups, 5,000 answers.
        run(
            &mut db,
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 79000) \
            INSERT INTO record (first, hub, rec, kind, put_rev, rev, withdrawn, said, affirmed, state, keys, grp) \
            SELECT n, CASE WHEN n > 49000 THEN 2 ELSE 1 + n % 3 END, unhex(printf('%032x', n)), 1, 1, 1, 0, 0, 0, 'live', x'', \
              CASE WHEN n > 49000 THEN n - 49000 ELSE n END FROM n",
        )
        .await;
        run(&mut db, "INSERT INTO grp (n, hub, rec, digest, name, place, status, checked, members, hubs, conflicts) \
            SELECT first, hub, rec, x'', 'g' || first, 'Town ' || (first % 900) || ' CM1 1AA', '', '', 1 + first % 4, 1, \
              CASE WHEN first % 50 = 0 THEN 'place' ELSE '' END FROM record WHERE first <= 49000").await;
        run(&mut db, "INSERT INTO pair SELECT first - 49000, first, 2, 400 FROM record WHERE first > 49000").await;
        run(
            &mut db,
            "INSERT INTO pair SELECT first, first + 20000, 1, first % 700 - 150 FROM record WHERE first <= 15000",
        )
        .await;
        run(&mut db, "INSERT INTO decision (hub, rec, pos, said, body, a, b) \
            SELECT 1, rec, first, 0, 'h' || char(10) || 'link' || char(10) || '{\"judgement\":\"different\"}', \
              unhex(printf('%s%s', replace(hex(zeroblob(20)), '00', printf('%02x', hub)), hex(rec))), \
              unhex(printf('%s%032x', replace(hex(zeroblob(20)), '00', printf('%02x', 1 + (first + 20000) % 3)), first + 20000)) \
            FROM record WHERE first <= 5000").await;
        db.commit().await.unwrap();
        let start = std::time::Instant::now();
        let (total, own, found) = first(&store, false, 20).await;
        let took = start.elapsed();
        assert_eq!((total, found.len()), (10_000, 20));
        assert!(own > 5_000 && own < total);
        // A third of that on a quiet machine; tests share theirs with others.
        assert!(took.as_secs() < 3, "{took:?}");
        eprintln!("10,000 open questions of 49,000 groups ranked in {took:?}");
    }
}
