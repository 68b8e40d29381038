//! F11, F12, F15 (gossip), F24, F25, F31, F32: hubs that see one another.

mod restored;

use crate::support::TestHub;
use crate::support::hub::{group, serve};
use crate::support::peer::{TestPeer, as_log_key};
use crate::support::scene::Scene;
use mutuald::feed::tile::{self, WIDTH};
use mutuald::feed::{Checkpoint, LogKeys, seen};
use mutuald::node::seen::WouldFork;
use mutuald::node::sync;
use mutuald::peer::schedule::{LastPull, Pace, Schedule, next_due};
use mutuald::store;
use std::collections::BTreeMap;
use uuid::Uuid;

fn id(n: u128) -> Uuid {
    Uuid::from_u128(0x4000_8000_0000_0000_0000 + n)
}

async fn says(hub: &TestHub, n: u128, name: &str) {
    hub.put(&[(id(n), group(name, "Southend", &format!("01702 {n:06}")))]).await;
}

/// Hubs with so many groups at the first, of which the others follow the first and each other.
async fn three(groups: u128) -> (TestHub, TestHub, TestHub) {
    let first = TestHub::new("First Hub", 1).await;
    let all: Vec<_> =
        (1..=groups).map(|n| (id(n), group(&format!("Circle {n}"), "Southend", &format!("01702 {n:06}")))).collect();
    first.put(&all).await;
    let (second, third) = (TestHub::new("Second Hub", 2).await, TestHub::new("Third Hub", 3).await);
    for hub in [&second, &third] {
        hub.follow(&first).await;
    }
    second.follow(&third).await;
    third.follow(&second).await;
    (first, second, third)
}

async fn partner(hub: &TestHub, of: &TestHub) -> store::partner::PartnerRow {
    hub.hub.partner(&of.hub.id.to_string()).await.unwrap()
}

/// Serves what another server does, changed.
async fn between(
    target: String,
    change: impl Fn(&str, Vec<u8>) -> Option<Vec<u8>> + Clone + Send + Sync + 'static,
) -> String {
    use axum::response::IntoResponse;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let router = axum::Router::new().fallback(move |uri: axum::http::Uri| {
        let (target, change) = (target.clone(), change.clone());
        async move {
            let path = uri.path().to_owned();
            let answer = reqwest::get(format!("{}{}", target.trim_end_matches('/'), path)).await.unwrap();
            let found = answer.status().is_success();
            let body = answer.bytes().await.unwrap().to_vec();
            match change(&path, body).filter(|_| found) {
                Some(body) => body.into_response(),
                None => axum::http::StatusCode::NOT_FOUND.into_response(),
            }
        }
    });
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

/// F11: three hundred hubs that all pull at one minute are put off by different amounts, the same every day.
#[test]
fn f11_three_hundred_hubs_do_not_arrive_at_once() {
    let schedule = Schedule::parse("0 */4 * * *").unwrap();
    let zone = jiff::tz::TimeZone::get("Europe/London").unwrap();
    let now: jiff::Timestamp = "2026-11-22T09:00:00Z".parse().unwrap();
    let arrivals = |now: jiff::Timestamp| -> Vec<jiff::Timestamp> {
        (0..300)
            .map(|n| {
                let who = format!("h-reader-{n} h-partner");
                let pace = Pace {
                    schedule: &schedule,
                    time_zone: &zone,
                    hub_id: &who,
                    jitter_percent: 10,
                    retry_after_max: jiff::SignedDuration::from_hours(24),
                };
                let last = LastPull { now, last_due: None, failures: 0, retry_after: None };
                next_due(&pace, &last).unwrap()
            })
            .collect()
    };
    let first = arrivals(now);
    let mut minutes: BTreeMap<i64, u32> = BTreeMap::new();
    for at in &first {
        *minutes.entry(at.as_second() / 60).or_default() += 1;
    }
    // 24 minutes, a tenth of the interval, hold about 12 each; chance alone makes it no more than three times that.
    assert!(minutes.len() >= 20, "{minutes:?}");
    assert!(minutes.values().all(|count| *count < 40), "{minutes:?}");
    assert_eq!(first, arrivals(now + jiff::SignedDuration::from_secs(1)), "each keeps its own minute");
}

/// F12: a hub moves to another host while a reader is half way: its document says where, and the reader goes on at the very
/// entry where it was.
#[tokio::test(flavor = "multi_thread")]
async fn f12_a_hub_that_moves_is_read_on() {
    use mutuald::node::rollover::Change;
    let hub = TestHub::new("First Hub", 1).await;
    let all: Vec<_> =
        (1..=600).map(|n| (id(n), group(&format!("Circle {n}"), "Southend", &format!("01702 {n:06}")))).collect();
    hub.put(&all).await;
    let reader = TestHub::with("Reader Hub", 2, |config| config.limits.leaves_per_run = 256).await;
    reader.follow(&hub).await;
    let half = reader.pull(&hub).await.pulled.unwrap();
    assert!(half.more && half.held == 256);

    // The files lie at a new host; the old one keeps the document only.
    let there = tempfile::tempdir().unwrap();
    crate::support::hub::copy(&hub.hub.config.feed(), there.path());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = format!("http://{}/v1/1/", listener.local_addr().unwrap());
    let files = there.path().to_owned();
    tokio::spawn(async move {
        let router = axum::Router::new().fallback(move |uri: axum::http::Uri| serve(files.clone(), uri));
        axum::serve(listener, router).await.unwrap();
    });
    hub.change(Change::Renew { expires: None, mirrors: None, prefix: Some(host) }, None).await;
    std::fs::remove_dir_all(hub.hub.config.feed().join("v1")).unwrap();
    let mut new = 0;
    loop {
        let outcome = reader.pull(&hub).await;
        assert!(outcome.ok(), "{outcome:?}");
        let pulled = outcome.pulled.unwrap();
        new += pulled.new;
        if !pulled.more {
            break;
        }
    }
    assert_eq!(new, 602 - 256, "nothing was fetched twice");
    assert_eq!(reader.names().await, hub.names().await);
    reader.check_hub().await;
}

/// F12: a hub's document names mirrors, and its own server dies while a reader is half way: the same run goes on at a mirror, at the very
/// entry where it was, and nothing that came before is asked for again. A mirror that is behind does not stop the search.
#[tokio::test]
async fn f12_a_hub_that_dies_half_way_is_read_on_at_its_mirror() {
    use crate::support::peer::{Reply, origin};
    use mutuald::peer::pull::relayed;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    let (late, mirror) = (TestPeer::new(91).await, TestPeer::new(92).await);
    let mirrors = [&late, &mirror].map(|at| format!("{}relay/", at.url));
    let mut peer = TestPeer::with(7, |document| document.mirrors = mirrors.to_vec()).await;
    peer.put(1, 1, "Group number 1");
    peer.publish();
    let scene = Scene::of(peer, |config| config.limits.parallel_gets = 1).await;
    let mut peer = scene.peer;
    let copy = |peer: &TestPeer, to: &TestPeer, size: u64| {
        let mut files = vec!["checkpoint".to_owned()];
        for n in 0..size.div_ceil(WIDTH) {
            let width = tile::width(n, size);
            files.extend([tile::tile(0, n, width), tile::entries(n, width), tile::parts("public", n, width)]);
        }
        files.push(tile::tile(1, 0, size / WIDTH));
        for file in files {
            to.place(&format!("/relay/{}{file}", relayed(&origin(7))), peer.file(&file));
        }
        to.place(&format!("/relay/{}groups-hub", relayed(&peer.id.to_string())), peer.document.clone());
    };
    (2..=900).for_each(|n| {
        peer.put(n, 1, &format!("Group number {n}"));
    });
    peer.publish();
    copy(&peer, &late, 900);
    (901..=1_100).for_each(|n| {
        peer.put(n, 1, &format!("Group number {n}"));
    });
    peer.publish();
    copy(&peer, &mirror, 1_100);
    // From the third bundle on every connection breaks off.
    let dead = Arc::new(AtomicBool::new(false));
    let state = dead.clone();
    peer.fault("", move |asked, reply| {
        if asked.path.ends_with("/tile/entries/002") {
            state.store(true, Ordering::SeqCst);
        }
        match state.load(Ordering::SeqCst) {
            true => Reply::whole("").header("content-length", 9),
            false => reply,
        }
    });
    let pull = async || scene.hub.hub.pull(&scene.hub.hub.partner("Peer 7").await.unwrap(), false).await.unwrap();
    let outcome = pull().await;
    assert_eq!(outcome.state, "changed", "{outcome:?}");
    assert!(outcome.reason.contains(&mirrors[1]) && outcome.reason.contains("broke off"), "{outcome:?}");
    assert_eq!(outcome.pulled.unwrap().held, 1_100, "all of it, in one run");
    let bundle = |path: &String| Some(path.split_once("/tile/entries/")?.1.to_owned());
    let (here, there) = (peer.paths(), mirror.paths());
    let came = [&here, &there].map(|paths| paths.iter().filter_map(bundle).collect::<Vec<_>>());
    assert!(["000", "001", "002"].iter().all(|one| came[0].contains(&(*one).to_owned())), "{here:?}");
    assert_eq!(came[1].iter().filter(|one| !one.contains(".p/")).collect::<Vec<_>>(), ["002", "003"], "{there:?}");
    for kind in ["000", "001"] {
        assert!(!there.iter().any(|path| path.ends_with(&format!("/part/public/{kind}"))), "{there:?}");
    }
    assert!(!late.paths().iter().any(|path| path.contains("/entries/00")), "nothing newer was to be had there");
    assert_eq!(scene.hub.names().await.len(), 1_100);
    scene.hub.check_hub().await;
    // It stays dead, and then it is back.
    assert_eq!(pull().await.state, "current");
    dead.store(false, Ordering::SeqCst);
    peer.well();
    peer.put(1_101, 1, "Group number 1101");
    peer.publish();
    mirror.paths();
    let outcome = pull().await;
    assert_eq!((outcome.state.as_str(), outcome.pulled.unwrap().new), ("changed", 1));
    assert_eq!(mirror.paths(), [""; 0], "its own address comes first");
    scene.hub.check_hub().await;
}

/// F15: a hub (or whoever has its key) shows one history to one reader and another to the other. Each reads what the other
/// has seen, and both hold the proof, whichever of the histories is the longer; nothing more is taken from either.
#[tokio::test(flavor = "multi_thread")]
async fn f15_two_who_were_told_differently_find_out() {
    for (one, other) in [(1, 1), (1, 3), (3, 1)] {
        let (first, second, third) = three(5).await;
        let twin = first.copy(70).await;
        for n in 0..one {
            says(&first, 100 + n, "One history").await;
        }
        for n in 0..other {
            says(&twin, 200 + n, "Another history").await;
        }
        third.finds(&first, &twin.url).await;
        assert_eq!(second.pull(&first).await.state, "changed");
        assert_eq!(third.pull(&first).await.state, "changed");
        for (reader, friend) in [(&second, &third), (&third, &second)] {
            let names = reader.names().await;
            let met = reader.hub.gossip(&partner(reader, friend).await, true).await.unwrap();
            assert_eq!(met.len(), 1, "{one} {other}: {met:?}");
            let row = partner(reader, &first).await;
            assert_eq!(row.state, "disputed");
            let proof = sync::evidence(&row).expect("both notes are kept");
            let keys = &first.hub.keys;
            for note in [&proof.first, &proof.second] {
                assert!(Checkpoint::open(note.as_bytes(), keys.log.public(), keys.peer.public()).is_ok());
            }
            assert_ne!(proof.first, proof.second);
            assert_eq!(reader.names().await, names, "what was verified stays in use");
            assert_eq!(reader.pull(&first).await.state, "disputed");
            let mut db = reader.hub.store.read().await.unwrap();
            let kept = store::hub::evidence(&mut db).await.unwrap();
            assert!(kept.iter().any(|one| one.kind == "fork"));
            let file = reader.hub.config.feed().join("evidence").join(&kept[0].id).join("1");
            assert_eq!(std::fs::read(file).unwrap(), kept[0].first, "shown to whoever asks");
            reader.check_hub().await;
        }
    }
}

/// F15: a hub that begins a new list shows that to one reader and keeps it from another, who would go on believing what a thief
/// may say with the old key. What the first has seen of its document tells the second, within one gossip round and not only when
/// the document runs out; and what a partner merely claims to have seen changes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn f15_a_new_list_that_is_kept_from_some_is_met_by_gossip() {
    let (first, second, third) = three(5).await;
    for reader in [&second, &third] {
        assert_eq!(reader.pull(&first).await.state, "changed");
    }
    // What the third is shown from now on is how it was.
    let before = first.copy(70).await;
    third.finds(&first, &before.url).await;
    first.rotate().await;
    says(&first, 100, "Said in the new list").await;
    first.clock.advance(jiff::SignedDuration::from_mins(61));
    for hub in [&second, &third, &before] {
        hub.clock.set(first.clock.now());
    }
    assert_eq!(second.pull(&first).await.state, "changed");
    assert_eq!(third.pull(&first).await.state, "current", "nothing tells it");
    assert!(!third.names().await.contains(&"Said in the new list".to_owned()));

    let shown = std::fs::read(second.hub.config.feed().join("seen")).unwrap();
    let known = seen::of_hub(&shown, first.hub.id).and_then(seen::SeenHub::read).unwrap();
    assert_eq!(known.version, 2);
    let met = third.hub.gossip(&partner(&third, &second).await, true).await.unwrap();
    assert!(met.len() == 1 && met[0].contains("version 2") && met[0].contains("Second Hub"), "{met:?}");
    // The document is here; the list that it names comes by the same way, or with the next pull.
    let met = third.hub.gossip(&partner(&third, &second).await, true).await.unwrap();
    assert!(met.iter().all(|words| words.contains("more of its list")), "once is enough: {met:?}");
    let outcome = third.pull(&first).await;
    assert!(outcome.ok(), "{outcome:?}");
    assert_eq!(third.names().await, second.names().await, "what is new is read from who has it");
    third.clock.advance(jiff::SignedDuration::from_mins(61));
    let outcome = third.pull(&first).await;
    assert!(outcome.reason.contains("shows this hub version 1"), "{outcome:?}");
    third.check_hub().await;

    // A version that nobody can show is a word and no more; nor is a stranger's document a hub's own.
    let liar = TestPeer::new(9).await;
    third.hub.add_partner(&liar.url, liar.id, None).await.unwrap();
    let row = third.hub.partner(&liar.id.to_string()).await.unwrap();
    for hub in [first.hub.id, third.hub.id] {
        let claim = seen::SeenHub { hub, version: 9, digest: "A".repeat(43) }.to_string();
        let note = format!("{claim}\n{}", liar.keys.peer.line(&claim, 5));
        liar.place("/seen", seen::write([note.as_bytes()]));
        assert_eq!(third.hub.gossip(&row, true).await.unwrap(), [""; 0]);
        let folder = mutuald::peer::pull::relayed(&hub.to_string());
        liar.place(&format!("/relay/{folder}groups-hub"), liar.document.clone());
        assert_eq!(third.hub.gossip(&row, true).await.unwrap(), [""; 0]);
    }
    assert_ne!(partner(&third, &first).await.state, "disputed");
}

/// F24: the hub is down, and a partner's copy serves; the copy cannot be altered on the way; one that omits is as old as its
/// hub's last signature says.
#[tokio::test(flavor = "multi_thread")]
async fn f24_a_relay_helps_and_cannot_lie() {
    let (first, second, third) = three(300).await;
    assert_eq!(second.pull(&first).await.state, "changed");
    first.goes_down();
    let target = second.url.clone();
    let flipped = between(target.clone(), |path, mut body| {
        if path.contains("/relay/") && path.contains("/tile/entries/") {
            let last = body.len() - 9;
            body[last] ^= 1;
        }
        Some(body)
    })
    .await;
    third.finds(&second, &flipped).await;
    let outcome = third.pull(&first).await;
    assert_eq!(outcome.state, "connect", "{outcome:?}");
    assert_eq!(third.names().await, Vec::<String>::new());

    // Words that were changed are not what was signed: they are missing, not believed.
    let words = between(target.clone(), |path, body| {
        let text = String::from_utf8_lossy(&body).replace("Circle 7\"", "Zircle 7\"");
        Some(if path.contains("/part/") { text.into_bytes() } else { body })
    })
    .await;
    third.finds(&second, &words).await;
    let outcome = third.pull(&first).await;
    assert!(outcome.ok() && outcome.reason.contains("Second Hub"), "{outcome:?}");
    assert_eq!(outcome.pulled.unwrap().withheld, 1);
    assert!(!third.names().await.iter().any(|name| name.starts_with("Zircle")));
    third.finds(&second, &target).await;
    assert!(third.pull(&first).await.ok());
    assert_eq!(third.names().await, first.names().await, "all of it, from the copy");
    third.check_hub().await;

    // A relay that keeps something back is old, and says so itself.
    third.clock.advance(jiff::SignedDuration::from_hours(24 * 5));
    third.hub.refresh().await.unwrap();
    let outcome = third.pull(&first).await;
    assert_eq!(outcome.state, "stale", "{outcome:?}");
}

/// F24: a relay mixes two origins: another hub's list under this one's name, whole or in pieces. Nothing of it is taken; and the next
/// who has a copy is asked.
#[tokio::test(flavor = "multi_thread")]
async fn f24_a_relay_that_mixes_two_lists_is_passed_over() {
    let (first, second, third) = three(300).await;
    let fourth = TestHub::new("Fourth Hub", 4).await;
    let all: Vec<_> =
        (1..=300).map(|n| (id(n), group(&format!("Other {n}"), "Clacton", &format!("01255 {n:06}")))).collect();
    fourth.put(&all).await;
    second.follow(&fourth).await;
    for from in [&first, &fourth] {
        assert_eq!(second.pull(from).await.state, "changed");
    }
    let (ours, theirs) = (folder("first-hub.example/1"), folder("fourth-hub.example/1"));
    let mut mixed = BTreeMap::new();
    for file in ["checkpoint", "tile/entries/000", "tile/entries/001.p/46", "part/public/000", "part/public/001.p/46"] {
        let answer = reqwest::get(format!("{}relay/{theirs}/{file}", second.url)).await.unwrap();
        assert!(answer.status().is_success(), "{file}");
        mixed.insert(format!("/relay/{ours}/{file}"), answer.bytes().await.unwrap().to_vec());
    }
    first.goes_down();
    for (what, took) in [("", 0), ("checkpoint", 0), ("tile/", 0), ("part/", 300)] {
        let mixed = mixed.clone();
        let liar = between(second.url.clone(), move |path, body| {
            Some(mixed.get(path).filter(|_| path.contains(what)).cloned().unwrap_or(body))
        });
        third.finds(&second, &liar.await).await;
        let outcome = third.pull(&first).await;
        match took {
            0 => assert_eq!(outcome.state, "connect", "{what}: {outcome:?}"),
            // Words of another list are not what the leaves name: missing, not believed.
            withheld => assert!(outcome.pulled.unwrap().withheld >= withheld, "{what}"),
        }
        assert_eq!(third.names().await, [""; 0], "{what}");
        third.check_hub().await;
    }
    // Another partner has an honest copy; whoever is asked first.
    let fifth = TestHub::new("Fifth Hub", 5).await;
    let mixed = mixed.clone();
    let liar = between(second.url.clone(), move |path, body| Some(mixed.get(path).cloned().unwrap_or(body))).await;
    fifth.hub.add_partner(&second.url, first.hub.id, None).await.unwrap_err();
    let honest = TestHub::new("Honest Hub", 6).await;
    honest.follow(&fourth).await;
    for (reader, of) in [(&fifth, &second), (&fifth, &honest)] {
        reader.follow(of).await;
    }
    // The honest one read the list from the second before that began to lie.
    honest.follow(&second).await;
    for hub in [&fifth, &honest] {
        let mut write = hub.hub.store.write().await.unwrap();
        let document = std::fs::read(first.hub.config.feed().join("hub/1")).unwrap();
        let opened = mutuald::feed::hub::open(&document, Some(first.hub.id)).unwrap();
        let n = store::log::create(&mut write, &opened, &document, false).await.unwrap();
        store::partner::add(&mut write, n, "http://127.0.0.1:9/", None).await.unwrap();
        write.commit().await.unwrap();
    }
    assert!(honest.pull(&first).await.ok());
    fifth.finds(&second, &liar).await;
    let outcome = fifth.pull(&first).await;
    assert!(outcome.ok() && outcome.reason.contains("Honest Hub"), "{outcome:?}");
    assert_eq!(fifth.names().await, first.names().await);
    fifth.check_hub().await;
}

/// Where a relay keeps what has this name.
fn folder(name: &str) -> String {
    use sha2::{Digest, Sha256};
    hex::encode(Sha256::digest(name))
}

/// F49: what is newer than a relay's program goes through it unchanged: unknown types, operations, members, classes and critical
/// members, byte for byte, with their words; so a hub behind it that is newer has all of it.
#[tokio::test]
async fn f49_what_a_relay_does_not_understand_goes_through_it_unchanged() {
    use mutuald::record::part;
    use mutuald::record::statement::{Body, Kind};
    let mut peer = TestPeer::new(7).await;
    peer.put(1, 1, "Group number 1");
    let line = peer.line(2, 1, "From the future");
    let put = peer.statement(2, 1, Body::Put(Kind::Record), &line).text().unwrap();
    for text in [
        put.replace("/v1 record", "/v1 weather"),
        put.replace("\"op\":\"put\"", "\"op\":\"suspend\""),
        put.replace("\"op\":", "\"seal\":1,\"crit\":[\"seal\"],\"op\":"),
        put.replace("\"op\":", "\"mood\":\"fine\",\"op\":"),
        put.replace(&Uuid::from_u128(2).to_string(), &Uuid::from_u128(3).to_string())
            .replace("\"public\":", &format!("\"members\":\"{}\",\"public\":", part::digest(b"elsewhere"))),
    ] {
        peer.sign(&text, &line);
    }
    peer.publish();
    let relay = TestHub::new("Relay Hub", 2).await;
    let reader = TestHub::new("Reader Hub", 3).await;
    for hub in [&relay, &reader] {
        hub.hub.add_partner(&peer.url, peer.id, None).await.unwrap();
    }
    reader.follow(&relay).await;
    let pull = async |hub: &TestHub| {
        let row = hub.hub.partner(&peer.id.to_string()).await.unwrap();
        hub.hub.pull(&row, false).await.unwrap()
    };
    assert_eq!(pull(&relay).await.state, "changed");
    let place = format!("{}relay/{}/", relay.url, folder(&crate::support::peer::origin(7)));
    for file in ["tile/entries/000.p/6", "part/public/000.p/6", "tile/0/000.p/6"] {
        let answer = reqwest::get(format!("{place}{file}")).await.unwrap().bytes().await.unwrap();
        assert_eq!(answer, peer.file(file), "{file}");
    }
    // A reader who cannot reach the hub has all of it from the relay.
    let mut row = reader.hub.partner(&peer.id.to_string()).await.unwrap();
    row.url = "http://127.0.0.1:9/".into();
    let mut write = reader.hub.store.write().await.unwrap();
    store::partner::save(&mut write, &row).await.unwrap();
    write.commit().await.unwrap();
    let outcome = pull(&reader).await;
    assert!(outcome.ok() && outcome.reason.contains("read from Relay Hub"), "{outcome:?}");
    assert!(outcome.pulled.unwrap().void.is_empty(), "newer is not void");
    let mut db = reader.hub.store.read().await.unwrap();
    let leaves = store::log::leaves(&mut db, row.hub, 0, 6).await.unwrap();
    drop(db);
    let (notes, lines): (Vec<Vec<u8>>, Vec<Option<String>>) =
        leaves.into_iter().map(|leaf| (leaf.note, leaf.line)).unzip();
    assert_eq!(notes, peer.leaves);
    assert_eq!(lines.iter().flatten().filter(|held| **held == line).count(), 5, "with the words");
    assert_eq!(reader.names().await, relay.names().await);
    // What neither knows has no path of its own.
    for none in ["part/x7/000.p/6", "../../v2/1/checkpoint", "part/contact/000.p/6"] {
        assert_eq!(reqwest::get(format!("{place}{none}")).await.unwrap().status().as_u16(), 404, "{none}");
    }
    reader.check_hub().await;
}

/// F25: a partner shows forged and old checkpoints of others: nobody is accused by them.
#[tokio::test]
async fn f25_what_a_partner_says_it_has_seen_counts_by_the_hubs_own_signature() {
    let mut scene = Scene::new(9).await;
    let liar = TestPeer::new(9).await;
    scene.hub.hub.add_partner(&liar.url, liar.id, None).await.unwrap();
    let row = scene.hub.hub.partner(&liar.id.to_string()).await.unwrap();
    let origin = crate::support::peer::origin(7);
    let forged = LogKeys::from_seed(&origin, &[99; 32]);
    let checkpoint = |size, root, keys: &LogKeys| Checkpoint { size, root, time: scene.peer.now as u64 }.sign(keys);
    let other_root = [3; 32];
    let half = {
        // The log's line by the right key, the time by another.
        let text = checkpoint(9, other_root, &forged);
        let body = text.split_once("\n\n").unwrap().0.to_owned() + "\n";
        format!("{body}\n{}{}", as_log_key(&origin, 5).line(&body, 0), scene.peer.keys.peer.line(&body, 5))
    };
    let old = scene.peer.checkpoint(4, scene.peer.root_at(4), scene.peer.now - 900);
    let notes = [
        checkpoint(9, other_root, &forged).into_bytes(),
        checkpoint(1 << 40, other_root, &forged).into_bytes(),
        half.into_bytes(),
        old,
        b"no note at all".to_vec(),
    ];
    let before = scene.before().await;
    for bytes in [seen::write(notes.iter().map(Vec::as_slice)), b"\xff\xff cut off".to_vec(), Vec::new()] {
        liar.place("/seen", bytes);
        assert_eq!(scene.hub.hub.gossip(&row, true).await.unwrap(), Vec::<String>::new());
    }
    assert_ne!(scene.partner().await.state, "disputed");
    assert_eq!(scene.before().await, before);
    scene.heals().await;
}
