//! What only this hub held and let go: people, role contacts, consents that ended early, hubs that may no longer read contacts,
//! protected groups of which nothing was ever signed.
//!
//! A backup made before knows nothing of it, and no partner's log tells it. So each is written to the journal beside the backups,
//! by numbers and days: what the entry said is in no line of it.

use super::{StoreError, Write, protected};
use jiff::civil::Date;
use sqlx::SqliteConnection;
use std::collections::BTreeSet;

/// How a line of the journal that speaks of such a thing begins.
const HERE: &str = "here";

/// One entry of this hub: its table, its number (of a reader, the hub's id), and what tells it from another that was given the
/// same number after a restore.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    kind: &'static Kind,
    which: String,
    mark: String,
}

/// An entry that is no longer there, or no longer in force.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gone {
    entry: Entry,
    /// The day from which it is gone.
    day: Date,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    label: &'static str,
    /// All that stand, as number and mark.
    all: &'static str,
    /// Lets one go, by number (`?1`), mark (`?2`) and day (`?3`; nothing goes before it was there, in any time zone).
    go: &'static [&'static str],
}

static KINDS: [Kind; 5] = [
    Kind {
        label: "person",
        all: "SELECT CAST(n AS TEXT), CAST(made AS TEXT) FROM person",
        go: &[
            "DELETE FROM person_log WHERE person IN (SELECT n FROM person WHERE n = ?1 AND made = CAST(?2 AS INTEGER) \
             AND date(made, 'unixepoch', '-1 day') <= ?3)",
            "DELETE FROM person WHERE n = ?1 AND made = CAST(?2 AS INTEGER) AND date(made, 'unixepoch', '-1 day') <= ?3",
        ],
    },
    Kind {
        label: "contact",
        all: "SELECT CAST(n AS TEXT), CAST(made AS TEXT) FROM contact",
        go: &[
            // What was signed of it lies beside it.
            "DELETE FROM contact_line WHERE pos IN (SELECT pos FROM contact_holds JOIN contact ON contact.n = contact_holds.contact \
             WHERE contact.n = ?1 AND made = CAST(?2 AS INTEGER) AND date(made, 'unixepoch', '-1 day') <= ?3)",
            "DELETE FROM contact WHERE n = ?1 AND made = CAST(?2 AS INTEGER) AND date(made, 'unixepoch', '-1 day') <= ?3",
        ],
    },
    Kind {
        label: "consent",
        all: "SELECT CAST(n AS TEXT), given FROM consent WHERE withdrawn IS NULL",
        go: &["UPDATE consent SET withdrawn = min(coalesce(withdrawn, ?3), ?3) WHERE n = ?1 AND given = ?2"],
    },
    Kind {
        label: "reader",
        all: "SELECT hub, CAST(since AS TEXT) FROM contact_reader",
        go: &[
            "DELETE FROM contact_reader WHERE hub = ?1 AND since = CAST(?2 AS INTEGER) AND date(since, 'unixepoch', '-1 day') <= ?3",
        ],
    },
    Kind { label: "place", all: protected::STANDING, go: &protected::LET_GO },
];

impl Gone {
    /// The entry, gone from a day on.
    pub fn since(entry: Entry, day: Date) -> Gone {
        Gone { entry, day }
    }

    /// Its line in the journal.
    pub fn line(&self) -> String {
        let Entry { kind, which, mark } = &self.entry;
        format!("{HERE} {} {which} {mark} {}\n", kind.label, self.day)
    }

    /// Whether words about somebody went with it: files must be gone through.
    pub fn held_words(&self) -> bool {
        matches!(self.entry.kind.label, "person" | "contact" | "place")
    }

    /// From a line of the journal; any other line is none.
    pub fn read(line: &str) -> Option<Gone> {
        let [HERE, label, which, mark, day] = line.split(' ').collect::<Vec<_>>()[..] else { return None };
        let kind = KINDS.iter().find(|kind| kind.label == label)?;
        let entry = Entry { kind, which: which.to_owned(), mark: mark.to_owned() };
        Some(Gone { entry, day: day.parse().ok()? })
    }
}

/// Everything of these kinds that stands.
///
/// # Errors
/// Database errors.
pub async fn standing(db: &mut SqliteConnection) -> Result<BTreeSet<Entry>, StoreError> {
    let mut all = BTreeSet::new();
    for kind in &KINDS {
        let rows: Vec<(String, String)> = sqlx::query_as(kind.all).fetch_all(&mut *db).await?;
        all.extend(rows.into_iter().map(|(which, mark)| Entry { kind, which, mark }));
    }
    Ok(all)
}

/// Lets go again, in a database that may not know it. Returns how many entries changed.
///
/// # Errors
/// Database errors.
pub async fn again(db: &mut Write, gone: &[Gone]) -> Result<u64, StoreError> {
    let before = standing(db).await?;
    for Gone { entry, day } in gone.iter().filter(|gone| before.contains(&gone.entry)) {
        for sql in entry.kind.go {
            let let_go = sqlx::query(*sql).bind(&entry.which).bind(&entry.mark).bind(day.to_string());
            let_go.execute(&mut **db).await?;
        }
    }
    Ok((before.len() - standing(db).await?.len()) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_they_are_written() {
        for (nth, kind) in KINDS.iter().enumerate() {
            let entry = Entry { kind, which: format!("{nth}"), mark: "1795338000".into() };
            let gone = Gone::since(entry, "2026-11-22".parse().unwrap());
            assert_eq!(Gone::read(gone.line().trim_end()), Some(gone));
        }
        for none in ["", "here person 1", "here poem 1 2 2026-11-22", "here person 1 2 tomorrow", "h-x 1 * 1 issued 1"]
        {
            assert_eq!(Gone::read(none), None, "{none}");
        }
    }
}
