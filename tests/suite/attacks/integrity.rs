//! F13–F17: one root and one hub id hold everything together.

use crate::support::TestHub;
use crate::support::peer::{Reply, TestPeer, flips};
use crate::support::scene::Scene;
use mutuald::feed::Validator;
use mutuald::feed::tile::WIDTH;
use mutuald::node::sync;
use mutuald::peer::pull::{PullError, Run};
use mutuald::store;
use std::sync::{Arc, Mutex};

const CHECKPOINT: &str = "/v1/1/checkpoint";

/// One run against the partner, with nothing of the hub around it: thousands fit into a test.
async fn run(scene: &Scene) -> Result<mutuald::peer::pull::Pulled, PullError> {
    let row = scene.partner().await;
    let mut db = scene.hub.hub.store.read().await.unwrap();
    let log = store::log::by_number(&mut db, row.hub).await.unwrap().unwrap();
    drop(db);
    let hub = &scene.hub.hub;
    Run::start(&hub.store, &hub.client, log, &row.url).unwrap().finish(Validator::default(), hub.clock.now()).await
}

/// Serves a file with every single bit changed in turn, and pulls each time.
async fn every_flip(scene: &Scene, path: &str, mut each: impl AsyncFnMut(usize)) {
    let file = scene.peer.file(path);
    assert!(!file.is_empty(), "{path}");
    let now: Arc<Mutex<Vec<u8>>> = Arc::default();
    let served = now.clone();
    scene.peer.fault(path, move |_, _| Reply::whole(served.lock().unwrap().clone()));
    for (bit, flipped) in flips(&file) {
        *now.lock().unwrap() = flipped;
        each(bit).await;
        scene.peer.asked();
    }
    scene.peer.well();
}

/// F13: any single bit flipped in the leaves or in the checkpoint is met, and nothing is taken.
#[tokio::test(flavor = "multi_thread")]
async fn f13_every_flipped_bit_of_leaves_and_checkpoint_is_met() {
    let peer = TestPeer::new(7).await;
    let mut scene = Scene::of(peer, |_| {}).await;
    scene.peer.put(1, 1, "A");
    scene.peer.say(2, 1, mutuald::record::statement::Body::Withdraw(mutuald::record::statement::Kind::Record));
    scene.peer.publish();
    let before = scene.before().await;
    for path in ["tile/entries/000.p/2", "checkpoint"] {
        every_flip(&scene, path, async |bit| {
            let met = run(&scene).await;
            assert!(met.is_err(), "{path} bit {bit}: {met:?}");
        })
        .await;
        assert_eq!(scene.before().await, before);
        assert_eq!(scene.partner().await.held, 0, "nothing of it is held");
    }
    scene.heals().await;
}

/// F13: any single bit flipped in a level-1 tile, where one is needed.
#[tokio::test(flavor = "multi_thread")]
async fn f13_every_flipped_bit_of_a_tile_is_met() {
    let peer = TestPeer::new(7).await;
    let mut scene = Scene::of(peer, |_| {}).await;
    (1..=1_025).for_each(|n| {
        scene.peer.put(n, 1, "A");
    });
    scene.peer.publish();
    every_flip(&scene, "tile/1/000.p/4", async |bit| {
        let met = run(&scene).await;
        assert!(matches!(met, Err(PullError::Mismatch(_))), "bit {bit}: {met:?}");
    })
    .await;
    assert_eq!(scene.partner().await.held, 0);
    // A flipped leaf in a full bundle is met by the bundle's own root, also when the bundle before it is held already.
    for bit in [400_000, 1_000, 16, 9, 0] {
        scene.peer.fault("tile/entries/001", move |_, reply| reply.map(|body| body[bit / 8] ^= 1 << (bit % 8)));
        assert!(run(&scene).await.is_err(), "bit {bit}");
        scene.peer.well();
        assert!(scene.partner().await.held <= WIDTH as i64, "not the damaged bundle");
    }
    scene.heals().await;
}

/// F13: any single bit flipped in a line: it is not what the leaf commits to, so it is not there.
#[tokio::test(flavor = "multi_thread")]
async fn f13_every_flipped_bit_of_a_line_is_met() {
    let mut peer = TestPeer::new(7).await;
    peer.put(1, 1, "A");
    peer.put(2, 1, "B");
    peer.publish();
    peer.fault("part/public/000.p/2", |_, _| Reply::of(404, "").header("content-length", 0));
    let mut scene = Scene::of(peer, |_| {}).await;
    scene.peer.well();
    let clean = scene.peer.file("part/public/000.p/2");
    let second = clean.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let hub = scene.partner().await.hub;
    let both = [store::log::pos(hub, 0), store::log::pos(hub, 1)];
    every_flip(&scene, "part/public/000.p/2", async |bit| {
        let met = run(&scene).await;
        let damaged = usize::from(bit / 8 >= second);
        assert_eq!(scene.line_at(damaged).await, None, "bit {bit}: {met:?}");
        // The other line is whole and may have been taken: taken away again, so that each bit meets the same state.
        let mut write = scene.hub.hub.store.write().await.unwrap();
        store::log::blank(&mut write, &both).await.unwrap();
        sqlx::query("UPDATE record SET state = 'withheld' WHERE hub = ?").bind(hub).execute(&mut *write).await.unwrap();
        write.commit().await.unwrap();
    })
    .await;
    assert_eq!(scene.pull().await.state, "changed");
    assert_eq!(scene.names().await, ["A", "B"]);
    scene.heals().await;
}

/// F14: a shorter log that is a prefix of ours: a stale view; nothing changes.
#[tokio::test]
async fn f14_a_rollback_changes_nothing() {
    let mut scene = Scene::new(9).await;
    let before = scene.before().await;
    scene.peer.publish_at(4);
    let outcome = scene.pull().await;
    assert_eq!(outcome.state, "stale-view");
    assert_eq!(scene.before().await, before);
    scene.peer.publish_at(0);
    assert_eq!(scene.pull().await.state, "stale-view");
    scene.heals().await;
}

/// F14: a rollback while the log is not held to its end yet is one too: what was signed before still counts.
#[tokio::test]
async fn f14_a_rollback_in_the_middle_of_a_long_list() {
    let mut peer = TestPeer::new(7).await;
    (1..=900).for_each(|n| {
        peer.put(n, 1, &format!("Group number {n}"));
    });
    peer.publish();
    let mut scene = Scene::of(peer, |config| config.limits.leaves_per_run = 256).await;
    assert_eq!(scene.partner().await.held, 256);
    scene.peer.publish_at(600);
    assert_eq!(scene.pull().await.state, "stale-view");
    assert_eq!(scene.partner().await.held, 256);
    scene.peer.publish();
    while scene.pull().await.pulled.unwrap().more {}
    assert_eq!(scene.partner().await.held, 900);
    scene.heals().await;
}

/// A partner's other history: the first `shared` leaves alike, then others, `size` in all.
fn other_history(peer: &mut TestPeer, shared: usize, size: usize) {
    peer.leaves.truncate(shared);
    peer.lines.truncate(shared);
    peer.hashes.truncate(shared);
    (shared..size).for_each(|n| {
        peer.put(5_000 + n as u128, 1, &format!("Another history {n}"));
    });
    peer.publish();
}

/// F15: two histories under one key, of one size, of a smaller, of a larger, by few leaves and by many: the list is frozen,
/// both signed notes are kept as proof, and nothing more is taken until a person decides.
#[tokio::test]
async fn f15_a_fork_freezes_the_list() {
    for (ours, shared, theirs) in
        [(9, 4, 9), (9, 4, 6), (9, 4, 12), (300, 299, 301), (300, 4, 1_000), (600, 500, 1_200)]
    {
        let mut scene = Scene::new(ours).await;
        let honest = (scene.peer.leaves.clone(), scene.peer.lines.clone(), scene.peer.hashes.clone());
        let known = scene.peer.file("checkpoint");
        let before = scene.before().await;
        other_history(&mut scene.peer, shared, theirs);
        let outcome = scene.pull().await;
        assert_eq!(outcome.state, "disputed", "{ours} {shared} {theirs}: {outcome:?}");
        let evidence = sync::evidence(&scene.partner().await).expect("both notes are kept");
        assert_eq!(evidence.first.as_bytes(), known);
        assert_eq!(evidence.second.as_bytes(), scene.peer.file("checkpoint"));
        assert_eq!(scene.before().await, before, "what was verified stays in use");

        // Neither history goes on here by itself.
        assert_eq!(scene.pull().await.state, "disputed");
        (scene.peer.leaves, scene.peer.lines, scene.peer.hashes) = honest;
        scene.peer.put(77, 1, "Group seventy-seven");
        scene.peer.publish();
        assert_eq!(scene.pull().await.state, "disputed");
        assert_eq!(scene.before().await, before);
        scene.hub.check_hub().await;

        // A person decides: removed, and added again.
        scene.hub.hub.remove_partner(&scene.partner().await).await.unwrap();
        scene.hub.hub.add_partner(&scene.peer.url, scene.peer.id, None).await.unwrap();
        assert_eq!(scene.pull().await.state, "changed");
        assert_eq!(scene.state_of(77).await.as_deref(), Some("live"));
        scene.heals().await;
    }
}

/// F15: another history of the same size, while the list is not held to its end yet, is a fork too.
#[tokio::test]
async fn f15_a_fork_in_the_middle_of_a_long_list() {
    let mut peer = TestPeer::new(7).await;
    (1..=900).for_each(|n| {
        peer.put(n, 1, &format!("Group number {n}"));
    });
    peer.publish();
    let mut scene = Scene::of(peer, |config| config.limits.leaves_per_run = 256).await;
    other_history(&mut scene.peer, 600, 900);
    // Two notes of one size prove it by themselves, whatever becomes of the files.
    scene.peer.fault("/tile/1/000.p/3", |_, _| Reply::of(404, "").header("content-length", 0));
    assert_eq!(scene.pull().await.state, "disputed");
    assert_eq!(scene.partner().await.held, 256);
    scene.hub.check_hub().await;
}

/// F15: a run that was cut off half way remembers what was signed. Whatever other history comes after it, in the part that
/// was not held yet, of any length, is a fork; and the same history goes on from where it was cut off.
#[tokio::test]
async fn f15_a_fork_after_a_run_that_was_cut_off() {
    let cut_off = async || {
        let mut peer = TestPeer::new(7).await;
        (1..=900).for_each(|n| {
            peer.put(n, 1, &format!("Group number {n}"));
        });
        peer.publish();
        let hub = TestHub::new("Reader Hub", 1).await;
        hub.hub.add_partner(&peer.url, peer.id, None).await.unwrap();
        let scene = Scene { hub, peer };
        scene.peer.fault("tile/entries/002", |_, reply| Reply { status: 500, ..reply });
        assert_eq!(scene.pull().await.state, "http-status");
        assert_eq!(scene.partner().await.held, 512);
        scene.peer.well();
        scene
    };
    // Same size, larger by many and by few, smaller; other from the held part on, and past it.
    for (shared, size) in
        [(600, 900), (600, 1_200), (600, 950), (600, 1_024), (600, 700), (899, 901), (4, 1_200), (4, 950)]
    {
        let mut scene = cut_off().await;
        let known = scene.peer.file("checkpoint");
        other_history(&mut scene.peer, shared, size);
        let outcome = scene.pull().await;
        assert_eq!(outcome.state, "disputed", "{shared} {size}: {outcome:?}");
        let evidence = sync::evidence(&scene.partner().await).expect("both notes are kept");
        assert_eq!(evidence.first.as_bytes(), known);
        assert_eq!(evidence.second.as_bytes(), scene.peer.file("checkpoint"));
        assert_eq!(scene.partner().await.held, 512, "nothing of it is held");
        scene.hub.check_hub().await;
    }
    for size in [900, 950, 1_200] {
        let mut scene = cut_off().await;
        (901..=size).for_each(|n| {
            scene.peer.put(n, 1, &format!("Group number {n}"));
        });
        scene.peer.publish();
        let outcome = scene.pull().await;
        assert_eq!((outcome.state.as_str(), outcome.pulled.unwrap().held), ("changed", size as u64));
        scene.heals().await;
    }
    // An older state of the same history is a stale view, also when its files are gone.
    for gone in [false, true] {
        let mut scene = cut_off().await;
        if gone {
            scene.peer.fault("tile/1/000.p/3", |_, _| Reply::of(404, "").header("content-length", 0));
        }
        scene.peer.publish_at(700);
        assert_eq!(scene.pull().await.state, "stale-view");
        assert_eq!(scene.partner().await.held, 512);
        scene.peer.publish();
        scene.heals().await;
    }
}

/// F15: a list that takes several runs: growth past what was signed is of the same tree, or a fork.
#[tokio::test]
async fn f15_a_fork_past_what_several_runs_hold() {
    for (shared, size) in [(600, 1_200), (600, 700), (300, 901)] {
        let mut peer = TestPeer::new(7).await;
        (1..=900).for_each(|n| {
            peer.put(n, 1, &format!("Group number {n}"));
        });
        peer.publish();
        let mut scene = Scene::of(peer, |config| config.limits.leaves_per_run = 256).await;
        let known = scene.peer.file("checkpoint");
        other_history(&mut scene.peer, shared, size);
        assert_eq!(scene.pull().await.state, "disputed", "{shared} {size}");
        assert_eq!(sync::evidence(&scene.partner().await).unwrap().first.as_bytes(), known);
        assert_eq!(scene.partner().await.held, 256);
        scene.hub.check_hub().await;
    }
}

/// Files that do not fit are no fork: only a tree that hashes to the signed root proves one.
#[tokio::test]
async fn f15_damage_is_not_taken_for_a_fork() {
    let mut scene = Scene::new(300).await;
    scene.peer.put(301, 1, "Group number 301");
    scene.peer.publish();
    scene.peer.fault("/v1/1/tile/entries/001.p/45", |_, reply| {
        Reply::whole(reply.body).map(|body| {
            let last = body.len() - 9;
            body[last] ^= 1;
        })
    });
    scene.refused("mismatch").await;
    assert!(sync::evidence(&scene.partner().await).is_none());
    // Damaged on the way, and whole when it is looked at again to tell which of the two it was.
    scene.peer.well();
    let times = std::sync::atomic::AtomicU64::new(0);
    scene.peer.fault("/v1/1/tile/entries/001.p/45", move |_, reply| {
        let nth = times.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let damaged = Reply::whole(reply.body.clone()).map(|body| {
            let last = body.len() - 9;
            body[last] ^= 1;
        });
        if nth < 3 { damaged } else { reply }
    });
    scene.refused("mismatch").await;
    assert!(sync::evidence(&scene.partner().await).is_none());
    scene.heals().await;
}

/// F16: a hub whose checkpoint has not been signed again for three times what it promised is stale; its data is kept.
#[tokio::test]
async fn f16_a_frozen_copy_is_stale() {
    let mut scene = Scene::new(2).await;
    let names = scene.names().await;
    for (days, state) in [(2, "current"), (1, "current"), (1, "stale"), (30, "stale")] {
        scene.hub.clock.advance(jiff::SignedDuration::from_hours(24 * days));
        let outcome = scene.pull().await;
        assert_eq!(outcome.state, state, "{outcome:?}");
        assert!(outcome.ok());
        assert_eq!(scene.names().await, names, "data is kept");
    }
    scene.peer.now = scene.hub.clock.now().as_second();
    scene.heals().await;
}

/// F16: a promise is the hub's own; one that no reader could wait for is cut to a month.
#[tokio::test]
async fn f16_stale_is_measured_by_the_hubs_own_promise() {
    for (promised, fresh, stale) in [(3_600, 2, 4), (7 * 86_400, 20 * 24, 22 * 24), (u64::MAX >> 12, 89 * 24, 91 * 24)]
    {
        let mut peer = TestPeer::with(7, |document| document.policy.republish_s = promised).await;
        peer.put(1, 1, "Group one");
        peer.publish();
        let scene = Scene::of(peer, |_| {}).await;
        let start = scene.hub.clock.now();
        for (hours, expected) in [(fresh, false), (stale, true)] {
            scene.hub.clock.set(start + jiff::SignedDuration::from_hours(hours));
            assert_eq!(scene.pull().await.state == "stale", expected, "{promised} {hours}");
        }
    }
}

/// A time in the future is not believed, and does not cut a hub with a wrong clock off.
#[tokio::test]
async fn f16_a_clock_that_is_ahead_is_flagged() {
    let mut scene = Scene::new(1).await;
    scene.peer.now += 3_600;
    scene.peer.put(2, 1, "Group two");
    scene.peer.publish();
    let outcome = scene.pull().await;
    assert_eq!(outcome.state, "changed");
    assert!(outcome.reason.contains("clock"), "{}", outcome.reason);
    scene.heals().await;
}

/// F17: files of another size, of another log, of another hub: everything hangs on one root and one hub id.
#[tokio::test]
async fn f17_mixed_and_matched_files_are_refused() {
    let mut scene = Scene::new(3).await;
    let old = scene.peer.file("tile/entries/000.p/3");
    let old_checkpoint = scene.peer.file("checkpoint");
    let mut other = TestPeer::new(8).await;
    (1..=4).for_each(|n| {
        other.put(n, 1, &format!("Another hub's group {n}"));
    });
    other.publish();
    scene.peer.put(4, 1, "Group four");
    scene.peer.publish();
    let entries = "tile/entries/000.p/4";
    for (path, bytes, code) in [
        (entries, old, "bundle-count"),
        (entries, other.file(entries), "mismatch"),
        ("checkpoint", other.file("checkpoint"), "checkpoint-origin"),
        // Another hub's checkpoint that says it is this log's.
        (
            "checkpoint",
            {
                let keys = mutuald::feed::LogKeys::from_seed(&crate::support::peer::origin(7), &[8; 32]);
                mutuald::feed::Checkpoint { size: 4, root: other.root_at(4), time: other.now as u64 }
                    .sign(&keys)
                    .into_bytes()
            },
            "checkpoint-unknown-key",
        ),
        // Signed by the peer key alone: the log's line is another key's.
        (
            "checkpoint",
            {
                let text = String::from_utf8(scene.peer.file("checkpoint")).unwrap();
                let text = format!("{}\n", text.split_once("\n\n").unwrap().0);
                let other = crate::support::peer::as_log_key(&crate::support::peer::origin(7), 50);
                format!("{text}\n{}{}", other.line(&text, 0), scene.peer.keys.peer.line(&text, 1_795_338_000))
                    .into_bytes()
            },
            "checkpoint-unknown-key",
        ),
        // The log's line with the cosignature of another moment.
        (
            "checkpoint",
            {
                let new = String::from_utf8(scene.peer.file("checkpoint")).unwrap();
                let old = String::from_utf8(old_checkpoint).unwrap();
                let lines: Vec<&str> =
                    new.split_inclusive('\n').take(5).chain(old.split_inclusive('\n').skip(5)).collect();
                lines.concat().into_bytes()
            },
            "checkpoint-signature",
        ),
    ] {
        scene.peer.well();
        scene.peer.fault(path, move |_, _| Reply::whole(bytes.clone()));
        scene.refused(code).await;
    }
    // Another hub's words for our leaves: none is what its leaf commits to.
    scene.peer.well();
    let words = other.file("part/public/000.p/4");
    scene.peer.fault("part/public/000.p/4", move |_, _| Reply::whole(words.clone()));
    assert_eq!(scene.pull().await.state, "changed");
    assert_eq!(scene.state_of(4).await.as_deref(), Some("withheld"));
    assert_eq!(scene.names().await.len(), 3);
    scene.heals().await;
    assert_eq!(scene.state_of(4).await.as_deref(), Some("withheld"), "a run that brings leaves asks for nothing older");
    assert_eq!(scene.pull().await.state, "changed");
    assert_eq!(scene.state_of(4).await.as_deref(), Some("live"), "the next one does");

    // The tiles of another size, where many leaves come at once.
    let mut long = Scene::new(3).await;
    (4..=1_000).for_each(|n| {
        long.peer.put(n, 1, &format!("Group number {n}"));
    });
    long.peer.publish_at(700);
    let tile = long.peer.file("tile/1/000.p/2");
    long.peer.publish();
    long.peer.fault("tile/1/000.p/3", move |_, _| Reply::whole(tile.clone()));
    long.refused("bundle-count").await;
    long.heals().await;
}

/// F17: the document of another hub, or of a later version, under a partner's address.
#[tokio::test]
async fn f17_a_hub_is_its_id_and_no_other() {
    let reader = TestHub::new("Reader Hub", 1).await;
    let (peer, other) = (TestPeer::new(7).await, TestPeer::new(8).await);
    let said = reader.hub.add_partner(&peer.url, other.id, None).await.unwrap_err();
    assert!(format!("{said:#}").contains("belongs to the hub"), "{said:#}");
    let own = reader.hub.add_partner(&peer.url, reader.hub.id, None).await.unwrap_err();
    assert!(format!("{own:#}").contains("itself"));
    let mut db = reader.hub.store.read().await.unwrap();
    assert!(store::partner::all(&mut db).await.unwrap().is_empty());
    drop(db);
    // Signed by a key that is not the root's.
    let forged = peer.document.replace("Peer 7", "Peer X");
    peer.fault("groups-hub", move |_, _| Reply::whole(forged.clone()));
    assert!(reader.hub.add_partner(&peer.url, peer.id, None).await.is_err());
    peer.well();
    reader.hub.add_partner(&peer.url, peer.id, None).await.unwrap();

    // A key that is not the log's any more: the hub document says whether it was rotated.
    let mut scene = Scene::new(2).await;
    let theirs = other.file("checkpoint");
    let document = other.document.clone();
    scene.peer.fault(CHECKPOINT, move |_, _| Reply::whole(theirs.clone()));
    scene.peer.fault("groups-hub", move |_, _| Reply::whole(document.clone()));
    scene.refused("hub-identity").await;
    scene.peer.well();
    let later = TestPeer::with(9, |document| document.version = 2).await.document.clone();
    let mut damaged = scene.peer.file("checkpoint");
    damaged[0] ^= 1;
    scene.peer.fault(CHECKPOINT, move |_, _| Reply::whole(damaged.clone()));
    scene.peer.fault("groups-hub", move |_, _| Reply::whole(later.clone()));
    scene.refused("hub-body").await;
    scene.heals().await;
}
