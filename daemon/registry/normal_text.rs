//! Texts as they were meant: mojibake undone, placeholders known for what they are, addresses taken apart. For comparison and
//! the display of differences alike; days have one form from the import on ([`crate::record::canonical`]).

use super::normal::tokens;
use std::borrow::Cow;

/// What people type into a box they have nothing for.
const PLACEHOLDERS: [&str; 24] = [
    "",
    "na",
    "none",
    "tbc",
    "tba",
    "tbd",
    "unknown",
    "null",
    "nil",
    "no",
    "notapplicable",
    "notavailable",
    "notknown",
    "nan",
    "undefined",
    "test",
    "xxx",
    "asabove",
    "seeabove",
    "notstated",
    "notgiven",
    "nonegiven",
    "tobeconfirmed",
    "tobeadvised",
];

/// Whether a text only fills its box.
pub fn is_placeholder(text: &str) -> bool {
    let bare: String = text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    PLACEHOLDERS.contains(&bare.as_str())
        && text.chars().all(|c| c.is_ascii() || c.is_whitespace() || "–—…".contains(c))
}

/// Undoes mojibake: UTF-8 that was once read as Windows-1252 ("CafÃ©", "Menâ€™s"), up to twice. A text that is sound
/// stays as it is.
pub fn mended(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    for _ in 0..2 {
        match once(&text) {
            Some(better) => text = Cow::Owned(better),
            None => break,
        }
    }
    text
}

fn once(text: &str) -> Option<String> {
    // What two-byte and three-byte UTF-8 begins with when each byte is shown as a letter.
    if !text.contains(['Ã', 'Â', 'â', 'Å', 'Ä']) {
        return None;
    }
    let bytes: Vec<u8> = text.chars().map(windows_1252).collect::<Option<_>>()?;
    let better = String::from_utf8(bytes).ok()?;
    (better.chars().count() < text.chars().count()).then_some(better)
}

/// The byte that Windows-1252 shows as this letter.
fn windows_1252(c: char) -> Option<u8> {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘',
        '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    match c as u32 {
        code @ (0..=0x7f | 0xa0..=0xff) => Some(code as u8),
        _ => HIGH.iter().position(|high| *high == c).map(|at| 0x80 + at as u8),
    }
}

/// An address taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Address {
    /// House number, with its letter: `14`, `14a`.
    pub house: Option<String>,
    /// Words of the street.
    pub street: Vec<String>,
    /// Words of the venue's name.
    pub venue: Vec<String>,
}

/// Takes an address apart: "Quaker Meeting House, 99 Broad Street" has a venue, a house number and a street.
pub fn address(venue: Option<&str>, line: Option<&str>) -> Address {
    let mut found = Address::default();
    if let Some(venue) = venue.filter(|venue| !is_placeholder(venue)) {
        found.venue = tokens(&mended(venue));
    }
    for part in line.filter(|line| !is_placeholder(line)).unwrap_or_default().split([',', '\n', ';']) {
        let mut words = tokens(&mended(part));
        // "St" is a saint everywhere but at a street's end.
        if let Some(last) = words.last_mut().filter(|last| *last == "saint") {
            *last = "street".into();
        }
        let Some(first) = words.first() else { continue };
        let numbered = first.as_bytes()[0].is_ascii_digit();
        let street = words.last().is_some_and(|last| is_street(last));
        if numbered && words.len() > 1 && found.street.is_empty() {
            found.house = Some(first.clone());
            found.street = words[1..].to_vec();
        } else if street && found.street.is_empty() {
            found.street = words;
        } else if found.venue.is_empty() && found.street.is_empty() && !numbered {
            found.venue = words;
        }
    }
    found
}

impl Address {
    /// The words by which the street is told from others: without its kind ("road") and points of the compass, which one list
    /// writes and another leaves out. All of them, when there are no others.
    pub fn street_core(&self) -> Vec<&str> {
        const COMPASS: [&str; 8] = ["n", "s", "e", "w", "north", "south", "east", "west"];
        let telling = |word: &&str| !is_street(word) && !COMPASS.contains(word);
        let core: Vec<&str> = self.street.iter().map(String::as_str).filter(telling).collect();
        if core.is_empty() { self.street.iter().map(String::as_str).collect() } else { core }
    }
}

/// Words that streets end with, in their compared form.
fn is_street(word: &str) -> bool {
    const ENDS: [&str; 27] = [
        "blvd",
        "blv",
        "dr",
        "ln",
        "pl",
        "sq",
        "street",
        "road",
        "lane",
        "avenue",
        "close",
        "drive",
        "way",
        "place",
        "square",
        "crescent",
        "terrace",
        "row",
        "hill",
        "gardens",
        "garden",
        "court",
        "grove",
        "parade",
        "boulevard",
        "walk",
        "mews",
    ];
    ENDS.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mojibake_is_undone_and_sound_texts_stay() {
        for (spoilt, meant) in [
            ("CafÃ© Rouge", "Café Rouge"),
            ("Menâ€™s Shed", "Men’s Shed"),
            ("Â£2 towards the room", "£2 towards the room"),
            ("CafÃƒÂ©", "Café"),
        ] {
            assert_eq!(mended(spoilt), meant);
        }
        for sound in ["Café", "Ynys Môn", "Â", "Garðabær", "São Paulo", "Ålesund group", "Âme"] {
            assert_eq!(mended(sound), sound);
        }
    }

    #[test]
    fn placeholders_are_known() {
        for text in ["", " ", "N/A", "n.a.", "TBC", "tba", "-", "—", "None", "Not applicable", "NULL", "?"] {
            assert!(is_placeholder(text), "{text}");
        }
        for text in ["Nottingham", "NA meeting", "Nil desperandum", "Ñ", "中文"] {
            assert!(!is_placeholder(text), "{text}");
        }
    }

    #[test]
    fn an_address_has_a_venue_a_number_and_a_street() {
        let of = |line| {
            let found = address(None, Some(line));
            (found.house.unwrap_or_default(), found.street.join(" "), found.venue.join(" "))
        };
        let whole = ("99".to_owned(), "broad street".to_owned(), "quaker meeting house".to_owned());
        assert_eq!(of("Quaker Meeting House, 99 Broad Street"), whole.clone());
        assert_eq!(of("Quaker Meeting House, 99 Broad St."), whole);
        assert_eq!(of("14a High Rd").0, "14a");
        let core = |line| address(None, Some(line)).street_core().join(" ");
        assert_eq!(core("10001 S. Woodlawn"), core("10001 S Woodlawn Ave"));
        assert_eq!(core("3 South Road"), "south road");
        assert_eq!(of("Village Hall"), (String::new(), String::new(), "village hall".into()));
        assert_eq!(of("N/A"), (String::new(), String::new(), String::new()));
    }
}
