//! Capture histories that somebody brings as a table: a column for each list, 1 where it saw the unit and 0 where not.
//!
//! With a column `count` (or `freq`, `n`) a row is a combination of lists and how many units have it; without one a row is a unit. Any
//! other column is refused, so that a date or a name is never taken for a list.

use super::{Refusal, Table};
use std::collections::BTreeMap;

/// What the column of counts may be called.
const COUNTS: [&str; 3] = ["count", "freq", "n"];

/// Why a table of capture histories is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// Not a table.
    #[error("this is no table with commas, or its rows have different lengths")]
    Form,
    /// A cell that is none.
    #[error("row {row}, column {column:?}: {cell:?} is {}", wanted(.count))]
    Cell {
        /// Counted from 1, without the header.
        row: usize,
        /// The column's heading.
        column: String,
        /// What stands there.
        cell: String,
        /// Whether it is the column of counts.
        count: bool,
    },
    /// A table that cannot be counted.
    #[error(transparent)]
    Table(#[from] Refusal),
}

fn wanted(count: &bool) -> &'static str {
    if *count { "no number of units" } else { "neither 0 nor 1" }
}

impl FileError {
    /// Stable kebab-case code.
    pub fn code(&self) -> &'static str {
        match self {
            FileError::Form => "coverage-file",
            FileError::Cell { .. } => "coverage-cell",
            FileError::Table(refusal) => refusal.code(),
        }
    }
}

/// Reads a table of capture histories.
///
/// # Errors
/// [`FileError`], with the row and column.
pub fn read(text: &str) -> Result<Table, FileError> {
    let mut reader =
        csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let header = reader.headers().map_err(|_| FileError::Form)?.clone();
    let counts = header.iter().position(|name| COUNTS.contains(&name.to_lowercase().as_str()));
    let lists: Vec<String> =
        header.iter().enumerate().filter(|(at, _)| Some(*at) != counts).map(|(_, name)| name.to_owned()).collect();
    let mut patterns: BTreeMap<String, u64> = BTreeMap::new();
    for (row, record) in reader.records().enumerate() {
        let record = record.map_err(|_| FileError::Form)?;
        let wrong = |at: usize| FileError::Cell {
            row: row + 1,
            column: header.get(at).unwrap_or_default().to_owned(),
            cell: record.get(at).unwrap_or_default().to_owned(),
            count: Some(at) == counts,
        };
        let mut pattern = String::new();
        for (at, cell) in record.iter().enumerate().filter(|(at, _)| Some(*at) != counts) {
            match cell {
                "0" | "1" => pattern.push_str(cell),
                _ => return Err(wrong(at)),
            }
        }
        let n = match counts {
            None => 1,
            // As many as a table of any number of rows can add up.
            Some(at) => record.get(at).and_then(|cell| cell.parse::<u32>().ok()).ok_or_else(|| wrong(at))?.into(),
        };
        // A unit that no list saw is none that could be counted; a row that says how many there are is a mistake.
        if pattern.contains('1') || n > 0 {
            *patterns.entry(pattern).or_default() += n;
        }
    }
    Ok(Table::of(lists, &patterns)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_and_combinations_give_one_table() {
        let combinations = read("A,B,count\n1,1,2\n1,0,1\n0,1,0\n").unwrap();
        let units = read("\u{feff}A, B\n1,1\n1,0\n1,1\n").unwrap();
        assert_eq!(combinations, units);
        assert_eq!((units.n(), units.both(0, 1)), (3, 2));
    }

    #[test]
    fn what_is_no_history_is_named_by_row_and_column() {
        let error = read("A,B,date\n1,1,2026-01-01\n").unwrap_err();
        assert_eq!(error.to_string(), "row 1, column \"date\": \"2026-01-01\" is neither 0 nor 1");
        assert_eq!(read("A,B,count\n1,1,many\n").unwrap_err().code(), "coverage-cell");
        assert_eq!(read("A,B,count\n1,1,18446744073709551615\n1,1,1\n").unwrap_err().code(), "coverage-cell");
        assert_eq!(read("A,B,count\n1,1,-4\n").unwrap_err().code(), "coverage-cell");
        assert_eq!(read("A,B\n1\n").unwrap_err(), FileError::Form);
        assert_eq!(read("A,count\n1,4\n").unwrap_err().code(), "coverage-few-lists");
        // Units that nobody saw cannot have been counted.
        assert_eq!(read("A,B,n\n0,0,4\n1,1,1\n").unwrap_err().code(), "coverage-pattern");
    }
}
