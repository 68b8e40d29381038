//! The hub document chain, walked: from the version that is known to the newest, one by one, each checked against the one
//! before (TUF, section 5.3).

use super::PullError;
use crate::feed::hub::{self, HubError, MAX_STEPS, VerifiedHub};
use crate::peer::client::{Answer, Ask, Client};
use jiff::civil::Date;
use reqwest::Url;

/// What is known of a hub before its document is asked for.
pub struct Known<'a> {
    /// The newest verified version.
    pub hub: &'a VerifiedHub,
    /// As received.
    pub document: &'a [u8],
    /// The version before it, if there is one.
    pub before: Option<&'a VerifiedHub>,
}

/// New versions, oldest first, as received and verified.
#[derive(Debug, Default)]
pub struct Walked {
    /// None, when nothing is new.
    pub versions: Vec<(Vec<u8>, VerifiedHub)>,
    /// ETag of the newest document.
    pub etag: Option<String>,
    /// The version that was shown as the newest, where it is older than the one that is known.
    pub older: Option<u64>,
}

/// Where version `n` lies, beside the newest document.
///
/// # Errors
/// [`PullError::Url`].
pub fn numbered(newest: &Url, n: u64) -> Result<Url, PullError> {
    let up = if newest.path().ends_with("/.well-known/groups-hub") { "../" } else { "" };
    newest.join(&format!("{up}hub/{n}")).map_err(|_| PullError::Url(newest.to_string()))
}

/// Walks from what is known to what is served at `newest`. An older document than the one known is an old copy, and no news.
///
/// # Errors
/// [`PullError::Hub`]: a version does not follow, or the last one is out of date; nothing of this walk is to be kept then.
/// [`PullError::Documents`]: proof that the hub's root keys signed two texts of one version.
pub async fn walk(
    client: &Client,
    newest: &Url,
    known: Known<'_>,
    etag: Option<&str>,
    today: Date,
) -> Result<Walked, PullError> {
    let most = client.limits().hub_document_bytes;
    let (body, etag) = match client.get(newest, &Ask { most, unless: etag, ..Ask::default() }).await? {
        Answer::Whole { body, etag } => (body, etag),
        _ => return Ok(Walked { etag: etag.map(str::to_owned), ..Walked::default() }),
    };
    let (last, held) = (hub::version_of(&body)?, known.hub.document.version);
    if last == held && body != known.document {
        contradicts(&known, &body)?;
        // The same text under other signature lines is the same document.
        return match known.before {
            Some(before) => hub::next(before, &body),
            None => hub::open(&body, Some(known.hub.id)),
        }
        .map(|_| Walked { etag, ..Walked::default() })
        .map_err(PullError::from);
    }
    let mut versions: Vec<(Vec<u8>, VerifiedHub)> = Vec::new();
    for n in (held + 1..=last).take(MAX_STEPS) {
        let document = if n == last { body.clone() } else { client.whole(&numbered(newest, n)?, most, false).await? };
        let before = versions.last().map_or(known.hub, |(_, hub)| hub);
        match hub::next(before, &document) {
            Ok(hub) => versions.push((document, hub)),
            Err(HubError::Prev(held)) if versions.is_empty() => {
                // Enough root keys signed a version that follows from another one than ours: theirs is the proof. Of version 1
                // there is no other, as its text is the hub's id.
                if known.before.is_some()
                    && let Ok(theirs) = client.whole(&numbered(newest, held)?, most, true).await
                {
                    contradicts(&known, &theirs)?;
                }
                return Err(HubError::Prev(held).into());
            }
            Err(error) => return Err(error.into()),
        }
    }
    match versions.last() {
        Some((_, hub)) if hub.document.version == last && hub.document.expires < today => {
            Err(HubError::Expired(hub.document.expires).into())
        }
        _ => Ok(Walked { versions, etag, older: Some(last).filter(|last| *last < held) }),
    }
}

/// Refuses with proof when another text of the version that is known follows from the one before as well.
fn contradicts(known: &Known<'_>, other: &[u8]) -> Result<(), PullError> {
    match known.before {
        Some(before) if hub::equivocates(before, known.document, other) => {
            let text = |note: &[u8]| String::from_utf8_lossy(note).into_owned();
            Err(PullError::Documents(Box::new(super::ForkEvidence {
                first: text(known.document),
                second: text(other),
            })))
        }
        _ => Ok(()),
    }
}
