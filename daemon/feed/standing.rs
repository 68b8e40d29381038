//! How what a log shows stands to what is held of it: decided from values, so that the daemon's pulls and the simulation of
//! whole networks go by the same words (PROTOCOL 1.4, 3 and 1.5).

use super::{Checkpoint, Frontier, Hash};

/// What a partner's checkpoint calls for, before any of its files is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// No longer than what is held: [`within`] compares the roots.
    Within,
    /// Beside a checkpoint that was verified before: it signed two histories.
    Fork,
    /// Older than a checkpoint that was verified before, and longer than what is held: only the partner's files can tell
    /// whether the two are of one history. Nothing is taken from it.
    Behind,
    /// Longer than this hub takes from one hub.
    TooLong,
    /// New leaves.
    News,
}

/// Looks at a checkpoint. `known` is the newest one verified before, which may lie past what is `held`; `most` is how many leaves
/// are taken from one hub in all.
pub fn look(held: u64, known: Option<&Checkpoint>, theirs: &Checkpoint, most: u64) -> Look {
    if theirs.size <= held {
        return Look::Within;
    }
    // Of a log that is not held to its end yet, the newest checkpoint is known already.
    if let Some(known) = known {
        if known.size == theirs.size && known.root != theirs.root {
            return Look::Fork;
        }
        if known.size > theirs.size {
            return Look::Behind;
        }
    }
    if theirs.size > most { Look::TooLong } else { Look::News }
}

/// How a checkpoint within what is held stands to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Within {
    /// Another history: it signed two.
    Fork,
    /// An older state than was seen before; ours stays.
    Stale,
    /// What is held; `renewed` when it was signed again since.
    Same {
        /// Whether it bears a later time than the one known.
        renewed: bool,
    },
}

/// Compares a checkpoint with `ours`, the root of what is held at its size.
pub fn within(ours: &Hash, known: Option<&Checkpoint>, theirs: &Checkpoint) -> Within {
    if *ours != theirs.root {
        return Within::Fork;
    }
    if theirs.size < known.map_or(0, |known| known.size) {
        return Within::Stale;
    }
    Within::Same { renewed: known.is_none_or(|known| known.time < theirs.time) }
}

/// What new leaves make of the edge of what is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extended {
    /// The tree that the checkpoint signs, by way of the one that was signed before.
    Proven,
    /// The tree that the checkpoint signs, and not the one that was signed before: it signed two histories.
    Fork,
    /// Neither: the files are damaged, mixed, or another log's.
    Unproven,
}

/// Extends the edge of what is held by the hashes of new leaves, and compares with what was signed.
pub fn extend(
    mut edge: Frontier,
    leaves: impl IntoIterator<Item = Hash>,
    known: Option<&Checkpoint>,
    theirs: &Checkpoint,
) -> Extended {
    let mut passes_known = true;
    for leaf in leaves {
        edge.push(leaf);
        if let Some(known) = known.filter(|known| known.size == edge.size()) {
            passes_known = edge.root() == known.root;
        }
    }
    match edge.root() == theirs.root {
        // The tree is the signed one. If it is not also the one signed before, neither a range nor damage explains it.
        true if !passes_known => Extended::Fork,
        true => Extended::Proven,
        false => Extended::Unproven,
    }
}

#[cfg(test)]
mod tests {
    use super::super::merkle;
    use super::*;

    fn tree(of: u8, size: u64) -> Checkpoint {
        Checkpoint { size, root: merkle::root((0..size).map(|n| [n as u8 ^ of; 32])), time: size }
    }

    #[test]
    fn the_named_cases() {
        let (known, most) = (tree(0, 7), 100);
        let look = |held, theirs: &Checkpoint| look(held, Some(&known), theirs, most);
        assert_eq!(look(7, &tree(0, 7)), Look::Within);
        assert_eq!(look(7, &tree(0, 8)), Look::News);
        assert_eq!(look(5, &tree(0, 7)), Look::News, "the rest of what was signed");
        assert_eq!(look(5, &tree(1, 7)), Look::Fork);
        assert_eq!(look(5, &tree(0, 6)), Look::Behind);
        assert_eq!(look(7, &tree(0, 101)), Look::TooLong);
        let within = |theirs: &Checkpoint| within(&tree(0, theirs.size).root, Some(&known), theirs);
        assert_eq!(within(&tree(1, 7)), Within::Fork);
        assert_eq!(within(&tree(1, 3)), Within::Fork, "an older state of another history");
        assert_eq!(within(&tree(0, 3)), Within::Stale);
        assert_eq!(within(&known), Within::Same { renewed: false });
        assert_eq!(within(&Checkpoint { time: 8, ..known.clone() }), Within::Same { renewed: true });
    }

    #[test]
    fn only_the_signed_tree_by_way_of_the_one_signed_before_is_taken() {
        let edge = |of, size| {
            (0..size).fold(Frontier::default(), |mut edge, n: u64| {
                edge.push([n as u8 ^ of; 32]);
                edge
            })
        };
        let leaves = |of: u8, range: std::ops::Range<u64>| range.map(move |n| [n as u8 ^ of; 32]);
        let known = tree(0, 7);
        let extend =
            |held, of, theirs: &Checkpoint| extend(edge(of, held), leaves(of, held..theirs.size), Some(&known), theirs);
        assert_eq!(extend(5, 0, &tree(0, 9)), Extended::Proven);
        assert_eq!(extend(5, 1, &tree(1, 9)), Extended::Fork);
        assert_eq!(extend(5, 0, &tree(1, 9)), Extended::Unproven);
    }
}
