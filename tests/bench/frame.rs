//! A nation's frame: built, frozen, and exported in every format. CPU time as well as the clock: machines are shared.

use crate::search::ticks;
use crate::{hub, part, records};
use mutuald::exchange::frame::Format;
use mutuald::frame::definition::Definition;
use mutuald::frame::profile::Profile;
use mutuald::node::author::Draft;
use mutuald::node::demo::invent;
use mutuald::node::frames::{self, Plan, export, verify};
use mutuald::record::statement::{Body, Kind};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

pub fn frame(folder: &Path) {
    let home = folder.join("framed");
    part(&["frame-publish", home.to_str().unwrap(), &records().to_string()]);
    print!("{}", part(&["frame", home.to_str().unwrap(), folder.to_str().unwrap()]));
}

/// Puts invented groups of which every criterion is known, so that every one is a unit.
pub async fn publish(folder: &Path, upto: usize) {
    let hub = hub::open(folder, true).await;
    let criteria = invent::nottingham(1)[0].criteria.clone();
    let draft = |(n, mut group): (usize, mutuald::record::Group)| {
        group.criteria = criteria.clone();
        Draft { id: hub::id(n), rev: 1, body: Body::Put(Kind::Record), public: Some(group.json()) }
    };
    let drafts: Vec<Draft> = invent::many(7, upto, 0).enumerate().map(draft).collect();
    hub.say(&drafts).await.unwrap();
}

/// Times each step. Wanted: build and freeze within 3 s together, an export within 2 s.
pub async fn measure(home: &Path, out: &Path) {
    let hub = hub::open(home, true).await;
    let me = std::process::id();
    let mut last = (Instant::now(), ticks(me));
    let mut step = |what: &str| {
        let now = (Instant::now(), ticks(me));
        let (clock, cpu) = ((now.0 - last.0).as_secs_f64(), (now.1 - last.1) as f64 / 100.0);
        println!(
            "frame     {what:<28} {clock:>6.2} s, {cpu:>6.2} s of CPU, {} MB at most so far",
            hub::peak_kib() / 1024
        );
        last = (Instant::now(), ticks(me));
    };
    let definition = Definition {
        sample_frame_name: "nation".into(),
        labl: None,
        txt: None,
        valid_period: None,
        custodian: "Bench Hub".into(),
        use_stmt: None,
        universe: "All invented groups".into(),
        unit_type: "group".into(),
        reference_period: "2026-11-22".into(),
        update_procedure: "none".into(),
        area: Vec::new(),
        as_of: "2026-11-22".parse().unwrap(),
        sources: Vec::new(),
        roll_up: "esteem2013".into(),
        policy: "-".into(),
        registry: "-".into(),
    };
    let plan = Plan { definition, profile: Profile::shipped("seebohm2013").unwrap() };
    let frame = hub.build_frame(&plan).await.unwrap();
    step(&format!("build ({} units)", frame.units().count()));
    let frozen = out.join("frozen");
    hub.freeze_frame(frame, &frozen).await.unwrap();
    step("freeze");
    assert!(verify::verify(&frames::read(&frozen).unwrap()).findings.is_empty());
    step("verify");
    hub.report_frame(&plan).await.unwrap();
    step("report");
    let formats =
        [Format::Package, Format::Xlsx, Format::Parquet, Format::Ddi, Format::Csvw, Format::RoCrate, Format::All];
    for format in formats {
        let to = out.join(format!("{format:?}"));
        let done = export::export(&frozen, None, &BTreeSet::from([format]), Some(&to)).unwrap();
        let bytes: u64 = done.files.iter().map(|file| file.bytes).sum();
        step(&format!("export {format:?} ({} MB)", bytes >> 20));
    }
}
