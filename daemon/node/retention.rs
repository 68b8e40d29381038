//! How long local data is kept: each kind has a clock, what is due is shown first, and nothing goes that was not shown. What has
//! been shown for as many days as the configuration says, the daemon removes by itself, once a day.

use super::{Hub, groups};
use crate::store::{self, retention};
use anyhow::Context;
use jiff::civil::Date;
use jiff::{Span, Timestamp, ToSpan};
use serde::Serialize;
use std::collections::BTreeMap;

/// The setting that holds the day on which the daemon last removed what was due.
const SWEPT: &str = "retention-swept";

/// What is kept for a time only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A role contact that nobody has confirmed for so long.
    Contact,
    /// A person whom nobody has confirmed for so long.
    Person,
    /// A role contact or person of a group that ended so long ago.
    Ended,
    /// Former words of records, kept so that an import can be undone.
    Import,
    /// A record that waits for somebody to look at its words.
    Held,
    /// A consent that ended.
    Consent,
    /// Who looked at whose entry.
    Log,
}

/// Something whose time is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Due {
    /// Which clock.
    pub kind: Kind,
    /// Its number among its kind.
    pub number: i64,
    /// What it is, without anything personal.
    pub what: String,
    /// The day from which the clock runs.
    pub since: Date,
    /// The day on which the daemon removes it by itself, unless somebody says before that it is still right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goes: Option<Date>,
    /// Whether a person (else a role contact) is meant, of what belongs to a group that ended.
    #[serde(skip)]
    person: bool,
}

impl Hub {
    /// What is due today, by the configured periods.
    ///
    /// # Errors
    /// Database errors.
    pub async fn retention_due(&self) -> anyhow::Result<Vec<Due>> {
        self.due_on(self.today()?).await
    }

    /// What was due on a day and is still here.
    async fn due_on(&self, today: Date) -> anyhow::Result<Vec<Due>> {
        let (periods, zone) = (&self.config.retention, self.config.time_zone()?);
        let (months, days) = (|n: u32| i64::from(n).months(), |n: u32| i64::from(n).days());
        // One reckoning for all: from when something is due, and when the daemon removes it. So what is shown is what happens, also
        // where months have no 31st.
        let time = |since: Date, kept: Span| {
            let over = since.checked_add(kept).ok().filter(|over| *over <= today)?;
            let notice = (periods.sweep_after_days > 0).then(|| days(periods.sweep_after_days));
            Some(notice.and_then(|notice| over.checked_add(notice).ok()))
        };
        let day = |at: i64| Timestamp::from_second(at).map(|at| at.to_zoned(zone.clone()).date());
        let mut db = self.store.read().await?;
        let own = groups::own_records(self, &mut db).await?;
        let of = |rec: &uuid::Uuid| own.iter().find(|one| one.row.rec == *rec);
        let ended = |rec: &uuid::Uuid| {
            let group = &of(rec)?.group;
            let since = group.status.as_ref().filter(|_| group.closed())?.date?;
            Some((since, time(since, months(periods.ended_months))?))
        };
        let name = |rec: &uuid::Uuid| {
            of(rec).map_or("a group that is no longer listed".to_owned(), |one| one.group.name.clone())
        };
        let mut due = Vec::new();
        for row in store::contact::all(&mut db).await? {
            let what = format!("role contact {} of {}", row.n, name(&row.rec));
            let since = day(row.confirmed)?;
            if let Some((since, goes)) = ended(&row.rec) {
                due.push(Due { kind: Kind::Ended, number: row.n, what, since, goes, person: false });
            } else if let Some(goes) = time(since, months(periods.contact_months)) {
                due.push(Due { kind: Kind::Contact, number: row.n, what, since, goes, person: false });
            }
        }
        for row in store::person::all(&mut db).await? {
            let (what, since) = (format!("person {}", row.n), day(row.confirmed)?);
            if let Some((since, goes)) = row.rec.as_ref().and_then(ended) {
                due.push(Due { kind: Kind::Ended, number: row.n, what, since, goes, person: true });
            } else if let Some(goes) = time(since, months(periods.person_months)) {
                due.push(Due { kind: Kind::Person, number: row.n, what, since, goes, person: true });
            }
        }
        // The end of the last day that is due today.
        let moment = |n: u32| -> anyhow::Result<i64> {
            let last = today.checked_sub(days(n)).context("retention: a period is too long")?;
            Ok(last.tomorrow()?.to_zoned(zone.clone())?.timestamp().as_second())
        };
        for (n, at, records) in retention::old_imports(&mut db, moment(periods.import_days)?).await? {
            let what = format!("former words of {records} records, from import {n}; it can then not be undone");
            let since = day(at)?;
            let goes = time(since, days(periods.import_days)).flatten();
            due.push(Due { kind: Kind::Import, number: n, what, since, goes, person: false });
        }
        for row in store::held::all(&mut db).await? {
            let since = day(row.since)?;
            let what = format!("a held record, number {}", row.n);
            if let Some(goes) = time(since, days(periods.held_days)) {
                due.push(Due { kind: Kind::Held, number: row.n, what, since, goes, person: false });
            }
        }
        for row in store::consent::all(&mut db).await? {
            let since = row.withdrawn.map_or(row.review, |day| day.min(row.review));
            if let Some(goes) = time(since, i64::from(periods.consent_years).years()) {
                let what = format!("consent {}, which ended", row.n);
                due.push(Due { kind: Kind::Consent, number: row.n, what, since, goes, person: false });
            }
        }
        let before = moment(periods.log_days)?;
        if let Some((old, oldest)) = retention::old_log(&mut db, before).await? {
            let what = format!("{old} notes of who looked at whose entry");
            let since = day(oldest)?;
            let goes = time(since, days(periods.log_days)).flatten();
            due.push(Due { kind: Kind::Log, number: before, what, since, goes, person: false });
        }
        Ok(due)
    }

    /// Removes what was shown as due, if it still is. Returns how many of each kind.
    ///
    /// # Errors
    /// Database errors; nothing is changed then.
    pub async fn retention_apply(&self, shown: &[Due]) -> anyhow::Result<BTreeMap<Kind, usize>> {
        self.remove_due(shown, self.today()?).await
    }

    /// Removes what has been due, and shown as such, for as many days as the configuration says: once a day, whoever asks. `None`
    /// when that was done today already, or the configuration leaves it to people.
    ///
    /// # Errors
    /// Database errors; nothing is changed then.
    pub async fn retention_sweep(&self) -> anyhow::Result<Option<BTreeMap<Kind, usize>>> {
        let (days, today) = (self.config.retention.sweep_after_days, self.today()?);
        let mut db = self.store.read().await?;
        let swept = store::setting(&mut db, SWEPT).await?;
        drop(db);
        if days == 0 || swept.as_deref() == Some(&today.to_string()) {
            return Ok(None);
        }
        let shown_since = today.checked_sub(i64::from(days).days()).context("retention: too many days")?;
        let due = self.due_on(shown_since).await?;
        let removed = match due.is_empty() {
            true => BTreeMap::new(),
            false => self.remove_due(&due, shown_since).await?,
        };
        let mut db = self.store.write().await?;
        store::set(&mut db, SWEPT, &today.to_string()).await?;
        db.commit().await?;
        // Kinds and numbers: nothing of whom.
        tracing::info!(removed = removed.values().sum::<usize>(), kinds = ?removed, "what was kept for its time was looked through");
        Ok(Some(removed))
    }

    /// Removes what was due on a day, if it still is.
    async fn remove_due(&self, shown: &[Due], on: Date) -> anyhow::Result<BTreeMap<Kind, usize>> {
        let (still, today) = (self.due_on(on).await?, self.today()?);
        let mut db = self.store.write().await?;
        let mut done = BTreeMap::new();
        let stood = store::gone::standing(&mut db).await?;
        let held = store::held::all(&mut db).await?;
        let mut consents = Vec::new();
        for one in shown.iter().filter(|one| still.contains(one)) {
            match one.kind {
                Kind::Contact => store::contact::remove(&mut db, one.number, today).await?,
                Kind::Person => store::person::erase(&mut db, one.number, today).await?,
                Kind::Ended if one.person => store::person::erase(&mut db, one.number, today).await?,
                Kind::Ended => store::contact::remove(&mut db, one.number, today).await?,
                Kind::Import => retention::forget_import(&mut db, one.number).await?,
                Kind::Held => {
                    if let Some(row) = held.iter().find(|row| row.n == one.number) {
                        store::held::remove(&mut db, row.rec).await?;
                    }
                }
                Kind::Consent => consents.push(one.number),
                Kind::Log => drop(store::person::forget_log(&mut db, one.number).await?),
            }
            *done.entry(one.kind).or_default() += 1;
        }
        store::consent::remove(&mut db, &consents).await?;
        self.tend_in(&mut db).await?;
        self.let_go(&mut db, &stood).await?;
        // Nor may what was removed linger in files.
        store::erase::mark_scrub(&mut db).await?;
        db.commit().await?;
        self.publish().await?;
        self.scrub().await?;
        Ok(done)
    }
}
