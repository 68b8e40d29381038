//! `mutuald subject`

use super::{Answer, Context, Failure};
use anyhow::Context as _;
use serde::Serialize;
use std::fmt;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

/// What is held about one person, for whoever asks to see it
#[derive(Debug, clap::Subcommand)]
pub enum Subject {
    /// Write down everything that is held about a person or role contact: as a page, or as JSON when the file ends in .json
    Export {
        /// `person 3`, `contact 2`, or a name, mailbox or number
        wanted: String,
        /// The file; it must not exist
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

#[derive(Serialize)]
struct Done {
    subject: String,
    file: PathBuf,
}

impl fmt::Display for Done {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "All that is held about {} is in {}. Read it first: fill in what is marked [TO FILL IN], and black out what is about somebody \
             else.\nHand it over, then delete the file; when the entry is removed, the file goes too, unless it was changed.",
            self.subject,
            self.file.display()
        )
    }
}

impl Subject {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let hub = context.hub().await?;
        let Subject::Export { wanted, out } = self;
        if out.exists() {
            let what = format!("{} is there already; nothing was written", out.display());
            return Err(Failure::new(what, "choose another name").into());
        }
        let subject = hub.subject(&wanted).await.map_err(|error| {
            Failure::usage(format!("{error:#}"), "`mutuald person list` and `mutuald contact list` show the numbers")
        })?;
        let held = hub.all_about(subject).await?;
        let text = match out.extension().and_then(|end| end.to_str()) {
            Some("json") => serde_json::to_string_pretty(&held)?,
            _ => held.page(),
        };
        // Readable by nobody else on this machine.
        // Known before it is written: when the entry goes, so does this.
        hub.wrote(&out, &held.subject, Some(text.as_bytes())).await?;
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&out)
            .with_context(|| format!("cannot make {}", out.display()))?;
        file.write_all(text.as_bytes()).with_context(|| format!("cannot write {}", out.display()))?;
        Answer::of(&Done { subject: held.subject, file: out })
    }
}
