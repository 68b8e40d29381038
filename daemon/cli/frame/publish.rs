//! `mutuald frame publish`, `withdraw`, `list`

use super::shown;
use crate::cli::output::{count, lines, moment, table};
use crate::cli::{Answer, Context, Failure};
use crate::node::Hub;
use crate::node::frames::shared::{AllShared, Shared};
use crate::node::frames::{self};
use crate::record::FramePart;
use jiff::tz::TimeZone;
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;

/// Say in the feed that a frozen frame exists: what it is, its counts and its digest; never its rows
#[derive(Debug, clap::Args)]
pub struct Publish {
    /// The folder that `mutuald frame freeze` wrote
    folder: PathBuf,
    /// Say it; without this it is only shown
    #[arg(long)]
    commit: bool,
}

/// Take back a frame that this hub published
#[derive(Debug, clap::Args)]
pub struct Withdraw {
    /// Its name, with the beginning of its digest where there are several: nottingham-2026@0a1b2c
    name: String,
    /// Have its words erased everywhere too
    #[arg(long)]
    erase: bool,
    /// Do it; without this it is only shown
    #[arg(long)]
    commit: bool,
}

#[derive(Serialize)]
struct Said {
    committed: bool,
    frame: FramePart,
    /// What everybody will read.
    line: String,
}

impl fmt::Display for Said {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FramePart { sample_frame_name, digest, number_of_units, counts, .. } = &self.frame;
        let units = count(*number_of_units, "unit", "units");
        writeln!(out, "{sample_frame_name}: {units}\n  {digest}\n")?;
        for step in counts {
            for (why, n) in &step.left {
                writeln!(out, "{:>22} {n:>6}  {why}", "less")?;
            }
            writeln!(out, "{:<22} {:>6}  {}", step.step, step.count, step.of)?;
        }
        if self.committed {
            return write!(
                out,
                "\nPublished. Partner hubs have it after their next pull; its rows are in the folder alone."
            );
        }
        write!(
            out,
            "\nEverybody would read this, signed:\n\n{}\n\nNothing was said. Add --commit to publish it; its rows are no part of it.",
            self.line
        )
    }
}

impl Publish {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let files = frames::read(&self.folder)
            .map_err(|error| Failure::new(format!("{error:#}"), "name the folder that `mutuald frame freeze` wrote"))?;
        let hub = context.hub().await?;
        let refused = |error: anyhow::Error| {
            Failure::new(
                format!("{}: {error:#}", self.folder.display()),
                "`mutuald frame verify FOLDER` looks it over; `mutuald frame list` shows what is published",
            )
        };
        let frame = if self.commit {
            hub.publish_frame(&files).await.map_err(refused)?.0
        } else {
            hub.plan_publishing(&files).await.map_err(refused)?
        };
        let line = frame.json();
        Answer::of(&Said { committed: self.commit, frame, line })
    }
}

#[derive(Serialize)]
struct TakenBack {
    committed: bool,
    erase: bool,
    frame: Shared,
}

impl fmt::Display for TakenBack {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TakenBack { committed, erase, frame } = self;
        let name = &frame.part.sample_frame_name;
        let also = if *erase { " Its words are erased here and, with their next pull, at partner hubs." } else { "" };
        if *committed {
            return write!(out, "{name} is taken back: this hub no longer states it.{also}");
        }
        write!(
            out,
            "{name}, frozen {}, {} units, would be taken back.{also}\nWho cited it can no longer look it up; the folder stays as it is. Nothing was changed. Add --commit.",
            frame.part.frozen, frame.part.number_of_units
        )
    }
}

impl Withdraw {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let hub = context.hub().await?;
        let frame = meant(hub, &self.name, true).await?;
        if self.commit {
            hub.take_frame_back(&frame, self.erase).await?;
        }
        Answer::of(&TakenBack { committed: self.commit, erase: self.erase, frame })
    }
}

/// The published frame that words mean; of this hub's own only, where that is asked.
///
/// # Errors
/// None, or several.
pub async fn meant(hub: &Hub, words: &str, own: bool) -> anyhow::Result<Shared> {
    let all: Vec<Shared> = hub.shared_frames().await?.frames.into_iter().filter(|one| one.own || !own).collect();
    let mut found: Vec<Shared> = all.into_iter().filter(|one| one.meant_by(words)).collect();
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => {
            let whose = if own { "this hub has" } else { "no hub that is followed here has" };
            let what = format!("{whose} published {}frame {words:?}", if own { "no " } else { "a " });
            Err(Failure::usage(what, "`mutuald frame list` shows those that are").into())
        }
        n => {
            let one = |one: &Shared| {
                let digest = one.part.digest.get(..12).unwrap_or_default();
                format!("{}@{digest} ({}, {})", one.part.sample_frame_name, one.hub_name, one.part.frozen)
            };
            let those: Vec<String> = found.iter().map(one).collect();
            Err(Failure::usage(
                format!("{n} published frames are called {words:?}"),
                format!("say which: {}", those.join(", ")),
            )
            .into())
        }
    }
}

/// Everything there is: defined here, and published here and by partners.
#[derive(Serialize)]
struct Listed {
    #[serde(flatten)]
    own: shown::List,
    #[serde(flatten)]
    shared: AllSharedNamed,
    #[serde(skip)]
    zone: TimeZone,
}

#[derive(Serialize)]
struct AllSharedNamed {
    published: Vec<Shared>,
    unreadable: usize,
}

impl fmt::Display for Listed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}", self.own)?;
        let AllSharedNamed { published, unreadable } = &self.shared;
        if !published.is_empty() {
            let mut shown = table(&["published", "by", "on", "units", "day", "rules", "digest"]);
            for one in published {
                let by = if one.own { "this hub" } else { &one.hub_name };
                shown.add_row([
                    one.part.sample_frame_name.as_str(),
                    by,
                    &moment(one.said, &self.zone),
                    &one.part.number_of_units.to_string(),
                    &one.part.as_of.to_string(),
                    &one.part.profile,
                    one.part.digest.get(..12).unwrap_or_default(),
                ]);
            }
            writeln!(out, "\n{}", lines(&shown))?;
            writeln!(out, "\n`mutuald frame cite NAME` cites one; its hub is asked for the rows.")?;
        }
        match unreadable {
            0 => Ok(()),
            n => write!(out, "\n{n} published by partner hubs cannot be read by this version."),
        }
    }
}

/// Lists all frames.
pub async fn list(hub: &Hub) -> anyhow::Result<Answer> {
    let AllShared { frames, unreadable } = hub.shared_frames().await?;
    Answer::of(&Listed {
        own: shown::list(hub).await?,
        shared: AllSharedNamed { published: frames, unreadable },
        zone: hub.config.time_zone()?,
    })
}
