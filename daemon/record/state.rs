//! What a hub says of one record now: its statements folded in log order.
//!
//! Folding leaf by leaf and folding all at once are the same fold, which is why a registry that grew pull by pull equals
//! one that is made again.

use super::group::Assured;
use super::statement::{Body, Kind, Statement};
use serde::{Deserialize, Serialize};

/// A record as its hub's log leaves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordState {
    /// List or group record; the first statement decides, others of the other kind have no effect.
    pub kind: Kind,
    /// Position of its first leaf.
    pub first: i64,
    /// Position and revision of its newest put; while the words of that one are awaited, of the put whose words stay in use.
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
    /// A newer put, whose words did not come yet.
    pub awaited: Option<Awaited>,
}

/// A put whose words are awaited, with what was said of it since. What was known before stays in use until they come: words that
/// a server withholds, or that an old copy on the way does not have yet, are no deletion (PROTOCOL F8, F23).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Awaited {
    /// Its position.
    pub pos: i64,
    /// Its revision.
    pub rev: u64,
    /// Its effective time, in seconds since 1970.
    pub said: i64,
    /// The newest affirm since.
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
            awaited: None,
        }
    }

    /// Position of its newest put, whether its words came or not.
    pub fn newest(&self) -> Option<i64> {
        self.awaited.as_ref().map(|awaited| awaited.pos).or(self.put.map(|(pos, _)| pos))
    }

    /// Applies the next statement; `came` says whether the words of a put are there. Returns the position of a put that it
    /// supersedes, whose line is then blanked.
    ///
    /// Log order wins over revisions: one that does not rise is the caller's to report (PROTOCOL F20).
    pub fn apply(&mut self, pos: i64, statement: &Statement, came: bool) -> Option<i64> {
        self.rev = self.rev.max(statement.rev);
        let at = statement.at.as_second();
        match &statement.body {
            Body::Put(kind) if *kind == self.kind => {
                let newer = Awaited { pos, rev: statement.rev, said: at, assured: None, affirmed: 0, affirm: None };
                if !came && self.put.is_some() && !self.withdrawn {
                    self.awaited = Some(newer);
                    return None;
                }
                self.withdrawn = false;
                self.replace(newer)
            }
            Body::Affirm(kind, assured) if *kind == self.kind && self.put.is_some() => {
                let said = (Some(assured.clone()), at, Some(pos));
                match &mut self.awaited {
                    Some(newer) => (newer.assured, newer.affirmed, newer.affirm) = said,
                    None => (self.assured, self.affirmed, self.affirm) = said,
                }
                None
            }
            Body::Withdraw(kind) if *kind == self.kind => {
                self.withdrawn = true;
                self.settle().or(self.put.map(|(pos, _)| pos))
            }
            _ => None,
        }
    }

    /// Waits no longer: the words came, or there are none that could stay in use meanwhile. Returns the position of the put that
    /// was in use.
    pub fn settle(&mut self) -> Option<i64> {
        self.awaited.take().and_then(|newer| self.replace(newer))
    }

    fn replace(&mut self, newer: Awaited) -> Option<i64> {
        self.awaited = None;
        let superseded = self.put.replace((newer.pos, newer.rev));
        (self.said, self.assured, self.affirmed, self.affirm) =
            (newer.said, newer.assured, newer.affirmed, newer.affirm);
        superseded.map(|(pos, _)| pos)
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
        assert_eq!(state.apply(10, &said(5, "2026-08-01T00:00:00Z", Body::Put(Kind::Record)), true), None);
        assert_eq!(
            state.apply(11, &said(6, "2026-08-02T00:00:00Z", Body::Affirm(Kind::Record, assured.clone())), true),
            None
        );
        assert_eq!(state.assured, Some(assured));
        // A lower revision later in the log wins all the same, and an older time does not matter.
        assert_eq!(state.apply(12, &said(2, "2020-01-01T00:00:00Z", Body::Put(Kind::Record)), true), Some(10));
        assert_eq!((state.put, &state.assured), (Some((12, 2)), &None));
        assert_eq!(
            state.apply(13, &said(9, "2026-08-03T00:00:00Z", Body::Put(Kind::List)), true),
            None,
            "another kind"
        );
        assert_eq!(state.apply(14, &said(9, "2026-08-03T00:00:00Z", Body::Withdraw(Kind::Record)), true), Some(12));
        assert!(state.withdrawn);
        assert_eq!(state.apply(15, &said(9, "2026-08-03T00:00:00Z", Body::Put(Kind::Record)), true), Some(12));
        assert!(!state.withdrawn);
    }

    #[test]
    fn words_stay_until_newer_ones_come() {
        let day = |n: u32| format!("2026-08-0{n}T00:00:00Z");
        let assured = |by: &str| Assured { date: "2026-08-01".parse().unwrap(), method: "phone".into(), by: by.into() };
        let put = |rev, n| said(rev, &day(n), Body::Put(Kind::Record));
        let affirm = |rev, n, by| said(rev, &day(n), Body::Affirm(Kind::Record, assured(by)));
        let mut state = RecordState::new(Kind::Record, 10);
        assert_eq!(state.apply(10, &put(1, 1), false), None, "there is nothing to stay");
        assert_eq!((state.put, &state.awaited), (Some((10, 1)), &None));
        assert_eq!(state.apply(11, &put(2, 2), true), Some(10));
        state.apply(12, &affirm(3, 3, "one"), true);
        assert_eq!(state.apply(13, &put(4, 4), false), None);
        state.apply(14, &affirm(5, 5, "two"), true);
        assert_eq!((state.put, state.newest(), state.rev), (Some((11, 2)), Some(13), 5));
        assert_eq!(state.assured, Some(assured("one")), "of the words that are shown");
        // Whether it waited or not, it ends as it would have with all words at hand.
        let mut whole = RecordState::new(Kind::Record, 10);
        let all =
            [(10, put(1, 1)), (11, put(2, 2)), (12, affirm(3, 3, "one")), (13, put(4, 4)), (14, affirm(5, 5, "two"))];
        for (pos, statement) in all {
            whole.apply(pos, &statement, true);
        }
        let mut came = state.clone();
        assert_eq!(came.settle(), Some(11));
        assert_eq!(came, whole);
        assert_eq!(came.settle(), None);
        // What is taken back waits for nothing, and a newer put with words is waited for no longer.
        let mut back = state.clone();
        assert_eq!(back.apply(15, &said(6, &day(6), Body::Withdraw(Kind::Record)), true), Some(11));
        whole.apply(15, &said(6, &day(6), Body::Withdraw(Kind::Record)), true);
        assert_eq!(back, whole);
        assert_eq!(state.apply(15, &put(6, 6), true), Some(11));
        assert_eq!((state.put, &state.awaited, &state.assured), (Some((15, 6)), &None, &None));
    }
}
