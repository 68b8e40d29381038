//! The HTTP server: what stands around every route, and the loop that takes connections.
//!
//! Plain HTTP/1.1; TLS and HTTP/2 belong to the proxy in front. `axum::serve` sets no time for a request's head to arrive,
//! so one that never ends would hold a connection for ever; the loop below is hyper's own with every bound set.

use super::error::{self, WebError};
use super::style;
use crate::store::view::Site;
use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use std::any::Any;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::timeout::TimeoutLayer;

/// Until a request must have its answer.
const ANSWER: Duration = Duration::from_secs(10);
/// Until a request's head must have come; also how long a connection may idle between two.
const HEAD: Duration = Duration::from_secs(30);
/// Until a connection is asked to end: as long as PROTOCOL 1.10 lets one whole GET take.
const CONNECTION: Duration = Duration::from_secs(600);
/// How long open requests have to finish when the server stops.
const DRAIN: Duration = Duration::from_secs(10);
/// Bytes of a request's head. A search is at most some 2 KB of them.
const MAX_HEAD: usize = 16 * 1024;
/// Header lines of a request.
const MAX_HEADERS: usize = 64;
/// Connections at one time; further ones wait to be taken. Each may hold one feed file in memory.
const MAX_CONNECTIONS: usize = 512;

/// Everything a hub serves, in one router: its pages, its feed where it publishes one, and its health.
pub fn router(site: Arc<Site>, pages: Router, feed: Option<Router>, health: Router) -> Router {
    let pages = guarded(
        pages
            .merge(style::routes())
            .fallback(async || WebError::NotFound)
            .method_not_allowed_fallback(async || StatusCode::METHOD_NOT_ALLOWED),
    );
    let pages = pages.layer(from_fn_with_state(site, error::dress)).layer(CompressionLayer::new());
    let files = guarded(feed.unwrap_or_default().merge(health));
    pages.merge(files).layer(from_fn(no_body)).layer(from_fn(log))
}

/// Ends what takes too long or panics. Inside [`error::dress`], so that both become a page where pages are.
fn guarded(router: Router) -> Router {
    router
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, ANSWER))
        .layer(CatchPanicLayer::custom(panicked))
}

fn panicked(_: Box<dyn Any + Send>) -> Response {
    // The panic hook has logged message and place; here it becomes an answer.
    WebError::Internal(anyhow::anyhow!("a request's handler panicked")).into_response()
}

/// Refuses requests that bring a body: nothing here takes one.
async fn no_body(request: Request, next: Next) -> Response {
    let length = request.headers().get(header::CONTENT_LENGTH).is_some_and(|length| length.as_bytes() != b"0");
    if length || request.headers().contains_key(header::TRANSFER_ENCODING) {
        let mut response = (StatusCode::PAYLOAD_TOO_LARGE, "Nothing can be sent to this address.\n").into_response();
        // The body is not read, so the connection cannot be used for another request.
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        return response;
    }
    next.run(request).await
}

/// One line a request: the route's pattern and never the address, which may say what somebody looks for.
async fn log(request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("none".to_owned(), |route| route.as_str().to_owned());
    let response = next.run(request).await;
    let (status, ms) = (response.status().as_u16(), begun.elapsed().as_secs_f64() * 1000.0);
    if response.status().is_server_error() {
        tracing::warn!(%method, route, status, ms, "request failed");
    } else {
        tracing::debug!(%method, route, status, ms, "request");
    }
    response
}

/// A router that answers each request by the one that stands in `routers` when it comes, on open connections too: a
/// configuration that is read again is in force at once.
pub fn current(routers: watch::Receiver<Router>) -> Router {
    Router::new().fallback(move |request: Request| {
        let now = routers.borrow().clone();
        now.oneshot(request)
    })
}

/// Serves `router` on `listener` until `stop` is cancelled; then takes no further connections, and returns when the open
/// requests are answered or 10 seconds have passed.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let open = TaskTracker::new();
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            next = next => next,
        };
        match accepted {
            Ok((stream, _)) => {
                let connection = connection(stream, router.clone(), stop.clone());
                open.spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
            Err(error) => {
                // A connection that failed by itself, or no file descriptor is free: the next try may do better.
                tracing::warn!("a connection could not be accepted: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    open.close();
    open.wait().await;
}

async fn connection(stream: TcpStream, router: Router, stop: CancellationToken) {
    // Answers are written whole; waiting to fill a packet only delays the last bytes.
    let _ = stream.set_nodelay(true);
    let mut http = Builder::new(TokioExecutor::new()).http1_only();
    http.http1().timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(MAX_HEAD).max_headers(MAX_HEADERS);
    let mut serving = pin!(http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)));
    let ended = tokio::select! {
        ended = serving.as_mut() => Some(ended),
        () = stop.cancelled() => None,
        () = tokio::time::sleep(CONNECTION) => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            serving.as_mut().graceful_shutdown();
            tokio::time::timeout(DRAIN, serving).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        // Readers hang up as they like; of interest only to someone who looks into it.
        tracing::debug!("a connection ended: {error}");
    }
}
