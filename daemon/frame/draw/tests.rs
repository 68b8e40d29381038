use super::*;
use crate::frame::frozen::tests::{candidates, definition, profile};
use crate::frame::frozen::{Candidate, build};
use crate::frame::sample::allocate::Rule;
use crate::frame::sample::quota::esteem;
use crate::record::HubId;
use proptest::prelude::*;

/// The frame of forty groups with values and sources; of its units every third is in Essex.
fn frame() -> Frame {
    let mut definition = definition();
    definition.area = vec!["E0".into()];
    let mut all = candidates();
    for (at, one) in all.iter_mut().enumerate() {
        if at % 3 == 0 && one.facts.area.as_deref() == Some("E06000018") {
            one.facts.area = Some("E07000066".into());
        }
        let focus = ["physical-ill-health", "mental-ill-health", "social-isolation"][at % 3];
        one.values.entry("focus".into()).or_default().insert(focus.into());
        one.sources = (0..=at % 4).map(|source| format!("source {source}")).collect();
    }
    build(definition, profile(), all, &[], []).unwrap()
}

fn request(frame: &str, design: Design) -> Request {
    Request {
        study: "ESTEEM again".into(),
        commitment: Commitment {
            seed: "314159".into(),
            how: "Six dice, thrown at the hub's annual meeting.".into(),
            hub: HubId([1; 20]),
            at: "2026-07-02T10:00:00Z".parse().unwrap(),
            frozen: "2026-07-01T10:00:00Z".parse().unwrap(),
            frame: frame.into(),
        },
        design,
        line: None,
        reserve: 5,
        redraw: None,
    }
}

fn designs(frame: &Frame) -> Vec<Design> {
    let given = frame.units().enumerate().map(|(at, row)| (row.id.to_string(), 1.0 + at as f64)).collect();
    let by = vec!["area".to_owned()];
    let deviations = BTreeMap::from([("E06000018".to_owned(), 2.0), ("E07000066".to_owned(), 7.0)]);
    let stratified = |rule, deviations| Design::Stratified { by: by.clone(), rule, n: 8, minimum: 2, deviations };
    vec![
        Design::Simple { n: 8 },
        stratified(Rule::Equal, BTreeMap::new()),
        stratified(Rule::Proportional, BTreeMap::new()),
        stratified(Rule::Neyman, deviations),
        Design::Systematic { sort: vec!["area".into(), "focus".into()], n: 8 },
        Design::SystematicPps { sort: by.clone(), size: Size::Given(given), n: 8 },
        Design::SystematicPps { sort: by, size: Size::Sources, n: 8 },
        Design::ParetoPps { size: Size::Sources, n: 8 },
        Design::Quota { quotas: esteem(), n: 8, overrides: Vec::new() },
    ]
}

#[test]
fn every_design_is_drawn_and_drawn_again_to_the_same_bytes() {
    let frame = frame();
    let digest = frame.digest();
    for design in designs(&frame) {
        let quota = matches!(design, Design::Quota { .. });
        let drawn = draw(&frame, &digest, request(&digest, design.clone())).unwrap();
        assert_eq!(drawn.base.len(), 8, "{design:?}");
        assert!(!drawn.reserve.is_empty());
        let units: BTreeSet<&str> = drawn.base.iter().map(|one| one.unit.as_str()).collect();
        assert_eq!(units.len(), 8);
        assert!(drawn.reserve.iter().all(|one| !units.contains(one.unit.as_str())));
        assert!(drawn.base.iter().all(|one| one.pi.is_none() == quota && one.weight.is_none() == quota));
        assert_eq!(drawn.coverage.is_empty(), !quota);
        // The frame is read from its bytes by whoever checks.
        let theirs = Frame::read(&frame.text()).unwrap();
        assert_eq!(Draw::replay(&theirs, &digest, &drawn.text()).unwrap(), drawn, "{design:?}");
    }
}

#[test]
fn a_changed_draw_is_found_by_its_line() {
    let frame = frame();
    let digest = frame.digest();
    let drawn = draw(&frame, &digest, request(&digest, Design::Simple { n: 8 })).unwrap();
    let text = String::from_utf8(drawn.text()).unwrap();
    let replay = |text: &str| Draw::replay(&frame, &digest, text.as_bytes()).map_err(|error| (error.code(), error));
    assert_eq!(replay(&text.replacen("\"order\":2", "\"order\":3", 1)).unwrap_err().1, DrawError::Replay { line: 4 });
    assert_eq!(replay(&text.replacen("314159", "314158", 1)).unwrap_err().0, "draw-replay");
    let last = text.lines().last().unwrap();
    assert_eq!(replay(text.strip_suffix(&format!("{last}\n")).unwrap()).unwrap_err().0, "draw-replay");
    assert_eq!(replay(&format!("{text}x")).unwrap_err().0, "draw-replay");
    assert_eq!(replay("mutuald-draw/1\n").unwrap_err().0, "frame-cut");
    assert_eq!(replay("mutuald-frame/1\n{}\n").unwrap_err().0, "frame-header");
}

#[test]
fn a_seed_comes_after_the_frame_and_a_second_draw_says_why() {
    let frame = frame();
    let digest = frame.digest();
    let with = |change: fn(&mut Request)| {
        let mut request = request(&digest, Design::Simple { n: 3 });
        change(&mut request);
        draw(&frame, &digest, request).unwrap_err().code()
    };
    assert_eq!(with(|one| one.commitment.at = "2026-06-30T10:00:00Z".parse().unwrap()), "draw-seed-first");
    assert_eq!(with(|one| one.commitment.frame = "another".into()), "draw-other-frame");
    assert_eq!(with(|one| one.commitment.how = " ".into()), "draw-not-said");
    assert_eq!(with(|one| one.redraw = Some(Redraw { of: "x".into(), reason: String::new() })), "draw-not-said");
    assert_eq!(with(|one| one.line = Some("half".into())), "draw-line");
    assert_eq!(with(|one| one.design = Design::Simple { n: 99 }), "sample-too-few");
    let gone = Design::ParetoPps { size: Size::Given(BTreeMap::new()), n: 3 };
    assert_eq!(draw(&frame, &digest, request(&digest, gone)).unwrap_err().code(), "sample-unknown-unit");
}

#[test]
fn a_second_draw_names_the_first() {
    let first = vec!["d1".to_owned()];
    let mut asked = request("f", Design::Simple { n: 3 });
    assert_eq!(follows(&asked, &[]), Ok(()));
    assert_eq!(follows(&asked, &first).unwrap_err().code(), "draw-not-said");
    asked.redraw = Some(Redraw { of: "d1".into(), reason: "The dice were misread.".into() });
    assert_eq!(follows(&asked, &first), Ok(()));
    assert_eq!(follows(&asked, &[]).unwrap_err().code(), "draw-no-such-draw");
}

#[test]
fn a_second_study_begins_where_the_first_ended() {
    let frame = frame();
    let digest = frame.digest();
    let first = draw(&frame, &digest, request(&digest, Design::Simple { n: 8 })).unwrap();
    let mut second = request(&digest, Design::Simple { n: 8 });
    second.line = Some(first.reserve[0].ticket.clone());
    let second = draw(&frame, &digest, second).unwrap();
    let asked: BTreeSet<&str> = first.base.iter().map(|one| one.unit.as_str()).collect();
    assert!(second.base.iter().all(|one| !asked.contains(one.unit.as_str())));
    assert_eq!(second.base[0].unit, first.reserve[0].unit);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Two hubs that each draw from their own part of one frozen frame, and merge, have the order of the whole.
    #[test]
    fn two_hubs_draw_one_sample(seed in "[0-9]{1,10}", part in proptest::collection::vec(any::<bool>(), 40), n in 1..24usize) {
        let all: Vec<Candidate> = candidates();
        let frame = build(definition(), profile(), all, &[], []).unwrap();
        let digest = frame.digest();
        let mut asked = request(&digest, Design::Simple { n });
        asked.commitment.seed = seed.clone();
        let whole = draw(&frame, &digest, asked).unwrap();
        let (line, seed) = (Line::default(), Seed::new(&seed));
        let ids: Vec<String> = frame.units().map(|row| row.id.to_string()).collect();
        let half = |mine: bool| line.order(&seed, ids.iter().zip(&part).filter(|(_, p)| **p == mine).map(|(id, _)| id.as_str()));
        let merged = line.merge([half(true), half(false)]);
        let first: Vec<&str> = merged.iter().take(n).map(|one| one.unit.as_str()).collect();
        prop_assert_eq!(first, whole.base.iter().map(|one| one.unit.as_str()).collect::<Vec<_>>());
    }
}
