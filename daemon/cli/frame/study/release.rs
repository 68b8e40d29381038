//! `mutuald frame study release`

use super::{kept, noted, said};
use crate::cli::output::{Status, count, lines, table};
use crate::cli::{Answer, Context, Failure};
use crate::frame::cells::{self, Bands, Check, Coarser};
use crate::frame::fieldwork::{Event, FieldError, OUTCOME, SITE};
use crate::node::frames::study::Kept;
use anyhow::Context as _;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

/// What may be shown of a sample. Without --commit nothing is written.
#[derive(Debug, clap::Args)]
pub struct Release {
    /// The study
    study: String,
    /// The CSV file to write, which must not be there yet
    file: PathBuf,
    /// What is shown of each group beside its number: focus, age, affiliation, community, area, site, outcome; again for more
    #[arg(long, required = true, value_name = "DIMENSION")]
    show: Vec<String>,
    /// Fewest groups that may share all that is shown
    #[arg(long, default_value_t = cells::K)]
    k: usize,
    /// Show it in the coarser bands that are proposed
    #[arg(long)]
    coarser: bool,
    /// Release it although cells are too small, for this reason
    #[arg(long, value_name = "REASON", conflicts_with = "coarser")]
    despite: Option<String>,
    /// Write the file
    #[arg(long)]
    commit: bool,
}

#[derive(Serialize)]
struct Released {
    study: String,
    file: PathBuf,
    groups: usize,
    columns: Vec<String>,
    /// What was released before and is not shown again: who has both files has both, by study number.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    before: Vec<String>,
    #[serde(flatten)]
    check: Check,
    written: bool,
}

impl fmt::Display for Released {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Check { k, small, proposal } = &self.check;
        let groups = count(self.groups as u64, "group", "groups");
        writeln!(out, "{groups} of {}, by study number and {}", self.study, self.columns.join(", "))?;
        if !self.before.is_empty() {
            let before = self.before.join(", ");
            writeln!(out, "Released before, and counted with it, because the numbers join the files: {before}")?;
        }
        if small.is_empty() {
            writeln!(out, "At least {k} groups share all that is shown of any.")?;
        } else {
            let cells = count(small.len() as u64, "cell has", "cells have");
            writeln!(out, "{cells} fewer than {k} groups: whoever knows the area may know which groups these are.")?;
            let shows: Vec<&String> = self.columns.iter().chain(&self.before).collect();
            let names: Vec<String> = shows.iter().copied().chain([&"groups".to_owned()]).cloned().collect();
            let mut shown = table(&names.iter().map(String::as_str).collect::<Vec<_>>());
            for cell in small {
                let mut row: Vec<String> =
                    shows.iter().map(|name| cell.shown.get(*name).cloned().unwrap_or_default()).collect();
                row.push(cell.count.to_string());
                shown.add_row(row);
            }
            writeln!(out, "{}", lines(&shown))?;
            for Coarser { dimension, banding, left } in proposal {
                let how = if banding.is_some() { "in coarser bands" } else { "not at all" };
                writeln!(out, "proposed: {dimension} {how}; then {left} cells are too small")?;
            }
        }
        if self.written {
            return write!(out, "Written to {}. No id, name or ticket is in it.", self.file.display());
        }
        if small.is_empty() {
            write!(out, "Nothing was written. With --commit it is.")
        } else {
            write!(out, "Nothing was written. --coarser shows it as proposed, --despite REASON as it is.")
        }
    }
}

/// How values may be banded: an area as its site.
fn bands(kept: &Kept) -> BTreeMap<String, Bands> {
    let area = |unit| (kept.study.value(unit, "area"), kept.study.value(unit, SITE));
    let sites: BTreeMap<String, String> = kept.study.units.iter().map(area).collect();
    BTreeMap::from([("area".to_owned(), Bands(vec![sites]))])
}

impl Release {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let known = kept(context, &self.study).await?;
        let field = known.field()?;
        if !field.numbered {
            return Err(said(FieldError::NotNumbered.into()));
        }
        let mut allowed = known.study.dimensions();
        allowed.insert(OUTCOME.to_owned());
        let wanted: BTreeSet<&String> = self.show.iter().collect();
        if let Some(wrong) = self.show.iter().find(|one| !allowed.contains(*one)) {
            let all: Vec<String> = allowed.into_iter().collect();
            let what = format!("{wrong:?} is nothing that is known of this study's groups");
            return Err(Failure::usage(what, format!("--show with one of: {}", all.join(", "))).into());
        }
        if wanted.len() < self.show.len() {
            return Err(Failure::usage("the same is to be shown twice", "name each --show once").into());
        }
        if self.file.exists() {
            let what = format!("{} is there already; nothing was written", self.file.display());
            return Err(Failure::new(what, "name a file that is not there").into());
        }
        if self.k < cells::K && self.despite.is_none() {
            let what = format!("cells of fewer than {} groups are to be released without a reason", cells::K);
            return Err(Failure::usage(what, "--despite REASON, or leave --k out").into());
        }
        let bands = bands(&known);
        // Who has an earlier file has its columns beside these, by study number.
        let mut out: BTreeSet<String> = known
            .entries
            .iter()
            .filter_map(|entry| match &entry.event {
                Event::Released { shown, .. } => Some(shown),
                _ => None,
            })
            .flatten()
            .cloned()
            .collect();
        if self.show.iter().all(|one| out.contains(one)) {
            // What is out already, or less of it, tells nothing new beside the other columns.
            out.clear();
        }
        let before: Vec<String> = out.iter().filter(|one| !wanted.contains(one)).cloned().collect();
        let all: Vec<String> = self.show.iter().chain(&before).cloned().collect();
        let mut units = field.shown(&all);
        let mut check = cells::check(&units, &bands, self.k, &out);
        if self.coarser {
            units = cells::coarsened(&units, &bands, &check.proposal);
            check = cells::check(&units, &bands, self.k, &out);
        }
        let left = |name: &&String| units.first().is_some_and(|unit| unit.contains_key(*name));
        let columns: Vec<String> = self.show.iter().filter(left).cloned().collect();
        let sound = check.small.is_empty() || self.despite.is_some();
        let write = self.commit && sound;
        if write {
            let mut rows: Vec<(usize, &cells::Shown)> = field
                .units
                .iter()
                .zip(&units)
                .filter_map(|(one, shown)| Some((*known.numbers.get(&one.unit)?, shown)))
                .collect();
            rows.sort_unstable_by_key(|(number, _)| *number);
            let why = self.despite.clone().filter(|_| !check.small.is_empty() || self.k < cells::K);
            let (shown, k, small) = (columns.clone(), self.k, check.small.len());
            let event = Event::Released { shown, k, small, why };
            // Noted before it is written: what left the hub is known here, whatever becomes of the file.
            noted(context, &self.study, &[(context.hub().await?.today()?, event)]).await?;
            let mut csv = csv::Writer::from_writer(Vec::new());
            csv.write_record(["study_number"].into_iter().chain(columns.iter().map(String::as_str)))?;
            for (number, shown) in rows {
                let number = number.to_string();
                let cells = columns.iter().map(|name| shown.get(name).map_or("", String::as_str));
                csv.write_record([number.as_str()].into_iter().chain(cells))?;
            }
            let bytes = csv.into_inner().context("the file cannot be put together")?;
            std::fs::write(&self.file, bytes).with_context(|| format!("cannot write {}", self.file.display()))?;
        }
        let groups = field.units.len();
        let answer = Answer::of(&Released {
            study: self.study,
            file: self.file,
            groups,
            columns,
            before,
            check,
            written: write,
        })?;
        Ok(if sound { answer } else { answer.ending(Status::Look) })
    }
}
