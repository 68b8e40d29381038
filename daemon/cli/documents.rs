//! `mutuald documents`

use super::{Answer, Context, Failure};
use crate::node::documents::{self, Document};
use anyhow::Context as _;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

/// Documents for trustees and for the people whose details are kept, made from the settings in force
#[derive(Debug, clap::Subcommand)]
pub enum Documents {
    /// Write all of them into a folder: register of processing, privacy notice, an annex for each partner hub, Article 14 texts
    Make {
        /// The folder; documents of the same name in it are replaced
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Markdown instead of pages
        #[arg(long)]
        markdown: bool,
    },
    /// Show one: register, notice, or the beginning of another's name; without a name, list them
    Show {
        /// Its name
        name: Option<String>,
    },
}

#[derive(Serialize)]
struct Names {
    documents: Vec<(String, String)>,
    /// Settings that some of them lack, as `documents.controller`.
    missing: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    folder: Option<PathBuf>,
}

impl fmt::Display for Names {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, title) in &self.documents {
            writeln!(out, "{name}: {title}")?;
        }
        if !self.missing.is_empty() {
            writeln!(
                out,
                "\nNot whole yet: the settings lack {}. Where they belong, the documents say [TO FILL IN]; write them into [documents], \
                 then make the documents again.",
                self.missing.join(", ")
            )?;
        }
        match &self.folder {
            Some(folder) => write!(out, "Written to {}. A starting place, and no legal advice.", folder.display()),
            None => write!(out, "`mutuald documents show NAME` shows one."),
        }
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Shown(Document);

impl fmt::Display for Shown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0.markdown())
    }
}

impl Documents {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let all = context.hub().await?.documents().await?;
        let names = |folder: Option<PathBuf>| {
            let missing: BTreeSet<String> = all.iter().flat_map(Document::missing).collect();
            let documents = all.iter().map(|one| (one.name.clone(), one.title.clone())).collect();
            let look = !missing.is_empty();
            Ok(Answer::of(&Names { documents, missing: missing.into_iter().collect(), folder })?.look_if(look))
        };
        match self {
            Documents::Make { out, markdown } => {
                std::fs::create_dir_all(&out).with_context(|| format!("cannot make {}", out.display()))?;
                for one in &all {
                    let (text, end) = if markdown { (one.markdown(), "md") } else { (one.page(), "html") };
                    let file = out.join(format!("{}.{end}", one.name));
                    std::fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
                }
                names(Some(out))
            }
            Documents::Show { name: None } => names(None),
            Documents::Show { name: Some(name) } => match all.iter().find(|one| one.name.starts_with(&name)) {
                Some(one) => Ok(Answer::of(&Shown(one.clone()))?.look_if(documents::has_gaps(&one.markdown()))),
                None => {
                    let next = "`mutuald documents show` lists them";
                    Err(Failure::usage(format!("there is no document called {name:?}"), next).into())
                }
            },
        }
    }
}
