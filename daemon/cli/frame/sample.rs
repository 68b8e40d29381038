//! `mutuald frame sample`

use crate::cli::output::{lines, table};
use crate::cli::{Answer, Context, Failure};
use crate::frame::draw::{Draw, Reserve};
use crate::frame::frozen::Frame;
use crate::frame::request::{Design, Size};
use crate::frame::sample::Taken;
use crate::frame::sample::allocate::Rule;
use crate::frame::sample::quota::{self, Cell, Quota};
use crate::frame::ticket::Ticket;
use crate::node::frames::{self, Among, Ask, verify};
use anyhow::Context as _;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

/// A draw. Without --commit nothing is drawn: a seed that was tried and thrown away is a choice.
#[derive(Debug, clap::Args)]
pub struct Sample {
    /// The folder of the frozen frame
    folder: PathBuf,
    /// The study's name
    #[arg(long)]
    study: String,
    /// How units are taken
    #[arg(long, value_enum, default_value_t = Kind::Simple)]
    design: Kind,
    /// The whole design as a JSON file, for sizes, deviations and choices against a quota's suggestion
    #[arg(long, value_name = "FILE", conflicts_with_all = ["n", "by", "sort", "quota"])]
    design_file: Option<PathBuf>,
    /// Units
    #[arg(long, required_unless_present = "design_file", default_value_t = 0, hide_default_value = true)]
    n: usize,
    /// For stratified: what makes the strata (area, focus, age, affiliation, community); again for more
    #[arg(long, value_name = "DIMENSION")]
    by: Vec<String>,
    /// For stratified: how the sample is divided
    #[arg(long, value_enum, default_value_t = Division::Proportional)]
    divide: Division,
    /// For stratified: fewest units from each stratum
    #[arg(long, default_value_t = 0)]
    minimum: usize,
    /// For systematic: what units are sorted by; again for more
    #[arg(long, value_name = "DIMENSION")]
    sort: Vec<String>,
    /// For quota: DIMENSION=VALUE:N; again for more [default: the four quotas of the ESTEEM study]
    #[arg(long, value_name = "QUOTA")]
    quota: Vec<String>,
    /// Units of the ordered reserve that are written down, for each stratum
    #[arg(long, default_value_t = 20)]
    reserve: usize,
    /// The seed: dice as they fell, a lottery's numbers, a round of a public beacon
    #[arg(long)]
    seed: String,
    /// Where the seed comes from, in words
    #[arg(long)]
    how: String,
    /// Draw only from this part of the frame: code of an area, or its beginning; again for more. For hubs that each draw from their own
    #[arg(long, value_name = "CODE")]
    part: Vec<String>,
    /// Ask the groups of this earlier study last: one that is in the field here
    #[arg(long, value_name = "STUDY", conflicts_with = "after")]
    spare: Option<String>,
    /// Begin the line of tickets after this one: the last ticket that an earlier study used
    #[arg(long, value_name = "TICKET")]
    after: Option<String>,
    /// Why it is drawn again for this study
    #[arg(long, value_name = "REASON")]
    again: Option<String>,
    /// Draw, and write the draw into the folder
    #[arg(long)]
    commit: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// Simple random: every group the same chance
    Simple,
    /// Simple random in each stratum
    Stratified,
    /// Every so manieth of a sorted list
    Systematic,
    /// In proportion to how many saw the group, systematic
    Pps,
    /// In proportion to how many saw the group, by Pareto ranks
    Pareto,
    /// A purposive grid of quotas; no probability sample
    Quota,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Division {
    /// To each the same
    Equal,
    /// In proportion to the stratum's units
    Proportional,
}

#[derive(Serialize)]
struct Preview {
    frame: String,
    units: usize,
    design: Design,
    caution: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    part: Vec<String>,
}

impl fmt::Display for Preview {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "From {} with {} units would be drawn: {}",
            self.frame,
            self.units,
            serde_json::json!(self.design)
        )?;
        if !self.part.is_empty() {
            writeln!(out, "Only from the part of it in {}.", self.part.join(", "))?;
        }
        if let Some(caution) = self.caution {
            writeln!(out, "{caution}")?;
        }
        write!(out, "Nothing was drawn. With --commit it is, once: a second draw for this study needs --again REASON.")
    }
}

#[derive(Serialize)]
struct Drawn {
    file: PathBuf,
    digest: String,
    caution: Option<&'static str>,
    base: Vec<Taken>,
    reserve: Vec<Reserve>,
    quotas: Vec<Cell>,
    /// Names, here only: they stand in no file of the frame.
    names: BTreeMap<String, String>,
}

impl fmt::Display for Drawn {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |unit: &String| self.names.get(unit).cloned().unwrap_or_else(|| unit.clone());
        let mut shown = table(&["", "group", "stratum", "weight"]);
        for one in &self.base {
            let weight = one.weight.map_or_else(String::new, |weight| format!("{weight:.4}"));
            shown.add_row([&one.order.to_string(), &name(&one.unit), &one.stratum, &weight]);
        }
        writeln!(out, "{}\n\nreserve, the next to be asked first", lines(&shown))?;
        for one in &self.reserve {
            writeln!(
                out,
                "  {} {}{}",
                one.order,
                name(&one.unit),
                if one.stratum.is_empty() { String::new() } else { format!(" ({})", one.stratum) }
            )?;
        }
        for Cell { quota, taken, held } in &self.quotas {
            let met = if *taken >= quota.at_least { "met" } else { "NOT MET" };
            writeln!(
                out,
                "quota {} {}: {taken} of at least {}, {met} (the frame has {held})",
                quota.dimension, quota.value, quota.at_least
            )?;
        }
        if let Some(caution) = self.caution {
            writeln!(out, "\n{caution}")?;
        }
        write!(out, "\nThe draw is {}, number {}", self.file.display(), self.digest)
    }
}

fn quotas(texts: &[String]) -> anyhow::Result<Vec<Quota>> {
    if texts.is_empty() {
        return Ok(quota::esteem());
    }
    let read = |text: &String| {
        let (dimension, rest) = text.split_once('=')?;
        let (value, at_least) = rest.rsplit_once(':')?;
        Some(Quota { dimension: dimension.to_owned(), value: value.to_owned(), at_least: at_least.parse().ok()? })
    };
    let one = |text: &String| {
        read(text).ok_or_else(|| Failure::usage(format!("{text:?} is no quota"), "--quota age=new:2").into())
    };
    texts.iter().map(one).collect()
}

impl Sample {
    fn design(&self) -> anyhow::Result<Design> {
        if let Some(path) = &self.design_file {
            let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            return serde_json::from_str(&text).map_err(|error| {
                Failure::usage(
                    format!("{}: {error}", path.display()),
                    "the form stands in schema/README.md, Frames and draws as bytes",
                )
                .into()
            });
        }
        let n = self.n;
        Ok(match self.design {
            Kind::Simple => Design::Simple { n },
            Kind::Stratified => {
                if self.by.is_empty() {
                    return Err(Failure::usage(
                        "nothing says what makes the strata",
                        "--by area, or focus, age, affiliation, community",
                    )
                    .into());
                }
                let rule = match self.divide {
                    Division::Equal => Rule::Equal,
                    Division::Proportional => Rule::Proportional,
                };
                Design::Stratified { by: self.by.clone(), rule, n, minimum: self.minimum, deviations: BTreeMap::new() }
            }
            Kind::Systematic => Design::Systematic { sort: self.sort.clone(), n },
            Kind::Pps => Design::SystematicPps { sort: self.sort.clone(), size: Size::Sources, n },
            Kind::Pareto => Design::ParetoPps { size: Size::Sources, n },
            Kind::Quota => Design::Quota { quotas: quotas(&self.quota)?, n, overrides: Vec::new() },
        })
    }

    /// Where the line of tickets begins, and which groups are spared, so that those of an earlier study come last.
    async fn others_first(
        &self,
        context: &Context,
        frame: &Frame,
        design: &Design,
    ) -> anyhow::Result<(Option<String>, BTreeSet<String>)> {
        if let Some(text) = &self.after {
            let Some(ticket) = Ticket::read(text) else {
                let next = "give it as the draw has it: 0. and digits";
                return Err(Failure::usage(format!("{text:?} is no ticket"), next).into());
            };
            let next = crate::frame::draw::after(frame, &self.seed, &ticket);
            return Ok((next.map(|ticket| ticket.to_string()), BTreeSet::new()));
        }
        let Some(name) = &self.spare else { return Ok((None, BTreeSet::new())) };
        let earlier = super::study::kept(context, name).await?;
        let used = earlier.field()?.used();
        if matches!(design, Design::Quota { .. }) {
            let units: BTreeSet<String> = frame.units().map(|row| row.id.to_string()).collect();
            return Ok((None, used.intersection(&units).cloned().collect()));
        }
        let lines = matches!(design, Design::Simple { .. }).then(|| earlier.study.used_line(frame, &used)).flatten();
        let Some((seed, line)) = lines else {
            let what = format!("the groups of {name:?} cannot be asked last here without bending the probabilities");
            let next = "both studies must be simple random, or this one by quotas; else draw without --spare";
            return Err(Failure::usage(what, next).into());
        };
        if seed != self.seed {
            let what = format!("{name:?} was drawn with another seed, so its groups lie all along this line");
            return Err(Failure::usage(what, format!("--seed {seed:?}, its seed, and --how with why")).into());
        }
        Ok((line, BTreeSet::new()))
    }

    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let design = self.design()?;
        let files = frames::read(&self.folder).map_err(|error| failed(error, &self.folder))?;
        let checked = verify::verify(&files);
        if let Some(finding) = checked.findings.first() {
            let what = format!("{}: {} ({}); nothing was drawn", finding.file, finding.what, finding.code);
            return Err(Failure::new(
                what,
                format!(
                    "`mutuald frame verify {}` lists all; draw from the folder as it was frozen",
                    self.folder.display()
                ),
            )
            .into());
        }
        let caution = design.caution();
        if !self.commit {
            let frame = checked.frame.unwrap_or_default();
            return Answer::of(&Preview { frame, units: checked.units, design, caution, part: self.part });
        }
        let hub = context.hub().await?;
        let frame = Frame::read(&files[frames::FRAME])?;
        let (line, spared) = self.others_first(context, &frame, &design).await?;
        let Sample { folder, study, reserve, seed, how, again, part, .. } = self;
        let ask = Ask { study, seed, how, design, line, reserve, again };
        let among = Among { part: part.into_iter().collect(), spared };
        let (draw, file) = hub.draw_among(&folder, ask, among).await.map_err(|error| {
            let next = match error.downcast_ref::<crate::frame::draw::DrawError>().map(|error| error.code()) {
                Some("draw-not-said") => {
                    "for a second draw, --again REASON; it stands in the draw for everybody to read"
                }
                Some(code) if code.starts_with("sample-") => "ask for fewer units, or another design",
                _ => "`mutuald frame verify` on the folder says whether it is whole",
            };
            Failure::new(format!("{error:#}; nothing was drawn"), next)
        })?;
        let units = draw.base.iter().map(|one| &one.unit).chain(draw.reserve.iter().map(|one| &one.unit));
        let names = hub.names_of(&units.cloned().collect()).await?;
        let digest = draw.digest();
        let Draw { base, reserve, coverage, .. } = draw;
        Answer::of(&Drawn { file: folder.join(file), digest, caution, base, reserve, quotas: coverage, names })
    }
}

/// What went wrong with a frozen frame's folder.
pub(super) fn failed(error: anyhow::Error, folder: &Path) -> anyhow::Error {
    let next = format!(
        "name the folder that `mutuald frame freeze` wrote; `mutuald frame verify {}` says whether it is whole",
        folder.display()
    );
    Failure::new(format!("{error:#}"), next).into()
}
