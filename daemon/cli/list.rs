//! `mutuald list`

use super::output::{lines, table};
use super::{Answer, Context, Failure};
use crate::node::groups::{self, words};
use crate::node::{Said, init};
use crate::record::List as Record;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use uuid::Uuid;

/// This hub's lists: where its rows come from
#[derive(Debug, clap::Subcommand)]
pub enum List {
    /// Add a list
    Add {
        /// What people call it
        title: String,
        #[command(flatten)]
        about: About,
    },
    /// Show this hub's lists, or one of them
    Show {
        /// Its title, or a part of it
        title: Option<String>,
    },
}

/// What is said of a list when it is made.
#[derive(Debug, Default, clap::Args)]
pub struct About {
    /// Kind of source: own, spreadsheet, website, database, printed-directory … [default: spreadsheet]
    #[arg(long)]
    pub kind: Option<String>,
    /// Licence its rows are shared under, as an SPDX id or web address
    #[arg(long)]
    pub licence: Option<String>,
    /// A list it was copied from, by title or web address; may be given several times
    #[arg(long = "derived-from", value_name = "LIST")]
    pub derived_from: Vec<String>,
    /// It is known to name one group more than once
    #[arg(long)]
    pub holds_duplicates: bool,
}

impl About {
    /// Whether anything was said.
    pub fn is_empty(&self) -> bool {
        self.kind.is_none() && self.licence.is_none() && self.derived_from.is_empty() && !self.holds_duplicates
    }

    /// The list's public part.
    ///
    /// # Errors
    /// A kind that is not known.
    pub fn list(&self, title: &str) -> anyhow::Result<Record> {
        let kind = self.kind.as_deref().unwrap_or("spreadsheet");
        let kind = words::term("source-kinds", kind)
            .map_err(|next| Failure::usage(format!("no kind of source is called {kind:?}"), next))?;
        Ok(Record {
            title: title.trim().to_owned(),
            kind,
            licence: self.licence.clone(),
            derived_from: self.derived_from.clone(),
            duplicates: self.holds_duplicates,
            ..Record::default()
        })
    }
}

/// Finds one of this hub's lists by title, or a part of it.
///
/// # Errors
/// Several fit. None is `None`.
pub fn named<'a>(lists: &'a [(Uuid, Record)], wanted: &str) -> anyhow::Result<Option<&'a (Uuid, Record)>> {
    let lower = wanted.trim().to_lowercase();
    if let Some(exact) = lists.iter().find(|(_, list)| list.title.to_lowercase() == lower) {
        return Ok(Some(exact));
    }
    let fits: Vec<_> = lists.iter().filter(|(_, list)| list.title.to_lowercase().contains(&lower)).collect();
    match fits[..] {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        _ => {
            let titles: Vec<&str> = fits.iter().map(|(_, list)| list.title.as_str()).collect();
            Err(Failure::usage(format!("several lists fit {wanted:?}: {}", titles.join("; ")), "write the whole title")
                .into())
        }
    }
}

#[derive(Serialize)]
struct Added {
    #[serde(flatten)]
    list: Record,
    said: Said,
}

impl fmt::Display for Added {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{:?} is a list of this hub now. Import into it: mutuald import FILE --list '{}'",
            self.list.title, self.list.title
        )
    }
}

#[derive(Serialize)]
struct Line {
    #[serde(flatten)]
    list: Record,
    records: usize,
}

#[derive(Serialize)]
#[serde(transparent)]
struct Lines(Vec<Line>);

impl fmt::Display for Lines {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = table(&["list", "kind", "groups", "licence", "copied from"]);
        for Line { list, records } in &self.0 {
            let kind = words::term_label("source-kinds", &list.kind);
            let licence = list.licence.as_deref().unwrap_or("as the hub's");
            shown.add_row([&list.title, &kind, &records.to_string(), licence, &list.derived_from.join("; ")]);
        }
        out.write_str(&lines(&shown))
    }
}

impl List {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let hub = context.hub().await?;
        let mut db = hub.store.read().await?;
        let lists = groups::own_lists(hub, &mut db).await?;
        match self {
            List::Add { title, about } => {
                if lists.iter().any(|(_, list)| list.title.to_lowercase() == title.trim().to_lowercase()) {
                    let what = format!("there is a list called {title:?} already; nothing was changed");
                    return Err(Failure::new(what, "`mutuald list show` shows the lists").into());
                }
                let list = about.list(&title)?;
                drop(db);
                let said = hub.say(&[init::list(context.chance.id(), 1, &list)?]).await?;
                Answer::of(&Added { list, said })
            }
            List::Show { title } => {
                let wanted = match &title {
                    None => lists,
                    Some(title) => match named(&lists, title)? {
                        Some(list) => vec![list.clone()],
                        None => {
                            return Err(Failure::usage(
                                format!("no list is called {title:?}"),
                                "`mutuald list show` shows all",
                            )
                            .into());
                        }
                    },
                };
                let mut counts: BTreeMap<Uuid, usize> = BTreeMap::new();
                for one in groups::own_records(hub, &mut db).await? {
                    *counts.entry(one.group.list.unwrap_or_default()).or_default() += 1;
                }
                let line = |(id, list): (Uuid, Record)| Line { list, records: counts.get(&id).copied().unwrap_or(0) };
                Answer::of(&Lines(wanted.into_iter().map(line).collect()))
            }
        }
    }
}
