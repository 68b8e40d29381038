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
use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
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
/// How many connections there may be at one time, and who gives way when more come.
#[derive(Debug, Clone, Copy)]
pub struct Crowd {
    /// Connections at one time. Each may hold one feed file in memory.
    pub places: usize,
    /// When all places are taken, the connection whose last request is oldest gives way to the next, once that is so long ago:
    /// whoever reads or writes as slowly as it can would otherwise keep everybody else out for minutes, with a few hundred
    /// sockets.
    pub give_way: Duration,
}

impl Default for Crowd {
    fn default() -> Crowd {
        Crowd { places: 512, give_way: Duration::from_secs(2) }
    }
}

/// How often it is looked for one that may have to.
const LOOK: Duration = Duration::from_millis(50);

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

/// The connections that are open, each with the moment of its last request and what ends it.
struct Places {
    free: Arc<Semaphore>,
    taken: Mutex<BTreeMap<u64, Taken>>,
    begun: Instant,
    give_way: Duration,
}

struct Taken {
    /// Milliseconds from [`Places::begun`] to its last request, or to its beginning.
    asked: Arc<AtomicU64>,
    gives_way: CancellationToken,
}

impl Places {
    fn of(crowd: Crowd) -> Arc<Places> {
        let (free, begun) = (Arc::new(Semaphore::new(crowd.places)), Instant::now());
        Arc::new(Places { free, taken: Mutex::default(), begun, give_way: crowd.give_way })
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn taken(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Taken>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A free place, made free if need be.
    async fn next(&self) -> OwnedSemaphorePermit {
        loop {
            let place = Arc::clone(&self.free).acquire_owned();
            match tokio::time::timeout(LOOK, place).await {
                Ok(Ok(place)) => return place,
                // The semaphore is never closed.
                Ok(Err(_)) => std::future::pending().await,
                Err(_) => self.make_room(),
            }
        }
    }

    /// Ends the connection whose last request is oldest, if that is long enough ago.
    fn make_room(&self) {
        let oldest = self.now().saturating_sub(u64::try_from(self.give_way.as_millis()).unwrap_or(u64::MAX));
        let taken = self.taken();
        let asked = |one: &Taken| one.asked.load(Ordering::Relaxed);
        let waits = taken.values().filter(|one| !one.gives_way.is_cancelled() && asked(one) <= oldest);
        if let Some(one) = waits.min_by_key(|one| asked(one)) {
            tracing::debug!("all places are taken; the connection that was quiet for longest gives way");
            one.gives_way.cancel();
        }
    }
}

/// Serves `router` on `listener` until `stop` is cancelled; then takes no further connections, and returns when the open
/// requests are answered or 10 seconds have passed.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    serve_crowd(listener, router, stop, Crowd::default()).await;
}

/// [`serve`] for another crowd.
pub async fn serve_crowd(listener: TcpListener, router: Router, stop: CancellationToken, crowd: Crowd) {
    let places = Places::of(crowd);
    let open = TaskTracker::new();
    let mut nth = 0;
    loop {
        let next = async {
            let place = places.next().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            next = next => next,
        };
        match accepted {
            Ok((stream, _)) => {
                let asked = Arc::new(AtomicU64::new(places.now()));
                let gives_way = CancellationToken::new();
                places.taken().insert(nth, Taken { asked: asked.clone(), gives_way: gives_way.clone() });
                let (clock, here) = (places.clone(), places.clone());
                // A response is one request's: how slowly it is read tells how long ago that was asked.
                let heard = move || asked.store(clock.now(), Ordering::Relaxed);
                let connection = connection(stream, router.clone(), heard, stop.clone());
                open.spawn(async move {
                    tokio::select! {
                        () = connection => {}
                        () = gives_way.cancelled() => {}
                    }
                    here.taken().remove(&nth);
                    drop(place);
                });
                nth += 1;
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

/// Serves one connection; `heard` is called with each request.
async fn connection(
    stream: TcpStream,
    router: Router,
    heard: impl Fn() + Clone + Send + 'static,
    stop: CancellationToken,
) {
    // Answers are written whole; waiting to fill a packet only delays the last bytes.
    let _ = stream.set_nodelay(true);
    let mut http = Builder::new(TokioExecutor::new()).http1_only();
    http.http1().timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(MAX_HEAD).max_headers(MAX_HEADERS);
    let service = router.map_request(move |request| {
        heard();
        request
    });
    let mut serving = pin!(http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service)));
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
