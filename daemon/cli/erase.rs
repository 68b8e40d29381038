//! `mutuald erase`

use super::output::count;
use super::{Answer, Context, Failure, safety};
use crate::node::Hub;
use crate::node::erase::letter::Letter;
use crate::node::erase::{self, Erased, Held, Plan};
use crate::record::statement::is_label;
use crate::store;
use crate::store::people::Stands;
use anyhow::Context as _;
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;

/// Erase what is said of a group, here and at every partner hub; or a person's name from what only this hub keeps
///
/// Shows every copy that would go, and who holds it. Only --commit does it, and it cannot be undone. Entries of this hub are
/// erased by a signed notice that partner hubs obey at their next pull. Entries of other hubs are taken out here for good, and a
/// request to their hub is written. What ended is better closed, and what was wrong is better edited: an erased group is unknown.
#[derive(Debug, clap::Args)]
pub struct Erase {
    /// The group's name, words that only its entry has, or the first digits of a record's id
    #[arg(required_unless_present = "person")]
    name: Option<String>,
    /// Only this part of it, such as contact; may be given several times [default: everything]
    #[arg(long = "class", value_name = "PART")]
    classes: Vec<String>,
    /// Only this hub's own entries; other hubs' entries of the group stay
    #[arg(long)]
    only_own: bool,
    /// Write the requests to other hubs into this file
    #[arg(long, value_name = "FILE")]
    requests: Option<PathBuf>,
    /// A name, number or address of a person, wherever it stands in what only this hub keeps
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["name", "classes", "only_own", "requests"])]
    person: Option<String>,
    /// Do it
    #[arg(long)]
    commit: bool,
}

/// A trial, or what was done.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    plan: Plan,
    done: Option<Erased>,
    requests: Vec<Letter>,
    requests_in: Option<PathBuf>,
}

fn held(out: &mut fmt::Formatter<'_>, copies: &[Held]) -> fmt::Result {
    let mut by = "";
    for copy in copies {
        if copy.by != by {
            writeln!(out, "  {}", copy.by)?;
            by = &copy.by;
        }
        writeln!(out, "    - {}", copy.what)?;
    }
    Ok(())
}

impl fmt::Display for Shown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan { parts, targets, copies, braked_at_partners, .. } = &self.plan;
        let Some(done) = &self.done else {
            writeln!(out, "Nothing was changed. --commit would erase {parts} of")?;
            for target in targets {
                let how = if target.own { "erased everywhere" } else { "taken out here; its hub is asked" };
                writeln!(out, "  {} ({}): {how}", target.name, target.whose)?;
            }
            writeln!(out, "\nCopies that go, and who holds them:")?;
            held(out, copies)?;
            if *braked_at_partners {
                writeln!(
                    out,
                    "\nThis is very much at once: partner hubs hide it at their next pull, and delete it three days later."
                )?;
            }
            return write!(
                out,
                "\nIt cannot be undone. Hubs that follow this one without being its partners are not known here."
            );
        };
        if let Some(said) = &done.said {
            let own = count(done.own as u64, "entry", "entries");
            writeln!(out, "{own} of this hub erased. {}", super::group::published(said))?;
            writeln!(out, "Partner hubs delete it when they pull; `mutuald erasure status` says who has confirmed.")?;
        }
        if done.asked > 0 {
            let asked = count(done.asked as u64, "entry", "entries");
            writeln!(out, "{asked} of other hubs taken out here, for good.")?;
            match &self.requests_in {
                Some(file) => writeln!(out, "The requests to their hubs are in {}; send them.", file.display())?,
                None => self.requests.iter().try_for_each(|letter| writeln!(out, "\nPlease send this:\n\n{letter}"))?,
            }
        }
        left(out, &done.left)
    }
}

/// A group that only this hub knows: nothing of it was ever signed. Its name is not said again.
#[derive(Serialize)]
struct Unsigned {
    record: uuid::Uuid,
    done: bool,
    left: Vec<String>,
}

impl fmt::Display for Unsigned {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.done {
            writeln!(
                out,
                "The group is erased here and in every backup that could be reached. Nobody else ever had it."
            )?;
        } else {
            writeln!(
                out,
                "Nothing was changed. --commit would erase a protected place that only this hub knows: the whole group, here and in"
            )?;
            writeln!(out, "every backup that can be reached. It cannot be undone.")?;
        }
        writeln!(
            out,
            "A spreadsheet that it came from is yours: take the row out there, or importing it again brings the group back."
        )?;
        left(out, &self.left)
    }
}

/// What could not be cleaned.
pub(super) fn left(out: &mut fmt::Formatter<'_>, left: &[String]) -> fmt::Result {
    if left.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nThese may still hold it:")?;
    left.iter().try_for_each(|file| writeln!(out, "  - {file}"))
}

/// Where a person's name stands.
#[derive(Serialize)]
struct Person {
    /// What only this hub keeps.
    here: Vec<Place>,
    /// Entries in whose words it stands.
    entries: Vec<Entry>,
    done: bool,
    left: Vec<String>,
}

#[derive(Serialize)]
struct Place {
    what: &'static str,
    times: u64,
    /// Whether --commit takes it out; else a person must.
    goes: bool,
}

#[derive(Serialize)]
struct Entry {
    record: uuid::Uuid,
    hub: String,
    own: bool,
}

impl fmt::Display for Person {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.here.is_empty() && self.entries.is_empty() {
            return out.write_str(
                "It stands nowhere in what this hub keeps, as it is written here. Numbers and names that are spaced or spelt otherwise are \
                 other texts: look for each.",
            );
        }
        let said = |out: &mut fmt::Formatter<'_>, heading: &str, goes: bool| {
            let mut places = self.here.iter().filter(|place| place.goes == goes).peekable();
            if places.peek().is_some() {
                writeln!(out, "{heading}")?;
            }
            places.try_for_each(|place| writeln!(out, "  - {} ({})", place.what, place.times))
        };
        said(out, if self.done { "Taken out of:" } else { "It stands in what only this hub keeps:" }, true)?;
        said(out, "\nIt stands here, too, and is left to you:", false)?;
        if !self.entries.is_empty() {
            writeln!(out, "\nIt stands in these entries, which were left as they are:")?;
        }
        for entry in &self.entries {
            let short = entry.record.to_string().chars().take(8).collect::<String>();
            let next = if entry.own {
                format!(
                    "`mutuald group edit {short} --set …` writes it without the name, `mutuald erase {short}` erases all of it"
                )
            } else {
                format!(
                    "it is another hub's; `mutuald erase {short}` takes it out here and writes a request to that hub"
                )
            };
            writeln!(out, "  - {short}, {}: {next}", entry.hub)?;
        }
        if !self.done && !self.here.is_empty() {
            writeln!(out, "\nNothing was changed. Edit the entries first, then --commit takes it out of the rest.")?;
        }
        left(out, &self.left)
    }
}

impl Erase {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let hub = context.hub().await?;
        if let Some(text) = &self.person {
            return person(hub, text.trim(), self.commit).await;
        }
        if let Some(class) = self.classes.iter().find(|class| !is_label(class)) {
            return Err(Failure::usage(
                format!("{class:?} is no part of an entry"),
                "the parts are public and contact",
            )
            .into());
        }
        if let Some(file) = &self.requests {
            super::export::writable(file, false)?;
        }
        let mut db = hub.store.read().await?;
        let wanted = self.name.as_deref().unwrap_or_default();
        let known = match safety::found(context, hub, &mut db, wanted).await? {
            safety::Found::Known(known) => known,
            safety::Found::Unsigned(row) => {
                drop(db);
                if !self.classes.is_empty() {
                    let what = "nothing of this group was ever published, so it has no parts; nothing was changed";
                    return Err(Failure::usage(what, "leave --class out to erase all of it").into());
                }
                let mut unsigned = Unsigned { record: row.rec, done: self.commit, left: Vec::new() };
                if self.commit {
                    unsigned.left = hub.erase_unsigned(row.rec).await?;
                }
                let look = !unsigned.left.is_empty();
                return Ok(Answer::of(&unsigned)?.look_if(look));
            }
        };
        let classes = (!self.classes.is_empty()).then(|| self.classes.clone());
        let plan = erase::plan(hub, &mut db, &known, classes, self.only_own).await?;
        if plan.targets.is_empty() {
            let what = format!("this hub has no entry of {:?} of its own; nothing was changed", known.row.name);
            return Err(Failure::new(what, "leave --only-own out to take other hubs' entries out here").into());
        }
        let requests = plan.requests(hub, &mut db).await?;
        drop(db);
        let mut shown = Shown { plan, done: None, requests, requests_in: None };
        if self.commit {
            if let Some(file) = self.requests.filter(|_| !shown.requests.is_empty()) {
                let text: Vec<String> = shown.requests.iter().map(ToString::to_string).collect();
                std::fs::write(&file, text.join("\n---\n\n"))
                    .with_context(|| format!("cannot write {}", file.display()))?;
                shown.requests_in = Some(file);
            }
            shown.done = Some(shown.plan.commit(hub).await?);
        }
        let look = shown.done.as_ref().is_some_and(|done| !done.left.is_empty());
        Ok(Answer::of(&shown)?.look_if(look))
    }
}

async fn person(hub: &Hub, text: &str, commit: bool) -> anyhow::Result<Answer> {
    if text.chars().count() < 3 {
        return Err(
            Failure::usage("so short a text stands everywhere", "give the whole name, number or address").into()
        );
    }
    let mut db = hub.store.read().await?;
    let here: Vec<Stands> = store::people::find(&mut db, text).await?;
    let here = here.into_iter().map(|Stands { what, times, goes }| Place { what, times, goes }).collect();
    let logs = store::log::all(&mut db).await?;
    let mut entries = Vec::new();
    for (n, record) in store::people::records(&mut db, text).await? {
        let of = logs.iter().find(|log| log.owner == n).map(|log| log.name.clone()).unwrap_or_default();
        entries.push(Entry { record, hub: of, own: n == store::log::OWN });
    }
    drop(db);
    let mut person = Person { here, entries, done: commit, left: Vec::new() };
    if commit {
        person.left = hub.forget_words(text).await?;
    }
    let look =
        !person.entries.is_empty() || !person.left.is_empty() || person.here.iter().any(|place: &Place| !place.goes);
    Ok(Answer::of(&person)?.look_if(look))
}
