//! The vocabularies that are compiled in, each read once, and the digest over their files.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use sha2::{Digest, Sha256};

use super::table1::TABLE1;
use super::{Term, Vocabulary};

/// Declares the shipped vocabularies: for each a function that reads its file once, and the list of all files.
macro_rules! shipped {
    ($($(#[$doc:meta])+ $function:ident = $name:literal;)+) => {
        $(
            $(#[$doc])+
            pub fn $function() -> &'static Vocabulary {
                static READ: LazyLock<Vocabulary> = LazyLock::new(|| {
                    Vocabulary::read(include_str!(concat!("../../../schema/vocabulary/", $name, ".json")))
                        .expect("the file is compiled in, and a test of this module reads every one")
                });
                &READ
            }
        )+

        /// Every shipped vocabulary, ordered by name.
        pub fn all() -> Vec<&'static Vocabulary> {
            vec![$($function()),+]
        }

        /// Name and text of every shipped file.
        pub(super) const FILES: &[(&str, &str)] = &[
            $(($name, include_str!(concat!("../../../schema/vocabulary/", $name, ".json"))),)+
            ("table1", TABLE1),
        ];
    };
}

shipped! {
    /// How a group stands to another body: independent, affiliated to, hosted by.
    affiliations = "affiliations";
    /// How an entry was checked: by phone, by a visit, from the web only.
    assurance_methods = "assurance-methods";
    /// Who checked an entry, as a role: the group itself, the hub, a support worker.
    assurance_roles = "assurance-roles";
    /// Whom a group serves: South Asian people, gay men, veterans. Faith is among them, and special-category data.
    communities = "communities";
    /// Facts about a group from which a study decides whether it counts; each is said to be one of the file's `values`.
    criteria = "criteria";
    /// Why a study left a group out.
    exclusion_reasons = "exclusion-reasons";
    /// For which gender a group is.
    genders = "genders";
    /// The names that mean "self-help/mutual aid group"; one term. See [`labels`].
    group_labels = "labels";
    /// How people are in touch: in person, online, by phone.
    modes = "modes";
    /// As what people come: with the experience themselves, as parent, carer, bereaved person.
    roles = "roles";
    /// How much of where and when a group meets may be known; from least to most protective.
    safety_levels = "safety-levels";
    /// Who proposes and who confirms that a safety level is lowered, as a role.
    safety_roles = "safety-roles";
    /// Words that often go with a place that must not be known; they make the import ask, and decide nothing.
    safety_words = "safety-words";
    /// What kind of source a list is.
    source_kinds = "source-kinds";
    /// How a group is doing: starting up, running, on a break, closed.
    statuses = "statuses";
    /// What a group is about: conditions, experiences, situations.
    topics = "topics";
    /// What kind of place a group meets in.
    venue_kinds = "venue-kinds";
}

/// The shipped vocabulary called `name`, such as `"topics"`.
pub fn named(name: &str) -> Option<&'static Vocabulary> {
    all().into_iter().find(|vocabulary| vocabulary.id == name)
}

/// All words that mean a self-help/mutual aid group, the preferred one first. A search for any of them finds all groups.
pub fn labels() -> Vec<&'static str> {
    group_labels().terms.iter().flat_map(Term::words).collect()
}

/// SHA-256 over all files, in lower-case hex.
///
/// The same as `cd schema/vocabulary && LC_ALL=C sha256sum *.json | sha256sum`, so anyone can check it.
pub fn digest() -> &'static str {
    static DIGEST: LazyLock<String> = LazyLock::new(|| digest_of(FILES));
    &DIGEST
}

pub(super) fn digest_of(files: &[(&str, &str)]) -> String {
    let ordered: BTreeMap<_, _> = files.iter().copied().collect();
    let lines: String = ordered.iter().map(|(name, text)| format!("{}  {name}.json\n", sha256(text))).collect();
    sha256(&lines)
}

fn sha256(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}
