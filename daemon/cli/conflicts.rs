//! `mutuald conflicts`

use super::group::{open_words, sources, why};
use super::output::count;
use super::{Answer, Context};
use crate::node::groups::words::{line, unit_label};
use crate::node::groups::{Known, Reader, say};
use crate::registry::merged::Open;
use crate::store::lookup;
use serde::Serialize;
use std::fmt;

/// Show the groups about which hubs, or two lists of one hub, disagree
#[derive(Debug, clap::Args)]
pub struct Conflicts {
    /// Only groups of which this hub has a record itself
    #[arg(long)]
    mine: bool,
    /// How many groups to show; 0 for all
    #[arg(long, default_value_t = 20, value_name = "N")]
    limit: usize,
}

#[derive(Serialize)]
struct Found {
    total: usize,
    groups: Vec<One>,
}

#[derive(Serialize)]
struct One {
    name: String,
    place: String,
    fields: Vec<Field>,
}

#[derive(Serialize)]
struct Field {
    field: &'static str,
    label: &'static str,
    /// conflict, or moved: chosen once, and something changed since.
    open: Option<&'static str>,
    /// By what rule, or whose choice, the first value is shown.
    why: String,
    #[serde(skip)]
    open_words: &'static str,
    values: Vec<Said>,
}

#[derive(Serialize)]
struct Said {
    number: usize,
    words: String,
    value: serde_json::Value,
    from: Vec<String>,
    shown: bool,
}

impl fmt::Display for Found {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.groups.is_empty() {
            return out.write_str("No two hubs or lists disagree.");
        }
        for One { name, place, fields } in &self.groups {
            let place = if place.is_empty() { String::new() } else { format!(", {place}") };
            writeln!(out, "{name}{place}")?;
            for Field { field, label, values, why, open, open_words } in fields {
                let again = if *open == Some("moved") { format!(": {open_words}") } else { String::new() };
                writeln!(out, "  {label}{again}")?;
                for said in values {
                    let shown = if said.shown { format!(" (shown now: {why})") } else { String::new() };
                    writeln!(out, "    {}  {}{shown}\n       {}", said.number, said.words, said.from.join("; "))?;
                }
                writeln!(out, "    settle it: mutuald choose '{}' {field}", name.replace('\'', r"'\''"))?;
            }
            writeln!(out)?;
        }
        write!(out, "Hubs or lists disagree about {}", count(self.total as u64, "group", "groups"))?;
        match self.total - self.groups.len() {
            0 => Ok(()),
            rest => write!(out, "; {rest} not shown (--limit 0 shows all)"),
        }
    }
}

/// The values of a field with their numbers.
pub(super) fn values(known: &Known, unit: crate::registry::Unit) -> Vec<(usize, String, say::Stated, Vec<String>)> {
    say::stated(known, unit)
        .into_iter()
        .enumerate()
        .map(|(at, stated)| {
            let from = sources(known, &stated.from);
            (at + 1, line(unit.name(), &stated.value), stated, from)
        })
        .collect()
}

impl Conflicts {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let hub = context.hub().await?;
        let mut db = hub.store.read().await?;
        let numbers = lookup::disagreeing(&mut db, self.mine).await?;
        let rows = lookup::groups(&mut db, &numbers).await?;
        let most = if self.limit == 0 { rows.len() } else { self.limit };
        let reader = Reader::new(hub, &mut db).await?;
        let mut found = Found { total: rows.len(), groups: Vec::new() };
        for row in rows.into_iter().take(most) {
            let known = reader.read(&mut db, row).await?;
            let resolved = |unit: &crate::registry::Unit| known.merged.values.get(unit);
            let field = |unit: &crate::registry::Unit| Field {
                open: resolved(unit).and_then(|resolved| resolved.open).map(Open::code),
                why: resolved(unit).map(|resolved| why(&known, resolved)).unwrap_or_default(),
                open_words: resolved(unit).map(open_words).unwrap_or_default(),
                field: unit.name(),
                label: unit_label(unit.name()),
                values: values(&known, *unit)
                    .into_iter()
                    .map(|(number, words, stated, from)| Said {
                        number,
                        words,
                        value: stated.value,
                        from,
                        shown: stated.shown,
                    })
                    .collect(),
            };
            let fields = known.merged.conflicts.iter().map(field).collect();
            found.groups.push(One { name: known.row.name.clone(), place: known.row.place.clone(), fields });
        }
        let look = found.total > 0;
        Ok(Answer::of(&found)?.look_if(look))
    }
}
