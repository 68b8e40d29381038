//! Frames that hubs share: published in the feed, pulled, checked and cited elsewhere, taken back and erased; and who may use one.

use crate::support::TestHub;
use crate::support::command::{Desk, run};
use crate::support::feed::{self, all, audited, repository};
use crate::support::hub::copy;
use mutuald::node::demo::invent;
use mutuald::node::frames::uses::NewUse;
use mutuald::node::frames::verify::{open, verify};
use mutuald::node::frames::{self, Plan, read};
use mutuald::record::{FramePart, Group, HubId};
use mutuald::store;
use serde_json::{Value, json};
use std::path::Path;
use uuid::Uuid;

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

/// Words that stand in a frame's own description and nowhere else.
const WORDS: &str = "Self-help groups of the Trent valley, as the sexton knew them";

fn plan(name: &str) -> Plan {
    let definition = serde_json::from_value(json!({
        "sampleFrameName": name, "labl": "Groups of Nottinghamshire", "custodian": "Nottingham Hub", "universe": WORDS, "unitType": "group",
        "referencePeriod": "2026", "updateProcedure": "Built anew each year", "area": [], "asOf": "2026-11-22", "sources": [],
        "rollUp": "esteem2013", "policy": "-", "registry": "-", "useStmt": "Research with ethical approval; ask the hub for the rows.",
    }))
    .unwrap();
    Plan { definition, profile: mutuald::frame::profile::Profile::shipped("seebohm2013").unwrap() }
}

fn groups(n: usize) -> Vec<(Uuid, Group)> {
    (1..).map(id).zip(invent::nottingham(1).into_iter().take(n)).collect()
}

/// A hub that has frozen a frame of its groups, one of which must not be listed.
async fn frozen(seed: u64, folder: &Path) -> TestHub {
    let hub = TestHub::new("Nottingham Hub", seed).await;
    hub.put(&groups(12)).await;
    let frame = hub.hub.build_frame(&plan("nottingham-2026")).await.unwrap();
    assert_eq!(frame.units().count(), 12);
    hub.hub.freeze_frame(&frame, folder).await.unwrap();
    hub
}

/// Done when 6, through the program: published, pulled, listed, checked against the folder that was handed over, cited, taken back.
#[test]
fn a_published_frame_is_pulled_verified_and_cited_at_another_hub() {
    let (nottingham, essex) = (Desk::new("Nottingham Hub"), Desk::new("Essex Hub"));
    nottingham.fill(
        "groups.csv",
        &[
            &[("Group name", "Carers Circle"), ("Town or village", "Beeston"), ("Telephone", "01632 960001")],
            &[("Group name", "Stroke Friends"), ("Town or village", "Arnold"), ("Telephone", "01632 960002")],
        ],
    );
    nottingham.run(&["import", "groups.csv", "--commit"]).ended(0);
    nottingham.run(&["frame", "define", "nottingham", "--profile", "box1", "--universe", WORDS]).ended(0);
    nottingham.run(&["frame", "decide", "nottingham", "carers", "--include", "--why", "Asked by telephone."]).ended(0);
    let digest = nottingham.run(&["frame", "freeze", "nottingham", "frozen", "--json"]).json(0)["digest"].clone();
    let digest = digest.as_str().unwrap();

    // It is shown before it is said, and nothing of a group is in it.
    let preview = nottingham.run(&["frame", "publish", "frozen"]).ended(0);
    assert!(
        preview.contains("Nothing was said") && preview.contains(WORDS) && !preview.contains("Carers"),
        "{preview}"
    );
    assert!(!nottingham.run(&["frame", "list"]).ended(0).contains("this hub"));
    let said = nottingham.run(&["frame", "publish", "frozen", "--commit", "--json"]).json(0);
    assert_eq!((&said["frame"]["numberOfUnits"], &said["frame"]["digest"]), (&json!(1), &json!(digest)));
    nottingham.run(&["frame", "publish", "frozen", "--commit"]).failed(1);
    assert!(nottingham.run(&["feed", "show"]).ended(0).contains("sampling frame nottingham, 1 units"));

    let served = nottingham.serve();
    essex.run(&["partner", "add", &served.url, "--hub", &nottingham.id]).ended(0);
    essex.run(&["partner", "pull", "--all"]).ended(0);
    let listed = essex.run(&["frame", "list", "--json"]).json(0);
    let [one] = &listed["published"].as_array().unwrap()[..] else { panic!("{listed:#}") };
    assert_eq!(
        (&one["hub_name"], &one["own"], &one["part"]["digest"]),
        (&json!("Nottingham Hub"), &json!(false), &json!(digest))
    );
    let text = essex.run(&["frame", "list"]).ended(0);
    assert!(text.contains("nottingham") && text.contains("Nottingham Hub") && text.contains(&digest[..12]), "{text}");

    // The folder goes to Essex by an agreement, and is checked there against what was published.
    copy(&nottingham.file("frozen"), &essex.file("received"));
    let checked = essex.run(&["frame", "verify", "received", "--published", "--json"]).json(0);
    assert_eq!((&checked["findings"], &checked["published"]["hub_name"]), (&json!([]), &json!("Nottingham Hub")));
    let frame = essex.file("received/frame.txt");
    let whole = std::fs::read_to_string(&frame).unwrap();
    std::fs::write(&frame, whole.replacen("Trent", "Tront", 1)).unwrap();
    let bad = essex.run(&["frame", "verify", "received", "--published", "--json"]).json(3);
    let codes: Vec<&str> = bad["findings"].as_array().unwrap().iter().filter_map(|one| one["code"].as_str()).collect();
    assert!(codes.contains(&"frame-changed") && codes.contains(&"frame-other-published"), "{codes:?}");
    std::fs::write(&frame, whole).unwrap();

    // Cited there, and by whoever has the folder and no hub: the same bytes are meant.
    let cited = essex.run(&["frame", "cite", "nottingham"]).ended(0);
    assert!(cited.contains(digest) && cited.contains("Nottingham Hub") && cited.contains("box1 version"), "{cited}");
    let stranger = tempfile::tempdir().unwrap();
    copy(&essex.file("received"), &stranger.path().join("received"));
    assert!(run(stranger.path(), &["frame", "cite", "received"]).ended(0).contains(digest));
    let cff = essex.run(&["frame", "cite", "nottingham", "--as", "cff"]).ended(0);
    for line in ["cff-version: 1.2.0", "type: dataset", &format!("    value: \"sha256:{digest}\"")] {
        assert!(cff.lines().any(|one| one == line), "{line}: {cff}");
    }
    essex.run(&["frame", "cite", "nottingham", "--as", "datacite", "--out", "datacite.json"]).ended(0);
    let datacite: Value = serde_json::from_slice(&std::fs::read(essex.file("datacite.json")).unwrap()).unwrap();
    assert_eq!(datacite["alternateIdentifiers"][0]["alternateIdentifier"], json!(digest));
    assert_eq!(datacite["rightsList"][0]["rightsIdentifier"], "CC-BY-4.0");
    essex.run(&["frame", "cite", "nottingham-2030"]).failed(2);
    essex.run(&["frame", "withdraw", "nottingham", "--commit"]).failed(2);

    // Taken back with its words: Essex has neither at its next pull.
    let dry = nottingham.run(&["frame", "withdraw", "nottingham", "--erase"]).ended(0);
    assert!(dry.contains("Nothing was changed"), "{dry}");
    nottingham.run(&["frame", "withdraw", "nottingham", "--erase", "--commit"]).ended(0);
    essex.run(&["partner", "pull", "--all"]).ended(0);
    assert_eq!(essex.run(&["frame", "list", "--json"]).json(0)["published"], json!([]));
    let gone = essex.run(&["frame", "verify", "received", "--published", "--json"]).json(3);
    assert_eq!(gone["findings"][0]["code"], "frame-not-published");
    for desk in [&nottingham, &essex] {
        assert_eq!(desk.run(&["registry", "check", "--json"]).json(0)["findings"], json!([]));
    }
}

/// Erased words of a frame are nowhere at a partner, whoever rebuilds what; and what is published tells nobody what is withheld.
#[tokio::test]
async fn erasing_a_published_frame_leaves_none_of_its_words_at_a_partner() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("frozen");
    let here = frozen(91, &path).await;
    let there = TestHub::new("Essex Hub", 92).await;
    there.follow(&here).await;
    let files = read(&path).unwrap();
    let (part, _) = here.hub.publish_frame(&files).await.unwrap();
    assert!(here.hub.publish_frame(&files).await.is_err(), "published already");
    assert!(there.hub.plan_publishing(&files).await.unwrap_err().to_string().contains("Nottingham Hub"));
    assert_eq!(there.pull(&here).await.state, "changed");
    let shared = there.hub.shared_frames().await.unwrap().frames;
    assert_eq!((shared.len(), &shared[0].part), (1, &part));
    let (found, findings) = there.hub.compare_published(&open(&files)).await.unwrap();
    assert!(found.is_some() && findings.is_empty(), "{findings:?}");
    // No group is made of it, and the digest of the registry knows nothing of it.
    assert_eq!(there.hub.digest().await.unwrap().groups, 12);
    there.hub.rebuild().await.unwrap();
    assert_eq!(there.hub.shared_frames().await.unwrap().frames, shared);
    here.check_hub().await;
    there.check_hub().await;
    assert!(!there.files_with(WORDS.as_bytes()).await.is_empty());

    // A new log says it again.
    here.rotate().await;
    // Past the hour after which a hub document is asked for again.
    here.clock.advance(jiff::SignedDuration::from_mins(61));
    there.clock.set(here.clock.now());
    assert_eq!(there.pull(&here).await.state, "changed");
    assert_eq!(there.hub.shared_frames().await.unwrap().frames[0].part, part);

    let own = here.hub.shared_frames().await.unwrap().frames.remove(0);
    assert!(there.hub.take_frame_back(&shared[0], true).await.is_err(), "another hub's");
    here.hub.take_frame_back(&own, true).await.unwrap();
    there.pull(&here).await;
    for hub in [&here, &there] {
        assert_eq!(hub.hub.shared_frames().await.unwrap().frames, [], "at {}", hub.hub.name);
        hub.check_hub().await;
    }
    assert_eq!(there.files_with(WORDS.as_bytes()).await, Vec::<std::path::PathBuf>::new());
    // The frame's folder is the researcher's own, and stays as it was signed.
    assert!(verify(&read(&path).unwrap()).findings.is_empty());
}

/// What must not be listed is counted with what was taken out for other reasons, so that no count of an area tells of it; and fewer than
/// five such groups are counted in no frame at all, be it published or handed over (USERS L8).
#[tokio::test]
async fn a_published_count_does_not_tell_that_a_group_is_withheld() {
    let folder = tempfile::tempdir().unwrap();
    let hub = TestHub::new("Nottingham Hub", 93).await;
    let partner = TestHub::new("Essex Hub", 94).await;
    hub.put(&groups(6)).await;
    // A partner's records that this hub's people found to need more protection than they have.
    let theirs: Vec<(Uuid, Group)> =
        (50..).map(id).zip(groups(12).into_iter().skip(6).map(|(_, group)| group)).collect();
    partner.put(&theirs[..5]).await;
    hub.follow(&partner).await;
    hub.pull(&partner).await;
    let protect = async |n: u128| {
        let on = mutuald::record::RecordRef { hub: partner.hub.id, rec: id(n) };
        let body = mutuald::record::statement::Body::Safety { on, level: "unlisted".into(), lowered: None };
        hub.hub.say(&[mutuald::node::author::Draft { id: id(n + 10), rev: 1, body, public: None }]).await.unwrap();
    };
    let withheld = |step: &mutuald::frame::flow::Step| step.left.get("withheld").copied();
    for n in 50..54 {
        protect(n).await;
    }
    let few = hub.hub.build_frame(&plan("nottingham-2026")).await.unwrap();
    let counts: Vec<usize> = few.flow.steps().iter().map(|step| step.count).collect();
    assert_eq!((few.flow.steps().iter().find_map(withheld), &counts[..3]), (None, &[7, 7, 7][..]));
    protect(54).await;
    let frame = hub.hub.build_frame(&plan("nottingham-2026")).await.unwrap();
    assert_eq!(frame.flow.steps().iter().find_map(withheld), Some(5), "{:#?}", frame.flow.steps());
    hub.hub.freeze_frame(&frame, &folder.path().join("frozen")).await.unwrap();
    let (part, _) = hub.hub.publish_frame(&read(&folder.path().join("frozen")).unwrap()).await.unwrap();
    assert!(!part.json().contains("withheld"), "{}", part.json());
    assert_eq!(FramePart::read(&part.json()).unwrap(), part);
    assert!(part.counts.iter().any(|step| step.left.get("taken-out") == Some(&5)), "{part:#?}");
}

/// Words that may be somebody's own are not signed for everybody to read.
#[tokio::test]
async fn a_frame_that_names_somebody_is_not_published() {
    let folder = tempfile::tempdir().unwrap();
    let hub = TestHub::new("Nottingham Hub", 95).await;
    hub.put(&groups(3)).await;
    for (n, words) in
        ["Kept by Dr Jane Whitlow", "Ask on 07700 900123", "Ask jane.whitlow@example.org"].iter().enumerate()
    {
        let mut plan = plan("nottingham-2026");
        plan.definition.custodian = (*words).to_owned();
        let path = folder.path().join(n.to_string());
        hub.hub.freeze_frame(&hub.hub.build_frame(&plan).await.unwrap(), &path).await.unwrap();
        let refused = hub.hub.publish_frame(&read(&path).unwrap()).await.unwrap_err().to_string();
        assert!(refused.contains("custodian") && !refused.contains("Whitlow"), "{refused}");
    }
    assert!(hub.hub.shared_frames().await.unwrap().frames.is_empty());
}

/// To an earlier version a frame was a type that it did not know: kept, passed on, without effect. After an upgrade it is there, and what
/// was erased of it meanwhile is gone.
#[tokio::test]
async fn a_hub_that_pulled_frames_before_it_knew_them_has_them_after_an_upgrade() {
    let folder = tempfile::tempdir().unwrap();
    let here = frozen(96, &folder.path().join("a")).await;
    let there = TestHub::new("Essex Hub", 97).await;
    there.follow(&here).await;
    here.hub.publish_frame(&read(&folder.path().join("a")).unwrap()).await.unwrap();
    let second = here.hub.build_frame(&plan("nottingham-2027")).await.unwrap();
    here.hub.freeze_frame(&second, &folder.path().join("b")).await.unwrap();
    here.hub.publish_frame(&read(&folder.path().join("b")).unwrap()).await.unwrap();
    there.pull(&here).await;
    let known = there.hub.shared_frames().await.unwrap();
    assert_eq!(known.frames.len(), 2);
    // As that version left it: no record stands for a frame.
    let forget = async || {
        let mut db = there.hub.store.write().await.unwrap();
        sqlx::query("DELETE FROM record WHERE kind = 2").execute(&mut *db).await.unwrap();
        store::set(&mut db, "understood", "safety").await.unwrap();
        db.commit().await.unwrap();
    };
    forget().await;
    assert!(there.hub.shared_frames().await.unwrap().frames.is_empty());
    there.hub.refresh().await.unwrap();
    assert_eq!(there.hub.shared_frames().await.unwrap(), known);
    there.check_hub().await;

    // One is erased; the pull that brings this is the earlier version's, which obeys no erasure of a type it does not know.
    let own = here.hub.shared_frames().await.unwrap().frames;
    here.hub.take_frame_back(&own[0], true).await.unwrap();
    let line: String = {
        let mut db = there.hub.store.read().await.unwrap();
        store::frame::published(&mut db)
            .await
            .unwrap()
            .into_iter()
            .find(|row| row.rec == own[0].record.rec.as_bytes())
            .unwrap()
            .line
    };
    there.pull(&here).await;
    let mut db = there.hub.store.write().await.unwrap();
    for sql in ["DELETE FROM erasure", "DELETE FROM erased", "DELETE FROM hidden"] {
        sqlx::query(sql).execute(&mut *db).await.unwrap();
    }
    let put: i64 = sqlx::query_scalar("SELECT put FROM record WHERE kind = 2 AND rec = ?")
        .bind(&own[0].record.rec.as_bytes()[..])
        .fetch_one(&mut *db)
        .await
        .unwrap();
    sqlx::query("UPDATE leaf SET line = ? WHERE pos = ?").bind(&line).bind(put).execute(&mut *db).await.unwrap();
    db.commit().await.unwrap();
    forget().await;
    there.hub.refresh().await.unwrap();
    let left = there.hub.shared_frames().await.unwrap().frames;
    assert_eq!(left.len(), 1);
    assert_ne!(left[0].record, own[0].record);
    let mut db = there.hub.store.read().await.unwrap();
    let lines: i64 =
        sqlx::query_scalar("SELECT count(*) FROM leaf WHERE line = ?").bind(&line).fetch_one(&mut *db).await.unwrap();
    assert_eq!(lines, 0, "the erased words are out of sight");
    drop(db);
    // And not for a week, as words are that were only taken back.
    there.clock.advance(jiff::SignedDuration::from_hours(1));
    assert_eq!(there.hub.sweep().await.unwrap(), [""; 0]);
    let found = there.files_with(&line.as_bytes()[..22]).await;
    assert!(found.is_empty(), "{found:?}");
    there.check_hub().await;
}

/// A frame and its feed, frozen with this version: both verify for ever.
const GOLDEN: &str = "schema/vectors/golden-frame";
/// The hub of [`GOLDEN`].
const GOLDEN_HUB: &str = "h-xqominxzideliqztkrdjj56g3ulqk7y2";

async fn golden() -> (TestHub, feed::Files) {
    let folder = tempfile::tempdir().unwrap();
    let hub = TestHub::new("Sneinton", 72).await;
    hub.put(&groups(3)).await;
    let frame = hub.hub.build_frame(&plan("sneinton-2026")).await.unwrap();
    let path = folder.path().join("frozen");
    hub.hub.freeze_frame(&frame, &path).await.unwrap();
    hub.hub.publish_frame(&read(&path).unwrap()).await.unwrap();
    let mut files = feed::current(&hub.hub.config.feed());
    files.extend(all(&path).into_iter().map(|(name, bytes)| (format!("frozen/{name}"), bytes)));
    (hub, files)
}

/// `BLESS=1` writes it where there is none yet; once frozen it is never written again.
#[tokio::test]
async fn a_published_frame_of_this_version_stays_as_it_is() {
    let (hub, made) = golden().await;
    let folder = repository(GOLDEN);
    if std::env::var_os("BLESS").is_some() && !folder.exists() {
        feed::write(&made, &folder);
        eprintln!("the hub is {}", hub.hub.id);
    }
    let frozen = all(&folder);
    assert_eq!(made.keys().collect::<Vec<_>>(), frozen.keys().collect::<Vec<_>>());
    for (path, bytes) in &frozen {
        assert!(made[path] == *bytes, "{path} is no longer written as it was");
    }
}

#[tokio::test]
async fn the_golden_frame_verifies_for_ever() {
    let id: HubId = GOLDEN_HUB.parse().unwrap();
    let copy = tempfile::tempdir().unwrap();
    let mut files = all(&repository(GOLDEN));
    files.retain(|path, _| !path.starts_with("frozen/"));
    feed::write(&files, copy.path());
    let found = audited(copy.path(), id).await.unwrap();
    assert!(found.sound(), "{found}");
    let kinds: Vec<&str> = found.leaves.keys().map(String::as_str).collect();
    assert!(kinds.contains(&"frame put"), "{kinds:?}");
    let folder = frames::read(&repository(GOLDEN).join("frozen")).unwrap();
    let checked = verify(&folder);
    assert_eq!((checked.findings.len(), checked.hub, checked.units), (0, Some(id), 3), "{checked:#?}");
    let text = String::from_utf8(files["v1/1/part/public/000.p/6"].clone()).unwrap();
    let part = FramePart::read(mutuald::record::part::json(text.lines().last().unwrap()).unwrap()).unwrap();
    assert_eq!(Some(part.digest), checked.digest);
}

/// The register of research uses: noted, shown to trustees, asked about before and after its end.
#[tokio::test]
async fn a_research_use_is_shown_to_trustees_and_its_end_is_asked_about() {
    let hub = TestHub::new("Nottingham Hub", 98).await;
    let new = NewUse {
        study: "ESTEEM again".into(),
        ethics: "Nottingham REC 26/EM/0123".into(),
        purpose: "Interviews with coordinators of ten groups".into(),
        frame: "nottingham-2026".into(),
        digest: Some("0".repeat(64)),
        reader: "University of Nottingham".into(),
        fields: vec!["frame_unit_id".into(), "focus_domain".into()],
        until: "2027-02-28".parse().unwrap(),
    };
    let wrong = [
        NewUse { reader: "Prof Jane Whitlow".into(), ..new.clone() },
        NewUse { purpose: "Ask jane@example.org".into(), ..new.clone() },
        NewUse { ethics: " ".into(), ..new.clone() },
        NewUse { fields: Vec::new(), ..new.clone() },
        NewUse { fields: vec!["The name of the group".into()], ..new.clone() },
        NewUse { until: "2026-11-21".parse().unwrap(), ..new.clone() },
    ];
    for bad in &wrong {
        assert!(hub.hub.note_use(bad).await.is_err(), "{bad:?}");
    }
    let number = hub.hub.note_use(&new).await.unwrap();
    let register = async || {
        let documents = hub.hub.documents().await.unwrap();
        documents.iter().find(|one| one.name == "register").unwrap().markdown()
    };
    let shown = register().await;
    for words in ["ESTEEM again", "University of Nottingham", "26/EM/0123", "until 2027-02-28", "focus_domain"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let reminders =
        async || -> Vec<String> { hub.hub.uses().await.unwrap().iter().filter_map(|one| one.reminder()).collect() };
    assert_eq!(reminders().await, Vec::<String>::new(), "98 days are left");
    hub.clock.set("2027-02-01T09:00:00Z".parse().unwrap());
    assert!(reminders().await[0].contains("27 days"));
    hub.hub.extend_use(number, "2027-06-30".parse().unwrap()).await.unwrap();
    assert_eq!(reminders().await, Vec::<String>::new());
    hub.clock.set("2027-07-10T09:00:00Z".parse().unwrap());
    assert!(reminders().await[0].contains("10 days ago"));
    assert!(register().await.contains("ran out 2027-06-30; nobody has said that it ended"));
    hub.hub.end_use(number).await.unwrap();
    assert_eq!(reminders().await, Vec::<String>::new());
    assert!(
        hub.hub.end_use(number).await.is_err()
            && hub.hub.extend_use(number, "2028-01-01".parse().unwrap()).await.is_err()
    );
    assert!(register().await.contains("ended 2027-07-10"));
    // Nothing of it is published or in the registry.
    assert!(hub.files_with(b"26/EM/0123").await.iter().all(|path| !path.starts_with(hub.hub.config.feed())));
    hub.check_hub().await;
}

/// The same through the program; a use that has run out makes `status` ask for a look.
#[test]
fn the_register_is_kept_by_commands() {
    let desk = Desk::new("Nottingham Hub");
    desk.run(&["frame", "define", "nottingham", "--profile", "box1", "--universe", "All groups"]).ended(0);
    let add = |frame: &str, until: &str| {
        desk.run(&[
            "frame",
            "use",
            "add",
            "ESTEEM again",
            "--frame",
            frame,
            "--ethics",
            "REC 26/1",
            "--purpose",
            "Interviews",
            "--to",
            "University of Nottingham",
            "--field",
            "focus_domain",
            "--until",
            until,
        ])
    };
    add("nowhere", "2999-01-01").failed(2);
    add("nottingham", "2020-01-01").failed(2);
    assert!(add("nottingham", "2999-01-01").ended(0).contains("Noted as 1"));
    assert!(desk.run(&["frame", "use", "list"]).ended(0).contains("University of Nottingham"));
    let documents = desk.run(&["documents", "show", "register"]).ended(3);
    assert!(documents.contains("ESTEEM again"), "{documents}");
    let database = rusqlite::Connection::open(desk.file("mutuald-state/mutuald.db")).unwrap();
    assert_eq!(database.execute("UPDATE frame_use SET expires = '2020-02-01'", []).unwrap(), 1);
    drop(database);
    let status = desk.run(&["status", "--json"]).json(3);
    assert!(status["uses"][0].as_str().unwrap().contains("ask whether it is deleted"), "{status:#}");
    assert!(desk.run(&["status"]).ended(3).contains("Research use   ESTEEM again"));
    desk.run(&["frame", "use", "list"]).ended(3);
    desk.run(&["frame", "use", "end", "1"]).ended(0);
    desk.run(&["frame", "use", "end", "1"]).failed(2);
    desk.run(&["status"]).ended(0);
    assert!(desk.run(&["frame", "use", "list", "--all"]).ended(0).contains("ended"));
}
