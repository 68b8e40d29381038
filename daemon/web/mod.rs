//! A hub over HTTP: its feed for partner hubs, its directory for everybody.
//!
//! * [`feed`]: feed files with ETag, Range and codings; contact parts for those who may read them;
//! * [`relay`]: partners' lists served on;
//! * [`crate::store::view`] and [`pages`]: what a page shows, and the page; pure, so that a page can be looked at without a hub;
//! * [`directory`]: the routes of the pages;
//! * [`query`]: the address of a search, bounded;
//! * [`respond`], [`error`]: how pages and refusals are sent;
//! * [`health`]: is it up, is it ready;
//! * [`server`]: all of it as one router, and the loop that serves it.
//!
//! Everything is read with GET; nothing here changes anything. Pages work without scripts and load nothing from elsewhere.

pub mod directory;
pub mod error;
pub mod feed;
pub mod health;
pub mod pages;
pub mod query;
pub mod relay;
pub mod respond;
pub mod server;
mod style;
pub use crate::store::view::{self, Site};
pub use error::WebError;
pub use server::{Crowd, current, router, serve, serve_crowd};
