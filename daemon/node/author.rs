//! What this hub says: statements drafted, signed and appended to its own log in one transaction.

use crate::feed::{leaf, merkle::leaf_hash, note::LogKeys};
use crate::record::consent::Consented;
use crate::record::contact::CONTACT;
use crate::record::part::{self, PUBLIC};
use crate::record::privacy::{RefusedToSign, check_part};
use crate::record::statement::{Body, Kind, Statement};
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

/// Signs a draft, and beside its public words the contact part that consents let out. Returns the leaf and that part's line.
///
/// # Errors
/// [`RefusedToSign`] when the leaf could hold personal data, or the part what its safety level withholds.
pub fn sign(
    draft: &Draft,
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
        body: draft.body.clone(),
    };
    let note = leaf::sign(&statement, &keys.log)?;
    Ok((NewLeaf { hash: leaf_hash(&note), note, line }, restricted))
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
        let words = store::protected::gives_away(db, draft.id, public).await?;
        if !words.is_empty() {
            return Err(super::protect::GivesAway(words).into());
        }
    }
    let first = log.held;
    let (mut leaves, mut restricted) = (Vec::with_capacity(drafts.len()), Vec::new());
    for (nth, draft) in drafts.iter().enumerate() {
        let part = contacts.get(&draft.id).filter(|_| draft.body == Body::Put(Kind::Record));
        let (leaf, line) = sign(draft, part, keys, now, rng)?;
        restricted.extend(line.zip(part).map(|(line, part)| (first + nth as u64, line, part)));
        leaves.push(leaf);
    }
    store::log::append(db, log, &leaves).await?;
    for (index, line, part) in restricted {
        store::contact::keep_own(db, store::log::pos(log.n, index), &line, part).await?;
    }
    Ok(())
}
