//! `mutuald erasure`

use super::output::count;
use super::{Answer, Context, Failure};
use crate::node::Hub;
use crate::node::erase::letter::{self, Letter};
use crate::node::erase::look::Looked;
use crate::node::erase::status::{Erasure as Row, Stage};
use crate::store::erase::{self, How};
use crate::store::partner;
use anyhow::Context as _;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;

/// What was erased, who has confirmed it, and letters about it
#[derive(Debug, clap::Subcommand)]
pub enum Erasure {
    /// Show every erasure: when, which partner hubs have confirmed it, which have not and since when
    Status {
        /// Only this one
        number: Option<i64>,
    },
    /// Write the letter to the person who asked
    Letter {
        /// The erasure's number, as `mutuald erasure status` shows it
        number: i64,
        /// Write it into this file
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Look whether partner hubs still serve words that they have confirmed to be gone
    Look {
        /// Only this partner hub
        partner: Option<String>,
    },
    /// Take back a request about another hub's entry: its words come again with a pull
    TakeBack {
        /// The erasure's number
        number: i64,
    },
}

#[derive(Serialize)]
struct Shown {
    erasures: Vec<Row>,
    files_left: Vec<String>,
    #[serde(skip)]
    zone: TimeZone,
}

fn day(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%-d %B %Y").to_string()
}

impl fmt::Display for Shown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.erasures.is_empty() {
            writeln!(out, "Nothing was erased yet.")?;
        }
        for row in &self.erasures {
            let day = |at| day(at, &self.zone);
            let short = row.record.to_string().chars().take(8).collect::<String>();
            let what = if row.parts == "*" { String::new() } else { format!(", part {}", row.parts) };
            let why = match row.how {
                How::Issued => "erased by this hub".to_owned(),
                How::Received => format!("erased by {}", row.hub),
                How::Asked => format!("of {}, taken out here because somebody asked", row.hub),
            };
            let stage = match (row.stage, row.until) {
                (Stage::Hidden, Some(until)) => format!("; hidden, deleted on {}", day(until)),
                _ => String::new(),
            };
            writeln!(out, "{}  record {short}{what}, {why}, {}{stage}", row.number, day(row.at))?;
            if let Some(obeyed) = row.obeyed_by_its_hub {
                let said = if obeyed { "has erased it at its source" } else { "has not erased it at its source yet" };
                writeln!(out, "     {} {said}", row.hub)?;
            }
            for rec in &row.repeated_here {
                let short = rec.to_string().chars().take(8).collect::<String>();
                writeln!(
                    out,
                    "     this hub's own entry {short} was taken from it; `mutuald erase {short}` erases that too"
                )?;
            }
            for partner in &row.partners {
                match (partner.confirmed, partner.still_serves) {
                    (Some(on), None) => writeln!(out, "     {}: confirmed on {}", partner.hub, day(on))?,
                    (Some(on), Some(found)) => writeln!(
                        out,
                        "     {}: confirmed on {}, but it STILL SERVES it, as found on {}; ask them",
                        partner.hub,
                        day(on),
                        day(found)
                    )?,
                    (None, _) => {
                        let reached = partner
                            .reached
                            .map_or("never reached".to_owned(), |at| format!("last reached {}", day(at)));
                        writeln!(out, "     {}: not confirmed since {} ({reached})", partner.hub, day(row.at))?;
                    }
                }
            }
        }
        super::erase::left(out, &self.files_left)
    }
}

#[derive(Serialize)]
struct Written {
    #[serde(flatten)]
    letter: Letter,
    file: Option<PathBuf>,
}

impl fmt::Display for Written {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(file) => write!(out, "The letter is in {}; put in the name and the date.", file.display()),
            None => write!(out, "{}", self.letter),
        }
    }
}

#[derive(Serialize)]
struct Looks {
    partners: Vec<Looked>,
    failed: Vec<String>,
}

impl fmt::Display for Looks {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for looked in &self.partners {
            let words = |n: usize| count(n as u64, "entry", "entries");
            match (looked.relays, looked.still_served.len(), looked.not_yet.len()) {
                (false, ..) => writeln!(out, "{}: does not pass our list on", looked.hub)?,
                (true, 0, 0) => writeln!(out, "{}: passes our list on, and nothing erased with it", looked.hub)?,
                (true, 0, late) => {
                    writeln!(out, "{}: still serves {}; it has not confirmed yet", looked.hub, words(late))?
                }
                (true, n, _) => {
                    writeln!(out, "{}: STILL SERVES {} that it confirmed to be gone; ask them", looked.hub, words(n))?;
                }
            }
        }
        self.failed.iter().try_for_each(|line| writeln!(out, "{line}"))
    }
}

#[derive(Serialize)]
struct Done {
    number: i64,
}

impl fmt::Display for Done {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Request {} is taken back; the entry comes again with one of the next pulls.", self.number)
    }
}

async fn one(hub: &Hub, number: i64) -> anyhow::Result<Row> {
    let found = hub.erasures().await?.into_iter().find(|row| row.number == number);
    found.ok_or_else(|| {
        Failure::usage(format!("there is no erasure {number}"), "`mutuald erasure status` lists them").into()
    })
}

impl Erasure {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let hub = context.hub().await?;
        match self {
            Erasure::Status { number } => {
                let erasures = match number {
                    Some(number) => vec![one(hub, number).await?],
                    None => hub.erasures().await?,
                };
                let files_left = hub.files_left().await?;
                let look = erasures.iter().any(Row::open) || !files_left.is_empty();
                let shown = Shown { erasures, files_left, zone: hub.config.time_zone()? };
                Ok(Answer::of(&shown)?.look_if(look))
            }
            Erasure::Letter { number, out } => {
                let letter = letter::answer(hub, &one(hub, number).await?).await?;
                if let Some(file) = &out {
                    super::export::writable(file, false)?;
                    std::fs::write(file, letter.to_string())
                        .with_context(|| format!("cannot write {}", file.display()))?;
                }
                Answer::of(&Written { letter, file: out })
            }
            Erasure::Look { partner } => {
                let partners = match partner {
                    Some(wanted) => vec![hub.partner(&wanted).await?],
                    None => partner::all(&mut *hub.store.read().await?).await?,
                };
                let mut looks = Looks { partners: Vec::new(), failed: Vec::new() };
                for partner in &partners {
                    match hub.look_at(partner).await {
                        Ok(looked) => looks.partners.push(looked),
                        Err(error) => looks.failed.push(format!("{}: {error:#}", partner.name)),
                    }
                }
                let look =
                    !looks.failed.is_empty() || looks.partners.iter().any(|looked| !looked.still_served.is_empty());
                Ok(Answer::of(&looks)?.look_if(look))
            }
            Erasure::TakeBack { number } => {
                let mut db = hub.store.read().await?;
                let rows = erase::after(&mut db, number - 1).await?;
                drop(db);
                let row = rows.into_iter().find(|row| row.n == number && row.how == How::Asked);
                let row = row.ok_or_else(|| {
                    let what =
                        format!("{number} is no request about another hub's entry; an erasure itself cannot be undone");
                    Failure::usage(what, "`mutuald erasure status` lists them")
                })?;
                hub.take_back(&row).await?;
                Answer::of(&Done { number })
            }
        }
    }
}
