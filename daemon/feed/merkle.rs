//! The tree over a log's leaves: RFC 6962, section 2.1, with SHA-256.

use sha2::{Digest, Sha256};

/// A node of the tree.
pub type Hash = [u8; 32];

/// Hash of a leaf's bytes.
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(leaf).finalize().into()
}

/// Hash of an inner node.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// The right edge of a tree: the roots of its largest complete subtrees, left to right. At most one per bit of the size,
/// and enough to extend the tree and to know its root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    /// (log2 of the number of leaves below, root), sizes strictly falling.
    subtrees: Vec<(u8, Hash)>,
}

impl Frontier {
    /// Appends one leaf.
    pub fn push(&mut self, leaf: Hash) {
        self.push_subtree(0, leaf);
    }

    /// Appends a complete subtree of `2^level` leaves. The tree's size must be a multiple of that.
    pub fn push_subtree(&mut self, mut level: u8, mut root: Hash) {
        while let Some((top, left)) = self.subtrees.last() {
            debug_assert!(*top >= level, "subtrees are appended where they fit");
            if *top != level {
                break;
            }
            root = node_hash(left, &root);
            level += 1;
            self.subtrees.pop();
        }
        self.subtrees.push((level, root));
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.subtrees.iter().map(|(level, _)| 1u64 << level).sum()
    }

    /// Root of the tree. The root of nothing is the hash of nothing.
    pub fn root(&self) -> Hash {
        let mut subtrees = self.subtrees.iter().rev().map(|(_, root)| *root);
        match subtrees.next() {
            None => Sha256::digest(b"").into(),
            Some(last) => subtrees.fold(last, |right, left| node_hash(&left, &right)),
        }
    }

    /// The last leaves as a tree of their own: those behind the last full subtree of `2^level` leaves.
    pub fn tail(&self, level: u8) -> Frontier {
        Frontier { subtrees: self.subtrees.iter().filter(|(top, _)| *top < level).copied().collect() }
    }

    /// As bytes, for keeping: 33 per subtree.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.subtrees.iter().flat_map(|(level, root)| std::iter::once(*level).chain(*root)).collect()
    }

    /// Back from [`Frontier::to_bytes`]; `None` for bytes that it did not write.
    pub fn from_bytes(bytes: &[u8]) -> Option<Frontier> {
        let (chunks, rest) = bytes.as_chunks::<33>();
        let subtrees: Vec<(u8, Hash)> =
            chunks.iter().map(|chunk| Some((chunk[0], *chunk[1..].as_array::<32>()?))).collect::<Option<_>>()?;
        let falling = subtrees.is_sorted_by(|a, b| a.0 > b.0) && subtrees.iter().all(|(level, _)| *level < 63);
        (rest.is_empty() && falling).then_some(Frontier { subtrees })
    }
}

/// Root of a list of leaf hashes.
pub fn root(leaves: impl IntoIterator<Item = Hash>) -> Hash {
    let mut frontier = Frontier::default();
    leaves.into_iter().for_each(|leaf| frontier.push(leaf));
    frontier.root()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6962's definition, straight from its text.
    fn mth(leaves: &[Vec<u8>]) -> Hash {
        match leaves {
            [] => Sha256::digest(b"").into(),
            [leaf] => leaf_hash(leaf),
            _ => {
                let k = leaves.len().next_power_of_two() / 2;
                node_hash(&mth(&leaves[..k]), &mth(&leaves[k..]))
            }
        }
    }

    #[test]
    fn certificate_transparencys_own_vectors() {
        let inputs: [&[u8]; 8] = [
            b"",
            &[0x00],
            &[0x10],
            &[0x20, 0x21],
            &[0x30, 0x31],
            &[0x40, 0x41, 0x42, 0x43],
            &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
            &[0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f],
        ];
        let all = root(inputs.iter().map(|leaf| leaf_hash(leaf)));
        assert_eq!(hex::encode(all), "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
        assert_eq!(hex::encode(root([])), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }

    #[test]
    fn the_edge_is_the_definition_at_every_size_and_survives_storage() {
        let leaves: Vec<Vec<u8>> = (0..600u32).map(|i| i.to_be_bytes().to_vec()).collect();
        let mut edge = Frontier::default();
        for (size, leaf) in leaves.iter().enumerate() {
            assert_eq!(edge.root(), mth(&leaves[..size]));
            assert_eq!(edge.size(), size as u64);
            assert_eq!(Frontier::from_bytes(&edge.to_bytes()), Some(edge.clone()));
            assert_eq!(edge.tail(8).root(), mth(&leaves[size / 256 * 256..size]));
            edge.push(leaf_hash(leaf));
        }
        let mut by_bundle = Frontier::default();
        by_bundle.push_subtree(8, root(leaves[..256].iter().map(|l| leaf_hash(l))));
        by_bundle.push_subtree(8, root(leaves[256..512].iter().map(|l| leaf_hash(l))));
        leaves[512..].iter().for_each(|l| by_bundle.push(leaf_hash(l)));
        assert_eq!(by_bundle, edge);
    }
}
