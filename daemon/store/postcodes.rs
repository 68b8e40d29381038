//! Where every postcode lies: the official file that a hub may load, packed into one file of its own in the state folder.
//!
//! It serves display and distances here, and nothing that hubs must agree on: no backup needs it, no digest knows it. The
//! file is a head of JSON and one entry of 18 bytes for each postcode, sorted, so that a look-up is some twenty small reads
//! and nothing is kept in memory. Not SQLite: rows that never change and are found by one key need no more.

use crate::registry::geo::{self, Point, Precision};
use crate::registry::normal::{self, Postcode};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Its name in the state folder.
pub const FILE: &str = "postcodes.bin";
/// First bytes of it; the digit is the version of its form.
const MAGIC: &[u8; 8] = b"mutpost1";
/// Bytes of an entry: postcode 8, latitude 4, longitude 4, district's number 2; all big-endian.
const ENTRY: u64 = 18;
/// Most postcodes that are taken: half as many again as were ever in use (2.7 million). Bounds memory while loading, at 24 bytes each.
pub const MOST: usize = 4_000_000;
/// Longest head, in bytes: some 400 districts of nine letters, many times over.
const HEAD: u32 = 1 << 20;

/// What is known of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// What its publisher calls the file it was made from.
    pub title: String,
    /// The name of that file.
    pub source: String,
    /// The words that its licence wants.
    pub attribution: String,
    /// When it was loaded.
    pub loaded: jiff::civil::Date,
    /// Postcodes in it.
    pub postcodes: u64,
    /// SHA-256 (hex) of the entries.
    pub digest: String,
    /// Codes of the districts, by number.
    districts: Vec<String>,
}

/// Where a postcode lies, as well as is known here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// The place, with its precision.
    pub point: Point,
    /// GSS code of the local authority: exact with [`Precision::Unit`], the commonest one around otherwise.
    pub district: String,
}

/// Postcodes on their way into the file.
#[derive(Debug, Default)]
pub struct Gathered {
    entries: Vec<(u64, i32, i32, u16)>,
    districts: Vec<String>,
    numbers: std::collections::BTreeMap<String, u16>,
}

/// Why a postcode cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum Full {
    /// Too many of them.
    #[error("it names more than {MOST} postcodes")]
    Postcodes,
    /// Too many districts.
    #[error("it names more districts than there can be")]
    Districts,
}

impl Gathered {
    /// Adds a postcode; of one that comes twice, the first stays.
    ///
    /// # Errors
    /// [`Full`].
    pub fn add(&mut self, postcode: &Postcode, point: Point, district: String) -> Result<(), Full> {
        let Some(key) = key(postcode) else { return Ok(()) };
        if self.entries.len() >= MOST {
            return Err(Full::Postcodes);
        }
        let number = match self.numbers.get(&district) {
            Some(number) => *number,
            None => {
                let number = u16::try_from(self.districts.len()).map_err(|_| Full::Districts)?;
                self.districts.push(district.clone());
                self.numbers.insert(district, number);
                number
            }
        };
        self.entries.push((key, point.lat, point.lon, number));
        Ok(())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Writes the file whole, aside and then in its place, so that the one before stays in use until this one stands.
    /// The flag is false when what is there holds the same already; then nothing is written.
    ///
    /// # Errors
    /// I/O errors.
    pub fn write(
        mut self,
        state: &Path,
        title: &str,
        attribution: &str,
        source: &str,
        today: jiff::civil::Date,
    ) -> io::Result<(About, bool)> {
        // Stable: of one postcode the first that came stays.
        self.entries.sort_by_key(|(key, ..)| *key);
        self.entries.dedup_by_key(|(key, ..)| *key);
        let mut hash = Sha256::new();
        for district in &self.districts {
            hash.update(district);
            hash.update(b"\n");
        }
        self.entries.iter().for_each(|entry| hash.update(packed(entry)));
        let about = About {
            title: title.to_owned(),
            source: source.to_owned(),
            attribution: attribution.to_owned(),
            loaded: today,
            postcodes: self.entries.len() as u64,
            digest: hex::encode(hash.finalize()),
            districts: self.districts,
        };
        if let Ok(Some(there)) = Postcodes::open(state)
            && there.about.digest == about.digest
        {
            return Ok((there.about, false));
        }
        let head = serde_json::to_vec(&about)?;
        let (file, aside) = (state.join(FILE), state.join(format!("{FILE}.new")));
        let mut out = BufWriter::new(File::create(&aside)?);
        out.write_all(MAGIC)?;
        out.write_all(&(head.len() as u32).to_be_bytes())?;
        out.write_all(&head)?;
        for entry in &self.entries {
            out.write_all(&packed(entry))?;
        }
        // On the disk before it takes the other's place: a power cut leaves the old or the new, never half.
        out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        std::fs::rename(&aside, &file)?;
        File::open(state)?.sync_all()?;
        Ok((about, true))
    }
}

fn packed((key, lat, lon, district): &(u64, i32, i32, u16)) -> [u8; ENTRY as usize] {
    let mut entry = [0; ENTRY as usize];
    entry[..8].copy_from_slice(&key.to_be_bytes());
    entry[8..12].copy_from_slice(&lat.to_be_bytes());
    entry[12..16].copy_from_slice(&lon.to_be_bytes());
    entry[16..].copy_from_slice(&district.to_be_bytes());
    entry
}

/// A full postcode as a number whose order is that of the texts; `None` of an outward code.
fn key(postcode: &Postcode) -> Option<u64> {
    let inward = postcode.inward.as_ref()?;
    let mut key = [0; 8];
    let text = [postcode.outward.as_bytes(), inward.as_bytes()].concat();
    key.get_mut(..text.len())?.copy_from_slice(&text);
    Some(u64::from_be_bytes(key))
}

/// The file, open.
#[derive(Debug)]
pub struct Postcodes {
    file: File,
    start: u64,
    /// What is known of it.
    pub about: About,
}

impl Postcodes {
    /// Opens a hub's file; `None` when it has none.
    ///
    /// # Errors
    /// I/O errors, and a file that is none of ours or is cut off.
    pub fn open(state: &Path) -> io::Result<Option<Postcodes>> {
        let path: PathBuf = state.join(FILE);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let damaged = || {
            io::Error::new(
                io::ErrorKind::InvalidData,
                format!("{} is damaged; load it again with `mutuald geo load FILE`", path.display()),
            )
        };
        let mut first = [0; 12];
        file.read_exact_at(&mut first, 0).map_err(|_| damaged())?;
        let length = u32::from_be_bytes(first[8..].try_into().map_err(|_| damaged())?);
        if first[..8] != MAGIC[..] || length > HEAD {
            return Err(damaged());
        }
        let mut head = vec![0; length as usize];
        file.read_exact_at(&mut head, 12).map_err(|_| damaged())?;
        let about: About = serde_json::from_slice(&head).map_err(|_| damaged())?;
        let start = 12 + u64::from(length);
        let whole = about.postcodes.checked_mul(ENTRY).and_then(|size| size.checked_add(start));
        if whole != Some(file.metadata()?.len()) {
            return Err(damaged());
        }
        Ok(Some(Postcodes { file, start, about }))
    }

    /// A full postcode's own place; `None` when the file has it not.
    ///
    /// # Errors
    /// I/O errors.
    pub fn find(&self, postcode: &Postcode) -> io::Result<Option<Spot>> {
        let Some(wanted) = key(postcode) else { return Ok(None) };
        let (mut low, mut high) = (0, self.about.postcodes);
        while low < high {
            let middle = low + (high - low) / 2;
            let mut entry = [0; ENTRY as usize];
            self.file.read_exact_at(&mut entry, self.start + middle * ENTRY)?;
            let four = |at: usize| i32::from_be_bytes([entry[at], entry[at + 1], entry[at + 2], entry[at + 3]]);
            let mut found = [0; 8];
            found.copy_from_slice(&entry[..8]);
            match u64::from_be_bytes(found).cmp(&wanted) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => {
                    let number = usize::from(u16::from_be_bytes([entry[16], entry[17]]));
                    let district = self.about.districts.get(number).cloned().unwrap_or_default();
                    let point = Point { lat: four(8), lon: four(12), precision: Precision::Unit };
                    return Ok(Some(Spot { point, district }));
                }
            }
        }
        Ok(None)
    }
}

/// Places of postcodes as well as this hub knows them: the loaded file where there is one, the embedded means otherwise.
#[derive(Debug, Default)]
pub struct Places {
    exact: Option<Postcodes>,
}

impl Places {
    /// With a hub's file, if it has one. One that cannot be read is as good as none: the embedded table still answers, and
    /// says how precise it is. `mutuald geo show` says what is wrong.
    pub fn of(state: &Path) -> Places {
        let exact = Postcodes::open(state).unwrap_or_else(|error| {
            tracing::warn!(%error, "the loaded postcodes are not used");
            None
        });
        Places { exact }
    }

    /// Where a postcode or an outward code lies; `None` where nothing here knows.
    pub fn locate(&self, postcode: &Postcode) -> Option<Spot> {
        let exact = self.exact.as_ref().and_then(|exact| exact.find(postcode).ok().flatten());
        exact.or_else(|| self.about(postcode))
    }

    /// The same by the embedded means alone: no file is read.
    pub fn about(&self, postcode: &Postcode) -> Option<Spot> {
        geo::locate(postcode).map(|located| Spot { point: located.point, district: located.area.to_owned() })
    }

    /// How far a listed place ("Beeston NG9 1AA") lies from a spot, if it names a postcode that is known and is not further than
    /// so many metres.
    pub fn within(&self, from: &Spot, place: &str, metres: u32) -> Option<Distance> {
        let postcode = postcode_of(place)?;
        // One in a hundred lies further than this from its sector's mean; so much further, no file need be asked.
        let beyond = metres.saturating_add(30_000);
        if self.about(&postcode).is_some_and(|about| about.point.metres(from.point) > beyond) {
            return None;
        }
        let to = self.locate(&postcode)?.point;
        let distance = Distance { metres: to.metres(from.point), precision: to.precision.max(from.point.precision) };
        (distance.metres <= metres).then_some(distance)
    }

    /// Whether a file is loaded.
    pub fn exact(&self) -> Option<&About> {
        self.exact.as_ref().map(|exact| &exact.about)
    }
}

/// Metres of a mile.
const MILE: f64 = 1_609.344;

/// Miles as metres.
pub fn metres(miles: f64) -> u32 {
    (miles.clamp(0.0, 1_000.0) * MILE).round() as u32
}

/// How far apart two places are, and how well that is known: as well as the less precise of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Distance {
    /// Metres.
    pub metres: u32,
    /// Precision.
    pub precision: Precision,
}

impl Distance {
    /// Miles, to a tenth.
    pub fn miles(self) -> f64 {
        (f64::from(self.metres) / MILE * 10.0).round() / 10.0
    }

    /// In words that claim no more than is known: "2.3 miles"; "about 2 miles" where a place is a mean.
    pub fn words(self) -> String {
        let miles = self.miles();
        match self.precision {
            Precision::Exact | Precision::Unit if miles == 1.0 => "1 mile".to_owned(),
            Precision::Exact | Precision::Unit => format!("{miles} miles"),
            _ if miles < 1.5 => "about a mile or less".to_owned(),
            _ => format!("about {miles:.0} miles"),
        }
    }
}

/// The postcode at the end of a listed place: "Beeston NG9 1AA", "Newport NP20".
pub fn postcode_of(place: &str) -> Option<Postcode> {
    let mut words = place.split_whitespace().rev();
    let last = words.next()?;
    let two = words.next().and_then(|before| normal::postcode(&format!("{before}{last}")));
    two.filter(|postcode| postcode.inward.is_some()).or_else(|| normal::postcode(last))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::normal::postcode;

    fn code(text: &str) -> Postcode {
        postcode(text).unwrap()
    }

    fn gathered(all: &[(&str, f64, f64, &str)]) -> Gathered {
        let mut gathered = Gathered::default();
        for (text, lat, lon, district) in all {
            gathered.add(&code(text), Point::stated(*lat, *lon).unwrap(), (*district).to_owned()).unwrap();
        }
        gathered
    }

    const DAY: jiff::civil::Date = jiff::civil::Date::constant(2026, 11, 22);

    #[test]
    fn what_is_loaded_is_found_and_what_is_not_is_answered_less_precisely() {
        let state = tempfile::tempdir().unwrap();
        assert!(Postcodes::open(state.path()).unwrap().is_none());
        assert_eq!(Places::of(state.path()).locate(&code("NG1 7DP")).unwrap().point.precision, Precision::Sector);
        let all = [
            ("ng17dp", 52.9536, -1.1505, "E06000018"),
            ("BT1 5GS", 54.597, -5.93, "N09000003"),
            ("NG1 7DP", 1.0, 1.0, "E06000018"),
            ("ZE3 9JZ", 59.88, -1.29, ""),
            ("AB10 1AB", 57.15, -2.1, "S12000033"),
        ];
        let (about, fresh) = gathered(&all).write(state.path(), "T", "A", "t.csv", DAY).unwrap();
        assert_eq!((about.postcodes, fresh), (4, true));
        let places = Places::of(state.path());
        for (text, lat, district) in [("NG1 7DP", 5_295_360, "E06000018"), ("BT1 5GS", 5_459_700, "N09000003")] {
            let spot = places.locate(&code(text)).unwrap();
            assert_eq!((spot.point.lat, spot.point.precision, &spot.district[..]), (lat, Precision::Unit, district));
        }
        assert_eq!(places.locate(&code("ZE3 9JZ")).unwrap().district, "");
        assert_eq!(places.locate(&code("NG1 7DQ")).unwrap().point.precision, Precision::Sector);
        assert_eq!(places.locate(&code("NG1")).unwrap().point.precision, Precision::Outcode);
        assert_eq!(places.locate(&code("BT1 5GZ")), None);
        let (_, fresh) = gathered(&all).write(state.path(), "T", "A", "t.csv", DAY).unwrap();
        assert!(!fresh, "the same again changes nothing");
    }

    #[test]
    fn a_distance_claims_no_more_than_is_known() {
        let state = tempfile::tempdir().unwrap();
        let near = [("NG1 7DP", 52.9536, -1.1505, "E06000018"), ("NG9 1AA", 52.9270, -1.2150, "E07000172")];
        let from = |places: &Places| places.locate(&code("NG1 7DP")).unwrap();
        let means = Places::of(state.path());
        let about = means.within(&from(&means), "Beeston NG9 1AA", metres(5.0)).unwrap();
        assert_eq!(about.precision, Precision::Sector);
        assert!(about.words().starts_with("about "), "{}", about.words());
        gathered(&near).write(state.path(), "T", "A", "t.csv", DAY).unwrap();
        let exact = Places::of(state.path());
        let found = exact.within(&from(&exact), "Beeston NG9 1AA", metres(5.0)).unwrap();
        assert_eq!((found.precision, &found.words()[..]), (Precision::Unit, "3.3 miles"));
        assert_eq!(exact.within(&from(&exact), "Beeston NG9 1AA", metres(3.0)), None);
        // One end exact, the other a mean: a mean.
        assert_eq!(
            exact.within(&from(&exact), "Nottingham NG1 7DQ", metres(3.0)).unwrap().precision,
            Precision::Sector
        );
        for nowhere in ["", "Beeston", "Beeston XX1 1AA"] {
            assert_eq!(exact.within(&from(&exact), nowhere, metres(50.0)), None);
        }
        assert_eq!(postcode_of("Newport NP20").unwrap().outward, "NP20");
    }

    #[test]
    fn a_damaged_file_is_said_and_never_believed() {
        let state = tempfile::tempdir().unwrap();
        gathered(&[("NG1 7DP", 52.95, -1.15, "E06000018")]).write(state.path(), "T", "A", "t.csv", DAY).unwrap();
        let path = state.path().join(FILE);
        let whole = std::fs::read(&path).unwrap();
        for damaged in [&whole[..whole.len() - 1], &whole[..5], b"something else", b""] {
            std::fs::write(&path, damaged).unwrap();
            assert!(Postcodes::open(state.path()).is_err());
            assert_eq!(Places::of(state.path()).locate(&code("NG1 7DP")).unwrap().point.precision, Precision::Sector);
        }
    }
}
