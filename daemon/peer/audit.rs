//! A whole feed checked, every file of it, by anyone who has its address or a copy: no database, no configuration, no
//! trust in what was pulled before.
//!
//! A pull believes what it can prove with the fewest bytes; this looks at all of them. One bundle at a time (a few side by
//! side), so that memory does not grow with the list.

mod bundle;
mod files;
mod report;

pub use files::Source;
pub use report::{Audit, Freshness, Problem};

use super::client::FetchError;
use crate::feed::checkpoint::{Checkpoint, CheckpointError};
use crate::feed::hub::{self, HubError, VerifiedHub};
use crate::feed::tile::{self, WIDTH};
use crate::feed::{Frontier, Hash, merkle};
use crate::record::statement::{Body, HubId, Statement};
use base64::{Engine, engine::general_purpose::STANDARD};
use bundle::{Came, Examined, Seen};
use files::{Files, Read};
use futures_util::{StreamExt, stream};
use std::collections::BTreeMap;
use std::mem::Discriminant;
use uuid::Uuid;

/// Problems after which the rest is not looked at: the feed is not one, and a report of more helps nobody.
const MOST_PROBLEMS: usize = 1000;

/// Why a feed could not be looked at at all. What is wrong *in* it is a [`Problem`]. [`AuditError::code`] is stable.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// Its server failed.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The folder cannot be read.
    #[error("cannot read {0}: {1}")]
    Folder(String, std::io::Error),
    /// A file without which nothing else can be trusted is not there.
    #[error("there is no {0}; is this the address or folder of a feed?")]
    Missing(String),
    /// Such a file is there and is not usable.
    #[error("{0}: {1}")]
    Unusable(&'static str, String),
    /// The hub document was not accepted.
    #[error("the hub document was not accepted: {0}")]
    Hub(#[from] HubError),
    /// The checkpoint was not accepted.
    #[error("the checkpoint was not accepted: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// Not an address, or the document's prefix is none.
    #[error("{0:?} is not an address")]
    Url(String),
    /// A checking task ended unasked.
    #[error("checking stopped unexpectedly")]
    Stopped,
}

impl AuditError {
    /// Stable kebab-case code.
    pub fn code(&self) -> &'static str {
        match self {
            AuditError::Fetch(error) => error.code(),
            AuditError::Folder(..) => "folder",
            AuditError::Missing(_) => "missing",
            AuditError::Unusable(code, _) => code,
            AuditError::Hub(error) => error.code(),
            AuditError::Checkpoint(error) => error.code(),
            AuditError::Url(_) => "address",
            AuditError::Stopped => "stopped",
        }
    }
}

/// Checks a feed: hub document, checkpoint, and under them every entry, hash tile, signature, statement and part line.
/// `expected` is the hub it must belong to; `progress` hears (entries done, entries in all) after each bundle.
///
/// # Errors
/// [`AuditError`] when there is no feed to look at, or its first two files are not to be trusted. Everything else that is
/// wrong is in the [`Audit`].
pub async fn audit(source: &Source, expected: Option<HubId>, progress: impl Fn(u64, u64)) -> Result<Audit, AuditError> {
    let files = Files::of(source)?;
    let limits = files.limits().clone();
    let newest = files.needed(&files.document, limits.hub_document_bytes).await?;
    let chain = chain(&files, &newest, expected).await?;
    let hub = chain.last().cloned().ok_or(HubError::Body("it has no version".into()))?;
    let files = files.below(hub.document.log().map_or("", |log| &log.prefix))?;
    let note = files.needed(&files.at("checkpoint")?, limits.checkpoint_bytes).await?;
    let checkpoint = Checkpoint::open(&note, &hub.log, &hub.peer)?;

    let mut walk = Walk::new(&hub, &checkpoint, &files);
    walk.digests = chain.iter().map(|hub| (hub.document.version, hub.digest.clone())).collect();
    walk.first_document().await?;
    walk.entries(progress).await?;
    Ok(walk.finish())
}

/// Every version of the hub document, from the first, which is the hub's id, to the newest.
async fn chain(files: &Files<'_>, newest: &[u8], expected: Option<HubId>) -> Result<Vec<VerifiedHub>, AuditError> {
    let last = hub::version_of(newest)?;
    if last == 1 {
        return Ok(vec![hub::open(newest, expected)?]);
    }
    let numbered = async |n: u64| {
        let url = files.beside_document(&format!("../hub/{n}"))?;
        files.needed(&url, files.limits().hub_document_bytes).await
    };
    let mut chain = vec![hub::open(&numbered(1).await?, expected)?];
    for n in (2..=last).take(hub::MAX_STEPS) {
        let document = if n == last { newest.to_vec() } else { numbered(n).await? };
        let hub = chain.last().map(|before| hub::next(before, &document)).transpose()?;
        chain.extend(hub);
    }
    Ok(chain)
}

/// One pass over a feed.
struct Walk<'a> {
    /// Digest of the hub document's text, by version.
    digests: BTreeMap<u64, String>,
    hub: &'a VerifiedHub,
    files: &'a Files<'a>,
    checkpoint: &'a Checkpoint,
    found: Audit,
    /// The tree as its leaves make it; `None` once some of them could not be had.
    tree: Option<Tree>,
    lacking: Lacking,
}

impl<'a> Walk<'a> {
    fn new(hub: &'a VerifiedHub, checkpoint: &'a Checkpoint, files: &'a Files<'a>) -> Walk<'a> {
        let found = Audit {
            hub: hub.id,
            name: hub.document.name.clone(),
            origin: hub.log.name().to_owned(),
            size: checkpoint.size,
            root: STANDARD.encode(checkpoint.root),
            signed: checkpoint.time,
            republish_s: hub.document.policy.republish_s,
            expires: hub.document.expires,
            looked_at: 0,
            leaves: BTreeMap::new(),
            void: Vec::new(),
            lines: 0,
            withheld: Vec::new(),
            parts_absent: 0,
            problems: Vec::new(),
        };
        Walk {
            digests: BTreeMap::new(),
            hub,
            files,
            checkpoint,
            found,
            tree: Some(Tree::default()),
            lacking: Lacking::default(),
        }
    }

    fn problem(&mut self, code: &'static str, path: String, what: impl Into<String>) {
        self.found.problems.push(Problem { code, path, what: what.into() });
    }

    /// The newest version of the hub document stands under its number too, for ever. (Those before it were walked.)
    async fn first_document(&mut self) -> Result<(), AuditError> {
        let url = self.files.beside_document(&format!("../hub/{}", self.hub.document.version))?;
        let path = self.files.name(&url);
        match self.files.read(&url, self.files.limits().hub_document_bytes, true).await? {
            Read::Absent => self.problem("missing", path, "it is not there"),
            Read::Refused(code, what) => self.problem(code, path, what),
            Read::Whole(bytes) => match hub::reopen(&bytes, self.hub.id) {
                Err(error) => self.problem(error.code(), path, error.to_string()),
                Ok(hub) if hub.digest != self.hub.digest => {
                    self.problem("hub-equivocation", path, "it is another document than the newest one");
                }
                Ok(_) => {}
            },
        }
        Ok(())
    }

    async fn entries(&mut self, progress: impl Fn(u64, u64)) -> Result<(), AuditError> {
        let size = self.checkpoint.size;
        let files = self.files;
        let bundles = stream::iter(0..size.div_ceil(WIDTH)).map(|n| examined(files, self.hub, n, size));
        let mut bundles = std::pin::pin!(bundles.buffered(files.side_by_side()));
        while let Some(examined) = bundles.next().await {
            let examined = examined?;
            let (n, gone) = (examined.n, examined.hashes.is_none());
            self.take(examined).await?;
            progress(self.found.looked_at, size);
            // A signed size costs nothing to claim: where neither entries nor their hashes are, the list ends for us.
            if gone || self.found.problems.len() > MOST_PROBLEMS {
                let path = self.files.log_name(&tile::entries(n, tile::width(n, size)))?;
                self.problem("incomplete", path, "nothing after this was looked at");
                break;
            }
        }
        self.top().await
    }

    /// Folds one bundle in, in log order.
    async fn take(&mut self, examined: Examined) -> Result<(), AuditError> {
        let Examined { n, leaves, hashes, problems, lines, part_file } = examined;
        self.found.problems.extend(problems);
        self.found.lines += lines;
        let expects_lines = leaves.iter().any(|seen| seen.lacks_line);
        self.found.parts_absent += u64::from(part_file == Came::Absent && expects_lines);
        for (nth, seen) in (0..).zip(leaves) {
            let index = n * WIDTH + nth;
            let Seen { statement, lacks_line } = seen;
            match statement {
                Err(code) => {
                    *self.found.leaves.entry("void".into()).or_default() += 1;
                    self.found.void.push((index, code));
                }
                Ok(statement) => {
                    let named = statement.names().map_or("not understood".into(), |(kind, op)| format!("{kind} {op}"));
                    *self.found.leaves.entry(named).or_default() += 1;
                    self.lacking.explain(&statement);
                    // A whole file that is gone is reported as that, not line by line.
                    if lacks_line && part_file == Came::Whole {
                        self.lacking.add(index, &statement);
                    }
                    self.hub_leaf(index, &statement)?;
                }
            }
        }
        self.found.looked_at += tile::width(n, self.checkpoint.size);
        let Some(tree) = &mut self.tree else { return Ok(()) };
        let due = match hashes {
            Some(hashes) => tree.extend(&hashes),
            None => {
                self.tree = None;
                Vec::new()
            }
        };
        self.compare(due).await
    }

    /// A leaf that names a hub document names the one that is served.
    fn hub_leaf(&mut self, index: u64, statement: &Statement) -> Result<(), AuditError> {
        if let Body::Hub { version, digest } = &statement.body
            && self.digests.get(version).is_some_and(|known| known != digest)
        {
            let n = index / WIDTH;
            let path = self.files.log_name(&tile::entries(n, tile::width(n, self.checkpoint.size)))?;
            self.problem("hub-leaf", path, format!("entry {index} names another hub document than the one served"));
        }
        Ok(())
    }

    /// Tiles of level 1 and above against the hashes made from the leaves.
    async fn compare(&mut self, due: Vec<Tile>) -> Result<(), AuditError> {
        for Tile { level, n, hashes } in due {
            let url = self.files.at(&tile::tile(level, n, hashes.len() as u64))?;
            let path = self.files.name(&url);
            match self.files.read(&url, WIDTH * 32, false).await? {
                Read::Absent => self.problem("missing", path, "it is not there"),
                Read::Refused(code, what) => self.problem(code, path, what),
                Read::Whole(bytes) if bytes != hashes.as_flattened() => {
                    self.problem("tile-hash", path, "its hashes are not those of the entries below it");
                }
                Read::Whole(_) => {}
            }
        }
        Ok(())
    }

    /// The tree's last tiles, and its root.
    async fn top(&mut self) -> Result<(), AuditError> {
        let whole = self.found.looked_at == self.checkpoint.size;
        let Some(tree) = self.tree.take().filter(|_| whole) else { return Ok(()) };
        if tree.edge.root() != self.checkpoint.root {
            let path = self.files.log_name("checkpoint")?;
            self.problem("root", path, "the entries do not make the root that it signs");
        }
        self.compare(tree.rest()).await
    }

    fn finish(mut self) -> Audit {
        self.found.withheld = self.lacking.finish();
        self.found
    }
}

/// Fetches and examines one bundle; the signatures on whichever core is free.
async fn examined(files: &Files<'_>, hub: &VerifiedHub, n: u64, size: u64) -> Result<Examined, AuditError> {
    let asked = bundle::fetch(files, n, size).await?;
    let key = hub.log.clone();
    let longest = files.limits().line_bytes as usize;
    tokio::task::spawn_blocking(move || asked.examine(&key, longest)).await.map_err(|_| AuditError::Stopped)
}

/// The tree as the leaves make it, with the tiles that are not complete yet: at most 256 hashes a level.
#[derive(Default)]
struct Tree {
    edge: Frontier,
    /// For level 1 and up: tiles completed, and the hashes of the next.
    levels: Vec<(u64, Vec<Hash>)>,
}

/// What a tile must hold.
struct Tile {
    level: u8,
    n: u64,
    hashes: Vec<Hash>,
}

impl Tree {
    /// Appends a bundle's leaves. Returns the tiles that it completes.
    fn extend(&mut self, leaves: &[Hash]) -> Vec<Tile> {
        let mut due = Vec::new();
        if leaves.len() as u64 != WIDTH {
            leaves.iter().for_each(|leaf| self.edge.push(*leaf));
            return due;
        }
        let mut root = merkle::root(leaves.iter().copied());
        self.edge.push_subtree(8, root);
        for level in 0.. {
            if self.levels.len() == level {
                self.levels.push((0, Vec::new()));
            }
            let (n, row) = &mut self.levels[level];
            row.push(root);
            if (row.len() as u64) < WIDTH {
                break;
            }
            let hashes = std::mem::take(row);
            root = merkle::root(hashes.iter().copied());
            due.push(Tile { level: level as u8 + 1, n: *n, hashes });
            *n += 1;
        }
        due
    }

    /// The tiles that stay incomplete.
    fn rest(self) -> Vec<Tile> {
        let levels = (1..).zip(self.levels).filter(|(_, (_, row))| !row.is_empty());
        levels.map(|(level, (n, hashes))| Tile { level, n, hashes }).collect()
    }
}

/// Lines that are not there and not explained yet. Holds those alone, so that memory does not grow with the list but with
/// what is wrong or was changed in it.
#[derive(Default)]
struct Lacking {
    lines: BTreeMap<Uuid, Vec<Line>>,
    /// Up to which revision the lines of a record were erased.
    erased: BTreeMap<Uuid, u64>,
}

struct Line {
    index: u64,
    rev: u64,
    of: Of,
}

/// What kind of thing a statement speaks of: a later one explains an empty line only of its own kind.
type Of = (Discriminant<Body>, Option<&'static str>);

fn of(statement: &Statement) -> Of {
    let record = Body::Put(crate::record::statement::Kind::Record);
    match &statement.body {
        // A put is followed by puts and withdrawals alike.
        Body::Withdraw(_) => (std::mem::discriminant(&record), statement.names().map(|(kind, _)| kind)),
        body => (std::mem::discriminant(body), statement.names().map(|(kind, _)| kind)),
    }
}

impl Lacking {
    fn add(&mut self, index: u64, statement: &Statement) {
        if self.erased.get(&statement.id).is_none_or(|upto| statement.rev > *upto) {
            let line = Line { index, rev: statement.rev, of: of(statement) };
            self.lines.entry(statement.id).or_default().push(line);
        }
    }

    /// A later put, withdrawal, link or choice supersedes the lines before it; an erasure explains lines before and after.
    fn explain(&mut self, statement: &Statement) {
        let (id, later) = (statement.id, of(statement));
        let erased = match &statement.body {
            Body::Erase(_, upto, parts) if parts.covers(crate::record::part::PUBLIC) => {
                let known = self.erased.entry(id).or_default();
                *known = (*known).max(*upto);
                *known
            }
            _ => 0,
        };
        if let Some(lines) = self.lines.get_mut(&id) {
            lines.retain(|line| line.of != later && line.rev > erased);
            if lines.is_empty() {
                self.lines.remove(&id);
            }
        }
    }

    fn finish(self) -> Vec<u64> {
        let mut left: Vec<u64> = self.lines.into_values().flatten().map(|line| line.index).collect();
        left.sort_unstable();
        left
    }
}
