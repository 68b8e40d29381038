//! What the people who run a hub decide, read from one TOML file. Partner hubs are not here: they live in the database, where
//! `mutuald partner` keeps them.
//!
//! Reading refuses unknown keys and wrong types; [`Config::check`] then looks at what types cannot say. `run` and
//! `config check` do both, the same way. `config/hub.example.toml` shows every option; a test keeps it so.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::limits::Limits;
use crate::peer::schedule::Schedule;
use crate::record::HubId;

/// The whole configuration of one hub. Every option has a default, so an empty file is a whole configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Who this hub is and where it keeps things.
    pub hub: Hub,
    /// The directory pages and, behind a proxy, the feed, over HTTP.
    pub web: Web,
    /// Publishing this hub's own records. Absent by default: the hub then signs its decisions, and serves them to nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publish: Option<Publish>,
    /// Pulling partner hubs.
    pub pull: Pull,
    /// Backups of the database.
    pub backup: Backup,
    /// How long local data is kept.
    pub retention: Retention,
    /// What the documents for trustees and for the people concerned say and this program cannot know.
    pub documents: Documents,
    /// What a partner hub can make us do, at most.
    pub limits: Limits,
    /// What the daemon says about itself.
    pub log: Log,
}

/// `[hub]`: who this hub is and where it keeps things.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Hub {
    /// The one directory the daemon writes to: the database `mutuald.db`, `keys/` and `feed/`. An absolute path.
    /// Default `/var/lib/mutuald`.
    pub state: PathBuf,
    /// The name on the directory's pages. Default: the name in the hub document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The time zone of schedules and of "today", by its IANA name. Default `Europe/London`.
    pub time_zone: String,
    /// The merge policy: which hub is believed for which area and field. A path; relative ones start at the configuration file.
    /// Default: the policy built into this version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PathBuf>,
    /// The linkage model: by which weights records are compared. A path, as `policy`. Default: the model built into this version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub linkage: Option<PathBuf>,
}

impl Default for Hub {
    fn default() -> Self {
        Self {
            state: "/var/lib/mutuald".into(),
            name: None,
            time_zone: "Europe/London".into(),
            policy: None,
            linkage: None,
        }
    }
}

/// `[web]`: what the daemon serves over HTTP. TLS is the proxy's in front of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Web {
    /// Address and port to listen on. Default `127.0.0.1:8330`: reached through a proxy on the same machine.
    pub listen: SocketAddr,
    /// Whether the directory pages are served. Default true. The feed and the health pages do not depend on it.
    pub directory: bool,
    /// Where the public finds this hub, as `https://groups.example.org/`, with the / at the end. Default: none; links are then relative.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
}

impl Default for Web {
    fn default() -> Self {
        Self { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8330)), directory: true, base_url: None }
    }
}

/// `[publish]`: sign a feed for partner hubs. Leave the section out and nothing is published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Publish {
    /// The folder of the feed's files, which any static host can serve. An absolute path. Default: `feed` in the state directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
    /// Whether the daemon serves the folder itself. Default true; false when a static host does.
    pub serve: bool,
    /// Whether the daemon gives contact parts to the partner hubs that `mutuald partner share` names, where a consent names them
    /// too. Needs `serve`: a static host cannot ask who reads. Default false.
    pub contacts: bool,
    /// Sign the feed's head anew at least this often even when nothing changed, in seconds, so that partners can tell a quiet hub
    /// from a feed that someone holds back. Default 86400 (a day). Partners call the feed stale after three times this.
    pub republish_s: u64,
    /// Keep the files of a part-filled bundle for this long after the full one exists, in seconds, for partners in the middle of a
    /// pull. Default 86400 (a day).
    pub keep_partial_s: u64,
    /// Whose lists are served on under `relay/`, so that a partner hub that is down or lost can be read and rebuilt from here: `all`
    /// partner hubs, or hub ids. Default `["all"]`; `[]` relays nobody. Only what the daemon serves itself; public words only.
    pub relay: Vec<String>,
}

impl Default for Publish {
    fn default() -> Self {
        Self {
            folder: None,
            serve: true,
            contacts: false,
            republish_s: 86_400,
            keep_partial_s: 86_400,
            relay: vec!["all".into()],
        }
    }
}

/// `[pull]`: how partner hubs are pulled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pull {
    /// When to pull a partner hub that has no schedule of its own: five cron fields, `@hourly`, `@daily`, `@weekly` or `every 15m`.
    /// Default `17 */4 * * *`.
    pub schedule: Schedule,
    /// Put each pull off by up to this part of the interval (an hour at most), in percent, 0 to 50, by an amount that stays the
    /// same from day to day, so that hubs do not all arrive at once. Default 10.
    pub jitter_percent: u8,
    /// Whether partner hubs may be at private or loopback addresses. Default false: a partner's address must not become a way
    /// into this network. For trials on one machine.
    pub allow_private_addresses: bool,
    /// How a partner's technician reaches you, as `hub@example.org` or a web address; sent with each request. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
}

impl Default for Pull {
    fn default() -> Self {
        Self {
            schedule: Schedule::parse("17 */4 * * *").expect("a test in tests/suite/schedule.rs parses this very text"),
            jitter_percent: 10,
            allow_private_addresses: false,
            contact: None,
        }
    }
}

/// `[backup]`: where `mutuald backup make` puts backups. Keys are never in them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Backup {
    /// The folder. An absolute path, best on another disk. Default: `backups` in the state directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
    /// How many backups stay in that folder; the oldest go. 1 to 1000. Default 14.
    pub keep: u32,
}

impl Default for Backup {
    fn default() -> Self {
        Self { folder: None, keep: 14 }
    }
}

/// `[retention]`: how long local data is kept. `mutuald retention preview` shows what is due, and when the daemon removes it. A
/// consent which has ended shares nothing from that day on, whatever stands here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Role contacts, from when they were last confirmed, in months. Default 12: whoever leads a group changes often.
    pub contact_months: u32,
    /// People, from when they were last confirmed, in months. Default 12.
    pub person_months: u32,
    /// Role contacts and people of a group, from when it ended, in months. Default 6: long enough to settle its affairs.
    pub ended_months: u32,
    /// Former words of imported records, in days; older imports can no longer be undone. Default 90.
    pub import_days: u32,
    /// Records held for somebody to look at their words, in days. Default 90.
    pub held_days: u32,
    /// Consents, from when they ended, in years. Default 6: as long as somebody may ask what was agreed. They hold no names.
    pub consent_years: u32,
    /// Who looked at whose entry, in days. Default 365.
    pub log_days: u32,
    /// The daemon removes by itself, once a day, what has been due for so many days and was shown all that time by `mutuald
    /// status` and `mutuald retention preview`. Default 7. 0: people remove it, with `mutuald retention apply`.
    pub sweep_after_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            contact_months: 12,
            person_months: 12,
            ended_months: 6,
            import_days: 90,
            held_days: 90,
            consent_years: 6,
            log_days: 365,
            sweep_after_days: 7,
        }
    }
}

/// `[documents]`: what the register of processing, the privacy notice, the Article 14 texts and the sharing agreements have to say
/// and this program cannot know. Texts, as they are to stand in the documents. What is left out is marked there, by the name it has here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Documents {
    /// Who is responsible by law: the organisation's full name, with its charity or company number. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub controller: Option<String>,
    /// Its postal address. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The data protection officer and how they are reached, or that none is required and none appointed. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub officer: Option<String>,
    /// Who answers people who ask about their data, and complaints: a role, and how it is reached. Default: the contact in the hub
    /// document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answers: Option<String>,
    /// The lawful basis of keeping and publishing group facts, where they tell of a person; of legitimate interests, which.
    /// Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basis_groups: Option<String>,
    /// The lawful basis of keeping people, and role contacts that nobody has agreed to share, and the condition of Article 9 where
    /// they tell of health, faith or sex life. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basis_people: Option<String>,
    /// Whether any of it goes to a country outside the United Kingdom, and under which safeguards; or that none does. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transfers: Option<String>,
    /// How the organisation itself keeps it safe: who may use the machine, where backups lie, how people are trained. Default:
    /// none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security: Option<String>,
}

/// `[log]`: what the daemon says about itself. Never personal data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// Where it says it. Default `auto`.
    pub format: LogFormat,
    /// How much: `error`, `warn`, `info`, `debug` or `trace`, and by part of the program as in `info,mutuald::peer=debug`.
    /// Default `info`. `--log` takes its place for one run.
    pub filter: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Auto, filter: "info".into() }
    }
}

/// Where the log goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// The journal when systemd connected standard error to it, else standard error.
    #[default]
    Auto,
    /// The journal, with fields.
    Journald,
    /// Standard error, one line an event.
    Stderr,
}

/// Something in a configuration that cannot be meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The option, as `hub.time_zone`.
    pub key: String,
    /// What is there.
    pub met: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.key, self.met, self.remedy)
    }
}

/// Why a configuration file was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("cannot read the configuration {}: {cause}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system said. Not called `source`: whoever prints an error with its sources would say it twice.
        cause: std::io::Error,
    },
    /// The text is not a configuration: not TOML, an unknown key, a wrong type, a value out of range.
    #[error("{name}{}: {problem}", line.map(|line| format!(" line {line}")).unwrap_or_default())]
    Refused {
        /// The file, as it was named.
        name: String,
        /// The line, counted from 1, where the parser knows it.
        line: Option<usize>,
        /// What is wrong there.
        problem: Problem,
    },
}

impl ConfigError {
    /// The stable name of the reason.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "config-unreadable",
            Self::Refused { .. } => "config-refused",
        }
    }
}

impl Config {
    /// Reads a configuration file. Relative paths in it are taken from its own folder. Call [`check`](Self::check) next.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|cause| ConfigError::Unreadable { file: path.into(), cause })?;
        let mut config = Self::parse(&text, &path.display().to_string())?;
        if let Some(folder) = path.parent() {
            for file in [&mut config.hub.policy, &mut config.hub.linkage].into_iter().flatten() {
                // An absolute path replaces the folder.
                *file = folder.join(&*file);
            }
        }
        Ok(config)
    }

    /// Reads a configuration from its text; `name` is what errors call it.
    pub fn parse(text: &str, name: &str) -> Result<Self, ConfigError> {
        let refused = |key: String, error: &toml::de::Error| {
            let line = error.span().map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
            let source = line.and_then(|line| text.lines().nth(line - 1));
            let met = match source.map(str::trim).filter(|source| !source.is_empty()) {
                Some(source) => format!("{}, met in `{source}`", error.message().trim()),
                None => error.message().trim().to_owned(),
            };
            ConfigError::Refused {
                name: name.into(),
                line,
                problem: Problem {
                    key,
                    met,
                    remedy: "correct it or take it out; config/hub.example.toml shows every option".into(),
                },
            }
        };
        let document = toml::Deserializer::parse(text).map_err(|e| refused("the file".into(), &e))?;
        serde_path_to_error::deserialize(document).map_err(|error| refused(error.path().to_string(), error.inner()))
    }

    /// Everything that cannot be meant although it can be read, in the order of the file. Empty when all is well.
    ///
    /// Looks at the machine for two things only: whether it knows the time zone, and whether the files of policy and linkage are there.
    pub fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut problem = |key: &str, met: String, remedy: &str| {
            problems.push(Problem { key: key.into(), met, remedy: remedy.into() });
        };
        let Hub { state, name, time_zone, policy, linkage } = &self.hub;
        if !state.is_absolute() {
            let met = format!("\"{}\" depends on where the program is started", state.display());
            problem("hub.state", met, "write the whole path, from /");
        }
        if name.as_ref().is_some_and(|name| name.trim().is_empty()) {
            problem("hub.name", "it is empty".into(), "write the hub's name, or take the line out");
        }
        if let Err(error) = TimeZone::get(time_zone) {
            let met = format!("\"{time_zone}\" is not known here ({error})");
            problem(
                "hub.time_zone",
                met,
                "write an IANA name such as Europe/London, and see that the package tzdata is installed",
            );
        }
        if let Some(policy) = policy.as_ref().filter(|policy| !policy.is_file()) {
            let met = format!("there is no file {}", policy.display());
            problem("hub.policy", met, "correct the path, or take the line out for the built-in policy");
        }
        if let Some(linkage) = linkage.as_ref().filter(|linkage| !linkage.is_file()) {
            let met = format!("there is no file {}", linkage.display());
            problem("hub.linkage", met, "correct the path, or take the line out for the built-in model");
        }
        if let Some(text) = &self.web.base_url {
            let usable = url::Url::parse(text).is_ok_and(|url| {
                let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
                matches!(url.scheme(), "http" | "https") && plain
            });
            if !usable {
                let met = format!("\"{text}\" is not where a directory can be");
                problem("web.base_url", met, "write an address such as https://groups.example.org/");
            } else if !text.ends_with('/') {
                let met = format!("\"{text}\" does not end in /");
                problem("web.base_url", met, "add a / at the end, or links lose its last part");
            }
        }
        if let Some(publish) = &self.publish {
            if let Some(folder) = publish.folder.as_ref().filter(|folder| !folder.is_absolute()) {
                let met = format!("\"{}\" depends on where the program is started", folder.display());
                problem("publish.folder", met, "write the whole path, from /");
            }
            if publish.contacts && !publish.serve {
                let met = "a static host gives what it has to everybody".to_owned();
                problem("publish.contacts", met, "set publish.serve = true, or take the line out");
            }
            if !(60..=7 * 86_400).contains(&publish.republish_s) {
                let met = format!("{} seconds", publish.republish_s);
                problem("publish.republish_s", met, "write 60 (a minute) to 604800 (a week)");
            }
            if let Some(word) = publish.relay.iter().find(|word| *word != "all" && word.parse::<HubId>().is_err()) {
                let met = format!("{word:?} is no hub id");
                problem("publish.relay", met, "write \"all\", or hub ids as `mutuald partner list --json` shows them");
            }
            if publish.keep_partial_s > 31 * 86_400 {
                let met = format!("{} seconds", publish.keep_partial_s);
                problem("publish.keep_partial_s", met, "write 0 to 2678400 (31 days)");
            }
        }
        if self.pull.jitter_percent > 50 {
            let met = format!("{} percent", self.pull.jitter_percent);
            problem("pull.jitter_percent", met, "write 0 to 50");
        }
        if let Some(folder) = self.backup.folder.as_ref().filter(|folder| !folder.is_absolute()) {
            let met = format!("\"{}\" depends on where the program is started", folder.display());
            problem("backup.folder", met, "write the whole path, from /");
        }
        if !(1..=1000).contains(&self.backup.keep) {
            let met = format!("{} backups", self.backup.keep);
            problem("backup.keep", met, "write 1 to 1000");
        }
        let contact = self.pull.contact.as_deref().unwrap_or("hub@example.org");
        // It becomes part of a header.
        if contact.is_empty() || !contact.bytes().all(|byte| byte.is_ascii_graphic()) {
            let met = format!("{contact:?} cannot be sent in a header");
            problem("pull.contact", met, "write an e-mail or web address, without spaces or accents");
        }
        let periods = &self.retention;
        for (key, value, most) in [
            ("contact_months", periods.contact_months, 120),
            ("person_months", periods.person_months, 120),
            ("ended_months", periods.ended_months, 120),
            ("import_days", periods.import_days, 3_650),
            ("held_days", periods.held_days, 3_650),
            ("consent_years", periods.consent_years, 20),
            ("log_days", periods.log_days, 3_650),
        ] {
            if !(1..=most).contains(&value) {
                problem(&format!("retention.{key}"), value.to_string(), "write a number from 1 to ten or twenty years");
            }
        }
        if periods.sweep_after_days > 90 {
            let met = periods.sweep_after_days.to_string();
            problem("retention.sweep_after_days", met, "write a number up to 90; 0 leaves it to people");
        }
        for (key, text) in texts(&self.documents) {
            if text.trim().is_empty() {
                let remedy = "write the text, or take the line out: the documents then say that it is missing";
                problem(&format!("documents.{key}"), "it is empty".into(), remedy);
            }
        }
        for (key, value) in numbers(&self.limits) {
            if value < 1 && key != "redirects" {
                let met = format!("{value} would refuse everything");
                problem(&format!("limits.{key}"), met, "write a number above 0, or take the line out");
            }
        }
        if let Err(error) = tracing_subscriber::EnvFilter::try_new(&self.log.filter) {
            let met = format!("\"{}\" is no filter ({error})", self.log.filter);
            problem("log.filter", met, "write error, warn, info, debug or trace, or as in info,mutuald::peer=debug");
        }
        problems
    }

    /// The time zone of schedules and of "today". An error only for a configuration that [`check`](Self::check) refuses.
    pub fn time_zone(&self) -> Result<TimeZone, jiff::Error> {
        TimeZone::get(&self.hub.time_zone)
    }

    /// The database file.
    pub fn database(&self) -> PathBuf {
        self.hub.state.join("mutuald.db")
    }

    /// The folder of the hub's keys.
    pub fn keys(&self) -> PathBuf {
        self.hub.state.join("keys")
    }

    /// The folder of backups.
    pub fn backups(&self) -> PathBuf {
        self.backup.folder.clone().unwrap_or_else(|| self.hub.state.join("backups"))
    }

    /// The folder of the feed's files, whether or not anything is published.
    pub fn feed(&self) -> PathBuf {
        let chosen = self.publish.as_ref().and_then(|publish| publish.folder.clone());
        chosen.unwrap_or_else(|| self.hub.state.join("feed"))
    }
}

/// Every text of the documents that is set, by name.
fn texts(documents: &Documents) -> Vec<(String, String)> {
    let table = toml::Table::try_from(documents).unwrap_or_default();
    table.into_iter().filter_map(|(key, value)| Some((key, value.as_str()?.to_owned()))).collect()
}

/// Every limit by name: through its serialisation, so that a limit added later is checked without being named here.
fn numbers(limits: &Limits) -> Vec<(String, i64)> {
    let table = toml::Table::try_from(limits).unwrap_or_default();
    table.into_iter().filter_map(|(key, value)| Some((key, value.as_integer()?))).collect()
}
