//! Groups out, in exactly the shape the import reads: an export that is imported again changes nothing.
//!
//! What must not be known does not leave. A group that only its hub may know is left out and counted; one whose place is
//! protected goes without whatever gives the place away, as `schema/safety.json` says.

use super::columns::for_people;
use super::field::{Field, Words};
use super::guess::LISTED_BY;
use super::sheet::{Grid, Look};
use super::template;
use crate::record::HubId;
use crate::record::group::Group;
use crate::record::safety::{self, Level};
use std::collections::BTreeSet;

/// One group to be written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExportRow {
    /// The record's id, which the import knows again; empty where several records make the group.
    pub record_id: String,
    /// The group's own id, for formats that need one.
    pub id: uuid::Uuid,
    /// Which lists name it: hub and title. Empty where that is not asked.
    pub listed_by: Vec<String>,
    /// What it says.
    pub group: Group,
}

/// What an export holds.
#[derive(Debug, Clone)]
pub struct Export {
    /// The sheet, to be written as CSV or XLSX.
    pub grid: Grid,
    /// Groups that were left out because only their hub may know them.
    pub withheld: usize,
}

/// What everybody may know of a group; `None` when that is nothing. A level we do not know is taken as the strictest.
pub fn shown(group: &Group) -> Option<Group> {
    let level = Level::stated(group);
    if level == Level::Open {
        return Some(group.clone());
    }
    if !level.signed() {
        return None;
    }
    let mut group = safety::coarse(group, level, true);
    // What other lists are called stays out: an exact one would show the way.
    group.sightings.retain(|seen| seen.observed_by.parse::<HubId>().is_ok());
    Some(group)
}

/// Groups as a sheet, in the order they come. Criteria that have no column in the template get one each, at the end of
/// those that have.
pub fn sheet(rows: impl IntoIterator<Item = ExportRow>, words: &Words) -> Export {
    let mut withheld = 0;
    let mut kept = Vec::new();
    for row in rows {
        match shown(&row.group) {
            Some(group) => kept.push(ExportRow { group, ..row }),
            None => withheld += 1,
        }
    }
    let mut fields: Vec<Field> = for_people().map(|column| column.field.clone()).collect();
    let criteria: BTreeSet<Field> =
        kept.iter().flat_map(|row| row.group.criteria.keys()).map(|term| Field::Criterion(term.clone())).collect();
    let own = criteria.into_iter().filter(|field| !fields.contains(field)).collect::<Vec<_>>();
    let at = fields.iter().position(|field| *field == Field::Orientation).unwrap_or(fields.len());
    fields.splice(at..at, own);
    // Last, because it is for programs: without it a copy would look like a sighting of its own.
    fields.extend(kept.iter().any(|row| !row.group.sightings.is_empty()).then_some(Field::Seen));
    let cell = |row: &ExportRow, field: &Field| match field {
        Field::RecordId => row.record_id.clone(),
        _ => field.show(&row.group, words),
    };
    let mut grid = Grid {
        sheet: template::SHEET,
        header: fields.iter().map(|field| field.heading(words)).collect(),
        looks: fields.iter().map(|field| template::look(field, words)).collect(),
        rows: kept.iter().map(|row| fields.iter().map(|field| cell(row, field)).collect()).collect(),
        guidance: 0,
    };
    if kept.iter().any(|row| !row.listed_by.is_empty()) {
        // For reading: an import leaves it out.
        grid.header.push(LISTED_BY.to_owned());
        grid.looks.push(Look { width: 40.0, text: true, ..Look::default() });
        for (cells, row) in grid.rows.iter_mut().zip(&kept) {
            cells.push(row.listed_by.join("; "));
        }
    }
    Export { grid, withheld }
}
