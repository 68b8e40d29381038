//! How good a model is, from labelled pairs: precision and recall, each with its interval.

use std::fmt;

/// A share with its 95 % interval (Wilson's score interval, which stays within 0 and 1 and is honest for few labels).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    /// So many.
    pub hits: u64,
    /// Of so many.
    pub of: u64,
}

impl Share {
    /// The share itself; 0 of nothing.
    pub fn value(self) -> f64 {
        if self.of == 0 { 0.0 } else { self.hits as f64 / self.of as f64 }
    }

    /// Lower and upper end of the 95 % interval.
    pub fn interval(self) -> (f64, f64) {
        if self.of == 0 {
            return (0.0, 1.0);
        }
        let (n, p, z) = (self.of as f64, self.value(), 1.959_964_f64);
        let middle = (p + z * z / (2.0 * n)) / (1.0 + z * z / n);
        let half = z / (1.0 + z * z / n) * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
        ((middle - half).max(0.0), (middle + half).min(1.0))
    }
}

impl fmt::Display for Share {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (low, high) = self.interval();
        write!(out, "{:.4} [{:.4}, {:.4}] ({}/{})", self.value(), low, high, self.hits, self.of)
    }
}

/// Pairs by what was said of them and what is true.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Said to be one group, and one.
    pub right: u64,
    /// Said to be one group, and two.
    pub wrong: u64,
    /// One group, and not said to be.
    pub missed: u64,
}

impl Tally {
    /// Counts one labelled pair.
    pub fn count(&mut self, said: bool, same: bool) {
        match (said, same) {
            (true, true) => self.right += 1,
            (true, false) => self.wrong += 1,
            (false, true) => self.missed += 1,
            (false, false) => {}
        }
    }

    /// Of the pairs said to be one group, those that are.
    pub fn precision(self) -> Share {
        Share { hits: self.right, of: self.right + self.wrong }
    }

    /// Of the pairs that are one group, those said to be.
    pub fn recall(self) -> Share {
        Share { hits: self.right, of: self.right + self.missed }
    }

    /// Harmonic mean of the two.
    pub fn f1(self) -> f64 {
        let all = 2 * self.right + self.wrong + self.missed;
        if all == 0 { 0.0 } else { 2.0 * self.right as f64 / all as f64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_wilsons() {
        let near = |a: f64, b: f64| (a - b).abs() < 0.000_5;
        let (low, high) = Share { hits: 9, of: 10 }.interval();
        assert!(near(low, 0.5958) && near(high, 0.9821), "{low} {high}");
        let (low, high) = Share { hits: 0, of: 20 }.interval();
        assert!(near(low, 0.0) && near(high, 0.1611), "{low} {high}");
        assert_eq!(Share { hits: 0, of: 0 }.interval(), (0.0, 1.0));
    }

    #[test]
    fn pairs_are_counted_by_what_was_said_and_what_is_true() {
        let mut tally = Tally::default();
        for (said, same, times) in [(true, true, 8), (true, false, 2), (false, true, 4), (false, false, 90)] {
            (0..times).for_each(|_| tally.count(said, same));
        }
        assert!((tally.precision().value() - 0.8).abs() < 1e-9);
        assert!((tally.recall().value() - 8.0 / 12.0).abs() < 1e-9);
        assert!((tally.f1() - 16.0 / 22.0).abs() < 1e-9);
    }
}
