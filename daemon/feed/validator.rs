//! Whether a server may be asked for a checkpoint "only if it changed" (PROTOCOL F10).
//!
//! "Not modified" is a server's word: no signature stands behind it, and caches, proxies and file systems with coarse clocks get
//! it wrong. So a condition is made of an ETag only while what is held is the very checkpoint that it came with, and
//! while the server's ETags have told what changed. They have not when
//!
//! * it answers "not modified" under another ETag than the one it was asked for;
//! * it answers "not modified" to a question without condition;
//! * an ETag stayed the same while the checkpoint under it changed.
//!
//! What another hub's copy shows beyond the server's word needs no count: it is held then, and what is held is no longer what
//! the ETag came with.

use super::Checkpoint;

/// After so many doubts the whole is asked for. A good server may give cause for one: two lists published in one second, where files
/// are dated by seconds; or the change to a server that makes its ETags otherwise, which a cache in front of it may double.
/// A third is a habit. A checkpoint is 315 bytes: more often than not the answer "not modified" is no shorter.
pub const DOUBTS: i64 = 3;

/// What is known of how one server names the states of a checkpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validator {
    /// The ETag that came last.
    pub etag: Option<String>,
    /// The checkpoint that it came with, by its size and time.
    pub of: Option<String>,
    /// Doubts since an ETag last changed together with its checkpoint.
    pub doubts: i64,
}

impl Validator {
    /// What to make a condition of, when this is the checkpoint that is held.
    pub fn condition(&self, held: Option<&Checkpoint>) -> Option<&str> {
        let of = held.map(mark);
        self.etag.as_deref().filter(|_| self.trusted() && of.is_some() && of == self.of)
    }

    /// Whether the server's ETags tell what changed, by all that was seen of them.
    pub fn trusted(&self) -> bool {
        self.doubts < DOUBTS
    }

    /// The server answered "not modified" under this ETag, or under none.
    pub fn unchanged(&mut self, etag: Option<&str>) {
        if let (Some(asked), Some(etag)) = (&self.etag, etag)
            && !same(asked, etag)
        {
            self.doubt();
        }
    }

    /// The server gave cause for a doubt.
    pub fn doubt(&mut self) {
        self.doubts = self.doubts.saturating_add(1);
    }

    /// A checkpoint came whole, under this ETag or none.
    pub fn came(&mut self, etag: Option<String>, checkpoint: &Checkpoint) {
        let of = mark(checkpoint);
        if let (Some(before), Some(now), Some(was)) = (&self.etag, &etag, &self.of)
            && *was != of
        {
            match same(before, now) {
                true => self.doubt(),
                false => self.doubts = 0,
            }
        }
        (self.etag, self.of) = (etag, Some(of));
    }
}

/// One checkpoint of a log among the others: two that differ in neither differ in the root, and are a fork.
fn mark(checkpoint: &Checkpoint) -> String {
    format!("{} {}", checkpoint.size, checkpoint.time)
}

/// Whether two ETags are the same but for how strongly they are meant (RFC 9110, 8.8.3.2).
fn same(a: &str, b: &str) -> bool {
    let opaque = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
    opaque(a) == opaque(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint(size: u64, time: u64) -> Checkpoint {
        Checkpoint { size, root: [0; 32], time }
    }

    #[test]
    fn an_etag_is_a_condition_only_for_what_it_came_with() {
        let mut known = Validator::default();
        assert_eq!(known.condition(None), None);
        known.came(Some("\"a\"".into()), &checkpoint(5, 9));
        assert_eq!(known.condition(Some(&checkpoint(5, 9))), Some("\"a\""));
        assert_eq!((known.condition(Some(&checkpoint(6, 9))), known.condition(None)), (None, None));
        // As an earlier version of this program left it: nobody knows what it came with.
        let old = Validator { of: None, ..known };
        assert_eq!(old.condition(Some(&checkpoint(5, 9))), None);
    }

    #[test]
    fn doubts_add_up_until_an_etag_changes_with_its_checkpoint() {
        let mut known = Validator::default();
        for time in 1..=2 {
            known.came(Some("\"0\"".into()), &checkpoint(1, time));
        }
        assert_eq!(known.doubts, 1, "it stayed while the checkpoint changed");
        known.came(Some("W/\"0\"".into()), &checkpoint(1, 2));
        known.unchanged(None);
        known.unchanged(Some("\"0\""));
        assert_eq!(known.doubts, 1, "all of this is as it should be");
        known.unchanged(Some("\"1\""));
        assert!(known.trusted());
        known.doubt();
        assert!(!known.trusted() && known.condition(Some(&checkpoint(1, 2))).is_none());
        known.came(Some("\"1\"".into()), &checkpoint(1, 2));
        assert!(!known.trusted(), "another ETag for the same");
        known.came(Some("\"2\"".into()), &checkpoint(2, 3));
        assert_eq!(known.doubts, 0);
    }
}
