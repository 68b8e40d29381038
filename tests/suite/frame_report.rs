//! What a frame says of itself: how many groups all lists miss, how good it is, what became of it later (issue 5, USERS 3.2).

use crate::pages::Browser;
use crate::support::TestHub;
use crate::support::command::{Desk, Ran, run};
use crate::support::feed::repository;
use mutuald::frame::coverage::history::{Derived, Window};
use mutuald::frame::coverage::loglinear::{self, Differ, Fit, Model};
use mutuald::frame::coverage::{Refusal, Table, bound, interval, pairs};
use mutuald::frame::sample::estimate::Confidence;
use mutuald::node::author::Draft;
use mutuald::node::demo::invent;
use mutuald::node::frames::Plan;
use mutuald::node::frames::assess::{self, Coverage};
use mutuald::node::frames::page::page;
use mutuald::record::group::Assured;
use mutuald::record::statement::{Body, Kind};
use mutuald::record::{Group, List};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use uuid::Uuid;

const SURE: Confidence = Confidence::NinetyFive;

fn reference() -> Value {
    serde_json::from_slice(&std::fs::read(repository("tests/data/frames/reference.json")).unwrap()).unwrap()
}

fn table(of: &Value) -> Table {
    let lists = of["lists"].as_array().unwrap().iter().map(|list| list.as_str().unwrap().to_owned()).collect();
    let counts = of["freq"].as_object().unwrap().iter();
    Table::of(lists, &counts.map(|(pattern, n)| (pattern.clone(), n.as_u64().unwrap())).collect()).unwrap()
}

/// A table as somebody brings it.
fn file(folder: &Path, name: &str, lists: &[&str], counts: &[(&str, u64)]) -> String {
    let mut text = format!("{},count\n", lists.join(","));
    for (pattern, n) in counts {
        let cells: Vec<String> = pattern.chars().map(String::from).collect();
        text.push_str(&format!("{},{n}\n", cells.join(",")));
    }
    std::fs::write(folder.join(name), text).unwrap();
    name.to_owned()
}

fn covered(folder: &Path, file: &str) -> Ran {
    run(folder, &["frame", "coverage", "--table", file, "--json"])
}

#[track_caller]
fn close(got: f64, expected: &Value, tolerance: f64) {
    let expected = expected.as_f64().unwrap();
    assert!((got - expected).abs() <= tolerance * expected.abs().max(1e-9), "{got} is not {expected}");
}

/// Estimate, standard error and, where they are given, deviance and degrees of freedom.
#[track_caller]
fn fitted(fit: &Fit, expected: &Value) {
    close(fit.total, &expected[0], 2e-6);
    close(fit.se, &expected[1], 1e-4);
    if let Some(deviance) = expected.get(2) {
        assert!((fit.deviance - deviance.as_f64().unwrap()).abs() < 1e-4, "{fit:?} {expected}");
    }
    if let Some(df) = expected.get(3) {
        assert_eq!(fit.df as u64, df.as_u64().unwrap(), "{fit:?}");
    }
}

fn in_pairs(text: &str) -> Vec<(usize, usize)> {
    let digit = |pair: &str, at: usize| pair[at..=at].parse::<usize>().unwrap() - 1;
    text.split([',', '_']).map(|pair| (digit(pair, 0), digit(pair, 1))).collect()
}

/// The model that a key of the reference file means.
fn model(key: &str) -> Option<Model> {
    Some(match key {
        "M0" => Model::m0(),
        "Mt" => Model::mt(),
        "MhChao" | "MhChao_etaneg" => Model::m0().differing(Differ::Chao),
        "MthChao" => Model::mt().differing(Differ::Chao),
        "MhDarroch" => Model::m0().differing(Differ::Darroch),
        "MthDarroch" => Model::mt().differing(Differ::Darroch),
        "MthGamma3.5" => Model::mt().differing(Differ::Gamma),
        "Mt+12" => Model::with_pairs([(0, 1)]),
        "Mt_all2" => Model::with_pairs((0..4).flat_map(|a| (a + 1..4).map(move |b| (a, b)))),
        "Darroch_12_13_14" => Model::with_pairs(in_pairs("12_13_14")).differing(Differ::Darroch),
        "best_BIC_hierarchical_12_14_23_24_34" => Model::with_pairs(in_pairs("12_14_23_24_34")),
        _ => return None,
    })
}

/// One key of what is expected of a table; a key that nobody looks at fails.
fn reproduce(table: &Table, key: &str, expected: &Value) {
    if let Some(model) = model(key) {
        return fitted(&loglinear::fit(table, &model).unwrap(), expected);
    }
    let of =
        |suffix: &str| key.strip_suffix(suffix).and_then(model).map(|model| loglinear::fit(table, &model).unwrap());
    if let Some(fit) = of("_profile") {
        let got = interval::profile(&fit, SURE).unwrap();
        close(got.total, &expected[0], 1e-4);
        close(got.low, &expected[1], 1e-4);
        return close(got.high.unwrap(), &expected[2], 1e-4);
    }
    if let Some(fit) = of("_AIC_BIC") {
        close(fit.aic, &expected[0], 1e-6);
        return close(fit.bic, &expected[1], 1e-6);
    }
    if let Some(fit) = of("_coef") {
        close(fit.coefficients[0].1, &expected["intercept"], 1e-6);
        close(fit.coefficients[5].1, &expected["lambda12"], 1e-6);
        return close(fit.coefficients[5].2, &expected["lambda12_se"], 1e-4);
    }
    let numbers = |text: &str| in_pairs(text)[0];
    match key {
        "n" => assert_eq!(json!(table.n()), *expected),
        "f" => assert_eq!(json!(table.f()), *expected),
        "MhChao_bc_closed" => close(bound::lower_bound(table, SURE).unwrap().corrected, expected, 1e-6),
        "MhChao_closed" => close(bound::lower_bound(table, SURE).unwrap().classical.unwrap(), expected, 1e-6),
        "pairs" => {
            for (name, expected) in expected.as_object().unwrap() {
                let got = pairs::pair(table, numbers(name).0, numbers(name).1, SURE).unwrap();
                close(got.lincoln_petersen, &expected["LP"], 1e-6);
                close(got.chapman, &expected["chapman"], 1e-6);
                close(got.se, &expected["se"], 1e-6);
                close(got.limits.0, &expected["ci"][0], 1e-6);
                close(got.limits.1, &expected["ci"][1], 1e-6);
            }
        }
        "all_pairs_chapman" => {
            for (name, expected) in expected.as_object().unwrap() {
                let got = pairs::pair(table, numbers(name).0, numbers(name).1, SURE).unwrap();
                for (got, at) in [(got.chapman, 0), (got.se, 1), (got.limits.0, 2), (got.limits.1, 3)] {
                    close(got, &expected[at], 1e-6);
                }
            }
        }
        "chapman_range" => {
            let all: Vec<f64> = table.pairs().map(|(a, b)| pairs::pair(table, a, b, SURE).unwrap().chapman).collect();
            close(all.iter().copied().fold(f64::INFINITY, f64::min), &expected[0], 1e-6);
            close(all.iter().copied().fold(0.0, f64::max), &expected[1], 1e-6);
        }
        "coverage" => {
            let got = bound::sample_coverage(table).unwrap();
            for (name, expected) in expected.as_object().unwrap() {
                let got = match name.as_str() {
                    "M" => table.n() as f64,
                    "D" => got.d,
                    "C" => got.c,
                    "N0" => got.n0,
                    "N" => got.n,
                    "N1" => got.n1,
                    other => panic!("nobody looks at coverage {other}"),
                };
                close(got, expected, 1e-6);
            }
        }
        "loglinear" => {
            for (name, expected) in expected.as_object().unwrap() {
                fitted(&loglinear::fit(table, &Model::with_pairs(in_pairs(name))).unwrap(), expected);
            }
        }
        other => panic!("nobody looks at {other}"),
    }
}

/// Done when 2, the coverage half: not a value of the file is passed over.
#[test]
fn every_value_of_coverage_in_the_reference_file_is_reproduced() {
    let reference = reference();
    let mut looked = 0;
    for (name, expected) in reference["expected"].as_object().unwrap() {
        if name == "guards" {
            continue;
        }
        let table = table(&reference["tables"][name]);
        for (key, expected) in expected.as_object().unwrap() {
            reproduce(&table, key, expected);
            looked += 1;
        }
    }
    assert!(looked >= 40, "{looked}");
    // What the paper on the lesbian communities printed, and its limits.
    let published = &reference["tables"]["lesbian"]["published"];
    let table = table(&reference["tables"]["lesbian"]);
    let fit = loglinear::fit(&table, &model("Darroch_12_13_14").unwrap()).unwrap();
    assert_eq!(
        (json!(fit.total.round() as u64), json!(table.n())),
        (published["N"].clone(), published["observed"].clone())
    );
}

/// The same through the command: whoever has the tables has the figures.
#[test]
fn the_command_gives_what_the_library_gives() {
    let (folder, reference) = (tempfile::tempdir().unwrap(), reference());
    for name in ["HAV", "HIV", "lesbian"] {
        let (given, expected) = (&reference["tables"][name], &reference["expected"][name]);
        let lists: Vec<&str> = given["lists"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let counts: Vec<(&str, u64)> =
            given["freq"].as_object().unwrap().iter().map(|(p, n)| (p.as_str(), n.as_u64().unwrap())).collect();
        let name = file(folder.path(), &format!("{name}.csv"), &lists, &counts);
        let found = covered(folder.path(), &name).json(0);
        let all = &found["strict"]["assessment"];
        assert_eq!(all["f"], expected["f"]);
        let row = |model: &str| {
            let rows = all["family"]["rows"].as_array().unwrap();
            rows.iter().find(|row| row["model"] == model).unwrap_or_else(|| panic!("{model} is not in {all:#}")).clone()
        };
        for (key, model) in [("M0", "M0"), ("Mt", "Mt"), ("MthChao", "Mth Chao")] {
            let row = row(model);
            close(row["total"].as_f64().unwrap(), &expected[key][0], 1e-6);
            close(row["se"].as_f64().unwrap(), &expected[key][1], 1e-4);
            assert!((row["deviance"].as_f64().unwrap() - expected[key][2].as_f64().unwrap()).abs() < 1e-4);
            if let Some(profile) = expected.get(format!("{key}_profile")) {
                close(row["profile"]["low"].as_f64().unwrap(), &profile[1], 1e-4);
                close(row["profile"]["high"].as_f64().unwrap(), &profile[2], 1e-4);
            }
        }
        for (name, expected) in expected["loglinear"].as_object().into_iter().flatten() {
            close(row(&format!("Mt [{name}]"))["total"].as_f64().unwrap(), &expected[0], 1e-6);
        }
        for (member, key) in [("d", "D"), ("c", "C"), ("n0", "N0"), ("n", "N"), ("n1", "N1")] {
            close(all["coverage"][member].as_f64().unwrap(), &expected["coverage"][key], 1e-6);
        }
        // In words: the lower bound is the first figure, before any estimate.
        let text = run(folder.path(), &["frame", "coverage", "--table", &name]).ended(0);
        let at = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words:?} is not in {text}"));
        assert!(at("At least about") < at("Chapman") && at("Chapman") < at("smallest BIC first"), "{text}");
        assert!(text.contains("None of them is the number of groups"), "{text}");
    }
}

/// Guard 1: fewer than two lists, or nothing in common: neither 7.4 × 10¹¹ nor 179 is shown.
#[test]
fn guard_1_no_overlap_and_one_list_are_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let reference = reference();
    let guard = &reference["expected"]["guards"]["zero_overlap_two_lists"];
    let counts: Vec<(&str, u64)> =
        guard["freq"].as_object().unwrap().iter().map(|(p, n)| (p.as_str(), n.as_u64().unwrap())).collect();
    let name = file(folder.path(), "none.csv", &["a", "b"], &counts);
    let found = covered(folder.path(), &name).json(3);
    assert_eq!(found["strict"]["refused"]["code"], "coverage-no-overlap");
    let text = run(folder.path(), &["frame", "coverage", "--table", &name]).ended(3);
    assert!(text.contains("no overlap") && text.contains("cannot be estimated"), "{text}");
    for figure in ["179", "7.4", "740", "estimate  "] {
        assert!(!text.contains(figure), "{figure}: {text}");
    }
    std::fs::write(folder.path().join("one.csv"), "a,count\n1,9\n").unwrap();
    let said = run(folder.path(), &["frame", "coverage", "--table", "one.csv"]).failed(2);
    assert!(said.contains("coverage-few-lists"), "{said}");
}

/// Guard 2: a pair with fewer than seven in common leaves the lower bound only.
#[test]
fn guard_2_a_thin_pair_leaves_the_lower_bound_only() {
    let folder = tempfile::tempdir().unwrap();
    let six = file(folder.path(), "six.csv", &["a", "b"], &[("11", 6), ("10", 60), ("01", 60)]);
    let found = covered(folder.path(), &six).json(0);
    let all = &found["strict"]["assessment"];
    assert_eq!(
        (&all["family"]["refused"], &all["coverage"]["refused"]),
        (&json!("coverage-thin-overlap"), &json!("coverage-thin-overlap"))
    );
    assert!(all["at_least"]["corrected"].as_f64().unwrap() > 126.0);
    let text = run(folder.path(), &["frame", "coverage", "--table", &six]).ended(0);
    assert!(text.contains("At least about") && text.contains("too few for a reliable figure"), "{text}");
    let seven = file(folder.path(), "seven.csv", &["a", "b"], &[("11", 7), ("10", 60), ("01", 60)]);
    assert!(covered(folder.path(), &seven).json(0)["strict"]["assessment"]["family"]["rows"].is_array());
}

/// Guard 3: an estimate that does not exist, or whose parameters cannot be told apart, is named and not shown.
#[test]
fn guard_3_what_has_no_estimate_is_named_and_not_shown() {
    let reference = reference();
    let table = table(&reference["tables"]["Artificial_3"]);
    let known = &reference["expected"]["guards"]["Artificial_3_identifiability"];
    for (key, text) in [("all pairs", "12,13,23"), ("AB", "12"), ("AC,BC", "13,23"), ("main", "")] {
        let model = if text.is_empty() { Model::mt() } else { Model::with_pairs(in_pairs(text)) };
        let verdict = loglinear::check(&table, &model).unwrap();
        let code = u64::from(!verdict.exists) + 2 * u64::from(!verdict.identifiable);
        assert_eq!(json!(code), known[key], "{key}");
        assert_eq!(loglinear::fit(&table, &model).is_ok(), code == 0, "{key}");
    }
    // Two lists that never agree but with a third: the pair's model has nothing to stand on, and the command says which.
    let folder = tempfile::tempdir().unwrap();
    let counts = [("111", 0), ("110", 9), ("101", 9), ("011", 9), ("100", 40), ("010", 0), ("001", 40)];
    let name = file(folder.path(), "hole.csv", &["a", "b", "c"], &counts);
    let found = covered(folder.path(), &name).json(0);
    let refused = found["strict"]["assessment"]["family"]["refused"].as_object().unwrap().clone();
    assert!(!refused.is_empty(), "{found:#}");
    for (model, why) in &refused {
        assert!(why.as_str().unwrap().contains("cannot carry the model"), "{model}: {why}");
        let shown = found["strict"]["assessment"]["family"]["rows"].as_array().unwrap();
        assert!(shown.iter().all(|row| row["model"] != *model), "{model} is refused and shown");
    }
}

/// Guard 4: a model that could fit anything says so.
#[test]
fn guard_4_a_model_that_fits_anything_is_marked() {
    let folder = tempfile::tempdir().unwrap();
    let reference = reference();
    let given = &reference["tables"]["HAV"]["freq"];
    let counts: Vec<(&str, u64)> =
        given.as_object().unwrap().iter().map(|(p, n)| (p.as_str(), n.as_u64().unwrap())).collect();
    let name = file(folder.path(), "hav.csv", &["P", "Q", "E"], &counts);
    let found = covered(folder.path(), &name).json(0);
    let rows = found["strict"]["assessment"]["family"]["rows"].as_array().unwrap().clone();
    let all = rows.iter().find(|row| row["model"] == "Mt [12,13,23]").unwrap();
    assert_eq!(all["cautions"][0], "saturated");
    let text = run(folder.path(), &["frame", "coverage", "--table", &name]).ended(0);
    assert!(text.lines().any(|line| line.contains("Mt [12,13,23]") && line.contains("unstable")), "{text}");
    // The spread is of models that something checks: 1313 is none of them.
    assert!(!text.contains("to 1313"), "{text}");
}

/// Guard 8: of few groups the limits say more than any figure between them, and that is said.
#[test]
fn guard_8_a_tiny_frame_says_that_it_is_tiny() {
    let folder = tempfile::tempdir().unwrap();
    let reference = reference();
    let tiny = &reference["expected"]["guards"]["tiny"];
    let counts: Vec<(&str, u64)> =
        tiny["freq"].as_object().unwrap().iter().map(|(p, n)| (p.as_str(), n.as_u64().unwrap())).collect();
    let table = Table::of(
        vec!["a".into(), "b".into()],
        &counts.iter().map(|(p, n)| ((*p).to_owned(), *n)).collect::<BTreeMap<_, _>>(),
    )
    .unwrap();
    let pair = pairs::pair(&table, 0, 1, SURE).unwrap();
    close(pair.lincoln_petersen, &tiny["LP"], 1e-6);
    close(pair.chapman, &tiny["chapman"], 1e-6);
    let fit = loglinear::fit(&table, &Model::mt()).unwrap();
    close(fit.se, &tiny["Mt_se"], 1e-4);
    let profile = interval::profile(&fit, SURE).unwrap();
    close(profile.total, &tiny["profile"][0], 1e-4);
    close(profile.low, &tiny["profile"][1], 1e-4);
    close(profile.high.unwrap(), &tiny["profile"][2], 1e-4);
    // Five in common are too thin as well: the command shows the bound, and both warnings.
    let name = file(folder.path(), "tiny.csv", &["a", "b"], &counts);
    let found = covered(folder.path(), &name).json(0);
    assert_eq!(found["strict"]["assessment"]["cautions"], json!(["small"]));
    let text = run(folder.path(), &["frame", "coverage", "--table", &name]).ended(0);
    assert!(text.contains("few groups were seen") && text.contains("fewer than 7"), "{text}");
}

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn plan(name: &str) -> Plan {
    let definition = serde_json::from_value(json!({
        "sampleFrameName": name, "custodian": "Essex Hub", "universe": "Self-help groups that meet in Essex", "unitType": "group",
        "referencePeriod": "2026", "updateProcedure": "Built anew each year", "area": [], "asOf": "2026-11-22", "sources": [],
        "rollUp": "esteem2013", "policy": "-", "registry": "-",
    }))
    .unwrap();
    Plan { definition, profile: mutuald::frame::profile::Profile::shipped("seebohm2013").unwrap() }
}

/// A list of the hub's own.
async fn list(hub: &TestHub, n: u128, title: &str, derived_from: &[&str]) {
    let list = List {
        title: title.into(),
        kind: "website".into(),
        derived_from: derived_from.iter().map(|of| (*of).to_owned()).collect(),
        ..List::default()
    };
    let public = Some(serde_json::to_string(&list).unwrap());
    hub.hub.say(&[Draft { id: id(n), rev: 1, body: Body::Put(Kind::List), public }]).await.unwrap();
}

/// Rows of a list, each checked on a day: groups of the invented Nottingham, all of them suitable.
async fn rows(hub: &TestHub, n: u128, groups: &[Group], of: std::ops::Range<usize>, day: &str) {
    let assured: Assured = serde_json::from_value(json!({"date": day, "method": "phone", "by": "hub"})).unwrap();
    let row = |at: usize| {
        let group = Group { list: Some(id(n)), assured: Some(assured.clone()), ..groups[at].clone() };
        (id(n * 1000 + at as u128), group)
    };
    hub.put(&of.map(row).collect::<Vec<_>>()).await;
}

async fn cover(hub: &TestHub, window: Option<Window>, together: &[Derived]) -> Coverage {
    hub.hub.cover_frame(&plan("covered"), window, together, SURE).await.unwrap()
}

/// Guards 5 and 7, in a registry: lists are observers of their own, what was seen at another time does not count, and a list that was
/// made from another is no second one; each joining is printed.
#[tokio::test]
async fn guards_5_and_7_only_what_was_seen_in_the_window_by_independent_lists_counts() {
    let hub = TestHub::new("Essex Hub", 81).await;
    let groups = invent::nottingham(3);
    list(&hub, 1, "Council pages", &[]).await;
    list(&hub, 2, "Library directory", &[]).await;
    list(&hub, 3, "Leaflet", &["Library directory"]).await;
    rows(&hub, 1, &groups, 0..25, "2026-05-01").await;
    rows(&hub, 2, &groups, 15..40, "2026-06-01").await;
    rows(&hub, 3, &groups, 15..30, "2026-07-01").await;
    let found = cover(&hub, None, &[]).await;
    assert_eq!(found.strict.lists, ["Council pages", "Library directory"]);
    assert_eq!((found.strict.seen, found.strict.sizes.as_slice()), (40, &[25, 25][..]));
    assert_eq!(found.strict.patterns, BTreeMap::from([("10".into(), 15), ("01".into(), 15), ("11".into(), 10)]));
    let [joined] = &found.strict.joined[..] else { panic!("{:#?}", found.strict.joined) };
    assert_eq!(
        assess::joined_words(joined),
        "Leaflet = Library directory: Leaflet says that it was made from Library directory"
    );
    // Somebody who knows more may join them further: then there is one list, and nothing to estimate from.
    let same = Derived { source: "Council pages".into(), of: "Library directory".into(), how: "asked".into() };
    let one = cover(&hub, None, &[same]).await;
    assert!(one.refused(), "{one:#?}");
    assert!(one.strict.joined.iter().any(|one| assess::joined_words(one).contains("was said to belong with")));

    // A name that was misspelt would join nothing unseen.
    let slip = Derived { source: "County council".into(), of: "Leaflet".into(), how: "asked".into() };
    let refused = hub.hub.cover_frame(&plan("covered"), None, &[slip], SURE).await.unwrap_err().to_string();
    assert!(refused.contains("\"County council\"") && refused.contains("Council pages, Leaflet"), "{refused}");

    // Guard 5: what the library saw is outside these days.
    let spring = Window { from: "2026-04-01".parse().unwrap(), to: "2026-05-31".parse().unwrap() };
    let found = cover(&hub, Some(spring), &[]).await;
    assert!(found.refused() && found.population.ends_with("2026-04-01/2026-05-31"), "{found:#?}");
    // A window of both has both, and those whom nobody saw then are counted as such.
    let may = Window { from: "2026-05-01".parse().unwrap(), to: "2026-06-30".parse().unwrap() };
    let found = cover(&hub, Some(may), &[]).await;
    assert_eq!((found.strict.seen, found.strict.outside, found.strict.unseen), (40, 15, 0));
    hub.check_hub().await;
}

/// Guard 5, the other half: tables of two populations never stand side by side.
#[test]
fn guard_5_two_populations_are_not_compared() {
    use mutuald::frame::coverage::assess::{SensitivityError, sensitivity};
    use mutuald::frame::coverage::history::Histories;
    let patterns = BTreeMap::from([("11".to_owned(), 30), ("10".to_owned(), 40), ("01".to_owned(), 40)]);
    let table = Table::of(vec!["a".into(), "b".into()], &patterns).unwrap();
    let of = |population: &str| Histories {
        population: population.into(),
        table: table.clone(),
        joined: Vec::new(),
        outside: 0,
        undated: 0,
        unseen: 0,
    };
    let refused = sensitivity(&of("f 2026"), &of("f 2025"), SURE).unwrap_err();
    assert!(matches!(refused, SensitivityError::Population { .. }), "{refused}");
    assert!(sensitivity(&of("f 2026"), &of("f 2026"), SURE).is_ok());
    assert_eq!(Refusal::NoOverlap.code(), "coverage-no-overlap");
}

/// Essex as the paper has it: three lists, 36 rows, of 24 groups; 31 stand there until somebody answers which likely pairs are one.
async fn essex() -> TestHub {
    let hub = TestHub::new("Essex Hub", 52).await;
    let criteria = invent::nottingham(1)[0].criteria.clone();
    for (n, (of, groups)) in (1..).zip(invent::essex(1)) {
        list(&hub, n, &of.title, &[]).await;
        let row = |(at, group): (u128, Group)| {
            (id(n * 1000 + at), Group { list: Some(id(n)), criteria: criteria.clone(), ..group })
        };
        hub.put(&(1..).zip(groups).map(row).collect::<Vec<_>>()).await;
    }
    hub
}

/// Guard 6: linked strictly and loosely, both are shown, and how far apart they are.
#[tokio::test]
async fn guard_6_strict_and_loose_linkage_stand_side_by_side() {
    let hub = essex().await;
    let long = Window { from: "2015-01-01".parse().unwrap(), to: "2026-11-22".parse().unwrap() };
    let found = cover(&hub, Some(long), &[]).await;
    assert_eq!((found.strict.lists.len(), found.strict.seen), (3, 31), "{found:#?}");
    let loose = found.loose.as_ref().unwrap();
    assert!(found.likely > 0 && loose.seen < 31 && loose.seen >= 24, "{found:#?}");
    let (strict, loose) = (found.strict.found.assessment().unwrap(), loose.found.assessment().unwrap());
    // Every pair that is one group after all was a group too many, seen by one list too few.
    assert!(loose.at_least.corrected < strict.at_least.corrected);
    let ratio = found.ratio.unwrap();
    assert!((ratio - loose.at_least.corrected / strict.at_least.corrected).abs() < 1e-12 && ratio < 0.9, "{ratio}");
    let text = serde_json::to_value(&found).unwrap();
    assert!(text["strict"]["assessment"].is_object() && text["loose"]["assessment"].is_object());
    hub.check_hub().await;
}

/// The report's page: nothing is fetched, nothing runs, every plot has its figures in words; and axe-core finds nothing against it.
#[tokio::test]
async fn a_report_is_a_page_that_stands_alone_and_anybody_can_read() {
    let hub = essex().await;
    let whole = hub.hub.report_frame(&plan("essex-2026")).await.unwrap();
    let report = &whole.report;
    assert_eq!((report.units, report.sources.len()), (31, 3), "{report:#?}");
    assert_eq!(report.sources.iter().map(|one| one.only_here).sum::<usize>(), report.single_source.count);
    assert!(report.likely_duplicates.unwrap() > 0);
    let reach = report.contactability.unwrap();
    assert_eq!(reach.public.count + reach.role_only.count + reach.none.count, 31);
    let html = page(&whole);
    for outside in ["<script", "src=", "href=", "url(", "@import", "<link", "onload=", "onclick="] {
        assert!(!html.contains(outside), "{outside:?} stands in the page");
    }
    let plots = html.matches("<svg").count();
    assert!(plots >= 5 && html.matches("<title id=").count() == plots && html.matches("<desc id=").count() == plots);
    for words in [
        "currency",
        "uniqueness",
        "completeness",
        "contactability",
        "undercoverage",
        "Only here",
        "withheld",
        "@media print",
    ] {
        assert!(html.contains(words), "{words} is not in the report");
    }
    let json = serde_json::to_value(&whole).unwrap();
    for member in [
        "currency",
        "records_per_group",
        "completeness",
        "contactability",
        "sources",
        "conflicts",
        "withheld",
        "overcoverage",
    ] {
        assert!(json["report"].get(member).is_some(), "{member}: {json:#}");
    }
    // Not a group's name, place or telephone stands in a report.
    let planted = invent::essex(1);
    for group in planted.iter().flat_map(|(_, groups)| groups) {
        let phone =
            group.contact.as_ref().and_then(|contact| contact.phone.clone()).unwrap_or_else(|| "no phone".into());
        assert!(!html.contains(&group.name) && !html.contains(&phone), "{} stands in the report", group.name);
    }

    let Some(browser) = Browser::new() else { return };
    assert_eq!(browser.found_against(&html, "", "a frame's report").await, Vec::<String>::new());
}

/// From one year's frame to the next, in words and in counts that meet.
#[test]
fn a_diff_says_in_words_what_became_of_each_group() {
    let desk = Desk::new("Nottingham Hub");
    let rows: [&[(&str, &str)]; 3] = [
        &[("Group name", "Carers Circle"), ("Town or village", "Beeston"), ("Telephone", "01632 960001")],
        &[("Group name", "Stroke Friends"), ("Town or village", "Arnold"), ("Telephone", "01632 960002")],
        &[("Group name", "Gout Group"), ("Town or village", "Mapperley"), ("Telephone", "01632 960003")],
    ];
    desk.fill("groups.csv", &rows);
    desk.run(&["import", "groups.csv", "--commit"]).ended(0);
    desk.run(&["frame", "define", "now", "--profile", "box1", "--universe", "Groups in Nottinghamshire"]).ended(0);
    for group in ["carers circle", "stroke friends"] {
        desk.run(&["frame", "decide", "now", group, "--include", "--why", "Asked by telephone."]).ended(0);
    }
    desk.run(&["frame", "freeze", "now", "first"]).ended(0);
    desk.run(&["group", "close", "stroke friends", "--reason", "Nobody came any more"]).ended(0);
    desk.fill(
        "more.csv",
        &[&[("Group name", "Vertigo Club"), ("Town or village", "Hucknall"), ("Telephone", "01632 960004")]],
    );
    desk.run(&["import", "more.csv", "--commit"]).ended(0);
    desk.run(&["frame", "decide", "now", "stroke friends", "--exclude", "closed", "--why", "It has ended."]).ended(0);
    let text = desk.run(&["frame", "diff", "first", "now"]).ended(0);
    assert!(
        text.contains("Added (1)\n  Vertigo Club") && text.contains("Closed since (1)\n  Stroke Friends"),
        "{text}"
    );
    assert!(text.lines().any(|line| line.split_whitespace().eq(["in", "the", "earlier", "frame", "3", "2"])), "{text}");
    assert!(text.lines().any(|line| line.starts_with("in the later frame") && line.contains('4')), "{text}");
    let json = desk.run(&["frame", "diff", "first", "now", "--json"]).json(0);
    for of in ["groups", "units"] {
        let n = |member: &str| json[of][member].as_u64().unwrap();
        let (up, down) = (
            n("before") + n("split") + n("added") + n("came_to_belong"),
            n("after") + n("gone") + n("merged") + n("ceased_to_belong"),
        );
        assert_eq!(up, down, "{json:#}");
    }
    let same = desk.run(&["frame", "diff", "first", "first", "--json"]).json(0);
    assert_eq!((&same["same"], &same["added"]), (&json!(3), &json!([])));
    desk.run(&["frame", "diff", "first", "nowhere"]).failed(2);
    // The report of what is frozen says what a frame can say, and no more.
    let whole = desk.run(&["frame", "report", "first", "--json"]).json(0);
    assert_eq!((&whole["report"]["units"], &whole["report"]["contactability"]), (&json!(2), &json!(null)));
    desk.run(&["frame", "report", "now", "--html", "report.html"]).ended(0);
    desk.run(&["frame", "report", "now", "--html", "report.html"]).failed(1);
    assert!(std::fs::read_to_string(desk.file("report.html")).unwrap().contains("<svg"));
}
