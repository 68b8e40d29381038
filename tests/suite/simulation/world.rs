//! Hubs, the network between them, and what befalls both. Everything that happens is drawn from the seed.

use super::check;
use super::contact::{self, Asked};
use super::count::Count;
use super::hub::{Hub, Own, Partner, Truth, opened, uuid};
use super::pull::{End, Next, Pull};
use mutuald::feed::Checkpoint;
use mutuald::feed::note::{ED25519, SigningKey};
use mutuald::feed::request::Refused;
use mutuald::feed::seen;
use mutuald::record::group::Assured;
use mutuald::record::statement::{Body, ErasedParts, Judgement, Kind, Prefer, Revision};
use mutuald::record::{HubId, RecordRef, Statement};
use mutuald::registry::policy::Policy;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::BTreeMap;
use std::rc::Rc;
use uuid::Uuid;

/// How one hub lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    /// Nobody does.
    None,
    /// It signs one history for some and another for others.
    Fork,
    /// Words do not come, or not as signed.
    Withhold,
    /// Any byte of any answer may be another.
    Alter,
    /// Leaves in its log that other keys signed, or that break the rules.
    Forge,
    /// It accuses others by checkpoints that they never signed.
    Accuse,
    /// It answers with what it said long ago.
    Replay,
    /// Somebody has the log key of an honest hub, and uses it.
    Thief,
}

const LIES: [Lie; 8] =
    [Lie::None, Lie::Fork, Lie::Withhold, Lie::Alter, Lie::Forge, Lie::Accuse, Lie::Replay, Lie::Thief];

impl Lie {
    fn name(self) -> &'static str {
        match self {
            Lie::None => "lie-none",
            Lie::Fork => "lie-fork",
            Lie::Withhold => "lie-withhold",
            Lie::Alter => "lie-alter",
            Lie::Forge => "lie-forge",
            Lie::Accuse => "lie-accuse",
            Lie::Replay => "lie-replay",
            Lie::Thief => "lie-thief",
        }
    }
}

/// A pull that waits for an answer.
struct Waiting {
    reader: usize,
    pull: Pull,
    path: String,
    /// When it asked, among all requests.
    asked: u64,
    /// The answer before this one.
    before: Option<Rc<Vec<u8>>>,
}

const YEAR: i64 = 365 * 86_400;

pub struct World {
    seed: u64,
    rng: StdRng,
    pub hubs: Vec<Hub>,
    pub lie: Lie,
    /// Who lies, or whose key was stolen.
    pub liar: usize,
    /// The other history: shown to hubs with odd numbers.
    other: Option<Own>,
    pulls: Vec<Waiting>,
    asked: u64,
    pub count: Count,
    /// Which side of a partition each hub is on.
    side: Vec<u8>,
    /// What stood at a place before: what caches and liars still have.
    past: BTreeMap<(usize, String), Vec<Rc<Vec<u8>>>>,
    backups: BTreeMap<usize, BTreeMap<usize, Partner>>,
    now: i64,
    healing: bool,
    /// Whether the words of groups are few, so that links and choices meet.
    words: usize,
}

impl World {
    pub fn new(seed: u64) -> World {
        let mut rng = StdRng::seed_from_u64(seed);
        let hubs = 6 + rng.random_range(0..3usize);
        let lie = LIES[rng.random_range(0..LIES.len())];
        let owns: Vec<Own> = (0..hubs).map(|nth| Own::new(nth, seed)).collect();
        let partners = |of: usize| -> BTreeMap<usize, Partner> {
            owns.iter().enumerate().filter(|(nth, _)| *nth != of).map(|(nth, own)| (nth, Partner::new(own))).collect()
        };
        let all: Vec<BTreeMap<usize, Partner>> = (0..hubs).map(partners).collect();
        let side = vec![0; hubs];
        let hubs =
            owns.into_iter().zip(all).map(|(own, partners)| Hub { own, partners, clock: 0 }).collect::<Vec<Hub>>();
        let liar = rng.random_range(0..side.len());
        let words = rng.random_range(2..6);
        let mut count = Count::default();
        count.one(lie.name());
        World {
            seed,
            rng,
            hubs,
            lie,
            liar,
            other: None,
            pulls: Vec::new(),
            asked: 0,
            count,
            side,
            past: BTreeMap::new(),
            backups: BTreeMap::new(),
            now: 1_790_000_000,
            healing: false,
            words,
        }
    }

    fn any(&mut self) -> usize {
        self.rng.random_range(0..self.hubs.len())
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.rng.random_range(0..100u32) < percent
    }

    fn at(&self, hub: usize) -> i64 {
        self.now + self.hubs[hub].clock
    }

    /// One thing happens.
    pub fn step(&mut self) {
        self.now += self.rng.random_range(0..3_600);
        let hub = self.any();
        match self.rng.random_range(0..100u32) {
            0..9 => self.speak(hub),
            9..16 => self.agree(hub),
            16..20 => {
                let now = self.at(hub);
                self.tend(hub);
                self.hubs[hub].own.publish(now);
                self.count.one("published");
            }
            20..36 => (0..self.rng.random_range(1..6)).for_each(|_| self.write(hub)),
            36..50 => self.begin(hub),
            50..90 => (0..self.rng.random_range(1..4)).for_each(|_| self.go_on()),
            90..92 => self.crash(hub),
            92..94 => {
                let before = self.hubs[hub].clock;
                // Half of the time somebody has put it right.
                self.hubs[hub].clock = if self.chance(50) { 0 } else { self.rng.random_range(-10 * YEAR..10 * YEAR) };
                self.count.one("clock-wrong");
                self.count.many("clock-back", u64::from(self.hubs[hub].clock < before));
            }
            94..96 => {
                self.count.one("parted");
                let cut = if self.chance(50) { 30 } else { 0 };
                for at in 0..self.side.len() {
                    self.side[at] = u8::from(self.chance(cut));
                }
            }
            96..98 => {
                let of = self.any();
                self.gossip(hub, of);
            }
            98 if self.chance(30) => self.backup(hub),
            _ => self.misuse(),
        }
    }

    /// Whether a hub says nothing since its key was stolen: the thief's words follow its own in one history, until the root
    /// key ends it. Of other networks the hub goes on, and there are two.
    fn silent(&self, hub: usize) -> bool {
        self.lie == Lie::Thief && hub == self.liar && self.other.is_some() && self.seed.is_multiple_of(2)
    }

    /// A hub's people do something.
    fn speak(&mut self, hub: usize) {
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
    fn agree(&mut self, hub: usize) {
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
    fn tend(&mut self, hub: usize) {
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
    fn write(&mut self, hub: usize) {
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
    fn misuse(&mut self) {
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

    fn begin(&mut self, reader: usize) {
        let of = self.any();
        let busy = self.pulls.iter().any(|waiting| waiting.reader == reader && waiting.pull.of == of);
        if of != reader && !busy {
            // Now and then another hub is asked, which relays what it holds.
            let via = if self.chance(15) { self.any() } else { of };
            let (mut pull, path) = Pull::start(of, if via == reader { of } else { via });
            // Whoever shows two histories errs now and then as to whom it shows which.
            pull.astray = self.lie == Lie::Fork && self.chance(25);
            self.asked += 1;
            self.pulls.push(Waiting { reader, pull, path, asked: self.asked, before: None });
        }
    }

    /// One answer reaches whoever asked; which one, the seed says.
    fn go_on(&mut self) {
        if self.pulls.is_empty() {
            return;
        }
        let nth = self.rng.random_range(0..self.pulls.len());
        let Waiting { reader, mut pull, path, asked, before } = self.pulls.swap_remove(nth);
        self.count.many("overtaken", u64::from(self.pulls.iter().any(|other| other.asked < asked)));
        let (next, answer) = self.answer(reader, &mut pull, path, before);
        if let Next::Ask(path) = next {
            self.asked += 1;
            self.pulls.push(Waiting { reader, pull, path, asked: self.asked, before: answer });
        }
    }

    /// Asks for a file, and gives the pull what came: what follows, and the answer.
    fn answer(
        &mut self,
        reader: usize,
        pull: &mut Pull,
        path: String,
        before: Option<Rc<Vec<u8>>>,
    ) -> (Next, Option<Rc<Vec<u8>>>) {
        let (of, via) = (pull.of, pull.via);
        let honest = match path.contains("/part/contact/") {
            true if self.side[reader] != self.side[of] => None,
            true => match self.ask_contacts(reader, pull, &path) {
                Asked::Given(lines) => Some(Rc::new(lines)),
                Asked::Unbelieved(Refused::Time, theirs) => {
                    let offset = theirs - self.at(reader);
                    return (pull.refused(path, offset), None);
                }
                Asked::Unbelieved(..) => {
                    self.count.one("contact-unbelieved");
                    None
                }
                Asked::Forbidden => {
                    self.count.one("contact-forbidden");
                    None
                }
                Asked::Absent => None,
            },
            false if via != of => self.relayed(via, of, &path),
            false => self.shown(reader, pull).files.get(&path).cloned(),
        };
        let doubled = !self.healing && before.is_some() && self.chance(2);
        let answer = match doubled {
            true => {
                self.count.one("doubled");
                before
            }
            false => self.on_the_way(reader, pull, &path, honest),
        };
        let partner = self.hubs[reader].partners.get_mut(&of).expect("a partner");
        let next = pull.answer(partner, answer.clone());
        std::mem::take(&mut pull.met).into_iter().for_each(|what| self.count.one(what));
        if let Next::Over(end) = &next {
            self.count.one(match end {
                End::Complete => "pull-complete",
                End::Stale => "pull-stale",
                End::Failed => "pull-failed",
                End::Disputed => "pull-disputed",
            });
        }
        (next, answer)
    }

    /// Which of a hub's histories a reader is shown.
    fn shown(&mut self, reader: usize, pull: &Pull) -> &mut Own {
        let to_other = pull.of == self.liar && (reader % 2 == 1) != pull.astray;
        match &mut self.other {
            Some(other) if to_other => {
                self.count.one("shown-other");
                other
            }
            _ => &mut self.hubs[pull.of].own,
        }
    }

    /// What a signed request for contacts brings.
    fn ask_contacts(&mut self, reader: usize, pull: &Pull, path: &str) -> Asked {
        let of = pull.of;
        let keys = self.hubs[reader].own.keys.last().expect("a hub has keys");
        let (headers, now) = (contact::sign(of, path, keys, self.at(reader) + pull.offset), self.at(of));
        match self.hubs[of].believes(of, path, &headers, now) {
            Err(refused) => Asked::Unbelieved(refused, now),
            Ok(hub) => self.shown(reader, pull).give(hub, path, contact::day(now)),
        }
    }

    /// A file of a hub as another relays it: from what it holds.
    fn relayed(&mut self, via: usize, of: usize, path: &str) -> Option<Rc<Vec<u8>>> {
        self.count.one("relayed");
        let partner = &self.hubs[via].partners[&of];
        let behind = partner.logs.last()?.leaves.len() < self.hubs[of].own.logs.last()?.leaves.len();
        let file = partner.relay(path);
        self.count.many("relay-behind", u64::from(behind));
        file.map(Rc::new)
    }

    /// What becomes of an answer on its way, and what whoever gives it makes of it.
    fn on_the_way(
        &mut self,
        reader: usize,
        pull: &Pull,
        path: &str,
        honest: Option<Rc<Vec<u8>>>,
    ) -> Option<Rc<Vec<u8>>> {
        let from = pull.via;
        if self.side[reader] != self.side[from] {
            self.count.one("cut-off");
            return None;
        }
        // Erased words come again for ever: there is always somebody who did not erase.
        if path.contains("/part/public/") && self.rng.random_range(0..100u32) < 20 {
            let whose = if from == pull.of { self.shown(reader, pull) } else { &mut self.hubs[pull.of].own };
            let again = honest.map(|bytes| (whose.unerased(path, &bytes), bytes));
            self.count.many("unerased", u64::from(again.as_ref().is_some_and(|(again, bytes)| *again != **bytes)));
            return again.map(|(again, _)| Rc::new(again));
        }
        if self.healing {
            return honest;
        }
        let past = match from == pull.of {
            true => self.past.get(&(from, path.to_owned())).cloned().unwrap_or_default(),
            false => Vec::new(),
        };
        let lies = from == self.liar;
        match self.rng.random_range(0..100u32) {
            // Lost, broken off, or refused.
            0..4 => {
                self.count.one("lost");
                None
            }
            // A cache on the way, or the wrong file altogether.
            4..10 if !past.is_empty() => {
                self.count.one("stale");
                Some(past[self.rng.random_range(0..past.len())].clone())
            }
            10..12 => {
                let all: Vec<_> = self.hubs[from].own.files.values().cloned().collect();
                self.count.one("mixed-up");
                (!all.is_empty()).then(|| all[self.rng.random_range(0..all.len())].clone())
            }
            _ if lies && self.lie == Lie::Withhold && path.contains("/part/") && self.rng.random_bool(0.5) => {
                self.count.one("withheld");
                honest.map(|bytes| Rc::new(bytes.iter().filter(|b| **b == b'\n').copied().collect()))
            }
            12..60 if lies && self.lie == Lie::Alter => honest.map(|bytes| {
                let mut bytes = bytes.to_vec();
                if !bytes.is_empty() {
                    let at = self.rng.random_range(0..bytes.len());
                    bytes[at] ^= 1 << self.rng.random_range(0..8u32);
                    self.count.one("altered");
                }
                Rc::new(bytes)
            }),
            12..60 if lies && self.lie == Lie::Replay && !past.is_empty() => {
                self.count.one("replayed");
                Some(past[0].clone())
            }
            _ => honest,
        }
    }

    /// Everything that is not on the disk is gone.
    fn crash(&mut self, hub: usize) {
        self.count.one("crashed");
        self.count.many("crashed-publishing", u64::from(!self.hubs[hub].own.writing.is_empty()));
        self.hubs[hub].own.writing.clear();
        let before = self.pulls.len();
        self.pulls.retain(|waiting| waiting.reader != hub);
        self.count.many("crashed-pulling", (before - self.pulls.len()) as u64);
    }

    /// A reader's copy of others is kept aside, or put back.
    fn backup(&mut self, hub: usize) {
        match self.backups.remove(&hub) {
            Some(old) if self.rng.random_bool(0.5) => {
                self.crash(hub);
                self.count.one("put-back");
                self.hubs[hub].partners = old;
            }
            _ => {
                self.count.one("kept-aside");
                self.backups.insert(hub, self.hubs[hub].partners.clone());
            }
        }
    }

    /// A hub reads what another has seen of others.
    fn gossip(&mut self, reader: usize, by: usize) {
        if reader == by || self.side[reader] != self.side[by] {
            return;
        }
        let now = self.at(by);
        self.count.one("gossip");
        let mut bytes = self.hubs[by].seen(now);
        if by == self.liar && self.lie == Lie::Accuse {
            let notes: Vec<Vec<u8>> = self
                .hubs
                .iter()
                .map(|hub| {
                    let name = hub.own.keys.last().unwrap().log.public().name().to_owned();
                    let keys = mutuald::feed::LogKeys::from_seed(&name, &[9; 32]);
                    Checkpoint { size: 1, root: [6; 32], time: 9 }.sign(&keys).into_bytes()
                })
                .collect();
            self.count.one("accused");
            bytes = seen::write(notes.iter().map(Vec::as_slice));
        }
        self.hear(reader, &bytes);
    }

    fn hear(&mut self, reader: usize, bytes: &[u8]) {
        let mut told = 0;
        for note in seen::read(bytes) {
            let origin = seen::origin(note).map(str::to_owned);
            for partner in self.hubs[reader].partners.values_mut() {
                let hub = partner.hub();
                for (nth, is) in hub.logs.iter().enumerate().filter(|(_, is)| is.closed.is_none()) {
                    if origin.as_deref() != Some(is.key.name()) {
                        continue;
                    }
                    let Some(theirs) = opened(note, is) else { continue };
                    let held = &partner.logs[nth];
                    if theirs.size <= held.leaves.len() as u64 && held.root_at(theirs.size) != theirs.root {
                        let first = held.known.clone().unwrap_or_default();
                        partner.disputed = Some([first, Rc::new(note.to_vec())]);
                        told += 1;
                    }
                }
            }
        }
        self.count.many("fork-told", told);
    }

    /// Faults end; everybody publishes, pulls everybody, and compares notes.
    pub fn heal(&mut self) {
        self.side.fill(0);
        self.pulls.clear();
        if self.lie == Lie::Thief && self.other.take().is_some() {
            // The theft is noticed: the root key closes the log at the hub's own last word.
            let (hub, now) = (self.liar, self.at(self.liar));
            let mut rng = StdRng::seed_from_u64(self.rng.random());
            let keep = self.hubs[hub].own.logs.last().unwrap().leaves.len() as u64;
            self.hubs[hub].own.rollover(hub, keep, now, self.seed, &mut rng);
            self.count.one("theft-ended");
        }
        self.healing = true;
        let hubs = self.hubs.len();
        for _ in 0..3 {
            for hub in 0..hubs {
                let now = self.at(hub);
                self.tend(hub);
                self.hubs[hub].own.publish(now);
                if hub == self.liar
                    && let Some(other) = &mut self.other
                {
                    other.publish(now);
                }
                while !self.hubs[hub].own.writing.is_empty()
                    || hub == self.liar && self.other.as_ref().is_some_and(|other| !other.writing.is_empty())
                {
                    self.write(hub);
                }
            }
            for reader in 0..hubs {
                for of in (0..hubs).filter(|of| *of != reader) {
                    self.whole_pull(reader, of);
                }
            }
            for by in 0..hubs {
                let seen = self.hubs[by].seen(self.at(by));
                for reader in (0..hubs).filter(|reader| *reader != by) {
                    self.hear(reader, &seen);
                }
            }
        }
    }

    fn whole_pull(&mut self, reader: usize, of: usize) -> End {
        let (mut pull, mut path) = Pull::start(of, of);
        for _ in 0..200 {
            match self.answer(reader, &mut pull, path, None).0 {
                Next::Ask(next) => path = next,
                Next::Over(end) => return end,
            }
        }
        panic!("hub {reader}'s pull of {of} does not end");
    }

    /// What must be true whatever happened.
    pub fn check(&mut self, policy: &Policy) {
        let honest = |hub: usize| hub != self.liar || matches!(self.lie, Lie::None | Lie::Thief);
        for (of, publisher) in self.hubs.iter().enumerate() {
            let own = &publisher.own;
            if honest(of) {
                let told = check::told(&own.logs, &own.erased);
                assert_eq!(told, own.truth, "hub {of}'s own log says what it means");
            }
            for (reader, hub) in self.hubs.iter().enumerate().filter(|(reader, _)| *reader != of) {
                let partner = &hub.partners[&of];
                // Nobody who signs one history is accused.
                if honest(of) || !matches!(self.lie, Lie::Fork) {
                    assert!(partner.disputed.is_none(), "hub {reader} accuses {of}, which signed one history");
                }
                if partner.disputed.is_some() || of == self.liar && self.lie == Lie::Fork {
                    continue;
                }
                // Nothing forged, lost or come back; nothing held that was erased.
                let held = check::told(&partner.logs, &partner.erased);
                assert_eq!(held, own.truth, "what hub {reader} holds of {of}");
                // No word that protects a place is lost, and none is made less by whoever may not.
                let words = (check::standing_words(&partner.logs), check::standing_words(&own.logs));
                assert_eq!(words.0, words.1, "what hub {reader} knows of what {of} protects");
                assert!(!check::holds(&partner.logs, &own.gone), "hub {reader} holds words that {of} erased");
            }
            let shows = check::shows(&own.files, &own.gone);
            assert!(!shows || self.lie == Lie::Fork && of == self.liar, "hub {of} still serves words that it erased");
        }
        // Who holds a contact in the end is exactly who may.
        let doubted = |of: usize| of == self.liar && self.lie == Lie::Fork;
        let (held, kept_back) = contact::check(&self.hubs, doubted, |hub| self.at(hub));
        self.count.many("contact-held", held);
        self.count.many("contact-not-held", kept_back);
        let ran_out = |of: &usize| self.hubs[*of].own.ledger.ran_out(contact::day(self.at(*of)));
        let ran_out = (0..self.hubs.len()).filter(ran_out).count() as u64;
        let views = self.hubs.iter().filter_map(|hub| hub.partners.get(&self.liar));
        let warned = views.filter(|partner| partner.disputed.is_some()).count() as u64;
        self.count.many("consent-ran-out", ran_out);
        self.count.many("warned", warned);
        if self.lie == Lie::Fork {
            self.check_fork();
        }
        // Equal inputs, equal digests.
        let (mut known, mut compared) = (BTreeMap::new(), 0);
        for (nth, hub) in self.hubs.iter().enumerate() {
            let digest = check::digest(hub, policy);
            compared += 1;
            let first = known.entry(check::inputs(hub)).or_insert_with(|| (nth, digest.clone()));
            assert_eq!(first.1, digest, "hubs {} and {nth} hold the same, and make other registries of it", first.0);
        }
        self.count.many("digests-compared", compared);
        if self.lie != Lie::Fork {
            assert_eq!(known.len(), 1, "everybody can reach everybody, and holds something else");
        }
    }

    /// Of a hub that signed two histories, any two that are not warned hold the same one; and each warning is a proof.
    fn check_fork(&self) {
        let views: Vec<(usize, &Partner)> =
            self.hubs.iter().enumerate().filter_map(|(nth, hub)| Some((nth, hub.partners.get(&self.liar)?))).collect();
        for (nth, partner) in &views {
            if let Some([one, two]) = &partner.disputed {
                let is = partner.hub().logs.last().unwrap().clone();
                let open = |note: &[u8]| opened(note, &is);
                assert!(open(one).is_some() && open(two).is_some() && one != two, "hub {nth} accuses without proof");
            }
        }
        let calm: Vec<_> = views.iter().filter(|(_, partner)| partner.disputed.is_none()).collect();
        for (a, one) in &calm {
            for (b, two) in &calm {
                for (x, y) in one.logs.iter().zip(&two.logs) {
                    let fits = x.leaves.iter().zip(&y.leaves).all(|(x, y)| x.hash == y.hash);
                    assert!(fits, "hubs {a} and {b} hold two histories of {} and neither knows", self.liar);
                }
            }
        }
    }
}
