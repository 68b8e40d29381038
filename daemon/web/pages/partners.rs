//! Partner hubs: when we last looked, what came of it, and what to do (USERS W1, W2).

use super::words::{count, moment, number};
use super::{Around, Part};
use crate::web::view::{PartnerRow, PartnerState, PartnersPage, Site};
use maud::{Markup, html};

/// The page about partner hubs.
pub fn partners(site: &Site, page: &PartnersPage) -> Markup {
    let around = Around { site, part: Part::Partners, title: "Partner hubs", exit: false };
    let troubled = page.partners.iter().filter(|row| needs_somebody(row)).count();
    around.page(html! {
        h1 { "Partner hubs" }
        p.lead {
            @if page.partners.is_empty() { "This hub has no partner hubs yet." }
            @else if troubled == 0 { "All is well with " (count(page.partners.len() as u64, "partner hub", "partner hubs")) "." }
            @else { (troubled) " of " (count(page.partners.len() as u64, "partner hub", "partner hubs")) " " @if troubled == 1 { "needs" } @else { "need" } " attention." }
        }
        @if !page.partners.is_empty() {
            .scroll role="region" aria-label="Partner hubs at a glance" tabindex="0" {
                table {
                    caption { "At a glance, " time datetime=(page.now.timestamp()) { (page.now.strftime("%-d %B %Y, %H:%M")) } }
                    thead {
                        tr {
                            th scope="col" { "Hub" }
                            th scope="col" { "State" }
                            th.num scope="col" { "Records" }
                        }
                    }
                    tbody {
                        @for row in &page.partners {
                            tr {
                                th scope="row" { a href={ "#" (row.hub) } { (row.name) } }
                                td { (state(row)) }
                                td.num { (number(row.records)) }
                            }
                        }
                    }
                }
            }
            @for row in &page.partners { (partner(row, page)) }
        }
        (this_hub(page))
    })
}

fn needs_somebody(row: &PartnerRow) -> bool {
    row.stale || matches!(row.state, PartnerState::Failing | PartnerState::Refused | PartnerState::Waiting)
}

fn state(row: &PartnerRow) -> Markup {
    let (class, label) = match row.state {
        PartnerState::UpToDate => ("good", "Up to date"),
        PartnerState::CatchingUp => ("calm", "Catching up"),
        PartnerState::New => ("calm", "Not tried yet"),
        PartnerState::Failing => ("bad", "Not reached"),
        PartnerState::Refused => ("bad", "Refused"),
        PartnerState::Waiting => ("warn", "On hold"),
        PartnerState::Paused => ("calm", "Paused"),
    };
    html! {
        span.state.(class) { (label) }
        @if row.stale { " " span.state.warn { "Silent for long" } }
    }
}

fn partner(row: &PartnerRow, page: &PartnersPage) -> Markup {
    let now = &page.now;
    html! {
        section.partner id=(row.hub) aria-labelledby={ (row.hub) "-name" } {
            h2 id={ (row.hub) "-name" } { bdi { (row.name) } " " (state(row)) }
            @if row.reason.is_some() || row.remedy.is_some() {
                .banner.closed[matches!(row.state, PartnerState::Failing | PartnerState::Refused)] {
                    @if let Some(reason) = &row.reason { p { (reason) } }
                    @if let Some(remedy) = &row.remedy { p { strong { "What to do: " } (remedy) } }
                }
            }
            dl.facts {
                div { dt { "Last tried" } dd { (moment(row.last_try, now)) } }
                div { dt { "Last succeeded" } dd { (moment(row.last_success, now)) } }
                div { dt { "Last change there" } dd { (moment(row.last_change, now)) } }
                div {
                    dt { "Next try" }
                    dd { @if row.next_try.is_some() { (moment(row.next_try, now)) } @else { "none planned" } }
                }
                div { dt { "Records held" } dd { (number(row.records)) } }
                div {
                    dt { "Still to come" }
                    dd { (count(row.lag, "statement", "statements")) }
                }
                @for copy in &row.copies { div { dt { "Copied list" } dd { (copy) ". It is no second sighting of those groups." } } }
                @if row.failures > 0 { div { dt { "Failed in a row" } dd { (count(row.failures.into(), "time", "times")) } } }
                @for proof in &row.evidence {
                    div {
                        dt { "It signed" }
                        dd {
                            (proof.what) ", met " (moment(proof.found, now))
                            @if page.published {
                                ": " a href={ "/evidence/" (proof.id) "/1" } { "one note" } ", "
                                a href={ "/evidence/" (proof.id) "/2" } { "the other" }
                            }
                            ". "
                            // A hub that publishes nothing serves no note: its people write them out.
                            @if !page.published { code { "mutuald partner evidence --out FOLDER" } " writes both notes. " }
                            "Anybody can check both with " code { "mutuald verify --fork" } "."
                        }
                    }
                }
                @if row.reads_contacts {
                    div { dt { "Role contacts" } dd { "given to it, where the person agreed to that by its name" } }
                }
                div { dt { "Address" } dd.break { (row.address) } }
                div { dt { "Hub id" } dd.break { code { (row.hub) } } }
            }
        }
    }
}

fn this_hub(page: &PartnersPage) -> Markup {
    let counts = page.counts;
    html! {
        section aria-labelledby="this-hub" {
            h2 #this-hub { "This hub" }
            dl.facts {
                div { dt { "Name" } dd { (page.name) } }
                div { dt { "Hub id" } dd.break { code { (page.hub) } } }
                div { dt { "Fingerprint" } dd.break { code { (page.fingerprint) } } }
                div {
                    dt { "Its feed" }
                    dd { (count(page.feed_size, "statement", "statements")) @if !page.published { ", not published" } }
                }
                div { dt { "Groups" } dd { (number(counts.groups)) ", and " (number(counts.closed)) " that have closed" } }
                div { dt { "Records" } dd { (number(counts.records)) " from " (count(counts.hubs, "hub", "hubs")) } }
                div { dt { "Hubs or lists disagree about" } dd { (count(counts.disagreements, "group", "groups")) } }
                div {
                    dt { "Registry digest" }
                    dd.break { code { (page.digest) } p.meta { "Two hubs that hold the same records under the same rules show the same digest." } }
                }
            }
        }
    }
}
