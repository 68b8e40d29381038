//! `mutuald group why`

use crate::cli::{Answer, Context};
use crate::node::groups::{Known, One};
use crate::registry::linkage::why::{Said, explain};
use crate::registry::linkage::{Outcome, Row};
use serde::Serialize;
use std::fmt;

/// Most pairs that are explained.
const PAIRS: usize = 20;

/// Say why records are taken for one group, or why two groups are not
#[derive(Debug, clap::Args)]
pub struct Why {
    /// The group: its name, or words that only its entry has
    name: String,
    /// Another group
    other: Option<String>,
}

#[derive(Serialize)]
struct Explained {
    question: String,
    pairs: Vec<Pair>,
    not_shown: usize,
    /// Whether what tells where and when is left out, because the place is protected.
    withheld: bool,
}

#[derive(Serialize)]
struct Pair {
    a: String,
    b: String,
    /// joined, asked or apart: for the two alone, decisions counted.
    verdict: &'static str,
    rule: &'static str,
    /// Hundredths of a nat.
    score: i32,
    relation: Option<&'static str>,
    fields: Vec<Field>,
    words: String,
}

#[derive(Serialize)]
struct Field {
    field: &'static str,
    answer: &'static str,
    share: i32,
    words: String,
}

impl Field {
    fn of(said: &Said) -> Field {
        Field { field: said.field, answer: said.answer, share: said.share, words: said.words.clone() }
    }
}

impl fmt::Display for Explained {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}", self.question)?;
        for pair in &self.pairs {
            let verdict = match pair.verdict {
                "joined" => "one group",
                "asked" => "perhaps one group",
                _ => "two groups",
            };
            writeln!(out, "\n  {}\n  {}\n    {verdict}: {}", pair.a, pair.b, pair.words)?;
            if let Some(relation) = pair.relation {
                writeln!(out, "    perhaps: {}", relation.replace('-', " "))?;
            }
        }
        if self.withheld {
            writeln!(
                out,
                "\nWhere and when it meets, and how far records lie apart, is left out: its place is protected."
            )?;
        }
        if self.not_shown > 0 {
            writeln!(out, "\nand {} pairs more", self.not_shown)?;
        }
        Ok(())
    }
}

impl Why {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let hub = context.hub().await?;
        let mut db = hub.store.read().await?;
        let known = context.group(hub, &mut db, &self.name).await?;
        let other = match &self.other {
            Some(other) => Some(context.group(hub, &mut db, other).await?),
            None => None,
        };
        let other = other.filter(|other| other.row.n != known.row.n);
        let all: Vec<&One> = known.members.iter().chain(other.iter().flat_map(|other| &other.members)).collect();
        let (rules, lists) = known.standing();
        let mut compared = known.compared();
        compared.extend(other.iter().flat_map(Known::compared));
        let rows: Vec<Row> = compared.iter().filter_map(|one| one.row(rules, lists)).collect();
        let mut links = known.links();
        links.extend(other.iter().flat_map(Known::links));
        let edge = known.members.len();
        let open = known.open() && other.as_ref().is_none_or(Known::open);
        let mut pairs = Vec::new();
        for (i, a) in rows.iter().enumerate() {
            for (j, b) in rows.iter().enumerate().skip(i + 1) {
                // Of two groups, what stands between them; of one, what holds it together.
                if other.is_some() && (i >= edge || j < edge) {
                    continue;
                }
                let why = explain(a, b, &links, rules.policy.linkage());
                let why = if open { why } else { why.without_place() };
                let name = |one: &One| format!("{} ({})", one.group.name, one.whose());
                pairs.push((
                    why.outcome,
                    Pair {
                        a: name(all[i]),
                        b: name(all[j]),
                        verdict: why.outcome.label(),
                        rule: why.judged.rule.code(),
                        score: why.judged.score,
                        relation: why.relation.map(|relation| relation.label()),
                        fields: why.fields.iter().filter(|said| !said.words.is_empty()).map(Field::of).collect(),
                        words: why.words(&|hub| known.hub_name(hub)),
                    },
                ));
            }
        }
        // What brought them together, or what keeps them apart, first.
        let first = if other.is_some() { Outcome::Apart } else { Outcome::Joined };
        pairs.sort_by_key(|(outcome, _)| (*outcome != first, *outcome != Outcome::Asked));
        let question = match &other {
            Some(other) => format!("{:?} and {:?} are two groups.", known.row.name, other.row.name),
            None if pairs.is_empty() => format!(
                "Only one record speaks of {:?}: {}.",
                known.row.name,
                known.members.first().map(One::whose).unwrap_or_default()
            ),
            None => format!("{:?} is one group of {} records.", known.row.name, known.members.len()),
        };
        let not_shown = pairs.len().saturating_sub(PAIRS);
        let pairs = pairs.into_iter().take(PAIRS).map(|(_, pair)| pair).collect();
        Answer::of(&Explained { question, pairs, not_shown, withheld: !open })
    }
}
