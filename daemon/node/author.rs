//! What this hub says: statements drafted, signed and appended to its own log in one transaction.

use crate::feed::note::{LogKeys, Note};
use crate::feed::{leaf, merkle::leaf_hash};
use crate::record::consent::Consented;
use crate::record::contact::CONTACT;
use crate::record::group::Group;
use crate::record::part::{self, PUBLIC};
use crate::record::privacy::{RefusedToSign, check_part};
use crate::record::statement::{Body, Kind, RecordRef, Statement};
use crate::store::log::{LogRow, NewLeaf};
use crate::store::{self, Write};
use jiff::Timestamp;
use rand::CryptoRng;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Something to say, before it has a salt, a time and a signature.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The record's id.
    pub id: Uuid,
    /// Its revision: one more than the last.
    pub rev: u64,
    /// What is said.
    pub body: Body,
    /// JSON of the public part, on one line.
    pub public: Option<String>,
}

/// A new random id.
pub fn new_id(rng: &mut impl CryptoRng) -> Uuid {
    let mut bytes = [0u8; 16];
    rng.fill_bytes(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

/// Signs a draft, and beside its public words the contact part that consents let out. `replaces` is the record of a hub that
/// ended, in whose stead it stands. Returns the leaf and the contact part's line.
///
/// # Errors
/// [`RefusedToSign`] when the leaf could hold personal data, or the part what its safety level withholds.
pub fn sign(
    draft: &Draft,
    replaces: Option<RecordRef>,
    contact: Option<&Consented>,
    keys: &LogKeys,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<(NewLeaf, Option<String>), RefusedToSign> {
    if draft.body == Body::Put(Kind::Record) {
        draft.public.as_deref().map_or(Ok(()), check_part)?;
    }
    // A salt of its own for every line, drawn here and nowhere else.
    let mut salted = |json: &str| {
        let mut salt = [0u8; 16];
        rng.fill_bytes(&mut salt);
        part::line(salt, json)
    };
    let line = draft.public.as_deref().map(&mut salted);
    let restricted = contact.map(|part| salted(part.json()));
    let at = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let named = [(PUBLIC, &line), (CONTACT, &restricted)];
    let digests =
        named.into_iter().filter_map(|(class, line)| Some((class.to_owned(), part::digest(line.as_ref()?.as_bytes()))));
    let statement = Statement {
        id: draft.id,
        rev: draft.rev,
        at,
        parts: digests.collect::<BTreeMap<_, _>>(),
        replaces: replaces.filter(|_| draft.body == Body::Put(Kind::Record)),
        body: draft.body.clone(),
    };
    let note = leaf::sign(&statement, &keys.log)?;
    Ok((NewLeaf { hash: leaf_hash(&note), note, line }, restricted))
}

/// Where leaves wait that only this database knows, while it takes back what it once said.
const UNSAID: &str = "unsaid";

/// Keeps leaves aside, in place of those that were; none forgets them.
///
/// # Errors
/// Database errors.
pub async fn keep_unsaid(db: &mut Write, leaves: &[NewLeaf]) -> anyhow::Result<()> {
    let aside: Vec<(String, &Option<String>)> =
        leaves.iter().map(|leaf| (String::from_utf8_lossy(&leaf.note).into_owned(), &leaf.line)).collect();
    if aside.is_empty() {
        return Ok(store::unset(db, UNSAID).await?);
    }
    Ok(store::set(db, UNSAID, &serde_json::to_string(&aside)?).await?)
}

/// Leaves that were kept aside.
///
/// # Errors
/// Database errors.
pub async fn unsaid(db: &mut sqlx::SqliteConnection) -> anyhow::Result<Vec<NewLeaf>> {
    let Some(text) = store::setting(db, UNSAID).await? else { return Ok(Vec::new()) };
    let aside: Vec<(String, Option<String>)> = serde_json::from_str(&text)?;
    Ok(aside
        .into_iter()
        .map(|(note, line)| NewLeaf { hash: leaf_hash(note.as_bytes()), note: note.into_bytes(), line })
        .collect())
}

/// The same statements under the key of the list in use, where they were signed for another. Which document began a list is said by
/// the list itself.
///
/// # Errors
/// [`RefusedToSign`] within.
pub fn signed_for(leaves: Vec<NewLeaf>, keys: &LogKeys) -> anyhow::Result<Vec<NewLeaf>> {
    let mut all = Vec::with_capacity(leaves.len());
    for leaf in leaves {
        if leaf::open(&leaf.note, keys.log.public()).is_ok() {
            all.push(leaf);
            continue;
        }
        let Ok(note) = Note::parse(&leaf.note) else { continue };
        let Ok(statement) = Statement::read(note.text.as_bytes()) else { continue };
        if !matches!(statement.body, Body::Hub { .. }) {
            let note = leaf::sign(&statement, &keys.log)?;
            all.push(NewLeaf { hash: leaf_hash(&note), note, line: leaf.line });
        }
    }
    Ok(all)
}

/// Those of these leaves that a log does not hold.
///
/// # Errors
/// Database errors.
pub async fn new_among(db: &mut Write, log: &LogRow, leaves: Vec<NewLeaf>) -> anyhow::Result<Vec<NewLeaf>> {
    if leaves.is_empty() {
        return Ok(leaves);
    }
    let mut held = std::collections::HashSet::new();
    for from in (0..log.held).step_by(1024) {
        let page = store::log::leaves(db, log.n, from, (from + 1024).min(log.held)).await?;
        held.extend(page.iter().map(|leaf| leaf.hash()));
    }
    Ok(leaves.into_iter().filter(|leaf| !held.contains(&leaf.hash)).collect())
}

/// Signs drafts and appends them to the own log, with the contact parts of records that have one. The registry sees them once they are accepted, in the same transaction.
///
/// # Errors
/// A draft that must not be signed, [`super::protect::GivesAway`] within, or a database error; the transaction is then dropped whole.
pub async fn append(
    db: &mut Write,
    log: &mut LogRow,
    drafts: &[Draft],
    contacts: &BTreeMap<Uuid, Consented>,
    keys: &LogKeys,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> anyhow::Result<()> {
    let guarded: Vec<Uuid> = store::protected::rows(db).await?.into_iter().map(|row| row.rec).collect();
    for draft in drafts.iter().filter(|draft| draft.body == Body::Put(Kind::Record) && guarded.contains(&draft.id)) {
        let Some(public) = &draft.public else { continue };
        let mut words = store::protected::gives_away(db, draft.id, public).await?;
        if let Some(part) = contacts.get(&draft.id) {
            // What named hubs would be told goes to no fewer people than may know the place.
            let told = Group { description: Some(part.json().to_owned()), ..Group::default() };
            let told = store::protected::gives_away(db, draft.id, &told.json()).await?;
            words.extend(told.first().map(|_| "contact"));
        }
        if !words.is_empty() {
            return Err(super::protect::GivesAway(words).into());
        }
    }
    let first = log.held;
    let (mut leaves, mut restricted) = (Vec::with_capacity(drafts.len()), Vec::new());
    // A record that took another's place goes on to say so: its newest put is what a next list begins with.
    let ids: Vec<Uuid> = drafts.iter().map(|draft| draft.id).collect();
    let replaced = store::succession::stated(db, log.owner, &ids).await?;
    for (nth, draft) in drafts.iter().enumerate() {
        let part = contacts.get(&draft.id).filter(|_| draft.body == Body::Put(Kind::Record));
        let (leaf, line) = sign(draft, replaced.get(&draft.id).copied(), part, keys, now, rng)?;
        restricted.extend(line.zip(part).map(|(line, part)| (first + nth as u64, line, part)));
        leaves.push(leaf);
    }
    store::log::append(db, log, &leaves).await?;
    for (index, line, part) in restricted {
        store::contact::keep_own(db, store::log::pos(log.n, index), &line, part).await?;
    }
    Ok(())
}
