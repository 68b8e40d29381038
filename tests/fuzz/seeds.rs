//! What targets begin with: the frozen feeds, fixtures of attacks and imports, and signed bytes made on the spot.

use mutuald::feed::note::{ED25519, LogKeys, SigningKey};
use std::path::{Path, PathBuf};

/// Keys that everything signed here is signed with: a target can so reach what lies behind a signature.
pub fn keys() -> LogKeys {
    LogKeys::from_seed("feed.example/1", &[7; 32])
}

/// A root key.
pub fn root(n: u8) -> SigningKey {
    SigningKey::new(&format!("root-{n}"), ED25519, &[n; 32])
}

fn base() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The files of a folder, up to a size that a fuzzer can still change usefully.
pub fn folder(path: &str) -> Vec<Vec<u8>> {
    let mut found: Vec<(PathBuf, Vec<u8>)> = Vec::new();
    let mut open = vec![base().join(path)];
    while let Some(path) = open.pop() {
        match std::fs::read_dir(&path) {
            Ok(entries) => open.extend(entries.map(|entry| entry.expect("a file").path())),
            Err(_) => found.push((path.clone(), std::fs::read(&path).expect("a fixture"))),
        }
    }
    found.sort();
    found.into_iter().map(|(_, bytes)| bytes).filter(|bytes| bytes.len() < 64 << 10).collect()
}

/// One file.
pub fn file(path: &str) -> Vec<u8> {
    std::fs::read(base().join(path)).expect("a fixture")
}

/// The leaves of the frozen feed, as their notes.
pub fn leaves() -> Vec<Vec<u8>> {
    let bundle = file("schema/vectors/golden-0.1.0/v1/1/tile/entries/000.p/12");
    mutuald::feed::tile::read_entries(&bundle, 12).expect("a frozen bundle").into_iter().map(<[u8]>::to_vec).collect()
}

/// The texts of those leaves: what their signatures cover.
pub fn statements() -> Vec<Vec<u8>> {
    let text = |leaf: &Vec<u8>| {
        let split = leaf.windows(2).rposition(|two| two == b"\n\n").expect("a note");
        leaf[..=split].to_vec()
    };
    let mut all: Vec<Vec<u8>> = leaves().iter().map(text).collect();
    let (hub, a, b) =
        ("h-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "3a9afa8c-9841-4d2f-8e7a-e061aed1ef68", "7b9afa8c-9841-4d2f-8e7a-e061aed1ef68");
    let head = |kind: &str| format!("groups-feed/v1 {kind}\n{{\"id\":\"{a}\",\"rev\":1,\"at\":\"2026-08-05T15:04:00Z\",");
    for (kind, rest) in [
        ("link", format!(r#""op":"put","a":["{hub}","{a}"],"b":["{hub}","{b}"],"judgement":"same"}}"#)),
        (
            "choose",
            format!(
                r#""op":"put","on":["{hub}","{a}"],"field":"name","prefer":["{hub}","{b}",2],"over":[["{hub}","{a}",1],["{hub}","{b}",2]]}}"#
            ),
        ),
        ("choose", format!(r#""op":"put","on":["{hub}","{a}"],"field":"when","prefer":"unresolved","over":[]}}"#)),
        ("record", r#""op":"erase","upto":17,"parts":["public","contact"]}"#.to_owned()),
        ("record", r#""op":"erase","upto":17,"parts":"*"}"#.to_owned()),
        ("record", r#""op":"affirm","assured":{"date":"2026-08-01","method":"phone","by":"hub"}}"#.to_owned()),
        ("record", r#""op":"withdraw"}"#.to_owned()),
        ("safety", format!(r#""op":"put","on":["{hub}","{a}"],"level":"approximate"}}"#)),
        (
            "safety",
            format!(r#""op":"lower","on":["{hub}","{a}"],"level":"open","by":"trustee","confirmed":"hub-worker"}}"#),
        ),
        ("record", format!(r#""op":"put","replaces":["{hub}","{b}"],"parts":{{}}}}"#)),
        ("ack", format!(r#""op":"put","origin":"feed.example/1","size":9,"erased":2}}"#)),
        ("hub", r#""op":"put","version":1,"digest":"XVGG-qnZ-uiG0Gt77bd7xpE8y7E1tv9Qsr9y9r0YKA8"}"#.to_owned()),
        ("record", r#""op":"put","crit":["later"],"later":1}"#.to_owned()),
    ] {
        all.push(format!("{}{rest}\n", head(kind)).into_bytes());
    }
    all
}

/// The part lines of the frozen feeds.
pub fn lines() -> Vec<Vec<u8>> {
    let bundle = file("schema/vectors/golden-0.1.0/v1/1/part/public/000.p/12");
    bundle.split(|b| *b == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect()
}
