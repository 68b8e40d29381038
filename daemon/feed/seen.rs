//! What a hub has seen: the newest checkpoint that it verified of each log it follows, and the newest version of each hub's
//! document, with its own cosignature, one after another as in an entry bundle. Whoever reads two hubs' knows whether a
//! third told them the same.

use super::note::Note;
use crate::record::HubId;
use std::fmt;

/// First line of a note that says which version of a hub's document was seen. No log is called so: an origin has a dot.
pub const HEADER: &str = "groups-seen/v1";

/// Longest answer that is read: some 600 bytes a log, for a thousand logs and more.
pub const MAX_SEEN: u64 = 1 << 20;

/// Puts checkpoints one after another: each with its length in two bytes, big-endian. What is longer than a length can say is
/// left out; no checkpoint is.
pub fn write<'a>(notes: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for note in notes {
        if let Ok(length) = u16::try_from(note.len()) {
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(note);
        }
    }
    bytes
}

/// Takes them apart. Bytes that are cut off, or no list of notes, end it: what stands before them counts by its signatures.
pub fn read(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut notes = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<2>() {
        let Some((note, rest)) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length))) else { break };
        notes.push(note);
        bytes = rest;
    }
    notes
}

/// The origin that a checkpoint names. Nothing of it is verified.
pub fn origin(note: &[u8]) -> Option<&str> {
    Note::parse(note).ok()?.text.lines().next()
}

/// Which version of a hub's document somebody has seen. A hint of what to ask for and no more: only the hub's root keys can
/// say what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenHub {
    /// The hub.
    pub hub: HubId,
    /// The version.
    pub version: u64,
    /// base64url SHA-256 of its text.
    pub digest: String,
}

impl fmt::Display for SeenHub {
    /// The note's text.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{HEADER}\n{} {} {}", self.hub, self.version, self.digest)
    }
}

impl SeenHub {
    /// Reads a note's text. Nothing of it is verified.
    pub fn read(note: &[u8]) -> Option<SeenHub> {
        let line = Note::parse(note).ok()?.text.strip_prefix(HEADER)?.strip_prefix('\n')?.strip_suffix('\n')?;
        let [hub, version, digest] = line.split(' ').collect::<Vec<_>>()[..] else { return None };
        let digest = Some(digest).filter(|digest| crate::record::statement::is_digest(digest))?.to_owned();
        Some(SeenHub { hub: hub.parse().ok()?, version: version.parse().ok()?, digest })
    }
}

/// The note about a hub's document among what was seen.
pub fn of_hub(bytes: &[u8], wanted: HubId) -> Option<&[u8]> {
    read(bytes).into_iter().find(|note| SeenHub::read(note).is_some_and(|seen| seen.hub == wanted))
}

/// The checkpoint of a log among what was seen.
pub fn of<'a>(bytes: &'a [u8], wanted: &str) -> Option<&'a [u8]> {
    read(bytes).into_iter().find(|note| origin(note) == Some(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::{Checkpoint, LogKeys};

    #[test]
    fn what_is_written_is_read_and_what_is_cut_off_ends_it() {
        let note =
            |name: &str| Checkpoint { size: 1, root: [1; 32], time: 9 }.sign(&LogKeys::from_seed(name, &[1; 32]));
        let (one, two) = (note("one.example/1"), note("two.example/1"));
        let bytes = write([one.as_bytes(), two.as_bytes()]);
        assert_eq!(read(&bytes), [one.as_bytes(), two.as_bytes()]);
        assert_eq!(of(&bytes, "two.example/1"), Some(two.as_bytes()));
        assert_eq!(of(&bytes, "three.example/1"), None);
        assert_eq!(read(&bytes[..bytes.len() - 1]), [one.as_bytes()]);
        assert_eq!(read(b"\0"), [&b""[..]; 0]);
    }

    #[test]
    fn versions_of_hub_documents_stand_beside_checkpoints() {
        let keys = LogKeys::from_seed("one.example/1", &[1; 32]);
        let seen = SeenHub { hub: HubId([7; 20]), version: 3, digest: "A".repeat(43) };
        let text = seen.to_string();
        let note = format!("{text}\n{}", keys.peer.line(&text, 9));
        let checkpoint = Checkpoint { size: 1, root: [1; 32], time: 9 }.sign(&keys);
        let bytes = write([checkpoint.as_bytes(), note.as_bytes()]);
        assert_eq!(SeenHub::read(note.as_bytes()), Some(seen.clone()));
        assert_eq!(of_hub(&bytes, seen.hub), Some(note.as_bytes()));
        assert_eq!(of_hub(&bytes, HubId([8; 20])), None);
        assert_eq!(of(&bytes, "one.example/1"), Some(checkpoint.as_bytes()), "as readers that know no versions do");
        for broken in [" 3 ", " -1 ", " 3  ", " 18446744073709551616 "] {
            let text = text.replace(" 3 ", broken);
            let note = format!("{text}\n{}", keys.peer.line(&text, 9));
            assert_eq!(SeenHub::read(note.as_bytes()).is_some(), broken == " 3 ", "{broken:?}");
        }
        assert_eq!(SeenHub::read(checkpoint.as_bytes()), None);
    }
}
