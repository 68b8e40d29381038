//! `mutuald completions`

use super::{Answer, whole};
use clap::ValueEnum;
use clap_complete::Shell;
use serde::Serialize;
use std::fmt;

/// Write completions for a shell, to be saved where that shell looks for them
#[derive(Debug, clap::Args)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Serialize)]
struct Script {
    shell: String,
    script: String,
}

impl fmt::Display for Script {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.script)
    }
}

impl Completions {
    pub(super) fn run(self) -> anyhow::Result<Answer> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut whole(), "mutuald", &mut script);
        let shell = self.shell.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        Answer::of(&Script { shell, script: String::from_utf8(script)? })
    }
}
