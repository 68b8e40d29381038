//! `mutuald frame report`

use crate::cli::output::{count, lines, table};
use crate::cli::{Answer, Context, Failure};
use crate::node::frames::page::percent;
use crate::node::frames::report::{Whole, alone};
use crate::node::frames::verify::Opened;
use crate::node::frames::{assess, page};
use crate::record::vocabulary;
use anyhow::Context as _;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// How good a frame is: how fresh, complete, unique and reachable, what each source brings, and what all miss
#[derive(Debug, clap::Args)]
pub struct Report {
    /// The frame as it is in the registry now; or the folder of a frozen one, of which less can be said
    frame: String,
    /// Write a page that stands alone, with plots: no script, nothing to fetch, made to print
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write over a file that is there
    #[arg(long)]
    force: bool,
}

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    whole: Whole,
    #[serde(skip_serializing_if = "Option::is_none")]
    html: Option<PathBuf>,
}

impl Report {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        if let Some(path) = self.html.as_ref().filter(|path| path.exists() && !self.force) {
            let what = format!("{} is there already; nothing was written", path.display());
            return Err(Failure::new(what, "name another file, or add --force").into());
        }
        let folder = PathBuf::from(&self.frame);
        let whole = if folder.is_dir() {
            let Opened { checked, frame, .. } = super::opened(&folder)?;
            let none =
                || Failure::new(format!("{} holds no frame", folder.display()), "name the folder of a frozen frame");
            let frame = frame.ok_or_else(none)?;
            let digest = checked.digest.unwrap_or_default();
            let today = context.clock.now().to_zoned(jiff::tz::TimeZone::UTC).date();
            let mut names = names(context).await;
            names.extend(checked.hub.zip(checked.hub_name));
            alone(&frame, &digest, &names, today)
        } else {
            let plan = super::named(context, &self.frame).await?;
            let hub = context.hub().await?;
            hub.refresh().await?;
            hub.report_frame(&plan).await?
        };
        if let Some(path) = &self.html {
            std::fs::write(path, page::page(&whole)).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Answer::of(&Shown { whole, html: self.html })
    }
}

/// Names of hubs, where a hub is here: a frozen frame's report needs none.
async fn names(context: &Context) -> BTreeMap<crate::record::HubId, String> {
    match context.hub().await {
        Ok(hub) => hub.hub_names().await.unwrap_or_default(),
        Err(_) => BTreeMap::new(),
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Whole { report, coverage, .. } = &self.whole;
        let row = |out: &mut fmt::Formatter<'_>, name: &str, value: String| writeln!(out, "{name:<18}{value}");
        writeln!(
            out,
            "{}, judged for {} by {}\n",
            report.definition.sample_frame_name, report.definition.as_of, report.profile
        )?;
        row(out, "units", report.units.to_string())?;
        let left: usize =
            report.flow.iter().filter(|step| step.of == "groups").skip(1).flat_map(|step| step.left.values()).sum();
        row(out, "left or open", format!("{left} groups; `mutuald frame build` says why"))?;
        row(
            out,
            "checked in a year",
            format!("{} ({})", report.currency.within_a_year.count, percent(report.currency.within_a_year)),
        )?;
        if let (Some(median), Some(oldest)) = (report.currency.median_days, report.currency.oldest_days) {
            row(out, "days since check", format!("half within {median}, the longest ago {oldest}"))?;
        }
        if let Some(ratio) = report.records_per_group {
            row(out, "records a group", format!("{ratio:.2}"))?;
        }
        if let Some(likely) = report.likely_duplicates {
            row(out, "likely twice", format!("{} wait for an answer", count(likely as u64, "pair", "pairs")))?;
        }
        if let Some(reach) = &report.contactability {
            let parts =
                [("by everybody", reach.public), ("by a role contact only", reach.role_only), ("not", reach.none)];
            let words: Vec<String> = parts.iter().map(|(how, part)| format!("{how} {}", part.count)).collect();
            row(out, "reached", words.join(", "))?;
        }
        if let Some(conflicts) = report.conflicts {
            row(out, "conflicts", format!("{} units ({})", conflicts.count, percent(conflicts)))?;
        }
        row(out, "withheld", page::withheld(report))?;
        let mut known = table(&["known for strata", "units", "share"]);
        for one in &report.completeness {
            known.add_row([one.dimension.clone(), one.known.count.to_string(), percent(one.known)]);
        }
        writeln!(out, "\n{}", lines(&known))?;
        let mut criteria = table(&["criterion", "met", "not met", "not known"]);
        for one in &report.criteria {
            let label = vocabulary::criteria().get(&one.criterion).map_or(&one.criterion, |term| &term.label);
            criteria.add_row([label.clone(), one.met.to_string(), one.not_met.to_string(), one.unknown.to_string()]);
        }
        writeln!(out, "\n{}", lines(&criteria))?;
        let mut sources = table(&["source", "units", "only here", "also elsewhere"]);
        for one in &report.sources {
            sources.add_row([
                one.source.clone(),
                one.units.to_string(),
                one.only_here.to_string(),
                one.also_elsewhere.to_string(),
            ]);
        }
        writeln!(out, "\n{}", lines(&sources))?;
        if let Some(coverage) = coverage {
            match &coverage.strict.found {
                assess::Found::Assessment(found) => writeln!(out, "\n{}", assess::at_least(found))?,
                assess::Found::Refused { because, .. } => {
                    writeln!(out, "\nNothing can be said of how many are missed: {because}.")?;
                }
            }
            writeln!(
                out,
                "`mutuald frame coverage {}` shows how far that carries.",
                report.definition.sample_frame_name
            )?;
        }
        match &self.html {
            Some(path) => write!(out, "\nWritten to {}.", path.display()),
            None => write!(out, "\n--html FILE writes it as a page with plots."),
        }
    }
}
