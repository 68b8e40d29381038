//! What linking promises: cases people know, and laws over any records.

use super::cluster::{Edge, Held, Row, cluster, from_scratch, pairs};
use super::judge::{Lists, Outcome, Rule, apart, judge, relation};
use super::model::Model;
use super::{Features, fit, read, why};
use crate::record::statement::Judgement;
use crate::record::{Group, HubId, RecordRef};
use crate::registry::link::Decision;
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

fn record(hub: u8, n: u128) -> RecordRef {
    RecordRef { hub: HubId([hub; 20]), rec: Uuid::from_u128(n) }
}

fn group(json: Value) -> Group {
    serde_json::from_value(json).unwrap()
}

/// Name, town, postcode, phone, page, topic, day; empty is not stated.
fn stated(row: [&str; 7]) -> Group {
    let [name, town, postcode, phone, url, topic, day] = row;
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    group(json!({
        "name": name,
        "place": {"locality": some(town), "postcode": some(postcode)},
        "contact": {"phone": some(phone), "url": some(url)},
        "topics": some(topic).into_iter().collect::<Vec<_>>(),
        "meetings": some(day).map(|day| json!({"text": day})).into_iter().collect::<Vec<_>>(),
    }))
}

fn features(row: [&str; 7]) -> Features {
    read(&stated(row), &Model::shipped()).0
}

fn judged(a: [&str; 7], b: [&str; 7]) -> super::Judged {
    let (a, b, model) = (features(a), features(b), Model::shipped());
    let there = judge(&a, &b, Lists::Apart, &model);
    assert_eq!(there, judge(&b, &a, Lists::Apart, &model), "judging has no direction");
    assert!(!apart(&a, &b, Lists::Apart, &model) || there.outcome == Outcome::Apart, "the short way says the same");
    there
}

const PHONE: &str = "0115 911 1662";
const OFFICE: &str = "0300 123 4567";

#[test]
fn the_shipped_model_reads_and_never_rewards_what_is_worse() {
    let model = Model::shipped();
    assert_eq!(fit::rising(&model), []);
    assert!(model.file.fitted.pairs > 100_000 && !model.file.fitted.lists.is_empty());
    let (again, text) = Model::publish(model.file.clone()).unwrap();
    assert_eq!(text, super::model::SHIPPED, "the file is in its published form");
    assert_eq!(again.hash(), model.hash());
}

#[test]
fn a_model_that_does_not_fit_is_refused_by_name() {
    let change = |path: &[&str], to: Value| {
        let mut json: Value = serde_json::from_str(super::model::SHIPPED).unwrap();
        let (last, way) = path.split_last().unwrap();
        let mut at = &mut json;
        for step in way {
            at = &mut at[*step];
        }
        at[*last] = to;
        Model::read(&json.to_string()).map_or_else(|error| error.code(), |_| "ok")
    };
    assert_eq!(change(&["version"], json!(2)), "ok");
    assert_eq!(change(&["forms"], json!(99)), "linkage-forms");
    assert_eq!(change(&["extra"], json!(1)), "linkage-form");
    assert_eq!(change(&["one", "name", "better"], json!(1)), "linkage-level");
    assert_eq!(change(&["two", "name+where", "same+moon"], json!(1)), "linkage-level");
    assert_eq!(change(&["one", "name", "same"], json!(2_000_000)), "linkage-range");
    assert_eq!(change(&["cuts", "ask"], json!(1_000)), "linkage-range");
}

#[test]
fn one_group_written_twice_is_joined() {
    for (a, b) in [
        (
            ["Nottingham Stroke Club", "Nottingham", "NG1 7DP", PHONE, "", "stroke", ""],
            ["Stroke Club", "Nottingham", "", "1159111662", "", "stroke", ""],
        ),
        (
            ["Sunrise Carers Aldwick", "Aldwick", "PO21 5SJ", "01243 780704", "", "carers", "Wednesdays"],
            ["Surnrise Carers", "Aldwick", "po215sj", "+44 1243 780704", "", "caring", ""],
        ),
        (
            ["Wellspring Vision Birkenhead", "Birkenhead", "CH43 3ES", PHONE, "https://wvb.org.uk/", "sight-loss", ""],
            ["Wellspring Vision", "Birkenhead", "CH43 3ES", PHONE, "www.wvb.org.uk", "sight loss", ""],
        ),
    ] {
        assert_eq!(judged(a, b).outcome, Outcome::Joined, "{a:?} {b:?} {:?}", judged(a, b));
    }
}

#[test]
fn what_two_groups_share_does_not_make_them_one() {
    // (pain 3: one switchboard, one venue, one host, sister groups, branches, an umbrella's own entry)
    for (a, b) in [
        (
            ["Macclesfield Trust ADHD Support", "Macclesfield", "SK10 3GF", PHONE, "https://mct.org.uk", "adhd", ""],
            [
                "Macclesfield Trust Breathe Easy",
                "Macclesfield",
                "SK10 3GF",
                PHONE,
                "https://mct.org.uk",
                "lung-conditions",
                "",
            ],
        ),
        (
            ["Headway Bath", "Bath", "BA1 1AA", OFFICE, "https://headway.org.uk", "brain-injury", ""],
            ["Headway Wells", "Wells", "BA5 2AA", OFFICE, "https://headway.org.uk", "brain-injury", ""],
        ),
        (
            ["Derby Men's Cancer Group", "Derby", "DE1 1AA", PHONE, "", "cancer", ""],
            ["Derby Women's Cancer Group", "Derby", "DE1 1AA", PHONE, "", "cancer", ""],
        ),
        (
            ["Bipolar Support", "Derby", "DE1 1AA", PHONE, "", "bipolar", "Tuesday"],
            ["Bipolar Support", "Derby", "DE1 1AA", PHONE, "", "bipolar", "Friday"],
        ),
        (
            ["Tinnitus Group", "Leeds", "LS1 4AA", "", "", "tinnitus", ""],
            ["Stammering Circle", "Leeds", "LS1 4AA", "", "", "stammering", ""],
        ),
        (
            ["Nottingham Mind", "Nottingham", "NG1 7DP", PHONE, "", "mental-ill-health", ""],
            ["Nottingham Mind Hearing Voices Circle", "Nottingham", "NG1 7DP", PHONE, "", "hearing-voices", ""],
        ),
        (
            ["Mutual Aid Group", "London", "", "", "https://www.mutualaid.co.uk/", "", ""],
            ["Childs Hill Helpers", "London", "", "", "https://www.mutualaid.co.uk/", "", ""],
        ),
    ] {
        assert_ne!(judged(a, b).outcome, Outcome::Joined, "{a:?} {b:?} {:?}", judged(a, b));
    }
}

#[test]
fn rules_say_their_names() {
    let base = ["Bipolar Support", "Derby", "DE1 1AA", PHONE, "", "bipolar", "Tuesday"];
    let with = |at: usize, text: &'static str| {
        let mut row = base;
        row[at] = text;
        row
    };
    assert_eq!(judged(base, with(6, "Friday")).rule, Rule::OtherDays);
    assert_eq!(judged(base, with(6, "Friday")).outcome, Outcome::Asked);
    let mut far = with(2, "EH1 1AA");
    (far[1], far[3]) = ("Edinburgh", "0131 911 1662");
    assert_eq!((judged(base, far).outcome, judged(base, far).rule), (Outcome::Apart, Rule::FarApart));
    // One page, whatever else differs, is asked about: and nothing is joined by a page alone.
    let page = |name, town, code| [name, town, code, "", "https://facebook.com/groups/12", "", ""];
    let two = judged(
        page("Coggeshall helpers", "Coggeshall", "CO6 1TY"),
        page("Friends of Waterloo", "Liverpool", "L22 1RW"),
    );
    assert_eq!((two.outcome, two.rule), (Outcome::Asked, Rule::OnePage));
    // A platform's front page is nobody's.
    let platform = |name, town| [name, town, "", "", "https://www.facebook.com/", "", ""];
    let two = judged(platform("Coggeshall helpers", "Coggeshall"), platform("Friends of Waterloo", "Liverpool"));
    assert_eq!(two.outcome, Outcome::Apart);
    // Rows of one list that names each group once are apart, and asked about where the list looks mistaken.
    let (a, model) = (features(base), Model::shipped());
    let once = judge(&a, &a, Lists::Once, &model);
    assert_eq!((once.outcome, once.rule), (Outcome::Asked, Rule::RowsOfOneList));
}

#[test]
fn two_charity_numbers_are_two_groups_however_alike() {
    let with = |number: &str| {
        let mut group = stated(["Stroke Club", "Wells", "BA5 2AA", PHONE, "https://a.org.uk/wells", "stroke", ""]);
        group.charity = Some(number.into());
        read(&group, &Model::shipped()).0
    };
    let two = judge(&with("1234567"), &with("7654321"), Lists::Apart, &Model::shipped());
    assert_eq!((two.outcome, two.rule), (Outcome::Apart, Rule::OtherCharity));
    assert_eq!(judge(&with("1234567"), &with("1234567"), Lists::Apart, &Model::shipped()).outcome, Outcome::Joined);
}

#[test]
fn what_two_groups_may_be_instead_is_offered() {
    let offered = |a: [&str; 7], b: [&str; 7]| {
        let (a, b) = (features(a), features(b));
        relation(&a, &b, &judge(&a, &b, Lists::Apart, &Model::shipped()))
    };
    let bath = ["Headway Bath", "Bath", "BA1 1AA", OFFICE, "https://headway.org.uk", "brain-injury", ""];
    let wells = ["Headway Wells", "Wells", "BA5 2AA", OFFICE, "https://headway.org.uk", "brain-injury", ""];
    assert_eq!(offered(bath, wells), Some(Judgement::BranchOf));
    let tinnitus = ["Tinnitus Group", "Leeds", "LS1 4AA", "", "", "tinnitus", ""];
    let stammer = ["Stammering Circle", "Leeds", "LS1 4AA", "", "", "stammering", ""];
    assert_eq!(offered(tinnitus, stammer), Some(Judgement::SameVenue));
}

#[test]
fn why_says_it_in_words() {
    let model = Model::shipped();
    let place = |name: &str, lat: f64, phone: &str| {
        group(json!({"name": name, "topics": ["stroke"], "contact": {"phone": phone},
            "place": {"locality": "Wells", "latitude": lat, "longitude": -2.64}}))
    };
    let a = read(&place("Aphasia Fellowship", 51.2090, PHONE), &model).0;
    let b = read(&place("Aphasai Felowship", 51.2117, PHONE), &model).0;
    let row = |n, features| Row { record: record(1, n), list: None, duplicates: false, features };
    let decision = |order, judgement| Decision {
        author: HubId([9; 20]),
        rank: 1,
        a: record(1, 1),
        b: record(1, 2),
        judgement,
        at: Timestamp::UNIX_EPOCH,
        order,
    };
    let (a, b) = (row(1, &a), row(2, &b));
    let said = why::explain(&a, &b, &[], &model);
    let words = said.words(&|_| "Nottingham".into());
    for part in ["same phone", "name differs by two letters", "300 m apart", "same topic", "joined"] {
        assert!(words.contains(part), "{part}: {words}");
    }
    let shares: i32 = said.fields.iter().map(|field| field.share).sum();
    assert_eq!(shares + model.file.bias, said.judged.score, "the shares add up to the score");
    let kept = why::explain(&a, &b, &[decision(1, Judgement::Same), decision(2, Judgement::BranchOf)], &model);
    assert_eq!(kept.outcome, Outcome::Apart);
    assert!(kept.words(&|_| "Nottingham".into()).starts_with("kept apart as a branch and its parent by Nottingham"));
}

#[test]
fn features_of_a_full_record_are_small() {
    let full = stated([
        "The Hurst Green Wellbeing Hub Men's Shed",
        "Hurst Green",
        "B62 8LR",
        "+44 1802 169842",
        "https://www.thehurstgreen.org.uk/mens-shed",
        "mens-health",
        "Monday",
    ]);
    let (features, keys) = read(&full, &Model::shipped());
    assert!(features.bytes() <= 360, "{}", features.bytes());
    assert!(keys.len() <= 40 && keys.windows(2).all(|pair| pair[0] < pair[1]));
}

// Clusters.

struct Kept {
    features: Vec<Features>,
    keys: Vec<Vec<u64>>,
}

fn kept(groups: &[Group], model: &Model) -> Kept {
    let (features, keys) = groups.iter().map(|group| read(group, model)).unzip();
    Kept { features, keys }
}

fn rows<'a>(kept: &'a Kept, ids: &[(RecordRef, u8)]) -> Vec<Row<'a>> {
    let list = |n: u8| (n > 0).then(|| record(200, u128::from(n)));
    let row = |(features, (record, n)): (&'a Features, &(RecordRef, u8))| Row {
        record: *record,
        list: list(*n),
        duplicates: *n == 1,
        features,
    };
    kept.features.iter().zip(ids).map(row).collect()
}

/// Groups as sets of places in the rows.
fn partition(rows: &[Row], keys: &[Vec<u64>], decisions: &[Decision], model: &Model) -> BTreeSet<BTreeSet<usize>> {
    let place: BTreeMap<RecordRef, usize> = rows.iter().enumerate().map(|(i, row)| (row.record, i)).collect();
    let (clusters, _) = from_scratch(rows, keys, decisions, model);
    clusters.groups.iter().map(|group| group.members.iter().map(|member| place[member]).collect()).collect()
}

#[test]
fn nothing_brings_together_what_is_kept_apart() {
    let model = Model::shipped();
    let day = |day| stated(["Bipolar Support", "Derby", "DE1 1AA", PHONE, "", "bipolar", day]);
    let kept = kept(&[day("Tuesday"), day(""), day("Friday")], &model);
    let ids: Vec<(RecordRef, u8)> = (0..3).map(|n| (record(n as u8, n), 0)).collect();
    let rows = rows(&kept, &ids);
    let groups = partition(&rows, &kept.keys, &[], &model);
    assert_eq!(groups.len(), 2, "a record without a day does not bring two days together: {groups:?}");
    let (clusters, _) = from_scratch(&rows, &kept.keys, &[], &model);
    assert_eq!(clusters.held.iter().map(|held| held.2).collect::<Vec<_>>(), [Held::Contradiction]);
    // A person's word does.
    let same = |a: usize, b: usize, judgement, order| Decision {
        author: HubId([7; 20]),
        rank: 1,
        a: ids[a].0,
        b: ids[b].0,
        judgement,
        at: Timestamp::UNIX_EPOCH,
        order,
    };
    let said = [same(0, 2, Judgement::Same, 1), same(0, 1, Judgement::Same, 2)];
    assert_eq!(partition(&rows, &kept.keys, &said, &model).len(), 1);
    let apart = [same(0, 1, Judgement::Different, 1), same(1, 2, Judgement::HostedBy, 2)];
    assert_eq!(partition(&rows, &kept.keys, &apart, &model).len(), 3);
}

#[test]
fn a_group_has_an_end() {
    let model = Model::shipped();
    let one = stated(["Bipolar Support", "Derby", "DE1 1AA", PHONE, "", "bipolar", ""]);
    let kept = kept(&vec![one; 80], &model);
    let ids: Vec<(RecordRef, u8)> = (0..80).map(|n| (record(n as u8, n), 0)).collect();
    let rows = rows(&kept, &ids);
    let edges: Vec<Edge> = (1..80).map(|n| Edge { a: ids[0].0, b: ids[n].0, score: 900 }).collect();
    let clusters = cluster(&rows, &edges, &[], &model);
    let largest = clusters.groups.iter().map(|group| group.members.len()).max().unwrap();
    assert_eq!(largest, model.cuts().cluster as usize);
    assert!(clusters.held.iter().all(|held| held.2 == Held::Size));
}

/// Rows that often have something in common.
fn some_group() -> impl Strategy<Value = Group> {
    let names =
        ["Stroke Club", "Sunrise Carers", "Surnrise Carers", "Sunrise Men", "Headway", "Headway Bath", "Talking Café"];
    let towns = ["Bath", "Wells", ""];
    let codes = ["BA1 1AA", "BA5 2AA", "EH1 1AA", ""];
    let phones = [PHONE, OFFICE, "0117 911 1663", ""];
    let pages = ["https://a.org.uk", "https://a.org.uk/b", "https://facebook.com/groups/1", "", ""];
    let topics = ["stroke", "carers", "", ""];
    let days = ["Monday", "Friday", "", ""];
    let pick = |all: &'static [&'static str]| proptest::sample::select(all);
    fn leak(all: &[&'static str]) -> &'static [&'static str] {
        Box::leak(all.to_vec().into_boxed_slice())
    }
    (
        pick(leak(&names)),
        pick(leak(&towns)),
        pick(leak(&codes)),
        pick(leak(&phones)),
        pick(leak(&pages)),
        pick(leak(&topics)),
        pick(leak(&days)),
    )
        .prop_map(|(a, b, c, d, e, f, g)| stated([a, b, c, d, e, f, g]))
}

fn judgement() -> impl Strategy<Value = Judgement> {
    proptest::sample::select(vec![Judgement::Same, Judgement::Different, Judgement::BranchOf, Judgement::None])
}

/// A model whose guard is met by a few records.
fn guarded() -> Model {
    let mut file = Model::shipped().file.clone();
    file.cuts.sharing = 4;
    Model::publish(file).unwrap().0
}

/// Links rows one by one as a store does: keys, pairs, and what a key that becomes too common, or ceases to be, changes.
#[derive(Default)]
struct Store {
    holders: BTreeMap<u64, BTreeSet<usize>>,
    pairs: BTreeSet<(usize, usize)>,
}

impl Store {
    fn change(&mut self, i: usize, keys: &[Vec<u64>], present: bool, sharing: usize) {
        let mut dirty = BTreeSet::from([i]);
        for key in &keys[i] {
            let holders = self.holders.entry(*key).or_default();
            let before = holders.len() <= sharing;
            if present {
                holders.insert(i)
            } else {
                holders.remove(&i)
            };
            if before != (holders.len() <= sharing) {
                dirty.extend(holders.iter());
            }
        }
        self.pairs.retain(|(a, b)| !dirty.contains(a) && !dirty.contains(b));
        for a in &dirty {
            for key in &keys[*a] {
                let holders = &self.holders[key];
                if holders.contains(a) && holders.len() <= sharing {
                    let others = holders.iter().filter(|b| *b != a);
                    self.pairs.extend(others.map(|b| (*a.min(b), *a.max(b))));
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn any_order_gives_the_same_groups(
        groups in proptest::collection::vec(some_group(), 2..14),
        lists in proptest::collection::vec(0u8..4, 14),
        said in proptest::collection::vec((0usize..14, 0usize..14, judgement(), 1u32..3), 0..4),
        seed in any::<u64>(),
    ) {
        let model = Model::shipped();
        let n = groups.len();
        let ids: Vec<(RecordRef, u8)> = (0..n).map(|i| (record((i % 3) as u8, i as u128 + 1), lists[i])).collect();
        let decisions: Vec<Decision> = said.iter().enumerate().filter(|(_, s)| s.0 % n != s.1 % n).map(|(order, s)| Decision {
            author: HubId([s.3 as u8; 20]), rank: s.3, a: ids[s.0 % n].0, b: ids[s.1 % n].0, judgement: s.2,
            at: Timestamp::UNIX_EPOCH, order: order as u64,
        }).collect();
        let all = kept(&groups, &model);
        let expected = partition(&rows(&all, &ids), &all.keys, &decisions, &model);

        // Turned by the seed, decisions too.
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by_key(|i| (*i as u64 + 1).wrapping_mul(seed | 1));
        let turned: Vec<Group> = order.iter().map(|i| groups[*i].clone()).collect();
        let turned_ids: Vec<(RecordRef, u8)> = order.iter().map(|i| ids[*i]).collect();
        let mut turned_decisions = decisions.clone();
        turned_decisions.reverse();
        let other = kept(&turned, &model);
        let found = partition(&rows(&other, &turned_ids), &other.keys, &turned_decisions, &model);
        let found: BTreeSet<BTreeSet<usize>> = found.into_iter().map(|group| group.into_iter().map(|i| order[i]).collect()).collect();
        prop_assert_eq!(&found, &expected);

        // Every record in one group, none twice.
        let members: Vec<usize> = expected.iter().flatten().copied().collect();
        prop_assert_eq!(members.len(), n);
    }

    #[test]
    fn the_same_rows_of_other_hubs_give_the_same_groups(
        groups in proptest::collection::vec(some_group(), 2..12),
        hubs in proptest::collection::vec((0u8..5, any::<u64>()), 12),
    ) {
        let model = Model::shipped();
        // Rows that say the very same stand for one another, so that which of them is which cannot be asked.
        let mut seen = BTreeSet::new();
        let groups: Vec<Group> = groups.into_iter().filter(|group| seen.insert(group.json())).collect();
        let all = kept(&groups, &model);
        let first: Vec<(RecordRef, u8)> = (0..groups.len()).map(|i| (record(0, i as u128), 0)).collect();
        let other: Vec<(RecordRef, u8)> =
            (0..groups.len()).map(|i| (record(hubs[i].0, u128::from(hubs[i].1) << 8 | i as u128), 0)).collect();
        prop_assert_eq!(
            partition(&rows(&all, &first), &all.keys, &[], &model),
            partition(&rows(&all, &other), &all.keys, &[], &model)
        );
    }

    #[test]
    fn what_is_plainly_apart_is_judged_apart(a in some_group(), b in some_group()) {
        let model = Model::shipped();
        let (a, b) = (read(&a, &model).0, read(&b, &model).0);
        for lists in [Lists::Apart, Lists::Repeats, Lists::Once] {
            if apart(&a, &b, lists, &model) {
                prop_assert_eq!(judge(&a, &b, lists, &model).outcome, Outcome::Apart);
            }
        }
    }

    #[test]
    fn one_by_one_gives_the_pairs_of_all_at_once(
        groups in proptest::collection::vec(some_group(), 2..20),
        gone in proptest::collection::vec(any::<bool>(), 20),
    ) {
        let model = guarded();
        let all = kept(&groups, &model);
        let sharing = model.cuts().sharing as usize;
        let mut store = Store::default();
        for i in 0..groups.len() {
            store.change(i, &all.keys, true, sharing);
        }
        let whole: BTreeSet<(usize, usize)> = pairs(&all.keys, sharing).into_iter().collect();
        prop_assert_eq!(&store.pairs, &whole);
        // And what is taken away leaves what would have been without it.
        for i in (0..groups.len()).filter(|i| gone[*i]) {
            store.change(i, &all.keys, false, sharing);
        }
        let left: Vec<Vec<u64>> =
            all.keys.iter().enumerate().map(|(i, keys)| if gone[i] { Vec::new() } else { keys.clone() }).collect();
        let whole: BTreeSet<(usize, usize)> = pairs(&left, sharing).into_iter().collect();
        prop_assert_eq!(&store.pairs, &whole);
    }
}
