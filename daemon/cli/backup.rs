//! `mutuald backup`

use super::output::{count, moment};
use super::{Answer, Context};
use crate::node::backup::{self, Backup as Row, Restored};
use jiff::tz::TimeZone;
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;

/// Copies of the hub's database, and putting one back
///
/// A backup holds everything but the keys, which have a safe place of their own (`mutuald init` printed which). The hub may run
/// while one is made.
#[derive(Debug, clap::Subcommand)]
pub enum Backup {
    /// Make a backup
    Make {
        /// The file [default: a new one in the configured folder]
        file: Option<PathBuf>,
    },
    /// Show every backup that is known, and whether something erased is still in it
    List,
    /// Put a backup in the place of the database; stop the daemon first. Shows what it would do; --commit does it
    Restore {
        /// The backup
        file: PathBuf,
        /// Do it
        #[arg(long)]
        commit: bool,
    },
}

#[derive(Serialize)]
struct Made(Row);

impl fmt::Display for Made {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let statements = count(self.0.statements, "statement", "statements");
        write!(
            out,
            "{}: {statements} of this hub's own list, and all that was pulled. Keys are not in it.",
            self.0.file.display()
        )
    }
}

#[derive(Serialize)]
struct Listed {
    backups: Vec<Row>,
    #[serde(skip)]
    zone: TimeZone,
}

impl fmt::Display for Listed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.backups.is_empty() {
            return out.write_str("No backup was made yet; `mutuald backup make` makes one.");
        }
        for row in &self.backups {
            let state = match (row.bytes, row.holds_erased) {
                (None, true) => "cannot be reached now; something erased is still in it".to_owned(),
                (None, false) => "cannot be reached now".to_owned(),
                (Some(_), true) => {
                    "something erased is still in it and could not be taken out; see `mutuald erasure status`"
                        .to_owned()
                }
                (Some(bytes), false) => format!("{} KB", bytes.div_ceil(1024)),
            };
            writeln!(out, "{}  {}  {state}", moment(row.made, &self.zone), row.file.display())?;
        }
        Ok(())
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Put(Restored);

impl fmt::Display for Put {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Restored { name, statements, statements_now, forgotten_again, before, done, .. } = &self.0;
        if !done {
            writeln!(
                out,
                "Nothing was changed. --commit would put this backup of {name} in the place of the database."
            )?;
        } else {
            writeln!(out, "The backup of {name} is in place.")?;
        }
        writeln!(out, "  statements of this hub's own list in it: {statements}")?;
        match statements_now {
            Some(now) if now > statements => writeln!(
                out,
                "  in the present database: {now}. The {} newer ones would be missing: what partner hubs have seen of them must come\n  \
                 back from them before anything new is published, and the hub refuses to publish until then",
                now - statements
            )?,
            Some(now) => writeln!(out, "  in the present database: {now}")?,
            None => writeln!(out, "  the present database cannot be read, or there is none")?,
        }
        writeln!(out, "  erased since it was made, and forgotten again before anything is served: {forgotten_again}")?;
        match before {
            Some(before) => {
                write!(out, "\nThe database of before is in {}; remove it when all is well.", before.display())
            }
            None => Ok(()),
        }
    }
}

impl Backup {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        match self {
            Backup::Make { file } => Answer::of(&Made(context.hub().await?.back_up(file.as_deref()).await?)),
            Backup::List => {
                let hub = context.hub().await?;
                let backups = hub.backups().await?;
                let look = backups.iter().any(|row| row.holds_erased);
                Ok(Answer::of(&Listed { backups, zone: hub.config.time_zone()? })?.look_if(look))
            }
            Backup::Restore { file, commit } => {
                Answer::of(&Put(backup::restore(&context.config()?, &file, &context.clock, commit).await?))
            }
        }
    }
}
