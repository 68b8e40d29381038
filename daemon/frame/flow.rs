//! The accounts of a frame: records received → read → linked → in area → in scope → included, and what left at each step.
//!
//! Only what *left* is counted, each record and each group once; every total is a sum of these. So the accounts cannot fail to
//! reconcile, whatever is done with the type, and accounts that come as bytes are refused if what they claim is not what their
//! parts make.

use super::eligibility::{AREA, Outcome};
use super::profile::OUT_OF_AREA;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Why a record takes no part before groups are made of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Apart {
    /// Its hub took it back.
    Withdrawn,
    /// It cannot be read, or its words are gone.
    Unreadable,
    /// It comes from a hub that the frame does not take.
    OtherSource,
    /// The group must not be listed, so it stands in no frame.
    Withheld,
}

/// The accounts. Counts are private: they grow by what is met, and by nothing else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flow {
    apart: BTreeMap<Apart, usize>,
    /// Records beyond the first of each group.
    repeated: usize,
    out_of_area: usize,
    area_unknown: usize,
    /// By the first of a group's reasons.
    excluded: BTreeMap<String, usize>,
    /// By the first of what a group misses.
    undecided: BTreeMap<String, usize>,
    included: usize,
}

/// A step: how many came, what left and why, how many are left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// `received`, `read`, `linked`, `in-area`, `in-scope`, `included`.
    pub step: String,
    /// What is counted: `records` or `groups`.
    pub of: String,
    /// How many reached this step.
    pub count: usize,
    /// How many left before it, by reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left: BTreeMap<String, usize>,
}

/// Accounts that do not add up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the accounts do not reconcile at {0:?}")]
pub struct NotReconciled(pub String);

impl Flow {
    /// Counts a record that takes no part.
    pub fn apart(&mut self, why: Apart) {
        *self.apart.entry(why).or_default() += 1;
    }

    /// Counts a group of so many records, at least one, and what became of it.
    pub fn group(&mut self, records: usize, outcome: &Outcome) {
        self.repeated += records.saturating_sub(1);
        match outcome {
            Outcome::Included => self.included += 1,
            Outcome::Excluded(reasons) if reasons.iter().any(|reason| reason == OUT_OF_AREA) => self.out_of_area += 1,
            Outcome::Excluded(reasons) => {
                let reason = reasons.first().cloned().unwrap_or_default();
                *self.excluded.entry(reason).or_default() += 1;
            }
            Outcome::Undecided(missing) if missing.iter().any(|one| one.what == AREA) => self.area_unknown += 1,
            Outcome::Undecided(missing) => {
                let what = missing.first().map(|one| one.what.clone()).unwrap_or_default();
                *self.undecided.entry(what).or_default() += 1;
            }
        }
    }

    /// Records received.
    pub fn received(&self) -> usize {
        self.read() + self.apart.values().sum::<usize>()
    }

    /// Records of which groups are made.
    pub fn read(&self) -> usize {
        self.linked() + self.repeated
    }

    /// Groups.
    pub fn linked(&self) -> usize {
        self.in_area() + self.out_of_area + self.area_unknown
    }

    /// Groups in the area.
    pub fn in_area(&self) -> usize {
        self.in_scope() + self.excluded.values().sum::<usize>()
    }

    /// Groups that nothing excludes.
    pub fn in_scope(&self) -> usize {
        self.included + self.undecided.values().sum::<usize>()
    }

    /// Groups that belong.
    pub fn included(&self) -> usize {
        self.included
    }

    /// The steps, to be printed one below the other.
    pub fn steps(&self) -> Vec<Step> {
        let counted = |pairs: &[(&str, usize)]| {
            pairs.iter().filter(|(_, count)| *count > 0).map(|(name, count)| ((*name).to_owned(), *count)).collect()
        };
        let apart: Vec<(&str, usize)> = self.apart.iter().map(|(why, count)| (apart_code(*why), *count)).collect();
        let step = |step: &str, of: &str, count: usize, left: BTreeMap<String, usize>| Step {
            step: step.to_owned(),
            of: of.to_owned(),
            count,
            left,
        };
        vec![
            step("received", "records", self.received(), BTreeMap::new()),
            step("read", "records", self.read(), counted(&apart)),
            step("linked", "groups", self.linked(), counted(&[(SAME, self.repeated)])),
            step(
                "in-area",
                "groups",
                self.in_area(),
                counted(&[(OUT_OF_AREA, self.out_of_area), (NO_AREA, self.area_unknown)]),
            ),
            step("in-scope", "groups", self.in_scope(), self.excluded.clone()),
            step("included", "groups", self.included, self.undecided.clone()),
        ]
    }

    /// Reads accounts back from their steps.
    ///
    /// # Errors
    /// Steps that are not those of any accounts: a total that is no sum, a reason that is none.
    pub fn read_back(steps: &[Step]) -> Result<Flow, NotReconciled> {
        let wrong = |step: &Step| NotReconciled(step.step.clone());
        let mut flow = Flow::default();
        for step in steps {
            for (name, count) in &step.left {
                match step.step.as_str() {
                    "read" => {
                        let all = [Apart::Withdrawn, Apart::Unreadable, Apart::OtherSource, Apart::Withheld];
                        let why = all.into_iter().find(|why| apart_code(*why) == name).ok_or_else(|| wrong(step))?;
                        flow.apart.insert(why, *count);
                    }
                    "linked" if name == SAME => flow.repeated = *count,
                    "in-area" if name == OUT_OF_AREA => flow.out_of_area = *count,
                    "in-area" if name == NO_AREA => flow.area_unknown = *count,
                    "in-scope" => drop(flow.excluded.insert(name.clone(), *count)),
                    "included" => drop(flow.undecided.insert(name.clone(), *count)),
                    _ => return Err(wrong(step)),
                }
            }
            if step.step == "included" {
                flow.included = step.count;
            }
        }
        let own = flow.steps();
        match own.iter().zip(steps).find(|(own, given)| own != given) {
            Some((_, given)) => Err(wrong(given)),
            None if own.len() != steps.len() => Err(NotReconciled("number of steps".to_owned())),
            None => Ok(flow),
        }
    }
}

/// Records that are of a group already counted.
const SAME: &str = "same-group";
/// Groups of which nobody says where they are.
const NO_AREA: &str = "area-not-known";

fn apart_code(why: Apart) -> &'static str {
    match why {
        Apart::Withdrawn => "withdrawn",
        Apart::Unreadable => "unreadable",
        Apart::OtherSource => "other-source",
        Apart::Withheld => "withheld",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::eligibility::{Gap, Missing};
    use proptest::prelude::*;

    fn excluded(reason: &str) -> Outcome {
        Outcome::Excluded(vec![reason.into(), "unverifiable".into()])
    }

    fn undecided(what: &str) -> Outcome {
        Outcome::Undecided(vec![Missing { what: what.into(), why: Gap::NotSaid }])
    }

    #[test]
    fn the_accounts_of_a_small_frame() {
        let mut flow = Flow::default();
        flow.apart(Apart::Withdrawn);
        flow.apart(Apart::Withheld);
        flow.group(3, &Outcome::Included);
        flow.group(1, &excluded("out-of-area"));
        flow.group(2, &undecided("area"));
        flow.group(1, &excluded("closed"));
        flow.group(1, &undecided("voluntary"));
        assert_eq!(
            [flow.received(), flow.read(), flow.linked(), flow.in_area(), flow.in_scope(), flow.included()],
            [10, 8, 5, 3, 2, 1]
        );
        let json = serde_json::to_value(flow.steps()).unwrap();
        assert_eq!(json[2]["left"]["same-group"], 3);
        assert_eq!(json[4]["left"]["closed"], 1);
        let mut steps = flow.steps();
        assert_eq!(Flow::read_back(&steps).unwrap(), flow);
        steps[3].count += 1;
        assert_eq!(Flow::read_back(&steps), Err(NotReconciled("in-area".into())));
        let mut steps = flow.steps();
        *steps[4].left.get_mut("closed").unwrap() = 2;
        assert!(Flow::read_back(&steps).is_err());
        let mut steps = flow.steps();
        steps[1].left.insert("lost".into(), 1);
        assert!(Flow::read_back(&steps).is_err());
    }

    proptest! {
        /// Every record that came is in one place, and every step is the one before less what left.
        #[test]
        fn they_always_reconcile(
            apart in proptest::collection::vec(0..4usize, 0..20),
            groups in proptest::collection::vec((1..5usize, 0..6usize), 0..40),
        ) {
            let mut flow = Flow::default();
            for why in &apart {
                flow.apart([Apart::Withdrawn, Apart::Unreadable, Apart::OtherSource, Apart::Withheld][*why]);
            }
            for (records, what) in &groups {
                let outcome = [
                    Outcome::Included, excluded("out-of-area"), undecided("area"), excluded("closed"),
                    undecided("voluntary"), excluded("duplicate"),
                ][*what].clone();
                flow.group(*records, &outcome);
            }
            let records: usize = groups.iter().map(|(records, _)| records).sum();
            prop_assert_eq!((flow.received(), flow.linked()), (apart.len() + records, groups.len()));
            let steps = flow.steps();
            for pair in steps.windows(2) {
                prop_assert_eq!(pair[1].count + pair[1].left.values().sum::<usize>(), pair[0].count);
            }
            prop_assert_eq!(Flow::read_back(&steps), Ok(flow));
        }
    }
}
