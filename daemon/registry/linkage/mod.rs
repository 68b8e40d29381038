//! Which records speak of one group, by a published model (LINKAGE section 4).
//!
//! A record is read once ([`Features`], and the [keys](block) under which it is found). Two records that share a key are
//! [compared](compare) into a few small [answers](level), the [model] weighs these into one whole number, and [`judge()`] says
//! joined, asked or apart. [`cluster`](mod@cluster) makes groups of a component's records, [`why`] says it in words. [`fit`] makes a model
//! from labelled pairs, [`evaluate`] measures one.
//!
//! Everything depends on the two records and the model alone: no counts of a hub's own records, no learning on
//! the way, no fractions in what decides. So two hubs that hold the same records give the same answers, and adding one
//! record to many gives what starting afresh gives.

pub mod block;
pub mod cluster;
pub mod compare;
pub mod evaluate;
pub mod features;
pub mod fit;
pub mod judge;
pub mod level;
pub mod model;
#[cfg(test)]
mod tests;
mod topic;
pub mod why;

pub use cluster::{Clusters, Row, cluster};
pub use features::{Features, read};
pub use judge::{Judged, Outcome, judge};
pub use level::Levels;
pub use model::Model;
