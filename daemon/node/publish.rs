//! The own log as files that any static host can serve.
//!
//! Order of writing, so that a reader who holds a checkpoint finds all it names and a crash at any line loses nothing:
//! parts → entries → tiles → checkpoint in the database → checkpoint file. Every file is written aside, synced, renamed,
//! and its folder synced. The same function runs at start-up: it makes the files again from the rows.

use crate::failpoint::reach;
use crate::feed::note::LogKeys;
use crate::feed::tile::{self, WIDTH};
use crate::feed::{Checkpoint, Hash, merkle};
use crate::record::part::PUBLIC;
use crate::store::log::{LogRow, OWN};
use crate::store::{self, Store};
use anyhow::{Context, bail};
use jiff::Timestamp;
use sqlx::SqliteConnection;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where log number `k` lies below the feed folder.
pub fn prefix(k: u32) -> String {
    format!("v1/{k}/")
}

/// What publishing did.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Published {
    /// Leaves in the log.
    pub size: u64,
    /// Leaves that were not published before.
    pub new: u64,
    /// Files written or replaced.
    pub files: usize,
}

/// One place at a time publishes: a lock beside the feed folder, released by the kernel whatever happens to us.
struct Lock(#[expect(dead_code, reason = "held, not read")] File);

impl Lock {
    fn take(folder: &Path) -> anyhow::Result<Lock> {
        let path = folder.with_extension("lock");
        let file = File::create(&path).with_context(|| format!("cannot open {}", path.display()))?;
        file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
        Ok(Lock(file))
    }
}

/// Brings the feed folder up to what the own logs hold, and signs a checkpoint of the one in use when there is something
/// new or the last one is older than `republish`. Hub documents come after the logs that they name.
///
/// # Errors
/// The folder belongs to a longer or other log (a restored backup: nothing is overwritten), another process published
/// meanwhile, or I/O fails.
pub async fn publish(
    store: &Store,
    keys: Option<&LogKeys>,
    folder: &Path,
    now: Timestamp,
    republish: Duration,
) -> anyhow::Result<Published> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make the feed folder {}", folder.display()))?;
    let home = folder.to_owned();
    let _lock = tokio::task::spawn_blocking(move || Lock::take(&home)).await??;
    let mut db = store.read().await?;
    let logs = store::log::of_hub(&mut db, OWN).await?;
    let documents = store::hub::versions(&mut db, OWN).await?;
    drop(db);
    if logs.is_empty() {
        bail!("this database has no hub; run `mutuald init` first");
    }
    let mut all = Published { size: 0, new: 0, files: 0 };
    for log in &logs {
        let place = Place { at: folder.join(prefix(log.ordinal + 1)) };
        let one = match log.closed {
            Some(_) => place.closed(store, log).await?,
            None => place.open(store, log, keys, now, republish).await?,
        };
        all = Published { size: one.size, new: all.new + one.new, files: all.files + one.files };
    }
    reach("publish-documents");
    let mut files = Files::new(folder.to_owned());
    for (version, document) in &documents {
        files.write(&format!("hub/{version}"), document)?;
    }
    files.sync_folders()?;
    reach("publish-newest");
    if let Some((_, newest)) = documents.last() {
        files.write(".well-known/groups-hub", newest)?;
    }
    files.sync_folders()?;
    for log in logs.iter().filter(|log| log.closed.is_some()) {
        Place { at: folder.join(prefix(log.ordinal + 1)) }.prune(log)?;
    }
    Ok(Published { files: all.files + files.written, ..all })
}

/// Where one log's files lie.
struct Place {
    at: PathBuf,
}

impl Place {
    /// The log in use.
    async fn open(
        &self,
        store: &Store,
        log: &LogRow,
        keys: Option<&LogKeys>,
        now: Timestamp,
        republish: Duration,
    ) -> anyhow::Result<Published> {
        let before = match &log.checkpoint {
            Some(note) => Checkpoint::open(note, &log.key, &log.peer).context("the stored checkpoint is damaged")?,
            None => Checkpoint { size: 0, root: merkle::root([]), time: 0 },
        };
        let mut db = store.read().await?;
        check_folder(&mut db, log, &self.at).await?;
        let seconds = u64::try_from(now.as_second()).unwrap_or(0);
        let stale = seconds.saturating_sub(before.time) >= republish.as_secs() || before.time > seconds + 600;
        let changed = store::registry::parts_due(&mut db, log.n).await?;
        let mut files = Files::new(self.at.clone());
        // A folder that was lost, or a list that was taken back from partners: what was signed before need not lie there.
        let mut lies = before.size;
        while lies >= WIDTH && !self.at.join(tile::entries(lies / WIDTH - 1, WIDTH)).exists() {
            lies = (lies / WIDTH - 1) * WIDTH;
        }
        write_log(&mut db, log, &mut files, lies, &changed).await?;
        drop(db);

        let new = log.held.saturating_sub(before.size);
        if new > 0 || stale || log.checkpoint.is_none() {
            let keys =
                keys.context("the key of this hub's list is not here; put the key file from your backup in its place")?;
            let checkpoint = Checkpoint { size: log.held, root: log.edge.root(), time: seconds };
            let note = checkpoint.sign(keys);
            // From here on the database knows what readers may have seen, even if the next line is never reached. Whoever
            // published since this was read has the say: two histories would be for ever.
            let mut write = store.write().await?;
            if !store::log::publish_checkpoint(&mut write, log.n, log.checkpoint.as_deref(), note.as_bytes()).await? {
                bail!(
                    "another process of this hub published meanwhile; nothing was signed, and the next occasion does it"
                );
            }
            write.commit().await?;
            reach("publish-checkpoint-stored");
            files.write("checkpoint", note.as_bytes())?;
        } else if let Some(note) = &log.checkpoint {
            files.write("checkpoint", note)?;
        }
        files.sync_folders()?;
        reach("publish-checkpoint");
        done(store, log, &changed).await?;
        Ok(Published { size: log.held, new, files: files.written })
    }

    /// A log that was closed: as it was up to its end, for those who come late.
    async fn closed(&self, store: &Store, log: &LogRow) -> anyhow::Result<Published> {
        let mut db = store.read().await?;
        let changed = store::registry::parts_due(&mut db, log.n).await?;
        let mut files = Files::new(self.at.clone());
        let last = files.root.join(tile::entries(log.held / WIDTH, tile::width(log.held / WIDTH, log.held)));
        let before = if last.exists() || log.held == 0 { log.held } else { 0 };
        write_log(&mut db, log, &mut files, before, &changed).await?;
        drop(db);
        if let Some(note) = &log.checkpoint {
            files.write("checkpoint", note)?;
        }
        files.sync_folders()?;
        done(store, log, &changed).await?;
        Ok(Published { size: log.held, new: 0, files: files.written })
    }

    /// Takes away what lies there past the end of a closed log: whatever is not needed to read it up to its end. After the
    /// document that says where it ends, so that no reader looks in vain.
    fn prune(&self, log: &LogRow) -> anyhow::Result<()> {
        if fs::read(self.at.join("checkpoint")).ok() == log.checkpoint {
            return Ok(());
        }
        let needed = needed(log.held);
        let mut folders = vec![self.at.clone()];
        while let Some(next) = folders.pop() {
            let said = || format!("cannot take away what is void in {}", next.display());
            for entry in fs::read_dir(&next).with_context(said)? {
                let path = entry.with_context(said)?.path();
                if path.is_dir() {
                    folders.push(path);
                } else if path != self.at.join("checkpoint")
                    && !needed.contains(&path.strip_prefix(&self.at)?.display().to_string())
                {
                    fs::remove_file(&path).with_context(said)?;
                    reach("rollover-pruned");
                }
            }
            File::open(&next).and_then(|folder| folder.sync_all()).with_context(said)?;
        }
        // Last: while it is there, the rest is looked at again.
        fs::remove_file(self.at.join("checkpoint"))
            .with_context(|| format!("cannot take away {}/checkpoint", self.at.display()))
    }
}

/// Files by which a log of so many leaves is read.
fn needed(size: u64) -> BTreeSet<String> {
    let mut needed = BTreeSet::new();
    for n in 0..size.div_ceil(WIDTH) {
        let width = tile::width(n, size);
        needed.extend([tile::entries(n, width), tile::parts(PUBLIC, n, width)]);
    }
    let (mut level, mut count) = (0, size);
    while count > 0 {
        needed.extend((0..count.div_ceil(WIDTH)).map(|n| tile::tile(level, n, tile::width(n, count))));
        (level, count) = (level + 1, count / WIDTH);
    }
    needed
}

/// Writes the files that a log of `before` leaves lacks, and part files in which lines were blanked since.
async fn write_log(
    db: &mut SqliteConnection,
    log: &LogRow,
    files: &mut Files,
    before: u64,
    changed: &BTreeSet<u64>,
) -> anyhow::Result<()> {
    let first = before / WIDTH;
    let due = changed.range(..first).copied().chain(first..log.held.div_ceil(WIDTH));
    let mut hashes = Vec::new();
    for n in due.collect::<Vec<u64>>() {
        let width = tile::width(n, log.held);
        let leaves = store::log::leaves(db, log.n, n * WIDTH, n * WIDTH + width).await?;
        files.write(&tile::parts(PUBLIC, n, width), &part_bundle(&leaves))?;
        if changed.contains(&n) {
            files.blank_copies(n, &leaves)?;
        }
        if n < first {
            continue;
        }
        reach("publish-part");
        let mut entries = Vec::new();
        leaves.iter().for_each(|leaf| tile::append_entry(&mut entries, &leaf.note));
        files.write(&tile::entries(n, width), &entries)?;
        reach("publish-entries");
        hashes.push((n, leaves.iter().map(|leaf| merkle::leaf_hash(&leaf.note)).collect::<Vec<Hash>>()));
        files.forget_old_parts(n, width)?;
    }
    for (n, hashes) in &hashes {
        files.write(&tile::tile(0, *n, hashes.len() as u64), &hashes.concat())?;
        reach("publish-tile");
    }
    let roots = store::log::bundle_roots(db, log.n, log.held / WIDTH).await?;
    upper_tiles(files, &roots, first)?;
    files.sync_folders()
}

/// Part files in which lines were blanked are written.
async fn done(store: &Store, log: &LogRow, changed: &BTreeSet<u64>) -> anyhow::Result<()> {
    if !changed.is_empty() {
        let mut write = store.write().await?;
        store::registry::parts_done(&mut write, log.n, changed).await?;
        write.commit().await?;
    }
    Ok(())
}

/// Refuses a folder that holds another log, or more of this one than the database knows: publishing over it would fork
/// the log, and a fork is for ever.
async fn check_folder(db: &mut SqliteConnection, log: &LogRow, at: &Path) -> anyhow::Result<()> {
    let file = at.join("checkpoint");
    let note = match fs::read(&file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        read => read.with_context(|| format!("cannot read {}", file.display()))?,
    };
    let place = file.display();
    let there = Checkpoint::open(&note, &log.key, &log.peer).with_context(|| {
        format!(
            "{place} was not signed with this hub's key; choose another folder in [publish], or restore the right key"
        )
    })?;
    if there.size > log.held {
        bail!(
            "{place} speaks of {} entries but the database holds {}: the database looks restored from an older backup. \
             Nothing was changed. Restore a newer backup, or ask your partners for their copy of your list",
            there.size,
            log.held
        );
    }
    if store::log::root_at(db, log.n, there.size).await? != there.root {
        bail!(
            "{place} belongs to another history of this log. Nothing was changed; restore the database that wrote it"
        );
    }
    Ok(())
}

fn part_bundle(leaves: &[store::log::LeafRow]) -> Vec<u8> {
    let mut lines = Vec::new();
    for leaf in leaves {
        lines.extend_from_slice(leaf.line.as_deref().unwrap_or_default().as_bytes());
        lines.push(b'\n');
    }
    lines
}

/// Tiles of level 1 and above that hold something past bundle `first`.
fn upper_tiles(files: &mut Files, roots: &[Hash], first: u64) -> anyhow::Result<()> {
    let mut level = 1u8;
    let mut row: Vec<Hash> = roots.to_vec();
    let mut first = first;
    while !row.is_empty() {
        let count = row.len() as u64;
        for n in first / WIDTH..count.div_ceil(WIDTH) {
            let width = tile::width(n, count);
            let from = (n * WIDTH) as usize;
            files.write(&tile::tile(level, n, width), &row[from..from + width as usize].concat())?;
        }
        row = row.as_chunks::<256>().0.iter().map(|full| merkle::root(full.iter().copied())).collect();
        first /= WIDTH;
        level += 1;
    }
    Ok(())
}

/// One file outside the lists, put in place whole.
pub(super) struct Aside;

impl Aside {
    /// Writes aside, syncs, renames.
    pub(super) fn write(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
        let mut files = Files::new(file.parent().unwrap_or(Path::new("/")).to_owned());
        files.write_at(file, bytes)?;
        files.sync_folders()
    }
}

struct Files {
    root: PathBuf,
    written: usize,
    folders: BTreeSet<PathBuf>,
}

impl Files {
    fn new(root: PathBuf) -> Files {
        Files { root, written: 0, folders: BTreeSet::new() }
    }

    fn write(&mut self, path: &str, bytes: &[u8]) -> anyhow::Result<()> {
        self.write_at(&self.root.join(path), bytes)
    }

    /// Writes aside, syncs, renames. A file that already holds these bytes is left alone; its folders are synced all the same: the
    /// sync that should have made its name last may have failed, and what stood there before, erased words too, would be back
    /// when the power fails.
    fn write_at(&mut self, path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
        let said = || format!("cannot write {}", path.display());
        let folder = path.parent().with_context(said)?;
        self.folders.extend(folder.ancestors().take_while(|up| up.starts_with(&self.root)).map(Path::to_owned));
        if fs::read(path).is_ok_and(|there| there == bytes) {
            return Ok(());
        }
        fs::create_dir_all(folder).with_context(said)?;
        let aside = path.with_added_extension("new");
        let mut file = File::create(&aside).with_context(said)?;
        file.write_all(bytes).with_context(said)?;
        file.sync_all().with_context(said)?;
        drop(file);
        reach("publish-aside");
        fs::rename(&aside, path).with_context(said)?;
        self.written += 1;
        Ok(())
    }

    /// A rename lasts once its folder is synced.
    fn sync_folders(&mut self) -> anyhow::Result<()> {
        for folder in std::mem::take(&mut self.folders) {
            File::open(&folder)
                .and_then(|f| f.sync_all())
                .with_context(|| format!("cannot sync {}", folder.display()))?;
        }
        Ok(())
    }

    /// Brings every other file that may hold lines of a bundle to what its leaves hold now: partial bundles of earlier
    /// sizes, for readers in the middle of a pull. What else lies there goes: files that a crash left half written, and copies
    /// that a static host compressed beforehand.
    fn blank_copies(&mut self, n: u64, leaves: &[store::log::LeafRow]) -> anyhow::Result<()> {
        let full = self.root.join(tile::parts(PUBLIC, n, WIDTH));
        let (Some(folder), Some(name)) = (full.parent(), full.file_name().and_then(|name| name.to_str())) else {
            return Ok(());
        };
        let beside = format!("{name}.");
        let partial = folder.join(format!("{name}.p"));
        for entry in
            [folder, &partial].into_iter().flat_map(|folder| fs::read_dir(folder).into_iter().flatten().flatten())
        {
            let (path, file) = (entry.path(), entry.file_name());
            let file = file.to_str().unwrap_or_default();
            let inside = path.parent() == Some(&partial);
            match file.parse::<usize>() {
                Ok(width) if inside && (1..=leaves.len()).contains(&width) => {
                    self.write_at(&path, &part_bundle(&leaves[..width]))?;
                }
                _ if path.is_file() && (inside || file.starts_with(&beside)) => {
                    self.folders.extend(path.parent().map(Path::to_owned));
                    fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
                }
                _ => {}
            }
        }
        reach("publish-blanked");
        Ok(())
    }

    /// Of partial part bundles only the current and the previous one are kept, because an erasure must rewrite them all.
    fn forget_old_parts(&mut self, n: u64, width: u64) -> anyhow::Result<()> {
        let folder = self.root.join(tile::parts(PUBLIC, n, WIDTH) + ".p");
        let Ok(entries) = fs::read_dir(&folder) else { return Ok(()) };
        let width_of = |entry: &fs::DirEntry| entry.file_name().to_str().and_then(|name| name.parse::<u64>().ok());
        let mut partial: Vec<(u64, PathBuf)> = entries
            .flatten()
            .filter_map(|entry| Some((width_of(&entry)?, entry.path())))
            .filter(|(w, _)| *w < width)
            .collect();
        partial.sort();
        partial.pop();
        self.folders.insert(folder);
        for (_, path) in partial {
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
        Ok(())
    }
}
