//! What an import would do. Pure: the plan is shown as a preview, and the same plan is carried out.
//!
//! A row is one of our records when it carries the record's id; else when its own reference is the record's; else when
//! name and place are exactly equal but for capitals and punctuation (`matching` has the whole). Everything else is a new
//! record: which records of different lists are one group is for linking to find, never for importing. A record without a
//! row stays as it is, unless a person says what becomes of it.

mod make;

pub use make::{goes_on, missed, plan, plan_under};

use super::fault::{RowError, Warning};
use super::row::Skip;
use crate::record::group::Group;
use crate::record::safety::Level;
use crate::record::scan::Found;
use jiff::civil::Date;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// A record that the hub holds itself, as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Existing {
    /// Its id.
    pub rec: Uuid,
    /// Its revision, which the plan is made against.
    pub rev: u64,
    /// What it says.
    pub group: Group,
}

/// What a file is to its list, named by the effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Add what is new; leave what is known as it is
    Add,
    /// Add what is new, and update what is known
    #[default]
    Update,
    /// The file is the whole list: add and update, and ask about what is missing from it
    Whole,
}

/// What becomes of records that are missing from a file that is the whole list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// They stay, and are asked about.
    #[default]
    Ask,
    /// They stay; nobody asks.
    Keep,
    /// They are said to have closed; this day, on which they were missed, is the reason given. Since when nobody knows.
    Close(Date),
    /// This hub no longer states them.
    Withdraw,
}

/// Under which terms a file is taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    /// What the file is to its list.
    pub mode: Mode,
    /// What becomes of what is missing.
    pub missing: Missing,
    /// References of rows that the source itself says are gone; then it speaks of changes only, and nothing else is missing.
    pub gone: Option<BTreeSet<String>>,
    /// By what groups are known that this hub has taken back: see [`super::keys`]. They do not come back by themselves.
    pub taken_back: BTreeMap<[u8; 16], Uuid>,
    /// Records whose newest words a person gave them, and no import.
    pub edited: BTreeSet<Uuid>,
    /// Nobody looks at the plan before it is carried out.
    pub unattended: bool,
    /// New rows about whose safety there is a question wait until it is answered.
    pub ask: bool,
    /// Lines of rows whose words a person has looked at: they do not give away what is withheld.
    pub words_ok: BTreeSet<u32>,
}

/// Why a plan is not carried out before a person has looked: something went wrong at the source more often than not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum Hold {
    /// A tenth of the list, or more, is missing or closes at once.
    #[error("{lost} of the list's {of} records would be missing or closed after it")]
    Shrinks {
        /// How many.
        lost: usize,
        /// Out of so many.
        of: usize,
    },
    /// So many known rows get another name that the columns may have changed places.
    #[error("{renamed} of the list's {of} records would change their name; have the columns changed places?")]
    Renames {
        /// How many.
        renamed: usize,
        /// Out of so many.
        of: usize,
    },
}

/// What an import would do, row by row. Every row that was read is in exactly one of the kinds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ImportPlan {
    /// The list that the rows belong to.
    pub list: Uuid,
    /// How many rows follow the header.
    pub rows_read: usize,
    /// Rows that become new records.
    pub new: Vec<New>,
    /// Rows that change a record.
    pub changed: Vec<Changed>,
    /// Rows that say what their record says.
    pub unchanged: Vec<Unchanged>,
    /// Rows of known records that are left as they are, because only new ones are added.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_alone: Vec<Unchanged>,
    /// Rows that would change what a person of this hub has corrected: kept as corrected, because nobody looks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<Kept>,
    /// Rows of groups that this hub has taken back or erased: not added again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub taken_back: Vec<Unchanged>,
    /// Rows that cannot be taken over.
    pub refused: Vec<Refused>,
    /// Rows that wait for a person, because of how far their place may be known.
    pub held_back: Vec<HeldBack>,
    /// Rows whose words seem to tell of a person: held until somebody has looked at them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub to_look_at: Vec<ToLookAt>,
    /// Rows whose place is protected. Those of which something is signed are among the other kinds too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub protected: Vec<Guarded>,
    /// Rows that are not meant for the registry.
    pub skipped: Vec<Skipped>,
    /// Records of the list that no row speaks of. They stay as they are, but for those in `ending`.
    pub not_in_file: Vec<Uuid>,
    /// What the file is to the list.
    pub mode: Mode,
    /// Those of them that are asked about, because the file is the whole list or its source says that they are gone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<Asked>,
    /// Records that end because a person said so of all that are missing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ending: Vec<Ending>,
    /// Rows known by what they say, under another reference than before. They are among the changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rekeyed: Vec<Rekeyed>,
    /// Why a person must look first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<Hold>,
    /// Headings that feed nothing.
    pub not_imported: Vec<String>,
    /// How the file was read, in words, where that was not plain.
    pub notes: Vec<String>,
    /// Not one of the file's references is one that the list knows, of [`MANY`] and more on both sides: the source seems to
    /// mint them anew for every edition, and carrying the plan out would hold every group twice.
    pub references_minted_anew: bool,
}

/// How many references there must be before it means something that none agrees.
pub const MANY: usize = 20;

/// A row that becomes a new record.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct New {
    /// The row.
    pub line: u32,
    /// What the record will say.
    pub group: Group,
    /// What is worth a look.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}

/// A row that changes a record.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Changed {
    /// The row.
    pub line: u32,
    /// The record.
    pub rec: Uuid,
    /// The revision that is changed. When the record has another by now, the plan is out of date.
    pub rev: u64,
    /// What the record will say: all of it, with what the file does not speak of.
    pub group: Group,
    /// The differences.
    pub fields: Vec<FieldChange>,
    /// Whether a person of this hub has corrected the record since it was last imported.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub edited: bool,
    /// What is worth a look.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}

/// A row that would undo a person's correction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// The row.
    pub line: u32,
    /// The record.
    pub rec: Uuid,
    /// What the group calls itself.
    pub name: String,
    /// What stands, and what the row says.
    pub fields: Vec<FieldChange>,
}

/// A row whose words seem to tell of a person.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ToLookAt {
    /// The row.
    pub line: u32,
    /// The record and the revision that would change; none of a new one.
    pub rec: Option<(Uuid, u64)>,
    /// What the record would say.
    pub group: Group,
    /// What was found.
    pub found: Vec<Found>,
    /// What is settled about it already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled: Option<Settled>,
}

/// What is settled about words that seem to tell of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Settled {
    /// A person has decided that they are not to be signed.
    Dropped,
    /// They wait for a person already.
    Waiting,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldChange {
    /// Our heading for the field.
    pub column: String,
    /// What the record says now; empty when nothing.
    pub before: String,
    /// What it will say; empty when the row clears it.
    pub after: String,
}

/// A row that says what its record says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unchanged {
    /// The row.
    pub line: u32,
    /// The record.
    pub rec: Uuid,
}

/// A record that is missing from a file that is the whole list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Asked {
    /// The record.
    pub rec: Uuid,
    /// What the group calls itself.
    pub name: String,
}

/// A record that ends.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ending {
    /// The record.
    pub rec: Uuid,
    /// The revision that is ended.
    pub rev: u64,
    /// What the group calls itself.
    pub name: String,
    /// What the record will say; `None` when the hub no longer states it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
}

/// A row known by what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rekeyed {
    /// The row.
    pub line: u32,
    /// The record.
    pub rec: Uuid,
    /// What the group calls itself.
    pub name: String,
    /// The reference it had.
    pub before: String,
    /// The reference it has now.
    pub after: String,
}

/// A row that cannot be taken over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// The row.
    pub line: u32,
    /// Everything that is wrong with it.
    pub errors: Vec<RowError>,
}

/// What becomes of what is withheld of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Keeps {
    /// It is kept for the first time.
    New,
    /// It was public until now: what was signed of it is erased.
    Raised,
    /// It is kept anew.
    Again,
    /// It is kept already.
    Same,
}

/// A row whose place is protected. Nothing of what is withheld is here: plans are printed and saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Guarded {
    /// The row.
    pub line: u32,
    /// How far its place may be known.
    pub level: Level,
    /// The record, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rec: Option<Uuid>,
    /// What becomes of what is withheld.
    pub keeps: Keeps,
}

/// Why a row waits for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Waits {
    /// Its words suggest a question that nobody has answered.
    Question,
    /// It says a less protective level than its record has.
    Lowers,
    /// Its words hold something of what is withheld.
    Words,
    /// It has the name of a record that this hub keeps to itself.
    Namesake,
}

/// A row that waits for a person. Nothing else of it is kept here: plans are printed and saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldBack {
    /// The row.
    pub line: u32,
    /// How far the place may be known; vocabulary `safety-levels`.
    pub level: String,
    /// The record that the row speaks of, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rec: Option<Uuid>,
    /// Why.
    pub why: Waits,
    /// Which fields, where words are the reason; never which words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<&'static str>,
}

/// A row that is not meant for the registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// The row.
    pub line: u32,
    /// Why.
    pub reason: Skip,
}

impl ImportPlan {
    /// Whether every row that was read is accounted for. Always true; here so that whoever prints or keeps a plan can ask.
    pub fn reconciles(&self) -> bool {
        let kinds = [
            self.new.len(),
            self.changed.len(),
            self.unchanged.len(),
            self.left_alone.len(),
            self.kept.len(),
            self.taken_back.len(),
            self.refused.len(),
            self.held_back.len(),
            self.to_look_at.len(),
            self.protected.iter().filter(|row| !row.level.signed()).count(),
            self.skipped.len(),
        ];
        kinds.iter().sum::<usize>() == self.rows_read
    }

    /// Whether carrying the plan out would change anything.
    pub fn changes_nothing(&self) -> bool {
        let kept = self.protected.iter().all(|row| row.keeps == Keeps::Same);
        self.new.is_empty()
            && self.changed.is_empty()
            && self.ending.is_empty()
            && kept
            && self.to_look_at.iter().all(|row| row.settled.is_some())
    }

    /// A short name for exactly this plan: twelve hexadecimal digits of a digest of all of it. What was shown under it is what
    /// is carried out under it. The list's id is left out: while the list does not exist, every plan draws another.
    pub fn digest(&self) -> String {
        let json =
            serde_json::to_string(self).expect("a plan holds texts, numbers and lists under keys that are texts");
        hex::encode(&Sha256::digest(json.replace(&self.list.to_string(), ""))[..6])
    }
}
