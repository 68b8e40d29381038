//! What an import would do. Pure: the plan is shown as a preview, and the same plan is carried out.
//!
//! A row is one of our records when it carries the record's id; else when its own reference is the record's; else when
//! name and place are exactly equal but for capitals and punctuation (`matching` has the whole). Everything else is a new
//! record: which records of different lists are one group is for linking to find, never for importing. A record without a
//! row stays as it is, unless a person says what becomes of it.

use super::fault::{Cell, Fault, RECORD_BYTES, RowError, Warning};
use super::field::{Field, Words, carry};
use super::matching::Matching;
use super::row::{GroupRow, Reading, Skip, What, hush};
use super::table::letter;
use crate::record::group::{CLOSED, Group, Status};
use crate::record::safety::{self, Level};
use crate::record::scan::Found;
use crate::store::protected;
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
    /// is carried out under it.
    pub fn digest(&self) -> String {
        let json = serde_json::to_vec(self).expect("a plan holds texts, numbers and lists under keys that are texts");
        Sha256::digest(json).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Makes the plan: what the rows would do to `list`, given the records the hub itself holds (in any list, in any order).
pub fn plan(reading: &Reading, existing: &[Existing], list: Uuid, words: &Words) -> ImportPlan {
    plan_under(&Terms::default(), reading, existing, list, words)
}

/// [`plan`], under terms.
pub fn plan_under(terms: &Terms, reading: &Reading, existing: &[Existing], list: Uuid, words: &Words) -> ImportPlan {
    let matches = Matching::new(reading, existing, list).run();
    let gone = |at: &usize| match &terms.gone {
        None => true,
        Some(gone) => existing[*at].group.source_id.as_ref().is_some_and(|source| gone.contains(source)),
    };
    let left: Vec<usize> = matches.left.iter().copied().filter(gone).collect();
    let mut plan = ImportPlan {
        list,
        rows_read: reading.rows.len(),
        new: Vec::new(),
        changed: Vec::new(),
        unchanged: Vec::new(),
        left_alone: Vec::new(),
        kept: Vec::new(),
        taken_back: Vec::new(),
        refused: Vec::new(),
        held_back: Vec::new(),
        to_look_at: Vec::new(),
        protected: Vec::new(),
        skipped: Vec::new(),
        not_in_file: left.iter().map(|at| existing[*at].rec).collect::<BTreeSet<_>>().into_iter().collect(),
        mode: terms.mode,
        asked: Vec::new(),
        ending: Vec::new(),
        rekeyed: Vec::new(),
        held: None,
        not_imported: reading.not_imported.clone(),
        notes: reading.notes.iter().map(ToString::to_string).collect(),
        references_minted_anew: matches.minted_anew,
    };
    for (at, (row, found)) in reading.rows.iter().zip(matches.found).enumerate() {
        let line = row.line;
        match (&row.what, found) {
            (What::Skipped(reason), _) => plan.skipped.push(Skipped { line, reason: *reason }),
            (What::Sealed(_, level), found) => {
                let known = found.ok().flatten().map(|at| &existing[at]);
                let keeps = if known.is_some() { Keeps::Raised } else { Keeps::New };
                plan.protected.push(Guarded { line, level: *level, rec: known.map(|known| known.rec), keeps });
            }
            (What::Group(row), Ok(None)) if (terms.unattended || terms.ask) && row.warnings.iter().any(asks_safety) => {
                // What is signed cannot be called back.
                let level = "not asked yet".to_owned();
                plan.held_back.push(HeldBack { line, level, rec: None, why: Waits::Question, fields: Vec::new() });
            }
            (What::Group(_), Ok(Some(known))) if terms.mode == Mode::Add => {
                plan.left_alone.push(Unchanged { line, rec: existing[known].rec });
            }
            (What::Group(row), found) => {
                if let (Ok(Some(known)), Ok(_)) = (&found, matches.rekeyed.binary_search(&at)) {
                    let known = &existing[*known];
                    plan.rekeyed.push(Rekeyed {
                        line,
                        rec: known.rec,
                        name: known.group.name.clone(),
                        before: known.group.source_id.clone().unwrap_or_default(),
                        after: row.claim.source_id.clone().unwrap_or_default(),
                    });
                }
                place(&mut plan, terms, line, row, found, reading, existing, words);
            }
        }
    }
    for changed in &mut plan.changed {
        changed.edited = terms.edited.contains(&changed.rec);
    }
    if terms.unattended {
        let (edited, changed) = std::mem::take(&mut plan.changed).into_iter().partition(|changed| changed.edited);
        plan.changed = changed;
        let edited: Vec<Changed> = edited;
        let kept = |it: Changed| Kept { line: it.line, rec: it.rec, name: it.group.name, fields: it.fields };
        plan.kept = edited.into_iter().map(kept).collect();
    }
    let back = |new: &New| super::keys(&new.group).into_iter().find_map(|key| terms.taken_back.get(&key).copied());
    if !terms.taken_back.is_empty() {
        for new in std::mem::take(&mut plan.new) {
            match back(&new) {
                Some(rec) => plan.taken_back.push(Unchanged { line: new.line, rec }),
                None => plan.new.push(new),
            }
        }
    }
    if terms.mode == Mode::Whole || terms.gone.is_some() {
        plan.settle_missing(terms.missing, &left, existing);
    }
    if terms.mode == Mode::Whole || terms.unattended {
        plan.held = plan.hold(existing, left.len());
    }
    plan
}

fn asks_safety(warning: &Warning) -> bool {
    warning.code == super::fault::Caution::AskSafety("").code()
}

const MISSED: &str = "no longer in its list on";

/// What a record says when its group is said to have closed because its list no longer names it.
pub fn missed(group: &Group, day: Date) -> Group {
    let reason = format!("{MISSED} {day}");
    let status = Status { state: CLOSED.to_owned(), reason: Some(reason), ..Status::default() };
    Group { status: Some(status), ..group.clone() }
}

/// Whether a record says that its group goes on.
pub fn goes_on(group: &Group) -> bool {
    !group
        .status
        .as_ref()
        .is_some_and(|status| [CLOSED, "merged", "became-something-else"].contains(&status.state.as_str()))
}

/// Whether someone knows that the group has ended, not only that a list stopped naming it.
fn known_to_have_ended(group: &Group) -> bool {
    let reason = group.status.as_ref().and_then(|status| status.reason.as_deref());
    !goes_on(group) && !reason.is_some_and(|reason| reason.starts_with(MISSED))
}

impl ImportPlan {
    /// What becomes of the records that are missing. A group that is known to have ended is missing from most lists, and
    /// nobody need be asked about it.
    fn settle_missing(&mut self, missing: Missing, left: &[usize], existing: &[Existing]) {
        let known = left.iter().map(|at| &existing[*at]).filter(|known| goes_on(&known.group));
        let ending = |known: &Existing, group: Option<Group>| Ending {
            rec: known.rec,
            rev: known.rev,
            name: known.group.name.clone(),
            group,
        };
        match missing {
            Missing::Ask => {
                self.asked = known.map(|known| Asked { rec: known.rec, name: known.group.name.clone() }).collect();
            }
            Missing::Keep => {}
            Missing::Close(day) => {
                let closed = |known: &Existing| missed(&known.group, day);
                self.ending = known.map(|known| ending(known, Some(closed(known)))).collect();
            }
            Missing::Withdraw => self.ending = known.map(|known| ending(known, None)).collect(),
        }
    }

    /// Whether the plan looks like an accident.
    fn hold(&self, existing: &[Existing], missing: usize) -> Option<Hold> {
        let by_rec: BTreeMap<Uuid, &Existing> = existing.iter().map(|known| (known.rec, known)).collect();
        let before = |rec: Uuid| by_rec.get(&rec).copied();
        let of = existing.iter().filter(|known| known.group.list == Some(self.list) && goes_on(&known.group)).count();
        let changed = || self.changed.iter().filter_map(|changed| Some((changed, before(changed.rec)?)));
        let closes = changed().filter(|(after, before)| goes_on(&before.group) && !goes_on(&after.group)).count();
        let lost = closes + missing.min(self.asked.len() + self.ending.len());
        if lost > 0 && lost * 10 >= of {
            return Some(Hold::Shrinks { lost, of });
        }
        let renamed = changed()
            .filter(|(after, before)| super::field::fold(&before.group.name) != super::field::fold(&after.group.name))
            .count();
        (renamed > 2 && renamed * 10 >= of).then_some(Hold::Renames { renamed, of })
    }
}

/// Puts one row that is a group where it belongs.
#[allow(clippy::too_many_arguments)] // What one row needs of everything around it.
fn place(
    plan: &mut ImportPlan,
    terms: &Terms,
    line: u32,
    row: &GroupRow,
    found: Result<Option<usize>, (Field, Fault)>,
    reading: &Reading,
    existing: &[Existing],
    words: &Words,
) {
    let mut errors = row.errors.clone();
    let found = match found {
        Ok(found) => found.map(|at| &existing[at]),
        Err((field, fault)) => {
            let value = row.texts.get(&field).cloned().unwrap_or_default();
            let (letter, column) = match reading.headings.get(&field) {
                Some((at, heading)) => (letter(*at), heading.clone()),
                None => (String::new(), field.heading(words)),
            };
            let cell = Cell { line, column, letter, value };
            errors.push((field, RowError::new(cell, &fault)));
            None
        }
    };
    // What the record says already is never refused, though rules may have become stricter since.
    let as_it_stands = |field: &Field| {
        found.is_some_and(|known| {
            let shown = super::cell::clean(&field.show(&known.group, words), true).0;
            row.texts.get(field).is_some_and(|text| *text == shown)
        })
    };
    errors.retain(|(field, _)| !as_it_stands(field));
    let rec = found.map(|known| known.rec);
    let stated = Level::stated(&row.group);
    let before = found.map_or(Level::Open, |known| Level::stated(&known.group));
    let hold = |plan: &mut ImportPlan, why: Waits, fields: Vec<&'static str>| {
        plan.held_back.push(HeldBack { line, level: before.max(stated).label().to_owned(), rec, why, fields });
    };
    if row.group.safety.is_some() && stated < before {
        // The most protective word stands: a spreadsheet cannot lower it.
        return hold(plan, Waits::Lowers, Vec::new());
    }
    let level = before.max(stated);
    let mut shown = row.group.clone();
    let mut row_warnings = row.warnings.clone();
    if level != Level::Open {
        hush(&mut errors, &mut row_warnings);
        let sealed = match reading.sealed.of(line) {
            Some(sealed) => sealed.clone(),
            // A row that says nothing of safety, of a record that is protected.
            None => {
                let split = protected::split(row.group.clone(), level);
                shown = split.public.unwrap_or_default();
                split.sealed
            }
        };
        // Words that stand in the protected record already were looked at when they came there.
        let stands = |field: &&'static str| {
            let said = found.filter(|_| before == level).map(|known| known.group.members());
            said.is_some_and(|said| said.get(*field) == shown.members().get(*field))
        };
        let words: Vec<&'static str> = sealed.given_away(&shown).into_iter().filter(|field| !stands(field)).collect();
        if errors.is_empty() && !words.is_empty() && !terms.words_ok.contains(&line) {
            return hold(plan, Waits::Words, words);
        }
        let keeps = match found {
            None => Keeps::New,
            Some(_) if before == level => Keeps::Again,
            Some(_) => Keeps::Raised,
        };
        if errors.is_empty() {
            plan.protected.push(Guarded { line, level, rec, keeps });
        }
    }
    let row = &GroupRow { group: shown, warnings: row_warnings, ..row.clone() };
    let coarse = found.map(|known| Existing { group: safety::coarse(&known.group, level, true), ..known.clone() });
    let found = coarse.as_ref();
    let mut group =
        found.map_or_else(|| Group { list: Some(plan.list), ..Group::default() }, |known| known.group.clone());
    let differs = |field: &&Field| {
        let before = found.map(|known| field.show(&known.group, words)).unwrap_or_default();
        !as_it_stands(field) && before != field.show(&row.group, words)
    };
    // Silence takes no level back, nor an answer that was given.
    let unsaid = |field: &&Field| **field == Field::Safety && row.group.safety.is_none();
    let mut fields: BTreeSet<&Field> = reading.fields.iter().filter(differs).filter(|field| !unsaid(field)).collect();
    let silent = row.texts.get(&Field::Status).is_none_or(String::is_empty);
    if silent && found.is_some_and(|known| known_to_have_ended(&known.group)) {
        // Every fresh form has this cell empty, so only a word in it sends people to a door again that is known to be locked.
        fields.remove(&Field::Status);
    }
    if fields.contains(&Field::Status) {
        // A new state drops what was said about the old one, so what the row says about it counts even when it is the same.
        let parts = [Field::StatusDate, Field::StatusReason, Field::BreakUntil];
        fields.extend(reading.fields.iter().filter(|field| parts.contains(field)));
    }
    carry(fields.iter().copied(), &row.group, &mut group);
    if level != Level::Open {
        group.safety = Some(level.label().to_owned());
    }
    let size = group.json().len();
    if errors.is_empty() && size > RECORD_BYTES {
        let cell = Cell { line, column: String::new(), letter: String::new(), value: String::new() };
        errors.push((Field::Name, RowError::new(cell, &Fault::TooLong(size))));
    }
    let warnings = row.warnings.clone();
    match found {
        _ if !errors.is_empty() => {
            let errors = errors.into_iter().map(|(_, error)| error).collect();
            plan.refused.push(Refused { line, errors });
        }
        None => plan.new.push(New { line, group, warnings }),
        Some(known) if known.group == group && before == level => {
            plan.unchanged.push(Unchanged { line, rec: known.rec })
        }
        Some(known) => {
            let change = |field: &Field| FieldChange {
                column: field.heading(words),
                before: field.show(&known.group, words),
                after: field.show(&group, words),
            };
            let fields = reading.fields.iter().map(change).filter(|change| change.before != change.after).collect();
            plan.changed.push(Changed { line, rec: known.rec, rev: known.rev, group, fields, edited: false, warnings });
        }
    }
}
