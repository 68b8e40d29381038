//! Empty → pulled, verified, merged, searchable; one changed record; nothing changed.

use crate::{floor, part, records};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A feed server in a process of its own, killed when dropped.
pub struct Server {
    child: Child,
    pub url: String,
}

impl Server {
    pub fn start(folder: &Path) -> Server {
        let me = std::env::current_exe().unwrap();
        let mut child =
            Command::new(me).args(["part", "serve"]).arg(folder).stdout(Stdio::piped()).spawn().expect("a server");
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        Server { child, url: url.trim().to_owned() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A published feed of so many records, made once a run. Returns its folder and hub id.
pub fn published(folder: &Path, records: usize) -> (PathBuf, String) {
    let home = folder.join(format!("publisher-{records}"));
    let remembered = home.join("id");
    if let Ok(id) = std::fs::read_to_string(&remembered) {
        return (home, id);
    }
    let said = part(&["publish", home.to_str().unwrap(), &records.to_string()]);
    let words: Vec<&str> = said.split_whitespace().collect();
    println!("publish   {records} records signed, derived and written in {} s", words[1]);
    std::fs::write(&remembered, words[0]).unwrap();
    (home, words[0].to_owned())
}

pub struct Pulled {
    pub seconds: f64,
    pub new: u64,
    pub bytes: u64,
    pub groups: u64,
    pub peak_kib: u64,
    /// Seconds of linking, of those of the whole.
    pub linking: f64,
}

pub fn pull(folder: &Path, url: &str, partner: &str) -> Pulled {
    let said = part(&["pull", folder.to_str().unwrap(), url, partner]);
    let words: Vec<&str> = said.split_whitespace().collect();
    Pulled {
        seconds: words[0].parse().unwrap(),
        new: words[1].parse().unwrap(),
        bytes: words[2].parse().unwrap(),
        groups: words[3].parse().unwrap(),
        peak_kib: words[4].parse().unwrap(),
        linking: words[5].parse().unwrap(),
    }
}

pub fn whole(folder: &Path) {
    let (publisher, id) = published(folder, records());
    let server = Server::start(&publisher);
    let mut ratios = Vec::new();
    for run in 0..3 {
        let puller = folder.join(format!("puller-{run}"));
        let pulled = pull(&puller, &server.url, &id);
        let floor = floor::measure(&puller, folder);
        ratios.push(pulled.seconds / floor);
        println!(
            "pull      {} statements → {} groups in {:.2} s ({:.0}/s), of which linking {:.2} s; floor {:.2} s, ratio {:.2}, peak {} MB",
            pulled.new,
            pulled.groups,
            pulled.seconds,
            pulled.new as f64 / pulled.seconds,
            pulled.linking,
            floor,
            pulled.seconds / floor,
            pulled.peak_kib / 1024
        );
        if run > 0 {
            let _ = std::fs::remove_dir_all(&puller);
        }
    }
    ratios.sort_by(f64::total_cmp);
    println!("pull      median ratio to the floor {:.2} (at most 1.5 is wanted)", ratios[1]);
}

pub fn one_change(folder: &Path) {
    let mut medians = Vec::new();
    for size in [records(), 10 * records()] {
        let (publisher, id) = published(folder, size);
        let server = Server::start(&publisher);
        let puller = folder.join(format!("follower-{size}"));
        let first = pull(&puller, &server.url, &id);
        let mut seconds = Vec::new();
        let mut bytes = 0;
        for change in 0..9u64 {
            part(&["change", publisher.to_str().unwrap(), &(change + 2).to_string()]);
            let pulled = pull(&puller, &server.url, &id);
            assert_eq!(pulled.new, 1);
            seconds.push(pulled.seconds);
            bytes = bytes.max(pulled.bytes);
        }
        seconds.sort_by(f64::total_cmp);
        let mut nothing: Vec<Pulled> = (0..9).map(|_| pull(&puller, &server.url, &id)).collect();
        nothing.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
        println!(
            "change    of {size}: first pull {:.1} s, then one record in {:.1} ms (median of 9; {:.1}–{:.1}), {} bytes of bodies; \
             nothing changed: {} bytes, {:.1} ms (median of 9)",
            first.seconds,
            seconds[4] * 1e3,
            seconds[0] * 1e3,
            seconds[8] * 1e3,
            bytes,
            nothing.iter().map(|pulled| pulled.bytes).max().unwrap_or_default(),
            nothing[4].seconds * 1e3
        );
        medians.push(seconds[4]);
    }
    println!("change    ratio {:.2} for ten times the records (at most 1.2 is wanted)", medians[1] / medians[0]);
}

/// A record more at the hub that lists it: signed, linked, merged, written, published; and of that, linking.
pub fn one_more(folder: &Path) {
    let size = records();
    let (publisher, _) = published(folder, size);
    let said = part(&["add", publisher.to_str().unwrap(), &size.to_string(), "101"]);
    let (mut all, mut linking): (Vec<f64>, Vec<f64>) = said
        .lines()
        .map(|line| {
            let (all, linking) = line.split_once(' ').unwrap();
            (all.parse::<f64>().unwrap(), linking.parse::<f64>().unwrap())
        })
        .unzip();
    all.sort_by(f64::total_cmp);
    linking.sort_by(f64::total_cmp);
    println!(
        "add       to {size}: linking {:.1} ms (median of 101; {:.1}–{:.1}; at most 5 is wanted); signed, linked, merged and published {:.1} ms",
        linking[50], linking[0], linking[100], all[50]
    );
}

/// PouchDB (LevelDB, express-pouchdb) replicating the same documents over loopback, beside our pull in the same run.
pub fn pouchdb(folder: &Path) {
    let documents = folder.join("documents.jsonl");
    let text: String = mutuald::node::demo::invent::many(7, records(), 2).map(|group| group.json() + "\n").collect();
    std::fs::write(&documents, text).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bench/pouchdb/run");
    let output = Command::new(script).arg(&documents).output().expect("bash");
    if !output.status.success() {
        println!(
            "SKIP pouchdb: {}",
            String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or("it did not run")
        );
        return;
    }
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one line of JSON");
    let theirs = said["docs_per_s"].as_f64().unwrap_or(0.0);
    let (publisher, id) = published(folder, records());
    let server = Server::start(&publisher);
    let pulled = pull(&folder.join("puller-pouchdb"), &server.url, &id);
    let ours = pulled.new as f64 / pulled.seconds;
    println!(
        "pouchdb   {theirs:.0} documents/s; mutuald {ours:.0}/s, signatures checked, joined and searchable: {:.1} ×",
        ours / theirs
    );
}
