//! What became of a frame's groups in a later frame: added, gone, closed, judged otherwise, joined, parted.
//!
//! Groups are followed by their records, not by their ids: a group's id is its smallest record's, and changes when one joins it.

use super::eligibility::Outcome;
use super::frozen::{Frame, Row};
use super::profile::ENDED;
use crate::record::RecordRef;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// A group judged otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// The group in the later frame.
    pub id: RecordRef,
    /// What it was.
    pub from: Outcome,
    /// What it is.
    pub to: Outcome,
}

/// Groups of one frame that are one in the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Joined {
    /// The one.
    pub one: RecordRef,
    /// The several, sorted.
    pub several: Vec<RecordRef>,
}

/// All that differs; each list sorted by the first id that it names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Diff {
    /// Groups of the later frame of whose records the earlier one had none.
    pub added: Vec<RecordRef>,
    /// Groups of the earlier frame of whose records the later one has none: withdrawn, or withheld.
    pub gone: Vec<RecordRef>,
    /// Groups that have ended since, as the later frame says.
    pub closed: Vec<RecordRef>,
    /// Groups that are judged otherwise, other than by having ended.
    pub reclassified: Vec<Changed>,
    /// Groups of the earlier frame that are one in the later.
    pub merged: Vec<Joined>,
    /// A group of the earlier frame that is several in the later.
    pub split: Vec<Joined>,
    /// Groups that are in both, and judged alike.
    pub same: usize,
}

/// Compares two frames.
pub fn diff(before: &Frame, after: &Frame) -> Diff {
    let place = |rows: &[Row]| -> BTreeMap<RecordRef, usize> {
        rows.iter().enumerate().flat_map(|(at, row)| row.all().map(move |record| (record, at))).collect()
    };
    let (was, is) = (place(&before.rows), place(&after.rows));
    let others = |row: &Row, places: &BTreeMap<RecordRef, usize>| -> BTreeSet<usize> {
        row.all().filter_map(|record| places.get(&record).copied()).collect()
    };
    let ids = |rows: &[Row], places: &BTreeSet<usize>| places.iter().map(|at| rows[*at].id).collect();
    let mut found = Diff::default();
    for row in &before.rows {
        let now = others(row, &is);
        match now.len() {
            0 => found.gone.push(row.id),
            1 => {}
            _ => found.split.push(Joined { one: row.id, several: ids(&after.rows, &now) }),
        }
    }
    for row in &after.rows {
        let then = others(row, &was);
        if then.len() > 1 {
            found.merged.push(Joined { one: row.id, several: ids(&before.rows, &then) });
        }
        let Some(first) = then.first() else {
            found.added.push(row.id);
            continue;
        };
        // Of a group that was several, the one with its first record is what it was.
        let from = &before.rows[*first].outcome;
        let ended = |outcome: &Outcome| matches!(outcome, Outcome::Excluded(reasons) if reasons.iter().any(|reason| reason == ENDED));
        if *from == row.outcome {
            found.same += 1;
        } else if ended(&row.outcome) {
            found.closed.push(row.id);
        } else {
            found.reclassified.push(Changed { id: row.id, from: from.clone(), to: row.outcome.clone() });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::eligibility::tests::suitable;
    use crate::frame::frozen::build;
    use crate::frame::frozen::tests::{candidate, candidates, definition, frame, profile, record};

    #[test]
    fn each_change_has_its_name() {
        let mut later = candidates();
        later.push(candidate(50, 0, suitable(&[])));
        later[0].facts.state = Some("closed".into());
        later[1].facts = suitable(&[("twelve-step", "met")]);
        // The group without "voluntary" has it now.
        later[7].facts = suitable(&[]);
        // 2 and 3 are one; the second record of 5 has become a group of its own; 4 is gone.
        let three = later[3].clone();
        later[2].records.extend(three.records);
        let mut own = candidate(5, 0, suitable(&[]));
        let second = later[5].records.pop().unwrap();
        own.records = vec![second];
        own.id = second.0;
        later.push(own);
        later.remove(4);
        later.remove(3);
        let after = build(definition(), profile(), later, &[], []).unwrap();
        let found = diff(&frame(), &after);
        assert_eq!(found.added, [record(1, 50)]);
        assert_eq!(found.gone, [record(1, 4)]);
        assert_eq!(found.closed, [record(1, 0)]);
        let changed: Vec<(RecordRef, bool)> =
            found.reclassified.iter().map(|one| (one.id, one.to == Outcome::Included)).collect();
        assert_eq!(changed, [(record(1, 1), false), (record(1, 7), true)]);
        assert_eq!(found.merged, [Joined { one: record(1, 2), several: vec![record(1, 2), record(1, 3)] }]);
        assert_eq!(found.split, [Joined { one: record(1, 5), several: vec![record(1, 5), second.0] }]);
        let nothing = diff(&frame(), &frame());
        assert_eq!(nothing, Diff { same: 40, ..Diff::default() });
    }
}
