//! What the demonstration tells: each pull as it ends, and now and then a change to pull.

use super::Stage;
use crate::node::Hub;
use crate::node::author::Draft;
use crate::record::group::{Assured, Meeting};
use crate::record::statement::{Body, Kind};
use crate::record::{Group, part};
use crate::store;
use anyhow::bail;
use std::collections::BTreeMap;
use std::io::Write;
use std::time::{Duration, Instant};

/// How often the databases are looked at.
const LOOK: Duration = Duration::from_millis(300);
/// Between two invented changes.
const CHANGE: Duration = Duration::from_secs(45);

/// Tells something, on stderr like all talk.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// What was told of a partner last: when it was tried.
type Told = BTreeMap<(usize, i64), i64>;

/// Tells pulls until every hub has pulled each of its partners once.
pub async fn until_quiet(hubs: &[(&'static str, Hub)]) -> anyhow::Result<()> {
    let (mut told, started) = (Told::new(), Instant::now());
    loop {
        if tell(hubs, &mut told).await? {
            return Ok(());
        }
        if started.elapsed() > Duration::from_secs(120) {
            bail!("the hubs did not finish pulling one another within two minutes");
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Tells every pull that ended since. Returns whether all partners were pulled.
async fn tell(hubs: &[(&'static str, Hub)], told: &mut Told) -> anyhow::Result<bool> {
    let mut all = true;
    for (nth, (name, hub)) in hubs.iter().enumerate() {
        let mut db = hub.store.read().await?;
        for partner in store::partner::all(&mut db).await? {
            let Some(tried) = partner.last_try else {
                all = false;
                continue;
            };
            if told.insert((nth, partner.hub), tried) == Some(tried) || partner.state == "current" {
                continue;
            }
            let counts = store::directory::counts(&mut db).await?;
            let reason = if partner.reason.is_empty() { String::new() } else { format!(" ({})", partner.reason) };
            say(&format!(
                "{name:<11} pulled {}: {}{reason}; {} of its statements verified; now {} groups, {} on which hubs or lists disagree",
                partner.name,
                partner.state,
                partner.head,
                counts.groups + counts.closed,
                counts.disagreements
            ));
        }
    }
    Ok(all)
}

/// What every hub holds, and that those with the same inputs agree.
pub async fn summary(hubs: &[(&'static str, Hub)]) -> anyhow::Result<()> {
    say("");
    for (name, hub) in hubs {
        let digest = hub.digest().await?;
        let mut db = hub.store.read().await?;
        let counts = store::directory::counts(&mut db).await?;
        say(&format!(
            "{name:<11} {} records of {} hubs are {} groups; on {} hubs or lists disagree; digest {}",
            counts.records,
            counts.hubs,
            digest.groups,
            counts.disagreements,
            &digest.digest[..16]
        ));
    }
    say("");
    Ok(())
}

/// Goes on telling, and changes something now and then so that there is something to pull.
pub async fn for_ever(hubs: &[(&'static str, Hub)], stages: &mut [Stage]) -> anyhow::Result<()> {
    let mut told = Told::new();
    tell(hubs, &mut told).await?;
    let (mut changed, mut turn) = (Instant::now(), 0usize);
    loop {
        tell(hubs, &mut told).await?;
        for stage in stages.iter_mut() {
            if let Some(status) = stage.daemon.try_wait()? {
                bail!("the daemon of {} ended unasked ({status})", stage.name);
            }
        }
        if changed.elapsed() >= CHANGE {
            changed = Instant::now();
            let (name, hub) = &hubs[turn % 3];
            change(name, hub, turn).await?;
            turn += 1;
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// One of three everyday events in a hub: a check by telephone, a new meeting time, a group that ends.
async fn change(name: &str, hub: &Hub, turn: usize) -> anyhow::Result<()> {
    let mut db = hub.store.read().await?;
    let ids = store::record::ids(&mut db, store::log::OWN).await?;
    let mut own = store::record::get_many(&mut db, store::log::OWN, &ids).await?;
    own.retain(|row| row.standing == "live" && row.state.kind == Kind::Record);
    own.sort_by_key(|row| row.state.first);
    if own.is_empty() {
        return Ok(());
    }
    let row = &own[turn * 7 % own.len()];
    let Some((pos, _)) = row.state.put else { return Ok(()) };
    let line = store::log::leaf(&mut db, pos).await?.and_then(|leaf| leaf.line);
    drop(db);
    let Some(Ok(mut group)) = line.as_deref().and_then(part::json).map(Group::read) else { return Ok(()) };
    let today = hub.clock.today(&hub.config.time_zone()?);
    let (body, what) = match turn % 3 {
        0 => {
            let assured = Assured { date: today, method: "phone".into(), by: "group".into() };
            (Body::Affirm(Kind::Record, assured), "was checked by telephone")
        }
        1 => {
            group.meetings = vec![Meeting { text: Some("First Wednesday of the month".into()), ..Meeting::default() }];
            (Body::Put(Kind::Record), "meets at another time")
        }
        _ => {
            let state = crate::record::group::CLOSED.to_owned();
            let reason = Some("the group ended".to_owned());
            group.status =
                Some(crate::record::group::Status { state, date: Some(today), reason, ..Default::default() });
            (Body::Put(Kind::Record), "has ended")
        }
    };
    let public = matches!(body, Body::Put(_)).then(|| group.json());
    hub.say(&[Draft { id: row.rec, rev: row.state.rev + 1, body, public }]).await?;
    say(&format!("{name:<11} says: “{}” {what}", group.name));
    Ok(())
}
