//! What goes between hubs, and what befalls it on the way.

use super::{Lie, Waiting, World};
use crate::simulation::contact::{self, Asked};
use crate::simulation::hub::{Own, opened};
use crate::simulation::pull::{End, Next, Pull};
use mutuald::feed::request::Refused;
use mutuald::feed::{Checkpoint, seen};
use rand::RngExt;
use std::rc::Rc;

impl World {
    pub(super) fn begin(&mut self, reader: usize) {
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
    pub(super) fn go_on(&mut self) {
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
    pub(super) fn answer(
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

    /// A hub reads what another has seen of others.
    pub(super) fn gossip(&mut self, reader: usize, by: usize) {
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

    pub(super) fn hear(&mut self, reader: usize, bytes: &[u8]) {
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
}
