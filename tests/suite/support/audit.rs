//! The byte scan that anybody can run, run by tests: `tests/audit` on a hub's folders.

use super::TestHub;
use super::feed::repository;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where values stand in these folders, one line a place.
pub fn audit(folders: &[&Path], values: &[&str]) -> Vec<String> {
    let output = Command::new(repository("tests/audit")).args(folders).arg("--for").args(values).output();
    let output = match output {
        Ok(output) => output,
        Err(error) => {
            eprintln!("SKIP the byte scan: tests/audit does not run here ({error})");
            return Vec::new();
        }
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    match output.status.code() {
        Some(0 | 3) => out.lines().map(str::to_owned).collect(),
        // 127: there is no Python.
        Some(126 | 127) => {
            eprintln!("SKIP the byte scan: {err}");
            Vec::new()
        }
        status => panic!("tests/audit ended with {status:?}:\n{out}{err}"),
    }
}

/// Whether the scan can be run, so that a test of what it finds means something.
pub fn can_audit() -> bool {
    let runs = Command::new(repository("tests/audit")).arg("--help").output();
    let runs = runs.is_ok_and(|output| output.status.success());
    if !runs {
        eprintln!("SKIP: tests/audit does not run here");
    }
    runs
}

impl TestHub {
    /// Everything that belongs to the hub: state, feed, backups, exports.
    pub fn folder(&self) -> PathBuf {
        self.hub.config.hub.state.parent().unwrap().to_owned()
    }

    /// Not one byte of these values is anywhere in what belongs to the hub.
    #[track_caller]
    pub fn holds_nothing_of(&self, values: &[&str]) {
        let found = audit(&[&self.folder()], values);
        assert!(found.is_empty(), "{} still holds it: {found:#?}", self.hub.name);
    }

    /// The values are in what belongs to the hub: otherwise that they are gone would mean nothing.
    #[track_caller]
    pub fn holds(&self, values: &[&str]) {
        let found = audit(&[&self.folder()], values);
        for n in 1..=values.len() {
            let here = found.iter().any(|line| line.starts_with(&format!("value {n}:")));
            assert!(here || !can_audit(), "value {n} is not at {} to begin with", self.hub.name);
        }
    }
}
