//! F34, F36, F38, F40, and what users were let down by elsewhere (PEERS section 3, pains 5, 8, 10): what is erased is gone
//! everywhere, stays gone, and everybody can see who has confirmed it.

mod mass;
mod resurrection;

use crate::support::TestHub;
use crate::support::audit::{audit, can_audit};
use crate::support::command::Desk;
use crate::support::feed::all;
use crate::support::peer::{Reply, TestPeer};
use crate::support::scene::Scene;
use jiff::SignedDuration;
use mutuald::node::backup;
use mutuald::node::erase::letter;
use mutuald::node::erase::status::Stage;
use mutuald::node::erase::{self, Erased};
use mutuald::node::groups::Known;
use mutuald::node::{Chance, Hub};
use mutuald::record::statement::{Body, ErasedParts, Kind};
use mutuald::record::{Group, part};
use mutuald::store;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::path::Path;
use uuid::Uuid;

/// Words that stand in nothing else.
const PLANTED: [&str; 3] = ["qzxvorblat", "01632 960777", "qwvhinterland"];
/// Words of an earlier version of the same entry.
const EARLIER: &str = "qjjformerly";

fn planted(extra: &str) -> Group {
    let json = serde_json::json!({
        "name": "Qzxvorblat Circle", "description": format!("We meet in Qwvhinterland. {extra}"), "topics": ["epilepsy"],
        "place": {"locality": "Southend"}, "contact": {"phone": "01632 960777"},
    });
    Group::read(&json.to_string()).unwrap()
}

fn other(n: u128) -> (Uuid, Group) {
    let json = serde_json::json!({"name": format!("Other group number {n}"), "place": {"locality": "Clacton"}, "topics": ["stroke"]});
    (Uuid::from_u128(n), Group::read(&json.to_string()).unwrap())
}

const RECORD: Uuid = Uuid::from_u128(0x5eed);

async fn erased(hub: &Hub, wanted: &str, only_own: bool) -> Erased {
    let mut db = hub.store.read().await.unwrap();
    let known = Known::find(hub, &mut db, wanted).await.unwrap();
    let plan = erase::plan(hub, &mut db, &known, None, only_own).await.unwrap();
    drop(db);
    let done = plan.commit(hub).await.unwrap();
    assert_eq!(done.left, [""; 0]);
    done
}

/// Writes a file with everything this hub knows, as an export does.
async fn export(hub: &TestHub, name: &str) -> std::path::PathBuf {
    let mut db = hub.hub.store.read().await.unwrap();
    let words: Vec<String> =
        sqlx::query_scalar("SELECT line FROM leaf WHERE line IS NOT NULL").fetch_all(&mut *db).await.unwrap();
    drop(db);
    let (path, bytes) = (hub.folder().join(name), words.join("\n").into_bytes());
    std::fs::write(&path, &bytes).unwrap();
    hub.hub.wrote(&path, "all", Some(&bytes)).await.unwrap();
    path
}

/// F34, and pain 8 (deletions do not propagate): A erases while B is away; C obeys at its next pull; B returns late and obeys at its
/// first pull. Nothing of it is left in any file of any hub: database, write-ahead log, feed, exports, backups. A sees who confirmed.
#[tokio::test]
async fn f34_pain_8_an_erasure_reaches_everybody_and_every_copy() {
    let a = TestHub::new("Hub A", 1).await;
    let b = TestHub::new("Hub B", 2).await;
    let c = TestHub::new("Hub C", 3).await;
    a.put(&(1..=40).map(other).collect::<Vec<_>>()).await;
    a.put(&[(RECORD, planted(EARLIER))]).await;
    for hub in [&b, &c] {
        hub.follow(&a).await;
        a.follow(hub).await;
        hub.pull(&a).await;
    }
    a.put(&[(RECORD, planted("Come along."))]).await;
    for hub in [&b, &c] {
        hub.pull(&a).await;
        a.pull(hub).await;
    }
    for hub in [&a, &b, &c] {
        export(hub, "export.csv").await;
        hub.hub.back_up(None).await.unwrap();
        hub.holds(&PLANTED);
        hub.holds(&[EARLIER]);
    }
    // As a crash and a static host may leave them.
    let parts = a.hub.config.feed().join("v1/1/part/public/000.p");
    let current = std::fs::read(parts.join("44")).unwrap();
    std::fs::write(parts.join("40.new"), &current).unwrap();
    let mut coder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut coder, &current).unwrap();
    std::fs::write(parts.join("44.gz"), coder.finish().unwrap()).unwrap();

    let done = erased(&a.hub, "qzxvorblat", true).await;
    assert_eq!((done.own, done.asked), (1, 0));
    let gone: Vec<&str> = PLANTED.iter().copied().chain([EARLIER]).collect();
    a.holds_nothing_of(&gone);
    a.check_hub().await;
    assert!(!a.folder().join("export.csv").exists());

    assert_eq!(c.pull(&a).await.state, "changed");
    c.holds_nothing_of(&gone);
    c.check_hub().await;
    assert_eq!(c.names().await.len(), 40);
    b.holds(&PLANTED);
    a.pull(&c).await;
    let status = a.hub.erasures().await.unwrap();
    assert_eq!((status.len(), status[0].stage), (1, Stage::Deleted));
    let confirmed = |status: &[mutuald::node::erase::status::Erasure]| -> Vec<(String, bool)> {
        status[0].partners.iter().map(|one| (one.hub.clone(), one.confirmed.is_some())).collect()
    };
    assert_eq!(confirmed(&status), [("Hub B".to_owned(), false), ("Hub C".to_owned(), true)]);
    let letter = letter::answer(&a.hub, &status[0]).await.unwrap().to_string();
    let (done, open) = letter.split_once("These have not confirmed yet:").unwrap();
    assert!(done.contains("Hub C, on 22 November 2026") && !done.contains("Hub B"), "{letter}");
    assert!(
        open.contains("Hub B, told since 22 November 2026") && letter.contains("Articles 12, 17 and 19"),
        "{letter}"
    );

    for hub in [&a, &b, &c] {
        hub.clock.advance(SignedDuration::from_hours(24 * 9));
    }
    b.pull(&a).await;
    b.holds_nothing_of(&gone);
    b.check_hub().await;
    a.pull(&b).await;
    a.pull(&c).await;
    let status = a.hub.erasures().await.unwrap();
    assert!(confirmed(&status).iter().all(|(_, confirmed)| *confirmed));
    assert!(!status[0].open());
    // Confirmed once is confirmed: nobody says it again and again.
    let said = || async { a.hub.digest().await.unwrap().logs };
    for _ in 0..2 {
        b.pull(&a).await;
        a.pull(&b).await;
    }
    let before = said().await;
    a.pull(&b).await;
    assert_eq!(said().await, before);
    for hub in [&a, &b, &c] {
        hub.hub.rebuild().await.unwrap();
        hub.holds_nothing_of(&gone);
        hub.check_hub().await;
    }
}

/// A file that people changed since it was written is theirs: it stays, and they are told.
#[tokio::test]
async fn f34_files_that_people_changed_are_named_and_left() {
    let a = TestHub::new("Hub A", 1).await;
    a.put(&[other(1), (RECORD, planted(""))]).await;
    let file = export(&a, "list.csv").await;
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}my own note\n")).unwrap();
    let mut db = a.hub.store.read().await.unwrap();
    let known = Known::find(&a.hub, &mut db, "qzxvorblat").await.unwrap();
    let plan = erase::plan(&a.hub, &mut db, &known, None, false).await.unwrap();
    drop(db);
    let whats: Vec<&str> = plan.copies.iter().map(|held| held.what.as_str()).collect();
    for expected in ["the entry itself", "the merged group", "the index of the search", "list.csv", "feed"] {
        assert!(whats.iter().any(|what| what.contains(expected)), "{expected}: {whats:#?}");
    }
    let done = plan.commit(&a.hub).await.unwrap();
    assert!(done.left.len() == 1 && done.left[0].contains("list.csv"), "{:?}", done.left);
    assert!(file.exists());
    assert!(a.hub.files_left().await.unwrap()[0].contains("list.csv"));
    std::fs::remove_file(&file).unwrap();
    assert!(a.hub.files_left().await.unwrap().is_empty());
    a.holds_nothing_of(&PLANTED);
}

/// Hubs A, B and C: B follows A, and C reads A's list from B's relay alone, because A does not answer it.
async fn relayed() -> (TestHub, TestHub, TestHub) {
    let (a, b, c) = (TestHub::new("Hub A", 1).await, TestHub::new("Hub B", 2).await, TestHub::new("Hub C", 3).await);
    a.put(&(1..=5).map(other).collect::<Vec<_>>()).await;
    a.put(&[(RECORD, planted(""))]).await;
    for hub in [&b, &c] {
        hub.follow(&a).await;
        a.follow(hub).await;
    }
    c.follow(&b).await;
    b.pull(&a).await;
    c.finds(&a, "http://127.0.0.1:9/").await;
    let outcome = c.pull(&a).await;
    assert!(outcome.ok() && outcome.reason.contains("read from Hub B"), "{outcome:?}");
    c.holds(&PLANTED);
    b.holds(&PLANTED);
    (a, b, c)
}

/// What is served under an address, all of it that a reader of a relayed log asks for.
async fn served(hub: &TestHub, origin: &str, size: u64) -> String {
    let relay = format!("{}relay/{}/", hub.url, hex::encode(Sha256::digest(origin)));
    let mut all = String::new();
    for path in ["checkpoint".to_owned(), format!("part/public/000.p/{size}"), format!("tile/entries/000.p/{size}")] {
        let answer = reqwest::get(format!("{relay}{path}")).await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        all.push_str(&String::from_utf8_lossy(&answer.bytes().await.unwrap()));
    }
    all
}

/// F34 with a relay: A erases while B is away, and C, who reads A from B only, cannot know. B returns: it is clean at its first pull,
/// and C at its own first pull after that, from B. Both confirm, and A sees it. The relay serves nothing of it.
#[tokio::test]
async fn f34_an_erasure_goes_through_a_relay_that_was_away() {
    let (a, b, c) = relayed().await;
    erased(&a.hub, "qzxvorblat", true).await;
    a.holds_nothing_of(&PLANTED);
    assert!(c.pull(&a).await.ok(), "B has nothing newer");
    c.holds(&PLANTED);

    assert_eq!(b.pull(&a).await.state, "changed");
    b.holds_nothing_of(&PLANTED);
    let text = served(&b, "hub-a.example/1", 9).await;
    assert!(!text.to_lowercase().contains(PLANTED[0]) && text.contains("\"erase\""), "{text}");
    let outcome = c.pull(&a).await;
    assert!(outcome.ok() && outcome.reason.contains("read from Hub B"), "{outcome:?}");
    c.holds_nothing_of(&PLANTED);
    for hub in [&b, &c] {
        assert_eq!(hub.names().await.len(), 5);
        hub.check_hub().await;
        a.pull(hub).await;
    }
    let status = a.hub.erasures().await.unwrap();
    assert!(status[0].partners.iter().all(|one| one.confirmed.is_some()), "{status:?}");
    assert!(!status[0].open());
}

/// F36: an erasure in the middle of a first pull, of what was superseded, of what is put again, twice over: whatever the order in
/// which it is read, the end is the same.
#[tokio::test]
async fn f36_erasures_are_idempotent_and_order_does_not_matter() {
    let mut peer = TestPeer::new(7).await;
    peer.put(1, 1, "Qzxvorblat Circle, first words");
    peer.put(2, 1, "Group two");
    peer.put(1, 2, "Qzxvorblat Circle, second words");
    peer.say(1, 3, Body::Erase(Kind::Record, 1, ErasedParts::All)); // of what is superseded already
    peer.say(1, 4, Body::Erase(Kind::Record, 2, ErasedParts::Classes(vec!["public".into()])));
    peer.say(1, 5, Body::Erase(Kind::Record, 2, ErasedParts::All)); // again
    peer.put(1, 6, "Come back with consent");
    peer.say(1, 7, Body::Erase(Kind::Record, 4, ErasedParts::All)); // speaks of earlier revisions only
    peer.say(2, 2, Body::Erase(Kind::Record, 1, ErasedParts::Classes(vec!["contact".into()]))); // another part
    let whole = peer.leaves.len();
    let mut ends = Vec::new();
    for cuts in [vec![whole], (1..=whole).collect(), vec![3, whole], vec![1, 4, 6, whole], vec![5, whole]] {
        let hub = TestHub::with("Reader Hub", 1, |config| config.publish = None).await;
        for (nth, cut) in cuts.iter().enumerate() {
            peer.publish_at(*cut);
            if nth == 0 {
                hub.hub.add_partner(&peer.url, peer.id, None).await.unwrap();
            }
            let partner = hub.hub.partner(&peer.id.to_string()).await.unwrap();
            assert!(hub.hub.pull(&partner, true).await.unwrap().ok());
            hub.check_hub().await;
        }
        hub.holds_nothing_of(&["qzxvorblat"]);
        let mut db = hub.hub.store.read().await.unwrap();
        let lines: Vec<Option<String>> = sqlx::query_scalar("SELECT line FROM leaf WHERE pos >> 40 = 2 ORDER BY pos")
            .fetch_all(&mut *db)
            .await
            .unwrap();
        let digests = store::registry::digests(&mut db).await.unwrap();
        drop(db);
        assert_eq!(hub.names().await, ["Come back with consent", "Group two"], "{cuts:?}");
        ends.push((lines, digests));
    }
    assert!(ends.windows(2).all(|pair| pair[0] == pair[1]), "{ends:#?}");
}

/// F38: with the salt gone there is nothing to guess by. No salt is used twice, each is 128 bits long, and one that went with its
/// line is in no file any more; what stays of the line is its digest.
#[tokio::test]
async fn f38_the_salt_goes_with_the_words_and_no_salt_is_used_twice() {
    let a = TestHub::new("Hub A", 1).await;
    for _ in 0..3 {
        a.put(&(1..=30).map(other).collect::<Vec<_>>()).await;
    }
    a.put(&[(RECORD, planted(""))]).await;
    let feed = a.hub.config.feed();
    let lines: Vec<String> = String::from_utf8(std::fs::read(feed.join("v1/1/part/public/000.p/93")).unwrap())
        .unwrap()
        .lines()
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect();
    let salts: BTreeSet<&str> = lines.iter().map(|line| line.split_once(' ').unwrap().0).collect();
    assert_eq!(salts.len(), lines.len());
    assert!(salts.iter().all(|salt| salt.len() == 22));
    let line = lines.iter().find(|line| line.contains("Qzxvorblat")).unwrap().clone();
    let (salt, digest) = (line.split_once(' ').unwrap().0.to_owned(), part::digest(line.as_bytes()));
    erased(&a.hub, "qzxvorblat", true).await;
    a.holds_nothing_of(&[&salt]);
    // In what is published: digests in leaves; no salt but in lines.
    let mut held = 0;
    for (path, bytes) in all(&feed) {
        let text = String::from_utf8_lossy(&bytes);
        held += usize::from(path.contains("tile/entries") && text.contains(&digest));
        if !path.contains("part/") {
            assert!(salts.iter().all(|salt| !text.contains(salt)), "{path} holds a salt");
        }
    }
    assert!(held > 0, "the leaf still names the digest");
    // The same words put again have another salt, and so another digest.
    a.put(&[(RECORD, planted(""))]).await;
    let mut db = a.hub.store.read().await.unwrap();
    let again: String =
        sqlx::query_scalar("SELECT line FROM leaf ORDER BY pos DESC LIMIT 1").fetch_one(&mut *db).await.unwrap();
    assert_eq!(part::json(&again), part::json(&line));
    assert_ne!(part::digest(again.as_bytes()), digest);
}

/// Pain 8: what a hub took over into a list of its own is its own word, and no other hub can erase it. Its people are told.
#[tokio::test]
async fn pain_8_an_entry_that_was_taken_over_is_pointed_out() {
    let mut scene = Scene::new(2).await;
    let taken_over = serde_json::json!({
        "name": "Group number 1", "place": {"locality": "Southend"},
        "sightings": [{"observed_by": scene.peer.id, "record": Uuid::from_u128(1)}],
    });
    scene.hub.put(&[(RECORD, Group::read(&taken_over.to_string()).unwrap())]).await;
    scene.peer.say(1, 2, Body::Erase(Kind::Record, 1, ErasedParts::All));
    scene.peer.publish();
    scene.pull().await;
    let status = scene.hub.hub.erasures().await.unwrap();
    assert_eq!((status[0].repeated_here.as_slice(), status[0].open()), (&[RECORD][..], true));
    erased(&scene.hub.hub, "group number 1", true).await;
    assert_eq!(scene.names().await, ["Group number 2"]);
    assert!(scene.hub.hub.erasures().await.unwrap().iter().all(|row| row.repeated_here.is_empty()));
    scene.heals().await;
}

/// F40: a partner confirms, and goes on passing the words on. A look at it finds them, and it is flagged, in the status and in
/// the letter; before it confirmed it was merely late. When it serves them no more, the flag goes.
#[tokio::test]
async fn f40_a_partner_that_confirmed_and_still_serves_it_is_found() {
    let hub = TestHub::new("Hub A", 1).await;
    hub.put(&[other(1), (RECORD, planted(""))]).await;
    let mut peer = TestPeer::new(7).await;
    peer.put(1, 1, "Their own group");
    peer.publish();
    hub.hub.add_partner(&peer.url, peer.id, None).await.unwrap();
    let partner = || async { hub.hub.partner(&peer.id.to_string()).await.unwrap() };
    let looked = hub.hub.look_at(&partner().await).await.unwrap();
    assert!(!looked.relays);

    // It passes our list on, as it was.
    let feed = hub.hub.config.feed();
    let size: u64 = 4;
    let lines = std::fs::read(feed.join(format!("v1/1/part/public/000.p/{size}"))).unwrap();
    let note = std::fs::read(feed.join("v1/1/checkpoint")).unwrap();
    let relay = format!("/relay/{}/", hex::encode(Sha256::digest("hub-a.example/1")));
    let (note, old) = (note.clone(), lines.clone());
    peer.fault(&format!("{relay}checkpoint"), move |_, _| {
        Reply::whole(note.clone()).header("content-length", note.len())
    });
    peer.fault(&format!("{relay}part/public/000.p/{size}"), move |_, _| {
        Reply::whole(old.clone()).header("content-length", old.len())
    });
    erased(&hub.hub, "qzxvorblat", true).await;
    let number = hub.hub.erasures().await.unwrap()[0].number;
    let looked = hub.hub.look_at(&partner().await).await.unwrap();
    assert_eq!((looked.relays, looked.still_served, looked.not_yet), (true, vec![], vec![number]), "late, no more");

    let ack = Body::Ack { origin: "hub-a.example/1".into(), size: 5, erased: 1 };
    let mut peer = peer;
    peer.say(77, 1, ack);
    peer.publish();
    hub.hub.pull(&hub.hub.partner(&peer.id.to_string()).await.unwrap(), false).await.unwrap();
    assert!(hub.hub.erasures().await.unwrap()[0].partners[0].confirmed.is_some());
    let row = hub.hub.partner(&peer.id.to_string()).await.unwrap();
    let looked = hub.hub.look_at(&row).await.unwrap();
    assert_eq!(looked.still_served, [number]);
    let status = hub.hub.erasures().await.unwrap();
    assert!(status[0].partners[0].still_serves.is_some() && status[0].open());
    let letter = letter::answer(&hub.hub, &status[0]).await.unwrap().to_string();
    assert!(letter.contains("we found that they still publish it"), "{letter}");

    peer.well();
    let looked = hub.hub.look_at(&row).await.unwrap();
    assert!(looked.still_served.is_empty());
    assert!(!hub.hub.erasures().await.unwrap()[0].open());
    hub.check_hub().await;
}

/// Pain 5 (nobody knows whom to tell): somebody asks us to remove another hub's entry. It goes here at once and stays away,
/// whatever its hub says next; the request to that hub is written, with its contact; its own erasure takes the request's place.
#[tokio::test]
async fn pain_5_a_request_about_another_hubs_entry_is_obeyed_here_and_passed_on() {
    let mut scene = Scene::new(3).await;
    scene.peer.put(9, 1, "Qzxvorblat Circle");
    scene.peer.publish();
    scene.pull().await;
    let hub = &scene.hub.hub;
    let mut db = hub.store.read().await.unwrap();
    let known = Known::find(hub, &mut db, "qzxvorblat").await.unwrap();
    let plan = erase::plan(hub, &mut db, &known, None, false).await.unwrap();
    let requests = plan.requests(hub, &mut db).await.unwrap();
    drop(db);
    assert!(
        requests[0].to.starts_with("Peer 7") && requests[0].body.contains(&Uuid::from_u128(9).to_string()),
        "{requests:?}"
    );
    assert!(!requests[0].to_string().to_lowercase().contains("qzxvorblat"), "no word of it in the request");
    let done = plan.commit(hub).await.unwrap();
    assert_eq!((done.own, done.asked), (0, 1));
    scene.hub.holds_nothing_of(&["qzxvorblat"]);
    assert_eq!(scene.names().await.len(), 3);
    // Its hub changes the entry, as hubs do: that is no new consent of whoever asked.
    scene.peer.put(9, 2, "Qzxvorblat Circle, moved");
    scene.peer.publish();
    scene.pull().await;
    scene.hub.holds_nothing_of(&["qzxvorblat"]);
    scene.hub.check_hub().await;
    let status = hub.erasures().await.unwrap();
    assert_eq!((status[0].obeyed_by_its_hub, status[0].open()), (Some(false), true));
    // Removed and added again: it does not come back.
    hub.remove_partner(&scene.partner().await).await.unwrap();
    hub.add_partner(&scene.peer.url, scene.peer.id, None).await.unwrap();
    scene.pull().await;
    assert_eq!(scene.names().await.len(), 3);
    scene.hub.holds_nothing_of(&["qzxvorblat"]);
    // A request that was a mistake is taken back.
    let mut db = hub.store.read().await.unwrap();
    let rows = store::erase::after(&mut db, 0).await.unwrap();
    drop(db);
    hub.take_back(rows.last().unwrap()).await.unwrap();
    scene.hub.clock.advance(SignedDuration::from_hours(1));
    scene.pull().await;
    assert_eq!(scene.names().await.len(), 4);
    // And asked for again; then its own hub erases it, and a later put of it is a new consent.
    erased(hub, "qzxvorblat", false).await;
    scene.peer.say(9, 3, Body::Erase(Kind::Record, 2, ErasedParts::All));
    scene.peer.publish();
    scene.pull().await;
    let status = hub.erasures().await.unwrap();
    assert!(status.iter().filter_map(|row| row.obeyed_by_its_hub).all(|obeyed| obeyed));
    scene.peer.put(9, 4, "Come back with consent");
    scene.peer.publish();
    scene.pull().await;
    assert!(scene.names().await.contains(&"Come back with consent".to_owned()));
    scene.hub.check_hub().await;
    scene.heals().await;
}

/// Pain 10 (groups do not want listing): by plain commands, with a trial first; and importing the old spreadsheet again does not
/// bring it back, nor does the answer of an earlier import.
#[test]
fn pain_10_do_not_list_survives_the_old_spreadsheet() {
    let desk = Desk::new("Essex Hub");
    desk.fill(
        "groups.csv",
        &[
            &[("Group name", "Qzxvorblat Circle"), ("Telephone", "01632 960777"), ("Town or village", "Southend")],
            &[("Group name", "Sherwood Stroke Choir"), ("Town or village", "Nottingham")],
        ],
    );
    let import =
        |report: &str| desk.run(&["import", "groups.csv", "--list", "Website", "--report", report, "--commit"]);
    import("answer.csv").ended(0);
    desk.run(&["export", "all.xlsx"]).ended(0);
    desk.run(&["backup", "make"]).ended(0);
    let trial = desk.run(&["erase", "qzxvorblat"]).ended(0);
    for words in
        ["Nothing was changed", "the entry itself", "all.xlsx", "answer.csv", "mutuald-", "It cannot be undone"]
    {
        assert!(trial.contains(words), "{words}: {trial}");
    }
    assert!(desk.run(&["group", "list"]).ended(0).contains("Qzxvorblat"));
    let done = desk.run(&["erase", "qzxvorblat", "--commit", "--json"]).json(3);
    assert_eq!(done["done"]["own"], 1);
    let left = done["done"]["left"].to_string();
    assert!(left.contains("answer.csv") && !left.contains("all.xlsx"), "a file that people work in is named: {left}");
    std::fs::remove_file(desk.file("answer.csv")).unwrap();
    assert!(!desk.file("all.xlsx").exists());
    let state = desk.file("mutuald-state");
    assert_eq!(audit(&[&state], &["qzxvorblat", "01632 960777"]), [""; 0]);

    let again = desk.run(&["import", "groups.csv", "--list", "Website", "--commit", "--json"]);
    assert!(again.out.contains("taken_back"), "{}", again.out);
    assert!(!desk.run(&["group", "list"]).ended(0).contains("Qzxvorblat"));
    assert_eq!(audit(&[&state], &["qzxvorblat", "01632 960777"]), [""; 0]);
    desk.run(&["registry", "check"]).ended(0);
    let status = desk.run(&["erasure", "status", "--json"]).json(0);
    assert_eq!(status["erasures"][0]["how"], "issued");
    let number = status["erasures"][0]["number"].to_string();
    let letter = desk.run(&["erasure", "letter", &number]).ended(0);
    assert!(letter.contains("we deleted the entry") && !letter.contains("Qzxvorblat"), "{letter}");
    desk.run(&["erasure", "letter", "77"]).failed(2);
    desk.run(&["erasure", "take-back", &number]).failed(2);
}

/// A person's name in what only this hub keeps: found, and taken out, with a trial first; entries are named and left to people.
#[test]
fn pain_10_a_persons_name_is_found_and_taken_out() {
    let desk = Desk::new("Essex Hub");
    let fill = |words: &str| {
        let row = [
            ("Group name", "Stroke Choir"),
            ("Town or village", "Southend"),
            ("About the group (its own words)", words),
        ];
        desk.fill("g.csv", &[&row]);
        desk.run(&["import", "g.csv", "--list", "Website", "--commit"]);
    };
    fill("Ask for Zebedeequux, who knows.");
    let found = desk.run(&["erase", "--person", "Zebedeequux"]).ended(3);
    assert!(found.contains("group edit"), "{found}");
    fill("Ask at the door.");
    let found = desk.run(&["erase", "--person", "zebedeequux", "--json"]).json(0);
    assert_eq!(found["entries"].as_array().unwrap().len(), 0, "{found}");
    assert!(!found["here"].as_array().unwrap().is_empty(), "an earlier version is still here: {found}");
    assert!(!audit(&[&desk.file("mutuald-state")], &["zebedeequux"]).is_empty() || !can_audit());
    desk.run(&["erase", "--person", "Zebedeequux", "--commit"]).ended(0);
    assert_eq!(audit(&[&desk.file("mutuald-state")], &["zebedeequux"]), [""; 0]);
    assert!(desk.run(&["erase", "--person", "Zebedeequux"]).ended(0).contains("nowhere"));
}

/// The scan finds what is planted, however it is packed; without that its silence would mean nothing.
#[test]
fn f34_the_byte_scan_finds_what_is_planted() {
    if !can_audit() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let plant = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    let text = "…so call 01632 960777 or ask for QZXVORBLAT…";
    let mut coder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut coder, text.as_bytes()).unwrap();
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    plant("plain.log", text.as_bytes());
    plant("packed.gz", &coder.finish().unwrap());
    plant("packed.zst", &zstd::bulk::compress(text.as_bytes(), 3).unwrap());
    plant("wide.txt", &utf16);
    plant("number.csv", b"a;01632960777;b;qzxvorblat");
    plant("qzxvorblat-01632 960777.txt", b"");
    plant("innocent.txt", b"nothing of the kind");
    let mut book = rust_xlsxwriter::Workbook::new();
    book.add_worksheet().write(0, 0, text).unwrap();
    book.save(folder.path().join("book.xlsx")).unwrap();
    let db = rusqlite::Connection::open(folder.path().join("index.db")).unwrap();
    db.execute_batch(
        "CREATE VIRTUAL TABLE search USING fts5 (name, content = '', tokenize = 'porter unicode61');
         INSERT INTO search (rowid, name) VALUES (1, 'Qzxvorblat');",
    )
    .unwrap();
    drop(db);
    let found = audit(&[folder.path()], &["Qzxvorblat", "01632 960777"]);
    for file in ["plain.log", "packed.gz", "packed.zst", "wide.txt", "number.csv", "qzxvorblat-", "book.xlsx"] {
        for value in ["value 1:", "value 2:"] {
            assert!(
                found.iter().any(|line| line.starts_with(value) && line.contains(file)),
                "{value} {file}: {found:#?}"
            );
        }
    }
    assert!(found.iter().any(|line| line.contains("a word of the index")), "{found:#?}");
    assert!(!found.iter().any(|line| line.contains("innocent")));
    assert!(!found.join("\n").contains("01632 960777 "), "no value is printed but in a file's own name");
    assert_eq!(audit(&[Path::new(folder.path())], &["qnothingofthekind"]), [""; 0]);
}

/// F34: the index of the search keeps, for each of its pages, the beginning of the page's first word, and may keep it after the
/// word is gone. The clean-up finds such remnants and makes the index again.
#[tokio::test]
async fn f34_the_index_keeps_no_beginning_of_a_word_that_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let store = store::Store::open(&folder.path().join("a.db"), true).await.unwrap();
    let mut db = store.write().await.unwrap();
    for n in 0..6_000 {
        sqlx::query("INSERT INTO search (rowid, name, words, topics, place, facets) VALUES (?, ?, '', '', '', '')")
            .bind(n)
            .bind(format!("qzxmember{:08}", n * 7919 % 100_000_000))
            .execute(&mut *db)
            .await
            .unwrap();
    }
    sqlx::query("INSERT INTO search (search) VALUES ('optimize')").execute(&mut *db).await.unwrap();
    let keys = "SELECT substr(CAST(term AS TEXT), 2) FROM search_idx WHERE length(term) > 1 ORDER BY length(term) DESC";
    let before: Vec<String> = sqlx::query_scalar(keys).fetch_all(&mut *db).await.unwrap();
    let word = before.first().unwrap().clone();
    assert!(word.len() > 10, "a whole word, but for its end: {word}");
    sqlx::query("DELETE FROM search WHERE name LIKE ? || '%'").bind(&word).execute(&mut *db).await.unwrap();
    db.commit().await.unwrap();
    let mut db = store.write().await.unwrap();
    let after: Vec<String> = sqlx::query_scalar(keys).fetch_all(&mut *db).await.unwrap();
    assert!(after.contains(&word), "SQLite itself keeps it; when it no longer does, this test may go");
    store::erase::mark_scrub(&mut db).await.unwrap();
    store::scrub::index(&mut db).await.unwrap();
    let after: Vec<String> = sqlx::query_scalar(keys).fetch_all(&mut *db).await.unwrap();
    assert!(!after.contains(&word));
    let found: i64 = sqlx::query_scalar("SELECT count(*) FROM search").fetch_one(&mut *db).await.unwrap();
    assert!(found > 5_900, "everything else is found as before");
    db.commit().await.unwrap();
    store.close().await;
}

/// As long as somebody reads, deleted words may stand in the write-ahead log: that is said, nobody is told that it is done, and it is
/// done as soon as it can be.
#[tokio::test]
async fn f34_nothing_is_confirmed_while_a_reader_holds_the_log() {
    let mut scene = Scene::new(3).await;
    scene.peer.put(9, 1, "Qzxvorblat Circle");
    scene.peer.publish();
    scene.pull().await;
    scene.peer.say(9, 2, Body::Erase(Kind::Record, 1, ErasedParts::All));
    scene.peer.publish();
    let hub = &scene.hub.hub;
    let mut reader = hub.store.read().await.unwrap();
    sqlx::query("BEGIN").execute(&mut *reader).await.unwrap();
    let _: i64 = sqlx::query_scalar("SELECT count(*) FROM leaf").fetch_one(&mut *reader).await.unwrap();
    scene.pull().await;
    let acked = || async {
        let mut db = hub.store.read().await.unwrap();
        store::ack::of(&mut db, "peer-7.example/1").await.unwrap().len()
    };
    assert_eq!(acked().await, 0);
    assert!(hub.files_left().await.unwrap()[0].contains("write-ahead log"));
    sqlx::query("ROLLBACK").execute(&mut *reader).await.unwrap();
    drop(reader);
    assert!(hub.sweep().await.unwrap().is_empty());
    assert_eq!(acked().await, 1);
    scene.hub.holds_nothing_of(&["qzxvorblat"]);
    scene.heals().await;
}
