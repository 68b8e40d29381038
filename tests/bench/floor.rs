//! The least that a pull must do: the same signatures through `verify_strict` on all cores, overlapped with the same rows
//! and full text through prepared statements in one transaction. No HTTP, no JSON, no tree, no linking.

use mutuald::feed::VerifyKey;
use mutuald::feed::note::Note;
use rusqlite::{Connection, types::Value};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

const TABLES: [(&str, &str); 7] = [
    ("leaf", "pos, note, line, hash"),
    ("bundle", "log, n, root"),
    ("record", "first, hub, rec, kind, put, put_rev, rev, withdrawn, said, assured, affirmed, state, keys, grp"),
    ("link_key", "key, record"),
    ("grp", "n, hub, rec, digest, name, place, status, checked, members, hubs, conflicts"),
    ("decision", "hub, rec, pos, said, body, a, b"),
    ("search", "rowid, name, words, topics, place, facets"),
];

/// Seconds that the floor takes for what a pulled database holds.
pub fn measure(pulled: &Path, scratch: &Path) -> f64 {
    let from = Connection::open(pulled.join("mutuald.db")).unwrap();
    let key: String = from.query_row("SELECT vkey FROM log WHERE n = 2", [], |row| row.get(0)).unwrap();
    let key = VerifyKey::parse(&key).unwrap();
    let tables: Vec<(String, Vec<Vec<Value>>)> =
        TABLES.iter().map(|(name, columns)| rows(&from, name, columns)).collect();
    let notes: Vec<Vec<u8>> = tables[0]
        .1
        .iter()
        .filter(|row| matches!(row[0], Value::Integer(pos) if pos >> 40 == 2))
        .map(|row| match &row[1] {
            Value::Blob(note) => note.clone(),
            _ => Vec::new(),
        })
        .collect();
    let file = scratch.join("floor.db");
    let _ = std::fs::remove_file(&file);
    let mut into = Connection::open(&file).unwrap();
    into.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA cache_size = -16384; \
         PRAGMA temp_store = MEMORY;",
    )
    .unwrap();
    into.execute_batch(include_str!("../../schema/migrations/0001_first.sql")).unwrap();

    let next = AtomicUsize::new(0);
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                loop {
                    let from = next.fetch_add(256, Ordering::Relaxed);
                    let Some(chunk) = notes.get(from..notes.len().min(from + 256)).filter(|chunk| !chunk.is_empty())
                    else {
                        return;
                    };
                    for note in chunk {
                        assert!(Note::parse(note).unwrap().verify(&key).is_ok());
                    }
                }
            });
        }
        let transaction = into.transaction().unwrap();
        for ((_, rows), (name, columns)) in tables.iter().zip(TABLES) {
            let marks = vec!["?"; columns.split(',').count()].join(", ");
            let sql = format!("INSERT INTO {name} ({columns}) VALUES ({marks})");
            let mut insert = transaction.prepare(&sql).unwrap();
            for row in rows {
                insert.execute(rusqlite::params_from_iter(row)).unwrap();
            }
        }
        transaction.commit().unwrap();
    });
    started.elapsed().as_secs_f64()
}

fn rows(from: &Connection, name: &str, columns: &str) -> (String, Vec<Vec<Value>>) {
    let count = columns.split(',').count();
    let mut select = from.prepare(&format!("SELECT {columns} FROM {name} ORDER BY 1")).unwrap();
    let rows = select
        .query_map([], |row| (0..count).map(|n| row.get::<_, Value>(n)).collect::<Result<Vec<_>, _>>())
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    (name.to_owned(), rows)
}
