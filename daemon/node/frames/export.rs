//! A frozen frame's folder as files for researchers, in a folder of their own. Needs no hub: whoever has the frame can do it.

use super::verify::{self, Opened};
use super::{draw_file, read, refuse};
use crate::exchange::frame::{Export, Format, Origin, Written};
use anyhow::{Context, bail};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

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
    folder: &Path,
    sample: Option<&str>,
    formats: &BTreeSet<Format>,
    to: Option<&Path>,
) -> anyhow::Result<Exported> {
    let Opened { checked, frame, hub, draws } = verify::open(&read(folder)?);
    refuse(&checked)?;
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
        Some(to) => place(folder, to, |beside| {
            export.write(formats, &mut |name| Ok(Box::new(BufWriter::with_capacity(1 << 18, begin(beside, name)?))))
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

/// Fills a folder beside the wanted one and puts it in its place, so that nobody meets half of it.
fn place<T>(
    frozen: &Path,
    to: &Path,
    fill: impl FnOnce(&Path) -> Result<T, crate::exchange::frame::ExportError>,
) -> anyhow::Result<T> {
    if to.exists() {
        bail!("{} is there already; nothing was written", to.display());
    }
    let parent = match to.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let inside = parent.canonicalize().with_context(|| format!("there is no folder {}", parent.display()))?;
    if inside.starts_with(frozen.canonicalize()?) {
        bail!("{} lies in the frozen frame, to which nothing may be added", to.display());
    }
    let name = to.file_name().context("the folder to write has no name")?;
    let beside = parent.join(format!(".{}.part", name.to_string_lossy()));
    // What an earlier run left that was cut off.
    if beside.exists() {
        std::fs::remove_dir_all(&beside).with_context(|| format!("cannot clear {}", beside.display()))?;
    }
    std::fs::create_dir(&beside).with_context(|| format!("cannot make a folder in {}", parent.display()))?;
    let made = fill(&beside).map_err(anyhow::Error::from).and_then(|made| {
        std::fs::rename(&beside, to).with_context(|| format!("cannot put {} in its place", to.display()))?;
        Ok(made)
    });
    if made.is_err() {
        // The first error is the one to tell.
        let _ = std::fs::remove_dir_all(&beside);
    }
    made
}
