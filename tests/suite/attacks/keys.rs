//! F19 (hub versions), F27–F30: keys that change, are stolen or are lost.

use crate::support::hub::group;
use crate::support::peer::TestPeer;
use crate::support::scene::Scene;
use crate::support::{Says, TestHub};
use mutuald::feed::hub::{self as hub_document, HubDocument, VerifiedHub};
use mutuald::feed::note::{ED25519, SigningKey};
use mutuald::node::Hub;
use mutuald::node::author::Draft;
use mutuald::node::heal;
use mutuald::node::rollover::{Change, Later};
use mutuald::record::statement::{Body, ErasedParts, Kind, RecordRef, Statement};
use uuid::Uuid;

fn id(n: u128) -> Uuid {
    Uuid::from_u128(0x4000_8000_0000_0000_0000 + n)
}

/// A hub with this many groups, of which some were changed, affirmed, taken back, linked and chosen between.
async fn busy(groups: u128) -> TestHub {
    let hub = TestHub::new("First Hub", 1).await;
    let all: Vec<_> = (1..=groups).map(|n| (id(n), group(&format!("Circle {n}"), "Southend", &phone(n)))).collect();
    hub.put(&all).await;
    hub.clock.advance(jiff::SignedDuration::from_hours(1));
    hub.put(&[(id(2), group("Circle of Two", "Southend", &phone(2)))]).await;
    hub.affirm(id(3), 2).await;
    hub.withdraw(id(4), 2).await;
    hub.link(id(9_001), 1, id(1), id(5)).await;
    hub.choose(id(9_002), 1, id(1), id(5)).await;
    hub
}

fn phone(n: u128) -> String {
    format!("01702 {n:06}")
}

async fn reader(seed: u64, of: &TestHub) -> TestHub {
    let reader = TestHub::new(&format!("Reader {seed}"), seed).await;
    reader.clock.set(of.clock.now());
    reader.hub.refresh().await.unwrap();
    reader.follow(of).await;
    reader
}

async fn pulls(reader: &TestHub, of: &TestHub) -> mutuald::node::sync::Outcome {
    // Past the hour after which a hub document is asked for again even where nothing is new.
    of.clock.advance(jiff::SignedDuration::from_mins(61));
    reader.clock.set(of.clock.now());
    loop {
        let outcome = reader.pull(of).await;
        assert!(outcome.ok() && outcome.state != "waiting", "{outcome:?}");
        if !outcome.pulled.as_ref().is_some_and(|pulled| pulled.more) {
            reader.check_hub().await;
            return outcome;
        }
    }
}

async fn says(hub: &TestHub, n: u128, name: &str) {
    hub.put(&[(id(n), group(name, "Southend", &phone(n)))]).await;
}

/// What a hub's registry says of the partner's groups, however it came to know them.
async fn said(hub: &TestHub) -> (String, usize, Vec<String>) {
    let digest = hub.hub.digest().await.unwrap();
    (digest.digest, digest.groups, hub.names().await)
}

/// F27: a planned rollover, three of them, met by a reader who follows each, by one who is three versions behind, by one
/// who is half way through its first pull, and by a newcomer: all of them hold the same, nobody loses or doubles a record,
/// and no words travel again.
#[tokio::test(flavor = "multi_thread")]
async fn f27_rollovers_lose_and_double_nothing() {
    let hub = busy(600).await;
    let (early, late) = (reader(2, &hub).await, reader(3, &hub).await);
    let midway = TestHub::with("Midway", 4, |config| config.limits.leaves_per_run = 256).await;
    midway.follow(&hub).await;
    pulls(&early, &hub).await;
    pulls(&late, &hub).await;
    assert!(midway.pull(&hub).await.pulled.unwrap().more, "it has a part of the list only");
    let (before, own) = (said(&early).await, said(&hub).await);
    assert_eq!(before, own);

    let done = hub.rotate().await;
    assert_eq!((done.version, done.voided), (2, 0));
    assert_eq!(said(&hub).await, own, "a new list says what the old one said");
    hub.check_hub().await;
    // Who follows fetches leaves only: the words are here already.
    std::fs::rename(hub.hub.config.feed().join("v1/2/part"), hub.hub.config.feed().join("part-2")).unwrap();
    let outcome = pulls(&early, &hub).await;
    assert_eq!((outcome.state.as_str(), outcome.pulled.unwrap().withheld), ("changed", 0));
    assert_eq!(said(&early).await, before);
    std::fs::rename(hub.hub.config.feed().join("part-2"), hub.hub.config.feed().join("v1/2/part")).unwrap();

    for (n, version) in [(1, 3), (2, 4)] {
        hub.put(&[(id(n), group(&format!("Changed {n}"), "Southend", &phone(n)))]).await;
        assert_eq!(hub.rotate().await.version, version);
    }
    hub.put(&[(id(700), group("Newest", "Southend", &phone(700)))]).await;
    let newcomer = reader(5, &hub).await;
    for reader in [&early, &late, &midway, &newcomer] {
        pulls(reader, &hub).await;
        reader.check_hub().await;
    }
    let expected = hub.hub.digest().await.unwrap();
    for reader in [&early, &late, &midway, &newcomer] {
        reader.hub.refresh().await.unwrap();
        let digest = reader.hub.digest().await.unwrap();
        assert_eq!(digest.digest, expected.digest);
        assert_eq!(digest.logs[&hub.hub.id], expected.logs[&hub.hub.id], "the same entries of all its lists");
        assert_eq!(reader.names().await, hub.names().await);
    }
    hub.check_hub().await;
}

/// F28: a thief with the list's key appends, overwrites, erases, takes back and back-dates; another history is shown to a
/// newcomer. After the closing document all of it is void, at every reader and for those who come later, and not a byte of
/// what the thief wrote is left.
#[tokio::test(flavor = "multi_thread")]
async fn f28_what_a_thief_wrote_is_void_everywhere() {
    let hub = busy(20).await;
    let reader_of = reader(2, &hub).await;
    pulls(&reader_of, &hub).await;
    let good = said(&reader_of).await;
    // Another machine with the same key shows another history to somebody who comes just then.
    let elsewhere = hub.copy(50).await;
    elsewhere.put(&[(id(901), group("Zzevil elsewhere", "Southend", "01702 999901"))]).await;
    let deceived = TestHub::new("Deceived", 6).await;
    deceived.follow(&elsewhere).await;
    pulls(&deceived, &elsewhere).await;
    assert!(!deceived.files_with(b"Zzevil elsewhere").await.is_empty());

    says(&hub, 30, "Said in time").await;
    let good = (good.0, good.1 + 1, good.2);
    let keep = hub.published();
    hub.clock.set("2026-11-01T09:00:00Z".parse().unwrap()); // back-dated
    hub.put(&[(id(900), group("Zzevil twin", "Southend", "01702 999900"))]).await;
    hub.put(&[(id(1), group("Zzevil changed", "Southend", "01702 999901"))]).await;
    hub.withdraw(id(7), 2).await;
    let erase = Body::Erase(Kind::Record, 1, ErasedParts::All);
    hub.hub.say(&[Draft { id: id(8), rev: 2, body: erase, public: None }]).await.unwrap();
    hub.clock.set("2026-11-22T11:00:00Z".parse().unwrap());
    pulls(&reader_of, &hub).await;
    assert!(!reader_of.files_with(b"Zzevil").await.is_empty(), "it was taken in good faith");
    reader_of.hub.back_up(None).await.unwrap();
    // An export of everything may hold it too; one of the reader's own groups does not.
    let [everything, own] = ["everything.csv", "own.csv"].map(|name| reader_of.folder().join(name));
    for (file, scope, words) in [(&everything, "all", "Zzevil twin"), (&own, "own", "Circle 7")] {
        std::fs::write(file, words).unwrap();
        reader_of.hub.wrote(file, scope, Some(words.as_bytes())).await.unwrap();
    }
    assert_ne!(said(&reader_of).await, good);

    let done = hub.change(Change::Log { keep: Some(keep) }, Some(Later::Drop)).await;
    assert_eq!((done.version, done.voided), (2, 4));
    hub.check_hub().await;
    // The deceived one hears of the true address.
    deceived.finds(&hub, &hub.url).await;
    let newcomer = reader(7, &hub).await;
    for reader in [&reader_of, &deceived, &newcomer] {
        pulls(reader, &hub).await;
        reader.hub.refresh().await.unwrap();
        let found = reader.files_with(b"Zzevil").await;
        assert!(found.is_empty(), "{found:?}");
    }
    for reader in [&reader_of, &newcomer] {
        assert_eq!(reader.hub.digest().await.unwrap().digest, hub.hub.digest().await.unwrap().digest);
    }
    // Who was not shown the thief's erasure has the words that it took from the hub itself, which says them again without having
    // them: what is known stays until it is taken back.
    let mut names = hub.names().await;
    names.push("Circle 8".into());
    names.sort();
    assert_eq!(deceived.names().await, names);
    let found = hub.files_with(b"Zzevil").await;
    assert!(found.is_empty(), "{found:?}");
    assert!(!everything.exists(), "it may hold what the thief wrote");
    assert!(own.exists(), "nobody else's words stand in it");
    // One entry that the thief erased is gone: a single erasure is obeyed at once (of many at once: F28a).
    assert_eq!(said(&reader_of).await.1 + 1, good.1, "as many groups as before, but for that one");
    assert!(reader_of.names().await.contains(&"Circle 7".to_owned()), "what the thief took back is there again");
}

/// A scene whose partner offers these documents, the last of them as its newest, an hour later.
fn offers(scene: &Scene, documents: &[(u64, &str)]) {
    scene.hub.clock.advance(jiff::SignedDuration::from_mins(61));
    for (n, document) in documents {
        scene.peer.place(&format!("/hub/{n}"), *document);
        scene.peer.place("/.well-known/groups-hub", *document);
    }
}

fn known(peer: &TestPeer) -> VerifiedHub {
    hub_document::open(peer.document.as_bytes(), Some(peer.id)).unwrap()
}

/// F19: a hub document that skips a version, goes back, or says that it is version 2^53 - 1, is not followed.
#[tokio::test]
async fn f19_a_hub_document_rises_one_by_one() {
    let mut scene = Scene::new(3).await;
    let first = known(&scene.peer);
    let jump = |version| HubDocument { version, ..first.following() }.sign(&[&scene.peer.root]);
    let (three, far) = (jump(3), jump((1 << 53) - 1));
    offers(&scene, &[(2, &three), (3, &three)]);
    scene.refused("hub-version").await;
    offers(&scene, &[(2, &far)]);
    scene.refused("hub-version").await;
    // One that is not there at all is no document: nothing changes, and nothing stops.
    offers(&scene, &[(9, &jump(9))]);
    scene.peer.fault("/hub/2", |_, _| crate::support::peer::Reply::of(404, "").header("content-length", 0));
    let before = scene.before().await;
    assert_eq!(scene.pull().await.state, "current");
    assert_eq!(scene.before().await, before);
    // Back to the first: an old copy is no news.
    let two = HubDocument { name: "Renamed".into(), ..first.following() }.sign(&[&scene.peer.root]);
    scene.peer.well();
    offers(&scene, &[(2, &two)]);
    assert!(scene.pull().await.ok());
    assert_eq!(scene.partner().await.name, "Renamed");
    let document = scene.peer.document.clone();
    scene.hub.clock.advance(jiff::SignedDuration::from_mins(61));
    scene.peer.place("/.well-known/groups-hub", document);
    assert!(scene.pull().await.ok());
    assert_eq!(scene.partner().await.name, "Renamed", "what was followed stays followed");
    // The peer's own files go on naming version 1.
    scene.peer.document = two;
    scene.heals().await;
}

/// F29: too few root signatures, one counted twice, another version before it, past its date: refused, and what was verified
/// stays. Two texts of one version: proof against the hub, kept for ever, and the list is frozen.
#[tokio::test]
async fn f29_hub_documents_follow_or_are_refused() {
    let roots: Vec<SigningKey> = (60..63).map(|n| SigningKey::new(&format!("root-{n}"), ED25519, &[n; 32])).collect();
    let scene = Scene::new(3).await;
    let root = |scene: &Scene| SigningKey::new("peer-7-root", ED25519, scene_root(scene));
    let first = known(&scene.peer);
    // Version 2: two of three must sign from now on.
    let mut two = first.following();
    two.root.threshold = 2;
    two.root.vkeys = roots.iter().map(|key| key.public().to_string()).collect();
    let old = root(&scene);
    for signers in [vec![&old], vec![&roots[0], &roots[1]], vec![&old, &roots[0]], vec![&old, &roots[0], &roots[0]]] {
        let document = two.sign(&signers);
        offers(&scene, &[(2, &document)]);
        scene.refused("hub-signature").await;
    }
    let stranger = HubDocument { prev: Some("A".repeat(43)), ..two.clone() }.sign(&[&old, &roots[0], &roots[1]]);
    offers(&scene, &[(2, &stranger)]);
    scene.refused("hub-prev").await;
    let past =
        HubDocument { expires: "2026-11-01".parse().unwrap(), ..two.clone() }.sign(&[&old, &roots[0], &roots[1]]);
    offers(&scene, &[(2, &past)]);
    scene.refused("hub-expired").await;
    let good = two.sign(&[&old, &roots[0], &roots[1]]);
    offers(&scene, &[(2, &good)]);
    let outcome = scene.pull().await;
    assert!(outcome.ok() && outcome.reason.contains("version 2"), "{outcome:?}");

    // Another text of version 2, signed by enough of the same keys.
    let other = HubDocument { name: "Another".into(), ..two.clone() }.sign(&[&old, &roots[1], &roots[2]]);
    offers(&scene, &[(2, &other)]);
    let before = scene.before().await;
    assert_eq!(scene.pull().await.state, "disputed");
    assert_eq!(scene.before().await, before, "what was verified stays in use");
    let mut db = scene.hub.hub.store.read().await.unwrap();
    let kept = mutuald::store::hub::evidence(&mut db).await.unwrap();
    drop(db);
    assert_eq!(kept.len(), 1);
    assert_eq!((kept[0].first.as_slice(), kept[0].second.as_slice()), (good.as_bytes(), other.as_bytes()));
    assert!(hub_document::equivocates(&first, &kept[0].first, &kept[0].second), "anybody can check it");
    // Anybody who asks is shown both.
    for (name, note) in [("1", &good), ("2", &other)] {
        let file = scene.hub.hub.config.feed().join("evidence").join(&kept[0].id).join(name);
        assert_eq!(std::fs::read(file).unwrap(), note.as_bytes());
    }
    offers(&scene, &[(2, &good)]);
    assert_eq!(scene.pull().await.state, "disputed", "it stays frozen until a person decides");
}

/// The secret of a test peer's root key.
fn scene_root(_: &Scene) -> &'static [u8; 32] {
    &[8; 32]
}

/// F30: the list's key is lost and the root key is not: a new list begins, and nobody loses a record. The root key is lost: the
/// hub runs on, and from sixty days before the document's end everybody is told.
#[tokio::test(flavor = "multi_thread")]
async fn f30_a_lost_key_is_an_end_only_without_the_root() {
    let hub = busy(20).await;
    let follower = reader(2, &hub).await;
    pulls(&follower, &hub).await;
    let good = said(&follower).await;
    let folder = hub.hub.config.keys();
    std::fs::remove_file(folder.join("log-1.key")).unwrap();
    let config = (*hub.hub.config).clone();
    assert!(Hub::open(config.clone(), hub.clock.clone(), hub.hub.chance.clone()).await.is_err());
    let mute = Hub::speechless(config.clone(), hub.clock.clone(), hub.hub.chance.clone()).await.unwrap();
    let plan = mute.plan_document(&Change::Log { keep: None }, true).await.unwrap();
    let signed = mutuald::node::rollover::add_signature(&plan.text, &hub.root()).unwrap();
    mute.adopt_document(signed.as_bytes(), None).await.unwrap();
    Hub::open(config, hub.clock.clone(), hub.hub.chance.clone()).await.expect("it can speak again");
    pulls(&follower, &hub).await;
    assert_eq!(said(&follower).await, good);

    let own = hub.hub.own_document().await.unwrap();
    let end = own.document.expires;
    let zone = hub.hub.config.time_zone().unwrap();
    let at = |days: i32| {
        let day = end.checked_sub(jiff::Span::new().days(days)).unwrap();
        day.at(9, 0, 0, 0).to_zoned(zone.clone()).unwrap().timestamp()
    };
    for (days, told) in [(70, false), (59, true), (1, true), (-30, true)] {
        hub.clock.set(at(days));
        hub.hub.publish().await.unwrap();
        follower.clock.set(hub.clock.now());
        let outcome = follower.pull(&hub).await;
        assert!(outcome.ok(), "it runs on: {outcome:?}");
        assert_eq!(outcome.reason.contains(&end.to_string()), told, "{days}: {}", outcome.reason);
        assert_eq!(own.warns(hub.clock.today(&zone)).is_some(), told);
    }
}

/// A hub whose disk died is rebuilt from its root key and its partners: everything public is there again, under the same id,
/// with a new key; partners go on where they were, and lose and double nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_hub_whose_disk_died_is_rebuilt_from_its_partners() {
    let hub = busy(300).await;
    let partner = reader(2, &hub).await;
    pulls(&partner, &hub).await;
    hub.rotate().await;
    hub.put(&[(id(1), group("Changed after", "Southend", &phone(1)))]).await;
    pulls(&partner, &hub).await;
    let (root, good, hub_id) = (hub.root(), said(&hub).await, hub.hub.id);
    let (now, name) = (hub.clock.now(), hub.hub.name.clone());
    drop(hub);

    let folder = tempfile::tempdir().unwrap();
    let mut config = (*partner.hub.config).clone();
    config.hub.state = folder.path().join("state");
    let clock = mutuald::clock::Clock::fixed(now);
    let partners = [partner.url.parse().unwrap()];
    let chance = mutuald::node::Chance::seeded(99);
    let (mute, healed) = heal::recover(config.clone(), hub_id, &partners, clock.clone(), chance).await.unwrap();
    assert!(healed.now > 300, "{healed:?}");
    assert_eq!((mute.id, mute.name.clone()), (hub_id, name));
    let plan = mute.plan_document(&Change::Log { keep: None }, true).await.unwrap();
    let signed = mutuald::node::rollover::add_signature(&plan.text, &root).unwrap();
    mute.adopt_document(signed.as_bytes(), None).await.unwrap();
    mute.store.close().await;
    let again = TestHub::serving(folder, config, clock, 98).await;
    again.hub.refresh().await.unwrap();
    again.check_hub().await;
    partner.finds(&again, &again.url).await;
    assert_eq!(said(&again).await, good);
    pulls(&partner, &again).await;
    partner.hub.refresh().await.unwrap();
    again.hub.refresh().await.unwrap();
    let (theirs, own) = (partner.hub.digest().await.unwrap(), again.hub.digest().await.unwrap());
    assert_eq!((&theirs.digest, theirs.logs[&hub_id]), (&own.digest, own.logs[&hub_id]));
    again.put(&[(id(800), group("After the fire", "Southend", &phone(800)))]).await;
    pulls(&partner, &again).await;
    assert!(partner.names().await.contains(&"After the fire".to_owned()));
}

/// F33: a hub ends and names another, which takes over: at every reader of both, its records stand for the ended hub's, in what was
/// linked, chosen and granted; whoever comes to know the two in the other order has the same. What it erases is gone under both
/// names.
#[tokio::test(flavor = "multi_thread")]
async fn f33_who_is_named_and_takes_over_stands_for_the_hub_that_ended() {
    let old = busy(20).await;
    let new = TestHub::new("Successor Hub", 2).await;
    let granted = |config: &mut mutuald::config::Config| {
        // The policy grants the ended hub its area; nobody changes it.
        let file = config.hub.state.parent().unwrap().join("policy.toml");
        let text = format!("version = 1\n[hubs.{}]\nareas = [\"E07\"]\nrank = 5\n", old.hub.id);
        std::fs::write(&file, text).unwrap();
        config.hub.policy = Some(file);
    };
    let (early, late) = (TestHub::with("Early", 3, granted).await, TestHub::with("Late", 4, granted).await);
    let rival = TestHub::new("Rival Hub", 5).await;
    let placed = |name: &str, cost: &str| {
        let json = serde_json::json!({
            "name": name, "topics": ["epilepsy"], "contact": {"phone": phone(50)}, "cost": cost,
            "place": {"locality": "Southend", "area": "E07000066"},
        });
        mutuald::record::Group::read(&json.to_string()).unwrap()
    };
    old.put(&[(id(50), placed("Circle 50", "Free"))]).await;
    rival.put(&[(id(60), placed("Circle 50", "£3"))]).await;
    for hub in [&new, &early, &late, &rival] {
        hub.clock.set(old.clock.now());
        hub.hub.refresh().await.unwrap();
        hub.follow(&old).await;
        pulls(hub, &old).await;
    }
    early.follow(&rival).await;
    early.pull(&rival).await;
    let groups = |names: Vec<String>| names.into_iter().collect::<std::collections::BTreeSet<_>>();
    let before = groups(early.names().await);

    // Nothing can be taken over from a hub that goes on, or by who is not named.
    let row = new.hub.partner("First Hub").await.unwrap();
    assert!(new.hub.take_over(&row, false).await.unwrap_err().to_string().contains("has not ended"));
    old.change(Change::HandOver(new.hub.id), None).await;
    pulls(&rival, &old).await;
    let row = rival.hub.partner("First Hub").await.unwrap();
    assert!(rival.hub.take_over(&row, false).await.unwrap_err().to_string().contains("not this hub"));
    pulls(&new, &old).await;
    let row = new.hub.partner("First Hub").await.unwrap();
    let planned = new.hub.plan_take_over(&row, false).await.unwrap();
    let size = new.published();
    assert_eq!(size, new.published(), "a plan says nothing");
    let done = new.hub.take_over(&row, false).await.unwrap();
    assert_eq!((&done, done.records > 15), (&planned, true), "{done:?}");
    new.check_hub().await;
    let again = new.hub.take_over(&row, false).await.unwrap();
    assert_eq!((again.records, again.decisions, again.already), (0, 0, done.records), "once is enough");

    // One reader hears of the end first, the other of who takes over.
    early.follow(&new).await;
    late.follow(&new).await;
    pulls(&early, &old).await;
    pulls(&early, &new).await;
    pulls(&late, &new).await;
    late.follow(&rival).await;
    late.pull(&rival).await;
    pulls(&late, &old).await;
    early.pull(&rival).await;
    for reader in [&early, &late] {
        reader.clock.set(old.clock.now());
        reader.hub.refresh().await.unwrap();
        reader.check_hub().await;
    }
    let digest = early.hub.digest().await.unwrap();
    assert_eq!(digest.successors[&old.hub.id], new.hub.id);
    let other = late.hub.digest().await.unwrap();
    assert_eq!((&digest.digest, &digest.successors), (&other.digest, &other.successors), "whoever hears what first");
    assert_eq!(groups(early.names().await), before, "nobody is lost");
    let mut db = early.hub.store.read().await.unwrap();
    let doubled: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM record WHERE kind = 1 AND state = 'live' AND hub = (SELECT n FROM hub WHERE successor IS NOT NULL)",
    )
    .fetch_one(&mut *db)
    .await
    .unwrap();
    assert_eq!(doubled, 0, "none of the ended hub's records speaks beside the one that stands for it");
    // What people linked and what the policy granted is the successor's now.
    let linked: Vec<i64> = sqlx::query_scalar("SELECT DISTINCT grp FROM record WHERE state = 'live' AND rec IN (?, ?)")
        .bind(id(1).as_bytes().to_vec())
        .bind(id(5).as_bytes().to_vec())
        .fetch_all(&mut *db)
        .await
        .unwrap();
    assert_eq!(linked.len(), 1, "what the ended hub's people linked stays linked");
    let placed = mutuald::node::groups::Known::find(&early.hub, &mut db, "Circle 50").await.unwrap();
    let cost = placed.merged.values.iter().find(|(unit, _)| unit.name() == "cost").unwrap().1;
    assert!(cost.value.to_string().contains("Free"), "the area that was granted to the ended hub: {cost:?}");
    drop(db);

    // The successor goes on: what it changes, takes back or erases is what counts, and nothing of the ended hub comes back.
    new.put(&[(id(50), group("Circle Fifty", "Southend", &phone(50)))]).await;
    new.withdraw(id(6), 2).await;
    let erase = Body::Erase(Kind::Record, 9, ErasedParts::All);
    new.hub.say(&[Draft { id: id(8), rev: 10, body: erase, public: None }]).await.unwrap();
    new.rotate().await;
    for reader in [&early, &late] {
        pulls(reader, &new).await;
        let names = reader.names().await;
        assert!(names.contains(&"Circle Fifty".to_owned()), "{names:?}");
        assert!(!names.contains(&"Circle 6".to_owned()) && !names.contains(&"Circle 8".to_owned()), "{names:?}");
        reader.hub.sweep().await.unwrap();
        let found = reader.files_with(b"Circle 8\"").await;
        assert!(found.is_empty(), "{found:?}");
        reader.hub.rebuild().await.unwrap();
        assert_eq!(reader.names().await, names);
    }
    assert_eq!(early.hub.digest().await.unwrap().digest, late.hub.digest().await.unwrap().digest);
    // Without the ended hub nothing is missing.
    let row = early.hub.partner("First Hub").await.unwrap();
    let names = groups(early.names().await);
    early.hub.remove_partner(&row).await.unwrap();
    assert_eq!(groups(early.names().await), names);
    early.check_hub().await;
}

/// F33: a hub ends and names another. Nothing moves by itself: readers are told whom it names, and whoever claims to take over
/// without being named (or is named and claims nothing) changes nothing, and is shown to claim it.
#[tokio::test(flavor = "multi_thread")]
async fn f33_a_claim_to_take_over_changes_nothing_by_itself() {
    let hub = busy(20).await;
    let follower = reader(2, &hub).await;
    pulls(&follower, &hub).await;
    let good = said(&follower).await;
    // Two that claim one of its records, named by nobody.
    let mut claims = Vec::new();
    for (nth, seed) in [31, 32].into_iter().enumerate() {
        let mut claimer = TestPeer::new(seed).await;
        let (n, name) = (900 + nth as u128, format!("Zzclaimed {seed}"));
        let line = claimer.line(n, 1, &name);
        let replaces = Some(RecordRef { hub: hub.hub.id, rec: id(1) });
        let statement = Statement { replaces, ..claimer.statement(n, 1, Body::Put(Kind::Record), &line) };
        claimer.sign(&statement.text().unwrap(), &line);
        claimer.publish();
        follower.hub.add_partner(&claimer.url, claimer.id, None).await.unwrap();
        let row = follower.hub.partner(&claimer.id.to_string()).await.unwrap();
        let outcome = follower.hub.pull(&row, false).await.unwrap();
        assert!(outcome.ok() && outcome.reason.contains("First Hub, which has not named it"), "{outcome:?}");
        claims.push(claimer);
    }
    let all = said(&follower).await;
    assert_eq!(all.1, good.1 + 2, "two groups more, and none less");
    let good = all;
    let named = TestPeer::new(33).await;

    let done = hub.change(Change::HandOver(named.id), None).await;
    assert_eq!((done.version, done.again), (2, 0));
    let outcome = pulls(&follower, &hub).await;
    assert!(outcome.reason.contains(&named.id.to_string()), "{outcome:?}");
    assert_eq!(said(&follower).await, good, "its records stay, and stay its own");
    follower.clock.advance(jiff::SignedDuration::from_hours(24 * 9));
    hub.clock.set(follower.clock.now());
    follower.hub.refresh().await.unwrap();
    assert_eq!(pulls(&follower, &hub).await.state, "current", "an end is not staleness");
    // The hub that ended says nothing more.
    let affirm = Body::Withdraw(Kind::Record);
    assert!(hub.hub.say(&[Draft { id: id(1), rev: 9, body: affirm, public: None }]).await.is_err());
    hub.hub.publish().await.unwrap();
}
