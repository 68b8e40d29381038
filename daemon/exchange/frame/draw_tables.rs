//! The tables of a draw: the sample with what weights it, its reserve, its strata or quotas, and joint probabilities.

use super::frame_tables::{Known, UNITS, snake, unit_column};
use super::table::{AND, Cell, Column, Kind, Table};
use crate::frame::draw::{Design, Draw, Size};
use crate::frame::frozen::Row;
use crate::frame::sample::quota::Cell as Quota;
use crate::frame::sample::{SampleError, Taken};
use std::collections::BTreeMap;

/// The table of the units taken.
pub const SAMPLE: &str = "sample";
/// The table of joint inclusion probabilities.
pub const JOINT: &str = "joint";
/// Most units of a sample whose pairs are written down: a quarter of a million lines.
const PAIRS: usize = 500;

/// A draw as an export has it.
pub struct Drawn<'a> {
    /// Its file in the frame's folder, such as `draws/1.txt`.
    pub file: &'a str,
    /// The draw.
    pub draw: &'a Draw,
    /// SHA-256 (hex) of its bytes.
    pub digest: String,
    /// With what probability two units are both drawn, for designs that have one for each pair of the sample.
    pub joint: Option<Vec<Vec<f64>>>,
    /// Strata, where the design has any: name, units, units taken.
    pub strata: Vec<(String, usize, usize)>,
}

impl<'a> Drawn<'a> {
    /// Works out what the tables and the snippets need.
    ///
    /// # Errors
    /// A draw that is not of this frame.
    pub fn of(known: &Known, file: &'a str, draw: &'a Draw) -> Result<Drawn<'a>, SampleError> {
        let few = draw.base.len() <= PAIRS;
        let joint = if few { draw.joint(known.frame)? } else { None };
        let taken = |stratum: &String| draw.base.iter().filter(|one| one.stratum == *stratum).count();
        let strata = draw.strata(known.frame).into_iter().map(|(name, units)| (taken(&name), name, units));
        let strata = strata.map(|(taken, name, units)| (name, units, taken)).collect();
        Ok(Drawn { file, draw, digest: draw.digest(), joint, strata })
    }

    /// What the strata are made of.
    pub fn by(&self) -> &'a [String] {
        match &self.draw.request.design {
            Design::Stratified { by, .. } => by,
            _ => &[],
        }
    }

    fn size(&self, unit: &str, row: &Row) -> Option<f64> {
        match &self.draw.request.design {
            Design::SystematicPps { size, .. } | Design::ParetoPps { size, .. } => match size {
                Size::Sources => Some(row.sources.len() as f64),
                Size::Given(sizes) => sizes.get(unit).copied(),
            },
            _ => None,
        }
    }
}

/// Every table of a draw.
pub fn tables<'a>(known: &'a Known<'a>, drawn: &'a Drawn<'a>) -> Vec<Table<'a>> {
    let mut all = vec![sample(known, drawn), reserve(drawn)];
    all.extend((!drawn.strata.is_empty()).then(|| strata_table(drawn)));
    all.extend((!drawn.draw.coverage.is_empty()).then(|| quotas(drawn)));
    all.extend(drawn.joint.as_ref().map(|joint| pairs(joint)));
    all
}

fn stratum_column(drawn: &Drawn, about: &str) -> Column {
    let by = drawn.by().join(" / ");
    let about =
        if by.is_empty() { format!("{about} Empty: the design has none.") } else { format!("{about} Made of: {by}.") };
    Column::text("stratum", "Stratum", &about)
}

fn sample<'a>(known: &'a Known<'a>, drawn: &'a Drawn<'a>) -> Table<'a> {
    let whole = |name: &str, title: &str, about: &str| Column::new(Kind::Whole, name, title, about).required();
    let number = |name: &str, title: &str, about: &str| Column::new(Kind::Number, name, title, about);
    let mut columns = vec![
        unit_column(),
        whole("selection_order", "Place", "Place in the order of selection, from 1 in each stratum."),
        stratum_column(drawn, "The stratum the unit was drawn in."),
        number(
            "pi",
            "Inclusion probability",
            "How likely the design was to take the unit. Empty for a quota sample, which has none.",
        ),
        number(
            "weight",
            "Design weight",
            "One divided by the inclusion probability. Empty for a quota sample: blank, not 1.",
        ),
        whole(
            "stratum_population",
            "Units in the stratum",
            "Units of the frame in the stratum, or in the whole frame: the finite population.",
        ),
        whole("stratum_sample", "Taken from it", "Units taken from the stratum, or from the whole frame."),
        Column::new(
            Kind::Yes,
            "certain",
            "Certain",
            "Whether the unit was taken for sure: its stratum whole, or its size so large.",
        )
        .required(),
        number("size", "Size", "The size to which its probability is in proportion, where the design has sizes."),
        Column::text(
            "ticket",
            "Ticket",
            "The number by which the unit was drawn: anybody computes it alike from seed and unit.",
        )
        .required(),
        Column::text("area", "Area", "Code of the area (GSS), where it is known and may be."),
    ];
    columns.extend(known.values());
    columns.push(whole("n_sources", "Sources", "How many saw the group at first hand."));
    columns.push(whole("n_records", "Records", "Records of the registry that speak of the group."));
    let units: BTreeMap<&str, &Row> = known.units.iter().map(|(id, row)| (id.as_str(), *row)).collect();
    let items: Vec<(&Taken, &Row)> =
        drawn.draw.base.iter().filter_map(|one| Some((one, *units.get(one.unit.as_str())?))).collect();
    let about = "One row is one unit of the sample, in the order of strata and selection.";
    let table = Table::new((SAMPLE, "Sample", about), columns, &["unit_id"], items, move |(one, row), cells| {
        cells.extend([
            Cell::text(one.unit.as_str()),
            Cell::Whole(one.order),
            Cell::text(one.stratum.as_str()),
            Cell::number(one.pi),
            Cell::number(one.weight),
            Cell::Whole(one.population),
            Cell::Whole(one.taken),
            Cell::Yes(one.certain),
            Cell::number(drawn.size(&one.unit, row)),
            Cell::text(one.ticket.as_str()),
            row.facts.area.as_deref().map_or(Cell::Empty, Cell::text),
        ]);
        known.value_cells(row, cells);
        cells.extend([Cell::Whole(row.sources.len()), Cell::Whole(row.records.len())]);
    });
    table.linked("unit_id", UNITS, "unit_id")
}

fn reserve<'a>(drawn: &'a Drawn<'a>) -> Table<'a> {
    let columns = vec![
        unit_column(),
        stratum_column(drawn, "The stratum in which it may take another's place."),
        Column::new(Kind::Whole, "reserve_order", "Place", "The next to be asked first, from 1 in each stratum.")
            .required(),
        Column::text("ticket", "Ticket", "The number by which the order is made.").required(),
    ];
    let items: Vec<_> = drawn.draw.reserve.iter().collect();
    let about = "One row is one unit that may take the place of one that cannot take part, in this order and no other.";
    let table = Table::new(("reserve", "Reserve", about), columns, &["unit_id"], items, |one, cells| {
        cells.extend([Cell::text(one.unit.as_str()), Cell::text(one.stratum.as_str()), Cell::Whole(one.order)]);
        cells.push(Cell::text(one.ticket.as_str()));
    });
    table.linked("unit_id", UNITS, "unit_id")
}

fn strata_table<'a>(drawn: &'a Drawn<'a>) -> Table<'a> {
    let columns = vec![
        stratum_column(drawn, "Its name.").required(),
        Column::new(Kind::Whole, "population", "Units", "Units of the frame in it.").required(),
        Column::new(Kind::Whole, "taken", "Taken", "Units taken from it.").required(),
        Column::new(Kind::Number, "fraction", "Sampling fraction", "Units taken divided by units.").required(),
    ];
    let about = "One row is one stratum of the frame, those included of which nothing was taken.";
    let items: Vec<_> = drawn.strata.iter().collect();
    Table::new(("strata", "Strata", about), columns, &["stratum"], items, |(name, units, taken), cells| {
        cells.extend([Cell::text(name.as_str()), Cell::Whole(*units), Cell::Whole(*taken)]);
        cells.push(Cell::Number(*taken as f64 / (*units).max(1) as f64));
    })
}

fn quotas<'a>(drawn: &'a Drawn<'a>) -> Table<'a> {
    let whole = |name: &str, title: &str, about: &str| Column::new(Kind::Whole, name, title, about).required();
    let columns = vec![
        Column::text("dimension", "Dimension", "What the quota is about.").required(),
        Column::text("value", "Value", "What a unit must have to count.").required(),
        whole("at_least", "Wanted", "Fewest units that were wanted."),
        whole("taken", "Taken", "Units of the sample that have it."),
        whole("held", "In the frame", "Units of the frame that have it: what cannot be met is told from what was not."),
        Column::new(Kind::Yes, "met", "Met", "Whether the quota is met.").required(),
    ];
    let items: Vec<&Quota> = drawn.draw.coverage.iter().collect();
    let about = "One row is one quota of the grid and how far it is met.";
    Table::new(("quotas", "Quotas", about), columns, &["dimension", "value"], items, |cell, cells| {
        let quota = &cell.quota;
        cells.extend([Cell::text(quota.dimension.as_str()), Cell::text(quota.value.as_str())]);
        cells.extend([quota.at_least, cell.taken, cell.held].map(Cell::Whole));
        cells.push(Cell::Yes(cell.unmet() == 0));
    })
}

fn pairs<'a>(joint: &'a [Vec<f64>]) -> Table<'a> {
    let whole = |name: &str| Column::new(Kind::Whole, name, "Place", "Place of a unit in the sample.").required();
    let columns = vec![
        whole("order_a"),
        whole("order_b"),
        Column::new(
            Kind::Number,
            "joint_pi",
            "Both",
            "How likely the design was to take both; of a unit with itself, to take it.",
        )
        .required(),
    ];
    let n = joint.len();
    let items: Vec<(usize, usize, f64)> =
        (0..n).flat_map(|a| (0..n).map(move |b| (a, b))).map(|(a, b)| (a + 1, b + 1, joint[a][b])).collect();
    let about = "One row is one pair of units of the sample, by their places, for exact standard errors.";
    Table::new((JOINT, "Joint probabilities", about), columns, &["order_a", "order_b"], items, |(a, b, both), cells| {
        cells.extend([Cell::Whole(*a), Cell::Whole(*b), Cell::Number(*both)]);
    })
}

/// The design in a sentence, for people.
pub fn in_words(drawn: &Drawn) -> String {
    let taken = drawn.draw.base.len();
    let sorted =
        |sort: &[String]| if sort.is_empty() { "by unit".to_owned() } else { format!("by {}", sort.join(", ")) };
    let size = |size: &Size| match size {
        Size::Sources => "how many sources saw the group",
        Size::Given(_) => "sizes that were given",
    };
    match &drawn.draw.request.design {
        Design::Simple { .. } => {
            format!("Simple random sample of {taken} units without replacement, by SHA-256 tickets.")
        }
        Design::Stratified { by, .. } => format!(
            "Stratified simple random sample of {taken} units without replacement, strata made of {}, by SHA-256 tickets.",
            by.join(AND)
        ),
        Design::Systematic { sort, .. } => {
            format!("Systematic sample of {taken} units, sorted {}, by a fractional interval.", sorted(sort))
        }
        Design::SystematicPps { sort, size: by, .. } => format!(
            "Systematic sample of {taken} units with probability in proportion to {}, sorted {} (Madow).",
            size(by),
            sorted(sort)
        ),
        Design::ParetoPps { size: by, .. } => {
            format!("Pareto sample of {taken} units with probability in proportion to {} (Rosén).", size(by))
        }
        Design::Quota { .. } => {
            format!("Purposive sample of {taken} units by a grid of quotas: no probability sample.")
        }
    }
}

/// Columns whose names only this frame has, as `schema/visibility.json` names their kind.
pub fn kind_of_column(known: &[&str], name: &str) -> String {
    if name.starts_with("criterion_") {
        return if name.ends_with("_date") { "criterion_*_date" } else { "criterion_*" }.to_owned();
    }
    let own = known.iter().map(|dimension| snake(dimension)).skip(4).any(|dimension| dimension == name);
    if own { "value_*".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_that_only_some_frames_have_are_known_by_their_kind() {
        let dimensions = ["focus", "age", "affiliation", "community", "size-band"];
        for (name, kind) in [
            ("unit_id", "unit_id"),
            ("focus", "focus"),
            ("size_band", "value_*"),
            ("criterion_voluntary", "criterion_*"),
            ("criterion_voluntary_date", "criterion_*_date"),
        ] {
            assert_eq!(kind_of_column(&dimensions, name), kind);
        }
    }
}
