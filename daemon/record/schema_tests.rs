//! The published schemas against the types and the readers, and `schema/visibility.json` against both.
//!
//! `schema/group.schema.json` and `list.schema.json` are generated; `BLESS=1 cargo test --lib schema_tests` writes them again
//! after a change of the types. `leaf.schema.json` is written by hand; `leaf` tests it.

mod leaf;

use super::contact::{self, ContactPart};
use super::frame::FramePart;
use super::group::{Group, PartError};
use super::list::List;
use super::privacy::{VISIBILITY, Visibility};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("schema").join(name)
}

fn shipped(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path(name)).unwrap()).unwrap()
}

/// A validator that checks formats (dates, UUIDs) too.
fn validator(schema: &Value) -> jsonschema::Validator {
    jsonschema::options().should_validate_formats(true).build(schema).unwrap()
}

/// What the types say, and what their readers ask for besides.
fn generated() -> [(&'static str, Value); 4] {
    let mut group = schemars::schema_for!(Group).to_value();
    group["required"] = json!(["name"]);
    let name = &mut group["properties"]["name"];
    *name = json!({ "description": name["description"], "type": "string", "pattern": "\\S", "maxLength": super::group::NAME_BYTES });
    // The format alone lets capitals through.
    group["properties"]["list"]["pattern"] = json!("^[0-9a-f-]{36}$");
    group["$defs"]["Sighting"]["properties"]["record"]["pattern"] = json!("^[0-9a-f-]{36}$");
    let mut contacts = schemars::schema_for!(ContactPart).to_value();
    contacts["properties"]["contacts"]["maxItems"] = json!(contact::MOST);
    let mut frame = schemars::schema_for!(FramePart).to_value();
    let properties = &mut frame["properties"];
    properties["sampleFrameName"]["pattern"] = json!("^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$");
    properties["digest"]["pattern"] = json!("^[0-9a-f]{64}$");
    properties["frozen"]["pattern"] = json!("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9]Z$");
    properties["sources"]["items"]["pattern"] = json!("^h-[a-z2-7]{32}$");
    properties["counts"]["minItems"] = json!(1);
    [
        ("group.schema.json", group),
        ("list.schema.json", schemars::schema_for!(List).to_value()),
        ("contact.schema.json", contacts),
        ("frame.schema.json", frame),
    ]
}

#[test]
fn shipped_schemas_are_the_types() {
    for (name, schema) in generated() {
        let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(path(name), &text).unwrap();
        }
        let there = std::fs::read_to_string(path(name)).unwrap_or_default();
        assert!(
            there == text,
            "schema/{name} is not what the types say; BLESS=1 cargo test --lib schema_tests writes it"
        );
    }
}

#[test]
fn what_the_reader_takes_and_refuses_so_does_the_schema() {
    let schema = validator(&shipped("group.schema.json"));
    for json in [
        r#"{"name":"A"}"#,
        r#"{"name":"A","cost":null,"newcomers":true,"ages":{"min":18},"topics":["not-a-term-yet"]}"#,
        r#"{"name":"A","status":{"state":"closed","date":"2026-08-01"},"list":"3a9afa8c-9841-4d2f-9e7a-e061aed1ef68"}"#,
        r#"{"name":"A","shoe":{"size":4},"place":{"latitude":52.95,"floor":"first"}}"#,
        r#"{"name":"A","criteria":{"voluntary":{"value":"met","method":"phone"}}}"#,
    ] {
        assert!(Group::read(json).is_ok(), "{json}");
        assert!(schema.is_valid(&serde_json::from_str(json).unwrap()), "{json}");
    }
    for (json, code) in [
        (r#"{}"#, "part-name"),
        (r#"{"name":" "}"#, "part-name"),
        (r#"{"name":1}"#, "part-member"),
        (r#"{"name":"A","topics":"x"}"#, "part-member"),
        (r#"{"name":"A","topics":null}"#, "part-member"),
        (r#"{"name":"A","list":"the library's"}"#, "part-member"),
        (r#"{"name":"A","ages":{"min":-1}}"#, "part-member"),
        (r#"{"name":"A","ages":{"max":256}}"#, "part-member"),
        (r#"{"name":"A","status":{"state":3}}"#, "part-member"),
        (r#"{"name":"A","status":{"state":"closed","date":"2026-02-30"}}"#, "part-member"),
        // One spelling a value: what other readers might take, or not.
        (r#"{"name":"A","status":{"state":"closed","date":"20260228"}}"#, "part-member"),
        (r#"{"name":"A","status":{"state":"closed","until":"2026-02-28T00:00:00"}}"#, "part-member"),
        (r#"{"name":"A","assured":{"date":"+002026-08-01","method":"phone","by":"hub"}}"#, "part-member"),
        (r#"{"name":"A","sightings":[{"observed_by":"B","date":"2026-2-01"}]}"#, "part-member"),
        (r#"{"name":"A","criteria":{"voluntary":{"value":"met","date":"2026-W09-4"}}}"#, "part-member"),
        (r#"{"name":"A","list":"3A9AFA8C-9841-4D2F-9E7A-E061AED1EF68"}"#, "part-member"),
        (r#"{"name":"A","list":"3a9afa8c98414d2f9e7ae061aed1ef68"}"#, "part-member"),
        (r#"{"name":"A","place":{"latitude":"north"}}"#, "part-member"),
        (r#"{"name":"A","assured":{"date":"2026-08-01","method":"phone"}}"#, "part-member"),
        (r#"{"name":"A","meetings":{"text":"often"}}"#, "part-member"),
    ] {
        assert_eq!(Group::read(json).map_err(|error| error.code()), Err(code), "{json}");
        assert!(!schema.is_valid(&serde_json::from_str(json).unwrap()), "{json}");
    }
    let long = format!(r#"{{"name":"{}"}}"#, "A".repeat(301));
    assert_eq!(Group::read(&long), Err(PartError::Name));
    assert!(!schema.is_valid(&serde_json::from_str(&long).unwrap()));

    let list = validator(&shipped("list.schema.json"));
    assert!(list.is_valid(&json!({ "title": "A", "kind": "own", "duplicates": true, "shoe": 4 })));
    assert!(!list.is_valid(&json!({ "title": "A", "kind": "own", "duplicates": "often" })));
}

/// The members an object schema names; `extra` stands for those it does not.
fn members(object: &Value) -> BTreeSet<String> {
    let named = object["properties"].as_object().into_iter().flatten().map(|(name, _)| name.clone());
    named.chain((object["additionalProperties"] == json!(true)).then(|| "extra".to_owned())).collect()
}

#[test]
fn every_member_has_a_visibility_and_nothing_else_does() {
    let [(_, group), (_, list), (_, contacts), (_, frame)] = generated();
    let mut listed = BTreeSet::new();
    let mut same = |section: String, members: BTreeSet<String>, allowed: Visibility| {
        let there = VISIBILITY.get(&section).unwrap_or_else(|| panic!("{section} is not in visibility.json"));
        assert_eq!(there.keys().cloned().collect::<BTreeSet<_>>(), members, "{section}");
        assert!(there.values().all(|visibility| *visibility == allowed), "{section}");
        listed.insert(section);
    };
    same("part.group".into(), members(&group), Visibility::Public);
    same("part.list".into(), members(&list), Visibility::Public);
    for (name, object) in group["$defs"].as_object().unwrap() {
        same(format!("part.{}", name.to_lowercase()), members(object), Visibility::Public);
    }
    // What only named hubs read is listed as such, in sections of its own.
    same("part.contact-part".into(), members(&contacts), Visibility::Peers);
    same("part.frame".into(), members(&frame), Visibility::Public);
    same("part.frame-period".into(), members(&frame["$defs"]["Period"]), Visibility::Public);
    same("part.frame-count".into(), members(&frame["$defs"]["Count"]), Visibility::Public);
    same("part.rolecontact".into(), members(&contacts["$defs"]["RoleContact"]), Visibility::Peers);
    let leaf = shipped("leaf.schema.json");
    for kind in ["record", "list", "frame", "link", "choose", "safety", "hub", "ack"] {
        let definition = match kind {
            "record" | "list" | "frame" => &leaf["$defs"]["of-a-record"],
            _ => &leaf["$defs"][kind],
        };
        // The signer writes no critical members: this version has none that need the mark.
        let members = members(definition).into_iter().filter(|name| name != "crit").collect();
        same(format!("leaf.{kind}"), members, Visibility::Permanent);
    }
    // Hub documents and stored columns: tests/suite/formats.rs. Tables for researchers: tests/suite/frame_exports.rs.
    let rest = VISIBILITY.keys().filter(|section| !listed.contains(*section));
    let elsewhere = ["hub.", "store.", "export."];
    assert!(rest.clone().all(|section| elsewhere.iter().any(|kind| section.starts_with(kind))), "{rest:?}");
}
