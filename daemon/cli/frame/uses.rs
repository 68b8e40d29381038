//! `mutuald frame use`

use crate::cli::output::{lines, table};
use crate::cli::{Answer, Context, Failure};
use crate::node::frames::uses::{NewUse, Use};
use jiff::civil::Date;
use serde::Serialize;
use std::fmt;
use std::path::Path;

/// The register of research uses: which study may use which frame, for what, and until when
#[derive(Debug, clap::Subcommand)]
pub enum Uses {
    /// Note a use, before anything is handed over
    Add(Box<Add>),
    /// Show the register
    List {
        /// Those that have ended too
        #[arg(long)]
        all: bool,
    },
    /// Note that a use goes on until another day, when its approval was renewed
    Extend {
        /// Its number
        number: i64,
        /// The new last day
        #[arg(long, value_name = "DAY")]
        until: Date,
    },
    /// Note that a use has ended: the organisation said that it deleted what it was given
    End {
        /// Its number
        number: i64,
    },
}

/// A use to be noted.
#[derive(Debug, clap::Args)]
pub struct Add {
    /// The study
    study: String,
    /// The frame: the folder of a frozen one, or a name
    #[arg(long, value_name = "FRAME")]
    frame: String,
    /// The ethics committee and its reference
    #[arg(long, value_name = "REFERENCE")]
    ethics: String,
    /// What the frame is used for, in a sentence that names nobody
    #[arg(long, value_name = "WORDS")]
    purpose: String,
    /// The organisation that it is released to; never a person
    #[arg(long, value_name = "ORGANISATION")]
    to: String,
    /// A field of the frame that is released, such as focus_domain; again for more
    #[arg(long = "field", value_name = "FIELD", required = true)]
    fields: Vec<String>,
    /// Last day of the use
    #[arg(long, value_name = "DAY")]
    until: Date,
}

#[derive(Serialize)]
struct Register {
    uses: Vec<Use>,
    #[serde(skip)]
    all: bool,
}

impl fmt::Display for Register {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.uses.is_empty() {
            let which = if self.all { "No use is noted." } else { "No use is under way." };
            return write!(out, "{which} `mutuald frame use add STUDY …` notes one before a frame is handed over.");
        }
        let mut shown = table(&["no.", "study", "frame", "released to", "ethics", "until", "fields"]);
        for one in &self.uses {
            let until = match (one.ended, one.days_left) {
                (Some(ended), _) => format!("ended {ended}"),
                (None, Some(left)) if left < 0 => format!("{} (past)", one.until),
                _ => one.until.to_string(),
            };
            shown.add_row([
                one.number.to_string(),
                one.study.clone(),
                one.frame.clone(),
                one.reader.clone(),
                one.ethics.clone(),
                until,
                one.fields.join(", "),
            ]);
        }
        write!(out, "{}", lines(&shown))?;
        for reminder in self.uses.iter().filter_map(Use::reminder) {
            write!(out, "\n\n{reminder}.")?;
        }
        Ok(())
    }
}

#[derive(Serialize)]
struct Noted {
    number: i64,
    #[serde(skip)]
    words: String,
}

impl fmt::Display for Noted {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.words)
    }
}

impl Uses {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let hub = context.hub().await?;
        let refused =
            |error: anyhow::Error| Failure::usage(format!("{error:#}"), "`mutuald frame use list` shows the register");
        match self {
            Uses::Add(add) => {
                let Add { study, frame, ethics, purpose, to, fields, until } = *add;
                let (name, digest) = of(context, &frame).await?;
                let new = NewUse { study, ethics, purpose, frame: name, digest, reader: to, fields, until };
                let number = hub.note_use(&new).await.map_err(refused)?;
                let words = format!(
                    "Noted as {number}: {} may use {} for {} until {until}. `mutuald documents` shows it to the trustees; `mutuald status` reminds of its end.",
                    new.reader, new.frame, new.study
                );
                Answer::of(&Noted { number, words })
            }
            Uses::List { all } => {
                let mut uses = hub.uses().await?;
                uses.retain(|one| all || one.ended.is_none());
                let overdue = uses.iter().any(Use::overdue);
                Ok(Answer::of(&Register { uses, all })?.look_if(overdue))
            }
            Uses::Extend { number, until } => {
                hub.extend_use(number, until).await.map_err(refused)?;
                Answer::of(&Noted { number, words: format!("Use {number} goes on until {until}.") })
            }
            Uses::End { number } => {
                hub.end_use(number).await.map_err(refused)?;
                Answer::of(&Noted { number, words: format!("Use {number} has ended.") })
            }
        }
    }
}

/// Name and digest of what somebody means: a frozen folder, a published frame, or a name that is defined here.
async fn of(context: &Context, words: &str) -> anyhow::Result<(String, Option<String>)> {
    let folder = Path::new(words);
    if folder.is_dir() {
        let checked = super::opened(folder)?.checked;
        return Ok((checked.frame.unwrap_or_default(), checked.digest));
    }
    match super::publish::meant(context.hub().await?, words, false).await {
        Ok(shared) => Ok((shared.part.sample_frame_name, Some(shared.part.digest))),
        // Not published; then it must be defined here.
        Err(_) => Ok((super::named(context, words).await?.definition.sample_frame_name, None)),
    }
}
