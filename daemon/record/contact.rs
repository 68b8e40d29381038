//! The contact part of a group record: whom to ask, by role, for the hubs that a consent names.
//!
//! It stands beside the public part, under a digest and salt of its own, in bundles that only signed requests bring. It
//! never names a person: a role is a term of a closed list, and what is written beside it is looked through before it is
//! signed. Linking, search, exports and the registry digest know nothing of it.

use super::group::{Extra, PartError, typed};
use super::strict;
use serde::{Deserialize, Serialize};

/// Name of the class.
pub const CONTACT: &str = "contact";

/// Most role contacts of one group.
pub const MOST: usize = 8;

/// In which role somebody is asked, and its label. A closed list, so that no name can stand in the place of a role.
pub const ROLES: [(&str, &str); 8] = [
    ("enquiries", "Enquiries"),
    ("newcomers", "Newcomers"),
    ("coordinator", "Coordinator"),
    ("deputy", "Deputy coordinator"),
    ("secretary", "Secretary"),
    ("treasurer", "Treasurer"),
    ("referrals", "Referrals by professionals"),
    ("venue", "Keeper of the venue"),
];

/// The label of a role; what is newer than this program stands for itself.
pub fn role_label(role: &str) -> &str {
    ROLES.iter().find(|(id, _)| *id == role).map_or(role, |(_, label)| label)
}

/// The contact part.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub struct ContactPart {
    /// Whom to ask, at most eight.
    pub contacts: Vec<RoleContact>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// One role and how it is reached.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub struct RoleContact {
    /// A term of the list in `schema/README.md`; never a person's name.
    pub role: String,
    /// A mailbox.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// A telephone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// A page or form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// When somebody answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hours: Option<String>,
    /// What helps who gets in touch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// What of a role contact a consent can speak of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Field {
    /// The mailbox
    Email,
    /// The telephone number
    Phone,
    /// The page or form
    Url,
    /// When somebody answers
    Hours,
    /// What helps who gets in touch
    Notes,
}

impl Field {
    /// All of them, in the order in which they are written.
    pub const ALL: [Field; 5] = [Field::Email, Field::Phone, Field::Url, Field::Hours, Field::Notes];

    /// Its name, as in the part.
    pub fn name(self) -> &'static str {
        match self {
            Field::Email => "email",
            Field::Phone => "phone",
            Field::Url => "url",
            Field::Hours => "hours",
            Field::Notes => "notes",
        }
    }

    /// The field of this name.
    pub fn named(name: &str) -> Option<Field> {
        Field::ALL.into_iter().find(|field| field.name() == name)
    }

    /// Whether it is a way to reach somebody, which hours and notes are not.
    pub fn is_channel(self) -> bool {
        matches!(self, Field::Email | Field::Phone | Field::Url)
    }
}

impl RoleContact {
    /// What stands in a field.
    pub fn get(&self, field: Field) -> Option<&str> {
        match field {
            Field::Email => self.email.as_deref(),
            Field::Phone => self.phone.as_deref(),
            Field::Url => self.url.as_deref(),
            Field::Hours => self.hours.as_deref(),
            Field::Notes => self.notes.as_deref(),
        }
    }

    /// Puts something into a field.
    pub fn set(&mut self, field: Field, value: Option<String>) {
        *match field {
            Field::Email => &mut self.email,
            Field::Phone => &mut self.phone,
            Field::Url => &mut self.url,
            Field::Hours => &mut self.hours,
            Field::Notes => &mut self.notes,
        } = value;
    }

    /// The fields that are filled in.
    pub fn fields(&self) -> impl Iterator<Item = Field> + '_ {
        Field::ALL.into_iter().filter(|field| self.get(*field).is_some())
    }
}

impl ContactPart {
    /// Reads the JSON of a contact part.
    ///
    /// # Errors
    /// [`PartError`]: the line is then kept as it was signed, and nothing of it is shown.
    pub fn read(json: &str) -> Result<ContactPart, PartError> {
        let part: ContactPart = typed(strict::object(json.as_bytes())?)?;
        if part.contacts.len() > MOST { Err(PartError::Member("contacts".into())) } else { Ok(part) }
    }

    /// The JSON of the part: one line.
    pub fn json(&self) -> String {
        serde_json::to_string(self).expect("a ContactPart has string keys and strings, which always serialise")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_written_as_it_is_read() {
        let json = r#"{"contacts":[{"role":"coordinator","phone":"01632 960001","hours":"evenings","shoe":4}]}"#;
        let part = ContactPart::read(json).unwrap();
        assert_eq!(part.json(), json);
        assert_eq!(part.contacts[0].fields().collect::<Vec<_>>(), [Field::Phone, Field::Hours]);
        assert_eq!(role_label("coordinator"), "Coordinator");
        assert_eq!(ContactPart::read(r#"{"contacts":4}"#).unwrap_err().code(), "part-member");
        let nine = format!(r#"{{"contacts":[{}]}}"#, [r#"{"role":"venue"}"#; 9].join(","));
        assert_eq!(ContactPart::read(&nine).unwrap_err().code(), "part-member");
    }
}
