//! One hub: its identity, what it says, what it takes in, and how it runs.
//!
//! * [`keys`]: the secrets, as files;
//! * [`author`]: drafts → signed leaves in the own log;
//! * [`publish`]: the own log as files;
//! * [`protect`]: how far a group's place may be known, and who shows more;
//! * [`accept`]: verified leaves → records and decisions; `late`: those that an earlier version did not understand;
//! * [`mod@derive`]: records → groups;
//! * [`backup`]: copies of the database, and restoring them;
//! * [`erase`]: forgetting, here and everywhere, and who has confirmed it;
//! * [`frames`]: what researchers define, freeze, draw from and check;
//! * `follow`: a partner's documents and logs, from wherever they can be had;
//! * [`sync`]: pulling partners, one run at a time each;
//! * [`seen`]: what hubs have seen of one another, and the look before publishing; [`heal`]: coming back from a loss; `own_document`: newer
//!   versions of the own hub document;
//! * [`rollover`]: a new version of the own hub document: other keys, another log, another end;
//! * [`run`]: the daemon: pulling on schedule, serving, publishing again;
//! * [`check`]: everything that must be true, looked at again;
//! * [`imports`]: carrying out an import's plan, and undoing it; [`source`]: lists that are read from an address on a schedule;
//! * [`copies`]: lists that repeat other hubs' lists;
//! * [`consents`]: what the ledger takes in; [`contacts`]: role contacts between the consent ledger and the wire; [`held`]: words that a person must look at first;
//! * [`retention`]: how long local data is kept; [`subject`]: all that is held about somebody; [`documents`]: for trustees;
//! * [`groups`]: what the hub's people ask and say of a group: find it, describe it, draft an edit, a choice, a link;
//! * [`review`]: questions for people, the most consequential first, and their decisions as labels.

pub mod accept;
pub mod author;
pub mod backup;
pub mod check;
pub mod compare;
pub mod consents;
pub mod contacts;
pub mod copies;
pub mod demo;
pub mod derive;
pub mod documents;
pub mod erase;
mod follow;
pub mod frames;
pub mod groups;
pub mod heal;
pub mod held;
pub mod imports;
pub mod init;
pub mod keys;
mod late;
pub mod lifecycle;
pub mod logging;
pub mod notify;
mod own_document;
pub mod protect;
pub mod publish;
pub mod reach;
pub mod retention;
pub mod review;
pub mod rollover;
pub mod run;
pub mod seen;
pub mod source;
pub mod stand;
pub mod subject;
pub mod succession;
pub mod sync;

use crate::clock::Clock;
use crate::config::Config;
use crate::failpoint::reach;
use crate::feed::Checkpoint;
use crate::feed::hub as hub_document;
use crate::feed::note::LogKeys;
use crate::peer::client::Client;
use crate::record::{HubId, vocabulary};
use crate::registry::Policy;
use crate::registry::linkage::Model;
use crate::store::group::Rules;
use crate::store::log::{LogRow, OWN};
use crate::store::{self, Store, Write};
use anyhow::{Context, bail};
use author::Draft;
use derive::Derived;
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Where randomness comes from: the operating system, or a seed that a test chose. Cheap to clone.
#[derive(Clone)]
pub struct Chance(Arc<Mutex<StdRng>>);

impl Chance {
    /// Seeded by the operating system.
    ///
    /// # Errors
    /// When it has no randomness to give.
    pub fn system() -> anyhow::Result<Chance> {
        let rng = StdRng::try_from_rng(&mut rand::rngs::SysRng).context("the system gave no randomness")?;
        Ok(Chance(Arc::new(Mutex::new(rng))))
    }

    /// The same numbers each time. For tests and the demonstration.
    pub fn seeded(seed: u64) -> Chance {
        Chance(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    /// Draws.
    pub fn draw<T>(&self, draw: impl FnOnce(&mut StdRng) -> T) -> T {
        draw(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A new random id.
    pub fn id(&self) -> uuid::Uuid {
        self.draw(author::new_id)
    }
}

/// An open hub. Cheap to clone.
#[derive(Clone)]
pub struct Hub {
    /// How it is configured.
    pub config: Arc<Config>,
    /// Its database.
    pub store: Store,
    /// Its id.
    pub id: HubId,
    /// Its name.
    pub name: String,
    /// Its hub document, as signed.
    pub document: Vec<u8>,
    /// The keys of its log.
    pub keys: Arc<LogKeys>,
    /// The merge policy in force.
    pub policy: Arc<Policy>,
    /// What time it is.
    pub clock: Clock,
    /// Randomness for ids and salts.
    pub chance: Chance,
    /// How it fetches.
    pub client: Client,
    /// Whether partners were asked, since this was opened, what they have seen of this hub.
    pub looked: Arc<AtomicBool>,
    /// Whether pulls leave it to the next [`Hub::sweep`] to clean files of what was erased: out of sight it is at once. Cleaning
    /// makes every page of the database anew, which takes a second or two where it holds a nation's groups, so whoever pulls
    /// many partners does it once and not with each.
    pub gathers: bool,
}

fn none(count: &usize) -> bool {
    *count == 0
}

/// What saying something brought about.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Said {
    /// Statements signed.
    pub statements: usize,
    /// Records whose words a person must look at before they are signed: `mutuald held list`.
    #[serde(skip_serializing_if = "none")]
    pub held: usize,
    /// What changed in the registry.
    pub derived: Derived,
    /// What was published; `None` without `[publish]`.
    pub published: Option<publish::Published>,
}

impl Hub {
    /// Opens a hub that [`init::init`] made, and makes sure that it is still itself: database, key and hub document must
    /// belong together.
    ///
    /// # Errors
    /// A sentence that says what differs and what to do.
    pub async fn open(config: Config, clock: Clock, chance: Chance) -> anyhow::Result<Hub> {
        let file = config.database();
        if !file.exists() {
            bail!("there is no hub at {}; run `mutuald init` first", config.hub.state.display());
        }
        let store = Store::open(&file, false).await.with_context(|| format!("cannot open {}", file.display()))?;
        let mut db = store.read().await?;
        let log = store::log::by_number(&mut db, OWN).await?;
        drop(db);
        let log = log.with_context(|| format!("{} holds no hub; run `mutuald init` first", file.display()))?;
        let keys = keys::of(&config.keys(), &log)?;
        let hub = hub_document::reopen(&log.document, log.hub)
            .context("the stored hub document is damaged; restore a backup")?;
        if hub.log != log.key {
            bail!("the database and the hub document name different keys; restore both from one backup");
        }
        let (policy, client) = (policy(&config)?, client(&config)?);
        Ok(Hub {
            config: Arc::new(config),
            store,
            id: log.hub,
            name: log.name,
            document: log.document,
            keys: Arc::new(keys),
            policy: Arc::new(policy),
            clock,
            chance,
            client,
            looked: Arc::default(),
            gathers: false,
        })
    }

    /// The same hub under another configuration.
    ///
    /// # Errors
    /// A policy or TLS set-up that cannot be used.
    pub fn reconfigured(self, config: Config) -> anyhow::Result<Hub> {
        let (policy, client) = (Arc::new(policy(&config)?), client(&config)?);
        Ok(Hub { config: Arc::new(config), policy, client, ..self })
    }

    /// What deriving goes by today.
    ///
    /// # Errors
    /// Database errors.
    pub async fn rules(&self, db: &mut sqlx::SqliteConnection) -> anyhow::Result<Rules> {
        let zone = self.config.time_zone().context("hub.time_zone")?;
        let hubs: BTreeMap<i64, HubId> = store::hub::ids(db).await?.into_iter().collect();
        Ok(Rules::with(db, self.policy.clone(), self.clock.today(&zone), hubs).await?)
    }

    /// Signs drafts, appends them to the own log, and derives what follows, in one transaction; then publishes.
    ///
    /// # Errors
    /// A draft that must not be signed, a database error (nothing was changed), or a failure to publish (what was said
    /// stands, and is published at the next occasion).
    pub async fn say(&self, drafts: &[Draft]) -> anyhow::Result<Said> {
        let mut db = self.store.write().await?;
        let derived = self.say_in(&mut db, drafts, |_| ()).await?;
        reach("say-commit");
        let held = self.held_among(&mut db, drafts).await?;
        db.commit().await?;
        reach("said");
        let published = self.publish().await?;
        self.scrub().await?;
        Ok(Said { statements: drafts.len() - held, held, derived, published })
    }

    /// [`Hub::say`] inside the caller's transaction, without publishing. `signed` hears of every few statements that were.
    ///
    /// # Errors
    /// As [`Hub::say`].
    pub async fn say_in(
        &self,
        db: &mut Write,
        drafts: &[Draft],
        mut signed: impl FnMut(usize),
    ) -> anyhow::Result<Derived> {
        let mut log = store::log::by_number(db, OWN).await?.context("this database holds no hub")?;
        if log.closed.is_some() {
            bail!("this hub was closed: its document names a hub that takes over, so it says nothing more");
        }
        let keys = self.keys_of(&log)?;
        let now = self.clock.now();
        let drafts = self.screen(db, drafts).await?;
        let contacts = contacts::consented(db, &drafts, self.today()?).await?;
        // Salts and ids come from one seed drawn once, so that no lock is held while the database waits.
        let mut rng = self.chance.draw(StdRng::from_rng);
        for few in drafts.chunks(store::CHUNK) {
            let first = log.held;
            author::append(db, &mut log, few, &contacts, &keys, now, &mut rng).await?;
            signed(few.len());
            erase::obey_own(db, &log, first, few).await?;
        }
        let accepted = accept::accept(db, &log, log.held, self.policy.linkage(), Default::default()).await?;
        self.derive_in(db, accepted).await
    }

    /// Derives what accepting touched, and what a new day or policy touches.
    ///
    /// # Errors
    /// Database errors.
    pub async fn derive_in(&self, db: &mut Write, accepted: accept::Accepted) -> anyhow::Result<Derived> {
        let rules = self.rules(db).await?;
        let mut touched = accepted.touched;
        let mut about = accepted.judged;
        let before = store::settings(db).await?;
        let stood = |name: &str| before.get(name).map(String::as_str);
        if stood("understood") != Some(accept::UNDERSTOOD) {
            about.extend(accept::late(db).await?);
            late::frames(db, self.policy.linkage(), &mut touched).await?;
            store::set(db, "understood", accept::UNDERSTOOD).await?;
        }
        let judged: Vec<_> = about.iter().filter_map(|record| rules.key(record)).collect();
        touched.places(store::registry::places(db, &judged).await?);
        let linkage = self.policy.linkage().hash();
        if stood("linkage") != Some(linkage) {
            // Made by another model, or by a version without one: every record is read again.
            store::registry::mark_all(db).await?;
            store::set(db, "linkage", linkage).await?;
        }
        if stood("policy") != Some(self.policy.hash()) || accepted.lists_changed {
            touched.everything(store::registry::every(db).await?);
            store::set(db, "policy", self.policy.hash()).await?;
        }
        let today = rules.as_of.to_string();
        if stood("as-of") != Some(&today) {
            if let Some(before) = stood("as-of").and_then(|text| text.parse::<jiff::civil::Date>().ok()) {
                // Statements dated past the earlier of the two days are the only ones that a day can change.
                let edge = before.min(rules.as_of).to_zoned(jiff::tz::TimeZone::UTC)?.timestamp().as_second();
                touched.places(store::registry::said_after(db, edge).await?);
            }
            store::set(db, "as-of", &today).await?;
        }
        let derived = derive::derive(db, &rules, touched).await?;
        // Whatever was obeyed in this transaction is dated, and what is due is deleted.
        store::erase::settle(db, self.clock.now().as_second()).await?;
        Ok(derived)
    }

    /// Brings the registry to today's date and the policy in force, if it is not.
    ///
    /// # Errors
    /// Database errors.
    pub async fn refresh(&self) -> anyhow::Result<Derived> {
        let mut db = self.store.write().await?;
        let mut accepted = accept::Accepted::default();
        // What was taken back from partners and not seen yet when the process ended.
        if let Some(log) = store::log::by_number(&mut db, OWN).await?.filter(|log| log.head < log.held) {
            accepted = accept::accept(&mut db, &log, log.held, self.policy.linkage(), accepted).await?;
        }
        let derived = self.derive_in(&mut db, accepted).await?;
        db.commit().await?;
        self.scrub().await?;
        Ok(derived)
    }

    /// Publishes what the own log holds, where the configuration says so.
    ///
    /// # Errors
    /// I/O errors, and a folder that belongs to another log.
    pub async fn publish(&self) -> anyhow::Result<Option<publish::Published>> {
        let Some(config) = &self.config.publish else { return Ok(None) };
        let republish = Duration::from_secs(config.republish_s);
        let mut db = self.store.read().await?;
        let log = store::log::by_number(&mut db, OWN).await?.context("this database holds no hub")?;
        if store::log::of_hub(&mut db, OWN).await?.iter().any(|log| !log.complete()) {
            return Err(seen::Unfinished.into());
        }
        drop(db);
        let keys = if log.closed.is_none() { Some(self.keys_of(&log)?) } else { None };
        let signed = log.checkpoint.as_deref().map(|note| Checkpoint::open(note, &log.key, &log.peer).map(|c| c.size));
        let news = signed.is_none_or(|size| size != Ok(log.held));
        if log.closed.is_none() && (news || !self.looked.load(Ordering::Relaxed)) {
            // Before anything is shown that could not be taken back (PROTOCOL 1.5).
            if let Some(ahead) = self.ahead(&log).await? {
                return Err(seen::WouldFork(ahead).into());
            }
            self.looked.store(true, Ordering::Relaxed);
        }
        let (feed, now) = (self.config.feed(), self.clock.now());
        let published = publish::publish(&self.store, keys.as_deref(), &feed, now, republish).await?;
        self.tell_seen().await?;
        Ok(Some(published))
    }

    /// The keys of this hub's log in use. Another process may have begun a new log since this one was opened.
    ///
    /// # Errors
    /// Its key file is absent, open to others, or another log's.
    pub fn keys_of(&self, log: &LogRow) -> anyhow::Result<Arc<LogKeys>> {
        if *self.keys.log.public() == log.key {
            return Ok(self.keys.clone());
        }
        Ok(Arc::new(keys::of(&self.config.keys(), log)?))
    }

    /// Makes every derived table again from leaves whose signatures are checked again.
    ///
    /// # Errors
    /// Database errors; nothing is changed then.
    pub async fn rebuild(&self) -> anyhow::Result<Derived> {
        let mut db = self.store.write().await?;
        let derived = self.rebuild_in(&mut db).await?;
        db.commit().await?;
        Ok(derived)
    }

    /// [`Hub::rebuild`] inside the caller's transaction.
    ///
    /// # Errors
    /// Database errors.
    pub async fn rebuild_in(&self, db: &mut Write) -> anyhow::Result<Derived> {
        store::record::forget(db).await?;
        store::registry::forget(db).await?;
        let mut all = accept::Accepted::default();
        for log in store::log::all(db).await? {
            check::verdicts(db, &log).await?;
            let afresh = store::log::LogRow { head: 0, ..log.clone() };
            all = accept::accept(db, &afresh, log.head, self.policy.linkage(), all).await?;
        }
        // Nothing stands that a list's other words could change.
        all.lists_changed = false;
        self.derive_in(db, all).await
    }

    /// The registry digest with what it is a function of.
    ///
    /// # Errors
    /// Database errors.
    pub async fn digest(&self) -> anyhow::Result<Digest> {
        let mut db = self.store.read().await?;
        let (digest, groups, policy, as_of) = store::registry::digest(&mut db).await?;
        let mut logs: BTreeMap<HubId, u64> = BTreeMap::new();
        for log in store::log::all(&mut db).await? {
            *logs.entry(log.hub).or_default() += log.head;
        }
        // An empty log is no input: a hub that follows nobody and one that follows an empty hub know the same.
        logs.retain(|_, size| *size > 0);
        let ended = store::succession::ended(&mut db).await?;
        let successors = ended.into_iter().map(|(_, hub, successor)| (hub, successor)).collect();
        Ok(Digest { digest, policy, as_of, groups, logs, successors })
    }
}

/// The registry digest and its inputs. Two hubs with the same inputs have the same digest.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Digest {
    /// Hexadecimal.
    pub digest: String,
    /// Hash of the policy, which names the merge rules and vocabularies.
    pub policy: String,
    /// The day the registry speaks of.
    pub as_of: jiff::civil::Date,
    /// Number of groups.
    pub groups: usize,
    /// Hub id to leaves seen, of all its logs.
    pub logs: BTreeMap<HubId, u64>,
    /// Hubs that ended, to those that their documents name to take over.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub successors: BTreeMap<HubId, HubId>,
}

fn client(config: &Config) -> anyhow::Result<Client> {
    Client::new(&config.limits, config.pull.allow_private_addresses, config.pull.contact.as_deref())
        .context("cannot set up TLS; install the package ca-certificates")
}

fn policy(config: &Config) -> anyhow::Result<Policy> {
    let text = match &config.hub.policy {
        Some(file) => {
            std::fs::read_to_string(file).with_context(|| format!("cannot read the policy {}", file.display()))?
        }
        None => Policy::default_text().to_owned(),
    };
    let name = config.hub.policy.as_ref().map_or("the built-in policy".to_owned(), |file| file.display().to_string());
    let linkage = match &config.hub.linkage {
        Some(file) => {
            let text = std::fs::read_to_string(file);
            let text = text.with_context(|| format!("cannot read the linkage model {}", file.display()))?;
            Arc::new(Model::read(&text).with_context(|| format!("{} was not taken", file.display()))?)
        }
        None => Model::shipped(),
    };
    Policy::parse(&text, vocabulary::digest(), linkage).with_context(|| format!("{name} was not taken"))
}
