//! Linking step by step gives what linking afresh gives: pairs, groups and digest, through the database.

use crate::support::TestHub;
use mutuald::node::author::Draft;
use mutuald::node::demo::invent;
use mutuald::record::Group;
use mutuald::record::statement::{Body, Kind};
use mutuald::registry::linkage::model::SHIPPED;
use proptest::prelude::*;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use uuid::Uuid;

/// A hub by whose model a key that more than three records share joins nobody.
async fn crowded() -> TestHub {
    let mut model: serde_json::Value = serde_json::from_str(SHIPPED).unwrap();
    model["cuts"]["sharing"] = json!(3);
    TestHub::with("Crowded", 41, |config| {
        let file = config.hub.state.with_file_name("linkage.json");
        std::fs::write(&file, model.to_string()).unwrap();
        config.hub.linkage = Some(file);
    })
    .await
}

fn any_group() -> impl Strategy<Value = Group> {
    let names =
        ["Epilepsy Evening", "Epilepsy Evenings", "Stroke Club", "Stroke Choir", "Carers Circle", "Carers Cafe"];
    let codes = ["NG9 2AB", "NG5 7AA", "NG9 2AD"];
    let phone = |n: usize| (n < 3).then(|| format!("0115 496 000{n}"));
    (0..names.len(), 0..5usize, 0..3usize, prop::bool::ANY).prop_map(move |(name, number, code, town)| {
        let json = json!({
            "name": names[name],
            "topics": [if name < 2 { "epilepsy" } else { "caring" }],
            "place": {"locality": if town { "Beeston" } else { "Arnold" }, "postcode": codes[code]},
            "contact": phone(number).map_or(json!({}), |phone| json!({"phone": phone})),
        });
        Group::read(&json.to_string()).unwrap()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, max_shrink_iters: 40, failure_persistence: None, ..ProptestConfig::default() })]

    /// Records come, change and go; keys become too common and cease to be. After every step everything derived is what it
    /// is when made afresh.
    #[test]
    fn one_by_one_is_all_at_once(steps in prop::collection::vec((0u128..9, prop::option::weighted(0.8, any_group())), 12..36)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let hub = crowded().await;
            for (rev, (n, group)) in steps.iter().enumerate() {
                let body = if group.is_some() { Body::Put(Kind::Record) } else { Body::Withdraw(Kind::Record) };
                let public = group.as_ref().map(Group::json);
                hub.hub.say(&[Draft { id: Uuid::from_u128(*n + 1), rev: rev as u64 + 1, body, public }]).await.unwrap();
                hub.check_hub().await;
            }
        });
    }
}

/// A few at a time are compared one by one, many all together: the pairs are the same.
#[tokio::test]
async fn few_and_many_are_compared_alike() {
    let hub = TestHub::new("Patient", 42).await;
    let groups: Vec<(Uuid, Group)> =
        invent::many(7, 700, 2).enumerate().map(|(n, group)| (Uuid::from_u128(n as u128 + 1), group)).collect();
    for few in groups.chunks(100) {
        hub.put(few).await;
    }
    // The check makes everything afresh: 700 records at once.
    hub.check_hub().await;
    let mut db = hub.hub.store.read().await.unwrap();
    let pairs: i64 =
        sqlx::query_scalar("SELECT count(*) FROM pair WHERE outcome = 2").fetch_one(&mut *db).await.unwrap();
    assert!(pairs > 5, "some of them are written down twice: {pairs}");
}

/// A name, and nothing else that another record says, but the telephone where that is the hub's.
fn answered_by(hub_itself: bool, n: u128, word: &str) -> (Uuid, Group) {
    let letters: String = format!("{n:05}").bytes().map(|digit| char::from(b'b' + 2 * (digit - b'0'))).collect();
    let json = json!({
        "name": format!("{word}{letters}"),
        "place": {"locality": format!("Upper {letters}")},
        "contact": {"phone": if hub_itself { "0115 496 0001".into() } else { format!("0115 49{n:05}") }},
    });
    (Uuid::from_u128(n + 1), Group::read(&json.to_string()).unwrap())
}

/// Steps of the database's machine, in hundreds, that changing a record by its name takes among so many.
async fn steps_of_a_change(hub_itself: bool, among: u128) -> u64 {
    let hub = TestHub::new("Switchboard", 43).await;
    hub.put(&(0..among).map(|n| answered_by(hub_itself, n, "word")).collect::<Vec<_>>()).await;
    let steps = Arc::new(AtomicU64::new(0));
    let counted = steps.clone();
    let mut write = hub.hub.store.write().await.unwrap();
    write.lock_handle().await.unwrap().set_progress_handler(100, move || {
        counted.fetch_add(1, Ordering::Relaxed);
        true
    });
    write.rollback().await.unwrap();
    hub.put(&[answered_by(hub_itself, 7, "other")]).await;
    hub.put(&[answered_by(hub_itself, 8, "other")]).await;
    steps.load(Ordering::Relaxed)
}

/// A hub that gives thousands of groups its own telephone makes no later change dearer than one that gives each its own.
#[tokio::test]
async fn a_telephone_that_thousands_share_costs_a_change_nothing() {
    let (own, shared) = (steps_of_a_change(false, 4_000).await, steps_of_a_change(true, 4_000).await);
    eprintln!("hundreds of steps: {own} with telephones of their own, {shared} with the hub's");
    // Up to a hundred who share a key are read, and one more.
    assert!(shared <= own + 40, "{own} with telephones of their own, {shared} with the hub's");
}

/// Many at once take a telephone beyond what may be shared and back under it: pairs and groups are as made afresh.
#[tokio::test]
async fn a_key_that_many_cross_at_once_is_linked_as_afresh() {
    let hub = crowded().await;
    let named = |n: u128, phone: &str| {
        let json = json!({
            "name": "Epilepsy Evening", "topics": ["epilepsy"],
            "place": {"locality": "Beeston", "postcode": format!("NG9 {}AB", n % 10)}, "contact": {"phone": phone},
        });
        (Uuid::from_u128(n + 1), Group::read(&json.to_string()).unwrap())
    };
    // Those who had it first are not the first who have it afterwards.
    for sharing in [6..9, 0..9, 7..9, 5..9, 6..8, 1..9, 0..1] {
        let groups: Vec<(Uuid, Group)> = (0..9u128)
            .map(|n| {
                let phone = if sharing.contains(&n) { "0115 496 0001".into() } else { format!("0115 496 01{n:02}") };
                named(n, &phone)
            })
            .collect();
        hub.put(&groups).await;
        hub.check_hub().await;
    }
}
