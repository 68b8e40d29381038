//! `mutuald key recover`

use crate::cli::output::{Failure, Status, count};
use crate::cli::{Answer, Context};
use crate::node::heal;
use crate::record::HubId;
use crate::store;
use anyhow::Context as _;
use serde::Serialize;
use std::fmt;

#[derive(Serialize)]
struct Rebuilt {
    hub: HubId,
    name: String,
    entries: u64,
    speaks: bool,
}

impl fmt::Display for Rebuilt {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "{} ({}) is here again: {} of its own.",
            self.name,
            self.hub,
            count(self.entries, "entry", "entries")
        )?;
        writeln!(out, "Not here: partner hubs (add them again), what was never published, files of settings.")?;
        match self.speaks {
            true => write!(out, "The key of its list is here too; it goes on where it was."),
            false => {
                write!(out, "The key of its list is lost. Begin a new one: mutuald key rotate --root FILE --commit")
            }
        }
    }
}

pub(super) async fn recover(context: &Context, id: HubId, from: &[String]) -> anyhow::Result<Answer> {
    let parse = |address: &String| {
        let address = if address.contains("://") { address.clone() } else { format!("https://{address}") };
        url::Url::parse(&address).map_err(|_| Failure::usage(format!("{address:?} is not a web address"), "correct it"))
    };
    let partners = from.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
    let config = context.config()?;
    let made = heal::recover(config, id, &partners, context.clock.clone(), context.chance.clone()).await;
    let (hub, healed) = made.map_err(|error| {
        Failure::partner(
            format!("{error:#}"),
            "name another partner hub with --from: any that pulled this hub's list and relays it will do",
        )
    })?;
    let mut db = hub.store.read().await?;
    let log = store::log::by_number(&mut db, store::log::OWN).await?.context("this database holds no hub")?;
    let speaks = hub.keys_of(&log).is_ok();
    drop(db);
    let name = hub.name.clone();
    hub.store.close().await;
    let answer = Answer::of(&Rebuilt { hub: id, name, entries: healed.now, speaks })?;
    Ok(if speaks { answer } else { answer.ending(Status::Look) })
}
