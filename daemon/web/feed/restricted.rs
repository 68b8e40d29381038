//! Part bundles that are not everybody's (PROTOCOL 1.8): made for each reader from the database, never a file.
//!
//! A request is signed by the peer key of a partner hub (RFC 9421), and that hub must be one that this hub's people let read
//! contact parts: else 401 or 403, and nothing tells whether there is anything. A reader's bundle has the lines whose
//! consents name it, and an empty line for all others. Nothing of it is kept anywhere on the way: no ETag, no coding,
//! `no-store`; the log has the route's pattern alone.
//!
//! The authority that was signed must be this hub's own: else a hub that a reader asks could pass the reader's request on to
//! us under its own name and be given what is the reader's.

use crate::feed::hub;
use crate::feed::request::{ACCEPT, Claim, Refused, Target, authority, key_id};
use crate::feed::tile::WIDTH;
use crate::record::consent;
use crate::store::log::{self as logs, LogRow, OWN};
use crate::store::{self, Store};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::fmt::rfc2822;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What answering needs.
#[derive(Clone)]
pub struct Restricted {
    /// The hub's database.
    pub store: Store,
    /// The names under which this hub is asked, as signed: lower case, without a port that is a scheme's own.
    pub authorities: Arc<BTreeSet<String>>,
    /// What time and day it is here.
    pub now: Arc<dyn Fn() -> (Timestamp, Date) + Send + Sync>,
}

/// Which bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bundle {
    /// Which of the hub's logs, counted from 1.
    pub log: u32,
    /// Its number.
    pub n: u64,
    /// How many of its lines.
    pub width: u64,
}

/// Why a reader gets nothing.
enum No {
    Unbelieved(Refused),
    Forbidden,
    Absent,
}

impl Restricted {
    /// Answers one request.
    pub async fn answer(&self, method: &Method, uri: &Uri, headers: &HeaderMap, bundle: Bundle) -> Response {
        let now = (self.now)().0;
        let mut response = match self.lines(method, uri, headers, bundle).await {
            Ok(Ok(body)) => {
                ([(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"))], body).into_response()
            }
            Ok(Err(No::Unbelieved(why))) => {
                tracing::debug!(code = why.code(), "a request for contacts was not believed");
                let mut response = (StatusCode::UNAUTHORIZED, format!("{why}.\n")).into_response();
                let head = response.headers_mut();
                head.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Signature realm=\"groups-feed/v1\""));
                head.insert("accept-signature", HeaderValue::from_static(ACCEPT));
                response
            }
            Ok(Err(No::Forbidden)) => {
                (StatusCode::FORBIDDEN, "This hub does not share contacts with yours.\n").into_response()
            }
            Ok(Err(No::Absent)) => StatusCode::NOT_FOUND.into_response(),
            Err(error) => {
                tracing::error!("contacts could not be read: {error}");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        };
        let head = response.headers_mut();
        head.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
        head.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        // A reader whose clock differs corrects itself by this one: the clock that its signature is held against.
        let date = rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&now).ok();
        head.extend(date.and_then(|date| HeaderValue::try_from(date).ok()).map(|date| (header::DATE, date)));
        response
    }

    async fn lines(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        bundle: Bundle,
    ) -> Result<Result<String, No>, store::StoreError> {
        let (now, today) = (self.now)();
        let mut db = self.store.read().await?;
        let all = logs::all(&mut db).await?;
        let reader = match self.reader(method, uri, headers, &all, (now, today)) {
            Ok(log) => log.hub,
            Err(refused) => return Ok(Err(No::Unbelieved(refused))),
        };
        if !store::contact::readers(&mut db).await?.contains_key(&reader) {
            return Ok(Err(No::Forbidden));
        }
        let first = bundle.n.saturating_mul(WIDTH);
        let Some(own) = all
            .iter()
            .find(|log| log.owner == OWN && log.ordinal + 1 == bundle.log)
            .filter(|log| first.saturating_add(bundle.width) <= log.held)
        else {
            return Ok(Err(No::Absent));
        };
        let (from, upto) = (logs::pos(own.n, first), logs::pos(own.n, first + bundle.width));
        let consents = store::consent::rules(&mut db).await?;
        let mut lines = vec![String::new(); bundle.width as usize];
        let mut given = Vec::new();
        for row in store::contact::lines(&mut db, from, upto).await? {
            // Asked of today's ledger, at every request: no line outlives its consent because a file lies about.
            let holds = store::contact::holds(&mut db, row.pos).await?;
            if consent::may_read(&holds, &consents, reader, today) {
                lines[(logs::index(row.pos) - first) as usize] = row.line;
                given.push(row.pos);
            }
        }
        let mut known = BTreeSet::new();
        for at in &given {
            if store::contact::served(&mut db, *at).await?.contains(&reader) {
                known.insert(*at);
            }
        }
        drop(db);
        given.retain(|at| !known.contains(at));
        if !given.is_empty() {
            let mut write = self.store.write().await?;
            store::contact::note_served(&mut write, &given, reader, now.as_second()).await?;
            write.commit().await?;
        }
        Ok(Ok(lines.into_iter().fold(String::new(), |all, line| all + &line + "\n")))
    }

    /// The partner hub whose key signed the request.
    fn reader<'a>(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        all: &'a [LogRow],
        (now, today): (Timestamp, Date),
    ) -> Result<&'a LogRow, Refused> {
        let one = |name: &str| {
            let mut values = headers.get_all(name).iter();
            let value = values.next().and_then(|value| value.to_str().ok());
            value.filter(|_| values.next().is_none()).ok_or(Refused::Unsigned)
        };
        let claim = Claim::read(one("signature-input")?, one("signature")?)?;
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let host = host.or_else(|| uri.authority().map(|authority| authority.as_str())).unwrap_or_default();
        let authority = authority(host);
        if !self.authorities.contains(&authority) {
            return Err(Refused::Signature);
        }
        let target = Target { method: method.as_str(), authority: &authority, path: uri.path(), query: uri.query() };
        let named = |log: &&LogRow| log.owner != OWN && log.closed.is_none() && key_id(&log.peer) == claim.key_id;
        let log = all.iter().find(named).ok_or(Refused::Signature)?;
        claim.verify(&target, &log.peer, now.as_second())?;
        // A hub document past its date vouches for no key (PROTOCOL 1.5).
        let document = hub::reopen(&log.document, log.hub).map_err(|_| Refused::Signature)?.document;
        if document.expires < today { Err(Refused::Signature) } else { Ok(log) }
    }
}
