//! Bundles as whole files: fetched, checked against what ties them to the signed root, verified leaf by leaf.

use super::PullError;
use super::proof::Proof;
use crate::feed::note::Note;
use crate::feed::plan::Bundle;
use crate::feed::tile::{self, BundleError, WIDTH};
use crate::feed::{VerifyKey, merkle};
use crate::peer::client::{Client, FetchError};
use crate::peer::verify::{self, Checked, Raw};
use crate::record::Statement;
use crate::record::part::{self, PUBLIC};
use crate::store::{self, Store};
use reqwest::Url;
use std::collections::HashMap;
use uuid::Uuid;

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
    pub(super) store: Store,
    pub(super) prefix: Url,
    pub(super) key: VerifyKey,
    /// Numbers of the hub and the log.
    pub(super) log: (i64, i64),
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
        let (lines, part_bytes) = if !has_parts(&raw) {
            (Vec::new(), raw.len() as u64)
        } else if let Some(lines) = self.known_lines(&raw).await? {
            (lines, 0)
        } else {
            self.lines(bundle.n, bundle.file_width, 0, &raw).await?
        };
        let take = bundle.leaves.end as usize;
        let key = self.key.clone();
        let leaves =
            tokio::task::spawn_blocking(move || verify::check(raw.into_iter().take(take).collect(), &lines, &key));
        let leaves = leaves.await.map_err(|_| PullError::Stopped)?;
        Ok(Verified { n: bundle.n, leaves, part_bytes, bytes: entry_bytes + part_bytes })
    }

    /// The lines of leaves that say again, word for word, what an earlier log of the hub said, when all of them are held: a
    /// hub that begins a new log uses lines and digests again, so nothing of it needs to be fetched (PROTOCOL 1.6).
    pub(super) async fn known_lines(&self, raw: &[Raw]) -> Result<Option<Vec<String>>, PullError> {
        let (hub, log) = self.log;
        if log == hub {
            return Ok(None); // its first log
        }
        let said: Vec<Option<(Uuid, String)>> = raw.iter().map(|raw| said(&raw.note)).collect();
        let ids: Vec<Uuid> = said.iter().flatten().map(|(id, _)| *id).collect();
        let mut db = self.store.read().await?;
        let rows = store::record::get_many(&mut db, hub, &ids).await?;
        let puts: HashMap<Uuid, i64> =
            rows.iter().filter_map(|row| Some((row.rec, row.state.put.map(|(pos, _)| pos)?))).collect();
        let lines = store::log::lines(&mut db, &puts.values().copied().collect::<Vec<_>>()).await?;
        drop(db);
        let lines: HashMap<i64, String> = lines.into_iter().collect();
        let line = |said: &Option<(Uuid, String)>| match said {
            None => Some(String::new()),
            Some((id, digest)) => {
                let line = lines.get(puts.get(id)?)?;
                (part::digest(line.as_bytes()) == *digest).then(|| line.clone())
            }
        };
        Ok(said.iter().map(line).collect())
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

/// The record and the digest of the public part that a leaf names. Nothing of it is verified: it only says where to look.
fn said(note: &[u8]) -> Option<(Uuid, String)> {
    let statement = Statement::read(Note::parse(note).ok()?.text.as_bytes()).ok()?;
    Some((statement.id, statement.parts.get(PUBLIC)?.clone()))
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
