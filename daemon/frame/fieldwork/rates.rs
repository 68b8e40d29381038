//! Response rates with their formula and the counts in it: AAPOR, *Standard Definitions* (9th edition 2016), "Response rates".

use super::Field;
use crate::frame::sample::disposition::{Counts, Outcome};
use serde::Serialize;

/// The six formulas, as AAPOR writes them; U stands for UH and UO together.
const FORMULAS: [(&str, &str); 6] = [
    ("RR1", "I / (I + P + R + NC + O + U)"),
    ("RR2", "(I + P) / (I + P + R + NC + O + U)"),
    ("RR3", "I / (I + P + R + NC + O + e*U)"),
    ("RR4", "(I + P) / (I + P + R + NC + O + e*U)"),
    ("RR5", "I / (I + P + R + NC + O)"),
    ("RR6", "(I + P) / (I + P + R + NC + O)"),
];

/// A rate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rate {
    /// `RR1` to `RR6`.
    pub name: &'static str,
    /// Its formula.
    pub formula: &'static str,
    /// The formula with the counts in it.
    pub worked: String,
    /// What comes out.
    pub value: f64,
}

/// The rates of one level, or of groups as wholes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rates {
    /// `groups`, `coordinators` or `members`.
    pub of: &'static str,
    /// Counts by AAPOR's letters.
    pub counts: Counts,
    /// The share of those of unknown eligibility that is taken to belong.
    pub e: f64,
    /// The six rates; none where nobody was asked.
    pub rates: Vec<Rate>,
}

impl Rates {
    fn of(of: &'static str, outcomes: impl IntoIterator<Item = Outcome>) -> Rates {
        let counts = Counts::of(outcomes);
        let e = counts.e();
        let worked = |formula: &str| {
            // Words first, then letters, so that no number that was put in is read as a letter.
            formula
                .split(' ')
                .map(|token| {
                    let (head, tail) = (token.trim_start_matches('('), token.trim_end_matches(')'));
                    let letter = head.trim_end_matches(')');
                    let number = match letter {
                        "I" => counts.i.to_string(),
                        "P" => counts.p.to_string(),
                        "R" => counts.r.to_string(),
                        "NC" => counts.nc.to_string(),
                        "O" => counts.o.to_string(),
                        "U" => counts.u.to_string(),
                        "e*U" => format!("{e:.4}*{}", counts.u),
                        other => other.to_owned(),
                    };
                    format!("{}{number}{}", &token[..token.len() - head.len()], &token[tail.len()..])
                })
                .collect::<Vec<_>>()
                .join(" ")
        };
        let rates = counts.rates(e).map(|values| {
            let rate = |((name, formula), value): ((&'static str, &'static str), f64)| Rate {
                name,
                formula,
                worked: worked(formula),
                value,
            };
            FORMULAS.into_iter().zip(values).map(rate).collect()
        });
        Rates { of, counts, e, rates: rates.unwrap_or_default() }
    }
}

/// The rates of all units in the field: of groups as wholes, of coordinators, of members.
pub fn rates(field: &Field<'_>) -> [Rates; 3] {
    let all = || field.units.iter().map(|one| &one.disposition);
    [
        Rates::of("groups", all().map(|one| one.overall())),
        Rates::of("coordinators", all().map(|one| one.coordinator)),
        Rates::of("members", all().map(|one| one.members)),
    ]
}
