//! F18–F21, F23, F39, F44, the brake and erasure: what leaves and lines say.

mod erased;
mod withheld;

use crate::support::TestHub;
use crate::support::hub::group;
use crate::support::peer::{Reply, TestPeer, as_log_key, origin};
use crate::support::scene::Scene;
use mutuald::node::author::Draft;
use mutuald::record::group::Assured;
use mutuald::record::part;
use mutuald::record::statement::{Body, ErasedParts, Kind, RecordRef};
use uuid::Uuid;

/// F18: a leaf signed by a key nobody knows, by the root key, by the peer key, by another hub's key, or by none: it is void,
/// and the log goes on.
#[tokio::test]
async fn f18_leaves_signed_by_others_are_void() {
    let mut scene = Scene::new(1).await;
    let text = |peer: &TestPeer, n: u128| {
        let line = peer.line(n, 1, "Not theirs to say");
        (peer.statement(n, 1, Body::Put(Kind::Record), &line).text().unwrap(), line)
    };
    let other = TestPeer::new(8).await;
    let mut notes = Vec::new();
    for (n, key) in (10..).zip([
        &as_log_key("stranger.example/1", 50),
        &as_log_key(&origin(7), 50),
        &scene.peer.root,
        &other.keys.log,
        &scene.peer.keys.peer,
    ]) {
        let (text, line) = text(&scene.peer, n);
        notes.push((key.note(&text), line));
    }
    // The log's own line, over another text.
    let (theirs, line) = text(&scene.peer, 20);
    let (ours, _) = text(&scene.peer, 21);
    notes.push((format!("{theirs}\n{}", scene.peer.keys.log.line(&ours, 0)), line.clone()));
    // The log's key id on a line that another key made.
    let signed = as_log_key(&origin(7), 50).line(&theirs, 0);
    let by_us = scene.peer.keys.log.line(&theirs, 0);
    notes.push((format!("{theirs}\n{}{}", &by_us[..by_us.len() - 60], &signed[signed.len() - 60..]), line.clone()));
    notes.push((theirs.clone(), line));
    let count = notes.len() as u64;
    for (note, line) in notes {
        scene.peer.push(note, &line);
    }
    scene.peer.put(2, 1, "Group two");
    scene.peer.publish();
    let outcome = scene.pull().await;
    assert_eq!(outcome.state, "changed");
    let void = outcome.pulled.unwrap().void;
    assert_eq!(void.values().sum::<u64>(), count, "{void:?}");
    assert_eq!((void["signature-unknown-key"], void["signature-invalid"], void["note-malformed"]), (5, 2, 1));
    assert!(outcome.reason.contains("say nothing"), "{}", outcome.reason);
    assert_eq!(scene.names().await, ["Group number 1", "Group two"]);
    assert_eq!(scene.line_at(1).await, None, "words without a speaker are not kept");
    scene.heals().await;
}

/// F19: a revision of 2^63 is void; a log said to be 2^63-1 long is refused before anything is fetched or reserved for it.
#[tokio::test]
async fn f19_fast_forward_leads_nowhere() {
    let mut scene = Scene::new(2).await;
    let text = scene.peer.statement(1, 2, Body::Withdraw(Kind::Record), "").text().unwrap();
    for rev in
        ["9223372036854775808", "9223372036854775807", "9007199254740993", "18446744073709551616", "0", "-1", "1.5"]
    {
        scene.peer.sign(&text.replace("\"rev\":2", &format!("\"rev\":{rev}")), "");
    }
    scene.peer.publish();
    let outcome = scene.pull().await;
    assert_eq!(outcome.pulled.unwrap().void.values().sum::<u64>(), 7);
    assert_eq!(scene.state_of(1).await.as_deref(), Some("live"));

    for size in [u64::MAX, u64::MAX >> 1, 1 << 40, 10_000_001] {
        let note = scene.peer.checkpoint(size, [7; 32], scene.peer.now);
        scene.peer.well();
        scene.peer.fault("/checkpoint", move |_, _| Reply::whole(note.clone()));
        scene.peer.asked();
        scene.refused("too-many-entries").await;
        assert_eq!(scene.peer.paths().len(), 1, "only the checkpoint was fetched");
    }
    // A length that could be, and tiles that are not there.
    let note = scene.peer.checkpoint(9_000_000, [7; 32], scene.peer.now);
    scene.peer.well();
    scene.peer.fault("/checkpoint", move |_, _| Reply::whole(note.clone()));
    scene.refused("http-status").await;
    // The highest revision that there is does not lock the record: order in the log decides.
    scene.peer.well();
    scene.peer.put(2, (1 << 53) - 1, "Group two, far ahead");
    scene.peer.put(2, 2, "Group two, again");
    scene.peer.publish();
    assert_eq!(scene.pull().await.state, "changed");
    assert!(scene.names().await.contains(&"Group two, again".to_owned()));
    scene.heals().await;
}

/// F20: the same revision with other words, and one that falls: the log's order wins, and it is said.
#[tokio::test]
async fn f20_the_logs_order_wins_over_revisions() {
    let mut scene = Scene::new(1).await;
    scene.peer.put(1, 5, "Fifth");
    scene.peer.put(1, 5, "Fifth, other words");
    scene.peer.put(1, 3, "Third, said last");
    scene.peer.publish();
    let outcome = scene.pull().await;
    assert_eq!(outcome.state, "changed");
    assert!(outcome.reason.contains("2 revisions do not rise"), "{}", outcome.reason);
    assert_eq!(scene.names().await, ["Third, said last"]);
    scene.heals().await;
}

/// F21: JSON that two readers could read differently is void, with one verdict; so is one with its words.
#[tokio::test]
async fn f21_json_that_readers_disagree_on_is_void() {
    let mut scene = Scene::new(1).await;
    let good = scene.peer.statement(1, 2, Body::Withdraw(Kind::Record), "").text().unwrap();
    let with = |member: &str| good.replace("}\n", &format!(",{member}}}\n"));
    let deep = format!("\"x\":{}1{}", "[".repeat(1_500), "]".repeat(1_500));
    let texts: [(Vec<u8>, &str); 12] = [
        (with("\"op\":\"put\"").into(), "json-duplicate-key"),
        (with("\"x\":{\"a\":1,\"a\":2}").into(), "json-duplicate-key"),
        (with("\"x\":NaN").into(), "json-syntax"),
        (with("\"x\":1e999").into(), "json-syntax"),
        (with(&deep).into(), "json-too-deep"),
        (with("\"x\":\"\\u0000\"").into(), "json-nul"),
        (with("\"x\":\"\\ud800\"").into(), "json-syntax"),
        (good.replace("}\n", "}{}\n").into(), "json-syntax"),
        (good.replace('{', " {").into(), "json-not-object"),
        (good.replace("withdraw", "Withdraw").into(), "leaf-member"),
        (good.replace("Z\"", "+00:00\"").into(), "leaf-member"),
        (good.replace("groups-feed/v1", "groups-feed/v2").into(), "leaf-header"),
    ];
    let mut expected = std::collections::BTreeMap::<&str, u64>::new();
    for (text, code) in &texts {
        scene.peer.sign(std::str::from_utf8(text).unwrap(), "");
        *expected.entry(code).or_default() += 1;
    }
    // Bytes that are no text at all cannot even be a note.
    let mut bytes = scene.peer.keys.log.note(&good).into_bytes();
    bytes[30] = 0xff;
    scene.peer.push(bytes, "");
    expected.insert("note-malformed", 1);
    // As long as the length before it can say, among others that are sound: it is void, and its neighbours are not.
    let long = with(&format!("\"x\":\"{}\"", "a".repeat(60_000)));
    scene.peer.sign(&long, "");
    expected.insert("leaf-too-long", 1);
    scene.peer.put(20, 1, "After the long one");
    scene.peer.publish();
    let outcome = scene.pull().await;
    assert_eq!(outcome.state, "changed");
    assert_eq!(outcome.pulled.unwrap().void, expected);
    assert_eq!(scene.state_of(1).await.as_deref(), Some("live"), "none of them withdrew it");
    assert_eq!(scene.state_of(20).await.as_deref(), Some("live"), "nor stopped what came after");

    // The same in the words: the leaf stands, its words cannot be read, and say so.
    let deep = format!("{{\"name\":{}1{}}}", "[".repeat(8_000), "]".repeat(8_000));
    let wrong = ["{\"name\":\"A\",\"name\":\"B\"}", "{\"name\":NaN}", "[]", "{\"name\":\"\\u0000\"}", &deep];
    for (n, json) in (30..).zip(wrong) {
        let line = part::line([n as u8; 16], json);
        let statement = scene.peer.statement(n, 1, Body::Put(Kind::Record), &line);
        scene.peer.sign(&statement.text().unwrap(), &line);
    }
    scene.peer.publish();
    scene.pull().await;
    for n in 30..35 {
        let state = scene.state_of(n).await.unwrap();
        assert!(state.starts_with("unreadable:json-"), "{state}");
    }
    // Words longer than a line may be are as good as none, and stop no other line of their bundle.
    let long = part::line([40; 16], &format!("{{\"name\":\"{}\"}}", "long ".repeat(4_000)));
    let statement = scene.peer.statement(40, 1, Body::Put(Kind::Record), &long);
    scene.peer.sign(&statement.text().unwrap(), &long);
    scene.peer.put(41, 1, "Beside the long one");
    scene.peer.publish();
    scene.pull().await;
    assert_eq!(scene.state_of(40).await.as_deref(), Some("withheld"));
    assert_eq!(scene.state_of(41).await.as_deref(), Some("live"));
    assert_eq!(scene.names().await.len(), 3);
    scene.heals().await;
}

/// F39: what could hold personal data is not signed: labels that are no published terms, and statements nobody understands.
#[tokio::test]
async fn f39_the_signer_refuses_what_could_be_personal() {
    let hub = TestHub::new("Signing Hub", 1).await;
    let id = Uuid::from_u128(1);
    hub.put(&[(id, group("A group", "Southend", "01702 000111"))]).await;
    let digest = hub.hub.digest().await.unwrap();
    let assured =
        |method: &str, by: &str| Assured { date: "2026-11-01".parse().unwrap(), method: method.into(), by: by.into() };
    let on = RecordRef { hub: hub.hub.id, rec: id };
    for body in [
        Body::Affirm(Kind::Record, assured("phone", "joan-smith")),
        Body::Affirm(Kind::Record, assured("07700900123", "hub")),
        Body::Choose {
            on,
            field: "mary_jones".into(),
            prefer: mutuald::record::statement::Prefer::Retracted,
            over: vec![],
        },
        Body::Erase(Kind::Record, 1, ErasedParts::Classes(vec!["joan".into()])),
        Body::NotUnderstood("anything".into()),
    ] {
        let draft = Draft { id, rev: 2, body: body.clone(), public: None };
        let said = hub.hub.say(&[draft]).await.unwrap_err();
        assert!(format!("{said:#}").contains("not signed"), "{body:?}: {said:#}");
        assert_eq!(hub.hub.digest().await.unwrap(), digest, "nothing was appended");
    }
    hub.check_hub().await;
    let draft = Draft { id, rev: 2, body: Body::Affirm(Kind::Record, assured("phone", "hub")), public: None };
    hub.hub.say(&[draft]).await.unwrap();
    hub.check_hub().await;
}

/// F44: two hubs that hold the same logs under different policies differ in digest, and the policy's hash says why.
#[tokio::test]
async fn f44_another_policy_is_seen_in_the_digest() {
    let mut peer = TestPeer::new(7).await;
    peer.put(1, 1, "Group one");
    peer.publish();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.toml");
    let text = mutuald::registry::Policy::default_text();
    std::fs::write(&file, format!("{text}\n# another hub's own copy\n")).unwrap();
    let a = TestHub::with("Reader A", 1, |config| config.publish = None).await;
    let b = TestHub::with("Reader B", 1, |config| config.publish = None).await;
    let c = TestHub::with("Reader B", 1, |config| {
        config.publish = None;
        config.hub.policy = Some(file);
    })
    .await;
    let mut digests = Vec::new();
    for hub in [&a, &b, &c] {
        hub.hub.add_partner(&peer.url, peer.id, None).await.unwrap();
        let partner = hub.hub.partner(&peer.id.to_string()).await.unwrap();
        assert_eq!(hub.hub.pull(&partner, false).await.unwrap().state, "changed");
        hub.check_hub().await;
        digests.push(hub.hub.digest().await.unwrap());
    }
    assert_eq!(digests[1].logs.get(&peer.id), digests[2].logs.get(&peer.id), "the same logs");
    assert_eq!(digests[0].policy, digests[1].policy);
    assert_ne!(digests[1].policy, digests[2].policy, "which says why");
    assert_ne!(digests[1].digest, digests[2].digest);
}

/// A pull that replaces or takes back more than five records and more than a tenth waits for a person; nothing of it shows.
#[tokio::test]
async fn a_mass_change_waits_for_a_person() {
    for (live, changes, waits) in [(20, 5, false), (20, 6, true), (100, 10, false), (100, 11, true)] {
        for replace in [false, true] {
            let mut scene = Scene::new(live).await;
            let before = scene.before().await;
            let names = scene.names().await;
            for n in 1..=changes {
                if replace {
                    scene.peer.put(n, 2, "Taken over");
                } else {
                    scene.peer.say(n, 2, Body::Withdraw(Kind::Record));
                }
            }
            scene.peer.publish();
            let outcome = scene.pull().await;
            assert_eq!(outcome.state == "waiting", waits, "{live} {changes}: {outcome:?}");
            scene.hub.check_hub().await;
            if !waits {
                continue;
            }
            assert!(outcome.ok(), "the run itself did well");
            let change = outcome.waiting.unwrap();
            let (replaced, withdrawn) = if replace { (changes as u64, 0) } else { (0, changes as u64) };
            assert_eq!((change.live, change.replaced, change.withdrawn), (live as u64, replaced, withdrawn));
            assert_eq!(scene.before().await.digest, before.digest);
            assert_eq!(scene.names().await, names, "nothing of it shows");
            assert_eq!(scene.pull().await.state, "waiting", "and still waits");

            let accepted = scene.hub.hub.accept_partner(&scene.partner().await).await.unwrap();
            assert_ne!(accepted.state, "waiting");
            assert_ne!(scene.names().await, names);
            assert!(scene.partner().await.waiting.is_none());
            assert!(scene.hub.hub.accept_partner(&scene.partner().await).await.is_err(), "nothing waits any more");
            scene.heals().await;
        }
    }
}

/// What a hub said before it was caught up with is its past, however many runs that takes: nothing of it waits for a person.
/// From then on it does.
#[tokio::test]
async fn the_past_of_a_new_partner_is_no_mass_change() {
    let mut peer = TestPeer::new(7).await;
    (1..=600).for_each(|n| {
        peer.put(n, 1, &format!("Group number {n}"));
    });
    (1..=200).for_each(|n| {
        peer.put(n, 2, &format!("Group number {n}, said again"));
    });
    (201..=300).for_each(|n| {
        peer.say(n, 2, Body::Withdraw(Kind::Record));
    });
    peer.publish();
    let mut scene = Scene::of(peer, |config| config.limits.leaves_per_run = 256).await;
    // Cut off in the middle, too.
    scene.peer.fault("tile/entries/001", |_, reply| Reply { status: 500, ..reply });
    assert_eq!(scene.pull().await.state, "http-status");
    scene.peer.well();
    loop {
        assert!(scene.partner().await.caught_up.is_none());
        let outcome = scene.pull().await;
        assert_eq!(outcome.state, "changed", "{outcome:?}");
        scene.hub.check_hub().await;
        if !outcome.pulled.unwrap().more {
            break;
        }
    }
    assert_eq!(scene.names().await.len(), 500);
    assert!(scene.partner().await.caught_up.is_some());
    (301..=400).for_each(|n| {
        scene.peer.say(n, 2, Body::Withdraw(Kind::Record));
    });
    scene.peer.publish();
    assert_eq!(scene.pull().await.state, "waiting");
}

/// A day that passes changes nothing at a partner that said nothing, whatever is derived again because of it.
#[tokio::test]
async fn a_new_day_is_no_change_at_a_partner() {
    let mut peer = TestPeer::new(7).await;
    peer.now += 3 * 86_400; // dated past today: its standing changes with the day
    peer.put(1, 1, "Group one");
    peer.now -= 3 * 86_400;
    peer.publish();
    let mut scene = Scene::of(peer, |_| {}).await;
    let last = scene.partner().await.last_change;
    for _ in 0..2 {
        scene.hub.clock.advance(jiff::SignedDuration::from_hours(24));
        let outcome = scene.pull().await;
        assert!(outcome.derived.unwrap().records > 0, "the day let something be derived again");
        assert_eq!(outcome.state, "current", "{outcome:?}");
        assert_eq!(scene.partner().await.last_change, last);
    }
    scene.heals().await;
}

fn erase(n: u64) -> Body {
    Body::Erase(Kind::Record, n, ErasedParts::All)
}

/// A type, op, value or critical member that is newer than this program is kept without effect, and is not void; members it
/// does not know are ignored. Parts of classes it does not know are no reason to refuse.
#[tokio::test]
async fn what_is_newer_is_kept_without_effect() {
    let mut scene = Scene::new(2).await;
    let line = scene.peer.line(1, 2, "From the future");
    let put = scene.peer.statement(1, 2, Body::Put(Kind::Record), &line).text().unwrap();
    for text in [
        put.replace("/v1 record", "/v1 assess"),
        put.replace("\"op\":\"put\"", "\"op\":\"suspend\""),
        put.replace("\"op\":", "\"until\":\"2027-01-01\",\"crit\":[\"until\"],\"op\":"),
        put.replace("/v1 record", "/v1 link").replace(
            "\"op\":",
            &format!(
                "\"a\":[\"{0}\",\"{1}\"],\"b\":[\"{0}\",\"{2}\"],\"judgement\":\"cousin-of\",\"op\":",
                scene.peer.id,
                Uuid::from_u128(1),
                Uuid::from_u128(2)
            ),
        ),
    ] {
        scene.peer.sign(&text, &line);
    }
    let more = scene.peer.line(2, 2, "Group two, with more");
    let more_text = scene.peer.statement(2, 2, Body::Put(Kind::Record), &more).text().unwrap();
    let more_text = more_text
        .replace("\"op\":", "\"mood\":\"fine\",\"op\":")
        .replace("\"public\":", &format!("\"members\":\"{}\",\"public\":", part::digest(b"elsewhere")));
    scene.peer.sign(&more_text, &more);
    scene.peer.publish();
    let outcome = scene.pull().await;
    assert_eq!(outcome.state, "changed");
    let pulled = outcome.pulled.unwrap();
    assert!(pulled.void.is_empty(), "{:?}", pulled.void);
    assert_eq!(scene.names().await, ["Group number 1", "Group two, with more"]);
    assert_eq!(scene.line_at(2).await, Some(line), "kept, with its words, for a later version");
    scene.heals().await;
}

/// A leaf whose server had to remove its bytes says nothing; its hash in the level-0 tile holds the tree together, and the
/// log goes on, across the bundle's end too.
#[tokio::test]
async fn a_removed_leaf_is_void_and_the_log_goes_on() {
    let mut scene = Scene::new(10).await;
    let removed = scene.peer.put(11, 1, "Removed by a court");
    scene.peer.put(12, 1, "Group twelve");
    scene.peer.remove(removed);
    scene.peer.publish();
    let outcome = scene.pull().await;
    assert_eq!(outcome.pulled.unwrap().void.get("leaf-removed"), Some(&1), "{}", outcome.reason);
    assert_eq!(scene.state_of(11).await, None);
    assert_eq!(scene.state_of(12).await.as_deref(), Some("live"));
    scene.hub.check_hub().await;
    // A tile that says something else about it is refused.
    scene.peer.put(13, 1, "Group thirteen");
    scene.peer.remove(removed + 2);
    scene.peer.publish();
    scene.peer.fault("tile/0/000.p/13", move |_, reply| reply.map(|body| body[32 * 12] ^= 1));
    scene.refused("mismatch").await;
    scene.peer.well();
    // Over the end of the bundle, where its root is taken from what is stored; and then by many at once.
    for upto in [300, 1_200] {
        for n in scene.peer.leaves.len() as u128 + 1..=upto {
            scene.peer.put(n, 1, &format!("Group number {n}"));
        }
        scene.peer.publish();
        assert_eq!(scene.pull().await.state, "changed");
        scene.hub.check_hub().await;
    }
    scene.heals().await;
}

/// A hub's records are its own: another hub's ids, put, withdrawn or erased by this one, do nothing to them.
#[tokio::test]
async fn f26_ids_are_scoped_by_hub() {
    let mut scene = Scene::new(2).await;
    let mut other = TestPeer::new(8).await;
    other.put(1, 1, "Another hub's own words");
    other.say(2, 7, Body::Withdraw(Kind::Record));
    other.say(2, 8, erase(9));
    other.publish();
    scene.hub.hub.add_partner(&other.url, other.id, None).await.unwrap();
    let row = scene.hub.hub.partner(&other.id.to_string()).await.unwrap();
    assert_eq!(scene.hub.hub.pull(&row, false).await.unwrap().state, "changed");
    assert_eq!(scene.names().await, ["Another hub's own words", "Group number 1", "Group number 2"]);
    scene.hub.check_hub().await;
    scene.heals().await;
}
