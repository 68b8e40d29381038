//! Linking step by step gives what linking afresh gives: pairs, groups and digest, through the database.

use crate::support::TestHub;
use mutuald::node::author::Draft;
use mutuald::node::demo::invent;
use mutuald::record::Group;
use mutuald::record::statement::{Body, Kind};
use mutuald::registry::linkage::model::SHIPPED;
use proptest::prelude::*;
use serde_json::json;
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
