//! A draw: a design, a seed that was chosen after the frame was fixed, and the units that follow from both; and its bytes.
//!
//! A stranger who has the frame's bytes and the draw's can make the draw again and must get the same bytes.

use super::frozen::{Frame, Row};
use super::lines::{self, LineError};
pub use super::request::{Commitment, Design, Redraw, Request, Size};
use super::sample::allocate::{self, allocate};
use super::sample::quota::{self, Candidate, Cell, Override, Quota};
use super::sample::{SampleError, Taken, simple, unequal};
use super::strata::DIMENSIONS;
use super::ticket::{Line, Numbered, Seed, Ticket};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// First line of a draw's text.
pub const HEADER: &str = "mutuald-draw/1";

/// A unit that may take another's place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reserve {
    /// The unit's id.
    pub unit: String,
    /// The stratum in which it may.
    pub stratum: String,
    /// Its place, from 1: the next to be asked first.
    pub order: usize,
    /// Its ticket.
    pub ticket: String,
}

/// A draw.
#[derive(Debug, Clone, PartialEq)]
pub struct Draw {
    /// What was asked.
    pub request: Request,
    /// The units taken.
    pub base: Vec<Taken>,
    /// Who comes next.
    pub reserve: Vec<Reserve>,
    /// For quotas, how far each is met.
    pub coverage: Vec<Cell>,
}

/// Why a draw is refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DrawError {
    /// The design cannot be drawn.
    #[error(transparent)]
    Sample(#[from] SampleError),
    /// Bytes that are no draw's.
    #[error(transparent)]
    Lines(#[from] LineError),
    /// The seed was chosen for another frame.
    #[error("the seed was chosen for the frame {chosen}, and this is {given}")]
    OtherFrame {
        /// The frame named with the seed.
        chosen: String,
        /// The frame that is here.
        given: String,
    },
    /// The seed was known before the frame was fixed.
    #[error(
        "the seed was chosen at {at}, before the frame was fixed at {frozen}: whoever chose the frame could have chosen its draw"
    )]
    SeedFirst {
        /// When the seed was chosen.
        at: Timestamp,
        /// When the frame was fixed.
        frozen: Timestamp,
    },
    /// Nothing is said of the seed, the study, or of why it is drawn again.
    #[error("the draw does not say {0}")]
    NotSaid(&'static str),
    /// A place on the line that is none.
    #[error("{0:?} is no ticket")]
    Line(String),
    /// Groups of an earlier study were named beside a design in which that would bend the probabilities.
    #[error(
        "only a draw by quotas can name groups to be spared; in other designs they come last by where the line begins"
    )]
    Spared,
    /// A dimension that no unit has: a slip of the pen would make one stratum of all of them.
    #[error("the units have no {given:?}: they have {}", known.join(", "))]
    Dimension {
        /// What was named.
        given: String,
        /// What there is.
        known: Vec<String>,
    },
    /// A place on the line beside a design that does not go by it.
    #[error(
        "a systematic sample begins where its seed says: no place on the line of tickets moves it past an earlier study's groups"
    )]
    NoLine,
    /// Draws that make no order together.
    #[error("these draws make no order together: {0}")]
    Apart(&'static str),
    /// The units written down are not those that a replay gives.
    #[error("line {line} is not what the frame and the seed give: the draw was changed, or is of another frame")]
    Replay {
        /// Counted from 1.
        line: usize,
    },
}

impl DrawError {
    /// Stable kebab-case code.
    pub fn code(&self) -> &'static str {
        match self {
            DrawError::Sample(error) => error.code(),
            DrawError::Lines(error) => error.code(),
            DrawError::OtherFrame { .. } => "draw-other-frame",
            DrawError::SeedFirst { .. } => "draw-seed-first",
            DrawError::NotSaid(_) => "draw-not-said",
            DrawError::Line(_) => "draw-line",
            DrawError::Spared => "draw-spared",
            DrawError::Dimension { .. } => "draw-dimension",
            DrawError::NoLine => "draw-no-line",
            DrawError::Apart(_) => "draw-apart",
            DrawError::Replay { .. } => "draw-replay",
        }
    }
}

/// What a unit has in a dimension, as one text: several values joined, none as `not known`.
pub fn value(row: &Row, dimension: &str) -> String {
    const NOT_KNOWN: &str = "not known";
    let found = match dimension {
        "area" => row.facts.area.clone(),
        other => row.values.get(other).map(|values| values.iter().cloned().collect::<Vec<_>>().join(" + ")),
    };
    found.unwrap_or_else(|| NOT_KNOWN.to_owned())
}

/// All values of a unit by dimension, its area among them.
pub fn values(row: &Row) -> BTreeMap<String, BTreeSet<String>> {
    let mut values = row.values.clone();
    values.extend(row.facts.area.iter().map(|area| ("area".to_owned(), BTreeSet::from([area.clone()]))));
    values
}

fn joined(row: &Row, dimensions: &[String]) -> String {
    dimensions.iter().map(|dimension| value(row, dimension)).collect::<Vec<_>>().join(" / ")
}

/// Draws. `frame` is the digest of the frame's bytes.
///
/// # Errors
/// A seed of another frame or chosen too early; a second draw without a reason; what a design refuses.
pub fn draw(frame: &Frame, digest: &str, request: Request) -> Result<Draw, DrawError> {
    check(&request, digest)?;
    let line = request.on()?;
    let seed = Seed::new(&request.commitment.seed);
    let units = Units::of(frame, &request, &seed, &line);
    let (base, reserve, coverage) = match &request.design {
        Design::Simple { n } => units.stratified(&[], &BTreeMap::from([(String::new(), *n)]))?,
        Design::Stratified { by, rule, n, minimum, deviations } => {
            let counts = units.counts(by);
            let stratum = |(name, population): (&String, &usize)| allocate::Stratum {
                name: name.clone(),
                population: *population,
                deviation: deviations.get(name).copied().unwrap_or(0.0),
            };
            let strata: Vec<allocate::Stratum> = counts.iter().map(stratum).collect();
            units.stratified(by, &allocate(*rule, *n, *minimum, &strata)?)?
        }
        Design::Systematic { sort, n } => units.systematic(sort, *n)?,
        Design::SystematicPps { sort, size, n } => units.pps(Some(sort), size, *n)?,
        Design::ParetoPps { size, n } => units.pps(None, size, *n)?,
        Design::Quota { quotas, n, overrides } => units.quota(quotas, *n, overrides, &request.spared)?,
    };
    let mut kept: BTreeMap<String, usize> = BTreeMap::new();
    let reserve = reserve
        .into_iter()
        .filter(|one| {
            let count = kept.entry(one.stratum.clone()).or_default();
            *count += 1;
            *count <= request.reserve
        })
        .collect();
    Ok(Draw { request, base, reserve, coverage })
}

/// Looks over a design before anything is drawn by it: what it names must be there.
///
/// # Errors
/// [`DrawError::Dimension`].
pub fn possible(frame: &Frame, design: &Design) -> Result<(), DrawError> {
    let own = frame.units().flat_map(|row| row.values.keys().map(String::as_str));
    let known: BTreeSet<&str> = ["area"].into_iter().chain(DIMENSIONS).chain(own).collect();
    match design.dimensions().into_iter().find(|named| !known.contains(named)) {
        None => Ok(()),
        Some(given) => {
            let known = known.into_iter().map(str::to_owned).collect();
            Err(DrawError::Dimension { given: given.to_owned(), known })
        }
    }
}

/// Checks a request against the number of draws that were made from its frame before: a second one says why. Which one it came after it names
/// by its digest; that one may be gone, and whoever reads the draw sees that there was one.
///
/// # Errors
/// [`DrawError::NotSaid`].
pub fn follows(request: &Request, earlier: usize) -> Result<(), DrawError> {
    match &request.redraw {
        None if earlier > 0 => Err(DrawError::NotSaid("why the frame is drawn from again")),
        _ => Ok(()),
    }
}

/// The order that draws from parts of one frame with one seed make together, as far as they wrote it down: the one that a single
/// registry has, because a ticket depends on seed and unit alone. Its first units are the sample of the whole.
///
/// # Errors
/// [`DrawError::Apart`]: other frames, seeds or places on the line; parts that may share units; a design whose reserve does not follow
/// the tickets; a draw without a reserve, which leaves open who comes next.
pub fn together(draws: &[Draw]) -> Result<Vec<Numbered>, DrawError> {
    let Some(first) = draws.first() else { return Err(DrawError::Apart("there are none")) };
    let line = first.request.on()?;
    let mut parts = Vec::new();
    // The first unit of which nobody can say what comes before it: all that is written up to the earliest of these is the whole.
    let mut unknown: Option<Numbered> = None;
    for (at, draw) in draws.iter().enumerate() {
        let (one, other) = (&draw.request, &first.request);
        if one.commitment.frame != other.commitment.frame {
            return Err(DrawError::Apart("they are of different frames"));
        }
        if one.commitment.seed != other.commitment.seed || one.line != other.line {
            return Err(DrawError::Apart("they have different seeds, or begin at different places of the line"));
        }
        if draws[..at].iter().any(|before| one.overlaps(&before.request.part)) {
            return Err(DrawError::Apart("a group may belong to the parts of two of them"));
        }
        if matches!(one.design, Design::SystematicPps { .. } | Design::ParetoPps { .. }) || !one.spared.is_empty() {
            return Err(DrawError::Apart("in one of them units do not follow each other by their tickets alone"));
        }
        let written = draw.written()?;
        for (stratum, units) in &written {
            let taken = draw.base.iter().find(|one| one.stratum == *stratum);
            if taken.is_some_and(|one| one.population == units.len()) {
                continue;
            }
            // What is written last of the reserve is the last of which all before it are written too.
            let last = draw.reserve.iter().rfind(|one| one.stratum == *stratum).map(|one| &one.unit);
            let last =
                units.iter().find(|one| Some(&one.unit) == last).ok_or(DrawError::Apart("one has no reserve"))?;
            if unknown.as_ref().is_none_or(|least| line.compare(last, least).is_lt()) {
                unknown = Some(last.clone());
            }
        }
        parts.extend(written.into_values());
    }
    let mut order = line.merge(parts);
    if let Some(last) = unknown {
        order.retain(|one| line.compare(one, &last).is_le());
    }
    Ok(order)
}

/// Where the line begins that comes after a ticket: at the next unit of the frame. None past the last, where it begins anew.
pub fn after(frame: &Frame, seed: &str, ticket: &Ticket) -> Option<Ticket> {
    let seed = Seed::new(seed);
    frame.units().map(|row| seed.ticket(&row.id.to_string())).filter(|one| one > ticket).min()
}

fn check(request: &Request, digest: &str) -> Result<(), DrawError> {
    if !request.spared.is_empty() && !matches!(request.design, Design::Quota { .. }) {
        return Err(DrawError::Spared);
    }
    if request.line.is_some() && !request.design.goes_by_line() {
        return Err(DrawError::NoLine);
    }
    let Commitment { seed, how, at, frozen, frame, .. } = &request.commitment;
    let reason = request.redraw.as_ref().map(|redraw| redraw.reason.as_str());
    let must = [
        ("its study", Some(request.study.as_str())),
        ("its seed", Some(seed)),
        ("where its seed comes from", Some(how)),
        ("why the frame is drawn from again", reason),
    ];
    if let Some((what, _)) = must.iter().find(|(_, text)| text.is_some_and(|text| text.trim().is_empty())) {
        return Err(DrawError::NotSaid(what));
    }
    if frame != digest {
        return Err(DrawError::OtherFrame { chosen: frame.clone(), given: digest.to_owned() });
    }
    if at < frozen {
        return Err(DrawError::SeedFirst { at: *at, frozen: *frozen });
    }
    Ok(())
}

type Result3 = Result<(Vec<Taken>, Vec<Reserve>, Vec<Cell>), SampleError>;

/// The frame's units, with what a draw makes of them.
struct Units<'a> {
    seed: &'a Seed,
    line: &'a Line,
    rows: Vec<(String, &'a Row)>,
}

impl<'a> Units<'a> {
    fn of(frame: &'a Frame, request: &Request, seed: &'a Seed, line: &'a Line) -> Units<'a> {
        let units = frame.units().filter(|row| request.takes(row.facts.area.as_deref()));
        Units { seed, line, rows: units.map(|row| (row.id.to_string(), row)).collect() }
    }

    fn counts(&self, by: &[String]) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for (_, row) in &self.rows {
            *counts.entry(joined(row, by)).or_default() += 1;
        }
        counts
    }

    fn stratified(&self, by: &[String], n: &BTreeMap<String, usize>) -> Result3 {
        let strata: Vec<String> = self.rows.iter().map(|(_, row)| joined(row, by)).collect();
        let units: Vec<(&str, &str)> =
            self.rows.iter().zip(&strata).map(|((unit, _), stratum)| (unit.as_str(), stratum.as_str())).collect();
        let drawn = simple::stratified(self.seed, self.line, &units, n)?;
        let reserve = drawn.reserve.into_iter().flat_map(|(stratum, units)| in_reserve(&stratum, units)).collect();
        Ok((drawn.base, reserve, Vec::new()))
    }

    fn sorted(&self, sort: &[String]) -> Vec<&(String, &'a Row)> {
        let mut rows: Vec<&(String, &Row)> = self.rows.iter().collect();
        rows.sort_by_cached_key(|(unit, row)| (joined(row, sort), unit.clone()));
        rows
    }

    fn systematic(&self, sort: &[String], n: usize) -> Result3 {
        let rows = self.sorted(sort);
        let population = rows.len();
        if n == 0 || population == 0 {
            return Err(SampleError::Empty);
        }
        // A fraction from 0 below 1 is turned into a start above 0 up to the interval.
        let start = (1.0 - self.seed.start("systematic")) * (population as f64 / n as f64);
        let places = simple::fractional(population, n, start)?;
        let pi = n as f64 / population as f64;
        let taken = places.into_iter().map(|place| (rows[place - 1].0.as_str(), pi, n == population));
        Ok(self.with_rest(taken.collect(), n))
    }

    fn sizes(&self, rows: &[&(String, &Row)], size: &Size) -> Result<Vec<f64>, SampleError> {
        let of = |(unit, row): &&(String, &Row)| match size {
            Size::Sources => Ok(row.sources.len() as f64),
            Size::Given(sizes) => sizes.get(unit).copied().ok_or_else(|| SampleError::Unknown(unit.clone())),
        };
        rows.iter().map(of).collect()
    }

    /// Systematic in an order, or by Pareto ranks.
    fn pps(&self, sort: Option<&Vec<String>>, size: &Size, n: usize) -> Result3 {
        let rows = self.sorted(sort.map_or(&[], Vec::as_slice));
        let sizes = self.sizes(&rows, size)?;
        let named: Vec<(&str, f64)> = rows.iter().zip(&sizes).map(|((unit, _), size)| (unit.as_str(), *size)).collect();
        let pi = unequal::inclusion(&named, n)?;
        let taken = |at: &usize| (named[*at].0, pi[*at], pi[*at] >= 1.0);
        if sort.is_some() {
            let places = unequal::systematic(&pi, self.seed.start("systematic-pps"))?;
            return Ok(self.with_rest(places.iter().map(taken).collect(), n));
        }
        let numbered = |(unit, _): &&(String, &Row)| Numbered { ticket: self.seed.ticket(unit), unit: unit.clone() };
        let units: Vec<Numbered> = rows.iter().map(numbered).collect();
        let u: Vec<f64> = units.iter().map(|unit| self.line.fraction(&unit.ticket)).collect();
        let mut order = unequal::pareto(&units, &u, &pi)?;
        let rest = order.split_off(n).into_iter().map(|at| units[at].clone()).collect();
        let base = self.taken(order.iter().map(taken).collect(), n);
        Ok((base, in_reserve("", rest), Vec::new()))
    }

    fn quota(&self, quotas: &[Quota], n: usize, overrides: &[Override], spared: &BTreeSet<String>) -> Result3 {
        let candidate = |(unit, row): &(String, &Row)| Candidate { unit: unit.clone(), values: values(row) };
        let candidates: Vec<Candidate> = self.rows.iter().map(candidate).collect();
        let chosen = quota::choose(self.seed, self.line, &candidates, quotas, n, overrides, spared)?;
        Ok((chosen.base, in_reserve("", chosen.reserve), chosen.coverage))
    }

    fn taken(&self, units: Vec<(&str, f64, bool)>, n: usize) -> Vec<Taken> {
        let one = |(at, (unit, pi, certain)): (usize, (&str, f64, bool))| Taken {
            unit: unit.to_owned(),
            stratum: String::new(),
            ticket: self.seed.ticket(unit).to_string(),
            order: at + 1,
            pi: Some(pi),
            weight: Some(1.0 / pi),
            population: self.rows.len(),
            taken: n,
            certain,
        };
        units.into_iter().enumerate().map(one).collect()
    }

    /// The units taken, and all others by ticket.
    fn with_rest(&self, taken: Vec<(&str, f64, bool)>, n: usize) -> (Vec<Taken>, Vec<Reserve>, Vec<Cell>) {
        let met: BTreeSet<&str> = taken.iter().map(|(unit, ..)| *unit).collect();
        let others = self.rows.iter().map(|(unit, _)| unit.as_str()).filter(|unit| !met.contains(unit));
        let rest = self.line.order(self.seed, others);
        (self.taken(taken, n), in_reserve("", rest), Vec::new())
    }
}

fn in_reserve(stratum: &str, units: Vec<Numbered>) -> Vec<Reserve> {
    let one = |(at, unit): (usize, Numbered)| Reserve {
        unit: unit.unit,
        stratum: stratum.to_owned(),
        order: at + 1,
        ticket: unit.ticket.to_string(),
    };
    units.into_iter().enumerate().map(one).collect()
}

impl Request {
    /// The line of tickets on which units are taken.
    ///
    /// # Errors
    /// [`DrawError::Line`].
    pub fn on(&self) -> Result<Line, DrawError> {
        match &self.line {
            None => Ok(Line::default()),
            Some(text) => Ok(Line::from(Ticket::read(text).ok_or_else(|| DrawError::Line(text.clone()))?)),
        }
    }
}

/// A line of a draw's text, as it is written.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
enum Written<'a> {
    Request(&'a Request),
    Quota(&'a Cell),
    Taken(&'a Taken),
    Reserve(&'a Reserve),
}

/// The only line that is read: all others follow from it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct First {
    request: Request,
}

impl Draw {
    /// The draw's bytes.
    pub fn text(&self) -> Vec<u8> {
        let mut out = format!("{HEADER}\n").into_bytes();
        lines::write(&mut out, &Written::Request(&self.request));
        self.coverage.iter().for_each(|cell| lines::write(&mut out, &Written::Quota(cell)));
        self.base.iter().for_each(|unit| lines::write(&mut out, &Written::Taken(unit)));
        self.reserve.iter().for_each(|unit| lines::write(&mut out, &Written::Reserve(unit)));
        out
    }

    /// By stratum, every unit that is written down.
    fn written(&self) -> Result<BTreeMap<String, Vec<Numbered>>, DrawError> {
        let base = self.base.iter().map(|one| (&one.stratum, &one.unit, &one.ticket));
        let reserve = self.reserve.iter().map(|one| (&one.stratum, &one.unit, &one.ticket));
        let mut written: BTreeMap<String, Vec<Numbered>> = BTreeMap::new();
        for (stratum, unit, ticket) in base.chain(reserve) {
            let ticket = Ticket::read(ticket).ok_or_else(|| DrawError::Line(ticket.clone()))?;
            written.entry(stratum.clone()).or_default().push(Numbered { ticket, unit: unit.clone() });
        }
        Ok(written)
    }

    /// SHA-256 (hex) of the draw's bytes.
    pub fn digest(&self) -> String {
        lines::digest(&self.text())
    }

    /// With what probability two units of the sample are both drawn, in the order of `base`: exactly, for a systematic sample
    /// with unequal probabilities in which every pair of the frame can be drawn. `None` for every other design: an estimator that
    /// takes these numbers would be wrong where some pairs cannot.
    ///
    /// # Errors
    /// A frame that the draw is not of.
    pub fn joint(&self, frame: &Frame) -> Result<Option<Vec<Vec<f64>>>, SampleError> {
        let Design::SystematicPps { sort, size, n } = &self.request.design else { return Ok(None) };
        let (seed, line) = (Seed::new(&self.request.commitment.seed), Line::default());
        let units = Units::of(frame, &self.request, &seed, &line);
        let rows = units.sorted(sort);
        let sizes = units.sizes(&rows, size)?;
        let named: Vec<(&str, f64)> = rows.iter().zip(&sizes).map(|((unit, _), size)| (unit.as_str(), *size)).collect();
        let pi = unequal::inclusion(&named, *n)?;
        if !unequal::all_together(&pi)? {
            return Ok(None);
        }
        let at: BTreeMap<&str, usize> = named.iter().enumerate().map(|(at, (unit, _))| (*unit, at)).collect();
        let place =
            |one: &Taken| at.get(one.unit.as_str()).copied().ok_or_else(|| SampleError::Unknown(one.unit.clone()));
        let places: Vec<usize> = self.base.iter().map(place).collect::<Result<_, _>>()?;
        unequal::joint_of(&pi, &places).map(Some)
    }

    /// Units by stratum, for a stratified design; empty for every other.
    pub fn strata(&self, frame: &Frame) -> BTreeMap<String, usize> {
        let Design::Stratified { by, .. } = &self.request.design else { return BTreeMap::new() };
        let (seed, line) = (Seed::new(&self.request.commitment.seed), Line::default());
        Units::of(frame, &self.request, &seed, &line).counts(by)
    }

    /// Draws again from a frame what a draw's bytes ask for, and compares byte by byte.
    ///
    /// # Errors
    /// What [`draw`] refuses; bytes that are not those of the replay, with the first line that differs.
    pub fn replay(frame: &Frame, digest: &str, text: &[u8]) -> Result<Draw, DrawError> {
        let end =
            text.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(1).map_or(text.len(), |(at, _)| at + 1);
        let request = lines::read(&text[..end], HEADER, lines::write::<First>)?.pop().ok_or(LineError::Cut)?.request;
        let again = draw(frame, digest, request)?;
        let (mine, given) = (again.text(), text);
        if mine == given {
            return Ok(again);
        }
        let differ = mine.iter().zip(given).position(|(a, b)| a != b).unwrap_or(mine.len().min(given.len()));
        Err(DrawError::Replay { line: mine[..differ].iter().filter(|byte| **byte == b'\n').count() + 1 })
    }
}

#[cfg(test)]
mod tests;
