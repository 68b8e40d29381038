//! What the commands of frames answer.

use crate::cli::output::{count, lines, table};
use crate::frame::eligibility::{self, Decision, Facts, Outcome, Scope, Verdict};
use crate::frame::flow::Step;
use crate::frame::frozen::Frame;
use crate::frame::profile::Profile;
use crate::node::Hub;
use crate::node::frames::shared::Shared;
use crate::node::frames::verify::{Again, Checked};
use crate::node::frames::{Frozen, Plan};
use crate::node::groups::{self, Known};
use crate::store::lookup;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

#[derive(Serialize)]
struct Line {
    name: String,
    universe: String,
    as_of: jiff::civil::Date,
    profile: String,
    frozen: Vec<String>,
}

/// Frames that are defined here.
#[derive(Serialize)]
pub struct List {
    frames: Vec<Line>,
}

impl fmt::Display for List {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.frames.is_empty() {
            return out.write_str("No frame is defined here; `mutuald frame define` defines one.");
        }
        let mut shown = table(&["frame", "day", "rules", "frozen", "universe"]);
        for one in &self.frames {
            let frozen = one.frozen.len().to_string();
            shown.add_row([&one.name, &one.as_of.to_string(), &one.profile, &frozen, &one.universe]);
        }
        write!(out, "{}", lines(&shown))
    }
}

/// All frames.
pub async fn list(hub: &Hub) -> anyhow::Result<List> {
    let mut found = Vec::new();
    for Plan { definition, profile } in hub.frames().await? {
        let mut db = hub.store.read().await?;
        let frozen = crate::store::frame::frozen(&mut db, &definition.sample_frame_name).await?;
        found.push(Line {
            name: definition.sample_frame_name,
            universe: definition.universe,
            as_of: definition.as_of,
            profile: profile.cited(),
            frozen: frozen.into_iter().map(|(digest, _)| digest).collect(),
        });
    }
    Ok(List { frames: found })
}

/// A frame's definition and what people decided.
#[derive(Serialize)]
pub struct Whole {
    #[serde(flatten)]
    pub plan: Plan,
    pub decisions: Vec<Decision>,
    pub frozen: Vec<(String, i64)>,
}

impl fmt::Display for Whole {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan { definition, profile } = &self.plan;
        let area = if definition.area.is_empty() { "everywhere".to_owned() } else { definition.area.join(", ") };
        let rows = [
            ("frame", definition.sample_frame_name.clone()),
            ("universe", definition.universe.clone()),
            ("unit", definition.unit_type.clone()),
            ("reference period", definition.reference_period.clone()),
            ("judged for", definition.as_of.to_string()),
            ("area", area),
            ("custodian", definition.custodian.clone()),
            ("update procedure", definition.update_procedure.clone()),
            ("rules", format!("{} ({})", profile.cited(), profile.citation)),
            ("sums up as", definition.roll_up.clone()),
        ];
        rows.iter().try_for_each(|(name, value)| writeln!(out, "{name:<18}{value}"))?;
        for decision in &self.decisions {
            writeln!(
                out,
                "decided {}: {} {}: {}",
                decision.date,
                decision.on,
                verdict(&decision.verdict),
                decision.why
            )?;
        }
        self.frozen.iter().try_for_each(|(digest, _)| writeln!(out, "frozen            {digest}"))
    }
}

fn verdict(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Include => "belongs".to_owned(),
        Verdict::Exclude(reason) => format!("left out ({reason})"),
    }
}

#[derive(Serialize)]
struct Open {
    group: String,
    name: String,
    missing: Vec<String>,
}

#[derive(Serialize)]
struct Against {
    profile: String,
    included: usize,
    counts: Vec<(String, String, usize)>,
}

/// What became of every record.
#[derive(Serialize)]
pub struct Accounts {
    frame: String,
    profile: String,
    digest: String,
    flow: Vec<Step>,
    included: usize,
    undecided_count: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    undecided: Option<Vec<Open>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    against: Option<Against>,
}

impl Accounts {
    /// Those of a frame.
    pub async fn of(hub: &Hub, frame: &Frame, other: Option<&Profile>, list: bool) -> anyhow::Result<Accounts> {
        let missing = |outcome: &Outcome| match outcome {
            Outcome::Undecided(missing) => Some(missing.iter().map(|one| one.what.clone()).collect::<Vec<_>>()),
            _ => None,
        };
        let mut open: Vec<Open> = Vec::new();
        if list {
            let mut db = hub.store.read().await?;
            let numbers = lookup::all(&mut db).await?;
            let reader = groups::Reader::new(hub, &mut db).await?;
            let wanted: BTreeMap<_, _> =
                frame.rows.iter().filter_map(|row| Some((row.id, missing(&row.outcome)?))).collect();
            let recs: BTreeSet<_> = wanted.keys().map(|id| id.rec).collect();
            for row in lookup::groups(&mut db, &numbers).await?.into_iter().filter(|row| recs.contains(&row.rec)) {
                let known: Known = reader.read(&mut db, row).await?;
                if let Some(missing) = wanted.get(&known.merged.id) {
                    let (group, name) = (known.merged.id.to_string(), known.row.name);
                    open.push(Open { group, name, missing: missing.clone() });
                }
            }
        }
        let against = match other {
            None => None,
            Some(other) => {
                let scope = Scope { areas: &frame.definition.area, as_of: frame.definition.as_of };
                let facts: Vec<&Facts> = frame.rows.iter().map(|row| &row.facts).collect();
                let included = |profile: &Profile| {
                    facts
                        .iter()
                        .filter(|facts| eligibility::by_rules(profile, scope, facts) == Outcome::Included)
                        .count()
                };
                let counts = eligibility::compare(&frame.profile, other, scope, facts.iter().copied())?;
                Some(Against {
                    profile: other.cited(),
                    included: included(other),
                    counts: counts.into_iter().map(|((one, other), n)| (one, other, n)).collect(),
                })
            }
        };
        Ok(Accounts {
            frame: frame.definition.sample_frame_name.clone(),
            profile: frame.profile.cited(),
            digest: frame.digest(),
            flow: frame.flow.steps(),
            included: frame.units().count(),
            undecided_count: frame.rows.iter().filter(|row| matches!(row.outcome, Outcome::Undecided(_))).count(),
            undecided: list.then_some(open),
            against,
        })
    }
}

impl fmt::Display for Accounts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}, by {}", self.frame, self.profile)?;
        for Step { step, of, count, left } in &self.flow {
            left.iter().try_for_each(|(why, n)| writeln!(out, "{:>22} {n:>6}  {why}", "less"))?;
            writeln!(out, "{step:<22} {count:>6}  {of}")?;
        }
        if self.undecided_count > 0 {
            let n = count(self.undecided_count as u64, "group is", "groups are");
            writeln!(
                out,
                "\n{n} undecided; `mutuald frame build {} --undecided` lists them, `frame decide` settles one.",
                self.frame
            )?;
        }
        for open in self.undecided.iter().flatten() {
            writeln!(out, "  {}: nothing known of {}", open.name, open.missing.join(", "))?;
        }
        if let Some(Against { profile, included, counts }) = &self.against {
            writeln!(out, "\nBy the rules alone, {profile} takes {included}:")?;
            let mut shown = table(&["groups", self.profile.as_str(), profile.as_str()]);
            for (one, other, n) in counts {
                shown.add_row([&n.to_string(), one, other]);
            }
            writeln!(out, "{}", lines(&shown))?;
        }
        write!(out, "\nNothing was kept. `mutuald frame freeze {} FOLDER` freezes it.", self.frame)
    }
}

/// A decision that was noted.
#[derive(Serialize)]
pub struct Decided {
    pub frame: String,
    pub group: String,
    pub decision: Decision,
}

impl fmt::Display for Decided {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Decided { frame, group, decision } = self;
        write!(
            out,
            "In {frame}, {group} {}, decided on {}. It stands in the frame with role and reason.",
            verdict(&decision.verdict),
            decision.date
        )
    }
}

/// A frame that was frozen.
#[derive(Serialize)]
pub struct Written {
    pub name: String,
    pub folder: PathBuf,
    #[serde(flatten)]
    pub frozen: Frozen,
}

impl fmt::Display for Written {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Written { name, folder, frozen } = self;
        writeln!(
            out,
            "{name} is frozen in {}: {}, signed at {}.",
            folder.display(),
            count(frozen.units as u64, "unit", "units"),
            frozen.at
        )?;
        writeln!(out, "\n  {}\n", frozen.digest)?;
        write!(
            out,
            "Tell this number to others first, then choose the seed: `mutuald frame sample {}`. Anybody checks it with `mutuald frame verify`.",
            folder.display()
        )
    }
}

/// What a check found.
#[derive(Serialize)]
pub struct Looked {
    #[serde(flatten)]
    pub checked: Checked,
    /// What its hub published of it, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published: Option<Shared>,
}

impl fmt::Display for Looked {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Checked { frame, digest, hub, hub_name, frozen, groups, units, draws, findings } = &self.checked;
        if let (Some(frame), Some(digest)) = (frame, digest) {
            writeln!(out, "frame   {frame}\nnumber  {digest}")?;
            writeln!(out, "judged  {groups} groups again, {units} of them units")?;
        }
        if let (Some(hub), Some(name)) = (hub, hub_name) {
            writeln!(out, "hub     {name} ({hub})")?;
        }
        if let Some(frozen) = frozen {
            writeln!(out, "frozen  {frozen}")?;
        }
        if let Some(published) = &self.published {
            writeln!(out, "said    by {} in its feed, at {}", published.hub_name, published.said)?;
        }
        for draw in draws {
            let by = if Some(draw.hub) == *hub { String::new() } else { format!(" by {}", draw.hub_name) };
            writeln!(out, "drawn   {} again, {} units, {:?}{by}: {}", draw.file, draw.units, draw.study, draw.digest)?;
            if let Some(Again { file, reason, of }) = &draw.again {
                let before = file.clone().unwrap_or_else(|| format!("a draw that is not in this folder ({of})"));
                writeln!(out, "        it came after {before}, because: {reason}")?;
            }
        }
        if findings.is_empty() {
            return write!(out, "\nEverything is as the hub signed it. Compare the hub's id with the one you know.");
        }
        writeln!(out)?;
        findings.iter().try_for_each(|one| writeln!(out, "{}: {} ({})", one.file, one.what, one.code))?;
        write!(out, "\nDo not use it: ask for the folder as the hub wrote it.")
    }
}
