//! People decide: questions answered in a terminal and by plain commands, and what other hubs make of the answers.

use crate::support::command::{Desk, Served};
use crate::support::terminal::Terminal;
use serde_json::{Value, json};

/// Ten groups that two hubs list under one name and web page, on two days: meetings of one group, or two groups. Whatever
/// the model's weights, the rules make that a question.
const GROUPS: [(&str, &str, &str, &str); 10] = [
    ("Harlow Stroke Circle", "Stroke", "Harlow", "CM20 1WG"),
    ("Clacton Lupus Friends", "Lupus", "Clacton-on-Sea", "CO15 1SD"),
    ("Braintree Widows Table", "Bereavement", "Braintree", "CM7 3HG"),
    ("Epping Tinnitus Meeting", "Tinnitus", "Epping", "CM16 4BG"),
    ("Maldon Gamblers Evening", "Gambling", "Maldon", "CM9 5FA"),
    ("Witham Carers Coffee", "Carers", "Witham", "CM8 2FJ"),
    ("Rayleigh Stoma Group", "Stoma", "Rayleigh", "SS6 7EJ"),
    ("Canvey Epilepsy Support", "Epilepsy", "Canvey Island", "SS8 7AH"),
    ("Saffron Walden Hearing Voices", "Hearing voices", "Saffron Walden", "CB10 1HR"),
    ("Halstead Diabetes Club", "Diabetes", "Halstead", "CO9 2AN"),
];

fn list(desk: &Desk, day: &str) {
    let pages =
        GROUPS.map(|(name, ..)| format!("https://groups.example.org/{}", name.to_lowercase().replace(' ', "-")));
    let rows: Vec<[(&str, &str); 6]> = GROUPS
        .iter()
        .zip(&pages)
        .map(|((name, topic, town, postcode), page)| {
            [
                ("Group name", *name),
                ("Topics", *topic),
                ("Town or village", *town),
                ("Postcode", *postcode),
                ("When it meets", day),
                ("Website", page),
            ]
        })
        .collect();
    let rows: Vec<&[(&str, &str)]> = rows.iter().map(|row| &row[..]).collect();
    desk.fill("groups.csv", &rows);
    desk.run(&["import", "groups.csv", "--commit"]).ended(0);
}

/// A hub in Essex and a national one that list the same ten groups otherwise; Essex has pulled.
fn essex() -> (Desk, Desk) {
    let (essex, national) = (Desk::new("Essex Hub"), Desk::new("National Hub"));
    list(&essex, "Tuesday evenings");
    list(&national, "Thursday mornings");
    follow(&essex, &national);
    (essex, national)
}

fn follow(desk: &Desk, other: &Desk) -> Served {
    let served = other.serve();
    desk.run(&["partner", "add", &served.url, "--hub", &other.id]).ended(0);
    desk.run(&["partner", "pull", "--all"]);
    served
}

fn questions(desk: &Desk) -> Value {
    let ran = desk.run(&["review", "list", "--all", "--json"]);
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
}

fn groups(desk: &Desk) -> Value {
    desk.run(&["status", "--json"]).json(0)["groups"].clone()
}

#[test]
fn ten_pairs_resolved_three_undone_and_followed_by_those_who_trust_her() {
    let (essex, national) = essex();
    assert_eq!(questions(&essex)["open"], json!(10));
    assert_eq!(groups(&essex), json!(20));

    let mut terminal = Terminal::run(essex.file("").as_path(), &["review"], (80, 24));
    let first = terminal.shows("q quit");
    for text in ["0 answered, 10 open", "Why:", "If \"same\"", "Thursday", "Tuesday", "X When", "Essex Hub", "q quit"] {
        assert!(first.contains(text), "{text}:\n{first}");
    }
    assert!(first.lines().all(|line| line.chars().count() <= 80), "{first}");
    // Seven that are one group, two that are not, one of which the first is a branch of the second.
    for (n, key) in ["s", "s", "d", "s", "s", "b1", "s", "d", "s", "s"].iter().enumerate() {
        terminal.press(key);
        terminal.shows(&format!("{} answered", n + 1));
    }
    terminal.shows("These 10 questions are at their end");
    // The last three are taken back, the last of them first; the one before is looked at again.
    for left in ["9 answered", "8 answered", "7 answered"] {
        terminal.press("u");
        terminal.shows(left);
    }
    terminal.press("p");
    terminal.shows("7 of 10 [the same group]");
    terminal.press("q");
    let (status, out, restored) = terminal.end();
    assert!(status.success() && restored, "{status} {out}");
    assert!(out.contains("10 answers signed, 3 taken back; 3 questions are open."), "{out}");
    // Five are one group now; what was taken back is open again, what was decided is not.
    assert_eq!((groups(&essex), questions(&essex)["open"].clone()), (json!(15), json!(3)));
    assert!(essex.run(&["registry", "check"]).ended(0).contains("as it must be"));

    // One hub trusts her; one gives her decisions no weight, and has decided otherwise itself.
    let (trusting, other) = (Desk::new("Trusting Hub"), Desk::new("Other Hub"));
    let policy = format!("version = 1\n[hubs.\"{}\"]\nrank = 0\n", essex.id);
    std::fs::write(other.file("policy.toml"), policy).unwrap();
    let settings = std::fs::read_to_string(other.file("hub.toml")).unwrap();
    std::fs::write(other.file("hub.toml"), settings.replacen("[hub]\n", "[hub]\npolicy = \"policy.toml\"\n", 1))
        .unwrap();
    let followed = [&trusting, &other].map(|desk| (follow(desk, &national), follow(desk, &essex)));
    assert_eq!((groups(&trusting), groups(&other)), (json!(15), json!(20)));
    assert_eq!(questions(&trusting)["open"], json!(3), "what she decided is not asked again");
    assert_eq!(questions(&other)["open"], json!(10));
    for n in ["1", "2", "3"] {
        other.run(&["review", "same", n]).ended(0);
    }
    assert_eq!(groups(&other), json!(17));

    // She takes one more back: at its next pull the hub that trusts her follows, the other keeps its own.
    essex.run(&["review", "undo"]).ended(0);
    for desk in [&trusting, &other] {
        desk.run(&["partner", "pull", "--all"]).ended(0);
    }
    assert_eq!((groups(&essex), groups(&trusting), groups(&other)), (json!(16), json!(16), json!(17)));
    drop(followed);
}

#[test]
fn a_terminal_is_given_back_when_the_program_is_stopped() {
    let (essex, _national) = essex();
    let mut terminal = Terminal::run(&essex.file(""), &["review"], (100, 30));
    terminal.shows("1 of 10");
    terminal.press("s");
    terminal.shows("1 answered");
    rustix::process::kill_process(terminal.pid(), rustix::process::Signal::TERM).unwrap();
    let (status, out, restored) = terminal.end();
    assert!(!status.success() && restored, "{out}");
    assert!(out.contains("what was answered is kept"), "{out}");
    // Another day she goes on where she was.
    let terminal = Terminal::run(&essex.file(""), &["review", "--mine"], (80, 24));
    terminal.shows("1 of 9");
    rustix::process::kill_process(terminal.pid(), rustix::process::Signal::HUP).unwrap();
    assert!(terminal.end().2);
}

#[test]
fn plain_commands_do_the_same_without_a_terminal() {
    let (essex, _national) = essex();
    let listed = essex.run(&["review", "--limit", "4"]).ended(3);
    assert!(listed.contains("10 questions are open, 10 about groups of this hub"), "{listed}");
    assert!(listed.contains("  4  ") && !listed.contains("  5  "), "{listed}");
    essex.run(&["review", "show", "5"]).failed(2);

    let shown = essex.run(&["review", "show", "2"]).ended(0);
    for text in ["Question 2", "X When", "Thursday mornings", "different days", "If \"same\": one entry from 2 records"]
    {
        assert!(shown.contains(text), "{text}: {shown}");
    }
    let blind = essex.run(&["review", "show", "2", "--blind", "--json"]).json(0);
    assert_eq!((blind.get("why"), &blind["perhaps"]), (None, &Value::Null));
    let shown = essex.run(&["review", "show", "2", "--json"]).json(0);
    assert_eq!((&shown["why"]["verdict"], &shown["why"]["rule"]), (&json!("asked"), &json!("other-days")));
    assert_eq!(shown["fields"][0]["field"], json!("name"));

    // Numbers mean what was listed, whatever was decided since.
    let names = questions(&essex);
    let same = essex.run(&["review", "same", "1", "--json"]).json(0);
    assert_eq!((&same["judgement"], &same["one_group"]), (&json!("same"), &json!(true)));
    let branch = essex.run(&["review", "branch-of", "2", "--turned", "--json"]).json(0);
    assert_eq!(branch["one_group"], json!(false));
    let second = names["questions"][1]["b"].as_str().unwrap().split(',').next().unwrap().to_owned();
    assert!(branch["a"].as_str().unwrap().starts_with(&second), "{branch} {names}");
    essex.run(&["review", "unsure", "3"]).ended(0);
    essex.run(&["review", "different", "4"]).ended(0);
    assert_eq!(questions(&essex)["open"], json!(6));

    // A question is put again when its answer is taken back; what was said by other means is left alone.
    let undone = essex.run(&["review", "undo", "--json"]).json(0);
    assert_eq!(undone["pairs"].as_array().map(Vec::len), Some(1));
    assert_eq!(questions(&essex)["open"], json!(7));
    for _ in 0..3 {
        essex.run(&["review", "undo"]).ended(0);
    }
    assert!(essex.run(&["review", "undo"]).failed(1).contains("no answer that could be taken back"));
    assert_eq!((questions(&essex)["open"].clone(), groups(&essex)), (json!(10), json!(20)));
}

#[test]
fn another_hub_is_asked_by_a_text_that_is_never_sent() {
    let (essex, _national) = essex();
    essex.run(&["review", "list"]).ended(3);
    essex.run(&["review", "ask", "1", "--out", "letter.txt"]).ended(0);
    let letter = std::fs::read_to_string(essex.file("letter.txt")).unwrap();
    for text in
        ["To: National Hub, groups@example.org", "Subject: Is ", "Thursday mornings", "Essex Hub, groups@example.org"]
    {
        assert!(letter.contains(text), "{text}: {letter}");
    }
    // Until an answer comes, the question is not in the way, and not gone.
    let default = essex.run(&["review", "--json"]).json(3);
    assert_eq!((&default["open"], default["questions"].as_array().map(Vec::len)), (&json!(10), Some(9)));
    let all = questions(&essex);
    assert!(all["questions"].as_array().unwrap().iter().any(|line| !line["written"].is_null()), "{all}");
}

#[test]
fn a_long_question_about_a_cluster_fits_a_small_window() {
    let (essex, national) = (Desk::new("Essex Hub"), Desk::new("National Hub"));
    let long =
        format!("{} {} 互助グループ {}", "Come and talk. ".repeat(30), "x".repeat(90), "All are welcome. ".repeat(9));
    let row = |day| {
        let page = ("Website", "https://groups.example.org/harlow-stroke");
        let place = [("Town or village", "Harlow"), ("Postcode", "CM20 1WG")];
        [("Group name", "Harlow Stroke Circle"), ("Topics", "Stroke"), place[0], place[1], page, ("When it meets", day)]
    };
    for (title, day) in [("Office", "Tuesday"), ("Website", "Tuesdays")] {
        essex.fill("groups.csv", &[&row(day)]);
        essex.run(&["import", "groups.csv", "--list", title, "--commit"]).ended(0);
    }
    national.fill("groups.csv", &[&[&row("Thursday")[..], &[("About the group (its own words)", &long)]].concat()]);
    national.run(&["import", "groups.csv", "--commit"]).ended(0);
    let _served = follow(&essex, &national);
    assert_eq!((groups(&essex), questions(&essex)["open"].clone()), (json!(2), json!(1)));

    let mut terminal = Terminal::run(&essex.file(""), &["review", "--blind"], (64, 20));
    let first = terminal.shows("q quit");
    assert!(first.contains("kept back until you have answered") && first.contains("more lines: Down"), "{first}");
    assert!(first.contains("Essex Hub, Office") && first.contains("Essex Hub, Website"), "{first}");
    let before = first.lines().nth(4).unwrap().to_owned();
    for _ in 0..60 {
        terminal.press("\x1b[B");
    }
    let last = terminal.shows("org/harlow-stroke");
    assert!(!last.contains(&before) && !last.contains("more lines"), "{last}");
    terminal.press("?");
    terminal.shows("Any key goes back");
    terminal.press("xh");
    terminal.shows("2 Harlow Stroke Circle is (or was) hosted by");
    terminal.press("\x1b");
    terminal.shows("s same");
    // One of the two is none of the others: the cluster falls apart in one step, and comes back in one.
    terminal.press("l");
    terminal.shows("none of the others of its side? 1 A1   2 A2");
    terminal.press("1");
    terminal.shows("A1 is left out: kept apart from 1 entry. u takes it back.");
    terminal.press("u");
    terminal.shows("1 judgement is taken back.");
    terminal.press("d");
    terminal.shows("1 answered, 1 open");
    // Looked at again, the program's opinion may be seen.
    terminal.press("p");
    terminal.shows("[two groups]");
    terminal.shows("Why: kept apart");
    assert_eq!(groups(&essex), json!(2));
    // "Same" is said of both sides as wholes: nothing falls off because it meets on another day. One step back undoes it.
    terminal.press("s");
    terminal.shows("[end]");
    assert_eq!(groups(&essex), json!(1));
    terminal.press("u");
    terminal.shows("2 judgements are taken back.");
    assert_eq!((groups(&essex), questions(&essex)["open"].clone()), (json!(2), json!(1)));
    terminal.press("q");
    assert!(terminal.end().2);
    assert!(essex.run(&["registry", "check"]).ended(0).contains("as it must be"));
}

#[test]
fn one_entry_is_left_out_of_a_group_in_one_step() {
    let desk = Desk::new("Essex Hub");
    let row = |day| {
        [
            ("Group name", "Harlow Stroke Circle"),
            ("Topics", "Stroke"),
            ("Town or village", "Harlow"),
            ("When it meets", day),
        ]
    };
    for (title, day) in [("Office", "Tuesday"), ("Website", "Tuesdays"), ("Library", "every Tuesday")] {
        desk.fill("groups.csv", &[&row(day)]);
        desk.run(&["import", "groups.csv", "--list", title, "--commit"]).ended(0);
    }
    assert_eq!(groups(&desk), json!(1));
    let asked = desk.run(&["review", "leave-out", "harlow stroke"]).failed(2);
    assert!(asked.contains("A3  Harlow Stroke Circle"), "{asked}");
    let left = desk.run(&["review", "leave-out", "harlow stroke", "a2", "--json"]).json(0);
    assert_eq!((&left["from"], &left["said"]["statements"]), (&json!(2), &json!(2)));
    assert_eq!(groups(&desk), json!(2));
    assert!(desk.run(&["review"]).ended(0).contains("No question is open"));
    desk.run(&["review", "undo"]).ended(0);
    assert_eq!(groups(&desk), json!(1));
}

#[test]
fn answers_are_labels_by_which_a_model_is_measured_and_fitted() {
    let (essex, _national) = essex();
    essex.run(&["review", "list"]).ended(3);
    for (n, said) in ["same", "same", "different", "unsure"].iter().enumerate() {
        essex.run(&["review", said, &(n + 1).to_string()]).ended(0);
    }
    assert!(essex.run(&["review", "export", "labels.csv"]).ended(0).contains("4 answers"));
    essex.run(&["review", "export", "labels.csv"]).failed(1);
    let measured = essex.run(&["linkage", "evaluate", "labels.csv", "--json"]).json(0);
    assert_eq!((&measured["labels"], &measured["same"], &measured["open"]), (&json!(3), &json!(2), &json!(1)));
    assert_eq!(
        (&measured["by_outcome"]["asked"]["hits"], &measured["by_outcome"]["asked"]["of"]),
        (&json!(2), &json!(3))
    );
    assert_eq!(measured["registry"]["recall"]["value"], json!(1.0));
    assert!(essex.run(&["linkage", "evaluate", "labels.csv"]).ended(0).contains("Joined, or asked about"));

    let few = essex.run(&["linkage", "fit", "labels.csv"]).failed(1);
    assert!(few.contains("too few") && few.contains("10 of each"), "{few}");
    std::fs::write(essex.file("wrong.csv"), "a,b\n").unwrap();
    assert!(essex.run(&["linkage", "evaluate", "wrong.csv"]).failed(1).contains("no column \"judgement\""));

    // Labels of many hubs, put together: answers stand in for records that are not here.
    let text = std::fs::read_to_string(essex.file("labels.csv")).unwrap();
    let mut lines = text.lines();
    let header = lines.next().unwrap();
    let rows: Vec<&str> = lines.filter(|line| !line.contains(",unsure,")).collect();
    let many: Vec<&str> = (0..20).flat_map(|_| rows.iter().copied()).collect();
    std::fs::write(essex.file("many.csv"), format!("{header}\n{}\n", many.join("\n"))).unwrap();
    let shipped = essex.run(&["linkage", "show", "--json"]).json(0);
    assert_eq!(shipped["shipped"], json!(true));
    let fitted = essex.run(&["linkage", "fit", "many.csv", "--out", "ours.json", "--json"]).json(0);
    assert_eq!(
        (&fitted["labels"], &fitted["version"], &fitted["title"]),
        (&json!(60), &json!(1), &json!("Fitted by Essex Hub"))
    );
    assert_ne!(fitted["hash"], shipped["hash"]);

    // Adopted as it says: by the configuration, and pinned by the policy.
    let settings = std::fs::read_to_string(essex.file("hub.toml")).unwrap();
    let adopted = "[hub]\nlinkage = \"ours.json\"\npolicy = \"policy.toml\"\n";
    std::fs::write(essex.file("hub.toml"), settings.replacen("[hub]\n", adopted, 1)).unwrap();
    let policy = |hash: &Value| format!("version = 1\n[rules]\nlink = {hash}\n");
    std::fs::write(essex.file("policy.toml"), policy(&shipped["hash"])).unwrap();
    essex.run(&["registry", "digest"]).failed(1);
    std::fs::write(essex.file("policy.toml"), policy(&fitted["hash"])).unwrap();
    let shown = essex.run(&["linkage", "show", "--json"]).json(0);
    assert_eq!((&shown["hash"], &shown["shipped"]), (&fitted["hash"], &json!(false)));
    essex.run(&["registry", "rebuild"]).ended(0);
    assert!(essex.run(&["registry", "check"]).ended(0).contains("as it must be"));
}
