//! Documents for a hub's trustees and for the people it keeps data about, made from what is in force: the configuration, the
//! partner hubs, who reads contacts. A starting place for a charity's own words, and no legal advice.

use super::Hub;
use super::frames::uses::Use;
use crate::config::Retention;
use crate::record::contact::Field;
use crate::store;
use anyhow::Context;
use jiff::civil::Date;
use maud::{DOCTYPE, html};

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
    contact: String,
    licence: String,
    today: Date,
    publishes: bool,
    groups: u64,
    contacts: usize,
    people: usize,
    consents: usize,
    partners: Vec<Partner>,
    uses: Vec<Use>,
    retention: Retention,
}

impl Facts {
    /// Partner hubs that may read contacts, a line each.
    fn readers(&self) -> Vec<String> {
        let may = self.partners.iter().filter(|partner| partner.reads);
        may.map(|partner| format!("- {} ({})", partner.name, partner.id)).collect()
    }
}

struct Partner {
    name: String,
    id: String,
    address: String,
    /// Whether it may read contacts.
    reads: bool,
    /// Lines of contacts held from it.
    gave: i64,
    /// How many of our contacts name it in a consent in force.
    named: usize,
}

impl Document {
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
        html! {
            (DOCTYPE)
            html lang="en-GB" {
                head { meta charset="utf-8"; title { (self.title) } }
                body {
                    h1 { (self.title) }
                    @for (heading, paragraphs) in &self.sections {
                        h2 { (heading) }
                        @for paragraph in paragraphs {
                            @if let Some(item) = paragraph.strip_prefix("- ") { ul { li { (item) } } } @else { p { (paragraph) } }
                        }
                    }
                }
            }
        }
        .into_string()
    }
}

impl Hub {
    /// Every document, from what is in force today.
    ///
    /// # Errors
    /// Database errors.
    pub async fn documents(&self) -> anyhow::Result<Vec<Document>> {
        let facts = self.facts().await?;
        let mut all = vec![register(&facts), notice(&facts)];
        all.extend(facts.partners.iter().map(|partner| annex(&facts, partner)));
        all.extend(facts.partners.iter().filter(|partner| partner.gave > 0).map(|partner| article_14(&facts, partner)));
        Ok(all)
    }

    /// The privacy notice as it is in force, and its version: what people are told when they agree to something.
    ///
    /// # Errors
    /// Database errors.
    pub async fn notice(&self) -> anyhow::Result<(String, String)> {
        let facts = self.facts().await?;
        // The day would make the same words another notice every day.
        let text = notice(&facts).markdown();
        Ok((text, format!("generated {}", facts.today)))
    }

    async fn facts(&self) -> anyhow::Result<Facts> {
        let today = self.today()?;
        let uses = self.uses().await?;
        let document = crate::feed::hub::reopen(&self.document, self.id).context("the hub document")?.document;
        let mut db = self.store.read().await?;
        let (readers, received) = (store::contact::readers(&mut db).await?, store::contact::received(&mut db).await?);
        let ledger = store::consent::all(&mut db).await?;
        let mut partners = Vec::new();
        for row in store::partner::all(&mut db).await? {
            let id = row.id.parse().context("a partner's id")?;
            let names = |entry: &&store::consent::ConsentRow| {
                entry.in_force(today) && entry.readers.contains(&crate::record::consent::Reader::Hub(id))
            };
            partners.push(Partner {
                name: row.name,
                address: row.url,
                reads: readers.contains_key(&id),
                gave: received.get(&row.hub).copied().unwrap_or(0),
                named: ledger.iter().filter(names).count(),
                id: row.id,
            });
        }
        partners.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        Ok(Facts {
            hub: self.name.clone(),
            id: self.id.to_string(),
            contact: document.role_contact,
            licence: document.licence,
            today,
            publishes: self.config.publish.is_some(),
            groups: store::registry::live(&mut db, store::log::OWN).await?,
            contacts: store::contact::all(&mut db).await?.len(),
            people: store::person::all(&mut db).await?.len(),
            consents: ledger.iter().filter(|row| row.in_force(today)).count(),
            partners,
            uses,
            retention: self.config.retention.clone(),
        })
    }
}

fn section(heading: &str, paragraphs: impl IntoIterator<Item = String>) -> (String, Vec<String>) {
    (heading.to_owned(), paragraphs.into_iter().collect())
}

fn kept(periods: &Retention) -> Vec<String> {
    vec![
        format!("- Role contacts: {} months after they were last confirmed.", periods.contact_months),
        format!("- People: {} months after they were last confirmed.", periods.person_months),
        format!("- Either, of a group that has ended: {} months.", periods.ended_months),
        format!(
            "- Former words of imported records: {} days; records held for a look: {} days.",
            periods.import_days, periods.held_days
        ),
        format!("- The record of consents, which holds no names: {} years after they end.", periods.consent_years),
        format!("- Who looked at whose entry: {} days.", periods.log_days),
    ]
}

fn fields() -> String {
    Field::ALL.iter().map(|field| field.name()).collect::<Vec<_>>().join(", ")
}

fn register(facts: &Facts) -> Document {
    let readers = facts.readers();
    let all: Vec<String> = facts
        .partners
        .iter()
        .map(|partner| format!("- {} ({}), at {}", partner.name, partner.id, partner.address))
        .collect();
    let none = |list: Vec<String>| if list.is_empty() { vec!["None.".to_owned()] } else { list };
    Document {
        name: "register".into(),
        title: format!("Register of processing, {} (UK GDPR, Art. 30)", facts.hub),
        sections: vec![
            section("Controller", [format!("{}, hub id {}. Questions: {}. As of {}.", facts.hub, facts.id, facts.contact, facts.today)]),
            section("Group facts", [
                format!("{} groups of this hub. What a group is, where and when it meets, how the group is reached: no person's name.", facts.groups),
                if facts.publishes {
                    format!("Published to everybody under {}; partner hubs hold copies.", facts.licence)
                } else {
                    "Not published by this hub.".into()
                },
            ]),
            section("Role contacts", [
                format!("{} role contacts ({}). To be a contact of a group can tell of health, faith or sex life, so each is treated as special category data.", facts.contacts, fields()),
                format!("Basis: explicit consent that names each hub; {} consents are in force. Without one nothing is signed or given out.", facts.consents),
            ]),
            section("Hubs that may read role contacts, where a consent names them", none(readers)),
            section("People", [format!("{} people: names, addresses, support needs and notes, for the hub's own work. They never leave this hub: no part, export, index or log can hold them.", facts.people)]),
            section("Partner hubs", none(all)),
            section("Research uses of sampling frames", research(&facts.uses)),
            section("How long", kept(&facts.retention)),
            section("Security", [
                "Records are signed; requests for contacts are signed by the asking hub (RFC 9421) and answered line by line from the ledger of consents.".into(),
                "Free text is looked through for mailboxes, telephone numbers and names before it is signed.".into(),
                "Deleted data is overwritten in the database, and taken out of the backups that this hub knows and can reach; a backup that is restored forgets it before it is used.".into(),
            ]),
        ],
    }
}

/// Which studies may use what, a line each; those that have ended too.
fn research(uses: &[Use]) -> Vec<String> {
    let one = |one: &Use| {
        let Use { study, reader, frame, purpose, ethics, fields, begun, until, ended, .. } = one;
        let end = match ended {
            Some(ended) => format!("ended {ended}"),
            None if one.overdue() => format!("ran out {until}; nobody has said that it ended"),
            None => format!("until {until}"),
        };
        format!(
            "- {study}: {reader} uses {frame} since {begun}, {end}. For: {purpose}. Approved: {ethics}. Fields released: {}.",
            fields.join(", ")
        )
    };
    if uses.is_empty() { vec!["None.".to_owned()] } else { uses.iter().rev().map(one).collect() }
}

fn notice(facts: &Facts) -> Document {
    let readers = facts.readers();
    let with = if readers.is_empty() {
        vec!["With nobody. Should that change, we ask you first, and name who it is.".to_owned()]
    } else {
        let mut with = vec!["Only with those of these organisations that you agree to, one by one:".to_owned()];
        with.extend(readers);
        with.push("A new partner is not included. We would ask you again.".into());
        with
    };
    Document {
        name: "notice".into(),
        title: format!("How {} uses your contact details", facts.hub),
        sections: vec![
            section("What we keep", [
                format!("If you are the contact of a group: your role in it and how that role is reached ({}). Not your name.", fields()),
                "If we support your group: your name and what you told us, for our own work. That never leaves us.".into(),
            ]),
            section("Why we may", ["Because you agreed. To be the contact of a group can tell something about your health or your life, so we ask you expressly, and write down what you agreed to, when and how.".into()]),
            section("With whom we share it", with),
            section("How long we keep it", kept(&facts.retention)),
            section("What you can ask for", [
                "- To see everything we hold about you.".into(),
                "- To have it put right, or removed.".into(),
                "- To take your consent back, at any time, as easily as you gave it. We then tell everybody we gave it to.".into(),
                format!("Write to {}. If you are not content with our answer, you can complain to us, and to the Information Commissioner (ico.org.uk).", facts.contact),
            ]),
        ],
    }
}

fn annex(facts: &Facts, partner: &Partner) -> Document {
    let contacts = if partner.reads {
        format!(
            "Role contacts ({}), where the person agreed to {} by name: {} consents in force.",
            fields(),
            partner.name,
            partner.named
        )
    } else {
        "No role contacts.".to_owned()
    };
    Document {
        name: format!("annex-{}", partner.id),
        title: format!("Sharing agreement, annex: {} and {}", facts.hub, partner.name),
        sections: vec![
            section("Who", [
                format!("{} ({}), and {} ({}, {}). Each is a controller of its own.", facts.hub, facts.id, partner.name, partner.id, partner.address),
                format!("As of {}.", facts.today),
            ]),
            section("Why", ["So that people find self-help and mutual-aid groups, and each list is kept by those who know it.".into()]),
            section("What is given", [format!("Group facts, under {}.", facts.licence), contacts]),
            section("What is received", [
                format!("{}'s group facts, as it publishes them.", partner.name),
                if partner.gave > 0 { format!("Role contacts of {} of its groups.", partner.gave) } else { "No role contacts.".into() },
            ]),
            section("What each promises", [
                "- To delete what the other erases, with the next pull, and not to take it back from elsewhere.".into(),
                "- To show role contacts to its own staff alone, and pass them on to nobody.".into(),
                "- To tell the people concerned where it holds their details from (UK GDPR, Art. 14), within a month.".into(),
                "- To tell the other within a day of anything that endangers the data.".into(),
            ]),
            section("How long, and review", kept(&facts.retention).into_iter().chain(["To be looked at again once a year, or when either changes.".to_owned()])),
        ],
    }
}

fn article_14(facts: &Facts, partner: &Partner) -> Document {
    Document {
        name: format!("article-14-{}", partner.id),
        title: format!("We were given your contact details by {}", partner.name),
        sections: vec![
            section("Who we are", [format!("{}. Write to {}.", facts.hub, facts.contact)]),
            section("What we hold and from whom", [
                format!("Your role as contact of a group and how that role is reached ({}). {} ({}) gave it to us, because you agreed that it may.", fields(), partner.name, partner.address),
            ]),
            section("What we do with it", ["Our staff use it to put people in touch with your group. We show it to nobody else and pass it on to nobody.".into()]),
            section("How long", [format!("As long as {} gives it to us. When you take your consent back there, or here, it is gone here with the next exchange.", partner.name)]),
            section("What you can ask for", [
                "To see it, to have it put right or removed, to object, and to take your consent back.".into(),
                "You can complain to us, and to the Information Commissioner (ico.org.uk).".into(),
            ]),
        ],
    }
}
