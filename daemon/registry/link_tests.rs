use super::*;
use crate::record::Group;
use crate::registry::why::{Verdict, explain};
use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;

fn hub(n: u8) -> HubId {
    HubId([n; 20])
}

fn record(n: u128) -> RecordRef {
    RecordRef { hub: hub((n % 3) as u8), rec: Uuid::from_u128(n) }
}

fn candidate(n: u128, name: &str, town: &str, phone: &str, list: Option<u128>) -> Candidate {
    let json = json!({"name": name, "place": {"locality": town}, "contact": {"phone": phone}});
    let group: Group = serde_json::from_value(json).unwrap();
    Candidate { record: record(n), list: list.map(record), duplicates: false, features: Features::of(&group) }
}

/// Records with nothing in common, for decisions alone.
fn strangers(n: u128) -> Vec<Candidate> {
    (0..n).map(|i| candidate(i, &format!("Name{i}x"), "", "", None)).collect()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_780_000_000 + second).unwrap()
}

fn decided(author: u8, rank: u32, a: u128, b: u128, judgement: Judgement, order: u64) -> Decision {
    Decision { author: hub(author), rank, a: record(a), b: record(b), judgement, at: at(order as i64), order }
}

fn groups(candidates: &[Candidate], decisions: &[Decision]) -> Vec<Vec<RecordRef>> {
    cluster(candidates, decisions, &BTreeSet::new()).into_iter().map(|cluster| cluster.members).collect()
}

fn together(candidates: &[Candidate], decisions: &[Decision], a: u128, b: u128) -> bool {
    groups(candidates, decisions).iter().any(|group| group.contains(&record(a)) && group.contains(&record(b)))
}

const PHONE: &str = "0115 911 1662";
use Judgement::{BranchOf, Different, HostedBy, None as Retract, Same, SameVenue, SucceededBy, Unsure};

#[test]
fn the_rule_joins_and_says_by_which_pair() {
    let two = [candidate(1, "Stroke Club", "Wells", PHONE, None), candidate(2, "Stroke Clubs", "Wells", PHONE, None)];
    let clusters = cluster(&two, &[], &BTreeSet::new());
    assert_eq!(clusters.len(), 1);
    assert_eq!(clusters[0].joined, [Joining { a: record(1), b: record(2), decided_by: None }]);
    assert_eq!(clusters[0].id(), record(1).min(record(2)));
    let common = two[0].features.keys().collect();
    assert_eq!(cluster(&two, &[], &common).len(), 2, "a key that everybody has joins nobody");
}

#[test]
fn rows_of_one_list_are_joined_by_people_only() {
    let row = |n, list| candidate(n, "Stroke Club", "Wells", PHONE, Some(list));
    let mut three = vec![row(1, 90), row(2, 90), row(4, 91)];
    // The middleman must not bring two rows of one list together either.
    assert_eq!(groups(&three, &[]).len(), 2);
    assert!(!together(&three, &[], 1, 2));
    assert!(together(&three, &[decided(1, 1, 1, 2, Same, 1)], 1, 2));
    three.iter_mut().for_each(|candidate| candidate.duplicates = true);
    assert_eq!(groups(&three, &[]).len(), 1);
}

#[test]
fn a_vague_record_does_not_bring_sisters_together() {
    let rows = [
        candidate(1, "Nottingham Grief Men", "Nottingham", PHONE, None),
        candidate(2, "Nottingham Grief Women", "Nottingham", PHONE, None),
        candidate(3, "Nottingham Grief", "Nottingham", PHONE, None),
    ];
    assert_eq!(groups(&rows, &[]).len(), 3);
    // A record that names no place agrees with both towns, and brings them together no more than that.
    let towns = ["Wells", "Bath", ""];
    let clubs: Vec<Candidate> =
        (1..4).map(|n| candidate(n, "Stroke Club", towns[n as usize - 1], PHONE, None)).collect();
    assert_eq!(groups(&clubs, &[]).len(), 2);
    assert!(!together(&clubs, &[], 1, 2));
    // A person's word joins one of them, and the other stays apart.
    let decisions = [decided(1, 1, 1, 3, Same, 1)];
    assert!(together(&rows, &decisions, 1, 3) && !together(&rows, &decisions, 2, 3));
}

#[test]
fn a_chain_of_look_alikes_stays_bounded_and_people_may_go_on() {
    let many: Vec<Candidate> =
        (0..MAX_BY_RULE as u128 + 9).map(|n| candidate(n, "Stroke Club", "Wells", PHONE, None)).collect();
    let clusters = groups(&many, &[]);
    assert_eq!(clusters.iter().map(Vec::len).max(), Some(MAX_BY_RULE));
    let (a, b) = (clusters[0][0], clusters[1][0]);
    let same = Decision { a, b, ..decided(1, 1, 0, 1, Same, 1) };
    assert!(groups(&many, &[same]).iter().any(|group| group.contains(&a) && group.contains(&b)));
}

#[test]
fn every_judgement_that_says_two_keeps_apart() {
    let two = [candidate(1, "Stroke Club", "Wells", PHONE, None), candidate(2, "Stroke Club", "Wells", PHONE, None)];
    for judgement in [Different, BranchOf, HostedBy, SucceededBy, SameVenue] {
        assert!(!together(&two, &[decided(1, 1, 2, 1, judgement, 1)], 1, 2), "{judgement:?}");
    }
    for judgement in [Unsure, Retract] {
        assert!(together(&two, &[decided(1, 1, 2, 1, judgement, 1)], 1, 2), "{judgement:?}");
    }
}

#[test]
fn kept_apart_holds_across_others() {
    let three = strangers(3);
    let chain = [decided(1, 1, 0, 1, Same, 1), decided(1, 1, 1, 2, Same, 2), decided(2, 1, 0, 2, Different, 3)];
    assert!(!together(&three, &chain, 0, 2));
    assert_eq!(groups(&three, &chain).len(), 2);
}

#[test]
fn rank_decides_and_of_one_rank_apart_stands() {
    let two = strangers(2);
    let same = |rank| decided(1, rank, 0, 1, Same, 1);
    let different = |rank| decided(2, rank, 0, 1, Different, 1);
    assert!(together(&two, &[same(2), different(1)], 0, 1));
    assert!(!together(&two, &[same(1), different(1)], 0, 1));
    assert!(!together(&two, &[same(1), different(2)], 0, 1));
}

#[test]
fn a_hub_takes_back_by_its_log_not_by_its_clock() {
    let two = strangers(2);
    let same = decided(1, 1, 0, 1, Same, 1);
    // The clock was set back a year between the two: effective times are then equal or reversed.
    let retracted = Decision { at: at(-31_536_000), order: 2, ..decided(1, 1, 1, 0, Retract, 2) };
    assert!(together(&two, &[same], 0, 1));
    assert!(!together(&two, &[same, retracted], 0, 1));
    assert!(together(&two, &[same, retracted, decided(1, 1, 0, 1, Same, 3)], 0, 1));
    // Only its own word.
    assert!(together(&two, &[same, decided(2, 1, 0, 1, Retract, 9)], 0, 1));
}

#[test]
fn why_is_said_in_words() {
    let name = |id: &HubId| if *id == hub(1) { "Essex Hub".to_owned() } else { "Derby Hub".into() };
    let none = BTreeSet::new();
    let a = candidate(1, "Nottingham Stroke Club", "Nottingham", PHONE, None);
    let b = candidate(2, "Stroke Club", "Nottingham, Notts", PHONE, None);
    let why = explain(&a, &b, &[], &none);
    assert_eq!(why.verdict, Verdict::Same);
    assert_eq!(why.words(&name), "same phone number; names alike; both in Nottingham");
    assert_eq!(why.reasons.iter().map(|r| r.code()).collect::<Vec<_>>(), ["same-phone", "names-near", "places-agree"]);

    let apart = Decision { at: "2026-05-03T10:00:00Z".parse().unwrap(), ..decided(1, 1, 2, 1, Different, 1) };
    let why = explain(&b, &a, &[apart], &none);
    assert_eq!(why.verdict, Verdict::Apart);
    assert!(why.words(&name).starts_with("kept apart by Essex Hub on 3 May 2026; same phone number"), "{why:?}");

    let c = candidate(3, "Nottingham Young Stroke Club", "Nottingham", PHONE, None);
    assert_eq!(explain(&a, &c, &[], &none).verdict, Verdict::Apart);
    assert_eq!(explain(&a, &strangers(1)[0], &[], &none).verdict, Verdict::Nothing);
}

fn judgements() -> impl Strategy<Value = Judgement> {
    prop::sample::select(vec![Same, Same, Same, Different, BranchOf, Unsure, Retract])
}

prop_compose! {
    fn any_decision(n: u128)(a in 0..n, d in 1..n, author in 1u8..4, judgement in judgements(), order in 0u64..6)
        -> Decision {
        decided(author, u32::from(author / 2), a, (a + d) % n, judgement, order)
    }
}

/// Few names, towns and numbers, so that records meet.
fn any_candidates() -> impl Strategy<Value = Vec<Candidate>> {
    let names = ["Stroke Club", "Wells Stroke Club", "Stroke Club Men", "Grief Circle", "Mutual Aid"];
    prop::collection::vec((0..names.len(), 0..3usize, 0..3usize, prop::option::of(90u128..92)), 2..9).prop_map(
        move |rows| {
            let row = |(n, (name, town, phone, list)): (usize, (usize, usize, usize, Option<u128>))| {
                let (town, phone) = (["", "Wells", "Bath"][town], [PHONE, "0115 911 1663", ""][phone]);
                candidate(n as u128, names[name], town, phone, list)
            };
            rows.into_iter().enumerate().map(row).collect()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// F42: contradictory decisions, cycles and retractions in any order give one answer, and the answer is a partition.
    #[test]
    fn order_and_repetition_do_not_matter(
        candidates in any_candidates(),
        decisions in prop::collection::vec(any_decision(9), 0..14),
        seed in any::<u64>(),
    ) {
        let none = BTreeSet::new();
        let expected = cluster(&candidates, &decisions, &none);
        let (mut shuffled, mut repeated) = (candidates.clone(), decisions.clone());
        repeated.extend(decisions.iter().copied());
        let mut state = seed;
        let mut turn = |n: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % n
        };
        for i in (1..shuffled.len()).rev() { shuffled.swap(i, turn(i + 1)); }
        for i in (1..repeated.len()).rev() { repeated.swap(i, turn(i + 1)); }
        shuffled.push(candidates[0].clone());
        prop_assert_eq!(&cluster(&shuffled, &repeated, &none), &expected);

        let mut all: Vec<RecordRef> = expected.iter().flat_map(|cluster| cluster.members.clone()).collect();
        prop_assert!(expected.windows(2).all(|pair| pair[0].id() < pair[1].id()));
        all.sort();
        let mut records: Vec<RecordRef> = candidates.iter().map(|candidate| candidate.record).collect();
        records.sort();
        prop_assert_eq!(all, records);
        for cluster in &expected {
            prop_assert_eq!(cluster.joined.len() + 1, cluster.members.len());
        }
    }

    /// What a hub of the highest rank keeps apart is never together, whatever the rest say.
    #[test]
    fn the_highest_rank_keeps_apart(
        candidates in any_candidates(),
        decisions in prop::collection::vec(any_decision(9), 0..14),
        a in 0usize..9, b in 0usize..9,
    ) {
        let (a, b) = (a % candidates.len(), b % candidates.len());
        prop_assume!(a != b);
        let mut decisions = decisions;
        decisions.push(decided(7, 9, a as u128, b as u128, Different, 0));
        prop_assert!(!together(&candidates, &decisions, a as u128, b as u128));
    }

    /// Taking back everything is as if nothing had been said.
    #[test]
    fn taking_back_leaves_no_trace(
        candidates in any_candidates(),
        decisions in prop::collection::vec(any_decision(9), 0..14),
    ) {
        let mut after = decisions.clone();
        after.extend(decisions.iter().map(|d| Decision { judgement: Retract, order: 99, ..*d }));
        prop_assert_eq!(groups(&candidates, &after), groups(&candidates, &[]));
    }

    /// A record that shares nothing with the others changes nothing among them.
    #[test]
    fn a_stranger_changes_nothing(
        candidates in any_candidates(),
        decisions in prop::collection::vec(any_decision(9), 0..14),
    ) {
        let mut more = candidates.clone();
        more.push(candidate(1000, "Allotment", "Truro", "01872 322 222", None));
        let mut with = groups(&more, &decisions);
        with.retain(|group| group != &[record(1000)]);
        prop_assert_eq!(with, groups(&candidates, &decisions));
    }
}
