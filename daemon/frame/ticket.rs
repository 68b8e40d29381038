//! Tickets: a number for every unit that anybody computes alike, in any order, at any hub.
//!
//! A unit's ticket is SHA-256 of a seed and the unit's id, read as a fraction. A simple random sample is the units with the
//! smallest tickets; the next tickets are the reserve, in order; and the order of a whole is the merge of the orders of its parts,
//! so that hubs which draw apart draw together. Same tickets as `consistent_sampler` 1.0.10 (R. L. Rivest, *Consistent Sampling
//! with Replacement*, arXiv:1808.10016, section 4), so a stranger can check a draw with that program.

use sha2::{Digest, Sha256};
use std::cmp::Ordering;
use std::fmt;

/// Fewest digits of a ticket; shorter numbers get leading zeros before they are reversed.
const DIGITS: usize = 64;

/// A fraction from 0 up to, not including, 1, held as its decimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket {
    /// Without zeros at the end, so that one number has one spelling and the order of texts is that of numbers.
    digits: String,
    /// Digits as `consistent_sampler` writes them, zeros at the end included.
    length: usize,
}

impl Ticket {
    /// Reads `0.` and 1 to 80 digits, the form in which tickets are written.
    pub fn read(text: &str) -> Option<Ticket> {
        let digits = text.strip_prefix("0.")?;
        let sound = (1..=80).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        sound.then(|| Ticket::of_digits(digits))
    }

    fn of_digits(digits: &str) -> Ticket {
        Ticket { digits: digits.trim_end_matches('0').to_owned(), length: digits.len() }
    }

    /// The nearest double, for the methods that compute with it; from 0 up to, not including, 1.
    pub fn fraction(&self) -> f64 {
        // Sixty-four nines would round up to 1, which is no permanent random number.
        self.to_string().parse::<f64>().map_or(0.0, |fraction| fraction.min(1.0 - f64::EPSILON / 2.0))
    }
}

impl fmt::Display for Ticket {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "0.{:0<length$}", self.digits, length = self.length)
    }
}

/// A seed, ready to give tickets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seed {
    /// Lower-case hexadecimal SHA-256 of the seed's text: what stands before every id.
    hashed: String,
}

impl Seed {
    /// A seed of any text: dice written down, a round of a public beacon.
    pub fn new(text: &str) -> Seed {
        Seed { hashed: hex::encode(Sha256::digest(text)) }
    }

    /// The ticket of a unit.
    pub fn ticket(&self, unit: &str) -> Ticket {
        let hash = Sha256::new().chain_update(&self.hashed).chain_update(unit).finalize();
        // The last digits of a large binary number are even-handed, its first are not: hence reversed.
        let reversed: String = format!("{:0>DIGITS$}", decimal(&hash)).chars().rev().collect();
        Ticket::of_digits(&reversed)
    }

    /// A fraction for a purpose that is no unit, such as where a systematic sample starts.
    pub fn start(&self, purpose: &str) -> f64 {
        // A line feed stands in no unit's id, so a start is never some unit's ticket.
        self.ticket(&format!("start\n{purpose}")).fraction()
    }
}

/// A big-endian number in decimal, without leading zeros.
fn decimal(bytes: &[u8]) -> String {
    const BASE: u64 = 1_000_000_000;
    let mut limbs: Vec<u64> = vec![0]; // base 10^9, least first
    for byte in bytes {
        let mut carry = u64::from(*byte);
        for limb in &mut limbs {
            let sum = *limb * 256 + carry;
            (*limb, carry) = (sum % BASE, sum / BASE);
        }
        if carry > 0 {
            limbs.push(carry);
        }
    }
    let text: String = limbs.iter().rev().map(|limb| format!("{limb:09}")).collect();
    text.trim_start_matches('0').to_owned()
}

/// A unit with its ticket. Ordered by ticket, then id: two units with one ticket are not to be expected in this universe, but
/// an order must not depend on that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbered {
    /// Its ticket.
    pub ticket: Ticket,
    /// Its id.
    pub unit: String,
}

/// Where on the line of tickets a study begins, and so which units come first in it.
///
/// Negative coordination (Ohlsson 1995, *Coordination of samples using permanent random numbers*, section 9.3): a second study
/// with the same seed that begins where the first one ended asks other groups first, and comes back to the first ones last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    from: Ticket,
}

impl Default for Line {
    /// The line from 0: what `consistent_sampler` draws.
    fn default() -> Line {
        Line { from: Ticket::of_digits("0") }
    }
}

impl Line {
    /// Begins at a ticket, that one included.
    pub fn from(ticket: Ticket) -> Line {
        Line { from: ticket }
    }

    /// Begins after the first `used` units of an order on this line, where it has more; else where it began.
    pub fn after(&self, order: &[Numbered], used: usize) -> Line {
        order.get(used).map_or_else(|| self.clone(), |next| Line::from(next.ticket.clone()))
    }

    /// Where it begins.
    pub fn start(&self) -> &Ticket {
        &self.from
    }

    /// How two units follow one another on it.
    pub fn compare(&self, a: &Numbered, b: &Numbered) -> Ordering {
        let round = |one: &Numbered| one.ticket < self.from;
        (round(a), &a.ticket, &a.unit).cmp(&(round(b), &b.ticket, &b.unit))
    }

    /// A unit's place as a fraction of the line from its beginning, for the methods that compute with it.
    pub fn fraction(&self, ticket: &Ticket) -> f64 {
        let apart = ticket.fraction() - self.from.fraction();
        if *ticket < self.from { (apart + 1.0).min(1.0 - f64::EPSILON / 2.0) } else { apart.max(0.0) }
    }

    /// All units in order: the sample first, then its reserve. Every unit stands once, however often it is given.
    pub fn order<'a>(&self, seed: &Seed, units: impl IntoIterator<Item = &'a str>) -> Vec<Numbered> {
        let numbered = |unit: &str| Numbered { ticket: seed.ticket(unit), unit: unit.to_owned() };
        let mut order: Vec<Numbered> = units.into_iter().map(numbered).collect();
        order.sort_unstable_by(|a, b| self.compare(a, b));
        order.dedup();
        order
    }

    /// The order of all units of several hubs, from the order of each.
    pub fn merge(&self, parts: impl IntoIterator<Item = Vec<Numbered>>) -> Vec<Numbered> {
        let mut all: Vec<Numbered> = parts.into_iter().flatten().collect();
        // The sort finds the runs that are in order already and merges them.
        all.sort_by(|a, b| self.compare(a, b));
        all.dedup();
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::reference;
    use proptest::prelude::*;

    #[test]
    fn tickets_are_those_of_consistent_sampler() {
        let known = &reference()["sampling"]["sha256_tickets"];
        let seed = Seed::new(known["seed"].as_str().unwrap());
        for unit in ["A-1", "B-2"] {
            assert_eq!(seed.ticket(unit).to_string(), known[unit].as_str().unwrap());
        }
        let order = Line::default().order(&seed, ["A-1", "A-2", "A-3", "B-1", "B-2", "B-3"]);
        let expected: Vec<&str> = known["order"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
        assert_eq!(order.iter().map(|one| one.unit.as_str()).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn numbers_are_written_in_decimal() {
        assert_eq!(decimal(&[1, 0]), "256");
        assert_eq!(
            decimal(&[255; 32]),
            "115792089237316195423570985008687907853269984665640564039457584007913129639935"
        );
        assert_eq!(format!("{:0>4}", decimal(&[0, 0])), "0000");
    }

    #[test]
    fn one_number_has_one_place_however_it_is_spelt() {
        let read = |text| Ticket::read(text).unwrap();
        assert_eq!(read("0.120").digits, read("0.12").digits);
        assert_eq!(read("0.120").to_string(), "0.120");
        assert!(read("0.12") < read("0.1201") && read("0.0999") < read("0.1"));
        assert_eq!(read(&format!("0.{}", "9".repeat(78))).fraction(), 1.0 - f64::EPSILON / 2.0);
        for wrong in ["0.", "1.2", "0.1e3", ".5", "0.-1", &format!("0.{}", "1".repeat(81))] {
            assert_eq!(Ticket::read(wrong), None, "{wrong}");
        }
    }

    proptest! {
        /// Whoever draws, in whatever order the units come, by however many hubs: one order.
        #[test]
        fn hubs_that_draw_apart_draw_together(
            units in proptest::collection::btree_set("[a-z0-9]{1,8}", 0..60),
            hub in proptest::collection::vec(0..3usize, 60),
            text in "[0-9]{1,12}",
            turn in 0..60usize,
            from in 0..60usize,
        ) {
            let seed = Seed::new(&text);
            let line = Line::default().after(&Line::default().order(&seed, units.iter().map(String::as_str)), from);
            let mut shuffled: Vec<&str> = units.iter().map(String::as_str).collect();
            if !shuffled.is_empty() {
                let by = turn % shuffled.len();
                shuffled.rotate_left(by);
            }
            let single = line.order(&seed, units.iter().map(String::as_str));
            prop_assert_eq!(&line.order(&seed, shuffled.iter().copied()), &single);
            let of = |n| line.order(&seed, units.iter().zip(&hub).filter(|(_, h)| **h == n).map(|(u, _)| u.as_str()));
            prop_assert_eq!(line.merge([of(2), of(0), of(1)]), single);
        }

        /// A study that begins where another ended meets its groups only once all others are used.
        #[test]
        fn a_second_study_asks_other_groups_first(n in 2..40usize, used in 1..20usize) {
            let units: Vec<String> = (0..n).map(|i| format!("g{i}")).collect();
            let (seed, first) = (Seed::new("7"), Line::default());
            let one = first.order(&seed, units.iter().map(String::as_str));
            let used = used.min(n - 1);
            let second = first.after(&one, used).order(&seed, units.iter().map(String::as_str));
            prop_assert_eq!(&second[..n - used], &one[used..]);
            prop_assert_eq!(&second[n - used..], &one[..used]);
            // Fractions go the same way.
            let line = first.after(&one, used);
            prop_assert!(second.windows(2).all(|w| line.fraction(&w[0].ticket) <= line.fraction(&w[1].ticket)));
        }
    }
}
