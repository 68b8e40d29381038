//! Pulling partners: one run at a time each; what came is accepted and derived in one transaction.

use super::Hub;
use super::accept::{self, MassChange};
use super::derive::Derived;
use super::follow::Followed;
use crate::failpoint::reach;
use crate::feed::hub as hub_document;
use crate::peer::pull::{self, ForkEvidence, PullError, Pulled, Standing};
use crate::peer::schedule::{LastPull, Pace, Schedule, next_due};
use crate::record::HubId;
use crate::store::{self, partner::PartnerRow};
use anyhow::{Context, bail};
use jiff::{SignedDuration, Timestamp};
use std::fs::{File, TryLockError};
use std::time::Duration;

/// Below this many records ten times as many at once are nothing unusual (PROTOCOL 1.10: "alert > 10 × usual").
const USUAL_AT_LEAST: u64 = 100;

/// State of a partner that this hub paused by itself, because its list is longer than a hub's may be.
const PAUSED_FOR_QUOTA: &str = "too-many-entries";

/// How a run ended, as shown and logged. Codes in `state` are stable.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Outcome {
    /// The partner.
    pub hub: String,
    /// Its name.
    pub name: String,
    /// `current`, `changed`, `stale`, `stale-view`, `waiting`, `disputed`, or the code of what failed.
    pub state: String,
    /// The same in words.
    pub reason: String,
    /// What came.
    pub pulled: Option<Pulled>,
    /// What changed in the registry.
    pub derived: Option<Derived>,
    /// Of its records that came, so many are copies of this hub's own: they say nothing here.
    pub echoes: u64,
    /// A mass change that waits for a person.
    pub waiting: Option<MassChange>,
    /// How asking for contacts went; none where its records name none that is not held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contacts: Option<crate::peer::contacts::Read>,
}

impl Outcome {
    /// Whether the run reached its end. A change that waits and a stale list are no failures of the run.
    pub fn ok(&self) -> bool {
        matches!(self.state.as_str(), "current" | "changed" | "stale" | "stale-view" | "waiting")
    }
}

impl Hub {
    /// Adds a partner by address and hub id. The id is compared, never trusted because it was seen first.
    ///
    /// # Errors
    /// The document cannot be fetched, belongs to another hub, or the partner is known already.
    pub async fn add_partner(&self, address: &str, id: HubId, schedule: Option<&str>) -> anyhow::Result<String> {
        if id == self.id {
            bail!("{id} is this hub itself");
        }
        if let Some(text) = schedule {
            Schedule::parse(text).with_context(|| format!("the schedule {text:?}"))?;
        }
        let mut db = self.store.read().await?;
        if store::log::all(&mut db).await?.iter().any(|log| log.hub == id) {
            bail!("{id} is a partner already; `mutuald partner list` shows it");
        }
        drop(db);
        let today = self.clock.today(&self.config.time_zone()?);
        let newest = pull::document_url(address)?;
        let versions = pull::hub_documents(&self.client, &newest, id, today).await?;
        let mut db = self.store.write().await?;
        let (mut n, mut name) = (0, String::new());
        for (nth, (document, hub)) in versions.iter().enumerate() {
            if nth == 0 {
                n = store::log::create(&mut db, hub, document, false).await?;
            } else {
                store::hub::adopt(&mut db, n, hub, document).await?;
            }
            name.clone_from(&hub.document.name);
        }
        store::partner::add(&mut db, n, address, schedule).await?;
        let mut row = store::partner::get(&mut db, n).await?.context("the partner hub just added is not there")?;
        row.document_seen = self.clock.now().as_second();
        store::partner::save(&mut db, &row).await?;
        db.commit().await?;
        // It may have been a partner before: what was erased or asked for then does not come back.
        let now = self.clock.now().as_second();
        super::erase::journal::replay(&self.store, &[self.journal_file()], Some(id), now).await?;
        Ok(name)
    }

    /// Pulls one partner now, whatever its schedule. `accept` lets a mass change through.
    ///
    /// # Errors
    /// Only what is wrong here (the database). What is wrong there is in the [`Outcome`].
    pub async fn pull(&self, partner: &PartnerRow, accept: bool) -> anyhow::Result<Outcome> {
        let _alone = self.alone(&format!("partner-{}", partner.hub)).await?;
        let started = self.clock.now();
        let mut db = self.store.read().await?;
        // What is known of it may be older than the lock.
        let partner =
            &store::partner::get(&mut db, partner.hub).await?.context("the partner hub was removed meanwhile")?;
        let log = store::log::by_number(&mut db, partner.hub).await?.context("the partner has no log")?;
        drop(db);
        let log_hub = log.hub;
        let promised = hub_document::reopen(&log.document, log.hub).map(|hub| hub.document.policy).unwrap_or_default();
        let followed = self.follow(partner, started).await;
        let mut outcome = Outcome {
            hub: partner.id.clone(),
            name: partner.name.clone(),
            state: String::new(),
            reason: String::new(),
            pulled: None,
            derived: None,
            echoes: 0,
            waiting: None,
            contacts: None,
        };
        let mut write = self.store.write().await?;
        // A person may have paused it while the run went on: only what a run finds out is written back.
        let mut row =
            store::partner::get(&mut write, partner.hub).await?.context("the partner hub was removed meanwhile")?;
        match followed {
            Ok(Followed { mut pulled, remarks: followed, looked, validator }) => {
                reach("pull-stored");
                let watched = row.caught_up.is_some();
                let (took, mut remarks) = self.take_in(&mut write, partner.hub, watched, accept, &mut outcome).await?;
                remarks.extend(followed);
                // Of the lines that did not come, those that a later leaf took back are missed by nobody.
                pulled.withheld = store::registry::withheld_by(&mut write, partner.hub).await?;
                if outcome.waiting.is_none() {
                    // What a new day derives again is nothing that came from there.
                    outcome.state = if took > 0 || pulled.new > 0 { "changed" } else { "current" }.into();
                }
                self.describe(&pulled, promised.republish() as i64, remarks, &mut outcome)?;
                row.set_validator(validator);
                (row.document_etag, row.document_seen) = (looked.etag, looked.at);
                row.failures = 0;
                row.retry_after = None;
                row.last_success = Some(started.as_second());
                if outcome.state == "changed" {
                    row.last_change = Some(started.as_second());
                }
                if pulled.complete && pulled.held > 0 {
                    row.caught_up = row.caught_up.or(Some(started.as_second()));
                }
                outcome.pulled = Some(pulled);
            }
            Err(error) => {
                (outcome.state, outcome.reason) = (error.code().to_owned(), error.to_string());
                // An erasure among the bundles that were kept before it failed is obeyed all the same.
                self.derive_in(&mut write, accept::Accepted::default()).await?;
                row.failures += 1;
                row.retry_after = None;
                if let PullError::Fetch(fetch) = &error
                    && let Some(seconds) = fetch.retry_after()
                {
                    let most = self.config.limits.retry_after_max_s;
                    row.retry_after = Some(self.clock.now().as_second() + seconds.min(most) as i64);
                }
                if matches!(error, PullError::TooLong(..)) {
                    // Trying again brings the same answer until a person decides: paused, and said loudly (PROTOCOL F26).
                    row.paused = true;
                    outcome.reason.push_str("; it is paused until `mutuald partner resume`");
                }
                let proof = match &error {
                    PullError::Fork(evidence) => Some(("fork", evidence)),
                    PullError::Documents(evidence) => Some(("document", evidence)),
                    _ => None,
                };
                if let Some((kind, evidence)) = proof {
                    row.disputed = Some(serde_json::to_string(evidence)?);
                    let notes = (evidence.first.as_bytes(), evidence.second.as_bytes());
                    store::hub::witness(&mut write, log_hub, kind, notes, started.as_second()).await?;
                }
            }
        }
        if row.disputed.is_some() {
            outcome.state = "disputed".into();
        }
        if outcome.pulled.is_some() {
            // A run that failed says nothing of what an earlier one left waiting.
            row.waiting = outcome.waiting.as_ref().map(serde_json::to_string).transpose()?;
        }
        row.last_try = Some(started.as_second());
        (row.state, row.reason) = (outcome.state.clone(), outcome.reason.clone());
        row.next_due = self.next_due(&row)?.map_or(i64::MAX, |due| due.as_second());
        store::partner::save(&mut write, &row).await?;
        let asks = store::contact::wants(&mut write, partner.hub).await?;
        reach("pull-commit");
        write.commit().await?;
        reach("pull-done");
        if asks && outcome.ok() && row.disputed.is_none() {
            // After the commit: what a run brought stands, whatever becomes of asking for more.
            outcome.contacts = self.pull_contacts(partner.hub, &partner.url).await?;
        }
        // Beside the registry: no pull fails for what is told of it.
        let told = match row.disputed.is_some() {
            true => self.tell_evidence().await,
            false => self.tell_seen().await,
        };
        if let Err(error) = told {
            tracing::warn!(error = format!("{error:#}"), "what this hub has seen could not be written");
        }
        // One event a run, whatever happened in it.
        if outcome.state == PAUSED_FOR_QUOTA {
            tracing::error!(partner = %outcome.hub, state = %outcome.state, reason = %outcome.reason, "partner paused");
        } else if outcome.ok() {
            tracing::info!(partner = %outcome.hub, state = %outcome.state, new = outcome.pulled.as_ref().map_or(0, |p| p.new), "pulled");
        } else {
            tracing::warn!(partner = %outcome.hub, state = %outcome.state, reason = %outcome.reason, failures = row.failures, "pull failed");
        }
        // What it erased goes out of files too, and it hears that it did. Whoever pulls many does both once, for all of them.
        if !self.gathers {
            self.scrub().await?;
            if let Err(error) = self.acknowledge().await {
                // The pull itself did well; the word that it erased follows when this hub can publish.
                tracing::warn!(
                    error = format!("{error:#}"),
                    "what was erased could not be confirmed to partner hubs yet"
                );
            }
        }
        Ok(outcome)
    }

    /// Waits until nobody else, of this process or another, is at the same: pulling or removing a partner, cleaning files. The kernel releases the lock
    /// whatever happens to us.
    pub(super) async fn alone(&self, at: &str) -> anyhow::Result<File> {
        let path = self.config.hub.state.join(format!("{at}.lock"));
        let file = File::create(&path).with_context(|| format!("cannot open {}", path.display()))?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                // Asked again rather than waited for: a waiting thread could not be told to stop.
                Err(TryLockError::WouldBlock) => tokio::time::sleep(Duration::from_millis(200)).await,
                Err(TryLockError::Error(error)) => {
                    return Err(error).with_context(|| format!("cannot lock {}", path.display()));
                }
            }
        }
    }

    /// Accepts what is held beyond the head, unless it changes so much at once that a person must look first. Returns how
    /// many leaves were accepted, and remarks. `watched`: the partner was caught up with before. Until then what comes is
    /// its past, however many runs that takes, and nobody could judge it by what stood before.
    async fn take_in(
        &self,
        write: &mut store::Write,
        hub: i64,
        watched: bool,
        accept: bool,
        outcome: &mut Outcome,
    ) -> anyhow::Result<(u64, Vec<String>)> {
        let mut remarks = Vec::new();
        let logs = self.acceptable(write, hub).await?;
        let new: u64 = logs.iter().map(|log| log.held - log.head).sum();
        let began = logs.iter().any(|log| log.head > 0);
        let from: Vec<_> = logs
            .iter()
            .filter(|log| log.held > log.head)
            .map(|log| (log.hub, store::log::pos(log.n, log.head)))
            .collect();
        store::savepoint(write, "SAVEPOINT accept").await?;
        let mut accepted = accept::Accepted::default();
        for log in &logs {
            accepted = accept::accept(write, log, log.held, self.policy.linkage(), accepted).await?;
        }
        // Counting goes through every record, so it waits until the count can matter.
        let few = accepted.replaced + accepted.withdrawn <= accept::FEW && new <= 10 * USUAL_AT_LEAST;
        let now = if few || !watched { 0 } else { store::registry::live(write, hub).await? };
        let live = now.saturating_add_signed(-accepted.touched.live);
        let change = MassChange { live, replaced: accepted.replaced, withdrawn: accepted.withdrawn };
        if watched && change.brakes() && !accept {
            store::savepoint(write, "ROLLBACK TO accept").await?;
            store::savepoint(write, "RELEASE accept").await?;
            outcome.state = "waiting".into();
            outcome.waiting = Some(change);
            // An erasure among what waits is obeyed all the same.
            outcome.derived = Some(self.derive_in(write, accept::Accepted::default()).await?);
            return Ok((0, remarks));
        }
        store::savepoint(write, "RELEASE accept").await?;
        if accepted.disordered > 0 {
            tracing::warn!(hub, leaves = accepted.disordered, "revisions that do not rise; the log's order stands");
            remarks.push(format!("{} revisions do not rise, so the order of its list stands", accepted.disordered));
        }
        if watched && began && new > 10 * live.max(USUAL_AT_LEAST) {
            tracing::warn!(hub, new, live, "far more entries than usual");
            remarks.push(format!("{new} entries came at once, more than ten times its {live} records"));
        }
        outcome.derived = Some(self.derive_in(write, accepted).await?);
        for (id, from) in from {
            outcome.echoes += store::sighting::echoes(write, (hub, id), from, self.id).await?;
        }
        for (whose, records) in store::succession::unfounded(write, hub).await? {
            remarks.push(format!(
                "it claims to stand for {records} records of {whose}, which has not named it: that changes nothing"
            ));
        }
        match outcome.echoes {
            0 => {}
            1 => remarks.push("1 record is a copy of this hub's own and says nothing here".to_owned()),
            n => remarks.push(format!("{n} records are copies of this hub's own and say nothing here")),
        }
        Ok((new, remarks))
    }

    /// State and reason in words of a run that reached its end.
    fn describe(
        &self,
        pulled: &Pulled,
        republish: i64,
        remarks: Vec<String>,
        outcome: &mut Outcome,
    ) -> anyhow::Result<()> {
        let now = self.clock.now();
        // A list that was closed is confirmed by its hub's document, once and for all.
        let signed = if pulled.signed == 0 { now.as_second() } else { pulled.signed as i64 };
        let age = now.as_second() - signed;
        if outcome.state == "current" || outcome.state == "changed" {
            if pulled.standing == Standing::StaleView {
                outcome.state = "stale-view".into();
                outcome.reason = "it showed an older state than before; ours stays".into();
            }
            // An old copy now and then is a cache's; for longer than the hub itself lets its list grow old, it is told.
            if age > 3 * republish {
                outcome.state = "stale".into();
                let shown = if outcome.reason.is_empty() { "" } else { "; it shows an older state than before" };
                outcome.reason = format!("it has not confirmed its list for {} days{shown}", age / 86_400);
            }
        }
        if age < -600 {
            outcome.reason = "its clock is ahead; its times are not believed, its records are".into();
        }
        if let Some(change) = &outcome.waiting {
            outcome.reason = format!(
                "it would replace {} and take back {} of {} records at once; look, then `mutuald partner accept`",
                change.replaced, change.withdrawn, change.live
            );
        }
        let mut said: Vec<String> =
            Some(std::mem::take(&mut outcome.reason)).filter(|said| !said.is_empty()).into_iter().collect();
        let void: u64 = pulled.void.values().sum();
        if void > 0 {
            let codes: Vec<&str> = pulled.void.keys().copied().collect();
            said.push(format!("{void} entries say nothing ({})", codes.join(", ")));
        }
        if pulled.withheld > 0 {
            said.push(format!("{} records came without their words", pulled.withheld));
        }
        said.extend(remarks);
        outcome.reason = said.join("; ");
        Ok(())
    }

    /// When a partner is due next.
    ///
    /// # Errors
    /// A schedule that cannot be read.
    pub fn next_due(&self, row: &PartnerRow) -> anyhow::Result<Option<Timestamp>> {
        let own = row.schedule.as_deref().map(Schedule::parse).transpose()?;
        let zone = self.config.time_zone()?;
        let who = format!("{} {}", self.id, row.id);
        let pace = Pace {
            schedule: own.as_ref().unwrap_or(&self.config.pull.schedule),
            time_zone: &zone,
            hub_id: &who,
            jitter_percent: self.config.pull.jitter_percent,
            retry_after_max: SignedDuration::from_secs(self.config.limits.retry_after_max_s as i64),
        };
        let now = self.clock.now();
        let last = LastPull {
            now,
            last_due: Some(row.next_due).filter(|due| *due > 0).and_then(|due| Timestamp::from_second(due).ok()),
            failures: u32::try_from(row.failures).unwrap_or(u32::MAX),
            retry_after: row.retry_after.map(|at| SignedDuration::from_secs(at - now.as_second())),
        };
        Ok(next_due(&pace, &last))
    }

    /// Lets a waiting mass change through.
    ///
    /// # Errors
    /// Nothing waits, or the database.
    pub async fn accept_partner(&self, partner: &PartnerRow) -> anyhow::Result<Outcome> {
        if partner.waiting.is_none() {
            bail!("nothing waits at {}", partner.name);
        }
        self.pull(partner, true).await
    }

    /// Removes a partner and all it said.
    ///
    /// # Errors
    /// Database errors.
    pub async fn remove_partner(&self, partner: &PartnerRow) -> anyhow::Result<Derived> {
        let _alone = self.alone(&format!("partner-{}", partner.hub)).await?;
        let mut write = self.store.write().await?;
        store::partner::remove(&mut write, partner.hub).await?;
        let derived = self.rebuild_in(&mut write).await?;
        write.commit().await?;
        self.store.truncate().await?;
        Ok(derived)
    }

    /// Finds a partner by name, the beginning of its name, or hub id.
    ///
    /// # Errors
    /// None or several fit; the message names them.
    pub async fn partner(&self, wanted: &str) -> anyhow::Result<PartnerRow> {
        let mut db = self.store.read().await?;
        let all = store::partner::all(&mut db).await?;
        let lower = wanted.to_lowercase();
        let exact = |row: &&PartnerRow| row.id == wanted || row.name.to_lowercase() == lower;
        if let Some(row) = all.iter().find(exact) {
            return Ok(row.clone());
        }
        let fits: Vec<&PartnerRow> =
            all.iter().filter(|row| row.name.to_lowercase().contains(&lower) || row.id.starts_with(wanted)).collect();
        match fits[..] {
            [row] => Ok(row.clone()),
            [] => bail!("no partner hub is called {wanted:?}; `mutuald partner list` names them"),
            _ => {
                let names: Vec<&str> = fits.iter().map(|row| row.name.as_str()).collect();
                bail!("{wanted:?} fits several partner hubs: {}", names.join(", "))
            }
        }
    }
}

/// The evidence that a partner signed two histories.
pub fn evidence(row: &PartnerRow) -> Option<ForkEvidence> {
    row.disputed.as_deref().and_then(|json| serde_json::from_str(json).ok())
}
