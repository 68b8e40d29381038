//! Logs, their leaves, and the part lines held. Our own log and partners' logs are the same rows.

use super::{CHUNK, StoreError, Write, corrupt};
use crate::feed::{Frontier, Hash, VerifyKey, merkle, tile::WIDTH};
use crate::record::HubId;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection, sqlite::SqliteRow};
use uuid::Uuid;

/// Number of this hub's own hub row, and of its first log.
pub const OWN: i64 = 1;
/// A position is `log << SHIFT | index`.
const SHIFT: u32 = 40;
/// A log's number is `ordinal << ORDINAL | hub`: positions of one hub rise in the order in which its leaves count.
const ORDINAL: u32 = 16;

/// Number of the log that a hub had after `ordinal` others.
pub fn number(hub: i64, ordinal: u32) -> i64 {
    i64::from(ordinal) << ORDINAL | hub
}

/// Number of the hub whose log this is.
pub fn hub_of(log: i64) -> i64 {
    log & ((1 << ORDINAL) - 1)
}

/// Number of the log that a position stands in.
pub fn log_of(pos: i64) -> i64 {
    pos >> SHIFT
}

/// Where a leaf stands among all of its hub: by log, then by index. The same at every reader.
pub fn order(pos: i64) -> u64 {
    ((log_of(pos) >> ORDINAL) as u64) << SHIFT | index(pos)
}

/// Where a leaf stands: its log and index in one number.
pub fn pos(log: i64, index: u64) -> i64 {
    log << SHIFT | index as i64
}

/// The index within its log.
pub fn index(pos: i64) -> u64 {
    (pos & ((1 << SHIFT) - 1)) as u64
}

/// Every leaf of a type, of all logs, in the order of positions: goes through all leaves.
///
/// # Errors
/// Database errors.
pub async fn of_type(db: &mut SqliteConnection, kind: &str) -> Result<Vec<(i64, Vec<u8>)>, StoreError> {
    // A note begins with its type.
    sqlx::query_as("SELECT pos, note FROM leaf WHERE instr(note, CAST(? AS BLOB)) = 1 ORDER BY pos")
        .bind(format!("{}{kind}\n", crate::record::statement::HEADER))
        .fetch_all(db)
        .await
}

/// A hub's log and how far it is held.
#[derive(Debug, Clone)]
pub struct LogRow {
    /// Its number.
    pub n: i64,
    /// Its hub's number.
    pub owner: i64,
    /// How many logs its hub had before it.
    pub ordinal: u32,
    /// Size and root at which its hub closed it; `None` while it is open.
    pub closed: Option<(u64, Hash)>,
    /// The hub's id.
    pub hub: HubId,
    /// The hub's name.
    pub name: String,
    /// Key of leaves and checkpoints.
    pub key: VerifyKey,
    /// Key of cosignatures.
    pub peer: VerifyKey,
    /// Leaves stored and verified.
    pub held: u64,
    /// Right edge of the tree at `held`.
    pub edge: Frontier,
    /// Leaves the registry sees.
    pub head: u64,
    /// Newest verified checkpoint, as received.
    pub checkpoint: Option<Vec<u8>>,
    /// Length of the last part bundle as last read.
    pub tail_bytes: u64,
    /// The newest hub document, as received.
    pub document: Vec<u8>,
}

impl LogRow {
    /// Whether all of it that counts is held: of an open log, as much as there is.
    pub fn complete(&self) -> bool {
        self.closed.is_none_or(|(size, _)| self.held == size)
    }
}

const COLUMNS: &str = "SELECT log.n, log.hub AS owner, log.ordinal, log.closed_size, log.closed_root, hub.id, hub.name, log.vkey, log.peer, log.held, log.edge, log.head, log.checkpoint, \
                       log.tail_bytes, hub.document FROM log JOIN hub ON hub.n = log.hub";

impl TryFrom<SqliteRow> for LogRow {
    type Error = StoreError;
    fn try_from(row: SqliteRow) -> Result<LogRow, StoreError> {
        let key = |column: &'static str| VerifyKey::parse(row.try_get::<&str, _>(column)?).map_err(|_| corrupt(column));
        let size: Option<i64> = row.try_get("closed_size")?;
        let root: Option<Vec<u8>> = row.try_get("closed_root")?;
        let closed = match (size, root) {
            (Some(size), Some(root)) => Some((size as u64, root.try_into().map_err(|_| corrupt("log.closed_root"))?)),
            _ => None,
        };
        Ok(LogRow {
            n: row.try_get("n")?,
            owner: row.try_get("owner")?,
            ordinal: row.try_get("ordinal")?,
            closed,
            hub: row.try_get::<&str, _>("id")?.parse().map_err(|_| corrupt("hub.id"))?,
            name: row.try_get("name")?,
            key: key("vkey")?,
            peer: key("peer")?,
            held: row.try_get::<i64, _>("held")? as u64,
            edge: Frontier::from_bytes(row.try_get("edge")?).ok_or_else(|| corrupt("log.edge"))?,
            head: row.try_get::<i64, _>("head")? as u64,
            checkpoint: row.try_get("checkpoint")?,
            tail_bytes: row.try_get::<i64, _>("tail_bytes")? as u64,
            document: row.try_get("document")?,
        })
    }
}

/// The log of a hub that is in use: its newest. `hub` is the hub's number.
///
/// # Errors
/// Database errors.
pub async fn by_number(db: &mut SqliteConnection, hub: i64) -> Result<Option<LogRow>, StoreError> {
    let sql = format!("{COLUMNS} WHERE log.hub = ? ORDER BY log.ordinal DESC LIMIT 1");
    sqlx::query(sqlx::AssertSqlSafe(sql)).bind(hub).fetch_optional(db).await?.map(LogRow::try_from).transpose()
}

/// All logs of a hub, oldest first.
///
/// # Errors
/// Database errors.
pub async fn of_hub(db: &mut SqliteConnection, hub: i64) -> Result<Vec<LogRow>, StoreError> {
    let sql = format!("{COLUMNS} WHERE log.hub = ? ORDER BY log.ordinal");
    sqlx::query(sqlx::AssertSqlSafe(sql)).bind(hub).fetch_all(db).await?.into_iter().map(LogRow::try_from).collect()
}

/// Positions of everything that is held of a hub, log by log.
///
/// # Errors
/// Database errors.
pub async fn held_of(db: &mut SqliteConnection, hub: i64) -> Result<Vec<std::ops::Range<i64>>, StoreError> {
    Ok(of_hub(db, hub).await?.iter().map(|log| pos(log.n, 0)..pos(log.n, log.held)).collect())
}

/// Positions of what is held of a hub and folded into no record yet, log by log.
///
/// # Errors
/// Database errors.
pub async fn unfolded_of(db: &mut SqliteConnection, hub: i64) -> Result<Vec<std::ops::Range<i64>>, StoreError> {
    Ok(of_hub(db, hub).await?.iter().map(|log| pos(log.n, log.head)..pos(log.n, log.held)).collect())
}

/// Every log: our own first, each hub's from the oldest on.
///
/// # Errors
/// Database errors.
pub async fn all(db: &mut SqliteConnection) -> Result<Vec<LogRow>, StoreError> {
    let sql = format!("{COLUMNS} ORDER BY log.hub, log.ordinal");
    sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(db).await?.into_iter().map(LogRow::try_from).collect()
}

/// Makes a hub and the empty logs that its document names. Returns the hub's number.
///
/// # Errors
/// Database errors; a hub that is already there.
pub async fn create(
    db: &mut Write,
    hub: &crate::feed::hub::VerifiedHub,
    document: &[u8],
    own: bool,
) -> Result<i64, StoreError> {
    let n: i64 = sqlx::query_scalar("SELECT coalesce(max(n), 1) + 1 FROM hub").fetch_one(&mut **db).await?;
    let n = if own { OWN } else { n };
    sqlx::query("INSERT INTO hub (n, id, name, document) VALUES (?, ?, ?, ?)")
        .bind(n)
        .bind(hub.id.to_string())
        .bind(&hub.document.name)
        .bind(document)
        .execute(&mut **db)
        .await?;
    super::hub::adopt(db, n, hub, document).await?;
    Ok(n)
}

/// One leaf to store.
#[derive(Debug, Clone)]
pub struct NewLeaf {
    /// Bytes as received.
    pub note: Vec<u8>,
    /// Its hash in the tree; of a removed leaf, from the level-0 tile.
    pub hash: Hash,
    /// The public part's line, when it came and its digest was right.
    pub line: Option<String>,
}

/// Appends verified leaves at the end of what is held, with the edge and the roots of bundles they fill. Leaves that
/// `line_gone` names keep no line (the never-again list).
///
/// # Errors
/// Database errors.
pub async fn append(db: &mut Write, log: &mut LogRow, leaves: &[NewLeaf]) -> Result<(), StoreError> {
    for (nth, chunk) in leaves.chunks(CHUNK).enumerate() {
        let mut insert = QueryBuilder::<Sqlite>::new("INSERT INTO leaf (pos, note, line) ");
        let start = log.held + (nth * CHUNK) as u64;
        insert.push_values(chunk.iter().enumerate(), |mut row, (i, leaf)| {
            row.push_bind(pos(log.n, start + i as u64)).push_bind(&leaf.note[..]).push_bind(leaf.line.as_deref());
        });
        insert.build().execute(&mut **db).await?;
        for (i, leaf) in chunk.iter().enumerate().filter(|(_, leaf)| leaf.note.is_empty()) {
            sqlx::query("UPDATE leaf SET hash = ? WHERE pos = ?")
                .bind(&leaf.hash[..])
                .bind(pos(log.n, start + i as u64))
                .execute(&mut **db)
                .await?;
        }
    }
    // A full bundle's root is needed for the upper level for ever, so it is taken as the bundle fills.
    let mut bundle = log.edge.tail(WIDTH.trailing_zeros() as u8);
    for leaf in leaves {
        bundle.push(leaf.hash);
        log.edge.push(leaf.hash);
        log.held += 1;
        if log.held.is_multiple_of(WIDTH) {
            sqlx::query("INSERT OR REPLACE INTO bundle (log, n, root) VALUES (?, ?, ?)")
                .bind(log.n)
                .bind((log.held / WIDTH - 1) as i64)
                .bind(&bundle.root()[..])
                .execute(&mut **db)
                .await?;
            bundle = Frontier::default();
        }
    }
    sqlx::query("UPDATE log SET held = ?, edge = ? WHERE n = ?")
        .bind(log.held as i64)
        .bind(log.edge.to_bytes())
        .bind(log.n)
        .execute(&mut **db)
        .await
        .map(drop)
}

/// One leaf as stored.
#[derive(Debug, Clone)]
pub struct LeafRow {
    /// Log and index.
    pub pos: i64,
    /// Bytes as received.
    pub note: Vec<u8>,
    /// The public part's line, if held.
    pub line: Option<String>,
    /// Hash of a leaf whose server removed its bytes.
    pub removed: Option<Hash>,
}

impl LeafRow {
    /// Its hash in the tree.
    pub fn hash(&self) -> Hash {
        self.removed.unwrap_or_else(|| merkle::leaf_hash(&self.note))
    }
}

/// A leaf's columns as they are read.
type LeafColumns = (i64, Vec<u8>, Option<String>, Option<Vec<u8>>);

fn leaf_row((pos, note, line, hash): LeafColumns) -> Result<LeafRow, StoreError> {
    let removed = hash.map(|hash| hash.try_into().map_err(|_| corrupt("leaf.hash"))).transpose()?;
    Ok(LeafRow { pos, note, line, removed })
}

/// Leaves from one index up to another, in log order. Callers page.
///
/// # Errors
/// Database errors.
pub async fn leaves(db: &mut SqliteConnection, log: i64, from: u64, upto: u64) -> Result<Vec<LeafRow>, StoreError> {
    let rows: Vec<LeafColumns> =
        sqlx::query_as("SELECT pos, note, line, hash FROM leaf WHERE pos >= ? AND pos < ? ORDER BY pos")
            .bind(pos(log, from))
            .bind(pos(log, upto))
            .fetch_all(db)
            .await?;
    rows.into_iter().map(leaf_row).collect()
}

/// Bytes of the notes of leaves from one index up to another.
///
/// # Errors
/// Database errors.
pub async fn bytes(db: &mut SqliteConnection, log: i64, from: u64, upto: u64) -> Result<u64, StoreError> {
    let bytes: i64 = sqlx::query_scalar("SELECT coalesce(sum(length(note)), 0) FROM leaf WHERE pos >= ? AND pos < ?")
        .bind(pos(log, from))
        .bind(pos(log, upto))
        .fetch_one(db)
        .await?;
    Ok(bytes as u64)
}

/// One leaf.
///
/// # Errors
/// Database errors.
pub async fn leaf(db: &mut SqliteConnection, pos: i64) -> Result<Option<LeafRow>, StoreError> {
    let row: Option<LeafColumns> =
        sqlx::query_as("SELECT pos, note, line, hash FROM leaf WHERE pos = ?").bind(pos).fetch_optional(db).await?;
    row.map(leaf_row).transpose()
}

/// Roots of the full bundles below an index, in order.
///
/// # Errors
/// Database errors.
pub async fn bundle_roots(db: &mut SqliteConnection, log: i64, upto: u64) -> Result<Vec<Hash>, StoreError> {
    let rows: Vec<Vec<u8>> = sqlx::query_scalar("SELECT root FROM bundle WHERE log = ? AND n < ? ORDER BY n")
        .bind(log)
        .bind(upto as i64)
        .fetch_all(db)
        .await?;
    rows.into_iter().map(|root| root.try_into().map_err(|_| corrupt("bundle.root"))).collect()
}

/// The tree's root at an earlier size that is held.
///
/// # Errors
/// Database errors.
pub async fn root_at(db: &mut SqliteConnection, log: i64, size: u64) -> Result<Hash, StoreError> {
    let mut edge = Frontier::default();
    for root in bundle_roots(db, log, size / WIDTH).await? {
        edge.push_subtree(8, root);
    }
    for leaf in leaves(db, log, size / WIDTH * WIDTH, size).await? {
        edge.push(leaf.hash());
    }
    Ok(edge.root())
}

/// Fills in a line that came later.
///
/// # Errors
/// Database errors.
pub async fn fill_line(db: &mut Write, pos: i64, line: &str) -> Result<(), StoreError> {
    sqlx::query("UPDATE leaf SET line = ? WHERE pos = ?").bind(line).bind(pos).execute(&mut **db).await.map(drop)
}

/// Removes lines: superseded or erased.
///
/// # Errors
/// Database errors.
pub async fn blank(db: &mut Write, positions: &[i64]) -> Result<(), StoreError> {
    for chunk in positions.chunks(CHUNK) {
        let mut update = QueryBuilder::<Sqlite>::new("UPDATE leaf SET line = NULL WHERE line IS NOT NULL AND pos IN ");
        super::in_list(&mut update, chunk.iter().copied());
        update.build().execute(&mut **db).await?;
    }
    Ok(())
}

/// Every public part erased by a hub: record to highest revision.
///
/// # Errors
/// Database errors.
pub async fn erasures(
    db: &mut SqliteConnection,
    hub: i64,
) -> Result<std::collections::BTreeMap<Uuid, u64>, StoreError> {
    super::erase::gone(db, hub, crate::record::part::PUBLIC).await
}

/// Takes back the end of a log: leaves from `size` on, what they say and what they said is erased are gone, and nothing of
/// the hub is seen until it is folded again. Words that the log's later leaves had erased or replaced here may come again.
///
/// # Errors
/// Database errors.
pub async fn truncate(db: &mut Write, log: &LogRow, size: u64) -> Result<(), StoreError> {
    let (from, upto) = (pos(log.n, size), pos(log.n + 1, 0));
    super::erase::cancel(db, log.owner, log.n, size).await?;
    for sql in ["DELETE FROM leaf WHERE pos >= ? AND pos < ?", "DELETE FROM void WHERE pos >= ? AND pos < ?"] {
        sqlx::query(sql).bind(from).bind(upto).execute(&mut **db).await?;
    }
    sqlx::query("DELETE FROM bundle WHERE log = ? AND n >= ?")
        .bind(log.n)
        .bind((size / WIDTH) as i64)
        .execute(&mut **db)
        .await?;
    let mut edge = Frontier::default();
    for root in bundle_roots(db, log.n, size / WIDTH).await? {
        edge.push_subtree(8, root);
    }
    for leaf in leaves(db, log.n, size / WIDTH * WIDTH, size).await? {
        edge.push(leaf.hash());
    }
    sqlx::query(
        "UPDATE log SET held = ?1, edge = ?2, head = min(head, ?1), checkpoint = NULL, tail_bytes = 0 WHERE n = ?3",
    )
    .bind(size as i64)
    .bind(edge.to_bytes())
    .bind(log.n)
    .execute(&mut **db)
    .await?;
    Ok(())
}

/// Sets how much of a log the registry sees.
///
/// # Errors
/// Database errors.
pub async fn set_head(db: &mut Write, log: i64, head: u64) -> Result<(), StoreError> {
    sqlx::query("UPDATE log SET head = ? WHERE n = ?").bind(head as i64).bind(log).execute(&mut **db).await.map(drop)
}

/// Remembers the newest verified checkpoint, and the length of the last part bundle read with it.
///
/// # Errors
/// Database errors.
pub async fn set_checkpoint(db: &mut Write, log: i64, note: &[u8], tail_bytes: u64) -> Result<(), StoreError> {
    sqlx::query("UPDATE log SET checkpoint = ?, tail_bytes = ? WHERE n = ?")
        .bind(note)
        .bind(tail_bytes as i64)
        .bind(log)
        .execute(&mut **db)
        .await
        .map(drop)
}

/// Remembers the checkpoint that is about to be published, unless another than `before` was published meanwhile: then
/// false, and nothing may be shown.
///
/// # Errors
/// Database errors.
pub async fn publish_checkpoint(
    db: &mut Write,
    log: i64,
    before: Option<&[u8]>,
    note: &[u8],
) -> Result<bool, StoreError> {
    let done = sqlx::query("UPDATE log SET checkpoint = ? WHERE n = ? AND checkpoint IS ?")
        .bind(note)
        .bind(log)
        .bind(before)
        .execute(&mut **db)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes held at these positions.
///
/// # Errors
/// Database errors.
pub async fn notes(db: &mut SqliteConnection, positions: &[i64]) -> Result<Vec<(i64, Vec<u8>)>, StoreError> {
    let mut found = Vec::with_capacity(positions.len());
    for chunk in positions.chunks(CHUNK) {
        let mut select = QueryBuilder::<Sqlite>::new("SELECT pos, note FROM leaf WHERE pos IN ");
        super::in_list(&mut select, chunk.iter().copied());
        found.extend(select.build_query_as::<(i64, Vec<u8>)>().fetch_all(&mut *db).await?);
    }
    Ok(found)
}

/// Lines held at these positions.
///
/// # Errors
/// Database errors.
pub async fn lines(db: &mut SqliteConnection, positions: &[i64]) -> Result<Vec<(i64, String)>, StoreError> {
    let mut found = Vec::with_capacity(positions.len());
    for chunk in positions.chunks(CHUNK) {
        let mut select = QueryBuilder::<Sqlite>::new("SELECT pos, line FROM leaf WHERE line IS NOT NULL AND pos IN ");
        super::in_list(&mut select, chunk.iter().copied());
        found.extend(select.build_query_as::<(i64, String)>().fetch_all(&mut *db).await?);
    }
    Ok(found)
}

/// Writes a leaf over whatever stands at its position.
///
/// # Errors
/// Database errors.
pub async fn replace(db: &mut Write, pos: i64, leaf: &NewLeaf) -> Result<(), StoreError> {
    let hash = leaf.note.is_empty().then(|| leaf.hash.to_vec());
    sqlx::query("INSERT OR REPLACE INTO leaf (pos, note, line, hash) VALUES (?, ?, ?, ?)")
        .bind(pos)
        .bind(&leaf.note[..])
        .bind(leaf.line.as_deref())
        .bind(hash)
        .execute(&mut **db)
        .await
        .map(drop)
}

/// Makes the stored roots of full bundles and the right edge again from the leaves.
///
/// # Errors
/// Database errors.
pub async fn set_tree(db: &mut Write, log: i64, held: u64, edge: &Frontier) -> Result<(), StoreError> {
    for n in 0..held / WIDTH {
        let hashes = leaves(db, log, n * WIDTH, (n + 1) * WIDTH).await?;
        sqlx::query("INSERT OR REPLACE INTO bundle (log, n, root) VALUES (?, ?, ?)")
            .bind(log)
            .bind(n as i64)
            .bind(&merkle::root(hashes.iter().map(LeafRow::hash))[..])
            .execute(&mut **db)
            .await?;
    }
    sqlx::query("UPDATE log SET edge = ? WHERE n = ?")
        .bind(edge.to_bytes())
        .bind(log)
        .execute(&mut **db)
        .await
        .map(drop)
}
