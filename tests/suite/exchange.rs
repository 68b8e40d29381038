//! Spreadsheets: what a file says is what a plan shows, row by row, and what goes out comes back unchanged.

use mutuald::exchange::export::{self, ExportRow};
use mutuald::exchange::plan::{Existing, ImportPlan, plan};
use mutuald::exchange::row::{self, Skip};
use mutuald::exchange::{Mapping, Table, Words, geojson, table, template};
use mutuald::record::group::{Affiliation, Ages, Assured, Contact, Criterion, Group, Meeting, Place, Status};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::PathBuf;
use uuid::Uuid;

/// A few terms of each vocabulary: id, label, synonym.
const TERMS: [(&str, &str, &str, &str); 18] = [
    ("topics", "anxiety", "Anxiety", "worry"),
    ("topics", "hearing-voices", "Hearing voices", "voices"),
    ("topics", "carers", "Carers", "caring"),
    ("roles", "person-affected", "Person with the experience", "members"),
    ("roles", "carer", "Carer", "unpaid carer"),
    ("genders", "everyone", "Everyone", "all"),
    ("modes", "in-person", "In person", "face to face"),
    ("venue-kinds", "community-room", "Community room or hall", "hall"),
    ("statuses", "active", "Running", "going"),
    ("statuses", "closed", "Closed", "ended"),
    ("affiliations", "affiliated-to", "Affiliated to", "affiliated"),
    ("assurance-methods", "phone", "By phone", "call"),
    ("assurance-roles", "hub", "The hub", "us"),
    ("safety-levels", "open", "Open", "public"),
    ("safety-levels", "sealed", "Sealed", "secret"),
    ("safety-levels", "approximate", "Area only", "district"),
    ("criteria", "twelve-step", "Follows the Twelve Steps", "12-step"),
    ("criteria", "voluntary", "Coming and leaving are free choices", "voluntary"),
];

fn find(vocabulary: &str, text: &str) -> Option<String> {
    let text = text.to_lowercase();
    let same =
        |term: &&(&str, &str, &str, &str)| [term.1, term.2, term.3].iter().any(|word| word.to_lowercase() == text);
    TERMS.iter().filter(|term| term.0 == vocabulary).find(same).map(|term| term.1.to_owned())
}

fn label(vocabulary: &str, id: &str) -> Option<String> {
    TERMS.iter().find(|term| (term.0, term.1) == (vocabulary, id)).map(|term| term.2.to_owned())
}

fn labels(vocabulary: &str) -> Vec<String> {
    TERMS.iter().filter(|term| term.0 == vocabulary).map(|term| term.2.to_owned()).collect()
}

fn words() -> Words<'static> {
    Words { find: &find, label: &label, labels: &labels }
}

const LIST: Uuid = Uuid::from_u128(1);

fn fixture(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/imports").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn table(name: &str, bytes: &[u8]) -> Table {
    table::read(name, bytes, None).unwrap_or_else(|error| panic!("{error}"))
}

/// Plans the import of a table into a list, by the mapping given or by its own headings.
fn planned(table: &Table, mapping: Option<&Mapping>, existing: &[Existing], list: Uuid) -> ImportPlan {
    let words = words();
    let guessed = Mapping::guess(&table.header, &words);
    let bound = mapping.unwrap_or(&guessed).bind(&table.header, &words).unwrap_or_else(|error| panic!("{error}"));
    let plan = plan(&row::read(table, &bound, &words), existing, list, &words);
    assert!(plan.reconciles(), "{plan}");
    plan
}

fn import(name: &str, existing: &[Existing]) -> ImportPlan {
    planned(&table(name, &fixture(name)), None, existing, LIST)
}

/// The hub's records after a plan was carried out, with ids counted up.
fn after(existing: &[Existing], plan: &ImportPlan) -> Vec<Existing> {
    let mut records = existing.to_vec();
    for changed in &plan.changed {
        for known in records.iter_mut().filter(|known| known.rec == changed.rec) {
            assert_eq!(known.rev, changed.rev);
            *known = Existing { rec: known.rec, rev: known.rev + 1, group: changed.group.clone() };
        }
    }
    let next = records.len() as u128 + 100;
    let added = (next..).zip(&plan.new).map(|(id, new)| Existing {
        rec: Uuid::from_u128(id),
        rev: 1,
        group: new.group.clone(),
    });
    records.extend(added.collect::<Vec<_>>());
    records
}

/// New, changed, unchanged, refused, held back, skipped, not in the file.
fn counts(plan: &ImportPlan) -> [usize; 7] {
    [
        plan.new.len(),
        plan.changed.len(),
        plan.unchanged.len(),
        plan.refused.len(),
        plan.held_back.len(),
        plan.skipped.len(),
        plan.not_in_file.len(),
    ]
}

#[test]
fn the_same_rows_in_every_writing_are_the_same_groups() {
    let plain = import("utf8.csv", &[]);
    assert_eq!(counts(&plain), [2, 0, 0, 0, 0, 3, 0]);
    let skipped: Vec<_> = plain.skipped.iter().map(|skipped| (skipped.line, skipped.reason)).collect();
    assert_eq!(skipped, [(2, Skip::Guidance), (3, Skip::Guidance), (5, Skip::Blank)]);
    let group = &plain.new[0].group;
    assert_eq!(
        (group.name.as_str(), group.list, group.source_id.as_deref()),
        ("Café Friends", Some(LIST), Some("G-1"))
    );
    assert_eq!(group.topics, ["anxiety", "carers"]);
    assert_eq!(group.place.as_ref().unwrap().postcode.as_deref(), Some("AA1 1AA"));
    let contact = group.contact.as_ref().unwrap();
    assert_eq!(
        (contact.phone.as_deref(), contact.url.as_deref()),
        (Some("01632 960123"), Some("https://www.example.org"))
    );
    assert_eq!(group.assured.as_ref().unwrap().date.to_string(), "2026-04-03");
    let notes: Vec<_> = plain.new[0].warnings.iter().map(|warning| warning.code).collect();
    assert_eq!(notes, ["scheme-added", "lost-zero", "either-date"]);
    assert_eq!((plain.new[1].line, plain.new[1].group.name.as_str()), (6, "Tea, and talk"));
    for name in ["utf8-bom.csv", "windows-1252.csv", "semicolon.csv", "tab.tsv"] {
        let other = import(name, &[]);
        assert_eq!(other.new, plain.new, "{name}");
        assert_eq!(counts(&import(name, &after(&[], &plain))), [0, 0, 2, 0, 0, 3, 0], "{name}");
    }
    assert!(import("windows-1252.csv", &[]).to_string().contains("Windows-1252"));
    assert!(import("semicolon.csv", &[]).to_string().contains("semicolons"));
}

#[test]
fn each_bad_row_says_where_what_and_what_to_do() {
    let plan = import("bad-rows.csv", &[]);
    let codes: Vec<_> = plan
        .refused
        .iter()
        .flat_map(|row| row.errors.iter().map(|e| (row.line, e.cell.letter.as_str(), e.code)))
        .collect();
    assert_eq!(
        codes,
        [
            (2, "A", "name-missing"),
            (4, "B", "unknown-term"),
            (5, "D", "bad-postcode"),
            (6, "E", "shortened-number"),
            (7, "F", "bad-url"),
            (8, "G", "bad-email"),
            (9, "H", "ages-crossed"),
            (10, "K", "half-a-position"),
            (11, "M", "status-missing"),
            (12, "N", "bad-yes-no"),
            (13, "P", "check-incomplete"),
            (14, "R", "bad-time"),
            (15, "S", "bad-founded"),
            (16, "T", "no-such-record"),
            (17, "A", "second-row"),
            (18, "E", "shortened-number"),
            (19, "V", "unknown-term"),
        ]
    );
    let url = &plan.refused.iter().find(|row| row.line == 7).unwrap().errors[0];
    assert_eq!((url.cell.column.as_str(), url.cell.value.as_str()), ("Website", "Sam Smith"));
    assert!(plan.refused.iter().flat_map(|row| &row.errors).all(|error| error.remedy.len() > 10));
    assert_eq!(plan.new.len(), 1);
    assert_eq!(plan.not_imported, ["House style"]);
    let sealed = plan.refused.iter().find(|row| row.line == 18).unwrap();
    assert!(sealed.errors.iter().all(|error| error.cell.value.is_empty()), "{sealed:?}");
    let text = plan.to_string();
    for part in ["line 5: column D (Postcode)", "this is not a UK postcode or the first half of one: \"AA1 ONS\""] {
        assert!(text.contains(part), "{text}");
    }
    assert!(text.contains("the same record as line 3"), "{text}");
    assert!(text.contains("Columns that are not imported: House style."), "{text}");
    // Neither the sealed row nor the one whose safety is unclear says more in any message than that it is there.
    let told = format!("{text}{}", serde_json::to_string(&plan).unwrap());
    for secret in ["Secretville", "ZZ9", "Quiet House", "Unclear House"] {
        assert!(!told.contains(secret), "{secret}");
    }
}

#[test]
fn many_bad_rows_are_gathered_by_column() {
    let mut text = "Group name,Website\n".to_owned();
    for n in 0..40 {
        text.push_str(&format!("Group {n},Sam Smith\n"));
    }
    let plan = planned(&table("t.csv", text.as_bytes()), None, &[], LIST);
    assert_eq!(plan.refused.len(), 40);
    let shown = plan.to_string();
    assert!(shown.contains("40 rows (lines 2, 3"), "{shown}");
    assert!(shown.lines().count() < 25, "{shown}");
}

#[test]
fn a_file_leaves_alone_what_it_does_not_speak_of_and_clears_what_it_empties() {
    let mut known = full_group();
    known.list = Some(LIST);
    let existing = [Existing { rec: Uuid::from_u128(7), rev: 3, group: known.clone() }];
    let mut text = csv::Writer::from_writer(Vec::new());
    text.write_record(["Group name", "Your reference", "Cost", "Town or village"]).unwrap();
    text.write_record([known.name.as_str(), "G-7", "", "Newtown"]).unwrap();
    let plan = planned(&table("t.csv", &text.into_inner().unwrap()), None, &existing, LIST);
    assert_eq!(counts(&plan), [0, 1, 0, 0, 0, 0, 0]);
    let changed = &plan.changed[0];
    let shown: Vec<_> =
        changed.fields.iter().map(|f| (f.column.as_str(), f.before.as_str(), f.after.as_str())).collect();
    assert_eq!(shown, [("Town or village", "Anytown", "Newtown"), ("Cost", "Free", "")]);
    let mut expected = known;
    expected.cost = None;
    expected.place.as_mut().unwrap().locality = Some("Newtown".into());
    assert_eq!(changed.group, expected, "meetings, criteria, unknown members and all else are as they were");
    assert_eq!((changed.rec, changed.rev), (Uuid::from_u128(7), 3));
}

#[test]
fn a_new_status_drops_what_was_said_about_the_old_one() {
    let status = Status {
        state: "closed".into(),
        date: Some("2020-01-01".parse().unwrap()),
        reason: Some("no room".into()),
        ..Status::default()
    };
    let group = Group {
        list: Some(LIST),
        source_id: Some("1".into()),
        name: "G".into(),
        status: Some(status),
        ..Group::default()
    };
    let existing = [Existing { rec: Uuid::from_u128(7), rev: 1, group }];
    let text = "Group name,Your reference,Status,Status date\nG,1,Running,2020-01-01\n";
    let plan = planned(&table("t.csv", text.as_bytes()), None, &existing, LIST);
    let status = plan.changed[0].group.status.as_ref().unwrap();
    assert_eq!(
        (status.state.as_str(), status.date.map(|d| d.to_string()), &status.reason),
        ("active", Some("2020-01-01".into()), &None)
    );
}

#[test]
fn records_are_found_by_id_then_reference_then_name_and_place() {
    let record = |id: u128, list: Uuid, name: &str, source: Option<&str>, town: Option<&str>| Existing {
        rec: Uuid::from_u128(id),
        rev: 1,
        group: Group {
            list: Some(list),
            name: name.into(),
            source_id: source.map(str::to_owned),
            place: town.map(|town| Place { locality: Some(town.into()), ..Place::default() }),
            ..Group::default()
        },
    };
    let other = Uuid::from_u128(2);
    let existing = [
        record(10, LIST, "Alpha", None, Some("Anytown")),
        record(11, LIST, "Beta", Some("b"), None),
        record(12, LIST, "Twins", None, Some("Anytown")),
        record(13, LIST, "Twins", None, Some("Anytown")),
        record(14, other, "Alpha", None, Some("Anytown")),
        record(15, LIST, "Gone", None, None),
    ];
    let text = format!(
        "Group name,Town or village,Your reference,Record id\n\
         ALPHA!,anytown,,\n\
         Beta renamed,,b,\n\
         Beta,,c,\n\
         Twins,Anytown,,\n\
         Alpha,Othertown,,\n\
         Alpha,Anytown,,{}\n\
         New name,,,{}\n",
        Uuid::from_u128(14),
        Uuid::from_u128(10),
    );
    let plan = planned(&table("t.csv", text.as_bytes()), None, &existing, LIST);
    let refused: Vec<_> = plan.refused.iter().map(|row| (row.line, row.errors[0].code)).collect();
    // Line 8 names record 10, so line 2, which only looks like it, is a second row of nobody: it is new.
    assert_eq!(refused, [(5, "ambiguous"), (7, "other-list")]);
    assert_eq!(plan.changed.iter().map(|row| (row.line, row.rec.as_u128())).collect::<Vec<_>>(), [(3, 11), (8, 10)]);
    assert_eq!(plan.new.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 4, 6]);
    assert_eq!(plan.not_in_file, [Uuid::from_u128(15)], "those that could be a refused row are not missing");
}

#[test]
fn a_protected_record_is_not_lowered_by_a_spreadsheet() {
    let mut group = full_group();
    group.list = Some(LIST);
    group.safety = Some("approximate".into());
    let existing = [Existing { rec: Uuid::from_u128(7), rev: 1, group }];
    let text = "Group name,Your reference,Safety\nX,G-7,Open\n";
    let plan = planned(&table("t.csv", text.as_bytes()), None, &existing, LIST);
    assert_eq!((counts(&plan), plan.held_back[0].rec), ([0, 0, 0, 0, 1, 0, 0], Some(Uuid::from_u128(7))));
}

#[test]
fn safety_is_asked_about_and_never_decided() {
    let text = "Group name,About the group (its own words),Postcode,Safety\n\
        A,After domestic abuse,AA1 1AA,\n\
        B,After domestic abuse,AA1 1AA,Open\n\
        C,Grape growers,AA1 1AA,\n\
        D,After domestic abuse,,\n";
    let plan = planned(&table("t.csv", text.as_bytes()), None, &[], LIST);
    let asked: Vec<_> = plan.new.iter().map(|new| new.warnings.iter().any(|w| w.code == "ask-safety")).collect();
    assert_eq!(asked, [true, false, false, false]);
}

#[test]
fn an_empty_template_imports_as_nothing() {
    let csv = template::csv(&words());
    let book = template::xlsx(&words()).unwrap();
    assert_eq!(book, template::xlsx(&words()).unwrap(), "the same template gives the same bytes");
    for (name, bytes) in [("t.csv", csv.as_bytes()), ("t.xlsx", book.as_slice())] {
        let table = table(name, bytes);
        // Rules for calendars come from feeds, who saw a group from exports: no columns that people fill in.
        assert_eq!(table.header.len(), mutuald::exchange::columns::columns().len() - 2);
        let plan = planned(&table, None, &[], LIST);
        assert_eq!(counts(&plan), [0, 0, 0, 0, 0, 2, 0], "{name}");
        assert!(plan.not_imported.is_empty());
    }
    // The example is one: without its mark it is taken over as it stands.
    let plan = planned(&table("t.csv", csv.replace("Example: ", "").as_bytes()), None, &[], LIST);
    assert_eq!(plan.new.len(), 1, "{plan}");
}

/// A group that says something in every column, and something that has none.
fn full_group() -> Group {
    let text = |text: &str| Some(text.to_owned());
    let day = |text: &str| text.parse().ok();
    Group {
        list: None,
        source_id: text("G-7"),
        name: "=Anytown \"Circle\", and friends".into(),
        other_names: vec!["Circle".into(), "Kreis".into()],
        description: text("We meet; we talk.\nWe - all of us - help."),
        topics: vec!["anxiety".into(), "hearing-voices".into()],
        communities: vec![],
        roles: vec!["person-affected".into(), "carer".into()],
        gender: text("everyone"),
        ages: Some(Ages { min: Some(18), max: Some(65), ..Ages::default() }),
        languages: vec!["en".into(), "pl".into(), "zh-Hant".into()],
        modes: vec!["in-person".into()],
        place: Some(Place {
            venue: text("Old Market Hall"),
            venue_kind: text("community-room"),
            address: text("1 Example Street"),
            locality: text("Anytown"),
            postcode: text("AA1 1AA"),
            area: text("E06000018"),
            catchment: text("the county"),
            latitude: Some(52.954_800_000_000_01),
            longitude: Some(-1.158_1),
            ..Place::default()
        }),
        meetings: vec![
            Meeting {
                text: text("second Tuesday"),
                rrule: text("FREQ=MONTHLY;BYDAY=2TU"),
                start: text("19:30"),
                end: text("21:00"),
                ..Meeting::default()
            },
            Meeting { text: text("Sundays"), start: text("10:00"), ..Meeting::default() },
        ],
        cost: text("Free"),
        access: text("Step-free"),
        joining: text("@ the door"),
        newcomers: Some(false),
        contact: Some(Contact {
            url: text("https://www.example.org/a?b=c"),
            email: text("hello@example.org"),
            phone: text("01632 960123"),
            ..Contact::default()
        }),
        founded: text("2011-03"),
        status: Some(Status { state: "active".into(), date: day("2026-09-03"), ..Status::default() }),
        affiliation: Some(Affiliation {
            kind: "affiliated-to".into(),
            to: text("Example Network"),
            ..Affiliation::default()
        }),
        charity: text("GB-CHC-1234567"),
        sponsorship: text("a raffle"),
        criteria: BTreeMap::from([
            (
                "voluntary".to_owned(),
                Criterion {
                    value: "met".into(),
                    date: day("2026-09-03"),
                    method: text("phone"),
                    ..Criterion::default()
                },
            ),
            ("twelve-step".to_owned(), Criterion { value: "not_met".into(), ..Criterion::default() }),
            ("prescribed-programme".to_owned(), Criterion { value: "unknown".into(), ..Criterion::default() }),
        ]),
        orientation: text("inward"),
        sightings: vec![],
        assured: Some(Assured { date: "2026-09-03".parse().unwrap(), method: "phone".into(), by: "hub".into() }),
        safety: text("open"),
        licence: text("CC-BY-4.0"),
        extra: BTreeMap::from([("later".to_owned(), serde_json::json!({"kept": true}))]),
    }
}

fn exported(existing: &[Existing]) -> [(&'static str, Vec<u8>); 2] {
    let rows = existing.iter().map(|known| ExportRow {
        record_id: known.rec.to_string(),
        group: known.group.clone(),
        ..ExportRow::default()
    });
    let export = export::sheet(rows, &words());
    assert_eq!(export.withheld, 0);
    [("out.csv", export.grid.csv().into_bytes()), ("out.xlsx", export.grid.xlsx().unwrap())]
}

#[test]
fn an_export_comes_back_as_nothing_but_unchanged() {
    let full = Group { list: Some(LIST), ..full_group() };
    let odd = Group {
        list: Some(LIST),
        name: "Group of stricter times".into(),
        other_names: vec!["one; two".into()],
        topics: vec!["a-term-of-tomorrow".into()],
        meetings: vec![Meeting { text: Some("Mondays; not in August".into()), ..Meeting::default() }],
        contact: Some(Contact {
            url: Some("no address".into()),
            phone: Some("+353 1 234 5678".into()),
            ..Contact::default()
        }),
        ..Group::default()
    };
    let existing: Vec<_> = [full, odd]
        .into_iter()
        .zip(20..)
        .map(|(group, id)| Existing { rec: Uuid::from_u128(id), rev: 1, group })
        .collect();
    for (name, bytes) in exported(&existing) {
        let table = table(name, &bytes);
        let plan = planned(&table, None, &existing, LIST);
        assert_eq!(counts(&plan), [0, 0, 2, 0, 0, 0, 0], "{name}: {plan}");
        assert!(plan.not_imported.is_empty(), "{name}: {:?}", plan.not_imported);
    }
    // And to another hub, which has none of them, all that has a column goes across.
    let [(name, bytes), _] = exported(&existing[..1]);
    let text = String::from_utf8(bytes).unwrap().replace(&Uuid::from_u128(20).to_string(), "");
    let plan = planned(&table(name, text.as_bytes()), None, &[], LIST);
    let mut expected = existing[0].group.clone();
    expected.extra.clear();
    expected.place.as_mut().unwrap().catchment = None;
    expected.meetings[0].rrule = None;
    let voluntary = expected.criteria.get_mut("voluntary").unwrap();
    (voluntary.date, voluntary.method) = (None, None);
    assert_eq!(plan.new[0].group, expected);
    assert!(text.contains("'=Anytown") && text.contains("'@ the door") && text.contains(",-1.1581,"));
}

#[test]
fn exports_do_not_tell_protected_places() {
    let group = |safety: &str| Group { safety: Some(safety.into()), ..full_group() };
    let rows = ["open", "approximate", "sealed", "a level of tomorrow"].map(|level| ExportRow {
        record_id: level.into(),
        group: group(level),
        ..ExportRow::default()
    });
    let export = export::sheet(rows.clone(), &words());
    assert_eq!((export.grid.rows.len(), export.withheld), (2, 2));
    let row = export.grid.rows[1].join("|");
    for told in ["Old Market Hall", "Example Street", "Anytown|", "AA1 1AA", "52.9", "second Tuesday"] {
        assert!(!row.contains(told), "{told}: {row}");
    }
    assert!(row.contains("E06000018"));
    let (map, withheld) = geojson::collection(rows);
    assert_eq!((map["features"].as_array().unwrap().len(), withheld), (2, 2));
}

#[test]
fn of_two_rows_that_may_be_one_record_the_one_that_protects_it_stands() {
    let lines = |rows: [&str; 3]| {
        let text = format!("Group name,Town or village,Postcode,Safety\n{}\n", rows.join("\n"));
        let table = table("t.csv", text.as_bytes());
        let first = planned(&table, None, &[], LIST);
        let again = planned(&table, None, &after(&[], &first), LIST);
        let refused: Vec<_> = first.refused.iter().map(|row| (row.line, row.errors[0].code)).collect();
        assert_eq!(refused, again.refused.iter().map(|row| (row.line, row.errors[0].code)).collect::<Vec<_>>());
        assert!(again.new.is_empty() && again.changed.is_empty(), "{again}");
        (first.new.iter().map(|new| new.line).collect::<Vec<_>>(), first.protected[0].line, refused)
    };
    // Above or below, at the same place or at none that is told: nothing of it becomes public beside it.
    assert_eq!(lines(["A,Anytown,,", "A,Anytown,,Sealed", "A,Othertown,,"]), (vec![4], 3, vec![(2, "second-row")]));
    assert_eq!(lines(["A,,,Sealed", "A,Anytown,,", "B,Anytown,,"]), (vec![4], 2, vec![(3, "second-row")]));
    assert_eq!(lines(["B,Anytown,,", "A,Anytown,,", "A,,,Sealed"]), (vec![2], 4, vec![(3, "second-row")]));
    // A record that is public already becomes as protected as the one says, whichever stands above.
    let table_of =
        |rows: &str| table("t.csv", format!("Group name,Town or village,Postcode,Safety\n{rows}").as_bytes());
    let public = after(&[], &planned(&table_of("A,Anytown,AA1 1AA,\n"), None, &[], LIST));
    for (rows, refused) in
        [("A,Anytown,AA1 1AA,\nA,Anytown,AA1 1AA,Sealed\n", 2), ("A,Anytown,AA1 1AA,Sealed\nA,Anytown,AA1 1AA,\n", 3)]
    {
        let plan = planned(&table_of(rows), None, &public, LIST);
        assert_eq!((plan.protected[0].rec, plan.refused[0].line), (Some(public[0].rec), refused), "{plan}");
    }
    // One that is refused itself protects too.
    let three = lines(["A,Anytown,AA1 1AA,Sealed", "A,Anytown,BB1 1BB,", "A,,,Sealed"]);
    assert_eq!(three, (vec![], 2, vec![(3, "second-row"), (4, "second-row")]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whatever people write into a spreadsheet: every row is accounted for, carrying the plan out and planning again
    /// changes nothing, and the export of the result says the same.
    #[test]
    fn an_import_reconciles_and_settles(
        rows in prop::collection::vec((
            "[ABab]{0,2}", "(Anytown|Othertown|)", "(AA1 1AA|ZZ9|bad|)", "(x|y|z|)", "(01632 960123|1632960123|N/A|=1|)",
            "(Anxiety; carers|worry|odd|)", "(Open|Sealed||||)", "(a|b;c|19:30;20:00|'x|\u{feff}é)",
        ), 0..12)
    ) {
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record(["Group name", "Town or village", "Postcode", "Your reference", "Telephone", "Topics", "Safety", "When it meets"]).unwrap();
        for (a, b, c, d, e, f, g, h) in &rows {
            csv.write_record([a, b, c, d, e, f, g, h]).unwrap();
        }
        let table = table("t.csv", &csv.into_inner().unwrap());
        let first = planned(&table, None, &[], LIST);
        prop_assert_eq!(first.rows_read, rows.len());
        let records = after(&[], &first);
        let second = planned(&table, None, &records, LIST);
        // Which protected places are kept already, only their table can say.
        let changes = |plan: &ImportPlan| plan.new.len() + plan.changed.len() + plan.ending.len();
        prop_assert!(changes(&second) == 0, "{}\n{}", first, second);
        prop_assert_eq!(second.unchanged.len(), first.new.len());
        // Why may be told otherwise: what was like an earlier row of the file is like the record of that row, or of two.
        let lines = |plan: &ImportPlan| plan.refused.iter().map(|refused| refused.line).collect::<Vec<_>>();
        prop_assert_eq!(lines(&second), lines(&first), "{}\n{}", first, second);
        prop_assert!(second.not_in_file.is_empty());
        for (name, bytes) in exported(&records) {
            let again = planned(&self::table(name, &bytes), None, &records, LIST);
            prop_assert!(again.changes_nothing() && again.refused.is_empty(), "{}: {}", name, again);
        }
    }
}

/// The real lists, where they are at hand.
fn shared(name: &str) -> Option<Vec<u8>> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let path =
        std::env::var_os("MUTUALD_SHARED").map_or_else(beside, PathBuf::from).join("data/uk-mutual-aid").join(name);
    let bytes = std::fs::read(&path).ok();
    if bytes.is_none() {
        eprintln!("skipped: {} is not here", path.display());
    }
    bytes
}

#[test]
fn the_real_lists_reconcile_to_the_row() {
    let (Some(third), Some(fourth)) =
        (shared("groups-3_2020-05-16_staging.csv"), shared("groups-4_2020-05-19_dev.csv"))
    else {
        return;
    };
    let (third, fourth) = (table("state 3", &third), table("state 4", &fourth));
    for name in ["uk-mutual-aid.toml", "uk-mutual-aid-covid19.toml"] {
        let mapping = Mapping::read(std::str::from_utf8(&fixture(name)).unwrap()).unwrap();
        let first = planned(&third, Some(&mapping), &[], LIST);
        let records = after(&[], &first);
        let again = planned(&third, Some(&mapping), &records, LIST);
        assert!(again.changes_nothing() && again.unchanged.len() == first.new.len() && again.refused == first.refused);
        let second = planned(&fourth, Some(&mapping), &records, LIST);
        assert!(second.new.len() < records.len() / 8, "three days later, most groups are the same: {second}");
        let later = after(&records, &second);
        let settled = planned(&fourth, Some(&mapping), &later, LIST);
        assert!(settled.changes_nothing() && settled.not_in_file == second.not_in_file, "{settled}");
        for (file, bytes) in exported(&later) {
            let back = planned(&table(file, &bytes), None, &later, LIST);
            assert!(back.changes_nothing() && back.refused.is_empty() && back.not_in_file.is_empty(), "{file}: {back}");
            assert_eq!(back.unchanged.len(), later.len());
        }
        eprintln!("== {name}: state 3\n{first}\n== {name}: state 4 over state 3\n{second}");
    }
}

#[test]
fn ids_that_change_with_every_edition_do_not_close_and_open_every_group() {
    let file = |edition: u32, what: &str| {
        let rows: String = (0..25).map(|n| format!("{what} {n},Town {n},{edition}-{n}\n")).collect();
        table("t.csv", format!("Group name,Town or village,Your reference\n{rows}").as_bytes())
    };
    let first = planned(&file(1, "Group"), None, &[], LIST);
    let records = after(&[], &first);
    assert!(!first.references_minted_anew && !planned(&file(1, "Group"), None, &records, LIST).references_minted_anew);
    let second = planned(&file(2, "Group"), None, &records, LIST);
    assert_eq!(counts(&second), [0, 25, 0, 0, 0, 0, 0]);
    assert_eq!((second.rekeyed.len(), second.rekeyed[0].after.as_str()), (25, "2-0"));
    assert!(second.to_string().contains("known again by name, place and contact"), "{second}");
    let settled = after(&records, &second);
    assert_eq!(counts(&planned(&file(2, "Group"), None, &settled, LIST)), [0, 0, 25, 0, 0, 0, 0]);
    // Where the rows say something else as well, nothing joins them, and that is said.
    let other = planned(&file(3, "Circle"), None, &records, LIST);
    assert!(other.references_minted_anew && other.to_string().contains("Before you go on"), "{other}");
}

#[test]
fn meetings_of_one_group_on_two_days_keep_their_records_under_new_ids() {
    let file = |ids: [&str; 3]| {
        let rows = [("Monday", "E1"), ("Thursday", "E1"), ("Monday", "E2")];
        let rows: String =
            rows.iter().zip(ids).map(|((day, code), id)| format!("Open Circle,{code},{day},{id}\n")).collect();
        table("t.csv", format!("Group name,Postcode,When it meets,Your reference\n{rows}").as_bytes())
    };
    let records = after(&[], &planned(&file(["a", "b", "c"]), None, &[], LIST));
    let again = planned(&file(["x", "y", "z"]), None, &records, LIST);
    assert_eq!(counts(&again), [0, 3, 0, 0, 0, 0, 0], "{again}");
    for (row, record) in again.changed.iter().zip(&records) {
        assert_eq!((row.rec, &row.group.meetings), (record.rec, &record.group.meetings));
    }
    // A fourth meeting is new, whatever it looks like; and a known reference is never taken from its row.
    let more = table(
        "t.csv",
        b"Group name,Postcode,When it meets,Your reference\nOpen Circle,E1,Monday,a\nOpen Circle,E1,Friday,q\n\
          Open Circle,E1,Thursday,b\nOpen Circle,E2,Monday,c\n",
    );
    assert_eq!(counts(&planned(&more, None, &records, LIST)), [1, 0, 3, 0, 0, 0, 0]);
}
