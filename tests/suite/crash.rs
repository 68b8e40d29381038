//! Property: a hub that is killed at any commit step of publishing or pulling comes back to the state of one that was not.
//!
//! The process that is killed is real: this test binary starts itself again as a child that does one piece of work on a
//! given state folder, stops at a failpoint, and gets SIGKILL there. A second child, without failpoint, is the restart.

mod disk;
mod erasing;

use crate::support::TestHub;
use crate::support::audit::audit;
use crate::support::hub::{copy, group};
use mutuald::clock::Clock;
use mutuald::config::{Config, Publish};
use mutuald::feed::tile::{self, WIDTH};
use mutuald::feed::{Checkpoint, note::Note};
use mutuald::feed::{hub as hub_document, merkle};
use mutuald::node::author::Draft;
use mutuald::node::groups::Known;
use mutuald::node::init::{self, Answers};
use mutuald::node::rollover::{self, Change, Later};
use mutuald::node::{Chance, Hub, backup, erase, keys};
use mutuald::record::statement::{Body, ErasedParts, Kind};
use mutuald::store;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use uuid::Uuid;

/// The work a child does: `say STATE`, or `pull STATE URL`.
const WORK: &str = "MUTUALD_CRASH_CHILD";

/// A folder that no setting names, such as a stick.
const ELSEWHERE: &str = "stick";

fn config(state: &Path) -> Config {
    let mut config = Config::default();
    config.hub.state = state.to_owned();
    config.publish = Some(Publish::default());
    config.pull.allow_private_addresses = true;
    config
}

async fn open(state: &Path) -> Hub {
    Hub::open(config(state), Clock::fixed(crate::support::hub::NOW.parse().unwrap()), Chance::seeded(77)).await.unwrap()
}

/// What the hub says, in three steps: across a bundle's end, with changes, withdrawals and words that are superseded.
fn steps() -> Vec<Vec<Draft>> {
    let put = |n: u128, rev: u64| {
        let words = group(&format!("Group {n}, said {rev} times"), "Nottingham", &format!("0115 496 {n:04}"));
        Draft { id: Uuid::from_u128(n), rev, body: Body::Put(Kind::Record), public: Some(words.json()) }
    };
    let withdraw = |n: u128| Draft { id: Uuid::from_u128(n), rev: 9, body: Body::Withdraw(Kind::Record), public: None };
    vec![
        (1..=200).map(|n| put(n, 1)).collect(),
        (1..=30).map(|n| put(n, 2)).chain((201..=560).map(|n| put(n, 1))).collect(),
        (31..=40).map(withdraw).chain((561..=565).map(|n| put(n, 1))).collect(),
    ]
}

/// The child: does nothing unless it was started to.
#[tokio::test]
async fn child() {
    let Ok(work) = std::env::var(WORK) else { return };
    let words: Vec<&str> = work.split(' ').collect();
    match words[..] {
        ["say", state] => {
            let hub = open(Path::new(state)).await;
            hub.refresh().await.unwrap();
            hub.publish().await.unwrap();
            let mut said = 2;
            for (nth, step) in steps().iter().enumerate() {
                said += step.len() as u64;
                let mut db = hub.store.read().await.unwrap();
                let held = store::log::by_number(&mut db, store::log::OWN).await.unwrap().unwrap().held;
                drop(db);
                // What a person would do again after a crash: say what was not taken down, and nothing twice.
                if held < said {
                    let hub = Hub { chance: Chance::seeded(nth as u64), ..hub.clone() };
                    hub.say(step).await.unwrap();
                }
            }
        }
        ["pull", state, id] => {
            let hub = open(Path::new(state)).await;
            hub.refresh().await.unwrap();
            loop {
                let partner = hub.partner(id).await.unwrap();
                let outcome = hub.pull(&partner, true).await.unwrap();
                assert!(outcome.ok(), "{outcome:?}");
                if !outcome.pulled.unwrap().more {
                    break;
                }
            }
        }
        // What a person, or the daemon at its next start, would do again after a crash.
        ["forget", state] => {
            forget(&open(Path::new(state)).await).await;
        }
        // The same where the state was copied to: paths are remembered whole.
        ["forget-here", state] => {
            let state = Path::new(state);
            let hub = open(state).await;
            let mut db = hub.store.write().await.unwrap();
            for (table, file) in [("backup", "backups/old.backup"), ("written", "export.csv")] {
                let sql = format!("UPDATE {table} SET path = ?");
                let path = state.join(file).display().to_string();
                sqlx::query(sqlx::AssertSqlSafe(sql)).bind(path).execute(&mut *db).await.unwrap();
            }
            db.commit().await.unwrap();
            forget(&hub).await;
        }
        ["brief", state] => {
            let hub = open(Path::new(state)).await;
            hub.refresh().await.unwrap();
            hub.publish().await.unwrap();
            let mut said = 2;
            for (nth, step) in brief().iter().enumerate() {
                said += step.len() as u64;
                let mut db = hub.store.read().await.unwrap();
                let held = store::log::by_number(&mut db, store::log::OWN).await.unwrap().unwrap().held;
                drop(db);
                if held < said {
                    Hub { chance: Chance::seeded(nth as u64), ..hub.clone() }.say(step).await.unwrap();
                }
            }
            assert_eq!(hub.sweep().await.unwrap(), [""; 0]);
        }
        ["backup", state] => {
            let hub = open(Path::new(state)).await;
            // What a person would do: look what there is, and make one where there is none.
            hub.look_for_half_made().await.unwrap();
            if hub.backups().await.unwrap().is_empty() {
                let file = Path::new(state).join(ELSEWHERE).join("made.backup");
                std::fs::create_dir_all(file.parent().unwrap()).unwrap();
                hub.back_up(Some(&file)).await.unwrap();
            }
        }
        ["restore", state] => {
            let file = Path::new(state).join("backups/old.backup");
            let clock = Clock::fixed(crate::support::hub::NOW.parse().unwrap());
            backup::restore(&config(Path::new(state)), &file, &clock, true, false).await.unwrap();
        }
        ["rotate", state] => {
            let hub = open(Path::new(state)).await;
            hub.refresh().await.unwrap();
            hub.publish().await.unwrap();
            let own = hub.own_document().await.unwrap();
            if own.document.version == 1 {
                let root = keys::root(&hub.config.keys(), own.root_keys()[0].name()).unwrap();
                // The last two entries are a thief's.
                let mut db = hub.store.read().await.unwrap();
                let held = store::log::by_number(&mut db, store::log::OWN).await.unwrap().unwrap().held;
                drop(db);
                let plan = hub.plan_document(&Change::Log { keep: Some(held - 2) }, true).await.unwrap();
                let signed = rollover::add_signature(&plan.text, &root).unwrap();
                hub.adopt_document(signed.as_bytes(), Some(Later::Drop)).await.unwrap();
            }
        }
        ["heal", state] => {
            let hub = open(Path::new(state)).await;
            hub.refresh().await.unwrap();
            hub.heal(None).await.unwrap();
            hub.publish().await.unwrap();
        }
        // As the daemon does it: what failed is tried again, in the same process, and what was taken down is not said twice.
        ["stubborn", state] => {
            let hub = patient(async || opened(Path::new(state)).await).await;
            patient(async || hub.refresh().await).await;
            patient(async || hub.publish().await).await;
            let mut said = 2;
            for (nth, step) in brief().iter().enumerate() {
                said += step.len() as u64;
                patient(async || {
                    // Each try draws what the first would have drawn, so that all ends can be compared.
                    let hub = Hub { chance: Chance::seeded(nth as u64), ..hub.clone() };
                    let mut db = hub.store.read().await?;
                    let held = store::log::by_number(&mut db, store::log::OWN).await?.unwrap().held;
                    drop(db);
                    if held < said {
                        hub.say(step).await?;
                    }
                    anyhow::Ok(())
                })
                .await;
            }
            patient(async || hub.publish().await).await;
            patient(async || match hub.sweep().await? {
                left if left.is_empty() => Ok(()),
                left => anyhow::bail!("{left:?}"),
            })
            .await;
        }
        ["follow", state, id] => {
            let hub = patient(async || opened(Path::new(state)).await).await;
            patient(async || hub.refresh().await).await;
            patient(async || {
                let hub = Hub { chance: Chance::seeded(3), ..hub.clone() };
                let outcome = hub.pull(&hub.partner(id).await?, true).await?;
                anyhow::ensure!(outcome.ok(), "{outcome:?}");
                anyhow::ensure!(!outcome.pulled.unwrap().more, "there is more");
                Ok(())
            })
            .await;
            patient(async || match hub.sweep().await? {
                left if left.is_empty() => Ok(()),
                left => anyhow::bail!("{left:?}"),
            })
            .await;
        }
        _ => panic!("{work}"),
    }
}

async fn forget(hub: &Hub) {
    hub.refresh().await.unwrap();
    hub.publish().await.unwrap();
    let mut db = hub.store.read().await.unwrap();
    if let Ok(known) = Known::find(hub, &mut db, SECRET).await {
        let plan = erase::plan(hub, &mut db, &known, None, true).await.unwrap();
        drop(db);
        plan.commit(hub).await.unwrap();
    }
    assert_eq!(hub.sweep().await.unwrap(), [""; 0]);
}

/// A few entries, two of them said twice, and one that is erased.
fn brief() -> [Vec<Draft>; 3] {
    let erase = Body::Erase(Kind::Record, 1, ErasedParts::All);
    let erase = Draft { id: Uuid::from_u128(3), rev: 2, body: erase, public: None };
    [steps()[0][..5].to_vec(), steps()[1][..2].to_vec(), vec![erase]]
}

async fn opened(state: &Path) -> anyhow::Result<Hub> {
    Hub::open(config(state), Clock::fixed(crate::support::hub::NOW.parse().unwrap()), Chance::seeded(77)).await
}

/// Tries again what a disk failed once, and gives up where it fails three times.
async fn patient<T>(mut work: impl AsyncFnMut() -> anyhow::Result<T>) -> T {
    for nth in 1.. {
        match work().await {
            Ok(done) => return done,
            Err(error) => {
                eprintln!("failed: {error:#}");
                assert!(nth < 3, "gave up");
            }
        }
    }
    unreachable!("three tries")
}

/// A word that stands in one entry only, which is erased.
const SECRET: &str = "qzxvorblat";

/// A hub with a few entries, one of them in two versions, an export, and a backup of all of it.
async fn with_secret(state: &Path) -> Hub {
    new_state(state, "Forgetful", 5).await;
    let hub = open(state).await;
    let mut drafts = steps()[0][..20].to_vec();
    let secret = |rev, words: &str| {
        let words = group(words, "Southend", "01632 960777");
        Draft { id: Uuid::from_u128(900), rev, body: Body::Put(Kind::Record), public: Some(words.json()) }
    };
    drafts.push(secret(1, "Qzxvorblat Circle, as it was"));
    drafts.push(secret(2, "Qzxvorblat Circle"));
    hub.say(&drafts).await.unwrap();
    let export = state.join("export.csv");
    std::fs::write(&export, "Qzxvorblat Circle").unwrap();
    hub.wrote(&export, "all", Some(b"Qzxvorblat Circle")).await.unwrap();
    std::fs::create_dir_all(state.join("backups")).unwrap();
    hub
}

/// Starts a child. Killed at the failpoint if it comes to it; returns whether it did.
fn work(work: &str, failpoint: Option<&str>) -> bool {
    work_with(work, failpoint, &[])
}

/// The same in an environment.
fn work_with(work: &str, failpoint: Option<&str>, environment: &[(&str, &Path)]) -> bool {
    let (killed, ended, said) = ends(work, failpoint, environment);
    assert!(killed || ended, "{work} {failpoint:?}:\n{said}");
    killed
}

/// The same, however it ends: whether it was killed, whether it ended well, and what it said.
fn ends(work: &str, failpoint: Option<&str>, environment: &[(&str, &Path)]) -> (bool, bool, String) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.envs(environment.iter().copied());
    command.args(["crash::child", "--exact", "--nocapture"]).env(WORK, work);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    if let Some(failpoint) = failpoint {
        command.env("MUTUALD_FAILPOINT", failpoint);
    }
    let mut child = command.spawn().unwrap();
    let mut said = String::new();
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        let line = line.unwrap();
        if line.starts_with("failpoint ") {
            child.kill().unwrap(); // SIGKILL
            child.wait().unwrap();
            return (true, false, said);
        }
        said.push_str(&line);
        said.push('\n');
    }
    (false, child.wait().unwrap().success(), said)
}

/// Every failpoint in the source, so that none can be forgotten.
fn failpoints() -> BTreeSet<String> {
    fn look(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                look(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found
                    .extend(text.split("reach(\"").skip(1).filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
            }
        }
    }
    let mut found = BTreeSet::new();
    look(&Path::new(env!("CARGO_MANIFEST_DIR")).join("daemon"), &mut found);
    found
}

/// Every file below a folder, with what is in it.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    fn look(root: &Path, folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                look(root, &path, found);
            } else {
                found.insert(path.strip_prefix(root).unwrap().to_owned(), std::fs::read(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    look(folder, folder, &mut found);
    found
}

/// A reader who comes at this moment finds all that the checkpoint names, and it hashes to the signed root. Returns the size.
fn published(state: &Path) -> u64 {
    shown(state).len() as u64
}

/// The same; returns the entries' hashes.
fn shown(state: &Path) -> Vec<mutuald::feed::Hash> {
    let feed = state.join("feed");
    let document = std::fs::read(feed.join("hub/1")).unwrap();
    let hub = hub_document::open(&document, None).unwrap();
    let at = feed.join("v1/1");
    let checkpoint = Checkpoint::open(&std::fs::read(at.join("checkpoint")).unwrap(), &hub.log, &hub.peer).unwrap();
    let mut hashes = Vec::new();
    for n in 0..checkpoint.size.div_ceil(WIDTH) {
        let width = tile::width(n, checkpoint.size);
        let entries = std::fs::read(at.join(tile::entries(n, width))).unwrap();
        let leaves = tile::read_entries(&entries, width).unwrap();
        hashes.extend(leaves.iter().map(|leaf| merkle::leaf_hash(leaf)));
        leaves.iter().for_each(|leaf| assert!(Note::parse(leaf).is_ok()));
        let parts = std::fs::read(at.join(tile::parts("public", n, width))).unwrap();
        tile::read_lines(&parts, width, 16 << 10).unwrap();
        if width == WIDTH {
            let level0 = std::fs::read(at.join(tile::tile(0, n, width))).unwrap();
            assert_eq!(level0, hashes[(n * WIDTH) as usize..].concat());
        }
    }
    assert_eq!(merkle::root(hashes.iter().copied()), checkpoint.root);
    assert_eq!(hashes.len() as u64, checkpoint.size);
    hashes
}

/// A registry's digest, and each of its tables by its own.
type Told = (mutuald::node::Digest, Vec<(&'static str, String)>);

/// What a registry says, whole.
async fn told(state: &Path) -> Told {
    let hub = open(state).await;
    hub.refresh().await.unwrap(); // as at every start
    let findings = hub.check().await.unwrap();
    assert!(findings.is_empty(), "{findings:#?}");
    let mut db = hub.store.read().await.unwrap();
    let dump = store::registry::dump(&mut db).await.unwrap();
    drop(db);
    let digest = hub.digest().await.unwrap();
    hub.store.close().await;
    (digest, dump)
}

/// Kills the work at every passing of every failpoint that it comes to, and compares. Returns the failpoints it came to.
async fn kill_everywhere(
    start: &Path,
    what: &str,
    argument: &str,
    mut look: impl AsyncFnMut(&Path, &str, bool),
) -> BTreeSet<String> {
    kill_at(failpoints(), start, what, argument, &mut look).await
}

/// The same at some of them.
async fn kill_at(
    names: BTreeSet<String>,
    start: &Path,
    what: &str,
    argument: &str,
    look: &mut impl AsyncFnMut(&Path, &str, bool),
) -> BTreeSet<String> {
    let mut met = BTreeSet::new();
    let trials = tempfile::tempdir().unwrap();
    for name in names {
        for nth in 1.. {
            let state = trials.path().join(format!("{name}-{nth}"));
            copy(start, &state);
            let task = format!("{what} {}{argument}", state.display());
            if !work(&task, Some(&format!("{name}:{nth}"))) {
                break;
            }
            met.insert(name.clone());
            look(&state, &format!("{name}:{nth}"), false).await;
            assert!(!work(&task, None));
            look(&state, &format!("{name}:{nth}"), true).await;
            std::fs::remove_dir_all(&state).unwrap();
        }
    }
    met
}

async fn new_state(state: &Path, name: &str, seed: u64) {
    let clock = Clock::fixed(crate::support::hub::NOW.parse().unwrap());
    let answers = Answers {
        name: name.into(),
        address: format!("{}.example", name.to_lowercase()),
        contact: "hub@example.org".into(),
        licence: "CC-BY-4.0".into(),
        areas: vec![],
    };
    init::init(&config(state), &answers, &clock, &Chance::seeded(seed)).await.unwrap();
    let hub = open(state).await;
    hub.refresh().await.unwrap();
    hub.publish().await.unwrap();
    hub.store.close().await;
}

/// Saying and publishing: killed anywhere, restarted, the feed is byte for byte the one of a hub that was not killed, and
/// its size never shrinks; at the very moment of the kill a reader finds a whole feed.
#[tokio::test(flavor = "multi_thread")]
async fn publishing_survives_a_kill_at_every_step() {
    let folder = tempfile::tempdir().unwrap();
    let start = folder.path().join("start");
    new_state(&start, "Killed", 5).await;
    let whole = folder.path().join("whole");
    copy(&start, &whole);
    assert!(!work(&format!("say {}", whole.display()), None));
    let (expected, feed) = (told(&whole).await, files(&whole.join("feed")));
    assert_eq!(published(&whole), 2 + steps().iter().map(Vec::len).sum::<usize>() as u64);
    let mut size = 0;
    let met = kill_everywhere(&start, "say", "", async |state, at, restarted| {
        if !restarted {
            size = published(state);
            return;
        }
        assert!(published(state) >= size, "{at}: the published size shrank");
        assert_eq!(told(state).await, expected, "{at}");
        let again = files(&state.join("feed"));
        let differ: Vec<_> =
            feed.keys().chain(again.keys()).filter(|path| feed.get(*path) != again.get(*path)).collect();
        assert!(differ.is_empty(), "{at}: {differ:?}");
    })
    .await;
    let expected: BTreeSet<String> =
        failpoints().into_iter().filter(|name| name.starts_with("publish") || name.starts_with("sa")).collect();
    assert_eq!(met, expected, "every failpoint of publishing was come to");
}

/// Pulling, in several runs, with changes, withdrawals and an erasure: killed anywhere, restarted, the registry is the one
/// of a hub that was not killed, and what was erased is gone.
#[tokio::test(flavor = "multi_thread")]
async fn pulling_survives_a_kill_at_every_step() {
    let folder = tempfile::tempdir().unwrap();
    let partner = TestHub::new("Partner Hub", 3).await;
    let mut drafts: Vec<Draft> = steps().concat();
    drafts.truncate(590);
    partner.hub.say(&drafts).await.unwrap();
    let start = folder.path().join("start");
    new_state(&start, "Puller", 6).await;
    let hub = open(&start).await;
    hub.add_partner(&partner.url, partner.hub.id, None).await.unwrap();
    let row = hub.partner(&partner.hub.id.to_string()).await.unwrap();
    hub.pull(&row, false).await.unwrap();
    hub.store.close().await;
    // Past the limit under which an edge is extended, so that both ways are gone.
    let id = partner.hub.id;
    let extended = folder.path().join("extended");
    copy(&start, &extended);
    let erase =
        Draft { id: Uuid::from_u128(50), rev: 9, body: Body::Erase(Kind::Record, 9, ErasedParts::All), public: None };
    let mut more = steps().concat().split_off(590);
    more.push(erase);
    partner.hub.say(&more).await.unwrap();
    let empty = folder.path().join("empty");
    new_state(&empty, "Puller", 6).await;
    let hub = open(&empty).await;
    hub.add_partner(&partner.url, partner.hub.id, None).await.unwrap();
    hub.store.close().await;

    let mut met = BTreeSet::new();
    for start in [extended, empty] {
        let whole = folder.path().join("whole");
        let _ = std::fs::remove_dir_all(&whole);
        copy(&start, &whole);
        assert!(!work(&format!("pull {} {id}", whole.display()), None));
        let expected = told(&whole).await;
        met.extend(
            kill_everywhere(&start, "pull", &format!(" {id}"), async |state, at, restarted| {
                let now = told(state).await;
                if restarted {
                    assert_eq!(now, expected, "{at}");
                }
            })
            .await,
        );
    }
    // What is erased on the way goes out of files, and is confirmed: steps of other work, killed here too.
    let expected: BTreeSet<String> = failpoints().into_iter().filter(|name| name.starts_with("pull")).collect();
    assert!(met.is_superset(&expected), "every failpoint of pulling was come to: {met:?}");
    assert!(met.contains("erase-wal") && met.contains("erase-ack"), "{met:?}");
}

/// The steps of keys and of healing, in the source.
fn of_keys() -> BTreeSet<String> {
    failpoints().into_iter().filter(|name| name.starts_with("rollover") || name.starts_with("heal")).collect()
}

/// A new list in place of one with a thief's entries in it; a partner that follows; a restored backup that takes back what it
/// said: killed anywhere, restarted, each comes to the state of one that was not, and no reader ever meets a feed that is
/// not whole.
#[tokio::test(flavor = "multi_thread")]
async fn keys_survive_a_kill_at_every_step() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let words = |n: u128, name: &str| (Uuid::from_u128(n), group(name, "Nottingham", &format!("0115 496 {n:04}")));
    let mut met = BTreeSet::new();

    // The hub itself.
    new_state(&at("own"), "Rotated", 8).await;
    let hub = open(&at("own")).await;
    let put = |n: u128, name: &str| {
        let body = Body::Put(Kind::Record);
        Draft { id: Uuid::from_u128(n), rev: 1, body, public: Some(words(n, name).1.json()) }
    };
    hub.say(&(1..=300).map(|n| put(n, &format!("Circle {n}"))).collect::<Vec<_>>()).await.unwrap();
    hub.say(&[put(900, "Zzevil one"), put(901, "Zzevil two")]).await.unwrap();
    hub.store.close().await;
    copy(&at("own"), &at("own-whole"));
    assert!(!work(&format!("rotate {}", at("own-whole").display()), None));
    let expected = told(&at("own-whole")).await.0;
    let mut look = async |state: &Path, place: &str, restarted: bool| {
        let found = crate::support::feed::audited(&state.join("feed"), expected_hub(state)).await.unwrap();
        assert!(found.sound(), "{place}: {found}");
        if restarted {
            assert_eq!(told(state).await.0, expected, "{place}");
        }
    };
    met.extend(kill_at(of_keys(), &at("own"), "rotate", "", &mut look).await);

    // A partner that held what is void now.
    let partner = TestHub::new("Partner Hub", 3).await;
    partner.put(&(1..=20).map(|n| words(n, &format!("Circle {n}"))).collect::<Vec<_>>()).await;
    let keep = partner.published();
    partner.put(&[words(900, "Zzevil one")]).await;
    new_state(&at("reader"), "Reader", 6).await;
    let hub = open(&at("reader")).await;
    hub.add_partner(&partner.url, partner.hub.id, None).await.unwrap();
    hub.pull(&hub.partner(&partner.hub.id.to_string()).await.unwrap(), true).await.unwrap();
    let mut db = hub.store.write().await.unwrap();
    sqlx::query("UPDATE partner SET document_seen = 0").execute(&mut *db).await.unwrap();
    db.commit().await.unwrap();
    hub.store.close().await;
    partner.change(Change::Log { keep: Some(keep) }, Some(Later::Drop)).await;
    let id = partner.hub.id;
    copy(&at("reader"), &at("reader-whole"));
    assert!(!work(&format!("pull {} {id}", at("reader-whole").display()), None));
    let expected = told(&at("reader-whole")).await;
    let mut look = async |state: &Path, place: &str, restarted: bool| {
        let now = told(state).await;
        if restarted {
            assert_eq!(now, expected, "{place}");
        }
    };
    met.extend(kill_at(of_keys(), &at("reader"), "pull", &format!(" {id}"), &mut look).await);

    // A restored backup, whose partner knows more, and that said something of its own.
    let (first, second) = (TestHub::new("First Hub", 1).await, TestHub::new("Second Hub", 2).await);
    first.put(&(1..=20).map(|n| words(n, &format!("Circle {n}"))).collect::<Vec<_>>()).await;
    first.follow(&second).await;
    second.follow(&first).await;
    second.pull(&first).await;
    let backup = first.copy(71).await;
    first.put(&[words(30, "Said since")]).await;
    second.pull(&first).await;
    let draft = Draft {
        id: Uuid::from_u128(31),
        rev: 1,
        body: Body::Put(Kind::Record),
        public: Some(words(31, "Said in between").1.json()),
    };
    assert!(backup.hub.say(&[draft]).await.is_err(), "it would fork");
    backup.hub.store.truncate().await.unwrap();
    copy(&backup.hub.config.hub.state, &at("backup"));
    copy(&at("backup"), &at("backup-whole"));
    assert!(!work(&format!("heal {}", at("backup-whole").display()), None));
    let expected = told(&at("backup-whole")).await;
    assert_eq!(expected.0.groups, 20 + 2, "what was said since, and what was said in between");
    let mut look = async |state: &Path, place: &str, restarted: bool| {
        if restarted {
            assert_eq!(told(state).await, expected, "{place}");
        }
    };
    met.extend(kill_at(of_keys(), &at("backup"), "heal", "", &mut look).await);
    assert_eq!(met, of_keys(), "every step was come to");
}

/// The hub whose feed lies in a state folder.
fn expected_hub(state: &Path) -> mutuald::record::HubId {
    hub_document::open(&std::fs::read(state.join("feed/hub/1")).unwrap(), None).unwrap().id
}
