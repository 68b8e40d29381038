//! Texts about an erasure: to the hub whose record it is, and to the person who asked. They are written, never sent, and hold
//! no word of what was erased.

use super::contact;
use super::status::{Erasure, Stage};
use crate::node::Hub;
use crate::store;
use crate::store::erase::How;
use crate::store::log::OWN;
use jiff::Timestamp;
use serde::Serialize;
use sqlx::SqliteConnection;
use std::fmt;
use uuid::Uuid;

/// A text to somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Letter {
    /// To whom, with a published contact if there is one.
    pub to: String,
    /// What it is about.
    pub subject: String,
    /// The text.
    pub body: String,
}

impl fmt::Display for Letter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "To: {}\nSubject: {}\n\n{}", self.to, self.subject, self.body)
    }
}

/// The request to the hub whose own record it is.
///
/// # Errors
/// Database errors.
pub async fn request(hub: &Hub, db: &mut SqliteConnection, n: i64, rec: Uuid) -> anyhow::Result<Letter> {
    let (name, to) = contact(db, n).await?;
    let signed = signature(hub, db).await?;
    let to = if to.is_empty() { format!("{name} (no contact published)") } else { format!("{name}, {to}") };
    let short = rec.to_string().chars().take(8).collect::<String>();
    let body = format!(
        "To the people of {name},\n\n\
         somebody has asked us to erase an entry that is yours: the record\n\n  {rec}\n\n\
         We have taken it out of our registry and shall not take it in again. Other hubs follow your word, not ours, so please\n\
         look at the request and, if it is right, erase the record at its source:\n\n\
         \x20 mutuald erase {short}             shows what would go\n\
         \x20 mutuald erase {short} --commit    does it; every hub that follows you deletes it at its next pull\n\n\
         The law asks for this without undue delay (UK GDPR, Articles 17 and 19). If you think that the record should stay, please\n\
         tell us why, so that we can answer the person who asked.\n\n\
         With thanks\n{signed}\n"
    );
    Ok(Letter { to, subject: format!("Please erase the record {short}"), body })
}

async fn signature(hub: &Hub, db: &mut SqliteConnection) -> anyhow::Result<String> {
    let (_, own) = contact(db, OWN).await?;
    Ok(if own.is_empty() { hub.name.clone() } else { format!("{}, {own}", hub.name) })
}

/// The answer to the person: what was done, which hubs have confirmed and which have not.
///
/// # Errors
/// Database errors, or a time zone that is not known.
pub async fn answer(hub: &Hub, erasure: &Erasure) -> anyhow::Result<Letter> {
    let mut db = hub.store.read().await?;
    let signed = signature(hub, &mut db).await?;
    let zone = hub.config.time_zone()?;
    let day = |at: Timestamp| at.to_zoned(zone.clone()).strftime("%-d %B %Y").to_string();
    let mut text = String::from("Dear [name],\n\nyou asked us on [date] to erase an entry. This is what was done.\n\n");
    let mut add = |line: &str| {
        text.push_str(line);
        text.push('\n');
    };
    // What was not reached is not said to be done.
    let away = store::kept::backups(&mut db).await?.iter().filter(|row| row.cleaned < erasure.number).count();
    let parts =
        if erasure.parts == "*" { "everything it said".to_owned() } else { format!("its part \"{}\"", erasure.parts) };
    match (erasure.how, erasure.stage) {
        (How::Issued, Stage::Deleted) => {
            let backups = if away == 0 { "our published list and\nour backups" } else { "and our published list" };
            add(&format!(
                "On {} we deleted the entry ({parts}) from our database, its search index, {backups}.",
                day(erasure.at)
            ));
        }
        (How::Asked, _) => add(&format!(
            "The entry is kept by another organisation, {}. On {} we took our copy of it out of\nour registry, for good, and asked them to erase it at its source. {}",
            erasure.hub,
            day(erasure.at),
            if erasure.obeyed_by_its_hub == Some(true) { "They have done so." } else { "They have not done so yet." }
        )),
        (_, Stage::Deleted) => add(&format!(
            "{} erased the entry ({parts}). On {} we deleted our copy of it.",
            erasure.hub,
            day(erasure.at)
        )),
        (_, Stage::Hidden) => add(&format!(
            "On {} we took the entry ({parts}) out of sight. It is deleted on {}.",
            day(erasure.at),
            erasure.until.map(day).unwrap_or_default()
        )),
    }
    if away > 0 {
        add(&format!(
            "\nIt may still stand in {away} of our backups, which we could not reach yet. It is taken out of them when we can, and before\n\
             any of them is used again."
        ));
    }
    let (done, open): (Vec<_>, Vec<_>) = erasure.partners.iter().partition(|partner| partner.confirmed.is_some());
    if erasure.how == How::Issued {
        add("\nWe told every organisation that takes our list and that we know of to delete it too.");
        if erasure.partners.is_empty() {
            add("There is none.");
        }
        if !done.is_empty() {
            add("\nThese have confirmed that they deleted it:");
        }
        for partner in &done {
            let on = partner.confirmed.map(day).unwrap_or_default();
            match partner.still_serves {
                None => add(&format!("  - {}, on {on}", partner.hub)),
                Some(found) => add(&format!(
                    "  - {}, on {on}; but on {} we found that they still publish it, and we are asking them why",
                    partner.hub,
                    day(found)
                )),
            }
        }
        if !open.is_empty() {
            add("\nThese have not confirmed yet:");
        }
        for partner in &open {
            let reached = partner.reached.map_or("never".to_owned(), day);
            add(&format!("  - {}, told since {}; we last reached them on {reached}", partner.hub, day(erasure.at)));
        }
        add(
            "\nAnybody who took a copy of our public list without telling us is out of our reach, and so are search engines\nand archives; if you find such a copy, tell us and we shall write to them.",
        );
    }
    add(
        "\nWhat stays, so that it is not taken in again by mistake: a number that stands for the entry and, where it came from a list, a\n\
         fingerprint by which we notice if that list brings it again. None of its words stay.",
    );
    add(
        "\nIf you think that we have not done what we should, you can complain to us, and to the Information Commissioner's\nOffice (ico.org.uk). The law is UK GDPR, Articles 12, 17 and 19.",
    );
    add(&format!("\nYours sincerely\n{signed}"));
    let subject = format!("Your request to be removed (our number {})", erasure.number);
    Ok(Letter { to: "[name and address]".into(), subject, body: text })
}
