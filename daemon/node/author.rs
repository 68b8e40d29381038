//! What this hub says: statements drafted, signed and appended to its own log in one transaction.

use crate::feed::{leaf, merkle::leaf_hash, note::LogKeys};
use crate::record::part::{self, PUBLIC};
use crate::record::privacy::RefusedToSign;
use crate::record::statement::{Body, Statement};
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

/// Signs a draft.
///
/// # Errors
/// [`RefusedToSign`] when the leaf could hold personal data.
pub fn sign(draft: &Draft, keys: &LogKeys, now: Timestamp, rng: &mut impl CryptoRng) -> Result<NewLeaf, RefusedToSign> {
    let line = draft.public.as_deref().map(|json| {
        let mut salt = [0u8; 16];
        rng.fill_bytes(&mut salt);
        part::line(salt, json)
    });
    let at = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let digests = line.iter().map(|line| (PUBLIC.to_owned(), part::digest(line.as_bytes())));
    let statement = Statement {
        id: draft.id,
        rev: draft.rev,
        at,
        parts: digests.collect::<BTreeMap<_, _>>(),
        body: draft.body.clone(),
    };
    let note = leaf::sign(&statement, &keys.log)?;
    Ok(NewLeaf { hash: leaf_hash(&note), note, line })
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

/// Signs drafts and appends them to the own log. The registry sees them once they are accepted, in the same transaction.
///
/// # Errors
/// A draft that must not be signed, or a database error; the transaction is then dropped whole.
pub async fn append(
    db: &mut Write,
    log: &mut LogRow,
    drafts: &[Draft],
    keys: &LogKeys,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> anyhow::Result<()> {
    let leaves = drafts.iter().map(|draft| sign(draft, keys, now, rng)).collect::<Result<Vec<_>, _>>()?;
    Ok(store::log::append(db, log, &leaves).await?)
}
