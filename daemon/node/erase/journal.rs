//! Every erasure, in a plain file in the state folder and beside each backup.
//!
//! A restored backup knows nothing of what was erased after it was made. Partners' logs would tell again, but only once they are
//! reached, and restoring must forget before anything is served; and requests that were made here stand in no log. So each
//! erasure is appended here, synced, before anybody is told that it is done. Ids, classes and times only: the file may lie
//! anywhere. One erasure a line: `hub record classes upto why time`; `take-back` in place of `why` undoes a request made here.
//! What only this hub held and let go (people, role contacts, consents, who may read) has lines of its own: [`store::gone`].

use crate::node::Hub;
use crate::record::HubId;
use crate::record::statement::{self, ErasedParts};
use crate::store::erase::{self, ErasedRow, How, Order, parts_label};
use crate::store::gone::{self, Gone};
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
fn append(file: &Path, lines: impl Iterator<Item = String>) -> anyhow::Result<()> {
    let said = || format!("cannot write {}", file.display());
    let new = !file.exists();
    let mut out = OpenOptions::new().create(true).append(true).open(file).with_context(said)?;
    // Whatever an earlier attempt was cut off in the middle of ends here.
    let text: String = std::iter::once("\n".to_owned()).chain(lines).collect();
    out.write_all(text.as_bytes()).with_context(said)?;
    out.sync_all().with_context(said)?;
    if let Some(folder) = file.parent().filter(|_| new) {
        File::open(folder).and_then(|folder| folder.sync_all()).with_context(said)?;
    }
    Ok(())
}

/// What a file says, by whoever reads a line of it.
fn read<T>(file: &Path, line: impl Fn(&str) -> Option<T>) -> anyhow::Result<Vec<T>> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(text.lines().filter_map(line).collect()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
    }
}

/// Whole lines that say something.
fn whole(line: &str) -> Option<String> {
    (Entry::read(line).is_some() || Gone::read(line).is_some()).then(|| format!("{line}\n"))
}

/// What a journal says that its hub let go of what only it held.
///
/// # Errors
/// The file cannot be read.
pub fn let_go(file: &Path) -> anyhow::Result<Vec<Gone>> {
    read(file, Gone::read)
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
    pub(crate) async fn journal(&self) -> anyhow::Result<()> {
        let mut db = self.store.write().await?;
        let rows = erase::unwritten(&mut db, self.clock.now().as_second()).await?;
        let entries = self.entries(&mut db, &rows).await?;
        if !entries.is_empty() {
            append(&self.journal_file(), entries.iter().map(Entry::line))?;
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
        let known: BTreeSet<String> = read(&folder.join(NAME), whole)?.into_iter().collect();
        let mut lacking = read(&self.journal_file(), whole)?;
        lacking.retain(|line| !known.contains(line));
        if lacking.is_empty() { Ok(()) } else { append(&folder.join(NAME), lacking.into_iter()) }
    }

    /// Notes what stood before a change and stands no more, of what only this hub holds, so that no backup brings it back; and has
    /// files gone through where words went with it. To be called before the change is committed: dying in between leaves a
    /// line too many, never one too few.
    ///
    /// # Errors
    /// Database errors; the journal cannot be written.
    pub async fn let_go(&self, db: &mut store::Write, before: &BTreeSet<gone::Entry>) -> anyhow::Result<()> {
        let (now, today) = (gone::standing(db).await?, self.today()?);
        let gone: Vec<Gone> = before.difference(&now).map(|entry| Gone::since(entry.clone(), today)).collect();
        if gone.is_empty() {
            return Ok(());
        }
        append(&self.journal_file(), gone.iter().map(Gone::line))?;
        if gone.iter().any(Gone::held_words) {
            store::kept::clean_again(db).await?;
            erase::mark_scrub(db).await?;
        }
        Ok(())
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
        append(&self.journal_file(), entries.iter().map(Entry::line))?;
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
    let mut let_go_of: Vec<Gone> = Vec::new();
    for file in journals {
        entries.extend(read(file, Entry::read)?);
        if only.is_none() {
            let_go_of.extend(let_go(file)?);
        }
    }
    // In order of time: what was taken back may have been asked for again.
    entries.sort_by(|a, b| (a.at, a).cmp(&(b.at, b)));
    entries.dedup();
    entries.retain(|entry| only.is_none_or(|only| entry.hub == only));
    let mut db = store.write().await?;
    let logs: BTreeMap<HubId, store::log::LogRow> =
        store::log::all(&mut db).await?.into_iter().map(|log| (log.hub, log)).collect();
    let known = erase::after(&mut db, 0).await?;
    let mut new = gone::again(&mut db, &let_go_of).await?;
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
        append(&file, [entry(1), entry(2)].iter().map(Entry::line)).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, &text[..text.len() - 20]).unwrap();
        append(&file, std::iter::once(entry(3).line())).unwrap();
        assert_eq!(read(&file, Entry::read).unwrap(), [entry(1), entry(3)]);
        for wrong in ["", "a b c", "h-x 1 * 1 issued 1"] {
            assert_eq!(Entry::read(wrong), None);
        }
    }
}
