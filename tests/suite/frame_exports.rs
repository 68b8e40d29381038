//! Exports of frames and samples: what a researcher takes away, read by programs that are not ours (issue 5).

mod made;
mod outside;

use crate::support::audit::{audit, can_audit};
use crate::support::command::{Desk, run};
use crate::support::feed::{all, repository};
use crate::support::hub::TestHub;
use calamine::Reader as _;
use made::{Files, PERSONS_LIST, WORDS, day, definition, designs, drawn, frame, origin, written};
use mutuald::exchange::frame::{Export, Format, draw_tables, table};
use mutuald::frame::definition::Definition;
use mutuald::frame::draw::{Design, Draw};
use mutuald::frame::eligibility::{Decision, Verdict};
use mutuald::frame::frozen::Frame;
use mutuald::frame::profile::Profile;
use mutuald::frame::sample::quota::esteem;
use mutuald::node::frames::Plan;
use mutuald::node::frames::export::export;
use mutuald::record::privacy::{VISIBILITY, Visibility};
use mutuald::record::{Group, RecordRef};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use uuid::Uuid;

fn csv(files: &Files, name: &str) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(&*files[name]);
    reader.deserialize().map(Result::unwrap).collect()
}

#[test]
fn the_same_frame_gives_the_same_bytes_in_every_format() {
    let frame = frame(60);
    // Whoever exports has read the frame from its bytes.
    let theirs = Frame::read(&frame.text()).unwrap();
    for (name, design) in designs(&frame) {
        let draw = drawn(&frame, design);
        let ((listed, files), (_, again)) =
            (written(&frame, Some(&draw), Format::All), written(&theirs, Some(&draw), Format::All));
        for (file, bytes) in &files {
            assert!(again[file] == *bytes, "{file} of {name} differs");
        }
        // What is said of the files is true of them, and every one is named.
        let named: BTreeSet<&String> = listed.iter().map(|one| &one.file).collect();
        assert_eq!(named, files.keys().collect());
        for one in &listed {
            assert_eq!(one.bytes as usize, files[&one.file].len(), "{}", one.file);
            assert_eq!(one.sha256, hex(&files[&one.file]), "{}", one.file);
        }
        let package: Value = serde_json::from_slice(&files["datapackage.json"]).unwrap();
        for resource in package["resources"].as_array().unwrap() {
            let bytes = &files[resource["path"].as_str().unwrap()];
            assert_eq!(resource["hash"], json!(format!("sha256:{}", hex(bytes))));
        }
        let parts: Value = serde_json::from_slice(&files["ro-crate-metadata.json"]).unwrap();
        let parts = parts["@graph"][1]["hasPart"].as_array().unwrap();
        assert_eq!(parts.len(), files.len() - 1, "all but the crate's own description");
    }
}

fn hex(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_tables_say_what_the_frame_and_the_draw_say() {
    let frame = frame(60);
    let draw = drawn(&frame, designs(&frame)[2].1.clone());
    let (_, files) = written(&frame, Some(&draw), Format::Package);
    let units = csv(&files, "data/units.csv");
    assert_eq!(units.len(), frame.units().count());
    for (unit, row) in units.iter().zip(frame.units()) {
        assert_eq!(unit["unit_id"], row.id.to_string());
        assert_eq!(unit["area"], row.facts.area.clone().unwrap());
        assert_eq!(unit["n_sources"], row.sources.len().to_string());
        assert_eq!(unit["criterion_voluntary"], row.facts.criteria["voluntary"].value);
        assert_eq!(unit["affiliation"], row.values.get("affiliation").map_or("", |one| one.first().unwrap()));
        assert_eq!(unit["last_checked"], row.assured.map_or(String::new(), |day| day.to_string()));
    }
    assert!(units.iter().any(|unit| unit["focus"] == "mental-ill-health + social-isolation"));
    let left = csv(&files, "data/left_out.csv");
    assert_eq!(units.len() + left.len(), frame.rows.len(), "nothing vanishes");
    assert!(left.iter().all(|one| one["reasons"].is_empty() != one["missing"].is_empty()));
    assert!(left.iter().any(|one| one["missing"] == "voluntary:said-unknown"));
    // The accounts add up from the file alone.
    let (mut before, mut lost) = (None, 0);
    for line in csv(&files, "data/flow.csv") {
        let count: usize = line["count"].parse().unwrap();
        if line["reason"].is_empty() {
            assert!(before.is_none_or(|before| before >= count), "{line:?}");
            before = Some(count);
        } else {
            lost += count;
        }
    }
    assert_eq!(frame.flow.received(), frame.flow.included() + lost);
    // A formula does not leave as one, and what names a person does not leave.
    let sources = csv(&files, "data/sources.csv");
    assert!(sources.iter().any(|one| one["name"] == "'=cmd list"));
    assert_eq!(sources.iter().filter(|one| one["name"].is_empty()).count(), 1);
    let met: usize = csv(&files, "data/overlaps.csv").iter().map(|one| one["units"].parse::<usize>().unwrap()).sum();
    assert_eq!(met, units.len());
    let sample = csv(&files, "data/sample.csv");
    assert_eq!(sample.len(), draw.base.len());
    for (unit, one) in sample.iter().zip(&draw.base) {
        assert_eq!((&unit["unit_id"], &unit["stratum"]), (&one.unit, &one.stratum));
        assert_eq!(unit["weight"].parse::<f64>().unwrap(), one.weight.unwrap(), "every digit");
    }
    // Weights of a stratum add up to its units.
    for stratum in csv(&files, "data/strata.csv") {
        let weights: f64 = sample
            .iter()
            .filter(|unit| unit["stratum"] == stratum["stratum"])
            .map(|unit| unit["weight"].parse::<f64>().unwrap())
            .sum();
        assert!((weights - stratum["population"].parse::<f64>().unwrap()).abs() < 1e-9, "{stratum:?}");
    }

    let draw = drawn(&frame, Design::Quota { quotas: esteem(), n: 10, overrides: Vec::new() });
    let (_, files) = written(&frame, Some(&draw), Format::Package);
    assert!(
        csv(&files, "data/sample.csv").iter().all(|unit| unit["weight"].is_empty() && unit["pi"].is_empty()),
        "blank, not 1"
    );
    let text = |name: &str| String::from_utf8(files[name].clone()).unwrap();
    for name in ["README.md", "codebook.html", "design.R", "design.do", "design.py", "datapackage.json"] {
        assert!(text(name).contains("Non-probability"), "{name}");
    }
    assert!(!text("design.R").contains("svydesign(") && !text("design.do").contains("svyset"));
}

/// What `schema/visibility.json` says of the columns of exports: each is listed, and everybody may see it.
#[test]
fn every_exported_column_has_a_visibility_and_nothing_else_does() {
    let frame = frame(60);
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut look = |draw: Option<&Draw>| {
        let export = Export::new(&frame, draw.map(|draw| ("draws/1.txt", draw)), origin(&frame)).unwrap();
        for table in export.tables() {
            let names =
                table.columns.iter().map(|column| draw_tables::kind_of_column(&export.known.dimensions, &column.name));
            found.entry(format!("export.{}", table.name)).or_default().extend(names);
            for column in &table.columns {
                let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
                assert!(
                    column.name.chars().all(plain) && column.name.starts_with(|c: char| c.is_ascii_lowercase()),
                    "{}",
                    column.name
                );
                assert!(column.about.ends_with('.') && !column.title.is_empty(), "{}", column.name);
            }
        }
    };
    look(None);
    designs(&frame).into_iter().for_each(|(_, design)| look(Some(&drawn(&frame, design))));
    let listed: BTreeMap<String, BTreeSet<String>> = VISIBILITY
        .iter()
        .filter(|(section, _)| section.starts_with("export."))
        .map(|(section, columns)| {
            assert!(columns.values().all(|one| *one == Visibility::Public), "{section}");
            (section.clone(), columns.keys().cloned().collect())
        })
        .collect();
    assert_eq!(found, listed);
    // And every one is explained where the formats are.
    let words = std::fs::read_to_string(repository("schema/README.md")).unwrap();
    for (table, columns) in &found {
        for name in columns.iter().chain([&table.replacen("export.", "", 1)]) {
            assert!(words.contains(&format!("`{name}`")), "schema/README.md does not explain {name} of {table}");
        }
    }
}

/// A workbook and Parquet files hold what the CSV files hold.
#[test]
fn the_workbook_and_the_parquet_files_are_the_same_tables() {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field;
    let frame = frame(60);
    let draw = drawn(&frame, designs(&frame)[5].1.clone());
    let (_, files) = written(&frame, Some(&draw), Format::All);
    let mut book =
        calamine::open_workbook_from_rs::<calamine::Xlsx<_>, _>(std::io::Cursor::new(files["frame.xlsx"].clone()))
            .unwrap();
    let export = Export::new(&frame, Some(("draws/1.txt", &draw)), origin(&frame)).unwrap();
    for table in export.tables() {
        let wanted = csv(&files, &format!("data/{}.csv", table.name));
        let bytes = axum::body::Bytes::from(files[&format!("parquet/{}.parquet", table.name)].clone());
        let reader = SerializedFileReader::new(bytes).unwrap();
        let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
        assert_eq!(rows.len(), wanted.len(), "{}", table.name);
        for (row, wanted) in rows.iter().zip(&wanted) {
            for (name, field) in row.get_column_iter() {
                let text = match field {
                    Field::Null => String::new(),
                    Field::Str(text) if text.starts_with('=') => format!("'{text}"),
                    Field::Str(text) => text.clone(),
                    Field::Long(number) => number.to_string(),
                    Field::Double(number) => number.to_string(),
                    Field::Bool(yes) => yes.to_string(),
                    Field::Date(days) => {
                        day("1970-01-01").checked_add(jiff::Span::new().days(*days)).unwrap().to_string()
                    }
                    other => panic!("{other:?}"),
                };
                assert_eq!(text, wanted[name], "{name} of {}", table.name);
            }
        }
        if table.name == "joint" {
            continue;
        }
        let range = book.worksheet_range(table.title).unwrap();
        assert_eq!(range.height(), wanted.len() + 1, "{}", table.name);
        for (row, wanted) in range.rows().skip(1).zip(&wanted) {
            for (cell, column) in row.iter().zip(&table.columns) {
                let wanted = &wanted[&column.name];
                match (column.kind, cell) {
                    (_, calamine::Data::Empty) => assert_eq!(wanted, "", "{}", column.name),
                    (table::Kind::Day, calamine::Data::DateTime(moment)) => {
                        let (y, m, d, ..) = moment.to_ymd_hms_milli();
                        assert_eq!(format!("{y:04}-{m:02}-{d:02}"), *wanted);
                    }
                    (table::Kind::Whole | table::Kind::Number, calamine::Data::Float(number)) => {
                        assert!(
                            (number - wanted.parse::<f64>().unwrap()).abs() <= 1e-12 * number.abs(),
                            "{number} {wanted}"
                        );
                    }
                    (table::Kind::Yes, calamine::Data::Bool(yes)) => assert_eq!(yes.to_string(), *wanted),
                    (table::Kind::Text, calamine::Data::String(text)) => {
                        assert_eq!(text, wanted.strip_prefix('\'').unwrap_or(wanted))
                    }
                    (kind, cell) => panic!("{kind:?} {cell:?} in {}", column.name),
                }
            }
        }
    }
}

/// What is planted at a hub, and may stand in no export.
const PLANTED: [&str; 6] =
    ["Hidden House", "Quiet Circle", "01632 960012", "quiet@example.org", "Jane Smith", "qzxvorblat"];

fn planted(name: &str, more: Value) -> Group {
    let met = json!({"value": "met", "date": "2026-01-10"});
    let mut all = json!({
        "name": name,
        "description": "Come along to Quiet Circle.",
        "place": {"venue": "Hidden House", "locality": "Nottingham", "area": "E06000018"},
        "contact": {"phone": "01632 960012", "email": "quiet@example.org"},
        "topics": ["depression"],
        "sightings": [{"observed_by": PERSONS_LIST, "date": "2026-02-01"}],
        "criteria": {"experience-as-knowledge": met, "third-sector": met, "shared-experience": met, "members-control": met, "voluntary": met},
    });
    let (Value::Object(all), Value::Object(more)) = (&mut all, more) else { unreachable!() };
    more.into_iter()
        .for_each(|(name, value)| drop(if value.is_null() { all.remove(&name) } else { all.insert(name, value) }));
    Group::read(&json!(all).to_string()).unwrap()
}

/// Every file of a folder unpacked, workbooks and Parquet files as well, so that compression hides nothing.
fn unpacked(folder: &Path) -> tempfile::TempDir {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let out = tempfile::tempdir().unwrap();
    let mut n = 0;
    let mut put = |bytes: &[u8]| {
        n += 1;
        std::fs::write(out.path().join(n.to_string()), bytes).unwrap();
    };
    for (name, bytes) in all(folder) {
        put(name.as_bytes());
        if name.ends_with(".xlsx") {
            let mut archive = zip::ZipArchive::new(std::io::Cursor::new(&bytes)).unwrap();
            for at in 0..archive.len() {
                let mut part = Vec::new();
                std::io::Read::read_to_end(&mut archive.by_index(at).unwrap(), &mut part).unwrap();
                put(&part);
            }
        }
        if name.ends_with(".parquet") {
            let reader = SerializedFileReader::new(axum::body::Bytes::from(bytes.clone())).unwrap();
            let rows: String = reader.get_row_iter(None).unwrap().map(|row| format!("{}\n", row.unwrap())).collect();
            put(rows.as_bytes());
        }
        put(&bytes);
    }
    out
}

#[tokio::test]
async fn no_contact_person_or_protected_place_stands_in_any_export() {
    let hub = TestHub::new("Nottingham Hub", 61).await;
    let quiet = json!({"safety": "contact-first", "place": null, "description": null});
    let groups: Vec<(Uuid, Group)> = (1..=6u128)
        .map(|n| {
            (
                Uuid::from_u128(n),
                if n == 3 {
                    planted("Quiet Circle", quiet.clone())
                } else {
                    planted(&format!("Circle {n}"), json!({}))
                },
            )
        })
        .collect();
    hub.put(&groups).await;
    let plan = Plan {
        definition: Definition { area: Vec::new(), ..definition() },
        profile: Profile::shipped("box1").unwrap(),
    };
    let on = RecordRef { hub: hub.hub.id, rec: Uuid::from_u128(2) };
    let decision = Decision {
        on,
        date: day("2026-06-01"),
        verdict: Verdict::Include,
        hub: hub.hub.id,
        role: "researcher".into(),
        why: WORDS.into(),
    };
    hub.hub.decide_in_frame("nottingham-2026", &decision).await.unwrap();
    let frame = hub.hub.build_frame(&plan).await.unwrap();
    assert_eq!(frame.units().count(), 6, "{:?}", frame.flow);
    let folder = tempfile::tempdir().unwrap();
    let frozen = folder.path().join("frozen");
    hub.hub.freeze_frame(&frame, &frozen).await.unwrap();
    let ask = mutuald::node::frames::Ask {
        study: "ESTEEM again".into(),
        seed: "314159".into(),
        how: "Six dice.".into(),
        design: Design::Simple { n: 3 },
        line: None,
        reserve: 5,
        again: None,
    };
    hub.hub.draw_frame(&frozen, ask).await.unwrap();
    let to = folder.path().join("export");
    let exported = export(&frozen, Some("1"), &BTreeSet::from([Format::All]), Some(&to)).unwrap();
    assert!(exported.cautions.iter().any(|caution| caution.contains("1 of the sources go")), "{:?}", exported.cautions);
    assert_eq!(all(&to).len(), exported.files.len());
    let bare = unpacked(&to);
    let met = |values: &[&str]| -> Vec<String> {
        let files = all(bare.path());
        let there = |value: &&&str| {
            files.values().any(|bytes| bytes.windows(value.len()).any(|window| window == value.as_bytes()))
        };
        values.iter().filter(there).map(|value| (*value).to_owned()).collect()
    };
    assert_eq!(met(&PLANTED), [""; 0]);
    // The scan sees what is there, in packed files as well; and the words do stand in the frame itself.
    assert_eq!(met(&[&on.to_string(), "ESTEEM again"]).len(), 2);
    assert!(String::from_utf8(std::fs::read(frozen.join("frame.txt")).unwrap()).unwrap().contains(WORDS));
    if can_audit() {
        assert_eq!(audit(&[&to, bare.path()], &PLANTED), [""; 0]);
    }
}

#[test]
fn a_researcher_exports_a_frozen_folder_without_a_hub() {
    let desk = Desk::new("Nottingham Hub");
    let row = |name: &'static str, topic: &'static str| {
        vec![("Group name", name), ("Topics", topic), ("Town or village", "Beeston")]
    };
    let rows = [row("Carers Circle", "Carers"), row("Stroke Friends", "Stroke"), row("Quiet Minds", "Anxiety")];
    desk.fill("groups.csv", &rows.iter().map(Vec::as_slice).collect::<Vec<_>>());
    desk.run(&["import", "groups.csv", "--commit"]).ended(0);
    desk.run(&["frame", "define", "nottingham", "--profile", "box1", "--universe", "Groups in Nottinghamshire"])
        .ended(0);
    for group in ["carers circle", "stroke friends"] {
        desk.run(&["frame", "decide", "nottingham", group, "--include", "--why", "The group was asked."]).ended(0);
    }
    desk.run(&["frame", "freeze", "nottingham", "frozen"]).ended(0);
    let sample =
        ["frame", "sample", "frozen", "--study", "Tour", "--seed", "27182", "--how", "Dice.", "--n", "1", "--commit"];
    desk.run(&sample).ended(0);

    let strange = tempfile::tempdir().unwrap();
    crate::support::hub::copy(&desk.file("frozen"), &strange.path().join("frozen"));
    let mutuald = |arguments: &[&str]| run(strange.path(), &[&["frame", "export"], arguments].concat());
    let listed = mutuald(&["frozen"]).ended(0);
    assert!(listed.contains("Nothing was written") && listed.contains("datapackage.json"), "{listed}");
    assert!(listed.contains("draws/1.txt (Tour)"), "{listed}");
    assert_eq!(std::fs::read_dir(strange.path()).unwrap().count(), 1);
    let said = mutuald(&["frozen", "--sample", "2"]).failed(1);
    assert!(said.contains("no draw 2: it has 1"), "{said}");
    let said = mutuald(&["frozen", "--to", "frozen/export"]).failed(1);
    assert!(said.contains("nothing may be added"), "{said}");
    let said = mutuald(&["frozen", "--to", "nowhere/export"]).failed(1);
    assert!(said.contains("there is no folder nowhere"), "{said}");
    let planned = mutuald(&["frozen", "--sample", "1", "--format", "all", "--json"]).json(0);
    let done = mutuald(&["frozen", "--sample", "draws/1.txt", "--format", "all", "--to", "export", "--json"]).json(0);
    assert_eq!(planned["files"], done["files"], "what was listed is what was written, byte for byte");
    let files: Vec<PathBuf> = done["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| strange.path().join("export").join(file["file"].as_str().unwrap()))
        .collect();
    assert!(files.iter().all(|file| file.is_file()) && files.len() > 20, "{files:?}");
    let said = mutuald(&["frozen", "--to", "export"]).failed(1);
    assert!(said.contains("is there already"), "{said}");
    let left: Vec<_> = std::fs::read_dir(strange.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "nothing half-made is left: {left:?}");

    let path = strange.path().join("frozen/frame.txt");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen("Nottinghamshire", "Nottinghamshira", 1)).unwrap();
    let said = mutuald(&["frozen", "--to", "again"]).failed(1);
    assert!(said.contains("not what the hub signed") && !strange.path().join("again").exists(), "{said}");
}
