//! What one cell says: text in, a value or a [`Fault`] out. Pure, and the same for every column that holds such a value.

use super::fault::{Caution, Fault};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

/// In which order a file writes the numbers of a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DateOrder {
    /// 03/04/2026 is the 3rd of April.
    #[default]
    DayFirst,
    /// 03/04/2026 is the 4th of March.
    MonthFirst,
}

/// A value, and what was put right on the way.
pub type Read<T> = Result<(T, Option<Caution>), Fault>;

/// Removes what cannot be seen: byte-order marks, control characters, soft hyphens and marks that turn the direction of writing
/// anywhere (a name that begins with one shows what follows it backwards), blanks at the ends. Composes accents, so that two ways
/// of typing é do not look like a change. `lines` keeps line breaks, however a program wrote them; otherwise runs of blanks
/// become one. The flag says whether something other than blanks was removed.
pub fn clean(text: &str, lines: bool) -> (String, bool) {
    let hidden = |c: char| {
        (c.is_control() && !matches!(c, '\n' | '\t'))
            || matches!(c, '\u{feff}' | '\u{200b}' | '\u{2060}' | '\u{ad}')
            || crate::record::direction::turns(c)
    };
    // Vertical tabs and form feeds are line breaks within a cell to some databases, and what Unicode has besides is to others.
    let breaks = ['\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'];
    let text = text.replace("\r\n", "\n").replace(breaks, "\n");
    let removed = text.contains(hidden);
    let seen = text.replace('\u{a0}', " ").chars().filter(|c| !hidden(*c)).nfc().collect::<String>();
    let kept = if lines {
        seen.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim().to_owned()
    } else {
        seen.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    (kept, removed)
}

/// Whether the text only fills the cell. `NA` is not among them: it is the short name of a fellowship.
pub fn is_placeholder(text: &str) -> bool {
    const FILLERS: [&str; 20] = [
        "n/a",
        "#n/a",
        "n.a.",
        "tbc",
        "tba",
        "tbd",
        "-",
        "--",
        "–",
        "—",
        "?",
        ".",
        "null",
        "1970-01-01",
        "01/01/1970",
        "1900-01-00",
        "1899-12-30",
        "1899-12-31",
        "0000-00-00",
        "00/00/0000",
    ];
    FILLERS.contains(&text.to_lowercase().as_str())
}

/// A spreadsheet's message in place of a value. `#N/A` is not among them: it says that there is none.
pub fn is_sheet_error(text: &str) -> bool {
    ["#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!"].contains(&text)
}

/// The values of a cell that may hold several, with semicolons between them.
pub fn several(text: &str) -> Vec<String> {
    text.split([';', '\n']).map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// A day: `2026-04-03` (a time after it is dropped), `03/04/2026` with `/`, `.`, `-` or blanks, `3 April 2026`.
/// `order` is that of the file; `None` means day first, with a caution where the month could have come first.
pub fn date(text: &str, order: Option<DateOrder>) -> Read<Date> {
    if let Some(day) = serial(text) {
        return Ok((day, Some(Caution::Serial(in_words(day)))));
    }
    let day_part = text.split(['T', ' ']).next().unwrap_or_default();
    if let Ok(day) = day_part.parse::<Date>().or_else(|_| text.parse::<Date>()) {
        return Ok((day, None));
    }
    let parts: Vec<&str> =
        text.split(['/', '.', '-', ' ', ',']).map(str::trim).filter(|part| !part.is_empty()).collect();
    let [first, second, year] = parts[..] else { return Err(Fault::Date) };
    let named = month(second);
    let year_number = number(year).ok_or(Fault::Date)?;
    if year.len() != 4 {
        return Err(if year.len() == 2 { Fault::ShortYear } else { Fault::Date });
    }
    let first_number = number(first.trim_end_matches(|c: char| c.is_ascii_alphabetic())).ok_or(Fault::Date)?;
    let (day, in_year, unsure) = match (named, order) {
        (Some(named), _) => (first_number, named, false),
        (None, Some(DateOrder::MonthFirst)) => (number(second).ok_or(Fault::Date)?, first_number, false),
        (None, order) => {
            let second = number(second).ok_or(Fault::Date)?;
            (first_number, second, order.is_none() && first_number <= 12 && first_number != second)
        }
    };
    let narrow = |n: i16| i8::try_from(n).map_err(|_| Fault::Date);
    let date = Date::new(year_number, narrow(in_year)?, narrow(day)?).map_err(|_| Fault::Date)?;
    Ok((date, unsure.then(|| Caution::EitherDate(in_words(date)))))
}

/// A day that a spreadsheet keeps as a number: days since 30 December 1899. Only numbers of five digits from 1954 to 2064,
/// which are nothing else that a date could be written as.
fn serial(text: &str) -> Option<Date> {
    let whole = text
        .split_once('.')
        .map_or(text, |(whole, rest)| if rest.bytes().all(|b| b.is_ascii_digit()) { whole } else { "" });
    let days: i32 = (whole.len() == 5).then(|| whole.parse().ok()).flatten()?;
    if !(20_000..60_000).contains(&days) {
        return None;
    }
    Date::constant(1899, 12, 30).checked_add(jiff::Span::new().days(days)).ok()
}

/// "3 April 2026".
pub fn in_words(date: Date) -> String {
    format!("{} {} {}", date.day(), MONTHS[usize::from(date.month().unsigned_abs()) - 1], date.year())
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The month of an English name or its first three letters.
fn month(text: &str) -> Option<i16> {
    let text = text.to_lowercase();
    let at = MONTHS.iter().position(|name| {
        let name = name.to_lowercase();
        text == name || text == name[..3] || (text == "sept" && name == "september")
    })?;
    i16::try_from(at + 1).ok()
}

fn number(text: &str) -> Option<i16> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

/// When a group was founded, as precisely as it is written: `YYYY`, `YYYY-MM` or `YYYY-MM-DD` (EDTF level 0).
pub fn founded(text: &str, order: Option<DateOrder>) -> Read<String> {
    let year = |text: &str| text.len() == 4 && number(text).is_some_and(|n| (1000..=2999).contains(&n));
    if year(text) {
        return Ok((text.to_owned(), None));
    }
    if let Some((a, b)) = text.split_once(['-', '/', ' ', '.']) {
        let (a, b) = (a.trim(), b.trim());
        let in_year = |text: &str| number(text).or_else(|| month(text)).filter(|m| (1..=12).contains(m));
        if let (true, Some(m)) = (year(a), in_year(b)) {
            return Ok((format!("{a}-{m:02}"), None));
        }
        if let (Some(m), true) = (in_year(a), year(b)) {
            return Ok((format!("{b}-{m:02}"), None));
        }
    }
    match date(text, order) {
        Ok((day, caution)) => Ok((day.to_string(), caution)),
        Err(Fault::ShortYear) => Err(Fault::ShortYear),
        Err(_) => Err(Fault::Founded),
    }
}

/// A time of day as `HH:MM`, from `19:30`, `19.30`, `1930`, `7.30pm`, `7pm`, `noon`.
pub fn time(text: &str) -> Result<String, Fault> {
    let lower = text.to_lowercase().replace(' ', "");
    if lower == "noon" || lower == "midday" {
        return Ok("12:00".to_owned());
    }
    // A spreadsheet's number for a time of day is the part of the day that has passed.
    if let Some(part) = lower.strip_prefix("0.").filter(|rest| rest.len() > 2).and_then(|_| lower.parse::<f64>().ok()) {
        let minutes = (part * 1440.0).round() as u32 % 1440;
        return Ok(format!("{:02}:{:02}", minutes / 60, minutes % 60));
    }
    let (digits, half) = match lower.strip_suffix("pm").or_else(|| lower.strip_suffix("p.m.")) {
        Some(rest) => (rest, Some(12)),
        None => match lower.strip_suffix("am").or_else(|| lower.strip_suffix("a.m.")) {
            Some(rest) => (rest, Some(0)),
            None => (lower.as_str(), None),
        },
    };
    let (hour, minute) = match digits.split_once([':', '.']) {
        // Seconds come from spreadsheets and are always 00.
        Some((hour, minute)) => (hour, minute.strip_suffix(":00").unwrap_or(minute)),
        None if digits.len() == 4 => digits.split_at_checked(2).ok_or(Fault::Time)?,
        None if half.is_some() => (digits, "00"),
        // "7" may be the morning or the evening.
        None => return Err(Fault::Time),
    };
    let (hour, minute_number) = (number(hour).ok_or(Fault::Time)?, number(minute).ok_or(Fault::Time)?);
    let hour = match half {
        Some(half) if (1..=12).contains(&hour) => hour % 12 + half,
        Some(_) => return Err(Fault::Time),
        None => hour,
    };
    if minute.len() != 2 || hour > 23 || minute_number > 59 {
        return Err(Fault::Time);
    }
    Ok(format!("{hour:02}:{minute_number:02}"))
}

/// One telephone number. A UK number comes out in the groups in which people read it, which also keeps a spreadsheet from
/// taking it for a quantity and dropping the 0 at its start; where that has already happened, the 0 is put back and said.
pub fn phone(text: &str) -> Read<String> {
    if text.contains(['E', 'e']) && text.parse::<f64>().is_ok() {
        return Err(Fault::Shortened);
    }
    // A number that a spreadsheet wrote with a decimal.
    let text = text.strip_suffix(".0").unwrap_or(text);
    if text.contains([';', '/', '\n', ',']) || text.to_lowercase().contains(" or ") {
        return Err(Fault::Several);
    }
    if text.chars().any(|c| !(c.is_ascii_digit() || " +()-.–".contains(c))) {
        return Err(Fault::Phone);
    }
    let digits: String = text.replace("(0)", "").chars().filter(char::is_ascii_digit).collect();
    let plus = text.starts_with('+') || text.starts_with("(+");
    let national = match digits.strip_prefix("0044").or_else(|| digits.strip_prefix("44").filter(|_| plus)) {
        Some(rest) => format!("0{}", rest.trim_start_matches('0')),
        None if plus => {
            let known = (7..=15).contains(&digits.len());
            return if known { Ok((text.to_owned(), None)) } else { Err(Fault::Phone) };
        }
        None => digits,
    };
    let (number, lost) = match (national.len(), national.as_bytes().first()) {
        (10, Some(b'1' | b'2' | b'3' | b'5' | b'7' | b'8' | b'9')) => (format!("0{national}"), true),
        (10 | 11, Some(b'0')) => (national, false),
        // 101, 111 and the 116xxx numbers of helplines.
        (3, Some(b'1')) => (national, false),
        (6, _) if national.starts_with("116") => (format!("116 {}", &national[3..]), false),
        _ => return Err(Fault::Phone),
    };
    let number = if number.starts_with('0') { grouped(&number) } else { number };
    let caution = lost.then(|| Caution::LostZero(number.clone()));
    Ok((number, caution))
}

/// A UK number in the groups in which it is written: the area code by its length, eight digits of a large area in two fours
/// (Ofcom, The National Telephone Numbering Plan, part A and its table of area codes). Codes of six digits are not told apart.
fn grouped(number: &str) -> String {
    let first = match number.as_bytes() {
        [b'0', b'2', ..] => 3,
        [b'0', b'1', b'1', ..] | [b'0', b'1', _, b'1', ..] | [b'0', b'3' | b'8' | b'9', ..] => 4,
        _ => 5,
    };
    let (area, rest) = number.split_at(first);
    match rest.len() {
        7 | 8 if first < 5 => format!("{area} {} {}", &rest[..rest.len() - 4], &rest[rest.len() - 4..]),
        _ => format!("{area} {rest}"),
    }
}

/// One web address with a host that has a name. It stays as written, but for a scheme that is missing or in capitals and
/// blanks inside, which are encoded.
pub fn url(text: &str) -> Read<String> {
    let lower = text.to_ascii_lowercase();
    let (whole, added) = match ["https://", "http://"].iter().find(|scheme| lower.starts_with(**scheme)) {
        Some(scheme) => (format!("{scheme}{}", &text[scheme.len()..]), false),
        None if text.contains("://") || lower.starts_with("mailto:") => return Err(Fault::Url),
        None => (format!("https://{text}"), true),
    };
    let parsed = url::Url::parse(&whole).map_err(|_| Fault::Url)?;
    let Some(url::Host::Domain(host)) = parsed.host() else { return Err(Fault::Url) };
    let (name, top) = host.trim_end_matches('.').rsplit_once('.').ok_or(Fault::Url)?;
    let plausible = !name.is_empty() && top.len() >= 2 && top.bytes().any(|b| b.is_ascii_alphabetic());
    // `name@example.org` parses as an address with a user in front.
    if !plausible || !parsed.username().is_empty() || parsed.password().is_some() || whole.len() > 2_000 {
        return Err(Fault::Url);
    }
    let mut whole = whole.replace(' ', "%20");
    // Hosts have no capitals; a name in another script parses to its ASCII form and stays as written.
    if let Some(at) = whole.to_ascii_lowercase().find(host) {
        whole.replace_range(at..at + host.len(), host);
    }
    let caution = added.then(|| Caution::Scheme(whole.clone()));
    Ok((whole, caution))
}

/// One e-mail address.
pub fn email(text: &str) -> Result<String, Fault> {
    let text = text.strip_prefix("mailto:").unwrap_or(text);
    if text.contains([';', ',', '/']) || text.matches('@').count() > 1 {
        return Err(Fault::Several);
    }
    let (local, domain) = text.split_once('@').ok_or(Fault::Email)?;
    let sound = |part: &str| {
        !part.is_empty() && !part.starts_with('.') && !part.ends_with('.') && !part.contains("..") && part.len() <= 254
    };
    let local_ok = local.chars().all(|c| c.is_alphanumeric() || "!#$%&'*+-=?^_`{|}~.".contains(c));
    let domain_ok = domain.contains('.') && domain.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '.');
    if sound(local) && sound(domain) && local_ok && domain_ok { Ok(text.to_owned()) } else { Err(Fault::Email) }
}

/// A UK postcode, or its outward half, in capitals with one space (the form rules of BS 7666; whether it is in use is
/// not known here).
pub fn postcode(text: &str) -> Result<String, Fault> {
    let code: String = text.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_uppercase();
    if !code.is_ascii() {
        return Err(Fault::Postcode);
    }
    if outward(&code) {
        return Ok(code);
    }
    let (out, inward) = code.len().checked_sub(3).map(|at| code.split_at(at)).ok_or(Fault::Postcode)?;
    let bytes = inward.as_bytes();
    let inward_ok = bytes[0].is_ascii_digit() && bytes[1..].iter().all(|b| b.is_ascii_alphabetic());
    if inward_ok && (outward(out) || (out, inward) == ("GIR", "0AA")) {
        Ok(format!("{out} {inward}"))
    } else {
        Err(Fault::Postcode)
    }
}

/// `A9`, `A99`, `AA9`, `AA99`, `A9A`, `AA9A`.
fn outward(code: &str) -> bool {
    let shape: String = code
        .bytes()
        .map(|b| {
            if b.is_ascii_digit() {
                '9'
            } else if b.is_ascii_alphabetic() {
                'A'
            } else {
                '?'
            }
        })
        .collect();
    ["A9", "A99", "AA9", "AA99", "A9A", "AA9A"].contains(&shape.as_str())
}

/// An age in whole years; `18+` is 18.
pub fn age(text: &str) -> Result<u8, Fault> {
    text.trim_end_matches('+').trim().parse().ok().filter(|age| *age <= 120).ok_or(Fault::Age)
}

/// Degrees, at most `limit` from 0.
pub fn degrees(text: &str, limit: f64) -> Result<f64, Fault> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-');
    text.parse::<f64>().ok().filter(|value| plain && value.abs() <= limit).ok_or(Fault::Degrees)
}

/// Yes or no.
pub fn yes_no(text: &str) -> Result<bool, Fault> {
    match text.to_lowercase().as_str() {
        "yes" | "y" | "true" | "1" => Ok(true),
        "no" | "n" | "false" | "0" => Ok(false),
        _ => Err(Fault::YesNo),
    }
}

/// The value of a criterion.
pub fn criterion(text: &str) -> Result<&'static str, Fault> {
    match text.to_lowercase().as_str() {
        "yes" | "y" | "true" | "1" | "met" => Ok("met"),
        "no" | "n" | "false" | "0" | "not met" | "not_met" => Ok("not_met"),
        "not known" | "unknown" | "don't know" | "dont know" | "not sure" => Ok("unknown"),
        _ => Err(Fault::Criterion),
    }
}

/// A charity number as an org-id.guide id. A bare number is one of England and Wales.
pub fn charity(text: &str) -> Result<String, Fault> {
    let code = text.to_ascii_uppercase().replace(' ', "");
    let digits = |text: &str, range: std::ops::RangeInclusive<usize>| {
        range.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
    };
    if digits(&code, 6..=7) {
        return Ok(format!("GB-CHC-{code}"));
    }
    if code.strip_prefix("SC").is_some_and(|rest| digits(rest, 6..=6)) {
        return Ok(format!("GB-SC-{code}"));
    }
    if let Some(rest) = code.strip_prefix("NIC").filter(|rest| digits(rest, 6..=6)) {
        return Ok(format!("GB-NIC-{rest}"));
    }
    let mut parts = code.splitn(3, '-');
    let sound = matches!((parts.next(), parts.next(), parts.next()), (Some(a), Some(b), Some(c))
        if (2..=3).contains(&a.len()) && !b.is_empty() && !c.is_empty());
    let plain = code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'/');
    if sound && plain { Ok(code) } else { Err(Fault::Charity) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value<T>(read: Read<T>) -> T {
        read.map(|(value, _)| value).unwrap_or_else(|fault| panic!("{fault}"))
    }

    #[test]
    fn dates_are_british_unless_the_file_says_otherwise() {
        let day = |text, order| value(date(text, order)).to_string();
        for text in ["03/04/2026", "3.4.2026", "3 April 2026", "3rd Apr 2026", "2026-04-03", "2026-04-03T10:00:00Z"] {
            assert_eq!(day(text, None), "2026-04-03", "{text}");
        }
        assert_eq!(day("03/04/2026", Some(DateOrder::MonthFirst)), "2026-03-04");
        assert_eq!(date("03/04/2026", None).unwrap().1, Some(Caution::EitherDate("3 April 2026".into())));
        assert_eq!(date("03/04/2026", Some(DateOrder::DayFirst)).unwrap().1, None);
        assert_eq!(date("13/04/2026", None).unwrap().1, None, "there is no 13th month");
        assert_eq!(date("04/04/2026", None).unwrap().1, None, "both readings agree");
        assert_eq!(date("03/04/26", None), Err(Fault::ShortYear));
        for bad in ["30/02/2026", "04/13/2026", "soon", "", "2026", "1/2/3/4"] {
            assert_eq!(date(bad, None), Err(Fault::Date), "{bad}");
        }
    }

    #[test]
    fn numbers_that_spreadsheets_keep_for_dates_and_times_are_read_and_said() {
        let read = date("46115", None).unwrap();
        assert_eq!((read.0.to_string().as_str(), read.1), ("2026-04-03", Some(Caution::Serial("3 April 2026".into()))));
        assert_eq!(date("46115.5", None).unwrap().0.to_string(), "2026-04-03");
        assert_eq!(date("99999", None), Err(Fault::Date));
        assert_eq!(time("0.8125").as_deref(), Ok("19:30"));
        assert_eq!(time("0.30"), Ok("00:30".into()), "half past midnight, as some write it");
        assert_eq!(phone("1632960123.0").unwrap().0, "01632 960123");
    }

    #[test]
    fn founded_keeps_what_is_known() {
        let when = |text| value(founded(text, None));
        assert_eq!(when("2011"), "2011");
        assert_eq!(when("03/2011"), "2011-03");
        assert_eq!(when("March 2011"), "2011-03");
        assert_eq!(when("2011-03"), "2011-03");
        assert_eq!(when("14/03/2011"), "2011-03-14");
        assert_eq!(founded("about 1990", None), Err(Fault::Founded));
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        for (text, expected) in [
            ("19:30", "19:30"),
            ("7.30pm", "19:30"),
            ("7:30 PM", "19:30"),
            ("12am", "00:00"),
            ("12 pm", "12:00"),
            ("1930", "19:30"),
            ("9:05", "09:05"),
            ("19:30:00", "19:30"),
            ("noon", "12:00"),
        ] {
            assert_eq!(time(text).as_deref(), Ok(expected), "{text}");
        }
        for bad in ["7", "25:00", "7:5", "13pm", "evening", ""] {
            assert_eq!(time(bad), Err(Fault::Time), "{bad}");
        }
    }

    #[test]
    fn phones_keep_their_zero() {
        let number = |text| value(phone(text));
        assert_eq!(number("01632 960123"), "01632 960123");
        assert_eq!(number("+44 (0)1632 960 123"), "01632 960123");
        assert_eq!(number("00441632960123"), "01632 960123");
        assert_eq!(number("116123"), "116 123");
        assert_eq!(number("02079460001"), "020 7946 0001");
        assert_eq!(number("01134960001"), "0113 496 0001");
        assert_eq!(number("0151 4960001"), "0151 496 0001");
        assert_eq!(number("08081570001"), "0808 157 0001");
        assert_eq!(number("0800 001066"), "0800 001066");
        assert_eq!(number("07700900123"), "07700 900123");
        assert_eq!(number("111"), "111");
        assert_eq!(number("+353 1 234 5678"), "+353 1 234 5678");
        assert_eq!(phone("1632960123"), Ok(("01632 960123".into(), Some(Caution::LostZero("01632 960123".into())))));
        assert_eq!(phone("1.63296E+09"), Err(Fault::Shortened));
        assert_eq!(phone("01632 960123 or 01632 960124"), Err(Fault::Several));
        assert_eq!(phone("01632 960123 (Sam)"), Err(Fault::Phone));
        assert_eq!(phone("960123"), Err(Fault::Phone));
    }

    #[test]
    fn web_addresses_need_a_host_with_a_name() {
        let address = |text| value(url(text));
        assert_eq!(address("Https://example.org"), "https://example.org");
        assert_eq!(address("www.example.org/a"), "https://www.example.org/a");
        assert_eq!(address("Www.Example.org/Page"), "https://www.example.org/Page");
        assert_eq!(address("http://example.org/a b"), "http://example.org/a%20b");
        for bad in
            ["Sam Smith", "[email]", "sam@example.org", "localhost", "http://10.0.0.1/", "ftp://example.org", "http://"]
        {
            assert_eq!(url(bad), Err(Fault::Url), "{bad}");
        }
    }

    #[test]
    fn other_cells() {
        assert_eq!(email("mailto:hello@example.org").as_deref(), Ok("hello@example.org"));
        assert_eq!(email("a@b.org; c@d.org"), Err(Fault::Several));
        assert_eq!(email("hello@example"), Err(Fault::Email));
        assert_eq!(email("Sam <sam@example.org>"), Err(Fault::Email));
        assert_eq!(postcode("ng15fs").as_deref(), Ok("NG1 5FS"));
        assert_eq!(postcode(" n11  2tp ").as_deref(), Ok("N11 2TP"));
        assert_eq!(postcode("se21").as_deref(), Ok("SE21"));
        assert_eq!(postcode("AL4 ONS"), Err(Fault::Postcode));
        assert_eq!(postcode("Nottingham"), Err(Fault::Postcode));
        assert_eq!(postcode("É1 1AA"), Err(Fault::Postcode));
        assert_eq!(
            (age("18+"), age("0"), age("121"), age("adults")),
            (Ok(18), Ok(0), Err(Fault::Age), Err(Fault::Age))
        );
        assert_eq!(
            (degrees("-1.15", 180.0), degrees("91", 90.0), degrees("nan", 90.0)),
            (Ok(-1.15), Err(Fault::Degrees), Err(Fault::Degrees))
        );
        assert_eq!(charity("1234567").as_deref(), Ok("GB-CHC-1234567"));
        assert_eq!(charity("sc012345").as_deref(), Ok("GB-SC-SC012345"));
        assert_eq!(charity("GB-CHC-1234567").as_deref(), Ok("GB-CHC-1234567"));
        assert_eq!(charity("applied for"), Err(Fault::Charity));
        assert_eq!(several(" a ;b;; c\n"), ["a", "b", "c"]);
    }

    #[test]
    fn what_cannot_be_seen_is_removed() {
        assert_eq!(clean("\u{feff}  A\u{7}  B\u{a0}C\n", false), ("A B C".into(), true));
        assert_eq!(clean(" one \r\ntwo  ", true).0, "one\ntwo");
        assert_eq!(clean("Cafe\u{301}", false), ("Café".into(), false));
        // FileMaker writes a line break within a cell as a vertical tab; web pages have soft hyphens in long words.
        assert_eq!(clean("12 High Street\u{b}Beeston", true), ("12 High Street\nBeeston".into(), false));
        assert_eq!(clean("12 High Street\u{b}Beeston\u{2028}NG9", false), ("12 High Street Beeston NG9".into(), false));
        assert_eq!(clean("Be\u{ad}reave\u{ad}ment", false), ("Bereavement".into(), true));
        // Shown, this would be "Carers moc.elpmaxe": the direction is turned, and turns whatever follows.
        assert_eq!(clean("Carers \u{202e}moc.elpmaxe", false), ("Carers moc.elpmaxe".into(), true));
        assert_eq!(clean("\u{2067}שלום\u{2069}", false), ("שלום".into(), true));
        assert!(is_placeholder("N/A") && is_placeholder("–") && !is_placeholder("NA"));
    }
}
