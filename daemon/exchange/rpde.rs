//! OpenActive's Realtime Paged Data Exchange (RPDE): items that were updated or deleted, page after page.
//!
//! The end is a page without items whose `next` is its own address, and nothing else is (an empty page may have others after
//! it). A source deletes by saying so; what that means for the list is asked, like anything that goes missing. Leaders and
//! contributors are persons, and so may an organiser be: none of their names and numbers are read.

use super::feed::{Entry, FeedError, Page, Times, clock, items, plain, prose, terms, text};
use super::field::{Field, Words};
use super::recurrence::{Freq, Rule, day_word};
use serde_json::Value;
use url::Url;

pub(super) fn page(value: &Value, from: &Url, words: &Words) -> Result<Page, FeedError> {
    let Some(Value::Array(all)) = value.get("items") else { return Err(FeedError::Not("RPDE", "it has no items")) };
    let mut page = Page::default();
    for item in all {
        let id = text(item, "id");
        let state = text(item, "state");
        match (state.as_str(), item.get("data")) {
            _ if id.is_empty() => return Err(FeedError::Not("RPDE", "an item has no id")),
            ("deleted", _) => page.gone.push(id),
            ("updated", Some(data)) if data.is_object() => page.entries.push(entry(id, data, words)),
            _ => return Err(FeedError::Not("RPDE", "an item is neither updated, with data, nor deleted")),
        }
    }
    let next = text(value, "next");
    let address = from.join(&next).ok().filter(|_| !next.is_empty());
    let Some(address) = address else { return Err(FeedError::Next(next)) };
    let ends = all.is_empty() && address == *from;
    if !ends && address.origin() != from.origin() && from.host_str() != Some("file.invalid") {
        return Err(FeedError::Next(next));
    }
    if !ends && address == *from {
        return Err(FeedError::Not("RPDE", "a page with items names itself as the next"));
    }
    page.next = (!ends).then_some(address);
    Ok(page)
}

fn entry(id: String, data: &Value, words: &Words) -> Entry {
    let mut entry = Entry::new(id);
    let none = Value::Null;
    // A single session says what it is through the series it belongs to.
    let series = data.get("superEvent").filter(|it| it.is_object()).unwrap_or(&none);
    let of = |key: &str| Some(text(data, key)).filter(|it| !it.is_empty()).unwrap_or_else(|| text(series, key));
    let part = |key: &str| data.get(key).filter(|it| it.is_object()).or_else(|| series.get(key)).unwrap_or(&none);
    entry.set(Field::Name, of("name"));
    entry.set(Field::Description, prose(&of("description")));
    entry.set(Field::Website, of("url"));
    let place = part("location");
    let address = place.get("address").unwrap_or(&none);
    entry.set(Field::Venue, text(place, "name"));
    if address.is_object() {
        entry.set(Field::Address, text(address, "streetAddress"));
        entry.set(Field::Locality, text(address, "addressLocality"));
        entry.set(Field::Postcode, text(address, "postalCode"));
    }
    let geo = place.get("geo").unwrap_or(&none);
    entry.set(Field::Latitude, text(geo, "latitude"));
    entry.set(Field::Longitude, text(geo, "longitude"));
    let organiser = part("organizer");
    if text(organiser, "@type").ends_with("Organization") || text(organiser, "type").ends_with("Organization") {
        entry.set(Field::Email, text(organiser, "email"));
        entry.set(Field::Phone, text(organiser, "telephone"));
    }
    let activities = items(data, "activity").into_iter().chain(items(data, "category"));
    let label = |it: &Value| if it.is_object() { text(it, "prefLabel") } else { plain(it) };
    entry.set(Field::Topics, terms("topics", activities.map(label), words));
    let ages = part("ageRange");
    entry.set(Field::Youngest, text(ages, "minValue"));
    entry.set(Field::Oldest, text(ages, "maxValue"));
    let gender = of("genderRestriction");
    entry.set(
        Field::Gender,
        match gender.rsplit(['/', '#']).next() {
            Some("FemaleOnly") => "women",
            Some("MaleOnly") => "men",
            _ => "",
        },
    );
    entry.set(Field::Access, of("accessibilityInformation"));
    if data.get("isAccessibleForFree") == Some(&Value::Bool(true)) {
        entry.set(Field::Cost, "Free");
    } else {
        let offers = items(data, "offers").into_iter().filter_map(|offer| {
            let (name, price) = (text(offer, "name"), text(offer, "price"));
            (!price.is_empty()).then(|| format!("{name} £{price}").trim().to_owned())
        });
        entry.set(Field::Cost, offers.take(5).collect::<Vec<_>>().join(", "));
    }
    if of("eventAttendanceMode").ends_with("OnlineEventAttendanceMode") {
        entry.set(Field::Modes, "online-meeting");
    } else if of("eventAttendanceMode").ends_with("MixedEventAttendanceMode") {
        entry.set(Field::Modes, "hybrid");
    } else if place.is_object() {
        entry.set(Field::Modes, "in-person");
    }
    let mut times = Times::default();
    for schedule in items(data, "eventSchedule").into_iter().filter(|it| it.is_object()).take(10) {
        let rule = rule(schedule);
        let words = rule.as_ref().map(Rule::words).unwrap_or_default();
        let text_of = |key: &str| clock(&text(schedule, key));
        times.add(&words, text_of("startTime"), text_of("endTime"), rule.map(|it| it.to_string()).unwrap_or_default());
    }
    times.put(&mut entry);
    entry
}

/// A schema.org Schedule as a recurrence; `None` for those that groups do not use.
fn rule(schedule: &Value) -> Option<Rule> {
    let day = |it: &Value| {
        let text = plain(it);
        let name = text.rsplit(['/', '#', ':']).next().unwrap_or_default().to_owned();
        Rule::parse(&format!("FREQ=MONTHLY;BYDAY={name}"))
            .and_then(|rule| rule.days.first().copied())
            .or_else(|| Some((0, day_word(&name)?)))
    };
    let days: Vec<(i8, u8)> = items(schedule, "byDay").into_iter().filter_map(day).collect();
    let month_days: Vec<i8> =
        items(schedule, "byMonthDay").into_iter().filter_map(|it| plain(it).parse().ok()).collect();
    let every = text(schedule, "repeatFrequency");
    let (number, unit) = every.strip_prefix('P').and_then(|it| it.split_at_checked(it.len().checked_sub(1)?))?;
    let interval = number.parse().ok().filter(|n| (1..=99).contains(n))?;
    let freq = match unit {
        "W" => Freq::Weekly,
        "M" => Freq::Monthly,
        _ => return None,
    };
    let rule = Rule { freq, interval, days, month_days };
    (!(rule.days.is_empty() && rule.month_days.is_empty())).then_some(rule)
}
