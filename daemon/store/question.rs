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
        "))) * (min(20, gx.members + gy.members) + 2 * (gx.hub <> gy.hub) \
           + 2 * (gx.conflicts <> '' OR gy.conflicts <> '')) AS weight \
           FROM best AS q JOIN grp AS gx ON gx.n = q.x JOIN grp AS gy ON gy.n = q.y \
           WHERE q.nth = 1 AND (q.x, q.y) NOT IN (SELECT x, y FROM settled)), \
         placed AS (SELECT a, b, held, score, own, tx <> '' AND tx IN home OR ty <> '' AND ty IN home AS near, weight \
           FROM asked), \
         counted AS (SELECT *, count(*) OVER () AS total, sum(own) OVER () AS owns FROM placed) \
         SELECT a, b, held, score, own, near, weight, total, owns FROM counted WHERE own >= ",
    );
    query.push_bind(own);
    query.push(" ORDER BY own DESC, near DESC, weight DESC, score DESC, a, b LIMIT ").push_bind(limit.max(1) as i64);
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
