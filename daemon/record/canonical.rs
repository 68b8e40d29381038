//! One value, one spelling: ids, days and times are read in their one canonical form (`schema/README.md`).
//!
//! The libraries below are kinder: they take a UUID in capitals or braces, a day without hyphens or with an hour behind it.
//! Another reader need not, and then two hubs would merge the same signed words differently.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Deserializer, de::Error};
use std::borrow::Cow;
use uuid::Uuid;

/// Reads a UUID in its one lower-case hyphenated form.
pub fn uuid(text: &str) -> Option<Uuid> {
    let id = Uuid::try_parse(text).ok()?;
    let mut buffer = Uuid::encode_buffer();
    (*id.hyphenated().encode_lower(&mut buffer) == *text).then_some(id)
}

/// Reads a time in its one form, `YYYY-MM-DDTHH:MM:SSZ`.
pub fn time(text: &str) -> Option<Timestamp> {
    let at: Timestamp = text.parse().ok()?;
    (text.len() == 20 && at.to_string() == text).then_some(at)
}

/// Reads a day in its one form, `YYYY-MM-DD`.
pub fn date(text: &str) -> Option<Date> {
    let date: Date = text.parse().ok()?;
    (text.len() == 10 && date.to_string() == text).then_some(date)
}

fn one<'de, D: Deserializer<'de>, T>(from: D, read: fn(&str) -> Option<T>, form: &str) -> Result<T, D::Error> {
    let text = Cow::<str>::deserialize(from)?;
    read(&text).ok_or_else(|| D::Error::custom(format!("expected {form}")))
}

fn some<'de, D: Deserializer<'de>, T>(from: D, read: fn(&str) -> Option<T>, form: &str) -> Result<Option<T>, D::Error> {
    let Some(text) = Option::<Cow<str>>::deserialize(from)? else { return Ok(None) };
    read(&text).map(Some).ok_or_else(|| D::Error::custom(format!("expected {form}")))
}

/// For `#[serde(deserialize_with)]`: a day.
///
/// # Errors
/// Another form.
pub fn a_date<'de, D: Deserializer<'de>>(from: D) -> Result<Date, D::Error> {
    one(from, date, "YYYY-MM-DD")
}

/// For `#[serde(deserialize_with)]`: a day, or none.
///
/// # Errors
/// Another form.
pub fn some_date<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Date>, D::Error> {
    some(from, date, "YYYY-MM-DD")
}

/// For `#[serde(deserialize_with)]`: a time.
///
/// # Errors
/// Another form.
pub fn a_time<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
    one(from, time, "YYYY-MM-DDTHH:MM:SSZ")
}

/// For `#[serde(deserialize_with)]`: a UUID.
///
/// # Errors
/// Another form.
pub fn a_uuid<'de, D: Deserializer<'de>>(from: D) -> Result<Uuid, D::Error> {
    one(from, uuid, "a lower-case UUID")
}

/// For `#[serde(deserialize_with)]`: a UUID, or none.
///
/// # Errors
/// Another form.
pub fn some_uuid<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Uuid>, D::Error> {
    some(from, uuid, "a lower-case UUID")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_has_one_spelling() {
        const ID: &str = "3a9afa8c-9841-4d2f-9e7a-e061aed1ef68";
        assert_eq!(uuid(ID).map(|id| id.to_string()).as_deref(), Some(ID));
        let (upper, plain) = (ID.to_uppercase(), ID.replace('-', ""));
        for wrong in [&upper, &plain, &format!("{{{ID}}}"), &format!("urn:uuid:{ID}"), &format!("{ID} ")] {
            assert_eq!(uuid(wrong), None, "{wrong}");
        }
        assert!(date("2024-02-29").is_some() && date("0001-01-01").is_some());
        for wrong in [
            "20240229",
            "2024-2-29",
            "2024-02-30",
            "2024-02-29T10:00",
            "2024-02-29 ",
            "+002024-02-29",
            "-000001-01-01",
            "2024-W09-4",
            "2024-060",
            "2024-02-29[Europe/London]",
            "2024-02",
            "",
        ] {
            assert_eq!(date(wrong), None, "{wrong}");
        }
        assert!(time("2026-08-05T15:04:00Z").is_some());
        for wrong in [
            "2026-08-05T15:04Z",
            "2026-08-05T15:04:00+00:00",
            "2026-08-05t15:04:00z",
            "2026-08-05 15:04:00Z",
            "2026-08-05T15:04:00.0Z",
            "20260805T150400Z",
            "2026-08-05T15:04:60Z",
            "2026-08-05T15:04:00",
            "2026-08-05T24:00:00Z",
        ] {
            assert_eq!(time(wrong), None, "{wrong}");
        }
    }
}
