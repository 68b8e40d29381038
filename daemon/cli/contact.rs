//! `mutuald contact`

use super::consent::refused;
use super::output::{count, lines, table};
use super::{Answer, Context, Failure};
use crate::node::contacts::Tended;
use crate::node::groups::Known;
use crate::record::contact::{Field, RoleContact, role_label};
use crate::store::{self, contact::ContactRow};
use serde::Serialize;
use std::fmt;
use uuid::Uuid;

/// Role contacts of this hub's groups: shown to named hubs alone, and only with consent
#[derive(Debug, clap::Subcommand)]
pub enum Contact {
    /// Add a role contact to a group of this hub. Nothing of it leaves the hub before `consent add`
    Add {
        /// Name of the group
        group: String,
        /// The role: enquiries, newcomers, coordinator, deputy, secretary, treasurer, referrals or venue
        #[arg(long)]
        role: String,
        #[command(flatten)]
        says: Says,
    },
    /// Change a role contact, or confirm it. A new number or mailbox needs a new consent
    Edit {
        /// Its number, as `contact list` shows it
        number: i64,
        #[command(flatten)]
        says: Says,
        /// It is still right: starts its time anew
        #[arg(long)]
        confirm: bool,
        /// Whoever is reached there now agreed to the same sharing: consents stay in force
        #[arg(long)]
        still_agreed: bool,
    },
    /// List role contacts: who may read them, and what of them is shared today
    List {
        /// Of one group
        group: Option<String>,
    },
    /// Remove a role contact, here and with the next exchange at every hub that was given it
    Remove {
        /// Its number
        number: i64,
        /// Without asking
        #[arg(long)]
        yes: bool,
    },
}

/// What a contact says.
#[derive(Debug, clap::Args)]
pub struct Says {
    /// Mailbox; an empty one clears it
    #[arg(long)]
    email: Option<String>,
    /// Telephone number
    #[arg(long)]
    phone: Option<String>,
    /// Page or form
    #[arg(long)]
    url: Option<String>,
    /// When somebody answers
    #[arg(long)]
    hours: Option<String>,
    /// What helps who gets in touch; never a name
    #[arg(long)]
    notes: Option<String>,
}

impl Says {
    fn over(&self, contact: &mut RoleContact) {
        let values = [&self.email, &self.phone, &self.url, &self.hours, &self.notes];
        for (field, value) in Field::ALL.into_iter().zip(values) {
            if let Some(value) = value {
                contact.set(field, Some(value.trim().to_owned()).filter(|value| !value.is_empty()));
            }
        }
    }
}

#[derive(Serialize)]
struct Done {
    contact: i64,
    #[serde(flatten)]
    tended: Tended,
    #[serde(skip)]
    text: String,
}

impl fmt::Display for Done {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)?;
        out.write_str(&after(&self.tended))
    }
}

/// What followed for partner hubs.
pub(super) fn after(tended: &Tended) -> String {
    let mut text = String::new();
    if tended.signed > 0 {
        text.push_str(&format!("\nShared anew: contacts of {}.", count(tended.signed as u64, "group", "groups")));
    }
    if tended.withdrawn > 0 {
        text.push_str(&format!(
            "\nTaken back: contacts of {}. Partner hubs delete them with their next pull.",
            count(tended.withdrawn as u64, "group", "groups")
        ));
    }
    text
}

#[derive(Serialize)]
struct Row {
    contact: i64,
    group: String,
    role: String,
    #[serde(flatten)]
    says: RoleContact,
    confirmed: String,
    consents: Vec<String>,
    shared: bool,
}

#[derive(Serialize)]
#[serde(transparent)]
struct Rows(Vec<Row>);

impl fmt::Display for Rows {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return out
                .write_str("No role contacts. `mutuald contact add 'GROUP' --role coordinator --phone …` adds one.");
        }
        let mut shown = table(&["no.", "group", "role", "reached by", "shared today with"]);
        for row in &self.0 {
            let reached: Vec<&str> = Field::ALL.iter().filter_map(|field| row.says.get(*field)).collect();
            let with = match (row.consents.is_empty(), row.shared) {
                (true, _) => "nobody: no consent in force".to_owned(),
                (false, true) => row.consents.join(", "),
                (false, false) => format!("nobody yet; {} agreed", row.consents.join(", ")),
            };
            shown.add_row([&row.contact.to_string(), &row.group, role_label(&row.role), &reached.join("; "), &with]);
        }
        out.write_str(&lines(&shown))
    }
}

impl Contact {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let hub = context.hub().await?;
        let now = hub.clock.now().as_second();
        match self {
            Contact::Add { group, role, says } => {
                let mut db = hub.store.read().await?;
                let known = context.group(hub, &mut db, &group).await?;
                let rec = own(&known)?;
                drop(db);
                let mut contact = RoleContact { role: role.trim().to_lowercase(), ..RoleContact::default() };
                says.over(&mut contact);
                let row = ContactRow { n: 0, rec, contact, made: now, confirmed: now };
                let (n, tended) = hub.save_contact(&row, false).await.map_err(refused)?;
                let text = format!(
                    "Contact {n} of {}. It stays on this hub until somebody agrees: mutuald consent add {n} --hub NAME",
                    known.row.name
                );
                Answer::of(&Done { contact: n, tended, text })
            }
            Contact::Edit { number, says, confirm, still_agreed } => {
                let mut row = one(hub, number).await?;
                let before = row.contact.clone();
                says.over(&mut row.contact);
                if row.contact == before && !confirm {
                    let next = "give what changes, or --confirm when it is still right";
                    return Err(Failure::usage("nothing was given to change", next).into());
                }
                row.confirmed = now;
                let (n, tended) = hub.save_contact(&row, still_agreed).await.map_err(refused)?;
                let text = format!("Contact {n} is as you say, confirmed today.");
                Answer::of(&Done { contact: n, tended, text })
            }
            Contact::List { group } => {
                let mut db = hub.store.read().await?;
                let wanted = match group {
                    Some(group) => Some(own(&context.group(hub, &mut db, &group).await?)?),
                    None => None,
                };
                let today = hub.today()?;
                let zone = hub.config.time_zone()?;
                let names = crate::node::consents::hubs(&mut db).await?;
                let ledger = store::consent::all(&mut db).await?;
                let groups = crate::node::groups::own_records(hub, &mut db).await?;
                let mut rows = Vec::new();
                for row in store::contact::all(&mut db).await? {
                    if wanted.is_some_and(|rec| rec != row.rec) {
                        continue;
                    }
                    let subject = store::consent::Subject::Contact(row.n);
                    let mut agreed: Vec<String> = ledger
                        .iter()
                        .filter(|entry| entry.subject == subject && entry.in_force(today))
                        .flat_map(|entry| crate::node::subject::readers(entry, &names))
                        .collect();
                    agreed.sort();
                    agreed.dedup();
                    let line = store::contact::line_of(&mut db, store::log::OWN, row.rec).await?;
                    let shared = match &line {
                        Some(line) => {
                            let holds = store::contact::holds(&mut db, line.pos).await?;
                            holds.iter().any(|(contact, _)| *contact == row.n)
                        }
                        None => false,
                    };
                    let group = groups.iter().find(|one| one.row.rec == row.rec);
                    let confirmed = jiff::Timestamp::from_second(row.confirmed)?.to_zoned(zone.clone()).date();
                    rows.push(Row {
                        contact: row.n,
                        group: group.map_or("(no longer listed)".into(), |one| one.group.name.clone()),
                        role: row.contact.role.clone(),
                        says: row.contact,
                        confirmed: confirmed.to_string(),
                        consents: agreed,
                        shared,
                    });
                }
                Answer::of(&Rows(rows))
            }
            Contact::Remove { number, yes } => {
                one(hub, number).await?;
                super::partner::sure(
                    context,
                    yes,
                    &format!("Remove contact {number}, here and at every hub that has it?"),
                )?;
                let tended = hub.remove_contact(number).await.map_err(refused)?;
                let left = hub.files_left().await?;
                let mut text = format!("Contact {number} is removed.");
                if !left.is_empty() {
                    text.push_str(&format!(" These may still hold it:\n  - {}", left.join("\n  - ")));
                }
                Ok(Answer::of(&Done { contact: number, tended, text })?.look_if(!left.is_empty()))
            }
        }
    }
}

async fn one(hub: &crate::node::Hub, number: i64) -> anyhow::Result<ContactRow> {
    let mut db = hub.store.read().await?;
    let row = store::contact::get(&mut db, number).await?;
    row.ok_or_else(|| {
        let next = "`mutuald contact list` shows the numbers";
        Failure::usage(format!("there is no contact under the number {number}"), next).into()
    })
}

/// This hub's record of a group: contacts belong to what this hub itself says.
pub(super) fn own(known: &Known) -> anyhow::Result<Uuid> {
    let own = known.own();
    own.first().map(|one| one.row.rec).ok_or_else(|| {
        let next = format!("`mutuald group edit '{}' --set …` says something of it first", known.row.name);
        Failure::new(format!("this hub has no record of {:?} to put a contact beside", known.row.name), next).into()
    })
}
