//! Bundles as whole files: fetched, checked against what ties them to the signed root, verified leaf by leaf.

use super::PullError;
use super::proof::Proof;
use crate::feed::plan::Bundle;
use crate::feed::tile::{self, BundleError, WIDTH};
use crate::feed::{VerifyKey, merkle};
use crate::peer::client::{Client, FetchError};
use crate::peer::verify::{self, Checked, Raw};
use crate::record::part::{self, PUBLIC};
use reqwest::Url;

/// A bundle that was verified alone.
pub(super) struct Verified {
    pub(super) n: u64,
    pub(super) leaves: Vec<Checked>,
    pub(super) part_bytes: u64,
    pub(super) bytes: u64,
}

/// What a task that fetches one bundle needs.
#[derive(Clone)]
pub(super) struct Files {
    pub(super) client: Client,
    pub(super) prefix: Url,
    pub(super) key: VerifyKey,
}

impl Files {
    fn url(&self, path: &str) -> Result<Url, PullError> {
        self.prefix.join(path).map_err(|_| PullError::Url(path.to_owned()))
    }

    pub(super) async fn bundle(self, bundle: Bundle, proof: Proof) -> Result<Verified, PullError> {
        let (raw, entry_bytes) = match proof {
            Proof::Raw(raw) => (raw, 0),
            Proof::Root(root) => {
                let (raw, bytes) = self.entries(bundle.n, bundle.file_width).await?;
                if merkle::root(raw.iter().map(|raw| raw.hash)) != root {
                    return Err(PullError::Mismatch(tile::entries(bundle.n, bundle.file_width)));
                }
                (raw, bytes)
            }
        };
        let (lines, part_bytes) = if has_parts(&raw) {
            self.lines(bundle.n, bundle.file_width, 0, &raw).await?
        } else {
            (Vec::new(), raw.len() as u64)
        };
        let take = bundle.leaves.end as usize;
        let key = self.key.clone();
        let leaves =
            tokio::task::spawn_blocking(move || verify::check(raw.into_iter().take(take).collect(), &lines, &key));
        let leaves = leaves.await.map_err(|_| PullError::Stopped)?;
        Ok(Verified { n: bundle.n, leaves, part_bytes, bytes: entry_bytes + part_bytes })
    }

    /// A whole entry bundle, with the level-0 tile where its server removed a leaf.
    pub(super) async fn entries(&self, n: u64, width: u64) -> Result<(Vec<Raw>, u64), PullError> {
        let path = tile::entries(n, width);
        let wrong = |error| PullError::Bundle(path.clone(), error);
        let bytes = self.client.whole(&self.url(&path)?, self.client.limits().entry_bundle_bytes, false).await?;
        let removed = tile::read_entries(&bytes, width).map_err(wrong)?.iter().any(|leaf| leaf.is_empty());
        let hashes = if removed {
            let path = tile::tile(0, n, width);
            let tile = self.client.whole(&self.url(&path)?, WIDTH * 32, false).await?;
            tile::read_hashes(&tile, width).map_err(|error| PullError::Bundle(path, error))?
        } else {
            Vec::new()
        };
        let raw = verify::raw(&bytes, width, |n| hashes.get(n).copied()).map_err(wrong)?;
        Ok((raw, bytes.len() as u64))
    }

    /// A whole part bundle. `raw` are the leaves from `skip` on; when one of their lines does not fit, a cache on the way
    /// may hold an older copy, so the file is asked for once more past it. What still does not fit is withheld.
    pub(super) async fn lines(
        &self,
        n: u64,
        width: u64,
        skip: usize,
        raw: &[Raw],
    ) -> Result<(Vec<String>, u64), PullError> {
        let path = tile::parts(PUBLIC, n, width);
        let url = self.url(&path)?;
        let limits = self.client.limits();
        let mut fresh = false;
        loop {
            let bytes = match self.client.whole(&url, limits.part_bundle_bytes, fresh).await {
                // A hub may have removed a whole part file: every line in it is withheld.
                Err(FetchError::Status(_, 404 | 410, _)) => return Ok((Vec::new(), 0)),
                bytes => bytes?,
            };
            match tile::read_lines(&bytes, width, limits.line_bytes as usize) {
                Ok(lines) if fresh || all_fit(raw, lines.get(skip..).unwrap_or_default()) => {
                    return Ok((lines.into_iter().map(str::to_owned).collect(), bytes.len() as u64));
                }
                // An older, shorter copy: what it lacks is withheld, and asked for again (PROTOCOL F8).
                Err(BundleError::Count { met, expected }) if fresh && met < expected => return Ok((Vec::new(), 0)),
                Err(error) if fresh => return Err(PullError::Bundle(path, error)),
                _ => fresh = true,
            }
        }
    }
}

/// Whether any leaf names a public part. A guess by text that errs towards fetching.
pub(super) fn has_parts(raw: &[Raw]) -> bool {
    raw.iter().any(|raw| digest_in(&raw.note).is_some())
}

/// Whether every line that came is one its leaf names.
pub(super) fn all_fit(raw: &[Raw], lines: &[&str]) -> bool {
    raw.iter().zip(lines).all(|(raw, line)| {
        line.is_empty() || digest_in(&raw.note).is_some_and(|digest| digest == part::digest(line.as_bytes()).as_bytes())
    })
}

/// The digest of the public part in a leaf's bytes as this protocol's publishers write it.
fn digest_in(note: &[u8]) -> Option<&[u8]> {
    const MEMBER: &[u8] = b"\"public\":\"";
    let at = note.windows(MEMBER.len()).position(|window| window == MEMBER)? + MEMBER.len();
    note.get(at..at + 43)
}
