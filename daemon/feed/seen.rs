//! What a hub has seen: the newest checkpoint that it verified of each log it follows, with its own cosignature, one after
//! another as in an entry bundle. Whoever reads two hubs' knows whether a third told them the same.

use super::note::Note;

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
}
