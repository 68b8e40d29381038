//! Making the plan: each row put where it belongs, what becomes of records without a row, and whether all of it looks like
//! an accident.

use super::super::fault::{Caution, Cell, Fault, RECORD_BYTES, RowError, Warning};
use super::super::field::{Field, Words, carry, fold};
use super::super::matching::Matching;
use super::super::row::{GroupRow, Reading, What, hush};
use super::super::table::letter;
use super::{
    Asked, Changed, Ending, Existing, FieldChange, Guarded, HeldBack, Hold, ImportPlan, Keeps, Kept, Missing, Mode,
    New, Refused, Rekeyed, Skipped, Terms, Unchanged, Waits,
};
use crate::exchange::{cell, keys};
use crate::record::group::{CLOSED, Group, Status};
use crate::record::safety::{self, Level};
use crate::store::protected;
use jiff::civil::Date;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

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
            (What::Sealed(..), Err((field, fault))) => {
                // Which record it is cannot be told: taken for a new one, it would stand here once more with every import.
                let errors = vec![unknown(line, &field, String::new(), &fault, reading, words)];
                plan.refused.push(Refused { line, errors });
            }
            (What::Sealed(_, level), Ok(found)) => {
                let known = found.map(|at| &existing[at]);
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
    let back = |new: &New| keys(&new.group).into_iter().find_map(|key| terms.taken_back.get(&key).copied());
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
    warning.code == Caution::AskSafety("").code()
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
        let renamed = changed().filter(|(after, before)| fold(&before.group.name) != fold(&after.group.name)).count();
        (renamed > 2 && renamed * 10 >= of).then_some(Hold::Renames { renamed, of })
    }
}

/// Why it cannot be told which record a row is.
fn unknown(line: u32, field: &Field, value: String, fault: &Fault, reading: &Reading, words: &Words) -> RowError {
    let (letter, column) = match reading.headings.get(field) {
        Some((at, heading)) => (letter(*at), heading.clone()),
        None => (String::new(), field.heading(words)),
    };
    RowError::new(Cell { line, column, letter, value }, fault)
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
            let error = unknown(line, &field, value, &fault, reading, words);
            errors.push((field, error));
            None
        }
    };
    // What the record says already is never refused, though rules may have become stricter since.
    let as_it_stands = |field: &Field| {
        found.is_some_and(|known| {
            let shown = cell::clean(&field.show(&known.group, words), true).0;
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
