//! Forgetting: a record of this hub everywhere, another hub's record here, a person in what only this hub holds.
//!
//! One transaction takes words out of sight and signs what partners must do; files follow, and each step is done again at the
//! next occasion if it was cut off:
//!
//! * this file: what would go ([`Plan`]), and letting it go;
//! * [`scrub`]: write-ahead log, index, exports and backups of what was deleted;
//! * [`journal`]: every erasure in a file beside the backups, so that a restored backup forgets again;
//! * [`status`]: each erasure, and which partner hubs have confirmed it; [`letter`]: the same for the person who asked;
//! * [`look`]: whether a partner still serves what it says it has erased;
//! * `person`: somebody's name out of what only this hub keeps.

pub mod journal;
pub mod letter;
pub mod look;
mod person;
pub mod scrub;
pub mod status;

use super::author::Draft;
use super::groups::{Known, One};
use super::{Hub, Said};
use crate::feed::hub as hub_document;
use crate::record::part::PUBLIC;
use crate::record::statement::{Body, ErasedParts, RecordRef};
use crate::store::erase::{self, EVERY_REVISION, How, Order};
use crate::store::log::{self, LogRow, OWN, pos};
use crate::store::{self, Write};
use anyhow::Context;
use serde::Serialize;
use sqlx::SqliteConnection;
use std::path::PathBuf;

/// A copy of something that would go, and who holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Held {
    /// Who.
    pub by: String,
    /// What, in words.
    pub what: String,
}

/// One record that would be erased.
#[derive(Debug, Clone, Serialize)]
pub struct Target {
    /// Which.
    #[serde(serialize_with = "record")]
    pub record: RecordRef,
    /// What it is called.
    pub name: String,
    /// Hub and list.
    pub whose: String,
    /// Whether this hub signs the erasure; else its hub is asked.
    pub own: bool,
    /// Number of its hub here.
    #[serde(skip)]
    pub hub: i64,
    #[serde(skip)]
    kind: crate::record::statement::Kind,
    #[serde(skip)]
    rev: u64,
}

fn record<S: serde::Serializer>(record: &RecordRef, out: S) -> Result<S::Ok, S::Error> {
    out.collect_str(&record.rec)
}

/// What an erasure would do.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// Which classes of parts.
    pub parts: String,
    /// Records.
    pub targets: Vec<Target>,
    /// Every copy.
    pub copies: Vec<Held>,
    /// Whether partner hubs will wait for three days before they delete, because it is so much at once.
    pub braked_at_partners: bool,
    #[serde(skip)]
    classes: Option<Vec<String>>,
}

/// What was done.
#[derive(Debug, Clone, Serialize)]
pub struct Erased {
    /// Records of this hub that were erased.
    pub own: usize,
    /// Records of other hubs that are no longer held here, and whose hubs are asked.
    pub asked: usize,
    /// What was said; `None` when nothing of this hub was erased.
    pub said: Option<Said>,
    /// Files and backups that could not be cleaned yet, and why.
    pub left: Vec<String>,
}

fn parts(classes: Option<&[String]>) -> ErasedParts {
    classes.map_or(ErasedParts::All, |classes| ErasedParts::Classes(classes.to_vec()))
}

/// What erasing a group's records would do: those of this hub, and unless `only_own` those of others. No classes: all.
///
/// # Errors
/// Database errors.
pub async fn plan(
    hub: &Hub,
    db: &mut SqliteConnection,
    known: &Known,
    classes: Option<Vec<String>>,
    only_own: bool,
) -> anyhow::Result<Plan> {
    let targets: Vec<Target> =
        known.members.iter().filter(|one| one.own() || !only_own).map(|one| target(one, &known.row.name)).collect();
    let own = targets.iter().filter(|target| target.own).count() as u64;
    let recent = store::erase::issued_since(db, hub.clock.now().as_second() - 86_400).await? + own;
    let live = store::registry::live(db, OWN).await? + recent - own;
    let mut plan = Plan {
        parts: classes.as_deref().map_or("everything".to_owned(), |classes| classes.join(", ")),
        copies: Vec::new(),
        braked_at_partners: own > 0 && recent > erase::FEW && recent > live / 20,
        targets,
        classes,
    };
    plan.copies = plan.held(hub, db).await?;
    Ok(plan)
}

fn target(one: &One, name: &str) -> Target {
    Target {
        record: one.record,
        name: if one.group.name.is_empty() { name.to_owned() } else { one.group.name.clone() },
        whose: one.whose(),
        own: one.own(),
        hub: one.row.hub,
        kind: one.row.state.kind,
        rev: one.row.state.rev,
    }
}

impl Plan {
    /// Every copy that goes, and who holds it.
    async fn held(&self, hub: &Hub, db: &mut SqliteConnection) -> anyhow::Result<Vec<Held>> {
        let mut copies = Vec::new();
        let public = parts(self.classes.as_deref()).covers(PUBLIC);
        let mut here = |what: String| copies.push(Held { by: hub.name.clone(), what });
        for target in self.targets.iter().filter(|_| public) {
            for (place, n) in erase::copies(db, target.hub, target.record.rec).await? {
                here(if n > 1 {
                    format!("{}: {place} ({n})", target.whose)
                } else {
                    format!("{}: {place}", target.whose)
                });
            }
        }
        for target in self.targets.iter().filter(|target| target.own) {
            if store::protected::get(db, target.record.rec).await?.is_some() {
                here(match self.classes {
                    None => "its protected place, in the table that only this hub has".to_owned(),
                    Some(_) => "not taken out: its protected place; leave --class out to erase that too".to_owned(),
                });
            }
        }
        let own = self.targets.iter().any(|target| target.own);
        if own && public && hub.config.feed().exists() {
            here(format!("the line in the feed's files, in {}", hub.config.feed().display()));
        }
        if own && public {
            here("not taken out: spreadsheets it was imported from. They are yours; take the row out there. Importing them again does not bring it back".into());
        }
        for row in store::kept::written(db).await? {
            if (row.scope == "all" || own) && public && store::kept::about(&row.scope).is_none() {
                here(format!(
                    "{}, written by an earlier command; it is removed, unless it was changed since",
                    row.path
                ));
            }
        }
        for row in store::kept::backups(db).await? {
            let there = PathBuf::from(&row.path).exists();
            let how = if there {
                "it is taken out of it"
            } else {
                "it cannot be reached now; whoever restores it forgets it again"
            };
            here(format!("the backup {}; {how}", row.path));
        }
        for partner in store::partner::all(db).await?.into_iter().filter(|_| own) {
            let what = match partner.last_success {
                Some(_) => "whatever it took over from this hub's feed; it deletes it at its next pull, and confirms",
                None => "perhaps a copy; it was never reached from here",
            };
            copies.push(Held { by: partner.name, what: what.to_owned() });
        }
        for target in self.targets.iter().filter(|target| !target.own) {
            let what = "its own record: it is asked to erase it; until it does, other hubs go on seeing it there";
            copies.push(Held { by: target.whose.clone(), what: what.to_owned() });
        }
        Ok(copies)
    }

    /// Erases. In one transaction: signed leaves for this hub's records, the never-again list for all, and every copy in the
    /// database out of sight or gone. Then files.
    ///
    /// # Errors
    /// Database errors: nothing is changed then. What fails later is done again by the daemon, and said in `left`.
    pub async fn commit(&self, hub: &Hub) -> anyhow::Result<Erased> {
        let parts = parts(self.classes.as_deref());
        let mut db = hub.store.write().await?;
        let (mut drafts, mut asked) = (Vec::new(), 0);
        for target in &self.targets {
            if target.own {
                // What stands now, whatever was said since the plan was shown.
                let row = store::record::get(&mut db, OWN, target.record.rec).await?;
                let rev = row.map_or(target.rev, |row| row.state.rev);
                let body = Body::Erase(target.kind, rev, parts.clone());
                drafts.push(Draft { id: target.record.rec, rev: rev + 1, body, public: None });
                continue;
            }
            asked += 1;
            let unfolded = log::unfolded_of(&mut db, target.hub).await?;
            if unfolded.is_empty() {
                anyhow::bail!("the partner hub was removed meanwhile");
            }
            let order = Order {
                hub: target.hub,
                rec: target.record.rec,
                upto: EVERY_REVISION,
                parts: &parts,
                how: How::Asked,
                pos: None,
            };
            erase::obey(&mut db, &order, &unfolded).await?;
        }
        let derived = hub.say_in(&mut db, &drafts, |_| ()).await?;
        store::consent::end_of_nobody(&mut db, hub.today()?).await?;
        crate::failpoint::reach("erase-commit");
        db.commit().await?;
        crate::failpoint::reach("erase-committed");
        let published = hub.publish().await;
        let mut left = hub.scrub().await?;
        let published = match published {
            Ok(published) => published,
            Err(error) => {
                left.push(format!("the feed's files: {error:#}"));
                None
            }
        };
        let own = drafts.len();
        let said = (own > 0).then_some(Said { statements: own, held: 0, derived, published });
        Ok(Erased { own, asked, said, left })
    }

    /// Letters to the hubs whose own records these are.
    ///
    /// # Errors
    /// Database errors.
    pub async fn requests(&self, hub: &Hub, db: &mut SqliteConnection) -> anyhow::Result<Vec<letter::Letter>> {
        let mut letters = Vec::new();
        for target in self.targets.iter().filter(|target| !target.own) {
            letters.push(letter::request(hub, db, target.hub, target.record.rec).await?);
        }
        Ok(letters)
    }
}

impl Hub {
    /// Erases a group of which nothing was ever signed: nobody but this hub has it. Returns what could not be cleaned, in words.
    ///
    /// # Errors
    /// Database errors; the journal cannot be written.
    pub async fn erase_unsigned(&self, rec: uuid::Uuid) -> anyhow::Result<Vec<String>> {
        let mut db = self.store.write().await?;
        let stood = store::gone::standing(&mut db).await?;
        store::protected::erase(&mut db, rec).await?;
        store::protected::forget_before(&mut db, rec).await?;
        self.let_go(&mut db, &stood).await?;
        db.commit().await?;
        self.scrub().await
    }
}

/// Obeys erasures that this hub has just signed: leaves from `first` on, as they were drafted. Of the own log, lines that were
/// superseded in the last bundle are still there, so all of it is looked through.
///
/// # Errors
/// Database errors.
pub async fn obey_own(db: &mut Write, log: &LogRow, first: u64, drafts: &[Draft]) -> anyhow::Result<()> {
    for (nth, draft) in drafts.iter().enumerate() {
        if let Body::Erase(_, upto, parts) = &draft.body {
            let tail = log.head.min(log.held) / crate::feed::tile::WIDTH * crate::feed::tile::WIDTH;
            let order = Order {
                hub: OWN,
                rec: draft.id,
                upto: *upto,
                parts,
                how: How::Issued,
                pos: Some(pos(log.n, first + nth as u64)),
            };
            erase::obey(db, &order, std::slice::from_ref(&(pos(log.n, tail)..pos(log.n, log.held)))).await?;
        }
    }
    Ok(())
}

/// The contact that a hub publishes for questions about its records.
async fn contact(db: &mut SqliteConnection, n: i64) -> anyhow::Result<(String, String)> {
    let log = log::by_number(db, n).await?.context("there is no such hub")?;
    let opened = hub_document::reopen(&log.document, log.hub).ok();
    Ok((log.name, opened.map(|hub| hub.document.role_contact).unwrap_or_default()))
}
