//! What leaves and part lines say: statements, strict JSON, groups, lists, and the normal forms that linking compares.

use crate::{Target, seeds, twice};
use mutuald::record::group::typed;
use mutuald::record::contact::ContactPart;
use mutuald::record::statement::{Body, Statement, is_label, is_origin};
use mutuald::record::{Group, List, canonical, part, strict};
use mutuald::registry::rules;
use mutuald::registry::{linkage, normal, normal_contact, normal_text};

pub const TARGETS: &[Target] = &[
    Target { name: "statement", run: statement, seeds: seeds::statements },
    Target { name: "strict-json", run: json, seeds: parts },
    Target { name: "part-line", run: line, seeds: seeds::lines },
    Target { name: "group", run: group, seeds: parts },
    Target { name: "list", run: list, seeds: parts },
    Target { name: "contact-part", run: contact_part, seeds: contact_parts },
    Target { name: "protection", run: protection, seeds: seeds::statements },
    Target { name: "canonical", run: forms, seeds: words },
    Target { name: "normal-forms", run: normal_forms, seeds: words },
];

fn parts() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = seeds::lines().into_iter().map(|line| line[23..].to_vec()).collect();
    all.push(br#"{"a":[1,-2.5e3,{"b":null}],"c":"\u00e9\ud83d\ude00","d":true,"e":9007199254740991}"#.to_vec());
    all
}

fn words() -> Vec<Vec<u8>> {
    [
        "St Mary's Church Hall, 12 High St, Beeston, Nottingham NG9 2AB",
        "0115 911 1661 / +44 (0)7700 900123 ext 4",
        "https://www.Example.org.uk:443/a/../groups/?utm=1#top",
        "Info@Example.ORG",
        "second Tuesday of the month",
        "2026-08-05T15:04:00Z",
        "3a9afa8c-9841-4d2f-8e7a-e061aed1ef68",
        "Registered charity no. 1053107-1",
        "Crohn\u{2019}s & Colitis — Caf\u{e9} \u{fb01}ne N\u{ba} 2",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

fn contact_parts() -> Vec<Vec<u8>> {
    [
        r#"{"contacts":[{"role":"coordinator","phone":"0115 496 0001"}]}"#,
        r#"{"contacts":[{"role":"group","email":"circle@example.org","hours":"Mon"},{"role":"hub","url":"https://example.org/"}]}"#,
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

/// What a contact part gives is the same when it is written again.
fn contact_part(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(part) = twice(|| ContactPart::read(text)) else { return };
    let again = part.json();
    assert_eq!(ContactPart::read(&again), Ok(part));
}

/// A hub's words about safety and its acknowledgements: a level that nobody knows protects most, lowering takes two roles, and what is
/// acknowledged names a log and a number.
fn protection(data: &[u8]) {
    let Ok(Statement { body, .. }) = Statement::read(data) else { return };
    match body {
        Body::Safety { level, lowered, .. } => {
            let weight = rules::protection(&level);
            assert!(weight <= rules::protection("nobody-knows-this"), "{level}");
            assert_eq!(rules::most([level.as_str(), "open"].into_iter()), Some(level.as_str()).filter(|_| weight > 0).or(Some("open")));
            if let Some([by, confirmed]) = lowered {
                assert!(is_label(&by) && is_label(&confirmed));
            }
        }
        Body::Ack { origin, size, erased } => assert!(is_origin(&origin) && size > 0 && erased > 0),
        _ => {}
    }
}

/// A statement that is understood, written by us, is the same statement.
fn statement(data: &[u8]) {
    let Ok(met) = twice(|| Statement::read(data)) else { return };
    assert!(met.rev > 0);
    if let Some(text) = met.text() {
        assert_eq!(Statement::read(text.as_bytes()), Ok(met.clone()));
        assert_eq!(Statement::read(text.as_bytes()).expect("read above").text(), Some(text), "one form");
    }
}

/// What is accepted is what any JSON reader sees, and stays so when it is written again.
fn json(data: &[u8]) {
    let Ok(met) = twice(|| strict::object(data)) else { return };
    let lax: serde_json::Value = serde_json::from_slice(data).expect("strict JSON is JSON");
    assert_eq!(lax, serde_json::Value::Object(met.clone()));
    let again = serde_json::to_vec(&met).expect("JSON is written");
    assert_eq!(strict::object(&again), Ok(met));
    assert!(again.len() <= 6 * data.len() + 64);
}

fn line(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let digest = part::digest(data);
    assert_eq!((digest.len(), part::digest(data)), (43, digest.clone()));
    // Lines are read out of files by their line feeds, so that none holds one.
    let Some(json) = part::json(text).filter(|json| !json.contains('\n')) else { return };
    assert!(text.ends_with(json));
    let again = part::line([3; 16], json);
    assert_eq!(part::json(&again), Some(json));
    assert_ne!(part::digest(again.as_bytes()), digest, "another salt, another digest");
}

/// A group that is accepted, written by us, is the same group; and what linking reads of it is the same each time.
fn group(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(met) = twice(|| Group::read(text)) else { return };
    let again = met.json();
    assert!(!again.contains('\n'), "a part is one line");
    let read = Group::read(&again).expect("what we write we read");
    assert_eq!((&read, &read.json()), (&met, &again));
    let model = linkage::Model::shipped();
    twice(|| linkage::read(&met, &model));
}

fn list(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let read = |text: &str| strict::object(text.as_bytes()).ok().and_then(|map| typed::<List>(map).ok());
    let Some(met) = twice(|| read(text)) else { return };
    let again = serde_json::to_string(&met).expect("a list is written");
    assert_eq!(read(&again).as_ref(), Some(&met), "what we write we read");
}

/// Ids, times and dates have one form each: what is accepted is written as it came.
fn forms(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Some(id) = canonical::uuid(text) {
        assert_eq!(id.to_string(), text);
    }
    if let Some(date) = canonical::date(text) {
        assert_eq!(date.to_string(), text);
    }
    if let Some(time) = canonical::time(text) {
        assert_eq!(time.to_string(), text);
    }
}

/// Normal forms are found twice the same, are normal themselves, and do not outgrow what they are made of.
fn normal_forms(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let words = twice(|| normal::words(text));
    // The longest expansion of one character (an Arabic ligature) is eighteen; transcriptions are shorter.
    assert!(words.len() <= 64 * text.len() + 64, "{} bytes out of {}", words.len(), text.len());
    twice(|| normal::tokens(text));
    twice(|| normal::Name::of(text));
    twice(|| normal::locality(text));
    twice(|| normal_text::address(Some(text), Some(text)));
    twice(|| normal_contact::phones(text));
    twice(|| normal_contact::web(text));
    twice(|| normal::postcode(text));
    for normal in [normal_contact::phone, normal_contact::email, normal_contact::charity] {
        if let Some(met) = twice(|| normal(text)) {
            assert_eq!(normal(&met).as_ref(), Some(&met), "a normal form is its own");
        }
    }
}
