//! What hangs on the signed root: the roots of bundles, and whether what is held is a prefix of the tree.

use super::{PullError, Run};
use crate::feed::tile::{self, WIDTH};
use crate::feed::{Checkpoint, Frontier, Hash, merkle};
use crate::peer::verify::Raw;
use crate::store::log as logs;

/// What ties a bundle to the signed root.
pub(super) enum Proof {
    /// The root of its 256 leaves.
    Root(Hash),
    /// Its leaves, hashed with the upper level.
    Raw(Vec<Raw>),
}

/// The level-1 tiles that hold the roots of so many full bundles, as (index, hashes).
fn tiles(full: u64) -> Vec<(u64, u64)> {
    (0..full.div_ceil(WIDTH)).map(|n| (n, tile::width(n, full))).collect()
}

impl Run<'_> {
    /// The roots of all full bundles and the raw tail behind them, proven against the signed root.
    pub(super) async fn upper(
        &self,
        tiles: &[(u64, u64)],
        theirs: &Checkpoint,
    ) -> Result<(Vec<Hash>, Vec<Raw>), PullError> {
        let mut level1 = Vec::new();
        for (n, width) in tiles {
            let path = tile::tile(1, *n, *width);
            let bytes = self.client.whole(&self.url(&path)?, WIDTH * 32, false).await?;
            level1.extend(tile::read_hashes(&bytes, *width).map_err(|error| PullError::Bundle(path, error))?);
        }
        let mut edge = Frontier::default();
        level1.iter().for_each(|root| edge.push_subtree(8, *root));
        let (n, width) = (theirs.size / WIDTH, theirs.size % WIDTH);
        let mut tail = Vec::new();
        if width > 0 {
            let files = self.files();
            tail = files.entries(n, width).await?.0;
            tail.iter().for_each(|raw| edge.push(raw.hash));
        }
        if edge.root() == theirs.root { Ok((level1, tail)) } else { Err(PullError::Mismatch(tile::tile(1, 0, WIDTH))) }
    }

    /// Whether what is held is a prefix of a tree proven by [`Run::upper`].
    pub(super) async fn fits_held(&self, level1: &[Hash], tail: &[Raw]) -> Result<bool, PullError> {
        let mut db = self.store.read().await?;
        let (full, rest) = (self.log.held / WIDTH, self.log.held % WIDTH);
        let ours = logs::bundle_roots(&mut db, self.log.n, full).await?;
        if ours.iter().zip(level1).any(|(a, b)| a != b) {
            return Ok(false);
        }
        let held = logs::leaves(&mut db, self.log.n, full * WIDTH, self.log.held).await?;
        drop(db);
        if rest == 0 {
            return Ok(true);
        }
        let theirs = self.hashes(level1, tail, full).await?;
        Ok(held.iter().zip(theirs).all(|(leaf, hash)| leaf.hash() == hash))
    }

    /// How many of the leaves that are held are those of a tree, as its files show it.
    pub(super) async fn agrees_with(&self, theirs: &Checkpoint) -> Result<u64, PullError> {
        let (level1, tail) = self.upper(&tiles(theirs.size / WIDTH), theirs).await?;
        let mut db = self.store.read().await?;
        let ours = logs::bundle_roots(&mut db, self.log.n, self.log.held / WIDTH).await?;
        let alike = ours.iter().zip(&level1).take_while(|(a, b)| a == b).count() as u64;
        let from = alike * WIDTH;
        let held = logs::leaves(&mut db, self.log.n, from, (from + WIDTH).min(self.log.held)).await?;
        drop(db);
        let theirs = self.hashes(&level1, &tail, alike).await?;
        let more = held.iter().zip(theirs).take_while(|(leaf, hash)| leaf.hash() == *hash).count() as u64;
        Ok(from + more)
    }

    /// Whether the checkpoint known before is of the same tree. It matters where the log is not held to that size yet:
    /// there, nothing that is held could tell (PROTOCOL 1.4, 3: compared is what was verified, not what was stored).
    pub(super) async fn fits_known(&self, level1: &[Hash], tail: &[Raw]) -> Result<bool, PullError> {
        match self.known()? {
            Some(known) if known.size > self.log.held => {
                Ok(self.root_within(level1, tail, known.size).await? == known.root)
            }
            _ => Ok(true),
        }
    }

    /// Whether an older state than the one known contradicts it, for all that the partner's files still show: past what is
    /// held, only they can tell. Nothing is taken from an older state, so files that are gone leave it at that.
    pub(super) async fn contradicts(&self, known: &Checkpoint, theirs: &Checkpoint) -> bool {
        let full = known.size / WIDTH;
        let Ok((level1, tail)) = self.upper(&tiles(full), known).await else { return false };
        self.root_within(&level1, &tail, theirs.size).await.is_ok_and(|root| root != theirs.root)
    }

    /// The root of the first `upto` leaves of a tree that [`Run::upper`] proved.
    async fn root_within(&self, level1: &[Hash], tail: &[Raw], upto: u64) -> Result<Hash, PullError> {
        let (full, rest) = (upto / WIDTH, upto % WIDTH);
        let mut edge = Frontier::default();
        level1.iter().take(full as usize).for_each(|root| edge.push_subtree(8, *root));
        if rest > 0 {
            let hashes = self.hashes(level1, tail, full).await?;
            hashes.into_iter().take(rest as usize).for_each(|hash| edge.push(hash));
        }
        Ok(edge.root())
    }

    /// The leaf hashes of one bundle of a tree that [`Run::upper`] proved.
    async fn hashes(&self, level1: &[Hash], tail: &[Raw], n: u64) -> Result<Vec<Hash>, PullError> {
        let Some(root) = level1.get(n as usize) else { return Ok(tail.iter().map(|raw| raw.hash).collect()) };
        let (raw, _) = self.files().entries(n, WIDTH).await?;
        let hashes: Vec<Hash> = raw.iter().map(|raw| raw.hash).collect();
        if merkle::root(hashes.iter().copied()) != *root {
            return Err(PullError::Mismatch(tile::entries(n, WIDTH)));
        }
        Ok(hashes)
    }

    /// The edge did not meet the signed root: are the files damaged, or is the tree another one? Only a tree that hashes
    /// to the signed root and does not hold what we hold proves a fork.
    pub(super) async fn explain(&self, theirs: &Checkpoint, note: &[u8]) -> Result<PullError, PullError> {
        let (level1, tail) = self.upper(&tiles(theirs.size / WIDTH), theirs).await?;
        Ok(if self.fits_held(&level1, &tail).await? {
            PullError::Mismatch(tile::entries(self.log.held / WIDTH, WIDTH))
        } else {
            self.fork(note)
        })
    }
}
