//! F10: "not modified", said when it is not so.

use super::*;

/// F10: "not modified" is believed no longer than the hub itself lets a checkpoint grow old; weak and changing ETags cost a
/// request more, nothing else.
#[tokio::test]
async fn f10_not_modified_is_not_believed_for_ever() {
    let mut scene = Scene::new(1).await;
    scene.peer.put(2, 1, "Group two");
    scene.peer.publish();
    scene.peer.fault(
        CHECKPOINT,
        |asked, reply| {
            if asked.headers.contains_key("if-none-match") { Reply::of(304, "") } else { reply }
        },
    );
    assert_eq!(scene.pull().await.state, "current", "for now it may be so");
    scene.hub.clock.advance(jiff::SignedDuration::from_hours(25));
    scene.peer.now += 25 * 3_600;
    scene.peer.publish();
    scene.peer.fault(
        CHECKPOINT,
        |asked, reply| {
            if asked.headers.contains_key("if-none-match") { Reply::of(304, "") } else { reply }
        },
    );
    let outcome = scene.pull().await;
    assert_eq!((outcome.state.as_str(), outcome.pulled.unwrap().new), ("changed", 1), "asked without a condition");
    // 304 to a question without condition is nonsense.
    scene.hub.clock.advance(jiff::SignedDuration::from_hours(25));
    scene.peer.fault(CHECKPOINT, |_, _| Reply::of(304, ""));
    scene.refused("http-status").await;
    // Another ETag each time, and weak.
    scene.peer.well();
    let count = std::sync::atomic::AtomicU64::new(0);
    scene.peer.fault(CHECKPOINT, move |_, reply| {
        let n = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        reply.without("etag").header("etag", format!("W/\"{n}\""))
    });
    scene.peer.now += 25 * 3_600;
    scene.peer.publish();
    for _ in 0..2 {
        assert_eq!(scene.pull().await.state, "current");
    }
    assert_eq!(scene.partner().await.failures, 0);
    scene.heals().await;
}

/// Whether the partner's checkpoint was asked for, since the last look, with a condition ("only if it is no longer this").
fn conditions(peer: &TestPeer) -> Vec<bool> {
    let asked = peer.asked().into_iter().filter(|asked| asked.path == CHECKPOINT);
    asked.map(|asked| asked.headers.contains_key("if-none-match")).collect()
}

/// F10: the server's ETags are made otherwise from some day on, and it answers "not modified" to whoever asks with a condition, naming
/// another ETag than the one it was asked for. After the third time the whole is asked for, and what was kept back comes; once
/// its ETags change with the list again, they are believed again.
#[tokio::test]
async fn f10_not_modified_under_another_etag_is_not_believed_for_long() {
    let mut scene = Scene::new(1).await;
    scene.peer.put(2, 1, "Group two");
    scene.peer.publish();
    scene.peer.fault(CHECKPOINT, |asked, reply| match asked.headers.contains_key("if-none-match") {
        true => Reply::of(304, "").header("etag", "\"made-otherwise\""),
        false => reply,
    });
    for nth in 1..=2 {
        assert_eq!(scene.pull().await.state, "current", "{nth}: it may be an accident");
        assert_eq!(conditions(&scene.peer), [true]);
    }
    let outcome = scene.pull().await;
    assert_eq!((outcome.state.as_str(), outcome.pulled.unwrap().new), ("changed", 1), "the third time is a habit");
    assert_eq!(conditions(&scene.peer), [true, false]);
    scene.heals().await;
    scene.peer.asked();
    assert_eq!(scene.pull().await.state, "current");
    assert_eq!(conditions(&scene.peer), [true], "its ETags tell again what changed");
    // The same ETag in another writing is the same.
    scene.peer.fault(CHECKPOINT, |asked, reply| match asked.headers.get("if-none-match") {
        Some(etag) => Reply::of(304, "").header("etag", format!("W/{etag}")),
        None => reply,
    });
    for _ in 0..4 {
        assert_eq!(scene.pull().await.state, "current");
        assert_eq!(conditions(&scene.peer), [true]);
    }
    scene.heals().await;
}

/// F10: an ETag that stays while the list changes. Seen three times, no condition is made of it any more, and every change is met by
/// the next pull.
#[tokio::test]
async fn f10_an_etag_that_stays_while_the_list_changes_is_no_condition() {
    let mut scene = Scene::new(1).await;
    let weak = "W/\"0\"";
    scene.peer.fault(CHECKPOINT, move |asked, reply| {
        match asked.headers.get("if-none-match").is_some_and(|tag| tag == weak) {
            true => Reply::of(304, "").header("etag", weak),
            false if reply.status == 200 => reply.without("etag").header("etag", weak),
            false => reply,
        }
    });
    let mut n = 1;
    let mut grow = |scene: &mut Scene| {
        n += 1;
        scene.peer.put(n, 1, &format!("Group number {n}"));
        scene.peer.publish();
    };
    for day in 1..=4 {
        // A day later the whole is asked for in any case.
        scene.hub.clock.advance(jiff::SignedDuration::from_hours(25));
        scene.peer.now += 25 * 3_600;
        grow(&mut scene);
        assert_eq!(scene.pull().await.state, "changed", "day {day}");
        grow(&mut scene);
        let state = scene.pull().await.state;
        assert_eq!(state, if day < 4 { "current" } else { "changed" }, "day {day}: said again within the day");
    }
    for _ in 0..2 {
        grow(&mut scene);
        assert_eq!(scene.pull().await.state, "changed");
    }
    scene.heals().await;
}

/// F10: "not modified" to a question without condition is a cache's mistake: the question is put once more, past every cache.
#[tokio::test]
async fn f10_not_modified_that_nobody_asked_for_is_asked_past_the_caches() {
    let mut scene = Scene::new(1).await;
    scene.peer.put(2, 1, "Group two");
    scene.peer.publish();
    let mut write = scene.hub.hub.store.write().await.unwrap();
    let mut row = scene.partner().await;
    row.etag = None;
    mutuald::store::partner::save(&mut write, &row).await.unwrap();
    write.commit().await.unwrap();
    scene.peer.fault(CHECKPOINT, |asked, reply| match asked.headers.get("cache-control") {
        Some(_) => reply,
        None => Reply::of(304, ""),
    });
    let outcome = scene.pull().await;
    assert_eq!((outcome.state.as_str(), scene.names().await.len()), ("changed", 2), "{outcome:?}");
    assert_eq!(conditions(&scene.peer), [false, false]);
    scene.heals().await;
}

/// F10: "not modified" while a partner's copy shows a newer list: what is held is no longer what the ETag came with, so the next question
/// has no condition; and a copy's ETag is never put to the hub's own server.
#[tokio::test(flavor = "multi_thread")]
async fn f10_not_modified_while_a_relay_shows_more_is_not_asked_for_again() {
    let mut scene = Scene::new(1).await;
    let relay = TestHub::new("Relay Hub", 2).await;
    relay.hub.add_partner(&scene.peer.url, scene.peer.id, None).await.unwrap();
    scene.hub.follow(&relay).await;
    scene.peer.put(2, 1, "Group two");
    scene.peer.publish();
    let there = relay.hub.partner(&scene.peer.id.to_string()).await.unwrap();
    assert_eq!(relay.hub.pull(&there, false).await.unwrap().state, "changed");
    let modified = |asked: &crate::support::peer::Asked, reply: Reply| match asked.headers.get("if-none-match") {
        Some(etag) => Reply::of(304, "").header("etag", etag),
        None => reply,
    };
    scene.peer.fault(CHECKPOINT, modified);
    assert_eq!(scene.pull().await.state, "current", "nothing is known to speak against it");
    let row = scene.hub.hub.partner(&relay.hub.id.to_string()).await.unwrap();
    let met = scene.hub.hub.gossip(&row, true).await.unwrap();
    assert!(met.len() == 1 && met[0].contains("more of its list"), "{met:?}");
    scene.peer.put(3, 1, "Group three");
    scene.peer.publish();
    scene.peer.asked();
    assert_eq!(scene.pull().await.state, "changed");
    assert_eq!(conditions(&scene.peer), [false]);
    assert_eq!(scene.names().await.len(), 3);

    // Read from the relay, because the hub itself is away.
    let there = relay.hub.partner(&scene.peer.id.to_string()).await.unwrap();
    scene.peer.well();
    scene.peer.put(4, 1, "Group four");
    scene.peer.publish();
    assert_eq!(relay.hub.pull(&there, false).await.unwrap().state, "changed");
    scene.peer.fault(CHECKPOINT, |_, _| Reply::of(502, "").header("content-length", 0));
    assert!(scene.pull().await.reason.contains("Relay Hub"));
    scene.peer.well();
    scene.peer.asked();
    assert_eq!(scene.pull().await.state, "current");
    assert_eq!(conditions(&scene.peer), [false]);
    scene.heals().await;
}

/// F10: the hub document too. Where its list cannot be had as the known document says, a newer one is asked for without condition.
#[tokio::test]
async fn f10_a_document_that_is_said_not_to_be_modified_is_asked_for_whole_when_its_list_is_gone() {
    let mut scene = Scene::new(1).await;
    scene.hub.clock.advance(jiff::SignedDuration::from_mins(61));
    assert_eq!(scene.pull().await.state, "current");
    let first = mutuald::feed::hub::open(scene.peer.document.as_bytes(), None).unwrap();
    let mut second = first.document.clone();
    (second.version, second.hub, second.prev) = (2, Some(first.id), Some(first.digest.clone()));
    second.logs[0].prefix = "../v1/moved/".into();
    let signed = second.sign(&[&scene.peer.root]);
    scene.peer.put(2, 1, "Group two");
    scene.peer.publish();
    for file in ["checkpoint", "tile/entries/000.p/2", "part/public/000.p/2"] {
        scene.peer.place(&format!("/v1/moved/{file}"), scene.peer.file(file));
    }
    scene.peer.place("/.well-known/groups-hub", signed.clone());
    scene.peer.place("/hub/2", signed);
    scene.peer.fault("/v1/1/checkpoint", |_, _| Reply::of(404, "").header("content-length", 0));
    scene.peer.fault("/.well-known/groups-hub", |asked, reply| match asked.headers.contains_key("if-none-match") {
        true => Reply::of(304, ""),
        false => reply,
    });
    let outcome = scene.pull().await;
    assert_eq!((outcome.state.as_str(), scene.names().await.len()), ("changed", 2), "{outcome:?}");
    scene.hub.check_hub().await;
}
