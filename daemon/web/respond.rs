//! How a page is sent: the headers that keep what people look for between them and the hub (USERS 4.4).

use crate::record::direction::straight;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use maud::Markup;

/// Whether a copy of the page may be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Nowhere: what it shows tells what somebody searched for.
    Never,
    /// By the reader's own browser, which asks again each time.
    Asking,
}

/// Headers of every page. Nothing is loaded but our own style sheet, nothing is sent but our own search form, nobody may
/// put a page into a frame, and no other site learns where a reader came from.
const HEADERS: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// A page as a response.
pub fn page(status: StatusCode, page: Markup, keep: Keep) -> Response {
    // What others wrote may turn the direction of whatever follows it: here, where every page passes, it cannot.
    let mut response = (status, Html(straight(&page.into_string()))).into_response();
    let head = response.headers_mut();
    for (name, value) in HEADERS {
        head.insert(name, HeaderValue::from_static(value));
    }
    let caching = match keep {
        Keep::Never => "no-store",
        Keep::Asking => "private, no-cache",
    };
    head.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    response
}
