//! Contact parts: who is given them (PROTOCOL F37), that nothing gives them away (F38), that classes do not mix (F17), and
//! that nothing is signed or served without a consent in force (USERS 4.2, G2 and G3).

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

/// A scripted partner with one record that names a contact part.
struct Peer {
    scene: Scene,
    public: String,
    contact: String,
}

impl Peer {
    async fn new() -> Peer {
        let mut peer = TestPeer::new(31).await;
        let (public, contact) = (
            peer.line(1, 1, "Group number 1"),
            part::line([9; 16], r#"{"contacts":[{"role":"enquiries","phone":"07700 900987"}]}"#),
        );
        let parts = BTreeMap::from([
            (part::PUBLIC.to_owned(), part::digest(public.as_bytes())),
            (CONTACT.to_owned(), part::digest(contact.as_bytes())),
        ]);
        let statement = Statement { parts, ..peer.statement(1, 1, Body::Put(Kind::Record), &public) };
        peer.sign(&statement.text().unwrap(), &public);
        peer.put(2, 1, "Group number 2");
        peer.publish();
        let scene = Scene::of(peer, |_| {}).await;
        Peer { scene, public, contact }
    }

    /// The lines that the hub holds of it.
    async fn held(&self) -> Vec<String> {
        lines(&self.scene.hub, self.scene.partner().await.hub).await
    }

    fn serves(&self, lines: [&str; 2]) {
        let body = format!("{}\n{}\n", lines[0], lines[1]);
        self.scene.peer.well();
        self.scene
            .peer
            .fault("part/contact/000.p/2", move |_, _| Reply::whole(body.clone()).header("content-length", body.len()));
    }
}

#[tokio::test]
async fn f17_lines_of_one_class_are_nothing_in_another() {
    let peer = Peer::new().await;
    assert_eq!(peer.held().await, [""; 0], "it serves no contacts yet");
    // The public line in the contact bundle, and one that nobody signed.
    for wrong in [peer.public.clone(), peer.contact.replace("900987", "900988")] {
        peer.serves([&wrong, ""]);
        let outcome = peer.scene.pull().await;
        assert!(outcome.ok(), "{outcome:?}");
        assert_eq!(outcome.contacts.unwrap().wrong, 1);
        assert_eq!(peer.held().await, [""; 0]);
    }
    // A contact line at a leaf that names none.
    peer.serves(["", &peer.contact]);
    assert_eq!(peer.scene.pull().await.contacts.unwrap().not_for_us, 1);
    assert_eq!(peer.held().await, [""; 0]);
    peer.serves([&peer.contact, ""]);
    assert_eq!(peer.scene.pull().await.contacts.unwrap().came, 1);
    assert_eq!(peer.held().await, std::slice::from_ref(&peer.contact));
    assert!(peer.scene.pull().await.contacts.is_none(), "what is held is not asked for");
    peer.scene.hub.check_hub().await;

    // The contact line in the public bundle: withheld words, and no contact in a public place.
    let mut scene = Scene::new(1).await;
    let contact = peer.contact.clone();
    scene.peer.put(2, 1, "Group number 2");
    scene.peer.lines[1] = contact;
    scene.peer.publish();
    let outcome = scene.pull().await;
    assert_eq!(outcome.pulled.unwrap().withheld, 1);
    assert_eq!(scene.line_at(1).await, None);
    scene.hub.check_hub().await;
}

/// A partner's erasure, withdrawal or newer put takes the line away at once; what was erased does not come back.
#[tokio::test]
async fn pain_8_what_a_partner_takes_back_is_gone_with_the_next_pull() {
    for (case, body) in [
        ("withdrawn", Body::Withdraw(Kind::Record)),
        ("erased", Body::Erase(Kind::Record, 1, mutuald::record::statement::ErasedParts::All)),
    ] {
        let mut peer = Peer::new().await;
        peer.serves([&peer.contact, ""]);
        peer.scene.pull().await;
        assert_eq!(peer.held().await.len(), 1, "{case}");
        peer.scene.peer.say(1, 2, body);
        peer.scene.peer.publish();
        let line = peer.contact.clone();
        peer.scene.peer.fault("part/contact/000.p/3", move |_, _| {
            let body = format!("{line}\n\n\n");
            Reply::whole(body.clone()).header("content-length", body.len())
        });
        for _ in 0..2 {
            assert!(peer.scene.pull().await.ok());
            let mut db = peer.scene.hub.hub.store.read().await.unwrap();
            let left: i64 = sqlx::query_scalar("SELECT count(*) FROM contact_line").fetch_one(&mut *db).await.unwrap();
            assert_eq!(left, 0, "{case}");
        }
        peer.scene.hub.check_hub().await;
    }
}

#[tokio::test]
async fn a_consent_that_runs_out_withdraws_by_itself() {
    let (nottingham, essex, rec, _, consent) = shared(250).await;
    let mut db = nottingham.hub.store.read().await.unwrap();
    let review = store::consent::all(&mut db).await.unwrap()[0].review;
    assert_eq!(store::contact::recipients(&mut db, 1).await.unwrap().len(), 1, "whom to tell is known");
    drop(db);
    assert_eq!(consent, 1);
    let noon = |day: Date| day.at(12, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp();
    // The last day still counts; the day after it nothing is given out, even before the daemon's turn.
    for (day, there) in [(review, true), (review.tomorrow().unwrap(), false)] {
        for hub in [&nottingham, &essex] {
            hub.clock.set(noon(day));
            hub.hub.refresh().await.unwrap();
        }
        let at = nottingham.clock.now().as_second();
        let headers = signed(&essex.hub.keys, &authority(&nottingham), PATH, at);
        let answer = get(&format!("{}{}", nottingham.url, &PATH[1..]), &headers).await;
        assert_eq!((answer.status, answer.body.contains(SECRET)), (200, there), "{day}");
    }
    assert_eq!(nottingham.hub.tend_contacts().await.unwrap().withdrawn, 1);
    assert_eq!(nottingham.hub.tend_contacts().await.unwrap(), Default::default(), "once");
    assert_eq!(lines(&nottingham, 1).await, [""; 0]);
    let outcome = essex.pull(&nottingham).await;
    assert!(outcome.ok());
    assert_eq!(held(&essex, &nottingham).await, [""; 0]);
    assert_eq!(essex.names().await, nottingham.names().await, "the group itself stays");
    let mut db = nottingham.hub.store.read().await.unwrap();
    let row = store::record::get(&mut db, 1, rec).await.unwrap().unwrap();
    let leaf = store::log::leaf(&mut db, row.state.put.unwrap().0).await.unwrap().unwrap();
    assert!(!String::from_utf8(leaf.note).unwrap().contains("contact"));
    drop(db);
    nottingham.check_hub().await;
    essex.check_hub().await;
}

/// So many withdrawals at once that the change waits for a person: the contacts are gone all the same.
#[tokio::test]
async fn a_withdrawal_does_not_wait_with_a_mass_change() {
    let (nottingham, essex) = (TestHub::sharing("Nottingham", 260).await, TestHub::new("Essex", 261).await);
    nottingham.follow(&essex).await;
    essex.follow(&nottingham).await;
    nottingham.hub.share_contacts(essex.hub.id, true).await.unwrap();
    let mut consents = Vec::new();
    for n in 1..=12u128 {
        let rec = Uuid::from_u128(0x4000_8000_0000_0000_0000 + n);
        nottingham.put(&[(rec, group(&format!("Circle {n}"), "Nottingham", &format!("0115 496 00{n:02}")))]).await;
        let contact = add(&nottingham, rec, role(&format!("07700 9009{n:02}"))).await;
        consents.push(nottingham.hub.give_consent(&agreed(&nottingham, contact, &[essex.hub.id])).await.unwrap().0);
    }
    essex.pull(&nottingham).await;
    essex.pull(&nottingham).await;
    assert_eq!(held(&essex, &nottingham).await.len(), 12);
    for consent in consents {
        nottingham.hub.withdraw_consent(consent).await.unwrap();
    }
    assert_eq!(essex.pull(&nottingham).await.state, "waiting");
    assert_eq!(held(&essex, &nottingham).await, [""; 0]);
}

#[tokio::test]
async fn pain_10_private_contacts_do_not_leak_to_a_new_partner() {
    let (nottingham, essex, ..) = shared(270).await;
    let derby = TestHub::new("Derby", 272).await;
    nottingham.follow(&derby).await;
    derby.follow(&nottingham).await;
    // Not shared with at all, then shared with and named by no consent.
    assert_eq!(derby.pull(&nottingham).await.contacts.unwrap().state, "forbidden");
    nottingham.hub.share_contacts(derby.hub.id, true).await.unwrap();
    let read = derby.pull(&nottingham).await.contacts.unwrap();
    assert_eq!((read.state, read.came, read.not_for_us), ("current", 0, 1), "a new partner widens nothing");
    assert_eq!(held(&derby, &nottingham).await, [""; 0]);
    // And one that is no longer shared with loses what it has.
    nottingham.hub.share_contacts(essex.hub.id, false).await.unwrap();
    essex.pull(&nottingham).await;
    assert_eq!(held(&essex, &nottingham).await, [""; 0]);
    nottingham.check_hub().await;
    essex.check_hub().await;
}

#[tokio::test]
async fn a_consent_covers_only_hubs_that_people_were_told_of() {
    let (nottingham, essex, _, contact, _) = shared(280).await;
    let mut given = agreed(&nottingham, contact, &[essex.hub.id]);
    given.notice.0 = "We share your number with our partners.".into();
    let refused = nottingham.hub.give_consent(&given).await.unwrap_err().to_string();
    assert!(refused.contains("does not name Essex"), "{refused}");
    given.notice.0 = "We share your number with Essex.".into();
    nottingham.hub.give_consent(&given).await.unwrap();
    // Another number is another person's until they agree.
    let mut db = nottingham.hub.store.read().await.unwrap();
    let row = store::contact::get(&mut db, contact).await.unwrap().unwrap();
    drop(db);
    let other = ContactRow { contact: role("07700 900986"), ..row };
    let tended = nottingham.hub.save_contact(&other, false).await.unwrap().1;
    assert_eq!(tended.withdrawn, 1);
    // Nor does a new contact come under the number, and so under the consents, of one that was removed.
    nottingham.hub.give_consent(&given).await.unwrap();
    nottingham.hub.remove_contact(contact).await.unwrap();
    let next = add(&nottingham, other.rec, role("07700 900985")).await;
    assert!(next > contact);
    assert_eq!(lines(&nottingham, 1).await, [""; 0]);
    essex.pull(&nottingham).await;
    assert_eq!(held(&essex, &nottingham).await, [""; 0]);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 6, ..Default::default() })]

    /// Whatever is agreed, withdrawn, shared and forgotten on whatever days: at every moment, what is signed and what each hub
    /// is given has a consent in force. The law is looked up in the ledger as it stands, apart from the code that obeys it.
    #[test]
    fn nothing_is_signed_or_served_without_a_consent_in_force(
        steps in proptest::collection::vec((0..7u8, 0..3u8, 0..2usize), 4..14), seed in 300..400u64,
    ) {
        tokio::runtime::Runtime::new().unwrap().block_on(walk(steps, seed));
    }
}

async fn walk(steps: Vec<(u8, u8, usize)>, seed: u64) {
    let nottingham = TestHub::sharing("Nottingham", seed).await;
    let readers = [TestHub::new("Essex", seed + 1_000).await, TestHub::new("Derby", seed + 2_000).await];
    for reader in &readers {
        nottingham.follow(reader).await;
        reader.follow(&nottingham).await;
    }
    let recs: Vec<Uuid> = (1..4).map(|n| Uuid::from_u128(0x4000_8000_0000_0000_0000 + n)).collect();
    for (n, rec) in recs.iter().enumerate() {
        nottingham.put(&[(*rec, group(&format!("Circle {n}"), "Nottingham", &format!("0115 496 000{n}")))]).await;
        add(&nottingham, *rec, role(&format!("07700 90000{n}"))).await;
    }
    for (what, which, reader) in steps {
        let (contact, hub) = (i64::from(which) + 1, readers[reader].hub.id);
        match what {
            0 | 1 => {
                let mut given = agreed(&nottingham, contact, &[hub]);
                given.review = given.given.saturating_add((i64::from(which) + 1).days());
                let _ = nottingham.hub.give_consent(&given).await;
            }
            2 => drop(nottingham.hub.withdraw_consent(contact).await),
            3 => drop(nottingham.hub.share_contacts(hub, which > 0).await.unwrap()),
            4 => nottingham.clock.set(nottingham.clock.now() + 24.hours()),
            5 => drop(nottingham.hub.remove_contact(contact).await),
            _ => {
                let again = group("Circle again", "Nottingham", "0115 496 0009");
                nottingham.put(&[(recs[usize::from(which)], again)]).await;
            }
        }
        // Now and then the daemon has its turn; what is served is right either way.
        if what % 2 == 0 {
            nottingham.hub.refresh().await.unwrap();
            nottingham.hub.tend_contacts().await.unwrap();
        }
        lawful(&nottingham, &readers, what % 2 == 0).await;
    }
}

async fn lawful(hub: &TestHub, readers: &[TestHub; 2], tended: bool) {
    let today = hub.hub.today().unwrap();
    let mut db = hub.hub.store.read().await.unwrap();
    let consents = store::consent::rules(&mut db).await.unwrap();
    let allowed = store::contact::readers(&mut db).await.unwrap();
    let size = store::log::by_number(&mut db, 1).await.unwrap().unwrap().held;
    drop(db);
    let stands = |consent: &&Consent| {
        consent.given <= today && today <= consent.review && consent.withdrawn.is_none_or(|day| today < day)
    };
    let covered = |line: &str, reader: Option<HubId>| {
        (0..3).filter(|n| line.contains(&format!("90000{n}"))).all(|n| {
            consents.iter().filter(stands).any(|consent| {
                consent.contact == n + 1 && reader.is_none_or(|reader| consent.readers.contains(&Reader::Hub(reader)))
            })
        })
    };
    if tended {
        for line in lines(hub, 1).await {
            assert!(covered(&line, None), "signed without a consent: {line}");
        }
    }
    for reader in readers {
        let path = format!("/v1/1/{}", tile::parts(CONTACT, 0, tile::width(0, size)));
        let headers = signed(&reader.hub.keys, &authority(hub), &path, hub.clock.now().as_second());
        let answer = get(&format!("{}{}", hub.url, &path[1..]), &headers).await;
        assert_eq!(answer.status, if allowed.contains_key(&reader.hub.id) { 200 } else { 403 });
        for line in answer.body.lines() {
            assert!(covered(line, Some(reader.hub.id)), "given without a consent: {line}");
        }
    }
}

/// What is newer than this program: an unknown class, an unknown member that is critical, another path.
#[tokio::test]
async fn f49_what_is_newer_is_kept_and_has_no_effect() {
    let mut peer = TestPeer::new(33).await;
    let line = peer.line(1, 1, "Group number 1");
    let mut statement = peer.statement(1, 1, Body::Put(Kind::Record), &line);
    statement.parts.insert("x7".into(), part::digest(b"something else"));
    peer.sign(&statement.text().unwrap(), &line);
    let text = peer.statement(2, 1, Body::Put(Kind::Record), "").text().unwrap();
    peer.sign(&text.replace("\"op\":\"put\"", "\"op\":\"put\",\"seal\":1,\"crit\":[\"seal\"]"), "");
    peer.sign(&text.replace("groups-feed/v1 record", "groups-feed/v1 weather"), "");
    peer.publish();
    let mut scene = Scene::of(peer, |_| {}).await;
    assert_eq!(scene.names().await, ["Group number 1"]);
    assert!(scene.pull().await.contacts.is_none(), "a class that nobody knows is not asked for");
    scene.heals().await;
    let nottingham = TestHub::sharing("Nottingham", 290).await;
    for path in ["v2/1/checkpoint", "v2/1/part/contact/000", "v1/1/part/x7/000.p/2"] {
        assert_eq!(get(&format!("{}{path}", nottingham.url), &[]).await.status, 404, "{path}");
    }
}

/// Something that can never be read, in every class, for ever: the rest flows, and it is said when it comes.
#[tokio::test]
async fn f50_a_poison_record_stops_nothing_and_is_said_once() {
    let mut peer = Peer::new().await;
    let broken = part::line([3; 16], r#"{"name":4}"#);
    let statement = peer.scene.peer.statement(3, 1, Body::Put(Kind::Record), &broken);
    peer.scene.peer.sign(&statement.text().unwrap(), &broken);
    peer.scene.peer.push("groups-feed/v1 record\n{}\n\n— nobody AAAA\n".as_bytes(), "");
    let restricted = part::line([4; 16], r#"{"contacts":"none"}"#);
    let public = peer.scene.peer.line(4, 1, "Group number 4");
    let parts = [(part::PUBLIC, &public), (CONTACT, &restricted)];
    let parts = parts.map(|(class, line)| (class.to_owned(), part::digest(line.as_bytes()))).into();
    let statement = Statement { parts, ..peer.scene.peer.statement(4, 1, Body::Put(Kind::Record), &public) };
    peer.scene.peer.sign(&statement.text().unwrap(), &public);
    peer.scene.peer.publish();
    let (contact, poison) = (peer.contact.clone(), restricted.clone());
    let mut said = Vec::new();
    for round in 0..4u64 {
        let width = peer.scene.peer.leaves.len();
        let body = format!("{contact}\n\n\n\n{poison}\n{}", "\n".repeat(width - 5));
        peer.scene.peer.fault(&format!("part/contact/000.p/{width}"), move |_, _| {
            Reply::whole(body.clone()).header("content-length", body.len())
        });
        let outcome = peer.scene.pull().await;
        assert!(outcome.ok(), "{outcome:?}");
        said.push(outcome.reason.contains("say nothing"));
        // Others flow, whatever stands beside them.
        let n = u128::from(100 + round);
        peer.scene.peer.put(n, 1, &format!("Group number {n}"));
        peer.scene.peer.publish();
        peer.scene.pull().await;
        assert_eq!(peer.scene.state_of(n).await.as_deref(), Some("live"));
    }
    assert_eq!(said, [true, false, false, false], "alerted once");
    assert_eq!(peer.scene.state_of(3).await.as_deref(), Some("unreadable:part-member"));
    assert!(peer.held().await.contains(&contact));
    let record = mutuald::record::RecordRef { hub: peer.scene.peer.id, rec: Uuid::from_u128(4) };
    let mut db = peer.scene.hub.hub.store.read().await.unwrap();
    let partner = peer.scene.partner().await.hub;
    let shown = mutuald::node::contacts::shown(&mut db, &[(partner, record.hub, record.rec)]).await.unwrap();
    assert_eq!(shown, [], "what cannot be read is not shown");
    drop(db);
    peer.scene.hub.check_hub().await;
}
