//! `mutuald safety`

use super::group::published;
use super::output::{count, lines, table};
use super::{Answer, Context, Failure};
use crate::node::groups::words::{self, term_label};
use crate::node::groups::{self, Known, NotFound};
use crate::node::protect::{self, Exposure, GivesAway, Raise, Word};
use crate::node::{Hub, Said};
use crate::record::safety::{How, Level, how};
use crate::record::vocabulary;
use crate::registry::rules::protection;
use crate::store::protected::{self, LowerError, Person, Proposal, ProtectedRow};
use serde::Serialize;
use sqlx::SqliteConnection;
use std::fmt;
use uuid::Uuid;

/// Places that must not be known: set how far a group's place may be known, and see who says more
#[derive(Debug, clap::Subcommand)]
pub enum Safety {
    List(List),
    Set(Set),
    Lower(Lower),
    Confirm(Confirm),
    Why(Why),
}

/// Show what this hub protects, what waits for a second person, and who shows more than that
#[derive(Debug, clap::Args)]
pub struct List {}

/// Protect a group's place more than now; one person may do that, at once
///
/// Without --commit nothing is changed: the command says what would be withheld, what would be erased, and which partner hubs have
/// had it.
#[derive(Debug, clap::Args)]
pub struct Set {
    /// Its name, or words that only its entry has
    name: String,
    /// open, approximate, contact-first, unlisted or sealed
    level: String,
    /// You have looked at the words that were named, and they do not give the place away
    #[arg(long)]
    words_ok: bool,
    /// Do it
    #[arg(long)]
    commit: bool,
}

/// Propose to protect a group's place less; a second person confirms it
#[derive(Debug, clap::Args)]
pub struct Lower {
    /// Its name, or words that only its entry has
    name: String,
    /// open, approximate, contact-first or unlisted
    level: String,
    #[command(flatten)]
    who: Who,
}

/// Confirm, as a second person, that a group's place is protected less
///
/// Without --commit nothing is changed.
#[derive(Debug, clap::Args)]
pub struct Confirm {
    /// Its name, or words that only its entry has
    name: String,
    #[command(flatten)]
    who: Who,
    /// You have looked at the words that were named, and they do not give the place away
    #[arg(long)]
    words_ok: bool,
    /// Do it
    #[arg(long)]
    commit: bool,
}

/// Who does it.
#[derive(Debug, clap::Args)]
struct Who {
    /// Your name or initials; they stay at this hub
    #[arg(long, value_name = "NAME")]
    person: String,
    /// Your role, which is signed: coordinator, hub-worker, safeguarding-lead, trustee or group-itself
    #[arg(long, value_name = "ROLE")]
    role: String,
}

impl Who {
    fn person(&self) -> anyhow::Result<Person> {
        let role = words::term("safety-roles", &self.role)
            .map_err(|next| Failure::usage(format!("the role {:?} is not known", self.role), next))?;
        Ok(Person { name: self.person.trim().to_owned(), role })
    }
}

/// Say what of a group may be known, and whose word makes it so
#[derive(Debug, clap::Args)]
pub struct Why {
    /// Its name, or words that only its entry has
    name: String,
}

/// What a name leads to: a group of the registry, or a record of this hub that is in no registry.
enum Found {
    Known(Box<Known>),
    Unsigned(ProtectedRow),
}

async fn found(context: &Context, hub: &Hub, db: &mut SqliteConnection, wanted: &str) -> anyhow::Result<Found> {
    let named = protected::named(db, wanted).await?;
    match groups::find(db, wanted).await {
        Err(NotFound::None(_)) if named.len() == 1 => Ok(Found::Unsigned(named[0].clone())),
        Err(NotFound::None(_)) if named.len() > 1 => {
            Err(Failure::usage(format!("{} records of this hub fit {wanted:?}", named.len()), "give more of the name")
                .into())
        }
        _ => Ok(Found::Known(Box::new(context.group(hub, db, wanted).await?))),
    }
}

fn level(text: &str) -> anyhow::Result<Level> {
    let id = words::term("safety-levels", text)
        .map_err(|next| Failure::usage(format!("the safety level {text:?} is not known"), next))?;
    Ok(Level::of(&id))
}

/// A level as people call it.
fn label(level: &str) -> String {
    term_label("safety-levels", level)
}

/// An error with the way on.
fn failed(error: anyhow::Error, name: &str) -> anyhow::Error {
    if let Some(GivesAway(fields)) = error.downcast_ref::<GivesAway>() {
        return given_away(name, fields);
    }
    match error.downcast_ref::<LowerError>() {
        Some(LowerError::NotProposed) => Failure::new(
            error.to_string(),
            format!("one person proposes it: mutuald safety lower '{name}' LEVEL --person … --role …"),
        )
        .into(),
        Some(LowerError::SamePerson) => {
            Failure::new(error.to_string(), "somebody else at the hub gives this command, under their own name").into()
        }
        Some(LowerError::NoName | LowerError::Role(_)) => {
            let all: Vec<&str> = vocabulary::safety_roles().terms.iter().map(|term| term.id.as_str()).collect();
            Failure::usage(error.to_string(), format!("give --person and --role; the roles are: {}", all.join(", ")))
                .into()
        }
        Some(LowerError::OtherLevel { .. }) => {
            Failure::new(error.to_string(), "`mutuald safety list` shows what was proposed").into()
        }
        _ => error,
    }
}

/// Words that have to be looked at. The fields are named, never the words: this may end in a log.
pub(in crate::cli) fn given_away(name: &str, fields: &[&'static str]) -> anyhow::Error {
    let labels: Vec<String> = fields.iter().map(|field| field_label(field)).collect();
    Failure::new(
        format!("{name}: words give the place away, in: {}; nothing was changed", labels.join(", ")),
        "change the words with `mutuald group edit`, or in the spreadsheet; where they do not give it away, --words-ok says that you \
         have looked",
    )
    .into()
}

fn field_label(field: &str) -> String {
    match field {
        "source_id" => "Your reference".to_owned(),
        "sightings" => "Seen by".to_owned(),
        other => {
            words::unit_label(crate::registry::Unit::of(other).map_or("name", crate::registry::Unit::name)).to_owned()
        }
    }
}

impl Safety {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        match self {
            Safety::List(command) => command.run(context).await,
            Safety::Set(command) => command.run(context).await,
            Safety::Lower(command) => command.run(context).await,
            Safety::Confirm(command) => command.run(context).await,
            Safety::Why(command) => command.run(context).await,
        }
    }
}

#[derive(Serialize)]
struct Listed {
    protected: Vec<One>,
    proposals: Vec<Waiting>,
    exposures: Vec<Exposure>,
    /// Groups of other hubs under the name of a record of which this hub signs nothing.
    namesakes: Vec<Namesake>,
}

#[derive(Serialize)]
struct One {
    name: String,
    level: Level,
    signed: bool,
    since: String,
    public_before: bool,
}

#[derive(Serialize)]
struct Waiting {
    name: String,
    level: Level,
    person: String,
    role: String,
}

#[derive(Serialize)]
struct Namesake {
    name: String,
    hubs: i64,
}

impl fmt::Display for Listed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.protected.is_empty() {
            writeln!(out, "This hub protects no place.")?;
        } else {
            let mut shown = table(&["group", "what may be known", "since", ""]);
            for one in &self.protected {
                let before = if one.public_before { "was public before" } else { "" };
                shown.add_row([one.name.as_str(), &label(one.level.label()), &one.since, before]);
            }
            writeln!(out, "{}", lines(&shown))?;
        }
        for it in &self.proposals {
            writeln!(
                out,
                "\nWaits for a second person: {:?} to {:?}, proposed by {} ({}).\n  mutuald safety confirm '{}' --person … --role … --commit",
                it.name,
                label(it.level.label()),
                it.person,
                term_label("safety-roles", &it.role).to_lowercase(),
                it.name
            )?;
        }
        for it in &self.exposures {
            let (group, level) = (&it.group, label(&it.level));
            if it.own {
                writeln!(
                    out,
                    "\nThis hub's own record of {group:?} says more than {level:?}, which somebody else's word makes it.\n  \
                     mutuald safety set '{group}' {}",
                    it.level
                )?;
            } else {
                writeln!(
                    out,
                    "\n{} says more of {group:?} than {level:?}. It is not shown here, and {} can read our word; it may help to telephone.",
                    it.hub, it.hub
                )?;
            }
        }
        for it in &self.namesakes {
            writeln!(
                out,
                "\nAnother hub lists a group called {:?}, which is the name of one that this hub keeps to itself. If it is the same:\n  \
                 mutuald safety set '{}' LEVEL",
                it.name, it.name
            )?;
        }
        Ok(())
    }
}

/// The name of a protected record, for this hub's own people.
async fn name_of(db: &mut SqliteConnection, names: &[(Uuid, String)], row: &ProtectedRow) -> anyhow::Result<String> {
    if let Some((_, name)) = names.iter().find(|(rec, _)| *rec == row.rec) {
        return Ok(name.clone());
    }
    Ok(protected::name(db, row.rec).await?.unwrap_or_else(|| row.rec.to_string()))
}

impl List {
    async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let hub = context.hub().await?;
        let mut db = hub.store.read().await?;
        let own = groups::own_records(hub, &mut db).await?;
        let names: Vec<(Uuid, String)> = own.into_iter().map(|one| (one.record.rec, one.group.name)).collect();
        let mut listed = Vec::new();
        let rows = protected::rows(&mut db).await?;
        for row in &rows {
            let since = jiff::Timestamp::from_second(row.since).unwrap_or_default();
            listed.push(One {
                name: name_of(&mut db, &names, row).await?,
                level: row.level,
                signed: row.level.signed(),
                since: since.to_zoned(hub.config.time_zone()?).date().to_string(),
                public_before: row.public_from.is_some(),
            });
        }
        listed.sort_by(|a, b| (&a.name, a.level).cmp(&(&b.name, b.level)));
        let mut proposals = Vec::new();
        for Proposal { rec, level, by, .. } in protected::proposals(&mut db).await? {
            let row = rows.iter().find(|row| row.rec == rec);
            let name = match row {
                Some(row) => name_of(&mut db, &names, row).await?,
                None => rec.to_string(),
            };
            proposals.push(Waiting { name, level, person: by.name, role: by.role });
        }
        let exposures = protect::exposures(hub, &mut db).await?;
        let namesakes: Vec<Namesake> = protect::namesakes(&mut db)
            .await?
            .into_iter()
            .map(|(_, row)| Namesake { name: row.name, hubs: row.hubs })
            .collect();
        let look = !proposals.is_empty() || !exposures.is_empty() || !namesakes.is_empty();
        Ok(Answer::of(&Listed { protected: listed, proposals, exposures, namesakes })?.look_if(look))
    }
}

#[derive(Serialize)]
struct Setting {
    #[serde(flatten)]
    raise: Raise,
    committed: bool,
    said: Option<Said>,
}

impl fmt::Display for Setting {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let raise = &self.raise;
        let (will, is) = if self.committed { ("", "is") } else { ("would be ", "would be") };
        writeln!(out, "{}: {} → {}", raise.group, label(raise.before.label()), label(raise.level.label()))?;
        writeln!(out, "  {}", raise.level.why())?;
        if !raise.withheld.is_empty() {
            let fields: Vec<String> = raise.withheld.iter().map(|field| member_label(field)).collect();
            let kept = "`mutuald group show --protected` tells it to this hub's people";
            writeln!(out, "  {will}withheld: {}; {kept}", fields.join(", "))?;
        }
        if !raise.words.is_empty() && !self.committed {
            let fields: Vec<String> = raise.words.iter().map(|field| field_label(field)).collect();
            writeln!(
                out,
                "  Words give the place away, in: {}. Change them first, or say --words-ok.",
                fields.join(", ")
            )?;
        }
        if raise.erases {
            writeln!(
                out,
                "  What everybody could read {is} erased, here and by a signed word at every hub that holds it."
            )?;
            let had = if raise.had.is_empty() { "no partner hub is known".to_owned() } else { raise.had.join(", ") };
            writeln!(out, "  Have had it: {had}; and whoever else read the feed. This cannot be undone.")?;
        }
        if !raise.exposing.is_empty() {
            writeln!(
                out,
                "  Say more than that themselves: {}. It {is} shown nowhere here; please telephone them too.",
                raise.exposing.join(", ")
            )?;
        }
        if raise.named > 0 {
            writeln!(
                out,
                "  The signed word names {} of other hubs by id, because this hub has none that stays. Whoever reads it could look there \
                 for the place until that hub takes it out: telephone first.",
                count(raise.named as u64, "record", "records")
            )?;
        }
        match &self.said {
            Some(said) => out.write_str(&published(said)),
            None if self.committed => write!(out, "Nothing had to be signed."),
            None => write!(out, "Nothing was changed. To do it: the same with --commit"),
        }
    }
}

fn member_label(member: &str) -> String {
    crate::registry::Unit::of(member)
        .map_or_else(|| member.replace('_', " "), |unit| words::unit_label(unit.name()).to_owned())
}

impl Set {
    async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let level = level(&self.level)?;
        let hub = context.hub().await?;
        let mut db = hub.store.read().await?;
        let known = match found(context, hub, &mut db, &self.name).await? {
            Found::Known(known) => known,
            Found::Unsigned(row) => {
                drop(db);
                return self.unsigned(hub, row, level).await;
            }
        };
        let now = Level::of(&known.merged.safety);
        let own = known.own();
        let all_there = own.iter().all(|one| Level::stated(&one.group) >= level);
        if level < now || (level == Level::Open && now == Level::Open) {
            let what = format!("{:?} is {:?} now, which protects more", known.row.name, label(now.label()));
            let next =
                format!("two people lower it: mutuald safety lower '{}' {} --person … --role …", known.row.name, level);
            return Err(Failure::new(what, next).into());
        }
        if level == now && all_there && (!own.is_empty() || protection(&known.merged.safety) > 0) {
            let what = format!("{:?} is {:?} already", known.row.name, label(now.label()));
            return Err(Failure::new(what, "`mutuald safety why` says whose word makes it so").into());
        }
        let raise = protect::raise(&mut db, &known, level).await?;
        drop(db);
        let said = match self.commit {
            true => Some(
                protect::set(hub, &known, level, self.words_ok)
                    .await
                    .map_err(|error| failed(error, &known.row.name))?,
            ),
            false => None,
        };
        let look = said.is_none() && !raise.words.is_empty() || !raise.exposing.is_empty();
        Ok(Answer::of(&Setting { raise, committed: said.is_some(), said })?.look_if(look))
    }

    /// A record of which nothing is signed, before and after.
    async fn unsigned(self, hub: &Hub, row: ProtectedRow, level: Level) -> anyhow::Result<Answer> {
        if level <= row.level {
            let what = format!("it is {:?} already", label(row.level.label()));
            return Err(
                Failure::new(what, "two people lower it: mutuald safety lower NAME LEVEL --person … --role …").into()
            );
        }
        let mut db = hub.store.write().await?;
        let before = row.level;
        if self.commit
            && let Some((row, sealed)) = protected::get(&mut db, row.rec).await?
        {
            let now = hub.clock.now().as_second();
            protected::keep(&mut db, &ProtectedRow { level, since: now, ..row.clone() }, &sealed).await?;
            protected::note_change(&mut db, row.rec, now, before, level).await?;
            db.commit().await?;
        }
        let raise = Raise {
            group: self.name,
            before,
            level,
            own: 1,
            withheld: vec![],
            words: vec![],
            erases: false,
            had: vec![],
            exposing: vec![],
            named: 0,
        };
        Answer::of(&Setting { raise, committed: self.commit, said: None })
    }
}

#[derive(Serialize)]
struct Proposed {
    group: String,
    before: Level,
    level: Level,
}

impl fmt::Display for Proposed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{}: {} → {}, as soon as a second person confirms it:\n  mutuald safety confirm '{}' --person … --role … --commit\nNothing was changed yet.",
            self.group,
            label(self.before.label()),
            label(self.level.label()),
            self.group
        )
    }
}

/// The record of this hub by which it protects a group, and its name.
async fn guarded(
    context: &Context,
    hub: &Hub,
    db: &mut SqliteConnection,
    wanted: &str,
) -> anyhow::Result<(ProtectedRow, String)> {
    match found(context, hub, db, wanted).await? {
        Found::Unsigned(row) => Ok((row, wanted.to_owned())),
        Found::Known(known) => {
            for one in known.own() {
                if let Some((row, _)) = protected::get(db, one.record.rec).await? {
                    return Ok((row, known.row.name.clone()));
                }
            }
            let what = if protection(&known.merged.safety) == 0 {
                format!("{:?} is open already", known.row.name)
            } else {
                format!("{:?} is protected by another hub's word", known.row.name)
            };
            Err(Failure::new(what, "`mutuald safety why` says whose word it is; only that hub can take it back").into())
        }
    }
}

impl Lower {
    async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let level = level(&self.level)?;
        let person = self.who.person()?;
        let hub = context.hub().await?;
        let mut db = hub.store.read().await?;
        let (row, group) = guarded(context, hub, &mut db, &self.name).await?;
        if level >= row.level {
            let what = format!(
                "{group:?} is {:?}, which does not protect more than {:?}",
                label(row.level.label()),
                label(level.label())
            );
            return Err(Failure::new(what, "`mutuald safety set` protects a place more").into());
        }
        drop(db);
        let mut db = hub.store.write().await?;
        let proposal = Proposal { rec: row.rec, level, by: person, at: hub.clock.now().as_second() };
        protected::propose(&mut db, &proposal).await.map_err(|error| failed(error.into(), &group))?;
        db.commit().await?;
        Answer::of(&Proposed { group, before: row.level, level })
    }
}

#[derive(Serialize)]
struct Confirmed {
    group: String,
    before: Level,
    level: Level,
    committed: bool,
    said: Option<Said>,
}

impl fmt::Display for Confirmed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}: {} → {}", self.group, label(self.before.label()), label(self.level.label()))?;
        writeln!(out, "  {}", self.level.why())?;
        match &self.said {
            Some(said) => out.write_str(&published(said)),
            None => write!(
                out,
                "What this level does not withhold would be public. Nothing was changed. To do it: the same with --commit"
            ),
        }
    }
}

impl Confirm {
    async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let person = self.who.person()?;
        let hub = context.hub().await?;
        let mut db = hub.store.read().await?;
        let (row, group) = guarded(context, hub, &mut db, &self.name).await?;
        let proposal = protected::proposal(&mut db, row.rec).await?;
        let proposal = proposal.ok_or_else(|| failed(LowerError::NotProposed.into(), &group))?;
        drop(db);
        let said = match self.commit {
            true => Some(
                protect::confirm(hub, row.rec, proposal.level, &person, self.words_ok)
                    .await
                    .map_err(|error| failed(error, &group))?,
            ),
            false => None,
        };
        Answer::of(&Confirmed { group, before: row.level, level: proposal.level, committed: said.is_some(), said })
    }
}

#[derive(Serialize)]
struct Because {
    group: String,
    level: String,
    words: Vec<Word>,
    withheld: Vec<String>,
    exposing: Vec<String>,
}

impl fmt::Display for Because {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}: {}", self.group, label(&self.level))?;
        if self.words.is_empty() {
            return write!(out, "  Nobody has said that its place needs care.");
        }
        writeln!(out, "  {}", Level::of(&self.level).why())?;
        for word in &self.words {
            let decides = if word.decides { "" } else { " (a more protective word outweighs it)" };
            writeln!(out, "  {}, since {}: {}, {}{decides}", word.hub, word.since, label(&word.level), word.how)?;
        }
        if !self.withheld.is_empty() {
            writeln!(out, "  Withheld: {}", self.withheld.join(", "))?;
        }
        if !self.exposing.is_empty() {
            writeln!(out, "  Say more than that: {}", self.exposing.join(", "))?;
        }
        write!(
            out,
            "The most protective word holds, whoever said it; only who said it can take it back, and that takes two people."
        )
    }
}

impl Why {
    async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let hub = context.hub().await?;
        let mut db = hub.store.read().await?;
        let (group, level, words, exposing) = match found(context, hub, &mut db, &self.name).await? {
            Found::Known(known) => {
                let exposing = protect::exposing(&known).iter().map(|one| one.whose()).collect();
                (known.row.name.clone(), known.merged.safety.clone(), protect::words(&known), exposing)
            }
            Found::Unsigned(row) => {
                let since = jiff::Timestamp::from_second(row.since).unwrap_or_default();
                let word = Word {
                    hub: hub.name.clone(),
                    level: row.level.label().to_owned(),
                    how: "known here only, nothing of it is signed",
                    since: since.to_zoned(hub.config.time_zone()?).date().to_string(),
                    decides: true,
                };
                (self.name.clone(), row.level.label().to_owned(), vec![word], vec![])
            }
        };
        let at = Level::of(&level);
        let withheld = crate::record::group::UNITS
            .iter()
            .filter(|unit| how(at, "group", unit) == How::Withheld)
            .map(|unit| words::unit_label(unit).to_owned())
            .collect();
        Answer::of(&Because { group, level, words, withheld, exposing })
    }
}
