//! Role contacts between the ledger and the wire: what is signed of them, when it is taken back, who is given it, and what
//! partner hubs give us.
//!
//! Nobody hands a contact part to the signer. Whenever a record is put, whatever the occasion, [`consented`] looks up its
//! role contacts and the consents in force today, and what follows is signed beside the public words. [`Hub::tend_contacts`]
//! puts a record again when that has changed, or when a hub that was given the line may no longer read it: on each change
//! of the ledger, at start-up, and when a new day begins, so that a consent that runs out withdraws by itself.

use super::author::Draft;
use super::{Hub, groups::say};
use crate::failpoint::reach;
use crate::peer::contacts::{self, Read};
use crate::record::consent::{self, Consented};
use crate::record::contact::{CONTACT, ContactPart};
use crate::record::part;
use crate::record::statement::{Body, HubId, Kind};
use crate::store::log::OWN;
use crate::store::{self, StoreError, Write};
use jiff::civil::Date;
use sqlx::SqliteConnection;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// What tending brought about.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Tended {
    /// Records whose contact part is signed now and was not, or otherwise.
    pub signed: usize,
    /// Records that were put again without any.
    pub withdrawn: usize,
}

/// The contact parts that may be signed beside these drafts today.
///
/// # Errors
/// Database errors.
pub async fn consented(
    db: &mut SqliteConnection,
    drafts: &[Draft],
    today: Date,
) -> Result<BTreeMap<Uuid, Consented>, StoreError> {
    let mut of: BTreeMap<Uuid, Vec<_>> = BTreeMap::new();
    for row in store::contact::all(db).await? {
        of.entry(row.rec).or_default().push((row.n, row.contact));
    }
    if of.is_empty() {
        return Ok(BTreeMap::new());
    }
    let consents = store::consent::rules(db).await?;
    let put = drafts.iter().filter(|draft| draft.body == Body::Put(Kind::Record) && draft.public.is_some());
    let part = |draft: &Draft| Some((draft.id, consent::consented(of.get(&draft.id)?, &consents, today)?));
    Ok(put.filter_map(part).collect())
}

/// Role contacts of a group as its people see them: who says so, and what.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Shown {
    /// Whose record: a hub's id.
    pub hub: HubId,
    /// Whom to ask.
    pub contacts: ContactPart,
}

/// What is held of records' contact parts: our own as signed, and what partner hubs gave us.
///
/// # Errors
/// Database errors.
pub async fn shown(db: &mut SqliteConnection, records: &[(i64, HubId, Uuid)]) -> Result<Vec<Shown>, StoreError> {
    let mut found = Vec::new();
    for (n, hub, rec) in records {
        let line = store::contact::line_of(db, *n, *rec).await?;
        let read = line.and_then(|row| ContactPart::read(part::json(&row.line)?).ok());
        found.extend(read.map(|contacts| Shown { hub: *hub, contacts }));
    }
    Ok(found)
}

impl Hub {
    /// Today, where the hub is.
    ///
    /// # Errors
    /// A time zone that the configuration's check refuses.
    pub fn today(&self) -> anyhow::Result<Date> {
        Ok(self.clock.today(&self.config.time_zone()?))
    }

    /// Brings what is signed of role contacts to what the ledger allows today, and publishes.
    ///
    /// # Errors
    /// Database errors; nothing is changed then. A failure to publish leaves what was signed standing.
    pub async fn tend_contacts(&self) -> anyhow::Result<Tended> {
        let mut db = self.store.write().await?;
        let tended = self.tend_in(&mut db).await?;
        reach("contacts-tended");
        db.commit().await?;
        if tended != Tended::default() {
            self.publish().await?;
            // What was withdrawn must not linger in the write-ahead log.
            self.store.truncate().await?;
        }
        Ok(tended)
    }

    /// [`Hub::tend_contacts`] inside the caller's transaction, without publishing.
    ///
    /// # Errors
    /// Database errors.
    pub async fn tend_in(&self, db: &mut Write) -> anyhow::Result<Tended> {
        let today = self.today()?;
        store::consent::end_of_nobody(db, today).await?;
        let consents = store::consent::rules(db).await?;
        let readers: BTreeSet<HubId> = store::contact::readers(db).await?.into_keys().collect();
        let (mut tended, mut drafts) = (Tended::default(), Vec::new());
        for rec in store::contact::concerned(db).await? {
            let Some(row) = store::record::get(db, OWN, rec).await? else { continue };
            let Some((put, _)) = row.state.put.filter(|_| row.standing == "live") else { continue };
            let entries = store::contact::of(db, rec).await?;
            let entries: Vec<_> = entries.into_iter().map(|row| (row.n, row.contact)).collect();
            let due = consent::consented(&entries, &consents, today);
            let line = store::contact::line_of(db, OWN, rec).await?;
            let (mut holds, mut served) = (Vec::new(), BTreeSet::new());
            if let Some(line) = &line {
                holds = store::contact::holds(db, line.pos).await?;
                served = store::contact::served(db, line.pos).await?;
            }
            // A line that is no part any more says nothing that could be due.
            let said = |row: &store::contact::LineRow| part::json(&row.line).unwrap_or_default().to_owned();
            let json = line.as_ref().map(said);
            let signed = json.as_deref().map(|json| consent::Signed { json, holds: &holds, served: &served });
            let stands = consent::stands(signed, due.as_ref(), &consents, &readers, today);
            if stands {
                continue;
            }
            let words = store::log::leaf(db, put).await?.and_then(|leaf| leaf.line);
            let Some(public) = words.as_deref().and_then(part::json).map(str::to_owned) else { continue };
            if due.is_some() {
                tended.signed += 1;
            } else {
                tended.withdrawn += 1;
            }
            drafts.push(Draft { id: rec, rev: row.state.rev + 1, body: Body::Put(Kind::Record), public: Some(public) });
            if let Some(assured) = row.state.assured.clone() {
                // That the words are right was said of the same words.
                let again = say::affirm(&row, assured);
                drafts.push(Draft { rev: row.state.rev + 2, ..again });
            }
        }
        if !drafts.is_empty() {
            self.say_in(db, &drafts, |_| ()).await?;
        }
        Ok(tended)
    }

    /// Lets a partner hub read contact parts, or no longer. Consents that name it are asked besides.
    ///
    /// # Errors
    /// Database errors.
    pub async fn share_contacts(&self, hub: HubId, with: bool) -> anyhow::Result<Tended> {
        let mut db = self.store.write().await?;
        let stood = store::gone::standing(&mut db).await?;
        store::contact::share(&mut db, hub, with.then(|| self.clock.now().as_second())).await?;
        let tended = self.tend_in(&mut db).await?;
        self.let_go(&mut db, &stood).await?;
        db.commit().await?;
        self.publish().await?;
        self.journal().await?;
        self.store.truncate().await?;
        Ok(tended)
    }

    /// Asks a partner hub for the contact parts that its records name and that are not held. What goes wrong stops nothing
    /// else: it is said once, when it begins.
    ///
    /// # Errors
    /// Database errors.
    pub async fn pull_contacts(&self, partner: i64, address: &str) -> anyhow::Result<Option<Read>> {
        let mut db = self.store.read().await?;
        let Some(log) = store::log::by_number(&mut db, partner).await? else { return Ok(None) };
        let wanted = store::contact::wanted(&mut db, &log).await?;
        if wanted.is_empty() {
            return Ok(None);
        }
        let own = store::log::by_number(&mut db, OWN).await?;
        let before = store::contact::source(&mut db, partner).await?.map(|(state, _)| state);
        drop(db);
        // Another process may have begun a new list: a closed list's key signs nothing that anybody believes.
        let keys = own.and_then(|own| self.keys_of(&own).ok()).unwrap_or_else(|| self.keys.clone());
        let clock = self.clock.clone();
        let asking = contacts::Asking {
            store: &self.store,
            client: &self.client,
            keys: &keys,
            log: &log,
            now: self.clock.now(),
            tell: &move || clock.now(),
        };
        let read = asking.read(address, wanted).await?;
        let mut db = self.store.write().await?;
        store::contact::set_source(&mut db, partner, read.state, self.clock.now().as_second()).await?;
        db.commit().await?;
        if before.as_deref() != Some(read.state) {
            // Codes and counts only: what is not everybody's stands in no log.
            tracing::info!(partner = %log.hub, class = CONTACT, state = read.state, came = read.came, "asked for contacts");
        }
        Ok(Some(read))
    }
}
