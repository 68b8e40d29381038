//! The demonstration, as the README has a newcomer run it: four real daemons, which end by themselves with `--once`.

use crate::support::command::run;
use crate::support::feed::repository;
use serde_json::json;
use std::process::Command;

/// The hubs of the demonstration that publish, and how many statements each signs: its hub document, its own list, its lists, its
/// records.
const PUBLISHERS: [(&str, u64); 3] = [("nottingham", 205), ("essex", 41), ("derbyshire", 63)];

#[test]
fn the_demonstration_ends_with_four_hubs_that_agree() {
    let folder = tempfile::tempdir().unwrap();
    let ran = run(folder.path(), &["demo", "--once", "--keep", "hubs"]);
    // It is talk: nothing of it is a result to be piped on.
    assert_eq!((ran.status, ran.out.as_str()), (0, ""), "{}", ran.err);
    let told = ran.err;
    assert!(told.contains("Nottingham  signed 202 records"), "{told}");

    let digests: Vec<&str> =
        told.lines().filter_map(|line| line.split_once("; digest ")).map(|(_, digest)| digest).collect();
    assert_eq!(digests.len(), 4, "{told}");
    assert!(digests.iter().all(|digest| *digest == digests[0]), "{told}");
    let research = told.lines().find(|line| line.starts_with("Research ") && line.contains("digest")).unwrap();
    assert!(research.contains(" are 286 groups"), "{research}");

    // What they left is whole: every feed for anybody, every registry for its own people.
    for (name, size) in PUBLISHERS {
        let feed = format!("hubs/{name}/state/feed");
        let audit = run(folder.path(), &["verify", &feed, "--json"]).json(0);
        assert_eq!((&audit["size"], &audit["problems"]), (&json!(size), &json!([])), "{name}: {audit}");
    }
    for name in ["nottingham", "essex", "derbyshire", "research"] {
        let config = format!("hubs/{name}/hub.toml");
        let found = run(folder.path(), &["--config", &config, "registry", "check", "--json"]).json(0);
        assert_eq!(found["findings"], json!([]), "{name}");
    }
    let own = |status: &serde_json::Value| status["own_records"].clone();
    let status = run(folder.path(), &["--config", "hubs/nottingham/hub.toml", "status", "--json"]).json(0);
    assert_eq!(own(&status), json!(202));
    let status = run(folder.path(), &["--config", "hubs/research/hub.toml", "status", "--json"]).json(0);
    assert_eq!((own(&status), &status["groups"], &status["feed"]), (json!(0), &json!(286), &json!(null)));
    assert!(!folder.path().join("hubs/research/state/feed").exists(), "it publishes nothing");

    outsiders(folder.path());
}

/// The three feeds, to verifiers that are not ours.
fn outsiders(folder: &std::path::Path) {
    if std::env::var_os("MUTUALD_OUTSIDE").is_none_or(|value| value != "1") {
        eprintln!(
            "SKIP the demonstration's feeds are shown to no outside verifier: MUTUALD_OUTSIDE is not 1 (tests/run sets it)"
        );
        return;
    }
    for (name, _) in PUBLISHERS {
        for more in [&[][..], &["--without-parts"]] {
            let feed = folder.join("hubs").join(name).join("state/feed");
            let output =
                Command::new(repository("tests/outside/verify-feed.sh")).arg(&feed).args(more).output().unwrap();
            let said =
                format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            if output.status.code() == Some(3) {
                eprintln!("SKIP no verifier is installed: the demonstration's feeds were shown to none");
                return;
            }
            assert!(output.status.success(), "{name} {more:?}: {said}");
        }
    }
}
