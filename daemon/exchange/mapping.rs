//! Which column of a file feeds which field: saved once for each source, as TOML, and used again for its next file.
//!
//! ```toml
//! list = "Groups in our district"        # title of the list that the rows belong to
//! dates = "day-first"                    # or "month-first"; without it, dates that could be either are pointed out
//! header_row = 4                         # without it, the row with the headings is looked for
//! ignore = ["Internal notes"]            # columns that are left out on purpose
//!
//! [only]                                 # take only rows where every one of these columns says this
//! Region = "East"
//!
//! [columns]                              # the file's heading = our key (or our heading in the template)
//! Title = "name"
//! Town = "locality"
//!
//! [constants]                            # for every row whose cell is empty or that has no such column
//! modes = "In person"
//! ```

use super::cell::DateOrder;
use super::field::{Field, Words};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A saved mapping.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mapping {
    /// Title of the list that the rows belong to. The person may name another when importing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub list: Option<String>,
    /// The row with the headings, as the spreadsheet numbers it. Without it, it is looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header_row: Option<u32>,
    /// In which order the file writes dates. Without it the day comes first, and what could be either is pointed out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dates: Option<DateOrder>,
    /// Columns that are left out on purpose, by heading.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<String>,
    /// Only rows where each of these columns holds this value, capitals and blanks at the ends aside.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub only: BTreeMap<String, String>,
    /// The file's heading → the key of our field (`venue_kind`), or its heading in the template.
    pub columns: BTreeMap<String, String>,
    /// The key of our field → what it says in every row whose cell is empty, or that has no column for it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub constants: BTreeMap<String, String>,
}

/// Why a mapping cannot be used, or not with this file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// Not TOML, or with keys that mean nothing.
    #[error("the mapping cannot be read: {0}")]
    Toml(String),
    /// A field that does not exist.
    #[error("the mapping names the field {0:?}, which does not exist. Write one of these: {1}.")]
    UnknownField(String, String),
    /// A column that the file does not have. Taking the rest would keep old values without saying so.
    #[error("the mapping names the column {0:?}, which the file does not have. Its columns are: {1}.")]
    MissingColumn(String, String),
    /// Two columns with one heading.
    #[error("the file has two columns called {0:?}. Give them different headings.")]
    TwoColumns(String),
    /// Two columns for one field.
    #[error("the columns {0:?} and {1:?} both feed the field {2}. Leave one of them out.")]
    TwoFeeds(String, String, String),
    /// No column for the name.
    #[error(
        "no column gives the name of the group. The columns are: {0}. Call one of them \"Group name\", or write a mapping that says `\"its heading\" = \"name\"` under [columns]."
    )]
    NoName(String),
    /// Fields that mean nothing alone.
    #[error("a column or constant feeds {0}, but none feeds {1}, without which it means nothing")]
    Alone(&'static str, &'static str),
}

impl MappingError {
    /// Stable kebab-case code.
    pub fn code(&self) -> &'static str {
        match self {
            MappingError::Toml(_) => "mapping-unreadable",
            MappingError::UnknownField(..) => "mapping-unknown-field",
            MappingError::MissingColumn(..) => "mapping-missing-column",
            MappingError::TwoColumns(_) => "mapping-two-columns",
            MappingError::TwoFeeds(..) => "mapping-two-feeds",
            MappingError::NoName(_) => "mapping-no-name",
            MappingError::Alone(..) => "mapping-alone",
        }
    }
}

/// A mapping that fits a file's header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// Column (from 0) and what it feeds, in the order of [`Field`].
    pub columns: Vec<(usize, Field)>,
    /// What fields say where the file says nothing.
    pub constants: BTreeMap<Field, String>,
    /// Column and what it must hold.
    pub only: Vec<(usize, String)>,
    /// Headings that feed nothing and that nobody said to ignore.
    pub not_imported: Vec<String>,
    /// See [`Mapping::dates`].
    pub dates: Option<DateOrder>,
    /// What a person has answered about the safety of single rows, by line; it counts for more than the row's own cell.
    pub answers: BTreeMap<u32, String>,
}

impl Mapping {
    /// Reads a saved mapping.
    ///
    /// # Errors
    /// [`MappingError::Toml`], with the place.
    pub fn read(text: &str) -> Result<Mapping, MappingError> {
        toml::from_str(text).map_err(|e| MappingError::Toml(e.to_string()))
    }

    /// The mapping as TOML, to be saved.
    pub fn toml(&self) -> String {
        toml::to_string(self).expect("a mapping holds texts only, under keys that are texts")
    }

    /// The mapping of a file that follows the template: every heading that is one of ours, capitals and punctuation aside.
    pub fn guess(header: &[String], words: &Words) -> Mapping {
        let fields = header.iter().filter_map(|heading| Some((heading.clone(), Field::named(heading, words)?.key())));
        Mapping { columns: fields.collect(), ..Mapping::default() }
    }

    /// Leaves out what would mean nothing, for want of the column that it needs beside it.
    pub(super) fn without_the_lonely(&mut self, words: &Words) {
        let feeds = |mapping: &Mapping, field: &Field| {
            mapping
                .columns
                .values()
                .chain(mapping.constants.keys())
                .any(|key| Field::named(key, words).as_ref() == Some(field))
        };
        for (field, _, needed, _) in NEEDS {
            if feeds(self, &field) && !feeds(self, &needed) {
                self.columns.retain(|_, key| Field::named(key, words).as_ref() != Some(&field));
            }
        }
    }

    /// Headings that a file must have for this mapping to be its own.
    pub fn headings(&self) -> Vec<String> {
        self.columns.keys().cloned().collect()
    }

    /// Whether a file with this header can be read by it.
    pub fn fits(&self, header: &[String]) -> bool {
        let there = |heading: &String| header.contains(&super::cell::clean(heading, false).0);
        !self.columns.is_empty() && self.columns.keys().chain(self.only.keys()).all(there)
    }

    /// Fits the mapping to a file's header.
    ///
    /// # Errors
    /// The first [`MappingError`] met: with such a file nothing is imported.
    pub fn bind(&self, header: &[String], words: &Words) -> Result<Bound, MappingError> {
        let all = || header.iter().filter(|h| !h.is_empty()).cloned().collect::<Vec<_>>().join(", ");
        let column = |heading: &str| {
            let wanted = super::cell::clean(heading, false).0;
            let mut found = header.iter().enumerate().filter(|(_, h)| **h == wanted);
            match (found.next(), found.next()) {
                (None, _) => Err(MappingError::MissingColumn(heading.to_owned(), all())),
                (Some((at, _)), None) => Ok(at),
                (Some(_), Some(_)) => Err(MappingError::TwoColumns(heading.to_owned())),
            }
        };
        let field = |name: &str| Field::named(name, words).ok_or_else(|| unknown(name));
        let mut columns: Vec<(usize, Field)> = Vec::new();
        for (heading, name) in &self.columns {
            let (at, field) = (column(heading)?, field(name)?);
            if let Some((other, _)) = columns.iter().find(|(_, known)| *known == field) {
                return Err(MappingError::TwoFeeds(header[*other].clone(), heading.clone(), field.key()));
            }
            columns.push((at, field));
        }
        columns.sort_by(|a, b| a.1.cmp(&b.1));
        let constants: BTreeMap<Field, String> = self
            .constants
            .iter()
            .map(|(name, value)| Ok((field(name)?, value.clone())))
            .collect::<Result<_, MappingError>>()?;
        let only: Vec<_> = self
            .only
            .iter()
            .map(|(heading, value)| Ok((column(heading)?, value.trim().to_lowercase())))
            .collect::<Result<_, MappingError>>()?;
        let fed = |field: &Field| constants.contains_key(field) || columns.iter().any(|(_, known)| known == field);
        if !columns.iter().any(|(_, field)| *field == Field::Name) {
            return Err(MappingError::NoName(all()));
        }
        for (field, key, needed, needed_key) in NEEDS {
            if fed(&field) && !fed(&needed) {
                return Err(MappingError::Alone(key, needed_key));
            }
        }
        let used =
            |at: usize| columns.iter().any(|(column, _)| *column == at) || only.iter().any(|(column, _)| *column == at);
        let ignored = |heading: &String| {
            super::guess::ADDED.contains(&heading.as_str())
                || self.ignore.iter().any(|h| super::cell::clean(h, false).0 == **heading)
        };
        let rest =
            header.iter().enumerate().filter(|(at, heading)| !used(*at) && !ignored(heading) && !heading.is_empty());
        let not_imported = rest.map(|(_, heading)| heading.clone()).collect();
        Ok(Bound { columns, constants, only, not_imported, dates: self.dates, answers: BTreeMap::new() })
    }
}

/// Fields that say something only beside another: a status' date has no place in a record without a status.
const NEEDS: [(Field, &str, Field, &str); 10] = [
    (Field::StatusDate, "status_date", Field::Status, "status"),
    (Field::StatusReason, "status_reason", Field::Status, "status"),
    (Field::BreakUntil, "break_until", Field::Status, "status"),
    (Field::AffiliatedTo, "affiliated_to", Field::Affiliation, "affiliation"),
    (Field::Checked, "checked", Field::CheckedHow, "checked_how"),
    (Field::Checked, "checked", Field::CheckedBy, "checked_by"),
    (Field::CheckedHow, "checked_how", Field::Checked, "checked"),
    (Field::CheckedBy, "checked_by", Field::Checked, "checked"),
    (Field::Latitude, "latitude", Field::Longitude, "longitude"),
    (Field::Longitude, "longitude", Field::Latitude, "latitude"),
];

fn unknown(name: &str) -> MappingError {
    let keys: Vec<_> = super::columns::columns().iter().map(|column| column.field.key()).collect();
    MappingError::UnknownField(name.to_owned(), keys.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Words<'static> {
        Words { find: &|_, _| None, label: &|_, _| None, labels: &|_| Vec::new() }
    }

    fn header(text: &str) -> Vec<String> {
        text.split('|').map(str::to_owned).collect()
    }

    #[test]
    fn a_mapping_is_strict_and_comes_back_as_it_was_saved() {
        let text = "list = \"L\"\ndates = \"month-first\"\nignore = [\"x\"]\n[only]\nR = \"East\"\n[columns]\nTitle = \"name\"\n[constants]\nmodes = \"In person\"\n";
        let mapping = Mapping::read(text).unwrap();
        assert_eq!(Mapping::read(&mapping.toml()).unwrap(), mapping);
        assert_eq!(Mapping::read("colums = 1").unwrap_err().code(), "mapping-unreadable");
        let bound = mapping.bind(&header("Title|R|x|Odd"), &words()).unwrap();
        assert_eq!(bound.columns, [(0, Field::Name)]);
        assert_eq!(bound.only, [(1, "east".to_owned())]);
        assert_eq!(bound.not_imported, ["Odd"]);
    }

    #[test]
    fn a_mapping_that_does_not_fit_is_refused() {
        let code = |text: &str, columns: &str| {
            Mapping::read(text).unwrap().bind(&header(columns), &words()).map_err(|error| error.code())
        };
        assert_eq!(code("[columns]\nTitle = \"name\"", "Name"), Err("mapping-missing-column"));
        assert_eq!(code("[columns]\nTitle = \"nmae\"", "Title"), Err("mapping-unknown-field"));
        assert_eq!(code("[columns]\nTitle = \"name\"", "Title|Title"), Err("mapping-two-columns"));
        assert_eq!(code("[columns]\na = \"name\"\nb = \"Group name\"", "a|b"), Err("mapping-two-feeds"));
        assert_eq!(code("[columns]\na = \"locality\"", "a"), Err("mapping-no-name"));
        assert_eq!(code("[columns]\na = \"name\"\nb = \"latitude\"", "a|b"), Err("mapping-alone"));
    }

    #[test]
    fn only_our_own_headings_are_guessed() {
        let guess =
            Mapping::guess(&header("GROUP NAME|E-mail|email2|Post code|Criterion: run by members|Notes"), &words());
        let expected = [
            ("GROUP NAME", "name"),
            ("E-mail", "email"),
            ("Post code", "postcode"),
            ("Criterion: run by members", "criterion.members-control"),
        ];
        let expected: BTreeMap<_, _> = expected.into_iter().map(|(a, b)| (a.to_owned(), b.to_owned())).collect();
        assert_eq!(guess.columns, expected);
    }
}
