//! Why two records are, or are not, taken for one group, in codes and in plain words.

use super::features::KeyKind;
use super::link::{Candidate, Decision, standing};
use super::rule::{Names, Places, compare};
use crate::record::{HubId, statement::Judgement};
use jiff::{Timestamp, tz::TimeZone};
use std::collections::BTreeSet;

/// What stands between two records, the weightiest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// What follows for these two alone. Others may bring them together, or hold them apart.
    pub verdict: Verdict,
    /// What speaks for and against it.
    pub reasons: Vec<Reason>,
}

/// What follows for two records alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// One group.
    Same,
    /// Two groups, because somebody said so or the rule forbids joining them.
    Apart,
    /// Nothing joins them, and nothing keeps them apart.
    Nothing,
}

impl Verdict {
    /// Stable kebab-case code.
    pub fn code(self) -> &'static str {
        match self {
            Verdict::Same => "same",
            Verdict::Apart => "apart",
            Verdict::Nothing => "nothing",
        }
    }
}

/// One thing that speaks for or against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// A hub's person judged the two.
    Decided {
        /// The hub.
        by: HubId,
        /// What was judged.
        judgement: Judgement,
        /// When.
        at: Timestamp,
    },
    /// Both rows stand in one list, which names each group once.
    RowsOfOneList,
    /// The two share this.
    Shared(KeyKind),
    /// They share nothing that counts.
    NothingShared,
    /// How alike the names are.
    Names(Names),
    /// The names have words that tell sister groups apart (men, women, north, Tuesday).
    Sisters,
    /// Both meet there.
    PlacesAgree(Option<String>),
    /// They meet in different places.
    PlacesConflict(Option<String>, Option<String>),
    /// Their topics have nothing in common.
    TopicsApart,
}

impl Reason {
    /// Stable kebab-case code.
    pub fn code(&self) -> &'static str {
        match self {
            Reason::Decided { judgement, .. } => match judgement {
                Judgement::Same => "decided-same",
                Judgement::Different => "decided-different",
                Judgement::Unsure => "decided-unsure",
                Judgement::None => "decided-none",
                Judgement::BranchOf => "decided-branch-of",
                Judgement::HostedBy => "decided-hosted-by",
                Judgement::SucceededBy => "decided-succeeded-by",
                Judgement::SameVenue => "decided-same-venue",
            },
            Reason::RowsOfOneList => "rows-of-one-list",
            Reason::Shared(kind) => match kind {
                KeyKind::Charity => "same-charity",
                KeyKind::Page => "same-page",
                KeyKind::Email => "same-email",
                KeyKind::Phone => "same-phone",
                KeyKind::Switchboard => "same-switchboard",
                KeyKind::Site => "same-site",
            },
            Reason::NothingShared => "nothing-shared",
            Reason::Names(Names::Equal) => "names-equal",
            Reason::Names(Names::Near) => "names-near",
            Reason::Names(Names::Contained) => "names-contained",
            Reason::Names(Names::Different) => "names-different",
            Reason::Sisters => "sister-groups",
            Reason::PlacesAgree(_) => "places-agree",
            Reason::PlacesConflict(..) => "places-conflict",
            Reason::TopicsApart => "topics-apart",
        }
    }

    /// Plain words. `hub` gives a hub's name.
    pub fn words(&self, hub: &dyn Fn(&HubId) -> String) -> String {
        match self {
            Reason::Decided { by, judgement, at } => {
                let what = match judgement {
                    Judgement::Same => "said to be one group by",
                    Judgement::Different => "kept apart by",
                    Judgement::Unsure => "left open by",
                    Judgement::None => "no longer judged by",
                    Judgement::BranchOf => "kept apart as a branch and its parent by",
                    Judgement::HostedBy => "kept apart as a group and its host by",
                    Judgement::SucceededBy => "kept apart as a group and its successor by",
                    Judgement::SameVenue => "kept apart as two groups in one venue by",
                };
                let day = at.to_zoned(TimeZone::UTC).strftime("%-d %B %Y").to_string();
                format!("{what} {} on {day}", hub(by))
            }
            Reason::RowsOfOneList => "two rows of one list, which names each group once".into(),
            Reason::Shared(kind) => match kind {
                KeyKind::Charity => "same charity number",
                KeyKind::Page => "same web page",
                KeyKind::Email => "same e-mail address",
                KeyKind::Phone => "same phone number",
                KeyKind::Switchboard => "same organisation's phone number",
                KeyKind::Site => "same website",
            }
            .into(),
            Reason::NothingShared => "no web page, e-mail address, phone or charity number in common".into(),
            Reason::Names(Names::Equal) => "same name".into(),
            Reason::Names(Names::Near) => "names alike".into(),
            Reason::Names(Names::Contained) => "one name within the other".into(),
            Reason::Names(Names::Different) => "names differ".into(),
            Reason::Sisters => "names of sister groups (such as men and women, or two weekdays)".into(),
            Reason::PlacesAgree(Some(place)) => format!("both in {place}"),
            Reason::PlacesAgree(None) => "both in the same place".into(),
            Reason::PlacesConflict(Some(a), Some(b)) if a != b => format!("one in {a}, one in {b}"),
            Reason::PlacesConflict(..) => "in different places".into(),
            Reason::TopicsApart => "no topic in common".into(),
        }
    }
}

impl Why {
    /// All reasons in one line of plain words.
    pub fn words(&self, hub: &dyn Fn(&HubId) -> String) -> String {
        self.reasons.iter().map(|reason| reason.words(hub)).collect::<Vec<_>>().join("; ")
    }
}

/// Why two records are, or are not, taken for one group. Decisions about other pairs are passed over.
pub fn explain(a: &Candidate, b: &Candidate, decisions: &[Decision], too_common: &BTreeSet<u64>) -> Why {
    let pair = (a.record.min(b.record), a.record.max(b.record));
    let mut about: Vec<Decision> = standing(decisions).into_iter().filter(|decision| decision.pair() == pair).collect();
    let keeps = |d: &Decision| !matches!(d.judgement, Judgement::Same | Judgement::Unsure | Judgement::None);
    // The order of `cluster`: rank first, and of one rank what keeps apart.
    about.sort_by_key(|decision| (std::cmp::Reverse(decision.rank), !keeps(decision), decision.at, decision.author));
    about.retain(|decision| decision.judgement != Judgement::None);
    let comparison = compare(&a.features, &b.features, too_common);
    let rows_apart = a.list.is_some() && a.list == b.list && !(a.duplicates || b.duplicates);

    let mut reasons: Vec<Reason> = about
        .iter()
        .map(|decision| Reason::Decided { by: decision.author, judgement: decision.judgement, at: decision.at })
        .collect();
    if rows_apart {
        reasons.push(Reason::RowsOfOneList);
    }
    if comparison.shared.is_empty() {
        reasons.push(Reason::NothingShared);
    }
    reasons.extend(comparison.shared.iter().map(|kind| Reason::Shared(*kind)));
    reasons.push(if comparison.sisters { Reason::Sisters } else { Reason::Names(comparison.names) });
    let written = |candidate: &Candidate| candidate.features.place.written.clone();
    match comparison.places {
        Places::Agree => reasons.push(Reason::PlacesAgree(shorter(written(a), written(b)))),
        Places::Conflict => reasons.push(Reason::PlacesConflict(written(a), written(b))),
        Places::Unknown => {}
    }
    if comparison.topics_apart {
        reasons.push(Reason::TopicsApart);
    }
    let verdict = match about.iter().find(|decision| decision.judgement != Judgement::Unsure) {
        Some(decision) if decision.judgement == Judgement::Same => Verdict::Same,
        Some(_) => Verdict::Apart,
        None if rows_apart || comparison.clashes() => Verdict::Apart,
        None if comparison.joins() => Verdict::Same,
        None => Verdict::Nothing,
    };
    Why { verdict, reasons }
}

fn shorter(a: Option<String>, b: Option<String>) -> Option<String> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if (b.len(), &b) < (a.len(), &a) { b } else { a }),
        (a, b) => a.or(b),
    }
}
