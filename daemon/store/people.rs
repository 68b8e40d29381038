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
    /// Takes it out of them; nothing where a person must decide what the words become instead.
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
    Holding {
        what: "who wanted a safety level lowered, or agreed to it",
        find: "SELECT (SELECT count(*) FROM safety_proposal WHERE instr(lower(person), ?1) > 0) + \
               (SELECT count(*) FROM safety_change WHERE instr(lower(concat_ws(' ', person, confirmed)), ?1) > 0)",
        erase: &[
            "DELETE FROM safety_proposal WHERE instr(lower(person), ?1) > 0",
            "UPDATE safety_change SET person = '(removed)' WHERE instr(lower(person), ?1) > 0",
            "UPDATE safety_change SET confirmed = '(removed)' WHERE instr(lower(confirmed), ?1) > 0",
        ],
    },
    Holding {
        what: "role contacts that partner hubs gave: `mutuald erase GROUP --class contact` takes them out here, and asks their hub",
        find: "SELECT count(*) FROM contact_line JOIN contact_slot ON contact_slot.pos = contact_line.pos \
               WHERE contact_slot.hub <> 1 AND instr(lower(line), ?1) > 0",
        erase: &[],
    },
    Holding {
        what: "what studies drew and noted, which is kept as it was drawn: `mutuald frame study show`",
        find: "SELECT (SELECT count(*) FROM study_unit WHERE instr(lower(body), ?1) > 0) + \
               (SELECT count(*) FROM study_entry WHERE instr(lower(body), ?1) > 0)",
        erase: &[],
    },
];

/// A text in every spelling in which SQL, which knows capitals of the first 128 letters alone, could meet it: as typed and with
/// its other letters large and small, composed and decomposed, and as JSON writes it. Of a plain text there is one.
pub(super) fn spellings(text: &str) -> Vec<String> {
    use unicode_normalization::UnicodeNormalization;
    /// So many letters are tried both ways: 64 spellings.
    const BOTH: u32 = 6;
    let mut found = std::collections::BTreeSet::new();
    for form in [text.nfc().collect::<String>(), text.nfd().collect()] {
        let other: Vec<char> = form.chars().filter(|c| !c.is_ascii() && c.is_alphabetic()).collect();
        let both = (other.len() as u32).min(BOTH);
        for choice in 0..1u32 << both {
            let mut nth = 0;
            let spelt: String = form
                .chars()
                .flat_map(|c| {
                    if c.is_ascii() || !c.is_alphabetic() {
                        return vec![c];
                    }
                    nth += 1;
                    match nth <= both && choice >> (nth - 1) & 1 == 1 {
                        true => c.to_uppercase().collect(),
                        false => c.to_lowercase().collect(),
                    }
                })
                .collect();
            let spelt = spelt.to_ascii_lowercase();
            let json = serde_json::Value::from(spelt.as_str()).to_string();
            found.insert(json[1..json.len() - 1].to_owned());
            found.insert(spelt);
        }
    }
    found.into_iter().collect()
}

/// A place among what only this hub holds in which a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stands {
    /// The place, in words.
    pub what: &'static str,
    /// How often.
    pub times: u64,
    /// Whether [`erase`] takes it out; else a person must decide what becomes of it.
    pub goes: bool,
}

/// Where a text stands among what only this hub holds.
///
/// # Errors
/// Database errors.
pub async fn find(db: &mut SqliteConnection, text: &str) -> Result<Vec<Stands>, StoreError> {
    let mut found = vec![Stands {
        what: "earlier versions of entries, in the published list until their bundle is full",
        times: superseded(db, text).await?.len() as u64,
        goes: true,
    }];
    for holding in HOLDINGS {
        let mut times = 0;
        for spelt in spellings(text) {
            let n: i64 = sqlx::query_scalar(holding.find).bind(spelt).fetch_one(&mut *db).await?;
            times += n as u64;
        }
        found.push(Stands { what: holding.what, times, goes: !holding.erase.is_empty() });
    }
    found.push(Stands {
        what: "protected places: `mutuald group show NAME --protected` shows them, and `mutuald erase NAME` erases a group",
        times: super::protected::holding(db, &spellings(text)).await?,
        goes: false,
    });
    found.retain(|stands| stands.times > 0);
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
    take_out(db, text).await?;
    super::erase::mark_scrub(db).await
}

/// Positions of lines with a text that entries say now: what these say is for a person to change, not for this to blank.
///
/// # Errors
/// Database errors.
pub async fn said(db: &mut SqliteConnection, text: &str) -> Result<Vec<i64>, StoreError> {
    let sql = "SELECT pos FROM leaf WHERE line IS NOT NULL AND instr(lower(line), ?) > 0 \
               AND (pos IN (SELECT put FROM record WHERE NOT withdrawn) OR pos IN (SELECT pos FROM decision))";
    positions(db, sql, text).await
}

/// Takes a text out of a copy of the database that has no derived tables (a backup): out of all but the lines that entries say
/// now, by what the database itself knows.
///
/// # Errors
/// Database errors.
pub async fn erase_in_copy(db: &mut Write, text: &str, said: &[i64]) -> Result<(), StoreError> {
    let found =
        positions(db, "SELECT pos FROM leaf WHERE line IS NOT NULL AND instr(lower(line), ?) > 0", text).await?;
    let gone: Vec<i64> = found.into_iter().filter(|pos| !said.contains(pos)).collect();
    super::log::blank(db, &gone).await?;
    take_out(db, text).await
}

async fn take_out(db: &mut Write, text: &str) -> Result<(), StoreError> {
    for spelt in spellings(text) {
        for sql in HOLDINGS.iter().flat_map(|holding| holding.erase) {
            sqlx::query(*sql).bind(&spelt).execute(&mut **db).await?;
        }
    }
    Ok(())
}

/// Positions of lines that a query finds a text in, in any spelling.
async fn positions(db: &mut SqliteConnection, sql: &'static str, text: &str) -> Result<Vec<i64>, StoreError> {
    let mut found = std::collections::BTreeSet::new();
    for spelt in spellings(text) {
        found.extend(sqlx::query_scalar::<_, i64>(sql).bind(spelt).fetch_all(&mut *db).await?);
    }
    Ok(found.into_iter().collect())
}

/// Lines with a text that no entry says any more, and that are in sight all the same.
async fn superseded(db: &mut SqliteConnection, text: &str) -> Result<Vec<i64>, StoreError> {
    let sql = "SELECT pos FROM leaf WHERE line IS NOT NULL AND instr(lower(line), ?) > 0 \
               AND pos NOT IN (SELECT put FROM record WHERE put IS NOT NULL AND NOT withdrawn) AND pos NOT IN (SELECT pos FROM decision)";
    positions(db, sql, text).await
}

/// Records in whose words a text stands: (hub, record).
///
/// # Errors
/// Database errors.
pub async fn records(db: &mut SqliteConnection, text: &str) -> Result<Vec<(i64, uuid::Uuid)>, StoreError> {
    let mut found = std::collections::BTreeSet::new();
    for spelt in spellings(text) {
        let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(
            "SELECT hub, rec FROM record JOIN leaf ON leaf.pos = record.put WHERE instr(lower(line), ?) > 0",
        )
        .bind(spelt)
        .fetch_all(&mut *db)
        .await?;
        for (hub, rec) in rows {
            found.insert((hub, uuid::Uuid::from_slice(&rec).map_err(|_| super::corrupt("record.rec"))?));
        }
    }
    Ok(found.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_looked_for_as_it_may_be_written() {
        assert_eq!(spellings("Mrs Hill 07700"), ["mrs hill 07700"]);
        let all = spellings("émile");
        for written in ["émile", "Émile", "ÉMILE", "e\u{301}mile", "E\u{301}MILE"] {
            assert!(all.contains(&written.to_ascii_lowercase()), "{written}: {all:?}");
        }
        assert!(spellings("Pat \"Paddy\" Hill").contains(&"pat \\\"paddy\\\" hill".to_owned()));
        assert!(spellings(&"é".repeat(40)).len() <= 130, "bounded");
    }
}
