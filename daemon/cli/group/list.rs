//! `mutuald group list`

use crate::cli::output::{count, lines, table};
use crate::cli::{Answer, Context, Failure};
use crate::node::groups::{self, Filter, words};
use crate::store::registry::GroupRow;
use serde::Serialize;
use std::fmt;

/// List groups by words, topic, place or status
#[derive(Debug, clap::Args)]
pub struct List {
    /// Words that are all in the entry: names, topics, places, the group's own words
    words: Vec<String>,
    /// A topic; narrower topics count as well
    #[arg(long)]
    topic: Option<String>,
    /// A town, venue or beginning of a postcode
    #[arg(long)]
    place: Option<String>,
    /// A status, such as running, closed, on a break
    #[arg(long)]
    status: Option<String>,
    /// How many to show; 0 for all
    #[arg(long, default_value_t = 50, value_name = "N")]
    limit: usize,
}

/// A group in a list.
#[derive(Serialize)]
pub(in crate::cli) struct Line {
    name: String,
    place: String,
    status: String,
    checked: String,
    hubs: i64,
    records: i64,
    disagree: Vec<String>,
}

impl From<&GroupRow> for Line {
    fn from(row: &GroupRow) -> Line {
        Line {
            name: row.name.clone(),
            place: row.place.clone(),
            status: if row.status.is_empty() { String::new() } else { words::term_label("statuses", &row.status) },
            checked: row.checked.clone(),
            hubs: row.hubs,
            records: row.members,
            disagree: row.conflicts.clone(),
        }
    }
}

#[derive(Serialize)]
struct Found {
    total: usize,
    groups: Vec<Line>,
}

impl fmt::Display for Found {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.groups.is_empty() {
            return out.write_str("No group is found. Fewer or other words may find some.");
        }
        let mut shown = table(&["name", "place", "status", "checked", "hubs", "disagreement about"]);
        for line in &self.groups {
            let disagree: Vec<&str> = line.disagree.iter().map(|unit| words::unit_label(unit)).collect();
            shown.add_row([
                &line.name,
                &line.place,
                &line.status,
                &line.checked,
                &line.hubs.to_string(),
                &disagree.join(", "),
            ]);
        }
        writeln!(out, "{}", lines(&shown))?;
        let rest = self.total - self.groups.len();
        write!(out, "{}", count(self.total as u64, "group", "groups"))?;
        if rest > 0 { write!(out, "; {rest} not shown (--limit 0 shows all)") } else { Ok(()) }
    }
}

impl List {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let topic = match &self.topic {
            None => None,
            Some(text) => Some(groups::topic(text).ok_or_else(|| {
                Failure::usage(
                    format!("no topic is called {text:?}"),
                    format!("try it as a word: `mutuald group list {text}`"),
                )
            })?),
        };
        let status = match &self.status {
            None => None,
            Some(text) => Some(
                words::term("statuses", text)
                    .map_err(|next| Failure::usage(format!("no status is called {text:?}"), next))?,
            ),
        };
        let filter = Filter { words: self.words.join(" "), topic, place: self.place, status };
        let hub = context.hub().await?;
        let mut db = hub.store.read().await?;
        let rows = groups::list(&mut db, &filter).await?;
        let most = if self.limit == 0 { rows.len() } else { self.limit };
        Answer::of(&Found { total: rows.len(), groups: rows.iter().take(most).map(Line::from).collect() })
    }
}
