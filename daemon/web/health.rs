//! Whether the daemon runs, and whether it can answer: for service managers, proxies and monitors.

use axum::Router;
use axum::http::{HeaderName, StatusCode, header};
use axum::routing::get;

/// What a readiness probe found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// The database answers and the registry has been derived.
    Ready,
    /// Not yet, or not now; why, in plain words.
    NotReady(&'static str),
}

const NO_STORE: [(HeaderName, &str); 1] = [(header::CACHE_CONTROL, "no-store")];

/// `/healthz`: the process is up and answers. `/readyz`: what `probe` finds; it should take the path that requests take,
/// so that a yes means something (USERS W4), and be quick.
pub fn routes<P, F>(probe: P) -> Router
where
    P: Fn() -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Readiness> + Send,
{
    let ready = move || async move {
        match probe().await {
            Readiness::Ready => (StatusCode::OK, NO_STORE, "ready\n".to_owned()),
            Readiness::NotReady(why) => (StatusCode::SERVICE_UNAVAILABLE, NO_STORE, format!("not ready: {why}\n")),
        }
    };
    Router::new().route("/healthz", get(async || (NO_STORE, "ok\n"))).route("/readyz", get(ready))
}
