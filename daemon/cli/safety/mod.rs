//! `mutuald safety`: what all its commands share; each has a file of its own.

mod list;
mod lower;
mod set;
mod why;

use super::{Answer, Context, Failure};
use crate::node::Hub;
use crate::node::groups::words::{self, term_label};
use crate::node::groups::{self, Known, NotFound};
use crate::node::protect::GivesAway;
use crate::record::safety::Level;
use crate::record::vocabulary;
use crate::store::protected::{self, LowerError, ProtectedRow};
use sqlx::SqliteConnection;

/// Places that must not be known: set how far a group's place may be known, and see who says more
#[derive(Debug, clap::Subcommand)]
pub enum Safety {
    List(list::List),
    Set(set::Set),
    Lower(lower::Lower),
    Confirm(lower::Confirm),
    Why(why::Why),
}

/// What a name leads to: a group of the registry, or a record of this hub that is in no registry.
pub(in crate::cli) enum Found {
    Known(Box<Known>),
    Unsigned(ProtectedRow),
}

pub(in crate::cli) async fn found(
    context: &Context,
    hub: &Hub,
    db: &mut SqliteConnection,
    wanted: &str,
) -> anyhow::Result<Found> {
    let named = protected::named(db, wanted).await?;
    match groups::find(db, wanted).await {
        Err(NotFound::None(_)) if named.len() == 1 => Ok(Found::Unsigned(named[0].clone())),
        Err(NotFound::None(_)) if named.len() > 1 => {
            Err(Failure::usage(format!("{} records of this hub fit {wanted:?}", named.len()), "give more of the name")
                .into())
        }
        _ => Ok(Found::Known(Box::new(context.group(hub, db, wanted).await?))),
    }
}

fn level(text: &str) -> anyhow::Result<Level> {
    let id = words::term("safety-levels", text)
        .map_err(|next| Failure::usage(format!("the safety level {text:?} is not known"), next))?;
    Ok(Level::of(&id))
}

/// A level as people call it.
fn label(level: &str) -> String {
    term_label("safety-levels", level)
}

/// An error with the way on.
fn failed(error: anyhow::Error, name: &str) -> anyhow::Error {
    if let Some(GivesAway(fields)) = error.downcast_ref::<GivesAway>() {
        return given_away(name, fields);
    }
    match error.downcast_ref::<LowerError>() {
        Some(LowerError::NotProposed) => Failure::new(
            error.to_string(),
            format!("one person proposes it: mutuald safety lower '{name}' LEVEL --person … --role …"),
        )
        .into(),
        Some(LowerError::SamePerson) => {
            Failure::new(error.to_string(), "somebody else at the hub gives this command, under their own name").into()
        }
        Some(LowerError::NoName | LowerError::Role(_)) => {
            let all: Vec<&str> = vocabulary::safety_roles().terms.iter().map(|term| term.id.as_str()).collect();
            Failure::usage(error.to_string(), format!("give --person and --role; the roles are: {}", all.join(", ")))
                .into()
        }
        Some(LowerError::OtherLevel { .. }) => {
            Failure::new(error.to_string(), "`mutuald safety list` shows what was proposed").into()
        }
        _ => error,
    }
}

/// Words that have to be looked at. The fields are named, never the words: this may end in a log.
pub(in crate::cli) fn given_away(name: &str, fields: &[&'static str]) -> anyhow::Error {
    let labels: Vec<String> = fields.iter().map(|field| field_label(field)).collect();
    Failure::new(
        format!("{name}: words give the place away, in: {}; nothing was changed", labels.join(", ")),
        "change the words with `mutuald group edit`, or in the spreadsheet; where they do not give it away, --words-ok says that you \
         have looked",
    )
    .into()
}

fn field_label(field: &str) -> String {
    match field {
        "source_id" => "Your reference".to_owned(),
        "sightings" => "Seen by".to_owned(),
        other => {
            words::unit_label(crate::registry::Unit::of(other).map_or("name", crate::registry::Unit::name)).to_owned()
        }
    }
}

impl Safety {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        match self {
            Safety::List(command) => command.run(context).await,
            Safety::Set(command) => command.run(context).await,
            Safety::Lower(command) => command.run(context).await,
            Safety::Confirm(command) => command.run(context).await,
            Safety::Why(command) => command.run(context).await,
        }
    }
}
