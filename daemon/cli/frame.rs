//! `mutuald frame`

mod cite;
mod coverage;
mod define;
mod diff;
mod export;
mod gather;
mod publish;
mod report;
mod sample;
mod shown;
mod study;
mod uses;

use super::{Answer, Context, Failure, Status};
use crate::frame::eligibility::{Decision, Verdict};
use crate::frame::frozen::Frame as Built;
use crate::node::frames::verify::Opened;
use crate::node::frames::{self, Plan, verify};
use crate::record::HubId;
use jiff::civil::Date;
use std::path::{Path, PathBuf};

/// Sampling frames: which groups a study takes, by written rules; freeze that, draw from it, and check it
///
/// The order of a study: define, build (look at the accounts), decide what is undecided, freeze, sample, study. A frozen frame is a folder
/// that anybody can check with `mutuald frame verify`.
#[derive(Debug, clap::Subcommand)]
pub enum Frame {
    /// Say what a frame is: area, day, rules, and who keeps it
    Define(Box<define::Define>),
    /// List the frames that are defined here, and those that this hub and partner hubs have published
    List,
    /// Show a frame's definition, its rules and what people decided
    Show {
        /// Its name
        name: String,
    },
    /// Judge every group of the registry and show what became of each record; nothing is kept
    Build {
        /// Its name
        name: String,
        /// Count what another profile would take as well: a name, or a file
        #[arg(long, value_name = "PROFILE")]
        against: Option<String>,
        /// List the groups of which nobody can say whether they belong, with what is missing
        #[arg(long)]
        undecided: bool,
    },
    /// Decide whether a group belongs, against or where the rules cannot say
    #[command(group(clap::ArgGroup::new("verdict").required(true)))]
    Decide {
        /// The frame
        name: String,
        /// The group
        group: String,
        /// It belongs
        #[arg(long, group = "verdict")]
        include: bool,
        /// It does not, for this reason (`duplicate`, `unverifiable`, `opted-out-of-research`, `boundary-case-excluded`, …)
        #[arg(long, group = "verdict", value_name = "REASON")]
        exclude: Option<String>,
        /// In what role this is decided; never a name
        #[arg(long, default_value = "researcher")]
        role: String,
        /// Why, in words that name nobody
        #[arg(long)]
        why: String,
        /// The day of the decision [default: today]
        #[arg(long)]
        date: Option<Date>,
    },
    /// Write the frame as it is now into a new folder, signed by this hub, never to be changed
    Freeze {
        /// Its name
        name: String,
        /// The folder, which must not be there yet
        folder: PathBuf,
    },
    /// Draw a sample from a frozen frame, with a seed that was chosen after it was frozen
    Sample(Box<sample::Sample>),
    /// Write a frozen frame, and a sample, for researchers' programs: CSV with codebook, XLSX, Parquet, DDI, CSVW, RO-Crate; needs no hub
    Export(export::Export),
    /// Bring draws that other hubs made from their copies of a frozen frame into one folder, and show the order they make together
    Gather(gather::Gather),
    /// What becomes of a drawn sample: outcomes, replacements, response rates, study numbers, release
    #[command(subcommand)]
    Study(study::Study),
    /// Check a frozen frame and every draw from it; needs no hub, database or configuration
    Verify {
        /// The folder
        folder: PathBuf,
        /// The hub that must have signed (h-…)
        #[arg(long, value_name = "HUB-ID")]
        hub: Option<HubId>,
        /// Compare it with what its hub published; this needs a hub that follows that one
        #[arg(long)]
        published: bool,
    },
    Report(report::Report),
    Coverage(coverage::Coverage),
    Diff(diff::Diff),
    Publish(publish::Publish),
    Withdraw(publish::Withdraw),
    Cite(cite::Cite),
    #[command(subcommand)]
    Use(uses::Uses),
}

async fn named(context: &Context, name: &str) -> anyhow::Result<Plan> {
    let all = context.hub().await?.frames().await?;
    let names: Vec<String> = all.iter().map(|plan| plan.definition.sample_frame_name.clone()).collect();
    all.into_iter().find(|plan| plan.definition.sample_frame_name == name).ok_or_else(|| {
        let next = match names.as_slice() {
            [] => "no frame is defined here; `mutuald frame define` defines one".to_owned(),
            names => format!("these are: {}", names.join(", ")),
        };
        Failure::usage(format!("no frame is called {name:?}"), next).into()
    })
}

/// A frozen frame's folder that is as its hubs signed it, or words about what is wrong with it.
fn opened(folder: &Path) -> anyhow::Result<Opened> {
    frames::open(folder).map_err(|error| failed(error, folder))
}

/// What went wrong with a frozen frame's folder.
fn failed(error: anyhow::Error, folder: &Path) -> anyhow::Error {
    let next = format!(
        "name the folder that `mutuald frame freeze` wrote; `mutuald frame verify {}` says whether it is whole",
        folder.display()
    );
    Failure::new(format!("{error:#}"), next).into()
}

/// What is said where words may be somebody's own, or what was said otherwise.
fn personal(error: anyhow::Error, otherwise: &str) -> anyhow::Error {
    let next = match error.downcast_ref::<frames::Personal>() {
        Some(_) => "say it in words that name nobody and give no way to reach anybody",
        None => otherwise,
    };
    Failure::usage(format!("{error:#}"), next).into()
}

async fn built(context: &Context, plan: &Plan) -> anyhow::Result<Built> {
    let hub = context.hub().await?;
    hub.refresh().await?;
    hub.build_frame(plan).await
}

impl Frame {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        match self {
            Frame::Define(define) => define.run(context).await,
            Frame::List => publish::list(context.hub().await?).await,
            Frame::Show { name } => {
                let plan = named(context, &name).await?;
                let hub = context.hub().await?;
                let mut db = hub.store.read().await?;
                let frozen = crate::store::frame::frozen(&mut db, &name).await?;
                Answer::of(&shown::Whole { plan, decisions: hub.frame_decisions(&name).await?, frozen })
            }
            Frame::Build { name, against, undecided } => {
                let plan = named(context, &name).await?;
                let other = against.map(|against| define::profile(&against)).transpose()?;
                let frame = built(context, &plan).await?;
                let hub = context.hub().await?;
                Answer::of(&shown::Accounts::of(hub, &frame, other.as_ref(), undecided).await?)
            }
            Frame::Decide { name, group, include: _, exclude, role, why, date } => {
                let plan = named(context, &name).await?;
                let hub = context.hub().await?;
                let (today, as_of) = (hub.today()?, plan.definition.as_of);
                let date = date.unwrap_or(today);
                if date > as_of || date > today {
                    let what = format!("the frame speaks of {as_of}, so a decision of {date} would be no part of it");
                    let next = "--date DAY if it was decided then, or define the frame anew for a later day (--as-of, --replace)";
                    return Err(Failure::usage(what, next).into());
                }
                let mut db = hub.store.read().await?;
                let known = context.group(hub, &mut db, &group).await?;
                drop(db);
                let verdict = exclude.map_or(Verdict::Include, Verdict::Exclude);
                let decision = Decision { on: known.merged.id, date, verdict, hub: hub.id, role, why };
                let words = "`schema/vocabulary/exclusion-reasons.json` and `assurance-roles.json` list the words";
                hub.decide_in_frame(&name, &decision).await.map_err(|error| personal(error, words))?;
                Answer::of(&shown::Decided { frame: name, group: known.row.name, decision })
            }
            Frame::Freeze { name, folder } => {
                let plan = named(context, &name).await?;
                if folder.exists() {
                    let what = format!("{} is there already; nothing was written", folder.display());
                    return Err(
                        Failure::new(what, "name a folder that is not there: a frozen frame is never changed").into()
                    );
                }
                let frame = built(context, &plan).await?;
                let frozen = context.hub().await?.freeze_frame(frame, &folder).await?;
                Answer::of(&shown::Written { name, folder, frozen })
            }
            Frame::Sample(sample) => sample.run(context).await,
            Frame::Report(report) => report.run(context).await,
            Frame::Coverage(coverage) => coverage.run(context).await,
            Frame::Diff(diff) => diff.run(context).await,
            Frame::Publish(publish) => publish.run(context).await,
            Frame::Withdraw(withdraw) => withdraw.run(context).await,
            Frame::Cite(cite) => cite.run(context).await,
            Frame::Use(uses) => uses.run(context).await,
            Frame::Export(export) => export.run(),
            Frame::Gather(gather) => gather.run(context).await,
            Frame::Study(study) => study.run(context).await,
            Frame::Verify { folder, hub, published } => {
                let files = frames::read(&folder).map_err(|error| {
                    Failure::new(format!("{error:#}"), "name the folder that `mutuald frame freeze` wrote")
                })?;
                let mut opened = verify::open(&files);
                drop(files);
                let checked = &mut opened.checked;
                if let (Some(wanted), Some(found)) = (hub, checked.hub)
                    && wanted != found
                {
                    let what = format!("it is signed by {found}, not by {wanted}");
                    let file = frames::SEAL.to_owned();
                    checked.findings.push(verify::Finding { code: "frame-other-hub".into(), file, what });
                }
                let mut said = None;
                if published {
                    let (shared, findings) = context.hub().await?.compare_published(&opened).await?;
                    opened.checked.findings.extend(findings);
                    said = shared;
                }
                let checked = opened.checked;
                let sound = checked.findings.is_empty();
                let answer = Answer::of(&shown::Looked { checked, published: said })?;
                Ok(if sound { answer } else { answer.ending(Status::Look) })
            }
        }
    }
}
