//! One bounded GET: whatever a server does, it costs us no more than [`Limits`] say.

use super::address::is_public;
use crate::limits::Limits;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{StatusCode, Url};
use std::collections::BTreeSet;
use std::error::Error;
use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Why a GET brought nothing usable. [`FetchError::code`] is stable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The host's name has no address.
    #[error("the name {0} has no address; check the spelling, or ask the hub whether it moved")]
    Dns(String),
    /// The address is private or loopback, or is reached without TLS.
    #[error("{0} is not on the public internet over https; nothing was sent there")]
    Address(String),
    /// No connection.
    #[error("{0} does not accept connections")]
    Connect(String),
    /// TLS failed: expired, wrong name, unknown issuer.
    #[error("the certificate of {0} was not accepted ({1})")]
    Tls(String, String),
    /// The server stood still or was too slow.
    #[error("{0} answered too slowly")]
    Slow(String),
    /// The answer is longer than the limit.
    #[error("the answer of {0} is longer than {1} bytes")]
    TooLarge(String, u64),
    /// The answer unpacks to more than the allowed ratio.
    #[error("the answer of {0} unpacks to more than {1} times its size")]
    Ratio(String, u64),
    /// The answer broke off or could not be unpacked.
    #[error("the answer of {0} broke off or is damaged")]
    Broken(String),
    /// A redirect too many, or to where none may lead.
    #[error("{0} redirects to where it may not")]
    Redirect(String),
    /// The server says no.
    #[error("{0} answered {1}")]
    Status(String, u16, Option<u64>),
    /// The server does not believe the request's signature; with what its clock says.
    #[error("{0} did not accept this hub's signature")]
    Unsigned(String, Option<String>),
    /// A web page came where a feed file should be.
    #[error("{0} answered with a web page ({1}) where a feed file should be; is the address right?")]
    WebPage(String, String),
}

impl FetchError {
    /// Stable kebab-case code.
    pub fn code(&self) -> &'static str {
        match self {
            FetchError::Dns(_) => "dns",
            FetchError::Address(_) => "address",
            FetchError::Connect(_) => "connect",
            FetchError::Tls(..) => "tls",
            FetchError::Slow(_) => "slow",
            FetchError::TooLarge(..) => "too-large",
            FetchError::Ratio(..) => "ratio",
            FetchError::Broken(_) => "broken",
            FetchError::Redirect(_) => "redirect",
            FetchError::Status(..) | FetchError::Unsigned(..) => "http-status",
            FetchError::WebPage(..) => "web-page",
        }
    }

    /// Seconds the server asked to be left alone.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            FetchError::Status(_, _, seconds) => *seconds,
            _ => None,
        }
    }
}

/// What to ask for beside the URL.
#[derive(Debug, Clone, Default)]
pub struct Ask<'a> {
    /// Longest body accepted, decoded.
    pub most: u64,
    /// Only if it is no longer this.
    pub unless: Option<&'a str>,
    /// Only what follows this many bytes; the server may send the whole all the same.
    pub from: Option<u64>,
    /// Past every cache on the way.
    pub fresh: bool,
    /// Headers of a signed request.
    pub headers: &'a [(&'static str, String)],
}

/// What came.
#[derive(Debug)]
pub enum Answer {
    /// It is still what was named, says the server.
    Unchanged {
        /// The ETag under which it says so.
        etag: Option<String>,
    },
    /// The whole file.
    Whole {
        /// Decoded body.
        body: Vec<u8>,
        /// Its ETag.
        etag: Option<String>,
    },
    /// What follows the bytes asked for.
    Rest(Vec<u8>),
}

/// Makes bounded GETs. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    limits: Arc<Limits>,
    allow_private: bool,
}

impl Client {
    /// A client under these limits. `allow_private` lets it go to loopback and private addresses and without TLS, for
    /// trials on one machine. Redirects stay on the host that was asked.
    ///
    /// # Errors
    /// When TLS cannot be set up: no root certificates (install ca-certificates).
    pub fn new(limits: &Limits, allow_private: bool, contact: Option<&str>) -> Result<Client, reqwest::Error> {
        let limits = Arc::new(limits.clone());
        let most = limits.redirects as usize;
        let redirects = reqwest::redirect::Policy::custom(move |attempt| {
            match may_follow(attempt.previous(), attempt.url(), most, allow_private) {
                true => attempt.follow(),
                false => attempt.error(Refused::Redirect),
            }
        });
        let mut agent = format!("mutuald/{}", env!("CARGO_PKG_VERSION"));
        if let Some(contact) = contact {
            agent.push_str(&format!(" (+{contact})"));
        }
        let http = reqwest::Client::builder()
            .user_agent(agent)
            .redirect(redirects)
            .dns_resolver(Arc::new(PublicOnly { allow_private }))
            .connect_timeout(Duration::from_secs(limits.connect_timeout_s))
            .pool_max_idle_per_host(limits.parallel_gets as usize)
            .no_proxy()
            .build()?;
        Ok(Client { http, limits, allow_private })
    }

    /// The limits it works under.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// One GET.
    ///
    /// # Errors
    /// [`FetchError`]; nothing of a body past a limit is kept.
    pub async fn get(&self, url: &Url, ask: &Ask<'_>) -> Result<Answer, FetchError> {
        let place = place(url);
        if !may_visit(url, self.allow_private) {
            return Err(FetchError::Address(place));
        }
        let whole = Duration::from_secs(self.limits.get_timeout_s);
        match tokio::time::timeout(whole, self.exchange(url, ask, &place)).await {
            Ok(answer) => answer,
            Err(_) => Err(FetchError::Slow(place)),
        }
    }

    /// One GET of a whole file.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn whole(&self, url: &Url, most: u64, fresh: bool) -> Result<Vec<u8>, FetchError> {
        match self.get(url, &Ask { most, fresh, ..Ask::default() }).await? {
            Answer::Whole { body, .. } => Ok(body),
            Answer::Unchanged { .. } | Answer::Rest(_) => Err(FetchError::Broken(place(url))),
        }
    }

    async fn exchange(&self, url: &Url, ask: &Ask<'_>, place: &str) -> Result<Answer, FetchError> {
        let mut headers = HeaderMap::new();
        // A range counts bytes of the file, so it must come as it lies there.
        let encodings = if ask.from.is_some() { "identity" } else { "zstd, gzip" };
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(encodings));
        if let Some(from) = ask.from {
            headers.extend(HeaderValue::try_from(format!("bytes={from}-")).ok().map(|value| (header::RANGE, value)));
        }
        if let Some(etag) = ask.unless {
            headers.extend(HeaderValue::try_from(etag).ok().map(|value| (header::IF_NONE_MATCH, value)));
        }
        for (name, value) in ask.headers {
            let value = HeaderValue::try_from(value).ok();
            headers.extend(value.map(|value| (header::HeaderName::from_static(name), value)));
        }
        if ask.fresh {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        }
        let idle = Duration::from_secs(self.limits.idle_timeout_s);
        let request = self.http.get(url.clone()).headers(headers).send();
        let mut response = match tokio::time::timeout(idle, request).await {
            Ok(sent) => sent.map_err(|error| classify(&error, place))?,
            Err(_) => return Err(FetchError::Slow(place.to_owned())),
        };
        let status = response.status();
        let header = |name| response.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        match status {
            StatusCode::NOT_MODIFIED if ask.unless.is_some() => {
                return Ok(Answer::Unchanged { etag: header(header::ETAG).map(str::to_owned) });
            }
            StatusCode::OK => {}
            StatusCode::PARTIAL_CONTENT if ask.from.is_some() => {
                let expected = format!("bytes {}-", ask.from.unwrap_or(0));
                if !header(header::CONTENT_RANGE).is_some_and(|range| range.starts_with(&expected)) {
                    return Err(FetchError::Broken(place.to_owned()));
                }
            }
            StatusCode::UNAUTHORIZED if !ask.headers.is_empty() => {
                return Err(FetchError::Unsigned(place.to_owned(), header(header::DATE).map(str::to_owned)));
            }
            _ => {
                let wait = header(header::RETRY_AFTER).and_then(|text| seconds(text.trim(), header(header::DATE)));
                return Err(FetchError::Status(place.to_owned(), status.as_u16(), wait));
            }
        }
        if let Some(kind) = header(header::CONTENT_TYPE).filter(|kind| kind.to_ascii_lowercase().contains("html")) {
            return Err(FetchError::WebPage(place.to_owned(), kind.chars().take(60).collect()));
        }
        let etag = header(header::ETAG).map(str::to_owned);
        let encoding = header(header::CONTENT_ENCODING).unwrap_or("identity").to_ascii_lowercase();
        let mut sink = Sink::new(&encoding, ask.most, self.limits.decode_ratio)
            .ok_or_else(|| FetchError::Broken(place.to_owned()))?;

        let (mut window, mut in_window) = (Instant::now(), 0u64);
        loop {
            let chunk = match tokio::time::timeout(idle, response.chunk()).await {
                Ok(chunk) => chunk.map_err(|error| classify(&error, place))?,
                Err(_) => return Err(FetchError::Slow(place.to_owned())),
            };
            let Some(chunk) = chunk else { break };
            in_window += chunk.len() as u64;
            if window.elapsed() >= RATE_WINDOW {
                if in_window < self.limits.min_rate_bytes_per_s * RATE_WINDOW.as_secs() {
                    return Err(FetchError::Slow(place.to_owned()));
                }
                (window, in_window) = (Instant::now(), 0);
            }
            sink.write(&chunk).map_err(|cut| cut.error(place, ask.most, self.limits.decode_ratio))?;
        }
        let body = sink.finish().map_err(|cut| cut.error(place, ask.most, self.limits.decode_ratio))?;
        Ok(if status == StatusCode::PARTIAL_CONTENT { Answer::Rest(body) } else { Answer::Whole { body, etag } })
    }
}

/// What `Retry-After` asks for: seconds, or a date, which is reckoned from the server's own `Date` (RFC 9110, 10.2.3).
fn seconds(asked: &str, date: Option<&str>) -> Option<u64> {
    let moment = |text: &str| jiff::fmt::rfc2822::parse(text).ok().map(|at| at.timestamp().as_second());
    let until = || u64::try_from(moment(asked)?.checked_sub(moment(date?)?)?).ok();
    asked.parse().ok().or_else(until)
}

/// Over which the slowest rate is measured.
const RATE_WINDOW: Duration = Duration::from_secs(30);

/// A URL as messages name it: without query, which could hold anything.
fn place(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}

fn may_visit(url: &Url, allow_private: bool) -> bool {
    if allow_private {
        return matches!(url.scheme(), "http" | "https");
    }
    let literal: Option<IpAddr> = match url.host() {
        Some(url::Host::Ipv4(address)) => Some(address.into()),
        Some(url::Host::Ipv6(address)) => Some(address.into()),
        Some(url::Host::Domain(_)) => None,
        None => return false,
    };
    url.scheme() == "https" && literal.is_none_or(is_public)
}

/// Whether a redirect is followed: a few times, on the host that was asked, to where this client may go at all; and never out of
/// TLS, trial or not.
fn may_follow(previous: &[Url], to: &Url, most: usize, allow_private: bool) -> bool {
    let same_host = previous.first().map(Url::host_str) == Some(to.host_str());
    let out_of_tls = to.scheme() != "https" && previous.iter().any(|url| url.scheme() == "https");
    previous.len() <= most && same_host && !out_of_tls && may_visit(to, allow_private)
}

/// Our own refusals, recognised again when reqwest hands them back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Refused {
    #[error("a redirect that is not allowed")]
    Redirect,
    #[error("no public address")]
    Address,
    #[error("no address")]
    Dns,
}

fn classify(error: &reqwest::Error, place: &str) -> FetchError {
    let place = place.to_owned();
    let mut source: Option<&(dyn Error + 'static)> = error.source();
    let mut last = error.to_string();
    while let Some(cause) = source {
        match cause.downcast_ref::<Refused>() {
            Some(Refused::Redirect) => return FetchError::Redirect(place),
            Some(Refused::Address) => return FetchError::Address(place),
            Some(Refused::Dns) => return FetchError::Dns(place),
            None => last = cause.to_string(),
        }
        source = cause.source();
    }
    // rustls's own error type is not ours to name; its messages begin so.
    if last.contains("certificate") || last.contains("TLS") || last.contains("handshake") {
        FetchError::Tls(place, last.chars().take(200).collect())
    } else if error.is_redirect() {
        FetchError::Redirect(place)
    } else if error.is_timeout() {
        FetchError::Slow(place)
    } else if error.is_connect() {
        FetchError::Connect(place)
    } else {
        FetchError::Broken(place)
    }
}

/// Resolves names, and drops addresses that are not public: what a name meant a moment ago does not matter, only where
/// the connection would go.
struct PublicOnly {
    allow_private: bool,
}

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found: BTreeSet<SocketAddr> = match tokio::net::lookup_host((name.as_str(), 0)).await {
                Ok(found) => found.collect(),
                Err(_) => return Err(Refused::Dns.into()),
            };
            if found.is_empty() {
                return Err(Refused::Dns.into());
            }
            let usable: Vec<SocketAddr> =
                found.into_iter().filter(|address| allow_private || is_public(address.ip())).collect();
            if usable.is_empty() {
                return Err(Refused::Address.into());
            }
            Ok(Box::new(usable.into_iter()) as Addrs)
        })
    }
}

/// Why a body was cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    TooLarge,
    Ratio,
    Broken,
}

impl Cut {
    fn error(self, place: &str, most: u64, ratio: u64) -> FetchError {
        match self {
            Cut::TooLarge => FetchError::TooLarge(place.to_owned(), most),
            Cut::Ratio => FetchError::Ratio(place.to_owned(), ratio),
            Cut::Broken => FetchError::Broken(place.to_owned()),
        }
    }
}

/// Where decoded bytes gather, up to the limits.
struct Capped {
    body: Vec<u8>,
    most: u64,
    received: u64,
    ratio: u64,
    cut: Option<Cut>,
}

impl Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let length = (self.body.len() + bytes.len()) as u64;
        // Small answers may have any ratio: a page of empty lines is short packed and unpacked.
        let packed_too_well = length > 64 << 10 && length > self.ratio * self.received;
        self.cut = match () {
            () if length > self.most => Some(Cut::TooLarge),
            () if packed_too_well => Some(Cut::Ratio),
            () => {
                self.body.extend_from_slice(bytes);
                return Ok(bytes.len());
            }
        };
        Err(std::io::Error::other("over the limit"))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

enum Sink {
    Plain(Capped),
    Gzip(Box<flate2::write::GzDecoder<Capped>>),
    Zstd(Box<zstd::stream::write::Decoder<'static, Capped>>),
}

impl Sink {
    fn new(encoding: &str, most: u64, ratio: u64) -> Option<Sink> {
        let capped = Capped { body: Vec::new(), most, received: 0, ratio, cut: None };
        Some(match encoding {
            "identity" | "" => Sink::Plain(capped),
            "gzip" => Sink::Gzip(Box::new(flate2::write::GzDecoder::new(capped))),
            "zstd" => {
                let mut decoder = zstd::stream::write::Decoder::new(capped).ok()?;
                // A frame may ask for a window of gigabytes; 8 MiB is what RFC 9659 allows on the web.
                decoder.window_log_max(23).ok()?;
                Sink::Zstd(Box::new(decoder))
            }
            _ => return None,
        })
    }

    fn capped(&mut self) -> &mut Capped {
        match self {
            Sink::Plain(capped) => capped,
            Sink::Gzip(decoder) => decoder.get_mut(),
            Sink::Zstd(decoder) => decoder.get_mut(),
        }
    }

    fn write(&mut self, chunk: &[u8]) -> Result<(), Cut> {
        self.capped().received += chunk.len() as u64;
        let written = match self {
            Sink::Plain(capped) => capped.write_all(chunk),
            Sink::Gzip(decoder) => decoder.write_all(chunk),
            Sink::Zstd(decoder) => decoder.write_all(chunk),
        };
        written.map_err(|_| self.capped().cut.unwrap_or(Cut::Broken))
    }

    fn finish(mut self) -> Result<Vec<u8>, Cut> {
        let done = match &mut self {
            Sink::Plain(_) => Ok(()),
            Sink::Gzip(decoder) => decoder.try_finish(),
            Sink::Zstd(decoder) => decoder.flush(),
        };
        let cut = self.capped().cut;
        match done {
            Ok(()) => Ok(std::mem::take(&mut self.capped().body)),
            Err(_) => Err(cut.unwrap_or(Cut::Broken)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ways to write addresses that are not everybody's, with and without a disguise.
    const INSIDE: [&str; 21] = [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0x7f.1",
        "10.0.0.1",
        "012.0.0.1",
        "167772161",
        "169.254.169.254",
        "2852039166",
        "172.16.0.1",
        "192.168.0.1",
        "0.0.0.0",
        "[::1]",
        "[fc00::1]",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "[::ffff:10.0.0.1]",
        "[::ffff:a9fe:a9fe]",
        "[64:ff9b::a00:1]",
    ];

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn no_writing_of_a_private_address_is_visited() {
        for host in INSIDE {
            assert!(!may_visit(&url(&format!("https://{host}/")), false), "{host}");
        }
        for outside in ["https://example.org/", "https://9.9.9.9/", "https://[2a00:1450:4009::1]/"] {
            assert!(may_visit(&url(outside), false), "{outside}");
        }
        assert!(!may_visit(&url("http://example.org/"), false), "nor anything without TLS");
        assert!(!may_visit(&url("file:///etc/passwd"), true));
    }

    #[test]
    fn a_redirect_stays_on_its_host_and_in_tls() {
        let from = [url("https://hub.example.org/a")];
        assert!(may_follow(&from, &url("https://hub.example.org/b"), 3, false));
        for private in [false, true] {
            for to in [
                "http://hub.example.org/b",
                "https://other.example.org/b",
                "https://example.org/",
                "ftp://hub.example.org/",
            ] {
                assert!(!may_follow(&from, &url(to), 3, private), "{to}");
            }
        }
        for host in INSIDE {
            for scheme in ["http", "https"] {
                let to = url(&format!("{scheme}://{host}/"));
                assert!(!may_follow(&from, &to, 3, false), "{to}");
                // Not even from itself, were it ever come to.
                assert!(!may_follow(std::slice::from_ref(&to), &to, 3, false), "{to}");
            }
        }
        let round = vec![from[0].clone(); 4];
        assert!(may_follow(&round[..3], &from[0], 3, false) && !may_follow(&round, &from[0], 3, false));
        // Out of TLS and back is out of TLS.
        let back = [url("https://hub.example.org/a"), url("http://hub.example.org/b")];
        assert!(!may_follow(&back, &url("http://hub.example.org/c"), 3, true));
    }
}
