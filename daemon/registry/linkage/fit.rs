//! From labelled pairs to a model: weights of answers, and of words.
//!
//! Logistic regression over the answers and the pairs of answers, by Newton's method, held near the model it starts from
//! (so that few labels move little, and what no label speaks of stays). Fractions are used here, where a model is
//! made, and nowhere else: what is published are the rounded weights, and every hub reads those. Afterwards weights are made
//! monotone: a better answer never lowers a score, whatever chance was in the labels.

use super::level::{COUNT, FIELDS, Field, TOGETHER};
use super::model::{File, Fitted, Model, ModelError};
use std::collections::{BTreeMap, BTreeSet};

/// A labelled pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label {
    /// The answers, as places.
    pub places: [usize; COUNT],
    /// Whether the two are one group.
    pub same: bool,
}

/// How hard weights are held to the model they start from. In squared nats: 1 lets ten labels move a weight well.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hold {
    /// Weights of single answers.
    pub one: f64,
    /// Weights of two answers together.
    pub two: f64,
    /// Start from the given model's weights, or from none.
    pub prior: bool,
}

/// Holds that [`fit_best`] chooses among.
pub const HOLDS: [Hold; 7] = [
    Hold { one: 1.0, two: 10.0, prior: false },
    Hold { one: 1.0, two: 1_000.0, prior: false },
    Hold { one: 3.0, two: 30.0, prior: false },
    Hold { one: 3.0, two: 1_000.0, prior: false },
    Hold { one: 1.0, two: 3.0, prior: true },
    Hold { one: 5.0, two: 20.0, prior: true },
    Hold { one: 20.0, two: 100.0, prior: true },
];

/// Why no model came out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FitError {
    /// Labels of one kind only teach nothing.
    #[error("labels of both kinds are needed: {0} are one group, {1} are not")]
    OneKind(usize, usize),
    /// The equations have no answer; a larger hold gives them one.
    #[error("the weights could not be worked out from these labels")]
    Singular,
    /// The weights make no model.
    #[error(transparent)]
    Model(#[from] ModelError),
}

impl FitError {
    /// Stable kebab-case code.
    pub fn code(&self) -> &'static str {
        match self {
            FitError::OneKind(..) => "fit-one-kind",
            FitError::Singular => "fit-singular",
            FitError::Model(error) => error.code(),
        }
    }
}

/// First place of each table in the vector of weights; place 0 is the bias.
struct Layout {
    one: [usize; COUNT],
    two: [usize; TOGETHER.len()],
    size: usize,
}

fn layout() -> Layout {
    let mut next = 1;
    let mut take = |count: usize| {
        let first = next;
        next += count;
        first
    };
    let one = std::array::from_fn(|field| take(FIELDS[field].1.len()));
    let two = std::array::from_fn(|pair| take(FIELDS[TOGETHER[pair].0].1.len() * FIELDS[TOGETHER[pair].1].1.len()));
    Layout { one, two, size: next }
}

const ACTIVE: usize = 1 + COUNT + TOGETHER.len();

impl Layout {
    fn active(&self, places: &[usize; COUNT]) -> [usize; ACTIVE] {
        std::array::from_fn(|i| match i {
            0 => 0,
            i if i <= COUNT => self.one[i - 1] + places[i - 1],
            i => {
                let pair = i - 1 - COUNT;
                let (a, b) = TOGETHER[pair];
                self.two[pair] + places[a] * FIELDS[b].1.len() + places[b]
            }
        })
    }

    /// The weights of a model, in nats.
    fn weights(&self, file: &File) -> Vec<f64> {
        let mut weights = vec![0.0; self.size];
        weights[0] = f64::from(file.bias) / 100.0;
        for (field, (name, levels)) in FIELDS.iter().enumerate() {
            for (place, level) in levels.iter().enumerate() {
                let stated = file.one.get(*name).and_then(|table| table.get(*level));
                weights[self.one[field] + place] = f64::from(stated.copied().unwrap_or_default()) / 100.0;
            }
        }
        for (pair, (a, b)) in TOGETHER.iter().enumerate() {
            let Some(table) = file.two.get(&format!("{}+{}", FIELDS[*a].0, FIELDS[*b].0)) else { continue };
            for (i, x) in FIELDS[*a].1.iter().enumerate() {
                for (j, y) in FIELDS[*b].1.iter().enumerate() {
                    let stated = table.get(&format!("{x}+{y}")).copied().unwrap_or_default();
                    weights[self.two[pair] + i * FIELDS[*b].1.len() + j] = f64::from(stated) / 100.0;
                }
            }
        }
        weights
    }

    /// Puts weights into a model file, rounded to hundredths.
    fn publish(&self, weights: &[f64], file: &mut File) {
        let rounded = |at: usize| (weights[at] * 100.0).round() as i32;
        file.bias = rounded(0);
        file.one = FIELDS
            .iter()
            .enumerate()
            .map(|(field, (name, levels))| {
                let table =
                    levels.iter().enumerate().map(|(i, level)| ((*level).to_owned(), rounded(self.one[field] + i)));
                ((*name).to_owned(), table.collect())
            })
            .collect();
        file.two.clear();
        for (pair, (a, b)) in TOGETHER.iter().enumerate() {
            let mut table = BTreeMap::new();
            for (i, x) in FIELDS[*a].1.iter().enumerate() {
                for (j, y) in FIELDS[*b].1.iter().enumerate() {
                    let weight = rounded(self.two[pair] + i * FIELDS[*b].1.len() + j);
                    if weight != 0 {
                        table.insert(format!("{x}+{y}"), weight);
                    }
                }
            }
            file.two.insert(format!("{}+{}", FIELDS[*a].0, FIELDS[*b].0), table);
        }
    }
}

/// Fits a model, starting from `base`, whose words, cuts and lists it keeps.
///
/// # Errors
/// [`FitError`].
pub fn fit(labels: &[Label], base: &File, hold: Hold, fitted: Fitted) -> Result<File, FitError> {
    let same = labels.iter().filter(|label| label.same).count();
    if same == 0 || same == labels.len() {
        return Err(FitError::OneKind(same, labels.len() - same));
    }
    let layout = layout();
    // Many pairs have the same answers: each is worked on once.
    let mut counted: BTreeMap<[usize; COUNT], (f64, f64)> = BTreeMap::new();
    for label in labels {
        let entry = counted.entry(label.places).or_default();
        if label.same { entry.0 += 1.0 } else { entry.1 += 1.0 }
    }
    let all: Vec<([usize; ACTIVE], f64, f64)> =
        counted.iter().map(|(places, (yes, no))| (layout.active(places), *yes, *no)).collect();
    let mut prior = if hold.prior { layout.weights(base) } else { vec![0.0; layout.size] };
    if !hold.prior {
        prior[0] = (same as f64 / (labels.len() - same) as f64).ln();
    }
    let holds: Vec<f64> = (0..layout.size)
        .map(|at| match at {
            0 => 0.01,
            at if at < layout.two[0] => hold.one,
            _ => hold.two,
        })
        .collect();
    // A weight that no label speaks of stays where it is: the equations are those of the others.
    let spoken: Vec<usize> = all.iter().flat_map(|(active, ..)| *active).collect::<BTreeSet<_>>().into_iter().collect();
    let place = |at: usize| spoken.binary_search(&at).unwrap_or_default();
    let rows: Vec<([usize; ACTIVE], f64, f64)> =
        all.iter().map(|(active, yes, no)| (active.map(place), *yes, *no)).collect();
    let of = |all: &[f64]| spoken.iter().map(|at| all[*at]).collect::<Vec<f64>>();
    let (start, held) = (of(&prior), of(&holds));
    let mut found = start.clone();
    for _ in 0..25 {
        let step = newton(&rows, &found, &start, &held)?;
        let largest = step.iter().fold(0.0f64, |most, part| most.max(part.abs()));
        // A step of more than four nats overshoots where labels are separable.
        let part = (4.0 / largest).min(1.0);
        found.iter_mut().zip(&step).for_each(|(weight, by)| *weight += part * by);
        if largest < 1e-6 {
            break;
        }
    }
    let mut weights = prior;
    spoken.iter().zip(found).for_each(|(at, weight)| weights[*at] = weight);
    monotone(&mut weights, &layout);
    let mut file = base.clone();
    file.fitted = fitted;
    layout.publish(&weights, &mut file);
    Ok(file)
}

/// One step of Newton's method for the penalised likelihood.
fn newton(
    rows: &[([usize; ACTIVE], f64, f64)],
    weights: &[f64],
    prior: &[f64],
    holds: &[f64],
) -> Result<Vec<f64>, FitError> {
    let size = weights.len();
    let mut slope: Vec<f64> = (0..size).map(|i| -holds[i] * (weights[i] - prior[i])).collect();
    let mut curve = vec![0.0; size * size];
    (0..size).for_each(|i| curve[i * size + i] = holds[i] + 1e-9);
    for (active, yes, no) in rows {
        let score: f64 = active.iter().map(|at| weights[*at]).sum();
        let chance = 1.0 / (1.0 + (-score).exp());
        let pull = yes * (1.0 - chance) - no * chance;
        let bend = (yes + no) * chance * (1.0 - chance);
        for i in active {
            slope[*i] += pull;
            for j in active {
                curve[i * size + j] += bend;
            }
        }
    }
    solve(&mut curve, &mut slope, size).ok_or(FitError::Singular)?;
    Ok(slope)
}

/// Solves a symmetric positive system in place by Cholesky's method.
fn solve(a: &mut [f64], x: &mut [f64], n: usize) -> Option<()> {
    for j in 0..n {
        for i in j..n {
            let (row, pivot) = (&a[i * n..i * n + j], &a[j * n..j * n + j]);
            let sum: f64 = row.iter().zip(pivot).map(|(p, q)| p * q).sum();
            let rest = a[i * n + j] - sum;
            if i == j {
                if rest <= 0.0 || !rest.is_finite() {
                    return None;
                }
                a[j * n + j] = rest.sqrt();
            } else {
                a[i * n + j] = rest / a[j * n + j];
            }
        }
    }
    for i in 0..n {
        let sum: f64 = (0..i).map(|k| a[i * n + k] * x[k]).sum();
        x[i] = (x[i] - sum) / a[i * n + i];
    }
    for i in (0..n).rev() {
        let sum: f64 = (i + 1..n).map(|k| a[k * n + i] * x[k]).sum();
        x[i] = (x[i] - sum) / a[i * n + i];
    }
    Some(())
}

/// Answers in order from the best, for the questions in which an order is meant: their weights never rise along it.
const ORDERED: [(usize, &[usize]); 3] = [
    // same, spelling, common, most, half, little, nothing
    (Field::NAME, &[0, 1, 2, 5, 6, 7, 8]),
    (Field::WHERE, &[0, 1, 2, 3, 4, 5, 6]),
    (Field::TOPIC, &[0, 1, 4]),
];

/// Makes weights fall along each order, whatever the other answers are: each table that a question stands in gets its
/// part of the question's own weight, and every line of it is made to fall; then the sum falls too.
fn monotone(weights: &mut [f64], layout: &Layout) {
    for _ in 0..50 {
        let mut moved = 0.0f64;
        for (field, order) in ORDERED {
            let tables: Vec<usize> =
                (0..TOGETHER.len()).filter(|pair| TOGETHER[*pair].0 == field || TOGETHER[*pair].1 == field).collect();
            let parts = tables.len() as f64;
            for pair in tables {
                let (a, b) = TOGETHER[pair];
                let wide = FIELDS[b].1.len();
                let other = if a == field { wide } else { FIELDS[a].1.len() };
                for o in 0..other {
                    let at =
                        |level: usize| layout.two[pair] + if a == field { level * wide + o } else { o * wide + level };
                    let own = |level: usize| weights[layout.one[field] + level] / parts;
                    let line: Vec<f64> = order.iter().map(|level| own(*level) + weights[at(*level)]).collect();
                    let falling = falling(&line);
                    let changes: Vec<(usize, f64)> =
                        order.iter().zip(falling).map(|(level, to)| (at(*level), to - own(*level))).collect();
                    for (place, to) in changes {
                        moved = moved.max((weights[place] - to).abs());
                        weights[place] = to;
                    }
                }
            }
        }
        if moved < 1e-9 {
            break;
        }
    }
}

/// The nearest line that never rises (pool adjacent violators).
fn falling(line: &[f64]) -> Vec<f64> {
    let mut blocks: Vec<(f64, usize)> = Vec::with_capacity(line.len());
    for value in line {
        blocks.push((*value, 1));
        while let [.., (left, many), (right, few)] = blocks[..] {
            if left >= right {
                break;
            }
            blocks.truncate(blocks.len() - 2);
            blocks.push(((left * many as f64 + right * few as f64) / (many + few) as f64, many + few));
        }
    }
    blocks.into_iter().flat_map(|(value, many)| std::iter::repeat_n(value, many)).collect()
}

/// Where a model's scores rise though an answer gets worse, by more than rounding: question, from, to, and by how much.
/// Empty for every model that [`fit`] makes.
pub fn rising(model: &Model) -> Vec<(&'static str, &'static str, &'static str, i32)> {
    let mut found = Vec::new();
    for (field, order) in ORDERED {
        let others: Vec<usize> = TOGETHER
            .iter()
            .filter_map(|(a, b)| if *a == field { Some(*b) } else { (*b == field).then_some(*a) })
            .collect();
        for step in order.windows(2) {
            // The worst case adds up over the tables, each of which depends on another question.
            let mut rise = 0;
            let mut places = [0; COUNT];
            let difference = |places: &mut [usize; COUNT]| {
                places[field] = step[1];
                let to = model.score(places);
                places[field] = step[0];
                to - model.score(places)
            };
            let base = difference(&mut places);
            for other in &others {
                let most = (0..FIELDS[*other].1.len())
                    .map(|level| {
                        let mut there = [0; COUNT];
                        there[*other] = level;
                        difference(&mut there) - base
                    })
                    .max()
                    .unwrap_or_default();
                rise += most;
            }
            if base + rise > 2 * COUNT as i32 {
                found.push((FIELDS[field].0, FIELDS[field].1[step[0]], FIELDS[field].1[step[1]], base + rise));
            }
        }
    }
    found
}

/// Parts into which labels are divided, and how often, each time otherwise.
const PARTS: usize = 5;
const TURNS: usize = 3;

/// Fits with the hold that makes the fewest mistakes at even odds on labels it did not see (each of five parts left out once,
/// divided in three ways; of equals the likelier). Mistakes, because a model is used to say one group or two: likelihood alone
/// prefers a model of other lists that is unsure of much to one that is right more often.
///
/// # Errors
/// [`FitError`].
pub fn fit_best(labels: &[Label], base: &File, fitted: Fitted) -> Result<(File, Hold), FitError> {
    let mut best: Option<((usize, f64), Hold)> = None;
    for hold in HOLDS {
        let (mut mistakes, mut loss) = (0, 0.0);
        for (turn, left_out) in (0..TURNS).flat_map(|turn| (0..PARTS).map(move |part| (turn, part))) {
            let unseen = |place: usize| (place + turn * (place / PARTS)) % PARTS == left_out;
            let part = |which: bool| labels.iter().enumerate().filter(move |(place, _)| unseen(*place) == which);
            let seen: Vec<Label> = part(false).map(|(_, label)| *label).collect();
            let model = Model::publish(fit(&seen, base, hold, fitted.clone())?)?.0;
            for (_, label) in part(true) {
                let score = model.score(&label.places);
                let odds = f64::from(score) / 100.0;
                mistakes += usize::from((score >= 0) != label.same);
                loss += (1.0 + if label.same { -odds } else { odds }.exp()).ln();
            }
        }
        if best.is_none_or(|((fewest, least), _)| mistakes < fewest || mistakes == fewest && loss < least) {
            best = Some(((mistakes, loss), hold));
        }
    }
    let hold = best.map_or(HOLDS[0], |(_, hold)| hold);
    Ok((fit(labels, base, hold, fitted)?, hold))
}

/// Weights of words from names: the logarithm of how seldom names have them, in hundredths. Words that fewer than
/// `least` names have are left to the model's weight for rare ones.
pub fn word_weights(names: &[Vec<String>], least: u32) -> (BTreeMap<String, u32>, u32) {
    let mut having: BTreeMap<&str, u32> = BTreeMap::new();
    for name in names {
        let mut words: Vec<&str> = name.iter().map(String::as_str).collect();
        words.sort_unstable();
        words.dedup();
        words.into_iter().for_each(|word| *having.entry(word).or_default() += 1);
    }
    let weight = |count: u32| ((names.len() as f64 / f64::from(count)).ln() * 100.0).round().max(0.0) as u32;
    let weights =
        having.iter().filter(|(_, count)| **count >= least).map(|(word, count)| ((*word).to_owned(), weight(*count)));
    (weights.collect(), weight(least))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(name: usize, place: usize, same: bool) -> Label {
        let mut places = [0; COUNT];
        (places[Field::NAME], places[Field::WHERE]) = (name, place);
        Label { places, same }
    }

    fn labels() -> Vec<Label> {
        let mut labels = Vec::new();
        for (name, place, yes, no) in
            [(0, 0, 40, 1), (0, 6, 4, 30), (8, 0, 3, 40), (8, 6, 0, 60), (5, 0, 20, 10), (6, 0, 25, 10)]
        {
            labels.extend((0..yes).map(|_| label(name, place, true)));
            labels.extend((0..no).map(|_| label(name, place, false)));
        }
        labels
    }

    fn fitted() -> Fitted {
        Fitted { lists: vec!["test".into()], pairs: 0, same: 0, by: "test".into() }
    }

    #[test]
    fn weights_follow_the_labels_and_fall_along_the_order() {
        let base = Model::shipped().file.clone();
        let file = fit(&labels(), &base, Hold { one: 0.1, two: 1.0, prior: false }, fitted()).unwrap();
        let model = Model::publish(file).unwrap().0;
        let score = |name, place| model.score(&label(name, place, true).places);
        assert!(score(0, 0) > 200 && score(8, 6) < -200);
        assert!(score(0, 0) > score(0, 6) && score(0, 0) > score(8, 0));
        // The labels say that half a name is better than most of it; chance does not get into a model.
        assert!(score(5, 0) >= score(6, 0) - 2);
        assert_eq!(rising(&model), []);
    }

    #[test]
    fn few_labels_move_little_and_the_same_labels_give_the_same_model() {
        let base = Model::shipped().file.clone();
        let near = Hold { one: 1e6, two: 1e6, prior: true };
        let file = fit(&labels(), &base, near, fitted()).unwrap();
        for (name, table) in &file.one {
            for (level, weight) in table {
                assert!((weight - base.one[name][level]).abs() <= 1, "{name}.{level}");
            }
        }
        let mut turned = labels();
        turned.reverse();
        assert_eq!(fit(&turned, &base, HOLDS[0], fitted()), fit(&labels(), &base, HOLDS[0], fitted()));
        let one_kind: Vec<Label> = labels().into_iter().filter(|label| label.same).collect();
        assert_eq!(fit(&one_kind, &base, HOLDS[0], fitted()).unwrap_err().code(), "fit-one-kind");
    }

    #[test]
    fn a_line_that_rises_is_levelled() {
        assert_eq!(falling(&[3.0, 1.0, 2.0, 0.0]), [3.0, 1.5, 1.5, 0.0]);
        assert_eq!(falling(&[1.0, 2.0, 3.0]), [2.0, 2.0, 2.0]);
    }

    #[test]
    fn rare_words_weigh_more() {
        let names: Vec<Vec<String>> =
            (0..100).map(|i| vec!["group".into(), if i < 10 { "stroke".into() } else { format!("town{i}") }]).collect();
        let (weights, rare) = word_weights(&names, 5);
        assert_eq!(weights.get("group"), Some(&0));
        assert_eq!(weights.get("stroke"), Some(&230));
        assert_eq!((weights.len(), rare), (2, 300));
    }
}
