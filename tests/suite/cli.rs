//! The command line, as a hub worker uses it: the real program, real folders, a partner over loopback.

use crate::support::command::{Desk, run};
use serde_json::json;

const CIRCLE: &[(&str, &str)] = &[
    ("Group name", "Carers Circle"),
    ("Topics", "Carers"),
    ("Town or village", "Beeston"),
    ("Venue", "Old Market Hall"),
    ("Telephone", "01632 960001"),
];
const EVENING: &[(&str, &str)] = &[("Group name", "Carers Evening"), ("Town or village", "Nottingham")];
const VOICES: &[(&str, &str)] =
    &[("Group name", "Hearing Voices"), ("Topics", "Hearing voices"), ("Town or village", "Nottingham")];

/// A hub with three groups, published.
fn nottingham() -> Desk {
    let desk = Desk::new("Nottingham Hub");
    desk.fill("groups.csv", &[CIRCLE, EVENING, VOICES]);
    desk.run(&["import", "groups.csv", "--commit"]).ended(0);
    desk
}

#[test]
fn a_hub_workers_path_from_the_template_to_a_printed_list() {
    let nottingham = nottingham();
    let page = std::fs::read_to_string(nottingham.file("page.txt")).unwrap();
    assert!(
        page.contains(&format!("mutuald partner add https://nottingham-hub.example.org/ --hub {}", nottingham.id)),
        "{page}"
    );
    assert!(page.contains("root-a.key") && page.contains("Fingerprint"), "{page}");

    // Essex lists one of the groups too, in another room.
    let essex = Desk::new("Essex Hub");
    let moved: Vec<_> = CIRCLE.iter().map(|(h, v)| (*h, if *h == "Venue" { "New Library" } else { *v })).collect();
    essex.fill("groups.csv", &[&moved, &[("Group name", "Colchester Stoma Group"), ("Town or village", "Colchester")]]);
    let shown = essex.run(&["import", "groups.csv"]).ended(0);
    assert!(shown.contains("2  new") && shown.contains("mutuald import groups.csv --commit"), "{shown}");
    let done = essex.run(&["import", "groups.csv", "--commit"]).ended(0);
    assert!(done.contains("Published"), "{done}");

    // The one id that is ever typed.
    let served = nottingham.serve();
    essex.run(&["partner", "add", &served.url, "--hub", &nottingham.id]).ended(0);
    let pulled = essex.run(&["partner", "pull", "nottingham"]).ended(0);
    assert!(pulled.contains("5 new statements") && pulled.contains("hubs or lists disagree about 1"), "{pulled}");
    let again = essex.run(&["partner", "pull", "--all", "--json"]).json(0);
    assert_eq!(again["pulled"][0]["state"], json!("current"));

    let open = essex.run(&["conflicts", "--mine"]).ended(3);
    assert!(open.contains("Old Market Hall") && open.contains("New Library"), "{open}");
    assert!(open.contains("mutuald choose 'Carers Circle' place"), "{open}");
    let asked = essex.run(&["choose", "carers circle", "where"]).failed(2);
    assert!(asked.contains("  1  ") && asked.contains("Nottingham Hub"), "{asked}");
    let chosen = essex.run(&["choose", "carers circle", "where", "--hub", "nottingham"]).ended(0);
    assert!(chosen.contains("The registry shows: Old Market Hall"), "{chosen}");
    assert!(essex.run(&["conflicts"]).ended(0).contains("No two hubs or lists disagree"));
    let why = essex.run(&["group", "show", "carers", "circle"]).ended(0);
    assert!(why.contains("chosen by Essex Hub") && why.contains("New Library"), "{why}");

    // The decision can be undone, and then the question is open again.
    essex.run(&["choose", "carers circle", "place", "--undo"]).ended(0);
    essex.run(&["conflicts"]).ended(3);
    essex.run(&["choose", "carers circle", "place", "--undo"]).failed(2);
    essex.run(&["choose", "carers circle", "place", "--value", "2"]).ended(0);
    essex.run(&["conflicts"]).ended(0);

    essex.run(&["export", "list.csv"]).ended(0);
    let list = std::fs::read_to_string(essex.file("list.csv")).unwrap();
    for name in ["Carers Circle", "Carers Evening", "Hearing Voices", "Colchester Stoma Group"] {
        assert_eq!(list.matches(name).count(), 1, "{name}: {list}");
    }
    essex.run(&["export", "list.xlsx"]).ended(0);
    essex.run(&["export", "map.geojson"]).ended(0);
    let map: serde_json::Value = serde_json::from_slice(&std::fs::read(essex.file("map.geojson")).unwrap()).unwrap();
    assert_eq!(map["features"].as_array().unwrap().len(), 4);

    assert!(essex.run(&["registry", "check"]).ended(0).contains("as it must be"));
    let before = essex.digest();
    essex.run(&["registry", "rebuild"]).ended(0);
    assert_eq!(essex.digest(), before);
    let status = essex.run(&["status", "--json"]).json(0);
    assert_eq!((&status["groups"], &status["shared"], &status["published"]), (&json!(4), &json!(1), &json!(true)));
}

#[test]
fn where_only_one_hubs_lists_disagree_it_says_so() {
    let desk = nottingham();
    let moved: Vec<_> = CIRCLE.iter().map(|(h, v)| (*h, if *h == "Venue" { "New Library" } else { *v })).collect();
    desk.fill("site.csv", &[&moved]);
    desk.run(&["import", "site.csv", "--list", "County website", "--kind", "website", "--commit"]).ended(0);
    let shown = desk.run(&["group", "show", "carers circle"]).ended(3);
    assert!(shown.contains("! lists of one hub disagree: mutuald choose 'Carers Circle' place"), "{shown}");
    let open = desk.run(&["conflicts"]).ended(3);
    assert!(open.contains("Hubs or lists disagree about 1 group") && !open.contains("wo hubs"), "{open}");
    // Another hub says a third thing: now hubs disagree.
    let essex = Desk::new("Essex Hub");
    let third: Vec<_> = CIRCLE.iter().map(|(h, v)| (*h, if *h == "Venue" { "Chapel" } else { *v })).collect();
    essex.fill("groups.csv", &[&third]);
    essex.run(&["import", "groups.csv", "--commit"]).ended(0);
    let served = essex.serve();
    desk.run(&["partner", "add", &served.url, "--hub", &essex.id]).ended(0);
    desk.run(&["partner", "pull", "essex"]).ended(0);
    let shown = desk.run(&["group", "show", "carers circle"]).ended(3);
    assert!(shown.contains("! hubs disagree: mutuald choose 'Carers Circle' place"), "{shown}");
}

/// What an import says of the registry is what there is in the end.
#[test]
fn an_import_reports_what_is_true_in_the_end() {
    let desk = Desk::new("Nottingham Hub");
    let names: Vec<String> = (0..520).map(|n| format!("Group {n}")).collect();
    let circle = |name: &'static str, cost: &'static str| {
        let place = [("Town or village", "Beeston"), ("Postcode", "NG9 2AB"), ("Venue", "Old Market Hall")];
        let mut row = vec![("Group name", name), ("Telephone", "01632 960001"), ("Cost", cost)];
        row.extend(place);
        row
    };
    let mut rows: Vec<Vec<(&str, &str)>> = names.iter().map(|name| vec![("Group name", name.as_str())]).collect();
    rows[0] = circle("Carers Circle", "Free");
    rows[519] = circle("Beeston Carers Circle", "£2");
    desk.fill("groups.csv", &rows.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let import =
        ["import", "groups.csv", "--list", "Website", "--kind", "website", "--holds-duplicates", "--commit", "--json"];
    let done = desk.run(&import).json(0);
    let derived = &done["said"]["derived"];
    assert_eq!(
        (&derived["records"], &derived["groups"], &derived["joined"], &derived["in_conflict"]),
        (&json!(521), &json!(519), &json!(1), &json!(1)),
        "the list itself is a record too"
    );
    assert_eq!(desk.run(&["status", "--json"]).json(0)["groups"], json!(519));
}

#[test]
fn looking_changes_nothing() {
    let desk = nottingham();
    let changed: Vec<_> = EVENING.iter().copied().chain([("Cost", "Free")]).collect();
    desk.fill("more.csv", &[&changed, &[("Group name", "New one")]]);
    let database = || std::fs::read(desk.file("mutuald-state/mutuald.db")).unwrap();
    let (bytes, digest) = (database(), desk.digest());
    let plan = desk.run(&["import", "more.csv", "--json"]).json(0);
    assert_eq!(
        (&plan["committed"], &plan["plan"]["changed"][0]["fields"][0]["after"]),
        (&json!(false), &json!("Free"))
    );
    desk.run(&["import", "more.csv", "--list", "A list that is not there", "--kind", "website"]).ended(0);
    for look in [
        &["group", "list"][..],
        &["group", "show", "carers evening"],
        &["group", "why", "carers evening"],
        &["list", "show"],
        &["conflicts"],
        &["status"],
        &["feed", "show"],
        &["registry", "check"],
        &["config", "check"],
        &["partner", "list"],
    ] {
        desk.run(look).ended(0);
    }
    assert_eq!(desk.digest(), digest);
    assert!(database() == bytes, "the database's bytes changed");
    desk.run(&["import", "more.csv", "--commit"]).ended(0);
    assert_ne!(desk.digest(), digest, "so the digest would have shown it");
}

#[test]
fn the_same_file_again_and_the_own_export_change_nothing() {
    let desk = nottingham();
    let digest = desk.digest();
    let again = desk.run(&["import", "groups.csv", "--commit", "--json"]).json(0);
    assert_eq!((&again["committed"], again["plan"]["unchanged"].as_array().unwrap().len()), (&json!(false), 3));
    for file in ["own.csv", "own.xlsx"] {
        desk.run(&["export", file, "--own"]).ended(0);
        let back = desk.run(&["import", file, "--commit", "--json"]).json(0);
        assert_eq!(
            (&back["committed"], back["plan"]["unchanged"].as_array().unwrap().len()),
            (&json!(false), 3),
            "{file}"
        );
    }
    assert_eq!(desk.digest(), digest);
    let refused = desk.run(&["export", "own.csv", "--own"]).failed(1);
    assert!(refused.contains("--force"), "{refused}");
}

#[test]
fn a_foreign_file_comes_in_by_a_saved_mapping_into_a_list_of_its_own() {
    let desk = Desk::new("Essex Hub");
    std::fs::write(desk.file("theirs.csv"), "Wer,Wo,Region\nA group,Harlow,East\nElsewhere,Leeds,North\n").unwrap();
    let refused = desk.run(&["import", "theirs.csv"]).failed(1);
    assert!(refused.contains("--save-mapping") && refused.contains("--map"), "{refused}");
    desk.run(&["import", "theirs.csv", "--save-mapping", "map.toml"]).ended(0);
    let saved = std::fs::read_to_string(desk.file("map.toml")).unwrap();
    assert!(saved.contains("\"Wer\""), "{saved}");
    std::fs::write(desk.file("map.toml"), "ignore = [\"Region\"]\n[columns]\nWer = \"name\"\nWo = \"locality\"\n")
        .unwrap();
    let arguments =
        ["import", "theirs.csv", "--mapping", "map.toml", "--where", "Region=East", "--list", "County website"];
    let described =
        ["--kind", "website", "--licence", "CC0-1.0", "--derived-from", "https://example.org", "--holds-duplicates"];
    let imported = desk.run(&[&arguments[..], &described, &["--commit", "--json"]].concat()).json(0);
    assert_eq!((&imported["new_list"], imported["plan"]["new"].as_array().unwrap().len()), (&json!(true), 1));
    let list = desk.run(&["list", "show", "county", "--json"]).json(0);
    assert_eq!(
        (&list[0]["duplicates"], &list[0]["kind"], &list[0]["records"]),
        (&json!(true), &json!("website"), &json!(1))
    );
    // The list is there now: naming it suffices, and describing it otherwise is refused.
    desk.run(&[&arguments[..], &["--commit"]].concat()).ended(0);
    desk.run(&[&arguments[..], &["--kind", "survey"]].concat()).failed(2);
    desk.run(&["list", "add", "Leaflets", "--kind", "leaflet"]).ended(0);
    desk.run(&["list", "add", "leaflets", "--kind", "leaflet"]).failed(1);
    desk.run(&["export", "county.csv", "--list", "county"]).ended(0);
}

#[test]
fn rows_that_are_refused_end_with_three_and_name_line_value_and_remedy() {
    let desk = Desk::new("Essex Hub");
    desk.fill("groups.csv", &[&[("Group name", "Good")], &[("Group name", "Bad"), ("Postcode", "nowhere")]]);
    let plan = desk.run(&["import", "groups.csv"]).ended(3);
    assert!(plan.contains("line 5") && plan.contains("\"nowhere\"") && plan.contains("Write it as"), "{plan}");
    let done = desk.run(&["import", "groups.csv", "--commit", "--json"]).json(3);
    assert_eq!((&done["committed"], &done["said"]["statements"]), (&json!(true), &json!(1)));
}

#[test]
fn a_hub_speaks_of_groups_by_their_names() {
    let desk = nottingham();
    let several = desk.run(&["group", "show", "carers"]).failed(2);
    assert!(
        several.contains("#1 Carers Circle, Beeston") && several.contains("#2 Carers Evening, Nottingham"),
        "{several}"
    );
    for (words, name) in
        [("carers #2", "Carers Evening"), ("carers nottingham", "Carers Evening"), ("old market", "Carers Circle")]
    {
        assert_eq!(desk.run(&["--json", "group", "show", words]).json(0)["name"], json!(name), "{words}");
    }
    desk.run(&["group", "show", "carers #3"]).failed(2);
    desk.run(&["group", "show", "zebra"]).failed(1);

    desk.run(&["group", "add", "Stoma Support", "--town", "Nottingham", "--set", "cost=Free"]).ended(0);
    desk.run(&["group", "add", "stoma support"]).failed(1);
    std::fs::write(desk.file("one.json"), r#"{"name":"From JSON","topics":["carers"]}"#).unwrap();
    desk.run(&["group", "add", "--from", "one.json"]).ended(0);
    let edited = desk.run(&["group", "edit", "stoma", "--set", "cost=", "--set", "Telephone=01632 960077"]).ended(0);
    assert!(edited.contains("Cost: Free → (empty)"), "{edited}");
    assert!(desk.run(&["group", "edit", "stoma", "--set", "cost="]).ended(0).contains("nothing was changed"));
    let refused = desk.run(&["group", "edit", "stoma", "--set", "postcode=nowhere"]).failed(2);
    assert!(refused.contains("not a UK postcode"), "{refused}");
    desk.run(&["group", "edit", "stoma", "--set", "shoe=1"]).failed(2);
    desk.run(&["group", "edit", "stoma", "--set", "safety=sealed"]).failed(2);

    desk.run(&["group", "affirm", "stoma", "--method", "phone", "--by", "the hub", "--date", "2026-01-05"]).ended(0);
    desk.run(&["group", "affirm", "stoma", "--method", "phone", "--by", "Mrs Smith"]).failed(2);
    desk.run(&["group", "affirm", "stoma", "--method", "phone", "--by", "hub", "--date", "2999-01-01"]).failed(2);
    assert!(desk.run(&["group", "show", "stoma"]).ended(0).contains("5 January 2026 by phone"));
    desk.run(&["group", "close", "stoma", "--date", "2026-02-03", "--reason", "no room"]).ended(0);
    let closed = desk.run(&["group", "list", "--status", "closed", "--json"]).json(0);
    assert_eq!((&closed["total"], &closed["groups"][0]["name"]), (&json!(1), &json!("Stoma Support")));
    let topic = desk.run(&["group", "list", "--topic", "caring", "--place", "beest", "--json"]).json(0);
    assert_eq!((&topic["total"], &topic["groups"][0]["name"]), (&json!(1), &json!("Carers Circle")));
    desk.run(&["group", "list", "--topic", "zebra"]).failed(2);

    desk.run(&["group", "withdraw", "stoma"]).ended(0);
    desk.run(&["group", "show", "stoma"]).failed(1);
    let said = desk.run(&["feed", "show", "2"]).ended(0);
    assert!(said.contains("changed: ") && said.contains("taken back"), "{said}");
    desk.run(&["registry", "check"]).ended(0);
}

#[test]
fn what_others_list_can_be_spoken_of_joined_and_kept_apart() {
    let nottingham = nottingham();
    let served = nottingham.serve();
    let essex = Desk::new("Essex Hub");
    essex.run(&["partner", "add", &served.url, "--hub", &nottingham.id, "--schedule", "@daily"]).ended(0);
    essex.run(&["partner", "pull"]).ended(0);
    let groups = |words: &str| essex.run(&["group", "list", words, "--json"]).json(0)["total"].clone();

    // A record of our own, for the same group.
    essex.run(&["group", "affirm", "hearing", "--method", "phone", "--by", "hub"]).failed(1);
    let edited = essex.run(&["group", "edit", "hearing", "--set", "cost=Free"]).ended(0);
    assert!(edited.contains("this hub had no record of it"), "{edited}");
    assert_eq!(groups("hearing"), json!(1));
    let why = essex.run(&["group", "why", "hearing"]).ended(0);
    assert!(why.contains("one group: said to be one group by Essex Hub"), "{why}");
    essex.run(&["group", "affirm", "hearing", "--method", "phone", "--by", "hub"]).ended(0);

    let apart = essex.run(&["link", "hearing", "hearing", "--different"]).ended(0);
    assert!(apart.contains("two groups"), "{apart}");
    assert_eq!(groups("hearing"), json!(2));
    essex.run(&["link", "hearing #1", "hearing #2", "--undo"]).ended(0);
    essex.run(&["link", "hearing #1", "hearing #2", "--undo"]).failed(2);
    essex.run(&["link", "hearing #1", "hearing #2", "--same"]).ended(0);
    assert_eq!(groups("hearing"), json!(1));
    essex.run(&["link", "Hearing Voices @ Essex", "Hearing Voices @ Nottingham", "--unsure"]).ended(0);
    let open = essex.run(&["group", "why", "carers circle", "carers evening"]).ended(0);
    assert!(open.contains("are two groups"), "{open}");
    essex.run(&["link", "carers circle", "carers circle", "--same"]).failed(2);
    essex.run(&["link", "carers circle", "carers evening"]).ended(2);
    essex.run(&["link", "carers circle", "carers evening", "--branch-of"]).ended(0);
    essex.run(&["registry", "check"]).ended(0);

    assert!(essex.run(&["config", "check"]).ended(0).contains("Nottingham Hub: next pulled"));
    essex.run(&["partner", "pause", "nott"]).ended(0);
    assert_eq!(essex.run(&["partner", "list", "--json"]).json(0)[0]["paused"], json!(true));
    essex.run(&["partner", "resume", "nott"]).ended(0);
    essex.run(&["partner", "accept", "nott", "--yes"]).failed(2);
    essex.run(&["partner", "remove", "nott"]).failed(2);
    essex.run(&["partner", "remove", "nott", "--yes"]).ended(0);
    assert_eq!(groups("carers"), json!(0));
    essex.run(&["registry", "check"]).ended(0);
}

#[test]
fn a_large_change_waits_for_a_person() {
    let nottingham = Desk::new("Nottingham Hub");
    let names: Vec<String> = (0..20).map(|n| format!("Group {}", char::from(b'A' + n))).collect();
    let fill = |cost: &str| {
        let rows: Vec<Vec<(&str, &str)>> =
            names.iter().map(|name| vec![("Group name", name.as_str()), ("Cost", cost)]).collect();
        nottingham.fill("groups.csv", &rows.iter().map(Vec::as_slice).collect::<Vec<_>>());
        nottingham.run(&["import", "groups.csv", "--commit"]).ended(0);
    };
    fill("Free");
    let served = nottingham.serve();
    let essex = Desk::new("Essex Hub");
    essex.run(&["partner", "add", &served.url, "--hub", &nottingham.id]).ended(0);
    essex.run(&["partner", "pull"]).ended(0);
    fill("£2");
    let waiting = essex.run(&["partner", "pull"]).ended(3);
    assert!(waiting.contains("mutuald partner accept 'Nottingham Hub'"), "{waiting}");
    essex.run(&["status"]).ended(3);
    assert!(essex.run(&["group", "show", "Group A"]).ended(0).contains("Free"));
    let asked = essex.run(&["partner", "accept", "nottingham"]);
    assert!(asked.err.contains("replace 20"), "{}", asked.err);
    asked.failed(2);
    essex.run(&["partner", "accept", "nottingham", "--yes"]).ended(0);
    assert!(essex.run(&["group", "show", "Group A"]).ended(0).contains("£2"));

    // A run that fails afterwards does not make what waits forgotten.
    fill("£3");
    essex.run(&["partner", "pull"]).ended(3);
    drop(served);
    essex.run(&["partner", "pull"]).ended(4);
    let list = essex.run(&["partner", "list", "--json"]).json(3);
    assert_eq!((&list[0]["waiting"]["replaced"], &list[0]["failures"]), (&json!(20), &json!(1)));
}

#[test]
fn a_partner_that_is_not_there_or_not_itself_ends_with_four() {
    let nottingham = nottingham();
    let served = nottingham.serve();
    let essex = Desk::new("Essex Hub");
    let nobody = "http://127.0.0.1:1/";
    essex.run(&["partner", "add", nobody, "--hub", &nottingham.id]).failed(4);
    let other = essex.run(&["partner", "add", &served.url, "--hub", "h-abcdefghijklmnopqrstuvwxyz234567"]).failed(4);
    assert!(other.contains("compare the hub id"), "{other}");
    essex.run(&["partner", "add", &served.url, "--hub", "nottingham"]).failed(2);
    essex.run(&["partner", "add", &served.url, "--hub", &nottingham.id, "--schedule", "often"]).failed(2);
    essex.run(&["partner", "add", &served.url, "--hub", &essex.id]).failed(2);
    essex.run(&["partner", "add", &served.url, "--hub", &nottingham.id]).ended(0);
    essex.run(&["partner", "add", &served.url, "--hub", &nottingham.id]).failed(2);
    essex.run(&["partner", "pull", "derbyshire"]).failed(2);
    drop(served);
    let down = essex.run(&["partner", "pull", "--json"]).json(4);
    assert_ne!(down["pulled"][0]["state"], json!("current"));
    assert!(!down["pulled"][0]["reason"].as_str().unwrap().is_empty());
}

#[test]
fn every_answer_can_be_json_and_so_can_every_error() {
    let desk = nottingham();
    for command in [
        &["group", "list"][..],
        &["group", "show", "hearing"],
        &["group", "why", "hearing"],
        &["group", "edit", "hearing", "--set", "cost=Free"],
        &["list", "show"],
        &["list", "add", "Website", "--kind", "website"],
        &["conflicts"],
        &["status"],
        &["feed", "show"],
        &["partner", "list"],
        &["partner", "pull"],
        &["registry", "digest"],
        &["registry", "check"],
        &["registry", "rebuild"],
        &["config", "check"],
        &["export", "a.csv"],
        &["review"],
        &["review", "list", "--mine"],
        &["review", "export", "labels.csv"],
        &["linkage", "show"],
        &["linkage", "evaluate", "labels.csv"],
        &["completions", "bash"],
        &["man"],
    ] {
        desk.run(&[command, &["--json"]].concat()).json(0);
    }
    let error = desk.run(&["group", "show", "zebra", "--json"]);
    assert_eq!((error.status, error.out.as_str()), (1, ""));
    let error: serde_json::Value = serde_json::from_str(&error.err).unwrap();
    assert!(error["error"].as_str().unwrap().contains("zebra") && !error["next"].as_str().unwrap().is_empty());
    assert_eq!(error["exit"], json!(1));
}

#[test]
fn settings_are_found_named_and_refused() {
    let empty = tempfile::tempdir().unwrap();
    let none = run(empty.path(), &["--config", "no.toml", "status"]).failed(1);
    assert!(none.contains("no.toml"), "{none}");
    std::fs::write(empty.path().join("bad.toml"), "[web]\nport = 80\n").unwrap();
    let bad = run(empty.path(), &["--config", "bad.toml", "config", "check"]).failed(1);
    assert!(bad.contains("port") && bad.contains("config check"), "{bad}");
    std::fs::write(empty.path().join("zone.toml"), "[hub]\ntime_zone = \"Nowhere/Town\"\n").unwrap();
    let zone = run(empty.path(), &["--config", "zone.toml", "config", "check"]).failed(1);
    assert!(zone.contains("Nowhere/Town"), "{zone}");
    let state = format!("[hub]\nstate = {:?}\n", empty.path().join("state"));
    std::fs::write(empty.path().join("hub.toml"), state).unwrap();
    assert!(run(empty.path(), &["config", "check"]).ended(0).contains("mutuald init"));
    let hubless = run(empty.path(), &["status"]).failed(1);
    assert!(hubless.contains("mutuald init"), "{hubless}");
    run(empty.path(), &["init"]).failed(2);
    // Settings that are there are used as they are.
    let answers = ["init", "--name", "A", "--address", "a.example.org", "--contact", "a@example.org"];
    run(empty.path(), &answers).ended(0);
    assert!(run(empty.path(), &["status"]).ended(0).contains("not published"));
    run(empty.path(), &answers).failed(1);
}

#[test]
fn init_leaves_nothing_behind_when_it_fails_and_can_publish_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let with = |address: &str, more: &[&str]| {
        let answers = ["init", "--name", "A", "--address", address, "--contact", "a@example.org"];
        run(folder.path(), &[&answers[..], more].concat())
    };
    with("not an address", &[]).failed(1);
    assert!(!folder.path().join("hub.toml").exists());
    let page = with("a.example.org", &["--no-publish"]).ended(0);
    assert!(page.contains("publishes nothing"), "{page}");
    assert!(!folder.path().join("mutuald-state/feed").exists());
    use std::os::unix::fs::PermissionsExt;
    let keys = std::fs::metadata(folder.path().join("mutuald-state/keys")).unwrap();
    assert_eq!(keys.permissions().mode() & 0o777, 0o700);
}

#[test]
fn manual_pages_and_completions_come_out() {
    let folder = tempfile::tempdir().unwrap();
    let page = run(folder.path(), &["man"]).ended(0);
    assert!(page.contains(".TH mutuald") && page.contains("Exit status"), "{page}");
    run(folder.path(), &["man", "--out", "pages"]).ended(0);
    assert!(folder.path().join("pages/mutuald-group-show.1").is_file());
    for shell in ["bash", "zsh", "fish"] {
        assert!(run(folder.path(), &["completions", shell]).ended(0).contains("mutuald"), "{shell}");
    }
    assert_eq!(run(folder.path(), &["nonsense"]).status, 2);
    for words in ["node", "peer", "merge", "tombstone"] {
        let help = run(folder.path(), &["--help"]).ended(0).to_lowercase();
        assert!(!help.contains(words), "{words}");
    }
}
