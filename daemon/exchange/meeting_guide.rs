//! The Meeting Guide's JSON (code4recovery/spec): an array of meetings, one row each.
//!
//! `slug` is a meeting's only id and changes when somebody renames its page; rows are then known again by what they say. A
//! group that meets on two days is two meetings there and two rows here. Names of contacts are not read.

use super::feed::{Entry, FeedError, Page, Times, clock, items, plain, text};
use super::field::{Field, Words};
use super::recurrence::{Freq, Rule, day_name};
use serde_json::Value;

pub(super) fn page(value: &Value, words: &Words) -> Result<Page, FeedError> {
    let Value::Array(meetings) = value else {
        return Err(FeedError::Not("Meeting Guide", "it is no array of meetings"));
    };
    if meetings.iter().any(|meeting| !meeting.is_object()) {
        return Err(FeedError::Not("Meeting Guide", "an item is no meeting"));
    }
    let entries: Vec<Entry> = meetings.iter().map(|meeting| entry(meeting, words)).collect();
    Ok(Page { listed: entries.len() as u64, entries, ..Page::default() })
}

fn entry(meeting: &Value, words: &Words) -> Entry {
    let mut entry = Entry::new(text(meeting, "slug"));
    let of = |key: &str| text(meeting, key);
    let types: Vec<String> = items(meeting, "types").into_iter().map(plain).collect();
    let is = |code: &str| types.iter().any(|known| known == code);
    let attendance = of("attendance_option");
    let closed_there = is("TC") || attendance == "inactive";
    let online = is("ONL") || !of("conference_url").is_empty() || !of("conference_phone").is_empty();
    entry.set(Field::Name, of("name"));
    let about = [of("group_notes"), of("notes")];
    entry.set(Field::Description, about.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n"));
    let mode = match attendance.as_str() {
        "hybrid" => "hybrid",
        "online" => "online-meeting",
        "in_person" => "in-person",
        _ if online && closed_there => "online-meeting",
        _ if online => "hybrid",
        _ => "in-person",
    };
    entry.set(Field::Modes, mode);
    if closed_there && !online {
        entry.set(Field::Status, "on-a-break");
    }
    // A place where nobody meets for now must not send anybody there.
    if mode != "online-meeting" {
        let approximate = ["yes", "true", "1"].contains(&of("approximate").to_lowercase().as_str())
            || meeting.get("approximate") == Some(&Value::Bool(true));
        entry.set(Field::Venue, of("location"));
        let address = of("address");
        let whole = of("formatted_address");
        entry.set(Field::Address, if address.is_empty() { street(&whole) } else { address });
        entry.set(Field::Locality, of("city"));
        entry.set(Field::Postcode, of("postal_code"));
        if !approximate {
            entry.set(Field::Latitude, of("latitude"));
            entry.set(Field::Longitude, of("longitude"));
        }
        let access = [if is("X") { "Wheelchair access".to_owned() } else { String::new() }, of("location_notes")];
        entry.set(Field::Access, access.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n"));
    }
    let gender = match (is("W"), is("M")) {
        (true, false) => "women",
        (false, true) => "men",
        _ => "",
    };
    entry.set(Field::Gender, gender);
    entry.set(Field::Website, [of("website"), of("url")].into_iter().find(|url| !url.is_empty()).unwrap_or_default());
    entry.set(Field::Email, of("email"));
    entry.set(Field::Phone, of("phone"));
    entry.set(Field::Topics, super::feed::terms("topics", items(meeting, "topics").into_iter().map(plain), words));
    let mut times = Times::default();
    // Sunday is 0.
    let days: Vec<u8> = items(meeting, "day").into_iter().filter_map(|day| plain(day).parse::<u8>().ok()).collect();
    let days: Vec<u8> = days.into_iter().filter(|day| *day < 7).map(|day| (day + 6) % 7).collect();
    if !days.is_empty() {
        let rule = Rule {
            freq: Freq::Weekly,
            interval: 1,
            days: days.into_iter().filter(|day| day_name(*day).is_some()).map(|day| (0, day)).collect(),
            month_days: Vec::new(),
        };
        times.add(&rule.words(), clock(&of("time")), clock(&of("end_time")), rule.to_string());
    }
    times.put(&mut entry);
    entry
}

/// The street of a whole address: what stands before the first comma, unless that is all there is.
fn street(whole: &str) -> String {
    whole.split_once(',').map_or(String::new(), |(street, _)| street.trim().to_owned())
}
