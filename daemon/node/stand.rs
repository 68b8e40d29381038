//! What each record is by its own words: live, or why not; and the keys by which records find one another.

use crate::record::{Group, part, statement::Kind};
use crate::registry::features;
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
    /// Their link keys: how many records came to have each, and how many ceased to.
    pub keys: BTreeMap<i64, (i64, i64)>,
    /// How many more group records are live than before.
    pub live: i64,
}

impl Touched {
    /// Adds records that stand as they stood, but whose groups may be others now.
    pub fn places(&mut self, places: impl IntoIterator<Item = Place>) {
        for (record, group) in places {
            self.records.insert(record);
            self.groups.extend(group);
        }
    }

    /// Adds what was touched elsewhere.
    pub fn extend(&mut self, other: Touched) {
        self.records.extend(other.records);
        self.groups.extend(other.groups);
        self.live += other.live;
        for (key, (come, gone)) in other.keys {
            let counts = self.keys.entry(key).or_default();
            *counts = (counts.0 + come, counts.1 + gone);
        }
    }

    /// A record's keys before and after decide whom it may be joined with: by how many records have each.
    fn keys(&mut self, had: &BTreeSet<i64>, has: &BTreeSet<i64>) {
        has.difference(had).for_each(|key| self.keys.entry(*key).or_default().0 += 1);
        had.difference(has).for_each(|key| self.keys.entry(*key).or_default().1 += 1);
        had.intersection(has).for_each(|key| {
            self.keys.entry(*key).or_default();
        });
    }
}

/// What the line of a put gives.
#[derive(Debug)]
pub enum Words {
    /// It did not come, or was taken away.
    Absent,
    /// It cannot be read: a stable code.
    Unreadable(&'static str),
    /// Link keys of the group that it describes.
    Keys(Vec<i64>),
}

impl Words {
    /// Reads a line.
    pub fn of(line: Option<&str>) -> Words {
        match line.map(|line| part::json(line).map(Group::read)) {
            None => Words::Absent,
            Some(None) => Words::Unreadable("part-salt"),
            Some(Some(Err(error))) => Words::Unreadable(error.code()),
            Some(Some(Ok(group))) => Words::Keys(features::keys(&group).iter().map(|key| key.hash as i64).collect()),
        }
    }
}

/// Writes records as they stand: folded state from the caller; standing, link keys and (until it is linked) its own group
/// from its words, which are found by the position of its put. `erased` is what its hub erased.
///
/// # Errors
/// Database errors.
pub async fn stand(
    db: &mut Write,
    mut rows: Vec<RecordRow>,
    words: &HashMap<i64, Words>,
    erased: &BTreeMap<Uuid, u64>,
    touched: &mut Touched,
) -> Result<(), StoreError> {
    let (mut gone, mut come) = (Vec::new(), Vec::new());
    rows.sort_unstable_by_key(|row| row.state.first);
    for row in &mut rows {
        let had: BTreeSet<i64> = row.keys.drain(..).collect();
        let was_live = live(row);
        let said = row.state.put.and_then(|(pos, _)| words.get(&pos)).unwrap_or(&Words::Absent);
        row.standing = standing(row, said, erased).into();
        touched.live += i64::from(live(row)) - i64::from(was_live);
        if let Words::Keys(keys) = said
            && live(row)
        {
            row.keys.clone_from(keys);
        }
        let has: BTreeSet<i64> = row.keys.iter().copied().collect();
        gone.extend(had.difference(&has).map(|key| (*key, row.state.first)));
        come.extend(has.difference(&had).map(|key| (*key, row.state.first)));
        touched.keys(&had, &has);
        touched.places([(row.state.first, row.group)]);
        row.group = live(row).then_some(row.state.first);
    }
    store::record::write(db, &rows).await?;
    store::registry::link(db, &gone, &come).await
}

fn live(row: &RecordRow) -> bool {
    row.standing == "live" && row.state.kind == Kind::Record
}

fn standing(row: &RecordRow, words: &Words, erased: &BTreeMap<Uuid, u64>) -> std::borrow::Cow<'static, str> {
    let Some((_, rev)) = row.state.put else { return "withdrawn".into() };
    match words {
        _ if row.state.withdrawn => "withdrawn".into(),
        _ if erased.get(&row.rec).is_some_and(|upto| rev <= *upto) => "erased".into(),
        Words::Absent => "withheld".into(),
        Words::Unreadable(code) if row.state.kind == Kind::Record => format!("unreadable:{code}").into(),
        _ => "live".into(),
    }
}

/// Looks again at records that were marked: a line of theirs came or went.
///
/// # Errors
/// Database errors.
pub async fn again(db: &mut Write, touched: &mut Touched) -> Result<(), StoreError> {
    let marked = store::registry::marked(db).await?;
    let mut by_hub: BTreeMap<i64, Vec<RecordRow>> = BTreeMap::new();
    for row in store::record::numbered(db, &marked).await? {
        by_hub.entry(row.hub).or_default().push(row);
    }
    for (hub, rows) in by_hub {
        let erased = store::log::erasures(db, hub).await?;
        let puts: Vec<i64> = rows.iter().filter_map(|row| row.state.put.map(|(pos, _)| pos)).collect();
        let words = words_at(db, &puts).await?;
        stand(db, rows, &words, &erased, touched).await?;
    }
    Ok(())
}

/// What the lines held at these positions give.
///
/// # Errors
/// Database errors.
pub async fn words_at(db: &mut Write, positions: &[i64]) -> Result<HashMap<i64, Words>, StoreError> {
    let lines = store::log::lines(db, positions).await?;
    Ok(lines.into_iter().map(|(pos, line)| (pos, Words::of(Some(&line)))).collect())
}
