//! Verified leaves into the store, and the words that came late.

use super::{PullError, Run};
use crate::failpoint::reach;
use crate::feed::tile::{self, WIDTH};
use crate::peer::verify::{self, Checked, Raw};
use crate::record::part::PUBLIC;
use crate::record::statement::Body;
use crate::store::{self, log as logs};
use jiff::Timestamp;
use std::collections::BTreeMap;

impl Run<'_> {
    /// Stores verified bundles in log order, in one transaction with the checkpoint that they were proven under, and obeys
    /// erasures among them at once.
    pub(super) async fn keep(&mut self, bundles: Vec<Vec<Checked>>, note: &[u8]) -> Result<(), PullError> {
        if bundles.is_empty() {
            return Ok(());
        }
        let mut write = self.store.write().await?;
        let mut log = self.log.clone();
        let mut erased = logs::erasures(&mut write, log.owner).await?;
        for mut leaves in bundles {
            let mut voids = Vec::new();
            for (nth, checked) in leaves.iter().enumerate() {
                match &checked.statement {
                    Err(code) => {
                        voids.push((logs::pos(log.n, log.held + nth as u64), *code));
                        *self.seen.void.entry(code).or_default() += 1;
                    }
                    Ok(statement) => {
                        self.seen.withheld += u64::from(checked.lacks_line);
                        if let Body::Erase(_, upto, parts) = &statement.body
                            && parts.covers(PUBLIC)
                        {
                            let known = erased.entry(statement.id).or_default();
                            *known = (*known).max(*upto);
                            logs::never_again(&mut write, log.owner, statement.id, *upto).await?;
                            store::registry::erase_lines(&mut write, log.owner, statement.id, *upto).await?;
                        }
                    }
                }
            }
            for checked in &mut leaves {
                if let Ok(statement) = &checked.statement
                    && erased.get(&statement.id).is_some_and(|upto| statement.rev <= *upto)
                {
                    checked.leaf.line = None;
                }
            }
            let leaves: Vec<_> = leaves.into_iter().map(|checked| checked.leaf).collect();
            self.seen.new += leaves.len() as u64;
            logs::append(&mut write, &mut log, &leaves).await?;
            store::record::mark_void(&mut write, &voids).await?;
        }
        // Nothing is held that no remembered checkpoint covers. Where a Range may begin is known at the run's end only.
        self.remember(&mut write, note, 0).await?;
        reach("pull-keep");
        write.commit().await?;
        reach("pull-kept");
        self.log = log;
        Ok(())
    }

    /// Asks again for public parts that are still missing, a few bundles a run, other ones at other times.
    pub(super) async fn retry_withheld(&mut self, size: u64, now: Timestamp) -> Result<(), PullError> {
        let mut db = self.store.read().await?;
        let missing = store::registry::withheld(&mut db, self.log.n).await?;
        let mut bundles: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        missing.iter().for_each(|index| bundles.entry(index / WIDTH).or_default().push(*index));
        let turn = turn(now, bundles.len());
        let bundles: Vec<(u64, Vec<u64>)> = bundles.into_iter().collect();
        let round = bundles.iter().cycle().skip(turn).take(bundles.len());
        for (n, indexes) in round.take(self.client.limits().parallel_gets as usize) {
            let n = *n;
            let files = self.files();
            let width = tile::width(n, size);
            let leaves = logs::leaves(&mut db, self.log.n, n * WIDTH, n * WIDTH + width).await?;
            let raw: Vec<Raw> = leaves.iter().map(|leaf| Raw { hash: leaf.hash(), note: leaf.note.clone() }).collect();
            let (lines, bytes) = files.lines(n, width, 0, &raw).await?;
            self.seen.bytes += bytes;
            let key = self.log.key.clone();
            let checked = tokio::task::spawn_blocking(move || verify::check(raw, &lines, &key));
            let checked = checked.await.map_err(|_| PullError::Stopped)?;
            let mut write = self.store.write().await?;
            let erased = logs::erasures(&mut write, self.log.owner).await?;
            for &index in indexes {
                let Some(Checked { leaf, statement: Ok(statement), .. }) = checked.get((index % WIDTH) as usize) else {
                    continue;
                };
                let gone = erased.get(&statement.id).is_some_and(|upto| statement.rev <= *upto);
                match &leaf.line {
                    Some(line) if !gone => {
                        logs::fill_line(&mut write, logs::pos(self.log.n, index), line).await?;
                        store::registry::line_came(&mut write, self.log.owner, statement.id).await?;
                        self.seen.new += 1;
                    }
                    _ => self.seen.withheld += 1,
                }
            }
            write.commit().await?;
        }
        Ok(())
    }
}

/// Which of so many bundles is asked for first at a moment. Nothing needs to be remembered for everyone to have their
/// turn: multiples of the golden ratio fall evenly into any number of places, whatever step the schedule takes.
fn turn(now: Timestamp, bundles: usize) -> usize {
    const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15; // 2^64 / golden ratio, odd
    let place = (now.as_second() as u64).wrapping_mul(GOLDEN);
    ((u128::from(place) * bundles as u128) >> 64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever the schedule's step, and however many bundles wait: each has its turn soon.
    #[test]
    fn every_bundle_has_its_turn() {
        for step in [60, 300, 900, 3_600, 86_400, 7 * 86_400, 1 << 20] {
            for bundles in [1, 2, 3, 4, 7, 24, 60, 97] {
                let mut asked = std::collections::BTreeSet::new();
                let runs = (1..=bundles * 8).find(|run| {
                    let now = Timestamp::from_second(1_795_338_000 + *run as i64 * step).unwrap();
                    asked.extend((0..4).map(|nth| (turn(now, bundles) + nth) % bundles));
                    asked.len() == bundles
                });
                assert!(runs.is_some(), "step {step}: {} of {bundles}", asked.len());
            }
        }
    }
}
