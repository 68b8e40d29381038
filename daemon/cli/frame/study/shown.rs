//! What the commands of a study answer.

use super::names;
use crate::cli::Context;
use crate::cli::output::{count, lines, table};
use crate::frame::fieldwork::{Entry, Event, Next, Rates, SITE, Study, rates, word};
use crate::frame::sample::disposition::Outcome;
use crate::node::frames::study::Kept;
use jiff::civil::Date;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// Who drew how many of how many.
#[derive(Serialize)]
struct Site {
    site: String,
    population: usize,
    drawn: usize,
    fraction: f64,
    reserve: usize,
}

fn sites(study: &Study) -> Vec<Site> {
    let one = |(at, part): (usize, &crate::frame::fieldwork::Part)| {
        let of = |reserve: bool| {
            study.units.iter().filter(|unit| unit.draw == at && unit.reserve.is_some() == reserve).count()
        };
        let drawn = of(false);
        let fraction = drawn as f64 / part.population.max(1) as f64;
        Site { site: part.site.clone(), population: part.population, drawn, fraction, reserve: of(true) }
    };
    study.parts.iter().enumerate().map(one).collect()
}

impl fmt::Display for Site {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Site { site, population, drawn, fraction, reserve } = self;
        write!(out, "{site}: {drawn} of {population} drawn ({:.1} %), {reserve} in reserve", fraction * 100.0)
    }
}

/// A study that was opened.
#[derive(Serialize)]
pub struct Opened {
    study: String,
    frame: String,
    digest: String,
    sites: Vec<Site>,
}

impl Opened {
    pub fn of(study: &Study) -> Opened {
        let (name, frame, digest) = (study.name.clone(), study.frame.clone(), study.digest.clone());
        Opened { study: name, frame, digest, sites: sites(study) }
    }
}

impl fmt::Display for Opened {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{} is in the field, drawn from {}.", self.study, self.frame)?;
        self.sites.iter().try_for_each(|site| writeln!(out, "  {site}"))?;
        write!(out, "`mutuald frame study record {:?} GROUP --both complete` notes what became of a group.", self.study)
    }
}

#[derive(Serialize)]
struct Line {
    study: String,
    frame: String,
    in_field: usize,
    complete: usize,
    partial: usize,
    rr1: Option<f64>,
    numbered: bool,
}

/// All studies.
#[derive(Serialize)]
pub struct List {
    studies: Vec<Line>,
}

impl List {
    pub fn of(all: &[Kept]) -> anyhow::Result<List> {
        let one = |kept: &Kept| {
            let field = kept.field()?;
            let [groups, ..] = rates(&field);
            Ok(Line {
                study: kept.study.name.clone(),
                frame: kept.study.frame.clone(),
                in_field: field.units.len(),
                complete: groups.counts.i,
                partial: groups.counts.p,
                rr1: groups.rates.first().map(|rate| rate.value),
                numbered: field.numbered,
            })
        };
        Ok(List { studies: all.iter().map(one).collect::<anyhow::Result<_>>()? })
    }
}

impl fmt::Display for List {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.studies.is_empty() {
            return out
                .write_str("No study is in the field; `mutuald frame study open FOLDER --study NAME` begins one.");
        }
        let mut shown = table(&["study", "frame", "in the field", "complete", "partial", "RR1"]);
        for one in &self.studies {
            let rr1 = one.rr1.map(decimal).unwrap_or_default();
            let counts = [one.in_field, one.complete, one.partial].map(|n| n.to_string());
            shown.add_row([&one.study, &one.frame, &counts[0], &counts[1], &counts[2], &rr1]);
        }
        write!(out, "{}", lines(&shown))
    }
}

/// A share as AAPOR writes it: four places, without the nought in front.
fn decimal(share: f64) -> String {
    let text = format!("{share:.4}");
    text.strip_prefix('0').unwrap_or(&text).to_owned()
}

#[derive(Serialize)]
struct Group {
    unit: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<usize>,
    name: Option<String>,
    site: String,
    /// By dimension, what the group has of it.
    values: BTreeMap<String, String>,
    coordinator: Outcome,
    members: Outcome,
    overall: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    day: Option<Date>,
    instead_of: Option<String>,
    replaced_by: Option<String>,
    waits: bool,
}

#[derive(Serialize)]
struct Noted {
    #[serde(flatten)]
    entry: Entry,
    noted: jiff::Timestamp,
    taken_back: bool,
    #[serde(skip)]
    words: String,
}

/// What stands of a study.
#[derive(Serialize)]
pub struct Shown {
    study: String,
    frame: String,
    digest: String,
    sites: Vec<Site>,
    groups: Vec<Group>,
    /// By dimension, how many groups in the field have which value.
    counts: BTreeMap<String, BTreeMap<String, usize>>,
    rates: [Rates; 3],
    numbered: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<Vec<Noted>>,
}

fn words(event: &Event, names: &BTreeMap<String, String>) -> String {
    let name = |unit: &String| names.get(unit).cloned().unwrap_or_else(|| unit.clone());
    match event {
        Event::Outcome { unit, coordinator, members, reason } => {
            let level = |who: &str, outcome: &Option<Outcome>| outcome.map(|one| format!("{who} {}", word(one)));
            let said: Vec<String> =
                [level("coordinator", coordinator), level("members", members)].into_iter().flatten().collect();
            let reason = reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
            format!("{}: {}{reason}", name(unit), said.join(", "))
        }
        Event::Issued { unit, instead_of } => format!("{} takes the place of {}", name(unit), name(instead_of)),
        Event::TakenBack { entry, why } => format!("takes back entry {entry} ({why})"),
        Event::Numbered { units } => format!("{} numbered", count(*units as u64, "group was", "groups were")),
        Event::Released { shown, k, small, why } => {
            let why = why.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
            format!("released by {}; {small} cells below {k}{why}", shown.join(", "))
        }
    }
}

impl Shown {
    pub async fn of(context: &Context, kept: &Kept, history: bool) -> anyhow::Result<Shown> {
        let (field, names) = (kept.field()?, names(context, kept).await?);
        let by_id: BTreeMap<&str, _> = kept.study.units.iter().map(|unit| (unit.id.as_str(), unit)).collect();
        let dimensions = kept.study.dimensions();
        let values = |unit: &str| {
            let value = |name: &String| Some((name.clone(), kept.study.value(by_id.get(unit)?, name)));
            dimensions.iter().filter_map(value).collect()
        };
        let group = |one: &crate::frame::fieldwork::Standing| Group {
            values: values(&one.unit),
            unit: one.unit.clone(),
            number: kept.numbers.get(&one.unit).copied(),
            name: names.get(&one.unit).cloned(),
            site: by_id.get(one.unit.as_str()).map(|unit| kept.study.value(unit, SITE)).unwrap_or_default(),
            coordinator: one.disposition.coordinator,
            members: one.disposition.members,
            overall: one.disposition.overall(),
            reason: one.disposition.reason.clone(),
            day: one.day,
            instead_of: one.instead_of.clone(),
            replaced_by: one.replaced_by.clone(),
            waits: one.free() && one.replaced_by.is_none() && !field.numbered,
        };
        let noted = |(entry, at): (&Entry, &jiff::Timestamp)| Noted {
            entry: entry.clone(),
            noted: *at,
            taken_back: field.gone.contains(&entry.n),
            words: words(&entry.event, &names),
        };
        Ok(Shown {
            study: kept.study.name.clone(),
            frame: kept.study.frame.clone(),
            digest: kept.study.digest.clone(),
            sites: sites(&kept.study),
            groups: field.units.iter().map(group).collect(),
            counts: dimensions.iter().map(|name| (name.clone(), field.count(name))).collect(),
            rates: rates(&field),
            numbered: field.numbered,
            history: history.then(|| kept.entries.iter().zip(&kept.noted).map(noted).collect()),
        })
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}, drawn from {}", self.study, self.frame)?;
        self.sites.iter().try_for_each(|site| writeln!(out, "  {site}"))?;
        let name = |unit: &String| {
            let of = self.groups.iter().find(|one| one.unit == *unit).and_then(|one| one.name.clone());
            of.unwrap_or_else(|| unit.clone())
        };
        let mut shown = table(&["group", "site", "coordinator", "members", "day", ""]);
        for one in &self.groups {
            let number = one.number.map(|number| format!("{number:>2}  ")).unwrap_or_default();
            let day = one.day.map(|day| day.to_string()).unwrap_or_default();
            let mut notes: Vec<String> = one.reason.iter().cloned().collect();
            notes.extend(one.instead_of.as_ref().map(|unit| format!("in the place of {}", name(unit))));
            notes.extend(one.waits.then(|| "its place is free".to_owned()));
            shown.add_row([
                format!("{number}{}", name(&one.unit)),
                one.site.clone(),
                word(one.coordinator),
                word(one.members),
                day,
                notes.join("; "),
            ]);
        }
        writeln!(out, "\n{}\n", lines(&shown))?;
        for (dimension, counts) in self.counts.iter().filter(|(name, _)| *name != "area") {
            let all: Vec<String> = counts.iter().map(|(value, n)| format!("{value} {n}")).collect();
            writeln!(out, "{dimension:<12} {}", all.join(", "))?;
        }
        for rates in &self.rates {
            let c = &rates.counts;
            writeln!(
                out,
                "\n{}: I {} complete, P {} partial, R {} refused, NC {} not reached, O {} other, U {} not known, {} not eligible, {} not asked yet",
                rates.of, c.i, c.p, c.r, c.nc, c.o, c.u, c.not_eligible, c.not_approached
            )?;
            for rate in &rates.rates {
                writeln!(out, "  {} = {} = {} = {}", rate.name, rate.formula, rate.worked, decimal(rate.value))?;
            }
        }
        for noted in self.history.iter().flatten() {
            let gone = if noted.taken_back { "  [taken back]" } else { "" };
            write!(out, "\n{:>4}  {}  {}{gone}", noted.entry.n, noted.entry.day, noted.words)?;
        }
        if self.history.is_some() {
            writeln!(out)?;
        }
        out.write_str("\nRates: AAPOR, Standard Definitions (2016). All of this stays at this hub.")
    }
}

#[derive(Serialize)]
struct After {
    unit: String,
    name: Option<String>,
    coordinator: Outcome,
    members: Outcome,
    overall: Outcome,
    free: bool,
}

/// What was noted, or would be.
#[derive(Serialize)]
pub struct Recorded {
    study: String,
    committed: bool,
    groups: Vec<After>,
}

impl Recorded {
    pub fn of(
        kept: &Kept,
        names: &BTreeMap<String, String>,
        units: &[String],
        committed: bool,
    ) -> anyhow::Result<Recorded> {
        let field = kept.field()?;
        let mut groups: Vec<After> = Vec::new();
        for unit in units {
            let one = field.standing(unit)?;
            groups.retain(|before| before.unit != *unit);
            groups.push(After {
                unit: unit.clone(),
                name: names.get(unit).cloned(),
                coordinator: one.disposition.coordinator,
                members: one.disposition.members,
                overall: one.disposition.overall(),
                free: one.free() && one.replaced_by.is_none(),
            });
        }
        Ok(Recorded { study: kept.study.name.clone(), committed, groups })
    }
}

impl fmt::Display for Recorded {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for one in &self.groups {
            let name = one.name.as_ref().unwrap_or(&one.unit);
            let overall = word(one.overall);
            writeln!(out, "{name}: coordinator {}, members {}; {overall}", word(one.coordinator), word(one.members))?;
            if one.free {
                writeln!(
                    out,
                    "  Its place is free: `mutuald frame study replace {:?} {name:?}` says who is next.",
                    self.study
                )?;
            }
        }
        if self.committed {
            write!(out, "Noted. `mutuald frame study undo {:?} --why …` takes the last entry back.", self.study)
        } else {
            write!(out, "Nothing was noted. With --commit it is, all of it at once.")
        }
    }
}

/// An entry that was taken back.
#[derive(Serialize)]
pub struct TakenBack {
    study: String,
    entry: usize,
    #[serde(skip)]
    words: String,
}

impl TakenBack {
    pub async fn of(context: &Context, kept: &Kept, entry: usize) -> anyhow::Result<TakenBack> {
        let names = names(context, kept).await?;
        let words = kept.entries.iter().find(|one| one.n == entry).map(|one| words(&one.event, &names));
        Ok(TakenBack { study: kept.study.name.clone(), entry, words: words.unwrap_or_default() })
    }
}

impl fmt::Display for TakenBack {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Taken back, and kept in the history: entry {}, {}", self.entry, self.words)
    }
}

/// Who comes next, or came.
#[derive(Serialize)]
pub struct Replaced {
    pub study: String,
    #[serde(flatten)]
    pub next: Next,
    #[serde(skip)]
    pub names: BTreeMap<String, String>,
    pub committed: bool,
}

impl fmt::Display for Replaced {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Next { unit, instead_of, place, passed_over, unmet, met } = &self.next;
        let name = |unit: &String| self.names.get(unit).cloned().unwrap_or_else(|| unit.clone());
        let verb = if self.committed { "takes" } else { "would take" };
        writeln!(out, "{} {verb} the place of {}: number {place} of the reserve.", name(unit), name(instead_of))?;
        if !unmet.is_empty() {
            let all: Vec<String> = unmet.iter().map(|quota| format!("{} {}", quota.dimension, quota.value)).collect();
            writeln!(
                out,
                "Without it too few are left of: {}. The next one meets {met} of {}.",
                all.join(", "),
                unmet.len()
            )?;
            if *passed_over > 0 {
                let before = count(*passed_over as u64, "group stands", "groups stand");
                writeln!(out, "{before} before it in the order of tickets, and meets fewer of these.")?;
            }
        }
        if self.committed {
            write!(out, "Issued. What the group it replaces did answer stays and counts.")
        } else {
            write!(out, "Nothing was issued. With --commit it is.")
        }
    }
}

/// Study numbers, or what they would be.
#[derive(Serialize)]
pub struct Numbered {
    study: String,
    committed: bool,
    groups: usize,
    open: usize,
    /// Study number → group. Only here, and only once they are given.
    numbers: BTreeMap<usize, String>,
    #[serde(skip)]
    names: BTreeMap<String, String>,
}

impl Numbered {
    pub async fn of(context: &Context, kept: &Kept, committed: bool) -> anyhow::Result<Numbered> {
        let field = kept.field()?;
        let open = |one: &&crate::frame::fieldwork::Standing| {
            use Outcome::{Invited, NotApproached};
            let waits = |outcome| matches!(outcome, Invited | NotApproached);
            waits(one.disposition.coordinator) || waits(one.disposition.members)
        };
        Ok(Numbered {
            study: kept.study.name.clone(),
            committed,
            groups: field.units.len(),
            open: field.units.iter().filter(open).count(),
            numbers: kept.numbers.iter().map(|(unit, number)| (*number, unit.clone())).collect(),
            names: names(context, kept).await?,
        })
    }
}

impl fmt::Display for Numbered {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, unit) in &self.numbers {
            writeln!(out, "{number:>4}  {}", self.names.get(unit).unwrap_or(unit))?;
        }
        if self.committed {
            return out.write_str(
                "\nThe order is of chance alone: neither of site, nor of list, nor of ticket. This mapping is kept at this hub and in \
                 no export; do not pass it on.",
            );
        }
        let groups = count(self.groups as u64, "group", "groups");
        writeln!(out, "{groups} would be numbered from 1 to {}, in an order of chance alone.", self.groups)?;
        if self.open > 0 {
            let open = count(self.open as u64, "group has", "groups have");
            writeln!(out, "{open} not answered yet: after this, nobody can take their places.")?;
        }
        write!(out, "Nothing was numbered. With --commit it is, once and for good.")
    }
}
