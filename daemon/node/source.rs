//! Lists that are read from an address on a schedule: a website's feed becomes a list of the registry.
//!
//! Everything goes the way that a spreadsheet goes: the same reading, the same plan, the same batch that can be undone. What
//! nobody looks at is careful: a source that shrinks by a tenth is held, a row whose place may need protecting is not signed,
//! and what is missing is asked about and stays. Fetching obeys the rules for partners: bounded, only to public addresses.

use super::Hub;
use super::groups::{self, words::vocabularies};
use super::imports::{self, Beside, Counts, Job, Target};
use crate::exchange::feed::{self, Entry, FeedError, Kind};
use crate::exchange::plan::{ImportPlan, Mode, Terms};
use crate::exchange::{Mapping, Table, row};
use crate::peer::client::FetchError;
use crate::peer::schedule::{LastPull, Pace, Schedule, next_due};
use crate::store::imports::{self as stored, ListId, SourceRow};
use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use url::Url;
use uuid::Uuid;

/// Largest page, in bytes. Stops a page that never ends.
const PAGE_BYTES: u64 = 16 << 20;
/// Most pages in one run. Stops a source whose pages never end.
const PAGES: usize = 2_000;
/// Most rows in one run: as many as the largest national list has groups. Stops a source that fills memory.
const ENTRIES: usize = 100_000;
/// Services asked for one by one, at a time.
const SIDE_BY_SIDE: usize = 4;

/// Why a source brought nothing.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The address cannot be read.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// What is there is not what it should be.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// Not an address.
    #[error("{0:?} is not a web address")]
    Address(String),
    /// More pages or rows than any list needs.
    #[error("the source has more than {0}; nothing was taken")]
    TooMuch(&'static str),
    /// Fewer rows than it says it has.
    #[error("the source says that it lists {said}, and listed {met}; nothing was taken")]
    Incomplete {
        /// How many it says.
        said: u64,
        /// How many came.
        met: u64,
    },
    /// Nothing at all.
    #[error("the source lists nothing at all, which is an error more often than the truth; nothing was taken")]
    Empty,
}

impl SourceError {
    /// Stable kebab-case code.
    pub fn code(&self) -> &'static str {
        match self {
            SourceError::Fetch(error) => error.code(),
            SourceError::Feed(error) => error.code(),
            SourceError::Address(_) => "source-address",
            SourceError::TooMuch(_) => "source-too-much",
            SourceError::Incomplete { .. } => "source-incomplete",
            SourceError::Empty => "source-empty",
        }
    }
}

/// What a source says.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// Its rows.
    pub table: Table,
    /// What it says is gone, where it gives changes only.
    pub gone: Option<BTreeSet<String>>,
    /// Where its changes go on.
    pub cursor: Option<String>,
}

/// Fetches all of a source, or all that changed since its cursor.
///
/// # Errors
/// [`SourceError`]; a source is taken whole or not at all.
pub async fn fetch(hub: &Hub, url: &str, kind: Kind, cursor: Option<&str>) -> Result<Fetched, SourceError> {
    let parse = |text: &str| Url::parse(text).map_err(|_| SourceError::Address(text.to_owned()));
    let mut at = match cursor {
        Some(cursor) => parse(cursor)?,
        None => kind.first(&parse(url)?),
    };
    let (mut entries, mut order): (BTreeMap<String, Entry>, Vec<String>) = Default::default();
    let mut nameless = Vec::new();
    let mut gone = BTreeSet::new();
    let (mut listed, mut total) = (0, None);
    let mut seen = BTreeSet::new();
    for pages in 1.. {
        if pages > PAGES || !seen.insert(at.to_string()) {
            return Err(SourceError::TooMuch("2,000 pages, or pages in a circle"));
        }
        let bytes = hub.client.whole(&at, PAGE_BYTES, true).await?;
        let page = feed::page(kind, &bytes, &at, &vocabularies())?;
        listed += page.listed;
        total = total.max(page.total);
        for id in page.gone {
            entries.remove(&id);
            gone.insert(id);
        }
        for entry in page.entries {
            gone.remove(&entry.id);
            if entry.id.is_empty() {
                nameless.push(entry);
            } else if entries.insert(entry.id.clone(), entry.clone()).is_none() {
                order.push(entry.id);
            }
        }
        if entries.len() + nameless.len() > ENTRIES {
            return Err(SourceError::TooMuch("100,000 rows"));
        }
        match page.next {
            Some(next) => at = next,
            None => break,
        }
    }
    if let Some(said) = total.filter(|said| *said > listed) {
        return Err(SourceError::Incomplete { said, met: listed });
    }
    let mut rows: Vec<Entry> = order.iter().filter_map(|id| entries.remove(id)).chain(nameless).collect();
    complete(hub, kind, &mut rows).await?;
    if rows.is_empty() && !kind.gives_changes() {
        return Err(SourceError::Empty);
    }
    let changes = kind.gives_changes();
    Ok(Fetched {
        table: feed::table(kind, &rows, &vocabularies()),
        gone: changes.then_some(gone),
        cursor: changes.then(|| at.to_string()),
    })
}

/// Asks for all of those services of which the list gave a summary only, a few at a time.
async fn complete(hub: &Hub, kind: Kind, rows: &mut Vec<Entry>) -> Result<(), SourceError> {
    let mut found: BTreeMap<usize, Vec<Entry>> = BTreeMap::new();
    let wanted: Vec<(usize, String)> =
        rows.iter().enumerate().filter_map(|(at, row)| Some((at, row.more.clone()?))).collect();
    for some in wanted.chunks(SIDE_BY_SIDE) {
        let mut under_way = tokio::task::JoinSet::new();
        for (at, address) in some.iter().cloned() {
            let client = hub.client.clone();
            under_way.spawn(async move {
                let url = Url::parse(&address).map_err(|_| SourceError::Address(address.clone()))?;
                let bytes = client.whole(&url, PAGE_BYTES, true).await?;
                let page = feed::page(kind, &bytes, &url, &vocabularies())?;
                Ok::<_, SourceError>((at, page.entries))
            });
        }
        while let Some(ended) = under_way.join_next().await {
            let Ok(read) = ended else { return Err(SourceError::TooMuch("can be read at once")) };
            let (at, entries) = read?;
            found.insert(at, entries);
        }
    }
    let all = std::mem::take(rows);
    for (at, row) in all.into_iter().enumerate() {
        match found.remove(&at) {
            Some(whole) => rows.extend(whole),
            None => rows.push(row),
        }
    }
    Ok(())
}

/// Who reads a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Run<'a> {
    /// The daemon, with nobody to look.
    Scheduled,
    /// A person who wants to see what would happen.
    Look,
    /// A person who lets it happen; this plan if one is named, and past a hold if they say so.
    Commit {
        /// The plan that was seen.
        plan: Option<&'a str>,
        /// Whether a hold was seen too.
        even_so: bool,
    },
}

/// How reading a source went.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// Title of the list.
    pub list: String,
    /// Stable code: `changed`, `current`, `held`, `looked`, `other-plan`, or that of an error.
    pub state: String,
    /// The same in words.
    pub reason: String,
    /// What would be, or was, done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<ImportPlan>,
    /// Its digest.
    pub digest: String,
    /// Number of the import.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub import: Option<i64>,
}

/// The lists that are due now, longest first.
///
/// # Errors
/// Database errors.
pub async fn due(hub: &Hub) -> anyhow::Result<Vec<Uuid>> {
    let mut db = hub.store.read().await?;
    let now = hub.clock.now().as_second();
    let mut sources = stored::sources(&mut db).await?;
    sources.retain(|source| !source.paused && source.next_due <= now);
    sources.sort_by_key(|source| source.next_due);
    Ok(sources.into_iter().map(|source| source.list.0).collect())
}

/// Reads a list's source.
///
/// # Errors
/// Only what is wrong here: the database, or a list without a source. What is wrong there is in the [`Outcome`].
pub async fn read(hub: &Hub, list: Uuid, run: Run<'_>) -> anyhow::Result<Outcome> {
    let mut db = hub.store.read().await?;
    let source = stored::sources(&mut db).await?.into_iter().find(|source| source.list.0 == list);
    let mut source = source.context("this list is not read from an address")?;
    let lists = groups::own_lists(hub, &mut db).await?;
    drop(db);
    let list = lists.into_iter().find(|(id, _)| *id == list).context("the list of this source was withdrawn")?.1;
    let kind = Kind::named(&source.format).context("the source has a format that this version does not know")?;
    let started = hub.clock.now();
    let mut outcome = Outcome {
        list: list.title.clone(),
        state: String::new(),
        reason: String::new(),
        plan: None,
        digest: String::new(),
        import: None,
    };
    let fetched = fetch(hub, &source.url, kind, source.cursor.as_deref()).await;
    let fetched = match fetched {
        Ok(fetched) => fetched,
        Err(error) => {
            (outcome.state, outcome.reason) = (error.code().to_owned(), error.to_string());
            tracing::warn!(
                list = list.title,
                state = outcome.state,
                reason = outcome.reason,
                "a list's source was not read"
            );
            if run != Run::Look {
                source.failures += 1;
                let retry = match &error {
                    SourceError::Fetch(error) => error.retry_after(),
                    _ => None,
                };
                finish(hub, &mut source, started, &outcome, retry)?;
                let mut db = hub.store.write().await?;
                stored::save_source(&mut db, &source).await?;
                db.commit().await?;
            }
            return Ok(outcome);
        }
    };
    let reading = reading(&fetched.table)?;
    let mode = if fetched.gone.is_some() { Mode::Update } else { Mode::Whole };
    let unattended = run == Run::Scheduled;
    let terms = Terms { mode, gone: fetched.gone.clone(), unattended, ..Terms::default() };
    let target = Target { id: source.list.0, list, new: false };
    let job = Job { reading: &reading, terms: &terms, target: &target, source: &source.url.clone() };
    let mut db = hub.store.read().await?;
    let plan = imports::planned(hub, &mut db, job).await?;
    drop(db);
    outcome.digest = plan.digest();
    let held = plan.held.as_ref().map(ToString::to_string);
    let (may, even_so) = match run {
        Run::Scheduled => (true, false),
        Run::Look => (false, false),
        Run::Commit { plan, even_so } => (plan.is_none_or(|seen| outcome.digest.starts_with(seen)), even_so),
    };
    match (&held, run) {
        (_, Run::Look) => (outcome.state, outcome.reason) = ("looked".into(), "nothing was changed".into()),
        _ if !may => {
            (outcome.state, outcome.reason) =
                ("other-plan".into(), "the source or the list changed since; nothing was done".into());
        }
        (Some(why), _) if !even_so => (outcome.state, outcome.reason) = ("held".into(), why.clone()),
        _ => {
            let counts = Counts::of(&plan);
            let nothing = plan.changes_nothing();
            let quiet = nothing && counts.kept == 0 && counts.asked == 0 && plan.held_back.is_empty();
            let words = if quiet { "nothing new".to_owned() } else { in_words(&counts) };
            (outcome.state, outcome.reason) = (if nothing { "current" } else { "changed" }.to_owned(), words);
            source.failures = 0;
            // A source of changes says each of them once: one that waits for a person is read again until somebody has looked.
            if plan.held_back.is_empty() || !unattended {
                source.cursor.clone_from(&fetched.cursor);
            }
            source.last_success = Some(started.as_second());
            if !nothing {
                source.last_change = Some(started.as_second());
            }
            finish(hub, &mut source, started, &outcome, None)?;
            if nothing {
                let mut db = hub.store.write().await?;
                imports::settle(&mut db, job, &plan, started.as_second()).await?;
                stored::save_source(&mut db, &source).await?;
                db.commit().await?;
            } else {
                let beside = Beside { source: Some(source.clone()), mapping: None };
                let (import, _) = imports::commit(hub, job, &plan, beside, |_, _| {}).await?;
                outcome.import = Some(import);
            }
            tracing::info!(
                list = outcome.list,
                state = outcome.state,
                reason = outcome.reason,
                "a list's source was read"
            );
        }
    }
    if outcome.state == "held" {
        source.failures = 0;
        finish(hub, &mut source, started, &outcome, None)?;
        let mut db = hub.store.write().await?;
        stored::save_source(&mut db, &source).await?;
        db.commit().await?;
        tracing::warn!(
            list = outcome.list,
            reason = outcome.reason,
            "a list's source is held until a person has looked"
        );
    }
    outcome.plan = Some(plan);
    Ok(outcome)
}

/// A feed's table, whose headings are ours.
fn reading(table: &Table) -> anyhow::Result<row::Reading> {
    let words = vocabularies();
    let bound = Mapping::guess(&table.header, &words).bind(&table.header, &words)?;
    Ok(row::read(table, &bound, &words))
}

/// "2 new, 1 changed, 3 missing".
pub fn in_words(counts: &Counts) -> String {
    let kinds = [
        (counts.new, "new"),
        (counts.changed, "changed"),
        (counts.unchanged, "unchanged"),
        (counts.left_alone, "known already"),
        (counts.kept, "corrected here and kept"),
        (counts.taken_back, "taken back before"),
        (counts.refused, "refused"),
        (counts.held_back, "held back"),
        (counts.to_look_at, "to be looked at (`mutuald held list`)"),
        (counts.unsigned, "kept to itself"),
        (counts.left_out, "left out"),
        (counts.asked, "missing"),
        (counts.ended, "ended"),
    ];
    let words: Vec<String> = kinds.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
    words.join(", ")
}

/// Writes into the row how a run went, and when the next is due.
fn finish(
    hub: &Hub,
    source: &mut SourceRow,
    started: Timestamp,
    outcome: &Outcome,
    retry: Option<u64>,
) -> anyhow::Result<()> {
    source.last_try = Some(started.as_second());
    source.state.clone_from(&outcome.state);
    source.reason.clone_from(&outcome.reason);
    let zone = hub.config.time_zone().context("hub.time_zone")?;
    let schedule = Schedule::parse(&source.schedule).context("the source's schedule")?;
    let pace = Pace {
        schedule: &schedule,
        time_zone: &zone,
        hub_id: &source.url,
        jitter_percent: hub.config.pull.jitter_percent,
        retry_after_max: SignedDuration::from_secs(
            i64::try_from(hub.config.limits.retry_after_max_s).unwrap_or(i64::MAX),
        ),
    };
    let last = LastPull {
        now: hub.clock.now(),
        last_due: (source.next_due > 0).then(|| Timestamp::from_second(source.next_due)).transpose()?,
        failures: u32::try_from(source.failures).unwrap_or(u32::MAX),
        retry_after: retry.map(|seconds| SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX))),
    };
    source.next_due = next_due(&pace, &last).map_or(i64::MAX, Timestamp::as_second);
    Ok(())
}

/// A source as it is before it was ever read: due at once.
pub fn new(list: Uuid, url: &str, kind: Kind, schedule: &Schedule) -> SourceRow {
    SourceRow {
        list: ListId(list),
        url: url.to_owned(),
        format: kind.name().to_owned(),
        schedule: schedule.to_string(),
        paused: false,
        cursor: None,
        last_try: None,
        last_success: None,
        last_change: None,
        failures: 0,
        next_due: 0,
        state: "new".to_owned(),
        reason: "not read yet".to_owned(),
    }
}
