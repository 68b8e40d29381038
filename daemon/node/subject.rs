//! All that is held about one person or role contact, for whoever asks for it (UK GDPR, Art. 15), as JSON or as a page.

use super::Hub;
use crate::record::contact::{Field, role_label};
use crate::store::consent::{ConsentRow, Subject};
use crate::store::{self, retention};
use anyhow::{Context, bail};
use jiff::Timestamp;
use maud::{DOCTYPE, html};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What is held, ready to be handed over. It leaves the hub only by the hand of whoever made it.
#[derive(Debug, Serialize)]
pub struct Held {
    /// Who holds it.
    pub hub: String,
    /// Whom to write to about it.
    pub contact: String,
    /// The day it was put together.
    pub made: String,
    /// Whose it is: `person 3`, `contact 2`.
    pub subject: String,
    /// The entry, field by field.
    pub entry: BTreeMap<&'static str, String>,
    /// What was agreed to.
    pub consents: Vec<Agreed>,
    /// To whom it was given, and when first.
    pub recipients: Vec<Recipient>,
    /// Where else its mailbox, number or name stands here.
    pub elsewhere: Vec<Place>,
    /// What was done with the entry.
    pub log: Vec<(String, String)>,
    /// What else the law has them told (Art. 15(1) and (2)): headings with paragraphs.
    pub about: Vec<(String, Vec<String>)>,
}

/// A consent in words.
#[derive(Debug, Serialize)]
pub struct Agreed {
    /// Its number.
    pub number: i64,
    /// Which fields.
    pub fields: Vec<&'static str>,
    /// For whom.
    pub readers: Vec<String>,
    /// How.
    pub medium: String,
    /// Given, to be reviewed, withdrawn.
    pub days: (String, String, Option<String>),
    /// What was told.
    pub notice: String,
}

/// Somebody it was given to.
#[derive(Debug, Serialize)]
pub struct Recipient {
    /// Name and id of the hub.
    pub hub: String,
    /// When first.
    pub since: String,
}

/// A place in what this hub holds.
#[derive(Debug, Serialize)]
pub struct Place {
    /// `public-words`, `contact-part`, `held`, `import`, or a place in words.
    pub place: String,
    /// Whose record, where it is one.
    pub hub: Option<String>,
    /// Which.
    pub record: Option<String>,
}

impl Hub {
    /// Finds whom words mean: `person 3`, `contact 2`, or a name, mailbox or number that one entry alone has.
    ///
    /// # Errors
    /// Nobody or several fit; database errors.
    pub async fn subject(&self, wanted: &str) -> anyhow::Result<Subject> {
        let wanted = wanted.trim();
        let mut db = self.store.read().await?;
        let (people, contacts) = (store::person::all(&mut db).await?, store::contact::all(&mut db).await?);
        let numbered = |word: &str| wanted.strip_prefix(word).and_then(|rest| rest.trim().parse::<i64>().ok());
        if let Some(n) = numbered("person") {
            people.iter().find(|row| row.n == n).with_context(|| format!("there is no person {n}"))?;
            return Ok(Subject::Person(n));
        }
        if let Some(n) = numbered("contact") {
            contacts.iter().find(|row| row.n == n).with_context(|| format!("there is no contact {n}"))?;
            return Ok(Subject::Contact(n));
        }
        let lower = wanted.to_lowercase();
        let mut found = Vec::new();
        for row in &people {
            let texts = [Some(&row.name), row.email.as_ref(), row.phone.as_ref()];
            if texts.into_iter().flatten().any(|text| text.reveal().to_lowercase().contains(&lower)) {
                found.push(Subject::Person(row.n));
            }
        }
        for row in &contacts {
            if Field::ALL.iter().any(|field| row.contact.get(*field).is_some_and(|text| text.to_lowercase() == lower)) {
                found.push(Subject::Contact(row.n));
            }
        }
        match found[..] {
            [one] => Ok(one),
            [] => bail!("no person or role contact is found by these words"),
            _ => {
                let all: Vec<String> = found.iter().map(|subject| called(*subject)).collect();
                bail!("these words fit {}", all.join(", "))
            }
        }
    }

    /// All that is held about somebody. Looking at a person is noted.
    ///
    /// # Errors
    /// Database errors.
    pub async fn all_about(&self, subject: Subject) -> anyhow::Result<Held> {
        let zone = self.config.time_zone()?;
        let day = |at: i64| Timestamp::from_second(at).map(|at| at.to_zoned(zone.clone()).date().to_string());
        let mut db = self.store.read().await?;
        let names = super::consents::hubs(&mut db).await?;
        let notices = store::consent::notices(&mut db).await?;
        let mut entry = BTreeMap::new();
        let (mut recipients, mut log) = (Vec::new(), Vec::new());
        match subject {
            Subject::Person(n) => {
                let people = store::person::all(&mut db).await?;
                let row = people.into_iter().find(|row| row.n == n).context("there is no such person")?;
                entry.insert("name", row.name.reveal().to_owned());
                entry.insert("role", row.role.clone());
                let rest = [
                    ("email", row.email),
                    ("phone", row.phone),
                    ("address", row.address),
                    ("needs", row.needs),
                    ("notes", row.notes),
                ];
                entry.extend(rest.into_iter().filter_map(|(name, text)| Some((name, text?.reveal().to_owned()))));
                entry.insert("made", day(row.made)?);
                entry.insert("confirmed", day(row.confirmed)?);
                for (at, what) in store::person::log(&mut db, n).await? {
                    log.push((day(at)?, what));
                }
            }
            Subject::Contact(n) => {
                let row = store::contact::get(&mut db, n).await?.context("there is no such contact")?;
                entry.insert("role", role_label(&row.contact.role).to_owned());
                entry.extend(
                    row.contact.fields().map(|f| (f.name(), row.contact.get(f).unwrap_or_default().to_owned())),
                );
                entry.insert("made", day(row.made)?);
                entry.insert("confirmed", day(row.confirmed)?);
                for (hub, at) in store::contact::recipients(&mut db, n).await? {
                    let hub = names.get(&hub).map_or_else(|| hub.to_string(), |name| format!("{name} ({hub})"));
                    recipients.push(Recipient { hub, since: day(at)? });
                }
            }
        }
        let mut elsewhere = Vec::new();
        let numbers: BTreeMap<i64, String> =
            store::log::all(&mut db).await?.into_iter().map(|log| (log.owner, log.name)).collect();
        let mut met = BTreeSet::new();
        for field in ["name", "email", "phone"] {
            let Some(text) = entry.get(field).filter(|text| text.len() > 3) else { continue };
            for (place, hub, rec) in retention::appearances(&mut db, text).await? {
                if met.insert((place.clone(), hub, rec)) {
                    let hub = hub.and_then(|n| numbers.get(&n).cloned());
                    elsewhere.push(Place { place, hub, record: rec.map(|rec| rec.to_string()) });
                }
            }
        }
        // Places that are no record's: other entries, who agreed to what of a level, what studies noted.
        let own = match subject {
            Subject::Person(_) => "people that only this hub knows",
            Subject::Contact(_) => "role contacts, and what was signed of them",
        };
        let mut besides: BTreeMap<&'static str, u64> = BTreeMap::new();
        for field in ["name", "email", "phone"] {
            let Some(text) = entry.get(field).filter(|text| text.len() > 3) else { continue };
            for stands in store::people::find(&mut db, text).await? {
                let times = stands.times - u64::from(stands.what == own);
                let most = besides.entry(stands.what).or_default();
                *most = times.max(*most);
            }
        }
        let told = ["records held for somebody to look at their words", "what imports keep for undoing"];
        besides.retain(|what, times| *times > 0 && !told.contains(what));
        elsewhere.extend(besides.into_iter().map(|(what, times)| {
            let place = what.split(": `").next().unwrap_or(what);
            Place { place: format!("{place} ({times})"), hub: None, record: None }
        }));
        let consents = store::consent::all(&mut db).await?.into_iter().filter(|row| row.subject == subject);
        let consents = consents.map(|row| agreed(&row, &names, &notices)).collect();
        drop(db);
        if let Subject::Person(n) = subject {
            let mut write = self.store.write().await?;
            store::person::note(&mut write, n, "everything exported", self.clock.now().as_second()).await?;
            write.commit().await?;
        }
        let document = crate::feed::hub::reopen(&self.document, self.id).map(|hub| hub.document.role_contact);
        Ok(Held {
            hub: self.name.clone(),
            contact: document.unwrap_or_default(),
            made: self.today()?.to_string(),
            subject: called(subject),
            entry,
            consents,
            recipients,
            elsewhere,
            log,
            about: self.access_terms().await?,
        })
    }
}

/// `person 3`.
pub fn called(subject: Subject) -> String {
    match subject {
        Subject::Person(n) => format!("person {n}"),
        Subject::Contact(n) => format!("contact {n}"),
    }
}

/// For whom a consent is, in words.
pub fn readers(row: &ConsentRow, names: &BTreeMap<crate::record::HubId, String>) -> Vec<String> {
    use crate::record::consent::Reader;
    row.readers
        .iter()
        .map(|reader| match reader {
            Reader::Public => "the public".to_owned(),
            Reader::Hub(hub) => names.get(hub).cloned().unwrap_or_else(|| hub.to_string()),
        })
        .collect()
}

fn agreed(
    row: &ConsentRow,
    names: &BTreeMap<crate::record::HubId, String>,
    notices: &BTreeMap<String, String>,
) -> Agreed {
    Agreed {
        number: row.n,
        fields: row.fields.iter().map(|field| field.name()).collect(),
        readers: readers(row, names),
        medium: row.medium.clone(),
        days: (row.given.to_string(), row.review.to_string(), row.withdrawn.map(|day| day.to_string())),
        notice: notices.get(&row.notice).cloned().unwrap_or_default(),
    }
}

/// A place in words, for whoever asked.
fn place(place: &str) -> &str {
    match place {
        "public-words" => "the published words of an entry",
        "contact-part" => "a role contact that is shared",
        "held" => "words that wait until somebody has looked at them",
        "import" => "former words, kept so that an import can be undone",
        other => other,
    }
}

impl Held {
    /// As a page to print or to send.
    pub fn page(&self) -> String {
        let none = || html! { p { "None." } };
        let page = html! {
            (DOCTYPE)
            html lang="en-GB" {
                head { meta charset="utf-8"; title { "What " (self.hub) " holds" } }
                body {
                    h1 { "What " (self.hub) " holds about you" }
                    p { "Put together on " (self.made) ". Questions, corrections and complaints: " (self.contact) "." }
                    h2 { "The entry" }
                    dl { @for (name, text) in &self.entry { dt { (name) } dd { (text) } } }
                    h2 { "What was agreed to" }
                    @if self.consents.is_empty() { (none()) }
                    @for agreed in &self.consents {
                        h3 { "Consent " (agreed.number) }
                        p {
                            (agreed.fields.join(", ")) " for " (agreed.readers.join(", ")) "; given on " (agreed.days.0)
                            " (" (agreed.medium) "), until " (agreed.days.1)
                            @if let Some(day) = &agreed.days.2 { ", withdrawn on " (day) } "."
                        }
                        p { "What you were told: " }
                        pre { (agreed.notice) }
                    }
                    h2 { "Who was given it" }
                    @if self.recipients.is_empty() { p { "Nobody." } }
                    ul { @for one in &self.recipients { li { (one.hub) ", since " (one.since) } } }
                    h2 { "Where else it stands here" }
                    @if self.elsewhere.is_empty() { p { "Nowhere." } }
                    ul { @for one in &self.elsewhere {
                        li { (place(&one.place)) @if let Some(hub) = &one.hub { ", by " (hub) } @if let Some(rec) = &one.record { ", record " (rec) } }
                    } }
                    h2 { "What was done with the entry" }
                    @if self.log.is_empty() { (none()) }
                    ul { @for (day, what) in &self.log { li { (day) ": " (what) } } }
                    @for (heading, paragraphs) in &self.about {
                        h2 { (heading) }
                        (super::documents::paragraphs(paragraphs))
                    }
                }
            }
        };
        crate::record::direction::straight(&page.into_string())
    }
}
