//! `mutuald person`: one of the three places where what is personal is shown; the others are `subject export` and its page.

use super::contact::own;
use super::output::{lines, table};
use super::{Answer, Context, Failure};
use crate::node::Hub;
use crate::store;
use crate::store::person::{PersonRow, Personal};
use serde::Serialize;
use std::fmt;

/// People this hub works with. They stay on this hub: no feed, page, export or log can hold them
#[derive(Debug, clap::Subcommand)]
pub enum Person {
    /// Write down a person
    Add {
        /// Their name
        name: String,
        #[command(flatten)]
        says: Says,
    },
    /// Change what is known of a person, or confirm it
    Edit {
        /// Their number, as `person list` shows it
        number: i64,
        /// Their name
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        says: Says,
        /// It is still right: starts its time anew
        #[arg(long)]
        confirm: bool,
    },
    /// List people: number, name, role and group
    List,
    /// Show all that is known of a person, and who looked at it
    Show {
        /// Their number
        number: i64,
    },
    /// Remove everything of a person
    Forget {
        /// Their number
        number: i64,
        /// Without asking
        #[arg(long)]
        yes: bool,
    },
}

/// What is known of a person.
#[derive(Debug, clap::Args)]
pub struct Says {
    /// In what role this hub knows them
    #[arg(long)]
    role: Option<String>,
    /// Name of the group that they stand for
    #[arg(long)]
    group: Option<String>,
    /// Mailbox; an empty one clears it
    #[arg(long)]
    email: Option<String>,
    /// Telephone number
    #[arg(long)]
    phone: Option<String>,
    /// Address
    #[arg(long)]
    address: Option<String>,
    /// What support they asked for
    #[arg(long)]
    needs: Option<String>,
    /// Notes
    #[arg(long)]
    notes: Option<String>,
}

impl Says {
    async fn over(self, context: &Context, hub: &Hub, row: &mut PersonRow) -> anyhow::Result<()> {
        if let Some(group) = self.group {
            let mut db = hub.store.read().await?;
            row.rec = Some(own(&context.group(hub, &mut db, &group).await?)?);
        }
        row.role = self.role.unwrap_or_else(|| row.role.clone());
        let texts = [
            (&mut row.email, self.email),
            (&mut row.phone, self.phone),
            (&mut row.address, self.address),
            (&mut row.needs, self.needs),
            (&mut row.notes, self.notes),
        ];
        for (known, said) in texts {
            if let Some(said) = said {
                *known = (!said.trim().is_empty()).then(|| Personal::new(said.trim()));
            }
        }
        Ok(())
    }
}

/// A person as shown to whoever asked: made here, printed, and gone.
#[derive(Serialize)]
struct Shown {
    person: i64,
    name: String,
    role: String,
    group: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    address: Option<String>,
    needs: Option<String>,
    notes: Option<String>,
    log: Vec<(String, String)>,
}

impl fmt::Display for Shown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}. {}, {}", self.person, self.name, self.role)?;
        let rest = [
            ("Group", &self.group),
            ("Mailbox", &self.email),
            ("Telephone", &self.phone),
            ("Address", &self.address),
            ("Support asked for", &self.needs),
            ("Notes", &self.notes),
        ];
        for (label, text) in rest {
            if let Some(text) = text {
                writeln!(out, "{label}: {text}")?;
            }
        }
        for (day, what) in &self.log {
            writeln!(out, "  {day}: {what}")?;
        }
        Ok(())
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Rows(Vec<Shown>);

impl fmt::Display for Rows {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return out.write_str("Nobody. `mutuald person add NAME` writes somebody down.");
        }
        let mut shown = table(&["no.", "name", "role", "group"]);
        for row in &self.0 {
            shown.add_row([&row.person.to_string(), &row.name, &row.role, row.group.as_deref().unwrap_or_default()]);
        }
        out.write_str(&lines(&shown))
    }
}

#[derive(Serialize)]
struct Done {
    person: i64,
    did: String,
}

impl fmt::Display for Done {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Person {}: {}.", self.person, self.did)
    }
}

async fn person(hub: &Hub, number: i64) -> anyhow::Result<PersonRow> {
    let mut db = hub.store.read().await?;
    let found = store::person::all(&mut db).await?.into_iter().find(|row| row.n == number);
    found.ok_or_else(|| {
        let next = "`mutuald person list` shows the numbers";
        Failure::usage(format!("there is nobody under the number {number}"), next).into()
    })
}

async fn save(hub: &Hub, row: &PersonRow, did: &'static str) -> anyhow::Result<Answer> {
    let mut db = hub.store.write().await?;
    let n = store::person::save(&mut db, row).await?;
    store::person::note(&mut db, n, did, hub.clock.now().as_second()).await?;
    db.commit().await?;
    Answer::of(&Done { person: n, did: did.to_owned() })
}

impl Person {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let hub = context.hub().await?;
        let now = hub.clock.now().as_second();
        match self {
            Person::Add { name, says } => {
                if name.trim().is_empty() {
                    return Err(
                        Failure::usage("the name is empty", "give a name, or what they wish to be called").into()
                    );
                }
                let mut row =
                    PersonRow { name: Personal::new(name.trim()), role: "contact".into(), ..PersonRow::default() };
                (row.made, row.confirmed) = (now, now);
                says.over(context, hub, &mut row).await?;
                save(hub, &row, "written down; it stays on this hub").await
            }
            Person::Edit { number, name, says, confirm } => {
                let mut row = person(hub, number).await?;
                if let Some(name) = name.filter(|name| !name.trim().is_empty()) {
                    row.name = Personal::new(name.trim());
                }
                says.over(context, hub, &mut row).await?;
                row.confirmed = now;
                save(hub, &row, if confirm { "confirmed" } else { "changed" }).await
            }
            Person::List => {
                let mut db = hub.store.read().await?;
                let groups = crate::node::groups::own_records(hub, &mut db).await?;
                let group = |rec: Option<uuid::Uuid>| {
                    groups.iter().find(|one| Some(one.row.rec) == rec).map(|one| one.group.name.clone())
                };
                let shown = |row: PersonRow| Shown {
                    person: row.n,
                    name: row.name.reveal().to_owned(),
                    role: row.role,
                    group: group(row.rec),
                    email: None,
                    phone: None,
                    address: None,
                    needs: None,
                    notes: None,
                    log: vec![],
                };
                Answer::of(&Rows(store::person::all(&mut db).await?.into_iter().map(shown).collect()))
            }
            Person::Show { number } => {
                let row = person(hub, number).await?;
                let zone = hub.config.time_zone()?;
                let mut db = hub.store.write().await?;
                store::person::note(&mut db, number, "looked at", now).await?;
                let log = store::person::log(&mut db, number).await?;
                let groups = crate::node::groups::own_records(hub, &mut db).await?;
                db.commit().await?;
                let group = groups.iter().find(|one| Some(one.row.rec) == row.rec).map(|one| one.group.name.clone());
                let text = |value: &Option<Personal>| value.as_ref().map(|value| value.reveal().to_owned());
                let day =
                    |at: i64| jiff::Timestamp::from_second(at).map(|at| at.to_zoned(zone.clone()).date().to_string());
                Answer::of(&Shown {
                    person: row.n,
                    name: row.name.reveal().to_owned(),
                    role: row.role.clone(),
                    group,
                    email: text(&row.email),
                    phone: text(&row.phone),
                    address: text(&row.address),
                    needs: text(&row.needs),
                    notes: text(&row.notes),
                    log: log.into_iter().map(|(at, what)| Ok((day(at)?, what))).collect::<Result<_, jiff::Error>>()?,
                })
            }
            Person::Forget { number, yes } => {
                person(hub, number).await?;
                super::partner::sure(context, yes, &format!("Remove everything of person {number}?"))?;
                let left = hub.forget_person(number).await?;
                let did = match left.is_empty() {
                    true => "forgotten, here and in the backups that this hub knows".to_owned(),
                    false => format!("forgotten here. These may still hold them: {}", left.join("; ")),
                };
                Ok(Answer::of(&Done { person: number, did })?.look_if(!left.is_empty()))
            }
        }
    }
}
