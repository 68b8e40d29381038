//! Whether a group belongs to a frame: included, excluded with reasons, or undecided with what is missing.
//!
//! Rules first, over what the merged group states and when that was found; then people, whose decision stands against the rules and
//! says who made it and why. Both are kept: nobody can be left out, or let in, without a trace.

use super::profile::{ENDED, MustBe, OUT_OF_AREA, Profile, ProfileError, Unknown};
use crate::record::{Group, HubId, RecordRef, canonical, vocabulary};
use jiff::Span;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A criterion as the merged group states it. Its members are declared in the order of their names, in which they are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fact {
    /// When that was found.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "canonical::some_date")]
    pub date: Option<Date>,
    /// `met`, `not_met` or `unknown`.
    pub value: String,
}

/// What eligibility is decided from: of a group's words only these stand in a frame, in the order of their names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// Code of the area, where it is known and may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<String>,
    /// By criterion.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub criteria: BTreeMap<String, Fact>,
    /// Since when it is in its state.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "canonical::some_date")]
    pub since: Option<Date>,
    /// State, where one is said (vocabulary `statuses`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

impl Facts {
    /// Those of a merged group.
    pub fn of(group: &Group) -> Facts {
        let fact =
            |criterion: &crate::record::group::Criterion| Fact { value: criterion.value.clone(), date: criterion.date };
        Facts {
            area: group.place.as_ref().and_then(|place| place.area.clone()),
            state: group.status.as_ref().map(|status| status.state.clone()),
            since: group.status.as_ref().and_then(|status| status.date),
            criteria: group.criteria.iter().map(|(name, criterion)| (name.clone(), fact(criterion))).collect(),
        }
    }
}

/// Why something that a rule asks for is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gap {
    /// Nobody said anything.
    NotSaid,
    /// Somebody looked and could not tell.
    SaidUnknown,
    /// It was found too long before the frame's day.
    TooOld,
    /// It was found only after the frame's day.
    Later,
    /// Two people decided differently on the same day.
    TwoDecisions,
}

/// Something missing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Missing {
    /// A criterion, `area`, or `decision`.
    pub what: String,
    /// Why it is not known.
    pub why: Gap,
}

/// What is missing where the area is.
pub const AREA: &str = "area";
/// What is missing where people contradict each other.
pub const DECISION: &str = "decision";

/// What became of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Outcome {
    /// It belongs.
    Included,
    /// It does not, for these reasons (vocabulary `exclusion-reasons`), in the order of the profile's rules; never none.
    Excluded(Vec<String>),
    /// Nobody can say yet, for want of these; never none.
    Undecided(Vec<Missing>),
}

/// What a person decided of a group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Verdict {
    /// It belongs, whatever the rules say.
    Include,
    /// It does not, for this reason.
    Exclude(String),
}

/// A person's decision.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// Any record of the group: so that the decision stays with it however records are linked.
    pub on: RecordRef,
    /// The day.
    #[serde(deserialize_with = "canonical::a_date")]
    pub date: Date,
    /// What was decided.
    pub verdict: Verdict,
    /// The hub whose person decided.
    pub hub: HubId,
    /// In what role (vocabulary `assurance-roles`); never a name.
    pub role: String,
    /// Why, in words that name nobody.
    pub why: String,
}

/// Why a decision is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecisionError {
    /// No words of why.
    #[error("a decision needs a reason in words")]
    NoReason,
    /// A term that its vocabulary does not have.
    #[error("{term:?} is not in the vocabulary {vocabulary}")]
    Term {
        /// The term.
        term: String,
        /// The vocabulary.
        vocabulary: &'static str,
    },
}

impl DecisionError {
    /// Stable kebab-case code.
    pub fn code(&self) -> &'static str {
        match self {
            DecisionError::NoReason => "decision-no-reason",
            DecisionError::Term { .. } => "decision-term",
        }
    }
}

impl Decision {
    /// Checks what types do not say.
    ///
    /// # Errors
    /// No reason in words; a reason code or role that is none.
    pub fn check(&self) -> Result<(), DecisionError> {
        if self.why.trim().is_empty() {
            return Err(DecisionError::NoReason);
        }
        let unknown = |term: &str, vocabulary| DecisionError::Term { term: term.to_owned(), vocabulary };
        if vocabulary::assurance_roles().get(&self.role).is_none() {
            return Err(unknown(&self.role, "assurance-roles"));
        }
        match &self.verdict {
            Verdict::Exclude(reason) if vocabulary::exclusion_reasons().get(reason).is_none() => {
                Err(unknown(reason, "exclusion-reasons"))
            }
            _ => Ok(()),
        }
    }
}

/// What a frame asks beside its profile.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// Codes of areas, or their beginnings; empty for everywhere.
    pub areas: &'a [String],
    /// The day for which everything is judged.
    pub as_of: Date,
}

/// Judges a group by area, status and profile, then by people's decisions about any of its records.
pub fn judge(profile: &Profile, scope: Scope, facts: &Facts, decisions: &[&Decision]) -> Outcome {
    // What was decided after the frame's day is no part of it; of the rest the newest counts.
    let newest = decisions.iter().filter(|one| one.date <= scope.as_of).map(|one| one.date).max();
    let mut standing = decisions.iter().filter(|one| Some(one.date) == newest).map(|one| &one.verdict);
    let Some(first) = standing.next() else { return by_rules(profile, scope, facts) };
    if standing.any(|other| other != first) {
        return Outcome::Undecided(vec![Missing { what: DECISION.to_owned(), why: Gap::TwoDecisions }]);
    }
    match first {
        Verdict::Include => Outcome::Included,
        Verdict::Exclude(reason) => Outcome::Excluded(vec![reason.clone()]),
    }
}

/// What the rules alone say.
pub fn by_rules(profile: &Profile, scope: Scope, facts: &Facts) -> Outcome {
    if !scope.areas.is_empty() {
        match &facts.area {
            // A group of which nobody knows where it is can be nobody's to count yet; what else is unknown of it comes later.
            None => return Outcome::Undecided(vec![Missing { what: AREA.to_owned(), why: Gap::NotSaid }]),
            Some(area) if !scope.areas.iter().any(|wanted| area.starts_with(wanted.as_str())) => {
                return Outcome::Excluded(vec![OUT_OF_AREA.to_owned()]);
            }
            Some(_) => {}
        }
    }
    let ended = facts.state.as_ref().is_some_and(|state| profile.ended.contains(state));
    // Ended on a day that is not said is ended.
    if ended && facts.since.is_none_or(|since| since <= scope.as_of) {
        return Outcome::Excluded(vec![ENDED.to_owned()]);
    }
    let (mut reasons, mut missing) = (Vec::new(), Vec::new());
    for rule in &profile.rules {
        match known(profile, scope.as_of, facts.criteria.get(&rule.criterion)) {
            Ok(met) if met == (rule.must_be == MustBe::Met) => {}
            Ok(_) => reasons.push((&rule.otherwise, rule.covered_by.as_ref())),
            Err(why) if rule.unknown == Unknown::Undecided => {
                missing.push(Missing { what: rule.criterion.clone(), why });
            }
            Err(_) => {}
        }
    }
    let mut given: Vec<String> = Vec::new();
    for (reason, covered_by) in &reasons {
        let covered = covered_by.is_some_and(|by| reasons.iter().any(|(other, _)| *other == by));
        if !covered && !given.contains(reason) {
            given.push((*reason).clone());
        }
    }
    // Two rules that cover each other would leave no reason: then each is given.
    if given.is_empty() {
        given = reasons.into_iter().map(|(reason, _)| reason.clone()).collect();
        given.dedup();
    }
    match (given.is_empty(), missing.is_empty()) {
        (false, _) => Outcome::Excluded(given),
        (true, false) => Outcome::Undecided(missing),
        (true, true) => Outcome::Included,
    }
}

/// Whether a criterion is met on the day, or why that is not known.
fn known(profile: &Profile, as_of: Date, fact: Option<&Fact>) -> Result<bool, Gap> {
    let fact = fact.ok_or(Gap::NotSaid)?;
    let met = match fact.value.as_str() {
        "met" => true,
        "not_met" => false,
        _ => return Err(Gap::SaidUnknown),
    };
    if let Some(date) = fact.date {
        if date > as_of {
            return Err(Gap::Later);
        }
        let months = profile.fresh_months.map(i64::from);
        if months.is_some_and(|months| date.saturating_add(Span::new().months(months.min(120_000))) < as_of) {
            return Err(Gap::TooOld);
        }
    } else if profile.fresh_months.is_some() {
        // Who asks for fresh facts cannot take one of which nobody knows the age.
        return Err(Gap::TooOld);
    }
    Ok(met)
}

/// How a profile's counts differ from another's over the same groups: by both outcomes, how many.
///
/// # Errors
/// A profile that is not sound.
pub fn compare<'a>(
    one: &Profile,
    other: &Profile,
    scope: Scope,
    groups: impl IntoIterator<Item = &'a Facts>,
) -> Result<BTreeMap<(String, String), usize>, ProfileError> {
    one.check()?;
    other.check()?;
    let name = |outcome: Outcome| match outcome {
        Outcome::Included => "included".to_owned(),
        Outcome::Excluded(reasons) => format!("excluded: {}", reasons.join(", ")),
        Outcome::Undecided(_) => "undecided".to_owned(),
    };
    let mut counts = BTreeMap::new();
    for facts in groups {
        let pair = (name(by_rules(one, scope, facts)), name(by_rules(other, scope, facts)));
        *counts.entry(pair).or_default() += 1;
    }
    Ok(counts)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use uuid::Uuid;

    pub fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    /// A group of which these criteria are known, since 2026-01-10, at Nottingham.
    pub fn facts(criteria: &[(&str, &str)]) -> Facts {
        let fact = |value: &str| Fact { value: value.into(), date: Some(day("2026-01-10")) };
        Facts {
            area: Some("E06000018".into()),
            criteria: criteria.iter().map(|(name, value)| ((*name).to_owned(), fact(value))).collect(),
            ..Facts::default()
        }
    }

    const FOUR: [(&str, &str); 5] = [
        ("shared-experience", "met"),
        ("mutual-support-primary", "met"),
        ("members-control", "met"),
        ("voluntary", "met"),
        ("prescribed-programme", "not_met"),
    ];

    /// A group that meets all that `seebohm2013` asks, with these facts beside or instead.
    pub fn suitable(other: &[(&str, &str)]) -> Facts {
        facts(&[&FOUR, other].concat())
    }

    fn seebohm(facts: &Facts) -> Outcome {
        judge_with(&Profile::shipped("seebohm2013").unwrap(), facts, &[])
    }

    fn judge_with(profile: &Profile, facts: &Facts, decisions: &[&Decision]) -> Outcome {
        let areas = ["E06000018".to_owned(), "E07".to_owned()];
        judge(profile, Scope { areas: &areas, as_of: day("2026-06-30") }, facts, decisions)
    }

    fn excluded(reasons: &[&str]) -> Outcome {
        Outcome::Excluded(reasons.iter().map(|reason| (*reason).to_owned()).collect())
    }

    fn missing(what: &str, why: Gap) -> Outcome {
        Outcome::Undecided(vec![Missing { what: what.into(), why }])
    }

    #[test]
    fn four_characteristics_and_what_they_exclude() {
        assert_eq!(seebohm(&suitable(&[])), Outcome::Included);
        let cases: [(&str, &str, &[&str]); 11] = [
            ("shared-experience", "not_met", &["not-shared-experience"]),
            ("mutual-support-primary", "not_met", &["not-primarily-mutual-support"]),
            ("members-control", "not_met", &["professionally-managed"]),
            ("voluntary", "not_met", &["attendance-required"]),
            ("prescribed-programme", "met", &["prescribed-programme-other"]),
            ("self-management-programme", "met", &["prescribed-programme-other"]),
            ("professionally-managed", "met", &["professionally-managed"]),
            ("constrained-by-funder-or-statutory", "met", &["constrained-by-funder-or-statutory"]),
            ("attendance-required", "met", &["attendance-required"]),
            ("is-a-group", "not_met", &["individual-self-help"]),
            ("health-or-social-care-focus", "not_met", &["out-of-domain"]),
        ];
        for (criterion, value, reasons) in cases {
            assert_eq!(seebohm(&suitable(&[(criterion, value)])), excluded(reasons), "{criterion}");
        }
        // The more exact reason alone.
        let steps = suitable(&[("prescribed-programme", "met"), ("twelve-step", "met")]);
        assert_eq!(seebohm(&steps), excluded(&["prescribed-programme-12-step"]));
        let bound = suitable(&[("members-control", "not_met"), ("constrained-by-funder-or-statutory", "met")]);
        assert_eq!(seebohm(&bound), excluded(&["constrained-by-funder-or-statutory"]));
        // Origin is not control, affiliation and orientation are not asked.
        let started = suitable(&[("professionally-initiated", "met"), ("professionally-supported", "met")]);
        assert_eq!(seebohm(&started), Outcome::Included);
    }

    #[test]
    fn two_profiles_two_answers() {
        let steps = suitable(&[
            ("prescribed-programme", "met"),
            ("twelve-step", "met"),
            ("experience-as-knowledge", "met"),
            ("third-sector", "met"),
        ]);
        let box1 = Profile::shipped("box1").unwrap();
        assert_eq!(judge_with(&box1, &steps, &[]), Outcome::Included);
        assert_eq!(seebohm(&steps), excluded(&["prescribed-programme-12-step"]));
        let community = facts(&[("professional-supervision", "met"), ("members-control", "not_met")]);
        assert_eq!(judge_with(&box1, &community, &[]), excluded(&["professional-supervision"]));
        let scope = Scope { areas: &[], as_of: day("2026-06-30") };
        let seebohm = Profile::shipped("seebohm2013").unwrap();
        let counts = compare(&seebohm, &box1, scope, [&steps, &community, &steps]).unwrap();
        let pair = ("excluded: prescribed-programme-12-step".to_owned(), "included".to_owned());
        assert_eq!((counts[&pair], counts.len()), (2, 2));
    }

    #[test]
    fn what_is_not_known_is_named_with_why() {
        for (value, why) in [("unknown", Gap::SaidUnknown), ("perhaps", Gap::SaidUnknown)] {
            assert_eq!(seebohm(&suitable(&[("voluntary", value)])), missing("voluntary", why));
        }
        let mut without = suitable(&[]);
        without.criteria.remove("voluntary");
        without.criteria.get_mut("members-control").unwrap().date = Some(day("2026-07-01"));
        let expected = [("members-control", Gap::Later), ("voluntary", Gap::NotSaid)];
        let expected = expected.map(|(what, why)| Missing { what: what.into(), why });
        assert_eq!(seebohm(&without), Outcome::Undecided(expected.to_vec()));
        // One reason to leave it out is enough: what else is missing does not matter then.
        without.criteria.insert("twelve-step".into(), Fact { value: "met".into(), date: None });
        assert_eq!(seebohm(&without), excluded(&["prescribed-programme-12-step"]));
    }

    #[test]
    fn old_facts_are_unknown_where_the_profile_says_so() {
        let mut profile = Profile::shipped("seebohm2013").unwrap();
        let mut group = suitable(&[]);
        group.criteria.get_mut("voluntary").unwrap().date = Some(day("2024-06-29"));
        assert_eq!(judge_with(&profile, &group, &[]), Outcome::Included);
        profile.fresh_months = Some(24);
        assert_eq!(judge_with(&profile, &group, &[]), missing("voluntary", Gap::TooOld));
        group.criteria.get_mut("voluntary").unwrap().date = Some(day("2024-06-30"));
        assert_eq!(judge_with(&profile, &group, &[]), Outcome::Included);
        group.criteria.get_mut("voluntary").unwrap().date = None;
        assert_eq!(judge_with(&profile, &group, &[]), missing("voluntary", Gap::TooOld));
    }

    #[test]
    fn area_and_end_come_first() {
        let mut group = suitable(&[]);
        group.area = Some("E07000066".into());
        assert_eq!(seebohm(&group), Outcome::Included);
        group.area = Some("S12000036".into());
        assert_eq!(seebohm(&group), excluded(&["out-of-area"]));
        group.area = None;
        assert_eq!(seebohm(&group), missing("area", Gap::NotSaid));
        let mut group = suitable(&[]);
        group.state = Some("closed".into());
        assert_eq!(seebohm(&group), excluded(&["closed"]));
        group.since = Some(day("2026-07-01"));
        assert_eq!(seebohm(&group), Outcome::Included);
        group.since = Some(day("2026-06-30"));
        assert_eq!(seebohm(&group), excluded(&["closed"]));
        group.state = Some("on-a-break".into());
        assert_eq!(seebohm(&group), Outcome::Included);
    }

    pub fn decision(verdict: Verdict, date: &str) -> Decision {
        Decision {
            on: RecordRef { hub: HubId([1; 20]), rec: Uuid::from_u128(1) },
            date: day(date),
            verdict,
            hub: HubId([2; 20]),
            role: "researcher".into(),
            why: "Clinicians support one another; a border case.".into(),
        }
    }

    #[test]
    fn people_decide_against_rules_and_say_why() {
        let profile = Profile::shipped("seebohm2013").unwrap();
        let steps = suitable(&[("twelve-step", "met")]);
        let include = decision(Verdict::Include, "2026-05-01");
        let exclude = decision(Verdict::Exclude("boundary-case-excluded".into()), "2026-05-02");
        let later = decision(Verdict::Exclude("duplicate".into()), "2026-07-01");
        assert_eq!(judge_with(&profile, &steps, &[&include]), Outcome::Included);
        assert_eq!(judge_with(&profile, &steps, &[&exclude, &include]), excluded(&["boundary-case-excluded"]));
        assert_eq!(judge_with(&profile, &steps, &[&later]), excluded(&["prescribed-programme-12-step"]));
        let same_day = Decision { date: exclude.date, ..include.clone() };
        assert_eq!(judge_with(&profile, &steps, &[&exclude, &same_day]), missing("decision", Gap::TwoDecisions));
        assert!(include.check().is_ok() && exclude.check().is_ok());
        let bad = |change: fn(&mut Decision)| {
            let mut decision = decision(Verdict::Exclude("duplicate".into()), "2026-05-01");
            change(&mut decision);
            decision.check().unwrap_err().code()
        };
        assert_eq!(bad(|one| one.why = " ".into()), "decision-no-reason");
        assert_eq!(bad(|one| one.verdict = Verdict::Exclude("disliked".into())), "decision-term");
        assert_eq!(bad(|one| one.role = "Jo Smith".into()), "decision-term");
    }
}
