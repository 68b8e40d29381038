//! What things are called in the world: hubs, records of hubs, revisions of records.

use std::{fmt, str::FromStr};
use uuid::Uuid;

/// A hub's identity: the first 160 bits of the SHA-256 of its first hub document's text, written `h-` + base32.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HubId(pub [u8; 20]);

const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

impl fmt::Display for HubId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("h-")?;
        for five in self.0.chunks(5) {
            let bits = five.iter().fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
            for shift in (0..8).rev() {
                write!(out, "{}", BASE32[(bits >> (shift * 5)) as usize & 31] as char)?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for HubId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// A text that is not a hub id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a hub id is `h-` and 32 of the characters a-z and 2-7")]
pub struct NotAHubId;

impl FromStr for HubId {
    type Err = NotAHubId;
    fn from_str(text: &str) -> Result<HubId, NotAHubId> {
        let digits = text.strip_prefix("h-").ok_or(NotAHubId)?.as_bytes();
        if digits.len() != 32 {
            return Err(NotAHubId);
        }
        let mut id = [0u8; 20];
        for (eight, five) in digits.chunks(8).zip(id.chunks_mut(5)) {
            let mut bits = 0u64;
            for digit in eight {
                let value = BASE32.iter().position(|c| c == digit).ok_or(NotAHubId)?;
                bits = bits << 5 | value as u64;
            }
            five.copy_from_slice(&bits.to_be_bytes()[3..]);
        }
        Ok(HubId(id))
    }
}

impl serde::Serialize for HubId {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for HubId {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<HubId, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A record's name in the world: its hub, and the id that hub gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct RecordRef {
    /// The hub whose record it is.
    pub hub: HubId,
    /// The record's id there.
    #[serde(deserialize_with = "crate::record::canonical::a_uuid")]
    pub rec: Uuid,
}

impl fmt::Display for RecordRef {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.hub, self.rec)
    }
}

/// A record at one revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct Revision {
    /// The record.
    pub record: RecordRef,
    /// Which revision of it.
    pub rev: u64,
}
