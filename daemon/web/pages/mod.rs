//! The pages: pure functions from what [`super::view`] holds to markup.
//!
//! No page has a script, an inline style, or anything loaded from elsewhere. The page works on a phone, by keyboard, read
//! aloud, printed, and in the dark (WCAG 2.2 AA; USERS 4.4 and 5.6). What somebody searched for is never in a title: titles
//! stand in histories, tabs and bookmarks.

mod about;
mod group;
mod home;
mod partners;
mod search;
mod words;

pub use about::about;
pub use group::group;
pub use home::home;
pub use partners::partners;
pub use search::search;

use super::query::{MAX_PLACE, MAX_WORDS};
use super::style;
use crate::store::view::{Site, Terms};
use maud::{DOCTYPE, Markup, html};

/// Where in the site a page lies, for the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Home,
    Search,
    Partners,
    About,
    /// A group's page, or an error's: no entry of the navigation is this page.
    None,
}

/// What makes one page's surroundings differ from another's.
struct Around<'a> {
    site: &'a Site,
    part: Part,
    /// First half of the title.
    title: &'a str,
    /// Whether the page offers to be left quickly: those that tell what somebody looks for.
    exit: bool,
}

impl Around<'_> {
    /// The whole page.
    fn page(&self, main: Markup) -> Markup {
        let site = self.site;
        let entries = [
            (Part::Search, "/search", "Find a group"),
            (Part::Partners, "/partners", "Partner hubs"),
            (Part::About, "/about", "About"),
        ];
        html! {
            (DOCTYPE)
            html lang="en-GB" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (self.title) " – " (site.hub) }
                    link rel="stylesheet" href=(*style::ADDRESS);
                }
                body {
                    a.skip href="#main" { "Skip to main content" }
                    header.top {
                        .wrap {
                            a.brand href="/" aria-current=[(self.part == Part::Home).then_some("page")] {
                                strong { (site.hub) }
                                span { "Self-help and mutual-aid groups" }
                            }
                            nav aria-label="Main" {
                                ul {
                                    @for (part, address, label) in entries {
                                        li { a href=(address) aria-current=[(self.part == part).then_some("page")] { (label) } }
                                    }
                                }
                            }
                        }
                    }
                    @if let Some(notice) = &site.notice {
                        aside.notice aria-label="Notice" { p.wrap { (notice) } }
                    }
                    main #main tabindex="-1" {
                        @if self.exit && !site.exit.is_empty() {
                            .wrap.leaving { a.exit href=(site.exit) rel="noreferrer nofollow" { "Leave this page quickly" } }
                        }
                        .wrap { (main) }
                    }
                    footer {
                        .wrap {
                            p { a href="/about#wrong" { "Something wrong here? How to correct it" } }
                            p { a href="/about#private" { "Keeping your search private" } }
                        }
                    }
                }
            }
        }
    }
}

/// A page that says what went wrong.
pub fn error(site: &Site, title: &str, detail: &str) -> Markup {
    let around = Around { site, part: Part::None, title, exit: false };
    around.page(html! {
        h1 { (title) }
        p.lead { (detail) }
        p { a.button href="/search" { "Find a group" } " " a href="/" { "Go to the first page" } }
    })
}

/// The two fields that every search starts with.
fn words_and_place(terms: &Terms, places: &[super::view::Choice]) -> Markup {
    html! {
        .field.grow {
            label for="q" { "What is it about?" }
            input #q name="q" type="search" maxlength=(MAX_WORDS) value=(terms.words) autocomplete="off" enterkeyhint="search";
        }
        .field.grow {
            label for="place" { "Town, area or postcode" }
            input #place name="place" type="text" maxlength=(MAX_PLACE) value=[terms.place.as_deref()] autocomplete="off"
                list=[(!places.is_empty()).then_some("places")];
            @if !places.is_empty() {
                datalist #places {
                    @for choice in places { option value=(choice.value) { (choice.label) } }
                }
            }
        }
    }
}
