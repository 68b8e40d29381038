//! `mutuald config`

use super::output::moment;
use super::{Answer, Context, Failure};
use crate::node::Hub;
use crate::store;
use jiff::Timestamp;
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;

/// The hub's settings
#[derive(Debug, clap::Subcommand)]
pub enum Config {
    /// Read the settings as the daemon would, and say what is wrong with them
    Check,
}

#[derive(Serialize)]
struct Checked {
    file: PathBuf,
    partners: Vec<(String, Option<String>)>,
    hub: bool,
}

impl fmt::Display for Checked {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{} is right.", self.file.display())?;
        if !self.hub {
            writeln!(out, "There is no hub yet at the place that it names; `mutuald init` makes one.")?;
        }
        for (name, due) in &self.partners {
            writeln!(
                out,
                "{name}: next pulled {}",
                due.as_deref().unwrap_or("never (paused, or its schedule never falls due)")
            )?;
        }
        Ok(())
    }
}

impl Config {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let Config::Check = self;
        let config = context.config()?;
        let mut checked = Checked { file: context.file(), partners: Vec::new(), hub: config.database().exists() };
        if checked.hub {
            let hub: &Hub = context.hub().await?;
            let zone = hub.config.time_zone()?;
            let mut db = hub.store.read().await?;
            for row in store::partner::all(&mut db).await? {
                let due = match hub.next_due(&row) {
                    _ if row.paused => None,
                    Ok(_) if row.next_due == 0 => Some("as soon as the daemon runs".to_owned()),
                    Ok(_) if row.next_due < i64::MAX => {
                        Timestamp::from_second(row.next_due).ok().map(|at| moment(at, &zone))
                    }
                    Ok(_) => None,
                    Err(error) => {
                        let what = format!("the schedule of {}: {error:#}", row.name);
                        return Err(Failure::new(
                            what,
                            "remove the partner hub and add it again with another --schedule",
                        )
                        .into());
                    }
                };
                checked.partners.push((row.name, due));
            }
        }
        Answer::of(&checked)
    }
}
