//! A published table that mixes topic, community, role and gender, taken apart.

use std::sync::LazyLock;

use serde::Deserialize;

/// The file.
pub(super) const TABLE1: &str = include_str!("../../../schema/vocabulary/table1.json");

/// A published table of groups by kind, each kind said in our terms.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Name of the table, and of its file.
    pub table: String,
    /// Rises whenever the file changes.
    pub version: u32,
    /// Licence of the file, as an SPDX identifier.
    pub licence: String,
    /// The study whose `roll_up` the table follows.
    pub study: String,
    /// Where it was published.
    pub source: String,
    /// Its rows, in the order of print.
    pub rows: Vec<Row>,
}

/// One row of a published table.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The kind of group in the words of the table.
    pub label: String,
    /// Number of groups.
    pub count: u32,
    /// The heading it stands under, as a `roll_up` category of the study.
    pub roll_up: String,
    /// Ids of topics.
    pub topics: Vec<String>,
    /// Ids of communities.
    pub communities: Vec<String>,
    /// Ids of genders.
    pub genders: Vec<String>,
    /// Ids of roles.
    pub roles: Vec<String>,
}

/// The 21 groups of the ESTEEM study's Table 1, which puts topic, community, role and gender in one column.
pub fn table1() -> &'static Table {
    static READ: LazyLock<Table> = LazyLock::new(|| {
        serde_json::from_str(TABLE1).expect("the file is compiled in, and a test of this module reads it")
    });
    &READ
}
