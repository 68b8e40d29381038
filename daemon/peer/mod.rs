//! Partner hubs: when they are due, how their files are fetched within limits, what of it is believed.
//!
//! * [`schedule`]: when; pure;
//! * [`address`]: which addresses a partner may send us to; pure;
//! * [`client`]: one bounded GET;
//! * [`verify`]: one bundle's bytes → checked leaves; pure;
//! * [`pull`]: plan → fetch → verify → store, as far as the log is held;
//! * [`contacts`]: what is not everybody's, by signed requests;
//! * [`audit`]: a whole feed, every file of it, from a URL or a folder; needs no database.
//!
//! What the registry then sees of it is the hub's to accept (`node::derive`).

pub mod address;
pub mod audit;
pub mod client;
pub mod contacts;
pub mod pull;
pub mod schedule;
pub mod verify;
