//! CSV: what letters, which separator, which rows.

use super::sheet;
use super::table::{Format, Gather, Hints, Note, Table, TableError};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use std::borrow::Cow;

/// Reads the bytes of a CSV file.
pub(super) fn read(file: &str, bytes: &[u8], hints: &Hints) -> Result<Table, TableError> {
    let mut notes = Vec::new();
    let text = decode(file, bytes, &mut notes)?;
    if text.contains('\0') {
        return Err(TableError::Format { file: file.to_owned(), what: "not a text file" });
    }
    let mut text = text.replace("\r\n", "\n").replace('\r', "\n");
    let (separator, start) = separator(&text);
    match separator {
        b';' => notes.push(Note::Separator("semicolons")),
        b'\t' => notes.push(Note::Separator("tabs")),
        _ => {}
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    quotes(&text[start..], separator)
        .map_err(|row| TableError::OpenQuote { file: file.to_owned(), line: if start > 0 { row + 1 } else { row } })?;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator)
        .from_reader(&text.as_bytes()[start..]);
    // A row in a spreadsheet is one record, whatever line breaks its cells hold; blank lines and `sep=;` count.
    let (mut inside, before) = (0, u64::from(start > 0));
    let mut gather = Gather::new(file, hints);
    let mut record = csv::StringRecord::new();
    // Reading from memory text that is UTF-8: only the lengths of records could fail, and they are allowed to differ.
    while reader.read_record(&mut record).unwrap_or(false) {
        inside += record.iter().map(|cell| cell.matches('\n').count() as u64).sum::<u64>();
        let line = u32::try_from(before + reader.position().line() - 1 - inside).unwrap_or(u32::MAX);
        gather.row(line, record.iter().map(sheet::unguard).map(str::to_owned).collect())?;
    }
    gather.finish(Format::Delimited(char::from(separator)), None, notes)
}

/// Checks that quotation marks pair: one that opens a cell is closed, and nothing but blanks follows before the next cell.
/// The reader itself forgives everything, and takes the rows that a lost mark swallows for one long cell.
fn quotes(text: &str, separator: u8) -> Result<(), u32> {
    #[derive(PartialEq)]
    enum At {
        Start,
        Plain,
        Quoted,
        Closed,
    }
    let (mut at, mut row, mut opened) = (At::Start, 1, 1);
    for byte in text.bytes() {
        at = match (at, byte) {
            (At::Quoted, b'"') => At::Closed,
            (At::Quoted, _) => At::Quoted,
            // Twice inside a quoted cell: one mark of its text.
            (At::Closed, b'"') => At::Quoted,
            (At::Closed, byte) if byte != b'\n' && byte != separator && byte != b' ' => return Err(opened),
            (At::Closed, b' ') => At::Closed,
            (At::Start, b'"') => {
                opened = row;
                At::Quoted
            }
            (_, b'\n') => {
                row += 1;
                At::Start
            }
            (_, byte) if byte == separator => At::Start,
            _ => At::Plain,
        };
    }
    if at == At::Quoted { Err(opened) } else { Ok(()) }
}

/// UTF-8, with or without a mark; UTF-16 with one; otherwise Windows-1252, which is said.
fn decode<'b>(file: &str, bytes: &'b [u8], notes: &mut Vec<Note>) -> Result<Cow<'b, str>, TableError> {
    let (marked, bytes) = match Encoding::for_bom(bytes) {
        Some((encoding, length)) => (Some(encoding), &bytes[length..]),
        None => (None, bytes),
    };
    let damaged = |at: usize| {
        let before = bytes[..at].iter().filter(|byte| **byte == b'\n').count();
        TableError::Damaged { file: file.to_owned(), line: u32::try_from(before + 1).unwrap_or(u32::MAX) }
    };
    if let Some(encoding) = marked.filter(|encoding| [UTF_16LE, UTF_16BE].contains(encoding)) {
        let (text, broken) = encoding.decode_without_bom_handling(bytes);
        return if broken { Err(damaged(0)) } else { Ok(text) };
    }
    let at = match std::str::from_utf8(bytes) {
        Ok(text) => return Ok(Cow::Borrowed(text)),
        Err(error) => error.valid_up_to(),
    };
    if marked == Some(UTF_8) || !looks_like_1252(bytes) {
        return Err(damaged(at));
    }
    notes.push(Note::Assumed("Windows-1252"));
    Ok(WINDOWS_1252.decode_without_bom_handling(bytes).0)
}

/// Whether bytes that are not UTF-8 are Windows-1252 rather than damaged UTF-8. In 1252 letters outside ASCII stand alone,
/// between ASCII ones; such a byte can hardly be a whole UTF-8 letter by chance.
fn looks_like_1252(bytes: &[u8]) -> bool {
    let undefined = bytes.iter().any(|byte| matches!(byte, 0x81 | 0x8d | 0x8f | 0x90 | 0x9d));
    let (mut whole, mut alone) = (0, 0);
    for chunk in bytes.utf8_chunks() {
        whole += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        alone += usize::from(!chunk.invalid().is_empty());
    }
    !undefined && whole < alone
}

/// The separator, and where the header begins. A first line `sep=;` says it; otherwise it is what stands most often in the
/// header, outside quotation marks.
fn separator(text: &str) -> (u8, usize) {
    let first = text.split('\n').next().unwrap_or_default();
    if let Some(named) = first.strip_prefix("sep=").filter(|rest| rest.len() == 1) {
        return (named.as_bytes()[0], first.len() + 1);
    }
    // Title lines above the header hold few separators, or those of a sentence: what stands in most of the first lines, and
    // often, decides.
    let candidates = [b',', b';', b'\t'];
    let mut quoted = false;
    let mut lines: Vec<[usize; 3]> = vec![[0; 3]];
    for byte in text.trim_start().bytes() {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted && lines.len() == LINES => break,
            b'\n' if !quoted => lines.push([0; 3]),
            _ if !quoted => {
                if let (Some(at), Some(last)) = (candidates.iter().position(|c| *c == byte), lines.last_mut()) {
                    last[at] += 1;
                }
            }
            _ => {}
        }
    }
    // For each separator, how often it stands in the line where it stands most often of those that share a width.
    let strength = |at: usize| {
        let mut counts: Vec<usize> = lines.iter().map(|line| line[at]).filter(|n| *n > 0).collect();
        counts.sort_unstable();
        (counts.len() * counts.get(counts.len() / 2).copied().unwrap_or(0), lines[0][at])
    };
    let most = (0..3).map(strength).max().unwrap_or_default();
    // The first of those that are equally strong: the comma.
    ((0..3).find(|at| strength(*at) == most).map_or(b',', |at| candidates[at]), 0)
}

/// How many lines are looked at for the separator.
const LINES: usize = 30;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::table;

    fn rows(text: &str) -> Vec<(u32, Vec<String>)> {
        let table = table::read("t.csv", text.as_bytes(), None).unwrap();
        table.rows.into_iter().map(|row| (row.line, row.cells)).collect()
    }

    #[test]
    fn rows_carry_the_numbers_a_spreadsheet_shows() {
        let text = "a,b\r\n\"one\r\ntwo\",x\r\n\r\nthree,\"y\"\"z\"\r\nfour";
        assert_eq!(
            rows(text),
            [
                (2, vec!["one\ntwo".to_owned(), "x".into()]),
                (4, vec!["three".to_owned(), "y\"z".into()]),
                (5, vec!["four".to_owned()])
            ]
        );
        assert_eq!(rows("sep=;\na;b\n1;2\n"), [(3, vec!["1".to_owned(), "2".into()])]);
    }

    #[test]
    fn an_open_quotation_mark_is_never_a_row() {
        for text in ["a,b\n1,2\n\"3,4\n5,6\n", "a,b\n1,2\n3,\"4", "a,b\n1,2\n\"3,4\n\"5,6\n"] {
            let error = table::read("t.csv", text.as_bytes(), None).unwrap_err();
            assert_eq!(error, TableError::OpenQuote { file: "t.csv".into(), line: 3 }, "{text:?}");
        }
        assert_eq!(rows("a,b\n\"1\" ,a \"quoted\" word\n"), [(2, vec!["1 ".to_owned(), "a \"quoted\" word".into()])]);
    }

    #[test]
    fn letters() {
        let read = |bytes: &[u8]| table::read("t.csv", bytes, None);
        assert_eq!(read("\u{feff}a\nCafé\n".as_bytes()).unwrap().header, ["a"]);
        let old = read(b"name\nCaf\xe9\n\x93Us\x94\n").unwrap();
        assert_eq!((old.rows[0].cells[0].as_str(), old.rows[1].cells[0].as_str()), ("Café", "“Us”"));
        assert_eq!(old.notes, [Note::Assumed("Windows-1252")]);
        assert_eq!(
            read(
                "a\nCafé\nCafé\n\u{e9}t\u{e9}\n"
                    .as_bytes()
                    .iter()
                    .copied()
                    .chain(*b"Caf\xe9\n")
                    .collect::<Vec<_>>()
                    .as_slice()
            )
            .unwrap_err(),
            TableError::Damaged { file: "t.csv".into(), line: 5 }
        );
        let wide: Vec<u8> =
            [0xff, 0xfe].into_iter().chain("a\tb\né\t2\n".encode_utf16().flat_map(u16::to_le_bytes)).collect();
        assert_eq!(read(&wide).unwrap().rows[0].cells, ["é", "2"]);
    }

    #[test]
    fn files_of_other_kinds_and_sizes_are_named() {
        let code = |bytes: &[u8]| table::read("t", bytes, None).map_err(|error| error.code());
        assert_eq!(code(b""), Err("file-empty"));
        assert_eq!(code(b",,\n , \n"), Err("file-empty"));
        assert_eq!(code(b"\xd0\xcf\x11\xe0"), Err("file-format"));
        assert_eq!(code(b"a,b\n1,2,3\n"), Err("no-heading"));
        assert_eq!(code(format!("a\n{}\n", "x".repeat(table::MAX_CELL + 1)).as_bytes()), Err("cell-too-long"));
        assert_eq!(code(vec![b'x'; table::MAX_FILE + 1].as_slice()), Err("file-too-large"));
        assert_eq!(code(format!("{}x", "x,".repeat(table::MAX_COLUMNS)).as_bytes()), Err("too-many"));
        assert_eq!(
            (table::letter(0), table::letter(25), table::letter(26), table::letter(701), table::letter(702)),
            ("A".into(), "Z".into(), "AA".into(), "ZZ".into(), "AAA".into())
        );
    }
}
