//! `mutuald linkage`

use super::output::count;
use super::{Answer, Context, Failure};
use crate::node::groups::Reader;
use crate::node::review::labels::{self, Evaluated, LEAST, LEAST_OF_EACH, LabelError, Labelled};
use crate::registry::linkage::evaluate::{Share, Tally};
use crate::registry::linkage::model::{Cuts, Model};
use anyhow::Context as _;
use serde::Serialize;
use std::fmt;
use std::path::{Path, PathBuf};

/// The model by which records are taken for one group: show it, measure it, fit a new one
#[derive(Debug, clap::Subcommand)]
pub enum Linkage {
    /// Show the model in force
    Show,
    /// Measure the model on labelled pairs: how often it is right, and how many it finds
    Evaluate(Labels),
    /// Make a new model from labelled pairs, starting from the one in force; nothing changes until it is adopted
    Fit(Fit),
}

#[derive(Debug, clap::Args)]
pub struct Labels {
    /// Labels, as `mutuald review export` writes them
    labels: PathBuf,
}

#[derive(Debug, clap::Args)]
pub struct Fit {
    /// Labels, as `mutuald review export` writes them
    labels: PathBuf,
    /// The file to write
    #[arg(long, value_name = "FILE", default_value = "linkage.json")]
    out: PathBuf,
    /// Write over a file that is there
    #[arg(long)]
    force: bool,
}

#[derive(Serialize)]
struct Shown {
    title: String,
    version: u32,
    hash: String,
    shipped: bool,
    file: Option<PathBuf>,
    forms: u32,
    licence: String,
    lists: Vec<String>,
    pairs: u32,
    same: u32,
    cuts: Cuts,
}

impl fmt::Display for Shown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}, version {}", self.title, self.version)?;
        writeln!(out, "  hash     {}", self.hash)?;
        match &self.file {
            Some(file) => writeln!(out, "  from     {}", file.display())?,
            None => writeln!(out, "  from     this program")?,
        }
        writeln!(out, "  licence  {}", self.licence)?;
        writeln!(out, "  fitted   on {} labelled pairs, {} of them one group:", self.pairs, self.same)?;
        self.lists.iter().try_for_each(|list| writeln!(out, "           {list}"))?;
        let Cuts { join, ask, worst, mean, sharing, cluster, .. } = self.cuts;
        writeln!(out, "\nScores are hundredths of natural log-odds: 0 is as likely as not, 300 is 20 to 1.")?;
        writeln!(out, "  from {join:>5}  joined, if names, topics and places agree and nothing contradicts")?;
        writeln!(out, "  from {ask:>5}  asked about")?;
        writeln!(
            out,
            "  groups are not joined where any two records score below {worst}, or all on average below {mean},"
        )?;
        writeln!(out, "  nor past {cluster} records; what more than {sharing} records share joins nobody")?;
        write!(out, "\nTwo hubs with the same hash compare alike; `mutuald registry digest` covers it.")
    }
}

/// Precision or recall, with its interval.
#[derive(Serialize)]
struct Part {
    hits: u64,
    of: u64,
    value: f64,
    low: f64,
    high: f64,
}

impl Part {
    fn of(share: Share) -> Part {
        let (low, high) = share.interval();
        Part { hits: share.hits, of: share.of, value: share.value(), low, high }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.of == 0 {
            return out.write_str("none to measure");
        }
        write!(out, "{:.3}, between {:.3} and {:.3} ({} of {})", self.value, self.low, self.high, self.hits, self.of)
    }
}

#[derive(Serialize)]
struct Quality {
    precision: Part,
    recall: Part,
    f1: f64,
}

impl Quality {
    fn of(tally: Tally) -> Quality {
        Quality { precision: Part::of(tally.precision()), recall: Part::of(tally.recall()), f1: tally.f1() }
    }
}

impl fmt::Display for Quality {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "  right when it says \"one group\"  {}", self.precision)?;
        writeln!(out, "  one group, and found            {}", self.recall)
    }
}

#[derive(Serialize)]
struct Measured {
    model: String,
    labels: usize,
    same: usize,
    open: usize,
    unknown: usize,
    joined: Quality,
    joined_or_asked: Quality,
    registry: Quality,
    by_outcome: Outcomes,
}

/// Of the pairs with each outcome, those that are one group.
#[derive(Serialize)]
struct Outcomes {
    joined: Part,
    asked: Part,
    apart: Part,
}

impl Measured {
    fn of(found: &Evaluated, model: &Model) -> Measured {
        let [apart, asked, joined] = found.outcomes.map(Part::of);
        Measured {
            model: model.hash().to_owned(),
            labels: found.labels,
            same: found.same,
            open: found.open,
            unknown: found.unknown,
            joined: Quality::of(found.joined),
            joined_or_asked: Quality::of(found.asked),
            registry: Quality::of(found.registry),
            by_outcome: Outcomes { joined, asked, apart },
        }
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labels = count(self.labels as u64, "labelled pair", "labelled pairs");
        writeln!(out, "{labels}, {} of them one group. Intervals hold 19 times in 20.", self.same)?;
        if self.open + self.unknown > 0 {
            let Measured { open, unknown, .. } = self;
            writeln!(out, "Not counted: {open} on which nobody was sure, {unknown} of records that are not here.")?;
        }
        writeln!(out, "\nJoined without a person's word\n{}", self.joined)?;
        writeln!(out, "Joined, or asked about\n{}", self.joined_or_asked)?;
        writeln!(out, "The registry now, people's decisions counted\n{}", self.registry)?;
        writeln!(out, "One group, of the pairs that the model")?;
        let Outcomes { joined, asked, apart } = &self.by_outcome;
        writeln!(out, "  joins        {joined}\n  asks about   {asked}\n  leaves apart {apart}")?;
        write!(
            out,
            "\nLabels from the review are of pairs that are hard: of all pairs the model finds more, and errs less."
        )
    }
}

#[derive(Serialize)]
struct Fitted {
    file: PathBuf,
    title: String,
    version: u32,
    hash: String,
    labels: usize,
    left_out: usize,
    before: Quality,
    after: Quality,
}

impl fmt::Display for Fitted {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display();
        writeln!(out, "{}, version {}, is in {file}. Nothing has changed yet.", self.title, self.version)?;
        writeln!(out, "  hash {}", self.hash)?;
        let labels = count(self.labels as u64, "labelled pair", "labelled pairs");
        writeln!(out, "  fitted on {labels}; {} could not be used", self.left_out)?;
        writeln!(out, "\nOn the labels of it that are here (those it was fitted on: for new pairs expect less)")?;
        write!(out, "before, joined without a person's word\n{}after\n{}", self.before, self.after)?;
        writeln!(out, "\nTo adopt it, every hub that wants the same registry does the same:")?;
        writeln!(out, "  1. in hub.toml under [hub]:         linkage = \"{file}\"")?;
        writeln!(out, "  2. in the policy file under [rules]: link = \"{}\"", self.hash)?;
        write!(
            out,
            "  3. mutuald config check; then start the daemon again. All groups are linked anew at the next pull."
        )
    }
}

/// Reads a file of labels.
fn read(file: &Path) -> anyhow::Result<Vec<Labelled>> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    labels::read(&bytes).map_err(|error| wrong(file, &error))
}

fn wrong(file: &Path, error: &LabelError) -> anyhow::Error {
    let next = match error {
        LabelError::TooFew { .. } => format!(
            "answer more questions with `mutuald review`, same and different, until there are {LEAST_OF_EACH} of each and {LEAST} in all; or put files of several hubs together"
        ),
        _ => "`mutuald review export labels.csv` writes a file of the right form".to_owned(),
    };
    Failure::new(format!("{}: {error}", file.display()), next).into()
}

impl Linkage {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        match self {
            Linkage::Show => show(context),
            Linkage::Evaluate(Labels { labels }) => {
                let labelled = read(&labels)?;
                let hub = context.hub().await?;
                let mut db = hub.store.read().await?;
                let reader = Reader::new(hub, &mut db).await?;
                let model = reader.rules().policy.linkage();
                let found = labels::evaluate(&mut db, &reader, &labelled, model).await?;
                Answer::of(&Measured::of(&found, model))
            }
            Linkage::Fit(which) => fit(context, which).await,
        }
    }
}

/// Needs a configuration, and no hub: a person may look at a model before there is one.
fn show(context: &Context) -> anyhow::Result<Answer> {
    let file = context.config()?.hub.linkage;
    let model = match &file {
        Some(file) => {
            let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
            std::sync::Arc::new(Model::read(&text).with_context(|| format!("{} was not taken", file.display()))?)
        }
        None => Model::shipped(),
    };
    let said = &model.file;
    Answer::of(&Shown {
        title: said.title.clone(),
        version: said.version,
        hash: model.hash().to_owned(),
        shipped: model.hash() == Model::shipped().hash(),
        file,
        forms: said.forms,
        licence: said.licence.clone(),
        lists: said.fitted.lists.clone(),
        pairs: said.fitted.pairs,
        same: said.fitted.same,
        cuts: said.cuts,
    })
}

async fn fit(context: &Context, which: Fit) -> anyhow::Result<Answer> {
    super::export::writable(&which.out, which.force)?;
    let labelled = read(&which.labels)?;
    let hub = context.hub().await?;
    let mut db = hub.store.read().await?;
    let reader = Reader::new(hub, &mut db).await?;
    let (answers, left_out) = labels::answers(&mut db, &reader, &labelled).await?;
    let base = reader.rules().policy.linkage().clone();
    let (by, list) = (hub.name.clone(), format!("{} of {}", file_name(&which.labels), hub.name));
    let used = answers.len();
    context.talk("Fitting; with many labels this takes a minute.");
    let fitted = tokio::task::spawn_blocking(move || labels::fit(&answers, &base, &by, &list)).await?;
    let (model, text) = fitted.map_err(|error| wrong(&which.labels, &error))?;
    let before = labels::evaluate(&mut db, &reader, &labelled, reader.rules().policy.linkage()).await?;
    let after = labels::evaluate(&mut db, &reader, &labelled, &model).await?;
    std::fs::write(&which.out, text).with_context(|| format!("cannot write {}", which.out.display()))?;
    Answer::of(&Fitted {
        file: std::path::absolute(&which.out)?,
        title: model.file.title.clone(),
        version: model.file.version,
        hash: model.hash().to_owned(),
        labels: used,
        left_out,
        before: Quality::of(before.joined),
        after: Quality::of(after.joined),
    })
}

fn file_name(file: &Path) -> String {
    file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
