//! One group: what is known, who says so, and when it was last checked.

use super::words::{self, day, number_word, paragraphs};
use super::{Around, Part};
use crate::web::query::address;
use crate::web::view::{Field, GroupPage, Said, Site, Terms, Value};
use maud::{Markup, html};
use std::collections::BTreeSet;

/// A group's page.
pub fn group(site: &Site, page: &GroupPage) -> Markup {
    // A title stands in histories, tabs and bookmarks, where whoever uses the same computer reads it.
    let title = if page.care { "A group" } else { page.name.as_str() };
    let around = Around { site, part: Part::None, title, exit: true };
    // Where one record says everything, saying so once is enough.
    let all: BTreeSet<&str> = page.members.iter().map(|member| member.hub.as_str()).collect();
    let many = (page.members.len() > 1).then_some(&all);
    around.page(html! {
        p.back { a href="/search" { "‹ Find a group" } }
        @if page.care {
            p.meta {
                "If somebody must not know that you looked, " a href="/about#private" { "read how to keep this private" }
                @if !site.exit.is_empty() { ". “Leave this page quickly” opens an everyday page at once" } "."
            }
        }
        h1 { (page.name) }
        @if !page.other_names.is_empty() {
            p.names { "Also known as " (page.other_names.join(", ")) }
        }
        @if let Some(standing) = &page.standing {
            .banner.closed[standing.closed] {
                p {
                    (words::standing(standing))
                    @if standing.closed { ". The entry is kept so that people who look for the group know." }
                }
                @if let Some(reason) = &standing.reason { p { (reason) } }
            }
        }
        p.checked.unchecked[page.checked.is_none()] {
            (words::checked(page.checked.as_ref()))
            @if page.checked.is_none() { ". Details may be out of date: ask before you go." }
        }
        @if let Some(safety) = &page.safety {
            .banner.safety { p { strong { "Please take care. " } (safety) } }
        }
        @if let Some(description) = &page.description { p.description { (paragraphs(description)) } }
        @if !page.topics.is_empty() {
            ul.labels aria-label="Topics" {
                @for (label, id) in &page.topics {
                    li { a href=(address(&Terms { topic: Some(id.clone()), ..Terms::default() })) { (label) } }
                }
            }
        }
        @if let Some(contact) = &page.contact {
            section.contact aria-labelledby="contact" {
                h2 #contact { "Get in touch" }
                (values(&contact.value))
                (sources(contact, many))
            }
        }
        @if !page.fields.is_empty() || page.position.is_some() || page.about.is_some() {
            section aria-labelledby="details" {
                h2 #details { "Details" }
                dl.facts {
                    @for field in &page.fields {
                        div class=[field.disagree.then_some("open")] {
                            dt { (field.label) }
                            dd { (values(&field.value)) (sources(field, many)) }
                        }
                    }
                    @if let Some((north, east)) = page.position {
                        div {
                            dt { "Map" }
                            dd { (map(north, east)) }
                        }
                    } @else if let Some((north, east, precision)) = page.about {
                        div {
                            dt { "Map" }
                            dd { (map(north, east)) p.meta { "By its postcode. " (precision) "." } }
                        }
                    }
                }
            }
        }
        (members(page))
        @if !page.decisions.is_empty() {
            section aria-labelledby="decisions" {
                h2 #decisions { "Decided by people" }
                ul.decisions {
                    @for decision in &page.decisions {
                        li {
                            (decision.text) " "
                            span.meta { bdi { (decision.by) } ", " time datetime=(decision.date) { (day(decision.date)) } }
                        }
                    }
                }
            }
        }
        section aria-labelledby="wrong" {
            h2 #wrong { "Is something wrong?" }
            p { "If you know better, " a href="/about#wrong" { "tell a hub" } ". The number of this entry is " code { (page.id) } "." }
        }
    })
}

fn values(values: &[Value]) -> Markup {
    html! {
        @match values {
            [] => p { "Not known" },
            [one] => p { (words::value(one)) },
            many => ul.values { @for value in many { li { (words::value(value)) } } },
        }
    }
}

/// Who states a field, what others say instead, and why it is shown as it is.
fn sources(field: &Field, all: Option<&BTreeSet<&str>>) -> Markup {
    let others = field.others.iter().flat_map(|other| &other.said);
    let hubs: BTreeSet<&str> = field.said.iter().chain(others).map(|said| said.hub.as_str()).collect();
    let agreed = field.others.is_empty() && hubs.len() > 1 && Some(&hubs) == all;
    let others = field.others.iter().flat_map(|other| &other.said);
    let lists: BTreeSet<&str> = field.said.iter().chain(others).map(|said| said.list.as_str()).collect();
    // Where all of it comes from one hub, its name would not say who says what.
    let by_list = hubs.len() == 1 && lists.len() > 1;
    html! {
        @if field.disagree {
            p.disagree {
                strong {
                    @if hubs.len() > 1 { (number_word(hubs.len())) " hubs disagree." }
                    @else if by_list { (number_word(lists.len())) " lists of one hub disagree." }
                    @else { "One list says different things." }
                }
                " Ask the group if it matters to you."
            }
            @for other in &field.others {
                .other {
                    p.instead {
                        @let who = if by_list { titles(&other.said) } else { names(&other.said) };
                        "Instead, " (who) " " @if one(&other.said, by_list) { "says:" } @else { "say:" }
                    }
                    (values(&other.value))
                }
            }
        }
        @if all.is_some() && !(field.said.is_empty() && field.others.is_empty()) {
            details.said {
                summary {
                    @if agreed { "All hubs agree" }
                    @else if field.said.is_empty() { "Where this comes from" }
                    @else { "From " (names(&field.said)) }
                    @if !field.others.is_empty() && !field.disagree { "; others differ" }
                }
                ul { @for said in &field.said { li { (statement(said)) } } }
                @for other in &field.others {
                    .other {
                        @if !field.disagree { p { "Instead of this:" } (values(&other.value)) }
                        ul { @for said in &other.said { li { (statement(said)) } } }
                    }
                }
                @if let Some(rule) = &field.rule { p { "Why it is shown like this: " (rule) } }
            }
        }
    }
}

/// Whether it is one hub that says so, or one list.
fn one(said: &[Said], by_list: bool) -> bool {
    said.iter().all(|one| one.hub == said[0].hub && (!by_list || one.list == said[0].list))
}

/// "the list “Website”", "the lists “Website” and “Leaflet”".
fn titles(said: &[Said]) -> String {
    let lists: BTreeSet<String> = said.iter().map(|said| format!("“{}”", said.list)).collect();
    let word = if lists.len() == 1 { "list" } else { "lists" };
    format!("the {word} {}", lists.into_iter().collect::<Vec<_>>().join(" and "))
}

/// "Example Hub", "Example Hub and Another Hub", "Example Hub and 3 other hubs".
fn names(said: &[Said]) -> String {
    let hubs: BTreeSet<&str> = said.iter().map(|said| said.hub.as_str()).collect();
    let mut hubs = hubs.into_iter();
    match (hubs.next(), hubs.next(), hubs.count()) {
        (None, ..) => "nobody".to_owned(),
        (Some(one), None, _) => one.to_owned(),
        (Some(one), Some(two), 0) => format!("{one} and {two}"),
        (Some(one), Some(_), rest) => format!("{one} and {} other hubs", rest + 1),
    }
}

fn statement(said: &Said) -> Markup {
    html! { bdi { (said.hub) } ", list “" bdi { (said.list) } "”. " (words::checked(said.checked.as_ref())) "." }
}

/// A link and not a picture: nothing is loaded from elsewhere unless somebody asks for it.
fn map(north: f64, east: f64) -> Markup {
    let place = format!("mlat={north:.5}&mlon={east:.5}#map=17/{north:.5}/{east:.5}");
    html! {
        a href={ "https://www.openstreetmap.org/?" (place) } rel="noreferrer nofollow" { "See the place on OpenStreetMap" }
        " (another website)"
    }
}

fn members(page: &GroupPage) -> Markup {
    html! {
        @if !page.members.is_empty() {
            section aria-labelledby="lists" {
                h2 #lists { "Where this entry comes from" }
                .scroll role="region" aria-label="The lists as a table" tabindex="0" {
                    table {
                        caption {
                            @if page.members.len() == 1 { "One list names this group" }
                            @else { (number_word(page.members.len())) " rows of lists name this group" }
                        }
                        thead {
                            tr { th scope="col" { "Hub" } th scope="col" { "List" } th scope="col" { "Last checked" } th scope="col" { "Row" } }
                        }
                        tbody {
                            @for member in &page.members {
                                tr {
                                    th scope="row" { (member.hub) }
                                    td {
                                        (member.list)
                                        @if member.copy { br; "a copy of another row here; counted once" }
                                        @if member.awaited { br; "changed since; the new words have not come yet" }
                                    }
                                    td {
                                        @match &member.checked {
                                            Some(checked) => { time datetime=(checked.date) { (day(checked.date)) } br; (checked.how) }
                                            None => "Not checked yet",
                                        }
                                    }
                                    td { code { (member.record) } }
                                }
                            }
                        }
                    }
                }
                @if !page.seen.is_empty() {
                    p { "Seen at first hand by:" }
                    ul {
                        @for seen in &page.seen {
                            li { bdi { (seen.by) } @if !seen.via.is_empty() { ", told on by " bdi { (seen.via.join(", then ")) } } }
                        }
                    }
                }
            }
        }
    }
}
