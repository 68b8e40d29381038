//! A frame's report: its figures, what the registry knows beside it, and how many groups all lists miss.

use super::Plan;
use super::assess::Coverage;
use super::sighted::Look;
use crate::frame::coverage::history::{self, Derived, Window};
use crate::frame::frozen::Frame;
use crate::frame::report::{self, Beside, Report};
use crate::frame::sample::estimate::Confidence;
use crate::node::Hub;
use crate::record::HubId;
use crate::store;
use anyhow::bail;
use jiff::Span;
use jiff::civil::Date;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// The report of a frame.
#[derive(Debug, Clone, Serialize)]
pub struct Whole {
    /// The day it was made.
    pub made: Date,
    /// Its figures.
    pub report: Report,
    /// How many groups all lists miss; none of a frozen frame alone, which does not hold when each list looked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coverage: Option<Coverage>,
}

/// The year up to a day: the window in which sightings count, where nobody says another.
pub fn year_to(day: Date) -> Window {
    let from = day.saturating_sub(Span::new().years(1)).saturating_add(Span::new().days(1));
    Window { from, to: day }
}

impl Hub {
    /// Names of the hubs that are known here.
    ///
    /// # Errors
    /// Database errors.
    pub async fn hub_names(&self) -> anyhow::Result<BTreeMap<HubId, String>> {
        let mut db = self.store.read().await?;
        Ok(store::directory::names(&mut db).await?)
    }

    /// How many groups a frame's lists miss together; `together`: sources that count as one because somebody says so.
    ///
    /// # Errors
    /// A definition or decision that is not sound; a source that is none; database errors.
    pub async fn cover_frame(
        &self,
        plan: &Plan,
        window: Option<Window>,
        together: &[Derived],
        sure: Confidence,
    ) -> anyhow::Result<Coverage> {
        let (look, names) = (self.look_at_frame(plan).await?, self.hub_names().await?);
        joins(&look, together, &names)?;
        let window = window.unwrap_or_else(|| year_to(look.frame.definition.as_of));
        Ok(Coverage::of(&look, window, together, &names, sure))
    }

    /// Reports on a frame as it is in the registry now.
    ///
    /// # Errors
    /// A definition or decision that is not sound; database errors.
    pub async fn report_frame(&self, plan: &Plan) -> anyhow::Result<Whole> {
        let look = self.look_at_frame(plan).await?;
        let names = self.hub_names().await?;
        let window = year_to(look.frame.definition.as_of);
        let coverage = Coverage::of(&look, window, &[], &names, Confidence::NinetyFive);
        let report = report::report(&look.frame, &look.digest, Some(&beside(&look, &names)));
        Ok(Whole { made: self.today()?, report, coverage: Some(coverage) })
    }
}

/// Refuses to count as one what is nothing: a name that was misspelt would join no lists, and nobody would see it.
fn joins(look: &Look, together: &[Derived], names: &BTreeMap<HubId, String>) -> anyhow::Result<()> {
    let seen = look.units.iter().flat_map(|unit| &unit.by).map(|seen| seen.observed_by.as_str());
    let derived = look.derived.iter().flat_map(|one| [one.source.as_str(), one.of.as_str()]);
    let sources: BTreeSet<&str> = seen.chain(derived).collect();
    let called: Vec<&str> = sources
        .iter()
        .map(|source| source.parse().ok().and_then(|hub| names.get(&hub)).map_or(*source, String::as_str))
        .collect();
    let known: BTreeSet<String> = called.iter().chain(&sources).map(|name| history::key(name)).collect();
    for (at, one) in together.iter().enumerate() {
        // A list that is not here may stand behind two that are.
        let shared = together
            .iter()
            .enumerate()
            .any(|(other, two)| other != at && history::key(&two.of) == history::key(&one.of));
        let lost = [(&one.source, false), (&one.of, shared)]
            .into_iter()
            .find(|(name, fits)| !fits && !known.contains(&history::key(name)));
        if let Some((name, _)) = lost {
            bail!("no source of this frame is called {name:?}; they are: {}", called.join(", "));
        }
    }
    Ok(())
}

/// Reports on a frozen frame alone: what it holds, and nothing else.
pub fn alone(frame: &Frame, digest: &str, names: &BTreeMap<HubId, String>, made: Date) -> Whole {
    let named = |text: &String| {
        let hub = text.parse::<HubId>().ok();
        hub.and_then(|hub| names.get(&hub).cloned()).unwrap_or_else(|| text.clone())
    };
    let mut report = report::report(frame, digest, None);
    report.sources.iter_mut().for_each(|source| source.source = named(&source.source));
    Whole { made, report, coverage: None }
}

fn beside(look: &Look, names: &BTreeMap<HubId, String>) -> Beside {
    let named = |text: &str| {
        let hub = text.parse::<HubId>().ok();
        hub.and_then(|hub| names.get(&hub).cloned()).unwrap_or_else(|| text.to_owned())
    };
    let units = look.frame.units().map(|row| (row.id.to_string(), row.id)).collect::<BTreeMap<_, _>>();
    let sources = look.units.iter().filter_map(|unit| {
        let by: BTreeSet<String> = unit.by.iter().map(|seen| named(&seen.observed_by)).collect();
        Some((*units.get(&unit.unit)?, by))
    });
    Beside {
        sources: sources.collect(),
        public_contact: look.public_contact.clone(),
        role_contact: look.role_contact.clone(),
        conflicts: look.conflicts.clone(),
        likely: look.likely.len(),
    }
}
