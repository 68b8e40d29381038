//! Asking a partner hub for contact parts: signed requests, bundle by bundle, each line checked against what its leaf names.
//!
//! An empty line here means *not for us*: no consent names this hub, or none does any more. Nobody but the partner hub can
//! tell the two from a line that is withheld, and it owes no reason, so it is no fault and is asked for again now and then.
//! A line that does not hash to what was signed is dropped, and stops nothing.

use super::client::{Answer, Ask, Client, FetchError};
use super::pull::{PullError, document_url};
use crate::feed::LogKeys;
use crate::feed::hub;
use crate::feed::request::{self, Target};
use crate::feed::tile::{self, WIDTH};
use crate::record::contact::CONTACT;
use crate::record::part;
use crate::store::contact::Wanted;
use crate::store::log::LogRow;
use crate::store::{self, Store};
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::Url;
use std::collections::BTreeMap;

/// Bundles asked for in one run that never were before.
const FRESH: usize = 64;

/// What asking brought. `state` is a stable code: `current`, `forbidden` (it does not share contacts with this hub),
/// `unsigned` (it does not believe the signature), `absent` (it serves none), `failed`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Read {
    /// How it went.
    pub state: &'static str,
    /// Lines that came.
    pub came: usize,
    /// Lines that are not for this hub.
    pub not_for_us: usize,
    /// Lines that are not what was signed, and were dropped.
    pub wrong: usize,
}

/// One run of asking.
pub struct Asking<'a> {
    /// Where what came is kept.
    pub store: &'a Store,
    /// How it is fetched.
    pub client: &'a Client,
    /// Whose requests these are.
    pub keys: &'a LogKeys,
    /// The partner's log.
    pub log: &'a LogRow,
    /// When the run began.
    pub now: Timestamp,
    /// What time it is, for signing.
    pub tell: &'a (dyn Fn() -> Timestamp + Sync),
}

impl Asking<'_> {
    /// Asks for what is named and not held.
    ///
    /// # Errors
    /// Database errors only.
    pub async fn read(&self, address: &str, wanted: Vec<Wanted>) -> anyhow::Result<Read> {
        let mut bundles: BTreeMap<u64, Vec<Wanted>> = BTreeMap::new();
        wanted.into_iter().for_each(|one| bundles.entry(one.index / WIDTH).or_default().push(one));
        // First what was never asked for; of the rest a few, those asked longest ago.
        let mut order: Vec<(i64, u64)> =
            bundles.iter().map(|(n, all)| (all.iter().map(|one| one.asked).min().unwrap_or(0), *n)).collect();
        order.sort_unstable();
        let fresh = order.iter().filter(|(asked, _)| *asked == 0).count().min(FRESH);
        order.truncate(fresh.max(self.client.limits().parallel_gets as usize));
        let mut read = Read { state: "current", came: 0, not_for_us: 0, wrong: 0 };
        let mut offset = 0;
        for (_, n) in order {
            match self.bundle(address, n, &bundles[&n], &mut offset, &mut read).await {
                Ok(()) => {}
                Err(PullError::Store(error)) => return Err(error.into()),
                Err(error) => {
                    read.state = match error {
                        PullError::Fetch(FetchError::Status(_, 403, _)) => "forbidden",
                        PullError::Fetch(FetchError::Unsigned(..)) => "unsigned",
                        PullError::Fetch(FetchError::Status(_, 404, _)) => "absent",
                        _ => "failed",
                    };
                    break;
                }
            }
        }
        Ok(read)
    }

    async fn bundle(
        &self,
        address: &str,
        n: u64,
        wanted: &[Wanted],
        offset: &mut i64,
        read: &mut Read,
    ) -> Result<(), PullError> {
        let place = hub::reopen(&self.log.document, self.log.hub)?;
        let place = place.document.log().map(|log| log.prefix.clone()).unwrap_or_default();
        let path = tile::parts(CONTACT, n, tile::width(n, self.log.held));
        let url = document_url(address)?.join(&place).and_then(|url| url.join(&path));
        let url = url.map_err(|_| PullError::Url(path.clone()))?;
        let limits = self.client.limits();
        let width = tile::width(n, self.log.held);
        let body = self.signed(&url, limits.part_bundle_bytes, offset).await?;
        let lines = tile::read_lines(&body, width, limits.line_bytes as usize)
            .map_err(|error| PullError::Bundle(path, error))?;
        let mut came = Vec::new();
        for one in wanted {
            match lines.get((one.index % WIDTH) as usize).copied().unwrap_or_default() {
                "" => read.not_for_us += 1,
                line if part::digest(line.as_bytes()) == one.digest => {
                    came.push((one.index, one.digest.clone(), line.to_owned()));
                }
                _ => read.wrong += 1,
            }
        }
        let mut write = self.store.write().await?;
        let range = n * WIDTH..(n + 1) * WIDTH;
        read.came += store::contact::came(&mut write, self.log, range, &came, self.now.as_second()).await?;
        Ok(write.commit().await?)
    }

    /// One signed GET. A clock that differs from the partner's is corrected once, by what its refusal says.
    async fn signed(&self, url: &Url, most: u64, offset: &mut i64) -> Result<Vec<u8>, PullError> {
        let host = url.host_str().unwrap_or_default();
        let authority = url.port().map_or(host.to_owned(), |port| format!("{host}:{port}"));
        let target = Target { method: "GET", authority: &authority, path: url.path(), query: url.query() };
        let mut again = true;
        loop {
            let signed = request::sign(&target, &self.keys.peer, (self.tell)().as_second() + *offset);
            let headers = [("signature-input", signed.input), ("signature", signed.signature)];
            match self.client.get(url, &Ask { most, headers: &headers, fresh: true, ..Ask::default() }).await {
                Ok(Answer::Whole { body, .. }) => return Ok(body),
                Err(FetchError::Unsigned(_, Some(date))) if again => {
                    let theirs = rfc2822::parse(&date).map(|at| at.timestamp().as_second());
                    let theirs = theirs.unwrap_or_else(|_| (self.tell)().as_second());
                    *offset = theirs - (self.tell)().as_second();
                    again = false;
                }
                Ok(_) => return Err(FetchError::Broken(url.path().to_owned()).into()),
                Err(error) => return Err(error.into()),
            }
        }
    }
}
