//! Arrows between modules point inward only, and the pure ones touch nothing outside (DESIGN, "The tree").
//!
//! Read from the sources as text: comments and tests are left out, since they may speak of anything.

use crate::support::feed::repository;
use std::collections::BTreeSet;
use std::path::Path;

/// Module, and what it may use beside itself.
const MAY_USE: [(&str, &[&str]); 13] = [
    ("record", &[]),
    ("feed", &["record"]),
    ("registry", &["record"]),
    ("clock", &[]),
    ("failpoint", &[]),
    ("limits", &[]),
    ("store", &["record", "feed", "registry"]),
    ("exchange", &["record", "registry", "store"]),
    ("peer", &["record", "feed", "store", "limits", "failpoint"]),
    ("web", &["record", "feed", "registry", "store"]),
    ("config", &["record", "limits", "peer"]),
    (
        "node",
        &["record", "feed", "registry", "clock", "failpoint", "limits", "store", "exchange", "peer", "web", "config"],
    ),
    (
        "cli",
        &[
            "record",
            "feed",
            "registry",
            "clock",
            "failpoint",
            "limits",
            "store",
            "exchange",
            "peer",
            "web",
            "config",
            "node",
        ],
    ),
];

/// Files of the pure modules, and of `peer` and `exchange` those that must be pure too.
const PURE: [&str; 6] = ["record/", "feed/", "registry/", "peer/schedule.rs", "peer/address.rs", "peer/verify.rs"];

/// What the pure ones must not name: a clock, randomness, I/O, and maps whose order is chance.
const AMBIENT: [&str; 15] = [
    "tokio",
    "reqwest",
    "sqlx::",
    "rand::",
    "tracing::",
    "std::fs",
    "std::env",
    "std::io",
    "std::net::Tcp",
    "std::time",
    "std::process",
    "Timestamp::now",
    "Zoned::now",
    "HashMap",
    "HashSet",
];

struct Source {
    /// Below `daemon/`.
    path: String,
    /// Without comments and tests.
    code: String,
}

/// All of `daemon/`, without files that are tests.
fn sources() -> Vec<Source> {
    let root = repository("daemon");
    let mut found = Vec::new();
    read(&root, &root, &mut found);
    assert!(found.len() > 60, "the sources are there");
    found
}

fn read(root: &Path, folder: &Path, found: &mut Vec<Source>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        let tests = name.contains("tests.rs") || name.contains("_tests/") || name.contains("/tests/");
        if path.is_dir() {
            read(root, &path, found);
        } else if name.ends_with(".rs") && !tests {
            found.push(Source { code: code(&std::fs::read_to_string(&path).unwrap()), path: name });
        }
    }
}

/// A source without comments, and without its tests, which stand at its end.
fn code(text: &str) -> String {
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    let kept = text[..end].lines().filter(|line| !line.trim_start().starts_with("//"));
    kept.map(|line| line.split_once(" // ").map_or(line, |(code, _)| code))
        .fold(String::new(), |all, line| all + line + "\n")
}

/// The module a file belongs to.
fn module(path: &str) -> &str {
    path.split('/').next().unwrap_or(path).trim_end_matches(".rs")
}

/// Identifiers that follow each `marker`, those in braces included.
fn named<'a>(code: &'a str, marker: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices(marker) {
        let rest = &code[at + marker.len()..];
        match rest.strip_prefix('{') {
            Some(braced) => {
                let (mut depth, mut start) = (1, true);
                for (at, c) in braced.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        ',' if depth == 1 => start = true,
                        c if start && !c.is_whitespace() => {
                            found.push(word(&braced[at..]));
                            start = false;
                        }
                        _ => {}
                    }
                    if depth == 0 {
                        break;
                    }
                }
            }
            None => found.push(word(rest)),
        }
    }
    found
}

fn word(text: &str) -> &str {
    &text[..text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len())]
}

/// Modules of the crate that a file names, by `crate::` or by enough `super::` to reach the root.
fn uses(source: &Source) -> BTreeSet<&str> {
    let inner = source.path.trim_end_matches(".rs").trim_end_matches("/mod");
    let up = "super::".repeat(inner.split('/').count());
    let mut found: BTreeSet<&str> = named(&source.code, "crate::").into_iter().collect();
    found.extend(named(&source.code, &up));
    found.retain(|name| MAY_USE.iter().any(|(module, _)| module == name));
    found.remove(module(&source.path));
    found
}

#[test]
fn arrows_point_inward() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| !matches!(&*source.path, "lib.rs" | "main.rs")) {
        let name = module(&source.path);
        let Some((_, allowed)) = MAY_USE.iter().find(|(module, _)| *module == name) else {
            panic!("{} belongs to no layer; say here which modules {name} may use", source.path)
        };
        wrong.extend(
            uses(source)
                .into_iter()
                .filter(|used| !allowed.contains(used))
                .map(|used| format!("{}: {used}", source.path)),
        );
    }
    assert!(wrong.is_empty(), "these use what lies further out: {wrong:#?}");
}

#[test]
fn the_configuration_knows_of_partners_their_schedule_only() {
    let sources = sources();
    let config = sources.iter().find(|source| source.path == "config.rs").unwrap();
    let (all, schedule) = (config.code.matches("peer::").count(), config.code.matches("peer::schedule").count());
    assert!(all > 0 && all == schedule, "config.rs names something else of peer");
}

#[test]
fn the_pure_ones_are_pure() {
    let mut wrong = Vec::new();
    let sources = sources();
    for start in PURE {
        let files: Vec<&Source> = sources.iter().filter(|source| source.path.starts_with(start)).collect();
        assert!(!files.is_empty(), "{start} is there");
        for source in files {
            let met = AMBIENT.iter().filter(|ambient| source.code.contains(**ambient));
            wrong.extend(met.map(|ambient| format!("{}: {ambient}", source.path)));
        }
    }
    assert!(wrong.is_empty(), "these touch the world outside: {wrong:#?}");
}

#[test]
fn sql_stands_in_the_store_alone_and_unsafe_nowhere() {
    for Source { path, code } in sources() {
        // Connections may be handed through; what is asked of them is the store's.
        let sql = ["sqlx::query", "QueryBuilder", "SELECT ", "INSERT INTO", "DELETE FROM"];
        if let Some(met) = sql.iter().find(|sql| code.contains(**sql)).filter(|_| module(&path) != "store") {
            panic!("{path} holds SQL ({met})");
        }
        let allowed = code.contains("allow(unsafe_code)") || code.contains("unsafe {") || code.contains("unsafe fn");
        assert!(!allowed, "{path} is unsafe");
    }
    let manifest = std::fs::read_to_string(repository("Cargo.toml")).unwrap();
    assert!(manifest.contains("unsafe_code = \"forbid\""));
}

/// The readings above are worth something only if they see what they should.
#[test]
fn the_reader_sees_every_spelling() {
    let source = |path: &str, text: &str| Source { path: path.to_owned(), code: code(text) };
    let seen = |path, text| uses(&source(path, text)).into_iter().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(seen("record/a.rs", "use crate::store::log;"), ["store"]);
    assert_eq!(seen("record/a.rs", "use crate::{feed::{Hash, note}, node,\n    web::error};"), ["feed", "node", "web"]);
    assert_eq!(seen("record/a.rs", "fn f() { super::super::peer::g() }"), ["peer"]);
    assert_eq!(seen("record/mod.rs", "use super::peer;"), ["peer"]);
    assert_eq!(
        seen("record/a.rs", "use super::peer;\n// crate::web\n//! crate::node\nlet a = 1; // crate::cli\n"),
        [""; 0]
    );
    assert_eq!(seen("record/a.rs", "#[cfg(test)]\nmod tests {\n    use crate::node;\n}"), [""; 0]);
}
