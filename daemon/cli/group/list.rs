//! `mutuald group list`

use crate::cli::geo::located;
use crate::cli::output::{count, lines, table};
use crate::cli::{Answer, Context, Failure};
use crate::node::groups::{self, Filter, words};
use crate::store::postcodes::{Distance, Places, metres, postcode_of};
use crate::store::registry::GroupRow;
use serde::Serialize;
use std::fmt;

/// List groups by words, topic, place or status
#[derive(Debug, clap::Args)]
pub struct List {
    /// Words that are all in the entry: names, topics, places, the group's own words
    words: Vec<String>,
    /// A topic; narrower topics count as well
    #[arg(long)]
    topic: Option<String>,
    /// A town, venue or beginning of a postcode
    #[arg(long)]
    place: Option<String>,
    /// A status, such as running, closed, on a break
    #[arg(long)]
    status: Option<String>,
    /// A postcode: only groups near it, the nearest first, with how well the distance is known
    #[arg(long, value_name = "POSTCODE")]
    near: Option<String>,
    /// How near, in miles
    #[arg(long, value_name = "MILES", requires = "near", default_value_t = 10.0)]
    within: f64,
    /// How many to show; 0 for all
    #[arg(long, default_value_t = 50, value_name = "N")]
    limit: usize,
}

/// A group in a list.
#[derive(Serialize)]
pub(in crate::cli) struct Line {
    name: String,
    place: String,
    status: String,
    checked: String,
    hubs: i64,
    records: i64,
    disagree: Vec<String>,
    /// Where a distance was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    distance: Option<Far>,
}

/// How far away a group is.
#[derive(Serialize)]
struct Far {
    miles: f64,
    /// unit, sector or outcode: of the two postcodes, the less precise one's.
    precision: &'static str,
    #[serde(skip)]
    words: String,
}

impl From<&GroupRow> for Line {
    fn from(row: &GroupRow) -> Line {
        Line {
            name: row.name.clone(),
            place: row.place.clone(),
            status: if row.status.is_empty() { String::new() } else { words::term_label("statuses", &row.status) },
            checked: row.checked.clone(),
            hubs: row.hubs,
            records: row.members,
            disagree: row.conflicts.clone(),
            distance: None,
        }
    }
}

#[derive(Serialize)]
struct Found {
    total: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    near: Option<Near>,
    groups: Vec<Line>,
}

/// What distances were measured from.
#[derive(Serialize)]
struct Near {
    postcode: String,
    miles: f64,
    /// unit, sector or outcode: how well the postcode's own place is known.
    precision: &'static str,
    /// Groups that fit otherwise, and whose entry names no postcode that is known.
    without_place: usize,
    #[serde(skip)]
    means: &'static str,
}

impl fmt::Display for Found {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.groups.is_empty() {
            out.write_str("No group is found. Fewer or other words may find some.")?;
            return self.measured(out);
        }
        let mut header = vec!["name", "place", "status", "checked", "hubs", "disagreement about"];
        if self.near.is_some() {
            header.insert(0, "distance");
        }
        let mut shown = table(&header);
        for line in &self.groups {
            let disagree: Vec<&str> = line.disagree.iter().map(|unit| words::unit_label(unit)).collect();
            let mut cells: Vec<&str> = line.distance.iter().map(|far| far.words.as_str()).collect();
            let (hubs, disagree) = (line.hubs.to_string(), disagree.join(", "));
            cells.extend([&line.name, &line.place, &line.status, &line.checked, &hubs, &disagree].map(String::as_str));
            shown.add_row(cells);
        }
        writeln!(out, "{}", lines(&shown))?;
        let rest = self.total - self.groups.len();
        write!(out, "{}", count(self.total as u64, "group", "groups"))?;
        if rest > 0 {
            write!(out, "; {rest} not shown (--limit 0 shows all)")?;
        }
        self.measured(out)
    }
}

impl Found {
    /// From where, and how well that is known.
    fn measured(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(near) = &self.near else { return Ok(()) };
        write!(out, "\nWithin {} miles of {} ({}).", near.miles, near.postcode, near.means)?;
        match near.without_place {
            0 => Ok(()),
            n => write!(
                out,
                " {} without a postcode that is known {} not among them.",
                count(n as u64, "group", "groups"),
                if n == 1 { "is" } else { "are" }
            ),
        }
    }
}

impl List {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let topic = match &self.topic {
            None => None,
            Some(text) => Some(groups::topic(text).ok_or_else(|| {
                Failure::usage(
                    format!("no topic is called {text:?}"),
                    format!("try it as a word: `mutuald group list {text}`"),
                )
            })?),
        };
        let status = match &self.status {
            None => None,
            Some(text) => Some(
                words::term("statuses", text)
                    .map_err(|next| Failure::usage(format!("no status is called {text:?}"), next))?,
            ),
        };
        let filter = Filter { words: self.words.join(" "), topic, place: self.place, status };
        let hub = context.hub().await?;
        let mut db = hub.store.read().await?;
        let rows = groups::list(&mut db, &filter).await?;
        let (near, lines): (_, Vec<Line>) = match &self.near {
            None => (None, rows.iter().map(Line::from).collect()),
            Some(text) => {
                let (near, lines) = near(&Places::of(&hub.config.hub.state), text, self.within, &rows)?;
                (Some(near), lines)
            }
        };
        let total = lines.len();
        let most = if self.limit == 0 { total } else { self.limit };
        Answer::of(&Found { total, near, groups: lines.into_iter().take(most).collect() })
    }
}

/// The groups that are near, the nearest first.
fn near(places: &Places, text: &str, miles: f64, rows: &[GroupRow]) -> anyhow::Result<(Near, Vec<Line>)> {
    if !(0.0..=1_000.0).contains(&miles) {
        return Err(Failure::usage(format!("{miles} miles is no distance"), "give miles from 0 to 1000").into());
    }
    let (postcode, from) = located(places, text)?;
    let mut found: Vec<(Distance, &GroupRow)> =
        rows.iter().filter_map(|row| Some((places.within(&from, &row.place, metres(miles))?, row))).collect();
    found.sort_by_key(|(distance, row)| (distance.metres, row.n));
    let lines = found.into_iter().map(|(distance, row)| Line {
        distance: Some(Far { miles: distance.miles(), precision: distance.precision.label(), words: distance.words() }),
        ..Line::from(row)
    });
    let lines = lines.collect();
    let known = |row: &&GroupRow| postcode_of(&row.place).and_then(|code| places.locate(&code)).is_none();
    let without_place = rows.iter().filter(known).count();
    let precision = from.point.precision;
    Ok((Near { postcode, miles, precision: precision.label(), without_place, means: precision.words() }, lines))
}
