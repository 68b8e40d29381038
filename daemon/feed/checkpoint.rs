//! The checkpoint: how long a log is and what its root is, under two signatures (C2SP tlog-checkpoint).
//!
//! The log's line says *what*; the peer key's cosignature says *when it still was so*, without extension lines.

use super::merkle::Hash;
use super::note::{LogKeys, Note, NoteError, VerifyKey};
use base64::{Engine, engine::general_purpose::STANDARD};

/// A verified statement of a log's size and root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Number of leaves.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Hash,
    /// When the hub last said so, in seconds since 1970.
    pub time: u64,
}

/// Why bytes are not a checkpoint of this log. [`CheckpointError::code`] is stable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// Not a note, or not signed as it must be.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The note is another log's.
    #[error("it is the checkpoint of another log")]
    Origin,
    /// The body is not origin, size and root.
    #[error("its text is not origin, size and root")]
    Body,
}

impl CheckpointError {
    /// Stable kebab-case code.
    pub fn code(&self) -> &'static str {
        match self {
            CheckpointError::Note(NoteError::Malformed) => "checkpoint-malformed",
            CheckpointError::Note(NoteError::UnknownKey(_)) => "checkpoint-unknown-key",
            CheckpointError::Note(NoteError::Invalid(_)) => "checkpoint-signature",
            CheckpointError::Origin => "checkpoint-origin",
            CheckpointError::Body => "checkpoint-body",
        }
    }
}

impl Checkpoint {
    /// Signs a checkpoint with both keys.
    pub fn sign(&self, keys: &LogKeys) -> String {
        let text = format!("{}\n{}\n{}\n", keys.log.public().name(), self.size, STANDARD.encode(self.root));
        format!("{text}\n{}{}", keys.log.line(&text, 0), keys.peer.line(&text, self.time))
    }

    /// Size and root that a log's key signed, whoever else signed beside it: for proof, where when it was said does not matter.
    ///
    /// # Errors
    /// [`CheckpointError`].
    pub fn signed(bytes: &[u8], log: &VerifyKey) -> Result<(u64, Hash), CheckpointError> {
        let note = Note::parse(bytes)?;
        let mut lines = note.text.split_terminator('\n');
        if lines.next() != Some(log.name()) {
            return Err(CheckpointError::Origin);
        }
        note.verify(log)?;
        let size = lines.next().and_then(decimal).ok_or(CheckpointError::Body)?;
        let root = lines.next().and_then(|text| STANDARD.decode(text).ok()).ok_or(CheckpointError::Body)?;
        Ok((size, root.try_into().map_err(|_| CheckpointError::Body)?))
    }

    /// Reads a checkpoint of the log that the two keys name. Both lines are required: without the second nobody could
    /// tell a quiet hub from a frozen copy.
    ///
    /// # Errors
    /// [`CheckpointError`].
    pub fn open(bytes: &[u8], log: &VerifyKey, peer: &VerifyKey) -> Result<Checkpoint, CheckpointError> {
        let (size, root) = Checkpoint::signed(bytes, log)?;
        let time = Note::parse(bytes)?.verify(peer)?;
        Ok(Checkpoint { size, root, time })
    }
}

/// A number in its one decimal form.
fn decimal(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signed_is_opened_by_its_own_keys_only() {
        let keys = LogKeys::from_seed("feed.example/1", &[3; 32]);
        let other = LogKeys::from_seed("feed.example/1", &[4; 32]);
        let elsewhere = LogKeys::from_seed("feed.example/2", &[3; 32]);
        let checkpoint = Checkpoint { size: 9, root: [5; 32], time: 1_790_000_000 };
        let note = checkpoint.sign(&keys);
        let open = |k: &LogKeys| Checkpoint::open(note.as_bytes(), k.log.public(), k.peer.public());
        assert_eq!(open(&keys), Ok(checkpoint));
        assert_eq!(open(&other).unwrap_err().code(), "checkpoint-unknown-key");
        assert_eq!(open(&elsewhere).unwrap_err().code(), "checkpoint-origin");
        let without_time = note.split_inclusive('\n').take(5).collect::<String>();
        let short = Checkpoint::open(without_time.as_bytes(), keys.log.public(), keys.peer.public());
        assert_eq!(short.unwrap_err().code(), "checkpoint-unknown-key");
    }
}
