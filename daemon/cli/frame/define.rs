//! `mutuald frame define`

use crate::cli::{Answer, Context, Failure};
use crate::frame::definition::{Definition, Period};
use crate::frame::profile::{Profile, SHIPPED};
use crate::node::frames::Plan;
use crate::record::HubId;
use anyhow::Context as _;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;

/// What a frame is. Options stand against what a file says.
#[derive(Debug, clap::Args)]
pub struct Define {
    /// Its name: lower-case words and numbers joined by hyphens, such as nottingham-2026
    name: String,
    /// A TOML file with the names of DDI's sampleFrame (universe, custodian, referencePeriod, …), `profile`, `area`, `asOf`, `sources`
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// The population that is meant, in a sentence
    #[arg(long)]
    universe: Option<String>,
    /// The rules: a profile that ships (seebohm2013, box1), or a file
    #[arg(long, value_name = "PROFILE")]
    profile: Option<String>,
    /// Code of an area, or its beginning; again for more [default: everywhere]
    #[arg(long, value_name = "CODE")]
    area: Vec<String>,
    /// The day for which everything is judged [default: today]
    #[arg(long, value_name = "DAY")]
    as_of: Option<Date>,
    /// Only records of this hub; again for more [default: all]
    #[arg(long, value_name = "HUB-ID")]
    source: Vec<HubId>,
    /// Who keeps the frame; never a person [default: this hub's name]
    #[arg(long)]
    custodian: Option<String>,
    /// When the units were as the frame has them [default: the day]
    #[arg(long)]
    reference_period: Option<String>,
    /// How it is brought up to date
    #[arg(long)]
    update_procedure: Option<String>,
    /// What it may be used for
    #[arg(long = "use", value_name = "WORDS")]
    use_stmt: Option<String>,
    /// By which study's categories topics and communities are summed up
    #[arg(long, value_name = "STUDY")]
    roll_up: Option<String>,
    /// Define a frame of this name anew
    #[arg(long)]
    replace: bool,
}

/// A definition as people write it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct File {
    sample_frame_name: Option<String>,
    labl: Option<String>,
    txt: Option<String>,
    valid_period: Option<Period>,
    custodian: Option<String>,
    use_stmt: Option<String>,
    universe: Option<String>,
    unit_type: Option<String>,
    reference_period: Option<String>,
    update_procedure: Option<String>,
    area: Vec<String>,
    as_of: Option<Date>,
    sources: Vec<HubId>,
    roll_up: Option<String>,
    profile: Option<String>,
}

#[derive(Serialize)]
struct Defined {
    #[serde(flatten)]
    plan: Plan,
}

impl fmt::Display for Defined {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.plan.definition.sample_frame_name;
        write!(
            out,
            "{name} is defined, by {}. `mutuald frame build {name}` shows what it takes.",
            self.plan.profile.cited()
        )
    }
}

/// A profile by its name, or from a file.
///
/// # Errors
/// Neither; or a file that breaks a rule of profiles.
pub fn profile(named: &str) -> anyhow::Result<Profile> {
    if let Some(shipped) = Profile::shipped(named) {
        return Ok(shipped);
    }
    let names: Vec<&str> = SHIPPED.iter().map(|(name, _)| *name).collect();
    let text = std::fs::read_to_string(named).map_err(|error| {
        let what = format!("{named:?} is no profile that ships, and no file that can be read: {error}");
        Failure::usage(what, format!("use {}, or the path of a profile file", names.join(" or ")))
    })?;
    Profile::read(&text).map_err(|error| {
        Failure::usage(format!("{named}: {error}"), "correct the file; schema/profiles/ has two to begin from").into()
    })
}

impl Define {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let file: File = match &self.from {
            None => File::default(),
            Some(path) => {
                let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
                toml::from_str(&text).map_err(|error| {
                    Failure::usage(
                        format!("{}: {error}", path.display()),
                        "correct the file; names are those of DDI's sampleFrame",
                    )
                })?
            }
        };
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let sound = !self.name.starts_with('-') && !self.name.ends_with('-') && self.name.bytes().all(plain);
        if self.name.is_empty() || self.name.len() > 40 || !sound {
            let what = format!("{:?} is no name for a frame", self.name);
            return Err(Failure::usage(
                what,
                "use lower-case words and numbers joined by hyphens, such as nottingham-2026",
            )
            .into());
        }
        if file.sample_frame_name.as_ref().is_some_and(|name| *name != self.name) {
            let what =
                format!("the file is of {:?}, not of {:?}", file.sample_frame_name.unwrap_or_default(), self.name);
            return Err(Failure::usage(what, "use one name in both").into());
        }
        let hub = context.hub().await?;
        let known = hub.frames().await?.into_iter().any(|plan| plan.definition.sample_frame_name == self.name);
        if known && !self.replace {
            let what = format!("a frame {:?} is defined already; nothing was changed", self.name);
            return Err(Failure::new(
                what,
                "choose another name, or add --replace; what is frozen of it stays as it is",
            )
            .into());
        }
        let today = hub.today()?;
        let as_of = self.as_of.or(file.as_of).unwrap_or(today);
        if as_of > today {
            let what = format!("{as_of} is not yet: nobody can say which groups there will be");
            return Err(Failure::usage(what, "--as-of with today or an earlier day").into());
        }
        let Some(universe) = self.universe.or(file.universe) else {
            let next = "--universe 'Self-help groups that meet in Nottingham', or universe = \"…\" in a file";
            return Err(Failure::usage("the frame does not say which population it means", next).into());
        };
        let Some(rules) = self.profile.or(file.profile) else {
            let next = "--profile seebohm2013 (four characteristics, no 12-step groups) or --profile box1 (three commonalities)";
            return Err(Failure::usage("the frame does not say by which rules a group is in", next).into());
        };
        let digest = hub.digest().await?;
        let either = |one: Vec<String>, other: Vec<String>| if one.is_empty() { other } else { one };
        let definition = Definition {
            sample_frame_name: self.name,
            labl: file.labl,
            txt: file.txt,
            valid_period: file.valid_period,
            custodian: self.custodian.or(file.custodian).unwrap_or_else(|| hub.name.clone()),
            use_stmt: self.use_stmt.or(file.use_stmt),
            universe,
            unit_type: file.unit_type.unwrap_or_else(|| "group".to_owned()),
            reference_period: self.reference_period.or(file.reference_period).unwrap_or_else(|| as_of.to_string()),
            update_procedure: self
                .update_procedure
                .or(file.update_procedure)
                .unwrap_or_else(|| "Built anew from the hubs' registry whenever it is needed".to_owned()),
            area: either(self.area, file.area),
            as_of,
            sources: if self.source.is_empty() { file.sources } else { self.source },
            roll_up: self.roll_up.or(file.roll_up).unwrap_or_else(|| "esteem2013".to_owned()),
            policy: digest.policy,
            registry: digest.digest,
        };
        let plan = Plan { definition, profile: profile(&rules)? };
        hub.define_frame(&plan).await.map_err(|error| super::personal(error, "correct the option, or the file"))?;
        Answer::of(&Defined { plan })
    }
}
