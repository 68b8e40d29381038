//! What an import would do. Pure: the plan is shown as a preview, and the same plan is carried out.
//!
//! A row is one of our records when it carries the record's id; else when its own reference is the record's; else when
//! name and place are exactly equal but for capitals and punctuation. Everything else is a new record: which records of
//! different lists are one group is for linking to find, never for importing. A record without a row stays as it is.

use super::fault::{Cell, Fault, RECORD_BYTES, RowError, Warning};
use super::field::{Field, Words, carry};
use super::row::{Claim, GroupRow, OPEN, Reading, Skip, What};
use super::table::letter;
use crate::record::group::Group;
use serde::Serialize;
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

/// What an import would do, row by row. Every row that was read is in exactly one of the six kinds.
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
    /// Rows that cannot be taken over.
    pub refused: Vec<Refused>,
    /// Rows whose place must not be known: this version does not sign such records.
    pub held_back: Vec<HeldBack>,
    /// Rows that are not meant for the registry.
    pub skipped: Vec<Skipped>,
    /// Records of the list that no row speaks of. They stay as they are.
    pub not_in_file: Vec<Uuid>,
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
    /// What is worth a look.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
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

/// A row that cannot be taken over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// The row.
    pub line: u32,
    /// Everything that is wrong with it.
    pub errors: Vec<RowError>,
}

/// A row whose place must not be known. Nothing else of it is kept here: plans are printed and saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldBack {
    /// The row.
    pub line: u32,
    /// How far the place may be known; vocabulary `safety-levels`.
    pub level: String,
    /// The record that the row speaks of and that is public now, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rec: Option<Uuid>,
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
            self.refused.len(),
            self.held_back.len(),
            self.skipped.len(),
        ];
        kinds.iter().sum::<usize>() == self.rows_read
    }

    /// Whether carrying the plan out would change anything.
    pub fn changes_nothing(&self) -> bool {
        self.new.is_empty() && self.changed.is_empty()
    }
}

/// Makes the plan: what the rows would do to `list`, given the records the hub itself holds (in any list, in any order).
pub fn plan(reading: &Reading, existing: &[Existing], list: Uuid, words: &Words) -> ImportPlan {
    let matches = Matching::new(reading, existing, list).run();
    let mut plan = ImportPlan {
        list,
        rows_read: reading.rows.len(),
        new: Vec::new(),
        changed: Vec::new(),
        unchanged: Vec::new(),
        refused: Vec::new(),
        held_back: Vec::new(),
        skipped: Vec::new(),
        not_in_file: matches.left.iter().copied().collect(),
        not_imported: reading.not_imported.clone(),
        notes: reading.notes.iter().map(ToString::to_string).collect(),
        references_minted_anew: matches.minted_anew,
    };
    for (row, found) in reading.rows.iter().zip(matches.found) {
        let line = row.line;
        match (&row.what, found) {
            (What::Skipped(reason), _) => plan.skipped.push(Skipped { line, reason: *reason }),
            (What::HeldBack(_, level), found) => {
                let rec = found.ok().flatten().map(|at| existing[at].rec);
                plan.held_back.push(HeldBack { line, level: level.clone(), rec });
            }
            (What::Group(row), found) => place(&mut plan, line, row, found, reading, existing, words),
        }
    }
    plan
}

/// Puts one row that is a group where it belongs.
fn place(
    plan: &mut ImportPlan,
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
    if let Some(level) = found.and_then(|known| known.group.safety.clone()).filter(|level| level != OPEN) {
        // The most protective word stands: a spreadsheet cannot lower it.
        return plan.held_back.push(HeldBack { line, level, rec: found.map(|known| known.rec) });
    }
    let mut group =
        found.map_or_else(|| Group { list: Some(plan.list), ..Group::default() }, |known| known.group.clone());
    let differs = |field: &&Field| {
        let before = found.map(|known| field.show(&known.group, words)).unwrap_or_default();
        !as_it_stands(field) && before != field.show(&row.group, words)
    };
    let mut fields: BTreeSet<&Field> = reading.fields.iter().filter(differs).collect();
    if fields.contains(&Field::Status) {
        // A new state drops what was said about the old one, so what the row says about it counts even when it is the same.
        let parts = [Field::StatusDate, Field::StatusReason, Field::BreakUntil];
        fields.extend(reading.fields.iter().filter(|field| parts.contains(field)));
    }
    carry(fields.iter().copied(), &row.group, &mut group);
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
        Some(known) if known.group == group => plan.unchanged.push(Unchanged { line, rec: known.rec }),
        Some(known) => {
            let change = |field: &Field| FieldChange {
                column: field.heading(words),
                before: field.show(&known.group, words),
                after: field.show(&group, words),
            };
            let fields = reading.fields.iter().map(change).filter(|change| change.before != change.after).collect();
            plan.changed.push(Changed { line, rec: known.rec, rev: known.rev, group, fields, warnings });
        }
    }
}

/// Which record each row is.
struct Matching<'a> {
    existing: &'a [Existing],
    list: Uuid,
    /// Rows that say which record they are, with their index.
    claims: Vec<(usize, u32, &'a Claim)>,
    /// Whether the file speaks of postcodes and of towns.
    places: [bool; 2],
    /// All records by id; those of the list by their row's own reference, and by folded name.
    by_rec: BTreeMap<Uuid, usize>,
    by_source: BTreeMap<&'a str, Vec<usize>>,
    by_name: BTreeMap<String, Vec<usize>>,
    /// The first row that is each record.
    taken: BTreeMap<usize, u32>,
    /// Rows that could be several records: none of these is missing from the file.
    doubtful: BTreeSet<usize>,
    found: Vec<Result<Option<usize>, (Field, Fault)>>,
}

struct Matches {
    found: Vec<Result<Option<usize>, (Field, Fault)>>,
    left: BTreeSet<Uuid>,
    minted_anew: bool,
}

impl<'a> Matching<'a> {
    fn new(reading: &'a Reading, existing: &'a [Existing], list: Uuid) -> Self {
        let claim = |what: &'a What| match what {
            What::Skipped(_) => None,
            What::HeldBack(claim, _) => Some(claim),
            What::Group(row) => Some(&row.claim),
        };
        let claims =
            reading.rows.iter().enumerate().filter_map(|(at, row)| Some((at, row.line, claim(&row.what)?))).collect();
        let mut by_source: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        let mut by_name: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (at, known) in existing.iter().enumerate().filter(|(_, known)| known.group.list == Some(list)) {
            if let Some(source) = &known.group.source_id {
                by_source.entry(source).or_default().push(at);
            }
            by_name.entry(fold(&known.group.name)).or_default().push(at);
        }
        Matching {
            existing,
            list,
            claims,
            places: [Field::Postcode, Field::Locality].map(|field| reading.fields.contains(&field)),
            by_rec: existing.iter().enumerate().map(|(at, known)| (known.rec, at)).collect(),
            by_source,
            by_name,
            taken: BTreeMap::new(),
            doubtful: BTreeSet::new(),
            found: vec![Ok(None); reading.rows.len()],
        }
    }

    /// The surest sign first, over the whole file, before a weaker one is tried: so a row that only looks like a record
    /// never takes it from the row that names it, and the same file again finds the same records.
    fn run(mut self) -> Matches {
        let claims = std::mem::take(&mut self.claims);
        let mut open = Vec::new();
        for &(at, line, claim) in &claims {
            match &claim.record_id {
                Some(id) => {
                    let found = self.by_id(id);
                    self.take(at, line, Field::RecordId, found);
                }
                None => open.push((at, line, claim)),
            }
        }
        let mut rest = Vec::new();
        let (mut referring, mut known) = (0, 0);
        for (at, line, claim) in open {
            referring += usize::from(claim.source_id.is_some());
            match claim.source_id.as_deref().and_then(|source| self.by_source.get(source)).cloned() {
                Some(candidates) => {
                    known += 1;
                    let found = self.one_of(candidates);
                    self.take(at, line, Field::SourceId, found);
                }
                None => rest.push((at, line, claim)),
            }
        }
        let named: BTreeSet<usize> = self.taken.keys().copied().collect();
        let (with, without): (Vec<_>, Vec<_>) = rest.into_iter().partition(|(_, _, claim)| claim.source_id.is_some());
        for (at, line, claim) in without {
            let candidates = self.alike(claim, |at| !named.contains(&at));
            self.take_alike(at, line, candidates);
        }
        for (at, line, claim) in with {
            // A record with another reference is another row of the list, however alike.
            let candidates =
                self.alike(claim, |at| self.existing[at].group.source_id.is_none() && !self.taken.contains_key(&at));
            self.take_alike(at, line, candidates);
        }
        self.second_new_rows(&claims);
        let left = self.existing.iter().enumerate().filter(|(at, known)| {
            known.group.list == Some(self.list) && !self.taken.contains_key(at) && !self.doubtful.contains(at)
        });
        let minted_anew = known == 0 && referring >= MANY && self.by_source.len() >= MANY;
        Matches { left: left.map(|(_, known)| known.rec).collect(), found: self.found, minted_anew }
    }

    fn by_id(&self, id: &str) -> Result<usize, Fault> {
        let rec: Uuid = id.parse().map_err(|_| Fault::NoSuchRecord)?;
        let at = *self.by_rec.get(&rec).ok_or(Fault::NoSuchRecord)?;
        if self.existing[at].group.list == Some(self.list) { Ok(at) } else { Err(Fault::OtherList) }
    }

    fn one_of(&mut self, candidates: Vec<usize>) -> Result<usize, Fault> {
        match candidates[..] {
            [one] => Ok(one),
            _ => {
                let count = candidates.len();
                self.doubtful.extend(candidates);
                Err(Fault::Ambiguous(count))
            }
        }
    }

    fn take(&mut self, at: usize, line: u32, field: Field, found: Result<usize, Fault>) {
        self.found[at] = match found {
            Err(fault) => Err((field, fault)),
            Ok(known) => match self.taken.get(&known) {
                Some(first) => Err((field, Fault::SecondRow(*first))),
                None => {
                    self.taken.insert(known, line);
                    Ok(Some(known))
                }
            },
        };
    }

    fn take_alike(&mut self, at: usize, line: u32, candidates: Vec<usize>) {
        if !candidates.is_empty() {
            let found = self.one_of(candidates);
            self.take(at, line, Field::Name, found);
        }
    }

    /// Records with the same name and place that `free` lets through.
    fn alike(&self, claim: &Claim, free: impl Fn(usize) -> bool) -> Vec<usize> {
        let named = self.by_name.get(&fold(&claim.name)).into_iter().flatten().copied();
        let same_place = |at: &usize| {
            let place = self.existing[*at].group.place.as_ref();
            let theirs = [place.and_then(|it| it.postcode.as_deref()), place.and_then(|it| it.locality.as_deref())];
            self.same_place(claim.place(), theirs)
        };
        named.filter(|at| free(*at)).filter(same_place).collect()
    }

    /// Compares postcodes where both have one, else towns where both have one. Only what the file speaks of counts; where
    /// one side has a place and the other none, they are not known to be the same.
    fn same_place(&self, ours: [Option<&str>; 2], theirs: [Option<&str>; 2]) -> bool {
        let sides: Vec<_> = (0..2).filter(|at| self.places[*at]).map(|at| (ours[at], theirs[at])).collect();
        let both = sides.iter().find_map(|(a, b)| Some((a.as_ref()?, b.as_ref()?)));
        both.map_or_else(|| sides.iter().all(|(a, b)| a.is_none() && b.is_none()), |(a, b)| fold(a) == fold(b))
    }

    /// Two rows that would be one record the next time are one record now: the second is refused.
    fn second_new_rows(&mut self, claims: &[(usize, u32, &Claim)]) {
        let mut sources: BTreeMap<&str, u32> = BTreeMap::new();
        let mut names: BTreeMap<String, Vec<(u32, &Claim)>> = BTreeMap::new();
        for &(at, line, claim) in claims {
            if self.found[at] != Ok(None) {
                continue;
            }
            if let Some(source) = &claim.source_id {
                match sources.get(source.as_str()) {
                    Some(first) => self.found[at] = Err((Field::SourceId, Fault::SecondRow(*first))),
                    None => _ = sources.insert(source, line),
                }
                continue;
            }
            if claim.name.is_empty() {
                continue;
            }
            let alike = names.entry(fold(&claim.name)).or_default();
            let first = alike.iter().find(|(_, other)| self.same_place(claim.place(), other.place()));
            match first {
                Some((first, _)) => self.found[at] = Err((Field::Name, Fault::SecondRow(*first))),
                None => alike.push((line, claim)),
            }
        }
    }
}

/// A text without what people write in different ways: capitals, punctuation, blanks. A text of nothing else stays.
fn fold(text: &str) -> String {
    let folded: String = text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    if folded.is_empty() { text.to_owned() } else { folded }
}
