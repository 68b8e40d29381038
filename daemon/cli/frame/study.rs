//! `mutuald frame study`

mod release;
mod shown;

use super::failed;
use crate::cli::{Answer, Context, Failure};
use crate::frame::fieldwork::{Event, Field, FieldError};
use crate::frame::sample::disposition::Outcome;
use crate::node::frames::study::{Kept, StudyError};
use anyhow::Context as _;
use jiff::civil::Date;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What becomes of a drawn sample: outcomes, replacements, response rates, study numbers, release
///
/// All of it stays at this hub. Nothing is changed in place: what was wrong is taken back, and both stay in the history.
#[derive(Debug, clap::Subcommand)]
pub enum Study {
    /// Begin fieldwork: take the study's draws from a frozen frame's folder
    Open {
        /// The folder
        folder: PathBuf,
        /// The study, as it was named in the draw
        #[arg(long)]
        study: String,
    },
    /// List the studies in the field
    List,
    /// Show who is in the field, what each answered, response rates and what they were made of
    Show {
        /// The study
        study: String,
        /// Every entry as it was noted, those that were taken back as well
        #[arg(long)]
        history: bool,
    },
    /// Note what became of a group, or of many from a CSV file
    Record(Box<Record>),
    /// Take an entry back; it stays in the history
    Undo {
        /// The study
        study: String,
        /// Its number, as `show --history` has it [default: the last one that stands]
        entry: Option<usize>,
        /// Why, in words that name nobody
        #[arg(long)]
        why: String,
    },
    /// Let the next of the reserve take the place of a group that will not or cannot take part
    Replace {
        /// The study
        study: String,
        /// The group whose place is free
        group: String,
        /// Issue it; without this only who is next is shown
        #[arg(long)]
        commit: bool,
    },
    /// Give every group in the field its study number, once, when no more replacements are to come
    Number {
        /// The study
        study: String,
        /// Give them; a number that was given is never changed
        #[arg(long)]
        commit: bool,
    },
    /// Write what may be shown of the sample, by study number; warns of cells that are too small
    Release(Box<release::Release>),
}

/// What became of a group.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("what").required(true).multiple(true)))]
pub struct Record {
    /// The study
    study: String,
    /// The group: its name, its unit id, or its study number
    #[arg(required_unless_present = "from", conflicts_with = "from")]
    group: Option<String>,
    /// What became of the coordinator's interview
    #[arg(long, group = "what", value_name = "OUTCOME", value_parser = outcome)]
    coordinator: Option<Outcome>,
    /// What became of the members' discussion
    #[arg(long, group = "what", value_name = "OUTCOME", value_parser = outcome)]
    members: Option<Outcome>,
    /// What became of both
    #[arg(long, group = "what", value_name = "OUTCOME", value_parser = outcome, conflicts_with_all = ["coordinator", "members"])]
    both: Option<Outcome>,
    /// Why, where it was refused or does not belong; in words that name nobody
    #[arg(long, conflicts_with = "from")]
    reason: Option<String>,
    /// The day [default: today]
    #[arg(long)]
    date: Option<Date>,
    /// A CSV file with the columns group, day, coordinator, members, reason
    #[arg(long, group = "what", value_name = "FILE", conflicts_with_all = ["coordinator", "members", "both"])]
    from: Option<PathBuf>,
    /// With --from: note it; without this only what would be noted is shown
    #[arg(long, requires = "from")]
    commit: bool,
}

/// The words for outcomes.
const OUTCOMES: &str =
    "not-approached, invited, no-contact, refused, partial, complete, ineligible, closed, duplicate or unsafe";

fn outcome(text: &str) -> Result<Outcome, String> {
    serde_json::from_value(serde_json::json!(text.trim())).map_err(|_| format!("say {OUTCOMES}"))
}

impl Study {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        match self {
            Study::Open { folder, study } => {
                let hub = context.hub().await?;
                hub.refresh().await?;
                let opened = hub.open_study(&folder, &study).await.map_err(|error| match error.downcast() {
                    Ok(error) => said(error),
                    Err(error) => failed(error, &folder),
                })?;
                Answer::of(&shown::Opened::of(&opened))
            }
            Study::List => Answer::of(&shown::List::of(&context.hub().await?.studies().await?)?),
            Study::Show { study, history } => {
                let kept = kept(context, &study).await?;
                Answer::of(&shown::Shown::of(context, &kept, history).await?)
            }
            Study::Record(record) => record.run(context).await,
            Study::Undo { study, entry, why } => {
                let known = kept(context, &study).await?;
                let gone = known.field()?.gone;
                let stands = |entry: &&crate::frame::fieldwork::Entry| {
                    let kind = matches!(entry.event, Event::Outcome { .. } | Event::Issued { .. });
                    kind && !gone.contains(&entry.n)
                };
                let last = known.entries.iter().rfind(stands).map(|entry| entry.n);
                let Some(entry) = entry.or(last) else {
                    let next = format!("`mutuald frame study show {study:?} --history` shows what was noted");
                    return Err(Failure::new("nothing is noted that could be taken back", next).into());
                };
                let events = [(context.hub().await?.today()?, Event::TakenBack { entry, why })];
                let now = noted(context, &study, &events).await?;
                Answer::of(&shown::TakenBack::of(context, &now, entry).await?)
            }
            Study::Replace { study, group, commit } => {
                let known = kept(context, &study).await?;
                let names = names(context, &known).await?;
                let field = known.field()?;
                let unit = find((&known, &field), &names, &group)?;
                let next = field.next(&unit).map_err(|error| said(error.into()))?;
                if commit {
                    let event = Event::Issued { unit: next.unit.clone(), instead_of: unit };
                    noted(context, &study, &[(context.hub().await?.today()?, event)]).await?;
                }
                Answer::of(&shown::Replaced { study, next, names, committed: commit })
            }
            Study::Number { study, commit } => {
                let hub = context.hub().await?;
                let mut known = kept(context, &study).await?;
                if commit {
                    known = hub.number_study(&study).await.map_err(explained)?;
                } else {
                    let units = known.field()?.used().len();
                    hub.study_entries(&known, &[(hub.today()?, Event::Numbered { units })]).map_err(explained)?;
                }
                Answer::of(&shown::Numbered::of(context, &known, commit).await?)
            }
            Study::Release(release) => release.run(context).await,
        }
    }
}

impl Record {
    async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let known = kept(context, &self.study).await?;
        let names = names(context, &known).await?;
        let today = context.hub().await?.today()?;
        let Some(file) = &self.from else {
            let unit = find((&known, &known.field()?), &names, self.group.as_deref().unwrap_or_default())?;
            let (coordinator, members) = (self.coordinator.or(self.both), self.members.or(self.both));
            let event = Event::Outcome { unit: unit.clone(), coordinator, members, reason: self.reason };
            let now = noted(context, &self.study, &[(self.date.unwrap_or(today), event)]).await?;
            return Answer::of(&shown::Recorded::of(&now, &names, &[unit], true)?);
        };
        let events = rows(file, &known, &names, self.date.unwrap_or(today))?;
        let hub = context.hub().await?;
        let (lines, events): (Vec<u64>, Vec<(Date, Event)>) = events.into_iter().unzip();
        let mut tried = known.clone();
        match hub.study_entries(&known, &events) {
            Ok(new) => tried.entries.extend(new),
            Err(error) => {
                // One after the other, so that the first that cannot be is named.
                for (line, event) in lines.iter().zip(&events) {
                    let new = hub.study_entries(&tried, std::slice::from_ref(event)).map_err(|error| {
                        let what = format!("{} line {line}: {error:#}; nothing was noted", file.display());
                        Failure::new(what, "correct the row and run the command again")
                    })?;
                    tried.entries.extend(new);
                }
                return Err(explained(error));
            }
        }
        let unit = |(_, event): &(Date, Event)| match event {
            Event::Outcome { unit, .. } => Some(unit.clone()),
            _ => None,
        };
        let at: Vec<String> = events.iter().filter_map(unit).collect();
        if self.commit {
            tried = noted(context, &self.study, &events).await?;
        }
        Answer::of(&shown::Recorded::of(&tried, &names, &at, self.commit)?)
    }
}

/// The rows of a CSV file, each with its line.
fn rows(
    file: &Path,
    known: &Kept,
    names: &BTreeMap<String, String>,
    today: Date,
) -> anyhow::Result<Vec<(u64, (Date, Event))>> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_path(file)
        .with_context(|| format!("cannot read {}", file.display()))?;
    const COLUMNS: [&str; 5] = ["group", "day", "coordinator", "members", "reason"];
    let header = reader.headers()?.clone();
    let heading = |text: &str| text.trim_start_matches('\u{feff}').trim().to_lowercase();
    let known_columns = header.iter().all(|text| COLUMNS.contains(&heading(text).as_str()));
    let at = |column: &str| header.iter().position(|text| heading(text) == column);
    if !known_columns || at("group").is_none() {
        let what = format!("{}: the headings are {}", file.display(), header.iter().collect::<Vec<_>>().join(", "));
        return Err(Failure::usage(what, format!("use {}; group must be there", COLUMNS.join(", "))).into());
    }
    let field = known.field()?;
    let mut all = Vec::new();
    for row in reader.into_records() {
        let row = row.with_context(|| format!("{} cannot be read", file.display()))?;
        let line = row.position().map_or(0, csv::Position::line);
        let cell = |column: &str| at(column).and_then(|at| row.get(at)).filter(|text| !text.is_empty());
        let wrong = |what: String, next: &str| {
            Failure::new(format!("{} line {line}: {what}; nothing was noted", file.display()), next)
        };
        let level = |column: &str| {
            let read = |text: &str| outcome(text).map_err(|words| wrong(format!("{column} is {text:?}"), &words));
            cell(column).map(read).transpose()
        };
        let day = match cell("day") {
            None => today,
            Some(text) => text.parse().map_err(|_| wrong(format!("{text:?} is no day"), "write 2026-10-31"))?,
        };
        let unit = find((known, &field), names, cell("group").unwrap_or_default())
            .map_err(|error| wrong(format!("{error:#}"), "name each group as `frame study show` does"))?;
        let (coordinator, members) = (level("coordinator")?, level("members")?);
        let reason = cell("reason").map(str::to_owned);
        all.push((line, (day, Event::Outcome { unit, coordinator, members, reason })));
    }
    Ok(all)
}

/// A study, or words about what there is.
pub(super) async fn kept(context: &Context, study: &str) -> anyhow::Result<Kept> {
    let hub = context.hub().await?;
    match hub.study(study).await {
        Ok(kept) => Ok(kept),
        Err(error) => match error.downcast::<StudyError>() {
            Ok(error) => {
                let open: Vec<String> = hub.studies().await?.into_iter().map(|kept| kept.study.name).collect();
                let next = if open.is_empty() {
                    "`mutuald frame study open FOLDER --study NAME` begins one".to_owned()
                } else {
                    format!("these are open: {}", open.join(", "))
                };
                Err(Failure::usage(error.to_string(), next).into())
            }
            Err(error) => Err(error),
        },
    }
}

async fn noted(context: &Context, study: &str, events: &[(Date, Event)]) -> anyhow::Result<Kept> {
    context.hub().await?.note_study(study, events).await.map_err(explained)
}

/// The names of all groups of a study.
async fn names(context: &Context, kept: &Kept) -> anyhow::Result<BTreeMap<String, String>> {
    let units = kept.study.units.iter().map(|unit| unit.id.clone()).collect();
    context.hub().await?.names_of(&units).await
}

/// The unit in the field that words mean.
fn find((kept, field): (&Kept, &Field<'_>), names: &BTreeMap<String, String>, wanted: &str) -> anyhow::Result<String> {
    let wanted = wanted.trim();
    let by_number = |unit: &&str| wanted.parse().ok().is_some_and(|n: usize| kept.numbers.get(*unit) == Some(&n));
    let units: Vec<&str> = field.units.iter().map(|one| one.unit.as_str()).collect();
    if let Some(unit) = units.iter().find(|unit| **unit == wanted || by_number(unit)) {
        return Ok((*unit).to_owned());
    }
    let lower = wanted.to_lowercase();
    let name = |unit: &str| names.get(unit).map(|name| name.to_lowercase()).unwrap_or_default();
    let mut fit: Vec<&str> = units.iter().copied().filter(|unit| name(unit) == lower).collect();
    if fit.is_empty() && !lower.is_empty() {
        fit = units.iter().copied().filter(|unit| name(unit).contains(&lower)).collect();
    }
    match fit.as_slice() {
        [unit] => Ok((*unit).to_owned()),
        [] => {
            let next = format!("`mutuald frame study show {:?}` lists who is", kept.study.name);
            Err(Failure::usage(format!("no group in the field is called {wanted:?}"), next).into())
        }
        several => {
            let list: Vec<String> = several
                .iter()
                .map(|unit| format!("  {} ({unit})", names.get(*unit).map_or("", String::as_str)))
                .collect();
            let what = format!("{wanted:?} is said of several groups in the field:\n{}", list.join("\n"));
            Err(Failure::usage(what, "use more words, or the id in brackets").into())
        }
    }
}

fn explained(error: anyhow::Error) -> anyhow::Error {
    match error.downcast::<StudyError>() {
        Ok(error) => said(error),
        Err(error) => error,
    }
}

/// What cannot be noted, with the way on.
fn said(error: StudyError) -> anyhow::Error {
    let next = match &error {
        StudyError::Person { .. } => "say the reason in words that name nobody and give no way to reach anybody",
        StudyError::Day(_) => "--date with a day from the draw to today",
        StudyError::Open(_) => "`mutuald frame study show NAME` shows it; what was noted is never thrown away",
        StudyError::Unknown(_) => "`mutuald frame study list` lists those that are open",
        StudyError::Field(error) => match error {
            FieldError::NoDraw(_) => "name the study as it was named in `mutuald frame sample --study`",
            FieldError::Disposition(_) => "--reason WORDS for a refusal; --both for what is true of the whole group",
            FieldError::NotFree(_) => {
                "note first that it refused, was lost or does not belong: `mutuald frame study record`"
            }
            FieldError::Replaced { .. } | FieldError::Rests { .. } => {
                "`mutuald frame study show NAME --history` numbers the entries; `frame study undo NAME N --why …` takes one back"
            }
            FieldError::NotNumbered => "`mutuald frame study number NAME --commit` gives them, when fieldwork is over",
            FieldError::Numbered(_) => "what was numbered stays as it is",
            FieldError::Empty(_) => "the sample stays smaller: say so beside the response rate",
            _ => "`mutuald frame study show NAME --history` shows what was noted",
        },
    };
    Failure::new(format!("{error}; nothing was noted"), next).into()
}
