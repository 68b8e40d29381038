//! `mutuald safety why`

use super::{Found, found, label};
use crate::cli::{Answer, Context};
use crate::node::groups::words;
use crate::node::protect::{self, Word};
use crate::record::safety::{How, Level, how};
use serde::Serialize;
use std::fmt;

/// Say what of a group may be known, and whose word makes it so
#[derive(Debug, clap::Args)]
pub struct Why {
    /// Its name, or words that only its entry has
    name: String,
}

#[derive(Serialize)]
struct Because {
    group: String,
    level: String,
    words: Vec<Word>,
    withheld: Vec<String>,
    exposing: Vec<String>,
}

impl fmt::Display for Because {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}: {}", self.group, label(&self.level))?;
        if self.words.is_empty() {
            return write!(out, "  Nobody has said that its place needs care.");
        }
        writeln!(out, "  {}", Level::of(&self.level).why())?;
        for word in &self.words {
            let decides = if word.decides { "" } else { " (a more protective word outweighs it)" };
            writeln!(out, "  {}, since {}: {}, {}{decides}", word.hub, word.since, label(&word.level), word.how)?;
        }
        if !self.withheld.is_empty() {
            writeln!(out, "  Withheld: {}", self.withheld.join(", "))?;
        }
        if !self.exposing.is_empty() {
            writeln!(out, "  Say more than that: {}", self.exposing.join(", "))?;
        }
        write!(
            out,
            "The most protective word holds, whoever said it; only who said it can take it back, and that takes two people."
        )
    }
}

impl Why {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let hub = context.hub().await?;
        let mut db = hub.store.read().await?;
        let (group, level, words, exposing) = match found(context, hub, &mut db, &self.name).await? {
            Found::Known(known) => {
                let exposing = protect::exposing(&known).iter().map(|one| one.whose()).collect();
                (known.row.name.clone(), known.merged.safety.clone(), protect::words(&known), exposing)
            }
            Found::Unsigned(row) => {
                let since = jiff::Timestamp::from_second(row.since).unwrap_or_default();
                let word = Word {
                    hub: hub.name.clone(),
                    level: row.level.label().to_owned(),
                    how: "known here only, nothing of it is signed",
                    since: since.to_zoned(hub.config.time_zone()?).date().to_string(),
                    decides: true,
                };
                (self.name.clone(), row.level.label().to_owned(), vec![word], vec![])
            }
        };
        let at = Level::of(&level);
        let withheld = crate::record::group::UNITS
            .iter()
            .filter(|unit| how(at, "group", unit) == How::Withheld)
            .map(|unit| words::unit_label(unit).to_owned())
            .collect();
        Answer::of(&Because { group, level, words, withheld, exposing })
    }
}
