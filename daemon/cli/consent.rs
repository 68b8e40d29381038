//! `mutuald consent`

use super::contact::after;
use super::output::{lines, table};
use super::{Answer, Context, Failure};
use crate::node::consents::{Given, MEDIA, Refused};
use crate::node::contacts::Tended;
use crate::node::subject::{called, readers};
use crate::node::{Hub, consents};
use crate::record::consent::Reader;
use crate::record::contact::Field;
use crate::store;
use crate::store::consent::{ConsentRow, Subject};
use anyhow::Context as _;
use jiff::ToSpan;
use jiff::civil::Date;
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;

/// Who agreed to what, for which hubs, told by which words
#[derive(Debug, clap::Subcommand)]
pub enum Consent {
    /// Write down that somebody agreed. From then on the named hubs are given what was agreed to
    Add {
        /// Number of the role contact
        #[arg(required_unless_present = "person", conflicts_with = "person")]
        contact: Option<i64>,
        /// Number of the person, instead
        #[arg(long)]
        person: Option<i64>,
        /// A hub that they agreed to, by name; once for each. A hub that becomes a partner later is not included
        #[arg(long = "hub", value_name = "NAME")]
        hubs: Vec<String>,
        /// They agreed to the public too
        #[arg(long)]
        public: bool,
        /// What they agreed to share: email, phone, url, hours, notes [default: all that the contact says]
        #[arg(long = "field", value_name = "FIELD")]
        fields: Vec<String>,
        /// How they agreed: paper, email, phone, in-person or web-form
        #[arg(long, default_value = "paper")]
        medium: String,
        /// In what role it was obtained, such as hub, volunteer or community-worker
        #[arg(long, default_value = "hub")]
        by: String,
        /// The day they agreed, as YYYY-MM-DD [default: today]
        #[arg(long)]
        date: Option<Date>,
        /// The last day on which it counts [default: twelve months later]
        #[arg(long)]
        review: Option<Date>,
        /// What they were told, word for word [default: the privacy notice of `documents show notice`]
        #[arg(long, value_name = "FILE")]
        notice: Option<PathBuf>,
        /// A name for that notice's version
        #[arg(long, default_value = "1")]
        notice_version: String,
    },
    /// List consents, newest last
    List {
        /// Also those that have ended
        #[arg(long)]
        all: bool,
    },
    /// Show a consent with the words that people were told
    Show {
        /// Its number
        number: i64,
    },
    /// Take a consent back. What it shared is withdrawn at once
    Withdraw {
        /// Its number
        number: i64,
    },
    /// List consents that end soon, to ask again in time
    Due {
        /// Within so many days
        #[arg(long, default_value_t = 60)]
        days: i64,
    },
}

/// A refusal with its next step.
pub(super) fn refused(error: Refused) -> anyhow::Error {
    let next = match &error {
        Refused::Store(_) | Refused::Other(_) => return error.into(),
        Refused::Unknown("consent", _) => "`mutuald consent list --all` shows the numbers",
        Refused::Unknown("person", _) => "`mutuald person list` shows the numbers",
        Refused::Unknown(..) => "`mutuald contact list` shows the numbers",
        Refused::NotNamed(_) => {
            "`mutuald partner share NAME --contact` puts the hub into the notice; then ask again, or give what was said with --notice"
        }
        Refused::NotPublic => {
            "give the words that were said, which tell that everybody can read it, with --notice FILE"
        }
        Refused::Empty(_) => "leave that field out, or fill it in with `mutuald contact edit`",
        _ => "put it right, and the same command again",
    };
    Failure::usage(error.to_string(), next).into()
}

#[derive(Serialize)]
struct Row {
    consent: i64,
    whose: String,
    fields: Vec<&'static str>,
    readers: Vec<String>,
    medium: String,
    by: String,
    given: String,
    review: String,
    withdrawn: Option<String>,
    in_force: bool,
    notice_version: String,
    notice_sha256: String,
}

async fn rows(hub: &Hub) -> anyhow::Result<Vec<(ConsentRow, Row)>> {
    let mut db = hub.store.read().await?;
    let (names, today) = (consents::hubs(&mut db).await?, hub.today()?);
    let row = |row: ConsentRow| {
        let shown = Row {
            consent: row.n,
            whose: called(row.subject),
            fields: row.fields.iter().map(|field| field.name()).collect(),
            readers: readers(&row, &names),
            medium: row.medium.clone(),
            by: row.by_role.clone(),
            given: row.given.to_string(),
            review: row.review.to_string(),
            withdrawn: row.withdrawn.map(|day| day.to_string()),
            in_force: row.in_force(today),
            notice_version: row.notice_version.clone(),
            notice_sha256: row.notice.clone(),
        };
        (row, shown)
    };
    Ok(store::consent::all(&mut db).await?.into_iter().map(row).collect())
}

#[derive(Serialize)]
#[serde(transparent)]
struct Rows(Vec<Row>);

impl fmt::Display for Rows {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return out.write_str("No consents.");
        }
        let mut shown = table(&["no.", "of", "what", "for", "given", "until", ""]);
        for row in &self.0 {
            let state = match (&row.withdrawn, row.in_force) {
                (Some(day), false) => format!("withdrawn {day}"),
                (_, true) => "in force".to_owned(),
                (None, false) => "not in force".to_owned(),
            };
            shown.add_row([
                &row.consent.to_string(),
                &row.whose,
                &row.fields.join(", "),
                &row.readers.join(", "),
                &row.given,
                &row.review,
                &state,
            ]);
        }
        out.write_str(&lines(&shown))
    }
}

#[derive(Serialize)]
struct One {
    #[serde(flatten)]
    row: Row,
    notice: String,
}

impl fmt::Display for One {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = &self.row;
        writeln!(
            out,
            "Consent {} of {}: {} for {}",
            row.consent,
            row.whose,
            row.fields.join(", "),
            row.readers.join(", ")
        )?;
        writeln!(out, "Given {} ({}), obtained by {}; until {}.", row.given, row.medium, row.by, row.review)?;
        if let Some(day) = &row.withdrawn {
            writeln!(out, "Withdrawn {day}.")?;
        }
        writeln!(out, "They were told (version {}, SHA-256 {}):\n", row.notice_version, row.notice_sha256)?;
        out.write_str(&self.notice)
    }
}

#[derive(Serialize)]
struct Done {
    consent: i64,
    #[serde(flatten)]
    tended: Tended,
    #[serde(skip)]
    text: String,
}

impl fmt::Display for Done {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}{}", self.text, after(&self.tended))
    }
}

impl Consent {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let hub = context.hub().await?;
        let (today, number) = (hub.today()?, |n| Refused::Unknown("consent", n));
        match self {
            Consent::List { all } => {
                let rows = rows(hub).await?.into_iter().map(|(_, row)| row).filter(|row| all || row.in_force);
                Answer::of(&Rows(rows.collect()))
            }
            Consent::Due { days } => {
                let until = today.saturating_add(days.days());
                let soon = |(row, shown): &(ConsentRow, Row)| shown.in_force && row.review <= until;
                let rows: Vec<Row> = rows(hub).await?.into_iter().filter(soon).map(|(_, row)| row).collect();
                let look = !rows.is_empty();
                Ok(Answer::of(&Rows(rows))?.look_if(look))
            }
            Consent::Show { number: n } => {
                let (row, shown) =
                    rows(hub).await?.into_iter().find(|(row, _)| row.n == n).ok_or_else(|| refused(number(n)))?;
                let mut db = hub.store.read().await?;
                let notice = store::consent::notices(&mut db).await?.remove(&row.notice).unwrap_or_default();
                Answer::of(&One { row: shown, notice })
            }
            Consent::Withdraw { number: n } => {
                let tended = hub.withdraw_consent(n).await.map_err(refused)?;
                let text = format!("Consent {n} is withdrawn from today.");
                Answer::of(&Done { consent: n, tended, text })
            }
            Consent::Add {
                contact,
                person,
                hubs,
                public,
                fields,
                medium,
                by,
                date,
                review,
                notice,
                notice_version,
            } => {
                let subject = match (contact, person) {
                    (Some(n), _) => Subject::Contact(n),
                    (None, Some(n)) => Subject::Person(n),
                    (None, None) => return Err(Failure::usage("nobody is named", "give the contact's number").into()),
                };
                let mut wanted = std::collections::BTreeSet::new();
                for name in &fields {
                    let field = Field::named(name.trim()).ok_or_else(|| {
                        let all = Field::ALL.map(Field::name).join(", ");
                        Failure::usage(format!("there is no field {name:?}"), format!("the fields are: {all}"))
                    })?;
                    wanted.insert(field);
                }
                if let (Subject::Contact(n), true) = (subject, wanted.is_empty()) {
                    let mut db = hub.store.read().await?;
                    let row = store::contact::get(&mut db, n).await?;
                    let row = row.ok_or_else(|| refused(Refused::Unknown("contact", n)))?;
                    wanted.extend(row.contact.fields());
                }
                let mut readers = std::collections::BTreeSet::new();
                readers.extend(public.then_some(Reader::Public));
                for name in &hubs {
                    let row = super::partner::named(hub, name).await?;
                    readers.insert(Reader::Hub(row.id.parse().context("a partner's id")?));
                }
                let told = match notice {
                    Some(file) => {
                        let text = std::fs::read_to_string(&file)
                            .with_context(|| format!("cannot read the notice {}", file.display()))?;
                        (text, notice_version)
                    }
                    None => hub.notice().await?,
                };
                if !MEDIA.iter().any(|(id, _)| *id == medium) {
                    let all = MEDIA.map(|(id, _)| id).join(", ");
                    return Err(
                        Failure::usage(format!("{medium:?} is no way to agree"), format!("one of {all}")).into()
                    );
                }
                let given = date.unwrap_or(today);
                let review = review.unwrap_or(given.saturating_add(12.months()));
                let entry =
                    Given { subject, fields: wanted, readers, notice: told, medium, by_role: by, given, review };
                let (n, tended) = hub.give_consent(&entry).await.map_err(refused)?;
                let mut text = format!("Consent {n} counts from {given} to {review}, and then ends by itself.");
                if crate::node::documents::has_gaps(&entry.notice.0) {
                    text.push_str(
                        "\nWhat they were told is not whole: `mutuald documents show notice` marks what is missing. Fill it in under [documents] \
                         in the settings, and tell them",
                    );
                }
                let mut db = hub.store.read().await?;
                let may = store::contact::readers(&mut db).await?;
                for reader in &entry.readers {
                    if let Reader::Hub(id) = reader
                        && !may.contains_key(id)
                    {
                        text.push_str("\nNot shared with that hub yet: mutuald partner share NAME --contact");
                    }
                }
                Answer::of(&Done { consent: n, tended, text })
            }
        }
    }
}
