//! What leaves the hub for others: programs that speak Open Referral UK, and paper.

use crate::support::command::Desk;
use crate::support::feed::repository;
use mutuald::exchange::print::{self, By, Style};
use mutuald::exchange::{ExportRow, open_referral};
use mutuald::node::groups::words::vocabularies;
use mutuald::record::Group;
use serde_json::{Value, json};
use std::path::PathBuf;
use uuid::Uuid;

fn group(json: Value) -> Group {
    Group::read(&json.to_string()).unwrap()
}

/// Groups with everything, with almost nothing, with a protected place, closed, and known to nobody.
fn groups() -> Vec<ExportRow> {
    let all = [
        json!({"name": "Chelmsford Hearing Voices", "other_names": ["CHV"], "description": "We share what helps.",
               "topics": ["hearing-voices", "carers"], "roles": ["person-affected"], "ages": {"min": 18}, "languages": ["en", "pl"],
               "modes": ["in-person"], "place": {"venue": "Meeting House", "address": "1 Rainsford Road", "locality": "Chelmsford",
               "postcode": "CM1 2QL", "latitude": 51.73, "longitude": 0.47}, "cost": "Free", "access": "Step-free",
               "meetings": [{"text": "Second Tuesday of the month", "start": "19:30", "end": "21:00"},
                            {"text": "Last Friday, not in August", "start": "10:00"}, {"rrule": "FREQ=MONTHLY;BYDAY=1MO,3MO"}],
               "contact": {"url": "https://www.example.org/chv", "email": "chv@example.org", "phone": "01632 960011"},
               "joining": "Just come along.", "newcomers": true, "assured": {"date": "2026-03-04", "method": "phone", "by": "hub"}}),
        json!({"name": "Online Stroke Friends", "modes": ["online-meeting"], "status": {"state": "on-a-break", "until": "2027-01-31"}}),
        json!({"name": "Quiet Circle", "safety": "contact-first", "place": {"venue": "The hidden house", "locality": "Epping", "postcode": "CM16 4AA"},
               "topics": ["carers"], "contact": {"phone": "01632 960012"}}),
        json!({"name": "Ended Group", "status": {"state": "closed"}, "place": {"locality": "Harlow"}}),
        json!({"name": "Sealed Group", "safety": "sealed", "place": {"venue": "The other hidden house"}}),
    ];
    let row = |(at, json): (usize, Value)| ExportRow {
        id: Uuid::from_u128(at as u128 + 1),
        group: group(json),
        ..ExportRow::default()
    };
    all.into_iter().enumerate().map(row).collect()
}

/// The standard's own schema, where this machine has it: its licence (CC BY-SA) is not this package's.
fn schema(name: &str) -> Option<Value> {
    let folders = repository("").ancestors().map(|up| up.join("shared/reference/oruk")).collect::<Vec<PathBuf>>();
    let named = std::env::var_os("MUTUALD_OUTSIDE_ORUK").map(PathBuf::from);
    let found = named.into_iter().chain(folders).map(|folder| folder.join(name)).find(|file| file.is_file());
    if found.is_none() {
        eprintln!("SKIP {name} is not checked: set MUTUALD_OUTSIDE_ORUK to a folder with uk-profile's schema/compiled");
    }
    Some(serde_json::from_slice(&std::fs::read(found?).unwrap()).unwrap())
}

#[test]
fn groups_are_open_referral_uk_services() {
    let (page, withheld) = open_referral::package(groups(), &vocabularies());
    assert_eq!((withheld, &page["total_items"], &page["last_page"]), (1, &json!(4), &json!(true)));
    let services = page["contents"].as_array().unwrap();
    assert!(
        !page.to_string().contains("hidden house") && !page.to_string().contains("CM16"),
        "protected places stay so"
    );
    let first = &services[0];
    let schedules = first["schedules"].as_array().unwrap();
    // Pain 13: the nth weekday of a month.
    assert_eq!((&schedules[0]["freq"], &schedules[0]["byday"]), (&json!("MONTHLY"), &json!("2TU")));
    assert_eq!((&schedules[0]["opens_at"], &schedules[0]["closes_at"]), (&json!("19:30"), &json!("21:00")));
    assert_eq!((schedules[1].get("freq"), &schedules[1]["description"]), (None, &json!("Last Friday, not in August")));
    assert_eq!(
        (&schedules[2]["byday"], &schedules[2]["description"]),
        (&json!("1MO,3MO"), &json!("First Monday and third Monday of the month"))
    );
    assert_eq!(
        services.iter().map(|s| s["status"].as_str().unwrap()).collect::<Vec<_>>(),
        ["active", "temporarily closed", "active", "defunct"]
    );
    assert!(services[2].get("service_at_locations").is_none(), "no half of an address");
    assert_eq!(page, open_referral::package(groups(), &vocabularies()).0, "the same groups, the same bytes");
    if let Some(schema) = schema("service.json") {
        let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
        for service in services {
            let errors: Vec<String> =
                validator.iter_errors(service).map(|error| format!("{}: {error}", error.instance_path())).collect();
            assert!(errors.is_empty(), "{errors:#?}\n{service:#}");
        }
        let mut bad = first.clone();
        bad["status"] = json!("open");
        assert!(!validator.is_valid(&bad), "so the schema would have said it");
    }
}

#[test]
fn what_is_exported_for_other_programs_is_read_again() {
    let (nottingham, essex) = (Desk::new("Nottingham Hub"), Desk::new("Essex Hub"));
    let fixtures = repository("tests/data/feeds");
    let source = fixtures.join("open-referral-3-service-2.json");
    nottingham.run(&["import", source.to_str().unwrap(), "--commit"]).ended(0);
    nottingham.run(&["export", "out.json"]).ended(0);
    std::fs::copy(nottingham.file("out.json"), essex.file("in.json")).unwrap();
    let read = essex.run(&["import", "in.json", "--commit", "--json"]).json(0);
    let group = &read["plan"]["new"][0]["group"];
    assert_eq!(group["name"], json!("Colchester Hearing Voices"));
    assert_eq!(group["meetings"][0]["rrule"], json!("FREQ=MONTHLY;BYDAY=1MO,3MO"));
    assert_eq!((&group["place"]["postcode"], &group["contact"]["phone"]), (&json!("CO1 1UG"), &json!("01632 960012")));
    assert_eq!((&group["topics"], &group["languages"]), (&json!(["hearing-voices"]), &json!(["en"])));
}

fn style(by: By, large: bool) -> Style<'static> {
    Style { hub: "Essex Hub", today: jiff::civil::date(2026, 11, 22), by, large }
}

#[test]
fn a_directory_has_every_group_once_in_full_and_names_no_protected_place() {
    let words = vocabularies();
    let area = print::directory(groups(), &style(By::Area, false), &words);
    assert_eq!((area.groups, area.withheld, area.ended), (3, 1, 1));
    for shown in [
        "Chelmsford Hearing Voices",
        "22 November 2026",
        "Second Tuesday of the month, 19:30 to 21:00",
        "1 Rainsford Road",
        "Checked in March 2026 (By phone)",
        "First Monday and third Monday of the month",
        "On a break until 31 January 2027",
        "Please ask the group",
        "Online and by telephone",
        "Index of names",
        "CHV",
    ] {
        assert!(area.html.contains(shown), "{shown}: {}", area.html);
    }
    for hidden in ["hidden house", "Sealed", "Ended Group", "CM16", "<script", "http-equiv", "<link"] {
        assert!(!area.html.contains(hidden), "{hidden}");
    }
    let topic = print::directory(groups(), &style(By::Topic, true), &words);
    assert_eq!(topic.html.matches("<h3>").count(), 3, "whole once, and named elsewhere");
    assert!(topic.html.contains(": see ") && topic.html.contains("font-size: 18pt") && !area.html.contains("18pt"));
    assert_eq!(topic.html, print::directory(groups(), &style(By::Topic, true), &words).html);
}

/// Printed by a browser: pages, and more of them in large print.
#[test]
fn a_directory_prints() {
    let Some(program) = std::env::var_os("MUTUALD_OUTSIDE_CHROMIUM").filter(|program| !program.is_empty()) else {
        eprintln!("SKIP no directory is printed: MUTUALD_OUTSIDE_CHROMIUM is not set (tests/run sets it)");
        return;
    };
    let many: Vec<ExportRow> = (0..60)
        .map(|n| ExportRow {
            id: Uuid::from_u128(n),
            group: group(json!({"name": format!("Group {n}"), "description": "We meet and talk about what helps. ".repeat(4),
                                "place": {"locality": format!("Town {}", n % 4)}, "contact": {"phone": "01632 960011"}})),
            ..ExportRow::default()
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let kept = repository("target/pages");
    std::fs::create_dir_all(&kept).unwrap();
    let mut pages = Vec::new();
    for (name, large) in [("directory", false), ("directory-large", true)] {
        let file = folder.path().join(format!("{name}.html"));
        std::fs::write(&file, print::directory(many.clone(), &style(By::Area, large), &vocabularies()).html).unwrap();
        let pdf = kept.join(format!("{name}.pdf"));
        let output = std::process::Command::new(&program)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
                "--disable-background-networking",
                "--no-pdf-header-footer",
            ])
            .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
            .arg(format!("--print-to-pdf={}", pdf.display()))
            .arg(format!("file://{}", file.display()))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let bytes = std::fs::read(&pdf).unwrap();
        assert!(bytes.starts_with(b"%PDF"));
        // Each page is an object of its own in what the browser writes.
        let text = String::from_utf8_lossy(&bytes);
        pages.push(
            text.matches("/Type /Page\n").count()
                + text.matches("/Type /Page ").count()
                + text.matches("/Type /Page/").count(),
        );
    }
    // Cover, contents, four sections and the index each begin a page.
    assert!(pages[0] >= 7, "{pages:?}");
    assert!(pages[1] > pages[0], "large print takes more: {pages:?}");
}
