//! The words a group record may choose from: topics, communities, roles, statuses and the rest.
//!
//! Each vocabulary is one file of `schema/vocabulary/`, compiled in. A [`Term`] has an id that never changes, a label to
//! show, the other words people search with, a meaning in plain words and where it comes from. An id is never
//! given a new meaning and never removed; a word that needs another meaning becomes a new term.
//!
//! What a person is ill with, whose community a group serves, in which role people come and whether it is for women are four
//! questions, so they are four vocabularies; a published table that mixes them is taken apart in [`table1`].
//! Topics form a poly-hierarchy: drugs and alcohol stands under addiction and under physical health, because one study counts
//! it here and another there. How a study sums topics up is each term's `roll_up`, not the tree.
//!
//! The sources a term may name: `ESTEEM` and `ESTEEM Table 1` (Seebohm and others 2013, *The contribution of self-help/mutual
//! aid groups to mental well-being*); `Carers study` (Munn-Giddings and McVicar, *Self-help groups as mutual support: what do
//! carers value?*); `Mutual aid review` (a review of mutual aid groups for psychiatric and substance misuse services);
//! `Common group names` (what groups in the United Kingdom call themselves, where general lists have no word for it);
//! `Safety guidance` (what the law and those who run refuges and directories say: the Domestic Abuse Act 2021, the Modern Slavery Act
//! 2015, the Forced Marriage Unit, issues 20, 78 and 166 of the Human Services Data Specification, Washington 211);
//! `mutuald` (our own choice).
//!
//! This file holds what a vocabulary is and how it is read; `shipped` the compiled-in ones; `table1` the table.
//! Everything here is a pure function of the files. [`digest`] names them all; the merge policy includes it.

mod shipped;
mod table1;
#[cfg(test)]
mod tests;

pub use shipped::*;
pub use table1::{Row, Table, table1};

use std::collections::{BTreeMap, BTreeSet};

use deunicode::deunicode;
use serde::Deserialize;

/// Longest id of a term or vocabulary, in bytes.
pub const MAX_ID: usize = 40;

/// One entry of a vocabulary.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Term {
    /// Stable for ever: lower-case ASCII words joined by hyphens, at most [`MAX_ID`] bytes.
    pub id: String,
    /// What people are shown.
    pub label: String,
    /// Other words for the same thing, as people type them; may be empty.
    pub synonyms: Vec<String>,
    /// The meaning, in words a child of eleven can read.
    pub definition: String,
    /// Which of the sources listed at the top of this module the term comes from.
    pub source: String,
    /// Ids of the wider terms directly above this one; several are usual. Only topics have any.
    #[serde(default)]
    pub parents: Vec<String>,
    /// Where a study counts this term: name of the study → its category. Topics have one for `esteem2013` (except the three
    /// at the top), and the communities that study calls BAME have `bame`.
    #[serde(default)]
    pub roll_up: BTreeMap<String, String>,
}

/// One vocabulary, checked by [`Vocabulary::read`].
#[derive(Debug, Clone)]
pub struct Vocabulary {
    /// Its name, which is also its file's: `topics`.
    pub id: String,
    /// Rises whenever the file changes.
    pub version: u32,
    /// Licence of the file, as an SPDX identifier.
    pub licence: String,
    /// What a statement about a term may say; only `criteria` has any (`met`, `not_met`, `unknown`).
    pub values: Vec<String>,
    /// The terms in the order of the file. In `safety-levels` that order is the ranking, least protective first.
    pub terms: Vec<Term>,
    by_id: BTreeMap<String, usize>,
    by_text: BTreeMap<String, usize>,
    /// For each term the places in `terms` of all terms above it, ordered by id.
    above: Vec<Vec<usize>>,
}

/// Why a vocabulary file was refused.
#[derive(Debug, thiserror::Error)]
pub enum VocabularyError {
    /// Not JSON of the right shape, or with a member we do not know.
    #[error("the file does not have the shape of a vocabulary: {0}")]
    Shape(#[from] serde_json::Error),
    /// An id that is empty, too long, or not lower-case words joined by hyphens.
    #[error("\"{0}\" is not lower-case words joined by hyphens, of at most {MAX_ID} characters")]
    Id(String),
    /// Two terms with one id.
    #[error("two terms have the id \"{0}\"")]
    Duplicate(String),
    /// A term without a label, definition or source, or with an empty synonym.
    #[error("the term \"{0}\" lacks a label, a definition, a source or the text of a synonym")]
    Incomplete(String),
    /// A parent that is not in the vocabulary.
    #[error("the term \"{term}\" names \"{parent}\" as its parent, which does not exist")]
    Parent {
        /// Id of the lower term.
        term: String,
        /// The id that was not found.
        parent: String,
    },
    /// A term that is above itself.
    #[error("the term \"{0}\" is above itself")]
    Cycle(String),
    /// One word that leads to two terms.
    #[error("\"{text}\" means both \"{first}\" and \"{second}\"")]
    Ambiguous {
        /// The word, folded.
        text: String,
        /// Id of the term that has it first.
        first: String,
        /// Id of the term that has it too.
        second: String,
    },
}

impl VocabularyError {
    /// A stable name of the reason, for reports and tests.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Shape(_) => "vocabulary-shape",
            Self::Id(_) => "vocabulary-id",
            Self::Duplicate(_) => "vocabulary-duplicate",
            Self::Incomplete(_) => "vocabulary-incomplete",
            Self::Parent { .. } => "vocabulary-parent",
            Self::Cycle(_) => "vocabulary-cycle",
            Self::Ambiguous { .. } => "vocabulary-ambiguous",
        }
    }
}

/// The file as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    vocabulary: String,
    version: u32,
    licence: String,
    #[serde(default)]
    values: Vec<String>,
    terms: Vec<Term>,
}

impl Vocabulary {
    /// Reads a vocabulary file and checks all that the rest of this module relies on.
    ///
    /// # Errors
    /// The first rule that the file breaks.
    pub fn read(text: &str) -> Result<Self, VocabularyError> {
        let File { vocabulary: id, version, licence, values, terms } = serde_json::from_str(text)?;
        check_id(&id)?;
        let mut by_id = BTreeMap::new();
        for (at, term) in terms.iter().enumerate() {
            check_id(&term.id)?;
            if [&term.label, &term.definition, &term.source]
                .into_iter()
                .chain(&term.synonyms)
                .any(|s| s.trim().is_empty())
            {
                return Err(VocabularyError::Incomplete(term.id.clone()));
            }
            if by_id.insert(term.id.clone(), at).is_some() {
                return Err(VocabularyError::Duplicate(term.id.clone()));
            }
        }
        let by_text = index_words(&terms)?;
        let above = index_ancestors(&terms, &by_id)?;
        Ok(Self { id, version, licence, values, terms, by_id, by_text, above })
    }

    /// The term with exactly this id.
    pub fn get(&self, id: &str) -> Option<&Term> {
        self.by_id.get(id).map(|&at| &self.terms[at])
    }

    /// The id of the term that a person means by `text`: an id, a label or a synonym, whatever its capitals, accents and
    /// punctuation. `"M.E."`, `"me"` and `"ME/CFS"` are one term. Nothing is guessed: other spellings give `None`.
    pub fn find(&self, text: &str) -> Option<&str> {
        self.by_text.get(&fold(text)).map(|&at| self.terms[at].id.as_str())
    }

    /// The ids of all terms above `id`, sorted, without `id` itself; empty for a term at the top or an unknown id.
    pub fn ancestors(&self, id: &str) -> Vec<&str> {
        self.terms_above(id).map(|term| term.id.as_str()).collect()
    }

    /// All words by which a search should find what carries the term `id`: its label and synonyms, then those of every
    /// term above it. Empty for an unknown id.
    pub fn search_words(&self, id: &str) -> Vec<&str> {
        self.get(id).into_iter().chain(self.terms_above(id)).flat_map(Term::words).collect()
    }

    fn terms_above(&self, id: &str) -> impl Iterator<Item = &Term> {
        self.by_id.get(id).into_iter().flat_map(|&at| &self.above[at]).map(|&at| &self.terms[at])
    }
}

impl Term {
    /// Label first, then the synonyms.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.label).chain(&self.synonyms).map(String::as_str)
    }
}

fn check_id(id: &str) -> Result<(), VocabularyError> {
    let word = |w: &str| !w.is_empty() && w.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    if id.len() <= MAX_ID && id.split('-').all(word) { Ok(()) } else { Err(VocabularyError::Id(id.to_owned())) }
}

/// Folded id, label or synonym → place of its term.
fn index_words(terms: &[Term]) -> Result<BTreeMap<String, usize>, VocabularyError> {
    let mut index = BTreeMap::new();
    for (at, term) in terms.iter().enumerate() {
        for word in term.words().chain([term.id.as_str()]) {
            let text = fold(word);
            if text.is_empty() {
                return Err(VocabularyError::Incomplete(term.id.clone()));
            }
            match index.insert(text.clone(), at) {
                Some(first) if first != at => {
                    let (first, second) = (terms[first].id.clone(), term.id.clone());
                    return Err(VocabularyError::Ambiguous { text, first, second });
                }
                _ => {}
            }
        }
    }
    Ok(index)
}

/// For each term all terms above it, ordered by id.
fn index_ancestors(terms: &[Term], by_id: &BTreeMap<String, usize>) -> Result<Vec<Vec<usize>>, VocabularyError> {
    let mut all = Vec::with_capacity(terms.len());
    for (at, term) in terms.iter().enumerate() {
        let mut above = BTreeSet::new();
        let mut todo = vec![at];
        while let Some(next) = todo.pop() {
            for parent in &terms[next].parents {
                let missing = || VocabularyError::Parent { term: terms[next].id.clone(), parent: parent.clone() };
                let up = *by_id.get(parent).ok_or_else(missing)?;
                if up == at {
                    return Err(VocabularyError::Cycle(term.id.clone()));
                }
                if above.insert(up) {
                    todo.push(up);
                }
            }
        }
        let mut above: Vec<usize> = above.into_iter().collect();
        above.sort_by_key(|&up| &terms[up].id);
        all.push(above);
    }
    Ok(all)
}

/// Text as it is compared: ASCII, lower case, `&` as "and", apostrophes and full stops dropped so that "Parkinson's" is
/// "parkinsons" and "M.E." is "me", everything else that is not a letter or digit one space.
fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in deunicode(text).chars() {
        match c {
            '\'' | '`' | '.' => {}
            '&' => folded.push_str(" and "),
            c if c.is_ascii_alphanumeric() => folded.push(c.to_ascii_lowercase()),
            _ => folded.push(' '),
        }
    }
    folded.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}
