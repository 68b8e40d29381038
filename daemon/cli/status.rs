//! `mutuald status`

use super::output::{count, moment};
use super::partner::Row;
use super::{Answer, Context};
use crate::node::copies::Copied;
use crate::node::groups;
use crate::store::lookup::Counts;
use crate::store::{self, log::OWN, lookup};
use anyhow::Context as _;
use jiff::ToSpan;
use jiff::civil::Date;
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;

/// Show how the hub is: its feed, its registry, its partner hubs
#[derive(Debug, clap::Args)]
pub struct Status {}

#[derive(Serialize)]
struct Shown {
    name: String,
    hub: String,
    fingerprint: String,
    /// The file of a new key of protected places, of which nobody was told yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    new_key: Option<PathBuf>,
    /// What is to be said of the hub document's end.
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<String>,
    settings: PathBuf,
    statements: u64,
    published: bool,
    feed: Option<PathBuf>,
    #[serde(flatten)]
    counts: Counts,
    as_of: String,
    lists: Vec<ListState>,
    /// Lists that repeat another hub's.
    copies: Vec<Copied>,
    /// Erasures that somebody has yet to confirm, or to make at the source; and files that may still hold something erased.
    erasures_open: usize,
    erased_in_files: usize,
    /// Records that say more of a place than their group's level lets be known, this hub's own and others'.
    exposures: usize,
    /// Research uses of frames that run out, or have and nobody has said that they ended.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    uses: Vec<String>,
    /// Consents that end within a month: what they share is withdrawn then.
    consents_ending: usize,
    kept_due: Kept,
    partners: Vec<Row>,
    now: String,
}

/// Consents that end within so many days are named.
const SOON: i64 = 30;

/// Local data whose time is over.
#[derive(Serialize)]
struct Kept {
    due: usize,
    /// The day on which the daemon removes the first of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<Date>,
}

/// A list that is read from an address, or that no longer names some of its groups.
#[derive(Serialize)]
struct ListState {
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    state: String,
    reason: String,
    missing: usize,
}

impl ListState {
    fn needs_look(&self) -> bool {
        self.missing > 0 || !["", "new", "changed", "current"].contains(&self.state.as_str())
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = &self.counts;
        writeln!(out, "{}  {}", self.name, self.hub)?;
        writeln!(out, "Fingerprint    {}", self.fingerprint)?;
        if let Some(document) = &self.document {
            writeln!(out, "WARNING        {document}")?;
        }
        if let Some(key) = &self.new_key {
            writeln!(
                out,
                "WARNING        {} is new, and on this machine alone; `mutuald backup list` says what to do",
                key.display()
            )?;
        }
        writeln!(out, "Settings       {}", self.settings.display())?;
        match &self.feed {
            Some(feed) if self.published => {
                writeln!(out, "Own list       {} statements, published in {}", self.statements, feed.display())?
            }
            Some(_) => writeln!(
                out,
                "Own list       {} statements, not all published yet; the next import or edit does",
                self.statements
            )?,
            None => writeln!(
                out,
                "Own list       {} statements, not published (no [publish] in the settings)",
                self.statements
            )?,
        }
        writeln!(
            out,
            "Registry       {} groups from {} records ({} our own), as of {}",
            counts.groups, counts.records, counts.own_records, self.as_of
        )?;
        writeln!(out, "               in the lists of several hubs: {}", counts.shared)?;
        if counts.withheld > 0 {
            writeln!(out, "               {} records came without their words", counts.withheld)?;
        }
        match counts.disagreements {
            0 => writeln!(out, "Disagreements  none")?,
            n => writeln!(out, "Disagreements  {n}; `mutuald conflicts` shows them")?,
        }
        for list in &self.lists {
            let missing = match list.missing {
                0 => String::new(),
                n => format!(
                    "{}{n} no longer named; `mutuald list missing`",
                    if list.reason.is_empty() { "" } else { "; " }
                ),
            };
            writeln!(out, "List           {}: {}{missing}", list.title, list.reason)?;
        }
        for copied in &self.copies {
            writeln!(out, "Copied list    {}", copied.words())?;
        }
        if self.erasures_open + self.erased_in_files > 0 {
            let files = match self.erased_in_files {
                0 => String::new(),
                n => format!(", {n} files may still hold something erased"),
            };
            let open = self.erasures_open;
            writeln!(out, "Erasures       {open} not confirmed by everybody{files}; `mutuald erasure status`")?;
        }
        match self.exposures {
            0 => {}
            n => writeln!(
                out,
                "Places         {n} records say more than may be known; `mutuald safety list` says whose"
            )?,
        }
        self.uses.iter().try_for_each(|reminder| writeln!(out, "Research use   {reminder}"))?;
        if self.consents_ending > 0 {
            let consents = count(self.consents_ending as u64, "consent ends", "consents end");
            writeln!(
                out,
                "Consents       {consents} within {SOON} days, and what they share with them; `mutuald consent due`"
            )?;
        }
        if self.kept_due.due > 0 {
            let due = count(
                self.kept_due.due as u64,
                "thing has been kept for its time",
                "things have been kept for their time",
            );
            let goes = match self.kept_due.first {
                Some(first) => format!("; the daemon removes the first on {first}, or today if that is past"),
                None => String::new(),
            };
            writeln!(out, "Kept data      {due}{goes}; `mutuald retention preview`")?;
        }
        if self.partners.is_empty() {
            return writeln!(out, "Partner hubs   none yet; `mutuald partner add ADDRESS --hub ID` adds one");
        }
        writeln!(out, "Partner hubs   {}\n", self.partners.len())?;
        writeln!(out, "{}", super::partner::rows(&self.partners))?;
        write!(out, "\nNow it is {}.", self.now)
    }
}

impl Status {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let hub = context.hub().await?;
        let zone = hub.config.time_zone()?;
        let mut db = hub.store.read().await?;
        let log = store::log::by_number(&mut db, OWN).await?.context("this database holds no hub")?;
        let signed =
            log.checkpoint.as_deref().and_then(|note| crate::feed::Checkpoint::open(note, &log.key, &log.peer).ok());
        let published = hub.config.publish.is_some();
        let counts = lookup::counts(&mut db).await?;
        let partners = Row::all(hub, &mut db).await?;
        let today = hub.today()?;
        let soon = today.saturating_add(SOON.days());
        let consents = store::consent::all(&mut db).await?;
        let consents_ending = consents.iter().filter(|row| row.in_force(today) && row.review <= soon).count();
        let sources = store::imports::sources(&mut db).await?;
        let mut lists = Vec::new();
        for (id, list) in groups::own_lists(hub, &mut db).await? {
            let missing = store::imports::asked(&mut db, id).await?.len();
            let source = sources.iter().find(|source| source.list.0 == id);
            if missing > 0 || source.is_some() {
                let paused = source.is_some_and(|source| source.paused);
                lists.push(ListState {
                    title: list.title,
                    source: source.map(|source| source.url.clone()),
                    state: source.filter(|_| !paused).map(|source| source.state.clone()).unwrap_or_default(),
                    reason: match source {
                        Some(_) if paused => "paused".to_owned(),
                        Some(source) => source.reason.clone(),
                        None => String::new(),
                    },
                    missing,
                });
            }
        }
        let copies = hub.copies().await?;
        let kept = hub.retention_due().await?;
        let kept_due = Kept { due: kept.len(), first: kept.iter().filter_map(|due| due.goes).min() };
        let erasures_open = hub.erasures().await?.iter().filter(|row| row.open()).count();
        let erased_in_files = hub.files_left().await?.len();
        let exposures = crate::node::protect::exposures(hub, &mut db).await?.len();
        let uses = hub.uses().await?;
        let overdue = uses.iter().any(|one| one.overdue());
        let own = hub.own_document().await?;
        let document = own.warns(hub.clock.today(&zone)).map(|left| {
            let end = own.document.expires;
            format!(
                "the hub document ends on {end} ({left} days): `mutuald key renew --years 5`, with the root key at hand"
            )
        });
        let new_key = hub.untold_key(false).await?;
        let look = document.is_some()
            || new_key.is_some()
            || exposures > 0
            || overdue
            || partners.iter().any(|row| row.needs_look())
            || lists.iter().any(ListState::needs_look);
        Answer::of(&Shown {
            name: hub.name.clone(),
            hub: hub.id.to_string(),
            document,
            new_key,
            fingerprint: hub.keys.log.public().fingerprint(),
            settings: std::path::absolute(context.file())?,
            statements: log.held,
            published: published && signed.is_some_and(|signed| signed.size == log.held),
            feed: published.then(|| hub.config.feed()),
            counts,
            as_of: store::setting(&mut db, "as-of").await?.unwrap_or_else(|| "no day yet".into()),
            lists,
            copies,
            erasures_open,
            erased_in_files,
            exposures,
            uses: uses.iter().filter_map(|one| one.reminder()).collect(),
            consents_ending,
            kept_due,
            partners,
            now: moment(context.clock.now(), &zone),
        })
        .map(|answer| answer.look_if(look))
    }
}
