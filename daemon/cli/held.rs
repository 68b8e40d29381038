//! `mutuald held`

use super::group::published;
use super::output::{lines, table};
use super::{Answer, Context, Failure};
use crate::record::scan::Found;
use crate::store;
use serde::Serialize;
use std::fmt;

/// Records whose words seem to tell of a person, held until somebody has looked
#[derive(Debug, clap::Subcommand)]
pub enum Held {
    /// List what waits, and what was found in it
    List,
    /// These words may be signed and published; remembered for these words
    Release {
        /// Its number
        number: i64,
    },
    /// These words are not to be signed; remembered for these words
    Drop {
        /// Its number
        number: i64,
    },
}

#[derive(Serialize)]
struct Row {
    number: i64,
    group: String,
    new: bool,
    found: Vec<Found>,
}

#[derive(Serialize)]
#[serde(transparent)]
struct Rows(Vec<Row>);

impl fmt::Display for Rows {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return out.write_str("Nothing is held.");
        }
        let mut shown = table(&["no.", "group", "found", "in"]);
        for row in &self.0 {
            for found in &row.found {
                let what = format!("{}: {}", found.kind.words(), found.text);
                shown.add_row([&row.number.to_string(), &row.group, &what, &found.field]);
            }
        }
        writeln!(out, "{}", lines(&shown))?;
        write!(
            out,
            "`mutuald held release NUMBER` signs it as it is; `held drop NUMBER` leaves it out. Better words: change the file or the group."
        )
    }
}

#[derive(Serialize)]
struct Done {
    group: String,
    did: &'static str,
    #[serde(skip)]
    text: String,
}

impl fmt::Display for Done {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

impl Held {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let hub = context.hub().await?;
        let unknown = |error: anyhow::Error| -> anyhow::Error {
            match error.downcast_ref::<store::StoreError>() {
                Some(_) => error,
                None => Failure::usage(format!("{error:#}"), "`mutuald held list` shows what waits").into(),
            }
        };
        match self {
            Held::List => {
                let mut db = hub.store.read().await?;
                let rows: Vec<Row> = store::held::all(&mut db)
                    .await?
                    .into_iter()
                    .map(|row| Row { number: row.n, group: row.name, new: row.rev == 0, found: row.found })
                    .collect();
                let look = !rows.is_empty();
                Ok(Answer::of(&Rows(rows))?.look_if(look))
            }
            Held::Release { number } => {
                let (row, said) = hub.release(number).await.map_err(unknown)?;
                let text = format!("{}: released.\n{}", row.name, published(&said));
                Answer::of(&Done { group: row.name, did: "released", text })
            }
            Held::Drop { number } => {
                let row = hub.drop_held(number).await.map_err(unknown)?;
                let text = format!("{}: left out, and again if the same words come.", row.name);
                Answer::of(&Done { group: row.name, did: "dropped", text })
            }
        }
    }
}
