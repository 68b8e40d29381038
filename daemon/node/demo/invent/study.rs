//! The lists of the study's tour: the demonstration's groups with what a study asks of them, and beside them groups that it leaves out.
//!
//! Nottingham: the 202 suitable groups and [`NOTTINGHAM_OTHERS`] others. Essex: the 36 rows of its three lists, which speak of 24
//! groups, and [`ESSEX_OTHERS`] rows of groups that do not belong. Each group stands under one heading of the paper's Table 1 only, as it
//! does there.

use super::draw::Draw;
use super::places::{self, Town};
use super::{ESSEX_GROUPS, ESSEX_ROWS, NOTTINGHAM_GROUPS, list, mark, nottinghams_phone, one, settled};
use crate::record::group::{Criterion, Status};
use crate::record::{Group, List, vocabulary};
use std::collections::BTreeSet;

/// The study whose categories count.
const STUDY: &str = "esteem2013";

/// Why a group is none of the study's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Other {
    /// It follows the Twelve Steps: `box1` takes it, `seebohm2013` does not.
    TwelveSteps,
    /// It is a course of fixed shape, led by peers: the same.
    Course,
    /// Professionals run it.
    Professionals,
    /// Its funder says what it does.
    Funder,
    /// People are sent there.
    Required,
    /// Not a group: a workbook with a helpline.
    Alone,
    /// It has ended.
    Ended,
    /// It meets over the county's border.
    Elsewhere,
    /// Nobody could be reached: of it nothing is known.
    Unreachable,
}

/// How many others Nottingham's list has: 8 that follow the Twelve Steps, 4 that professionals run.
pub const NOTTINGHAM_OTHERS: usize = 12;
/// How many others Essex's lists have.
pub const ESSEX_OTHERS: usize = 24;
/// Of Essex's 24 groups, those that began two years before: new, as the paper's second quota asks.
const NEW: [usize; 2] = [5, 15];
/// Of Essex's 24 groups, those that only people told of, so that of them nobody has asked what the study asks.
pub const NOT_ASKED: [usize; 2] = [22, 23];

const ESSEX_KINDS: [Other; ESSEX_OTHERS] = {
    use Other::{Alone, Course, Elsewhere, Ended, Funder, Professionals, Required, TwelveSteps, Unreachable};
    [
        TwelveSteps,
        Professionals,
        Ended,
        TwelveSteps,
        Course,
        Professionals,
        Elsewhere,
        Required, //
        TwelveSteps,
        Professionals,
        Ended,
        TwelveSteps,
        Funder,
        Unreachable,
        Elsewhere,
        Alone, //
        TwelveSteps,
        Professionals,
        Ended,
        Course,
        Funder,
        Unreachable,
        Elsewhere,
        Required,
    ]
};

/// Towns over Essex's border.
const BEYOND: [Town; 3] = [
    Town { name: "Sudbury", area: "E07000200", outward: "CO10", at: (5204, 73) },
    Town { name: "Haverhill", area: "E07000245", outward: "CB9", at: (5208, 44) },
    Town { name: "Bishop's Stortford", area: "E07000242", outward: "CM23", at: (5187, 16) },
];

/// One heading: of a group that would stand under two, the topics under the first of them stay.
fn under_one_heading(group: &mut Group) {
    let heading = |topic: &String| vocabulary::topics().get(topic)?.roll_up.get(STUDY).cloned();
    if let Some(first) = group.topics.iter().find_map(heading) {
        group.topics.retain(|topic| heading(topic).is_none_or(|own| own == first));
    }
}

/// What was found of a group the day it was last checked.
fn found(group: &mut Group, facts: &[(&str, &str)]) {
    let date = group.assured.as_ref().map(|assured| assured.date);
    for (criterion, value) in facts {
        let fact = Criterion {
            value: (*value).to_owned(),
            date,
            method: Some("phone".to_owned()),
            by: Some("hub".to_owned()),
            ..Criterion::default()
        };
        group.criteria.insert((*criterion).to_owned(), fact);
    }
}

/// What both sets of rules ask for.
fn asked(group: &mut Group) {
    one::suitable(group);
    found(group, &[("experience-as-knowledge", "met"), ("third-sector", "met")]);
}

fn other(group: &mut Group, kind: Other) {
    if kind == Other::Unreachable {
        return;
    }
    asked(group);
    match kind {
        Other::TwelveSteps => found(group, &[("prescribed-programme", "met"), ("twelve-step", "met")]),
        Other::Course => found(group, &[("prescribed-programme", "met"), ("self-management-programme", "met")]),
        Other::Professionals => found(group, &[("members-control", "not_met"), ("professionally-managed", "met")]),
        Other::Funder => found(group, &[("constrained-by-funder-or-statutory", "met")]),
        Other::Required => found(group, &[("voluntary", "not_met"), ("attendance-required", "met")]),
        Other::Alone => found(group, &[("is-a-group", "not_met")]),
        Other::Ended => {
            group.status = Some(Status {
                state: crate::record::group::CLOSED.to_owned(),
                date: group.assured.as_ref().map(|assured| assured.date),
                ..Status::default()
            });
        }
        Other::Elsewhere | Other::Unreachable => {}
    }
}

/// Nottingham's list.
pub fn nottingham(seed: u64) -> Vec<Group> {
    let mut groups = super::nottingham(seed);
    let mut names: BTreeSet<String> = groups.iter().map(|group| one::slug(&group.name)).collect();
    groups.iter_mut().for_each(asked);
    // Of every twenty-five one is new, whatever it is about.
    groups.iter_mut().step_by(25).for_each(|group| group.founded = Some("2024".to_owned()));
    for n in 0..NOTTINGHAM_OTHERS {
        let mut draw = Draw::new(seed, "study-nottingham", n as u64);
        let town = draw.pick(&places::NOTTINGHAMSHIRE);
        let phone = nottinghams_phone(town, NOTTINGHAM_GROUPS + n);
        let mut group = settled(&mut draw, town, &mut names, phone);
        other(&mut group, if n < 8 { Other::TwelveSteps } else { Other::Professionals });
        mark(&mut group, "N", NOTTINGHAM_GROUPS + n);
        groups.push(group);
    }
    groups.iter_mut().for_each(under_one_heading);
    groups
}

/// Essex's three lists: 60 rows.
pub fn essex(seed: u64) -> [(List, Vec<Group>); 3] {
    let mut lists = super::essex(seed);
    let mut names: BTreeSet<String> =
        lists.iter().flat_map(|(_, rows)| rows).map(|group| one::slug(&group.name)).collect();
    for ((source, (told, rows)), letter) in lists.iter_mut().enumerate().zip(["L", "W", "P"]) {
        for (row, nth) in rows.iter_mut().zip(ESSEX_ROWS[source]) {
            if !NOT_ASKED.contains(nth) {
                asked(row);
            }
            if NEW.contains(nth) {
                row.founded = Some("2024".to_owned());
            }
        }
        let each = ESSEX_OTHERS / 3;
        for (at, kind) in ESSEX_KINDS[source * each..(source + 1) * each].iter().enumerate() {
            let n = source * each + at;
            let mut draw = Draw::new(seed, "study-essex", n as u64);
            let town = if *kind == Other::Elsewhere { &BEYOND[source] } else { draw.pick(&places::ESSEX) };
            let phone = places::phone(places::NO_AREA, 500 + ESSEX_GROUPS + n);
            let mut group = settled(&mut draw, town, &mut names, phone);
            other(&mut group, *kind);
            one::sighted(&mut group, &told.title, &told.kind);
            mark(&mut group, letter, rows.len());
            rows.push(group);
        }
        rows.iter_mut().for_each(under_one_heading);
    }
    lists
}

/// Derbyshire's list, as it is.
pub fn derbyshire(seed: u64) -> Vec<(List, Vec<Group>)> {
    vec![(list("Groups in Derbyshire", "database"), super::derbyshire(seed))]
}
