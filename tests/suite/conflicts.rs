//! What hubs disagree about, and what people decide about it (issue: Conflicts).

use crate::support::command::Desk;
use serde_json::{Value, json};

fn circle<'a>(venue: &'a str, phone: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("Group name", "Carers Circle"),
        ("Topics", "Carers"),
        ("Town or village", "Beeston"),
        ("Postcode", "NG9 1AA"),
        ("Venue", venue),
        ("Telephone", phone),
    ]
}

/// A hub that lists the circle and is served.
fn hub(name: &str, venue: &str) -> Desk {
    let desk = Desk::new(name);
    desk.fill("groups.csv", &[&circle(venue, "01632 960001")]);
    desk.run(&["import", "groups.csv", "--commit"]).ended(0);
    desk
}

/// Essex, which follows Nottingham; they name different venues.
fn two() -> (Desk, Desk, crate::support::command::Served) {
    let (essex, nottingham) = (hub("Essex Hub", "New Library"), hub("Nottingham Hub", "Old Market Hall"));
    let served = nottingham.serve();
    essex.run(&["partner", "add", &served.url, "--hub", &nottingham.id]).ended(0);
    pull(&essex);
    (essex, nottingham, served)
}

fn pull(desk: &Desk) {
    desk.run(&["partner", "pull", "--all"]).ended(0);
}

/// Where the circle meets, by a desk's registry: the field as `group show` has it.
fn place(desk: &Desk) -> Value {
    let ran = desk.run(&["group", "show", "carers circle", "--json"]);
    let shown: Value = serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    shown["fields"].as_array().unwrap().iter().find(|field| field["field"] == "place").unwrap().clone()
}

fn venue(place: &Value) -> &str {
    place["value"]["venue"].as_str().unwrap()
}

#[test]
fn every_disagreement_shows_each_value_who_says_it_when_checked_and_how_and_by_what_rule_one_is_shown() {
    let (essex, nottingham, _served) = two();
    nottingham.run(&["group", "affirm", "carers circle", "--method", "phone", "--by", "hub"]).ended(0);
    pull(&essex);
    let open = essex.run(&["conflicts", "--json"]).json(3);
    let field = &open["groups"][0]["fields"][0];
    assert_eq!(
        (&field["field"], &field["open"], &field["why"]),
        (&json!("place"), &json!("conflict"), &json!("checked most recently"))
    );
    let values = field["values"].as_array().unwrap();
    assert_eq!(values.iter().map(|value| value["shown"].clone()).collect::<Vec<_>>(), [json!(true), json!(false)]);
    let (first, second) = (values[0]["from"][0].as_str().unwrap(), values[1]["from"][0].as_str().unwrap());
    assert!(first.starts_with("Nottingham Hub") && first.contains("checked 20") && first.contains("phone"), "{first}");
    assert!(second.starts_with("Essex Hub") && second.contains("not checked"), "{second}");
    let text = essex.run(&["conflicts"]).ended(3);
    assert!(text.contains("(shown now: checked most recently)"), "{text}");
}

#[test]
fn a_choice_survives_pulls_and_is_shown_again_when_what_it_was_made_over_moves() {
    let (essex, nottingham, _served) = two();
    essex.run(&["choose", "carers circle", "place", "--hub", "essex"]).ended(0);
    // Pulls that bring a check, another group, nothing.
    nottingham.run(&["group", "affirm", "carers circle", "--method", "phone", "--by", "hub"]).ended(0);
    nottingham.run(&["group", "add", "Stoma Group", "--town", "Arnold"]).ended(0);
    for _ in 0..2 {
        pull(&essex);
        let place = place(&essex);
        assert_eq!((venue(&place), &place["open"]), ("New Library", &Value::Null));
        essex.run(&["conflicts"]).ended(0);
    }
    // Nottingham now names a third place: the choice is neither dropped nor silently kept.
    nottingham.run(&["group", "edit", "carers circle", "--set", "venue=Chapel"]).ended(0);
    pull(&essex);
    let moved = place(&essex);
    assert_eq!((venue(&moved), &moved["open"]), ("New Library", &json!("moved")), "{moved:#}");
    let open = essex.run(&["conflicts"]).ended(3);
    assert!(open.contains("something else was said since this was chosen") && open.contains("Chapel"), "{open}");
    // Chosen again, it is settled again; after a rebuild too.
    essex.run(&["choose", "carers circle", "place", "--hub", "essex"]).ended(0);
    essex.run(&["conflicts"]).ended(0);
    let digest = essex.digest();
    essex.run(&["registry", "rebuild"]).ended(0);
    assert_eq!(essex.digest(), digest);
}

#[test]
fn a_chosen_value_that_moves_at_its_source_is_shown_again() {
    let (essex, nottingham, _served) = two();
    essex.run(&["choose", "carers circle", "place", "--hub", "nottingham"]).ended(0);
    assert_eq!(venue(&place(&essex)), "Old Market Hall");
    nottingham.run(&["group", "edit", "carers circle", "--set", "venue=Chapel"]).ended(0);
    pull(&essex);
    let open = essex.run(&["conflicts", "--json"]).json(3);
    assert_eq!(open["groups"][0]["fields"][0]["open"], json!("moved"));
    let text = essex.run(&["group", "show", "carers circle"]).ended(3);
    assert!(text.contains("what was chosen has changed since"), "{text}");
    // They come to agree: nothing is left to ask.
    nottingham.run(&["group", "edit", "carers circle", "--set", "venue=New Library"]).ended(0);
    pull(&essex);
    essex.run(&["conflicts"]).ended(0);
}

#[test]
fn left_open_is_a_state_of_its_own_until_something_new_is_said() {
    let (essex, nottingham, _served) = two();
    essex.run(&["choose", "carers circle", "place", "--unresolved"]).ended(0);
    pull(&essex);
    assert_eq!(place(&essex)["open"], json!("unresolved"));
    essex.run(&["conflicts"]).ended(0);
    assert!(essex.run(&["group", "show", "carers circle"]).ended(0).contains("left open: a person looked"));
    nottingham.run(&["group", "edit", "carers circle", "--set", "venue=Chapel"]).ended(0);
    pull(&essex);
    assert_eq!(place(&essex)["open"], json!("moved"));
    essex.run(&["conflicts"]).ended(3);
}

#[test]
fn a_local_correction_is_never_overwritten_by_pulls() {
    let nottingham = hub("Nottingham Hub", "Old Market Hall");
    let essex = Desk::new("Essex Hub");
    let served = nottingham.serve();
    essex.run(&["partner", "add", &served.url, "--hub", &nottingham.id]).ended(0);
    pull(&essex);
    // Essex has no record of its own, knows better, and says so.
    let said = essex.run(&["group", "edit", "carers circle", "--set", "venue=New Library"]).ended(0);
    assert!(said.contains("yours is shown here"), "{said}");
    let corrected = place(&essex);
    assert_eq!((venue(&corrected), &corrected["open"]), ("New Library", &Value::Null), "{corrected:#}");
    // However fresh and however often Nottingham says the old thing.
    nottingham.run(&["group", "affirm", "carers circle", "--method", "visit", "--by", "group"]).ended(0);
    nottingham.run(&["group", "edit", "carers circle", "--set", "cost=Free"]).ended(0);
    pull(&essex);
    let after = place(&essex);
    assert_eq!(venue(&after), "New Library");
    assert!(after["why"].as_str().unwrap().starts_with("chosen by Essex Hub"), "{after:#}");
    // The person may take it back, and then the rule decides.
    essex.run(&["choose", "carers circle", "place", "--undo"]).ended(0);
    assert_eq!(venue(&place(&essex)), "Old Market Hall");
}
