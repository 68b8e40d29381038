//! One bundle: its entries, their hash tile, their part lines. Fetched whole, then examined without I/O on any core.

use super::files::{Files, Read};
use super::{AuditError, Problem};
use crate::feed::tile::{self, WIDTH};
use crate::feed::{Hash, VerifyKey, leaf};
use crate::peer::verify::{self, Raw};
use crate::record::part::{self, PUBLIC};
use crate::record::statement::Statement;

/// The files of one bundle as they came, each with its name.
pub struct Asked {
    n: u64,
    width: u64,
    entries: (String, Read),
    hashes: (String, Read),
    parts: (String, Read),
}

/// Whether a file came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// It did, and could be read.
    Whole,
    /// It is not there.
    Absent,
    /// It could not be read, which is reported.
    Unusable,
}

/// One leaf as it was found.
pub struct Seen {
    /// What it says, or the code of why it says nothing.
    pub statement: Result<Statement, &'static str>,
    /// Whether it names a line that is empty or not there.
    pub lacks_line: bool,
}

/// What was found in a bundle.
pub struct Examined {
    pub n: u64,
    pub leaves: Vec<Seen>,
    /// Hashes of its leaves: of the entries, or of the tile where the entries could not be had.
    pub hashes: Option<Vec<Hash>>,
    pub problems: Vec<Problem>,
    /// Part lines that are there and right.
    pub lines: u64,
    pub part_file: Came,
}

/// Fetches a bundle's three files.
pub async fn fetch(files: &Files<'_>, n: u64, size: u64) -> Result<Asked, AuditError> {
    let width = tile::width(n, size);
    let limits = files.limits();
    let read = async |path: String, most, fresh| {
        let url = files.at(&path)?;
        Ok::<_, AuditError>((files.name(&url), files.read(&url, most, fresh).await?))
    };
    Ok(Asked {
        n,
        width,
        entries: read(tile::entries(n, width), limits.entry_bundle_bytes, false).await?,
        hashes: read(tile::tile(0, n, width), WIDTH * 32, false).await?,
        // A cache on the way may hold lines that were blanked since.
        parts: read(tile::parts(PUBLIC, n, width), limits.part_bundle_bytes, true).await?,
    })
}

impl Asked {
    /// Checks every byte of it: hashes, signatures, statements, lines of at most `longest` bytes.
    pub fn examine(self, key: &VerifyKey, longest: usize) -> Examined {
        let Asked { n, width, entries, hashes, parts } = self;
        let mut found =
            Examined { n, leaves: Vec::new(), hashes: None, problems: Vec::new(), lines: 0, part_file: Came::Unusable };
        let tile = found.whole(&hashes.0, hashes.1).and_then(|bytes| {
            tile::read_hashes(&bytes, width).map_err(|error| found.problem(error.code(), &hashes.0, error)).ok()
        });
        let raw = found.whole(&entries.0, entries.1).and_then(|bytes| {
            let removed = |nth: usize| tile.as_ref().and_then(|hashes| hashes.get(nth)).copied();
            verify::raw(&bytes, width, removed).map_err(|error| found.problem(error.code(), &entries.0, error)).ok()
        });
        let Some(raw) = raw else {
            found.hashes = tile;
            return found;
        };
        let made: Vec<Hash> = raw.iter().map(|raw| raw.hash).collect();
        if let Some(nth) = tile.and_then(|tile| tile.iter().zip(&made).position(|(there, made)| there != made)) {
            let index = n * WIDTH + nth as u64;
            found.problem(
                "tile-hash",
                &hashes.0,
                format!("its hash of entry {index} is not that of the entry in {}", entries.0),
            );
        }
        found.hashes = Some(made);
        found.leaves = raw.iter().map(|raw| seen(raw, key)).collect();
        found.parts(&parts.0, parts.1, longest);
        found
    }
}

fn seen(raw: &Raw, key: &VerifyKey) -> Seen {
    let statement = match raw.note.as_slice() {
        [] => Err("leaf-removed"),
        note => leaf::open(note, key).map_err(|verdict| verdict.code()),
    };
    Seen { statement, lacks_line: false }
}

impl Examined {
    fn problem(&mut self, code: &'static str, path: &str, what: impl ToString) {
        self.problems.push(Problem { code, path: path.to_owned(), what: what.to_string() });
    }

    fn whole(&mut self, path: &str, read: Read) -> Option<Vec<u8>> {
        match read {
            Read::Whole(bytes) => return Some(bytes),
            Read::Absent => self.problem("missing", path, "it is not there"),
            Read::Refused(code, what) => self.problem(code, path, what),
        }
        None
    }

    /// Each line against the digest in its leaf. The first that is wrong is named, and how many more there are.
    fn parts(&mut self, path: &str, read: Read, longest: usize) {
        let bytes = match read {
            // No file is as good as a file of empty lines, and says more plainly what was done.
            Read::Absent => {
                self.part_file = Came::Absent;
                self.leaves.iter_mut().for_each(|seen| seen.lacks_line = digest(seen).is_some());
                return;
            }
            Read::Refused(code, what) => return self.problem(code, path, what),
            Read::Whole(bytes) => bytes,
        };
        let lines = match tile::read_lines(&bytes, self.leaves.len() as u64, longest) {
            Ok(lines) => lines,
            Err(error) => return self.problem(error.code(), path, error),
        };
        self.part_file = Came::Whole;
        let (mut wrong, mut strange) = (Vec::new(), Vec::new());
        for (nth, (seen, line)) in self.leaves.iter_mut().zip(lines).enumerate() {
            match (digest(seen), line) {
                (named, "") => seen.lacks_line = named.is_some(),
                (Some(named), line) if *named == part::digest(line.as_bytes()) => self.lines += 1,
                (Some(_), _) => wrong.push(nth + 1),
                (None, _) => strange.push(nth + 1),
            }
        }
        let more = |lines: &[usize]| match lines.len() - 1 {
            0 => String::new(),
            others => format!(" ({others} more like it)"),
        };
        if let [first, ..] = wrong[..] {
            self.problem("part-digest", path, format!("line {first} is not the one its entry signs{}", more(&wrong)));
        }
        if let [first, ..] = strange[..] {
            self.problem(
                "part-unsigned",
                path,
                format!("line {first} stands where no entry names one{}", more(&strange)),
            );
        }
    }
}

fn digest(seen: &Seen) -> Option<&String> {
    seen.statement.as_ref().ok().and_then(|statement| statement.parts.get(PUBLIC))
}
