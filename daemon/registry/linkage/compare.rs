//! Two records side by side: an answer to each question of [`super::level`].

use super::features::{Features, Reading, WORDS};
use super::level::{Address, Charity, Contact, Day, Field, Levels, Name, Qualifier, Rows, Topic, Town, Where};
use super::model::{Answers, Cuts, Model};
use super::topic;
use crate::registry::geo::Precision;

/// Compares two records. `one_list`: both are rows of one list. The order of the two makes no difference.
pub fn compare(a: &Features, b: &Features, one_list: bool, model: &Model) -> Levels {
    let (name, qualifier) = names(a, b, model.cuts());
    Levels {
        name,
        qualifier,
        place: place(a, b),
        town: town(a, b),
        contact: contacts(a, b).level(),
        topic: topics(&a.topics, &b.topics),
        day: day(a, b),
        address: address(a, b),
        rows: rows(one_list),
        charity: charity(a, b),
    }
}

/// Answers to the questions that are quickly answered; the others are left open, and are put by [`MORE`].
pub(super) fn quick(a: &Features, b: &Features, one_list: bool) -> Quick {
    let (place, contact) = (place(a, b), contacts(a, b).level());
    let mut answers = Answers::default();
    answers[Field::WHERE] = Some(place as usize);
    answers[Field::CONTACT] = Some(contact as usize);
    answers[Field::TOPIC] = Some(topics(&a.topics, &b.topics) as usize);
    answers[Field::DAY] = Some(day(a, b) as usize);
    answers[Field::ROWS] = Some(rows(one_list) as usize);
    answers[Field::CHARITY] = Some(charity(a, b) as usize);
    Quick { answers, place, contact }
}

/// What is known of two records before names, towns and addresses are compared.
pub(super) struct Quick {
    /// All that is known.
    pub answers: Answers,
    /// How far apart they are.
    pub place: Where,
    /// What their contacts have in common.
    pub contact: Contact,
}

/// The questions that [`quick`] leaves open, the most telling first: each step answers some.
pub(super) const MORE: [fn(&Features, &Features, &Cuts, &mut Answers); 3] = [
    |a, b, cuts, answers| {
        let (name, qualifier) = names(a, b, cuts);
        answers[Field::NAME] = Some(name as usize);
        answers[Field::QUALIFIER] = Some(qualifier as usize);
    },
    |a, b, _, answers| answers[Field::TOWN] = Some(town(a, b) as usize),
    |a, b, _, answers| answers[Field::ADDRESS] = Some(address(a, b) as usize),
];

fn day(a: &Features, b: &Features) -> Day {
    match (a.days, b.days) {
        (0, _) | (_, 0) => Day::Unknown,
        (x, y) if x == y => Day::Same,
        (x, y) if x & y != 0 => Day::Some,
        _ => Day::Other,
    }
}

fn rows(one_list: bool) -> Rows {
    if one_list { Rows::Together } else { Rows::Apart }
}

fn charity(a: &Features, b: &Features) -> Charity {
    match (a.charity, b.charity) {
        (0, _) | (_, 0) => Charity::Unknown,
        (x, y) if x == y => Charity::Same,
        _ => Charity::Other,
    }
}

/// Metres between two records, where both places are known, and the worse precision of the two.
pub fn metres(a: &Features, b: &Features) -> Option<(u32, Precision)> {
    let (x, y) = (a.point?, b.point?);
    Some((x.metres(y), x.precision.max(y.precision)))
}

fn place(a: &Features, b: &Features) -> Where {
    if a.postcode != 0 && a.postcode == b.postcode {
        return Where::Postcode;
    }
    let by_distance = metres(a, b).map(|(metres, precision)| {
        let level = match metres {
            0..400 => Where::Near,
            400..1_500 => Where::Close,
            1_500..5_000 => Where::District,
            5_000..12_000 => Where::Beyond,
            12_000..30_000 => Where::Distant,
            _ => Where::Far,
        };
        // Nobody is nearer than the table is exact.
        match precision {
            Precision::Exact | Precision::Unit => level,
            Precision::Sector => level.max(Where::Close),
            Precision::Outcode => level.max(Where::District),
        }
    });
    match by_distance {
        Some(level) => level,
        None if a.outward != 0 && a.outward == b.outward => Where::District,
        None => Where::Unknown,
    }
}

fn parts(town: &str) -> (Vec<&str>, Vec<&str>) {
    let (head, rest) = town.split_once('|').unwrap_or((town, ""));
    let head: Vec<&str> = head.split(' ').filter(|word| !word.is_empty()).collect();
    let all = head.iter().copied().chain(rest.split(' ').filter(|word| !word.is_empty())).collect();
    (head, all)
}

fn town(a: &Features, b: &Features) -> Town {
    let in_name = |town: &str, names: &[Reading]| {
        let (head, _) = parts(town);
        !head.is_empty() && names.iter().any(|name| head.iter().all(|word| name.words.split(' ').any(|w| w == *word)))
    };
    let named = || in_name(&a.town, &b.names) || in_name(&b.town, &a.names);
    if a.town.is_empty() || b.town.is_empty() {
        return if named() { Town::Named } else { Town::Unknown };
    }
    if a.town == b.town {
        return Town::Same;
    }
    let ((x, all_x), (y, all_y)) = (parts(&a.town), parts(&b.town));
    let within =
        |head: &[&str], all: &[&str]| head.iter().all(|word| all.iter().any(|other| same_word(word, other).is_some()));
    match (within(&x, &y), within(&y, &x)) {
        (true, true) => Town::Same,
        _ if within(&x, &all_y) || within(&y, &all_x) => Town::Part,
        _ if named() => Town::Named,
        _ => Town::Other,
    }
}

/// What two records' contacts have in common.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Contacts {
    /// The same telephone number of a place or person.
    pub phone: bool,
    /// The same organisation's number.
    pub switchboard: bool,
    /// The same mailbox.
    pub email: bool,
    /// The same mailbox of an organisation (info@).
    pub office: bool,
    /// The same page.
    pub page: bool,
    /// The same site, on other pages or its front page.
    pub site: bool,
    /// Kinds that both state and that differ.
    pub conflicts: u8,
}

impl Contacts {
    /// Kinds of a group's own that are the same.
    pub fn own(&self) -> u8 {
        u8::from(self.phone) + u8::from(self.email) + u8::from(self.page)
    }

    /// Kinds of an organisation that are the same.
    pub fn shared(&self) -> u8 {
        u8::from(self.switchboard) + u8::from(self.office) + u8::from(self.site)
    }

    fn level(&self) -> Contact {
        match (self.own(), self.shared(), self.conflicts) {
            (2.., _, _) => Contact::Own2,
            (1, _, 0) => Contact::Own1,
            (1, _, _) => Contact::OwnMixed,
            (0, 2.., 0) => Contact::Shared2,
            (0, 1, 0) => Contact::Shared1,
            (0, 1.., _) => Contact::SharedMixed,
            (0, 0, 0) => Contact::Unknown,
            (0, 0, 1) => Contact::Other,
            _ => Contact::OtherMore,
        }
    }
}

/// Compares telephones, mailboxes and addresses on the web.
pub fn contacts(a: &Features, b: &Features) -> Contacts {
    let mut found = Contacts::default();
    for number in a.phones.iter().filter(|number| **number != 0 && b.phones.contains(number)) {
        if *number < 0 { found.switchboard = true } else { found.phone = true }
    }
    let local = |phones: &[i64]| phones.iter().any(|number| *number > 0);
    let office = |phones: &[i64]| phones.iter().any(|number| *number < 0);
    let both = local(&a.phones) && local(&b.phones) || office(&a.phones) && office(&b.phones);
    found.conflicts += u8::from(both && !found.phone && !found.switchboard);
    if a.email != 0 && b.email != 0 {
        match (a.email == b.email, a.office) {
            (true, true) => found.office = true,
            (true, false) => found.email = true,
            // info@ and anna@ of one house do not contradict each other.
            (false, _) => found.conflicts += u8::from(a.office == b.office || a.domain != b.domain),
        }
    }
    if a.page != 0 && a.page == b.page {
        found.page = true;
    } else if a.site != 0 && a.site == b.site {
        found.site = true;
        // Two pages of one site are often two groups of one house.
        found.conflicts += u8::from(a.page != 0 && b.page != 0);
    } else {
        // A page on a platform does not contradict a site of one's own.
        let platform = |f: &Features| f.page != 0 && f.site == 0;
        let own = |f: &Features| f.site != 0;
        found.conflicts += u8::from(platform(a) && platform(b) || own(a) && own(b));
    }
    found
}

fn topics(a: &[u16], b: &[u16]) -> Topic {
    if a.is_empty() || b.is_empty() {
        return Topic::Unknown;
    }
    a.iter().flat_map(|x| b.iter().map(|y| topic::relation(*x, *y))).min().unwrap_or(Topic::Unknown)
}

fn address(a: &Features, b: &Features) -> Address {
    let street = alike(&a.street, &b.street);
    let house = (a.house != 0 && b.house != 0).then_some(a.house == b.house);
    let venue = alike(&a.venue, &b.venue);
    match (street, house, venue) {
        (Some(true), Some(true), Some(true)) => Address::Both,
        (Some(true), Some(true), _) => Address::House,
        (_, _, Some(true)) => Address::Venue,
        (Some(true), None, _) => Address::Street,
        (None, _, None) => Address::Unknown,
        _ => Address::Other,
    }
}

/// Whether two phrases say the same: half and more of the shorter one's words are in the longer. `None` when one is empty.
fn alike(a: &str, b: &str) -> Option<bool> {
    if a.is_empty() || b.is_empty() {
        return None;
    }
    if a == b {
        return Some(true);
    }
    let (x, y): (Vec<&str>, Vec<&str>) = (a.split(' ').collect(), b.split(' ').collect());
    let (short, long) = if x.len() <= y.len() { (x, y) } else { (y, x) };
    let found = short.iter().filter(|word| long.iter().any(|other| same_word(word, other).is_some())).count();
    Some(found * 2 > short.len() || found == short.len() && short.len() * 2 >= long.len())
}

/// How two names stand: the best of all that the two records have.
fn names(a: &Features, b: &Features, cuts: &Cuts) -> (Name, Qualifier) {
    let town_bits = a.town_qualifiers | b.town_qualifiers;
    let towns: Vec<&str> = a.town.split([' ', '|']).chain(b.town.split([' ', '|'])).filter(|w| !w.is_empty()).collect();
    let mut best = (Name::Empty, Qualifier::Both);
    for (i, x) in a.names.iter().enumerate() {
        for (j, y) in b.names.iter().enumerate() {
            let bits = qualifiers(x.qualifiers & !town_bits, y.qualifiers & !town_bits);
            let found = (name(x, y, &towns, cuts).level, bits.max(numbers(x.numbers, y.numbers)));
            if found < best || (i, j) == (0, 0) {
                best = found;
            }
        }
    }
    best
}

fn qualifiers(a: u64, b: u64) -> Qualifier {
    match (a & !b, b & !a) {
        (0, 0) if a == 0 => Qualifier::Neither,
        (0, 0) => Qualifier::Same,
        (0, _) | (_, 0) => Qualifier::One,
        _ => Qualifier::Both,
    }
}

/// Numbers tell sister groups apart as words do; that they agree says little.
fn numbers(a: u32, b: u32) -> Qualifier {
    match (a, b) {
        _ if a == b => Qualifier::Same,
        (0, _) | (_, 0) => Qualifier::One,
        _ => Qualifier::Both,
    }
}

/// Two names side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Names {
    /// How alike.
    pub level: Name,
    /// Letters by which words differ that are taken for the same.
    pub letters: u32,
}

/// Words of a name that are compared, once each with their weights, and which of them the other name has not yet met. In one
/// place, because names are compared millions of times.
struct Open<'a> {
    words: [(&'a str, u32); WORDS],
    /// A bit for each word that is open.
    open: u32,
}

impl<'a> Open<'a> {
    /// Words of either town are left out: one list names the town, another does not.
    fn of(reading: &'a Reading, towns: &[&str]) -> Open<'a> {
        let mut words = [("", 0); WORDS];
        let mut count = 0;
        let all = reading.words.split(' ').filter(|word| !word.is_empty()).zip(reading.weights.iter());
        for (word, weight) in all.take(WORDS) {
            if !towns.contains(&word) && words[..count].iter().all(|(known, _)| *known != word) {
                words[count] = (word, u32::from(*weight));
                count += 1;
            }
        }
        Open { words, open: (1 << count) - 1 }
    }

    fn each(&self) -> impl Iterator<Item = (usize, &'a str, u32)> + '_ {
        let open = |at: &usize| self.open & 1 << at != 0;
        (0..WORDS).filter(open).map(|at| (at, self.words[at].0, self.words[at].1))
    }

    fn met(&mut self, at: usize) {
        self.open &= !(1 << at);
    }

    fn weight(&self) -> u32 {
        self.each().map(|(.., weight)| weight).sum()
    }

    fn count(&self) -> u32 {
        self.open.count_ones()
    }

    fn glued(&self) -> String {
        self.each().map(|(_, word, _)| word).collect()
    }
}

/// Compares two names. Words of either town are left out.
pub fn name(a: &Reading, b: &Reading, towns: &[&str], cuts: &Cuts) -> Names {
    let (mut left, mut right) = (Open::of(a, towns), Open::of(b, towns));
    let (all_left, all_right) = (left.weight(), right.weight());
    let mut same = 0;
    let mut letters = 0;
    // Words that are equal first, so that a misspelling never takes another word's place.
    for at in 0..WORDS {
        let (word, weight) = left.words[at];
        if word.is_empty() {
            break;
        }
        let equal = right.each().find(|(_, other, _)| *other == word);
        if let Some((other, ..)) = equal {
            left.met(at);
            right.met(other);
            same += weight;
        }
    }
    for at in 0..WORDS {
        if left.open & 1 << at == 0 || right.open == 0 {
            continue;
        }
        let (word, weight) = left.words[at];
        let near = right.each().filter_map(|(at, other, w)| Some((same_word(word, other)?, at, w))).min();
        if let Some((edits, other, w)) = near {
            left.met(at);
            right.met(other);
            letters += edits;
            // A misspelt word is in no table; the better known of the two is what was meant.
            same += weight.min(w);
        }
    }
    // A space in the wrong place ("Bereavemen tCafe") makes other words of the same letters.
    if left.open != 0
        && right.open != 0
        && left.count() + right.count() > 2
        && let Some(edits) = same_word(&left.glued(), &right.glued())
    {
        letters += edits.max(1);
        same += left.weight().min(right.weight());
        (left.open, right.open) = (0, 0);
    }
    let (more_left, more_right) = (left.weight(), right.weight());
    let (less, more) = (more_left.min(more_right), more_left.max(more_right));
    let level = if all_left.max(all_right) <= cuts.slight && same == 0 || all_left == 0 || all_right == 0 {
        Name::Empty
    } else if left.open == 0 && right.open == 0 {
        if letters == 0 { Name::Same } else { Name::Spelling }
    } else if same > cuts.slight / 2 && more <= cuts.slight && less <= cuts.slight / 3 {
        Name::Common
    } else if same > cuts.slight && less <= cuts.slight / 2 {
        if more <= cuts.more { Name::Inside } else { Name::Within }
    } else {
        // Shares in hundredths of both names' weight.
        match 200 * same / (2 * same + more_left + more_right).max(1) {
            65.. => Name::Most,
            35.. => Name::Half,
            1.. => Name::Little,
            0 => Name::Nothing,
        }
    };
    Names { level, letters }
}

/// By how many letters two words differ, if so few that they are one word: one from five letters, two from eight. Of four,
/// one left out or two exchanged.
pub fn same_word(a: &str, b: &str) -> Option<u32> {
    if a == b {
        return Some(0);
    }
    let (x, y) = (a.as_bytes(), b.as_bytes());
    let longer = x.len().max(y.len());
    let most = match longer {
        0..4 => return None,
        4..8 => 1,
        _ => 2,
    };
    if x.len().abs_diff(y.len()) > most as usize {
        return None;
    }
    // A changed first letter makes another word more often than a misspelt one (Marlow, Harlow); in short words any changed
    // letter does.
    let changed = x.len() == y.len()
        && x.first() != y.first()
        && x.get(..2) != y.get(..2).map(|p| [p[1], p[0]]).as_ref().map(|p| &p[..]);
    let exchanged = || x.iter().fold(0u32, |n, b| n + u32::from(*b)) == y.iter().fold(0u32, |n, b| n + u32::from(*b));
    if changed && longer < 8 || longer == 4 && x.len() == y.len() && !exchanged() {
        return None;
    }
    // Each edit puts at most one letter into the set of a word's letters and takes at most one out: most pairs end here.
    let letters = |word: &[u8]| word.iter().fold(0u32, |set, letter| set | 1 << (letter & 31));
    if (letters(x) ^ letters(y)).count_ones() > 2 * most {
        return None;
    }
    let edits = edits(x, y);
    (edits <= most).then_some(edits)
}

/// Letters put in, left out, changed, or neighbours exchanged (optimal string alignment).
fn edits(a: &[u8], b: &[u8]) -> u32 {
    const MOST: usize = 40;
    if a.len() > MOST || b.len() > MOST {
        return u32::MAX;
    }
    let mut rows = [[0u32; MOST + 1]; 3];
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j as u32;
    }
    for i in 1..=a.len() {
        let (now, last, before) = (i % 3, (i + 2) % 3, (i + 1) % 3);
        rows[now][0] = i as u32;
        for j in 1..=b.len() {
            let changed = rows[last][j - 1] + u32::from(a[i - 1] != b[j - 1]);
            let mut best = changed.min(rows[last][j] + 1).min(rows[now][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[before][j - 2] + 1);
            }
            rows[now][j] = best;
        }
    }
    rows[a.len() % 3][b.len()]
}
