//! Who comes next: the reserve in the order of the draw, and for quotas within the quotas that the unit leaves unmet.

use super::{Field, FieldError, Unit};
use crate::frame::request::Design;
use crate::frame::sample::quota::Quota;
use serde::Serialize;

/// Who comes next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Next {
    /// The unit.
    pub unit: String,
    /// Whose place it takes.
    pub instead_of: String,
    /// Its place in the reserve, from 1.
    pub place: usize,
    /// Units of the reserve that stand before it and meet fewer of the quotas.
    pub passed_over: usize,
    /// Quotas that the unit leaves unmet.
    pub unmet: Vec<Quota>,
    /// Of these, how many the next one meets.
    pub met: usize,
}

fn has(unit: &Unit, quota: &Quota) -> bool {
    unit.values.get(&quota.dimension).is_some_and(|values| values.contains(&quota.value))
}

impl Field<'_> {
    /// Who takes the place of a unit: the next of its draw's reserve, in its stratum. Of a draw by quotas, the next among those who meet
    /// most of the quotas that it leaves unmet: the same rule by which the draw took its units.
    ///
    /// # Errors
    /// A unit that is not in the field, can take part, or was replaced; a reserve that is used up.
    pub fn next(&self, instead_of: &str) -> Result<Next, FieldError> {
        let standing = self.standing(instead_of)?;
        if let Some(by) = &standing.replaced_by {
            return Err(FieldError::Replaced { unit: instead_of.to_owned(), by: by.clone() });
        }
        if !standing.free() {
            return Err(FieldError::NotFree(instead_of.to_owned()));
        }
        let left = self.unit(instead_of).ok_or_else(|| FieldError::NotInField(instead_of.to_owned()))?;
        let unmet = self.unmet(left);
        let waiting = self.study.units.iter().filter(|unit| {
            unit.reserve.is_some()
                && (unit.draw, &unit.stratum) == (left.draw, &left.stratum)
                && !self.at.contains_key(unit.id.as_str())
        });
        let helps = |unit: &Unit| unmet.iter().filter(|quota| has(unit, quota)).count();
        let mut waiting: Vec<&Unit> = waiting.collect();
        waiting.sort_by_key(|unit| unit.reserve);
        // The first of the most helpful: `max_by_key` would give the last, so the order is turned.
        let best = waiting.iter().rev().max_by_key(|unit| helps(unit));
        let best = best.ok_or_else(|| FieldError::Empty(self.study.parts[left.draw].site.clone()))?;
        Ok(Next {
            unit: best.id.clone(),
            instead_of: instead_of.to_owned(),
            place: best.reserve.unwrap_or_default(),
            passed_over: waiting.iter().take_while(|unit| unit.id != best.id).count(),
            met: helps(best),
            unmet,
        })
    }

    /// Quotas that a unit fulfils and that fall short without it, of those who still can take part.
    fn unmet(&self, left: &Unit) -> Vec<Quota> {
        let Design::Quota { quotas, .. } = &self.study.parts[left.draw].request.design else { return Vec::new() };
        let standing: Vec<&Unit> = self
            .units
            .iter()
            .filter(|one| one.unit != left.id && !one.free())
            .filter_map(|one| self.unit(&one.unit))
            .filter(|unit| unit.draw == left.draw)
            .collect();
        let short = |quota: &&Quota| {
            has(left, quota) && standing.iter().filter(|unit| has(unit, quota)).count() < quota.at_least
        };
        quotas.iter().filter(short).cloned().collect()
    }
}
