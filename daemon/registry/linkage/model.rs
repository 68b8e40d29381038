//! The linkage model: every weight, word and cut by which records are compared, in one published file.
//!
//! `schema/linkage-1.json` is compiled in; hubs may agree to adopt another, made by [`super::fit`]. Two hubs with the same
//! model give any two records the same score, so the file's SHA-256 belongs in the policy's hash. Nothing that weighs is in
//! the code.

use super::level::{COUNT, FIELDS, TOGETHER};
use crate::registry::normal::tokens;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

/// The model as shipped.
pub const SHIPPED: &str = include_str!("../../../schema/linkage-1.json");

/// Version of the forms and questions that the weights belong to. A change in normal forms, keys or answers that could
/// make two hubs compare differently changes this number, and every model must be fitted again.
pub const FORMS: u32 = 1;

/// A model file, as written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// [`FORMS`] it belongs to.
    pub forms: u32,
    /// What people call it.
    pub title: String,
    /// Rises with every model of this title.
    pub version: u32,
    /// Licence, as an SPDX id.
    pub licence: String,
    /// Where the weights come from.
    pub fitted: Fitted,
    /// Where answers change.
    pub cuts: Cuts,
    /// Score of nothing known, in hundredths of a nat (natural log-odds).
    pub bias: i32,
    /// Weight of each answer to each question.
    pub one: BTreeMap<String, BTreeMap<String, i32>>,
    /// Weight of two answers together, beyond the sum of theirs; what is not listed is 0.
    pub two: BTreeMap<String, BTreeMap<String, i32>>,
    /// How names are read.
    pub words: Words,
    /// What many groups share.
    pub common: Common,
}

/// Where the weights come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fitted {
    /// Lists whose labels were used.
    pub lists: Vec<String>,
    /// Labelled pairs, and how many of them are one group.
    pub pairs: u32,
    /// Of these, pairs that are one group.
    pub same: u32,
    /// The program that did it, and how to run it.
    pub by: String,
}

/// Where answers change. Scores in hundredths of a nat, weights of words too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cuts {
    /// From here two records are joined, if nothing forbids it.
    pub join: i32,
    /// From here people are asked.
    pub ask: i32,
    /// Two clusters are not joined when any pair across scores less.
    pub worst: i32,
    /// Nor when the mean pair across scores less.
    pub mean: i32,
    /// A key that more records share joins nobody.
    pub sharing: u32,
    /// Most records that scores alone bring together.
    pub cluster: u32,
    /// Up to this weight, the words by which two names differ are common ones.
    pub slight: u32,
    /// Up to this weight, they say one thing more.
    pub more: u32,
}

/// How names are read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// Weight of a word that is in no table: the rarest.
    pub rare: u32,
    /// Words that say nothing.
    pub stop: BTreeSet<String>,
    /// Words that tell sister groups apart, by what they tell; words of one kind are the same.
    pub qualifiers: BTreeMap<String, Vec<String>>,
    /// Other words for the same.
    pub aliases: BTreeMap<String, String>,
    /// Weight of a word: the logarithm of how seldom names have it, in hundredths.
    pub weights: BTreeMap<String, u32>,
}

/// What many groups share, so that it is nobody's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Common {
    /// Mail services, and platforms beyond those the program knows: their host says nothing.
    pub mail: BTreeSet<String>,
    /// Mailbox names of an organisation rather than a person.
    pub mailboxes: BTreeSet<String>,
    /// Last parts of addresses that are an organisation's general pages.
    pub pages: BTreeSet<String>,
    /// Hosts and pages known to be shared by many groups: never compared.
    pub deny: BTreeSet<String>,
}

/// Why a model file is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// Not JSON of the right form.
    #[error("not a linkage model: {0}")]
    Form(String),
    /// For other forms and questions than this program's.
    #[error("the model is for forms {0}, this program has {FORMS}")]
    Forms(u32),
    /// A question or answer that this program does not ask, or one missing.
    #[error("the model's weights do not fit the questions at \"{0}\"")]
    Level(String),
    /// Cuts out of order, or weights so large that a sum could overflow.
    #[error("the model's numbers are out of range at \"{0}\"")]
    Range(&'static str),
    /// More kinds of qualifiers than a set of 64 holds.
    #[error("more than 60 kinds of qualifiers")]
    Qualifiers,
}

impl ModelError {
    /// Stable kebab-case code.
    pub fn code(&self) -> &'static str {
        match self {
            ModelError::Form(_) => "linkage-form",
            ModelError::Forms(_) => "linkage-forms",
            ModelError::Level(_) => "linkage-level",
            ModelError::Range(_) => "linkage-range",
            ModelError::Qualifiers => "linkage-qualifiers",
        }
    }
}

/// A model, read and checked, in tables that are quick to look up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// As written.
    pub file: File,
    hash: String,
    one: Vec<Vec<i32>>,
    two: Vec<Vec<i32>>,
    most: Vec<Most>,
    qualifiers: BTreeMap<String, u8>,
}

/// Answers to some of the questions, as places in [`FIELDS`]' answers.
pub type Answers = [Option<usize>; COUNT];

/// The highest weights of a two-way table.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Most {
    /// By the first question's answer.
    left: Vec<i32>,
    /// By the second question's.
    right: Vec<i32>,
    /// Of all.
    all: i32,
}

impl Most {
    fn of(table: &[i32], width: usize) -> Most {
        let left: Vec<i32> = table.chunks(width).filter_map(|row| row.iter().max().copied()).collect();
        let right = (0..width).filter_map(|at| table.iter().skip(at).step_by(width).max().copied()).collect();
        Most { all: left.iter().max().copied().unwrap_or_default(), left, right }
    }
}

/// Largest weight either way: with [`COUNT`] questions and their pairs no sum comes near the limit of an `i32`.
const LARGEST: i32 = 1_000_000;

impl Model {
    /// Reads and checks a model file.
    ///
    /// # Errors
    /// [`ModelError`] with the first fault.
    pub fn read(text: &str) -> Result<Model, ModelError> {
        let file: File = serde_json::from_str(text).map_err(|error| ModelError::Form(error.to_string()))?;
        Model::of(file, text)
    }

    /// Checks a model that was made, and writes it in its published form.
    ///
    /// # Errors
    /// [`ModelError`] with the first fault.
    pub fn publish(file: File) -> Result<(Model, String), ModelError> {
        let mut text = serde_json::to_string_pretty(&file).map_err(|error| ModelError::Form(error.to_string()))?;
        text.push('\n');
        Ok((Model::of(file, &text)?, text))
    }

    fn of(file: File, text: &str) -> Result<Model, ModelError> {
        if file.forms != FORMS {
            return Err(ModelError::Forms(file.forms));
        }
        let cuts = file.cuts;
        if cuts.ask > cuts.join || cuts.sharing < 2 || cuts.cluster < 2 || cuts.slight > cuts.more {
            return Err(ModelError::Range("cuts"));
        }
        let sound = |weight: &i32| weight.abs() <= LARGEST;
        if !file.one.values().chain(file.two.values()).flat_map(BTreeMap::values).all(sound) || !sound(&file.bias) {
            return Err(ModelError::Range("weights"));
        }
        if file.one.len() != COUNT {
            return Err(ModelError::Level("one".into()));
        }
        let mut one = Vec::with_capacity(COUNT);
        for (field, levels) in FIELDS {
            let table = file.one.get(*field).ok_or_else(|| ModelError::Level((*field).into()))?;
            if table.len() != levels.len() {
                return Err(ModelError::Level((*field).into()));
            }
            let weight =
                |level: &&str| table.get(*level).copied().ok_or_else(|| ModelError::Level(format!("{field}.{level}")));
            one.push(levels.iter().map(weight).collect::<Result<Vec<_>, _>>()?);
        }
        let mut two = Vec::with_capacity(TOGETHER.len());
        let mut known = 0;
        for (a, b) in TOGETHER {
            let (left, right) = (FIELDS[a], FIELDS[b]);
            let mut table = vec![0; left.1.len() * right.1.len()];
            if let Some(stated) = file.two.get(&format!("{}+{}", left.0, right.0)) {
                known += 1;
                for (levels, weight) in stated {
                    let place = levels.split_once('+').and_then(|(x, y)| {
                        let find = |levels: &[&str], label| levels.iter().position(|level| *level == label);
                        Some(find(left.1, x)? * right.1.len() + find(right.1, y)?)
                    });
                    table[place.ok_or_else(|| ModelError::Level(levels.clone()))?] = *weight;
                }
            }
            two.push(table);
        }
        if known != file.two.len() {
            return Err(ModelError::Level("two".into()));
        }
        if file.words.qualifiers.len() > 60 {
            return Err(ModelError::Qualifiers);
        }
        let mut qualifiers = BTreeMap::new();
        for (bit, (kind, words)) in file.words.qualifiers.iter().enumerate() {
            for word in words.iter().chain([kind]) {
                qualifiers.insert(word.clone(), bit as u8);
            }
        }
        let hash = hex::encode(
            Sha256::new().chain_update(format!("linkage/{FORMS} {}\n", text.len())).chain_update(text).finalize(),
        );
        let most = TOGETHER.iter().zip(&two).map(|((_, b), table)| Most::of(table, FIELDS[*b].1.len())).collect();
        Ok(Model { file, hash, one, two, most, qualifiers })
    }

    /// The model that is compiled in.
    pub fn shipped() -> Arc<Model> {
        static READ: LazyLock<Arc<Model>> =
            LazyLock::new(|| Arc::new(Model::read(SHIPPED).expect("the file is compiled in, and a test reads it")));
        Arc::clone(&READ)
    }

    /// SHA-256 (hex) of the version of forms and the file's bytes: what a policy names.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The cuts.
    pub fn cuts(&self) -> &Cuts {
        &self.file.cuts
    }

    /// Score of answers, in hundredths of a nat.
    pub fn score(&self, places: &[usize; COUNT]) -> i32 {
        let one: i32 = self.one.iter().zip(places).map(|(table, place)| table[*place]).sum();
        let two: i32 = TOGETHER
            .iter()
            .zip(&self.two)
            .map(|((a, b), table)| table[places[*a] * FIELDS[*b].1.len() + places[*b]])
            .sum();
        self.file.bias + one + two
    }

    /// The highest score that two records can still have of whom only some answers are known.
    pub fn most(&self, known: &Answers) -> i32 {
        let one = self.one.iter().zip(known).map(|(table, place)| match place {
            Some(place) => table[*place],
            None => table.iter().max().copied().unwrap_or_default(),
        });
        let two = TOGETHER.iter().zip(self.two.iter().zip(&self.most)).map(|((a, b), (table, most))| {
            match (known[*a], known[*b]) {
                (Some(x), Some(y)) => table[x * FIELDS[*b].1.len() + y],
                (Some(x), None) => most.left[x],
                (None, Some(y)) => most.right[y],
                (None, None) => most.all,
            }
        });
        self.file.bias + one.sum::<i32>() + two.sum::<i32>()
    }

    /// What each question adds to the score, its share of the two-way tables included with the first of the two.
    pub fn shares(&self, places: &[usize; COUNT]) -> [i32; COUNT] {
        let mut shares = [0; COUNT];
        for (share, (table, place)) in shares.iter_mut().zip(self.one.iter().zip(places)) {
            *share = table[*place];
        }
        for ((a, b), table) in TOGETHER.iter().zip(&self.two) {
            shares[*a] += table[places[*a] * FIELDS[*b].1.len() + places[*b]];
        }
        shares
    }

    /// The words of a text as this model reads them: compared form, aliases taken, words that say nothing left out.
    pub fn words(&self, text: &str) -> Vec<String> {
        let words = &self.file.words;
        tokens(text)
            .into_iter()
            .map(|word| words.aliases.get(&word).cloned().unwrap_or(word))
            .filter(|word| !words.stop.contains(word))
            .collect()
    }

    /// Which kind of qualifier a word is, as a bit number.
    pub fn qualifier(&self, word: &str) -> Option<u8> {
        self.qualifiers.get(word).copied()
    }

    /// The same for a word that is one letter from a long qualifier, and no word the model knows.
    pub fn qualifier_misspelt(&self, word: &str) -> Option<u8> {
        if word.len() < 5 || self.file.words.weights.contains_key(word) {
            return None;
        }
        let near = |known: &str| known.len() >= 6 && super::compare::same_word(word, known) == Some(1);
        self.qualifiers.iter().find(|(known, _)| near(known)).map(|(_, bit)| *bit)
    }

    /// Weight of a word.
    pub fn weight(&self, word: &str) -> u32 {
        self.file.words.weights.get(word).copied().unwrap_or(self.file.words.rare)
    }
}
