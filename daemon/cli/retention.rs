//! `mutuald retention`

use super::output::{lines, table};
use super::{Answer, Context};
use crate::node::retention::{Due, Kind};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// How long local data is kept: see what is due, then remove it
#[derive(Debug, clap::Subcommand)]
pub enum Retention {
    /// List what is due by the settings' [retention]; nothing is changed
    Preview,
    /// Remove what is due
    Apply {
        /// Without asking
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Serialize)]
#[serde(transparent)]
struct Rows(Vec<Due>);

impl fmt::Display for Rows {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return out.write_str("Nothing is due.");
        }
        let mut shown = table(&["what", "since", "removed by itself on"]);
        for due in &self.0 {
            let goes = due.goes.map_or_else(|| "never".to_owned(), |day| day.to_string());
            shown.add_row([&due.what, &due.since.to_string(), &goes]);
        }
        writeln!(out, "{}", lines(&shown))?;
        write!(
            out,
            "`mutuald retention apply` removes these. What is still right: `contact edit` or `person edit` with --confirm."
        )
    }
}

#[derive(Serialize)]
struct Done {
    removed: BTreeMap<Kind, usize>,
}

impl fmt::Display for Done {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Removed: {}.", self.removed.values().sum::<usize>())
    }
}

impl Retention {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let hub = context.hub().await?;
        let due = hub.retention_due().await?;
        match self {
            Retention::Preview => {
                let look = !due.is_empty();
                Ok(Answer::of(&Rows(due))?.look_if(look))
            }
            Retention::Apply { .. } if due.is_empty() => Answer::of(&Rows(due)),
            Retention::Apply { yes } => {
                let shown = Rows(due);
                context.talk(shown.to_string());
                super::partner::sure(context, yes, "Remove these? It cannot be undone.")?;
                Answer::of(&Done { removed: hub.retention_apply(&shown.0).await? })
            }
        }
    }
}
