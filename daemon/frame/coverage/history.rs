//! From sightings to a table: who saw a unit at first hand, with lists that derive from one another counted as one (guard 7).
//!
//! Two lists say something about what both miss only if neither was made from the other. Who *observed* a unit is known from the
//! records ([`Seen::observed_by`]); through whose hands that came (`via`) makes no second sighting. A list that was copied,
//! imported or harvested from another says nothing the other does not, and is joined with it; each joining is kept, to be
//! printed.

use super::{Refusal, Table};
use crate::record::HubId;
use crate::registry::copies::Copy;
use crate::registry::normal;
use crate::registry::sighting::Seen;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A unit and who saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighted {
    /// The unit's id.
    pub unit: String,
    /// Who saw it at first hand.
    pub by: Vec<Seen>,
}

/// A source whose rows come from another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Derived {
    /// The source that was made from the other: a hub's id or a source's title.
    pub source: String,
    /// The source it was made from.
    pub of: String,
    /// How that is known: `word-for-word`, `declared`.
    pub how: String,
}

impl Derived {
    /// A list that stands word for word in another hub's.
    pub fn copied(copy: &Copy) -> Derived {
        let (source, of) = (copy.list.hub.to_string(), copy.of.hub.to_string());
        Derived { source, of, how: "word-for-word".to_owned() }
    }
}

/// The days in which a sighting counts: the population must stay the same while it is counted (guard 5). Of each source the newest
/// sighting is known ([`Seen::date`]), so the window must reach to the day of the registry; one that ends earlier loses those who
/// looked again since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
}

/// Sources that count as one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Joined {
    /// The name under which they are counted: the source that derives from none, the first by name where there are several.
    pub list: String,
    /// All sources that it stands for, sorted.
    pub sources: Vec<String>,
    /// Why: the derivations that join them, sorted.
    pub because: Vec<Derived>,
}

/// What a population of units was seen by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Histories {
    /// What the units have in common, so that only tables of one population are compared: digest of the frame and window.
    pub population: String,
    /// By combination of lists.
    pub table: Table,
    /// Lists that stand for several sources; to be printed wherever the table is.
    pub joined: Vec<Joined>,
    /// Sightings outside the window, which do not count.
    pub outside: usize,
    /// Sightings without a day, which count: nobody says that they are outside.
    pub undated: usize,
    /// Units that nobody saw within the window.
    pub unseen: usize,
}

/// A source's name for comparison: a hub by its id, a title by its words.
pub fn key(source: &str) -> String {
    source.parse::<HubId>().map_or_else(|_| normal::words(source), |hub| hub.to_string())
}

/// Counts which lists saw which units of one population.
///
/// `population` names what all units have in common: the digest of the frame whose included units these are. Out-of-scope units
/// and duplicates are not among them, since a frame's included units are neither.
///
/// # Errors
/// Fewer than two independent lists (guard 1), or more than a table can hold.
pub fn histories(
    population: &str,
    units: &[Sighted],
    window: Window,
    derived: &[Derived],
) -> Result<Histories, Refusal> {
    let (mut outside, mut undated) = (0, 0);
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut seen_by: Vec<BTreeSet<String>> = Vec::with_capacity(units.len());
    for unit in units {
        let mut by = BTreeSet::new();
        for seen in &unit.by {
            match seen.date {
                Some(date) if date < window.from || date > window.to => {
                    outside += 1;
                    continue;
                }
                None => undated += 1,
                Some(_) => {}
            }
            let key = key(&seen.observed_by);
            let name = names.entry(key.clone()).or_insert_with(|| seen.observed_by.clone());
            // Of several spellings the first by order, whoever comes first.
            if seen.observed_by < *name {
                name.clone_from(&seen.observed_by);
            }
            by.insert(key);
        }
        seen_by.push(by);
    }
    let groups = join(&names, derived);
    let mut spelt = names.clone();
    for one in derived {
        for text in [&one.source, &one.of] {
            spelt.entry(key(text)).or_insert_with(|| text.clone());
        }
    }
    let name = |key: &String| spelt.get(key).unwrap_or(key).clone();
    let mut lists: Vec<&Group> = groups.iter().filter(|group| !group.sources.is_empty()).collect();
    lists.sort_by_key(|group| name(&group.root));
    let place: BTreeMap<&str, usize> = lists
        .iter()
        .enumerate()
        .flat_map(|(at, group)| group.sources.iter().map(move |source| (source.as_str(), at)))
        .collect();
    let mut table = Table::new(lists.iter().map(|group| name(&group.root)).collect())?;
    let mut unseen = 0;
    for by in &seen_by {
        let combination = by.iter().filter_map(|source| place.get(source.as_str())).fold(0, |bits, at| bits | 1 << at);
        table.add(combination);
        unseen += usize::from(combination == 0);
    }
    let say = |group: &&&Group| !group.because.is_empty();
    let joined = lists.iter().filter(say).map(|group| {
        let sources: BTreeSet<String> = group.sources.iter().map(name).collect();
        Joined {
            list: name(&group.root),
            sources: sources.into_iter().collect(),
            because: group.because.iter().cloned().collect(),
        }
    });
    let joined = joined.collect();
    let population = format!("{population} {}/{}", window.from, window.to);
    Ok(Histories { population, table, joined, outside, undated, unseen })
}

/// Sources that hang together by derivations.
struct Group {
    root: String,
    /// Those that saw a unit.
    sources: Vec<String>,
    because: BTreeSet<Derived>,
}

fn join(names: &BTreeMap<String, String>, derived: &[Derived]) -> Vec<Group> {
    // What hangs together is found by giving all the smallest key among them, again and again until nothing changes. A source
    // that itself saw nothing here joins those that were made from it: two copies of one original are not independent.
    let edges: Vec<(String, String, &Derived)> =
        derived.iter().map(|one| (key(&one.source), key(&one.of), one)).filter(|(a, b, _)| a != b).collect();
    let all: BTreeSet<&String> = names.keys().chain(edges.iter().flat_map(|(a, b, _)| [a, b])).collect();
    let mut smallest: BTreeMap<&String, &String> = all.iter().map(|key| (*key, *key)).collect();
    loop {
        let mut changed = false;
        for (a, b, _) in &edges {
            let least = smallest[a].min(smallest[b]);
            for end in [a, b] {
                changed |= smallest.insert(end, least) != Some(least);
            }
        }
        if !changed {
            break;
        }
    }
    let made: BTreeSet<&String> = edges.iter().map(|(source, _, _)| source).collect();
    let mut groups: BTreeMap<&String, Group> = BTreeMap::new();
    for key in all {
        let group = groups.entry(smallest[key]).or_insert_with(|| Group {
            root: key.clone(),
            sources: Vec::new(),
            because: BTreeSet::new(),
        });
        // The original names the group; where all derive from one another, the first does.
        if made.contains(&group.root) && !made.contains(key) {
            group.root.clone_from(key);
        }
        if names.contains_key(key) {
            group.sources.push(key.clone());
        }
    }
    for (source, of, one) in &edges {
        if let Some(group) = groups.get_mut(smallest[source])
            && (names.contains_key(source) || names.contains_key(of))
        {
            group.because.insert((*one).clone());
        }
    }
    groups.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(by: &str, date: Option<&str>) -> Seen {
        let date = date.map(|date| date.parse().unwrap());
        Seen { observed_by: by.into(), kind: None, date, via: Vec::new() }
    }

    fn unit(at: usize, by: &[&str]) -> Sighted {
        Sighted { unit: format!("g{at}"), by: by.iter().map(|by| seen(by, Some("2026-05-01"))).collect() }
    }

    fn derived(source: &str, of: &str) -> Derived {
        Derived { source: source.into(), of: of.into(), how: "declared".into() }
    }

    fn count(units: &[Sighted], derived: &[Derived]) -> Result<Histories, Refusal> {
        let window = Window { from: "2026-01-01".parse().unwrap(), to: "2026-12-31".parse().unwrap() };
        histories("f", units, window, derived)
    }

    #[test]
    fn who_passed_it_on_saw_nothing() {
        let mut passed = unit(1, &["Library", "Council"]);
        passed.by[0].via = vec!["h-other".into(), "Council".into()];
        let counted = count(&[passed, unit(2, &["library"])], &[]).unwrap();
        assert_eq!(counted.table.lists, ["Council", "Library"]);
        assert_eq!(counted.table.patterns(), BTreeMap::from([("01".into(), 1), ("11".into(), 1)]));
        assert!(counted.joined.is_empty());
    }

    /// Guard 7.
    #[test]
    fn a_list_made_from_another_is_no_second_list_and_that_is_said() {
        let units = [unit(1, &["Council", "Copy", "Library"]), unit(2, &["Copy"]), unit(3, &["Library", "Leaflet"])];
        let all = count(&units, &[]).unwrap();
        assert_eq!(all.table.t(), 4);
        let fewer = count(&units, &[derived("Copy", "Council")]).unwrap();
        assert_eq!(fewer.table.lists, ["Council", "Leaflet", "Library"]);
        assert_eq!(fewer.table.patterns(), BTreeMap::from([("100".into(), 1), ("101".into(), 1), ("011".into(), 1)]));
        assert_eq!(
            fewer.joined,
            [Joined {
                list: "Council".into(),
                sources: vec!["Copy".into(), "Council".into()],
                because: vec![derived("Copy", "Council")]
            }]
        );
        // Two copies of a list that is not here are one list as well.
        let both = [derived("Copy", "National"), derived("Leaflet", "National")];
        let fewer = count(&units, &both).unwrap();
        assert_eq!(fewer.table.lists, ["Council", "Library", "National"]);
        // Everything from one source: there is nothing to estimate from.
        let one = ["Copy", "Library", "Leaflet"].map(|source| derived(source, "Council"));
        assert_eq!(count(&units, &one).unwrap_err(), Refusal::FewLists { lists: 1 });
    }

    /// Guard 5.
    #[test]
    fn what_was_seen_at_another_time_does_not_count() {
        let mut units = vec![unit(1, &["a", "b"]), unit(2, &["a"]), unit(3, &["b"])];
        units[1].by[0].date = Some("2024-05-01".parse().unwrap());
        units[2].by[0].date = None;
        let counted = count(&units, &[]).unwrap();
        assert_eq!((counted.outside, counted.undated, counted.unseen, counted.table.n()), (1, 1, 1, 2));
        assert_eq!(counted.population, "f 2026-01-01/2026-12-31");
    }
}
