//! One leaf under its log's key: signature first, over the bytes as received, then what they say.

use super::note::{Note, NoteError, SigningKey, VerifyKey};
use crate::record::privacy::{self, RefusedToSign};
use crate::record::statement::{MAX_LEAF, Statement, Void};

/// Why a leaf says nothing. Its place in the log stays; the log goes on. [`Verdict::code`] is stable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Verdict {
    /// The signature is missing, another's, or wrong.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The text breaks the rules.
    #[error(transparent)]
    Void(#[from] Void),
}

impl Verdict {
    /// Stable kebab-case code.
    pub fn code(&self) -> &'static str {
        match self {
            Verdict::Note(error) => error.code(),
            Verdict::Void(error) => error.code(),
        }
    }
}

/// Verifies a leaf and reads its statement.
///
/// # Errors
/// [`Verdict`]: the leaf is void.
pub fn open(leaf: &[u8], key: &VerifyKey) -> Result<Statement, Verdict> {
    if leaf.len() > MAX_LEAF {
        return Err(Void::TooLong.into());
    }
    let note = Note::parse(leaf)?;
    note.verify(key)?;
    Ok(Statement::read(note.text.as_bytes())?)
}

/// Signs a statement: the only path from a statement to a leaf.
///
/// # Errors
/// [`RefusedToSign`] when the text could hold personal data or this program does not understand the statement.
pub fn sign(statement: &Statement, key: &SigningKey) -> Result<Vec<u8>, RefusedToSign> {
    let refused = |why| RefusedToSign { member: "text".into(), why };
    let text = statement.text().ok_or_else(|| refused("it is not understood by this program"))?;
    privacy::check_leaf(&text)?;
    let note = key.note(&text);
    if note.len() > MAX_LEAF { Err(refused("it is too long for a leaf")) } else { Ok(note.into_bytes()) }
}
