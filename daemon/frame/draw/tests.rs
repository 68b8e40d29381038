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
        part: BTreeSet::new(),
        spared: BTreeSet::new(),
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
    let mut asked = request("f", Design::Simple { n: 3 });
    assert_eq!(follows(&asked, 0), Ok(()));
    assert_eq!(follows(&asked, 1).unwrap_err().code(), "draw-not-said");
    asked.redraw = Some(Redraw { of: "d1".into(), reason: "The dice were misread.".into() });
    assert_eq!(follows(&asked, 1), Ok(()));
}

#[test]
fn what_a_design_names_is_there_and_goes_by_the_line() {
    let frame = frame();
    let sorted = |by: &str| Design::Systematic { sort: vec![by.into()], n: 3 };
    for known in ["area", "focus", "community"] {
        assert_eq!(possible(&frame, &sorted(known)), Ok(()));
    }
    let quota = |dimension: &str| Quota { dimension: dimension.into(), value: "new".into(), at_least: 1 };
    let stratified = |by: &str| Design::Stratified {
        by: vec!["area".into(), by.into()],
        rule: allocate::Rule::Equal,
        n: 4,
        minimum: 0,
        deviations: BTreeMap::new(),
    };
    let grid = Design::Quota { quotas: vec![quota("age"), quota("ages")], n: 3, overrides: Vec::new() };
    for design in [sorted("Area"), stratified("fokus"), grid] {
        assert_eq!(possible(&frame, &design).unwrap_err().code(), "draw-dimension", "{design:?}");
    }
    let digest = frame.digest();
    for design in [sorted("area"), Design::SystematicPps { sort: Vec::new(), size: Size::Sources, n: 3 }] {
        let asked = Request { line: Some("0.5".into()), ..request(&digest, design) };
        assert_eq!(draw(&frame, &digest, asked).unwrap_err().code(), "draw-no-line");
    }
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

/// The areas of the frame's two sites.
const SITES: [&str; 2] = ["E06000018", "E0700"];

fn of_site(frame: &Frame, site: &str) -> usize {
    frame.units().filter(|row| row.facts.area.as_deref().is_some_and(|area| area.starts_with(site))).count()
}

#[test]
fn a_part_is_drawn_from_as_if_it_were_all() {
    let frame = frame();
    let digest = frame.digest();
    for design in designs(&frame) {
        let mut asked = request(&digest, design.clone());
        asked.part.insert(SITES[1].into());
        // Strata of the other site are not there.
        let n = of_site(&frame, SITES[1]);
        match draw(&frame, &digest, asked.clone()) {
            Ok(drawn) => {
                assert!(drawn.base.iter().all(|one| one.population <= n), "{design:?}");
                let area =
                    |unit: &str| frame.units().find(|row| row.id.to_string() == unit).unwrap().facts.area.clone();
                let units = drawn.base.iter().map(|one| &one.unit).chain(drawn.reserve.iter().map(|one| &one.unit));
                units.for_each(|unit| assert!(area(unit).unwrap().starts_with(SITES[1])));
                assert_eq!(Draw::replay(&frame, &digest, &drawn.text()).unwrap(), drawn);
            }
            Err(error) => assert_eq!(error.code(), "sample-too-few", "{design:?} of {n}: {error}"),
        }
    }
    let mut nowhere = request(&digest, Design::Simple { n: 1 });
    nowhere.part.insert("S".into());
    assert!(draw(&frame, &digest, nowhere).is_err());
}

#[test]
fn what_makes_no_order_together_is_refused() {
    let frame = frame();
    let digest = frame.digest();
    let of = |site: &str, change: fn(&mut Request)| {
        let mut asked = request(&digest, Design::Simple { n: 3 });
        asked.part.insert(site.into());
        change(&mut asked);
        draw(&frame, &digest, asked).unwrap()
    };
    let one = of(SITES[0], |_| {});
    assert!(together(&[one.clone(), of(SITES[1], |_| {})]).is_ok());
    for (other, code) in [
        (of(SITES[1], |asked| asked.commitment.seed = "2".into()), "seeds"),
        (of(SITES[1], |asked| asked.line = Some("0.5".into())), "seeds"),
        (of("E060", |_| {}), "parts of two"),
        (of(SITES[1], |asked| asked.design = Design::ParetoPps { size: Size::Sources, n: 3 }), "tickets alone"),
        (of(SITES[1], |asked| asked.reserve = 0), "no reserve"),
    ] {
        let said = together(&[one.clone(), other]).unwrap_err();
        assert!(said.code() == "draw-apart" && said.to_string().contains(code), "{said}");
    }
    assert!(together(&[]).is_err());
}

#[test]
fn groups_of_an_earlier_study_come_last_of_all_who_meet_a_quota() {
    let frame = frame();
    let digest = frame.digest();
    let design = Design::Quota { quotas: esteem(), n: 8, overrides: Vec::new() };
    let first = draw(&frame, &digest, request(&digest, design.clone())).unwrap();
    let used: BTreeSet<String> = first.base.iter().map(|one| one.unit.clone()).collect();
    let mut asked = Request { spared: used.clone(), ..request(&digest, design) };
    let second = draw(&frame, &digest, asked.clone()).unwrap();
    assert!(second.base.iter().all(|one| !used.contains(&one.unit)), "as many others meet the quotas");
    assert_eq!(Draw::replay(&frame, &digest, &second.text()).unwrap(), second);
    // When all others are taken, the first study's come, and not before.
    let all = frame.units().count();
    asked.design = Design::Quota { quotas: Vec::new(), n: all, overrides: Vec::new() };
    let third = draw(&frame, &digest, asked.clone()).unwrap();
    assert!(third.base[..all - used.len()].iter().all(|one| !used.contains(&one.unit)));
    asked.design = Design::Simple { n: 3 };
    assert_eq!(draw(&frame, &digest, asked).unwrap_err().code(), "draw-spared");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// Two hubs that each draw from their own part of one frozen frame have together the order of a single registry: as far as their
    /// reserves reach, and wholly where they wrote all of it.
    #[test]
    fn two_hubs_draw_one_sample(
        seed in "[0-9]{1,10}",
        home in proptest::collection::vec(any::<bool>(), 40),
        n in 1..6usize,
        reserve in proptest::sample::select(vec![1usize, 4, 100]),
        quota in any::<bool>(),
        turned in any::<bool>(),
    ) {
        let mut definition = definition();
        definition.area = vec!["E0".into()];
        let mut all: Vec<Candidate> = candidates();
        for (one, here) in all.iter_mut().zip(&home) {
            if one.facts.area.as_deref() == Some("E06000018") && !here {
                one.facts.area = Some("E07000066".into());
            }
        }
        let frame = build(definition, profile(), all, &[], []).unwrap();
        let digest = frame.digest();
        let design = |n| if quota { Design::Quota { quotas: esteem(), n, overrides: Vec::new() } } else { Design::Simple { n } };
        let ask = |part: &[&str], n, reserve| {
            let mut asked = request(&digest, design(n));
            asked.commitment.seed = seed.clone();
            asked.reserve = reserve;
            asked.part = part.iter().map(|code| (*code).to_owned()).collect();
            asked
        };
        let (here, there) = (of_site(&frame, SITES[0]), of_site(&frame, SITES[1]));
        prop_assume!(here >= n && there >= n);
        let mut parts = vec![
            draw(&frame, &digest, ask(&SITES[..1], n, reserve)).unwrap(),
            draw(&frame, &digest, ask(&SITES[1..], n, reserve)).unwrap(),
        ];
        if turned {
            parts.reverse();
        }
        let whole = draw(&frame, &digest, ask(&[], 1, 100)).unwrap();
        // The single registry's order: by ticket, whatever the design took first.
        let (line, seed) = (Line::default(), Seed::new(&seed));
        let ids: Vec<String> = frame.units().map(|row| row.id.to_string()).collect();
        let single = line.order(&seed, ids.iter().map(String::as_str));
        prop_assert_eq!(whole.base.len() + whole.reserve.len(), single.len());
        let order = together(&parts).unwrap();
        prop_assert_eq!(&order[..], &single[..order.len()]);
        if reserve == 100 {
            prop_assert_eq!(order.len(), single.len());
            // And a sample of the whole is the first of it.
            let drawn = draw(&frame, &digest, Request { design: Design::Simple { n: 2 * n }, ..ask(&[], 1, 1) }).unwrap();
            let first: Vec<&str> = order.iter().take(2 * n).map(|one| one.unit.as_str()).collect();
            prop_assert_eq!(first, drawn.base.iter().map(|one| one.unit.as_str()).collect::<Vec<_>>());
        } else {
            prop_assert!(order.len() >= reserve);
        }
        // What a hub draws of its part, anybody draws of it: the other part is nothing to it.
        for part in &parts {
            prop_assert_eq!(&Draw::replay(&frame, &digest, &part.text()).unwrap(), part);
        }
    }
}
