//! A look through free text, before it is signed, for what may be somebody's own: a mailbox, a telephone number, a title and
//! a name. It proposes; a person decides, once for each text.
//!
//! What is let by, and why: the group's own public mailbox and number, said again in its description, tell nothing new; a
//! mailbox named after a task (`info@`, `secretary@`) and numbers that are nobody's home (03, 0800, 0808, 084, 087) are no
//! person's. Names without a title are not found: no list of names tells Rose Court from Rose Hart, and one that holds every
//! second record would be clicked away.

use super::group::Group;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A mailbox that may be a person's.
    Email,
    /// A telephone number that may be a person's.
    Phone,
    /// A title and a name.
    Name,
    /// What gives a protected place away.
    Place,
}

impl Kind {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Kind::Email => "a mailbox",
            Kind::Phone => "a telephone number",
            Kind::Name => "a person's name",
            Kind::Place => "a protected place",
        }
    }
}

/// Something in a record's words that a person must look at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Found {
    /// In which member.
    pub field: String,
    /// What it seems to be.
    pub kind: Kind,
    /// The words.
    pub text: String,
    /// By what a decision about this text is remembered: a digest of member and text, so that remembering keeps no words.
    pub mark: String,
}

/// Members that are no free text, or are for telling how a group is reached.
const NOT_TEXT: [&str; 7] = ["contact", "list", "source_id", "sightings", "assured", "safety", "licence"];
/// Titles, in the spelling in which they are titles: MS is an illness.
const TITLES: [&str; 14] =
    ["Mr", "Mrs", "Ms", "Miss", "Mx", "Dr", "Prof", "Professor", "Rev", "Revd", "Reverend", "Sir", "Dame", "Cllr"];
/// What a mailbox is called that belongs to a task.
const TASKS: [&str; 26] = [
    "info",
    "information",
    "admin",
    "office",
    "enquiries",
    "enquiry",
    "contact",
    "contactus",
    "hello",
    "help",
    "helpline",
    "support",
    "mail",
    "email",
    "post",
    "secretary",
    "treasurer",
    "chair",
    "membership",
    "members",
    "group",
    "groups",
    "team",
    "bookings",
    "referrals",
    "volunteering",
];

/// Looks through a group's words. `places` gives what in a text would give a protected place away.
pub fn scan(group: &Group, places: &dyn Fn(&str) -> Vec<String>) -> Vec<Found> {
    let own: Vec<String> = group
        .contact
        .iter()
        .flat_map(|contact| [contact.email.as_deref(), contact.phone.as_deref()])
        .flatten()
        .flat_map(|text| text.split([',', ';', '/']).map(plain).collect::<Vec<_>>())
        .collect();
    let mut found = Vec::new();
    for (member, value) in group.members() {
        if !NOT_TEXT.contains(&member.as_str()) {
            walk(&member, &value, &mut |field, text| {
                let address = field.starts_with("place");
                let mut all: Vec<(Kind, String)> = emails(text).into_iter().map(|text| (Kind::Email, text)).collect();
                all.extend(phones(text).into_iter().map(|text| (Kind::Phone, text)));
                all.extend(names(text, address).into_iter().map(|text| (Kind::Name, text)));
                all.retain(|(_, words)| !own.contains(&plain(words)));
                // Where a group itself meets is its own to say, also beside one that is protected.
                if !address || field == "place.catchment" {
                    all.extend(places(text).into_iter().map(|text| (Kind::Place, text)));
                }
                let mark = mark(field, text);
                let one = |(kind, text)| Found { field: field.to_owned(), kind, text, mark: mark.clone() };
                found.extend(all.into_iter().map(one));
            });
        }
    }
    found.sort();
    found.dedup();
    found
}

/// What any text holds, such as the notes beside a role contact.
pub fn in_text(text: &str) -> Vec<(Kind, String)> {
    let mut all: Vec<(Kind, String)> = emails(text).into_iter().map(|text| (Kind::Email, text)).collect();
    all.extend(phones(text).into_iter().map(|text| (Kind::Phone, text)));
    all.extend(names(text, false).into_iter().map(|text| (Kind::Name, text)));
    all
}

/// By what a decision about a member's text is remembered.
fn mark(field: &str, text: &str) -> String {
    let digest = Sha256::new().chain_update(field).chain_update([0]).chain_update(text).finalize();
    hex::encode(&digest[..16])
}

/// Two spellings of one mailbox or number look alike.
fn plain(text: &str) -> String {
    if text.contains('@') {
        return text.trim().to_lowercase();
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if digits.len() >= 9 { national(&digits) } else { text.trim().to_lowercase() }
}

fn national(digits: &str) -> String {
    let rest = digits.strip_prefix("0044").or_else(|| digits.strip_prefix("44").filter(|_| digits.len() > 11));
    rest.map_or(digits.to_owned(), |rest| format!("0{}", rest.trim_start_matches('0')))
}

fn walk(path: &str, value: &Value, see: &mut impl FnMut(&str, &str)) {
    match value {
        Value::String(text) => see(path, text),
        Value::Array(items) => items.iter().for_each(|item| walk(path, item, see)),
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| walk(&format!("{path}.{name}"), value, see));
        }
        _ => {}
    }
}

fn emails(text: &str) -> Vec<String> {
    let local = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '%' | '+' | '-' | '\'');
    let domain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    let mut found = Vec::new();
    for (at, _) in text.match_indices('@') {
        let before =
            text[..at].rfind(|c| !local(c)).map_or(0, |end| end + text[end..].chars().next().map_or(1, char::len_utf8));
        let after = text[at + 1..].find(|c| !domain(c)).map_or(text.len(), |end| at + 1 + end);
        let (name, host) = (&text[before..at], text[at + 1..after].trim_end_matches(['.', '-']));
        let task = name.to_lowercase();
        if !name.is_empty() && host.contains('.') && !host.starts_with('.') && !TASKS.contains(&task.as_str()) {
            found.push(format!("{name}@{host}"));
        }
    }
    found
}

fn phones(text: &str) -> Vec<String> {
    let bytes = text.as_bytes();
    let (mut found, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let begins = match bytes[at] {
            b'0' => true,
            b'+' => text[at..].starts_with("+44"),
            _ => false,
        };
        let inside =
            at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || matches!(bytes[at - 1], b'.' | b'/' | b'-' | b'#'));
        if !begins || inside {
            at += 1;
            continue;
        }
        // +44 counts as the one 0 that stands for it.
        let foreign = bytes[at] == b'+';
        let (mut digits, mut end, mut gap, mut scan) = (String::new(), at, 0, if foreign { at + 3 } else { at });
        if foreign {
            digits.push('0');
        }
        while scan < bytes.len() && gap <= 3 && digits.len() < 11 {
            match bytes[scan] {
                b'0' if foreign && digits.len() == 1 => gap = 0,
                digit if digit.is_ascii_digit() => {
                    digits.push(char::from(digit));
                    (end, gap) = (scan + 1, 0);
                }
                b' ' | b'-' | b'(' | b')' => gap += 1,
                _ => break,
            }
            scan += 1;
        }
        let whole = bytes.get(end).is_none_or(|next| !next.is_ascii_digit());
        let kind = digits.as_bytes().get(1);
        // 01-02-2026 is a day: codes of places have three digits at least.
        let leading = text[at..].bytes().take_while(u8::is_ascii_digit).count();
        let day = leading < 3 && bytes[at] == b'0';
        let british = !day && kind.is_some_and(|second| matches!(second, b'1' | b'2' | b'5' | b'7'));
        if whole && british && (10..=11).contains(&digits.len()) {
            found.push(text[at..end].to_owned());
        }
        at = end.max(at + 1);
    }
    found
}

fn names(text: &str, address: bool) -> Vec<String> {
    let words: Vec<(usize, &str)> = spaced(text);
    let mut found = Vec::new();
    for (i, (at, word)) in words.iter().enumerate() {
        let title = word.trim_start_matches(['(', '"', '\'', '[']).trim_end_matches('.');
        if !TITLES.contains(&title) {
            continue;
        }
        // In an address "Park Dr Leeds" is a drive.
        if address && title == "Dr" && i > 0 {
            continue;
        }
        let mut end = None;
        for (start, next) in words.iter().skip(i + 1).take(3) {
            let bare = next.trim_end_matches([',', '.', ';', ':', ')', '!', '?', '"', '\'']);
            let capital = bare.chars().next().is_some_and(char::is_uppercase);
            let initial = capital && bare.chars().count() <= 2 && bare.chars().all(|c| c.is_uppercase() || c == '.');
            let name = capital && bare.chars().count() >= 2 && bare.chars().skip(1).any(char::is_lowercase);
            if name {
                end = Some(start + bare.len());
            }
            // A name ends with its punctuation, or before a word that is none.
            let goes_on = initial || (name && bare.len() == next.len());
            if !goes_on {
                break;
            }
        }
        if let Some(end) = end {
            found.push(text[*at + (word.len() - word.trim_start_matches(['(', '"', '\'', '[']).len())..end].to_owned());
        }
    }
    found
}

fn spaced(text: &str) -> Vec<(usize, &str)> {
    let offset = |word: &str| word.as_ptr() as usize - text.as_ptr() as usize;
    text.split_whitespace().map(|word| (offset(word), word)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(description: &str) -> Vec<(Kind, String)> {
        let group = serde_json::json!({
            "name": "Stroke Group", "description": description,
            "contact": {"email": "Beeston@stroke.example", "phone": "0115 911 1662"},
        });
        let group = Group::read(&group.to_string()).unwrap();
        scan(&group, &|_| Vec::new()).into_iter().map(|found| (found.kind, found.text)).collect()
    }

    #[test]
    fn what_may_be_a_persons_is_found() {
        for (text, kind, words) in [
            ("Ask margaret.hill@mail.example.", Kind::Email, "margaret.hill@mail.example"),
            ("Ring 07700 900123 after six", Kind::Phone, "07700 900123"),
            ("Ring (01632) 960 001.", Kind::Phone, "01632) 960 001"),
            ("+44 (0)1632 960001", Kind::Phone, "+44 (0)1632 960001"),
            ("+441632960001", Kind::Phone, "+441632960001"),
            ("Led by Mrs Margaret Hill, a member", Kind::Name, "Mrs Margaret Hill"),
            ("with Dr. A. Patel", Kind::Name, "Dr. A. Patel"),
            ("(Rev Hill)", Kind::Name, "Rev Hill"),
        ] {
            assert_eq!(found(text), [(kind, words.to_owned())], "{text}");
        }
    }

    #[test]
    fn what_is_nobodys_or_known_is_let_by() {
        for text in [
            "Write to beeston@STROKE.example or ring 0115 9111662",
            "Write to info@stroke.example or secretary@stroke.example",
            "Ring the helpline, 0808 808 1234 or 0300 123 4567",
            "For people with MS Society membership; Dr or nurse may refer",
            "Since 01-02-2026 10 to 12, 2026-01-02, £10.50, 020",
            "id 550e8400-e29b-41d4-a716-446655440000, 00123456789012345",
            "Every @home meeting; a@b",
            "Mr and Mrs",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
        let address = serde_json::json!({"name": "A", "place": {"address": "12 Park Dr Leeds"}});
        assert_eq!(scan(&Group::read(&address.to_string()).unwrap(), &|_| Vec::new()), []);
    }

    #[test]
    fn a_decision_is_about_one_text_in_one_place() {
        let of = |json: serde_json::Value| scan(&Group::read(&json.to_string()).unwrap(), &|_| Vec::new());
        let a = of(serde_json::json!({"name": "A", "description": "Mrs Hill", "cost": "Free"}));
        let b = of(serde_json::json!({"name": "B", "description": "Mrs Hill", "cost": "£2"}));
        let c = of(serde_json::json!({"name": "A", "description": "Mrs Hill leads"}));
        assert_eq!(a, b);
        assert_ne!(a[0].mark, c[0].mark);
        let places = |text: &str| text.contains("NG1 1AA").then(|| "NG1 1AA".to_owned()).into_iter().collect();
        let group = Group::read(r#"{"name":"A","meetings":[{"text":"at NG1 1AA"}]}"#).unwrap();
        assert_eq!(scan(&group, &places)[0].kind, Kind::Place);
    }
}
