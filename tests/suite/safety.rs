//! Protected places: nothing of what a level withholds leaves the one table that holds it, the most protective word holds, and
//! lowering takes two people. PEERS section 3, pain 10.

mod partners;

use crate::support::TestHub;
use crate::support::command::Desk;
use crate::support::feed::{all, repository};
use mutuald::node::author::Draft;
use mutuald::record::Group;
use mutuald::record::statement::{Body, RecordRef};
use serde_json::json;
use std::path::Path;
use uuid::Uuid;

/// What only somebody who knows the place would write, in the columns that are withheld at every level above open.
const ROW: &[(&str, &str)] = &[
    ("Group name", "Thursday Reading Circle"),
    ("About the group (its own words)", "We read aloud, and talk."),
    ("Topics", "Loneliness"),
    ("Venue", "Quorlick Mill"),
    ("Street address", "7 Zyxbury Lane"),
    ("Town or village", "Vendlethorpe"),
    ("Postcode", "ZE3 9QX"),
    ("Latitude", "59.87654"),
    ("Longitude", "-1.23457"),
    ("When it meets", "Wrensdays in the attic"),
    ("Start time", "19:47"),
    ("Telephone", "01632 960777"),
    ("Charity number", "1098765"),
    ("Your reference", "R-7"),
];

/// Pieces of it, in small letters.
const MARKS: [&str; 10] = [
    "quorlick",
    "zyxbury",
    "vendlethorpe",
    "ze3 9qx",
    "59.87654",
    "1.23457",
    "wrensdays",
    "ze39qx",
    // With the quotation mark, because a clock may show it at any time.
    "\"19:47",
    "1098765",
];

fn contains(bytes: &[u8], mark: &str) -> bool {
    bytes.windows(mark.len()).any(|window| window.eq_ignore_ascii_case(mark.as_bytes()))
}

/// Which marks stand in some bytes.
fn met<'a>(bytes: &[u8], marks: &[&'a str]) -> Vec<&'a str> {
    marks.iter().copied().filter(|mark| contains(bytes, mark)).collect()
}

/// Every byte of a hub's folder, but for the table of protected places: its rows are overwritten in a copy, so that what stays in
/// the file, in free pages, indexes and the write-ahead log counts. Stands in for `tests/audit`.
#[track_caller]
fn holds_none(desk: &Desk, marks: &[&str]) {
    for (name, bytes) in all(&desk.file("mutuald-state")) {
        if !name.starts_with("mutuald.db") {
            assert!(met(&bytes, marks).is_empty(), "{name}: {:?}", met(&bytes, marks));
        }
    }
    let copy = tempfile::tempdir().unwrap();
    for (name, bytes) in all(&desk.file("mutuald-state")) {
        if name.starts_with("mutuald.db") {
            std::fs::write(copy.path().join(name), bytes).unwrap();
        }
    }
    let file = copy.path().join("mutuald.db");
    let database = rusqlite::Connection::open(&file).unwrap();
    let pragma = "PRAGMA secure_delete = ON; DELETE FROM protected; PRAGMA wal_checkpoint(TRUNCATE);";
    database.execute_batch(pragma).unwrap();
    drop(database);
    for (name, bytes) in all(copy.path()) {
        assert!(met(&bytes, marks).is_empty(), "{name}: {:?}", met(&bytes, marks));
    }
}

/// Runs everything that shows, writes or explains groups; nothing of the place is in any answer or file.
#[track_caller]
fn shows_none(desk: &Desk, marks: &[&str]) {
    // With the status that each may end with: a command that is not understood shows nothing to anybody, and is no proof.
    let commands: &[(&[&str], &[i32])] = &[
        (&["group", "list"], &[0]),
        (&["group", "list", "quorlick"], &[0]),
        (&["group", "list", "--place", "vendlethorpe"], &[0]),
        (&["group", "show", "thursday reading"], &[0, 1]),
        (&["group", "why", "thursday reading"], &[0, 1]),
        (&["safety", "list"], &[0, 3]),
        (&["safety", "why", "thursday reading"], &[0, 1]),
        (&["conflicts"], &[0, 3]),
        (&["review"], &[0, 3]),
        (&["review", "list", "--all"], &[0, 3]),
        (&["feed", "show"], &[0]),
        (&["feed", "check"], &[0]),
        (&["status"], &[0, 3]),
        (&["registry", "check"], &[0]),
        (&["import", "list"], &[0]),
        (&["list", "show"], &[0]),
        (&["held", "list"], &[0, 3]),
        (&["erase", "thursday reading"], &[0, 1]),
        (&["backup", "list"], &[0]),
        (&["documents", "show", "register"], &[0, 3]),
        (&["export", "all.csv", "--force"], &[0]),
        (&["export", "all.geojson", "--force"], &[0]),
        (&["export", "all.html", "--force"], &[0]),
        (&["export", "all.json", "--force"], &[0]),
        (&["export", "own.csv", "--own", "--force"], &[0]),
    ];
    for (command, statuses) in commands {
        for json in [false, true] {
            let arguments: Vec<&str> = command.iter().copied().chain(json.then_some("--json")).collect();
            let ran = desk.run(&arguments);
            assert!(statuses.contains(&ran.status), "{command:?} was no look at anything: {ran:?}");
            // What was asked for may be said again: that is no answer.
            let asked = command.join(" ");
            let marks: Vec<&str> = marks.iter().copied().filter(|mark| !asked.contains(mark)).collect();
            let told = format!("{}{}", ran.out, ran.err);
            assert!(met(told.as_bytes(), &marks).is_empty(), "{command:?}: {told}");
        }
    }
    for file in ["all.csv", "all.geojson", "all.html", "all.json", "own.csv"] {
        let bytes = std::fs::read(desk.file(file)).unwrap_or_default();
        assert!(met(&bytes, marks).is_empty(), "{file}");
    }
}

fn row(level: &str) -> Vec<(&'static str, String)> {
    let text = |(heading, value): &(&'static str, &'static str)| (*heading, (*value).to_owned());
    ROW.iter().map(text).chain([("Safety", level.to_owned())]).collect()
}

fn fill(desk: &Desk, file: &str, cells: &[(&'static str, String)]) {
    let cells: Vec<(&str, &str)> = cells.iter().map(|(heading, value)| (*heading, value.as_str())).collect();
    desk.fill(file, &[&cells]);
}

/// Two hubs that follow one another. The first serves for as long as what is returned lives.
fn partners() -> (Desk, Desk, crate::support::command::Served) {
    let (essex, kent) = (Desk::new("Essex Hub"), Desk::new("Kent Hub"));
    let served = essex.serve();
    kent.run(&["partner", "add", &served.url, "--hub", &essex.id]).ended(0);
    (essex, kent, served)
}

fn pulled(desk: &Desk) {
    let pulled = desk.run(&["partner", "pull", "Essex Hub"]);
    assert!([0, 3].contains(&pulled.status), "{pulled:?}");
}

#[test]
fn no_byte_of_a_protected_place_leaves_its_table() {
    for level in ["Area only", "Contact first", "Known to the hub only", "Sealed"] {
        let (essex, kent, _served) = partners();
        fill(&essex, "groups.csv", &row(level));
        let plan = essex.run(&["import", "groups.csv", "--json"]);
        assert!(met(plan.out.as_bytes(), &MARKS).is_empty(), "{level}: {}", plan.out);
        let done = essex.run(&["import", "groups.csv", "--commit"]).ended(0);
        assert!(met(done.as_bytes(), &MARKS).is_empty(), "{done}");
        pulled(&kent);
        let hidden = ["Known to the hub only", "Sealed"].contains(&level);
        // Of a group that nobody may know of, the name is withheld as well.
        let marks: Vec<&str> = MARKS.into_iter().chain(hidden.then_some("thursday reading")).collect();
        for desk in [&essex, &kent] {
            holds_none(desk, &marks);
            shows_none(desk, &MARKS);
            assert_eq!(desk.run(&["registry", "check", "--json"]).json(0)["findings"], json!([]));
        }
        let found = kent.run(&["group", "list", "--json"]).json(0).to_string();
        assert_eq!(found.contains("Thursday Reading"), !hidden, "{level}: {found}");
        assert_eq!(found.contains("ZE3"), level == "Area only", "the district, and no more: {found}");
        // This hub's own people can have it, by asking for it.
        let told = essex.run(&["group", "show", "thursday reading", "--protected", "--json"]).ended(0);
        assert!(MARKS[..7].iter().all(|mark| contains(told.as_bytes(), mark)), "{told}");
        kent.run(&["group", "show", "thursday reading", "--protected"]).failed(1);
        // The same file again changes nothing, also where it says nothing of safety.
        for again in [level, ""] {
            if again.is_empty() && hidden {
                continue;
            }
            fill(&essex, "again.csv", &row(again));
            let back = essex.run(&["import", "again.csv", "--commit", "--json"]).json(0);
            assert_eq!((&back["committed"], &back["plan"]["new"]), (&json!(false), &json!([])), "{level}: {back}");
        }
        holds_none(&essex, &marks);
    }
}

#[test]
fn what_was_public_is_gone_everywhere_when_a_level_rises() {
    for (level, by_file) in [("contact-first", false), ("sealed", false), ("approximate", true), ("unlisted", true)] {
        let (essex, kent, _served) = partners();
        fill(&essex, "groups.csv", &row("Open"));
        essex.run(&["import", "groups.csv", "--commit"]).ended(0);
        pulled(&kent);
        assert!(kent.run(&["group", "show", "thursday"]).out.contains("Quorlick"));
        // Words that were said before it rose are in no bundle either, nor kept to undo an import by.
        essex.run(&["group", "edit", "thursday", "--set", "cost=Free"]).ended(0);
        if by_file {
            fill(&essex, "raised.csv", &row(level));
            let plan = essex.run(&["import", "raised.csv"]).ended(0);
            assert!(plan.contains("cannot be undone"), "{plan}");
            essex.run(&["import", "raised.csv", "--commit"]).ended(0);
        } else {
            let plan = essex.run(&["safety", "set", "thursday", level]).ended(0);
            assert!(plan.contains("cannot be undone") && plan.contains("Nothing was changed"), "{plan}");
            assert!(essex.run(&["group", "show", "thursday"]).out.contains("Quorlick"), "a dry run");
            essex.run(&["safety", "set", "thursday", level, "--commit"]).ended(0);
        }
        pulled(&kent);
        for desk in [&essex, &kent] {
            holds_none(desk, &MARKS);
            shows_none(desk, &MARKS);
            assert_eq!(desk.run(&["registry", "check", "--json"]).json(0)["findings"], json!([]));
        }
        let told = essex.run(&["group", "show", "thursday", "--protected", "--json"]).ended(0);
        assert!(MARKS[..7].iter().all(|mark| contains(told.as_bytes(), mark)), "{told}");
        assert_eq!(essex.run(&["verify", "mutuald-state/feed", "--json"]).json(0)["problems"], json!([]));
    }
}

#[test]
fn lowering_takes_two_people_and_no_spreadsheet() {
    let desk = Desk::new("Essex Hub");
    fill(&desk, "groups.csv", &row("Contact first"));
    desk.run(&["import", "groups.csv", "--commit"]).ended(0);
    fill(&desk, "lower.csv", &row("Open"));
    let held = desk.run(&["import", "lower.csv", "--commit", "--json"]).json(3);
    assert_eq!(held["plan"]["held_back"][0]["why"], json!("lowers"));
    desk.run(&["safety", "set", "thursday", "open", "--commit"]).failed(1);
    desk.run(&["group", "edit", "thursday", "--set", "safety=open"]).failed(2);
    let who = |name: &'static str, role: &'static str| ["--person", name, "--role", role];
    let confirm = |name, role| {
        let who = who(name, role);
        desk.run(&["safety", "confirm", "thursday", who[0], who[1], who[2], who[3], "--commit"])
    };
    assert!(confirm("Bea", "trustee").failed(1).contains("nobody has proposed"));
    desk.run(&["safety", "lower", "thursday", "open", "--person", "Ann Ash", "--role", "hub-worker"]).ended(0);
    assert!(confirm("ann  ASH", "trustee").failed(1).contains("cannot confirm"));
    assert!(confirm("...", "trustee").failed(2).contains("missing"));
    confirm("Bea", "janitor").failed(2);
    holds_none(&desk, &MARKS);
    assert_eq!(desk.run(&["safety", "list", "--json"]).json(3)["proposals"][0]["person"], json!("Ann Ash"));
    confirm("Bea", "trustee").ended(0);
    let shown = desk.run(&["group", "show", "thursday"]).ended(0);
    assert!(shown.contains("Quorlick") && shown.contains("Wrensdays"), "the place is back: {shown}");
    let feed: Vec<u8> = all(&desk.file("mutuald-state/feed")).into_values().flatten().collect();
    assert!(contains(&feed, r#""by":"hub-worker","confirmed":"trustee""#), "roles are signed");
    assert!(!contains(&feed, "Ann Ash") && !contains(&feed, "Bea\""), "names are not");
    assert_eq!(desk.run(&["registry", "check", "--json"]).json(0)["findings"], json!([]));
}

#[test]
fn words_that_give_it_away_wait_for_a_person() {
    let desk = Desk::new("Essex Hub");
    let mut cells = row("Contact first");
    for (heading, value) in &mut cells {
        if *heading == "About the group (its own words)" {
            *value = "Ring at the old Quorlick mill, ze39qx.".to_owned();
        }
    }
    fill(&desk, "groups.csv", &cells);
    let held = desk.run(&["import", "groups.csv", "--commit", "--json"]).json(3);
    assert_eq!(held["plan"]["held_back"][0]["fields"], json!(["description"]), "{held}");
    assert!(met(held.to_string().as_bytes(), &MARKS).is_empty(), "{held}");
    holds_none(&desk, &MARKS);
    assert_eq!(desk.run(&["group", "list", "--json"]).json(0)["groups"], json!([]));
    let line = held["plan"]["held_back"][0]["line"].to_string();
    desk.run(&["import", "groups.csv", "--commit", "--words-ok", &line]).ended(0);
    assert!(desk.run(&["group", "show", "thursday"]).out.contains("Quorlick"), "a person decided");
    // Other words are looked at again, whoever says them.
    desk.run(&["group", "edit", "thursday", "--set", "access=Ramp in Zyxbury Lane"]).failed(1);
    // A row that cannot be read says where, and nothing of what stands there.
    let mut bad = row("Contact first");
    for (heading, value) in &mut bad {
        match *heading {
            "Postcode" => *value = "ZE3 9QXX".to_owned(),
            "Your reference" => *value = "R-8".to_owned(),
            "Group name" => *value = "Another Circle".to_owned(),
            _ => {}
        }
    }
    fill(&desk, "bad.csv", &bad);
    let refused = desk.run(&["import", "bad.csv", "--json"]).json(3);
    assert_eq!(refused["plan"]["refused"][0]["errors"][0]["code"], json!("bad-postcode"), "{refused}");
    assert!(met(refused["plan"].to_string().as_bytes(), &MARKS).is_empty(), "{refused}");
}

#[test]
fn the_import_asks_and_does_not_decide() {
    let desk = Desk::new("Essex Hub");
    let group =
        |name, about| vec![("Group name", name), ("About the group (its own words)", about), ("Postcode", "CM1 1AA")];
    let rows = [
        group("Willow", "For women after domestic violence."),
        group("Oak", "For people seeking asylum."),
        group("Grape growers", "We grow grapes, and drape them."),
        group("Elm", "For young LGBT people."),
    ];
    let rows: Vec<&[(&str, &str)]> = rows.iter().map(Vec::as_slice).collect();
    desk.fill("groups.csv", &rows);
    let plan = desk.run(&["import", "groups.csv", "--json"]).json(3);
    let held = plan["plan"]["held_back"].as_array().unwrap();
    let lines: Vec<String> = held.iter().map(|row| row["line"].to_string()).collect();
    assert!(held.iter().all(|row| row["why"] == json!("question")), "{plan}");
    assert_eq!((held.len(), plan["plan"]["new"].as_array().map(Vec::len)), (3, Some(1)), "{plan}");
    let open = format!("{}=open", lines[1]);
    let first = format!("{}=contact-first", lines[0]);
    let done = desk.run(&["import", "groups.csv", "--commit", "--safety", &open, "--safety", &first, "--json"]).json(3);
    assert_eq!(done["plan"]["new"].as_array().map(Vec::len), Some(3), "{done}");
    // Answers are remembered: only what nobody answered is asked again, and nothing changes.
    let again = desk.run(&["import", "groups.csv", "--commit", "--json"]).json(3);
    assert_eq!(
        (&again["committed"], again["plan"]["held_back"].as_array().map(Vec::len)),
        (&json!(false), Some(1)),
        "{again}"
    );
    assert!(desk.run(&["safety", "why", "willow"]).out.contains("Contact first"));
    assert!(!desk.run(&["group", "show", "willow"]).out.contains("CM1"));
    assert!(desk.run(&["group", "show", "oak"]).out.contains("CM1"));
}

/// Undoing an import takes back the rows that it kept to this hub alone, of which nothing was ever signed: not a byte of them is
/// left, in the table either.
#[test]
fn undoing_an_import_takes_back_what_only_this_hub_knew() {
    let desk = Desk::new("Essex Hub");
    let row = |name: &'static str, level: &'static str| {
        let mut row: Vec<(&str, &str)> = ROW.to_vec();
        row[0].1 = name;
        row.retain(|(column, _)| !["Charity number", "Your reference"].contains(column));
        row.push(("Safety", level));
        row
    };
    let rows = [row("Willow Circle", "unlisted"), row("Sallow Circle", "sealed")];
    desk.fill("groups.csv", &rows.iter().map(Vec::as_slice).collect::<Vec<_>>());
    desk.run(&["import", "groups.csv", "--commit"]).ended(0);
    let protected = desk.run(&["safety", "list", "--json"]).json(0);
    assert_eq!(protected["protected"].as_array().map(Vec::len), Some(2), "{protected}");
    let undone = desk.run(&["import", "undo", "--json"]).json(0);
    assert_eq!((&undone["withdrawn"], &undone["restored"]), (&json!(2), &json!(0)), "{undone}");
    let protected = desk.run(&["safety", "list", "--json"]).json(0);
    assert_eq!(protected["protected"], json!([]));
    for (name, bytes) in all(&desk.file("mutuald-state")) {
        assert!(met(&bytes, &MARKS).is_empty(), "{name}: {:?}", met(&bytes, &MARKS));
    }
    desk.run(&["import", "undo"]).failed(2);
    // They may come again.
    desk.run(&["import", "groups.csv", "--commit"]).ended(0);
    let protected = desk.run(&["safety", "list", "--json"]).json(0);
    assert_eq!(protected["protected"].as_array().map(Vec::len), Some(2), "{protected}");
}

/// Everything a visitor, or this hub's own people, could be shown of groups.
async fn shown(hub: &TestHub) -> String {
    let mut db = hub.hub.store.read().await.unwrap();
    let listed: Vec<String> = sqlx::query_scalar(
        "SELECT grp.name || grp.place || search.name || search.words || search.topics || search.place || search.facets \
         FROM grp JOIN search ON search.rowid = grp.n",
    )
    .fetch_all(&mut *db)
    .await
    .unwrap();
    listed.join("\n").to_lowercase()
}

#[test]
fn only_one_command_tells_and_one_folder_reads() {
    let root = repository("daemon");
    let mut tells = Vec::new();
    for (name, bytes) in all(Path::new(&root)) {
        let text = String::from_utf8(bytes).unwrap();
        let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        if code.contains(".tell()") {
            tells.push(name.clone());
        }
        let sql = ["FROM protected ", "INTO protected ", "FROM protected\"", "UPDATE protected "]
            .iter()
            .any(|sql| code.contains(sql));
        assert!(!sql || name.starts_with("store/protected"), "{name} reads the table of protected places");
    }
    assert_eq!(tells, ["cli/group/show.rs"]);
}

#[test]
fn a_group_can_be_added_protected_and_a_hidden_one_is_found_by_name() {
    let desk = Desk::new("Essex Hub");
    let add = [
        "group",
        "add",
        "Thursday Reading Circle",
        "--town",
        "Vendlethorpe",
        "--postcode",
        "ZE3 9QX",
        "--set",
        "venue=Quorlick Mill",
    ];
    desk.run(&[&add[..], &["--set", "safety=unlisted"]].concat()).ended(0);
    holds_none(&desk, &MARKS);
    shows_none(&desk, &MARKS);
    assert_eq!(desk.run(&["safety", "list", "--json"]).json(0)["protected"][0]["level"], json!("unlisted"));
    // A row of that name without a level is held: it would publish what is kept.
    desk.fill("groups.csv", &[&[("Group name", "thursday reading circle"), ("Venue", "Quorlick Mill")]]);
    let held = desk.run(&["import", "groups.csv", "--commit", "--json"]).json(3);
    assert_eq!(held["plan"]["held_back"][0]["why"], json!("namesake"), "{held}");
    desk.run(&["safety", "set", "thursday", "sealed", "--commit"]).ended(0);
    desk.run(&["safety", "lower", "thursday", "contact-first", "--person", "A", "--role", "trustee"]).ended(0);
    desk.run(&["safety", "confirm", "thursday", "--person", "B", "--role", "trustee", "--commit"]).ended(0);
    holds_none(&desk, &MARKS);
    shows_none(&desk, &MARKS);
    assert!(desk.run(&["group", "list"]).ended(0).contains("Thursday Reading Circle"));
}

/// The postcode of a protected place in another group's words would lead there as well: it waits for a person. Where that group itself
/// meets is its own to say.
#[test]
fn a_protected_postcode_in_other_words_waits_for_a_person() {
    let desk = Desk::new("Essex Hub");
    fill(&desk, "groups.csv", &row("Contact first"));
    desk.run(&["import", "groups.csv", "--commit"]).ended(0);
    desk.run(&["group", "add", "Walking Group", "--town", "Vendlethorpe", "--postcode", "ZE3 9QX"]).ended(0);
    assert!(desk.run(&["held", "list"]).ended(0).contains("Nothing is held"));
    let edit = ["group", "edit", "walking", "--set", "description=We meet the Thursday circle at ze39qx."];
    let said = desk.run(&edit).ended(0);
    assert!(said.contains("held list"), "{said}");
    let held = desk.run(&["held", "list"]).ended(3);
    assert!(held.contains("the postcode of a protected place") && !held.to_lowercase().contains("ze39qx"), "{held}");
    desk.fill("more.csv", &[&[("Group name", "Choir"), ("About the group (its own words)", "At ZE3 9QX on Fridays")]]);
    assert_eq!(desk.run(&["import", "more.csv", "--commit"]).status, 3);
    let feed: Vec<u8> = all(&desk.file("mutuald-state/feed")).into_values().flatten().collect();
    assert!(met(&feed, &["ze39qx", "at ze3 9qx"]).is_empty());
    // What waits so is in no backup, where anybody could read it.
    std::fs::remove_file(desk.file("groups.csv")).unwrap();
    desk.run(&["backup", "make", "stick.backup"]).ended(3);
    let bytes = std::fs::read(desk.file("stick.backup")).unwrap();
    assert!(met(&bytes, &["ze39qx", "at ze3 9qx"]).is_empty());
    desk.run(&["held", "release", "1"]).ended(0);
    assert!(desk.run(&["group", "show", "walking"]).ended(0).contains("ze39qx"), "a person decided");
}

/// A backup travels. Nothing of a protected place goes with it that anybody could read, and on a new machine it is there again: with the
/// key that lies with the other keys, and without it not by mistake.
#[test]
fn no_byte_of_a_protected_place_is_in_a_backup_and_it_comes_back() {
    let desk = Desk::new("Essex Hub");
    assert!(desk.run(&["backup", "make", "before.backup"]).ended(0).contains("protected places: there are none"));
    fill(&desk, "groups.csv", &row("Contact first"));
    desk.run(&["import", "groups.csv", "--commit"]).ended(0);
    let mut hidden = row("Sealed");
    hidden[0].1 = "Nightjar Circle".into();
    hidden.iter_mut().filter(|(heading, _)| *heading == "Your reference").for_each(|(_, value)| *value = "R-8".into());
    fill(&desk, "hidden.csv", &hidden);
    desk.run(&["import", "hidden.csv", "--commit"]).ended(0);
    for file in ["groups.csv", "hidden.csv"] {
        std::fs::remove_file(desk.file(file)).unwrap();
    }
    // The key is new: somebody must copy it to a safe place.
    let made = desk.run(&["backup", "make", "stick.backup"]).ended(3);
    assert!(made.contains("2 protected places") && made.contains("places.key"), "{made}");
    desk.run(&["backup", "make", "second.backup"]).ended(0);
    let marks: Vec<&str> = MARKS.into_iter().chain(["nightjar"]).collect();
    let clean = |file: &str| {
        let bytes = std::fs::read(desk.file(file)).unwrap();
        assert!(met(&bytes, &marks).is_empty(), "{file}: {:?}", met(&bytes, &marks));
        let found = crate::support::audit::audit(&[&desk.file(file)], &marks);
        assert!(found.is_empty(), "{file}: {found:?}");
    };
    for file in ["stick.backup", "second.backup"] {
        clean(file);
    }
    // A digest of name and postcode would let whoever has the name try out every postcode.
    let keys = |file: &str| {
        let database = rusqlite::Connection::open(desk.file(file)).unwrap();
        database.query_row("SELECT count(*) FROM import_key", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert!(keys("mutuald-state/mutuald.db") > 0 && keys("stick.backup") == 0);

    // A new machine: the settings, the keys that were kept, the stick.
    let key = desk.file("mutuald-state/keys/places.key");
    std::fs::remove_file(desk.file("mutuald-state/mutuald.db")).unwrap();
    std::fs::rename(&key, desk.file("drawer.key")).unwrap();
    let refused = desk.run(&["backup", "restore", "stick.backup", "--commit"]).failed(1);
    assert!(refused.contains("2 protected places") && refused.contains("places.key"), "{refused}");
    assert!(!desk.file("mutuald-state/mutuald.db").exists(), "nothing was put in place");
    let lost = desk.run(&["backup", "restore", "stick.backup", "--without-places"]).ended(3);
    assert!(lost.contains("LOST") && lost.contains("nothing was ever published: 1"), "{lost}");
    desk.run(&["key", "init", "mutuald-state/keys/places.key", "--name", "another"]).ended(0);
    assert!(desk.run(&["backup", "restore", "stick.backup"]).failed(1).contains("is another key"));
    std::fs::remove_file(&key).unwrap();
    std::fs::rename(desk.file("drawer.key"), &key).unwrap();
    let put = desk.run(&["backup", "restore", "stick.backup", "--commit"]).ended(0);
    assert!(put.contains("opened with the key that is here: 2"), "{put}");
    for name in ["thursday reading", "nightjar"] {
        let told = desk.run(&["group", "show", name, "--protected", "--json"]).ended(0);
        assert!(MARKS[..7].iter().all(|mark| contains(told.as_bytes(), mark)), "{told}");
    }
    assert_eq!(desk.run(&["registry", "check", "--json"]).json(0)["findings"], json!([]));
    holds_none(&desk, &MARKS);

    // What an earlier version left in clear is locked as soon as somebody looks.
    let earlier = rusqlite::Connection::open(desk.file("second.backup")).unwrap();
    earlier.execute("UPDATE protected SET value = '{\"place\":{\"venue\":\"Quorlick Mill\"}}'", []).unwrap();
    drop(earlier);
    let database = rusqlite::Connection::open(desk.file("mutuald-state/mutuald.db")).unwrap();
    database.execute("DELETE FROM setting WHERE name = 'backups-locked'", []).unwrap();
    let second = desk.file("second.backup").display().to_string();
    database.execute("INSERT OR REPLACE INTO backup VALUES (?, 1, 1, 0)", [second]).unwrap();
    drop(database);
    // The key that does it was never told of: somebody hears of it, until they have.
    let told = |desk: &Desk| desk.run(&["status", "--json"]).out.contains("new_key");
    std::fs::remove_file(&key).unwrap();
    assert!(!told(&desk));
    // Whoever looks at the entry's erasure, the daemon or any command, locks it.
    desk.run(&["erase", "--person", "nobody of that name", "--commit"]).ended(0);
    clean("second.backup");
    assert!(told(&desk) && desk.run(&["status"]).ended(3).contains("places.key is new"));
    assert!(desk.run(&["backup", "list"]).ended(3).contains("mutuald key backup"));
    assert!(!told(&desk) && desk.run(&["key", "show"]).out.contains("PROTECTED PLACES"));
    desk.run(&["backup", "list"]).ended(0);
}

/// An entry that is erased goes with what was withheld of it, here and in backups; one that is in no registry can be erased too.
#[test]
fn erasing_a_group_takes_its_protected_place_along() {
    for (level, signed) in [("Contact first", true), ("Sealed", false)] {
        let desk = Desk::new("Essex Hub");
        fill(&desk, "groups.csv", &row(level));
        desk.run(&["import", "groups.csv", "--commit"]).ended(0);
        std::fs::remove_file(desk.file("groups.csv")).unwrap();
        desk.run(&["backup", "make", "old.backup"]).ended(3);
        std::fs::copy(desk.file("old.backup"), desk.file("away.backup")).unwrap();
        let plan = desk.run(&["erase", "thursday reading"]).ended(0);
        assert!(plan.contains("protected place") && plan.contains("Nothing was changed"), "{plan}");
        assert!(met(plan.as_bytes(), &MARKS).is_empty(), "{plan}");
        desk.run(&["group", "show", "thursday reading", "--protected"]).ended(0);
        desk.run(&["erase", "thursday reading", "--commit"]).ended(0);
        let marks: Vec<&str> = MARKS.into_iter().chain((!signed).then_some("thursday reading")).collect();
        let rows = |file: &str| {
            let database = rusqlite::Connection::open(desk.file(file)).unwrap();
            database.query_row("SELECT count(*) FROM protected", [], |row| row.get::<_, i64>(0)).unwrap()
        };
        for (name, bytes) in all(&desk.file("mutuald-state")) {
            assert!(met(&bytes, &marks).is_empty(), "{level}: {name}: {:?}", met(&bytes, &marks));
        }
        assert_eq!((rows("mutuald-state/mutuald.db"), rows("old.backup")), (0, 0), "{level}");
        // One that had been carried away forgets it before it is used.
        let restored = desk.run(&["backup", "restore", "away.backup", "--commit"]).ended(0);
        assert!(restored.contains("forgotten again"), "{restored}");
        assert_eq!(rows("mutuald-state/mutuald.db"), 0, "{level}");
        desk.run(&["erase", "thursday reading"]).failed(1);
    }
}

/// Whatever was made of it before: the signer reads the words that are about to be signed.
#[tokio::test]
async fn the_signer_refuses_what_a_level_withholds() {
    use mutuald::record::statement::Kind;
    let hub = TestHub::new("Essex Hub", 1).await;
    let say = async |json: serde_json::Value| {
        let public = Some(json.to_string());
        hub.hub.say(&[Draft { id: Uuid::from_u128(1), rev: 1, body: Body::Put(Kind::Record), public }]).await
    };
    for more in [
        json!({"safety": "contact-first", "place": {"locality": "Vendlethorpe"}}),
        json!({"safety": "contact-first", "meetings": [{"text": "Wrensdays"}]}),
        json!({"safety": "contact-first", "charity": "GB-CHC-1098765"}),
        json!({"safety": "contact-first", "photo": "https://quorlick.example/"}),
        json!({"safety": "approximate", "place": {"postcode": "ZE3 9QX"}}),
        json!({"safety": "unlisted"}),
        json!({"safety": "sealed"}),
        json!({"safety": "lead-lined"}),
    ] {
        let mut whole = json!({"name": "Circle"});
        whole.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let error = format!("{:#}", say(whole).await.unwrap_err());
        assert!(met(error.as_bytes(), &MARKS).is_empty(), "nor does the error say it: {error}");
    }
    say(json!({"name": "Circle", "safety": "approximate", "place": {"postcode": "ZE3"}})).await.unwrap();
}

#[test]
fn a_row_that_says_nothing_of_safety_finds_its_protected_record_by_name() {
    let desk = Desk::new("Essex Hub");
    let without = |level: &str| -> Vec<(&'static str, String)> {
        row(level).into_iter().filter(|(heading, _)| *heading != "Your reference").collect()
    };
    fill(&desk, "groups.csv", &without("Contact first"));
    desk.run(&["import", "groups.csv", "--commit"]).ended(0);
    fill(&desk, "again.csv", &without(""));
    let back = desk.run(&["import", "again.csv", "--commit", "--json"]).json(0);
    assert_eq!((&back["committed"], &back["plan"]["new"]), (&json!(false), &json!([])), "{back}");
    holds_none(&desk, &MARKS);
    // What the row knows newer is kept, and stays where it is.
    let mut newer = without("");
    newer.iter_mut().filter(|(heading, _)| *heading == "Venue").for_each(|(_, value)| *value = "Quorlick Barn".into());
    fill(&desk, "newer.csv", &newer);
    desk.run(&["import", "newer.csv", "--commit"]).ended(0);
    assert!(desk.run(&["group", "show", "thursday", "--protected"]).ended(0).contains("Quorlick Barn"));
    holds_none(&desk, &MARKS);
}
