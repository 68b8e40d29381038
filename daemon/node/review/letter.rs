//! A text to ask the hub whose list it is. It is written, never sent: mail is the person's own business.

use super::question::{Mark, Question};
use crate::feed::hub as hub_document;
use crate::node::Hub;
use crate::node::groups::One;
use crate::store::log::OWN;
use crate::store::{self, StoreError};
use serde::Serialize;
use sqlx::SqliteConnection;
use std::collections::BTreeSet;
use std::fmt::{self, Write};

/// A text to another hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Letter {
    /// The hub.
    pub hub: String,
    /// Its published contact; empty when it publishes none.
    pub to: String,
    /// What it is about.
    pub subject: String,
    /// The text.
    pub body: String,
}

impl fmt::Display for Letter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let to = if self.to.is_empty() { "(no contact published)" } else { &self.to };
        writeln!(out, "To: {}, {to}\nSubject: {}\n\n{}", self.hub, self.subject, self.body)
    }
}

/// Letters about a question: one to each hub, other than this one, whose record stands in it. None when both are this hub's own.
///
/// # Errors
/// Database errors.
pub async fn letters(hub: &Hub, db: &mut SqliteConnection, question: &Question) -> Result<Vec<Letter>, StoreError> {
    let Some((one, other)) = question.one().zip(question.other()) else { return Ok(Vec::new()) };
    let own = contact(db, OWN).await?;
    let (mut letters, mut asked) = (Vec::new(), BTreeSet::new());
    for (theirs, against) in [(one, other), (other, one)] {
        // By number: two hubs may have one name.
        if theirs.own() || !asked.insert(theirs.row.hub) {
            continue;
        }
        let to = contact(db, theirs.row.hub).await?;
        let body = body(hub, &own, question, theirs, against);
        let subject = format!("Is \"{}\" the same group as \"{}\"?", theirs.group.name, against.group.name);
        letters.push(Letter { hub: theirs.hub.clone(), to, subject, body });
    }
    Ok(letters)
}

/// The contact that a hub publishes for questions about its records.
async fn contact(db: &mut SqliteConnection, n: i64) -> Result<String, StoreError> {
    let log = store::log::by_number(db, n).await?;
    let opened = log.and_then(|log| hub_document::reopen(&log.document, log.hub).ok());
    Ok(opened.map(|hub| hub.document.role_contact).unwrap_or_default())
}

fn body(hub: &Hub, own: &str, question: &Question, theirs: &One, against: &One) -> String {
    let mut text = String::new();
    let whose = |one: &One| match one.checked() {
        Some(date) => format!("{}, checked {}", one.whose(), date.strftime("%-d %B %Y")),
        None => format!("{}, not checked yet", one.whose()),
    };
    let mut add = |line: String| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{line}");
    };
    add(format!("To the people of {},\n", theirs.hub));
    add("these two entries look as if they could be one group, and we cannot tell:\n".into());
    add(format!("  1. {} ({})", theirs.group.name, whose(theirs)));
    add(format!("  2. {} ({})\n", against.group.name, whose(against)));
    let turned = question.right.member(&theirs.record).is_some();
    for field in question.fields.iter().filter(|field| field.mark != Mark::Same) {
        let (mine, other) = if turned { (&field.right, &field.left) } else { (&field.left, &field.right) };
        let words = |cells: &[super::question::Cell]| {
            cells.first().map_or("(nothing said)".to_owned(), |cell| cell.words.clone())
        };
        add(format!("  {}\n    1: {}\n    2: {}", field.label, words(mine), words(other)));
    }
    add(format!("\nWhat was found: {}.\n", question.words()));
    add("Are they one group, two groups, or is one a branch of the other? You can also record your answer".into());
    add("yourselves with `mutuald review` or `mutuald link`: we shall then see it.\n".into());
    let signed = if own.is_empty() { hub.name.clone() } else { format!("{}, {own}", hub.name) };
    add(format!("With thanks\n{signed}"));
    text
}
