use super::*;
use crate::feed::note::ED25519;

fn keys() -> (SigningKey, LogKeys) {
    (SigningKey::new("root-a", ED25519, &[1; 32]), LogKeys::from_seed("feed.example/1", &[2; 32]))
}

fn document() -> HubDocument {
    let (root, keys) = keys();
    HubDocument::first("Example Hub", "CC-BY-4.0", &root, &keys, "../v1/1/", "2027-08-21".parse().unwrap())
}

#[test]
fn a_document_is_its_hubs_own_or_nothing() {
    let (root, _) = keys();
    let note = document().sign(&[&root]);
    let hub = open(note.as_bytes(), None).unwrap();
    assert_eq!(hub.id, id_of(&document().text()));
    assert!(open(note.as_bytes(), Some(hub.id)).is_ok());
    assert_eq!(open(note.as_bytes(), Some(HubId([0; 20]))).unwrap_err().code(), "hub-identity");
    for bit in 0..note.len() * 8 {
        let mut flipped = note.clone().into_bytes();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(open(&flipped, Some(hub.id)).is_err(), "bit {bit}");
    }
}

#[test]
fn too_few_roots_and_later_versions_are_refused() {
    let (root, _) = keys();
    let stranger = SigningKey::new("root-b", ED25519, &[9; 32]);
    assert_eq!(open(document().sign(&[&stranger]).as_bytes(), None).unwrap_err().code(), "hub-signature");
    let mut two = document();
    two.root.threshold = 2;
    two.root.vkeys.push(root.public().to_string());
    let twice = two.sign(&[&root, &root]);
    assert_eq!(open(twice.as_bytes(), None).unwrap_err().code(), "hub-signature", "one key counts once");
    let later = HubDocument { version: 2, ..document() };
    assert_eq!(open(later.sign(&[&root]).as_bytes(), None).unwrap_err().code(), "hub-version");
}

fn seed(n: u8) -> SigningKey {
    SigningKey::new(&format!("root-{n}"), ED25519, &[n; 32])
}

/// Version 2 closes the log and begins another.
fn second(first: &VerifiedHub) -> HubDocument {
    let mut document = first.following();
    let keys = LogKeys::from_seed("feed.example/2", &[5; 32]);
    document.logs[0].closed = Some(Closed::at(7, [9; 32]));
    let log = Log {
        origin: "feed.example/2".into(),
        vkey: keys.log.public().to_string(),
        peer: keys.peer.public().to_string(),
        prefix: "../v1/2/".into(),
        closed: None,
        extra: BTreeMap::new(),
    };
    document.logs.push(log);
    document
}

#[test]
fn a_later_version_follows_from_the_one_before_or_is_nothing() {
    let (root, _) = keys();
    let first = open(document().sign(&[&root]).as_bytes(), None).unwrap();
    let two = second(&first).sign(&[&root]);
    let hub = next(&first, two.as_bytes()).unwrap();
    assert_eq!((hub.id, hub.logs.len(), hub.logs[0].closed), (first.id, 2, Some((7, [9; 32]))));
    assert_eq!(hub.log.name(), "feed.example/2");
    assert_eq!(reopen(two.as_bytes(), first.id).unwrap().digest, hub.digest);
    assert!(reopen(two.as_bytes(), HubId([0; 20])).is_err());
    let code = |change: &dyn Fn(&mut HubDocument), by: &[&SigningKey]| {
        let mut document = second(&first);
        change(&mut document);
        next(&first, document.sign(by).as_bytes()).err().map(|error| error.code())
    };
    assert_eq!(code(&|_| {}, &[&root]), None);
    assert_eq!(code(&|_| {}, &[]), Some("hub-malformed"), "nobody signed");
    assert_eq!(code(&|_| {}, &[&seed(9)]), Some("hub-signature"));
    assert_eq!(code(&|d| d.version = 3, &[&root]), Some("hub-version"));
    assert_eq!(code(&|d| d.version = 1, &[&root]), Some("hub-version"));
    assert_eq!(code(&|d| d.hub = Some(HubId([1; 20])), &[&root]), Some("hub-identity"));
    assert_eq!(code(&|d| d.hub = None, &[&root]), Some("hub-body"));
    assert_eq!(code(&|d| d.prev = None, &[&root]), Some("hub-prev"));
    assert_eq!(code(&|d| d.prev = Some("A".repeat(43)), &[&root]), Some("hub-prev"));
    assert_eq!(code(&|d| d.logs[0].closed = None, &[&root]), Some("hub-body"));
    assert_eq!(code(&|d| drop(d.logs.remove(0)), &[&root]), Some("hub-history"));
    assert_eq!(code(&|d| d.name = "x".repeat(MAX_DOCUMENT), &[&root]), Some("hub-too-long"));
    // A later one cannot move the end of a closed log.
    let moved = || {
        let mut document = hub.following();
        document.logs[0].closed = Some(Closed::at(8, [9; 32]));
        document.sign(&[&root])
    };
    assert_eq!(next(&hub, moved().as_bytes()).unwrap_err().code(), "hub-history");
}

/// Both the old keys and the new ones must agree to a change of keys, each by its own number.
#[test]
fn a_change_of_root_keys_takes_enough_of_both() {
    let roots = [seed(1), seed(2), seed(3), seed(4)];
    let mut document = document();
    document.root = Root { threshold: 2, vkeys: roots[..3].iter().map(|key| key.public().to_string()).collect() };
    let first = open(document.sign(&[&roots[0], &roots[2]]).as_bytes(), None).unwrap();
    let mut change = first.following();
    change.root.vkeys = roots[2..].iter().map(|key| key.public().to_string()).collect();
    let by = |keys: &[usize]| {
        let keys: Vec<&SigningKey> = keys.iter().map(|n| &roots[*n]).collect();
        next(&first, change.sign(&keys).as_bytes()).map(drop).map_err(|error| error.code())
    };
    assert_eq!(by(&[0, 2, 3]), Ok(()));
    assert_eq!(by(&[0, 1]), Err("hub-signature"), "enough of the old keys, too few of the new");
    assert_eq!(by(&[2, 3]), Err("hub-signature"), "enough of the new keys, too few of the old");
    assert_eq!(by(&[0, 0, 3]), Err("hub-signature"), "one key counts once");
}

#[test]
fn one_key_under_two_names_is_one_key() {
    let (one, same) = (seed(1), SigningKey::new("another", ED25519, &[1; 32]));
    let mut document = document();
    document.root = Root { threshold: 2, vkeys: vec![one.public().to_string(), same.public().to_string()] };
    assert_eq!(open(document.sign(&[&one, &same]).as_bytes(), None).unwrap_err().code(), "hub-signature");
}

#[test]
fn two_texts_of_one_version_are_evidence_for_anybody() {
    let (root, _) = keys();
    let first = open(document().sign(&[&root]).as_bytes(), None).unwrap();
    let one = second(&first).sign(&[&root]);
    let other = HubDocument { name: "Another".into(), ..second(&first) }.sign(&[&root]);
    let forged = HubDocument { name: "Another".into(), ..second(&first) }.sign(&[&seed(9)]);
    assert!(equivocates(&first, one.as_bytes(), other.as_bytes()));
    assert!(!equivocates(&first, one.as_bytes(), one.as_bytes()));
    assert!(!equivocates(&first, one.as_bytes(), forged.as_bytes()));
}

#[test]
fn an_end_is_said_sixty_days_before() {
    let (root, _) = keys();
    let hub = open(document().sign(&[&root]).as_bytes(), None).unwrap();
    let on = |date: &str| hub.warns(date.parse().unwrap());
    assert_eq!((on("2027-06-21"), on("2027-06-22")), (None, Some(60)));
    assert_eq!((on("2027-08-21"), on("2027-08-31")), (Some(0), Some(-10)));
}
