//! `mutuald safety list`

use super::label;
use crate::cli::output::{lines, table};
use crate::cli::{Answer, Context};
use crate::node::groups;
use crate::node::groups::words::term_label;
use crate::node::protect::{self, Exposure};
use crate::record::safety::Level;
use crate::store::protected::{self, Proposal, ProtectedRow};
use serde::Serialize;
use sqlx::SqliteConnection;
use std::fmt;
use uuid::Uuid;

/// Show what this hub protects, what waits for a second person, and who shows more than that
#[derive(Debug, clap::Args)]
pub struct List {}

#[derive(Serialize)]
struct Listed {
    protected: Vec<One>,
    proposals: Vec<Waiting>,
    exposures: Vec<Exposure>,
    /// Groups of other hubs under the name of a record of which this hub signs nothing.
    namesakes: Vec<Namesake>,
}

#[derive(Serialize)]
struct One {
    name: String,
    level: Level,
    signed: bool,
    since: String,
    public_before: bool,
}

#[derive(Serialize)]
struct Waiting {
    name: String,
    level: Level,
    person: String,
    role: String,
}

#[derive(Serialize)]
struct Namesake {
    name: String,
    hubs: i64,
}

impl fmt::Display for Listed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.protected.is_empty() {
            writeln!(out, "This hub protects no place.")?;
        } else {
            let mut shown = table(&["group", "what may be known", "since", ""]);
            for one in &self.protected {
                let before = if one.public_before { "was public before" } else { "" };
                shown.add_row([one.name.as_str(), &label(one.level.label()), &one.since, before]);
            }
            writeln!(out, "{}", lines(&shown))?;
        }
        for it in &self.proposals {
            writeln!(
                out,
                "\nWaits for a second person: {:?} to {:?}, proposed by {} ({}).\n  mutuald safety confirm '{}' --person … --role … --commit",
                it.name,
                label(it.level.label()),
                it.person,
                term_label("safety-roles", &it.role).to_lowercase(),
                it.name
            )?;
        }
        for it in &self.exposures {
            let (group, level) = (&it.group, label(&it.level));
            if it.own {
                writeln!(
                    out,
                    "\nThis hub's own record of {group:?} says more than {level:?}, which somebody else's word makes it.\n  \
                     mutuald safety set '{group}' {}",
                    it.level
                )?;
            } else {
                writeln!(
                    out,
                    "\n{} says more of {group:?} than {level:?}. It is not shown here, and {} can read our word; it may help to telephone.",
                    it.hub, it.hub
                )?;
            }
        }
        for it in &self.namesakes {
            writeln!(
                out,
                "\nAnother hub lists a group called {:?}, which is the name of one that this hub keeps to itself. If it is the same:\n  \
                 mutuald safety set '{}' LEVEL",
                it.name, it.name
            )?;
        }
        Ok(())
    }
}

/// The name of a protected record, for this hub's own people.
async fn name_of(db: &mut SqliteConnection, names: &[(Uuid, String)], row: &ProtectedRow) -> anyhow::Result<String> {
    if let Some((_, name)) = names.iter().find(|(rec, _)| *rec == row.rec) {
        return Ok(name.clone());
    }
    Ok(protected::name(db, row.rec).await?.unwrap_or_else(|| row.rec.to_string()))
}

impl List {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let hub = context.hub().await?;
        let mut db = hub.store.read().await?;
        let own = groups::own_records(hub, &mut db).await?;
        let names: Vec<(Uuid, String)> = own.into_iter().map(|one| (one.record.rec, one.group.name)).collect();
        let mut listed = Vec::new();
        let rows = protected::rows(&mut db).await?;
        for row in &rows {
            let since = jiff::Timestamp::from_second(row.since).unwrap_or_default();
            listed.push(One {
                name: name_of(&mut db, &names, row).await?,
                level: row.level,
                signed: row.level.signed(),
                since: since.to_zoned(hub.config.time_zone()?).date().to_string(),
                public_before: row.public_from.is_some(),
            });
        }
        listed.sort_by(|a, b| (&a.name, a.level).cmp(&(&b.name, b.level)));
        let mut proposals = Vec::new();
        for Proposal { rec, level, by, .. } in protected::proposals(&mut db).await? {
            let row = rows.iter().find(|row| row.rec == rec);
            let name = match row {
                Some(row) => name_of(&mut db, &names, row).await?,
                None => rec.to_string(),
            };
            proposals.push(Waiting { name, level, person: by.name, role: by.role });
        }
        let exposures = protect::exposures(hub, &mut db).await?;
        let namesakes: Vec<Namesake> = protect::namesakes(&mut db)
            .await?
            .into_iter()
            .map(|(_, row)| Namesake { name: row.name, hubs: row.hubs })
            .collect();
        let look = !proposals.is_empty() || !exposures.is_empty() || !namesakes.is_empty();
        Ok(Answer::of(&Listed { protected: listed, proposals, exposures, namesakes })?.look_if(look))
    }
}
