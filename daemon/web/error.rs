//! What goes wrong over HTTP: the cause is logged, plain words are sent.

use super::pages;
use super::respond::{self, Keep};
use crate::store::view::Site;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// Why a request gets no answer. [`WebError::code`] is stable and stands in the log.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// Nothing has this address.
    #[error("nothing has this address")]
    NotFound,
    /// The request says something it may not; the words say what, without repeating it.
    #[error("{0}")]
    BadRequest(&'static str),
    /// Not now: the hub starts, or works on something that must be done first.
    #[error("not ready")]
    NotReady,
    /// Something broke here. The cause is for the log alone.
    #[error("internal error")]
    Internal(#[from] anyhow::Error),
}

/// Rides along with an error's response, so that [`dress`] can put the words on a page.
#[derive(Clone, Copy)]
struct Words(&'static str);

impl WebError {
    /// Stable kebab-case code.
    pub fn code(&self) -> &'static str {
        match self {
            WebError::NotFound => "not-found",
            WebError::BadRequest(_) => "bad-request",
            WebError::NotReady => "not-ready",
            WebError::Internal(_) => "internal",
        }
    }

    /// The status it is sent with.
    pub fn status(&self) -> StatusCode {
        match self {
            WebError::NotFound => StatusCode::NOT_FOUND,
            WebError::BadRequest(_) => StatusCode::BAD_REQUEST,
            WebError::NotReady => StatusCode::SERVICE_UNAVAILABLE,
            WebError::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for WebError {
    fn into_response(self) -> Response {
        let status = self.status();
        if let WebError::Internal(cause) = &self {
            tracing::error!(code = self.code(), "a request failed: {cause:#}");
        }
        let detail = match self {
            WebError::BadRequest(words) => words,
            _ => words(status).1,
        };
        let mut response = (status, format!("{detail}\n")).into_response();
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response.extensions_mut().insert(Words(detail));
        response
    }
}

/// Heading and sentence for a status.
pub(super) fn words(status: StatusCode) -> (&'static str, &'static str) {
    match status {
        StatusCode::BAD_REQUEST => ("We could not read that", "Something in the address is not as it should be."),
        StatusCode::NOT_FOUND => {
            ("Page not found", "There is nothing at this address. It may have moved or been mistyped.")
        }
        StatusCode::METHOD_NOT_ALLOWED => ("This page can only be read", "Nothing can be sent to this address."),
        StatusCode::PAYLOAD_TOO_LARGE => ("This page can only be read", "Nothing can be sent to this address."),
        StatusCode::SERVICE_UNAVAILABLE => {
            ("Not ready yet", "The directory is busy or just starting. Try again in a minute.")
        }
        _ => ("Sorry, something went wrong", "The fault is on our side and has been noted. Try again later."),
    }
}

/// Layer that puts errors on a page in the site's style, whoever made them: a handler, the router, a time-out, a panic.
pub(super) async fn dress(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let (title, usual) = words(status);
    let detail = response.extensions().get().map_or(usual, |Words(detail)| *detail);
    let mut page = respond::page(status, pages::error(&site, title, detail), Keep::Never);
    if let Some(allow) = response.headers().get(header::ALLOW) {
        page.headers_mut().insert(header::ALLOW, allow.clone());
    }
    page
}
