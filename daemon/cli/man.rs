//! `mutuald man`

use super::{Answer, whole};
use anyhow::Context as _;
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;

/// Write the manual page; with --out, one page for each command
#[derive(Debug, clap::Args)]
pub struct Man {
    /// Folder for the pages; it is made where it is missing
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

#[derive(Serialize)]
struct Pages {
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    folder: Option<PathBuf>,
    files: usize,
}

impl fmt::Display for Pages {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.page, &self.folder) {
            (Some(page), _) => out.write_str(page),
            (None, Some(folder)) => write!(out, "{} manual pages in {}", self.files, folder.display()),
            (None, None) => Ok(()),
        }
    }
}

impl Man {
    pub(super) fn run(self) -> anyhow::Result<Answer> {
        let Some(folder) = self.out else {
            let mut page = Vec::new();
            clap_mangen::Man::new(whole()).render(&mut page)?;
            return Answer::of(&Pages { page: Some(String::from_utf8(page)?), folder: None, files: 1 });
        };
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        clap_mangen::generate_to(whole(), &folder).with_context(|| format!("cannot write to {}", folder.display()))?;
        let files = std::fs::read_dir(&folder)?.count();
        Answer::of(&Pages { page: None, folder: Some(folder), files })
    }
}
