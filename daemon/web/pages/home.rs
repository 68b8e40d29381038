//! The first page: a search box, and topics and places to browse.

use super::words::{count, number};
use super::{Around, Part, words_and_place};
use crate::web::query::address;
use crate::web::view::{Choice, HomePage, Site, Terms};
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
        (browse("topics", "Browse by topic", &page.topics, |value| Terms { topic: Some(value), ..Terms::default() }))
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
                        li {
                            a href=(address(&terms(choice.value.clone()))) { (choice.label) }
                            " " span.n { (number(choice.count)) span.aloud { " groups" } }
                        }
                    }
                }
            }
        }
    }
}
