//! `mutuald safety set`

use super::{Found, failed, field_label, found, label, level};
use crate::cli::group::published;
use crate::cli::output::count;
use crate::cli::{Answer, Context, Failure};
use crate::node::groups::words;
use crate::node::protect::{self, Raise};
use crate::node::{Hub, Said};
use crate::record::safety::Level;
use crate::registry::rules::protection;
use crate::store::protected::{self, ProtectedRow};
use serde::Serialize;
use std::fmt;

/// Protect a group's place more than now; one person may do that, at once
///
/// Without --commit nothing is changed: the command says what would be withheld, what would be erased, and which partner hubs have
/// had it.
#[derive(Debug, clap::Args)]
pub struct Set {
    /// Its name, or words that only its entry has
    name: String,
    /// open, approximate, contact-first, unlisted or sealed
    level: String,
    /// You have looked at the words that were named, and they do not give the place away
    #[arg(long)]
    words_ok: bool,
    /// Do it
    #[arg(long)]
    commit: bool,
}

#[derive(Serialize)]
struct Setting {
    #[serde(flatten)]
    raise: Raise,
    committed: bool,
    said: Option<Said>,
}

impl fmt::Display for Setting {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let raise = &self.raise;
        let (will, is) = if self.committed { ("", "is") } else { ("would be ", "would be") };
        writeln!(out, "{}: {} → {}", raise.group, label(raise.before.label()), label(raise.level.label()))?;
        writeln!(out, "  {}", raise.level.why())?;
        if !raise.withheld.is_empty() {
            let fields: Vec<String> = raise.withheld.iter().map(|field| member_label(field)).collect();
            let kept = "`mutuald group show --protected` tells it to this hub's people";
            writeln!(out, "  {will}withheld: {}; {kept}", fields.join(", "))?;
        }
        if !raise.words.is_empty() && !self.committed {
            let fields: Vec<String> = raise.words.iter().map(|field| field_label(field)).collect();
            writeln!(
                out,
                "  Words give the place away, in: {}. Change them first, or say --words-ok.",
                fields.join(", ")
            )?;
        }
        if raise.erases {
            writeln!(
                out,
                "  What everybody could read {is} erased, here and by a signed word at every hub that holds it."
            )?;
            let had = if raise.had.is_empty() { "no partner hub is known".to_owned() } else { raise.had.join(", ") };
            writeln!(out, "  Have had it: {had}; and whoever else read the feed. This cannot be undone.")?;
        }
        if !raise.exposing.is_empty() {
            writeln!(
                out,
                "  Say more than that themselves: {}. It {is} shown nowhere here; please telephone them too.",
                raise.exposing.join(", ")
            )?;
        }
        if raise.named > 0 {
            writeln!(
                out,
                "  The signed word names {} of other hubs by id, because this hub has none that stays. Whoever reads it could look there \
                 for the place until that hub takes it out: telephone first.",
                count(raise.named as u64, "record", "records")
            )?;
        }
        match &self.said {
            Some(said) => out.write_str(&published(said)),
            None if self.committed => write!(out, "Nothing had to be signed."),
            None => write!(out, "Nothing was changed. To do it: the same with --commit"),
        }
    }
}

fn member_label(member: &str) -> String {
    crate::registry::Unit::of(member)
        .map_or_else(|| member.replace('_', " "), |unit| words::unit_label(unit.name()).to_owned())
}

impl Set {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let level = level(&self.level)?;
        let hub = context.hub().await?;
        let mut db = hub.store.read().await?;
        let known = match found(context, hub, &mut db, &self.name).await? {
            Found::Known(known) => known,
            Found::Unsigned(row) => {
                drop(db);
                return self.unsigned(hub, row, level).await;
            }
        };
        let now = Level::of(&known.merged.safety);
        let own = known.own();
        let all_there = own.iter().all(|one| Level::stated(&one.group) >= level);
        if level < now || (level == Level::Open && now == Level::Open) {
            let what = format!("{:?} is {:?} now, which protects more", known.row.name, label(now.label()));
            let next =
                format!("two people lower it: mutuald safety lower '{}' {} --person … --role …", known.row.name, level);
            return Err(Failure::new(what, next).into());
        }
        if level == now && all_there && (!own.is_empty() || protection(&known.merged.safety) > 0) {
            let what = format!("{:?} is {:?} already", known.row.name, label(now.label()));
            return Err(Failure::new(what, "`mutuald safety why` says whose word makes it so").into());
        }
        let raise = protect::raise(&mut db, &known, level).await?;
        drop(db);
        let said = match self.commit {
            true => Some(
                protect::set(hub, &known, level, self.words_ok)
                    .await
                    .map_err(|error| failed(error, &known.row.name))?,
            ),
            false => None,
        };
        let look = said.is_none() && !raise.words.is_empty() || !raise.exposing.is_empty();
        Ok(Answer::of(&Setting { raise, committed: said.is_some(), said })?.look_if(look))
    }

    /// A record of which nothing is signed, before and after.
    async fn unsigned(self, hub: &Hub, row: ProtectedRow, level: Level) -> anyhow::Result<Answer> {
        if level <= row.level {
            let what = format!("it is {:?} already", label(row.level.label()));
            return Err(
                Failure::new(what, "two people lower it: mutuald safety lower NAME LEVEL --person … --role …").into()
            );
        }
        let mut db = hub.store.write().await?;
        let before = row.level;
        if self.commit
            && let Some((row, sealed)) = protected::get(&mut db, row.rec).await?
        {
            let now = hub.clock.now().as_second();
            protected::keep(&mut db, &ProtectedRow { level, since: now, ..row.clone() }, &sealed).await?;
            protected::note_change(&mut db, row.rec, now, before, level).await?;
            db.commit().await?;
        }
        let raise = Raise {
            group: self.name,
            before,
            level,
            own: 1,
            withheld: vec![],
            words: vec![],
            erases: false,
            had: vec![],
            exposing: vec![],
            named: 0,
        };
        Answer::of(&Setting { raise, committed: self.commit, said: None })
    }
}
