//! `mutuald frame sample`

use crate::cli::output::{lines, table};
use crate::cli::{Answer, Context, Failure};
use crate::frame::draw::{self, Draw, DrawError, Reserve};
use crate::frame::frozen::Frame;
use crate::frame::request::{Commitment, Design, Request, Size};
use crate::frame::sample::Taken;
use crate::frame::sample::allocate::Rule;
use crate::frame::sample::quota::{self, Cell, Quota};
use crate::frame::ticket::Ticket;
use crate::node::frames::verify::{Checked, Opened};
use crate::node::frames::{self, Among, Ask};
use anyhow::Context as _;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

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
    would: Would,
}

/// What follows from a design alone.
#[derive(Default, Serialize)]
struct Would {
    units: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    strata: Vec<Stratum>,
    /// Quotas that the frame itself cannot meet.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    short: Vec<Cell>,
}

#[derive(Serialize)]
struct Stratum {
    name: String,
    units: usize,
    taken: usize,
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
        if !self.would.strata.is_empty() {
            let mut shown = table(&["stratum", "units", "taken"]);
            for Stratum { name, units, taken } in &self.would.strata {
                shown.add_row([name, &units.to_string(), &taken.to_string()]);
            }
            writeln!(out, "{}", lines(&shown))?;
        }
        if self.would.strata.iter().any(|stratum| stratum.taken == 0) {
            writeln!(
                out,
                "A stratum that gives no unit is one of which no estimate will speak: --minimum 2 takes two of each."
            )?;
        }
        for Cell { quota, held, .. } in &self.would.short {
            let Quota { dimension, value, at_least } = quota;
            writeln!(out, "quota {dimension} {value}: {at_least} are wanted, and the frame has {held}")?;
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

/// What stands in the way of a draw, with the way on.
fn refused(error: anyhow::Error) -> anyhow::Error {
    if error.is::<frames::Personal>() {
        return super::personal(error, "");
    }
    let next = match error.downcast_ref::<DrawError>().map(DrawError::code) {
        Some("draw-not-said") => "for a second draw, --again REASON; it stands in the draw for everybody to read",
        Some("draw-dimension") => "name one of these",
        Some("draw-no-line") => "draw without --after, or by another design",
        Some(code) if code.starts_with("sample-") => "ask for fewer units, or another design",
        _ => "`mutuald frame verify` on the folder says whether it is whole",
    };
    Failure::new(format!("{error:#}; nothing was drawn"), next).into()
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

    /// What a draw by this design would take, as far as no seed decides it. It is tried with a seed that is thrown away, so that what cannot
    /// be drawn is known before anything is; which units that gave is told to nobody.
    fn rehearsed(&self, frame: &Frame, checked: &Checked, design: &Design) -> anyhow::Result<Would> {
        let (Some(hub), Some(frozen), Some(digest)) = (checked.hub, checked.frozen, checked.digest.clone()) else {
            return Ok(Would::default());
        };
        draw::possible(frame, design)?;
        let text = || "rehearsal".to_owned();
        let commitment = Commitment { seed: text(), how: text(), hub, at: frozen, frozen, frame: digest.clone() };
        let (part, design) = (self.part.iter().cloned().collect(), design.clone());
        let (line, spared) = (self.after.clone(), BTreeSet::new());
        let request = Request { study: text(), commitment, design, line, reserve: 0, redraw: None, part, spared };
        let tried = draw::draw(frame, &digest, request)?;
        let taken = |name: &String| tried.base.iter().filter(|one| one.stratum == *name).count();
        let strata = tried.strata(frame).into_iter().map(|(name, units)| (taken(&name), name, units));
        let strata = strata.map(|(taken, name, units)| Stratum { name, units, taken }).collect();
        let short = |cell: &&Cell| cell.held < cell.quota.at_least;
        Ok(Would { units: tried.base.len(), strata, short: tried.coverage.iter().filter(short).cloned().collect() })
    }

    /// Where the line of tickets begins, and which groups are spared, so that those of an earlier study come last.
    async fn others_first(
        &self,
        context: &Context,
        frame: &Frame,
        design: &Design,
    ) -> anyhow::Result<(Option<String>, BTreeSet<String>)> {
        if let Some(text) = &self.after {
            if !design.goes_by_line() {
                return Err(refused(DrawError::NoLine.into()));
            }
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
        let Opened { checked, frame, .. } = super::opened(&self.folder)?;
        let none =
            || Failure::new(format!("{} holds no frame", self.folder.display()), "name the folder of a frozen frame");
        let frame = frame.ok_or_else(none)?;
        let caution = design.caution();
        if !self.commit {
            let would = self.rehearsed(&frame, &checked, &design).map_err(refused)?;
            let name = checked.frame.unwrap_or_default();
            return Answer::of(&Preview { frame: name, units: checked.units, design, caution, part: self.part, would });
        }
        let hub = context.hub().await?;
        let (line, spared) = self.others_first(context, &frame, &design).await?;
        let Sample { folder, study, reserve, seed, how, again, part, .. } = self;
        let ask = Ask { study, seed, how, design, line, reserve, again };
        let among = Among { part: part.into_iter().collect(), spared };
        let (draw, file) = hub.draw_among(&folder, ask, among).await.map_err(refused)?;
        let units = draw.base.iter().map(|one| &one.unit).chain(draw.reserve.iter().map(|one| &one.unit));
        let names = hub.names_of(&units.cloned().collect()).await?;
        let digest = draw.digest();
        let Draw { base, reserve, coverage, .. } = draw;
        Answer::of(&Drawn { file: folder.join(file), digest, caution, base, reserve, quotas: coverage, names })
    }
}
