//! Fieldwork: what becomes of a drawn sample, by the real program, and the study's tour with its figures (issue 5).

use crate::support::command::{Desk, Ran, run};
use crate::support::feed::all;
use crate::support::hub::{TestHub, copy};
use mutuald::frame::draw::{Design, Draw, together};
use mutuald::frame::frozen::{Frame, Row};
use mutuald::frame::ticket::{Line, Seed};
use mutuald::node::frames::verify::{Files, verify};
use mutuald::node::frames::{Among, Ask, FRAME, Plan, gather, read};
use mutuald::record::Group;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use uuid::Uuid;

/// What a group says when its criteria are those of a profile.
const SUITABLE: [(&str, &str); 5] = [
    ("Criterion: shared experience", "yes"),
    ("Criterion: mutual support first", "yes"),
    ("Criterion: run by members", "yes"),
    ("Criterion: coming is voluntary", "yes"),
    ("Criterion: set programme", "no"),
];

const NAMES: [&str; 12] =
    ["Alder", "Birch", "Cedar", "Damson", "Elm", "Fir", "Gorse", "Hazel", "Ivy", "Juniper", "Larch", "Maple"];
const TOPICS: [&str; 3] = ["Stroke", "Depression", "Bereavement"];
const TOWNS: [&str; 12] = [
    "Beeston",
    "Arnold",
    "Carlton",
    "Bingham",
    "Mansfield",
    "Worksop",
    "Retford",
    "Southwell",
    "Hucknall",
    "Eastwood",
    "Bulwell",
    "Newark",
];

/// A hub with twelve suitable groups in two areas, and a frozen frame of them.
fn desk() -> Desk {
    let desk = Desk::new("Nottingham Hub");
    let cells: Vec<[String; 5]> = (0..12)
        .map(|n| {
            [
                format!("{} Circle", NAMES[n]),
                TOPICS[n % 3].to_owned(),
                TOWNS[n].to_owned(),
                if n < 6 { "E06000018" } else { "E07000176" }.to_owned(),
                format!("01632 9600{n:02}"),
            ]
        })
        .collect();
    let headings = ["Group name", "Topics", "Town or village", "Area code", "Telephone"];
    let rows: Vec<Vec<(&str, &str)>> = cells
        .iter()
        .map(|cells| headings.iter().copied().zip(cells.iter().map(String::as_str)).chain(SUITABLE).collect())
        .collect();
    desk.fill("groups.csv", &rows.iter().map(Vec::as_slice).collect::<Vec<_>>());
    desk.run(&["import", "groups.csv", "--commit"]).ended(0);
    desk.run(&["frame", "define", "tour", "--universe", "Groups near Nottingham", "--profile", "seebohm2013"]).ended(0);
    let built = desk.run(&["frame", "build", "tour", "--json"]).json(0);
    assert_eq!(built["included"], 12, "{built:#}");
    desk.run(&["frame", "freeze", "tour", "frozen"]).ended(0);
    desk
}

fn sample(desk: &Desk, study: &str, n: &str, more: &[&str]) -> Ran {
    commit(desk, study, n, &[more, &["--json"]].concat())
}

fn commit(desk: &Desk, study: &str, n: &str, more: &[&str]) -> Ran {
    let sample = ["frame", "sample", "frozen", "--study", study, "--seed", "27182", "--how", "Dice.", "--n", n];
    desk.run(&[&sample[..], more, &["--commit"]].concat())
}

fn units(drawn: &Value, list: &str) -> Vec<String> {
    drawn[list].as_array().unwrap().iter().map(|one| one["unit"].as_str().unwrap().to_owned()).collect()
}

fn study(desk: &Desk, arguments: &[&str]) -> Ran {
    desk.run(&[&["frame", "study"], arguments].concat())
}

fn shown(desk: &Desk, name: &str) -> Value {
    study(desk, &["show", name, "--history", "--json"]).json(0)
}

#[test]
fn the_study_of_the_paper_runs_on_live_hubs_with_its_figures() {
    let folder = tempfile::tempdir().unwrap();
    let ran = run(folder.path(), &["demo", "--study", "--keep", "hubs"]);
    // The tour itself ends with another number when a command, an answer or a figure is not as it must be.
    assert_eq!((ran.status, ran.out.as_str()), (0, ""), "{}", ran.err);
    for said in [
        "RR1 = I / (I + P + R + NC + O + U) = 20 / (20 + 1 + 0 + 0 + 0 + 0) = .9524",
        "RR2 = (I + P) / (I + P + R + NC + O + U) = (20 + 1) / (20 + 1 + 0 + 0 + 0 + 0) = 1.0000",
        "Nottingham Hub: 10 of 202 drawn (5.0 %)",
        "Essex Hub: 10 of 24 drawn (41.7 %)",
        "mental-ill-health 5, physical-ill-health 10, social-isolation 6",
        "the places of 226 of 226 units are known",
        "The study ended as the paper's did",
    ] {
        assert!(ran.err.contains(said), "{said}\n{}", ran.err);
    }
    // The figures once more, from what the hubs keep and not from what the tour said of itself.
    let hubs = folder.path().join("hubs");
    let ask = |hub: &str, arguments: &[&str]| run(&hubs.join(hub), &[arguments, &["--json"]].concat()).json(0);
    for (hub, frame, units) in
        [("nottingham", "nottingham-2026", 202), ("essex", "essex-2026", 24), ("research", "esteem-2026", 226)]
    {
        let checked = ask(hub, &["frame", "verify", &format!("{frame}.frame")]);
        assert_eq!((&checked["units"], &checked["findings"]), (&json!(units), &json!([])), "{frame}");
    }
    let box1 = |hub: &str, frame: &str| ask(hub, &["frame", "build", frame, "--against", "box1"])["against"].clone();
    let (nottingham, essex) = (box1("nottingham", "nottingham-2026"), box1("essex", "essex-2026"));
    // By the rules alone: 22 of Essex's 24, because of two nobody had asked; and eight and nine more.
    assert_eq!((&nottingham["included"], &essex["included"]), (&json!(210), &json!(31)), "{nottingham:#}{essex:#}");
    let moved = |against: &Value, why: &str| {
        let pair = |one: &&Value| one[0] == why && one[1] == "included";
        against["counts"].as_array().unwrap().iter().find(pair).map_or(0, |one| one[2].as_u64().unwrap())
    };
    assert_eq!(moved(&nottingham, "excluded: prescribed-programme-12-step"), 8, "{nottingham:#}");
    for (why, n) in [
        ("excluded: prescribed-programme-12-step", 5),
        ("excluded: prescribed-programme-other", 2),
        ("excluded: constrained-by-funder-or-statutory", 2),
        ("included", 22),
    ] {
        assert_eq!(moved(&essex, why), n, "{why}: {essex:#}");
    }
    // The accounts as `schema/study.md` has them, from records received to groups included.
    for (hub, frame, counts) in [
        ("nottingham", "nottingham-2026", [334, 222, 214, 214, 202, 202]),
        ("essex", "essex-2026", [334, 60, 48, 45, 24, 24]),
        ("research", "esteem-2026", [334, 334, 314, 259, 226, 226]),
    ] {
        let built = ask(hub, &["frame", "build", frame]);
        let steps: Vec<u64> =
            built["flow"].as_array().unwrap().iter().map(|step| step["count"].as_u64().unwrap()).collect();
        assert_eq!(steps, counts, "{built:#}");
    }
    let field = ask("research", &["frame", "study", "show", "ESTEEM"]);
    assert_eq!(field["groups"].as_array().unwrap().len(), 21);
    assert_eq!(
        field["counts"]["focus"],
        json!({"mental-ill-health": 5, "physical-ill-health": 10, "social-isolation": 6})
    );
    assert_eq!(field["counts"]["site"], json!({"Essex Hub": 10, "Nottingham Hub": 11}));
    let numbers: BTreeSet<u64> =
        field["groups"].as_array().unwrap().iter().map(|group| group["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=21).collect());
    // What stays at the hub stays there: no feed and no frame knows a number, an outcome or a reason.
    for hub in ["nottingham/state/feed", "essex/state/feed", "derbyshire/state/feed", "research/esteem-2026.frame"] {
        for (name, bytes) in all(&hubs.join(hub)) {
            for word in ["support from outside", "coordinator\":", "study_number"] {
                let there = bytes.windows(word.len()).any(|window| window == word.as_bytes());
                assert!(!there, "{word:?} stands in {hub}/{name:?}");
            }
        }
    }
}

#[test]
fn a_study_goes_from_its_draw_to_its_release_and_nothing_is_changed_unseen() {
    let desk = desk();
    let drawn = sample(&desk, "Tour", "4", &[]).json(0);
    let (base, reserve) = (units(&drawn, "base"), units(&drawn, "reserve"));
    let said = study(&desk, &["open", "frozen", "--study", "Another"]).failed(1);
    assert!(said.contains("nothing was drawn for \"Another\""), "{said}");
    assert!(study(&desk, &["list"]).ended(0).contains("No study is in the field"));
    study(&desk, &["open", "frozen", "--study", "Tour"]).ended(0);
    study(&desk, &["open", "frozen", "--study", "Tour"]).ended(0);
    study(&desk, &["show", "Tuor"]).failed(2);

    // Two levels, reasons, words that name nobody, days that can be.
    let record = |unit: &str, more: &[&str]| study(&desk, &[&["record", "Tour", unit], more].concat());
    let said = record(&base[0], &["--coordinator", "refused"]).failed(1);
    assert!(said.contains("--reason"), "{said}");
    let said = record(&base[0], &["--both", "refused", "--reason", "Ring Mrs Smith on 01632 960099"]).failed(1);
    assert!(said.contains("of a person nothing is kept"), "{said}");
    record(&base[0], &["--both", "complete", "--date", "2001-01-01"]).failed(1);
    record(&base[0], &["--both", "perhaps"]).ended(2);
    record(&reserve[0], &["--both", "complete"]).failed(2);
    record(&base[0], &["--both", "closed"]).ended(0);
    // Once something was noted, it is not opened anew.
    study(&desk, &["open", "frozen", "--study", "Tour"]).failed(1);
    record(&base[0], &["--coordinator", "complete"]).failed(1);

    // A slip is taken back, and stays in the history.
    study(&desk, &["undo", "Tour", "--why", "Another group closed."]).ended(0);
    study(&desk, &["undo", "Tour", "--why", "Once more."]).failed(1);
    record(&base[0], &["--both", "complete"]).ended(0);
    let now = shown(&desk, "Tour");
    assert_eq!(now["history"].as_array().unwrap().len(), 3);
    assert_eq!((&now["history"][0]["taken_back"], &now["history"][2]["taken_back"]), (&json!(true), &json!(false)));

    // Many at once from a file: all or nothing, and the line that cannot be is named.
    let file = |rows: &str| {
        std::fs::write(desk.file("visits.csv"), format!("Group,Coordinator,Members,Reason\n{rows}")).unwrap()
    };
    let from = ["record", "Tour", "--from", "visits.csv"];
    file(&format!("{},complete,complete,\n{},refused,refused,\n", base[1], base[2]));
    let said = study(&desk, &[&from[..], &["--commit"]].concat()).failed(1);
    assert!(said.contains("line 3") && said.contains("nothing was noted"), "{said}");
    assert_eq!(shown(&desk, "Tour")["history"].as_array().unwrap().len(), 3);
    file(&format!("{},complete,complete,\n{},complete,refused,They want no outsiders.\n", base[1], base[2]));
    assert!(study(&desk, &from).ended(0).contains("Nothing was noted"));
    study(&desk, &[&from[..], &["--commit"]].concat()).ended(0);
    std::fs::write(desk.file("visits.csv"), "Name,Coordinator\nx,complete\n").unwrap();
    study(&desk, &from).failed(2);

    // The next of the reserve, in its order, once; looking issues nobody.
    study(&desk, &["replace", "Tour", &base[3]]).failed(1);
    for _ in 0..2 {
        let next = study(&desk, &["replace", "Tour", &base[2], "--json"]).json(0);
        assert_eq!((next["unit"].as_str().unwrap(), &next["committed"]), (reserve[0].as_str(), &json!(false)));
    }
    study(&desk, &["replace", "Tour", &base[2], "--commit"]).ended(0);
    study(&desk, &["replace", "Tour", &base[2], "--commit"]).failed(1);
    let said = record(&base[2], &["--members", "complete"]).failed(1);
    assert!(said.contains("has been replaced already"), "{said}");
    let said = study(&desk, &["undo", "Tour", "5", "--why", "They did not refuse."]).failed(1);
    assert!(said.contains("entry 6 rests on it"), "{said}");
    record(&base[3], &["--both", "no-contact"]).ended(0);
    let next = study(&desk, &["replace", "Tour", &base[3], "--commit", "--json"]).json(0);
    assert_eq!(next["unit"], json!(reserve[1]), "the second of the reserve, because the first is in the field");
    record(&reserve[0], &["--both", "complete"]).ended(0);
    record(&reserve[1], &["--both", "invited"]).ended(0);

    // Rates with their counts: three complete, one partial, one not reached, one unknown.
    let text = study(&desk, &["show", "Tour"]).ended(0);
    assert!(text.contains("RR1 = I / (I + P + R + NC + O + U) = 3 / (3 + 1 + 0 + 1 + 0 + 1) = .5000"), "{text}");
    assert!(text.contains("RR5 = I / (I + P + R + NC + O) = 3 / (3 + 1 + 0 + 1 + 0) = .6000"), "{text}");

    // Numbers: once, for all, of chance; after that nobody comes in.
    let release = ["release", "Tour", "out.csv", "--show", "focus", "--commit"];
    study(&desk, &release).failed(1);
    let preview = study(&desk, &["number", "Tour"]).ended(0);
    assert!(preview.contains("1 group has not answered yet"), "{preview}");
    let given = study(&desk, &["number", "Tour", "--commit", "--json"]).json(0);
    assert_eq!(given["numbers"].as_object().unwrap().len(), 6);
    study(&desk, &["number", "Tour", "--commit"]).failed(1);
    record(&reserve[1], &["--both", "no-contact"]).ended(0);
    let said = study(&desk, &["replace", "Tour", &reserve[1]]).ended(0);
    assert!(said.contains("would take"), "{said}");
    let said = study(&desk, &["replace", "Tour", &reserve[1], "--commit"]).failed(1);
    assert!(said.contains("study numbers were given already"), "{said}");
    // A group is found by its number too.
    let number = given["numbers"].as_object().unwrap().iter().find(|(_, unit)| **unit == json!(reserve[1])).unwrap().0;
    study(&desk, &["record", "Tour", number, "--coordinator", "complete", "--members", "complete"]).ended(0);

    // Release: nothing small goes out by itself.
    let small = study(&desk, &[&release[..], &["--json"]].concat()).json(3);
    assert!(!small["small"].as_array().unwrap().is_empty() && small["written"] == false, "{small:#}");
    assert!(!desk.file("out.csv").exists());
    study(&desk, &["release", "Tour", "out.csv", "--show", "shoes"]).failed(2);
    study(&desk, &[&release[..], &["--despite", "The groups asked to be named."]].concat()).ended(0);
    let released = std::fs::read_to_string(desk.file("out.csv")).unwrap();
    assert!(released.starts_with("study_number,focus\n1,") && released.lines().count() == 7, "{released}");
    assert!(!released.contains(&desk.id) && !released.contains("Circle"), "{released}");
    study(&desk, &release).failed(1);
    study(&desk, &["release", "Tour", "all.csv", "--show", "focus", "--coarser", "--commit"]).ended(0);
    assert!(std::fs::read_to_string(desk.file("all.csv")).unwrap().starts_with("study_number\n1\n"));
    // Two files that are harmless each are joined by the numbers: the second is looked at with the first beside it.
    let second = ["release", "Tour", "more.csv", "--show", "area"];
    let joined = study(&desk, &[&second[..], &["--commit", "--json"]].concat()).json(3);
    assert_eq!((&joined["before"], &joined["written"]), (&json!(["focus"]), &json!(false)), "{joined:#}");
    assert!(joined["small"][0]["shown"]["focus"].is_string() && !desk.file("more.csv").exists(), "{joined:#}");
    assert!(study(&desk, &second).ended(3).contains("Released before"));
    // Nor is the number of groups that may be told apart lowered without a reason.
    let said = study(&desk, &[&second[..], &["--k", "1", "--commit"]].concat()).failed(2);
    assert!(said.contains("--despite"), "{said}");

    // Local: what is published and exported knows nothing of the study.
    desk.run(&["export", "groups-out.csv"]).ended(0);
    let mut places = vec![std::fs::read(desk.file("groups-out.csv")).unwrap()];
    places.extend(all(&desk.file("mutuald-state/feed")).into_values());
    for bytes in places {
        for word in ["outsiders", "Tour", "no-contact"] {
            assert!(!bytes.windows(word.len()).any(|window| window == word.as_bytes()), "{word}");
        }
    }
    desk.run(&["registry", "check"]).ended(0);
}

/// Negative coordination (F10): who was asked for one study is asked last for the next.
#[test]
fn a_group_drawn_for_one_study_is_drawn_last_for_another() {
    let desk = desk();
    let first = sample(&desk, "First", "4", &[]).json(0);
    let base = units(&first, "base");
    study(&desk, &["open", "frozen", "--study", "First"]).ended(0);
    // One of its reserve was asked as well, and is spared as well.
    study(&desk, &["record", "First", &base[0], "--both", "closed"]).ended(0);
    study(&desk, &["replace", "First", &base[0], "--commit"]).ended(0);
    let mut used: BTreeSet<String> = base.iter().cloned().collect();
    used.insert(units(&first, "reserve")[0].clone());

    let apart = |drawn: &Value| units(drawn, "base").iter().all(|unit| !used.contains(unit));
    let second = sample(&desk, "Second", "7", &["--spare", "First"]).json(0);
    assert!(apart(&second), "{second:#}");
    assert_eq!(units(&second, "base")[0], units(&first, "reserve")[1], "it begins where the first ended");
    // Probabilities are what they are without it: the line only begins elsewhere.
    assert_eq!(second["base"][0]["pi"], json!(7.0 / 12.0));
    let all = sample(&desk, "All", "12", &["--spare", "First"]).json(0);
    let order = units(&all, "base");
    assert_eq!(order[7..].iter().cloned().collect::<BTreeSet<_>>(), used, "the first study's come last");
    let quota =
        sample(&desk, "Quota", "7", &["--spare", "First", "--design", "quota", "--quota", "focus=mental-ill-health:2"]);
    // Where too few others fill a quota, and only as far as it takes, a spared group is drawn all the same.
    let frame = Frame::read(&read(&desk.file("frozen")).unwrap()[FRAME]).unwrap();
    let ill = |row: &&Row| row.values.get("focus").is_some_and(|focus| focus.contains("mental-ill-health"));
    let left = frame.units().filter(ill).filter(|row| !used.contains(&row.id.to_string())).count();
    let quota = units(&quota.json(0), "base");
    let spared = quota.iter().filter(|unit| used.contains(*unit)).count();
    assert_eq!((quota.len(), spared), (7, 2_usize.saturating_sub(left)), "{left} of the focus were not drawn before");
    // After a ticket means after it.
    let last = first["base"][3]["ticket"].as_str().unwrap();
    let after = sample(&desk, "After", "1", &["--after", last]).json(0);
    assert_eq!(units(&after, "base")[0], units(&first, "reserve")[0]);

    let other =
        ["frame", "sample", "frozen", "--study", "Other", "--seed", "5", "--how", "Dice.", "--n", "2", "--commit"];
    let said = desk.run(&[&other[..], &["--spare", "First"]].concat()).failed(2);
    assert!(said.contains("another seed") && said.contains("27182"), "{said}");
    let strata = ["--design", "stratified", "--by", "focus", "--spare", "First"];
    let said = commit(&desk, "Strata", "3", &strata).failed(2);
    assert!(said.contains("without bending the probabilities"), "{said}");
    commit(&desk, "Nobody", "3", &["--spare", "No such"]).failed(2);
    assert!(desk.run(&["frame", "verify", "frozen"]).ended(0).contains("Everything is as the hub signed it"));
}

fn suitable(name: &str, area: &str) -> Group {
    let met = json!({"value": "met", "date": "2026-01-10"});
    let not = json!({"value": "not_met", "date": "2026-01-10"});
    let group = json!({
        "name": name, "place": {"locality": name, "area": area}, "topics": ["depression"],
        "criteria": {
            "shared-experience": met, "mutual-support-primary": met, "members-control": met, "voluntary": met,
            "prescribed-programme": not,
        },
    });
    Group::read(&group.to_string()).unwrap()
}

fn plan() -> Plan {
    let definition = json!({
        "sampleFrameName": "both-2026", "custodian": "Research Hub", "universe": "Groups of two hubs", "unitType": "group",
        "referencePeriod": "2026-11-22", "updateProcedure": "Built anew each year", "area": ["E0"], "asOf": "2026-11-22", "sources": [],
        "rollUp": "esteem2013", "policy": "-", "registry": "-",
    });
    let profile = mutuald::frame::profile::Profile::shipped("seebohm2013").unwrap();
    Plan { definition: serde_json::from_value(definition).unwrap(), profile }
}

fn ask(study: &str, n: usize, reserve: usize) -> Ask {
    Ask {
        study: study.into(),
        seed: "314159".into(),
        how: "Six dice at the annual meeting.".into(),
        design: Design::Simple { n },
        line: None,
        reserve,
        again: None,
    }
}

fn part(codes: &[&str]) -> Among {
    Among { part: codes.iter().map(|code| (*code).to_owned()).collect(), ..Among::default() }
}

fn codes(files: &Files) -> Vec<(String, String)> {
    verify(files).findings.into_iter().map(|finding| (finding.file, finding.code)).collect()
}

fn replay(folder: &Path) -> Vec<Draw> {
    let files = read(folder).unwrap();
    let checked = verify(&files);
    let (frame, digest) = (Frame::read(&files[FRAME]).unwrap(), checked.digest.unwrap());
    checked.draws.iter().map(|one| Draw::replay(&frame, &digest, &files[&one.file]).unwrap()).collect()
}

/// Issue 5, Done when 4, with real hubs, keys and folders; as a law of random frames it is `two_hubs_draw_one_sample`.
#[tokio::test]
async fn two_hubs_draw_apart_from_one_frozen_frame_and_have_the_order_of_one_registry() {
    let research = TestHub::new("Research Hub", 61).await;
    let (here, there) = (TestHub::new("Nottingham Hub", 62).await, TestHub::new("Essex Hub", 63).await);
    let groups: Vec<(Uuid, Group)> = (0..17u128)
        .map(|n| {
            let area = if n % 3 == 0 { "E07000071" } else { "E06000018" };
            (Uuid::from_u128(n + 1), suitable(&format!("{} {n}", NAMES[n as usize % 12]), area))
        })
        .collect();
    research.put(&groups).await;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let frame = research.hub.build_frame(&plan()).await.unwrap();
    assert_eq!(frame.units().count(), 17);
    research.hub.freeze_frame(&frame, &at("frozen")).await.unwrap();
    for copied in ["here", "there", "later"] {
        copy(&at("frozen"), &at(copied));
    }
    let (first, file) = here.hub.draw_among(&at("here"), ask("Both", 4, 99), part(&["E06"])).await.unwrap();
    assert_eq!(file, format!("draws/{}.1.txt", here.hub.id));
    let (second, _) = there.hub.draw_among(&at("there"), ask("Both", 3, 99), part(&["E07"])).await.unwrap();
    assert_eq!((first.base[0].population, second.base[0].population), (11, 6));
    let came = gather(&at("frozen"), &[at("here"), at("there")]).unwrap();
    assert_eq!(came.len(), 6, "a draw, a seal and a document of each: {came:?}");
    assert_eq!(gather(&at("frozen"), &[at("here")]).unwrap(), [""; 0], "twice is once");
    let files = read(&at("frozen")).unwrap();
    let checked = verify(&files);
    assert_eq!((checked.findings.as_slice(), checked.draws.len()), (&[][..], 2));
    assert_eq!(checked.hub_name.as_deref(), Some("Research Hub"));

    // One order, that of a hub with all of it, and of anybody with the tickets.
    let order = together(&replay(&at("frozen"))).unwrap();
    let ids: Vec<String> = frame.units().map(|row| row.id.to_string()).collect();
    assert_eq!(order, Line::default().order(&Seed::new("314159"), ids.iter().map(String::as_str)));
    let (whole, _) = research.hub.draw_frame(&at("later"), ask("Whole", 7, 10)).await.unwrap();
    let single: Vec<&str> = whole
        .base
        .iter()
        .map(|one| one.unit.as_str())
        .chain(whole.reserve.iter().map(|one| one.unit.as_str()))
        .collect();
    assert_eq!(order.iter().map(|one| one.unit.as_str()).collect::<Vec<_>>(), single);

    // Every byte of what other hubs brought is covered, and none can be taken away.
    for name in &came {
        let mut less = files.clone();
        less.remove(name);
        assert!(!codes(&less).is_empty(), "{name} can be taken away");
        for place in (0..files[name].len()).step_by(7) {
            let mut changed = files.clone();
            changed.get_mut(name).unwrap()[place] ^= 1;
            assert!(codes(&changed).iter().any(|(file, _)| file == name), "byte {place} of {name}");
        }
    }
    // Essex's draw under Nottingham's name is Essex's all the same.
    let mut renamed = Files::new();
    for (name, bytes) in &files {
        renamed.insert(name.replace(&there.hub.id.to_string(), &research.hub.id.to_string()), bytes.clone());
    }
    assert!(!codes(&renamed).is_empty());

    // Nobody draws a part again without a reason: neither the hub that did, nor another that has seen it.
    let refused = |error: anyhow::Error| assert!(error.to_string().contains("drawn from again"), "{error:#}");
    std::fs::remove_dir_all(at("here/draws")).unwrap();
    refused(here.hub.draw_among(&at("here"), ask("Both", 4, 9), part(&["E0600"])).await.unwrap_err());
    refused(research.hub.draw_frame(&at("frozen"), ask("Both", 4, 9)).await.unwrap_err());
    research.clock.advance(jiff::SignedDuration::from_secs(60));
    let again = Ask { again: Some("The advisory group asked for one draw.".into()), ..ask("Both", 4, 9) };
    research.hub.draw_frame(&at("frozen"), again).await.unwrap();
    assert_eq!(codes(&read(&at("frozen")).unwrap()), []);
    // Another part is not drawn again.
    here.hub.draw_among(&at("here"), ask("Both", 2, 9), part(&["E07"])).await.unwrap();
    for hub in [&research, &here, &there] {
        hub.check_hub().await;
    }
}

/// USERS 3.2, guard 5, as far as samples go: one area, one profile, one reference window. Draws of two frames are never taken together.
#[tokio::test]
async fn guard_5_draws_of_different_frames_make_no_sample_together() {
    let hub = TestHub::new("Research Hub", 64).await;
    hub.put(&[
        (Uuid::from_u128(1), suitable("Alder", "E06000018")),
        (Uuid::from_u128(2), suitable("Birch", "E07000071")),
    ])
    .await;
    let folder = tempfile::tempdir().unwrap();
    let frame = hub.hub.build_frame(&plan()).await.unwrap();
    let mut box1 = plan();
    box1.definition.as_of = "2026-11-21".parse().unwrap();
    let other = hub.hub.build_frame(&box1).await.unwrap();
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    hub.hub.freeze_frame(&frame, &one).await.unwrap();
    hub.hub.freeze_frame(&other, &two).await.unwrap();
    let (first, _) = hub.hub.draw_among(&one, ask("Both", 1, 9), part(&["E06"])).await.unwrap();
    let (second, _) = hub.hub.draw_among(&two, ask("Both", 1, 9), part(&["E07"])).await.unwrap();
    let said = together(&[first, second]).unwrap_err();
    assert!(said.to_string().contains("different frames"), "{said}");
    let said = gather(&one, std::slice::from_ref(&two)).unwrap_err();
    assert!(said.to_string().contains("another frame"), "{said:#}");
    assert_eq!(codes(&read(&one).unwrap()), []);
}

/// USERS 3.2, guard 8, as far as samples go: of a tiny frame the fraction is said, and what would name a group is warned of.
#[test]
fn guard_8_a_tiny_frame_is_honest_about_its_fraction_and_its_cells() {
    let desk = desk();
    sample(&desk, "Tiny", "10", &[]).json(0);
    let opened = study(&desk, &["open", "frozen", "--study", "Tiny"]).ended(0);
    assert!(opened.contains("10 of 12 drawn (83.3 %), 2 in reserve"), "{opened}");
    study(&desk, &["number", "Tiny", "--commit"]).ended(0);
    let found =
        study(&desk, &["release", "Tiny", "x.csv", "--show", "area", "--show", "focus", "--commit", "--json"]).json(3);
    assert!(found["small"].as_array().unwrap().iter().all(|cell| cell["count"].as_u64().unwrap() < 5));
    assert_eq!(found["proposal"].as_array().unwrap().last().unwrap()["left"], 0, "{found:#}");
    assert!(!desk.file("x.csv").exists());
    let coarser = ["release", "Tiny", "x.csv", "--show", "area", "--show", "focus", "--coarser", "--commit", "--json"];
    let written = study(&desk, &coarser).json(0);
    assert_eq!((&written["small"], &written["written"]), (&json!([]), &json!(true)));
}
