//! What can be wrong with one cell or one row, in words for the person who filled it in.

use serde::Serialize;

/// Why a cell or a row cannot be taken over. The text says what is wrong; [`Fault::remedy`] says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A row with something in it, but no name.
    #[error("the group has no name")]
    NameMissing,
    /// Longer than a name can be.
    #[error("this is {0} bytes long; a name may have {max}", max = crate::record::group::NAME_BYTES)]
    NameTooLong(usize),
    /// Not a term of the vocabulary, nor a label or synonym of one.
    #[error("{text:?} is not one of our words for this column")]
    UnknownTerm {
        /// The vocabulary, as in `schema/vocabulary/`.
        vocabulary: &'static str,
        /// The word that was met.
        text: String,
    },
    /// Several values where one is possible.
    #[error("this holds more than one value")]
    Several,
    /// Not a day of the calendar, or not written as one.
    #[error("this is not a date we can read")]
    Date,
    /// A year of two digits.
    #[error("the year has two digits")]
    ShortYear,
    /// Neither a year, a month nor a day.
    #[error("this is not a year, a month or a date")]
    Founded,
    /// Not a time of day.
    #[error("this is not a time of day")]
    Time,
    /// Not a recurrence.
    #[error("this is not a calendar rule")]
    Recurrence,
    /// As many times as meetings are needed.
    #[error("there are {times} times for {meetings} meetings")]
    Unpaired {
        /// Number of times.
        times: usize,
        /// Number of meetings in words.
        meetings: usize,
    },
    /// Not a telephone number.
    #[error("this is not a telephone number")]
    Phone,
    /// A spreadsheet has rounded a long number (`1.16E+09`).
    #[error("the spreadsheet has shortened this number; digits are lost")]
    Shortened,
    /// Not a web address.
    #[error("this is not a web address")]
    Url,
    /// Not an e-mail address.
    #[error("this is not an e-mail address")]
    Email,
    /// Not the form of a UK postcode.
    #[error("this is not a UK postcode or the first half of one")]
    Postcode,
    /// Not an age in whole years.
    #[error("this is not an age in whole years")]
    Age,
    /// The youngest is older than the oldest.
    #[error("the youngest age is above the oldest")]
    AgesCrossed,
    /// Not degrees, or outside the globe.
    #[error("this is not a position in degrees")]
    Degrees,
    /// One half of a position.
    #[error("latitude and longitude only mean something together")]
    HalfAPosition,
    /// Neither yes nor no.
    #[error("this is neither yes nor no")]
    YesNo,
    /// Not a value that a criterion can have.
    #[error("this is neither yes, no nor not known")]
    Criterion,
    /// Not a direction of a group.
    #[error("this is neither inward, outward nor both")]
    Orientation,
    /// Not a language by name or code.
    #[error("{0:?} is not a language we know by name, nor a language code")]
    Language(String),
    /// Not a charity number.
    #[error("this is not a charity number")]
    Charity,
    /// Not a licence's id or address.
    #[error("this is not the id or address of a licence")]
    Licence,
    /// Not what an export writes.
    #[error("this is not what an export writes here")]
    Sightings,
    /// Something about the status, without a status.
    #[error("something is said about the status, but the status itself is empty")]
    StatusMissing,
    /// The name of a body, without how the group stands to it.
    #[error("a body is named, but not how the group stands to it")]
    AffiliationMissing,
    /// When, how and by what role belong together.
    #[error("a check has a date, a way and a role; one is missing")]
    CheckIncomplete,
    /// `#REF!` and the like.
    #[error("this is a spreadsheet's own error message")]
    SheetError,
    /// The row is larger than a record can be.
    #[error("the whole row makes a record of {0} bytes; {max} are possible", max = RECORD_BYTES)]
    TooLong(usize),
    /// The hub has no such record.
    #[error("this hub has no record with this id")]
    NoSuchRecord,
    /// The record belongs to another list.
    #[error("the record with this id belongs to another list")]
    OtherList,
    /// More than one record fits.
    #[error("{0} of our records fit this row equally well")]
    Ambiguous(usize),
    /// Two rows are one record.
    #[error("this is the same record as line {0} of this file")]
    SecondRow(u32),
}

/// Largest JSON of a public part: a line of a part bundle has at most 16 KiB, of which 23 bytes are salt and space.
pub const RECORD_BYTES: usize = (16 << 10) - 23;

impl Fault {
    /// Stable kebab-case code.
    pub fn code(&self) -> &'static str {
        match self {
            Fault::NameMissing => "name-missing",
            Fault::NameTooLong(_) => "name-too-long",
            Fault::UnknownTerm { .. } => "unknown-term",
            Fault::Several => "several-values",
            Fault::Date => "bad-date",
            Fault::ShortYear => "short-year",
            Fault::Founded => "bad-founded",
            Fault::Time => "bad-time",
            Fault::Recurrence => "bad-calendar-rule",
            Fault::Unpaired { .. } => "times-unpaired",
            Fault::Phone => "bad-phone",
            Fault::Shortened => "shortened-number",
            Fault::Url => "bad-url",
            Fault::Email => "bad-email",
            Fault::Postcode => "bad-postcode",
            Fault::Age => "bad-age",
            Fault::AgesCrossed => "ages-crossed",
            Fault::Degrees => "bad-degrees",
            Fault::HalfAPosition => "half-a-position",
            Fault::YesNo => "bad-yes-no",
            Fault::Criterion => "bad-criterion",
            Fault::Orientation => "bad-orientation",
            Fault::Language(_) => "unknown-language",
            Fault::Charity => "bad-charity",
            Fault::Licence => "bad-licence",
            Fault::Sightings => "bad-sightings",
            Fault::StatusMissing => "status-missing",
            Fault::AffiliationMissing => "affiliation-missing",
            Fault::CheckIncomplete => "check-incomplete",
            Fault::SheetError => "sheet-error",
            Fault::TooLong(_) => "row-too-long",
            Fault::NoSuchRecord => "no-such-record",
            Fault::OtherList => "other-list",
            Fault::Ambiguous(_) => "ambiguous",
            Fault::SecondRow(_) => "second-row",
        }
    }

    /// What the person can do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Fault::NameMissing => "Write what the group calls itself, or clear the whole row.",
            Fault::NameTooLong(_) => "Keep the name here and move the rest to the group's own words.",
            Fault::UnknownTerm { .. } => {
                "Choose from the list in the template, or leave the cell empty. Put a semicolon between several values."
            }
            Fault::Several => "Keep the one that people should use first.",
            Fault::Date => "Write the day as 03/04/2026 or 2026-04-03.",
            Fault::ShortYear => "Write the year with four digits, as in 03/04/2026.",
            Fault::Founded => "Write what is known: 2011, 03/2011 or 14/03/2011.",
            Fault::Time => "Write it as 19:30 or 7.30pm.",
            Fault::Recurrence => "Clear the cell, or write a rule such as FREQ=MONTHLY;BYDAY=2TU.",
            Fault::Unpaired { .. } => "Give each meeting its time, in the same order, with a semicolon between them.",
            Fault::Phone => "Write one number with its area code, as in 01632 960123, and nothing else.",
            Fault::Shortened => "Set the column's format to Text and type the number again.",
            Fault::Url => "Write one whole address, as in https://www.example.org, or leave the cell empty.",
            Fault::Email => "Write one address, as in hello@example.org, or leave the cell empty.",
            Fault::Postcode => {
                "Write it as NG1 5FS, or its first half as NG1. Look for the letter O where a 0 belongs, or I for 1."
            }
            Fault::Age => "Write whole years, as in 18.",
            Fault::AgesCrossed => "Check that the two ages have not changed places.",
            Fault::Degrees => {
                "Write decimal degrees, as in 52.9548 and -1.1581: latitude from -90 to 90, longitude from -180 to 180."
            }
            Fault::HalfAPosition => "Fill in both, or clear both.",
            Fault::YesNo => "Write yes or no, or leave the cell empty when it is not known.",
            Fault::Criterion => "Write yes, no or not known, or leave the cell empty.",
            Fault::Orientation => "Write inward (personal change), outward (social change) or both.",
            Fault::Language(_) => "Write the English name, as in Polish, or its code, as in pl.",
            Fault::Charity => "Write the number alone, as in 1234567 or SC012345, or its org-id, as in GB-CHC-1234567.",
            Fault::Sightings => "Put back what the export wrote there, or leave the column out.",
            Fault::Licence => "Write its SPDX id, as in CC-BY-4.0, or its web address.",
            Fault::StatusMissing => "Fill in the status, or clear its date, reason and end of break.",
            Fault::AffiliationMissing => "Fill in the affiliation, or clear whom it is to.",
            Fault::CheckIncomplete => "Fill in all three columns of the check, or clear all three.",
            Fault::SheetError => "Mend the formula, or replace it by its value.",
            Fault::TooLong(_) => "Shorten the group's own words.",
            Fault::NoSuchRecord => "Clear the record id to add the row as a new record.",
            Fault::OtherList => "Import the file into that list, or clear the record id to add the row to this one.",
            Fault::Ambiguous(_) => "Put the record id of the right one into the row; an export shows the ids.",
            Fault::SecondRow(_) => "Keep one of the two rows, or give each its own reference in \"Your reference\".",
        }
    }
}

/// What was put right, or should be looked at; the row is taken over all the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Caution {
    /// `N/A`, `TBC`, `-`, `1970-01-01` and the like.
    #[error("taken as empty")]
    Placeholder,
    /// A spreadsheet's byte-order mark or control characters.
    #[error("characters that cannot be seen were removed")]
    Invisible,
    /// A UK number whose first 0 a spreadsheet dropped.
    #[error("the 0 at the start was put back: {0}")]
    LostZero(String),
    /// Could be the 3rd of April or the 4th of March.
    #[error("read as {0}; if the month comes first in this file, say so in the mapping")]
    EitherDate(String),
    /// A date that the spreadsheet keeps as a number.
    #[error("the spreadsheet's number for {0}")]
    Serial(String),
    /// No `https://` in front.
    #[error("completed to {0}")]
    Scheme(String),
    /// 0, 0 lies in the sea off Africa.
    #[error("the position 0, 0 is taken as empty")]
    NullIsland,
    /// Words that often go with places that must not be known. A question, never a decision (labels mislead).
    #[error("does anybody come to harm if this place is known? The words suggest asking ({0})")]
    AskSafety(&'static str),
}

impl Caution {
    /// Stable kebab-case code.
    pub fn code(&self) -> &'static str {
        match self {
            Caution::Placeholder => "placeholder",
            Caution::Invisible => "invisible-characters",
            Caution::LostZero(_) => "lost-zero",
            Caution::EitherDate(_) => "either-date",
            Caution::Serial(_) => "serial-date",
            Caution::Scheme(_) => "scheme-added",
            Caution::NullIsland => "null-island",
            Caution::AskSafety(_) => "ask-safety",
        }
    }
}

/// Where in the file something was met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cell {
    /// The row as the spreadsheet numbers it, from 1.
    pub line: u32,
    /// The heading of the column; empty when the fault is of the whole row.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub column: String,
    /// The column as the spreadsheet letters it; empty when the value did not come from a column.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub letter: String,
    /// The value as it stands in the file.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub value: String,
}

/// Why a row was refused: one fault of one cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RowError {
    /// Where, and what was met.
    #[serde(flatten)]
    pub cell: Cell,
    /// Stable kebab-case code.
    pub code: &'static str,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub remedy: &'static str,
}

/// Something worth a look in a row that is taken over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// Where, and what was met.
    #[serde(flatten)]
    pub cell: Cell,
    /// Stable kebab-case code.
    pub code: &'static str,
    /// What was done, or what to look at.
    pub note: String,
}

impl RowError {
    /// The fault, met there.
    pub fn new(cell: Cell, fault: &Fault) -> RowError {
        RowError { cell, code: fault.code(), problem: fault.to_string(), remedy: fault.remedy() }
    }
}

impl Warning {
    /// The caution, met there.
    pub fn new(cell: Cell, caution: &Caution) -> Warning {
        Warning { cell, code: caution.code(), note: caution.to_string() }
    }
}
