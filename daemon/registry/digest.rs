//! One number for the whole registry: two hubs with the same inputs must have the same.

use crate::record::RecordRef;
use jiff::civil::Date;
use sha2::{Digest, Sha256};

/// The registry digest in the making. Its text is `registry/1`, the policy's hash and the as-of date, then for every
/// group in order of its id `id TAB hex(digest)`, each on a line of its own; the digest is that text's SHA-256.
#[derive(Clone)]
pub struct RegistryDigest {
    hash: Sha256,
    last: Option<RecordRef>,
}

impl RegistryDigest {
    /// Begins one.
    pub fn new(policy_hash: &str, as_of: Date) -> RegistryDigest {
        let hash = Sha256::new().chain_update(format!("registry/1\n{policy_hash}\n{as_of}\n"));
        RegistryDigest { hash, last: None }
    }

    /// Adds a group. Groups come sorted by id.
    pub fn add(&mut self, id: RecordRef, digest: &[u8; 32]) {
        debug_assert!(self.last.is_none_or(|last| last < id), "groups are fed sorted, once each");
        self.last = Some(id);
        self.hash.update(format!("{id}\t{}\n", hex::encode(digest)));
    }

    /// The digest, in lower-case hexadecimal.
    pub fn finish(self) -> String {
        hex::encode(self.hash.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::HubId;
    use uuid::Uuid;

    #[test]
    fn the_digest_is_that_of_its_text() {
        let id = RecordRef { hub: HubId([0; 20]), rec: Uuid::nil() };
        let mut digest = RegistryDigest::new("abc", "2026-08-05".parse().unwrap());
        digest.add(id, &[0xab; 32]);
        let text = format!("registry/1\nabc\n2026-08-05\n{id}\t{}\n", "ab".repeat(32));
        assert_eq!(digest.finish(), hex::encode(Sha256::digest(text)));
    }
}
