//! ODS: one sheet of an OpenDocument spreadsheet (ISO/IEC 26300), every cell as the text a person sees.
//!
//! Read as a stream: a cell may say that it stands there sixteen thousand times and a row a million, and mostly they say so
//! of nothing. What is empty is counted, never written down.

use super::sheet;
use super::table::{Format, Gather, Hints, MAX_COLUMNS, MAX_ROWS, MAX_UNPACKED, Note, Table, TableError, letter};
use super::workbook::measure;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::collections::BTreeSet;
use std::io::{Cursor, Read, Write};

const KIND: &str = "application/vnd.oasis.opendocument.spreadsheet";

/// Whether an archive says that it is one: its first part is named so, and not compressed (the format's own rule).
pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.get(30..38) == Some(b"mimetype") && bytes.get(38..).is_some_and(|rest| rest.starts_with(KIND.as_bytes()))
}

/// A sheet on the way: its name, whether people see it, and its rows if it is the one wanted.
struct Pass<'a> {
    gather: Gather<'a>,
    line: u32,
    cells: Vec<String>,
    /// Repetitions of the row under way.
    times: u32,
    /// The cell under way.
    cell: Option<OneCell>,
}

struct OneCell {
    /// What the cell's own attributes say, where that is plainer than its text.
    value: Option<String>,
    text: String,
    times: usize,
}

/// Reads one sheet.
pub(super) fn read(file: &str, bytes: &[u8], hints: &Hints) -> Result<Table, TableError> {
    measure(file, bytes, MAX_UNPACKED)?;
    let broken = |why: String| TableError::Workbook { file: file.to_owned(), why };
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| broken(error.to_string()))?;
    let mut content = String::new();
    let part = archive.by_name("content.xml").map_err(|error| broken(error.to_string()))?;
    part.take(MAX_UNPACKED).read_to_string(&mut content).map_err(|error| broken(error.to_string()))?;
    drop(archive);
    let sheets = sheets(&content).map_err(broken)?;
    let chosen = match hints.sheet {
        Some(name) => sheets.iter().position(|(known, _)| known == name),
        None => sheets.iter().position(|(_, seen)| *seen),
    };
    let Some(chosen) = chosen else {
        let names: Vec<_> = sheets.iter().map(|(name, _)| format!("{name:?}")).collect();
        let wanted = hints.sheet.map_or("sheet that can be seen".to_owned(), |name| format!("sheet {name:?}"));
        return Err(TableError::NoSheet { file: file.to_owned(), wanted, have: names.join(", ") });
    };
    let others = sheets.iter().enumerate().filter(|(at, _)| *at != chosen);
    let notes = others
        .map(|(_, (name, seen))| if *seen { Note::OtherSheet(name.clone()) } else { Note::HiddenSheet(name.clone()) })
        .collect();
    let mut pass = Pass { gather: Gather::new(file, hints), line: 0, cells: Vec::new(), times: 1, cell: None };
    pass.run(file, &content, chosen)?;
    pass.gather.finish(Format::Ods, Some(sheets[chosen].0.clone()), notes)
}

/// Names of the sheets in order, and whether people see them.
fn sheets(content: &str) -> Result<Vec<(String, bool)>, String> {
    let mut reader = Reader::from_str(content);
    let (mut hidden, mut style) = (BTreeSet::new(), String::new());
    let mut found = Vec::new();
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(tag) | Event::Empty(tag) => match tag.name().as_ref() {
                "style:style" => style = attribute(&tag, "style:name").unwrap_or_default(),
                "style:table-properties" if attribute(&tag, "table:display").as_deref() == Some("false") => {
                    hidden.insert(style.clone());
                }
                "table:table" => {
                    let seen = attribute(&tag, "table:style-name").is_none_or(|style| !hidden.contains(&style));
                    found.push((attribute(&tag, "table:name").unwrap_or_default(), seen));
                }
                _ => {}
            },
            Event::Eof => return Ok(found),
            _ => {}
        }
    }
}

fn attribute(tag: &BytesStart, name: &str) -> Option<String> {
    let found = tag.try_get_attribute(name).ok().flatten()?;
    found.normalized_value(quick_xml::XmlVersion::Implicit1_0).ok().map(|value| value.into_owned())
}

fn times(tag: &BytesStart, name: &str) -> usize {
    attribute(tag, name).and_then(|text| text.parse().ok()).unwrap_or(1)
}

impl Pass<'_> {
    fn run(&mut self, file: &str, content: &str, chosen: usize) -> Result<(), TableError> {
        let broken = |why: String| TableError::Workbook { file: file.to_owned(), why };
        let mut reader = Reader::from_str(content);
        // Depth inside tables, so that a table within a cell is not another sheet; depth inside notes on cells.
        let (mut sheet, mut depth, mut notes) = (None::<usize>, 0_usize, 0_usize);
        loop {
            let event = reader.read_event().map_err(|error| broken(error.to_string()))?;
            let here = depth == 1 && sheet == Some(chosen) && notes == 0;
            match &event {
                Event::Start(tag) | Event::Empty(tag) => {
                    let whole = matches!(event, Event::Empty(_));
                    match tag.name().as_ref() {
                        "table:table" => {
                            if depth == 0 {
                                sheet = Some(sheet.map_or(0, |at| at + 1));
                            }
                            depth += usize::from(!whole);
                        }
                        "office:annotation" => notes += usize::from(!whole),
                        "table:table-row" if here => {
                            self.times = u32::try_from(times(tag, "table:number-rows-repeated")).unwrap_or(u32::MAX);
                            if whole {
                                self.end_row(file)?;
                            }
                        }
                        "table:table-cell" | "table:covered-table-cell" if here => {
                            self.cell = Some(OneCell {
                                value: value(tag),
                                text: String::new(),
                                times: times(tag, "table:number-columns-repeated"),
                            });
                            if whole {
                                self.end_cell(file)?;
                            }
                        }
                        "text:p" if here => self.line_break(),
                        "text:line-break" if here => self.push("\n"),
                        "text:tab" if here => self.push("\t"),
                        "text:s" if here => self.push(&" ".repeat(times(tag, "text:c").min(100))),
                        _ => {}
                    }
                }
                Event::End(tag) => match tag.name().as_ref() {
                    "table:table" => depth = depth.saturating_sub(1),
                    "office:annotation" => notes = notes.saturating_sub(1),
                    "table:table-row" if here => self.end_row(file)?,
                    "table:table-cell" | "table:covered-table-cell" if here => self.end_cell(file)?,
                    _ => {}
                },
                Event::Text(text) if here => self.push(&text.xml10_content()),
                Event::CData(text) if here => self.push(&text.xml10_content()),
                Event::GeneralRef(entity) if here => {
                    let known = entity.resolve_char_ref().ok().flatten().map(String::from);
                    let named = || quick_xml::escape::resolve_xml_entity(&entity.xml10_content()).map(str::to_owned);
                    self.push(&known.or_else(named).unwrap_or_default());
                }
                Event::Eof => return Ok(()),
                _ => {}
            }
        }
    }

    fn push(&mut self, text: &str) {
        if let Some(cell) = &mut self.cell {
            // One past the bound is enough for the bound to be noticed.
            if cell.text.len() <= super::table::MAX_CELL {
                cell.text.push_str(text);
            }
        }
    }

    /// A paragraph after another is a line of the same cell.
    fn line_break(&mut self) {
        if self.cell.as_ref().is_some_and(|cell| !cell.text.is_empty()) {
            self.push("\n");
        }
    }

    fn end_cell(&mut self, file: &str) -> Result<(), TableError> {
        let Some(cell) = self.cell.take() else { return Ok(()) };
        let text = cell.value.unwrap_or(cell.text);
        let text = sheet::unguard(&text).to_owned();
        if text.trim().is_empty() {
            // Empty cells at a row's end are dropped; between others they count.
            let room = (MAX_COLUMNS + 1).saturating_sub(self.cells.len());
            self.cells.extend(std::iter::repeat_n(String::new(), cell.times.min(room)));
            return Ok(());
        }
        if cell.times > MAX_COLUMNS.saturating_sub(self.cells.len()) {
            return Err(TableError::TooMany { file: file.to_owned(), what: "columns" });
        }
        if text.len() > super::table::MAX_CELL {
            let column = letter(self.cells.len());
            return Err(TableError::LongCell { file: file.to_owned(), line: self.line.saturating_add(1), column });
        }
        self.cells.extend(std::iter::repeat_n(text, cell.times));
        Ok(())
    }

    fn end_row(&mut self, file: &str) -> Result<(), TableError> {
        let mut cells = std::mem::take(&mut self.cells);
        while cells.last().is_some_and(|cell| cell.trim().is_empty()) {
            cells.pop();
        }
        let times = std::mem::replace(&mut self.times, 1);
        if cells.is_empty() {
            self.line = self.line.saturating_add(times);
            return Ok(());
        }
        if times as usize > MAX_ROWS {
            return Err(TableError::TooMany { file: file.to_owned(), what: "rows" });
        }
        for _ in 0..times {
            self.line = self.line.saturating_add(1);
            self.gather.row(self.line, cells.clone())?;
        }
        Ok(())
    }
}

/// What a cell's attributes say more plainly than its text: numbers without rounding, days and times in the ISO forms.
fn value(tag: &BytesStart) -> Option<String> {
    match attribute(tag, "office:value-type")?.as_str() {
        "float" => {
            let text = attribute(tag, "office:value")?;
            // Rust writes 7700900123 and 51.5, never 7.7E9.
            Some(text.parse::<f64>().map_or(text, |number| number.to_string()))
        }
        "boolean" => Some(if attribute(tag, "office:boolean-value")? == "true" { "yes" } else { "no" }.to_owned()),
        "date" => Some(attribute(tag, "office:date-value")?.trim_end_matches("T00:00:00").replace('T', " ")),
        "time" => {
            // PT19H30M00S
            let text = attribute(tag, "office:time-value")?;
            let (hours, rest) = text.strip_prefix("PT")?.split_once('H')?;
            let minutes = rest.split_once('M')?.0;
            Some(format!("{hours:0>2}:{minutes:0>2}"))
        }
        _ => None,
    }
}

/// A sheet of texts as an OpenDocument spreadsheet. The same texts give the same bytes.
///
/// # Errors
/// None that memory does not give.
pub(super) fn write(sheet: &str, rows: &[Vec<String>]) -> std::io::Result<Vec<u8>> {
    let escape = |text: &str| quick_xml::escape::escape(text).into_owned();
    let mut content = String::from(concat!(
        r#"<?xml version="1.0" encoding="UTF-8"?><office:document-content office:version="1.3" "#,
        r#"xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" "#,
        r#"xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" "#,
        r#"xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>"#
    ));
    content.push_str(&format!("<table:table table:name=\"{}\">", escape(sheet)));
    for row in rows {
        content.push_str("<table:table-row>");
        for cell in row {
            if cell.is_empty() {
                content.push_str("<table:table-cell/>");
                continue;
            }
            content.push_str("<table:table-cell office:value-type=\"string\">");
            // XML cannot hold control characters at all.
            let seen: String = cell.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
            for line in seen.split('\n') {
                // Blanks at the ends and in a row are otherwise one.
                let line = escape(line).replace("  ", " <text:s/>").replace('\t', "<text:tab/>");
                content.push_str(&format!("<text:p>{line}</text:p>"));
            }
            content.push_str("</table:table-cell>");
        }
        if row.is_empty() {
            content.push_str("<table:table-cell/>");
        }
        content.push_str("</table:table-row>");
    }
    content.push_str("</table:table></office:spreadsheet></office:body></office:document-content>");
    let manifest = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><manifest:manifest manifest:version=\"1.3\" \
         xmlns:manifest=\"urn:oasis:names:tc:opendocument:xmlns:manifest:1.0\">\
         <manifest:file-entry manifest:full-path=\"/\" manifest:media-type=\"{KIND}\"/>\
         <manifest:file-entry manifest:full-path=\"content.xml\" manifest:media-type=\"text/xml\"/></manifest:manifest>"
    );
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    zip.start_file("mimetype", stored)?;
    zip.write_all(KIND.as_bytes())?;
    for (name, text) in [("content.xml", &content), ("META-INF/manifest.xml", &manifest)] {
        zip.start_file(name, zip::write::SimpleFileOptions::default())?;
        zip.write_all(text.as_bytes())?;
    }
    Ok(zip.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::table;

    /// A spreadsheet by hand around this body.
    fn file(styles: &str, body: &str) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        zip.start_file("mimetype", stored).unwrap();
        zip.write_all(KIND.as_bytes()).unwrap();
        zip.start_file("content.xml", zip::write::SimpleFileOptions::default()).unwrap();
        let text = format!(
            "<office:document-content xmlns:office=\"o\" xmlns:table=\"t\" xmlns:text=\"x\" xmlns:style=\"s\">{styles}\
             <office:body><office:spreadsheet>{body}</office:spreadsheet></office:body></office:document-content>"
        );
        zip.write_all(text.as_bytes()).unwrap();
        zip.finish().unwrap().into_inner()
    }

    fn text(value: &str) -> String {
        format!("<table:table-cell office:value-type=\"string\"><text:p>{value}</text:p></table:table-cell>")
    }

    #[test]
    fn every_cell_is_the_text_a_person_sees() {
        let styles = "<office:automatic-styles><style:style style:name=\"ta2\"><style:table-properties \
                      table:display=\"false\"/></style:style></office:automatic-styles>";
        let head: String = ["a", "b", "c", "d", "e", "f"].iter().map(|heading| text(heading)).collect();
        let body = format!(
            "<table:table table:name=\"Old\" table:style-name=\"ta2\"><table:table-row>{}</table:table-row></table:table>\
             <table:table table:name=\"Groups\"><table:table-row>{head}</table:table-row>\
             <table:table-row table:number-rows-repeated=\"3\"><table:table-cell table:number-columns-repeated=\"16384\"/></table:table-row>\
             <table:table-row><table:table-cell office:value-type=\"string\"><office:annotation><text:p>a note</text:p>\
             </office:annotation><text:p>Tea &amp; talk<text:s text:c=\"2\"/>Caf&#233;</text:p><text:p>two</text:p></table:table-cell>\
             <table:table-cell office:value-type=\"float\" office:value=\"7700900123\"><text:p>7.7E+09</text:p></table:table-cell>\
             <table:table-cell office:value-type=\"date\" office:date-value=\"2026-04-03\"><text:p>3 Apr</text:p></table:table-cell>\
             <table:table-cell office:value-type=\"time\" office:time-value=\"PT19H30M00S\"><text:p>x</text:p></table:table-cell>\
             <table:covered-table-cell/>\
             <table:table-cell office:value-type=\"boolean\" office:boolean-value=\"true\"/>\
             <table:table-cell table:number-columns-repeated=\"16000\"/></table:table-row>\
             <table:table-row table:number-rows-repeated=\"1048000\"><table:table-cell/></table:table-row></table:table>",
            text("x")
        );
        let table = table::read("t.ods", &file(styles, &body), None).unwrap();
        assert_eq!((table.format, table.sheet.as_deref()), (Format::Ods, Some("Groups")));
        assert_eq!(table.notes, [Note::HiddenSheet("Old".into())]);
        assert_eq!(table.rows.len(), 1);
        assert_eq!(table.rows[0].line, 5);
        let expected = ["Tea & talk  Café\ntwo", "7700900123", "2026-04-03", "19:30", "", "yes"];
        assert_eq!(table.rows[0].cells, expected);
    }

    #[test]
    fn repetitions_cost_nothing_or_are_refused() {
        let code = |body: &str| table::read("t.ods", &file("", body), None).map_err(|error| error.code());
        let rows = format!(
            "<table:table table:name=\"S\"><table:table-row>{}</table:table-row>\
             <table:table-row table:number-rows-repeated=\"4000000000\">{}</table:table-row></table:table>",
            text("name"),
            text("A")
        );
        assert_eq!(code(&rows), Err("too-many"));
        let cells = "<table:table table:name=\"S\"><table:table-row><table:table-cell table:number-columns-repeated=\"99999999\" \
                     office:value-type=\"string\"><text:p>x</text:p></table:table-cell></table:table-row></table:table>";
        assert_eq!(code(cells), Err("too-many"));
        // Numbers at the edge of what a machine counts with, behind a cell and below empty rows without end.
        let most = format!(
            "<table:table table:name=\"S\"><table:table-row>{}<table:table-cell table:number-columns-repeated=\"{}\" \
             office:value-type=\"string\"><text:p>x</text:p></table:table-cell></table:table-row></table:table>",
            text("name"),
            usize::MAX
        );
        assert_eq!(code(&most), Err("too-many"));
        let deep = format!(
            "<table:table table:name=\"S\"><table:table-row>{}</table:table-row><table:table-row \
             table:number-rows-repeated=\"{}\"><table:table-cell/></table:table-row><table:table-row>{}</table:table-row></table:table>",
            text("name"),
            u32::MAX,
            text("A")
        );
        assert_eq!(code(&deep), Err("too-many"));
        assert_eq!(code("<table:table table:name=\"S\"/>"), Err("file-empty"));
        assert_eq!(code("<table:table"), Err("workbook-unreadable"));
    }

    #[test]
    fn what_is_written_is_read_again() {
        let rows = vec![
            vec!["Group name".to_owned(), "Telephone".to_owned()],
            vec![],
            vec!["Tea & <talk>\ntwo".to_owned(), "01632 960123".to_owned()],
        ];
        let table = table::read("t.ods", &write("S & T", &rows).unwrap(), None).unwrap();
        assert_eq!((table.header, table.sheet.as_deref()), (rows[0].clone(), Some("S & T")));
        assert_eq!((table.rows[0].line, &table.rows[0].cells), (3, &rows[2]));
    }
}
