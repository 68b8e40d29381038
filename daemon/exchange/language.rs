//! Languages by their English names: what people write, and the BCP 47 codes that records hold.

use super::fault::Fault;

/// Those most spoken in the United Kingdom, with its own, its sign languages and its neighbours'.
const LANGUAGES: [(&str, &str); 60] = [
    ("am", "Amharic"),
    ("ar", "Arabic"),
    ("bg", "Bulgarian"),
    ("bn", "Bengali"),
    ("bfi", "British Sign Language"),
    ("cs", "Czech"),
    ("cy", "Welsh"),
    ("da", "Danish"),
    ("de", "German"),
    ("el", "Greek"),
    ("en", "English"),
    ("es", "Spanish"),
    ("et", "Estonian"),
    ("fa", "Persian"),
    ("fi", "Finnish"),
    ("fr", "French"),
    ("ga", "Irish"),
    ("gd", "Scottish Gaelic"),
    ("gu", "Gujarati"),
    ("gv", "Manx"),
    ("he", "Hebrew"),
    ("hi", "Hindi"),
    ("hu", "Hungarian"),
    ("ig", "Igbo"),
    ("isg", "Irish Sign Language"),
    ("it", "Italian"),
    ("ja", "Japanese"),
    ("ko", "Korean"),
    ("ku", "Kurdish"),
    ("kw", "Cornish"),
    ("ln", "Lingala"),
    ("lt", "Lithuanian"),
    ("lv", "Latvian"),
    ("ml", "Malayalam"),
    ("ne", "Nepali"),
    ("nl", "Dutch"),
    ("no", "Norwegian"),
    ("pa", "Punjabi"),
    ("pl", "Polish"),
    ("ps", "Pashto"),
    ("pt", "Portuguese"),
    ("ro", "Romanian"),
    ("rom", "Romani"),
    ("ru", "Russian"),
    ("sco", "Scots"),
    ("sk", "Slovak"),
    ("so", "Somali"),
    ("sq", "Albanian"),
    ("sv", "Swedish"),
    ("sw", "Swahili"),
    ("syl", "Sylheti"),
    ("ta", "Tamil"),
    ("te", "Telugu"),
    ("ti", "Tigrinya"),
    ("tr", "Turkish"),
    ("uk", "Ukrainian"),
    ("ur", "Urdu"),
    ("vi", "Vietnamese"),
    ("yo", "Yoruba"),
    ("zh", "Chinese"),
];

/// Other names for some of them, and two that are codes of their own.
const ALSO: [(&str, &str); 11] = [
    ("bfi", "bsl"),
    ("bn", "bangla"),
    ("fa", "farsi"),
    ("fa", "dari"),
    ("ga", "gaelic (irish)"),
    ("gd", "gaelic"),
    ("ku", "sorani"),
    ("pa", "panjabi"),
    ("yue", "cantonese"),
    ("cmn", "mandarin"),
    ("zh", "mandarin or cantonese"),
];

/// The code of a language: from its name, or a code as it is.
///
/// # Errors
/// [`Fault::Language`] when it is neither. A code is not looked up: there are eight thousand.
pub fn code(text: &str) -> Result<String, Fault> {
    let wanted = text.trim().to_lowercase();
    let named = LANGUAGES.iter().find(|(_, name)| name.to_lowercase() == wanted);
    if let Some((code, _)) = named.or_else(|| ALSO.iter().find(|(_, name)| *name == wanted)) {
        return Ok((*code).to_owned());
    }
    let mut parts = wanted.split('-');
    let primary = parts.next().is_some_and(|part| matches!(part.len(), 2 | 3) && letters(part));
    let rest = parts.all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()));
    if primary && rest { Ok(canonical(&wanted)) } else { Err(Fault::Language(text.trim().to_owned())) }
}

fn letters(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_lowercase())
}

/// Region in capitals, script with one capital (RFC 5646, section 2.1.1).
fn canonical(tag: &str) -> String {
    let part = |(at, part): (usize, &str)| match part.len() {
        2 if at > 0 => part.to_uppercase(),
        4 if at > 0 && letters(part) => format!("{}{}", part[..1].to_uppercase(), &part[1..]),
        _ => part.to_owned(),
    };
    tag.split('-').enumerate().map(part).collect::<Vec<_>>().join("-")
}

/// The English name of a code, where we know one.
pub fn name(code: &str) -> Option<&'static str> {
    LANGUAGES.iter().find(|(known, _)| *known == code).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_codes() {
        assert_eq!(code("Polish").as_deref(), Ok("pl"));
        assert_eq!(code("BSL").as_deref(), Ok("bfi"));
        assert_eq!(code("en-gb").as_deref(), Ok("en-GB"));
        assert_eq!(code("zh-hant-hk").as_deref(), Ok("zh-Hant-HK"));
        assert_eq!(code("Klingonish"), Err(Fault::Language("Klingonish".into())));
        for (known, name) in LANGUAGES {
            assert_eq!(code(name).as_deref(), Ok(known));
            assert_eq!(super::name(known), Some(name));
        }
    }
}
