//! Feeds as plain files: what a static host would hold.

use mutuald::feed::tile::{self, WIDTH};
use mutuald::peer::audit::{Audit, AuditError, Source, audit};
use mutuald::record::HubId;
use mutuald::record::part::PUBLIC;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Path below a feed's folder to bytes.
pub type Files = BTreeMap<String, Vec<u8>>;

/// A folder of this repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Every file below a folder.
pub fn all(folder: &Path) -> Files {
    let mut found = Files::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// The files that the checkpoint in a folder needs: those of its size, without partial ones of earlier sizes.
pub fn current(folder: &Path) -> Files {
    let checkpoint = std::fs::read_to_string(folder.join("v1/1/checkpoint")).unwrap();
    let size: u64 = checkpoint.lines().nth(1).unwrap().parse().unwrap();
    let mut wanted: BTreeSet<String> = ["checkpoint".to_owned()].into();
    for n in 0..size.div_ceil(WIDTH) {
        let width = tile::width(n, size);
        wanted.extend([tile::entries(n, width), tile::parts(PUBLIC, n, width)]);
    }
    let (mut level, mut count) = (0, size);
    while count > 0 {
        wanted.extend((0..count.div_ceil(WIDTH)).map(|n| tile::tile(level, n, tile::width(n, count))));
        (level, count) = (level + 1, count / WIDTH);
    }
    let mut files = all(folder);
    files.retain(|path, _| path.strip_prefix("v1/1/").is_none_or(|path| wanted.contains(path)));
    assert_eq!(files.len(), wanted.len() + 2, "the two hub documents and each file of the log");
    files
}

/// Writes files below a folder.
pub fn write(files: &Files, folder: &Path) {
    for (path, bytes) in files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

/// Audits a folder.
pub async fn audited(folder: &Path, hub: HubId) -> Result<Audit, AuditError> {
    audit(&Source::Folder(folder.to_owned()), Some(hub), |_, _| {}).await
}
