//! A log that is long: how much memory a pull holds, how fast it is, and what one changed record costs after it.
//!
//! `MUTUALD_BENCH_LEAVES=5000000 cargo bench -- long` is a nation's list (`MUTUALD_BENCH_RECORDS`) that was said again and again, as over
//! decades, until its log has five million leaves; 200,000 without the variable. No hub stands behind it: a publisher signs the leaves,
//! keeps them in one file in the form in which they are served, and makes all other files as they are asked for. The puller is
//! the real one under its ordinary limits, so that it takes the log in runs.

use crate::{hub, part, pull, records};
use mutuald::clock::Clock;
use mutuald::config::Config;
use mutuald::feed::hub::{HubDocument, id_of};
use mutuald::feed::note::ED25519;
use mutuald::feed::tile::{self, WIDTH};
use mutuald::feed::{Checkpoint, Frontier, Hash, LogKeys, SigningKey, merkle};
use mutuald::node::demo::invent;
use mutuald::node::{Chance, Hub};
use mutuald::record::statement::{Body, Kind, Statement};
use mutuald::record::{HubId, part as words};
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// Bytes of disk that a leaf may take while it is measured: some 370 at the publisher and 300 in the database were seen, and what a run
/// leaves in the write-ahead log comes beside.
const ROOM: u64 = 1_300;

pub fn long(folder: &Path) {
    let leaves: u64 = std::env::var("MUTUALD_BENCH_LEAVES").ok().and_then(|n| n.parse().ok()).unwrap_or(200_000);
    let records = (records() as u64).min(leaves / 20);
    let needed = leaves * ROOM;
    let free = free(folder);
    if free < needed {
        println!("SKIP long: {} GB of disk are needed, {} are free; TMPDIR names another", needed >> 30, free >> 30);
        return;
    }
    let mut medians = Vec::new();
    for length in [leaves / 10, leaves] {
        let length = length / WIDTH * WIDTH;
        let home = folder.join(format!("long-{length}"));
        std::fs::create_dir_all(&home).unwrap();
        let me = std::env::current_exe().unwrap();
        let mut server = Command::new(me)
            .args(["part", "long-serve", home.to_str().unwrap(), &length.to_string(), &records.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .expect("a server");
        let mut said = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let [url, id, signing] = said.split_whitespace().collect::<Vec<_>>()[..] else { panic!("{said}") };
        println!("long      {length} leaves of {records} records signed in {signing} s");
        let puller = home.join("puller");
        print!("{}", part(&["long-pull", puller.to_str().unwrap(), url, id]));
        let mut seconds = Vec::new();
        for _ in 0..9 {
            more(url);
            let pulled = pull::pull(&puller, url, id);
            assert_eq!(pulled.new, 1);
            seconds.push(pulled.seconds);
        }
        seconds.sort_by(f64::total_cmp);
        println!(
            "long      then one record in {:.1} ms (median of 9; {:.1}–{:.1})",
            seconds[4] * 1e3,
            seconds[0] * 1e3,
            seconds[8] * 1e3
        );
        medians.push(seconds[4]);
        let _ = server.kill();
        let _ = server.wait();
        let _ = std::fs::remove_dir_all(&home);
    }
    println!("long      ratio {:.2} for ten times the log (at most 1.2 is wanted)", medians[1] / medians[0]);
}

/// Free bytes where a folder lies.
fn free(folder: &Path) -> u64 {
    let said = Command::new("df").args(["--output=avail", "-B1"]).arg(folder).output().expect("df");
    String::from_utf8_lossy(&said.stdout).lines().last().and_then(|line| line.trim().parse().ok()).unwrap_or(0)
}

/// Asks the publisher to say something more.
fn more(url: &str) {
    let host = url.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    write!(stream, "GET /more HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

/// What a path holds.
#[derive(Clone, Copy)]
enum Lies {
    Entries(usize),
    Parts(usize),
    Roots(usize),
}

/// A log without a hub.
struct Publisher {
    keys: LogKeys,
    document: String,
    at: jiff::Timestamp,
    /// Leaves of full bundles.
    length: u64,
    /// The line of every record, as it stands in the end.
    lines: Vec<String>,
    entries: File,
    /// Where each bundle begins in the file; one more, for the end.
    begins: Vec<u64>,
    roots: Vec<Hash>,
    paths: HashMap<String, Lies>,
    /// Leaves after the last full bundle, with their lines.
    more: Mutex<Vec<(Vec<u8>, String)>>,
}

impl Publisher {
    fn new(home: &Path, length: u64, records: u64) -> Publisher {
        let keys = LogKeys::from_seed("long.example/1", &[3; 32]);
        let root = SigningKey::new("long-root", ED25519, &[4; 32]);
        let expires = "2091-01-01".parse().unwrap();
        let document = HubDocument::first("Long Hub", "CC0-1.0", &root, &keys, "../v1/1/", expires);
        let document = document.sign(&[&root]);
        let lines: Vec<String> = invent::many(7, records as usize, 2)
            .enumerate()
            .map(|(n, group)| words::line((n as u128).to_be_bytes(), &group.json()))
            .collect();
        let mut publisher = Publisher {
            keys,
            document,
            // As statements are written: whole seconds.
            at: jiff::Timestamp::from_second(Clock::system().now().as_second()).unwrap(),
            length,
            lines,
            entries: File::options().read(true).write(true).create_new(true).open(home.join("entries")).unwrap(),
            begins: vec![0],
            roots: Vec::new(),
            paths: HashMap::new(),
            more: Mutex::default(),
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
        for first in (0..length / WIDTH).step_by(threads as usize) {
            let these = first..(first + threads).min(length / WIDTH);
            let made: Vec<(Vec<u8>, Hash)> = std::thread::scope(|scope| {
                let one = |n| {
                    scope.spawn({
                        let publisher = &publisher;
                        move || publisher.bundle(n)
                    })
                };
                let started: Vec<_> = these.map(one).collect();
                started.into_iter().map(|one| one.join().unwrap()).collect()
            });
            for (bytes, root) in made {
                publisher.entries.write_all(&bytes).unwrap();
                publisher.begins.push(publisher.begins.last().unwrap() + bytes.len() as u64);
                publisher.roots.push(root);
            }
        }
        for n in 0..length / WIDTH {
            publisher.paths.insert(tile::entries(n, WIDTH), Lies::Entries(n as usize));
            publisher.paths.insert(tile::parts(words::PUBLIC, n, WIDTH), Lies::Parts(n as usize));
        }
        let bundles = length / WIDTH;
        for n in 0..bundles.div_ceil(WIDTH) {
            publisher.paths.insert(tile::tile(1, n, tile::width(n, bundles)), Lies::Roots(n as usize));
        }
        publisher
    }

    /// The record that a leaf speaks of, and its line where it is the last that does.
    fn says(&self, leaf: u64) -> (usize, Option<&str>) {
        let records = self.lines.len() as u64;
        let record = (leaf % records) as usize;
        (record, Some(self.lines[record].as_str()).filter(|_| leaf + records >= self.length))
    }

    fn leaf(&self, record: usize, rev: u64, digest: String) -> Vec<u8> {
        let parts = [(words::PUBLIC.to_owned(), digest)].into();
        let body = Body::Put(Kind::Record);
        let statement = Statement { id: hub::id(record), rev, at: self.at, parts, replaces: None, body };
        self.keys.log.note(&statement.text().unwrap()).into()
    }

    /// A bundle of leaves as it is served, and its root.
    fn bundle(&self, n: u64) -> (Vec<u8>, Hash) {
        let (mut bytes, mut hashes) = (Vec::new(), Vec::new());
        for nth in n * WIDTH..(n + 1) * WIDTH {
            let (record, line) = self.says(nth);
            // What was said before is blanked by now: nobody can tell what its digest was of.
            let digest = line.map_or_else(|| words::digest(&nth.to_be_bytes()), |line| words::digest(line.as_bytes()));
            let leaf = self.leaf(record, nth / self.lines.len() as u64 + 1, digest);
            hashes.push(merkle::leaf_hash(&leaf));
            tile::append_entry(&mut bytes, &leaf);
        }
        (bytes, merkle::root(hashes))
    }

    /// One record more is said again.
    fn again(&self) {
        let mut more = self.more.lock().unwrap();
        let rev = 1_000_000 + more.len() as u64;
        let mut group = invent::many(7, 11, 2).last().unwrap();
        group.cost = Some(format!("£{rev}"));
        let line = words::line(u128::from(rev).to_be_bytes(), &group.json());
        more.push((self.leaf(10, rev, words::digest(line.as_bytes())), line));
        assert!((more.len() as u64) < WIDTH, "one bundle is enough");
    }

    fn checkpoint(&self) -> Vec<u8> {
        let mut edge = Frontier::default();
        self.roots.iter().for_each(|root| edge.push_subtree(8, *root));
        self.more.lock().unwrap().iter().for_each(|(leaf, _)| edge.push(merkle::leaf_hash(leaf)));
        let time = self.at.as_second() as u64;
        Checkpoint { size: edge.size(), root: edge.root(), time }.sign(&self.keys).into()
    }

    fn file(&self, path: &str) -> Option<Vec<u8>> {
        match path {
            "/.well-known/groups-hub" => return Some(self.document.clone().into()),
            "/v1/1/checkpoint" => return Some(self.checkpoint()),
            "/more" => {
                self.again();
                return Some(Vec::new());
            }
            _ => {}
        }
        let path = path.strip_prefix("/v1/1/")?;
        let Some(lies) = self.paths.get(path) else {
            let more = self.more.lock().unwrap();
            let (n, width) = (self.length / WIDTH, more.len() as u64);
            let mut bytes = Vec::new();
            if path == tile::entries(n, width) {
                more.iter().for_each(|(leaf, _)| tile::append_entry(&mut bytes, leaf));
            } else if path == tile::parts(words::PUBLIC, n, width) {
                more.iter().for_each(|(_, line)| bytes.extend(format!("{line}\n").bytes()));
            } else {
                return None;
            }
            return Some(bytes);
        };
        Some(match *lies {
            Lies::Entries(n) => {
                let mut bytes = vec![0; (self.begins[n + 1] - self.begins[n]) as usize];
                self.entries.read_exact_at(&mut bytes, self.begins[n]).unwrap();
                bytes
            }
            Lies::Parts(n) => {
                let leaves = n as u64 * WIDTH..(n as u64 + 1) * WIDTH;
                leaves.flat_map(|leaf| format!("{}\n", self.says(leaf).1.unwrap_or_default()).into_bytes()).collect()
            }
            Lies::Roots(n) => self.roots.chunks(WIDTH as usize).nth(n)?.concat(),
        })
    }
}

/// Signs a log, prints address, hub id and the seconds it took, and serves it until killed.
pub async fn serve(home: &Path, length: u64, records: u64) {
    let started = Instant::now();
    let publisher = Arc::new(Publisher::new(home, length, records));
    let (text, _) = publisher.document.split_once("\n\n").unwrap();
    let id = id_of(&format!("{text}\n"));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("http://{}/ {id} {:.0}", listener.local_addr().unwrap(), started.elapsed().as_secs_f64());
    let router = axum::Router::new().fallback(move |uri: axum::http::Uri| {
        let publisher = publisher.clone();
        async move { publisher.file(uri.path()).ok_or(axum::http::StatusCode::NOT_FOUND) }
    });
    axum::serve(listener, router).await.unwrap();
}

/// Pulls, run by run, until all of it is held; prints what each run took, and the most memory this process ever held.
pub async fn take(folder: &Path, url: &str, partner: &str) {
    drop(hub::open(folder, false).await);
    let mut config = Config::default();
    config.hub.state = folder.to_owned();
    config.publish = None;
    config.pull.allow_private_addresses = true;
    let database = config.database();
    let hub = Hub::open(config, Clock::system(), Chance::system().unwrap()).await.unwrap();
    let partner: HubId = partner.parse().unwrap();
    hub.add_partner(url, partner, None).await.unwrap();
    let started = Instant::now();
    let (mut runs, mut first) = (0, 0.0);
    let (held, last) = loop {
        let row = hub.partner(&partner.to_string()).await.unwrap();
        let run = Instant::now();
        let outcome = hub.pull(&row, true).await.unwrap();
        let took = run.elapsed().as_secs_f64();
        runs += 1;
        if runs == 1 {
            first = took;
        }
        let pulled = outcome.pulled.unwrap_or_else(|| panic!("{}: {}", outcome.state, outcome.reason));
        eprintln!("          run {runs}: {} held, {took:.1} s, peak {} MB", pulled.held, hub::peak_kib() / 1024);
        assert!(pulled.void.is_empty(), "{:?}", pulled.void);
        if !pulled.more {
            assert_eq!(pulled.withheld, 0, "every record has its words");
            break (pulled.held, took);
        }
    };
    let seconds = started.elapsed().as_secs_f64();
    let mut db = hub.store.read().await.unwrap();
    let groups: i64 = sqlx::query_scalar("SELECT count(*) FROM grp").fetch_one(&mut *db).await.unwrap();
    let bytes = std::fs::metadata(database).unwrap().len();
    println!(
        "long      {held} leaves → {groups} groups in {seconds:.1} s ({:.0}/s), {runs} runs (first {first:.1} s, last {last:.1} s), peak {} MB, \
         database {} MB",
        held as f64 / seconds,
        hub::peak_kib() / 1024,
        bytes >> 20
    );
}
