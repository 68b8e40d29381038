//! The empty form: headings, a row of guidance, an example, and drop-downs for words that are ours.
//!
//! Guidance stands in the sheet itself, where people type, and the import knows and skips it.

use super::columns::{Column, for_people};
use super::field::{Field, Kind, Words};
use super::sheet::{Grid, Look};
use rust_xlsxwriter::XlsxError;

/// Name of the sheet of templates and exports.
pub(super) const SHEET: &str = "Groups";

/// The template as CSV.
pub fn csv(words: &Words) -> String {
    grid(words).csv()
}

/// The template as an XLSX workbook.
///
/// # Errors
/// [`XlsxError`] when a label of a vocabulary is longer than a cell can be, which the vocabularies' tests exclude.
pub fn xlsx(words: &Words) -> Result<Vec<u8>, XlsxError> {
    grid(words).xlsx()
}

fn grid(words: &Words) -> Grid {
    let columns: Vec<&Column> = for_people().collect();
    let guidance = |column: &Column| match column.field {
        Field::Name => format!("Guidance: {}", column.guidance),
        _ => column.guidance.to_owned(),
    };
    Grid {
        sheet: SHEET,
        header: columns.iter().map(|column| column.heading.to_owned()).collect(),
        looks: columns.iter().map(|column| look(&column.field, words)).collect(),
        rows: vec![
            columns.iter().map(|column| guidance(column)).collect(),
            columns.iter().map(|column| column.example.to_owned()).collect(),
        ],
        guidance: 2,
    }
}

/// How the column of a field looks in a workbook.
pub(super) fn look(field: &Field, words: &Words) -> Look {
    let owned = |choices: &[&str]| choices.iter().map(|choice| (*choice).to_owned()).collect();
    let choices = match field.kind() {
        Kind::Term(vocabulary) | Kind::Terms(vocabulary) => (words.labels)(vocabulary),
        Kind::YesNo => owned(&["yes", "no"]),
        Kind::Criterion => owned(&["yes", "no", "not known"]),
        Kind::Orientation => owned(&["inward", "outward", "both"]),
        _ => Vec::new(),
    };
    let width = match field {
        Field::Name | Field::Website | Field::Meets | Field::Address | Field::Topics => 32.0,
        Field::Description => 60.0,
        Field::RecordId => 38.0,
        Field::Youngest | Field::Oldest | Field::Start | Field::End | Field::Newcomers => 11.0,
        _ => 22.0,
    };
    // Numbers may be numbers; anything else typed into a cell of its own format would be changed by the spreadsheet.
    let text = !matches!(field.kind(), Kind::Age | Kind::Degrees(_));
    Look { width, text, choices, open: matches!(field.kind(), Kind::Terms(_)) }
}
