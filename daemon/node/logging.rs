//! Where the daemon's log goes. Events carry fields (`hub`, `partner`, `task`, `reason`), so that each line reads alone and the
//! journal can be asked for one partner's. Never personal data: ids, counts, sizes, codes and addresses of hubs only.

use std::io::IsTerminal;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

use anyhow::Context;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{Log, LogFormat};

/// Starts logging as configured; `filter`, if given, takes the place of the configured one (`--log`).
///
/// To be called once, by the binary. Refuses a filter that cannot be read, a journal that is not there, and a second call.
pub fn start(log: &Log, filter: Option<&str>) -> anyhow::Result<()> {
    let filter = filter.unwrap_or(&log.filter);
    let filter = EnvFilter::try_new(filter).with_context(|| {
        format!("the log filter \"{filter}\" cannot be read; write error, warn, info, debug or trace, or as in info,mutuald::peer=debug")
    })?;
    let base = tracing_subscriber::registry().with(filter);
    if to_journal(log.format) {
        let journal = tracing_journald::layer()
            .context("cannot reach the journal; set log.format = \"stderr\"")?
            // Fields under their own names, as `journalctl PARTNER=h-…` wants them.
            .with_field_prefix(None);
        base.with(journal).try_init()
    } else {
        let lines =
            tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
        base.with(lines).try_init()
    }
    .context("logging was already started")
}

fn to_journal(format: LogFormat) -> bool {
    match format {
        LogFormat::Journald => true,
        LogFormat::Stderr => false,
        LogFormat::Auto => stderr_identity()
            .is_some_and(|stderr| std::env::var("JOURNAL_STREAM").is_ok_and(|stream| names_stream(&stream, stderr))),
    }
}

/// Device and inode of standard error.
fn stderr_identity() -> Option<(u64, u64)> {
    let stderr = std::io::stderr().as_fd().try_clone_to_owned().ok()?;
    let about = std::fs::File::from(stderr).metadata().ok()?;
    Some((about.dev(), about.ino()))
}

/// Whether `JOURNAL_STREAM` (`device:inode`) names this stream. It is inherited, so that it is set says nothing: a daemon started
/// from a service's shell with its output to a file still has it.
fn names_stream(journal_stream: &str, (device, inode): (u64, u64)) -> bool {
    journal_stream == format!("{device}:{inode}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inherited_journal_stream_that_is_not_ours_is_not_the_journal() {
        let ours = stderr_identity().expect("standard error is open");
        assert!(names_stream(&format!("{}:{}", ours.0, ours.1), ours));
        assert!(!names_stream(&format!("{}:{}", ours.0, ours.1 + 1), ours));
        assert!(!names_stream("", ours));
        assert!(to_journal(LogFormat::Journald) && !to_journal(LogFormat::Stderr));
    }

    #[test]
    fn a_bad_filter_is_named_with_its_remedy() {
        let error = start(&Log::default(), Some("mutuald=loud")).expect_err("no such level");
        let said = format!("{error:#}");
        assert!(said.contains("mutuald=loud") && said.contains("debug or trace"), "{said}");
    }
}
