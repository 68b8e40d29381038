//! `mutuald frame export`

use crate::cli::output::{lines, table};
use crate::cli::{Answer, Failure};
use crate::exchange::frame::Format;
use crate::node::frames::export::{self, Exported};
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

/// A frozen frame for other programs. Without --to nothing is written: what would be is listed.
#[derive(Debug, clap::Args)]
pub struct Export {
    /// The folder of the frozen frame
    folder: PathBuf,
    /// The folder to write, which must not be there yet
    #[arg(long, value_name = "FOLDER")]
    to: Option<PathBuf>,
    /// With a sample: the draw's file in the frame's folder, or only its number (1 for draws/1.txt)
    #[arg(long, value_name = "DRAW")]
    sample: Option<String>,
    /// In what form; again for more
    #[arg(long, value_enum, default_values_t = [Format::Package])]
    format: Vec<Format>,
}

#[derive(Serialize)]
struct Told {
    #[serde(flatten)]
    exported: Exported,
    /// Where it was written.
    to: Option<PathBuf>,
}

impl fmt::Display for Told {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Exported { frame, units, sample, draws, files, cautions, .. } = &self.exported;
        let with = sample.as_ref().map_or_else(String::new, |file| format!(", with the sample {file}"));
        writeln!(out, "Frame {frame}, {units} units{with}")?;
        let mut shown = table(&["file", "rows", "bytes", "what it is"]);
        for file in files {
            let rows = file.rows.map_or_else(String::new, |rows| rows.to_string());
            shown.add_row([&file.file, &rows, &file.bytes.to_string(), &file.title]);
        }
        writeln!(out, "{}\n", lines(&shown))?;
        cautions.iter().try_for_each(|caution| writeln!(out, "{caution}"))?;
        if sample.is_none() && !draws.is_empty() {
            let all: Vec<String> = draws.iter().map(|(file, study)| format!("{file} ({study})")).collect();
            writeln!(out, "Samples of this frame, each exported with --sample: {}.", all.join(", "))?;
        }
        writeln!(
            out,
            "No name, contact or place of a group is in these files but its area's code. Ids lead to public entries: publish study numbers instead."
        )?;
        match &self.to {
            Some(to) => write!(out, "Written to {}", to.display()),
            None => write!(out, "Nothing was written. With --to FOLDER it is."),
        }
    }
}

impl Export {
    pub(super) fn run(self) -> anyhow::Result<Answer> {
        let formats: BTreeSet<Format> = self.format.iter().copied().collect();
        let exported = export::export(&self.folder, self.sample.as_deref(), &formats, self.to.as_deref()).map_err(|error| {
            let next = match (&self.to, &self.sample) {
                (Some(to), _) if to.exists() => "name a folder that is not there".to_owned(),
                (_, Some(_)) => format!("`mutuald frame export {}` without --sample lists the draws", self.folder.display()),
                _ => format!("name the folder that `mutuald frame freeze` wrote; `mutuald frame verify {}` says what is wrong with it", self.folder.display()),
            };
            Failure::new(format!("{error:#}"), next)
        })?;
        Answer::of(&Told { exported, to: self.to })
    }
}
