//! The public part of a list: where rows come from.

use super::group::Extra;
use serde::{Deserialize, Serialize};

/// Where a hub's rows come from: its own knowledge, a charity's spreadsheet, a website's feed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub struct List {
    /// What people call it.
    pub title: String,
    /// Kind of source; vocabulary `source-kinds`. `own` for what the hub itself says of groups.
    pub kind: String,
    /// Licence its rows are shared under, as an SPDX id or URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// What it was copied from: titles or addresses of other lists. A copied list is not an independent sighting.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub derived_from: Vec<String>,
    /// Whether the list is known to name one group more than once. When it is not, two of its rows are two groups.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub duplicates: bool,
    /// Who pays for or stands behind the list, where that could bear on what it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sponsorship: Option<String>,
    /// Members this version does not know, kept as they came.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Kind of the list that holds what the hub itself says of groups.
pub const OWN: &str = "own";
