//! One pull: plan → bounded fetch → verify → store, until what the partner signed is held.
//!
//! * this file: the partner's checkpoint, and how it stands to what is held;
//! * [`document`]: the partner's hub document, version by version;
//! * [`error`]: why a run did not reach its end;
//! * `grow`: new leaves, few or many;
//! * `proof`: the tree above the bundles, and whether what is held is a prefix of it;
//! * `fetch`: bundles as whole files;
//! * `mend`: damaged bundles fetched again;
//! * `keep`: verified leaves into the store, and words that came late.
//!
//! What is stored is always a prefix of a tree that the partner signed, in log order; a run that is killed at any line
//! goes on from there. Nothing of it is seen by the registry until the hub accepts it (`node::derive`).

pub mod document;
pub mod error;
mod fetch;
mod grow;
mod keep;
mod mend;
mod proof;

pub use error::{ForkEvidence, PullError};

use super::client::{Answer, Ask, Client, FetchError};
use crate::failpoint::reach;
use crate::feed::hub::{self, VerifiedHub};
use crate::feed::plan::Plan;
use crate::feed::standing::{self, Within};
use crate::feed::{Checkpoint, Validator};
use crate::record::statement::HubId;
use crate::store::log::{self as logs, LogRow};
use crate::store::{Store, Write};
use fetch::Files;
use jiff::Timestamp;
use jiff::civil::Date;
use reqwest::Url;
use std::collections::BTreeMap;

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
    /// All that the partner has ever signed is held.
    #[serde(skip)]
    pub complete: bool,
    /// Void leaves by code.
    pub void: BTreeMap<&'static str, u64>,
    /// Public parts that did not come, or not as signed.
    pub withheld: u64,
    /// When the partner last signed its checkpoint, in seconds since 1970.
    pub signed: u64,
    /// What is known now of the ETags of the server that was asked.
    #[serde(skip)]
    pub validator: Validator,
    /// Bytes of bodies received, decoded.
    pub bytes: u64,
}

impl Pulled {
    /// This and what a later log of the same hub brought.
    pub fn and(self, later: Pulled) -> Pulled {
        let mut void = self.void;
        later.void.into_iter().for_each(|(code, count)| *void.entry(code).or_default() += count);
        Pulled {
            standing: if self.standing == Standing::Grown { Standing::Grown } else { later.standing },
            held: self.held + later.held,
            new: self.new + later.new,
            void,
            withheld: self.withheld + later.withheld,
            bytes: self.bytes + later.bytes,
            ..later
        }
    }
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

/// Fetches and checks a hub's documents for the first time, from version 1, which must be this hub's, to the newest.
///
/// # Errors
/// [`PullError`]; a document of another hub is [`hub::HubError::Identity`].
pub async fn hub_documents(
    client: &Client,
    newest: &Url,
    id: HubId,
    today: Date,
) -> Result<Vec<(Vec<u8>, VerifiedHub)>, PullError> {
    let most = client.limits().hub_document_bytes;
    let mut first = client.whole(newest, most, true).await?;
    if hub::version_of(&first)? > 1 {
        first = client.whole(&document::numbered(newest, 1)?, most, true).await?;
    }
    let mut known = vec![(first.clone(), hub::open(&first, Some(id))?)];
    while let Some((document, hub)) = known.last() {
        let walk = document::Known { hub, document, before: None };
        let walked = document::walk(client, newest, walk, None, today).await?;
        if walked.versions.is_empty() {
            if hub.document.expires < today {
                return Err(hub::HubError::Expired(hub.document.expires).into());
            }
            break;
        }
        known.extend(walked.versions);
    }
    Ok(known)
}

/// Folder of a relay in which what has this name lies: a log by its origin, a hub's documents by its id (PROTOCOL 1.3).
pub fn relayed(name: &str) -> String {
    use sha2::{Digest, Sha256};
    format!("{}/", hex::encode(Sha256::digest(name)))
}

/// One run against one partner. Made by [`Run::start`], consumed by [`Run::finish`].
pub struct Run<'a> {
    store: &'a Store,
    client: &'a Client,
    log: LogRow,
    prefix: Url,
    /// Seconds within which the hub promises to sign again.
    republish: u64,
    seen: Pulled,
}

/// What a partner shows that is not held, before any of it is fetched.
pub struct News {
    /// The checkpoint as received; empty for a closed log, whose end the hub's document signs.
    note: Vec<u8>,
    checkpoint: Checkpoint,
}

/// What a first look at a partner brought.
pub enum Look {
    /// Nothing to fetch; the run is at its end.
    Over(Pulled),
    /// New leaves.
    News(News),
}

impl<'a> Run<'a> {
    /// Prepares a run against a log where the stored hub document says that it lies, from `address` on.
    ///
    /// # Errors
    /// [`PullError::Hub`] or [`PullError::Url`] when the stored document cannot be used.
    pub fn start(store: &'a Store, client: &'a Client, log: LogRow, address: &str) -> Result<Run<'a>, PullError> {
        let hub = hub::reopen(&log.document, log.hub)?;
        let place = hub.logs.get(log.ordinal as usize).map_or("", |log| &log.prefix);
        let prefix = document_url(address)?.join(place).map_err(|_| PullError::Url(place.to_owned()))?;
        Run::at(store, client, log, prefix)
    }

    /// Prepares a run against a log that lies below `prefix`.
    ///
    /// # Errors
    /// [`PullError::Hub`] when the stored document cannot be used.
    pub fn at(store: &'a Store, client: &'a Client, log: LogRow, prefix: Url) -> Result<Run<'a>, PullError> {
        let republish = hub::reopen(&log.document, log.hub)?.document.policy.republish();
        let seen = Pulled {
            standing: Standing::Same,
            held: log.held,
            new: 0,
            more: false,
            complete: false,
            void: BTreeMap::new(),
            withheld: 0,
            signed: 0,
            validator: Validator::default(),
            bytes: 0,
        };
        Ok(Run { store, client, log, prefix, republish, seen })
    }

    /// Pulls until everything the partner signed is held, or the run's limit is met. `validator` is what is known of the server's ETags.
    ///
    /// # Errors
    /// [`PullError`]. Finished bundles stay.
    pub async fn finish(mut self, validator: Validator, now: Timestamp) -> Result<Pulled, PullError> {
        match self.look(validator, now).await? {
            Look::Over(pulled) => Ok(pulled),
            Look::News(news) => self.take(news).await,
        }
    }

    /// What is known by now of the ETags of the server that is asked.
    pub fn validator(&self) -> &Validator {
        &self.seen.validator
    }

    /// Asks for the partner's checkpoint and compares it with what is held. Of a closed log nothing is asked: how far it
    /// counts is signed in the hub's document.
    ///
    /// # Errors
    /// [`PullError`]; nothing was taken.
    pub async fn look(&mut self, validator: Validator, now: Timestamp) -> Result<Look, PullError> {
        self.seen.validator = validator;
        if let Some((size, root)) = self.log.closed {
            if self.log.held < size {
                let checkpoint = Checkpoint { size, root, time: 0 };
                return Ok(Look::News(News { note: Vec::new(), checkpoint }));
            }
            self.seen.complete = true;
            self.retry_withheld(size, now).await?;
            return Ok(Look::Over(self.seen.clone()));
        }
        let (note, checkpoint) = match self.checkpoint(now).await? {
            Some(seen) => seen,
            None => {
                self.seen.complete = true;
                self.retry_withheld(self.log.held, now).await?;
                return Ok(Look::Over(self.seen.clone()));
            }
        };
        self.seen.signed = checkpoint.time;
        let (known, most) = (self.known()?, self.client.limits().leaves_per_hub);
        match standing::look(self.log.held, known.as_ref(), &checkpoint, most) {
            standing::Look::Within => {
                self.compare(&note, &checkpoint, now).await?;
                return Ok(Look::Over(self.seen.clone()));
            }
            standing::Look::Fork => return Err(self.fork(&note)),
            standing::Look::Behind => {
                if let Some(known) = &known
                    && self.contradicts(known, &checkpoint).await
                {
                    return Err(self.fork(&note));
                }
                self.seen.standing = Standing::StaleView;
                // How fresh the list is, the newest that it signed says, whichever copy is shown now.
                self.seen.signed = known.map_or(checkpoint.time, |known| known.time.max(checkpoint.time));
                return Ok(Look::Over(self.seen.clone()));
            }
            standing::Look::TooLong => return Err(PullError::TooLong(checkpoint.size, most)),
            standing::Look::News => {}
        }
        Ok(Look::News(News { note, checkpoint }))
    }

    /// Fetches what a look found, verifies and stores it.
    ///
    /// # Errors
    /// [`PullError`]. Finished bundles stay.
    pub async fn take(mut self, News { note, checkpoint }: News) -> Result<Pulled, PullError> {
        let plan = Plan::new(self.log.held, checkpoint.size, self.client.limits().leaves_per_run);
        let tail_bytes = if plan.level1.is_empty() {
            self.extend(&plan, &checkpoint, &note).await?
        } else {
            self.rebuild_upper(&plan, &checkpoint, &note).await?
        };
        self.seen.standing = Standing::Grown;
        self.seen.held = self.log.held;
        self.seen.more = plan.upto < checkpoint.size;
        self.seen.complete = !self.seen.more;
        let mut write = self.store.write().await?;
        self.remember(&mut write, &note, tail_bytes).await?;
        reach("pull-checkpoint");
        write.commit().await?;
        Ok(self.seen)
    }

    /// How many of the leaves that are held of a closed log are those of the tree that its hub's document signs, by what
    /// its files show: where to go back to (PROTOCOL 1.6).
    ///
    /// # Errors
    /// [`PullError`]: the files cannot be had, or are not those of that tree.
    pub async fn agreement(&self) -> Result<u64, PullError> {
        let Some((size, root)) = self.log.closed else { return Ok(self.log.held) };
        let mut db = self.store.read().await?;
        if self.log.held >= size && logs::root_at(&mut db, self.log.n, size).await? == root {
            return Ok(size);
        }
        drop(db);
        self.agrees_with(&Checkpoint { size, root, time: 0 }).await
    }

    /// Remembers the newest verified checkpoint, if there is one.
    async fn remember(&self, write: &mut Write, note: &[u8], tail_bytes: u64) -> Result<(), PullError> {
        if !note.is_empty() {
            logs::set_checkpoint(write, self.log.n, note, tail_bytes).await?;
        }
        Ok(())
    }

    /// The partner's checkpoint, verified; `None` when it is still the one we know.
    async fn checkpoint(&mut self, now: Timestamp) -> Result<Option<(Vec<u8>, Checkpoint)>, PullError> {
        let known = self.known()?;
        let held = known.as_ref().filter(|known| known.size == self.log.held);
        // A server that says "unchanged" past the time by which the hub signs again is not believed: ask for the whole.
        let due = known.as_ref().is_none_or(|known| known.time.saturating_add(self.republish) < now.as_second() as u64);
        let url = self.url("checkpoint")?;
        let mut unasked = false;
        loop {
            let validator = self.seen.validator.clone();
            let ask = Ask {
                most: self.client.limits().checkpoint_bytes,
                unless: validator.condition(held).filter(|_| !due && !unasked),
                fresh: due || unasked,
                ..Ask::default()
            };
            match self.client.get(&url, &ask).await {
                Ok(Answer::Unchanged { etag }) => {
                    self.seen.validator.unchanged(etag.as_deref());
                    if self.seen.validator.trusted() {
                        self.seen.signed = known.map_or(0, |known| known.time);
                        return Ok(None);
                    }
                    // It said so once too often: the whole, now.
                }
                // To a question without condition: some cache's answer to somebody else. Once more, past it.
                Err(FetchError::Status(_, 304, _)) if !unasked => {
                    self.seen.validator.doubt();
                    unasked = true;
                }
                Ok(Answer::Rest(_)) => return Err(FetchError::Broken(url.to_string()).into()),
                Ok(Answer::Whole { body, etag }) => {
                    self.seen.bytes += body.len() as u64;
                    let checkpoint = Checkpoint::open(&body, &self.log.key, &self.log.peer)?;
                    self.seen.validator.came(etag, &checkpoint);
                    return Ok(Some((body, checkpoint)));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn known(&self) -> Result<Option<Checkpoint>, PullError> {
        // Whatever was signed past or beside a closed log's end counts for nothing.
        let note = self.log.checkpoint.as_deref().filter(|_| self.log.closed.is_none());
        Ok(note.map(|note| Checkpoint::open(note, &self.log.key, &self.log.peer)).transpose()?)
    }

    /// A checkpoint that is no longer than what is held: the same, a stale view, or a fork.
    async fn compare(&mut self, note: &[u8], theirs: &Checkpoint, now: Timestamp) -> Result<(), PullError> {
        let mut db = self.store.read().await?;
        let ours = logs::root_at(&mut db, self.log.n, theirs.size).await?;
        drop(db);
        let known = self.known()?;
        match standing::within(&ours, known.as_ref(), theirs) {
            Within::Fork => return Err(self.fork(note)),
            Within::Stale => {
                self.seen.standing = Standing::StaleView;
                self.seen.signed = known.map_or(theirs.time, |known| known.time.max(theirs.time));
                return Ok(());
            }
            Within::Same { renewed } => {
                self.seen.complete = true;
                if renewed {
                    let mut write = self.store.write().await?;
                    logs::set_checkpoint(&mut write, self.log.n, note, self.log.tail_bytes).await?;
                    write.commit().await?;
                }
            }
        }
        self.retry_withheld(theirs.size, now).await
    }

    fn fork(&self, second: &[u8]) -> PullError {
        let text = |note: &[u8]| String::from_utf8_lossy(note).into_owned();
        PullError::Fork(Box::new(ForkEvidence {
            first: text(self.log.checkpoint.as_deref().unwrap_or_default()),
            second: text(second),
        }))
    }

    fn files(&self) -> Files {
        Files {
            client: self.client.clone(),
            store: self.store.clone(),
            prefix: self.prefix.clone(),
            key: self.log.key.clone(),
            log: (self.log.owner, self.log.n),
        }
    }

    fn url(&self, path: &str) -> Result<Url, PullError> {
        self.prefix.join(path).map_err(|_| PullError::Url(path.to_owned()))
    }
}
