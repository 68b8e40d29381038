//! mutuald: hubs publish signed group records, pull one another's feeds, and merge them into one registry.
//!
//! The parts, from the inside out. Arrows point inward only; `tests/suite/layering.rs` keeps it so.
//!
//! | module | holds | may use |
//! |---|---|---|
//! | [`record`] | what a record says; bytes to [`record::Statement`] and back | nothing |
//! | [`feed`] | signed notes, tiles, bundles, checkpoints, the hub document; what to fetch next | `record` |
//! | [`registry`] | which records are one group, and what the group is: pure functions | `record` |
//! | [`frame`] | sampling frames: who is in by which rules, samples, what all lists miss; pure functions | `record`, `registry` |
//! | [`store`] | the only SQL | the four above |
//! | [`exchange`] | spreadsheets in and out | `record`, `registry`, `store` |
//! | [`peer`] | partner hubs: when to pull, how to fetch, what to believe | `feed`, `store` |
//! | [`web`] | feed files and the directory over HTTP | `store` |
//! | [`node`] | one hub: its keys, publishing, deriving, running | all of the above |
//! | [`cli`] | one command per file | `node` |
//!
//! Data moves in one direction: spreadsheet → own records → signed leaves → feed files → a partner's pull →
//! verified leaves → groups → directory. Everything after "verified leaves" can be made again from them.

pub mod cli;
pub mod clock;
pub mod config;
pub mod exchange;
pub mod failpoint;
pub mod feed;
pub mod frame;
pub mod limits;
pub mod node;
pub mod peer;
pub mod record;
pub mod registry;
pub mod store;
pub mod web;
