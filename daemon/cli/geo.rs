//! `mutuald geo`

use super::output::count;
use super::{Answer, Context, Failure};
use crate::exchange::postcodes::{self, Layout, Row};
use crate::registry::normal;
use crate::store::postcodes::{About, Full, Gathered, Places, Postcodes};
use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

/// Where postcodes lie: the official file, for maps and distances at this hub
#[derive(Debug, clap::Subcommand)]
pub enum Geo {
    /// Load the official file of all postcodes, downloaded by you: Code-Point Open or the ONS Postcode Directory
    ///
    /// Without it distances are measured between the means of postcode sectors, and say so. With it they are exact to the
    /// postcode. It is used for showing and searching only, never for deciding which records are one group: all hubs must
    /// decide that alike. Loading again replaces it; the same file again changes nothing.
    Load {
        /// The zip as downloaded, one CSV out of it, or the folder it was unpacked to
        file: PathBuf,
    },
    /// Show what is loaded, or where a postcode lies
    Show {
        /// A postcode, or the first half of one
        postcode: Option<String>,
    },
}

#[derive(Serialize)]
struct Loaded {
    #[serde(flatten)]
    about: About,
    /// Whether anything was written.
    changed: bool,
    /// Rows of postcodes whose place their publisher does not know.
    without_place: u64,
    /// Rows that could not be read.
    unreadable: u64,
}

impl fmt::Display for Loaded {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = count(self.about.postcodes, "postcode", "postcodes");
        match self.changed {
            true => write!(out, "{}: {all} loaded.", self.about.title)?,
            false => {
                write!(out, "{}: {all}, as loaded on {}. Nothing was changed.", self.about.title, self.about.loaded)?
            }
        }
        if self.without_place > 0 {
            write!(out, " Of {} more the place is not known.", self.without_place)?;
        }
        if self.unreadable > 0 {
            write!(out, " {} could not be read.", count(self.unreadable, "row", "rows"))?;
        }
        write!(out, "\n{}", self.about.attribution)
    }
}

#[derive(Serialize)]
struct Shown {
    loaded: Option<About>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<Place>,
}

/// Where a postcode lies.
#[derive(Serialize)]
struct Place {
    postcode: String,
    latitude: f64,
    longitude: f64,
    /// unit, sector or outcode.
    precision: &'static str,
    /// GSS code; exact only where the precision is unit.
    district: String,
    #[serde(skip)]
    means: &'static str,
}

impl fmt::Display for Shown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            let probably = if place.precision == "unit" { "" } else { "probably " };
            let (lat, lon) = (place.latitude, place.longitude);
            writeln!(out, "{}: {lat:.5}, {lon:.5} ({})", place.postcode, place.means)?;
            if !place.district.is_empty() {
                writeln!(out, "Local authority: {probably}{}", place.district)?;
            }
            writeln!(out)?;
        }
        match &self.loaded {
            Some(about) => write!(
                out,
                "{}, from {}: {} loaded on {}.\n{}",
                about.title,
                about.source,
                count(about.postcodes, "postcode", "postcodes"),
                about.loaded,
                about.attribution
            ),
            None => write!(
                out,
                "No file is loaded: places are means of postcode sectors, half of them within 0.7 km and one in twenty further than \
                 4.6 km off. Download Code-Point Open or the ONS Postcode Directory, then: mutuald geo load FILE"
            ),
        }
    }
}

/// Why a file was not loaded.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoadError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Full(#[from] Full),
    #[error("the archive cannot be read: {0}")]
    Zip(#[from] zip::result::ZipError),
}

/// Most bytes that are read of all files of one load: ten times the ONS directory. An archive says little of what it unpacks to.
const BYTES: u64 = 16 << 30;

/// What was read so far.
struct Load<'a> {
    gathered: Gathered,
    layout: Option<Layout>,
    without_place: u64,
    unreadable: u64,
    left: u64,
    bar: &'a ProgressBar,
}

impl Load<'_> {
    fn path(&mut self, path: &Path) -> Result<(), LoadError> {
        if path.is_dir() {
            let mut inside: Vec<PathBuf> =
                std::fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
            inside.sort();
            inside.iter().filter(|path| path.is_dir() || wanted(path)).try_for_each(|path| self.path(path))
        } else if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("zip")) {
            let mut archive = zip::ZipArchive::new(BufReader::new(File::open(path)?))?;
            for at in 0..archive.len() {
                let entry = archive.by_index(at)?;
                if entry.is_file() && wanted(Path::new(entry.name()?.as_ref())) {
                    self.file(entry)?;
                }
            }
            Ok(())
        } else {
            self.file(File::open(path)?)
        }
    }

    fn file(&mut self, bytes: impl Read) -> Result<(), LoadError> {
        let mut taken = Counted { inner: bytes, bar: self.bar, left: self.left };
        let (gathered, nowhere, unreadable) = (&mut self.gathered, &mut self.without_place, &mut self.unreadable);
        let layout = postcodes::read::<LoadError>(BufReader::with_capacity(1 << 16, &mut taken), |row| {
            match row {
                Row::Place(postcode, point, district) => gathered.add(&postcode, point, district)?,
                Row::Nowhere => *nowhere += 1,
                Row::Unreadable => *unreadable += 1,
            }
            Ok(())
        })?;
        self.left = taken.left;
        self.layout = self.layout.or(layout);
        Ok(())
    }
}

/// Counts bytes for the bar, and ends before there are too many.
struct Counted<'a, R> {
    inner: R,
    bar: &'a ProgressBar,
    left: u64,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(to)?;
        self.left =
            self.left.checked_sub(read as u64).ok_or_else(|| io::Error::other("it unpacks to more than 16 GiB"))?;
        self.bar.inc(read as u64);
        Ok(read)
    }
}

/// Whether a file may hold postcodes: ONS gives its directory whole and again in pieces, and lists of names beside it.
fn wanted(path: &Path) -> bool {
    let csv = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
    let part =
        |name: &std::ffi::OsStr| ["multi_csv", "documents", "doc"].iter().any(|part| name.eq_ignore_ascii_case(part));
    csv && !path.components().any(|component| part(component.as_os_str()))
}

impl Geo {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let config = context.config()?;
        let state = &config.hub.state;
        match self {
            Geo::Load { file } => {
                let bar = ProgressBar::no_length()
                    .with_style(ProgressStyle::with_template("Reading {bytes} {spinner} {bytes_per_sec}")?);
                let mut load = Load {
                    gathered: Gathered::default(),
                    layout: None,
                    without_place: 0,
                    unreadable: 0,
                    left: BYTES,
                    bar: &bar,
                };
                let read = load.path(&file);
                bar.finish_and_clear();
                read.with_context(|| format!("{} was not loaded; what was loaded before stays", file.display()))?;
                let Some(layout) = load.layout.filter(|_| !load.gathered.is_empty()) else {
                    let what =
                        format!("{} holds no postcodes in a layout that is known; nothing was changed", file.display());
                    let next =
                        "give the zip of Code-Point Open (CSV) or of the ONS Postcode Directory as it was downloaded";
                    return Err(Failure::new(what, next).into());
                };
                let today = context.clock.today(&config.time_zone()?);
                let source = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let (without_place, unreadable) = (load.without_place, load.unreadable);
                let (about, changed) = load
                    .gathered
                    .write(state, layout.title(), layout.attribution(), &source, today)
                    .with_context(|| format!("cannot write into {}", state.display()))?;
                Answer::of(&Loaded { about, changed, without_place, unreadable })
            }
            Geo::Show { postcode } => {
                let loaded = Postcodes::open(state)?.map(|file| file.about);
                let place = match postcode {
                    None => None,
                    Some(text) => {
                        let (postcode, spot) = located(&Places::of(state), &text)?;
                        Some(Place {
                            postcode,
                            latitude: f64::from(spot.point.lat) / 1e5,
                            longitude: f64::from(spot.point.lon) / 1e5,
                            precision: spot.point.precision.label(),
                            means: spot.point.precision.words(),
                            district: spot.district,
                        })
                    }
                };
                Answer::of(&Shown { loaded, place })
            }
        }
    }
}

/// A postcode that a person typed, as it is written, and where it lies.
///
/// # Errors
/// No postcode, or one whose place is not known.
pub fn located(places: &Places, text: &str) -> anyhow::Result<(String, crate::store::postcodes::Spot)> {
    let postcode = normal::postcode(text).ok_or_else(|| {
        Failure::usage(
            format!("{text:?} is not a UK postcode or the first half of one"),
            "write it as in 'NG1 7DP' or NG1",
        )
    })?;
    let shown = [Some(postcode.outward.as_str()), postcode.inward.as_deref()]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" ");
    let spot = places.locate(&postcode).ok_or_else(|| {
        Failure::new(
            format!("where {shown} lies is not known here"),
            "the embedded table has Great Britain; `mutuald geo load` with the ONS Postcode Directory adds Northern Ireland",
        )
    })?;
    Ok((shown, spot))
}
