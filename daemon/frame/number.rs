//! Study numbers: groups are numbered without reference to site, focus, place on a list or ticket (ESTEEM: "numbered 1–21 in the
//! Findings without reference to site or focus").
//!
//! The order is that of hashes under a key that stays at the hub that did the fieldwork. Who knows frame, seed and sample, which are public,
//! and not the key, learns nothing from a number. The mapping is local and never leaves the hub.

use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt;

/// What stands before everything that is hashed here, so that no other use of the key gives the same hash.
const PURPOSE: &[u8] = b"mutuald study number 1\n";

/// The key of a study's numbers: 32 random bytes, drawn by the caller. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(pub [u8; 32]);

impl fmt::Debug for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Key(…)")
    }
}

/// Numbers units from 1. All are numbered at once, when fieldwork is over or with the reserve included: numbers given out one
/// after another would tell which groups came in as replacements.
pub fn numbers<'a>(key: &Key, units: impl IntoIterator<Item = &'a str>) -> BTreeMap<String, usize> {
    let hash = |unit: &str| -> [u8; 32] {
        Sha256::new().chain_update(PURPOSE).chain_update(key.0).chain_update(unit).finalize().into()
    };
    let mut order: Vec<([u8; 32], &str)> = units.into_iter().map(|unit| (hash(unit), unit)).collect();
    order.sort_unstable();
    order.dedup();
    order.into_iter().enumerate().map(|(at, (_, unit))| (unit.to_owned(), at + 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::ticket::{Line, Seed};
    use std::collections::BTreeSet;

    fn units(n: usize) -> Vec<String> {
        (0..n).map(|i| format!("g{i:03}")).collect()
    }

    #[test]
    fn every_unit_has_one_number_whatever_the_order() {
        let units = units(21);
        let key = Key([7; 32]);
        let given = numbers(&key, units.iter().map(String::as_str));
        assert_eq!(given.values().copied().collect::<BTreeSet<_>>(), (1..=21).collect());
        assert_eq!(numbers(&key, units.iter().rev().map(String::as_str)), given);
        assert_ne!(numbers(&Key([8; 32]), units.iter().map(String::as_str)), given);
        assert_eq!(format!("{key:?}"), "Key(…)");
    }

    /// Spearman's rank correlation with place on the list, site and ticket is what chance gives: of 400 units below 4/√400.
    #[test]
    fn numbers_follow_neither_place_nor_site_nor_ticket() {
        let units = units(400);
        let given = numbers(&Key([7; 32]), units.iter().map(String::as_str));
        let correlation = |order: Vec<&str>| {
            let n = order.len() as f64;
            let apart: f64 =
                order.iter().enumerate().map(|(at, unit)| (given[*unit] as f64 - (at + 1) as f64).powi(2)).sum();
            1.0 - 6.0 * apart / (n * (n * n - 1.0))
        };
        let tickets = Line::default().order(&Seed::new("314159"), units.iter().map(String::as_str));
        assert!(correlation(units.iter().map(String::as_str).collect()).abs() < 0.2);
        assert!(correlation(tickets.iter().map(|one| one.unit.as_str()).collect()).abs() < 0.2);
        let first_site: usize = units[..200].iter().map(|unit| given[unit]).sum();
        assert!((first_site as f64 / 200.0 - 200.5).abs() < 33.0);
    }
}
