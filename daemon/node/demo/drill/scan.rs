//! The byte scan of the drill: in which files of a folder words stand, whatever the files are called.
//!
//! `tests/audit` of the source looks deeper (spreadsheets, full-text indexes); this one needs nothing but the program.

use anyhow::Context;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Bytes unpacked of one file.
const MOST: u64 = 256 << 20;

/// The files in which one of the words stands, packed files included; telephone numbers also without blanks.
pub(super) fn places(folder: &Path, words: &[String]) -> anyhow::Result<Vec<PathBuf>> {
    let needles: Vec<String> = words.iter().flat_map(|word| forms(word)).collect();
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            // A daemon at work may take a file away under our eyes; what is gone holds nothing.
            let Ok(bytes) = std::fs::read(&path) else { continue };
            if stands(&bytes, &needles) || stands(&unpacked(&bytes), &needles) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// A number of files in words.
pub(super) fn told(files: usize) -> String {
    match files {
        0 => "it stands in 0 places".to_owned(),
        1 => "it stands in 1 file".to_owned(),
        n => format!("it stands in {n} files"),
    }
}

fn forms(word: &str) -> Vec<String> {
    let mut all = vec![word.to_ascii_lowercase()];
    let digits: String = word.chars().filter(|c| !c.is_whitespace()).collect();
    if digits.len() > 8 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        all.push(digits.trim_start_matches('0').to_owned());
    }
    all
}

fn stands(bytes: &[u8], needles: &[String]) -> bool {
    // What is no UTF-8 takes no byte of what is, so no word is lost here.
    let text = String::from_utf8_lossy(bytes).to_ascii_lowercase();
    needles.iter().any(|needle| text.contains(needle))
}

fn unpacked(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    // A damaged rest is scanned as far as it could be unpacked.
    let _ = match bytes {
        [0x1f, 0x8b, ..] => flate2::read::MultiGzDecoder::new(bytes).take(MOST).read_to_end(&mut out).ok(),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            zstd::Decoder::new(bytes).ok().and_then(|decoder| decoder.take(MOST).read_to_end(&mut out).ok())
        }
        _ => None,
    };
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn words_are_found_plain_packed_and_as_bare_digits() {
        let folder = tempfile::tempdir().unwrap();
        let words = ["Carers Circle".to_owned(), "01632 960001".to_owned()];
        std::fs::create_dir(folder.path().join("in")).unwrap();
        std::fs::write(folder.path().join("in/plain"), "…CARERS CIRCLE…").unwrap();
        std::fs::write(folder.path().join("digits"), "+441632960001").unwrap();
        std::fs::write(folder.path().join("other"), "Carers' Circle, 01632 960002").unwrap();
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packed.write_all(&b"x carers circle ".repeat(9)).unwrap();
        std::fs::write(folder.path().join("packed.gz"), packed.finish().unwrap()).unwrap();
        std::fs::write(folder.path().join("packed.zst"), zstd::encode_all(&b"a carers circle"[..], 3).unwrap())
            .unwrap();
        let found = places(folder.path(), &words).unwrap();
        let names: Vec<_> = found.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["digits", "plain", "packed.gz", "packed.zst"]);
    }
}
