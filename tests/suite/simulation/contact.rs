//! Role contacts in the simulation: each hub's consent ledger, what it signs of it, who is given it, and who must hold it in the end.
//!
//! What may be signed, who may read it, when a record must be put again and how a request is signed and believed are the daemon's
//! own (`record::consent`, `feed::request`). What the end is held against ([`Ledger::may_hold`]) says the law once more,
//! in the plainest words and apart from them.

use super::hub::{Hub, Logs, Own, Partner, Truth};
use jiff::civil::Date;
use mutuald::feed::note::LogKeys;
use mutuald::feed::request::{self, Claim, Headers, Refused, Target};
use mutuald::feed::tile::WIDTH;
use mutuald::record::consent::{self, Consent, Consented, Holds, Reader};
use mutuald::record::contact::{CONTACT, ContactPart, Field, RoleContact};
use mutuald::record::statement::{Body, Kind};
use mutuald::record::{HubId, Statement, part};
use rand::RngExt;
use rand::rngs::StdRng;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use uuid::Uuid;

/// Stands in every contact and in nothing else: whatever holds it holds a contact.
pub const MARK: &str = "contact.example";

/// The day of a moment.
pub fn day(at: i64) -> Date {
    let at = jiff::Timestamp::from_second(at).unwrap();
    at.to_zoned(jiff::tz::TimeZone::UTC).date()
}

/// A contact line as its hub signed it: what it holds, and which hubs were given it.
#[derive(Clone)]
pub struct Line {
    pub line: Rc<str>,
    pub holds: Vec<Holds>,
    pub served: BTreeSet<HubId>,
}

/// Who agreed to what, and which hubs may read contact parts at all.
#[derive(Clone, Default)]
pub struct Ledger {
    contacts: BTreeMap<Uuid, Vec<(i64, RoleContact)>>,
    consents: Vec<Consent>,
    readers: BTreeSet<HubId>,
    last: i64,
}

impl Ledger {
    /// What may be signed of a record's contacts on a day.
    pub fn due(&self, id: Uuid, day: Date) -> Option<Consented> {
        consent::consented(self.contacts.get(&id)?, &self.consents, day)
    }

    /// Nothing is kept of a record's contacts.
    pub fn forget(&mut self, id: Uuid) {
        self.contacts.remove(&id);
    }

    /// A person enters, agrees, takes back, or lets a hub read; says what was done.
    pub fn change(&mut self, records: &[Uuid], hubs: &[HubId], day: Date, rng: &mut StdRng) -> Vec<&'static str> {
        let hub = hubs[rng.random_range(0..hubs.len())];
        let all: Vec<(Uuid, i64)> =
            self.contacts.iter().flat_map(|(id, all)| all.iter().map(|(n, _)| (*id, *n))).collect();
        match rng.random_range(0..100u32) {
            0..20 if !records.is_empty() => {
                let id = records[rng.random_range(0..records.len())];
                self.last += 1;
                let mut contact = RoleContact { role: "enquiries".into(), ..RoleContact::default() };
                for field in [Field::Email, Field::Phone, Field::Hours] {
                    if rng.random_bool(0.7) {
                        contact.set(field, Some(value(self.last, field)));
                    }
                }
                let of = self.contacts.entry(id).or_default();
                if of.len() == 3 {
                    return Vec::new();
                }
                of.push((self.last, contact));
                if rng.random_bool(0.7) {
                    self.agree(self.last, hubs, day, rng);
                    return vec!["contact-entered", "consent-given"];
                }
                vec!["contact-entered"]
            }
            20..25 if !all.is_empty() => {
                let (id, n) = all[rng.random_range(0..all.len())];
                self.contacts.entry(id).or_default().retain(|(of, _)| *of != n);
                vec!["contact-removed"]
            }
            25..52 if !all.is_empty() => {
                self.agree(all[rng.random_range(0..all.len())].1, hubs, day, rng);
                vec!["consent-given"]
            }
            52..70 => {
                let standing: Vec<usize> =
                    (0..self.consents.len()).filter(|at| self.consents[*at].in_force(day)).collect();
                if standing.is_empty() {
                    return Vec::new();
                }
                self.consents[standing[rng.random_range(0..standing.len())]].withdrawn = Some(day);
                vec!["consent-withdrawn"]
            }
            70..92 => Vec::from_iter(self.readers.insert(hub).then_some("reader-added")),
            92..100 => Vec::from_iter(self.readers.remove(&hub).then_some("reader-removed")),
            _ => Vec::new(),
        }
    }

    fn agree(&mut self, contact: i64, hubs: &[HubId], day: Date, rng: &mut StdRng) {
        let fields: BTreeSet<Field> = Field::ALL.into_iter().filter(|_| rng.random_bool(0.9)).collect();
        let mut readers: BTreeSet<Reader> =
            hubs.iter().filter(|_| rng.random_bool(0.6)).map(|hub| Reader::Hub(*hub)).collect();
        if rng.random_bool(0.1) {
            readers.insert(Reader::Public);
        }
        let review = day.checked_add(jiff::Span::new().days(rng.random_range(1..120))).unwrap();
        self.consents.push(Consent { contact, fields, readers, given: day, review, withdrawn: None });
    }

    /// In plain words: what of a record's contacts a hub may hold on a day. A line is read whole or not at all, so it is
    /// all that anybody may be told, when each piece of it is agreed to for this hub, and else nothing.
    pub fn may_hold(&self, id: Uuid, hub: HubId, day: Date) -> BTreeSet<String> {
        let counts = |consent: &&Consent| {
            consent.given <= day
                && consent.review >= day
                && consent.withdrawn.is_none_or(|withdrawn| withdrawn > day)
                && !consent.readers.is_empty()
        };
        let (mut signed, mut whole) = (BTreeSet::new(), self.readers.contains(&hub));
        for (n, contact) in self.contacts.get(&id).into_iter().flatten() {
            let (mut told, mut reachable) = (Vec::new(), false);
            for field in contact.fields() {
                let agreed = |consent: &&Consent| consent.contact == *n && consent.fields.contains(&field);
                let all: Vec<&Consent> = self.consents.iter().filter(counts).filter(agreed).collect();
                if all.is_empty() {
                    continue;
                }
                reachable |= matches!(field, Field::Email | Field::Phone | Field::Url);
                told.push((value(*n, field), all));
            }
            for (words, all) in told.into_iter().filter(|_| reachable) {
                let named = |consent: &&Consent| {
                    consent.readers.contains(&Reader::Public) || consent.readers.contains(&Reader::Hub(hub))
                };
                whole &= all.iter().any(named);
                signed.insert(words);
            }
        }
        if whole { signed } else { BTreeSet::new() }
    }

    /// Whether a consent was in force and is no more, without anybody's doing.
    pub fn ran_out(&self, day: Date) -> bool {
        self.consents.iter().any(|consent| consent.withdrawn.is_none() && consent.review < day)
    }
}

/// What a field of contact `n` says.
fn value(n: i64, field: Field) -> String {
    format!("{}-{n}@{MARK}", field.name())
}

impl Own {
    /// Puts again whatever is signed of contacts otherwise than the ledger allows today, as the daemon does after each change
    /// of the ledger and each new day. Returns how many records.
    pub fn tend(&mut self, now: i64, rng: &mut StdRng) -> usize {
        let today = day(now);
        let mut again = Vec::new();
        let live = self.truth.iter().filter_map(|(id, truth)| Some((*id, truth.rev, truth.says.clone()?)));
        for (id, rev, words) in live {
            let line = self.restricted.values().find(|(of, _)| *of == id).map(|(_, line)| line);
            let json = line.and_then(|line| part::json(&line.line));
            let signed = line.zip(json);
            let signed = signed.map(|(line, json)| consent::Signed { json, holds: &line.holds, served: &line.served });
            let due = self.ledger.due(id, today);
            if !consent::stands(signed, due.as_ref(), &self.ledger.consents, &self.ledger.readers, today) {
                again.push((id, rev + 1, words));
            }
        }
        for (id, rev, words) in &again {
            self.say(*id, *rev, now, Body::Put(Kind::Record), Some(words), rng);
            self.truth.insert(*id, Truth { rev: *rev, says: Some(words.clone()) });
        }
        again.len()
    }

    /// Answers a partner hub that asks for contacts.
    pub fn give(&mut self, reader: HubId, path: &str, today: Date) -> Asked {
        if !self.ledger.readers.contains(&reader) {
            return Asked::Forbidden;
        }
        self.lines_for(reader, path, today).map_or(Asked::Absent, Asked::Given)
    }

    /// The lines of a bundle for a reader: those whose consents name it, and an empty one for all others.
    fn lines_for(&mut self, reader: HubId, path: &str, today: Date) -> Option<Vec<u8>> {
        let (log, rest) = path.strip_prefix("v1/")?.split_once("/part/contact/")?;
        let (n, width) = rest.split_once(".p/").unwrap_or((rest, "256"));
        let (log, n, width) = (log.parse::<usize>().ok()? - 1, n.parse::<u64>().ok()?, width.parse::<u64>().ok()?);
        let from = (n * WIDTH) as usize;
        let until = from + width as usize;
        if until > self.logs.get(log)?.leaves.len() {
            return None;
        }
        let mut text = String::new();
        for at in from..until {
            if let Some((_, line)) = self.restricted.get_mut(&(log, at))
                && consent::may_read(&line.holds, &self.ledger.consents, reader, today)
            {
                line.served.insert(reader);
                text.push_str(&line.line);
            }
            text.push('\n');
        }
        Some(text.into_bytes())
    }
}

/// What came of a request for contacts.
pub enum Asked {
    /// Lines.
    Given(Vec<u8>),
    /// The signature is not believed, and what time it is there.
    Unbelieved(Refused, i64),
    /// This hub shares no contacts with the one that asks.
    Forbidden,
    /// There is no such bundle.
    Absent,
}

/// Signs a request for a file of a hub.
pub fn sign(of: usize, path: &str, keys: &LogKeys, at: i64) -> Headers {
    request::sign(&target(&authority(of), &format!("/{path}")), &keys.peer, at)
}

fn authority(of: usize) -> String {
    format!("hub-{of}.example")
}

fn target<'a>(authority: &'a str, path: &'a str) -> Target<'a> {
    Target { method: "GET", authority, path, query: None }
}

impl Hub {
    /// The partner hub whose key signed a request, as far as this hub knows its partners' documents.
    pub fn believes(&self, of: usize, path: &str, headers: &Headers, now: i64) -> Result<HubId, Refused> {
        let claim = Claim::read(&headers.input, &headers.signature)?;
        let found = self.partners.values().find_map(|partner| {
            let hub = partner.hub();
            let log = hub.logs.last().filter(|log| log.closed.is_none())?;
            (request::key_id(&log.peer) == claim.key_id).then(|| (hub.id, log.peer.clone()))
        });
        let (reader, key) = found.ok_or(Refused::Signature)?;
        claim.verify(&target(&authority(of), &format!("/{path}")), &key, now)?;
        Ok(reader)
    }
}

impl Partner {
    /// What a statement takes away of the contacts that are held of its record.
    pub fn contacts_after(&mut self, said: &Statement) {
        let upto = match &said.body {
            Body::Put(_) | Body::Withdraw(_) => u64::MAX,
            Body::Erase(_, upto, parts) if parts.covers(CONTACT) => {
                let known = self.erased_contacts.entry(said.id).or_default();
                *known = (*known).max(*upto);
                *upto
            }
            _ => return,
        };
        let logs = &self.logs;
        let of = |(log, at): &(usize, usize)| logs[*log].leaves.get(*at).and_then(|leaf| leaf.said.as_ref());
        self.contacts.retain(|at, _| of(at).is_some_and(|held| held.id != said.id || held.rev > upto));
    }

    /// Leaves of a log that name a contact part which stands and is not held.
    pub fn wanted(&self, log: usize) -> BTreeSet<usize> {
        let names = |at: &usize| {
            let said = self.logs[log].leaves[*at].said.as_ref()?;
            let may = self.erased_contacts.get(&said.id).is_none_or(|upto| said.rev > *upto);
            (may && said.parts.contains_key(CONTACT) && !self.contacts.contains_key(&(log, *at))).then_some(())
        };
        let named: Vec<usize> = (0..self.logs[log].leaves.len()).filter(|at| names(at).is_some()).collect();
        if named.is_empty() {
            return BTreeSet::new();
        }
        let newest = super::check::newest(&self.logs);
        named.into_iter().filter(|at| newest.contains(&super::check::pos(log, *at))).collect()
    }

    /// Takes the lines of a bundle that came, those that are what was signed; says how many were.
    pub fn take_contacts(&mut self, log: usize, n: u64, lines: &[String]) -> usize {
        let mut came = 0;
        for at in self.wanted(log).into_iter().filter(|at| *at as u64 / WIDTH == n) {
            let Some(line) = lines.get(at % WIDTH as usize).filter(|line| !line.is_empty()) else { continue };
            let said = self.logs[log].leaves[at].said.as_ref().expect("it is wanted for what it says");
            if said.parts[CONTACT] == part::digest(line.as_bytes()) {
                self.contacts.insert((log, at), line.as_str().into());
                came += 1;
            }
        }
        came
    }

    /// What is held of each record's contacts, in words.
    pub fn held_contacts(&self) -> BTreeMap<Uuid, BTreeSet<String>> {
        let mut held: BTreeMap<Uuid, BTreeSet<String>> = BTreeMap::new();
        for ((log, at), line) in &self.contacts {
            let said = self.logs[*log].leaves[*at].said.as_ref().expect("it was wanted for what it says");
            let part = ContactPart::read(part::json(line).unwrap_or_default()).expect("it was signed as one");
            let words = part.contacts.iter().flat_map(|of| of.fields().map(|field| of.get(field).unwrap().to_owned()));
            held.entry(said.id).or_default().extend(words);
        }
        held
    }
}

/// In the end each hub holds of each other's contacts exactly what it may, and no file that anybody can ask for holds any.
/// `doubted` are the pairs of reader and publisher that say nothing: a publisher that signs two histories.
pub fn check(hubs: &[Hub], doubted: impl Fn(usize) -> bool, at: impl Fn(usize) -> i64) -> (u64, u64) {
    let (mut held_lines, mut kept_back) = (0, 0);
    for (of, publisher) in hubs.iter().enumerate() {
        let marked = |bytes: &Rc<Vec<u8>>| String::from_utf8_lossy(bytes).contains(MARK);
        let told = publisher.own.files.iter().find(|(_, bytes)| marked(bytes));
        assert!(told.is_none(), "hub {of} shows a contact to everybody in {}", told.unwrap().0);
        let shows =
            |logs: &Logs| logs.leaves.iter().any(|leaf| leaf.line.as_ref().is_some_and(|line| line.contains(MARK)));
        assert!(!publisher.own.logs.iter().any(shows), "hub {of}'s public words hold a contact");
        if doubted(of) {
            continue;
        }
        let own = &publisher.own;
        for (nth, reader) in hubs.iter().enumerate().filter(|(nth, _)| *nth != of) {
            let mut held = reader.partners[&of].held_contacts();
            for (id, truth) in &own.truth {
                let may = own.ledger.may_hold(*id, reader.own.id(), day(at(of)));
                let may = if truth.says.is_some() { may } else { BTreeSet::new() };
                let holds = held.remove(id).unwrap_or_default();
                assert_eq!(holds, may, "what hub {nth} holds of {of}'s contacts for {id}");
                held_lines += u64::from(!holds.is_empty());
                let signed = own.restricted.values().any(|(of, _)| of == id);
                kept_back += u64::from(signed && holds.is_empty());
            }
            assert!(held.is_empty(), "hub {nth} holds contacts of records that {of} does not have");
            // A key that was given up opens nothing any more.
            for (generation, keys) in reader.own.keys.iter().enumerate().rev().skip(1) {
                let path = "v1/1/part/contact/000";
                let now = at(of);
                let met = publisher.believes(of, path, &sign(of, path, keys, now), now);
                assert!(met.is_err(), "hub {of} believes key {generation} of hub {nth}, which was given up");
            }
        }
    }
    (held_lines, kept_back)
}
