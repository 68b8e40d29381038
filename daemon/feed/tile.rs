//! Which file of a feed holds what (C2SP tlog-tiles), and what stands in an entry or part bundle.

use super::merkle::Hash;

/// Leaves in a full bundle, hashes in a full tile.
pub const WIDTH: u64 = 256;

/// `x001/x234/067` for 1234067: three digits a level, all but the last marked.
fn index(n: u64) -> String {
    let mut path = format!("{:03}", n % 1000);
    let mut rest = n / 1000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1000);
        rest /= 1000;
    }
    path
}

fn partial(path: String, width: u64) -> String {
    if width == WIDTH { path } else { format!("{path}.p/{width}") }
}

/// Path of a hash tile below a log's prefix. `width` is the number of hashes in it, [`WIDTH`] for a full one.
pub fn tile(level: u8, n: u64, width: u64) -> String {
    partial(format!("tile/{level}/{}", index(n)), width)
}

/// Path of an entry bundle.
pub fn entries(n: u64, width: u64) -> String {
    partial(format!("tile/entries/{}", index(n)), width)
}

/// Path of a part bundle of a class.
pub fn parts(class: &str, n: u64, width: u64) -> String {
    partial(format!("part/{class}/{}", index(n)), width)
}

/// How many of bundle `n`'s leaves a log of `size` holds.
pub fn width(n: u64, size: u64) -> u64 {
    size.saturating_sub(n * WIDTH).min(WIDTH)
}

/// Why bytes are not the bundle they should be. [`BundleError::code`] is stable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// The count of leaves or lines is another.
    #[error("it holds {met} entries where {expected} were expected")]
    Count {
        /// As found.
        met: u64,
        /// As the log's size says.
        expected: u64,
    },
    /// A length runs past the end.
    #[error("entry {0} has an impossible length")]
    Length(u64),
    /// The text is not UTF-8 or a line is not ended by a single line feed.
    #[error("it is not lines of UTF-8 text")]
    Text,
}

impl BundleError {
    /// Stable kebab-case code.
    pub fn code(&self) -> &'static str {
        match self {
            BundleError::Count { .. } => "bundle-count",
            BundleError::Length(_) => "bundle-length",
            BundleError::Text => "bundle-text",
        }
    }
}

/// Appends one leaf to an entry bundle: its length in two bytes, big-endian, and itself.
pub fn append_entry(bundle: &mut Vec<u8>, leaf: &[u8]) {
    let length = u16::try_from(leaf.len())
        .expect("a leaf is signed with at most 4,096 bytes, or was read with its length in two");
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(leaf);
}

/// Takes an entry bundle apart. An entry of length 0 is a leaf its server was made to remove (PROTOCOL 1.2 b): its hash
/// stands in the level-0 tile, and it says nothing. One that is longer than a leaf may be is an entry like any other, so that
/// whoever signed it harms one leaf and not the list; the bundle's own limit bounds what a reader stores.
///
/// # Errors
/// [`BundleError`] unless it is exactly `expected` entries.
pub fn read_entries(mut bundle: &[u8], expected: u64) -> Result<Vec<&[u8]>, BundleError> {
    let mut leaves = Vec::with_capacity(expected.min(WIDTH) as usize);
    while let Some((length, rest)) = bundle.split_first_chunk::<2>() {
        let met = leaves.len() as u64;
        let length = usize::from(u16::from_be_bytes(*length));
        if met == expected {
            return Err(BundleError::Count { met: met + 1, expected });
        }
        let (leaf, rest) = rest.split_at_checked(length).ok_or(BundleError::Length(met))?;
        leaves.push(leaf);
        bundle = rest;
    }
    match leaves.len() as u64 {
        met if !bundle.is_empty() => Err(BundleError::Length(met)),
        met if met != expected => Err(BundleError::Count { met, expected }),
        _ => Ok(leaves),
    }
}

/// Takes a part bundle apart: exactly `expected` lines, each ended by one line feed; an empty line is no part, and one longer
/// than a line may be is as good as none: it stops no other.
///
/// # Errors
/// [`BundleError`].
pub fn read_lines(bundle: &[u8], expected: u64, max_line: usize) -> Result<Vec<&str>, BundleError> {
    let text = std::str::from_utf8(bundle).map_err(|_| BundleError::Text)?;
    if text.contains('\r') || text.starts_with('\u{feff}') || (!text.is_empty() && !text.ends_with('\n')) {
        return Err(BundleError::Text);
    }
    let part = |line| if str::len(line) > max_line { "" } else { line };
    let lines: Vec<&str> = text.split_terminator('\n').map(part).collect();
    match lines.len() as u64 {
        met if met != expected => Err(BundleError::Count { met, expected }),
        _ => Ok(lines),
    }
}

/// Takes a hash tile apart.
///
/// # Errors
/// [`BundleError::Count`] unless it is exactly `expected` hashes.
pub fn read_hashes(tile: &[u8], expected: u64) -> Result<Vec<Hash>, BundleError> {
    let (hashes, rest) = tile.as_chunks::<32>();
    if hashes.len() as u64 != expected || !rest.is_empty() {
        return Err(BundleError::Count { met: hashes.len() as u64, expected });
    }
    Ok(hashes.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_tlog_tiles_own() {
        assert_eq!(tile(0, 1_234_067, WIDTH), "tile/0/x001/x234/067");
        assert_eq!(entries(0, 5), "tile/entries/000.p/5");
        assert_eq!(parts("public", 1000, WIDTH), "part/public/x001/000");
        assert_eq!((width(0, 300), width(1, 300), width(2, 300)), (256, 44, 0));
    }

    #[test]
    fn a_bundle_is_exactly_what_it_should_be() {
        let mut bundle = Vec::new();
        for leaf in [&b"one"[..], b"", b"three"] {
            append_entry(&mut bundle, leaf);
        }
        assert_eq!(read_entries(&bundle, 3).unwrap(), [&b"one"[..], b"", b"three"]);
        assert_eq!(read_entries(&bundle, 2), Err(BundleError::Count { met: 3, expected: 2 }));
        assert_eq!(read_entries(&bundle, 4), Err(BundleError::Count { met: 3, expected: 4 }));
        assert_eq!(read_entries(&bundle[..bundle.len() - 1], 3), Err(BundleError::Length(2)));
        bundle.push(0);
        assert_eq!(read_entries(&bundle, 3), Err(BundleError::Length(3)));

        assert_eq!(read_lines(b"a\n\nb\n", 3, 9).unwrap(), ["a", "", "b"]);
        assert_eq!(read_lines(b"\n", 1, 9).unwrap(), [""]);
        assert_eq!(read_lines(b"a\n\nb", 3, 9), Err(BundleError::Text));
        assert_eq!(read_lines(b"a\r\n", 1, 9), Err(BundleError::Text));
        assert_eq!(read_lines(b"a\nb\n", 1, 9), Err(BundleError::Count { met: 2, expected: 1 }));
        assert_eq!(read_lines(b"abc\nde\n", 2, 2).unwrap(), ["", "de"]);
    }
}
