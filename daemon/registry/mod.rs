//! The registry: which records speak of one group, and what the group then is. Pure functions of values.
//!
//! Records in, groups out. Nothing here reads a clock, draws a number or depends on the order in which records came, so
//! that two hubs with the same verified records, policy and as-of date have the same [`digest`].
//!
//! * [`policy`]: whom this hub gives what authority, and the hashes of the rules it merges by;
//! * [`rules`]: how each merge unit is merged (`schema/merge.json`);
//! * [`normal`], [`normal_contact`] and [`normal_text`]: the forms in which two texts are compared, never shown;
//! * [`geo`]: where a postcode lies, as far as open averages say;
//! * [`linkage`]: which records speak of one group, by a published model;
//! * [`link`]: people's decisions about pairs, and the groups that records make;
//! * [`merge`](mod@merge): a cluster's records and people's choices → one group (private: `value` compares values);
//! * [`choice`]: which of people's choices stands;
//! * [`merged`]: the group, with who said what and what disagrees;
//! * [`copies`]: lists that were copied from another hub's list;
//! * [`digest`]: one number for all of it;
//! * [`search`]: the text by which people find a group;
//! * [`sighting`]: who saw a group at first hand, and which records only repeat others.

pub mod choice;
pub mod copies;
pub mod digest;
pub mod geo;
pub mod link;
pub mod linkage;
pub mod merge;
pub mod merged;
pub mod normal;
pub mod normal_contact;
pub mod normal_text;
pub mod policy;
pub mod rules;
pub mod search;
pub mod sighting;
pub mod value;

pub use choice::Choice;
pub use digest::RegistryDigest;
pub use link::{Cluster, Decision};
pub use merge::{Member, merge};
pub use merged::Merged;
pub use policy::Policy;
pub use rules::Unit;
