//! How much the lists miss together: from who saw a unit at first hand to what may be said, and what may not.
//!
//! * [`history`]: sightings → a table, lists that derive from one another joined;
//! * [`table`](mod@table): counts by combination of lists; [`file`](mod@file): the same from somebody's own;
//! * [`bound`]: the least number there can be; estimates by sample coverage;
//! * [`pairs`]: two lists at a time;
//! * [`loglinear`]: the family of models, by [`poisson`] regression, where [`exact`] finds that their estimate exists;
//! * [`interval`]: limits by profile;
//! * [`assess()`]: all of it in the order in which it is shown, with what is refused and why.
//!
//! Eight guards keep figures from being shown that the data cannot carry (USERS 3.2): 1 fewer than two independent lists, or no
//! overlap; 2 a pair with too little overlap; 3 an estimate that does not exist or means no one thing; 4 a model that could fit
//! anything; 5 one population, one time; 6 strict and loose linkage side by side; 7 lists made from one another are one;
//! 8 few units say so. A guard that refuses is a [`Refusal`], one that warns a [`assess::Caution`].

pub mod assess;
pub mod bound;
pub mod exact;
pub mod file;
pub mod history;
pub mod interval;
pub mod loglinear;
pub mod pairs;
pub mod poisson;
pub mod table;

pub use assess::{Assessment, assess};
pub use history::{Histories, histories};
pub use loglinear::Model;
pub use table::Table;

/// Why nothing, or less, can be said of how many units there are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Guard 1: too few lists.
    #[error("{lists} independent lists: at least two are needed to estimate what all miss")]
    FewLists {
        /// How many there are.
        lists: usize,
    },
    /// Guard 1: nothing in common.
    #[error("no overlap: no group is on two independent lists, so what they miss cannot be estimated")]
    NoOverlap,
    /// Guard 2: a pair of lists has too few common units.
    #[error("lists {a} and {b} share {both} groups: fewer than {THIN}, too few for a reliable figure")]
    ThinPair {
        /// The first list.
        a: String,
        /// The second.
        b: String,
        /// Units on both.
        both: u64,
    },
    /// Guard 3: no table without empty cells has the same margins.
    #[error("the data cannot carry the model {model}: its estimate does not exist")]
    NotThere {
        /// The model.
        model: String,
    },
    /// Guard 3: several sets of parameters say the same.
    #[error("the data cannot carry the model {model}: its parameters cannot be told apart")]
    NotIdentifiable {
        /// The model.
        model: String,
    },
    /// More lists than are counted or fitted.
    #[error("{lists} independent lists: at most {most} can be used at once; join those that belong together")]
    ManyLists {
        /// How many there are.
        lists: usize,
        /// How many can be used.
        most: usize,
    },
    /// A list that saw no unit.
    #[error("list {0} has none of the groups")]
    EmptyList(String),
    /// A pattern that is none.
    #[error("{0:?} is no pattern: one 0 or 1 for each list, and not only 0")]
    Pattern(String),
    /// A pair that is none.
    #[error("{a} and {b} are no pair of lists")]
    Pair {
        /// The first list's place.
        a: usize,
        /// The second's.
        b: usize,
    },
    /// The regression does not settle.
    #[error("the estimate does not settle")]
    NoFit,
    /// Numbers grew past what is computed exactly.
    #[error("the table is too large to be judged exactly")]
    Numbers,
}

/// Fewest common units of a pair of lists for a reliable figure: seven, by Robson and Regier 1964's rule of thumb.
pub const THIN: u64 = 7;

impl Refusal {
    /// Stable kebab-case code.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::FewLists { .. } => "coverage-few-lists",
            Refusal::NoOverlap => "coverage-no-overlap",
            Refusal::ThinPair { .. } => "coverage-thin-overlap",
            Refusal::NotThere { .. } => "coverage-no-estimate",
            Refusal::NotIdentifiable { .. } => "coverage-not-identifiable",
            Refusal::ManyLists { .. } => "coverage-many-lists",
            Refusal::EmptyList(_) => "coverage-empty-list",
            Refusal::Pattern(_) => "coverage-pattern",
            Refusal::Pair { .. } => "coverage-pair",
            Refusal::NoFit => "coverage-no-fit",
            Refusal::Numbers => "coverage-numbers",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Table;
    use crate::frame::reference;
    use serde_json::Value;

    /// A table of the reference file.
    pub fn table(of: &str) -> Table {
        let table = &reference()["tables"][of];
        let lists = table["lists"].as_array().unwrap().iter().map(|list| list.as_str().unwrap().to_owned()).collect();
        let counts = table["freq"].as_object().unwrap().iter();
        Table::of(lists, &counts.map(|(pattern, count)| (pattern.clone(), count.as_u64().unwrap())).collect()).unwrap()
    }

    /// What is expected of it.
    pub fn known(of: &str) -> &'static Value {
        &reference()["expected"][of]
    }

    pub fn number(of: &Value) -> f64 {
        of.as_f64().unwrap()
    }

    pub fn close(got: f64, expected: &Value, tolerance: f64) {
        let expected = number(expected);
        assert!((got - expected).abs() <= tolerance * expected.abs(), "{got} is not {expected}");
    }
}
