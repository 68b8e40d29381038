//! `mutuald group show`

use crate::cli::{Answer, Context, Failure};
use crate::node::groups::words::{line, parts, term_label, unit_label, who_disagree};
use crate::node::groups::{self, Known, NotFound};
use crate::record::RecordRef;
use crate::record::contact::{RoleContact, role_label};
use crate::registry::merged::Open;
use crate::registry::{Unit, merged, normal};
use crate::store::postcodes::Places;
use crate::store::protected;
use serde::Serialize;
use std::fmt;

/// Show all that is known of a group: each value, who says so, when it was checked, and what others say
#[derive(Debug, clap::Args)]
pub struct Show {
    /// Its name, or words that only its entry has
    #[arg(required = true)]
    name: Vec<String>,
    /// Show, instead, what this hub knows of its place and does not pass on; for this hub's own people only
    #[arg(long)]
    protected: bool,
}

/// What is withheld of a group, for this hub's own people.
#[derive(Serialize)]
struct Withheld {
    name: String,
    safety: String,
    fields: Vec<(String, serde_json::Value)>,
}

impl fmt::Display for Withheld {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "{}
For this hub's own people only ({}). It must not be passed on.",
            self.name,
            term_label("safety-levels", &self.safety)
        )?;
        for (field, value) in &self.fields {
            let label =
                Unit::of(field).map_or_else(|| field.replace('_', " "), |unit| unit_label(unit.name()).to_owned());
            let shown: Vec<String> =
                parts(field, value).iter().map(|(heading, text)| format!("{heading}: {text}")).collect();
            let words = if shown.len() > 1 { shown.join("\n  ") } else { line(field, value) };
            writeln!(out, "\n{label}\n  {}", if words.is_empty() { value.to_string() } else { words })?;
        }
        Ok(())
    }
}

#[derive(Serialize)]
struct Shown {
    name: String,
    safety: String,
    checked: Option<String>,
    fields: Vec<Field>,
    records: Vec<Record>,
    sightings: Vec<Seen>,
    /// Role contacts that this hub shares or was given: for its people, and in no page or export.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contacts: Vec<Asked>,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<Position>,
}

/// Whom to ask, by whose word.
#[derive(Serialize)]
struct Asked {
    hub: String,
    #[serde(flatten)]
    contact: RoleContact,
}

/// Where the postcode lies, as well as this hub knows.
#[derive(Serialize)]
struct Position {
    latitude: f64,
    longitude: f64,
    /// unit, sector or outcode.
    precision: &'static str,
    #[serde(skip)]
    means: &'static str,
}

/// Who saw the group at first hand.
#[derive(Serialize)]
struct Seen {
    /// A hub's id, or the title of a source.
    observed_by: String,
    /// The same as people know it.
    observer: String,
    date: Option<String>,
    /// By which hubs it came, in the order in which they passed it on; empty of what the observer told this hub itself.
    via: Vec<String>,
}

#[derive(Serialize)]
struct Field {
    field: &'static str,
    label: &'static str,
    value: serde_json::Value,
    words: String,
    from: Vec<String>,
    why: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    others: Vec<Other>,
    open: Option<&'static str>,
    #[serde(skip)]
    disagree: &'static str,
}

#[derive(Serialize)]
struct Other {
    words: String,
    from: Vec<String>,
    contradicts: bool,
}

#[derive(Serialize)]
struct Record {
    hub: String,
    list: String,
    name: String,
    checked: Option<String>,
    own: bool,
    /// Whether it only repeats other records here, and so says nothing beside them.
    copy: bool,
    /// Whether its hub has signed newer words, which did not come yet.
    awaited: bool,
}

impl fmt::Display for Shown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}\n", self.name)?;
        match &self.checked {
            Some(checked) => writeln!(out, "Last checked {checked}")?,
            None => writeln!(out, "Not checked yet")?,
        }
        if self.safety != "open" {
            writeln!(out, "Place: {}. It must not be passed on.", term_label("safety-levels", &self.safety))?;
        }
        let several = self.records.len() > 1;
        for field in &self.fields {
            writeln!(out, "\n{}", field.label)?;
            field.words.lines().try_for_each(|line| writeln!(out, "  {line}"))?;
            if several {
                writeln!(out, "    {} ({})", field.from.join("; "), field.why)?;
            }
            for other in &field.others {
                let how = if other.contradicts { "but" } else { "also" };
                writeln!(out, "  {how}: {}\n    {}", other.words, other.from.join("; "))?;
            }
            match field.open {
                Some("conflict") => {
                    writeln!(out, "  ! {}: mutuald choose '{}' {}", field.disagree, self.name, field.field)?;
                }
                Some("moved") => {
                    writeln!(out, "  ! {}: mutuald choose '{}' {}", field.disagree, self.name, field.field)?;
                }
                Some(_) => writeln!(out, "  left open: a person looked, and nobody knows")?,
                None => {}
            }
        }
        if let Some(position) = &self.position {
            let (lat, lon) = (position.latitude, position.longitude);
            writeln!(out, "\nOn the map, by its postcode\n  {lat:.5}, {lon:.5} ({})", position.means)?;
        }
        if !self.contacts.is_empty() {
            writeln!(out, "\nContacts (not public: for this hub's people, not to be passed on)")?;
            for Asked { hub, contact } in &self.contacts {
                let reached: Vec<&str> = contact.fields().filter_map(|field| contact.get(field)).collect();
                writeln!(out, "  {}: {}\n    by {hub}", role_label(&contact.role), reached.join("; "))?;
            }
        }
        writeln!(out, "\nSaid by")?;
        for record in &self.records {
            let checked = record.checked.as_deref().map_or("not checked".to_owned(), |date| format!("checked {date}"));
            let list = if record.list.is_empty() || record.list == record.hub {
                String::new()
            } else {
                format!(", {}", record.list)
            };
            let name = if record.name == self.name { String::new() } else { format!(", as {:?}", record.name) };
            let own = if record.own { " (this hub)" } else { "" };
            let copy = if record.copy { "; a copy, which says nothing of its own" } else { "" };
            let awaited = if record.awaited { "; changed since, but the new words have not come yet" } else { "" };
            writeln!(out, "  {}{list}{name}, {checked}{own}{copy}{awaited}", record.hub)?;
        }
        // Where nothing came by other hands, who says it is who saw it.
        if self.sightings.iter().any(|seen| !seen.via.is_empty() || !seen.observed_by.starts_with("h-")) {
            writeln!(out, "\nSeen at first hand by")?;
            for Seen { observer, date, via, .. } in &self.sightings {
                let date = date.as_ref().map_or(String::new(), |date| format!(", {date}"));
                let via = if via.is_empty() { String::new() } else { format!(", told on by {}", via.join(", then ")) };
                writeln!(out, "  {observer}{date}{via}")?;
            }
        }
        Ok(())
    }
}

/// Who says something: "Essex Hub, Website list, checked 2026-05-01 (by phone)".
pub(in crate::cli) fn sources(known: &Known, from: &[RecordRef]) -> Vec<String> {
    from.iter()
        .filter_map(|record| known.member(record))
        .map(|one| match one.assured() {
            Some(assured) => {
                let how = term_label("assurance-methods", &assured.method).to_lowercase();
                format!("{}, checked {} ({how})", one.whose(), assured.date)
            }
            None => format!("{}, not checked", one.whose()),
        })
        .collect()
}

/// What is open about a value, in words.
pub(in crate::cli) fn open_words(resolved: &merged::Resolved) -> &'static str {
    match resolved.open {
        Some(Open::Moved) if resolved.rule == merged::Rule::Chosen => "something else was said since this was chosen",
        Some(Open::Moved) => "what was chosen has changed since",
        _ => who_disagree(resolved.hubs().len()),
    }
}

/// Why a value is shown, and by whose choice.
pub(in crate::cli) fn why(known: &Known, resolved: &merged::Resolved) -> String {
    match &resolved.chosen {
        Some(chosen) if resolved.rule == merged::Rule::Chosen => {
            format!("chosen by {} on {}", known.hub_name(&chosen.by), chosen.at.strftime("%-d %B %Y"))
        }
        _ => resolved.rule.words().to_owned(),
    }
}

fn field(known: &Known, unit: Unit, resolved: &merged::Resolved) -> Field {
    let shown = parts(unit.name(), &resolved.value);
    let words = match &shown[..] {
        [(_, one)] => one.clone(),
        several => several.iter().map(|(heading, text)| format!("{heading}: {text}")).collect::<Vec<_>>().join("\n"),
    };
    let why = why(known, resolved);
    Field {
        field: unit.name(),
        label: unit_label(unit.name()),
        words: if words.is_empty() { resolved.value.to_string() } else { words },
        value: resolved.value.clone(),
        from: sources(known, &resolved.from),
        why,
        others: resolved
            .others
            .iter()
            .map(|other| Other {
                words: line(unit.name(), &other.value),
                from: sources(known, &other.from),
                contradicts: other.contradicts,
            })
            .collect(),
        open: resolved.open.map(Open::code),
        disagree: open_words(resolved),
    }
}

/// Where a group's postcode lies. Degrees that a hub states stand with the place itself.
fn position(known: &Known, places: &Places) -> Option<Position> {
    let place = known.merged.value("place")?;
    let postcode = normal::postcode(place.get("postcode")?.as_str()?)?;
    let point = places.locate(&postcode).filter(|_| place.get("latitude").is_none())?.point;
    Some(Position {
        latitude: f64::from(point.lat) / 1e5,
        longitude: f64::from(point.lon) / 1e5,
        precision: point.precision.label(),
        means: point.precision.words(),
    })
}

impl Show {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let hub = context.hub().await?;
        let mut db = hub.store.read().await?;
        let wanted = self.name.join(" ");
        if self.protected {
            return self.withheld(context, hub, &mut db, &wanted).await;
        }
        let known = context.group(hub, &mut db, &wanted).await?;
        let merged = &known.merged;
        let checked = merged.assured.as_ref().map(|assured| {
            let how = term_label("assurance-methods", &assured.method).to_lowercase();
            let by = term_label("assurance-roles", &assured.by).to_lowercase();
            format!("{} {how}; by {by}", assured.date.strftime("%-d %B %Y"))
        });
        let record = |one: &crate::node::groups::One| Record {
            hub: one.hub.clone(),
            list: one.list.clone(),
            name: one.group.name.clone(),
            checked: one.checked().map(|date| date.to_string()),
            own: one.own(),
            copy: merged.copies.contains(&one.record),
            awaited: one.row.state.awaited.is_some(),
        };
        let seen = |seen: crate::registry::sighting::Seen| Seen {
            observer: known.observer(&seen.observed_by),
            date: seen.date.map(|date| date.to_string()),
            // As it travelled: the hub nearest to the observer first.
            via: seen.via.iter().rev().map(|hub| known.observer(hub)).collect(),
            observed_by: seen.observed_by,
        };
        let records: Vec<_> = known.members.iter().map(|one| (one.row.hub, one.record.hub, one.record.rec)).collect();
        let shown = crate::node::contacts::shown(&mut db, &records).await?;
        let contacts = shown.into_iter().flat_map(|shown| {
            let hub = known.hub_name(&shown.hub);
            shown.contacts.contacts.into_iter().map(move |contact| Asked { hub: hub.clone(), contact })
        });
        Answer::of(&Shown {
            contacts: contacts.collect(),
            name: known.row.name.clone(),
            safety: merged.safety.clone(),
            checked,
            fields: merged.values.iter().map(|(unit, resolved)| field(&known, *unit, resolved)).collect(),
            records: known.members.iter().map(record).collect(),
            sightings: known.seen().into_iter().map(seen).collect(),
            position: position(&known, &Places::of(&hub.config.hub.state)),
        })
        .map(|answer| answer.look_if(!merged.conflicts.is_empty()))
    }

    /// The one place from which `SealedPlace::tell` is called.
    async fn withheld(
        &self,
        context: &Context,
        hub: &crate::node::Hub,
        db: &mut sqlx::SqliteConnection,
        wanted: &str,
    ) -> anyhow::Result<Answer> {
        let unsigned = protected::named(db, wanted).await?;
        let (name, recs) = match groups::find(db, wanted).await {
            Err(NotFound::None(_)) if !unsigned.is_empty() => {
                (wanted.to_owned(), unsigned.iter().map(|row| row.rec).collect::<Vec<_>>())
            }
            _ => {
                let known = context.group(hub, db, wanted).await?;
                (known.row.name.clone(), known.own().iter().map(|one| one.record.rec).collect())
            }
        };
        for rec in recs {
            if let Some((row, sealed)) = protected::get(db, rec).await? {
                return Answer::of(&Withheld { name, safety: row.level.label().to_owned(), fields: sealed.tell() });
            }
        }
        Err(Failure::new(
            format!("this hub protects nothing of {name:?}"),
            "`mutuald safety list` shows what it protects",
        )
        .into())
    }
}
