//! What a person decides about groups, as drafts to sign. Nothing here writes.
//!
//! An edit is an import of one row: the same reading, the same refusals, the same words for them.

use super::words::{unit_label, vocabularies};
use super::{Known, One};
use crate::exchange::fault::{RowError, Warning};
use crate::exchange::field::Field;
use crate::exchange::plan::{Existing, FieldChange, Keeps, Terms, Waits, plan_under};
use crate::exchange::table::{Row, Table};
use crate::exchange::{Mapping, mapping::MappingError, row};
use crate::node::author::Draft;
use crate::record::group::{Assured, Group};
use crate::record::safety::Level;
use crate::record::statement::{Body, Judgement, Kind, Prefer, RecordRef, Revision};
use crate::registry::Unit;
use crate::registry::choice::MOST_OVER;
use crate::store::group::statement_of;
use crate::store::log::OWN;
use crate::store::protected::SealedPlace;
use crate::store::record::{DecisionRow, RecordRow};
use serde_json::Value;
use std::collections::BTreeSet;
use uuid::Uuid;

/// Why something cannot be said.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SayError {
    /// A field that does not exist.
    #[error("there is no field called {0:?}")]
    UnknownField(String),
    /// One field twice.
    #[error("the field {0:?} is given twice")]
    Twice(String),
    /// Fields that mean nothing alone.
    #[error(transparent)]
    Fields(#[from] MappingError),
    /// Cells that cannot be taken over.
    #[error("{}", .0.iter().map(|error| format!("{} {:?}: {}. {}", error.cell.column, error.cell.value, error.problem, error.remedy)).collect::<Vec<_>>().join("\n"))]
    Refused(Vec<RowError>),
    /// Another safety level for a record that is there.
    #[error("how far a group's place may be known is not set with its other fields")]
    Protected,
    /// Words hold something of what is withheld. Which fields, never which words.
    #[error("words give the protected place away, in: {}", .0.join(", "))]
    GivesAway(Vec<&'static str>),
    /// Nothing to choose between.
    #[error("{} is said in one way only, so there is nothing to choose", unit_label(.0))]
    OneValue(&'static str),
    /// A number that no value has.
    #[error("there is no value {0}")]
    NoValue(usize),
    /// A group of one entry, of which none can be left out.
    #[error("one entry makes this group: there is nothing to leave out of it")]
    OneMember,
    /// Nothing was said that could be taken back.
    #[error("this hub has decided nothing here that could be taken back")]
    NothingToUndo,
}

impl SayError {
    /// Stable kebab-case code.
    pub fn code(&self) -> &'static str {
        match self {
            SayError::UnknownField(_) => "unknown-field",
            SayError::Twice(_) => "field-twice",
            SayError::Fields(error) => error.code(),
            SayError::Refused(_) => "refused",
            SayError::Protected => "protected",
            SayError::GivesAway(_) => "gives-away",
            SayError::OneValue(_) => "one-value",
            SayError::NoValue(_) => "no-value",
            SayError::OneMember => "one-member",
            SayError::NothingToUndo => "nothing-to-undo",
        }
    }
}

/// A record as it will be.
#[derive(Clone, PartialEq)]
pub struct Edited {
    /// What it will say.
    pub group: Group,
    /// What changes; empty when nothing does. Of a new record, empty too.
    pub changes: Vec<FieldChange>,
    /// What is worth a look.
    pub warnings: Vec<Warning>,
    /// What its safety level withholds of it, which stands in none of the above; and the level.
    pub sealed: Option<(Level, SealedPlace)>,
}

impl std::fmt::Debug for Edited {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Edited").field("group", &self.group).field("changes", &self.changes).finish_non_exhaustive()
    }
}

/// Makes a group say these fields (by key or heading; an empty value clears), starting from `base`, or from nothing.
/// `list` is the list of a new record; `looked` says that a person has looked at words that seemed to give a place away.
///
/// # Errors
/// [`SayError`], with the remedy for every cell that is refused.
pub fn edit(
    base: Option<&Existing>,
    fields: &[(String, String)],
    list: Uuid,
    looked: bool,
) -> Result<Edited, SayError> {
    let words = vocabularies();
    let mut cells: Vec<(Field, String)> = Vec::new();
    for (name, value) in fields {
        let field = Field::named(name, &words).filter(|field| *field != Field::RecordId);
        let field = field.ok_or_else(|| SayError::UnknownField(name.clone()))?;
        if cells.iter().any(|(known, _)| *known == field) {
            return Err(SayError::Twice(name.clone()));
        }
        cells.push((field, value.clone()));
    }
    let mut base = base.cloned();
    if let Some(base) = &mut base {
        cells.push((Field::RecordId, base.rec.to_string()));
        if !cells.iter().any(|(field, _)| *field == Field::Name) {
            cells.push((Field::Name, base.group.name.clone()));
        }
        // What a date or reason is said of, the record itself may already say.
        for (field, needed) in [
            (Field::StatusDate, Field::Status),
            (Field::StatusReason, Field::Status),
            (Field::BreakUntil, Field::Status),
            (Field::AffiliatedTo, Field::Affiliation),
            (Field::Latitude, Field::Longitude),
            (Field::Longitude, Field::Latitude),
        ] {
            let has = |wanted: &Field| cells.iter().any(|(known, _)| known == wanted);
            if has(&field) && !has(&needed) {
                let said = needed.show(&base.group, &words);
                cells.push((needed, said));
            }
        }
        base.group.list.get_or_insert(list);
    }
    let list = base.as_ref().and_then(|base| base.group.list).unwrap_or(list);
    let header: Vec<String> = cells.iter().map(|(field, _)| field.heading(&words)).collect();
    let bound = Mapping::guess(&header, &words).bind(&header, &words)?;
    let row = Row { line: 1, cells: cells.into_iter().map(|(_, value)| value).collect() };
    let table = Table::of(header, vec![row]);
    let existing: Vec<Existing> = base.into_iter().collect();
    let reading = row::read(&table, &bound, &words);
    let terms = Terms { words_ok: if looked { [1].into() } else { Default::default() }, ..Terms::default() };
    let mut planned = plan_under(&terms, &reading, &existing, list, &words);
    if let Some(held) = planned.held_back.pop() {
        return Err(match held.why {
            Waits::Words => SayError::GivesAway(held.fields),
            _ => SayError::Protected,
        });
    }
    let guarded = planned.protected.pop();
    if guarded.as_ref().is_some_and(|row| row.keeps == Keeps::Raised) {
        return Err(SayError::Protected);
    }
    let sealed = guarded.and_then(|row| Some((row.level, crate::node::imports::sealed_of(&reading, 1, row.level)?)));
    if let Some((level, _)) = &sealed
        && !level.signed()
    {
        let group = Group { list: Some(list), safety: Some(level.label().to_owned()), ..Group::default() };
        return Ok(Edited { group, changes: Vec::new(), warnings: Vec::new(), sealed });
    }
    if let Some(refused) = planned.refused.pop() {
        return Err(SayError::Refused(refused.errors));
    }
    if let Some(new) = planned.new.pop() {
        return Ok(Edited { group: new.group, changes: Vec::new(), warnings: new.warnings, sealed });
    }
    match (planned.changed.pop(), existing.into_iter().next()) {
        (Some(changed), _) => {
            Ok(Edited { group: changed.group, changes: changed.fields, warnings: changed.warnings, sealed })
        }
        (None, Some(base)) => Ok(Edited { group: base.group, changes: Vec::new(), warnings: Vec::new(), sealed }),
        // A row of blanks, or one that begins like the template's guidance.
        (None, None) => Err(SayError::UnknownField(String::new())),
    }
}

/// A record of this hub as an import knows it.
pub fn existing(one: &One) -> Existing {
    Existing { rec: one.row.rec, rev: one.rev(), group: one.group.clone() }
}

/// A new record.
pub fn put_new(id: Uuid, group: &Group) -> Draft {
    Draft { id, rev: 1, body: Body::Put(Kind::Record), public: Some(group.json()) }
}

/// New words of a record.
pub fn put(row: &RecordRow, group: &Group) -> Draft {
    Draft { id: row.rec, rev: row.state.rev + 1, body: Body::Put(Kind::Record), public: Some(group.json()) }
}

/// A record is still right.
pub fn affirm(row: &RecordRow, assured: Assured) -> Draft {
    Draft { id: row.rec, rev: row.state.rev + 1, body: Body::Affirm(Kind::Record, assured), public: None }
}

/// This hub no longer states a record.
pub fn withdraw(row: &RecordRow) -> Draft {
    Draft { id: row.rec, rev: row.state.rev + 1, body: Body::Withdraw(Kind::Record), public: None }
}

/// One way in which a field is said.
#[derive(Debug, Clone, PartialEq)]
pub struct Stated {
    /// The value.
    pub value: Value,
    /// Who says so.
    pub from: Vec<RecordRef>,
    /// Whether the registry shows this one.
    pub shown: bool,
}

/// Everything that is said of a field, what is shown first. People choose by these numbers, from 1.
pub fn stated(known: &Known, unit: Unit) -> Vec<Stated> {
    let Some(resolved) = known.merged.values.get(&unit) else { return Vec::new() };
    let first = Stated { value: resolved.value.clone(), from: resolved.from.clone(), shown: true };
    let others = resolved.others.iter().map(|other| Stated {
        value: other.value.clone(),
        from: other.from.clone(),
        shown: false,
    });
    std::iter::once(first).chain(others).collect()
}

/// What a person chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pick {
    /// The value of this number, from 1.
    Value(usize),
    /// A person looked, and nobody knows.
    Unresolved,
    /// Take back what this hub chose before.
    Undo,
}

/// The choice as a draft; `new` is the id of a first choice. A later one of the same field replaces it under its own id.
///
/// # Errors
/// [`SayError`].
pub fn choose(known: &Known, unit: Unit, pick: Pick, new: Uuid) -> Result<Draft, SayError> {
    let before =
        newest(known.decisions.iter(), |body| matches!(body, Body::Choose { field, .. } if field == unit.name()));
    let table = stated(known, unit);
    let revision = |record: &RecordRef| known.member(record).map(|one| Revision { record: *record, rev: one.rev() });
    let over: BTreeSet<Revision> = table.iter().flat_map(|stated| &stated.from).filter_map(revision).collect();
    let over: Vec<Revision> = over.into_iter().take(MOST_OVER).collect();
    let (on, prefer) = match pick {
        Pick::Undo => match &before {
            Some((_, _, Body::Choose { on, prefer, .. })) if *prefer != Prefer::Retracted => (*on, Prefer::Retracted),
            _ => return Err(SayError::NothingToUndo),
        },
        _ if table.len() < 2 => return Err(SayError::OneValue(unit.name())),
        Pick::Unresolved => (known.merged.id, Prefer::Unresolved),
        Pick::Value(number) => {
            let chosen = number.checked_sub(1).and_then(|at| table.get(at)).ok_or(SayError::NoValue(number))?;
            let preferred = chosen.from.iter().find_map(revision).ok_or(SayError::NoValue(number))?;
            (preferred.record, Prefer::Value(preferred))
        }
    };
    let (id, rev) = before.map_or((new, 1), |(id, rev, _)| (id, rev + 1));
    Ok(Draft { id, rev, body: Body::Choose { on, field: unit.name().to_owned(), prefer, over }, public: None })
}

/// A judgement of two records as a draft; `new` is the id of a first one. A later one of the pair replaces it.
pub fn link<'a>(
    decisions: impl Iterator<Item = &'a DecisionRow>,
    a: RecordRef,
    b: RecordRef,
    judgement: Judgement,
    new: Uuid,
) -> Draft {
    let pair = (a.min(b), a.max(b));
    let before = newest(decisions, |body| matches!(body, Body::Link { a, b, .. } if (*a.min(b), *a.max(b)) == pair));
    let (id, rev) = before.map_or((new, 1), |(id, rev, _)| (id, rev + 1));
    Draft { id, rev, body: Body::Link { a, b, judgement }, public: None }
}

/// What this hub says of two records now, if it says anything.
pub fn judged<'a>(
    decisions: impl Iterator<Item = &'a DecisionRow>,
    one: RecordRef,
    other: RecordRef,
) -> Option<Judgement> {
    let pair = (one.min(other), one.max(other));
    let about = newest(decisions, |body| matches!(body, Body::Link { a, b, .. } if (*a.min(b), *a.max(b)) == pair));
    match about {
        Some((_, _, Body::Link { judgement, .. })) if judgement != Judgement::None => Some(judgement),
        _ => None,
    }
}

/// Takes back every judgement of this hub about one record of `left` and one of `right`.
///
/// # Errors
/// [`SayError::NothingToUndo`].
pub fn unlink(left: &Known, right: &Known) -> Result<Vec<Draft>, SayError> {
    let among = |known: &Known, record: &RecordRef| known.member(record).is_some();
    let mut drafts = Vec::new();
    let mut seen = BTreeSet::new();
    for row in left.decisions.iter().filter(|row| row.hub == OWN) {
        let Some(statement) = statement_of(&row.body) else { continue };
        let Body::Link { a, b, judgement } = statement.body else { continue };
        let between = among(left, &a) && among(right, &b) || among(left, &b) && among(right, &a);
        if between && judgement != Judgement::None && seen.insert(row.rec) {
            let body = Body::Link { a, b, judgement: Judgement::None };
            drafts.push(Draft { id: row.rec, rev: statement.rev + 1, body, public: None });
        }
    }
    if drafts.is_empty() { Err(SayError::NothingToUndo) } else { Ok(drafts) }
}

/// This hub's newest decision that `wanted` lets through: id, revision and what it says.
fn newest<'a>(
    decisions: impl Iterator<Item = &'a DecisionRow>,
    wanted: impl Fn(&Body) -> bool,
) -> Option<(Uuid, u64, Body)> {
    decisions
        .filter(|row| row.hub == OWN)
        .filter_map(|row| Some((row.pos, row.rec, statement_of(&row.body)?)))
        .filter(|(_, _, statement)| wanted(&statement.body))
        .max_by_key(|(pos, ..)| *pos)
        .map(|(_, id, statement)| (id, statement.rev, statement.body))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn an_edit_reads_as_an_import_does() {
        let list = Uuid::from_u128(9);
        let edit = |base, fields: &[(String, String)], list| super::edit(base, fields, list, false);
        let new =
            edit(None, &set(&[("name", "Carers' Circle"), ("Telephone", "1159111662"), ("topics", "carers")]), list);
        let group = new.unwrap().group;
        assert_eq!((group.list, group.name.as_str()), (Some(list), "Carers' Circle"));
        assert!(group.contact.as_ref().unwrap().phone.as_ref().unwrap().starts_with('0'), "the lost 0 is back");

        let known = Existing { rec: Uuid::from_u128(1), rev: 3, group };
        let changed = edit(Some(&known), &set(&[("status", "closed"), ("status date", "03/05/2026")]), list).unwrap();
        assert_eq!(changed.group.status.as_ref().unwrap().date, Some("2026-05-03".parse().unwrap()));
        assert_eq!(changed.group.contact, known.group.contact, "what was not named stays");
        let again = Existing { group: changed.group, ..known };
        let later = edit(Some(&again), &set(&[("status_reason", "no room")]), list).unwrap();
        assert_eq!(later.group.status.as_ref().unwrap().state, "closed");
        assert!(edit(Some(&again), &set(&[("status", "Closed")]), list).unwrap().changes.is_empty());
    }

    #[test]
    fn what_cannot_be_said_is_refused_with_a_reason() {
        let code = |pairs: &[(&str, &str)]| edit(None, &set(pairs), Uuid::nil(), false).map_err(|error| error.code());
        assert_eq!(code(&[("name", "A"), ("shoe", "1")]).unwrap_err(), "unknown-field");
        assert_eq!(code(&[("name", "A"), ("Group name", "B")]).unwrap_err(), "field-twice");
        assert_eq!(code(&[("name", "A"), ("postcode", "nowhere")]).unwrap_err(), "refused");
        let mill =
            [("name", "A"), ("safety", "contact-first"), ("venue", "Orchard Mill"), ("description", "In Orchard Mill")];
        assert_eq!(code(&mill).unwrap_err(), "gives-away");
        let sealed = code(&[("name", "A"), ("safety", "sealed")]).unwrap();
        assert_eq!((sealed.group.name.as_str(), sealed.sealed.map(|(level, _)| level)), ("", Some(Level::Sealed)));
        assert_eq!(code(&[("town", "A")]).unwrap_err(), "unknown-field");
        assert_eq!(code(&[("locality", "A")]).unwrap_err(), "mapping-no-name");
    }
}
