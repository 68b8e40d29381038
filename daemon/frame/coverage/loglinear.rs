//! The log-linear family: how many units no list saw, under named assumptions about lists and units.
//!
//! The 2ᵗ−1 counts are a Poisson regression whose intercept is the logarithm of the missing one (Fienberg 1972, *Biometrika*
//! 59:591–603; Cormack 1989, *Biometrics* 45:395–413; as R `Rcapture`): N̂ = n + exp β₀, SE² = exp β₀ + exp(2β₀)·Var β₀.

use super::exact::{self, Verdict};
use super::poisson::{self, Regression};
use super::{Refusal, Table};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// Most lists for which models are fitted; past that the cells outnumber what any registry can fill.
pub const LISTS: usize = 6;

/// How units are taken to differ in how easily they are seen. All but the first add to the regression columns that depend on k,
/// the number of lists that saw a unit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Differ {
    /// Not at all.
    #[default]
    No,
    /// In whatever way: a lower bound (Chao 1987; Rivest and Baillargeon 2007, *Biometrics* 63:999–1006). Columns max(k−2, 0),
    /// max(k−3, 0) …; those whose coefficient is below 0 are dropped.
    Chao,
    /// As a normal distribution would have it: k²/2 (Darroch, Fienberg, Glonek and Junker 1993, *J. Amer. Statist. Assoc.* 88:1137–1148).
    Darroch,
    /// As a Poisson distribution would: 2ᵏ − 1 (Rivest and Baillargeon 2007).
    Poisson2,
    /// As a gamma distribution would: −ln(3.5 + k) + ln 3.5 (the same).
    Gamma,
}

/// A model: which lists depend on one another, and how units differ.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Model {
    /// Whether lists are of different size; if not, only the number of lists that saw a unit counts.
    pub lists_differ: bool,
    /// Pairs of lists that depend on one another, the smaller first. Only where lists differ.
    pub pairs: BTreeSet<(usize, usize)>,
    /// How units differ.
    pub units: Differ,
}

impl Model {
    /// All lists and all units alike.
    pub fn m0() -> Model {
        Model::default()
    }

    /// Lists differ and are independent.
    pub fn mt() -> Model {
        Model { lists_differ: true, ..Model::default() }
    }

    /// Lists differ, and these pairs depend on one another.
    pub fn with_pairs(pairs: impl IntoIterator<Item = (usize, usize)>) -> Model {
        Model { pairs: pairs.into_iter().map(|(a, b)| (a.min(b), a.max(b))).collect(), ..Model::mt() }
    }

    /// The same, with units that differ.
    pub fn differing(self, units: Differ) -> Model {
        Model { units, ..self }
    }
}

impl fmt::Display for Model {
    /// As the field names it: `M0`, `Mt`, `Mt [12,13]`, `Mth Chao`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let t = if self.lists_differ { "t" } else { "" };
        let (h, how) = match self.units {
            Differ::No => ("", ""),
            Differ::Chao => ("h", " Chao"),
            Differ::Darroch => ("h", " Darroch"),
            Differ::Poisson2 => ("h", " Poisson2"),
            Differ::Gamma => ("h", " Gamma3.5"),
        };
        let plain = if t.is_empty() && h.is_empty() { "0" } else { "" };
        write!(out, "M{plain}{t}{h}{how}")?;
        if !self.pairs.is_empty() {
            let pairs: Vec<String> = self.pairs.iter().map(|(a, b)| format!("{}{}", a + 1, b + 1)).collect();
            write!(out, " [{}]", pairs.join(","))?;
        }
        Ok(())
    }
}

/// A fitted model.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// The model.
    pub model: Model,
    /// Units seen.
    pub n: u64,
    /// Units there are: N̂.
    pub total: f64,
    /// Its standard error.
    pub se: f64,
    /// Distance from the data; near `df` is good.
    pub deviance: f64,
    /// Cells less parameters. 0: the model can fit anything, and its estimate is unstable (guard 4).
    pub df: usize,
    /// Akaike's criterion, from the whole Poisson likelihood.
    pub aic: f64,
    /// Schwarz's, with ln of the units seen.
    pub bic: f64,
    /// Columns of the regression by name, with coefficient and standard error; the first is the intercept.
    pub coefficients: Vec<(String, f64, f64)>,
    /// Columns that were dropped because their coefficient was below 0 (Chao).
    pub dropped: Vec<String>,
    /// What the regression was made of, for profiles: its rows and counts.
    pub(super) design: Vec<Vec<f64>>,
    pub(super) counts: Vec<u64>,
}

impl Fit {
    /// Whether nothing is left to check the model by, as with all pairs of three lists.
    pub fn saturated(&self) -> bool {
        self.df == 0
    }
}

/// A column: its name, and its entry for a combination of lists.
struct Column {
    name: String,
    entry: Entry,
}

#[derive(Clone, Copy)]
enum Entry {
    One,
    Seen,
    List(usize),
    Pair(usize, usize),
    Above(usize),
    Differ(Differ),
}

impl Column {
    fn new(name: impl Into<String>, entry: Entry) -> Column {
        Column { name: name.into(), entry }
    }

    fn at(&self, combination: usize) -> f64 {
        let k = combination.count_ones();
        match self.entry {
            Entry::Differ(Differ::Darroch) => f64::from(k * k) / 2.0,
            Entry::Differ(Differ::Gamma) => -(3.5 + f64::from(k)).ln() + 3.5f64.ln(),
            _ => self.whole(combination).map_or(0.0, |whole| whole as f64),
        }
    }

    /// The entry as a whole number, times 2 where that makes it one: what is in a column's span does not change by that. None for
    /// columns that are of no whole numbers.
    fn whole(&self, combination: usize) -> Option<i128> {
        let k = i128::from(combination.count_ones());
        let has = |list: usize| combination >> list & 1 == 1;
        Some(match self.entry {
            Entry::One => 1,
            Entry::Seen => k,
            Entry::List(list) => i128::from(has(list)),
            Entry::Pair(a, b) => i128::from(has(a) && has(b)),
            Entry::Above(least) => (k - least as i128).max(0),
            Entry::Differ(Differ::Darroch) => k * k,
            Entry::Differ(Differ::Poisson2) => (1 << k) - 1,
            Entry::Differ(_) => return None,
        })
    }
}

/// The columns and the combinations of lists that a model is fitted to. Pairs of lists without a common unit have no finite
/// effect: they are taken out with the combinations that hold them, which the model then says are empty (Chan, Silverman and
/// Vincent 2021, *J. Amer. Statist. Assoc.* 116:1297–1306, section 3).
fn columns(table: &Table, model: &Model) -> (Vec<Column>, Vec<(usize, u64)>) {
    let mut columns = vec![Column::new("intercept", Entry::One)];
    if model.lists_differ {
        columns.extend((0..table.t()).map(|list| Column::new(format!("list {}", list + 1), Entry::List(list))));
    } else {
        columns.push(Column::new("lists", Entry::Seen));
    }
    let (met, never): (Vec<_>, Vec<_>) = model.pairs.iter().partition(|(a, b)| table.both(*a, *b) > 0);
    let pair = |(a, b): (usize, usize)| Column::new(format!("pair {}{}", a + 1, b + 1), Entry::Pair(a, b));
    columns.extend(met.into_iter().map(pair));
    match model.units {
        Differ::No => {}
        Differ::Chao => {
            columns.extend((2..table.t()).map(|k| Column::new(format!("more than {k}"), Entry::Above(k))));
        }
        other => columns.push(Column::new("units differ", Entry::Differ(other))),
    }
    let holds = |combination: usize| never.iter().any(|(a, b)| combination >> a & 1 == 1 && combination >> b & 1 == 1);
    (columns, table.cells().filter(|(combination, _)| !holds(*combination)).collect())
}

/// Whether a model's estimate exists and its parameters can be told apart (guard 3). Columns that are of no whole numbers
/// (Gamma) are left out of the question; whether those settle, the fit shows.
///
/// # Errors
/// Too many lists, a pair that is none, numbers that grow past 128 bits.
pub fn check(table: &Table, model: &Model) -> Result<Verdict, Refusal> {
    let t = table.t();
    if t > LISTS {
        return Err(Refusal::ManyLists { lists: t, most: LISTS });
    }
    if let Some((a, b)) = model.pairs.iter().find(|(a, b)| a >= b || *b >= t || !model.lists_differ) {
        return Err(Refusal::Pair { a: *a, b: *b });
    }
    let (columns, cells) = columns(table, model);
    judge(&columns, &cells)
}

fn judge(columns: &[Column], cells: &[(usize, u64)]) -> Result<Verdict, Refusal> {
    let row = |combination: usize| columns.iter().filter_map(|column| column.whole(combination)).collect();
    exact::judge(&cells.iter().map(|(combination, count)| (row(*combination), *count == 0)).collect::<Vec<_>>())
}

/// Fits a model.
///
/// # Errors
/// What [`check`] refuses; no two lists with a common unit (guard 1); an estimate that does not exist or means no one thing (guard 3).
pub fn fit(table: &Table, model: &Model) -> Result<Fit, Refusal> {
    if table.f()[1..].iter().all(|count| *count == 0) {
        return Err(Refusal::NoOverlap);
    }
    let verdict = check(table, model)?;
    if !verdict.identifiable {
        return Err(Refusal::NotIdentifiable { model: model.to_string() });
    }
    let (mut columns, cells) = columns(table, model);
    let counts: Vec<u64> = cells.iter().map(|(_, count)| *count).collect();
    let y: Vec<f64> = counts.iter().map(|count| *count as f64).collect();
    let mut dropped = Vec::new();
    let (design, regression) = loop {
        // Columns of Chao's that fit nothing must be gone before the estimate is asked whether it exists.
        let design: Vec<Vec<f64>> = cells
            .iter()
            .map(|(combination, _)| columns.iter().map(|column| column.at(*combination)).collect())
            .collect();
        let exists = judge(&columns, &cells)?.exists;
        let chao = |column: &Column| matches!(column.entry, Entry::Above(_));
        let regression = if exists { poisson::fit(&design, &y) } else { Err(Refusal::NoFit) };
        let bad: Vec<usize> = match &regression {
            Ok(fitted) => (0..columns.len()).filter(|at| chao(&columns[*at]) && fitted.beta[*at] < 0.0).collect(),
            // An estimate that runs away does so downwards: counts of units on very many lists are 0.
            Err(_) => columns.iter().rposition(chao).into_iter().collect(),
        };
        if bad.is_empty() {
            break (design, regression.map_err(|_| Refusal::NotThere { model: model.to_string() })?);
        }
        for at in bad.into_iter().rev() {
            dropped.push(columns.remove(at).name);
        }
    };
    Ok(result(table, model, &columns, dropped, design, counts, &regression))
}

fn result(
    table: &Table,
    model: &Model,
    columns: &[Column],
    mut dropped: Vec<String>,
    design: Vec<Vec<f64>>,
    counts: Vec<u64>,
    regression: &Regression,
) -> Fit {
    let (n, parameters) = (table.n(), columns.len());
    let missing = regression.beta[0].exp();
    let likelihood = regression.log_likelihood(&counts);
    let named = columns.iter().zip(regression.beta.iter().zip(&regression.se));
    dropped.sort();
    Fit {
        model: model.clone(),
        n,
        total: n as f64 + missing,
        se: (missing + (missing * regression.se[0]).powi(2)).sqrt(),
        deviance: regression.deviance,
        df: counts.len() - parameters,
        aic: 2.0 * parameters as f64 - 2.0 * likelihood,
        bic: (n as f64).ln() * parameters as f64 - 2.0 * likelihood,
        coefficients: named.map(|(column, (beta, se))| (column.name.clone(), *beta, *se)).collect(),
        dropped,
        design,
        counts,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::coverage::tests::{close, known, table};
    use serde_json::Value;

    /// Estimate, standard error and, where they are given, deviance and degrees of freedom.
    fn same(of: &str, model: Model, expected: &Value) {
        let fit = fit(&table(of), &model).unwrap();
        close(fit.total, &expected[0], 1e-6);
        close(fit.se, &expected[1], 1e-4);
        if let Some(deviance) = expected.get(2) {
            assert!((fit.deviance - deviance.as_f64().unwrap()).abs() < 1e-6 * fit.deviance.max(1.0), "{fit:?}");
        }
        if let Some(df) = expected.get(3) {
            assert_eq!(fit.df as u64, df.as_u64().unwrap(), "{of} {model}");
        }
    }

    /// As printed: seven to nine digits.
    fn printed(of: &str, model: Model, expected: &Value) {
        let fit = fit(&table(of), &model).unwrap();
        close(fit.total, &expected[0], 2e-6);
        close(fit.se, &expected[1], 1e-4);
        assert!((fit.deviance - expected[2].as_f64().unwrap()).abs() < 1e-4, "{fit:?}");
        assert_eq!(fit.df as u64, expected[3].as_u64().unwrap());
    }

    fn pairs(text: &str) -> Vec<(usize, usize)> {
        let digit = |pair: &str, at: usize| pair[at..=at].parse::<usize>().unwrap() - 1;
        text.split(',').map(|pair| (digit(pair, 0), digit(pair, 1))).collect()
    }

    #[test]
    fn models_without_dependence() {
        for of in ["HAV", "HIV", "lesbian"] {
            same(of, Model::m0(), &known(of)["M0"]);
            same(of, Model::mt(), &known(of)["Mt"]);
            same(of, Model::mt().differing(Differ::Chao), &known(of)["MthChao"]);
        }
        let chao = Model::m0().differing(Differ::Chao);
        same("HAV", chao.clone(), &known("HAV")["MhChao"]);
        same("lesbian", chao.clone(), &known("lesbian")["MhChao"]);
        same("HIV", chao.clone(), &known("HIV")["MhChao_etaneg"]);
        assert_eq!(fit(&table("HIV"), &chao).unwrap().dropped.len(), 1);
    }

    #[test]
    fn pairs_that_depend() {
        for (text, expected) in known("HAV")["loglinear"].as_object().unwrap() {
            same("HAV", Model::with_pairs(pairs(text)), expected);
        }
        assert!(fit(&table("HAV"), &Model::with_pairs(pairs("12,13,23"))).unwrap().saturated());
        same("HIV", Model::with_pairs(pairs("12")), &known("HIV")["Mt+12"]);
        same("HIV", Model::with_pairs(pairs("12,13,14,23,24,34")), &known("HIV")["Mt_all2"]);
        let best = &known("lesbian")["best_BIC_hierarchical_12_14_23_24_34"];
        same("lesbian", Model::with_pairs(pairs("12,14,23,24,34")), best);
    }

    #[test]
    fn units_that_differ() {
        let darroch = Model::with_pairs(pairs("12,13,14")).differing(Differ::Darroch);
        same("lesbian", darroch.clone(), &known("lesbian")["Darroch_12_13_14"]);
        // What the paper printed.
        let published = &crate::frame::reference()["tables"]["lesbian"]["published"]["N"];
        assert_eq!(fit(&table("lesbian"), &darroch).unwrap().total.round() as u64, published.as_u64().unwrap());
        printed("lesbian", Model::mt().differing(Differ::Gamma), &known("lesbian")["MthGamma3.5"]);
        printed("HAV", Model::m0().differing(Differ::Darroch), &known("HAV")["MhDarroch"]);
        printed("HAV", Model::mt().differing(Differ::Darroch), &known("HAV")["MthDarroch"]);
        // On three lists 2ᵏ−1 and k² span the same, so both say the same; on two there is nothing left to say it with.
        let poisson = fit(&table("HAV"), &Model::m0().differing(Differ::Poisson2)).unwrap();
        assert!(poisson.total > 271.0 && poisson.df == 4);
    }

    #[test]
    fn criteria_and_coefficients() {
        let criteria = |model: Model, key: &str| {
            let fit = fit(&table("HIV"), &model).unwrap();
            close(fit.aic, &known("HIV")[key][0], 1e-6);
            close(fit.bic, &known("HIV")[key][1], 1e-6);
            fit
        };
        criteria(Model::mt(), "Mt_AIC_BIC");
        let fit = criteria(Model::with_pairs(pairs("12")), "Mt+12_AIC_BIC");
        let expected = &known("HIV")["Mt+12_coef"];
        close(fit.coefficients[0].1, &expected["intercept"], 1e-6);
        let (name, beta, se) = &fit.coefficients[5];
        assert_eq!(name, "pair 12");
        close(*beta, &expected["lambda12"], 1e-6);
        close(*se, &expected["lambda12_se"], 1e-4);
    }

    /// Guard 3.
    #[test]
    fn existence_and_identifiability() {
        let table = table("Artificial_3");
        let known = &crate::frame::reference()["expected"]["guards"]["Artificial_3_identifiability"];
        let cases = [("all pairs", "12,13,23"), ("AB", "12"), ("AC,BC", "13,23"), ("main", "")];
        for (key, text) in cases {
            let model = if text.is_empty() { Model::mt() } else { Model::with_pairs(pairs(text)) };
            let verdict = check(&table, &model).unwrap();
            let code = u64::from(!verdict.exists) + 2 * u64::from(!verdict.identifiable);
            assert_eq!(code, known[key].as_u64().unwrap(), "{key}");
        }
        let refused = |text| fit(&table, &Model::with_pairs(pairs(text))).unwrap_err().code();
        assert_eq!(refused("12,13,23"), "coverage-not-identifiable");
        assert_eq!(refused("12"), "coverage-no-estimate");
        assert!(fit(&table, &Model::with_pairs(pairs("13,23"))).is_ok());
        for of in ["HAV", "HIV", "lesbian"] {
            let table = crate::frame::coverage::tests::table(of);
            let all = Model::with_pairs(table.pairs());
            assert_eq!(check(&table, &all), Ok(Verdict { exists: true, identifiable: true }));
        }
    }

    #[test]
    fn a_pair_that_is_none_is_refused() {
        let bad = Model { pairs: [(1, 5)].into(), ..Model::mt() };
        assert_eq!(fit(&table("HAV"), &bad).unwrap_err().code(), "coverage-pair");
        let bad = Model { pairs: [(0, 1)].into(), ..Model::m0() };
        assert_eq!(fit(&table("HAV"), &bad).unwrap_err().code(), "coverage-pair");
    }

    #[test]
    fn names_are_the_fields() {
        assert_eq!(Model::m0().to_string(), "M0");
        assert_eq!(Model::with_pairs([(1, 0), (0, 2)]).to_string(), "Mt [12,13]");
        assert_eq!(Model::mt().differing(Differ::Chao).to_string(), "Mth Chao");
        assert_eq!(Model::m0().differing(Differ::Darroch).to_string(), "Mh Darroch");
    }
}
