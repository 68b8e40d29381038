//! Frozen frames, draws and seals that another hub hands over, frame parts in feeds, profiles, and tables of capture histories.

use crate::{Target, seeds, twice};
use mutuald::frame::coverage;
use mutuald::frame::draw::{self, Draw};
use mutuald::frame::frozen::Frame;
use mutuald::frame::profile::Profile;
use mutuald::frame::sample::estimate::Confidence;
use mutuald::frame::ticket::Ticket;
use mutuald::node::frames::seal::{self, Seal};
use mutuald::node::frames::verify;
use mutuald::record::{FramePart, part};
use std::collections::BTreeMap;

pub const TARGETS: &[Target] = &[
    Target { name: "frame", run: frame, seeds: || vec![golden("frame.txt")] },
    Target { name: "frame-draw", run: drawn, seeds: draws },
    Target { name: "frame-seal", run: sealed, seeds: || vec![golden("seal.txt")] },
    Target { name: "frame-folder", run: folder, seeds: folders },
    Target { name: "frame-part", run: frame_part, seeds: frame_parts },
    Target { name: "frame-profile", run: profile, seeds: || seeds::folder("schema/profiles") },
    Target { name: "capture-table", run: captured, seeds: captures },
];

const NAMES: [&str; 4] = ["frame.txt", "hub-1.txt", "marks.txt", "seal.txt"];

fn golden(file: &str) -> Vec<u8> {
    seeds::file(&format!("schema/vectors/golden-frame/frozen/{file}"))
}

/// A frame that is accepted is its bytes.
fn frame(data: &[u8]) {
    if let Ok(met) = twice(|| Frame::read(data)) {
        assert_eq!(met.text(), data, "one frame, one form");
        assert!(met.rows.len() <= data.len() && met.units().count() <= met.rows.len());
    }
}

fn draws() -> Vec<Vec<u8>> {
    let digest = Frame::read(&golden("frame.txt")).expect("the frozen frame").digest();
    let commitment = format!(
        r#"{{"seed":"4 6 1 1 2","how":"dice","hub":"h-xqominxzideliqztkrdjj56g3ulqk7y2","at":"2026-11-22T10:00:00Z","frozen":"2026-11-22T09:00:00Z","frame":"{digest}"}}"#
    );
    let designs = [
        r#"{"simple":{"n":2}}"#,
        r#"{"stratified":{"by":["area"],"rule":"neyman","n":2,"minimum":1,"deviations":{"E07000174":2.5}}}"#,
        r#"{"stratified":{"by":["focus","age"],"rule":"proportional","n":2,"minimum":0}}"#,
        r#"{"systematic":{"sort":["area"],"n":2}}"#,
        r#"{"systematic-pps":{"sort":[],"size":"sources","n":1}}"#,
        r#"{"pareto-pps":{"size":"sources","n":2}}"#,
        r#"{"quota":{"quotas":[{"dimension":"area","value":"E07000174","at_least":1}],"n":2}}"#,
    ];
    let text = |design: &str, more: &str| {
        let request = format!(
            r#"{{"request":{{"study":"s","commitment":{commitment},"design":{design},"reserve":2{more}}}}}"#
        );
        format!("{}\n{request}\n", draw::HEADER).into_bytes()
    };
    let mut all: Vec<Vec<u8>> = designs.iter().map(|design| text(design, "")).collect();
    all.push(text(designs[0], r#","line":"0.5","part":["E0700017"]"#));
    all.push(text(designs[6], r#","spared":["x"]"#));
    all
}

/// A draw that is accepted is its bytes, takes no unit twice and none that the frame does not have.
fn drawn(data: &[u8]) {
    thread_local!(static FRAME: (Frame, String) = {
        let frame = Frame::read(&golden("frame.txt")).expect("the frozen frame");
        let digest = frame.digest();
        (frame, digest)
    });
    FRAME.with(|(frame, digest)| {
        if let Ok(met) = twice(|| Draw::replay(frame, digest, data)) {
            assert_eq!(met.text(), data, "one draw, one form");
            assert!(met.base.len() + met.reserve.len() <= frame.rows.len(), "a unit is drawn twice");
        }
    });
    if let Ok(text) = std::str::from_utf8(data) {
        twice(|| Ticket::read(text).is_some());
    }
}

/// A seal that is read is its text, and begins as nothing else does that is signed.
fn sealed(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let text = text.split("\n\n").next().map(|text| format!("{text}\n")).unwrap_or_default();
    for text in [text.as_str(), std::str::from_utf8(data).unwrap_or_default()] {
        if let Some(met) = twice(|| Seal::read(text)) {
            assert_eq!(met.text(), text);
            assert!(text.starts_with(seal::HEADER));
        }
    }
}

fn folders() -> Vec<Vec<u8>> {
    (0..NAMES.len()).map(|at| [&[at as u8][..], &golden(NAMES[at])].concat()).chain([vec![9, b'x']]).collect()
}

/// A folder in which one file is another is never found sound: everything is signed.
fn folder(data: &[u8]) {
    let Some((at, bytes)) = data.split_first() else { return };
    let name = NAMES.get(usize::from(*at)).map_or("draws/1.txt", |name| name);
    let mut files: BTreeMap<String, Vec<u8>> = NAMES.iter().map(|name| ((*name).to_owned(), golden(name))).collect();
    let before = files.insert(name.to_owned(), bytes.to_vec());
    let met = twice(|| verify::verify(&files));
    if before.as_deref() != Some(bytes) {
        // More signatures under a note that others need not know change nothing.
        assert!(!met.findings.is_empty() || matches!(name, "hub-1.txt" | "seal.txt"), "{name} was changed, and nothing is found");
    } else {
        assert!(met.findings.is_empty(), "{:?}", met.findings);
    }
}

fn frame_parts() -> Vec<Vec<u8>> {
    let bundle = String::from_utf8(seeds::file("schema/vectors/golden-frame/v1/1/part/public/000.p/6")).expect("text");
    bundle.lines().filter_map(part::json).map(|json| json.as_bytes().to_vec()).collect()
}

/// What a frame part says is the same when it is written again.
fn frame_part(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(met) = twice(|| FramePart::read(text)) else { return };
    let again = serde_json::to_string(&met).expect("a part is written");
    assert_eq!(FramePart::read(&again).as_ref(), Ok(&met), "what we write we read");
}

/// A profile that is sound is judged by in the same way each time.
fn profile(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _ = twice(|| Profile::read(text));
}

fn captures() -> Vec<Vec<u8>> {
    [
        "a,b,count\n1,0,12\n0,1,9\n1,1,4\n",
        "a,b,c,count\n1,0,0,20\n0,1,0,14\n0,0,1,11\n1,1,0,6\n1,0,1,5\n0,1,1,4\n1,1,1,3\n",
        "one,two\n1,1\n1,0\n0,1\n",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

/// What a table says of how many all lists miss is a number or a refusal, and never less than was seen.
fn captured(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(table) = twice(|| coverage::file::read(text)) else { return };
    // A separator more than there are letters beside it.
    assert!(table.lists.len() <= text.len() + 1);
    if table.lists.len() > 4 {
        return;
    }
    let _ = twice(|| coverage::bound::sample_coverage(&table));
    let _ = twice(|| coverage::assess(&table, Confidence::NinetyFive));
}
