//! The register of research uses: which study may use which frame, approved by whom, for what, which fields of it, until when.
//!
//! An ethics approval belongs to a use of a frame, never to a group (USERS F8). A use is noted before anything is handed over, is shown to
//! the trustees, and is asked about before and after its last day, until somebody says that the organisation has deleted what it was given.
//! No person stands in it: a study, an organisation, a committee's reference.

use crate::node::Hub;
use crate::record::scan;
use crate::store;
use crate::store::frame::UseRow;
use anyhow::{Context, bail};
use jiff::civil::Date;
use serde::Serialize;

/// So many days before its last a use is asked about.
pub const REMIND: i32 = 30;

/// A use to be noted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUse {
    /// The study.
    pub study: String,
    /// The ethics committee's reference.
    pub ethics: String,
    /// What for.
    pub purpose: String,
    /// Name of the frame.
    pub frame: String,
    /// Digest of its bytes, where it is a frozen one.
    pub digest: Option<String>,
    /// The organisation that it is released to.
    pub reader: String,
    /// Names of the fields released, in the order given.
    pub fields: Vec<String>,
    /// Last day.
    pub until: Date,
}

/// A use, as it stands on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Use {
    /// Its number.
    pub number: i64,
    /// The study.
    pub study: String,
    /// The ethics committee's reference.
    pub ethics: String,
    /// What for.
    pub purpose: String,
    /// Name of the frame.
    pub frame: String,
    /// Digest of its bytes, where it is a frozen one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The organisation that it is released to.
    pub reader: String,
    /// Names of the fields released.
    pub fields: Vec<String>,
    /// First day.
    pub begun: Date,
    /// Last day.
    pub until: Date,
    /// Day on which it was said to have ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<Date>,
    /// Days that are left; below 0 where it has run out and nobody has said that it ended. None of one that has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days_left: Option<i32>,
}

impl Use {
    fn of(row: UseRow, today: Date) -> anyhow::Result<Use> {
        let day = |text: &str| text.parse::<Date>().context("a stored day of the register cannot be read");
        let until = day(&row.expires)?;
        let ended = row.ended.as_deref().map(day).transpose()?;
        Ok(Use {
            number: row.n,
            study: row.study,
            ethics: row.ethics,
            purpose: row.purpose,
            frame: row.frame,
            digest: row.digest,
            reader: row.reader,
            fields: serde_json::from_str(&row.fields).context("the stored fields of a use cannot be read")?,
            begun: day(&row.begun)?,
            until,
            days_left: ended.is_none().then(|| (until - today).get_days()),
            ended,
        })
    }

    /// What somebody must be reminded of, in a sentence.
    pub fn reminder(&self) -> Option<String> {
        let Use { number, study, reader, frame, until, .. } = self;
        match self.days_left? {
            left if left < 0 => Some(format!(
                "{study}: {reader} might use {frame} until {until}, {} days ago; ask whether it is deleted, then `mutuald frame use end {number}`",
                -left
            )),
            left if left <= REMIND => Some(format!(
                "{study}: {reader} may use {frame} until {until} ({left} days); `mutuald frame use extend {number} --until DAY` if its approval was renewed"
            )),
            _ => None,
        }
    }

    /// Whether its last day has passed and nobody has said that it ended.
    pub fn overdue(&self) -> bool {
        self.days_left.is_some_and(|left| left < 0)
    }
}

/// Looks a use over before it is noted.
///
/// # Errors
/// What is missing or may be somebody's own, in words.
pub fn check(new: &NewUse, today: Date) -> anyhow::Result<()> {
    let texts = [
        ("the study", &new.study),
        ("the ethics reference", &new.ethics),
        ("the purpose", &new.purpose),
        ("the organisation", &new.reader),
    ];
    for (what, text) in texts {
        if text.trim().is_empty() {
            bail!("{what} is empty");
        }
        if let Some((kind, _)) = scan::in_text(text).first() {
            bail!("{what} seems to hold {}: the register names no person", kind.words());
        }
    }
    let word = |field: &String| {
        !field.is_empty()
            && field.len() <= 40
            && field.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
    };
    match new.fields.iter().find(|field| !word(field)) {
        Some(field) => bail!("{field:?} is no field's name: lower-case letters, digits, _ and -"),
        None if new.fields.is_empty() => bail!("no field is named: say which fields of the frame are released"),
        None => {}
    }
    if new.until < today {
        bail!("{} has passed already", new.until);
    }
    Ok(())
}

impl Hub {
    /// Notes a use; its number.
    ///
    /// # Errors
    /// [`check`]; database errors.
    pub async fn note_use(&self, new: &NewUse) -> anyhow::Result<i64> {
        let today = self.today()?;
        check(new, today)?;
        let row = UseRow {
            n: 0,
            study: new.study.clone(),
            ethics: new.ethics.clone(),
            purpose: new.purpose.clone(),
            frame: new.frame.clone(),
            digest: new.digest.clone(),
            reader: new.reader.clone(),
            fields: serde_json::to_string(&new.fields)?,
            begun: today.to_string(),
            expires: new.until.to_string(),
            ended: None,
            at: self.clock.now().as_second(),
        };
        let mut db = self.store.write().await?;
        let number = store::frame::note_use(&mut db, &row).await?;
        db.commit().await?;
        Ok(number)
    }

    /// The register, the last noted first.
    ///
    /// # Errors
    /// Database errors.
    pub async fn uses(&self) -> anyhow::Result<Vec<Use>> {
        let today = self.today()?;
        let mut db = self.store.read().await?;
        store::frame::uses(&mut db).await?.into_iter().map(|row| Use::of(row, today)).collect()
    }

    /// Notes that a use has ended: the organisation said that it deleted what it was given.
    ///
    /// # Errors
    /// No such use, or one that has ended; database errors.
    pub async fn end_use(&self, number: i64) -> anyhow::Result<()> {
        let today = self.today()?.to_string();
        let mut db = self.store.write().await?;
        if !store::frame::end_use(&mut db, number, &today).await? {
            bail!("there is no use {number} that has not ended");
        }
        Ok(db.commit().await?)
    }

    /// Notes that a use goes on until another day.
    ///
    /// # Errors
    /// A day that has passed; no such use, or one that has ended; database errors.
    pub async fn extend_use(&self, number: i64, until: Date) -> anyhow::Result<()> {
        if until < self.today()? {
            bail!("{until} has passed already");
        }
        let mut db = self.store.write().await?;
        if !store::frame::extend_use(&mut db, number, &until.to_string()).await? {
            bail!("there is no use {number} that has not ended");
        }
        Ok(db.commit().await?)
    }
}
