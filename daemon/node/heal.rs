//! Coming back from a loss: a database that is older than what partners have seen, and a hub whose disk died.

use super::follow::Place;
use super::rollover::Later;
use super::{Hub, accept, author, keys, policy};
use crate::clock::Clock;
use crate::config::Config;
use crate::failpoint::reach;
use crate::feed::{LogKeys, Validator, hub as hub_document};
use crate::node::Chance;
use crate::peer::pull::{self, PullError, Run, relayed};
use crate::record::HubId;
use crate::store::log::{LogRow, NewLeaf, OWN};
use crate::store::{self, Store};
use anyhow::{Context, bail};
use reqwest::Url;
use std::sync::Arc;

/// What healing brought back.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Healed {
    /// The partner whose copy it is.
    pub from: String,
    /// Version of the own hub document that this database did not know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<u64>,
    /// Entries of this hub's lists held before.
    pub before: u64,
    /// Entries held now.
    pub now: u64,
    /// Entries that only this database knew and that were said again after the others.
    pub again: u64,
}

/// This database holds entries past the end at which its hub's document closed the list.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0} entries stand here past the end at which this hub's document closed the list; say whether they are this hub's own \
     (--keep-later) or to be dropped (--drop-later)"
)]
pub struct Undecided(pub u64);

impl Hub {
    /// Takes back from partners what this hub said and this database does not know: newer versions of its own document first, then
    /// list by list. What only this database knows, and no partner has seen, is said again after it, in the list in use. `later` decides
    /// about entries past the end of a list that was closed since.
    ///
    /// # Errors
    /// No partner relays this hub's list, [`Undecided`] within, or the database. Doing it again goes on from there.
    pub async fn heal(&self, later: Option<Later>) -> anyhow::Result<Healed> {
        let known = self.own_logs().await?;
        let before = known.iter().map(|log| log.held).sum();
        let document = self.renew_own_document().await?;
        let (own, logs) = (self.own_document().await?, self.own_logs().await?);
        if document.is_none() && logs.iter().all(|log| log.closed.is_some() && log.complete()) {
            bail!("this hub's list is closed; there is nothing to take back");
        }
        let mut from = String::new();
        for log in logs {
            if log.closed.is_some_and(|(size, root)| log.held == size && log.edge.root() == root) {
                continue;
            }
            let (mut failed, mut brought) = (Vec::new(), false);
            for place in self.relays(&own, log.key.name()).await? {
                match self.heal_from(&log, &place, later).await {
                    Ok(true) => {
                        (from, brought) = (place.whose.clone().unwrap_or_default(), true);
                        break;
                    }
                    Ok(false) => {}
                    Err(error) if error.is::<Undecided>() => return Err(error),
                    Err(error) => failed.push(format!("{}: {error:#}", place.whose.unwrap_or_default())),
                }
            }
            if !brought && (!failed.is_empty() || log.closed.is_some()) {
                let of = if failed.is_empty() { "none has one".to_owned() } else { failed.join("; ") };
                bail!("no partner's copy of this hub's list {} could be read ({of})", log.key.name());
            }
        }
        let again = self.say_unsaid().await?;
        self.refresh().await?;
        let now = self.own_logs().await?.iter().map(|log| log.held).sum();
        Ok(Healed { from, document, before, now, again })
    }

    async fn own_logs(&self) -> anyhow::Result<Vec<LogRow>> {
        let mut db = self.store.read().await?;
        Ok(store::log::of_hub(&mut db, OWN).await?)
    }

    /// One list from one partner's copy; whether there was anything to take back, or to step back from.
    async fn heal_from(&self, log: &LogRow, place: &Place, later: Option<Later>) -> anyhow::Result<bool> {
        let (store, client) = (&self.store, &self.client);
        // Of a closed list its hub's document says what counts; of the one in use, what partners have seen.
        let (note, size, root) = match log.closed {
            Some((size, root)) => (Vec::new(), size, root),
            None => {
                let most = client.limits().checkpoint_bytes;
                let note = client.whole(&place.url.join("checkpoint")?, most, true).await?;
                let theirs = crate::feed::Checkpoint::open(&note, &log.key, &log.peer)?;
                (note, theirs.size, theirs.root)
            }
        };
        let seen = LogRow { closed: Some((size, root)), ..log.clone() };
        let mut db = store.read().await?;
        let alike = size <= log.held && store::log::root_at(&mut db, log.n, size).await? == root;
        drop(db);
        let keep = match alike {
            true if log.closed.is_none() => return Ok(false),
            true => size,
            false => Run::at(store, client, seen.clone(), place.url.clone())?.agreement().await?.min(log.held),
        };
        if keep < log.held && log.closed.is_some() && later.is_none() {
            return Err(Undecided(log.held - keep).into());
        }
        let mut write = store.write().await?;
        if keep < log.held {
            let own = store::log::leaves(&mut write, log.n, keep, log.held).await?.into_iter();
            let own = own.map(|leaf| NewLeaf { hash: leaf.hash(), note: leaf.note, line: leaf.line });
            let mut unsaid = author::unsaid(&mut write).await?;
            unsaid.extend(own.filter(|_| later != Some(Later::Drop)));
            store::log::truncate(&mut write, log, keep).await?;
            self.rebuild_in(&mut write).await?;
            // Not lost if the way back breaks off here: what only this database knows is kept beside.
            author::keep_unsaid(&mut write, &unsaid).await?;
        }
        reach("heal-cut");
        write.commit().await?;
        reach("heal-cut-done");
        let at = self.own_logs().await?.into_iter().find(|row| row.n == log.n).context("a list vanished")?;
        let at = LogRow { held: keep, closed: Some((size, root)), checkpoint: None, ..at };
        let pulled =
            Run::at(store, client, at, place.url.clone())?.finish(Validator::default(), self.clock.now()).await?;
        if pulled.more {
            bail!("there is more to take back than one run may; run it again");
        }
        if !note.is_empty() {
            let mut write = store.write().await?;
            store::log::set_checkpoint(&mut write, log.n, &note, 0).await?;
            write.commit().await?;
        }
        Ok(true)
    }

    /// Says again, in the list in use, what only this database knew. Without that list's key it waits.
    async fn say_unsaid(&self) -> anyhow::Result<u64> {
        let mut write = self.store.write().await?;
        let mut now = store::log::by_number(&mut write, OWN).await?.context("this database holds no hub")?;
        let mut again = Vec::new();
        if let (None, Ok(keys)) = (now.closed, self.keys_of(&now)) {
            let unsaid = author::signed_for(author::unsaid(&mut write).await?, &keys)?;
            again = author::new_among(&mut write, &now, unsaid).await?;
            store::log::append(&mut write, &mut now, &again).await?;
            author::keep_unsaid(&mut write, &[]).await?;
        }
        let mut accepted = accept::Accepted::default();
        for log in store::log::of_hub(&mut write, OWN).await?.iter().filter(|log| log.head < log.held) {
            accepted = accept::accept(&mut write, log, log.held, self.policy.linkage(), accepted).await?;
        }
        self.derive_in(&mut write, accepted).await?;
        reach("heal-commit");
        write.commit().await?;
        reach("heal-done");
        Ok(again.len() as u64)
    }
}

/// Makes the database of a hub whose disk died from what partners hold of it: its documents, its lists and their public
/// words. The hub can speak again once its root key begins a new log, or when its old list's key is in the key folder.
///
/// # Errors
/// There is a database already; no partner holds the hub; the root keys' documents do not verify.
pub async fn recover(
    config: Config,
    id: HubId,
    partners: &[Url],
    clock: Clock,
    chance: Chance,
) -> anyhow::Result<(Hub, Healed)> {
    let database = config.database();
    if database.exists() {
        bail!("there is already a database at {}; nothing was changed", database.display());
    }
    let client = super::client(&config)?;
    let today = clock.today(&config.time_zone()?);
    let mut best: Option<Vec<(Vec<u8>, hub_document::VerifiedHub)>> = None;
    let mut failed = Vec::new();
    for partner in partners {
        let base = relay_of(partner)?;
        let newest = base.join(&relayed(&id.to_string()))?.join("groups-hub")?;
        match pull::hub_documents(&client, &newest, id, today).await {
            Ok(chain) if best.as_ref().is_none_or(|known| chain.len() > known.len()) => best = Some(chain),
            Ok(_) => {}
            Err(error) => failed.push(format!("{partner}: {error}")),
        }
    }
    let Some(chain) = best else {
        bail!("no partner holds {id} ({})", failed.join("; "));
    };
    let aside = database.with_added_extension("new");
    let _ = std::fs::remove_file(&aside);
    std::fs::create_dir_all(config.keys()).with_context(|| format!("cannot make {}", config.keys().display()))?;
    let store = Store::open(&aside, true).await.with_context(|| format!("cannot make {}", aside.display()))?;
    let mut write = store.write().await?;
    for (nth, (document, hub)) in chain.iter().enumerate() {
        if nth == 0 {
            store::log::create(&mut write, hub, document, true).await?;
        } else {
            store::hub::adopt(&mut write, OWN, hub, document).await?;
        }
    }
    write.commit().await?;
    let mut db = store.read().await?;
    let logs = store::log::of_hub(&mut db, OWN).await?;
    drop(db);
    let mut healed = Healed::default();
    for log in logs {
        // Of an open log, the partner that has seen most of it.
        let mut row = log.clone();
        for partner in partners {
            let prefix = relay_of(partner)?.join(&relayed(log.key.name()))?;
            loop {
                match Run::at(&store, &client, row.clone(), prefix.clone())?
                    .finish(Validator::default(), clock.now())
                    .await
                {
                    Ok(pulled) => {
                        if pulled.new > 0 {
                            healed.from = partner.to_string();
                        }
                        let mut db = store.read().await?;
                        let now = store::log::of_hub(&mut db, OWN).await?.into_iter().find(|row| row.n == log.n);
                        row = now.context("a log vanished")?;
                        if !pulled.more {
                            break;
                        }
                    }
                    Err(PullError::Fork(_)) => {
                        bail!(
                            "{partner} was told another history of this hub's list than the others; decide whose is right and name only those"
                        )
                    }
                    Err(error) => {
                        failed.push(format!("{partner}: {error}"));
                        break;
                    }
                }
            }
        }
        if !row.complete() || (row.closed.is_none() && row.held == 0) {
            bail!("the list {} could not be had whole from any partner ({})", row.key.name(), failed.join("; "));
        }
        healed.now += row.held;
    }
    store.close().await;
    std::fs::rename(&aside, &database).with_context(|| format!("cannot make {}", database.display()))?;
    let hub = Hub::speechless(config, clock, chance).await?;
    let mut write = hub.store.write().await?;
    for log in store::log::of_hub(&mut write, OWN).await? {
        let accepted = accept::accept(&mut write, &log, log.held, hub.policy.linkage(), Default::default()).await?;
        hub.derive_in(&mut write, accepted).await?;
    }
    write.commit().await?;
    Ok((hub, healed))
}

/// Where a partner keeps copies of others' lists.
fn relay_of(partner: &Url) -> anyhow::Result<Url> {
    Ok(pull::document_url(partner.as_str())?.join("../relay/")?)
}

impl Hub {
    /// Opens a hub that may not have the key of its list: it can be looked at, and begin a new list. It cannot speak.
    ///
    /// # Errors
    /// As [`Hub::open`], the key apart.
    pub async fn speechless(config: Config, clock: Clock, chance: Chance) -> anyhow::Result<Hub> {
        let file = config.database();
        let store = Store::open(&file, false).await.with_context(|| format!("cannot open {}", file.display()))?;
        let mut db = store.read().await?;
        let log = store::log::by_number(&mut db, OWN).await?.context("this database holds no hub")?;
        drop(db);
        let keys = match keys::of(&config.keys(), &log) {
            Ok(keys) => keys,
            // A key that signs for nobody: whoever asks for the log's own is told that it is not here.
            Err(_) => {
                let mut seed = [0u8; 32];
                chance.draw(|rng| rand::Rng::fill_bytes(rng, &mut seed));
                LogKeys::from_seed("none", &seed)
            }
        };
        let (policy, client) = (policy(&config)?, super::client(&config)?);
        Ok(Hub {
            id: log.hub,
            name: log.name,
            document: log.document,
            config: Arc::new(config),
            store,
            keys: Arc::new(keys),
            policy: Arc::new(policy),
            clock,
            chance,
            client,
            looked: Arc::default(),
            gathers: false,
        })
    }
}
