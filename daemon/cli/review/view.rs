//! A question as it is printed, as text or JSON.

use crate::cli::group::sources;
use crate::node::groups::words::term_label;
use crate::node::groups::{Known, One};
use crate::node::review::question::{self, Cell, Question};
use crate::record::statement::Judgement;
use serde::Serialize;
use std::fmt;

/// One question, in full.
#[derive(Serialize)]
pub struct View {
    number: Option<usize>,
    a: Side,
    b: Side,
    one_group: bool,
    said: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<Why>,
    perhaps: Option<&'static str>,
    fields: Vec<Field>,
    change: String,
}

#[derive(Serialize)]
struct Side {
    name: String,
    place: String,
    records: Vec<Record>,
}

#[derive(Serialize)]
struct Record {
    letter: String,
    name: String,
    from: String,
    own: bool,
    /// Whether the question is about this one.
    asked: bool,
}

#[derive(Serialize)]
struct Why {
    words: String,
    verdict: &'static str,
    rule: &'static str,
    score: i32,
}

#[derive(Serialize)]
struct Field {
    field: &'static str,
    label: &'static str,
    mark: &'static str,
    #[serde(skip)]
    sign: char,
    a: Vec<Said>,
    b: Vec<Said>,
}

#[derive(Serialize)]
struct Said {
    words: String,
    from: Vec<String>,
    shown: bool,
}

/// Who says something, and when and how that was checked.
pub fn source(known: &Known, one: &One) -> String {
    let words = sources(known, &[one.record]).concat();
    match one.row.state.assured.as_ref().or(one.group.assured.as_ref()) {
        Some(assured) => {
            let label = |vocabulary, id| term_label(vocabulary, id).to_lowercase();
            let how = label("assurance-methods", &assured.method);
            format!("{words} {how}; by {}", label("assurance-roles", &assured.by))
        }
        None => words,
    }
}

/// What this hub said, as people say it.
pub fn judgement(judgement: Judgement) -> &'static str {
    match judgement {
        Judgement::Same => "the same group",
        Judgement::Different => "two groups",
        Judgement::Unsure => "not sure",
        Judgement::None => "nothing",
        Judgement::BranchOf => "one is a branch of the other",
        Judgement::HostedBy => "one is hosted by the other",
        Judgement::SucceededBy => "one was succeeded by the other",
        Judgement::SameVenue => "two groups in one venue",
    }
}

impl View {
    /// What is to be seen of a question. With `blind`, the linker's opinion is kept back until a person has spoken.
    pub fn of(question: &Question, number: Option<usize>, blind: bool) -> View {
        let judged = &question.why.judged;
        let why = Why {
            words: question.words(),
            verdict: judged.outcome.label(),
            rule: judged.rule.code(),
            score: judged.score,
        };
        let hidden = blind && question.said.is_none();
        let fields = question.fields.iter().map(|field| Field {
            field: field.unit.name(),
            label: field.label,
            mark: field.mark.label(),
            sign: field.mark.sign(),
            a: field.left.iter().map(Said::of).collect(),
            b: field.right.iter().map(Said::of).collect(),
        });
        View {
            number,
            a: Side::of(question, 0),
            b: Side::of(question, 1),
            one_group: question.one_group,
            said: question.said.map(Judgement::label),
            perhaps: question.why.relation.filter(|_| !hidden).map(Judgement::label),
            why: (!hidden).then_some(why),
            fields: fields.collect(),
            change: question.change(),
        }
    }
}

impl Side {
    fn of(question: &Question, side: usize) -> Side {
        let known = if side == 0 { &question.left } else { &question.right };
        let record = |(at, one): (usize, &One)| Record {
            letter: question::letter(side, at),
            name: one.group.name.clone(),
            from: source(known, one),
            own: one.own(),
            asked: [question.ends.0, question.ends.1].contains(&one.record),
        };
        Side {
            name: known.merged.name().to_owned(),
            place: known.row.place.clone(),
            records: known.members.iter().enumerate().map(record).collect(),
        }
    }
}

impl Said {
    fn of(cell: &Cell) -> Said {
        Said { words: cell.words.clone(), from: cell.from.clone(), shown: cell.shown }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let also = if self.shown { "" } else { "also: " };
        let from = if self.from.is_empty() { String::new() } else { format!(" [{}]", self.from.join(", ")) };
        write!(out, "{also}{}{from}", self.words)
    }
}

impl fmt::Display for View {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            Some(number) => writeln!(out, "Question {number}: the same group?")?,
            None => writeln!(out, "The same group?")?,
        }
        for (letter, side) in [('A', &self.a), ('B', &self.b)] {
            let place = if side.place.is_empty() { String::new() } else { format!(", {}", side.place) };
            writeln!(out, "\n{letter}  {}{place}", side.name)?;
            for record in &side.records {
                let name = if record.name == side.name { String::new() } else { format!(", as {:?}", record.name) };
                let own = if record.own { " (this hub)" } else { "" };
                writeln!(out, "   {} {}{name}{own}", record.letter, record.from)?;
            }
        }
        writeln!(out, "\n= same   ~ one says more   X differs   - only one side says it")?;
        for field in &self.fields {
            writeln!(out, "\n{} {}", field.sign, field.label)?;
            for (letter, cells) in [('A', &field.a), ('B', &field.b)] {
                cells.iter().try_for_each(|said| writeln!(out, "    {letter}  {said}"))?;
            }
        }
        if let Some(why) = &self.why {
            writeln!(out, "\nWhy it is asked: {}", why.words)?;
        }
        if let Some(perhaps) = self.perhaps {
            writeln!(out, "Perhaps: {}", perhaps.replace('-', " "))?;
        }
        writeln!(out, "{}", self.change)?;
        match self.said.and_then(Judgement::of) {
            Some(said) => write!(out, "This hub said: {}.", judgement(said)),
            None => Ok(()),
        }
    }
}
