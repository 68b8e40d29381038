//! A purposive sample by a grid of quotas: what each kind of group must be there at least, and which groups fulfil it.
//!
//! Not a probability sample: nobody can say how likely a group was to be taken, so probabilities and weights stay blank
//! (never 1), and what is made of it says so. The suggestion is a function of units and tickets; people change it, with a reason.

use super::{SampleError, Taken};
use crate::frame::ticket::{Line, Numbered, Seed};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What every export of such a sample says.
pub const NON_PROBABILITY: &str =
    "Non-probability sample: chosen by quotas, so inclusion probabilities and weights do not exist and are left blank.";

/// One cell of the grid: at least so many units with this value of a dimension.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// The dimension, such as `focus`.
    pub dimension: String,
    /// The value, such as `physical-ill-health`.
    pub value: String,
    /// Fewest units.
    pub at_least: usize,
}

/// The four quotas of the ESTEEM study: a range of health and social issues; established groups and new ones (under 3 years);
/// affiliated and independent ones; groups run by and for people of black, Asian and minority ethnic communities (Seebohm and
/// others 2013, *Methods*). One of each at least: the paper names no numbers.
pub fn esteem() -> Vec<Quota> {
    let cells = [
        ("focus", "physical-ill-health"),
        ("focus", "mental-ill-health"),
        ("focus", "social-isolation"),
        ("age", "new"),
        ("age", "established"),
        ("affiliation", "affiliated"),
        ("affiliation", "independent"),
        ("community", "bame"),
    ];
    let quota = |(dimension, value): (&str, &str)| Quota {
        dimension: dimension.to_owned(),
        value: value.to_owned(),
        at_least: 1,
    };
    cells.into_iter().map(quota).collect()
}

/// A unit with its values: for each dimension those it has. A group on two conditions has two values of `focus`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The unit's id.
    pub unit: String,
    /// By dimension.
    pub values: BTreeMap<String, BTreeSet<String>>,
}

impl Candidate {
    fn has(&self, quota: &Quota) -> bool {
        self.values.get(&quota.dimension).is_some_and(|values| values.contains(&quota.value))
    }
}

/// A person's choice against the suggestion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// The unit to leave out, where one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out: Option<String>,
    /// The unit to take.
    pub take: String,
    /// Why, in words that name no person.
    pub reason: String,
}

/// How far a quota is fulfilled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cell {
    /// What was wanted.
    pub quota: Quota,
    /// Units of the sample with the value.
    pub taken: usize,
    /// Units of the frame with the value: a quota that cannot be met is told from one that was not.
    pub held: usize,
}

impl Cell {
    /// Units still wanted.
    pub fn unmet(&self) -> usize {
        self.quota.at_least.saturating_sub(self.taken)
    }
}

/// A purposive sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Purposive {
    /// The units taken, in the order in which they were.
    pub base: Vec<Taken>,
    /// All others, in the order of tickets.
    pub reserve: Vec<Numbered>,
    /// Every quota with what became of it.
    pub coverage: Vec<Cell>,
    /// People's choices that were followed.
    pub overrides: Vec<Override>,
}

/// Takes `n` units so that quotas are met as far as they can be: again and again the unit that helps most quotas still
/// unmet, the smaller ticket first where several help as many (greedy cover: Chvátal 1979, *Math. Oper. Res.* 4:233–235);
/// what is left over goes by ticket alone. Then people's choices, in their order.
///
/// Units of an earlier study (`spared`) come last: one of them is taken only where no other unit meets a quota that is still
/// unmet, or where all others are taken. In the reserve they stand at the end.
///
/// # Errors
/// More wanted than there is, a quota or unit twice, an override without reason or of a unit that is not there.
pub fn choose(
    seed: &Seed,
    line: &Line,
    candidates: &[Candidate],
    quotas: &[Quota],
    n: usize,
    overrides: &[Override],
    spared: &BTreeSet<String>,
) -> Result<Purposive, SampleError> {
    let by_id: BTreeMap<&str, &Candidate> = candidates.iter().map(|one| (one.unit.as_str(), one)).collect();
    let cells: BTreeSet<_> = quotas.iter().map(|quota| (&quota.dimension, &quota.value)).collect();
    if by_id.len() < candidates.len() || cells.len() < quotas.len() {
        return Err(SampleError::Twice("a unit or a quota".to_owned()));
    }
    if n == 0 {
        return Err(SampleError::Empty);
    }
    if n > candidates.len() {
        return Err(SampleError::TooFew { place: "the frame".into(), wanted: n, held: candidates.len() });
    }
    let order = line.order(seed, by_id.keys().copied());
    let has = |one: &Numbered| -> Vec<usize> {
        let candidate = by_id[one.unit.as_str()];
        (0..quotas.len()).filter(|at| candidate.has(&quotas[*at])).collect()
    };
    // By place in the order: which quotas it counts for, and whether it is spared.
    let known: Vec<(Vec<usize>, bool)> = order.iter().map(|one| (has(one), spared.contains(&one.unit))).collect();
    let mut open: Vec<usize> = quotas.iter().map(|quota| quota.at_least).collect();
    let mut left: Vec<usize> = (0..order.len()).collect();
    let mut taken: Vec<&str> = Vec::with_capacity(n);
    while taken.len() < n {
        let rank = |(_, at): &(usize, usize)| {
            let (quotas, spared) = &known[*at];
            let helps = quotas.iter().filter(|quota| open[**quota] > 0).count();
            (helps > 0, !spared, helps)
        };
        // The first of the most helpful: `max_by_key` would give the last, so the order is turned.
        let Some((place, at)) = left.iter().copied().enumerate().rev().max_by_key(rank) else { break };
        if !rank(&(place, at)).0 {
            // Nobody helps any more: tickets alone decide, and those that are spared come last.
            let (first, last): (Vec<usize>, Vec<usize>) = left.iter().partition(|at| !known[**at].1);
            let rest = first.into_iter().chain(last).take(n - taken.len());
            taken.extend(rest.map(|at| order[at].unit.as_str()));
            break;
        }
        left.remove(place);
        known[at].0.iter().for_each(|quota| open[*quota] = open[*quota].saturating_sub(1));
        taken.push(order[at].unit.as_str());
    }
    for choice in overrides {
        if choice.reason.trim().is_empty() {
            return Err(SampleError::NoReason);
        }
        let Some((take, _)) = by_id.get_key_value(choice.take.as_str()) else {
            return Err(SampleError::Unknown(choice.take.clone()));
        };
        if taken.contains(take) {
            return Err(SampleError::Twice(choice.take.clone()));
        }
        match &choice.out {
            Some(out) => match taken.iter().position(|unit| unit == out) {
                Some(at) => taken[at] = take,
                None => return Err(SampleError::Unknown(out.clone())),
            },
            None => taken.push(take),
        }
    }
    let count = |quota: &Quota| taken.iter().filter(|unit| by_id[**unit].has(quota)).count();
    let coverage = quotas
        .iter()
        .map(|quota| Cell {
            quota: quota.clone(),
            taken: count(quota),
            held: candidates.iter().filter(|one| one.has(quota)).count(),
        })
        .collect();
    let (population, size) = (candidates.len(), taken.len());
    let base = taken.iter().enumerate().map(|(at, unit)| Taken {
        unit: (*unit).to_owned(),
        stratum: String::new(),
        ticket: seed.ticket(unit).to_string(),
        order: at + 1,
        pi: None,
        weight: None,
        population,
        taken: size,
        certain: false,
    });
    let base = base.collect();
    // What people chose instead went out of the sample and into the reserve.
    let met: BTreeSet<&str> = taken.iter().copied().collect();
    let left = order.iter().filter(|one| !met.contains(one.unit.as_str())).cloned();
    let (last, mut reserve): (Vec<Numbered>, Vec<Numbered>) = left.partition(|one| spared.contains(&one.unit));
    reserve.extend(last);
    Ok(Purposive { base, reserve, coverage, overrides: overrides.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn candidate(unit: &str, values: &[(&str, &str)]) -> Candidate {
        let mut by: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (dimension, value) in values {
            by.entry((*dimension).into()).or_default().insert((*value).into());
        }
        Candidate { unit: unit.into(), values: by }
    }

    /// Forty groups as Essex and Nottingham had them: three in forty for BAME communities.
    fn frame() -> Vec<Candidate> {
        (0..40)
            .map(|i| {
                let focus = ["physical-ill-health", "mental-ill-health", "social-isolation"][i % 3];
                let mut values = vec![("focus", focus), ("age", if i % 7 == 0 { "new" } else { "established" })];
                values.push(("affiliation", if i % 2 == 0 { "affiliated" } else { "independent" }));
                if [11, 22, 33].contains(&i) {
                    values.push(("community", "bame"));
                }
                candidate(&format!("g{i:02}"), &values)
            })
            .collect()
    }

    fn draw(n: usize, overrides: &[Override]) -> Result<Purposive, SampleError> {
        choose(&Seed::new("2010"), &Line::default(), &frame(), &esteem(), n, overrides, &BTreeSet::new())
    }

    #[test]
    fn the_four_quotas_are_met_and_nothing_is_weighted() {
        let sample = draw(10, &[]).unwrap();
        assert_eq!(sample.base.len(), 10);
        assert!(sample.coverage.iter().all(|cell| cell.unmet() == 0), "{:?}", sample.coverage);
        assert!(sample.base.iter().all(|one| one.pi.is_none() && one.weight.is_none()));
        assert_eq!(sample.reserve.len(), 30);
        // Once all are met, tickets alone decide: the last ones are the smallest that were left.
        let rest = &sample.base[6..];
        assert!(rest.iter().all(|one| one.ticket < sample.reserve[0].ticket.to_string()));
    }

    #[test]
    fn what_the_frame_lacks_is_shown_as_unmet() {
        let frame = [candidate("a", &[("focus", "mental")]), candidate("b", &[("focus", "mental")])];
        let sample = choose(&Seed::new("1"), &Line::default(), &frame, &esteem(), 2, &[], &BTreeSet::new()).unwrap();
        let bame = sample.coverage.iter().find(|cell| cell.quota.value == "bame").unwrap();
        assert_eq!((bame.unmet(), bame.held, bame.taken), (1, 0, 0));
    }

    #[test]
    fn a_choice_against_it_needs_a_reason() {
        let sample = draw(10, &[]).unwrap();
        let (out, take) = (sample.base[9].unit.clone(), sample.reserve[5].unit.clone());
        let with = |reason: &str, out: &str, take: &str| {
            draw(10, &[Override { out: Some(out.into()), take: take.into(), reason: reason.into() }])
        };
        let changed = with("The only group of men in the county.", &out, &take).unwrap();
        assert_eq!((changed.base[9].unit.as_str(), changed.overrides.len()), (take.as_str(), 1));
        assert!(changed.reserve.iter().any(|one| one.unit == out));
        assert_eq!(with(" ", &out, &take).unwrap_err().code(), "sample-no-reason");
        assert_eq!(with("x", &take, &take).unwrap_err().code(), "sample-unknown-unit");
        assert_eq!(with("x", &out, "none").unwrap_err().code(), "sample-unknown-unit");
        assert_eq!(with("x", &out, &out).unwrap_err().code(), "sample-twice");
        // One more, as when a group refused and another was invited.
        let more = draw(10, &[Override { out: None, take, reason: "One refused.".into() }]).unwrap();
        assert_eq!(more.base.len(), 11);
    }

    proptest! {
        /// What was taken at each step is what the rule says, worked out the slow way: of the units that are left the first of those that
        /// help most, the spared ones after all others that help.
        #[test]
        fn each_step_is_that_of_the_rule(n in 1..=40usize, least in 0..6usize, spared in proptest::collection::btree_set(0..40usize, 0..12)) {
            let frame = frame();
            let quotas: Vec<Quota> = esteem().into_iter().map(|quota| Quota { at_least: least, ..quota }).collect();
            let spared: BTreeSet<String> = spared.into_iter().map(|i| format!("g{i:02}")).collect();
            let (seed, line) = (Seed::new("2010"), Line::default());
            let sample = choose(&seed, &line, &frame, &quotas, n, &[], &spared).unwrap();
            let of = |unit: &str| frame.iter().find(|one| one.unit == unit).unwrap();
            let mut taken: Vec<String> = Vec::new();
            for _ in 0..n {
                let short = |quota: &&Quota| taken.iter().filter(|unit| of(unit).has(quota)).count() < quota.at_least;
                let short: Vec<&Quota> = quotas.iter().filter(short).collect();
                let mut best: Option<((bool, bool, usize), String)> = None;
                for one in line.order(&seed, frame.iter().map(|one| one.unit.as_str())) {
                    let helps = short.iter().filter(|quota| of(&one.unit).has(quota)).count();
                    let rank = (helps > 0, !spared.contains(&one.unit), helps);
                    if !taken.contains(&one.unit) && best.as_ref().is_none_or(|(held, _)| rank > *held) {
                        best = Some((rank, one.unit));
                    }
                }
                taken.extend(best.map(|(_, unit)| unit));
            }
            prop_assert_eq!(sample.base.iter().map(|one| &one.unit).collect::<Vec<_>>(), taken.iter().collect::<Vec<_>>());
        }

        /// Rows in another order give the same sample.
        #[test]
        fn order_of_rows_is_nothing(turn in 0..40usize, n in 1..=40usize) {
            let mut rows = frame();
            rows.rotate_left(turn);
            let turned = choose(&Seed::new("2010"), &Line::default(), &rows, &esteem(), n, &[], &BTreeSet::new()).unwrap();
            prop_assert_eq!(turned, draw(n, &[]).unwrap());
        }
    }
}
