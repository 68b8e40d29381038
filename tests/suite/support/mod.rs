//! What scenarios are made of: real hubs on real databases and sockets, with a clock that is set by hand.

pub mod feed;
pub mod hub;
pub mod scenes;
pub use hub::TestHub;
pub use scenes::Scenes;
