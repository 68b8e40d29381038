//! The routes of the directory: what is asked, where the answer lies, how it is sent.
//!
//! A group is found by the id of any of its records. The page's `id` may be another one: then the reader is sent on to it,
//! so that one group has one address.

use super::error::WebError;
use super::pages;
use super::query::SearchQuery;
use super::respond::{self, Keep};
use crate::registry::{Policy, normal};
use crate::store::Store;
use crate::store::directory as look_up;
use crate::store::group::Rules;
use crate::store::near;
use crate::store::postcodes::Places;
use crate::store::view::Site;
use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use jiff::Zoned;
use std::path::PathBuf;
use std::sync::Arc;
use uuid::Uuid;

/// Answers a page.
const PER_PAGE: u32 = 20;

/// What the directory needs to answer.
#[derive(Clone)]
pub struct Directory {
    /// The database, read only here.
    pub store: Store,
    /// The hub's state folder, where the file of postcodes is.
    pub state: PathBuf,
    /// The merge policy in force.
    pub policy: Arc<Policy>,
    /// Whose pages they are.
    pub site: Arc<Site>,
    /// Whether this hub's feed is served to others.
    pub published: bool,
    /// The present moment, in the hub's time zone; asked once a request.
    pub now: Arc<dyn Fn() -> Zoned + Send + Sync>,
}

impl Directory {
    /// A connection, and what groups are merged by.
    async fn open(&self) -> Result<(sqlx::pool::PoolConnection<sqlx::Sqlite>, Rules), WebError> {
        let mut db = self.store.read().await.map_err(anyhow::Error::from)?;
        let rules = Rules::standing(&mut db, self.policy.clone()).await.map_err(anyhow::Error::from)?;
        Ok((db, rules))
    }
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
    let mut db = directory.store.read().await.map_err(anyhow::Error::from)?;
    let page = look_up::home(&mut db).await.map_err(anyhow::Error::from)?;
    Ok(respond::page(StatusCode::OK, pages::home(&directory.site, &page), Keep::Asking))
}

async fn search(
    State(directory): State<Directory>,
    query: Result<Query<SearchQuery>, QueryRejection>,
) -> Result<Response, WebError> {
    let Query(query) = query.map_err(|_| WebError::BadRequest("The search could not be read."))?;
    let (mut db, rules) = directory.open().await?;
    let terms = query.terms()?;
    // Opened for each search, so that a file loaded while the daemon runs is used from then on.
    let places = Places::of(&directory.state);
    let near = near::search(&mut db, &rules, &terms, PER_PAGE, &places).await.map_err(anyhow::Error::from)?;
    let page = match near {
        Some(page) => page,
        None => look_up::search(&mut db, &rules, &terms, PER_PAGE).await.map_err(anyhow::Error::from)?,
    };
    Ok(respond::page(StatusCode::OK, pages::search(&directory.site, &page), Keep::Never))
}

async fn group(State(directory): State<Directory>, Path(id): Path<String>) -> Result<Response, WebError> {
    let id: Uuid = id.parse().map_err(|_| WebError::NotFound)?;
    let (mut db, rules) = directory.open().await?;
    let page = look_up::group(&mut db, &rules, id).await.map_err(anyhow::Error::from)?;
    let mut page = page.ok_or(WebError::NotFound)?;
    if page.position.is_none() {
        let postcode = page.postcode.as_deref().and_then(normal::postcode);
        let spot = postcode.and_then(|postcode| Places::of(&directory.state).locate(&postcode));
        page.about = spot.map(|spot| {
            (f64::from(spot.point.lat) / 1e5, f64::from(spot.point.lon) / 1e5, spot.point.precision.words())
        });
    }
    if page.id != id {
        return Ok(Redirect::temporary(&format!("/group/{}", page.id)).into_response());
    }
    Ok(respond::page(StatusCode::OK, pages::group(&directory.site, &page), Keep::Never))
}

async fn partners(State(directory): State<Directory>) -> Result<Response, WebError> {
    let mut db = directory.store.read().await.map_err(anyhow::Error::from)?;
    let page =
        look_up::partners(&mut db, &(directory.now)(), directory.published).await.map_err(anyhow::Error::from)?;
    Ok(respond::page(StatusCode::OK, pages::partners(&directory.site, &page), Keep::Asking))
}

async fn about(State(directory): State<Directory>) -> Response {
    respond::page(StatusCode::OK, pages::about(&directory.site), Keep::Asking)
}
