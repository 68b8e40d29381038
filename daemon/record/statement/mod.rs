//! The statement in a leaf: what a hub says for ever, in ids, dates, labels and digests only.
//!
//! Reading is strict where two readers could differ (such a leaf is *void*), and patient with what is merely newer than
//! this program: an unknown type, op, value or critical member is [`Body::NotUnderstood`], kept and passed on without
//! effect (PROTOCOL, "Settled points" 3).

//!
//! * [`id`]: what hubs, records and revisions are called;
//! * [`read`]: bytes → [`Statement`], or why they are void;
//! * `write`: [`Statement`] → bytes to sign.

pub mod id;
pub mod read;
mod write;

pub use super::canonical::{time, uuid};
pub use id::{HubId, NotAHubId, RecordRef, Revision};
pub use read::{Void, is_digest, is_label, is_origin};

use super::group::Assured;
use jiff::Timestamp;
use std::collections::BTreeMap;
use uuid::Uuid;

/// First line of every leaf, before its type.
pub const HEADER: &str = "groups-feed/v1 ";
/// Longest leaf in bytes, signature included.
pub const MAX_LEAF: usize = 4096;

/// What is done to a record; the wire's `op`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    /// New or changed.
    Put,
    /// Still right.
    Affirm,
    /// This hub no longer states it. (A group that has ended is a `put` with status closed.)
    Withdraw,
    /// All holders delete the named parts.
    Erase,
}

/// What a person judged of two records; the first two say, the last four also keep apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Judgement {
    Same,
    Different,
    Unsure,
    /// Takes back what this hub said of the pair before.
    None,
    BranchOf,
    HostedBy,
    SucceededBy,
    SameVenue,
}

impl Judgement {
    /// All, with their labels on the wire.
    pub const ALL: [(Judgement, &str); 8] = [
        (Judgement::Same, "same"),
        (Judgement::Different, "different"),
        (Judgement::Unsure, "unsure"),
        (Judgement::None, "none"),
        (Judgement::BranchOf, "branch-of"),
        (Judgement::HostedBy, "hosted-by"),
        (Judgement::SucceededBy, "succeeded-by"),
        (Judgement::SameVenue, "same-venue"),
    ];

    /// The label on the wire.
    pub fn label(self) -> &'static str {
        Judgement::ALL.iter().find(|(judgement, _)| *judgement == self).map_or("none", |(_, label)| label)
    }

    /// The judgement of a label, if it is known.
    pub fn of(label: &str) -> Option<Judgement> {
        Judgement::ALL.iter().find(|(_, known)| *known == label).map(|(judgement, _)| *judgement)
    }
}

/// What a choose prefers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Prefer {
    /// The value that this revision states.
    Value(Revision),
    /// Takes back what this hub chose before.
    Retracted,
    /// A person looked, and nobody knows.
    Unresolved,
}

/// Which parts an erase names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErasedParts {
    /// Every class.
    All,
    /// These classes.
    Classes(Vec<String>),
}

impl ErasedParts {
    /// Whether a class is among them.
    pub fn covers(&self, class: &str) -> bool {
        match self {
            ErasedParts::All => true,
            ErasedParts::Classes(classes) => classes.iter().any(|c| c == class),
        }
    }
}

/// Type of record a `put`, `affirm`, `withdraw` or `erase` speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `list`
    List,
    /// `record`: a group.
    Record,
    /// `frame`: a sampling frame that was frozen.
    Frame,
}

/// What a leaf says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// A list, record or frame is as its parts say.
    Put(Kind),
    /// A list, record or frame is still right.
    Affirm(Kind, Assured),
    /// This hub no longer states it.
    Withdraw(Kind),
    /// Delete these parts of revisions up to `upto`.
    Erase(Kind, u64, ErasedParts),
    /// Two records judged.
    Link {
        /// First record; the subject of a directional judgement.
        a: RecordRef,
        /// Second record.
        b: RecordRef,
        /// The judgement.
        judgement: Judgement,
    },
    /// A field decided by reference, never by value.
    Choose {
        /// Any member record of the group.
        on: RecordRef,
        /// A merge unit (`schema/merge.json`).
        field: String,
        /// What is preferred.
        prefer: Prefer,
        /// What was on the table.
        over: Vec<Revision>,
    },
    /// How far the place of a group may be known, by the record that speaks of it. It holds for every record of the group,
    /// says nothing of the place, and stays when the record's words go.
    Safety {
        /// The record.
        on: RecordRef,
        /// Vocabulary `safety-levels`; a label that nobody here knows is the most protective of all.
        level: String,
        /// Where the level is lowered (`op` is `lower`): who proposed it and who confirmed it, as roles of the vocabulary
        /// `safety-roles`. Without them no word of a hub makes its earlier word less protective.
        lowered: Option<[String; 2]>,
    },
    /// This log stands under that hub document.
    Hub {
        /// Version of the hub document.
        version: u64,
        /// base64url SHA-256 of its text.
        digest: String,
    },
    /// This hub has obeyed every erasure in another hub's log below a size.
    Ack {
        /// The log's origin.
        origin: String,
        /// Leaves of it that were looked through.
        size: u64,
        /// Erasures among them.
        erased: u64,
    },
    /// Newer than this program: the type, op, value or critical member that it does not know.
    NotUnderstood(String),
}

/// A leaf's statement, read. Says nothing of its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The record's id in its hub.
    pub id: Uuid,
    /// Its revision, from 1; compared within a hub only, and never against the log's order.
    pub rev: u64,
    /// When the hub says it wrote this. Order inside a hub is the log's, never this.
    pub at: Timestamp,
    /// Class of part to digest of its line.
    pub parts: BTreeMap<String, String>,
    /// The record of a hub that has ended, in whose stead this record stands. It counts once that hub's own document names
    /// this one as its successor (PROTOCOL 1.6); of a `put` of a `record` only.
    pub replaces: Option<RecordRef>,
    /// What is said.
    pub body: Body,
}

impl Statement {
    /// The type and op on the wire, if this program understands the statement.
    pub fn names(&self) -> Option<(&'static str, &'static str)> {
        let of = |kind: &Kind| match kind {
            Kind::List => "list",
            Kind::Record => "record",
            Kind::Frame => "frame",
        };
        Some(match &self.body {
            Body::Put(kind) => (of(kind), "put"),
            Body::Affirm(kind, _) => (of(kind), "affirm"),
            Body::Withdraw(kind) => (of(kind), "withdraw"),
            Body::Erase(kind, ..) => (of(kind), "erase"),
            Body::Link { .. } => ("link", "put"),
            Body::Choose { .. } => ("choose", "put"),
            Body::Safety { lowered: None, .. } => ("safety", "put"),
            Body::Safety { .. } => ("safety", "lower"),
            Body::Hub { .. } => ("hub", "put"),
            Body::Ack { .. } => ("ack", "put"),
            Body::NotUnderstood(_) => return None,
        })
    }
}

#[cfg(test)]
mod tests;
