//! `mutuald link`

use super::group::{published, refused};
use super::{Answer, Context, Failure};
use crate::node::groups::{Known, One, say};
use crate::node::{Hub, Said};
use crate::record::RecordRef;
use crate::record::statement::Judgement;
use crate::registry::normal;
use crate::store;
use serde::Serialize;
use sqlx::SqliteConnection;
use std::fmt;

/// Say whether two entries are the same group
///
/// Where both names lead to one group, `NAME @ HUB` or `NAME @ LIST` says whose entry is meant.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("judgement").required(true)))]
pub struct Link {
    /// One group
    a: String,
    /// The other
    b: String,
    /// They are one group
    #[arg(long, group = "judgement")]
    same: bool,
    /// They are two groups
    #[arg(long, group = "judgement")]
    different: bool,
    /// Looked at, and not clear
    #[arg(long, group = "judgement")]
    unsure: bool,
    /// The first is a branch of the second
    #[arg(long, group = "judgement")]
    branch_of: bool,
    /// The first is hosted by the second
    #[arg(long, group = "judgement")]
    hosted_by: bool,
    /// The first was succeeded by the second
    #[arg(long, group = "judgement")]
    succeeded_by: bool,
    /// Two groups that meet in one venue
    #[arg(long, group = "judgement")]
    same_venue: bool,
    /// Take back what this hub said of the two
    #[arg(long, group = "judgement")]
    undo: bool,
}

#[derive(Serialize)]
struct Linked {
    a: String,
    b: String,
    judgement: &'static str,
    one_group: bool,
    said: Said,
    #[serde(skip)]
    hint: String,
}

impl fmt::Display for Linked {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let now = if self.one_group { "one group" } else { "two groups" };
        writeln!(
            out,
            "{}\n{}\n  {}: the registry has them as {now}.",
            self.a,
            self.b,
            self.judgement.replace('-', " ")
        )?;
        if !self.hint.is_empty() {
            writeln!(out, "  {}", self.hint)?;
        }
        out.write_str(&published(&self.said))
    }
}

/// Words for a group, and for whose record of it.
fn divided(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(" @ ") {
        Some((name, whose)) => (name.trim(), Some(whose.trim())),
        None => (text.trim(), None),
    }
}

impl Link {
    fn judgement(&self) -> Judgement {
        match self {
            Link { same: true, .. } => Judgement::Same,
            Link { different: true, .. } => Judgement::Different,
            Link { unsure: true, .. } => Judgement::Unsure,
            Link { branch_of: true, .. } => Judgement::BranchOf,
            Link { hosted_by: true, .. } => Judgement::HostedBy,
            Link { succeeded_by: true, .. } => Judgement::SucceededBy,
            Link { same_venue: true, .. } => Judgement::SameVenue,
            _ => Judgement::None,
        }
    }

    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let judgement = self.judgement();
        let hub = context.hub().await?;
        let mut db = hub.store.read().await?;
        let (left, whose_left) = divided(&self.a);
        let (right, whose_right) = divided(&self.b);
        let a = context.group(hub, &mut db, left).await?;
        let b = context.group(hub, &mut db, right).await?;
        let (one, other) = match ends((&a, left, whose_left), (&b, right, whose_right)) {
            // Taking back needs no two records: all that was said between them goes.
            Err(_) if judgement == Judgement::None => first_two(&a, &b),
            ends => ends?,
        };
        let drafts = if judgement == Judgement::None {
            say::unlink(&a, &b).map_err(|error| refused(&error))?
        } else {
            let decisions = a.decisions.iter().chain(&b.decisions);
            vec![say::link(decisions, one.record, other.record, judgement, context.chance.id())]
        };
        let ends = (one.record, other.record);
        drop(db);
        let said = hub.say(&drafts).await?;
        let mut db = hub.store.read().await?;
        let one_group = together(hub, &mut db, ends).await?;
        let hint = match (judgement, one_group) {
            (Judgement::Same, false) => "Another decision keeps them apart: `mutuald group why` says which.",
            (Judgement::Same | Judgement::Unsure | Judgement::None, _) | (_, false) => "",
            (_, true) => "Another decision holds them together: `mutuald group why` says which.",
        };
        let name = |one: &One| format!("{} ({})", one.group.name, one.whose());
        Answer::of(&Linked {
            a: name(one),
            b: name(other),
            judgement: if judgement == Judgement::None { "taken-back" } else { judgement.label() },
            one_group,
            said,
            hint: hint.to_owned(),
        })
    }
}

type Side<'a> = (&'a Known, &'a str, Option<&'a str>);

/// Any two records of the two groups.
fn first_two<'a>(a: &'a Known, b: &'a Known) -> (&'a One, &'a One) {
    let one = &a.members[0];
    (one, b.members.iter().find(|other| other.record != one.record).unwrap_or(one))
}

/// The two records that a judgement names.
fn ends<'a>(a: Side<'a>, b: Side<'a>) -> anyhow::Result<(&'a One, &'a One)> {
    let (left, right) = (fitting(a)?, fitting(b)?);
    let first = |from: &[&'a One], not: Option<RecordRef>| {
        let free = || from.iter().filter(|one| Some(one.record) != not).copied();
        free().find(|one| one.own()).or_else(|| free().next())
    };
    if a.0.row.n != b.0.row.n {
        // Two groups: any record of each stands for it; our own, where there is one, will not go away unasked.
        if let (Some(one), Some(other)) = (first(&left, None), first(&right, None)) {
            return Ok((one, other));
        }
    }
    // One group: which two of its records are meant must be clear.
    match (&left[..], &right[..]) {
        ([one], [other]) if one.record != other.record => return Ok((one, other)),
        ([one], [_, ..]) if right.len() == 2 => {
            if let Some(other) = first(&right, Some(one.record)) {
                return Ok((one, other));
            }
        }
        ([_, ..], [other]) if left.len() == 2 => {
            if let Some(one) = first(&left, Some(other.record)) {
                return Ok((one, other));
            }
        }
        ([one, other], [_, _]) => return Ok((one, other)),
        _ => {}
    }
    if a.0.members.len() < 2 {
        let what = format!(
            "both names lead to one entry: {} ({})",
            a.0.row.name,
            a.0.members.first().map(One::whose).unwrap_or_default()
        );
        return Err(Failure::usage(
            what,
            format!("use more words for each; `mutuald group list {}` shows what there is", a.1),
        )
        .into());
    }
    let entries: Vec<String> =
        a.0.members.iter().map(|one| format!("  '{} @ {}'", one.group.name, one.whose())).collect();
    let what = format!("both names lead to one group of {} entries:\n{}", a.0.members.len(), entries.join("\n"));
    Err(Failure::usage(what, "name two of them like this").into())
}

/// Records of a group that the words fit: of the hub or list named, else of exactly that name, else all.
fn fitting<'a>((known, name, whose): Side<'a>) -> anyhow::Result<Vec<&'a One>> {
    let all = || known.members.iter();
    let form = normal::words(name);
    let named: Vec<&One> = all().filter(|one| normal::words(&one.group.name) == form).collect();
    let Some(whose) = whose else {
        return Ok(if named.is_empty() { all().collect() } else { named });
    };
    let lower = whose.to_lowercase();
    let theirs =
        |one: &&One| [&one.hub, &one.list, &one.whose()].iter().any(|text| text.to_lowercase().contains(&lower));
    let both: Vec<&One> = named.iter().copied().filter(theirs).collect();
    let found: Vec<&One> = if both.is_empty() { all().filter(theirs).collect() } else { both };
    if found.is_empty() {
        let entries: Vec<String> = all().map(One::whose).collect();
        let what = format!("no entry of {:?} is by {whose:?}", known.row.name);
        return Err(Failure::usage(what, format!("its entries are by: {}", entries.join("; "))).into());
    }
    Ok(found)
}

/// Whether two records are listed as one group now.
async fn together(hub: &Hub, db: &mut SqliteConnection, (a, b): (RecordRef, RecordRef)) -> anyhow::Result<bool> {
    let rules = hub.rules(db).await?;
    let mut groups = Vec::new();
    for record in [a, b] {
        if let Some((hub, rec)) = rules.key(&record) {
            groups.push(store::record::get(db, hub, rec).await?.and_then(|row| row.group));
        }
    }
    Ok(matches!(groups[..], [Some(a), Some(b)] if a == b))
}
