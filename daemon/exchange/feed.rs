//! Other people's feeds as a table: what a website already publishes becomes rows like any spreadsheet's.
//!
//! * `oruk`: Open Referral UK 1.0 and 3.0, as files or paged over HTTP;
//! * `rpde`: OpenActive's Realtime Paged Data Exchange;
//! * `meeting_guide`: the Meeting Guide's array of meetings.
//!
//! All of it is pure: bytes and the address they came from in, entries and the next address out. What a feed says of persons
//! (names of contacts and leaders, and their own numbers) is not read at all.

use super::cell;
use super::columns::COLUMNS;
use super::field::{Field, Kind as Cells, Words};
use super::table::{Note, Row, Table};
use super::{meeting_guide, oruk, rpde};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use url::Url;

/// How a feed speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Open Referral UK, 1.0 or 3.0
    OpenReferral,
    /// OpenActive's paged feeds (RPDE)
    Rpde,
    /// The Meeting Guide's JSON
    MeetingGuide,
}

impl Kind {
    /// Its name in settings and tables.
    pub fn name(self) -> &'static str {
        match self {
            Kind::OpenReferral => "open-referral",
            Kind::Rpde => "rpde",
            Kind::MeetingGuide => "meeting-guide",
        }
    }

    /// The kind of this name.
    pub fn named(name: &str) -> Option<Kind> {
        [Kind::OpenReferral, Kind::Rpde, Kind::MeetingGuide].into_iter().find(|kind| kind.name() == name)
    }

    /// Whether a feed gives changes since a place in it, rather than the whole list each time.
    pub fn gives_changes(self) -> bool {
        self == Kind::Rpde
    }

    /// Where reading begins, given the address that a person typed.
    pub fn first(self, address: &Url) -> Url {
        match self {
            Kind::OpenReferral => oruk::first(address),
            Kind::Rpde | Kind::MeetingGuide => address.clone(),
        }
    }
}

/// Why a feed, or a page of it, is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    /// Not JSON.
    #[error("this is not JSON ({0})")]
    Json(String),
    /// JSON of some other kind.
    #[error("this is JSON, but neither Open Referral UK, RPDE nor Meeting Guide")]
    Unknown,
    /// JSON, but not of the kind that was asked for.
    #[error("this is not {0} ({1})")]
    Not(&'static str, &'static str),
    /// Where the next page is cannot be followed.
    #[error("the next page is said to be at {0:?}, which is not an address on the same host")]
    Next(String),
}

impl FeedError {
    /// Stable kebab-case code.
    pub fn code(&self) -> &'static str {
        match self {
            FeedError::Json(_) => "feed-not-json",
            FeedError::Unknown => "feed-unknown",
            FeedError::Not(..) => "feed-other-kind",
            FeedError::Next(_) => "feed-next-page",
        }
    }
}

/// One row of a feed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// The source's own id.
    pub id: String,
    /// Where all of it can be had, when this is only a summary.
    pub more: Option<String>,
    /// What it says.
    pub cells: BTreeMap<Field, String>,
}

impl Entry {
    pub(super) fn new(id: String) -> Entry {
        let cells = [(Field::SourceId, id.clone())].into();
        Entry { id, more: None, cells }
    }

    pub(super) fn set(&mut self, field: Field, text: impl Into<String>) {
        let text = text.into();
        if !text.trim().is_empty() {
            self.cells.insert(field, text);
        }
    }
}

/// One page of a feed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Its rows.
    pub entries: Vec<Entry>,
    /// How many things it lists: a service at two places is one.
    pub listed: u64,
    /// Ids of rows that the source says are gone.
    pub gone: Vec<String>,
    /// The next page; `None` at the end.
    pub next: Option<Url>,
    /// How many rows the source says it has in all.
    pub total: Option<u64>,
}

/// What kind of feed a file is.
pub fn sniff(bytes: &[u8]) -> Result<Kind, FeedError> {
    let value = json(bytes)?;
    let first = match &value {
        Value::Array(all) => all.first(),
        other => Some(other),
    };
    let has = |value: &Value, key: &str| value.get(key).is_some();
    match (&value, first) {
        (Value::Object(_), _) if has(&value, "items") && (has(&value, "next") || has(&value, "license")) => {
            Ok(Kind::Rpde)
        }
        (Value::Object(_), _) if has(&value, "contents") || has(&value, "content") => Ok(Kind::OpenReferral),
        (_, Some(one)) if has(one, "slug") => Ok(Kind::MeetingGuide),
        (_, Some(one)) if has(one, "id") && has(one, "name") => Ok(Kind::OpenReferral),
        _ => Err(FeedError::Unknown),
    }
}

pub(super) fn json(bytes: &[u8]) -> Result<Value, FeedError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    serde_json::from_slice(bytes).map_err(|error| FeedError::Json(error.to_string()))
}

/// Reads one page that came from an address.
///
/// # Errors
/// [`FeedError`]; nothing of such a page is taken.
pub fn page(kind: Kind, bytes: &[u8], from: &Url, words: &Words) -> Result<Page, FeedError> {
    let value = json(bytes)?;
    match kind {
        Kind::OpenReferral => oruk::page(&value, from, words),
        Kind::Rpde => rpde::page(&value, from, words),
        Kind::MeetingGuide => meeting_guide::page(&value, words),
    }
}

/// Reads a whole file of a feed, whose kind is told from what it holds.
///
/// # Errors
/// [`FeedError`]; nothing of such a file is taken.
pub fn file(bytes: &[u8], words: &Words) -> Result<(Kind, Table), FeedError> {
    let kind = sniff(bytes)?;
    let nowhere = Url::parse("https://file.invalid/").map_err(|_| FeedError::Unknown)?;
    let read = page(kind, bytes, &nowhere, words)?;
    Ok((kind, table(kind, &read.entries, words)))
}

/// What every entry of a kind speaks of, whether it says something or not: so that what a source no longer says is cleared.
fn speaks_of(kind: Kind) -> Vec<Field> {
    let common = [
        Field::Name,
        Field::Description,
        Field::Topics,
        Field::Modes,
        Field::Venue,
        Field::Address,
        Field::Locality,
        Field::Postcode,
        Field::Latitude,
        Field::Longitude,
        Field::Meets,
        Field::Start,
        Field::End,
        Field::Calendar,
        Field::Access,
        Field::Website,
        Field::Email,
        Field::Phone,
        Field::Status,
        Field::SourceId,
    ];
    let own: &[Field] = match kind {
        Kind::OpenReferral => &[Field::Youngest, Field::Oldest, Field::Languages, Field::Cost],
        Kind::Rpde => &[Field::Youngest, Field::Oldest, Field::Gender, Field::Cost],
        Kind::MeetingGuide => &[Field::Gender],
    };
    let mut fields = common.to_vec();
    fields.extend_from_slice(own);
    fields.sort();
    fields
}

/// Entries as a table with our headings. A value that cannot be read is left out, and said: the person who imports a feed
/// cannot correct it, and a group is not to be missed for want of a telephone number.
pub fn table(kind: Kind, entries: &[Entry], words: &Words) -> Table {
    let fields = speaks_of(kind);
    let heading = |field: &Field| {
        COLUMNS.iter().find(|column| column.field == *field).map(|column| column.heading.to_owned()).unwrap_or_default()
    };
    let (mut left_out, mut example) = (0, String::new());
    let mut row = |(at, entry): (usize, &Entry)| {
        let cells = fields.iter().map(|field| {
            let text = entry.cells.get(field).cloned().unwrap_or_default();
            if text.is_empty() || readable(field, &text, words) {
                return text;
            }
            left_out += 1;
            if example.is_empty() {
                example = format!("{}: {:?}", heading(field), text.chars().take(60).collect::<String>());
            }
            String::new()
        });
        Row { line: u32::try_from(at + 1).unwrap_or(u32::MAX), cells: cells.collect() }
    };
    let rows = entries.iter().enumerate().map(&mut row).collect();
    let mut table = Table::of(fields.iter().map(heading).collect(), rows);
    if left_out > 0 {
        table.notes.push(Note::LeftOut(left_out, example));
    }
    table
}

fn readable(field: &Field, text: &str, words: &Words) -> bool {
    match field.kind() {
        Cells::Url => cell::url(text).is_ok(),
        Cells::Email => cell::email(text).is_ok(),
        Cells::Phone => cell::phone(text).is_ok(),
        Cells::Postcode => cell::postcode(text).is_ok(),
        Cells::Degrees(limit) => cell::degrees(text, limit).is_ok(),
        Cells::Age => cell::age(text).is_ok(),
        Cells::Languages => cell::several(text).iter().all(|one| super::language::code(one).is_ok()),
        Cells::Term(vocabulary) => (words.find)(vocabulary, text).is_some(),
        _ => text.len() < super::table::MAX_CELL,
    }
}

// ---- What every kind needs ----

/// A member's text; numbers count as text.
pub(super) fn text(value: &Value, key: &str) -> String {
    plain(value.get(key).unwrap_or(&Value::Null))
}

pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

/// A member's items; one that is no list counts as a list of one.
pub(super) fn items<'v>(value: &'v Value, key: &str) -> Vec<&'v Value> {
    match value.get(key) {
        Some(Value::Array(all)) => all.iter().collect(),
        Some(Value::Null) | None => Vec::new(),
        Some(one) => vec![one],
    }
}

/// `HH:MM` of a time in any of the ISO forms.
pub(super) fn clock(text: &str) -> String {
    let time = text.rsplit('T').next().unwrap_or(text);
    match time.as_bytes() {
        [a, b, b':', c, d, ..] if [a, b, c, d].iter().all(|byte| byte.is_ascii_digit()) => time[..5].to_owned(),
        _ => cell::time(text).unwrap_or_default(),
    }
}

/// Prose without the tags of a web page, and its letters where they are written as entities. A sign "<" that begins no tag stays.
pub(super) fn prose(text: &str) -> String {
    if !text.contains(['<', '&']) {
        return text.to_owned();
    }
    let (mut out, mut rest, mut tags) = (String::new(), text, false);
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let tag = after.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'));
        match after.find('>').filter(|_| tag) {
            Some(end) => {
                out.push(' ');
                tags = true;
                rest = &after[end + 1..];
            }
            None => {
                out.push('<');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    let out = html_escape::decode_html_entities(&out);
    // Only where it was a page's are its line breaks none of ours.
    if tags { out.split_whitespace().collect::<Vec<_>>().join(" ") } else { out.into_owned() }
}

/// The words of a vocabulary among these, in our own labels; others are not ours to know.
pub(super) fn terms(vocabulary: &str, texts: impl Iterator<Item = String>, words: &Words) -> String {
    let mut found: Vec<String> = Vec::new();
    for id in texts.filter_map(|text| (words.find)(vocabulary, &text)) {
        if !found.contains(&id) {
            found.push(id);
        }
    }
    found.join("; ")
}

/// Several meetings in their four columns.
#[derive(Default)]
pub(super) struct Times {
    words: Vec<String>,
    starts: Vec<String>,
    ends: Vec<String>,
    rules: Vec<String>,
}

impl Times {
    pub(super) fn add(&mut self, words: &str, start: String, end: String, rule: String) {
        // Semicolons tell meetings apart.
        self.words.push(words.replace(';', ","));
        self.starts.push(start);
        self.ends.push(end);
        self.rules.push(rule);
    }

    pub(super) fn put(self, entry: &mut Entry) {
        let columns =
            [(Field::Meets, self.words, "; "), (Field::Start, self.starts, "; "), (Field::End, self.ends, "; ")];
        for (field, texts, between) in columns {
            if texts.iter().any(|text| !text.is_empty()) {
                entry.set(field, texts.join(between));
            }
        }
        if self.rules.iter().any(|rule| !rule.is_empty()) {
            entry.set(Field::Calendar, self.rules.join(super::field::RULES));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_loses_tags_and_nothing_else() {
        for (text, said) in [
            ("<p>We <b>meet</b> &amp; share</p>", "We meet & share"),
            ("Tea &amp; talk\nEvery week", "Tea & talk\nEvery week"),
            ("St Mary&#8217;s &#x2013; Hall", "St Mary’s – Hall"),
            ("For ages <18 and >60", "For ages <18 and >60"),
            ("We <3 tea", "We <3 tea"),
            ("Say &amp;lt;here&amp;gt;", "Say &lt;here&gt;"),
            ("R&D; & more &unknown; &#0;", "R&D; & more &unknown; &#0;"),
            ("Broken <a href", "Broken <a href"),
        ] {
            assert_eq!(prose(text), said);
        }
    }
}
