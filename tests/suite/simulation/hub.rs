//! A hub as it would be on disk: its keys, its own logs and what it serves; and what it holds of others.

use super::contact::{self, Ledger, Line};
use mutuald::feed::hub::{self, Closed, HubDocument, Log, VerifiedHub, VerifiedLog};
use mutuald::feed::note::{ED25519, LogKeys, SigningKey};
use mutuald::feed::tile::{self, WIDTH};
use mutuald::feed::{Checkpoint, Frontier, Hash, leaf, merkle, seen};
use mutuald::record::contact::CONTACT;
use mutuald::record::part::{self, PUBLIC};
use mutuald::record::statement::{Body, ErasedParts, Kind, Statement};
use mutuald::record::{HubId, canonical};
use rand::rngs::StdRng;
use rand::{Rng, RngExt};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;
use uuid::Uuid;

/// One leaf as it is held: its bytes, what it says under its log's key, and the words that belong to it.
#[derive(Clone)]
pub struct Held {
    pub note: Rc<Vec<u8>>,
    pub hash: Hash,
    pub said: Option<Rc<Statement>>,
    pub line: Option<Rc<str>>,
}

/// One log of a hub, as its own or as held of a partner.
#[derive(Clone, Default)]
pub struct Logs {
    pub leaves: Vec<Held>,
    /// The newest verified checkpoint, as received.
    pub known: Option<Rc<Vec<u8>>>,
}

impl Logs {
    pub fn edge(&self) -> Frontier {
        let mut edge = Frontier::default();
        self.leaves.iter().for_each(|leaf| edge.push(leaf.hash));
        edge
    }

    pub fn root_at(&self, size: u64) -> Hash {
        merkle::root(self.leaves[..size as usize].iter().map(|leaf| leaf.hash))
    }
}

/// What a record's own hub means by it: the simulation's truth, kept beside the log and never read from it.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Truth {
    pub rev: u64,
    /// The JSON that it states, unless it was withdrawn or erased.
    pub says: Option<String>,
}

/// A hub's own half: what it says. A thief who has its log's key begins from a copy.
#[derive(Clone)]
pub struct Own {
    pub root: Rc<SigningKey>,
    pub keys: Vec<Rc<LogKeys>>,
    /// Hub documents, all versions.
    pub documents: Vec<Rc<Vec<u8>>>,
    pub hub: VerifiedHub,
    pub logs: Vec<Logs>,
    pub truth: BTreeMap<Uuid, Truth>,
    pub erased: BTreeMap<Uuid, u64>,
    /// Ids under which it said how far a place may be known.
    pub words: Vec<Uuid>,
    /// Words that were erased: nobody may hold them.
    pub gone: Vec<Rc<str>>,
    /// Whose contacts may be told to whom.
    pub ledger: Ledger,
    /// Contact lines of newest puts, by log and index, with their records.
    pub restricted: BTreeMap<(usize, usize), (Uuid, Line)>,
    /// Where they stood, by log and index: what a relay that does not erase still has.
    pub stood: BTreeMap<(usize, usize), Rc<str>>,
    /// The files that anybody can ask for.
    pub files: BTreeMap<String, Rc<Vec<u8>>>,
    /// Files that are still to be written, in the order of publishing; forgotten by a crash.
    pub writing: Vec<(String, Rc<Vec<u8>>)>,
}

/// The number of a log's generation in paths.
pub fn prefix(log: usize) -> String {
    format!("v1/{}/", log + 1)
}

fn keys(hub: usize, generation: usize, seed: u64) -> LogKeys {
    let mut secret = [0u8; 32];
    secret[..8].copy_from_slice(&seed.to_be_bytes());
    (secret[8], secret[9]) = (hub as u8, generation as u8);
    LogKeys::from_seed(&format!("hub-{hub}.example/{}", generation + 1), &secret)
}

impl Own {
    pub fn new(nth: usize, seed: u64) -> Own {
        let mut secret = [nth as u8 + 1; 32];
        secret[..8].copy_from_slice(&seed.to_be_bytes());
        let root = SigningKey::new(&format!("root-{nth}"), ED25519, &secret);
        let first = keys(nth, 0, seed);
        let expires = "2090-01-01".parse().unwrap();
        let document =
            HubDocument::first(&format!("Hub {nth}"), "CC-BY-4.0", &root, &first, "v1/1/", expires).sign(&[&root]);
        let hub = hub::open(document.as_bytes(), None).unwrap();
        Own {
            root: Rc::new(root),
            keys: vec![Rc::new(first)],
            documents: vec![Rc::new(document.into_bytes())],
            hub,
            logs: vec![Logs::default()],
            truth: BTreeMap::new(),
            erased: BTreeMap::new(),
            words: Vec::new(),
            gone: Vec::new(),
            ledger: Ledger::default(),
            restricted: BTreeMap::new(),
            stood: BTreeMap::new(),
            files: BTreeMap::new(),
            writing: Vec::new(),
        }
    }

    pub fn id(&self) -> HubId {
        self.hub.id
    }

    /// Appends a statement; with words, under a fresh salt, and beside them what consents let out today.
    pub fn say(&mut self, id: Uuid, rev: u64, at: i64, body: Body, json: Option<&str>, rng: &mut StdRng) {
        let mut salted = |json: &str| -> Rc<str> {
            let mut salt = [0u8; 16];
            rng.fill_bytes(&mut salt);
            part::line(salt, json).into()
        };
        let line = json.map(&mut salted);
        let due = json.and_then(|_| self.ledger.due(id, contact::day(at)));
        let contact = due.filter(|_| body == Body::Put(Kind::Record)).map(|due| Line {
            line: salted(due.json()),
            holds: due.holds().to_vec(),
            served: BTreeSet::new(),
        });
        self.say_line(id, rev, at, body, line, contact);
    }

    fn say_line(&mut self, id: Uuid, rev: u64, at: i64, body: Body, line: Option<Rc<str>>, contact: Option<Line>) {
        let named = [(PUBLIC, line.as_ref()), (CONTACT, contact.as_ref().map(|contact| &contact.line))];
        let digest = |(class, line): (&str, Option<&Rc<str>>)| Some((class.to_owned(), part::digest(line?.as_bytes())));
        let parts = named.into_iter().filter_map(digest).collect();
        let at = jiff::Timestamp::from_second(at).unwrap();
        if matches!(body, Body::Put(_) | Body::Withdraw(_)) {
            self.restricted.retain(|_, (of, _)| *of != id);
        }
        let place = (self.logs.len() - 1, self.logs.last().unwrap().leaves.len());
        self.restricted.extend(contact.map(|contact| (place, (id, contact))));
        let statement = Statement { id, rev, at, parts, replaces: None, body };
        let key = &self.keys.last().unwrap().log;
        let note = leaf::sign(&statement, key).expect("a hub signs what it means");
        let hash = merkle::leaf_hash(&note);
        let held = Held { note: Rc::new(note), hash, said: Some(Rc::new(statement)), line };
        self.logs.last_mut().unwrap().leaves.push(held);
    }

    /// Lets go of a record's contacts: what was entered of them, and what was signed.
    pub fn erase_contacts(&mut self, id: Uuid) {
        self.ledger.forget(id);
        self.restricted.retain(|_, (of, _)| *of != id);
    }

    /// A leaf that the log's key did not sign as it stands.
    pub fn say_void(&mut self, note: Vec<u8>) {
        let hash = merkle::leaf_hash(&note);
        self.logs.last_mut().unwrap().leaves.push(Held { note: Rc::new(note), hash, said: None, line: None });
    }

    /// Blanks words that an erase names, in the log and in every file that is served, at once.
    pub fn erase(&mut self, id: Uuid, upto: u64) {
        let known = self.erased.entry(id).or_default();
        *known = (*known).max(upto);
        self.erase_contacts(id);
        for (log, held) in self.logs.iter_mut().enumerate() {
            for (index, leaf) in held.leaves.iter_mut().enumerate() {
                let named = leaf.said.as_ref().is_some_and(|said| said.id == id && said.rev <= upto);
                if let Some(line) = leaf.line.take_if(|_| named) {
                    self.stood.insert((log, index), line.clone());
                    self.gone.push(line);
                }
            }
        }
        self.writing.clear();
        for log in 0..self.logs.len() {
            let files: Vec<String> =
                self.files.keys().filter(|path| path.starts_with(&format!("{}part/", prefix(log)))).cloned().collect();
            for path in files {
                let rest = path.strip_prefix(&format!("{}part/public/", prefix(log))).unwrap();
                let (n, width) = match rest.split_once(".p/") {
                    Some((n, width)) => (n.parse::<u64>().unwrap(), width.parse().unwrap()),
                    None => (rest.parse().unwrap(), WIDTH),
                };
                let bytes = self.lines(log, n, width);
                self.files.insert(path, Rc::new(bytes));
            }
        }
    }

    fn lines(&self, log: usize, n: u64, width: u64) -> Vec<u8> {
        let from = (n * WIDTH) as usize;
        let leaves = &self.logs[log].leaves;
        (from..from + width as usize)
            .flat_map(|at| [leaves.get(at).and_then(|leaf| leaf.line.as_deref()).unwrap_or(""), "\n"])
            .collect::<String>()
            .into_bytes()
    }

    /// A part file as somebody serves it who did not erase.
    pub fn unerased(&self, path: &str, bytes: &[u8]) -> Vec<u8> {
        let Some((log, rest)) = path.strip_prefix("v1/").and_then(|rest| rest.split_once("/part/public/")) else {
            return bytes.to_vec();
        };
        let n = rest.split_once(".p/").map_or(rest, |(n, _)| n);
        let (log, from) = (log.parse::<usize>().unwrap() - 1, n.parse::<usize>().unwrap() * WIDTH as usize);
        let text = String::from_utf8_lossy(bytes);
        let line =
            |(at, line)| self.stood.get(&(log, from + at)).map_or(line, |stood: &Rc<str>| &**stood).to_owned() + "\n";
        text.lines().enumerate().map(line).collect::<String>().into_bytes()
    }

    /// Plans the files of the state as it is, in the order of publishing: parts, entries, and last the checkpoint.
    pub fn publish(&mut self, now: i64) {
        let mut writing = Vec::new();
        for log in 0..self.logs.len() {
            let size = self.logs[log].leaves.len() as u64;
            for n in 0..size.div_ceil(WIDTH) {
                let width = tile::width(n, size);
                writing.push((prefix(log) + &tile::parts(PUBLIC, n, width), Rc::new(self.lines(log, n, width))));
                let mut entries = Vec::new();
                let from = (n * WIDTH) as usize;
                self.logs[log].leaves[from..from + width as usize]
                    .iter()
                    .for_each(|leaf| tile::append_entry(&mut entries, &leaf.note));
                writing.push((prefix(log) + &tile::entries(n, width), Rc::new(entries)));
            }
        }
        let log = self.logs.len() - 1;
        let size = self.logs[log].leaves.len() as u64;
        let checkpoint = Checkpoint { size, root: self.logs[log].root_at(size), time: now.max(0) as u64 };
        let note = checkpoint.sign(&self.keys[log]).into_bytes();
        // Remembered before it is shown: a hub that dies here comes back to the same promise.
        self.logs[log].known = Some(Rc::new(note.clone()));
        writing.push((prefix(log) + "checkpoint", Rc::new(note)));
        for (at, document) in self.documents.iter().enumerate() {
            writing.push((format!("hub/{}", at + 1), document.clone()));
        }
        writing.push((".well-known/groups-hub".into(), self.documents.last().unwrap().clone()));
        writing.reverse();
        self.writing = writing;
    }

    /// The log in use ends with `keep` leaves, and the next begins with what stands (PROTOCOL 1.6).
    pub fn rollover(&mut self, nth: usize, keep: u64, now: i64, seed: u64, rng: &mut StdRng) {
        let mut next = self.hub.following();
        let log = self.logs.last_mut().unwrap();
        log.leaves.truncate(keep as usize);
        let root = log.root_at(keep);
        let generation = self.logs.len();
        let keys = keys(nth, generation, seed);
        next.logs.last_mut().unwrap().closed = Some(Closed::at(keep, root));
        next.logs.push(Log {
            origin: keys.log.public().name().to_owned(),
            vkey: keys.log.public().to_string(),
            peer: keys.peer.public().to_string(),
            prefix: prefix(generation),
            closed: None,
            extra: BTreeMap::new(),
        });
        let document = next.sign(&[&self.root]);
        self.hub = hub::next(&self.hub, document.as_bytes()).expect("it follows");
        self.documents.push(Rc::new(document.into_bytes()));
        self.keys.push(Rc::new(keys));
        let again = self.standing();
        self.logs.push(Logs::default());
        for Again { id, rev, eff, body, line, contact, .. } in again {
            self.say_line(id, rev, eff, body, line, contact);
        }
        let body = Body::Hub { version: self.hub.document.version, digest: self.hub.digest.clone() };
        let id = uuid(rng);
        self.say(id, 1, now, body, None, rng);
    }

    /// What stands, by when it counts as said: erasures first, then each newest put with its affirm, and decisions.
    fn standing(&self) -> Vec<Again> {
        let mut all = Vec::new();
        for (id, upto) in &self.erased {
            let body = Body::Erase(Kind::Record, *upto, ErasedParts::All);
            all.push(Again { eff: 0, order: 0, id: *id, rev: *upto, body, line: None, contact: None });
        }
        let mut order = 0;
        for (nth, log) in self.logs.iter().enumerate() {
            for (at, (leaf, eff)) in log.leaves.iter().zip(super::check::effective(&log.leaves)).enumerate() {
                order += 1;
                let Some(said) = &leaf.said else { continue };
                let stands = match &said.body {
                    Body::Put(_) => {
                        leaf.line.is_some()
                            && self
                                .truth
                                .get(&said.id)
                                .is_some_and(|truth| truth.rev == said.rev && truth.says.is_some())
                    }
                    Body::Link { .. } | Body::Choose { .. } | Body::Safety { .. } => true,
                    _ => false,
                };
                if stands {
                    let erases = |again: &Again| matches!(again.body, Body::Erase(..));
                    all.retain(|again| again.id != said.id || again.rev != said.rev || erases(again));
                    let contact = self.restricted.get(&(nth, at)).map(|(_, line)| line.clone());
                    let (id, rev, body) = (said.id, said.rev, said.body.clone());
                    all.push(Again { eff, order, id, rev, body, line: leaf.line.clone(), contact });
                }
            }
        }
        all.sort_by_key(|again| (again.eff, again.order, again.id));
        all
    }
}

/// Something that stands when a log begins, and when it counts as said.
struct Again {
    eff: i64,
    order: u32,
    id: Uuid,
    rev: u64,
    body: Body,
    line: Option<Rc<str>>,
    contact: Option<Line>,
}

/// What a hub holds of one partner.
#[derive(Clone)]
pub struct Partner {
    pub documents: Vec<(Rc<Vec<u8>>, Rc<VerifiedHub>)>,
    pub logs: Vec<Logs>,
    pub erased: BTreeMap<Uuid, u64>,
    /// Contact lines that it was given, by log and index.
    pub contacts: BTreeMap<(usize, usize), Rc<str>>,
    pub erased_contacts: BTreeMap<Uuid, u64>,
    /// Two notes of one log that cannot both be true.
    pub disputed: Option<[Rc<Vec<u8>>; 2]>,
}

impl Partner {
    pub fn new(own: &Own) -> Partner {
        // A partner is added by its hub id, with version 1 of its document.
        let first = own.documents[0].clone();
        let hub = hub::open(&first, Some(own.id())).unwrap();
        Partner {
            documents: vec![(first, Rc::new(hub))],
            logs: vec![Logs::default()],
            erased: BTreeMap::new(),
            contacts: BTreeMap::new(),
            erased_contacts: BTreeMap::new(),
            disputed: None,
        }
    }

    pub fn hub(&self) -> Rc<VerifiedHub> {
        self.documents.last().unwrap().1.clone()
    }

    /// Adopts a newer document: logs that it names, and what it declares void where the tree agrees. Says whether anything
    /// held was.
    pub fn adopt(&mut self, document: Rc<Vec<u8>>, hub: VerifiedHub) -> bool {
        let mut voided = false;
        self.logs.resize(hub.logs.len(), Logs::default());
        let before = self.hub().logs.len();
        for (nth, log) in hub.logs.iter().enumerate() {
            if let Some((size, root)) = log.closed {
                // Whoever signed two histories is followed again once the root keys chose one.
                if nth + 1 >= before {
                    self.disputed = None;
                }
                if self.logs[nth].leaves.len() as u64 > size && self.logs[nth].root_at(size) == root {
                    self.cut(nth, size);
                    voided = true;
                }
            }
        }
        self.documents.push((document, Rc::new(hub)));
        voided
    }

    /// Takes leaves back, and with them what they erased.
    pub fn cut(&mut self, log: usize, size: u64) {
        self.logs[log].leaves.truncate(size as usize);
        self.logs[log].known = None;
        self.contacts.retain(|(of, at), _| *of != log || (*at as u64) < size);
        self.erased.clear();
        self.erased_contacts.clear();
        let all: Vec<Rc<Statement>> =
            self.logs.iter().flat_map(|log| log.leaves.iter().filter_map(|leaf| leaf.said.clone())).collect();
        all.iter().for_each(|said| self.obey(said));
    }

    /// Notes and obeys an erasure.
    pub fn obey(&mut self, said: &Statement) {
        self.contacts_after(said);
        let Body::Erase(_, upto, parts) = &said.body else { return };
        if !parts.covers(PUBLIC) {
            return;
        }
        let known = self.erased.entry(said.id).or_default();
        *known = (*known).max(*upto);
        for leaf in self.logs.iter_mut().flat_map(|log| &mut log.leaves) {
            if leaf.said.as_ref().is_some_and(|of| of.id == said.id && of.rev <= *upto) {
                leaf.line = None;
            }
        }
    }

    /// A file of the hub's as this one relays it: the public parts of what it holds.
    pub fn relay(&self, path: &str) -> Option<Vec<u8>> {
        if path == ".well-known/groups-hub" {
            return self.documents.last().map(|(bytes, _)| bytes.to_vec());
        }
        if let Some(version) = path.strip_prefix("hub/") {
            let nth = version.parse::<usize>().ok()?.checked_sub(1)?;
            return self.documents.get(nth).map(|(bytes, _)| bytes.to_vec());
        }
        let (log, rest) = path.strip_prefix("v1/")?.split_once('/')?;
        let log = self.logs.get(log.parse::<usize>().ok()?.checked_sub(1)?)?;
        if rest == "checkpoint" {
            return log.known.as_ref().filter(|note| !note.is_empty()).map(|note| note.to_vec());
        }
        let (kind, rest) = rest.rsplit_once("/0")?;
        let (n, width) = rest.split_once(".p/").unwrap_or((rest, "256"));
        let from = n.parse::<usize>().ok()? * WIDTH as usize;
        let leaves = log.leaves.get(from..from + width.parse::<usize>().ok()?)?;
        let mut bytes = Vec::new();
        for leaf in leaves {
            match kind {
                "tile/entries" => tile::append_entry(&mut bytes, &leaf.note),
                "part/public" => bytes.extend([leaf.line.as_deref().unwrap_or(""), "\n"].concat().bytes()),
                _ => return None,
            }
        }
        Some(bytes)
    }

    /// Whether words of this statement may be kept.
    pub fn may_hold(&self, said: &Statement) -> bool {
        self.erased.get(&said.id).is_none_or(|upto| said.rev > *upto)
    }
}

/// A hub on its disk.
pub struct Hub {
    pub own: Own,
    pub partners: BTreeMap<usize, Partner>,
    /// How wrong its clock is, in seconds.
    pub clock: i64,
}

impl Hub {
    /// What it has seen of others, cosigned.
    pub fn seen(&self, now: i64) -> Vec<u8> {
        let keys = self.own.keys.last().unwrap();
        let mut notes = Vec::new();
        for partner in self.partners.values() {
            for (log, is) in partner.logs.iter().zip(&partner.hub().logs) {
                let Some(note) = &log.known else { continue };
                if opened(note, is).is_some_and(|met| met.size == log.leaves.len() as u64) {
                    let text = String::from_utf8_lossy(note).into_owned();
                    let (body, _) = text.split_once("\n\n").unwrap();
                    let line = keys.peer.line(&format!("{body}\n"), now.max(0) as u64);
                    notes.push(format!("{text}{line}").into_bytes());
                }
            }
        }
        seen::write(notes.iter().map(Vec::as_slice))
    }
}

/// A random id, of the form that leaves demand.
pub fn uuid(rng: &mut StdRng) -> Uuid {
    let id = uuid::Builder::from_random_bytes(rng.random()).into_uuid();
    debug_assert!(canonical::uuid(&id.to_string()).is_some());
    id
}

/// A checkpoint under its log's keys. Opening is a function of the bytes, and the same bytes are met again and again: what came
/// of them is remembered.
pub fn opened(note: &[u8], log: &VerifiedLog) -> Option<Checkpoint> {
    type Known = HashMap<(Vec<u8>, String), Option<Checkpoint>>;
    thread_local!(static KNOWN: RefCell<Known> = RefCell::default());
    let of = (note.to_vec(), log.key.to_string());
    KNOWN.with(|known| {
        let mut known = known.borrow_mut();
        if known.len() > 20_000 {
            known.clear();
        }
        known.entry(of).or_insert_with(|| Checkpoint::open(note, &log.key, &log.peer).ok()).clone()
    })
}
