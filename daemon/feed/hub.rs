//! The hub document: who a hub is, which keys speak for it, and where its log lies.
//!
//! Version 1 is self-certifying: the hub's id is the hash of its text, so nobody else's document can pass for it.
//! Later versions (rotation, recovery, hand-over) follow TUF's root rules and are not read by this program yet; one that
//! is met says so and stops the pull, and what was verified stays in use.

use super::note::{LogKeys, Note, NoteError, SigningKey, VerifyKey};
use crate::record::statement::HubId;
use crate::record::strict;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// First line of a hub document.
pub const HEADER: &str = "groups-hub/v1\n";
/// Most root keys.
const MAX_ROOTS: usize = 5;

/// What a hub document says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HubDocument {
    /// 1, and one more with each change.
    pub version: u64,
    /// What people call the hub.
    pub name: String,
    /// GSS codes the hub says it covers; binding only where a reader's own policy grants them.
    #[serde(default)]
    pub areas: Vec<String>,
    /// Licence of what it publishes, as an SPDX id or URL.
    pub licence: String,
    /// A role address for questions about its records.
    #[serde(default)]
    pub role_contact: String,
    /// Who may change this document.
    pub root: Root,
    /// Its logs, oldest first. One log has exactly one key.
    pub logs: Vec<Log>,
    /// Other places that serve the same files.
    #[serde(default)]
    pub mirrors: Vec<String>,
    /// Class of part to who may read it.
    #[serde(default)]
    pub classes: BTreeMap<String, String>,
    /// What readers may expect.
    #[serde(default)]
    pub policy: FeedPolicy,
    /// The hub that takes over, when this one ends.
    #[serde(default)]
    pub successor: Option<HubId>,
    /// Until when readers may trust the document without looking for a newer one.
    #[serde(deserialize_with = "crate::record::canonical::a_date")]
    pub expires: Date,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: BTreeMap<String, Value>,
}

/// The root keys, and how many of them it takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Root {
    /// Signatures needed.
    pub threshold: u8,
    /// Verifier keys.
    pub vkeys: Vec<String>,
}

/// One log generation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Log {
    /// The log's name; also the name of both its keys.
    pub origin: String,
    /// Verifier key of leaves and checkpoints.
    pub vkey: String,
    /// Verifier key of cosignatures.
    pub peer: String,
    /// Where its files lie; may be relative to the URL the document came from.
    pub prefix: String,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: BTreeMap<String, Value>,
}

/// What readers may expect of a feed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FeedPolicy {
    /// Seconds within which the checkpoint is signed again even when nothing changed.
    pub republish_s: u64,
    /// Seconds that a part may be cached.
    pub part_ttl_s: u64,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: BTreeMap<String, Value>,
}

impl FeedPolicy {
    /// Seconds within which readers may expect a new signature: what the hub promises, from an hour to thirty days. Past
    /// that a promise would let a frozen copy pass for a quiet hub.
    pub fn republish(&self) -> u64 {
        self.republish_s.clamp(3_600, 30 * 86_400)
    }
}

impl Default for FeedPolicy {
    fn default() -> Self {
        FeedPolicy { republish_s: 86_400, part_ttl_s: 300, extra: BTreeMap::new() }
    }
}

/// Why bytes are not the hub document wanted. [`HubError::code`] is stable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HubError {
    /// Not a note, or too few root signatures.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The text is not `groups-hub/v1` and one JSON object with the members it must have.
    #[error("its text is not a hub document: {0}")]
    Body(String),
    /// The document is another hub's.
    #[error("it belongs to the hub {met}, not to {expected}")]
    Identity {
        /// The id of what was met.
        met: HubId,
        /// The id wanted.
        expected: HubId,
    },
    /// A later version: this hub has rotated keys or moved, which this program cannot follow yet.
    #[error("it is version {0}; this program reads version 1 only")]
    Version(u64),
}

impl HubError {
    /// Stable kebab-case code.
    pub fn code(&self) -> &'static str {
        match self {
            HubError::Note(NoteError::Malformed) => "hub-malformed",
            HubError::Note(_) => "hub-signature",
            HubError::Body(_) => "hub-body",
            HubError::Identity { .. } => "hub-identity",
            HubError::Version(_) => "hub-version",
        }
    }
}

/// A hub document whose identity and signatures were checked, with the keys it names.
#[derive(Debug, Clone)]
pub struct VerifiedHub {
    /// The hub's id.
    pub id: HubId,
    /// What it says.
    pub document: HubDocument,
    /// base64url SHA-256 of its text.
    pub digest: String,
    /// Key of leaves and checkpoints of the log in use.
    pub log: VerifyKey,
    /// Key of cosignatures of the log in use.
    pub peer: VerifyKey,
}

impl HubDocument {
    /// The text that root keys sign.
    pub fn text(&self) -> String {
        let json = serde_json::to_string(self).expect("a HubDocument has string keys only, which always serialise");
        format!("{HEADER}{json}\n")
    }

    /// The whole document, signed by root keys.
    pub fn sign(&self, roots: &[&SigningKey]) -> String {
        let text = self.text();
        let lines: String = roots.iter().map(|key| key.line(&text, 0)).collect();
        format!("{text}\n{lines}")
    }

    /// The log that is in use: the newest.
    pub fn log(&self) -> Option<&Log> {
        self.logs.last()
    }

    /// A first document for a hub with one root key and one log.
    pub fn first(
        name: &str,
        licence: &str,
        root: &SigningKey,
        keys: &LogKeys,
        prefix: &str,
        expires: Date,
    ) -> HubDocument {
        HubDocument {
            version: 1,
            name: name.to_owned(),
            areas: Vec::new(),
            licence: licence.to_owned(),
            role_contact: String::new(),
            root: Root { threshold: 1, vkeys: vec![root.public().to_string()] },
            logs: vec![Log {
                origin: keys.log.public().name().to_owned(),
                vkey: keys.log.public().to_string(),
                peer: keys.peer.public().to_string(),
                prefix: prefix.to_owned(),
                extra: BTreeMap::new(),
            }],
            mirrors: Vec::new(),
            classes: BTreeMap::from([("public".to_owned(), "open".to_owned())]),
            policy: FeedPolicy::default(),
            successor: None,
            expires,
            extra: BTreeMap::new(),
        }
    }
}

/// The id a first document's text gives its hub.
pub fn id_of(text: &str) -> HubId {
    let digest: [u8; 32] = Sha256::digest(text).into();
    let mut id = [0u8; 20];
    id.copy_from_slice(&digest[..20]);
    HubId(id)
}

/// Checks a first hub document: its text hashes to the hub's id, and enough of its root keys signed it.
///
/// # Errors
/// [`HubError`]. The version is looked at before the id, because a later version's text does not hash to it.
pub fn open(bytes: &[u8], expected: Option<HubId>) -> Result<VerifiedHub, HubError> {
    let note = Note::parse(bytes)?;
    let body = |why: &str| HubError::Body(why.to_owned());
    let json = note.text.strip_prefix(HEADER).and_then(|t| t.strip_suffix('\n')).ok_or_else(|| body("no header"))?;
    let map = strict::object(json.as_bytes()).map_err(|refusal| body(refusal.code()))?;
    let document: HubDocument = serde_path_to_error::deserialize(Value::Object(map))
        .map_err(|error| body(&format!("the member {} is missing or of another form", error.path())))?;
    if document.version != 1 {
        return Err(HubError::Version(document.version));
    }
    let id = id_of(note.text);
    if let Some(expected) = expected.filter(|expected| *expected != id) {
        return Err(HubError::Identity { met: id, expected });
    }

    let roots = &document.root;
    if roots.vkeys.is_empty() || roots.vkeys.len() > MAX_ROOTS || roots.threshold == 0 {
        return Err(body("it needs one to five root keys and a threshold"));
    }
    let mut signed = 0;
    for (nth, vkey) in roots.vkeys.iter().enumerate() {
        // Each key counts once, however often it is named or signs (TUF, section 5.3.4).
        if roots.vkeys[..nth].contains(vkey) {
            continue;
        }
        let key = VerifyKey::parse(vkey).map_err(|error| body(&error.to_string()))?;
        if key.kind() != super::note::ED25519 {
            return Err(body("a root key makes plain signatures"));
        }
        match note.verify(&key) {
            Ok(_) => signed += 1,
            Err(NoteError::UnknownKey(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if signed < roots.threshold {
        return Err(NoteError::UnknownKey(format!("{} of its root keys", roots.threshold)).into());
    }

    let log = document.log().ok_or_else(|| body("it names no log"))?;
    let key = |text: &str, kind| {
        let key = VerifyKey::parse(text).map_err(|error| body(&error.to_string()))?;
        let fits = key.kind() == kind && key.name() == log.origin;
        if fits { Ok(key) } else { Err(body("a log key's name or type is not its log's")) }
    };
    let (log_key, peer_key) = (key(&log.vkey, super::note::ED25519)?, key(&log.peer, super::note::COSIGNATURE)?);
    let digest = crate::record::part::digest(note.text.as_bytes());
    Ok(VerifiedHub { id, digest, log: log_key, peer: peer_key, document })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::note::ED25519;

    fn keys() -> (SigningKey, LogKeys) {
        (SigningKey::new("root-a", ED25519, &[1; 32]), LogKeys::from_seed("feed.example/1", &[2; 32]))
    }

    fn document() -> HubDocument {
        let (root, keys) = keys();
        HubDocument::first("Example Hub", "CC-BY-4.0", &root, &keys, "../v1/1/", "2027-08-21".parse().unwrap())
    }

    #[test]
    fn a_document_is_its_hubs_own_or_nothing() {
        let (root, _) = keys();
        let note = document().sign(&[&root]);
        let hub = open(note.as_bytes(), None).unwrap();
        assert_eq!(hub.id, id_of(&document().text()));
        assert!(open(note.as_bytes(), Some(hub.id)).is_ok());
        assert_eq!(open(note.as_bytes(), Some(HubId([0; 20]))).unwrap_err().code(), "hub-identity");
        for bit in 0..note.len() * 8 {
            let mut flipped = note.clone().into_bytes();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&flipped, Some(hub.id)).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn too_few_roots_and_later_versions_are_refused() {
        let (root, _) = keys();
        let stranger = SigningKey::new("root-b", ED25519, &[9; 32]);
        assert_eq!(open(document().sign(&[&stranger]).as_bytes(), None).unwrap_err().code(), "hub-signature");
        let mut two = document();
        two.root.threshold = 2;
        two.root.vkeys.push(root.public().to_string());
        let twice = two.sign(&[&root, &root]);
        assert_eq!(open(twice.as_bytes(), None).unwrap_err().code(), "hub-signature", "one key counts once");
        let later = HubDocument { version: 2, ..document() };
        assert_eq!(open(later.sign(&[&root]).as_bytes(), None).unwrap_err().code(), "hub-version");
    }
}
