//! `mutuald feed`

use super::output::{Failure, count, lines, moment, table};
use super::{Answer, Context};
use crate::node::Hub;
use crate::node::groups::words::{term_label, unit_label};
use crate::node::heal::{Healed, Undecided};
use crate::node::rollover::Later;
use crate::node::seen::Ahead;
use crate::peer::audit::Source;
use crate::record::frame::FramePart;
use crate::record::group::Group;
use crate::record::list::List;
use crate::record::part;
use crate::record::statement::{Body, Judgement, Kind, Prefer, RecordRef, Statement};
use crate::store::group::Rules;
use crate::store::{self, log::OWN};
use anyhow::Context as _;
use serde::Serialize;
use sqlx::SqliteConnection;
use std::fmt;

/// This hub's feed: everything it has signed, in order
#[derive(Debug, clap::Subcommand)]
pub enum Feed {
    /// Check every file of the feed folder against the signatures
    Check,
    /// Take back from partner hubs what this hub said and a restored backup does not know
    Heal {
        /// Do it; without this it is only looked at
        #[arg(long)]
        commit: bool,
        /// Entries past the end of a list that was closed since are this hub's own: say them again
        #[arg(long, conflicts_with = "drop_later")]
        keep_later: bool,
        /// Entries past the end of a list that was closed since are not this hub's: drop them
        #[arg(long)]
        drop_later: bool,
    },
    /// Show the newest statements in words
    Show {
        /// How many
        #[arg(default_value_t = 20)]
        number: u64,
    },
}

#[derive(Serialize)]
struct Shown {
    size: u64,
    statements: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    index: u64,
    at: String,
    words: String,
}

impl fmt::Display for Shown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = table(&["no", "when", "what this hub said"]);
        for line in &self.statements {
            shown.add_row([&line.index.to_string(), &line.at, &line.words]);
        }
        write!(out, "{}\n{} in all", lines(&shown), count(self.size, "statement", "statements"))
    }
}

impl Feed {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        if let Feed::Heal { commit, keep_later, drop_later } = self {
            // A backup from before a rollover may name a list whose key is gone.
            let hub = Hub::speechless(context.config()?, context.clock.clone(), context.chance.clone()).await?;
            let later = match (keep_later, drop_later) {
                (true, _) => Some(Later::Keep),
                (_, true) => Some(Later::Drop),
                _ => None,
            };
            let answer = heal(&hub, commit, later).await;
            hub.store.close().await;
            return answer;
        }
        let hub = context.hub().await?;
        let Feed::Show { number } = self else {
            if hub.config.publish.is_none() {
                return Err(Failure::new("this hub publishes no feed", "add [publish] to its configuration").into());
            }
            return super::verify::look(&Source::Folder(hub.config.feed()), Some(hub.id), context).await;
        };
        let zone = hub.config.time_zone()?;
        let mut db = hub.store.read().await?;
        let rules = hub.rules(&mut db).await?;
        let log = store::log::by_number(&mut db, OWN).await?.context("this database holds no hub")?;
        let mut statements = Vec::new();
        for leaf in store::log::leaves(&mut db, log.n, log.held.saturating_sub(number), log.held).await? {
            let (at, words) = match crate::feed::leaf::open(&leaf.note, &log.key) {
                Ok(statement) => {
                    let words = in_words(&mut db, &rules, &statement, leaf.line.as_deref()).await?;
                    (moment(statement.at, &zone), words)
                }
                Err(error) => (String::new(), format!("says nothing ({})", error.code())),
            };
            statements.push(Line { index: store::log::index(leaf.pos), at, words });
        }
        Answer::of(&Shown { size: log.held, statements })
    }
}

#[derive(Serialize)]
struct Looked {
    ahead: Option<Ahead>,
    healed: Option<Healed>,
    /// Whether the key of the list in use is here.
    speaks: bool,
}

impl fmt::Display for Looked {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.ahead, &self.healed) {
            (_, Some(healed)) => {
                if let Some(version) = healed.document {
                    writeln!(out, "Version {version} of this hub's document is known here now.")?;
                }
                match healed.from.is_empty() {
                    true => writeln!(out, "No partner hub has seen more of this hub's list than is here.")?,
                    false => writeln!(
                        out,
                        "Taken back from {}: {} here now, {} before; {} said again after them.",
                        healed.from,
                        count(healed.now, "entry", "entries"),
                        healed.before,
                        count(
                            healed.again,
                            "entry that only this hub knew was",
                            "entries that only this hub knew were"
                        )
                    )?,
                }
                match self.speaks {
                    true => out.write_str("It is published."),
                    false => out.write_str(
                        "Nothing is published: the key of the list in use is not here. Put its file in its place, or begin a new list \
                         (`mutuald key rotate`).",
                    ),
                }
            }
            (Some(ahead), None) => {
                write!(
                    out,
                    "{ahead}.\nNothing was changed. `mutuald feed heal --commit` takes back what partners hold."
                )
            }
            (None, None) => {
                out.write_str("No partner hub has seen more of this hub's list than is here, as far as they answer.")
            }
        }
    }
}

async fn heal(hub: &Hub, commit: bool, later: Option<Later>) -> anyhow::Result<Answer> {
    let log = async || {
        let mut db = hub.store.read().await?;
        store::log::by_number(&mut db, OWN).await?.context("this database holds no hub")
    };
    if commit {
        let healed = hub.heal(later).await.map_err(|error| match error.downcast::<Undecided>() {
            Ok(undecided) => {
                Failure::usage(undecided.to_string(), "look at them with `mutuald feed show`, then give one of the two")
                    .into()
            }
            Err(error) => error,
        })?;
        let log = log().await?;
        let speaks = log.closed.is_some() || hub.keys_of(&log).is_ok();
        if speaks {
            hub.publish().await?;
        }
        return Ok(Answer::of(&Looked { ahead: None, healed: Some(healed), speaks })?.look_if(!speaks));
    }
    let log = log().await?;
    let (ahead, speaks) = (hub.ahead(&log).await?, hub.keys_of(&log).is_ok());
    let look = ahead.is_some();
    Ok(Answer::of(&Looked { ahead, healed: None, speaks })?.look_if(look))
}

/// A statement as a sentence.
async fn in_words(
    db: &mut SqliteConnection,
    rules: &Rules,
    statement: &Statement,
    line: Option<&str>,
) -> Result<String, store::StoreError> {
    let json = line.and_then(part::json);
    let own =
        RecordRef { hub: rules.hubs.get(&OWN).copied().unwrap_or(crate::record::HubId([0; 20])), rec: statement.id };
    Ok(match &statement.body {
        Body::Put(Kind::List) => match json.and_then(|json| serde_json::from_str::<List>(json).ok()) {
            Some(list) => format!("list {:?}", list.title),
            None => "a list, since changed".to_owned(),
        },
        Body::Put(Kind::Record) => {
            let verb = if statement.rev == 1 { "new" } else { "changed" };
            match json.and_then(|json| Group::read(json).ok()) {
                Some(group) => format!("{verb}: {}", group.name),
                None => format!("{verb}: {} (these words have since been replaced)", name(db, rules, &own).await?),
            }
        }
        Body::Put(Kind::Frame) => match json.and_then(|json| FramePart::read(json).ok()) {
            Some(frame) => format!("sampling frame {}, {} units", frame.sample_frame_name, frame.number_of_units),
            None => "a sampling frame, since changed".to_owned(),
        },
        Body::Affirm(_, assured) => format!("still right, checked {}: {}", assured.date, name(db, rules, &own).await?),
        Body::Withdraw(_) => "taken back: a record of this hub".to_owned(),
        Body::Erase(..) => "erased: the words of a record".to_owned(),
        Body::Link { a, b, judgement } => {
            let how = match judgement {
                Judgement::Same => "is the same group as",
                Judgement::Different => "is another group than",
                Judgement::Unsure => "may or may not be",
                Judgement::None => "is no longer judged against",
                Judgement::BranchOf => "is a branch of",
                Judgement::HostedBy => "is hosted by",
                Judgement::SucceededBy => "was succeeded by",
                Judgement::SameVenue => "shares its venue with",
            };
            format!("{} {how} {}", name(db, rules, a).await?, name(db, rules, b).await?)
        }
        Body::Choose { on, field, prefer, .. } => {
            let how = match prefer {
                Prefer::Value(_) => "chosen",
                Prefer::Retracted => "choice taken back",
                Prefer::Unresolved => "left open",
            };
            format!("{how}: {} of {}", unit_label(field).to_lowercase(), name(db, rules, on).await?)
        }
        Body::Safety { on, level, lowered } => {
            let how = if lowered.is_some() { "lowered to" } else { "at least" };
            format!("place: {how} {:?}: {}", term_label("safety-levels", level), name(db, rules, on).await?)
        }
        Body::Hub { version, .. } => format!("hub document, version {version}"),
        Body::Ack { origin, erased, .. } => format!("erased here too: all {erased} that {origin} asked for"),
        Body::NotUnderstood(what) => format!("something newer than this program ({what})"),
    })
}

/// The name of the group that a record speaks of.
async fn name(db: &mut SqliteConnection, rules: &Rules, record: &RecordRef) -> Result<String, store::StoreError> {
    let row = match rules.key(record) {
        Some((hub, rec)) => store::record::get(db, hub, rec).await?,
        None => None,
    };
    let line = match row.and_then(|row| row.state.put) {
        Some((pos, _)) => store::log::leaf(db, pos).await?.and_then(|leaf| leaf.line),
        None => None,
    };
    let group = line.as_deref().and_then(part::json).and_then(|json| Group::read(json).ok());
    Ok(group.map_or_else(|| "a record that is gone".to_owned(), |group| group.name))
}
