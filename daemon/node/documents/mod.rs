//! Documents for a hub's trustees and for the people it keeps data about, made from what is in force: the configuration, the
//! partner hubs, who reads contacts. A starting place for a charity's own words, and no legal advice.
//!
//! What the program knows it states. What it cannot know the settings say (`[documents]`), and where they do not, the text says so in
//! the very place, by the setting's name: nothing is made up, and nobody hands out a document without seeing that it is not whole.
//!
//! * `register`: the register of processing (UK GDPR, Art. 30(1));
//! * `told`: what people are told, where they gave their details (Art. 13) and where a partner hub did (Art. 14);
//! * `annex`: what two hubs agree on.

mod annex;
mod register;
mod told;

use super::Hub;
use super::frames::uses::Use;
use crate::config::{self, Retention};
use crate::record::contact::Field;
use crate::record::direction::one_line;
use crate::store;
use anyhow::Context;
use jiff::civil::Date;
use maud::{DOCTYPE, Markup, html};
use std::path::PathBuf;

/// How a place begins that somebody has to fill in.
const GAP: &str = "[TO FILL IN: ";

/// Whether a text has places that somebody has to fill in.
pub fn has_gaps(text: &str) -> bool {
    text.contains(GAP)
}

/// A document: headings with paragraphs, and tables.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Document {
    /// Its file's name, without an end.
    pub name: String,
    /// Its title.
    pub title: String,
    /// Heading and paragraphs; a paragraph that begins with `- ` is an item of a list.
    pub sections: Vec<(String, Vec<String>)>,
}

/// What the documents are made of.
struct Facts {
    hub: String,
    id: String,
    /// The contact in the hub document; empty where it names none.
    contact: String,
    licence: String,
    today: Date,
    publishes: bool,
    /// Whether role contacts can be given out at all.
    shares: bool,
    groups: u64,
    contacts: usize,
    people: usize,
    consents: usize,
    protected: usize,
    partners: Vec<Partner>,
    uses: Vec<Use>,
    retention: Retention,
    said: config::Documents,
    backups: PathBuf,
    backups_kept: u32,
}

struct Partner {
    name: String,
    id: String,
    address: String,
    /// The contact that it publishes; empty where it publishes none.
    contact: String,
    /// Whether it may read contacts.
    reads: bool,
    /// Groups of which role contacts are held from it.
    gave: i64,
    /// How many consents in force name it.
    named: usize,
}

/// A setting's text, or a gap that names it.
fn or_gap(text: Option<&String>, setting: &str, what: &str) -> String {
    text.map_or_else(|| format!("{GAP}{what}; setting documents.{setting}]"), |text| one_line(text))
}

impl Facts {
    /// Partner hubs that may read contacts, a line each.
    fn readers(&self) -> Vec<String> {
        let may = self.partners.iter().filter(|partner| self.shares && partner.reads);
        may.map(|partner| format!("- {} ({})", partner.name, partner.id)).collect()
    }

    fn controller(&self) -> String {
        let said = &self.said;
        let who =
            or_gap(said.controller.as_ref(), "controller", "the organisation that is responsible, with its number");
        let address = or_gap(said.address.as_ref(), "address", "its postal address");
        format!("{who}, {address}")
    }

    fn officer(&self) -> String {
        or_gap(self.said.officer.as_ref(), "officer", "the data protection officer, or that there is none")
    }

    /// Who answers people.
    fn answers(&self) -> String {
        let contact = Some(&self.contact).filter(|contact| !contact.trim().is_empty());
        or_gap(self.said.answers.as_ref().or(contact), "answers", "who answers, and how they are reached")
    }

    fn basis_groups(&self) -> String {
        or_gap(
            self.said.basis_groups.as_ref(),
            "basis_groups",
            "the lawful basis (Art. 6); of legitimate interests, which",
        )
    }

    fn basis_people(&self) -> String {
        let what =
            "the lawful basis (Art. 6), and the condition of Art. 9 where they tell of health, faith or sex life";
        or_gap(self.said.basis_people.as_ref(), "basis_people", what)
    }

    fn transfers(&self) -> String {
        or_gap(
            self.said.transfers.as_ref(),
            "transfers",
            "whether any of it leaves the United Kingdom, and under which safeguards",
        )
    }

    fn security(&self) -> String {
        or_gap(self.said.security.as_ref(), "security", "how the organisation itself keeps it safe")
    }
}

impl Document {
    /// Settings that are missing in it, as `documents.controller`.
    pub fn missing(&self) -> Vec<String> {
        let mut missing: Vec<String> = Vec::new();
        for text in self.sections.iter().flat_map(|(_, paragraphs)| paragraphs) {
            for gap in text.split(GAP).skip(1) {
                let setting =
                    gap.split(']').next().and_then(|gap| gap.rsplit_once("setting ")).map(|(_, name)| name.to_owned());
                missing.extend(setting.filter(|name| !missing.contains(name)));
            }
        }
        missing
    }

    /// As Markdown.
    pub fn markdown(&self) -> String {
        let mut text = format!("# {}\n", self.title);
        for (heading, paragraphs) in &self.sections {
            text.push_str(&format!("\n## {heading}\n"));
            let mut item = false;
            for paragraph in paragraphs {
                let now = paragraph.starts_with("- ");
                text.push_str(if now && item { "" } else { "\n" });
                text.push_str(&format!("{paragraph}\n"));
                item = now;
            }
        }
        text
    }

    /// As a page.
    pub fn page(&self) -> String {
        let page = html! {
            (DOCTYPE)
            html lang="en-GB" {
                head { meta charset="utf-8"; title { (self.title) } }
                body {
                    h1 { (self.title) }
                    @for (heading, paragraphs) in &self.sections {
                        h2 { (heading) }
                        (self::paragraphs(paragraphs))
                    }
                }
            }
        };
        crate::record::direction::straight(&page.into_string())
    }
}

/// Paragraphs as a page shows them: runs of items as lists, gaps made to be seen.
pub(super) fn paragraphs(paragraphs: &[String]) -> Markup {
    html! {
        @for run in paragraphs.chunk_by(|a, b| a.starts_with("- ") == b.starts_with("- ")) {
            @if run[0].starts_with("- ") {
                ul { @for item in run { li { (marked(&item[2..])) } } }
            } @else {
                @for paragraph in run { p { (marked(paragraph)) } }
            }
        }
    }
}

/// A text with its gaps made to be seen.
fn marked(text: &str) -> Markup {
    let mut parts = text.split(GAP);
    let first = parts.next().unwrap_or_default();
    html! {
        (first)
        @for part in parts {
            @let (gap, rest) = part.split_once(']').unwrap_or((part, ""));
            mark { (GAP) (gap) "]" } (rest)
        }
    }
}

impl Hub {
    /// Every document, from what is in force today.
    ///
    /// # Errors
    /// Database errors.
    pub async fn documents(&self) -> anyhow::Result<Vec<Document>> {
        let facts = self.facts().await?;
        let mut all = vec![register::register(&facts), told::notice(&facts)];
        all.extend(facts.partners.iter().map(|partner| annex::annex(&facts, partner)));
        let gave = facts.partners.iter().filter(|partner| partner.gave > 0);
        all.extend(gave.map(|partner| told::article_14(&facts, partner)));
        Ok(all)
    }

    /// The privacy notice as it is in force, and its version: what people are told when they agree to something.
    ///
    /// # Errors
    /// Database errors.
    pub async fn notice(&self) -> anyhow::Result<(String, String)> {
        let facts = self.facts().await?;
        // The day would make the same words another notice every day.
        let text = told::notice(&facts).markdown();
        Ok((text, format!("generated {}", facts.today)))
    }

    /// What somebody who asks what is held about them is told besides (UK GDPR, Art. 15(1) and (2)).
    ///
    /// # Errors
    /// Database errors.
    pub(super) async fn access_terms(&self) -> anyhow::Result<Vec<(String, Vec<String>)>> {
        Ok(told::access(&self.facts().await?))
    }

    async fn facts(&self) -> anyhow::Result<Facts> {
        let today = self.today()?;
        let uses = self.uses().await?;
        let document = crate::feed::hub::reopen(&self.document, self.id).context("the hub document")?.document;
        let mut db = self.store.read().await?;
        let (readers, received) = (store::contact::readers(&mut db).await?, store::contact::received(&mut db).await?);
        let ledger = store::consent::all(&mut db).await?;
        let logs = store::log::all(&mut db).await?;
        let mut partners = Vec::new();
        for row in store::partner::all(&mut db).await? {
            let id = row.id.parse().context("a partner's id")?;
            let names = |entry: &&store::consent::ConsentRow| {
                entry.in_force(today) && entry.readers.contains(&crate::record::consent::Reader::Hub(id))
            };
            let log = logs.iter().find(|log| log.owner == row.hub);
            let published = log.and_then(|log| crate::feed::hub::reopen(&log.document, id).ok());
            partners.push(Partner {
                name: one_line(&row.name),
                address: one_line(&row.url),
                contact: published.map(|hub| one_line(&hub.document.role_contact)).unwrap_or_default(),
                reads: readers.contains_key(&id),
                gave: received.get(&row.hub).copied().unwrap_or(0),
                named: ledger.iter().filter(names).count(),
                id: row.id,
            });
        }
        partners.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        Ok(Facts {
            hub: one_line(&self.name),
            id: self.id.to_string(),
            contact: one_line(&document.role_contact),
            licence: one_line(&document.licence),
            today,
            publishes: self.config.publish.is_some(),
            shares: self.config.publish.as_ref().is_some_and(|publish| publish.contacts),
            groups: store::registry::live(&mut db, store::log::OWN).await?,
            contacts: store::contact::all(&mut db).await?.len(),
            people: store::person::all(&mut db).await?.len(),
            consents: ledger.iter().filter(|row| row.in_force(today)).count(),
            protected: store::protected::rows(&mut db).await?.len(),
            partners,
            uses,
            retention: self.config.retention.clone(),
            said: self.config.documents.clone(),
            backups: self.config.backups(),
            backups_kept: self.config.backup.keep,
        })
    }
}

fn section(heading: &str, paragraphs: impl IntoIterator<Item = String>) -> (String, Vec<String>) {
    (heading.to_owned(), paragraphs.into_iter().collect())
}

/// `1 month`, `3 months`.
fn count(n: impl Into<u64>, one: &str) -> String {
    match n.into() {
        1 => format!("1 {one}"),
        n => format!("{n} {one}s"),
    }
}

/// How long role contacts and people stay, and consents: what concerns the people themselves.
fn kept(facts: &Facts) -> Vec<String> {
    let periods = &facts.retention;
    let goes = match periods.sweep_after_days {
        0 => "What is due is shown to us, and we remove it by hand.".to_owned(),
        days => format!(
            "What is due is shown to us, and removed by itself {days} days later, unless somebody confirms that it is still right."
        ),
    };
    vec![
        format!("- Role contacts: {} after they were last confirmed.", count(periods.contact_months, "month")),
        format!("- People: {} after they were last confirmed.", count(periods.person_months, "month")),
        format!("- Either, of a group that has ended: {} after its end.", count(periods.ended_months, "month")),
        format!(
            "- The record of consents, which holds no names: {} after they end.",
            count(periods.consent_years, "year")
        ),
        format!("- Who looked at whose entry: {}.", count(periods.log_days, "day")),
        format!(
            "- Backups: we keep the newest {}. What a person asks us to remove is taken out of all that we can reach; what merely grew old goes \
             with the backup.",
            facts.backups_kept
        ),
        goes,
    ]
}

fn fields() -> String {
    Field::ALL.iter().map(|field| field.name()).collect::<Vec<_>>().join(", ")
}

/// What everybody can ask for, and to whom they turn.
fn rights(facts: &Facts) -> Vec<String> {
    vec![
        "- To see what we hold about you, and to have a copy.".into(),
        "- To have it put right, or removed.".into(),
        "- To have its use restricted while a question is open, and to object to it.".into(),
        "- To have what you gave us yourself in a form that others can read (portability).".into(),
        "- To take your consent back, at any time, as easily as you gave it. What was done before stays lawful; from then on we stop, and \
         tell everybody we gave it to."
            .into(),
        format!("Write to {}. We answer within one month, and it costs nothing.", facts.answers()),
        "If you are not content, complain to us at the same address: we acknowledge it within 30 days, and tell you what came of it. You \
         can also complain to the Information Commissioner: ico.org.uk/make-a-complaint, telephone 0303 123 1113."
            .into(),
    ]
}

/// That no machine decides about anybody.
const NO_MACHINE: &str = "No decision about you is made by a machine alone, and nobody is profiled.";
