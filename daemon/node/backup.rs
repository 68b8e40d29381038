//! Backups of the database: made while the hub runs, listed, restored.
//!
//! A backup is one SQLite file with everything that cannot be derived: what was signed and said, partners, imports. Left out:
//! keys (they have their own safe place: whoever finds a backup must not be able to speak for the hub), derived tables (made
//! again), and lines out of sight (a backup must not bring back what had gone). Beside it lies the journal of erasures, so that
//! restoring forgets whatever was erased since, before anything is served.

use super::erase::journal::{self, NAME};
use super::{Chance, Hub};
use crate::clock::Clock;
use crate::config::Config;
use crate::failpoint::reach;
use crate::record::HubId;
use crate::store::kept::BackupRow;
use crate::store::log::OWN;
use crate::store::{self, Store};
use anyhow::{Context, bail};
use jiff::Timestamp;
use serde::Serialize;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// Ending of a backup's name.
const ENDING: &str = "backup";
/// Further ending of a backup that is being made.
const HALF: &str = "new";
/// Held by whoever makes or restores a backup.
const LOCK: &str = "backup";
/// How the folder is called in which a database lies that made way for a backup.
const BEFORE: &str = "before-restore-";
/// What a database is called while it is made ready to take the present one's place.
const READY: &str = "mutuald.db.restoring";

/// A backup, as listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Backup {
    /// Where.
    pub file: PathBuf,
    /// When it was made.
    pub made: Timestamp,
    /// Statements of this hub's own list in it.
    pub statements: u64,
    /// Bytes; `None` when it cannot be reached.
    pub bytes: Option<u64>,
    /// Whether something was erased since that is still in it, because it could not be reached.
    pub holds_erased: bool,
}

impl Hub {
    /// Makes a backup; into the configured folder, unless a file is named. What the folder holds beyond the configured number
    /// goes, oldest first.
    ///
    /// # Errors
    /// A file that is there already, a full disk, a damaged database. Nothing is listed then.
    pub async fn back_up(&self, file: Option<&Path>) -> anyhow::Result<Backup> {
        let now = self.clock.now();
        let folder = self.config.backups();
        let file = match file {
            Some(file) => std::path::absolute(file)?,
            None => {
                fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
                folder.join(format!("mutuald-{}.{ENDING}", now.strftime("%Y%m%d-%H%M%S")))
            }
        };
        if file.exists() {
            bail!("{} is there already; nothing was written. Choose another name", file.display());
        }
        let aside = file.with_added_extension(HALF);
        let alone = self.alone(LOCK).await?;
        let _ = fs::remove_file(&aside);
        let made = self.write_backup(&aside).await;
        let statements = match made {
            Ok(statements) => statements,
            Err(error) => {
                remove(&aside);
                return Err(error).with_context(|| format!("no backup was made at {}", file.display()));
            }
        };
        reach("backup-written");
        fs::rename(&aside, &file)?;
        drop(alone);
        let beside = file.parent().context("a backup needs a folder")?;
        File::open(beside).and_then(|folder| folder.sync_all())?;
        let mut db = self.store.write().await?;
        let cleaned = store::kept::carried_out(&mut db).await?;
        let row = BackupRow {
            path: file.display().to_string(),
            at: now.as_second(),
            statements: i64::try_from(statements)?,
            cleaned,
        };
        store::kept::save_backup(&mut db, &row).await?;
        db.commit().await?;
        reach("backup-listed");
        // An erasure may have been carried out between the copy and this line: it is found like any other.
        self.clean_backups().await?;
        self.copy_journal(beside)?;
        self.forget_old(&folder).await?;
        let bytes = fs::metadata(&file).ok().map(|meta| meta.len());
        Ok(Backup { file, made: now, statements, bytes, holds_erased: false })
    }

    async fn write_backup(&self, aside: &Path) -> anyhow::Result<u64> {
        self.store.copy_into(aside).await?;
        let copy = Store::open(aside, false).await?;
        let stripped = async {
            let mut db = copy.write().await?;
            store::kept::strip(&mut db).await?;
            let log = store::log::by_number(&mut db, OWN).await?.context("this database holds no hub")?;
            db.commit().await?;
            copy.compact().await?;
            copy.truncate().await?;
            anyhow::Ok(log.held)
        };
        let stripped = stripped.await;
        copy.close().await;
        File::open(aside)?.sync_all()?;
        stripped
    }

    /// Removes what a crash left half made in the configured folder and beside the database: whole copies that no list names, so that
    /// no erasure would find them.
    ///
    /// # Errors
    /// The lock cannot be had.
    pub(crate) async fn clear_half_made(&self) -> anyhow::Result<()> {
        let _alone = self.alone(LOCK).await?;
        remove(&self.config.hub.state.join(READY));
        let half = format!(".{ENDING}.{HALF}");
        for entry in fs::read_dir(self.config.backups()).into_iter().flatten().flatten() {
            if entry.file_name().to_str().is_some_and(|name| name.contains(&half)) {
                remove(&entry.path());
            }
        }
        Ok(())
    }

    /// Keeps the newest backups of the configured folder, as many as the configuration says.
    async fn forget_old(&self, folder: &Path) -> anyhow::Result<()> {
        let keep = self.config.backup.keep as usize;
        let mut db = self.store.write().await?;
        let rows = store::kept::backups(&mut db).await?;
        let here = rows.iter().filter(|row| Path::new(&row.path).parent() == Some(folder));
        for row in here.skip(keep) {
            remove(Path::new(&row.path));
            store::kept::forget_backup(&mut db, &row.path).await?;
        }
        Ok(db.commit().await?)
    }

    /// Every backup that this hub made and that was not removed, newest first; one that can be reached again is cleaned first.
    ///
    /// # Errors
    /// Database errors.
    pub async fn backups(&self) -> anyhow::Result<Vec<Backup>> {
        self.clean_backups().await?;
        let mut db = self.store.write().await?;
        let done = store::kept::carried_out(&mut db).await?;
        let mut listed = Vec::new();
        for row in store::kept::backups(&mut db).await? {
            let file = PathBuf::from(&row.path);
            // A file that was removed from a folder that is there is gone; a stick that is not plugged in is not.
            if !file.exists() && file.parent().is_some_and(Path::is_dir) {
                store::kept::forget_backup(&mut db, &row.path).await?;
                continue;
            }
            listed.push(Backup {
                bytes: fs::metadata(&file).ok().map(|meta| meta.len()),
                file,
                made: Timestamp::from_second(row.at)?,
                statements: row.statements as u64,
                holds_erased: row.cleaned < done,
            });
        }
        db.commit().await?;
        Ok(listed)
    }
}

/// Removes a database file with its companions; one that is not there is no error.
fn remove(file: &Path) {
    for name in [file.to_owned(), with(file, "-wal"), with(file, "-shm")] {
        let _ = fs::remove_file(name);
    }
}

fn with(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// What a restore would do, or did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// The hub in the backup.
    pub hub: HubId,
    /// Its name.
    pub name: String,
    /// Statements of the own list in the backup.
    pub statements: u64,
    /// Statements in the database that stands now; `None` when it cannot be read.
    pub statements_now: Option<u64>,
    /// Erasures since the backup was made, which are carried out in it before it is used.
    pub forgotten_again: u64,
    /// Where the database that stood before went; `None` in a trial, and where there was none.
    pub before: Option<PathBuf>,
    /// Whether it was done.
    pub done: bool,
}

/// Puts a backup in the place of the database. Without `commit` everything is tried and nothing is changed.
///
/// Order, for the crash: a copy of the backup is made ready aside, with every erasure that any journal here or beside the backup
/// knows carried out in it; then the present database moves aside; then the copy takes its place by renaming. Doing it again
/// after a crash begins anew.
///
/// # Errors
/// A daemon that runs, a file that is no backup of this hub, a full disk. The present database is untouched then.
pub async fn restore(config: &Config, file: &Path, clock: &Clock, commit: bool) -> anyhow::Result<Restored> {
    let state = &config.hub.state;
    let (present, ready) = (config.database(), state.join(READY));
    fs::metadata(file).with_context(|| format!("cannot read {}", file.display()))?;
    let now = clock.now();
    let lock = File::create(state.join(format!("{LOCK}.lock")))?;
    if lock.try_lock().is_err() {
        bail!("another command is making or restoring a backup; wait for it, then try again");
    }
    // What the present database knows of erasures, if it still answers. It must be nobody's at this moment.
    let stands = look_at_present(&present).await?;
    let stands_held = stands.as_ref().map(|stands| stands.held);
    remove(&ready);
    fs::copy(file, &ready).with_context(|| format!("cannot copy {} to {}", file.display(), ready.display()))?;
    // A copy has the permissions of what it was copied from, and a stick's are everybody's.
    fs::set_permissions(&ready, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    let journals = [state.join(NAME), file.parent().unwrap_or(Path::new(".")).join(NAME)];
    let known = stands.as_ref().map(|stands| stands.hub);
    let made = make_ready(config, known, &ready, &journals, now).await;
    let (hub, name, statements, forgotten_again) = match made {
        Ok(made) => made,
        Err(error) => {
            remove(&ready);
            return Err(error).with_context(|| format!("{} was not restored; nothing was changed", file.display()));
        }
    };
    let mut restored =
        Restored { hub, name, statements, statements_now: stands_held, forgotten_again, before: None, done: false };
    if !commit {
        remove(&ready);
        return Ok(restored);
    }
    File::open(&ready)?.sync_all()?;
    reach("restore-ready");
    if present.exists() {
        // Making it ready took a while: somebody may have started the daemon meanwhile.
        if !store::scrub::alone(&present).await {
            remove(&ready);
            bail!("the hub's database is in use; stop the daemon first (`systemctl stop mutuald`)");
        }
        let aside = state.join(format!("{BEFORE}{}", now.strftime("%Y%m%d-%H%M%S")));
        fs::create_dir_all(&aside)?;
        // The write-ahead log first: without it the file that stays for a moment is an older state, never a mixture.
        for name in [with(&present, "-wal"), with(&present, "-shm"), present.clone()] {
            if name.exists() {
                fs::rename(&name, aside.join(name.file_name().context("a database has a name")?))?;
            }
        }
        restored.before = Some(aside);
    }
    reach("restore-aside");
    fs::rename(&ready, &present)?;
    File::open(state)?.sync_all()?;
    reach("restore-done");
    drop(lock);
    // From before a rollover it may name a list whose key is gone; `feed heal` brings the one in use.
    let hub = Hub::speechless(config.clone(), clock.clone(), Chance::system()?).await?;
    let after = async {
        hub.rebuild().await?;
        let mut db = hub.store.write().await?;
        store::erase::mark_scrub(&mut db).await?;
        // Whatever copies there are, by whichever of both databases they are known, an erasure must find them; and each is gone
        // through once, for what its own hub let go without a number among the erasures.
        let (backups, written) = stands.map(|stands| (stands.backups, stands.written)).unwrap_or_default();
        for row in backups.into_iter().map(|row| BackupRow { cleaned: -1, ..row }).chain(files_here(config, file)) {
            store::kept::save_backup(&mut db, &row).await?;
        }
        for row in &written {
            store::kept::wrote(&mut db, row).await?;
        }
        if let Some(before) = &restored.before {
            let path = before.join("mutuald.db").display().to_string();
            let row = BackupRow { path, at: now.as_second(), statements: 0, cleaned: -1 };
            store::kept::save_backup(&mut db, &row).await?;
        }
        db.commit().await?;
        hub.scrub().await?;
        anyhow::Ok(())
    };
    let after = after.await;
    hub.store.close().await;
    after?;
    restored.done = true;
    Ok(restored)
}

/// What the present database knows that a restored one must not forget.
struct Stands {
    hub: HubId,
    held: u64,
    backups: Vec<BackupRow>,
    written: Vec<store::kept::WrittenRow>,
}

/// The present database, if it can be read; and that nobody else has it open.
async fn look_at_present(present: &Path) -> anyhow::Result<Option<Stands>> {
    if !present.exists() {
        return Ok(None);
    }
    if !store::scrub::alone(present).await {
        bail!("the hub's database is in use; stop the daemon first (`systemctl stop mutuald`)");
    }
    let Ok(store) = Store::open(present, false).await else { return Ok(None) };
    let stands = async {
        let mut db = store.read().await?;
        let log = store::log::by_number(&mut db, OWN).await?.context("it holds no hub")?;
        let (backups, written) = (store::kept::backups(&mut db).await?, store::kept::written(&mut db).await?);
        anyhow::Ok(Stands { hub: log.hub, held: log.held, backups, written })
    };
    let stands = stands.await.ok();
    store.close().await;
    Ok(stands)
}

/// The restored file, every backup in the configured folder and every database that made way for one, whoever listed it.
fn files_here(config: &Config, file: &Path) -> Vec<BackupRow> {
    let mut files: Vec<PathBuf> = std::path::absolute(file).into_iter().collect();
    let listed = fs::read_dir(config.backups()).into_iter().flatten().flatten().map(|entry| entry.path());
    files.extend(listed.filter(|path| path.extension().is_some_and(|ending| ending == ENDING)));
    let beside = fs::read_dir(&config.hub.state).into_iter().flatten().flatten();
    let aside = beside.filter(|entry| entry.file_name().to_str().is_some_and(|name| name.starts_with(BEFORE)));
    files.extend(aside.map(|entry| entry.path().join("mutuald.db")).filter(|path| path.exists()));
    let row = |path: PathBuf| {
        let made =
            fs::metadata(&path).and_then(|meta| meta.modified()).ok().and_then(|at| Timestamp::try_from(at).ok());
        BackupRow {
            path: path.display().to_string(),
            at: made.map_or(0, Timestamp::as_second),
            statements: 0,
            cleaned: -1,
        }
    };
    files.into_iter().map(row).collect()
}

async fn make_ready(
    config: &Config,
    known: Option<HubId>,
    ready: &Path,
    journals: &[PathBuf],
    now: Timestamp,
) -> anyhow::Result<(HubId, String, u64, u64)> {
    let store = Store::open(ready, false).await.context("it is no backup of a hub, or it is damaged")?;
    let read = async {
        let mut db = store.read().await?;
        let log = store::log::by_number(&mut db, OWN).await?.context("it holds no hub")?;
        drop(db);
        let keys = super::keys::log(&config.keys(), log.ordinal + 1, log.key.name());
        // The key of a list that was closed since is not kept: there, being the hub that stands is proof enough.
        if known != Some(log.hub) {
            let keys = keys.context(
                "the key of this hub's list is kept apart from backups, and is not here; put it in its place first",
            )?;
            if *keys.log.public() != log.key {
                bail!("it belongs to another hub, or to this hub under another key: {}", log.name);
            }
        }
        let forgotten = journal::replay(&store, journals, None, now.as_second()).await?;
        store.truncate().await?;
        anyhow::Ok((log.hub, log.name, log.held, forgotten))
    };
    let read = read.await;
    store.close().await;
    read
}
