//! The patches that take a defence away are worth something only while they fit the code and name tests that there are.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn patches() -> Vec<PathBuf> {
    let folder = std::fs::read_dir(root().join("tests/mutants")).unwrap();
    let mut found: Vec<PathBuf> = folder.map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|extension| extension == "patch"));
    found.sort();
    found
}

fn name(patch: &Path) -> String {
    patch.file_stem().unwrap().to_string_lossy().into_owned()
}

#[test]
fn every_patch_fits_the_code_to_the_letter() {
    let patches = patches();
    assert!(!patches.is_empty());
    let mut astray = Vec::new();
    for patch in &patches {
        let fits = Command::new("git").args(["apply", "--check"]).arg(patch).current_dir(root()).output().unwrap();
        if !fits.status.success() {
            astray.push(format!("{}: {}", name(patch), String::from_utf8_lossy(&fits.stderr).trim()));
        }
    }
    assert!(astray.is_empty(), "{}", astray.join("\n"));
}

/// A patch names the beginnings of the tests that must fail with it, and the table of tests names the patch.
#[test]
fn every_patch_names_tests_and_is_named() {
    let mut tests = String::new();
    let mut folders = vec![root().join("tests/suite")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => tests += &std::fs::read_to_string(path).unwrap(),
            }
        }
    }
    let table = std::fs::read_to_string(root().join("tests/README.md")).unwrap();
    let told: BTreeSet<&str> = table.split('`').collect();
    for patch in patches() {
        let text = std::fs::read_to_string(&patch).unwrap();
        let shows = text.lines().next().and_then(|line| line.strip_prefix("# shows: ")).unwrap_or_default();
        assert!(!shows.trim().is_empty(), "{} names no test", name(&patch));
        for test in shows.split_whitespace() {
            let function = test.rsplit("::").next().unwrap();
            assert!(tests.contains(&format!("fn {function}")), "{}: no test begins with {test}", name(&patch));
        }
        let name = name(&patch);
        assert!(told.contains(name.as_str()), "no row of tests/README.md names {name}");
    }
}
