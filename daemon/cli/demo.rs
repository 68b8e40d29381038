//! `mutuald demo`

use super::{Answer, Context};
use crate::node::demo;
use std::path::PathBuf;

/// Four hubs with invented groups, live on this machine, with pages to open; Ctrl-C stops them
#[derive(Debug, clap::Args)]
pub struct Demo {
    /// Leave the four hubs in this folder instead of removing them
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Invent other groups
    #[arg(long, default_value_t = 2013)]
    seed: u64,
    /// Stop as soon as every hub has pulled its partners once
    #[arg(long)]
    once: bool,
    /// Play what goes wrong in a hub's life: an erasure, a lying hub, a stolen key, an old backup; every command and answer is
    /// shown. Stops by itself
    #[arg(long)]
    drill: bool,
    /// Play a study, the ESTEEM case: two frames, two hubs that draw apart, a refusal, response rates; every command and answer is
    /// shown. Stops by itself
    #[arg(long, conflicts_with = "drill")]
    study: bool,
}

impl Demo {
    pub(super) async fn run(self, _: &Context) -> anyhow::Result<Answer> {
        let Demo { keep, seed, once, drill, study } = self;
        demo::run(&demo::Options { keep, seed, once, drill, study }).await?;
        Ok(Answer::nothing())
    }
}
