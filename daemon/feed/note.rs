//! C2SP signed notes: text, an empty line, and signature lines (<https://c2sp.org/signed-note>).

use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, Signer};
use sha2::{Digest, Sha256};
use std::fmt;

/// Type byte of a plain Ed25519 note signature.
pub const ED25519: u8 = 0x01;
/// Type byte of an Ed25519 cosignature with a time (C2SP tlog-cosignature).
pub const COSIGNATURE: u8 = 0x04;
/// Most signature lines that are looked at; the reference implementation's number.
const MAX_SIGNATURES: usize = 100;

/// Why bytes are not a note that a key vouches for. [`NoteError::code`] is stable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Not a signed note at all: no text, no signature lines, control characters, bytes that are not UTF-8.
    #[error("not a signed note")]
    Malformed,
    /// No line by the wanted key.
    #[error("no signature by {0}")]
    UnknownKey(String),
    /// A line names the wanted key and does not verify.
    #[error("the signature by {0} does not verify")]
    Invalid(String),
}

impl NoteError {
    /// Stable kebab-case code.
    pub fn code(&self) -> &'static str {
        match self {
            NoteError::Malformed => "note-malformed",
            NoteError::UnknownKey(_) => "signature-unknown-key",
            NoteError::Invalid(_) => "signature-invalid",
        }
    }
}

/// A key that can be told to others: its text is `name+id+key`.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifyKey {
    name: String,
    id: [u8; 4],
    kind: u8,
    key: ed25519_dalek::VerifyingKey,
}

/// A text that is not a verifier key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a verifier key (name+id+key, Ed25519)")]
pub struct NotAKey(pub String);

fn key_id(name: &str, kind: u8, key: &[u8; 32]) -> [u8; 4] {
    let digest = Sha256::new().chain_update(name).chain_update([b'\n', kind]).chain_update(key).finalize();
    [digest[0], digest[1], digest[2], digest[3]]
}

fn valid_name(name: &str) -> bool {
    !name.is_empty() && !name.contains('+') && !name.contains(char::is_whitespace)
}

impl VerifyKey {
    /// Reads a verifier key's text.
    ///
    /// # Errors
    /// [`NotAKey`] when a part is missing, the id does not follow from name and key, or the key is no Ed25519 point or a
    /// weak one (small order: anybody can sign for it).
    pub fn parse(text: &str) -> Result<VerifyKey, NotAKey> {
        let wrong = || NotAKey(text.chars().take(200).collect());
        // The base64 may hold `+`, so split from the left only.
        let mut pieces = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (pieces.next(), pieces.next(), pieces.next()) else {
            return Err(wrong());
        };
        let bytes = STANDARD.decode(key).map_err(|_| wrong())?;
        let [kind, point @ ..] = bytes.as_slice() else { return Err(wrong()) };
        let point: &[u8; 32] = point.try_into().map_err(|_| wrong())?;
        let expected = key_id(name, *kind, point);
        if !valid_name(name) || !matches!(*kind, ED25519 | COSIGNATURE) || hex::encode(expected) != id {
            return Err(wrong());
        }
        let key = ed25519_dalek::VerifyingKey::from_bytes(point).map_err(|_| wrong())?;
        if key.is_weak() {
            return Err(wrong());
        }
        Ok(VerifyKey { name: name.to_owned(), id: expected, kind: *kind, key })
    }

    /// The key's name: for a log's keys, its origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it makes plain signatures ([`ED25519`]) or cosignatures ([`COSIGNATURE`]).
    pub fn kind(&self) -> u8 {
        self.kind
    }

    /// Whether both are one key, whatever they are called.
    pub fn same_point(&self, other: &VerifyKey) -> bool {
        self.key == other.key
    }

    /// Short text for people to compare: eight hex digits.
    pub fn fingerprint(&self) -> String {
        hex::encode(self.id)
    }

    /// Whether bytes that are no note (a signed request) were signed by this key. The same one rule.
    pub(super) fn verify_bytes(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.verify(message, signature)
    }

    /// The one rule by which every signature here is checked: RFC 8032 with ZIP 215's leniency refused
    /// (`verify_strict`), never in batches, so that no two hubs disagree on an edge case.
    fn verify(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.key.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }
}

impl fmt::Display for VerifyKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = [0u8; 33];
        bytes[0] = self.kind;
        bytes[1..].copy_from_slice(self.key.as_bytes());
        write!(out, "{}+{}+{}", self.name, hex::encode(self.id), STANDARD.encode(bytes))
    }
}

impl fmt::Debug for VerifyKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// A secret key with the name and type it signs under. Wiped from memory when dropped; never printed.
pub struct SigningKey {
    secret: ed25519_dalek::SigningKey,
    public: VerifyKey,
}

impl SigningKey {
    /// A key of the given type from its 32 secret bytes.
    pub fn new(name: &str, kind: u8, secret: &[u8; 32]) -> SigningKey {
        let secret = ed25519_dalek::SigningKey::from_bytes(secret);
        let key = secret.verifying_key();
        let public = VerifyKey { name: name.to_owned(), id: key_id(name, kind, key.as_bytes()), kind, key };
        SigningKey { secret, public }
    }

    /// The key to tell others.
    pub fn public(&self) -> &VerifyKey {
        &self.public
    }

    /// The signature line over a note's text, with its line feed. `time` (seconds since 1970) is signed by cosignatures
    /// and ignored by plain ones.
    pub fn line(&self, text: &str, time: u64) -> String {
        let mut bytes = self.public.id.to_vec();
        if self.public.kind == COSIGNATURE {
            bytes.extend_from_slice(&time.to_be_bytes());
            bytes.extend_from_slice(&self.secret.sign(cosigned(text.as_bytes(), time).as_slice()).to_bytes());
        } else {
            bytes.extend_from_slice(&self.secret.sign(text.as_bytes()).to_bytes());
        }
        format!("— {} {}\n", self.public.name, STANDARD.encode(bytes))
    }

    /// Signs bytes that are no note: a request. They begin with `"@method"`, which no note does.
    pub(super) fn sign_bytes(&self, message: &[u8]) -> [u8; 64] {
        self.secret.sign(message).to_bytes()
    }

    /// A whole note: text, empty line, this key's line.
    pub fn note(&self, text: &str) -> String {
        format!("{text}\n{}", self.line(text, 0))
    }
}

fn cosigned(text: &[u8], time: u64) -> Vec<u8> {
    let mut message = format!("cosignature/v1\ntime {time}\n").into_bytes();
    message.extend_from_slice(text);
    message
}

/// The two keys of one log generation.
pub struct LogKeys {
    /// Signs leaves and checkpoints.
    pub log: SigningKey,
    /// Signs freshness, and later the requests between hubs.
    pub peer: SigningKey,
}

impl LogKeys {
    /// Derives both from one 32-byte seed, so that an operator keeps one thing safe (HKDF-SHA256, RFC 5869).
    pub fn from_seed(origin: &str, seed: &[u8; 32]) -> LogKeys {
        let derive = |label: &str, kind| {
            let mut secret = zeroize::Zeroizing::new([0u8; 32]);
            hkdf::Hkdf::<Sha256>::new(None, seed)
                .expand(format!("groups-feed/v1 {label}").as_bytes(), secret.as_mut())
                .expect("32 bytes is a length that HKDF-SHA256 gives");
            SigningKey::new(origin, kind, &secret)
        };
        LogKeys { log: derive("log", ED25519), peer: derive("peer", COSIGNATURE) }
    }
}

/// A note taken apart; nothing of it is verified yet.
#[derive(Debug, Clone)]
pub struct Note<'a> {
    /// What signatures cover, with its last line feed.
    pub text: &'a str,
    lines: Vec<(&'a str, Vec<u8>)>,
}

impl<'a> Note<'a> {
    /// Takes a note apart by the rules of the reference implementation, and two more: base64 must be canonical, and
    /// nothing may follow the last line.
    ///
    /// # Errors
    /// [`NoteError::Malformed`].
    pub fn parse(bytes: &'a [u8]) -> Result<Note<'a>, NoteError> {
        let whole = std::str::from_utf8(bytes).map_err(|_| NoteError::Malformed)?;
        if whole.chars().any(|c| c < ' ' && c != '\n') {
            return Err(NoteError::Malformed);
        }
        let split = whole.rfind("\n\n").ok_or(NoteError::Malformed)?;
        let (text, rest) = (&whole[..=split], &whole[split + 2..]);
        let signatures = rest.strip_suffix('\n').ok_or(NoteError::Malformed)?;
        let lines =
            signatures.split('\n').map(signature_line).collect::<Option<Vec<_>>>().ok_or(NoteError::Malformed)?;
        if lines.len() > MAX_SIGNATURES {
            return Err(NoteError::Malformed);
        }
        Ok(Note { text, lines })
    }

    /// Checks the signature by one key. Lines by keys that were not asked for are ignored; the first line by this key
    /// decides. Returns the signed time of a cosignature (seconds since 1970), 0 for a plain signature.
    ///
    /// # Errors
    /// [`NoteError::UnknownKey`] or [`NoteError::Invalid`].
    pub fn verify(&self, by: &VerifyKey) -> Result<u64, NoteError> {
        let (_, bytes) = self
            .lines
            .iter()
            .find(|(name, bytes)| *name == by.name && bytes[..4] == by.id)
            .ok_or_else(|| NoteError::UnknownKey(by.name.clone()))?;
        let invalid = || NoteError::Invalid(by.name.clone());
        if by.kind == COSIGNATURE {
            let (time, signature) = bytes[4..].split_first_chunk::<8>().ok_or_else(invalid)?;
            let time = u64::from_be_bytes(*time);
            let signature: &[u8; 64] = signature.try_into().map_err(|_| invalid())?;
            if by.verify(&cosigned(self.text.as_bytes(), time), signature) { Ok(time) } else { Err(invalid()) }
        } else {
            let signature: &[u8; 64] = bytes[4..].try_into().map_err(|_| invalid())?;
            if by.verify(self.text.as_bytes(), signature) { Ok(0) } else { Err(invalid()) }
        }
    }
}

fn signature_line(line: &str) -> Option<(&str, Vec<u8>)> {
    let (name, encoded) = line.strip_prefix("— ")?.split_once(' ')?;
    let bytes = STANDARD.decode(encoded).ok()?;
    (valid_name(name) && bytes.len() >= 5).then_some((name, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_leaf_of_the_specification_verifies() {
        // Frozen in the protocol document; made by another implementation.
        let key = VerifyKey::parse("feed.shn.example/1+a65aa687+ARChhg7gH6Da0XVDtB+lb04JhwgQABn1987B/FmyzA/s").unwrap();
        let leaf = "groups-feed/v1 record\n{\"id\":\"3a9afa8c-9841-5d2f-de7a-e061aed1ef68\",\"rev\":1,\"at\":\"2026-08-05T15:04:00Z\",\"op\":\"put\",\"parts\":{\"public\":\"XVGG-qnZ-uiG0Gt77bd7xpE8y7E1tv9Qsr9y9r0YKA8\",\"contact\":\"TYCmiNbAVjJvM7p23XKj4GtvPuDNI5sCo-_1X32JBNg\"}}\n\n— feed.shn.example/1 plqmh4iMEHoRRlCFI8DVPAsGCLb53smSvSDII19RT7hcM9tFfSn0DOJRBZ3r0gWRzppsOnj4r5e6+felNTc4weOAfgg=\n";
        assert_eq!(Note::parse(leaf.as_bytes()).unwrap().verify(&key), Ok(0));
        assert_eq!(key.to_string(), "feed.shn.example/1+a65aa687+ARChhg7gH6Da0XVDtB+lb04JhwgQABn1987B/FmyzA/s");
    }

    #[test]
    fn both_kinds_sign_and_every_flipped_bit_shows() {
        let keys = LogKeys::from_seed("feed.example/1", &[7; 32]);
        let text = "feed.example/1\n5\nAAAA\n";
        for (key, time) in [(&keys.log, 0), (&keys.peer, 1_790_000_000)] {
            let note = format!("{text}\n{}", key.line(text, time)).into_bytes();
            assert_eq!(Note::parse(&note).unwrap().verify(key.public()), Ok(time));
            for bit in 0..note.len() * 8 {
                let mut flipped = note.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                assert!(Note::parse(&flipped).and_then(|n| n.verify(key.public())).is_err(), "bit {bit}");
            }
        }
    }

    #[test]
    fn other_peoples_lines_are_ignored_and_the_first_of_ours_decides() {
        let keys = LogKeys::from_seed("feed.example/1", &[7; 32]);
        let other = SigningKey::new("other.example", ED25519, &[9; 32]);
        let text = "hello\n";
        let bad = keys.log.line("other\n", 0);
        let note = |lines: &[String]| format!("{text}\n{}", lines.concat());
        let verify = |note: String| Note::parse(note.as_bytes()).and_then(|n| n.verify(keys.log.public()));
        assert_eq!(verify(note(&[other.line(text, 0), keys.log.line(text, 0)])), Ok(0));
        assert_eq!(verify(note(&[other.line(text, 0)])), Err(NoteError::UnknownKey("feed.example/1".into())));
        assert_eq!(verify(note(&[bad, keys.log.line(text, 0)])), Err(NoteError::Invalid("feed.example/1".into())));
        assert!(matches!(verify("no signature\n".into()), Err(NoteError::Malformed)));
    }

    #[test]
    fn a_key_must_be_what_its_id_says_and_not_weak() {
        let good = LogKeys::from_seed("feed.example/1", &[7; 32]).log.public().to_string();
        assert!(VerifyKey::parse(&good).is_ok());
        assert!(VerifyKey::parse(&good.replace("feed.example", "feed.exampel")).is_err());
        let weak = [1u8; 1].into_iter().chain([1]).chain([0; 31]).collect::<Vec<_>>();
        let point: [u8; 32] = weak[1..].try_into().unwrap();
        let text = format!("x+{}+{}", hex::encode(key_id("x", 1, &point)), STANDARD.encode(&weak));
        assert!(VerifyKey::parse(&text).is_err(), "the identity point verifies anything");
    }
}
