//! A frame that every export is made of, its draws by every design, and an export of them in memory or in a folder.

use mutuald::exchange::frame::{Export, Format, Origin, Written};
use mutuald::frame::definition::{Definition, Period};
use mutuald::frame::draw::{Commitment, Design, Draw, Request, Size, draw};
use mutuald::frame::eligibility::{Decision, Fact, Facts, Verdict};
use mutuald::frame::flow::Apart;
use mutuald::frame::frozen::{Candidate, Frame, build};
use mutuald::frame::profile::Profile;
use mutuald::frame::sample::allocate::Rule;
use mutuald::frame::sample::quota::esteem;
use mutuald::record::{HubId, RecordRef};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::{Arc, Mutex};
use uuid::Uuid;

pub fn day(text: &str) -> jiff::civil::Date {
    text.parse().unwrap()
}

pub fn definition() -> Definition {
    Definition {
        sample_frame_name: "nottingham-2026".into(),
        labl: Some("Groups in and near Nottingham".into()),
        txt: Some("Made for the tests: \"quoted\", <angled> & with an é.".into()),
        valid_period: Some(Period { from: day("2026-07-01"), to: day("2027-06-30") }),
        custodian: "Nottingham Hub".into(),
        use_stmt: Some("Research on groups, with ethical approval.".into()),
        universe: "Self-help/mutual aid groups that meet in Nottingham".into(),
        unit_type: "group".into(),
        reference_period: "2026-06-30".into(),
        update_procedure: "Built anew each year".into(),
        area: vec!["E0".into()],
        as_of: day("2026-06-30"),
        sources: Vec::new(),
        roll_up: "esteem2013".into(),
        policy: "0".repeat(64),
        registry: "1".repeat(64),
    }
}

fn record(n: usize) -> RecordRef {
    // The ids of units are not in the order in which they are made.
    RecordRef {
        hub: HubId([1; 20]),
        rec: Uuid::from_u128((n as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)),
    }
}

/// A list that is called after a person: its name may not leave.
pub const PERSONS_LIST: &str = "Mrs Jane Smith's list";
/// What somebody wrote when deciding: words stay in the frame.
pub const WORDS: &str = "qzxvorblat: the coordinator was telephoned twice";

/// A frame of which `n` groups were judged, four in five of them units, of three areas, with one to four sources.
pub fn frame(n: usize) -> Frame {
    let sources = ["County Library", "=cmd list", PERSONS_LIST, "Website, the \"old\" one"];
    let facts = |at: usize| {
        let mut criteria: BTreeMap<String, Fact> = BTreeMap::new();
        for name in ["shared-experience", "mutual-support-primary", "members-control", "voluntary"] {
            criteria.insert(name.into(), Fact { value: "met".into(), date: Some(day("2026-01-10")) });
        }
        let steps = if at % 10 == 6 { "met" } else { "not_met" };
        criteria.insert("prescribed-programme".into(), Fact { value: steps.into(), date: None });
        if at % 10 == 7 {
            criteria.insert("voluntary".into(), Fact { value: "unknown".into(), date: None });
        }
        let area = ["E06000018", "E07000066", "E07000172"][at % 3];
        Facts { area: Some(area.into()), state: Some("active".into()), since: Some(day("2020-02-29")), criteria }
    };
    let values = |at: usize| {
        let of = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<BTreeSet<_>>();
        let focus: &[&str] =
            [&["physical-ill-health"][..], &["mental-ill-health", "social-isolation"], &["social-isolation"]][at % 3];
        let mut all = BTreeMap::from([("focus".to_owned(), of(focus))]);
        all.insert("age".into(), of(&[if at.is_multiple_of(4) { "new" } else { "established" }]));
        if !at.is_multiple_of(5) {
            all.insert("affiliation".into(), of(&[if at.is_multiple_of(2) { "affiliated" } else { "independent" }]));
        }
        if at.is_multiple_of(7) {
            all.insert("community".into(), of(&["bame"]));
        }
        all
    };
    let candidates = (0..n).map(|at| Candidate {
        id: record(at),
        records: std::iter::once((record(at), 1))
            .chain(
                (0..at % 4)
                    .map(|more| (RecordRef { hub: HubId([2; 20]), rec: Uuid::from_u128((at * 10 + more) as u128) }, 1)),
            )
            .collect(),
        copies: Vec::new(),
        facts: facts(at),
        values: values(at),
        sources: sources[..=(at * at + at / 3) % 4]
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
        assured: (!at.is_multiple_of(6)).then(|| day("2026-05-01")),
        listed: true,
    });
    let decision = Decision {
        on: record(7),
        date: day("2026-06-01"),
        verdict: Verdict::Include,
        hub: HubId([1; 20]),
        role: "researcher".into(),
        why: WORDS.into(),
    };
    let apart = [(Apart::Withdrawn, 3), (Apart::Withheld, 2)];
    build(definition(), Profile::shipped("seebohm2013").unwrap(), candidates, &apart, [decision]).unwrap()
}

pub fn origin(frame: &Frame) -> Origin {
    Origin {
        digest: frame.digest(),
        frozen: "2026-07-01T10:00:00Z".parse().unwrap(),
        hub: HubId([1; 20]),
        hub_name: "Nottingham Hub".into(),
        licence: "CC-BY-4.0".into(),
    }
}

pub fn drawn(frame: &Frame, design: Design) -> Draw {
    let digest = frame.digest();
    let commitment = Commitment {
        seed: "314159".into(),
        how: "Six dice, thrown at the hub's annual meeting.".into(),
        hub: HubId([1; 20]),
        at: "2026-07-02T10:00:00Z".parse().unwrap(),
        frozen: "2026-07-01T10:00:00Z".parse().unwrap(),
        frame: digest.clone(),
    };
    let study = "ESTEEM again".into();
    let (part, spared) = Default::default();
    let request = Request { study, commitment, design, line: None, reserve: 5, redraw: None, part, spared };
    draw(frame, &digest, request).unwrap()
}

/// Every design, by name. Sizes differ widely in one, so that units are certain; in another so little that every pair can be drawn.
pub fn designs(frame: &Frame) -> Vec<(&'static str, Design)> {
    let n = 12;
    let by = vec!["area".to_owned()];
    let steep = frame
        .units()
        .enumerate()
        .map(|(at, row)| (row.id.to_string(), if at % 17 == 0 { 90.0 } else { 1.0 + (at % 5) as f64 }));
    let even = frame.units().enumerate().map(|(at, row)| (row.id.to_string(), 1.0 + (at % 3) as f64 / 10.0));
    let stratified = |rule| Design::Stratified { by: by.clone(), rule, n, minimum: 2, deviations: BTreeMap::new() };
    vec![
        ("simple", Design::Simple { n }),
        ("equal", stratified(Rule::Equal)),
        ("proportional", stratified(Rule::Proportional)),
        ("systematic", Design::Systematic { sort: by.clone(), n }),
        ("pps", Design::SystematicPps { sort: by.clone(), size: Size::Sources, n }),
        // Only where every unit has more than an even chance can every pair be in one systematic sample.
        (
            "pps-pairs",
            Design::SystematicPps {
                sort: Vec::new(),
                size: Size::Given(even.collect()),
                n: frame.units().count() * 2 / 3,
            },
        ),
        ("pareto", Design::ParetoPps { size: Size::Sources, n }),
        ("pareto-certain", Design::ParetoPps { size: Size::Given(steep.collect()), n }),
        ("quota", Design::Quota { quotas: esteem(), n, overrides: Vec::new() }),
    ]
}

pub type Files = BTreeMap<String, Vec<u8>>;

/// Bytes that a test gets to see.
struct Kept(Arc<Mutex<Files>>, String);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().entry(self.1.clone()).or_default().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

pub fn written(frame: &Frame, draw: Option<&Draw>, format: Format) -> (Vec<Written>, Files) {
    let files: Arc<Mutex<Files>> = Arc::default();
    let export = Export::new(frame, draw.map(|draw| ("draws/1.txt", draw)), origin(frame)).unwrap();
    let listed = export
        .write(&BTreeSet::from([format]), &mut |name| Ok(Box::new(Kept(files.clone(), name.to_owned()))))
        .unwrap();
    let files = std::mem::take(&mut *files.lock().unwrap());
    (listed, files)
}

pub fn put(frame: &Frame, draw: Option<&Draw>, format: Format) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in written(frame, draw, format).1 {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    folder
}
