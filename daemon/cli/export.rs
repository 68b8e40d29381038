//! `mutuald export`

use super::output::count;
use super::{Answer, Context, Failure, list};
use crate::exchange::print::{self, By, Style};
use crate::exchange::{ExportRow, export, geojson, open_referral};
use crate::node::Hub;
use crate::node::groups::{self, One, Reader, words::vocabularies};
use crate::record::Group;
use crate::record::safety::{self, Level};
use crate::registry::sighting;
use crate::store::lookup;
use anyhow::Context as _;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// Write groups into a spreadsheet, a map file, a directory to print or Open Referral UK: every group of the registry, or
/// this hub's own records
///
/// The spreadsheet has the shape of the template. An export of this hub's own records that is imported again changes nothing.
#[derive(Debug, clap::Args)]
pub struct Export {
    /// The file to write; its ending chooses the format: .csv, .xlsx, .geojson, .html (to print) or .json (Open Referral UK)
    file: PathBuf,
    /// The format, whatever the ending
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// By what a directory to print is divided
    #[arg(long, value_enum, default_value_t = By::Area)]
    by: By,
    /// Print in large letters
    #[arg(long)]
    large_print: bool,
    /// Only the records of one of this hub's lists
    #[arg(long, value_name = "TITLE")]
    list: Option<String>,
    /// Only this hub's own records
    #[arg(long, conflicts_with = "list")]
    own: bool,
    /// Every group of the registry (this is what happens without an option)
    #[arg(long, conflicts_with_all = ["list", "own"])]
    all: bool,
    /// Write over a file that is there
    #[arg(long)]
    force: bool,
}

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A spreadsheet as text
    Csv,
    /// A spreadsheet
    Xlsx,
    /// A map file
    Geojson,
    /// A directory to print, as a web page without anything around it
    Print,
    /// Open Referral UK 3.0
    OpenReferral,
}

impl Format {
    fn of(file: &Path) -> Option<Format> {
        let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_lowercase();
        Some(match ending.as_str() {
            "csv" => Format::Csv,
            "xlsx" => Format::Xlsx,
            "geojson" => Format::Geojson,
            "html" | "htm" => Format::Print,
            "json" => Format::OpenReferral,
            _ => return None,
        })
    }
}

#[derive(Serialize)]
struct Written {
    file: PathBuf,
    groups: usize,
    withheld: usize,
    ended: usize,
}

impl fmt::Display for Written {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} in {}", count(self.groups as u64, "group", "groups"), self.file.display())?;
        if self.withheld > 0 {
            write!(out, "; {} left out, because only their hub may know them", self.withheld)?;
        }
        if self.ended > 0 {
            write!(out, "; {} left out, because they have ended", self.ended)?;
        }
        Ok(())
    }
}

impl Export {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let format = self.format.or_else(|| Format::of(&self.file)).ok_or_else(|| {
            let what =
                format!("{} has none of the endings .csv, .xlsx, .geojson, .html and .json", self.file.display());
            Failure::usage(what, "mutuald export groups.xlsx")
        })?;
        writable(&self.file, self.force)?;
        let hub = context.hub().await?;
        let rows = self.rows(hub).await?;
        let all = rows.len();
        let mut ended = 0;
        let (bytes, withheld) = match format {
            Format::Geojson => {
                let (collection, withheld) = geojson::collection(rows);
                (format!("{collection:#}\n").into_bytes(), withheld)
            }
            Format::OpenReferral => {
                let (package, withheld) = open_referral::package(rows, &vocabularies());
                (format!("{package:#}\n").into_bytes(), withheld)
            }
            Format::Print => {
                let today = hub.clock.today(&hub.config.time_zone().context("hub.time_zone")?);
                let style = Style { hub: &hub.name, today, by: self.by, large: self.large_print };
                let directory = print::directory(rows, &style, &vocabularies());
                ended = directory.ended;
                (directory.html.into_bytes(), directory.withheld)
            }
            Format::Csv => {
                let sheet = export::sheet(rows, &vocabularies());
                (sheet.grid.csv().into_bytes(), sheet.withheld)
            }
            Format::Xlsx => {
                let sheet = export::sheet(rows, &vocabularies());
                (sheet.grid.xlsx()?, sheet.withheld)
            }
        };
        std::fs::write(&self.file, &bytes).with_context(|| format!("cannot write {}", self.file.display()))?;
        // An erasure has to find it.
        hub.wrote(&self.file, if self.own || self.list.is_some() { "own" } else { "all" }, Some(&bytes)).await?;
        let groups = all - withheld - ended;
        Answer::of(&Written { file: self.file, groups, withheld, ended })
    }

    async fn rows(&self, hub: &Hub) -> anyhow::Result<Vec<ExportRow>> {
        let mut db = hub.store.read().await?;
        if self.own || self.list.is_some() {
            let lists = groups::own_lists(hub, &mut db).await?;
            let wanted = match &self.list {
                None => None,
                Some(title) => Some(list::named(&lists, title)?.ok_or_else(|| {
                    Failure::usage(format!("no list is called {title:?}"), "`mutuald list show` shows all")
                })?),
            };
            let own = groups::own_records(hub, &mut db).await?;
            let kept = own.into_iter().filter(|one| wanted.is_none_or(|(id, _)| one.group.list == Some(*id)));
            let kept: Vec<One> = kept.collect();
            // Another hub's word may protect more than our own record does.
            let numbers: Vec<i64> = kept.iter().filter_map(|one| one.row.group).collect();
            let levels: BTreeMap<i64, Level> = lookup::groups(&mut db, &numbers)
                .await?
                .into_iter()
                .map(|row| (row.n, Level::of(&row.level)))
                .collect();
            let guarded = |one: One| {
                let level = one.row.group.and_then(|n| levels.get(&n)).copied().unwrap_or(Level::Open);
                let stated = Level::stated(&one.group);
                let group = if level > stated { guarded(&one.group, level) } else { one.group.clone() };
                One { group, ..one }
            };
            return Ok(kept
                .into_iter()
                .map(guarded)
                .map(|One { row, group, .. }| ExportRow {
                    record_id: row.rec.to_string(),
                    id: row.rec,
                    group,
                    ..ExportRow::default()
                })
                .collect());
        }
        let numbers = lookup::all(&mut db).await?;
        let reader = Reader::new(hub, &mut db).await?;
        let mut rows = Vec::with_capacity(numbers.len());
        for row in lookup::groups(&mut db, &numbers).await? {
            let known = reader.read(&mut db, row).await?;
            // Only a group that nobody else speaks of is one of our records as it stands: with its id, an import of the
            // file would make others' words ours.
            let record_id = match &known.members[..] {
                [one] if one.own() => one.row.rec.to_string(),
                _ => String::new(),
            };
            let mut listed_by: Vec<String> = known.members.iter().map(One::whose).collect();
            listed_by.sort_unstable();
            listed_by.dedup();
            let mut group = known.merged.group();
            group.sightings = match &known.members[..] {
                [one] if one.own() => one.group.sightings.clone(),
                members => {
                    let told = members.iter().map(|one| (one.record, &one.group, one.checked()));
                    sighting::passed_on(told, hub.id)
                }
            };
            rows.push(ExportRow { record_id, id: known.merged.id.rec, listed_by, group });
        }
        Ok(rows)
    }
}

/// A record as a more protective level than its own lets it be known. Its words were written for less.
fn guarded(group: &Group, level: Level) -> Group {
    let mut coarse = safety::coarse(group, level.min(Level::ContactFirst), false);
    coarse.safety = Some(level.label().to_owned());
    coarse
}

/// Refuses to write over somebody's file.
///
/// # Errors
/// The file is there, and nobody said that it may go.
pub fn writable(file: &Path, force: bool) -> anyhow::Result<()> {
    if file.exists() && !force {
        let what = format!("{} is there already; nothing was written", file.display());
        return Err(Failure::new(what, "choose another name, or add --force to write over it").into());
    }
    Ok(())
}
