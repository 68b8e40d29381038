//! The folder of a frozen frame: what its files are called, how it is read, and how a folder is put in its place whole.

use super::refuse;
use super::verify::{self, Files, Opened};
use crate::record::HubId;
use anyhow::{Context, bail};
use std::path::{Path, PathBuf};

/// The frame's bytes.
pub const FRAME: &str = "frame.txt";
/// A mark for each of its lines.
pub const MARKS: &str = "marks.txt";
/// What the hub signed.
pub const SEAL: &str = "seal.txt";
/// The most that is read of a folder, in bytes: a frame of some seven hundred thousand groups. Whoever sends a larger one would take
/// memory that nobody set aside.
const LARGEST: u64 = 1 << 30;

/// Name of a version of the hub's document.
pub fn document(version: u64) -> String {
    format!("hub-{version}.txt")
}

/// Name of a draw, from 1.
pub fn draw_file(n: usize) -> String {
    format!("draws/{n}.txt")
}

/// Name of a draw by the frame's hub, or by another.
pub fn draw_file_of(other: Option<HubId>, n: usize) -> String {
    other.map_or_else(|| draw_file(n), |hub| format!("draws/{hub}.{n}.txt"))
}

/// Name of its seal.
pub fn draw_seal_of(other: Option<HubId>, n: usize) -> String {
    other.map_or_else(|| format!("draws/{n}.seal.txt"), |hub| format!("draws/{hub}.{n}.seal.txt"))
}

/// Name of a version of the document of another hub that drew.
pub fn document_of(other: HubId, version: u64) -> String {
    format!("draws/{other}.hub-{version}.txt")
}

/// The other hub of whose draws a file is.
pub fn drawn_by(name: &str) -> Option<HubId> {
    name.strip_prefix("draws/")?.split_once('.')?.0.parse().ok()
}

/// Reads a frame's folder and the folders in it.
///
/// # Errors
/// I/O errors, files that no frame has, and more bytes than are taken.
pub fn read(folder: &Path) -> anyhow::Result<Files> {
    let (mut found, mut bytes) = (Vec::new(), 0u64);
    let mut folders = vec![(folder.to_owned(), String::new())];
    while let Some((path, prefix)) = folders.pop() {
        let entries = std::fs::read_dir(&path).with_context(|| format!("cannot read the folder {}", path.display()))?;
        for entry in entries {
            let entry = entry?;
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            let kind = entry.metadata()?;
            if kind.is_dir() && prefix.is_empty() {
                folders.push((entry.path(), format!("{name}/")));
            } else if kind.is_file() {
                bytes = bytes.saturating_add(kind.len());
                found.push((name, entry.path()));
            } else {
                bail!("{name} is no file of a frame");
            }
        }
    }
    if bytes > LARGEST {
        bail!("{} holds {bytes} bytes: more than {LARGEST} are not read", folder.display());
    }
    let one = |(name, path): (String, PathBuf)| {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {name}"))?;
        Ok((name, bytes))
    };
    found.into_iter().map(one).collect()
}

/// Reads a frozen frame's folder, and refuses one that is not as its hubs signed it.
///
/// # Errors
/// Those of [`read`]; the first thing that is not as it must be, with its file and code.
pub fn open(folder: &Path) -> anyhow::Result<Opened> {
    let opened = verify::open(&read(folder)?);
    refuse(&opened.checked)?;
    Ok(opened)
}

/// Writes a file of a folder.
pub(super) fn write(folder: &Path, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
    let path = folder.join(name);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// Where a folder to write lies.
///
/// # Errors
/// A folder that is there, or whose own folder is not.
pub(super) fn above(to: &Path) -> anyhow::Result<PathBuf> {
    if to.exists() {
        bail!("{} is there already; nothing was written", to.display());
    }
    let parent = match to.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    parent.canonicalize().with_context(|| format!("there is no folder {}", parent.display()))
}

/// Fills a folder beside the wanted one and puts it in its place, so that nobody meets half of it.
///
/// # Errors
/// Those of [`above`] and of `fill`; I/O errors. Nothing is left then.
pub(super) fn place<T>(to: &Path, fill: impl FnOnce(&Path) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let parent = above(to)?;
    let name = to.file_name().context("the folder to write has no name")?;
    let beside = parent.join(format!(".{}.part", name.to_string_lossy()));
    // What an earlier run left that was cut off.
    if beside.exists() {
        std::fs::remove_dir_all(&beside).with_context(|| format!("cannot clear {}", beside.display()))?;
    }
    std::fs::create_dir(&beside).with_context(|| format!("cannot make a folder in {}", parent.display()))?;
    let made = fill(&beside).and_then(|made| {
        std::fs::rename(&beside, to).with_context(|| format!("cannot put {} in its place", to.display()))?;
        Ok(made)
    });
    if made.is_err() {
        // The first error is the one to tell.
        let _ = std::fs::remove_dir_all(&beside);
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_stands_there_whole_or_not_at_all() {
        let inside = tempfile::tempdir().unwrap();
        let to = inside.path().join("frozen");
        let names =
            || -> Vec<_> { std::fs::read_dir(inside.path()).unwrap().map(|one| one.unwrap().file_name()).collect() };
        let failed: anyhow::Result<()> = place(&to, |beside| {
            write(beside, FRAME, b"half")?;
            bail!("the disk is full")
        });
        assert_eq!(failed.unwrap_err().to_string(), "the disk is full");
        assert!(names().is_empty(), "{:?}", names());
        // What a run left that was cut off is in nobody's way.
        std::fs::create_dir(inside.path().join(".frozen.part")).unwrap();
        write(&inside.path().join(".frozen.part"), "old.txt", b"old").unwrap();
        place(&to, |beside| write(beside, FRAME, b"whole")).unwrap();
        assert_eq!(names(), ["frozen"]);
        assert_eq!(read(&to).unwrap(), Files::from([(FRAME.to_owned(), b"whole".to_vec())]));
        assert!(place(&to, |_| Ok(())).unwrap_err().to_string().contains("nothing was written"));
    }

    #[test]
    fn a_folder_that_is_too_large_is_not_read() {
        let inside = tempfile::tempdir().unwrap();
        // Two files that take no room and say that they are large: together they are more than is read.
        for name in ["a.txt", "b.txt"] {
            std::fs::File::create(inside.path().join(name)).unwrap().set_len(LARGEST / 2 + 1).unwrap();
        }
        let refused = read(inside.path()).unwrap_err().to_string();
        assert!(refused.contains("are not read"), "{refused}");
    }
}
