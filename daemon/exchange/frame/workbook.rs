//! A workbook: what the frame is, every table on a sheet of its own, and the codebook.
//!
//! Days are days and numbers are numbers. The pairs of a sample are for programs, and stay out.

use super::table::{Cell, Kind, Table};
use super::{Counted, Export, ExportError, draw_tables};
use crate::exchange::sheet;
use jiff::civil::Date;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, FormatAlign, Workbook, Worksheet, XlsxError};

struct Looks {
    head: Format,
    day: Format,
    wrap: Format,
}

/// Writes the workbook.
pub fn write(export: &Export, tables: &[Table], to: &mut Counted) -> Result<(), ExportError> {
    let looks = Looks {
        head: Format::new().set_bold().set_text_wrap().set_align(FormatAlign::Top).set_background_color("#DDE7EE"),
        day: Format::new().set_num_format("yyyy-mm-dd"),
        wrap: Format::new().set_text_wrap().set_align(FormatAlign::Top),
    };
    let mut book = Workbook::new();
    let day = export.day();
    // The time of writing would make two equal exports differ.
    let made =
        ExcelDateTime::from_ymd(day.year().unsigned_abs(), day.month().unsigned_abs(), day.day().unsigned_abs())?;
    book.set_properties(&DocProperties::new().set_title(export.title()).set_creation_datetime(&made));
    about(export, book.add_worksheet().set_name("About")?, &looks)?;
    let shown: Vec<&Table> = tables.iter().filter(|table| table.name != draw_tables::JOINT).collect();
    for table in &shown {
        fill(table, book.add_worksheet().set_name(table.title)?, &looks)?;
    }
    codebook(&shown, book.add_worksheet().set_name("Codebook")?, &looks)?;
    Ok(book.save_to_writer(to)?)
}

fn about(export: &Export, page: &mut Worksheet, looks: &Looks) -> Result<(), XlsxError> {
    let (definition, origin) = (&export.known.frame.definition, &export.origin);
    let mut lines = vec![
        ("What it is", export.title()),
        ("In short", export.about()),
        ("Universe", definition.universe.clone()),
        ("Reference period", definition.reference_period.clone()),
        ("Judged for", definition.as_of.to_string()),
        ("Rules", export.known.frame.profile.cited()),
        ("Custodian", definition.custodian.clone()),
        ("Frozen", format!("{} by {} ({})", origin.frozen, origin.hub_name, origin.hub)),
        ("Licence", origin.licence.clone()),
    ];
    lines.extend(export.digests().into_iter().map(|(what, digest)| ("SHA-256", format!("{what}: {digest}"))));
    lines.extend(export.cautions().into_iter().map(|caution| ("Caution", caution)));
    page.set_column_width(0, 20)?.set_column_width(1, 100)?;
    for (row, (name, text)) in (0..).zip(&lines) {
        page.write_string_with_format(row, 0, *name, &looks.head)?;
        page.write_string_with_format(row, 1, text, &looks.wrap)?;
    }
    Ok(())
}

/// A sheet has 1,048,576 rows, one of which is the head's.
fn fill(table: &Table, page: &mut Worksheet, looks: &Looks) -> Result<(), ExportError> {
    for (at, column) in table.columns.iter().enumerate() {
        page.write_string_with_format(0, place(at), &column.name, &looks.head)?;
        page.set_column_width(place(at), if column.name.ends_with("_id") { 42 } else { 16 })?;
    }
    page.set_freeze_panes(1, 1)?;
    let mut row = 0;
    table.each(&mut |cells| {
        row += 1;
        for (at, cell) in cells.iter().enumerate() {
            let column = place(at);
            match cell {
                Cell::Empty => continue,
                Cell::Text(text) if text.starts_with('\'') => page.write_string(row, column, sheet::guard(text))?,
                Cell::Text(text) => page.write_string(row, column, &**text)?,
                Cell::Whole(number) => page.write_number(row, column, *number as f64)?,
                Cell::Number(number) => page.write_number(row, column, *number)?,
                Cell::Yes(yes) => page.write_boolean(row, column, *yes)?,
                Cell::Day(day) => match serial(*day) {
                    Some(days) => page.write_number_with_format(row, column, days, &looks.day)?,
                    None => page.write_string(row, column, day.to_string())?,
                },
            };
        }
        Ok(())
    })
}

/// The number by which spreadsheets know a day; none before March 1900, where they disagree about it.
fn serial(day: Date) -> Option<f64> {
    const BEFORE: Date = jiff::civil::date(1899, 12, 30);
    let days = day.since(BEFORE).ok()?.get_days();
    (days > 60).then_some(f64::from(days))
}

fn codebook(tables: &[&Table], page: &mut Worksheet, looks: &Looks) -> Result<(), ExportError> {
    let head = ["sheet", "column", "title", "meaning", "holds", "values"];
    for ((at, name), width) in head.iter().enumerate().zip([16, 28, 30, 80, 16, 60]) {
        page.write_string_with_format(0, place(at), *name, &looks.head)?;
        page.set_column_width(place(at), width)?;
    }
    page.set_freeze_panes(1, 0)?;
    let mut row = 0;
    for table in tables {
        for column in &table.columns {
            row += 1;
            let holds = match column.kind {
                Kind::Text if column.several => "texts joined by +",
                Kind::Text => "text",
                Kind::Whole => "whole number",
                Kind::Number => "number",
                Kind::Yes => "true or false",
                Kind::Day => "day",
            };
            let values: Vec<String> =
                column.values.iter().map(|value| format!("{} = {}", value.id, value.label)).collect();
            let texts = [table.title, &column.name, &column.title, &column.about, holds, &values.join("; ")];
            for (at, text) in texts.into_iter().enumerate() {
                page.write_string_with_format(row, place(at), text, &looks.wrap)?;
            }
        }
    }
    Ok(())
}

fn place(at: usize) -> u16 {
    u16::try_from(at).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_the_numbers_that_spreadsheets_know_them_by() {
        let of = |text: &str| serial(text.parse().unwrap());
        assert_eq!(of("1900-03-01"), Some(61.0));
        assert_eq!(of("2026-11-22"), Some(46348.0));
        assert_eq!(of("1900-02-28"), None);
        assert_eq!(of("1850-01-01"), None);
    }
}
