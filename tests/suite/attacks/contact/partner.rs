//! Partners whose contact parts are not as they should be: what a reader makes of them.

use super::*;

/// A scripted partner with one record that names a contact part.
pub(super) struct Peer {
    pub(super) scene: Scene,
    pub(super) public: String,
    pub(super) contact: String,
}

impl Peer {
    pub(super) async fn new() -> Peer {
        let mut peer = TestPeer::new(31).await;
        let (public, contact) = (
            peer.line(1, 1, "Group number 1"),
            part::line([9; 16], r#"{"contacts":[{"role":"enquiries","phone":"07700 900987"}]}"#),
        );
        let parts = BTreeMap::from([
            (part::PUBLIC.to_owned(), part::digest(public.as_bytes())),
            (CONTACT.to_owned(), part::digest(contact.as_bytes())),
        ]);
        let statement = Statement { parts, ..peer.statement(1, 1, Body::Put(Kind::Record), &public) };
        peer.sign(&statement.text().unwrap(), &public);
        peer.put(2, 1, "Group number 2");
        peer.publish();
        let scene = Scene::of(peer, |_| {}).await;
        Peer { scene, public, contact }
    }

    /// The lines that the hub holds of it.
    pub(super) async fn held(&self) -> Vec<String> {
        lines(&self.scene.hub, self.scene.partner().await.hub).await
    }

    pub(super) fn serves(&self, lines: [&str; 2]) {
        let body = format!("{}\n{}\n", lines[0], lines[1]);
        self.scene.peer.well();
        self.scene
            .peer
            .fault("part/contact/000.p/2", move |_, _| Reply::whole(body.clone()).header("content-length", body.len()));
    }
}

#[tokio::test]
async fn f17_lines_of_one_class_are_nothing_in_another() {
    let peer = Peer::new().await;
    assert_eq!(peer.held().await, [""; 0], "it serves no contacts yet");
    // The public line in the contact bundle, and one that nobody signed.
    for wrong in [peer.public.clone(), peer.contact.replace("900987", "900988")] {
        peer.serves([&wrong, ""]);
        let outcome = peer.scene.pull().await;
        assert!(outcome.ok(), "{outcome:?}");
        assert_eq!(outcome.contacts.unwrap().wrong, 1);
        assert_eq!(peer.held().await, [""; 0]);
    }
    // A contact line at a leaf that names none.
    peer.serves(["", &peer.contact]);
    assert_eq!(peer.scene.pull().await.contacts.unwrap().not_for_us, 1);
    assert_eq!(peer.held().await, [""; 0]);
    peer.serves([&peer.contact, ""]);
    assert_eq!(peer.scene.pull().await.contacts.unwrap().came, 1);
    assert_eq!(peer.held().await, std::slice::from_ref(&peer.contact));
    assert!(peer.scene.pull().await.contacts.is_none(), "what is held is not asked for");
    peer.scene.hub.check_hub().await;

    // The contact line in the public bundle: withheld words, and no contact in a public place.
    let mut scene = Scene::new(1).await;
    let contact = peer.contact.clone();
    scene.peer.put(2, 1, "Group number 2");
    scene.peer.lines[1] = contact;
    scene.peer.publish();
    let outcome = scene.pull().await;
    assert_eq!(outcome.pulled.unwrap().withheld, 1);
    assert_eq!(scene.line_at(1).await, None);
    scene.hub.check_hub().await;
}

/// What is newer than this program: an unknown class, an unknown member that is critical, another path.
#[tokio::test]
async fn f49_what_is_newer_is_kept_and_has_no_effect() {
    let mut peer = TestPeer::new(33).await;
    let line = peer.line(1, 1, "Group number 1");
    let mut statement = peer.statement(1, 1, Body::Put(Kind::Record), &line);
    statement.parts.insert("x7".into(), part::digest(b"something else"));
    peer.sign(&statement.text().unwrap(), &line);
    let text = peer.statement(2, 1, Body::Put(Kind::Record), "").text().unwrap();
    peer.sign(&text.replace("\"op\":\"put\"", "\"op\":\"put\",\"seal\":1,\"crit\":[\"seal\"]"), "");
    peer.sign(&text.replace("groups-feed/v1 record", "groups-feed/v1 weather"), "");
    peer.publish();
    let mut scene = Scene::of(peer, |_| {}).await;
    assert_eq!(scene.names().await, ["Group number 1"]);
    assert!(scene.pull().await.contacts.is_none(), "a class that nobody knows is not asked for");
    scene.heals().await;
    let nottingham = TestHub::sharing("Nottingham", 290).await;
    for path in ["v2/1/checkpoint", "v2/1/part/contact/000", "v1/1/part/x7/000.p/2"] {
        assert_eq!(get(&format!("{}{path}", nottingham.url), &[]).await.status, 404, "{path}");
    }
}

/// Something that can never be read, in every class, for ever: the rest flows, and it is said when it comes.
#[tokio::test]
async fn f50_a_poison_record_stops_nothing_and_is_said_once() {
    let mut peer = Peer::new().await;
    let broken = part::line([3; 16], r#"{"name":4}"#);
    let statement = peer.scene.peer.statement(3, 1, Body::Put(Kind::Record), &broken);
    peer.scene.peer.sign(&statement.text().unwrap(), &broken);
    peer.scene.peer.push("groups-feed/v1 record\n{}\n\n— nobody AAAA\n".as_bytes(), "");
    let restricted = part::line([4; 16], r#"{"contacts":"none"}"#);
    let public = peer.scene.peer.line(4, 1, "Group number 4");
    let parts = [(part::PUBLIC, &public), (CONTACT, &restricted)];
    let parts = parts.map(|(class, line)| (class.to_owned(), part::digest(line.as_bytes()))).into();
    let statement = Statement { parts, ..peer.scene.peer.statement(4, 1, Body::Put(Kind::Record), &public) };
    peer.scene.peer.sign(&statement.text().unwrap(), &public);
    peer.scene.peer.publish();
    let (contact, poison) = (peer.contact.clone(), restricted.clone());
    let mut said = Vec::new();
    for round in 0..4u64 {
        let width = peer.scene.peer.leaves.len();
        let body = format!("{contact}\n\n\n\n{poison}\n{}", "\n".repeat(width - 5));
        peer.scene.peer.fault(&format!("part/contact/000.p/{width}"), move |_, _| {
            Reply::whole(body.clone()).header("content-length", body.len())
        });
        let outcome = peer.scene.pull().await;
        assert!(outcome.ok(), "{outcome:?}");
        said.push(outcome.reason.contains("say nothing"));
        // Others flow, whatever stands beside them.
        let n = u128::from(100 + round);
        peer.scene.peer.put(n, 1, &format!("Group number {n}"));
        peer.scene.peer.publish();
        peer.scene.pull().await;
        assert_eq!(peer.scene.state_of(n).await.as_deref(), Some("live"));
    }
    assert_eq!(said, [true, false, false, false], "alerted once");
    assert_eq!(peer.scene.state_of(3).await.as_deref(), Some("unreadable:part-member"));
    assert!(peer.held().await.contains(&contact));
    let record = mutuald::record::RecordRef { hub: peer.scene.peer.id, rec: Uuid::from_u128(4) };
    let mut db = peer.scene.hub.hub.store.read().await.unwrap();
    let partner = peer.scene.partner().await.hub;
    let shown = mutuald::node::contacts::shown(&mut db, &[(partner, record.hub, record.rec)]).await.unwrap();
    assert_eq!(shown, [], "what cannot be read is not shown");
    drop(db);
    peer.scene.hub.check_hub().await;
}
