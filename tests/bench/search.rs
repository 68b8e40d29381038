//! Searching a nation's registry; the daemon's start, memory and rest.

use std::path::Path;

pub fn search(_folder: &Path) {}
pub fn daemon(_folder: &Path) {}
