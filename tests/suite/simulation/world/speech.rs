//! What hubs say: their own words, and those of a thief who has a key.

use super::{Lie, World};
use crate::simulation::hub::{Own, Truth, uuid};
use crate::simulation::{check, contact};
use mutuald::feed::note::{ED25519, SigningKey};
use mutuald::record::group::Assured;
use mutuald::record::statement::{Body, ErasedParts, Judgement, Kind, Prefer, Revision};
use mutuald::record::{HubId, RecordRef, Statement};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::BTreeMap;
use uuid::Uuid;

impl World {
    /// Whether a hub says nothing since its key was stolen: the thief's words follow its own in one history, until the root
    /// key ends it. Of other networks the hub goes on, and there are two.
    fn silent(&self, hub: usize) -> bool {
        self.lie == Lie::Thief && hub == self.liar && self.other.is_some() && self.seed.is_multiple_of(2)
    }

    /// A hub's people do something.
    pub(super) fn speak(&mut self, hub: usize) {
        let now = self.at(hub);
        if self.silent(hub) {
            let mut other = self.other.take().expect("a thief has begun");
            self.other = Some(other.clone());
            self.say(&mut other, hub, now);
            self.other = Some(other);
            return;
        }
        let mut own = std::mem::replace(&mut self.hubs[hub].own, Own::new(hub, self.seed));
        self.say(&mut own, hub, now);
        self.hubs[hub].own = own;
        if hub == self.liar
            && let Some(mut other) = self.other.take()
        {
            // It stays in its place meanwhile: only root keys begin a log, and only the first history has them.
            self.other = Some(other.clone());
            if self.chance(50) {
                self.say(&mut other, hub, now);
            }
            self.other = Some(other);
        }
    }

    /// A hub's people say whose contacts may be told to whom, and what is signed follows at once.
    pub(super) fn agree(&mut self, hub: usize) {
        if self.silent(hub) {
            return;
        }
        let mut rng = StdRng::seed_from_u64(self.rng.random());
        let today = contact::day(self.at(hub));
        let others: Vec<HubId> =
            (0..self.hubs.len()).filter(|of| *of != hub).map(|of| self.hubs[of].own.id()).collect();
        let own = &mut self.hubs[hub].own;
        let live: Vec<Uuid> = own.truth.iter().filter(|(_, truth)| truth.says.is_some()).map(|(id, _)| *id).collect();
        let done = own.ledger.change(&live, &others, today, &mut rng);
        done.into_iter().for_each(|what| self.count.one(what));
        self.tend(hub);
    }

    /// What is signed of contacts is brought to what the ledger allows: after each change, at start-up and on each new day.
    pub(super) fn tend(&mut self, hub: usize) {
        if self.silent(hub) {
            return;
        }
        let mut rng = StdRng::seed_from_u64(self.rng.random());
        let now = self.at(hub);
        let own = &mut self.hubs[hub].own;
        if own.logs.last().is_some_and(|log| log.leaves.len() < 450) {
            let again = own.tend(now, &mut rng) as u64;
            self.count.many("contacts-tended", again);
        }
    }

    fn group(&mut self) -> String {
        let (name, place) = (self.rng.random_range(0..self.words), self.rng.random_range(0..2));
        let name =
            ["Stroke Carers", "Bereaved Parents", "Anxiety Circle", "Diabetes Peers", "Hearing Voices"][name % 5];
        let (postcode, room) = (check::POSTCODES[place], check::ROOM);
        let more = self.rng.random_range(0..1_000u32);
        format!(
            r#"{{"name":"{name} Group","description":"{room} {more}","where":{{"postcode":"{postcode}"}},"url":"https://{}.example.org/"}}"#,
            name.to_lowercase().replace(' ', "-")
        )
    }

    fn record(&mut self, own: &Own) -> Option<(Uuid, Truth)> {
        let count = own.truth.len();
        let nth = self.rng.random_range(0..count.max(1));
        own.truth.iter().nth(nth).map(|(id, truth)| (*id, truth.clone()))
    }

    fn reference(&mut self, reader: usize) -> Option<RecordRef> {
        let of = self.any();
        let (hub, ids): (_, Vec<Uuid>) = if of == reader {
            return None;
        } else {
            let partner = self.hubs[reader].partners.get(&of)?;
            (partner.hub().id, check::fold(&partner.logs).into_keys().collect())
        };
        (!ids.is_empty()).then(|| RecordRef { hub, rec: ids[self.rng.random_range(0..ids.len())] })
    }

    /// A record of its own, or one that it holds of another.
    fn any_record(&mut self, own: &Own, reader: usize) -> Option<RecordRef> {
        let of = if self.chance(40) { self.record(own) } else { None };
        of.map(|(rec, _)| RecordRef { hub: own.id(), rec }).or_else(|| self.reference(reader))
    }

    fn say(&mut self, own: &mut Own, hub: usize, now: i64) {
        let mut rng = StdRng::seed_from_u64(self.rng.random());
        let short = own.logs.last().is_some_and(|log| log.leaves.len() < 400);
        match self.rng.random_range(0..100u32) {
            0..35 if short => {
                let (id, json) = (uuid(&mut rng), self.group());
                self.count.one("put");
                own.say(id, 1, now, Body::Put(Kind::Record), Some(&json), &mut rng);
                own.truth.insert(id, Truth { rev: 1, says: Some(json) });
            }
            35..55 => {
                let Some((id, truth)) = self.record(own) else { return };
                let (rev, json) = (truth.rev + 1, self.group());
                self.count.one("changed");
                own.say(id, rev, now, Body::Put(Kind::Record), Some(&json), &mut rng);
                own.truth.insert(id, Truth { rev, says: Some(json) });
            }
            55..62 => {
                let Some((id, truth)) = self.record(own) else { return };
                self.count.one("withdrawn");
                own.say(id, truth.rev, now, Body::Withdraw(Kind::Record), None, &mut rng);
                own.truth.insert(id, Truth { says: None, ..truth });
            }
            62..68 => {
                let Some((id, truth)) = self.record(own) else { return };
                let assured = Assured { date: "2026-08-01".parse().unwrap(), method: "phone".into(), by: "hub".into() };
                self.count.one("affirmed");
                own.say(id, truth.rev, now, Body::Affirm(Kind::Record, assured), None, &mut rng);
            }
            68..76 => {
                let Some((id, truth)) = self.record(own) else { return };
                self.count.one("erased");
                let body = Body::Erase(Kind::Record, truth.rev, ErasedParts::All);
                own.say(id, truth.rev, now, body, None, &mut rng);
                // What was served until now is in caches, and with liars, for long.
                for (path, bytes) in own.files.iter().filter(|(path, _)| path.contains("/part/")) {
                    self.past.entry((hub, path.clone())).or_default().push(bytes.clone());
                }
                own.erase(id, truth.rev);
                own.truth.insert(id, Truth { says: None, ..truth });
            }
            76..86 => {
                let (Some(a), Some(b)) = (self.any_record(own, hub), self.any_record(own, hub)) else { return };
                let judgement = [Judgement::Same, Judgement::Different, Judgement::None][self.rng.random_range(0..3)];
                if a != b {
                    self.count.one("linked");
                    own.say(uuid(&mut rng), 1, now, Body::Link { a, b, judgement }, None, &mut rng);
                }
            }
            86..89 => {
                // How far a place may be known, of its own record or another's; less than before only as two people say it.
                let of = self.record(own).map(|(rec, _)| RecordRef { hub: own.id(), rec });
                let Some(on) = (if self.chance(60) { of } else { self.reference(hub) }) else { return };
                let level = ["open", "approximate", "contact-first", "unlisted", "sealed"][self.rng.random_range(0..5)];
                self.count.one("level-said");
                let lowered = self.chance(20).then(|| ["trustee".to_owned(), "coordinator".to_owned()]);
                // Often under the id of an earlier word.
                let nth = self.rng.random_range(0..own.words.len() + 1);
                let id = own.words.get(nth).copied().unwrap_or_else(|| uuid(&mut rng));
                own.words.push(id);
                self.count.many("level-lowered", u64::from(lowered.is_some()));
                let body = Body::Safety { on, level: level.into(), lowered };
                own.say(id, own.words.len() as u64, now, body, None, &mut rng);
            }
            89..94 => {
                let (Some(on), Some(of)) = (self.any_record(own, hub), self.any_record(own, hub)) else { return };
                let prefer = Prefer::Value(Revision { record: of, rev: 1 });
                self.count.one("chosen");
                let body = Body::Choose { on, field: "description".into(), prefer, over: Vec::new() };
                own.say(uuid(&mut rng), 1, now, body, None, &mut rng);
            }
            94 => {
                // A class that no public words are of: they stay, and the record's contacts go.
                let Some((id, truth)) = self.record(own) else { return };
                let parts = ErasedParts::Classes(vec!["contact".into()]);
                own.say(id, truth.rev, now, Body::Erase(Kind::Record, truth.rev, parts), None, &mut rng);
                own.erase_contacts(id);
                self.count.one("contacts-erased");
            }
            95..97 if own.logs.len() < 4 && self.other.is_none() => {
                let keep = own.logs.last().map_or(0, |log| log.leaves.len()) as u64;
                own.rollover(hub, keep, now, self.seed, &mut rng);
                self.count.one("rolled-over");
            }
            _ => {}
        }
    }

    /// One file of what is being published is put in place.
    pub(super) fn write(&mut self, hub: usize) {
        if let Some((path, bytes)) = self.hubs[hub].own.writing.pop() {
            self.count.many("published-whole", u64::from(self.hubs[hub].own.writing.is_empty()));
            let before = self.hubs[hub].own.files.insert(path.clone(), bytes.clone());
            if let Some(before) = before.filter(|before| *before != bytes) {
                let past = self.past.entry((hub, path)).or_default();
                past.push(before);
                if past.len() > 4 {
                    past.remove(0);
                }
            }
        }
        if hub == self.liar
            && let Some(other) = &mut self.other
            && let Some((path, bytes)) = other.writing.pop()
        {
            other.files.insert(path, bytes);
        }
    }

    /// The lie that needs a deed of its own: a second history begins, or goes on.
    pub(super) fn misuse(&mut self) {
        let (hub, now) = (self.liar, self.at(self.liar));
        match self.lie {
            Lie::Forge => return self.forge(hub, now),
            Lie::Fork | Lie::Thief => {}
            _ => return,
        }
        self.count.one("two-histories");
        let mut other = self.other.take().unwrap_or_else(|| self.hubs[hub].own.clone());
        for _ in 0..3 {
            let logs = other.logs.len();
            self.other = Some(other.clone());
            self.say(&mut other, hub, now);
            assert_eq!(other.logs.len(), logs, "only root keys begin a log");
        }
        other.publish(now);
        self.other = Some(other);
    }

    /// Leaves that the log's key did not sign: they stand in its tree, and say nothing.
    fn forge(&mut self, hub: usize, now: i64) {
        let mut rng = StdRng::seed_from_u64(self.rng.random());
        let mut own = self.hubs[hub].own.clone();
        if let Some((id, truth)) = self.record(&own) {
            let at = jiff::Timestamp::from_second(now).unwrap();
            let body = Body::Withdraw(Kind::Record);
            let statement = Statement { id, rev: truth.rev + 1, at, parts: BTreeMap::new(), replaces: None, body };
            let stranger = SigningKey::new("stranger", ED25519, &[77; 32]);
            own.say_void(stranger.note(&statement.text().unwrap()).into_bytes());
        }
        own.say_void(vec![0xff; 40]);
        self.count.one("forged");
        // Under this hub's key, words about another's record are this hub's own: ids are scoped by hub.
        if let Some(theirs) = self.reference(hub) {
            let json = self.group();
            let rev = own.truth.get(&theirs.rec).map_or(9, |truth| truth.rev + 1);
            own.say(theirs.rec, rev, now, Body::Put(Kind::Record), Some(&json), &mut rng);
            own.truth.insert(theirs.rec, Truth { rev, says: Some(json) });
        }
        self.hubs[hub].own = own;
    }
}
