//! `mutuald review`

mod screen;
mod sitting;
mod text;
mod view;

use super::group::{published, refused};
use super::output::count;
use super::{Answer, Context, Failure};
use crate::node::groups::say::SayError;
use crate::node::groups::{Known, One, Reader};
use crate::node::review::letter::{Letter, letters};
use crate::node::review::question::{self, Question};
use crate::node::review::{Ends, Filter, Memory, SITTING, labels, queue};
use crate::node::{Hub, Said};
use crate::record::RecordRef;
use crate::record::statement::Judgement;
use anyhow::Context as _;
use jiff::civil::Date;
use serde::Serialize;
use std::fmt;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// Decide whether two entries are one group: the questions that matter most, side by side
///
/// Without a further word, in a terminal, this fills the screen; otherwise it lists the questions. What stays open does
/// no harm. Every answer is signed, partner hubs see it, and it can be taken back.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Review {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    which: Which,
    /// Keep back what the program thinks of a question until it is answered
    #[arg(long)]
    blind: bool,
    /// Write letters to other hubs into this file instead of the terminal
    #[arg(long, value_name = "FILE")]
    letters: Option<PathBuf>,
}

/// Which questions.
#[derive(Debug, Clone, Copy, clap::Args)]
struct Which {
    /// Only about groups that this hub lists itself
    #[arg(long)]
    mine: bool,
    /// All questions, also those about which another hub was written to
    #[arg(long, conflicts_with = "limit")]
    all: bool,
    /// How many questions; 0 for all
    #[arg(long, default_value_t = SITTING, value_name = "N")]
    limit: usize,
}

impl Which {
    fn filter(self) -> Filter {
        let limit = if self.all || self.limit == 0 { usize::MAX } else { self.limit };
        Filter { mine: self.mine, written: self.all, limit }
    }
}

/// What to do with a question. Numbers are those of the last list.
#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List the questions, what matters most first, and number them
    List(Which),
    /// Show a question: both sides field by field, why it is asked, what an answer would change
    Show(Shown),
    /// They are one group
    Same(Number),
    /// They are two groups
    Different(Number),
    /// Looked at, and not clear: it is not asked again
    Unsure(Number),
    /// A is a branch of B
    BranchOf(Directed),
    /// A is hosted by B
    HostedBy(Directed),
    /// A was succeeded by B
    SucceededBy(Directed),
    /// Two groups that meet in one venue
    SameVenue(Number),
    /// Take one entry out of its group: it is none of the others
    LeaveOut(LeaveOut),
    /// Write a text to the hub whose entry it is; nothing is sent
    Ask(Ask),
    /// Take back the last answer
    Undo,
    /// Write this hub's answers into a CSV file, for `linkage evaluate` and `linkage fit`
    Export(Export),
}

#[derive(Debug, Clone, Copy, clap::Args)]
struct Number {
    /// Number of the question
    #[arg(value_name = "N")]
    number: usize,
}

#[derive(Debug, clap::Args)]
struct Shown {
    #[command(flatten)]
    number: Number,
    /// Keep back what the program thinks of it until it is answered
    #[arg(long)]
    blind: bool,
}

#[derive(Debug, clap::Args)]
struct Directed {
    #[command(flatten)]
    number: Number,
    /// The other way round: B of A
    #[arg(long)]
    turned: bool,
}

#[derive(Debug, clap::Args)]
struct LeaveOut {
    /// Number of a question, or a group's name
    which: String,
    /// The entry, by its letter (A2, B1); without it, the entries are listed
    entry: Option<String>,
}

#[derive(Debug, clap::Args)]
struct Ask {
    #[command(flatten)]
    number: Number,
    /// Write it into this file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Export {
    /// The file to write
    file: PathBuf,
    /// Write over a file that is there
    #[arg(long)]
    force: bool,
}

#[derive(Serialize)]
struct Listed {
    open: u64,
    open_own: u64,
    questions: Vec<Line>,
    #[serde(skip)]
    empty: &'static str,
}

#[derive(Serialize)]
struct Line {
    number: usize,
    a: String,
    b: String,
    own: bool,
    near: bool,
    held: bool,
    score: i32,
    weight: i64,
    why: String,
    written: Option<Date>,
}

impl fmt::Display for Listed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.questions.is_empty() {
            return out.write_str(self.empty);
        }
        for line in &self.questions {
            writeln!(out, "{:>3}  {}\n     {}\n       {}", line.number, line.a, line.b, line.why)?;
            if let Some(day) = line.written {
                writeln!(out, "       the other hub was written to on {}", day.strftime("%-d %B %Y"))?;
            }
        }
        let open = count(self.open, "question is open", "questions are open");
        writeln!(out, "\n{open}, {} about groups of this hub. None of them must be answered.", self.open_own)?;
        out.write_str("look: mutuald review show N    answer: mutuald review same N, different N, unsure N")
    }
}

#[derive(Serialize)]
struct Answered {
    a: String,
    b: String,
    judgement: &'static str,
    one_group: bool,
    said: Said,
    #[serde(skip)]
    hint: &'static str,
}

impl fmt::Display for Answered {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let now = if self.one_group { "one group" } else { "two groups" };
        let judgement = self.judgement.replace('-', " ");
        writeln!(out, "{}\n{}\n  {judgement}: the registry has them as {now}.", self.a, self.b)?;
        if !self.hint.is_empty() {
            writeln!(out, "  {}", self.hint)?;
        }
        writeln!(out, "{}", published(&self.said))?;
        out.write_str("`mutuald review undo` takes it back.")
    }
}

#[derive(Serialize)]
struct TakenBack {
    pairs: Vec<(RecordRef, RecordRef)>,
    said: Said,
}

impl fmt::Display for TakenBack {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "Taken back: {}.", count(self.pairs.len() as u64, "judgement", "judgements"))?;
        out.write_str(&published(&self.said))
    }
}

#[derive(Serialize)]
struct LeftOut {
    left_out: String,
    from: usize,
    said: Said,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let others = count(self.from as u64, "other entry", "other entries");
        writeln!(out, "{}\n  is a group of its own now: kept apart from {others}.", self.left_out)?;
        writeln!(out, "{}", published(&self.said))?;
        out.write_str("`mutuald review undo` takes it back.")
    }
}

#[derive(Serialize)]
struct Written {
    letters: Vec<Letter>,
    file: Option<PathBuf>,
}

impl fmt::Display for Written {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(file) => write!(out, "Written to {}. Nothing was sent.", file.display()),
            None => self.letters.iter().try_for_each(|letter| writeln!(out, "{letter}")),
        }
    }
}

#[derive(Serialize)]
struct Exported {
    file: PathBuf,
    labels: usize,
}

impl fmt::Display for Exported {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} in {}", count(self.labels as u64, "answer", "answers"), self.file.display())
    }
}

/// A record as people tell it apart.
fn name(one: &One) -> String {
    format!("{} ({})", one.group.name, one.whose())
}

/// Writes letters below what a file says already.
fn append(file: &Path, letters: &[Letter]) -> anyhow::Result<()> {
    use std::io::Write;
    let open = std::fs::OpenOptions::new().create(true).append(true).open(file);
    let mut open = open.with_context(|| format!("cannot write {}", file.display()))?;
    letters.iter().try_for_each(|letter| writeln!(open, "{letter}"))?;
    Ok(())
}

impl Review {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let Some(verb) = self.verb else {
            let terminal = std::io::stdout().is_terminal() && std::io::stdin().is_terminal();
            return if terminal && !context.json {
                sitting::sit(context, self.which.filter(), self.blind, self.letters.as_deref()).await
            } else {
                list(context, self.which.filter()).await
            };
        };
        match verb {
            Verb::List(which) => list(context, which.filter()).await,
            Verb::Show(Shown { number, blind }) => {
                let (_, question) = asked(context, number.number).await?;
                Answer::of(&view::View::of(&question, Some(number.number), blind))
            }
            Verb::Same(Number { number }) => answer(context, number, Judgement::Same, false).await,
            Verb::Different(Number { number }) => answer(context, number, Judgement::Different, false).await,
            Verb::Unsure(Number { number }) => answer(context, number, Judgement::Unsure, false).await,
            Verb::SameVenue(Number { number }) => answer(context, number, Judgement::SameVenue, false).await,
            Verb::BranchOf(which) => answer(context, which.number.number, Judgement::BranchOf, which.turned).await,
            Verb::HostedBy(which) => answer(context, which.number.number, Judgement::HostedBy, which.turned).await,
            Verb::SucceededBy(which) => {
                answer(context, which.number.number, Judgement::SucceededBy, which.turned).await
            }
            Verb::LeaveOut(which) => leave_out(context, which).await,
            Verb::Ask(which) => ask(context, which).await,
            Verb::Undo => {
                let undone = context.hub().await?.undo().await.map_err(undoing)?;
                Answer::of(&TakenBack { pairs: undone.pairs, said: undone.said })
            }
            Verb::Export(which) => export(context, which).await,
        }
    }
}

/// Nothing to undo is an error with a next step of its own.
fn undoing(error: anyhow::Error) -> anyhow::Error {
    match error.downcast_ref::<SayError>() {
        Some(SayError::NothingToUndo) => Failure::new(
            "there is no answer that could be taken back",
            "`mutuald link A B --undo` takes back what was said with `mutuald link`",
        )
        .into(),
        Some(error) => refused(error),
        None => error,
    }
}

async fn list(context: &Context, filter: Filter) -> anyhow::Result<Answer> {
    let hub = context.hub().await?;
    let mut db = hub.store.read().await?;
    let reader = Reader::new(hub, &mut db).await?;
    let found = queue(&mut db, &reader, filter).await?;
    let memory = Memory::read(&mut db).await?;
    let mut questions = Vec::with_capacity(found.ends.len());
    for (at, (ends, asked)) in found.ends.iter().zip(&found.open.first).enumerate() {
        let Some(question) = Question::load(&mut db, &reader, *ends).await? else { continue };
        let entry = |one: Option<&One>, known: &Known| {
            let place = if known.row.place.is_empty() { String::new() } else { format!(", {}", known.row.place) };
            let more = match known.members.len() {
                1 => String::new(),
                many => format!(" and {} more", many - 1),
            };
            format!("{}{place} ({}{more})", known.merged.name(), one.map(One::whose).unwrap_or_default())
        };
        questions.push(Line {
            number: at + 1,
            a: entry(question.one(), &question.left),
            b: entry(question.other(), &question.right),
            own: asked.own,
            near: asked.near,
            held: asked.held,
            score: asked.score,
            weight: asked.weight,
            why: question.words(),
            written: memory.written(ends),
        });
    }
    drop(db);
    hub.review_shown(&found.ends).await?;
    let empty = if filter.mine {
        "No question is open about groups that this hub lists."
    } else {
        "No question is open: no two entries look as if they could be one group and are not."
    };
    let (open, open_own) = (found.open.total, found.open.own);
    let look = !questions.is_empty();
    Ok(Answer::of(&Listed { open, open_own, questions, empty })?.look_if(look))
}

/// The question of a number, as it was last listed.
async fn asked(context: &Context, number: usize) -> anyhow::Result<(&Hub, Question)> {
    let hub = context.hub().await?;
    let mut db = hub.store.read().await?;
    let reader = Reader::new(hub, &mut db).await?;
    let mut shown = Memory::read(&mut db).await?.shown;
    if shown.is_empty() {
        shown = queue(&mut db, &reader, Filter::default()).await?.ends;
        hub.review_shown(&shown).await?;
    }
    let ends: Option<&Ends> = number.checked_sub(1).and_then(|at| shown.get(at));
    let ends = *ends.ok_or_else(|| {
        let what = format!("there is no question {number}; the last list has {}", shown.len());
        Failure::usage(what, "`mutuald review list` lists and numbers them")
    })?;
    let question = Question::load(&mut db, &reader, ends).await?;
    let gone = || Failure::new("one of the two entries is gone", "`mutuald review list` makes a new list");
    Ok((hub, question.ok_or_else(gone)?))
}

async fn answer(context: &Context, number: usize, judgement: Judgement, turned: bool) -> anyhow::Result<Answer> {
    let (hub, question) = asked(context, number).await?;
    let said = hub.answer(&question, judgement, turned).await?;
    let after = again(hub, question.ends).await?;
    let one_group = after.is_some_and(|after| after.one_group);
    let hint = match (judgement, one_group) {
        (Judgement::Same, false) => "Another decision keeps them apart: `mutuald group why` says which.",
        (Judgement::Same | Judgement::Unsure, _) | (_, false) => "",
        (_, true) => "Another decision holds them together: `mutuald group why` says which.",
    };
    let (mut a, mut b) = (question.one().map(name).unwrap_or_default(), question.other().map(name).unwrap_or_default());
    if turned {
        std::mem::swap(&mut a, &mut b);
    }
    Answer::of(&Answered { a, b, judgement: judgement.label(), one_group, said, hint })
}

/// The question as it is now.
async fn again(hub: &Hub, ends: Ends) -> anyhow::Result<Option<Question>> {
    let mut db = hub.store.read().await?;
    let reader = Reader::new(hub, &mut db).await?;
    Ok(Question::load(&mut db, &reader, ends).await?)
}

async fn leave_out(context: &Context, which: LeaveOut) -> anyhow::Result<Answer> {
    let entry = which.entry.map(|entry| entry.trim().to_uppercase());
    let hub = context.hub().await?;
    let sides = match which.which.trim().parse::<usize>() {
        Ok(number) => {
            let (_, question) = asked(context, number).await?;
            vec![question.left, question.right]
        }
        Err(_) => {
            let mut db = hub.store.read().await?;
            vec![context.group(hub, &mut db, &which.which).await?]
        }
    };
    let entries = sides.iter().enumerate().flat_map(|(side, known)| {
        known.members.iter().enumerate().map(move |(at, one)| (question::letter(side, at), known, one))
    });
    let entries: Vec<_> = entries.collect();
    let Some((_, known, one)) = entries.iter().find(|(letter, ..)| Some(letter) == entry.as_ref()) else {
        let all: Vec<String> = entries.iter().map(|(letter, _, one)| format!("  {letter}  {}", name(one))).collect();
        let what = format!("which entry is to be left out must be said:\n{}", all.join("\n"));
        return Err(Failure::usage(what, format!("mutuald review leave-out '{}' A1", which.which)).into());
    };
    let said = hub.leave_out(known, one.record).await.map_err(undoing)?;
    Answer::of(&LeftOut { left_out: name(one), from: known.members.len() - 1, said })
}

/// Nobody but this hub can answer.
const NOBODY: &str = "both entries are this hub's own: there is no other hub to ask";

async fn ask(context: &Context, which: Ask) -> anyhow::Result<Answer> {
    let (hub, question) = asked(context, which.number.number).await?;
    let mut db = hub.store.read().await?;
    let letters = letters(hub, &mut db, &question).await?;
    drop(db);
    if letters.is_empty() {
        return Err(Failure::new(NOBODY, "`mutuald review show` shows what the two say").into());
    }
    if let Some(file) = &which.out {
        append(file, &letters)?;
        hub.wrote(file, "all", None).await?;
    }
    hub.review_written(question.ends).await?;
    Answer::of(&Written { letters, file: which.out })
}

async fn export(context: &Context, which: Export) -> anyhow::Result<Answer> {
    super::export::writable(&which.file, which.force)?;
    let hub = context.hub().await?;
    let mut db = hub.store.read().await?;
    let reader = Reader::new(hub, &mut db).await?;
    let (bytes, labels) = labels::export(&mut db, &reader).await?;
    std::fs::write(&which.file, &bytes).with_context(|| format!("cannot write {}", which.file.display()))?;
    drop(db);
    hub.wrote(&which.file, "all", Some(&bytes)).await?;
    Answer::of(&Exported { file: which.file, labels })
}
