//! What was deleted, out of files: the write-ahead log, the index, exports, backups. And then the word that it is done.
//!
//! Everything here may be cut off at any line and is done again: a mark in the database stays until all of it was reached.
//! Only after it do partners hear an `ack`: nothing that was confirmed can come back from a file.

use super::journal;
use crate::failpoint::reach;
use crate::node::Hub;
use crate::node::author::Draft;
use crate::node::backup::is_half;
use crate::record::statement::{Body, is_origin};
use crate::store::ack::AckRow;
use crate::store::erase::{self, ErasedRow, Order};
use crate::store::gone::{self, Gone};
use crate::store::kept::{BackupRow, WrittenRow};
use crate::store::log::{LogRow, OWN};
use crate::store::{self, Store};
use sha2::{Digest, Sha256};
use std::path::Path;

impl Hub {
    /// Deletes what is due, and goes through files if anything was deleted since the last time. Returns what could not be
    /// cleaned, in words.
    ///
    /// # Errors
    /// Database errors; the journal cannot be written.
    pub async fn sweep(&self) -> anyhow::Result<Vec<String>> {
        let mut db = self.store.write().await?;
        let settled = erase::settle(&mut db, self.clock.now().as_second()).await?;
        db.commit().await?;
        if settled.deleted > 0 {
            tracing::info!(erasures = settled.deleted, "words that were hidden are deleted");
        }
        // Half-made copies wait for no erasure: nobody knows what they hold.
        self.look_for_half_made().await?;
        let left = self.scrub().await?;
        self.acknowledge().await?;
        Ok(left)
    }

    /// Goes through files, if anything was deleted since the last time. Returns what could not be cleaned, in words.
    ///
    /// # Errors
    /// As [`Hub::sweep`].
    pub async fn scrub(&self) -> anyhow::Result<Vec<String>> {
        let mut db = self.store.read().await?;
        let due = erase::scrub_due(&mut db).await?;
        drop(db);
        if !due {
            return Ok(Vec::new());
        }
        let _alone = self.alone("scrub").await?;
        let mut db = self.store.write().await?;
        store::scrub::index(&mut db).await?;
        db.commit().await?;
        reach("erase-index");
        // Rows that were moved from page to page left copies behind, which no deletion overwrites: every page is made new.
        self.store.compact().await?;
        if !self.store.truncate().await? {
            // Somebody reads for long. The mark stays, and so does the word to partners.
            return Ok(vec!["the database's write-ahead log, because something is reading; it is tried again".into()]);
        }
        reach("erase-wal");
        self.journal().await?;
        reach("erase-journal");
        self.clear_half_made().await?;
        let mut left = self.clean_written().await?;
        left.extend(self.clean_backups().await?);
        let mut db = self.store.write().await?;
        erase::scrubbed(&mut db).await?;
        reach("erase-scrub");
        db.commit().await?;
        reach("erase-scrubbed");
        Ok(left)
    }

    /// Remembers a file with words of records that was just written, so that an erasure finds it. Without `bytes` it is a
    /// file that people work in: it is named to them and never removed.
    ///
    /// # Errors
    /// Database errors.
    pub async fn wrote(&self, path: &Path, scope: &str, bytes: Option<&[u8]>) -> anyhow::Result<()> {
        let row = WrittenRow {
            path: std::path::absolute(path)?.display().to_string(),
            at: self.clock.now().as_second(),
            scope: scope.to_owned(),
            digest: bytes.map(|bytes| Sha256::digest(bytes).to_vec()).unwrap_or_default(),
        };
        let mut db = self.store.write().await?;
        store::kept::wrote(&mut db, &row).await?;
        Ok(db.commit().await?)
    }

    /// Removes files that this hub wrote and that may hold what was erased since. One that people changed since is theirs.
    async fn clean_written(&self) -> anyhow::Result<Vec<String>> {
        let mut db = self.store.read().await?;
        let rows = store::kept::written_before(&mut db).await?;
        drop(db);
        let mut left = Vec::new();
        for row in rows {
            let path = Path::new(&row.path);
            let gone = match std::fs::read(path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    left.push(format!("{}: {error}", row.path));
                    false
                }
                Ok(bytes) if Sha256::digest(&bytes).as_slice() != row.digest => {
                    left.push(format!("{}: it was changed since it was written; look at it yourself", row.path));
                    false
                }
                Ok(_) | Err(_) => match remove(path) {
                    Ok(()) => true,
                    Err(error) => {
                        left.push(format!("{}: {error}", row.path));
                        false
                    }
                },
            };
            if gone {
                let mut db = self.store.write().await?;
                store::kept::forget_written(&mut db, &row.path).await?;
                db.commit().await?;
            }
        }
        Ok(left)
    }

    /// Takes what was erased out of every backup that can be reached.
    pub(crate) async fn clean_backups(&self) -> anyhow::Result<Vec<String>> {
        self.lock_old_backups().await?;
        let mut db = self.store.read().await?;
        let rows = store::kept::backups(&mut db).await?;
        let done = store::kept::carried_out(&mut db).await?;
        let hubs = store::log::all(&mut db).await?;
        let let_go = journal::let_go(&self.journal_file())?;
        // What partner hubs' documents declare void. Of this hub's own list its people may have kept it as their words.
        let ends: Vec<&LogRow> = hubs.iter().filter(|log| log.owner != OWN && log.closed.is_some()).collect();
        let mut left = Vec::new();
        for row in rows.into_iter().filter(|row| row.cleaned < done) {
            if is_half(Path::new(&row.path)) {
                left.push(format!("{}: a backup that was being made there", row.path));
                continue;
            }
            if !Path::new(&row.path).exists() {
                left.push(format!("the backup {}: it cannot be reached now", row.path));
                continue;
            }
            let mut erased = erase::after(&mut db, row.cleaned).await?;
            erased.retain(|erasure| erasure.n <= done);
            let orders: Vec<(crate::record::HubId, ErasedRow)> = erased
                .into_iter()
                .filter_map(|erasure| Some((hubs.iter().find(|log| log.owner == erasure.hub)?.hub, erasure)))
                .collect();
            let what = Forget { orders: &orders, let_go: &let_go, ends: &ends, now: self.clock.now().as_second() };
            match self.forget_in(Path::new(&row.path), what).await {
                Ok(()) => {
                    let mut write = self.store.write().await?;
                    store::kept::save_backup(&mut write, &BackupRow { cleaned: done, ..row }).await?;
                    write.commit().await?;
                }
                Err(error) => left.push(format!("the backup {}: {error:#}", row.path)),
            }
        }
        Ok(left)
    }

    /// Backups of earlier versions hold protected places in clear: each is gone through once.
    async fn lock_old_backups(&self) -> anyhow::Result<()> {
        const DONE: &str = "backups-locked";
        let mut db = self.store.read().await?;
        if store::setting(&mut db, DONE).await?.is_some() {
            return Ok(());
        }
        drop(db);
        let mut db = self.store.write().await?;
        store::kept::clean_again(&mut db).await?;
        store::set(&mut db, DONE, "1").await?;
        Ok(db.commit().await?)
    }

    /// Signs what partners wait to hear: that every erasure in their log up to some point is carried out here.
    ///
    /// # Errors
    /// Database errors, or publishing.
    pub async fn acknowledge(&self) -> anyhow::Result<usize> {
        let mut db = self.store.read().await?;
        if erase::scrub_due(&mut db).await? {
            return Ok(0);
        }
        let mut drafts = Vec::new();
        for log in store::log::all(&mut db).await?.into_iter().filter(|log| log.owner != OWN) {
            let (size, erased) = erase::carried_out(&mut db, log.n, log.held).await?;
            let origin = log.key.name();
            // A name that no leaf may hold cannot be confirmed; what it asked for is done all the same.
            if erased == 0 || !is_origin(origin) {
                continue;
            }
            let before: Option<AckRow> = store::ack::of(&mut db, origin).await?.into_iter().find(|ack| ack.hub == OWN);
            if before.as_ref().is_some_and(|ack| ack.erased >= erased) {
                continue;
            }
            let (id, rev) = before.map_or_else(|| (self.chance.id(), 1), |ack| (ack.rec, ack.rev + 1));
            let body = Body::Ack { origin: origin.to_owned(), size, erased };
            drafts.push(Draft { id, rev, body, public: None });
        }
        drop(db);
        if !drafts.is_empty() {
            // A hub that may not publish (a restored backup) must not sign either: its log would go another way than it did.
            self.publish().await?;
            reach("erase-ack");
            self.say(&drafts).await?;
        }
        Ok(drafts.len())
    }
}

/// Removes a file so that it stays removed when the power fails, one too that is gone already: the sync that should have made that last may
/// have failed.
fn remove(file: &Path) -> std::io::Result<()> {
    use std::io::ErrorKind::NotFound;
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != NotFound => return Err(error),
        _ => {}
    }
    match std::fs::File::open(file.parent().unwrap_or(Path::new("/"))).and_then(|folder| folder.sync_all()) {
        Err(error) if error.kind() == NotFound => Ok(()),
        synced => synced,
    }
}

/// What a backup must forget.
#[derive(Clone, Copy)]
struct Forget<'a> {
    /// Erasures, with whose record it is.
    orders: &'a [(crate::record::HubId, ErasedRow)],
    /// What only this hub held.
    let_go: &'a [Gone],
    /// Lists that were closed: what they held past their end is void.
    ends: &'a [&'a LogRow],
    /// When, in seconds since 1970.
    now: i64,
}

impl Hub {
    /// Changes a backup, and leaves no trace of what it held before in its pages, its index or beside it.
    pub(super) async fn backup_at(
        &self,
        file: &Path,
        change: impl AsyncFnOnce(&Store) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let store = Store::open(file, false).await?;
        let done = async {
            change(&store).await?;
            let mut db = store.write().await?;
            // A copy of a whole database has derived tables too; they are made again from what is left.
            store::kept::strip(&mut db).await?;
            self.lock_places(&mut db).await?;
            store::scrub::index(&mut db).await?;
            db.commit().await?;
            reach("backup-cleaned");
            // As in the database itself: no page keeps copies of rows that moved.
            store.compact().await?;
            anyhow::ensure!(store.truncate().await?, "something else is reading it");
            anyhow::Ok(())
        };
        let done = done.await;
        store.close().await;
        done
    }

    /// Makes a backup forget: the same way as the database itself, by [`erase::obey`]. Doing it twice is doing it once.
    async fn forget_in(&self, file: &Path, what: Forget<'_>) -> anyhow::Result<()> {
        self.backup_at(file, async |store: &Store| {
            let mut db = store.write().await?;
            for log in store::log::all(&mut db).await? {
                let end =
                    what.ends.iter().find(|end| (end.hub, &end.key) == (log.hub, &log.key)).and_then(|end| end.closed);
                if let Some((size, root)) = end
                    && log.held > size
                    && store::log::root_at(&mut db, log.n, size).await? == root
                {
                    store::log::truncate(&mut db, &log, size).await?;
                }
            }
            let (logs, known) = (store::log::all(&mut db).await?, erase::after(&mut db, 0).await?);
            gone::again(&mut db, what.let_go).await?;
            for (hub, row) in what.orders {
                let Some(log) = logs.iter().find(|log| log.hub == *hub) else { continue };
                let same = |known: &ErasedRow| (known.hub, known.rec, known.upto) == (log.owner, row.rec, row.upto);
                if known.iter().any(|known| same(known) && known.parts == row.parts) {
                    continue;
                }
                let order =
                    Order { hub: log.owner, rec: row.rec, upto: row.upto, parts: &row.parts, how: row.how, pos: None };
                let held = store::log::held_of(&mut db, log.owner).await?;
                erase::obey(&mut db, &order, &held).await?;
            }
            erase::carry_out(&mut db, what.now).await?;
            Ok(db.commit().await?)
        })
        .await
    }
}
