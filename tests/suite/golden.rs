//! Frozen feeds verify for ever: one by another implementation, and one by each version of this program.

use crate::support::feed::{self, all, audited, repository};
use crate::support::hub::{NOW, group, serve};
use crate::support::{Says, TestHub};
use mutuald::feed::hub::{self as hub_document, HubDocument};
use mutuald::feed::note::{ED25519, LogKeys, Note, SigningKey};
use mutuald::feed::{Checkpoint, leaf, tile};
use mutuald::peer::audit::{Freshness, Source, audit};
use mutuald::peer::client::Client;
use mutuald::record::{HubId, Statement};
use serde_json::Value;
use std::path::PathBuf;
use uuid::Uuid;

const PYTHON: &str = "schema/vectors/golden-python";
/// By version 0.1.0 of this program.
const OWN: &str = "schema/vectors/golden-0.1.0";
/// An hour after the Python feed was last confirmed.
const THEN: &str = "2026-08-06T16:04:00Z";

fn facts() -> Value {
    serde_json::from_slice(&std::fs::read(repository(PYTHON).join("facts.json")).unwrap()).unwrap()
}

fn hub_of(facts: &Value) -> HubId {
    facts["hub"].as_str().unwrap().parse().unwrap()
}

fn secret(hex: &Value) -> [u8; 32] {
    let text = hex.as_str().unwrap();
    std::array::from_fn(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap())
}

/// Serves a folder on a free loopback port until the test ends.
async fn served(folder: PathBuf) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let router = axum::Router::new().fallback(move |uri: axum::http::Uri| serve(folder.clone(), uri));
        axum::serve(listener, router).await.unwrap();
    });
    url
}

#[tokio::test]
async fn the_feed_of_another_implementation_is_sound() {
    let facts = facts();
    let found = audited(&repository(PYTHON), hub_of(&facts)).await.unwrap();
    assert!(found.sound(), "{found}");
    assert_eq!((found.size, found.looked_at), (313, 313));
    assert_eq!((facts["root"].as_str().unwrap(), facts["cosigned"].as_u64().unwrap()), (&*found.root, found.signed));
    assert!(found.void.is_empty() && found.withheld.is_empty() && found.parts_absent == 0);
    let kinds: Vec<(&str, u64)> = found.leaves.iter().map(|(kind, count)| (kind.as_str(), *count)).collect();
    let expected = [
        ("choose put", 3),
        ("hub put", 1),
        ("link put", 2),
        ("list put", 2),
        ("record affirm", 1),
        ("record put", 303),
        ("record withdraw", 1),
    ];
    assert_eq!(kinds, expected);
    // 305 lines were written; those of groups 18 and 19 were blanked when the first bundle had filled.
    assert_eq!(found.lines, 303);
    let at = |time: &str| found.freshness(time.parse().unwrap());
    assert_eq!(at(THEN), Freshness::Fresh);
    assert_eq!(at("2026-08-06T14:50:00Z"), Freshness::Ahead);
    assert_eq!(at("2026-08-10T15:04:00Z"), Freshness::Stale);
    assert_eq!(at("2028-08-06T00:00:00Z"), Freshness::Expired);
}

#[tokio::test]
async fn it_reads_the_same_over_http_and_without_its_words() {
    let facts = facts();
    let url = served(repository(PYTHON)).await;
    let client = Client::new(&Default::default(), true, None).unwrap();
    let source = Source::Url(client, url.parse().unwrap());
    let progress = std::cell::RefCell::new(Vec::new());
    let there = audit(&source, Some(hub_of(&facts)), |done, of| progress.borrow_mut().push((done, of))).await.unwrap();
    assert_eq!(there, audited(&repository(PYTHON), hub_of(&facts)).await.unwrap());
    assert_eq!(*progress.borrow(), [(256, 313), (313, 313)]);

    let copy = tempfile::tempdir().unwrap();
    let mut files = all(&repository(PYTHON));
    files.retain(|path, _| !path.contains("/part/"));
    feed::write(&files, copy.path());
    let without = audited(copy.path(), hub_of(&facts)).await.unwrap();
    assert!(without.sound(), "{without}");
    assert_eq!((without.parts_absent, without.lines, without.withheld.len()), (2, 0, 0));
}

#[test]
fn the_same_keys_sign_the_same_bytes_here() {
    let (facts, files) = (facts(), all(&repository(PYTHON)));
    let keys = LogKeys::from_seed(facts["origin"].as_str().unwrap(), &secret(&facts["log_seed_hex"]));
    assert_eq!(keys.log.public().to_string(), facts["log_vkey"].as_str().unwrap());
    assert_eq!(keys.peer.public().to_string(), facts["peer_vkey"].as_str().unwrap());

    let signed = &files["hub/1"];
    let text = Note::parse(signed).unwrap().text;
    let json = text.strip_prefix(hub_document::HEADER).unwrap();
    let document: HubDocument = serde_json::from_str(json).unwrap();
    let root = SigningKey::new("nottingham-root-a", ED25519, &secret(&facts["root_secrets_hex"]["nottingham-root-a"]));
    assert_eq!(document.sign(&[&root]).as_bytes(), signed);

    let note = &files["v1/1/checkpoint"];
    let checkpoint = Checkpoint::open(note, keys.log.public(), keys.peer.public()).unwrap();
    assert_eq!(checkpoint.sign(&keys).as_bytes(), note);

    for (bundle, width) in [("v1/1/tile/entries/000", 256), ("v1/1/tile/entries/001.p/57", 57)] {
        for note in tile::read_entries(&files[bundle], width).unwrap() {
            let statement = Statement::read(Note::parse(note).unwrap().text.as_bytes()).unwrap();
            let ours = leaf::sign(&statement, &keys.log).unwrap();
            assert_eq!(String::from_utf8_lossy(&ours), String::from_utf8_lossy(note));
        }
    }
}

#[tokio::test]
async fn a_hub_takes_it_in() {
    let url = served(repository(PYTHON)).await;
    let reader = TestHub::new("Reader", 41).await;
    reader.clock.set(THEN.parse().unwrap());
    reader.hub.refresh().await.unwrap();
    let id = hub_of(&facts());
    assert_eq!(reader.hub.add_partner(&url, id, None).await.unwrap(), "Self Help Nottingham (golden example)");
    let partner = reader.hub.partner(&id.to_string()).await.unwrap();
    let outcome = reader.hub.pull(&partner, false).await.unwrap();
    assert_eq!(outcome.state, "changed", "{}", outcome.reason);
    let pulled = outcome.pulled.unwrap();
    assert_eq!((pulled.new, pulled.withheld, pulled.void.len()), (313, 0, 0));
    // 300 rows and the hub's own one; one was withdrawn; the own one and its row are one group.
    assert_eq!(reader.hub.digest().await.unwrap().groups, 299);
    reader.check_hub().await;
}

/// Every type and operation this version signs, in one bundle, from a fixed clock and seed.
async fn own_feed() -> (TestHub, feed::Files) {
    let hub = TestHub::new("Sneinton", 71).await;
    let id = |n: u128| Uuid::from_u128(0x4000_8000_0000_0000_0000 + n);
    let groups: Vec<_> =
        (1..=5).map(|n| (id(n), group(&format!("Circle {n}"), "Sneinton", &format!("01632 96000{n}")))).collect();
    hub.put(&groups).await;
    hub.clock.set("2026-11-23T09:00:00Z".parse().unwrap());
    hub.put(&[(id(2), group("Circle of Two", "Sneinton", "01632 960002"))]).await;
    hub.affirm(id(3), 2).await;
    hub.withdraw(id(4), 2).await;
    hub.link(id(11), 1, id(1), id(5)).await;
    hub.choose(id(12), 1, id(1), id(5)).await;
    let files = feed::current(&hub.hub.config.feed());
    (hub, files)
}

/// `BLESS=1` writes it where there is none yet. A frozen feed is never written again: when the bytes that a seed gives change
/// (another random generator, say), freeze another beside it under the new version, and go on auditing this one.
#[tokio::test]
async fn this_versions_own_feed_stays_as_it_is() {
    let (hub, made) = own_feed().await;
    let folder = repository(OWN);
    if std::env::var_os("BLESS").is_some() && !folder.exists() {
        feed::write(&made, &folder);
    }
    let frozen = all(&folder);
    assert_eq!(made.keys().collect::<Vec<_>>(), frozen.keys().collect::<Vec<_>>());
    for (path, bytes) in &frozen {
        assert!(made[path] == *bytes, "{path} is no longer written as it was");
    }
    hub.check_hub().await;
}

#[tokio::test]
async fn this_versions_own_feed_verifies_for_ever() {
    let id: HubId = OWN_HUB.parse().unwrap();
    let found = audited(&repository(OWN), id).await.unwrap();
    assert!(found.sound(), "{found}");
    assert_eq!((found.size, found.lines), (12, 7));
    assert!(found.void.is_empty() && found.withheld.is_empty() && found.parts_absent == 0);
    assert!(NOW.parse::<jiff::Timestamp>().unwrap().as_second() < found.signed as i64);
}

/// The hub of [`OWN`]: the hash of its document's text.
const OWN_HUB: &str = "h-vbqmka34rf7hrvnxkbnbh4fon6d3g4fj";
