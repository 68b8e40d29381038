//! `mutuald frame diff`

use crate::cli::output::count;
use crate::cli::{Answer, Context, Failure};
use crate::frame::diff::{self, Accounts, Changed, Joined};
use crate::frame::frozen::{Frame, say};
use crate::node::Hub;
use crate::record::RecordRef;
use crate::store::lookup;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

/// What became of a frame's groups in a later frame: added, closed, judged otherwise, joined, parted
#[derive(Debug, clap::Args)]
pub struct Diff {
    /// The earlier frame: a frozen folder, or the name of one as it is in the registry now
    before: String,
    /// The later one
    after: String,
}

/// What differs, with the names that the registry has for the groups.
#[derive(Serialize)]
struct Shown {
    before: Side,
    after: Side,
    groups: Accounts,
    units: Accounts,
    #[serde(flatten)]
    diff: diff::Diff,
    /// By group id.
    names: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct Side {
    frame: String,
    digest: String,
    as_of: jiff::civil::Date,
    profile: String,
}

impl Diff {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let (before, after) = (read(context, &self.before).await?, read(context, &self.after).await?);
        let found = diff::diff(&before, &after);
        let (groups, units) = diff::accounts(&before, &after);
        // Counts that do not meet would be a fault of this program, and no figure of it could be trusted then.
        if !groups.adds_up() || !units.adds_up() {
            return Err(
                Failure::new("the counts of the two frames do not meet", "report this with both folders").into()
            );
        }
        let side = |frame: &Frame| Side {
            frame: frame.definition.sample_frame_name.clone(),
            digest: frame.digest(),
            as_of: frame.definition.as_of,
            profile: frame.profile.cited(),
        };
        // Two folders are compared anywhere; where a hub is, its registry knows the groups' names.
        let names = match context.hub().await {
            Ok(hub) => names(hub).await?,
            Err(_) => BTreeMap::new(),
        };
        Answer::of(&Shown { before: side(&before), after: side(&after), groups, units, diff: found, names })
    }
}

async fn read(context: &Context, named: &str) -> anyhow::Result<Frame> {
    let folder = Path::new(named);
    if !folder.is_dir() {
        let plan = super::named(context, named).await?;
        return super::built(context, &plan).await;
    }
    let none = || Failure::new(format!("{named} holds no frame"), "name the folder of a frozen frame");
    Ok(super::opened(folder)?.frame.ok_or_else(none)?)
}

async fn names(hub: &Hub) -> anyhow::Result<BTreeMap<String, String>> {
    let mut db = hub.store.read().await?;
    let hubs: BTreeMap<i64, _> = crate::store::hub::ids(&mut db).await?.into_iter().collect();
    let numbers = lookup::all(&mut db).await?;
    let rows = lookup::groups(&mut db, &numbers).await?;
    let one = |row: crate::store::registry::GroupRow| {
        Some((RecordRef { hub: *hubs.get(&row.hub)?, rec: row.rec }.to_string(), row.name))
    };
    Ok(rows.into_iter().filter_map(one).collect())
}

impl Shown {
    fn name(&self, id: &RecordRef) -> String {
        self.names.get(&id.to_string()).cloned().unwrap_or_else(|| id.to_string())
    }

    fn all(&self, several: &[RecordRef]) -> String {
        several.iter().map(|id| self.name(id)).collect::<Vec<_>>().join(" + ")
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shown { before, after, groups, units, diff, .. } = self;
        writeln!(out, "From {} of {} to {} of {}\n", before.frame, before.as_of, after.frame, after.as_of)?;
        if before.profile != after.profile {
            writeln!(out, "The rules differ: {} and {}.\n", before.profile, after.profile)?;
        }
        writeln!(out, "{:<44}{:>7}{:>7}", "", "groups", "units")?;
        let lines = [
            ("in the earlier frame", groups.before, units.before),
            ("less: gone", groups.gone, units.gone),
            ("less: several that became one", groups.merged, units.merged),
            ("more: one that became several", groups.split, units.split),
            ("more: added", groups.added, units.added),
            ("less: belong no longer", groups.ceased_to_belong, units.ceased_to_belong),
            ("more: belong now", groups.came_to_belong, units.came_to_belong),
            ("in the later frame", groups.after, units.after),
        ];
        for (what, groups, units) in lines {
            writeln!(out, "{what:<44}{groups:>7}{units:>7}")?;
        }
        let list = |out: &mut fmt::Formatter<'_>, heading: &str, rows: Vec<String>| {
            if rows.is_empty() {
                return Ok(());
            }
            writeln!(out, "\n{heading} ({})", rows.len())?;
            rows.iter().try_for_each(|row| writeln!(out, "  {row}"))
        };
        let plain = |ids: &[RecordRef]| ids.iter().map(|id| self.name(id)).collect::<Vec<_>>();
        list(out, "Added", plain(&diff.added))?;
        list(out, "Gone: withdrawn, erased, or not to be listed", plain(&diff.gone))?;
        list(out, "Closed since", plain(&diff.closed))?;
        let changed = |one: &Changed| format!("{}: {} → {}", self.name(&one.id), say(&one.from), say(&one.to));
        list(out, "Judged otherwise", diff.reclassified.iter().map(changed).collect())?;
        let merged = |one: &Joined| format!("{} is now one: {}", self.all(&one.several), self.name(&one.one));
        list(out, "Joined", diff.merged.iter().map(merged).collect())?;
        let split = |one: &Joined| format!("{} is now {}", self.name(&one.one), self.all(&one.several));
        list(out, "Parted", diff.split.iter().map(split).collect())?;
        write!(out, "\n{} judged as before.", count(diff.same as u64, "group is", "groups are"))
    }
}
