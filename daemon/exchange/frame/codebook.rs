//! The codebook for people: one page with every table and column, what it means, and how often each value stands there.

use super::table::{Column, Kind};
use super::{Export, File, draw_tables};
use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = "body{font:16px/1.5 sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#111;background:#fff}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;border-bottom:1px solid #999;padding:.3rem .6rem}\
code{font-size:.95em}.caution{border-left:.3rem solid #8a1c1c;padding-left:1rem}dt{font-weight:bold}";

/// The page.
pub fn page(export: &Export, files: &[File]) -> String {
    let (frame, origin) = (export.known.frame, &export.origin);
    let definition = &frame.definition;
    let period = definition.valid_period.map(|period| format!("{} to {}", period.from, period.to));
    let area = if definition.area.is_empty() { "everywhere".to_owned() } else { definition.area.join(", ") };
    let mut facts: Vec<(&str, String)> = vec![
        ("Universe", definition.universe.clone()),
        ("Unit", definition.unit_type.clone()),
        ("Reference period", definition.reference_period.clone()),
        ("Judged for", definition.as_of.to_string()),
        ("Area", area),
        ("Custodian", definition.custodian.clone()),
        ("Brought up to date", definition.update_procedure.clone()),
        ("Rules", format!("{}: {} ({})", frame.profile.cited(), frame.profile.title, frame.profile.citation)),
        ("Sums up topics as", definition.roll_up.clone()),
        ("Frozen", format!("{} by {} ({})", origin.frozen, origin.hub_name, origin.hub)),
        ("Licence", origin.licence.clone()),
    ];
    facts.extend(period.map(|period| ("Valid", period)));
    facts.extend(definition.use_stmt.clone().map(|text| ("Use", text)));
    facts.extend(export.digests().into_iter().map(|(what, digest)| {
        (if what == "frame" { "SHA-256 of the frame" } else { "SHA-256 of the draw" }, digest.to_owned())
    }));
    if let Some(drawn) = &export.drawn {
        let commitment = &drawn.draw.request.commitment;
        facts.push(("Sample", draw_tables::in_words(drawn)));
        facts.push(("Seed", format!("{} ({}), chosen {}", commitment.seed, commitment.how, commitment.at)));
    }
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head { meta charset="utf-8"; meta name="viewport" content="width=device-width"; title { (export.title()) ": codebook" } style { (PreEscaped(STYLE)) } }
            body {
                main {
                    h1 { (export.title()) }
                    p { (export.about()) }
                    @for caution in export.cautions() { p.caution { strong { (caution) } } }
                    dl { @for (name, value) in &facts { dt { (name) } dd { (value) } } }
                    p { "An empty cell means that nobody said anything; the value " code { "unknown" } " that somebody looked and could not tell." }
                    @for file in files { (table(file)) }
                    h2 { "The rules" }
                    table {
                        thead { tr { th { "Criterion" } th { "Must be" } th { "Otherwise left out as" } th { "Where the rule comes from" } } }
                        tbody { @for rule in &frame.profile.rules {
                            tr {
                                td { (rule.criterion) }
                                td { @match rule.must_be { crate::frame::profile::MustBe::Met => "met", crate::frame::profile::MustBe::NotMet => "not met" } }
                                td { (rule.otherwise) }
                                td { (rule.source) }
                            }
                        } }
                    }
                }
            }
        }
    };
    crate::record::direction::straight(&page.into_string()) + "\n"
}

fn table(file: &File) -> Markup {
    let File { table, tally, written } = file;
    html! {
        section {
            h2 { (table.title) " " code { (written.file) } }
            p { (table.about) " " (table.count) @if table.count == 1 { " row." } @else { " rows." } }
            table {
                thead { tr { th { "Column" } th { "Meaning" } th { "Holds" } th { "Filled" } th { "Values" } } }
                tbody { @for (column, met) in table.columns.iter().zip(tally) {
                    tr {
                        td { code { (column.name) } }
                        td { strong { (column.title) } ". " (column.about) }
                        td { (holds(column)) }
                        td { (met.filled) " of " (table.count) }
                        td { @for (value, count) in column.values.iter().zip(&met.counts) { div { code { (value.id) } " " (value.label) ": " (count) } } }
                    }
                } }
            }
        }
    }
}

fn holds(column: &Column) -> &'static str {
    match column.kind {
        Kind::Text if column.several => "values joined by “ + ”",
        Kind::Text => "text",
        Kind::Whole => "whole number",
        Kind::Number => "number",
        Kind::Yes => "true or false",
        Kind::Day => "day, YYYY-MM-DD",
    }
}
