//! Seals: what a hub signs of a frozen frame and of a draw, as a note of its own kind: its first line is no log's origin and no
//! statement, so that a signature of one can never be shown as one of the other.

use crate::record::HubId;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// First line of a seal.
pub const HEADER: &str = "mutuald-frame-seal/1";

/// What a seal says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// The hub that signs.
    pub hub: HubId,
    /// When.
    pub at: Timestamp,
    /// Name of the frame.
    pub frame: String,
    /// SHA-256 (hex) of each file that it covers, by name.
    pub files: BTreeMap<String, String>,
}

impl Seal {
    /// The text that is signed.
    pub fn text(&self) -> String {
        let head = format!("{HEADER}\nhub {}\nat {}\nframe {}\n", self.hub, self.at, self.frame);
        self.files.iter().fold(head, |text, (name, digest)| format!("{text}file {digest} {name}\n"))
    }

    /// Reads a seal's text; only the one that [`Seal::text`] would write is read.
    pub fn read(text: &str) -> Option<Seal> {
        let mut lines = text.lines();
        if lines.next() != Some(HEADER) {
            return None;
        }
        let hub = lines.next()?.strip_prefix("hub ")?.parse().ok()?;
        let at = lines.next()?.strip_prefix("at ")?.parse().ok()?;
        let frame = lines.next()?.strip_prefix("frame ")?.to_owned();
        let mut files = BTreeMap::new();
        for line in lines {
            let (digest, name) = line.strip_prefix("file ")?.split_once(' ')?;
            files.insert(name.to_owned(), digest.to_owned());
        }
        Some(Seal { hub, at, frame, files }).filter(|seal| seal.text() == text)
    }
}
