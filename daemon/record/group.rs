//! The public part of a group record: what one list says of one self-help or mutual-aid group.
//!
//! Every member is optional but the name: a hub says what it knows, and absence is not a claim. Terms of vocabularies
//! (`schema/vocabulary/`) are plain strings, so that a term newer than this program is kept and passed on. What is not
//! here on purpose: names of people, ratings, attendance, outcomes (`schema/README.md` says why).

use super::{canonical, strict};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Members that this version does not know; kept, never acted on.
pub type Extra = BTreeMap<String, Value>;

/// The public part of a group record.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Group {
    /// The list whose row this is.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "canonical::some_uuid")]
    pub list: Option<Uuid>,
    /// The row's own id in its source, where it has one and it identifies no person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_id: Option<String>,
    /// What the group calls itself.
    pub name: String,
    /// Earlier, shorter or other-language names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_names: Vec<String>,
    /// The group's own words about itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it is about; vocabulary `topics`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<String>,
    /// Whom it is by and for, beyond the topic; vocabulary `communities`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub communities: Vec<String>,
    /// In what role people come (person affected, carer, parent, bereaved …); vocabulary `roles`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Gender policy; vocabulary `genders`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gender: Option<String>,
    /// Ages it is for, in whole years.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ages: Option<Ages>,
    /// Languages spoken there, as BCP 47 codes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<String>,
    /// How it meets; vocabulary `modes`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub modes: Vec<String>,
    /// Where it meets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// When it meets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub meetings: Vec<Meeting>,
    /// What it costs to come, in words ("free", "£2 towards the room").
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<String>,
    /// Access for disabled people, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<String>,
    /// How to join, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub joining: Option<String>,
    /// Whether newcomers are welcome now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newcomers: Option<bool>,
    /// The group's public "front gate": never a named person's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<Contact>,
    /// When it was founded: `YYYY`, `YYYY-MM` or `YYYY-MM-DD`; what is written is what is known (EDTF level 0).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub founded: Option<String>,
    /// Where in its life the group is. Absent means active.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// Independent, affiliated to, or hosted by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affiliation: Option<Affiliation>,
    /// The group's own charity number, as an org-id.guide id (`GB-CHC-1234567`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charity: Option<String>,
    /// Who pays for or sponsors the group, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sponsorship: Option<String>,
    /// Dated facts by criterion (vocabulary `criteria`); eligibility is computed from them, never stored.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub criteria: BTreeMap<String, Criterion>,
    /// `inward` (personal change), `outward` (social change) or `both` (Nylund 1998).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orientation: Option<String>,
    /// Who saw the group listed or met it, kept apart from who passed that on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sightings: Vec<Sighting>,
    /// When, how and by what role this record was last checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assured: Option<Assured>,
    /// How far the place may be known; vocabulary `safety-levels`. Absent means open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub safety: Option<String>,
    /// Licence of this record, as an SPDX id or URL, where it differs from its list's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// Members this version does not know, kept as they came.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Whole years, both ends included.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Ages {
    /// Youngest, in years.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<u8>,
    /// Oldest, in years.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<u8>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Where a group meets.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Place {
    /// Name of the venue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub venue: Option<String>,
    /// Vocabulary `venue-kinds`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub venue_kind: Option<String>,
    /// Street address, without locality and postcode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Village, town or city.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locality: Option<String>,
    /// Postcode, or its outward half.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postcode: Option<String>,
    /// GSS code of the local authority (`E06000018`), or any area code the policy's grants use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub area: Option<String>,
    /// How far people come from, in words, where that is wider than the place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub catchment: Option<String>,
    /// Degrees north, WGS 84.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latitude: Option<f64>,
    /// Degrees east, WGS 84.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longitude: Option<f64>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// When a group meets.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Meeting {
    /// In the group's words ("second Tuesday, not in August").
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// iCalendar recurrence (RFC 5545 RRULE), e.g. `FREQ=MONTHLY;BYDAY=2TU`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rrule: Option<String>,
    /// Local time it starts, `HH:MM`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// Local time it ends, `HH:MM`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The group's public way in. One merge unit: contact details of two hubs are never mixed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Contact {
    /// The group's page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// A role mailbox.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// A role telephone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Where in its life a group is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Status {
    /// Vocabulary `statuses`.
    pub state: String,
    /// Since when, for `closed` and what replaced it.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "canonical::some_date")]
    pub date: Option<Date>,
    /// On a break until.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "canonical::some_date")]
    pub until: Option<Date>,
    /// Why, in words that name no person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// State of a group that has ended. It stays known: comparisons need closed groups too.
pub const CLOSED: &str = "closed";

/// How a group stands to a larger body.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Affiliation {
    /// Vocabulary `affiliations`.
    pub kind: String,
    /// The body's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// One criterion, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Criterion {
    /// `met`, `not_met` or `unknown`.
    pub value: String,
    /// When this was found.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "canonical::some_date")]
    pub date: Option<Date>,
    /// How it is known; vocabulary `assurance-methods`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// By what role; vocabulary `assurance-roles`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A source that listed or met the group.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Sighting {
    /// Who saw it at first hand: a list's title or a hub's id.
    pub observed_by: String,
    /// The observer's own record, where the observer is a hub: by it, whoever holds that record knows a copy from a sighting.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "canonical::some_uuid")]
    pub record: Option<Uuid>,
    /// Vocabulary `source-kinds`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "canonical::some_date")]
    pub date: Option<Date>,
    /// Through whose hands it came, nearest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub via: Vec<String>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// When, how and by what role something was last checked. In a leaf (`affirm`) as well as in a public part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Assured {
    /// The day of the check.
    #[serde(deserialize_with = "canonical::a_date")]
    pub date: Date,
    /// Vocabulary `assurance-methods`.
    pub method: String,
    /// Vocabulary `assurance-roles`; `group` is the group's own word.
    pub by: String,
}

/// The fields in which hubs can disagree, and which a `choose` may name. `schema/merge.json` says how each is merged.
pub const UNITS: [&str; 24] = [
    "name",
    "other_names",
    "description",
    "topics",
    "communities",
    "roles",
    "gender",
    "ages",
    "languages",
    "modes",
    "place",
    "meetings",
    "cost",
    "access",
    "joining",
    "newcomers",
    "contact",
    "founded",
    "status",
    "affiliation",
    "charity",
    "sponsorship",
    "criteria",
    "orientation",
];

/// Longest text of a name, in bytes; longer ones are not names.
pub const NAME_BYTES: usize = 300;

/// Why a public part cannot be read as a group.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PartError {
    /// Not the JSON every hub reads alike.
    #[error(transparent)]
    Json(#[from] strict::Refusal),
    /// A known member has the wrong form. The member's name is given, its value never.
    #[error("a member has the wrong form: {0}")]
    Member(String),
    /// No name, or one that is no name.
    #[error("the name is empty or longer than {NAME_BYTES} bytes")]
    Name,
}

impl PartError {
    /// Stable kebab-case code.
    pub fn code(&self) -> &'static str {
        match self {
            PartError::Json(refusal) => refusal.code(),
            PartError::Member(_) => "part-member",
            PartError::Name => "part-name",
        }
    }
}

impl Group {
    /// Reads the JSON of a public part.
    ///
    /// # Errors
    /// [`PartError`]: the record is then kept and shown as unreadable, and takes no part in the registry.
    pub fn read(json: &str) -> Result<Group, PartError> {
        let map = strict::object(json.as_bytes())?;
        let group: Group = typed(map)?;
        let length = group.name.trim().len();
        if length == 0 || length > NAME_BYTES { Err(PartError::Name) } else { Ok(group) }
    }

    /// The JSON of the public part: one line, members in the order of this file.
    pub fn json(&self) -> String {
        serde_json::to_string(self).expect("a Group has string keys and finite numbers, which always serialise")
    }

    /// Whether the group has ended.
    pub fn closed(&self) -> bool {
        self.status.as_ref().is_some_and(|status| status.state == CLOSED)
    }

    /// The members as a map, with nothing that is absent.
    pub fn members(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(map)) => map,
            _ => Map::new(),
        }
    }
}

/// Gives a strict JSON object its type.
///
/// # Errors
/// [`PartError::Member`] with the path of the member, never with its value.
pub fn typed<T: serde::de::DeserializeOwned>(map: Map<String, Value>) -> Result<T, PartError> {
    serde_path_to_error::deserialize(Value::Object(map)).map_err(|e| PartError::Member(e.path().to_string()))
}
