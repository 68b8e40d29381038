//! What a column of a spreadsheet can feed.
//!
//! A [`Field`] knows its heading, how to read itself out of a [`Group`] and how to put a value into one; everything else
//! (reading cells, differences, exports) is built on that.

use super::columns::{COLUMNS, CRITERION, CRITERION_KEY, Column};
use super::language;
use crate::record::group::{Affiliation, Ages, Contact, Criterion, Group, Meeting, Place, Sighting, Status};
use jiff::civil::Date;

/// What import and export ask of the vocabularies. Functions rather than the vocabularies themselves: the rules of
/// spreadsheets do not depend on which words are current.
#[derive(Clone, Copy)]
pub struct Words<'a> {
    /// `(vocabulary, text)` → the id of the term that a person means by the text: an id, label or synonym.
    pub find: &'a dyn Fn(&str, &str) -> Option<String>,
    /// `(vocabulary, id)` → the label of a term.
    pub label: &'a dyn Fn(&str, &str) -> Option<String>,
    /// `vocabulary` → the labels of all its terms, in the order people should see them.
    pub labels: &'a dyn Fn(&str) -> Vec<String>,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)] // Each is explained to people, and so to readers, by its guidance in `columns`.
pub enum Field {
    Name,
    OtherNames,
    Description,
    Topics,
    Communities,
    Roles,
    Gender,
    Youngest,
    Oldest,
    Languages,
    Modes,
    Venue,
    VenueKind,
    Address,
    Locality,
    Postcode,
    Area,
    Latitude,
    Longitude,
    Meets,
    Start,
    End,
    Calendar,
    Cost,
    Access,
    Joining,
    Newcomers,
    Website,
    Email,
    Phone,
    Founded,
    Status,
    StatusDate,
    StatusReason,
    BreakUntil,
    Affiliation,
    AffiliatedTo,
    Charity,
    Sponsors,
    /// The term of vocabulary `criteria`.
    Criterion(String),
    Orientation,
    Checked,
    CheckedHow,
    CheckedBy,
    Safety,
    Licence,
    SourceId,
    RecordId,
    /// Who saw the group at first hand: written by exports, for the hub that takes the row over.
    Seen,
}

/// How a cell of a column is read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// One line of text.
    Line,
    /// Text with line breaks.
    Prose,
    /// Texts with semicolons between them.
    Lines,
    /// One term of a vocabulary.
    Term(&'static str),
    /// Terms of a vocabulary with semicolons between them.
    Terms(&'static str),
    /// Language names or codes with semicolons between them.
    Languages,
    /// Whole years.
    Age,
    /// Degrees, at most so many from 0.
    Degrees(f64),
    /// A postcode.
    Postcode,
    /// Times of day, as many as there are meetings.
    Times,
    /// Yes or no.
    YesNo,
    /// A web address.
    Url,
    /// An e-mail address.
    Email,
    /// A telephone number.
    Phone,
    /// A year, month or day.
    Founded,
    /// A day.
    Day,
    /// A charity number.
    Charity,
    /// Yes, no or not known.
    Criterion,
    /// Inward, outward or both.
    Orientation,
    /// A licence's id or address.
    Licence,
    /// Recurrences of meetings, with ` | ` between them: they hold semicolons themselves.
    Rules,
    /// Sightings, as an export writes them: nobody types them.
    Sightings,
}

/// What one field of a group says.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing.
    Empty,
    /// Text, term or label.
    Text(String),
    /// Several of them.
    Many(Vec<String>),
    /// Degrees.
    Number(f64),
    /// Whole years.
    Age(u8),
    /// Yes or no.
    Yes(bool),
    /// A day.
    Day(Date),
    /// Who saw it.
    Seen(Vec<Sighting>),
}

impl Value {
    fn text(self) -> Option<String> {
        if let Value::Text(text) = self { Some(text) } else { None }
    }
    fn many(self) -> Vec<String> {
        match self {
            Value::Many(texts) => texts,
            Value::Text(text) => vec![text],
            _ => Vec::new(),
        }
    }
    fn day(self) -> Option<Date> {
        if let Value::Day(day) = self { Some(day) } else { None }
    }
    fn number(self) -> Option<f64> {
        if let Value::Number(number) = self { Some(number) } else { None }
    }
    fn age(self) -> Option<u8> {
        if let Value::Age(age) = self { Some(age) } else { None }
    }
    fn yes(self) -> Option<bool> {
        if let Value::Yes(yes) = self { Some(yes) } else { None }
    }
}

fn text(text: &Option<String>) -> Value {
    text.as_ref().filter(|text| !text.is_empty()).map_or(Value::Empty, |text| Value::Text(text.clone()))
}

fn term(text: &str) -> Value {
    if text.is_empty() { Value::Empty } else { Value::Text(text.to_owned()) }
}

impl Field {
    /// Whether it speaks of what a safety level withholds, in whole or in part.
    pub fn withheld(&self) -> bool {
        matches!(
            self,
            Field::Venue
                | Field::VenueKind
                | Field::Address
                | Field::Locality
                | Field::Postcode
                | Field::Area
                | Field::Latitude
                | Field::Longitude
                | Field::Meets
                | Field::Start
                | Field::End
                | Field::Calendar
                | Field::Charity
        )
    }

    /// Its name in mappings.
    pub fn key(&self) -> String {
        match self {
            Field::Criterion(term) => format!("{CRITERION_KEY}{term}"),
            _ => self.column().map(|column| column.key.to_owned()).unwrap_or_default(),
        }
    }

    /// Its heading. A criterion without a column in the template is headed by its label.
    pub fn heading(&self, words: &Words) -> String {
        match (self.column(), self) {
            (Some(column), _) => column.heading.to_owned(),
            (None, Field::Criterion(term)) => {
                format!("{CRITERION}{}", (words.label)("criteria", term).unwrap_or_else(|| term.clone()))
            }
            (None, _) => self.key(),
        }
    }

    fn column(&self) -> Option<&'static Column> {
        COLUMNS.iter().find(|column| column.field == *self)
    }

    /// The field of a key (`venue_kind`) or heading ("Kind of venue"), whatever its capitals and punctuation.
    pub fn named(text: &str, words: &Words) -> Option<Field> {
        let wanted = fold(text);
        if wanted.is_empty() {
            return None;
        }
        let known = COLUMNS.iter().find(|column| fold(column.heading) == wanted || fold(&column.field.key()) == wanted);
        known.map(|column| column.field.clone()).or_else(|| {
            let lower = text.trim().to_lowercase();
            let term = lower.strip_prefix("criterion:").or_else(|| lower.strip_prefix(CRITERION_KEY))?;
            (words.find)("criteria", term.trim()).map(Field::Criterion)
        })
    }

    /// How its cells are read.
    pub fn kind(&self) -> Kind {
        match self {
            Field::OtherNames => Kind::Lines,
            Field::Description | Field::Access | Field::Joining => Kind::Prose,
            Field::Topics => Kind::Terms("topics"),
            Field::Communities => Kind::Terms("communities"),
            Field::Roles => Kind::Terms("roles"),
            Field::Modes => Kind::Terms("modes"),
            Field::Gender => Kind::Term("genders"),
            Field::VenueKind => Kind::Term("venue-kinds"),
            Field::Status => Kind::Term("statuses"),
            Field::Affiliation => Kind::Term("affiliations"),
            Field::CheckedHow => Kind::Term("assurance-methods"),
            Field::CheckedBy => Kind::Term("assurance-roles"),
            Field::Safety => Kind::Term("safety-levels"),
            Field::Youngest | Field::Oldest => Kind::Age,
            Field::Languages => Kind::Languages,
            Field::Postcode => Kind::Postcode,
            Field::Latitude => Kind::Degrees(90.0),
            Field::Longitude => Kind::Degrees(180.0),
            Field::Start | Field::End => Kind::Times,
            Field::Calendar => Kind::Rules,
            Field::Newcomers => Kind::YesNo,
            Field::Website => Kind::Url,
            Field::Email => Kind::Email,
            Field::Phone => Kind::Phone,
            Field::Founded => Kind::Founded,
            Field::StatusDate | Field::BreakUntil | Field::Checked => Kind::Day,
            Field::Charity => Kind::Charity,
            Field::Criterion(_) => Kind::Criterion,
            Field::Orientation => Kind::Orientation,
            Field::Licence => Kind::Licence,
            Field::Seen => Kind::Sightings,
            _ => Kind::Line,
        }
    }

    /// What the group says in this field.
    pub fn get(&self, group: &Group) -> Value {
        let place = group.place.as_ref();
        let contact = group.contact.as_ref();
        let status = group.status.as_ref();
        let assured = group.assured.as_ref();
        let in_place = |part: fn(&Place) -> &Option<String>| place.map_or(Value::Empty, |place| text(part(place)));
        let in_contact = |part: fn(&Contact) -> &Option<String>| contact.map_or(Value::Empty, |it| text(part(it)));
        let many = |texts: &Vec<String>| if texts.is_empty() { Value::Empty } else { Value::Many(texts.clone()) };
        let meetings = |part: fn(&Meeting) -> &Option<String>| {
            let texts: Vec<String> = group.meetings.iter().map(|m| part(m).clone().unwrap_or_default()).collect();
            if texts.iter().all(String::is_empty) { Value::Empty } else { Value::Many(texts) }
        };
        match self {
            Field::Name => term(&group.name),
            Field::OtherNames => many(&group.other_names),
            Field::Description => text(&group.description),
            Field::Topics => many(&group.topics),
            Field::Communities => many(&group.communities),
            Field::Roles => many(&group.roles),
            Field::Gender => text(&group.gender),
            Field::Youngest => group.ages.as_ref().and_then(|ages| ages.min).map_or(Value::Empty, Value::Age),
            Field::Oldest => group.ages.as_ref().and_then(|ages| ages.max).map_or(Value::Empty, Value::Age),
            Field::Languages => many(&group.languages),
            Field::Modes => many(&group.modes),
            Field::Venue => in_place(|place| &place.venue),
            Field::VenueKind => in_place(|place| &place.venue_kind),
            Field::Address => in_place(|place| &place.address),
            Field::Locality => in_place(|place| &place.locality),
            Field::Postcode => in_place(|place| &place.postcode),
            Field::Area => in_place(|place| &place.area),
            Field::Latitude => place.and_then(|place| place.latitude).map_or(Value::Empty, Value::Number),
            Field::Longitude => place.and_then(|place| place.longitude).map_or(Value::Empty, Value::Number),
            Field::Meets => meetings(|meeting| &meeting.text),
            Field::Start => meetings(|meeting| &meeting.start),
            Field::End => meetings(|meeting| &meeting.end),
            Field::Calendar => meetings(|meeting| &meeting.rrule),
            Field::Cost => text(&group.cost),
            Field::Access => text(&group.access),
            Field::Joining => text(&group.joining),
            Field::Newcomers => group.newcomers.map_or(Value::Empty, Value::Yes),
            Field::Website => in_contact(|contact| &contact.url),
            Field::Email => in_contact(|contact| &contact.email),
            Field::Phone => in_contact(|contact| &contact.phone),
            Field::Founded => text(&group.founded),
            Field::Status => status.map_or(Value::Empty, |status| term(&status.state)),
            Field::StatusDate => status.and_then(|status| status.date).map_or(Value::Empty, Value::Day),
            Field::StatusReason => status.map_or(Value::Empty, |status| text(&status.reason)),
            Field::BreakUntil => status.and_then(|status| status.until).map_or(Value::Empty, Value::Day),
            Field::Affiliation => group.affiliation.as_ref().map_or(Value::Empty, |it| term(&it.kind)),
            Field::AffiliatedTo => group.affiliation.as_ref().map_or(Value::Empty, |it| text(&it.to)),
            Field::Charity => text(&group.charity),
            Field::Sponsors => text(&group.sponsorship),
            Field::Criterion(id) => group.criteria.get(id).map_or(Value::Empty, |criterion| term(&criterion.value)),
            Field::Orientation => text(&group.orientation),
            Field::Checked => assured.map_or(Value::Empty, |assured| Value::Day(assured.date)),
            Field::CheckedHow => assured.map_or(Value::Empty, |assured| term(&assured.method)),
            Field::CheckedBy => assured.map_or(Value::Empty, |assured| term(&assured.by)),
            Field::Safety => text(&group.safety),
            Field::Licence => text(&group.licence),
            Field::SourceId => text(&group.source_id),
            Field::RecordId => Value::Empty,
            Field::Seen if group.sightings.is_empty() => Value::Empty,
            Field::Seen => Value::Seen(group.sightings.clone()),
        }
    }

    /// Makes the group say this in this field, and leaves everything else. The three fields of a check and those of
    /// meetings mean something together only: see [`carry`].
    pub fn put(&self, group: &mut Group, value: Value) {
        let group_place = |group: &mut Group, change: &dyn Fn(&mut Place)| {
            let mut place = group.place.take().unwrap_or_default();
            change(&mut place);
            group.place = (place != Place::default()).then_some(place);
        };
        let contact = |group: &mut Group, change: &dyn Fn(&mut Contact)| {
            let mut contact = group.contact.take().unwrap_or_default();
            change(&mut contact);
            group.contact = (contact != Contact::default()).then_some(contact);
        };
        let ages = |group: &mut Group, change: &dyn Fn(&mut Ages)| {
            let mut ages = group.ages.take().unwrap_or_default();
            change(&mut ages);
            group.ages = (ages != Ages::default()).then_some(ages);
        };
        match self {
            Field::Name => group.name = value.text().unwrap_or_default(),
            Field::OtherNames => group.other_names = value.many(),
            Field::Description => group.description = value.text(),
            Field::Topics => group.topics = value.many(),
            Field::Communities => group.communities = value.many(),
            Field::Roles => group.roles = value.many(),
            Field::Gender => group.gender = value.text(),
            Field::Youngest => ages(group, &|ages| ages.min = value.clone().age()),
            Field::Oldest => ages(group, &|ages| ages.max = value.clone().age()),
            Field::Languages => group.languages = value.many(),
            Field::Modes => group.modes = value.many(),
            Field::Venue => group_place(group, &|place| place.venue = value.clone().text()),
            Field::VenueKind => group_place(group, &|place| place.venue_kind = value.clone().text()),
            Field::Address => group_place(group, &|place| place.address = value.clone().text()),
            Field::Locality => group_place(group, &|place| place.locality = value.clone().text()),
            Field::Postcode => group_place(group, &|place| place.postcode = value.clone().text()),
            Field::Area => group_place(group, &|place| place.area = value.clone().text()),
            Field::Latitude => group_place(group, &|place| place.latitude = value.clone().number()),
            Field::Longitude => group_place(group, &|place| place.longitude = value.clone().number()),
            Field::Cost => group.cost = value.text(),
            Field::Access => group.access = value.text(),
            Field::Joining => group.joining = value.text(),
            Field::Newcomers => group.newcomers = value.yes(),
            Field::Website => contact(group, &|contact| contact.url = value.clone().text()),
            Field::Email => contact(group, &|contact| contact.email = value.clone().text()),
            Field::Phone => contact(group, &|contact| contact.phone = value.clone().text()),
            Field::Founded => group.founded = value.text(),
            // A new state begins anew: since when, until when and why the old one was say nothing of it.
            Field::Status => match (value.text(), &mut group.status) {
                (None, status) => *status = None,
                (Some(state), Some(status)) if status.state == state => {}
                (Some(state), status) => *status = Some(Status { state, ..Status::default() }),
            },
            Field::StatusDate => group.status.iter_mut().for_each(|status| status.date = value.clone().day()),
            Field::StatusReason => group.status.iter_mut().for_each(|status| status.reason = value.clone().text()),
            Field::BreakUntil => group.status.iter_mut().for_each(|status| status.until = value.clone().day()),
            Field::Affiliation => match (value.text(), &mut group.affiliation) {
                (None, affiliation) => *affiliation = None,
                (Some(kind), Some(affiliation)) => affiliation.kind = kind,
                (Some(kind), affiliation) => *affiliation = Some(Affiliation { kind, ..Affiliation::default() }),
            },
            Field::AffiliatedTo => group.affiliation.iter_mut().for_each(|it| it.to = value.clone().text()),
            Field::Charity => group.charity = value.text(),
            Field::Sponsors => group.sponsorship = value.text(),
            // When and how it was found out belongs to the old value.
            Field::Criterion(id) => match value.text() {
                None => _ = group.criteria.remove(id),
                Some(value) if group.criteria.get(id).is_some_and(|criterion| criterion.value == value) => {}
                Some(value) => _ = group.criteria.insert(id.clone(), Criterion { value, ..Criterion::default() }),
            },
            Field::Orientation => group.orientation = value.text(),
            Field::Safety => group.safety = value.text(),
            Field::Licence => group.licence = value.text(),
            Field::SourceId => group.source_id = value.text(),
            Field::Meets | Field::Start | Field::End | Field::Calendar => {}
            Field::Checked | Field::CheckedHow | Field::CheckedBy => {}
            Field::RecordId => {}
            Field::Seen => group.sightings = if let Value::Seen(seen) = value { seen } else { Vec::new() },
        }
    }

    fn copy(&self, from: &Group, to: &mut Group) {
        match self {
            Field::Checked | Field::CheckedHow | Field::CheckedBy => to.assured.clone_from(&from.assured),
            Field::Meets | Field::Start | Field::End | Field::Calendar => {
                if to.meetings.len() < from.meetings.len() {
                    to.meetings.resize_with(from.meetings.len(), Meeting::default);
                }
                let nothing = Meeting::default();
                for (at, meeting) in to.meetings.iter_mut().enumerate() {
                    let said = from.meetings.get(at).unwrap_or(&nothing);
                    match self {
                        Field::Start => meeting.start.clone_from(&said.start),
                        Field::End => meeting.end.clone_from(&said.end),
                        Field::Calendar => meeting.rrule.clone_from(&said.rrule),
                        _ if meeting.text != said.text => {
                            // The rule for calendars was drawn from the old words.
                            meeting.rrule = None;
                            meeting.text.clone_from(&said.text);
                        }
                        _ => {}
                    }
                }
            }
            _ => self.put(to, self.get(from)),
        }
    }

    /// The cell's text: terms by their labels, several values with semicolons between them.
    pub fn show(&self, group: &Group, words: &Words) -> String {
        let word = |text: String| match self.kind() {
            Kind::Term(vocabulary) | Kind::Terms(vocabulary) => (words.label)(vocabulary, &text).unwrap_or(text),
            Kind::Languages => language::name(&text).map_or(text, str::to_owned),
            Kind::Phone => spaced(text),
            Kind::Criterion => match text.as_str() {
                "met" => "yes".to_owned(),
                "not_met" => "no".to_owned(),
                "unknown" => "not known".to_owned(),
                _ => text,
            },
            _ => text,
        };
        match self.get(group) {
            Value::Empty => String::new(),
            Value::Text(text) => word(text),
            Value::Many(texts) if *self == Field::Calendar => texts.join(RULES),
            Value::Many(texts) => texts.into_iter().map(word).collect::<Vec<_>>().join("; "),
            Value::Number(number) => number.to_string(),
            Value::Age(age) => age.to_string(),
            Value::Yes(yes) => if yes { "yes" } else { "no" }.to_owned(),
            Value::Day(day) => day.to_string(),
            Value::Seen(seen) => super::sightings::shown(&seen),
        }
    }
}

/// Makes `to` say in these fields what `from` says.
pub fn carry<'a>(fields: impl IntoIterator<Item = &'a Field>, from: &Group, to: &mut Group) {
    for field in fields {
        field.copy(from, to);
    }
    // Only now: the parts of a meeting are copied one column after another.
    to.meetings.retain(|meeting| *meeting != Meeting::default());
}

/// Between the recurrences of several meetings.
pub(super) const RULES: &str = " | ";

/// A UK number that was stored without blanks gets the one that keeps spreadsheets from dropping its 0.
fn spaced(text: String) -> String {
    match text.split_at_checked(5) {
        Some((area, rest)) if text.len() == 11 && text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit()) => {
            format!("{area} {rest}")
        }
        _ => text,
    }
}

pub(super) fn fold(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
