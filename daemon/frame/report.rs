//! How good a frame is, in figures: what it has, how fresh and how complete that is, and what else is known of its units.
//!
//! The measures are those by which survey agencies judge a frame (Statistics Canada, *Quality Guidelines*, coverage and frames; US OMB
//! Working Paper 17): units, overcoverage, currency, uniqueness, completeness, contactability, what each source brings. How much all sources
//! miss together is [`super::coverage`]'s to say. A group is never rated: every figure is of the frame.

use super::definition::Definition;
use super::eligibility::Outcome;
use super::flow::Step;
use super::frozen::{Frame, Row};
use super::profile::MustBe;
use super::strata::DIMENSIONS;
use crate::record::RecordRef;
use jiff::civil::Date;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What a registry knows of a frame's units beyond the frame.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beside {
    /// Who saw each unit at first hand, by the names that people have for them.
    pub sources: BTreeMap<RecordRef, BTreeSet<String>>,
    /// Units that everybody may reach.
    pub public_contact: BTreeSet<RecordRef>,
    /// Units that the hub itself may reach by a role contact.
    pub role_contact: BTreeSet<RecordRef>,
    /// Fields in which a unit's records contradict each other.
    pub conflicts: BTreeMap<RecordRef, usize>,
    /// Pairs of units that are likely one, which nobody has answered.
    pub likely: usize,
}

/// How many, of how many.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Part {
    /// How many.
    pub count: usize,
    /// Of how many.
    pub of: usize,
}

impl Part {
    /// The share, where there is any whole.
    pub fn share(self) -> Option<f64> {
        (self.of > 0).then(|| self.count as f64 / self.of as f64)
    }
}

/// What is known of a criterion, among the groups in the area.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Criterion {
    /// Vocabulary `criteria`.
    pub criterion: String,
    /// What the rules ask for: `met` or `not_met`.
    pub must_be: String,
    /// Groups of which it is known to be met.
    pub met: usize,
    /// Groups of which it is known not to be.
    pub not_met: usize,
    /// Groups of which it is not known.
    pub unknown: usize,
}

/// How fresh what is known of the units is, on the frame's day.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Currency {
    /// Units checked within twelve months.
    pub within_a_year: Part,
    /// Days since the check of the unit in the middle, of those that were checked.
    pub median_days: Option<i64>,
    /// Days since the longest ago.
    pub oldest_days: Option<i64>,
    /// Units by months since the check: under 3, under 6, under 12, under 24, longer; and never.
    pub bands: Vec<(String, usize)>,
}

/// What is known of a dimension by which units are put into strata.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Dimension {
    /// `focus`, `age`, `affiliation`, `community`.
    pub dimension: String,
    /// Units of which a value is known.
    pub known: Part,
    /// Units by value; one with several values counts with each.
    pub values: BTreeMap<String, usize>,
}

/// What a source brings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Source {
    /// Its name.
    pub source: String,
    /// Units that it saw.
    pub units: usize,
    /// Of these, units that no other source saw.
    pub only_here: usize,
    /// Of these, units that others saw too.
    pub also_elsewhere: usize,
}

/// How units may be reached.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Contactability {
    /// By what everybody may know.
    pub public: Part,
    /// By a role contact only, which its consents let this hub use.
    pub role_only: Part,
    /// Not at all, as far as is known here.
    pub none: Part,
}

/// The report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// What the frame is.
    pub definition: Definition,
    /// By which rules, as they are cited.
    pub profile: String,
    /// SHA-256 (hex) of the frame's bytes.
    pub digest: String,
    /// Units.
    pub units: usize,
    /// What became of every record.
    pub flow: Vec<Step>,
    /// Groups left out, by each of their reasons; a group with two counts with both.
    pub overcoverage: BTreeMap<String, usize>,
    /// Groups of which nobody can say, by each thing that is missing.
    pub undecided: BTreeMap<String, usize>,
    /// Decisions of people that the frame rests on.
    pub decisions: usize,
    /// What is known of each criterion.
    pub criteria: Vec<Criterion>,
    /// How fresh it is.
    pub currency: Currency,
    /// Records of which the groups are made, over groups: 1 where no group was found twice.
    pub records_per_group: Option<f64>,
    /// Pairs of units that are likely one, which nobody has answered; none where that is not known.
    pub likely_duplicates: Option<usize>,
    /// What is known for strata.
    pub completeness: Vec<Dimension>,
    /// How units may be reached; none of a frame alone, which holds no contact.
    pub contactability: Option<Contactability>,
    /// What each source brings.
    pub sources: Vec<Source>,
    /// Units that one source alone saw.
    pub single_source: Part,
    /// Units whose records contradict each other in some field; none of a frame alone.
    pub conflicts: Option<Part>,
    /// Records of groups that must not be listed: they stand in no frame. None where there are fewer than five groups, or no group.
    pub withheld: Option<usize>,
}

/// Reports on a frame; what a registry knows `beside` it where there is one.
pub fn report(frame: &Frame, digest: &str, beside: Option<&Beside>) -> Report {
    let units: Vec<&Row> = frame.units().collect();
    let flow = frame.flow.steps();
    let left =
        |step: &str, why: &str| flow.iter().find(|one| one.step == step).and_then(|one| one.left.get(why)).copied();
    let count = |step: &str| flow.iter().find(|one| one.step == step).map_or(0, |one| one.count);
    let (mut overcoverage, mut undecided) = (BTreeMap::new(), BTreeMap::new());
    for row in &frame.rows {
        match &row.outcome {
            Outcome::Included => {}
            Outcome::Excluded(reasons) => {
                reasons.iter().for_each(|why| *overcoverage.entry(why.clone()).or_default() += 1)
            }
            Outcome::Undecided(missing) => {
                missing.iter().for_each(|one| *undecided.entry(one.what.clone()).or_default() += 1);
            }
        }
    }
    let (read, linked) = (count("read"), count("linked"));
    let (sources, single_source) = sources(&units, beside);
    Report {
        definition: frame.definition.clone(),
        profile: frame.profile.cited(),
        digest: digest.to_owned(),
        units: units.len(),
        overcoverage,
        undecided,
        decisions: frame.decisions.len(),
        criteria: criteria(frame),
        currency: currency(&units, frame.definition.as_of),
        records_per_group: (linked > 0).then(|| read as f64 / linked as f64),
        likely_duplicates: beside.map(|beside| beside.likely),
        completeness: completeness(&units),
        contactability: beside.map(|beside| contactability(&units, beside)),
        sources,
        single_source,
        conflicts: beside.map(|beside| {
            let open = |row: &&&Row| beside.conflicts.get(&row.id).is_some_and(|fields| *fields > 0);
            Part { count: units.iter().filter(open).count(), of: units.len() }
        }),
        withheld: left("read", "withheld"),
        flow,
    }
}

fn criteria(frame: &Frame) -> Vec<Criterion> {
    let outside = |row: &&Row| matches!(&row.outcome, Outcome::Excluded(reasons) if reasons.iter().any(|why| why == super::profile::OUT_OF_AREA));
    let rows: Vec<&Row> = frame.rows.iter().filter(|row| !outside(row)).collect();
    let one = |rule: &super::profile::Rule| {
        let is =
            |row: &&&Row, value: &str| row.facts.criteria.get(&rule.criterion).is_some_and(|fact| fact.value == value);
        let (met, not_met) =
            (rows.iter().filter(|row| is(row, "met")).count(), rows.iter().filter(|row| is(row, "not_met")).count());
        Criterion {
            criterion: rule.criterion.clone(),
            must_be: if rule.must_be == MustBe::Met { "met" } else { "not_met" }.to_owned(),
            met,
            not_met,
            unknown: rows.len() - met - not_met,
        }
    };
    frame.profile.rules.iter().map(one).collect()
}

fn currency(units: &[&Row], as_of: Date) -> Currency {
    let since = |date: Date| i64::from((as_of - date).get_days());
    let mut days: Vec<i64> = units.iter().filter_map(|row| row.assured).map(since).collect();
    days.sort_unstable();
    let months = |n: i64| as_of.saturating_sub(jiff::Span::new().months(n));
    let newer = |n: i64| units.iter().filter(|row| row.assured.is_some_and(|date| date > months(n))).count();
    let (three, six, twelve, two_years) = (newer(3), newer(6), newer(12), newer(24));
    let bands = [
        ("under 3 months", three),
        ("3 to 6 months", six - three),
        ("6 to 12 months", twelve - six),
        ("1 to 2 years", two_years - twelve),
        ("over 2 years", days.len() - two_years),
        ("never, as far as is known", units.len() - days.len()),
    ];
    Currency {
        within_a_year: Part { count: twelve, of: units.len() },
        median_days: days.get(days.len() / 2).copied(),
        oldest_days: days.last().copied(),
        bands: bands.map(|(band, count)| (band.to_owned(), count)).into(),
    }
}

fn completeness(units: &[&Row]) -> Vec<Dimension> {
    let one = |dimension: &str| {
        let of = || units.iter().filter_map(|row| row.values.get(dimension));
        let mut values: BTreeMap<String, usize> = BTreeMap::new();
        of().flatten().for_each(|value| *values.entry(value.clone()).or_default() += 1);
        Dimension {
            dimension: dimension.to_owned(),
            known: Part { count: of().filter(|values| !values.is_empty()).count(), of: units.len() },
            values,
        }
    };
    DIMENSIONS.map(one).into()
}

fn contactability(units: &[&Row], beside: &Beside) -> Contactability {
    let of = units.len();
    let public = units.iter().filter(|row| beside.public_contact.contains(&row.id)).count();
    let role = |row: &&&Row| !beside.public_contact.contains(&row.id) && beside.role_contact.contains(&row.id);
    let role_only = units.iter().filter(role).count();
    let part = |count| Part { count, of };
    Contactability { public: part(public), role_only: part(role_only), none: part(of - public - role_only) }
}

fn sources(units: &[&Row], beside: Option<&Beside>) -> (Vec<Source>, Part) {
    let mut found: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut single = 0;
    for row in units {
        let known = beside.and_then(|beside| beside.sources.get(&row.id));
        let names: Vec<&str> = match known {
            Some(names) => names.iter().map(String::as_str).collect(),
            None => row.sources.iter().map(String::as_str).collect(),
        };
        single += usize::from(names.len() == 1);
        for name in &names {
            let (all, only) = found.entry(*name).or_default();
            *all += 1;
            *only += usize::from(names.len() == 1);
        }
    }
    let one = |(source, (units, only_here)): (&str, (usize, usize))| Source {
        source: source.to_owned(),
        units,
        only_here,
        also_elsewhere: units - only_here,
    };
    (found.into_iter().map(one).collect(), Part { count: single, of: units.len() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::frozen::build;
    use crate::frame::frozen::tests::{candidates, definition, frame, profile};

    #[test]
    fn every_sum_is_the_whole() {
        let frame = frame();
        let report = report(&frame, &frame.digest(), None);
        assert_eq!(report.units, frame.units().count());
        assert_eq!(report.currency.bands.iter().map(|(_, count)| count).sum::<usize>(), report.units);
        for source in &report.sources {
            assert_eq!(source.only_here + source.also_elsewhere, source.units);
        }
        assert_eq!(report.sources.iter().map(|source| source.only_here).sum::<usize>(), report.single_source.count);
        for one in &report.criteria {
            assert!(one.met + one.not_met + one.unknown <= frame.rows.len());
        }
        let excluded = frame.rows.iter().filter(|row| matches!(row.outcome, Outcome::Excluded(_))).count();
        assert!(report.overcoverage.values().sum::<usize>() >= excluded);
        // A frame alone holds no contact and no conflict, and the report does not say that there is none.
        assert!(report.contactability.is_none() && report.conflicts.is_none() && report.likely_duplicates.is_none());
    }

    #[test]
    fn what_a_registry_knows_is_counted_of_the_units_only() {
        let frame = frame();
        let units: Vec<RecordRef> = frame.units().map(|row| row.id).collect();
        let outside = frame.rows.iter().find(|row| row.outcome != Outcome::Included).map(|row| row.id);
        let beside = Beside {
            public_contact: units[..3].iter().copied().chain(outside).collect(),
            role_contact: units[2..5].iter().copied().collect(),
            conflicts: BTreeMap::from([(units[0], 2), (units[1], 0)]),
            likely: 4,
            sources: units.iter().map(|unit| (*unit, BTreeSet::from(["Library".to_owned()]))).collect(),
        };
        let report = report(&frame, "-", Some(&beside));
        let reach = report.contactability.unwrap();
        assert_eq!((reach.public.count, reach.role_only.count, reach.none.count), (3, 2, units.len() - 5));
        assert_eq!(report.conflicts, Some(Part { count: 1, of: units.len() }));
        assert_eq!((report.sources.len(), report.single_source.share()), (1, Some(1.0)));
    }

    #[test]
    fn the_age_of_a_check_is_counted_from_the_frames_day() {
        let mut groups = candidates();
        let as_of = definition().as_of;
        let ago = |months: i64| as_of.saturating_sub(jiff::Span::new().months(months));
        for (at, group) in groups.iter_mut().enumerate() {
            group.assured = [Some(as_of), Some(ago(3)), Some(ago(12)), Some(ago(24)), None][at % 5];
        }
        let frame = build(definition(), profile(), groups, &[], []).unwrap();
        let found = currency(&frame.units().collect::<Vec<_>>(), as_of);
        let band = |at: usize| found.bands[at].1;
        assert!(band(0) > 0 && band(1) > 0 && band(3) > 0 && band(4) > 0 && band(5) > 0, "{found:?}");
        // A year ago to the day is no longer within the year.
        assert_eq!((band(2), found.within_a_year.count), (0, band(0) + band(1)));
        assert_eq!(found.oldest_days, Some(i64::from((as_of - ago(24)).get_days())));
    }
}
