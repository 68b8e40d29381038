//! Search results.

use super::words::{self, count, number};
use super::{Around, Part, words_and_place};
use crate::web::query::{MAX_PAGE, address};
use crate::web::view::{Filter, Hit, SearchPage, Site, Sort, Terms};
use maud::{Markup, html};

/// Search results, or what to try instead.
pub fn search(site: &Site, page: &SearchPage) -> Markup {
    let around = Around { site, part: Part::Search, title: "Find a group", exit: true };
    let terms = &page.terms;
    around.page(html! {
        h1 { "Find a group" }
        (form(page))
        (chosen(page))
        div role="status" { h2.count { (heading(page)) } }
        @if let Some(near) = &page.near {
            p.meta {
                "Within " (near.miles) " miles of " (near.postcode) ", the nearest first. Known of this postcode: " (near.precision) ". "
                "Groups without a postcode are not among them."
            }
        }
        @if page.hits.is_empty() {
            (nothing(page))
        } @else {
            ol.hits start=(first(page)) {
                @for hit in &page.hits { li { (answer(hit)) } }
            }
            (pages(terms, page.pages))
        }
    })
}

/// Number of the first answer on this page, from 1.
fn first(page: &SearchPage) -> u64 {
    u64::from(page.terms.page.saturating_sub(1)) * u64::from(page.per_page) + 1
}

/// "21–40 of 162 groups".
fn heading(page: &SearchPage) -> String {
    let all = count(page.total, "group", "groups");
    match page.hits.len() as u64 {
        0 => "No groups found".to_owned(),
        shown if shown == page.total => all,
        shown => format!("{}–{} of {all}", number(first(page)), number(first(page) + shown - 1)),
    }
}

fn form(page: &SearchPage) -> Markup {
    let terms = &page.terms;
    html! {
        form.search role="search" action="/search" method="get" {
            .row {
                (words_and_place(terms, &page.places.choices))
                button type="submit" { "Search" }
            }
            details.filters {
                summary { "Filter by topic or how groups meet, and sort" }
                .row {
                    (select("topic", "Topic", "Any topic", &page.topics, terms.topic.as_deref()))
                    (select("mode", "How it meets", "Any way", &page.modes, terms.mode.as_deref()))
                    .field {
                        label for="sort" { "Sort by" }
                        select #sort name="sort" {
                            @for (sort, value, label) in [
                                (Sort::Match, "match", "Best match"),
                                (Sort::Name, "name", "Name"),
                                (Sort::Checked, "checked", "Last checked"),
                            ] {
                                option value=(value) selected[terms.sort == sort] { (label) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn select(name: &str, label: &str, any: &str, filter: &Filter, chosen: Option<&str>) -> Markup {
    html! {
        .field {
            label for=(name) { (label) }
            select id=(name) name=(name) {
                option value="" { (any) }
                @for choice in &filter.choices {
                    option value=(choice.value) selected[chosen == Some(choice.value.as_str())] {
                        (choice.label) " (" (number(choice.count)) ")"
                    }
                }
                // What was asked for stays chosen, even when nothing has it.
                @if let Some(chosen) = chosen && !filter.choices.iter().any(|choice| choice.value == chosen) {
                    option value=(chosen) selected { (chosen) }
                }
            }
        }
    }
}

/// What narrows the search, each with a way to take it off.
fn chosen(page: &SearchPage) -> Markup {
    let terms = &Terms { page: 1, ..page.terms.clone() };
    let label = |filter: &Filter, value: &str| {
        let choice = filter.choices.iter().find(|choice| choice.value == value);
        choice.map_or(value.to_owned(), |choice| choice.label.clone())
    };
    let tags = [
        terms.topic.as_ref().map(|topic| ("Topic", label(&page.topics, topic), Terms { topic: None, ..terms.clone() })),
        terms.place.as_ref().map(|place| ("Place", label(&page.places, place), Terms { place: None, ..terms.clone() })),
        terms
            .mode
            .as_ref()
            .map(|mode| ("How it meets", label(&page.modes, mode), Terms { mode: None, ..terms.clone() })),
    ];
    html! {
        @if tags.iter().any(Option::is_some) {
            ul.tags aria-label="Filters in use" {
                @for (axis, value, without) in tags.into_iter().flatten() {
                    li {
                        a href=(address(&without)) {
                            span.aloud { "Remove filter " }
                            (axis) ": " (value) " " span.x aria-hidden="true" { "×" }
                        }
                    }
                }
            }
        }
    }
}

fn answer(hit: &Hit) -> Markup {
    let closed = hit.standing.as_ref().is_some_and(|standing| standing.closed);
    html! {
        article.closed[closed] {
            h3 { a href={ "/group/" (hit.id) } { (hit.name) } }
            @if let Some(standing) = &hit.standing {
                p.standing { (words::standing(standing)) }
            }
            @if hit.place.is_some() || !hit.modes.is_empty() {
                p.where {
                    @if let Some(place) = &hit.place { (place) }
                    @if hit.place.is_some() && !hit.modes.is_empty() { " · " }
                    (hit.modes.join(", "))
                }
            }
            @if let Some(snippet) = &hit.snippet { p.snippet { (snippet) } }
            @if !hit.topics.is_empty() {
                ul.labels aria-label="Topics" { @for topic in &hit.topics { li { (topic) } } }
            }
            p.meta {
                @if let Some(distance) = &hit.distance { (distance) " away · " }
                (words::checked(hit.checked.as_ref()))
                @if hit.hubs > 1 { " · Listed by " (hit.hubs) " hubs" }
                @if hit.disagree { " · " strong { @if hit.hubs > 1 { "Hubs" } @else { "Lists" } " disagree about details" } }
            }
        }
    }
}

/// No dead end: what would find something, and what could be done.
fn nothing(page: &SearchPage) -> Markup {
    let terms = &page.terms;
    let narrowed = terms.topic.is_some() || terms.place.is_some() || terms.mode.is_some();
    let anywhere = Terms { place: None, page: 1, ..terms.clone() };
    let words_only = Terms { words: terms.words.clone(), page: 1, ..Terms::default() };
    html! {
        .nothing {
            @if !page.offers.is_empty() {
                p { "These searches do find groups:" }
                ul {
                    @for offer in &page.offers {
                        li { a href=(address(&offer.terms)) { (offer.label) } " (" (count(offer.count, "group", "groups")) ")" }
                    }
                }
            }
            p { "What you can do:" }
            ul {
                @if terms.page > 1 { li { a href=(address(&Terms { page: 1, ..terms.clone() })) { "Go to the first page of this search" } } }
                @if !terms.words.is_empty() { li { "Try other words, or fewer: “anxiety” finds more than “social anxiety evening group”." } }
                @if terms.place.is_some() { li { a href=(address(&anywhere)) { "Search in a wider area" } ": many groups welcome people from further away, or meet online." } }
                @if narrowed { li { a href=(address(&words_only)) { "Search without filters" } } }
                li { a href="/#topics" { "Browse by topic" } }
                li { a href="/about#start" { "Think about starting a group" } " where there is none yet." }
            }
        }
    }
}

fn pages(terms: &Terms, pages: u32) -> Markup {
    let at = |page: u32| address(&Terms { page, ..terms.clone() });
    html! {
        @if pages > 1 {
            nav.pages aria-label="Pages of results" {
                @if terms.page > 1 { a rel="prev" href=(at(terms.page - 1)) { "‹ Previous" span.aloud { " page" } } }
                span { "Page " (number(terms.page.into())) " of " (number(pages.into())) }
                @if terms.page < pages.min(MAX_PAGE) { a rel="next" href=(at(terms.page + 1)) { "Next" span.aloud { " page" } " ›" } }
            }
        }
    }
}
