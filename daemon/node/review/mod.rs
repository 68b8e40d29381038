//! People decide: questions about pairs of groups, the most consequential first, and what became of them.
//!
//! * this file: the queue, and the numbers under which questions were last shown;
//! * [`question`]: one question with all that a person looks at;
//! * [`decide`]: answers as signed statements, taken back one step at a time;
//! * [`letter`]: a text to ask the hub whose list it is;
//! * [`labels`]: the answers as a file, for measuring and fitting the linkage model.
//!
//! Nothing here hurries anybody: a question that is never answered does no harm, and one that was answered is not put again.
//! What is decided is remembered as statements. What is remembered beside them, in one setting of the database, is only
//! convenience: which questions the numbers mean, which steps can be taken back, whom one has written to.

pub mod decide;
pub mod labels;
pub mod letter;
pub mod question;

use super::Hub;
use super::groups::Reader;
use crate::record::RecordRef;
use crate::store::question::{self as stored, Open};
use crate::store::{self, StoreError, Write};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sqlx::SqliteConnection;
use uuid::Uuid;

/// How many questions are shown unless somebody asks for more: what can be done at one sitting.
pub const SITTING: usize = 20;
/// Steps that can be taken back.
const STEPS: usize = 1_000;
const SETTING: &str = "review";

/// Two records, by which a question is known.
pub type Ends = (RecordRef, RecordRef);

/// What is remembered between two sittings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// The questions as they were last shown: number 1 is the first.
    pub shown: Vec<Ends>,
    /// What was decided, step by step: the statements of a step, by id and revision.
    pub steps: Vec<Vec<(Uuid, u64)>>,
    /// Questions about which another hub was written to, and on which day.
    pub written: Vec<(Ends, Date)>,
}

impl Memory {
    /// Reads it.
    ///
    /// # Errors
    /// Database errors.
    pub async fn read(db: &mut SqliteConnection) -> Result<Memory, StoreError> {
        let text = store::setting(db, SETTING).await?;
        // Written by another version: nothing is lost but numbers and steps.
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
    }

    async fn write(mut self, db: &mut Write) -> anyhow::Result<()> {
        let spare = self.steps.len().saturating_sub(STEPS);
        self.steps.drain(..spare);
        Ok(store::set(db, SETTING, &serde_json::to_string(&self)?).await?)
    }

    /// When another hub was written to about this.
    pub fn written(&self, ends: &Ends) -> Option<Date> {
        self.written.iter().rev().find(|(known, _)| known == ends).map(|(_, day)| *day)
    }
}

/// Which questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filter {
    /// Only about groups that this hub lists.
    pub mine: bool,
    /// Also those about which another hub was written to.
    pub written: bool,
    /// At most so many.
    pub limit: usize,
}

impl Default for Filter {
    fn default() -> Filter {
        Filter { mine: false, written: false, limit: SITTING }
    }
}

/// Questions in their order.
pub struct Queue {
    /// What is open.
    pub open: Open,
    /// The first questions, by their two records.
    pub ends: Vec<Ends>,
}

/// The questions that are most worth an answer ([`store::question`] says which these are).
///
/// # Errors
/// Database errors.
pub async fn queue(db: &mut SqliteConnection, reader: &Reader, filter: Filter) -> anyhow::Result<Queue> {
    let memory = Memory::read(db).await?;
    let written = if filter.written { 0 } else { memory.written.len() };
    let mut open = stored::open(db, reader.rules(), filter.mine, filter.limit.saturating_add(written)).await?;
    let numbers: Vec<i64> = open.first.iter().flat_map(|question| [question.a, question.b]).collect();
    let rows = store::record::numbered(db, &numbers).await?;
    let record = |n: i64| {
        let row = rows.binary_search_by_key(&n, |row| row.state.first).ok().and_then(|at| rows.get(at))?;
        reader.rules().reference((row.hub, row.rec))
    };
    let mut ends = Vec::with_capacity(open.first.len());
    open.first.retain(|question| {
        let Some(pair) = record(question.a).zip(record(question.b)) else { return false };
        let wanted = ends.len() < filter.limit && (filter.written || memory.written(&pair).is_none());
        ends.extend(wanted.then_some(pair));
        wanted
    });
    Ok(Queue { open, ends })
}

impl Hub {
    /// Remembers which questions the numbers mean.
    ///
    /// # Errors
    /// Database errors.
    pub async fn review_shown(&self, ends: &[Ends]) -> anyhow::Result<()> {
        let mut db = self.store.write().await?;
        let mut memory = Memory::read(&mut db).await?;
        if memory.shown != ends {
            memory.shown = ends.to_vec();
            memory.write(&mut db).await?;
            db.commit().await?;
        }
        Ok(())
    }

    /// Remembers that another hub is being asked about this.
    ///
    /// # Errors
    /// Database errors.
    pub async fn review_written(&self, ends: Ends) -> anyhow::Result<()> {
        let today = self.clock.today(&self.config.time_zone()?);
        let mut db = self.store.write().await?;
        let mut memory = Memory::read(&mut db).await?;
        memory.written.retain(|(known, _)| *known != ends);
        memory.written.push((ends, today));
        memory.write(&mut db).await?;
        Ok(db.commit().await?)
    }
}
