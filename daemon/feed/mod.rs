//! The feed: a hub's append-only log of signed statements, as plain files that tools which are not ours can verify.
//!
//! Formats are C2SP's (signed-note, tlog-checkpoint, tlog-tiles, tlog-cosignature) and RFC 6962's; `schema/README.md`
//! says them in words. All of it is values in, values out:
//!
//! * [`note`]: signed text, and the keys;
//! * [`merkle`]: leaf and node hashes, roots from what is held;
//! * [`tile`]: which file holds what, and what stands in it;
//! * [`checkpoint`]: size and root under the log's and the peer's signature;
//! * [`hub`]: the hub document, from which everything else is trusted;
//! * [`leaf`]: one leaf under its key: signature, then statement, or why it is void;
//! * [`plan`]: ours + theirs → what to fetch;
//! * [`request`]: requests for what is not everybody's, signed with the peer key;
//! * [`seen`]: checkpoints of others, one after another;
//! * [`standing`]: how what a log shows stands to what is held of it;
//! * [`validator`]: whether a server's "not modified" is to be believed.
//!
//! Written here rather than taken from the `signed_note` and `tlog_tiles` crates: both verify by other rules than
//! `verify_strict`, and a verdict that differs by library is a fork in what hubs believe. The Go implementation,
//! `pymerkle` and `openssl` check every feed the tests make.

pub mod checkpoint;
pub mod hub;
pub mod leaf;
pub mod merkle;
pub mod note;
pub mod plan;
pub mod request;
pub mod seen;
pub mod standing;
pub mod tile;
pub mod validator;

pub use checkpoint::Checkpoint;
pub use hub::HubDocument;
pub use merkle::{Frontier, Hash};
pub use note::{LogKeys, SigningKey, VerifyKey};
pub use validator::Validator;
