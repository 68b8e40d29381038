//! Search by postcode: what is near it, the nearest first, with how well each distance is known.

use super::StoreError;
use super::directory::{self, expression};
use super::group::Rules;
use super::postcodes::{Distance, Places, Spot, metres};
use super::view::{Near, SearchPage, Sort, Terms};
use crate::registry::normal;
use sqlx::SqliteConnection;

/// How far to look, in miles: the first of these within which anything lies.
const MILES: [u32; 3] = [10, 25, 50];

/// One page of groups near the full postcode that stands as the place; `None` where no such postcode stands there, or where
/// it lies is not known here: then it is searched for as words.
///
/// # Errors
/// Database errors.
pub async fn search(
    db: &mut SqliteConnection,
    rules: &Rules,
    terms: &Terms,
    per_page: u32,
    places: &Places,
) -> Result<Option<SearchPage>, StoreError> {
    let typed = terms.place.as_deref().and_then(normal::postcode).filter(|postcode| postcode.inward.is_some());
    let Some((from, postcode)) = typed.and_then(|postcode| Some((places.locate(&postcode)?, postcode))) else {
        return Ok(None);
    };
    let anywhere = Terms { place: None, ..terms.clone() };
    let mut all = Vec::new();
    for begin in [false, true] {
        let sql = match terms.sort {
            Sort::Checked => {
                "SELECT n, grp.place FROM search JOIN grp ON n = search.rowid WHERE search MATCH ? \
                 ORDER BY checked = '', checked DESC, n"
            }
            Sort::Match | Sort::Name => {
                "SELECT n, grp.place FROM search JOIN grp ON n = search.rowid WHERE search MATCH ? \
                 ORDER BY grp.name COLLATE NOCASE, n"
            }
        };
        all = sqlx::query_as(sql).bind(expression(&anywhere, true, begin)).fetch_all(&mut *db).await?;
        if !all.is_empty() {
            break;
        }
    }
    let (miles, mut found) = within(&all, &from, places);
    if terms.sort == Sort::Match {
        found.sort_by_key(|(n, distance)| (distance.metres, *n));
    }
    let skipped = terms.page.saturating_sub(1) as usize * per_page as usize;
    let shown: Vec<(i64, Distance)> = found.iter().skip(skipped).take(per_page as usize).copied().collect();
    let numbers: Vec<i64> = shown.iter().map(|(n, _)| *n).collect();
    let mut page = directory::page(db, rules, terms, per_page, &numbers, found.len() as u64).await?;
    for (hit, (_, distance)) in page.hits.iter_mut().zip(&shown) {
        hit.distance = Some(distance.words());
    }
    page.near = Some(Near {
        postcode: format!("{} {}", postcode.outward, postcode.inward.unwrap_or_default()),
        miles,
        precision: from.point.precision.words(),
    });
    Ok(Some(page))
}

/// Those within the first distance within which there is any, with that distance in miles.
fn within(all: &[(i64, String)], from: &Spot, places: &Places) -> (u32, Vec<(i64, Distance)>) {
    let far = |miles: u32| metres(f64::from(miles));
    let most = MILES[MILES.len() - 1];
    let near: Vec<(i64, Distance)> =
        all.iter().filter_map(|(n, place)| Some((*n, places.within(from, place, far(most))?))).collect();
    let miles = MILES.into_iter().find(|miles| near.iter().any(|(_, distance)| distance.metres <= far(*miles)));
    let miles = miles.unwrap_or(most);
    (miles, near.into_iter().filter(|(_, distance)| distance.metres <= far(miles)).collect())
}
