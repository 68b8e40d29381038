//! What scenarios are made of: real hubs on real databases and sockets, with a clock that is set by hand.

pub mod audit;
pub mod command;
pub mod events;
pub mod feed;
pub mod hub;
pub mod ods;
pub mod peer;
pub mod power;
pub mod says;
pub mod scene;
pub mod terminal;
pub use hub::TestHub;
pub use says::Says;
