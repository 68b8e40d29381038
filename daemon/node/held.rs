//! Records whose words seem to tell of a person: held before they are signed, until somebody has looked.
//!
//! The guard stands in [`Hub::say_in`], so that no occasion goes round it: an edit, an import, a source that is read on a
//! schedule, the undoing of an import. An import says so beforehand, row by row ([`look`]). What a record says in public
//! already is not asked about again, and what was decided about a text is remembered for that text.

use super::author::Draft;
use super::{Hub, Said};
use crate::exchange::plan::{Existing, ImportPlan, Settled, ToLookAt};
use crate::record::group::Group;
use crate::record::part;
use crate::record::scan::{self, Found};
use crate::record::statement::{Body, Kind};
use crate::store::held::HeldRow;
use crate::store::log::OWN;
use crate::store::protected::Postcodes;
use crate::store::{self, StoreError, Write};
use anyhow::{Context, bail};
use sqlx::SqliteConnection;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// How a postcode of a protected place is called where it is met in another group's words: it is said nowhere.
const POSTCODE: &str = "the postcode of a protected place";

/// What of a group's words seems to tell of a person, or where a protected place is.
fn met(group: &Group, rec: Option<Uuid>, places: &Postcodes) -> Vec<Found> {
    let there = |text: &str| match places.stand_in(text, rec) {
        true => vec![POSTCODE.to_owned()],
        false => Vec::new(),
    };
    scan::scan(group, &there)
}

/// What of a group's words must be looked at: found, not yet decided to be harmless, and not public already.
fn to_look_at(
    (group, rec): (&Group, Option<Uuid>),
    before: Option<&Group>,
    decided: &BTreeMap<String, bool>,
    places: &Postcodes,
) -> Vec<Found> {
    let found = met(group, rec, places);
    if found.is_empty() {
        return found;
    }
    // Of places every finding is called the same: there the whole text must be public already.
    let by = |found: &Found| if found.kind == scan::Kind::Place { found.mark.clone() } else { found.text.clone() };
    let before = before.map(|group| met(group, rec, places)).unwrap_or_default();
    let known: BTreeSet<String> = before.iter().map(by).collect();
    let open = |found: &Found| decided.get(&found.mark) != Some(&true) && !known.contains(&by(found));
    found.into_iter().filter(open).collect()
}

/// Takes the rows whose words must be looked at out of a plan's new and changed ones.
///
/// # Errors
/// Database errors.
pub async fn look(db: &mut SqliteConnection, plan: &mut ImportPlan, existing: &[Existing]) -> Result<(), StoreError> {
    let decided = store::held::decisions(db).await?;
    let places = store::protected::postcodes(db).await?;
    let before: BTreeMap<Uuid, &Group> = existing.iter().map(|one| (one.rec, &one.group)).collect();
    let waiting: BTreeSet<String> = store::held::all(db).await?.into_iter().map(|held| held.public).collect();
    let settled = |group: &Group, found: &[Found]| match () {
        () if found.iter().any(|found| decided.get(&found.mark) == Some(&false)) => Some(Settled::Dropped),
        () if waiting.contains(&group.json()) => Some(Settled::Waiting),
        () => None,
    };
    let (mut new, mut changed) = (Vec::new(), Vec::new());
    for row in std::mem::take(&mut plan.new) {
        let found = to_look_at((&row.group, None), None, &decided, &places);
        match found.is_empty() {
            true => new.push(row),
            false => plan.to_look_at.push(ToLookAt {
                line: row.line,
                rec: None,
                settled: settled(&row.group, &found),
                group: row.group,
                found,
            }),
        }
    }
    for row in std::mem::take(&mut plan.changed) {
        let found = to_look_at((&row.group, Some(row.rec)), before.get(&row.rec).copied(), &decided, &places);
        match found.is_empty() {
            true => changed.push(row),
            false => plan.to_look_at.push(ToLookAt {
                line: row.line,
                rec: Some((row.rec, row.rev)),
                settled: settled(&row.group, &found),
                group: row.group,
                found,
            }),
        }
    }
    (plan.new, plan.changed) = (new, changed);
    plan.to_look_at.sort_by_key(|row| row.line);
    Ok(())
}

/// Holds the rows of a plan that must be looked at. Returns how many wait.
///
/// # Errors
/// Database errors.
pub async fn keep(hub: &Hub, db: &mut Write, plan: &ImportPlan) -> Result<usize, StoreError> {
    let mut kept = 0;
    for row in plan.to_look_at.iter().filter(|row| row.settled.is_none()) {
        let (rec, rev) = row.rec.unwrap_or_else(|| (hub.chance.id(), 0));
        let held = HeldRow {
            n: 0,
            rec,
            rev,
            name: row.group.name.clone(),
            public: row.group.json(),
            found: row.found.clone(),
            since: hub.clock.now().as_second(),
        };
        store::held::hold(db, &held).await?;
        kept += 1;
    }
    Ok(kept)
}

/// Whether a group's words may tell of a person.
pub(super) fn tells(group: &Group) -> bool {
    !met(group, None, &Postcodes::default()).is_empty()
}

impl Hub {
    /// Holds the drafts whose words must be looked at, and gives the others.
    pub(super) async fn screen<'a>(&self, db: &mut Write, drafts: &'a [Draft]) -> Result<Cow<'a, [Draft]>, StoreError> {
        let put = |draft: &&Draft| draft.body == Body::Put(Kind::Record);
        let mut suspects = BTreeMap::new();
        let places = store::protected::postcodes(db).await?;
        for draft in drafts.iter().filter(put) {
            let group = draft.public.as_deref().and_then(|json| Group::read(json).ok());
            if let Some(group) = group.filter(|group| !met(group, Some(draft.id), &places).is_empty()) {
                suspects.insert(draft.id, group);
            }
        }
        let mut held = BTreeSet::new();
        if !suspects.is_empty() {
            let decided = store::held::decisions(db).await?;
            for (id, group) in suspects {
                let row = store::record::get(db, OWN, id).await?;
                let put = row.as_ref().and_then(|row| row.state.put);
                let line = match put {
                    Some((pos, _)) => store::log::leaf(db, pos).await?.and_then(|leaf| leaf.line),
                    None => None,
                };
                let before = line.as_deref().and_then(part::json).and_then(|json| Group::read(json).ok());
                let found = to_look_at((&group, Some(id)), before.as_ref(), &decided, &places);
                if found.is_empty() {
                    continue;
                }
                let (name, public, since) = (group.name.clone(), group.json(), self.clock.now().as_second());
                let rev = put.map_or(0, |(_, rev)| rev);
                store::held::hold(db, &HeldRow { n: 0, rec: id, rev, name, public, found, since }).await?;
                held.insert(id);
            }
        }
        let waiting: BTreeSet<Uuid> = store::held::all(db).await?.into_iter().map(|held| held.rec).collect();
        let said = |draft: &&Draft| !held.contains(&draft.id) && waiting.contains(&draft.id);
        for draft in drafts.iter().filter(put).filter(said) {
            // What is said now takes the place of what waited.
            store::held::remove(db, draft.id).await?;
        }
        if held.is_empty() {
            return Ok(Cow::Borrowed(drafts));
        }
        Ok(drafts.iter().filter(|draft| !(put(draft) && held.contains(&draft.id))).cloned().collect())
    }

    /// How many of these drafts were held.
    pub async fn held_among(&self, db: &mut Write, drafts: &[Draft]) -> Result<usize, StoreError> {
        let waiting: BTreeSet<Uuid> = store::held::all(db).await?.into_iter().map(|held| held.rec).collect();
        Ok(drafts.iter().filter(|draft| draft.body == Body::Put(Kind::Record) && waiting.contains(&draft.id)).count())
    }

    /// A person looked at a held record's words, and they may be signed. It is remembered for these words.
    ///
    /// # Errors
    /// Nothing of that number waits, or the record was changed meanwhile; database errors.
    pub async fn release(&self, n: i64) -> anyhow::Result<(HeldRow, Said)> {
        let held = self.waiting(n).await?;
        let mut db = self.store.write().await?;
        let row = store::record::get(&mut db, OWN, held.rec).await?;
        let rev = row.as_ref().map_or(0, |row| row.state.rev);
        if row.and_then(|row| row.state.put).map_or(0, |(_, rev)| rev) != held.rev {
            bail!("{:?} was changed since it was held; drop this, and make the change again", held.name);
        }
        store::held::decide(&mut db, &held.found, true, self.clock.now().as_second()).await?;
        store::held::remove(&mut db, held.rec).await?;
        let (body, public) = (Body::Put(Kind::Record), Some(held.public.clone()));
        let drafts = [Draft { id: held.rec, rev: rev + 1, body, public }];
        let derived = self.say_in(&mut db, &drafts, |_| ()).await?;
        if let Ok(group) = Group::read(&held.public)
            && let Some(list) = group.list
        {
            let keys: Vec<_> = crate::exchange::keys(&group).into_iter().map(|key| (key, held.rec)).collect();
            store::imports::know(&mut db, list, &keys).await?;
        }
        let again = self.held_among(&mut db, &drafts).await?;
        db.commit().await?;
        let said = Said { statements: 1 - again, held: again, derived, published: self.publish().await? };
        Ok((held, said))
    }

    /// A person looked at a held record's words, and they are not to be signed. It is remembered for these words.
    ///
    /// # Errors
    /// Nothing of that number waits; database errors.
    pub async fn drop_held(&self, n: i64) -> anyhow::Result<HeldRow> {
        let held = self.waiting(n).await?;
        let mut db = self.store.write().await?;
        store::held::decide(&mut db, &held.found, false, self.clock.now().as_second()).await?;
        store::held::remove(&mut db, held.rec).await?;
        db.commit().await?;
        self.store.truncate().await?;
        Ok(held)
    }

    async fn waiting(&self, n: i64) -> anyhow::Result<HeldRow> {
        let mut db = self.store.read().await?;
        let all = store::held::all(&mut db).await?;
        all.into_iter().find(|held| held.n == n).with_context(|| format!("nothing is held under the number {n}"))
    }
}
