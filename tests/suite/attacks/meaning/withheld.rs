//! F23: words that were signed and do not come.

use super::*;

/// F23: an empty line that no later leaf explains, and a line with another salt: withheld, said, never taken for a removal,
/// and taken when it comes.
#[tokio::test]
async fn f23_withheld_words_are_no_removal() {
    let mut scene = Scene::new(2).await;
    scene.peer.put(1, 2, "Group one, changed");
    scene.peer.put(3, 1, "Group three");
    scene.peer.put(4, 1, "Group four");
    let (honest, other) = (scene.peer.lines.clone(), scene.peer.line(4, 9, "Group four"));
    scene.peer.lines[0].clear(); // superseded: explained
    scene.peer.lines[2].clear();
    scene.peer.lines[3].clear();
    scene.peer.lines[4] = other;
    scene.peer.publish();
    let outcome = scene.pull().await;
    assert_eq!((outcome.state.as_str(), outcome.pulled.as_ref().unwrap().withheld), ("changed", 3));
    assert!(outcome.reason.contains("without their words"), "{}", outcome.reason);
    for n in [3, 4] {
        assert_eq!(scene.state_of(n).await.as_deref(), Some("withheld"), "{n}");
    }
    assert_eq!(scene.state_of(1).await.as_deref(), Some("live"), "what was known stays until newer words come");
    assert_eq!(scene.names().await, ["Group number 1", "Group number 2"]);
    scene.hub.check_hub().await;
    let again = scene.pull().await;
    assert!(again.ok(), "{again:?}");
    assert_eq!(scene.state_of(3).await.as_deref(), Some("withheld"));
    scene.peer.lines = honest;
    scene.peer.publish();
    assert_eq!(scene.pull().await.state, "changed");
    assert_eq!(scene.names().await, ["Group four", "Group number 2", "Group one, changed", "Group three"]);
    scene.heals().await;
}

/// F23: while newer words are awaited, whatever else is said of the record has its effect: a withdrawal ends it, an erasure takes
/// the older words away, newer words that come are the ones that count, and a check of the newer ones is none of the older.
#[tokio::test]
async fn f23_what_is_said_while_words_are_awaited_counts() {
    let mut scene = Scene::new(5).await;
    let before = scene.names().await;
    let checked = || {
        let assured = Assured { date: "2026-11-02".parse().unwrap(), method: "phone".into(), by: "hub".into() };
        Body::Affirm(Kind::Record, assured)
    };
    scene.peer.say(1, 2, checked());
    scene.peer.publish();
    scene.pull().await;
    let shown = scene.before().await;
    for n in 1..=5 {
        scene.peer.put(n, 3, &format!("Group {n}, changed"));
    }
    let honest = scene.peer.lines.clone();
    scene.peer.lines.iter_mut().skip(6).for_each(String::clear);
    scene.peer.say(1, 4, checked());
    scene.peer.publish();
    let outcome = scene.pull().await;
    assert!(outcome.reason.contains("5 records came without their words"), "{}", outcome.reason);
    assert_eq!(scene.names().await, before, "nothing left the list");
    let groups = scene.before().await;
    assert_eq!(groups.digest.digest, shown.digest.digest, "nor is one shown otherwise");
    let mut db = scene.hub.hub.store.read().await.unwrap();
    let rules = scene.hub.hub.rules(&mut db).await.unwrap();
    let page = mutuald::store::directory::group(&mut db, &rules, Uuid::from_u128(1)).await.unwrap().unwrap();
    assert!(
        page.members[0].awaited && page.members[0].checked.is_some(),
        "the page says so, and when it was checked before"
    );
    drop(db);
    scene.hub.check_hub().await;

    scene.peer.say(2, 4, Body::Withdraw(Kind::Record));
    scene.peer.say(3, 4, Body::Erase(Kind::Record, 2, ErasedParts::All));
    scene.peer.say(4, 5, Body::Erase(Kind::Record, 4, ErasedParts::All));
    scene.peer.put(5, 4, "Group 5, changed again");
    let upto = scene.peer.lines.len();
    scene.peer.publish();
    scene.pull().await;
    for (n, state) in [(1, "live"), (2, "withdrawn"), (3, "withheld"), (4, "erased"), (5, "live")] {
        assert_eq!(scene.state_of(n).await.as_deref(), Some(state), "{n}");
    }
    assert_eq!(scene.names().await, ["Group 5, changed again", "Group number 1"]);
    scene.hub.check_hub().await;

    let came = scene.peer.lines[honest.len()..upto].to_vec();
    scene.peer.lines = honest.into_iter().chain(came).collect();
    scene.peer.publish();
    scene.pull().await;
    assert_eq!(scene.names().await, ["Group 1, changed", "Group 3, changed", "Group 5, changed again"]);
    assert!(scene.hub.files_with(b"Group number 3").await.is_empty(), "the older words that were erased are gone");
    scene.heals().await;
}

/// A superseded line that is blank is missed by nobody.
#[tokio::test]
async fn f23_superseded_lines_are_not_missed() {
    let mut scene = Scene::of(TestPeer::new(7).await, |_| {}).await;
    scene.peer.put(1, 1, "Old words");
    scene.peer.put(1, 2, "New words");
    scene.peer.lines[0].clear();
    scene.peer.publish();
    let outcome = scene.pull().await;
    assert_eq!((outcome.state.as_str(), outcome.reason.as_str()), ("changed", ""));
    assert_eq!(outcome.pulled.unwrap().withheld, 0);
    assert_eq!(scene.names().await, ["New words"]);
    scene.heals().await;
}

/// A hub that withholds many words for ever does not keep the others from coming: each bundle has its turn.
#[tokio::test]
async fn f23_withheld_for_ever_starves_no_other() {
    let mut peer = TestPeer::new(7).await;
    (1..=256 * 7).for_each(|n| {
        peer.put(n, 1, &format!("Group number {n}"));
    });
    let honest = peer.lines.clone();
    (0..7).for_each(|bundle| peer.lines[bundle * 256 + 9].clear());
    peer.publish();
    let mut scene = Scene::of(peer, |config| config.limits.parallel_gets = 2).await;
    assert_eq!(scene.names().await.len(), 256 * 7 - 7);
    // Of one in the middle the words come after all.
    scene.peer.lines[4 * 256 + 9] = honest[4 * 256 + 9].clone();
    scene.peer.publish();
    let mut runs = 0;
    while scene.state_of(4 * 256 + 10).await.as_deref() != Some("live") {
        runs += 1;
        assert!(runs <= 14, "never asked for");
        scene.hub.clock.advance(jiff::SignedDuration::from_hours(1));
        scene.peer.asked();
        scene.pull().await;
        let parts = scene.peer.paths().iter().filter(|path| path.contains("/part/")).count();
        assert!(parts <= 4, "two bundles, each asked for once more past a cache");
    }
    scene.hub.check_hub().await;
}
