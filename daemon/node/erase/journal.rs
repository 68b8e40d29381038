//! Every erasure, in a plain file in the state folder and beside each backup.
//!
//! A restored backup knows nothing of what was erased after it was made. Partners' logs would tell again, but only once they are
//! reached, and restoring must forget before anything is served; and requests that were made here stand in no log. So each
//! erasure is appended here, synced, before anybody is told that it is done. Ids, classes and times only: the file may lie
//! anywhere. One erasure a line: `hub record classes upto why time`; `take-back` in place of `why` undoes a request made here.

use crate::node::Hub;
use crate::record::HubId;
use crate::record::statement::{self, ErasedParts};
use crate::store::erase::{self, ErasedRow, How, Order, parts_label};
use crate::store::log::OWN;
use crate::store::{self, Store};
use anyhow::Context;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// Name of the file, wherever it lies.
pub const NAME: &str = "erasures.journal";
const TAKE_BACK: &str = "take-back";

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    hub: HubId,
    rec: Uuid,
    parts: String,
    upto: u64,
    why: String,
    at: i64,
}

impl Entry {
    fn line(&self) -> String {
        let Entry { hub, rec, parts, upto, why, at } = self;
        format!("{hub} {rec} {parts} {upto} {why} {at}\n")
    }

    /// A line that was cut off while it was written says nothing: it was not told to anybody yet.
    fn read(line: &str) -> Option<Entry> {
        let [hub, rec, parts, upto, why, at] = line.split(' ').collect::<Vec<_>>()[..] else { return None };
        let classes = parts == "*" || parts.split(',').all(statement::is_label);
        classes.then_some(())?;
        Some(Entry {
            hub: hub.parse().ok()?,
            rec: statement::uuid(rec)?,
            parts: parts.to_owned(),
            upto: upto.parse().ok().filter(|upto| *upto > 0)?,
            why: why.to_owned(),
            at: at.parse().ok()?,
        })
    }
}

/// Appends lines to a file and syncs it, and its folder where the file is new.
fn append(file: &Path, entries: &[Entry]) -> anyhow::Result<()> {
    let said = || format!("cannot write {}", file.display());
    let new = !file.exists();
    let mut out = OpenOptions::new().create(true).append(true).open(file).with_context(said)?;
    // Whatever an earlier attempt was cut off in the middle of ends here.
    let text: String = std::iter::once("\n".to_owned()).chain(entries.iter().map(Entry::line)).collect();
    out.write_all(text.as_bytes()).with_context(said)?;
    out.sync_all().with_context(said)?;
    if let Some(folder) = file.parent().filter(|_| new) {
        File::open(folder).and_then(|folder| folder.sync_all()).with_context(said)?;
    }
    Ok(())
}

fn read(file: &Path) -> anyhow::Result<Vec<Entry>> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(text.lines().filter_map(Entry::read).collect()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
    }
}

impl Hub {
    /// The journal's own place.
    pub fn journal_file(&self) -> PathBuf {
        self.config.hub.state.join(NAME)
    }

    /// Brings the journals up to what was obeyed. Those beside backups that cannot be reached now follow later: every copy is
    /// made whole from the first.
    ///
    /// # Errors
    /// Database errors; the journal in the state folder cannot be written.
    pub(super) async fn journal(&self) -> anyhow::Result<()> {
        let mut db = self.store.write().await?;
        let rows = erase::unwritten(&mut db, self.clock.now().as_second()).await?;
        let entries = self.entries(&mut db, &rows).await?;
        if !entries.is_empty() {
            append(&self.journal_file(), &entries)?;
            erase::journaled(&mut db, &rows).await?;
        }
        let backups = store::kept::backups(&mut db).await?;
        db.commit().await?;
        let folders: BTreeSet<PathBuf> =
            backups.iter().filter_map(|row| Some(Path::new(&row.path).parent()?.to_owned())).collect();
        for folder in folders.iter().filter(|folder| folder.is_dir()) {
            if let Err(error) = self.copy_journal(folder) {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "the journal of erasures beside a backup is not up to date"
                );
            }
        }
        Ok(())
    }

    async fn entries(&self, db: &mut sqlx::SqliteConnection, rows: &[ErasedRow]) -> anyhow::Result<Vec<Entry>> {
        let hubs: BTreeMap<i64, HubId> =
            store::log::all(db).await?.into_iter().map(|log| (log.owner, log.hub)).collect();
        let entry = |row: &ErasedRow| {
            let why = match row.how {
                How::Issued => "issued",
                How::Received => "received",
                How::Asked => "asked",
            };
            let (parts, why) = (parts_label(&row.parts), why.to_owned());
            Some(Entry { hub: *hubs.get(&row.hub)?, rec: row.rec, parts, upto: row.upto, why, at: row.at })
        };
        Ok(rows.iter().filter_map(entry).collect())
    }

    /// Writes to a folder's journal what it lacks.
    pub(crate) fn copy_journal(&self, folder: &Path) -> anyhow::Result<()> {
        let (whole, there) = (read(&self.journal_file())?, read(&folder.join(NAME))?);
        let known: BTreeSet<&Entry> = there.iter().collect();
        let lacking: Vec<Entry> = whole.iter().filter(|entry| !known.contains(entry)).cloned().collect();
        if lacking.is_empty() { Ok(()) } else { append(&folder.join(NAME), &lacking) }
    }

    /// Takes a request that was made here back: its hub's words may come again.
    ///
    /// # Errors
    /// Database errors.
    pub async fn take_back(&self, row: &ErasedRow) -> anyhow::Result<()> {
        let mut db = self.store.write().await?;
        let mut entries = self.entries(&mut db, std::slice::from_ref(row)).await?;
        entries.iter_mut().for_each(|entry| {
            TAKE_BACK.clone_into(&mut entry.why);
            entry.at = self.clock.now().as_second();
        });
        erase::release(&mut db, row).await?;
        self.derive_in(&mut db, crate::node::accept::Accepted::default()).await?;
        append(&self.journal_file(), &entries)?;
        db.commit().await?;
        self.journal().await
    }
}

/// Makes a database forget everything that these journals know and it does not; only what concerns `only`, if given. Returns
/// how many erasures were new to it.
///
/// # Errors
/// Database errors; a journal that cannot be read.
pub async fn replay(store: &Store, journals: &[PathBuf], only: Option<HubId>, now: i64) -> anyhow::Result<u64> {
    let mut entries: Vec<Entry> = Vec::new();
    for file in journals {
        entries.extend(read(file)?);
    }
    // In order of time: what was taken back may have been asked for again.
    entries.sort_by(|a, b| (a.at, a).cmp(&(b.at, b)));
    entries.dedup();
    entries.retain(|entry| only.is_none_or(|only| entry.hub == only));
    let mut db = store.write().await?;
    let logs: BTreeMap<HubId, store::log::LogRow> =
        store::log::all(&mut db).await?.into_iter().map(|log| (log.hub, log)).collect();
    let known = erase::after(&mut db, 0).await?;
    let mut new = 0;
    for entry in entries {
        // Of a hub that is no partner any more, or not yet, nothing is held.
        let Some(log) = logs.get(&entry.hub) else { continue };
        let same = |row: &&ErasedRow| row.hub == log.owner && row.rec == entry.rec && row.upto == entry.upto;
        if entry.why == TAKE_BACK {
            let asked = erase::after(&mut db, 0).await?;
            for row in asked.iter().filter(same).filter(|row| row.how == How::Asked) {
                erase::release(&mut db, row).await?;
            }
            continue;
        }
        if known.iter().filter(same).any(|row| parts_label(&row.parts) == entry.parts) {
            continue;
        }
        let parts = match entry.parts.as_str() {
            "*" => ErasedParts::All,
            classes => ErasedParts::Classes(classes.split(',').map(str::to_owned).collect()),
        };
        let how = match entry.why.as_str() {
            "asked" => How::Asked,
            _ if log.owner == OWN => How::Issued,
            _ => How::Received,
        };
        let order = Order { hub: log.owner, rec: entry.rec, upto: entry.upto, parts: &parts, how, pos: None };
        let held = store::log::held_of(&mut db, log.owner).await?;
        erase::obey(&mut db, &order, &held).await?;
        new += 1;
    }
    erase::carry_out(&mut db, now).await?;
    db.commit().await?;
    Ok(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_was_cut_off_says_nothing_and_harms_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(NAME);
        let entry = |n| Entry {
            hub: HubId([7; 20]),
            rec: Uuid::from_u128(n),
            parts: "*".into(),
            upto: 3,
            why: "issued".into(),
            at: 5,
        };
        append(&file, &[entry(1), entry(2)]).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, &text[..text.len() - 20]).unwrap();
        append(&file, &[entry(3)]).unwrap();
        assert_eq!(read(&file).unwrap(), [entry(1), entry(3)]);
        for wrong in ["", "a b c", "h-x 1 * 1 issued 1"] {
            assert_eq!(Entry::read(wrong), None);
        }
    }
}
