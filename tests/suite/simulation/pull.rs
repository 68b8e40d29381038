//! One pull as a machine without I/O: it is given answers, and gives what to ask for next. Every change of the disk happens
//! within one answer, so that a crash between any two leaves what a transaction would.

use super::hub::{Held, Partner, opened, prefix};
use mutuald::feed::hub;
use mutuald::feed::plan::{Bundle, Plan};
use mutuald::feed::standing::{self, Extended, Look, Within};
use mutuald::feed::tile::{self, WIDTH};
use mutuald::feed::{Checkpoint, merkle};
use mutuald::peer::verify::{self, Raw};
use mutuald::record::contact::CONTACT;
use mutuald::record::part::{self, PUBLIC};
use std::collections::VecDeque;
use std::rc::Rc;

/// Why a pull ended before it held all that was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Complete,
    Stale,
    Failed,
    Disputed,
}

/// What follows from an answer.
pub enum Next {
    Ask(String),
    Over(End),
}

enum Stage {
    /// The newest document, or a version on the way to it.
    Document {
        target: Option<(u64, Rc<Vec<u8>>)>,
    },
    Checkpoint,
    /// New leaves: which bundle is asked for, and what came.
    Entries {
        bundles: VecDeque<Bundle>,
        met: Vec<(Bundle, Vec<Raw>)>,
        at: Checkpoint,
        note: Rc<Vec<u8>>,
    },
    /// Their words.
    Parts {
        met: VecDeque<(Bundle, Vec<Raw>)>,
        at: Checkpoint,
        note: Rc<Vec<u8>>,
    },
    /// The whole tree again: does what is held belong to it?
    Explain {
        hashes: Vec<merkle::Hash>,
        n: u64,
        at: Checkpoint,
        note: Rc<Vec<u8>>,
        before: Option<Checkpoint>,
    },
    /// Words that did not come.
    Withheld {
        n: u64,
        size: u64,
    },
    /// Contacts, by signed requests: bundles that are still to be asked for.
    Contacts {
        bundles: VecDeque<u64>,
        again: bool,
    },
}

pub struct Pull {
    pub of: usize,
    /// Who is asked: the hub itself, or another that relays it.
    pub via: usize,
    /// By how much the clock is corrected under which requests are signed.
    pub offset: i64,
    /// Whether the hub takes this reader for one to whom it shows its other history.
    pub astray: bool,
    /// What befell it since somebody last looked.
    pub met: Vec<&'static str>,
    log: usize,
    stage: Stage,
}

impl Pull {
    pub fn start(of: usize, via: usize) -> (Pull, String) {
        let stage = Stage::Document { target: None };
        (Pull { of, via, offset: 0, astray: false, met: Vec::new(), log: 0, stage }, ".well-known/groups-hub".into())
    }

    /// Takes an answer; `None` when nothing usable came.
    pub fn answer(&mut self, partner: &mut Partner, answer: Option<Rc<Vec<u8>>>) -> Next {
        let stage = std::mem::replace(&mut self.stage, Stage::Checkpoint);
        match stage {
            Stage::Document { target } => self.document(partner, target, answer),
            Stage::Checkpoint => self.checkpoint(partner, answer),
            Stage::Entries { bundles, met, at, note } => self.entries(partner, bundles, met, at, note, answer),
            Stage::Parts { met, at, note } => self.parts(partner, met, at, note, answer),
            Stage::Explain { hashes, n, at, note, before } => {
                self.explain(partner, hashes, n, at, note, before, answer)
            }
            Stage::Withheld { n, size } => self.withheld(partner, n, size, answer),
            Stage::Contacts { bundles, .. } => self.contacts(partner, bundles, answer),
        }
    }

    /// A signed request was not believed: once, the clock is set by what the refusal says.
    pub fn refused(&mut self, path: String, offset: i64) -> Next {
        if let Stage::Contacts { again, .. } = &mut self.stage
            && std::mem::take(again)
        {
            self.offset = offset;
            self.met.push("contact-clock-corrected");
            return Next::Ask(path);
        }
        self.met.push("contact-unbelieved");
        Next::Over(End::Complete)
    }

    /// Everything public is held: contacts come last, from the hub itself and from nobody else.
    fn ask_contacts(&mut self, partner: &Partner) -> Next {
        let log = partner.logs.len() - 1;
        if self.via != self.of || partner.hub().logs[log].closed.is_some() {
            return Next::Over(End::Complete);
        }
        let mut bundles: Vec<u64> = partner.wanted(log).into_iter().map(|at| at as u64 / WIDTH).collect();
        bundles.dedup();
        self.next_contacts(partner, bundles.into())
    }

    fn next_contacts(&mut self, partner: &Partner, bundles: VecDeque<u64>) -> Next {
        let log = partner.logs.len() - 1;
        let Some(n) = bundles.front().copied() else { return Next::Over(End::Complete) };
        let width = tile::width(n, partner.logs[log].leaves.len() as u64);
        self.stage = Stage::Contacts { bundles, again: true };
        Next::Ask(prefix(log) + &tile::parts(CONTACT, n, width))
    }

    fn contacts(&mut self, partner: &mut Partner, mut bundles: VecDeque<u64>, answer: Option<Rc<Vec<u8>>>) -> Next {
        let n = bundles.pop_front().expect("one was asked for");
        if answer.is_none() {
            return Next::Over(End::Complete);
        }
        let log = partner.logs.len() - 1;
        let width = tile::width(n, partner.logs[log].leaves.len() as u64);
        if partner.take_contacts(log, n, &lines(answer.as_deref(), width)) > 0 {
            self.met.push("contacts-came");
        }
        self.next_contacts(partner, bundles)
    }

    fn document(
        &mut self,
        partner: &mut Partner,
        target: Option<(u64, Rc<Vec<u8>>)>,
        answer: Option<Rc<Vec<u8>>>,
    ) -> Next {
        let held = partner.hub().document.version;
        let Some(bytes) = answer else { return self.open_log(partner) };
        let newest = match target {
            None => {
                let Ok(version) = hub::version_of(&bytes) else { return Next::Over(End::Failed) };
                if version <= held {
                    return self.open_log(partner);
                }
                (version, bytes.clone())
            }
            Some(newest) => {
                match hub::next(&partner.hub(), &bytes) {
                    Ok(hub) => {
                        self.met.push("document-on-the-way");
                        self.met.extend(partner.adopt(bytes, hub).then_some("leaves-voided"));
                    }
                    Err(_) => return Next::Over(End::Failed),
                }
                newest
            }
        };
        let wanted = partner.hub().document.version + 1;
        if wanted > newest.0 {
            return self.open_log(partner);
        }
        if wanted == newest.0 {
            return match hub::next(&partner.hub(), &newest.1) {
                Ok(hub) => {
                    self.met.push("document-adopted");
                    self.met.extend(partner.adopt(newest.1, hub).then_some("leaves-voided"));
                    self.open_log(partner)
                }
                Err(_) => Next::Over(End::Failed),
            };
        }
        self.stage = Stage::Document { target: Some(newest) };
        Next::Ask(format!("hub/{wanted}"))
    }

    /// Turns to the log that comes next.
    fn open_log(&mut self, partner: &mut Partner) -> Next {
        if partner.disputed.is_some() {
            return Next::Over(End::Disputed);
        }
        let Some(is) = partner.hub().logs.get(self.log).cloned() else { return self.ask_contacts(partner) };
        let held = &partner.logs[self.log];
        let Some((size, root)) = is.closed else {
            self.stage = Stage::Checkpoint;
            return Next::Ask(prefix(self.log) + "checkpoint");
        };
        let at = Checkpoint { size, root, time: 0 };
        let len = held.leaves.len() as u64;
        if len > size || (len == size && held.root_at(size) != root) {
            return self.explain_from(at, Rc::default(), None);
        }
        if len == size { self.retry(partner, 0, size) } else { self.news(partner, at, Rc::default()) }
    }

    fn known(&self, partner: &Partner) -> Option<Checkpoint> {
        let is = &partner.hub().logs[self.log];
        let note = partner.logs[self.log].known.as_ref().filter(|_| is.closed.is_none())?;
        Some(opened(note, is).expect("it was verified when it was kept"))
    }

    fn checkpoint(&mut self, partner: &mut Partner, answer: Option<Rc<Vec<u8>>>) -> Next {
        let Some(note) = answer else { return Next::Over(End::Failed) };
        let is = &partner.hub().logs[self.log];
        let Some(theirs) = opened(&note, is) else { return Next::Over(End::Failed) };
        let known = self.known(partner);
        let held = partner.logs[self.log].leaves.len() as u64;
        match standing::look(held, known.as_ref(), &theirs, 10_000) {
            Look::Fork => self.fork(partner, note),
            Look::TooLong => Next::Over(End::Failed),
            Look::Behind => self.explain_from(known.clone().expect("behind what is known"), note, Some(theirs)),
            Look::News => self.news(partner, theirs, note),
            Look::Within => {
                let ours = partner.logs[self.log].root_at(theirs.size);
                match standing::within(&ours, known.as_ref(), &theirs) {
                    Within::Fork => self.fork(partner, note),
                    Within::Stale => Next::Over(End::Stale),
                    Within::Same { renewed } => {
                        if renewed {
                            partner.logs[self.log].known = Some(note);
                        }
                        self.retry(partner, 0, theirs.size)
                    }
                }
            }
        }
    }

    fn fork(&mut self, partner: &mut Partner, second: Rc<Vec<u8>>) -> Next {
        let first = partner.logs[self.log].known.clone().unwrap_or_default();
        partner.disputed = Some([first, second]);
        self.met.push("fork-met");
        Next::Over(End::Disputed)
    }

    fn news(&mut self, partner: &Partner, at: Checkpoint, note: Rc<Vec<u8>>) -> Next {
        let plan = Plan::new(partner.logs[self.log].leaves.len() as u64, at.size, 200_000);
        assert!(plan.level1.is_empty(), "logs here stay short enough to be extended leaf by leaf");
        let bundles: VecDeque<Bundle> = plan.bundles.into();
        let path = bundles.front().map(|bundle| tile::entries(bundle.n, bundle.file_width)).expect("something is new");
        self.stage = Stage::Entries { bundles, met: Vec::new(), at, note };
        Next::Ask(prefix(self.log) + &path)
    }

    fn entries(
        &mut self,
        partner: &mut Partner,
        mut bundles: VecDeque<Bundle>,
        mut met: Vec<(Bundle, Vec<Raw>)>,
        at: Checkpoint,
        note: Rc<Vec<u8>>,
        answer: Option<Rc<Vec<u8>>>,
    ) -> Next {
        let bundle = bundles.pop_front().expect("one was asked for");
        let raw = answer.and_then(|bytes| verify::raw(&bytes, bundle.file_width, |_| None).ok());
        let Some(raw) = raw else { return Next::Over(End::Failed) };
        let new = raw.into_iter().take(bundle.leaves.end as usize).skip(bundle.leaves.start as usize).collect();
        met.push((bundle, new));
        if let Some(next) = bundles.front() {
            let path = prefix(self.log) + &tile::entries(next.n, next.file_width);
            self.stage = Stage::Entries { bundles, met, at, note };
            return Next::Ask(path);
        }
        let hashes = met.iter().flat_map(|(_, raw)| raw.iter().map(|raw| raw.hash));
        let edge = partner.logs[self.log].edge();
        match standing::extend(edge, hashes, self.known(partner).as_ref(), &at) {
            Extended::Fork => self.fork(partner, note),
            Extended::Unproven => self.explain_from(at, note, None),
            Extended::Proven => self.ask_parts(partner, met.into(), at, note),
        }
    }

    fn ask_parts(
        &mut self,
        partner: &mut Partner,
        met: VecDeque<(Bundle, Vec<Raw>)>,
        at: Checkpoint,
        note: Rc<Vec<u8>>,
    ) -> Next {
        let Some((bundle, _)) = met.front() else { return self.retry(partner, 0, at.size) };
        let path = prefix(self.log) + &tile::parts(PUBLIC, bundle.n, bundle.file_width);
        self.stage = Stage::Parts { met, at, note };
        Next::Ask(path)
    }

    /// One bundle with its words goes onto the disk, together with the checkpoint that proves it.
    fn parts(
        &mut self,
        partner: &mut Partner,
        mut met: VecDeque<(Bundle, Vec<Raw>)>,
        at: Checkpoint,
        note: Rc<Vec<u8>>,
        answer: Option<Rc<Vec<u8>>>,
    ) -> Next {
        let (bundle, raw) = met.pop_front().expect("one was asked for");
        let lines = lines(answer.as_deref(), bundle.file_width);
        let lines: Vec<String> = lines.into_iter().skip(bundle.leaves.start as usize).collect();
        let key = &partner.hub().logs[self.log].key;
        for (checked, raw) in verify::check(raw.clone(), &lines, key).into_iter().zip(raw) {
            let said = checked.statement.ok().map(Rc::new);
            let mut line: Option<Rc<str>> = checked.leaf.line.map(Into::into);
            if let Some(said) = &said {
                partner.obey(said);
                // The same words are held already where a log goes on in the next.
                if line.is_none()
                    && let Some(digest) = said.parts.get(PUBLIC)
                {
                    line = held_line(partner, digest);
                }
                line = line.filter(|_| partner.may_hold(said));
            }
            if said.is_none() {
                self.met.push("leaf-void");
            }
            partner.logs[self.log].leaves.push(Held { note: Rc::new(raw.note), hash: raw.hash, said, line });
        }
        if !note.is_empty() {
            partner.logs[self.log].known = Some(note.clone());
        }
        self.ask_parts(partner, met, at, note)
    }

    fn explain_from(&mut self, at: Checkpoint, note: Rc<Vec<u8>>, before: Option<Checkpoint>) -> Next {
        if at.size == 0 {
            self.stage = Stage::Checkpoint;
            return Next::Over(End::Failed);
        }
        self.met.push("tree-asked-again");
        let path = prefix(self.log) + &tile::entries(0, tile::width(0, at.size));
        self.stage = Stage::Explain { hashes: Vec::new(), n: 0, at, note, before };
        Next::Ask(path)
    }

    #[allow(clippy::too_many_arguments)]
    fn explain(
        &mut self,
        partner: &mut Partner,
        mut hashes: Vec<merkle::Hash>,
        n: u64,
        at: Checkpoint,
        note: Rc<Vec<u8>>,
        before: Option<Checkpoint>,
        answer: Option<Rc<Vec<u8>>>,
    ) -> Next {
        let raw = answer.and_then(|bytes| verify::raw(&bytes, tile::width(n, at.size), |_| None).ok());
        let Some(raw) = raw else {
            return Next::Over(if before.is_some() { End::Stale } else { End::Failed });
        };
        hashes.extend(raw.iter().map(|raw| raw.hash));
        if (hashes.len() as u64) < at.size {
            let path = prefix(self.log) + &tile::entries(n + 1, tile::width(n + 1, at.size));
            self.stage = Stage::Explain { hashes, n: n + 1, at, note, before };
            return Next::Ask(path);
        }
        if merkle::root(hashes.iter().copied()) != at.root {
            return Next::Over(if before.is_some() { End::Stale } else { End::Failed });
        }
        // The tree is the signed one.
        if let Some(older) = before {
            let root = merkle::root(hashes.iter().copied().take(older.size as usize));
            return if root != older.root { self.fork(partner, note) } else { Next::Over(End::Stale) };
        }
        let leaves = &partner.logs[self.log].leaves;
        let agree = leaves.iter().zip(&hashes).take_while(|(leaf, hash)| leaf.hash == **hash).count();
        if partner.hub().logs[self.log].closed.is_some() {
            // The root keys decide, not what came first: back to where the two part.
            self.met.push("history-taken-back");
            partner.cut(self.log, agree as u64);
            return self.open_log(partner);
        }
        if agree < leaves.len() { self.fork(partner, note) } else { Next::Over(End::Failed) }
    }

    /// Asks again for words that are missing, from bundle `n` on; then turns to the next log.
    fn retry(&mut self, partner: &mut Partner, n: u64, size: u64) -> Next {
        let lacking = super::check::lacking(partner, self.log);
        if let Some(n) = lacking.iter().map(|at| *at as u64 / WIDTH).find(|of| *of >= n) {
            self.stage = Stage::Withheld { n, size };
            return Next::Ask(prefix(self.log) + &tile::parts(PUBLIC, n, tile::width(n, size)));
        }
        self.log += 1;
        self.open_log(partner)
    }

    fn withheld(&mut self, partner: &mut Partner, n: u64, size: u64, answer: Option<Rc<Vec<u8>>>) -> Next {
        let lacking = super::check::lacking(partner, self.log);
        for (at, line) in lines(answer.as_deref(), tile::width(n, size)).into_iter().enumerate() {
            let index = (n * WIDTH) as usize + at;
            let Some(said) = partner.logs[self.log].leaves.get(index).and_then(|leaf| leaf.said.clone()) else {
                continue;
            };
            let fits = said.parts.get(PUBLIC).is_some_and(|digest| *digest == part::digest(line.as_bytes()));
            if fits && lacking.contains(&index) {
                self.met.push("late-words-came");
                partner.logs[self.log].leaves[index].line = Some(line.into());
            }
        }
        self.retry(partner, n + 1, size)
    }
}

/// The lines of a part file; none when it is not what it should be.
fn lines(answer: Option<&Vec<u8>>, width: u64) -> Vec<String> {
    let read = answer.and_then(|bytes| tile::read_lines(bytes, width, 16_384).ok());
    read.unwrap_or_default().into_iter().map(str::to_owned).collect()
}

fn held_line(partner: &Partner, digest: &str) -> Option<Rc<str>> {
    let mut all = partner.logs.iter().flat_map(|log| &log.leaves);
    all.find_map(|leaf| leaf.line.clone().filter(|line| part::digest(line.as_bytes()) == digest))
}
