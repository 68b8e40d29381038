//! F28a: a stolen key erases or overwrites everything. What it took is hidden at once, deleted late, and brought back when the list
//! is closed.

use super::*;

async fn hidden(scene: &Scene) -> i64 {
    let mut db = scene.hub.hub.store.read().await.unwrap();
    sqlx::query_scalar("SELECT count(*) FROM hidden").fetch_one(&mut *db).await.unwrap()
}

/// F28a: whoever has stolen a log's key erases much of it. It is hidden at once; the words stay for 72 hours, and come back when the
/// log is closed before the theft. When nobody closes it, they are deleted then, and only then confirmed.
#[tokio::test]
async fn f28a_a_mass_erasure_is_hidden_at_once_and_deleted_after_three_days() {
    for (erasures, braked) in [(20, false), (21, true), (60, true)] {
        let mut scene = Scene::new(100).await;
        let before = scene.names().await;
        for n in 1..=erasures {
            scene.peer.say(n, 2, Body::Erase(Kind::Record, 1, ErasedParts::All));
        }
        scene.peer.publish();
        assert_eq!(scene.pull().await.state, "changed");
        assert_eq!(scene.names().await.len(), 100 - erasures as usize, "hidden at once");
        assert_eq!(scene.line_at(0).await, None);
        scene.hub.check_hub().await;
        assert_eq!(hidden(&scene).await, if braked { erasures as i64 } else { 0 });
        let acked = || async {
            let mut db = scene.hub.hub.store.read().await.unwrap();
            store::ack::of(&mut db, "peer-7.example/1").await.unwrap().len()
        };
        assert_eq!(acked().await, usize::from(!braked), "confirmed when it is done, not before");
        if !braked {
            scene.hub.holds_nothing_of(&[&scene.peer.lines[0][..22]]);
            continue;
        }
        let status = scene.hub.hub.erasures().await.unwrap();
        assert_eq!((status.len(), status[0].stage), (erasures as usize, Stage::Hidden));
        // 71 hours later they are still there, whatever was pulled meanwhile; and a single erasure then is not held back.
        scene.hub.clock.advance(SignedDuration::from_hours(71));
        scene.peer.now += 71 * 3_600;
        scene.peer.put(200, 1, "Group number 200");
        scene.peer.say(99, 2, Body::Erase(Kind::Record, 1, ErasedParts::All));
        scene.peer.publish();
        scene.pull().await;
        scene.hub.hub.sweep().await.unwrap();
        assert_eq!(hidden(&scene).await, erasures as i64);
        if erasures == 60 {
            // The hub's document closes the log before the theft.
            let mut write = scene.hub.hub.store.write().await.unwrap();
            let back = store::erase::cancel(&mut write, 2, 2, 100).await.unwrap();
            assert_eq!(back, 60);
            scene.hub.hub.derive_in(&mut write, Default::default()).await.unwrap();
            write.commit().await.unwrap();
            let mut names = scene.names().await;
            names.retain(|name| name != "Group number 200");
            assert_eq!(names.len(), before.len() - 1, "all but the one whose words were deleted");
            assert!(scene.line_at(0).await.is_some());
            scene.hub.hub.sweep().await.unwrap();
            continue;
        }
        scene.hub.clock.advance(SignedDuration::from_hours(1));
        scene.hub.hub.sweep().await.unwrap();
        assert_eq!(hidden(&scene).await, 0);
        let salts: Vec<&str> = scene.peer.lines[..erasures as usize].iter().map(|line| &line[..22]).collect();
        scene.hub.holds_nothing_of(&salts);
        assert_eq!(acked().await, 1);
        scene.hub.check_hub().await;
        scene.heals().await;
    }
}

/// F28a: whoever has stolen a key overwrites everything. What stood before is out of sight, served to nobody, and stays for a week;
/// closing the log brings it back.
#[tokio::test]
async fn f28a_what_was_overwritten_stays_hidden_for_a_week() {
    let mut scene = Scene::new(30).await;
    for n in 1..=30 {
        scene.peer.put(n, 2, "Taken over");
    }
    scene.peer.publish();
    assert_eq!(scene.pull().await.state, "waiting", "so much waits for a person");
    scene.hub.hub.accept_partner(&scene.partner().await).await.unwrap();
    assert_eq!((scene.line_at(0).await, hidden(&scene).await), (None, 30));
    scene.hub.clock.advance(SignedDuration::from_hours(7 * 24 - 1));
    scene.hub.hub.sweep().await.unwrap();
    assert_eq!(hidden(&scene).await, 30);
    let mut write = scene.hub.hub.store.write().await.unwrap();
    assert_eq!(store::erase::cancel(&mut write, 2, 2, 30).await.unwrap(), 30);
    write.rollback().await.unwrap();
    scene.hub.clock.advance(SignedDuration::from_hours(1));
    scene.hub.hub.sweep().await.unwrap();
    assert_eq!(hidden(&scene).await, 0);
    scene.hub.holds_nothing_of(&[&scene.peer.lines[0][..22]]);
    scene.hub.check_hub().await;
}

/// F28a, with all that belongs to it: whoever has a list's key erases half of it and overwrites the rest. Readers hide that, or wait
/// for a person; the hub's root key closes the list before the theft, and all of it is there again, at whoever took it in and at
/// whoever did not, without a word of the thief.
#[tokio::test(flavor = "multi_thread")]
async fn f28a_closing_the_list_brings_everything_back() {
    let hub = TestHub::new("Hub A", 1).await;
    hub.put(&(1..=100).map(other).collect::<Vec<_>>()).await;
    let (took, waits) = (TestHub::new("Hub B", 2).await, TestHub::new("Hub C", 3).await);
    for reader in [&took, &waits] {
        reader.follow(&hub).await;
        assert_eq!(reader.pull(&hub).await.state, "changed");
    }
    let good = took.names().await;

    let thief = hub.copy(50).await;
    let erase = |n: u128| {
        let body = Body::Erase(Kind::Record, 1, ErasedParts::All);
        mutuald::node::author::Draft { id: Uuid::from_u128(n), rev: 2, body, public: None }
    };
    thief.hub.say(&(1..=60).map(erase).collect::<Vec<_>>()).await.unwrap();
    let taken: Vec<_> = (61..=100)
        .map(|n| {
            let json = serde_json::json!({"name": format!("Zzevil {n}"), "place": {"locality": "Clacton"}});
            (Uuid::from_u128(n), Group::read(&json.to_string()).unwrap())
        })
        .collect();
    thief.put(&taken).await;
    for reader in [&took, &waits] {
        reader.finds(&hub, &thief.url).await;
        assert_eq!(reader.pull(&hub).await.state, "waiting");
    }
    let row = took.hub.partner(&hub.hub.id.to_string()).await.unwrap();
    took.hub.accept_partner(&row).await.unwrap();
    let names = took.names().await;
    assert!(names.len() == 40 && names.iter().all(|name| name.starts_with("Zzevil")), "{names:?}");
    took.check_hub().await;

    // Two days later, within both undo windows.
    for one in [&hub, &took, &waits] {
        one.clock.advance(SignedDuration::from_hours(48));
        one.hub.sweep().await.unwrap();
    }
    hub.rotate().await;
    let newcomer = TestHub::new("Hub D", 4).await;
    newcomer.clock.set(hub.clock.now());
    newcomer.follow(&hub).await;
    // Whoever had the words has them again, and fetches none.
    let (parts, aside) = (hub.hub.config.feed().join("v1/2/part"), hub.hub.config.feed().join("part-2"));
    std::fs::rename(&parts, &aside).unwrap();
    for reader in [&took, &waits, &newcomer] {
        if std::ptr::eq(reader, &newcomer) {
            std::fs::rename(&aside, &parts).unwrap();
        }
        reader.finds(&hub, &hub.url).await;
        for _ in 0..2 {
            let outcome = reader.pull(&hub).await;
            assert!(outcome.ok() && outcome.state != "waiting", "{outcome:?}");
        }
        assert_eq!(reader.names().await, good, "all of it");
        reader.hub.sweep().await.unwrap();
        reader.holds_nothing_of(&["Zzevil"]);
        reader.check_hub().await;
        reader.clock.set(took.clock.now());
        reader.hub.refresh().await.unwrap();
        assert_eq!(reader.hub.digest().await.unwrap().digest, took.hub.digest().await.unwrap().digest);
    }
    hub.hub.refresh().await.unwrap();
    assert_eq!(took.hub.digest().await.unwrap().digest, hub.hub.digest().await.unwrap().digest, "as at the hub itself");
}
