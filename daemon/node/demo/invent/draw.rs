//! Chance that comes out the same in every release.
//!
//! Each value is a piece of `SHA-256(seed ‖ label ‖ 0 ‖ index ‖ counter)`. Seeded generators of random-number crates may change
//! their stream with a new major version, and the demo's groups would then change with a dependency; a hash cannot. It
//! also makes group 48,999 without making those before it.

use sha2::{Digest, Sha256};

/// A stream of values that belongs to one seed, label and index.
pub struct Draw {
    seed: u64,
    label: &'static str,
    index: u64,
    counter: u64,
    block: [u8; 32],
    used: usize,
}

impl Draw {
    /// The stream of one thing.
    pub fn new(seed: u64, label: &'static str, index: u64) -> Draw {
        Draw { seed, label, index, counter: 0, block: [0; 32], used: 32 }
    }

    /// The next 32 bits.
    fn next(&mut self) -> u32 {
        if self.used == self.block.len() {
            self.block = Sha256::new()
                .chain_update(self.seed.to_be_bytes())
                .chain_update(self.label)
                .chain_update([0])
                .chain_update(self.index.to_be_bytes())
                .chain_update(self.counter.to_be_bytes())
                .finalize()
                .into();
            (self.counter, self.used) = (self.counter + 1, 0);
        }
        let bytes = &self.block[self.used..self.used + 4];
        self.used += 4;
        bytes.iter().fold(0, |number, byte| (number << 8) | u32::from(*byte))
    }

    /// A number from 0 up to and without `n`. Its bias, below n / 2^32, does not matter here.
    pub fn below(&mut self, n: usize) -> usize {
        ((u64::from(self.next()) * n as u64) >> 32) as usize
    }

    /// Whether something that happens so many times in a hundred happens.
    pub fn percent(&mut self, of_a_hundred: usize) -> bool {
        self.below(100) < of_a_hundred
    }

    /// One of several. There must be one.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}
