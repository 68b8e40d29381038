//! PROTOCOL section 5: what a partner, or whoever stands between, can do to a hub that pulls, and what then happens. Each
//! test is named after its line there. `tests/mutants/` shows that each fails when its defence is taken away.

pub mod contact;
mod erasure;
mod integrity;
mod keys;
mod links;
mod meaning;
mod quota;
mod seeing;
mod signatures;
mod size;
mod storage;
mod time;
mod transport;
