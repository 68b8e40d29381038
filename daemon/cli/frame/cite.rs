//! `mutuald frame cite`

use crate::cli::{Answer, Context, Failure};
use crate::frame::citation::Citation;
use crate::node::frames::verify::Opened;
use anyhow::Context as _;
use serde::Serialize;
use serde_json::Value;
use std::fmt;
use std::path::{Path, PathBuf};

/// How a citation is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// In one sentence
    Text,
    /// CITATION.cff, Citation File Format 1.2.0
    Cff,
    /// DataCite 4.5 metadata in JSON, to which an archive adds its DOI
    Datacite,
}

/// Cite a frame: one that a hub has published, or a frozen folder
#[derive(Debug, clap::Args)]
pub struct Cite {
    /// Its name, name@digest, the beginning of its digest, or the folder
    frame: String,
    /// How
    #[arg(long = "as", value_enum, default_value = "text", value_name = "FORM")]
    form: Form,
    /// Write it to a file instead
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Serialize)]
struct Cited {
    text: String,
    cff: String,
    datacite: Value,
    #[serde(skip)]
    form: Form,
    #[serde(skip_serializing_if = "Option::is_none")]
    written: Option<PathBuf>,
}

impl Cited {
    fn shown(&self) -> String {
        match self.form {
            Form::Text => format!("{}\n", self.text),
            Form::Cff => self.cff.clone(),
            Form::Datacite => format!("{:#}\n", self.datacite),
        }
    }
}

impl fmt::Display for Cited {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.written {
            Some(path) => write!(out, "Written to {}.", path.display()),
            None => out.write_str(&self.shown()),
        }
    }
}

impl Cite {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let folder = Path::new(&self.frame);
        let citation = if folder.is_dir() {
            of_folder(folder)?
        } else {
            super::publish::meant(context.hub().await?, &self.frame, false).await?.citation()
        };
        let mut cited = Cited {
            text: citation.text(),
            cff: citation.cff(),
            datacite: citation.datacite(),
            form: self.form,
            written: None,
        };
        if let Some(path) = self.out {
            if path.exists() {
                let what = format!("{} is there already; nothing was written", path.display());
                return Err(Failure::new(what, "name another file").into());
            }
            std::fs::write(&path, cited.shown()).with_context(|| format!("cannot write {}", path.display()))?;
            cited.written = Some(path);
        }
        Answer::of(&cited)
    }
}

/// That of a folder, which needs no hub.
fn of_folder(folder: &Path) -> anyhow::Result<Citation> {
    let Opened { checked, frame, .. } = super::opened(folder)?;
    let (Some(frame), Some(digest), Some(frozen), Some(hub), Some(name)) =
        (frame, checked.digest, checked.frozen, checked.hub, checked.hub_name)
    else {
        return Err(
            Failure::new(format!("{} holds no frame", folder.display()), "name the folder of a frozen frame").into()
        );
    };
    Ok(Citation::of(&frame, &digest, frozen, (hub, &name)))
}
