//! A person's own file back, with two columns more: what became of each row, and why. In the file's own format, with every
//! row where it was; corrected there, the same file can be imported again, and the two columns are known and left out.

use super::fault::{RowError, Warning};
use super::guess::ADDED;
use super::opendocument;
use super::plan::{ImportPlan, Settled};
use super::row::Skip;
use super::sheet::guard;
use super::table::{Format, Table};
use rust_xlsxwriter::{Format as Look, Workbook, XlsxError};
use std::collections::BTreeMap;

/// Why a file cannot be written back.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// The source is no spreadsheet.
    #[error("this source is no spreadsheet that could be written back")]
    NoSheet,
    /// A cell is longer than a workbook's can be.
    #[error(transparent)]
    Xlsx(#[from] XlsxError),
    /// Writing failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// What became of each row, by line: in a word, and why.
pub fn outcomes(plan: &ImportPlan) -> BTreeMap<u32, (&'static str, String)> {
    let mut found: BTreeMap<u32, (&'static str, String)> = BTreeMap::new();
    let cell = |column: &str, text: String| if column.is_empty() { text } else { format!("{column}: {text}") };
    let fault = |error: &RowError| cell(&error.cell.column, format!("{}. {}", error.problem, error.remedy));
    let caution = |warning: &Warning| cell(&warning.cell.column, warning.note.clone());
    let all = |warnings: &[Warning]| warnings.iter().map(caution).collect::<Vec<_>>().join("; ");
    for row in &plan.new {
        found.insert(row.line, ("new", all(&row.warnings)));
    }
    for row in &plan.changed {
        let changes = row.fields.iter().map(|field| format!("{}: {} → {}", field.column, field.before, field.after));
        let notes = row.warnings.iter().map(caution);
        found.insert(row.line, ("changed", changes.chain(notes).collect::<Vec<_>>().join("; ")));
    }
    for row in &plan.unchanged {
        found.insert(row.line, ("unchanged", String::new()));
    }
    for row in &plan.left_alone {
        found.insert(row.line, ("known already", "left as it is, because only new rows are added".to_owned()));
    }
    for row in &plan.kept {
        found.insert(row.line, ("kept", "this hub has corrected the group since; it stays as corrected".to_owned()));
    }
    for row in &plan.taken_back {
        let why = "this hub took the group back; `mutuald group add` lists it again".to_owned();
        found.insert(row.line, ("not added", why));
    }
    for row in &plan.held_back {
        found.insert(row.line, ("held back", row.why()));
    }
    for row in plan.protected.iter().filter(|row| !row.level.signed()) {
        found.insert(row.line, ("protected", format!("nothing of it is signed ({})", row.level)));
    }
    for row in &plan.to_look_at {
        let what: Vec<&str> = row.found.iter().map(|found| found.kind.words()).collect();
        let next = if row.settled == Some(Settled::Dropped) {
            "this was decided before; change the words"
        } else {
            "`mutuald held list` decides"
        };
        found.insert(row.line, ("to be looked at", format!("its words seem to hold {}: {next}", what.join(", "))));
    }
    for row in &plan.refused {
        found.insert(row.line, ("refused", row.errors.iter().map(fault).collect::<Vec<_>>().join("; ")));
    }
    for row in &plan.skipped {
        let why = match row.reason {
            Skip::Blank => continue,
            Skip::Guidance => "guidance or example",
            Skip::Filtered => "left out by the filter",
            Skip::Totals => "a line of sums",
        };
        found.insert(row.line, ("left out", why.to_owned()));
    }
    found
}

/// The file as it was, with what became of each row.
///
/// # Errors
/// [`AnswerError`].
pub fn file(table: &Table, plan: &ImportPlan) -> Result<Vec<u8>, AnswerError> {
    let outcomes = outcomes(plan);
    // An answer to an answer has the two columns already: they are written anew in their places.
    let mut header = table.header.clone();
    let places: Vec<usize> = ADDED[..2]
        .iter()
        .map(|heading| {
            header.iter().position(|known| known == heading).unwrap_or_else(|| {
                header.push((*heading).to_owned());
                header.len() - 1
            })
        })
        .collect();
    let mut rows: Vec<Vec<String>> = Vec::new();
    let put = |rows: &mut Vec<Vec<String>>, line: u32, cells: Vec<String>| {
        rows.resize((line.max(1) - 1) as usize, Vec::new());
        rows.push(cells);
    };
    for row in &table.above {
        put(&mut rows, row.line, row.cells.clone());
    }
    put(&mut rows, table.header_line, header.clone());
    for row in &table.rows {
        let mut cells = row.cells.clone();
        for place in &places {
            if let Some(cell) = cells.get_mut(*place) {
                cell.clear();
            }
        }
        if let Some((word, why)) = outcomes.get(&row.line) {
            cells.resize(header.len().max(cells.len()), String::new());
            cells[places[0]] = (*word).to_owned();
            cells[places[1]] = why.chars().take(MOST).collect();
        }
        put(&mut rows, row.line, cells);
    }
    match table.format {
        Format::Delimited(separator) => Ok(delimited(&rows, separator, header.len())),
        Format::Xlsx => xlsx(table.sheet.as_deref().unwrap_or("Sheet1"), &rows, table.header_line),
        Format::Ods => Ok(opendocument::write(table.sheet.as_deref().unwrap_or("Sheet1"), &rows)?),
        Format::Other => Err(AnswerError::NoSheet),
    }
}

/// Longest message, in letters: a cell of a workbook holds 32,767.
const MOST: usize = 8_000;

/// UTF-8 with a byte-order mark, by which spreadsheet programs know the letters.
fn delimited(rows: &[Vec<String>], separator: char, width: usize) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new()
        .delimiter(u8::try_from(separator).unwrap_or(b','))
        .terminator(csv::Terminator::CRLF)
        .flexible(true)
        .from_writer(vec![0xef, 0xbb, 0xbf]);
    for row in rows {
        let mut cells: Vec<String> = row.iter().map(|cell| guard(cell)).collect();
        // A row of nothing at all would be no row to the readers of such files, and all below it would move up.
        cells.resize(width.max(cells.len()), String::new());
        writer.write_record(&cells).expect("rows may differ in width, and memory takes all");
    }
    writer.into_inner().expect("memory takes all that was buffered")
}

fn xlsx(sheet: &str, rows: &[Vec<String>], header_line: u32) -> Result<Vec<u8>, AnswerError> {
    let mut book = Workbook::new();
    let epoch = rust_xlsxwriter::ExcelDateTime::from_ymd(2026, 1, 1)?;
    book.set_properties(&rust_xlsxwriter::DocProperties::new().set_creation_datetime(&epoch));
    let page = book.add_worksheet().set_name(sheet)?;
    let (text, bold, refused) = (
        Look::new().set_num_format("@"),
        Look::new().set_num_format("@").set_bold(),
        Look::new().set_num_format("@").set_background_color("#FBE3D6"),
    );
    for (at, cells) in (0..).zip(rows) {
        let bad = cells.iter().any(|cell| cell == "refused");
        let look = if at + 1 == header_line {
            &bold
        } else if bad {
            &refused
        } else {
            &text
        };
        for (column, cell) in cells.iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
            let doubled = if cell.starts_with('\'') { guard(cell) } else { cell.clone() };
            page.write_string_with_format(at, u16::try_from(column).unwrap_or(u16::MAX), doubled, look)?;
        }
    }
    Ok(book.save_to_buffer()?)
}
