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
        let theirs: Vec<Hash> = if (full as usize) < level1.len() {
            let files = self.files();
            let (raw, _) = files.entries(full, WIDTH).await?;
            let hashes: Vec<Hash> = raw.iter().map(|raw| raw.hash).collect();
            if merkle::root(hashes.iter().copied()) != level1[full as usize] {
                return Err(PullError::Mismatch(tile::entries(full, WIDTH)));
            }
            hashes
        } else {
            tail.iter().map(|raw| raw.hash).collect()
        };
        Ok(held.iter().zip(theirs).all(|(leaf, hash)| leaf.hash() == hash))
    }

    /// The edge did not meet the signed root: are the files damaged, or is the tree another one? Only a tree that hashes
    /// to the signed root and does not hold what we hold proves a fork.
    pub(super) async fn explain(&self, theirs: &Checkpoint, note: &[u8]) -> Result<PullError, PullError> {
        let full = theirs.size / WIDTH;
        let tiles: Vec<(u64, u64)> = (0..full.div_ceil(WIDTH)).map(|n| (n, tile::width(n, full))).collect();
        let (level1, tail) = self.upper(&tiles, theirs).await?;
        Ok(if self.fits_held(&level1, &tail).await? {
            PullError::Mismatch(tile::entries(self.log.held / WIDTH, WIDTH))
        } else {
            self.fork(note)
        })
    }
}
