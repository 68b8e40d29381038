//! What the consent ledger takes in, and role contacts as people enter them. Everything that changes the ledger tends what
//! is signed in the same transaction ([`Hub::tend_in`]), so that the two never differ.

use super::Hub;
use super::contacts::Tended;
use crate::record::consent::Reader;
use crate::record::contact::{Field, MOST, ROLES, RoleContact};
use crate::record::scan;
use crate::record::statement::HubId;
use crate::store::consent::{ConsentRow, Subject};
use crate::store::contact::ContactRow;
use crate::store::gone::Entry;
use crate::store::log::OWN;
use crate::store::{self, StoreError, Write};
use jiff::civil::Date;
use sqlx::SqliteConnection;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// How a consent can have been given, and its label.
pub const MEDIA: [(&str, &str); 5] = [
    ("paper", "On paper"),
    ("email", "By e-mail"),
    ("phone", "By telephone"),
    ("in-person", "In person"),
    ("web-form", "By a form on the web"),
];

/// The longest time for which a consent counts before it is asked for again, in months.
pub const LONGEST: i64 = 36;

/// Why something is not taken into the ledger. Says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// A number that nothing has.
    #[error("there is no {0} under the number {1}")]
    Unknown(&'static str, i64),
    /// A role that is no term of the list.
    #[error("{_0:?} is no role; the roles are {all}", all = roles())]
    Role(String),
    /// No way to reach anybody.
    #[error("a contact needs a mailbox, a telephone number or a page")]
    NoChannel,
    /// A form that it cannot have.
    #[error("{0} is not {1}")]
    Form(String, &'static str),
    /// Hours or notes that tell of a person.
    #[error("the {0} seem to hold {1} ({2:?}); say it by role")]
    Personal(&'static str, &'static str, String),
    /// Too many for one group.
    #[error("a group has {MOST} contacts at most")]
    TooMany,
    /// Nobody agreed to anything.
    #[error("a consent names at least one field, and at least one hub or the public")]
    Nothing,
    /// A field that is empty.
    #[error("the contact says nothing under {0}")]
    Empty(&'static str),
    /// The notice does not name a hub that relies on the consent.
    #[error("the notice does not name {0}: a consent covers only the hubs that people were told of by name")]
    NotNamed(String),
    /// The notice does not say that everybody will read it.
    #[error("the notice does not say that the public will read it: a consent covers only what people were told")]
    NotPublic,
    /// A day that cannot be.
    #[error("{0}")]
    Day(String),
    /// A medium or role that is not in the list.
    #[error("{0:?} is not known; one of {1}")]
    Label(String, String),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What followed from it.
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

/// A consent as a person enters it.
#[derive(Debug, Clone)]
pub struct Given {
    /// Whose.
    pub subject: Subject,
    /// Which fields; of a person, none.
    pub fields: BTreeSet<Field>,
    /// For whom.
    pub readers: BTreeSet<Reader>,
    /// What they were told, word for word, and its version.
    pub notice: (String, String),
    /// How: one of [`MEDIA`].
    pub medium: String,
    /// In what role it was obtained: a term of the vocabulary `assurance-roles`.
    pub by_role: String,
    /// When.
    pub given: Date,
    /// The last day on which it counts.
    pub review: Date,
}

fn roles() -> String {
    ROLES.map(|(id, _)| id).join(", ")
}

/// Whether a text names somebody: all words of the name in a row, and not as a part of others. So short a name that every text has
/// it by chance names nobody; there the id must stand.
fn names_it(told: &str, name: &str) -> bool {
    let words = |text: &str| {
        let words: Vec<String> =
            text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
        format!(" {} ", words.join(" "))
    };
    let name = words(name);
    name.trim().chars().count() > 3 && words(told).contains(&name)
}

/// Looks a role contact over as it is entered.
///
/// # Errors
/// [`Refused`].
pub fn check(contact: &RoleContact) -> Result<(), Refused> {
    if !ROLES.iter().any(|(id, _)| *id == contact.role) {
        return Err(Refused::Role(contact.role.clone()));
    }
    if !contact.fields().any(Field::is_channel) {
        return Err(Refused::NoChannel);
    }
    if let Some(email) = contact.email.as_ref().filter(|text| !text.contains('@') || text.contains(char::is_whitespace))
    {
        return Err(Refused::Form(format!("{email:?}"), "a mailbox"));
    }
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).count();
    if let Some(phone) = contact.phone.as_ref().filter(|text| digits(text) < 3 || text.len() > 40) {
        return Err(Refused::Form(format!("{phone:?}"), "a telephone number"));
    }
    if let Some(url) = contact.url.as_ref().filter(|text| url::Url::parse(text).is_err()) {
        return Err(Refused::Form(format!("{url:?}"), "a web address"));
    }
    for field in [Field::Hours, Field::Notes] {
        let Some(text) = contact.get(field) else { continue };
        if text.len() > 500 {
            return Err(Refused::Form(format!("the {}", field.name()), "at most 500 bytes"));
        }
        if let Some((kind, words)) = scan::in_text(text).into_iter().next() {
            return Err(Refused::Personal(field.name(), kind.words(), words));
        }
    }
    Ok(())
}

/// Names of all hubs that are known here, this one first.
///
/// # Errors
/// Database errors.
pub async fn hubs(db: &mut SqliteConnection) -> Result<BTreeMap<HubId, String>, StoreError> {
    Ok(store::directory::names(db).await?.into_iter().collect())
}

impl Hub {
    /// Makes a role contact (number 0) or writes one over. A changed channel is another mailbox or number than the one that
    /// was agreed to: consents for it are withdrawn, unless `agreed` says that they hold for the new one.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn save_contact(&self, row: &ContactRow, agreed: bool) -> Result<(i64, Tended), Refused> {
        check(&row.contact)?;
        let today = self.today()?;
        let mut db = self.store.write().await?;
        let before = match row.n {
            0 => None,
            n => Some(store::contact::get(&mut db, n).await?.ok_or(Refused::Unknown("contact", n))?),
        };
        if before.is_none() && store::contact::of(&mut db, row.rec).await?.len() >= MOST {
            return Err(Refused::TooMany);
        }
        let stood = store::gone::standing(&mut db).await?;
        let n = store::contact::save(&mut db, row).await?;
        if let Some(before) = before.filter(|_| !agreed) {
            let other = |field: &Field| before.contact.get(*field) != row.contact.get(*field);
            let changed: BTreeSet<Field> =
                Field::ALL.into_iter().filter(|field| field.is_channel() && other(field)).collect();
            for consent in store::consent::all(&mut db).await? {
                if consent.subject == Subject::Contact(n) && !consent.fields.is_disjoint(&changed) {
                    store::consent::withdraw(&mut db, consent.n, today).await?;
                }
            }
        }
        Ok((n, self.settle_contacts(db, Some(stood)).await?))
    }

    /// Removes a role contact, and what was signed of it.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn remove_contact(&self, n: i64) -> Result<Tended, Refused> {
        let mut db = self.store.write().await?;
        store::contact::get(&mut db, n).await?.ok_or(Refused::Unknown("contact", n))?;
        let stood = store::gone::standing(&mut db).await?;
        store::contact::remove(&mut db, n, self.today()?).await?;
        self.settle_contacts(db, Some(stood)).await
    }

    /// Takes a consent into the ledger.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn give_consent(&self, given: &Given) -> Result<(i64, Tended), Refused> {
        let today = self.today()?;
        if given.given > today {
            return Err(Refused::Day(format!("{} has not come yet", given.given)));
        }
        let latest = given.given.checked_add(jiff::Span::new().months(LONGEST)).unwrap_or(Date::MAX);
        if given.review <= given.given || given.review > latest {
            let what = format!("the review is after {} and by {latest}: a consent is not for ever", given.given);
            return Err(Refused::Day(what));
        }
        if !MEDIA.iter().any(|(id, _)| *id == given.medium) {
            return Err(Refused::Label(given.medium.clone(), MEDIA.map(|(id, _)| id).join(", ")));
        }
        let roles = crate::record::vocabulary::assurance_roles();
        if roles.get(&given.by_role).is_none() {
            let all: Vec<&str> = roles.terms.iter().map(|term| term.id.as_str()).collect();
            return Err(Refused::Label(given.by_role.clone(), all.join(", ")));
        }
        let mut db = self.store.write().await?;
        match given.subject {
            Subject::Contact(n) => {
                let row = store::contact::get(&mut db, n).await?.ok_or(Refused::Unknown("contact", n))?;
                if given.fields.is_empty() || given.readers.is_empty() {
                    return Err(Refused::Nothing);
                }
                if let Some(empty) = given.fields.iter().find(|field| row.contact.get(**field).is_none()) {
                    return Err(Refused::Empty(empty.name()));
                }
            }
            Subject::Person(n) => {
                let all = store::person::all(&mut db).await?;
                all.iter().find(|person| person.n == n).ok_or(Refused::Unknown("person", n))?;
            }
        }
        let names = hubs(&mut db).await?;
        for reader in &given.readers {
            let told = &given.notice.0;
            match reader {
                Reader::Public
                    if ["the public", "everybody", "everyone", "anybody", "anyone"]
                        .iter()
                        .any(|all| names_it(told, all)) => {}
                Reader::Public => return Err(Refused::NotPublic),
                Reader::Hub(hub) => {
                    let name = names.get(hub).cloned().unwrap_or_default();
                    if !told.contains(&hub.to_string()) && !names_it(told, &name) {
                        let name = if name.is_empty() { hub.to_string() } else { name };
                        return Err(Refused::NotNamed(name));
                    }
                }
            }
        }
        let (text, version) = &given.notice;
        let notice = store::consent::keep_notice(&mut db, version, text, self.clock.now().as_second()).await?;
        let row = ConsentRow {
            n: 0,
            subject: given.subject,
            fields: given.fields.clone(),
            readers: given.readers.clone(),
            notice,
            notice_version: version.clone(),
            medium: given.medium.clone(),
            by_role: given.by_role.clone(),
            given: given.given,
            review: given.review,
            withdrawn: None,
        };
        let n = store::consent::add(&mut db, &row).await?;
        Ok((n, self.settle_contacts(db, None).await?))
    }

    /// Withdraws a consent, from today. What it let out is taken back at once.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn withdraw_consent(&self, n: i64) -> Result<Tended, Refused> {
        let mut db = self.store.write().await?;
        if !store::consent::all(&mut db).await?.iter().any(|row| row.n == n) {
            return Err(Refused::Unknown("consent", n));
        }
        let stood = store::gone::standing(&mut db).await?;
        store::consent::withdraw(&mut db, n, self.today()?).await?;
        self.settle_contacts(db, Some(stood)).await
    }

    /// Removes everything of a person: here, and in every backup that can be reached. Returns what could not be cleaned, in words.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn forget_person(&self, n: i64) -> Result<Vec<String>, Refused> {
        let mut db = self.store.write().await?;
        let stood = store::gone::standing(&mut db).await?;
        store::person::erase(&mut db, n, self.today()?).await?;
        self.let_go(&mut db, &stood).await?;
        db.commit().await?;
        Ok(self.scrub().await?)
    }

    /// Tends, commits and publishes. What `stood` before and stands no more is noted, so that no backup brings it back.
    async fn settle_contacts(&self, mut db: Write, stood: Option<BTreeSet<Entry>>) -> Result<Tended, Refused> {
        let tended = self.tend_in(&mut db).await?;
        if let Some(stood) = stood {
            self.let_go(&mut db, &stood).await?;
        }
        db.commit().await?;
        if tended != Tended::default() {
            self.publish().await?;
        }
        self.journal().await?;
        self.scrub().await?;
        self.store.truncate().await?;
        Ok(tended)
    }
}

/// The own record that a role contact or person can stand for.
///
/// # Errors
/// Database errors.
pub async fn is_own(db: &mut SqliteConnection, rec: Uuid) -> Result<bool, StoreError> {
    Ok(store::record::get(db, OWN, rec).await?.is_some_and(|row| row.standing == "live"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hub_is_named_by_its_whole_name() {
        for (name, told, named) in [
            ("Kent Hub", "We give it to Kent Hub.", true),
            ("Kent Hub", "To KENT HUB, and others", true),
            ("Kent Hub", "We give it to the Kentish Hub.", false),
            ("Kent", "We give it to the Kentish list.", false),
            ("us", "Write to us.", false),
            ("", "Write to us.", false),
            ("Self-Help Kent", "self help Kent (h-…)", true),
        ] {
            assert_eq!(names_it(told, name), named, "{name}: {told}");
        }
    }
}
