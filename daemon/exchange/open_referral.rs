//! Open Referral UK 3.0 out: groups as services, in one page of the standard's own envelope, which its readers take as a file
//! and our own import reads again.
//!
//! Only what the standard has a place for, and only what everybody may know. An address needs a street, a town and a postcode
//! there; a group that has less, or whose place is protected, has none, never half of one. Ids within a service are made from
//! the service's own, so that the same groups give the same bytes.

use super::export::{ExportRow, shown};
use super::field::Words;
use super::language;
use super::recurrence::{Freq, Rule};
use crate::record::group::{CLOSED, Group, Meeting};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The package, and how many groups were left out because only their hub may know them.
pub fn package(rows: impl IntoIterator<Item = ExportRow>, words: &Words) -> (Value, usize) {
    let mut withheld = 0;
    let mut contents = Vec::new();
    for row in rows {
        match shown(&row.group) {
            Some(group) => contents.push(service(row.id, &group, words)),
            None => withheld += 1,
        }
    }
    let size = contents.len();
    let page = json!({
        "total_items": size, "total_pages": 1, "page_number": 1, "size": size, "first_page": true, "last_page": true,
        "empty": size == 0, "contents": contents,
    });
    (page, withheld)
}

/// An id for a part of a service: the same for the same part, and no other's.
fn part(service: Uuid, path: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(service.as_bytes());
    hash.update(path.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

/// An object without the members that say nothing.
fn object(members: Value) -> Value {
    let Value::Object(members) = members else { return members };
    let says = |value: &Value| match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        Value::String(text) => !text.is_empty(),
        _ => true,
    };
    Value::Object(members.into_iter().filter(|(_, value)| says(value)).collect::<Map<_, _>>())
}

fn service(id: Uuid, group: &Group, words: &Words) -> Value {
    let contact = group.contact.clone().unwrap_or_default();
    let ages = group.ages.clone().unwrap_or_default();
    let state = group.status.as_ref().map(|status| status.state.as_str());
    let status = match state {
        Some(CLOSED | "merged" | "became-something-else") => "defunct",
        Some("dormant" | "forming") => "inactive",
        Some("on-a-break") => "temporarily closed",
        _ => "active",
    };
    let reason = group.status.as_ref().and_then(|status| status.reason.clone());
    let body = group.affiliation.as_ref().and_then(|it| it.to.clone()).unwrap_or_else(|| group.name.clone());
    let schedules: Vec<Value> =
        group.meetings.iter().enumerate().map(|(at, meeting)| schedule(id, at, meeting, group)).collect();
    let languages = group.languages.iter().map(|code| {
        let name = language::name(code).unwrap_or(code);
        json!({"id": part(id, &format!("language/{code}")), "service_id": id, "code": code, "name": name})
    });
    let phones =
        contact.phone.iter().map(|number| json!({"id": part(id, "phone"), "service_id": id, "number": number}));
    let contacts = contact.phone.iter().map(|number| {
        json!({"id": part(id, "contact"), "service_id": id, "title": "The group",
               "phones": [{"id": part(id, "contact/phone"), "contact_id": part(id, "contact"), "number": number}]})
    });
    let axes = [("topics", &group.topics), ("communities", &group.communities), ("roles", &group.roles)];
    let terms = axes.into_iter().flat_map(|(vocabulary, terms)| terms.iter().map(move |term| (vocabulary, term)));
    let attributes = terms.map(|(vocabulary, term)| {
        let label = (words.label)(vocabulary, term).unwrap_or_else(|| term.clone());
        json!({"id": part(id, &format!("attribute/{vocabulary}/{term}")), "link_id": id, "link_type": vocabulary,
               "taxonomy_term_id": part(Uuid::nil(), &format!("{vocabulary}/{term}")),
               "taxonomy_term": {"id": part(Uuid::nil(), &format!("{vocabulary}/{term}")), "name": label,
                                 "description": label, "taxonomy": format!("mutuald {vocabulary}")}})
    });
    let organisation = object(json!({
        "id": part(id, "organization"), "name": body, "description": format!("Listed for the group {}.", group.name),
        "website": contact.url,
    }));
    object(json!({
        "id": id, "organization_id": part(id, "organization"), "name": group.name,
        "alternate_name": group.other_names.first(), "description": group.description, "url": contact.url,
        "email": contact.email, "status": status, "alert": reason, "fees": group.cost, "minimum_age": ages.min,
        "maximum_age": ages.max, "assured_date": group.assured.as_ref().map(|assured| assured.date.to_string()),
        "application_process": group.joining, "licenses": group.licence, "schedules": schedules,
        "languages": languages.collect::<Vec<_>>(), "phones": phones.collect::<Vec<_>>(),
        "contacts": contacts.collect::<Vec<_>>(), "attributes": attributes.collect::<Vec<_>>(),
        "service_at_locations": location(id, group).into_iter().collect::<Vec<_>>(), "organization": organisation,
    }))
}

/// A meeting. One whose words are not wholly understood keeps its words, and no rule that would say something else.
fn schedule(id: Uuid, at: usize, meeting: &Meeting, group: &Group) -> Value {
    let rule = meeting.rrule.as_deref().and_then(Rule::parse);
    let rule = rule.or_else(|| meeting.text.as_deref().and_then(Rule::from_words));
    let online = group.modes.iter().any(|mode| mode == "online-meeting");
    object(json!({
        "id": part(id, &format!("schedule/{at}")), "service_id": id,
        "freq": rule.as_ref().map(|rule| match rule.freq { Freq::Weekly => "WEEKLY", Freq::Monthly => "MONTHLY" }),
        "interval": rule.as_ref().map(|rule| rule.interval),
        "byday": rule.as_ref().map(Rule::by_day), "bymonthday": rule.as_ref().map(Rule::by_month_day),
        "description": meeting.text.clone().or_else(|| rule.as_ref().map(Rule::words)),
        "opens_at": meeting.start, "closes_at": meeting.end,
        "attending_type": if online { "online" } else { "physical" },
    }))
}

fn location(id: Uuid, group: &Group) -> Option<Value> {
    let place = group.place.clone().unwrap_or_default();
    let virtually =
        !group.modes.is_empty() && group.modes.iter().all(|mode| mode == "online-meeting" || mode == "telephone");
    let known =
        place.venue.is_some() || place.address.is_some() || place.postcode.is_some() || place.latitude.is_some();
    if !known && !virtually && place.locality.is_none() {
        return None;
    }
    let (here, at) = (part(id, "location"), part(id, "service-at-location"));
    let street = place.address.as_ref().or(place.venue.as_ref());
    let address = match (street, &place.locality, &place.postcode) {
        (Some(street), Some(town), Some(postcode)) if !virtually => Some(json!({
            "id": part(id, "address"), "location_id": here, "address_1": street, "city": town,
            // The standard demands it; what county or nation it is, nobody said.
            "state_province": "", "postal_code": postcode, "country": "GB", "address_type": "physical",
        })),
        _ => None,
    };
    let accessibility = group
        .access
        .iter()
        .map(|text| json!({"id": part(id, "accessibility"), "location_id": here, "description": text}));
    let location = object(json!({
        "id": here, "location_type": if virtually { "virtual" } else { "physical" },
        "name": place.venue.or(place.locality), "latitude": place.latitude, "longitude": place.longitude,
        "addresses": address.into_iter().collect::<Vec<_>>(), "accessibility": accessibility.collect::<Vec<_>>(),
    }));
    Some(json!({"id": at, "service_id": id, "location_id": here, "location": location}))
}
