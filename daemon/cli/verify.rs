//! `mutuald verify`, and `mutuald feed check`: the same look, at anybody's feed or at one's own folder.

use super::output::{Failure, Status};
use super::{Answer, Context};
use crate::limits::Limits;
use crate::peer::audit::{self, Source};
use crate::peer::client::Client;
use crate::peer::pull::document_url;
use crate::record::HubId;
use indicatif::{ProgressBar, ProgressStyle};
use std::path::PathBuf;

/// Check a feed, every file and signature of it; needs no hub, database or configuration
#[derive(Debug, clap::Args)]
pub struct Verify {
    /// Web address or folder of the feed
    #[arg(value_name = "URL-OR-FOLDER")]
    feed: String,
    /// The hub it must belong to (h-…)
    #[arg(long, value_name = "HUB-ID")]
    hub: Option<HubId>,
    /// Let it go to this machine and to private addresses, without TLS
    #[arg(long)]
    allow_private: bool,
}

impl Verify {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let source = if self.feed.contains("://") {
            let client = Client::new(&Limits::default(), self.allow_private, None)?;
            Source::Url(client, document_url(&self.feed)?)
        } else {
            Source::Folder(PathBuf::from(&self.feed))
        };
        look(&source, self.hub, context).await
    }
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
