//! The study: the ESTEEM case from its lists to its response rate, played on the live hubs of the demonstration.
//!
//! Every step is a command that somebody would type, run by this very program in a hub's own folder, with its answer below it. A command
//! that ends otherwise than written here, or a figure that is not the study's, ends the tour. `schema/study.md` tells it in words.
//!
//! * `frames`: from lists to frames: 202 and 24, and one of both;
//! * `draw`: two hubs draw apart with one seed;
//! * `field`: outcomes, a refusal, the next of the reserve, rates, numbers, release.

mod draw;
mod field;
mod frames;

use super::Stage;
use super::drill::copy;
use super::invent;
use super::watch::say;
use crate::record::{Group, List};
use anyhow::{Context, bail, ensure};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::Command;

const NOTTINGHAM: usize = 0;
const ESSEX: usize = 1;
const DERBYSHIRE: usize = 2;
const RESEARCH: usize = 3;

/// A longer answer is shown by so many lines of its beginning and of its end.
const SHOWN: (usize, usize) = (120, 18);
/// The seed whose groups the figures are of.
const SEED: u64 = 2013;
/// The day for which everything is judged.
const DAY: &str = "2026-10-31";
/// The day on which people decided.
const DECIDED: &str = "2026-10-20";
/// The study.
const STUDY: &str = "ESTEEM";
/// The folder of the frame of both sites.
const SHARED: &str = "esteem-2026.frame";
/// The beginnings of area codes by which a site's groups are told, and what its people call the site.
const SITES: [(&str, &[&str]); 2] = [
    ("Nottinghamshire", &["E06000018", "E0700017"]),
    ("Essex with Southend and Thurrock", &["E0700006", "E0700007", "E0600003"]),
];
/// The paper's Table 1: how many groups stand under each heading.
const TABLE_1: [(&str, usize); 3] = [("mental-ill-health", 5), ("physical-ill-health", 10), ("social-isolation", 6)];

/// What a hub is called, its lists, and whether it publishes.
type Site = (&'static str, Vec<(List, Vec<Group>)>, bool);

/// The four hubs of the tour.
///
/// # Errors
/// Another seed than the one whose figures are known.
pub(super) fn lists(seed: u64) -> anyhow::Result<Vec<Site>> {
    if seed != SEED {
        bail!("the study's figures are those of --seed {SEED}; other groups give others");
    }
    let nottingham = vec![(invent::list("Groups in Nottinghamshire", "database"), invent::study::nottingham(seed))];
    Ok(vec![
        ("Nottingham", nottingham, true),
        ("Essex", invent::study::essex(seed).into(), true),
        ("Derbyshire", invent::study::derbyshire(seed), true),
        ("Research", Vec::new(), false),
    ])
}

/// The stage of the tour.
struct Tour<'a> {
    folder: &'a Path,
    stages: &'a [Stage],
}

/// Plays the whole study.
///
/// # Errors
/// A step that did not end as written, or a figure that is not the study's.
pub(super) async fn play(folder: &Path, stages: &mut [Stage]) -> anyhow::Result<()> {
    for stage in stages.iter() {
        // From here on only daemons and commands touch the databases.
        stage.hub.store.close().await;
    }
    let tour = Tour { folder, stages };
    tour.linked().await.context("act 1, from lists to groups, did not end as written")?;
    tour.frames().await.context("act 2, two frames, did not end as written")?;
    tour.shared().await.context("act 3, one frame of both, did not end as written")?;
    tour.drawn().await.context("act 4, two hubs draw apart, did not end as written")?;
    tour.fielded().await.context("act 5, fieldwork, did not end as written")?;
    tour.released().await.context("act 6, numbers and release, did not end as written")?;
    tour.checked().await.context("act 7, a stranger checks, did not end as written")?;
    say("\nThe study ended as the paper's did: 21 groups, one of them partial, RR1 .9524, 10 / 5 / 6.\n");
    Ok(())
}

impl Tour<'_> {
    fn act(&self, number: usize, title: &str, story: &str) {
        say(&format!("\n══ Act {number}: {title} ══\n{story}\n"));
    }

    fn tell(&self, words: &str) {
        say(&format!("\n{words}"));
    }

    /// Where all of a hub lies.
    fn home(&self, nth: usize) -> PathBuf {
        self.folder.join(self.stages[nth].name.to_lowercase())
    }

    /// Runs a command of a hub, shows it with all of its answer, and makes sure of how it ended and of what it says.
    async fn run(&self, nth: usize, arguments: &[&str], status: i32, says: &[&str]) -> anyhow::Result<String> {
        run(self.stages[nth].name, &self.home(nth), arguments, status, says).await
    }

    /// A command's answer as JSON, which is not shown: for what the tour itself must know.
    async fn ask(&self, nth: usize, arguments: &[&str]) -> anyhow::Result<Value> {
        let output = mutuald(&self.home(nth), arguments).arg("--json").output().await?;
        serde_json::from_slice(&output.stdout).with_context(|| {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            format!("`{}` of {} gave no answer: {said}", arguments.join(" "), self.stages[nth].name)
        })
    }

    /// Copies a frozen frame from one hub to another, as by post.
    fn post(&self, from: usize, to: usize, folder: &str, name: &str) -> anyhow::Result<()> {
        say(&format!("  {} sends {folder} to {}.", self.stages[from].name, self.stages[to].name));
        copy(&self.home(from).join(folder), &self.home(to).join(name))
    }
}

/// This program, in somebody's folder, with nobody to ask.
fn mutuald(home: &Path, arguments: &[&str]) -> Command {
    // Where this program lies was asked before its first daemon was started.
    let mut command = Command::new(std::env::current_exe().unwrap_or_else(|_| "mutuald".into()));
    command
        .current_dir(home)
        .args(arguments)
        .env("COLUMNS", "130")
        .env_remove("MUTUALD_CONFIG")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn run(who: &str, home: &Path, arguments: &[&str], status: i32, says: &[&str]) -> anyhow::Result<String> {
    let plain = |word: &str| !word.is_empty() && !word.contains([' ', '\'', '"']);
    let typed: Vec<String> =
        arguments.iter().map(|word| if plain(word) { (*word).to_owned() } else { format!("{word:?}") }).collect();
    let typed = format!("mutuald {}", typed.join(" "));
    say(&format!("  {who} $ {typed}"));
    let output = mutuald(home, arguments).output().await.with_context(|| format!("cannot run {typed}"))?;
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let lines: Vec<&str> = text.trim_end().lines().collect();
    for (at, line) in lines.iter().enumerate() {
        let cut = lines.len() > SHOWN.0 && (SHOWN.1..lines.len() - SHOWN.1).contains(&at);
        if at == SHOWN.1 && cut {
            say(&format!("    │ … {} lines …", lines.len() - 2 * SHOWN.1));
        } else if !cut {
            say(format!("    │ {line}").trim_end());
        }
    }
    ensure!(
        output.status.code() == Some(status),
        "`{typed}` of {who} ended with {}, not with {status}:\n{text}",
        output.status
    );
    match says.iter().find(|words| !text.contains(**words)) {
        Some(words) => bail!("`{typed}` of {who} does not say {words:?}:\n{text}"),
        None => Ok(text),
    }
}

/// A number of an answer.
fn number(value: &Value, path: &str) -> anyhow::Result<u64> {
    value.pointer(path).and_then(Value::as_u64).with_context(|| format!("the answer has no number {path}"))
}

/// A text of an answer.
fn text<'a>(value: &'a Value, path: &str) -> anyhow::Result<&'a str> {
    value.pointer(path).and_then(Value::as_str).with_context(|| format!("the answer has no text {path}"))
}

/// A list of an answer.
fn list<'a>(value: &'a Value, path: &str) -> anyhow::Result<&'a [Value]> {
    Ok(value
        .pointer(path)
        .and_then(Value::as_array)
        .with_context(|| format!("the answer has no list {path}"))?
        .as_slice())
}
