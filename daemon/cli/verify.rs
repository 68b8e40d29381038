//! `mutuald verify`, and `mutuald feed check`: the same look, at anybody's feed or at one's own folder.

use super::output::{Failure, Status};
use super::{Answer, Context};
use crate::feed::{Checkpoint, VerifyKey, hub};
use crate::limits::Limits;
use crate::peer::audit::{self, Source};
use crate::peer::client::Client;
use crate::peer::pull::document_url;
use crate::record::HubId;
use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::fmt;
use std::path::{Path, PathBuf};

/// Check a feed, every file and signature of it; needs no hub, database or configuration
#[derive(Debug, clap::Args)]
pub struct Verify {
    /// Web address or folder of the feed
    #[arg(value_name = "URL-OR-FOLDER", required_unless_present = "fork")]
    feed: Option<String>,
    /// Two signed notes: do they prove that one key said two things?
    #[arg(long, num_args = 2, value_names = ["NOTE", "NOTE"], conflicts_with = "feed")]
    fork: Option<Vec<PathBuf>>,
    /// For --fork: verifier key of the list (name+id+key, as its hub document says)
    #[arg(long, value_name = "KEY", requires = "fork")]
    key: Option<String>,
    /// For --fork: the hub document before two documents of one version
    #[arg(long, value_name = "FILE", requires = "fork")]
    after: Option<PathBuf>,
    /// The hub it must belong to (h-…)
    #[arg(long, value_name = "HUB-ID")]
    hub: Option<HubId>,
    /// Let it go to this machine and to private addresses, without TLS
    #[arg(long)]
    allow_private: bool,
}

impl Verify {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        if let Some(notes) = &self.fork {
            return fork(notes, self.key.as_deref(), self.after.as_deref());
        }
        let feed = self.feed.unwrap_or_default();
        let source = if feed.contains("://") {
            let client = Client::new(&Limits::default(), self.allow_private, None)?;
            Source::Url(client, document_url(&feed)?)
        } else {
            Source::Folder(PathBuf::from(&feed))
        };
        look(&source, self.hub, context).await
    }
}

#[derive(Serialize)]
struct Verdict {
    proven: bool,
    #[serde(skip)]
    text: String,
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

/// Whether two notes prove, by themselves, that one key said two things that cannot both be true.
fn fork(notes: &[PathBuf], key: Option<&str>, after: Option<&Path>) -> anyhow::Result<Answer> {
    let read = |file: &Path| std::fs::read(file).with_context(|| format!("cannot read {}", file.display()));
    let [one, other] = [&notes[0], &notes[1]].map(|file| read(file));
    let (one, other) = (one?, other?);
    let verdict = |proven, text: String| {
        let answer = Answer::of(&Verdict { proven, text })?;
        Ok(if proven { answer } else { answer.ending(Status::Failed) })
    };
    if one.starts_with(hub::HEADER.as_bytes()) {
        let after = after.ok_or_else(|| {
            Failure::usage(
                "the hub document before these two is needed",
                "--after FILE; it stands at hub/NUMBER of the feed",
            )
        })?;
        let before = read(after)?;
        let id = match hub::version_of(&before)? {
            1 => hub::open(&before, None)?.id,
            _ => hub::named(&before)?,
        };
        let before = hub::reopen(&before, id)?;
        return match hub::equivocates(&before, &one, &other) {
            true => verdict(
                true,
                format!(
                    "PROVEN: the root keys of {id} signed two different documents of version {}.",
                    before.document.version + 1
                ),
            ),
            false => verdict(
                false,
                "Not proven: they are not two different documents that both follow from the one before.".into(),
            ),
        };
    }
    let key = key.ok_or_else(|| {
        Failure::usage(
            "the list's verifier key is needed",
            "--key 'name+id+key'; the hub's document (.well-known/groups-hub) has it as vkey",
        )
    })?;
    let key = VerifyKey::parse(key)?;
    let open = |note: &[u8]| Checkpoint::signed(note, &key);
    let (one, other) = match (open(&one), open(&other)) {
        (Ok(one), Ok(other)) => (one, other),
        (Err(error), _) | (_, Err(error)) => {
            return verdict(false, format!("Not proven: a note was not signed by {}: {error}.", key.name()));
        }
    };
    if one == other {
        return verdict(false, "Not proven: both say the same.".into());
    }
    if one.0 == other.0 {
        return verdict(true, format!("PROVEN: {} signed two different lists of {} entries.", key.name(), one.0));
    }
    verdict(
        false,
        format!(
            "Both were signed by {}, over {} and {} entries. Notes of different length prove nothing by themselves: ask for a \
             feed or relay that shows the longer one, and compare what it holds at the shorter length.",
            key.name(),
            one.0,
            other.0
        ),
    )
}

/// Looks at a feed with a progress bar.
pub(super) async fn look(source: &Source, hub: Option<HubId>, context: &Context) -> anyhow::Result<Answer> {
    let bar = if context.json { ProgressBar::hidden() } else { ProgressBar::new(0) };
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos} of {len} statements checked") {
        bar.set_style(style);
    }
    let found = audit::audit(source, hub, |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    })
    .await;
    bar.finish_and_clear();
    let found = found.map_err(|error| {
        let next = "check the address or folder; what a hub signs cannot be read in part";
        Failure::partner(format!("{error} ({})", error.code()), next)
    })?;
    let answer = Answer::of(&found)?;
    Ok(if found.sound() { answer } else { answer.ending(Status::Look) })
}
