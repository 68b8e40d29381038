//! `cargo bench`: the figures, each beside what it is measured against in the same run.
//!
//! `cargo bench -- long` is not among them unless it is named (`tests/bench/long.rs`).
//! `cargo bench -- pull` runs those whose name begins so; `MUTUALD_BENCH_RECORDS=5000` makes all of them smaller. Parts
//! run as processes of their own (this file executes itself), so that memory is one part's and servers are real.

#![expect(clippy::print_stdout, reason = "figures are what this prints")]

mod crowd;
mod floor;
mod frame;
mod hub;
mod long;
mod pull;
mod search;

use std::path::Path;
use std::process::{Command, Stdio};

/// Records in a nation's list (upper estimate of local self-help groups in the UK: 49,000).
pub fn records() -> usize {
    std::env::var("MUTUALD_BENCH_RECORDS").ok().and_then(|n| n.parse().ok()).unwrap_or(49_000)
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if arguments.first().map(String::as_str) == Some("part") {
        return hub::runtime(async {
            match arguments[1..].iter().map(String::as_str).collect::<Vec<_>>()[..] {
                ["frame-publish", home, upto] => frame::publish(Path::new(home), upto.parse().expect("a number")).await,
                ["long-serve", home, length, records] => {
                    let number = |text: &str| text.parse().expect("a number");
                    long::serve(Path::new(home), number(length), number(records)).await;
                }
                ["long-pull", folder, url, partner] => long::take(Path::new(folder), url, partner).await,
                ["frame", home, out] => frame::measure(Path::new(home), Path::new(out)).await,
                _ => hub::part(&arguments[1..]).await,
            }
        });
    }
    let wanted =
        |name: &str| arguments.is_empty() || arguments.iter().any(|argument| name.starts_with(argument.as_str()));
    println!("{} records, {} cores", records(), std::thread::available_parallelism().map_or(0, usize::from));
    let folder = tempfile::tempdir().expect("a temporary folder");
    if wanted("pull") {
        pull::whole(folder.path());
    }
    // Only by name: it takes a long time and much disk.
    if arguments.iter().any(|argument| argument == "long") {
        long::long(folder.path());
    }
    if wanted("pouchdb") {
        pull::pouchdb(folder.path());
    }
    if wanted("change") {
        pull::one_change(folder.path());
    }
    if wanted("add") {
        pull::one_more(folder.path());
    }
    if wanted("crowd") {
        crowd::crowd(folder.path());
    }
    if wanted("search") {
        search::search(folder.path());
    }
    if wanted("frame") {
        frame::frame(folder.path());
    }
    if wanted("daemon") {
        search::daemon(folder.path());
    }
}

/// Runs a part in a process of its own; returns what it printed.
pub fn part(arguments: &[&str]) -> String {
    let me = std::env::current_exe().expect("this program's file");
    let child = Command::new(me).arg("part").args(arguments).stdout(Stdio::piped()).spawn().expect("a process");
    let output = child.wait_with_output().expect("its output");
    assert!(output.status.success(), "{arguments:?} failed");
    String::from_utf8(output.stdout).expect("text")
}
