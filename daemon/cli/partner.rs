//! `mutuald partner`

use super::output::{Status, count, lines, moment, table};
use super::{Answer, Context, Failure};
use crate::node::Hub;
use crate::node::accept::MassChange;
use crate::node::succession::TakeOver;
use crate::node::sync::Outcome;
use crate::peer::pull::PullError;
use crate::record::HubId;
use crate::record::consent::Reader;
use crate::store::{self, partner::PartnerRow};
use anyhow::Context as _;
use indicatif::ProgressBar;
use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Partner hubs, whose lists this hub takes in
#[derive(Debug, clap::Subcommand)]
pub enum Partner {
    /// Add a partner hub by its address and hub id
    Add {
        /// Web address of the partner's feed
        #[arg(value_name = "ADDRESS")]
        address: String,
        /// The partner's hub id, as its people told you: never as its own website says
        #[arg(long, value_name = "h-…")]
        hub: String,
        /// When to pull: five cron fields, @hourly, @daily, @weekly or "every 15m" [default: as in the settings]
        #[arg(long)]
        schedule: Option<String>,
    },
    /// List partner hubs and how pulling them goes
    List,
    /// Pull a partner hub now, or all of them
    Pull {
        /// Name of the partner hub; without it, all that are not paused
        name: Option<String>,
        /// All that are not paused
        #[arg(long, conflicts_with = "name")]
        all: bool,
    },
    /// Stop pulling a partner hub until `resume`; its records stay
    Pause {
        /// Name of the partner hub
        name: String,
    },
    /// Pull a paused partner hub again
    Resume {
        /// Name of the partner hub
        name: String,
    },
    /// Look at a large change that waits, and let it through
    Accept {
        /// Name of the partner hub
        name: String,
        /// Without asking
        #[arg(long)]
        yes: bool,
    },
    /// Let a partner hub read role contacts, where a consent names it
    Share {
        /// Name of the partner hub
        name: String,
        /// Role contacts: the one thing that is not shared with everybody
        #[arg(long, required = true)]
        contact: bool,
    },
    /// Let a partner hub no longer read role contacts; it deletes what it has with its next pull
    Unshare {
        /// Name of the partner hub
        name: String,
        /// Role contacts
        #[arg(long, required = true)]
        contact: bool,
    },
    /// Show signed notes that contradict each other: proof that a hub's keys said two things
    Evidence {
        /// Write the notes into this folder, to be checked with `mutuald verify --fork`, or to be shown to anybody
        #[arg(long, value_name = "FOLDER")]
        out: Option<PathBuf>,
    },
    /// Take over from a hub that has ended and named this one: its lists and records become this hub's
    TakeOver {
        /// Name of the hub that ended
        name: String,
        /// Also records whose words may tell of a person: somebody has looked at them
        #[arg(long)]
        looked: bool,
        /// Do it; without this it is only looked at
        #[arg(long)]
        commit: bool,
    },
    /// Remove a partner hub and all that came from it
    Remove {
        /// Name of the partner hub
        name: String,
        /// Without asking
        #[arg(long)]
        yes: bool,
    },
}

/// The state of a partner that was paused because its list is longer than this hub takes.
const TOO_MANY: &str = "too-many-entries";

/// A partner as shown.
#[derive(Debug, Serialize)]
pub struct Row {
    name: String,
    hub: String,
    address: String,
    state: String,
    reason: String,
    paused: bool,
    records_held: i64,
    failures: i64,
    last_success: Option<String>,
    next_due: Option<String>,
    waiting: Option<MassChange>,
    /// How many consents in force name it; none where it may not read role contacts.
    reads_contacts: Option<usize>,
}

impl Row {
    /// Times are told in `zone`.
    pub fn new(row: &PartnerRow, zone: &TimeZone) -> Row {
        let told = |at: i64| Timestamp::from_second(at).ok().map(|at| moment(at, zone));
        Row {
            name: row.name.clone(),
            hub: row.id.clone(),
            address: row.url.clone(),
            // What this hub paused by itself says why; what a person paused needs no reason.
            state: if row.paused && row.state != TOO_MANY { "paused".into() } else { row.state.clone() },
            reason: row.reason.clone(),
            paused: row.paused,
            records_held: row.held,
            failures: row.failures,
            last_success: row.last_success.and_then(told),
            next_due: Some(row.next_due).filter(|due| !row.paused && *due > 0 && *due < i64::MAX).and_then(told),
            waiting: row.waiting.as_deref().and_then(|json| serde_json::from_str(json).ok()),
            reads_contacts: None,
        }
    }

    /// Every partner, with what it is given beside the public words.
    ///
    /// # Errors
    /// Database errors.
    pub async fn all(hub: &Hub, db: &mut sqlx::SqliteConnection) -> anyhow::Result<Vec<Row>> {
        let (zone, today) = (hub.config.time_zone()?, hub.today()?);
        let readers = store::contact::readers(db).await?;
        let mut consents = store::consent::all(db).await?;
        consents.retain(|row| row.in_force(today));
        let mut shown = Vec::new();
        for row in store::partner::all(db).await? {
            let id = row.id.parse::<HubId>().ok().filter(|id| readers.contains_key(id));
            let named = |id| consents.iter().filter(|row| row.readers.contains(&Reader::Hub(id))).count();
            shown.push(Row { reads_contacts: id.map(named), ..Row::new(&row, &zone) });
        }
        Ok(shown)
    }

    /// Whether a person must look.
    pub fn needs_look(&self) -> bool {
        self.waiting.is_some() || self.state == "disputed" || self.state == TOO_MANY
    }
}

/// A state's code in words; the code of a failure stands for itself, so that it can be searched for.
fn words(state: &str) -> &str {
    match state {
        "new" => "not pulled yet",
        "current" | "changed" => "up to date",
        "stale" => "quiet for too long",
        "stale-view" => "shows an older state",
        "waiting" => "a large change waits",
        "disputed" => "signed two histories",
        TOO_MANY => "paused, a person must look",
        other => other,
    }
}

/// Partners as a table.
pub fn rows(rows: &[Row]) -> String {
    let headings = ["partner hub", "state", "statements", "last pulled", "next", "reads role contacts"];
    let shares = rows.iter().any(|row| row.reads_contacts.is_some());
    let mut shown = table(&headings[..headings.len() - usize::from(!shares)]);
    for row in rows {
        let state =
            if row.reason.is_empty() { row.state.clone() } else { format!("{}: {}", words(&row.state), row.reason) };
        let next = if row.paused { "paused" } else { row.next_due.as_deref().unwrap_or("at once") };
        let mut cells = vec![
            row.name.clone(),
            state,
            row.records_held.to_string(),
            row.last_success.clone().unwrap_or_else(|| "never".into()),
            next.to_owned(),
        ];
        let reads = row.reads_contacts.map_or("no".to_owned(), |n| count(n as u64, "consent", "consents"));
        cells.extend(shares.then_some(reads));
        shown.add_row(cells);
    }
    lines(&shown)
}

#[derive(Serialize)]
#[serde(transparent)]
struct Rows(Vec<Row>);

impl fmt::Display for Rows {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0[..] {
            [] => out.write_str("No partner hubs yet. `mutuald partner add ADDRESS --hub ID` adds one."),
            some => out.write_str(&rows(some)),
        }
    }
}

#[derive(Serialize)]
struct Done {
    partner: String,
    hub: String,
    #[serde(skip)]
    text: String,
}

impl fmt::Display for Done {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

#[derive(Serialize)]
struct Outcomes {
    pulled: Vec<Outcome>,
    groups: i64,
    disagreements: i64,
}

impl fmt::Display for Outcomes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for outcome in &self.pulled {
            let new = outcome.pulled.as_ref().map_or(0, |pulled| pulled.new);
            let words = match outcome.state.as_str() {
                "current" => "nothing new".to_owned(),
                "changed" => format!("{}, all signatures right", count(new, "new statement", "new statements")),
                "waiting" => "a large change waits".to_owned(),
                state => state.to_owned(),
            };
            let why = if outcome.reason.is_empty() { String::new() } else { format!(": {}", outcome.reason) };
            writeln!(out, "{}: {words}{why}", outcome.name)?;
            if let Some(derived) = outcome.derived.filter(|derived| derived.groups > 0) {
                writeln!(
                    out,
                    "  {} written, {} of them from several records",
                    count(derived.groups, "group", "groups"),
                    derived.joined
                )?;
            }
            if outcome.waiting.is_some() {
                writeln!(out, "  look, then: mutuald partner accept '{}'", outcome.name)?;
            }
        }
        if self.pulled.is_empty() {
            writeln!(out, "No partner hub to pull.")?;
        }
        write!(out, "The registry holds {}", count(self.groups as u64, "group", "groups"))?;
        match self.disagreements {
            0 => write!(out, "; no hubs or lists disagree."),
            n => write!(out, "; hubs or lists disagree about {n}: `mutuald conflicts` shows them."),
        }
    }
}

impl Partner {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let hub = context.hub().await?;
        match self {
            Partner::Add { address, hub: id, schedule } => add(hub, &address, &id, schedule.as_deref()).await,
            Partner::List => {
                let mut db = hub.store.read().await?;
                let shown = Row::all(hub, &mut db).await?;
                let look = shown.iter().any(Row::needs_look);
                Ok(Answer::of(&Rows(shown))?.look_if(look))
            }
            Partner::Pull { name, .. } => {
                let wanted = match name {
                    Some(name) => vec![named(hub, &name).await?],
                    None => {
                        let mut db = hub.store.read().await?;
                        store::partner::all(&mut db).await?.into_iter().filter(|row| !row.paused).collect()
                    }
                };
                pull(hub, context, wanted).await
            }
            Partner::Pause { name } => pause(hub, &name, true).await,
            Partner::Resume { name } => pause(hub, &name, false).await,
            Partner::Evidence { out } => evidence(hub, out).await,
            Partner::Accept { name, yes } => accept(hub, context, &name, yes).await,
            Partner::Share { name, .. } => share(hub, &name, true).await,
            Partner::Unshare { name, .. } => share(hub, &name, false).await,
            Partner::TakeOver { name, looked, commit } => take_over(hub, &name, looked, commit).await,
            Partner::Remove { name, yes } => {
                let row = named(hub, &name).await?;
                sure(context, yes, &format!("Remove {} and the {} statements held from it?", row.name, row.held))?;
                hub.remove_partner(&row).await?;
                let text =
                    format!("{} and all that came from it is gone. Decisions about its groups are kept.", row.name);
                Answer::of(&Done { partner: row.name, hub: row.id, text })
            }
        }
    }
}

#[derive(Serialize)]
struct Proof {
    id: String,
    hub: String,
    kind: String,
    found: String,
    files: Vec<PathBuf>,
}

#[derive(Serialize)]
#[serde(transparent)]
struct Proofs(Vec<Proof>);

impl fmt::Display for Proofs {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return out.write_str("No hub was found to have said two things.");
        }
        for proof in &self.0 {
            let what = match proof.kind.as_str() {
                "fork" => "two histories of its list",
                "document" => "two hub documents of one version",
                _ => "entries past the end that its hub document set to its list",
            };
            writeln!(out, "{}  {}  {what}, found {}", proof.id, proof.hub, proof.found)?;
            proof.files.iter().try_for_each(|file| writeln!(out, "    {}", file.display()))?;
        }
        write!(out, "Anybody can check two notes: mutuald verify --fork ONE OTHER --key KEY")
    }
}

async fn evidence(hub: &Hub, folder: Option<PathBuf>) -> anyhow::Result<Answer> {
    let zone = hub.config.time_zone()?;
    let mut db = hub.store.read().await?;
    let mut proofs = Vec::new();
    for one in store::hub::evidence(&mut db).await? {
        let mut files = Vec::new();
        if let Some(folder) = &folder {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
            for (nth, note) in [("1", &one.first), ("2", &one.second)] {
                let file = folder.join(format!("{}-{nth}.note", one.id));
                std::fs::write(&file, note).with_context(|| format!("cannot write {}", file.display()))?;
                files.push(file);
            }
        }
        let found = Timestamp::from_second(one.found).map(|at| moment(at, &zone)).unwrap_or_default();
        proofs.push(Proof { id: one.id, hub: one.hub, kind: one.kind, found, files });
    }
    let look = !proofs.is_empty();
    Ok(Answer::of(&Proofs(proofs))?.look_if(look))
}

#[derive(Serialize)]
struct TakenOver {
    #[serde(flatten)]
    plan: TakeOver,
    committed: bool,
}

impl fmt::Display for TakenOver {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TakeOver { from, lists, records, already, decisions, to_look_at } = &self.plan;
        let (lists, records) = (count(*lists as u64, "list", "lists"), count(*records as u64, "record", "records"));
        let records = format!("{records}, {}", count(*decisions as u64, "decision", "decisions"));
        match self.committed {
            true => writeln!(out, "Taken over from {from}: {lists}, {records}. They are this hub's own from now on.")?,
            false => writeln!(out, "Would take over from {from}: {lists}, {records}. Nothing was changed.")?,
        }
        if *already > 0 {
            writeln!(out, "{} were taken over before.", count(*already as u64, "record", "records"))?;
        }
        if !to_look_at.is_empty() {
            writeln!(
                out,
                "The words of {} may tell of a person, so they stay as they are: {}. Look at them, then add --looked.",
                count(to_look_at.len() as u64, "record", "records"),
                to_look_at.join(", ")
            )?;
        }
        writeln!(
            out,
            "Contacts, protected places, people and consents were given to {from} alone: they are not taken over. Ask for them \
             again, in this hub's name."
        )?;
        match self.committed {
            true => {
                write!(out, "Every hub that follows both reads this hub's records in their stead with its next pull.")
            }
            false => write!(out, "next: the same command with --commit"),
        }
    }
}

async fn take_over(hub: &Hub, name: &str, looked: bool, commit: bool) -> anyhow::Result<Answer> {
    let row = named(hub, name).await?;
    let plan = match commit {
        true => hub.take_over(&row, looked).await,
        false => hub.plan_take_over(&row, looked).await,
    };
    let plan = plan.map_err(|error| match error.downcast_ref::<store::StoreError>() {
        Some(_) => error,
        None => Failure::usage(
            format!("nothing was taken over: {error:#}"),
            "`mutuald partner pull`, then `mutuald partner list` says whether the hub has ended and whom it names",
        )
        .into(),
    })?;
    Answer::of(&TakenOver { plan, committed: commit })
}

pub(super) async fn named(hub: &Hub, name: &str) -> anyhow::Result<PartnerRow> {
    hub.partner(name).await.map_err(|error| match error.downcast_ref::<store::StoreError>() {
        Some(_) => error,
        None => {
            Failure::usage(format!("{error:#}"), "`mutuald partner list` shows their names; a part of one is enough")
                .into()
        }
    })
}

async fn share(hub: &Hub, name: &str, with: bool) -> anyhow::Result<Answer> {
    let row = named(hub, name).await?;
    if with && !hub.config.publish.as_ref().is_some_and(|publish| publish.contacts && publish.serve) {
        return Err(Failure::new(
            "this hub does not give out role contacts",
            "set contacts = true under [publish] and restart the daemon; a static host cannot do it",
        )
        .into());
    }
    let id = row.id.parse().map_err(|_| Failure::new("the partner's id is damaged", "`mutuald registry check`"))?;
    let tended = hub.share_contacts(id, with).await?;
    let text = if with {
        format!(
            "{} may read role contacts from now on: those whose consent names it, and no others. `mutuald consent add` writes consents down.",
            row.name
        )
    } else {
        format!("{} may no longer read role contacts.", row.name)
    };
    let text = text + &super::contact::after(&tended);
    Answer::of(&Done { partner: row.name, hub: row.id, text })
}

async fn add(hub: &Hub, address: &str, id: &str, schedule: Option<&str>) -> anyhow::Result<Answer> {
    let hub_id: HubId = id.trim().parse().map_err(|error| {
        Failure::usage(
            format!("{id:?} is not a hub id: {error}"),
            "ask the partner's people for the id on the page that their `mutuald init` printed",
        )
    })?;
    let address = if address.contains("://") { address.to_owned() } else { format!("https://{address}") };
    let name = hub.add_partner(&address, hub_id, schedule).await.map_err(|error| {
        let known = error.downcast_ref::<PullError>();
        let what = format!("{address} was not added: {error:#}");
        match known {
            Some(PullError::Hub(_)) => Failure::partner(
                what,
                "compare the hub id with the partner's printed page, letter by letter, and that the address is theirs",
            )
            .into(),
            Some(PullError::Store(_)) => error,
            Some(_) => Failure::partner(
                what,
                "see that the address opens in a browser with .well-known/groups-hub behind it, and try again",
            )
            .into(),
            None => Failure::usage(
                what,
                "`mutuald partner list` shows the partner hubs; `mutuald partner add --help` the options",
            )
            .into(),
        }
    })?;
    let text = format!("{name} is a partner hub now. Pull its list: mutuald partner pull '{name}'");
    Answer::of(&Done { partner: name, hub: id.to_owned(), text })
}

async fn pull(hub: &Hub, context: &Context, wanted: Vec<PartnerRow>) -> anyhow::Result<Answer> {
    let mut pulled = Vec::new();
    let hub = &Hub { gathers: true, ..hub.clone() };
    for row in wanted {
        let bar = ProgressBar::new_spinner().with_message(format!("Pulling {} …", row.name));
        if context.interactive() {
            bar.enable_steady_tick(Duration::from_millis(120));
        }
        let outcome = hub.pull(&row, false).await;
        bar.finish_and_clear();
        pulled.push(outcome.with_context(|| format!("pulling {}", row.name))?);
    }
    // What they erased goes out of files, once for all of them; and they hear that it did.
    match hub.sweep().await {
        Ok(left) => left.iter().for_each(|left| context.talk(format!("may still hold something erased: {left}"))),
        // A hub that may not publish pulls all the same; the next sweep cleans, and says so to partners.
        Err(error) => context.talk(format!("what was erased is not confirmed to partner hubs yet: {error:#}")),
    }
    outcomes(hub, pulled).await
}

async fn outcomes(hub: &Hub, pulled: Vec<Outcome>) -> anyhow::Result<Answer> {
    if pulled.iter().any(|outcome| outcome.state == "changed") {
        hub.look_for_copies().await?;
    }
    let mut db = hub.store.read().await?;
    let counts = store::lookup::counts(&mut db).await?;
    let failed = pulled.iter().any(|outcome| !outcome.ok());
    let look = pulled.iter().any(|outcome| outcome.waiting.is_some());
    let answer =
        Answer::of(&Outcomes { pulled, groups: counts.groups, disagreements: counts.disagreements })?.look_if(look);
    Ok(if failed { answer.ending(Status::Partner) } else { answer })
}

async fn pause(hub: &Hub, name: &str, paused: bool) -> anyhow::Result<Answer> {
    let wanted = named(hub, name).await?;
    let mut db = hub.store.write().await?;
    // Read again inside the transaction: a pull may have ended in between.
    let mut row = store::partner::get(&mut db, wanted.hub).await?.context("the partner hub was removed meanwhile")?;
    row.paused = paused;
    store::partner::save(&mut db, &row).await?;
    db.commit().await?;
    let text = if paused {
        format!("{} is paused. Its records stay. `mutuald partner resume '{}'` goes on.", row.name, row.name)
    } else {
        format!("{} is pulled again from now on.", row.name)
    };
    Answer::of(&Done { partner: row.name, hub: row.id, text })
}

async fn accept(hub: &Hub, context: &Context, name: &str, yes: bool) -> anyhow::Result<Answer> {
    let row = named(hub, name).await?;
    let Some(change) = row.waiting.as_deref().and_then(|json| serde_json::from_str::<MassChange>(json).ok()) else {
        return Err(Failure::usage(
            format!("nothing waits at {}", row.name),
            "`mutuald partner list` shows what waits where",
        )
        .into());
    };
    context.talk(format!(
        "{} has {} in our registry. At once it would replace {} of them and take back {}.",
        row.name,
        count(change.live, "record", "records"),
        change.replaced,
        change.withdrawn
    ));
    sure(context, yes, "Let this through?")?;
    let outcome = hub.accept_partner(&row).await?;
    outcomes(hub, vec![outcome]).await
}

pub(super) fn sure(context: &Context, yes: bool, question: &str) -> anyhow::Result<()> {
    if yes || context.interactive() && context.agreed(question)? {
        return Ok(());
    }
    Err(Failure::usage("not confirmed; nothing was changed", "the same command with --yes does it without asking")
        .into())
}
