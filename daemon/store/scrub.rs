//! Deleted words out of the database's own files.
//!
//! `secure_delete` overwrites deleted rows, and the full-text index has an option of its own for the same. Both leave something:
//! the index remembers, for each of its pages, the beginning of the page's first word, and the planner's statistics keep
//! samples of indexed values. A page that was divided or joined keeps copies of the rows that moved, in the room between its
//! pointers and its rows, where `secure_delete` never looks: only pages made anew are surely free of them. And everything that
//! changed stands in the write-ahead log until that is emptied.

use super::{Store, StoreError, Write};

/// Clears what the index and the statistics remember of words that nobody says any more.
///
/// # Errors
/// Database errors.
pub async fn index(db: &mut Write) -> Result<(), StoreError> {
    // Not every build of SQLite keeps samples.
    let sampled: Option<i64> =
        sqlx::query_scalar("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat4'").fetch_optional(&mut **db).await?;
    if sampled.is_some() {
        sqlx::query("DELETE FROM sqlite_stat4").execute(&mut **db).await?;
    }
    sqlx::query("CREATE VIRTUAL TABLE IF NOT EXISTS temp.spoken USING fts5vocab('main', 'search', 'row')")
        .execute(&mut **db)
        .await?;
    // A page's key begins with a digit that names the index; what follows is the beginning of a word. Where no word in
    // use begins so, it is a remnant.
    let keys: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT DISTINCT substr(CAST(term AS BLOB), 2) FROM search_idx WHERE length(term) > 1")
            .fetch_all(&mut **db)
            .await?;
    let mut stale = false;
    for key in keys {
        let Ok(beginning) = String::from_utf8(key) else {
            // Cut within a letter: cannot be told, so it counts as one.
            stale = true;
            break;
        };
        let word: Option<String> =
            sqlx::query_scalar("SELECT term FROM temp.spoken WHERE term >= ? ORDER BY term LIMIT 1")
                .bind(&beginning)
                .fetch_optional(&mut **db)
                .await?;
        if !word.is_some_and(|word| word.starts_with(&beginning)) {
            stale = true;
            break;
        }
    }
    sqlx::query("DROP TABLE temp.spoken").execute(&mut **db).await?;
    if stale {
        sqlx::query("INSERT INTO search (search) VALUES ('rebuild')").execute(&mut **db).await?;
    }
    Ok(())
}

impl Store {
    /// Moves the write-ahead log into the file and empties it, once no reader needs it any more; whether it could.
    ///
    /// # Errors
    /// Database errors.
    pub async fn truncate(&self) -> Result<bool, StoreError> {
        // Readers are done within milliseconds. Whoever reads for longer is not waited for: writers would wait too.
        let mut db = self.writer.acquire().await?;
        sqlx::query("PRAGMA busy_timeout = 3000").execute(&mut *db).await?;
        let done = sqlx::query_as::<_, (i64, i64, i64)>("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut *db).await;
        sqlx::query("PRAGMA busy_timeout = 30000").execute(&mut *db).await?;
        Ok(done?.0 == 0)
    }

    /// Writes a copy of the whole database, as it stands at one moment, without free pages. The file must not be there.
    ///
    /// # Errors
    /// Database errors; a disk that is full.
    pub async fn copy_into(&self, path: &std::path::Path) -> Result<(), StoreError> {
        use std::os::unix::fs::OpenOptionsExt;
        // Made by us and empty, which SQLite takes for absent: as its own it would be open to everybody.
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        let path = path.to_str().ok_or_else(|| StoreError::Protocol("a file name that is no text".into()))?;
        sqlx::query("VACUUM INTO ?").bind(path).execute(&self.writer).await.map(drop)
    }

    /// Makes the file as small as what it holds, and every page of it new.
    ///
    /// # Errors
    /// Database errors.
    pub async fn compact(&self) -> Result<(), StoreError> {
        sqlx::query("VACUUM").execute(&self.writer).await.map(drop)
    }
}

/// Whether nobody else has a database open at this moment. A file that is no database is nobody's.
pub async fn alone(path: &std::path::Path) -> bool {
    use sqlx::ConnectOptions;
    use sqlx::sqlite::{SqliteConnectOptions, SqliteLockingMode};
    let options = SqliteConnectOptions::new()
        .filename(path)
        .locking_mode(SqliteLockingMode::Exclusive)
        .busy_timeout(std::time::Duration::from_millis(200));
    let locked = async {
        let mut db = options.connect().await?;
        let begun = sqlx::query("BEGIN EXCLUSIVE").execute(&mut db).await;
        let ended = sqlx::query("ROLLBACK").execute(&mut db).await;
        drop(ended);
        sqlx::Connection::close(db).await?;
        begun.map(drop)
    };
    !matches!(locked.await, Err(StoreError::Database(error)) if matches!(error.code().as_deref(), Some("5" | "261" | "517" | "773")))
}
