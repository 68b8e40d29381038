//! Who saw a group at first hand, however many hubs pass it on (issue: Sightings).

use crate::support::command::Desk;
use serde_json::{Value, json};

const CIRCLE: &[(&str, &str)] = &[
    ("Group name", "Carers Circle"),
    ("Topics", "Carers"),
    ("Town or village", "Beeston"),
    ("Postcode", "NG9 1AA"),
    ("Venue", "Old Market Hall"),
    ("Telephone", "01632 960001"),
];

fn follow(desk: &Desk, served: &str, other: &Desk) {
    desk.run(&["partner", "add", served, "--hub", &other.id]).ended(0);
}

/// Takes over all that the registry holds into a list of the hub's own.
fn republish(desk: &Desk) {
    desk.run(&["export", "all.csv", "--force"]).ended(0);
    desk.run(&["import", "all.csv", "--list", "From our partners", "--kind", "database", "--commit"]).ended(0);
}

fn shown(desk: &Desk) -> Value {
    let ran = desk.run(&["group", "show", "carers circle", "--json"]);
    assert!([0, 3].contains(&ran.status), "{ran:?}");
    serde_json::from_str(&ran.out).unwrap()
}

#[test]
fn the_first_observer_stays_known_through_three_hubs_and_a_copy_is_no_second_sighting() {
    let (nottingham, essex, kent) = (Desk::new("Nottingham Hub"), Desk::new("Essex Hub"), Desk::new("Kent Hub"));
    nottingham.fill("groups.csv", &[CIRCLE]);
    nottingham.run(&["import", "groups.csv", "--commit"]).ended(0);
    let (first, second, third) = (nottingham.serve(), essex.serve(), kent.serve());
    follow(&essex, &first.url, &nottingham);
    essex.run(&["partner", "pull", "--all"]).ended(0);
    republish(&essex);
    let here = shown(&essex);
    assert_eq!(here["sightings"].as_array().unwrap().len(), 1, "its own copy beside the original: {here:#}");
    assert_eq!(
        (&here["sightings"][0]["observer"], &here["sightings"][0]["via"]),
        (&json!("Nottingham Hub"), &json!([]))
    );

    // Kent knows Essex only, and passes on what it has from there.
    follow(&kent, &second.url, &essex);
    kent.run(&["partner", "pull", "--all"]).ended(0);
    republish(&kent);
    let there = shown(&kent);
    let [seen] = &there["sightings"].as_array().unwrap()[..] else { panic!("{there:#}") };
    assert_eq!((&seen["observed_by"], &seen["via"]), (&json!(nottingham.id), &json!(["Essex Hub"])));
    let text = kent.run(&["group", "show", "carers circle"]).ended(0);
    assert!(text.contains("told on by Essex Hub") && text.contains(&nottingham.id), "{text}");

    // A fourth hub that follows Kent alone learns the whole way.
    let leeds = Desk::new("Leeds Hub");
    follow(&leeds, &third.url, &kent);
    leeds.run(&["partner", "pull", "--all"]).ended(0);
    let far = shown(&leeds);
    let [seen] = &far["sightings"].as_array().unwrap()[..] else { panic!("{far:#}") };
    assert_eq!(seen["observed_by"], json!(nottingham.id));
    assert_eq!(seen["via"], json!([essex.id, "Kent Hub"]), "as it travelled: {far:#}");
    assert!(leeds.run(&["registry", "check"]).ended(0).contains("as it must be"));
}

#[test]
fn an_echo_of_our_own_record_is_dropped_and_never_contradicts_us() {
    let (nottingham, essex) = (Desk::new("Nottingham Hub"), Desk::new("Essex Hub"));
    nottingham.fill("groups.csv", &[CIRCLE]);
    nottingham.run(&["import", "groups.csv", "--commit"]).ended(0);
    let (first, second) = (nottingham.serve(), essex.serve());
    follow(&essex, &first.url, &nottingham);
    essex.run(&["partner", "pull", "--all"]).ended(0);
    republish(&essex);
    // Meanwhile the group moves, and its telephone goes: the copy at Essex is old.
    nottingham.run(&["group", "edit", "carers circle", "--set", "venue=New Library", "--set", "phone="]).ended(0);

    follow(&nottingham, &second.url, &essex);
    let pulled = nottingham.run(&["partner", "pull", "essex", "--json"]).json(0);
    assert_eq!(pulled["pulled"][0]["echoes"], json!(1), "{pulled:#}");
    assert!(pulled["pulled"][0]["reason"].as_str().unwrap().contains("copy of this hub's own"), "{pulled:#}");
    assert!(nottingham.run(&["conflicts"]).ended(0).contains("No two hubs"));
    let ours = shown(&nottingham);
    let field = |name: &str| ours["fields"].as_array().unwrap().iter().find(|field| field["field"] == name).cloned();
    assert!(field("place").unwrap()["words"].as_str().unwrap().contains("New Library"), "{ours:#}");
    assert_eq!(field("contact"), None, "what was taken out does not come back with an old copy");
    assert_eq!(ours["sightings"].as_array().unwrap().len(), 1, "{ours:#}");
    let listed = nottingham.run(&["group", "list", "--json"]).json(0);
    assert_eq!(
        (&listed["total"], &listed["groups"][0]["hubs"], &listed["groups"][0]["records"]),
        (&json!(1), &json!(1), &json!(1))
    );
    let text = nottingham.run(&["group", "show", "carers circle"]).ended(0);
    assert!(text.contains("a copy, which says nothing of its own"), "{text}");

    // Once Essex has asked the group itself, its row is its own word.
    essex.run(&["group", "affirm", "carers circle", "--method", "phone", "--by", "hub"]).ended(0);
    let pulled = nottingham.run(&["partner", "pull", "essex", "--json"]).json(0);
    assert_eq!(pulled["pulled"][0]["echoes"], json!(0));
    nottingham.run(&["conflicts"]).ended(3);
    let before = nottingham.digest();
    nottingham.run(&["registry", "rebuild"]).ended(0);
    assert_eq!(nottingham.digest(), before);
}
