//! Invented groups for the demo, the tests and the figures: realistic, varied, and nobody's.
//!
//! Every place is real, so that areas and maps look right. Names are put together from common words; every telephone
//! number is one of Ofcom's for drama, every domain ends in `.example`, every postcode has letters that postcodes never
//! have, and every description ends by saying what it is. The same seed gives the same groups in every release.
//!
//! * `draw`: chance that never changes;
//! * `places`: towns, numbers, postcodes;
//! * `words`: what groups are about and say;
//! * `one`: one group, and the same group as another list tells it;
//! * [`study`]: the lists of the study's tour.

mod draw;
mod one;
mod places;
pub mod study;
mod words;

#[cfg(test)]
mod tests;

use crate::record::{Group, List};
use draw::Draw;
use places::Town;
use std::collections::BTreeSet;

/// How many suitable groups [`nottingham`] has: as many as Self Help Nottingham had in its database (Seebohm and others 2013).
pub const NOTTINGHAM_GROUPS: usize = 202;
/// How many groups [`derbyshire`] has.
pub const DERBYSHIRE_GROUPS: usize = 60;
/// How many of them [`nottingham`] has too.
pub const SHARED_GROUPS: usize = 8;
/// How many groups the lists of [`essex`] speak of together: as many as the same researchers reached there.
pub const ESSEX_GROUPS: usize = 24;

/// Which of the 24 groups each of Essex's lists holds: 36 rows; two groups stand in all three.
const ESSEX_ROWS: [&[usize]; 3] = [
    &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
    &[8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21],
    &[0, 3, 5, 9, 10, 14, 17, 20, 22, 23],
];

/// A list of invented groups, which says so in its title. `kind` is a term of `source-kinds`.
pub fn list(title: &str, kind: &str) -> List {
    List {
        title: format!("{title} (invented for demonstration)"),
        kind: kind.to_owned(),
        licence: Some("CC0-1.0".to_owned()),
        ..List::default()
    }
}

/// 202 suitable groups in Nottinghamshire. The last [`SHARED_GROUPS`] meet near the border and are in [`derbyshire`] too.
pub fn nottingham(seed: u64) -> Vec<Group> {
    let mut names = BTreeSet::new();
    let mut groups: Vec<Group> = (0..NOTTINGHAM_GROUPS)
        .map(|n| {
            let mut draw = Draw::new(seed, "nottingham", n as u64);
            match (n + SHARED_GROUPS).checked_sub(NOTTINGHAM_GROUPS) {
                Some(nth) => {
                    let (town, catchment) = &places::BORDER[nth % places::BORDER.len()];
                    let mut group = settled(&mut draw, town, &mut names, nottinghams_phone(town, n));
                    group.place.get_or_insert_default().catchment = Some((*catchment).to_owned());
                    group
                }
                None => {
                    let town = draw.pick(&places::NOTTINGHAMSHIRE);
                    settled(&mut draw, town, &mut names, nottinghams_phone(town, n))
                }
            }
        })
        .collect();
    for (n, group) in groups.iter_mut().enumerate() {
        one::suitable(group);
        mark(group, "N", n);
    }
    groups
}

/// 60 groups of Derbyshire's list: 52 in Derbyshire, many in Long Eaton and Ilkeston, and [`SHARED_GROUPS`] from just over
/// the border that Nottingham lists too, with the same contact and other details. One of these it says has closed.
pub fn derbyshire(seed: u64) -> Vec<Group> {
    let mut names = BTreeSet::new();
    let own = DERBYSHIRE_GROUPS - SHARED_GROUPS;
    let mut groups: Vec<Group> = (0..own)
        .map(|n| {
            let mut draw = Draw::new(seed, "derbyshire", n as u64);
            // Each border town first, so that both surely have some.
            let town = if n < 8 { &places::DERBYSHIRE[n % 4] } else { draw.pick(&places::DERBYSHIRE) };
            let range = if n % 4 == 0 { places::MOBILE } else { places::NO_AREA };
            settled(&mut draw, town, &mut names, places::phone(range, 600 + n))
        })
        .collect();
    for (n, group) in nottingham(seed)[NOTTINGHAM_GROUPS - SHARED_GROUPS..].iter().enumerate() {
        let mut told = one::retold(&mut Draw::new(seed, "derbyshire-shared", n as u64), group);
        told.criteria.clear();
        if n == 0 {
            told.status = Some(closed(&told));
        }
        groups.push(told);
    }
    for (n, group) in groups.iter_mut().enumerate() {
        mark(group, "D", n);
    }
    groups
}

/// Essex's three small lists, which overlap: a library's directory, a council's website, what people told the hub. Where two have
/// a group, contact and town agree, and name, words, hours or day of checking do not.
pub fn essex(seed: u64) -> [(List, Vec<Group>); 3] {
    let mut names = BTreeSet::new();
    let groups: Vec<Group> = (0..ESSEX_GROUPS)
        .map(|n| {
            let mut draw = Draw::new(seed, "essex", n as u64);
            let town = draw.pick(&places::ESSEX);
            let range = if n % 4 == 0 { places::MOBILE } else { places::NO_AREA };
            settled(&mut draw, town, &mut names, places::phone(range, 500 + n))
        })
        .collect();
    let sources = [
        ("Essex libraries' community directory", "printed-directory", "L"),
        ("Essex council community pages", "website", "W"),
        ("Groups people told us of in Essex", "personal-communication", "P"),
    ];
    let mut told_before = BTreeSet::new();
    std::array::from_fn(|source| {
        let (title, kind, letter) = sources[source];
        let list = list(title, kind);
        let rows = ESSEX_ROWS[source].iter().enumerate().map(|(row, &n)| {
            let mut group = if told_before.insert(n) {
                groups[n].clone()
            } else {
                one::retold(&mut Draw::new(seed, "essex-retold", (source * ESSEX_GROUPS + n) as u64), &groups[n])
            };
            one::sighted(&mut group, &list.title, kind);
            mark(&mut group, letter, row);
            group
        });
        let rows = rows.collect();
        (list, rows)
    })
}

/// `n` groups of about 800 bytes of JSON, for measuring. Group `i` depends on seed and `i` only, and they take no memory.
///
/// No two share a contact, except that of every hundred groups about `overlapping` (0–50) tell what the group before them
/// tells, with the same contact and other details. Such pairs are (even, odd), so that hubs which take turns get one each.
pub fn many(seed: u64, n: usize, overlapping: usize) -> impl Iterator<Item = Group> {
    (0..n).map(move |i| {
        let mut draw = Draw::new(seed, "many-pair", i as u64 / 2);
        if i % 2 == 1 && draw.below(50) < overlapping {
            let mut told = one::retold(&mut draw, &nth_of_many(seed, i - 1));
            mark(&mut told, "M", i);
            told
        } else {
            nth_of_many(seed, i)
        }
    })
}

fn nth_of_many(seed: u64, i: usize) -> Group {
    let mut draw = Draw::new(seed, "many", i as u64);
    let counties: [&[Town]; 3] = [&places::NOTTINGHAMSHIRE, &places::DERBYSHIRE, &places::ESSEX];
    let towns = *draw.pick(&counties);
    let town = draw.pick(towns);
    let place = if draw.percent(70) { places::village(&mut draw) } else { town.name.to_owned() };
    let mut group = one::group(&mut draw, town, &place, 0);
    // Less is known of them, which is what keeps them to the size that figures are measured with.
    (group.access, group.joining) = (None, None);
    if let Some(place) = &mut group.place {
        (place.latitude, place.longitude) = (None, None);
    }
    // There are 18,000 numbers for drama, so every third group has one until they are used up.
    let phone = if i.is_multiple_of(3) { places::nth_phone(i / 3) } else { None };
    let key = format!("{}-{i}", one::slug(&place));
    group.contact = Some(one::contact(&mut draw, &key, phone));
    mark(&mut group, "M", i);
    group
}

/// A group with a name that nobody has yet and a contact made from it.
fn settled(draw: &mut Draw, town: &Town, names: &mut BTreeSet<String>, phone: String) -> Group {
    loop {
        let mut group = one::group(draw, town, town.name, 3);
        let key = one::slug(&group.name);
        if names.insert(key.clone()) {
            group.contact = Some(one::contact(draw, &key, Some(phone)));
            return group;
        }
    }
}

/// The city's dialling code holds in and around the city only. Numbers from 500 and 600 are Essex's and Derbyshire's.
fn nottinghams_phone(town: &Town, n: usize) -> String {
    let around = ["E06000018", "E07000172", "E07000173", "E07000176"].contains(&town.area);
    let range = match (n % 3, around) {
        (0, _) => places::MOBILE,
        (_, true) => places::CITY,
        (_, false) => places::NO_AREA,
    };
    places::phone(range, n)
}

/// The row's own id in its list.
fn mark(group: &mut Group, letter: &str, n: usize) {
    group.source_id = Some(format!("{letter}-{:04}", n + 1));
}

fn closed(group: &Group) -> crate::record::group::Status {
    crate::record::group::Status {
        state: crate::record::group::CLOSED.to_owned(),
        date: group.assured.as_ref().map(|assured| assured.date),
        reason: Some("Nobody could be found to book the room".to_owned()),
        ..Default::default()
    }
}
