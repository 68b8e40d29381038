//! The daemon: pulls partners when they are due, signs its checkpoint again, serves pages and feed, until asked to stop.

use super::lifecycle::{DRAIN, Lifecycle, Stopped};
use super::notify::{self, Notifier};
use super::seen::{Unfinished, WouldFork};
use super::{Chance, Hub, source};
use crate::clock::Clock;
use crate::config::Config;
use crate::store::view::Site;
use crate::store::{self, partner::PartnerRow};
use crate::web;
use crate::web::directory::Directory;
use crate::web::health::Readiness;
use crate::web::relay::Relayed;
use anyhow::Context;
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

/// Longest sleep of the scheduler: a clock that is set, or a partner that is added by another process, is noticed by then.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// Partners pulled at one time.
const SIDE_BY_SIDE: usize = 4;

/// What `run` is started with beside the configuration.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The configuration file, for reading it again on SIGHUP.
    pub file: Option<PathBuf>,
    /// A sentence above every page.
    pub notice: Option<String>,
}

/// Runs a hub until it is asked to stop.
///
/// # Errors
/// The hub cannot be opened, an address cannot be listened on, or a task ended unasked.
pub async fn run(config: Config, options: Options) -> anyhow::Result<()> {
    let listen = config.web.listen;
    let hub = Hub::open(config, Clock::system(), Chance::system()?).await?;
    let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
    let lifecycle = Lifecycle::new(Notifier::from_environment())?;
    start(hub, listener, lifecycle, options).await?.into_result()
}

/// Starts a hub's tasks and waits for the last of them to end. For [`run`], and for several hubs in one process.
///
/// # Errors
/// What must be right before the daemon calls itself ready: deriving and publishing.
pub async fn start(
    hub: Hub,
    listener: TcpListener,
    mut lifecycle: Lifecycle,
    options: Options,
) -> anyhow::Result<Stopped> {
    // Recovery is the normal path: derive what is not derived, publish what is not published.
    hub.refresh().await.context("cannot bring the registry up to date")?;
    let ready = async {
        hub.tend_contacts().await.context("cannot bring what is signed of contacts to what the ledger allows")?;
        hub.publish().await.map(drop)
    };
    if let Err(error) = ready.await {
        // The directory is as good as it was; only the feed must wait for a person.
        if error.is::<WouldFork>() || error.is::<Unfinished>() {
            tracing::error!(reason = %error, "the feed is not published until this is put right");
        } else {
            return Err(error.context("cannot publish"));
        }
    }
    // Once a minute at most, by the task that forgets.
    let hub = Arc::new(Hub { gathers: true, ..hub });
    let current = Current(Arc::new(Mutex::new(hub.clone())));
    let wake = Arc::new(Notify::new());

    let listen = listener.local_addr().ok();
    let (pages, shown) = watch::channel(router(&hub, &options, listen));
    let stop = lifecycle.soft();
    lifecycle.spawn("web", async move {
        web::serve(listener, web::current(shown), stop).await;
        Ok(())
    });
    lifecycle.spawn("pull", pulling(current.clone(), wake.clone(), lifecycle.soft()));
    lifecycle.spawn("erasures", forgetting(current.clone(), lifecycle.soft()));
    lifecycle.spawn("sources", reading(current.clone(), lifecycle.soft()));
    if hub.config.publish.is_some() {
        lifecycle.spawn("publish", republishing(current.clone(), lifecycle.soft()));
    }
    if let Some(interval) = notify::watchdog_interval() {
        let database = hub.clone();
        let healthy = move || {
            let database = database.clone();
            async move { answers(&database).await }
        };
        let stop = lifecycle.soft();
        lifecycle.spawn("watchdog", async move {
            notify::watchdog(Notifier::from_environment(), interval, stop, healthy).await
        });
    }
    let mut reloads = lifecycle.reloads();
    let stop = lifecycle.soft();
    lifecycle.spawn("reload", async move {
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                Some(reload) = reloads.recv() => {
                    current.reload(options.file.as_deref()).await;
                    let _before = pages.send_replace(router(&current.hub(), &options, listen));
                    wake.notify_one();
                    drop(reload);
                }
            }
        }
    });
    tracing::info!(hub = %hub.id, name = %hub.name, "ready");
    Ok(lifecycle.run_until_stopped(DRAIN).await)
}

/// The hub with the configuration in force; SIGHUP replaces it.
#[derive(Clone)]
struct Current(Arc<Mutex<Arc<Hub>>>);

impl Current {
    fn hub(&self) -> Arc<Hub> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the configuration again. One that is not right changes nothing; address and folders need a restart.
    async fn reload(&self, file: Option<&std::path::Path>) {
        let hub = self.hub();
        let Some(file) = file else { return };
        let read = || -> anyhow::Result<Hub> {
            let config = Config::load(file)?;
            if let Some(problem) = config.check().first() {
                anyhow::bail!("{problem}");
            }
            if config.web.listen != hub.config.web.listen || config.hub.state != hub.config.hub.state {
                tracing::warn!("web.listen and hub.state are taken at the next start");
            }
            let again = (*hub).clone();
            again.reconfigured(config)
        };
        match read() {
            Ok(again) => {
                *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(again);
                if let Err(error) = self.hub().refresh().await {
                    tracing::error!(error = format!("{error:#}"), "the registry could not be brought up to date");
                }
                tracing::info!("configuration read again");
            }
            Err(error) => {
                tracing::error!(
                    error = format!("{error:#}"),
                    "the configuration was not taken; the one in force stays"
                );
            }
        }
    }
}

/// How contact parts are given out; `listen` is an address by which this machine may be asked. For [`start`] and for tests.
pub fn restricted(hub: &Hub, listen: Option<std::net::SocketAddr>) -> web::feed::restricted::Restricted {
    let base = hub.config.web.base_url.as_deref().and_then(|text| url::Url::parse(text).ok());
    let base = base.and_then(|url| {
        Some(
            url.port()
                .map_or(url.host_str()?.to_owned(), |port| format!("{}:{port}", url.host_str().unwrap_or_default())),
        )
    });
    // The log is named after the hub's address.
    let origin = hub.keys.log.public().name().split('/').next().map(str::to_owned);
    let names = [base, origin, listen.map(|address| address.to_string())];
    let authorities = names.into_iter().flatten().map(|name| crate::feed::request::authority(&name)).collect();
    let (clock, zone) = (hub.clock.clone(), hub.config.time_zone().unwrap_or(jiff::tz::TimeZone::UTC));
    web::feed::restricted::Restricted {
        store: hub.store.clone(),
        authorities: Arc::new(authorities),
        now: Arc::new(move || (clock.now(), clock.today(&zone))),
    }
}

fn router(hub: &Arc<Hub>, options: &Options, listen: Option<std::net::SocketAddr>) -> axum::Router {
    let contact = crate::feed::hub::reopen(&hub.document, hub.id).ok().map(|hub| hub.document.role_contact);
    let site = Arc::new(Site {
        hub: hub.config.hub.name.clone().unwrap_or_else(|| hub.name.clone()),
        notice: options.notice.clone(),
        contact: contact.filter(|contact| !contact.is_empty()),
        exit: "https://www.bbc.co.uk/weather".into(),
    });
    let serves = hub.config.publish.as_ref().is_some_and(|publish| publish.serve);
    let pages = if hub.config.web.directory {
        let (clock, zone) = (hub.clock.clone(), hub.config.time_zone().unwrap_or(jiff::tz::TimeZone::UTC));
        web::directory::routes(Directory {
            store: hub.store.clone(),
            state: hub.config.hub.state.clone(),
            policy: hub.policy.clone(),
            site: site.clone(),
            published: hub.config.publish.is_some(),
            now: Arc::new(move || clock.now().to_zoned(zone.clone())),
        })
    } else {
        axum::Router::new()
    };
    let shares = hub.config.publish.as_ref().is_some_and(|publish| publish.contacts);
    let contacts = shares.then(|| restricted(hub, listen));
    let feed = serves.then(|| {
        let relay = hub.config.publish.as_ref().map(|publish| Relayed::of(&publish.relay));
        let relay = relay.and_then(Result::ok).unwrap_or(Relayed::Some(Vec::new()));
        web::feed::routes_with(hub.config.feed(), contacts).merge(web::relay::routes(
            hub.store.clone(),
            hub.config.feed(),
            relay,
        ))
    });
    let probed = hub.clone();
    let health = web::health::routes(move || {
        let probed = probed.clone();
        async move {
            if answers(&probed).await { Readiness::Ready } else { Readiness::NotReady("the database does not answer") }
        }
    });
    web::router(site, pages, feed, health)
}

/// Whether the database answers, by the path that pages take.
async fn answers(hub: &Hub) -> bool {
    let look = async {
        let mut db = hub.store.read().await?;
        store::setting(&mut db, "as-of").await
    };
    matches!(tokio::time::timeout(Duration::from_secs(5), look).await, Ok(Ok(Some(_))))
}

/// Pulls whoever is due, a few at a time, each partner once at a time; then sleeps until the next is due.
async fn pulling(current: Current, wake: Arc<Notify>, stop: CancellationToken) -> anyhow::Result<()> {
    let mut under_way = tokio::task::JoinSet::new();
    let mut busy: BTreeSet<i64> = BTreeSet::new();
    let mut day = None;
    loop {
        let hub = current.hub();
        let today = hub.clock.today(&hub.config.time_zone()?);
        if day.replace(today).is_some_and(|before| before != today) {
            hub.refresh().await.context("cannot bring the registry to the new day")?;
            // A consent whose last day was yesterday withdraws by itself.
            hub.tend_contacts().await.context("cannot withdraw contacts whose consent has run out")?;
        }
        let (due, next) = due(&hub, &busy).await?;
        for partner in due.into_iter().take(SIDE_BY_SIDE - busy.len()) {
            busy.insert(partner.hub);
            let hub = hub.clone();
            under_way.spawn(async move {
                let pulled = hub.pull(&partner, false).await;
                if pulled.as_ref().is_ok_and(|outcome| outcome.state == "changed") {
                    // For the partner page; it is a fact beside the registry, and no pull fails for it.
                    if let Err(error) = hub.look_for_copies().await {
                        tracing::warn!(error = format!("{error:#}"), "copied lists were not looked for");
                    }
                }
                // What others have seen of others: a fork is met within a day of its being shown to two.
                if let Err(error) = hub.gossip(&partner, false).await {
                    tracing::warn!(error = format!("{error:#}"), "what partners have seen was not compared");
                }
                (partner.hub, pulled.map(drop))
            });
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = wake.notified() => {}
            Some(ended) = under_way.join_next() => {
                let (partner, pulled) = ended.context("a pull ended unexpectedly")?;
                busy.remove(&partner);
                pulled?;
            }
            () = tokio::time::sleep(next.min(LOOK_AGAIN)) => {}
        }
    }
    // What is held stays; a run that is cut here goes on from there.
    under_way.shutdown().await;
    Ok(())
}

/// Reads the lists that have an address when they are due, one after another: they are few, and small beside partners' feeds.
async fn reading(current: Current, stop: CancellationToken) -> anyhow::Result<()> {
    loop {
        let hub = current.hub();
        for list in source::due(&hub).await? {
            // What is read is one transaction: a run that is cut here has changed nothing.
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                read = source::read(&hub, list, source::Run::Scheduled) => {
                    if let Err(error) = read {
                        // The next occasion may find the database free; the daemon is needed for more than this.
                        tracing::error!(error = format!("{error:#}"), "a list's source could not be read");
                    }
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(LOOK_AGAIN) => {}
        }
    }
}

/// Who is due now, longest first, and how long until the next is.
async fn due(hub: &Hub, busy: &BTreeSet<i64>) -> anyhow::Result<(Vec<PartnerRow>, Duration)> {
    let mut db = hub.store.read().await?;
    let mut partners = store::partner::all(&mut db).await?;
    partners.retain(|partner| !partner.paused && !busy.contains(&partner.hub));
    partners.sort_by_key(|partner| partner.next_due);
    let now = hub.clock.now().as_second();
    let next = partners.iter().map(|partner| partner.next_due).find(|due| *due > now).unwrap_or(i64::MAX);
    let wait = Duration::from_secs(u64::try_from(next.saturating_sub(now)).unwrap_or(0));
    partners.retain(|partner| partner.next_due <= now);
    Ok((partners, wait))
}

/// Deletes what is due, goes on with what was cut off, and once a day looks whether partners serve what they confirmed to be gone.
async fn forgetting(current: Current, stop: CancellationToken) -> anyhow::Result<()> {
    let mut looked = None;
    loop {
        let hub = current.hub();
        let work = async {
            hub.sweep().await?;
            hub.retention_sweep().await.context("what is due by [retention] could not be removed")?;
            let today = hub.clock.today(&hub.config.time_zone()?);
            if looked.replace(today).is_none_or(|before| before == today) {
                return anyhow::Ok(());
            }
            for partner in store::partner::all(&mut *hub.store.read().await?).await? {
                if let Err(error) = hub.look_at(&partner).await {
                    tracing::info!(partner = %partner.id, error = format!("{error:#}"), "could not look at what it passes on");
                }
            }
            Ok(())
        };
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            // What is cut here is done again.
            done = work => if let Err(error) = done {
                tracing::error!(error = format!("{error:#}"), "erased words could not be cleaned from files; trying again");
            },
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(Duration::from_secs(60)) => {}
        }
    }
}

/// Publishes what other processes said, and signs the checkpoint again before partners call it stale.
async fn republishing(current: Current, stop: CancellationToken) -> anyhow::Result<()> {
    let mut last: Option<Timestamp> = None;
    loop {
        let hub = current.hub();
        let now = hub.clock.now();
        let republish = hub.config.publish.as_ref().map_or(86_400, |publish| publish.republish_s) as i64;
        // A third of the promise, so that one failure does not break it.
        if last.is_none_or(|last| now.as_second() - last.as_second() >= republish / 3 || now < last) {
            match hub.publish().await {
                Ok(_) => last = Some(now),
                Err(error) => tracing::error!(error = format!("{error:#}"), "cannot publish; trying again"),
            }
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(Duration::from_secs(60)) => {}
        }
    }
}
