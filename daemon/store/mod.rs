//! The only SQL. One SQLite file holds everything a hub knows.
//!
//! * [`log`]: logs, their leaves and the part lines held;
//! * [`hub`]: hub documents version by version, and evidence of lies;
//! * [`record`]: records and decisions folded from leaves;
//! * [`registry`]: groups and the full-text index, derived from records;
//! * [`group`]: the records of one group, with the words and decisions that make it;
//! * [`erase`]: what was erased and must never come back; [`hidden`]: lines out of sight; [`ack`]: who has erased what;
//! * [`scrub`]: deleted words out of the database's files; [`kept`]: exports and backups; [`people`]: where persons may stand;
//! * [`partner`]: partner hubs and how pulling them goes;
//! * [`contact`], [`consent`]: role contacts, who agreed to what, and the lines that this lets out; [`person`]: people;
//! * [`gone`]: people, contacts and consents that this hub let go;
//! * [`held`]: records whose words a person must look at first;
//! * [`retention`]: local data by age;
//! * [`near`]: search by postcode;
//! * [`protected`]: places that must not be known, in a type and a table of their own;
//! * [`postcodes`]: where every postcode lies, in a file beside the database;
//! * [`copies`]: which lists are copies of others;
//! * [`sighting`]: records that only repeat this hub's own; [`succession`]: those that stand for the records of a hub that ended;
//! * [`directory`]: what people look up, as [`view`]s.
//! * [`imports`]: imports that can be undone, sources on a schedule, saved mappings;
//! * [`lookup`]: groups as the hub's own people look for them.
//!
//! One connection writes, several read. Every function takes a connection, so that callers compose them inside one
//! transaction. sqlx sets neither journal mode nor synchronous: both are set here, once.

pub mod ack;
pub mod consent;
pub mod contact;
pub mod copies;
pub mod describe;
pub mod directory;
pub mod erase;
pub mod frame;
pub mod gone;
pub mod group;
pub mod held;
pub mod hidden;
pub mod hub;
pub mod imports;
pub mod kept;
pub mod log;
pub mod lookup;
pub mod near;
pub mod pair;
pub mod partner;
pub mod people;
pub mod person;
pub mod postcodes;
pub mod protected;
pub mod question;
pub mod record;
pub mod registry;
pub mod retention;
pub mod scrub;
pub mod sighting;
pub mod study;
pub mod succession;
pub mod view;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, SqliteConnection, Transaction};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

pub use sqlx::Error as StoreError;

/// An open transaction that may write.
pub type Write = Transaction<'static, Sqlite>;

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    writer: SqlitePool,
    readers: SqlitePool,
}

/// Rows per multi-row statement: few enough for SQLite's variable limit, many enough to make sqlx's hand-over cheap.
pub const CHUNK: usize = 500;

impl Store {
    /// Opens the file, making it when `create`, and brings its schema up to date.
    ///
    /// # Errors
    /// When the file is absent (without `create`), is no database, or was written by a newer version.
    pub async fn open(path: &Path, create: bool) -> Result<Store, StoreError> {
        close_to_others(path, create)?;
        // FULL: an acknowledged append that a power cut takes back would be a fork of our own making.
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(create)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(30))
            .foreign_keys(true)
            .pragma("secure_delete", "ON")
            .pragma("cache_size", "-16384")
            .pragma("temp_store", "MEMORY");
        // A connection to a file is not lost like one to a server: nothing is asked of it before each use.
        let pool = || SqlitePoolOptions::new().test_before_acquire(false);
        let writer = pool().max_connections(1).connect_with(options.clone()).await?;
        sqlx::migrate!("schema/migrations").run(&writer).await?;
        // How a statement runs follows from its text and the indexes alone. Statistics are older than the next pull: those of a
        // new, empty hub made SQLite go through every record where it should have looked up twenty.
        for sql in ["DROP TABLE IF EXISTS sqlite_stat1", "DROP TABLE IF EXISTS sqlite_stat4"] {
            sqlx::query(sql).execute(&writer).await?;
        }
        let reading = options.create_if_missing(false).read_only(true).pragma("cache_size", "-8192");
        let readers = pool().max_connections(4).min_connections(0).connect_with(reading).await?;
        Ok(Store { writer, readers })
    }

    /// Begins the one transaction that may write; others wait. `IMMEDIATE`, because a read that turns into a write fails
    /// at once whatever the busy timeout says.
    ///
    /// # Errors
    /// When the database cannot be locked within the busy timeout.
    pub async fn write(&self) -> Result<Write, StoreError> {
        match self.writer.begin_with("BEGIN IMMEDIATE").await {
            // The disk failed under the transaction before. SQLite took that back by itself, and the connection still waits for its
            // end: another one goes on. Whatever it left open ends with it.
            Err(StoreError::InvalidSavePointStatement) => {
                let stuck = self.writer.acquire().await?;
                if let Err(error) = stuck.close().await {
                    tracing::debug!(%error, "the connection whose transaction failed was given up");
                }
                self.writer.begin_with("BEGIN IMMEDIATE").await
            }
            begun => begun,
        }
    }

    /// A connection for reading.
    ///
    /// # Errors
    /// When none can be had.
    pub async fn read(&self) -> Result<sqlx::pool::PoolConnection<Sqlite>, StoreError> {
        self.readers.acquire().await
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// People, contacts and protected places stand in it: nobody but its owner (and, where somebody lets them, its group) reads the file,
/// or those that SQLite makes beside it with the same permissions.
fn close_to_others(path: &Path, create: bool) -> Result<(), StoreError> {
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    if create && !path.exists() {
        // An empty file is an empty database.
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        return Ok(());
    }
    let Ok(found) = std::fs::metadata(path) else { return Ok(()) };
    let mode = found.permissions().mode();
    if mode & 0o007 != 0 {
        // A stick's file system may have no permissions; the database is opened all the same.
        let _ = std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode & 0o770));
    }
    Ok(())
}

/// A setting by name.
///
/// # Errors
/// Database errors.
pub async fn setting(db: &mut SqliteConnection, name: &str) -> Result<Option<String>, StoreError> {
    sqlx::query_scalar("SELECT value FROM setting WHERE name = ?").bind(name).fetch_optional(db).await
}

/// All settings.
///
/// # Errors
/// Database errors.
pub async fn settings(db: &mut SqliteConnection) -> Result<BTreeMap<String, String>, StoreError> {
    let rows: Vec<(String, String)> = sqlx::query_as("SELECT name, value FROM setting").fetch_all(db).await?;
    Ok(rows.into_iter().collect())
}

/// Sets a setting.
///
/// # Errors
/// Database errors.
pub async fn set(db: &mut SqliteConnection, name: &str, value: &str) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    )
    .bind(name)
    .bind(value)
    .execute(db)
    .await
    .map(drop)
}

/// Forgets a setting.
///
/// # Errors
/// Database errors.
pub async fn unset(db: &mut SqliteConnection, name: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM setting WHERE name = ?").bind(name).execute(db).await.map(drop)
}

/// Appends a bracketed list of values to a statement that ends in `IN`.
fn in_list<T>(statement: &mut sqlx::QueryBuilder<Sqlite>, values: impl Iterator<Item = T>)
where
    T: for<'q> sqlx::Encode<'q, Sqlite> + sqlx::Type<Sqlite>,
{
    statement.push("(");
    let mut list = statement.separated(", ");
    for value in values {
        list.push_bind(value);
    }
    statement.push(")");
}

/// Sets, releases or returns to a savepoint.
///
/// # Errors
/// Database errors.
pub async fn savepoint(db: &mut Write, sql: &'static str) -> Result<(), StoreError> {
    sqlx::query(sql).execute(&mut **db).await.map(drop)
}

/// Whether the disk answered with an error, or with what nobody wrote there: nothing that this program or a person did.
pub fn disk_failed(error: &(dyn std::error::Error + 'static)) -> bool {
    /// Of SQLite's result codes (what went wrong stands in the bits above): reading, writing or syncing failed.
    const IOERR: u32 = 10;
    /// What was read is no database, as when a page could not be read.
    const CORRUPT: u32 = 11;
    let database = |error: &StoreError| {
        let code: Option<u32> = error.as_database_error()?.code()?.parse().ok();
        Some(matches!(code? & 0xff, IOERR | CORRUPT))
    };
    std::iter::successors(Some(error), |error| error.source()).any(|cause| {
        // EIO
        cause.downcast_ref::<std::io::Error>().is_some_and(|error| error.raw_os_error() == Some(5))
            || cause.downcast_ref::<StoreError>().and_then(database).unwrap_or(false)
    })
}

/// What to do once a disk answered with an error.
pub const DISK_STEP: &str = "see in the system's log (`journalctl -k`) what the disk says, and that it is not full. If it is failing, stop mutuald and \
                             copy its state folder to another disk first. On a disk that is well, `mutuald registry check`, then the \
                             same again: what was said to be done is there. Should the check find damage, `mutuald backup restore`";

/// A row that says what this program cannot have written.
pub(crate) fn corrupt(column: &'static str) -> StoreError {
    StoreError::Decode(
        format!("the column {column} holds what mutuald did not write; run `mutuald registry check`").into(),
    )
}
