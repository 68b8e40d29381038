//! Searching a nation's registry; the daemon's start, memory and rest.

use crate::pull::{Server, published, pull};
use crate::{hub, records};
use mutuald::record::vocabulary;
use mutuald::store::directory;
use mutuald::store::group::Rules;
use mutuald::store::view::Terms;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A registry that pulled the published feed.
fn registry(folder: &Path) -> PathBuf {
    let home = folder.join("puller-0");
    if !home.exists() {
        let (publisher, id) = published(folder, records());
        let server = Server::start(&publisher);
        pull(&home, &server.url, &id);
    }
    home
}

/// What people type: a topic or one of its other names, often with a place, sometimes with the word "group".
fn queries() -> Vec<Terms> {
    let places = ["Nottingham", "Leeds", "Chelmsford", "Derby", "Cardiff", "Glasgow", "Norwich", "Hull"];
    let mut queries = Vec::new();
    for (n, term) in vocabulary::topics().terms.iter().enumerate() {
        let word = term.synonyms.get(n % 3).unwrap_or(&term.label).clone();
        let place = places[n % places.len()];
        let terms = |words: String| Terms { words, page: 1, ..Terms::default() };
        queries.push(terms(word.clone()));
        queries.push(terms(format!("{word} support group {place}")));
        queries.push(Terms { place: Some(place.into()), ..terms(word) });
        queries.push(Terms { topic: Some(term.id.clone()), ..terms(String::new()) });
    }
    queries.push(Terms { page: 1, ..Terms::default() });
    queries.push(Terms { words: "support group".into(), page: 1, ..Terms::default() });
    queries
}

pub fn search(folder: &Path) {
    let home = registry(folder);
    hub::runtime(async {
        let hub = hub::open(&home, false).await;
        let mut db = hub.store.read().await.unwrap();
        let rules = Rules::standing(&mut db, hub.policy.clone()).await.unwrap();
        let mut times = Vec::new();
        let (mut found, mut slowest) = (0, (Duration::ZERO, String::new()));
        for round in 0..3 {
            for terms in queries() {
                let started = Instant::now();
                let page = directory::search(&mut db, &rules, &terms, 20).await.unwrap();
                let took = started.elapsed();
                if round > 0 {
                    times.push(took);
                    found += page.total;
                    if took > slowest.0 {
                        slowest = (took, format!("{:?} {:?}", terms.words, terms.topic));
                    }
                }
            }
        }
        times.sort();
        let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e3;
        println!(
            "search    {} searches, {:.0} groups found on average: median {:.1} ms, p95 {:.1} ms, p99 {:.1} ms (at most 10 is wanted), \
             slowest {:.1} ms ({})",
            times.len(),
            found as f64 / times.len() as f64,
            at(0.5),
            at(0.95),
            at(0.99),
            slowest.0.as_secs_f64() * 1e3,
            slowest.1
        );
    });
}

/// Clock ticks (of 10 ms) that a process has used.
pub fn ticks(process: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    [11, 12].iter().filter_map(|n| fields.get(*n)?.parse::<u64>().ok()).sum()
}

pub fn daemon(folder: &Path) {
    let home = registry(folder);
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let file = home.join("hub.toml");
    let state = home.display();
    let text =
        format!("[hub]\nstate = \"{state}\"\n[web]\nlisten = \"{port}\"\n[pull]\nallow_private_addresses = true\n");
    std::fs::write(&file, text).unwrap();
    let started = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_mutuald"))
        .arg("--config")
        .arg(&file)
        .arg("run")
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while !answers(port) {
        assert!(started.elapsed() < Duration::from_secs(60), "the daemon does not answer");
        std::thread::sleep(Duration::from_millis(5));
    }
    let ready = started.elapsed();
    // Rest is measured over time, and there is no event to wait for: what starts up has ended by then, and then nothing happens.
    std::thread::sleep(Duration::from_secs(3));
    let before = ticks(child.id());
    std::thread::sleep(Duration::from_secs(20));
    let used = ticks(child.id()) - before;
    let memory = hub::field(&child.id().to_string(), "VmRSS:");
    println!(
        "daemon    ready {:.2} s after its start (at most 1 is wanted); idle {} MB resident (at most 40), {} ms of CPU in 20 s",
        ready.as_secs_f64(),
        memory / 1024,
        used * 10
    );
    let _ = child.kill();
    let _ = child.wait();
}

fn answers(port: std::net::SocketAddr) -> bool {
    use std::io::{Read, Write};
    let Ok(mut stream) = std::net::TcpStream::connect(port) else { return false };
    let mut answer = String::new();
    stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").is_ok()
        && stream.read_to_string(&mut answer).is_ok()
        && answer.starts_with("HTTP/1.1 200")
}
