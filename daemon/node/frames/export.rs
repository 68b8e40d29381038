//! A frozen frame's folder as files for researchers, in a folder of their own. Needs no hub: whoever has the frame can do it.

use super::folder::{self, draw_file};
use super::verify::Opened;
use crate::exchange::frame::{Export, Format, Origin, Written};
use anyhow::{Context, bail};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;

/// What was written, or would be.
#[derive(Debug, Clone, Serialize)]
pub struct Exported {
    /// The frame's name.
    pub frame: String,
    /// SHA-256 (hex) of its bytes.
    pub digest: String,
    /// Its units.
    pub units: usize,
    /// The file of the draw that is with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample: Option<String>,
    /// Draws that the folder holds: the study by the draw's file.
    pub draws: BTreeMap<String, String>,
    /// The files.
    pub files: Vec<Written>,
    /// What a reader must know.
    pub cautions: Vec<String>,
}

/// Exports a frozen frame, with one of its draws where its file is named, such as `draws/1.txt` or only `1`. Into `to`, a folder that is not there yet and is put in
/// place whole; without one nothing is written, and what would be is told all the same.
///
/// # Errors
/// A frame that is not as it was frozen; a draw that is not there; a folder that is there; I/O errors.
pub fn export(
    home: &Path,
    sample: Option<&str>,
    formats: &BTreeSet<Format>,
    to: Option<&Path>,
) -> anyhow::Result<Exported> {
    let Opened { checked, frame, hub, draws } = folder::open(home)?;
    let (Some(frame), Some(hub), Some(digest), Some(frozen)) = (frame, hub, checked.digest, checked.frozen) else {
        bail!("this folder holds no frame")
    };
    let known: BTreeMap<String, String> =
        draws.iter().map(|(file, draw)| (file.clone(), draw.request.study.clone())).collect();
    let draw = match sample {
        None => None,
        Some(asked) => {
            let file = asked.parse().map_or_else(|_| asked.to_owned(), draw_file);
            let there = || format!("this frame has no draw {asked}: it has {}", draws.len());
            Some(draws.get_key_value(&file).with_context(there)?)
        }
    };
    let name = frame.definition.sample_frame_name.clone();
    let origin = Origin {
        digest: digest.clone(),
        frozen,
        hub: hub.id,
        hub_name: hub.document.name.clone(),
        licence: hub.document.licence.clone(),
    };
    let sample = draw.map(|(file, _)| file.clone());
    let export = Export::new(&frame, draw.map(|(file, draw)| (file.as_str(), draw)), origin)?;
    let files = match to {
        None => export.write(formats, &mut |_| Ok(Box::new(io::sink())))?,
        Some(to) if folder::above(to)?.starts_with(home.canonicalize()?) => {
            bail!("{} lies in the frozen frame, to which nothing may be added", to.display())
        }
        Some(to) => folder::place(to, |beside| {
            let mut open = |name: &str| -> io::Result<Box<dyn io::Write + Send>> {
                Ok(Box::new(BufWriter::with_capacity(1 << 18, begin(beside, name)?)))
            };
            Ok(export.write(formats, &mut open)?)
        })?,
    };
    let units = export.known.units.len();
    Ok(Exported { frame: name, digest, units, sample, draws: known, files, cautions: export.cautions() })
}

fn begin(folder: &Path, name: &str) -> io::Result<File> {
    let path = folder.join(name);
    path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
    File::create_new(path)
}
