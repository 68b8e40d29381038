//! Keys as people handle them: by commands, files, paper, and several holders.

use crate::support::command::{Desk, run};
use mutuald::feed::{Checkpoint, LogKeys};
use serde_json::json;
use std::os::unix::fs::PermissionsExt;

fn text(file: &std::path::Path) -> String {
    std::fs::read_to_string(file).unwrap()
}

/// Nothing is changed before `--commit`; then a new list begins, and the old key is not needed again.
#[test]
fn a_key_is_rotated_after_a_look() {
    let desk = Desk::new("First Hub");
    let keys = desk.file("mutuald-state/keys");
    let shown = desk.run(&["key", "show", "--json"]).json(0);
    assert_eq!((shown["version"].clone(), shown["threshold"].clone()), (json!(1), json!(1)));
    assert!(desk.run(&["key", "show"]).ended(0).contains("still here"), "a root key on the hub's machine is said");
    let before = desk.digest();
    let look = desk.run(&["key", "rotate"]).ended(0);
    assert!(look.contains("Nothing was changed") && look.contains("first-hub.example.org/2"), "{look}");
    assert!(!keys.join("log-2.key").exists());
    assert_eq!(desk.run(&["key", "show", "--json"]).json(0)["version"], json!(1));

    // The root key lies on a stick, as it should.
    let stick = desk.file("stick.key");
    std::fs::rename(keys.join("root-a.key"), &stick).unwrap();
    let failed = desk.run(&["key", "rotate", "--commit"]).failed(2);
    assert!(failed.contains("first-hub.example.org-root-a"), "{failed}");
    let done = desk.run(&["key", "rotate", "--root", "stick.key", "--commit", "--json"]).json(0);
    assert_eq!(done["version"], json!(2));
    assert_eq!(desk.digest()["digest"], before["digest"]);
    std::fs::remove_file(keys.join("log-1.key")).unwrap();
    let shown = desk.run(&["key", "show", "--json"]).json(0);
    assert_eq!(shown["lists"][0]["closed_at"], json!(2));
    assert_eq!(desk.run(&["verify", "mutuald-state/feed", "--json"]).json(0)["problems"], json!([]));
    assert_eq!(desk.run(&["registry", "check", "--json"]).json(0)["findings"], json!([]));
    let secret = text(&stick);
    for shown in ["key show", "status", "key rotate"] {
        let ran = desk.run(&shown.split(' ').collect::<Vec<_>>());
        assert!(!ran.out.contains(secret.trim()) && !ran.err.contains(secret.trim()), "{shown} tells a secret");
    }
}

/// Two of three must sign from now on: each on a machine of their own, one after another.
#[test]
fn several_people_hold_the_root() {
    let (desk, elsewhere) = (Desk::new("First Hub"), tempfile::tempdir().unwrap());
    let vkey = |name: &str| {
        let made = run(elsewhere.path(), &["key", "init", &format!("{name}.key"), "--name", name, "--json"]).json(0);
        made["vkey"].as_str().unwrap().to_owned()
    };
    let (b, c) = (vkey("root-b"), vkey("root-c"));
    let a = desk.run(&["key", "show", "--json"]).json(0)["roots"][0]["vkey"].as_str().unwrap().to_owned();
    let roots = ["key", "roots", "--threshold", "2", "--key", &a, "--key", &b, "--key", &c];
    let draft = elsewhere.path().join("draft");
    let draft = draft.to_str().unwrap();
    let out = desk.run(&[&roots[..], &["--out", draft]].concat()).ended(0);
    assert!(out.contains("2 of") && out.contains("1 signature"), "{out}");
    let early = desk.run(&["key", "apply", draft]).failed(1);
    assert!(early.contains("2 of its root keys"), "{early}");
    // Whoever signs reads first what it is.
    let said = run(elsewhere.path(), &["key", "sign", "draft"]).ended(0);
    for words in ["Nothing was signed", "version 2 of First Hub", "2 of 3 must sign", "root-c", "is in use", &desk.id] {
        assert!(said.contains(words), "{words}: {said}");
    }
    run(elsewhere.path(), &["key", "sign", "root-b.key"]).failed(2);
    let said = run(elsewhere.path(), &["key", "sign", "draft", "--root", "root-b.key"]).ended(0);
    assert!(said.contains("root-b has signed") && said.contains("2 signatures") && said.contains("2 of 3"), "{said}");
    run(elsewhere.path(), &["key", "sign", "draft", "--root", "root-b.key"]).ended(0); // twice is once
    assert_eq!(desk.run(&["key", "apply", draft, "--json"]).json(0)["version"], json!(2));
    assert_eq!(desk.run(&["key", "show", "--json"]).json(0)["threshold"], json!(2));
    // From now on one is too few, and a stranger's is none.
    assert!(desk.run(&["key", "renew", "--years", "3", "--commit"]).failed(2).contains("too few"));
    vkey("stranger");
    run(elsewhere.path(), &["key", "sign", "draft", "--root", "stranger.key"]).failed(2);
    let files = ["--root", "b.key", "--root", "c.key"];
    for name in ["b", "c"] {
        std::fs::copy(elsewhere.path().join(format!("root-{name}.key")), desk.file(&format!("{name}.key"))).unwrap();
    }
    let done = desk.run(&[&["key", "renew", "--years", "3", "--commit", "--json"][..], &files].concat()).json(0);
    assert_eq!(done["version"], json!(3));
}

/// A key on paper: printed with check digits, typed in again. Files that others can read are refused; a service's
/// credentials go before the folder.
#[test]
fn keys_on_paper_in_files_and_as_credentials() {
    let desk = Desk::new("First Hub");
    let key = desk.file("mutuald-state/keys/log-1.key");
    let printed = desk.run(&["key", "backup"]).ended(0);
    let digits: String = printed.lines().skip(1).map(|line| format!("{line}\n")).collect();
    let again = |digits: &str, name: &str| {
        use std::io::Write;
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_mutuald"))
            .args(["key", "restore", name])
            .current_dir(desk.file(""))
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(digits.as_bytes()).unwrap();
        child.wait().unwrap().code()
    };
    assert_eq!(again(&digits, "typed.key"), Some(0));
    assert_eq!(text(&desk.file("typed.key")), text(&key));
    assert_eq!(std::fs::metadata(desk.file("typed.key")).unwrap().permissions().mode() & 0o777, 0o600);
    let slip = if digits.starts_with('0') { digits.replacen('0', "1", 1) } else { format!("0{}", &digits[1..]) };
    assert_eq!(again(&slip, "slip.key"), Some(2));
    assert!(!desk.file("slip.key").exists());

    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o640)).unwrap();
    let refused = desk.run(&["status"]).failed(1);
    assert!(refused.contains("can be read by others"), "{refused}");
    // As systemd hands it over.
    let given = tempfile::tempdir().unwrap();
    std::fs::rename(desk.file("typed.key"), given.path().join("log-1.key")).unwrap();
    let ran = std::process::Command::new(env!("CARGO_BIN_EXE_mutuald"))
        .args(["status"])
        .current_dir(desk.file(""))
        .env("CREDENTIALS_DIRECTORY", given.path())
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

/// Two notes prove a fork to whoever has the list's key, and nothing else does.
#[test]
fn a_fork_is_checked_by_anybody() {
    let folder = tempfile::tempdir().unwrap();
    let keys = LogKeys::from_seed("feed.example/1", &[7; 32]);
    let other = LogKeys::from_seed("feed.example/1", &[8; 32]);
    let note = |name: &str, size, root, keys: &LogKeys| {
        std::fs::write(folder.path().join(name), Checkpoint { size, root: [root; 32], time: 9 }.sign(keys)).unwrap();
    };
    note("one", 5, 1, &keys);
    note("other", 5, 2, &keys);
    note("longer", 6, 2, &keys);
    note("forged", 5, 2, &other);
    let key = keys.log.public().to_string();
    let proven = |a: &str, b: &str| {
        let ran = run(folder.path(), &["verify", "--fork", a, b, "--key", &key, "--json"]);
        let status = ran.status;
        assert_eq!(status == 0, ran.out.contains("true"), "{ran:?}");
        status
    };
    assert_eq!(proven("one", "other"), 0);
    for (a, b) in [("one", "one"), ("one", "longer"), ("one", "forged")] {
        assert_eq!(proven(a, b), 1, "{a} {b}");
    }
    run(folder.path(), &["verify", "--fork", "one", "other"]).failed(2);
}
