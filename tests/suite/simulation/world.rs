//! Hubs, the network between them, and what befalls both. Everything that happens is drawn from the seed.

use super::check;
use super::hub::{Hub, Own, Partner, Truth, opened, uuid};
use super::pull::{End, Next, Pull};
use mutuald::feed::Checkpoint;
use mutuald::feed::note::{ED25519, SigningKey};
use mutuald::feed::seen;
use mutuald::record::group::Assured;
use mutuald::record::statement::{Body, ErasedParts, Judgement, Kind, Prefer, Revision};
use mutuald::record::{RecordRef, Statement};
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
    pulls: Vec<(usize, Pull, String)>,
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
        let count = 6 + rng.random_range(0..3usize);
        let lie = LIES[rng.random_range(0..LIES.len())];
        let owns: Vec<Own> = (0..count).map(|nth| Own::new(nth, seed)).collect();
        let partners = |of: usize| -> BTreeMap<usize, Partner> {
            owns.iter().enumerate().filter(|(nth, _)| *nth != of).map(|(nth, own)| (nth, Partner::new(own))).collect()
        };
        let all: Vec<BTreeMap<usize, Partner>> = (0..count).map(partners).collect();
        let hubs =
            owns.into_iter().zip(all).map(|(own, partners)| Hub { own, partners, clock: 0 }).collect::<Vec<Hub>>();
        let liar = rng.random_range(0..count);
        let words = rng.random_range(2..6);
        World {
            seed,
            rng,
            hubs,
            lie,
            liar,
            other: None,
            pulls: Vec::new(),
            side: vec![0; count],
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
            0..14 => self.speak(hub),
            14..18 => {
                let now = self.at(hub);
                self.hubs[hub].own.publish(now);
            }
            18..38 => self.write(hub),
            38..50 => self.begin(hub),
            50..90 => self.go_on(),
            90..92 => self.crash(hub),
            92..94 => self.hubs[hub].clock = self.rng.random_range(-10 * YEAR..10 * YEAR),
            94..96 => {
                for at in 0..self.side.len() {
                    self.side[at] = u8::from(self.chance(30));
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

    /// A hub's people do something.
    fn speak(&mut self, hub: usize) {
        let now = self.at(hub);
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

    fn group(&mut self) -> String {
        let (name, place) = (self.rng.random_range(0..self.words), self.rng.random_range(0..2));
        let name =
            ["Stroke Carers", "Bereaved Parents", "Anxiety Circle", "Diabetes Peers", "Hearing Voices"][name % 5];
        let postcode = ["NG9 2AB", "SS1 1BJ"][place];
        let more = self.rng.random_range(0..1_000u32);
        format!(
            r#"{{"name":"{name} Group","description":"We meet in room {more}","where":{{"postcode":"{postcode}"}},"url":"https://{}.example.org/"}}"#,
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

    fn say(&mut self, own: &mut Own, hub: usize, now: i64) {
        let mut rng = StdRng::seed_from_u64(self.rng.random());
        let short = own.logs.last().is_some_and(|log| log.leaves.len() < 400);
        match self.rng.random_range(0..100u32) {
            0..35 if short => {
                let (id, json) = (uuid(&mut rng), self.group());
                own.say(id, 1, now, Body::Put(Kind::Record), Some(&json), &mut rng);
                own.truth.insert(id, Truth { rev: 1, says: Some(json) });
            }
            35..55 => {
                let Some((id, truth)) = self.record(own) else { return };
                let (rev, json) = (truth.rev + 1, self.group());
                own.say(id, rev, now, Body::Put(Kind::Record), Some(&json), &mut rng);
                own.truth.insert(id, Truth { rev, says: Some(json) });
            }
            55..62 => {
                let Some((id, truth)) = self.record(own) else { return };
                own.say(id, truth.rev, now, Body::Withdraw(Kind::Record), None, &mut rng);
                own.truth.insert(id, Truth { says: None, ..truth });
            }
            62..68 => {
                let Some((id, truth)) = self.record(own) else { return };
                let assured = Assured { date: "2026-08-01".parse().unwrap(), method: "phone".into(), by: "hub".into() };
                own.say(id, truth.rev, now, Body::Affirm(Kind::Record, assured), None, &mut rng);
            }
            68..76 => {
                let Some((id, truth)) = self.record(own) else { return };
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
                let (Some(a), Some(b)) = (self.reference(hub), self.reference(hub)) else { return };
                let judgement = [Judgement::Same, Judgement::Different, Judgement::None][self.rng.random_range(0..3)];
                if a != b {
                    own.say(uuid(&mut rng), 1, now, Body::Link { a, b, judgement }, None, &mut rng);
                }
            }
            86..89 => {
                // How far a place may be known, of its own record or another's; less than before only as two people say it.
                let of = self.record(own).map(|(rec, _)| RecordRef { hub: own.id(), rec });
                let Some(on) = (if self.chance(60) { of } else { self.reference(hub) }) else { return };
                let level = ["open", "approximate", "contact-first", "unlisted", "sealed"][self.rng.random_range(0..5)];
                let lowered = self.chance(20).then(|| ["trustee".to_owned(), "coordinator".to_owned()]);
                // Often under the id of an earlier word.
                let nth = self.rng.random_range(0..own.words.len() + 1);
                let id = own.words.get(nth).copied().unwrap_or_else(|| uuid(&mut rng));
                own.words.push(id);
                let body = Body::Safety { on, level: level.into(), lowered };
                own.say(id, own.words.len() as u64, now, body, None, &mut rng);
            }
            89..94 => {
                let (Some(on), Some(of)) = (self.reference(hub), self.reference(hub)) else { return };
                let prefer = Prefer::Value(Revision { record: of, rev: 1 });
                let body = Body::Choose { on, field: "description".into(), prefer, over: Vec::new() };
                own.say(uuid(&mut rng), 1, now, body, None, &mut rng);
            }
            94 => {
                // A class that no public words are of: they stay.
                let Some((id, truth)) = self.record(own) else { return };
                let parts = ErasedParts::Classes(vec!["contact".into()]);
                own.say(id, truth.rev, now, Body::Erase(Kind::Record, truth.rev, parts), None, &mut rng);
            }
            95..97 if own.logs.len() < 4 && self.other.is_none() => {
                let keep = own.logs.last().map_or(0, |log| log.leaves.len()) as u64;
                own.rollover(hub, keep, now, self.seed, &mut rng);
            }
            _ => {}
        }
    }

    /// One file of what is being published is put in place.
    fn write(&mut self, hub: usize) {
        if let Some((path, bytes)) = self.hubs[hub].own.writing.pop() {
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
        let busy = self.pulls.iter().any(|(by, pull, _)| *by == reader && pull.of == of);
        if of != reader && !busy {
            let (pull, path) = Pull::start(of, of);
            self.pulls.push((reader, pull, path));
        }
    }

    /// One answer reaches whoever asked; which one, the seed says.
    fn go_on(&mut self) {
        if self.pulls.is_empty() {
            return;
        }
        let nth = self.rng.random_range(0..self.pulls.len());
        let (reader, mut pull, path) = self.pulls.swap_remove(nth);
        let answer = self.get(reader, pull.via, &path);
        let partner = self.hubs[reader].partners.get_mut(&pull.of).expect("a partner");
        if let Next::Ask(path) = pull.answer(partner, answer) {
            self.pulls.push((reader, pull, path));
        }
    }

    /// What a GET brings.
    fn get(&mut self, reader: usize, from: usize, path: &str) -> Option<Rc<Vec<u8>>> {
        if self.side[reader] != self.side[from] {
            return None;
        }
        // Whoever shows two histories errs now and then as to whom it shows which.
        let astray = self.lie == Lie::Fork && !self.healing && self.chance(5);
        let whose = match &self.other {
            Some(other) if from == self.liar && (reader % 2 == 1) != astray => other,
            _ => &self.hubs[from].own,
        };
        let honest = whose.files.get(path).cloned();
        // Erased words come again for ever: there is always somebody who did not erase.
        if path.contains("/part/") && self.rng.random_range(0..100u32) < 20 {
            return honest.map(|bytes| Rc::new(whose.unerased(path, &bytes)));
        }
        if self.healing {
            return honest;
        }
        let past = self.past.get(&(from, path.to_owned())).cloned().unwrap_or_default();
        let lies = from == self.liar;
        match self.rng.random_range(0..100u32) {
            // Lost, broken off, or refused.
            0..4 => None,
            // A cache on the way, or the wrong file altogether.
            4..10 if !past.is_empty() => Some(past[self.rng.random_range(0..past.len())].clone()),
            10..12 => {
                let all: Vec<_> = whose.files.values().cloned().collect();
                (!all.is_empty()).then(|| all[self.rng.random_range(0..all.len())].clone())
            }
            _ if lies && self.lie == Lie::Withhold && path.contains("/part/") => honest
                .filter(|_| self.rng.random_bool(0.5))
                .map(|bytes| Rc::new(bytes.iter().filter(|b| **b == b'\n').copied().collect())),
            12..60 if lies && self.lie == Lie::Alter => honest.map(|bytes| {
                let mut bytes = bytes.to_vec();
                if !bytes.is_empty() {
                    let at = self.rng.random_range(0..bytes.len());
                    bytes[at] ^= 1 << self.rng.random_range(0..8u32);
                }
                Rc::new(bytes)
            }),
            12..60 if lies && self.lie == Lie::Replay && !past.is_empty() => Some(past[0].clone()),
            _ => honest,
        }
    }

    /// Everything that is not on the disk is gone.
    fn crash(&mut self, hub: usize) {
        self.hubs[hub].own.writing.clear();
        self.pulls.retain(|(reader, ..)| *reader != hub);
    }

    /// A reader's copy of others is kept aside, or put back.
    fn backup(&mut self, hub: usize) {
        match self.backups.remove(&hub) {
            Some(old) if self.rng.random_bool(0.5) => {
                self.crash(hub);
                self.hubs[hub].partners = old;
            }
            _ => {
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
            bytes = seen::write(notes.iter().map(Vec::as_slice));
        }
        self.hear(reader, &bytes);
    }

    fn hear(&mut self, reader: usize, bytes: &[u8]) {
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
                    }
                }
            }
        }
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
        }
        self.healing = true;
        let count = self.hubs.len();
        for _ in 0..3 {
            for hub in 0..count {
                let now = self.at(hub);
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
            for reader in 0..count {
                for of in (0..count).filter(|of| *of != reader) {
                    self.whole_pull(reader, of);
                }
            }
            for by in 0..count {
                let seen = self.hubs[by].seen(self.at(by));
                for reader in (0..count).filter(|reader| *reader != by) {
                    self.hear(reader, &seen);
                }
            }
        }
    }

    fn whole_pull(&mut self, reader: usize, of: usize) -> End {
        let (mut pull, mut path) = Pull::start(of, of);
        for _ in 0..200 {
            let answer = self.get(reader, of, &path);
            let partner = self.hubs[reader].partners.get_mut(&of).expect("a partner");
            match pull.answer(partner, answer) {
                Next::Ask(next) => path = next,
                Next::Over(end) => return end,
            }
        }
        panic!("hub {reader}'s pull of {of} does not end");
    }

    /// What must be true whatever happened.
    pub fn check(&self, policy: &Policy) {
        let honest = |hub: usize| hub != self.liar || matches!(self.lie, Lie::None | Lie::Thief);
        for (of, publisher) in self.hubs.iter().enumerate() {
            let own = &publisher.own;
            let mut told = check::told(&own.logs, &own.erased);
            if honest(of) {
                told.retain(|id, _| own.truth.contains_key(id));
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
                let mut held = check::told(&partner.logs, &partner.erased);
                held.retain(|id, _| own.truth.contains_key(id));
                assert_eq!(held, own.truth, "what hub {reader} holds of {of}");
                // No word that protects a place is lost, and none is made less by whoever may not.
                let words = (check::standing_words(&partner.logs), check::standing_words(&own.logs));
                assert_eq!(words.0, words.1, "what hub {reader} knows of what {of} protects");
                assert!(!check::holds(&partner.logs, &own.gone), "hub {reader} holds words that {of} erased");
            }
        }
        if self.lie == Lie::Fork {
            self.check_fork();
        }
        // Equal inputs, equal digests.
        let mut known = BTreeMap::new();
        for (nth, hub) in self.hubs.iter().enumerate() {
            let digest = check::digest(hub, policy);
            let first = known.entry(check::inputs(hub)).or_insert_with(|| (nth, digest.clone()));
            assert_eq!(first.1, digest, "hubs {} and {nth} hold the same, and make other registries of it", first.0);
        }
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
