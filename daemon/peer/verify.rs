//! One bundle's bytes → checked leaves. No I/O: it runs on any core, for any bundle, alone.

use crate::feed::tile::{self, BundleError};
use crate::feed::{Hash, VerifyKey, leaf, merkle};
use crate::record::part::{self, PUBLIC};
use crate::record::statement::Statement;
use crate::store::log::NewLeaf;

/// A leaf whose bytes are in the tree; what it says was checked under the log's key.
#[derive(Debug, Clone)]
pub struct Checked {
    /// Ready to store.
    pub leaf: NewLeaf,
    /// What it says, or the code of why it says nothing.
    pub statement: Result<Statement, &'static str>,
    /// Whether the leaf names a public part whose line did not come, or not as its digest says.
    pub lacks_line: bool,
}

/// A leaf as it came, before its signature was looked at.
#[derive(Debug, Clone)]
pub struct Raw {
    /// Bytes; empty for one its server removed.
    pub note: Vec<u8>,
    /// Its hash in the tree.
    pub hash: Hash,
}

/// Takes an entry bundle apart and hashes its leaves. `removed` gives the level-0 tile's hash of a leaf that its server
/// removed (length 0).
///
/// # Errors
/// [`BundleError`] unless it is exactly `expected` leaves.
pub fn raw(bundle: &[u8], expected: u64, removed: impl Fn(usize) -> Option<Hash>) -> Result<Vec<Raw>, BundleError> {
    let leaves = tile::read_entries(bundle, expected)?;
    leaves
        .into_iter()
        .enumerate()
        .map(|(n, note)| {
            let hash = if note.is_empty() {
                removed(n).ok_or(BundleError::Length(n as u64))?
            } else {
                merkle::leaf_hash(note)
            };
            Ok(Raw { note: note.to_vec(), hash })
        })
        .collect()
}

/// Checks leaves that are proven to be in the tree: each signature by `verify_strict`, each statement by the rules, each
/// line by its digest. A leaf that fails is void and stops nothing; a line that fails is not there.
pub fn check(raw: Vec<Raw>, lines: &[String], key: &VerifyKey) -> Vec<Checked> {
    let line = |n: usize| lines.get(n).filter(|line| !line.is_empty());
    raw.into_iter()
        .enumerate()
        .map(|(n, raw)| {
            let statement = match raw.note.as_slice() {
                [] => Err("leaf-removed"),
                note => leaf::open(note, key).map_err(|verdict| verdict.code()),
            };
            let digest = statement.as_ref().ok().and_then(|statement| statement.parts.get(PUBLIC));
            let line =
                digest.and_then(|digest| line(n).filter(|line| part::digest(line.as_bytes()) == *digest)).cloned();
            let lacks_line = digest.is_some() && line.is_none();
            Checked { leaf: NewLeaf { note: raw.note, hash: raw.hash, line }, statement, lacks_line }
        })
        .collect()
}
