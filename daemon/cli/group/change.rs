//! `mutuald group add`, `edit`, `close`, `affirm`, `withdraw`: what this hub itself says of groups.

use crate::cli::{Answer, Context, Failure};
use crate::exchange::cell;
use crate::exchange::fault::RECORD_BYTES;
use crate::exchange::plan::{Existing, FieldChange};
use crate::node::author::Draft;
use crate::node::groups::say::{self, Edited, SayError};
use crate::node::groups::{self, Known, One, words};
use crate::node::{Hub, Said, protect};
use crate::record::Group;
use crate::record::group::{Assured, Sighting};
use crate::record::safety::Level;
use crate::record::statement::Judgement;
use crate::registry::rules::How;
use crate::registry::{Unit, normal, sighting};
use crate::store::protected::{self, SealedPlace};
use anyhow::Context as _;
use jiff::civil::Date;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt;
use std::io::Read;
use uuid::Uuid;

/// Add a group to this hub's own list
#[derive(Debug, clap::Args)]
pub struct Add {
    /// What the group calls itself
    #[arg(required_unless_present = "from")]
    name: Option<String>,
    /// Town or village
    #[arg(long)]
    town: Option<String>,
    /// Postcode, or its first half
    #[arg(long)]
    postcode: Option<String>,
    /// Topics, with semicolons between them
    #[arg(long)]
    topics: Option<String>,
    /// When it meets, in the group's words
    #[arg(long)]
    meets: Option<String>,
    /// The group's own telephone number, never one person's
    #[arg(long)]
    phone: Option<String>,
    /// The group's own mailbox, never one person's
    #[arg(long)]
    email: Option<String>,
    /// The group's page
    #[arg(long)]
    website: Option<String>,
    /// Any other field of the spreadsheet, such as --set 'cost=Free'
    #[arg(long = "set", value_name = "FIELD=VALUE")]
    sets: Vec<String>,
    /// A group in JSON, as schema/ describes it; - reads it from standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["name", "sets"])]
    from: Option<String>,
    /// Add it although this hub already lists a group of that name
    #[arg(long)]
    anyway: bool,
    /// You have looked at words that seem to give a protected place away, and they do not
    #[arg(long)]
    words_ok: bool,
}

/// Change what this hub says of a group
///
/// Where this hub has said nothing of the group yet, a record of its own is made and held for the same group.
#[derive(Debug, clap::Args)]
pub struct Edit {
    /// Its name, or words that only its entry has
    name: String,
    /// A field of the spreadsheet and its new value; an empty value clears it
    #[arg(long = "set", value_name = "FIELD=VALUE", required = true)]
    sets: Vec<String>,
    /// You have looked at words that seem to give a protected place away, and they do not
    #[arg(long)]
    words_ok: bool,
}

/// Say that a group has ended; it stays known
#[derive(Debug, clap::Args)]
pub struct Close {
    /// Its name, or words that only its entry has
    name: String,
    /// Since when, as 3/9/2026 or 2026-09-03
    #[arg(long)]
    date: Option<String>,
    /// Why, naming no person
    #[arg(long)]
    reason: Option<String>,
}

/// Say that what this hub says of a group was checked and is still right
#[derive(Debug, clap::Args)]
pub struct Affirm {
    /// Its name, or words that only its entry has
    name: String,
    /// How it was checked, such as phone, visit, web-only
    #[arg(long, value_name = "HOW")]
    method: String,
    /// In what role: group, hub, researcher …; never a person's name
    #[arg(long, value_name = "ROLE")]
    by: String,
    /// The day of the check [default: today]
    #[arg(long)]
    date: Option<String>,
}

/// Take back this hub's own record of a group; what other hubs say stays
#[derive(Debug, clap::Args)]
pub struct Withdraw {
    /// Its name, or words that only its entry has
    name: String,
}

/// What was said.
#[derive(Serialize)]
struct Done {
    group: String,
    did: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changes: Vec<FieldChange>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
    said: Option<Said>,
}

impl fmt::Display for Done {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}: {}", self.group, self.did)?;
        let shown = |text: &str| if text.is_empty() { "(empty)".to_owned() } else { text.replace('\n', " ") };
        for change in &self.changes {
            writeln!(out, "  {}: {} → {}", change.column, shown(&change.before), shown(&change.after))?;
        }
        self.notes.iter().try_for_each(|note| writeln!(out, "  {note}"))?;
        if let Some(said) = &self.said {
            write!(out, "{}", published(said))?;
        }
        Ok(())
    }
}

/// What became of what was said.
pub(in crate::cli) fn published(said: &Said) -> String {
    let signed = crate::cli::output::count(said.statements as u64, "statement", "statements");
    let held = match said.held {
        0 => String::new(),
        n => format!(
            "Held, and not signed yet: {}. The words seem to tell of a person; `mutuald held list` shows what was found.\n",
            crate::cli::output::count(n as u64, "record", "records")
        ),
    };
    held + &match &said.published {
        Some(published) => format!("Signed {signed}; published, {} in the feed.", published.size),
        None => format!("Signed {signed}; not published, because the settings have no [publish]."),
    }
}

/// An error of drafting with its next step.
pub(in crate::cli) fn refused(error: &SayError) -> anyhow::Error {
    let next = match error {
        SayError::UnknownField(_) | SayError::Twice(_) | SayError::Fields(_) => {
            let keys: Vec<String> =
                crate::exchange::columns::columns().iter().map(|column| column.field.key()).collect();
            format!("the fields are: {}", keys.join(", "))
        }
        SayError::Refused(_) => "put the value right, and the same again".to_owned(),
        SayError::Protected => {
            "`mutuald safety set NAME LEVEL` protects it more, and says first what that erases; two people lower it"
                .to_owned()
        }
        SayError::GivesAway(_) => {
            "change the words; where they do not give it away, --words-ok says that you have looked".to_owned()
        }
        SayError::OneValue(_) => "`mutuald conflicts` shows where hubs or lists disagree".to_owned(),
        SayError::NoValue(_) => "the same command without a number shows the values".to_owned(),
        SayError::OneMember => "`mutuald group show` shows the entries of a group".to_owned(),
        SayError::NothingToUndo => "`mutuald group show` says what was decided, and by whom".to_owned(),
    };
    Failure::usage(error.to_string(), next).into()
}

fn pairs(sets: &[String]) -> anyhow::Result<Vec<(String, String)>> {
    sets.iter()
        .map(|set| {
            let (field, value) = set.split_once('=').ok_or_else(|| {
                Failure::usage(
                    format!("{set:?} has no ="),
                    "write the field, =, and the value, as in --set 'cost=Free'",
                )
            })?;
            Ok((field.trim().to_owned(), value.trim().to_owned()))
        })
        .collect()
}

/// The list of what this hub itself knows.
async fn own_list(hub: &Hub, db: &mut sqlx::SqliteConnection) -> anyhow::Result<Uuid> {
    let lists = groups::own_lists(hub, db).await?;
    let own = lists.iter().find(|(_, list)| list.kind == crate::record::list::OWN);
    own.map(|(id, _)| *id).ok_or_else(|| {
        Failure::new(
            "this hub has no list of its own knowledge",
            "make one: mutuald list add 'Our own list' --kind own",
        )
        .into()
    })
}

/// The record by which this hub speaks of a group: of several, the one in the list of its own knowledge.
async fn mine<'a>(hub: &Hub, db: &mut sqlx::SqliteConnection, known: &'a Known) -> anyhow::Result<Option<&'a One>> {
    let own = known.own();
    if own.len() < 2 {
        return Ok(own.first().copied());
    }
    let list = own_list(hub, db).await?;
    if let Some(one) = own.iter().find(|one| one.group.list == Some(list)) {
        return Ok(Some(one));
    }
    let lists: Vec<String> = own.iter().map(|one| one.whose()).collect();
    let what = format!("this hub has several records of {:?}: {}", known.row.name, lists.join("; "));
    Err(Failure::usage(what, "correct the row in its spreadsheet and import that list again").into())
}

fn warnings(edited: &Edited) -> Vec<String> {
    edited.warnings.iter().map(|warning| format!("worth a look: {}: {}", warning.cell.column, warning.note)).collect()
}

impl Add {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let hub = context.hub().await?;
        let mut db = hub.store.read().await?;
        let list = own_list(hub, &mut db).await?;
        let edited = match &self.from {
            Some(file) => from_json(file, list)?,
            None => say::edit(None, &self.fields()?, list, self.words_ok).map_err(|error| refused(&error))?,
        };
        let name = normal::words(&edited.group.name);
        let own = groups::own_records(hub, &mut db).await?;
        if let Some((level, sealed)) = &edited.sealed {
            return self.protected(context, hub, &edited, *level, sealed).await;
        }
        if !self.anyway && own.iter().any(|one| normal::words(&one.group.name) == name) {
            let what = format!("this hub already lists a group called {:?}; nothing was changed", edited.group.name);
            let next = format!(
                "`mutuald group edit '{}'` changes it; --anyway adds a second group of that name",
                edited.group.name
            );
            return Err(Failure::new(what, next).into());
        }
        drop(db);
        let said = hub.say(&[say::put_new(context.chance.id(), &edited.group)]).await?;
        let notes = warnings(&edited);
        Answer::of(&Done {
            group: edited.group.name,
            did: "added to this hub's own list",
            changes: vec![],
            notes,
            said: Some(said),
        })
    }

    /// A group whose place is protected from the first.
    async fn protected(
        &self,
        context: &Context,
        hub: &Hub,
        edited: &Edited,
        level: Level,
        sealed: &SealedPlace,
    ) -> anyhow::Result<Answer> {
        let mut db = hub.store.write().await?;
        let public = level.signed().then_some(&edited.group);
        let fresh = protect::Fresh { rec: context.chance.id(), list: edited.group.list, level, public };
        let drafts = protect::first(hub, &mut db, fresh, sealed, self.words_ok).await?;
        let said = match public {
            Some(_) => {
                let derived = hub.say_in(&mut db, &drafts, |_| ()).await?;
                let held = hub.held_among(&mut db, &drafts).await?;
                db.commit().await?;
                Some(Said { statements: drafts.len() - held, held, derived, published: hub.publish().await? })
            }
            None => {
                db.commit().await?;
                None
            }
        };
        let notes = vec![format!("{} `mutuald group show --protected` tells the rest", level.why())];
        let did =
            if public.is_some() { "added to this hub's own list" } else { "kept by this hub; nothing of it is signed" };
        let group = if public.is_some() { edited.group.name.clone() } else { "A group".to_owned() };
        Answer::of(&Done { group, did, changes: vec![], notes, said })
    }

    fn fields(&self) -> anyhow::Result<Vec<(String, String)>> {
        let named = [
            ("name", &self.name),
            ("locality", &self.town),
            ("postcode", &self.postcode),
            ("topics", &self.topics),
            ("meets", &self.meets),
            ("phone", &self.phone),
            ("email", &self.email),
            ("website", &self.website),
        ];
        let mut fields: Vec<(String, String)> = named
            .iter()
            .filter_map(|(key, value)| Some(((*key).to_owned(), value.as_ref()?.trim().to_owned())))
            .collect();
        fields.extend(pairs(&self.sets)?);
        Ok(fields)
    }
}

fn from_json(file: &str, list: Uuid) -> anyhow::Result<Edited> {
    let mut text = String::new();
    if file == "-" {
        std::io::stdin().take(2 * RECORD_BYTES as u64).read_to_string(&mut text).context("standard input")?;
    } else {
        text = std::fs::read_to_string(file).with_context(|| format!("cannot read {file}"))?;
    }
    let mut group = Group::read(text.trim()).map_err(|error| {
        Failure::new(
            format!("{file}: {error}"),
            "schema/ describes what a group may say; or use the options in place of --from",
        )
    })?;
    group.list = Some(list);
    let level = Level::stated(&group);
    if level != Level::Open {
        let split = protected::split(group, level);
        let sealed = Some((level, split.sealed));
        let public = split.public.unwrap_or_else(|| Group { list: Some(list), ..Group::default() });
        return Ok(Edited { group: public, changes: Vec::new(), warnings: Vec::new(), sealed });
    }
    if group.json().len() > RECORD_BYTES {
        return Err(Failure::new(format!("{file}: more than {RECORD_BYTES} bytes"), "shorten its texts").into());
    }
    Ok(Edited { group, changes: Vec::new(), warnings: Vec::new(), sealed: None })
}

/// Says new values of a group: in this hub's record of it, or in a new one that is held for the same group.
async fn change(
    context: &Context,
    wanted: &str,
    fields: &[(String, String)],
    did: &'static str,
    looked: bool,
) -> anyhow::Result<Answer> {
    let hub = context.hub().await?;
    let mut db = hub.store.read().await?;
    let known = context.group(hub, &mut db, wanted).await?;
    let list = own_list(hub, &mut db).await?;
    let mine = mine(hub, &mut db, &known).await?;
    let (edited, drafts, mut notes) = match mine {
        Some(one) => {
            let base: Existing = say::existing(one);
            let mut edited = say::edit(Some(&base), fields, list, looked).map_err(|error| refused(&error))?;
            if !edited.changes.is_empty() && !sighting::repeats(&one.record, &edited.group, false).is_empty() {
                // Who corrects a row that was taken over knows something of the group itself.
                let date = Some(hub.clock.today(&hub.config.time_zone()?));
                let observed_by = hub.id.to_string();
                edited.group.sightings.push(Sighting { observed_by, date, ..Sighting::default() });
            }
            let drafts = if edited.changes.is_empty() { vec![] } else { vec![say::put(&one.row, &edited.group)] };
            (edited, drafts, Vec::new())
        }
        None => first(context, hub, &known, fields, list)?,
    };
    drop(db);
    notes.extend(warnings(&edited));
    let group = known.row.name.clone();
    if let (Some((level, sealed)), Some(one)) = (&edited.sealed, mine) {
        let mut db = hub.store.write().await?;
        protect::renew(hub, &mut db, one.record.rec, *level, sealed.clone()).await?;
        if looked && let Some((_, all)) = protected::get(&mut db, one.record.rec).await? {
            let words = all.given_away(&edited.group);
            protected::allow(&mut db, one.record.rec, &edited.group, &words).await?;
        }
        db.commit().await?;
        notes.push("what is withheld of it is kept; `mutuald group show --protected` tells it".to_owned());
    }
    if drafts.is_empty() {
        return Answer::of(&Done {
            group,
            did: "says this already; nothing was changed",
            changes: vec![],
            notes,
            said: None,
        });
    }
    let record = drafts[0].id;
    let said = hub.say(&drafts).await?;
    notes.extend(prefer(context, hub, record, fields).await?);
    notes.extend(open_after(hub, record).await?);
    Answer::of(&Done { group, did, changes: edited.changes, notes, said: Some(said) })
}

/// The first thing that this hub says of a group that others list: a record with what is known here, and the word that it
/// is the same group.
fn first(
    context: &Context,
    hub: &Hub,
    known: &Known,
    fields: &[(String, String)],
    list: Uuid,
) -> anyhow::Result<(Edited, Vec<Draft>, Vec<String>)> {
    let mut all = fields.to_vec();
    let is_name = |text: &str| words::unit(text).is_some_and(|unit| unit.name() == "name");
    if !all.iter().any(|(field, _)| is_name(field)) {
        all.insert(0, ("name".to_owned(), known.row.name.clone()));
    }
    let edited = say::edit(None, &all, list, false).map_err(|error| refused(&error))?;
    if edited.sealed.is_some() {
        return Err(refused(&SayError::Protected));
    }
    let id = context.chance.id();
    let own = crate::record::RecordRef { hub: hub.id, rec: id };
    let same = say::link([].iter(), own, known.merged.id, Judgement::Same, context.chance.id());
    let note = "this hub had no record of it: one was made in its own list and joined to the group".to_owned();
    let drafts = vec![say::put_new(id, &edited.group), same];
    Ok((edited, drafts, vec![note]))
}

/// A correction is a choice as well (PROTOCOL, "Settled points" 5): where others say otherwise, the registry here shows what
/// this hub's person has just said, until a person says otherwise, whatever pulls bring.
async fn prefer(
    context: &Context,
    hub: &Hub,
    record: Uuid,
    fields: &[(String, String)],
) -> anyhow::Result<Option<String>> {
    let mut db = hub.store.read().await?;
    let row = crate::store::record::get(&mut db, crate::store::log::OWN, record).await?;
    let group: Vec<i64> = row.and_then(|row| row.group).into_iter().collect();
    let Some(row) = crate::store::lookup::groups(&mut db, &group).await?.into_iter().next() else { return Ok(None) };
    let known = Known::load(hub, &mut db, row).await?;
    drop(db);
    let own = crate::record::RecordRef { hub: hub.id, rec: record };
    // Of units that are taken whole: choosing one side of a union would drop what the others add.
    let units: BTreeSet<Unit> =
        fields.iter().filter_map(|(name, _)| words::unit(name)).filter(|unit| unit.how() == How::One).collect();
    let (mut drafts, mut over) = (Vec::new(), Vec::new());
    for unit in units {
        let Some(resolved) = known.merged.values.get(&unit) else { continue };
        if resolved.open.is_none() && resolved.from.contains(&own) {
            continue;
        }
        let stated = say::stated(&known, unit);
        let Some(at) = stated.iter().position(|stated| stated.from.contains(&own)) else { continue };
        if let Ok(draft) = say::choose(&known, unit, say::Pick::Value(at + 1), context.chance.id()) {
            drafts.push(draft);
            over.push(words::unit_label(unit.name()));
        }
    }
    if drafts.is_empty() {
        return Ok(None);
    }
    hub.say(&drafts).await?;
    let all = over.join(", ");
    Ok(Some(format!(
        "others say otherwise about: {all}; yours is shown here, and `mutuald choose` with --undo takes that back"
    )))
}

/// What is open in the group of one of our records, and who does not agree.
async fn open_after(hub: &Hub, record: Uuid) -> anyhow::Result<Option<String>> {
    let mut db = hub.store.read().await?;
    let row = crate::store::record::get(&mut db, crate::store::log::OWN, record).await?;
    let group: Vec<i64> = row.and_then(|row| row.group).into_iter().collect();
    let rows = crate::store::lookup::groups(&mut db, &group).await?;
    Ok(rows.iter().find(|row| !row.conflicts.is_empty()).map(|row| {
        let open: Vec<&str> = row.conflicts.iter().map(|unit| words::unit_label(unit)).collect();
        let who = words::who_disagree(row.hubs as usize);
        format!("{who} about: {}; `mutuald choose` settles it", open.join(", "))
    }))
}

impl Edit {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        change(context, &self.name, &pairs(&self.sets)?, "changed", self.words_ok).await
    }
}

impl Close {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let mut fields = vec![("status".to_owned(), crate::record::group::CLOSED.to_owned())];
        fields.extend(self.date.map(|date| ("status_date".to_owned(), date)));
        fields.extend(self.reason.map(|reason| ("status_reason".to_owned(), reason)));
        change(context, &self.name, &fields, "closed; it stays known as a group that has ended", false).await
    }
}

/// This hub's record of a group, or the way to one.
async fn required<'a>(hub: &Hub, db: &mut sqlx::SqliteConnection, known: &'a Known) -> anyhow::Result<&'a One> {
    mine(hub, db, known).await?.ok_or_else(|| {
        let others: Vec<&str> = known.members.iter().map(|one| one.hub.as_str()).collect();
        let what = format!("this hub has no record of {:?}; {} has", known.row.name, others.join(", "));
        let next = format!("`mutuald group edit '{}' --set …` says something of it first", known.row.name);
        Failure::new(what, next).into()
    })
}

impl Affirm {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let term = |vocabulary: &str, text: &str, what: &str| {
            words::term(vocabulary, text).map_err(|next| Failure::usage(format!("{what} {text:?} is not known"), next))
        };
        let method = term("assurance-methods", &self.method, "the way of checking")?;
        let by = term("assurance-roles", &self.by, "the role")?;
        let hub = context.hub().await?;
        let today = hub.clock.today(&hub.config.time_zone()?);
        let date: Date = match &self.date {
            None => today,
            Some(text) => {
                cell::date(text, None)
                    .map_err(|fault| Failure::usage(format!("--date {text:?}: {fault}"), fault.remedy()))?
                    .0
            }
        };
        if date > today {
            return Err(
                Failure::usage(format!("{date} has not come yet"), "give the day on which it was checked").into()
            );
        }
        let mut db = hub.store.read().await?;
        let known = context.group(hub, &mut db, &self.name).await?;
        let one = required(hub, &mut db, &known).await?;
        let draft = say::affirm(&one.row, Assured { date, method, by });
        drop(db);
        let said = hub.say(&[draft]).await?;
        let notes = vec![format!("checked on {}", cell::in_words(date))];
        Answer::of(&Done { group: known.row.name, did: "still right", changes: vec![], notes, said: Some(said) })
    }
}

impl Withdraw {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let hub = context.hub().await?;
        let mut db = hub.store.read().await?;
        let known = context.group(hub, &mut db, &self.name).await?;
        let one = required(hub, &mut db, &known).await?;
        let draft = say::withdraw(&one.row);
        let others = known.members.len() - 1;
        drop(db);
        let said = hub.say(&[draft]).await?;
        let notes = if others > 0 { vec![format!("{others} records of others still speak of it")] } else { vec![] };
        Answer::of(&Done {
            group: known.row.name,
            did: "taken back by this hub",
            changes: vec![],
            notes,
            said: Some(said),
        })
    }
}
