//! Small cells: how few groups share what a release would show of them, and which coarser bands would hide them.
//!
//! In a frame of 24 of which 10 are sampled, site and focus together name the group to anybody who knows the town. A cell with fewer
//! than k units is a warning, never silently changed: what to do about it is the researcher's to choose, and one way is proposed.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Smallest cell that is released without a warning, where nothing else is said.
pub const K: usize = 5;

/// What a release would show of a unit: a value for each dimension, all units the same dimensions.
pub type Shown = BTreeMap<String, String>;

/// How the values of a dimension may be banded: coarser and coarser, each from value to band. A value that is not named stays.
/// After the last the dimension is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bands(pub Vec<BTreeMap<String, String>>);

/// A cell with too few units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Small {
    /// What its units share.
    pub shown: Shown,
    /// How many they are.
    pub count: usize,
}

/// A step of the proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Coarser {
    /// The dimension.
    pub dimension: String,
    /// Which of its bandings to use, from 1; none to leave the dimension out.
    pub banding: Option<usize>,
    /// Small cells that are left after this step.
    pub left: usize,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Smallest cell that needs no warning.
    pub k: usize,
    /// Cells with fewer, sorted; empty where nothing is to be warned of.
    pub small: Vec<Small>,
    /// Steps after which no cell is small; the last has `left` 0, unless there are fewer than k units in all, or what others have seen
    /// already makes small cells by itself.
    pub proposal: Vec<Coarser>,
}

/// Finds small cells, and the coarser bands that would be rid of them: again and again the step after which fewest units
/// stand in small cells, the earlier name first where several do as much. `out`: dimensions that others have seen already, which no step
/// takes back.
pub fn check(units: &[Shown], bands: &BTreeMap<String, Bands>, k: usize, out: &BTreeSet<String>) -> Check {
    let mut levels: BTreeMap<&str, usize> =
        units.iter().flat_map(|unit| unit.keys()).map(|dimension| (dimension.as_str(), 0)).collect();
    let found = small(units, bands, &levels, k);
    let most = |dimension: &str| bands.get(dimension).map_or(0, |bands| bands.0.len()) + 1;
    let mut proposal = Vec::new();
    let mut left = found.len();
    while left > 0 {
        let step = |dimension: &'_ &str| {
            let mut tried = levels.clone();
            *tried.entry(dimension).or_default() += 1;
            let small = small(units, bands, &tried, k);
            (small.iter().map(|cell| cell.count).sum::<usize>(), small.len())
        };
        let open: Vec<&str> = levels
            .iter()
            .filter(|(name, level)| **level < most(name) && !out.contains(**name))
            .map(|(name, _)| *name)
            .collect();
        // The first of the best; where no step is left, all units are one cell, or what is out already made the small ones.
        let Some(best) = open.into_iter().min_by_key(step) else { break };
        left = step(&best).1;
        let level = levels.entry(best).or_default();
        *level += 1;
        let banding = (*level < most(best)).then_some(*level);
        // Two steps of one dimension are one step to the coarser banding.
        proposal.retain(|earlier: &Coarser| earlier.dimension != best);
        proposal.push(Coarser { dimension: best.to_owned(), banding, left });
    }
    Check { k, small: found, proposal }
}

/// The units as they are shown once the steps of a proposal are taken.
pub fn coarsened(units: &[Shown], bands: &BTreeMap<String, Bands>, steps: &[Coarser]) -> Vec<Shown> {
    let levels: BTreeMap<&str, usize> =
        steps.iter().map(|step| (step.dimension.as_str(), step.banding.unwrap_or(usize::MAX))).collect();
    units.iter().map(|unit| banded(unit, bands, &levels)).collect()
}

fn banded(unit: &Shown, bands: &BTreeMap<String, Bands>, levels: &BTreeMap<&str, usize>) -> Shown {
    let shown = unit.iter().filter_map(|(dimension, value)| {
        let level = levels.get(dimension.as_str()).copied().unwrap_or(0);
        let bands = bands.get(dimension).map_or(&[][..], |bands| &bands.0);
        let banded = match level.checked_sub(1) {
            None => value,
            Some(at) => bands.get(at)?.get(value).unwrap_or(value),
        };
        Some((dimension.clone(), banded.clone()))
    });
    shown.collect()
}

fn small(units: &[Shown], bands: &BTreeMap<String, Bands>, levels: &BTreeMap<&str, usize>, k: usize) -> Vec<Small> {
    let mut cells: BTreeMap<Shown, usize> = BTreeMap::new();
    for unit in units {
        *cells.entry(banded(unit, bands, levels)).or_default() += 1;
    }
    cells.into_iter().filter(|(_, count)| *count < k).map(|(shown, count)| Small { shown, count }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::vocabulary::table1;

    fn shown(pairs: &[(&str, &str)]) -> Shown {
        pairs.iter().map(|(dimension, value)| ((*dimension).to_owned(), (*value).to_owned())).collect()
    }

    /// The study's Table 1: twenty-one groups by focus, eleven of them alone in their cell.
    fn esteem() -> (Vec<Shown>, BTreeMap<String, Bands>) {
        let (mut units, mut bands) = (Vec::new(), BTreeMap::new());
        for (at, row) in table1().rows.iter().enumerate() {
            let label = format!("{} {at}", row.label);
            bands.insert(label.clone(), row.roll_up.clone());
            for _ in 0..row.count {
                units.push(shown(&[("focus", &label)]));
            }
        }
        (units, BTreeMap::from([("focus".to_owned(), Bands(vec![bands]))]))
    }

    #[test]
    fn table_1_has_eleven_cells_of_one_and_its_three_headings_none() {
        let (units, bands) = esteem();
        assert_eq!(units.len(), 21);
        let found = check(&units, &bands, K, &BTreeSet::new());
        assert_eq!(found.small.iter().filter(|cell| cell.count == 1).count(), 11);
        assert_eq!(found.proposal, [Coarser { dimension: "focus".into(), banding: Some(1), left: 0 }]);
        // With site beside it ten and eleven groups would fall apart again, and one of the two has to go.
        let with_site = |at: usize, unit: &Shown| {
            let mut unit = unit.clone();
            unit.insert("site".into(), if at.is_multiple_of(2) { "Essex" } else { "Nottingham" }.into());
            unit
        };
        let both: Vec<Shown> = units.iter().enumerate().map(|(at, unit)| with_site(at, unit)).collect();
        let found = check(&both, &bands, K, &BTreeSet::new());
        assert_eq!(found.proposal.last().unwrap().left, 0);
        assert!(found.proposal.iter().any(|step| step.banding.is_none()));
    }

    #[test]
    fn enough_is_no_warning_and_too_few_cannot_be_helped() {
        let five = vec![shown(&[("focus", "a")]); 5];
        let none = BTreeSet::new();
        assert_eq!(check(&five, &BTreeMap::new(), 5, &none), Check { k: 5, small: Vec::new(), proposal: Vec::new() });
        let four = &five[..4];
        let found = check(four, &BTreeMap::new(), 5, &none);
        assert_eq!((found.small.len(), found.proposal.last().unwrap().left), (1, 1));
        assert_eq!(check(&[], &BTreeMap::new(), 5, &none).small, []);
    }

    /// What is out already is not proposed to be hidden, and its cells stay small.
    #[test]
    fn what_others_have_seen_is_taken_back_by_no_step() {
        let units: Vec<Shown> =
            (0..10).map(|i| shown(&[("focus", ["a", "b"][i % 2]), ("site", ["x", "y"][i / 5])])).collect();
        let out = BTreeSet::from(["site".to_owned()]);
        let found = check(&units, &BTreeMap::new(), 5, &out);
        assert_eq!(
            (found.small.len(), &*found.proposal),
            (4, &[Coarser { dimension: "focus".into(), banding: None, left: 0 }][..])
        );
        let found = check(&units, &BTreeMap::new(), 6, &out);
        assert_eq!(found.proposal.last().unwrap().left, 2);
    }
}
