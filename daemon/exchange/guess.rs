//! Which field a foreign file's column feeds, guessed from its heading and from what stands in it.
//!
//! A guess is shown with samples before anything is taken over, and only made when most of the column can be read that way:
//! a wrong guess would refuse rows, or say what nobody said. Columns that may name a person are never guessed.

use super::columns::COLUMNS;
use super::field::{Field, Kind, Words, fold};
use super::mapping::Mapping;
use super::table::{Table, letter};
use super::{cell, sightings};
use serde::Serialize;
use std::collections::BTreeSet;

/// Values of a column that are looked at.
const LOOKED_AT: usize = 60;
/// Values of a column that are shown.
const SHOWN: usize = 3;

/// How a column came to its field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// Its heading is ours.
    Ours,
    /// Its heading is another word for ours.
    Heading,
    /// What stands in it.
    Values,
    /// Somebody said so.
    Said,
    /// It feeds nothing.
    Nothing,
}

/// One column of a file, and what it feeds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Column {
    /// The column as the spreadsheet letters it.
    pub letter: String,
    /// Its heading.
    pub heading: String,
    /// Our heading for what it feeds; empty for nothing.
    pub field: String,
    /// How that came about.
    pub how: How,
    /// A few of its values, as they stand in the file.
    pub samples: Vec<String>,
}

/// Other words for our headings, without capitals, blanks and punctuation.
const WORDS: [(Field, &[&str]); 23] = [
    (
        Field::Name,
        &[
            "name",
            "group",
            "nameofgroup",
            "groupname",
            "groupsname",
            "title",
            "grouptitle",
            "organisation",
            "organization",
            "organisationname",
            "nameoforganisation",
            "servicename",
            "meetingname",
        ],
    ),
    (Field::OtherNames, &["aka", "alsoknownas", "alternativename", "formername", "previousname", "acronym"]),
    (
        Field::Description,
        &["description", "about", "summary", "whattheydo", "whatwedo", "activities", "purpose", "details", "aboutus"],
    ),
    (Field::Topics, &["topic", "condition", "conditions", "category", "categories", "subject", "theme", "supportfor"]),
    (Field::Locality, &["town", "city", "village", "towncity", "townorcity", "cityortown", "locality"]),
    (Field::Venue, &["venuename", "meetingplace", "building", "where", "meetingvenue", "wheretheymeet"]),
    (
        Field::Address,
        &["address", "addressline1", "address1", "street", "venueaddress", "fulladdress", "meetingaddress"],
    ),
    (Field::Postcode, &["postcode", "postalcode", "pcode", "zip", "zipcode", "venuepostcode"]),
    (
        Field::Meets,
        &[
            "when",
            "meetings",
            "meetingtimes",
            "dayandtime",
            "daysandtimes",
            "whentheymeet",
            "day",
            "days",
            "meetingday",
            "frequency",
            "schedule",
        ],
    ),
    (Field::Start, &["starttime", "start", "starts", "time", "meetingtime"]),
    (Field::End, &["endtime", "end", "ends", "finish", "finishtime"]),
    (Field::Cost, &["cost", "costs", "fee", "fees", "price", "charge", "charges"]),
    (Field::Access, &["accessibility", "disabledaccess", "wheelchairaccess"]),
    (
        Field::Website,
        &["website", "web", "url", "webaddress", "websiteaddress", "link", "homepage", "webpage", "site", "www"],
    ),
    (Field::Email, &["email", "emailaddress", "mail", "contactemail", "groupemail"]),
    (
        Field::Phone,
        &[
            "phone",
            "telephone",
            "tel",
            "telephonenumber",
            "phonenumber",
            "telno",
            "phoneno",
            "telephoneno",
            "contactnumber",
            "contactno",
            "contactphone",
            "contacttelephone",
            "helpline",
            "landline",
        ],
    ),
    (Field::Founded, &["established", "yearfounded", "started", "yearstarted", "yearestablished", "datefounded"]),
    (Field::Languages, &["language"]),
    (Field::Latitude, &["lat"]),
    (Field::Longitude, &["lng", "lon", "long"]),
    (Field::Charity, &["charityno", "registeredcharitynumber", "registeredcharityno", "regcharityno"]),
    (Field::Status, &["groupstatus"]),
    (Field::SourceId, &["id", "ref", "reference", "uniqueid", "groupid", "refno", "no"]),
];

/// Headings of the columns that an import adds to somebody's file, or that an export adds for reading.
pub(super) const ADDED: [&str; 3] = ["Import result", "Import message", LISTED_BY];
/// Heading of the lists that name a group.
pub(super) const LISTED_BY: &str = "Listed by";

/// Words of headings that may stand over a person's name or private number.
const PERSONAL: [&str; 14] = [
    "contactname",
    "contactperson",
    "person",
    "secretary",
    "chair",
    "leader",
    "organiser",
    "organizer",
    "coordinator",
    "facilitator",
    "private",
    "home",
    "mobile",
    "surname",
];

/// Whether a heading may stand over what is a person's.
fn personal(heading: &str) -> bool {
    let folded = fold(heading);
    PERSONAL.iter().any(|word| folded.contains(word)) && !folded.contains("homepage")
}

/// The field that a heading suggests, whoever wrote it.
pub(super) fn heading(text: &str) -> Option<Field> {
    let wanted = fold(text);
    if wanted.is_empty() || personal(text) {
        return None;
    }
    let ours = COLUMNS.iter().find(|column| fold(column.heading) == wanted || fold(&column.field.key()) == wanted);
    let other = || WORDS.iter().find(|(_, words)| words.contains(&wanted.as_str())).map(|(field, _)| field.clone());
    ours.map(|column| column.field.clone()).or_else(other)
}

/// Guesses a mapping for a table whose headings are not all ours.
pub fn mapping(table: &Table, words: &Words) -> Mapping {
    let mut mapping = Mapping { ignore: added(table), ..Mapping::default() };
    let mut fed: BTreeSet<Field> = BTreeSet::new();
    let twice = |heading: &String| table.header.iter().filter(|other| *other == heading).count() > 1;
    let free = |heading: &String| !heading.is_empty() && !twice(heading) && !ADDED.contains(&heading.as_str());
    // Surest first: our own headings, then other words for them, then values.
    for heading in table.header.iter().filter(|heading| free(heading)) {
        let own = Field::named(heading, words).filter(|field| *field != Field::Area || ours(&Field::Area, heading));
        if let Some(field) = own
            && (ours(&field, heading) || (!personal(heading) && reads(&field, values(table, heading), words)))
            && fed.insert(field.clone())
        {
            mapping.columns.insert(heading.clone(), field.key());
        }
    }
    for by_heading in [true, false] {
        for heading in table.header.iter().filter(|heading| free(heading)) {
            if mapping.columns.contains_key(heading) || personal(heading) {
                continue;
            }
            let field = if by_heading {
                let guessed = self::heading(heading).filter(|field| reads(field, values(table, heading), words));
                guessed.filter(|field| *field != Field::SourceId || !numbers_rows(heading, &values(table, heading)))
            } else {
                by_values(values(table, heading), words)
            };
            if let Some(field) = field
                && field != Field::Area
                && fed.insert(field.clone())
            {
                mapping.columns.insert(heading.clone(), field.key());
            }
        }
    }
    // What means something only beside another column is left out with a word rather than refused as a whole.
    mapping.without_the_lonely(words);
    mapping
}

/// Columns of the table that an import or export added.
pub fn added(table: &Table) -> Vec<String> {
    table.header.iter().filter(|heading| ADDED.contains(&heading.as_str())).cloned().collect()
}

fn ours(field: &Field, heading: &str) -> bool {
    COLUMNS.iter().any(|column| column.field == *field && fold(column.heading) == fold(heading))
}

/// The first values of a column that say something.
fn values<'t>(table: &'t Table, heading: &str) -> Vec<&'t str> {
    let Some(at) = table.header.iter().position(|known| known == heading) else { return Vec::new() };
    let cells = table.rows.iter().filter_map(|row| row.cells.get(at)).map(|cell| cell.trim());
    cells.filter(|cell| !cell.is_empty() && !cell::is_placeholder(cell)).take(LOOKED_AT).collect()
}

/// Whether most of the values can be read as the field's. A column without values can feed anything.
fn reads(field: &Field, values: Vec<&str>, words: &Words) -> bool {
    let known = |vocabulary: &str, text: &str| (words.find)(vocabulary, text).is_some();
    let good = |text: &&&str| {
        let text = cell::clean(text, false).0;
        match field.kind() {
            Kind::Term(vocabulary) => known(vocabulary, &text),
            Kind::Terms(vocabulary) => cell::several(&text).iter().all(|text| known(vocabulary, text)),
            Kind::Languages => cell::several(&text).iter().all(|text| super::language::code(text).is_ok()),
            Kind::Age => cell::age(&text).is_ok(),
            Kind::Degrees(limit) => cell::degrees(&text, limit).is_ok(),
            Kind::Postcode => cell::postcode(&text).is_ok(),
            Kind::Times => text.split(';').all(|text| cell::time(text.trim()).is_ok()),
            Kind::YesNo => cell::yes_no(&text).is_ok(),
            Kind::Url => cell::url(&text).is_ok(),
            Kind::Email => cell::email(&text).is_ok(),
            Kind::Phone => cell::phone(&text).is_ok(),
            Kind::Founded => cell::founded(&text, None).is_ok(),
            Kind::Day => cell::date(&text, None).is_ok(),
            Kind::Charity => cell::charity(&text).is_ok(),
            Kind::Criterion => cell::criterion(&text).is_ok(),
            Kind::Line | Kind::Prose | Kind::Lines | Kind::Orientation | Kind::Licence | Kind::Rules => true,
            Kind::Sightings => sightings::read(&text).is_ok(),
        }
    };
    values.iter().filter(good).count() * 2 >= values.len()
}

/// The field that values alone show: what has a form of its own.
fn by_values(values: Vec<&str>, words: &Words) -> Option<Field> {
    let found = [Field::Email, Field::Website, Field::Postcode].into_iter().find(|field| {
        let all: Vec<&str> = values.clone();
        let sure = all.iter().all(|text| match field {
            Field::Email => text.contains('@'),
            Field::Website => text.contains("://") || text.starts_with("www."),
            _ => text.len() >= 5,
        });
        all.len() >= 3 && sure && reads(field, all, words)
    })?;
    Some(found)
}

/// Whether a column "No." only counts the file's rows: taken for references, its numbers would be other groups' as soon as a
/// row is put in between.
fn numbers_rows(heading: &str, values: &[&str]) -> bool {
    let number = |text: &&str| text.trim_end_matches('.').parse::<u64>().ok();
    let follows =
        |pair: &[&str]| number(&pair[0]).zip(number(&pair[1])).is_some_and(|(a, b)| a.checked_add(1) == Some(b));
    fold(heading) == "no" && values.windows(2).all(follows)
}

/// Every column of a table with what a mapping makes of it, and samples.
pub fn columns(table: &Table, mapping: &Mapping, said: &BTreeSet<String>, words: &Words) -> Vec<Column> {
    let describe = |(at, heading): (usize, &String)| {
        let field = mapping.columns.get(heading).and_then(|key| Field::named(key, words));
        let how = match &field {
            None => How::Nothing,
            Some(_) if said.contains(heading) => How::Said,
            Some(field) if Field::named(heading, words).as_ref() == Some(field) => How::Ours,
            Some(field) if self::heading(heading).as_ref() == Some(field) => How::Heading,
            Some(_) => How::Values,
        };
        let mut samples: Vec<String> = Vec::new();
        for row in &table.rows {
            let value = row.cells.get(at).map(|cell| cell::clean(cell, false).0).unwrap_or_default();
            if !value.is_empty() && !samples.contains(&value) {
                samples.push(value);
            }
            if samples.len() == SHOWN {
                break;
            }
        }
        Column {
            letter: letter(at),
            heading: heading.clone(),
            field: field.map(|field| field.heading(words)).unwrap_or_default(),
            how,
            samples,
        }
    };
    table.header.iter().enumerate().filter(|(_, heading)| !heading.is_empty()).map(describe).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::table;

    fn words() -> Words<'static> {
        Words {
            find: &|_, text| ["carers", "stroke"].contains(&text.to_lowercase().as_str()).then(|| text.to_lowercase()),
            label: &|_, _| None,
            labels: &|_| Vec::new(),
        }
    }

    fn guessed(text: &str) -> std::collections::BTreeMap<String, String> {
        mapping(&table::read("t.csv", text.as_bytes(), None).unwrap(), &words()).columns
    }

    fn pairs(all: &[(&str, &str)]) -> std::collections::BTreeMap<String, String> {
        all.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    }

    #[test]
    fn a_column_that_counts_rows_holds_no_references() {
        assert!(!guessed("No.,Group\n1,A\n2,B\n3,C\n").contains_key("No."));
        assert_eq!(guessed("No.,Group\n17,A\n4,B\n9,C\n").get("No.").map(String::as_str), Some("source_id"));
    }

    #[test]
    fn headings_and_values_both_count() {
        let file = "Organisation,Town,Tel,Category,Reach them at,Contact name,Mobile\n\
                    A,Harlow,01632 960001,Carers,a@example.org,Sam Smith,07700 900001\n\
                    B,Clacton,01632 960002,Stroke,b@example.org,Jo Jones,07700 900002\n\
                    C,Clacton,01632 960003,Carers,c@example.org,Al Ames,07700 900003\n";
        let expected = [
            ("Organisation", "name"),
            ("Town", "locality"),
            ("Tel", "phone"),
            ("Category", "topics"),
            ("Reach them at", "email"),
        ];
        assert_eq!(guessed(file), pairs(&expected), "and nothing that is a person's");
    }

    #[test]
    fn a_column_that_cannot_be_read_so_is_not_guessed() {
        let file = "Name,Category,Time\nA,Wellbeing,in the evening\nB,Community,mornings\n";
        assert_eq!(guessed(file), pairs(&[("Name", "name")]));
    }
}
