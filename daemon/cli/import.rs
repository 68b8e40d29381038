//! `mutuald import`

mod past;

use super::export::writable;
use super::list::About;
use super::output::{count, lines, quoted, table as sheet};
use super::{Answer, Context, Failure};
use crate::exchange::guess::{self, How};
use crate::exchange::plan::{ImportPlan, Missing, Mode, Terms};
use crate::exchange::row;
use crate::exchange::table::{self, Hints};
use crate::exchange::{Mapping, Table, answer, feed, field::Field, template};
use crate::node::groups::{self, words::vocabularies};
use crate::node::imports::{self, Beside, Job, Stale, Target};
use crate::node::{Hub, Said};
use crate::store;
use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use sqlx::SqliteConnection;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

/// Take a spreadsheet or a feed's file into one of this hub's lists
///
/// Without --commit nothing is changed: the command shows what each row would do, under a name for exactly this plan. Nothing
/// is removed because it is not in the file, and the same file again changes nothing. Every import can be undone as a whole.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Import {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// The file: .xlsx, .ods, .csv, .tsv, or JSON of Open Referral UK, RPDE or Meeting Guide
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
    /// What the file is to the list
    #[arg(long, value_enum, default_value_t = Mode::Update)]
    mode: Mode,
    /// What becomes of groups that are missing from a whole list
    #[arg(long, value_enum, value_name = "WHAT")]
    missing: Option<Becomes>,
    /// Which column feeds which field, as saved before: a name or a .toml file [default: as in the list's last import, else guessed]
    #[arg(long, value_name = "NAME")]
    mapping: Option<String>,
    /// One column's field, as in --map 'Contact no=Telephone'; nothing behind the = leaves it out; may be given several times
    #[arg(long = "map", value_name = "COLUMN=FIELD")]
    map: Vec<String>,
    /// Write down which columns feed which fields, under a name or into a .toml file, and nothing else
    #[arg(long, value_name = "NAME")]
    save_mapping: Option<String>,
    /// The sheet of the workbook [default: the first]
    #[arg(long, value_name = "NAME")]
    sheet: Option<String>,
    /// The row with the headings [default: it is looked for]
    #[arg(long, value_name = "ROW")]
    header_row: Option<u32>,
    /// Only rows where this column holds this value; may be given several times
    #[arg(long = "where", value_name = "COLUMN=VALUE")]
    only: Vec<String>,
    /// Write the file again with what became of each row, in its own format, to be corrected and imported again
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Do it; with a plan's name, only if it is still that plan
    #[arg(long, value_name = "PLAN", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    commit: Option<String>,
    /// Answer for single rows how far their place may be known, as in --safety 4,9=open --safety 7=contact-first
    #[arg(long, value_name = "LINES=LEVEL")]
    safety: Vec<String>,
    /// Rows of which you have looked at words that seem to give a protected place away, and they do not, as in 4,7
    #[arg(long, value_name = "LINES", value_delimiter = ',')]
    words_ok: Vec<u32>,
    /// Do it although the list would shrink by a tenth, or many names would change
    #[arg(long)]
    even_so: bool,
    /// Write over a file that is there (--template, --save-mapping, --report)
    #[arg(long)]
    force: bool,
}

/// What was imported, and undoing it.
#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Show what was imported, newest first, with the rows of each kind
    List,
    /// Undo an import: what it added is taken back, what it changed is said again as it was
    Undo {
        /// Its number [default: the newest that was not undone]
        number: Option<i64>,
    },
}

/// What becomes of groups that are missing from a whole list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Becomes {
    /// They stay, and are asked about (`mutuald list missing`)
    Ask,
    /// They stay
    Keep,
    /// They are said to have closed
    Close,
    /// This hub no longer states them
    Withdraw,
}

impl Becomes {
    /// With the day on which they were missed.
    pub fn on(self, today: jiff::civil::Date) -> Missing {
        match self {
            Becomes::Ask => Missing::Ask,
            Becomes::Keep => Missing::Keep,
            Becomes::Close => Missing::Close(today),
            Becomes::Withdraw => Missing::Withdraw,
        }
    }
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
    /// Name of exactly this plan.
    digest: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    import: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<PathBuf>,
    columns: Vec<guess::Column>,
    plan: ImportPlan,
    #[serde(skip_serializing_if = "Option::is_none")]
    said: Option<Said>,
    #[serde(skip)]
    again: String,
}

impl fmt::Display for Imported {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let new = if self.new_list { " (a new list)" } else { "" };
        writeln!(out, "Into the list {:?}{new}:\n", self.list)?;
        // Where every heading is ours there is nothing to be doubted.
        if self.columns.iter().any(|column| ![How::Ours, How::Nothing].contains(&column.how)) {
            writeln!(out, "{}\n", columns(&self.columns))?;
        }
        writeln!(out, "{}", self.plan)?;
        if let Some(report) = &self.report {
            writeln!(out, "What became of each row is in {}.", report.display())?;
        }
        match &self.said {
            Some(said) => {
                let number = self.import.unwrap_or_default();
                writeln!(
                    out,
                    "Import {number} is done; `mutuald import undo {number}` takes it back. Signed {}.",
                    count(said.statements as u64, "statement", "statements")
                )?;
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
            None if self.plan.held.is_some() => {
                write!(out, "Nothing was changed. When you have looked: {} --even-so", self.again)
            }
            None => write!(out, "Nothing was changed yet. To do exactly this: {}", self.again),
        }
    }
}

/// The columns of a file, what they feed, and samples.
fn columns(columns: &[guess::Column]) -> String {
    let mut shown = sheet(&["column", "heading", "is taken as", "for instance"]);
    for column in columns {
        let how = match column.how {
            How::Nothing => "(not imported)".to_owned(),
            How::Ours | How::Said => column.field.clone(),
            How::Heading => format!("{} (by its heading)", column.field),
            How::Values => format!("{} (by what is in it)", column.field),
        };
        let brief = |text: &String| match text.char_indices().nth(30) {
            Some((at, _)) => format!("{}…", &text[..at]),
            None => text.clone(),
        };
        let samples: Vec<String> = column.samples.iter().map(brief).collect();
        shown.add_row([&column.letter, &column.heading, &how, &samples.join(" | ")]);
    }
    let other = "Something else is meant? --map 'HEADING=FIELD' says so, --map 'HEADING=' leaves a column out.";
    format!("{}\n{other}", lines(&shown))
}

/// `4,9=open` as the level of each line.
fn answers(given: &[String]) -> anyhow::Result<BTreeMap<u32, String>> {
    let mut found = BTreeMap::new();
    for answer in given {
        let wrong =
            || Failure::usage(format!("--safety {answer:?} is not LINES=LEVEL"), "write it as in --safety 4,9=open");
        let (lines, level) = answer.split_once('=').ok_or_else(wrong)?;
        let level = crate::node::groups::words::term("safety-levels", level.trim())
            .map_err(|next| Failure::usage(format!("the safety level {level:?} is not known"), next))?;
        for line in lines.split(',') {
            found.insert(line.trim().parse().map_err(|_| wrong())?, level.clone());
        }
    }
    Ok(found)
}

/// A file, read as a table.
struct File {
    name: String,
    table: Table,
    /// Whether it is a feed's file, whose columns nobody need look at.
    feed: bool,
}

impl Import {
    pub(super) async fn run(mut self, context: &Context) -> anyhow::Result<Answer> {
        match self.verb.take() {
            Some(Verb::List) => return past::list(context).await,
            Some(Verb::Undo { number }) => return past::undo(context, number).await,
            None => {}
        }
        if let Some(file) = self.template.take() {
            return write_template(file, self.force);
        }
        if self.missing.is_some() && self.mode != Mode::Whole {
            let what = "--missing says what becomes of groups that a whole list no longer names";
            return Err(
                Failure::usage(what, "add --mode whole if the file is the whole list, or leave out --missing").into()
            );
        }
        let saved = self.saved(context).await?;
        let file = self.read(&saved)?;
        let (mapping, said) = self.mapping(&file, saved, context).await?;
        if let Some(to) = self.save_mapping.take() {
            return save_mapping(to, mapping, &file.table, self, context).await;
        }
        let words = vocabularies();
        let mut bound = mapping.bind(&file.table.header, &words).map_err(|error| match &self.mapping {
            Some(saved) => mapping_failure(saved, &error),
            None => {
                let next = "say it with --map, as in --map 'The heading=Group name', or save the mapping and complete it: \
                            --save-mapping mapping.toml";
                Failure::new(format!("{}: {error}", file.name), next)
            }
        })?;
        bound.answers = answers(&self.safety)?;
        let reading = row::read(&file.table, &bound, &words);
        let mut columns = if file.feed { Vec::new() } else { guess::columns(&file.table, &mapping, &said, &words) };

        let hub = context.hub().await?;
        let mut db = hub.store.read().await?;
        let target = self.target(context, hub, &mut db, mapping.list.as_deref()).await?;
        let today = context.clock.today(&hub.config.time_zone().context("hub.time_zone")?);
        let missing = self.missing.unwrap_or(Becomes::Ask).on(today);
        let words_ok = self.words_ok.iter().copied().collect();
        let terms = Terms { mode: self.mode, missing, ask: true, words_ok, ..Terms::default() };
        let job = Job { reading: &reading, terms: &terms, target: &target, source: &file.name };
        let plan = imports::planned(hub, &mut db, job).await?;
        drop(db);
        let digest = plan.digest();
        if let Some(report) = &self.report {
            writable(report, self.force)?;
            let bytes = answer::file(&file.table, &plan)
                .map_err(|error| Failure::usage(error.to_string(), "leave out --report"))?;
            std::fs::write(report, bytes).with_context(|| format!("cannot write {}", report.display()))?;
            hub.wrote(report, "own", None).await?;
        }
        if !plan.protected.is_empty() || !plan.held_back.is_empty() {
            // A sample may be of a row whose place must not be known, and this is printed and saved.
            columns.iter_mut().for_each(|column| column.samples.clear());
        }
        let look = !plan.refused.is_empty()
            || !plan.held_back.is_empty()
            || !plan.to_look_at.is_empty()
            || plan.held.is_some()
            || !plan.asked.is_empty();
        let (import, said) = match &self.commit {
            Some(seen) if !digest.starts_with(seen.as_str()) => {
                let what =
                    format!("this is no longer the plan {seen}, but {digest}: file, list or records are others now");
                return Err(Failure::new(what, "look at the new plan: the same command without --commit").into());
            }
            Some(_) if plan.held.is_some() && !self.even_so => (None, None),
            Some(_) if !plan.changes_nothing() => {
                let remember = !file.feed && columns.iter().any(|column| column.how != How::Ours);
                let name = target.list.title.clone();
                let mapping = remember.then(|| (name, Mapping { only: Default::default(), ..mapping.clone() }.toml()));
                let (import, said) = commit(hub, job, &plan, Beside { mapping, source: None }).await?;
                (Some(import), Some(said))
            }
            Some(_) => {
                let mut db = hub.store.write().await?;
                imports::settle(&mut db, job, &plan, context.clock.now().as_second()).await?;
                db.commit().await?;
                (None, None)
            }
            None => (None, None),
        };
        // A file's name need not be in UTF-8.
        let arguments = std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned());
        let arguments = arguments.filter(|arg| !arg.starts_with("--commit") && arg != "--even-so");
        let again: Vec<String> = arguments.map(|arg| quoted(&arg)).collect();
        let again = format!("mutuald {} --commit={digest}", again.join(" "));
        let shown = Imported {
            list: target.list.title,
            new_list: target.new,
            committed: said.is_some(),
            digest,
            import,
            report: self.report,
            columns,
            plan,
            said,
            again,
        };
        Ok(Answer::of(&shown)?.look_if(look))
    }

    /// The mapping that was named, or the one that the list's last import was read by.
    async fn saved(&self, context: &Context) -> anyhow::Result<Option<Mapping>> {
        let text = match &self.mapping {
            Some(name) if is_file(name) => {
                Some(std::fs::read_to_string(name).with_context(|| format!("cannot read {name}"))?)
            }
            Some(name) => {
                let mut db = context.hub().await?.store.read().await?;
                let found = store::imports::mapping(&mut db, name).await?;
                if found.is_none() {
                    let all = store::imports::mappings(&mut db).await?.join(", ");
                    let next = if all.is_empty() {
                        "save one with --save-mapping NAME".to_owned()
                    } else {
                        format!("there are: {all}")
                    };
                    return Err(Failure::usage(format!("no mapping is called {name:?}"), next).into());
                }
                found
            }
            None => match &self.list {
                Some(title) if context.has_hub() => {
                    let mut db = context.hub().await?.store.read().await?;
                    store::imports::mapping(&mut db, title).await?
                }
                _ => None,
            },
        };
        let name = self.mapping.clone().or(self.list.clone()).unwrap_or_default();
        Ok(text.map(|text| Mapping::read(&text).map_err(|error| mapping_failure(&name, &error))).transpose()?)
    }

    /// Reads the file.
    fn read(&self, saved: &Option<Mapping>) -> anyhow::Result<File> {
        let file = self.file.clone().unwrap_or_default();
        let bytes = std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let name =
            file.file_name().map_or_else(|| file.display().to_string(), |name| name.to_string_lossy().into_owned());
        let start = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes).trim_ascii_start().first();
        if matches!(start, Some(b'{' | b'[')) {
            let (_, table) = feed::file(&bytes, &vocabularies()).map_err(|error| {
                Failure::new(format!("{name}: {error}"), "import the feed's own file, or a spreadsheet")
            })?;
            return Ok(File { name, table, feed: true });
        }
        let headings = saved.as_ref().map(Mapping::headings).unwrap_or_default();
        let header_row = self.header_row.or(saved.as_ref().and_then(|mapping| mapping.header_row));
        let hints = Hints { sheet: self.sheet.as_deref(), header_row, headings: &headings };
        let table = table::read_with(&name, &bytes, &hints)
            .map_err(|error| Failure::new(error.to_string(), "correct the file, and the same again"))?;
        Ok(File { name, table, feed: false })
    }

    /// The mapping for the file, and which columns of it a person named just now.
    async fn mapping(
        &self,
        file: &File,
        saved: Option<Mapping>,
        context: &Context,
    ) -> anyhow::Result<(Mapping, BTreeSet<String>)> {
        let words = vocabularies();
        let mut mapping = match saved {
            Some(saved) if self.mapping.is_some() || saved.fits(&file.table.header) => saved,
            Some(_) => {
                context.talk("The list's last import had other columns; these are guessed anew.");
                guess::mapping(&file.table, &words)
            }
            None => guess::mapping(&file.table, &words),
        };
        if self.header_row.is_some() {
            mapping.header_row = self.header_row;
        }
        let mut said = BTreeSet::new();
        for map in &self.map {
            let (heading, name) = map.rsplit_once('=').ok_or_else(|| {
                Failure::usage(
                    format!("{map:?} has no ="),
                    "write the heading, =, and our field, as in --map 'Tel=Telephone'",
                )
            })?;
            let (heading, name) = (heading.trim().to_owned(), name.trim());
            mapping.columns.remove(&heading);
            if name.is_empty() {
                mapping.ignore.push(heading);
                continue;
            }
            let field = Field::named(name, &words).ok_or_else(|| {
                let all: Vec<_> = crate::exchange::columns::columns().iter().map(|column| column.heading).collect();
                Failure::usage(
                    format!("there is no field called {name:?}"),
                    format!("the fields are: {}", all.join(", ")),
                )
            })?;
            // What was guessed for the same field gives way to what a person says.
            mapping.columns.retain(|_, key| *key != field.key());
            mapping.columns.insert(heading.clone(), field.key());
            said.insert(heading);
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
        Ok((mapping, said))
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

/// Whether a mapping is named by its file.
fn is_file(name: &str) -> bool {
    name.ends_with(".toml") || name.contains('/')
}

fn mapping_failure(name: &str, error: &crate::exchange::mapping::MappingError) -> Failure {
    Failure::new(format!("{name}: {error}"), "correct the mapping, and the same again")
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

async fn save_mapping(
    to: String,
    mut mapping: Mapping,
    table: &Table,
    import: Import,
    context: &Context,
) -> anyhow::Result<Answer> {
    mapping.list = import.list.or(mapping.list);
    let header = &table.header;
    let unknown: Vec<&String> = header
        .iter()
        .filter(|h| !h.is_empty() && !mapping.columns.contains_key(*h) && !mapping.ignore.contains(h))
        .collect();
    let mut text =
        String::from("# Which column of the file feeds which field. Left: the file's heading. Right: our field.\n");
    if !unknown.is_empty() {
        text.push_str("# Not recognised yet. Under [columns], write what they feed, or put them into `ignore = [\"…\"]` above it:\n");
        unknown.iter().for_each(|heading| text.push_str(&format!("#   {heading:?} = \"\"\n")));
        let keys: Vec<String> = crate::exchange::columns::columns().iter().map(|column| column.field.key()).collect();
        text.push_str(&format!("# The fields are: {}.\n", keys.join(", ")));
    }
    text.push_str(&mapping.toml());
    if is_file(&to) {
        writable(Path::new(&to), import.force)?;
        std::fs::write(&to, text).with_context(|| format!("cannot write {to}"))?;
    } else {
        let mut db = context.hub().await?.store.write().await?;
        store::imports::save_mapping(&mut db, &to, &text).await?;
        db.commit().await?;
    }
    let file = import.file.unwrap_or_default();
    let next = format!(
        "{} of {} columns are recognised. Complete it, then: mutuald import {} --mapping {}",
        mapping.columns.len(),
        mapping.columns.len() + unknown.len(),
        quoted(&file.display().to_string()),
        quoted(&to)
    );
    Answer::of(&Wrote { file: to.into(), next })
}

/// Carries the plan out, with a bar.
async fn commit(hub: &Hub, job: Job<'_>, plan: &ImportPlan, beside: Beside) -> anyhow::Result<(i64, Said)> {
    let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template("Signing {bar:40} {pos}/{len}")?);
    let tick = |signed: usize, all: usize| {
        bar.set_length(all as u64);
        bar.inc(signed as u64);
    };
    let done = imports::commit(hub, job, plan, beside, tick).await;
    bar.finish_and_clear();
    match done {
        Err(error) if error.is::<Stale>() => {
            Err(Failure::new(error.to_string(), "look at the new plan: the same command without --commit").into())
        }
        done => done,
    }
}
