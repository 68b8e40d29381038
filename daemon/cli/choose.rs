//! `mutuald choose`

use super::conflicts::values;
use super::group::{published, refused};
use super::{Answer, Context, Failure};
use crate::node::Said;
use crate::node::groups::words::{line, unit, unit_label};
use crate::node::groups::{Known, say};
use crate::record::group::UNITS;
use crate::registry::Unit;
use serde::Serialize;
use std::fmt;

/// Settle what the registry shows where hubs or lists disagree
///
/// What is chosen is a hub's word, not a text: when that hub changes it, the question comes back.
#[derive(Debug, clap::Args)]
pub struct Choose {
    /// The group: its name, or words that only its entry has
    name: String,
    /// The field, such as place, contact, meetings
    field: String,
    /// Number of the value, as shown
    #[arg(long, value_name = "N", group = "pick")]
    value: Option<usize>,
    /// The word of this hub
    #[arg(long, value_name = "NAME", group = "pick")]
    hub: Option<String>,
    /// Looked into, and nobody knows
    #[arg(long, group = "pick")]
    unresolved: bool,
    /// Take back what this hub chose before
    #[arg(long, group = "pick")]
    undo: bool,
}

#[derive(Serialize)]
struct Chosen {
    group: String,
    field: &'static str,
    did: String,
    shown: Option<String>,
    said: Said,
}

impl fmt::Display for Chosen {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}, {}: {}", self.group, unit_label(self.field).to_lowercase(), self.did)?;
        if let Some(shown) = &self.shown {
            writeln!(out, "  The registry shows: {shown}")?;
        }
        out.write_str(&published(&self.said))
    }
}

impl Choose {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let field = unit(&self.field).ok_or_else(|| {
            Failure::usage(
                format!("there is no field called {:?}", self.field),
                format!("the fields are: {}", UNITS.join(", ")),
            )
        })?;
        let hub = context.hub().await?;
        let mut db = hub.store.read().await?;
        let known = context.group(hub, &mut db, &self.name).await?;
        let pick = self.pick(context, &known, field)?;
        let draft = say::choose(&known, field, pick, context.chance.id()).map_err(|error| refused(&error))?;
        drop(db);
        let said = hub.say(&[draft]).await?;
        let mut db = hub.store.read().await?;
        let rows = crate::store::lookup::groups(&mut db, &[known.row.n]).await?;
        let after = match rows.into_iter().next() {
            Some(row) => Some(Known::load(hub, &mut db, row).await?),
            None => None,
        };
        let did = match pick {
            say::Pick::Value(_) => "chosen",
            say::Pick::Unresolved => "left open; nobody is asked again until somebody says something new",
            say::Pick::Undo => "taken back",
        };
        let shown = after.and_then(|known| known.merged.value(field.name()).map(|value| line(field.name(), value)));
        Answer::of(&Chosen { group: known.row.name, field: field.name(), did: did.to_owned(), shown, said })
    }

    fn pick(&self, context: &Context, known: &Known, field: Unit) -> anyhow::Result<say::Pick> {
        if self.undo {
            return Ok(say::Pick::Undo);
        }
        let values = values(known, field);
        if values.is_empty() {
            let what = format!("no hub says anything about {:?} of {:?}", unit_label(field.name()), known.row.name);
            return Err(Failure::usage(what, "`mutuald group show` shows what is said").into());
        }
        if values.len() < 2 {
            return Err(refused(&say::SayError::OneValue(field.name())));
        }
        if self.unresolved {
            return Ok(say::Pick::Unresolved);
        }
        if let Some(wanted) = &self.hub {
            let lower = wanted.to_lowercase();
            let says = |stated: &say::Stated| {
                stated
                    .from
                    .iter()
                    .filter_map(|record| known.member(record))
                    .any(|one| one.hub.to_lowercase().contains(&lower))
            };
            let fits: Vec<usize> =
                values.iter().filter(|(_, _, stated, _)| says(stated)).map(|(number, ..)| *number).collect();
            return match fits[..] {
                [one] => Ok(say::Pick::Value(one)),
                [] => {
                    Err(Failure::usage(format!("no hub called {wanted:?} says anything here"), shown(&values)).into())
                }
                _ => Err(Failure::usage(
                    format!("{wanted:?} fits several values"),
                    format!("choose with --value:\n{}", shown(&values)),
                )
                .into()),
            };
        }
        let number = match self.value {
            Some(number) => number,
            None if context.interactive() => {
                context.talk(format!(
                    "{}, {}:\n{}",
                    known.row.name,
                    unit_label(field.name()).to_lowercase(),
                    shown(&values)
                ));
                let answer = context.ask("Which number (0: nobody knows)?", None)?;
                answer
                    .parse()
                    .map_err(|_| Failure::usage(format!("{answer:?} is no number"), "the same again, with a number"))?
            }
            None => {
                let what =
                    format!("{} is said in {} ways:\n{}", unit_label(field.name()), values.len(), shown(&values));
                return Err(Failure::usage(what, "choose with --value NUMBER, --hub NAME or --unresolved").into());
            }
        };
        Ok(if number == 0 { say::Pick::Unresolved } else { say::Pick::Value(number) })
    }
}

fn shown(values: &[(usize, String, say::Stated, Vec<String>)]) -> String {
    let line = |(number, words, stated, from): &(usize, String, say::Stated, Vec<String>)| {
        let now = if stated.shown { " (shown now)" } else { "" };
        format!("  {number}  {words}{now}\n     {}", from.join("; "))
    };
    values.iter().map(line).collect::<Vec<_>>().join("\n")
}
