//! `mutuald import`

use super::export::writable;
use super::list::About;
use super::output::count;
use super::{Answer, Context, Failure};
use crate::exchange::plan::{Existing, ImportPlan, plan};
use crate::exchange::row::{self, Reading};
use crate::exchange::{Mapping, table, template};
use crate::node::author::Draft;
use crate::node::derive::Derived;
use crate::node::groups::words::vocabularies;
use crate::node::groups::{self, say};
use crate::node::{Hub, Said, init};
use crate::record::List;
use crate::record::statement::{Body, Kind};
use crate::store;
use crate::store::log::OWN;
use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use sqlx::SqliteConnection;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// Statements signed between two steps of the progress bar.
const BATCH: usize = 500;

/// Take a spreadsheet into one of this hub's lists
///
/// Without --commit nothing is changed: the command shows what each row would do. Nothing is removed because it is not in
/// the file, and the same file again changes nothing.
#[derive(Debug, clap::Args)]
pub struct Import {
    /// The spreadsheet: .csv or .xlsx
    #[arg(required_unless_present = "template")]
    file: Option<PathBuf>,
    /// Write an empty spreadsheet to fill in (.csv or .xlsx), and nothing else
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    template: Option<PathBuf>,
    /// The list that the rows belong to; a new title makes a new list [default: as in the mapping, else this hub's own]
    #[arg(long, value_name = "TITLE")]
    list: Option<String>,
    #[command(flatten)]
    about: About,
    /// Which column of the file feeds which field, as saved before
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// Write down which columns were recognised, to be completed and used with --mapping
    #[arg(long, value_name = "FILE", conflicts_with = "mapping")]
    save_mapping: Option<PathBuf>,
    /// The sheet of the workbook [default: the first]
    #[arg(long, value_name = "NAME")]
    sheet: Option<String>,
    /// Only rows where this column holds this value; may be given several times
    #[arg(long = "where", value_name = "COLUMN=VALUE")]
    only: Vec<String>,
    /// Do it
    #[arg(long)]
    commit: bool,
    /// Write over a file that is there (--template, --save-mapping)
    #[arg(long)]
    force: bool,
}

#[derive(Serialize)]
struct Wrote {
    file: PathBuf,
    #[serde(skip)]
    next: String,
}

impl fmt::Display for Wrote {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} is written. {}", self.file.display(), self.next)
    }
}

#[derive(Serialize)]
struct Imported {
    list: String,
    new_list: bool,
    committed: bool,
    plan: ImportPlan,
    #[serde(skip_serializing_if = "Option::is_none")]
    said: Option<Said>,
    #[serde(skip)]
    again: String,
}

impl fmt::Display for Imported {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let new = if self.new_list { " (a new list)" } else { "" };
        writeln!(out, "Into the list {:?}{new}:\n\n{}", self.list, self.plan)?;
        match &self.said {
            Some(said) => {
                writeln!(out, "Signed {}.", count(said.statements as u64, "statement", "statements"))?;
                writeln!(
                    out,
                    "They belong to {} of the registry, {} of them from several records; hubs or lists disagree in {}.",
                    count(said.derived.groups, "group", "groups"),
                    said.derived.joined,
                    said.derived.in_conflict
                )?;
                match &said.published {
                    Some(published) => write!(out, "Published; partner hubs find {} statements.", published.size),
                    None => write!(out, "Not published: the settings have no [publish]."),
                }
            }
            None if self.plan.changes_nothing() => write!(out, "There is nothing to do. Nothing was changed."),
            None => write!(out, "Nothing was changed yet. To do this: {}", self.again),
        }
    }
}

impl Import {
    pub(super) async fn run(mut self, context: &Context) -> anyhow::Result<Answer> {
        if let Some(file) = self.template.take() {
            return write_template(file, self.force);
        }
        let file = self.file.clone().unwrap_or_default();
        let bytes = std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let name =
            file.file_name().map_or_else(|| file.display().to_string(), |name| name.to_string_lossy().into_owned());
        let table = table::read(&name, &bytes, self.sheet.as_deref())
            .map_err(|error| Failure::new(error.to_string(), "correct the file, and the same again"))?;
        let words = vocabularies();
        let mut mapping = match &self.mapping {
            None => Mapping::guess(&table.header, &words),
            Some(saved) => {
                let text =
                    std::fs::read_to_string(saved).with_context(|| format!("cannot read {}", saved.display()))?;
                Mapping::read(&text).map_err(|error| mapping_failure(saved, &error))?
            }
        };
        if let Some(to) = self.save_mapping.take() {
            return save_mapping(to, mapping, &table.header, self);
        }
        for only in &self.only {
            let (column, value) = only.split_once('=').ok_or_else(|| {
                Failure::usage(
                    format!("{only:?} has no ="),
                    "write the column, =, and the value, as in --where 'Region=East'",
                )
            })?;
            mapping.only.insert(column.trim().to_owned(), value.trim().to_owned());
        }
        let bound = mapping.bind(&table.header, &words).map_err(|error| match &self.mapping {
            Some(saved) => mapping_failure(saved, &error),
            None => {
                let next = format!(
                    "mutuald import '{}' --save-mapping mapping.toml, complete that file, then use --mapping",
                    file.display()
                );
                Failure::new(format!("{name}: {error}"), next)
            }
        })?;
        let reading = row::read(&table, &bound, &words);

        let hub = context.hub().await?;
        let mut db = hub.store.read().await?;
        let target = self.target(context, hub, &mut db, mapping.list.as_deref()).await?;
        let planned = planned(hub, &mut db, &reading, target.id).await?;
        drop(db);
        let look = !planned.refused.is_empty() || !planned.held_back.is_empty();
        let said = if self.commit && !planned.changes_nothing() {
            Some(commit(context, hub, &reading, &planned, &target).await?)
        } else {
            None
        };
        let again: Vec<String> = std::env::args().skip(1).map(|arg| quoted(&arg)).collect();
        let again = format!("mutuald {} --commit", again.join(" "));
        let shown = Imported {
            list: target.list.title,
            new_list: target.new,
            committed: said.is_some(),
            plan: planned,
            said,
            again,
        };
        Ok(Answer::of(&shown)?.look_if(look))
    }

    /// The list that the rows belong to.
    async fn target(
        &self,
        context: &Context,
        hub: &Hub,
        db: &mut SqliteConnection,
        mapped: Option<&str>,
    ) -> anyhow::Result<Target> {
        let lists = groups::own_lists(hub, db).await?;
        let Some(title) = self.list.as_deref().or(mapped) else {
            let own = lists.into_iter().find(|(_, list)| list.kind == crate::record::list::OWN);
            let (id, list) =
                own.ok_or_else(|| Failure::usage("this hub has no list of its own", "name one with --list"))?;
            if !self.about.is_empty() {
                let what = "--kind, --licence, --derived-from and --holds-duplicates say what a new list is";
                return Err(Failure::usage(what, "name the new list with --list").into());
            }
            return Ok(Target { id, list, new: false });
        };
        // Here a part of a title is not enough: a slip would put the rows into another list.
        let exact = lists.into_iter().find(|(_, list)| list.title.to_lowercase() == title.trim().to_lowercase());
        match exact {
            Some((id, list)) if self.about.is_empty() || self.about.list(&list.title)? == list => {
                Ok(Target { id, list, new: false })
            }
            Some((_, list)) => {
                let what = format!("the list {:?} is there already and was described otherwise", list.title);
                Err(Failure::usage(
                    what,
                    "leave out --kind, --licence, --derived-from and --holds-duplicates, or give a new title",
                )
                .into())
            }
            None => Ok(Target { id: context.chance.id(), list: self.about.list(title)?, new: true }),
        }
    }
}

/// Where the rows go.
struct Target {
    id: Uuid,
    list: List,
    new: bool,
}

fn mapping_failure(file: &Path, error: &crate::exchange::mapping::MappingError) -> Failure {
    Failure::new(format!("{}: {error}", file.display()), "correct the mapping, and the same again")
}

fn write_template(file: PathBuf, force: bool) -> anyhow::Result<Answer> {
    writable(&file, force)?;
    let words = vocabularies();
    let bytes = match file.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_lowercase().as_str() {
        "csv" => template::csv(&words).into_bytes(),
        "xlsx" => template::xlsx(&words)?,
        _ => {
            let what = format!("{} ends neither in .csv nor in .xlsx", file.display());
            return Err(Failure::usage(what, "mutuald import --template groups.xlsx").into());
        }
    };
    std::fs::write(&file, bytes).with_context(|| format!("cannot write {}", file.display()))?;
    let next = format!(
        "Fill it in, one group a row, then look what it would do: mutuald import {}",
        quoted(&file.display().to_string())
    );
    Answer::of(&Wrote { file, next })
}

fn save_mapping(to: PathBuf, mut mapping: Mapping, header: &[String], import: Import) -> anyhow::Result<Answer> {
    writable(&to, import.force)?;
    mapping.list = import.list.or(mapping.list);
    let unknown: Vec<&String> = header.iter().filter(|h| !h.is_empty() && !mapping.columns.contains_key(*h)).collect();
    let mut text =
        String::from("# Which column of the file feeds which field. Left: the file's heading. Right: our field.\n");
    if !unknown.is_empty() {
        text.push_str("# Not recognised yet. Under [columns], write what they feed, or put them into `ignore = [\"…\"]` above it:\n");
        unknown.iter().for_each(|heading| text.push_str(&format!("#   {heading:?} = \"\"\n")));
        let keys: Vec<String> = crate::exchange::columns::columns().iter().map(|column| column.field.key()).collect();
        text.push_str(&format!("# The fields are: {}.\n", keys.join(", ")));
    }
    text.push_str(&mapping.toml());
    std::fs::write(&to, text).with_context(|| format!("cannot write {}", to.display()))?;
    let file = import.file.unwrap_or_default();
    let next = format!(
        "{} of {} columns are recognised. Complete it, then: mutuald import {} --mapping {}",
        mapping.columns.len(),
        mapping.columns.len() + unknown.len(),
        quoted(&file.display().to_string()),
        quoted(&to.display().to_string())
    );
    Answer::of(&Wrote { file: to, next })
}

/// The plan against what this hub says now.
async fn planned(hub: &Hub, db: &mut SqliteConnection, reading: &Reading, list: Uuid) -> anyhow::Result<ImportPlan> {
    let own = groups::own_records(hub, db).await?;
    let existing: Vec<Existing> = own.iter().map(say::existing).collect();
    Ok(plan(reading, &existing, list, &vocabularies()))
}

/// Carries the plan out: in one transaction, and only if it is still the same plan in there.
async fn commit(
    context: &Context,
    hub: &Hub,
    reading: &Reading,
    shown: &ImportPlan,
    target: &Target,
) -> anyhow::Result<Said> {
    let mut db = hub.store.write().await?;
    if planned(hub, &mut db, reading, target.id).await? != *shown {
        db.rollback().await?;
        let what = "this hub's records changed while the file was read; nothing was imported";
        return Err(Failure::new(what, "look at the new plan: the same command without --commit").into());
    }
    let recs: Vec<Uuid> = shown.changed.iter().map(|changed| changed.rec).collect();
    let rows = store::record::get_many(&mut db, OWN, &recs).await?;
    let revs: BTreeMap<Uuid, u64> = rows.into_iter().map(|row| (row.rec, row.state.rev)).collect();
    let put = |id, rev, json| Draft { id, rev, body: Body::Put(Kind::Record), public: Some(json) };
    let mut drafts = Vec::with_capacity(1 + shown.new.len() + shown.changed.len());
    if target.new {
        drafts.push(init::list(target.id, 1, &target.list)?);
    }
    drafts.extend(shown.new.iter().map(|new| put(context.chance.id(), 1, new.group.json())));
    for changed in &shown.changed {
        let rev = revs.get(&changed.rec).copied().unwrap_or(changed.rev);
        drafts.push(put(changed.rec, rev + 1, changed.group.json()));
    }
    let bar =
        ProgressBar::new(drafts.len() as u64).with_style(ProgressStyle::with_template("Signing {bar:40} {pos}/{len}")?);
    let first = store::log::by_number(&mut db, OWN).await?.context("this database holds no hub")?.held;
    for batch in drafts.chunks(BATCH) {
        hub.say_in(&mut db, batch).await?;
        bar.inc(batch.len() as u64);
    }
    bar.finish_and_clear();
    // What the batches say of themselves does not add up: a group may be written in one and again in a later one.
    let (groups, joined, in_conflict) = store::lookup::put_since(&mut db, first).await?;
    let records = (shown.new.len() + shown.changed.len()) as u64;
    let derived = Derived { records, groups, joined, in_conflict };
    // All rows or none: a crash before this line leaves the list as it was.
    db.commit().await?;
    let published = hub.publish().await.context(
        "the rows are signed and in the registry, but could not be published; the next import or edit, or the daemon, does it",
    )?;
    Ok(Said { statements: drafts.len(), derived, published })
}

/// An argument as one types it.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./=:,@+".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
