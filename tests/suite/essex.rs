//! Essex, as in the paper: many databases, websites and personal contacts for the groups of one county. Three lists that overlap,
//! in three formats, one of them a spreadsheet with bad cells, become one list of groups by five commands, as the README has them.

use crate::support::command::Desk;
use crate::support::ods::spreadsheet;
use mutuald::exchange::table;
use rust_xlsxwriter::Workbook;
use serde_json::Value;

/// The county's website, saved as a text file by a program of many years ago.
const WEBSITE: &[u8] = b"Name;Town;Postcode;Telephone;Web site\r\n\
    Harlow Carers' Caf\xe9;Harlow;CM20 1AA;01632 960101;www.harlowcarers.example.org\r\n\
    Hearing Voices Chelmsford;Chelmsford;CM1 2QL;01632 960102;\r\n\
    Stoma Support Clacton;Clacton-on-Sea;CO15 1SE;01632 960103;\r\n\
    Walk and Talk;Basildon;SS14 1DL;01632 960104;\r\n";

/// A charity's spreadsheet: a title, headings of its own, telephones as numbers, and cells that cannot be right.
fn charity() -> Vec<u8> {
    let mut book = Workbook::new();
    let page = book.add_worksheet();
    page.write(0, 0, "Mental health groups we know of").unwrap();
    let rows: [[&str; 5]; 6] = [
        ["Group", "Where they meet", "Town/City", "Contact number", "Email address"],
        ["Chelmsford Hearing Voices", "Friends Meeting House", "Chelmsford", "1632960102", "voices@example.org"],
        ["Bipolar Colchester", "Library", "Colchester", "1632960105", "bipolar@example.org"],
        ["Harlow Carers Cafe", "Latton Bush", "Harlow", "1632960101", "ask at the library"],
        ["Anxiety Braintree", "Town Hall", "Braintree", "12", "anxiety@example.org"],
        ["", "", "Epping", "", ""],
    ];
    for (row, cells) in rows.iter().enumerate() {
        for (column, cell) in cells.iter().enumerate() {
            match cell.parse::<f64>() {
                Ok(number) => page.write(row as u32 + 2, column as u16, number).unwrap(),
                Err(_) => page.write(row as u32 + 2, column as u16, *cell).unwrap(),
            };
        }
    }
    book.save_to_buffer().unwrap()
}

/// What a librarian keeps in LibreOffice.
fn library() -> Vec<u8> {
    spreadsheet(&[
        &["Title", "Village", "Phone", "When"],
        &["Stoma Support", "Clacton-on-Sea", "1632960103", "First Monday of the month"],
        &["Bereaved Parents", "Epping", "1632960107", "Tuesdays"],
        &["Walk & Talk", "Basildon", "1632960104", "Fridays"],
    ])
}

fn count(plan: &Value, kind: &str) -> usize {
    plan["plan"][kind].as_array().map_or(0, Vec::len)
}

#[test]
fn three_overlapping_lists_become_one_list_of_groups_by_five_commands() {
    let essex = Desk::new("Essex Hub");
    std::fs::write(essex.file("website.csv"), WEBSITE).unwrap();
    std::fs::write(essex.file("charity.xlsx"), charity()).unwrap();
    std::fs::write(essex.file("library.ods"), library()).unwrap();

    // One, two, three: the lists. The second has bad cells, and comes back with what is wrong written beside each row.
    let website = essex.run(&["import", "website.csv", "--list", "County website", "--commit", "--json"]).json(0);
    let first =
        ["import", "charity.xlsx", "--list", "Mind's list", "--report", "charity-answer.xlsx", "--commit", "--json"];
    let charity = essex.run(&first).json(3);
    let library = essex.run(&["import", "library.ods", "--list", "Library", "--commit", "--json"]).json(0);
    assert_eq!((count(&website, "new"), count(&charity, "new"), count(&library, "new")), (4, 2, 3));
    assert_eq!(count(&charity, "refused"), 3);
    for plan in [&website, &charity, &library] {
        let kinds = ["new", "changed", "unchanged", "refused", "held_back", "skipped"];
        // To the row: whatever was read is one of these.
        assert_eq!(
            kinds.iter().map(|kind| count(plan, kind)).sum::<usize>() as u64,
            plan["plan"]["rows_read"].as_u64().unwrap()
        );
    }

    // She corrects the answer in her spreadsheet program: two cells, and the row without a name goes.
    let bytes = std::fs::read(essex.file("charity-answer.xlsx")).unwrap();
    let answer = table::read("charity-answer.xlsx", &bytes, None).unwrap();
    let messages: Vec<&str> = answer.rows.iter().map(|row| row.cells.last().unwrap().as_str()).collect();
    assert!(messages[2].contains("Email address: this is not an e-mail address"), "{messages:?}");
    assert!(messages[3].contains("Contact number: this is not a telephone number"), "{messages:?}");
    assert!(messages[4].contains("the group has no name"), "{messages:?}");
    let mut book = Workbook::new();
    let page = book.add_worksheet();
    for (column, heading) in answer.header.iter().enumerate() {
        page.write(0, column as u16, heading).unwrap();
    }
    for (at, row) in answer.rows.iter().filter(|row| !row.cells[0].is_empty()).enumerate() {
        for (column, cell) in row.cells.iter().enumerate() {
            let cell = match cell.as_str() {
                "ask at the library" => "",
                "12" => "01632 960106",
                cell => cell,
            };
            page.write(at as u32 + 1, column as u16, cell).unwrap();
        }
    }
    std::fs::write(essex.file("charity-answer.xlsx"), book.save_to_buffer().unwrap()).unwrap();

    // Four: the corrected answer. Only what was refused is new.
    let again = essex.run(&["import", "charity-answer.xlsx", "--list", "Mind's list", "--commit", "--json"]).json(0);
    assert_eq!((count(&again, "new"), count(&again, "unchanged"), count(&again, "changed")), (2, 2, 0));

    // Five: one list of groups, each with the lists that name it.
    essex.run(&["export", "essex.csv"]).ended(0);
    let mut reader = csv::Reader::from_path(essex.file("essex.csv")).unwrap();
    let header: Vec<String> =
        reader.headers().unwrap().iter().map(|h| h.trim_start_matches('\u{feff}').to_owned()).collect();
    let at = |heading: &str| header.iter().position(|known| known == heading).unwrap();
    // Not the venue: two lists that know as much of a place as each other are told apart by ids, which are random.
    let mut groups: Vec<[String; 3]> = reader
        .records()
        .map(|record| record.unwrap())
        .map(|record| ["Town or village", "Listed by", "Telephone"].map(|heading| record[at(heading)].to_owned()))
        .collect();
    groups.sort_unstable();
    let expected = [
        ["Basildon", "Essex Hub, County website; Essex Hub, Library", "01632 960104"],
        ["Braintree", "Essex Hub, Mind's list", "01632 960106"],
        ["Chelmsford", "Essex Hub, County website; Essex Hub, Mind's list", "01632 960102"],
        ["Clacton-on-Sea", "Essex Hub, County website; Essex Hub, Library", "01632 960103"],
        ["Colchester", "Essex Hub, Mind's list", "01632 960105"],
        ["Epping", "Essex Hub, Library", "01632 960107"],
        ["Harlow", "Essex Hub, County website; Essex Hub, Mind's list", "01632 960101"],
    ];
    assert_eq!(groups, expected);
    // Eleven rows of twelve were taken, the twelfth was none: every one of them is behind exactly one of the groups.
    let behind: usize = groups.iter().map(|[_, lists, ..]| lists.split("; ").count()).sum();
    assert_eq!(behind, 4 + 4 + 3);
    let status = essex.run(&["status", "--json"]).json(0);
    assert_eq!((&status["records"], &status["groups"]), (&serde_json::json!(11), &serde_json::json!(7)));
    assert!(essex.run(&["review", "list"]).ended(0).contains("No question is open"));
    // And what was done can be looked at, row by row, and undone.
    let imports = essex.run(&["import", "list"]).ended(0);
    for shown in
        ["County website", "charity.xlsx", "library.ods", "4 new", "2 new, 3 refused", "3 new", "2 new, 2 unchanged"]
    {
        assert!(imports.contains(shown), "{shown}: {imports}");
    }
    essex.run(&["registry", "check"]).ended(0);
}
