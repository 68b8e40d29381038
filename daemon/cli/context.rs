//! What every command has: the configuration, the hub, and a person to talk to.

use super::output::Failure;
use crate::clock::Clock;
use crate::config::Config;
use crate::node::groups::{self, Known, NotFound};
use crate::node::{Chance, Hub};
use crate::store::registry::GroupRow;
use sqlx::SqliteConnection;
use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use tokio::sync::OnceCell;

/// Where a packaged hub has its configuration.
const SYSTEM: &str = "/etc/mutuald/hub.toml";
/// The configuration in the folder one stands in.
pub const HERE: &str = "hub.toml";

/// What every command has.
pub struct Context {
    file: Option<PathBuf>,
    log: Option<String>,
    /// Whether answers are JSON: then nobody is asked anything.
    pub json: bool,
    /// What time it is.
    pub clock: Clock,
    /// Randomness.
    pub chance: Chance,
    hub: OnceCell<Hub>,
}

impl Context {
    /// A context; `file` is what `--config` or `MUTUALD_CONFIG` name.
    pub fn new(file: Option<PathBuf>, log: Option<String>, json: bool, clock: Clock, chance: Chance) -> Context {
        Context { file, log, json, clock, chance, hub: OnceCell::new() }
    }

    /// What `--log` says.
    pub fn log(&self) -> Option<&str> {
        self.log.as_deref()
    }

    /// The configuration file that was named.
    pub fn named_file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// The configuration file: the named one, else the one here, else the system's.
    pub fn file(&self) -> PathBuf {
        let found = || if Path::new(HERE).is_file() { HERE } else { SYSTEM };
        self.file.clone().unwrap_or_else(|| found().into())
    }

    /// The configuration, read and checked.
    ///
    /// # Errors
    /// What is wrong with it, all of it.
    pub fn config(&self) -> anyhow::Result<Config> {
        let file = self.file();
        let config = Config::load(&file)?;
        let problems = config.check();
        if problems.is_empty() {
            return Ok(config);
        }
        let all: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Err(Failure::new(
            format!("{}: {}", file.display(), all.join("\n")),
            "correct the file, then `mutuald config check`",
        )
        .into())
    }

    /// The hub.
    ///
    /// # Errors
    /// A configuration or hub that cannot be opened.
    pub async fn hub(&self) -> anyhow::Result<&Hub> {
        self.hub
            .get_or_try_init(|| async { Hub::open(self.config()?, self.clock.clone(), self.chance.clone()).await })
            .await
    }

    /// Whether there is a hub to be opened.
    pub fn has_hub(&self) -> bool {
        self.hub.get().is_some() || self.config().is_ok_and(|config| config.database().exists())
    }

    /// Closes what was opened.
    pub async fn close(&self) {
        if let Some(hub) = self.hub.get() {
            hub.store.close().await;
        }
    }

    /// Says something that is no result.
    pub fn talk(&self, text: impl AsRef<str>) {
        // With nobody to read it there is nobody to tell.
        let _ = writeln!(std::io::stderr().lock(), "{}", text.as_ref());
    }

    /// Whether there is a person who can be asked.
    pub fn interactive(&self) -> bool {
        !self.json && std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    /// Asks a person. An empty answer is `default`, where there is one; without one the question is put again.
    ///
    /// # Errors
    /// Nobody answers.
    pub fn ask(&self, question: &str, default: Option<&str>) -> anyhow::Result<String> {
        loop {
            let mut out = std::io::stderr().lock();
            match default {
                Some(default) => write!(out, "{question} [{default}] ")?,
                None => write!(out, "{question} ")?,
            }
            out.flush()?;
            let mut line = String::new();
            if std::io::stdin().lock().read_line(&mut line)? == 0 {
                return Err(Failure::usage("no answer came", "give the answers as options; --help names them").into());
            }
            match (line.trim(), default) {
                ("", Some(default)) => return Ok(default.to_owned()),
                ("", None) => {}
                (answer, _) => return Ok(answer.to_owned()),
            }
        }
    }

    /// Asks yes or no; no is what silence means.
    ///
    /// # Errors
    /// Nobody answers.
    pub fn agreed(&self, question: &str) -> anyhow::Result<bool> {
        Ok(matches!(self.ask(&format!("{question} (yes/no)"), Some("no"))?.to_lowercase().as_str(), "y" | "yes"))
    }

    /// The group that words lead to; where several fit, a person is asked, or the command ends with the list of them.
    ///
    /// # Errors
    /// No group, or several and nobody to ask.
    pub async fn group(&self, hub: &Hub, db: &mut SqliteConnection, wanted: &str) -> anyhow::Result<Known> {
        let row = match groups::find(db, wanted).await {
            Ok(row) => row,
            Err(NotFound::Several { candidates, .. }) if self.interactive() => self.which(&candidates)?,
            Err(error) => return Err(not_found(error)),
        };
        Known::load(hub, db, row).await
    }

    fn which(&self, candidates: &[GroupRow]) -> anyhow::Result<GroupRow> {
        self.talk(format!("Several groups fit:\n{}", numbered(candidates)));
        loop {
            let answer = self.ask("Which number?", None)?;
            let chosen = answer.trim_start_matches('#').parse::<usize>().ok();
            if let Some(row) = chosen.and_then(|n| candidates.get(n.checked_sub(1)?)) {
                return Ok(row.clone());
            }
        }
    }
}

/// Groups with their numbers, one a line.
fn numbered(candidates: &[GroupRow]) -> String {
    let line = |(at, row): (usize, &GroupRow)| {
        let place = if row.place.is_empty() { String::new() } else { format!(", {}", row.place) };
        format!("  #{} {}{place}", at + 1, row.name)
    };
    let mut lines: Vec<String> = candidates.iter().take(groups::OFFERED).enumerate().map(line).collect();
    if candidates.len() > groups::OFFERED {
        lines.push(format!("  … and {} more", candidates.len() - groups::OFFERED));
    }
    lines.join("\n")
}

/// An error with the way on.
fn not_found(error: NotFound) -> anyhow::Error {
    match &error {
        NotFound::None(wanted) => {
            let first = wanted.split_whitespace().next().unwrap_or("WORDS");
            Failure::new(
                error.to_string(),
                format!("use fewer or other words; `mutuald group list {first}` shows what there is"),
            )
            .into()
        }
        NotFound::Several { wanted, candidates } => {
            let next = format!("write '{wanted} #2' for the second of them, or more words, such as the town");
            Failure::usage(format!("{error}:\n{}", numbered(candidates)), next).into()
        }
        NotFound::Number { wanted, .. } => {
            Failure::usage(error.to_string(), format!("`mutuald group list {wanted}` shows them")).into()
        }
        NotFound::Store(_) => error.into(),
    }
}
