//! Workbooks that LibreOffice opened and saved again: what people do before they send a list back.
//!
//! `tests/run` names LibreOffice in `MUTUALD_OUTSIDE_SOFFICE`; without it these say SKIP and pass.

use crate::support::command::Desk;
use serde_json::json;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// LibreOffice, with settings that go with the test.
struct Office {
    program: OsString,
    profile: tempfile::TempDir,
}

impl Office {
    fn new() -> Option<Office> {
        let program = std::env::var_os("MUTUALD_OUTSIDE_SOFFICE").filter(|program| !program.is_empty());
        if program.is_none() {
            eprintln!(
                "SKIP no workbook is saved by LibreOffice: MUTUALD_OUTSIDE_SOFFICE is not set (tests/run sets it)"
            );
        }
        Some(Office { program: program?, profile: tempfile::tempdir().unwrap() })
    }

    /// Opens a file, saves it as a workbook in the folder `saved` beside it, and says where.
    fn save_again(&self, file: &Path) -> PathBuf {
        let folder = file.with_file_name("saved");
        let output = Command::new(&self.program)
            .arg(format!("-env:UserInstallation=file://{}", self.profile.path().display()))
            .args(["--headless", "--norestore", "--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir"])
            .arg(&folder)
            .arg(file)
            .output()
            .unwrap();
        let saved = folder.join(file.file_name().unwrap()).with_extension("xlsx");
        assert!(saved.exists(), "{output:?}");
        assert_ne!(std::fs::read(&saved).unwrap(), std::fs::read(file).unwrap(), "it was written anew");
        saved
    }
}

/// What spreadsheets like to change: leading noughts, times, days, numbers, lines, what looks like a formula.
const TRICKY: &[&[(&str, &str)]] = &[
    &[
        ("Group name", "=Anytown \"Circle\", & friends"),
        ("Topics", "Carers; Anxiety"),
        ("Telephone", "01632960001"),
        ("Town or village", "Beeston"),
        ("Postcode", "NG9 1AA"),
        ("Start time", "19:30"),
        ("End time", "21:00"),
        ("Youngest age", "18"),
        ("Latitude", "52.9271"),
        ("Longitude", "-1.2144"),
        ("Founded", "2019-05"),
        ("Your reference", "007"),
    ],
    &[
        ("Group name", "1-2-3 Group"),
        ("Town or village", "Nottingham"),
        ("Founded", "1998"),
        ("Last checked", "04/05/2026"),
        ("Checked how", "By phone"),
        ("Checked by", "The hub"),
    ],
];

#[test]
fn a_template_saved_by_libreoffice_is_still_an_empty_form() {
    let Some(office) = Office::new() else { return };
    let desk = Desk::new("Nottingham Hub");
    desk.run(&["import", "--template", "form.xlsx"]).ended(0);
    let saved = office.save_again(&desk.file("form.xlsx"));
    let plan = desk.run(&["import", saved.to_str().unwrap(), "--json"]).json(0);
    for part in ["new", "changed", "refused"] {
        assert_eq!(plan["plan"][part].as_array().map(Vec::len), Some(0), "{part}: {plan}");
    }
}

#[test]
fn a_filled_form_saved_by_libreoffice_says_the_same() {
    let Some(office) = Office::new() else { return };
    let desk = Desk::new("Nottingham Hub");
    desk.fill("groups.csv", TRICKY);
    desk.run(&["import", "groups.csv", "--commit"]).ended(0);
    desk.run(&["export", "own.xlsx", "--own"]).ended(0);
    let digest = desk.digest();
    let saved = office.save_again(&desk.file("own.xlsx"));
    let back = desk.run(&["import", saved.to_str().unwrap(), "--commit", "--json"]).json(0);
    assert_eq!(
        (&back["committed"], back["plan"]["unchanged"].as_array().map(Vec::len)),
        (&json!(false), Some(TRICKY.len())),
        "{back}"
    );
    assert_eq!(desk.digest(), digest);
}
