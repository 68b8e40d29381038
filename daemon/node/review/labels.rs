//! Decisions as labels: pairs of records of which a person said what they are. Written as a file that people can read and
//! correct; read again to measure the linkage model on this hub's own groups, or to fit one.
//!
//! The file is CSV. `a`, `b` and `judgement` are needed: two records as `hub/id`, and what they are. The rest is for
//! people, and the answers (columns that begin with `answer_`) for hubs that do not hold the records.

use crate::exchange::sheet::{guard, unguard};
use crate::node::groups::Reader;
use crate::record::RecordRef;
use crate::record::statement::Judgement;
use crate::registry::linkage::evaluate::{Share, Tally};
use crate::registry::linkage::fit::{self, FitError, Hold, Label};
use crate::registry::linkage::level::{COUNT, FIELDS};
use crate::registry::linkage::model::{Fitted, Model, ModelError};
use crate::registry::linkage::why::explain;
use crate::registry::linkage::{self, Judged, Outcome, Row};
use crate::store::group::{Compared, Loaded};
use crate::store::{self, StoreError, question as stored};
use jiff::Timestamp;
use sqlx::SqliteConnection;
use std::collections::BTreeMap;

/// A labelled pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labelled {
    /// One record.
    pub a: RecordRef,
    /// The other.
    pub b: RecordRef,
    /// What they are.
    pub judgement: Judgement,
    /// The answers of whoever wrote the file, as places.
    pub answers: Option<[usize; COUNT]>,
}

impl Labelled {
    /// Whether they are one group; `None` when nobody knows.
    pub fn same(&self) -> Option<bool> {
        match self.judgement {
            Judgement::Same => Some(true),
            Judgement::Unsure | Judgement::None => None,
            _ => Some(false),
        }
    }
}

/// Why labels cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LabelError {
    /// Not a CSV file with the columns needed.
    #[error("the file cannot be read as labels: {0}")]
    Form(String),
    /// A row that says what no label says.
    #[error("row {row}: {what}")]
    Row {
        /// Counted as a spreadsheet does: the header is row 1.
        row: usize,
        /// What is wrong.
        what: String,
    },
    /// So few labels teach chance.
    #[error(
        "{same} pairs that are one group and {different} that are not are too few: at least {} of each, and {} in all",
        LEAST_OF_EACH,
        LEAST
    )]
    TooFew {
        /// Pairs that are one group.
        same: usize,
        /// Pairs that are not.
        different: usize,
    },
    /// No model came out.
    #[error(transparent)]
    Fit(#[from] FitError),
    /// What came out is no model.
    #[error(transparent)]
    Model(#[from] ModelError),
}

impl LabelError {
    /// Stable kebab-case code.
    pub fn code(&self) -> &'static str {
        match self {
            LabelError::Form(_) => "labels-form",
            LabelError::Row { .. } => "labels-row",
            LabelError::TooFew { .. } => "labels-too-few",
            LabelError::Fit(error) => error.code(),
            LabelError::Model(error) => error.code(),
        }
    }
}

/// Fewest labels that a model is fitted on, and fewest of each kind.
pub const LEAST: usize = 40;
/// Fewest of each kind.
pub const LEAST_OF_EACH: usize = 10;
/// Up to so many labels, how far weights may move is not left to the labels themselves to say: a fifth of them, left out
/// in turn, would be decided by chance.
const FEW: usize = 100;
/// How weights are held to the model they start from then.
const CAUTIOUS: Hold = Hold { one: 1.0, two: 3.0, prior: true };

const COLUMNS: [&str; 12] =
    ["a", "b", "judgement", "decided", "name_a", "name_b", "whose_a", "whose_b", "linker", "rule", "score", "why"];

/// This hub's decisions as a CSV file, with how many rows it has.
///
/// # Errors
/// Database errors.
pub async fn export(db: &mut SqliteConnection, reader: &Reader) -> anyhow::Result<(Vec<u8>, usize)> {
    let judged = stored::judged(db).await?;
    let ends: Vec<RecordRef> = judged.iter().flat_map(|one| [one.a, one.b]).collect();
    let held = Held::read(db, reader, &ends).await?;
    let names = store::directory::names(db).await?;
    let mut out = csv::Writer::from_writer(Vec::new());
    let answers = FIELDS.iter().map(|(field, _)| format!("answer_{field}"));
    out.write_record(COLUMNS.iter().map(|column| (*column).to_owned()).chain(answers))?;
    let mut written = 0;
    let guarded = store::lookup::guarded_records(db).await?;
    for one in judged {
        // How two records compare tells where they lie: of protected places it stays here.
        let ends = [&one.a, &one.b].into_iter().filter_map(|end| reader.rules().key(end));
        if ends.into_iter().any(|key| guarded.contains(&key)) {
            continue;
        }
        let at = Timestamp::from_second(one.at).unwrap_or_default();
        let mut row = vec![one.a.to_string(), one.b.to_string(), one.judgement, at.strftime("%Y-%m-%d").to_string()];
        let name = |record: &RecordRef| held.names.get(record).cloned().unwrap_or_default();
        let whose = |record: &RecordRef| names.get(&record.hub).cloned().unwrap_or_default();
        row.extend([name(&one.a), name(&one.b), whose(&one.a), whose(&one.b)]);
        match held.pair(reader, &one.a, &one.b) {
            Some((a, b)) => {
                let why = explain(&a, &b, &[], reader.rules().policy.linkage());
                let judged = why.judged;
                row.extend([judged.outcome.label(), judged.rule.code()].map(str::to_owned));
                row.extend([judged.score.to_string(), why.words(&|hub| hub.to_string())]);
                let places = judged.levels.places();
                row.extend(FIELDS.iter().zip(places).map(|((_, levels), place)| levels[place].to_owned()));
            }
            // A record that was withdrawn since: the decision stays.
            None => row.resize(COLUMNS.len() + COUNT, String::new()),
        }
        out.write_record(row.iter().map(|cell| guard(cell)))?;
        written += 1;
    }
    Ok((out.into_inner().map_err(|error| error.into_error())?, written))
}

/// Reads a file of labels.
///
/// # Errors
/// [`LabelError`] with the first fault.
pub fn read(bytes: &[u8]) -> Result<Vec<Labelled>, LabelError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
    let header = reader.headers().map_err(|error| LabelError::Form(error.to_string()))?.clone();
    let place = |name: &str| header.iter().position(|known| known.trim() == name);
    let needed = |name: &str| place(name).ok_or_else(|| LabelError::Form(format!("it has no column {name:?}")));
    let (a, b, judgement) = (needed("a")?, needed("b")?, needed("judgement")?);
    let answers: Vec<Option<usize>> = FIELDS.iter().map(|(field, _)| place(&format!("answer_{field}"))).collect();
    let mut labels = Vec::new();
    for (at, row) in reader.records().enumerate() {
        let wrong = |what: String| LabelError::Row { row: at + 2, what };
        let row = row.map_err(|error| wrong(error.to_string()))?;
        let cell = |at: usize| unguard(row.get(at).unwrap_or_default().trim());
        if row.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        let record = |text: &str| {
            let (hub, rec) = text.split_once('/')?;
            Some(RecordRef { hub: hub.parse().ok()?, rec: rec.parse().ok()? })
        };
        let end = |at: usize| record(cell(at)).ok_or_else(|| wrong(format!("{:?} is not a record (h-…/id)", cell(at))));
        let said = Judgement::of(&cell(judgement).to_lowercase().replace([' ', '_'], "-"));
        let known = || Judgement::ALL.map(|(_, label)| label).join(", ");
        let said = said.ok_or_else(|| wrong(format!("{:?} is none of {}", cell(judgement), known())))?;
        let answer = |(column, (_, levels)): (&Option<usize>, &(&str, &[&str]))| {
            let text = cell((*column)?);
            levels.iter().position(|level| *level == text)
        };
        let places: Option<Vec<usize>> = answers.iter().zip(FIELDS).map(answer).collect();
        let answers = places.and_then(|places| places.try_into().ok());
        labels.push(Labelled { a: end(a)?, b: end(b)?, judgement: said, answers });
    }
    Ok(labels)
}

/// Records that labels speak of, as far as this registry holds them.
struct Held {
    compared: BTreeMap<RecordRef, Compared>,
    groups: BTreeMap<RecordRef, Option<i64>>,
    names: BTreeMap<RecordRef, String>,
}

impl Held {
    async fn read(db: &mut SqliteConnection, reader: &Reader, ends: &[RecordRef]) -> Result<Held, StoreError> {
        let rules = reader.rules();
        let model = rules.policy.linkage();
        let keys: Vec<_> = ends.iter().filter_map(|end| rules.key(end)).collect();
        let numbers: Vec<i64> = store::registry::places(db, &keys).await?.into_iter().map(|(n, _)| n).collect();
        let loaded = Loaded::read(db, rules, &numbers).await?;
        let mut held = Held { compared: BTreeMap::new(), groups: BTreeMap::new(), names: BTreeMap::new() };
        for (record, (row, group)) in loaded.members {
            let (features, _) = linkage::read(&group, model);
            held.compared.insert(record, Compared { hub: row.hub, rec: row.rec, list: group.list, features });
            held.groups.insert(record, row.group);
            held.names.insert(record, group.name);
        }
        Ok(held)
    }

    fn pair(&self, reader: &Reader, a: &RecordRef, b: &RecordRef) -> Option<(Row<'_>, Row<'_>)> {
        let row = |record| self.compared.get(record)?.row(reader.rules(), reader.lists());
        Some((row(a)?, row(b)?))
    }

    fn judge(&self, reader: &Reader, label: &Labelled, model: &Model) -> Option<Judged> {
        let (a, b) = self.pair(reader, &label.a, &label.b)?;
        Some(a.judge(&b, model))
    }
}

/// How good a model is on labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluated {
    /// Labels that say one group or two.
    pub labels: usize,
    /// Of these, one group.
    pub same: usize,
    /// Labels that say neither ("unsure", or taken back): not counted.
    pub open: usize,
    /// Labels about records that this registry does not hold: not counted.
    pub unknown: usize,
    /// Joined without a person's word.
    pub joined: Tally,
    /// Joined, or asked about.
    pub asked: Tally,
    /// As the registry has it now, decisions counted.
    pub registry: Tally,
    /// Of the pairs left apart, asked about and joined (the order of [`Outcome`]), those that are one group.
    pub outcomes: [Share; 3],
}

/// Measures a model on labels. Decisions are left out of what is measured, since the labels are made of them.
///
/// # Errors
/// Database errors.
pub async fn evaluate(
    db: &mut SqliteConnection,
    reader: &Reader,
    labels: &[Labelled],
    model: &Model,
) -> Result<Evaluated, StoreError> {
    let ends: Vec<RecordRef> = labels.iter().flat_map(|label| [label.a, label.b]).collect();
    let held = Held::read(db, reader, &ends).await?;
    let none = Tally::default();
    let outcomes = [Share { hits: 0, of: 0 }; 3];
    let mut found =
        Evaluated { labels: 0, same: 0, open: 0, unknown: 0, joined: none, asked: none, registry: none, outcomes };
    for label in labels {
        let Some(same) = label.same() else {
            found.open += 1;
            continue;
        };
        let Some(judged) = held.judge(reader, label, model) else {
            found.unknown += 1;
            continue;
        };
        found.labels += 1;
        found.same += usize::from(same);
        found.joined.count(judged.outcome == Outcome::Joined, same);
        found.asked.count(judged.outcome != Outcome::Apart, same);
        let group = |record| held.groups.get(record).copied().flatten();
        found.registry.count(group(&label.a).is_some() && group(&label.a) == group(&label.b), same);
        let share = &mut found.outcomes[judged.outcome as usize];
        share.hits += u64::from(same);
        share.of += 1;
    }
    Ok(found)
}

/// Labels as answers: of records that this registry holds, found again; of others, as the file has them. With how many
/// could not be used.
///
/// # Errors
/// Database errors.
pub async fn answers(
    db: &mut SqliteConnection,
    reader: &Reader,
    labels: &[Labelled],
) -> Result<(Vec<Label>, usize), StoreError> {
    let ends: Vec<RecordRef> = labels.iter().flat_map(|label| [label.a, label.b]).collect();
    let held = Held::read(db, reader, &ends).await?;
    let model = reader.rules().policy.linkage();
    let (mut usable, mut left) = (Vec::new(), 0);
    for label in labels {
        let judged = held.judge(reader, label, model).map(|judged| judged.levels.places());
        match (label.same(), judged.or(label.answers)) {
            (Some(same), Some(places)) => usable.push(Label { places, same }),
            _ => left += 1,
        }
    }
    Ok((usable, left))
}

/// Fits a new model on labels, starting from `base`. `by` is this hub's name, `list` what the labels are called. Slow: not
/// for a thread that others wait for.
///
/// # Errors
/// [`LabelError`].
pub fn fit(labels: &[Label], base: &Model, by: &str, list: &str) -> Result<(Model, String), LabelError> {
    let same = labels.iter().filter(|label| label.same).count();
    let different = labels.len() - same;
    if labels.len() < LEAST || same.min(different) < LEAST_OF_EACH {
        return Err(LabelError::TooFew { same, different });
    }
    let mut base = base.file.clone();
    let title = format!("Fitted by {by}");
    base.version = if base.title == title { base.version + 1 } else { 1 };
    base.title = title;
    let mut lists = base.fitted.lists.clone();
    lists.push(format!("{list}: {} labelled pairs", labels.len()));
    let fitted = Fitted { lists, pairs: labels.len() as u32, same: same as u32, by: "mutuald linkage fit".into() };
    let file = if labels.len() <= FEW {
        fit::fit(labels, &base, CAUTIOUS, fitted)?
    } else {
        fit::fit_best(labels, &base, fitted)?.0
    };
    Ok(Model::publish(file)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "h-abcdefghijklmnopqrstuvwxyz234567/00000000-0000-4000-8000-000000000001";
    const B: &str = "h-abcdefghijklmnopqrstuvwxyz234567/00000000-0000-4000-8000-000000000002";

    fn code(text: &str) -> &'static str {
        read(text.as_bytes()).map_or_else(|error| error.code(), |_| "ok")
    }

    #[test]
    fn three_columns_are_enough_and_spreadsheets_may_have_touched_them() {
        let text =
            format!("\u{feff}judgement,b,a,note\r\nBranch of,{B},{A},x\r\n,,,\r\nsame,{A},{B},\r\nunsure,{A},{B},\r\n");
        let labels = read(text.as_bytes()).unwrap();
        let told: Vec<_> = labels.iter().map(|label| (label.judgement, label.same(), label.answers)).collect();
        assert_eq!(
            told,
            [
                (Judgement::BranchOf, Some(false), None),
                (Judgement::Same, Some(true), None),
                (Judgement::Unsure, None, None)
            ]
        );
        assert_eq!(labels[0].a.to_string(), A);
    }

    #[test]
    fn a_row_that_says_nothing_known_is_refused_with_its_number() {
        assert_eq!(code("a,b\n"), "labels-form");
        assert_eq!(code(&format!("a,b,judgement\n{A},{B},same\n{A},{B},twin\n")), "labels-row");
        let error = read(format!("a,b,judgement\n{A},{B},same\n{A},nobody,same\n").as_bytes()).unwrap_err();
        assert!(error.to_string().starts_with("row 3: \"nobody\""), "{error}");
    }

    #[test]
    fn answers_are_taken_only_when_all_of_them_are_there() {
        let places = [0; COUNT];
        let header: Vec<String> = FIELDS.iter().map(|(field, _)| format!("answer_{field}")).collect();
        let row: Vec<&str> = FIELDS.iter().map(|(_, levels)| levels[0]).collect();
        let text = |row: &[&str]| format!("a,b,judgement,{}\n{A},{B},same,{}\n", header.join(","), row.join(","));
        assert_eq!(read(text(&row).as_bytes()).unwrap()[0].answers, Some(places));
        assert_eq!(read(text(&row[1..]).as_bytes()).unwrap()[0].answers, None);
    }

    #[test]
    fn few_or_one_sided_labels_make_no_model() {
        let label = |same| Label { places: [0; COUNT], same };
        let refused = |same: usize, different: usize| {
            let labels: Vec<Label> =
                std::iter::repeat_n(label(true), same).chain(std::iter::repeat_n(label(false), different)).collect();
            fit(&labels, &Model::shipped(), "Essex Hub", "labels").map_or_else(|error| error.code(), |_| "ok")
        };
        assert_eq!(refused(LEAST_OF_EACH, LEAST - LEAST_OF_EACH - 1), "labels-too-few");
        assert_eq!(refused(LEAST_OF_EACH - 1, 500), "labels-too-few");
        assert_eq!(refused(500, 0), "labels-too-few");
    }
}
