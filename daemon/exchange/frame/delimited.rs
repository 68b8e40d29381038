//! CSV: UTF-8 without a mark at its beginning, lines ended by a line feed, names of columns first, nothing for what is not known.
//!
//! A text that a spreadsheet would run as a formula gets an apostrophe in front, as in every sheet this program writes.

use super::ExportError;
use super::table::{AND, Cell, Column, Table};
use crate::exchange::sheet;
use std::io::Write;

/// What a codebook says of a column beside its meaning.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Met {
    /// Cells that are not empty.
    pub filled: usize,
    /// How often each of the column's values stands there.
    pub counts: Vec<usize>,
}

/// What was met while a table was written, by column.
pub type Tally = Vec<Met>;

fn count(tally: &mut Met, column: &Column, cell: &Cell) {
    if *cell == Cell::Empty {
        return;
    }
    tally.filled += 1;
    let Cell::Text(text) = cell else { return };
    if column.values.is_empty() {
        return;
    }
    let mut one = |id: &str| {
        if let Some(at) = column.values.iter().position(|value| value.id == id) {
            tally.counts[at] += 1;
        }
    };
    if column.several { text.split(AND).for_each(one) } else { one(text) }
}

/// Writes a table, and counts.
pub fn write(table: &Table, to: &mut impl Write) -> Result<Tally, ExportError> {
    let mut tally: Tally =
        table.columns.iter().map(|column| Met { filled: 0, counts: vec![0; column.values.len()] }).collect();
    let mut out = csv::WriterBuilder::new().buffer_capacity(1 << 18).from_writer(to);
    out.write_record(table.columns.iter().map(|column| &column.name))?;
    let mut scratch = Vec::new();
    table.each(&mut |cells| {
        for ((cell, column), tally) in cells.iter().zip(&table.columns).zip(&mut tally) {
            count(tally, column, cell);
            scratch.clear();
            match cell {
                Cell::Empty => {}
                Cell::Text(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\'']) => {
                    scratch.extend_from_slice(sheet::guard(text).as_bytes());
                }
                Cell::Text(text) => {
                    out.write_field(text.as_bytes())?;
                    continue;
                }
                Cell::Whole(number) => write!(scratch, "{number}")?,
                Cell::Number(number) => write!(scratch, "{number}")?,
                Cell::Yes(yes) => scratch.extend_from_slice(if *yes { b"true" } else { b"false" }),
                Cell::Day(day) => write!(scratch, "{day}")?,
            }
            out.write_field(&scratch)?;
        }
        Ok(out.write_record(None::<&[u8]>)?)
    })?;
    out.flush()?;
    Ok(tally)
}
