//! All that comparing one record needs, worked out once: about 250 bytes, so that a nation's records fit in memory.

use super::block;
use super::model::Model;
use super::topic;
use crate::record::group::Meeting;
use crate::record::{Group, RecordRef};
use crate::registry::geo::{self, Point};
use crate::registry::normal::{self, Postcode};
use crate::registry::normal_contact as contact;
use crate::registry::normal_text as text;
use crate::registry::sighting;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// Names that are compared: the first, and so many others.
const NAMES: usize = 4;
/// Words of a name that are compared.
pub(super) const WORDS: usize = 24;

/// What of a record is compared, by one model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Features {
    /// The name, then other names.
    pub names: Box<[Reading]>,
    /// Words of the most local part of the town, a bar, and the words of its other parts: each sorted.
    pub town: Box<str>,
    /// Bits of qualifiers that are words of the town.
    pub town_qualifiers: u64,
    /// Hash of the full postcode; 0 when there is none.
    pub postcode: u64,
    /// Hash of the outward code; 0 when there is none.
    pub outward: u64,
    /// Where it is.
    pub point: Option<Point>,
    /// House number, without its letter; 0 when there is none.
    pub house: u32,
    /// Words by which the street is told from others.
    pub street: Box<str>,
    /// Words of the venue.
    pub venue: Box<str>,
    /// Telephone numbers: their digits, negative for an organisation's; 0 when there is none.
    pub phones: [i64; 2],
    /// Hash of the mailbox; 0 when there is none.
    pub email: u64,
    /// Hash of the mailbox's domain, where that is an organisation's; 0 otherwise.
    pub domain: u64,
    /// Whether the mailbox is an organisation's (info@).
    pub office: bool,
    /// Hash of the page on the web; 0 when there is none.
    pub page: u64,
    /// Hash of the host, where that is an organisation's; 0 otherwise.
    pub site: u64,
    /// Hash of the charity number; 0 when there is none.
    pub charity: u64,
    /// Hash of the body it belongs to; 0 when none is stated.
    pub body: u64,
    /// Topics as numbers, sorted.
    pub topics: Box<[u16]>,
    /// Days of the week it meets, Monday the lowest bit.
    pub days: u8,
    /// Whether the group has ended.
    pub closed: bool,
    /// The one record of another hub that it was taken over from, as it says itself. Boxed, because few have one.
    pub copy_of: Option<Box<RecordRef>>,
    /// Hash of what the record says: the order between records that no hub's ids can change.
    pub content: u64,
}

/// A name as compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// Words that say something, in order, with one space between; no days and no numbers.
    pub words: Box<str>,
    /// Their weights.
    pub weights: Box<[u16]>,
    /// Bits of the qualifiers in it.
    pub qualifiers: u64,
    /// Hash of the numbers in it; 0 when there are none.
    pub numbers: u32,
}

/// The first 8 bytes (big-endian) of SHA-256(kind, `:`, text); never 0, which stands for nothing.
pub(super) fn hash(kind: &str, text: &str) -> u64 {
    let digest = Sha256::new().chain_update(kind).chain_update(":").chain_update(text).finalize();
    let mut first = [0u8; 8];
    first.copy_from_slice(&digest[..8]);
    u64::from_be_bytes(first).max(1)
}

/// What was read of a record on the way to its features; the keys are made of it.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub phones: Vec<String>,
    pub email: Option<String>,
    pub office: bool,
    pub page: Option<String>,
    pub site: Option<String>,
    pub charity: Option<String>,
    pub postcode: Option<Postcode>,
    /// A code of another country.
    pub foreign: Option<String>,
    pub town: String,
    /// Telling words of all names with their weights, own town's left out.
    pub words: Vec<(String, u32)>,
    pub house: String,
    pub street: String,
    pub topics: Vec<u16>,
    pub point: Option<Point>,
}

/// Reads a record: what of it is compared, and the keys under which others find it, sorted.
pub fn read(group: &Group, model: &Model) -> (Features, Vec<u64>) {
    let mut draft = Draft::default();
    let mut found = Features {
        names: Box::default(),
        town: Box::default(),
        town_qualifiers: 0,
        postcode: 0,
        outward: 0,
        point: None,
        house: 0,
        street: Box::default(),
        venue: Box::default(),
        phones: [0; 2],
        email: 0,
        domain: 0,
        office: false,
        page: 0,
        site: 0,
        charity: 0,
        body: 0,
        topics: Box::default(),
        days: days_of(&group.meetings),
        closed: group.closed(),
        copy_of: copy_of(group),
        content: content(group),
    };
    place(group, &mut found, &mut draft, model);
    names(group, &mut found, &mut draft, model);
    contacts(group, &mut found, &mut draft, model);
    if let Some(number) = group.charity.as_deref().and_then(contact::charity) {
        found.charity = hash("charity", &number);
        draft.charity = Some(number);
    }
    if let Some(to) = group.affiliation.as_ref().and_then(|body| body.to.as_deref()) {
        let words = normal::words(to);
        found.body = if words.is_empty() { 0 } else { hash("body", &words) };
    }
    let topics: BTreeSet<u16> = group.topics.iter().map(|topic| topic::number(topic)).collect();
    draft.topics = topics.iter().copied().collect();
    found.topics = topics.into_iter().collect();
    (found, block::keys(&draft))
}

fn place(group: &Group, found: &mut Features, draft: &mut Draft, model: &Model) {
    let Some(place) = &group.place else { return };
    let stated = |text: &Option<String>| text.clone().filter(|text| !text::is_placeholder(text));
    let town = stated(&place.locality).map(|text| normal::locality(&text)).unwrap_or_default();
    draft.postcode = stated(&place.postcode).and_then(|code| normal::postcode(&code)).or(town.postcode);
    let rest: Vec<&str> = town.all.iter().filter(|word| !town.head.contains(word)).map(String::as_str).collect();
    draft.town = town.head.join(" ");
    found.town = if town.all.is_empty() { Box::default() } else { format!("{}|{}", draft.town, rest.join(" ")).into() };
    found.town_qualifiers =
        town.all.iter().filter_map(|word| model.qualifier(word)).fold(0, |bits, bit| bits | 1 << bit);
    if let Some(code) = &draft.postcode {
        found.outward = hash("outward", &code.outward);
        if let Some(inward) = &code.inward {
            found.postcode = hash("postcode", &format!("{} {inward}", code.outward));
        }
    } else if let Some(code) = stated(&place.postcode) {
        // A code of another country: as it stands, for what equality says.
        let code = normal::words(&code);
        if code.bytes().any(|b| b.is_ascii_digit()) {
            found.outward = hash("outward", &code);
            draft.foreign = Some(code);
        }
    }
    let exact = place.latitude.zip(place.longitude).and_then(|(lat, lon)| Point::stated(lat, lon));
    found.point = exact.or_else(|| draft.postcode.as_ref().and_then(geo::locate).map(|located| located.point));
    draft.point = found.point;
    let address = text::address(place.venue.as_deref(), place.address.as_deref());
    draft.house = address.house.clone().unwrap_or_default();
    found.house = draft.house.trim_end_matches(|c: char| c.is_ascii_alphabetic()).parse().unwrap_or_default();
    let core = address.street_core();
    // Of a street that runs on into the town, its first word is the street's.
    draft.street = core.first().map(|word| (*word).to_owned()).unwrap_or_default();
    found.street = core.join(" ").into();
    found.venue = address.venue.join(" ").into();
}

fn names(group: &Group, found: &mut Features, draft: &mut Draft, model: &Model) {
    let town: BTreeSet<&str> = found.town.split([' ', '|']).filter(|word| !word.is_empty()).collect();
    let mut readings: Vec<Reading> = Vec::new();
    let mut days = 0;
    for name in std::iter::once(&group.name).chain(&group.other_names).take(NAMES) {
        let mut reading = Reading::default();
        let (mut words, mut weights): (Vec<String>, Vec<u16>) = (Vec::new(), Vec::new());
        for word in model.words(name).into_iter().take(WORDS) {
            if let Some(day) = weekday(&word) {
                days |= 1 << day;
            } else if word.bytes().all(|b| b.is_ascii_digit()) {
                // "Group 1" and "Group 2" are sisters.
                reading.numbers = reading.numbers.rotate_left(1) ^ (hash("number", &word) as u32 | 1);
            } else {
                // A qualifier is a word of the name as well: misspelt, it still makes names alike.
                if let Some(bit) = model.qualifier(&word).or_else(|| model.qualifier_misspelt(&word)) {
                    reading.qualifiers |= 1 << bit;
                }
                let weight = model.weight(&word);
                weights.push(weight.min(u32::from(u16::MAX)) as u16);
                if !town.contains(word.as_str()) {
                    draft.words.push((word.clone(), weight));
                }
                words.push(word);
            }
        }
        reading.words = words.join(" ").into();
        reading.weights = weights.into();
        if !readings.contains(&reading) {
            readings.push(reading);
        }
    }
    if found.days == 0 {
        found.days = days;
    }
    found.names = readings.into();
}

fn contacts(group: &Group, found: &mut Features, draft: &mut Draft, model: &Model) {
    let Some(gate) = &group.contact else { return };
    let common = &model.file.common;
    draft.phones = gate.phone.as_deref().map(contact::phones).unwrap_or_default();
    for (slot, number) in found.phones.iter_mut().zip(&draft.phones) {
        let digits: i64 = number.trim_start_matches('+').parse().unwrap_or_default();
        *slot = if contact::is_switchboard(number) { -digits } else { digits };
    }
    if let Some(email) = gate.email.as_deref().and_then(contact::email) {
        let (mailbox, domain) = email.split_once('@').unwrap_or((&email, ""));
        let own = common.mail.contains(domain);
        found.email = hash("email", &email);
        found.domain = if own { 0 } else { hash("host", domain) };
        draft.office = !own && common.mailboxes.contains(mailbox);
        found.office = draft.office;
        draft.email = Some(email);
    }
    if let Some(web) = gate.url.as_deref().and_then(contact::web) {
        let host = web.text.split(['/', '?']).next().unwrap_or_default().to_owned();
        let last = web.text.rsplit(['/', '=']).next().unwrap_or_default().to_ascii_lowercase();
        let platform = contact::is_platform(&host) || common.mail.contains(&host);
        if common.deny.contains(&host) || common.deny.contains(&web.text) {
            return;
        }
        if web.page && !common.pages.contains(&last) {
            found.page = hash("page", &web.text);
            draft.page = Some(web.text);
        }
        if !platform {
            found.site = hash("host", &host);
            draft.site = Some(host);
        }
    }
}

/// Which day of the week a word names.
fn weekday(word: &str) -> Option<u8> {
    const DAYS: [&[&str]; 7] = [
        &["monday", "mon"],
        &["tuesday", "tue", "tues"],
        &["wednesday", "wed", "weds"],
        &["thursday", "thu", "thur", "thurs"],
        &["friday", "fri"],
        &["saturday", "sat"],
        &["sunday", "sun"],
    ];
    DAYS.iter().position(|names| names.contains(&word)).map(|day| day as u8)
}

/// Days of the week, from recurrence rules or from words.
fn days_of(meetings: &[Meeting]) -> u8 {
    let mut days = 0;
    for meeting in meetings {
        let rule = meeting.rrule.as_deref().unwrap_or_default().to_ascii_uppercase();
        let by_day = rule.split(';').find_map(|part| part.trim().strip_prefix("BYDAY=").map(str::to_owned));
        if let Some(list) = by_day {
            const CODES: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
            for code in list.split(',') {
                if let Some(day) = CODES.iter().position(|known| code.trim().ends_with(known)) {
                    days |= 1 << day;
                }
            }
        } else {
            let words = normal::tokens(meeting.text.as_deref().unwrap_or_default());
            words.iter().filter_map(|word| weekday(word)).for_each(|day| days |= 1 << day);
        }
    }
    days
}

/// Of a record that several were taken together for, none: it may join no two groups that nothing else joins.
fn copy_of(group: &Group) -> Option<Box<RecordRef>> {
    match &group.sightings[..] {
        [one] => sighting::origin(one).map(Box::new),
        _ => None,
    }
}

/// Hash of what a record says of its group, whoever lists it.
fn content(group: &Group) -> u64 {
    let said = (
        (&group.name, &group.other_names, &group.description, &group.topics),
        (&group.place, &group.meetings, &group.contact, &group.charity),
    );
    hash("content", &serde_json::to_string(&said).unwrap_or_default())
}

impl Features {
    /// Bytes it takes in memory, those it points at included.
    pub fn bytes(&self) -> usize {
        let names: usize =
            self.names.iter().map(|name| size_of::<Reading>() + name.words.len() + 2 * name.weights.len()).sum();
        size_of::<Features>() + names + self.town.len() + self.street.len() + self.venue.len() + 2 * self.topics.len()
    }
}
