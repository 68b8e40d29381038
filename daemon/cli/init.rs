//! `mutuald init`

use super::context::HERE;
use super::{Answer, Context, Failure};
use crate::config::Config;
use crate::node::Hub;
use crate::node::init::{self, Answers, Made};
use anyhow::Context as _;
use serde::Serialize;
use std::fmt;
use std::path::{Path, PathBuf};

/// Make a hub: its keys, its database and its configuration
///
/// Asks for what is not given: the hub's name, its web address, and the mailbox where people ask about its records.
#[derive(Debug, clap::Args)]
pub struct Init {
    /// The hub's name, as partner hubs and visitors see it
    #[arg(long)]
    name: Option<String>,
    /// The hub's web address, under which its feed will be found
    #[arg(long)]
    address: Option<String>,
    /// A mailbox of a role, never a person's own, for questions about its records
    #[arg(long, value_name = "MAILBOX")]
    contact: Option<String>,
    /// Licence of what it publishes, as an SPDX id
    #[arg(long, default_value = "CC-BY-4.0")]
    licence: String,
    /// GSS code of an area it covers; may be given several times
    #[arg(long = "area", value_name = "CODE")]
    areas: Vec<String>,
    /// Folder for the database and the keys
    #[arg(long, value_name = "DIR", default_value = "./mutuald-state")]
    state: PathBuf,
    /// Publish nothing: pull partners, and serve nobody
    #[arg(long)]
    no_publish: bool,
    /// Write the page to print into this file as well
    #[arg(long, value_name = "FILE")]
    page: Option<PathBuf>,
}

/// The one page to print.
#[derive(Serialize)]
struct Page {
    #[serde(flatten)]
    made: Made,
    address: String,
    config: PathBuf,
    published: bool,
}

impl fmt::Display for Page {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Page { made, address, config, published } = self;
        writeln!(out, "{}\n{}\n", made.name, "=".repeat(made.name.chars().count()))?;
        writeln!(out, "Hub id       {}", made.hub)?;
        writeln!(out, "Fingerprint  {}", made.fingerprint)?;
        writeln!(out, "Address      {address}\n")?;
        writeln!(out, "KEEP")?;
        writeln!(out, "  Root key   {}", made.root_key.display())?;
        writeln!(
            out,
            "             It says who this hub is, and nothing can replace it. Copy it to two USB sticks or print"
        )?;
        writeln!(out, "             it, keep them in two locked places, then delete the file from this machine.")?;
        writeln!(out, "  List key   {}", made.log_key.display())?;
        writeln!(
            out,
            "             It signs every record. It stays here; no backup that `mutuald backup make` makes has it. Keep a copy"
        )?;
        writeln!(
            out,
            "             on a stick or on paper (`mutuald key backup`) in a locked place, apart from the backups."
        )?;
        writeln!(out, "  Database   {}", made.database.display())?;
        writeln!(
            out,
            "             It holds all records. `mutuald backup make` every day copies it; restoring takes the list key as well."
        )?;
        writeln!(out, "  Settings   {}\n", config.display())?;
        if !published {
            writeln!(out, "This hub publishes nothing. A [publish] section in the settings changes that.")?;
            return Ok(());
        }
        writeln!(
            out,
            "GIVE TO PARTNER HUBS (by telephone or on paper, so that nobody can put another id in its place)"
        )?;
        writeln!(out, "  mutuald partner add {address} --hub {}", made.hub)?;
        writeln!(out, "  Fingerprint to compare: {}", made.fingerprint)
    }
}

impl Init {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let (config, file, is_new) = self.config(context)?;
        let published = config.publish.is_some();
        if config.database().exists() {
            let what = format!("there is a hub at {} already; nothing was changed", config.hub.state.display());
            return Err(Failure::new(what, "`mutuald status` shows it; --state makes another one elsewhere").into());
        }
        let answers = self.answers(context)?;
        if is_new {
            std::fs::write(&file, settings(&config, &answers.name))
                .with_context(|| format!("cannot write {}", file.display()))?;
        }
        let made = init::init(&config, &answers, &context.clock, &context.chance).await.inspect_err(|_| {
            if is_new {
                // A second try must find nothing in its way.
                let _ = std::fs::remove_file(&file);
            }
        })?;
        let hub = Hub::open(config, context.clock.clone(), context.chance.clone()).await?;
        hub.refresh().await?;
        hub.publish()
            .await
            .context("the hub was made, and its feed could not be published; correct that, then `mutuald status`")?;
        hub.store.close().await;

        let page = Page { made, address: web(&answers.address), config: file, published };
        if let Some(to) = &self.page {
            std::fs::write(to, page.to_string()).with_context(|| format!("cannot write {}", to.display()))?;
        }
        context.talk("Print this page. Then fill in your list: `mutuald import --template groups.xlsx`\n");
        Answer::of(&page)
    }

    /// The configuration of the new hub, its file, and whether the file is still to be written.
    fn config(&self, context: &Context) -> anyhow::Result<(Config, PathBuf, bool)> {
        let state = std::path::absolute(&self.state).context("--state")?;
        let beside = state.parent().unwrap_or(Path::new("/")).join(HERE);
        let file = context.named_file().map_or(Ok(beside), std::path::absolute)?;
        if file.exists() {
            let config = context_config(&file)?;
            context.talk(format!("Using the settings in {}", file.display()));
            return Ok((config, file, false));
        }
        let mut config = Config::default();
        config.hub.state = state;
        config.publish = (!self.no_publish).then(Default::default);
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        Ok((config, file, true))
    }

    fn answers(&self, context: &Context) -> anyhow::Result<Answers> {
        let given = |value: &Option<String>, option: &str, question: &str| match value {
            Some(value) => Ok(value.trim().to_owned()),
            None if context.interactive() => context.ask(question, None),
            None => {
                let next =
                    "mutuald init --name 'Self Help Anytown' --address groups.example.org --contact groups@example.org";
                Err(Failure::usage(format!("--{option} is missing, and there is nobody to ask"), next).into())
            }
        };
        Ok(Answers {
            name: given(&self.name, "name", "What is this hub called?")?,
            address: given(
                &self.address,
                "address",
                "At what web address will partner hubs find it (such as groups.example.org)?",
            )?,
            contact: given(
                &self.contact,
                "contact",
                "Which mailbox (a role's, not a person's) answers questions about its records?",
            )?,
            licence: self.licence.clone(),
            areas: self.areas.clone(),
        })
    }
}

fn context_config(file: &Path) -> anyhow::Result<Config> {
    let config = Config::load(file)?;
    match config.check().first() {
        None => Ok(config),
        Some(problem) => {
            Err(Failure::new(format!("{}: {problem}", file.display()), "correct the file, then `mutuald init` again")
                .into())
        }
    }
}

/// The address as a partner types it.
fn web(address: &str) -> String {
    let whole = if address.contains("://") { address.to_owned() } else { format!("https://{address}") };
    if whole.ends_with('/') { whole } else { format!("{whole}/") }
}

/// A configuration file with what differs from the defaults.
fn settings(config: &Config, name: &str) -> String {
    let state = toml::Value::String(config.hub.state.display().to_string());
    let publish = if config.publish.is_some() { "\n# Sign a feed for partner hubs.\n[publish]\n" } else { "" };
    let name: String = name.chars().filter(|c| !c.is_control()).collect();
    format!("# Settings of {name}. config/hub.example.toml explains every option.\n\n[hub]\nstate = {state}\n{publish}")
}
