//! Levels of safety on records: two hubs that know of one place, and words that change while somebody protects them.

use super::*;

fn said(name: &str, more: serde_json::Value) -> Group {
    let mut json = json!({"name": name, "contact": {"phone": "01632 960777"}, "topics": ["loneliness"]});
    json.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Group::read(&json.to_string()).unwrap()
}

async fn level_of(hub: &TestHub, name: &str) -> Vec<String> {
    let mut db = hub.hub.store.read().await.unwrap();
    sqlx::query_scalar("SELECT level FROM grp WHERE name = ? ORDER BY n").bind(name).fetch_all(&mut *db).await.unwrap()
}

/// A partner that publishes what this hub protects: shown nowhere finer, at either hub, and both are told.
#[tokio::test]
async fn a_partner_that_shows_more_is_held_to_the_most_protective_word() {
    for level in ["approximate", "contact-first", "unlisted", "sealed"] {
        let (ours, theirs) = (TestHub::new("Essex Hub", 1).await, TestHub::new("Kent Hub", 2).await);
        ours.follow(&theirs).await;
        theirs.follow(&ours).await;
        let place = json!({"place": {"venue": "Quorlick Mill", "address": "7 Zyxbury Lane", "locality": "Vendlethorpe",
            "postcode": "ZE3 9QX"}, "meetings": [{"text": "Wrensdays"}], "description": "At the Quorlick mill"});
        theirs.put(&[(Uuid::from_u128(1), said("Thursday Reading Circle", place.clone()))]).await;
        ours.put(&[(Uuid::from_u128(2), said("Thursday Reading Circle", json!({"place": place["place"]})))]).await;
        assert!(ours.pull(&theirs).await.ok() && theirs.pull(&ours).await.ok());
        assert!(shown(&ours).await.contains("quorlick"));

        let mut db = ours.hub.store.read().await.unwrap();
        let known = mutuald::node::groups::Known::find(&ours.hub, &mut db, "thursday").await.unwrap();
        assert_eq!(known.members.len(), 2, "one group");
        drop(db);
        let wanted = mutuald::record::safety::Level::of(level);
        mutuald::node::protect::set(&ours.hub, &known, wanted, false).await.unwrap();
        for (hub, other) in [(&theirs, &ours), (&ours, &theirs)] {
            assert!(hub.pull(other).await.ok());
            let shown = shown(hub).await;
            assert!(met(shown.as_bytes(), &MARKS).is_empty(), "{level}: {shown}");
            assert_eq!(level_of(hub, "Thursday Reading Circle").await, [level], "{level}");
            let mut db = hub.hub.store.read().await.unwrap();
            let exposures = mutuald::node::protect::exposures(&hub.hub, &mut db).await.unwrap();
            assert_eq!(exposures.len(), 1, "{level}: {exposures:?}");
            assert_eq!((exposures[0].own, exposures[0].hub.as_str()), (hub.hub.id == theirs.hub.id, "Kent Hub"));
            drop(db);
            hub.check_hub().await;
        }
        assert_eq!(ours.hub.digest().await.unwrap(), theirs.hub.digest().await.unwrap());
        // The word itself holds nothing of the place.
        let feed: Vec<u8> = all(&ours.hub.config.feed()).into_values().flatten().collect();
        assert!(contains(&feed, "groups-feed/v1 safety") && met(&feed, &MARKS).is_empty());
    }
}

/// Levels over hubs, orders and time: no later word of a hub, and no other hub's, makes an earlier one less protective.
#[tokio::test]
async fn a_word_stands_until_its_own_hub_takes_it_back_with_two_people() {
    let (one, two) = (TestHub::new("Essex Hub", 1).await, TestHub::new("Kent Hub", 2).await);
    two.follow(&one).await;
    one.follow(&two).await;
    let on = RecordRef { hub: one.hub.id, rec: Uuid::from_u128(1) };
    let place = json!({"place": {"locality": "Vendlethorpe", "postcode": "ZE3 9QX"}});
    one.put(&[(on.rec, said("Reading Circle", place.clone()))]).await;
    two.pull(&one).await;
    let say = async |hub: &TestHub, id: u128, rev: u64, level: &str, lowered: bool| {
        let lowered = lowered.then(|| ["trustee".to_owned(), "coordinator".to_owned()]);
        let body = Body::Safety { on, level: level.to_owned(), lowered };
        hub.hub.say(&[Draft { id: Uuid::from_u128(id), rev, body, public: None }]).await.unwrap();
        one.pull(&two).await;
        two.pull(&one).await;
        let levels = level_of(&one, "Reading Circle").await;
        assert_eq!(levels, level_of(&two, "Reading Circle").await);
        one.check_hub().await;
        two.check_hub().await;
        assert_eq!(one.hub.digest().await.unwrap().digest, two.hub.digest().await.unwrap().digest);
        levels.concat()
    };
    assert_eq!(say(&one, 70, 1, "contact-first", false).await, "contact-first");
    assert_eq!(say(&one, 70, 2, "open", false).await, "contact-first", "a lower word under the same id");
    assert_eq!(say(&one, 71, 1, "approximate", false).await, "contact-first", "or under another");
    assert_eq!(
        say(&two, 80, 1, "open", true).await,
        "contact-first",
        "or another hub's, though two people said it there"
    );
    assert_eq!(say(&two, 81, 1, "sealed", false).await, "sealed", "the most protective, whoever said it");
    assert_eq!(say(&one, 70, 3, "open", true).await, "sealed", "the first hub cannot take the second's word back");
    assert_eq!(
        say(&two, 81, 2, "open", true).await,
        "approximate",
        "what the first hub said under another id still stands"
    );
    assert_eq!(say(&one, 71, 2, "open", true).await, "open");
    assert!(shown(&two).await.contains("vendlethorpe"));
}

/// A record that changes while somebody looks at what protecting it would do: the newer words would stay public. Nothing is done, and the
/// next try does all of it.
#[tokio::test]
async fn what_changed_meanwhile_is_not_left_public() {
    let hub = TestHub::new("Essex Hub", 1).await;
    let place = json!({"place": {"locality": "Vendlethorpe", "postcode": "ZE3 9QX"}});
    hub.put(&[(Uuid::from_u128(1), said("Reading Circle", json!({})))]).await;
    let look = async || {
        let mut db = hub.hub.store.read().await.unwrap();
        mutuald::node::groups::Known::find(&hub.hub, &mut db, "reading").await.unwrap()
    };
    let known = look().await;
    hub.put(&[(Uuid::from_u128(1), said("Reading Circle", place))]).await;
    let level = mutuald::record::safety::Level::of("contact-first");
    let refused = mutuald::node::protect::set(&hub.hub, &known, level, false).await.unwrap_err();
    assert!(refused.to_string().contains("Give the command again"), "{refused:#}");
    assert_eq!(level_of(&hub, "Reading Circle").await, ["open"]);
    mutuald::node::protect::set(&hub.hub, &look().await, level, false).await.unwrap();
    let feed: Vec<u8> = all(&hub.hub.config.feed()).into_values().flatten().collect();
    assert!(met(&feed, &["vendlethorpe", "ze3 9qx"]).is_empty());
}
