//! What is written reads back; what breaks a rule is void; what is newer is kept.

use super::*;

const ID: &str = "3a9afa8c-9841-4d2f-9e7a-e061aed1ef68";
const HUB: &str = "h-abcdefghijklmnopqrstuvwxyz234567";

fn read(kind: &str, json: &str) -> Result<Statement, Void> {
    Statement::read(format!("groups-feed/v1 {kind}\n{json}\n").as_bytes())
}

#[test]
fn a_hub_id_is_its_text() {
    let id: HubId = HUB.parse().unwrap();
    assert_eq!(id.to_string(), HUB);
    for wrong in ["abcdefghijklmnopqrstuvwxyz234567", "h-ABC", "h-abcdefghijklmnopqrstuvwxyz234561"] {
        assert!(wrong.parse::<HubId>().is_err(), "{wrong}");
    }
}

#[test]
fn what_is_written_reads_back_the_same() {
    let record = RecordRef { hub: HUB.parse().unwrap(), rec: uuid(ID).unwrap() };
    let other = RecordRef { rec: Uuid::from_u128(7), ..record };
    let revision = Revision { record, rev: 3 };
    let assured = Assured { date: "2026-08-01".parse().unwrap(), method: "phone".into(), by: "hub".into() };
    let bodies = [
        Body::Put(Kind::List),
        Body::Put(Kind::Record),
        Body::Affirm(Kind::Record, assured),
        Body::Withdraw(Kind::Record),
        Body::Erase(Kind::Record, 4, ErasedParts::All),
        Body::Erase(Kind::Record, 4, ErasedParts::Classes(vec!["public".into()])),
        Body::Link { a: record, b: other, judgement: Judgement::BranchOf },
        Body::Choose { on: record, field: "place".into(), prefer: Prefer::Value(revision), over: vec![revision] },
        Body::Choose { on: record, field: "place".into(), prefer: Prefer::Retracted, over: vec![] },
        Body::Choose { on: record, field: "place".into(), prefer: Prefer::Unresolved, over: vec![] },
        Body::Safety { on: other, level: "sealed".into(), lowered: None },
        Body::Safety { on: other, level: "open".into(), lowered: Some(["trustee".into(), "hub-worker".into()]) },
        Body::Hub { version: 1, digest: "A".repeat(43) },
        Body::Ack { origin: "feed.example/1".into(), size: 7, erased: 2 },
    ];
    for body in bodies {
        let mut parts = BTreeMap::new();
        if matches!(body, Body::Put(_)) {
            parts.insert("public".to_owned(), "A".repeat(43));
        }
        let replaces = Some(other).filter(|_| body == Body::Put(Kind::Record));
        let at = time("2026-08-05T15:04:00Z").unwrap();
        let statement = Statement { id: uuid(ID).unwrap(), rev: 2, at, parts, replaces, body };
        let text = statement.text().unwrap();
        assert_eq!(Statement::read(text.as_bytes()), Ok(statement), "{text}");
    }
}

#[test]
fn broken_rules_are_void() {
    let common = format!(r#""id":"{ID}","rev":1,"at":"2026-08-05T15:04:00Z""#);
    for (kind, json, member) in [
        ("record", r#"{"op":"put"}"#.to_owned(), "id"),
        ("record", format!(r#"{{"id":"{}","rev":1}}"#, ID.to_uppercase()), "id"),
        ("record", format!(r#"{{"id":"{ID}","rev":0}}"#), "rev"),
        ("record", format!(r#"{{"id":"{ID}","rev":1,"at":"2026-08-05T16:04:00+01:00"}}"#), "at"),
        ("record", format!(r#"{{"id":"{ID}","rev":1,"at":"2026-02-30T16:04:00Z"}}"#), "at"),
        ("record", format!(r#"{{{common},"op":"Put"}}"#), "op"),
        ("record", format!(r#"{{{common},"op":"put","parts":{{"public":"short"}}}}"#), "parts"),
        ("record", format!(r#"{{{common},"op":"affirm"}}"#), "assured"),
        ("record", format!(r#"{{{common},"op":"erase","upto":0}}"#), "upto"),
        (
            "link",
            format!(r#"{{{common},"op":"put","a":["{HUB}","{ID}"],"b":["{HUB}","{ID}"],"judgement":"same"}}"#),
            "b",
        ),
        ("choose", format!(r#"{{{common},"op":"put","field":"name"}}"#), "prefer"),
        ("record", format!(r#"{{{common},"op":"put","crit":["absent"]}}"#), "crit"),
    ] {
        assert_eq!(read(kind, &json), Err(Void::Member(member)), "{json}");
    }
    assert_eq!(Statement::read(b"groups-feed/v2 record\n{}\n"), Err(Void::Header));
    assert_eq!(Statement::read(b"groups-feed/v1 record\n{}\n\n"), Err(Void::Header));
}

#[test]
fn what_is_merely_newer_is_kept_without_effect() {
    let common = format!(r#""id":"{ID}","rev":1,"at":"2026-08-05T15:04:00Z""#);
    for (kind, rest, what) in [
        ("assess", r#""op":"put""#.to_owned(), "type assess"),
        ("record", r#""op":"bless""#.into(), "op bless"),
        ("record", r#""op":"put","x_y":1,"crit":["x_y"]"#.into(), "crit x_y"),
        (
            "link",
            format!(r#""op":"put","a":["{HUB}","{ID}"],"b":["{HUB}","{}"],"judgement":"twin""#, Uuid::nil()),
            "judgement",
        ),
    ] {
        let statement = read(kind, &format!("{{{common},{rest}}}")).unwrap();
        assert_eq!(statement.body, Body::NotUnderstood(what.into()));
        assert_eq!(statement.text(), None);
    }
    let more = read("record", &format!(r#"{{{common},"op":"put","shoe":"red"}}"#)).unwrap();
    assert_eq!(more.body, Body::Put(Kind::Record));
}
