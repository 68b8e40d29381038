//! No bit of a feed can change unseen (PROTOCOL F13).

use crate::support::feed::{self, Files, audited};
use crate::support::{TestHub, hub::group};
use mutuald::feed::hub::{self as hub_document, HubDocument};
use mutuald::feed::note::{ED25519, LogKeys, SigningKey};
use mutuald::feed::{Checkpoint, Frontier, leaf, merkle, tile};
use mutuald::peer::audit::AuditError;
use mutuald::record::HubId;
use mutuald::record::part::{self, PUBLIC};
use mutuald::record::statement::{Body, Kind, Statement};
use std::collections::BTreeSet;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use uuid::Uuid;

/// What an audit says of a folder: nothing, or the codes of what is wrong.
async fn codes(folder: &Path, hub: HubId) -> BTreeSet<&'static str> {
    match audited(folder, hub).await {
        Ok(audit) => audit.problems.iter().map(|problem| problem.code).collect(),
        Err(error) => [error.code()].into(),
    }
}

/// Turns each of the given bits, one at a time, and asks for an audit. Spread over the cores, each with its own copy.
fn every_turned_bit_is_found(files: &Files, hub: HubId, bits: &[(String, usize)]) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                let copy = tempfile::tempdir().unwrap();
                feed::write(files, copy.path());
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                assert!(runtime.block_on(codes(copy.path(), hub)).is_empty(), "the feed is sound as it is");
                while let Some((name, bit)) = bits.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // In place: cutting a file short and writing it anew is flushed to the disk by some file systems.
                    let file = std::fs::OpenOptions::new().write(true).open(copy.path().join(name)).unwrap();
                    let (at, byte) = (bit / 8, files[name][bit / 8]);
                    file.write_all_at(&[byte ^ 1 << (bit % 8)], at as u64).unwrap();
                    let found = runtime.block_on(codes(copy.path(), hub));
                    assert!(!found.is_empty(), "bit {bit} of {name} was turned and nobody noticed");
                    file.write_all_at(&[byte], at as u64).unwrap();
                }
            });
        }
    });
}

/// A record, its second revision, its withdrawal, and a record that stands; made by hand, so that there are few bits.
fn small() -> (Files, HubId) {
    let keys = LogKeys::from_seed("a.example/1", &[2; 32]);
    let root = SigningKey::new("root-a", ED25519, &[1; 32]);
    let mut document = HubDocument::first("A", "CC0-1.0", &root, &keys, "../v1/1/", "2031-11-22".parse().unwrap());
    document.classes.clear();
    let signed = document.sign(&[&root]).into_bytes();
    let (mut entries, mut hashes, mut parts, mut edge) = (Vec::new(), Vec::new(), String::new(), Frontier::default());
    for (id, rev, said, words, stands) in [
        (1, 1, Body::Put(Kind::Record), Some("Tea"), false),
        (1, 2, Body::Put(Kind::Record), Some("Tea and Talk"), false),
        (1, 3, Body::Withdraw(Kind::Record), None, false),
        (2, 1, Body::Put(Kind::Record), Some("Fern Café"), true),
    ] {
        let line = words.map(|name| part::line([rev as u8; 16], &format!(r#"{{"name":"{name}"}}"#)));
        let digests = line.iter().map(|line| (PUBLIC.to_owned(), part::digest(line.as_bytes()))).collect();
        let at = "2026-11-22T09:00:00Z".parse().unwrap();
        let statement = Statement { id: Uuid::from_u128(id), rev, at, parts: digests, replaces: None, body: said };
        let note = leaf::sign(&statement, &keys.log).unwrap();
        tile::append_entry(&mut entries, &note);
        hashes.extend(merkle::leaf_hash(&note));
        edge.push(merkle::leaf_hash(&note));
        parts.push_str(line.filter(|_| stands).as_deref().unwrap_or_default());
        parts.push('\n');
    }
    let checkpoint = Checkpoint { size: 4, root: edge.root(), time: 1_795_338_000 }.sign(&keys);
    let files = [
        (".well-known/groups-hub", signed.clone()),
        ("hub/1", signed),
        ("v1/1/checkpoint", checkpoint.into_bytes()),
        ("v1/1/tile/entries/000.p/4", entries),
        ("v1/1/tile/0/000.p/4", hashes),
        ("v1/1/part/public/000.p/4", parts.into_bytes()),
    ];
    (files.map(|(path, bytes)| (path.to_owned(), bytes)).into(), hub_document::id_of(&document.text()))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bit_of_a_small_feed() {
    let (files, hub) = small();
    let bits: Vec<(String, usize)> =
        files.iter().flat_map(|(name, bytes)| (0..bytes.len() * 8).map(|bit| (name.clone(), bit))).collect();
    assert!(bits.len() > 15_000);
    tokio::task::spawn_blocking(move || every_turned_bit_is_found(&files, hub, &bits)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn bits_of_each_file_of_a_feed_with_several_bundles() {
    let hub = TestHub::new("Bulwell", 22).await;
    let groups: Vec<_> = (0..280)
        .map(|n| (Uuid::from_u128(n + 1), group(&format!("Group {n}"), "Bulwell", &format!("01632 960{n:03}"))))
        .collect();
    hub.put(&groups).await;
    let files = feed::current(&hub.hub.config.feed());
    let bits: Vec<(String, usize)> = files
        .iter()
        .flat_map(|(name, bytes)| {
            let all = bytes.len() * 8;
            // Places that do not fall on one position of a byte.
            (0..12).map(move |nth| (name.clone(), (nth * (all / 12) + nth * 7 + 3) % all))
        })
        .collect();
    assert!(files.contains_key("v1/1/tile/1/000.p/1") && files.contains_key("v1/1/tile/entries/001.p/26"));
    let id = hub.hub.id;
    tokio::task::spawn_blocking(move || every_turned_bit_is_found(&files, id, &bits)).await.unwrap();
}

#[tokio::test]
async fn what_is_gone_is_told_from_what_is_wrong() {
    let (files, hub) = small();
    let copy = tempfile::tempdir().unwrap();
    let folder = copy.path();
    feed::write(&files, folder);
    let whole = audited(folder, hub).await.unwrap();
    assert!(whole.sound(), "{whole}");
    assert_eq!((whole.size, whole.looked_at, whole.lines), (4, 4, 1));
    assert!(whole.withheld.is_empty() && whole.void.is_empty() && whole.parts_absent == 0);
    let kinds: Vec<(&str, u64)> = whole.leaves.iter().map(|(kind, count)| (kind.as_str(), *count)).collect();
    assert_eq!(kinds, [("record put", 3), ("record withdraw", 1)]);
    assert!(whole.to_string().contains("Sound"), "{whole}");

    // No later word explains that the last line is gone; the first two lines were superseded and withdrawn.
    let parts = folder.join("v1/1/part/public/000.p/4");
    std::fs::write(&parts, "\n\n\n\n").unwrap();
    let blanked = audited(folder, hub).await.unwrap();
    assert_eq!((blanked.sound(), blanked.withheld.as_slice()), (true, &[3][..]));
    std::fs::remove_file(&parts).unwrap();
    let absent = audited(folder, hub).await.unwrap();
    assert_eq!((absent.sound(), absent.parts_absent, absent.withheld.len()), (true, 1, 0));

    for (file, code) in [
        ("v1/1/tile/0/000.p/4", "missing"),
        ("v1/1/tile/entries/000.p/4", "missing"),
        ("hub/1", "missing"),
        ("v1/1/checkpoint", "missing"),
        (".well-known/groups-hub", "missing"),
    ] {
        std::fs::remove_file(folder.join(file)).unwrap();
        assert!(codes(folder, hub).await.contains(code), "{file}");
        // Longer than any such file may be: read no further than that, and said so.
        std::fs::write(folder.join(file), vec![b'\n'; 2 << 20]).unwrap();
        assert!(codes(folder, hub).await.contains("too-large"), "{file}");
        std::fs::write(folder.join(file), &files[file]).unwrap();
    }
    let other = audited(folder, HubId([0; 20])).await;
    assert!(matches!(other, Err(AuditError::Hub(_))), "another hub's id");
    assert!(audited(folder, hub).await.unwrap().sound(), "put back as it was");
}
