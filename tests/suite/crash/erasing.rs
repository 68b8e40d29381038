//! A hub that is killed while it erases, or while it makes or reads a backup (PROTOCOL F45).

use super::*;

/// Erasing: killed anywhere, and done again, it is done: the registry is the one of a hub that was not killed, and not a byte is
/// left, in backups and exports too. What was taken out of sight before the kill is never seen again.
#[tokio::test(flavor = "multi_thread")]
async fn f45_erasing_survives_a_kill_at_every_step() {
    let folder = tempfile::tempdir().unwrap();
    let start = folder.path().join("start");
    let hub = with_secret(&start).await;
    hub.back_up(Some(&start.join("backups/old.backup"))).await.unwrap();
    hub.store.close().await;
    // Paths are remembered whole; the copies that are killed have others.
    let moved = |state: &Path| {
        let database = rusqlite::Connection::open(state.join("mutuald.db")).unwrap();
        let path = |name: &str| state.join(name).display().to_string();
        database.execute("UPDATE backup SET path = ?", [path("backups/old.backup")]).unwrap();
        database.execute("UPDATE written SET path = ?", [path("export.csv")]).unwrap();
    };
    let whole = folder.path().join("whole");
    copy(&start, &whole);
    moved(&whole);
    assert!(!work(&format!("forget {}", whole.display()), None));
    assert!(audit(&[&whole], &[SECRET]).is_empty());
    let expected = told(&whole).await;
    let mut met = BTreeSet::new();
    let trials = tempfile::tempdir().unwrap();
    for name in failpoints() {
        for nth in 1.. {
            let state = trials.path().join(format!("{name}-{nth}"));
            copy(&start, &state);
            moved(&state);
            let task = format!("forget {}", state.display());
            if !work(&task, Some(&format!("{name}:{nth}"))) {
                break;
            }
            met.insert(name.clone());
            // Once it was committed, no start shows it again.
            if name.starts_with("erase-") && name != "erase-commit" {
                let hub = open(&state).await;
                hub.refresh().await.unwrap();
                let mut db = hub.store.read().await.unwrap();
                assert!(Known::find(&hub, &mut db, SECRET).await.is_err(), "{name}:{nth}");
                drop(db);
                hub.store.close().await;
            }
            assert!(!work(&task, None));
            let found = audit(&[&state], &[SECRET]);
            assert!(found.is_empty(), "{name}:{nth}: {found:?}");
            assert_eq!(told(&state).await, expected, "{name}:{nth}");
            std::fs::remove_dir_all(&state).unwrap();
        }
    }
    let steps: BTreeSet<String> = failpoints()
        .into_iter()
        .filter(|name| name.starts_with("erase-") && name != "erase-ack" || name == "backup-cleaned")
        .collect();
    assert!(met.is_superset(&steps), "every failpoint of erasing was come to: {steps:?} {met:?}");
}

/// Making a backup and restoring one: killed anywhere and done again, the registry is the one of a hub that was not killed; a
/// backup is whole or not there; and what was erased since is not in what was restored.
#[tokio::test(flavor = "multi_thread")]
async fn f45_backups_survive_a_kill_at_every_step() {
    let folder = tempfile::tempdir().unwrap();
    let start = folder.path().join("start");
    let hub = with_secret(&start).await;
    hub.store.close().await;
    let expected = told(&start).await;
    let trials = tempfile::tempdir().unwrap();
    let met = kill_everywhere(&start, "backup", "", async |state, at, restarted| {
        let file = state.join(ELSEWHERE).join("made.backup");
        // Whatever lies there, whole or half made, a list names it.
        let database = rusqlite::Connection::open(state.join("mutuald.db")).unwrap();
        let mut rows = database.prepare("SELECT path FROM backup").unwrap();
        let listed: Vec<PathBuf> =
            rows.query_map([], |row| row.get::<_, String>(0)).unwrap().map(|path| path.unwrap().into()).collect();
        for entry in std::fs::read_dir(state.join(ELSEWHERE)).into_iter().flatten().flatten() {
            let path = entry.path();
            let known = |one: &PathBuf| *one == path || one.with_extension("") == path;
            let journal = path.file_name().is_some_and(|name| name == "erasures.journal");
            assert!(journal || listed.iter().any(known), "{at}: no list names {}", path.display());
        }
        drop(rows);
        drop(database);
        if restarted || file.exists() {
            let database = rusqlite::Connection::open(&file).unwrap();
            let whole: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
            let lines: i64 =
                database.query_row("SELECT count(*) FROM leaf WHERE line IS NOT NULL", [], |row| row.get(0)).unwrap();
            assert_eq!((whole.as_str(), lines > 20), ("ok", true), "{at}");
        }
        assert_eq!(told(state).await, expected, "{at}");
        if restarted {
            return;
        }
        // Erased right after the kill, without another backup: no half-made copy is left with it.
        let killed = trials.path().join("erased");
        let _ = std::fs::remove_dir_all(&killed);
        copy(state, &killed);
        // Paths are remembered whole, and the copy has others.
        let database = rusqlite::Connection::open(killed.join("mutuald.db")).unwrap();
        for table in ["backup", "written"] {
            let sql = format!("UPDATE {table} SET path = replace(path, ?1, ?2)");
            database.execute(&sql, [state.to_str().unwrap(), killed.to_str().unwrap()]).unwrap();
        }
        drop(database);
        assert!(!work(&format!("forget {}", killed.display()), None));
        let stick = killed.join(ELSEWHERE);
        let found = audit(&[&stick, &killed.join("mutuald.db")], &[SECRET]);
        let half = stick.join("made.backup.new");
        assert!(!half.exists(), "{at}: a half-made copy stays");
        assert!(found.is_empty(), "{at}: {found:?}");
    })
    .await;
    for name in ["backup-noted", "backup-written", "backup-in-place", "backup-listed"] {
        assert!(met.contains(name), "{name}: {met:?}");
    }

    let hub = open(&start).await;
    hub.back_up(Some(&start.join("backups/old.backup"))).await.unwrap();
    // The hub forgets that it made it, as if it had been carried away before the erasure.
    let mut db = hub.store.write().await.unwrap();
    store::kept::forget_backup(&mut db, &start.join("backups/old.backup").display().to_string()).await.unwrap();
    db.commit().await.unwrap();
    let mut db = hub.store.read().await.unwrap();
    let known = Known::find(&hub, &mut db, SECRET).await.unwrap();
    let plan = erase::plan(&hub, &mut db, &known, None, true).await.unwrap();
    drop(db);
    plan.commit(&hub).await.unwrap();
    hub.store.close().await;
    let whole = folder.path().join("whole");
    copy(&start, &whole);
    assert!(!work(&format!("restore {}", whole.display()), None));
    let expected = told(&whole).await;
    let met = kill_everywhere(&start, "restore", "", async |state, at, restarted| {
        if restarted {
            assert_eq!(told(state).await, expected, "{at}");
            let database = rusqlite::Connection::open(state.join("mutuald.db")).unwrap();
            let lines: i64 = database
                .query_row("SELECT count(*) FROM leaf WHERE instr(lower(line), ?) > 0", [SECRET], |row| row.get(0))
                .unwrap();
            assert_eq!(lines, 0, "{at}");
        }
    })
    .await;
    for name in ["restore-ready", "restore-aside", "restore-done"] {
        assert!(met.contains(name), "{name}: {met:?}");
    }
}

/// What a crash left of a backup elsewhere is said as long as it is out of reach, and then finished or removed. What somebody else put
/// there under the name that it was to have is nobody's backup.
#[test]
fn f45_a_backup_that_was_cut_off_is_said_and_settled() {
    use crate::support::command::Desk;
    let desk = Desk::new("Essex Hub");
    desk.run(&["group", "add", "Stroke Circle", "--town", "Nottingham"]).ended(0);
    desk.run(&["backup", "make", "whole.backup"]).ended(0);
    desk.run(&["backup", "make", "x.new"]).failed(1);
    let database = rusqlite::Connection::open(desk.file("mutuald-state/mutuald.db")).unwrap();
    let half = desk.file("stick/x.backup.new");
    let note = || {
        let path = half.display().to_string();
        database.execute("INSERT OR REPLACE INTO backup VALUES (?, 1, 0, -1)", [path]).unwrap();
    };
    note();
    let said = desk.run(&["backup", "list"]).ended(3);
    assert!(said.contains("half made: its making was cut off"), "{said}");
    std::fs::create_dir(desk.file("stick")).unwrap();
    std::fs::write(&half, "half of it").unwrap();
    let said = desk.run(&["backup", "list"]).ended(0);
    assert!(said.contains("what there was of it is removed") && !half.exists(), "{said}");
    assert!(!desk.run(&["backup", "list"]).ended(0).contains("x.backup"));
    // It had its name already.
    note();
    std::fs::copy(desk.file("whole.backup"), desk.file("stick/x.backup")).unwrap();
    let said = desk.run(&["backup", "list"]).ended(0);
    assert!(said.contains("it is whole, and listed now"), "{said}");
    assert!(desk.run(&["backup", "list"]).ended(0).contains("x.backup"));
    // Another hub's, or no database at all.
    let other = Desk::new("Kent Hub");
    other.run(&["backup", "make", "other.backup"]).ended(0);
    for foreign in [std::fs::read(other.file("other.backup")).unwrap(), b"a letter".to_vec()] {
        database.execute("DELETE FROM backup", []).unwrap();
        note();
        std::fs::write(desk.file("stick/x.backup"), &foreign).unwrap();
        assert!(!desk.run(&["backup", "list"]).ended(0).contains("listed now"));
        assert_eq!(std::fs::read(desk.file("stick/x.backup")).unwrap(), foreign, "left as it was");
    }
}
