//! The drill of the demonstration, by the real program: five acts on live daemons, each of which ends as written.

use crate::support::command::run;

#[test]
fn the_drill_plays_five_acts_and_every_one_ends_as_written() {
    let folder = tempfile::tempdir().unwrap();
    let ran = run(folder.path(), &["demo", "--drill", "--keep", "hubs"]);
    // The drill itself ends with another number when a command or an answer is not as it must be.
    assert_eq!((ran.status, ran.out.as_str()), (0, ""), "{}", ran.err);
    let told = ran.err;
    for (act, must) in [
        (
            "Act 1",
            &[
                "Essex Hub: confirmed on",
                "Dear [name]",
                "Research    byte scan of its whole folder: it stands in 0 places",
            ][..],
        ),
        ("Act 2", &["Essex       notices: Derbyshire Hub told Nottingham Hub another history", "PROVEN"]),
        ("Act 3", &["is in force", "Leicester   byte scan of its whole folder: it stands in 0 places"]),
        ("Act 4", &["nothing was published", "Taken back from"]),
        (
            "Act 5",
            &[
                "does anybody come to harm",
                "Essex       byte scan of its whole folder, but for that table: it stands in 0 places",
                "Nottingham  byte scan of its whole folder, but for that table: it stands in 0 places",
                "All five acts ended as written.",
            ],
        ),
    ] {
        let start = told.find(&format!("══ {act}")).unwrap_or_else(|| panic!("{act} was not played: {told}"));
        let rest = &told[start + 3..];
        let scene = match act {
            "Act 5" => rest,
            _ => &rest[..rest.find("══ Act").unwrap()],
        };
        must.iter().for_each(|words| assert!(scene.contains(words), "{act} does not say {words:?}: {scene}"));
    }
    // What is left is whole, and holds nothing that the thief wrote.
    for name in ["nottingham", "essex", "derbyshire", "research", "leicester"] {
        let config = format!("hubs/{name}/hub.toml");
        let found = run(folder.path(), &["--config", &config, "registry", "check", "--json"]).json(0);
        assert_eq!(found["findings"], serde_json::json!([]), "{name}");
        let groups = run(folder.path(), &["--config", &config, "group", "list", "--json"]);
        assert!(!groups.out.contains("Golden Ladder"), "{name}");
    }
}
