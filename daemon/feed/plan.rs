//! Ours + theirs → what to fetch. Decides; fetches nothing.

use super::tile::{WIDTH, width};
use std::ops::Range;

/// Up to this many new leaves, the stored edge is extended leaf by leaf; past it, bundles are verified one by one against
/// the tree's upper level, so that they can come in any order and a bad one is known at once.
const EXTEND_AT_MOST: u64 = 512;

/// What one pull fetches from a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Level-1 tiles, as (index, hashes): one hash for each full bundle. Empty when the edge is extended instead.
    pub level1: Vec<(u64, u64)>,
    /// Entry bundles in log order.
    pub bundles: Vec<Bundle>,
    /// The size that is held when all of it has come; below the checkpoint's when the run's limit cuts it short.
    pub upto: u64,
}

/// One entry bundle, or the end of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// Which bundle.
    pub n: u64,
    /// Its leaves that are not held yet, counted within the bundle.
    pub leaves: Range<u64>,
    /// How many leaves the file at the checkpoint's size holds: decides its path.
    pub file_width: u64,
}

impl Plan {
    /// Plans the way from `held` leaves to the checkpoint's `size`, at most `most` leaves in this run.
    pub fn new(held: u64, size: u64, most: u64) -> Plan {
        let new = size.saturating_sub(held);
        let upto = match held + new.min(most.max(WIDTH)) {
            // Stop at a bundle's end: only a whole bundle can be verified against the upper level.
            cut if cut < size => cut / WIDTH * WIDTH,
            whole => whole,
        };
        let full = size / WIDTH;
        let level1 = if new > EXTEND_AT_MOST || upto < size {
            (0..full.div_ceil(WIDTH)).map(|n| (n, width(n, full))).collect()
        } else {
            Vec::new()
        };
        let bundles = (held / WIDTH..upto.div_ceil(WIDTH))
            .map(|n| {
                let start = held.saturating_sub(n * WIDTH).min(WIDTH);
                Bundle { n, leaves: start..width(n, upto), file_width: width(n, size) }
            })
            .filter(|bundle| !bundle.leaves.is_empty())
            .collect();
        Plan { level1, bundles, upto }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(n: u64, leaves: Range<u64>, file_width: u64) -> Bundle {
        Bundle { n, leaves, file_width }
    }

    #[test]
    fn the_named_cases() {
        let plan = |held, size| Plan::new(held, size, 200_000);
        assert_eq!(plan(300, 300), Plan { level1: vec![], bundles: vec![], upto: 300 }, "nothing new");
        assert_eq!(plan(300, 301).bundles, [bundle(1, 44..45, 45)], "one record");
        assert_eq!(plan(255, 257).bundles, [bundle(0, 255..256, 256), bundle(1, 0..1, 1)], "across an edge");
        let first = plan(0, 49_000);
        assert_eq!(first.level1, [(0, 191)]);
        assert_eq!((first.bundles.len(), first.bundles[191].clone()), (192, bundle(191, 0..104, 104)));
        assert_eq!(plan(0, 0), Plan { level1: vec![], bundles: vec![], upto: 0 });
        assert_eq!(plan(9, 3), Plan { level1: vec![], bundles: vec![], upto: 9 }, "a shorter log offers nothing");
    }

    #[test]
    fn a_cut_run_ends_at_a_bundle_and_always_advances() {
        let plan = Plan::new(300, 10_000, 1_000);
        assert_eq!((plan.upto, plan.level1.len()), (1_280, 1));
        assert_eq!(plan.bundles.last(), Some(&bundle(4, 0..256, 256)));
        assert_eq!(Plan::new(300, 10_000, 1).upto, 512);
        let huge = Plan::new(0, 5_000_000, 200_000);
        assert_eq!((huge.upto, huge.level1.len()), (199_936, 77));
    }

    #[test]
    fn every_new_leaf_is_fetched_once() {
        for held in 0..600 {
            for size in held..held + 600 {
                let plan = Plan::new(held, size, 400);
                let fetched: u64 = plan.bundles.iter().map(|b| b.leaves.end - b.leaves.start).sum();
                assert_eq!(held + fetched, plan.upto);
                assert!(plan.upto == size || plan.upto > held);
            }
        }
    }
}
