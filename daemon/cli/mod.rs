//! The command line: a noun, then a verb, one file a noun.
//!
//! Each command is a struct whose `run` gives an [`Answer`], printed here as text or, with `--json`, as JSON. Results go to
//! standard output; questions, progress and errors to standard error. An error says what failed, on what, and the next step.
//!
//! | exit status | meaning |
//! |---|---|
//! | 0 | done |
//! | 1 | not done |
//! | 2 | the command was not understood, or lacks something |
//! | 3 | finished, but a person must look: refused rows, findings, a change that waits |
//! | 4 | a partner hub cannot be reached, or what it serves was refused |
//!
//! Nobody types ids: groups are found by name, by words of their entry and, where several fit, by the number in the list
//! of them. The one exception is a partner's hub id, once, because that is what trust begins with.

mod backup;
mod choose;
mod completions;
mod config;
mod conflicts;
mod consent;
mod contact;
mod context;
mod demo;
mod documents;
mod erase;
mod erasure;
mod export;
mod feed;
mod frame;
mod geo;
mod group;
mod held;
mod import;
mod init;
mod key;
mod link;
mod linkage;
mod list;
mod man;
mod output;
mod partner;
mod person;
mod registry;
mod retention;
mod review;
mod run;
mod safety;
mod status;
mod subject;
mod verify;

pub use context::Context;
pub use output::{Answer, Failure, Status};

use crate::clock::Clock;
use crate::config::{Log, LogFormat};
use crate::node::{Chance, logging};
use clap::{CommandFactory, Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// Shown below every command's help.
const EXITS: &str = "Exit status: 0 done; 1 not done; 2 not understood; 3 finished, but a person must look at something; \
                     4 a partner hub cannot be reached or was refused.";

/// A registry of self-help and mutual-aid groups that hubs keep together.
///
/// Each hub signs and publishes its own list, takes in its partner hubs' lists, and holds one registry of all groups.
#[derive(Debug, Parser)]
#[command(name = "mutuald", version, after_help = EXITS, max_term_width = 110, propagate_version = true)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Options of every command.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Options of every command")]
struct Global {
    /// Configuration of the hub [default: hub.toml here if there is one, else /etc/mutuald/hub.toml]
    #[arg(long, global = true, value_name = "FILE", env = "MUTUALD_CONFIG", hide_env_values = true)]
    config: Option<PathBuf>,
    /// Answer in JSON
    #[arg(long, global = true)]
    json: bool,
    /// How much to say about the work: error, warn, info, debug or trace [default: error]
    #[arg(long, global = true, value_name = "LEVEL")]
    log: Option<String>,
}

/// Every command. A new one is a file of this folder, a `mod` above, and two lines here.
#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Run),
    Demo(demo::Demo),
    Init(init::Init),
    Status(status::Status),
    Import(import::Import),
    Export(export::Export),
    #[command(subcommand)]
    Group(group::Group),
    #[command(subcommand)]
    List(list::List),
    #[command(subcommand)]
    Partner(partner::Partner),
    #[command(subcommand)]
    Contact(contact::Contact),
    #[command(subcommand)]
    Consent(consent::Consent),
    #[command(subcommand)]
    Person(person::Person),
    #[command(subcommand)]
    Held(held::Held),
    #[command(subcommand)]
    Retention(retention::Retention),
    #[command(subcommand)]
    Subject(subject::Subject),
    #[command(subcommand)]
    Documents(documents::Documents),
    Conflicts(conflicts::Conflicts),
    #[command(subcommand)]
    Safety(safety::Safety),
    Choose(choose::Choose),
    Link(link::Link),
    Review(review::Review),
    Erase(erase::Erase),
    #[command(subcommand)]
    Erasure(erasure::Erasure),
    #[command(subcommand)]
    Backup(backup::Backup),
    #[command(subcommand)]
    Linkage(linkage::Linkage),
    #[command(subcommand)]
    Geo(geo::Geo),
    #[command(subcommand)]
    Frame(frame::Frame),
    #[command(subcommand)]
    Registry(registry::Registry),
    #[command(subcommand)]
    Feed(feed::Feed),
    #[command(subcommand)]
    Key(key::Key),
    #[command(subcommand)]
    Config(config::Config),
    Verify(verify::Verify),
    Completions(completions::Completions),
    Man(man::Man),
}

impl Command {
    async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        match self {
            Command::Run(command) => command.run(context).await,
            Command::Demo(command) => command.run(context).await,
            Command::Verify(command) => command.run(context).await,
            Command::Init(command) => command.run(context).await,
            Command::Status(command) => command.run(context).await,
            Command::Import(command) => command.run(context).await,
            Command::Export(command) => command.run(context).await,
            Command::Group(command) => command.run(context).await,
            Command::List(command) => command.run(context).await,
            Command::Partner(command) => command.run(context).await,
            Command::Contact(command) => command.run(context).await,
            Command::Consent(command) => command.run(context).await,
            Command::Person(command) => command.run(context).await,
            Command::Held(command) => command.run(context).await,
            Command::Retention(command) => command.run(context).await,
            Command::Subject(command) => command.run(context).await,
            Command::Documents(command) => command.run(context).await,
            Command::Safety(command) => command.run(context).await,
            Command::Conflicts(command) => command.run(context).await,
            Command::Choose(command) => command.run(context).await,
            Command::Link(command) => command.run(context).await,
            Command::Review(command) => command.run(context).await,
            Command::Erase(command) => command.run(context).await,
            Command::Erasure(command) => command.run(context).await,
            Command::Backup(command) => command.run(context).await,
            Command::Linkage(command) => command.run(context).await,
            Command::Geo(command) => command.run(context).await,
            Command::Frame(command) => command.run(context).await,
            Command::Registry(command) => command.run(context).await,
            Command::Feed(command) => command.run(context).await,
            Command::Key(command) => command.run(context).await,
            Command::Config(command) => command.run(context).await,
            Command::Completions(command) => command.run(),
            Command::Man(command) => command.run(),
        }
    }
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    // clap prints help and usage errors itself, and ends with 0 and 2: the numbers promised above.
    let cli = Cli::parse();
    let json = cli.global.json;
    let panics = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !crate::exchange::table::reading() {
            panics(panic);
        }
    }));
    match start(cli) {
        Ok(status) => status.into(),
        Err(error) => output::report(&error, json).into(),
    }
}

fn start(cli: Cli) -> anyhow::Result<Status> {
    let Cli { global, command } = cli;
    // The daemon logs as its configuration says; it starts that itself.
    if !matches!(command, Command::Run(_)) {
        let log = Log { format: LogFormat::Stderr, filter: "error".into() };
        logging::start(&log, global.log.as_deref())?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let context = Context::new(global.config, global.log, global.json, Clock::system(), Chance::system()?);
    let answer = runtime.block_on(async {
        let answer = command.run(&context).await;
        context.close().await;
        answer
    })?;
    Ok(answer.print(global.json))
}

/// The command line as a whole, for completions and manual pages.
fn whole() -> clap::Command {
    Cli::command()
}
