//! F22: one rule for every signature.

use crate::support::peer::TestPeer;
use crate::support::scene::Scene;
use mutuald::feed::hub;
use mutuald::feed::note::{Note, VerifyKey};
use std::path::Path;

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/attacks/f22");
    std::fs::read(folder.join(name)).unwrap()
}

/// F22: signatures on the edges where libraries differ are void, each of them, and the honest one beside them stands.
#[tokio::test]
async fn f22_edges_of_ed25519_are_void() {
    let peer = TestPeer::new(22).await;
    let mut scene = Scene::of(peer, |_| {}).await;
    let edges = [
        "large-s.leaf",
        "small-r-identity.leaf",
        "small-r-order-2.leaf",
        "small-r-order-8.leaf",
        "odd-r-encoding.leaf",
        "mixed-r.leaf",
    ];
    // Each withdraws a record that was put before; only the honest one may.
    for n in 1..=7 {
        scene.peer.put(n, 1, &format!("Group number {n}"));
    }
    scene.peer.push(fixture("honest.leaf"), "");
    for edge in edges {
        scene.peer.push(fixture(edge), "");
    }
    scene.peer.publish();
    let outcome = scene.pull().await;
    assert_eq!(outcome.state, "changed");
    assert_eq!(outcome.pulled.unwrap().void, [("signature-invalid", edges.len() as u64)].into());
    assert_eq!(scene.state_of(1).await.as_deref(), Some("withdrawn"), "the fixtures are made with the right key");
    assert_eq!(scene.names().await.len(), 6);
    scene.hub.check_hub().await;
    scene.heals().await;
}

/// F22: a key with a part of small order verifies nothing that only a lenient equation would take.
#[test]
fn f22_a_key_of_mixed_order_makes_no_difference() {
    let key = VerifyKey::parse(std::str::from_utf8(&fixture("mixed-a.vkey")).unwrap()).unwrap();
    let note = fixture("mixed-a.note");
    let met = Note::parse(&note).unwrap().verify(&key);
    assert_eq!(met.unwrap_err().code(), "signature-invalid");
}

/// F22: a key of small order is no key: not by itself, not as a hub's log key, not as its root key.
#[tokio::test]
async fn f22_weak_keys_are_no_keys() {
    let weak = String::from_utf8(fixture("weak.vkeys")).unwrap();
    assert_eq!(weak.lines().count(), 10);
    for vkey in weak.lines() {
        assert!(VerifyKey::parse(vkey).is_err(), "{vkey}");
        let log = TestPeer::with(22, |document| document.logs[0].vkey = vkey.to_owned()).await;
        assert_eq!(hub::open(log.document.as_bytes(), None).unwrap_err().code(), "hub-body");
        let root = TestPeer::with(22, |document| document.root.vkeys.insert(0, vkey.to_owned())).await;
        assert_eq!(hub::open(root.document.as_bytes(), None).unwrap_err().code(), "hub-body");
    }
}
