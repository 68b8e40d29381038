//! Taking over from a hub that has ended and named this one (PROTOCOL 1.6).
//!
//! All that it states is said again in this hub's own list: the same ids, revisions, digests and lines, so that nothing new
//! leaks and references hold, and with each record which one it replaces. From then on every hub that holds both documents
//! reads this hub's records in the stead of the other's. What the other never published (contacts, protected places, people,
//! consents) is not here, and cannot be taken over: it was given to that hub by name.

use super::{Hub, accept, held};
use crate::failpoint::reach;
use crate::feed::hub as hub_document;
use crate::feed::leaf;
use crate::feed::merkle::leaf_hash;
use crate::record::Group;
use crate::record::part::{self, PUBLIC};
use crate::record::privacy;
use crate::record::statement::{Body, Kind, Prefer, RecordRef, Revision, Statement};
use crate::store::log::{LogRow, NewLeaf, OWN};
use crate::store::partner::PartnerRow;
use crate::store::{self, Write};
use anyhow::{Context, bail};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// What taking over from a hub does, or did.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct TakeOver {
    /// The hub that ended.
    pub from: String,
    /// Its lists that become lists of this hub.
    pub lists: usize,
    /// Its records that this hub's stand for from now on.
    pub records: usize,
    /// Of its records, those that stood for nothing but what this hub said already.
    pub already: usize,
    /// Links, choices and words about safety of its people, which this hub goes on to say.
    pub decisions: usize,
    /// Names of groups whose words may tell of a person: somebody must look before this hub signs them.
    pub to_look_at: Vec<String>,
}

/// What is to be said again.
struct Taken {
    plan: TakeOver,
    /// Statements with their lines; times are set when they are signed.
    leaves: Vec<(Statement, Option<String>)>,
}

impl Hub {
    /// What [`Hub::take_over`] would do; nothing is changed.
    ///
    /// # Errors
    /// The hub has not ended, names another, or is not held to its end.
    pub async fn plan_take_over(&self, partner: &PartnerRow, looked: bool) -> anyhow::Result<TakeOver> {
        let mut db = self.store.write().await?;
        Ok(self.taken(&mut db, partner, looked).await?.plan)
    }

    /// Says again in this hub's own list what a hub that ended stated, and publishes. With `looked`, also words that may tell
    /// of a person: somebody has looked at them.
    ///
    /// # Errors
    /// As [`Hub::plan_take_over`]; nothing is changed then.
    pub async fn take_over(&self, partner: &PartnerRow, looked: bool) -> anyhow::Result<TakeOver> {
        let mut db = self.store.write().await?;
        let Taken { plan, leaves } = self.taken(&mut db, partner, looked).await?;
        let mut log = store::log::by_number(&mut db, OWN).await?.context("this database holds no hub")?;
        let keys = self.keys_of(&log)?;
        let at = Timestamp::from_second(self.clock.now().as_second())?;
        let mut signed = Vec::with_capacity(leaves.len());
        for (statement, line) in leaves {
            let note = leaf::sign(&Statement { at, ..statement }, &keys.log)?;
            signed.push(NewLeaf { hash: leaf_hash(&note), note, line });
        }
        store::log::append(&mut db, &mut log, &signed).await?;
        let accepted = accept::accept(&mut db, &log, log.held, self.policy.linkage(), Default::default()).await?;
        self.derive_in(&mut db, accepted).await?;
        reach("succession-commit");
        db.commit().await?;
        tracing::warn!(from = %partner.id, records = plan.records, lists = plan.lists, "took over from a hub that ended");
        self.publish().await?;
        self.scrub().await?;
        Ok(plan)
    }

    async fn taken(&self, db: &mut Write, partner: &PartnerRow, looked: bool) -> anyhow::Result<Taken> {
        let logs = store::log::of_hub(db, partner.hub).await?;
        let last = logs.last().context("the partner has no list")?;
        let document = hub_document::reopen(&last.document, last.hub)?;
        let name = &partner.name;
        match document.document.successor {
            Some(successor) if successor == self.id && last.closed.is_some() => {}
            Some(successor) if last.closed.is_some() => {
                bail!("{name} has ended and names {successor} to take over, not this hub ({})", self.id)
            }
            _ => bail!(
                "{name} has not ended; its people end it, and name this hub, with `mutuald key handover {}`",
                self.id
            ),
        }
        if !logs.iter().all(LogRow::complete) || logs.iter().any(|log| log.head < log.held) {
            bail!("the list of {name} is not here to its end; pull it first");
        }
        if store::log::by_number(db, OWN).await?.is_some_and(|log| log.closed.is_some()) {
            bail!("this hub has ended itself");
        }
        let keys: BTreeMap<i64, _> = logs.iter().map(|log| (log.n, &log.key)).collect();
        let open = |at: i64, note: &[u8]| leaf::open(note, keys.get(&store::log::log_of(at))?).ok();
        let ids = store::record::ids(db, partner.hub).await?;
        let ours: BTreeSet<Uuid> = store::record::ids(db, OWN).await?.into_iter().collect();
        let mut taken = Taken { plan: TakeOver { from: name.clone(), ..TakeOver::default() }, leaves: Vec::new() };
        let mut rows = store::record::get_many(db, partner.hub, &ids).await?;
        // Lists first, so that no record names one that is not there yet; then in the order in which they were said.
        rows.sort_by_key(|row| (row.state.kind == Kind::Record, row.state.put));
        for row in rows {
            let Some((put, _)) = row.state.put.filter(|_| !row.state.withdrawn) else { continue };
            if ours.contains(&row.rec) {
                taken.plan.already += usize::from(row.state.kind == Kind::Record);
                continue;
            }
            let Some(leaf) = store::log::leaf(db, put).await? else { continue };
            let (Some(statement), Some(line)) = (open(put, &leaf.note), leaf.line) else { continue };
            let mut statement = Statement { replaces: None, ..statement };
            statement.parts.retain(|class, _| class == PUBLIC);
            if row.state.kind == Kind::List {
                taken.plan.lists += 1;
                taken.leaves.push((statement, Some(line)));
                continue;
            }
            let json = part::json(&line).unwrap_or_default();
            let (Ok(group), Ok(())) = (Group::read(json), privacy::check_part(json)) else { continue };
            if !looked && held::tells(&group) {
                taken.plan.to_look_at.push(group.name);
                continue;
            }
            let replaced = RecordRef { hub: last.hub, rec: row.rec };
            statement.replaces = Some(replaced);
            taken.plan.records += 1;
            taken.leaves.push((statement, Some(line)));
            if let Some(at) = row.state.affirm
                && let Some(leaf) = store::log::leaf(db, at).await?
                && let Some(affirm) = open(at, &leaf.note)
            {
                taken.leaves.push((affirm, None));
            }
        }
        // What its people judged goes on as this hub's word: links, choices, how far a place may be known. Whoever comes later, and
        // never hears of that hub, is told too.
        let stood: BTreeSet<Uuid> = taken.leaves.iter().map(|(statement, _)| statement.id).chain(ours).collect();
        let now = |of: RecordRef| match of.hub == last.hub && stood.contains(&of.rec) {
            true => RecordRef { hub: self.id, ..of },
            false => of,
        };
        let before = store::record::decided(db, OWN).await?;
        for (at, _) in store::record::own_decisions(db, partner.hub).await? {
            let Some(leaf) = store::log::leaf(db, at).await? else { continue };
            let Some(statement) =
                open(at, &leaf.note).filter(|said| !stood.contains(&said.id) && !before.contains(&said.id))
            else {
                continue;
            };
            taken.plan.decisions += 1;
            let body = said_of(statement.body, &now);
            taken.leaves.push((Statement { parts: BTreeMap::new(), body, ..statement }, None));
        }
        Ok(taken)
    }
}

/// A decision about the records that stand for others now.
fn said_of(body: Body, now: &impl Fn(RecordRef) -> RecordRef) -> Body {
    let revision = |of: Revision| Revision { record: now(of.record), ..of };
    match body {
        Body::Link { a, b, judgement } => Body::Link { a: now(a), b: now(b), judgement },
        Body::Choose { on, field, prefer, over } => {
            let prefer = match prefer {
                Prefer::Value(of) => Prefer::Value(revision(of)),
                other => other,
            };
            Body::Choose { on: now(on), field, prefer, over: over.into_iter().map(revision).collect() }
        }
        Body::Safety { on, level, lowered } => Body::Safety { on: now(on), level, lowered },
        other => other,
    }
}
