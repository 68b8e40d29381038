//! `mutuald key`: the hub's keys and its document, for life.
//!
//! Every change of the document is looked at first and carried out with `--commit`; where root keys lie with several people,
//! or on another machine, the text goes from one to the next with `--out`, `key sign` and `key apply`. Secrets are read from
//! files, never from arguments.

use super::output::{Failure, Status, count};
use super::{Answer, Context};
use crate::feed::hub as hub_document;
use crate::feed::note::{ED25519, SigningKey, VerifyKey};
use crate::node::Hub;
use crate::node::heal;
use crate::node::keys;
use crate::node::rollover::{Adopted, Change, Later, Plan, add_signature};
use crate::record::HubId;
use crate::store;
use anyhow::Context as _;
use jiff::ToSpan;
use serde::Serialize;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

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
    /// Add a root key's signature to a drafted document; needs no hub
    Sign {
        /// The draft; the signature is added to it
        #[arg(value_name = "DRAFT")]
        draft: PathBuf,
        /// The root key's file
        #[arg(long, value_name = "FILE")]
        root: PathBuf,
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
            Key::Init { file, name } => init(context, &file, &name),
            Key::Restore { file } => restore(context, &file),
            Key::Sign { draft, root, name } => sign(&draft, &root, name.as_deref()),
            Key::Recover { hub, from } => recover(context, hub, &from).await,
            Key::Backup { file } => backup(context, file),
            Key::Show => show(&hub(context).await?).await,
            Key::Apply { draft, keep_later, drop_later } => {
                let document =
                    std::fs::read_to_string(&draft).with_context(|| format!("cannot read {}", draft.display()))?;
                let later = match (keep_later, drop_later) {
                    (true, _) => Some(Later::Keep),
                    (_, true) => Some(Later::Drop),
                    _ => None,
                };
                apply(&hub(context).await?, &document, later).await
            }
            Key::Rotate { signing } => change(context, &Change::Log { keep: None }, signing, None).await,
            Key::Revoke { keep, signing } => {
                change(context, &Change::Log { keep: Some(keep) }, signing, Some(Later::Drop)).await
            }
            Key::Handover { successor, signing } => change(context, &Change::HandOver(successor), signing, None).await,
            Key::Roots { threshold, keys, signing } => {
                change(context, &Change::Roots { threshold, vkeys: keys }, signing, None).await
            }
            Key::Renew { years, mirrors, prefix, signing } => {
                let today = context.clock.today(&context.config()?.time_zone()?);
                let expires = years.map(|years| today.saturating_add(years.years()));
                let mirrors = (!mirrors.is_empty()).then_some(mirrors);
                if expires.is_none() && mirrors.is_none() && prefix.is_none() {
                    return Err(Failure::usage("nothing to renew was named", "`mutuald key renew --years 5`").into());
                }
                change(context, &Change::Renew { expires, mirrors, prefix }, signing, None).await
            }
        }
    }
}

/// The hub, also one that has lost its list's key.
async fn hub(context: &Context) -> anyhow::Result<Hub> {
    Hub::speechless(context.config()?, context.clock.clone(), context.chance.clone()).await
}

#[derive(Serialize)]
struct Shown {
    hub: HubId,
    version: u64,
    expires: jiff::civil::Date,
    warning: Option<String>,
    threshold: usize,
    roots: Vec<Root>,
    lists: Vec<List>,
    mirrors: Vec<String>,
    successor: Option<HubId>,
}

#[derive(Serialize)]
struct Root {
    name: String,
    fingerprint: String,
    vkey: String,
    here: Option<PathBuf>,
}

#[derive(Serialize)]
struct List {
    origin: String,
    fingerprint: String,
    entries: u64,
    closed_at: Option<u64>,
    key_file: Option<PathBuf>,
}

impl fmt::Display for Shown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}   hub document version {}, good until {}", self.hub, self.version, self.expires)?;
        if let Some(warning) = &self.warning {
            writeln!(out, "WARNING  {warning}")?;
        }
        let all = self.roots.len();
        writeln!(out, "\nROOT KEYS: {} of {all} must sign every change of who this hub is", self.threshold)?;
        for root in &self.roots {
            let place = match &root.here {
                Some(file) => format!("still here in {}: copy it to two sticks, then delete it here", file.display()),
                None => "not on this machine, which is right".to_owned(),
            };
            writeln!(out, "  {}  {}  {place}", root.fingerprint, root.name)?;
        }
        writeln!(out, "\nLISTS")?;
        for list in &self.lists {
            let state = match list.closed_at {
                Some(size) => format!("closed with {size} entries"),
                None => format!("in use, {} entries", list.entries),
            };
            let key = match &list.key_file {
                Some(file) => format!("key in {}", file.display()),
                None if list.closed_at.is_some() => "no key here, and none needed".to_owned(),
                None => "ITS KEY IS NOT HERE: restore it, or `mutuald key rotate`".to_owned(),
            };
            writeln!(out, "  {}  {}  {state}; {key}", list.fingerprint, list.origin)?;
        }
        for mirror in &self.mirrors {
            writeln!(out, "Copies are kept at {mirror}")?;
        }
        match &self.successor {
            Some(successor) => write!(out, "\nThis hub has ended; {successor} takes over."),
            None => write!(out, "\n{KEEP}"),
        }
    }
}

/// What to keep where, in plain words.
const KEEP: &str = "Keep the root key on two USB sticks or on paper, in two locked places, not on this machine. It is needed only to \
change keys. Keep the list's key in the backup: whoever has it can speak in this hub's name until the root key closes the list.";

async fn show(hub: &Hub) -> anyhow::Result<Answer> {
    let own = hub.own_document().await?;
    let folder = hub.config.keys();
    let mut db = hub.store.read().await?;
    let logs = store::log::of_hub(&mut db, store::log::OWN).await?;
    let today = hub.clock.today(&hub.config.time_zone()?);
    let roots = own.root_keys().iter().map(|key| Root {
        name: key.name().to_owned(),
        fingerprint: key.fingerprint(),
        vkey: key.to_string(),
        here: Some(keys::root_file(&folder)).filter(|file| {
            keys::read(file).is_ok_and(|secret| *SigningKey::new(key.name(), ED25519, &secret).public() == *key)
        }),
    });
    let lists = logs.iter().map(|log| List {
        origin: log.key.name().to_owned(),
        fingerprint: log.key.fingerprint(),
        entries: log.held,
        closed_at: log.closed.map(|(size, _)| size),
        key_file: keys::of(&folder, log).is_ok().then(|| keys::log_file(&folder, log.ordinal + 1)),
    });
    let warning = own.warns(today).map(|left| match left {
        ..0 => "the hub document is past its date: sign a newer one with `mutuald key renew --years 5`".to_owned(),
        left => {
            format!("the hub document ends in {left} days: `mutuald key renew --years 5`, with the root key at hand")
        }
    });
    let (lists, roots): (Vec<List>, Vec<Root>) = (lists.collect(), roots.collect());
    let mute = lists.last().is_some_and(|list| list.key_file.is_none() && list.closed_at.is_none());
    let look = warning.is_some() || mute;
    let document = &own.document;
    Ok(Answer::of(&Shown {
        hub: own.id,
        version: document.version,
        expires: document.expires,
        warning,
        threshold: own.threshold(),
        roots,
        lists,
        mirrors: document.mirrors.clone(),
        successor: document.successor,
    })?
    .look_if(look))
}

#[derive(Serialize)]
struct Said {
    #[serde(skip_serializing_if = "Option::is_none")]
    vkey: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<PathBuf>,
    #[serde(skip)]
    text: String,
}

impl fmt::Display for Said {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

fn init(context: &Context, file: &Path, name: &str) -> anyhow::Result<Answer> {
    context.chance.draw(|rng| keys::create(file, rng))?;
    let key = SigningKey::new(name, ED25519, &*keys::read(file)?);
    let vkey = key.public().to_string();
    if VerifyKey::parse(&vkey).is_err() {
        let _ = std::fs::remove_file(file);
        return Err(Failure::usage(format!("{name:?} is no name for a key"), "use letters, digits and hyphens").into());
    }
    let text = format!(
        "A root key was made in {}.\n\n\
         KEEP   the file, on a USB stick in a locked place; or `mutuald key backup {}` for paper. Nothing replaces it.\n\
         NEVER  copy it to the machine on which the hub runs, or send it to anybody.\n\
         GIVE   this line, which is no secret, to whoever keeps the hub:\n\n  {vkey}\n\n\
         There: mutuald key roots --threshold 1 --key '{vkey}' …",
        file.display(),
        file.display(),
    );
    Answer::of(&Said { vkey: Some(vkey), file: Some(file.to_owned()), text })
}

fn backup(context: &Context, file: Option<PathBuf>) -> anyhow::Result<Answer> {
    let file = match file {
        Some(file) => file,
        None => {
            let folder = context.config()?.keys();
            let newest = (1..).map(|k| keys::log_file(&folder, k)).take_while(|file| file.exists()).last();
            newest.unwrap_or_else(|| keys::log_file(&folder, 1))
        }
    };
    if context.json {
        return Err(
            Failure::usage("a key is not written as JSON", "leave out --json, and write the digits on paper").into()
        );
    }
    context.talk("Whoever reads these digits has the key. Write them on paper, with what they are for; keep no copy on this machine.\n");
    let text = format!("{}\n{}", file.display(), keys::paper(&*keys::read(&file)?).as_str());
    Answer::of(&Said { vkey: None, file: Some(file), text })
}

fn restore(context: &Context, file: &Path) -> anyhow::Result<Answer> {
    if context.interactive() {
        context.talk("Type the four lines of digits as they are written, then Ctrl-D.");
    }
    let mut typed = zeroize::Zeroizing::new(String::new());
    std::io::stdin().lock().read_to_string(&mut typed)?;
    let secret = keys::from_paper(&typed).map_err(|line| {
        Failure::usage(
            format!("line {line} is not as it was written down"),
            "compare it digit by digit; the last four of each line check the sixteen before",
        )
    })?;
    keys::write(file, &secret)?;
    let text = format!("The key is in {} again. `mutuald key show` says whose it is.", file.display());
    Answer::of(&Said { vkey: None, file: Some(file.to_owned()), text })
}

fn sign(draft: &Path, root: &Path, name: Option<&str>) -> anyhow::Result<Answer> {
    let document = std::fs::read_to_string(draft).with_context(|| format!("cannot read {}", draft.display()))?;
    let secret = keys::read(root)?;
    let named =
        root_names(&document).into_iter().find(|key| *SigningKey::new(key.name(), ED25519, &secret).public() == *key);
    let name = match (named, name) {
        (Some(key), _) => key.name().to_owned(),
        (None, Some(name)) => name.to_owned(),
        (None, None) => {
            return Err(Failure::usage(
                format!("the draft does not name the key in {}", root.display()),
                "a key that is being replaced signs with --name and its name; else it is another hub's draft, or another key",
            )
            .into());
        }
    };
    let signed = add_signature(&document, &SigningKey::new(&name, ED25519, &secret))?;
    std::fs::write(draft, &signed).with_context(|| format!("cannot write {}", draft.display()))?;
    let text =
        format!("{name} has signed {}.\nWhen enough have: mutuald key apply {}", draft.display(), draft.display());
    Answer::of(&Said { vkey: None, file: Some(draft.to_owned()), text })
}

/// The root keys that a draft names.
fn root_names(document: &str) -> Vec<VerifyKey> {
    let json = document.lines().nth(1).and_then(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let vkeys = json.as_ref().and_then(|json| json["root"]["vkeys"].as_array().cloned()).unwrap_or_default();
    vkeys.iter().filter_map(|key| VerifyKey::parse(key.as_str()?).ok()).collect()
}

#[derive(Serialize)]
struct Planned {
    #[serde(flatten)]
    plan: Plan,
    signed: usize,
    draft: Option<PathBuf>,
}

impl fmt::Display for Planned {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Planned { plan, signed, draft } = self;
        writeln!(out, "Hub document version {}:", plan.version)?;
        if let Some((origin, size)) = &plan.closes {
            writeln!(out, "  closes the list {origin} with {}", count(*size, "entry", "entries"))?;
        }
        if plan.voids > 0 {
            writeln!(
                out,
                "  {} after that become void at every hub, and what they changed comes back",
                count(plan.voids, "entry", "entries")
            )?;
        }
        if let Some(origin) = &plan.begins {
            writeln!(
                out,
                "  begins the list {origin} with a new key; {} said again",
                count(plan.again, "statement is", "statements are")
            )?;
        } else if plan.closes.is_some() {
            writeln!(out, "  THIS HUB ENDS: it can say nothing more")?;
        }
        for signers in &plan.needs {
            writeln!(out, "  needs the signatures of {} of: {}", signers.of, signers.names.join(", "))?;
        }
        match draft {
            Some(draft) => {
                writeln!(
                    out,
                    "\nThe text is in {}, with {}.",
                    draft.display(),
                    count(*signed as u64, "signature", "signatures")
                )?;
                write!(
                    out,
                    "Each holder: mutuald key sign {} --root FILE\nThen here: mutuald key apply {}",
                    draft.display(),
                    draft.display()
                )
            }
            None => write!(
                out,
                "\nNothing was changed. With the root keys at hand: the same command with --root FILE --commit.\n\
                 With root keys elsewhere: --out DRAFT, then `mutuald key sign` there, then `mutuald key apply` here."
            ),
        }
    }
}

async fn change(context: &Context, change: &Change, signing: Signing, later: Option<Later>) -> anyhow::Result<Answer> {
    let hub = hub(context).await?;
    let write = signing.commit || signing.out.is_some();
    let plan = hub.plan_document(change, write).await?;
    if !write {
        return Answer::of(&Planned { plan, signed: 0, draft: None });
    }
    let own = hub.own_document().await?;
    let mut document = format!("{}\n", plan.text);
    let mut signed = 0;
    let files = match signing.root.is_empty() {
        true => Some(keys::root_file(&hub.config.keys())).filter(|file| file.exists()).into_iter().collect(),
        false => signing.root,
    };
    for file in &files {
        let secret = keys::read(file)?;
        let mut names: Vec<VerifyKey> = own.root_keys().to_vec();
        names.extend(root_names(&plan.text));
        let name = names.iter().find(|key| *SigningKey::new(key.name(), ED25519, &secret).public() == **key);
        let name = name.ok_or_else(|| {
            Failure::usage(format!("{} is no root key of this hub", file.display()), "`mutuald key show` names them")
        })?;
        document = add_signature(&document, &SigningKey::new(name.name(), ED25519, &secret))?;
        signed += 1;
    }
    if let Some(draft) = signing.out {
        std::fs::write(&draft, &document).with_context(|| format!("cannot write {}", draft.display()))?;
        return Answer::of(&Planned { plan, signed, draft: Some(draft) });
    }
    if hub_document::next(&own, document.as_bytes()).is_err() {
        let needs: Vec<String> =
            plan.needs.iter().map(|signers| format!("{} of {}", signers.of, signers.names.join(", "))).collect();
        return Err(Failure::usage(
            format!("too few root keys signed ({signed}; it takes {})", needs.join(" and ")),
            "name each key file with --root, or --out DRAFT for those who hold the others",
        )
        .into());
    }
    apply(&hub, &document, later).await
}

#[derive(Serialize)]
#[serde(transparent)]
struct InForce(Adopted);

impl fmt::Display for InForce {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Adopted { version, again, voided, published } = &self.0;
        writeln!(out, "Hub document version {version} is in force.")?;
        if *voided > 0 {
            writeln!(out, "{} are void now.", count(*voided, "entry", "entries"))?;
        }
        if *again > 0 {
            writeln!(
                out,
                "{} said again in the new list. Its key belongs into the backup: `mutuald key backup`.",
                count(*again, "statement was", "statements were")
            )?;
        }
        match published {
            Some(_) => write!(out, "It is published; partner hubs follow at their next pull."),
            None => write!(out, "It is not published: there is no [publish] in the settings."),
        }
    }
}

async fn apply(hub: &Hub, document: &str, later: Option<Later>) -> anyhow::Result<Answer> {
    let adopted = hub.adopt_document(document.as_bytes(), later).await;
    hub.store.close().await;
    Answer::of(&InForce(adopted?))
}

#[derive(Serialize)]
struct Rebuilt {
    hub: HubId,
    name: String,
    entries: u64,
    speaks: bool,
}

impl fmt::Display for Rebuilt {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "{} ({}) is here again: {} of its own.",
            self.name,
            self.hub,
            count(self.entries, "entry", "entries")
        )?;
        writeln!(out, "Not here: partner hubs (add them again), what was never published, files of settings.")?;
        match self.speaks {
            true => write!(out, "The key of its list is here too; it goes on where it was."),
            false => {
                write!(out, "The key of its list is lost. Begin a new one: mutuald key rotate --root FILE --commit")
            }
        }
    }
}

async fn recover(context: &Context, id: HubId, from: &[String]) -> anyhow::Result<Answer> {
    let parse = |address: &String| {
        let address = if address.contains("://") { address.clone() } else { format!("https://{address}") };
        url::Url::parse(&address).map_err(|_| Failure::usage(format!("{address:?} is not a web address"), "correct it"))
    };
    let partners = from.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
    let config = context.config()?;
    let made = heal::recover(config, id, &partners, context.clock.clone(), context.chance.clone()).await;
    let (hub, healed) = made.map_err(|error| {
        Failure::partner(
            format!("{error:#}"),
            "name another partner hub with --from: any that pulled this hub's list and relays it will do",
        )
    })?;
    let mut db = hub.store.read().await?;
    let log = store::log::by_number(&mut db, store::log::OWN).await?.context("this database holds no hub")?;
    let speaks = hub.keys_of(&log).is_ok();
    drop(db);
    let name = hub.name.clone();
    hub.store.close().await;
    let answer = Answer::of(&Rebuilt { hub: id, name, entries: healed.now, speaks })?;
    Ok(if speaks { answer } else { answer.ending(Status::Look) })
}
