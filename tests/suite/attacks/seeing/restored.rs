//! F31, F32: a hub that comes back from a backup, and two that run with one key.

use super::*;

/// F31: a database restored from last week's backup publishes nothing, because its partners have seen more; it takes back
/// from them what it said, and what only it knew is said again: no fork, nothing lost that a partner holds.
#[tokio::test(flavor = "multi_thread")]
async fn f31_a_restored_backup_takes_back_what_it_said() {
    let (first, second, _third) = three(300).await;
    first.follow(&second).await;
    second.pull(&first).await;
    let backup = first.copy(71).await;
    for n in 400..420 {
        says(&first, n, &format!("Said since {n}")).await;
    }
    says(&first, 1, "Changed since").await;
    second.pull(&first).await;
    let good = first.names().await;
    first.goes_down();

    let refused = backup.hub.publish().await.unwrap_err();
    assert!(refused.downcast_ref::<WouldFork>().is_some(), "{refused:#}");
    // Somebody goes on working before they look: the words are kept, and shown to nobody.
    let group = group("Said in between", "Southend", "01702 000500");
    let draft = mutuald::node::author::Draft {
        id: id(500),
        rev: 1,
        body: mutuald::record::statement::Body::Put(mutuald::record::statement::Kind::Record),
        public: Some(group.json()),
    };
    let refused = backup.hub.say(&[draft]).await.unwrap_err();
    assert!(refused.downcast_ref::<WouldFork>().is_some(), "{refused:#}");
    let before = backup.published();

    let healed = backup.hub.heal(None).await.unwrap();
    assert_eq!((healed.again, healed.now), (1, before + 21 + 1), "{healed:?}");
    backup.hub.publish().await.unwrap();
    backup.check_hub().await;
    let mut expected = good.clone();
    expected.push("Said in between".into());
    expected.sort();
    assert_eq!(backup.names().await, expected);
    assert_eq!(backup.hub.heal(None).await.unwrap().again, 0, "once is enough");

    second.finds(&first, &backup.url).await;
    assert_eq!(second.pull(&first).await.state, "changed", "the same history, grown");
    assert_eq!(second.names().await, expected);
    second.check_hub().await;
}

/// F31: a backup from before a rollover, restored after it: this hub's own document was closing the list that the backup goes on with,
/// and whatever is said in it would be void. Nothing is published, no other document of that version is signed; healing brings
/// the newer document and the newer list, whether the feed folder is still there or not, with or without the old list's key. What
/// was said in between is said again, where a person says that it is this hub's own.
#[tokio::test(flavor = "multi_thread")]
async fn f31_a_backup_from_before_a_new_list_finds_it() {
    use mutuald::node::rollover::{Change, Later, add_signature};
    use mutuald::node::{Chance, Hub, backup};
    let (first, second, third) = three(300).await;
    first.follow(&second).await;
    second.pull(&first).await;
    let made = first.hub.back_up(None).await.unwrap();
    says(&first, 400, "Said in the old list").await;
    first.rotate().await;
    says(&first, 401, "Said in the new list").await;
    says(&first, 1, "Changed in the new list").await;
    first.clock.advance(jiff::SignedDuration::from_mins(61));
    second.clock.set(first.clock.now());
    assert_eq!(second.pull(&first).await.state, "changed");
    let (good, root) = (first.names().await, first.root());
    assert_eq!(second.names().await, good);
    let cases =
        [(true, true, false), (false, true, false), (true, false, false), (false, false, false), (false, true, true)];
    for (nth, (files, key, spoke)) in cases.into_iter().enumerate() {
        let at = format!("feed folder {files}, old key {key}, spoke {spoke}");
        let again = first.copy(80 + nth as u64).await;
        let config = (*again.hub.config).clone();
        again.hub.store.close().await;
        if !files {
            std::fs::remove_dir_all(config.feed()).unwrap();
        }
        if !key {
            std::fs::remove_file(config.keys().join("log-1.key")).unwrap();
        }
        let restored = backup::restore(&config, &made.backup.file, &again.clock, true, false).await.unwrap();
        assert!(restored.done, "{at}");
        let hub = Hub::speechless(config.clone(), again.clock.clone(), Chance::seeded(90 + nth as u64)).await.unwrap();
        hub.refresh().await.unwrap();
        assert_eq!(hub.own_document().await.unwrap().document.version, 1, "{at}: as it was");
        let refused = hub.publish().await.unwrap_err();
        match refused.downcast_ref::<WouldFork>() {
            Some(WouldFork(ahead)) => assert_eq!(ahead.document, Some(2), "{at}: {refused:#}"),
            None => assert!(!key && refused.to_string().contains("feed heal"), "{at}: {refused:#}"),
        }
        assert!(!refused.to_string().contains("rotate"), "{refused:#}");
        // Another list, and so another document of the same version, would be proof against the hub.
        match hub.plan_document(&Change::Log { keep: None }, false).await {
            Ok(plan) => {
                assert!(!files, "{at}");
                let signed = add_signature(&plan.text, &root).unwrap();
                let refused = hub.adopt_document(signed.as_bytes(), None).await.unwrap_err();
                assert!(refused.is::<WouldFork>(), "{at}: {refused:#}");
            }
            Err(refused) => assert!(files && refused.to_string().contains("older backup"), "{at}: {refused:#}"),
        }
        let mut expected = good.clone();
        if spoke {
            let draft = mutuald::node::author::Draft {
                id: id(500),
                rev: 1,
                body: mutuald::record::statement::Body::Put(mutuald::record::statement::Kind::Record),
                public: Some(group("Said in between", "Southend", "01702 000500").json()),
            };
            assert!(hub.say(&[draft]).await.unwrap_err().is::<WouldFork>());
            let undecided = hub.heal(None).await.unwrap_err();
            assert!(undecided.is::<mutuald::node::heal::Undecided>(), "{undecided:#}");
            assert!(hub.publish().await.is_err(), "half way nothing is published");
            expected.push("Said in between".into());
            expected.sort();
        }
        let healed = hub.heal(Some(Later::Keep)).await.unwrap();
        assert_eq!(healed.again, u64::from(spoke), "{at}: {healed:?}");
        assert_eq!(hub.own_document().await.unwrap().document.version, 2, "{at}");
        hub.publish().await.unwrap_or_else(|error| panic!("{at}: {error:#}"));
        assert_eq!(hub.check().await.unwrap(), [], "{at}");
        let names = async |hub: &Hub| {
            let mut db = hub.store.read().await.unwrap();
            let names: Vec<String> =
                sqlx::query_scalar("SELECT name FROM grp ORDER BY name").fetch_all(&mut *db).await.unwrap();
            names
        };
        assert_eq!(names(&hub).await, expected, "{at}: nothing lost that a partner holds");
        assert_eq!(hub.heal(None).await.unwrap().again, 0, "{at}: once is enough");
        // It goes on, and whoever follows it follows on: the same history, grown.
        let found = crate::support::feed::audited(&config.feed(), hub.id).await.unwrap();
        assert!(found.sound(), "{at}: {found}");
        if spoke {
            second.finds(&first, &again.url).await;
            assert_eq!(second.pull(&first).await.state, "changed", "{at}");
            assert_eq!(second.names().await, expected);
            second.check_hub().await;
        }
        hub.store.close().await;
    }
    drop(third);
}

/// F32: a copied machine with the same key: whoever publishes second is stopped, by what partners have seen, and by the
/// checkpoint that was published meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn f32_the_second_of_two_with_one_key_is_stopped() {
    let (first, second, _third) = three(5).await;
    first.follow(&second).await;
    let twin = first.copy(72).await;
    says(&first, 100, "Said by the first").await;
    second.pull(&first).await;
    let before = twin.published();
    let draft = mutuald::node::author::Draft {
        id: id(200),
        rev: 1,
        body: mutuald::record::statement::Body::Put(mutuald::record::statement::Kind::Record),
        public: Some(group("Said by the twin", "Southend", "01702 000200").json()),
    };
    let refused = twin.hub.say(&[draft]).await.unwrap_err();
    let WouldFork(ahead) = refused.downcast_ref::<WouldFork>().expect("it would fork");
    assert!(ahead.differs, "{ahead:?}");
    assert_eq!(twin.published(), before, "nothing of it was published");
    // Partners go on with the first.
    says(&first, 101, "And again").await;
    assert_eq!(second.pull(&first).await.state, "changed");

    // Two processes on one database: the second to sign meets the other's checkpoint.
    let mut db = first.hub.store.write().await.unwrap();
    let log = store::log::by_number(&mut db, store::log::OWN).await.unwrap().unwrap();
    let known = log.checkpoint.clone();
    assert!(store::log::publish_checkpoint(&mut db, log.n, known.as_deref(), b"theirs").await.unwrap());
    assert!(!store::log::publish_checkpoint(&mut db, log.n, known.as_deref(), b"ours").await.unwrap());
}
