//! Eligibility profiles: which groups a study takes, as written rules over dated criterion facts.
//!
//! There is no agreed definition of a self-help/mutual aid group, so a profile is a named, versioned file that says where each of
//! its rules comes from, and a study cites it. Two ship (`schema/profiles/`); anybody may write another. One is read
//! strictly: a rule that is misspelt would silently ask nothing.

use crate::record::vocabulary;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// The profiles that ship: name and text.
pub const SHIPPED: [(&str, &str); 2] = [
    ("seebohm2013", include_str!("../../schema/profiles/seebohm2013.toml")),
    ("box1", include_str!("../../schema/profiles/box1.toml")),
];

/// What must be known of a criterion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MustBe {
    /// That it is met.
    Met,
    /// That it is not.
    NotMet,
}

/// What becomes of a group of which a criterion is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unknown {
    /// Nobody can say whether it belongs: somebody must find out.
    Undecided,
    /// It belongs, as far as this rule goes.
    Passes,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Vocabulary `criteria`.
    pub criterion: String,
    /// What must be known.
    pub must_be: MustBe,
    /// Why a group is left out of which the opposite is known; vocabulary `exclusion-reasons`.
    #[serde(rename = "else")]
    pub otherwise: String,
    /// What becomes of a group of which nothing is known.
    pub unknown: Unknown,
    /// A reason beside which this one is not given, because it says the same more exactly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub covered_by: Option<String>,
    /// Where the rule comes from, in words.
    pub source: String,
}

/// A profile, read and checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Version of the format; 1.
    format: u32,
    /// Its name, by which it is cited.
    pub name: String,
    /// Rises whenever a rule changes.
    pub version: u32,
    /// What it is, in words.
    pub title: String,
    /// Who says so.
    pub citation: String,
    /// Licence of the file, as an SPDX identifier.
    pub licence: String,
    /// States in which a group has ended; vocabulary `statuses`.
    pub ended: Vec<String>,
    /// Facts older than this many months on the frame's day count as unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fresh_months: Option<u32>,
    /// The rules.
    #[serde(rename = "rule")]
    pub rules: Vec<Rule>,
}

/// Why a profile is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// Not TOML, or a member that profiles do not have, or one that is missing.
    #[error("the profile cannot be read: {0}")]
    Form(String),
    /// A format this program does not know.
    #[error("the profile has format {0}; this program knows format 1")]
    Format(u32),
    /// A name that is none.
    #[error(
        "the profile's name is {0:?}: it must be lower-case words and numbers joined by hyphens, at most 40 characters"
    )]
    Name(String),
    /// Something that must be said is not.
    #[error("{what} is empty: it must be said, so that the profile can be cited and checked")]
    Empty {
        /// What.
        what: String,
    },
    /// A term that its vocabulary does not have.
    #[error("{term:?} is not in the vocabulary {vocabulary}{}", near(.nearest))]
    Term {
        /// The term.
        term: String,
        /// The vocabulary.
        vocabulary: &'static str,
        /// The term that was probably meant.
        nearest: Option<String>,
    },
    /// Two rules for one criterion.
    #[error("two rules ask for {0:?}: join them")]
    Twice(String),
    /// No rule.
    #[error("the profile has no rule: every group would be in")]
    NoRule,
    /// A reason that only a frame or a person can give.
    #[error("{reason:?} is not for a rule to give: {by} does")]
    Reserved {
        /// The reason.
        reason: String,
        /// Who gives it.
        by: &'static str,
    },
    /// A covering reason that no rule gives.
    #[error("the rule for {criterion:?} is covered by {reason:?}, which no other rule gives")]
    Covered {
        /// The rule's criterion.
        criterion: String,
        /// The reason.
        reason: String,
    },
}

impl ProfileError {
    /// Stable kebab-case code.
    pub fn code(&self) -> &'static str {
        match self {
            ProfileError::Form(_) => "profile-form",
            ProfileError::Format(_) => "profile-format",
            ProfileError::Name(_) => "profile-name",
            ProfileError::Empty { .. } => "profile-empty",
            ProfileError::Term { .. } => "profile-term",
            ProfileError::Twice(_) => "profile-twice",
            ProfileError::NoRule => "profile-no-rule",
            ProfileError::Reserved { .. } => "profile-reserved",
            ProfileError::Covered { .. } => "profile-covered",
        }
    }
}

fn near(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or_else(String::new, |nearest| format!("; do you mean {nearest:?}?"))
}

/// Reason for a group outside the area.
pub const OUT_OF_AREA: &str = "out-of-area";
/// Reason for a group that had ended.
pub const ENDED: &str = "closed";

/// Reasons that no rule over criteria gives, and who does.
const RESERVED: [(&str, &str); 6] = [
    (OUT_OF_AREA, "the frame's area"),
    (ENDED, "the group's status"),
    ("duplicate", "a person"),
    ("unverifiable", "a person"),
    ("opted-out-of-research", "a person"),
    ("boundary-case-excluded", "a person"),
];

fn term(term: &str, vocabulary: &'static str) -> Result<(), ProfileError> {
    let words = vocabulary::named(vocabulary);
    if words.is_some_and(|words| words.get(term).is_some()) {
        return Ok(());
    }
    // An underscore for a hyphen, a label, a synonym: what people write when they know the word and not its id.
    let nearest = words.and_then(|words| words.find(term)).map(str::to_owned);
    Err(ProfileError::Term { term: term.to_owned(), vocabulary, nearest })
}

impl Profile {
    /// Reads a profile file and checks all of it.
    ///
    /// # Errors
    /// The first rule of this module that it breaks, in words that say where.
    pub fn read(text: &str) -> Result<Profile, ProfileError> {
        let profile: Profile = toml::from_str(text).map_err(|error| ProfileError::Form(error.to_string()))?;
        profile.check()?;
        Ok(profile)
    }

    /// One that ships.
    pub fn shipped(name: &str) -> Option<Profile> {
        let (_, text) = SHIPPED.iter().find(|(shipped, _)| *shipped == name)?;
        Some(Profile::read(text).expect("the file is compiled in, and a test of this module reads it"))
    }

    /// Checks what types do not say.
    ///
    /// # Errors
    /// As [`Profile::read`].
    pub fn check(&self) -> Result<(), ProfileError> {
        if self.format != 1 {
            return Err(ProfileError::Format(self.format));
        }
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let ends = |c: Option<char>| c.is_some_and(|c| c != '-');
        let name = &self.name;
        if !(ends(name.chars().next()) && ends(name.chars().last()) && name.len() <= 40 && name.bytes().all(plain)) {
            return Err(ProfileError::Name(name.clone()));
        }
        for (what, text) in [("title", &self.title), ("citation", &self.citation), ("licence", &self.licence)] {
            if text.trim().is_empty() {
                return Err(ProfileError::Empty { what: what.to_owned() });
            }
        }
        for state in &self.ended {
            term(state, "statuses")?;
        }
        if self.rules.is_empty() {
            return Err(ProfileError::NoRule);
        }
        let mut met = BTreeSet::new();
        for rule in &self.rules {
            term(&rule.criterion, "criteria")?;
            for reason in [Some(&rule.otherwise), rule.covered_by.as_ref()].into_iter().flatten() {
                term(reason, "exclusion-reasons")?;
                if let Some((_, by)) = RESERVED.iter().find(|(reserved, _)| reserved == reason) {
                    return Err(ProfileError::Reserved { reason: reason.clone(), by });
                }
            }
            if rule.source.trim().is_empty() {
                return Err(ProfileError::Empty { what: format!("the source of the rule for {:?}", rule.criterion) });
            }
            if !met.insert(&rule.criterion) {
                return Err(ProfileError::Twice(rule.criterion.clone()));
            }
            if let Some(reason) = &rule.covered_by
                && !self.rules.iter().any(|other| other.criterion != rule.criterion && other.otherwise == *reason)
            {
                return Err(ProfileError::Covered { criterion: rule.criterion.clone(), reason: reason.clone() });
            }
        }
        Ok(())
    }

    /// SHA-256 (hex) of what the profile says, in canonical JSON (RFC 8785): comments and layout of the file are not part of it.
    pub fn digest(&self) -> String {
        let text = serde_json_canonicalizer::to_vec(self).expect("text and whole numbers always serialise");
        hex::encode(Sha256::digest(text))
    }

    /// As it is cited: name and version.
    pub fn cited(&self) -> String {
        format!("{} version {}", self.name, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seebohm() -> &'static str {
        SHIPPED[0].1
    }

    #[test]
    fn the_shipped_ones_are_sound_and_named_as_their_files() {
        for (name, _) in SHIPPED {
            let profile = Profile::shipped(name).unwrap();
            assert_eq!(profile.name, name);
            assert_eq!(profile.cited(), format!("{name} version 1"));
        }
        assert_eq!(Profile::shipped("other"), None);
        let (one, other) = (Profile::shipped("seebohm2013").unwrap(), Profile::shipped("box1").unwrap());
        assert_ne!(one.digest(), other.digest());
        // A comment changes nothing, a rule does.
        assert_eq!(Profile::read(&format!("# mine\n{}", seebohm())).unwrap().digest(), one.digest());
        let looser = seebohm().replacen("unknown = \"undecided\"", "unknown = \"passes\"", 1);
        assert_ne!(Profile::read(&looser).unwrap().digest(), one.digest());
        // The one asks for no set programme, the other does not ask.
        let asks = |profile: &Profile, criterion| profile.rules.iter().any(|rule| rule.criterion == criterion);
        assert!(asks(&one, "twelve-step") && !asks(&other, "twelve-step") && !asks(&other, "prescribed-programme"));
    }

    /// Every one of the eighteen reasons is a term, and some rule, the frame or a person gives it.
    #[test]
    fn the_eighteen_reasons_are_there_and_each_is_given_by_somebody() {
        const CODES: &str = "not_shared_experience, not_primarily_mutual_support, professionally_managed, \
            constrained_by_funder_or_statutory, prescribed_programme_12_step, prescribed_programme_other, \
            attendance_required, individual_self_help, one_to_one_peer_support, professional_supervision, \
            not_third_sector, out_of_domain, out_of_area, closed, duplicate, unverifiable, opted_out_of_research, \
            boundary_case_excluded";
        let given: BTreeSet<String> = SHIPPED
            .iter()
            .flat_map(|(name, _)| Profile::shipped(name).unwrap().rules)
            .map(|rule| rule.otherwise)
            .chain(RESERVED.iter().map(|(reason, _)| (*reason).to_owned()))
            // That two people meet is known of an entry, not of a criterion: a person says so.
            .chain(["one-to-one-peer-support".to_owned()])
            .collect();
        let codes: BTreeSet<String> = CODES.split(", ").map(|code| code.trim().replace('_', "-")).collect();
        assert_eq!(codes.len(), 18);
        assert_eq!(given, codes);
        for code in &codes {
            term(code, "exclusion-reasons").unwrap();
        }
        assert_eq!(vocabulary::exclusion_reasons().terms.len(), 18);
    }

    #[test]
    fn what_is_written_wrongly_is_refused_with_what_to_do() {
        let with = |from: &str, to: &str| {
            assert!(seebohm().contains(from), "{from}");
            Profile::read(&seebohm().replacen(from, to, 1)).unwrap_err()
        };
        let cases = [
            (with("must_be = \"met\"", "must = \"met\""), "profile-form", "must"),
            (with("must_be = \"met\"", "must_be = \"yes\""), "profile-form", "yes"),
            (with("format = 1", "format = 2"), "profile-format", "format 1"),
            (with("\"seebohm2013\"", "\"Mine!\""), "profile-name", "hyphens"),
            (with("licence = \"CC0-1.0\"", "licence = \" \""), "profile-empty", "licence"),
            (
                with("\"shared-experience\"", "\"shared_experience\""),
                "profile-term",
                "do you mean \"shared-experience\"?",
            ),
            (with("\"shared-experience\"", "\"friendly\""), "profile-term", "not in the vocabulary criteria"),
            (with("\"not-shared-experience\"", "\"duplicate\""), "profile-reserved", "a person"),
            (with("\"voluntary\"", "\"shared-experience\""), "profile-twice", "shared-experience"),
            (
                with("\"constrained-by-funder-or-statutory\"", "\"not-third-sector\""),
                "profile-covered",
                "no other rule",
            ),
            (with("[\"closed\",", "[\"shut\","), "profile-term", "statuses"),
        ];
        for (error, code, words) in cases {
            assert_eq!(error.code(), code, "{error}");
            assert!(error.to_string().contains(words), "{error}");
        }
        let none = seebohm().split("[[rule]]").next().unwrap().to_owned() + "rule = []\n";
        assert_eq!(Profile::read(&none).unwrap_err(), ProfileError::NoRule);
    }
}
