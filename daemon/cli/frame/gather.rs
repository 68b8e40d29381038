//! `mutuald frame gather`

use super::failed;
use crate::cli::output::count;
use crate::cli::{Answer, Context};
use crate::frame::draw::{Draw, together};
use crate::node::frames;
use crate::node::frames::verify::Opened;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// Draws of other hubs.
#[derive(Debug, clap::Args)]
pub struct Gather {
    /// The folder into which they come
    folder: PathBuf,
    /// Folders of the same frame, from other hubs
    others: Vec<PathBuf>,
    /// Units of the common order that are shown
    #[arg(long, default_value_t = 10)]
    show: usize,
}

/// The order that the draws of a study make together, or why they make none.
#[derive(Serialize)]
struct Order {
    study: String,
    hubs: Vec<String>,
    /// Units whose places are known.
    known: usize,
    /// Units of the frame.
    of: usize,
    /// The first of them: unit and ticket.
    first: Vec<(String, String)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    none: Option<String>,
}

#[derive(Serialize)]
struct Gathered {
    folder: PathBuf,
    new: Vec<String>,
    orders: Vec<Order>,
}

impl fmt::Display for Gathered {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = count(self.new.len() as u64, "file", "files");
        writeln!(out, "{files} came to {}; everything in it is as its hubs signed it.", self.folder.display())?;
        for Order { study, hubs, known, of, first, none } in &self.orders {
            writeln!(out, "\n{study:?}, drawn by {}", hubs.join(" and "))?;
            match none {
                Some(why) => writeln!(out, "  {why}")?,
                None => {
                    first.iter().try_for_each(|(unit, ticket)| writeln!(out, "  {ticket:.12}  {unit}"))?;
                    writeln!(
                        out,
                        "  the places of {known} of {of} units are known; they are those of a single registry"
                    )?;
                }
            }
        }
        Ok(())
    }
}

impl Gather {
    pub(super) async fn run(self, _: &Context) -> anyhow::Result<Answer> {
        let Gather { folder, others, show } = self;
        let new = frames::gather(&folder, &others).map_err(|error| failed(error, &folder))?;
        let Opened { checked, frame, mut draws, .. } = super::opened(&folder)?;
        let units = frame.map_or(0, |frame| frame.units().count());
        let mut by_study: BTreeMap<String, (Vec<String>, Vec<Draw>)> = BTreeMap::new();
        for one in checked.draws {
            let (hubs, all) = by_study.entry(one.study).or_default();
            hubs.push(one.hub_name);
            all.extend(draws.remove(&one.file));
        }
        let order = |(study, (hubs, mut draws)): (String, (Vec<String>, Vec<Draw>))| {
            // What was drawn again is no part of any order.
            let again: Vec<String> =
                draws.iter().filter_map(|draw| Some(draw.request.redraw.as_ref()?.of.clone())).collect();
            draws.retain(|draw| !again.contains(&draw.digest()));
            let (order, none) = match together(&draws) {
                Ok(order) => (order, None),
                Err(error) => (Vec::new(), Some(error.to_string())),
            };
            let first = order.iter().take(show).map(|one| (one.unit.clone(), one.ticket.to_string())).collect();
            Order { study, hubs, known: order.len(), of: units, first, none }
        };
        let orders = by_study.into_iter().map(order).collect();
        Answer::of(&Gathered { folder, new, orders })
    }
}
