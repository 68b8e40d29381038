//! Whether a frame's folder is what its hub signed, and follows from itself: no database, no configuration, no network.
//!
//! The signature, the digest of every file, every group judged again by the frame's own rules, every draw drawn again. What was
//! changed is named: the file, and of the frame and its draws the line.

use super::seal::Seal;
use super::{FRAME, MARKS, SEAL};
use crate::feed::hub::{self, VerifiedHub};
use crate::feed::note::Note;
use crate::frame::draw::{self, Draw};
use crate::frame::frozen::{Frame, FrameError};
use crate::frame::lines;
use crate::record::HubId;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Files of a folder by name, folders inside with a slash.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Something that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Stable kebab-case code.
    pub code: String,
    /// The file.
    pub file: String,
    /// What is wrong with it, with the line where one is known.
    pub what: String,
}

/// A draw that was drawn again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drawn {
    /// The hub that drew.
    pub hub: HubId,
    /// Its name.
    pub hub_name: String,
    /// The part of the frame that it drew from, as codes of areas; empty for all.
    pub part: BTreeSet<String>,
    /// Its file.
    pub file: String,
    /// The study.
    pub study: String,
    /// Its digest.
    pub digest: String,
    /// Units taken.
    pub units: usize,
    /// Where it was made again, after which and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub again: Option<Again>,
}

/// That a draw was made again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Again {
    /// Digest of the draw before.
    pub of: String,
    /// Its file; none where the folder does not hold it.
    pub file: Option<String>,
    /// Why, as its hub said.
    pub reason: String,
}

/// What was looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Name of the frame.
    pub frame: Option<String>,
    /// SHA-256 (hex) of its bytes, by which it is cited.
    pub digest: Option<String>,
    /// The hub that signed.
    pub hub: Option<HubId>,
    /// Its name.
    pub hub_name: Option<String>,
    /// When.
    pub frozen: Option<Timestamp>,
    /// Groups that were judged again.
    pub groups: usize,
    /// Of these, the units.
    pub units: usize,
    /// Draws that were drawn again.
    pub draws: Vec<Drawn>,
    /// What is not as it must be; empty where all is.
    pub findings: Vec<Finding>,
}

/// A folder that was looked at, with what was read of it on the way.
#[derive(Debug)]
pub struct Opened {
    /// What was found.
    pub checked: Checked,
    /// The frame, where it can be read.
    pub frame: Option<Frame>,
    /// The hub that signed, by its newest document.
    pub hub: Option<VerifiedHub>,
    /// Its draws by their files, those that could be drawn again.
    pub draws: BTreeMap<String, Draw>,
}

/// Looks at a frozen frame and its draws.
pub fn verify(files: &Files) -> Checked {
    open(files).checked
}

/// Looks at a frozen frame and its draws, and keeps what was read: what is found wrong with it is in `checked`.
pub fn open(files: &Files) -> Opened {
    // Every file is hashed once, while the groups are judged again beside it.
    let (frame, digests, marks) = std::thread::scope(|threads| {
        let read = threads.spawn(|| files.get(FRAME).map(|bytes| Frame::read(bytes)));
        let digests = files.iter().map(|(name, bytes)| (name.as_str(), lines::digest(bytes))).collect();
        let marks = files.get(FRAME).map(|bytes| lines::marks(bytes));
        (read.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), digests, marks)
    });
    let (checked, covered, draws) = (Checked::default(), BTreeSet::new(), BTreeMap::new());
    let mut look = Look { files, digests, checked, covered, draws };
    let hub = look.hub(super::document);
    if let Some(hub) = &hub {
        (look.checked.hub, look.checked.hub_name) = (Some(hub.id), Some(hub.document.name.clone()));
    }
    let frozen = look.seal(SEAL, hub.as_ref(), &[FRAME, MARKS]);
    let frame = look.frame(frame, marks);
    if let Some(seal) = &frozen {
        look.checked.frozen = Some(seal.at);
        if let Some(frame) = &frame
            && frame.definition.sample_frame_name != seal.frame
        {
            look.find("frame-seal", SEAL, format!("it was signed for the frame {:?}", seal.frame));
        }
    }
    look.draws(hub.as_ref(), frozen.as_ref(), frame.as_ref());
    for name in files.keys() {
        if !look.covered.contains(name) {
            look.find("frame-extra-file", name, "nobody signed it: it is no part of the frame".to_owned());
        }
    }
    Opened { checked: look.checked, frame, hub, draws: look.draws }
}

struct Look<'a> {
    files: &'a Files,
    /// SHA-256 (hex) of each file.
    digests: BTreeMap<&'a str, String>,
    checked: Checked,
    /// Files whose names were met.
    covered: BTreeSet<String>,
    /// Draws that were drawn again, by their files.
    draws: BTreeMap<String, Draw>,
}

impl Look<'_> {
    fn find(&mut self, code: &str, file: &str, what: String) {
        self.checked.findings.push(Finding { code: code.to_owned(), file: file.to_owned(), what });
    }

    /// A hub by its documents, from the first, whose digest is its id.
    fn hub(&mut self, name_of: impl Fn(u64) -> String) -> Option<VerifiedHub> {
        let mut known: Option<VerifiedHub> = None;
        for version in 1.. {
            let name = name_of(version);
            let Some(bytes) = self.files.get(&name) else { break };
            self.covered.insert(name.clone());
            let next = match &known {
                None => hub::open(bytes, None),
                Some(before) => hub::next(before, bytes),
            };
            match next {
                Ok(next) => known = Some(next),
                Err(error) => {
                    self.find(error.code(), &name, error.to_string());
                    return None;
                }
            }
        }
        if known.is_none() {
            let what = "it is missing, so nobody can say whose signatures these are".to_owned();
            self.find("frame-missing-file", &name_of(1), what);
        }
        known
    }

    /// A seal that the hub signed; and every file that it covers.
    fn seal(&mut self, file: &str, hub: Option<&VerifiedHub>, must: &[&str]) -> Option<Seal> {
        self.covered.insert(file.to_owned());
        let Some(bytes) = self.files.get(file) else {
            self.find("frame-missing-file", file, "it is missing: nothing says what the hub signed".to_owned());
            return None;
        };
        let broken = |look: &mut Self, what: &str| {
            look.find("frame-seal", file, what.to_owned());
            None
        };
        let Ok(note) = Note::parse(bytes) else { return broken(self, "it is no signed note, or was changed") };
        let Some(seal) = Seal::read(note.text) else { return broken(self, "it is no seal of a frame, or was changed") };
        if let Some(hub) = hub {
            let signed = hub.logs.iter().any(|log| note.verify(&log.key).is_ok());
            // Lines by keys that nobody asked for would be bytes that can be changed unseen.
            let alone =
                bytes.split(|byte| *byte == b'\n').filter(|line| line.starts_with("— ".as_bytes())).count() == 1;
            if seal.hub != hub.id {
                self.find(
                    "frame-seal",
                    file,
                    format!("it is signed for {}, and the documents are of {}", seal.hub, hub.id),
                );
            } else if !signed || !alone {
                self.find("frame-seal", file, "its signature is not the hub's: it was changed".to_owned());
            }
        }
        for name in must {
            if !seal.files.contains_key(*name) {
                self.find("frame-seal", file, format!("it does not cover {name}"));
            }
        }
        for (name, digest) in &seal.files {
            self.covered.insert(name.clone());
            match self.files.get(name) {
                None => self.find("frame-missing-file", name, "it is missing".to_owned()),
                Some(bytes) if self.digests.get(name.as_str()) != Some(digest) => {
                    let where_ = self.place(name, bytes);
                    self.find("frame-changed", name, format!("it is not what the hub signed{where_}"));
                }
                Some(_) => {}
            }
        }
        Some(seal)
    }

    /// Which lines differ from the frame's marks.
    fn place(&self, name: &str, bytes: &[u8]) -> String {
        let marks = self.files.get(MARKS).and_then(|marks| std::str::from_utf8(marks).ok());
        let (true, Some(marks)) = (name == FRAME, marks) else { return String::new() };
        let changed: Vec<String> = lines::changed(bytes, marks).iter().take(5).map(ToString::to_string).collect();
        if changed.is_empty() { String::new() } else { format!(": changed at line {}", changed.join(", ")) }
    }

    /// What was read of the frame, and the marks that its lines have.
    fn frame(&mut self, read: Option<Result<Frame, FrameError>>, marks: Option<String>) -> Option<Frame> {
        match read? {
            Ok(frame) => {
                self.checked.frame = Some(frame.definition.sample_frame_name.clone());
                self.checked.digest = self.digests.get(FRAME).cloned();
                (self.checked.groups, self.checked.units) = (frame.rows.len(), frame.units().count());
                let given = self.files.get(MARKS);
                if given.zip(marks).is_some_and(|(given, marks)| *given != marks.into_bytes()) {
                    self.find("frame-marks", MARKS, "its marks are not those of the frame's lines".to_owned());
                }
                Some(frame)
            }
            Err(error) => {
                self.find(error.code(), FRAME, error.to_string());
                None
            }
        }
    }

    /// Every draw, of the frame's own hub and of others, and whether none was made again without a reason.
    fn draws(&mut self, hub: Option<&VerifiedHub>, frozen: Option<&Seal>, frame: Option<&Frame>) {
        let mut met: Vec<Met> = Vec::new();
        self.draws_of(hub, None, (frozen, frame), &mut met);
        let files = self.files;
        // The frame's own hub has no files under its id: whatever is there is an extra file.
        let own = self.checked.hub;
        let others: BTreeSet<HubId> =
            files.keys().filter_map(|name| super::drawn_by(name)).filter(|id| Some(*id) != own).collect();
        for other in others {
            let theirs = self.hub(|version| super::document_of(other, version));
            if theirs.as_ref().is_some_and(|hub| hub.id != other) {
                let what = "its documents are of another hub than its name says".to_owned();
                self.find("frame-hub", &super::document_of(other, 1), what);
            }
            self.draws_of(theirs.as_ref(), Some(other), (frozen, frame), &mut met);
        }
        for one in &met {
            let same = |before: &&Met| {
                before.draw.request.study == one.draw.request.study
                    && one.draw.request.overlaps(&before.draw.request.part)
                    && before.before(one)
            };
            if let Err(error) = draw::follows(&one.draw.request, met.iter().filter(same).count()) {
                self.find(error.code(), &one.file, error.to_string());
            }
        }
        let files: BTreeMap<String, String> = met.iter().map(|one| (one.digest.clone(), one.file.clone())).collect();
        for Met { file, digest, draw, hub_name, .. } in met {
            let (hub, units) = (draw.request.commitment.hub, draw.base.len());
            let (study, part) = (draw.request.study.clone(), draw.request.part.clone());
            let again = draw.request.redraw.clone().map(|redraw| Again {
                file: files.get(&redraw.of).cloned(),
                of: redraw.of,
                reason: redraw.reason,
            });
            self.checked.draws.push(Drawn { hub, hub_name, part, file: file.clone(), study, digest, units, again });
            self.draws.insert(file, draw);
        }
    }

    /// The draws of one hub, drawn again; `other` where it is not the frame's.
    fn draws_of(
        &mut self,
        hub: Option<&VerifiedHub>,
        other: Option<HubId>,
        (frozen, frame): (Option<&Seal>, Option<&Frame>),
        met: &mut Vec<Met>,
    ) {
        for n in 1.. {
            let (file, sealed) = (super::draw_file_of(other, n), super::draw_seal_of(other, n));
            if !self.files.contains_key(&file) && !self.files.contains_key(&sealed) {
                break;
            }
            let seal = self.seal(&sealed, hub, &[&file]);
            let Some(((frame, digest), bytes)) = frame.zip(self.digests.get(FRAME)).zip(self.files.get(&file)) else {
                continue;
            };
            match Draw::replay(frame, digest, bytes) {
                Ok(draw) => {
                    let commitment = &draw.request.commitment;
                    if frozen.is_some_and(|frozen| frozen.at != commitment.frozen) {
                        let what =
                            "it names another time at which the frame was frozen than the frame's seal".to_owned();
                        self.find("draw-frozen", &file, what);
                    }
                    if seal.is_some_and(|seal| seal.hub != commitment.hub) {
                        self.find("draw-hub", &file, "its seed was entered at another hub than signed it".to_owned());
                    }
                    let hub_name = hub.map(|hub| hub.document.name.clone()).unwrap_or_default();
                    let digest = self.digests.get(file.as_str()).cloned().unwrap_or_default();
                    met.push(Met { file, digest, n, hub_name, draw });
                }
                Err(error) => self.find(error.code(), &file, error.to_string()),
            }
        }
    }
}

/// A draw that was drawn again, before draws are held against each other.
struct Met {
    file: String,
    digest: String,
    n: usize,
    hub_name: String,
    draw: Draw,
}

impl Met {
    /// Which of two came first: of one hub by number, of two by the time at which the seed was chosen.
    fn before(&self, other: &Met) -> bool {
        let (mine, theirs) = (&self.draw.request.commitment, &other.draw.request.commitment);
        if mine.hub == theirs.hub { self.n < other.n } else { (mine.at, mine.hub) < (theirs.at, theirs.hub) }
    }
}
