//! The tables of a frame: its units, what it left out, people's decisions, the accounts, and who saw what.
//!
//! Ids, codes, days and counts. Free text does not leave: of a decision not its words, of a source no name that may be a person's.

use super::table::{Cell, Column, Kind, Table, Value};
use crate::frame::eligibility::{Gap, Outcome, Verdict};
use crate::frame::frozen::{Frame, Row};
use crate::frame::strata::DIMENSIONS;
use crate::record::{scan, vocabulary};
use std::collections::{BTreeMap, BTreeSet};

/// The table of units.
pub const UNITS: &str = "units";
/// The table of sources.
pub const SOURCES: &str = "sources";

/// A source of first-hand sightings.
pub struct Source<'a> {
    /// `s1`, `s2`, … in the order of names.
    pub id: String,
    /// Its name; none where it may name a person.
    pub name: Option<&'a str>,
    /// Units it saw.
    pub units: usize,
    /// Units that it alone saw.
    pub alone: usize,
}

/// What is worked out of a frame once for all its tables.
pub struct Known<'a> {
    /// The frame.
    pub frame: &'a Frame,
    /// Its units with their ids.
    pub units: Vec<(String, &'a Row)>,
    /// Who saw units, by name.
    pub sources: BTreeMap<&'a str, Source<'a>>,
    /// Dimensions, those that only this frame has after those that all have.
    pub dimensions: Vec<&'a str>,
    /// Criteria of which something is known of some unit.
    criteria: Vec<&'a str>,
    /// States that some unit is in.
    states: BTreeSet<&'a str>,
}

impl<'a> Known<'a> {
    /// Works it out.
    pub fn of(frame: &'a Frame) -> Known<'a> {
        let units: Vec<(String, &Row)> = frame.units().map(|row| (row.id.to_string(), row)).collect();
        let mut seen: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        let (mut criteria, mut more, mut states) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for (_, row) in &units {
            for source in &row.sources {
                let (units, alone) = seen.entry(source).or_default();
                *units += 1;
                *alone += usize::from(row.sources.len() == 1);
            }
            criteria.extend(row.facts.criteria.keys().map(String::as_str));
            more.extend(row.values.keys().map(String::as_str).filter(|name| !DIMENSIONS.contains(name)));
            states.extend(row.facts.state.as_deref());
        }
        let source = |(at, (name, (units, alone))): (usize, (&'a str, (usize, usize)))| {
            let named = scan::in_text(name).is_empty().then_some(name);
            (name, Source { id: format!("s{}", at + 1), name: named, units, alone })
        };
        let sources = seen.into_iter().enumerate().map(source).collect();
        let dimensions = DIMENSIONS.into_iter().chain(more).collect();
        Known { frame, units, sources, dimensions, criteria: criteria.into_iter().collect(), states }
    }

    /// How many sources go without their name.
    pub fn unnamed(&self) -> usize {
        self.sources.values().filter(|source| source.name.is_none()).count()
    }

    fn seen_by(&self, row: &Row) -> Cell<'a> {
        Cell::several(row.sources.iter().filter_map(|source| Some(self.sources.get(source.as_str())?.id.as_str())))
    }

    /// Columns of the dimensions, as units and samples have them.
    pub fn values(&self) -> impl Iterator<Item = Column> + '_ {
        self.dimensions.iter().map(|dimension| {
            let (title, about, several) = match *dimension {
                "focus" => ("Focus", "What the group is about, summed up as the study's roll-up does.", true),
                "age" => (
                    "Age",
                    "New (under three years on the frame's day) or established, where the founding is known.",
                    false,
                ),
                "affiliation" => ("Affiliation", "Whether the group belongs to a larger body.", false),
                "community" => {
                    ("Community", "A community the group is run by and for, summed up as the roll-up does.", true)
                }
                _ => ("Value", "A value by which units can be put into strata.", true),
            };
            let met = self.units.iter().flat_map(|(_, row)| row.values.get(*dimension).into_iter().flatten());
            let mut all: BTreeSet<&str> = met.map(String::as_str).collect();
            all.extend(known_values(dimension, &self.frame.definition.roll_up));
            let values = all.into_iter().map(|id| Value::of(id, vocabulary::topics())).collect();
            let column = Column::text(&snake(dimension), title, about);
            if several { column.some_of(values) } else { column.one_of(values) }
        })
    }

    /// Cells of the dimensions.
    pub fn value_cells<'c>(&self, row: &'c Row, cells: &mut Vec<Cell<'c>>) {
        let cell = |dimension: &&str| match row.values.get(*dimension) {
            None => Cell::Empty,
            Some(values) if values.len() == 1 => values.first().map_or(Cell::Empty, |value| Cell::text(value.as_str())),
            Some(values) => Cell::several(values.iter().map(String::as_str)),
        };
        cells.extend(self.dimensions.iter().map(cell));
    }
}

/// What a dimension may be, whether or not some unit is.
fn known_values(dimension: &str, study: &str) -> Vec<&'static str> {
    let rolled = |words: &'static vocabulary::Vocabulary| {
        words.terms.iter().filter_map(|term| term.roll_up.get(study).map(String::as_str)).collect()
    };
    match dimension {
        "focus" => rolled(vocabulary::topics()),
        "community" => rolled(vocabulary::communities()),
        "age" => vec!["established", "new"],
        "affiliation" => vec!["affiliated", "independent"],
        _ => Vec::new(),
    }
}

/// A term's id as the name of a column.
pub fn snake(id: &str) -> String {
    id.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect()
}

/// The column by which a unit is known.
pub fn unit_column() -> Column {
    Column::text(
        "unit_id",
        "Unit",
        "The group's id in the registry: hub and record. It leads to the group's public entry, so reports use study numbers instead.",
    )
    .required()
}

fn whole(name: &str, title: &str, about: &str) -> Column {
    Column::new(Kind::Whole, name, title, about).required()
}

/// Every table of a frame.
pub fn tables<'a>(known: &'a Known<'a>) -> Vec<Table<'a>> {
    let mut all = vec![units(known), left_out(known)];
    all.extend((!known.frame.decisions.is_empty()).then(|| decisions(known)));
    all.extend([flow(known), sources(known), overlaps(known)]);
    all
}

fn units<'a>(known: &'a Known<'a>) -> Table<'a> {
    let states = known.states.iter().map(|id| Value::of(id, vocabulary::statuses())).collect();
    let mut columns = vec![
        unit_column(),
        Column::text("area", "Area", "Code of the area (GSS), where it is known and may be."),
        Column::text("state", "State", "How the group is, where its lists say.").one_of(states),
        Column::new(Kind::Day, "state_since", "State since", "The day from which it has been so."),
    ];
    columns.extend(known.values());
    columns.extend([
        whole("n_sources", "Sources", "How many saw the group at first hand: its multiplicity in the lists."),
        Column::text(
            "sources",
            "Which sources",
            "Ids of these, as the table of sources has them, joined by a plus sign.",
        ),
        whole("n_records", "Records", "Records of the registry that speak of the group."),
        whole("n_copies", "Copies", "Records that only repeat another hub's."),
        Column::new(
            Kind::Day,
            "last_checked",
            "Last checked",
            "When somebody last checked the entry, on or before the frame's day.",
        ),
    ]);
    for criterion in &known.criteria {
        let name = format!("criterion_{}", snake(criterion));
        let label = vocabulary::criteria().get(criterion).map_or(*criterion, |term| &term.label);
        let answers = ["met", "not_met", "unknown"].map(|answer| Value::new(answer, &answer.replace('_', " ")));
        let about = "Whether the criterion is met; unknown where somebody looked and could not tell, empty where nobody looked.";
        columns.push(Column::text(&name, label, about).one_of(answers.into()));
        let (title, about) = (format!("{label}: found on"), "The day on which that was found.");
        columns.push(Column::new(Kind::Day, &format!("{name}_date"), &title, about));
    }
    let about = "One row is one group that belongs to the frame: a unit that can be drawn.";
    let items: Vec<&(String, &Row)> = known.units.iter().collect();
    Table::new((UNITS, "Units", about), columns, &["unit_id"], items, move |(id, row), cells| {
        let facts = &row.facts;
        let text = |text: &'a Option<String>| text.as_deref().map_or(Cell::Empty, Cell::text);
        cells.extend([Cell::text(id.as_str()), text(&facts.area), text(&facts.state), Cell::day(facts.since)]);
        known.value_cells(row, cells);
        cells.extend([
            Cell::Whole(row.sources.len()),
            known.seen_by(row),
            Cell::Whole(row.records.len()),
            Cell::Whole(row.copies.len()),
            Cell::day(row.assured),
        ]);
        for criterion in &known.criteria {
            let fact = facts.criteria.get(*criterion);
            cells.push(fact.map_or(Cell::Empty, |fact| Cell::text(fact.value.as_str())));
            cells.push(Cell::day(fact.and_then(|fact| fact.date)));
        }
    })
}

fn left_out<'a>(known: &'a Known<'a>) -> Table<'a> {
    let rows: Vec<(String, &Row)> = (known.frame.rows.iter())
        .filter(|row| row.outcome != Outcome::Included)
        .map(|row| (row.id.to_string(), row))
        .collect();
    let outcomes = vec![
        Value::new("excluded", "does not belong, for the reasons given"),
        Value::new("undecided", "nobody can say yet, for want of what is missing"),
    ];
    let reasons = vocabulary::exclusion_reasons();
    let columns = vec![
        unit_column(),
        Column::text("outcome", "Outcome", "What became of the group.").one_of(outcomes).required(),
        Column::text("reasons", "Reasons", "Why it does not belong, the deciding ones in the order of the rules.")
            .some_of(reasons.terms.iter().map(|term| Value::new(&term.id, &term.label)).collect()),
        Column::text(
            "missing",
            "Missing",
            "What would have to be known, each with why it is not: not-said, said-unknown, too-old, later, two-decisions.",
        ),
        Column::text("area", "Area", "Code of the area (GSS), where it is known and may be."),
    ];
    let about = "One row is one group that was judged and is not in the frame, with the reason: nothing vanishes.";
    Table::new(("left_out", "Left out", about), columns, &["unit_id"], rows, |(id, row), cells| {
        let (outcome, reasons, missing) = match &row.outcome {
            Outcome::Excluded(reasons) => ("excluded", Cell::several(reasons.iter().map(String::as_str)), Cell::Empty),
            Outcome::Undecided(missing) => {
                let all: Vec<String> = missing.iter().map(|one| format!("{}:{}", one.what, gap(one.why))).collect();
                ("undecided", Cell::Empty, Cell::several(all.iter().map(String::as_str)))
            }
            Outcome::Included => ("included", Cell::Empty, Cell::Empty),
        };
        let area = row.facts.area.as_deref().map_or(Cell::Empty, Cell::text);
        cells.extend([Cell::text(id.as_str()), Cell::text(outcome), reasons, missing, area]);
    })
}

fn gap(why: Gap) -> &'static str {
    match why {
        Gap::NotSaid => "not-said",
        Gap::SaidUnknown => "said-unknown",
        Gap::TooOld => "too-old",
        Gap::Later => "later",
        Gap::TwoDecisions => "two-decisions",
    }
}

fn decisions<'a>(known: &'a Known<'a>) -> Table<'a> {
    let (roles, reasons) = (vocabulary::assurance_roles(), vocabulary::exclusion_reasons());
    let all =
        |words: &vocabulary::Vocabulary| words.terms.iter().map(|term| Value::new(&term.id, &term.label)).collect();
    let columns = vec![
        whole("decision", "Number", "The decision's place in the frame's list."),
        Column::text("record_id", "Record", "A record of the group that was decided about: hub and record.").required(),
        Column::new(Kind::Day, "date", "Day", "The day of the decision.").required(),
        Column::text("verdict", "Verdict", "What was decided, against or where the rules cannot say.")
            .one_of(vec![Value::new("include", "it belongs"), Value::new("exclude", "it does not")])
            .required(),
        Column::text("reason", "Reason", "Why it does not belong.").one_of(all(reasons)),
        Column::text("role", "Role", "In what role the person decided; never a name.").one_of(all(roles)).required(),
        Column::text("hub", "Hub", "Id of the hub whose person decided.").required(),
    ];
    let items: Vec<_> =
        known.frame.decisions.iter().enumerate().map(|(at, one)| (at + 1, one, one.on.to_string())).collect();
    let about = "One row is one decision that a person made about a group. The words of why stand in the frame itself, not here.";
    Table::new(("decisions", "Decisions", about), columns, &["decision"], items, |(at, one, on), cells| {
        let (verdict, reason) = match &one.verdict {
            Verdict::Include => ("include", Cell::Empty),
            Verdict::Exclude(reason) => ("exclude", Cell::text(reason.as_str())),
        };
        cells.extend([Cell::Whole(*at), Cell::text(on.as_str()), Cell::Day(one.date), Cell::text(verdict), reason]);
        cells.extend([Cell::text(one.role.as_str()), Cell::text(one.hub.to_string())]);
    })
}

fn flow<'a>(known: &'a Known<'a>) -> Table<'a> {
    let steps = known.frame.flow.steps();
    let lines: Vec<(String, String, String, usize)> = steps
        .into_iter()
        .flat_map(|step| {
            let (name, of) = (step.step.clone(), step.of.clone());
            let left = step.left.into_iter().map(move |(why, count)| (name.clone(), of.clone(), why, count));
            std::iter::once((step.step, step.of, String::new(), step.count)).chain(left).collect::<Vec<_>>()
        })
        .collect();
    let items: Vec<_> = lines.into_iter().enumerate().collect();
    let steps = ["received", "read", "linked", "in-area", "in-scope", "included"].map(|step| Value::new(step, step));
    let columns = vec![
        whole("line", "Line", "Place in the accounts."),
        Column::text("step", "Step", "The step, from records received to groups included.")
            .one_of(steps.into())
            .required(),
        Column::text("counted", "Counted", "What is counted at this step.")
            .one_of(vec![Value::new("records", "records"), Value::new("groups", "groups")])
            .required(),
        Column::text(
            "reason",
            "Reason",
            "Why these left before this step; empty on the line of those that reached it.",
        ),
        whole("count", "Count", "How many."),
    ];
    let about = "The accounts: every step is the one before less what left, to the last record.";
    Table::new(("flow", "Accounts", about), columns, &["line"], items, |(at, (step, of, why, count)), cells| {
        let texts = [step, of, why].map(|text| Cell::text(text.as_str()));
        cells.push(Cell::Whole(at + 1));
        cells.extend(texts);
        cells.push(Cell::Whole(*count));
    })
}

fn sources<'a>(known: &'a Known<'a>) -> Table<'a> {
    let columns = vec![
        Column::text("source_id", "Source", "Its id in this export.").required(),
        Column::text("name", "Name", "The hub or list; empty where the name may be a person's."),
        whole("units", "Units", "Units that it saw at first hand."),
        whole("only_here", "Only here", "Units that nobody else saw."),
    ];
    let items: Vec<&Source> = known.sources.values().collect();
    let about = "One row is one hub or list that saw units at first hand. Copies are no sightings.";
    Table::new((SOURCES, "Sources", about), columns, &["source_id"], items, |source, cells| {
        cells.extend([Cell::text(source.id.as_str()), Cell::text(source.name.unwrap_or_default())]);
        cells.extend([Cell::Whole(source.units), Cell::Whole(source.alone)]);
    })
}

fn overlaps<'a>(known: &'a Known<'a>) -> Table<'a> {
    let mut patterns: BTreeMap<&Vec<String>, usize> = BTreeMap::new();
    for (_, row) in known.units.iter().filter(|(_, row)| !row.sources.is_empty()) {
        *patterns.entry(&row.sources).or_default() += 1;
    }
    let columns = vec![
        Column::text("sources", "Sources", "Ids of the sources that saw these units, and no others did.").required(),
        whole("n_sources", "How many", "How many sources that is."),
        whole("units", "Units", "Units that exactly these saw."),
    ];
    let items: Vec<(&Vec<String>, usize)> = patterns.into_iter().collect();
    let about = "One row is one pattern of sources, as capture–recapture programs take them.";
    Table::new(("overlaps", "Overlaps", about), columns, &["sources"], items, |(pattern, units), cells| {
        let ids = pattern.iter().filter_map(|source| Some(known.sources.get(source.as_str())?.id.as_str()));
        cells.extend([Cell::several(ids), Cell::Whole(pattern.len()), Cell::Whole(*units)]);
    })
}
