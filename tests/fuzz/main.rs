//! Fuzz targets for everything in mutuald that reads bytes from outside. One program holds them all: `FUZZ_TARGET` names the
//! one that runs, `fuzz --list` prints their names, `fuzz --seeds FOLDER` writes what each begins with.
//!
//! A target does not only wait for a panic. Where it can it asserts that reading twice gives the same, that what is accepted
//! is written again to the same bytes or means the same when read again, and that what comes out is bounded by what went in.

#![no_main]

mod seeds;
#[path = "targets/feed.rs"]
mod feed;
#[path = "targets/files.rs"]
mod files;
#[path = "targets/frames.rs"]
mod frames;
#[path = "targets/http.rs"]
mod http;
#[path = "targets/record.rs"]
mod record;
#[path = "targets/settings.rs"]
mod settings;

use std::sync::OnceLock;

/// A target: its name, what it does with bytes, and what it begins with.
pub struct Target {
    /// As `FUZZ_TARGET` names it.
    pub name: &'static str,
    /// Reads the bytes, and panics when a promise is broken.
    pub run: fn(&[u8]),
    /// Small inputs that reach deep.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

fn targets() -> impl Iterator<Item = &'static Target> {
    [feed::TARGETS, record::TARGETS, files::TARGETS, frames::TARGETS, settings::TARGETS, http::TARGETS].into_iter().flatten()
}

static CHOSEN: OnceLock<&'static Target> = OnceLock::new();

libfuzzer_sys::fuzz_target!(init: prepare(), |data: &[u8]| {
    if let Some(target) = CHOSEN.get() {
        (target.run)(data);
    }
});

/// A panic ends the process where it happens, so that the fuzzer finds it: libFuzzer's hook sees to that. Only what the reader of
/// workbooks panics over is caught, and is an error of the file (`exchange::table`).
fn let_catch() {
    let aborts = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !panic.location().is_some_and(|at| at.file().contains("/calamine-")) {
            aborts(panic);
        }
    }));
}

/// Chooses the target, or answers a question and ends. libFuzzer owns `main`, so arguments are read here.
fn prepare() {
    let_catch();
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some("--list") => {
            targets().for_each(|target| println!("{}", target.name));
            std::process::exit(0);
        }
        Some("--seeds") => {
            let folder = std::path::PathBuf::from(arguments.get(2).expect("--seeds FOLDER"));
            for target in targets() {
                let folder = folder.join(target.name);
                std::fs::create_dir_all(&folder).expect("the folder of seeds");
                for (nth, seed) in (target.seeds)().into_iter().enumerate() {
                    std::fs::write(folder.join(format!("seed-{nth}")), seed).expect("a seed");
                }
            }
            std::process::exit(0);
        }
        _ => {}
    }
    let wanted = std::env::var("FUZZ_TARGET").expect("FUZZ_TARGET names a target; `fuzz --list` prints them");
    let target = targets().find(|target| target.name == wanted).expect("no target has this name");
    CHOSEN.set(target).ok();
}

/// Asserts that a reader gives the same each time.
pub fn twice<T: std::fmt::Debug>(read: impl Fn() -> T) -> T {
    let (one, two) = (read(), read());
    assert_eq!(format!("{one:?}"), format!("{two:?}"), "read twice, two answers");
    one
}
