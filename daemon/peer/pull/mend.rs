//! Bit rot: bundles that are no longer what was verified are fetched again, and take their place only if with them the log is
//! again exactly what it was.

use super::{PullError, Run};
use crate::feed::Frontier;
use crate::feed::tile::{self, WIDTH};
use crate::peer::verify::{self, Checked};
use crate::store::log as logs;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

impl Run<'_> {
    /// Puts damaged bundles of the log right; returns how many leaves were written again. Words that were erased stay away;
    /// what is superseded goes out of sight again when the caller folds the log anew.
    ///
    /// # Errors
    /// [`PullError`]: the partner cannot be reached, or what it serves is not what was verified. Nothing is changed then.
    pub async fn mend(mut self, damaged: &BTreeSet<u64>, now: Timestamp) -> Result<u64, PullError> {
        let Some((_, theirs)) = self.checkpoint(now).await? else { return Ok(0) };
        let held = self.log.held;
        if theirs.size < held {
            return Err(PullError::Mismatch("checkpoint".to_owned()));
        }
        let mut fresh: BTreeMap<u64, Vec<Checked>> = BTreeMap::new();
        for n in damaged.iter().copied().filter(|n| n * WIDTH < held) {
            let (files, width) = (self.files(), tile::width(n, theirs.size));
            let (mut raw, _) = files.entries(n, width).await?;
            let (lines, _) = files.lines(n, width, 0, &raw).await?;
            raw.truncate(tile::width(n, held) as usize);
            let key = self.log.key.clone();
            let checked = tokio::task::spawn_blocking(move || verify::check(raw, &lines, &key));
            fresh.insert(n, checked.await.map_err(|_| PullError::Stopped)?);
        }
        let mut write = self.store.write().await?;
        let mut edge = Frontier::default();
        for n in 0..held.div_ceil(WIDTH) {
            match fresh.get(&n) {
                Some(leaves) => leaves.iter().for_each(|checked| edge.push(checked.leaf.hash)),
                None => {
                    let from = n * WIDTH;
                    let leaves = logs::leaves(&mut write, self.log.n, from, from + tile::width(n, held)).await?;
                    leaves.iter().for_each(|leaf| edge.push(leaf.hash()));
                }
            }
        }
        let known = self.known()?;
        let proven =
            known.is_some_and(|known| known.size == held && known.root == edge.root()) || edge == self.log.edge;
        if !proven {
            return Err(PullError::Mismatch("tile/entries".to_owned()));
        }
        let gone = logs::erasures(&mut write, self.log.n).await?;
        let mut mended = 0;
        for (n, leaves) in fresh {
            let first = logs::pos(self.log.n, n * WIDTH);
            for (pos, checked) in (first..).zip(leaves) {
                let Checked { mut leaf, statement, .. } = checked;
                let may =
                    statement.is_ok_and(|statement| gone.get(&statement.id).is_none_or(|upto| statement.rev > *upto));
                if !may {
                    leaf.line = None;
                }
                logs::replace(&mut write, pos, &leaf).await?;
                mended += 1;
            }
        }
        logs::set_tree(&mut write, self.log.n, held, &edge).await?;
        write.commit().await?;
        Ok(mended)
    }
}
