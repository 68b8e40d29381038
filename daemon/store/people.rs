//! Where this hub keeps words that may be about a person, and how they go. A table of people, consents or notes adds a line to
//! `HOLDINGS`; finding and erasing a person then includes it.

use super::{StoreError, Write};
use sqlx::SqliteConnection;

/// One place where words about people may stand.
struct Holding {
    /// What it is, in words.
    what: &'static str,
    /// How many places hold the text `?1` (lower case).
    find: &'static str,
    /// Takes it out of them; `None` where a person must decide what the words become instead.
    erase: &'static [&'static str],
}

const HOLDINGS: &[Holding] = &[
    Holding {
        what: "people that only this hub knows",
        find: "SELECT count(*) FROM person WHERE instr(lower(concat_ws(' ', name, email, phone, address, needs, notes)), ?1) > 0",
        erase: &[
            "DELETE FROM person_log WHERE person IN (SELECT n FROM person WHERE \
             instr(lower(concat_ws(' ', name, email, phone, address, needs, notes)), ?1) > 0)",
            "DELETE FROM person WHERE instr(lower(concat_ws(' ', name, email, phone, address, needs, notes)), ?1) > 0",
        ],
    },
    Holding {
        what: "role contacts, and what was signed of them",
        find: "SELECT count(*) FROM contact WHERE instr(lower(concat_ws(' ', email, phone, url, hours, notes)), ?1) > 0",
        erase: &["DELETE FROM contact WHERE instr(lower(concat_ws(' ', email, phone, url, hours, notes)), ?1) > 0"],
    },
    Holding {
        what: "records held for somebody to look at their words",
        find: "SELECT count(*) FROM held WHERE instr(lower(public), ?1) > 0",
        erase: &["DELETE FROM held WHERE instr(lower(public), ?1) > 0"],
    },
    Holding {
        what: "earlier versions of entries, hidden for a week",
        find: "SELECT count(*) FROM hidden WHERE instr(lower(line), ?1) > 0",
        erase: &["DELETE FROM hidden WHERE instr(lower(line), ?1) > 0"],
    },
    Holding {
        what: "what imports keep for undoing",
        find: "SELECT count(*) FROM import_change WHERE instr(lower(before), ?1) > 0",
        erase: &["UPDATE import_change SET before = NULL WHERE instr(lower(before), ?1) > 0"],
    },
    Holding {
        what: "names of imported files",
        find: "SELECT count(*) FROM import_batch WHERE instr(lower(source), ?1) > 0",
        erase: &["UPDATE import_batch SET source = '(removed)' WHERE instr(lower(source), ?1) > 0"],
    },
    Holding {
        what: "remembered columns of imported files",
        find: "SELECT count(*) FROM mapping WHERE instr(lower(text), ?1) + instr(lower(name), ?1) > 0",
        erase: &["DELETE FROM mapping WHERE instr(lower(text), ?1) + instr(lower(name), ?1) > 0"],
    },
];

/// Where a text stands among what only this hub holds: the place in words, how often.
///
/// # Errors
/// Database errors.
pub async fn find(db: &mut SqliteConnection, text: &str) -> Result<Vec<(&'static str, u64)>, StoreError> {
    let superseded = superseded(db, text).await?.len() as u64;
    let mut found = Vec::new();
    found.extend(
        (superseded > 0)
            .then_some(("earlier versions of entries, in the published list until their bundle is full", superseded)),
    );
    for holding in HOLDINGS {
        let n: i64 = sqlx::query_scalar(holding.find).bind(text.to_lowercase()).fetch_one(&mut *db).await?;
        found.extend((n > 0).then_some((holding.what, n as u64)));
    }
    Ok(found)
}

/// Takes a text out of everything that only this hub holds.
///
/// # Errors
/// Database errors.
pub async fn erase(db: &mut Write, text: &str) -> Result<(), StoreError> {
    let superseded = superseded(db, text).await?;
    super::log::blank(db, &superseded).await?;
    super::registry::part_due(db, &superseded).await?;
    for sql in HOLDINGS.iter().flat_map(|holding| holding.erase) {
        sqlx::query(*sql).bind(text.to_lowercase()).execute(&mut **db).await?;
    }
    super::erase::mark_scrub(db).await
}

/// Positions of lines with a text that entries say now: what these say is for a person to change, not for this to blank.
///
/// # Errors
/// Database errors.
pub async fn said(db: &mut SqliteConnection, text: &str) -> Result<Vec<i64>, StoreError> {
    sqlx::query_scalar(
        "SELECT pos FROM leaf WHERE line IS NOT NULL AND instr(lower(line), ?) > 0 \
         AND (pos IN (SELECT put FROM record WHERE NOT withdrawn) OR pos IN (SELECT pos FROM decision))",
    )
    .bind(text.to_lowercase())
    .fetch_all(db)
    .await
}

/// Takes a text out of a copy of the database that has no derived tables (a backup): out of all but the lines that entries say
/// now, by what the database itself knows.
///
/// # Errors
/// Database errors.
pub async fn erase_in_copy(db: &mut Write, text: &str, said: &[i64]) -> Result<(), StoreError> {
    let found: Vec<i64> =
        sqlx::query_scalar("SELECT pos FROM leaf WHERE line IS NOT NULL AND instr(lower(line), ?) > 0")
            .bind(text.to_lowercase())
            .fetch_all(&mut **db)
            .await?;
    let gone: Vec<i64> = found.into_iter().filter(|pos| !said.contains(pos)).collect();
    super::log::blank(db, &gone).await?;
    for sql in HOLDINGS.iter().flat_map(|holding| holding.erase) {
        sqlx::query(*sql).bind(text.to_lowercase()).execute(&mut **db).await?;
    }
    Ok(())
}

/// Lines with a text that no entry says any more, and that are in sight all the same.
async fn superseded(db: &mut SqliteConnection, text: &str) -> Result<Vec<i64>, StoreError> {
    sqlx::query_scalar(
        "SELECT pos FROM leaf WHERE line IS NOT NULL AND instr(lower(line), ?) > 0 \
         AND pos NOT IN (SELECT put FROM record WHERE put IS NOT NULL AND NOT withdrawn) AND pos NOT IN (SELECT pos FROM decision)",
    )
    .bind(text.to_lowercase())
    .fetch_all(db)
    .await
}

/// Records in whose words a text stands: (hub, record).
///
/// # Errors
/// Database errors.
pub async fn records(db: &mut SqliteConnection, text: &str) -> Result<Vec<(i64, uuid::Uuid)>, StoreError> {
    let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(
        "SELECT hub, rec FROM record JOIN leaf ON leaf.pos = record.put WHERE instr(lower(line), ?) > 0 ORDER BY hub, rec",
    )
    .bind(text.to_lowercase())
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|(hub, rec)| Ok((hub, uuid::Uuid::from_slice(&rec).map_err(|_| super::corrupt("record.rec"))?)))
        .collect()
}
