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

/// Accounts from one frame to the other; every line is a count that was made by itself, and [`Accounts::adds_up`] says whether they meet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Accounts {
    /// Groups, or units, of the earlier frame.
    pub before: usize,
    /// Of these, with no record in the later one.
    pub gone: usize,
    /// More than before, because one became several.
    pub split: usize,
    /// Fewer than before, because several became one.
    pub merged: usize,
    /// With no record in the earlier one.
    pub added: usize,
    /// Units only: they belong now and did not, or could not be said to.
    pub came_to_belong: usize,
    /// Units only: they belonged.
    pub ceased_to_belong: usize,
    /// Groups, or units, of the later frame.
    pub after: usize,
}

impl Accounts {
    /// Whether what was before, less what went and more what came, is what is after.
    pub fn adds_up(&self) -> bool {
        self.before + self.split + self.added + self.came_to_belong
            == self.after + self.gone + self.merged + self.ceased_to_belong
    }
}

/// The accounts of groups, and those of units.
pub fn accounts(before: &Frame, after: &Frame) -> (Accounts, Accounts) {
    let belongs = |row: &Row| row.outcome == Outcome::Included;
    let was: BTreeMap<RecordRef, usize> =
        before.rows.iter().enumerate().flat_map(|(at, row)| row.all().map(move |record| (record, at))).collect();
    let mut groups = Accounts { before: before.rows.len(), after: after.rows.len(), ..Accounts::default() };
    let mut units = Accounts { before: before.units().count(), after: after.units().count(), ..Accounts::default() };
    // How often a group of the earlier frame is what one of the later was, and with how many of them it shares a record.
    let (mut first_of, mut shares) = (vec![0usize; before.rows.len()], vec![0usize; before.rows.len()]);
    for row in &after.rows {
        let then: BTreeSet<usize> = row.all().filter_map(|record| was.get(&record).copied()).collect();
        then.iter().for_each(|at| shares[*at] += 1);
        let Some(first) = then.first() else {
            groups.added += 1;
            units.added += usize::from(belongs(row));
            continue;
        };
        groups.merged += then.len() - 1;
        first_of[*first] += 1;
        match (belongs(&before.rows[*first]), belongs(row)) {
            (false, true) => units.came_to_belong += 1,
            (true, false) => units.ceased_to_belong += 1,
            _ => {}
        }
    }
    for (at, row) in before.rows.iter().enumerate() {
        match shares[at] {
            0 => groups.gone += 1,
            several => groups.split += several - 1,
        }
        if belongs(row) {
            match (shares[at], first_of[at]) {
                (0, _) => units.gone += 1,
                // It went into another, which is what that one was.
                (_, 0) => units.merged += 1,
                (_, times) => units.split += times - 1,
            }
        }
    }
    (groups, units)
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
    use proptest::prelude::*;

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
        let (groups, units) = accounts(&frame(), &after);
        assert!(groups.adds_up() && units.adds_up(), "{groups:?} {units:?}");
        assert_eq!((groups.before, groups.gone, groups.merged, groups.split, groups.added), (40, 1, 1, 1, 1));
        assert_eq!((units.ceased_to_belong, units.came_to_belong, units.merged, units.gone), (2, 1, 1, 1));
        let nothing = diff(&frame(), &frame());
        assert_eq!(nothing, Diff { same: 40, ..Diff::default() });
    }

    proptest! {
        /// However groups fall apart and together, come and go and are judged: the accounts meet.
        #[test]
        fn the_accounts_always_meet(
            before in proptest::collection::vec((0..12u128, 0..3u8), 0..30),
            after in proptest::collection::vec((0..12u128, 0..3u8), 0..30),
        ) {
            // Record n is part of group `g`; a group's kind is that of its first record.
            let made = |parts: &[(u128, u8)]| {
                let mut groups: BTreeMap<u128, (u8, Vec<u128>)> = BTreeMap::new();
                for (n, (group, kind)) in (0..).zip(parts) {
                    groups.entry(*group).or_insert_with(|| (*kind, Vec::new())).1.push(n);
                }
                let candidates = groups.into_values().map(|(kind, records)| {
                    let mut facts = suitable(if kind == 1 { &[("twelve-step", "met")] } else { &[] });
                    if kind == 2 {
                        facts.criteria.remove("voluntary");
                    }
                    let mut one = candidate(records[0], 0, facts);
                    one.records = records.into_iter().map(|n| (record(1, n), 1)).collect();
                    one
                });
                build(definition(), profile(), candidates.collect::<Vec<_>>(), &[], []).unwrap()
            };
            let (before, after) = (made(&before), made(&after));
            let (groups, units) = accounts(&before, &after);
            prop_assert!(groups.adds_up() && units.adds_up(), "{groups:?} {units:?}");
            let found = diff(&before, &after);
            prop_assert_eq!((groups.added, groups.gone), (found.added.len(), found.gone.len()));
            let several = |joined: &[Joined]| joined.iter().map(|one| one.several.len() - 1).sum::<usize>();
            prop_assert_eq!((groups.merged, groups.split), (several(&found.merged), several(&found.split)));
            let all = found.same + found.closed.len() + found.reclassified.len() + found.added.len();
            prop_assert_eq!(all, after.rows.len());
        }
    }
}
