//! Open Referral UK in: services of versions 1.0 and 3.0, from a file or page by page.
//!
//! A list of services may hold summaries only; then each service is asked for by itself. A service at several places is one
//! row for each. Of contacts only numbers are read that stand for the service; their names are persons'.

use super::feed::{Entry, FeedError, Page, Times, clock, items, plain, prose, terms, text};
use super::field::{Field, Words};
use super::recurrence::Rule;
use serde_json::Value;
use url::Url;

/// Services asked for in one page.
const PER_PAGE: &str = "100";

/// The first page of services below the address of an API; an address that ends in `services` already is taken as it is.
pub(super) fn first(address: &Url) -> Url {
    let mut url = address.clone();
    let path = url.path().trim_end_matches('/').to_owned();
    if !path.ends_with("/services") && !path.ends_with(".json") && url.query().is_none() {
        url.set_path(&format!("{path}/services"));
        url.query_pairs_mut().append_pair("page", "1").append_pair("per_page", PER_PAGE);
    }
    url
}

pub(super) fn page(value: &Value, from: &Url, words: &Words) -> Result<Page, FeedError> {
    let not = |why| FeedError::Not("Open Referral UK", why);
    let services: Vec<&Value> = match value {
        Value::Array(all) => all.iter().collect(),
        Value::Object(_) => match value.get("contents").or_else(|| value.get("content")) {
            Some(Value::Array(all)) => all.iter().collect(),
            Some(_) => return Err(not("its contents are no list")),
            None if value.get("id").is_some() && value.get("name").is_some() => vec![value],
            None => return Err(not("it has neither contents nor a service")),
        },
        _ => return Err(not("it is no object")),
    };
    if services.iter().any(|service| text(service, "id").is_empty()) {
        return Err(not("a service has no id"));
    }
    let number = |names: [&str; 2]| names.iter().find_map(|name| text(value, name).parse::<u64>().ok());
    let page_number = number(["page_number", "number"]);
    let pages = number(["total_pages", "totalPages"]);
    let mut page = Page { total: number(["total_items", "totalElements"]), ..Page::default() };
    page.listed = services.len() as u64;
    for service in services {
        entries(service, from, words, &mut page.entries);
    }
    let last = ["last_page", "last"].iter().any(|name| value.get(*name) == Some(&Value::Bool(true)));
    if let (Some(number), Some(pages), false) = (page_number, pages, last)
        && number < pages
    {
        let mut next = from.clone();
        let kept: Vec<(String, String)> = from
            .query_pairs()
            .filter(|(key, _)| key != "page")
            .map(|(k, v)| (k.into_owned(), v.into_owned()))
            .collect();
        next.query_pairs_mut().clear().extend_pairs(kept).append_pair("page", &(number + 1).to_string());
        page.next = Some(next);
    }
    Ok(page)
}

/// The address of one service, beside the list that named it.
fn whole(from: &Url, id: &str) -> Option<String> {
    let mut url = from.clone();
    url.set_query(None);
    url.path_segments_mut().ok()?.pop_if_empty().push(id);
    Some(url.into())
}

fn entries(service: &Value, from: &Url, words: &Words, out: &mut Vec<Entry>) {
    let id = text(service, "id");
    let mut base = Entry::new(id.clone());
    let has = |key: &str| service.get(key).is_some();
    let full =
        ["service_at_locations", "schedules", "regular_schedules", "contacts", "phones"].iter().any(|key| has(key));
    if !full && from.path().trim_end_matches('/').ends_with("/services") {
        base.more = whole(from, &id);
    }
    let none = Value::Null;
    let organisation = service.get("organization").filter(|it| it.is_object()).unwrap_or(&none);
    base.set(Field::Name, text(service, "name"));
    base.set(Field::Description, prose(&text(service, "description")));
    let urls = [text(service, "url"), text(organisation, "website"), text(organisation, "url")];
    base.set(Field::Website, urls.into_iter().find(|url| !url.is_empty()).unwrap_or_default());
    base.set(Field::Email, text(service, "email"));
    let status = match text(service, "status").to_lowercase().as_str() {
        "inactive" => "dormant",
        "defunct" => "closed",
        "temporarily closed" => "on-a-break",
        _ => "",
    };
    base.set(Field::Status, status);
    let of_contacts = items(service, "contacts").into_iter().flat_map(|contact| items(contact, "phones"));
    let mut phones = items(service, "phones").into_iter().chain(of_contacts).map(|phone| text(phone, "number"));
    base.set(Field::Phone, phones.find(|number| super::cell::phone(number).is_ok()).unwrap_or_default());
    let eligibility = items(service, "eligibilitys").into_iter().next().unwrap_or(&none);
    let age = |key: &str| {
        let texts = [text(service, key), text(eligibility, key)];
        let text = texts.into_iter().find(|text| !text.is_empty() && text != "0").unwrap_or_default();
        text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
    };
    base.set(Field::Youngest, age("minimum_age"));
    base.set(Field::Oldest, age("maximum_age"));
    let language =
        |it: &Value| [text(it, "language"), text(it, "code"), text(it, "name")].into_iter().find(|l| !l.is_empty());
    base.set(
        Field::Languages,
        items(service, "languages").into_iter().filter_map(language).collect::<Vec<_>>().join("; "),
    );
    base.set(Field::Cost, cost(service));
    let of_attributes = items(service, "attributes").into_iter().filter_map(|it| it.get("taxonomy_term"));
    let of_taxonomies = items(service, "service_taxonomys").into_iter().filter_map(|it| it.get("taxonomy"));
    let names = of_attributes.chain(of_taxonomies).map(|term| text(term, "name"));
    base.set(Field::Topics, terms("topics", names, words));
    let schedules: Vec<&Value> =
        items(service, "schedules").into_iter().chain(items(service, "regular_schedules")).collect();
    let places = items(service, "service_at_locations");
    if places.len() < 2 {
        let place = places.first().copied().unwrap_or(&none);
        located(&mut base, place);
        timed(&mut base, schedules, place);
        out.push(base);
        return;
    }
    for place in places {
        let mut entry = base.clone();
        let own = Some(text(place, "id")).filter(|own| !own.is_empty()).unwrap_or_else(|| id.clone());
        entry.id.clone_from(&own);
        entry.set(Field::SourceId, own);
        located(&mut entry, place);
        timed(&mut entry, schedules.clone(), place);
        out.push(entry);
    }
}

fn cost(service: &Value) -> String {
    let fees = text(service, "fees");
    if !fees.is_empty() {
        return fees;
    }
    let options = items(service, "cost_options").into_iter().filter_map(|option| {
        let (name, amount, words) =
            (text(option, "option"), text(option, "amount"), text(option, "amount_description"));
        let amount = match amount.parse::<f64>() {
            Ok(0.0) => "free".to_owned(),
            Ok(amount) => format!("£{amount:.2}"),
            Err(_) => String::new(),
        };
        let all: Vec<String> = [name, amount, words].into_iter().filter(|text| !text.is_empty()).collect();
        (!all.is_empty()).then(|| all.join(" "))
    });
    options.collect::<Vec<_>>().join(", ")
}

/// Where, from a service at a location.
fn located(entry: &mut Entry, place: &Value) {
    let Some(location) = place.get("location").filter(|it| it.is_object()) else { return };
    entry.set(Field::Modes, if text(location, "location_type") == "virtual" { "online-meeting" } else { "in-person" });
    entry.set(Field::Venue, text(location, "name"));
    entry.set(Field::Latitude, text(location, "latitude"));
    entry.set(Field::Longitude, text(location, "longitude"));
    let addresses = items(location, "addresses").into_iter().chain(items(location, "physical_addresses"));
    if let Some(address) = addresses.into_iter().find(|it| text(it, "address_type") != "postal") {
        entry.set(Field::Address, text(address, "address_1"));
        entry.set(Field::Locality, text(address, "city"));
        entry.set(Field::Postcode, text(address, "postal_code"));
    }
    let access = items(location, "accessibility").into_iter().chain(items(location, "accessibility_for_disabilities"));
    let access: Vec<String> = access
        .map(|it| [text(it, "description"), text(it, "accessibility"), plain(it)].into_iter().find(|t| !t.is_empty()))
        .map(Option::unwrap_or_default)
        .filter(|text| !text.is_empty())
        .collect();
    entry.set(Field::Access, access.join("\n"));
}

/// When: what the service says, and what its place says.
fn timed(entry: &mut Entry, schedules: Vec<&Value>, place: &Value) {
    let there = items(place, "schedules").into_iter().chain(items(place, "regular_schedule"));
    let mut times = Times::default();
    for schedule in schedules.into_iter().chain(there).take(14) {
        let freq = text(schedule, "freq").to_uppercase();
        let mut rule = format!("FREQ={freq}");
        for (key, name) in [("interval", "INTERVAL"), ("byday", "BYDAY"), ("bymonthday", "BYMONTHDAY")] {
            let value = text(schedule, key).to_uppercase().replace(' ', "");
            let value = value.strip_suffix(".0").unwrap_or(&value);
            if !value.is_empty() && value != "0" && !(key == "interval" && value == "1") {
                rule.push_str(&format!(";{name}={value}"));
            }
        }
        let rule = Rule::parse(&rule);
        let said = text(schedule, "description");
        let words = if said.is_empty() { rule.as_ref().map(Rule::words).unwrap_or_default() } else { said };
        let (start, end) = (clock(&text(schedule, "opens_at")), clock(&text(schedule, "closes_at")));
        let rule = rule.map(|rule| rule.to_string()).unwrap_or_default();
        if [&words, &start, &end, &rule].iter().any(|text| !text.is_empty()) {
            times.add(&words, start, end, rule);
        }
    }
    times.put(entry);
}
