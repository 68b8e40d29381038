//! A directory to print: one HTML page that makes a booklet, with a title page, contents, groups by area or by topic, and an
//! index of names. No script, no address to fetch anything from; large print on request.
//!
//! Groups have numbers (3.12: the twelfth of section 3) by which contents and index name them: those stay true on whatever
//! paper it is printed.

use super::export::{ExportRow, shown};
use super::field::Words;
use super::plan::goes_on;
use crate::record::group::Group;
use jiff::civil::Date;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use std::collections::BTreeMap;

/// By what a directory is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum By {
    /// By town or village
    #[default]
    Area,
    /// By topic; a group with several is listed whole under the first, and named under the others
    Topic,
}

/// How a directory is made.
#[derive(Debug, Clone)]
pub struct Style<'a> {
    /// Name of the hub.
    pub hub: &'a str,
    /// The day it is made.
    pub today: Date,
    /// By what it is divided.
    pub by: By,
    /// Letters of 18 points, as large-print standards ask, and one column.
    pub large: bool,
}

/// A directory.
#[derive(Debug, Clone)]
pub struct Directory {
    /// The page.
    pub html: String,
    /// Groups in it.
    pub groups: usize,
    /// Groups that were left out because only their hub may know them.
    pub withheld: usize,
    /// Groups that were left out because they have ended.
    pub ended: usize,
}

/// A group in its section, whole or only named.
enum Entry<'a> {
    Whole(&'a ExportRow),
    See(&'a str, String),
}

/// Makes a directory, in the same order for the same groups.
pub fn directory(rows: impl IntoIterator<Item = ExportRow>, style: &Style, words: &Words) -> Directory {
    let (mut withheld, mut ended) = (0, 0);
    let mut kept: Vec<ExportRow> = Vec::new();
    for row in rows {
        match shown(&row.group) {
            None => withheld += 1,
            Some(group) if !goes_on(&group) => {
                ended += 1;
                drop(group);
            }
            Some(group) => kept.push(ExportRow { group, ..row }),
        }
    }
    kept.sort_by_cached_key(|row| (row.group.name.to_lowercase(), row.id));
    let sections = sections(&kept, style.by, words);
    let mut index: BTreeMap<(String, &str), Vec<String>> = BTreeMap::new();
    for (at, (_, entries)) in sections.iter().enumerate() {
        for (n, entry) in entries.iter().enumerate() {
            if let Entry::Whole(row) = entry {
                let number = format!("{}.{}", at + 1, n + 1);
                for name in std::iter::once(&row.group.name).chain(&row.group.other_names) {
                    index.entry((name.to_lowercase(), name)).or_default().push(number.clone());
                }
            }
        }
    }
    let html = page(&sections, &index, kept.len(), style, words).into_string();
    let html = crate::record::direction::straight(&html);
    Directory { html, groups: kept.len(), withheld, ended }
}

/// A section's title, and its groups; whether each is listed whole there.
type Titled<'a> = (String, Vec<(&'a ExportRow, bool)>);
type Sections<'a> = Vec<(String, Vec<Entry<'a>>)>;

/// Names of the sections in order, each with its groups.
fn sections<'a>(rows: &'a [ExportRow], by: By, words: &Words) -> Sections<'a> {
    const LAST: char = '\u{10ffff}';
    let mut titles: BTreeMap<String, Titled> = BTreeMap::new();
    for row in rows {
        let group = &row.group;
        let named: Vec<String> = match by {
            By::Area => {
                let place = group.place.as_ref();
                let town = place.and_then(|place| place.locality.clone().or_else(|| place.postcode.clone()));
                let online = group.modes.iter().any(|mode| mode == "online-meeting" || mode == "telephone");
                vec![town.unwrap_or_else(|| {
                    format!("{LAST}{}", if online { "Online and by telephone" } else { "Place on request" })
                })]
            }
            By::Topic if group.topics.is_empty() => vec![format!("{LAST}Other groups")],
            By::Topic => {
                let label = |topic: &String| (words.label)("topics", topic).unwrap_or_else(|| topic.clone());
                group.topics.iter().map(label).collect()
            }
        };
        for (at, title) in named.into_iter().enumerate() {
            let shown = title.trim_start_matches(LAST).to_owned();
            titles.entry(title.to_lowercase()).or_insert((shown, Vec::new())).1.push((row, at == 0));
        }
    }
    let mut numbers: BTreeMap<uuid::Uuid, String> = BTreeMap::new();
    for (at, (_, rows)) in titles.values().enumerate() {
        for (n, (row, _)) in rows.iter().enumerate().filter(|(_, (_, whole))| *whole) {
            numbers.insert(row.id, format!("{}.{}", at + 1, n + 1));
        }
    }
    let entry = |(row, whole): (&'a ExportRow, bool)| match whole {
        true => Entry::Whole(row),
        false => Entry::See(&row.group.name, numbers.get(&row.id).cloned().unwrap_or_default()),
    };
    titles.into_values().map(|(title, rows)| (title, rows.into_iter().map(entry).collect())).collect()
}

fn page(
    sections: &Sections,
    index: &BTreeMap<(String, &str), Vec<String>>,
    groups: usize,
    style: &Style,
    words: &Words,
) -> Markup {
    let day = super::cell::in_words(style.today);
    let letters = if style.large { LARGE } else { SMALL };
    html! {
        (DOCTYPE)
        html lang="en-GB" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Directory of groups: " (style.hub) }
                style { (PreEscaped(STYLE)) (PreEscaped(letters)) }
            }
            body {
                header.cover {
                    h1 { "Self-help and mutual-aid groups" }
                    p.hub { (style.hub) }
                    p { (groups) " groups, as they were known on " (day) "." }
                    p { "Groups change. Please ask before you travel; each entry says when it was last checked." }
                }
                nav.contents aria-labelledby="contents" {
                    h2 id="contents" { "Contents" }
                    ol {
                        @for (at, (title, entries)) in sections.iter().enumerate() {
                            li { a href={ "#s" (at + 1) } { (title) } " " span.n { "(" (entries.len()) ")" } }
                        }
                        li.plain { a href="#index" { "Index of names" } }
                    }
                }
                main {
                    @for (at, (title, entries)) in sections.iter().enumerate() {
                        section aria-labelledby={ "s" (at + 1) } {
                            h2 id={ "s" (at + 1) } { (at + 1) ". " (title) }
                            @for (n, entry) in entries.iter().enumerate() {
                                @match entry {
                                    Entry::Whole(row) => (self::entry(&format!("{}.{}", at + 1, n + 1), &row.group, words)),
                                    Entry::See(name, number) => p.see { (name) ": see " a href={ "#g" (number) } { (number) } },
                                }
                            }
                        }
                    }
                }
                section.index aria-labelledby="index" {
                    h2 id="index" { "Index of names" }
                    ul {
                        @for ((_, name), numbers) in index {
                            li {
                                (name) " "
                                @for (at, number) in numbers.iter().enumerate() {
                                    @if at > 0 { ", " }
                                    a href={ "#g" (number) } { (number) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// One group.
fn entry(number: &str, group: &Group, words: &Words) -> Markup {
    let labels = |vocabulary: &str, terms: &[String]| {
        let label = |term: &String| (words.label)(vocabulary, term).unwrap_or_else(|| term.clone());
        terms.iter().map(label).collect::<Vec<_>>().join(", ")
    };
    let place = group.place.clone().unwrap_or_default();
    let place: Vec<String> =
        [place.venue, place.address, place.locality, place.postcode].into_iter().flatten().collect();
    let when: Vec<String> = group
        .meetings
        .iter()
        .map(|meeting| {
            let times = match (&meeting.start, &meeting.end) {
                (Some(start), Some(end)) => format!("{start} to {end}"),
                (Some(start), None) => format!("from {start}"),
                _ => String::new(),
            };
            let rule = || meeting.rrule.as_deref().and_then(super::recurrence::Rule::parse).map(|rule| rule.words());
            let words = meeting.text.clone().or_else(rule).unwrap_or_default();
            [words, times].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", ")
        })
        .filter(|text| !text.is_empty())
        .collect();
    let contact = group.contact.clone().unwrap_or_default();
    let status = group.status.as_ref().filter(|status| status.state != "active");
    let status = status.map(|status| {
        let until = status.until.map(|day| format!(" until {}", super::cell::in_words(day))).unwrap_or_default();
        format!("{}{until}", labels("statuses", std::slice::from_ref(&status.state)))
    });
    let newcomers = match group.newcomers {
        Some(true) => "Newcomers are welcome.",
        Some(false) => "Not taking newcomers at present.",
        None => "",
    };
    let protected = group.safety.as_deref().is_some_and(|level| level != super::row::OPEN);
    let lines: [(&str, String); 11] = [
        ("Also known as", group.other_names.join(", ")),
        ("Now", status.unwrap_or_default()),
        ("About", labels("topics", &group.topics)),
        (
            "For",
            [labels("communities", &group.communities), labels("roles", &group.roles)]
                .into_iter()
                .filter(|text| !text.is_empty())
                .collect::<Vec<_>>()
                .join("; "),
        ),
        ("When", when.join("; ")),
        (
            "Where",
            match (protected, place.join(", ")) {
                (true, district) if district.is_empty() => "Please ask the group".to_owned(),
                (true, district) => format!("{district}; please ask the group"),
                (false, place) => place,
            },
        ),
        ("Cost", group.cost.clone().unwrap_or_default()),
        ("Access", group.access.clone().unwrap_or_default()),
        ("Telephone", contact.phone.unwrap_or_default()),
        ("E-mail", contact.email.unwrap_or_default()),
        ("Website", contact.url.unwrap_or_default()),
    ];
    html! {
        article id={ "g" (number) } {
            h3 { span.n { (number) } " " (group.name) }
            @if let Some(about) = &group.description { p { (about) } }
            dl {
                @for (label, text) in lines.iter().filter(|(_, text)| !text.is_empty()) {
                    div { dt { (label) } dd { (text) } }
                }
                @if let Some(joining) = &group.joining { div { dt { "How to join" } dd { (joining) " " (newcomers) } } }
                @else if !newcomers.is_empty() { div { dt { "How to join" } dd { (newcomers) } } }
            }
            p.checked {
                @match &group.assured {
                    Some(assured) => {
                        "Checked in " (super::cell::in_words(assured.date).split_once(' ').map_or("", |(_, rest)| rest))
                        " (" (labels("assurance-methods", std::slice::from_ref(&assured.method))) ")"
                    }
                    None => "Not checked yet",
                }
            }
        }
    }
}

/// What paper and screen share. Entries are never cut in two, and a heading never stands alone at the foot of a page.
const STYLE: &str = r#"
@page { size: A4; margin: 18mm 16mm 20mm; @bottom-center { content: counter(page); font: 10pt sans-serif; } }
@page :first { @bottom-center { content: none; } }
:root { color-scheme: light; }
body { font-family: Arial, Helvetica, sans-serif; line-height: 1.4; color: #000; background: #fff; max-width: 48rem;
  margin: 0 auto; padding: 0 1rem; }
h1, h2, h3 { line-height: 1.2; break-after: avoid; text-wrap: balance; }
.cover { min-height: 60vh; display: flex; flex-direction: column; justify-content: center; }
.cover .hub { font-size: 1.5em; font-weight: bold; }
.contents, main > section, .index { break-before: page; }
.contents ol { list-style: none; padding: 0; counter-reset: s; }
.contents li:not(.plain)::before { counter-increment: s; content: counter(s) ". "; }
article { break-inside: avoid; border-top: 1pt solid #555; padding: .3em 0 .6em; }
article p { margin: .2em 0; white-space: pre-line; }
dl { margin: .3em 0; }
dl div { display: flex; gap: .6em; }
dt { flex: 0 0 6.5em; font-weight: bold; }
dd { margin: 0; flex: 1; overflow-wrap: anywhere; white-space: pre-line; }
.n { font-variant-numeric: tabular-nums; font-weight: normal; }
.checked { font-size: .9em; }
.index ul { list-style: none; padding: 0; }
.index li { break-inside: avoid; padding-left: 1em; text-indent: -1em; }
a { color: inherit; }
@media print { body { max-width: none; padding: 0; } a { text-decoration: none; } .cover { min-height: 230mm; } }
"#;
const SMALL: &str = "body { font-size: 11pt; } .index ul { columns: 2; column-gap: 2em; }\n";
/// 18 points, bold where it carries, more room between lines, nothing in columns.
const LARGE: &str = "body { font-size: 18pt; line-height: 1.6; } h3 { font-size: 1.2em; } dl div { display: block; } .checked { font-size: 1em; }\n";
