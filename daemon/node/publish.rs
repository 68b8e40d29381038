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
use crate::store::log::{LogRow, OWN, index, pos};
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

/// Brings the feed folder up to what the own log holds, and signs a checkpoint when there is something new or the last
/// one is older than `republish`.
///
/// # Errors
/// The folder belongs to a longer or other log (a restored backup: nothing is overwritten), or I/O fails.
pub async fn publish(
    store: &Store,
    keys: &LogKeys,
    folder: &Path,
    now: Timestamp,
    republish: Duration,
) -> anyhow::Result<Published> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make the feed folder {}", folder.display()))?;
    let home = folder.to_owned();
    let _lock = tokio::task::spawn_blocking(move || Lock::take(&home)).await??;
    let mut db = store.read().await?;
    let log =
        store::log::by_number(&mut db, OWN).await?.context("this database has no hub; run `mutuald init` first")?;
    let before = match &log.checkpoint {
        Some(note) => Checkpoint::open(note, &log.key, &log.peer).context("the stored checkpoint is damaged")?,
        None => Checkpoint { size: 0, root: merkle::root([]), time: 0 },
    };
    let at = folder.join(prefix(1));
    check_folder(&mut db, &log, &at).await?;

    let mut files = Files { root: at, written: 0, folders: BTreeSet::new() };
    let seconds = u64::try_from(now.as_second()).unwrap_or(0);
    let stale = seconds.saturating_sub(before.time) >= republish.as_secs() || before.time > seconds + 600;
    let first = before.size / WIDTH;
    let changed = store::registry::parts_due(&mut db).await?;
    let due = changed.range(..first).copied().chain(first..log.held.div_ceil(WIDTH));
    let mut hashes = Vec::new();
    for n in due.collect::<Vec<u64>>() {
        let width = tile::width(n, log.held);
        let leaves = store::log::leaves(&mut db, OWN, n * WIDTH, n * WIDTH + width).await?;
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
    let roots = store::log::bundle_roots(&mut db, OWN, log.held / WIDTH).await?;
    upper_tiles(&mut files, &roots, first)?;
    files.write_at(&folder.join("hub/1"), &log.document)?;
    files.write_at(&folder.join(".well-known/groups-hub"), &log.document)?;
    files.sync_folders()?;
    drop(db);

    let published = Published { size: log.held, new: log.held.saturating_sub(before.size), files: files.written };
    if published.new > 0 || stale || log.checkpoint.is_none() {
        let checkpoint = Checkpoint { size: log.held, root: log.edge.root(), time: seconds };
        let note = checkpoint.sign(keys);
        // From here on the database knows what readers may have seen, even if the next line is never reached.
        let mut write = store.write().await?;
        store::log::set_checkpoint(&mut write, OWN, note.as_bytes(), 0).await?;
        write.commit().await?;
        reach("publish-checkpoint-stored");
        files.write("checkpoint", note.as_bytes())?;
    } else if let Some(note) = &log.checkpoint {
        files.write("checkpoint", note)?;
    }
    files.sync_folders()?;
    reach("publish-checkpoint");
    if !changed.is_empty() {
        let mut write = store.write().await?;
        store::registry::parts_done(&mut write, &changed).await?;
        write.commit().await?;
    }
    Ok(Published { files: files.written, ..published })
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
    if store::log::root_at(db, OWN, there.size).await? != there.root {
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

struct Files {
    root: PathBuf,
    written: usize,
    folders: BTreeSet<PathBuf>,
}

impl Files {
    fn write(&mut self, path: &str, bytes: &[u8]) -> anyhow::Result<()> {
        self.write_at(&self.root.join(path), bytes)
    }

    /// Writes aside, syncs, renames. A file that already holds these bytes is left alone.
    fn write_at(&mut self, path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
        if fs::read(path).is_ok_and(|there| there == bytes) {
            return Ok(());
        }
        let said = || format!("cannot write {}", path.display());
        let folder = path.parent().with_context(said)?;
        if !folder.is_dir() {
            fs::create_dir_all(folder).with_context(said)?;
            self.folders
                .extend(folder.ancestors().skip(1).take_while(|up| up.starts_with(&self.root)).map(Path::to_owned));
        }
        let aside = path.with_added_extension("new");
        let mut file = File::create(&aside).with_context(said)?;
        file.write_all(bytes).with_context(said)?;
        file.sync_all().with_context(said)?;
        drop(file);
        reach("publish-aside");
        fs::rename(&aside, path).with_context(said)?;
        self.folders.insert(folder.to_owned());
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

    /// Writes the partial part bundles of earlier sizes as the leaves are now: a line that was blanked is in none of them, and
    /// whoever is in the middle of a pull finds every file that the checkpoint names.
    fn blank_copies(&mut self, n: u64, leaves: &[store::log::LeafRow]) -> anyhow::Result<()> {
        let folder = self.root.join(tile::parts(PUBLIC, n, WIDTH) + ".p");
        let Ok(entries) = fs::read_dir(&folder) else { return Ok(()) };
        for entry in entries.flatten() {
            let width = entry.file_name().to_str().and_then(|name| name.parse::<usize>().ok());
            if let Some(lines) = width.and_then(|width| leaves.get(..width)) {
                self.write_at(&entry.path(), &part_bundle(lines))?;
            }
        }
        Ok(())
    }

    /// Of partial part bundles only the current and the previous one are kept, because an erasure must rewrite them all.
    fn forget_old_parts(&self, n: u64, width: u64) -> anyhow::Result<()> {
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
        for (_, path) in partial {
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
        Ok(())
    }
}

/// Bundles of the own log whose part files must be written again because these positions were blanked.
pub fn bundles_of(positions: &[i64]) -> BTreeSet<u64> {
    positions.iter().filter(|p| **p >= pos(OWN, 0) && **p < pos(OWN + 1, 0)).map(|p| index(*p) / WIDTH).collect()
}
