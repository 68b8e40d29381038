//! Building and freezing a frame of a nation's groups.

use crate::{part, records};
use std::path::Path;

/// A frame of every group of a registry: built, frozen, checked as a stranger checks it, reported on.
pub fn frame(folder: &Path) {
    let hub = folder.join("frame-hub");
    let hub = hub.to_str().expect("a name in UTF-8");
    part(&["publish", hub, &records().to_string()]);
    let told = part(&["frame", hub]);
    let seconds: Vec<f64> = told.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [build, freeze, verify, report, groups, kib] = seconds[..] else { panic!("{told}") };
    println!(
        "frame of {groups} groups: built in {build:.2} s, frozen in {freeze:.2} s, verified in {verify:.2} s, reported on in {report:.2} s, {:.0} MB at most",
        kib / 1024.0
    );
}
