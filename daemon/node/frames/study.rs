//! Studies in the field at a hub: opened from a frozen frame's draws, noted entry by entry, numbered once. All of it is local: no entry,
//! no number and no mapping is ever signed, published or exported.

use super::verify::Opened;
use crate::frame::fieldwork::{Entry, Event, Field, FieldError, Study, Unit};
use crate::frame::number::{self, Key};
use crate::node::Hub;
use crate::record::scan;
use crate::store;
use crate::store::study::{EntryRow, StudyRow};
use anyhow::{Context, bail};
use jiff::Timestamp;
use jiff::civil::Date;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A study with all that was noted of it.
#[derive(Debug, Clone)]
pub struct Kept {
    /// What was drawn.
    pub study: Study,
    /// What was noted, in that order.
    pub entries: Vec<Entry>,
    /// When each was noted.
    pub noted: Vec<Timestamp>,
    /// Study numbers by unit; empty until they are given.
    pub numbers: BTreeMap<String, usize>,
}

impl Kept {
    /// What stands.
    ///
    /// # Errors
    /// Stored entries that contradict each other, which this program does not write.
    pub fn field(&self) -> Result<Field<'_>, FieldError> {
        Field::of(&self.study, &self.entries)
    }
}

/// Why something is not noted.
#[derive(Debug, thiserror::Error)]
pub enum StudyError {
    /// What the study's own entries do not allow.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// No such study.
    #[error("no study is called {0:?} here")]
    Unknown(String),
    /// A study of that name is in the field.
    #[error("a study {0:?} is in the field here already, and something was noted of it")]
    Open(String),
    /// Words that may tell of a person.
    #[error("the reason holds {what}, {text:?}: of a person nothing is kept here")]
    Person {
        /// What it seems to be.
        what: &'static str,
        /// The words.
        text: String,
    },
    /// A day that cannot be.
    #[error("{0} lies before the draw or after today")]
    Day(Date),
}

impl Hub {
    /// Opens a study from the draws in a frozen frame's folder; anew, as long as nothing was noted of it.
    ///
    /// # Errors
    /// A folder that is not as its hubs signed it; no draw for the study; a study of that name; database errors.
    pub async fn open_study(&self, folder: &Path, name: &str) -> anyhow::Result<Study> {
        let Opened { checked, frame, mut draws, .. } = super::open(folder)?;
        let (Some(frame), Some(digest)) = (frame, checked.digest) else { bail!("this folder holds no frame") };
        let of_study = checked.draws.into_iter().filter(|one| one.study == name);
        let draws = of_study.filter_map(|one| Some((one.hub_name, draws.remove(&one.file)?))).collect();
        let study = Study::of(name, &frame, &digest, draws).map_err(StudyError::Field)?;
        let units = study.units.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
        let at = self.clock.now().as_second();
        let row = StudyRow { name: name.to_owned(), digest, body: serde_json::to_string(&study)?, at };
        let mut db = self.store.write().await?;
        if store::study::all(&mut db).await?.iter().any(|known| known.name == name) {
            if !store::study::entries(&mut db, name).await?.is_empty() {
                return Err(StudyError::Open(name.to_owned()).into());
            }
            store::study::forget(&mut db, name).await?;
        }
        store::study::open(&mut db, &row, &units).await?;
        db.commit().await?;
        Ok(study)
    }

    /// All studies that are open here, by name.
    ///
    /// # Errors
    /// Database errors.
    pub async fn studies(&self) -> anyhow::Result<Vec<Kept>> {
        let mut db = self.store.read().await?;
        let mut all = Vec::new();
        for row in store::study::all(&mut db).await? {
            all.push(kept(&mut db, &row).await?);
        }
        Ok(all)
    }

    /// A study by its name.
    ///
    /// # Errors
    /// [`StudyError::Unknown`]; database errors.
    pub async fn study(&self, name: &str) -> anyhow::Result<Kept> {
        let mut db = self.store.read().await?;
        known(&mut db, name).await
    }

    /// Notes what happened, all of it or nothing.
    ///
    /// # Errors
    /// [`StudyError`]; database errors.
    pub async fn note_study(&self, name: &str, events: &[(Date, Event)]) -> anyhow::Result<Kept> {
        let mut db = self.store.write().await?;
        let known = known(&mut db, name).await?;
        let new = self.study_entries(&known, events)?;
        for entry in &new {
            store::study::enter(&mut db, name, &self.study_row(entry)?).await?;
        }
        let kept = self::known(&mut db, name).await?;
        db.commit().await?;
        Ok(kept)
    }

    /// The entries that events would be, once they were found to stand.
    ///
    /// # Errors
    /// [`StudyError`].
    pub fn study_entries(&self, known: &Kept, events: &[(Date, Event)]) -> anyhow::Result<Vec<Entry>> {
        let today = self.today()?;
        let zone = self.config.time_zone()?;
        let drawn = |part: &crate::frame::fieldwork::Part| part.request.commitment.at.to_zoned(zone.clone()).date();
        let first = known.study.parts.iter().map(drawn).min().unwrap_or(today);
        for (day, event) in events {
            if *day > today || *day < first {
                return Err(StudyError::Day(*day).into());
            }
            let words = match event {
                Event::Outcome { reason, .. } => reason.as_deref(),
                Event::TakenBack { why, .. } => Some(why.as_str()),
                Event::Released { why, .. } => why.as_deref(),
                Event::Issued { .. } | Event::Numbered { .. } => None,
            };
            if let Some((kind, text)) = words.and_then(|words| scan::in_text(words).into_iter().next()) {
                return Err(StudyError::Person { what: kind.words(), text }.into());
            }
        }
        let entry = |(n, (day, event)): (usize, &(Date, Event))| Entry { n, day: *day, event: event.clone() };
        let new: Vec<Entry> = (known.entries.len() + 1..).zip(events).map(entry).collect();
        Field::adding(&known.study, &known.entries, &new).map_err(StudyError::Field)?;
        Ok(new)
    }

    /// Gives every group in the field its number, once. The key is drawn for this and thrown away: what is left is the mapping.
    ///
    /// # Errors
    /// Numbers that were given; database errors.
    pub async fn number_study(&self, name: &str) -> anyhow::Result<Kept> {
        let mut db = self.store.write().await?;
        let known = known(&mut db, name).await?;
        let used = known.field().map_err(StudyError::Field)?.used();
        let new = self.study_entries(&known, &[(self.today()?, Event::Numbered { units: used.len() })])?;
        let mut key = [0; 32];
        self.chance.draw(|rng| rand::Rng::fill_bytes(rng, &mut key));
        for (unit, number) in number::numbers(&Key(key), used.iter().map(String::as_str)) {
            store::study::number(&mut db, name, &unit, i64::try_from(number)?).await?;
        }
        for entry in &new {
            store::study::enter(&mut db, name, &self.study_row(entry)?).await?;
        }
        let kept = self::known(&mut db, name).await?;
        db.commit().await?;
        Ok(kept)
    }

    /// What groups are called at this hub; those it does not know are left out.
    ///
    /// # Errors
    /// Database errors.
    pub async fn names_of(&self, units: &BTreeSet<String>) -> anyhow::Result<BTreeMap<String, String>> {
        let mut db = self.store.read().await?;
        let rules = self.rules(&mut db).await?;
        let numbers = store::lookup::all(&mut db).await?;
        let rows = store::lookup::groups(&mut db, &numbers).await?;
        let named =
            rows.into_iter().filter_map(|row| Some((rules.reference((row.hub, row.rec))?.to_string(), row.name)));
        Ok(named.filter(|(unit, _)| units.contains(unit)).collect())
    }

    fn study_row(&self, entry: &Entry) -> anyhow::Result<EntryRow> {
        let body = serde_json::to_string(&entry.event)?;
        Ok(EntryRow { n: i64::try_from(entry.n)?, day: entry.day.to_string(), at: self.clock.now().as_second(), body })
    }
}

async fn known(db: &mut sqlx::SqliteConnection, name: &str) -> anyhow::Result<Kept> {
    let rows = store::study::all(db).await?;
    let row = rows.into_iter().find(|row| row.name == name).ok_or_else(|| StudyError::Unknown(name.to_owned()))?;
    kept(db, &row).await
}

async fn kept(db: &mut sqlx::SqliteConnection, row: &StudyRow) -> anyhow::Result<Kept> {
    let what = || format!("what is stored of the study {:?} cannot be read", row.name);
    let mut study: Study = serde_json::from_str(&row.body).with_context(what)?;
    let units = store::study::units(db, &row.name).await?;
    study.units =
        units.iter().map(|unit| serde_json::from_str::<Unit>(unit)).collect::<Result<_, _>>().with_context(what)?;
    let (mut entries, mut noted) = (Vec::new(), Vec::new());
    for row in store::study::entries(db, &row.name).await? {
        let event = serde_json::from_str(&row.body).with_context(what)?;
        let day = row.day.parse().with_context(what)?;
        entries.push(Entry { n: usize::try_from(row.n).with_context(what)?, day, event });
        noted.push(Timestamp::from_second(row.at).with_context(what)?);
    }
    let mut numbers = BTreeMap::new();
    for (number, unit) in store::study::numbers(db, &row.name).await? {
        numbers.insert(unit, usize::try_from(number).with_context(what)?);
    }
    Ok(Kept { study, entries, noted, numbers })
}
