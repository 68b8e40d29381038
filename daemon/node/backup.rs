//! Backups of the database: made while the hub runs, listed, restored.
//!
//! A backup is one SQLite file with everything that cannot be derived: what was signed and said, partners, imports. Left out:
//! keys (they have their own safe place: whoever finds a backup must not be able to speak for the hub), derived tables (made
//! again), and lines out of sight (a backup must not bring back what had gone). Protected places are in it locked, with a key that
//! lies with the other keys: [`store::protected::locked`]. Beside it lies the journal of erasures, so that restoring forgets
//! whatever was erased since, before anything is served.
//!
//! It is put together in the state folder, and only what is ready goes to where it belongs. Before a byte is written there, the list
//! of backups names it, by the name it has while it is half made: whatever becomes of us, a later look finds it, and
//! finishes or removes it.

use super::erase::journal::{self, NAME};
use super::{Chance, Hub, keys};
use crate::clock::Clock;
use crate::config::Config;
use crate::failpoint::reach;
use crate::record::HubId;
use crate::store::kept::BackupRow;
use crate::store::log::OWN;
use crate::store::protected::locked::{self, PlacesKey};
use crate::store::{self, Store, Write};
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
/// The setting that stands until somebody was told of a new key of protected places.
const UNTOLD: &str = "places-key-untold";
/// What a copy of the database is called while it becomes a backup.
const MAKING: &str = "mutuald.db.copying";

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
    /// Whether it is no backup yet: it is being made now, or was cut off and cannot be reached.
    pub half_made: bool,
}

/// A backup that was just made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Made {
    /// The backup.
    #[serde(flatten)]
    pub backup: Backup,
    /// How many protected places are in it, locked.
    pub places: u64,
    /// The file of the key that opens them, where there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub places_key: Option<PathBuf>,
    /// Whether that key was made just now, and so is nowhere else.
    pub places_key_new: bool,
}

/// What became of a backup whose making was cut off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CutOff {
    /// Where it is, or was to be.
    pub file: PathBuf,
    /// `finished`, `removed`, or `left` where it cannot be reached.
    pub became: &'static str,
}

impl Hub {
    /// Makes a backup; into the configured folder, unless a file is named. What the folder holds beyond the configured number
    /// goes, oldest first.
    ///
    /// # Errors
    /// A file that is there already, a full disk, a damaged database. Nothing is listed then.
    pub async fn back_up(&self, file: Option<&Path>) -> anyhow::Result<Made> {
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
        if is_half(&file) {
            bail!("a name that ends in .{HALF} is one of a half-made backup; nothing was written. Choose another name");
        }
        let beside = file.parent().context("a backup needs a folder")?.to_owned();
        let (aside, making) = (file.with_added_extension(HALF), self.config.hub.state.join(MAKING));
        let alone = self.alone(LOCK).await?;
        self.settle_cut_off().await?;
        remove(&making);
        let noted = BackupRow { path: path(&aside), at: now.as_second(), statements: 0, cleaned: -1 };
        let mut db = self.store.write().await?;
        store::kept::save_backup(&mut db, &noted).await?;
        db.commit().await?;
        reach("backup-noted");
        let made = async {
            let made = self.write_copy(&making).await?;
            carry(&making, &aside)?;
            anyhow::Ok(made)
        };
        let made = made.await;
        remove(&making);
        let copied = match made {
            Ok(copied) => copied,
            Err(error) => {
                remove(&aside);
                let mut db = self.store.write().await?;
                if !aside.exists() {
                    store::kept::forget_backup(&mut db, &noted.path).await?;
                }
                db.commit().await?;
                return Err(error).with_context(|| format!("no backup was made at {}", file.display()));
            }
        };
        reach("backup-written");
        fs::rename(&aside, &file)?;
        File::open(&beside).and_then(|folder| folder.sync_all())?;
        reach("backup-in-place");
        let mut db = self.store.write().await?;
        let cleaned = store::kept::carried_out(&mut db).await?;
        let statements = i64::try_from(copied.statements)?;
        // An erasure may have been carried out between the copy and this line; one before it would be counted as done in it.
        let cleaned = cleaned.min(copied.carried_out);
        store::kept::save_backup(&mut db, &BackupRow { path: path(&file), statements, cleaned, ..noted.clone() })
            .await?;
        store::kept::forget_backup(&mut db, &noted.path).await?;
        db.commit().await?;
        reach("backup-listed");
        drop(alone);
        self.clean_backups().await?;
        self.copy_journal(&beside)?;
        self.forget_old(&folder).await?;
        let bytes = fs::metadata(&file).ok().map(|meta| meta.len());
        let backup =
            Backup { file, made: now, statements: copied.statements, bytes, holds_erased: false, half_made: false };
        let places_key = (copied.places > 0).then(|| keys::places_file(&self.config.keys()));
        let places_key_new = self.untold_key(true).await?.is_some();
        Ok(Made { backup, places: copied.places, places_key, places_key_new })
    }

    /// The file of a new key of protected places, where nobody was told of it yet; `told` says that somebody is told now.
    ///
    /// # Errors
    /// Database errors.
    pub async fn untold_key(&self, told: bool) -> anyhow::Result<Option<PathBuf>> {
        let mut db = self.store.read().await?;
        if store::setting(&mut db, UNTOLD).await?.is_none() {
            return Ok(None);
        }
        drop(db);
        if told {
            let mut db = self.store.write().await?;
            store::unset(&mut db, UNTOLD).await?;
            db.commit().await?;
        }
        Ok(Some(keys::places_file(&self.config.keys())))
    }

    /// Makes a copy of the database into a backup, where the database is.
    async fn write_copy(&self, making: &Path) -> anyhow::Result<Copied> {
        let mut db = self.store.read().await?;
        let carried_out = store::kept::carried_out(&mut db).await?;
        drop(db);
        self.store.copy_into(making).await?;
        let copy = Store::open(making, false).await?;
        let stripped = async {
            let mut db = copy.write().await?;
            store::kept::strip(&mut db).await?;
            self.lock_places(&mut db).await?;
            let (places, _) = locked::count(&mut db).await?;
            let log = store::log::by_number(&mut db, OWN).await?.context("this database holds no hub")?;
            db.commit().await?;
            // Every page is made new: none keeps what stood there before.
            copy.compact().await?;
            copy.truncate().await?;
            anyhow::Ok(Copied { statements: log.held, places, carried_out })
        };
        let stripped = stripped.await;
        copy.close().await;
        stripped
    }

    /// Locks the protected places of a copy of the database. Where their key has to be made for it, that is noted until somebody
    /// was told: it is nowhere else.
    pub(crate) async fn lock_places(&self, db: &mut Write) -> anyhow::Result<()> {
        if locked::count(db).await?.1 == 0 {
            return Ok(());
        }
        let folder = self.config.keys();
        let key = match keys::places(&folder)? {
            Some(key) => key,
            None => {
                let mut own = self.store.write().await?;
                store::set(&mut own, UNTOLD, "1").await?;
                own.commit().await?;
                self.chance.draw(|rng| keys::create_places(&folder, rng))?;
                keys::places(&folder)?.context("the key that was just made is not there")?
            }
        };
        let nonce = || {
            let mut nonce = [0; locked::NONCE];
            self.chance.draw(|rng| rand::Rng::fill_bytes(rng, &mut nonce));
            nonce
        };
        locked::lock(db, &key, nonce).await?;
        Ok(())
    }

    /// Removes or finishes what a crash left: a copy of the database that was becoming a backup, or one that was to take the
    /// database's place. Whole copies, so nobody waits for an erasure to look for them. Says what became of each backup.
    ///
    /// # Errors
    /// The lock cannot be had; database errors.
    pub(crate) async fn clear_half_made(&self) -> anyhow::Result<Vec<CutOff>> {
        let _alone = self.alone(LOCK).await?;
        self.clear_alone().await
    }

    /// Removes or finishes what a crash left of backups, unless somebody is making or restoring one at this moment.
    ///
    /// # Errors
    /// Database errors.
    pub async fn look_for_half_made(&self) -> anyhow::Result<Vec<CutOff>> {
        let file = self.config.hub.state.join(format!("{LOCK}.lock"));
        let lock = File::create(&file).with_context(|| format!("cannot open {}", file.display()))?;
        if lock.try_lock().is_err() {
            return Ok(Vec::new());
        }
        self.clear_alone().await
    }

    async fn clear_alone(&self) -> anyhow::Result<Vec<CutOff>> {
        remove(&self.config.hub.state.join(READY));
        remove(&self.config.hub.state.join(MAKING));
        let cut_off = self.settle_cut_off().await?;
        // Of versions that noted a backup only when it was made.
        let half = format!(".{ENDING}.{HALF}");
        for entry in fs::read_dir(self.config.backups()).into_iter().flatten().flatten() {
            if entry.file_name().to_str().is_some_and(|name| name.contains(&half)) {
                remove(&entry.path());
            }
        }
        Ok(cut_off)
    }

    /// Looks after every backup whose making was cut off. Whoever calls it holds the lock.
    async fn settle_cut_off(&self) -> anyhow::Result<Vec<CutOff>> {
        let mut db = self.store.write().await?;
        let mut cut_off = Vec::new();
        for row in store::kept::backups(&mut db).await?.into_iter().filter(|row| is_half(Path::new(&row.path))) {
            let aside = Path::new(&row.path);
            let file = aside.with_extension("");
            let whole = match aside.exists() {
                true => None,
                false => store::kept::statements_in(&file, self.id).await,
            };
            let became = match whole {
                _ if !aside.parent().is_some_and(Path::is_dir) => "left",
                Some(statements) => {
                    // It has its name, and nobody was told: an erasure meanwhile has not reached it.
                    let done = BackupRow { path: path(&file), statements, cleaned: -1, ..row.clone() };
                    store::kept::save_backup(&mut db, &done).await?;
                    "finished"
                }
                None => {
                    remove(aside);
                    if aside.exists() { "left" } else { "removed" }
                }
            };
            if became != "left" {
                store::kept::forget_backup(&mut db, &row.path).await?;
                tracing::info!(became, "a backup whose making was cut off");
            }
            cut_off.push(CutOff { file, became });
        }
        db.commit().await?;
        Ok(cut_off)
    }

    /// Keeps the newest backups of the configured folder, as many as the configuration says.
    async fn forget_old(&self, folder: &Path) -> anyhow::Result<()> {
        let keep = self.config.backup.keep as usize;
        let mut db = self.store.write().await?;
        let rows = store::kept::backups(&mut db).await?;
        let whole = rows.iter().filter(|row| !is_half(Path::new(&row.path)));
        let here = whole.filter(|row| Path::new(&row.path).parent() == Some(folder));
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
            let half_made = is_half(&file);
            // A file that was removed from a folder that is there is gone; a stick that is not plugged in is not.
            if !half_made && !file.exists() && file.parent().is_some_and(Path::is_dir) {
                store::kept::forget_backup(&mut db, &row.path).await?;
                continue;
            }
            listed.push(Backup {
                bytes: fs::metadata(&file).ok().map(|meta| meta.len()),
                file,
                made: Timestamp::from_second(row.at)?,
                statements: row.statements as u64,
                holds_erased: !half_made && row.cleaned < done,
                half_made,
            });
        }
        db.commit().await?;
        Ok(listed)
    }
}

/// What there is to tell of a copy.
struct Copied {
    statements: u64,
    places: u64,
    /// Every erasure up to this number was done when it was begun.
    carried_out: i64,
}

/// Whether a name is that of a backup which is being made.
pub(crate) fn is_half(file: &Path) -> bool {
    file.extension().is_some_and(|ending| ending == HALF)
}

fn path(file: &Path) -> String {
    file.display().to_string()
}

/// Copies a file that is ready to where it belongs, readable by its owner alone.
fn carry(from: &Path, to: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let said = || format!("cannot write {}", to.display());
    let mut read = File::open(from).with_context(|| format!("cannot read {}", from.display()))?;
    let mut out = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).with_context(said)?;
    std::io::copy(&mut read, &mut out).with_context(said)?;
    out.sync_all().with_context(said)
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
    /// Protected places in it: opened with the key that is kept apart, or let go because that key is lost.
    pub places: u64,
    /// Whether they are let go.
    pub places_lost: bool,
    /// Of these, groups of which nothing was ever published: nothing here knows any more that they must stay unknown.
    pub unknown_lost: u64,
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
/// A daemon that runs, a file that is no backup of this hub, protected places whose key is not here (unless `without_places`
/// lets them go), a full disk. The present database is untouched then.
pub async fn restore(
    config: &Config,
    file: &Path,
    clock: &Clock,
    commit: bool,
    without_places: bool,
) -> anyhow::Result<Restored> {
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
    // Ours from its first byte: a copy would have the permissions of what it was copied from, and a stick's are everybody's.
    carry(file, &ready)?;
    let journals = [state.join(NAME), file.parent().unwrap_or(Path::new(".")).join(NAME)];
    let known = stands.as_ref().map(|stands| stands.hub);
    let aside = state.join(format!("{BEFORE}{}", now.strftime("%Y%m%d-%H%M%S")));
    // Whatever copies there are, by whichever of both databases they are known, an erasure must find them; and each is gone
    // through once, for what its own hub let go without a number among the erasures.
    let (mut copies, written) = stands.map(|stands| (stands.backups, stands.written)).unwrap_or_default();
    copies.iter_mut().for_each(|row| row.cleaned = -1);
    copies.extend(files_here(config, file));
    if present.exists() {
        let path = path(&aside.join("mutuald.db"));
        copies.push(BackupRow { path, at: now.as_second(), statements: 0, cleaned: -1 });
    }
    let ways = Ways { known, without_places, copies: &copies, written: &written };
    let made = make_ready(config, &ready, &journals, now, ways).await;
    let Ready { hub, name, statements, forgotten_again, places, places_lost, unknown_lost } = match made {
        Ok(made) => made,
        Err(error) => {
            remove(&ready);
            return Err(error).with_context(|| format!("{} was not restored; nothing was changed", file.display()));
        }
    };
    let mut restored = Restored {
        hub,
        name,
        statements,
        statements_now: stands_held,
        forgotten_again,
        places,
        places_lost,
        unknown_lost,
        before: None,
        done: false,
    };
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

/// What a restored database is told besides.
#[derive(Clone, Copy)]
struct Ways<'a> {
    /// The hub that stands here.
    known: Option<HubId>,
    /// Whether protected places whose key is lost are let go.
    without_places: bool,
    /// Copies that an erasure must find: known to it before it is used.
    copies: &'a [BackupRow],
    /// Files that were written.
    written: &'a [store::kept::WrittenRow],
}

/// A database that is ready to take the present one's place.
struct Ready {
    hub: HubId,
    name: String,
    statements: u64,
    forgotten_again: u64,
    places: u64,
    places_lost: bool,
    unknown_lost: u64,
}

async fn make_ready(
    config: &Config,
    ready: &Path,
    journals: &[PathBuf],
    now: Timestamp,
    ways: Ways<'_>,
) -> anyhow::Result<Ready> {
    let store = Store::open(ready, false).await.context("it is no backup of a hub, or it is damaged")?;
    let read = async {
        let mut db = store.read().await?;
        let log = store::log::by_number(&mut db, OWN).await?.context("it holds no hub")?;
        drop(db);
        let keys = keys::log(&config.keys(), log.ordinal + 1, log.key.name());
        // The key of a list that was closed since is not kept: there, being the hub that stands is proof enough.
        if ways.known != Some(log.hub) {
            let keys = keys.context(
                "the key of this hub's list is kept apart from backups, and is not here; put it in its place first",
            )?;
            if *keys.log.public() != log.key {
                bail!("it belongs to another hub, or to this hub under another key: {}", log.name);
            }
        }
        let forgotten_again = journal::replay(&store, journals, None, now.as_second()).await?;
        let mut db = store.write().await?;
        let (places, _) = locked::count(&mut db).await?;
        let (places_lost, unknown_lost) = open_places(&mut db, config, places, ways.without_places).await?;
        for row in ways.copies {
            store::kept::save_backup(&mut db, row).await?;
        }
        for row in ways.written {
            store::kept::wrote(&mut db, row).await?;
        }
        store::erase::mark_scrub(&mut db).await?;
        db.commit().await?;
        store.truncate().await?;
        let (hub, name, statements) = (log.hub, log.name, log.held);
        anyhow::Ok(Ready { hub, name, statements, forgotten_again, places, places_lost, unknown_lost })
    };
    let read = read.await;
    store.close().await;
    read
}

/// Opens the protected places of a restored copy, or lets them go where that was asked for. Returns whether they are lost, and of
/// how many nothing was ever published.
async fn open_places(db: &mut Write, config: &Config, places: u64, without: bool) -> anyhow::Result<(bool, u64)> {
    if places == 0 {
        return Ok((false, 0));
    }
    let key: Option<PlacesKey> = keys::places(&config.keys())?;
    let there = key.is_some();
    if let Some(key) = key
        && locked::unlock(db, &key).await?.is_some()
    {
        return Ok((false, 0));
    }
    if without {
        return Ok((true, locked::forget_locked(db).await?));
    }
    let file = keys::places_file(&config.keys());
    let met = if there { "is another key" } else { "is not here" };
    bail!(
        "it holds {places} protected places, and the key that opens them, {}, {met}. Put it in its place (from the copy, or with          `mutuald key restore`). If it is lost, --without-places restores all but them",
        file.display()
    )
}
