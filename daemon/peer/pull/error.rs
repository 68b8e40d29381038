//! Why a pull did not reach its end.

use crate::feed::checkpoint::CheckpointError;
use crate::feed::hub::HubError;
use crate::feed::tile::BundleError;
use crate::peer::client::FetchError;
use crate::store::StoreError;

/// Why a pull did not reach its end. What was verified before stays in use. [`PullError::code`] is stable.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// A GET failed.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The checkpoint is not this log's.
    #[error("its checkpoint was not accepted: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// The hub document was not accepted.
    #[error("its hub document was not accepted: {0}")]
    Hub(#[from] HubError),
    /// A bundle or tile is not what it should be.
    #[error("the file {0} was not accepted: {1}")]
    Bundle(String, BundleError),
    /// It signed two histories before; nothing more is taken from it until a person decides.
    #[error(
        "it signed two histories that contradict each other; its list stays as it was. To follow one of them, \
         `mutuald partner remove` it and add it again"
    )]
    Disputed,
    /// Files do not fit the checkpoint: damaged, mixed from several states, or another log's.
    #[error("the file {0} does not belong to the list that its checkpoint signs")]
    Mismatch(String),
    /// Two signed checkpoints that cannot both be true.
    #[error("it signed two histories that contradict each other; its list stays as it was before")]
    Fork(Box<ForkEvidence>),
    /// Two hub documents of one version, both signed by enough of its root keys.
    #[error("its root keys signed two different hub documents of one version; its list stays as it was")]
    Documents(Box<ForkEvidence>),
    /// The log says that it is longer than the limit.
    #[error(
        "its list says that it has {0} entries; this hub takes {1} from one hub (limits.leaves_per_hub). Look at it, and raise the limit if it is right"
    )]
    TooLong(u64, u64),
    /// The stored URL or prefix is no URL.
    #[error("{0:?} is not an address")]
    Url(String),
    /// The local database.
    #[error("{}", of_store(.0))]
    Store(#[from] StoreError),
    /// A verifying task ended unasked.
    #[error("verification stopped unexpectedly")]
    Stopped,
}

/// What is wrong here, and no matter of the partner's.
fn of_store(error: &StoreError) -> String {
    match crate::store::disk_failed(error) {
        true => format!("this hub's own disk answered with an error ({error}); {}", crate::store::DISK_STEP),
        false => format!("the local database: {error}"),
    }
}

/// Two notes by one key that contradict each other, such as checkpoints over trees of which neither is a prefix of the
/// other: proof for anybody.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ForkEvidence {
    /// The checkpoint verified before.
    pub first: String,
    /// The checkpoint that contradicts it.
    pub second: String,
}

impl PullError {
    /// Whether another place that serves the same log may do better.
    pub fn elsewhere(&self) -> bool {
        matches!(self, PullError::Fetch(_) | PullError::Checkpoint(_) | PullError::Bundle(..) | PullError::Mismatch(_))
    }

    /// Stable kebab-case code, as shown on the partner page and in logs.
    pub fn code(&self) -> &'static str {
        match self {
            PullError::Fetch(error) => error.code(),
            PullError::Checkpoint(error) => error.code(),
            PullError::Hub(error) => error.code(),
            PullError::Bundle(_, error) => error.code(),
            PullError::Mismatch(_) => "mismatch",
            PullError::Fork(_) => "fork",
            PullError::Documents(_) => "hub-equivocation",
            PullError::Disputed => "disputed",
            PullError::TooLong(..) => "too-many-entries",
            PullError::Url(_) => "address",
            PullError::Store(_) => "database",
            PullError::Stopped => "stopped",
        }
    }
}
