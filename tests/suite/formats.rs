//! What `schema/` says of hub documents and stored columns is what the program has.

use jiff::civil::date;
use mutuald::feed::note::ED25519;
use mutuald::feed::{HubDocument, LogKeys, SigningKey, hub};
use mutuald::record::privacy::{VISIBILITY, Visibility};
use serde_json::{Value, json};
use sqlx::{Connection, Row, SqliteConnection};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn schema(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("schema").join(name)
}

fn shipped() -> Value {
    serde_json::from_str(&std::fs::read_to_string(schema("hub.schema.json")).unwrap()).unwrap()
}

fn root() -> SigningKey {
    SigningKey::new("root-a", ED25519, &[1; 32])
}

fn document() -> HubDocument {
    let keys = LogKeys::from_seed("feed.example/1", &[2; 32]);
    HubDocument::first("Example Hub", "CC-BY-4.0", &root(), &keys, "../v1/1/", date(2027, 8, 21))
}

/// A document with one member other than it should be, signed all the same.
fn altered(pointer: &str, value: Option<Value>) -> (Value, String) {
    let mut json = serde_json::to_value(document()).unwrap();
    let (object, name) = pointer.rsplit_once('/').unwrap();
    let object = json.pointer_mut(object).unwrap();
    match value {
        Some(value) if object.is_array() => object[name.parse::<usize>().unwrap()] = value,
        Some(value) => object[name] = value,
        None => drop(object.as_object_mut().unwrap().remove(name)),
    }
    let note = root().note(&format!("{}{json}\n", hub::HEADER));
    (json, note)
}

#[test]
fn a_hub_document_follows_its_schema_and_a_wrong_one_follows_neither() {
    let validator = jsonschema::options().should_validate_formats(true).build(&shipped()).unwrap();
    let signed = document().sign(&[&root()]);
    let json = signed.lines().nth(1).unwrap();
    assert!(validator.is_valid(&serde_json::from_str(json).unwrap()), "{json}");

    let taken = [
        ("/shoe", Some(json!(4))),
        ("/logs/0/shoe", Some(json!([]))),
        ("/areas", Some(json!(["E06000018"]))),
        ("/areas", None),
        ("/policy", None),
        ("/successor", Some(json!("h-abcdefghijklmnopqrstuvwxyz234567"))),
    ];
    for (pointer, value) in taken {
        let (json, note) = altered(pointer, value);
        assert!(hub::open(note.as_bytes(), None).is_ok(), "{json}");
        assert!(validator.is_valid(&json), "{json}");
    }
    let plain = document().logs[0].vkey.clone();
    let refused = [
        ("/version", Some(json!(2)), "hub-version"),
        ("/version", Some(json!("1")), "hub-body"),
        ("/name", None, "hub-body"),
        ("/licence", Some(json!(null)), "hub-body"),
        ("/expires", Some(json!("2027-02-30")), "hub-body"),
        ("/root/vkeys", Some(json!([])), "hub-body"),
        ("/root/vkeys/0", Some(json!("root-a")), "hub-body"),
        ("/root/threshold", Some(json!(0)), "hub-body"),
        ("/logs", Some(json!([])), "hub-body"),
        ("/logs/0/prefix", None, "hub-body"),
        ("/logs/0/vkey", Some(json!("feed.example/1+00000000+QUJD")), "hub-body"),
        ("/logs/0/peer", Some(json!(plain)), "hub-body"),
        ("/successor", Some(json!("h-ABC")), "hub-body"),
        ("/classes", Some(json!({ "public": true })), "hub-body"),
        ("/policy/republish_s", Some(json!(-1)), "hub-body"),
    ];
    for (pointer, value, code) in refused {
        let (json, note) = altered(pointer, value);
        assert_eq!(hub::open(note.as_bytes(), None).unwrap_err().code(), code, "{json}");
        assert!(!validator.is_valid(&json), "{json}");
    }
}

/// The members that a written document names, and `extra` where it keeps others.
fn members(value: &Value, keeps: bool) -> BTreeSet<String> {
    let named = value.as_object().unwrap().keys().cloned();
    named.chain(keeps.then(|| "extra".to_owned())).collect()
}

#[test]
fn every_member_of_a_hub_document_has_a_description_and_a_visibility() {
    let first = hub::open(document().sign(&[&root()]).as_bytes(), None).unwrap();
    let mut later = first.following();
    later.logs[0].closed = Some(hub::Closed::at(3, [7; 32]));
    let signed = later.sign(&[&root()]);
    assert!(hub::next(&first, signed.as_bytes()).is_ok());
    let (written, schema) = (serde_json::to_value(&later).unwrap(), shipped());
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    assert!(validator.is_valid(&written), "{written}");
    for name in ["hub", "prev"] {
        let mut without = written.clone();
        without.as_object_mut().unwrap().remove(name);
        assert!(!validator.is_valid(&without), "a later version without {name}");
    }
    for (section, value, described, keeps) in [
        ("hub.document", &written, &schema, true),
        ("hub.root", &written["root"], &schema["$defs"]["root"], false),
        ("hub.log", &written["logs"][0], &schema["$defs"]["log"], true),
        ("hub.closed", &written["logs"][0]["closed"], &schema["$defs"]["log"]["properties"]["closed"], false),
        ("hub.policy", &written["policy"], &schema["$defs"]["policy"], true),
    ] {
        let names = members(value, keeps);
        assert_eq!(members(&described["properties"], keeps), names, "{section}");
        assert_eq!(VISIBILITY[section].keys().cloned().collect::<BTreeSet<_>>(), names, "{section}");
        assert!(VISIBILITY[section].values().all(|visibility| *visibility == Visibility::Permanent), "{section}");
    }
}

/// Table → columns of a database made by the migrations. The tables by which full-text search keeps its index (`shadow`)
/// hold what their table holds, and are as visible.
async fn columns() -> BTreeMap<String, BTreeSet<String>> {
    let mut database = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(schema("migrations")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files {
        let sql = std::fs::read_to_string(file).unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut database).await.unwrap();
    }
    let rows = sqlx::query(
        "SELECT t.name, c.name FROM pragma_table_list AS t JOIN pragma_table_info (t.name) AS c
         WHERE t.schema = 'main' AND t.type <> 'shadow' AND t.name NOT LIKE 'sqlite_%'",
    )
    .fetch_all(&mut database)
    .await
    .unwrap();
    let mut tables: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in rows {
        tables.entry(row.get(0)).or_default().insert(row.get(1));
    }
    tables
}

#[tokio::test]
async fn every_stored_column_has_a_visibility_and_nothing_else_does() {
    let listed: BTreeMap<String, BTreeSet<String>> = VISIBILITY
        .iter()
        .filter_map(|(section, columns)| {
            Some((section.strip_prefix("store.")?.to_owned(), columns.keys().cloned().collect()))
        })
        .collect();
    let stored = columns().await;
    assert!(stored.contains_key("leaf") && stored.contains_key("search"));
    for (table, columns) in &stored {
        assert_eq!(listed.get(table), Some(columns), "the columns of `{table}` in schema/visibility.json");
    }
    assert_eq!(listed.keys().collect::<Vec<_>>(), stored.keys().collect::<Vec<_>>(), "no table is listed that is none");
}

/// The example of `schema/README.md`: seed, salt and times are in its text, so that a stranger can make the same bytes.
#[test]
fn the_example_in_words_is_what_this_program_writes_and_reads() {
    use mutuald::feed::{Checkpoint, leaf, merkle};
    use mutuald::record::statement::{Body, Kind, time, uuid};
    use mutuald::record::{Statement, part};

    let keys = LogKeys::from_seed("feed.example/1", &[7; 32]);
    let line = part::line([1; 16], r#"{"name":"Beeston Stroke Group","topics":["stroke"]}"#);
    let statement = Statement {
        id: uuid("3a9afa8c-9841-4d2f-9e7a-e061aed1ef68").unwrap(),
        rev: 1,
        at: time("2026-08-05T15:04:00Z").unwrap(),
        parts: BTreeMap::from([(part::PUBLIC.to_owned(), part::digest(line.as_bytes()))]),
        replaces: None,
        body: Body::Put(Kind::Record),
    };
    let signed = leaf::sign(&statement, &keys.log).unwrap();
    assert_eq!(leaf::open(&signed, keys.log.public()), Ok(statement));
    let checkpoint = Checkpoint { size: 1, root: merkle::root([merkle::leaf_hash(&signed)]), time: 1_790_000_000 };
    let checkpoint = checkpoint.sign(&keys);

    let readme = std::fs::read_to_string(schema("README.md")).unwrap();
    for shown in [
        keys.log.public().to_string(),
        keys.peer.public().to_string(),
        line,
        String::from_utf8(signed).unwrap(),
        checkpoint,
    ] {
        assert!(readme.contains(&shown), "schema/README.md does not show\n{shown}");
    }
}

/// Every code that a check of a feed or a pull can end with stands in `schema/README.md`: what it means and what a person
/// does next, or with the format that it belongs to. Read from the sources, so that a new one is met by itself.
#[test]
fn every_code_is_documented() {
    let readme = std::fs::read_to_string(schema("README.md")).unwrap();
    let rows: Vec<Vec<&str>> = readme
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let in_tables = |code: &str| {
        let named = |row: &&Vec<&str>| row[0].split(", ").any(|name| name == format!("`{code}`"));
        rows.iter().filter(named).any(|row| row.len() == 3 && row[1..].iter().all(|cell| !cell.is_empty()))
    };
    // The formats give their codes in lists, which end with a full stop or an explanation.
    let lists: String =
        readme.split("Codes: ").skip(1).map(|rest| rest.split("\n\n").next().unwrap_or_default()).collect();
    let in_lists = |code: &str| lists.contains(&format!("`{code}`"));

    let is_code =
        |text: &str| !text.is_empty() && text.len() < 40 && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    let literals = |code: &str| -> BTreeSet<String> {
        code.split('"').skip(1).step_by(2).filter(|text| is_code(text)).map(str::to_owned).collect()
    };
    let read = |path: &str| {
        let text = std::fs::read_to_string(crate::support::feed::repository(path)).unwrap();
        let code: Vec<&str> = text.lines().take_while(|line| *line != "#[cfg(test)]").collect();
        code.iter()
            .filter(|line| !line.trim_start().starts_with("//"))
            .map(|line| format!("{line}\n"))
            .collect::<String>()
    };
    // `fn code`: a match of variants to codes, and nothing else.
    let code_of = |path: &str| -> BTreeSet<String> {
        let text = read(path);
        let found: BTreeSet<String> = text
            .split("fn code(")
            .skip(1)
            .flat_map(|rest| literals(rest.split("\n    }\n").next().unwrap_or_default()))
            .collect();
        assert!(!found.is_empty(), "{path}");
        found
    };
    let mut of_files = BTreeSet::new();
    for path in ["daemon/peer/client.rs", "daemon/peer/pull/error.rs", "daemon/peer/audit.rs"] {
        of_files.extend(code_of(path));
    }
    // What an audit finds beside: every literal in it, but for words of its report that are no codes.
    for path in ["daemon/peer/audit.rs", "daemon/peer/audit/bundle.rs", "daemon/peer/audit/files.rs"] {
        of_files.extend(literals(&read(path)));
    }
    const NO_CODES: [&str; 3] = ["checkpoint", "void", "leaf-removed"];
    of_files.retain(|code| !NO_CODES.contains(&code.as_str()));
    assert!(of_files.len() > 20, "{of_files:?}");
    let states = ["new", "current", "changed", "stale", "stale-view", "waiting", "disputed"].map(str::to_owned);
    let ages = ["fresh", "stale", "ahead", "expired"].map(str::to_owned);
    for code in of_files.iter().chain(&states).chain(&ages) {
        assert!(in_tables(code), "{code} is not in the tables of schema/README.md with what to do next");
    }
    let formats = ["note", "hub", "tile", "checkpoint"].map(|file| format!("daemon/feed/{file}.rs"));
    let records = ["strict.rs", "statement/read.rs", "group.rs"].map(|file| format!("daemon/record/{file}"));
    for path in formats.iter().chain(&records) {
        for code in code_of(path) {
            assert!(in_lists(&code), "{code} of {path} is not among the codes of schema/README.md");
        }
    }
}
