//! A merged group in words: who says what, when it was checked, why this value and no other. Pure.

use super::group::Reading;
use super::view::{Checked, Field, GroupPage, Hit, Member, Other, Said, Seen, Standing, Value};
use crate::record::statement::{HubId, RecordRef};
use crate::record::{group, safety::asks_care, vocabulary};
use crate::registry::merged::{Open, Resolved, Rule};
use crate::registry::sighting;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// Hub ids to names, for words.
pub type Names = BTreeMap<HubId, String>;

/// Labels of a page's fields, in its order. Name, topics, contact and description stand elsewhere on it.
const FIELDS: [(&str, &str); 19] = [
    ("place", "Where"),
    ("meetings", "When"),
    ("modes", "How it meets"),
    ("communities", "Who it is for"),
    ("roles", "Who comes"),
    ("gender", "Gender"),
    ("ages", "Ages"),
    ("languages", "Languages"),
    ("newcomers", "Newcomers"),
    ("joining", "How to join"),
    ("cost", "Cost"),
    ("access", "Access"),
    ("founded", "Founded"),
    ("status", "State"),
    ("affiliation", "Affiliation"),
    ("charity", "Charity number"),
    ("sponsorship", "Sponsors"),
    ("orientation", "Aims"),
    ("criteria", "How it is run"),
];

/// Letters of a group's own words shown among search results.
const SNIPPET: usize = 200;

/// A group among search results; `words` are what was searched for, in lower case.
pub fn hit(read: &Reading, names: &Names, words: &[String]) -> Hit {
    let merged = &read.merged;
    Hit {
        id: merged.id.rec,
        name: merged.name().to_owned(),
        place: merged.value("place").and_then(short_place),
        topics: labels("topics", merged.value("topics")),
        modes: labels("modes", merged.value("modes")),
        checked: checked(read, names),
        standing: standing(merged.value("status")),
        hubs: read.hubs() as u32,
        disagree: !merged.conflicts.is_empty(),
        snippet: text(merged.value("description")).map(|text| snippet(&text, words)),
        distance: None,
    }
}

/// Some of a text, from the sentence on in which one of the words stands first.
fn snippet(text: &str, words: &[String]) -> String {
    let lower = text.to_lowercase();
    // Lower case can be longer than the text in rare scripts; then there is no telling where, and the text begins.
    let same = lower.len() == text.len();
    let found = words.iter().filter(|word| word.len() > 2).filter_map(|word| lower.find(word.as_str())).min();
    let start = found
        .filter(|_| same)
        .and_then(|at| text.get(..at))
        .and_then(|before| before.rfind(". "))
        .map_or(0, |at| at + 2);
    let rest = text.get(start..).unwrap_or(text);
    let Some((cut, _)) = rest.char_indices().nth(SNIPPET) else { return rest.to_owned() };
    let end = rest[..cut].rfind(' ').unwrap_or(cut);
    format!("{}…", &rest[..end])
}

/// A group's page. `decisions` are filled in by the caller, who knows them.
pub fn page(read: &Reading, names: &Names) -> GroupPage {
    let merged = &read.merged;
    let place = merged.value("place");
    let degrees = |member: &str| place.and_then(|place| place.get(member)).and_then(Json::as_f64);
    let topics = merged.value("topics").and_then(Json::as_array);
    GroupPage {
        id: merged.id.rec,
        name: merged.name().to_owned(),
        other_names: strings(merged.value("other_names")),
        topics: topics
            .into_iter()
            .flatten()
            .filter_map(Json::as_str)
            .map(|id| (label("topics", id), id.to_owned()))
            .collect(),
        standing: standing(merged.value("status")),
        checked: checked(read, names),
        safety: (merged.safety != crate::registry::rules::OPEN)
            .then(|| "Where this group meets is protected. Please do not pass on what you know of it.".to_owned()),
        care: care(read),
        description: text(merged.value("description")),
        contact: field(read, names, "contact", "Contact"),
        fields: FIELDS
            .iter()
            .filter_map(|(unit, label)| field(read, names, unit, label))
            .chain(["name", "description", "topics"].iter().filter_map(|unit| {
                // Shown at the top; here only what hubs say instead.
                let title = ["Name", "In its own words", "Topics"]
                    [["name", "description", "topics"].iter().position(|u| u == unit)?];
                field(read, names, unit, title).filter(|field| !field.others.is_empty())
            }))
            .collect(),
        position: degrees("latitude").zip(degrees("longitude")),
        postcode: text(place.and_then(|place| place.get("postcode"))),
        about: None,
        members: read.members.keys().map(|record| member(read, names, record)).collect(),
        seen: seen(read, names),
        decisions: Vec::new(),
    }
}

/// Whether its name, topics or words are of the kind for which a place may have to be protected.
fn care(read: &Reading) -> bool {
    let merged = &read.merged;
    let topics = strings(merged.value("topics")).join(" ").replace('-', " ");
    let words = text(merged.value("description")).unwrap_or_default();
    let names = strings(merged.value("other_names")).join(" ");
    asks_care(&format!("{} {names} {topics} {words}", merged.name())).is_some()
}

fn member(read: &Reading, names: &Names, record: &RecordRef) -> Member {
    let said = said(read, names, record);
    let copy = read.merged.copies.contains(record);
    let awaited = read.members.get(record).is_some_and(|(row, _)| row.state.awaited.is_some());
    Member { hub: said.hub, list: said.list, record: record.rec, checked: said.checked, copy, awaited }
}

/// Who saw a group at first hand, where that is not plain from whose records there are.
fn seen(read: &Reading, names: &Names) -> Vec<Seen> {
    let observer = |text: &str| text.parse().map_or_else(|_| text.to_owned(), |hub| name(names, &hub));
    if read.members.values().all(|(_, group)| group.sightings.is_empty()) {
        return Vec::new();
    }
    let all = sighting::seen(read.members.iter().map(|(record, (_, group))| (*record, group, None)));
    all.iter()
        .map(|seen| Seen {
            by: observer(&seen.observed_by),
            via: seen.via.iter().rev().map(|hub| observer(hub)).collect(),
        })
        .collect()
}

/// One field of the page; `None` when nobody states it.
pub fn field(read: &Reading, names: &Names, unit: &str, label: &str) -> Option<Field> {
    let resolved = read.merged.values.get(&crate::registry::Unit::of(unit)?)?;
    let who = |records: &[RecordRef]| records.iter().map(|record| said(read, names, record)).collect::<Vec<_>>();
    let others: Vec<Other> = resolved
        .others
        .iter()
        .map(|other| Other { value: values(unit, &other.value), said: who(&other.from) })
        .collect();
    Some(Field {
        label: label.to_owned(),
        value: values(unit, &resolved.value),
        said: who(&resolved.from),
        rule: (!others.is_empty()).then(|| rule(resolved, names)),
        others,
        disagree: matches!(resolved.open, Some(Open::Conflict | Open::Moved)),
    })
}

fn rule(resolved: &Resolved, names: &Names) -> String {
    let who = resolved.chosen.map(|chosen| name(names, &chosen.by));
    match (resolved.open, who) {
        (Some(Open::Unresolved), Some(who)) => format!("{who} looked and could not settle it"),
        (Some(Open::Moved), Some(who)) if resolved.rule == Rule::Chosen => {
            format!("chosen by a person at {who}; something else was said since, and it should be looked at again")
        }
        (Some(Open::Moved), Some(who)) => format!("{who} chose once, but what it chose has changed since"),
        (_, Some(who)) => format!("chosen by a person at {who}"),
        _ => resolved.rule.words().to_owned(),
    }
}

fn name(names: &Names, hub: &HubId) -> String {
    names.get(hub).cloned().unwrap_or_else(|| hub.to_string())
}

fn said(read: &Reading, names: &Names, record: &RecordRef) -> Said {
    let hub = name(names, &record.hub);
    let list = read.lists.get(record).map_or_else(String::new, |list| list.title.clone());
    let checked = read.members.get(record).and_then(|(row, group)| {
        let assured = row.state.assured.as_ref().or(group.assured.as_ref())?;
        Some(check(assured, &hub))
    });
    Said { hub, list, checked }
}

fn check(assured: &group::Assured, by: &str) -> Checked {
    Checked {
        date: assured.date,
        by: by.to_owned(),
        with_group: assured.by == "group",
        how: label("assurance-methods", &assured.method),
    }
}

/// The newest check that can be true, with the hub that states it.
fn checked(read: &Reading, names: &Names) -> Option<Checked> {
    let assured = read.merged.assured.as_ref()?;
    let states = |(row, group): &&(super::record::RecordRow, group::Group)| {
        let own = row.state.assured.as_ref().or(group.assured.as_ref());
        own.is_some_and(|own| own.method == assured.method && own.by == assured.by && own.date >= assured.date)
    };
    let hub = read.members.iter().find(|(_, member)| states(member)).map(|(record, _)| name(names, &record.hub));
    Some(check(assured, &hub.unwrap_or_default()))
}

/// Where in its life a group is, unless it runs as usual.
pub fn standing(status: Option<&Json>) -> Option<Standing> {
    let status = status?;
    let state = status.get("state")?.as_str()?;
    if state == "active" || state.is_empty() {
        return None;
    }
    let date = |member: &str| status.get(member).and_then(Json::as_str).and_then(|text| text.parse().ok());
    Some(Standing {
        label: label("statuses", state),
        closed: state == group::CLOSED,
        since: date("date"),
        until: date("until"),
        reason: text(status.get("reason")),
    })
}

/// A term's label; of a term newer than this program, its id in words.
pub fn label(vocabulary: &str, id: &str) -> String {
    let known = vocabulary::named(vocabulary).and_then(|vocabulary| vocabulary.get(id));
    known.map_or_else(|| id.replace(['-', '_'], " "), |term| term.label.clone())
}

fn labels(vocabulary: &str, value: Option<&Json>) -> Vec<String> {
    strings(value).iter().map(|id| label(vocabulary, id)).collect()
}

fn strings(value: Option<&Json>) -> Vec<String> {
    let items = value.and_then(Json::as_array).into_iter().flatten();
    items.filter_map(Json::as_str).map(str::to_owned).collect()
}

fn text(value: Option<&Json>) -> Option<String> {
    value.and_then(Json::as_str).map(str::to_owned).filter(|text| !text.is_empty())
}

fn short_place(place: &Json) -> Option<String> {
    let parts: Vec<&str> =
        ["locality", "postcode"].iter().filter_map(|member| place.get(member).and_then(Json::as_str)).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// A unit's value as people read it.
pub fn values(unit: &str, value: &Json) -> Vec<Value> {
    let of = |vocabulary: &str| labels(vocabulary, Some(value)).into_iter().map(Value::Text).collect();
    let one = |text: String| vec![Value::Text(text)];
    let member = |name: &str| text(value.get(name));
    match unit {
        "topics" | "communities" | "roles" | "modes" => of(unit),
        "gender" => one(label("genders", value.as_str().unwrap_or_default())),
        "languages" | "other_names" => strings(Some(value)).into_iter().map(Value::Text).collect(),
        "place" => {
            let kind =
                member("venue_kind").map(|kind| label("venue-kinds", &kind)).filter(|_| member("venue").is_none());
            let parts = [member("venue"), kind, member("address"), member("locality"), member("postcode")];
            let line = parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
            let wider = member("catchment").map(|catchment| format!("People come from {catchment}"));
            [Some(line).filter(|line| !line.is_empty()), wider].into_iter().flatten().map(Value::Text).collect()
        }
        "meetings" => value.as_array().into_iter().flatten().map(|meeting| Value::Text(when(meeting))).collect(),
        "contact" => {
            let phone = member("phone").map(Value::Phone);
            [phone, member("email").map(Value::Email), member("url").map(Value::Web)].into_iter().flatten().collect()
        }
        "ages" => {
            let age = |name: &str| value.get(name).and_then(Json::as_u64);
            one(match (age("min"), age("max")) {
                (Some(min), Some(max)) => format!("{min} to {max}"),
                (Some(min), None) => format!("{min} and over"),
                (None, Some(max)) => format!("up to {max}"),
                (None, None) => "all".into(),
            })
        }
        "newcomers" => one(if value.as_bool() == Some(false) { "Not at the moment" } else { "Welcome" }.into()),
        "status" => {
            let state = label("statuses", &member("state").unwrap_or_default());
            let since = member("date").map(|date| format!("since {date}"));
            let until = member("until").map(|date| format!("until {date}"));
            one([Some(state), since, until, member("reason")].into_iter().flatten().collect::<Vec<_>>().join(", "))
        }
        "affiliation" => {
            let kind = label("affiliations", &member("kind").unwrap_or_default());
            one(member("to").map_or(kind.clone(), |to| format!("{kind}: {to}")))
        }
        "criteria" => value
            .as_object()
            .into_iter()
            .flatten()
            .map(|(id, criterion)| {
                let met = criterion.get("value").and_then(Json::as_str).unwrap_or("unknown").replace('_', " ");
                Value::Text(format!("{}: {met}", label("criteria", id)))
            })
            .collect(),
        _ => one(value.as_str().map_or_else(|| value.to_string(), str::to_owned)),
    }
}

fn when(meeting: &Json) -> String {
    let member = |name: &str| text(meeting.get(name));
    let hours = match (member("start"), member("end")) {
        (Some(start), Some(end)) => Some(format!("{start} to {end}")),
        (start, end) => start.or(end),
    };
    let words = member("text").or_else(|| member("rrule"));
    [words, hours].into_iter().flatten().collect::<Vec<_>>().join(", ")
}
