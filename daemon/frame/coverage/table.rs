//! Which lists saw which units, counted: one number for each combination of lists.

use super::Refusal;
use serde::Serialize;
use std::collections::BTreeMap;

/// Most lists of a table.
pub const LISTS: usize = 12;

/// Counts by combination of lists. Bit `i` of a combination says whether list `i` saw the unit; combination 0, which nobody saw,
/// is what is asked for and has no count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Table {
    /// Names of the lists.
    pub lists: Vec<String>,
    /// By combination; that of 0 is 0.
    counts: Vec<u64>,
}

impl Table {
    /// A table of no units.
    ///
    /// # Errors
    /// Fewer than two lists (guard 1), or more than can be counted.
    pub fn new(lists: Vec<String>) -> Result<Table, Refusal> {
        match lists.len() {
            0 | 1 => Err(Refusal::FewLists { lists: lists.len() }),
            n if n > LISTS => Err(Refusal::ManyLists { lists: n, most: LISTS }),
            n => Ok(Table { lists, counts: vec![0; 1 << n] }),
        }
    }

    /// A table by its patterns: `110` is seen by the first and the second list and not by the third. Patterns that are not named
    /// count nothing.
    ///
    /// # Errors
    /// As [`Table::new`], or a pattern of another length, of other signs, or of zeros only.
    pub fn of(lists: Vec<String>, patterns: &BTreeMap<String, u64>) -> Result<Table, Refusal> {
        let mut table = Table::new(lists)?;
        for (pattern, count) in patterns {
            let bits = pattern.bytes().enumerate().try_fold(0usize, |bits, (at, byte)| match byte {
                b'0' => Some(bits),
                b'1' => Some(bits | 1 << at),
                _ => None,
            });
            let sound = bits.filter(|bits| *bits > 0 && pattern.len() == table.lists.len());
            table.counts[sound.ok_or_else(|| Refusal::Pattern(pattern.clone()))?] += count;
        }
        Ok(table)
    }

    /// Adds a unit that exactly the lists of this combination saw. One that no list saw is not counted.
    pub fn add(&mut self, combination: usize) {
        if combination > 0
            && let Some(count) = self.counts.get_mut(combination)
        {
            *count += 1;
        }
    }

    /// How many lists there are.
    pub fn t(&self) -> usize {
        self.lists.len()
    }

    /// Units that any list saw.
    pub fn n(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Every combination but that of no list, with its count.
    pub fn cells(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        self.counts.iter().copied().enumerate().skip(1)
    }

    /// `f[k]`: units that exactly k + 1 lists saw.
    pub fn f(&self) -> Vec<u64> {
        let mut f = vec![0; self.t()];
        for (combination, count) in self.cells() {
            f[combination.count_ones() as usize - 1] += count;
        }
        f
    }

    /// Units of all combinations that a rule takes.
    pub fn sum(&self, takes: impl Fn(usize) -> bool) -> u64 {
        self.cells().filter(|(combination, _)| takes(*combination)).map(|(_, count)| count).sum()
    }

    /// Units that a list saw.
    pub fn size(&self, list: usize) -> u64 {
        self.sum(|combination| combination >> list & 1 == 1)
    }

    /// Units that two lists both saw.
    pub fn both(&self, a: usize, b: usize) -> u64 {
        self.sum(|combination| combination >> a & 1 == 1 && combination >> b & 1 == 1)
    }

    /// All pairs of lists, the earlier first.
    pub fn pairs(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let t = self.t();
        (0..t).flat_map(move |a| (a + 1..t).map(move |b| (a, b)))
    }

    /// Counts by pattern as people read them, `110`, without those of 0.
    pub fn patterns(&self) -> BTreeMap<String, u64> {
        let pattern = |bits: usize| (0..self.t()).map(|at| if bits >> at & 1 == 1 { '1' } else { '0' }).collect();
        self.cells().filter(|(_, count)| *count > 0).map(|(bits, count)| (pattern(bits), count)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::coverage::tests::table;

    #[test]
    fn counts_of_the_known_tables() {
        let hav = table("HAV");
        assert_eq!((hav.n(), hav.f()), (271, vec![187, 56, 28]));
        assert_eq!([hav.size(0), hav.size(1), hav.size(2)], [135, 122, 126]);
        assert_eq!((hav.both(0, 1), hav.both(0, 2), hav.both(1, 2)), (49, 45, 46));
        assert_eq!(table("HIV").f(), [1774, 115, 7, 0]);
        assert_eq!(Table::of(hav.lists.clone(), &hav.patterns()).unwrap(), hav);
    }

    #[test]
    fn what_is_no_table_is_refused() {
        let lists = |n: usize| (0..n).map(|i| i.to_string()).collect();
        assert_eq!(Table::new(lists(1)).unwrap_err().code(), "coverage-few-lists");
        assert_eq!(Table::new(lists(13)).unwrap_err().code(), "coverage-many-lists");
        for pattern in ["00", "1", "1x", "111"] {
            let patterns = BTreeMap::from([(pattern.to_owned(), 1)]);
            assert_eq!(Table::of(lists(2), &patterns).unwrap_err().code(), "coverage-pattern");
        }
    }
}
