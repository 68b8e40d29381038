//! The routes of the directory: what is asked, where the answer lies, how it is sent.
//!
//! It expects of `crate::store::directory`, each filling in what [`crate::store::view`] says:
//!
//! ```text
//! pub async fn search(pool: &SqlitePool, terms: &Terms, per_page: u32) -> anyhow::Result<SearchPage>;
//! pub async fn group(pool: &SqlitePool, id: Uuid) -> anyhow::Result<Option<GroupPage>>;
//! pub async fn partners(pool: &SqlitePool, now: &Zoned) -> anyhow::Result<PartnersPage>;
//! pub async fn home(pool: &SqlitePool) -> anyhow::Result<HomePage>;
//! ```
//!
//! `group` takes the id of any member record. The page's `id` may be another one: then the reader is sent on to it, so that
//! one group has one address.

use super::error::WebError;
use super::pages;
use super::query::SearchQuery;
use super::respond::{self, Keep};
use crate::store::view::Site;
use crate::store::directory as store;
use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use jiff::Zoned;
use sqlx::SqlitePool;
use std::sync::Arc;
use uuid::Uuid;

/// Answers a page.
const PER_PAGE: u32 = 20;

/// What the directory needs to answer.
#[derive(Clone)]
pub struct Directory {
    /// Read-only connections.
    pub pool: SqlitePool,
    /// Whose pages they are.
    pub site: Arc<Site>,
    /// The present moment, in the hub's time zone; asked once a request.
    pub now: Arc<dyn Fn() -> Zoned + Send + Sync>,
}

/// Routes of the directory's pages.
pub fn routes(directory: Directory) -> Router {
    Router::new()
        .route("/", get(home))
        .route("/search", get(search))
        .route("/group/{id}", get(group))
        .route("/partners", get(partners))
        .route("/about", get(about))
        .with_state(directory)
}

async fn home(State(directory): State<Directory>) -> Result<Response, WebError> {
    let page = store::home(&directory.pool).await?;
    Ok(respond::page(StatusCode::OK, pages::home(&directory.site, &page), Keep::Asking))
}

async fn search(
    State(directory): State<Directory>,
    query: Result<Query<SearchQuery>, QueryRejection>,
) -> Result<Response, WebError> {
    let Query(query) = query.map_err(|_| WebError::BadRequest("The search could not be read."))?;
    let page = store::search(&directory.pool, &query.terms()?, PER_PAGE).await?;
    Ok(respond::page(StatusCode::OK, pages::search(&directory.site, &page), Keep::Never))
}

async fn group(State(directory): State<Directory>, Path(id): Path<String>) -> Result<Response, WebError> {
    let id: Uuid = id.parse().map_err(|_| WebError::NotFound)?;
    let page = store::group(&directory.pool, id).await?.ok_or(WebError::NotFound)?;
    if page.id != id {
        return Ok(Redirect::temporary(&format!("/group/{}", page.id)).into_response());
    }
    Ok(respond::page(StatusCode::OK, pages::group(&directory.site, &page), Keep::Never))
}

async fn partners(State(directory): State<Directory>) -> Result<Response, WebError> {
    let page = store::partners(&directory.pool, &(directory.now)()).await?;
    Ok(respond::page(StatusCode::OK, pages::partners(&directory.site, &page), Keep::Asking))
}

async fn about(State(directory): State<Directory>) -> Response {
    respond::page(StatusCode::OK, pages::about(&directory.site), Keep::Asking)
}
