//! Following a partner: its hub document version by version, its logs one after another, from wherever they can be had.
//!
//! A partner's own address comes first. Where that does not answer, or answers with what does not verify, its mirrors are
//! asked, and then the relays of the other partners: every byte is checked by the same rules whoever hands it on, so a
//! relay can be late and cannot lie. What is new is taken only after the hub document was looked at, so that nothing
//! that a thief says after a log was closed is taken from it.

use super::Hub;
use crate::failpoint::reach;
use crate::feed::Validator;
use crate::feed::hub::{self as hub_document, HubError, VerifiedHub};
use crate::peer::client::FetchError;
use crate::peer::pull::document::{self, Walked};
use crate::peer::pull::{self, Look, PullError, Pulled, Run, Standing, relayed};
use crate::store::log::LogRow;
use crate::store::{self, Write, partner::PartnerRow};
use anyhow::Context;
use jiff::{Timestamp, civil::Date};
use reqwest::Url;

/// A hub document that was looked at so long ago is asked for again, in seconds, even if nothing is new.
const LOOK_AGAIN: i64 = 3_600;

/// What following brought, before any of it is accepted.
pub(super) struct Followed {
    pub(super) pulled: Pulled,
    /// What a person should hear of it.
    pub(super) remarks: Vec<String>,
    /// The partner's hub document as it was last looked at, to be remembered with the rest.
    pub(super) looked: Looked,
    /// What is known now of the ETags of the partner's own server.
    pub(super) validator: Validator,
}

/// A look at a partner's hub document.
#[derive(Debug, Clone)]
pub(super) struct Looked {
    pub(super) etag: Option<String>,
    /// When, in seconds since 1970.
    pub(super) at: i64,
}

/// Somewhere that serves a hub's files.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// Below which they lie.
    pub(super) url: Url,
    /// Whose it is; `None` for the hub's own.
    pub(super) whose: Option<String>,
}

/// How one log was followed.
enum Step {
    Pulled(Pulled),
    /// The hub document changed: begin again.
    Again,
}

/// One run against one partner.
struct Follow<'a> {
    hub: &'a Hub,
    partner: PartnerRow,
    started: Timestamp,
    today: Date,
    /// Whether the hub document was asked for in this run.
    asked: bool,
    remarks: Vec<String>,
}

impl Hub {
    /// Fetches, verifies and stores all that a partner has signed and this hub does not hold.
    ///
    /// # Errors
    /// [`PullError`]; what was verified before stays.
    pub(super) async fn follow(&self, partner: &PartnerRow, started: Timestamp) -> Result<Followed, PullError> {
        let zone = self.config.time_zone().unwrap_or(jiff::tz::TimeZone::UTC);
        let today = self.clock.today(&zone);
        let (partner, remarks) = (partner.clone(), Vec::new());
        let mut follow = Follow { hub: self, partner, started, today, asked: false, remarks };
        let pulled = follow.run().await?;
        let validator = follow.partner.validator();
        let looked = Looked { etag: follow.partner.document_etag, at: follow.partner.document_seen };
        Ok(Followed { pulled, remarks: follow.remarks, looked, validator })
    }

    /// Walks a partner's hub document at a place that says it has a newer one. Returns its version, if there was.
    ///
    /// # Errors
    /// [`PullError`]; [`PullError::Documents`] proves that its root keys signed two texts of one version.
    pub(super) async fn follow_document(
        &self,
        partner: &PartnerRow,
        newest: Url,
        started: Timestamp,
    ) -> Result<Option<u64>, PullError> {
        let zone = self.config.time_zone().unwrap_or(jiff::tz::TimeZone::UTC);
        let today = self.clock.today(&zone);
        let partner = partner.clone();
        let mut follow = Follow { hub: self, partner, started, today, asked: true, remarks: Vec::new() };
        let whose = Some(newest.to_string());
        if !follow.renew_from(Place { url: newest, whose }, true).await? {
            return Ok(None);
        }
        let log = follow.logs().await?.pop();
        Ok(log.and_then(|log| hub_document::version_of(&log.document).ok()))
    }

    /// Where else a hub's files may be had, below `relay/`: from its mirrors, then from this hub's partners. A hub's
    /// own partners are asked for `name`: a log's origin, or a hub's id.
    ///
    /// # Errors
    /// Database errors.
    pub(super) async fn relays(&self, of: &VerifiedHub, name: &str) -> Result<Vec<Place>, store::StoreError> {
        let mut db = self.store.read().await?;
        let partners = store::partner::all(&mut db).await?;
        drop(db);
        let folder = relayed(name);
        let mirrors = of.document.mirrors.iter().map(|mirror| (Url::parse(mirror).ok(), mirror.clone()));
        let others = partners.into_iter().filter(|row| row.id != of.id.to_string()).map(|row| {
            (
                pull::document_url(&row.url)
                    .and_then(|url| url.join("../relay/").map_err(|_| PullError::Url(row.url)))
                    .ok(),
                row.name,
            )
        });
        let place =
            |(base, whose): (Option<Url>, String)| Some(Place { url: base?.join(&folder).ok()?, whose: Some(whose) });
        Ok(mirrors.chain(others).filter_map(place).collect())
    }

    /// Takes back the end of a partner's log that its hub document declares void, keeps what proves it, and makes the
    /// registry again without it, in one transaction.
    pub(super) async fn cut(&self, log: &LogRow, keep: u64, found: i64) -> anyhow::Result<()> {
        let mut write = self.store.write().await?;
        take_back(&mut write, log, keep, found).await?;
        self.rebuild_in(&mut write).await?;
        reach("rollover-cut");
        write.commit().await?;
        // What was void is gone from the disk too, copies of rows that had moved included.
        self.store.compact().await?;
        self.store.truncate().await?;
        tracing::warn!(hub = %log.hub, log = log.key.name(), from = keep, entries = log.held - keep, "entries past the end of a closed list were taken away");
        Ok(())
    }
}

impl Follow<'_> {
    async fn run(&mut self) -> Result<Pulled, PullError> {
        let none = || PullError::Hub(HubError::Body("it names no log".into()));
        let due = self.started.as_second() - self.partner.document_seen;
        if self.partner.disputed.is_some() || !(0..LOOK_AGAIN).contains(&due) {
            self.renew(self.partner.disputed.is_some()).await?;
        }
        'again: loop {
            // A fork freezes the log here: whichever history comes next, taking it would be taking sides. Only a document that
            // closes the log moves on.
            if self.partner.disputed.is_some() {
                return Err(PullError::Disputed);
            }
            let mut all: Option<Pulled> = None;
            let logs = self.logs().await?;
            let newest = logs.last().cloned().ok_or_else(none)?;
            for log in logs {
                let in_use = log.n == newest.n;
                let one = match self.log(log, in_use).await? {
                    Step::Pulled(one) => one,
                    Step::Again => continue 'again,
                };
                let go_on = one.complete && !one.more;
                all = Some(match all {
                    Some(before) => before.and(one),
                    None => one,
                });
                if !go_on {
                    break;
                }
            }
            self.warn(&newest).await?;
            return all.ok_or_else(none);
        }
    }

    async fn logs(&self) -> Result<Vec<LogRow>, PullError> {
        let mut db = self.hub.store.read().await?;
        Ok(store::log::of_hub(&mut db, self.partner.hub).await?)
    }

    /// One log, from its own address or another; of a hub that has several, its newest is `in_use`.
    async fn log(&mut self, log: LogRow, in_use: bool) -> Result<Step, PullError> {
        let document = hub_document::reopen(&log.document, log.hub)?;
        let own = document.logs.get(log.ordinal as usize).map_or("", |log| &log.prefix);
        let address = pull::document_url(&self.partner.url)?;
        let own = Place { url: address.join(own).map_err(|_| PullError::Url(own.to_owned()))?, whose: None };
        let first = match self.log_at(&log, in_use, &own).await {
            Err(error) if error.elsewhere() => error,
            end => return end,
        };
        let mut behind = None;
        for place in self.hub.relays(&document, log.key.name()).await? {
            // A run that failed may have stored bundles all the same.
            let Some(log) = self.logs().await?.into_iter().find(|row| row.n == log.n) else { break };
            match self.log_at(&log, in_use, &place).await {
                Err(error) if error.elsewhere() => {}
                Ok(step) => {
                    let remark = format!("read from {}, because {first}", place.whose.unwrap_or_default());
                    // A copy that is behind says nothing of what the next one has.
                    if matches!(&step, Step::Pulled(pulled) if pulled.standing == Standing::StaleView) {
                        behind.get_or_insert((step, remark));
                        continue;
                    }
                    self.remarks.push(remark);
                    return Ok(step);
                }
                end => return end,
            }
        }
        let (step, remark) = behind.ok_or(first)?;
        self.remarks.push(remark);
        Ok(step)
    }

    async fn log_at(&mut self, log: &LogRow, in_use: bool, place: &Place) -> Result<Step, PullError> {
        let (store, client) = (&self.hub.store, &self.hub.client);
        let mut log = log.clone();
        for again in [false, true] {
            if let Some((size, root)) = log.closed
                && (log.held > size || (log.held == size && log.edge.root() != root))
            {
                log = self.step_back(log, place).await?;
            }
            let mut run = Run::at(store, client, log.clone(), place.url.clone())?;
            // An ETag says something to the server that it came from, and of the list that it came with.
            let own = in_use && place.whose.is_none();
            let validator = if own { self.partner.validator() } else { Validator::default() };
            let look = run.look(validator, self.started).await;
            if own && look.is_ok() {
                self.partner.set_validator(run.validator().clone());
            }
            let look = match look {
                // A key that is no longer the log's may mean that the hub has begun another: its document says.
                Err(error) if moved(&error) && !self.asked => {
                    return if self.renew(true).await? { Ok(Step::Again) } else { Err(error) };
                }
                look => look?,
            };
            let news = match look {
                // A list that has become shorter may have been closed there after a theft: its document says.
                Look::Over(pulled) if pulled.standing == Standing::StaleView && !self.asked => {
                    return if self.renew(true).await? { Ok(Step::Again) } else { Ok(Step::Pulled(pulled)) };
                }
                Look::Over(pulled) => return Ok(Step::Pulled(pulled)),
                Look::News(news) => news,
            };
            if !self.asked && self.renew(false).await? {
                return Ok(Step::Again);
            }
            match run.take(news).await {
                // What is held is no part of the tree that the root keys closed: they decide, not what came first.
                Err(PullError::Fork(_)) if log.closed.is_some() && !again => {
                    let now = self.logs().await?.into_iter().find(|row| row.n == log.n);
                    log = self.step_back(now.ok_or(PullError::Stopped)?, place).await?;
                }
                taken => return Ok(Step::Pulled(taken?)),
            }
        }
        Err(PullError::Mismatch("checkpoint".into()))
    }

    /// Goes back to the last leaf that belongs to the tree which the hub's document closed.
    async fn step_back(&mut self, log: LogRow, place: &Place) -> Result<LogRow, PullError> {
        let run = Run::at(&self.hub.store, &self.hub.client, log.clone(), place.url.clone())?;
        let keep = run.agreement().await?.min(log.held);
        if keep < log.held {
            let gone = log.held - keep;
            self.hub.cut(&log, keep, self.started.as_second()).await.map_err(local)?;
            self.remarks.push(format!("{gone} entries that its hub document declares void were taken away"));
        }
        let log = self.logs().await?.into_iter().find(|row| row.n == log.n);
        log.ok_or(PullError::Stopped)
    }

    /// Asks for the hub document, walks to the newest version, and adopts it. Returns whether there was a newer one.
    ///
    /// A server that does not answer changes nothing: what it signed before still holds. Where something speaks for a newer document
    /// it is asked for `whole`: its server's word that there is none would not be enough.
    async fn renew(&mut self, whole: bool) -> Result<bool, PullError> {
        self.asked = true;
        let own = Place { url: pull::document_url(&self.partner.url)?, whose: None };
        self.renew_from(own, whole).await
    }

    /// [`Follow::renew`], beginning somewhere; where the partner's own address does not answer, relays are asked.
    async fn renew_from(&mut self, first: Place, whole: bool) -> Result<bool, PullError> {
        let (hub, n) = (self.hub, self.partner.hub);
        let mut db = hub.store.read().await?;
        let versions = store::hub::versions(&mut db, n).await?;
        let id = self.partner.id.parse().map_err(|_| PullError::Url(self.partner.id.clone()))?;
        drop(db);
        let Some((_, newest)) = versions.last() else { return Ok(false) };
        let known = hub_document::reopen(newest, id)?;
        let before = versions.len().checked_sub(2).and_then(|at| versions.get(at));
        let before = before.map(|(_, document)| hub_document::reopen(document, id)).transpose()?;
        let mut walked = None;
        let mut places = vec![first];
        let mut at = 0;
        while let Some(place) = places.get(at).cloned() {
            let condition = place.whose.is_none() && !whole && self.partner.validator().trusted();
            let etag = self.partner.document_etag.as_deref().filter(|_| condition);
            let known = document::Known { hub: &known, document: newest, before: before.as_ref() };
            match document::walk(&hub.client, &place.url, known, etag, self.today).await {
                Ok(found) => {
                    walked = Some((found, place.whose.is_none()));
                    break;
                }
                Err(PullError::Fetch(error)) if place.whose.is_none() => {
                    tracing::debug!(partner = %id, %error, "the hub document was not looked at");
                    let relays = hub.relays(&known_hub(newest, id)?, &id.to_string()).await?;
                    places.extend(
                        relays
                            .into_iter()
                            .filter_map(|place| Some(Place { url: place.url.join("groups-hub").ok()?, ..place })),
                    );
                }
                // What a stranger hands on and does not verify is the stranger's matter.
                Err(error) if at > 0 && !matches!(error, PullError::Documents(_)) => {}
                Err(error) => return Err(error),
            }
            at += 1;
        }
        let Some((Walked { versions: new, etag, older }, from_own)) = walked else { return Ok(false) };
        if let Some(older) = older.filter(|_| from_own) {
            let version = known.document.version;
            self.remarks.push(format!(
                "it shows this hub version {older} of its hub document, and version {version} to others"
            ));
        }
        let seen = (etag, self.started.as_second());
        if new.is_empty() {
            // That there is none is remembered at the run's end, with what it brings.
            if from_own {
                (self.partner.document_etag, self.partner.document_seen) = seen;
            }
            return Ok(false);
        }
        let mut write = hub.store.write().await?;
        let Some(mut row) = store::partner::get(&mut write, n).await? else { return Ok(false) };
        if from_own {
            (row.document_etag, row.document_seen) = seen;
        }
        row.set_validator(Validator::default());
        // Root keys in two hands are no matter of one log: there a person decides.
        let roots = |proof: &String| proof.contains(hub_document::HEADER.trim_end());
        let settled = settles(&known, new.last().map(|(_, hub)| hub));
        row.disputed = row.disputed.filter(|proof| roots(proof) || !settled);
        for (document, verified) in &new {
            store::hub::adopt(&mut write, n, verified, document).await?;
        }
        // What is void by the new document, and stands on a tree that agrees with it, goes in the same transaction.
        let mut gone = 0;
        for log in store::log::of_hub(&mut write, n).await? {
            if let Some((size, root)) = log.closed
                && log.held > size
                && store::log::root_at(&mut write, log.n, size).await? == root
            {
                take_back(&mut write, &log, size, self.started.as_second()).await?;
                gone += log.held - size;
            }
        }
        if gone > 0 {
            hub.rebuild_in(&mut write).await.map_err(local)?;
            self.remarks.push(format!("{gone} entries that its hub document declares void were taken away"));
            reach("rollover-cut");
        }
        store::partner::save(&mut write, &row).await?;
        reach("rollover-adopt");
        write.commit().await?;
        reach("rollover-adopted");
        if gone > 0 {
            // Gone from the disk too.
            hub.store.truncate().await?;
        }
        if let Some((_, verified)) = new.last() {
            let version = verified.document.version;
            tracing::info!(partner = %id, version, logs = verified.logs.len(), "hub document followed");
            self.remarks.push(format!("its hub document is version {version} now"));
        }
        self.partner = row;
        Ok(true)
    }

    /// Says when the partner's document ends soon, or has.
    async fn warn(&mut self, log: &LogRow) -> Result<(), PullError> {
        let hub = hub_document::reopen(&log.document, log.hub)?;
        if let Some(successor) = hub.document.successor.filter(|_| log.closed.is_some()) {
            let mut db = self.hub.store.read().await?;
            let known = store::hub::by_id(&mut db, successor).await?.is_some();
            // Said, never done: whom a hub follows is its people's decision.
            self.remarks.push(match known {
                true => format!("it has ended, and names {successor} to take over, a partner hub already"),
                false => format!("it has ended, and names {successor} to take over; add that hub by this very id"),
            });
        }
        if let Some(left) = hub.warns(self.today) {
            let end = hub.document.expires;
            self.remarks.push(match left {
                ..0 => format!("its hub document was good until {end} only; ask it for a newer one"),
                _ => format!("its hub document is good until {end}; it has to sign a newer one before"),
            });
        }
        Ok(())
    }
}

fn known_hub(document: &[u8], id: crate::record::HubId) -> Result<VerifiedHub, PullError> {
    Ok(hub_document::reopen(document, id)?)
}

/// Whether an answer is what a hub's old address gives that has begun another log, or has moved.
fn moved(error: &PullError) -> bool {
    matches!(error, PullError::Checkpoint(_) | PullError::Fetch(FetchError::Status(_, 404 | 410, _)))
}

/// Takes leaves back, and keeps the checkpoint that signed them beside the document that declares them void.
async fn take_back(write: &mut Write, log: &LogRow, keep: u64, found: i64) -> Result<(), store::StoreError> {
    if let Some(note) = &log.checkpoint {
        store::hub::witness(write, log.hub, "void-tail", (note, &log.document), found).await?;
    }
    // Nor may it stand in a backup or an export that was made meanwhile.
    store::kept::void(write).await?;
    store::log::truncate(write, log, keep).await
}

/// Whether a newer document ends a dispute about the log that was in use: it closes it.
fn settles(before: &VerifiedHub, after: Option<&VerifiedHub>) -> bool {
    let last = before.logs.len().saturating_sub(1);
    after.and_then(|hub| hub.logs.get(last)).is_some_and(|log| log.closed.is_some())
}

/// A failure of this hub's own.
fn local(error: anyhow::Error) -> PullError {
    match error.downcast::<store::StoreError>() {
        Ok(error) => PullError::Store(error),
        Err(error) => PullError::Store(store::StoreError::Protocol(format!("{error:#}"))),
    }
}

impl Hub {
    /// Whether a partner's log may be accepted: every one before it is held to its end.
    pub(super) async fn acceptable(&self, write: &mut Write, hub: i64) -> anyhow::Result<Vec<LogRow>> {
        let mut logs = store::log::of_hub(write, hub).await.context("the partner's logs")?;
        let whole = logs.iter().take_while(|log| log.complete()).count();
        logs.truncate(whole + 1);
        Ok(logs)
    }
}
