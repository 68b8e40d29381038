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

/// Thirty groups of one town, as a person of this hub writes them into its list.
fn town(list: uuid::Uuid, hub: &str) -> Vec<(uuid::Uuid, mutuald::record::Group)> {
    let one = |n: u128| {
        let words = json!({
            "list": list, "name": format!("Circle {n}"), "place": {"locality": "Southend", "postcode": "SS1 1AA"},
            "description": format!("{hub} knows circle {n} as a friendly group of people who support each other."),
            "contact": {"phone": format!("01702 6001{n:02}")},
        });
        (uuid::Uuid::from_u128(100 + n), mutuald::record::Group::read(&words.to_string()).unwrap())
    };
    (0..30).map(one).collect()
}

#[tokio::test]
async fn a_list_that_copies_another_is_shown_as_such_and_an_honest_one_is_not() {
    use crate::support::TestHub;
    use mutuald::node::init;
    use mutuald::record::List;
    let (essex, kent, leeds) =
        (TestHub::new("Essex Hub", 1).await, TestHub::new("Kent Hub", 2).await, TestHub::new("Leeds Hub", 3).await);
    let list = uuid::Uuid::from_u128(7);
    for (hub, wrote) in [(&essex, "Essex"), (&kent, "Essex"), (&leeds, "Leeds")] {
        let about = List { title: format!("{} list", hub.hub.name), kind: "spreadsheet".into(), ..List::default() };
        hub.hub.say(&[init::list(list, 1, &about).unwrap()]).await.unwrap();
        // Kent writes nothing itself, a day later.
        hub.clock.advance(jiff::SignedDuration::from_hours(if wrote == "Essex" && hub.hub.name == "Kent Hub" {
            24
        } else {
            0
        }));
        hub.put(&town(list, wrote)).await;
    }
    let here = TestHub::new("Nottingham Hub", 4).await;
    here.clock.advance(jiff::SignedDuration::from_hours(48));
    for other in [&essex, &kent, &leeds] {
        here.follow(other).await;
        here.pull(other).await;
    }
    let found = here.hub.copies().await.unwrap();
    let [copied] = &found[..] else { panic!("{found:#?}") };
    assert_eq!(
        (&copied.hub[..], &copied.of_hub[..], copied.copy.rows, copied.copy.same),
        ("Kent Hub", "Essex Hub", 30, 30)
    );
    assert!(
        copied
            .words()
            .contains("\"Kent Hub list\" of Kent Hub repeats \"Essex Hub list\" of Essex Hub: 30 of its 30 rows")
    );
    // A fact and no decision: nothing of the registry depends on it.
    here.check_hub().await;
    here.hub.look_for_copies().await.unwrap();
    assert_eq!(here.hub.copies().await.unwrap(), found, "kept until something comes");
    let mut db = here.hub.store.read().await.unwrap();
    let now = here.hub.clock.now().to_zoned(jiff::tz::TimeZone::UTC);
    let page = mutuald::store::directory::partners(&mut db, &now, true).await.unwrap();
    let told: Vec<_> = page.partners.iter().map(|row| (&row.name[..], row.copies.len())).collect();
    assert_eq!(told, [("Essex Hub", 0), ("Kent Hub", 1), ("Leeds Hub", 0)]);
    drop(db);
    // Kent writes its own words for a tenth and more of its groups: no copy any longer.
    kent.put(&town(list, "Kent")[..4]).await;
    here.pull(&kent).await;
    assert_eq!(here.hub.copies().await.unwrap(), []);
}
