//! `mutuald safety lower` and `confirm`: one person proposes, another confirms.

use super::{Found, failed, found, label, level};
use crate::cli::group::published;
use crate::cli::{Answer, Context, Failure};
use crate::node::groups::words;
use crate::node::protect;
use crate::node::{Hub, Said};
use crate::record::safety::Level;
use crate::registry::rules::protection;
use crate::store::protected::{self, LowerError, Person, Proposal, ProtectedRow};
use serde::Serialize;
use sqlx::SqliteConnection;
use std::fmt;

/// Propose to protect a group's place less; a second person confirms it
#[derive(Debug, clap::Args)]
pub struct Lower {
    /// Its name, or words that only its entry has
    name: String,
    /// open, approximate, contact-first or unlisted
    level: String,
    #[command(flatten)]
    who: Who,
}

/// Confirm, as a second person, that a group's place is protected less
///
/// Without --commit nothing is changed.
#[derive(Debug, clap::Args)]
pub struct Confirm {
    /// Its name, or words that only its entry has
    name: String,
    #[command(flatten)]
    who: Who,
    /// You have looked at the words that were named, and they do not give the place away
    #[arg(long)]
    words_ok: bool,
    /// Do it
    #[arg(long)]
    commit: bool,
}

/// Who does it.
#[derive(Debug, clap::Args)]
struct Who {
    /// Your name or initials; they stay at this hub
    #[arg(long, value_name = "NAME")]
    person: String,
    /// Your role, which is signed: coordinator, hub-worker, safeguarding-lead, trustee or group-itself
    #[arg(long, value_name = "ROLE")]
    role: String,
}

impl Who {
    fn person(&self) -> anyhow::Result<Person> {
        let role = words::term("safety-roles", &self.role)
            .map_err(|next| Failure::usage(format!("the role {:?} is not known", self.role), next))?;
        Ok(Person { name: self.person.trim().to_owned(), role })
    }
}

#[derive(Serialize)]
struct Proposed {
    group: String,
    before: Level,
    level: Level,
}

impl fmt::Display for Proposed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{}: {} → {}, as soon as a second person confirms it:\n  mutuald safety confirm '{}' --person … --role … --commit\nNothing was changed yet.",
            self.group,
            label(self.before.label()),
            label(self.level.label()),
            self.group
        )
    }
}

/// The record of this hub by which it protects a group, and its name.
async fn guarded(
    context: &Context,
    hub: &Hub,
    db: &mut SqliteConnection,
    wanted: &str,
) -> anyhow::Result<(ProtectedRow, String)> {
    match found(context, hub, db, wanted).await? {
        Found::Unsigned(row) => Ok((row, wanted.to_owned())),
        Found::Known(known) => {
            for one in known.own() {
                if let Some((row, _)) = protected::get(db, one.record.rec).await? {
                    return Ok((row, known.row.name.clone()));
                }
            }
            let what = if protection(&known.merged.safety) == 0 {
                format!("{:?} is open already", known.row.name)
            } else {
                format!("{:?} is protected by another hub's word", known.row.name)
            };
            Err(Failure::new(what, "`mutuald safety why` says whose word it is; only that hub can take it back").into())
        }
    }
}

impl Lower {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let level = level(&self.level)?;
        let person = self.who.person()?;
        let hub = context.hub().await?;
        let mut db = hub.store.read().await?;
        let (row, group) = guarded(context, hub, &mut db, &self.name).await?;
        if level >= row.level {
            let what = format!(
                "{group:?} is {:?}, which does not protect more than {:?}",
                label(row.level.label()),
                label(level.label())
            );
            return Err(Failure::new(what, "`mutuald safety set` protects a place more").into());
        }
        drop(db);
        let mut db = hub.store.write().await?;
        let proposal = Proposal { rec: row.rec, level, by: person, at: hub.clock.now().as_second() };
        protected::propose(&mut db, &proposal).await.map_err(|error| failed(error.into(), &group))?;
        db.commit().await?;
        Answer::of(&Proposed { group, before: row.level, level })
    }
}

#[derive(Serialize)]
struct Confirmed {
    group: String,
    before: Level,
    level: Level,
    committed: bool,
    said: Option<Said>,
}

impl fmt::Display for Confirmed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}: {} → {}", self.group, label(self.before.label()), label(self.level.label()))?;
        writeln!(out, "  {}", self.level.why())?;
        match &self.said {
            Some(said) => out.write_str(&published(said)),
            None => write!(
                out,
                "What this level does not withhold would be public. Nothing was changed. To do it: the same with --commit"
            ),
        }
    }
}

impl Confirm {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let person = self.who.person()?;
        let hub = context.hub().await?;
        let mut db = hub.store.read().await?;
        let (row, group) = guarded(context, hub, &mut db, &self.name).await?;
        let proposal = protected::proposal(&mut db, row.rec).await?;
        let proposal = proposal.ok_or_else(|| failed(LowerError::NotProposed.into(), &group))?;
        drop(db);
        let said = match self.commit {
            true => Some(
                protect::confirm(hub, row.rec, proposal.level, &person, self.words_ok)
                    .await
                    .map_err(|error| failed(error, &group))?,
            ),
            false => None,
        };
        Answer::of(&Confirmed { group, before: row.level, level: proposal.level, committed: said.is_some(), said })
    }
}
