//! Seeing each other: what this hub has seen of others, what others have seen of it and of one another.
//!
//! A hub that shows two histories is met by whoever compares: every hub publishes the last checkpoint it verified of each
//! log and the newest version of each hub document (`/seen`), and once a day reads its partners'. A checkpoint that another
//! hub shows counts only under its own log's signature, and a newer document only once it was fetched and follows from the
//! one known here, so nobody can accuse another. And before a hub publishes, it asks its partners what they have seen of
//! *itself*: a restored backup or a copied machine does not know what it once said, but its partners do.

use super::Hub;
use super::publish::Aside;
use crate::feed::seen::{self, SeenHub};
use crate::feed::{Checkpoint, Hash, Validator, hub as hub_document};
use crate::peer::client::Answer;
use crate::peer::client::Ask;
use crate::peer::pull::{self, ForkEvidence, PullError};
use crate::record::HubId;
use crate::store::log::{LogRow, OWN};
use crate::store::{self, partner::PartnerRow};
use anyhow::Context;
use reqwest::Url;
use std::collections::BTreeMap;
use std::time::Duration;

/// Partners are asked what they have seen so often, in seconds.
const GOSSIP: i64 = 86_400;
/// How long all partners together may take to say what they have seen of this hub.
const PATIENCE: Duration = Duration::from_secs(5);

/// Somebody has seen more of this hub's list than this hub knows of, or another.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Ahead {
    /// The partner that has seen it.
    pub partner: String,
    /// Entries it has seen.
    pub seen: u64,
    /// Entries this database holds.
    pub held: u64,
    /// Whether what it has seen is no continuation of what this database holds.
    pub differs: bool,
    /// The version of this hub's own document that it shows, where this database knows an older one only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<u64>,
}

impl std::fmt::Display for Ahead {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Ahead { partner, seen, held, differs, document } = self;
        if let Some(version) = document {
            write!(
                out,
                "{partner} shows version {version} of this hub's own document, and this database knows an older one only"
            )
        } else if *differs {
            write!(
                out,
                "{partner} has seen another history of this hub's list ({seen} entries; this database holds {held})"
            )
        } else {
            write!(out, "{partner} has seen {seen} entries of this hub's list; this database holds {held}")
        }
    }
}

/// Why a hub does not publish: it would contradict itself, for ever.
#[derive(Debug, thiserror::Error)]
#[error(
    "nothing was published: {0}. Either this database is an older backup, or another machine works with this hub's keys. \
     Stop any other machine; then `mutuald feed heal` takes back from your partners what this hub said{rotate}",
    rotate = .0.or_rotate()
)]
pub struct WouldFork(pub Ahead);

/// Why a hub does not publish: its document closed a list of which this database holds a part only.
#[derive(Debug, thiserror::Error)]
#[error(
    "nothing was published: this database does not hold all of a list that this hub has closed. `mutuald feed heal --commit` takes the \
     rest back from partner hubs"
)]
pub struct Unfinished;

impl Ahead {
    /// A new list helps where a list is behind; where the document is, another one of the same version would be proof against the hub.
    fn or_rotate(&self) -> &'static str {
        match self.document {
            Some(_) => "",
            None => ", or `mutuald key rotate` begins a new list",
        }
    }
}

impl Hub {
    /// Brings `/seen` up to what this hub has verified, when that changed or a day has passed.
    ///
    /// # Errors
    /// The database, or the feed folder.
    pub async fn tell_seen(&self) -> anyhow::Result<()> {
        if self.config.publish.is_none() {
            return Ok(());
        }
        let mut db = self.store.read().await?;
        let logs = store::log::all(&mut db).await?;
        drop(db);
        let own = logs.iter().rfind(|log| log.owner == OWN).context("this database holds no hub")?;
        let Ok(keys) = self.keys_of(own) else { return Ok(()) };
        let file = self.config.feed().join("seen");
        let before = std::fs::read(&file).unwrap_or_default();
        let shown = seen::read(&before);
        let of_log: BTreeMap<&str, &[u8]> =
            shown.iter().filter_map(|note| Some((seen::origin(note)?, *note))).collect();
        let of_hub: BTreeMap<HubId, &[u8]> =
            shown.iter().filter_map(|note| Some((SeenHub::read(note)?.hub, *note))).collect();
        let now = u64::try_from(self.clock.now().as_second()).unwrap_or(0);
        let (mut notes, mut documents) = (Vec::new(), BTreeMap::new());
        let mut changed = before.is_empty();
        // A note that was cosigned within a day stays as it is; `text` is all of it but this hub's line.
        let mut show = |known: Option<&[u8]>, text: String, body: &str| {
            let known = known.map(|note| String::from_utf8_lossy(note).into_owned());
            let fresh =
                |known: &String| known.starts_with(&text) && cosigned(known, &keys) + GOSSIP.unsigned_abs() > now;
            notes.push(known.filter(fresh).unwrap_or_else(|| {
                changed = true;
                format!("{text}{}", keys.peer.line(body, now))
            }));
        };
        for log in logs.iter().filter(|log| log.owner != OWN) {
            documents.insert(log.hub, &log.document);
            let Some(note) = &log.checkpoint else { continue };
            let text = String::from_utf8_lossy(note).into_owned();
            let Some((body, _)) = text.split_once("\n\n") else { continue };
            // Its signatures were verified before it was stored; but only what is held to its end was verified as a whole.
            if body.lines().nth(1) != Some(log.held.to_string().as_str()) {
                continue;
            }
            let body = format!("{body}\n");
            show(of_log.get(log.key.name()).copied(), text, &body);
        }
        for (id, document) in documents {
            let hub = hub_document::reopen(document, id)?;
            let text = SeenHub { hub: id, version: hub.document.version, digest: hub.digest }.to_string();
            show(of_hub.get(&id).copied(), format!("{text}\n"), &text);
        }
        if notes.is_empty() && before.is_empty() {
            return Ok(()); // whoever follows nobody has seen nothing
        }
        let bytes = seen::write(notes.iter().map(String::as_bytes));
        if changed || bytes.len() != before.len() {
            Aside::write(&file, &bytes)?;
        }
        Ok(())
    }

    /// What partners have seen of this hub's list that contradicts what is to be published. Partners that do not answer say
    /// nothing, and a partner's word counts by this hub's own signature only.
    ///
    /// # Errors
    /// Database errors.
    pub async fn ahead(&self, log: &LogRow) -> anyhow::Result<Option<Ahead>> {
        let own = self.own_document().await?;
        let shows = |partner: String, version| Ahead {
            partner,
            seen: log.held,
            held: log.held,
            differs: false,
            document: Some(version),
        };
        if let Some((_, newest)) = self.documents_here(&own).last() {
            return Ok(Some(shows("the feed folder".to_owned(), newest.document.version)));
        }
        let mut db = self.store.read().await?;
        let partners = store::partner::all(&mut db).await?;
        drop(db);
        let mut asked = tokio::task::JoinSet::new();
        for partner in partners {
            let Ok(url) = seen_url(&partner.url) else { continue };
            let (client, id, next) = (self.client.clone(), self.id, own.document.version + 1);
            asked.spawn(async move {
                let came = client.whole(&url, seen::MAX_SEEN, true).await.ok();
                let document = came.as_deref().and_then(|bytes| seen::of_hub(bytes, id)).and_then(SeenHub::read);
                let newer = document.is_some_and(|document| document.version >= next);
                let place = relay_url(&partner, &id.to_string()).ok().and_then(|url| url.join("groups-hub").ok());
                let place = place.filter(|_| newer).and_then(|place| pull::document::numbered(&place, next).ok());
                let document = match place {
                    Some(place) => client.whole(&place, client.limits().hub_document_bytes, true).await.ok(),
                    None => None,
                };
                (partner.name, came, document)
            });
        }
        let mut answers = Vec::new();
        let all = async {
            while let Some(Ok(answer)) = asked.join_next().await {
                answers.push(answer);
            }
        };
        // Who is slow has said nothing.
        let _ = tokio::time::timeout(PATIENCE, all).await;
        asked.abort_all();
        answers.sort_by(|a, b| a.0.cmp(&b.0));
        for (partner, bytes, document) in answers {
            // What its root keys did not sign is nothing, whoever shows it.
            if let Some(next) = document.and_then(|bytes| hub_document::next(&own, &bytes).ok()) {
                return Ok(Some(shows(partner, next.document.version)));
            }
            let Some(bytes) = bytes else { continue };
            let Some(note) = seen::of(&bytes, log.key.name()) else { continue };
            let Ok(theirs) = Checkpoint::open(note, &log.key, &log.peer) else { continue };
            let differs = theirs.size <= log.held && self.root_of(log, theirs.size).await? != theirs.root;
            if differs || theirs.size > log.held {
                return Ok(Some(Ahead { partner, seen: theirs.size, held: log.held, differs, document: None }));
            }
        }
        Ok(None)
    }

    async fn root_of(&self, log: &LogRow, size: u64) -> anyhow::Result<Hash> {
        let mut db = self.store.read().await?;
        Ok(store::log::root_at(&mut db, log.n, size).await?)
    }

    /// Reads what a partner has seen, once a day, and compares it with what this hub holds. A partner that was shown another
    /// history brings the proof; one that has seen more of a log is asked for the rest by its relay.
    ///
    /// # Errors
    /// Database errors only. A partner that does not answer is asked another time.
    pub async fn gossip(&self, partner: &PartnerRow, always: bool) -> anyhow::Result<Vec<String>> {
        let now = self.clock.now().as_second();
        if !always && (0..GOSSIP).contains(&(now - partner.gossip)) {
            return Ok(Vec::new());
        }
        let Ok(url) = seen_url(&partner.url) else { return Ok(Vec::new()) };
        let ask = Ask { most: seen::MAX_SEEN, ..Ask::default() };
        let Ok(Answer::Whole { body, .. }) = self.client.get(&url, &ask).await else { return Ok(Vec::new()) };
        let mut db = self.store.read().await?;
        let logs = store::log::all(&mut db).await?;
        drop(db);
        let mut met = Vec::new();
        for note in seen::read(&body) {
            let log = seen::origin(note).and_then(|origin| logs.iter().find(|log| log.key.name() == origin));
            let Some(log) = log.filter(|log| log.owner != OWN && log.closed.is_none()) else { continue };
            // Anybody can say anything: what the log's own keys did not sign is nothing (PROTOCOL F25).
            let Ok(theirs) = Checkpoint::open(note, &log.key, &log.peer) else { continue };
            let words = if theirs.size <= log.held {
                if self.root_of(log, theirs.size).await? == theirs.root {
                    continue;
                }
                self.accuse(log, note).await?;
                format!("{} told {} another history than this hub", log.name, partner.name)
            } else {
                match self.catch_up(log, partner).await? {
                    Some(words) => words,
                    None => continue,
                }
            };
            tracing::warn!(partner = %partner.id, of = %log.hub, "{words}");
            met.push(words);
        }
        for theirs in seen::read(&body).into_iter().filter_map(SeenHub::read) {
            if let Some(words) = self.compare_document(&theirs, partner).await? {
                tracing::warn!(partner = %partner.id, of = %theirs.hub, "{words}");
                met.push(words);
            }
        }
        let mut write = self.store.write().await?;
        if let Some(mut row) = store::partner::get(&mut write, partner.hub).await? {
            row.gossip = now;
            store::partner::save(&mut write, &row).await?;
        }
        write.commit().await?;
        Ok(met)
    }

    /// Looks at a version of a hub's document that a partner has seen and this hub was not shown: a hub may show that it closed
    /// a list to some, and keep it from others. What follows from the version known here is taken; another text of that
    /// version is proof against the hub. Returns what is to be said of it.
    async fn compare_document(&self, theirs: &SeenHub, by: &PartnerRow) -> anyhow::Result<Option<String>> {
        let mut db = self.store.read().await?;
        let Some((n, document)) = store::hub::by_id(&mut db, theirs.hub).await? else { return Ok(None) };
        drop(db);
        let held = hub_document::reopen(&document, theirs.hub)?;
        let version = held.document.version;
        let newer = theirs.version > version;
        if !newer && (theirs.version < version || theirs.digest == held.digest) {
            return Ok(None);
        }
        let place = relay_url(by, &theirs.hub.to_string()).and_then(|url| Ok(url.join("groups-hub")?));
        let Ok(place) = place else { return Ok(None) };
        if n == OWN {
            // Its own document is nobody else's to hand over: its people look why theirs is older.
            let place = pull::document::numbered(&place, version + 1)?;
            let most = self.client.limits().hub_document_bytes;
            let next = self.client.whole(&place, most, true).await;
            let follows = next.is_ok_and(|next| hub_document::next(&held, &next).is_ok());
            return Ok(follows.then(|| {
                format!(
                    "{} has seen version {} of this hub's own document, and this database knows version {version}: it is an \
                     older backup, or somebody else has the root key",
                    by.name,
                    version + 1
                )
            }));
        }
        // No other run may follow the same hub meanwhile, and what one has adopted since counts.
        let _alone = self.alone(&format!("partner-{n}")).await?;
        let mut db = self.store.read().await?;
        let Some(partner) = store::partner::get(&mut db, n).await? else { return Ok(None) };
        drop(db);
        match self.follow_document(&partner, place, self.clock.now()).await {
            Ok(Some(version)) => Ok(Some(format!(
                "{} has seen version {version} of {}'s hub document, which this hub was not shown; it was taken from there",
                by.name, partner.name
            ))),
            Err(PullError::Documents(evidence)) => {
                self.dispute(n, theirs.hub, "document", *evidence).await?;
                Ok(Some(format!("{} told {} another hub document than this hub", partner.name, by.name)))
            }
            // What does not verify is nothing that the hub said.
            _ => Ok(None),
        }
    }

    /// Keeps the proof that a log signed two histories, and freezes it here.
    async fn accuse(&self, log: &LogRow, second: &[u8]) -> anyhow::Result<()> {
        let text = |note: &[u8]| String::from_utf8_lossy(note).into_owned();
        let first = text(log.checkpoint.as_deref().unwrap_or_default());
        self.dispute(log.owner, log.hub, "fork", ForkEvidence { first, second: text(second) }).await
    }

    /// Keeps what a hub signed twice, and takes nothing more from it until a person or its document decides.
    async fn dispute(&self, hub: i64, id: HubId, kind: &str, evidence: ForkEvidence) -> anyhow::Result<()> {
        let mut write = self.store.write().await?;
        let notes = (evidence.first.as_bytes(), evidence.second.as_bytes());
        store::hub::witness(&mut write, id, kind, notes, self.clock.now().as_second()).await?;
        if let Some(mut row) = store::partner::get(&mut write, hub).await? {
            row.disputed = Some(serde_json::to_string(&evidence)?);
            row.state = "disputed".into();
            row.reason = match kind {
                "document" => "its root keys signed two hub documents of one version; its list stays as it was before",
                _ => "it signed two histories that contradict each other; its list stays as it was before",
            }
            .into();
            store::partner::save(&mut write, &row).await?;
        }
        write.commit().await?;
        self.tell_evidence().await
    }

    /// Takes in what a partner has seen more of a log than this hub was shown. Returns what is to be said of it.
    async fn catch_up(&self, log: &LogRow, by: &PartnerRow) -> anyhow::Result<Option<String>> {
        let Ok(base) = relay_url(by, log.key.name()) else { return Ok(None) };
        // No other run may take from the same log meanwhile, and what one has taken since counts.
        let _alone = self.alone(&format!("partner-{}", log.owner)).await?;
        let mut db = self.store.read().await?;
        let now = store::log::of_hub(&mut db, log.owner).await?.into_iter().find(|row| row.n == log.n);
        drop(db);
        let Some(log) = now.as_ref().filter(|log| log.closed.is_none()) else { return Ok(None) };
        let run = pull::Run::at(&self.store, &self.client, log.clone(), base)?;
        match run.finish(Validator::default(), self.clock.now()).await {
            Ok(pulled) if pulled.new > 0 => Ok(Some(format!(
                "{} showed {} more of its list than this hub; it was taken from there",
                log.name, by.name
            ))),
            Err(PullError::Fork(evidence)) => {
                self.accuse(log, evidence.second.as_bytes()).await?;
                Ok(Some(format!("{} told {} another history than this hub", log.name, by.name)))
            }
            _ => Ok(None),
        }
    }

    /// Writes the evidence that is kept into the feed folder, for whoever wants to see it.
    ///
    /// # Errors
    /// The database, or the feed folder.
    pub async fn tell_evidence(&self) -> anyhow::Result<()> {
        if self.config.publish.is_none() {
            return Ok(());
        }
        let mut db = self.store.read().await?;
        for one in store::hub::evidence(&mut db).await? {
            let folder = self.config.feed().join("evidence").join(&one.id);
            for (name, note) in [("1", &one.first), ("2", &one.second)] {
                Aside::write(&folder.join(name), note)?;
            }
        }
        Ok(())
    }
}

/// When this hub cosigned a checkpoint, in seconds since 1970; 0 when it did not.
fn cosigned(note: &str, keys: &crate::feed::LogKeys) -> u64 {
    let note = crate::feed::note::Note::parse(note.as_bytes());
    note.and_then(|note| note.verify(keys.peer.public())).unwrap_or(0)
}

/// Where a partner serves on what it holds of a log or a hub, by its name.
fn relay_url(partner: &PartnerRow, name: &str) -> anyhow::Result<Url> {
    Ok(pull::document_url(&partner.url)?.join(&format!("../relay/{}", pull::relayed(name)))?)
}

/// Where a partner says what it has seen.
fn seen_url(address: &str) -> Result<Url, PullError> {
    pull::document_url(address)?.join("../seen").map_err(|_| PullError::Url(address.to_owned()))
}
