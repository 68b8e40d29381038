//! Contacts, consents, people and held words as a hub's people meet them: by the commands.

use crate::support::TestHub;
use crate::support::command::Desk;
use crate::support::feed::all;
use mutuald::record::Group;
use mutuald::record::scan::{Kind, scan};
use serde_json::Value;
use uuid::Uuid;

const SECRET: &str = "07700 900987";

/// The text of a group with words that seem to tell of a person.
const TELLS: &str = "Led by Mrs Margaret Hill";

fn sharing(name: &str) -> Desk {
    let desk = Desk::new(name);
    let file = desk.file("hub.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replacen("[publish]", "[publish]\ncontacts = true", 1)).unwrap();
    desk.run(&["group", "add", "Stroke Circle", "--town", "Nottingham", "--topics", "stroke"]).ended(0);
    desk
}

#[test]
fn a_hub_worker_shares_a_contact_with_consent_and_takes_it_back() {
    let (desk, essex) = (sharing("Nottingham"), Desk::new("Essex"));
    essex.run(&["group", "add", "Another"]).ended(0);
    let served = essex.serve();
    desk.run(&["partner", "add", &served.url, "--hub", &essex.id]).ended(0);

    let said = desk.run(&["contact", "add", "Stroke Circle", "--role", "coordinator", "--phone", SECRET]).ended(0);
    assert!(said.contains("stays on this hub until somebody agrees"), "{said}");
    let refused = desk.run(&["contact", "add", "Stroke Circle", "--role", "Margaret", "--phone", "1"]).failed(2);
    assert!(refused.contains("no role"), "{refused}");
    let refused = desk
        .run(&[
            "contact",
            "add",
            "Stroke Circle",
            "--role",
            "venue",
            "--phone",
            "0115 496 0001",
            "--notes",
            "Ask Mrs Hill",
        ])
        .failed(2);
    assert!(refused.contains("a person's name"), "{refused}");

    // The notice names nobody yet, so nobody can have agreed to Essex.
    let refused = desk.run(&["consent", "add", "1", "--hub", "Essex"]).failed(2);
    assert!(refused.contains("does not name Essex"), "{refused}");
    desk.run(&["partner", "share", "Essex", "--contact"]).ended(0);
    let said = desk.run(&["consent", "add", "1", "--hub", "Essex", "--medium", "phone"]).ended(0);
    assert!(said.contains("Shared anew: contacts of 1 group"), "{said}");
    let shown = desk.run(&["contact", "list"]).ended(0);
    assert!(shown.contains("Essex") && shown.contains(SECRET), "{shown}");
    let shown = desk.run(&["group", "show", "Stroke Circle"]).ended(0);
    assert!(shown.contains("not public") && shown.contains(SECRET), "{shown}");
    let told = desk.run(&["consent", "show", "1"]).ended(0);
    assert!(told.contains("How Nottingham uses your contact details") && told.contains("Essex"), "{told}");
    assert!(desk.run(&["consent", "due"]).ended(0).contains("No consents"));
    desk.run(&["consent", "due", "--days", "400"]).ended(3);

    // No export, feed file or page of it.
    for name in ["out.csv", "out.geojson", "out.html"] {
        desk.run(&["export", name]).ended(0);
        assert!(!std::fs::read_to_string(desk.file(name)).unwrap().contains("900987"), "{name}");
    }
    for (path, bytes) in all(&desk.file("mutuald-state/feed")) {
        assert!(!String::from_utf8_lossy(&bytes).contains("900987"), "{path}");
    }

    let said = desk.run(&["consent", "withdraw", "1"]).ended(0);
    assert!(said.contains("Taken back: contacts of 1 group"), "{said}");
    assert!(!desk.run(&["group", "show", "Stroke Circle"]).ended(0).contains(SECRET));
    assert_eq!(desk.run(&["--json", "consent", "list"]).json(0), Value::Array(vec![]));
    assert_eq!(desk.run(&["--json", "consent", "list", "--all"]).json(0)[0]["in_force"], false);
    desk.run(&["registry", "check"]).ended(0);
}

#[test]
fn a_static_host_shares_no_contacts() {
    let desk = Desk::new("Plain");
    let essex = Desk::new("Essex");
    let served = essex.serve();
    desk.run(&["partner", "add", &served.url, "--hub", &essex.id]).ended(0);
    assert!(desk.run(&["partner", "share", "Essex", "--contact"]).failed(1).contains("contacts = true"));
}

#[test]
fn words_that_tell_of_a_person_wait_for_a_person() {
    let desk = Desk::new("Nottingham");
    let file = "Group name,Town or village,Description\nStroke Circle,Nottingham,We meet for tea\nHeart Circle,Derby,Led by Mrs Margaret Hill\nBack Circle,Leicester,Ring 07700 900987 after six\n";
    std::fs::write(desk.file("list.csv"), file).unwrap();
    let import = |more: &[&str]| {
        let mut arguments = vec!["--json", "import", "list.csv", "--list", "The library's list"];
        arguments.extend(more);
        desk.run(&arguments)
    };
    let ran = import(&[]);
    assert!(ran.out.contains("to_look_at") && ran.out.contains("Mrs Margaret Hill"), "{}", ran.out);
    assert_eq!(import(&["--commit"]).status, 3);
    let held = desk.run(&["--json", "held", "list"]).json(3);
    assert_eq!(held.as_array().unwrap().len(), 2, "{held:#}");
    let feed = |desk: &Desk| {
        all(&desk.file("mutuald-state/feed")).into_values().any(|bytes| {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            text.contains("Margaret") || text.contains("900987")
        })
    };
    assert!(!feed(&desk), "nothing of it is signed before somebody looked");

    let number = |group: &str| {
        let row = held.as_array().unwrap().iter().find(|row| row["group"] == group).unwrap();
        row["number"].to_string()
    };
    desk.run(&["held", "drop", &number("Back Circle")]).ended(0);
    desk.run(&["held", "release", &number("Heart Circle")]).ended(0);
    assert!(feed(&desk), "what was released is signed");
    assert!(desk.run(&["group", "show", "Heart Circle"]).ended(0).contains(TELLS));
    assert!(desk.run(&["held", "list"]).ended(0).contains("Nothing is held"));
    // The same file again: one is known, one was decided against, and nobody is asked again.
    let again = desk.run(&["--json", "import", "list.csv", "--list", "The library's list"]);
    assert!(again.out.contains("\"dropped\""), "{}", again.out);
    assert!(desk.run(&["held", "list"]).ended(0).contains("Nothing is held"));
    // An edit of what was looked at is no new question; other words are.
    desk.run(&["group", "edit", "Heart Circle", "--set", "cost=Free"]).ended(0);
    let said = desk.run(&["group", "edit", "Heart Circle", "--set", "description=Ask Mr Oliver Stone"]).ended(0);
    assert!(said.contains("held list"), "{said}");
    assert!(desk.run(&["group", "show", "Heart Circle"]).ended(0).contains(TELLS));
    assert_eq!(desk.run(&["held", "release", "99"]).failed(2).matches("next:").count(), 1);
    desk.run(&["registry", "check"]).ended(0);
}

#[test]
fn a_person_stays_on_the_hub_and_is_shown_all_that_is_held() {
    let desk = sharing("Nottingham");
    let add = [
        "person",
        "add",
        "Margaret Hill",
        "--role",
        "founder",
        "--group",
        "Stroke Circle",
        "--phone",
        SECRET,
        "--needs",
        "a lift",
    ];
    desk.run(&add).ended(0);
    assert!(desk.run(&["person", "list"]).ended(0).contains("Margaret Hill"));
    assert!(desk.run(&["person", "show", "1"]).ended(0).contains("a lift"));
    for name in ["out.csv", "out.geojson", "out.html"] {
        desk.run(&["export", name]).ended(0);
        let text = std::fs::read_to_string(desk.file(name)).unwrap();
        assert!(!text.contains("Margaret") && !text.contains("900987"), "{name}");
    }
    for (path, bytes) in all(&desk.file("mutuald-state/feed")) {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("Margaret") && !text.contains("900987"), "{path}");
    }
    // Somebody's number that found its way into a description is found for them.
    desk.run(&["group", "edit", "Stroke Circle", "--set", &format!("description=Ring {SECRET}")]).ended(0);
    desk.run(&["subject", "export", "Margaret", "--out", "hers.json"]).ended(0);
    let hers: Value = serde_json::from_str(&std::fs::read_to_string(desk.file("hers.json")).unwrap()).unwrap();
    assert_eq!((&hers["entry"]["phone"], &hers["entry"]["needs"]), (&SECRET.into(), &"a lift".into()));
    assert_eq!(hers["elsewhere"][0]["place"], "held", "{hers:#}");
    assert!(hers["log"].as_array().unwrap().len() >= 2);
    desk.run(&["subject", "export", "person 1", "--out", "hers.html"]).ended(0);
    assert!(std::fs::read_to_string(desk.file("hers.html")).unwrap().contains("Margaret Hill"));
    desk.run(&["subject", "export", "Nobody", "--out", "none.html"]).failed(2);

    desk.run(&["person", "forget", "1"]).failed(2);
    desk.run(&["person", "forget", "1", "--yes"]).ended(0);
    assert!(desk.run(&["person", "list"]).ended(0).contains("Nobody"));
    desk.run(&["held", "drop", "1"]).ended(0);
    let mut bytes = std::fs::read(desk.file("mutuald-state/mutuald.db")).unwrap();
    bytes.extend(std::fs::read(desk.file("mutuald-state/mutuald.db-wal")).unwrap_or_default());
    for gone in ["Margaret Hill", SECRET, "a lift"] {
        assert!(!bytes.windows(gone.len()).any(|window| window == gone.as_bytes()), "{gone} is still in the database");
    }
}

/// Settles what the documents cannot know.
fn settle(desk: &Desk) {
    let file = desk.file("hub.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let said = "[documents]\ncontroller = \"Nottingham Trust, charity 1098765\"\naddress = \"2 Low Street\"\nofficer = \"None is \
                required.\"\nbasis_groups = \"legitimate interests: that people find groups\"\nbasis_people = \"legitimate interests: to \
                support groups\"\ntransfers = \"None of it leaves the United Kingdom.\"\nsecurity = \"Two of us may use the machine.\"\n";
    std::fs::write(&file, format!("{text}\n{said}")).unwrap();
    desk.run(&["config", "check"]).ended(0);
}

/// A document says each of these; one of several, where a bar divides them.
#[track_caller]
fn says(document: &str, items: &[(&str, &str)]) {
    for (item, words) in items {
        assert!(words.split('|').any(|words| document.contains(words)), "{item} is missing ({words:?}):\n{document}");
    }
}

#[test]
fn documents_say_what_is_in_force() {
    let (desk, essex) = (sharing("Nottingham"), Desk::new("Essex"));
    let served = essex.serve();
    desk.run(&["partner", "add", &served.url, "--hub", &essex.id]).ended(0);
    // What nobody has said yet is seen in the text, and the setting that says it is named.
    let notice = desk.run(&["documents", "show", "notice"]).ended(3);
    assert!(notice.contains("With nobody.") && notice.contains("setting documents.controller"), "{notice}");
    let missing = desk.run(&["documents", "show", "--json"]).json(3)["missing"].clone();
    let all = ["controller", "address", "officer", "basis_groups", "basis_people", "transfers", "security"];
    let mut expected: Vec<String> = all.iter().map(|name| format!("documents.{name}")).collect();
    expected.sort();
    assert_eq!(missing, serde_json::json!(expected), "the contact in the hub document answers");
    settle(&desk);
    desk.run(&["partner", "share", "Essex", "--contact"]).ended(0);
    let notice = desk.run(&["documents", "show", "notice"]).ended(0);
    assert!(
        notice.contains("Essex") && notice.contains("12 months") && notice.contains("groups@example.org"),
        "{notice}"
    );
    // UK GDPR, Art. 13(1) and (2).
    says(
        &notice,
        &[
            ("(1)(a) the controller", "Nottingham Trust, charity 1098765, 2 Low Street"),
            ("(1)(b) the officer", "officer: None is required"),
            ("(1)(c) purposes", "put people in touch with your group"),
            ("(1)(c) the basis", "Art. 6(1)(a) and 9(2)(a)"),
            ("(1)(c) the basis of what is not shared", "legitimate interests: to support groups"),
            ("(1)(e) recipients", &essex.id),
            ("(1)(f) other countries", "None of it leaves the United Kingdom"),
            ("(2)(a) how long", "12 months after they were last confirmed"),
            ("(2)(b) access", "To see what we hold"),
            ("(2)(b) rectification and erasure", "put right, or removed"),
            ("(2)(b) restriction and objection", "restricted while a question is open, and to object"),
            ("(2)(b) portability", "portability"),
            ("(2)(c) withdrawing", "take your consent back, at any time"),
            ("(2)(d) complaints", "ico.org.uk/make-a-complaint"),
            ("(2)(e) whether they must", "You need not give us anything"),
            ("(2)(f) machines", "No decision about you is made by a machine alone"),
        ],
    );
    let register = desk.run(&["documents", "show", "register"]).ended(0);
    // Art. 30(1).
    says(
        &register,
        &[
            ("(a) the controller", "Nottingham Trust, charity 1098765, 2 Low Street"),
            ("(a) the officer", "None is required"),
            ("(b) purposes", "Purpose: that people find"),
            ("(c) people and data", "People and data: 0 people"),
            ("(c) contacts of others", "Role contacts that partner hubs gave us"),
            ("(c) protected places", "what would give their place away"),
            ("(d) recipients", &essex.id),
            ("(e) other countries", "None of it leaves the United Kingdom"),
            ("(f) how long", "words that wait 90 days"),
            ("(f) backups", "Backups: we keep the newest 14"),
            ("(g) security", "Two of us may use the machine"),
            ("the basis", "Basis: legitimate interests: to support groups"),
        ],
    );
    // What two hubs agree on; what only the other can say is left to it, and to be seen.
    let annex = desk.run(&["documents", "show", "annex"]).ended(3);
    says(
        &annex,
        &[
            ("who answers", "Whoever is asked answers, for what it holds itself, within one month"),
            ("how the other is told", "tells the other within three working days"),
            ("at which address", "Essex at groups@example.org"),
            ("the basis", "Art. 6(1)(a) and 9(2)(a)"),
            ("what the other fills in", "[TO FILL IN: by Essex, its full name"),
        ],
    );
    desk.run(&["documents", "make", "--out", "documents"]).ended(0);
    let names: Vec<String> = std::fs::read_dir(desk.file("documents"))
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names.len(), 3, "{names:?}");
    let register = std::fs::read_to_string(desk.file("documents/register.html")).unwrap();
    assert!(register.contains("Art. 30") && register.contains(&essex.id), "{register}");
    let annex = std::fs::read_to_string(desk.file(&format!("documents/annex-{}.html", essex.id))).unwrap();
    assert!(annex.contains("<mark>[TO FILL IN: ") && annex.contains("</li><li>"), "{annex}");
    desk.run(&["documents", "show", "poem"]).failed(2);
}

/// Each clock, a day before and on its day; what is shown is what goes, and nothing else.
#[tokio::test]
async fn what_is_due_is_shown_and_then_goes() {
    use crate::attacks::contact::{add, agreed, role};
    use jiff::ToSpan;
    use mutuald::node::retention::Kind as Clock;
    let (hub, essex) = (TestHub::sharing("Nottingham", 500).await, TestHub::new("Essex", 501).await);
    hub.follow(&essex).await;
    let rec = Uuid::from_u128(0x4000_8000_0000_0000_0001);
    hub.put(&[(rec, crate::support::hub::group("Stroke Circle", "Nottingham", "0115 496 0001"))]).await;
    hub.hub.share_contacts(essex.hub.id, true).await.unwrap();
    let contact = add(&hub, rec, role(SECRET)).await;
    let mut given = agreed(&hub, contact, &[essex.hub.id]);
    given.review = given.given.saturating_add(24.months());
    hub.hub.give_consent(&given).await.unwrap();
    assert_eq!(hub.hub.retention_due().await.unwrap(), []);
    hub.clock.set("2027-11-21T09:00:00Z".parse().unwrap());
    assert_eq!(hub.hub.retention_due().await.unwrap(), [], "a day before");
    hub.clock.set("2027-11-22T09:00:00Z".parse().unwrap());
    let due = hub.hub.retention_due().await.unwrap();
    assert_eq!(due.iter().map(|due| due.kind).collect::<Vec<_>>(), [Clock::Contact]);
    assert!(!format!("{due:?}").contains("900987"));
    hub.hub.retention_apply(&[]).await.unwrap();
    assert_eq!(hub.hub.retention_due().await.unwrap().len(), 1, "what was not shown stays");
    hub.hub.retention_apply(&due).await.unwrap();
    let mut db = hub.hub.store.read().await.unwrap();
    let left: i64 = sqlx::query_scalar("SELECT (SELECT count(*) FROM contact) + (SELECT count(*) FROM contact_line)")
        .fetch_one(&mut *db)
        .await
        .unwrap();
    assert_eq!(left, 0);
    drop(db);
    hub.hub.refresh().await.unwrap();
    hub.check_hub().await;
}

/// What has been due for a week, and was shown that week, the daemon removes by itself, once a day; what somebody confirmed in that
/// week stays. Where the configuration says so, only people remove.
#[tokio::test]
async fn what_is_due_and_was_shown_goes_by_itself() {
    use crate::attacks::contact::{add, role};
    use mutuald::node::retention::Kind as Clock;
    let rec = |n: u128| Uuid::from_u128(0x4000_8000_0000_0000_0000 + n);
    let hub = TestHub::sharing("Nottingham", 520).await;
    let by_hand = TestHub::with("By Hand", 521, |config| config.retention.sweep_after_days = 0).await;
    let mut contacts = Vec::new();
    for hub in [&hub, &by_hand] {
        for n in [1, 2] {
            hub.put(&[(rec(n), crate::support::hub::group(&format!("Circle {n}"), "Nottingham", "0115 496 0001"))])
                .await;
            contacts.push(add(hub, rec(n), role(SECRET)).await);
        }
    }
    let left = async |hub: &TestHub| -> i64 {
        let mut db = hub.hub.store.read().await.unwrap();
        sqlx::query_scalar("SELECT count(*) FROM contact").fetch_one(&mut *db).await.unwrap()
    };
    let on = async |day: &str| {
        for hub in [&hub, &by_hand] {
            hub.clock.set(format!("{day}T09:00:00Z").parse().unwrap());
        }
        (hub.hub.retention_sweep().await.unwrap(), by_hand.hub.retention_sweep().await.unwrap())
    };
    assert_eq!(on("2027-11-21").await, (Some(Default::default()), None));
    assert_eq!(on("2027-11-22").await.0, Some(Default::default()), "due from today: shown, and kept");
    let due = hub.hub.retention_due().await.unwrap();
    assert_eq!(due.iter().map(|due| due.goes.unwrap().to_string()).collect::<Vec<_>>(), ["2027-11-29"; 2]);
    assert!(by_hand.hub.retention_due().await.unwrap().iter().all(|due| due.goes.is_none()));
    // One of them is still right.
    on("2027-11-28").await;
    let mut db = hub.hub.store.write().await.unwrap();
    let mut row = mutuald::store::contact::get(&mut db, contacts[0]).await.unwrap().unwrap();
    row.confirmed = hub.clock.now().as_second();
    mutuald::store::contact::save(&mut db, &row).await.unwrap();
    db.commit().await.unwrap();
    assert_eq!(left(&hub).await, 2);
    let removed = on("2027-11-29").await.0.unwrap();
    assert_eq!(removed.into_iter().collect::<Vec<_>>(), [(Clock::Contact, 1)]);
    assert_eq!((left(&hub).await, left(&by_hand).await), (1, 2));
    assert_eq!(on("2027-11-29").await.0, None, "once a day");
    hub.hub.refresh().await.unwrap();
    hub.check_hub().await;
}

/// The day that is shown is the day on which it goes: for each clock, also where months differ in length.
#[tokio::test]
async fn what_is_shown_as_going_on_a_day_goes_on_that_day() {
    use crate::attacks::contact::{add, role};
    use mutuald::node::retention::Kind as Clock;
    use mutuald::store::person::PersonRow;
    let hub = TestHub::with("Nottingham", 530, |config| {
        config.retention.contact_months = 6;
        config.retention.log_days = 30;
    })
    .await;
    let rec = Uuid::from_u128(0x4000_8000_0000_0000_0001);
    let at = |day: &str| hub.clock.set(format!("{day}T09:00:00Z").parse().unwrap());
    at("2027-08-31");
    hub.put(&[(rec, crate::support::hub::group("Stroke Circle", "Nottingham", "0115 496 0001"))]).await;
    add(&hub, rec, role(SECRET)).await;
    let note = async |what: &str| {
        let mut db = hub.hub.store.write().await.unwrap();
        let person =
            PersonRow { n: 1, role: "founder".into(), confirmed: hub.clock.now().as_second(), ..PersonRow::default() };
        mutuald::store::person::save(&mut db, &person).await.unwrap();
        mutuald::store::person::note(&mut db, 1, what, hub.clock.now().as_second()).await.unwrap();
        db.commit().await.unwrap();
    };
    let due = async |day: &str| -> Vec<(Clock, String, String)> {
        at(day);
        let due = hub.hub.retention_due().await.unwrap();
        due.into_iter().map(|due| (due.kind, due.since.to_string(), due.goes.unwrap().to_string())).collect()
    };
    let shown = |kind, since: &str, goes: &str| (kind, since.to_owned(), goes.to_owned());
    assert_eq!(due("2028-02-28").await, []);
    let contact = [shown(Clock::Contact, "2027-08-31", "2028-03-07")];
    assert_eq!(due("2028-02-29").await, contact);
    let gone = async |day: &str| {
        at(day);
        hub.hub.retention_sweep().await.unwrap().unwrap().into_iter().collect::<Vec<_>>()
    };
    assert_eq!(gone("2028-03-06").await, []);
    assert_eq!(gone("2028-03-07").await, [(Clock::Contact, 1)]);
    // Words that wait, and who looked: each from its own day.
    at("2028-04-01");
    let tells = serde_json::json!({"description": TELLS, "name": "Stroke Circle"});
    hub.hub
        .say(&[mutuald::node::author::Draft {
            id: Uuid::from_u128(0x4000_8000_0000_0000_0002),
            rev: 1,
            body: mutuald::record::statement::Body::Put(mutuald::record::statement::Kind::Record),
            public: Some(tells.to_string()),
        }])
        .await
        .unwrap();
    note("shown").await;
    at("2028-04-03");
    note("shown again").await;
    assert_eq!(due("2028-04-30").await, []);
    assert_eq!(due("2028-05-01").await, [shown(Clock::Log, "2028-04-01", "2028-05-08")]);
    assert_eq!(due("2028-05-06").await, [shown(Clock::Log, "2028-04-01", "2028-05-08")]);
    assert_eq!(gone("2028-05-07").await, []);
    assert_eq!(gone("2028-05-08").await, [(Clock::Log, 1)]);
    assert_eq!(due("2028-05-08").await, [shown(Clock::Log, "2028-04-03", "2028-05-10")]);
    assert_eq!(gone("2028-05-10").await, [(Clock::Log, 1)]);
    assert_eq!(due("2028-06-29").await, []);
    assert_eq!(due("2028-06-30").await, [shown(Clock::Held, "2028-04-01", "2028-07-07")]);
    assert_eq!(gone("2028-07-06").await, []);
    assert_eq!(gone("2028-07-07").await, [(Clock::Held, 1)]);
}

/// A name is found and goes however its letters are written, and so does what was written about somebody; what stays is said.
#[test]
fn a_name_beyond_english_letters_is_found_and_goes() {
    let desk = sharing("Nottingham");
    desk.run(&["person", "add", "Émile Dubois", "--role", "founder", "--group", "Stroke Circle"]).ended(0);
    desk.run(&["consent", "add", "--person", "1", "--medium", "phone"]).ended(0);
    desk.run(&["subject", "export", "Dubois", "--out", "his.html"]).ended(0);
    desk.run(&["subject", "export", "Dubois", "--out", "changed.html"]).ended(0);
    std::fs::write(desk.file("changed.html"), "Émile Dubois, as sent").unwrap();
    // Somebody of that name wanted a level lowered.
    desk.run(&["safety", "set", "Stroke Circle", "contact-first", "--commit"]).ended(0);
    let who = ["--person", "E. Dubois", "--role", "trustee"];
    desk.run(&[&["safety", "lower", "Stroke Circle", "open"][..], &who].concat()).ended(0);
    desk.run(&["person", "add", "Dubois, E.", "--role", "founder"]).ended(0);

    let page = std::fs::read_to_string(desk.file("his.html")).unwrap();
    says(
        &page,
        &[
            ("Art. 15(1)(a) purposes", "What for, and why we may"),
            ("Art. 15(1)(c) recipients", "Who was given it"),
            ("Art. 15(1)(d) how long", "after they were last confirmed"),
            ("Art. 15(1)(e) rights", "put right, or removed"),
            ("Art. 15(1)(f) complaints", "Information Commissioner"),
            ("Art. 15(1)(g) source", "from whom, if it was not you"),
            ("Art. 15(1)(h) machines", "No decision about you is made by a machine alone"),
        ],
    );
    for spelt in ["Émile Dubois", "émile dubois", "ÉMILE DUBOIS", "E\u{301}mile Dubois"] {
        let found = desk.run(&["erase", "--person", spelt, "--json"]).json(0);
        assert_eq!(found["here"][0]["times"], 1, "{spelt}: {found}");
    }
    let found = desk.run(&["erase", "--person", "e. dubois"]).ended(0);
    assert!(found.contains("who wanted a safety level lowered"), "{found}");
    let left = desk.run(&["erase", "--person", "émile dubois", "--commit"]).ended(3);
    assert!(left.contains("changed.html"), "{left}");
    assert!(!desk.file("his.html").exists(), "what was written about him goes with him");
    std::fs::remove_file(desk.file("changed.html")).unwrap();
    assert!(!desk.run(&["person", "list"]).ended(0).contains("mile"));
    // Nobody agreed to anything any more.
    assert_eq!(desk.run(&["consent", "list", "--json"]).json(0), serde_json::json!([]));
    // Of the other entry of that name the export says where the name stands besides.
    desk.run(&["safety", "lower", "Stroke Circle", "open", "--person", "Dubois, E.", "--role", "trustee"]).ended(0);
    desk.run(&["subject", "export", "person 2", "--out", "other.json"]).ended(0);
    let other: Value = serde_json::from_str(&std::fs::read_to_string(desk.file("other.json")).unwrap()).unwrap();
    assert!(other["elsewhere"].to_string().contains("who wanted a safety level lowered"), "{other:#}");
    desk.run(&["person", "forget", "2", "--yes"]).ended(0);
    assert!(!desk.file("other.json").exists());
}

/// A person's contact can be traced to who gave it, by any hub that holds it.
#[tokio::test]
async fn pain_5_whoever_holds_a_contact_knows_from_whom() {
    use crate::attacks::contact::{add, agreed, role};
    let (hub, essex) = (TestHub::sharing("Nottingham", 510).await, TestHub::new("Essex", 511).await);
    hub.follow(&essex).await;
    essex.follow(&hub).await;
    let rec = Uuid::from_u128(0x4000_8000_0000_0000_0001);
    hub.put(&[(rec, crate::support::hub::group("Stroke Circle", "Nottingham", "0115 496 0001"))]).await;
    hub.hub.share_contacts(essex.hub.id, true).await.unwrap();
    let contact = add(&hub, rec, role(SECRET)).await;
    hub.hub.give_consent(&agreed(&hub, contact, &[essex.hub.id])).await.unwrap();
    essex.pull(&hub).await;
    let partner = essex.hub.partner("Nottingham").await.unwrap().hub;
    let mut db = essex.hub.store.read().await.unwrap();
    let shown = mutuald::node::contacts::shown(&mut db, &[(partner, hub.hub.id, rec)]).await.unwrap();
    assert_eq!((shown[0].hub, shown[0].contacts.contacts[0].phone.as_deref()), (hub.hub.id, Some(SECRET)));
    drop(db);
    let documents = essex.hub.documents().await.unwrap();
    let told = documents.iter().find(|one| one.name.starts_with("article-14")).expect("whom to tell, and of what");
    let told = told.markdown();
    // UK GDPR, Art. 14(1) and (2).
    says(
        &told,
        &[
            ("who gave it", "given your contact details by Nottingham"),
            ("(1)(a) the controller", "[TO FILL IN: the organisation that is responsible"),
            ("(1)(b) the officer", "documents.officer"),
            ("(1)(c) purposes", "put people in touch with your group, and for nothing else"),
            ("(1)(c) the basis", "explicit consent (UK GDPR Art. 6(1)(a) and 9(2)(a))"),
            ("(1)(d) categories", "Your role as contact of a group and how that role is reached (email, phone"),
            ("(1)(d) special ones", "something about your health"),
            ("(1)(e) recipients", "our own staff"),
            ("(1)(f) other countries", "documents.transfers"),
            ("(2)(a) how long", "As long as Nottingham gives it to us"),
            ("(2)(c) access", "To see what we hold"),
            ("(2)(c) rectification and erasure", "put right, or removed"),
            ("(2)(c) restriction and objection", "restricted while a question is open, and to object"),
            ("(2)(c) portability", "portability"),
            ("(2)(d) withdrawing", "take your consent back, at any time"),
            ("(2)(e) complaints", "Information Commissioner: ico.org.uk"),
            ("(2)(f) the source", &hub.url),
            ("(2)(f) whether public", "not from a public source"),
            ("(2)(g) machines", "No decision about you is made by a machine alone"),
            ("(3) by when", "within one month"),
        ],
    );
    // And who was given it, at the hub that gave it: whom to tell of an erasure.
    let all = hub.hub.all_about(mutuald::store::consent::Subject::Contact(contact)).await.unwrap();
    assert!(all.recipients[0].hub.contains("Essex"));
}

/// What the look through free text costs on real lists: how many records it would hold, by what. The lists are not in the
/// repository; without them this says SKIP and passes.
#[test]
fn few_real_groups_are_held() {
    let shared =
        std::env::var_os("MUTUALD_SHARED").map_or_else(|| crate::support::feed::repository("../shared"), Into::into);
    let mut looked = false;
    for (name, column, most) in [
        ("uk-mutual-aid/groups-3_2020-05-16_staging.csv", "name", 10),
        ("uk-charities-ukcat-sample/sample.csv", "name", 50),
    ] {
        let Ok(mut reader) = csv::Reader::from_path(shared.join("data").join(name)) else { continue };
        let header = reader.headers().unwrap().clone();
        let Some(at) = header.iter().position(|heading| heading == column) else { panic!("{name}: {header:?}") };
        let text: Vec<usize> = (0..header.len())
            .filter(|n| {
                ["description", "notes", "text", "location_name", "activities", "objects"].contains(&&header[*n])
            })
            .collect();
        let (mut rows, mut held, mut kinds) = (0u32, 0u32, std::collections::BTreeMap::<Kind, u32>::new());
        for row in reader.records().filter_map(Result::ok) {
            let words: Vec<&str> = text.iter().filter_map(|n| row.get(*n)).collect();
            let title = row.get(at).filter(|name| !name.trim().is_empty()).unwrap_or("A");
            let group = Group {
                name: title.chars().take(70).collect(),
                description: Some(words.join("\n")),
                ..Group::default()
            };
            let found = scan(&group, &|_| Vec::new());
            (rows, held) = (rows + 1, held + u32::from(!found.is_empty()));
            found.iter().for_each(|found| *kinds.entry(found.kind).or_default() += 1);
        }
        eprintln!("{name}: {held} of {rows} records held; found {kinds:?}");
        assert!(rows > 0 && held * 1_000 <= rows * most, "{name}: {held} of {rows}");
        looked = true;
    }
    if !looked {
        eprintln!("SKIP the shared lists are not here: how many records would be held is not measured");
    }
}
