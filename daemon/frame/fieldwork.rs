//! Fieldwork: what becomes of a drawn sample. Which groups are in the field, what each answered at two levels, who takes the place of
//! whom, and what follows from it.
//!
//! Everything is a list of entries, in the order in which they were noted; [`Field::of`] makes of it what stands. Nothing is changed: what
//! was wrong is taken back by a later entry, and both stay. Every entry is judged when the list is read, so that a list in which a
//! replacement was taken out of turn is refused wherever it comes from.

mod next;
mod rates;

#[cfg(test)]
mod tests;

pub use next::Next;
pub use rates::{Rate, Rates, rates};

use super::draw::{self, Draw, DrawError};
use super::frozen::Frame;
use super::request::{Design, Request};
use super::sample::SampleError;
use super::sample::disposition::{Disposition, Outcome};
use super::strata::Values;
use crate::record::canonical;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A unit that was drawn, or may come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    /// Its id.
    pub id: String,
    /// Of which of the study's draws it is, from 0.
    pub draw: usize,
    /// Its stratum; empty where the design has none.
    pub stratum: String,
    /// Its place in the reserve, from 1; none for a unit that was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserve: Option<usize>,
    /// Values by dimension, its area among them.
    pub values: Values,
}

/// A draw of the study: one, or one for each hub that drew from its own part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Who drew: the hub's name. In a study of several sites, the site.
    pub site: String,
    /// Digest of the draw.
    pub digest: String,
    /// Units of the frame from which it was drawn.
    pub population: usize,
    /// What was asked.
    pub request: Request,
}

/// A study: what was drawn for it, from which frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Study {
    /// Its name.
    pub name: String,
    /// The frame's name.
    pub frame: String,
    /// The frame's digest.
    pub digest: String,
    /// Its draws.
    pub parts: Vec<Part>,
    /// Units taken, then those of the reserve, each draw in its order. Stored apart.
    #[serde(skip)]
    pub units: Vec<Unit>,
}

impl Study {
    /// A study by its draws, each with who drew; of draws that were made again the last. The reserve is all of the frame that is left,
    /// not only what the draws wrote down.
    ///
    /// # Errors
    /// No draw; what a replay refuses.
    pub fn of(name: &str, frame: &Frame, digest: &str, draws: Vec<(String, Draw)>) -> Result<Study, FieldError> {
        let again: BTreeSet<String> =
            draws.iter().filter_map(|(_, draw)| Some(draw.request.redraw.as_ref()?.of.clone())).collect();
        let values: BTreeMap<String, Values> =
            frame.units().map(|row| (row.id.to_string(), draw::values(row))).collect();
        let (mut parts, mut units) = (Vec::new(), Vec::new());
        for (site, drawn) in draws.into_iter().filter(|(_, drawn)| drawn.request.study == name) {
            let own = drawn.digest();
            if again.contains(&own) {
                continue;
            }
            let request = drawn.request;
            let whole = draw::draw(frame, digest, Request { reserve: usize::MAX, ..request.clone() })?;
            let population = frame.units().filter(|row| request.takes(row.facts.area.as_deref())).count();
            let unit = |id: &String, stratum: &String, reserve| Unit {
                id: id.clone(),
                draw: parts.len(),
                stratum: stratum.clone(),
                reserve,
                values: values.get(id).cloned().unwrap_or_default(),
            };
            units.extend(whole.base.iter().map(|one| unit(&one.unit, &one.stratum, None)));
            units.extend(whole.reserve.iter().map(|one| unit(&one.unit, &one.stratum, Some(one.order))));
            parts.push(Part { site, digest: own, population, request });
        }
        if parts.is_empty() {
            return Err(FieldError::NoDraw(name.to_owned()));
        }
        Ok(Study {
            name: name.to_owned(),
            frame: frame.definition.sample_frame_name.clone(),
            digest: digest.to_owned(),
            parts,
            units,
        })
    }

    /// What a unit has in a dimension, as one text: `site` is who drew it. Several values joined, none as `not known`.
    pub fn value(&self, unit: &Unit, dimension: &str) -> String {
        if dimension == SITE {
            return self.parts[unit.draw].site.clone();
        }
        let values = unit.values.get(dimension).map(|values| values.iter().cloned().collect::<Vec<_>>().join(" + "));
        values.unwrap_or_else(|| NOT_KNOWN.to_owned())
    }

    /// The dimensions by which units can be counted.
    pub fn dimensions(&self) -> BTreeSet<String> {
        let named = self.units.iter().flat_map(|unit| unit.values.keys().cloned());
        named.chain([SITE.to_owned()]).collect()
    }

    /// What comes next on the line after every unit of this study, for one that spares its groups; and the seed that it needs. None where
    /// the groups lie all along the line, because another design than simple random took them.
    pub fn used_line(&self, frame: &Frame, used: &BTreeSet<String>) -> Option<(String, Option<String>)> {
        use super::ticket::{Numbered, Seed};
        let first = &self.parts.first()?.request;
        let alike = |part: &Part| {
            matches!(part.request.design, Design::Simple { .. })
                && part.request.commitment.seed == first.commitment.seed
                && part.request.line == first.line
        };
        if !self.parts.iter().all(alike) {
            return None;
        }
        let (line, seed) = (first.on().ok()?, Seed::new(&first.commitment.seed));
        let numbered = |unit: &String| Numbered { ticket: seed.ticket(unit), unit: unit.clone() };
        let last = used.iter().map(numbered).max_by(|a, b| line.compare(a, b))?;
        let next = draw::after(frame, &first.commitment.seed, &last.ticket);
        Some((first.commitment.seed.clone(), next.map(|ticket| ticket.to_string())))
    }
}

/// The dimension of who drew a unit.
pub const SITE: &str = "site";
/// What stands for a value that nobody knows.
const NOT_KNOWN: &str = "not known";

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Event {
    /// What became of a group, at one level or both. A level that is not named stays as it was.
    Outcome {
        /// The unit.
        unit: String,
        /// The coordinator.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        coordinator: Option<Outcome>,
        /// The members.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        members: Option<Outcome>,
        /// Why, in words that name nobody.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// A unit of the reserve takes the place of one that will not or cannot take part.
    Issued {
        /// The unit that comes.
        unit: String,
        /// The one whose place it takes.
        instead_of: String,
    },
    /// An earlier entry was wrong.
    TakenBack {
        /// Its number.
        entry: usize,
        /// Why, in words that name nobody.
        why: String,
    },
    /// All groups in the field were given study numbers. From here on nobody comes in: a number given later would tell who did.
    Numbered {
        /// How many.
        units: usize,
    },
    /// Something was released.
    Released {
        /// What was shown of each group.
        shown: Vec<String>,
        /// Smallest cell that needs no warning.
        k: usize,
        /// Cells that were smaller.
        small: usize,
        /// Why it was released all the same, where some were.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
}

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its number, from 1.
    pub n: usize,
    /// When it happened.
    #[serde(deserialize_with = "canonical::a_date")]
    pub day: Date,
    /// What.
    pub event: Event,
}

/// Why an entry is refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FieldError {
    /// Nothing was drawn for the study.
    #[error("nothing was drawn for {0:?} in this folder")]
    NoDraw(String),
    /// A draw that cannot be replayed.
    #[error(transparent)]
    Draw(#[from] DrawError),
    /// A unit that is not in the field.
    #[error("{0} is not in the field: it was neither drawn nor issued from the reserve")]
    NotInField(String),
    /// An outcome that cannot be.
    #[error(transparent)]
    Disposition(#[from] SampleError),
    /// Nothing is said.
    #[error("the entry says nothing: neither of the coordinator nor of the members")]
    NothingSaid,
    /// A place that is not free.
    #[error("{0} can still take part, so nobody takes its place: it neither refused nor was lost")]
    NotFree(String),
    /// Somebody has its place already.
    #[error("{unit} has been replaced already, by {by}")]
    Replaced {
        /// The unit.
        unit: String,
        /// Who has its place.
        by: String,
    },
    /// Another unit is next.
    #[error("{given} is not next in the reserve: {next} is")]
    NotNext {
        /// Who was named.
        given: String,
        /// Who is next.
        next: String,
    },
    /// Nobody is left.
    #[error("the reserve of {0} is used up: the frame has nobody left")]
    Empty(String),
    /// No entry that can be taken back.
    #[error("entry {0} cannot be taken back: {1}")]
    NotTakenBack(usize, &'static str),
    /// Later entries rest on what is taken back.
    #[error("entry {later} rests on it ({what}): take that back first")]
    Rests {
        /// The later entry.
        later: usize,
        /// Why it does not stand alone.
        what: String,
    },
    /// Numbers were given.
    #[error("study numbers were given already: {0}")]
    Numbered(&'static str),
    /// No numbers were given.
    #[error("no study numbers were given yet")]
    NotNumbered,
    /// Entries with gaps.
    #[error("the entries are not numbered one after the other: entry {0} is missing or there twice")]
    Order(usize),
}

impl FieldError {
    /// Stable kebab-case code.
    pub fn code(&self) -> &'static str {
        match self {
            FieldError::NoDraw(_) => "study-no-draw",
            FieldError::Draw(error) => error.code(),
            FieldError::NotInField(_) => "study-not-in-field",
            FieldError::Disposition(error) => error.code(),
            FieldError::NothingSaid => "study-nothing-said",
            FieldError::NotFree(_) => "study-not-free",
            FieldError::Replaced { .. } => "study-replaced",
            FieldError::NotNext { .. } => "study-not-next",
            FieldError::Empty(_) => "study-reserve-empty",
            FieldError::NotTakenBack(..) => "study-not-taken-back",
            FieldError::Rests { .. } => "study-rests",
            FieldError::Numbered(_) => "study-numbered",
            FieldError::NotNumbered => "study-not-numbered",
            FieldError::Order(_) => "study-order",
        }
    }
}

/// A unit in the field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// The unit.
    pub unit: String,
    /// What became of it.
    pub disposition: Disposition,
    /// Since when.
    pub day: Option<Date>,
    /// Whose place it took, where it came from the reserve.
    pub instead_of: Option<String>,
    /// Who took its place.
    pub replaced_by: Option<String>,
}

impl Standing {
    fn new(unit: &str, instead_of: Option<String>) -> Standing {
        let nothing = Outcome::NotApproached;
        let disposition = Disposition { coordinator: nothing, members: nothing, reason: None };
        Standing { unit: unit.to_owned(), disposition, day: None, instead_of, replaced_by: None }
    }

    /// Whether another may take its place: at one level it will not or cannot take part. Its answers at the other level stay.
    pub fn free(&self) -> bool {
        self.disposition.coordinator.replaceable() || self.disposition.members.replaceable()
    }
}

/// What stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Field<'a> {
    /// The study.
    pub study: &'a Study,
    /// Every unit that was drawn or issued, in that order.
    pub units: Vec<Standing>,
    /// Whether study numbers were given.
    pub numbered: bool,
    /// Entries that were taken back.
    pub gone: BTreeSet<usize>,
    /// The study's units by their ids, those of the reserve as well: of a nation's frame there are many.
    known: BTreeMap<&'a str, &'a Unit>,
    /// Where in `units` a unit stands.
    at: BTreeMap<&'a str, usize>,
}

impl<'a> Field<'a> {
    /// What a study's entries make together.
    ///
    /// # Errors
    /// The first entry that cannot be.
    pub fn of(study: &'a Study, entries: &[Entry]) -> Result<Field<'a>, FieldError> {
        Field::read(study, entries).map_err(|(_, error)| error)
    }

    /// What stands once new entries are added. Of what is taken back, nothing later may be left in the air.
    ///
    /// # Errors
    /// What [`Field::of`] refuses; [`FieldError::Rests`] where an earlier entry would no longer stand.
    pub fn adding(study: &'a Study, entries: &[Entry], new: &[Entry]) -> Result<Field<'a>, FieldError> {
        let all: Vec<Entry> = entries.iter().chain(new).cloned().collect();
        Field::read(study, &all).map_err(|(at, error)| {
            if at > entries.len() { error } else { FieldError::Rests { later: at, what: error.to_string() } }
        })
    }

    fn read(study: &'a Study, entries: &[Entry]) -> Result<Field<'a>, (usize, FieldError)> {
        let mut gone = BTreeSet::new();
        for (at, entry) in entries.iter().enumerate() {
            let refuse = |error| Err((entry.n, error));
            if entry.n != at + 1 {
                return refuse(FieldError::Order(at + 1));
            }
            let Event::TakenBack { entry: of, why } = &entry.event else { continue };
            let no = |what| refuse(FieldError::NotTakenBack(*of, what));
            match of.checked_sub(1).and_then(|of| entries[..at].get(of)).map(|one| &one.event) {
                None => return no("there is no such entry before it"),
                Some(Event::TakenBack { .. }) => return no("it takes back another; enter that one again"),
                Some(Event::Numbered { .. } | Event::Released { .. }) => return no("what others have seen stays seen"),
                Some(_) if why.trim().is_empty() => return no("it is not said why"),
                Some(_) if !gone.insert(*of) => return no("it was taken back before"),
                Some(_) => {}
            }
        }
        let known = study.units.iter().map(|unit| (unit.id.as_str(), unit)).collect();
        let (units, gone_by, at) = (Vec::new(), BTreeSet::new(), BTreeMap::new());
        let mut field = Field { study, units, numbered: false, gone: gone_by, known, at };
        study.units.iter().filter(|unit| unit.reserve.is_none()).for_each(|unit| field.comes(unit, None));
        for entry in entries.iter().filter(|entry| !gone.contains(&entry.n)) {
            field.take(entry).map_err(|error| (entry.n, error))?;
        }
        field.gone = gone;
        Ok(field)
    }

    fn comes(&mut self, unit: &'a Unit, instead_of: Option<String>) {
        self.at.insert(&unit.id, self.units.len());
        self.units.push(Standing::new(&unit.id, instead_of));
    }

    /// A unit of the study, in the field or in the reserve.
    fn unit(&self, id: &str) -> Option<&'a Unit> {
        self.known.get(id).copied()
    }

    fn take(&mut self, entry: &Entry) -> Result<(), FieldError> {
        match &entry.event {
            Event::Outcome { unit, coordinator, members, reason } => {
                if coordinator.is_none() && members.is_none() {
                    return Err(FieldError::NothingSaid);
                }
                let standing = self.standing_mut(unit)?;
                let before = &standing.disposition;
                let mut now = Disposition {
                    coordinator: coordinator.unwrap_or(before.coordinator),
                    members: members.unwrap_or(before.members),
                    reason: reason.clone(),
                };
                if now.coordinator.needs_reason() || now.members.needs_reason() {
                    now.reason = now.reason.or_else(|| before.reason.clone());
                }
                now.check()?;
                (standing.disposition, standing.day) = (now, Some(entry.day));
                if let (false, Some(by)) = (standing.free(), standing.replaced_by.clone()) {
                    return Err(FieldError::Replaced { unit: unit.clone(), by });
                }
            }
            Event::Issued { unit, instead_of } => {
                if self.numbered {
                    return Err(FieldError::Numbered("whoever came in now would be known by the number"));
                }
                let next = self.next(instead_of)?;
                if next.unit != *unit {
                    return Err(FieldError::NotNext { given: unit.clone(), next: next.unit });
                }
                let comes = self.unit(unit).ok_or_else(|| FieldError::NotInField(unit.clone()))?;
                self.standing_mut(instead_of)?.replaced_by = Some(unit.clone());
                self.comes(comes, Some(instead_of.clone()));
            }
            Event::Numbered { .. } if self.numbered => {
                return Err(FieldError::Numbered("they are given once"));
            }
            Event::Numbered { .. } => self.numbered = true,
            Event::Released { .. } if !self.numbered => return Err(FieldError::NotNumbered),
            Event::Released { .. } | Event::TakenBack { .. } => {}
        }
        Ok(())
    }

    fn standing_mut(&mut self, unit: &str) -> Result<&mut Standing, FieldError> {
        let found = self.at.get(unit).and_then(|at| self.units.get_mut(*at));
        found.ok_or_else(|| FieldError::NotInField(unit.to_owned()))
    }

    /// A unit in the field.
    ///
    /// # Errors
    /// [`FieldError::NotInField`].
    pub fn standing(&self, unit: &str) -> Result<&Standing, FieldError> {
        let found = self.at.get(unit).and_then(|at| self.units.get(*at));
        found.ok_or_else(|| FieldError::NotInField(unit.to_owned()))
    }

    /// How many units in the field have which value of a dimension.
    pub fn count(&self, dimension: &str) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for standing in &self.units {
            if let Some(unit) = self.unit(&standing.unit) {
                *counts.entry(self.study.value(unit, dimension)).or_default() += 1;
            }
        }
        counts
    }

    /// Units that were drawn or issued.
    pub fn used(&self) -> BTreeSet<String> {
        self.units.iter().map(|one| one.unit.clone()).collect()
    }

    /// What a release would show of each unit in the field, in the order of the units.
    pub fn shown(&self, dimensions: &[String]) -> Vec<BTreeMap<String, String>> {
        let of = |standing: &Standing| {
            let unit = self.unit(&standing.unit);
            let value = |dimension: &String| match (dimension.as_str(), unit) {
                (OUTCOME, _) => word(standing.disposition.overall()),
                (_, Some(unit)) => self.study.value(unit, dimension),
                (_, None) => NOT_KNOWN.to_owned(),
            };
            dimensions.iter().map(|dimension| (dimension.clone(), value(dimension))).collect()
        };
        self.units.iter().map(of).collect()
    }
}

/// The dimension of what became of a unit as a whole.
pub const OUTCOME: &str = "outcome";

/// An outcome as it is written.
pub fn word(outcome: Outcome) -> String {
    serde_json::to_value(outcome).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
