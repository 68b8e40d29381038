//! A frame's report as one page that stands alone: no script, nothing fetched, its plots drawn here as SVG with the figures in a table
//! below each, so that it reads aloud, prints in black and white and can be sent by post.

use super::assess::{Coverage, Side};
use super::report::Whole;
use crate::frame::cells;
use crate::frame::coverage::Assessment;
use crate::frame::report::{Part, Report};
use crate::record::vocabulary;
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// Colours hold 4.5 : 1 against their ground in light and dark; bars differ by their labels, never by colour alone.
const SHEET: &str = "\
:root{color-scheme:light dark;--ink:#1b1b1b;--paper:#fff;--line:#767676;--bar:#1d5f8a;--soft:#f2f2f2}\
@media (prefers-color-scheme: dark){:root{--ink:#ececec;--paper:#151515;--line:#9a9a9a;--bar:#7dbde8;--soft:#262626}}\
body{margin:0 auto;max-width:60rem;padding:1rem;color:var(--ink);background:var(--paper);font:1rem/1.5 system-ui,sans-serif}\
h1{line-height:1.2}h2{margin-top:2.5rem;border-top:1px solid var(--line);padding-top:.5rem}\
table{border-collapse:collapse;margin:.75rem 0}caption{text-align:left;font-weight:600;padding-bottom:.25rem}\
th,td{text-align:left;vertical-align:top;padding:.2rem .75rem .2rem 0;border-bottom:1px solid var(--line)}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}\
.scroll{overflow-x:auto}.lead{font-size:1.2rem}.note{background:var(--soft);padding:.5rem .75rem;border-left:.25rem solid var(--line)}\
figure{margin:1rem 0}svg{max-width:100%;height:auto}svg text{fill:var(--ink);font:13px system-ui,sans-serif}\
.bar{fill:var(--bar)}.axis{stroke:var(--line)}code{overflow-wrap:anywhere}\
@media print{:root{--ink:#000;--paper:#fff;--line:#555;--bar:#555;--soft:#fff}body{max-width:none;padding:0;font-size:10pt}\
h2{break-after:avoid}table,figure,tr{break-inside:avoid}}";

/// A percentage as people read it.
pub fn percent(part: Part) -> String {
    part.share().map_or_else(|| "–".to_owned(), |share| format!("{:.0} %", share * 100.0))
}

/// The page.
pub fn page(whole: &Whole) -> String {
    let Whole { made, report, coverage } = whole;
    let definition = &report.definition;
    let title = definition.labl.clone().unwrap_or_else(|| format!("Sampling frame {}", definition.sample_frame_name));
    let page = html! {
        (DOCTYPE)
        html lang="en-GB" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) ": how good it is" }
                style { (PreEscaped(SHEET)) }
            }
            body {
                header {
                    h1 { (title) ": how good it is" }
                    p.lead { (definition.universe) }
                    p { (report.units) " units, judged for " (definition.as_of) " by " (report.profile) ". Made on " (made) "." }
                }
                main {
                    (what_it_is(report))
                    (accounts(report))
                    @if let Some(coverage) = coverage { (missed(coverage)) }
                    (fresh(report))
                    (unique(report))
                    (complete(report))
                    (reached(report))
                    (from_where(report))
                    (kept_back(report))
                }
                footer {
                    p { "Every figure is of the frame. No group is rated." }
                }
            }
        }
    };
    crate::record::direction::straight(&page.into_string())
}

/// Rows of a name and a number; further cells are texts.
fn table(caption: &str, head: &[&str], rows: &[(String, Vec<String>)]) -> Markup {
    html! {
        .scroll tabindex="0" role="region" aria-label=(caption) {
            table {
                caption { (caption) }
                thead { tr { @for (at, name) in head.iter().enumerate() { th scope="col" class=[(at > 0).then_some("n")] { (name) } } } }
                tbody {
                    @for (name, cells) in rows {
                        tr { th scope="row" { (name) } @for cell in cells { td.n { (cell) } } }
                    }
                }
            }
        }
    }
}

/// A plot of bars; `id` makes its title's address.
fn bars(id: &str, title: &str, rows: &[(String, usize)]) -> Markup {
    const ROW: usize = 26;
    const LEFT: usize = 230;
    const WIDE: usize = 360;
    let most = rows.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1);
    let high = rows.len() * ROW + 8;
    let told: Vec<String> = rows.iter().map(|(name, count)| format!("{name}: {count}")).collect();
    html! {
        figure {
            svg role="img" aria-labelledby={ (id) "-t " (id) "-d" } viewBox={ "0 0 " (LEFT + WIDE + 60) " " (high) }
                width=(LEFT + WIDE + 60) height=(high) xmlns="http://www.w3.org/2000/svg" {
                title id={ (id) "-t" } { (title) }
                desc id={ (id) "-d" } { (told.join("; ")) }
                @for (at, (name, count)) in rows.iter().enumerate() {
                    @let y = at * ROW + 4;
                    text x=(LEFT - 8) y=(y + 14) text-anchor="end" { (shortened(name)) }
                    rect.bar x=(LEFT) y=(y) width=(count * WIDE / most) height="18" {}
                    text x=(LEFT + count * WIDE / most + 6) y=(y + 14) { (count) }
                }
                line.axis x1=(LEFT) y1="0" x2=(LEFT) y2=(high) {}
            }
        }
    }
}

/// A label that fits beside its bar; the table below has the whole.
fn shortened(name: &str) -> String {
    if name.chars().count() <= 32 { name.to_owned() } else { name.chars().take(31).chain(['…']).collect() }
}

fn label(vocabulary: Option<&vocabulary::Vocabulary>, id: &str) -> String {
    let known = vocabulary.and_then(|vocabulary| vocabulary.get(id));
    known.map_or_else(|| id.replace('-', " "), |term| term.label.clone())
}

fn counted<'a>(
    rows: impl IntoIterator<Item = (&'a String, &'a usize)>,
    words: Option<&vocabulary::Vocabulary>,
) -> Vec<(String, usize)> {
    rows.into_iter().map(|(name, count)| (label(words, name), *count)).collect()
}

fn cells(rows: &[(String, usize)]) -> Vec<(String, Vec<String>)> {
    rows.iter().map(|(name, count)| (name.clone(), vec![count.to_string()])).collect()
}

fn what_it_is(report: &Report) -> Markup {
    let definition = &report.definition;
    let area = if definition.area.is_empty() { "everywhere".to_owned() } else { definition.area.join(", ") };
    let mut rows = vec![
        ("Name", definition.sample_frame_name.clone()),
        ("Unit", definition.unit_type.clone()),
        ("Units", report.units.to_string()),
        ("Area", area),
        ("Reference period", definition.reference_period.clone()),
        ("Judged for", definition.as_of.to_string()),
        ("Rules", report.profile.clone()),
        ("Custodian", definition.custodian.clone()),
        ("Brought up to date", definition.update_procedure.clone()),
        ("Decisions by people", report.decisions.to_string()),
    ];
    rows.extend(definition.use_stmt.clone().map(|words| ("May be used for", words)));
    html! {
        section {
            h2 { "What it is" }
            .scroll tabindex="0" role="region" aria-label="What the frame is" {
                table {
                    tbody {
                        @for (name, value) in &rows { tr { th scope="row" { (name) } td { (value) } } }
                        tr { th scope="row" { "SHA-256 of its bytes" } td { code { (report.digest) } } }
                    }
                }
            }
        }
    }
}

fn accounts(report: &Report) -> Markup {
    let reasons = vocabulary::exclusion_reasons();
    let left = counted(&report.overcoverage, Some(reasons));
    let open = counted(&report.undecided, Some(vocabulary::criteria()));
    let steps: Vec<(String, usize)> =
        report.flow.iter().map(|step| (format!("{} ({})", step.step.replace('-', " "), step.of), step.count)).collect();
    html! {
        section {
            h2 { "What became of every record" }
            p { "Each step is the one before less what left, to the last row." }
            (bars("flow", "Records and groups at each step", &steps))
            .scroll tabindex="0" role="region" aria-label="Steps, and what left at each" {
                table {
                    caption { "Steps, and what left at each" }
                    thead { tr { th scope="col" { "Step" } th.n scope="col" { "Count" } th scope="col" { "Left before it" } } }
                    tbody {
                        @for step in &report.flow {
                            tr {
                                th scope="row" { (step.step.replace('-', " ")) " (" (step.of) ")" }
                                td.n { (step.count) }
                                td { @for (at, (why, count)) in step.left.iter().enumerate() { @if at > 0 { ", " } (count) " " (label(Some(reasons), why)) } }
                            }
                        }
                    }
                }
            }
            @if !left.is_empty() {
                h3 { "Left out, and why (overcoverage of the lists)" }
                p { "A group with two reasons counts with both." }
                (bars("left", "Groups left out by reason", &left))
                (table("Groups left out by reason", &["Reason", "Groups"], &cells(&left)))
            }
            @if !open.is_empty() {
                h3 { "Undecided, and what is missing" }
                (table("Groups undecided by what is missing", &["Missing", "Groups"], &cells(&open)))
            }
            @if !report.criteria.is_empty() {
                h3 { "What is known of each criterion" }
                (table("Criteria, of the groups in the area", &["Criterion", "Met", "Not met", "Not known"], &report.criteria.iter().map(|one| {
                    (label(Some(vocabulary::criteria()), &one.criterion), vec![one.met.to_string(), one.not_met.to_string(), one.unknown.to_string()])
                }).collect::<Vec<_>>()))
            }
        }
    }
}

fn missed(coverage: &Coverage) -> Markup {
    html! {
        section {
            h2 { "How many groups all lists miss (undercoverage)" }
            (side(&coverage.strict, "strict", ""))
            @if let Some(loose) = &coverage.loose {
                h3 { "If every likely pair is one group" }
                p {
                    (coverage.likely) " pairs of units are likely one group, and nobody has answered yet. With all of them joined:"
                    @if let Some(ratio) = coverage.ratio { " the lower bound is " (format!("{:.0} %", ratio * 100.0)) " of what it is above." }
                }
                (side(loose, "loose", ", likely pairs joined"))
            }
        }
    }
}

/// `also` tells captions of the one from those of the other: two regions of one name are one too many for who hears the page.
fn side(side: &Side, id: &str, also: &str) -> Markup {
    let sizes: Vec<(String, usize)> =
        side.lists.iter().zip(&side.sizes).map(|(list, size)| (list.clone(), *size as usize)).collect();
    let patterns: Vec<(String, Vec<String>)> = side
        .patterns
        .iter()
        .map(|(pattern, count)| (super::assess::pattern_words(pattern, &side.lists), vec![count.to_string()]))
        .collect();
    html! {
        @match side.found.assessment() {
            Some(found) => p.lead { (super::assess::at_least(found)) },
            None => @if let super::assess::Found::Refused { because, .. } = &side.found {
                p.note { "Nothing can be said of how many are missed. " (because) "." }
            },
        }
        p { (side.seen) " units were seen by " (sizes.len()) " independent lists." }
        (bars(&format!("{id}-lists"), &format!("Units by list{also}"), &sizes))
        @if !patterns.is_empty() { (table(&format!("Units by combination of lists{also}"), &["Seen by", "Units"], &patterns)) }
        @if !side.joined.is_empty() {
            p { "Counted as one list, because one was made from another:" }
            ul { @for one in &side.joined { li { (super::assess::joined_words(one)) } } }
        }
        @if let Some(found) = side.found.assessment() { (figures(found, side, also)) }
    }
}

fn figures(found: &Assessment, side: &Side, also: &str) -> Markup {
    let whole = |value: f64| format!("{value:.0}");
    html! {
        @if !found.pairs.is_empty() {
            (table(&format!("Two lists at a time (Chapman): to look at, never to report{also}"), &["Pair", "On both", "Estimate", "From", "To"], &found.pairs.iter().map(|pair| {
                let name = |at: usize| side.lists.get(at).cloned().unwrap_or_default();
                (format!("{} and {}", name(pair.a), name(pair.b)), vec![pair.both.to_string(), whole(pair.chapman), whole(pair.limits.0), whole(pair.limits.1)])
            }).collect::<Vec<_>>()))
        }
        @match &found.family {
            Ok(family) => {
                (table(&format!("Models, the smallest BIC first{also}"), &["Model", "Estimate", "From", "To", "BIC"], &family.rows.iter().map(|row| {
                    let limits = row.profile.map(|profile| (whole(profile.low), profile.high.map_or("no limit".to_owned(), whole)));
                    let (low, high) = limits.unwrap_or_default();
                    (row.model.clone(), vec![whole(row.total), low, high, format!("{:.1}", row.bic)])
                }).collect::<Vec<_>>()))
                p { (super::assess::spread(found)) }
            }
            Err(refusal) => p.note { "No model: " (refusal) "." },
        }
        @match &found.coverage {
            Ok(cover) => p { "Sample coverage " (format!("{:.0} %", cover.c * 100.0)) ": estimates " (whole(cover.n0)) ", " (whole(cover.n1)) " and " (whole(cover.n)) "." },
            Err(_) => {},
        }
        @for caution in &found.cautions { p.note { (caution.words()) "." } }
    }
}

fn fresh(report: &Report) -> Markup {
    let currency = &report.currency;
    html! {
        section {
            h2 { "How fresh it is (currency)" }
            p { (percent(currency.within_a_year)) " of the units were checked in the twelve months before " (report.definition.as_of) "." }
            (bars("checked", "Units by time since their last check", &currency.bands))
            (table("Units by time since their last check", &["Last checked", "Units"], &cells(&currency.bands)))
            @if let (Some(median), Some(oldest)) = (currency.median_days, currency.oldest_days) {
                p { "Of those that were checked: half within " (median) " days, the longest ago " (oldest) " days." }
            }
        }
    }
}

fn unique(report: &Report) -> Markup {
    html! {
        section {
            h2 { "Whether a group stands there twice (uniqueness)" }
            @if let Some(ratio) = report.records_per_group { p { (format!("{ratio:.2}")) " records were joined into each group." } }
            @if let Some(likely) = report.likely_duplicates {
                p { (likely) " pairs of units are likely one group and wait for an answer (" code { "mutuald review" } ")." }
            }
        }
    }
}

fn complete(report: &Report) -> Markup {
    let known: Vec<(String, Vec<String>)> = report
        .completeness
        .iter()
        .map(|one| (one.dimension.clone(), vec![one.known.count.to_string(), percent(one.known)]))
        .collect();
    html! {
        section {
            h2 { "What is known for strata (completeness)" }
            (table("Units with a known value", &["Dimension", "Units", "Share"], &known))
            @for one in report.completeness.iter().filter(|one| !one.values.is_empty()) {
                @let values = counted(&one.values, None);
                (bars(&format!("by-{}", one.dimension), &format!("Units by {}", one.dimension), &values))
                (table(&format!("Units by {}", one.dimension), &["Value", "Units"], &cells(&values)))
            }
            p { "Before a table like these is released: cells of fewer than five groups can name a group to who knows the town." }
        }
    }
}

fn reached(report: &Report) -> Markup {
    html! {
        @if let Some(reach) = &report.contactability {
            @let rows = [("By what everybody may know", reach.public), ("By a role contact only", reach.role_only), ("Not, as far as is known here", reach.none)];
            section {
                h2 { "Whether units can be reached (contactability)" }
                (table("How units can be reached", &["How", "Units", "Share"], &rows.map(|(name, part)| (name.to_owned(), vec![part.count.to_string(), percent(part)]))))
            }
        }
    }
}

fn from_where(report: &Report) -> Markup {
    let sources: Vec<(String, usize)> = report.sources.iter().map(|one| (one.source.clone(), one.units)).collect();
    html! {
        section {
            h2 { "What each source brings" }
            p { (report.single_source.count) " units (" (percent(report.single_source)) ") are known from one source only." }
            (bars("sources", "Units by source", &sources))
            (table("Units by source", &["Source", "Units", "Only here", "Also elsewhere"], &report.sources.iter().map(|one| {
                (one.source.clone(), vec![one.units.to_string(), one.only_here.to_string(), one.also_elsewhere.to_string()])
            }).collect::<Vec<_>>()))
        }
    }
}

/// What is said of groups that must not be listed.
pub fn withheld(report: &Report) -> String {
    let many =
        report.withheld.map(|n| format!("{n} records are of groups that must not be listed. They stand in no frame."));
    let few =
        || format!("Groups that must not be listed stand in no frame, and fewer than {} are not counted.", cells::K);
    many.unwrap_or_else(few)
}

fn kept_back(report: &Report) -> Markup {
    html! {
        section {
            h2 { "Conflicts, and what is withheld" }
            @if let Some(conflicts) = report.conflicts {
                p { (conflicts.count) " units (" (percent(conflicts)) ") have a field in which records contradict each other." }
            }
            p { (withheld(report)) }
        }
    }
}
