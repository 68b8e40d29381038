//! `mutuald run`

use super::{Answer, Context};
use crate::node::{logging, run};

/// Run the daemon: pull partner hubs on schedule, serve the feed and the directory
#[derive(Debug, clap::Args)]
pub struct Run {
    /// A sentence to show above every page
    #[arg(long)]
    notice: Option<String>,
}

impl Run {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let config = context.config()?;
        logging::start(&config.log, context.log())?;
        let options = run::Options { file: Some(context.file()), notice: self.notice };
        run::run(config, options).await?;
        Ok(Answer::nothing())
    }
}
