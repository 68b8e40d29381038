//! The policy: whom this hub gives what authority, and the hashes of the rules it merges by.

use super::linkage::Model;
use super::rules;
use crate::record::HubId;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a policy file may hold. A member that is not here is refused: a misspelt grant would silently grant nothing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    #[serde(default)]
    decisions: Decisions,
    #[serde(default)]
    hubs: BTreeMap<String, Grant>,
    #[serde(default)]
    rules: Pins,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decisions {
    min_rank: u32,
}

impl Default for Decisions {
    fn default() -> Decisions {
        Decisions { min_rank: DEFAULT_RANK }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Pins {
    merge: Option<String>,
    vocabularies: Option<String>,
    link: Option<String>,
}

/// What the policy grants one hub.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Grant {
    /// Weight of its decisions; higher stands against lower.
    pub rank: u32,
    /// GSS codes, or beginnings of codes, for which its word goes before others'.
    pub areas: Vec<String>,
    /// Whether its lists are national ones.
    pub national: bool,
}

const DEFAULT_RANK: u32 = 1;

impl Default for Grant {
    fn default() -> Grant {
        Grant { rank: DEFAULT_RANK, areas: Vec::new(), national: false }
    }
}

/// A policy, read and checked against the rules this program merges by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    min_rank: u32,
    hubs: BTreeMap<HubId, Grant>,
    hash: String,
    linkage: Arc<Model>,
}

/// Why a policy is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Not TOML, or a member that policies do not have.
    #[error("the policy cannot be read: {0}")]
    Form(String),
    /// A version this program does not know.
    #[error("the policy has version {0}; this program knows version 1")]
    Version(u32),
    /// A table of `hubs` is not named by a hub id.
    #[error("the policy names {0:?}, which is not a hub id (`h-` and 32 characters)")]
    Hub(String),
    /// An area grant that is no code.
    #[error("the policy grants the area {0:?}, which is not a GSS code or the beginning of one, such as E06000018")]
    Area(String),
    /// The policy was written for other rules.
    #[error("the policy is for other {what} rules: it says {pinned}, this program has {builtin}")]
    Rules {
        /// `merge`, `vocabularies` or `link`.
        what: &'static str,
        /// The hash the policy states.
        pinned: String,
        /// The hash of this program's.
        builtin: String,
    },
}

impl PolicyError {
    /// Stable kebab-case code.
    pub fn code(&self) -> &'static str {
        match self {
            PolicyError::Form(_) => "policy-form",
            PolicyError::Version(_) => "policy-version",
            PolicyError::Hub(_) => "policy-hub",
            PolicyError::Area(_) => "policy-area",
            PolicyError::Rules { .. } => "policy-rules",
        }
    }
}

impl Policy {
    /// Reads a policy file. `vocabularies` is the hash of the vocabularies this program holds, `linkage` the model that it
    /// is applied with.
    ///
    /// # Errors
    /// [`PolicyError`]; a hub then keeps the policy it had.
    pub fn parse(text: &str, vocabularies: &str, linkage: Arc<Model>) -> Result<Policy, PolicyError> {
        let file: File = toml::from_str(text).map_err(|e| PolicyError::Form(e.message().to_owned()))?;
        if file.version != 1 {
            return Err(PolicyError::Version(file.version));
        }
        let (merge, link) = (rules::merge_hash(), linkage.hash());
        let pins = [
            ("merge", &file.rules.merge, merge.as_str()),
            ("vocabularies", &file.rules.vocabularies, vocabularies),
            ("link", &file.rules.link, link),
        ];
        for (what, pinned, builtin) in pins {
            if let Some(pinned) = pinned.as_ref().filter(|pinned| *pinned != builtin) {
                return Err(PolicyError::Rules { what, pinned: pinned.clone(), builtin: builtin.to_owned() });
            }
        }
        let mut hubs = BTreeMap::new();
        for (name, grant) in file.hubs {
            let hub = name.parse::<HubId>().map_err(|_| PolicyError::Hub(name))?;
            if let Some(area) = grant.areas.iter().find(|area| !is_area(area)) {
                return Err(PolicyError::Area(area.clone()));
            }
            hubs.insert(hub, grant);
        }
        // The hash covers the bytes, not their meaning: two hubs compare what each can print and read. Lengths keep the
        // text apart from what follows it.
        let mut hash = Sha256::new();
        hash.update(format!("policy/1 {} {merge} {vocabularies} {link}\n", text.len()));
        hash.update(text);
        Ok(Policy { min_rank: file.decisions.min_rank, hubs, hash: hex::encode(hash.finalize()), linkage })
    }

    /// The shipped default: every hub ranks 1, nobody has an area.
    pub fn default_text() -> &'static str {
        include_str!("../../schema/policy.toml")
    }

    /// SHA-256 (hex) of the policy's bytes and of the rules it is applied with.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The model by which records are compared.
    pub fn linkage(&self) -> &Arc<Model> {
        &self.linkage
    }

    /// Rank of a hub's decisions, or `None` when they do not count.
    pub fn rank(&self, hub: &HubId) -> Option<u32> {
        let rank = self.hubs.get(hub).map_or(DEFAULT_RANK, |grant| grant.rank);
        (rank >= self.min_rank).then_some(rank)
    }

    /// Whether a hub was granted the area with this code.
    pub fn covers(&self, hub: &HubId, area: &str) -> bool {
        self.hubs.get(hub).is_some_and(|grant| grant.areas.iter().any(|granted| area.starts_with(granted.as_str())))
    }

    /// Whether a hub's lists are national ones.
    pub fn national(&self, hub: &HubId) -> bool {
        self.hubs.get(hub).is_some_and(|grant| grant.national)
    }
}

/// A GSS code (letter, two digits of kind, six of number) or a beginning of one. An empty grant would cover everything.
fn is_area(text: &str) -> bool {
    let mut bytes = text.bytes();
    text.len() <= 9 && bytes.next().is_some_and(|b| b.is_ascii_uppercase()) && bytes.all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HUB: &str = "h-abcdefghijklmnopqrstuvwxyz234567";

    fn code(text: &str) -> &'static str {
        Policy::parse(text, "v", Model::shipped()).map_or_else(|e| e.code(), |_| "ok")
    }

    #[test]
    fn the_shipped_default_gives_every_hub_rank_one_and_nobody_an_area() {
        let policy = Policy::parse(Policy::default_text(), "v", Model::shipped()).unwrap();
        let hub: HubId = HUB.parse().unwrap();
        assert_eq!(policy.rank(&hub), Some(1));
        assert!(!policy.covers(&hub, "E06000018"));
        assert!(!policy.national(&hub));
    }

    #[test]
    fn the_example_in_the_default_is_itself_a_policy() {
        // What a reader would get by taking the comment marks off the hub's table.
        let example: String = Policy::default_text()
            .lines()
            .filter_map(|line| line.strip_prefix("# "))
            .filter(|line| line.starts_with("[hubs") || line.contains(" = ") && !line.contains('…'))
            .collect::<Vec<_>>()
            .join("\n");
        let policy = Policy::parse(&format!("version = 1\n{example}"), "v", Model::shipped()).unwrap();
        let hub: HubId = HUB.parse().unwrap();
        assert_eq!(policy.rank(&hub), Some(2));
        assert!(policy.covers(&hub, "E06000018"));
        assert!(!policy.covers(&hub, "E06000019"));
    }

    #[test]
    fn grants_are_beginnings_of_codes_and_rank_zero_does_not_count() {
        let policy = Policy::parse(
            &format!("version = 1\n[hubs.{HUB}]\nrank = 0\nareas = [\"E07\"]\nnational = true"),
            "v",
            Model::shipped(),
        )
        .unwrap();
        let hub: HubId = HUB.parse().unwrap();
        assert_eq!(policy.rank(&hub), None);
        assert!(policy.covers(&hub, "E07000066") && policy.national(&hub));
    }

    #[test]
    fn what_is_not_known_is_refused_by_name() {
        assert_eq!(code("version = 1\nminrank = 2"), "policy-form");
        assert_eq!(code(&format!("version = 1\n[hubs.{HUB}]\narea = [\"E07\"]")), "policy-form");
        assert_eq!(code("version = 2"), "policy-version");
        assert_eq!(code("version = 1\n[hubs.essex]\nrank = 1"), "policy-hub");
        assert_eq!(code(&format!("version = 1\n[hubs.{HUB}]\nareas = [\"\"]")), "policy-area");
        let error = Policy::parse("version = 1\n[rules]\nvocabularies = \"w\"", "v", Model::shipped()).unwrap_err();
        assert_eq!(error.code(), "policy-rules");
        assert!(error.to_string().contains("vocabularies"), "{error}");
        assert_eq!(code("version = 1\n[rules]\nvocabularies = \"v\""), "ok");
        assert_eq!(code(&format!("version = 1\n[rules]\nmerge = \"{}\"", rules::merge_hash())), "ok");
        assert_eq!(code(&format!("version = 1\n[rules]\nlink = \"{}\"", rules::merge_hash())), "policy-rules");
    }

    #[test]
    fn the_hash_follows_the_bytes_and_the_rules() {
        let hash = |text: &str, vocabularies: &str| {
            Policy::parse(text, vocabularies, Model::shipped()).unwrap().hash().to_owned()
        };
        assert_eq!(hash("version = 1", "v"), hash("version = 1", "v"));
        assert_ne!(hash("version = 1", "v"), hash("version = 1\n", "v"));
        assert_ne!(hash("version = 1", "v"), hash("version = 1", "w"));
    }
}
