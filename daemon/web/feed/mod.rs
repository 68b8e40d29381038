//! A feed's files over HTTP, as they lie in their folder.
//!
//! The folder is plain files that the publisher writes; any static host serves a partner as well as this does. What this
//! adds is what PROTOCOL 1.3 asks for and a plain host may lack: strong ETags, `Range`, codings by negotiation, and
//! caching told apart by kind of file.
//!
//! `tower-http`'s `ServeDir` was considered and refused. It makes a strong ETag of size and modification time, and
//! the clock of a file system stands still for some milliseconds: a checkpoint signed twice within them has the same size
//! and the same tag, and a partner would be told that nothing changed. Its compression keeps that tag for other bytes. It
//! serves whatever lies in the folder under any spelling; here only names of the grammar are known (`path.rs`).
//!
//! An answer is made from one open file, read once: a file replaced by rename meanwhile is served whole, old or new. The
//! ETag is of the bytes, for all kinds alike; 200 KB hash in a quarter of a millisecond. Nothing is kept between requests.

mod asked;
pub(super) mod path;
pub mod restricted;

use super::error::WebError;
use anyhow::Context;
use asked::{Coding, Wanted};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use path::Kind;
use restricted::Restricted;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Largest file served, in bytes: twice what PROTOCOL 1.10 lets a part bundle be. A larger one is no feed file, and
/// reading it would take memory that nobody set aside.
const MAX_FILE: u64 = 8 * 1024 * 1024;
/// Smallest file worth compressing, in bytes.
const MIN_CODED: usize = 512;

/// What routes serve.
#[derive(Clone)]
struct Feed {
    folder: Arc<Path>,
    contacts: Option<Restricted>,
}

/// Routes that serve the feed in `folder`, to be put at the root of the hub's address.
pub fn routes(folder: impl Into<PathBuf>) -> Router {
    routes_with(folder, None)
}

/// [`routes`], and contact parts for those who may read them, where `contacts` says how.
pub fn routes_with(folder: impl Into<PathBuf>, contacts: Option<Restricted>) -> Router {
    // `get` answers HEAD too, and every other method with 405 and `Allow`.
    Router::new()
        .route("/.well-known/groups-hub", get(serve))
        .route("/hub/{*rest}", get(serve))
        .route("/seen", get(serve))
        .route("/evidence/{*rest}", get(serve))
        .route("/v1/{*rest}", get(serve))
        .with_state(Feed { folder: Arc::from(folder.into()), contacts })
}

async fn serve(
    State(Feed { folder, contacts }): State<Feed>,
    method: Method,
    uri: Uri,
    mut headers: HeaderMap,
) -> Result<Response, WebError> {
    let (kind, name) = path::parse(uri.path()).ok_or(WebError::NotFound)?;
    if let Kind::Contact(bundle) = kind {
        let contacts = contacts.ok_or(WebError::NotFound)?;
        return Ok(contacts.answer(&method, &uri, &headers, bundle).await);
    }
    if method == Method::HEAD {
        // Only GET knows ranges (RFC 9110, 14.2).
        headers.remove(header::RANGE);
    }
    let answer = tokio::task::spawn_blocking(move || {
        let content = read(&folder.join(&name)).with_context(|| format!("feed file {}", name.display()))?;
        content.map(|content| answer(kind, content, &headers)).transpose()
    });
    answer.await.map_err(anyhow::Error::from)??.ok_or(WebError::NotFound)
}

/// The whole of a plain file, or nothing where there is none.
fn read(file: &Path) -> anyhow::Result<Option<Vec<u8>>> {
    let file = match File::open(file) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Ok(None);
    }
    let mut content = Vec::with_capacity(usize::try_from(meta.len().min(MAX_FILE))?);
    file.take(MAX_FILE + 1).read_to_end(&mut content)?;
    anyhow::ensure!(content.len() as u64 <= MAX_FILE, "it is larger than a feed file can be");
    Ok(Some(content))
}

/// What to say to these headers about this content. In the order of RFC 9110, 13.2.2: the same still, then which bytes.
pub(super) fn answer(kind: Kind, content: Vec<u8>, headers: &HeaderMap) -> anyhow::Result<Response> {
    let negotiable = kind.compressible() && content.len() >= MIN_CODED;
    // A range counts bytes of the file itself: whoever asks for one gets no coding.
    let coding = if negotiable && !asked::has_range(headers) { asked::coding(headers) } else { Coding::Identity };
    let digest = digest(&content);
    let tag = etag(&digest, coding);

    let mut head = HeaderMap::new();
    let mut set = |name: HeaderName, value: &str| HeaderValue::from_str(value).map(|value| head.insert(name, value));
    set(header::ETAG, &tag)?;
    set(header::CACHE_CONTROL, kind.caching())?;
    if negotiable {
        set(header::VARY, "Accept-Encoding")?;
    }
    // Anyone's page may read a feed: it is public, and no cookie or key comes with the request.
    set(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")?;
    set(header::ACCESS_CONTROL_EXPOSE_HEADERS, "ETag, Content-Range")?;
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff")?;
    if asked::holds(headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, head).into_response());
    }

    set(header::ACCEPT_RANGES, "bytes")?;
    let (status, body) = match asked::wanted(headers, &etag(&digest, Coding::Identity), content.len()) {
        Wanted::Beyond => {
            set(header::CONTENT_RANGE, &format!("bytes */{}", content.len()))?;
            (StatusCode::RANGE_NOT_SATISFIABLE, Vec::new())
        }
        Wanted::Part(first, last) => {
            set(header::CONTENT_RANGE, &format!("bytes {first}-{last}/{}", content.len()))?;
            (StatusCode::PARTIAL_CONTENT, content[first..=last].to_vec())
        }
        Wanted::Whole if coding == Coding::Identity => (StatusCode::OK, content),
        Wanted::Whole => {
            set(header::CONTENT_ENCODING, coding.token())?;
            (StatusCode::OK, compress(coding, &content)?)
        }
    };
    set(header::CONTENT_TYPE, kind.content_type())?;
    Ok((status, head, body).into_response())
}

/// Half of the content's SHA-256, in hexadecimal.
fn digest(content: &[u8]) -> String {
    hex::encode(&Sha256::digest(content)[..16])
}

/// A strong ETag: what the content is, and the coding.
fn etag(digest: &str, coding: Coding) -> String {
    match coding {
        Coding::Identity => format!("\"{digest}\""),
        _ => format!("\"{digest}-{}\"", coding.token()),
    }
}

fn compress(coding: Coding, content: &[u8]) -> io::Result<Vec<u8>> {
    match coding {
        Coding::Identity => Ok(content.to_vec()),
        Coding::Zstd => zstd::bulk::compress(content, 3),
        Coding::Gzip => {
            let mut coder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            coder.write_all(content)?;
            coder.finish()
        }
    }
}
