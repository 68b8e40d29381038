//! XLSX: one sheet of a workbook, every cell as the text a person sees.
//!
//! A workbook is a ZIP of XML. What it unpacks to is measured before anything is parsed, with the true size of every
//! part and not the size it claims; then cells are read one at a time, never as a grid.

use super::sheet;
use super::table::{Format, Gather, Hints, MAX_COLUMNS, MAX_UNPACKED, Note, Table, TableError, letter};
use calamine::{CellErrorType, DataRef, ExcelDateTime, Reader, SheetType, SheetVisible, Xlsx};
use std::io::{Cursor, Read};

/// Most parts in a workbook.
const MAX_PARTS: usize = 5_000;
/// How far into the shared texts their head is looked for.
const HEAD: usize = 64 << 10;

/// Reads one sheet.
pub(super) fn read(file: &str, bytes: &[u8], hints: &Hints) -> Result<Table, TableError> {
    let wanted = hints.sheet;
    measure(file, bytes, MAX_UNPACKED)?;
    let broken = |why: calamine::XlsxError| TableError::Workbook { file: file.to_owned(), why: why.to_string() };
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(broken)?;
    let sheets: Vec<_> =
        book.sheets_metadata().iter().filter(|sheet| sheet.typ == SheetType::WorkSheet).cloned().collect();
    let seen = |sheet: &&calamine::Sheet| sheet.visible == SheetVisible::Visible;
    let chosen = match wanted {
        Some(name) => sheets.iter().find(|sheet| sheet.name == name),
        None => sheets.iter().find(seen),
    };
    let Some(chosen) = chosen else {
        let names: Vec<_> = sheets.iter().map(|sheet| format!("{:?}", sheet.name)).collect();
        let wanted = wanted.map_or("sheet that can be seen".to_owned(), |name| format!("sheet {name:?}"));
        return Err(TableError::NoSheet { file: file.to_owned(), wanted, have: names.join(", ") });
    };
    let others = sheets.iter().filter(|sheet| sheet.name != chosen.name);
    let notes =
        others
            .map(|sheet| {
                if seen(&sheet) { Note::OtherSheet(sheet.name.clone()) } else { Note::HiddenSheet(sheet.name.clone()) }
            })
            .collect();
    let mut gather = Gather::new(file, hints);
    let mut cells = book.worksheet_cells_reader(&chosen.name).map_err(broken)?;
    let mut row: (u32, Vec<String>) = (0, Vec::new());
    while let Some(cell) = cells.next_cell().map_err(broken)? {
        let (at, column) = cell.get_position();
        let text = text(cell.get_value());
        if text.trim().is_empty() {
            continue;
        }
        if at != row.0 {
            if at < row.0 {
                return Err(TableError::Workbook {
                    file: file.to_owned(),
                    why: "its rows are out of order".to_owned(),
                });
            }
            let (line, cells) = std::mem::replace(&mut row, (at, Vec::new()));
            flush(&mut gather, line, cells)?;
        }
        let column = column as usize;
        if column >= MAX_COLUMNS {
            return Err(TableError::TooMany { file: file.to_owned(), what: "columns" });
        }
        if row.1.len() <= column {
            row.1.resize(column + 1, String::new());
        }
        if text.len() > super::table::MAX_CELL {
            return Err(TableError::LongCell { file: file.to_owned(), line: at + 1, column: letter(column) });
        }
        row.1[column] = sheet::unguard(&text).to_owned();
    }
    flush(&mut gather, row.0, row.1)?;
    gather.finish(Format::Xlsx, Some(chosen.name.clone()), notes)
}

/// Rows without a single value are not rows: a sheet has a million of them.
fn flush(gather: &mut Gather, row: u32, cells: Vec<String>) -> Result<(), TableError> {
    if cells.is_empty() { Ok(()) } else { gather.row(row + 1, cells) }
}

/// Unpacks every part into nothing and counts; `left` is what they may come to.
pub(super) fn measure(file: &str, bytes: &[u8], mut left: u64) -> Result<(), TableError> {
    let broken = |why: String| TableError::Workbook { file: file.to_owned(), why };
    let bomb = || TableError::Bomb { file: file.to_owned() };
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|e| broken(e.to_string()))?;
    if archive.len() > MAX_PARTS {
        return Err(bomb());
    }
    let mut buffer = vec![0; HEAD];
    for at in 0..archive.len() {
        let part = archive.by_index(at).map_err(|e| broken(e.to_string()))?;
        let shared =
            part.name().map_err(|e| broken(e.to_string()))?.to_ascii_lowercase().ends_with("sharedstrings.xml");
        let mut part = part.take(left + 1);
        let (mut size, mut head) = (0, Vec::new());
        loop {
            let n = part.read(&mut buffer).map_err(|e| broken(e.to_string()))?;
            if n == 0 {
                break;
            }
            size += n as u64;
            if shared && head.len() < HEAD {
                head.extend_from_slice(&buffer[..n]);
            }
        }
        left = left.checked_sub(size).ok_or_else(bomb)?;
        if shared && !plausible(&head, size) {
            return Err(bomb());
        }
    }
    Ok(())
}

/// The reader of workbooks reserves room for as many shared texts as the file says it has, before it has seen one. So the
/// number must fit the part's size (no text takes fewer than five bytes, `<si/>`), and stand where it cannot be missed.
fn plausible(head: &[u8], size: u64) -> bool {
    let head = String::from_utf8_lossy(head);
    let Some(start) = head.find("<sst").or_else(|| head.find(":sst")) else { return false };
    let hidden = head[..start].contains("<!");
    let counts = head.match_indices("uniqueCount").all(|(at, word)| {
        let rest =
            head[at + word.len()..].trim_start().trim_start_matches('=').trim_start().trim_start_matches(['"', '\'']);
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<u64>().is_ok_and(|count| count <= size / 5)
    });
    !hidden && counts
}

/// What a person sees in the cell, but dates and times in the ISO forms.
fn text(value: &DataRef) -> String {
    match value {
        DataRef::Empty => String::new(),
        DataRef::String(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Int(number) => number.to_string(),
        // Rust writes 7700900123 and 51.5, never 7.7E9 nor 7700900123.0.
        DataRef::Float(number) => number.to_string(),
        DataRef::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        DataRef::DateTime(moment) => day_or_time(moment),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.trim_end_matches("T00:00:00").to_owned(),
        DataRef::Error(CellErrorType::NA) => "#N/A".to_owned(),
        DataRef::Error(error) => error.to_string(),
    }
}

fn day_or_time(moment: &ExcelDateTime) -> String {
    let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
    let time =
        if second == 0 { format!("{hour:02}:{minute:02}") } else { format!("{hour:02}:{minute:02}:{second:02}") };
    let whole = moment.as_f64();
    if (0.0..1.0).contains(&whole) {
        time
    } else if whole.fract() == 0.0 {
        format!("{year:04}-{month:02}-{day:02}")
    } else {
        format!("{year:04}-{month:02}-{day:02} {time}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::table;
    use rust_xlsxwriter::{ExcelDateTime as Moment, Format, Workbook};
    use std::io::Write;

    fn code(bytes: &[u8]) -> &'static str {
        table::read("t.xlsx", bytes, None).map_or_else(|error| error.code(), |_| "ok")
    }

    /// A workbook by hand: the parts given, over a sound frame.
    fn workbook(parts: &[(&str, &[u8])]) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let frame: [(&str, &[u8]); 5] = [
            ("[Content_Types].xml", b"<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>"),
            ("_rels/.rels", b"<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"r1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"),
            ("xl/workbook.xml", b"<workbook xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\"><sheets><sheet name=\"S\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"),
            ("xl/_rels/workbook.xml.rels", b"<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"r1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>"),
            ("xl/worksheets/sheet1.xml", b"<worksheet><sheetData><row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>name</t></is></c></row></sheetData></worksheet>"),
        ];
        let given = |name: &str| parts.iter().any(|(part, _)| *part == name);
        for (name, bytes) in frame.iter().filter(|(name, _)| !given(name)).chain(parts) {
            zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    #[test]
    fn every_cell_is_the_text_a_person_sees() {
        let mut book = Workbook::new();
        book.add_worksheet().set_name("old").unwrap().set_hidden(true).write(0, 0, "x").unwrap();
        let page = book.add_worksheet().set_name("Groups").unwrap().set_active(true);
        for (at, heading) in ["a", "b", "c", "d", "e", "f", "g", "h"].iter().enumerate() {
            page.write(1, at as u16, *heading).unwrap();
        }
        page.write(4, 0, "Café").unwrap();
        page.write(4, 1, 7_700_900_123_f64).unwrap();
        page.write(4, 2, 51.5).unwrap();
        page.write(4, 3, true).unwrap();
        let date = Format::new().set_num_format("dd/mm/yyyy");
        page.write_with_format(4, 4, Moment::from_ymd(2026, 4, 3).unwrap(), &date).unwrap();
        let time = Format::new().set_num_format("hh:mm");
        page.write_with_format(4, 5, Moment::from_hms(19, 30, 0).unwrap(), &time).unwrap();
        page.write(4, 7, "'=1+1").unwrap();
        book.add_worksheet().set_name("Notes").unwrap().write(0, 0, "z").unwrap();
        let table = table::read("t.xlsx", &book.save_to_buffer().unwrap(), None).unwrap();
        assert_eq!(table.sheet.as_deref(), Some("Groups"));
        assert_eq!(table.rows.len(), 1);
        assert_eq!(table.rows[0].line, 5);
        assert_eq!(table.rows[0].cells, ["Café", "7700900123", "51.5", "yes", "2026-04-03", "19:30", "", "=1+1"]);
        assert_eq!(table.notes, [Note::HiddenSheet("old".into()), Note::OtherSheet("Notes".into())]);
    }

    #[test]
    fn bombs_and_boasts_are_refused_before_they_are_read() {
        assert_eq!(code(&workbook(&[])), "ok");
        let zeros = vec![b' '; 4 << 20];
        let bomb = workbook(&[("xl/worksheets/sheet2.xml", &zeros)]);
        assert!(bomb.len() < 1 << 14, "the bomb is small: {}", bomb.len());
        assert_eq!(measure("t", &bomb, 4 << 20).map_err(|error| error.code()), Err("workbook-bomb"));
        assert_eq!(measure("t", &bomb, 5 << 20), Ok(()));
        let sst = |text: &str| workbook(&[("xl/sharedStrings.xml", text.as_bytes())]);
        assert_eq!(code(&sst("<sst count=\"1\" uniqueCount=\"1\"><si><t>x</t></si></sst>")), "ok");
        assert_eq!(code(&sst("<sst uniqueCount=\"99999999999999\"><si><t>x</t></si></sst>")), "workbook-bomb");
        let hidden = format!("<!-- {} <sst> --><sst uniqueCount='99999999999999'/>", " ".repeat(2 * HEAD));
        assert_eq!(code(&sst(&hidden)), "workbook-bomb");
        let far = b"<worksheet><sheetData><row r=\"1\"><c r=\"A1\"><v>1</v></c><c r=\"XFD1\"><v>1</v></c></row></sheetData></worksheet>";
        assert_eq!(code(&workbook(&[("xl/worksheets/sheet1.xml", far)])), "too-many");
    }

    #[test]
    fn a_cell_further_right_or_down_than_can_be_counted_is_an_error_of_the_file() {
        // As fuzzing found it, and as short as it gets.
        let found: &[u8] = b"<?xml version=\"1.0\"?><workqheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetData><row r=\"1\"><c r=\"Afacilitator1\" t=\"inlineStr\"><i?><wos><t>Name</t></is></c><c r=\"B1\" t=\"s\"><v>0</v></c></row></sheetData></workshe\0\0et>";
        let cell = |at: &str| {
            format!("<worksheet><sheetData><row r=\"1\"><c r=\"{at}\"><v>1</v></c></row></sheetData></worksheet>")
        };
        assert_eq!(code(&workbook(&[("xl/worksheets/sheet1.xml", found)])), "workbook-unreadable");
        for at in ["AAAAAAAA1", "A99999999999", "ZZZZZZZZZZZZZZ99999999999"] {
            assert_eq!(
                code(&workbook(&[("xl/worksheets/sheet1.xml", cell(at).as_bytes())])),
                "workbook-unreadable",
                "{at}"
            );
            assert!(!table::reading());
        }
        assert_eq!(code(&workbook(&[("xl/worksheets/sheet1.xml", cell("A1").as_bytes())])), "ok");
    }

    #[test]
    fn other_archives_and_damage_are_named() {
        assert_eq!(code(b"PK\x03\x04nothing"), "workbook-unreadable");
        let sound = workbook(&[]);
        assert_eq!(code(&sound[..sound.len() / 2]), "workbook-unreadable");
        assert_eq!(table::read("t.xlsx", &sound, Some("Other")).unwrap_err().code(), "no-sheet");
    }
}
