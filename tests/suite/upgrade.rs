//! What the first version left opens, pulls and can be made again. `tests/data/first-0.1.0` holds two hubs as that version's
//! program left them: the second had pulled the first, joined two records with it, and chosen one of two costs.

use crate::support::command::Desk;
use crate::support::feed::repository;
use serde_json::json;

const FIRST: &str = "h-u3orxpx4edmdmyntaqjhhxc3fym4abpu";
const SECOND: &str = "h-wn7m73lkstst66wffwpaqpbjnmhmswrw";

#[test]
fn a_database_and_a_feed_of_the_first_version_go_on() {
    let first = Desk::left(&repository("tests/data/first-0.1.0/first"), FIRST);
    let second = Desk::left(&repository("tests/data/first-0.1.0/second"), SECOND);
    let before = second.run(&["status", "--json"]).json(0);
    assert_eq!(before["hub"], json!(SECOND));

    // It says something new: its own list goes on under the same keys.
    first.fill("more.csv", &[&[("Group name", "Sherwood Stroke Choir"), ("Town or village", "Nottingham")]]);
    first.run(&["import", "more.csv", "--list", "Website", "--commit"]).ended(0);
    let served = first.serve();
    // The test serves it somewhere else than it was.
    let database = rusqlite::Connection::open(second.file("mutuald-state/mutuald.db")).unwrap();
    assert_eq!(database.execute("UPDATE partner SET url = ?", [&served.url]).unwrap(), 1);
    // Statistics of tables that were nearly empty: by them SQLite went through every record to look up twenty.
    let statistics = "SELECT count(*) FROM sqlite_master WHERE name LIKE 'sqlite_stat%'";
    assert_eq!(database.query_row(statistics, [], |row| row.get(0)), Ok(0));
    drop(database);
    second.run(&["partner", "pull", "first hub"]).ended(0);

    for desk in [&first, &second] {
        assert_eq!(desk.run(&["registry", "check", "--json"]).json(0)["findings"], json!([]));
        let digest = desk.digest();
        desk.run(&["registry", "rebuild"]).ended(0);
        assert_eq!(desk.digest(), digest);
        let audit = desk.run(&["verify", "mutuald-state/feed", "--json"]).json(0);
        assert_eq!(audit["problems"], json!([]));
    }
    let after = second.run(&["status", "--json"]).json(0);
    assert_eq!(after["groups"], json!(5), "four groups as before, and the new one");
    let circle = second.run(&["group", "show", "carers circle", "--json"]).json(3).to_string();
    assert!(circle.contains("Donation"), "what a person chose stays chosen: {circle}");
}
