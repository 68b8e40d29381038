//! Changed records → pairs: who may be one group with them, judged and written down.
//!
//! What is stored is, at any time, the judgement of every two live records that share a key which is not too common. A
//! change touches the pairs of changed records, and of those who share a key that became too common or ceased to be so.

use super::stand::{self, Touched};
use crate::registry::linkage::{Model, Outcome, Row};
use crate::store::group::{Compared, Lists, Loaded, Rules};
use crate::store::pair::{self, Pair};
use crate::store::{self, StoreError, Write};
use futures_util::TryStreamExt;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Up to so many records are compared one by one.
const FEW: usize = 500;
/// Candidate pairs gathered before they are judged: a bound on memory.
const GATHER: usize = 1_000_000;

/// Whose joined pairs came or went.
#[derive(Debug)]
pub struct Repaired {
    /// Records that were joined with others, or are now.
    pub ends: BTreeSet<i64>,
    /// Whether all pairs were made again.
    pub all: bool,
}

/// Brings the pairs up to date. What it had to read of records for that is added to what is known of them.
///
/// # Errors
/// Database errors.
pub async fn compare(
    db: &mut Write,
    rules: &Rules,
    lists: &Arc<Lists>,
    touched: &mut Touched,
) -> Result<Repaired, StoreError> {
    let changed = touched.compare.len();
    // One by one costs about a hundred times as much a record as all at once.
    if changed > FEW && changed as u64 > store::registry::count_live(db).await? / 16 {
        let mut keys = std::mem::take(&mut touched.keys);
        let ends = if keys.written == 0 && store::registry::unlinked(db).await? {
            from_scratch(db, rules, lists, &mut touched.compared, keys.come).await?
        } else {
            stand::link(db, &mut keys).await?;
            drop(keys);
            all(db, rules, lists, &mut touched.compared).await?
        };
        return Ok(Repaired { ends, all: true });
    }
    stand::link(db, &mut touched.keys).await?;
    Ok(Repaired { ends: some(db, rules, lists, touched).await?, all: false })
}

async fn some(
    db: &mut Write,
    rules: &Rules,
    lists: &Lists,
    touched: &mut Touched,
) -> Result<BTreeSet<i64>, StoreError> {
    let model = rules.policy.linkage();
    let sharing = i64::from(model.cuts().sharing);
    let mut counts: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
    touched.keys.come.iter().for_each(|(key, _)| counts.entry(*key).or_default().0 += 1);
    touched.keys.gone.iter().for_each(|key| counts.entry(*key).or_default().1 += 1);
    touched.keys.kept.iter().for_each(|key| {
        counts.entry(*key).or_default();
    });
    let mut again = touched.compare.clone();
    // Who shares a key that crossed the line, either way, is compared again with all that it reaches.
    // Of a key that too many share only so many are read as tell whether it crossed.
    let most = sharing + 1 + counts.values().map(|(come, _)| *come).max().unwrap_or_default();
    let keys: Vec<i64> = counts.keys().copied().collect();
    let mut members = store::registry::sharing(db, &keys, most).await?;
    let mut crossed = BTreeSet::new();
    for (key, (come, gone)) in &counts {
        let now = members.get(key).map_or(0, Vec::len) as i64;
        if (now > sharing) != (now - come + gone > sharing) {
            crossed.extend(members.get(key).into_iter().flatten().filter(|record| !again.contains(*record)).copied());
        }
    }
    if !touched.keys.kept.is_empty() || !crossed.is_empty() || touched.compared.len() < again.len() {
        // Of records that are compared again without having changed, the keys are in the database.
        let unread: Vec<i64> =
            again.iter().filter(|record| !touched.compared.contains_key(record)).chain(&crossed).copied().collect();
        let rows = store::record::numbered(db, &unread).await?;
        let keys: BTreeSet<i64> = rows.iter().flat_map(|row| row.keys.iter().copied()).collect();
        let unread: Vec<i64> = keys.into_iter().filter(|key| !counts.contains_key(key)).collect();
        members.extend(store::registry::sharing(db, &unread, sharing + 1).await?);
        again.extend(crossed);
    }
    let mut pairs: BTreeSet<(i64, i64)> = BTreeSet::new();
    for records in members.values().filter(|records| records.len() as i64 <= sharing) {
        for one in records.iter().filter(|record| again.contains(*record)) {
            pairs.extend(records.iter().filter(|other| *other != one).map(|other| (*one.min(other), *one.max(other))));
        }
    }
    let ends: BTreeSet<i64> = pairs.iter().flat_map(|(a, b)| [*a, *b]).collect();
    read(db, rules, ends, &mut touched.compared).await?;
    let rows: BTreeMap<i64, Row> =
        touched.compared.iter().filter_map(|(n, one)| Some((*n, one.row(rules, lists)?))).collect();
    let judged: Vec<Pair> =
        pairs.into_iter().filter_map(|(a, b)| Pair::judge(a, b, rows.get(&a)?, rows.get(&b)?, model)).collect();
    let mut ends: BTreeSet<i64> = pair::remove(db, &again.into_iter().collect::<Vec<_>>()).await?.into_iter().collect();
    pair::add(db, &judged).await?;
    ends.extend(judged.iter().filter(|pair| pair.outcome == Outcome::Joined).flat_map(|pair| [pair.a, pair.b]));
    Ok(ends)
}

/// Adds what of these records is compared, where it is not known yet.
///
/// # Errors
/// Database errors.
pub async fn read(
    db: &mut Write,
    rules: &Rules,
    records: impl IntoIterator<Item = i64>,
    known: &mut BTreeMap<i64, Compared>,
) -> Result<(), StoreError> {
    let unread: Vec<i64> = records.into_iter().filter(|record| !known.contains_key(record)).collect();
    for chunk in unread.chunks(4 * store::CHUNK) {
        let spoken = store::record::spoken(db, chunk).await?;
        let rules = rules.clone();
        let read = tokio::task::spawn_blocking(move || Loaded::of(spoken, &rules).compared(rules.policy.linkage()));
        known.extend(read.await.map_err(|error| StoreError::Protocol(format!("reading stopped: {error}")))?);
    }
    Ok(())
}

/// All pairs from all keys, of which none is written yet: they are written on one core while records are compared on others.
async fn from_scratch(
    db: &mut Write,
    rules: &Rules,
    lists: &Arc<Lists>,
    known: &mut BTreeMap<i64, Compared>,
    mut keys: Vec<(i64, i64)>,
) -> Result<BTreeSet<i64>, StoreError> {
    let left = pair::clear(db).await?;
    let everyone = Everyone::read(db, rules, lists, known).await?;
    keys.sort_unstable();
    keys.dedup();
    let keys = Arc::new(keys);
    let sharing = rules.policy.linkage().cuts().sharing as usize;
    let comparing = tokio::task::spawn_blocking({
        let (everyone, keys) = (everyone.clone(), keys.clone());
        move || {
            let shared = keys.chunk_by(|a, b| a.0 == b.0).filter(|run| (2..=sharing).contains(&run.len()));
            let mut found = Found::default();
            for run in shared {
                found.gather(&everyone, run.iter().map(|(_, record)| *record));
                if found.gathered.len() > GATHER {
                    found.judge(&everyone);
                }
            }
            found.judge(&everyone);
            found.pairs
        }
    });
    store::registry::link(db, &keys).await?;
    let found = comparing.await.map_err(|error| StoreError::Protocol(format!("comparing stopped: {error}")))?;
    everyone.keep(db, found, known, left).await
}

/// All pairs from all keys, as they are written.
async fn all(
    db: &mut Write,
    rules: &Rules,
    lists: &Arc<Lists>,
    known: &mut BTreeMap<i64, Compared>,
) -> Result<BTreeSet<i64>, StoreError> {
    let left = pair::clear(db).await?;
    let everyone = Everyone::read(db, rules, lists, known).await?;
    let mut found = Found::default();
    let mut shared = store::registry::shared(db, rules.policy.linkage().cuts().sharing);
    loop {
        let members = shared.try_next().await?;
        let last = members.is_none();
        found.gather(&everyone, members.into_iter().flatten());
        if last || found.gathered.len() > GATHER {
            let (mut gathered, everyone) = (std::mem::take(&mut found), everyone.clone());
            let judged = tokio::task::spawn_blocking(move || {
                gathered.judge(&everyone);
                gathered
            });
            found = judged.await.map_err(|error| StoreError::Protocol(format!("comparing stopped: {error}")))?;
        }
        if last {
            break;
        }
    }
    drop(shared);
    everyone.keep(db, found.pairs, known, left).await
}

/// Pairs of records that share a key.
#[derive(Default)]
struct Found {
    /// Not judged yet: places of the two.
    gathered: Vec<(u32, u32)>,
    /// Those that are not plainly apart; some may stand here more than once.
    pairs: Vec<Pair>,
}

impl Found {
    /// Adds every two of these.
    fn gather(&mut self, everyone: &Everyone, records: impl Iterator<Item = i64>) {
        let mut places: Vec<u32> = records.filter_map(|record| everyone.place(record)).collect();
        places.sort_unstable();
        for (n, a) in places.iter().enumerate() {
            self.gathered.extend(places[n + 1..].iter().map(|b| (*a, *b)));
        }
    }

    fn judge(&mut self, everyone: &Everyone) {
        self.pairs.extend(everyone.judge(&mut self.gathered));
        self.gathered.clear();
    }
}

struct Everyone {
    numbers: Vec<i64>,
    compared: Vec<Compared>,
    rules: Rules,
    lists: Arc<Lists>,
}

impl Everyone {
    /// Every live record, as it is compared.
    async fn read(
        db: &mut Write,
        rules: &Rules,
        lists: &Arc<Lists>,
        known: &mut BTreeMap<i64, Compared>,
    ) -> Result<Arc<Everyone>, StoreError> {
        let live = store::registry::all_live(db).await?;
        read(db, rules, live, known).await?;
        let (numbers, compared): (Vec<i64>, Vec<Compared>) = std::mem::take(known).into_iter().unzip();
        Ok(Arc::new(Everyone { numbers, compared, rules: rules.clone(), lists: lists.clone() }))
    }

    /// Writes what was found, gives back what is known of the records, and says whose joined pairs came or went.
    async fn keep(
        self: Arc<Everyone>,
        db: &mut Write,
        mut found: Vec<Pair>,
        known: &mut BTreeMap<i64, Compared>,
        left: Vec<i64>,
    ) -> Result<BTreeSet<i64>, StoreError> {
        found.sort_unstable_by_key(|pair| (pair.a, pair.b));
        found.dedup_by_key(|pair| (pair.a, pair.b));
        pair::add(db, &found).await?;
        if let Some(everyone) = Arc::into_inner(self) {
            *known = everyone.numbers.into_iter().zip(everyone.compared).collect();
        }
        let joined = found.iter().filter(|pair| pair.outcome == Outcome::Joined).flat_map(|pair| [pair.a, pair.b]);
        Ok(left.into_iter().chain(joined).collect())
    }

    fn place(&self, record: i64) -> Option<u32> {
        self.numbers.binary_search(&record).ok().map(|place| place as u32)
    }

    /// Judges pairs on all cores.
    fn judge(&self, pairs: &mut Vec<(u32, u32)>) -> Vec<Pair> {
        pairs.sort_unstable();
        pairs.dedup();
        let rows: Vec<Option<Row>> = self.compared.iter().map(|one| one.row(&self.rules, &self.lists)).collect();
        let model = self.rules.policy.linkage();
        let one = |(a, b): &(u32, u32)| {
            let (a, b) = (*a as usize, *b as usize);
            Pair::judge(self.numbers[a], self.numbers[b], rows[a].as_ref()?, rows[b].as_ref()?, model)
        };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let share = pairs.len().div_ceil(cores).max(1);
        std::thread::scope(|scope| {
            let workers: Vec<_> = pairs
                .chunks(share)
                .map(|chunk| scope.spawn(|| chunk.iter().filter_map(one).collect::<Vec<_>>()))
                .collect();
            // A worker that panicked is a fault of this program: it ends the transaction, and the daemon tells of it.
            workers
                .into_iter()
                .flat_map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        })
    }
}

impl Pair {
    /// The pair, unless the two are two groups.
    fn judge(a: i64, b: i64, one: &Row, other: &Row, model: &Model) -> Option<Pair> {
        one.related(other, model).map(|judged| Pair { a, b, outcome: judged.outcome, score: judged.score })
    }
}
