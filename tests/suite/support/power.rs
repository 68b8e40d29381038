//! What a disk holds after its power failed: worked out from everything a process asked of it (`tests/outside/power.c`).
//!
//! A disk may keep or lose whatever was not synced. What a file holds lasts once the file is synced; what a folder names (files
//! made, renamed, taken away) once the folder is. That is all that POSIX promises; most file systems keep more. What a sync that
//! failed should have kept is lost for good, whatever later syncs say: so Linux has it.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The library that writes the journal, built once; `None` where no C compiler is.
pub fn library() -> Option<PathBuf> {
    static BUILT: std::sync::OnceLock<Option<PathBuf>> = std::sync::OnceLock::new();
    BUILT
        .get_or_init(|| {
            let source = crate::support::feed::repository("tests/outside/power.c");
            let made = std::env::temp_dir().join(format!("mutuald-power-{}.so", std::process::id()));
            let arguments = ["-shared", "-fPIC", "-O1", "-w", "-o"];
            let built = Command::new("cc").args(arguments).arg(&made).arg(source).arg("-ldl").status().ok()?;
            assert!(built.success(), "tests/outside/power.c does not build");
            Some(made)
        })
        .clone()
}

/// What of the unsynced is lost.
#[derive(Debug, Clone, Copy)]
pub enum Lost {
    /// All of it.
    Everything,
    /// Some writes and some names, drawn from a number; of a write, whole sectors.
    Some(u64),
}

/// A file's bytes, and what was done to them since it was last synced.
#[derive(Clone, Default)]
struct Bytes {
    lasting: Vec<u8>,
    since: Vec<Change>,
}

#[derive(Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Cut(usize),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Change::Write(at, data) => {
                bytes.resize(bytes.len().max(at + data.len()), 0);
                bytes[*at..at + data.len()].copy_from_slice(data);
            }
            Change::Cut(length) => bytes.resize(*length, 0),
        }
    }
}

/// What was done to a folder's names since it was last synced.
#[derive(Clone)]
enum Name {
    File(PathBuf, usize),
    Folder(PathBuf),
    Renamed(PathBuf, PathBuf, usize),
    Gone(PathBuf),
}

/// A disk: what lasts, and what is only in memory.
#[derive(Clone)]
pub struct Disk {
    root: PathBuf,
    files: Vec<Bytes>,
    /// Names as the process sees them.
    seen: BTreeMap<PathBuf, usize>,
    /// Names that last.
    lasting: BTreeMap<PathBuf, usize>,
    folders: BTreeSet<PathBuf>,
    since: BTreeMap<PathBuf, Vec<Name>>,
    inodes: BTreeMap<u64, usize>,
    /// How many writes and names were lost.
    dropped: usize,
}

impl Disk {
    /// Everything below a folder, as it stands: all of it lasts.
    pub fn of(root: &Path) -> Disk {
        let mut disk = Disk {
            root: root.to_owned(),
            files: Vec::new(),
            seen: BTreeMap::new(),
            lasting: BTreeMap::new(),
            folders: BTreeSet::new(),
            since: BTreeMap::new(),
            inodes: BTreeMap::new(),
            dropped: 0,
        };
        let mut open = vec![root.to_owned()];
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                    continue;
                }
                let n = disk.files.len();
                disk.files.push(Bytes { lasting: std::fs::read(&path).unwrap(), since: Vec::new() });
                disk.inodes.insert(std::fs::metadata(&path).unwrap().ino(), n);
                disk.seen.insert(path.clone(), n);
                disk.lasting.insert(path, n);
            }
            disk.folders.insert(folder);
        }
        disk
    }

    fn later(&mut self, path: &Path, name: Name) {
        self.since.entry(path.parent().unwrap().to_owned()).or_default().push(name);
    }

    /// Follows a journal. Its last record may be cut off: the process was killed.
    pub fn follow(&mut self, journal: &[u8]) {
        let mut rest = journal;
        while rest.len() >= 41 {
            let number = |nth: usize| u64::from_le_bytes(rest[1 + 8 * nth..9 + 8 * nth].try_into().unwrap());
            let (what, inode, offset) = (rest[0], number(0), number(1) as usize);
            let lengths = [2, 3, 4].map(|nth| number(nth) as usize);
            let Some(body) = rest.get(41..41 + lengths.iter().sum::<usize>()) else { return };
            let (one, body) = body.split_at(lengths[0]);
            let (other, data) = body.split_at(lengths[1]);
            let path = |bytes: &[u8]| PathBuf::from(String::from_utf8(bytes.to_vec()).unwrap());
            let (one, other) = (path(one), path(other));
            match what {
                b'c' => {
                    let n = self.files.len();
                    self.files.push(Bytes::default());
                    self.inodes.insert(inode, n);
                    self.seen.insert(one.clone(), n);
                    self.later(&one.clone(), Name::File(one, n));
                }
                b'd' => self.later(&one.clone(), Name::Folder(one)),
                b'r' => {
                    if let Some(n) = self.seen.remove(&one) {
                        self.seen.insert(other.clone(), n);
                        self.later(&other.clone(), Name::Renamed(one, other, n));
                    }
                }
                b'u' => {
                    self.seen.remove(&one);
                    self.later(&one.clone(), Name::Gone(one));
                }
                b'w' | b't' | b's' | b'l' => {
                    if let Some(file) = self.inodes.get(&inode).and_then(|n| self.files.get_mut(*n)) {
                        match what {
                            // A sync that failed: the disk gives up what it had not written, and says so this once only.
                            b'l' => file.since.clear(),
                            b'w' => file.since.push(Change::Write(offset, data.to_vec())),
                            b't' => file.since.push(Change::Cut(offset)),
                            _ => {
                                let since = std::mem::take(&mut file.since);
                                since.iter().for_each(|change| change.apply(&mut file.lasting));
                            }
                        }
                    }
                }
                b'f' => {
                    for name in self.since.remove(&one).unwrap_or_default() {
                        self.last(name);
                    }
                }
                what => panic!("{}", char::from(what)),
            }
            rest = &rest[41 + lengths.iter().sum::<usize>()..];
        }
    }

    fn last(&mut self, name: Name) {
        match name {
            Name::File(path, n) => drop(self.lasting.insert(path, n)),
            Name::Folder(path) => drop(self.folders.insert(path)),
            Name::Renamed(from, to, n) => {
                self.lasting.remove(&from);
                self.lasting.insert(to, n);
            }
            Name::Gone(path) => drop(self.lasting.remove(&path)),
        }
    }

    /// The power fails: puts in place of the folder what the disk holds then. Returns how many writes and names were lost.
    pub fn fall(mut self, lost: Lost) -> usize {
        let mut draw = Draw(match lost {
            Lost::Everything => 0,
            Lost::Some(seed) => seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
        });
        let keep = !matches!(lost, Lost::Everything);
        for names in std::mem::take(&mut self.since).into_values() {
            // Names are written down in their order: the disk has come to some point of it.
            let upto = if keep { draw.below(names.len() + 1) } else { 0 };
            self.dropped += names.len() - upto;
            names.into_iter().take(upto).for_each(|name| self.last(name));
        }
        let mut files: Vec<Vec<u8>> = Vec::new();
        for file in &mut self.files {
            let mut bytes = std::mem::take(&mut file.lasting);
            for change in &file.since {
                match change {
                    Change::Write(at, data) if keep => {
                        // A sector is written or it is not.
                        for (nth, sector) in data.chunks(512).enumerate() {
                            if draw.below(2) == 0 {
                                Change::Write(at + 512 * nth, sector.to_vec()).apply(&mut bytes);
                            } else {
                                self.dropped += 1;
                            }
                        }
                    }
                    Change::Cut(_) if keep && draw.below(2) == 0 => change.apply(&mut bytes),
                    _ => self.dropped += 1,
                }
            }
            files.push(bytes);
        }
        std::fs::remove_dir_all(&self.root).unwrap();
        for folder in &self.folders {
            // One whose own folder was lost is lost with it.
            if folder.parent().is_some_and(Path::is_dir) {
                let _ = std::fs::create_dir(folder);
            }
        }
        for (path, n) in &self.lasting {
            // What many processes share in memory is no file that a disk would have.
            if path.parent().is_some_and(Path::is_dir) && !path.to_string_lossy().ends_with("-shm") {
                std::fs::write(path, &files[*n]).unwrap();
                if path.extension().is_some_and(|extension| extension == "key") {
                    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
                }
            }
        }
        self.dropped
    }
}

/// Numbers from a seed (xorshift).
struct Draw(u64);

impl Draw {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % most.max(1) as u64) as usize
    }
}
