//! Which of the list's records each row of a file is. The surest sign first: the record's id, then the row's own reference,
//! then name and place; and where a source has given its rows new references, what the rows say.

use super::fault::Fault;
use super::field::Field;
use super::plan::{Existing, MANY};
use super::row::{self, Claim, Reading, What};
use crate::record::group::Group;
use crate::record::safety::Level;
use crate::store::protected::SealedRows;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Which record each row is.
pub(super) struct Matching<'a> {
    existing: &'a [Existing],
    list: Uuid,
    /// What rows withhold of their places.
    sealed: &'a SealedRows,
    /// Rows that say which record they are, with their index.
    claims: Vec<(usize, u32, &'a Claim)>,
    /// Whether the file speaks of postcodes and of towns.
    places: [bool; 2],
    /// All records by id; those of the list by their row's own reference, and by folded name.
    by_rec: BTreeMap<Uuid, usize>,
    by_source: BTreeMap<&'a str, Vec<usize>>,
    by_name: BTreeMap<String, Vec<usize>>,
    /// Postcode and town of each record, folded: once, because in some lists all rows have one name.
    stands: Vec<Place>,
    /// The first row that is each record.
    taken: BTreeMap<usize, u32>,
    /// Rows that could be several records: none of these is missing from the file.
    doubtful: BTreeSet<usize>,
    found: Vec<Result<Option<usize>, (Field, Fault)>>,
}

/// Postcode and town, folded.
type Place = [Option<String>; 2];

fn folded(place: [Option<&str>; 2]) -> Place {
    place.map(|text| text.map(fold))
}

pub(super) struct Matches {
    /// For each row of the file.
    pub(super) found: Vec<Result<Option<usize>, (Field, Fault)>>,
    /// Records of the list that no row speaks of.
    pub(super) left: BTreeSet<usize>,
    /// Rows (by index) that are a record by what they say, under another reference than before.
    pub(super) rekeyed: Vec<usize>,
    /// See `ImportPlan::references_minted_anew`.
    pub(super) minted_anew: bool,
}

impl<'a> Matching<'a> {
    pub(super) fn new(reading: &'a Reading, existing: &'a [Existing], list: Uuid) -> Self {
        let claim = |what: &'a What| match what {
            What::Skipped(_) => None,
            What::Sealed(claim, _) => Some(claim),
            What::Group(row) => Some(&row.claim),
        };
        let mut claims: Vec<_> =
            reading.rows.iter().enumerate().filter_map(|(at, row)| Some((at, row.line, claim(&row.what)?))).collect();
        // Of two rows that may be one record, the one that protects it goes first: the other is refused, whichever stands above
        // in the file, and does not become public beside it.
        claims.sort_by_key(|(_, line, _)| reading.sealed.of(*line).is_none());
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
            sealed: &reading.sealed,
            claims,
            places: [Field::Postcode, Field::Locality].map(|field| reading.fields.contains(&field)),
            by_rec: existing.iter().enumerate().map(|(at, known)| (known.rec, at)).collect(),
            by_source,
            by_name,
            stands: existing.iter().map(|known| folded(place_of(&known.group))).collect(),
            taken: BTreeMap::new(),
            doubtful: BTreeSet::new(),
            found: vec![Ok(None); reading.rows.len()],
        }
    }

    /// The surest sign first, over the whole file, before a weaker one is tried: so a row that only looks like a record
    /// never takes it from the row that names it, and the same file again finds the same records.
    pub(super) fn run(mut self) -> Matches {
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
        let (protecting, open): (Vec<_>, Vec<_>) =
            without.into_iter().partition(|(_, line, _)| self.sealed.of(*line).is_some());
        let mut inexact = Vec::new();
        for (at, line, claim) in protecting {
            let candidates = self.alike(line, claim, |at| !named.contains(&at));
            self.take_alike(at, line, candidates);
        }
        for (at, line, claim) in open {
            // Where a record says of its place just what the row says, no row that says more or less takes it.
            match self.alike_exactly(claim, |at| !self.taken.contains_key(&at)) {
                Some(known) => self.take(at, line, Field::Name, Ok(known)),
                None => inexact.push((at, line, claim)),
            }
        }
        for (at, line, claim) in inexact {
            let candidates = self.alike(line, claim, |at| !named.contains(&at));
            self.take_alike(at, line, candidates);
        }
        let referring_rows: Vec<_> = with.clone();
        for (at, line, claim) in with {
            // A record with another reference is another row of the list, however alike.
            let candidates = self
                .alike(line, claim, |at| self.existing[at].group.source_id.is_none() && !self.taken.contains_key(&at));
            self.take_alike(at, line, candidates);
        }
        let rekeyed = self.by_content(&referring_rows);
        self.second_new_rows(&claims);
        let left = self.existing.iter().enumerate().filter(|(at, known)| {
            known.group.list == Some(self.list) && !self.taken.contains_key(at) && !self.doubtful.contains(at)
        });
        let unknown = known == 0 && referring >= MANY && self.by_source.len() >= MANY;
        let left = left.map(|(at, _)| at).collect();
        Matches { left, found: self.found, minted_anew: unknown && rekeyed.len() * 2 < referring, rekeyed }
    }

    /// Rows whose reference the list does not know, against records whose reference no row has: a source that gives its rows
    /// new ids, or makes them from what the rows say, must not end as every group gone and every group new. Name and way in
    /// or place must agree; first those that meet at the same time too. Only what is the one fit on both sides is taken.
    fn by_content(&mut self, rows: &[(usize, u32, &'a Claim)]) -> Vec<usize> {
        let mut rekeyed = Vec::new();
        // What each record says is worked out once, however many rows have its name.
        let open = rows.iter().filter(|(at, ..)| self.found[*at] == Ok(None));
        let names: BTreeSet<String> = open.map(|(_, _, claim)| fold(&claim.name)).collect();
        let named = names.iter().filter_map(|name| self.by_name.get(name)).flatten();
        let says = |group: &Group| (row::when(group), row::contacts(group));
        let known: BTreeMap<usize, _> = named.map(|at| (*at, says(&self.existing[*at].group))).collect();
        for same_time in [true, false] {
            let mut rows_of: BTreeMap<usize, Vec<(usize, u32)>> = BTreeMap::new();
            let mut candidates_of: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
            for &(at, line, claim) in rows.iter().filter(|(at, ..)| self.found[*at] == Ok(None)) {
                let named = self.by_name.get(&fold(&claim.name)).into_iter().flatten().copied();
                let ours = folded(claim.place());
                let free = named.filter(|at| {
                    let (when, contacts) = &known[at];
                    self.existing[*at].group.source_id.is_some()
                        && !self.taken.contains_key(at)
                        && (!same_time || claim.when == *when)
                        && self.same_content(claim, &ours, contacts, &self.stands[*at])
                });
                for known in free.collect::<Vec<_>>() {
                    rows_of.entry(known).or_default().push((at, line));
                    candidates_of.entry(at).or_default().push(known);
                }
            }
            for (known, rows) in rows_of {
                if let [(at, line)] = rows[..]
                    && candidates_of.get(&at).is_some_and(|candidates| candidates.len() == 1)
                {
                    self.take(at, line, Field::SourceId, Ok(known));
                    rekeyed.push(at);
                } else if !same_time {
                    // Several fit: neither new nor gone is known of any of them.
                    self.doubtful.insert(known);
                    for (at, _) in &rows {
                        self.found[*at] = Err((Field::SourceId, Fault::Ambiguous(candidates_of[at].len())));
                    }
                }
            }
        }
        rekeyed.sort_unstable();
        rekeyed
    }

    /// Whether a row and a record of the same name agree in a way in or in the place; or have neither.
    fn same_content(&self, claim: &Claim, ours: &Place, contacts: &[String], theirs: &Place) -> bool {
        if claim.contacts.iter().any(|contact| contacts.contains(contact)) {
            return true;
        }
        let nothing = |place: &Place| place.iter().all(Option::is_none);
        if nothing(ours) && nothing(theirs) {
            return claim.contacts.is_empty() && contacts.is_empty();
        }
        self.same_place(ours, theirs)
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
    fn alike(&self, line: u32, claim: &Claim, free: impl Fn(usize) -> bool) -> Vec<usize> {
        let named = self.by_name.get(&fold(&claim.name)).into_iter().flatten().copied();
        let ours = folded(claim.place());
        let same_place = |at: &usize| {
            // A protected record's place is not in it: its name must do, or a row with the place would become a new record.
            if Level::stated(&self.existing[*at].group) != Level::Open {
                return true;
            }
            // Nor is a protected row's place in what it claims: what it withholds is held against the public record, which is to
            // become as protected as the row says, and must not stay public beside it.
            if let Some(sealed) = self.sealed.of(line) {
                return sealed.is_at(place_of(&self.existing[*at].group)).unwrap_or(true);
            }
            self.same_place(&ours, &self.stands[*at])
        };
        named.filter(|at| free(*at)).filter(same_place).collect()
    }

    /// The one public record with the same name and just the same place that `free` lets through.
    fn alike_exactly(&self, claim: &Claim, free: impl Fn(usize) -> bool) -> Option<usize> {
        let named = self.by_name.get(&fold(&claim.name)).into_iter().flatten().copied();
        let ours = folded(claim.place());
        let public = |at: &usize| Level::stated(&self.existing[*at].group) == Level::Open;
        let mut same = named.filter(|at| self.stands[*at] == ours && free(*at)).filter(public);
        same.next().filter(|_| same.next().is_none())
    }

    /// Compares postcodes where both have one, else towns where both have one. Only what the file speaks of counts; where
    /// one side has a place and the other none, they are not known to be the same.
    fn same_place(&self, ours: &Place, theirs: &Place) -> bool {
        let sides = || (0..2).filter(|at| self.places[*at]).map(|at| (&ours[at], &theirs[at]));
        let both = sides().find_map(|(a, b)| Some((a.as_ref()?, b.as_ref()?)));
        both.map_or_else(|| sides().all(|(a, b)| a.is_none() && b.is_none()), |(a, b)| a == b)
    }

    /// Two rows that would be one record the next time are one record now: the second is refused.
    fn second_new_rows(&mut self, claims: &[(usize, u32, &Claim)]) {
        let mut sources: BTreeMap<&str, u32> = BTreeMap::new();
        let mut names: BTreeMap<String, Vec<(u32, &Claim, Place)>> = BTreeMap::new();
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
            let ours = folded(claim.place());
            let protects = self.sealed.of(line);
            let same_place = |other: u32, theirs: &Claim, place: &Place| match (protects, self.sealed.of(other)) {
                (Some(one), Some(another)) => one.is_with(another).unwrap_or(true),
                (Some(one), None) => one.is_at(theirs.place()).unwrap_or(true),
                (None, Some(another)) => another.is_at(claim.place()).unwrap_or(true),
                (None, None) => self.same_place(&ours, place),
            };
            let first = alike.iter().find(|(other, theirs, place)| same_place(*other, theirs, place)).map(|it| it.0);
            if let Some(first) = first {
                self.found[at] = Err((Field::Name, Fault::SecondRow(first)));
            }
            // One that protects counts though it is refused: the next time it would take what may be its record.
            if first.is_none() || protects.is_some() {
                alike.push((line, claim, ours));
            }
        }
    }
}

/// Postcode and town of a group.
fn place_of(group: &Group) -> [Option<&str>; 2] {
    let place = group.place.as_ref();
    [place.and_then(|it| it.postcode.as_deref()), place.and_then(|it| it.locality.as_deref())]
}

/// A text without what people write in different ways: capitals, punctuation, blanks. A text of nothing else stays.
fn fold(text: &str) -> String {
    let folded: String = text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    if folded.is_empty() { text.to_owned() } else { folded }
}

/// By what a group of a list is known again when its words are gone: digests of its reference in the list, and of its name
/// and place. One word of difference makes another digest, and nothing can be read from one.
pub fn keys(group: &Group) -> Vec<[u8; 16]> {
    let place = group.place.as_ref();
    let place = place.and_then(|it| it.postcode.as_ref().or(it.locality.as_ref())).map(|text| fold(text));
    let named = format!("name\n{}\n{}", fold(&group.name), place.unwrap_or_default());
    let digest = |text: String| {
        let mut key = [0; 16];
        key.copy_from_slice(&Sha256::digest(text)[..16]);
        key
    };
    let source = group.source_id.as_ref().map(|source| digest(format!("source\n{source}")));
    source.into_iter().chain([digest(named)]).collect()
}
