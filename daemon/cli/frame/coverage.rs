//! `mutuald frame coverage`

use crate::cli::output::{count, lines, table};
use crate::cli::{Answer, Context, Failure, Status};
use crate::frame::coverage::history::{Derived, Window};
use crate::frame::coverage::{Assessment, file};
use crate::frame::sample::estimate::Confidence;
use crate::node::frames::assess::{self, Coverage as Found, Side};
use crate::node::frames::report::year_to;
use jiff::civil::Date;
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;

/// How many groups a frame's lists miss together, from who saw which at first hand
///
/// A lower bound first, then a spread, never one "true number"; and a refusal with its reason where the lists cannot tell.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("what").required(true)))]
pub struct Coverage {
    /// The frame, as it is in the registry now
    #[arg(group = "what")]
    name: Option<String>,
    /// A CSV file of capture histories instead: a column for each list with 0 and 1, and `count` where a row is several groups
    #[arg(long, value_name = "FILE", group = "what")]
    table: Option<PathBuf>,
    /// First day on which a sighting counts [default: a year before the last]
    #[arg(long, value_name = "DAY", conflicts_with = "table")]
    from: Option<Date>,
    /// Last day [default: the frame's day]
    #[arg(long, value_name = "DAY", conflicts_with = "table")]
    to: Option<Date>,
    /// Count two sources as one, because one was made from the other: 'Leaflet=Library'; again for more
    #[arg(long, value_name = "SOURCE=OF", conflicts_with = "table")]
    join: Vec<String>,
    /// How sure the limits are, of a hundred: 90, 95 or 99
    #[arg(long, default_value = "95", value_parser = ["90", "95", "99"])]
    sure: String,
}

impl Coverage {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let sure = match self.sure.as_str() {
            "90" => Confidence::Ninety,
            "99" => Confidence::NinetyNine,
            _ => Confidence::NinetyFive,
        };
        let found = match (&self.table, &self.name) {
            (Some(path), _) => {
                let text = std::fs::read_to_string(path).map_err(|error| {
                    Failure::usage(format!("{} cannot be read: {error}", path.display()), "name a CSV file")
                })?;
                let read = file::read(&text);
                let table = read.map_err(|error| {
                    let what = format!("{}: {error} ({})", path.display(), error.code());
                    Failure::usage(what, "a column for each list, 1 where it has the group and 0 where not, and perhaps one called count")
                })?;
                Found::of_table(&path.display().to_string(), &table, sure)
            }
            (None, name) => {
                let plan = super::named(context, name.as_deref().unwrap_or_default()).await?;
                let together = self.join.iter().map(|text| joined(text)).collect::<anyhow::Result<Vec<_>>>()?;
                let hub = context.hub().await?;
                hub.refresh().await?;
                let default = year_to(self.to.unwrap_or(plan.definition.as_of));
                let window = Window { from: self.from.unwrap_or(default.from), to: default.to };
                if window.from > window.to {
                    let what = format!("{} is after {}", window.from, window.to);
                    return Err(Failure::usage(what, "--from with an earlier day than --to").into());
                }
                hub.cover_frame(&plan, Some(window), &together, sure).await?
            }
        };
        let refused = found.refused();
        let answer = Answer::of(&Shown(found))?;
        Ok(if refused { answer.ending(Status::Look) } else { answer })
    }
}

fn joined(text: &str) -> anyhow::Result<Derived> {
    match text.split_once('=') {
        Some((source, of)) if !source.trim().is_empty() && !of.trim().is_empty() => {
            Ok(Derived { source: source.trim().to_owned(), of: of.trim().to_owned(), how: "asked".to_owned() })
        }
        _ => Err(Failure::usage(format!("{text:?} names no two sources"), "--join 'Leaflet=Library'").into()),
    }
}

/// What was found, in text.
#[derive(Serialize)]
#[serde(transparent)]
struct Shown(Found);

impl fmt::Display for Shown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Found { population, window, strict, likely, loose, ratio, .. } = &self.0;
        match window {
            Some(window) => writeln!(
                out,
                "Seen from {} to {}, linked strictly (only what is joined is one group)",
                window.from, window.to
            )?,
            None => writeln!(out, "{population}")?,
        }
        side(out, strict)?;
        match loose {
            None if window.is_some() => {
                writeln!(out, "\nLinked loosely it is the same: no two units are likely one group and unanswered.")?
            }
            None => {}
            Some(loose) => {
                writeln!(
                    out,
                    "\nLinked loosely ({} joined that nobody has answered yet)",
                    count(*likely as u64, "likely pair", "likely pairs")
                )?;
                side(out, loose)?;
                if let Some(ratio) = ratio {
                    let words = if *ratio > 0.9 {
                        "robust"
                    } else {
                        "not robust: answer the pairs with `mutuald review` first"
                    };
                    writeln!(out, "\nThe lower bound is {:.0} % of the strict one: {words}.", ratio * 100.0)?;
                }
            }
        }
        Ok(())
    }
}

fn side(out: &mut fmt::Formatter<'_>, side: &Side) -> fmt::Result {
    let found = side.found.assessment();
    match (found, &side.found) {
        (Some(found), _) => writeln!(out, "\n{}", assess::at_least(found))?,
        (None, assess::Found::Refused { because, code }) => {
            writeln!(out, "\nNothing can be said of how many are missed: {because} ({code}).")?;
        }
        (None, assess::Found::Assessment(_)) => {}
    }
    let units = count(side.seen, "unit was", "units were");
    writeln!(out, "{units} seen by {}:", count(side.lists.len() as u64, "list", "lists"))?;
    for (at, (list, size)) in side.lists.iter().zip(&side.sizes).enumerate() {
        writeln!(out, "  {}  {list}: {size}", at + 1)?;
    }
    for one in &side.joined {
        writeln!(out, "  counted as one list: {}", assess::joined_words(one))?;
    }
    for (n, words) in [
        (side.outside, "sightings are outside these days and do not count"),
        (side.undated, "sightings have no day and count"),
        (side.unseen, "units were seen by nobody in these days"),
    ] {
        if n > 0 {
            writeln!(out, "  {n} {words}")?;
        }
    }
    if !side.patterns.is_empty() {
        let mut shown = table(&["seen by", "units"]);
        for (pattern, units) in &side.patterns {
            shown.add_row([assess::pattern_words(pattern, &side.lists), units.to_string()]);
        }
        writeln!(out, "\n{}", lines(&shown))?;
    }
    found.map_or(Ok(()), |found| figures(out, found, side))
}

fn figures(out: &mut fmt::Formatter<'_>, found: &Assessment, side: &Side) -> fmt::Result {
    if !found.pairs.is_empty() {
        writeln!(out, "\nTwo lists at a time, to look at and never to report (Chapman)")?;
        let mut shown = table(&["pair", "on both", "estimate", "from", "to"]);
        for pair in &found.pairs {
            let name = |at: usize| side.lists.get(at).map_or("", String::as_str);
            shown.add_row([
                format!("{} and {}", name(pair.a), name(pair.b)),
                pair.both.to_string(),
                format!("{:.0}", pair.chapman),
                format!("{:.0}", pair.limits.0),
                format!("{:.0}", pair.limits.1),
            ]);
        }
        writeln!(out, "{}", lines(&shown))?;
    }
    match &found.family {
        Ok(family) => {
            writeln!(out, "\nModels, the smallest BIC first")?;
            let mut shown = table(&["model", "estimate", "se", "from", "to", "df", "AIC", "BIC", ""]);
            for row in &family.rows {
                let (low, high) = row.profile.map_or((String::new(), String::new()), |profile| {
                    (
                        format!("{:.0}", profile.low),
                        profile.high.map_or("no limit".to_owned(), |high| format!("{high:.0}")),
                    )
                });
                let cautions: Vec<&str> = row.cautions.iter().map(|one| one.words()).collect();
                shown.add_row([
                    row.model.clone(),
                    format!("{:.1}", row.total),
                    format!("{:.1}", row.se),
                    low,
                    high,
                    row.df.to_string(),
                    format!("{:.1}", row.aic),
                    format!("{:.1}", row.bic),
                    cautions.join("; "),
                ]);
            }
            writeln!(out, "{}", lines(&shown))?;
            family.refused.iter().try_for_each(|(model, why)| writeln!(out, "  not {model}: {why}"))?;
            writeln!(out, "{}", assess::spread(found))?;
        }
        Err(refusal) => writeln!(out, "\nNo model: {refusal} ({}).", refusal.code())?,
    }
    match &found.coverage {
        Ok(cover) => {
            writeln!(
                out,
                "\nSample coverage {:.1} %: N0 {:.0}, N1 {:.0}, N {:.0}",
                cover.c * 100.0,
                cover.n0,
                cover.n1,
                cover.n
            )?;
        }
        // Said once above where it is the same reason.
        Err(refusal) if found.family.as_ref().err() != Some(refusal) => {
            writeln!(out, "\nNo sample coverage: {refusal} ({}).", refusal.code())?;
        }
        Err(_) => {}
    }
    found.cautions.iter().try_for_each(|one| writeln!(out, "Careful: {}.", one.words()))
}
