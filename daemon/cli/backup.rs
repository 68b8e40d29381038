//! `mutuald backup`

use super::output::{count, moment, quoted};
use super::{Answer, Context};
use crate::node::backup::{self, Backup as Row, CutOff, Made, Restored};
use jiff::tz::TimeZone;
use serde::Serialize;
use std::fmt;
use std::path::{Path, PathBuf};

/// Copies of the hub's database, and putting one back
///
/// A backup holds everything but the keys, which have a safe place of their own (`mutuald init` printed which). People and contacts
/// stand in it as they are; protected places only locked, with a key that lies with the keys (`places.key`). The hub may run
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
        /// The key of protected places is lost: restore all but them
        #[arg(long)]
        without_places: bool,
    },
}

#[derive(Serialize)]
#[serde(transparent)]
struct New(Made);

impl fmt::Display for New {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Made { backup, places, places_key, places_key_new } = &self.0;
        let statements = count(backup.statements, "statement", "statements");
        writeln!(out, "{}: {statements} of this hub's own list, and all that was pulled.", backup.file.display())?;
        writeln!(
            out,
            "  in it, readable by whoever has the file: people, role contacts, consents. Keep it in a locked place."
        )?;
        match places_key {
            Some(key) => {
                let places = count(*places, "protected place", "protected places");
                writeln!(out, "  in it, and locked: {places}. Only {} opens them", key.display())?;
            }
            None => writeln!(out, "  protected places: there are none")?,
        }
        write!(out, "  not in it: keys. `mutuald key show` says where each belongs")?;
        match places_key {
            Some(key) if *places_key_new => write!(out, "\n\n{}", keep(key)),
            _ => Ok(()),
        }
    }
}

/// What to do with a new key of protected places.
fn keep(key: &Path) -> String {
    format!(
        "The key of protected places is new, and on this machine alone. Without it nobody, this hub included, can open them in any backup.\n\
         Copy {} to where you keep the copy of the list's key, apart from the backups, or write it down:\n  mutuald key backup {}",
        key.display(),
        quoted(&key.display().to_string())
    )
}

#[derive(Serialize)]
struct Listed {
    backups: Vec<Row>,
    /// What became of backups whose making was cut off.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cut_off: Vec<CutOff>,
    /// The file of a new key of protected places, of which nobody was told yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    new_key: Option<PathBuf>,
    #[serde(skip)]
    zone: TimeZone,
}

impl Listed {
    /// Whether a half-made backup could not be settled.
    fn is_left(&self, row: &Row) -> bool {
        self.cut_off.iter().any(|one| one.became == "left" && one.file == row.file.with_extension(""))
    }
}

impl fmt::Display for Listed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for CutOff { file, became } in &self.cut_off {
            let file = file.display();
            match *became {
                "finished" => {
                    writeln!(out, "{file}: its making was cut off at the last step; it is whole, and listed now")?
                }
                "removed" => writeln!(out, "{file}: its making was cut off; what there was of it is removed")?,
                _ => {}
            }
        }
        if self.backups.is_empty() {
            return out.write_str("No backup was made yet; `mutuald backup make` makes one.");
        }
        for row in &self.backups {
            let state = match (row.bytes, row.holds_erased) {
                _ if row.half_made && self.is_left(row) => {
                    "half made: its making was cut off, and it cannot be reached or removed now. Plug it in, or let this user write \
                     there, and give this command again"
                        .to_owned()
                }
                _ if row.half_made => "is being made at this moment".to_owned(),
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
        write!(
            out,
            "People, contacts and consents are in each as they are; protected places only locked; keys in none."
        )?;
        self.new_key.as_deref().map_or(Ok(()), |key| write!(out, "\n\n{}", keep(key)))
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Put(Restored);

impl fmt::Display for Put {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Restored { name, statements, statements_now, forgotten_again, before, done, .. } = &self.0;
        let Restored { places, places_lost, unknown_lost, .. } = &self.0;
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
        match (places, places_lost) {
            (0, _) => {}
            (_, false) => writeln!(out, "  protected places in it, opened with the key that is here: {places}")?,
            (_, true) => writeln!(
                out,
                "  protected places in it, WHICH ARE LOST because their key is: {places}. Type the addresses again.\n  \
                 Of these, groups of which nothing was ever published: {unknown_lost}. Nothing here knows them any more: before a spreadsheet \
                 is imported again,\n  write their level into its column \"Safety\", or they are published"
            )?,
        }
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
            Backup::Make { file } => {
                let made = context.hub().await?.back_up(file.as_deref()).await?;
                let look = made.places_key_new;
                Ok(Answer::of(&New(made))?.look_if(look))
            }
            Backup::List => {
                let hub = context.hub().await?;
                let cut_off = hub.look_for_half_made().await?;
                let backups = hub.backups().await?;
                let new_key = hub.untold_key(true).await?;
                let look = backups.iter().any(|row| row.holds_erased)
                    || cut_off.iter().any(|one| one.became == "left")
                    || new_key.is_some();
                Ok(Answer::of(&Listed { backups, cut_off, new_key, zone: hub.config.time_zone()? })?.look_if(look))
            }
            Backup::Restore { file, commit, without_places } => {
                let (config, clock) = (context.config()?, &context.clock);
                let put = backup::restore(&config, &file, clock, commit, without_places).await?;
                let look = put.places_lost;
                Ok(Answer::of(&Put(put))?.look_if(look))
            }
        }
    }
}
