//! Whether a log-linear model's estimate exists and means one thing, decided exactly.
//!
//! Fienberg and Rinaldo 2012 (*Ann. Statist.* 40:996–1023, theorem 3): the estimate exists where some table with **no** empty cell
//! has the same margins. With A the design, one row for each cell, that is: some d with Aᵀd = 0 that is positive on every cell that is
//! empty in the data; what it does on the others can be made as small as one likes. The question does not depend on the counts and may
//! be scaled, so "positive" is "at least 1", and everything is a linear programme of a few dozen rows in whole numbers.
//!
//! It is therefore solved in whole numbers, by the simplex method without fractions (Edmonds 1967; Bareiss 1968): every entry
//! of the tableau is a determinant of 0s and 1s, and those stay below 10¹⁸ for the largest design here (Hadamard). No tolerance
//! decides, no solver's version changes the answer, and a crate of a thousand times the code is not needed. An overflow, which
//! this excludes, would be an error.

use super::Refusal;

/// Rows of a matrix of whole numbers.
pub type Rows = Vec<Vec<i128>>;

/// The rank of a matrix.
///
/// # Errors
/// Numbers that grow past 128 bits.
pub fn rank(mut rows: Rows) -> Result<usize, Refusal> {
    let columns = rows.first().map_or(0, Vec::len);
    let (mut rank, mut last) = (0, 1);
    for column in 0..columns {
        let Some(at) = (rank..rows.len()).find(|at| rows[*at][column] != 0) else { continue };
        rows.swap(rank, at);
        let pivot = rows[rank].clone();
        for row in &mut rows[rank + 1..] {
            eliminate(row, &pivot, column, last)?;
        }
        last = pivot[column];
        rank += 1;
    }
    Ok(rank)
}

/// Whether Mx = b has a solution with x ≥ 0. Each row is one equation with b, which is at least 0, as its last number.
///
/// # Errors
/// Numbers that grow past 128 bits.
pub fn feasible(mut rows: Rows) -> Result<bool, Refusal> {
    let columns = rows.first().map_or(0, Vec::len);
    if columns == 0 {
        return Ok(true);
    }
    let width = columns - 1;
    // One more variable for each row makes a first solution; the goal is to be rid of them. They never come back in, so that
    // they need no column; numbered from `width` on. The last row is the sum of what is left of them, with its sign turned.
    let goal: Vec<i128> = (0..columns).map(|column| -rows.iter().map(|row| row[column]).sum::<i128>()).collect();
    let count = rows.len();
    let mut basis: Vec<usize> = (width..width + count).collect();
    rows.push(goal);
    let mut last = 1;
    // Bland's rule, the first column that helps and the first variable that may leave, never runs in a circle.
    while let Some(column) = (0..width).find(|column| rows[count][*column] < 0) {
        let mut leave: Option<usize> = None;
        for at in (0..count).filter(|at| rows[*at][column] > 0) {
            let better = match leave {
                None => true,
                Some(held) => {
                    let mine = product(rows[at][width], rows[held][column])?;
                    let other = product(rows[held][width], rows[at][column])?;
                    mine < other || (mine == other && basis[at] < basis[held])
                }
            };
            if better {
                leave = Some(at);
            }
        }
        // The sum cannot fall below 0, so some row always limits a column that helps.
        let Some(leave) = leave else { return Ok(false) };
        let pivot = rows[leave].clone();
        for (at, row) in rows.iter_mut().enumerate() {
            if at != leave {
                eliminate(row, &pivot, column, last)?;
            }
        }
        last = pivot[column];
        basis[leave] = column;
    }
    Ok(rows[count][width] == 0)
}

fn product(a: i128, b: i128) -> Result<i128, Refusal> {
    a.checked_mul(b).ok_or(Refusal::Numbers)
}

/// One step of elimination without fractions: what is divided by the last pivot leaves no remainder.
fn eliminate(row: &mut [i128], pivot: &[i128], column: usize, last: i128) -> Result<(), Refusal> {
    let factor = row[column];
    for (entry, above) in row.iter_mut().zip(pivot) {
        let difference = product(*entry, pivot[column])?.checked_sub(product(factor, *above)?);
        *entry = difference.ok_or(Refusal::Numbers)? / last;
    }
    Ok(())
}

/// What stands in the way of a model's estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Some table without an empty cell has the same margins.
    pub exists: bool,
    /// The parameters can be told from one another.
    pub identifiable: bool,
}

/// Judges a design: for each cell its row, and whether the cell is empty in the data.
///
/// # Errors
/// Numbers that grow past 128 bits.
pub fn judge(design: &[(Vec<i128>, bool)]) -> Result<Verdict, Refusal> {
    let parameters = design.first().map_or(0, |(row, _)| row.len());
    let identifiable = rank(design.iter().map(|(row, _)| row.clone()).collect())? == parameters;
    // d is 1 + v on empty cells and p − q on the others, all at least 0. One equation for each parameter, its sign turned so that
    // the constant, the sum of the empty cells' ones, is at least 0.
    let equation = |parameter: usize| {
        let mut row = Vec::with_capacity(2 * design.len() + 1);
        let mut constant = 0;
        for (cell, empty) in design {
            let entry = cell[parameter];
            if *empty {
                row.push(-entry);
                constant += entry;
            } else {
                row.extend([entry, -entry]);
            }
        }
        row.push(constant);
        if constant < 0 { row.iter().map(|entry| -entry).collect() } else { row }
    };
    Ok(Verdict { exists: feasible((0..parameters).map(equation).collect())?, identifiable })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ranks() {
        assert_eq!(rank(vec![vec![1, 2], vec![2, 4]]), Ok(1));
        assert_eq!(rank(vec![vec![0, 2, 1], vec![3, 0, 1], vec![3, 2, 2], vec![0, 0, 7]]), Ok(3));
        assert_eq!(rank(Vec::new()), Ok(0));
    }

    #[test]
    fn feasibility() {
        // x + y = 2, x − y = 1; and x + y = 1, x + y = 2; and x = 3, 2x = 6 (one equation too many).
        assert_eq!(feasible(vec![vec![1, 1, 2], vec![1, -1, 1]]), Ok(true));
        assert_eq!(feasible(vec![vec![1, 1, 1], vec![1, 1, 2]]), Ok(false));
        assert_eq!(feasible(vec![vec![1, 3], vec![2, 6]]), Ok(true));
        // x − y = −1 is written −x + y = 1; −x − y = 1 has none.
        assert_eq!(feasible(vec![vec![-1, 1, 1]]), Ok(true));
        assert_eq!(feasible(vec![vec![-1, -1, 1]]), Ok(false));
    }

    proptest! {
        /// Equations made from a solution have one.
        #[test]
        fn what_has_a_solution_is_feasible(
            matrix in proptest::collection::vec(proptest::collection::vec(0..3i128, 6), 1..5),
            solution in proptest::collection::vec(0..5i128, 6),
        ) {
            let rows: Rows = matrix.iter().map(|row| {
                let right = row.iter().zip(&solution).map(|(a, x)| a * x).sum();
                row.iter().copied().chain([right]).collect()
            }).collect();
            prop_assert_eq!(feasible(rows), Ok(true));
        }
    }
}
