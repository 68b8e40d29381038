//! Writing sheets: one grid of texts as CSV or XLSX.
//!
//! A cell that begins with `=`, `+`, `-`, `@`, a tab or a carriage return is a formula to a spreadsheet, and a formula in a
//! shared list is an attack (CSV injection). Such a cell gets an apostrophe in front, and the import takes it off again. So
//! that nothing is lost, a cell that already begins with apostrophes and then one of these gets one more. Negative numbers
//! stay as they are: they are no formulas, and other programs want them as numbers. In XLSX cells have a type, so there
//! only the apostrophes are doubled.

use rust_xlsxwriter::{DataValidation, DataValidationErrorStyle, Format, FormatAlign, Workbook, Worksheet, XlsxError};

fn starts_formula(text: &str) -> bool {
    let unquoted = text.trim_start_matches('\'');
    let number = unquoted.strip_prefix('-').is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_ascii_digit()) && rest.bytes().all(|b| b.is_ascii_digit() || b == b'.')
    });
    unquoted.starts_with(['=', '+', '-', '@', '\t', '\r']) && !number
}

/// The cell as it is written into CSV.
pub fn guard(text: &str) -> String {
    if starts_formula(text) { format!("'{text}") } else { text.to_owned() }
}

/// The cell as it was before [`guard`].
pub fn unguard(text: &str) -> &str {
    text.strip_prefix('\'').filter(|_| starts_formula(text)).unwrap_or(text)
}

/// How a column of a workbook looks.
#[derive(Debug, Clone, Default)]
pub struct Look {
    /// Width, in characters.
    pub width: f64,
    /// Keep what is typed as text: telephone numbers, dates and references lose digits otherwise.
    pub text: bool,
    /// The choices of a drop-down.
    pub choices: Vec<String>,
    /// Whether other values, or several, are possible beside the choices.
    pub open: bool,
}

/// A grid of texts to be written: a header and rows.
#[derive(Debug, Clone)]
pub struct Grid {
    /// Name of the sheet.
    pub sheet: &'static str,
    /// The headings.
    pub header: Vec<String>,
    /// How each column looks in a workbook.
    pub looks: Vec<Look>,
    /// The rows, as wide as the header.
    pub rows: Vec<Vec<String>>,
    /// How many of the first rows are guidance, which is set apart by its look.
    pub guidance: u32,
}

impl Grid {
    /// As CSV in UTF-8 with a byte-order mark, by which Excel knows the letters, and CRLF (RFC 4180).
    pub fn csv(&self) -> String {
        let mut writer =
            csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(vec![0xef, 0xbb, 0xbf]);
        for row in std::iter::once(&self.header).chain(&self.rows) {
            writer
                .write_record(row.iter().map(|cell| guard(cell)))
                .expect("rows are as wide as the header; memory takes all");
        }
        let bytes = writer.into_inner().expect("memory takes all");
        String::from_utf8(bytes).expect("texts and ASCII separators are UTF-8")
    }

    /// As an XLSX workbook. The same grid gives the same bytes.
    ///
    /// # Errors
    /// [`XlsxError`] when a cell holds more than a workbook can; cells of records never do.
    pub fn xlsx(&self) -> Result<Vec<u8>, XlsxError> {
        let mut book = Workbook::new();
        // The time of writing would make two equal exports differ.
        let epoch = rust_xlsxwriter::ExcelDateTime::from_ymd(2026, 1, 1)?;
        book.set_properties(&rust_xlsxwriter::DocProperties::new().set_creation_datetime(&epoch));
        let choices = self.choices(&mut book)?;
        let page = book.worksheet_from_index(0)?;
        self.fill(page)?;
        for (at, choices) in choices {
            let look = &self.looks[at];
            let style =
                if look.open { DataValidationErrorStyle::Information } else { DataValidationErrorStyle::Warning };
            let rule = DataValidation::new()
                .allow_list_formula(choices.as_str().into())
                .set_error_style(style)
                .set_error_title("Not in the list")?
                .set_error_message("Several values need a semicolon between them; other words will be refused.")?;
            page.add_data_validation(1, column(at), 1_048_575, column(at), &rule)?;
        }
        book.save_to_buffer()
    }

    /// Writes the choices into a hidden sheet (a drop-down's own list may hold 255 characters at most) and gives, by
    /// column, where they are.
    fn choices(&self, book: &mut Workbook) -> Result<Vec<(usize, String)>, XlsxError> {
        book.add_worksheet().set_name(self.sheet)?;
        let mut ranges = Vec::new();
        let columns: Vec<_> = self.looks.iter().enumerate().filter(|(_, look)| !look.choices.is_empty()).collect();
        if columns.is_empty() {
            return Ok(ranges);
        }
        let words = book.add_worksheet().set_name("Words")?.set_hidden(true);
        for (to, (at, look)) in columns.into_iter().enumerate() {
            for (row, choice) in look.choices.iter().enumerate() {
                words.write_string(row as u32, column(to), choice)?;
            }
            let letter = super::table::letter(to);
            ranges.push((at, format!("=Words!${letter}$1:${letter}${}", look.choices.len())));
        }
        Ok(ranges)
    }

    fn fill(&self, page: &mut Worksheet) -> Result<(), XlsxError> {
        let head = Format::new().set_bold().set_text_wrap().set_align(FormatAlign::Top).set_background_color("#DDE7EE");
        let guidance = Format::new().set_italic().set_text_wrap().set_align(FormatAlign::Top).set_font_color("#555555");
        let text = Format::new().set_num_format("@").set_align(FormatAlign::Top);
        let plain = Format::new().set_align(FormatAlign::Top);
        for (at, (heading, look)) in self.header.iter().zip(&self.looks).enumerate() {
            page.set_column_width(column(at), look.width)?;
            page.set_column_format(column(at), if look.text { &text } else { &plain })?;
            page.write_string_with_format(0, column(at), heading, &head)?;
        }
        for (row, cells) in (1..).zip(&self.rows) {
            for (at, cell) in cells.iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
                let look = match self.looks.get(at) {
                    _ if row <= self.guidance => &guidance,
                    Some(look) if look.text => &text,
                    _ => &plain,
                };
                let doubled = if cell.starts_with('\'') { guard(cell) } else { cell.clone() };
                page.write_string_with_format(row, column(at), doubled, look)?;
            }
        }
        page.set_freeze_panes(1, 1)?;
        Ok(())
    }
}

fn column(at: usize) -> u16 {
    u16::try_from(at).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn formulas_are_disarmed_and_numbers_are_not() {
        for (text, written) in [
            ("=1+1", "'=1+1"),
            ("+44 1632 960123", "'+44 1632 960123"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-cmd", "'-cmd"),
            ("'=1", "''=1"),
            ("-1.15", "-1.15"),
            ("'tis us", "'tis us"),
            ("", ""),
        ] {
            assert_eq!(guard(text), written);
            assert_eq!(unguard(written), text);
        }
    }

    proptest! {
        #[test]
        fn the_import_takes_off_what_the_export_put_on(text in "['=+@\t-]{0,3}.{0,6}") {
            let written = guard(&text);
            prop_assert_eq!(unguard(&written), text.as_str());
            prop_assert!(!written.starts_with(['=', '+', '@']));
        }
    }
}
