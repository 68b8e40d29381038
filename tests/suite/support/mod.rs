//! What scenarios are made of: real hubs on real databases and sockets, with a clock that is set by hand.

pub mod command;
pub mod hub;
pub use hub::TestHub;
