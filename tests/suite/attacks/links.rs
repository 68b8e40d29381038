//! F42: what people said of two records, in circles, against each other, and otherwise the day after.

use crate::support::TestHub;
use crate::support::command::Desk;
use crate::support::hub::group;
use mutuald::node::author::Draft;
use mutuald::record::statement::{Body, Judgement, RecordRef};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Records that nothing but people could take for one.
const RECORDS: u128 = 16;

fn rec(n: u128) -> Uuid {
    Uuid::from_u128(0x4000_8000_0000_0000_0000 + n)
}

/// One judgement: which of the two hubs says it, of which two records.
type Said = (usize, u128, u128, Judgement);

/// Says a judgement under the id that this hub uses for this pair.
async fn say(hub: &TestHub, owner: &TestHub, revs: &mut BTreeMap<(u128, u128), u64>, (_, a, b, judgement): Said) {
    let rev = revs.entry((a, b)).or_default();
    *rev += 1;
    let of = |n| RecordRef { hub: owner.hub.id, rec: rec(n) };
    let body = Body::Link { a: of(a), b: of(b), judgement };
    let id = Uuid::from_u128(0x5000 + a * 100 + b);
    hub.hub.say(&[Draft { id, rev: *rev, body, public: None }]).await.unwrap();
}

/// Which records are one group, here.
async fn partition(hub: &TestHub) -> BTreeSet<BTreeSet<Uuid>> {
    let mut db = hub.hub.store.read().await.unwrap();
    let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as("SELECT grp, rec FROM record WHERE kind = 1 AND state = 'live'")
        .fetch_all(&mut *db)
        .await
        .unwrap();
    let mut groups: BTreeMap<i64, BTreeSet<Uuid>> = BTreeMap::new();
    for (group, rec) in rows {
        groups.entry(group).or_default().insert(Uuid::from_slice(&rec).unwrap());
    }
    groups.into_values().collect()
}

/// F42: contradictory links, circles, judgements that are taken back, and chains of different after same after different: every hub
/// comes to the same groups, whoever it reads first and however often it looks; and a later word of a hub replaces its earlier one.
#[tokio::test(flavor = "multi_thread")]
async fn f42_contradictions_circles_and_second_thoughts_end_alike_everywhere() {
    use Judgement::{BranchOf, Different, None, Same, Unsure};
    let hubs = [TestHub::new("First Hub", 1).await, TestHub::new("Second Hub", 2).await];
    let (step_by_step, at_the_end) = (TestHub::new("Third Hub", 3).await, TestHub::new("Fourth Hub", 4).await);
    let all: Vec<_> = (1..=RECORDS)
        .map(|n| {
            let letter = char::from(b'a' + n as u8);
            let name = letter.to_string().repeat(6 + n as usize % 3);
            (rec(n), group(&format!("{name} meeting"), &format!("{name}ton"), &format!("01702 {:06}", n * 7_919)))
        })
        .collect();
    hubs[0].put(&all).await;
    for hub in [&hubs[1], &step_by_step, &at_the_end] {
        hub.follow(&hubs[0]).await;
    }
    for hub in [&hubs[0], &step_by_step, &at_the_end] {
        hub.follow(&hubs[1]).await;
    }
    hubs[1].pull(&hubs[0]).await;
    let steps: [Said; 23] = [
        // Two hubs against each other: apart is the safer word.
        (0, 1, 2, Same),
        (1, 1, 2, Different),
        // A chain whose ends are kept apart: it breaks, at one place, the same for all.
        (0, 3, 4, Same),
        (0, 4, 5, Same),
        (1, 3, 5, Different),
        // Same, different, same again, by one hub: its last word counts.
        (0, 6, 7, Same),
        (0, 6, 7, Different),
        (0, 6, 7, Same),
        // And taken back altogether.
        (1, 8, 9, Same),
        (1, 8, 9, None),
        // A circle holds when one side of it goes.
        (0, 10, 11, Same),
        (0, 11, 12, Same),
        (1, 10, 12, Same),
        (0, 10, 11, None),
        // Kept apart as branch and parent, said by the hub that called them one before.
        (0, 13, 14, Same),
        (0, 13, 14, BranchOf),
        // Unsure says nothing against what another is sure of.
        (0, 15, 16, Unsure),
        (1, 15, 16, Same),
        // A circle of which every second side contradicts.
        (0, 1, 3, Same),
        (1, 2, 4, Different),
        (0, 2, 5, Same),
        (1, 1, 5, Different),
        (0, 5, 1, None),
    ];
    let mut revs = [BTreeMap::new(), BTreeMap::new()];
    for step in steps {
        let (owner, mine) = (&hubs[0], &mut revs[step.0]);
        say(&hubs[step.0], owner, mine, step).await;
        // The third reads after each word, now this hub first and now that.
        let order = if step.1 % 2 == 0 { [0, 1] } else { [1, 0] };
        for hub in order {
            assert!(step_by_step.pull(&hubs[hub]).await.ok());
        }
        step_by_step.check_hub().await;
    }
    for hub in [1, 0] {
        assert!(at_the_end.pull(&hubs[hub]).await.ok());
    }
    hubs[0].pull(&hubs[1]).await;
    hubs[1].pull(&hubs[0]).await;
    let groups = partition(&at_the_end).await;
    let digest = at_the_end.hub.digest().await.unwrap().digest;
    for hub in [&hubs[0], &hubs[1], &step_by_step, &at_the_end] {
        assert_eq!(partition(hub).await, groups, "{}", hub.hub.name);
        assert_eq!(hub.hub.digest().await.unwrap().digest, digest, "{}", hub.hub.name);
        hub.check_hub().await;
    }
    let together = |a, b| groups.iter().any(|group| group.contains(&rec(a)) && group.contains(&rec(b)));
    for (a, b) in [(6, 7), (10, 11), (11, 12), (15, 16)] {
        assert!(together(a, b), "{a} {b}: {groups:#?}");
    }
    for (a, b) in [(1, 2), (3, 5), (8, 9), (13, 14), (2, 4), (1, 5)] {
        assert!(!together(a, b), "{a} {b}: {groups:#?}");
    }
    assert!(together(3, 4) ^ together(4, 5), "the chain breaks at one place: {groups:#?}");
}

/// F42: the path is explained: who said what and when, what holds two records together that nobody compared, and what keeps them apart.
#[test]
fn f42_the_path_is_explained() {
    let desk = Desk::new("First Hub");
    for (name, town) in [("Alder Evening", "Leigh"), ("Birch Morning", "Rayleigh"), ("Cedar Circle", "Wickford")] {
        desk.run(&["group", "add", name, "--town", town]).ended(0);
    }
    desk.run(&["link", "Alder", "Birch", "--same"]).ended(0);
    desk.run(&["link", "Birch @ First Hub", "Cedar", "--same"]);
    let why = desk.run(&["group", "why", "Alder"]).ended(0);
    assert!(why.contains("said to be one group by First Hub on"), "{why}");
    desk.run(&["link", "Alder", "Cedar", "--different"]);
    let (why, json) = (desk.run(&["group", "why", "Alder"]), desk.run(&["group", "why", "Alder", "--json"]));
    assert_eq!((why.status, json.status), (0, 0), "{}", why.err);
    desk.run(&["registry", "check"]).ended(0);
}
