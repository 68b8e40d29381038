//! F46, F47: what disks do. A hub never publishes a smaller or another tree, a pull goes on from where it was, damage is found and
//! what partners have is fetched again.
//!
//! Here: the database as of an earlier moment (its last commits lost) under a feed that had them, write-ahead logs cut off at many
//! lengths, a full disk, and what a command says to a disk that answers with errors. `crash.rs` has power that fails, and such
//! disks under all of publishing and pulling.

use crate::support::TestHub;
use crate::support::hub::group;
use crate::support::peer::TestPeer;
use crate::support::scene::Scene;
use mutuald::feed::Checkpoint;
use mutuald::node::{Chance, Hub};
use mutuald::record::statement::{Body, ErasedParts, Kind};
use std::path::Path;
use std::process::Command;
use uuid::Uuid;

fn size_of(feed: &Path) -> u64 {
    let note = std::fs::read_to_string(feed.join("v1/1/checkpoint")).unwrap();
    note.lines().nth(1).unwrap().parse().unwrap()
}

/// F46: the database lost its last commits, the feed did not: nothing is published over it, whatever is said next.
#[tokio::test]
async fn f46_a_database_that_lost_its_last_commits_publishes_nothing() {
    let hub = TestHub::new("Hub A", 1).await;
    hub.put(&[(Uuid::from_u128(1), group("One", "Southend", "01632 960001"))]).await;
    assert!(hub.hub.store.truncate().await.unwrap());
    let lost = std::fs::read(hub.hub.config.database()).unwrap();
    hub.put(&[(Uuid::from_u128(2), group("Two", "Southend", "01632 960002"))]).await;
    let feed = hub.hub.config.feed();
    let before = crate::support::feed::all(&feed);
    let config = (*hub.hub.config).clone();
    hub.hub.store.close().await;
    std::fs::write(config.database(), lost).unwrap();
    for ending in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{ending}", config.database().display()));
    }
    let again = Hub::open(config, hub.clock.clone(), Chance::seeded(9)).await.unwrap();
    assert!(again.publish().await.is_err());
    let draft = mutuald::node::author::Draft {
        id: Uuid::from_u128(3),
        rev: 1,
        body: Body::Put(Kind::Record),
        public: Some(group("Three", "Southend", "01632 960003").json()),
    };
    // As many statements as the feed has, and other ones: that is no continuation either.
    let refused = again.say(&[draft]).await.unwrap_err().to_string();
    assert!(refused.contains("history") || refused.contains("older backup"), "{refused}");
    assert_eq!(crate::support::feed::all(&feed), before, "not a byte of the feed was changed");
    again.store.close().await;
}

/// F46: a write-ahead log that ends anywhere, in the middle of a page too: the database is as of some commit, everything holds, and
/// the next pull brings the rest.
#[tokio::test]
async fn f46_a_write_ahead_log_cut_off_anywhere_loses_only_the_end() {
    let mut peer = TestPeer::new(7).await;
    (1..=40).for_each(|n| {
        peer.put(n, 1, &format!("Group number {n}"));
    });
    peer.publish();
    let mut scene = Scene::of(peer, |_| {}).await;
    assert!(scene.hub.hub.store.truncate().await.unwrap());
    for n in 41..=60 {
        scene.peer.put(n, 1, &format!("Group number {n}"));
    }
    scene.peer.say(1, 2, Body::Erase(Kind::Record, 1, ErasedParts::All));
    scene.peer.publish();
    // What the pull writes stands in the write-ahead log until it is moved over, which the test keeps from happening.
    let mut reader = scene.hub.hub.store.read().await.unwrap();
    let _held: Vec<(i64,)> = sqlx::query_as("BEGIN; SELECT n FROM log").fetch_all(&mut *reader).await.unwrap();
    scene.pull().await;
    let state = scene.hub.hub.config.hub.state.clone();
    let (database, log) =
        (std::fs::read(state.join("mutuald.db")).unwrap(), std::fs::read(state.join("mutuald.db-wal")).unwrap());
    assert!(log.len() > 20_000, "{}", log.len());
    let config = (*scene.hub.hub.config).clone();
    let cuts: Vec<usize> = (0..=12).map(|n| log.len() * n / 12).chain([31, 32, 40, log.len() - 1]).collect();
    for cut in cuts {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path().join("state");
        crate::support::feed::write(&crate::support::feed::all(&state.join("keys")), &here.join("keys"));
        std::fs::set_permissions(here.join("keys/log-1.key"), std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .unwrap();
        std::fs::write(here.join("mutuald.db"), &database).unwrap();
        std::fs::write(here.join("mutuald.db-wal"), &log[..cut]).unwrap();
        let mut config = config.clone();
        config.hub.state = here;
        config.publish = None;
        let hub = Hub::open(config, scene.hub.clock.clone(), Chance::seeded(3)).await.unwrap();
        hub.refresh().await.unwrap(); // as at every start
        assert_eq!(hub.check().await.unwrap(), [], "cut at {cut}");
        let partner = hub.partner(&scene.peer.id.to_string()).await.unwrap();
        assert!(hub.pull(&partner, false).await.unwrap().ok(), "cut at {cut}");
        assert_eq!(hub.check().await.unwrap(), [], "cut at {cut}");
        let mut db = hub.store.read().await.unwrap();
        let names: i64 = sqlx::query_scalar("SELECT count(*) FROM grp").fetch_one(&mut *db).await.unwrap();
        drop(db);
        assert_eq!(names, 59, "cut at {cut}");
        assert!(hub.sweep().await.unwrap().is_empty());
        hub.store.close().await;
        let found = crate::support::audit::audit(&[folder.path()], &[&scene.peer.lines[0][..22]]);
        assert!(found.is_empty(), "cut at {cut}: {found:?}");
    }
}

/// F46: a full disk, then a file system that may only be read, under the real program: it says so and what to do, nothing is half
/// done, what is published stays whole and never shrinks, and once there is room all goes on.
#[test]
fn f46_a_full_disk_and_one_that_may_only_be_read() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let script = r#"
set -u
mount -t tmpfs -o size=5m tmpfs "$1" || { echo SKIP; exit 0; }
cd "$1"
M="$2"
$M init --name 'Full Hub' --address full.example.org --contact hub@example.org --page page.txt >"$3/out" 2>&1 || { cat "$3/out"; exit 1; }
$M group add 'Before' --town Southend >"$3/out" 2>&1 || { cat "$3/out"; exit 1; }
feed=mutuald-state/feed
size() { sed -n 2p $feed/v1/1/checkpoint; }
last=$(size)
head -c 20m /dev/zero >filler 2>/dev/null
failed=0
for n in 1 2 3 4 5; do
    if $M group add "During $n" --town Southend >/dev/null 2>"$3/err"; then :; else
        failed=$((failed + 1))
        grep -q '^next: ' "$3/err" || { echo "no next step"; cat "$3/err"; exit 1; }
    fi
    [ "$(size)" -ge "$last" ] || { echo "the published size shrank"; exit 1; }
    last=$(size)
done
$M erase Before --commit >"$3/out" 2>"$3/err" && echo "erased on a full disk"
[ $failed -gt 0 ] || { echo "the disk was not full"; exit 1; }
[ -s filler ] || { echo "no filler"; exit 1; }
rm filler
$M registry check >"$3/out" 2>&1 || { cat "$3/out"; exit 1; }
$M group add 'After' --town Southend >"$3/out" 2>&1 || { cat "$3/out"; exit 1; }
$M erase Before --commit >"$3/out" 2>&1 || { cat "$3/out"; $M erasure status | grep -q 'erased by this hub' || exit 1; }
$M verify $feed >"$3/out" 2>&1 || { cat "$3/out"; exit 1; }
[ "$(size)" -gt "$last" ] || { echo "nothing was published after"; exit 1; }
last=$(size)
if grep -rqa Before mutuald-state; then echo "still there"; grep -rlad skip Before mutuald-state; exit 1; fi
mount -o remount,ro "$1" || { echo SKIP; exit 0; }
if $M group add 'Read only' --town Southend >/dev/null 2>/dev/null; then echo "it said that it wrote"; exit 1; fi
mount -o remount,rw "$1"
[ "$(size)" = "$last" ] || { echo "the feed changed"; exit 1; }
$M registry check >"$3/out" 2>&1 || { cat "$3/out"; exit 1; }
$M group add 'Again' --town Southend >"$3/out" 2>&1 || { cat "$3/out"; exit 1; }
$M verify $feed >"$3/out" 2>&1 || { cat "$3/out"; exit 1; }
echo done
"#;
    let run = Command::new("unshare")
        .args(["--mount", "--user", "--map-root-user", "sh", "-c", script, "sh"])
        .arg(folder.path())
        .arg(env!("CARGO_BIN_EXE_mutuald"))
        .arg(elsewhere.path())
        .env_remove("MUTUALD_CONFIG")
        .output();
    let Ok(run) = run else {
        eprintln!("SKIP: no unshare here");
        return;
    };
    let (out, err) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    if out.contains("SKIP") || err.contains("unshare failed") || err.contains("Operation not permitted") {
        eprintln!("SKIP: no file system may be mounted here");
        return;
    }
    assert!(run.status.success() && out.ends_with("done\n"), "{out}\n{err}");
}

/// F46: whatever the disk answers with an error, the command that met it says so and what to do, or has done all that it says; nothing is
/// half done, and once the disk is well all goes on.
#[test]
fn f46_an_error_of_the_disk_is_said_with_what_to_do() {
    let Some(library) = crate::support::power::library() else {
        eprintln!("SKIP: no C compiler here, so no disk's error was tried");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    // Errors are given below it only, and by its name as the kernel has it.
    let home = folder.path().canonicalize().unwrap();
    let state = home.join("mutuald-state");
    let count = home.join("count");
    let run = |arguments: &[&str], error: Option<&str>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mutuald"));
        command.args(arguments).current_dir(&home).env_remove("MUTUALD_CONFIG").env("POWER_COUNT", &count);
        if let Some(error) = error {
            let journal = home.join("journal");
            command.env("LD_PRELOAD", &library).env("POWER_FOLDER", &state).env("POWER_JOURNAL", journal);
            command.env("POWER_ERROR", error);
        }
        let ended = command.output().unwrap();
        (ended.status.success(), String::from_utf8(ended.stdout).unwrap(), String::from_utf8(ended.stderr).unwrap())
    };
    let well = |arguments: &[&str]| {
        let (well, out, err) = run(arguments, None);
        assert!(well, "{arguments:?}: {out}\n{err}");
        out
    };
    let address = ["--address", "ill.example.org", "--contact", "hub@example.org", "--page", "page.txt"];
    well(&[["init", "--name", "Ill Hub"].as_slice(), &address].concat());
    let add = |name: &str, error: Option<&str>| run(&["group", "add", name, "--town", "Southend"], error);
    let (done, _, err) = add("Group zero", Some(""));
    assert!(done, "{err}");
    let counts: Vec<usize> =
        std::fs::read_to_string(&count).unwrap().split(' ').map(|count| count.parse().unwrap()).collect();
    let (mut size, mut failed) = (size_of(&state.join("feed")), 0);
    for (kind, count) in ["r", "w", "s"].into_iter().zip(counts) {
        for nth in 0..8 {
            let error = format!("{kind}{}{}", 1 + nth * count / 8, if nth % 2 == 1 { "+" } else { "" });
            let name = format!("Group {kind}{nth}");
            let (done, _, err) = add(&name, Some(&error));
            if done {
                assert!(well(&["group", "list"]).contains(&name), "{error}: it said that it was done");
            } else {
                failed += 1;
                assert!(err.starts_with("mutuald: the disk answered with an error: "), "{error}: {err}");
                assert!(err.contains("\nnext: ") && err.contains("registry check"), "{error}: {err}");
                assert!(!err.contains("panicked"), "{error}: {err}");
            }
            let now = size_of(&state.join("feed"));
            assert!(now >= size, "{error}: the published size shrank");
            size = now;
            well(&["registry", "check"]);
        }
    }
    assert!(failed >= 8, "{failed}");
    well(&["group", "add", "Group last", "--town", "Southend"]);
    assert!(size_of(&state.join("feed")) > size, "all goes on");
    well(&["verify", "mutuald-state/feed"]);
}

/// F46: what is read or written fails in the middle: exports to a full device, a feed folder that may not be written.
#[tokio::test]
async fn f46_a_feed_folder_that_may_not_be_written_stays_as_it_is() {
    let hub = TestHub::new("Hub A", 1).await;
    hub.put(&[(Uuid::from_u128(1), group("One", "Southend", "01632 960001"))]).await;
    let feed = hub.hub.config.feed();
    let size = size_of(&feed);
    // A file stands where a folder must be made: like EIO, it fails in the middle of publishing, whoever we are.
    let parts = feed.join("v1/1/part/public/000.p");
    let kept = feed.join("v1/1/part/public/kept");
    std::fs::rename(&parts, &kept).unwrap();
    std::fs::write(&parts, b"").unwrap();
    let draft = |n: u128| mutuald::node::author::Draft {
        id: Uuid::from_u128(n),
        rev: 1,
        body: Body::Put(Kind::Record),
        public: Some(group("More", "Southend", "01632 960003").json()),
    };
    assert!(hub.hub.say(&[draft(5)]).await.is_err());
    assert_eq!(size_of(&feed), size, "the checkpoint is written last");
    std::fs::remove_file(&parts).unwrap();
    std::fs::rename(&kept, &parts).unwrap();
    hub.hub.say(&[draft(6)]).await.unwrap();
    assert_eq!(size_of(&feed), size + 2, "what was said then is published now");
    let note = std::fs::read(feed.join("v1/1/checkpoint")).unwrap();
    assert!(Checkpoint::open(&note, hub.hub.keys.log.public(), hub.hub.keys.peer.public()).is_ok());
    hub.check_hub().await;
}

/// F47: a bit turns anywhere in what is stored of a partner: found, named, fetched again, and only taken if it is what was
/// verified. Erased words do not come back with it.
#[tokio::test]
async fn f47_damage_is_found_and_fetched_again() {
    let mut peer = TestPeer::new(7).await;
    (1..=300).for_each(|n| {
        peer.put(n, 1, &format!("Group number {n}"));
    });
    peer.say(3, 2, Body::Erase(Kind::Record, 1, ErasedParts::All));
    peer.publish(); // and still serves the line
    let scene = Scene::of(peer, |_| {}).await;
    let before = scene.hub.hub.digest().await.unwrap();
    let first = 2i64 << 40;
    let damages = [
        (
            "bundle-root",
            format!(
                "UPDATE leaf SET note = CAST(replace(CAST(note AS TEXT), 'put', 'pot') AS BLOB) WHERE pos = {}",
                first + 5
            ),
        ),
        ("line", format!("UPDATE leaf SET line = replace(line, 'number', 'numbre') WHERE pos = {}", first + 9)),
        ("edge", format!("DELETE FROM leaf WHERE pos = {}", first + 299)),
        (
            "edge",
            format!(
                "UPDATE leaf SET note = CAST(replace(CAST(note AS TEXT), 'put', 'pot') AS BLOB) WHERE pos = {}",
                first + 290
            ),
        ),
        ("bundle-root", "UPDATE bundle SET root = zeroblob(32) WHERE log = 2".to_owned()),
        ("bundle-roots", "DELETE FROM bundle WHERE log = 2".to_owned()),
    ];
    for (code, sql) in damages {
        let mut write = scene.hub.hub.store.write().await.unwrap();
        let done = sqlx::query(sqlx::AssertSqlSafe(sql.clone())).execute(&mut *write).await.unwrap();
        assert_eq!(done.rows_affected(), 1, "{sql}");
        write.commit().await.unwrap();
        let findings = scene.hub.hub.check().await.unwrap();
        assert!(findings.iter().any(|finding| finding.code == code), "{sql}: {findings:?}");
        // What is served instead is not taken.
        scene.peer.fault("tile/entries/000", |_, reply| reply.map(|body| body[40] ^= 1));
        scene.peer.fault("tile/entries/001.p/45", |_, reply| reply.map(|body| body[40] ^= 1));
        let mended = scene.hub.hub.mend().await.unwrap();
        assert!(mended.iter().all(|one| one.failed.is_some()), "{sql}: {mended:?}");
        scene.peer.well();
        let mended = scene.hub.hub.mend().await.unwrap();
        assert!(mended.len() == 1 && mended[0].failed.is_none(), "{sql}: {mended:?}");
        scene.hub.check_hub().await;
        assert_eq!(scene.hub.hub.digest().await.unwrap().digest, before.digest, "{sql}");
        assert_eq!(scene.line_at(2).await, None, "{sql}");
    }
    // Nothing damaged: nothing is fetched.
    scene.peer.asked();
    assert!(scene.hub.hub.mend().await.unwrap().is_empty());
    assert!(scene.peer.paths().is_empty());
}
