//! F35: what was let go does not come back, with a backup, from a relay, or from files that others could read.

use super::*;

/// F35 with a relay: B's backup from before the erasure is restored elsewhere and relayed again, and somebody serves the erased
/// line beside the list as it is now. Neither brings it back to C, nor to a newcomer who reads nobody else.
#[tokio::test]
async fn f35_a_relay_that_did_not_erase_brings_nothing_back() {
    let (a, b, c) = relayed().await;
    let before = b.copy(51).await;
    let line = {
        let mut db = a.hub.store.read().await.unwrap();
        let row = store::record::get(&mut db, store::log::OWN, RECORD).await.unwrap().unwrap();
        store::log::leaf(&mut db, row.state.put.unwrap().0).await.unwrap().unwrap()
    };
    let (index, line) = (store::log::index(line.pos) as usize, line.line.unwrap());
    erased(&a.hub, "qzxvorblat", true).await;
    b.pull(&a).await;
    c.pull(&a).await;
    c.holds_nothing_of(&PLANTED);

    // The old copy is an older state of the same list: nothing of it is taken.
    c.finds(&b, &before.url).await;
    let outcome = c.pull(&a).await;
    assert!(outcome.ok(), "{outcome:?}");
    c.holds_nothing_of(&PLANTED);

    // A liar who serves the list as it is, with the line put back where it stood: its digest is the one that was signed.
    let target = b.url.clone();
    let (poisoned, liar) = (std::sync::Arc::new(line), tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap());
    let url = format!("http://{}/", liar.local_addr().unwrap());
    let router = axum::Router::new().fallback(move |uri: axum::http::Uri| {
        let (target, line) = (target.clone(), poisoned.clone());
        async move {
            use axum::response::IntoResponse;
            let answer = reqwest::get(format!("{}{}", target.trim_end_matches('/'), uri.path())).await.unwrap();
            let (found, body) = (answer.status(), answer.bytes().await.unwrap().to_vec());
            if !uri.path().contains("/part/public/") || !found.is_success() {
                return (found, body).into_response();
            }
            let mut lines: Vec<String> = String::from_utf8(body).unwrap().lines().map(str::to_owned).collect();
            assert_eq!(lines[index], "", "the honest relay has it no more");
            lines[index].clone_from(&line);
            format!("{}\n", lines.join("\n")).into_response()
        }
    });
    tokio::spawn(async move { axum::serve(liar, router).await.unwrap() });
    let newcomer = TestHub::new("Hub D", 4).await;
    newcomer.follow(&a).await;
    newcomer.follow(&b).await;
    for reader in [&c, &newcomer] {
        reader.finds(&a, "http://127.0.0.1:9/").await;
        reader.finds(&b, &url).await;
        for _ in 0..2 {
            reader.clock.advance(SignedDuration::from_hours(2));
            let outcome = reader.pull(&a).await;
            assert!(outcome.ok(), "{outcome:?}");
        }
        assert_eq!(reader.names().await.len(), 5);
        reader.holds_nothing_of(&PLANTED);
        reader.check_hub().await;
    }
}

/// F35: a backup from before is restored, and the publisher still serves the line: it does not come back. Nor with a partner that
/// was removed and added again.
#[tokio::test]
async fn f35_what_was_erased_does_not_come_back_with_a_backup_or_a_relay() {
    let mut peer = TestPeer::new(7).await;
    (1..=5).for_each(|n| {
        peer.put(n, 1, &format!("Group number {n}"));
    });
    peer.put(9, 1, "Qzxvorblat Circle");
    peer.publish();
    let scene = Scene::of(peer, |_| {}).await;
    let (hub, mut peer) = (scene.hub, scene.peer);
    hub.put(&[(RECORD, planted(""))]).await;
    // Two backups: one that the hub knows, one that was carried away.
    let stick = tempfile::tempdir().unwrap();
    let away = stick.path().join("stick.backup");
    let made = hub.hub.back_up(None).await.unwrap();
    std::fs::copy(&made.backup.file, &away).unwrap();
    assert!(!audit(&[&away], &["qzxvorblat"]).is_empty() || !can_audit());

    peer.say(9, 2, Body::Erase(Kind::Record, 1, ErasedParts::All));
    peer.publish(); // and goes on serving the line
    let partner = hub.hub.partner(&peer.id.to_string()).await.unwrap();
    assert_eq!(hub.hub.pull(&partner, false).await.unwrap().state, "changed");
    erased(&hub.hub, "qzxvorblat", true).await;
    hub.holds_nothing_of(&PLANTED);

    let config = (*hub.hub.config).clone();
    hub.hub.store.close().await;
    let trial = backup::restore(&config, &away, &hub.clock, false, false).await.unwrap();
    assert_eq!((trial.done, trial.forgotten_again), (false, 2));
    let restored = backup::restore(&config, &away, &hub.clock, true, false).await.unwrap();
    assert_eq!((restored.done, restored.forgotten_again), (true, 2));
    let again = Hub::open(config, hub.clock.clone(), Chance::seeded(5)).await.unwrap();
    hub.holds_nothing_of(&PLANTED);
    assert!(again.check().await.unwrap().is_empty());
    let names = || async {
        let mut db = again.store.read().await.unwrap();
        let names: Vec<String> = sqlx::query_scalar("SELECT name FROM grp").fetch_all(&mut *db).await.unwrap();
        names.len()
    };
    assert_eq!(names().await, 5);
    for _ in 0..3 {
        hub.clock.advance(SignedDuration::from_hours(1));
        let partner = again.partner(&peer.id.to_string()).await.unwrap();
        again.pull(&partner, false).await.unwrap();
        assert_eq!(names().await, 5);
    }
    hub.holds_nothing_of(&PLANTED);
    // The backup on the stick is known now, and is clean when it is there.
    assert_eq!(audit(&[&away], &PLANTED), [""; 0]);
    // Keys are in no backup.
    let seed = std::fs::read_to_string(again.config.keys().join("log-1.key")).unwrap();
    let raw: Vec<u8> = (0..32).map(|n| u8::from_str_radix(&seed[2 * n..2 * n + 2], 16).unwrap()).collect();
    let bytes = std::fs::read(&away).unwrap();
    assert!(!bytes.windows(32).any(|window| window == raw));
    assert_eq!(audit(&[&away], &[seed.trim()]), [""; 0]);
    again.store.close().await;
}

/// F35: a person who was forgotten, a role contact that was removed, a consent that was withdrawn and a hub that contacts are no
/// longer shared with: none of them comes back with a backup from before, and nothing of them is left in the backups that can
/// be reached.
#[tokio::test]
async fn f35_people_and_consents_do_not_come_back_with_a_backup() {
    use crate::attacks::contact::{add, agreed, role};
    use mutuald::store::person::{PersonRow, Personal};
    let (hub, essex, derby) =
        (TestHub::sharing("Nottingham", 1).await, TestHub::new("Essex", 2).await, TestHub::new("Derby", 3).await);
    for reader in [&essex, &derby] {
        hub.follow(reader).await;
        hub.hub.share_contacts(reader.hub.id, true).await.unwrap();
    }
    hub.put(&[other(1), other(2)]).await;
    let phones = ["07700 900981", "07700 900982"];
    let mut consents = Vec::new();
    for (n, phone) in (1..).zip(phones) {
        let contact = add(&hub, Uuid::from_u128(n), role(phone)).await;
        let given = agreed(&hub, contact, &[essex.hub.id]);
        consents.push((contact, hub.hub.give_consent(&given).await.unwrap().0));
    }
    let now = hub.clock.now().as_second();
    let mut db = hub.hub.store.write().await.unwrap();
    for name in ["Zebedeequux", "Wilhelmina Stays"] {
        let row = PersonRow {
            name: Personal::new(name),
            role: "founder".into(),
            made: now,
            confirmed: now,
            ..PersonRow::default()
        };
        store::person::save(&mut db, &row).await.unwrap();
    }
    db.commit().await.unwrap();
    let stick = tempfile::tempdir().unwrap();
    let away = stick.path().join("stick.backup");
    let made = hub.hub.back_up(None).await.unwrap();
    std::fs::copy(&made.backup.file, &away).unwrap();
    let gone = ["zebedeequux", phones[0]];
    for word in gone {
        assert!(!audit(&[&made.backup.file], &[word]).is_empty() || !can_audit(), "{word}");
    }

    assert_eq!(hub.hub.forget_person(1).await.unwrap(), [""; 0]);
    hub.hub.remove_contact(consents[0].0).await.unwrap();
    hub.hub.withdraw_consent(consents[1].1).await.unwrap();
    hub.hub.share_contacts(derby.hub.id, false).await.unwrap();
    hub.holds_nothing_of(&gone);
    hub.check_hub().await;

    let stands = async |store: &store::Store| {
        let mut db = store.read().await.unwrap();
        let people: Vec<i64> = store::person::all(&mut db).await.unwrap().iter().map(|row| row.n).collect();
        let contacts: Vec<i64> = store::contact::all(&mut db).await.unwrap().iter().map(|row| row.n).collect();
        let today = hub.hub.today().unwrap();
        let consents = store::consent::all(&mut db).await.unwrap();
        let consents: Vec<i64> = consents.iter().filter(|row| row.in_force(today)).map(|row| row.n).collect();
        let readers: Vec<_> = store::contact::readers(&mut db).await.unwrap().into_keys().collect();
        (people, contacts, consents, readers)
    };
    let expected = stands(&hub.hub.store).await;
    assert_eq!(expected, (vec![2], vec![consents[1].0], vec![], vec![essex.hub.id]));
    let config = (*hub.hub.config).clone();
    hub.hub.store.close().await;
    let restored = backup::restore(&config, &away, &hub.clock, true, false).await.unwrap();
    assert!(restored.done && restored.forgotten_again >= 4, "{restored:?}");
    let again = Hub::open(config.clone(), hub.clock.clone(), Chance::seeded(5)).await.unwrap();
    assert_eq!(stands(&again.store).await, expected);
    again.store.close().await;
    hub.holds_nothing_of(&gone);
    assert_eq!(audit(&[&away], &gone), [""; 0], "nor on the stick, now that it is here");
    // What came after a restore under a number that was used before is another's, and stays.
    let again = Hub::open(config, hub.clock.clone(), Chance::seeded(6)).await.unwrap();
    let mut db = again.store.write().await.unwrap();
    sqlx::query("UPDATE sqlite_sequence SET seq = 0 WHERE name = 'person'").execute(&mut *db).await.unwrap();
    sqlx::query("INSERT INTO person (n, name, role, made, confirmed) VALUES (1, 'Another', 'founder', ?1, ?1)")
        .bind(now + 1)
        .execute(&mut *db)
        .await
        .unwrap();
    db.commit().await.unwrap();
    let later = again.back_up(Some(&stick.path().join("later.backup"))).await.unwrap();
    let config = (*again.config).clone();
    again.store.close().await;
    backup::restore(&config, &later.backup.file, &hub.clock, true, false).await.unwrap();
    let again = Hub::open(config, hub.clock.clone(), Chance::seeded(7)).await.unwrap();
    assert_eq!(stands(&again.store).await.0, [1, 2]);
    again.store.close().await;
}

/// Whoever else has an account on the machine reads no database, no backup and no restored copy, whatever the permissions of
/// the stick that one was copied from.
#[tokio::test]
async fn f35_databases_and_backups_are_closed_to_others() {
    use std::os::unix::fs::PermissionsExt;
    let hub = TestHub::new("Hub A", 1).await;
    hub.put(&[other(1)]).await;
    let made = hub.hub.back_up(None).await.unwrap();
    let stick = tempfile::tempdir().unwrap();
    let away = stick.path().join("stick.backup");
    std::fs::copy(&made.backup.file, &away).unwrap();
    std::fs::set_permissions(&away, std::fs::Permissions::from_mode(0o777)).unwrap();
    let config = (*hub.hub.config).clone();
    // A database of an earlier version may be open to everybody.
    hub.hub.store.close().await;
    std::fs::set_permissions(config.database(), std::fs::Permissions::from_mode(0o644)).unwrap();
    let open = async |seed| Hub::open(config.clone(), hub.clock.clone(), Chance::seeded(seed)).await.unwrap();
    let closed = |folder: &Path| {
        for (path, _) in all(folder) {
            if path.contains(".db") || path.ends_with(".backup") {
                let mode = std::fs::metadata(folder.join(&path)).unwrap().permissions().mode();
                assert_eq!(mode & 0o007, 0, "{path}: {:o}", mode & 0o777);
            }
        }
    };
    let again = open(5).await;
    again.refresh().await.unwrap();
    closed(&config.hub.state);
    again.store.close().await;
    backup::restore(&config, &away, &hub.clock, true, false).await.unwrap();
    // Not what the stick's file system lets a group do, either.
    let mode = std::fs::metadata(config.database()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "the restored database: {:o}", mode & 0o777);
    let again = open(6).await;
    closed(&config.hub.state);
    again.store.close().await;
}
