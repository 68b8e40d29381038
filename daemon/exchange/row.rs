//! A row of texts as a group, or as faults in words.

use super::cell::{self, several};
use super::fault::{Caution, Cell, Fault, RECORD_BYTES, RowError, Warning};
use super::field::{Field, Kind, RULES, Value, Words};
use super::mapping::Bound;
use super::sightings;
use super::table::{Note, Row, Table, letter};
use super::{language, recurrence};
use crate::record::group::{Assured, Group, Meeting, NAME_BYTES};
use crate::record::safety::{Level, asks_care};
use crate::store::protected::{self, SealedRows};
use serde::Serialize;
use std::collections::BTreeMap;

/// Why a row is no group and no fault either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Skip {
    /// Nothing in it.
    Blank,
    /// The template's guidance or example.
    Guidance,
    /// The mapping's filter leaves it out.
    Filtered,
    /// A line of sums below the rows.
    Totals,
}

/// The level of a place that everybody may know.
pub const OPEN: &str = "open";

/// What a file says, row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The rows, in the file's order.
    pub rows: Vec<ReadRow>,
    /// The fields that the file speaks of, by column or constant. All others stay as they are.
    pub fields: Vec<Field>,
    /// Column (from 0) and heading of each field that has one.
    pub headings: BTreeMap<Field, (usize, String)>,
    /// Headings that feed nothing.
    pub not_imported: Vec<String>,
    /// What the person should know of how the file was read.
    pub notes: Vec<Note>,
    /// What their levels withhold of rows, by line: it stands in no row, and goes nowhere but into the table of protected places.
    pub sealed: SealedRows,
}

/// One row as read.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadRow {
    /// The row as the spreadsheet numbers it, from 1.
    pub line: u32,
    /// What it is.
    pub what: What,
}

/// What a row is.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// Not meant for the registry.
    Skipped(Skip),
    /// A group of which nothing is signed. What else the row says is sealed: it must not reach a message.
    Sealed(Claim, Level),
    /// A group, with all that is wrong or worth a look.
    Group(Box<GroupRow>),
}

/// Which record a row says it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Claim {
    /// What stands under "Record id".
    pub record_id: Option<String>,
    /// The row's own reference.
    pub source_id: Option<String>,
    /// Name.
    pub name: String,
    /// Postcode.
    pub postcode: Option<String>,
    /// Town or village.
    pub locality: Option<String>,
    /// Web address, e-mail and telephone, each in one writing.
    pub contacts: Vec<String>,
    /// When it meets, in one writing.
    pub when: String,
}

/// A group's ways in, each in one writing, by which a row that lost its reference is known again.
pub fn contacts(group: &Group) -> Vec<String> {
    let Some(contact) = &group.contact else { return Vec::new() };
    let url = contact.url.as_deref().map(|url| {
        let bare = url.trim_start_matches("https://").trim_start_matches("http://").trim_start_matches("www.");
        bare.trim_end_matches('/').to_lowercase()
    });
    let phone = contact.phone.as_deref().map(|phone| phone.chars().filter(char::is_ascii_digit).collect::<String>());
    let email = contact.email.as_deref().map(str::to_lowercase);
    [url, email, phone].into_iter().flatten().filter(|text| !text.is_empty()).collect()
}

/// When a group meets, in one writing.
pub fn when(group: &Group) -> String {
    let one = |meeting: &Meeting| {
        let parts = [&meeting.text, &meeting.start, &meeting.rrule];
        let words = parts.into_iter().flatten().flat_map(|text| text.chars());
        words.filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>()
    };
    group.meetings.iter().map(one).collect::<Vec<_>>().join("/")
}

impl Claim {
    /// Postcode and town.
    pub fn place(&self) -> [Option<&str>; 2] {
        [self.postcode.as_deref(), self.locality.as_deref()]
    }
}

/// A row that is a group.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupRow {
    /// Which record it says it is.
    pub claim: Claim,
    /// What it says, as far as it could be read.
    pub group: Group,
    /// The cleaned text of each column.
    pub texts: BTreeMap<Field, String>,
    /// What is wrong, with the field it concerns.
    pub errors: Vec<(Field, RowError)>,
    /// What is worth a look.
    pub warnings: Vec<Warning>,
}

/// Reads every row of a table.
pub fn read(table: &Table, bound: &Bound, words: &Words) -> Reading {
    let mut fields: Vec<Field> = bound.columns.iter().map(|(_, field)| field.clone()).collect();
    fields.extend((!bound.answers.is_empty() && !fields.contains(&Field::Safety)).then_some(Field::Safety));
    fields.extend(bound.constants.keys().filter(|field| !bound.columns.iter().any(|(_, f)| f == *field)).cloned());
    fields.sort();
    let headings = bound.columns.iter().map(|(at, field)| (field.clone(), (*at, table.header[*at].clone()))).collect();
    let reader = Reader { bound, words, headings };
    let mut sealed = SealedRows::default();
    let rows = table.rows.iter().map(|row| ReadRow { line: row.line, what: reader.row(row, &mut sealed) }).collect();
    Reading {
        sealed,
        rows,
        fields,
        headings: reader.headings,
        not_imported: bound.not_imported.clone(),
        notes: table.notes.clone(),
    }
}

struct Reader<'a> {
    bound: &'a Bound,
    words: &'a Words<'a>,
    /// Column and heading of each field that has one.
    headings: BTreeMap<Field, (usize, String)>,
}

impl Reader<'_> {
    fn row(&self, row: &Row, sealed: &mut SealedRows) -> What {
        let cell = |at: usize| row.cells.get(at).map_or("", String::as_str);
        let first = cell(0).trim().to_lowercase();
        if row.cells.iter().all(|cell| cell.trim().is_empty()) {
            return What::Skipped(Skip::Blank);
        }
        if first.starts_with("guidance:") || first.starts_with("example:") {
            return What::Skipped(Skip::Guidance);
        }
        let filled = row.cells.iter().filter(|cell| !cell.trim().is_empty()).count();
        let total = |cell: &String| {
            let cell = cell.trim().to_lowercase();
            ["total", "totals", "grand total", "total groups", "number of groups"].contains(&cell.trim_end_matches(':'))
        };
        if filled <= 3 && row.cells.iter().find(|cell| !cell.trim().is_empty()).is_some_and(total) {
            return What::Skipped(Skip::Totals);
        }
        if self.bound.only.iter().any(|(at, wanted)| cell(*at).trim().to_lowercase() != *wanted) {
            return What::Skipped(Skip::Filtered);
        }
        let mut draft = Draft { reader: self, line: row.line, raw: row, out: GroupRow::empty() };
        draft.texts();
        // Safety first: a row that must not be known, or about which that is not clear, says nothing else in any message.
        draft.value(&Field::Safety);
        let unclear = !draft.out.errors.is_empty();
        if unclear {
            draft.out.warnings.clear();
            draft.claim();
            draft.out.group = Group::default();
            return What::Group(Box::new(draft.out));
        }
        for field in draft.out.texts.keys().cloned().collect::<Vec<_>>() {
            if field != Field::Safety {
                draft.value(&field);
            }
        }
        draft.whole();
        let level = Level::stated(&draft.out.group);
        if level == Level::Open {
            draft.claim();
            return What::Group(Box::new(draft.out));
        }
        draft.seal(level, sealed)
    }
}

impl GroupRow {
    fn empty() -> GroupRow {
        GroupRow {
            claim: Claim::default(),
            group: Group::default(),
            texts: BTreeMap::new(),
            errors: Vec::new(),
            warnings: Vec::new(),
        }
    }
}

struct Draft<'a> {
    reader: &'a Reader<'a>,
    line: u32,
    raw: &'a Row,
    out: GroupRow,
}

impl Draft<'_> {
    /// Cleans every cell and fills in the constants.
    fn texts(&mut self) {
        for (at, field) in &self.reader.bound.columns {
            let raw = self.raw.cells.get(*at).map_or("", String::as_str);
            let (mut text, removed) =
                cell::clean(raw, matches!(field.kind(), Kind::Prose | Kind::Lines | Kind::Terms(_)));
            if removed {
                self.caution(field, &Caution::Invisible);
            }
            if cell::is_placeholder(&text) {
                self.caution(field, &Caution::Placeholder);
                text.clear();
            }
            self.out.texts.insert(field.clone(), text);
        }
        for (field, constant) in &self.reader.bound.constants {
            let text = self.out.texts.entry(field.clone()).or_default();
            if text.is_empty() {
                text.clone_from(constant);
            }
        }
        if let Some(level) = self.reader.bound.answers.get(&self.line) {
            self.out.texts.insert(Field::Safety, level.clone());
        }
    }

    fn cell(&self, field: &Field) -> Cell {
        let (letter, column, value) = match self.reader.headings.get(field) {
            Some((at, heading)) => {
                let value = self.raw.cells.get(*at).cloned().unwrap_or_default();
                (letter(*at), heading.clone(), shortened(&value))
            }
            None => (
                String::new(),
                field.heading(self.reader.words),
                self.out.texts.get(field).cloned().unwrap_or_default(),
            ),
        };
        Cell { line: self.line, column, letter, value }
    }

    fn fault(&mut self, field: &Field, fault: &Fault) {
        let error = RowError::new(self.cell(field), fault);
        self.out.errors.push((field.clone(), error));
    }

    fn caution(&mut self, field: &Field, caution: &Caution) {
        let warning = Warning::new(self.cell(field), caution);
        self.out.warnings.push(warning);
    }

    /// Reads one cell and puts its value into the group.
    fn value(&mut self, field: &Field) {
        let Some(text) = self.out.texts.get(field).filter(|text| !text.is_empty()).cloned() else { return };
        if cell::is_sheet_error(&text) {
            return self.fault(field, &Fault::SheetError);
        }
        match self.parse(field, &text) {
            Ok((value, caution)) => {
                field.put(&mut self.out.group, value);
                if let Some(caution) = caution {
                    self.caution(field, &caution);
                }
            }
            Err(fault) => self.fault(field, &fault),
        }
    }

    fn parse(&self, field: &Field, text: &str) -> cell::Read<Value> {
        let plain = |value: Value| Ok((value, None));
        let words = |text: String| plain(Value::Text(text));
        let dates = self.reader.bound.dates;
        match field.kind() {
            Kind::Line | Kind::Prose => words(text.to_owned()),
            Kind::Lines => plain(Value::Many(several(text))),
            Kind::Term(vocabulary) => words(self.term(vocabulary, text)?),
            Kind::Terms(vocabulary) => {
                let mut terms = Vec::new();
                for term in several(text) {
                    let term = self.term(vocabulary, &term)?;
                    if !terms.contains(&term) {
                        terms.push(term);
                    }
                }
                plain(Value::Many(terms))
            }
            Kind::Languages => {
                plain(Value::Many(several(text).iter().map(|l| language::code(l)).collect::<Result<_, _>>()?))
            }
            Kind::Age => plain(Value::Age(cell::age(text)?)),
            Kind::Degrees(limit) => plain(Value::Number(cell::degrees(text, limit)?)),
            Kind::Postcode => words(cell::postcode(text)?),
            // Read together with the words they belong to: see `meetings`.
            Kind::Times | Kind::Rules => plain(Value::Empty),
            Kind::YesNo => plain(Value::Yes(cell::yes_no(text)?)),
            Kind::Url => cell::url(text).map(|(url, caution)| (Value::Text(url), caution)),
            Kind::Email => words(cell::email(text)?),
            Kind::Phone => cell::phone(text).map(|(phone, caution)| (Value::Text(phone), caution)),
            Kind::Founded => cell::founded(text, dates).map(|(when, caution)| (Value::Text(when), caution)),
            Kind::Day => cell::date(text, dates).map(|(day, caution)| (Value::Day(day), caution)),
            Kind::Charity => words(cell::charity(text)?),
            Kind::Criterion => words(cell::criterion(text)?.to_owned()),
            Kind::Orientation => match text.to_lowercase().as_str() {
                known @ ("inward" | "outward" | "both") => words(known.to_owned()),
                _ => Err(Fault::Orientation),
            },
            Kind::Sightings => sightings::read(text).map(|seen| (Value::Seen(seen), None)),
            Kind::Licence if text.contains(' ') => Err(Fault::Licence),
            Kind::Licence => words(text.to_owned()),
        }
    }

    fn term(&self, vocabulary: &'static str, text: &str) -> Result<String, Fault> {
        (self.reader.words.find)(vocabulary, text)
            .ok_or_else(|| Fault::UnknownTerm { vocabulary, text: text.to_owned() })
    }

    fn text(&self, field: &Field) -> &str {
        self.out.texts.get(field).map_or("", String::as_str)
    }

    /// What cells mean together.
    fn whole(&mut self) {
        match self.out.group.name.len() {
            0 if self.text(&Field::Name).is_empty() => self.fault(&Field::Name, &Fault::NameMissing),
            length if length > NAME_BYTES => self.fault(&Field::Name, &Fault::NameTooLong(length)),
            _ => {}
        }
        if let Err((field, fault)) = self.meetings() {
            self.fault(&field, &fault);
        }
        self.place();
        if let Some(ages) = &self.out.group.ages
            && let (Some(min), Some(max)) = (ages.min, ages.max)
            && min > max
        {
            self.fault(&Field::Youngest, &Fault::AgesCrossed);
        }
        let stray = [Field::StatusDate, Field::StatusReason, Field::BreakUntil];
        if self.text(&Field::Status).is_empty()
            && let Some(field) = stray.into_iter().find(|field| !self.text(field).is_empty())
        {
            self.fault(&field, &Fault::StatusMissing);
        }
        if self.text(&Field::Affiliation).is_empty() && !self.text(&Field::AffiliatedTo).is_empty() {
            self.fault(&Field::AffiliatedTo, &Fault::AffiliationMissing);
        }
        self.check();
        self.ask_safety();
        let size = self.out.group.json().len();
        if size > RECORD_BYTES {
            self.fault(&Field::Description, &Fault::TooLong(size));
        }
    }

    /// Words, start and end of the meetings. One cell of words is one meeting, semicolons and all, unless there are several
    /// times: then each has its own words, in the same order.
    fn meetings(&mut self) -> Result<(), (Field, Fault)> {
        let times = |field: Field| {
            let parts = self.text(&field).split(';').map(str::trim);
            let read = |text: &str| if text.is_empty() { Ok(None) } else { cell::time(text).map(Some) };
            let times: Result<Vec<_>, _> = parts.map(read).collect();
            times.map_err(|fault| (field.clone(), fault)).map(|times| (field, times))
        };
        let ((start_field, starts), (end_field, ends)) = (times(Field::Start)?, times(Field::End)?);
        let rules: Vec<Option<String>> = match self.text(&Field::Calendar) {
            "" => Vec::new(),
            text => text
                .split(RULES.trim())
                .map(|rule| Some(rule.trim().to_owned()).filter(|rule| !rule.is_empty()))
                .collect(),
        };
        if rules.iter().flatten().any(|rule| !recurrence::is_rule(rule)) {
            return Err((Field::Calendar, Fault::Recurrence));
        }
        let words = self.text(&Field::Meets);
        let parts: Vec<&str> = words.split(';').map(str::trim).collect();
        let count = starts.len().max(ends.len()).max(rules.len());
        let words = if count > 1 { parts } else { vec![words] };
        for (field, times) in [(start_field, &starts), (end_field, &ends)] {
            if times.len() > 1 && times.len() != words.len() && !self.text(&Field::Meets).is_empty() {
                return Err((field, Fault::Unpaired { times: times.len(), meetings: words.len() }));
            }
        }
        let meeting = |at: usize| Meeting {
            text: words.get(at).filter(|text| !text.is_empty()).map(|text| (*text).to_owned()),
            start: starts.get(at).cloned().flatten(),
            end: ends.get(at).cloned().flatten(),
            rrule: rules.get(at).cloned().flatten(),
            ..Meeting::default()
        };
        let meetings =
            (0..count.max(words.len())).map(meeting).filter(|meeting| *meeting != Meeting::default()).collect();
        self.out.group.meetings = meetings;
        Ok(())
    }

    fn place(&mut self) {
        let (latitude, longitude) = (self.text(&Field::Latitude), self.text(&Field::Longitude));
        if latitude.is_empty() != longitude.is_empty() {
            let field = if latitude.is_empty() { Field::Latitude } else { Field::Longitude };
            return self.fault(&field, &Fault::HalfAPosition);
        }
        let place = self.out.group.place.as_ref();
        if place.is_some_and(|place| place.latitude == Some(0.0) && place.longitude == Some(0.0)) {
            self.caution(&Field::Latitude, &Caution::NullIsland);
            for field in [Field::Latitude, Field::Longitude] {
                field.put(&mut self.out.group, Value::Empty);
            }
        }
    }

    /// Date, way and role of a check. Where way or role are constants, a row without a date has not been checked.
    fn check(&mut self) {
        let date = match Field::Checked {
            field if self.text(&field).is_empty() => None,
            field => match self.parse(&field, self.text(&field)) {
                Ok((Value::Day(day), _)) => Some(day),
                _ => return,
            },
        };
        let word = |field: Field| {
            let text = self.text(&field);
            let own = self.reader.headings.get(&field).and_then(|(at, _)| self.raw.cells.get(*at));
            let said = own.is_some_and(|own| !own.trim().is_empty()) && !text.is_empty();
            (self.parse(&field, text).ok().filter(|_| !text.is_empty()), said, text.is_empty())
        };
        let (how, how_said, how_empty) = word(Field::CheckedHow);
        let (by, by_said, by_empty) = word(Field::CheckedBy);
        match (date, how, by) {
            (Some(date), Some((Value::Text(method), _)), Some((Value::Text(by), _))) => {
                self.out.group.assured = Some(Assured { date, method, by });
            }
            (Some(_), ..) if how_empty => self.fault(&Field::CheckedHow, &Fault::CheckIncomplete),
            (Some(_), ..) if by_empty => self.fault(&Field::CheckedBy, &Fault::CheckIncomplete),
            (None, ..) if how_said || by_said => self.fault(&Field::Checked, &Fault::CheckIncomplete),
            _ => {}
        }
    }

    /// Asks, where the words suggest it and nobody has answered yet; never decides.
    fn ask_safety(&mut self) {
        let group = &self.out.group;
        let place = group.place.as_ref();
        let told = place.is_some_and(|it| {
            it.venue.is_some() || it.address.is_some() || it.postcode.is_some() || it.latitude.is_some()
        });
        if !told || group.safety.is_some() {
            return;
        }
        let topics = group.topics.join(" ").replace('-', " ");
        let texts = [group.name.as_str(), group.description.as_deref().unwrap_or_default(), &topics];
        if let Some(word) = asks_care(&format!("{} {}", texts.join(" "), group.other_names.join(" "))) {
            self.caution(&Field::Safety, &Caution::AskSafety(word));
        }
    }

    /// Takes the row apart by its level. What is withheld stands in no text, message or claim from here on.
    fn seal(mut self, level: Level, sealed: &mut SealedRows) -> What {
        hush(&mut self.out.errors, &mut self.out.warnings);
        if level.signed() || self.out.errors.is_empty() {
            let split = protected::split(std::mem::take(&mut self.out.group), level);
            sealed.keep(self.line, split.sealed);
            self.out.group = split.public.unwrap_or_default();
        } else {
            self.out.group = Group::default();
        }
        self.claim();
        let place = self.out.group.place.as_ref();
        self.out.claim.postcode = place.and_then(|place| place.postcode.clone());
        self.out.claim.locality = None;
        self.out.claim.when = when(&self.out.group);
        self.out.texts.retain(|field, _| !field.withheld());
        if level.signed() || !self.out.errors.is_empty() {
            return What::Group(Box::new(self.out));
        }
        What::Sealed(self.out.claim, level)
    }

    /// What says which record this is. Postcode and town as read, so that two ways of writing them agree.
    fn claim(&mut self) {
        let own = |field: Field| Some(self.text(&field).to_owned()).filter(|text| !text.is_empty());
        let postcode = own(Field::Postcode).map(|text| cell::postcode(&text).unwrap_or(text));
        self.out.claim = Claim {
            record_id: own(Field::RecordId),
            source_id: own(Field::SourceId),
            name: self.text(&Field::Name).to_owned(),
            postcode,
            locality: own(Field::Locality),
            contacts: contacts(&self.out.group),
            when: when(&self.out.group),
        };
    }
}

/// Takes the values out of messages about a row whose place is protected: where, and what kind of fault, is enough.
pub(super) fn hush(errors: &mut [(Field, RowError)], warnings: &mut Vec<Warning>) {
    for (_, error) in errors {
        error.cell.value.clear();
        error.problem = format!("this cannot be read ({})", error.code);
    }
    warnings.clear();
}

/// A value for a message: enough to be recognised, and nothing that a terminal would obey.
fn shortened(text: &str) -> String {
    const MOST: usize = 80;
    let shown: String =
        text.chars().take(MOST).map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(MOST).is_some() { format!("{shown}…") } else { shown }
}
