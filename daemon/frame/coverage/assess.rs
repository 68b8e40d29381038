//! All that may be said of how many units there are, in the order in which it is to be shown, with what was refused and why.
//!
//! Counts first, then the least number there can be, then pairs, models and coverage: never one "true number". What the data
//! cannot carry is left out, and the reason stands in its place.

use super::bound::{self, LowerBound, SampleCoverage};
use super::history::Histories;
use super::interval::{self, Profile};
use super::loglinear::{self, Differ, Fit, Model};
use super::pairs::{self, Pair};
use super::{Refusal, THIN, Table};
use crate::frame::sample::estimate::Confidence;
use serde::Serialize;
use std::collections::BTreeMap;

/// Fewer units than this make every interval wide, whatever the model (guard 8).
pub const SMALL: u64 = 100;

/// What a reader must be told beside a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Caution {
    /// The model can fit anything, so its estimate is unstable (guard 4).
    Saturated,
    /// Units that no two lists saw outnumber what the lists have in common: estimates by coverage swing widely.
    LowCoverage,
    /// So few units were seen that the limits say more than the estimate (guard 8).
    Small,
    /// The data set no upper limit.
    NoUpperLimit,
}

impl Caution {
    /// Plain words.
    pub fn words(self) -> &'static str {
        match self {
            Caution::Saturated => "unstable: the model could fit any data, so nothing checks it",
            Caution::LowCoverage => "the lists overlap little: look at N0 and N1, not at N",
            Caution::Small => "few groups were seen: the limits say more than the figure between them",
            Caution::NoUpperLimit => "the data set no upper limit",
        }
    }
}

/// A model's figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The model as the field names it.
    pub model: String,
    /// The estimate.
    pub total: f64,
    /// Its standard error.
    pub se: f64,
    /// Its limits, by profile; none where they could not be computed.
    pub profile: Option<Profile>,
    /// Distance from the data.
    pub deviance: f64,
    /// Degrees of freedom.
    pub df: usize,
    /// Akaike's criterion.
    pub aic: f64,
    /// Schwarz's.
    pub bic: f64,
    /// What must be said beside it.
    pub cautions: Vec<Caution>,
}

/// What is said by models, where the data carry any.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Family {
    /// Those that could be fitted, the smallest BIC first.
    pub rows: Vec<Row>,
    /// Those that could not, with the reason.
    pub refused: BTreeMap<String, String>,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Assessment {
    /// Units seen.
    pub n: u64,
    /// `f[k]`: by exactly k + 1 lists.
    pub f: Vec<u64>,
    /// By combination of lists.
    pub patterns: BTreeMap<String, u64>,
    /// The least there can be, about. Shown first.
    pub at_least: LowerBound,
    /// Pairs of lists; those without a common unit are absent.
    pub pairs: Vec<Pair>,
    /// Models, or the reason for none (guard 2).
    #[serde(serialize_with = "or_reason")]
    pub family: Result<Family, Refusal>,
    /// Estimates by coverage, or the reason for none.
    #[serde(serialize_with = "or_reason")]
    pub coverage: Result<SampleCoverage, Refusal>,
    /// What must be said beside all of it.
    pub cautions: Vec<Caution>,
}

fn or_reason<T: Serialize, S: serde::Serializer>(value: &Result<T, Refusal>, to: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Either<'a, T> {
        There(&'a T),
        Not { refused: &'static str, because: String },
    }
    match value {
        Ok(there) => Either::There(there),
        Err(refusal) => Either::Not { refused: refusal.code(), because: refusal.to_string() },
    }
    .serialize(to)
}

/// Assesses a table.
///
/// # Errors
/// Guard 1: no two lists with a common unit. Nothing may be shown then but the counts.
pub fn assess(table: &Table, sure: Confidence) -> Result<Assessment, Refusal> {
    let at_least = bound::lower_bound(table, sure)?;
    let pairs = table.pairs().filter_map(|(a, b)| pairs::pair(table, a, b, sure).ok()).collect();
    let thin = thin(table);
    let family = thin.clone().map_or_else(|| family(table, sure), Err);
    let coverage = thin.map_or_else(|| bound::sample_coverage(table), Err);
    let mut cautions = Vec::new();
    if table.n() < SMALL {
        cautions.push(Caution::Small);
    }
    if coverage.as_ref().is_ok_and(|coverage| coverage.low) {
        cautions.push(Caution::LowCoverage);
    }
    Ok(Assessment {
        n: table.n(),
        f: table.f(),
        patterns: table.patterns(),
        at_least,
        pairs,
        family,
        coverage,
        cautions,
    })
}

/// Guard 2: the pair with the fewest common units, where these are too few.
fn thin(table: &Table) -> Option<Refusal> {
    let (both, a, b) = table.pairs().map(|(a, b)| (table.both(a, b), a, b)).min()?;
    (both < THIN).then(|| Refusal::ThinPair { a: table.lists[a].clone(), b: table.lists[b].clone(), both })
}

/// Lists for which every set of pairs is tried; of more, pairs are added one by one as long as BIC falls.
const ALL_SETS: usize = 4;

fn family(table: &Table, sure: Confidence) -> Result<Family, Refusal> {
    if table.t() > loglinear::LISTS {
        return Err(Refusal::ManyLists { lists: table.t(), most: loglinear::LISTS });
    }
    let mut fits: Vec<Fit> = Vec::new();
    let mut refused = BTreeMap::new();
    let mut attempt = |model: &Model| match loglinear::fit(table, model) {
        Ok(fit) => Some(fit),
        Err(refusal) => {
            refused.insert(model.to_string(), refusal.to_string());
            None
        }
    };
    let mut plain = vec![Model::m0(), Model::mt()];
    // With two lists there is one column at most for what is common to both, and no count left for it.
    if table.t() > 2 {
        for units in [Differ::Chao, Differ::Darroch, Differ::Poisson2, Differ::Gamma] {
            plain.extend([Model::m0().differing(units), Model::mt().differing(units)]);
        }
    }
    fits.extend(plain.iter().filter_map(&mut attempt));
    let pairs: Vec<(usize, usize)> = table.pairs().collect();
    if table.t() <= 2 {
        // One pair of two lists is what can never be known.
    } else if table.t() <= ALL_SETS {
        for set in 1usize..1 << pairs.len() {
            let chosen = pairs.iter().enumerate().filter(|(at, _)| set >> at & 1 == 1).map(|(_, pair)| *pair);
            fits.extend(attempt(&Model::with_pairs(chosen)));
        }
    } else {
        fits.extend(forward(&pairs, fits.iter().find(|fit| fit.model == Model::mt()), &mut attempt));
        fits.extend(attempt(&Model::with_pairs(pairs)));
    }
    fits.sort_by(|a, b| a.bic.total_cmp(&b.bic).then_with(|| a.model.cmp(&b.model)));
    fits.dedup_by(|a, b| a.model == b.model);
    // A profile is a few hundred fits: of the plain models, of the best by BIC, and of all pairs, whose width is the point.
    let wide = |fit: &Fit| fit.model.pairs.is_empty() || fit.saturated();
    let rows = fits.iter().enumerate().map(|(at, fit)| row(fit, at < 3 || wide(fit), sure)).collect();
    Ok(Family { rows, refused })
}

fn forward(pairs: &[(usize, usize)], from: Option<&Fit>, attempt: &mut impl FnMut(&Model) -> Option<Fit>) -> Vec<Fit> {
    let mut path: Vec<Fit> = from.cloned().into_iter().collect();
    while let Some(last) = path.last() {
        let more = pairs.iter().filter(|pair| !last.model.pairs.contains(*pair));
        let with = |pair: &(usize, usize)| Model::with_pairs(last.model.pairs.iter().copied().chain([*pair]));
        let best = more.filter_map(|pair| attempt(&with(pair))).min_by(|a, b| a.bic.total_cmp(&b.bic));
        match best.filter(|best| best.bic < last.bic) {
            Some(best) => path.push(best),
            None => break,
        }
    }
    path
}

fn row(fit: &Fit, with_profile: bool, sure: Confidence) -> Row {
    let profile = if with_profile { interval::profile(fit, sure).ok() } else { None };
    let mut cautions = Vec::new();
    if fit.saturated() {
        cautions.push(Caution::Saturated);
    }
    if profile.is_some_and(|profile| profile.high.is_none()) {
        cautions.push(Caution::NoUpperLimit);
    }
    let Fit { total, se, deviance, df, aic, bic, .. } = *fit;
    Row { model: fit.model.to_string(), total, se, profile, deviance, df, aic, bic, cautions }
}

/// How much hangs on which records were taken for one group (guard 6): the same population, linked strictly and loosely.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sensitivity {
    /// With only what is sure joined.
    pub strict: Assessment,
    /// With what is likely joined as well.
    pub loose: Assessment,
    /// The lower bound of the loose over that of the strict one: near 1 is robust.
    pub ratio: f64,
}

/// Why two assessments cannot stand side by side.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SensitivityError {
    /// Another area, profile, date or window (guard 5).
    #[error("the two tables are of different populations: {strict} and {loose}")]
    Population {
        /// That of the strict one.
        strict: String,
        /// That of the loose one.
        loose: String,
    },
    /// One of them cannot be assessed.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// Assesses both.
///
/// # Errors
/// Tables of two populations; guard 1.
pub fn sensitivity(strict: &Histories, loose: &Histories, sure: Confidence) -> Result<Sensitivity, SensitivityError> {
    if strict.population != loose.population {
        let (strict, loose) = (strict.population.clone(), loose.population.clone());
        return Err(SensitivityError::Population { strict, loose });
    }
    let (strict, loose) = (assess(&strict.table, sure)?, assess(&loose.table, sure)?);
    let ratio = loose.at_least.corrected / strict.at_least.corrected;
    Ok(Sensitivity { strict, loose, ratio })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::coverage::tests::table;

    fn two(both: u64, a: u64, b: u64) -> Table {
        let patterns = BTreeMap::from([("11".to_owned(), both), ("10".to_owned(), a), ("01".to_owned(), b)]);
        Table::of(vec!["a".into(), "b".into()], &patterns).unwrap()
    }

    const SURE: Confidence = Confidence::NinetyFive;

    /// Guard 1: where a regression would print 7.4 × 10¹¹ and Chapman 179, nothing is shown.
    #[test]
    fn no_overlap_is_refused() {
        let refusal = assess(&two(0, 19, 8), SURE).unwrap_err();
        assert_eq!(refusal, Refusal::NoOverlap);
        assert!(refusal.to_string().starts_with("no overlap"));
        assert_eq!(loglinear::fit(&two(0, 19, 8), &Model::mt()).unwrap_err(), Refusal::NoOverlap);
        assert_eq!(pairs::pair(&two(0, 19, 8), 0, 1, SURE).unwrap_err(), Refusal::NoOverlap);
    }

    /// Guard 2, and guard 8: of a tiny table the lower bound only, and that it is tiny.
    #[test]
    fn a_thin_pair_leaves_the_lower_bound() {
        let tiny = assess(&two(5, 19, 8), SURE).unwrap();
        let thin = Refusal::ThinPair { a: "a".into(), b: "b".into(), both: 5 };
        assert_eq!((tiny.family.as_ref().unwrap_err(), tiny.coverage.as_ref().unwrap_err()), (&thin, &thin));
        assert!(tiny.at_least.corrected > 32.0 && tiny.at_least.limits.1 > 80.0, "{:?}", tiny.at_least);
        assert_eq!(tiny.cautions, [Caution::Small]);
        assert!(assess(&two(7, 19, 8), SURE).unwrap().family.is_ok());
        let json = serde_json::to_value(&tiny).unwrap();
        assert_eq!(json["family"]["refused"], "coverage-thin-overlap");
    }

    /// Guard 4, and the order: what BIC likes best first, all pairs marked.
    #[test]
    fn the_family_is_a_spread_and_what_is_unstable_says_so() {
        let hav = assess(&table("HAV"), SURE).unwrap();
        let family = hav.family.unwrap();
        assert!(family.rows.windows(2).all(|pair| pair[0].bic <= pair[1].bic));
        let all = family.rows.iter().find(|row| row.model == "Mt [12,13,23]").unwrap();
        assert_eq!(all.cautions, [Caution::Saturated]);
        assert_eq!(hav.cautions, [Caution::LowCoverage]);
        let totals: Vec<f64> = family.rows.iter().map(|row| row.total).collect();
        assert!(totals.iter().any(|total| *total < 400.0) && totals.iter().any(|total| *total > 1300.0));
        assert!(serde_json::to_value(&family).unwrap()["rows"][0]["profile"]["low"].as_f64().unwrap() > 271.0);
    }

    #[test]
    fn the_best_of_all_sets_of_pairs() {
        let family = assess(&table("lesbian"), SURE).unwrap().family.unwrap();
        let best = family.rows.iter().find(|row| !row.model.contains('h')).unwrap();
        assert_eq!(best.model, "Mt [12,14,23,24,34]");
        assert!(family.rows.len() > 64);
    }

    /// Guard 3 where the family meets it: what the data cannot carry is named with its reason.
    #[test]
    fn models_without_an_estimate_are_named() {
        let artificial = table("Artificial_3");
        let family = family(&artificial, SURE).unwrap();
        assert!(family.refused["Mt [12]"].contains("does not exist"));
        assert!(family.refused["Mt [12,13,23]"].contains("told apart"));
        assert!(family.rows.iter().any(|row| row.model == "Mt [13,23]"));
        // Here the pairs are too thin for any of it to be shown.
        assert!(matches!(assess(&artificial, SURE).unwrap().family, Err(Refusal::ThinPair { both: 0, .. })));
    }

    #[test]
    fn five_lists_go_forward_one_pair_at_a_time() {
        let mut table = Table::new((0..5).map(|list| list.to_string()).collect()).unwrap();
        for combination in 1..32usize {
            // Lists 1 and 2 copy one another; the others are independent.
            let together = combination & 3 == 3 || combination & 3 == 0;
            for _ in 0..(400 >> combination.count_ones()) * (1 + 2 * usize::from(together)) {
                table.add(combination);
            }
        }
        let family = assess(&table, SURE).unwrap().family.unwrap();
        assert!(family.rows[0].model.contains("12"), "{:?}", family.rows[0]);
        assert!(family.rows.iter().any(|row| row.model == "Mt [12]"));
    }

    /// Guards 5 and 6.
    #[test]
    fn strict_and_loose_stand_side_by_side_for_one_population_only() {
        let histories = |population: &str, table: Table| Histories {
            population: population.into(),
            table,
            joined: Vec::new(),
            outside: 0,
            undated: 0,
            unseen: 0,
        };
        let strict = histories("f 2026", two(30, 100, 100));
        let both = sensitivity(&strict, &histories("f 2026", two(60, 70, 70)), SURE).unwrap();
        assert!(both.ratio < 0.7, "{}", both.ratio);
        let error = sensitivity(&strict, &histories("f 2025", two(60, 70, 70)), SURE).unwrap_err();
        assert!(matches!(error, SensitivityError::Population { .. }));
    }
}
