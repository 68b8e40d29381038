//! The hub document: who a hub is, which keys speak for it, and where its log lies.
//!
//! Version 1 is self-certifying: the hub's id is the hash of its text, so nobody else's document can pass for it. Every
//! later version follows from the one before by TUF's root rules ([`next`]): exactly one more, signed by enough of the
//! root keys of both, naming the digest of what it follows. The chain is walked one by one; nothing is skipped, so a
//! thief who has the newest keys only cannot write a history, and one who has old keys only cannot write a future.

use super::merkle::Hash;
use super::note::{LogKeys, Note, NoteError, SigningKey, VerifyKey};
use crate::record::statement::HubId;
use crate::record::strict;
use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// First line of a hub document.
pub const HEADER: &str = "groups-hub/v1\n";
/// Most root keys.
pub const MAX_ROOTS: usize = 5;
/// Longest document in bytes, signatures included.
pub const MAX_DOCUMENT: usize = 32 << 10;
/// Most versions walked in one run (TUF, section 5.3.3: a bound on what a hostile server makes a reader do).
pub const MAX_STEPS: usize = 256;
/// Days before its end at which a document is warned about.
pub const WARN_DAYS: i32 = 60;

/// What a hub document says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HubDocument {
    /// The hub's id; absent in version 1, whose text it is the hash of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hub: Option<HubId>,
    /// 1, and one more with each change.
    pub version: u64,
    /// base64url SHA-256 of the text of the version before; absent in version 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prev: Option<String>,
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
    /// Where the log ended, once it has: everything after is void, whoever signed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Closed>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: BTreeMap<String, Value>,
}

/// The end of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// How many of its leaves count.
    pub size: u64,
    /// base64 of the root of the tree over them.
    pub root: String,
}

impl Closed {
    /// A log's end.
    pub fn at(size: u64, root: Hash) -> Closed {
        Closed { size, root: STANDARD.encode(root) }
    }

    /// The root, if it is one.
    pub fn hash(&self) -> Option<Hash> {
        STANDARD.decode(&self.root).ok()?.try_into().ok()
    }
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
    /// Another version than the one that must come next: none may be left out, and none comes again.
    #[error("it is version {met} where version {expected} must stand")]
    Version {
        /// The version of what was met.
        met: u64,
        /// The version wanted.
        expected: u64,
    },
    /// It does not follow from the version known here: the hub's root keys signed two documents of one version, or one of
    /// them is a forgery.
    #[error("it does not follow from version {0} as this hub knows it")]
    Prev(u64),
    /// Past its date: it may have been replaced long ago.
    #[error("it was good until {0} only")]
    Expired(Date),
    /// Longer than a document may be.
    #[error("it is longer than {MAX_DOCUMENT} bytes")]
    TooLong,
    /// It changes what may not be changed: a log's keys, or where a log was closed.
    #[error("it rewrites the past: {0}")]
    History(&'static str),
}

impl HubError {
    /// Stable kebab-case code.
    pub fn code(&self) -> &'static str {
        match self {
            HubError::Note(NoteError::Malformed) => "hub-malformed",
            HubError::Note(_) => "hub-signature",
            HubError::Body(_) => "hub-body",
            HubError::Identity { .. } => "hub-identity",
            HubError::Version { .. } => "hub-version",
            HubError::Prev(_) => "hub-prev",
            HubError::Expired(_) => "hub-expired",
            HubError::TooLong => "hub-too-long",
            HubError::History(_) => "hub-history",
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
    /// All logs, oldest first; the last is in use unless it is closed too.
    pub logs: Vec<VerifiedLog>,
    /// The root keys, each once, and how many of them it takes.
    roots: (Vec<VerifyKey>, usize),
}

/// One log of a verified document.
#[derive(Debug, Clone)]
pub struct VerifiedLog {
    /// Key of its leaves and checkpoints.
    pub key: VerifyKey,
    /// Key of its cosignatures.
    pub peer: VerifyKey,
    /// Where its files lie, as written.
    pub prefix: String,
    /// Size and root at which it was closed.
    pub closed: Option<(u64, Hash)>,
}

impl VerifiedHub {
    /// The root keys, each once.
    pub fn root_keys(&self) -> &[VerifyKey] {
        &self.roots.0
    }

    /// How many of the root keys a document must bear.
    pub fn threshold(&self) -> usize {
        self.roots.1
    }

    /// Days until the document's end, negative past it, when they are few enough to be said.
    pub fn warns(&self, today: Date) -> Option<i32> {
        let left = today.until(self.document.expires).map_or(i32::MAX, |span| span.get_days());
        (left <= WARN_DAYS).then_some(left)
    }

    /// The document that follows, with nothing changed but what must: to be changed and signed.
    pub fn following(&self) -> HubDocument {
        HubDocument {
            hub: Some(self.id),
            version: self.document.version + 1,
            prev: Some(self.digest.clone()),
            ..self.document.clone()
        }
    }
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
            hub: None,
            version: 1,
            prev: None,
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
                closed: None,
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

/// A document taken apart; no signature of it was looked at.
fn read(bytes: &[u8]) -> Result<(Note<'_>, HubDocument), HubError> {
    if bytes.len() > MAX_DOCUMENT {
        return Err(HubError::TooLong);
    }
    let note = Note::parse(bytes)?;
    let json = note.text.strip_prefix(HEADER).and_then(|t| t.strip_suffix('\n')).ok_or_else(|| body("no header"))?;
    let document = read_text(json)?;
    Ok((note, document))
}

fn read_text(json: &str) -> Result<HubDocument, HubError> {
    let map = strict::object(json.as_bytes()).map_err(|refusal| body(refusal.code()))?;
    serde_path_to_error::deserialize(Value::Object(map))
        .map_err(|error| body(&format!("the member {} is missing or of another form", error.path())))
}

fn body(why: &str) -> HubError {
    HubError::Body(why.to_owned())
}

/// Version number and text of a document that is not verified yet: to know what to ask for.
///
/// # Errors
/// [`HubError`] for bytes that are no hub document.
pub fn version_of(bytes: &[u8]) -> Result<u64, HubError> {
    match read(bytes)?.1.version {
        0 => Err(HubError::Version { met: 0, expected: 1 }),
        version => Ok(version),
    }
}

/// The hub that a later document names. Nothing of it is verified.
///
/// # Errors
/// [`HubError`] for bytes that are no hub document, or that name none.
pub fn named(bytes: &[u8]) -> Result<HubId, HubError> {
    read(bytes)?.1.hub.ok_or_else(|| body("it does not name its hub"))
}

/// Checks a first hub document: its text hashes to the hub's id, and enough of its root keys signed it.
///
/// # Errors
/// [`HubError`]. The version is looked at before the id, because a later version's text does not hash to it.
pub fn open(bytes: &[u8], expected: Option<HubId>) -> Result<VerifiedHub, HubError> {
    let (note, document) = read(bytes)?;
    if document.version != 1 {
        return Err(HubError::Version { met: document.version, expected: 1 });
    }
    let id = id_of(note.text);
    if let Some(expected) = expected.filter(|expected| *expected != id) {
        return Err(HubError::Identity { met: id, expected });
    }
    if document.hub.is_some() || document.prev.is_some() {
        return Err(body("version 1 follows nothing, and its id is the hash of its text"));
    }
    let hub = described(id, note.text, document)?;
    signed(&note, &hub)?;
    Ok(hub)
}

/// Checks the document that follows a verified one, by TUF's root rules (The Update Framework, section 5.3): exactly one
/// version more, naming the digest of the one before, signed by enough of the root keys of both. When it expires is not
/// looked at: only the last of a walk must be in date.
///
/// # Errors
/// [`HubError`]; nothing of it is to be believed then.
pub fn next(before: &VerifiedHub, bytes: &[u8]) -> Result<VerifiedHub, HubError> {
    let (note, document) = read(bytes)?;
    let expected = before.document.version + 1;
    if document.version != expected {
        return Err(HubError::Version { met: document.version, expected });
    }
    match document.hub {
        Some(met) if met != before.id => return Err(HubError::Identity { met, expected: before.id }),
        None => return Err(body("it does not name its hub")),
        _ => {}
    }
    let prev = document.prev.clone();
    let hub = described(before.id, note.text, document)?;
    signed(&note, before)?;
    signed(&note, &hub)?;
    // Past the signatures: whoever could sign it knew better, which is what makes two texts of one version evidence.
    if prev.as_ref() != Some(&before.digest) {
        return Err(HubError::Prev(before.document.version));
    }
    history(before, &hub)?;
    Ok(hub)
}

/// Reads a text that is to be signed as the document which follows a verified one, as its readers will, signatures apart.
///
/// # Errors
/// [`HubError`]: readers would refuse it, whoever signs it.
pub fn drafted(before: &VerifiedHub, text: &str) -> Result<VerifiedHub, HubError> {
    let json = text.strip_prefix(HEADER).and_then(|text| text.strip_suffix('\n')).ok_or_else(|| body("no header"))?;
    let document = read_text(json)?;
    let hub = described(before.id, text, document)?;
    if hub.document.hub != Some(before.id) || hub.document.version != before.document.version + 1 {
        return Err(HubError::Version { met: hub.document.version, expected: before.document.version + 1 });
    }
    if hub.document.prev.as_ref() != Some(&before.digest) {
        return Err(HubError::Prev(before.document.version));
    }
    if hub.threshold() > hub.root_keys().len() {
        return Err(body("it asks for more signatures than it has root keys"));
    }
    history(before, &hub)?;
    Ok(hub)
}

/// Reads again a document that was verified when it was stored, of whatever version. Its own root keys must have signed it,
/// so that damage is met; that it follows from those before it was checked when it came.
///
/// # Errors
/// [`HubError`].
pub fn reopen(bytes: &[u8], id: HubId) -> Result<VerifiedHub, HubError> {
    let (note, document) = read(bytes)?;
    if document.version == 1 {
        return open(bytes, Some(id));
    }
    if let Some(met) = document.hub.filter(|met| *met != id) {
        return Err(HubError::Identity { met, expected: id });
    }
    let hub = described(id, note.text, document)?;
    signed(&note, &hub)?;
    Ok(hub)
}

/// Whether two documents prove that a hub's root keys signed two texts of one version that both follow from `before` (of
/// version 1 there is only one: its text is the hub's id).
pub fn equivocates(before: &VerifiedHub, one: &[u8], other: &[u8]) -> bool {
    let text = |bytes| Note::parse(bytes).map(|note| note.text.to_owned()).ok();
    next(before, one).is_ok() && next(before, other).is_ok() && text(one) != text(other)
}

/// Enough of a document's root keys signed the note.
fn signed(note: &Note<'_>, by: &VerifiedHub) -> Result<(), HubError> {
    let (roots, threshold) = &by.roots;
    let mut signed = 0;
    for key in roots {
        match note.verify(key) {
            Ok(_) => signed += 1,
            Err(NoteError::UnknownKey(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if signed < *threshold {
        return Err(NoteError::UnknownKey(format!("{threshold} of its root keys")).into());
    }
    Ok(())
}

/// What a document says, looked at as a whole.
fn described(id: HubId, text: &str, document: HubDocument) -> Result<VerifiedHub, HubError> {
    let root = &document.root;
    if root.vkeys.is_empty() || root.vkeys.len() > MAX_ROOTS || root.threshold == 0 {
        return Err(body("it needs one to five root keys and a threshold"));
    }
    let mut roots: Vec<VerifyKey> = Vec::new();
    for vkey in &root.vkeys {
        let key = VerifyKey::parse(vkey).map_err(|error| body(&error.to_string()))?;
        if key.kind() != super::note::ED25519 {
            return Err(body("a root key makes plain signatures"));
        }
        // Each key counts once, however often and under whatever name it stands there (TUF, section 5.3.4).
        if !roots.iter().any(|known| known.same_point(&key)) {
            roots.push(key);
        }
    }
    let threshold = usize::from(root.threshold);

    let mut logs: Vec<VerifiedLog> = Vec::new();
    for (nth, log) in document.logs.iter().enumerate() {
        let key = |text: &str, kind| {
            let key = VerifyKey::parse(text).map_err(|error| body(&error.to_string()))?;
            let fits = key.kind() == kind && key.name() == log.origin;
            if fits { Ok(key) } else { Err(body("a log key's name or type is not its log's")) }
        };
        let (log_key, peer) = (key(&log.vkey, super::note::ED25519)?, key(&log.peer, super::note::COSIGNATURE)?);
        if logs.iter().any(|other| other.key.name() == log.origin || other.key.same_point(&log_key)) {
            return Err(body("two of its logs have one name or one key"));
        }
        let closed = match &log.closed {
            Some(closed) => {
                Some((closed.size, closed.hash().ok_or_else(|| body("the member closed.root is no root"))?))
            }
            None if nth + 1 < document.logs.len() => return Err(body("only its last log may be open")),
            None => None,
        };
        logs.push(VerifiedLog { key: log_key, peer, prefix: log.prefix.clone(), closed });
    }
    let log = logs.last().ok_or_else(|| body("it names no log"))?;
    let digest = crate::record::part::digest(text.as_bytes());
    let (log_key, peer) = (log.key.clone(), log.peer.clone());
    Ok(VerifiedHub { id, digest, log: log_key, peer, document, logs, roots: (roots, threshold) })
}

/// What a later document may not change: which keys a log has, in what order logs stand, and where one was closed. Were it
/// otherwise, two readers who came at different times would hold different records of one past.
fn history(before: &VerifiedHub, after: &VerifiedHub) -> Result<(), HubError> {
    if after.logs.len() < before.logs.len() {
        return Err(HubError::History("a log is missing"));
    }
    for (was, is) in before.logs.iter().zip(&after.logs) {
        if was.key != is.key || was.peer != is.peer {
            return Err(HubError::History("a log has other keys"));
        }
        if was.closed.is_some() && was.closed != is.closed {
            return Err(HubError::History("a closed log ends elsewhere"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
