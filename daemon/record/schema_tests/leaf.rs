//! `schema/leaf.schema.json` against `Statement`, and the signer's last look, for generated statements.

use super::{shipped, validator};
use crate::record::group::{Assured, UNITS};
use crate::record::privacy::check_leaf;
use crate::record::statement::{
    Body, ErasedParts, HEADER, HubId, Judgement, Kind, Prefer, RecordRef, Revision, Statement,
};
use crate::record::vocabulary;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::LazyLock;
use uuid::Uuid;

static SCHEMAS: LazyLock<BTreeMap<String, jsonschema::Validator>> = LazyLock::new(|| {
    let kinds = ["record", "list", "frame", "link", "choose", "safety", "hub", "ack", "envelope"];
    kinds
        .map(|kind| {
            let mut schema = shipped("leaf.schema.json");
            schema["$ref"] = json!(format!("#/$defs/{kind}"));
            (kind.to_owned(), validator(&schema))
        })
        .into()
});

fn follows_schema(kind: &str, members: &Value) -> bool {
    SCHEMAS.get(kind).unwrap_or(&SCHEMAS["envelope"]).is_valid(members)
}

/// A leaf's text taken apart, and put together again.
fn apart(text: &str) -> (String, Value) {
    let (kind, json) = text.strip_prefix(HEADER).unwrap().split_once('\n').unwrap();
    (kind.to_owned(), serde_json::from_str(json).unwrap())
}

fn together(kind: &str, members: &Value) -> String {
    format!("{HEADER}{kind}\n{members}\n")
}

fn record() -> impl Strategy<Value = RecordRef> {
    (any::<[u8; 20]>(), any::<u128>()).prop_map(|(hub, rec)| RecordRef { hub: HubId(hub), rec: Uuid::from_u128(rec) })
}

fn revision() -> impl Strategy<Value = Revision> {
    (record(), 1..1_000u64).prop_map(|(record, rev)| Revision { record, rev })
}

fn digest() -> impl Strategy<Value = String> {
    any::<[u8; 32]>().prop_map(|bytes| crate::record::part::digest(&bytes))
}

fn classes() -> impl Strategy<Value = Vec<String>> {
    proptest::sample::subsequence(vec!["public".to_owned(), "contact".to_owned()], 1..=2)
}

fn ids(vocabulary: &'static vocabulary::Vocabulary) -> impl Strategy<Value = String> {
    select(vocabulary.terms.iter().map(|term| term.id.clone()).collect::<Vec<_>>())
}

fn roles() -> impl Strategy<Value = String> {
    ids(vocabulary::safety_roles())
}

fn assured() -> impl Strategy<Value = Assured> {
    let day = (1990..2100i16, 1..=12i8, 1..=28i8).prop_map(|(y, m, d)| jiff::civil::date(y, m, d));
    (day, ids(vocabulary::assurance_methods()), ids(vocabulary::assurance_roles()))
        .prop_map(|(date, method, by)| Assured { date, method, by })
}

/// Every body this program can write.
fn body() -> impl Strategy<Value = Body> {
    let kind = || select(vec![Kind::List, Kind::Record, Kind::Frame]);
    let judgement = select(Judgement::ALL.map(|(judgement, _)| judgement).to_vec());
    let erased = prop_oneof![Just(ErasedParts::All), classes().prop_map(ErasedParts::Classes)];
    let prefer = prop_oneof![revision().prop_map(Prefer::Value), Just(Prefer::Retracted), Just(Prefer::Unresolved)];
    prop_oneof![
        kind().prop_map(Body::Put),
        (kind(), assured()).prop_map(|(kind, assured)| Body::Affirm(kind, assured)),
        kind().prop_map(Body::Withdraw),
        (kind(), 1..1_000u64, erased).prop_map(|(kind, upto, parts)| Body::Erase(kind, upto, parts)),
        (record(), record(), judgement)
            .prop_filter("a record is not linked with itself", |(a, b, _)| a != b)
            .prop_map(|(a, b, judgement)| Body::Link { a, b, judgement }),
        (record(), select(UNITS.to_vec()), prefer, proptest::collection::vec(revision(), 0..=16))
            .prop_map(|(on, field, prefer, over)| Body::Choose { on, field: field.to_owned(), prefer, over }),
        (record(), ids(vocabulary::safety_levels()), proptest::option::of([roles(), roles()]))
            .prop_map(|(on, level, lowered)| Body::Safety { on, level, lowered }),
        (1..1_000u64, digest()).prop_map(|(version, digest)| Body::Hub { version, digest }),
        ("[a-z]{1,9}\\.[a-z0-9-]{2,9}/[1-9][0-9]{0,2}", 1..1_000u64, 1..1_000u64)
            .prop_map(|(origin, size, erased)| Body::Ack { origin, size, erased }),
    ]
}

fn statement() -> impl Strategy<Value = Statement> {
    let parts = prop_oneof![
        Just(BTreeMap::new()),
        (classes(), digest()).prop_map(|(classes, digest)| classes.into_iter().map(|c| (c, digest.clone())).collect())
    ];
    let replaces = proptest::option::of(record());
    (any::<u128>(), 1..1_000u64, 0..4_000_000_000i64, parts, replaces, body()).prop_map(
        |(id, rev, at, parts, replaces, body)| {
            // An erase names classes where others name digests; a hub statement has no parts.
            let bare = matches!(body, Body::Erase(..) | Body::Hub { .. } | Body::Ack { .. });
            Statement {
                id: Uuid::from_u128(id),
                rev,
                at: jiff::Timestamp::from_second(at).unwrap(),
                parts: if bare { BTreeMap::new() } else { parts },
                replaces: replaces.filter(|_| body == Body::Put(Kind::Record)),
                body,
            }
        },
    )
}

/// What could identify a person, or looks like what could; also in the form of a label.
fn personal() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Z][a-z]{2,8} [A-Z][a-z]{2,10}",
        "[a-z]{3,9}",
        "[a-z]{2,8}[-_][a-z]{2,8}",
        "[a-z]{1,8}\\.[a-z]{1,8}@[a-z]{3,8}\\.example",
        "(0|\\+44)[0-9]{3,4} ?[0-9]{3} ?[0-9]{3}",
        "[A-Z]{1,2}[0-9]{1,2} [0-9][A-Z]{2}",
        "[a-z]{1,2}[0-9]{1,2}[0-9][a-z]{2}",
        "\\PC{1,40}",
    ]
    .prop_filter("a word that somebody published names nobody", |text| {
        let word = text.as_str();
        let rules = ["put", "affirm", "withdraw", "erase", "lower", "unresolved", "public", "contact", "*"];
        !rules.contains(&word)
            && !UNITS.contains(&word)
            && Judgement::of(word).is_none()
            && vocabulary::assurance_methods().get(word).is_none()
            && vocabulary::assurance_roles().get(word).is_none()
            && vocabulary::safety_levels().get(word).is_none()
            && vocabulary::safety_roles().get(word).is_none()
    })
}

/// JSON pointers to everything in a value, itself included.
fn pointers(value: &Value) -> Vec<String> {
    let inside: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(nth, value)| (nth.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    let below = inside.iter().flat_map(|(name, value)| pointers(value).into_iter().map(move |p| format!("/{name}{p}")));
    std::iter::once(String::new()).chain(below).collect()
}

/// Puts a text into one place of a leaf: instead of a string, or as one more member or item. Returns where.
fn plant(members: &mut Value, at: Index, text: &str) -> String {
    let places: Vec<String> = pointers(members)
        .into_iter()
        .filter(|p| matches!(members.pointer(p), Some(Value::String(_) | Value::Object(_) | Value::Array(_))))
        .collect();
    let place = at.get(&places).clone();
    match members.pointer_mut(&place) {
        Some(Value::Object(object)) => drop(object.insert("note".to_owned(), json!(text))),
        Some(Value::Array(items)) => items.push(json!(text)),
        Some(value) => *value = json!(text),
        None => unreachable!("the pointer was just made"),
    }
    place
}

/// Values that one member or another takes, and some that none does.
fn odd() -> impl Strategy<Value = Value> {
    select(vec![
        json!(null),
        json!(true),
        json!(0),
        json!(1),
        json!(-1),
        json!(1.5),
        json!(""),
        json!("*"),
        json!("put"),
        json!("erase"),
        json!("affirm"),
        json!("bless"),
        json!("unresolved"),
        json!("Same"),
        json!("two words"),
        json!("a".repeat(40)),
        json!("a".repeat(41)),
        json!("2026-08-01"),
        json!("2026-02-30"),
        json!("2026-08-05T15:04:00Z"),
        json!("2016-12-31T23:59:60Z"),
        json!("2026-08-05T16:04:00+01:00"),
        json!("3A9AFA8C-9841-4D2F-9E7A-E061AED1EF68"),
        json!("A".repeat(43)),
        json!(format!("{}B", "A".repeat(42))),
        json!("h-abcdefghijklmnopqrstuvwxyz234561"),
        json!([]),
        json!(["public"]),
        json!(["Public"]),
        json!(["op"]),
        json!(vec!["public"; 9]),
        json!({}),
        json!({ "public": "A".repeat(43) }),
        json!({ "Public": "A".repeat(43) }),
        json!((0..9).map(|n| (format!("c{n}"), json!("A".repeat(43)))).collect::<Map<_, _>>()),
    ])
}

fn change(members: &mut Value, at: Index, to: Option<Value>) {
    let places = pointers(members);
    let place = at.get(&places[1..]).clone();
    match to {
        Some(value) => *members.pointer_mut(&place).unwrap() = value,
        None => {
            let (object, name) = place.rsplit_once('/').unwrap();
            match members.pointer_mut(object) {
                Some(Value::Object(object)) => drop(object.remove(name)),
                Some(Value::Array(items)) => drop(items.pop()),
                _ => unreachable!("a pointer's parent is an object or array"),
            }
        }
    }
}

/// What the schema's description leaves to README: `a` is not `b`, and `crit` names members that are there.
fn beyond_schemas(kind: &str, members: &Value) -> bool {
    let named = members["crit"].as_array().into_iter().flatten().filter_map(Value::as_str);
    (kind == "link" && members["a"] == members["b"]) || named.into_iter().any(|name| members.get(name).is_none())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_statement_signs_reads_back_and_follows_the_schema(statement in statement()) {
        let text = statement.text().unwrap();
        prop_assert_eq!(check_leaf(&text), Ok(()), "{}", text);
        let (kind, members) = apart(&text);
        prop_assert!(follows_schema(&kind, &members), "{}", text);
        prop_assert_eq!(Statement::read(text.as_bytes()), Ok(statement));
    }

    #[test]
    fn words_of_people_are_never_signed(statement in statement(), at in any::<Index>(), text in personal()) {
        let (kind, mut members) = apart(&statement.text().unwrap());
        let place = plant(&mut members, at, &text);
        let leaf = together(&kind, &members);
        prop_assert!(check_leaf(&leaf).is_err(), "at {:?}: {}", place, leaf);
        let (_, members) = apart(&statement.text().unwrap());
        prop_assert!(check_leaf(&together(&text.replace('\n', " "), &members)).is_err(), "as type: {}", text);
    }

    #[test]
    fn schema_and_reader_agree(
        statement in statement(),
        changes in proptest::collection::vec((any::<Index>(), proptest::option::weighted(0.8, odd())), 1..3),
        crit in proptest::option::weighted(0.2, select(vec![json!(["op"]), json!(["new"]), json!([]), json!("op"), json!(["op", "N"])])),
    ) {
        let (kind, mut members) = apart(&statement.text().unwrap());
        for (at, to) in changes {
            change(&mut members, at, to);
        }
        if let Some(crit) = crit {
            members["crit"] = crit;
            members["new"] = json!(1);
        }
        prop_assume!(!beyond_schemas(&kind, &members));
        let text = together(&kind, &members);
        let read = Statement::read(text.as_bytes());
        prop_assert_eq!(follows_schema(&kind, &members), read.is_ok(), "{}: {:?}", text, read);
    }
}

#[test]
fn counter_examples_are_refused_by_both() {
    let id = "3a9afa8c-9841-4d2f-9e7a-e061aed1ef68";
    let hub = "h-abcdefghijklmnopqrstuvwxyz234567";
    let common = json!({ "id": id, "rev": 1, "at": "2026-08-05T15:04:00Z" });
    for (kind, more) in [
        ("record", json!({})),
        ("record", json!({ "op": "Put" })),
        ("record", json!({ "op": "put", "rev": 0 })),
        ("record", json!({ "op": "put", "id": id.to_uppercase() })),
        ("record", json!({ "op": "put", "at": "2026-02-30T15:04:00Z" })),
        ("record", json!({ "op": "put", "parts": { "public": "short" } })),
        ("list", json!({ "op": "affirm" })),
        ("list", json!({ "op": "affirm", "assured": { "date": "2026-08-01", "method": "By phone", "by": "hub" } })),
        ("record", json!({ "op": "erase", "upto": 0, "parts": "*" })),
        ("record", json!({ "op": "erase", "upto": 1, "parts": [] })),
        ("link", json!({ "op": "put", "a": [hub, id], "judgement": "same" })),
        ("choose", json!({ "op": "put", "on": [hub, id], "field": "name" })),
        ("choose", json!({ "op": "put", "on": [hub, id], "field": "name", "prefer": [hub, id] })),
        (
            "choose",
            json!({ "op": "put", "on": [hub, id], "field": "name", "prefer": null, "over": vec![json!([hub, id, 1]); 17] }),
        ),
        ("safety", json!({ "op": "put", "on": [hub, id] })),
        ("safety", json!({ "op": "put", "on": [hub, id], "level": "at the mill" })),
        ("safety", json!({ "op": "lower", "on": [hub, id], "level": "open", "by": "trustee" })),
        ("hub", json!({ "op": "put", "version": 1, "digest": format!("{}B", "A".repeat(42)) })),
        ("frame", json!({ "op": "affirm" })),
        ("assess", json!({ "op": 4 })),
    ] {
        let mut members = common.clone();
        members.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let text = together(kind, &members);
        assert!(Statement::read(text.as_bytes()).is_err(), "{text}");
        assert!(!follows_schema(kind, &members), "{text}");
    }
    // Merely newer: kept by both.
    for (kind, op) in [("assess", "put"), ("record", "bless")] {
        let mut members = common.clone();
        members["op"] = json!(op);
        assert!(Statement::read(together(kind, &members).as_bytes()).is_ok());
        assert!(follows_schema(kind, &members));
    }
}
