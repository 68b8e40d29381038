//! What a hub says of one record now: its statements folded in log order.
//!
//! Folding leaf by leaf and folding all at once are the same fold, which is why a registry that grew pull by pull equals
//! one that is made again.

use super::group::Assured;
use super::statement::{Body, Kind, Statement};

/// A record as its hub's log leaves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordState {
    /// List or group record; the first statement decides, others of the other kind have no effect.
    pub kind: Kind,
    /// Position of its first leaf.
    pub first: i64,
    /// Position and revision of its newest put.
    pub put: Option<(i64, u64)>,
    /// Highest revision of any statement so far.
    pub rev: u64,
    /// Whether the hub took the record back since.
    pub withdrawn: bool,
    /// Effective time of that put, in seconds since 1970: a leaf cannot be later than leaves after it (PROTOCOL 1.9).
    pub said: i64,
    /// The newest affirm since that put.
    pub assured: Option<Assured>,
    /// Effective time of that affirm.
    pub affirmed: i64,
    /// Position of that affirm.
    pub affirm: Option<i64>,
}

impl RecordState {
    /// A record nothing was said of yet.
    pub fn new(kind: Kind, first: i64) -> RecordState {
        RecordState {
            kind,
            first,
            put: None,
            rev: 0,
            withdrawn: false,
            said: 0,
            assured: None,
            affirmed: 0,
            affirm: None,
        }
    }

    /// Applies the next statement. Returns the position of a put that it supersedes, whose line is then blanked.
    ///
    /// Log order wins over revisions: one that does not rise is the caller's to report (PROTOCOL F20).
    pub fn apply(&mut self, pos: i64, statement: &Statement) -> Option<i64> {
        self.rev = self.rev.max(statement.rev);
        let at = statement.at.as_second();
        match &statement.body {
            Body::Put(kind) if *kind == self.kind => {
                let superseded = self.put.replace((pos, statement.rev));
                (self.withdrawn, self.said, self.assured, self.affirmed) = (false, at, None, 0);
                self.affirm = None;
                superseded.map(|(pos, _)| pos)
            }
            Body::Affirm(kind, assured) if *kind == self.kind && self.put.is_some() => {
                (self.assured, self.affirmed, self.affirm) = (Some(assured.clone()), at, Some(pos));
                None
            }
            Body::Withdraw(kind) if *kind == self.kind => {
                self.withdrawn = true;
                self.put.map(|(pos, _)| pos)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::statement::time;
    use uuid::Uuid;

    fn said(rev: u64, at: &str, body: Body) -> Statement {
        Statement { id: Uuid::nil(), rev, at: time(at).unwrap(), parts: Default::default(), replaces: None, body }
    }

    #[test]
    fn the_newest_word_in_log_order_stands() {
        let assured = Assured { date: "2026-08-01".parse().unwrap(), method: "phone".into(), by: "hub".into() };
        let mut state = RecordState::new(Kind::Record, 10);
        assert_eq!(state.apply(10, &said(5, "2026-08-01T00:00:00Z", Body::Put(Kind::Record))), None);
        assert_eq!(
            state.apply(11, &said(6, "2026-08-02T00:00:00Z", Body::Affirm(Kind::Record, assured.clone()))),
            None
        );
        assert_eq!(state.assured, Some(assured));
        // A lower revision later in the log wins all the same, and an older time does not matter.
        assert_eq!(state.apply(12, &said(2, "2020-01-01T00:00:00Z", Body::Put(Kind::Record))), Some(10));
        assert_eq!((state.put, &state.assured), (Some((12, 2)), &None));
        assert_eq!(state.apply(13, &said(9, "2026-08-03T00:00:00Z", Body::Put(Kind::List))), None, "another kind");
        assert_eq!(state.apply(14, &said(9, "2026-08-03T00:00:00Z", Body::Withdraw(Kind::Record))), Some(12));
        assert!(state.withdrawn);
        assert_eq!(state.apply(15, &said(9, "2026-08-03T00:00:00Z", Body::Put(Kind::Record))), Some(12));
        assert!(!state.withdrawn);
    }
}
