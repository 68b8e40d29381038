//! The first page: a search box, and topics and places to browse.

use super::words::{count, number};
use super::{Around, Part, words_and_place};
use crate::web::query::address;
use crate::web::view::{Choice, HomePage, Site, Terms, Topic};
use maud::{Markup, html};

/// The first page.
pub fn home(site: &Site, page: &HomePage) -> Markup {
    let around = Around { site, part: Part::Home, title: "Find a self-help or mutual-aid group", exit: false };
    let counts = page.counts;
    around.page(html! {
        h1 { "Find a self-help or mutual-aid group" }
        p.lead {
            "Groups run by people who share a problem or an experience and support one another. This directory holds "
            (count(counts.groups, "group", "groups")) " from " (count(counts.hubs, "hub", "hubs")) "."
        }
        form.search role="search" action="/search" method="get" {
            .row {
                (words_and_place(&Terms::default(), &page.places))
                button type="submit" { "Search" }
            }
        }
        (by_topic(&page.topics))
        (browse("areas", "Browse by place", &page.places, |value| Terms { place: Some(value), ..Terms::default() }))
        (browse("modes", "Browse by how groups meet", &page.modes, |value| Terms { mode: Some(value), ..Terms::default() }))
    })
}

fn browse(id: &str, heading: &str, choices: &[Choice], terms: impl Fn(String) -> Terms) -> Markup {
    html! {
        @if !choices.is_empty() {
            section aria-labelledby=(id) {
                h2 id=(id) { (heading) }
                ul.browse {
                    @for choice in choices {
                        li { (link(choice, &terms(choice.value.clone()))) }
                    }
                }
            }
        }
    }
}

fn link(choice: &Choice, terms: &Terms) -> Markup {
    html! {
        a href=(address(terms)) { (choice.label) }
        " " span.n { (number(choice.count)) span.aloud { @if choice.count == 1 { " group" } @else { " groups" } } }
    }
}

/// So many topics are shown unfolded; more would push the rest of the page out of sight on a phone.
const UNFOLDED: usize = 30;

/// The tree of topics: a heading for each at the top, what is directly under it as a list, and all below that folded away
/// where there is much of it.
fn by_topic(topics: &[Topic]) -> Markup {
    let open = size(topics) <= UNFOLDED;
    html! {
        @if !topics.is_empty() {
            section aria-labelledby="topics" {
                h2 id="topics" { "Browse by topic" }
                @for top in topics {
                    h3 { (topic_link(top)) }
                    @if !top.narrower.is_empty() {
                        ul.browse.tree {
                            @for topic in &top.narrower {
                                li {
                                    (topic_link(topic))
                                    @if !topic.narrower.is_empty() {
                                        details open[open] {
                                            summary { "More exactly" span.aloud { ": " (topic.choice.label) } }
                                            (under(&topic.narrower))
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn under(topics: &[Topic]) -> Markup {
    html! {
        ul {
            @for topic in topics {
                li {
                    (topic_link(topic))
                    @if !topic.narrower.is_empty() { (under(&topic.narrower)) }
                }
            }
        }
    }
}

fn topic_link(topic: &Topic) -> Markup {
    link(&topic.choice, &Terms { topic: Some(topic.choice.value.clone()), ..Terms::default() })
}

fn size(topics: &[Topic]) -> usize {
    topics.iter().map(|topic| 1 + size(&topic.narrower)).sum()
}
