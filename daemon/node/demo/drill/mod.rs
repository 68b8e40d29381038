//! The drill: what goes wrong in a hub's life, played on the live hubs of the demonstration.
//!
//! Every step is a command that a hub worker would type, run by this very program in the hub's own folder, with its own
//! answer below it. A command that ends otherwise than written here, or an answer without what it must say, ends the drill.
//!
//! * `erased`: a person asks to be taken out;
//! * `liar`: a hub tells two partners two histories;
//! * `thief`: a key is stolen, and the web address with it;
//! * `restored`: an old backup comes back;
//! * `protected`: a partner shows a place that must not be known.

mod erased;
mod liar;
mod protected;
mod restored;
mod scan;
mod thief;

use super::watch::say;
use super::{Stage, daemon, end};
use crate::config::Config;
use crate::node::{Chance, Hub};
use crate::record::Group;
use anyhow::{Context, bail};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::Command;

/// Lines of one answer that are shown; a letter is longer than what must be seen of it.
const SHOWN: usize = 14;

const NOTTINGHAM: usize = 0;
const ESSEX: usize = 1;
const DERBYSHIRE: usize = 2;
const RESEARCH: usize = 3;

/// The stage of the drill.
struct Drill<'a> {
    folder: &'a Path,
    stages: &'a mut Vec<Stage>,
    /// Groups that no other hub's list has a namesake of, of each publishing hub.
    nottingham: Vec<Group>,
    essex: Vec<Group>,
    derbyshire: Vec<Group>,
}

/// Plays all acts.
///
/// # Errors
/// A step that did not end as written, or a hub that cannot be started.
pub(super) async fn play(folder: &Path, seed: u64, stages: &mut Vec<Stage>) -> anyhow::Result<()> {
    for stage in stages.iter() {
        // From here on only daemons and commands touch the databases.
        stage.hub.store.close().await;
    }
    let [nottingham, essex, derbyshire] = namesakeless(seed);
    let mut drill = Drill { folder, stages, nottingham, essex, derbyshire };
    let backup = drill.folder.join("essex-last-week.backup");
    drill.tell("Before anything happens, Essex makes a backup; in act 4 it stands for last week's.");
    drill.run(ESSEX, &["backup", "make", &backup.display().to_string()], 0, &["not in it: keys"]).await?;
    let gone = drill.erased().await.context("act 1, an erasure, did not end as written")?;
    drill.liar().await.context("act 2, a lying hub, did not end as written")?;
    drill.thief().await.context("act 3, a stolen key, did not end as written")?;
    drill.restored(&backup, &gone).await.context("act 4, a restored backup, did not end as written")?;
    drill.protected().await.context("act 5, a protected place, did not end as written")?;
    say("\nAt the end, each hub of its partners:");
    for nth in 0..drill.stages.len() {
        // Essex's backup is from before the lie; its daemon meets it again when it next compares.
        let disputes = [NOTTINGHAM, RESEARCH].contains(&nth);
        drill.run(nth, &["partner", "list"], if disputes { 3 } else { 0 }, &[]).await?;
    }
    say("\nAll five acts ended as written.\n");
    Ok(())
}

/// The groups of each publishing hub whose names stand in no other list, so that a name says which group is meant.
fn namesakeless(seed: u64) -> [Vec<Group>; 3] {
    use super::invent;
    let essex = invent::essex(seed).into_iter().flat_map(|(_, groups)| groups).collect();
    let all: [Vec<Group>; 3] = [invent::nottingham(seed), essex, invent::derbyshire(seed)];
    let mut contacts: BTreeMap<String, usize> = BTreeMap::new();
    let key = |group: &Group| group.contact.as_ref().and_then(|contact| contact.phone.clone()).unwrap_or_default();
    for group in all.iter().flatten() {
        *contacts.entry(key(group)).or_default() += 1;
    }
    let names: Vec<String> = all.iter().flatten().map(|group| group.name.to_lowercase()).collect();
    all.map(|groups| {
        let alone = |group: &Group| {
            let name = group.name.to_lowercase();
            names.iter().filter(|other| other.contains(&name)).count() == 1 && contacts.get(&key(group)) == Some(&1)
        };
        groups.into_iter().filter(alone).collect()
    })
}

impl Drill<'_> {
    fn act(&self, number: usize, title: &str, story: &str) {
        say(&format!("\n══ Act {number}: {title} ══\n{story}\n"));
    }

    fn tell(&self, words: &str) {
        say(&format!("\n{words}"));
    }

    /// Runs a command of a hub, shows it with its answer, and returns the answer.
    async fn run(&self, nth: usize, arguments: &[&str], status: i32, says: &[&str]) -> anyhow::Result<String> {
        let stage = &self.stages[nth];
        command(stage.name, &stage.config, arguments, status, says).await
    }

    /// A command's answer as JSON, which is not shown: for what the drill itself must know.
    async fn ask(&self, nth: usize, arguments: &[&str]) -> anyhow::Result<serde_json::Value> {
        let stage = &self.stages[nth];
        let output = mutuald(&stage.config, arguments).arg("--json").output().await?;
        serde_json::from_slice(&output.stdout)
            .with_context(|| format!("{} of {} gave no answer", arguments.join(" "), stage.name))
    }

    /// A hub pulls a partner, as its daemon does on schedule.
    async fn pulls(&self, nth: usize, from: usize, says: &str) -> anyhow::Result<()> {
        self.run(nth, &["partner", "pull", &self.title(from)], 0, &[says]).await.map(drop)
    }

    /// What a hub calls itself.
    fn title(&self, nth: usize) -> String {
        format!("{} Hub", self.stages[nth].name)
    }

    /// Where all of a hub lies.
    fn home(&self, nth: usize) -> PathBuf {
        self.folder.join(self.stages[nth].name.to_lowercase())
    }

    /// A hub in this process, for what has no command because daemons do it by themselves.
    async fn open(&self, nth: usize) -> anyhow::Result<Hub> {
        let stage = &self.stages[nth];
        Hub::open((*stage.hub.config).clone(), stage.hub.clock.clone(), Chance::system()?).await
    }

    /// Stops a hub's daemon.
    async fn down(&mut self, nth: usize) {
        end(&mut self.stages[nth].daemon).await;
    }

    /// Starts a hub's daemon again.
    async fn up(&mut self, nth: usize) -> anyhow::Result<()> {
        let stage = &mut self.stages[nth];
        stage.daemon = daemon(stage.name, &stage.config)?;
        stage.ready().await
    }

    /// A second copy of a hub's machine, which has its address too: settings, database, keys.
    fn twin(&self, nth: usize, name: &str) -> anyhow::Result<PathBuf> {
        let home = self.folder.join(name);
        copy(&self.home(nth), &home)?;
        let mut config: Config = (*self.stages[nth].hub.config).clone();
        config.hub.state = home.join("state");
        let file = home.join("hub.toml");
        std::fs::write(&file, toml::to_string(&config)?)?;
        Ok(file)
    }

    /// A twin's daemon takes the place of the hub's own, which must be down.
    async fn usurp(&mut self, nth: usize, config: &Path) -> anyhow::Result<()> {
        let stage = &mut self.stages[nth];
        stage.daemon = daemon(stage.name, config)?;
        stage.ready().await
    }

    /// In how many files of each hub one of the words stands, which must be none, or some, at every one of `among`.
    fn scan(&self, among: &[usize], words: &[String], some: bool) -> anyhow::Result<()> {
        let mut wrong = Vec::new();
        for nth in among {
            let found = scan::places(&self.home(*nth), words)?;
            let name = self.stages[*nth].name;
            say(&format!("  {name:<11} byte scan of its whole folder: {}", scan::told(found.len())));
            if found.is_empty() == some {
                wrong.push(format!("{name}: {found:?}"));
            }
        }
        if !wrong.is_empty() {
            bail!("the byte scan found what it must not, or not what it must: {}", wrong.join("; "));
        }
        Ok(())
    }
}

/// This program, in somebody's folder, with nobody to ask.
fn mutuald(config: &Path, arguments: &[&str]) -> Command {
    // Where this program lies was asked before its first daemon was started.
    let mut command = Command::new(std::env::current_exe().unwrap_or_else(|_| "mutuald".into()));
    command
        .arg("--config")
        .arg(config)
        .args(arguments)
        .env("COLUMNS", "110")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Runs a command, shows it with its answer, and makes sure of how it ended and of what it says.
async fn command(who: &str, config: &Path, arguments: &[&str], status: i32, says: &[&str]) -> anyhow::Result<String> {
    let typed: Vec<String> = arguments
        .iter()
        .map(|word| if word.contains(' ') || word.is_empty() { format!("\"{word}\"") } else { (*word).to_owned() })
        .collect();
    let typed = format!("mutuald {}", typed.join(" "));
    say(&format!("  {who} $ {typed}"));
    let output = mutuald(config, arguments).output().await.with_context(|| format!("cannot run {typed}"))?;
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let lines: Vec<&str> = text.trim_end().lines().collect();
    for line in lines.iter().take(SHOWN) {
        say(format!("    │ {line}").trim_end());
    }
    if lines.len() > SHOWN {
        say(&format!("    │ … and {} lines more", lines.len() - SHOWN));
    }
    if output.status.code() != Some(status) {
        bail!("`{typed}` of {who} ended with {}, not with {status}:\n{text}", output.status);
    }
    match says.iter().find(|words| !text.contains(**words)) {
        Some(words) => bail!("`{typed}` of {who} does not say {words:?}:\n{text}"),
        None => Ok(text),
    }
}

/// Copies a folder with all that is in it.
pub(super) fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), &target).with_context(|| format!("cannot write {}", target.display()))?;
        }
    }
    Ok(())
}
