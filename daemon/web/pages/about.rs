//! What the directory is, how it is checked, how to correct it, and how to keep a search private.

use super::words;
use super::{Around, Part};
use crate::web::view::{Site, Value};
use maud::{Markup, html};

/// The page about the directory.
pub fn about(site: &Site) -> Markup {
    let around = Around { site, part: Part::About, title: "About this directory", exit: false };
    around.page(html! {
        h1 { "About this directory" }
        nav.contents aria-label="On this page" {
            ul {
                @for (id, label) in [
                    ("what", "What is a self-help or mutual-aid group?"),
                    ("checked", "How entries are checked"),
                    ("wrong", "Corrections and complaints"),
                    ("start", "Starting a group"),
                    ("private", "Keeping your search private"),
                ] {
                    li { a href={ "#" (id) } { (label) } }
                }
            }
        }
        section aria-labelledby="what" {
            h2 #what { "What is a self-help or mutual-aid group?" }
            p {
                "People who live with the same problem, or went through the same thing, and help one another. The members run the "
                "group themselves. People come because they want to, as often as they want to. Some groups also speak up to change "
                "things for others."
            }
            p {
                "A group is not a treatment, and being listed here is not a recommendation. Each group is different: it is fine to try "
                "one, and to try another."
            }
        }
        section aria-labelledby="checked" {
            h2 #checked { "How entries are checked" }
            p {
                "Local organisations, called hubs, each keep a list of the groups they know and sign every entry. This directory shows what "
                "the lists of " (site.hub) " and its partner hubs say together. Each group’s page says which hub said what."
            }
            ul {
                li { "“Checked with the group in March 2026 by Example Hub” means that Example Hub asked the group itself in that month." }
                li { "“Checked in March 2026 by Example Hub” means that Example Hub looked at what the group makes public." }
                li { "“Not checked yet” means that nobody has told us of a check. The entry may be right; ask before you go." }
            }
            p {
                "Where hubs or lists disagree, the page says so and shows what each of them says, until somebody has settled it. Groups that have closed stay listed "
                "and are marked as closed."
            }
        }
        section aria-labelledby="wrong" {
            h2 #wrong { "Corrections and complaints" }
            p {
                "Is an entry wrong, has a group closed, or should something not be here? Anyone may say so, and you need not say who you are. "
                "Give the number at the end of the group’s page."
            }
            @if let Some(contact) = &site.contact {
                @let contact = if contact.contains('@') { Value::Email(contact.clone()) } else { Value::Web(contact.clone()) };
                p { "Contact " (site.hub) ": " (words::value(&contact)) }
            }
            p {
                "An entry is changed by the hub that wrote it. " (site.hub) " changes its own, and passes on what concerns another hub’s. A group that does "
                "not want to be listed is taken off when it asks."
            }
        }
        section aria-labelledby="start" {
            h2 #start { "Starting a group" }
            p {
                "Most groups began with two or three people. It helps to find one other person first, to agree what the group is for, and to "
                "choose a place that is easy to reach. Groups about the same thing in other towns are often glad to tell how they began."
                @if site.contact.is_some() { " " (site.hub) " can tell you whom to ask." }
            }
        }
        section aria-labelledby="private" {
            h2 #private { "Keeping your search private" }
            p {
                "This site sets no cookies, has no scripts and loads nothing from other sites. The program behind it keeps no record of what you search for. Pages with search "
                "results ask your browser not to store them. Still, your browser’s history lists the pages you opened, and whoever runs the "
                "network or the computer may see which site you visited."
            }
            ul {
                li { "Use a private window, or a computer that nobody else looks at." }
                li { "Afterwards, delete this site from the browser’s history." }
                @if !site.exit.is_empty() {
                    li { "“Leave this page quickly” opens an everyday page. It does not clear the history, and “back” still leads here." }
                }
            }
        }
    })
}
