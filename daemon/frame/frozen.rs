//! A frame: its definition, the groups that were judged, with what and how, and the accounts; and the bytes of all that.
//!
//! The text of a frame holds everything from which it was built, so that whoever has it can build it again: the profile itself,
//! each group's records, facts and sources, people's decisions. It holds no name, contact or place: of a group only ids, codes and days.

use super::cells;
pub use super::definition::{Definition, NotSaid, Period};
use super::eligibility::{Decision, DecisionError, Facts, Outcome, Scope, judge};
use super::flow::{Apart, Flow, NotReconciled, Step};
use super::lines::{self, LineError};
use super::profile::{Profile, ProfileError};
use super::strata::{self, Values};
use crate::record::{RecordRef, canonical};
use crate::registry::Merged;
use crate::registry::sighting::Seen;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// First line of a frame's text.
pub const HEADER: &str = "mutuald-frame/1";

/// A group of the registry, as far as a frame looks at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The group's id.
    pub id: RecordRef,
    /// Its records with their revisions, sorted.
    pub records: Vec<(RecordRef, u64)>,
    /// Records that only repeat others.
    pub copies: Vec<RecordRef>,
    /// What it is judged by.
    pub facts: Facts,
    /// Values for strata and quotas.
    pub values: Values,
    /// Who saw it at first hand, sorted.
    pub sources: Vec<String>,
    /// When it was last checked.
    pub assured: Option<Date>,
    /// Whether the public may see that it exists. If not, it is counted as withheld and stands in no frame.
    pub listed: bool,
}

/// The units of a group that a frame looks at: those of [`Facts::of`] and [`strata::values`].
const UNITS: [&str; 7] = ["place", "status", "criteria", "topics", "communities", "affiliation", "founded"];

impl Candidate {
    /// A merged group with those who saw it.
    pub fn of(group: &Merged, seen: &[Seen], definition: &Definition) -> Candidate {
        let words = group.some(&UNITS);
        let sources: BTreeSet<String> = seen.iter().map(|seen| seen.observed_by.clone()).collect();
        Candidate {
            id: group.id,
            records: group.members.iter().copied().zip(group.revs.iter().copied()).collect(),
            copies: group.copies.clone(),
            facts: Facts::of(&words),
            values: strata::values(&words, definition.as_of, &definition.roll_up),
            sources: sources.into_iter().collect(),
            assured: group.assured.as_ref().map(|assured| assured.date).filter(|date| *date <= definition.as_of),
            listed: group.listed(),
        }
    }
}

/// A group that was judged. Its members are declared in the order of their names, in which they are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// When it was last checked.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "canonical::some_date")]
    pub assured: Option<Date>,
    /// Records that only repeat others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub copies: Vec<RecordRef>,
    /// What it was judged by.
    pub facts: Facts,
    /// The group's id: the frame unit.
    pub id: RecordRef,
    /// What became of it.
    pub outcome: Outcome,
    /// Its records with their revisions, sorted.
    pub records: Vec<(RecordRef, u64)>,
    /// Who saw it at first hand, sorted. Their number is the unit's multiplicity.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    /// Values for strata and quotas.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: Values,
}

impl Row {
    /// Every record that is this group's.
    pub fn all(&self) -> impl Iterator<Item = RecordRef> + '_ {
        self.records.iter().map(|(record, _)| *record).chain(self.copies.iter().copied())
    }

    /// Writes its line.
    fn write(&self, out: &mut Vec<u8>) {
        let mut names = self.facts.criteria.keys().chain(self.values.keys());
        if names.all(|name| name.is_ascii()) {
            lines::write_plain(out, &Written::Group(self));
        } else {
            lines::write(out, &Written::Group(self));
        }
    }
}

/// A frame, built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// What it is.
    pub definition: Definition,
    /// The rules.
    pub profile: Profile,
    /// People's decisions, sorted, those that concern none of its groups included.
    pub decisions: Vec<Decision>,
    /// Every group that was judged, sorted by id.
    pub rows: Vec<Row>,
    /// The accounts.
    pub flow: Flow,
}

/// Why a frame is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Bytes that are no frame's.
    #[error(transparent)]
    Lines(#[from] LineError),
    /// Something that a definition must say and does not.
    #[error("the definition does not say {0}")]
    Definition(&'static str),
    /// A profile that is not sound.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// A decision that is not sound.
    #[error("the decision about {on}: {error}")]
    Decision {
        /// The record it names.
        on: RecordRef,
        /// What is wrong.
        error: DecisionError,
    },
    /// A record in two groups, or a group without records.
    #[error("the record {0} stands in two groups, or a group has none")]
    Record(RecordRef),
    /// A part is missing, there twice, or in another order.
    #[error("the frame's {0} is missing, there twice, or not in its place")]
    Part(&'static str),
    /// A group that the frame's own rules judge otherwise.
    #[error("the group {id} is judged otherwise by the frame's own rules: the frame says {said}, they give {found}")]
    Outcome {
        /// The group.
        id: RecordRef,
        /// What the frame says.
        said: String,
        /// What a replay gives.
        found: String,
    },
    /// Accounts that do not add up.
    #[error(transparent)]
    Flow(#[from] NotReconciled),
    /// Accounts that are not those of the frame's groups.
    #[error("the accounts are not those of the frame's groups")]
    Accounts,
}

impl FrameError {
    /// Stable kebab-case code.
    pub fn code(&self) -> &'static str {
        match self {
            FrameError::Lines(error) => error.code(),
            FrameError::Definition(_) => "frame-definition",
            FrameError::Profile(error) => error.code(),
            FrameError::Decision { error, .. } => error.code(),
            FrameError::Record(_) => "frame-record",
            FrameError::Part(_) => "frame-part",
            FrameError::Outcome { .. } => "frame-outcome",
            FrameError::Flow(_) | FrameError::Accounts => "frame-accounts",
        }
    }
}

/// A line of a frame's text, as it is read.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Line {
    Definition(Box<Definition>),
    Profile(Box<Profile>),
    Flow(Vec<Step>),
    Decision(Decision),
    Group(Row),
}

/// The same line, to be written: nothing is copied for it.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
enum Written<'a> {
    Definition(&'a Definition),
    Profile(&'a Profile),
    Flow(Vec<Step>),
    Decision(&'a Decision),
    Group(&'a Row),
}

impl Line {
    /// Writes it as it must stand in a frame.
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Line::Group(row) => row.write(out),
            other => lines::write(out, other),
        }
    }
}

/// Builds a frame of groups in any order. `apart`: records that never came to be part of a group, by reason. Groups that must not be listed
/// are counted where they are [`cells::K`] or more, and otherwise not at all.
///
/// # Errors
/// A definition, profile or decision that is not sound; a record in two groups.
pub fn build(
    definition: Definition,
    profile: Profile,
    candidates: impl IntoIterator<Item = Candidate>,
    apart: &[(Apart, usize)],
    decisions: impl IntoIterator<Item = Decision>,
) -> Result<Frame, FrameError> {
    let mut flow = Flow::default();
    for (why, count) in apart {
        (0..*count).for_each(|_| flow.apart(*why));
    }
    let decisions: BTreeSet<Decision> = decisions.into_iter().collect();
    let mut rows = Vec::new();
    // Groups that must not be listed, and their records.
    let mut withheld = (0, 0);
    for one in candidates {
        let records = one.records.len() + one.copies.len();
        let mut hubs = one.records.iter().map(|(record, _)| record).chain(&one.copies).map(|record| record.hub);
        let from = definition.sources.is_empty() || hubs.any(|hub| definition.sources.contains(&hub));
        if !from {
            (0..records).for_each(|_| flow.apart(Apart::OtherSource));
            continue;
        }
        if !one.listed {
            withheld = (withheld.0 + 1, withheld.1 + records);
            continue;
        }
        let Candidate { id, mut records, mut copies, facts, values, sources, assured, .. } = one;
        records.sort_unstable();
        copies.sort_unstable();
        rows.push(Row { id, records, copies, facts, values, sources, assured, outcome: Outcome::Included });
    }
    // Of an area with one refuge a count of one tells that it is there (USERS L8): so few are not even received.
    if withheld.0 >= cells::K {
        (0..withheld.1).for_each(|_| flow.apart(Apart::Withheld));
    }
    rows.sort_unstable_by_key(|row| row.id);
    let mut frame = Frame { definition, profile, decisions: decisions.into_iter().collect(), rows, flow };
    frame.check()?;
    for (at, outcome) in frame.replay().into_iter().enumerate() {
        let row = &mut frame.rows[at];
        frame.flow.group(row.all().count(), &outcome);
        row.outcome = outcome;
    }
    Ok(frame)
}

impl Frame {
    fn check(&self) -> Result<(), FrameError> {
        self.definition.check().map_err(|NotSaid(what)| FrameError::Definition(what))?;
        self.profile.check()?;
        for decision in &self.decisions {
            decision.check().map_err(|error| FrameError::Decision { on: decision.on, error })?;
        }
        let mut met = BTreeSet::new();
        for row in &self.rows {
            if row.records.is_empty() {
                return Err(FrameError::Record(row.id));
            }
            if let Some(twice) = row.all().find(|record| !met.insert(*record)) {
                return Err(FrameError::Record(twice));
            }
        }
        Ok(())
    }

    /// What the rules and people's decisions make of every row.
    fn replay(&self) -> Vec<Outcome> {
        let mut about: BTreeMap<RecordRef, Vec<&Decision>> = BTreeMap::new();
        for decision in &self.decisions {
            about.entry(decision.on).or_default().push(decision);
        }
        let scope = Scope { areas: &self.definition.area, as_of: self.definition.as_of };
        let judged = |row: &Row| {
            let decisions: Vec<&Decision> =
                row.all().flat_map(|record| about.get(&record).into_iter().flatten().copied()).collect();
            judge(&self.profile, scope, &row.facts, &decisions)
        };
        lines::each(&self.rows, |_, row| judged(row))
    }

    /// The units: rows that belong, sorted by id.
    pub fn units(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.outcome == Outcome::Included)
    }

    /// The frame's bytes.
    pub fn text(&self) -> Vec<u8> {
        let mut out = format!("{HEADER}\n").into_bytes();
        lines::write(&mut out, &Written::Definition(&self.definition));
        lines::write(&mut out, &Written::Profile(&self.profile));
        lines::write(&mut out, &Written::Flow(self.flow.steps()));
        lines::write_all(&mut out, &self.decisions, |out, one| lines::write(out, &Written::Decision(one)));
        lines::write_all(&mut out, &self.rows, |out, row| row.write(out));
        out
    }

    /// Reads a frame's bytes and builds it again from what they hold: every group judged anew, the accounts made anew.
    ///
    /// # Errors
    /// The first thing that is not as the frame's own rules make it, with the line or group.
    pub fn read(text: &[u8]) -> Result<Frame, FrameError> {
        let (mut definition, mut profile, mut steps) = (None, None, None);
        let (mut decisions, mut rows) = (Vec::new(), Vec::new());
        for line in lines::read(text, HEADER, |out, line: &Line| line.write(out))? {
            match line {
                Line::Definition(one) if definition.is_none() && profile.is_none() => definition = Some(one),
                Line::Profile(one) if profile.is_none() && steps.is_none() => profile = Some(one),
                Line::Flow(one) if steps.is_none() && decisions.is_empty() && rows.is_empty() => steps = Some(one),
                Line::Decision(one) if rows.is_empty() && decisions.last().is_none_or(|last| *last < one) => {
                    decisions.push(one);
                }
                Line::Group(one) if rows.last().is_none_or(|last: &Row| last.id < one.id) => rows.push(one),
                Line::Definition(_) => return Err(FrameError::Part("definition")),
                Line::Profile(_) => return Err(FrameError::Part("profile")),
                Line::Flow(_) => return Err(FrameError::Part("accounts")),
                Line::Decision(_) => return Err(FrameError::Part("list of decisions")),
                Line::Group(_) => return Err(FrameError::Part("list of groups")),
            }
        }
        let definition = *definition.ok_or(FrameError::Part("definition"))?;
        let profile = *profile.ok_or(FrameError::Part("profile"))?;
        let flow = Flow::read_back(&steps.ok_or(FrameError::Part("accounts"))?)?;
        let frame = Frame { definition, profile, decisions, rows, flow };
        frame.check()?;
        let mut again = Flow::default();
        for (row, found) in frame.rows.iter().zip(frame.replay()) {
            if row.outcome != found {
                let (said, found) = (say(&row.outcome), say(&found));
                return Err(FrameError::Outcome { id: row.id, said, found });
            }
            again.group(row.all().count(), &found);
        }
        // What never came to be part of a group is known from the accounts alone.
        if again.steps()[2..] == frame.flow.steps()[2..] { Ok(frame) } else { Err(FrameError::Accounts) }
    }

    /// SHA-256 (hex) of the frame's bytes.
    pub fn digest(&self) -> String {
        lines::digest(&self.text())
    }
}

/// An outcome in words.
pub fn say(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Included => "included".to_owned(),
        Outcome::Excluded(reasons) => format!("excluded ({})", reasons.join(", ")),
        Outcome::Undecided(missing) => {
            let what: Vec<&str> = missing.iter().map(|one| one.what.as_str()).collect();
            format!("undecided ({})", what.join(", "))
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
