//! Hubs, the network between them, and what befalls both. Everything that happens is drawn from the seed.

mod network;
mod speech;

use super::check;
use super::contact;
use super::count::Count;
use super::hub::{Hub, Own, Partner, opened};
use super::pull::{End, Next, Pull};
use mutuald::registry::policy::Policy;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::BTreeMap;
use std::rc::Rc;

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
        for round in 0..4 {
            for hub in 0..hubs {
                if round == 1 {
                    // By now everybody was given the contacts that they may have; what is taken back goes with the next pull.
                    (0..8).for_each(|_| self.agree(hub));
                }
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
