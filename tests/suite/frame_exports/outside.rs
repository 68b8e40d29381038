//! Exports before programs that are not ours: validators, R and Python.
//!
//! `tests/run` names them in `MUTUALD_OUTSIDE_PYTHON` and `MUTUALD_OUTSIDE_R`; without them these say SKIP and pass.

use super::made::{designs, drawn, frame, put};
use crate::support::feed::repository;
use mutuald::exchange::frame::Format;
use mutuald::frame::draw::{Design, Draw};
use mutuald::frame::frozen::Frame;
use mutuald::frame::sample::estimate::{self, Estimate, Stratum, yates_grundy};
use mutuald::frame::sample::unequal;
use mutuald::frame::ticket::{Numbered, Ticket};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

fn outside(variable: &str, what: &str) -> Option<OsString> {
    let program = std::env::var_os(variable).filter(|program| !program.is_empty());
    if program.is_none() {
        eprintln!("SKIP {what}: {variable} is not set (tests/run sets it)");
    }
    program
}

/// Runs `tests/outside/exports.py` on folders: what it said, line by line, and whether all was well.
fn strangers(python: &OsString, folders: &[&Path]) -> (bool, Vec<String>) {
    let output =
        Command::new(python).arg(repository("tests/outside/exports.py")).args(folders).output().expect("Python runs");
    let said: Vec<String> = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    match output.status.code() {
        Some(status @ (0 | 1)) => (status == 0, said),
        status => panic!("the checker ended with {status:?}: {}", String::from_utf8_lossy(&output.stderr)),
    }
}

#[test]
fn strangers_validators_accept_every_package() {
    let Some(python) = outside("MUTUALD_OUTSIDE_PYTHON", "no export is looked at by frictionless and the others")
    else {
        return;
    };
    let frame = frame(60);
    let simple = drawn(&frame, Design::Simple { n: 12 });
    let mut folders = vec![put(&frame, None, Format::All)];
    folders
        .extend(designs(&frame).into_iter().map(|(_, design)| put(&frame, Some(&drawn(&frame, design)), Format::All)));
    // A frame of one group, and one without any, are packages all the same.
    folders.extend([0, 1].map(|n| put(&super::made::frame(n), None, Format::All)));
    let paths: Vec<&Path> = folders.iter().map(|folder| folder.path()).collect();
    let (well, said) = strangers(&python, &paths);
    assert!(well, "{said:#?}");
    said.iter().filter(|line| line.starts_with("SKIP")).for_each(|line| eprintln!("{line}"));
    for name in ["frictionless", "csvw", "ro-crate", "roc-validator", "datacite", "cff", "parquet", "xml"] {
        let looked = said.iter().filter(|line| line.starts_with(&format!("ok {name} "))).count();
        let missing = said.iter().any(|line| line.starts_with(&format!("SKIP {name}:")));
        assert!(looked == paths.len() || missing, "{name} looked at {looked} of {} folders", paths.len());
    }

    // And they are no nodders: a value that is none, a unit that the frame does not have, elements that are cut off or misplaced.
    let broken = |file: &str, from: &str, to: &str| {
        let folder = put(&frame, Some(&simple), Format::All);
        let path = folder.path().join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from}");
        std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
        folder
    };
    let folders = [
        broken("data/units.csv", ",established,", ",ancient,"),
        broken("data/sample.csv", "h-", "x-"),
        broken("ddi-codebook.xml", "</dataDscr>", ""),
        broken("ddi-codebook.xml", "<sampleFrame>", "<sampleFrame><weight>none</weight>"),
        broken("CITATION.cff", "type: dataset", "type: recipe"),
        broken("datacite.json", "publicationYear", "yearOfPublication"),
        broken("ro-crate-metadata.json", "datePublished", "dateOfSomething"),
    ];
    let wanted = ["frictionless", "frictionless", "xml", "xml", "cff", "datacite", "roc-validator"];
    let (well, said) = strangers(&python, &folders.iter().map(|folder| folder.path()).collect::<Vec<_>>());
    assert!(!well);
    for (folder, name) in folders.iter().zip(wanted) {
        let found = format!("FAIL {name} {}", folder.path().display());
        let missing = said.iter().any(|line| line.starts_with(&format!("SKIP {name}:")));
        assert!(missing || said.iter().any(|line| line.starts_with(&found)), "{name} nodded: {said:#?}");
    }
}

/// What this program's own estimators make of a sample's records of the registry, which no design's sizes are in proportion to.
fn ours(frame: &Frame, draw: &Draw) -> Result<Estimate, mutuald::frame::sample::SampleError> {
    let records: BTreeMap<String, f64> =
        frame.units().map(|row| (row.id.to_string(), row.records.len() as f64)).collect();
    let values: Vec<(f64, f64)> = draw.base.iter().map(|one| (records[&one.unit], one.pi.unwrap())).collect();
    match &draw.request.design {
        Design::SystematicPps { .. } | Design::ParetoPps { .. } => {
            let units: Vec<&str> = draw.base.iter().map(|one| one.unit.as_str()).collect();
            let joint = draw.joint(frame)?;
            match joint {
                Some(joint) => Ok(Estimate {
                    value: estimate::horvitz_thompson(&values)?,
                    se: yates_grundy(&units, &values, &joint)?,
                }),
                None => estimate::brewer(&values),
            }
        }
        _ => {
            let mut strata: BTreeMap<&str, (usize, Vec<f64>)> = BTreeMap::new();
            for one in &draw.base {
                strata.entry(&one.stratum).or_insert((one.population, Vec::new())).1.push(records[&one.unit]);
            }
            let strata: Result<Vec<Stratum>, _> =
                strata.into_iter().map(|(name, (held, seen))| Stratum::of(name, held, &seen)).collect();
            estimate::total(&strata?)
        }
    }
}

fn two_numbers(output: &std::process::Output) -> Estimate {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = format!("{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    let line = text.lines().find_map(|line| line.strip_prefix("RESULT ")).unwrap_or_else(|| panic!("{said}"));
    let mut numbers = line.split_whitespace().map(|number| number.parse().unwrap());
    Estimate { value: numbers.next().unwrap(), se: numbers.next().unwrap() }
}

/// The snippets of every probability design, run by a program, give our totals and standard errors.
fn agrees(run: impl Fn(&Path) -> std::process::Output) {
    let frame = frame(90);
    let mut pairs = 0;
    for (name, design) in designs(&frame).into_iter().filter(|(name, _)| *name != "quota") {
        let draw = drawn(&frame, design);
        let folder = put(&frame, Some(&draw), Format::Package);
        pairs += usize::from(folder.path().join("data/joint.csv").exists());
        let (theirs, ours) = (two_numbers(&run(folder.path())), ours(&frame, &draw).unwrap());
        let close = |a: f64, b: f64| (a - b).abs() <= 1e-9 * b.abs().max(1.0);
        assert!(close(theirs.value, ours.value) && close(theirs.se, ours.se), "{name}: {theirs:?}, and we {ours:?}");
        assert!(ours.se > 0.0, "{name}: {ours:?}");
    }
    assert_eq!(pairs, 1, "one design has joint probabilities that can be used");
}

#[test]
fn r_gives_our_totals_and_standard_errors() {
    let Some(r) = outside("MUTUALD_OUTSIDE_R", "no sample is estimated by R") else { return };
    agrees(|folder| {
        let more = "source('design.R'); t <- svytotal(~n_records, design); cat('RESULT', format(coef(t), digits = 17), format(SE(t), digits = 17), '\\n')";
        Command::new(&r).args(["--vanilla", "-e", more]).current_dir(folder).output().unwrap()
    });
}

#[test]
fn python_gives_our_totals_and_standard_errors() {
    let python = std::env::var_os("MUTUALD_OUTSIDE_PYTHON")
        .filter(|python| !python.is_empty())
        .unwrap_or_else(|| "python3".into());
    if Command::new(&python).arg("--version").output().is_err() {
        eprintln!("SKIP no sample is estimated by Python: there is none");
        return;
    }
    agrees(|folder| {
        let more = "import design; value, error = design.total('n_records'); print('RESULT', repr(value), repr(error))";
        Command::new(&python).args(["-B", "-c", more]).current_dir(folder).output().unwrap()
    });
}

/// Sizes of a frame: whole numbers, a few very large ones among them, from a sequence that is the same everywhere.
fn sizes(of: u64, n: usize) -> Vec<f64> {
    let mut state = of.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % 1_000
    };
    (0..n).map(|_| if next() % 9 == 0 { 500.0 + next() as f64 } else { 1.0 + (next() % 40) as f64 }).collect()
}

/// R's package `sampling`, which survey agencies use: inclusion probabilities with units taken for sure, the systematic and the Pareto sample
/// that a number gives, and how likely two units are taken together.
#[test]
fn r_sampling_has_our_probabilities_and_samples() {
    let Some(r) = outside("MUTUALD_OUTSIDE_R", "no probability is compared with R's package sampling") else { return };
    let cases: Vec<(Vec<f64>, usize)> =
        (1..=40u64).map(|of| (sizes(of, 3 + of as usize * 2), 1 + (of as usize * 7) % (2 + of as usize * 2))).collect();
    let mut input = String::new();
    for (sizes, n) in &cases {
        let sizes: Vec<String> = sizes.iter().map(f64::to_string).collect();
        input += &format!("{n} {}\n", sizes.join(" "));
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("cases.txt"), input).unwrap();
    // What is drawn follows from the number that R draws first: told beside it, with the seed set back.
    let script = "\
        if (!requireNamespace('sampling', quietly = TRUE)) { cat('SKIP\\n'); quit() }\n\
        suppressMessages(library(sampling)); options(digits = 17)\n\
        say <- function(what, x) cat(what, format(x, digits = 17, trim = TRUE), '\\n')\n\
        for (line in readLines('cases.txt')) {\n\
          x <- as.numeric(strsplit(line, ' ')[[1]]); n <- x[1]; x <- x[-1]\n\
          pi <- inclusionprobabilities(x, n); say('PI', pi)\n\
          loose <- pi[pi < 1 - 1e-12]\n\
          if (length(loose) < 2) { cat('NONE\\n'); next }\n\
          set.seed(n); say('U', runif(1)); set.seed(n); say('SYSTEMATIC', which(UPsystematic(loose) == 1))\n\
          # As many numbers as are taken, used again and again, where one for each unit is meant: both sides get the same ones.\n\
          whole <- floor(sum(loose)) == round(sum(loose))\n\
          set.seed(n); say('W', if (whole) rep(runif(sum(loose)), length.out = length(loose)) else 0)\n\
          set.seed(n); say('PARETO', if (whole) suppressWarnings(sort(UPopips(loose, 'pareto'))) else 0)\n\
          say('JOINT', if (length(loose) <= 30) as.vector(UPsystematicpi2(loose)) else 0)\n\
        }\n";
    let output =
        Command::new(&r).args(["--vanilla", "-e", script]).current_dir(folder.path()).output().expect("R runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    if text.starts_with("SKIP") {
        eprintln!("SKIP no probability is compared with R's package sampling: it is not installed (r-cran-sampling)");
        return;
    }
    let mut lines = text.lines();
    let mut said = |what: &str| -> Option<Vec<f64>> {
        let mut words = lines.next().unwrap_or_else(|| panic!("R said no {what}")).split_whitespace();
        let first = words.next();
        assert!(first == Some(what) || first == Some("NONE"), "{first:?} where {what} was to come");
        (first == Some(what)).then(|| words.map(|word| word.parse().unwrap()).collect())
    };
    let close = |a: f64, b: f64| (a - b).abs() <= 1e-9;
    let (mut certain, mut drawn, mut compared) = (0, 0, 0);
    for (at, (sizes, n)) in cases.iter().enumerate() {
        let named: Vec<(&str, f64)> = sizes.iter().map(|size| ("", *size)).collect();
        let pi = unequal::inclusion(&named, *n).unwrap();
        let theirs = said("PI").unwrap();
        assert!(
            pi.len() == theirs.len() && pi.iter().zip(&theirs).all(|(a, b)| close(*a, *b)),
            "{at}: {pi:?} {theirs:?}"
        );
        certain += pi.iter().filter(|pi| **pi == 1.0).count();
        let loose: Vec<f64> = pi.into_iter().filter(|pi| *pi < 1.0 - 1e-12).collect();
        let Some(u) = said("U") else { continue };
        let places = |at: &[usize]| at.iter().map(|at| (at + 1) as f64).collect::<Vec<_>>();
        let systematic = unequal::systematic(&loose, u[0]).unwrap();
        // R takes the number from the end of the circle on: it takes the unit at which the sum less the number passes a whole one.
        assert_eq!(places(&systematic), said("SYSTEMATIC").unwrap(), "{at}: {u:?} {loose:?}");
        let (w, theirs) = (said("W").unwrap(), said("PARETO").unwrap());
        // Where the sum falls short of a whole number by a hair, R takes one unit less and says nothing here.
        if w.len() == loose.len() {
            let unit = |n: usize| Numbered { ticket: Ticket::read(&format!("0.{n:05}")).unwrap(), unit: n.to_string() };
            let units: Vec<Numbered> = (0..loose.len()).map(unit).collect();
            let mut pareto = unequal::pareto(&units, &w, &loose).unwrap();
            pareto.truncate(systematic.len());
            pareto.sort_unstable();
            assert_eq!(places(&pareto), theirs, "{at}: {w:?} {loose:?}");
            compared += 1;
        }
        let theirs = said("JOINT").unwrap();
        if theirs.len() > 1 {
            let joint = unequal::joint(&loose).unwrap();
            let all = joint.iter().flatten().zip(&theirs);
            all.for_each(|(ours, theirs)| assert!(close(*ours, *theirs), "{at}: {ours} {theirs}"));
        }
        drawn += 1;
    }
    assert!(certain > 20 && drawn > 30 && compared > 10, "{certain} certain, {drawn} samples, {compared} Pareto ones");
}
