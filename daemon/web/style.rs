//! The one style sheet, part of the program and cached for as long as its content is the same.

use axum::Router;
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

const CSS: &str = include_str!("style.css");

/// Its address, which changes with its content.
pub(super) static ADDRESS: LazyLock<String> =
    LazyLock::new(|| format!("/style.css?v={}", hex::encode(&Sha256::digest(CSS)[..6])));

/// Serves the style sheet.
pub(super) fn routes() -> Router {
    Router::new().route("/style.css", get(serve))
}

async fn serve(uri: Uri) -> Response {
    // After an upgrade an old page may ask for the old sheet: it gets the new one, and may not keep it under that name.
    let current = uri.path_and_query().is_some_and(|asked| asked.as_str() == *ADDRESS);
    let caching = if current { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut response = CSS.into_response();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, caching),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
