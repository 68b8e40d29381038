//! An erase that is received is obeyed, whatever becomes of the run that brings it.

use super::*;

/// A received erase is obeyed at once: words, listing and index lose them, and the line never comes back.
#[tokio::test]
async fn an_erase_is_obeyed_and_the_words_never_come_back() {
    let mut scene = Scene::new(3).await;
    let words = scene.peer.lines[0].clone();
    scene.peer.say(1, 2, erase(1));
    scene.peer.publish(); // and still serves the line
    assert_eq!(scene.pull().await.state, "changed");
    assert_eq!(scene.line_at(0).await, None);
    assert_eq!(scene.state_of(1).await.as_deref(), Some("erased"));
    assert_eq!(scene.names().await, ["Group number 2", "Group number 3"]);
    assert_eq!(found(&scene, "1").await, 0, "the index has forgotten them");
    scene.hub.check_hub().await;

    // The line is served again, and even put again under an old revision: it does not come back.
    scene.pull().await;
    let again = scene.peer.statement(1, 1, Body::Put(Kind::Record), &words);
    scene.peer.sign(&again.text().unwrap(), &words);
    scene.peer.publish();
    scene.pull().await;
    scene.pull().await;
    assert_eq!((scene.line_at(0).await, scene.line_at(4).await), (None, None));
    assert_eq!(scene.state_of(1).await.as_deref(), Some("erased"));
    scene.hub.hub.rebuild().await.unwrap();
    assert_eq!(scene.names().await.len(), 2);

    // A later revision is a new consent.
    scene.peer.put(1, 3, "Group one, come back");
    scene.peer.publish();
    scene.pull().await;
    assert!(scene.names().await.contains(&"Group one, come back".to_owned()));
    scene.heals().await;
}

async fn found(scene: &Scene, word: &str) -> i64 {
    let mut db = scene.hub.hub.store.read().await.unwrap();
    sqlx::query_scalar("SELECT count(*) FROM search WHERE search MATCH ?").bind(word).fetch_one(&mut *db).await.unwrap()
}

/// A newcomer who pulls the record and its erasure in one run never holds the words; nor one whose run stops between them.
#[tokio::test]
async fn an_erase_is_obeyed_in_the_run_that_brings_the_words() {
    for per_run in [200_000, 256] {
        let mut peer = TestPeer::new(7).await;
        peer.put(1, 1, "Erased");
        (2..=700).for_each(|n| {
            peer.put(n, 1, &format!("Group number {n}"));
        });
        peer.say(1, 2, Body::Erase(Kind::Record, 1, ErasedParts::Classes(vec!["public".into()])));
        peer.publish();
        let mut scene = Scene::of(peer, |config| config.limits.leaves_per_run = per_run).await;
        while scene.pull().await.pulled.unwrap().more {}
        assert_eq!(scene.line_at(0).await, None);
        assert_eq!(scene.state_of(1).await.as_deref(), Some("erased"));
        assert_eq!(scene.names().await.len(), 699);
        scene.heals().await;
    }
}

/// An erase in a bundle that was kept is obeyed though the run fails after it.
#[tokio::test]
async fn an_erase_is_obeyed_though_the_run_fails_after_it() {
    let mut scene = Scene::with(3, |limits| limits.parallel_gets = 1).await;
    scene.peer.say(1, 2, erase(1));
    for n in 4..=1_100 {
        scene.peer.put(n, 1, &format!("Other {n}"));
    }
    scene.peer.publish();
    scene.peer.fault("entries/003", |_, _| Reply::of(500, "").header("content-length", 0));
    let outcome = scene.pull().await;
    assert_eq!(outcome.state, "http-status");
    assert_eq!(scene.names().await, ["Group number 2", "Group number 3"]);
    assert_eq!(found(&scene, "1").await, 0, "the index has forgotten them");
    scene.hub.check_hub().await;
    scene.heals().await;
}

/// An erase that comes with a change which waits for a person does not wait; nor one whose record lies behind the brake.
#[tokio::test]
async fn an_erase_does_not_wait_with_a_braked_change() {
    let mut scene = Scene::new(20).await;
    for n in 1..=10 {
        scene.peer.put(n, 2, "Taken over");
    }
    let braked = scene.peer.leaves.len() - 1;
    scene.peer.put(50, 1, "New and erased");
    scene.peer.say(20, 2, erase(1));
    scene.peer.say(10, 3, erase(2));
    scene.peer.say(50, 2, erase(1));
    scene.peer.publish();
    assert_eq!(scene.pull().await.state, "waiting");
    assert_eq!(scene.line_at(19).await, None, "erased although the rest waits");
    assert_eq!(scene.line_at(braked).await, None, "erased behind the head");
    assert_eq!(scene.line_at(braked + 1).await, None);
    let names = scene.names().await;
    assert!(!names.contains(&"Group number 20".to_owned()), "no longer listed: {names:?}");
    assert!(names.contains(&"Group number 1".to_owned()), "the braked change does not show: {names:?}");
    assert_eq!(scene.pull().await.state, "waiting");
    scene.hub.hub.accept_partner(&scene.partner().await).await.unwrap();
    for n in [10, 20, 50] {
        assert_eq!(scene.state_of(n).await.as_deref(), Some("erased"), "{n}");
    }
    scene.hub.check_hub().await;
    scene.heals().await;
}
