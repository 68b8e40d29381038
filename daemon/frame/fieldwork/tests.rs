use super::*;
use crate::frame::request::Commitment;
use crate::frame::sample::quota::Quota;
use crate::record::HubId;
use proptest::prelude::*;

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

/// Two sites of four taken and four in reserve; odd ones are about the mind, even ones about the body.
fn study(quota: bool) -> Study {
    let quotas = ["mind", "body"].map(|value| Quota { dimension: "focus".into(), value: value.into(), at_least: 2 });
    let design = if quota {
        Design::Quota { quotas: quotas.into(), n: 4, overrides: Vec::new() }
    } else {
        Design::Simple { n: 4 }
    };
    let part = |site: &str| Part {
        site: site.into(),
        digest: format!("draw of {site}"),
        population: 8,
        request: Request {
            study: "Tour".into(),
            commitment: Commitment {
                seed: "7".into(),
                how: "Dice.".into(),
                hub: HubId([1; 20]),
                at: "2026-07-02T10:00:00Z".parse().unwrap(),
                frozen: "2026-07-01T10:00:00Z".parse().unwrap(),
                frame: "f".into(),
            },
            design: design.clone(),
            line: None,
            reserve: 4,
            redraw: None,
            part: BTreeSet::new(),
            spared: BTreeSet::new(),
        },
    };
    let unit = |draw: usize, at: usize| Unit {
        id: format!("{}{at}", ["n", "e"][draw]),
        draw,
        stratum: String::new(),
        reserve: (at >= 4).then(|| at - 3),
        values: BTreeMap::from([("focus".into(), BTreeSet::from([["body", "mind"][at % 2].into()]))]),
    };
    let units = (0..2).flat_map(|draw| (0..8).map(move |at| unit(draw, at))).collect();
    Study {
        name: "Tour".into(),
        frame: "tour-2026".into(),
        digest: "f".into(),
        parts: vec![part("Nottingham Hub"), part("Essex Hub")],
        units,
    }
}

fn said(unit: &str, coordinator: Option<Outcome>, members: Option<Outcome>, reason: Option<&str>) -> Event {
    Event::Outcome { unit: unit.into(), coordinator, members, reason: reason.map(str::to_owned) }
}

fn refused(unit: &str) -> Event {
    said(unit, None, Some(Outcome::Refused), Some("They want no outsiders."))
}

fn issued(unit: &str, instead_of: &str) -> Event {
    Event::Issued { unit: unit.into(), instead_of: instead_of.into() }
}

fn back(entry: usize) -> Event {
    Event::TakenBack { entry, why: "It was another group.".into() }
}

fn entries(events: &[Event]) -> Vec<Entry> {
    (1..).zip(events).map(|(n, event)| Entry { n, day: day("2026-10-01"), event: event.clone() }).collect()
}

fn codes(study: &Study, events: &[Event]) -> Result<(), &'static str> {
    let all = entries(events);
    let (old, new) = all.split_at(all.len() - 1);
    Field::of(study, old).unwrap();
    Field::adding(study, old, new).map(drop).map_err(|error| error.code())
}

#[test]
fn the_next_is_the_first_of_the_reserve_and_of_quotas_the_first_that_meets_them() {
    let (simple, quota) = (study(false), study(true));
    for (study, who, next, passed) in
        [(&simple, "n1", "n4", 0), (&quota, "n1", "n5", 1), (&quota, "n0", "n4", 0), (&quota, "e3", "e5", 1)]
    {
        let all = entries(&[refused(who)]);
        let field = Field::of(study, &all).unwrap();
        let found = field.next(who).unwrap();
        assert_eq!((found.unit.as_str(), found.passed_over), (next, passed), "{who}");
    }
    // The second of the mind that is lost gets the next of the mind, whoever else is in the field by then.
    let all = entries(&[refused("n1"), issued("n5", "n1"), refused("n3")]);
    assert_eq!(Field::of(&quota, &all).unwrap().next("n3").unwrap().unit, "n7");
    // Where the reserve has none of the kind, the next of all comes, and it is said that the quota stays unmet.
    let all = entries(&[refused("n1"), issued("n5", "n1"), refused("n3"), issued("n7", "n3"), refused("n5")]);
    let next = Field::of(&quota, &all).unwrap().next("n5").unwrap();
    assert_eq!((next.unit.as_str(), next.met, next.unmet.len()), ("n4", 0, 1));
}

#[test]
fn what_cannot_be_is_refused_by_its_code() {
    let study = study(true);
    let complete = Some(Outcome::Complete);
    let cases: Vec<(Vec<Event>, &str)> = vec![
        (vec![said("n5", complete, None, None)], "study-not-in-field"),
        (vec![said("n1", None, None, None)], "study-nothing-said"),
        (vec![said("n1", Some(Outcome::Refused), None, None)], "sample-disposition"),
        (vec![issued("n5", "n1")], "study-not-free"),
        (vec![refused("n1"), issued("n4", "n1")], "study-not-next"),
        (vec![refused("n1"), issued("n5", "n1"), issued("n7", "n1")], "study-replaced"),
        (vec![refused("n1"), issued("n5", "n1"), said("n1", None, complete, None)], "study-replaced"),
        (vec![refused("n1"), back(2)], "study-not-taken-back"),
        (vec![refused("n1"), back(1), back(2)], "study-not-taken-back"),
        (vec![refused("n1"), back(1), back(1)], "study-not-taken-back"),
        // The replacement would be left in the air.
        (vec![refused("n1"), issued("n5", "n1"), back(1)], "study-rests"),
        // And so would what the replacement answered.
        (vec![refused("n1"), issued("n5", "n1"), said("n5", complete, None, None), back(2)], "study-rests"),
        (vec![Event::Numbered { units: 8 }, Event::Numbered { units: 8 }], "study-numbered"),
        (vec![refused("n1"), Event::Numbered { units: 8 }, issued("n5", "n1")], "study-numbered"),
        (vec![Event::Numbered { units: 8 }, back(1)], "study-not-taken-back"),
        (vec![Event::Released { shown: vec![], k: 5, small: 0, why: None }], "study-not-numbered"),
    ];
    for (events, code) in cases {
        assert_eq!(codes(&study, &events), Err(code), "{events:?}");
    }
    let mut gap = entries(&[refused("n1")]);
    gap[0].n = 2;
    assert_eq!(Field::of(&study, &gap).unwrap_err().code(), "study-order");
}

#[test]
fn what_is_taken_back_stands_in_the_list_and_counts_no_more() {
    let study = study(false);
    let events = [refused("n1"), issued("n4", "n1"), back(2), back(1), said("n1", None, Some(Outcome::Complete), None)];
    let all = entries(&events);
    for n in 1..=all.len() {
        Field::adding(&study, &all[..n - 1], &all[n - 1..n]).unwrap_or_else(|error| panic!("{n}: {error}"));
    }
    let field = Field::of(&study, &all).unwrap();
    assert_eq!(field.gone, BTreeSet::from([1, 2]));
    assert_eq!((field.units.len(), field.standing("n1").unwrap().disposition.members), (8, Outcome::Complete));
    assert!(field.standing("n4").is_err());
}

/// Twenty and one as the ESTEEM study had them, in small: who refused at one level stays with what the other gave, and another comes.
#[test]
fn a_partial_group_is_replaced_and_stays_and_the_rates_show_their_counts() {
    let study = study(true);
    let complete = Some(Outcome::Complete);
    let mut events: Vec<Event> = study
        .units
        .iter()
        .filter(|unit| unit.reserve.is_none() && unit.id != "n1")
        .map(|unit| said(&unit.id, complete, complete, None))
        .collect();
    events.extend([
        said("n1", complete, Some(Outcome::Refused), Some("They want no outsiders.")),
        issued("n5", "n1"),
        said("n5", complete, complete, None),
    ]);
    let all = entries(&events);
    let field = Field::of(&study, &all).unwrap();
    assert_eq!(field.units.len(), 9);
    let [groups, coordinators, members] = rates(&field);
    assert_eq!((groups.counts.i, groups.counts.p, coordinators.counts.i, members.counts.i), (8, 1, 9, 8));
    assert_eq!(groups.rates[0].worked, "8 / (8 + 1 + 0 + 0 + 0 + 0)");
    assert_eq!(groups.rates[3].worked, "(8 + 1) / (8 + 1 + 0 + 0 + 0 + 1.0000*0)");
    assert!((groups.rates[0].value - 8.0 / 9.0).abs() < 1e-12 && groups.rates[1].value == 1.0);
    assert_eq!(field.count("focus"), BTreeMap::from([("body".into(), 4), ("mind".into(), 5)]));
    assert_eq!(field.count("site").values().sum::<usize>(), 9);
    assert_eq!(field.count("age"), BTreeMap::from([("not known".into(), 9)]));
    let shown = field.shown(&["focus".into(), "outcome".into()]);
    assert_eq!(shown.iter().filter(|one| one["outcome"] == "partial").count(), 1);
    let nobody = Field::of(&study, &[]).unwrap();
    assert!(rates(&nobody).iter().all(|one| one.rates.is_empty()));
}

#[test]
fn entries_are_written_and_read_as_they_are() {
    let events = [refused("n1"), issued("n4", "n1"), back(2), Event::Numbered { units: 8 }];
    for entry in entries(&events) {
        let text = serde_json::to_string(&entry).unwrap();
        assert_eq!(serde_json::from_str::<Entry>(&text).unwrap(), entry, "{text}");
    }
}

proptest! {
    /// Whatever is tried, in whatever order: nobody comes twice, nobody out of turn, and what was accepted once is accepted again.
    #[test]
    fn the_field_stays_in_order(tries in proptest::collection::vec((0..3u8, 0..16usize, 0..16usize), 0..40), quota in any::<bool>()) {
        let study = study(quota);
        let mut all: Vec<Entry> = Vec::new();
        for (kind, a, b) in tries {
            let (one, other) = (&study.units[a].id, &study.units[b].id);
            let event = match kind {
                0 => refused(one),
                1 => match Field::of(&study, &all).unwrap().next(one) {
                    Ok(next) if b % 4 > 0 => issued(&next.unit, one),
                    _ => issued(other, one),
                },
                _ => back(a),
            };
            let new = Entry { n: all.len() + 1, day: day("2026-10-01"), event };
            if Field::adding(&study, &all, std::slice::from_ref(&new)).is_ok() {
                all.push(new);
            }
        }
        let field = Field::of(&study, &all).unwrap();
        prop_assert_eq!(field.used().len(), field.units.len());
        for one in &field.units {
            prop_assert_eq!(one.replaced_by.is_some(), field.units.iter().any(|other| other.instead_of.as_ref() == Some(&one.unit)));
            prop_assert!(one.replaced_by.is_none() || one.free());
        }
        let replaced = field.units.iter().filter(|one| one.replaced_by.is_some()).count();
        prop_assert_eq!(field.units.len(), 8 + replaced);
    }
}
