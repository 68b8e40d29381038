//! How many groups a frame's lists miss together: what may be said, linked strictly and loosely, and what may not and why.

use super::sighted::Look;
use crate::frame::coverage::history::{Derived, Histories, Joined, Sighted, Window, histories};
use crate::frame::coverage::{Assessment, Refusal, Table, assess};
use crate::frame::sample::estimate::Confidence;
use crate::record::HubId;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// One way of linking, and what follows from it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Side {
    /// Lists that count as independent, in the order of the patterns.
    pub lists: Vec<String>,
    /// Units that each saw, in the same order.
    pub sizes: Vec<u64>,
    /// Units seen by at least one of them.
    pub seen: u64,
    /// Units by combination of lists.
    pub patterns: BTreeMap<String, u64>,
    /// Lists that stand for several sources.
    pub joined: Vec<Joined>,
    /// Sightings outside the window, which do not count.
    pub outside: usize,
    /// Sightings without a day, which count.
    pub undated: usize,
    /// Units that nobody saw within the window.
    pub unseen: usize,
    /// What may be said; or nothing, and why.
    #[serde(flatten)]
    pub found: Found,
}

/// What may be said, or why nothing.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Found {
    /// Everything in the order in which it is shown.
    Assessment(Box<Assessment>),
    /// Nothing but the counts.
    Refused {
        /// Stable code.
        code: String,
        /// In words.
        because: String,
    },
}

impl Found {
    fn of(found: Result<Assessment, Refusal>) -> Found {
        match found {
            Ok(assessment) => Found::Assessment(Box::new(assessment)),
            Err(refusal) => Found::Refused { code: refusal.code().to_owned(), because: refusal.to_string() },
        }
    }

    /// What may be said.
    pub fn assessment(&self) -> Option<&Assessment> {
        match self {
            Found::Assessment(assessment) => Some(assessment),
            Found::Refused { .. } => None,
        }
    }
}

/// How well a frame's lists cover their population, as far as they tell.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Coverage {
    /// What was counted: digest of the frame, and the window; or the file.
    pub population: String,
    /// Days in which a sighting counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// How sure the limits are.
    pub sure: Confidence,
    /// Only what is joined counts as one group.
    pub strict: Side,
    /// Pairs that are likely one group, and nobody has answered yet: joined in `loose`.
    pub likely: usize,
    /// With those joined too; none where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loose: Option<Side>,
    /// The loose lower bound over the strict one: near 1 is robust.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio: Option<f64>,
}

impl Coverage {
    /// That of a frame. `together`: sources that are to count as one because somebody knows that they do. `names`: of hubs.
    pub fn of(
        look: &Look,
        window: Window,
        together: &[Derived],
        names: &BTreeMap<HubId, String>,
        sure: Confidence,
    ) -> Coverage {
        let named = |text: &str| {
            let hub = text.parse::<HubId>().ok();
            hub.and_then(|hub| names.get(&hub).cloned()).unwrap_or_else(|| text.to_owned())
        };
        let by_name = |text: &String| {
            let id = names.iter().find(|(_, name)| *name == text).map(|(id, _)| id.to_string());
            id.unwrap_or_else(|| text.clone())
        };
        let mut derived = look.derived.clone();
        derived.extend(together.iter().map(|one| Derived {
            source: by_name(&one.source),
            of: by_name(&one.of),
            how: one.how.clone(),
        }));
        let side = |units: &[Sighted]| {
            Side::of(histories(&look.digest, units, window, &derived), units, &derived, &named, sure)
        };
        let strict = side(&look.units);
        let loosely = look.loosely();
        let loose = (loosely.len() < look.units.len()).then(|| side(&loosely));
        let bound = |side: &Side| side.found.assessment().map(|one| one.at_least.corrected);
        let ratio = loose.as_ref().and_then(|loose| Some(bound(loose)? / bound(&strict)?));
        Coverage {
            population: format!("{} {}/{}", look.digest, window.from, window.to),
            window: Some(window),
            sure,
            strict,
            likely: look.likely.len(),
            loose,
            ratio,
        }
    }

    /// That of a table that somebody brings.
    pub fn of_table(name: &str, table: &Table, sure: Confidence) -> Coverage {
        let strict = Side {
            found: Found::of(assess(table, sure)),
            sizes: (0..table.t()).map(|list| table.size(list)).collect(),
            seen: table.n(),
            patterns: table.patterns(),
            lists: table.lists.clone(),
            joined: Vec::new(),
            outside: 0,
            undated: 0,
            unseen: 0,
        };
        Coverage { population: name.to_owned(), window: None, sure, strict, likely: 0, loose: None, ratio: None }
    }

    /// Whether nothing but counts may be shown.
    pub fn refused(&self) -> bool {
        self.strict.found.assessment().is_none()
    }
}

impl Side {
    fn of(
        counted: Result<Histories, Refusal>,
        units: &[Sighted],
        derived: &[Derived],
        named: &dyn Fn(&str) -> String,
        sure: Confidence,
    ) -> Side {
        let name = |one: &Derived| Derived { source: named(&one.source), of: named(&one.of), how: one.how.clone() };
        match counted {
            Ok(Histories { mut table, joined, outside, undated, unseen, .. }) => {
                table.lists = table.lists.iter().map(|list| named(list)).collect();
                let joined = joined.into_iter().map(|one| Joined {
                    list: named(&one.list),
                    sources: one.sources.iter().map(|source| named(source)).collect(),
                    because: one.because.iter().map(name).collect(),
                });
                Side {
                    found: Found::of(assess(&table, sure)),
                    sizes: (0..table.t()).map(|list| table.size(list)).collect(),
                    seen: table.n(),
                    patterns: table.patterns(),
                    joined: joined.collect(),
                    lists: table.lists,
                    outside,
                    undated,
                    unseen,
                }
            }
            // Not even a table: what there is of sources, and which of them are one, is all that can be told.
            Err(refusal) => {
                let sources: BTreeSet<&String> =
                    units.iter().flat_map(|unit| &unit.by).map(|seen| &seen.observed_by).collect();
                let about = |one: &&Derived| sources.contains(&one.source) || sources.contains(&one.of);
                let because: BTreeSet<Derived> = derived.iter().filter(about).map(name).collect();
                let joined = because.into_iter().map(|one| Joined {
                    list: one.of.clone(),
                    sources: vec![one.source.clone(), one.of.clone()],
                    because: vec![one],
                });
                Side {
                    lists: sources.iter().map(|source| named(source)).collect(),
                    sizes: sources
                        .iter()
                        .map(|source| {
                            let saw = |unit: &&Sighted| unit.by.iter().any(|seen| seen.observed_by == **source);
                            units.iter().filter(saw).count() as u64
                        })
                        .collect(),
                    seen: units.iter().filter(|unit| !unit.by.is_empty()).count() as u64,
                    patterns: BTreeMap::new(),
                    joined: joined.collect(),
                    outside: 0,
                    undated: 0,
                    unseen: 0,
                    found: Found::of(Err(refusal)),
                }
            }
        }
    }
}

/// The lower bound in a sentence.
pub fn at_least(found: &Assessment) -> String {
    let (low, high) = found.at_least.limits;
    format!(
        "At least about {:.0} groups (limits {low:.0} to {high:.0}); {} were seen.",
        found.at_least.corrected, found.n
    )
}

/// What the models say together, in a sentence: a spread, and never one number.
pub fn spread(found: &Assessment) -> String {
    let Ok(family) = &found.family else { return String::new() };
    let steady = family.rows.iter().filter(|row| row.cautions.is_empty()).map(|row| row.total);
    let (low, high) = steady.fold((f64::INFINITY, 0.0_f64), |(low, high), total| (low.min(total), high.max(total)));
    if !low.is_finite() {
        return "No model here is steady: only the lower bound can be used.".to_owned();
    }
    let far = if high > 2.0 * low {
        " They differ more than twofold, so the lists do not settle how many there are."
    } else {
        ""
    };
    format!("The models that can be checked say {low:.0} to {high:.0}. None of them is the number of groups.{far}")
}

/// A combination of lists in words.
pub fn pattern_words(pattern: &str, lists: &[String]) -> String {
    let on: Vec<&str> =
        pattern.bytes().zip(lists).filter(|(sign, _)| *sign == b'1').map(|(_, list)| list.as_str()).collect();
    match on.as_slice() {
        [one] => format!("{one} only"),
        several => several.join(" + "),
    }
}

/// Why sources count as one, in words.
pub fn joined_words(one: &Joined) -> String {
    let why = |because: &Derived| {
        let how = match because.how.as_str() {
            "word-for-word" => "stands word for word in",
            "declared" => "says that it was made from",
            "same-title" => "has the title of",
            "asked" => "was said to belong with",
            other => other,
        };
        format!("{} {how} {}", because.source, because.of)
    };
    let because: Vec<String> = one.because.iter().map(why).collect();
    format!("{}: {}", one.sources.join(" = "), because.join("; "))
}
