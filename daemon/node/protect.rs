//! Setting and lowering how far a group's place may be known, and who shows more of it than that.
//!
//! A level that rises is said at once and by one person. What this hub had signed of the place is erased, at home and by a
//! signed `erase` at whoever holds it; what remains is signed anew; and a `safety` statement, which stays when words go,
//! says the level of every record it names. It names this hub's own record wherever there is one: a list of other hubs' records that
//! say too much would be a guide to them.

use super::author::Draft;
use super::groups::{Known, One, say};
use super::{Hub, Said};
use crate::record::Group;
use crate::record::part::PUBLIC;
use crate::record::safety::{Level, exceeds};
use crate::record::statement::{Body, ErasedParts, Judgement, Kind, RecordRef};
use crate::registry::rules::protection;
use crate::store::group::{SafetyWord, statement_of};
use crate::store::log::OWN;
use crate::store::protected::{self, Lowered, Person, ProtectedRow, SealedPlace};
use crate::store::record::{DecisionRow, RecordRow};
use crate::store::{self, Write};
use anyhow::Context as _;
use serde::Serialize;
use sqlx::SqliteConnection;
use std::collections::BTreeSet;
use uuid::Uuid;

/// Words of a record hold something of the place that is to be withheld. Which fields, never which words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("words give the place away, in: {}", .0.join(", "))]
pub struct GivesAway(pub Vec<&'static str>);

/// What setting a level does; it is shown before it is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Raise {
    /// The group.
    pub group: String,
    /// As it is now.
    pub before: Level,
    /// As it will be.
    pub level: Level,
    /// This hub's records of it.
    pub own: usize,
    /// Members that are withheld of them from now on: names of fields.
    pub withheld: Vec<String>,
    /// Fields whose words give the place away, until a person has looked at them.
    pub words: Vec<&'static str>,
    /// Whether something that everybody could read is erased.
    pub erases: bool,
    /// Hubs that are partners of this one, and so have had it if it was public.
    pub had: Vec<String>,
    /// Hubs with records of the group that say more than the level lets be known.
    pub exposing: Vec<String>,
    /// Records of other hubs that the signed statement names, because this hub has none to name.
    pub named: usize,
}

/// A record of another hub, or of this one, that says more of where or when than the group's level lets be known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exposure {
    /// The group.
    pub group: String,
    /// Its level.
    pub level: String,
    /// Whose record.
    pub hub: String,
    /// Whether it is this hub's own.
    pub own: bool,
    /// The record.
    pub record: Uuid,
}

/// Whose word makes a group's level what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Word {
    /// The hub.
    pub hub: String,
    /// Its word.
    pub level: String,
    /// Whether it stands in a record, or was said beside one.
    pub how: &'static str,
    /// Since when, as a day.
    pub since: String,
    /// Whether this word makes the level what it is.
    pub decides: bool,
}

/// Everybody's words about how far a group's place may be known, the most protective first.
pub fn words(known: &Known) -> Vec<Word> {
    let mut all: Vec<(String, String, &'static str, jiff::Timestamp)> = Vec::new();
    for one in &known.members {
        if let Some(level) = &one.group.safety {
            let since = jiff::Timestamp::from_second(one.row.state.said).unwrap_or_default();
            all.push((one.hub.clone(), level.clone(), "in its record", since));
        }
    }
    for SafetyWord { author, on, level, at } in known.safety_words() {
        if known.member(&on).is_some() {
            all.push((known.hub_name(&author), level, "signed beside it, to stay", at));
        }
    }
    all.sort_by(|a, b| {
        (std::cmp::Reverse(protection(&a.1)), &a.0, a.2, a.3).cmp(&(
            std::cmp::Reverse(protection(&b.1)),
            &b.0,
            b.2,
            b.3,
        ))
    });
    let decides = known.merged.safety.clone();
    all.dedup_by(|a, b| (&a.0, &a.1, a.2) == (&b.0, &b.1, b.2));
    all.into_iter()
        .map(|(hub, level, how, at)| Word {
            decides: level == decides,
            since: at.to_zoned(jiff::tz::TimeZone::UTC).date().to_string(),
            hub,
            level,
            how,
        })
        .collect()
}

/// Records of a group that say more of where or when than its level lets be known.
pub fn exposing(known: &Known) -> Vec<&One> {
    let level = Level::of(&known.merged.safety);
    known.members.iter().filter(|one| exceeds(&one.group, level)).collect()
}

/// Every record in the registry that says more than its group's level lets be known, by group.
///
/// # Errors
/// Database errors.
pub async fn exposures(hub: &Hub, db: &mut SqliteConnection) -> anyhow::Result<Vec<Exposure>> {
    let numbers = store::lookup::guarded(db).await?;
    let reader = super::groups::Reader::new(hub, db).await?;
    let mut found = Vec::new();
    for row in store::lookup::groups(db, &numbers).await? {
        let known = reader.read(db, row).await?;
        found.extend(exposing(&known).into_iter().map(|one| Exposure {
            group: known.row.name.clone(),
            level: known.merged.safety.clone(),
            hub: one.hub.clone(),
            own: one.own(),
            record: one.record.rec,
        }));
    }
    Ok(found)
}

/// Groups of other hubs that go by the name of a record of which this hub signs nothing: (record here, their group).
///
/// # Errors
/// Database errors.
pub async fn namesakes(db: &mut SqliteConnection) -> anyhow::Result<Vec<(Uuid, store::registry::GroupRow)>> {
    let names = store::lookup::names(db).await?;
    let pairs = protected::same_name(db, &names).await?;
    let numbers: Vec<i64> = pairs.iter().map(|(_, n)| *n).collect();
    let rows = store::lookup::groups(db, &numbers).await?;
    let row = |n: i64| rows.iter().find(|row| row.n == n && protection(&row.level) < protection("unlisted")).cloned();
    Ok(pairs.into_iter().filter_map(|(rec, n)| Some((rec, row(n)?))).collect())
}

/// What setting a level would do.
///
/// # Errors
/// Database errors.
pub async fn raise(db: &mut SqliteConnection, known: &Known, level: Level) -> anyhow::Result<Raise> {
    let own = known.own();
    let (mut withheld, mut words, mut erases) = (BTreeSet::new(), BTreeSet::new(), false);
    for one in &own {
        let (public, sealed) = apart(db, one, level).await?;
        erases |= public.as_ref() != Some(&Group { safety: Some(level.label().into()), ..one.group.clone() });
        withheld.extend(sealed.members().into_iter().map(str::to_owned));
        words.extend(public.map(|public| sealed.given_away(&public)).unwrap_or_default());
    }
    let others: Vec<&One> = known.members.iter().filter(|one| !one.own()).collect();
    let exposing: BTreeSet<String> =
        others.iter().filter(|one| exceeds(&one.group, level)).map(|one| one.hub.clone()).collect();
    let partners = store::partner::all(db).await?;
    Ok(Raise {
        group: known.row.name.clone(),
        before: Level::of(&known.merged.safety),
        level,
        own: own.len(),
        withheld: withheld.into_iter().collect(),
        words: words.into_iter().collect(),
        erases,
        had: partners.into_iter().map(|partner| partner.name).collect(),
        exposing: exposing.into_iter().collect(),
        named: if own.is_empty() || !level.signed() { others.len() } else { 0 },
    })
}

/// A record of this hub, taken apart for a level, with what was withheld of it before.
async fn apart(db: &mut SqliteConnection, one: &One, level: Level) -> anyhow::Result<(Option<Group>, SealedPlace)> {
    let mut group = one.group.clone();
    if let Some(assured) = &one.row.state.assured {
        // A check that was said beside the words would go with them.
        group.assured = Some(assured.clone());
    }
    let split = protected::split(group, level);
    let before = protected::get(db, one.record.rec).await?.map(|(_, sealed)| sealed);
    let sealed = match before {
        // What was withheld is finer than what was signed in its place.
        Some(before) => split.sealed.with(before),
        None => split.sealed,
    };
    Ok((split.public, sealed))
}

/// Sets a level that protects more, in one transaction. `looked` says that a person has looked at words that give the place
/// away, and lets them stand.
///
/// # Errors
/// [`GivesAway`] within; a level that protects less; database errors. Nothing is changed then. A failure to publish leaves what
/// was signed standing.
pub async fn set(hub: &Hub, known: &Known, level: Level, looked: bool) -> anyhow::Result<Said> {
    let mut db = hub.store.write().await?;
    let now = hub.clock.now().as_second();
    let mut drafts = Vec::new();
    let own = known.own();
    for one in &own {
        // An erasure up to the revision that was looked at would leave a newer one standing.
        let there = store::record::get(&mut db, OWN, one.record.rec).await?;
        if there.is_none_or(|row| row.state.rev != one.row.state.rev) {
            anyhow::bail!(
                "a record of it was changed while this was looked at; nothing was changed. Give the command again"
            );
        }
        if Level::stated(&one.group) > level {
            anyhow::bail!("a record of this hub protects more already; lowering takes two people");
        }
        let (public, sealed) = apart(&mut db, one, level).await?;
        if let Some(public) = &public {
            let words = sealed.given_away(public);
            if !words.is_empty() && !looked {
                return Err(GivesAway(words).into());
            }
            protected::allow(&mut db, one.record.rec, public, &words).await?;
        }
        keep(&mut db, one, level, &sealed, now).await?;
        drafts.extend(again(&one.row, public.as_ref(), level, one.group != public.clone().unwrap_or_default()));
        if own.len() > 1 && level.signed() {
            drafts.push(word(hub, &known.decisions, one.record, level, None));
        }
    }
    match own.first() {
        // Of several records of this hub each had its own word; one of them holds the others' records.
        Some(mine) => {
            let several = own.len() > 1 && level.signed();
            drafts.extend(bind(hub, known, mine, level).into_iter().skip(usize::from(several)));
        }
        None => {
            let words = known.members.iter().map(|other| word(hub, &known.decisions, other.record, level, None));
            drafts.extend(words);
        }
    }
    let derived = hub.say_in(&mut db, &drafts, |_| ()).await?;
    let held = hub.held_among(&mut db, &drafts).await?;
    // All or nothing: a crash before this line leaves the place public as it was, and the command is given again.
    db.commit().await?;
    let published = publish(hub).await?;
    Ok(Said { statements: drafts.len() - held, held, derived, published })
}

/// Publishes, and goes through every file in which something of what was erased could linger.
async fn publish(hub: &Hub) -> anyhow::Result<Option<super::publish::Published>> {
    let published = hub
        .publish()
        .await
        .context("the level is signed and holds here, but could not be published; the daemon does it")?;
    hub.scrub().await?;
    Ok(published)
}

async fn keep(db: &mut Write, one: &One, level: Level, sealed: &SealedPlace, now: i64) -> anyhow::Result<()> {
    let before = Level::stated(&one.group);
    let row = ProtectedRow {
        rec: one.record.rec,
        list: one.group.list,
        level,
        since: now,
        public_from: exceeds(&one.group, level).then_some(one.row.state.said),
    };
    protected::keep(db, &row, sealed).await?;
    protected::forget_before(db, one.record.rec).await?;
    Ok(store::protected::note_change(db, one.record.rec, now, before, level).await?)
}

/// What this hub says of a record from now on: what stood there is erased, and what may be known is said anew.
fn again(row: &RecordRow, public: Option<&Group>, level: Level, changed: bool) -> Vec<Draft> {
    let mut drafts = Vec::new();
    let mut rev = row.state.rev;
    if changed {
        drafts.push(erase_own(row.rec, rev));
        rev += 1;
    }
    if let Some(public) = public {
        let public = Group { safety: Some(level.label().to_owned()), ..public.clone() };
        drafts.push(Draft { id: row.rec, rev: rev + 1, body: Body::Put(Kind::Record), public: Some(public.json()) });
    }
    drafts
}

/// Erases this hub's public words about a record up to a revision, everywhere. Its contacts are another class, and stay.
pub fn erase_own(rec: Uuid, upto: u64) -> Draft {
    let parts = ErasedParts::Classes(vec![PUBLIC.to_owned()]);
    Draft { id: rec, rev: upto + 1, body: Body::Erase(Kind::Record, upto, parts), public: None }
}

/// This hub's word about a record, under the id of its last one.
fn word(hub: &Hub, decisions: &[DecisionRow], on: RecordRef, level: Level, lowered: Option<&Lowered>) -> Draft {
    let before = decisions.iter().filter(|row| row.hub == OWN).find_map(|row| {
        let statement = statement_of(&row.body)?;
        matches!(&statement.body, Body::Safety { on: about, .. } if *about == on).then_some((row.rec, statement.rev))
    });
    let (id, rev) = before.map_or_else(|| (hub.chance.id(), 1), |(id, rev)| (id, rev + 1));
    let lowered = lowered.map(|lowered| lowered.roles().clone());
    Draft { id, rev, body: Body::Safety { on, level: level.label().to_owned(), lowered }, public: None }
}

/// A row that is protected from the first.
#[derive(Debug, Clone, Copy)]
pub struct Fresh<'a> {
    /// The id of its record.
    pub rec: Uuid,
    /// The list whose row it is.
    pub list: Option<Uuid>,
    /// Its level.
    pub level: Level,
    /// What may be signed of it, where anything may.
    pub public: Option<&'a Group>,
}

/// Takes in a new row that is protected from the first: its sealed part goes to the table, what may be signed of it is returned
/// with this hub's word about it.
///
/// # Errors
/// [`GivesAway`] within, and database errors.
pub async fn first(
    hub: &Hub,
    db: &mut Write,
    fresh: Fresh<'_>,
    sealed: &SealedPlace,
    looked: bool,
) -> anyhow::Result<Vec<Draft>> {
    let Fresh { rec, list, level, public } = fresh;
    let now = hub.clock.now().as_second();
    let row = ProtectedRow { rec, list, level, since: now, public_from: None };
    protected::keep(db, &row, sealed).await?;
    let Some(public) = public else { return Ok(Vec::new()) };
    let words = sealed.given_away(public);
    if !words.is_empty() && !looked {
        return Err(GivesAway(words).into());
    }
    protected::allow(db, rec, public, &words).await?;
    let put = Draft { id: rec, rev: 1, body: Body::Put(Kind::Record), public: Some(public.json()) };
    Ok(vec![put, word(hub, &[], RecordRef { hub: hub.id, rec }, level, None)])
}

/// Keeps anew what is withheld of a protected record.
///
/// # Errors
/// Database errors.
pub async fn renew(hub: &Hub, db: &mut Write, rec: Uuid, level: Level, newer: SealedPlace) -> anyhow::Result<()> {
    let known = protected::get(db, rec).await?;
    let since = hub.clock.now().as_second();
    let (row, sealed) = match known {
        Some((row, sealed)) => (ProtectedRow { level: row.level.max(level), ..row }, sealed.with(newer)),
        None => (ProtectedRow { rec, list: None, level, since, public_from: None }, newer),
    };
    Ok(protected::keep(db, &row, &sealed).await?)
}

/// What an import says of a record whose level it raises: `public` is what may be known by the file, `newer` what it withholds.
/// Other hubs' records of the group stay bound to it.
///
/// # Errors
/// Database errors.
pub async fn raised(
    hub: &Hub,
    db: &mut Write,
    one: &One,
    level: Level,
    public: Option<&Group>,
    newer: SealedPlace,
) -> anyhow::Result<Vec<Draft>> {
    let now = hub.clock.now().as_second();
    let (kept, before) = apart(db, one, level).await?;
    let sealed = before.with(newer);
    let public = public.or(kept.as_ref()).filter(|_| level.signed());
    if let Some(public) = public {
        // The plan was shown with these words held, or a person looked at them.
        protected::allow(db, one.record.rec, public, &sealed.given_away(public)).await?;
    }
    keep(db, one, level, &sealed, now).await?;
    let mut drafts = again(&one.row, public, level, true);
    let group: Vec<i64> = one.row.group.into_iter().collect();
    let rows = store::lookup::groups(db, &group).await?;
    if let Some(row) = rows.into_iter().next() {
        let known = Known::load(hub, db, row).await?;
        drafts.extend(bind(hub, &known, one, level));
    }
    Ok(drafts)
}

/// This hub's words that go with one of its records: its level where anything of it is signed, and that other hubs' records
/// speak of the same group, since without its place they may no longer be taken for one; else the level of those records.
fn bind(hub: &Hub, known: &Known, mine: &One, level: Level) -> Vec<Draft> {
    let mut drafts = Vec::new();
    if level.signed() {
        drafts.push(word(hub, &known.decisions, mine.record, level, None));
    }
    for other in known.members.iter().filter(|one| !one.own()) {
        if !level.signed() {
            drafts.push(word(hub, &known.decisions, other.record, level, None));
        } else if say::judged(known.decisions.iter(), mine.record, other.record) != Some(Judgement::Same) {
            let id = hub.chance.id();
            drafts.push(say::link(known.decisions.iter(), mine.record, other.record, Judgement::Same, id));
        }
    }
    drafts
}

/// A second person confirms that a record's level is lowered: the place returns to the record as far as the new level lets it.
///
/// # Errors
/// [`protected::LowerError`] within; database errors. Nothing is changed then.
pub async fn confirm(hub: &Hub, rec: Uuid, level: Level, person: &Person, looked: bool) -> anyhow::Result<Said> {
    let mut db = hub.store.write().await?;
    let now = hub.clock.now().as_second();
    let (row, sealed) = protected::get(&mut db, rec).await?.context("this hub protects no such record")?;
    let lowered = protected::confirm(&mut db, rec, row.level, level, person, now).await?;
    let own = RecordRef { hub: hub.id, rec };
    let there = store::record::get(&mut db, OWN, rec).await?;
    let stands = super::groups::own_records(hub, &mut db).await?.into_iter().find(|one| one.record == own);
    let mut split = sealed.opened(stands.map(|one| one.group), &lowered);
    if let Some(public) = &mut split.public {
        public.list = public.list.or(row.list);
    }
    if split.sealed.is_empty() {
        protected::release(&mut db, rec).await?;
    } else {
        protected::keep(&mut db, &ProtectedRow { level, ..row }, &split.sealed).await?;
    }
    let mut drafts = Vec::new();
    if let Some(public) = &split.public {
        let words = split.sealed.given_away(public);
        if !words.is_empty() && !looked {
            return Err(GivesAway(words).into());
        }
        protected::allow(&mut db, rec, public, &words).await?;
        let rev = there.map_or(0, |row| row.state.rev) + 1;
        drafts.push(Draft { id: rec, rev, body: Body::Put(Kind::Record), public: Some(public.json()) });
        let decisions = store::record::decisions(&mut db, &[own]).await?;
        drafts.push(word(hub, &decisions, own, level, Some(&lowered)));
    }
    let derived = hub.say_in(&mut db, &drafts, |_| ()).await?;
    let held = hub.held_among(&mut db, &drafts).await?;
    db.commit().await?;
    let published = publish(hub).await?;
    Ok(Said { statements: drafts.len() - held, held, derived, published })
}
