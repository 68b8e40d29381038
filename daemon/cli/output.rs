//! What a command answers, and how it is printed: results to standard output, everything else to standard error.

use crate::record::direction::turns;
use serde::Serialize;
use std::fmt::{self, Display};
use std::io::Write;
use std::process::ExitCode;

/// How a command ended. The numbers are promised to scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Done.
    Done = 0,
    /// Not done; nothing was changed unless the message says so.
    Failed = 1,
    /// The command was not understood, or something that it needs was not given.
    Usage = 2,
    /// Finished, but a person must look at something: refused rows, findings, a change that waits.
    Look = 3,
    /// A partner hub cannot be reached, or what it serves was refused.
    Partner = 4,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> ExitCode {
        ExitCode::from(status as u8)
    }
}

/// What a command found or did.
#[derive(Debug)]
pub struct Answer {
    text: String,
    json: serde_json::Value,
    status: Status,
}

impl Answer {
    /// An answer to be printed as text, or serialised with `--json`.
    ///
    /// # Errors
    /// A value that does not serialise, which no answer of ours is.
    pub fn of(value: &(impl Serialize + Display)) -> anyhow::Result<Answer> {
        Ok(Answer { text: value.to_string(), json: serde_json::to_value(value)?, status: Status::Done })
    }

    /// Nothing to print.
    pub fn nothing() -> Answer {
        Answer { text: String::new(), json: serde_json::Value::Null, status: Status::Done }
    }

    /// A person must look when `needed`.
    pub fn look_if(self, needed: bool) -> Answer {
        if needed { self.ending(Status::Look) } else { self }
    }

    /// Ends with this status, unless it ends with a weightier one already.
    pub fn ending(mut self, status: Status) -> Answer {
        self.status = self.status.max(status);
        self
    }

    /// Prints it. A reader that went away (`| head`) is no failure.
    pub fn print(&self, json: bool) -> Status {
        let mut out = std::io::stdout().lock();
        let text = if json && !self.json.is_null() { escaped(&format!("{:#}", self.json)) } else { plain(&self.text) };
        let text = text.trim_end_matches('\n');
        let printed = if text.is_empty() { Ok(()) } else { writeln!(out, "{text}") };
        match printed.and_then(|()| out.flush()) {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Status::Failed,
            _ => self.status,
        }
    }
}

/// Whether a terminal would obey a character instead of showing it, or turn the direction of what follows.
fn commands(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\t') || matches!(c, '\u{2028}' | '\u{2029}') || turns(c)
}

/// A text as it may be shown on a terminal. Names and words come from other hubs, who may have put into them what moves the
/// cursor, hides lines, or writes backwards.
fn plain(text: &str) -> String {
    text.chars().map(|c| if commands(c) { '\u{fffd}' } else { c }).collect()
}

/// JSON that says the same and holds no such character itself.
fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            // They stand in texts alone, where each is one unit of UTF-16.
            c if commands(c) => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out
}

/// Something that did not work: what, on what, and what to do next.
#[derive(Debug)]
pub struct Failure {
    what: String,
    next: String,
    status: Status,
}

impl Failure {
    /// `what` failed; `next` is what to do about it, as a command or a sentence.
    pub fn new(what: impl Into<String>, next: impl Into<String>) -> Failure {
        Failure { what: what.into(), next: next.into(), status: Status::Failed }
    }

    /// The command lacks something or contradicts itself.
    pub fn usage(what: impl Into<String>, next: impl Into<String>) -> Failure {
        Failure { status: Status::Usage, ..Failure::new(what, next) }
    }

    /// A partner hub cannot be reached or was refused.
    pub fn partner(what: impl Into<String>, next: impl Into<String>) -> Failure {
        Failure { status: Status::Partner, ..Failure::new(what, next) }
    }
}

impl Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.what)
    }
}

impl std::error::Error for Failure {}

/// Prints an error with its next step, and says how the command ends.
pub fn report(error: &anyhow::Error, json: bool) -> Status {
    let failure = error.downcast_ref::<Failure>();
    let disk = crate::store::disk_failed(error.as_ref());
    let what = if disk { format!("the disk answered with an error: {}", told(error)) } else { told(error) };
    let next = failure.filter(|_| !disk).map_or_else(|| next_step(error), |failure| failure.next.clone());
    let status = failure.map_or(Status::Failed, |failure| failure.status);
    let mut out = std::io::stderr().lock();
    // With nobody to read it there is nobody to tell.
    let _ = if json {
        let told = serde_json::json!({"error": what, "next": next, "exit": status as u8});
        writeln!(out, "{}", escaped(&format!("{told:#}")))
    } else {
        writeln!(out, "{}", plain(&format!("mutuald: {what}\nnext: {next}")))
    };
    status
}

/// An error with its causes. What the words before say already is not said again: some errors name their cause themselves.
fn told(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |said, words| match said.is_empty() {
        true => words,
        false if said.contains(&words) => said,
        false => format!("{said}: {words}"),
    })
}

/// What to do about an error that no command has a better step for.
fn next_step(error: &anyhow::Error) -> String {
    let is = |text: &str| error.chain().any(|cause| cause.to_string().contains(text));
    let config = error.downcast_ref::<crate::config::ConfigError>();
    let step = if crate::store::disk_failed(error.as_ref()) {
        crate::store::DISK_STEP
    } else if let Some(crate::config::ConfigError::Unreadable { .. }) = config {
        "give the path of a hub's configuration with --config, or make a hub with `mutuald init`"
    } else if config.is_some() {
        "correct the file, then `mutuald config check`"
    } else if is("init` first") {
        "`mutuald init` makes a hub; --config names the configuration of one that is elsewhere"
    } else if error.is::<crate::node::seen::WouldFork>() || error.is::<crate::node::seen::Unfinished>() {
        "stop any other machine with this hub's keys, then `mutuald feed heal`"
    } else if is("database is locked") {
        "another command or the daemon is writing; try again in a minute"
    } else if error.chain().any(|cause| cause.is::<crate::store::StoreError>()) {
        "`mutuald registry check` looks the database over; see that the disk is not full"
    } else if error.chain().any(|cause| cause.is::<std::io::Error>()) {
        "see that the file or folder exists, that this user may use it, and that the disk is not full"
    } else {
        "`mutuald status` shows how the hub is; the same command with `--log debug` shows more"
    };
    step.to_owned()
}

/// `1 group`, `3 groups`.
pub fn count(n: u64, one: &str, many: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {many}") }
}

/// A table without lines; columns as wide as the terminal lets them be.
pub fn table(header: &[&str]) -> comfy_table::Table {
    let mut table = comfy_table::Table::new();
    table
        .load_style(comfy_table::presets::NOTHING)
        .set_content_arrangement(comfy_table::ContentArrangement::Dynamic)
        .set_header(header.iter().map(|text| text.to_uppercase()));
    table
}

/// A table's text without the blanks at the ends of lines.
pub fn lines(table: &comfy_table::Table) -> String {
    table.to_string().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// `5 August 2026, 16:04` where the hub is.
pub fn moment(at: jiff::Timestamp, zone: &jiff::tz::TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%-d %B %Y, %H:%M").to_string()
}

/// An argument as one types it: what a title holds, an apostrophe too, stays one argument.
pub fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./=:,@+".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_hub_wrote_is_shown_and_never_obeyed() {
        let name = "Carers\u{1b}[2J\u{9b}1A \u{202e}moc\n\tCafé שלום";
        assert_eq!(plain(name), "Carers\u{fffd}[2J\u{fffd}1A \u{fffd}moc\n\tCafé שלום");
        let json = escaped(&serde_json::json!({ "name": name }).to_string());
        assert!(!json.chars().any(commands), "{json}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap()["name"], name, "and means what it did");
    }

    #[test]
    fn no_cause_is_said_twice() {
        let io = || std::io::Error::other("the disk is full");
        let zip = crate::cli::geo::LoadError::from(zip::result::ZipError::Io(io()));
        let said = told(&anyhow::Error::new(zip).context("cannot load it"));
        assert_eq!(said.matches("the disk is full").count(), 1, "{said}");
        assert_eq!(told(&anyhow::Error::new(io()).context("no backup")), "no backup: the disk is full");
    }

    #[test]
    fn a_command_that_is_suggested_can_be_typed() {
        for (text, typed) in
            [("District", "District"), ("The men's list", r"'The men'\''s list'"), ("", "''"), ("$(ls)", "'$(ls)'")]
        {
            assert_eq!(quoted(text), typed);
        }
    }
}
