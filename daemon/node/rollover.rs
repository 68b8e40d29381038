//! Rollover: a new version of this hub's document, and what follows from it (PROTOCOL 1.6).
//!
//! One mechanism for rotation, compromise, recovery and hand-over: root keys sign a document that closes the log in use at
//! a size and root, and names the next, with a new key. What the hub says is then said again in the next log: the same
//! revisions, times, digests and lines, so that partners fetch leaves and no words, references go on to hold, and nothing
//! counts as changed.
//!
//! The order for a crash: the next log's seed lies in its file before anything names it; everything in the database is one
//! transaction; files follow, the newest hub document last. A hub that dies on any line comes back as either the old one or
//! the new one.

use super::author;
use super::{Hub, keys, publish};
use crate::failpoint::reach;
use crate::feed::hub::{self as hub_document, Closed, HubDocument, Log, VerifiedHub};
use crate::feed::leaf;
use crate::feed::merkle::leaf_hash;
use crate::feed::note::{LogKeys, Note, SigningKey};
use crate::record::HubId;
use crate::record::contact::CONTACT;
use crate::record::statement::{Body, Kind, Statement};
use crate::store::log::{LogRow, NewLeaf, OWN};
use crate::store::{self, Write};
use anyhow::{Context, bail};
use jiff::{Timestamp, civil::Date};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What a new version of the hub document changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The log in use ends with `keep` leaves, or with all of them, and the next begins with a new key.
    Log {
        /// How many leaves count; all without it.
        keep: Option<u64>,
    },
    /// The log in use ends, none follows, and another hub takes over.
    HandOver(HubId),
    /// Other root keys.
    Roots {
        /// Signatures needed.
        threshold: u8,
        /// Verifier keys.
        vkeys: Vec<String>,
    },
    /// A later end, other relays that hold copies, or another address; what is `None` stays.
    Renew {
        /// Until when readers may trust it.
        expires: Option<Date>,
        /// Relays that hold this hub's logs.
        mirrors: Option<Vec<String>>,
        /// Where the files of the log in use lie from now on.
        prefix: Option<String>,
    },
}

/// A new version of the hub document before it has its signatures.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Plan {
    /// Its version.
    pub version: u64,
    /// What root keys sign.
    pub text: String,
    /// How many of which root keys must sign.
    pub needs: Vec<Signers>,
    /// The log that it closes, with the number of leaves that count.
    pub closes: Option<(String, u64)>,
    /// Leaves of that log that will count for nothing.
    pub voids: u64,
    /// Statements that are said again in the next log.
    pub again: u64,
    /// The next log.
    pub begins: Option<String>,
    /// Where the seed of the next log's keys lies.
    pub seed: Option<PathBuf>,
}

/// Root keys of which some must sign.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Signers {
    /// How many of them.
    pub of: usize,
    /// Their names.
    pub names: Vec<String>,
}

/// What became of leaves that this hub appended after the size at which its log was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Later {
    /// They are this hub's own words: said again in the next log.
    Keep,
    /// They are a thief's, or nobody's: gone.
    Drop,
}

/// A new version of the hub document in force.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Adopted {
    /// Its version.
    pub version: u64,
    /// Statements said again in the next log.
    pub again: u64,
    /// Leaves that are void now.
    pub voided: u64,
    /// What was published.
    pub published: Option<publish::Published>,
}

impl Hub {
    /// This hub's newest document, verified again.
    ///
    /// # Errors
    /// A damaged database.
    pub async fn own_document(&self) -> anyhow::Result<VerifiedHub> {
        let mut db = self.store.read().await?;
        let (_, document) = store::hub::by_id(&mut db, self.id).await?.context("this database holds no hub")?;
        hub_document::reopen(&document, self.id).context("the stored hub document is damaged; restore a backup")
    }

    /// Makes the document that would carry out a change. Without `write` nothing is changed, and a next log has a key that
    /// is thrown away; with it, the next log's seed is kept in its file, and made there when it is not.
    ///
    /// # Errors
    /// A change that makes no sense here, or I/O errors.
    pub async fn plan_document(&self, change: &Change, write: bool) -> anyhow::Result<Plan> {
        let own = self.own_document().await?;
        if let Some((_, newest)) = self.documents_here(&own).last() {
            bail!(
                "the feed folder shows version {} of this hub's document, and this database knows version {} only: it is an older \
                 backup. `mutuald feed heal --commit` first; another document of that version would be proof against this hub",
                newest.document.version,
                own.document.version
            );
        }
        let mut db = self.store.read().await?;
        let logs = store::log::of_hub(&mut db, OWN).await?;
        let log = logs.last().context("this database holds no log")?;
        let mut document = own.following();
        let (mut closes, mut voids, mut begins, mut seed) = (None, 0, None, None);
        let mut close = async |document: &mut HubDocument, keep: u64| -> anyhow::Result<()> {
            if log.closed.is_some() {
                bail!("this hub's list is closed already: it handed over");
            }
            if keep > log.held {
                bail!("the list has {} entries; it cannot be closed at {keep}", log.held);
            }
            let root = store::log::root_at(&mut db, log.n, keep).await?;
            let last = document.logs.last_mut().context("the hub document names no log")?;
            last.closed = Some(Closed::at(keep, root));
            (closes, voids) = (Some((log.key.name().to_owned(), keep)), log.held - keep);
            Ok(())
        };
        match change {
            Change::Log { keep } => {
                close(&mut document, keep.unwrap_or(log.held)).await?;
                let ordinal = log.ordinal + 2;
                let file = keys::log_file(&self.config.keys(), ordinal);
                let origin = numbered(log.key.name(), ordinal);
                let keys = if write {
                    if !file.exists() {
                        self.chance.draw(|rng| keys::create(&file, rng))?;
                        reach("rollover-seed");
                    }
                    keys::log(&self.config.keys(), ordinal, &origin)?
                } else {
                    {
                        let mut seed = [0u8; 32];
                        self.chance.draw(|rng| rand::Rng::fill_bytes(rng, &mut seed));
                        LogKeys::from_seed(&origin, &seed)
                    }
                };
                let prefix = document.log().map_or_else(String::new, |log| numbered(&log.prefix, ordinal));
                document.logs.push(Log {
                    origin: origin.clone(),
                    vkey: keys.log.public().to_string(),
                    peer: keys.peer.public().to_string(),
                    prefix,
                    closed: None,
                    extra: BTreeMap::new(),
                });
                (begins, seed) = (Some(origin), Some(file));
            }
            Change::HandOver(successor) => {
                if *successor == self.id {
                    bail!("a hub cannot hand over to itself");
                }
                close(&mut document, log.held).await?;
                document.successor = Some(*successor);
            }
            Change::Roots { threshold, vkeys } => {
                document.root.threshold = *threshold;
                document.root.vkeys.clone_from(vkeys);
            }
            Change::Renew { expires, mirrors, prefix } => {
                document.expires = expires.unwrap_or(document.expires);
                document.mirrors = mirrors.clone().unwrap_or(document.mirrors);
                if let (Some(prefix), Some(last)) = (prefix, document.logs.last_mut()) {
                    last.prefix.clone_from(prefix);
                }
            }
        }
        let again = if begins.is_some() { self.standing(&mut db).await?.len() as u64 + 1 } else { 0 };
        // Read as any reader will: what nobody would take is not given out to be signed.
        let unsigned = hub_document::drafted(&own, &document.text()).context("this document would be refused")?;
        let mut needs = vec![signers(&own)];
        if signers(&unsigned) != needs[0] {
            needs.push(signers(&unsigned));
        }
        Ok(Plan { version: document.version, text: document.text(), needs, closes, voids, again, begins, seed })
    }

    /// Puts a signed hub document in force: closes the log, says again what stands, begins the next log, and publishes.
    ///
    /// # Errors
    /// The document does not follow from this hub's own, the next log's key is not here, or leaves past the end would be
    /// lost without `later` saying so. Nothing was changed then.
    pub async fn adopt_document(&self, bytes: &[u8], later: Option<Later>) -> anyhow::Result<Adopted> {
        let own = self.own_document().await?;
        let next = hub_document::next(&own, bytes).context("the document was not taken")?;
        let mut db = self.store.read().await?;
        let log = store::log::by_number(&mut db, OWN).await?.context("this database holds no log")?;
        drop(db);
        // Two documents of one version would be proof against this hub, for ever. What the list lacks is no matter here: a new list is a
        // way out of that.
        if let Some(ahead) = self.ahead(&log).await?.filter(|ahead| ahead.document.is_some()) {
            return Err(super::seen::WouldFork(ahead).into());
        }
        let mut db = self.store.write().await?;
        let log = store::log::by_number(&mut db, OWN).await?.context("this database holds no log")?;
        let closed = next.logs.get(log.ordinal as usize).and_then(|log| log.closed).filter(|_| log.closed.is_none());
        let begins = next.logs.len() > log.ordinal as usize + 1;
        let (mut again, mut voided) = (Vec::new(), 0);
        if let Some((size, root)) = closed {
            if size > log.held || store::log::root_at(&mut db, log.n, size).await? != root {
                bail!(
                    "the document closes the list at {size} entries of another history than this database holds; nothing was changed"
                );
            }
            voided = log.held - size;
            if voided > 0 && later.is_none() {
                bail!(
                    "{voided} entries were added after the document was drafted; say whether they are this hub's own (--keep-later) or to be dropped (--drop-later)"
                );
            }
            if later != Some(Later::Drop) {
                again = self.standing(&mut db).await?;
            }
        }
        store::hub::adopt(&mut db, OWN, &next, bytes).await?;
        if voided > 0 {
            store::log::truncate(&mut db, &log, closed.map_or(log.held, |(size, _)| size)).await?;
            self.rebuild_in(&mut db).await?;
        }
        if closed.is_some() && later == Some(Later::Drop) {
            again = self.standing(&mut db).await?;
        }
        let mut count = 0;
        if closed.is_some() && begins {
            count = self.begin(&mut db, &next, again).await?;
        }
        reach("rollover-commit");
        db.commit().await?;
        reach("rollover-committed");
        // What was void is gone from files too; the mark stays until it is.
        self.scrub().await?;
        tracing::warn!(version = next.document.version, again = count, voided, "a new hub document is in force");
        let published = self.publish().await?;
        Ok(Adopted { version: next.document.version, again: count, voided, published })
    }

    /// Says in the log that a document begins all that stands, and which document that is.
    async fn begin(&self, db: &mut Write, next: &VerifiedHub, again: Vec<Again>) -> anyhow::Result<u64> {
        let mut log = store::log::by_number(db, OWN).await?.context("this database holds no log")?;
        let keys = keys::of(&self.config.keys(), &log).context("the key of the next list is not here")?;
        let mut leaves = again.iter().map(|again| again.sign(&keys)).collect::<anyhow::Result<Vec<NewLeaf>>>()?;
        // Last, because it is the newest: in a log no leaf counts as said later than the leaves after it.
        let body = Body::Hub { version: next.document.version, digest: next.digest.clone() };
        let draft = author::Draft { id: self.chance.id(), rev: 1, body, public: None };
        leaves.push(self.chance.draw(|rng| author::sign(&draft, None, None, &keys, self.clock.now(), rng))?.0);
        let first = log.held;
        store::log::append(db, &mut log, &leaves).await?;
        for (nth, again) in (first..).zip(&again).filter(|(_, again)| again.statement.parts.contains_key(CONTACT)) {
            store::contact::carry(db, again.pos, store::log::pos(log.n, nth)).await?;
        }
        let accepted = super::accept::accept(db, &log, log.held, self.policy.linkage(), Default::default()).await?;
        self.derive_in(db, accepted).await?;
        Ok(leaves.len() as u64)
    }

    /// All that this hub states now, in the order of its times: what a next log begins with.
    async fn standing(&self, db: &mut sqlx::SqliteConnection) -> anyhow::Result<Vec<Again>> {
        let mut all = Vec::new();
        let own: BTreeMap<i64, LogRow> =
            store::log::of_hub(db, OWN).await?.into_iter().map(|log| (log.n, log)).collect();
        let key = |pos: i64| own.get(&store::log::log_of(pos)).map(|log| &log.key);
        let erased = store::log::erasures(db, OWN).await?;
        let ids = store::record::ids(db, OWN).await?;
        let rows = store::record::get_many(db, OWN, &ids).await?;
        let mut wanted: Vec<(i64, i64)> = Vec::new();
        for row in &rows {
            let Some((pos, rev)) = row.state.put.filter(|_| !row.state.withdrawn) else { continue };
            if erased.get(&row.rec).is_none_or(|upto| rev > *upto) {
                wanted.push((pos, row.state.said));
                wanted.extend(row.state.affirm.map(|pos| (pos, row.state.affirmed)));
            }
        }
        wanted.extend(store::record::own_decisions(db, OWN).await?);
        for chunk in wanted.chunks(store::CHUNK) {
            for (pos, said) in chunk {
                let Some(row) = store::log::leaf(db, *pos).await? else { continue };
                let Some(key) = key(*pos) else { continue };
                let Ok(statement) = leaf::open(&row.note, key) else { continue };
                all.push(Again { pos: *pos, said: *said, statement, line: row.line });
            }
        }
        // What was erased stays erased, also for those who will never read the log in which that was said.
        let kinds: BTreeMap<_, _> = rows.iter().map(|row| (row.rec, &row.state)).collect();
        for ((rec, upto), parts) in store::erase::stated(db, OWN).await? {
            let state = kinds.get(&rec);
            let body = Body::Erase(state.map_or(Kind::Record, |state| state.kind), upto, parts);
            let (at, parts) = (Timestamp::UNIX_EPOCH, BTreeMap::new());
            let statement = Statement { id: rec, rev: upto, at, parts, replaces: None, body };
            all.push(Again { pos: 0, said: 0, statement, line: None });
        }
        all.sort_by_key(|again| (again.said, again.pos, again.statement.id));
        all.dedup_by_key(|again| (again.pos, again.statement.id, again.statement.rev));
        Ok(all)
    }
}

/// A statement that stands, to be said again.
struct Again {
    pos: i64,
    said: i64,
    statement: Statement,
    line: Option<String>,
}

impl Again {
    /// The same words by the next log's key, dated when they counted as said: so times stand as they stood.
    fn sign(&self, keys: &LogKeys) -> anyhow::Result<NewLeaf> {
        let mut statement = self.statement.clone();
        statement.at = Timestamp::from_second(self.said)?;
        let note = leaf::sign(&statement, &keys.log)?;
        Ok(NewLeaf { hash: leaf_hash(&note), note, line: self.line.clone() })
    }
}

/// A name or prefix that ends in a log's number, with another.
fn numbered(text: &str, ordinal: u32) -> String {
    let slash = if text.ends_with('/') { "/" } else { "" };
    let (whole, last) = text.trim_end_matches('/').rsplit_once('/').unwrap_or((text, ""));
    if last.is_empty() || !last.bytes().all(|byte| byte.is_ascii_digit()) {
        return format!("{}/{ordinal}{slash}", text.trim_end_matches('/'));
    }
    format!("{whole}/{ordinal}{slash}")
}

fn signers(hub: &VerifiedHub) -> Signers {
    Signers { of: hub.threshold(), names: hub.root_keys().iter().map(|key| key.name().to_owned()).collect() }
}

/// Adds a root key's signature to a document or its text; one that is there already stays the only one of that key.
///
/// # Errors
/// Bytes that are no hub document.
pub fn add_signature(document: &str, key: &SigningKey) -> anyhow::Result<String> {
    let whole = if document.contains("\n\n") { document.to_owned() } else { format!("{document}\n") };
    let (text, lines) = whole.split_once("\n\n").context("this is no hub document to sign")?;
    let text = format!("{text}\n");
    if !text.starts_with(hub_document::HEADER) {
        bail!("this is no hub document to sign: it does not begin with {:?}", hub_document::HEADER.trim_end());
    }
    let line = key.line(&text, 0);
    if Note::parse(format!("{text}\n{lines}").as_bytes()).is_ok_and(|note| note.verify(key.public()).is_ok()) {
        return Ok(whole);
    }
    Ok(format!("{text}\n{lines}{line}"))
}

#[cfg(test)]
mod tests {
    use super::numbered;

    #[test]
    fn the_next_log_is_named_by_its_number() {
        assert_eq!(numbered("feed.example/1", 2), "feed.example/2");
        assert_eq!(numbered("../v1/1/", 2), "../v1/2/");
        assert_eq!(numbered("https://files.example/v1/9/", 10), "https://files.example/v1/10/");
        assert_eq!(numbered("feed.example", 2), "feed.example/2");
    }
}
