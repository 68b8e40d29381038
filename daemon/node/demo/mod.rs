//! The demonstration: four hubs with invented lists as four real daemons on this machine.
//!
//! *Nottingham* holds one good list of 202 groups, *Essex* builds its own from three small ones that overlap,
//! *Derbyshire* shares a border and some groups with Nottingham, and *Research* publishes nothing and pulls all. Everything
//! is real: keys, databases, HTTP, verification. Only the groups are invented. `drill` plays what goes wrong in a hub's life,
//! `study` a study from its lists to its response rate.

mod drill;
pub mod invent;
mod study;
mod watch;

use super::author::Draft;
use super::init::{self, Answers};
use super::{Chance, Hub};
use crate::clock::Clock;
use crate::config::{Config, Publish};
use crate::peer::schedule::Schedule;
use crate::record::list::List;
use crate::record::statement::{Body, Kind};
use crate::record::{Group, HubId};
use anyhow::{Context, bail};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};

/// The sentence above every page of the demonstration.
const NOTICE: &str = "This is a demonstration: every group here is invented.";
/// First port tried; others follow.
const PORT: u16 = 8331;
/// Longest wait for a daemon to answer.
const READY: Duration = Duration::from_secs(30);

/// How the demonstration is run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to leave the four hubs; a temporary folder that is removed, when absent.
    pub keep: Option<PathBuf>,
    /// Seed of the invented groups.
    pub seed: u64,
    /// Stop by itself once everything has been pulled once.
    pub once: bool,
    /// Play the drill then, and stop.
    pub drill: bool,
    /// Play the study then, and stop.
    pub study: bool,
}

/// One hub of the demonstration.
struct Stage {
    name: &'static str,
    address: SocketAddr,
    config: PathBuf,
    hub: Hub,
    daemon: Child,
}

/// Sets up four hubs, starts their daemons, and tells what happens until Ctrl-C.
///
/// # Errors
/// Folders, ports or daemons that cannot be had; the message says which.
pub async fn run(options: &Options) -> anyhow::Result<()> {
    let temporary;
    let folder = match &options.keep {
        Some(folder) => {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
            folder.canonicalize()?
        }
        None => {
            temporary = Temporary::new()?;
            temporary.0.clone()
        }
    };
    let mut stages = Vec::new();
    let ended = tokio::select! {
        ended = play(options, &folder, &mut stages) => ended,
        _ = tokio::signal::ctrl_c() => Ok(()),
    };
    watch::say("stopping the hubs");
    for stage in &mut stages {
        stage.stop().await;
    }
    if options.keep.is_some() {
        watch::say(&format!(
            "they are kept in {}; start one again with `mutuald run --config …/hub.toml`",
            folder.display()
        ));
    }
    ended
}

async fn play(options: &Options, folder: &Path, stages: &mut Vec<Stage>) -> anyhow::Result<()> {
    let seed = options.seed;
    let nottingham = vec![(
        List { licence: Some("CC0-1.0".into()), ..invent::list("Groups in Nottinghamshire", "database") },
        invent::nottingham(seed),
    )];
    let derbyshire = vec![(invent::list("Groups in Derbyshire", "database"), invent::derbyshire(seed))];
    let of_demonstration = vec![
        ("Nottingham", nottingham, true),
        ("Essex", invent::essex(seed).into(), true),
        ("Derbyshire", derbyshire, true),
        ("Research", Vec::new(), false),
    ];
    for (name, lists, publishes) in if options.study { study::lists(seed)? } else { of_demonstration } {
        // In the drill and in the study every pull is a command that is shown.
        let schedule = if options.drill || options.study { "@weekly" } else { "* * * * *" };
        // The study's draws are functions of ids: with the same ids everybody sees the same groups drawn.
        let chance = if options.study { Chance::seeded(seed + stages.len() as u64) } else { Chance::system()? };
        stages.push(Stage::set(folder, name, lists, publishes, schedule, chance).await?);
    }
    let addresses: Vec<(HubId, SocketAddr)> = stages.iter().map(|stage| (stage.hub.id, stage.address)).collect();
    for stage in stages.iter_mut() {
        stage.ready().await?;
    }
    for (nth, stage) in stages.iter().enumerate() {
        for (other, (id, address)) in addresses.iter().enumerate().take(3) {
            if other != nth {
                stage.hub.add_partner(&format!("http://{address}/"), *id, None).await?;
            }
        }
    }
    watch::say("");
    for stage in stages.iter() {
        watch::say(&format!(
            "{:<11} http://{}/   partners: http://{}/partners",
            stage.name, stage.address, stage.address
        ));
    }
    watch::say("\nOpen one in a browser. The research hub shows all lists as one. Ctrl-C stops all.\n");
    let hubs: Vec<(&'static str, Hub)> = stages.iter().map(|stage| (stage.name, stage.hub.clone())).collect();
    watch::until_quiet(&hubs).await?;
    watch::summary(&hubs).await?;
    if options.drill {
        drop(hubs);
        return drill::play(folder, seed, stages).await;
    }
    if options.study {
        drop(hubs);
        return study::play(folder, stages).await;
    }
    if options.once {
        return Ok(());
    }
    watch::for_ever(&hubs, stages).await
}

impl Stage {
    /// Makes a hub, fills its lists and starts its daemon.
    async fn set(
        folder: &Path,
        name: &'static str,
        lists: Vec<(List, Vec<Group>)>,
        publishes: bool,
        schedule: &str,
        chance: Chance,
    ) -> anyhow::Result<Stage> {
        let home = folder.join(name.to_lowercase());
        if home.exists() {
            bail!("{} is there already; choose an empty folder for --keep", home.display());
        }
        std::fs::create_dir_all(&home).with_context(|| format!("cannot make {}", home.display()))?;
        let address = free_port()?;
        let mut config = Config::default();
        config.hub.state = home.join("state");
        config.hub.name = Some(format!("{name} Hub"));
        config.web.listen = address;
        config.publish = publishes.then(Publish::default);
        config.pull.allow_private_addresses = true;
        config.pull.schedule = Schedule::parse(schedule).context("the demonstration's schedule")?;
        let file = home.join("hub.toml");
        std::fs::write(&file, toml::to_string(&config)?).with_context(|| format!("cannot write {}", file.display()))?;

        let clock = Clock::system();
        let answers = Answers {
            name: format!("{name} Hub"),
            address: format!("{}.example", name.to_lowercase()),
            contact: format!("hub@{}.example", name.to_lowercase()),
            licence: "CC0-1.0".into(),
            areas: Vec::new(),
        };
        init::init(&config, &answers, &clock, &chance).await?;
        let hub = Hub::open(config, clock, chance).await?;
        for (list, groups) in lists {
            let id = hub.chance.id();
            let title = list.title.clone();
            let mut drafts = vec![init::list(id, 1, &list)?];
            for mut group in groups {
                group.list = Some(id);
                let (body, public) = (Body::Put(Kind::Record), Some(group.json()));
                drafts.push(Draft { id: hub.chance.id(), rev: 1, body, public });
            }
            let said = hub.say(&drafts).await?;
            let published =
                said.published.map_or(String::new(), |published| format!(", published as {} files", published.files));
            watch::say(&format!(
                "{name:<11} signed {} records of “{title}”{published}: {} groups, {} of several records",
                said.statements - 1,
                said.derived.groups,
                said.derived.joined
            ));
        }
        let daemon = daemon(name, &file)?;
        Ok(Stage { name, address, config: file, hub, daemon })
    }

    /// Waits until the daemon answers.
    async fn ready(&mut self) -> anyhow::Result<()> {
        let url = format!("http://{}/readyz", self.address).parse()?;
        let started = std::time::Instant::now();
        loop {
            if self.hub.client.whole(&url, 1024, true).await.is_ok() {
                return Ok(());
            }
            if let Some(status) = self.daemon.try_wait()? {
                bail!(
                    "the daemon of {} ended ({status}); see {}",
                    self.name,
                    self.config.with_file_name("log.txt").display()
                );
            }
            if started.elapsed() > READY {
                bail!("the daemon of {} does not answer at {}", self.name, self.address);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Asks the daemon to stop, and waits.
    async fn stop(&mut self) {
        end(&mut self.daemon).await;
        self.hub.store.close().await;
    }
}

/// Starts the daemon of a hub; its log goes beside the settings.
fn daemon(name: &str, config: &Path) -> anyhow::Result<Child> {
    let log = std::fs::File::options().create(true).append(true).open(config.with_file_name("log.txt"))?;
    Command::new(std::env::current_exe().context("cannot find this program's own file")?)
        .args(["--config".as_ref(), config.as_os_str(), "run".as_ref(), "--notice".as_ref(), NOTICE.as_ref()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot start the daemon of {name}"))
}

/// Asks a daemon to stop, and waits.
async fn end(daemon: &mut Child) {
    if let Some(id) = daemon.id() {
        // Ctrl-C has reached it already; a second signal would cut its drain short.
        let asked = tokio::time::timeout(Duration::from_millis(200), daemon.wait()).await;
        if asked.is_err() {
            let _ = Command::new("kill").args(["-TERM", &id.to_string()]).status().await;
            let _ = tokio::time::timeout(Duration::from_secs(15), daemon.wait()).await;
        }
    }
}

/// A port that is free now, the demonstration's own first.
fn free_port() -> anyhow::Result<SocketAddr> {
    use std::sync::atomic::{AtomicU16, Ordering};
    static NEXT: AtomicU16 = AtomicU16::new(PORT);
    for _ in 0..20 {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, NEXT.fetch_add(1, Ordering::Relaxed)));
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?.local_addr()?)
}

/// A folder that goes when the demonstration does.
struct Temporary(PathBuf);

impl Temporary {
    fn new() -> anyhow::Result<Temporary> {
        let path = std::env::temp_dir().join(format!("mutuald-demo-{}", std::process::id()));
        std::fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Temporary(path))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
