//! Texts of frames and draws: a header, then one canonical JSON object on each line (RFC 8785), each ended by a line feed.
//!
//! One value has one text, so that whoever builds the same frame has the same bytes, and a text that is not exactly what its value
//! would be written as is refused. A list of line marks beside it names the line that somebody changed.

use crate::record::strict;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Why a text is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// Another header, or none.
    #[error("the first line is not {0:?}: this is another kind of file, or a later version of it")]
    Header(&'static str),
    /// The text does not end with a line feed, or has none.
    #[error("the text does not end at the end of a line: part of it is missing")]
    Cut,
    /// A line that is no JSON object of the form asked for.
    #[error("line {line} cannot be read: {what}")]
    Form {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
    /// A line in another spelling than its own.
    #[error("line {line} is not written in its canonical form: it was changed by hand or by another program")]
    Spelling {
        /// Counted from 1.
        line: usize,
    },
}

impl LineError {
    /// Stable kebab-case code.
    pub fn code(&self) -> &'static str {
        match self {
            LineError::Header(_) => "frame-header",
            LineError::Cut => "frame-cut",
            LineError::Form { .. } => "frame-line",
            LineError::Spelling { .. } => "frame-spelling",
        }
    }
}

/// Fewer items than this are not worth a thread.
const FEW: usize = 1_024;
/// Into so many parts work is divided: what comes out does not depend on it.
const PARTS: usize = 4;

/// Does something with parts of the items, at the same time where they are many; what comes of each part, in their order. `does` is told
/// where its part begins.
fn parts<'a, T: Sync, R: Send>(items: &'a [T], does: impl Fn(usize, &'a [T]) -> R + Sync) -> Vec<R> {
    if items.len() < FEW {
        return vec![does(0, items)];
    }
    let share = items.len().div_ceil(PARTS);
    std::thread::scope(|threads| {
        let does = &does;
        let running: Vec<_> = items
            .chunks(share)
            .enumerate()
            .map(|(nth, chunk)| threads.spawn(move || does(nth * share, chunk)))
            .collect();
        let done = |one: std::thread::ScopedJoinHandle<'_, R>| {
            one.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        running.into_iter().map(done).collect()
    })
}

/// Does the same to every item, in their order; of many, parts at the same time. Nothing but time depends on that.
pub(super) fn each<'a, T: Sync, R: Send>(items: &'a [T], does: impl Fn(usize, &'a T) -> R + Sync) -> Vec<R> {
    let part = |from: usize, items: &'a [T]| -> Vec<R> {
        items.iter().enumerate().map(|(at, one)| does(from + at, one)).collect()
    };
    parts(items, part).into_iter().flatten().collect()
}

/// Values on lines of their own, in their order. `line` writes one.
pub(super) fn write_all<T: Sync>(out: &mut Vec<u8>, values: &[T], line: impl Fn(&mut Vec<u8>, &T) + Sync) {
    let written = parts(values, |_, values| {
        let mut bytes = Vec::new();
        values.iter().for_each(|value| line(&mut bytes, value));
        bytes
    });
    out.reserve(written.iter().map(Vec::len).sum());
    // Each part is let go as soon as it stands in the text.
    written.into_iter().for_each(|bytes| out.extend_from_slice(&bytes));
}

/// A value on a line of its own.
pub(super) fn write<T: Serialize>(out: &mut Vec<u8>, value: &T) {
    serde_json_canonicalizer::to_writer(value, out).expect("string keys and finite numbers always serialise");
    out.push(b'\n');
}

/// The same bytes in a tenth of the time, of a value whose members are declared, and whose maps are, in the order of their names, whose
/// names are all ASCII, and which has no fractions: `serde_json` writes that as RFC 8785 asks.
pub(super) fn write_plain<T: Serialize>(out: &mut Vec<u8>, value: &T) {
    serde_json::to_writer(&mut *out, value).expect("a value with string keys is written to memory");
    out.push(b'\n');
}

/// Reads every line after the header. `line` writes one as it must stand there.
pub(super) fn read<T: DeserializeOwned + Send>(
    text: &[u8],
    header: &'static str,
    line: impl Fn(&mut Vec<u8>, &T) + Sync,
) -> Result<Vec<T>, LineError> {
    let rest = text.strip_prefix(header.as_bytes()).and_then(|rest| rest.strip_prefix(b"\n"));
    let rest = rest.ok_or(LineError::Header(header))?;
    let Some(rest) = rest.strip_suffix(b"\n") else { return Err(LineError::Cut) };
    let lines: Vec<&[u8]> = rest.split(|byte| *byte == b'\n').collect();
    let read = |from: usize, lines: &[&[u8]]| -> Result<Vec<T>, LineError> {
        lines.iter().enumerate().map(|(at, bytes)| one(from + at + 2, bytes, &line)).collect()
    };
    let mut all = Vec::with_capacity(lines.len());
    for part in parts(&lines, read) {
        all.extend(part?);
    }
    Ok(all)
}

/// Reads one line, the nth of its file.
fn one<T: DeserializeOwned>(line: usize, bytes: &[u8], written: impl Fn(&mut Vec<u8>, &T)) -> Result<T, LineError> {
    let again = |value: &T| {
        let mut again = Vec::with_capacity(bytes.len() + 1);
        written(&mut again, value);
        again.pop();
        again == bytes
    };
    // What is written exactly as its value is has been said in the one way there is: nothing of it stands twice or elsewhere.
    if ordinary(bytes)
        && let Ok(value) = serde_json::from_slice::<T>(bytes)
        && again(&value)
    {
        return Ok(value);
    }
    // Anything else is looked at slowly, to say what is wrong with it.
    let wrong = |what: String| LineError::Form { line, what };
    let map = strict::object(bytes).map_err(|refusal| wrong(refusal.to_string()))?;
    let value: T = serde_json::from_value(Value::Object(map)).map_err(|error| wrong(error.to_string()))?;
    if again(&value) { Ok(value) } else { Err(LineError::Spelling { line }) }
}

/// Whether a line holds nothing that [`strict`] refuses and a canonical text may have all the same: U+0000, and numbers beyond what every
/// reader holds exactly, which have sixteen digits or an exponent.
fn ordinary(line: &[u8]) -> bool {
    let mut digits = 0;
    let exact = line.iter().all(|byte| {
        digits = if byte.is_ascii_digit() { digits + 1 } else { 0 };
        digits < 16
    });
    exact && !line.windows(2).any(|two| two == b"e+") && !line.windows(6).any(|six| six == b"\\u0000")
}

/// SHA-256 (hex) of a text: by this it is cited, signed and compared.
pub fn digest(text: &[u8]) -> String {
    hex::encode(Sha256::digest(text))
}

/// One mark for each line, sixteen hexadecimal digits and a line feed: kept beside a text, it tells which lines were changed.
pub fn marks(text: &[u8]) -> String {
    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    let marks = |_, lines: &[&[u8]]| {
        lines.iter().map(|line| hex::encode(&Sha256::digest(line)[..8]) + "\n").collect::<String>()
    };
    parts(&lines, marks).concat()
}

/// The lines, counted from 1, that differ from their marks; one past the last where lines are missing.
pub fn changed(text: &[u8], marks: &str) -> Vec<usize> {
    let now = self::marks(text);
    let (mut now, mut then) = (now.lines(), marks.lines());
    let mut found = Vec::new();
    for line in 1.. {
        match (now.next(), then.next()) {
            (None, None) => break,
            (now, then) if now != then => found.push(line),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::collections::BTreeMap;

    fn objects(text: &str) -> Result<Vec<BTreeMap<String, u32>>, &'static str> {
        read(text.as_bytes(), "x/1", write).map_err(|error| error.code())
    }

    #[test]
    fn a_text_is_read_in_its_one_spelling() {
        assert_eq!(objects("x/1\n{\"a\":1}\n{\"b\":2}\n").unwrap().len(), 2);
        let cases = [
            ("x/2\n{\"a\":1}\n", "frame-header"),
            ("x/1\n{\"a\":1}", "frame-cut"),
            ("x/1\n{\"a\": 1}\n", "frame-spelling"),
            ("x/1\n{\"b\":1,\"a\":1}\n", "frame-spelling"),
            ("x/1\n{\"a\":1,\"a\":1}\n", "frame-line"),
            ("x/1\n{\"a\":\"1\"}\n", "frame-line"),
            ("x/1\n{\"a\":1}\n\n", "frame-line"),
        ];
        for (text, code) in cases {
            assert_eq!(objects(text), Err(code), "{text}");
        }
        // Canonical, and refused by strict readers all the same.
        for text in ["x/1\n{\"a\":\"\\u0000\"}\n", "x/1\n{\"a\":9007199254740994}\n", "x/1\n{\"a\":1e+300}\n"] {
            let read = read::<BTreeMap<String, serde_json::Value>>(text.as_bytes(), "x/1", write);
            assert_eq!(read.map_err(|error| error.code()), Err("frame-line"), "{text}");
        }
        let mut out = Vec::new();
        write(&mut out, &json!({"b": 1, "a": [1.5, true]}));
        assert_eq!(out, b"{\"a\":[1.5,true],\"b\":1}\n");
    }

    #[test]
    fn many_lines_stay_in_their_order_and_the_first_bad_one_is_named() {
        let many: Vec<u32> = (0..5_000).collect();
        assert_eq!(each(&many, |at, one| (at as u32, *one)), many.iter().map(|n| (*n, *n)).collect::<Vec<_>>());
        let mut text = b"x/1\n".to_vec();
        write_all(&mut text, &many, |out, n| write(out, &BTreeMap::from([("a", *n)])));
        let values: Vec<BTreeMap<String, u32>> = read(&text, "x/1", write).unwrap();
        assert!(values.iter().zip(&many).all(|(value, n)| value["a"] == *n));
        assert_eq!(marks(&text).lines().count(), 5_001);
        let bad = String::from_utf8(text).unwrap().replace("{\"a\":4000}", "{}x").replace("{\"a\":70}", "{ }");
        let refused = read::<BTreeMap<String, u32>>(bad.as_bytes(), "x/1", write).unwrap_err();
        assert_eq!(refused, LineError::Spelling { line: 72 });
    }

    #[test]
    fn a_changed_line_is_named() {
        let text = b"x/1\n{\"a\":1}\n{\"b\":2}\n";
        let marks = marks(text);
        assert_eq!(changed(text, &marks), [0usize; 0]);
        assert_eq!(changed(b"x/1\n{\"a\":1}\n{\"b\":3}\n", &marks), [3]);
        assert_eq!(changed(b"x/1\n{\"a\":1}\n", &marks), [3]);
        assert_eq!(changed(b"x/1\n{\"a\":2}\n{\"b\":2}\n{}\n", &marks), [2, 4]);
    }
}
