//! One pull: plan → bounded fetch → verify → store, until what the partner signed is held.
//!
//! What is stored is always a prefix of a tree that the partner signed, in log order; a run that is killed at any line
//! goes on from there. Nothing of it is seen by the registry until the hub accepts it (`node::derive`).

use super::client::{Answer, Ask, Client, FetchError};
use super::verify::{self, Checked, Raw};
use crate::failpoint::reach;
use crate::feed::checkpoint::CheckpointError;
use crate::feed::hub::{self, HubError, VerifiedHub};
use crate::feed::plan::{Bundle, Plan};
use crate::feed::tile::{self, BundleError, WIDTH};
use crate::feed::{Checkpoint, Frontier, Hash, merkle};
use crate::record::part::{self, PUBLIC};
use crate::record::statement::{Body, HubId};
use crate::store::log::{self as logs, LogRow};
use crate::store::{self, Store, StoreError};
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use reqwest::Url;
use std::collections::BTreeMap;

/// Why a pull did not reach its end. What was verified before stays in use. [`PullError::code`] is stable.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// A GET failed.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The checkpoint is not this log's.
    #[error("its checkpoint was not accepted: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// The hub document was not accepted.
    #[error("its hub document was not accepted: {0}")]
    Hub(#[from] HubError),
    /// A bundle or tile is not what it should be.
    #[error("the file {0} was not accepted: {1}")]
    Bundle(String, BundleError),
    /// It signed two histories before; nothing more is taken from it until a person decides.
    #[error(
        "it signed two histories that contradict each other; its list stays as it was. To follow one of them, \
         `mutuald partner remove` it and add it again"
    )]
    Disputed,
    /// Files do not fit the checkpoint: damaged, mixed from several states, or another log's.
    #[error("the file {0} does not belong to the list that its checkpoint signs")]
    Mismatch(String),
    /// Two signed checkpoints that cannot both be true.
    #[error("it signed two histories that contradict each other; its list stays as it was before")]
    Fork(Box<ForkEvidence>),
    /// The log says that it is longer than the limit.
    #[error(
        "its list says that it has {0} entries; this hub takes {1} from one hub (limits.leaves_per_hub). Look at it, and raise the limit if it is right"
    )]
    TooLong(u64, u64),
    /// The stored URL or prefix is no URL.
    #[error("{0:?} is not an address")]
    Url(String),
    /// The local database.
    #[error("the local database: {0}")]
    Store(#[from] StoreError),
    /// A verifying task ended unasked.
    #[error("verification stopped unexpectedly")]
    Stopped,
}

/// Two notes by one key over trees of which neither is a prefix of the other: proof for anybody.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ForkEvidence {
    /// The checkpoint verified before.
    pub first: String,
    /// The checkpoint that contradicts it.
    pub second: String,
}

impl PullError {
    /// Stable kebab-case code, as shown on the partner page and in logs.
    pub fn code(&self) -> &'static str {
        match self {
            PullError::Fetch(error) => error.code(),
            PullError::Checkpoint(error) => error.code(),
            PullError::Hub(error) => error.code(),
            PullError::Bundle(_, error) => error.code(),
            PullError::Mismatch(_) => "mismatch",
            PullError::Fork(_) => "fork",
            PullError::Disputed => "disputed",
            PullError::TooLong(..) => "too-many-entries",
            PullError::Url(_) => "address",
            PullError::Store(_) => "database",
            PullError::Stopped => "stopped",
        }
    }
}

/// How the partner's checkpoint stands to what is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Nothing new.
    Same,
    /// The partner shows an older state than it has shown before; ours stays.
    StaleView,
    /// New leaves came.
    Grown,
}

/// What a pull that ended well brought.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Pulled {
    /// How the checkpoint stood to ours.
    pub standing: Standing,
    /// Leaves held now.
    pub held: u64,
    /// New leaves.
    pub new: u64,
    /// More is to come in the next run (the limit per run was met).
    pub more: bool,
    /// Void leaves by code.
    pub void: BTreeMap<&'static str, u64>,
    /// Public parts that did not come, or not as signed.
    pub withheld: u64,
    /// When the partner last signed its checkpoint, in seconds since 1970.
    pub signed: u64,
    /// ETag of that checkpoint.
    #[serde(skip)]
    pub etag: Option<String>,
    /// Bytes of bodies received, decoded.
    pub bytes: u64,
}

/// Where a partner's hub document lies, from the address a person was given.
///
/// # Errors
/// [`PullError::Url`].
pub fn document_url(address: &str) -> Result<Url, PullError> {
    let wrong = || PullError::Url(address.chars().take(200).collect());
    let mut url = Url::parse(address).map_err(|_| wrong())?;
    url.set_query(None);
    url.set_fragment(None);
    if url.path().ends_with("/.well-known/groups-hub") {
        return Ok(url);
    }
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    url.join(".well-known/groups-hub").map_err(|_| wrong())
}

/// Fetches and checks a hub document. Returns its bytes with what they say.
///
/// # Errors
/// [`PullError`]; a document of another hub than `expected` is [`HubError::Identity`].
pub async fn hub_document(
    client: &Client,
    address: &str,
    expected: Option<HubId>,
) -> Result<(Vec<u8>, VerifiedHub), PullError> {
    let url = document_url(address)?;
    let bytes = client.whole(&url, client.limits().hub_document_bytes, true).await?;
    let hub = hub::open(&bytes, expected)?;
    Ok((bytes, hub))
}

/// One run against one partner. Made by [`Run::start`], consumed by [`Run::finish`].
pub struct Run<'a> {
    store: &'a Store,
    client: &'a Client,
    log: LogRow,
    prefix: Url,
    seen: Pulled,
}

impl<'a> Run<'a> {
    /// Prepares a run against the log that `address`'s stored hub document names.
    ///
    /// # Errors
    /// [`PullError::Hub`] or [`PullError::Url`] when the stored document cannot be used.
    pub fn start(store: &'a Store, client: &'a Client, log: LogRow, address: &str) -> Result<Run<'a>, PullError> {
        let hub = hub::open(&log.document, Some(log.hub))?;
        let place = hub.document.log().map_or("", |log| &log.prefix);
        let prefix = document_url(address)?.join(place).map_err(|_| PullError::Url(place.to_owned()))?;
        let seen = Pulled {
            standing: Standing::Same,
            held: log.held,
            new: 0,
            more: false,
            void: BTreeMap::new(),
            withheld: 0,
            signed: 0,
            etag: None,
            bytes: 0,
        };
        Ok(Run { store, client, log, prefix, seen })
    }

    /// Pulls until everything the partner signed is held, or the run's limit is met. `etag` is the last checkpoint's.
    ///
    /// # Errors
    /// [`PullError`]. Finished bundles stay.
    pub async fn finish(mut self, etag: Option<&str>, now: Timestamp) -> Result<Pulled, PullError> {
        let (note, checkpoint, etag) = match self.checkpoint(etag, now).await? {
            Some(seen) => seen,
            None => {
                self.retry_withheld(self.log.held).await?;
                return Ok(self.seen);
            }
        };
        self.seen.signed = checkpoint.time;
        self.seen.etag = etag;
        if checkpoint.size <= self.log.held {
            return self.compare(&note, &checkpoint).await;
        }
        // Of a log that is not held to its end yet, the newest checkpoint is known already.
        if let Some(known) = self.known()? {
            if known.size == checkpoint.size && known.root != checkpoint.root {
                return Err(self.fork(&note));
            }
            if known.size > checkpoint.size {
                self.seen.standing = Standing::StaleView;
                return Ok(self.seen);
            }
        }
        let most = self.client.limits().leaves_per_hub;
        if checkpoint.size > most {
            return Err(PullError::TooLong(checkpoint.size, most));
        }
        let plan = Plan::new(self.log.held, checkpoint.size, self.client.limits().leaves_per_run);
        let tail_bytes = if plan.level1.is_empty() {
            self.extend(&plan, &checkpoint, &note).await?
        } else {
            self.rebuild_upper(&plan, &checkpoint, &note).await?
        };
        self.seen.standing = Standing::Grown;
        self.seen.held = self.log.held;
        self.seen.more = plan.upto < checkpoint.size;
        let mut write = self.store.write().await?;
        logs::set_checkpoint(&mut write, self.log.n, &note, tail_bytes).await?;
        reach("pull-checkpoint");
        write.commit().await?;
        Ok(self.seen)
    }

    /// The partner's checkpoint, verified; `None` when it is still the one we know.
    async fn checkpoint(
        &mut self,
        etag: Option<&str>,
        now: Timestamp,
    ) -> Result<Option<(Vec<u8>, Checkpoint, Option<String>)>, PullError> {
        let known = self.known()?;
        let complete = known.as_ref().is_some_and(|known| known.size == self.log.held);
        // A server that says "unchanged" past the time by which the hub signs again is not believed: ask for the whole.
        let republish = hub::open(&self.log.document, None)?.document.policy.republish();
        let due = known.as_ref().is_none_or(|known| known.time.saturating_add(republish) < now.as_second() as u64);
        let ask = Ask {
            most: self.client.limits().checkpoint_bytes,
            unless: etag.filter(|_| complete && !due),
            fresh: due,
            ..Ask::default()
        };
        let url = self.url("checkpoint")?;
        match self.client.get(&url, &ask).await? {
            Answer::Unchanged => {
                self.seen.signed = known.map_or(0, |known| known.time);
                self.seen.etag = etag.map(str::to_owned);
                Ok(None)
            }
            Answer::Rest(_) => Err(FetchError::Broken(url.to_string()).into()),
            Answer::Whole { body, etag } => {
                self.seen.bytes += body.len() as u64;
                let checkpoint = Checkpoint::open(&body, &self.log.key, &self.log.peer)?;
                Ok(Some((body, checkpoint, etag)))
            }
        }
    }

    fn known(&self) -> Result<Option<Checkpoint>, PullError> {
        let note = self.log.checkpoint.as_deref();
        Ok(note.map(|note| Checkpoint::open(note, &self.log.key, &self.log.peer)).transpose()?)
    }

    /// A checkpoint that is no longer than what is held: the same, a stale view, or a fork.
    async fn compare(mut self, note: &[u8], theirs: &Checkpoint) -> Result<Pulled, PullError> {
        let mut db = self.store.read().await?;
        let ours = logs::root_at(&mut db, self.log.n, theirs.size).await?;
        drop(db);
        if ours != theirs.root {
            return Err(self.fork(note));
        }
        if theirs.size < self.known()?.map_or(0, |known| known.size) {
            self.seen.standing = Standing::StaleView;
            return Ok(self.seen);
        }
        if self.known()?.is_none_or(|known| known.time < theirs.time) {
            let mut write = self.store.write().await?;
            logs::set_checkpoint(&mut write, self.log.n, note, self.log.tail_bytes).await?;
            write.commit().await?;
        }
        self.retry_withheld(theirs.size).await?;
        Ok(self.seen)
    }

    fn fork(&self, second: &[u8]) -> PullError {
        let text = |note: &[u8]| String::from_utf8_lossy(note).into_owned();
        PullError::Fork(Box::new(ForkEvidence {
            first: text(self.log.checkpoint.as_deref().unwrap_or_default()),
            second: text(second),
        }))
    }

    fn context(&self) -> Context {
        Context { client: self.client.clone(), prefix: self.prefix.clone(), key: self.log.key.clone() }
    }

    fn url(&self, path: &str) -> Result<Url, PullError> {
        self.prefix.join(path).map_err(|_| PullError::Url(path.to_owned()))
    }

    /// A few new leaves: extend the stored edge, and compare with the signed root before anything is stored.
    async fn extend(&mut self, plan: &Plan, theirs: &Checkpoint, note: &[u8]) -> Result<u64, PullError> {
        let mut ranged = true;
        let fetched = loop {
            let mut edge = self.log.edge.clone();
            let mut fetched = Vec::new();
            for bundle in &plan.bundles {
                let (raw, _) = self.tail_entries(bundle, ranged).await?;
                raw.iter().for_each(|raw| edge.push(raw.hash));
                fetched.push((bundle, raw));
            }
            if edge.root() == theirs.root {
                break fetched;
            }
            if !ranged {
                return Err(self.explain(theirs, note).await?);
            }
            // A range may have been answered with other bytes. The whole files decide (PROTOCOL F9).
            ranged = false;
        };
        let mut tail_bytes = 0;
        for (bundle, raw) in fetched {
            let (lines, bytes) = self.tail_lines(bundle, &raw).await?;
            tail_bytes = bytes;
            let key = self.log.key.clone();
            let checked = tokio::task::spawn_blocking(move || verify::check(raw, &lines, &key));
            let checked = checked.await.map_err(|_| PullError::Stopped)?;
            self.keep(vec![checked]).await?;
        }
        Ok(if theirs.size.is_multiple_of(WIDTH) { 0 } else { tail_bytes })
    }

    /// Many new leaves: prove the tree's upper level first, then fetch bundles side by side, verify each alone, and store
    /// them in log order.
    async fn rebuild_upper(&mut self, plan: &Plan, theirs: &Checkpoint, note: &[u8]) -> Result<u64, PullError> {
        let (level1, tail) = self.upper(&plan.level1, theirs).await?;
        if !self.fits_held(&level1, &tail).await? {
            return Err(self.fork(note));
        }
        let context = self.context();
        let held = self.log.held;
        // What lies behind the full bundles came with the upper level, and is proven already.
        let mut tail = Some(tail);
        let jobs: Vec<(Bundle, Proof)> = plan
            .bundles
            .iter()
            .map(|bundle| {
                let proof = match level1.get(bundle.n as usize) {
                    Some(root) => Proof::Root(*root),
                    None => Proof::Raw(tail.take().unwrap_or_default()),
                };
                (bundle.clone(), proof)
            })
            .collect();
        let side_by_side = self.client.limits().parallel_gets as usize;
        let mut ready = stream::iter(jobs)
            .map(|(bundle, proof)| {
                let context = context.clone();
                async move {
                    tokio::spawn(async move { context.bundle(bundle, proof).await })
                        .await
                        .map_err(|_| PullError::Stopped)?
                }
            })
            .buffered(side_by_side)
            // Whatever is ready goes into one transaction; none is open while a partner lets us wait.
            .ready_chunks(16);
        let mut tail_bytes = 0;
        while let Some(chunk) = ready.next().await {
            let (mut verified, mut failed) = (Vec::new(), None);
            for bundle in chunk {
                match bundle {
                    Ok(bundle) => verified.push(bundle),
                    Err(error) => {
                        failed = Some(error);
                        break;
                    }
                }
            }
            tail_bytes = verified.last().map_or(tail_bytes, |last| last.part_bytes);
            self.seen.bytes += verified.iter().map(|bundle| bundle.bytes).sum::<u64>();
            let leaves = verified.into_iter().map(|bundle| {
                // Of a bundle held in part, only the rest is new.
                let skip = held.saturating_sub(bundle.n * WIDTH).min(WIDTH) as usize;
                bundle.leaves.into_iter().skip(skip).collect()
            });
            self.keep(leaves.collect()).await?;
            if let Some(error) = failed {
                return Err(error);
            }
        }
        Ok(if theirs.size.is_multiple_of(WIDTH) { 0 } else { tail_bytes })
    }

    /// The roots of all full bundles and the raw tail behind them, proven against the signed root.
    async fn upper(&self, tiles: &[(u64, u64)], theirs: &Checkpoint) -> Result<(Vec<Hash>, Vec<Raw>), PullError> {
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
            let context = self.context();
            tail = context.entries(n, width).await?.0;
            tail.iter().for_each(|raw| edge.push(raw.hash));
        }
        if edge.root() == theirs.root { Ok((level1, tail)) } else { Err(PullError::Mismatch(tile::tile(1, 0, WIDTH))) }
    }

    /// Whether what is held is a prefix of a tree proven by [`Run::upper`].
    async fn fits_held(&self, level1: &[Hash], tail: &[Raw]) -> Result<bool, PullError> {
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
            let context = self.context();
            let (raw, _) = context.entries(full, WIDTH).await?;
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
    async fn explain(&self, theirs: &Checkpoint, note: &[u8]) -> Result<PullError, PullError> {
        let full = theirs.size / WIDTH;
        let tiles: Vec<(u64, u64)> = (0..full.div_ceil(WIDTH)).map(|n| (n, tile::width(n, full))).collect();
        let (level1, tail) = self.upper(&tiles, theirs).await?;
        Ok(if self.fits_held(&level1, &tail).await? {
            PullError::Mismatch(tile::entries(self.log.held / WIDTH, WIDTH))
        } else {
            self.fork(note)
        })
    }

    /// The new leaves of a bundle, by Range where part of it is held. Returns them with the bytes that came.
    async fn tail_entries(&mut self, bundle: &Bundle, ranged: bool) -> Result<(Vec<Raw>, u64), PullError> {
        let path = tile::entries(bundle.n, bundle.file_width);
        let fresh = bundle.leaves.end - bundle.leaves.start;
        let url = self.url(&path)?;
        let most = self.client.limits().entry_bundle_bytes;
        let removed = |_| None;
        if ranged && bundle.leaves.start > 0 && bundle.leaves.end == bundle.file_width {
            let mut db = self.store.read().await?;
            let from = bundle.n * WIDTH;
            let held = logs::leaves(&mut db, self.log.n, from, from + bundle.leaves.start).await?;
            drop(db);
            let offset: u64 = held.iter().map(|leaf| leaf.note.len() as u64 + 2).sum();
            // A server that gets ranges wrong costs us the whole file, nothing more.
            let answer = self.client.get(&url, &Ask { most, from: Some(offset), ..Ask::default() }).await;
            if let Ok(Answer::Rest(bytes)) = &answer
                && let Ok(raw) = verify::raw(bytes, fresh, removed)
                && self.extends_to(&raw)
            {
                self.seen.bytes += bytes.len() as u64;
                return Ok((raw, bytes.len() as u64));
            }
            if let Err(error @ FetchError::Status(_, 429 | 503, _)) = answer {
                return Err(error.into());
            }
        }
        let context = self.context();
        let (raw, bytes) = context.entries(bundle.n, bundle.file_width).await?;
        self.seen.bytes += bytes;
        let new = raw.into_iter().take(bundle.leaves.end as usize).skip(bundle.leaves.start as usize);
        Ok((new.collect(), bytes))
    }

    /// Cheap sanity of a range: every leaf must at least be one.
    fn extends_to(&self, raw: &[Raw]) -> bool {
        raw.iter().all(|raw| raw.note.starts_with(crate::record::statement::HEADER.as_bytes()))
    }

    /// The lines of a bundle's new leaves. Returns them with the length of the whole part bundle.
    async fn tail_lines(&mut self, bundle: &Bundle, raw: &[Raw]) -> Result<(Vec<String>, u64), PullError> {
        if !has_parts(raw) {
            // Their lines are empty; the file grew by a line feed each.
            let known = if bundle.leaves.start > 0 { self.log.tail_bytes } else { 0 };
            return Ok((Vec::new(), if known > 0 || bundle.leaves.start == 0 { known + raw.len() as u64 } else { 0 }));
        }
        let path = tile::parts(PUBLIC, bundle.n, bundle.file_width);
        let limits = self.client.limits();
        let (most, longest) = (limits.part_bundle_bytes, limits.line_bytes as usize);
        let offset = self.log.tail_bytes;
        if bundle.leaves.start > 0 && offset > 0 {
            let answer = self.client.get(&self.url(&path)?, &Ask { most, from: Some(offset), ..Ask::default() }).await;
            if let Ok(Answer::Rest(bytes)) = answer
                && let Ok(lines) = tile::read_lines(&bytes, raw.len() as u64, longest)
                && all_fit(raw, &lines)
            {
                self.seen.bytes += bytes.len() as u64;
                let total = offset + bytes.len() as u64;
                return Ok((lines.into_iter().map(str::to_owned).collect(), total));
            }
        }
        let context = self.context();
        let (lines, bytes) = context.lines(bundle.n, bundle.file_width, bundle.leaves.start as usize, raw).await?;
        self.seen.bytes += bytes;
        Ok((lines.into_iter().skip(bundle.leaves.start as usize).collect(), bytes))
    }

    /// Stores verified bundles in log order, in one transaction, and obeys erasures among them at once.
    async fn keep(&mut self, bundles: Vec<Vec<Checked>>) -> Result<(), PullError> {
        if bundles.is_empty() {
            return Ok(());
        }
        let mut write = self.store.write().await?;
        let mut log = self.log.clone();
        let mut erased = logs::erasures(&mut write, log.n).await?;
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
                            logs::never_again(&mut write, log.n, statement.id, *upto).await?;
                            store::registry::erase_lines(&mut write, log.n, statement.id, *upto, log.head, log.held)
                                .await?;
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
        reach("pull-keep");
        write.commit().await?;
        reach("pull-kept");
        self.log = log;
        Ok(())
    }

    /// Asks again for public parts that are still missing.
    async fn retry_withheld(&mut self, size: u64) -> Result<(), PullError> {
        let mut db = self.store.read().await?;
        let missing = store::registry::withheld(&mut db, self.log.n).await?;
        let mut bundles: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        missing.iter().for_each(|index| bundles.entry(index / WIDTH).or_default().push(*index));
        for (n, indexes) in bundles.into_iter().take(self.client.limits().parallel_gets as usize) {
            let context = self.context();
            let width = tile::width(n, size);
            let leaves = logs::leaves(&mut db, self.log.n, n * WIDTH, n * WIDTH + width).await?;
            let raw: Vec<Raw> = leaves.iter().map(|leaf| Raw { hash: leaf.hash(), note: leaf.note.clone() }).collect();
            let (lines, bytes) = context.lines(n, width, 0, &raw).await?;
            self.seen.bytes += bytes;
            let key = self.log.key.clone();
            let checked = tokio::task::spawn_blocking(move || verify::check(raw, &lines, &key));
            let checked = checked.await.map_err(|_| PullError::Stopped)?;
            let mut write = self.store.write().await?;
            let erased = logs::erasures(&mut write, self.log.n).await?;
            for index in indexes {
                let Some(Checked { leaf, statement: Ok(statement), .. }) = checked.get((index % WIDTH) as usize) else {
                    continue;
                };
                let gone = erased.get(&statement.id).is_some_and(|upto| statement.rev <= *upto);
                match &leaf.line {
                    Some(line) if !gone => {
                        logs::fill_line(&mut write, logs::pos(self.log.n, index), line).await?;
                        store::registry::line_came(&mut write, self.log.n, statement.id).await?;
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

/// What ties a bundle to the signed root.
enum Proof {
    /// The root of its 256 leaves.
    Root(Hash),
    /// Its leaves, hashed with the upper level.
    Raw(Vec<Raw>),
}

/// A bundle that was verified alone.
struct Verified {
    n: u64,
    leaves: Vec<Checked>,
    part_bytes: u64,
    bytes: u64,
}

/// What a task that fetches one bundle needs.
#[derive(Clone)]
struct Context {
    client: Client,
    prefix: Url,
    key: crate::feed::VerifyKey,
}

impl Context {
    fn url(&self, path: &str) -> Result<Url, PullError> {
        self.prefix.join(path).map_err(|_| PullError::Url(path.to_owned()))
    }

    async fn bundle(self, bundle: Bundle, proof: Proof) -> Result<Verified, PullError> {
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
    async fn entries(&self, n: u64, width: u64) -> Result<(Vec<Raw>, u64), PullError> {
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
    async fn lines(&self, n: u64, width: u64, skip: usize, raw: &[Raw]) -> Result<(Vec<String>, u64), PullError> {
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
fn has_parts(raw: &[Raw]) -> bool {
    raw.iter().any(|raw| digest_in(&raw.note).is_some())
}

/// Whether every line that came is one its leaf names.
fn all_fit(raw: &[Raw], lines: &[&str]) -> bool {
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
