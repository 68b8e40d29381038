//! Importing as a hub worker does it: the real program, files as people have them, and every step undone again.

use crate::support::command::Desk;
use mutuald::exchange::{Table, table};
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};
use serde_json::{Value, json};

fn write(desk: &Desk, name: &str, text: impl AsRef<[u8]>) {
    std::fs::write(desk.file(name), text).unwrap();
}

/// How many rows are in each kind of a plan.
fn rows(answer: &Value) -> [usize; 5] {
    ["new", "changed", "unchanged", "refused", "asked"].map(|kind| answer["plan"][kind].as_array().map_or(0, Vec::len))
}

fn names(desk: &Desk) -> Vec<String> {
    let groups = desk.run(&["group", "list", "--json"]).json(0);
    groups["groups"].as_array().unwrap().iter().map(|group| group["name"].as_str().unwrap().to_owned()).collect()
}

/// A spreadsheet as people have them: a title over merged cells, a date, a blank line, headings, sums; numbers for telephones,
/// days and times as the program keeps them.
fn workbook() -> Vec<u8> {
    let mut book = Workbook::new();
    let page = book.add_worksheet().set_name("Groups 2026").unwrap();
    let bold = Format::new().set_bold();
    page.merge_range(0, 0, 0, 5, "Self-help groups in our district", &bold).unwrap();
    page.write(1, 0, "as of March 2026").unwrap();
    for (at, heading) in ["Organisation", "Town", "Tel", "Started", "Time", "Contact person"].iter().enumerate() {
        page.write(3, at as u16, *heading).unwrap();
    }
    let date = Format::new().set_num_format("dd/mm/yyyy");
    let time = Format::new().set_num_format("hh:mm");
    for (row, (name, town)) in
        [("Carers Circle", "Harlow"), ("Stroke Friends", "Clacton"), ("Bad row", "Epping")].iter().enumerate()
    {
        let row = row as u32 + 4;
        page.write(row, 0, *name).unwrap();
        page.write(row, 1, *town).unwrap();
        page.write(row, 2, if *name == "Bad row" { 12_f64 } else { 1_632_960_100_f64 + f64::from(row) }).unwrap();
        page.write_with_format(row, 3, ExcelDateTime::from_ymd(2011, 3, 14).unwrap(), &date).unwrap();
        page.write_with_format(row, 4, ExcelDateTime::from_hms(19, 30, 0).unwrap(), &time).unwrap();
        page.write(row, 5, "Sam Smith").unwrap();
    }
    page.write(8, 0, "Total").unwrap();
    page.write(8, 1, 3).unwrap();
    book.save_to_buffer().unwrap()
}

/// A file whose cells lie where none can be (found by fuzzing) is a file that cannot be read, said as of any other, and nothing else.
#[test]
fn a_workbook_whose_cells_cannot_be_is_an_error_like_any_other() {
    use std::io::{Cursor, Read, Write};
    let desk = Desk::new("Essex Hub");
    let mut sound = zip::ZipArchive::new(Cursor::new(workbook())).unwrap();
    let mut made = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for at in 0..sound.len() {
        let mut part = sound.by_index(at).unwrap();
        let (name, mut bytes) = (part.name().unwrap().into_owned(), Vec::new());
        part.read_to_end(&mut bytes).unwrap();
        if name == "xl/worksheets/sheet1.xml" {
            let text = String::from_utf8(bytes).unwrap();
            assert!(text.contains(" r=\"A4\""), "{text}");
            bytes = text.replace(" r=\"A4\"", " r=\"AAAAAAAA4\"").into_bytes();
        }
        made.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        made.write_all(&bytes).unwrap();
    }
    write(&desk, "theirs.xlsx", made.finish().unwrap().into_inner());
    let said = desk.run(&["import", "theirs.xlsx", "--list", "District"]);
    assert!(!said.err.contains("panicked"), "{}", said.err);
    assert!(said.failed(1).contains("theirs.xlsx cannot be opened as a workbook"), "it names the file");
    write(&desk, "theirs.xlsx", workbook());
    desk.run(&["import", "theirs.xlsx", "--list", "District"]).ended(3);
}

#[test]
fn a_spreadsheet_as_people_have_them_is_read_shown_and_given_back() {
    let desk = Desk::new("Essex Hub");
    write(&desk, "theirs.xlsx", workbook());
    let seen = desk.run(&["import", "theirs.xlsx", "--list", "District"]).ended(3);
    for shown in [
        "headings were found in row 4",
        "Group name (by its heading)",
        "Carers Circle | Stroke Friends | Bad row",
        "Contact person  (not imported)",
        "the 0 at the start was put back",
        "1  lines of sums",
        "1  refused",
        "4  rows in the file",
    ] {
        let squeezed = seen.split_whitespace().collect::<Vec<_>>().join(" ");
        let wanted = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(squeezed.contains(&wanted), "{shown:?} in {seen}");
    }
    let arguments = ["import", "theirs.xlsx", "--list", "District", "--report", "answer.xlsx", "--commit", "--json"];
    let done = desk.run(&arguments).json(3);
    assert_eq!(rows(&done), [2, 0, 0, 1, 0]);
    assert_eq!(done["plan"]["new"][0]["group"]["founded"], json!("2011-03-14"));
    assert_eq!(done["plan"]["new"][0]["group"]["meetings"][0]["start"], json!("19:30"));
    assert!(!done["plan"]["new"].to_string().contains("Sam"), "a person's name is not taken");

    // Their own file, with two columns more; corrected there, it comes back, by the mapping remembered for the list.
    let bytes = std::fs::read(desk.file("answer.xlsx")).unwrap();
    let answer = table::read("answer.xlsx", &bytes, None).unwrap();
    assert_eq!((answer.header_line, answer.above[0].cells[0].as_str()), (4, "Self-help groups in our district"));
    assert_eq!(answer.header[6..], ["Import result", "Import message"]);
    let refused = answer.rows.iter().find(|row| row.line == 7).unwrap();
    assert_eq!(refused.cells[6], "refused");
    assert!(refused.cells[7].contains("Tel: this is not a telephone number"), "{refused:?}");
    assert_eq!(answer.rows[0].cells[6], "new");
    let mut lines = vec![answer.header.join(",")];
    for row in &answer.rows {
        let cells: Vec<String> = row.cells.iter().take(6).map(|cell| cell.replace("12", "01632 960199")).collect();
        lines.push(cells.join(","));
    }
    write(&desk, "again.csv", lines.join("\n"));
    let again = desk.run(&["import", "again.csv", "--list", "District", "--commit", "--json"]).json(0);
    assert_eq!(rows(&again), [1, 0, 2, 0, 0]);
    assert_eq!(again["plan"]["not_imported"], json!(["Contact person"]), "the two columns of the answer are known");
    assert_eq!(names(&desk), ["Bad row", "Carers Circle", "Stroke Friends"]);
}

#[test]
fn the_file_comes_back_in_its_own_format() {
    let desk = Desk::new("Essex Hub");
    write(&desk, "t.tsv", "Our list\n\nGroup name\tPostcode\nA\tnowhere\n\nB\tCM1 1AA\n");
    write(&desk, "w.csv", b"Group name;Town or village\nCaf\xe9;Harlow\nB;\n");
    for (file, answer) in [("t.tsv", "t-answer.tsv"), ("w.csv", "w-answer.csv"), ("o.ods", "o-answer.ods")] {
        if file == "o.ods" {
            std::fs::copy(desk.file("t-answer.ods"), desk.file(file)).unwrap();
        }
        desk.run(&["import", file, "--report", answer]);
        let (before, after) = (std::fs::read(desk.file(file)).unwrap(), std::fs::read(desk.file(answer)).unwrap());
        let (before, after) = (table::read(file, &before, None).unwrap(), table::read(answer, &after, None).unwrap());
        assert_eq!((before.format, before.header_line), (after.format, after.header_line), "{file}");
        let filled = |table: &Table| table.rows.iter().filter(|row| !row.cells.is_empty()).cloned().collect::<Vec<_>>();
        for (row, back) in filled(&before).iter().zip(filled(&after).iter()) {
            assert_eq!(row.line, back.line);
            assert!(row.cells.iter().zip(&back.cells).all(|(a, b)| a == b), "{file}: {row:?} {back:?}");
        }
        assert_eq!(after.header.last().map(String::as_str), Some("Import message"));
        if file == "w.csv" {
            // LibreOffice's own format, from a file that this program wrote as an answer to an answer.
            std::fs::write(
                desk.file("t-answer.ods"),
                crate::support::ods::spreadsheet(&[&["Group name", "Postcode"], &["A", "nowhere"]]),
            )
            .unwrap();
        }
    }
    let utf16: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain("Group name\tTown or village\nCafé\tHarlow\n".encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    write(&desk, "u.txt", utf16);
    let read = desk.run(&["import", "u.txt", "--json"]).json(0);
    assert_eq!(read["plan"]["new"][0]["group"]["name"], json!("Café"));
}

#[test]
fn what_was_shown_is_what_is_done() {
    let desk = Desk::new("Essex Hub");
    write(&desk, "t.csv", "Group name,Town or village\nA,Harlow\nB,Clacton\n");
    let seen = desk.run(&["import", "t.csv", "--json"]).json(0);
    let plan = seen["digest"].as_str().unwrap().to_owned();
    let text = desk.run(&["import", "t.csv"]).ended(0);
    assert!(text.contains(&format!("mutuald import t.csv --commit={plan}")), "{text}");
    // Another file under the same name, or another state of the list, is another plan.
    write(&desk, "t.csv", "Group name,Town or village\nA,Harlow\nC,Clacton\n");
    let commit = format!("--commit={plan}");
    let refused = desk.run(&["import", "t.csv", &commit]).failed(1);
    assert!(refused.contains("no longer the plan"), "{refused}");
    assert!(names(&desk).is_empty());
    write(&desk, "t.csv", "Group name,Town or village\nA,Harlow\nB,Clacton\n");
    let done = desk.run(&["import", "t.csv", &commit, "--json"]).json(0);
    assert_eq!((&done["digest"], &done["import"]), (&json!(plan), &json!(1)));
    desk.run(&["group", "edit", "B", "--set", "cost=Free"]).ended(0);
    desk.run(&["import", "t.csv", &commit]).failed(1);
}

#[test]
fn a_plan_for_a_new_list_is_carried_out_under_the_name_it_was_shown_under() {
    let desk = Desk::new("Essex Hub");
    write(&desk, "web.csv", "Group name,Town or village,Telephone\nA,Leeds,01134960001\n");
    let import = ["import", "web.csv", "--list", "County website"];
    let shown = desk.run(&[&import[..], &["--json"]].concat()).json(0);
    let commit = format!("--commit={}", shown["digest"].as_str().unwrap());
    let done = desk.run(&[&import[..], &[&commit, "--json"]].concat()).json(0);
    assert_eq!((&done["committed"], &done["digest"]), (&json!(true), &shown["digest"]));
    assert!(desk.run(&["group", "show", "A"]).ended(0).contains("0113 496 0001"));
}

#[test]
fn every_import_is_undone_as_a_whole_and_nothing_else_is() {
    let desk = Desk::new("Essex Hub");
    write(&desk, "one.csv", "Group name,Town or village,Cost\nA,Harlow,Free\nB,Clacton,\nC,Epping,\n");
    write(&desk, "two.csv", "Group name,Town or village,Cost\nA,Harlow,£2\nB,Clacton,£3\nD,Epping,\n");
    let start = desk.digest();
    desk.run(&["import", "one.csv", "--list", "L", "--commit"]).ended(0);
    let first = desk.run(&["export", "first.csv", "--own"]).ended(0);
    let second = desk.run(&["import", "two.csv", "--list", "L", "--commit"]).ended(0);
    assert!(second.contains("mutuald import undo 2"), "{second}");
    // Somebody changes one of them since: that is hers, and stays.
    desk.run(&["group", "edit", "B", "--set", "cost=£9"]).ended(0);
    let listed = desk.run(&["import", "list"]).ended(0);
    assert!(listed.contains("1 new, 2 changed") && listed.contains("3 new") && listed.contains("two.csv"), "{listed}");
    let undone = desk.run(&["import", "undo", "--json"]).json(3);
    assert_eq!((&undone["import"], &undone["restored"], &undone["withdrawn"]), (&json!(2), &json!(1), &json!(1)));
    assert_eq!(undone["changed_since"].as_array().unwrap().len(), 1);
    assert_eq!(names(&desk), ["A", "B", "C"]);
    let cost = |group: &str| desk.run(&["group", "show", group]).ended(0);
    assert!(cost("A").contains("Free") && cost("B").contains("£9"));
    desk.run(&["import", "undo", "2"]).failed(2);
    // What was undone can be imported again, and is undone again.
    desk.run(&["import", "two.csv", "--list", "L", "--commit"]).ended(0);
    assert_eq!(names(&desk), ["A", "B", "C", "D"]);
    desk.run(&["import", "undo"]).ended(0);
    assert!(first.contains("3 groups"));
    // What the second import changed and its undoing said again can still be taken back with the first.
    desk.run(&["import", "undo"]).ended(3);
    assert_eq!(names(&desk), ["B"]);
    desk.run(&["group", "withdraw", "B"]).ended(0);
    assert_eq!(desk.digest()["digest"], start["digest"], "as if nothing had been imported");
    desk.run(&["registry", "check"]).ended(0);
    desk.run(&["registry", "rebuild"]).ended(0);
    desk.run(&["import", "undo"]).failed(2);
}

fn numbered(n: std::ops::Range<usize>) -> String {
    n.fold("Group name,Town or village\n".to_owned(), |all, n| all + &format!("Group {n},Town {n}\n"))
}

/// Pain 1: a file that loses groups closes none of them.
#[test]
fn a_whole_list_asks_about_what_is_missing_and_is_held_when_it_shrinks_by_a_tenth() {
    let desk = Desk::new("Essex Hub");
    write(&desk, "full.csv", numbered(0..20));
    write(&desk, "less.csv", numbered(0..19));
    write(&desk, "half.csv", numbered(0..10));
    desk.run(&["import", "full.csv", "--list", "L", "--commit"]).ended(0);
    let digest = desk.digest();
    desk.run(&["export", "before.csv", "--own"]).ended(0);
    // Without saying that it is the whole list, a file says nothing of what is not in it.
    let part = desk.run(&["import", "half.csv", "--list", "L", "--commit"]).ended(0);
    assert!(part.contains("10 of the list's records are not in the file. They stay as they are."), "{part}");
    assert!(desk.run(&["list", "missing"]).ended(0).contains("names all of its groups"));

    let held =
        desk.run(&["import", "half.csv", "--list", "L", "--mode", "whole", "--missing", "close", "--commit"]).ended(3);
    assert!(held.contains("Held: 10 of the list's 20 records") && held.contains("--even-so"), "{held}");
    assert_eq!(desk.digest(), digest);

    let asked = desk.run(&["import", "less.csv", "--list", "L", "--mode", "whole", "--commit"]).ended(3);
    assert!(asked.contains("Group 19"), "{asked}");
    assert_eq!(desk.digest(), digest, "a question closes nothing");
    let missing = desk.run(&["list", "missing", "L"]).ended(3);
    assert!(missing.contains("Group 19, Town 19") && missing.contains("--close"), "{missing}");
    // Seen again, it is no longer asked about; missing again, it is.
    desk.run(&["import", "full.csv", "--list", "L", "--mode", "whole", "--commit"]).ended(0);
    desk.run(&["list", "missing", "L"]).ended(0);
    desk.run(&["import", "less.csv", "--list", "L", "--mode", "whole", "--commit"]).ended(3);
    let decided = desk.run(&["list", "missing", "L", "--group", "19", "--close"]).ended(0);
    assert!(decided.contains("1 group of \"L\" are said to have closed"), "{decided}");
    let closed = desk.run(&["group", "list", "--status", "closed", "--json"]).json(0);
    assert_eq!(closed["groups"][0]["name"], json!("Group 19"));
    // A group that is known to have ended is not asked about for ever (pain 7).
    desk.run(&["import", "less.csv", "--list", "L", "--mode", "whole", "--commit"]).ended(0);
    desk.run(&["import", "undo"]).ended(0);
    assert_eq!(desk.run(&["group", "list", "--status", "closed", "--json"]).json(0)["total"], json!(0));
    desk.run(&["export", "after.csv", "--own"]).ended(0);
    let read = |name: &str| std::fs::read(desk.file(name)).unwrap();
    assert!(read("before.csv") == read("after.csv"), "it says again what it said before");

    let even_so =
        ["import", "half.csv", "--list", "L", "--mode", "whole", "--missing", "withdraw", "--even-so", "--commit"];
    desk.run(&even_so).ended(3);
    assert_eq!(names(&desk).len(), 10);
    desk.run(&["import", "undo"]).ended(0);
    assert_eq!(names(&desk).len(), 20);
    desk.run(&["registry", "check"]).ended(0);
}

#[test]
fn adding_only_leaves_what_is_known_as_it_is() {
    let desk = Desk::new("Essex Hub");
    write(&desk, "one.csv", "Group name,Cost\nA,Free\n");
    write(&desk, "two.csv", "Group name,Cost\nA,£2\nB,£3\n");
    desk.run(&["import", "one.csv", "--commit"]).ended(0);
    let added = desk.run(&["import", "two.csv", "--mode", "add", "--commit", "--json"]).json(0);
    assert_eq!(rows(&added), [1, 0, 0, 0, 0]);
    assert_eq!(added["plan"]["left_alone"].as_array().unwrap().len(), 1);
    assert!(desk.run(&["group", "show", "A"]).ended(0).contains("Free"));
    desk.run(&["import", "two.csv", "--missing", "close"]).failed(2);
}

#[test]
fn a_mapping_is_said_in_words_saved_by_name_and_remembered() {
    let desk = Desk::new("Essex Hub");
    write(&desk, "t.csv", "Wer,Wo,Ruf\nA,Harlow,01632 960001\n");
    let map = ["--map", "Wer=Group name", "--map", "Wo=town or village", "--map", "Ruf="];
    desk.run(&[&["import", "t.csv"][..], &map, &["--save-mapping", "Leaflet"]].concat()).ended(0);
    let read = desk.run(&["import", "t.csv", "--mapping", "leaflet", "--json"]).json(0);
    assert_eq!(
        (rows(&read), &read["plan"]["new"][0]["group"]["place"]["locality"]),
        ([1, 0, 0, 0, 0], &json!("Harlow"))
    );
    let unknown = desk.run(&["import", "t.csv", "--mapping", "other"]).failed(2);
    assert!(unknown.contains("leaflet"), "{unknown}");
    // What a list was read by is known the next time; and a file with other columns is looked at anew.
    desk.run(&[&["import", "t.csv", "--list", "L", "--commit"][..], &map].concat()).ended(0);
    write(&desk, "t.csv", "Wer,Wo,Ruf,Mehr\nA,Harlow,01632 960001,x\nB,Epping,01632 960002,y\n");
    assert_eq!(rows(&desk.run(&["import", "t.csv", "--list", "L", "--json"]).json(0)), [1, 0, 1, 0, 0]);
    desk.run(&["import", "t.csv", "--map", "Wer=Shoe"]).failed(2);
    desk.run(&["import", "t.csv", "--map", "Keiner=Group name"]).failed(1);
}

/// Pain 9: ids made of what rows say.
#[test]
fn a_list_with_new_ids_is_the_same_list() {
    let desk = Desk::new("Essex Hub");
    let file = |salt: &str| {
        let rows = (0..12).map(|n| format!("{salt}{n},Group {n},CM1 {n}AA\n", n = n % 10)).enumerate();
        rows.fold("id,name,postcode\n".to_owned(), |all, (at, row)| {
            all + &row.replace("Group ", &format!("Group {at}-"))
        })
    };
    write(&desk, "one.csv", file("a"));
    let first = desk.run(&["import", "one.csv", "--list", "L", "--commit", "--json"]).ended(3);
    assert!(first.contains("second-row"), "two ids that are one are refused: {first}");
    let unique = |salt: &str| {
        (0..12).fold("id,name,postcode\n".to_owned(), |all, n| all + &format!("{salt}-{n},Group {n},CM1 1AA\n"))
    };
    let desk = Desk::new("Colchester Hub");
    write(&desk, "one.csv", unique("a"));
    write(&desk, "two.csv", unique("b"));
    desk.run(&["import", "one.csv", "--list", "L", "--mode", "whole", "--commit"]).ended(0);
    let again = desk.run(&["import", "two.csv", "--list", "L", "--mode", "whole", "--commit", "--json"]).json(0);
    assert_eq!(rows(&again), [0, 12, 0, 0, 0]);
    assert_eq!((names(&desk).len(), again["plan"]["rekeyed"].as_array().unwrap().len()), (12, 12));
    desk.run(&["list", "missing"]).ended(0);
}

#[test]
fn feeds_come_in_as_files_too() {
    let desk = Desk::new("Essex Hub");
    let fixtures = crate::support::feed::repository("tests/data/feeds");
    for (file, groups) in [
        ("open-referral-1-page-1.json", 3),
        ("meeting-guide.json", 3),
        ("rpde-page-1.json", 2),
        ("open-referral-3-service-1.json", 1),
    ] {
        let path = fixtures.join(file);
        let read = desk.run(&["import", path.to_str().unwrap(), "--list", file, "--commit", "--json"]).json(0);
        assert_eq!(rows(&read)[0], groups, "{file}");
    }
    write(&desk, "other.json", "{\"a\": 1}");
    desk.run(&["import", "other.json"]).failed(1);
}

/// Pains 7 and 10: what a hub has taken back does not return with the next edition of its list, nor under a new id.
#[test]
fn a_group_that_was_taken_back_stays_away() {
    let desk = Desk::new("Essex Hub");
    write(&desk, "one.csv", "id,name,town\n1,Asked not to be listed,Harlow\n2,Walkers,Epping\n");
    write(&desk, "two.csv", "id,name,town\n9,Asked NOT to be listed,Harlow\n2,Walkers,Epping\n3,New,Epping\n");
    desk.run(&["import", "one.csv", "--list", "L", "--commit"]).ended(0);
    desk.run(&["group", "withdraw", "asked not"]).ended(0);
    for file in ["one.csv", "two.csv"] {
        let read =
            desk.run(&["import", file, "--list", "L", "--report", "r.csv", "--force", "--commit", "--json"]).json(0);
        assert_eq!(read["plan"]["taken_back"].as_array().unwrap().len(), 1, "{file}");
    }
    assert!(std::fs::read_to_string(desk.file("r.csv")).unwrap().contains("not added"));
    assert_eq!(names(&desk), ["New", "Walkers"]);
    // Another list may name it: that is another source's word.
    assert_eq!(rows(&desk.run(&["import", "two.csv", "--list", "M", "--json"]).json(0))[0], 3);
}

/// Pain 12: an address is only read once somebody has said under which licence its rows may be shared.
#[test]
fn a_source_needs_a_licence() {
    let desk = Desk::new("Essex Hub");
    let add = ["list", "add", "Site", "--from", "http://127.0.0.1:1/feed", "--format", "meeting-guide"];
    assert!(desk.run(&add).failed(2).contains("--licence"));
    desk.run(&[&add[..], &["--licence", "CC-BY-4.0", "--every", "17 3 * * *"]].concat()).ended(0);
    let shown = desk.run(&["list", "show", "site", "--json"]).json(0);
    assert_eq!((&shown[0]["source"]["schedule"], &shown[0]["licence"]), (&json!("17 3 * * *"), &json!("CC-BY-4.0")));
    desk.run(&["list", "fetch", "site"]).failed(4);
    desk.run(&["list", "source", "site", "--pause"]).ended(0);
    assert_eq!(desk.run(&["list", "show", "site", "--json"]).json(0)[0]["source"]["paused"], json!(true));
    desk.run(&["list", "source", "site", "--forget"]).ended(0);
    desk.run(&["list", "fetch", "site"]).failed(2);
    desk.run(&[
        "list",
        "add",
        "Other",
        "--from",
        "http://127.0.0.1:1/feed",
        "--licence",
        "CC0-1.0",
        "--format",
        "rpde",
        "--every",
        "never",
    ])
    .failed(2);
}

/// Stale entries (PEERS section 3, pain 7): a check "on 1 January 1970" is none, what nobody checked says so, and what has ended
/// stays ended whichever old file names it again.
#[test]
fn an_empty_date_is_no_check_and_a_closed_group_does_not_come_back() {
    let desk = Desk::new("Essex Hub");
    let old = "Group,Town,Last checked,Checked how,Checked by\nCarers Circle,Harlow,1970-01-01,,\n";
    std::fs::write(desk.file("old.csv"), old).unwrap();
    let list = ["import", "old.csv", "--list", "County list", "--commit"];
    desk.run(&list).ended(0);
    let shown = desk.run(&["group", "show", "carers circle", "--json"]).json(0);
    assert_eq!(shown["checked"], Value::Null, "{shown:#}");
    assert!(!shown.to_string().contains("1970"), "{shown:#}");
    desk.run(&["group", "close", "carers circle", "--reason", "the organiser moved"]).ended(0);
    // The same file once more, and its next edition, which has been looked over but says nothing of an end.
    for text in [old.to_owned(), old.replace("1970-01-01,,", "2026-03-01,phone,hub")] {
        std::fs::write(desk.file("old.csv"), text).unwrap();
        desk.run(&list).ended(0);
        let shown = desk.run(&["group", "show", "carers circle", "--json"]);
        assert!(shown.out.contains("\"closed\""), "{}", shown.out);
    }
    // An empty status, as in every form that was filled in while the group ran, is no word that it runs again; a word is.
    for (status, open) in [("", false), ("Running", true)] {
        let text = format!("Group,Town,Status\nCarers Circle,Harlow,{status}\n");
        std::fs::write(desk.file("old.csv"), text).unwrap();
        desk.run(&list).ended(0);
        let shown = desk.run(&["group", "show", "carers circle", "--json"]);
        assert_eq!(!shown.out.contains("\"closed\""), open, "{status:?}: {}", shown.out);
    }
}

/// A row without a reference that says from now on how far its place may be known is the public record of that name and place,
/// which must not stay public beside it; and groups of one name at several places stay several.
#[test]
fn a_row_that_is_to_be_protected_is_the_record_that_was_public() {
    let row = |name: &'static str, town: &'static str, postcode: &'static str, level: &'static str| {
        vec![("Group name", name), ("Town or village", town), ("Postcode", postcode), ("Safety", level)]
    };
    for (level, word) in [("Sealed", "sealed"), ("Contact first", "contact-first")] {
        let desk = Desk::new("Essex Hub");
        let open = [row("Haven", "Harlow", "CM18 7BL", "Open"), row("Haven", "Clacton", "CO15 1AB", "Open")];
        desk.fill("open.csv", &open.iter().map(Vec::as_slice).collect::<Vec<_>>());
        desk.run(&["import", "open.csv", "--commit"]).ended(0);
        let raised = [row("Haven", "Clacton", "CO15 1AB", level), row("Haven", "Epping", "CM16 4AA", level)];
        desk.fill("raised.csv", &raised.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let plan = desk.run(&["import", "raised.csv", "--json"]).json(0);
        let keeps: Vec<&Value> =
            plan["plan"]["protected"].as_array().unwrap().iter().map(|row| &row["keeps"]).collect();
        assert_eq!(keeps, ["raised", "new"], "{word}: {plan}");
        desk.run(&["import", "raised.csv", "--commit"]).ended(0);
        let shown = desk.run(&["export", "all.csv", "--force"]);
        assert!([0, 3].contains(&shown.status), "{shown:?}");
        let all = std::fs::read_to_string(desk.file("all.csv")).unwrap();
        assert!(all.contains("CM18 7BL") && !all.contains("CO15 1AB"), "{word}: {all}");
        if level != "Sealed" {
            // By name alone nobody can tell the two that are protected now: nothing is done, and a person is told.
            let again = desk.run(&["import", "raised.csv", "--json"]).json(3);
            assert_eq!(again["plan"]["refused"].as_array().unwrap().len(), 2, "{again}");
            continue;
        }
        // The same file again: each row is the one that it was, and none takes another's place.
        let turned = [raised[1].as_slice(), raised[0].as_slice()];
        desk.fill("turned.csv", &turned);
        for file in ["raised.csv", "turned.csv"] {
            let again = desk.run(&["import", file, "--commit", "--json"]).json(0);
            assert_eq!(again["committed"], json!(false), "{file}: {again}");
        }
        // Twice the same is once, and said.
        desk.fill("twice.csv", &[raised[1].as_slice(), raised[1].as_slice()]);
        let twice = desk.run(&["import", "twice.csv", "--json"]).json(3);
        assert_eq!(twice["plan"]["refused"].as_array().unwrap().len(), 1, "{twice}");
        assert!(!twice.to_string().contains("CM16 4AA"), "{twice}");
    }
}
