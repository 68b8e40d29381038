//! `mutuald key`: the hub's keys and its document, for life.
//!
//! Every change of the document is looked at first and carried out with `--commit`; where root keys lie with several people,
//! or on another machine, the text goes from one to the next with `--out`, `key sign` and `key apply`. Secrets are read from
//! files, never from arguments.

mod change;
mod recover;
mod secret;
mod show;
mod sign;

use super::output::Failure;
use super::{Answer, Context};
use crate::node::Hub;
use crate::node::rollover::{Change, Later};
use crate::record::HubId;
use anyhow::Context as _;
use jiff::ToSpan;
use std::path::PathBuf;

/// This hub's keys: what to keep where, and what to do when one is lost, stolen or handed on
#[derive(Debug, clap::Subcommand)]
pub enum Key {
    /// Show which keys speak for this hub, and where they are
    Show,
    /// Make a root key, here or on a machine without a network; needs no hub
    Init {
        /// File to make; copy it to a USB stick that is kept in a locked place
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// What the key is called, such as anytown-root-b
        #[arg(long)]
        name: String,
    },
    /// Print a key as groups of digits to write down; whoever reads them has the key
    Backup {
        /// The key file [default: the key of this hub's list]
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Make a key file again from the digits written down, typed or piped in
    Restore {
        /// File to make
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Begin a new list with a new key; all that stands is said again in it
    Rotate {
        #[command(flatten)]
        signing: Signing,
    },
    /// Close the list at the last entry that was this hub's own: everything after is void at every hub
    Revoke {
        /// How many entries were this hub's own; `mutuald feed show` numbers them, so the last good number and one more
        #[arg(long, value_name = "NUMBER")]
        keep: u64,
        #[command(flatten)]
        signing: Signing,
    },
    /// End this hub, and name the hub that takes over
    Handover {
        /// Hub id of the hub that takes over
        #[arg(value_name = "h-…")]
        successor: HubId,
        #[command(flatten)]
        signing: Signing,
    },
    /// Change who holds root keys, and how many of them it takes
    Roots {
        /// How many must sign
        #[arg(long)]
        threshold: u8,
        /// Verifier key of each, as `key init` printed it
        #[arg(long = "key", value_name = "NAME+ID+KEY", required = true)]
        keys: Vec<String>,
        #[command(flatten)]
        signing: Signing,
    },
    /// Let the hub document run longer, name hubs that keep copies, or move the feed to another address
    Renew {
        /// For how many years from today
        #[arg(long)]
        years: Option<i32>,
        /// Address of a relay that keeps copies, ending in relay/; all of them, those named before included
        #[arg(long = "mirror", value_name = "URL")]
        mirrors: Vec<String>,
        /// Where the files of the list lie from now on
        #[arg(long, value_name = "URL")]
        prefix: Option<String>,
        #[command(flatten)]
        signing: Signing,
    },
    /// Show what a drafted document says, and add a root key's signature to it; needs no hub
    Sign {
        /// The draft; the signature is added to it
        #[arg(value_name = "DRAFT")]
        draft: PathBuf,
        /// The root key's file; without it the draft is only shown
        #[arg(long, value_name = "FILE")]
        root: Option<PathBuf>,
        /// The key's name, where the draft does not name it (a key that is being replaced)
        #[arg(long)]
        name: Option<String>,
    },
    /// Put a drafted document in force that enough root keys have signed
    Apply {
        /// The signed draft
        #[arg(value_name = "DRAFT")]
        draft: PathBuf,
        /// Entries since the draft are this hub's own: say them again in the new list
        #[arg(long, conflicts_with = "drop_later")]
        keep_later: bool,
        /// Entries since the draft are not this hub's: drop them
        #[arg(long)]
        drop_later: bool,
    },
    /// Rebuild a hub whose disk died from its partner hubs and its root key
    Recover {
        /// The hub's id, as on its printed page
        #[arg(long, value_name = "h-…")]
        hub: HubId,
        /// Web address of a partner hub; several are better
        #[arg(long = "from", value_name = "ADDRESS", required = true)]
        from: Vec<String>,
    },
}

/// How a change of the hub document gets its signatures.
#[derive(Debug, clap::Args)]
pub struct Signing {
    /// A root key's file; once for each [default: keys/root-a.key, if it is still here]
    #[arg(long, value_name = "FILE")]
    root: Vec<PathBuf>,
    /// Write the document here, to be signed by others
    #[arg(long, value_name = "DRAFT")]
    out: Option<PathBuf>,
    /// Do it; without this it is only looked at
    #[arg(long)]
    commit: bool,
}

impl Key {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        match self {
            Key::Init { file, name } => secret::init(context, &file, &name),
            Key::Restore { file } => secret::restore(context, &file),
            Key::Sign { draft, root, name } => sign::sign(&draft, root.as_deref(), name.as_deref()),
            Key::Recover { hub, from } => recover::recover(context, hub, &from).await,
            Key::Backup { file } => secret::backup(context, file),
            Key::Show => show::show(&hub(context).await?).await,
            Key::Apply { draft, keep_later, drop_later } => {
                let document =
                    std::fs::read_to_string(&draft).with_context(|| format!("cannot read {}", draft.display()))?;
                let later = match (keep_later, drop_later) {
                    (true, _) => Some(Later::Keep),
                    (_, true) => Some(Later::Drop),
                    _ => None,
                };
                change::apply(&hub(context).await?, &document, later).await
            }
            Key::Rotate { signing } => change::change(context, &Change::Log { keep: None }, signing, None).await,
            Key::Revoke { keep, signing } => {
                change::change(context, &Change::Log { keep: Some(keep) }, signing, Some(Later::Drop)).await
            }
            Key::Handover { successor, signing } => {
                change::change(context, &Change::HandOver(successor), signing, None).await
            }
            Key::Roots { threshold, keys, signing } => {
                change::change(context, &Change::Roots { threshold, vkeys: keys }, signing, None).await
            }
            Key::Renew { years, mirrors, prefix, signing } => {
                let today = context.clock.today(&context.config()?.time_zone()?);
                let expires = years.map(|years| today.saturating_add(years.years()));
                let mirrors = (!mirrors.is_empty()).then_some(mirrors);
                if expires.is_none() && mirrors.is_none() && prefix.is_none() {
                    return Err(Failure::usage("nothing to renew was named", "`mutuald key renew --years 5`").into());
                }
                change::change(context, &Change::Renew { expires, mirrors, prefix }, signing, None).await
            }
        }
    }
}

/// The hub, also one that has lost its list's key.
async fn hub(context: &Context) -> anyhow::Result<Hub> {
    Hub::speechless(context.config()?, context.clock.clone(), context.chance.clone()).await
}
