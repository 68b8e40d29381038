//! A file's bytes as a table of texts: a header and rows, each with the number that the person's spreadsheet gives it.
//!
//! Whatever the file holds, memory stays bounded: [`MAX_FILE`] in, [`MAX_UNPACKED`] out of a workbook, [`MAX_SLOTS`] kept.

use super::{delimited, guess, opendocument, workbook};
use serde::Serialize;

/// Largest file, in bytes. 49,000 groups are some 30 MiB.
pub const MAX_FILE: usize = 64 << 20;
/// Largest cell, in bytes: as much as a whole record may hold.
pub const MAX_CELL: usize = 16 << 10;
/// Most columns.
pub const MAX_COLUMNS: usize = 500;
/// Most rows.
pub const MAX_ROWS: usize = 1_000_000;
/// Most bytes that a workbook may unpack to. Stops a small file that unpacks to a huge one.
pub const MAX_UNPACKED: u64 = 256 << 20;
/// Last line that a row may stand in. No spreadsheet program goes so far; the answer to a file has every line, the empty ones too.
pub const MAX_LINE: u32 = 1 << 24;
/// Most cells kept, empty ones between others included. Stops files of separators alone, and of one far cell a row.
pub const MAX_SLOTS: usize = 10_000_000;

/// How many rows from the top are looked at for the headings.
const HEADER_WITHIN: usize = 40;

/// What kind of file a table came from: an answer goes back in the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Text with this separator between cells.
    Delimited(char),
    /// An Excel workbook.
    Xlsx,
    /// An OpenDocument spreadsheet.
    Ods,
    /// No file, or one that is no spreadsheet.
    #[default]
    Other,
}

/// What is known of a file before it is read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Hints<'a> {
    /// The sheet of a workbook; without it the first that can be seen.
    pub sheet: Option<&'a str>,
    /// The row with the headings, as the spreadsheet numbers it; without it, it is looked for.
    pub header_row: Option<u32>,
    /// Headings that the file is known to have.
    pub headings: &'a [String],
}

/// A sheet as texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    /// What it came from.
    pub format: Format,
    /// The sheet of a workbook that was read.
    pub sheet: Option<String>,
    /// What stands above the headings: titles, dates, merged cells.
    pub above: Vec<Row>,
    /// The row with the headings, as the spreadsheet numbers it.
    pub header_line: u32,
    /// The headings, in the file's order; may hold empty ones.
    pub header: Vec<String>,
    /// What follows the header, in the file's order.
    pub rows: Vec<Row>,
    /// What the person should know of how the file was read.
    pub notes: Vec<Note>,
}

/// One row after the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The row as the spreadsheet numbers it, from 1.
    pub line: u32,
    /// Its cells, without the empty ones at its end.
    pub cells: Vec<String>,
}

/// How the file was read, where that was not plain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum Note {
    /// No mark in the file says how its letters are coded.
    #[error("the file is not in UTF-8; its letters were read as {0}, as Windows programs write them")]
    Assumed(&'static str),
    /// Semicolons or tabs instead of commas.
    #[error("the columns are separated by {0}")]
    Separator(&'static str),
    /// The headings are not in the first row.
    #[error("the headings were found in row {0}; if they are in another, say so with --header-row")]
    HeaderRow(u32),
    /// Values of a feed that mean nothing to us, which the person who imports it cannot correct.
    #[error("{0} values could not be read and were left out ({1})")]
    LeftOut(usize, String),
    /// Sheets that the person has hidden are not read.
    #[error("the hidden sheet {0:?} was not read")]
    HiddenSheet(String),
    /// Only one sheet is read.
    #[error("the sheet {0:?} was not read; choose it with --sheet")]
    OtherSheet(String),
}

/// Why a file cannot be read as a table at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// Larger than [`MAX_FILE`].
    #[error("{file} is larger than 64 MiB. Divide it into several files.")]
    TooLarge {
        /// The file's name.
        file: String,
    },
    /// Nothing in it, or only a header's blank cells.
    #[error(
        "{file} has no header row. Put the column headings above the rows; `mutuald import --template` writes them."
    )]
    Empty {
        /// The file's name.
        file: String,
    },
    /// A format that is not read.
    #[error("{file} is {what}. Save it as .xlsx or as CSV UTF-8 and import that file.")]
    Format {
        /// The file's name.
        file: String,
        /// What it looks like.
        what: &'static str,
    },
    /// A UTF-8 file with bytes that are not.
    #[error(
        "{file}, line {line}: a letter is damaged (the file is in UTF-8, but these bytes are not). Save it again as CSV UTF-8 from the program it was made with."
    )]
    Damaged {
        /// The file's name.
        file: String,
        /// The line of the file, from 1.
        line: u32,
    },
    /// A quotation mark without its pair swallows the rows behind it.
    #[error(
        "{file}, line {line}: the quotation marks that begin in this row do not pair, so it and the rows after it cannot be told apart. Remove the odd one; a mark inside a text is written twice."
    )]
    OpenQuote {
        /// The file's name.
        file: String,
        /// The row, from 1.
        line: u32,
    },
    /// A cell above [`MAX_CELL`].
    #[error(
        "{file}, line {line}, column {column}: the cell is longer than 16 KiB. Shorten it; if it holds many rows, a quotation mark is missing there."
    )]
    LongCell {
        /// The file's name.
        file: String,
        /// The row, from 1.
        line: u32,
        /// The column's letter.
        column: String,
    },
    /// A cell beyond the last heading.
    #[error(
        "{file}, line {line}, column {column}: there is a value but the column has no heading. Give it one, or clear the cell; in a CSV file, a value that holds the separator needs quotation marks around it."
    )]
    NoHeading {
        /// The file's name.
        file: String,
        /// The row, from 1.
        line: u32,
        /// The column's letter.
        column: String,
    },
    /// More than [`MAX_COLUMNS`], [`MAX_ROWS`] or [`MAX_SLOTS`].
    #[error("{file} has too many {what}. Divide it into several files, and delete empty columns.")]
    TooMany {
        /// The file's name.
        file: String,
        /// Columns, rows or cells.
        what: &'static str,
    },
    /// A workbook that unpacks to more than [`MAX_UNPACKED`], or claims to.
    #[error("{file} unpacks to more than 256 MiB, which no list of groups needs. Save the sheet alone, as CSV UTF-8.")]
    Bomb {
        /// The file's name.
        file: String,
    },
    /// A workbook that cannot be opened.
    #[error(
        "{file} cannot be opened as a workbook ({why}). If it has a password, remove it; otherwise save it again as .xlsx or as CSV UTF-8."
    )]
    Workbook {
        /// The file's name.
        file: String,
        /// The reader's words.
        why: String,
    },
    /// The row that was named for the headings is not there, or is empty.
    #[error("{file} has nothing in row {line}, which --header-row names. Name the row with the headings.")]
    NoHeaderRow {
        /// The file's name.
        file: String,
        /// The row.
        line: u32,
    },
    /// No sheet of that name, or none that can be seen.
    #[error("{file} has no {wanted}; it has these: {have}. Name one of them with --sheet.")]
    NoSheet {
        /// The file's name.
        file: String,
        /// What was asked for.
        wanted: String,
        /// The sheets it has.
        have: String,
    },
}

impl TableError {
    /// Stable kebab-case code.
    pub fn code(&self) -> &'static str {
        match self {
            TableError::TooLarge { .. } => "file-too-large",
            TableError::Empty { .. } => "file-empty",
            TableError::Format { .. } => "file-format",
            TableError::Damaged { .. } => "file-damaged",
            TableError::OpenQuote { .. } => "open-quote",
            TableError::LongCell { .. } => "cell-too-long",
            TableError::NoHeading { .. } => "no-heading",
            TableError::TooMany { .. } => "too-many",
            TableError::Bomb { .. } => "workbook-bomb",
            TableError::Workbook { .. } => "workbook-unreadable",
            TableError::NoSheet { .. } => "no-sheet",
            TableError::NoHeaderRow { .. } => "no-header-row",
        }
    }
}

/// Reads a file. `file` is its name, for messages; what it holds is told from the bytes, never from the name. `sheet`
/// chooses one of a workbook's sheets; without it the first that can be seen is read.
///
/// # Errors
/// The first [`TableError`] met: nothing of such a file is taken over.
pub fn read(file: &str, bytes: &[u8], sheet: Option<&str>) -> Result<Table, TableError> {
    read_with(file, bytes, &Hints { sheet, ..Hints::default() })
}

thread_local! {
    static READING: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Whether this thread is reading a workbook just now: a panic there is an ordinary error of that file, and needs no other word.
pub fn reading() -> bool {
    READING.get()
}

/// Reads a workbook. Its readers are other people's, and have stopped in the middle of files that nobody thought of: a cell called
/// `AAAAAAAA1` lies further right than they count. Whatever they panic over is a file that cannot be read, and nothing
/// that they were at is used after.
fn archive(file: &str, read: impl FnOnce() -> Result<Table, TableError>) -> Result<Table, TableError> {
    READING.set(true);
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(read));
    READING.set(false);
    done.unwrap_or_else(|_| {
        let why = "it says of its own cells what cannot be".to_owned();
        Err(TableError::Workbook { file: file.to_owned(), why })
    })
}

/// [`read`], with what is known of the file.
///
/// # Errors
/// As [`read`].
pub fn read_with(file: &str, bytes: &[u8], hints: &Hints) -> Result<Table, TableError> {
    let format = |what| Err(TableError::Format { file: file.to_owned(), what });
    if bytes.len() > MAX_FILE {
        return Err(TableError::TooLarge { file: file.to_owned() });
    }
    match bytes {
        [b'P', b'K', 3, 4, ..] => archive(file, || match opendocument::is(bytes) {
            true => opendocument::read(file, bytes, hints),
            false => workbook::read(file, bytes, hints),
        }),
        [0xd0, 0xcf, 0x11, 0xe0, ..] => format("an old Excel file (.xls), or a workbook with a password"),
        [b'%', b'P', b'D', b'F', ..] => format("a PDF"),
        [b'{' | b'[', ..] => format("JSON"),
        [b'<', ..] => format("a web page or XML"),
        _ => match hints.sheet {
            Some(name) => Err(TableError::NoSheet {
                file: file.to_owned(),
                wanted: format!("sheet {name:?}"),
                have: "none, being a text file".to_owned(),
            }),
            None => delimited::read(file, bytes, hints),
        },
    }
}

impl Table {
    /// A table that no file holds.
    pub fn of(header: Vec<String>, rows: Vec<Row>) -> Table {
        Table { header, rows, ..Table::default() }
    }
}

/// The letters of a column, from 0: A … Z, AA ….
pub fn letter(column: usize) -> String {
    let mut left = column + 1;
    let mut letters = Vec::new();
    while left > 0 {
        left -= 1;
        letters.push(char::from(b'A' + (left % 26) as u8));
        left /= 26;
    }
    letters.iter().rev().collect()
}

/// Gathers cells into a table and keeps it within its bounds. Used by all readers.
pub(super) struct Gather<'a> {
    file: &'a str,
    hints: &'a Hints<'a>,
    rows: Vec<Row>,
    slots: usize,
}

impl<'a> Gather<'a> {
    pub(super) fn new(file: &'a str, hints: &'a Hints<'a>) -> Self {
        Gather { file, hints, rows: Vec::new(), slots: 0 }
    }

    /// Takes the next row.
    pub(super) fn row(&mut self, line: u32, mut cells: Vec<String>) -> Result<(), TableError> {
        let file = || self.file.to_owned();
        let too_many = |what| TableError::TooMany { file: self.file.to_owned(), what };
        if let Some(at) = cells.iter().position(|cell| cell.len() > MAX_CELL) {
            return Err(TableError::LongCell { file: file(), line, column: letter(at) });
        }
        while cells.last().is_some_and(|cell| cell.trim().is_empty()) {
            cells.pop();
        }
        if cells.len() > MAX_COLUMNS {
            return Err(too_many("columns"));
        }
        self.slots += cells.len().max(1);
        if self.slots > MAX_SLOTS {
            return Err(too_many("cells"));
        }
        if self.rows.len() > MAX_ROWS || line > MAX_LINE {
            return Err(too_many("rows"));
        }
        self.rows.push(Row { line, cells });
        Ok(())
    }

    /// Which row has the headings: the one that was named; else, near the top, the one with most words that are known for
    /// headings (two at least); else the first that is about as wide as what follows it, which a title never is.
    fn header(&self) -> Option<usize> {
        if let Some(line) = self.hints.header_row {
            return self.rows.iter().position(|row| row.line == line && !row.cells.is_empty());
        }
        let filled = |row: &Row| row.cells.iter().filter(|cell| !cell.trim().is_empty()).count();
        let near: Vec<usize> =
            (0..self.rows.len()).filter(|at| !self.rows[*at].cells.is_empty()).take(HEADER_WITHIN).collect();
        let known = |cell: &String| {
            let cell = super::cell::clean(cell, false).0;
            self.hints.headings.contains(&cell) || guess::heading(&cell).is_some()
        };
        let score = |at: &usize| self.rows[*at].cells.iter().filter(|cell| known(cell)).count();
        let best = near.iter().map(score).max().filter(|score| *score >= 2);
        if let Some(best) = best {
            return near.into_iter().find(|at| score(at) == best);
        }
        let wide = |at: usize| {
            let mut widths: Vec<usize> = self.rows[at + 1..].iter().map(filled).filter(|n| *n > 0).take(20).collect();
            widths.sort_unstable();
            let usual = widths.get(widths.len() / 2).copied().unwrap_or(0);
            filled(&self.rows[at]) * 5 >= usual * 3
        };
        near.iter().copied().find(|at| wide(*at)).or(near.first().copied())
    }

    pub(super) fn finish(
        mut self,
        format: Format,
        sheet: Option<String>,
        mut notes: Vec<Note>,
    ) -> Result<Table, TableError> {
        let file = || self.file.to_owned();
        let Some(at) = self.header() else {
            return Err(match self.hints.header_row {
                Some(line) => TableError::NoHeaderRow { file: file(), line },
                None => TableError::Empty { file: file() },
            });
        };
        let rows = self.rows.split_off(at + 1);
        let head = self.rows.pop().unwrap_or(Row { line: 1, cells: Vec::new() });
        if self.rows.iter().any(|row| !row.cells.is_empty()) {
            notes.push(Note::HeaderRow(head.line));
        }
        // Headings are compared with a mapping's, so what cannot be seen must not tell them apart.
        let header: Vec<String> = head.cells.iter().map(|cell| super::cell::clean(cell, false).0).collect();
        for row in &rows {
            if let Some(beyond) = row.cells.iter().skip(header.len()).position(|cell| !cell.trim().is_empty()) {
                let column = letter(header.len() + beyond);
                return Err(TableError::NoHeading { file: file(), line: row.line, column });
            }
        }
        Ok(Table { format, sheet, above: self.rows, header_line: head.line, header, rows, notes })
    }
}
