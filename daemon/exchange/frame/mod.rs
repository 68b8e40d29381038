//! Frozen frames and draws for researchers: one set of tables in the formats that their programs, archives and journals take.
//!
//! * [`table`] is what every format writes; [`frame_tables`] and [`draw_tables`] are the tables there are;
//! * `delimited` writes CSV, `workbook` XLSX, `parquet` Parquet;
//! * `package` (Data Package), `csvw`, `ddi` and `crates` (RO-Crate) describe the CSV files to programs, `codebook` to people;
//! * `design` declares how the sample was drawn, for R, Stata and Python; `cite` says how all this is cited.
//!
//! The same frame gives the same bytes: every date in them is the frame's or the draw's. No name, contact, place or free text about
//! a group is in them; `schema/visibility.json` lists every column, and one that is not listed fails a test.

mod cite;
mod codebook;
mod crates;
mod csvw;
mod ddi;
mod delimited;
mod design;
pub mod draw_tables;
pub mod frame_tables;
mod package;
#[cfg(feature = "parquet")]
mod parquet;
pub mod table;
mod workbook;

use crate::frame::citation::{CFF, DATACITE};
use crate::frame::draw::Draw;
use crate::frame::frozen::Frame;
use crate::frame::sample::SampleError;
use crate::record::HubId;
use delimited::Tally;
use draw_tables::Drawn;
use frame_tables::Known;
use jiff::Timestamp;
use jiff::civil::Date;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use table::Table;

/// In what form a frame is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Format {
    /// CSV files with a Frictionless Data Package (version 2) and a codebook
    Package,
    /// One workbook for Excel and LibreOffice
    Xlsx,
    /// Parquet files, for large analyses
    Parquet,
    /// The same CSV files described as DDI Codebook 2.5, for data archives
    Ddi,
    /// The same CSV files described as CSV on the Web
    Csvw,
    /// A description of the whole folder as an RO-Crate 1.1
    RoCrate,
    /// Everything
    All,
}

/// Why an export fails.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A file cannot be written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A workbook that cannot hold the frame: it has room for 1,048,575 rows.
    #[error("the workbook cannot be written: {0}")]
    Xlsx(#[from] rust_xlsxwriter::XlsxError),
    /// A Parquet file that cannot be written.
    #[error("the Parquet file cannot be written: {0}")]
    Parquet(String),
    /// This program was built without Parquet.
    #[error("this mutuald was built without Parquet")]
    NoParquet,
    /// A draw that is not of the frame.
    #[error(transparent)]
    Sample(#[from] SampleError),
}

impl ExportError {
    /// Stable kebab-case code.
    pub fn code(&self) -> &'static str {
        match self {
            ExportError::Io(_) => "export-io",
            ExportError::Xlsx(_) => "export-xlsx",
            ExportError::Parquet(_) => "export-parquet",
            ExportError::NoParquet => "export-no-parquet",
            ExportError::Sample(error) => error.code(),
        }
    }
}

impl From<csv::Error> for ExportError {
    fn from(error: csv::Error) -> ExportError {
        ExportError::Io(error.into())
    }
}

/// Who froze a frame, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// SHA-256 (hex) of the frame's bytes, by which it is cited.
    pub digest: String,
    /// When it was frozen.
    pub frozen: Timestamp,
    /// The hub that signed it.
    pub hub: HubId,
    /// Its name.
    pub hub_name: String,
    /// Under which licence the hub publishes: an SPDX id or an address.
    pub licence: String,
}

/// A frame, and a draw from it where one is exported with it.
pub struct Export<'a> {
    /// The frame, worked out.
    pub known: Known<'a>,
    /// The draw.
    pub drawn: Option<Drawn<'a>>,
    /// Who froze it.
    pub origin: Origin,
}

/// A file of an export.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Written {
    /// Its name in the folder.
    pub file: String,
    /// What it is, for people.
    pub title: String,
    /// What it is, as a media type.
    pub media: &'static str,
    /// How long, in bytes.
    pub bytes: u64,
    /// SHA-256 (hex).
    pub sha256: String,
    /// Rows of a table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<usize>,
}

/// Where the files go: `open` begins one of a name.
pub type Open<'o> = &'o mut dyn FnMut(&str) -> io::Result<Box<dyn Write + Send>>;

/// Counts and hashes what is written.
struct Counted {
    to: Box<dyn Write + Send>,
    bytes: u64,
    hash: Sha256,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.to.write(bytes)?;
        self.bytes += n as u64;
        self.hash.update(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// A table that was written as CSV.
struct File<'a, 't> {
    table: &'t Table<'a>,
    tally: Tally,
    written: Written,
}

/// The files so far.
struct Folder<'o> {
    open: Open<'o>,
    files: Vec<Written>,
}

impl Folder<'_> {
    /// Writes a file; gives what `fill` gives, and the file's place among all.
    fn file<T>(
        &mut self,
        (file, title, media): (&str, &str, &'static str),
        rows: Option<usize>,
        fill: impl FnOnce(&mut Counted) -> Result<T, ExportError>,
    ) -> Result<T, ExportError> {
        let mut to = Counted { to: (self.open)(file)?, bytes: 0, hash: Sha256::new() };
        let made = fill(&mut to)?;
        to.flush()?;
        let (file, title) = (file.to_owned(), title.to_owned());
        self.files.push(Written { file, title, media, bytes: to.bytes, sha256: hex::encode(to.hash.finalize()), rows });
        Ok(made)
    }

    fn text(&mut self, what: (&str, &str, &'static str), text: &str) -> Result<(), ExportError> {
        self.file(what, None, |to| Ok(to.write_all(text.as_bytes())?))
    }
}

const CSV: &str = "text/csv";
const JSON: &str = "application/json";
const PLAIN: &str = "text/plain";

impl<'a> Export<'a> {
    /// A frame, and a draw from it with the name of its file.
    ///
    /// # Errors
    /// A draw that is not of the frame.
    pub fn new(frame: &'a Frame, draw: Option<(&'a str, &'a Draw)>, origin: Origin) -> Result<Export<'a>, ExportError> {
        let known = Known::of(frame);
        let drawn = draw.map(|(file, draw)| Drawn::of(&known, file, draw)).transpose()?;
        Ok(Export { known, drawn, origin })
    }

    /// All its tables.
    pub fn tables(&self) -> Vec<Table<'_>> {
        let mut all = frame_tables::tables(&self.known);
        all.extend(self.drawn.iter().flat_map(|drawn| draw_tables::tables(&self.known, drawn)));
        all
    }

    /// Writes the files of some formats, in the order of [`Written`]: those that describe others after them.
    ///
    /// # Errors
    /// A file that cannot be written, or a format that this program was built without.
    pub fn write(&self, formats: &BTreeSet<Format>, open: Open) -> Result<Vec<Written>, ExportError> {
        let wanted = |format| formats.contains(&format) || formats.contains(&Format::All);
        let described = [Format::Package, Format::Ddi, Format::Csvw];
        let tables = self.tables();
        let mut folder = Folder { open, files: Vec::new() };
        let mut files: Vec<File> = Vec::new();
        if described.into_iter().any(wanted) {
            for table in &tables {
                let what = (&*format!("data/{}.csv", table.name), table.title, CSV);
                let tally = folder.file(what, Some(table.count), |to| delimited::write(table, to))?;
                let written = folder.files.last().cloned();
                files.extend(written.map(|written| File { table, tally, written }));
            }
        }
        if wanted(Format::Parquet) {
            self.parquet(&tables, &mut folder)?;
        }
        if wanted(Format::Xlsx) {
            let media = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
            folder.file(("frame.xlsx", "All tables as a workbook", media), None, |to| {
                workbook::write(self, &tables, to)
            })?;
        }
        if let Some(drawn) = self.drawn.as_ref().filter(|_| !files.is_empty()) {
            folder.text(("design.R", "The sample's design, for R", PLAIN), &design::r(drawn))?;
            folder.text(("design.do", "The sample's design, for Stata", PLAIN), &design::stata(drawn))?;
            folder.text(("design.py", "The sample's design, for Python", PLAIN), &design::python(drawn))?;
        }
        let cited = cite::citation(self);
        folder.text((CFF, "How to cite this", "text/yaml"), &cited.cff())?;
        folder.text((DATACITE, "How to register this for a DOI", JSON), &format!("{:#}\n", cited.datacite()))?;
        if wanted(Format::Package) {
            let page = codebook::page(self, &files);
            folder.text(("codebook.html", "What every column means, for people", "text/html"), &page)?;
            let what = ("datapackage.json", "What every column means, for programs: Data Package", JSON);
            folder.text(what, &package::descriptor(self, &files))?;
        }
        if wanted(Format::Csvw) {
            let what = ("csv-metadata.json", "The CSV files as CSV on the Web", "application/csvm+json");
            folder.text(what, &csvw::metadata(self, &files))?;
        }
        if wanted(Format::Ddi) {
            let what = ("ddi-codebook.xml", "The study and its files as DDI Codebook 2.5", "application/xml");
            folder.file(what, None, |to| ddi::write(self, &files, to))?;
        }
        folder.text(("README.md", "What this folder is", "text/markdown"), &cite::readme(self, &folder.files))?;
        if wanted(Format::RoCrate) {
            let text = crates::metadata(self, &folder.files);
            folder.text(("ro-crate-metadata.json", "The folder as an RO-Crate", "application/ld+json"), &text)?;
        }
        Ok(folder.files)
    }

    #[cfg(feature = "parquet")]
    fn parquet(&self, tables: &[Table], folder: &mut Folder) -> Result<(), ExportError> {
        tables.iter().try_for_each(|table| {
            let what = (&*format!("parquet/{}.parquet", table.name), table.title, "application/vnd.apache.parquet");
            folder.file(what, Some(table.count), |to| parquet::write(table, to))
        })
    }

    #[cfg(not(feature = "parquet"))]
    fn parquet(&self, _: &[Table], _: &mut Folder) -> Result<(), ExportError> {
        Err(ExportError::NoParquet)
    }

    /// Short name: small letters, digits and hyphens.
    fn name(&self) -> String {
        let plain = |text: &str| -> String {
            text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect()
        };
        let name = plain(&self.known.frame.definition.sample_frame_name);
        match &self.drawn {
            None => name,
            Some(drawn) => format!("{name}-{}", plain(drawn.file.trim_end_matches(".txt"))),
        }
    }

    fn title(&self) -> String {
        let definition = &self.known.frame.definition;
        let frame = definition.labl.as_ref().unwrap_or(&definition.sample_frame_name);
        match &self.drawn {
            None => format!("Sampling frame {frame}"),
            Some(drawn) => format!("Sampling frame {frame}, with the sample drawn for {}", drawn.draw.request.study),
        }
    }

    /// What it is, in a few sentences.
    fn about(&self) -> String {
        let frame = self.known.frame;
        let (units, groups) = (self.known.units.len(), frame.rows.len());
        let own = frame.definition.txt.as_ref().map(|text| format!("{} ", text.trim())).unwrap_or_default();
        let drawn = self.drawn.as_ref().map(|drawn| format!(" {}", draw_tables::in_words(drawn))).unwrap_or_default();
        format!(
            "{own}{}: {units} units of {groups} groups that were judged for {} by the rules {}.{drawn}",
            frame.definition.universe.trim().trim_end_matches('.'),
            frame.definition.as_of,
            frame.profile.cited(),
        )
    }

    /// What a reader must know before using the numbers; empty where there is nothing.
    pub fn cautions(&self) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        if let Some(drawn) = &self.drawn {
            all.extend(drawn.draw.request.design.caution().map(str::to_owned));
            let without: Vec<&str> =
                drawn.strata.iter().filter(|(_, _, taken)| *taken == 0).map(|(name, ..)| name.as_str()).collect();
            if !without.is_empty() {
                all.push(format!(
                    "Nothing was drawn from the strata {}: no estimate speaks of them.",
                    without.join("; ")
                ));
            }
        }
        let unnamed = self.known.unnamed();
        if unnamed > 0 {
            all.push(format!("{unnamed} of the sources go without their name, which may be a person's."));
        }
        all
    }

    /// The day on which it came to be.
    fn day(&self) -> Date {
        let at = self.drawn.as_ref().map_or(self.origin.frozen, |drawn| drawn.draw.request.commitment.at);
        at.to_zoned(jiff::tz::TimeZone::UTC).date()
    }

    /// When it came to be.
    fn moment(&self) -> Timestamp {
        self.drawn.as_ref().map_or(self.origin.frozen, |drawn| drawn.draw.request.commitment.at)
    }

    /// What it is known by: the digests of frame and draw.
    fn digests(&self) -> BTreeMap<&'static str, &str> {
        let draw = self.drawn.as_ref().map(|drawn| ("draw", drawn.digest.as_str()));
        std::iter::once(("frame", self.origin.digest.as_str())).chain(draw).collect()
    }

    /// The licence's address.
    fn licence_url(&self) -> String {
        let licence = &self.origin.licence;
        if licence.contains("://") { licence.clone() } else { format!("https://spdx.org/licenses/{licence}") }
    }
}
