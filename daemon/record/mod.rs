//! What a record says.
//!
//! A record is one row of one list, signed by the hub that holds the list. On the wire it is a small *statement* (the
//! leaf of a feed: ids, dates, labels and salted digests, for ever) and a *public part* (the words, which can be erased).
//!
//! * [`strict`] reads JSON the one way every hub must read it;
//! * [`canonical`] reads ids, days and times in their one form;
//! * [`statement`] is the leaf: [`Statement`] and what may stand in it;
//! * [`group`] is the public part of a group, [`list`] that of a list, [`frame`] that of a sampling frame;
//! * [`contact`] is the part that only named hubs read, [`consent`] decides what of it is signed and who they are;
//! * [`direction`] knows what turns the direction of writing;
//! * [`scan`] looks through free text for what may be somebody's own;
//! * [`part`] is one salted line of a part bundle and its digest;
//! * [`privacy`] refuses to sign what could hold personal data, and knows each field's visibility;
//! * [`safety`] says what of a record may be known at which safety level;
//! * [`vocabulary`] holds the terms.

pub mod canonical;
pub mod consent;
pub mod contact;
pub mod direction;
pub mod frame;
pub mod group;
pub mod list;
pub mod part;
pub mod privacy;
pub mod safety;
pub mod scan;
#[cfg(test)]
mod schema_tests;
pub mod state;
pub mod statement;
pub mod strict;
pub mod vocabulary;

pub use frame::FramePart;
pub use group::Group;
pub use list::List;
pub use statement::{HubId, Op, RecordRef, Statement};
