//! Copies of partners' lists, served on: `/relay/<hex sha256(origin)>/…` is the same tree of files as the log's own, and
//! `/relay/<hex sha256(hub id)>/…` holds its hub's documents.
//!
//! Made from the database at each request, never from files of their own: what a hub erased or replaced is gone from here
//! in the same transaction in which it is gone from there. Public parts only. A relay can be late, and cannot lie: whoever
//! reads it verifies by the same keys. Its checkpoint is the one in `/seen`, with this hub's cosignature.

use super::error::WebError;
use super::feed::{self, path::Kind};
use crate::feed::tile::{self, WIDTH};
use crate::feed::{Hash, merkle, seen};
use crate::record::HubId;
use crate::store::log::LogRow;
use crate::store::{self, Store, StoreError};
use anyhow::Context;
use axum::Router;
use axum::extract::{Path as Params, State};
use axum::http::{HeaderMap, Method, header};
use axum::response::Response;
use axum::routing::get;
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use std::sync::Arc;

/// Whose lists are served on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Relayed {
    /// Those of all partners.
    All,
    /// Those of these hubs.
    Some(Vec<HubId>),
}

impl Relayed {
    /// Reads `publish.relay`: `all`, or hub ids.
    ///
    /// # Errors
    /// What is neither.
    pub fn of(words: &[String]) -> Result<Relayed, String> {
        if words.iter().any(|word| word == "all") {
            return Ok(Relayed::All);
        }
        words.iter().map(|word| word.parse().map_err(|_| word.clone())).collect::<Result<_, _>>().map(Relayed::Some)
    }

    fn holds(&self, hub: HubId) -> bool {
        match self {
            Relayed::All => true,
            Relayed::Some(hubs) => hubs.contains(&hub),
        }
    }
}

struct Relay {
    store: Store,
    feed: PathBuf,
    relayed: Relayed,
}

/// Routes that serve on what is held of partners. `feed` is the folder in which `/seen` lies.
pub fn routes(store: Store, feed: impl Into<PathBuf>, relayed: Relayed) -> Router {
    let relay = Relay { store, feed: feed.into(), relayed };
    Router::new().route("/relay/{name}/{*rest}", get(serve)).with_state(Arc::new(relay))
}

async fn serve(
    State(relay): State<Arc<Relay>>,
    method: Method,
    Params((name, rest)): Params<(String, String)>,
    mut headers: HeaderMap,
) -> Result<Response, WebError> {
    if method == Method::HEAD {
        headers.remove(header::RANGE);
    }
    let found = relay.find(&name, &rest).await.context("a copy of a partner's list")?;
    let (kind, content) = found.ok_or(WebError::NotFound)?;
    let answer = tokio::task::spawn_blocking(move || feed::answer(kind, content, &headers));
    Ok(answer.await.map_err(anyhow::Error::from)??)
}

impl Relay {
    /// The file of a name below a relayed log or hub.
    async fn find(&self, name: &str, rest: &str) -> anyhow::Result<Option<(Kind, Vec<u8>)>> {
        let mut db = self.store.read().await?;
        let logs = store::log::all(&mut db).await?;
        let mut others = logs.iter().filter(|log| log.owner != store::log::OWN && self.relayed.holds(log.hub));
        let is = |text: &str| hex::encode(Sha256::digest(text)) == name;
        if let Some(log) = others.clone().find(|log| is(&log.hub.to_string())) {
            return Ok(documents(&mut db, log, rest).await?);
        }
        let Some(log) = others.find(|log| is(log.key.name())) else { return Ok(None) };
        if rest == "checkpoint" {
            let seen = match std::fs::read(self.feed.join("seen")) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
                seen => seen.context("the file seen")?,
            };
            // One that is longer than what is held would promise what is not here.
            let note = seen::of(&seen, log.key.name()).filter(|note| {
                crate::feed::Checkpoint::open(note, &log.key, &log.peer).is_ok_and(|signed| signed.size <= log.held)
            });
            return Ok(note.map(|note| (Kind::Checkpoint, note.to_vec())));
        }
        Ok(bundle(&mut db, log, rest).await?)
    }
}

async fn documents(
    db: &mut sqlx::SqliteConnection,
    log: &LogRow,
    rest: &str,
) -> Result<Option<(Kind, Vec<u8>)>, StoreError> {
    if rest == "groups-hub" {
        return Ok(Some((Kind::Hub, log.document.clone())));
    }
    let Some(version) = rest.strip_prefix("hub/").and_then(|n| n.parse().ok()) else { return Ok(None) };
    let document = store::hub::version(db, log.owner, version).await?;
    Ok(document.map(|document| (Kind::HubVersion, document)))
}

/// A tile or bundle of any width that is held.
async fn bundle(
    db: &mut sqlx::SqliteConnection,
    log: &LogRow,
    rest: &str,
) -> Result<Option<(Kind, Vec<u8>)>, StoreError> {
    let Some((kind, level, n, width)) = named(rest) else { return Ok(None) };
    if level == 0 {
        if n.checked_mul(WIDTH).and_then(|from| from.checked_add(width)).is_none_or(|upto| upto > log.held) {
            return Ok(None);
        }
        let leaves = store::log::leaves(db, log.n, n * WIDTH, n * WIDTH + width).await?;
        let mut bytes = Vec::new();
        for leaf in &leaves {
            match kind {
                Kind::Entries => tile::append_entry(&mut bytes, &leaf.note),
                Kind::Hashes => bytes.extend_from_slice(&leaf.hash()),
                _ => {
                    bytes.extend_from_slice(leaf.line.as_deref().unwrap_or_default().as_bytes());
                    bytes.push(b'\n');
                }
            }
        }
        return Ok(Some((kind, bytes)));
    }
    let mut row: Vec<Hash> = store::log::bundle_roots(db, log.n, log.held / WIDTH).await?;
    for _ in 1..level {
        row = row.as_chunks::<256>().0.iter().map(|full| merkle::root(full.iter().copied())).collect();
    }
    let hashes = usize::try_from(n * WIDTH).ok().and_then(|from| row.get(from..from + width as usize));
    Ok(hashes.map(|hashes| (kind, hashes.concat())))
}

/// What a path below a log names: kind, level, number, width. The inverse of [`tile`]'s names, found by their grammar.
fn named(rest: &str) -> Option<(Kind, u8, u64, u64)> {
    let (kind, _) = feed::path::parse(&format!("/v1/1/{rest}"))?;
    let segments: Vec<&str> = rest.split('/').collect();
    let (level, index) = match (kind, segments.as_slice()) {
        (Kind::Entries | Kind::Parts, [_, _, index @ ..]) => (0, index),
        (Kind::Hashes, [_, level, index @ ..]) => (level.parse().ok()?, index),
        _ => return None,
    };
    let (index, width) = match index {
        [index @ .., width] if index.last().is_some_and(|last| last.ends_with(".p")) => (index, width.parse().ok()?),
        index => (index, WIDTH),
    };
    let digits: String = index.iter().map(|text| text.trim_start_matches('x').trim_end_matches(".p")).collect();
    let n: u64 = digits.parse().ok()?;
    (n < 1 << 32).then_some((kind, level, n, width))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for (n, width) in [(0, 5), (0, 256), (999, 256), (1_000, 1), (1_234_067, 255)] {
            assert_eq!(named(&tile::entries(n, width)), Some((Kind::Entries, 0, n, width)));
            assert_eq!(named(&tile::parts("public", n, width)), Some((Kind::Parts, 0, n, width)));
            assert_eq!(named(&tile::tile(2, n, width)), Some((Kind::Hashes, 2, n, width)));
        }
        for none in ["part/contact/000", "checkpoint", "tile/0/0", "hub/1", ""] {
            assert_eq!(named(none), None, "{none}");
        }
    }

    #[test]
    fn whose_lists_are_relayed() {
        assert_eq!(Relayed::of(&["all".into()]), Ok(Relayed::All));
        assert_eq!(Relayed::of(&[]), Ok(Relayed::Some(vec![])));
        assert_eq!(Relayed::of(&["h-nobody".into()]), Err("h-nobody".to_owned()));
    }
}
