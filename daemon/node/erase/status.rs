//! Each erasure as it stands: which partner hubs have confirmed it, which have not, since when.

use crate::node::Hub;
use crate::node::backup::is_half;
use crate::store::erase::{self, ErasedRow, How, parts_label};
use crate::store::log::{self, OWN};
use crate::store::partner::PartnerRow;
use crate::store::{self, ack};
use anyhow::Context;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// A partner hub and an erasure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Confirmation {
    /// The partner.
    pub hub: String,
    /// When it confirmed, as it says; `None`: it has not.
    pub confirmed: Option<Timestamp>,
    /// When this hub last reached it.
    pub reached: Option<Timestamp>,
    /// Since when it is known to serve the words although it confirmed.
    pub still_serves: Option<Timestamp>,
}

/// How far an erasure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// The words are deleted here.
    Deleted,
    /// They are hidden here, and deleted later: the hub asked for very many at once.
    Hidden,
}

/// One erasure.
#[derive(Debug, Clone, Serialize)]
pub struct Erasure {
    /// Its number here.
    pub number: i64,
    /// Why.
    pub how: How,
    /// Whose record.
    pub hub: String,
    /// The record's id.
    pub record: uuid::Uuid,
    /// Which classes of parts; `*` for all.
    pub parts: String,
    /// When this hub obeyed it.
    pub at: Timestamp,
    /// How far it is here.
    pub stage: Stage,
    /// When the words are deleted, where they are hidden.
    pub until: Option<Timestamp>,
    /// Of a request: whether the record's own hub has erased it since.
    pub obeyed_by_its_hub: Option<bool>,
    /// This hub's own records that name it as where they are from: they are this hub's to erase, or to keep.
    pub repeated_here: Vec<uuid::Uuid>,
    /// Of this hub's own: each partner hub.
    pub partners: Vec<Confirmation>,
}

impl Erasure {
    /// Whether somebody has yet to confirm, or was found not to do what it confirmed.
    pub fn open(&self) -> bool {
        self.obeyed_by_its_hub == Some(false)
            || !self.repeated_here.is_empty()
            || self.partners.iter().any(|partner| partner.confirmed.is_none() || partner.still_serves.is_some())
    }
}

fn time(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or_default()
}

/// For how many erasures, the newest first, copies in this hub's own list are looked for: each is a look at every record.
const LOOKED_FOR: usize = 50;

impl Hub {
    /// Every erasure, newest first.
    ///
    /// # Errors
    /// Database errors.
    pub async fn erasures(&self) -> anyhow::Result<Vec<Erasure>> {
        let mut db = self.store.read().await?;
        let mut rows = erase::after(&mut db, 0).await?;
        let names: BTreeMap<i64, String> =
            log::all(&mut db).await?.into_iter().map(|log| (log.owner, log.name)).collect();
        let own = log::by_number(&mut db, OWN).await?.context("this database holds no hub")?;
        let acks = ack::of(&mut db, own.key.name()).await?;
        let partners = store::partner::all(&mut db).await?;
        let caught = ack::caught(&mut db).await?;
        let received: Vec<(i64, uuid::Uuid)> =
            rows.iter().filter(|row| row.how == How::Received).map(|row| (row.hub, row.rec)).collect();
        let confirmation = |row: &ErasedRow, partner: &PartnerRow| {
            let said = acks.iter().find(|ack| ack.hub == partner.hub);
            // A log begins with all that was ever erased, so a word on this one covers what was erased in those before it.
            let covers =
                |ack: &&ack::AckRow| row.pos.is_some_and(|pos| log::order(pos) < log::order(log::pos(own.n, ack.size)));
            let found = caught.iter().find(|(hub, n, _)| *hub == partner.hub && *n == row.n);
            Confirmation {
                hub: partner.name.clone(),
                confirmed: said.filter(covers).map(|ack| time(ack.at)),
                reached: partner.last_success.map(time),
                still_serves: found.map(|(_, _, at)| time(*at)),
            }
        };
        rows.reverse();
        let mut repeated: BTreeMap<i64, Vec<uuid::Uuid>> = BTreeMap::new();
        for row in rows.iter().filter(|row| row.how != How::Issued).take(LOOKED_FOR) {
            let named = store::people::records(&mut db, &row.rec.to_string()).await?;
            repeated.insert(row.n, named.into_iter().filter(|(hub, _)| *hub == OWN).map(|(_, rec)| rec).collect());
        }
        Ok(rows
            .into_iter()
            .map(|row| Erasure {
                number: row.n,
                how: row.how,
                hub: names.get(&row.hub).cloned().unwrap_or_default(),
                record: row.rec,
                parts: parts_label(&row.parts),
                at: time(row.at),
                stage: if row.done.is_some() { Stage::Deleted } else { Stage::Hidden },
                until: row.done.is_none().then(|| time(row.due.min(253_402_207_200))),
                obeyed_by_its_hub: (row.how == How::Asked).then(|| received.contains(&(row.hub, row.rec))),
                repeated_here: repeated.remove(&row.n).unwrap_or_default(),
                partners: match row.how {
                    How::Issued => partners.iter().map(|partner| confirmation(&row, partner)).collect(),
                    How::Received | How::Asked => Vec::new(),
                },
            })
            .collect())
    }

    /// Files that may still hold something erased, because they could not be reached or were changed by people: each in words.
    ///
    /// # Errors
    /// Database errors.
    pub async fn files_left(&self) -> anyhow::Result<Vec<String>> {
        let mut db = self.store.read().await?;
        let mut left = Vec::new();
        for row in store::kept::written_before(&mut db).await? {
            if Path::new(&row.path).exists() {
                left.push(match store::kept::about(&row.scope) {
                    Some(_) => {
                        format!("{}, written about somebody who is no longer here; look at it, and remove it", row.path)
                    }
                    None => format!("{}, an export from before; look at it, and remove it when it may go", row.path),
                });
            }
        }
        let done = store::kept::carried_out(&mut db).await?;
        for row in store::kept::backups(&mut db).await?.into_iter().filter(|row| row.cleaned < done) {
            left.push(match is_half(Path::new(&row.path)) {
                true => format!(
                    "{}, a backup that is being made, or whose making was cut off: `mutuald backup list`",
                    row.path
                ),
                false => {
                    format!("{}, a backup that could not be reached since; whoever restores it forgets again", row.path)
                }
            });
        }
        if erase::scrub_due(&mut db).await? {
            left.push(
                "the database's write-ahead log, for the moment; `mutuald run` or any pull goes on with it".into(),
            );
        }
        Ok(left)
    }
}
