//! Contact parts: who is given them (PROTOCOL F37), and that nothing gives them away (F38).

mod consent;
mod partner;

use crate::support::TestHub;
use crate::support::feed::all;
use crate::support::hub::group;
use crate::support::peer::{Reply, TestPeer};
use crate::support::scene::Scene;
use jiff::ToSpan;
use jiff::civil::Date;
use mutuald::feed::request::{self, Target};
use mutuald::feed::{LogKeys, tile};
use mutuald::node::consents::Given;
use mutuald::record::consent::{Consent, Reader};
use mutuald::record::contact::{CONTACT, Field, RoleContact};
use mutuald::record::part;
use mutuald::record::statement::{Body, HubId, Kind, Statement};
use mutuald::store;
use mutuald::store::consent::Subject;
use mutuald::store::contact::ContactRow;
use partner::Peer;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// A number that stands in contact parts and nowhere else.
pub const SECRET: &str = "07700 900987";

pub fn role(phone: &str) -> RoleContact {
    RoleContact { role: "coordinator".into(), phone: Some(phone.into()), ..RoleContact::default() }
}

pub async fn add(hub: &TestHub, rec: Uuid, contact: RoleContact) -> i64 {
    let now = hub.clock.now().as_second();
    hub.hub.save_contact(&ContactRow { n: 0, rec, contact, made: now, confirmed: now }, false).await.unwrap().0
}

pub fn agreed(hub: &TestHub, contact: i64, readers: &[HubId]) -> Given {
    let today = hub.hub.today().unwrap();
    let told: Vec<String> = readers.iter().map(ToString::to_string).collect();
    Given {
        subject: Subject::Contact(contact),
        fields: [Field::Phone].into(),
        readers: readers.iter().map(|hub| Reader::Hub(*hub)).collect(),
        notice: (format!("We share your number with {}.", told.join(" and ")), "1".into()),
        medium: "paper".into(),
        by_role: "hub".into(),
        given: today,
        review: today.saturating_add(12.months()),
    }
}

/// Nottingham shares a number with Essex; both follow each other, and Essex has it.
async fn shared(seed: u64) -> (TestHub, TestHub, Uuid, i64, i64) {
    let (nottingham, essex) = (TestHub::sharing("Nottingham", seed).await, TestHub::new("Essex", seed + 1).await);
    let rec = Uuid::from_u128(0x4000_8000_0000_0000_0001);
    nottingham.put(&[(rec, group("Stroke Circle", "Nottingham", "0115 496 0001"))]).await;
    nottingham.follow(&essex).await;
    essex.follow(&nottingham).await;
    let contact = add(&nottingham, rec, role(SECRET)).await;
    nottingham.hub.share_contacts(essex.hub.id, true).await.unwrap();
    let (consent, tended) = nottingham.hub.give_consent(&agreed(&nottingham, contact, &[essex.hub.id])).await.unwrap();
    assert_eq!(tended.signed, 1);
    essex.pull(&nottingham).await;
    assert!(held(&essex, &nottingham).await.iter().any(|line| line.contains(SECRET)));
    (nottingham, essex, rec, contact, consent)
}

/// Contact lines that a hub holds of another.
pub async fn held(hub: &TestHub, of: &TestHub) -> Vec<String> {
    let partner = hub.hub.partner(&of.hub.id.to_string()).await.unwrap().hub;
    lines(hub, partner).await
}

async fn lines(hub: &TestHub, n: i64) -> Vec<String> {
    let mut db = hub.hub.store.read().await.unwrap();
    let (from, upto) = (store::log::pos(n, 0), store::log::pos(n + 1, 0));
    store::contact::lines(&mut db, from, upto).await.unwrap().into_iter().map(|row| row.line).collect()
}

struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    body: String,
}

async fn get(url: &str, headers: &[(&str, String)]) -> Answer {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = headers.iter().fold(client.get(url), |request, (name, value)| request.header(*name, value));
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let headers = response
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    Answer { status, headers, body: response.text().await.unwrap() }
}

const PATH: &str = "/v1/1/part/contact/000.p/4";

/// The headers of a request by a hub at a time, for an authority.
fn signed(keys: &LogKeys, authority: &str, path: &str, at: i64) -> Vec<(&'static str, String)> {
    let target = Target { method: "GET", authority, path, query: None };
    let headers = request::sign(&target, &keys.peer, at);
    vec![("signature-input", headers.input), ("signature", headers.signature)]
}

fn authority(hub: &TestHub) -> String {
    hub.url.trim_start_matches("http://").trim_end_matches('/').to_owned()
}

#[tokio::test]
async fn f37_contacts_are_given_to_the_hubs_that_are_named_and_to_nobody_else() {
    let (nottingham, essex, ..) = shared(200).await;
    let stranger = TestHub::new("Stranger", 205).await;
    let derby = TestHub::new("Derby", 206).await;
    nottingham.follow(&derby).await;
    let now = nottingham.clock.now().as_second();
    let (url, authority) = (format!("{}{}", nottingham.url, &PATH[1..]), authority(&nottingham));
    let ask = async |headers: Vec<(&'static str, String)>| get(&url, &headers).await;
    let by = |keys: &LogKeys, at: i64| signed(keys, &authority, PATH, at);

    let ours = ask(by(&essex.hub.keys, now)).await;
    assert_eq!((ours.status, ours.body.matches(SECRET).count()), (200, 1), "{}", ours.body);
    assert_eq!(ours.body.lines().count(), 4);
    assert_eq!(ours.headers["cache-control"], "private, no-store");
    assert!(!ours.headers.contains_key("etag") && !ours.headers.contains_key("content-encoding"));
    assert!(!ours.headers.contains_key("access-control-allow-origin"));

    let mut refused = vec![
        ("nobody signs", ask(vec![]).await, 401),
        ("a stranger signs", ask(by(&stranger.hub.keys, now)).await, 401),
        ("a partner that contacts are not shared with", ask(by(&derby.hub.keys, now)).await, 403),
        ("made too long ago", ask(by(&essex.hub.keys, now - 301)).await, 401),
        ("an hour ago", ask(by(&essex.hub.keys, now - 3_600)).await, 401),
        ("an hour ahead", ask(by(&essex.hub.keys, now + 3_600)).await, 401),
        ("for another host", ask(signed(&essex.hub.keys, "other.example", PATH, now)).await, 401),
        ("for another path", ask(signed(&essex.hub.keys, &authority, "/v1/1/part/contact/000.p/3", now)).await, 401),
    ];
    // By the log's key, which signs no requests.
    let wrong = Target { method: "GET", authority: &authority, path: PATH, query: None };
    let by_log = request::sign(&wrong, &essex.hub.keys.log, now);
    let input = by_log
        .input
        .replace(&request::key_id(essex.hub.keys.log.public()), &request::key_id(essex.hub.keys.peer.public()));
    refused.push(("by another key", ask(vec![("signature-input", input), ("signature", by_log.signature)]).await, 401));
    for (from, to) in
        [("ed25519", "hmac-sha256"), ("ed25519", "rsa-v1_5-sha256"), (" \"@authority\"", ""), ("groups-feed/v1", "x")]
    {
        let mut headers = by(&essex.hub.keys, now);
        headers[0].1 = headers[0].1.replace(from, to);
        refused.push(("another profile", ask(headers).await, 401));
    }
    // Nor is one read that was made for less than all of it, whoever signed it: it could be for anybody.
    let headers = request::sign(&wrong, &essex.hub.keys.peer, now);
    let narrower = headers.input.replace(" \"@authority\"", "");
    assert_eq!(request::Claim::read(&narrower, &headers.signature), Err(request::Refused::Components));
    // A query is signed too, so one that was added afterwards is noticed.
    refused.push(("a query besides", get(&format!("{url}?all=1"), &by(&essex.hub.keys, now)).await, 401));
    for (what, answer, status) in refused {
        assert_eq!(answer.status, status, "{what}: {}", answer.body);
        assert!(!answer.body.contains(SECRET) && answer.headers["cache-control"] == "private, no-store", "{what}");
        assert!(!answer.headers.contains_key("etag"), "{what}");
    }
}

/// Who is asked by a reader could hand the request on to us: the authority that it signed is not ours, whatever `Host` says.
#[tokio::test]
async fn f37_a_request_that_was_made_for_another_hub_is_worth_nothing_here() {
    let (nottingham, essex, ..) = shared(210).await;
    let mut headers = signed(&essex.hub.keys, "hostile.example", PATH, nottingham.clock.now().as_second());
    headers.push(("host", "hostile.example".into()));
    let answer = get(&format!("{}{}", nottingham.url, &PATH[1..]), &headers).await;
    assert_eq!((answer.status, answer.body.contains(SECRET)), (401, false));
}

/// A request that was heard on the way and is sent again, within the minutes in which it counts: it yields what its signer may read at
/// that moment and no more, whoever sends it; and a hub whose document ran out is nobody.
#[tokio::test]
async fn f37_a_replayed_request_yields_no_more_than_it_may() {
    let (nottingham, essex, _, _, consent) = shared(215).await;
    let url = format!("{}{}", nottingham.url, &PATH[1..]);
    let at = nottingham.clock.now().as_second();
    let heard = signed(&essex.hub.keys, &authority(&nottingham), PATH, at);
    for _ in 0..2 {
        assert_eq!(get(&url, &heard).await.status, 200);
    }
    nottingham.hub.withdraw_consent(consent).await.unwrap();
    let answer = get(&url, &heard).await;
    assert_eq!((answer.status, answer.body.contains(SECRET)), (200, false), "not what it could be read then");
    nottingham.hub.share_contacts(essex.hub.id, false).await.unwrap();
    assert_eq!(get(&url, &heard).await.status, 403);
    nottingham.clock.set(nottingham.clock.now() + 301.seconds());
    assert_eq!(get(&url, &heard).await.status, 401);
    nottingham.hub.share_contacts(essex.hub.id, true).await.unwrap();
    let ended = essex.hub.own_document().await.unwrap().document.expires;
    for (day, status) in [(ended, 200), (ended.tomorrow().unwrap(), 401)] {
        nottingham.clock.set(day.at(12, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp());
        let now = nottingham.clock.now().as_second();
        assert_eq!(
            get(&url, &signed(&essex.hub.keys, &authority(&nottingham), PATH, now)).await.status,
            status,
            "{day}"
        );
    }
}

/// Nothing of a contact, nor of the salt that guards it, is logged at any level that an operator can ask for, at the hub that gives it or
/// at the one that is given it: not when it is shared, refused, damaged, withdrawn or erased.
#[tokio::test]
async fn f37_no_log_line_tells_of_a_contact() {
    let events = crate::support::events::Events::listen();
    let (nottingham, essex, rec, contact, consent) = shared(216).await;
    let line = held(&essex, &nottingham).await[0].clone();
    let (url, at) = (format!("{}{}", nottingham.url, &PATH[1..]), nottingham.clock.now().as_second());
    get(&url, &signed(&essex.hub.keys, "other.example", PATH, at)).await;
    get(&url, &[]).await;
    // What is no contact at all, and lines that do not fit.
    let refused =
        ContactRow { n: 0, rec, contact: RoleContact { phone: None, ..role(SECRET) }, made: at, confirmed: at };
    nottingham.hub.save_contact(&refused, false).await.unwrap_err();
    let noted = RoleContact { notes: Some(format!("Ring Mrs Margaret Hill on {SECRET}")), ..role(SECRET) };
    let refused = nottingham.hub.save_contact(&ContactRow { contact: noted, ..refused }, false).await.unwrap_err();
    assert!(refused.to_string().contains("the notes seem to hold"), "whoever typed it is told: {refused}");
    let peer = Peer::new().await;
    peer.serves([&peer.contact.replace("900987", "900988"), ""]);
    peer.scene.pull().await;
    peer.serves([&peer.contact, ""]);
    peer.scene.pull().await;
    nottingham.hub.withdraw_consent(consent).await.unwrap();
    nottingham.hub.remove_contact(contact).await.unwrap();
    essex.pull(&nottingham).await;
    let said = events.lines();
    assert!(said.iter().any(|line| line.contains("asked for contacts")), "it listens: {} lines", said.len());
    for secret in ["900987", "900988", "Margaret", &line[..22]] {
        assert!(
            !said.iter().any(|line| line.contains(secret)),
            "{secret}: {:#?}",
            said.iter().find(|line| line.contains(secret))
        );
    }
}

#[tokio::test]
async fn f37_a_clock_that_differs_is_corrected_once() {
    let (nottingham, essex, rec, contact, _) = shared(220).await;
    // An hour apart: Essex learns from the refusal what time it is in Nottingham.
    essex.clock.set(nottingham.clock.now() + 1.hours());
    let other = RoleContact { phone: Some("07700 900986".into()), ..role(SECRET) };
    let now = nottingham.clock.now().as_second();
    nottingham
        .hub
        .save_contact(&ContactRow { n: contact, rec, contact: other, made: now, confirmed: now }, true)
        .await
        .unwrap();
    let outcome = essex.pull(&nottingham).await;
    assert_eq!(outcome.contacts.unwrap().state, "current");
    assert!(held(&essex, &nottingham).await[0].contains("07700 900986"));

    // A server that never believes is asked twice and no more.
    let peer = Peer::new().await;
    peer.scene.peer.fault("part/contact/000.p/2", |_, _| {
        Reply::of(401, "").header("date", "Sun, 22 Nov 2026 11:00:00 GMT").header("content-length", 0)
    });
    peer.scene.peer.asked();
    let outcome = peer.scene.pull().await;
    assert!(outcome.ok(), "{outcome:?}");
    assert_eq!(outcome.contacts.unwrap().state, "unsigned");
    let asked = peer.scene.peer.asked();
    let created: Vec<&str> = asked
        .iter()
        .filter(|asked| asked.path.contains("contact"))
        .map(|asked| asked.headers["signature-input"].split("created=").nth(1).unwrap().split(';').next().unwrap())
        .collect();
    assert_eq!(created.len(), 2, "{created:?}");
    assert_eq!(created[1].parse::<i64>().unwrap() - created[0].parse::<i64>().unwrap(), 7_200);
}

/// An implementation of RFC 9421 that is not ours asks us, and believes us.
#[tokio::test(flavor = "multi_thread")]
async fn f37_another_implementation_signs_and_verifies_with_us() {
    let Some(python) = std::env::var_os("MUTUALD_OUTSIDE_PYTHON") else {
        eprintln!("SKIP no signed request is checked with http-message-signatures (tests/run installs it)");
        return;
    };
    let (nottingham, essex, ..) = shared(225).await;
    let (url, authority) = (format!("{}{}", nottingham.url, &PATH[1..]), authority(&nottingham));
    let now = nottingham.clock.now().as_second();
    let script = crate::support::feed::repository("tests/outside/signed_request.py");
    let run = async |arguments: Vec<String>| {
        let (python, script) = (python.clone(), script.clone());
        let ran = tokio::task::spawn_blocking(move || {
            std::process::Command::new(python).arg(script).args(arguments).output()
        });
        let output = ran.await.unwrap().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let seed = std::fs::read_to_string(essex.hub.config.keys().join("log-1.key")).unwrap().trim().to_owned();
    let id = request::key_id(essex.hub.keys.peer.public());
    let words = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>();
    let answer = run(words(&["get", &url, &seed, &id, &authority, &now.to_string()])).await;
    assert!(answer.starts_with("200 ") && answer.contains(SECRET), "{answer}");
    let answer = run(words(&["get", &url, &seed, &id, "other.example", &now.to_string()])).await;
    assert!(answer.starts_with("401 ") && !answer.contains(SECRET), "{answer}");
    let target = Target { method: "GET", authority: &authority, path: PATH, query: None };
    let headers = request::sign(&target, &essex.hub.keys.peer, now);
    let text = essex.hub.keys.peer.public().to_string();
    let key = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text.splitn(3, '+').nth(2).unwrap())
        .unwrap();
    let key = hex::encode(&key[1..]);
    assert_eq!(run(words(&["verify", &url, &key, &id, &headers.input, &headers.signature])).await, "verified\n");
}

/// Nothing of a contact stands where others look: feed folder, pages, index, exports, registry digest, log.
#[tokio::test]
async fn f37_nothing_public_tells_of_a_contact() {
    let (nottingham, essex, rec, contact, _) = shared(230).await;
    for hub in [&nottingham, &essex] {
        for (path, bytes) in all(&hub.hub.config.feed()) {
            let text = String::from_utf8_lossy(&bytes);
            assert!(!text.contains(SECRET) && !text.contains("coordinator"), "{path}");
            assert!(!path.contains("contact"), "{path}");
        }
        let mut db = hub.hub.store.read().await.unwrap();
        for table in ["search", "leaf", "grp", "record", "decision", "setting", "partner"] {
            let sql = format!("SELECT count(*) FROM \"{table}\" WHERE {}", columns(&mut db, table).await);
            let found: i64 =
                sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind("%900987%").fetch_one(&mut *db).await.unwrap();
            assert_eq!(found, 0, "{table}");
        }
        hub.check_hub().await;
    }
    // Whoever holds contacts and whoever holds none know the same registry.
    let derby = TestHub::new("Derby", 235).await;
    derby.follow(&nottingham).await;
    derby.pull(&nottingham).await;
    assert_eq!((held(&derby, &nottingham).await.len(), held(&essex, &nottingham).await.len()), (0, 1));
    assert_eq!(derby.hub.digest().await.unwrap().digest, essex.hub.digest().await.unwrap().digest);
    // A change of the number changes no public file's words.
    let words = |hub: &TestHub| -> Vec<String> {
        let files = all(&hub.hub.config.feed());
        let text = files
            .iter()
            .filter(|(path, _)| path.contains("part/"))
            .map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned());
        let lines: BTreeSet<String> = text
            .flat_map(|text| text.lines().map(|line| line.chars().skip(22).collect()).collect::<Vec<_>>())
            .collect();
        lines.into_iter().collect()
    };
    let (lines, size) = (words(&nottingham), part_bytes(&nottingham));
    let now = nottingham.clock.now().as_second();
    let longer = RoleContact { hours: Some("evenings, and at weekends".into()), ..role("07700 900986") };
    nottingham
        .hub
        .save_contact(&ContactRow { n: contact, rec, contact: longer, made: now, confirmed: now }, true)
        .await
        .unwrap();
    assert_eq!(words(&nottingham), lines);
    // One line of the same length more: the put that says the same public words.
    let line = size.0 - size.1;
    assert_eq!(part_bytes(&nottingham).0 - size.0, line);
}

/// Bytes of the newest public part bundle, and of it without the newest put's line.
fn part_bytes(hub: &TestHub) -> (usize, usize) {
    let files = all(&hub.hub.config.feed());
    let newest =
        files.iter().filter(|(path, _)| path.contains("part/public")).max_by_key(|(_, bytes)| bytes.len()).unwrap();
    let text = String::from_utf8_lossy(newest.1);
    let last = text.lines().rfind(|line| !line.is_empty()).unwrap().len() + 1;
    (text.len(), text.len() - last)
}

/// All columns of a table as one condition.
async fn columns(db: &mut sqlx::SqliteConnection, table: &str) -> String {
    let sql = format!("SELECT name FROM pragma_table_info('{table}')");
    let names: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(db).await.unwrap();
    names.iter().map(|name| format!("CAST(\"{name}\" AS TEXT) LIKE ?1")).collect::<Vec<_>>().join(" OR ")
}

#[tokio::test]
async fn f38_a_salt_is_never_used_again_and_never_public() {
    let (nottingham, essex, rec, ..) = shared(240).await;
    let mut salts = BTreeSet::new();
    let mut all_lines = Vec::new();
    for n in 0..40 {
        // Each put signs both lines again.
        nottingham.put(&[(rec, group(&format!("Stroke Circle {n}"), "Nottingham", "0115 496 0001"))]).await;
        let mut db = nottingham.hub.store.read().await.unwrap();
        let log = store::log::by_number(&mut db, store::log::OWN).await.unwrap().unwrap();
        let newest = store::log::leaf(&mut db, store::log::pos(1, log.held - 1)).await.unwrap().unwrap();
        let statement =
            Statement::read(mutuald::feed::note::Note::parse(&newest.note).unwrap().text.as_bytes()).unwrap();
        drop(db);
        let restricted = lines(&nottingham, 1).await;
        assert_eq!(restricted.len(), 1, "one contact line stands");
        assert_eq!(statement.parts[CONTACT], part::digest(restricted[0].as_bytes()));
        for line in [newest.line.unwrap(), restricted[0].clone()] {
            assert!(salts.insert(line[..22].to_owned()), "a salt was used twice");
            all_lines.push(line);
        }
    }
    assert_eq!(salts.len(), 80);
    // 128 bits each: none looks like its neighbour.
    assert!(salts.iter().zip(salts.iter().skip(1)).all(|(a, b)| a[..8] != b[..8]));
    let restricted: Vec<&String> = all_lines.iter().filter(|line| line.contains(SECRET)).collect();
    assert_eq!(restricted.len(), 40);
    for hub in [&nottingham, &essex] {
        for (path, bytes) in all(&hub.hub.config.feed()) {
            let text = String::from_utf8_lossy(&bytes);
            assert!(restricted.iter().all(|line| !text.contains(&line[..22])), "{path} holds the salt of a contact");
        }
    }
    // With the salt unknown the digest answers no guess.
    assert_ne!(part::digest(restricted[0].as_bytes()), part::digest(&restricted[0].as_bytes()[23..]));
}
