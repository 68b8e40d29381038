//! `mutuald export`

use super::output::count;
use super::{Answer, Context, Failure, list};
use crate::exchange::{ExportRow, export, geojson};
use crate::node::Hub;
use crate::node::groups::{self, One, Reader, words::vocabularies};
use crate::store::lookup;
use anyhow::Context as _;
use serde::Serialize;
use std::fmt;
use std::path::{Path, PathBuf};

/// Write groups into a spreadsheet or a map file: every group of the registry, or this hub's own records
///
/// The spreadsheet has the shape of the template. An export of this hub's own records that is imported again changes nothing.
#[derive(Debug, clap::Args)]
pub struct Export {
    /// The file to write; its ending chooses the format: .csv, .xlsx or .geojson
    file: PathBuf,
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

#[derive(Serialize)]
struct Written {
    file: PathBuf,
    groups: usize,
    withheld: usize,
}

impl fmt::Display for Written {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} in {}", count(self.groups as u64, "group", "groups"), self.file.display())?;
        if self.withheld > 0 {
            write!(out, "; {} left out, because only their hub may know them", self.withheld)?;
        }
        Ok(())
    }
}

impl Export {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let ending = self.file.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_lowercase();
        if !["csv", "xlsx", "geojson"].contains(&ending.as_str()) {
            let what = format!("{} has none of the endings .csv, .xlsx and .geojson", self.file.display());
            return Err(Failure::usage(what, "mutuald export groups.xlsx").into());
        }
        writable(&self.file, self.force)?;
        let hub = context.hub().await?;
        let rows = self.rows(hub).await?;
        let all = rows.len();
        let (bytes, withheld) = match ending.as_str() {
            "geojson" => {
                let (collection, withheld) = geojson::collection(rows);
                (format!("{collection:#}\n").into_bytes(), withheld)
            }
            format => {
                let sheet = export::sheet(rows, &vocabularies());
                let bytes = if format == "csv" { sheet.grid.csv().into_bytes() } else { sheet.grid.xlsx()? };
                (bytes, sheet.withheld)
            }
        };
        std::fs::write(&self.file, bytes).with_context(|| format!("cannot write {}", self.file.display()))?;
        Answer::of(&Written { file: self.file, groups: all - withheld, withheld })
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
            return Ok(kept
                .map(|One { row, group, .. }| ExportRow { record_id: row.rec.to_string(), group })
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
            rows.push(ExportRow { record_id, group: known.merged.group() });
        }
        Ok(rows)
    }
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
