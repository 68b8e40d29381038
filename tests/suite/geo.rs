//! The official file of postcodes: loaded once, used for places and distances here, and by nobody else.

use crate::support::command::Desk;
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/postcodes").join(name)
}

fn load(desk: &Desk, file: &Path) -> serde_json::Value {
    desk.run(&["geo", "load", file.to_str().unwrap(), "--json"]).json(0)
}

const fn row<'a>(name: &'a str, postcode: &'a str) -> [(&'a str, &'a str); 3] {
    [("Group name", name), ("Town or village", "Nottingham"), ("Postcode", postcode)]
}

#[test]
fn distances_say_how_well_they_are_known_and_the_loaded_file_changes_no_digest() {
    let desk = Desk::new("Nottingham Hub");
    let rows = [
        row("Carers Circle", "NG9 1AA"),
        row("Voices", "NG1 7DP"),
        row("Newark Circle", "NG24 7AA"),
        row("Anywhere", ""),
    ];
    let rows: Vec<&[(&str, &str)]> = rows.iter().map(|row| &row[..]).collect();
    desk.fill("groups.csv", &rows);
    desk.run(&["import", "groups.csv", "--commit"]).ended(0);
    let near = || desk.run(&["group", "list", "--near", "ng17dp", "--within", "5", "--json"]).json(0);
    let names = |found: &serde_json::Value| {
        found["groups"].as_array().unwrap().iter().map(|group| group["name"].clone()).collect::<Vec<_>>()
    };
    // Without a file: means, and it says so.
    let before = near();
    assert_eq!(names(&before), [json!("Voices"), json!("Carers Circle")], "{before:#}");
    assert_eq!((&before["near"]["precision"], &before["near"]["without_place"]), (&json!("sector"), &json!(1)));
    assert_eq!(before["groups"][1]["distance"]["precision"], json!("sector"));
    let text = desk.run(&["group", "list", "--near", "NG1 7DP", "--within", "5"]).ended(0);
    assert!(
        text.contains("about") && text.contains("(sector:") && text.contains("1 group without a postcode"),
        "{text}"
    );
    assert!(desk.run(&["geo", "show"]).ended(0).contains("No file is loaded"));

    let digest = desk.digest();
    let loaded = load(&desk, &data("code-point-open.csv"));
    assert_eq!(
        (&loaded["postcodes"], &loaded["without_place"], &loaded["unreadable"]),
        (&json!(3), &json!(1), &json!(1))
    );
    assert_eq!(
        (&loaded["changed"], &load(&desk, &data("code-point-open.csv"))["changed"]),
        (&json!(true), &json!(false))
    );
    let after = near();
    assert_eq!(after["near"]["precision"], json!("unit"));
    assert_eq!(after["groups"][1]["distance"], json!({"miles": 3.2, "precision": "unit"}), "{after:#}");
    let place = desk.run(&["geo", "show", "NG9 1AA", "--json"]).json(0);
    assert_eq!((&place["place"]["district"], &place["place"]["precision"]), (&json!("E07000172"), &json!("unit")));
    let other = desk.run(&["geo", "show", "NG9 1AB"]).ended(0);
    assert!(other.contains("(sector:") && other.contains("probably"), "{other}");
    assert!(desk.run(&["group", "show", "carers circle"]).ended(0).contains("(unit:"));
    // Linking never sees it: the registry made again is the same, here as at hubs without the file.
    desk.run(&["registry", "rebuild"]).ended(0);
    assert_eq!(desk.digest(), digest);
}

#[test]
fn each_published_form_is_read_and_nothing_else_replaces_what_is_there() {
    let desk = Desk::new("Nottingham Hub");
    let zip = desk.file("codepo_gb.zip");
    let mut archive = zip::ZipWriter::new(std::fs::File::create(&zip).unwrap());
    let plain = zip::write::SimpleFileOptions::default();
    for (name, text) in [
        ("Doc/Code-Point_Open_Column_Headers.csv", b"PC,PQ,EA,NO,CY,RH,LH,CC,DC,WC\n".to_vec()),
        ("Doc/licence.txt", b"OGL".to_vec()),
        ("Data/CSV/ng.csv", std::fs::read(data("code-point-open.csv")).unwrap()),
    ] {
        archive.start_file(name, plain).unwrap();
        archive.write_all(&text).unwrap();
    }
    archive.finish().unwrap();
    assert_eq!(load(&desk, &zip)["postcodes"], json!(3));
    let folder = desk.file("unpacked/Data/CSV");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::copy(data("code-point-open.csv"), folder.join("ng.csv")).unwrap();
    let again = load(&desk, &desk.file("unpacked"));
    assert_eq!(
        (&again["postcodes"], &again["changed"]),
        (&json!(3), &json!(false)),
        "the same postcodes, however packed"
    );

    std::fs::write(desk.file("other.csv"), "Name,Phone\nCarers,0115\n").unwrap();
    let refused = desk.run(&["geo", "load", "other.csv"]).failed(1);
    assert!(refused.contains("nothing was changed"), "{refused}");
    std::fs::write(desk.file("broken.zip"), "PK no zip").unwrap();
    assert!(desk.run(&["geo", "load", "broken.zip"]).failed(1).contains("what was loaded before stays"));
    assert!(desk.run(&["geo", "show"]).ended(0).contains("Code-Point Open, from codepo_gb.zip: 3 postcodes"));

    // The ONS directory takes its place, and knows Northern Ireland and postcodes that have ended.
    assert!(desk.run(&["geo", "show", "BT1 5GS"]).failed(1).contains("not known here"));
    let loaded = load(&desk, &data("onspd.csv"));
    assert_eq!((&loaded["postcodes"], &loaded["without_place"]), (&json!(3), &json!(1)));
    for known in ["BT1 5GS", "NG9 1AA"] {
        assert!(desk.run(&["geo", "show", known]).ended(0).contains("(unit:"), "{known}");
    }
}

#[tokio::test]
async fn people_search_the_pages_by_postcode_and_are_told_how_well_distances_are_known() {
    use crate::support::TestHub;
    use mutuald::record::Group;
    use mutuald::store::group::Rules;
    use mutuald::store::postcodes::Places;
    use mutuald::store::view::Terms;
    let here = TestHub::new("Nottingham Hub", 1).await;
    let at = |n: u128, name: &str, postcode: &str| {
        let words = json!({"name": name, "place": {"locality": "Somewhere", "postcode": postcode}});
        (uuid::Uuid::from_u128(n), Group::read(&words.to_string()).unwrap())
    };
    here.put(&[
        at(1, "Far Circle", "AB10 1AB"),
        at(2, "Beeston Circle", "NG9 1AA"),
        at(3, "City Circle", "NG1 7DP"),
        at(4, "Newark", "NG24 7AA"),
    ])
    .await;
    let mut db = here.hub.store.read().await.unwrap();
    let rules = Rules::standing(&mut db, here.hub.policy.clone()).await.unwrap();
    let places = Places::of(&here.hub.config.hub.state);
    let terms = |place: &str, words: &str| Terms {
        place: Some(place.into()),
        words: words.into(),
        page: 1,
        ..Terms::default()
    };
    let near =
        mutuald::store::near::search(&mut db, &rules, &terms("ng1 7dp", ""), 20, &places).await.unwrap().unwrap();
    let found: Vec<_> = near.hits.iter().map(|hit| (&hit.name[..], hit.distance.as_deref().unwrap())).collect();
    assert_eq!(found, [("City Circle", "about a mile or less"), ("Beeston Circle", "about 3 miles")]);
    assert_eq!(near.near.as_ref().map(|near| near.miles), Some(10));
    let site = mutuald::store::view::Site { hub: "Nottingham Hub".into(), ..Default::default() };
    let page = mutuald::web::pages::search(&site, &near).into_string();
    assert!(page.contains("about 3 miles away") && page.contains("Known of this postcode: sector"), "{page}");
    // Nothing within ten miles: further, rather than nothing.
    let newark =
        mutuald::store::near::search(&mut db, &rules, &terms("NG1 7DP", "newark"), 20, &places).await.unwrap().unwrap();
    assert_eq!((newark.total, newark.near.unwrap().miles), (1, 25));
    // Half a postcode, a town, and what is nowhere are searched for as words.
    for place in ["NG1", "Beeston", "ZZ9 9ZZ"] {
        let near = mutuald::store::near::search(&mut db, &rules, &terms(place, ""), 20, &places).await.unwrap();
        assert!(near.is_none(), "{place}");
    }
}
