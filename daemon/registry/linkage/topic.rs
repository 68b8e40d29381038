//! Topics as small numbers, and how two of them stand to one another.

use crate::record::vocabulary;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// From here numbers are hashes of words that the vocabulary has not.
const STRANGE: u16 = 0x8000;

struct Term {
    /// Terms above it, without the few at the top that mean "any".
    above: Vec<u16>,
    /// Terms directly above it that have few below them: what stands under one of these is kin.
    near: Vec<u16>,
}

struct Tree {
    by_id: BTreeMap<&'static str, u16>,
    terms: Vec<Term>,
}

static TREE: LazyLock<Tree> = LazyLock::new(|| {
    let terms = &vocabulary::topics().terms;
    let by_id: BTreeMap<&'static str, u16> =
        terms.iter().enumerate().map(|(at, term)| (term.id.as_str(), at as u16)).collect();
    let top = |id: &str| terms.iter().any(|term| term.id == id && term.parents.is_empty());
    let below = |id: &str| terms.iter().filter(|term| term.parents.iter().any(|parent| parent == id)).count();
    let number = |id: &str| by_id.get(id).copied();
    let read = terms
        .iter()
        .map(|term| Term {
            above: vocabulary::topics()
                .ancestors(&term.id)
                .into_iter()
                .filter(|id| !top(id))
                .filter_map(number)
                .collect(),
            near: term.parents.iter().filter(|id| !top(id) && below(id) <= 10).filter_map(|id| number(id)).collect(),
        })
        .collect();
    Tree { terms: read, by_id }
});

/// The number of a topic as a record states it: a term's id, or any word for it.
pub(super) fn number(text: &str) -> u16 {
    let known = vocabulary::topics();
    let id = known.get(text).map(|term| term.id.as_str()).or_else(|| known.find(text));
    match id.and_then(|id| TREE.by_id.get(id)) {
        Some(number) => *number,
        None => STRANGE | (super::features::hash("topic", &crate::registry::normal::words(text)) as u16 & !STRANGE),
    }
}

/// How two topics stand to one another.
pub(super) fn relation(a: u16, b: u16) -> super::level::Topic {
    use super::level::Topic;
    if a == b {
        return Topic::Same;
    }
    let (Some(x), Some(y)) = (TREE.terms.get(usize::from(a)), TREE.terms.get(usize::from(b))) else {
        return Topic::Other;
    };
    if x.above.contains(&b) || y.above.contains(&a) {
        return Topic::Wider;
    }
    if x.near.iter().any(|parent| y.near.contains(parent)) { Topic::Kin } else { Topic::Other }
}
