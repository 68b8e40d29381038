//! The forms in which names and places are compared. Never shown to anybody: what a hub wrote is shown as it wrote it.
//!
//! Comparing raw text would report the same "difference" for ever (`St. Ann's` and `St Anns`), and miss the same group.

use std::borrow::Cow;
use unicode_normalization::UnicodeNormalization;

/// Plain lower-case ASCII of a text: compatibility forms folded (NFKD), other scripts and marks transliterated.
fn ascii(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let folded: String = text.nfkd().filter(|c| !unicode_normalization::char::is_combining_mark(*c)).collect();
    Cow::Owned(deunicode::deunicode(&folded))
}

/// The words of a text in the form they are compared in: plain, lower case, `&` as `and`, no punctuation, one spelling
/// and one number of common words. In the text's order.
pub fn tokens(text: &str) -> Vec<String> {
    let text = super::normal_text::mended(text);
    let text = ascii(&text);
    let mut found: Vec<String> = Vec::new();
    let mut word = String::new();
    // A last separator flushes the last word.
    for c in text.chars().chain([' ']) {
        match c {
            c if c.is_ascii_alphanumeric() => word.push(c.to_ascii_lowercase()),
            // "men's" is "mens", not "men s".
            '\'' | '`' => {}
            _ => {
                if !word.is_empty() {
                    push(&mut found, std::mem::take(&mut word));
                }
                if c == '&' || c == '+' {
                    found.push("and".into());
                }
            }
        }
    }
    found
}

/// Adds one word in its canonical form; some forms speak with the word before ("covid 19").
fn push(found: &mut Vec<String>, word: String) {
    let last = found.last().map(String::as_str);
    match (last, word.as_str()) {
        (Some("covid"), "19" | "2019" | "virus") => {}
        (Some("cv"), "19") => *found.last_mut().expect("a last word was just seen") = "covid".into(),
        (_, "selfhelp") => found.extend(["self".into(), "help".into()]),
        _ => found.push(canonical(word)),
    }
}

fn canonical(word: String) -> String {
    let plain = match word.as_str() {
        "grp" | "grps" | "gps" | "group" | "groups" => "group",
        "coronavirus" | "corona" | "covid19" | "c19" | "cv19" => "covid",
        "center" | "centres" | "centers" | "ctr" => "centre",
        "assoc" | "assn" | "associations" => "association",
        "org" | "organization" | "organisations" | "organizations" => "organisation",
        "soc" | "societies" => "society",
        "neighbor" | "neighbors" | "neighbours" => "neighbour",
        "neighborhood" | "neighborhoods" | "neighbourhoods" => "neighbourhood",
        "woman" | "womens" | "womans" | "lady" | "ladies" => "women",
        "man" | "mens" | "mans" | "gents" | "gentlemen" => "men",
        "youth" | "youths" | "teen" | "teens" | "teenager" | "teenagers" | "youngsters" => "young",
        "mum" | "mums" | "mom" | "moms" | "mummies" | "mothers" => "mother",
        "dad" | "dads" | "daddies" | "fathers" => "father",
        "child" | "kid" | "kids" | "childrens" => "children",
        "st" | "saints" => "saint",
        "rd" => "road",
        "ave" => "avenue",
        "mt" => "mount",
        "aids" | "news" | "wales" => return word,
        other => singular(other).unwrap_or(other),
    };
    plain.to_owned()
}

/// A word without its plural `s`, where it has one. `None` when it is as it should be.
fn singular(word: &str) -> Option<&str> {
    let stem = word.strip_suffix('s')?;
    let keeps = word.len() < 4 || ["ss", "us", "is"].iter().any(|end| word.ends_with(end)) || !stem.is_ascii();
    let number = stem.bytes().any(|b| b.is_ascii_digit());
    (!keeps && !number).then_some(stem)
}

/// Words that say nothing.
const FILLERS: [&str; 28] = [
    "the",
    "a",
    "an",
    "and",
    "of",
    "for",
    "in",
    "at",
    "to",
    "on",
    "with",
    "by",
    "near",
    "around",
    "from",
    "uk",
    "gb",
    "we",
    "our",
    "is",
    "are",
    "who",
    "people",
    "person",
    "ltd",
    "cio",
    "cic",
    "surrounding",
];

/// Words that say that it is a group, not which. They are kept, but do not make two names alike.
const GENERIC: [&str; 38] = [
    "group",
    "support",
    "self",
    "help",
    "mutual",
    "aid",
    "community",
    "covid",
    "association",
    "society",
    "club",
    "network",
    "volunteer",
    "volunteering",
    "team",
    "action",
    "response",
    "local",
    "meeting",
    "project",
    "charity",
    "neighbour",
    "neighbourhood",
    "together",
    "area",
    "peer",
    "organisation",
    "service",
    "helper",
    "helping",
    "isolation",
    "isolating",
    "friend",
    "hub",
    "centre",
    "care",
    "coffee",
    "morning",
];

/// Words that tell sister groups apart, whatever else they share.
const QUALIFIERS: [&str; 52] = [
    "men",
    "women",
    "boy",
    "girl",
    "young",
    "junior",
    "children",
    "baby",
    "adult",
    "older",
    "elder",
    "senior",
    "parent",
    "mother",
    "father",
    "carer",
    "bereaved",
    "bereavement",
    "sibling",
    "partner",
    "north",
    "south",
    "east",
    "west",
    "northern",
    "southern",
    "eastern",
    "western",
    "central",
    "upper",
    "lower",
    "inner",
    "outer",
    "great",
    "little",
    "lgbt",
    "lgbtq",
    "trans",
    "gay",
    "lesbian",
    "online",
    "virtual",
    "zoom",
    "evening",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "new",
];

/// A name, ready to be compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Name {
    /// All words, in order.
    pub words: Vec<String>,
    /// What tells this group from others: sorted, once each.
    pub core: Vec<String>,
    /// Words that tell sister groups apart, and numbers: sorted, once each.
    pub qualifiers: Vec<String>,
}

impl Name {
    /// Makes a name ready.
    pub fn of(text: &str) -> Name {
        let words = tokens(text);
        let mut name = Name { core: Vec::new(), qualifiers: Vec::new(), words: Vec::new() };
        for word in &words {
            if QUALIFIERS.contains(&word.as_str()) || word.as_bytes()[0].is_ascii_digit() {
                name.qualifiers.push(word.clone());
            } else if !FILLERS.contains(&word.as_str()) && !GENERIC.contains(&word.as_str()) {
                name.core.push(word.clone());
            }
        }
        for list in [&mut name.core, &mut name.qualifiers] {
            list.sort_unstable();
            list.dedup();
        }
        name.words = words;
        name
    }
}

/// A UK postcode, or its outward half, in capitals.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Postcode {
    /// `NG1`
    pub outward: String,
    /// `7DP`
    pub inward: Option<String>,
}

/// Reads a postcode or an outward code; `None` for anything that has not the form of one.
pub fn postcode(text: &str) -> Option<Postcode> {
    let bare: String = text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_uppercase()).collect();
    if !bare.is_ascii() {
        return None;
    }
    if bare.len() > 4 {
        let (outward, inward) = bare.split_at(bare.len() - 3);
        let sound = {
            let b = inward.as_bytes();
            let letter = |b: u8| b.is_ascii_uppercase() && !b"CIKMOV".contains(&b);
            b[0].is_ascii_digit() && letter(b[1]) && letter(b[2])
        };
        return (sound && is_outward(outward))
            .then(|| Postcode { outward: outward.into(), inward: Some(inward.into()) });
    }
    is_outward(&bare).then_some(Postcode { outward: bare, inward: None })
}

/// A9, A99, A9A, AA9, AA99, AA9A.
fn is_outward(text: &str) -> bool {
    let bytes = text.as_bytes();
    let letters = bytes.iter().take_while(|b| b.is_ascii_uppercase()).count();
    let rest = &bytes[letters..];
    (1..=2).contains(&letters)
        && match rest {
            [a] => a.is_ascii_digit(),
            [a, b] => a.is_ascii_digit() && b.is_ascii_alphanumeric(),
            _ => false,
        }
}

/// A village, town or city as people write it: "Danbury, Essex", "London SE23, UK".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Locality {
    /// Words of its most local part: sorted.
    pub head: Vec<String>,
    /// All its words: sorted.
    pub all: Vec<String>,
    /// A postcode found in it.
    pub postcode: Option<Postcode>,
}

/// Words of a place that place nothing.
const NOWHERE: [&str; 12] =
    ["uk", "gb", "united", "kingdom", "england", "britain", "the", "and", "of", "area", "surrounding", "in"];

/// Makes a locality ready. One that names no place has no words.
pub fn locality(text: &str) -> Locality {
    let mut found = Locality::default();
    for part in text.split([',', ';', '(', ')', '/']) {
        let raw: Vec<&str> = part.split_whitespace().collect();
        // A postcode at the end of a part: two words, or one with a letter and a digit.
        let code = [2, 1].iter().filter(|n| raw.len() >= **n).find_map(|n| {
            let (before, last) = raw.split_at(raw.len() - n);
            postcode(&last.concat()).filter(|code| *n == 1 || code.inward.is_some()).map(|code| (before, code))
        });
        let words = match code {
            Some((before, code)) => {
                found.postcode.get_or_insert(code);
                tokens(&before.join(" "))
            }
            None => tokens(part),
        };
        let mut words: Vec<String> = words.into_iter().filter(|word| !NOWHERE.contains(&word.as_str())).collect();
        if found.head.is_empty() {
            found.head.clone_from(&words);
        }
        found.all.append(&mut words);
    }
    for list in [&mut found.head, &mut found.all] {
        list.sort_unstable();
        list.dedup();
    }
    found
}

/// A free text for comparison: its words, with one space between.
pub fn words(text: &str) -> String {
    tokens(text).join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_people_write_in_different_ways_have_one_form() {
        for (a, b) in [
            ("Carers' Group", "CARER GROUPS"),
            ("Mind & Body", "Mind and Body"),
            ("Café Español", "Cafe Espanol"),
            ("St. Ann’s Self-Help Grp", "Saint Anns selfhelp group"),
            ("Ｆｕｌｌ width", "full width"),
            ("Womens' Aid Centre", "Woman's Aid Center"),
            ("Wells COVID-19 help", "Wells Coronavirus Help"),
            ("Wells cv-19 help", "Wells C19 help"),
            ("Corona virus help", "covid help"),
            ("Addictions Anonymous", "Addiction anonymous"),
        ] {
            assert_eq!(words(a), words(b), "{a} / {b}");
        }
        for (a, b) in [("Lupus UK", "Lupu UK"), ("AIDS help", "Aid help"), ("Deafness", "Deafnes")] {
            assert_ne!(words(a), words(b), "{a} / {b}");
        }
        assert_eq!(tokens("  "), Vec::<String>::new());
    }

    #[test]
    fn a_name_is_what_tells_it_from_others() {
        let name = Name::of("The North Notts Young Carers' Support Group (Tuesdays)");
        assert_eq!(name.core, ["nott"]);
        assert_eq!(name.qualifiers, ["carer", "north", "tuesday", "young"]);
        assert_eq!(Name::of("Mutual Aid Group").core, Vec::<String>::new());
    }

    #[test]
    fn postcodes_have_one_form_and_other_things_are_none() {
        let full = |text| postcode(text).map(|p| format!("{} {}", p.outward, p.inward.unwrap_or_default()));
        assert_eq!(full("ng17dp").as_deref(), Some("NG1 7DP"));
        assert_eq!(full(" NG1  7DP ").as_deref(), Some("NG1 7DP"));
        assert_eq!(full("ec1a 1bb").as_deref(), Some("EC1A 1BB"));
        assert_eq!(full("SE23").as_deref(), Some("SE23 "));
        assert_eq!(full("W1A").as_deref(), Some("W1A "));
        for no in ["", "NG", "NG1 7CP", "12345", "TBC", "N/A", "NG111 7DP", "é1"] {
            assert_eq!(postcode(no), None, "{no}");
        }
    }

    #[test]
    fn a_locality_gives_its_most_local_words_and_a_postcode() {
        let place = locality("Perry Vale, London SE23, UK");
        assert_eq!(place.head, ["perry", "vale"]);
        assert_eq!(place.all, ["london", "perry", "vale"]);
        assert_eq!(place.postcode.unwrap().outward, "SE23");
        let place = locality("E7 0QQ ");
        assert!(place.all.is_empty());
        assert_eq!(place.postcode.unwrap().inward.as_deref(), Some("0QQ"));
        assert_eq!(locality("United Kingdom"), Locality::default());
    }
}
