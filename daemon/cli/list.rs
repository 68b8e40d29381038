//! `mutuald list`

use super::import::Becomes;
use super::output::{count, lines, moment, quoted, table};
use super::{Answer, Context, Failure};
use crate::exchange::feed::Kind;
use crate::exchange::plan::Missing;
use crate::node::copies::Copied;
use crate::node::groups::{self, One, words};
use crate::node::source::{self, Outcome, Run};
use crate::node::{Hub, Said, imports, init};
use crate::peer::schedule::Schedule;
use crate::record::{List as Record, RecordRef};
use crate::store::imports as stored;
use anyhow::Context as _;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use uuid::Uuid;

/// This hub's lists: where its rows come from
#[derive(Debug, clap::Subcommand)]
pub enum List {
    /// Add a list
    Add {
        /// What people call it
        title: String,
        #[command(flatten)]
        about: About,
        #[command(flatten)]
        from: From,
    },
    /// Show this hub's lists, or one of them
    Show {
        /// Its title, or a part of it
        title: Option<String>,
    },
    /// Read a list from a web address on a schedule, or change how that is done
    Source {
        /// Its title, or a part of it
        title: String,
        #[command(flatten)]
        from: From,
        /// Stop reading it until --resume; its groups stay
        #[arg(long, group = "what")]
        pause: bool,
        /// Read it again
        #[arg(long, group = "what")]
        resume: bool,
        /// Read it no more; the list and its groups stay
        #[arg(long, group = "what")]
        forget: bool,
    },
    /// Read a list's address now, and show what would change
    Fetch {
        /// Its title, or a part of it
        title: String,
        /// Do it; with a plan's name, only if it is still that plan
        #[arg(long, value_name = "PLAN", num_args = 0..=1, require_equals = true, default_missing_value = "")]
        commit: Option<String>,
        /// Do it although the list would shrink by a tenth, or many names would change
        #[arg(long)]
        even_so: bool,
    },
    /// Show groups that their list no longer names, and say what becomes of them
    Missing {
        /// The list's title, or a part of it [default: all lists]
        title: Option<String>,
        /// Words of a group's name: only those
        #[arg(long, value_name = "WORDS")]
        group: Option<String>,
        /// They stay, and nobody asks again
        #[arg(long, group = "becomes", requires = "title")]
        keep: bool,
        /// They have closed
        #[arg(long, group = "becomes", requires = "title")]
        close: bool,
        /// This hub no longer states them
        #[arg(long, group = "becomes", requires = "title")]
        withdraw: bool,
    },
}

/// Where a list is read from.
#[derive(Debug, Default, clap::Args)]
pub struct From {
    /// Read it from this web address on a schedule
    #[arg(long = "from", value_name = "URL")]
    url: Option<String>,
    /// How the address speaks
    #[arg(long, value_enum)]
    format: Option<Kind>,
    /// When to read it: five cron fields, @hourly, @daily, @weekly or "every 4h" [default: @daily]
    #[arg(long, value_name = "WHEN")]
    every: Option<String>,
}

impl From {
    fn is_empty(&self) -> bool {
        self.url.is_none() && self.format.is_none() && self.every.is_none()
    }

    /// The schedule, if one is named.
    fn schedule(&self) -> anyhow::Result<Option<Schedule>> {
        let parsed = self.every.as_deref().map(Schedule::parse).transpose();
        Ok(parsed.map_err(|error| Failure::usage(error.to_string(), "write it as in --every '17 3 * * *'"))?)
    }

    /// A new source of a list.
    fn source(&self, list: Uuid, hub: &Hub) -> anyhow::Result<stored::SourceRow> {
        let url = self.url.as_deref().ok_or_else(|| Failure::usage("no address is given", "name it with --from"))?;
        let parsed = url::Url::parse(url).ok().filter(|url| url.has_host());
        let private = hub.config.pull.allow_private_addresses;
        let fits = parsed.is_some_and(|url| url.scheme() == "https" || (private && url.scheme() == "http"));
        if !fits {
            let what = format!("{url:?} is not an https address");
            return Err(Failure::usage(what, "write it whole, as in https://example.org/feed").into());
        }
        let kind = self.format.ok_or_else(|| {
            let next = "name it with --format: open-referral, rpde or meeting-guide";
            Failure::usage("how the address speaks is not known", next)
        })?;
        let daily = Schedule::parse("@daily").context("a schedule that is always right")?;
        Ok(source::new(list, url, kind, &self.schedule()?.unwrap_or(daily)))
    }
}

/// What is said of a list when it is made.
#[derive(Debug, Default, clap::Args)]
pub struct About {
    /// Kind of source: own, spreadsheet, website, database, printed-directory … [default: spreadsheet]
    #[arg(long)]
    pub kind: Option<String>,
    /// Licence its rows are shared under, as an SPDX id or web address
    #[arg(long)]
    pub licence: Option<String>,
    /// A list it was copied from, by title or web address; may be given several times
    #[arg(long = "derived-from", value_name = "LIST")]
    pub derived_from: Vec<String>,
    /// It is known to name one group more than once
    #[arg(long)]
    pub holds_duplicates: bool,
}

impl About {
    /// Whether anything was said.
    pub fn is_empty(&self) -> bool {
        self.kind.is_none() && self.licence.is_none() && self.derived_from.is_empty() && !self.holds_duplicates
    }

    /// The list's public part.
    ///
    /// # Errors
    /// A kind that is not known.
    pub fn list(&self, title: &str) -> anyhow::Result<Record> {
        let kind = self.kind.as_deref().unwrap_or("spreadsheet");
        let kind = words::term("source-kinds", kind)
            .map_err(|next| Failure::usage(format!("no kind of source is called {kind:?}"), next))?;
        Ok(Record {
            title: title.trim().to_owned(),
            kind,
            licence: self.licence.clone(),
            derived_from: self.derived_from.clone(),
            duplicates: self.holds_duplicates,
            ..Record::default()
        })
    }
}

/// Finds one of this hub's lists by title, or a part of it.
///
/// # Errors
/// Several fit. None is `None`.
pub fn named<'a>(lists: &'a [(Uuid, Record)], wanted: &str) -> anyhow::Result<Option<&'a (Uuid, Record)>> {
    let lower = wanted.trim().to_lowercase();
    if let Some(exact) = lists.iter().find(|(_, list)| list.title.to_lowercase() == lower) {
        return Ok(Some(exact));
    }
    let fits: Vec<_> = lists.iter().filter(|(_, list)| list.title.to_lowercase().contains(&lower)).collect();
    match fits[..] {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        _ => {
            let titles: Vec<&str> = fits.iter().map(|(_, list)| list.title.as_str()).collect();
            Err(Failure::usage(format!("several lists fit {wanted:?}: {}", titles.join("; ")), "write the whole title")
                .into())
        }
    }
}

#[derive(Serialize)]
struct Added {
    #[serde(flatten)]
    list: Record,
    said: Said,
    source: Option<String>,
}

impl fmt::Display for Added {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?} is a list of this hub now. ", self.list.title)?;
        match &self.source {
            None => write!(out, "Import into it: mutuald import FILE --list {}", quoted(&self.list.title)),
            Some(url) => write!(
                out,
                "The daemon reads it from {url}; look what that brings: mutuald list fetch {}",
                quoted(&self.list.title)
            ),
        }
    }
}

#[derive(Serialize)]
struct Line {
    #[serde(flatten)]
    list: Record,
    records: usize,
    /// Groups that the list no longer names, until somebody says what becomes of them.
    missing: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Source>,
    /// The other hub's list that it repeats.
    #[serde(skip_serializing_if = "Option::is_none")]
    copy: Option<Copied>,
    /// Lists of partner hubs that repeat it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    copied_by: Vec<Copied>,
}

/// Where a list is read from, and how that goes.
#[derive(Serialize)]
struct Source {
    url: String,
    format: String,
    schedule: String,
    paused: bool,
    state: String,
    reason: String,
    failures: i64,
    last_try: Option<jiff::Timestamp>,
    last_success: Option<jiff::Timestamp>,
    last_change: Option<jiff::Timestamp>,
    next: Option<jiff::Timestamp>,
    #[serde(skip)]
    when: String,
}

#[derive(Serialize)]
#[serde(transparent)]
struct Lines(Vec<Line>);

impl fmt::Display for Lines {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = table(&["list", "kind", "groups", "missing", "licence", "copied from"]);
        for Line { list, records, missing, .. } in &self.0 {
            let kind = words::term_label("source-kinds", &list.kind);
            let licence = list.licence.as_deref().unwrap_or("as the hub's");
            shown.add_row([
                &list.title,
                &kind,
                &records.to_string(),
                &missing.to_string(),
                licence,
                &list.derived_from.join("; "),
            ]);
        }
        out.write_str(&lines(&shown))?;
        for Line { list, source, .. } in &self.0 {
            let Some(source) = source else { continue };
            let paused = if source.paused { "; paused" } else { "" };
            write!(
                out,
                "\n\n{} is read from {} ({}, {}{paused}).\n  last time: {}, {}{}",
                list.title, source.url, source.format, source.schedule, source.state, source.reason, source.when
            )?;
        }
        for copied in self.0.iter().flat_map(|line| line.copy.iter().chain(&line.copied_by)) {
            write!(out, "\n\n{}.", copied.words())?;
        }
        if self.0.iter().any(|line| line.missing > 0) {
            write!(out, "\n\nGroups that their list no longer names: mutuald list missing")?;
        }
        Ok(())
    }
}

/// Groups that a list no longer names.
#[derive(Serialize)]
struct Gone {
    list: String,
    groups: Vec<Absent>,
}

#[derive(Serialize)]
struct Absent {
    name: String,
    place: String,
    since: jiff::civil::Date,
}

#[derive(Serialize)]
#[serde(transparent)]
struct AllGone(Vec<Gone>);

impl fmt::Display for AllGone {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return write!(out, "Every list names all of its groups.");
        }
        for Gone { list, groups } in &self.0 {
            writeln!(out, "{list:?} no longer names:")?;
            for Absent { name, place, since } in groups {
                let place = if place.is_empty() { String::new() } else { format!(", {place}") };
                writeln!(out, "  {name}{place} (missed on {since})")?;
            }
            writeln!(
                out,
                "They stay until you say what becomes of them: mutuald list missing {} --keep, --close or --withdraw;\n\
                 with --group WORDS for one of them.\n",
                quoted(list)
            )?;
        }
        Ok(())
    }
}

#[derive(Serialize)]
struct Decided {
    list: String,
    groups: usize,
    statements: usize,
    becomes: &'static str,
}

impl fmt::Display for Decided {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let groups = count(self.groups as u64, "group", "groups");
        write!(out, "{groups} of {:?} {}.", self.list, self.becomes)?;
        if self.statements > 0 {
            write!(out, " `mutuald import undo` takes that back.")?;
        }
        Ok(())
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Fetched(Outcome);

impl fmt::Display for Fetched {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Outcome { list, state, reason, plan, digest, import } = &self.0;
        if let Some(plan) = plan {
            writeln!(out, "Into the list {list:?}:\n\n{plan}")?;
        }
        match (state.as_str(), import) {
            (_, Some(number)) => write!(out, "Import {number} is done; `mutuald import undo {number}` takes it back."),
            ("looked", _) if plan.as_ref().is_some_and(|plan| !plan.changes_nothing()) => {
                let even_so = if plan.as_ref().is_some_and(|plan| plan.held.is_some()) { " --even-so" } else { "" };
                write!(
                    out,
                    "Nothing was changed yet. To do exactly this: mutuald list fetch {} --commit={digest}{even_so}",
                    quoted(list)
                )
            }
            ("held", _) => write!(
                out,
                "Held: {reason}. When you have looked: mutuald list fetch {} --commit={digest} --even-so",
                quoted(list)
            ),
            _ => write!(out, "{state}: {reason}."),
        }
    }
}

impl List {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let hub = context.hub().await?;
        let mut db = hub.store.read().await?;
        let lists = groups::own_lists(hub, &mut db).await?;
        match self {
            List::Add { title, about, from } => {
                if lists.iter().any(|(_, list)| list.title.to_lowercase() == title.trim().to_lowercase()) {
                    let what = format!("there is a list called {title:?} already; nothing was changed");
                    return Err(Failure::new(what, "`mutuald list show` shows the lists").into());
                }
                if from.url.is_some() && about.licence.is_none() {
                    // Without one its rows would go out under this hub's, which is not this hub's to say.
                    let what = "under which licence the rows of this address may be shared is not said";
                    return Err(Failure::usage(
                        what,
                        "ask its owner, then say so with --licence, as in --licence CC-BY-4.0",
                    )
                    .into());
                }
                let about = match from.url {
                    Some(_) if about.kind.is_none() => About { kind: Some("website".to_owned()), ..about },
                    _ => about,
                };
                let list = about.list(&title)?;
                let id = context.chance.id();
                let source = if from.is_empty() { None } else { Some(from.source(id, hub)?) };
                drop(db);
                let said = hub.say(&[init::list(id, 1, &list)?]).await?;
                if let Some(source) = &source {
                    let mut db = hub.store.write().await?;
                    stored::save_source(&mut db, source).await?;
                    db.commit().await?;
                }
                Answer::of(&Added { list, said, source: source.map(|source| source.url) })
            }
            List::Source { title, from, pause, resume, forget } => {
                let (id, list) = one(&lists, &title)?;
                let known = stored::sources(&mut db).await?.into_iter().find(|source| source.list.0 == id);
                drop(db);
                let mut row = match (known, &from.url) {
                    (Some(mut row), None) => {
                        if let Some(kind) = from.format {
                            row.format = kind.name().to_owned();
                        }
                        row
                    }
                    (Some(row), Some(_)) => {
                        let format = from.format.or_else(|| Kind::named(&row.format));
                        From { format, url: from.url.clone(), every: Some(row.schedule) }.source(id, hub)?
                    }
                    (None, _) => from.source(id, hub)?,
                };
                if let Some(schedule) = from.schedule()? {
                    row.schedule = schedule.to_string();
                    row.next_due = 0;
                }
                row.paused = (row.paused || pause) && !resume;
                let mut db = hub.store.write().await?;
                if forget {
                    stored::remove_source(&mut db, id).await?;
                } else {
                    stored::save_source(&mut db, &row).await?;
                }
                db.commit().await?;
                let mut db = hub.store.read().await?;
                Answer::of(&shown(hub, &mut db, vec![(id, list)]).await?)
            }
            List::Fetch { title, commit, even_so } => {
                let (id, list) = one(&lists, &title)?;
                let read = stored::sources(&mut db).await?.iter().any(|source| source.list.0 == id);
                drop(db);
                if !read {
                    let next = format!("mutuald list source '{}' --from https://… --format …", list.title);
                    return Err(Failure::usage(format!("{:?} is not read from an address", list.title), next).into());
                }
                let run = match &commit {
                    None => Run::Look,
                    Some(plan) => Run::Commit { plan: Some(plan.as_str()).filter(|plan| !plan.is_empty()), even_so },
                };
                let outcome = source::read(hub, id, run).await?;
                match outcome.state.as_str() {
                    "looked" | "changed" | "current" | "held" => {}
                    "other-plan" => {
                        let next = format!("mutuald list fetch {} shows the new plan", quoted(&list.title));
                        return Err(Failure::new(outcome.reason, next).into());
                    }
                    state => {
                        let next = "see that the address is right and answers; the daemon tries again by itself";
                        return Err(Failure::partner(format!("{} ({state})", outcome.reason), next).into());
                    }
                }
                let look = outcome.plan.as_ref().is_some_and(|plan| {
                    plan.held.is_some()
                        || !plan.refused.is_empty()
                        || !plan.held_back.is_empty()
                        || !plan.to_look_at.is_empty()
                        || !plan.asked.is_empty()
                });
                Ok(Answer::of(&Fetched(outcome))?.look_if(look))
            }
            List::Missing { title, group, keep, close, withdraw } => {
                let wanted = match &title {
                    None => lists,
                    Some(title) => vec![one(&lists, title)?],
                };
                let mut gone = Vec::new();
                let own = groups::own_records(hub, &mut db).await?;
                let fits = |known: &One| {
                    let name = known.group.name.to_lowercase();
                    group
                        .as_ref()
                        .is_none_or(|words| words.to_lowercase().split_whitespace().all(|word| name.contains(word)))
                };
                let zone = hub.config.time_zone().context("hub.time_zone")?;
                let mut recs = Vec::new();
                for (id, list) in &wanted {
                    let mut groups = Vec::new();
                    for (rec, since) in stored::asked(&mut db, *id).await? {
                        let Some(known) = own.iter().find(|known| known.row.rec == rec && fits(known)) else {
                            continue;
                        };
                        recs.push(rec);
                        groups.push(Absent {
                            name: known.group.name.clone(),
                            place: known.group.place.as_ref().and_then(|it| it.locality.clone()).unwrap_or_default(),
                            since: jiff::Timestamp::from_second(since)?.to_zoned(zone.clone()).date(),
                        });
                    }
                    if !groups.is_empty() {
                        gone.push(Gone { list: list.title.clone(), groups });
                    }
                }
                drop(db);
                let today = context.clock.today(&zone);
                let (missing, becomes) = match (keep, close, withdraw) {
                    (true, ..) => (Missing::Keep, "stay as they are"),
                    (_, true, _) => (Becomes::Close.on(today), "are said to have closed"),
                    (.., true) => (Missing::Withdraw, "are no longer stated by this hub"),
                    _ => {
                        let look = !gone.is_empty();
                        return Ok(Answer::of(&AllGone(gone))?.look_if(look));
                    }
                };
                let (id, list) = wanted.into_iter().next().context("a list was named")?;
                let statements = imports::decide_missing(hub, id, &recs, missing).await?;
                Answer::of(&Decided { list: list.title, groups: recs.len(), statements, becomes })
            }
            List::Show { title } => {
                let wanted = match &title {
                    None => lists,
                    Some(title) => match named(&lists, title)? {
                        Some(list) => vec![list.clone()],
                        None => {
                            return Err(Failure::usage(
                                format!("no list is called {title:?}"),
                                "`mutuald list show` shows all",
                            )
                            .into());
                        }
                    },
                };
                Answer::of(&shown(hub, &mut db, wanted).await?)
            }
        }
    }
}

/// The one list that words name.
fn one(lists: &[(Uuid, Record)], title: &str) -> anyhow::Result<(Uuid, Record)> {
    let found = named(lists, title)?.cloned();
    Ok(found.ok_or_else(|| Failure::usage(format!("no list is called {title:?}"), "`mutuald list show` shows all"))?)
}

/// Lists as they are shown.
async fn shown(hub: &Hub, db: &mut sqlx::SqliteConnection, lists: Vec<(Uuid, Record)>) -> anyhow::Result<Lines> {
    let mut counts: BTreeMap<Uuid, usize> = BTreeMap::new();
    for one in groups::own_records(hub, db).await? {
        *counts.entry(one.group.list.unwrap_or_default()).or_default() += 1;
    }
    let zone = hub.config.time_zone().context("hub.time_zone")?;
    let sources = stored::sources(db).await?;
    let copies = hub.copies().await?;
    let mut all = Vec::new();
    for (id, list) in lists {
        let at = |seconds: Option<i64>| seconds.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
        let source = sources.iter().find(|source| source.list.0 == id).map(|row| Source {
            url: row.url.clone(),
            format: row.format.clone(),
            schedule: row.schedule.clone(),
            paused: row.paused,
            state: row.state.clone(),
            reason: row.reason.clone(),
            failures: row.failures,
            last_try: at(row.last_try),
            last_success: at(row.last_success),
            last_change: at(row.last_change),
            next: at(Some(row.next_due).filter(|due| *due > 0)),
            when: at(row.last_try).map(|when| format!(" ({})", moment(when, &zone))).unwrap_or_default(),
        });
        let missing = stored::asked(db, id).await?.len();
        let this = |list: &RecordRef| list.hub == hub.id && list.rec == id;
        let copy = copies.iter().find(|copied| this(&copied.copy.list)).cloned();
        let copied_by = copies.iter().filter(|copied| this(&copied.copy.of)).cloned().collect();
        let records = counts.get(&id).copied().unwrap_or(0);
        all.push(Line { list, records, missing, source, copy, copied_by });
    }
    Ok(Lines(all))
}
