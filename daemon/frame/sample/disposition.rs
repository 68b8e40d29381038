//! What became of the units of a sample, at two levels, and response rates: AAPOR, *Standard Definitions* (9th edition 2016),
//! "Response rates".
//!
//! A group is asked twice: its coordinator for an interview, its members for a discussion. Both are kept; the group is complete
//! where both are, and partial where one is.

use super::SampleError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What became of one level of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Nobody has written or called.
    NotApproached,
    /// Asked, no answer yet.
    Invited,
    /// Tried and not reached.
    NoContact,
    /// Said no. With a reason.
    Refused,
    /// Some of what was asked.
    Partial,
    /// All of what was asked.
    Complete,
    /// Does not belong to the frame after all. With a reason.
    Ineligible,
    /// Has ended.
    Closed,
    /// Another unit of the sample under a second entry.
    Duplicate,
    /// Getting in touch could hurt somebody.
    Unsafe,
}

impl Outcome {
    /// Whether it must say why.
    pub fn needs_reason(self) -> bool {
        matches!(self, Outcome::Refused | Outcome::Ineligible)
    }

    /// Whether the next of the reserve may take its place: who will not or cannot take part, and was not lost by our silence.
    pub fn replaceable(self) -> bool {
        use Outcome::{Closed, Duplicate, Ineligible, NoContact, Refused, Unsafe};
        matches!(self, Refused | NoContact | Ineligible | Closed | Duplicate | Unsafe)
    }
}

/// What became of a unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disposition {
    /// The coordinator.
    pub coordinator: Outcome,
    /// The members.
    pub members: Outcome,
    /// Why, where an outcome needs a reason; in words that name no person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Disposition {
    /// Checks that a reason stands where one is needed, and that what ends a group ends both levels.
    ///
    /// # Errors
    /// [`SampleError::Disposition`] in words.
    pub fn check(&self) -> Result<(), SampleError> {
        let said = self.reason.as_deref().is_some_and(|reason| !reason.trim().is_empty());
        if (self.coordinator.needs_reason() || self.members.needs_reason()) && !said {
            return Err(SampleError::Disposition("a refusal, and a group that does not belong, need a reason".into()));
        }
        let whole = |outcome| matches!(outcome, Outcome::Ineligible | Outcome::Closed | Outcome::Duplicate);
        if (whole(self.coordinator) || whole(self.members)) && self.coordinator != self.members {
            let words =
                "that a group does not belong, has closed or is a duplicate is true of coordinator and members alike";
            return Err(SampleError::Disposition(words.into()));
        }
        Ok(())
    }

    /// Of the group as a whole: complete where both levels are, partial where anything was obtained; else what stands in the way
    /// at the level that got furthest.
    pub fn overall(&self) -> Outcome {
        let pair = [self.coordinator, self.members];
        if pair == [Outcome::Complete; 2] {
            return Outcome::Complete;
        }
        if pair.iter().any(|outcome| matches!(outcome, Outcome::Complete | Outcome::Partial)) {
            return Outcome::Partial;
        }
        use Outcome::{Closed, Duplicate, Ineligible, Invited, NoContact, NotApproached, Refused, Unsafe};
        let first = [Duplicate, Ineligible, Closed, Unsafe, Refused, NoContact, Invited, NotApproached];
        first.into_iter().find(|outcome| pair.contains(outcome)).unwrap_or(NotApproached)
    }
}

/// Counts by AAPOR's letters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Complete.
    pub i: usize,
    /// Partial.
    pub p: usize,
    /// Refused.
    pub r: usize,
    /// Not reached, though known to belong.
    pub nc: usize,
    /// Other reasons, though known to belong: asking would not be safe.
    pub o: usize,
    /// No answer, so that nobody knows whether the group still exists (AAPOR's UH and UO).
    pub u: usize,
    /// Found not to belong, closed, or a duplicate.
    pub not_eligible: usize,
    /// Not asked yet: no part of any rate.
    pub not_approached: usize,
}

impl Counts {
    /// Counts outcomes of one level, or of groups as wholes.
    pub fn of(outcomes: impl IntoIterator<Item = Outcome>) -> Counts {
        let mut by: BTreeMap<Outcome, usize> = BTreeMap::new();
        for outcome in outcomes {
            *by.entry(outcome).or_default() += 1;
        }
        let count = |outcomes: &[Outcome]| outcomes.iter().filter_map(|outcome| by.get(outcome)).sum();
        Counts {
            i: count(&[Outcome::Complete]),
            p: count(&[Outcome::Partial]),
            r: count(&[Outcome::Refused]),
            nc: count(&[Outcome::NoContact]),
            o: count(&[Outcome::Unsafe]),
            u: count(&[Outcome::Invited]),
            not_eligible: count(&[Outcome::Ineligible, Outcome::Closed, Outcome::Duplicate]),
            not_approached: count(&[Outcome::NotApproached]),
        }
    }

    /// The share of units of unknown eligibility that is taken to belong: that of those about which it is known (Smith 2009, "CASRO
    /// method"). 1 where nothing is known.
    pub fn e(&self) -> f64 {
        let eligible = self.i + self.p + self.r + self.nc + self.o;
        let known = eligible + self.not_eligible;
        if known == 0 { 1.0 } else { eligible as f64 / known as f64 }
    }

    /// RR1 to RR6, with this `e` in RR3 and RR4; none where nobody was asked.
    pub fn rates(&self, e: f64) -> Option<[f64; 6]> {
        let sum = |unknown: f64| (self.i + self.p + self.r + self.nc + self.o) as f64 + unknown;
        let (complete, any) = (self.i as f64, (self.i + self.p) as f64);
        let (all, some, none) = (sum(self.u as f64), sum(e * self.u as f64), sum(0.0));
        let rates = [complete / all, any / all, complete / some, any / some, complete / none, any / none];
        rates.iter().all(|rate| rate.is_finite()).then_some(rates)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::reference;

    fn one(coordinator: Outcome, members: Outcome) -> Disposition {
        Disposition { coordinator, members, reason: None }
    }

    #[test]
    fn esteem_had_twenty_complete_and_one_partial() {
        let mut groups = vec![one(Outcome::Complete, Outcome::Complete); 20];
        groups.push(Disposition {
            reason: Some("The members felt they did not need support from outside.".into()),
            ..one(Outcome::Complete, Outcome::Refused)
        });
        assert!(groups.iter().all(|group| group.check().is_ok()));
        let known = &reference()["sampling"]["dispositions_esteem"];
        let counts = Counts::of(groups.iter().map(Disposition::overall));
        assert_eq!((counts.i as u64, counts.p as u64), (known["I"].as_u64().unwrap(), known["P"].as_u64().unwrap()));
        let rates = counts.rates(counts.e()).unwrap();
        assert!((rates[0] - known["RR1"].as_f64().unwrap()).abs() < 1e-12);
        assert!((rates[1] - known["RR2"].as_f64().unwrap()).abs() < 1e-12);
        // Twenty-one coordinators, twenty discussions.
        let level = |of: fn(&Disposition) -> Outcome| Counts::of(groups.iter().map(of));
        assert_eq!(level(|group| group.coordinator).i, 21);
        assert_eq!((level(|group| group.members).i, level(|group| group.members).r), (20, 1));
    }

    #[test]
    fn the_six_rates_differ_by_what_they_leave_out() {
        use Outcome::{Closed, Complete, Invited, NoContact, NotApproached, Partial, Refused, Unsafe};
        let counts = Counts::of(
            [
                vec![Complete; 40],
                vec![Partial; 10],
                vec![Refused; 15],
                vec![NoContact; 10],
                vec![Unsafe; 5],
                vec![Invited; 20],
                vec![Closed; 20],
                vec![NotApproached; 7],
            ]
            .concat(),
        );
        assert_eq!(counts.e(), 0.8);
        let rates = counts.rates(counts.e()).unwrap();
        let expected = [0.4, 0.5, 40.0 / 96.0, 50.0 / 96.0, 0.5, 0.625];
        assert!(rates.iter().zip(expected).all(|(got, expected)| (got - expected).abs() < 1e-12), "{rates:?}");
        assert_eq!(Counts::of([NotApproached]).rates(1.0), None);
        assert_eq!(Counts::of([]).e(), 1.0);
    }

    #[test]
    fn a_refusal_says_why_and_a_closed_group_is_closed_for_all() {
        assert_eq!(one(Outcome::Refused, Outcome::Invited).check().unwrap_err().code(), "sample-disposition");
        assert!(one(Outcome::Closed, Outcome::Complete).check().is_err());
        assert!(one(Outcome::Closed, Outcome::Closed).check().is_ok());
        assert_eq!(one(Outcome::Refused, Outcome::Invited).overall(), Outcome::Refused);
        assert_eq!(one(Outcome::NotApproached, Outcome::Invited).overall(), Outcome::Invited);
        assert!(Outcome::Refused.replaceable() && !Outcome::Invited.replaceable() && !Outcome::Partial.replaceable());
    }
}
