//! A name, number or address of somebody out of what only this hub keeps, and out of its backups.

use crate::node::Hub;
use crate::store::{self, Store, StoreError};
use std::path::Path;

impl Hub {
    /// Takes a text out of everything that only this hub holds, here and in every backup that can be reached. Entries that say it
    /// now are left: a person decides what they say instead. Returns what could not be cleaned, in words.
    ///
    /// # Errors
    /// Database errors.
    pub async fn forget_words(&self, text: &str) -> anyhow::Result<Vec<String>> {
        let mut db = self.store.write().await?;
        let stood = store::gone::standing(&mut db).await?;
        store::people::erase(&mut db, text).await?;
        store::consent::end_of_nobody(&mut db, self.today()?).await?;
        self.let_go(&mut db, &stood).await?;
        db.commit().await?;
        // What was signed of a contact that is gone now is taken back.
        self.tend_contacts().await?;
        self.publish().await?;
        let mut left = self.scrub().await?;
        let mut db = self.store.read().await?;
        let said = store::people::said(&mut db, text).await?;
        let backups = store::kept::backups(&mut db).await?;
        drop(db);
        // The text itself is noted nowhere, so a backup that is away cannot learn of it later.
        for row in backups {
            let file = Path::new(&row.path);
            if !file.exists() {
                left.push(format!(
                    "the backup {}: it cannot be reached now; give this command again when it can",
                    row.path
                ));
            } else if let Err(error) = self.forget_words_in(file, text, &said).await {
                left.push(format!("the backup {}: {error:#}", row.path));
            }
        }
        Ok(left)
    }

    async fn forget_words_in(&self, file: &Path, text: &str, said: &[i64]) -> anyhow::Result<()> {
        self.backup_at(file, async |store: &Store| {
            let mut db = store.write().await?;
            store::people::erase_in_copy(&mut db, text, said).await?;
            db.commit().await.map_err(StoreError::into)
        })
        .await
    }
}
