//! Signed notes, keys, leaves, checkpoints, hub documents, bundles and tiles.

use crate::{Target, seeds, twice};
use mutuald::feed::note::{COSIGNATURE, Note, SigningKey, VerifyKey};
use mutuald::feed::request::{self, Claim, Target as Asked};
use mutuald::feed::{Checkpoint, Frontier, HubDocument, hub, leaf, merkle, seen, tile};
use mutuald::peer::verify;
use mutuald::record::statement::{Body, Statement};

pub const TARGETS: &[Target] = &[
    Target { name: "note", run: note, seeds: || [seeds::leaves(), seeds::folder("tests/data/attacks/f22")].concat() },
    Target { name: "verifier-key", run: key, seeds: || vec![seeds::keys().log.public().to_string().into_bytes()] },
    Target { name: "leaf", run: leaf_, seeds: seeds::statements },
    Target { name: "checkpoint", run: checkpoint, seeds: checkpoints },
    Target { name: "hub-document", run: document, seeds: documents },
    Target { name: "entry-bundle", run: entries, seeds: entry_bundles },
    Target { name: "part-bundle", run: lines, seeds: || seeds::folder("schema/vectors/golden-0.1.0/v1/1/part") },
    Target { name: "tile", run: hashes, seeds: || seeds::folder("schema/vectors/golden-0.1.0/v1/1/tile/0") },
    Target { name: "seen", run: seen_, seeds: seens },
    Target { name: "hub-document-next", run: next, seeds: followings },
    Target { name: "edge", run: edge, seeds: edges },
    Target { name: "contact-request", run: contact_request, seeds: contact_requests },
];

/// Where the requests of the seeds go.
const ASKED: Asked<'_> =
    Asked { method: "GET", authority: "feed.example", path: "/v1/1/part/contact/000.p/5", query: None };

/// The two headers, one below the other.
fn contact_requests() -> Vec<Vec<u8>> {
    let keys = seeds::keys();
    let signed = request::sign(&ASKED, &keys.peer, 1_790_000_000);
    let one = format!("{}\n{}", signed.input, signed.signature);
    let two = format!("other=();tag=\"x\", {}\nother=:AAAA:, {}", signed.input, signed.signature);
    let odd = one.replace(";tag", ";expires=1790000100;nonce=\"a\\\"b\";tag");
    [one, two, odd].map(String::into_bytes).to_vec()
}

/// What two headers claim (RFC 9421) is the same each time; nobody's claim verifies by a key that signed nothing; and what this
/// program signs it believes, for what was asked and nothing else.
fn contact_request(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (input, signature) = text.split_once('\n').unwrap_or((text, ""));
    let stranger = SigningKey::new("feed.example/1", COSIGNATURE, &[99; 32]);
    if let Ok(claim) = twice(|| Claim::read(input, signature)) {
        for now in [i64::MIN, 0, 1_790_000_000, i64::MAX] {
            assert!(claim.verify(&ASKED, stranger.public(), now).is_err(), "nobody signed this");
        }
        assert!(claim.key_id.len() <= input.len());
    }
    if !input.starts_with('/') || !input.bytes().all(|byte| byte.is_ascii_graphic()) {
        return;
    }
    let keys = seeds::keys();
    let asked = Asked { path: input, ..ASKED };
    let signed = request::sign(&asked, &keys.peer, 1_790_000_000);
    let claim = Claim::read(&signed.input, &signed.signature).expect("what is signed can be read");
    assert_eq!(claim.verify(&asked, keys.peer.public(), 1_790_000_000), Ok(()));
    if input != ASKED.path {
        assert!(claim.verify(&ASKED, keys.peer.public(), 1_790_000_000).is_err(), "another path");
    }
}

/// A note that is taken apart is all of its bytes, and no key verifies it that did not sign.
fn note(data: &[u8]) {
    let Ok(note) = twice(|| Note::parse(data)) else { return };
    assert!(data.starts_with(note.text.as_bytes()) && note.text.ends_with('\n'));
    assert_eq!(data.get(note.text.len()), Some(&b'\n'), "an empty line stands between text and signatures");
    assert!(std::str::from_utf8(data).is_ok() && data.ends_with(b"\n"));
    let keys = seeds::keys();
    assert!(note.verify(keys.log.public()).is_err() && note.verify(keys.peer.public()).is_err(), "nobody signed this");
    // Its text, signed, is a note again with the same text.
    let signed = keys.log.note(note.text);
    let again = Note::parse(signed.as_bytes()).expect("what is signed can be read");
    assert_eq!((again.text, again.verify(keys.log.public())), (note.text, Ok(0)));
}

/// A key that is accepted is written as it came.
fn key(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(key) = twice(|| VerifyKey::parse(text)) {
        assert_eq!(key.to_string(), text);
    }
}

/// A leaf says what its text says, whoever brings it, and nothing without its signature.
fn leaf_(data: &[u8]) {
    let keys = seeds::keys();
    assert!(leaf::open(data, keys.log.public()).is_err(), "nobody signed this");
    let Ok(text) = std::str::from_utf8(data) else { return };
    let note = keys.log.note(text);
    let Ok(statement) = twice(|| leaf::open(note.as_bytes(), keys.log.public())) else { return };
    assert_eq!(Statement::read(data).as_ref(), Ok(&statement));
    // What a hub would sign of it means the same.
    if let Ok(again) = leaf::sign(&statement, &keys.log) {
        let again = leaf::open(&again, keys.log.public()).expect("what is signed can be read");
        assert_eq!(again, statement);
    } else {
        let _kept = matches!(statement.body, Body::NotUnderstood(_));
    }
}

fn checkpoints() -> Vec<Vec<u8>> {
    let text = |size, root| format!("feed.example/1\n{size}\n{root}\n");
    vec![
        text("0", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=").into_bytes(),
        text("49000", "3rnfnrsQ7MSBpmm6DqTpib6gfmcW05xB3JGrQapTKfA=\nextension").into_bytes(),
        text("18446744073709551615", "3rnfnrsQ7MSBpmm6DqTpib6gfmcW05xB3JGrQapTKfA=").into_bytes(),
    ]
}

/// Size and root of an accepted checkpoint, signed again, are the lines it had; the bytes alone are accepted never.
fn checkpoint(data: &[u8]) {
    let keys = seeds::keys();
    let open = |bytes: &[u8]| Checkpoint::open(bytes, keys.log.public(), keys.peer.public());
    assert!(open(data).is_err(), "nobody signed this");
    let Ok(text) = std::str::from_utf8(data) else { return };
    let note = format!("{text}\n{}{}", keys.log.line(text, 0), keys.peer.line(text, 9));
    let Ok(met) = twice(|| open(note.as_bytes())) else { return };
    assert_eq!(met.time, 9);
    let again = met.sign(&keys);
    assert_eq!(open(again.as_bytes()), Ok(met));
    let lines = |note: &str| note.lines().take(3).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines(&again), lines(&note), "one size and root have one form");
}

fn first() -> HubDocument {
    let expires = "2027-08-21".parse().expect("a date");
    HubDocument::first("Example Hub", "CC-BY-4.0", &seeds::root(1), &seeds::keys(), "../v1/1/", expires)
}

fn documents() -> Vec<Vec<u8>> {
    let mut all = vec![first().text().into_bytes()];
    for file in ["schema/vectors/golden-0.1.0/hub/1", "schema/vectors/golden-python/hub/1"] {
        all.push(seeds::file(file));
    }
    all
}

/// A first document's id is the hash of its text, whatever it says; under other roots it is nothing.
fn document(data: &[u8]) {
    twice(|| hub::open(data, None).map(|hub| hub.id)).ok();
    let Ok(text) = std::str::from_utf8(data) else { return };
    let note = format!("{text}\n{}{}", seeds::root(1).line(text, 0), seeds::root(2).line(text, 0));
    let Ok(met) = twice(|| hub::open(note.as_bytes(), None)) else { return };
    assert_eq!(met.id, hub::id_of(text));
    assert!(hub::open(note.as_bytes(), Some(met.id)).is_ok());
    assert!(hub::open(data, Some(met.id)).is_err(), "its roots did not sign this");
    // Written by us it says the same.
    let again = met.document.text();
    let again: HubDocument =
        serde_json::from_str(again.trim_start_matches(hub::HEADER)).expect("what we write we read");
    assert_eq!(again, met.document);
}

fn entry_bundles() -> Vec<Vec<u8>> {
    let whole = seeds::file("schema/vectors/golden-0.1.0/v1/1/tile/entries/000.p/12");
    let mut removed = whole.clone();
    removed.splice(0..2 + usize::from(u16::from_be_bytes([whole[0], whole[1]])), [0, 0]);
    vec![whole, removed]
}

/// A bundle that is accepted is written again to the same bytes, has the count that was asked for, and gives each leaf one
/// verdict.
fn entries(data: &[u8]) {
    let mut counts = 0;
    for expected in [0, 1, 2, 3, 12, tile::WIDTH] {
        let Ok(leaves) = twice(|| tile::read_entries(data, expected)) else { continue };
        assert_eq!(leaves.len() as u64, expected);
        counts += 1;
        let mut again = Vec::new();
        leaves.iter().for_each(|leaf| tile::append_entry(&mut again, leaf));
        assert_eq!(again, data);
        let removed = |n: usize| (n % 2 == 0).then_some([n as u8; 32]);
        let Ok(raw) = verify::raw(data, expected, removed) else { continue };
        let key = seeds::keys();
        let lines = vec![String::from("Ifuas-ienH0H4yqpwDT80g {}"); raw.len() / 2];
        let checked = verify::check(raw.clone(), &lines, key.log.public());
        assert_eq!(checked.len(), raw.len());
        assert!(checked.iter().all(|one| one.leaf.line.is_none()), "no line here has the digest of any leaf");
        assert!(checked.iter().all(|one| one.statement.is_err()), "nobody signed these");
    }
    assert!(counts <= 1, "one count fits a bundle");
}

/// Lines that are accepted are the file, but for those that are longer than asked for, which are as good as none.
fn lines(data: &[u8]) {
    let count = data.iter().filter(|b| **b == b'\n').count() as u64;
    for expected in [count, count + 1, count.saturating_sub(1)] {
        for longest in [16_384, 20] {
            let Ok(lines) = twice(|| tile::read_lines(data, expected, longest)) else { continue };
            assert_eq!(expected, count);
            let said: Vec<&[u8]> =
                data.strip_suffix(b"\n").map_or(vec![], |data| data.split(|b| *b == b'\n').collect());
            assert_eq!(lines.len(), said.len());
            for (line, said) in lines.iter().zip(said) {
                assert_eq!(line.as_bytes(), if said.len() > longest { b"" } else { said });
                assert!(!line.contains('\r'));
            }
        }
    }
}

/// Hashes that are accepted are the tile.
fn hashes(data: &[u8]) {
    let fits = data.len() as u64 / 32;
    for expected in [fits, fits + 1, 0, tile::WIDTH] {
        if let Ok(hashes) = tile::read_hashes(data, expected) {
            assert_eq!(hashes.concat(), data);
            assert_eq!(merkle::root(hashes.iter().copied()), merkle::root(hashes));
        }
    }
}

fn edges() -> Vec<Vec<u8>> {
    let mut edge = Frontier::default();
    (0..21u8).for_each(|n| edge.push([n; 32]));
    vec![edge.to_bytes(), Vec::new()]
}

/// An edge that is accepted is written again to the same bytes, and goes on to grow.
fn edge(data: &[u8]) {
    let Some(mut edge) = Frontier::from_bytes(data) else { return };
    assert_eq!(edge.to_bytes(), data);
    let (size, root) = (edge.size(), edge.root());
    assert_eq!((edge.size(), edge.root()), (size, root));
    edge.push([1; 32]);
    assert_eq!(edge.size(), size + 1);
}

fn seens() -> Vec<Vec<u8>> {
    let notes = checkpoints().into_iter().map(|text| {
        let text = String::from_utf8(text).expect("text");
        seeds::keys().log.note(&text).into_bytes()
    });
    let notes: Vec<Vec<u8>> = notes.collect();
    vec![seen::write(notes.iter().map(Vec::as_slice))]
}

/// What is taken apart is written again to what was read of it, and a checkpoint is found under the origin that it names.
fn seen_(data: &[u8]) {
    let notes = twice(|| seen::read(data));
    let again = seen::write(notes.iter().copied());
    assert!(data.starts_with(&again));
    for note in notes {
        if let Some(hub) = seen::SeenHub::read(note) {
            let again = format!("{hub}\n{}", seeds::keys().peer.line(&hub.to_string(), 0));
            assert_eq!(seen::SeenHub::read(again.as_bytes()).as_ref(), Some(&hub));
            assert!(seen::of_hub(data, hub.hub).is_some(), "it stands there");
        }
        if let Some(origin) = seen::origin(note) {
            let found = seen::of(data, origin).expect("it stands there");
            assert_eq!(seen::origin(found), Some(origin));
        }
    }
}

fn second() -> HubDocument {
    let first = hub::open(first().sign(&[&seeds::root(1)]).as_bytes(), None).expect("a first document");
    first.following()
}

fn followings() -> Vec<Vec<u8>> {
    let mut closing = second();
    closing.logs[0].closed = Some(hub::Closed::at(7, [9; 32]));
    vec![second().text().into_bytes(), closing.text().into_bytes()]
}

/// A later document is one version more, of the same hub, and keeps what was closed; what is drafted is what is read.
fn next(data: &[u8]) {
    let before = hub::open(first().sign(&[&seeds::root(1)]).as_bytes(), None).expect("a first document");
    assert!(hub::next(&before, data).is_err(), "its roots did not sign this");
    let Ok(text) = std::str::from_utf8(data) else { return };
    let note = format!("{text}\n{}{}", seeds::root(1).line(text, 0), seeds::root(2).line(text, 0));
    let Ok(met) = twice(|| hub::next(&before, note.as_bytes())) else { return };
    assert_eq!((met.id, met.document.version), (before.id, 2));
    assert!(met.logs.len() >= before.logs.len());
    assert_eq!(hub::drafted(&before, text).map(|hub| hub.digest), Ok(met.digest.clone()));
    assert_eq!(hub::reopen(note.as_bytes(), before.id).map(|hub| hub.digest), Ok(met.digest));
}
