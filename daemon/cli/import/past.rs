//! Imports that were carried out: shown, and undone as a whole.

use crate::cli::output::{count, lines, moment, table as sheet};
use crate::cli::{Answer, Context, Failure};
use crate::node::groups;
use crate::node::imports::{self, Counts};
use crate::store;
use anyhow::Context as _;
use serde::Serialize;
use std::fmt;

/// One import, as listed.
#[derive(Serialize)]
struct Past {
    number: i64,
    at: jiff::Timestamp,
    list: String,
    source: String,
    plan: String,
    rows: Counts,
    undone: bool,
    #[serde(skip)]
    when: String,
}

#[derive(Serialize)]
#[serde(transparent)]
struct Imports(Vec<Past>);

impl fmt::Display for Imports {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return write!(out, "Nothing was imported yet.");
        }
        let mut shown = sheet(&["import", "when", "list", "from", "rows", "of them", ""]);
        for past in &self.0 {
            shown.add_row([
                &past.number.to_string(),
                &past.when,
                &past.list,
                &past.source,
                &past.rows.rows.to_string(),
                &crate::node::source::in_words(&past.rows),
                &if past.undone { "undone".to_owned() } else { String::new() },
            ]);
        }
        out.write_str(&lines(&shown))
    }
}

pub(super) async fn list(context: &Context) -> anyhow::Result<Answer> {
    let hub = context.hub().await?;
    let mut db = hub.store.read().await?;
    let lists = groups::own_lists(hub, &mut db).await?;
    let zone = hub.config.time_zone().context("hub.time_zone")?;
    let mut all = Vec::new();
    for batch in store::imports::batches(&mut db).await? {
        let at = jiff::Timestamp::from_second(batch.at)?;
        let title = lists.iter().find(|(id, _)| *id == batch.list).map(|(_, list)| list.title.clone());
        all.push(Past {
            number: batch.n,
            at,
            list: title.unwrap_or_else(|| "(a list that is no more)".to_owned()),
            source: batch.source,
            plan: batch.plan,
            rows: serde_json::from_str(&batch.counts).unwrap_or_default(),
            undone: batch.undone.is_some(),
            when: moment(at, &zone),
        });
    }
    Answer::of(&Imports(all))
}

#[derive(Serialize)]
struct Undid {
    import: i64,
    source: String,
    #[serde(flatten)]
    undone: imports::Undone,
}

impl fmt::Display for Undid {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Undid { import, source, undone } = self;
        write!(
            out,
            "Import {import} ({source}) is undone: {} taken back, {} as before.",
            count(undone.withdrawn as u64, "record", "records"),
            count(undone.restored as u64, "record", "records")
        )?;
        if !undone.changed_since.is_empty() {
            write!(out, " {} changed again since, and stay as they are.", undone.changed_since.len())?;
        }
        if !undone.forgotten.is_empty() {
            write!(out, " What {} said before is no longer kept; they stay as they are.", undone.forgotten.len())?;
        }
        Ok(())
    }
}

pub(super) async fn undo(context: &Context, number: Option<i64>) -> anyhow::Result<Answer> {
    let hub = context.hub().await?;
    let mut db = hub.store.read().await?;
    let batches = store::imports::batches(&mut db).await?;
    drop(db);
    let found = match number {
        Some(number) => batches.into_iter().find(|batch| batch.n == number),
        None => batches.into_iter().find(|batch| batch.undone.is_none()),
    };
    let see = "`mutuald import list` shows what was imported";
    let batch = found.ok_or_else(|| Failure::usage("there is no such import", see))?;
    if batch.undone.is_some() {
        return Err(Failure::usage(format!("import {} was undone already", batch.n), see).into());
    }
    let undone = imports::undo(hub, &batch).await?;
    let look = !undone.changed_since.is_empty() || !undone.forgotten.is_empty();
    Ok(Answer::of(&Undid { import: batch.n, source: batch.source, undone })?.look_if(look))
}
