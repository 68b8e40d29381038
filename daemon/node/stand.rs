//! What each record is by its own words: live, or why not; and the keys by which records find one another.

use crate::record::{Group, part, statement::Kind};
use crate::registry::linkage::{self, Features, Model};
use crate::store::group::Compared;
use crate::store::hidden::Line;
use crate::store::record::RecordRow;
use crate::store::registry::Place;
use crate::store::{self, StoreError, Write};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// What must be looked at again because records changed.
#[derive(Debug, Default)]
pub struct Touched {
    /// Records whose groups are to be made again.
    pub records: BTreeSet<i64>,
    /// Groups that these belonged to.
    pub groups: BTreeSet<i64>,
    /// Those of the records that are to be compared again with others.
    pub compare: BTreeSet<i64>,
    /// What of them is compared, as far as it was read.
    pub compared: BTreeMap<i64, Compared>,
    /// Their link keys, once for each record: those that it came to have, those that it ceased to, those it keeps.
    pub keys: Keys,
    /// How many more group records are live than before.
    pub live: i64,
}

/// Link keys of changed records.
#[derive(Debug, Default)]
pub struct Keys {
    /// Which a record came to have, with that record.
    pub come: Vec<(i64, i64)>,
    /// Of these, so many from the first on are in the database. Written all at once and in their order they cost a fraction of
    /// what each batch of records would cost: keys are hashes, and fall everywhere.
    pub written: usize,
    /// Which a record ceased to have.
    pub gone: Vec<i64>,
    /// Which a record has as before.
    pub kept: Vec<i64>,
}

impl Touched {
    /// Adds records that say what they said, but whose groups may be others now.
    pub fn places(&mut self, places: impl IntoIterator<Item = Place>) {
        for (record, group) in places {
            self.records.insert(record);
            self.groups.extend(group);
        }
    }

    /// Adds every record there is, to be compared again too.
    pub fn everything(&mut self, places: Vec<Place>) {
        self.compare.extend(places.iter().map(|(record, _)| record));
        self.places(places);
    }
}

/// What the line of a put gives.
#[derive(Debug)]
pub enum Words {
    /// It did not come, or was taken away.
    Absent,
    /// It cannot be read: a stable code.
    Unreadable(&'static str),
    /// A group, as others are compared with it.
    Read {
        /// The list whose row it is.
        list: Option<Uuid>,
        /// What of it is compared.
        features: Box<Features>,
        /// Keys by which others find it.
        keys: Vec<i64>,
    },
}

impl Words {
    /// Reads a line.
    pub fn of(line: Option<&str>, model: &Model) -> Words {
        match line.map(|line| part::json(line).map(Group::read)) {
            None => Words::Absent,
            Some(None) => Words::Unreadable("part-salt"),
            Some(Some(Err(error))) => Words::Unreadable(error.code()),
            Some(Some(Ok(group))) => {
                let (features, keys) = linkage::read(&group, model);
                let keys = keys.into_iter().map(|key| key as i64).collect();
                Words::Read { list: group.list, features: Box::new(features), keys }
            }
        }
    }
}

/// What of a hub's records no longer counts, whatever their words say.
#[derive(Debug, Clone, Copy)]
pub struct Gone<'a> {
    /// What its hub erased: record to revision.
    pub erased: &'a BTreeMap<Uuid, u64>,
    /// Records in whose stead another hub's stand.
    pub replaced: &'a BTreeSet<Uuid>,
}

/// Writes records as they stand: folded state from the caller; standing, link keys and (until it is linked) its own group
/// from its words, which are found by the position of its put. All are one hub's.
///
/// # Errors
/// Database errors.
pub async fn stand(
    db: &mut Write,
    mut rows: Vec<RecordRow>,
    mut words: HashMap<i64, Words>,
    no_longer: Gone<'_>,
    touched: &mut Touched,
) -> Result<(), StoreError> {
    let (mut gone, mut superseded) = (Vec::new(), Vec::new());
    rows.sort_unstable_by_key(|row| row.state.first);
    for row in &mut rows {
        let first = row.state.first;
        let had = std::mem::take(&mut row.keys);
        let was_live = live(row);
        if let Some((newer, (pos, rev))) = row.state.awaited.as_ref().zip(row.state.put) {
            let there = |pos| words.get(&pos).is_some_and(|words| !matches!(words, Words::Absent));
            let erased = no_longer.erased.get(&row.rec).is_some_and(|upto| newer.rev <= *upto);
            if there(newer.pos) || erased || !there(pos) {
                row.state.settle();
                superseded.push(Line { pos, rec: row.rec, rev });
            }
        }
        let said = row.state.put.and_then(|(pos, _)| words.remove(&pos)).unwrap_or(Words::Absent);
        row.standing = standing(row, &said, no_longer).into();
        touched.live += i64::from(live(row)) - i64::from(was_live);
        touched.compared.remove(&first);
        let before = std::mem::take(&mut row.compared);
        if let Words::Read { list, features, keys } = said
            && live(row)
        {
            row.keys = keys;
            let compared = Compared { hub: row.hub, rec: row.rec, list, features: *features };
            row.compared = compared.hash();
            touched.compared.insert(first, compared);
        }
        touched.places([(first, row.group)]);
        row.group = live(row).then_some(first);
        if was_live && live(row) && row.compared == before && row.keys == had {
            // It says other things, but nothing by which it is compared: its pairs stand.
            continue;
        }
        for key in &row.keys {
            if had.contains(key) {
                touched.keys.kept.push(*key);
            } else {
                touched.keys.come.push((*key, first));
            }
        }
        for key in had.iter().filter(|key| !row.keys.contains(key)) {
            touched.keys.gone.push(*key);
            gone.push((*key, first));
        }
        if row.state.kind == Kind::Record {
            touched.compare.insert(first);
        }
    }
    store::record::write(db, &rows).await?;
    if let Some(row) = rows.first() {
        store::hidden::hide(db, row.hub, &superseded).await?;
    }
    if gone.is_empty() {
        return Ok(());
    }
    // A key may be taken away that came in this run.
    link(db, &mut touched.keys).await?;
    store::registry::unlink(db, &gone).await
}

/// Writes the keys that records came to have and that are not written yet, in the order of their index.
///
/// # Errors
/// Database errors.
pub async fn link(db: &mut Write, keys: &mut Keys) -> Result<(), StoreError> {
    let new = &mut keys.come[keys.written..];
    new.sort_unstable();
    store::registry::link(db, new).await?;
    keys.written = keys.come.len();
    Ok(())
}

fn live(row: &RecordRow) -> bool {
    row.standing == "live" && row.state.kind == Kind::Record
}

fn standing(row: &RecordRow, words: &Words, gone: Gone<'_>) -> std::borrow::Cow<'static, str> {
    let Some((_, rev)) = row.state.put else { return "withdrawn".into() };
    match words {
        _ if row.state.withdrawn => "withdrawn".into(),
        _ if gone.erased.get(&row.rec).is_some_and(|upto| rev <= *upto) => "erased".into(),
        _ if gone.replaced.contains(&row.rec) && row.state.kind == Kind::Record => "replaced".into(),
        Words::Absent => "withheld".into(),
        Words::Unreadable(code) if row.state.kind == Kind::Record => format!("unreadable:{code}").into(),
        _ => "live".into(),
    }
}

/// Where the words of a record are: those in use, and those that are awaited.
pub fn puts(row: &RecordRow) -> impl Iterator<Item = i64> + use<> {
    row.state.put.map(|(pos, _)| pos).into_iter().chain(row.state.awaited.as_ref().map(|newer| newer.pos))
}

/// Looks again at records that were marked: a line of theirs came or went.
///
/// # Errors
/// Database errors.
pub async fn again(db: &mut Write, model: &Model, touched: &mut Touched) -> Result<(), StoreError> {
    for marked in store::registry::marked(db).await?.chunks(4 * store::CHUNK) {
        let mut by_hub: BTreeMap<i64, Vec<RecordRow>> = BTreeMap::new();
        for row in store::record::numbered(db, marked).await? {
            by_hub.entry(row.hub).or_default().push(row);
        }
        for (hub, rows) in by_hub {
            let erased = store::log::erasures(db, hub).await?;
            let replaced = store::succession::replaced(db, hub).await?;
            let puts: Vec<i64> = rows.iter().flat_map(puts).collect();
            let words = words_at(db, &puts, model).await?;
            stand(db, rows, words, Gone { erased: &erased, replaced: &replaced }, touched).await?;
        }
    }
    Ok(())
}

/// What the lines held at these positions give.
///
/// # Errors
/// Database errors.
pub async fn words_at(db: &mut Write, positions: &[i64], model: &Model) -> Result<HashMap<i64, Words>, StoreError> {
    let lines = store::log::lines(db, positions).await?;
    Ok(lines.into_iter().map(|(pos, line)| (pos, Words::of(Some(&line), model))).collect())
}
