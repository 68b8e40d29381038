//! Frames at a hub: defined, decided on, built from the registry, frozen into a folder that stands alone, and drawn from.
//!
//! A frozen frame is a folder: `frame.txt` (the frame's bytes), `marks.txt` (a mark for each line), `hub-1.txt` and so on (the
//! hub's documents, whose first has the hub's id as its digest), `seal.txt` (what the hub signed), and `draws/`. Another hub may draw
//! from its copy of the folder: its files stand under its id beside the others.
//!
//! * [`folder`]: the files, read and put in place; [`seal`] and [`verify`]: what is signed, and checking it;
//! * [`sighted`]: who saw its units; [`assess`]: how many groups no list has; [`report`]: how good it is, [`page`]: the same to print;
//! * [`shared`]: published in the feed, listed from partners, checked and cited there; [`uses`]: the register of research uses;
//! * [`study`]: what comes after the draw.

pub mod assess;
pub mod export;
pub mod folder;
pub mod page;
pub mod report;
pub mod seal;
pub mod shared;
pub mod sighted;
pub mod study;
pub mod uses;
pub mod verify;

use super::Hub;
use crate::frame::definition::Definition;
use crate::frame::draw::{self, Commitment, Design, Draw, Redraw, Request};
use crate::frame::eligibility::Decision;
use crate::frame::frozen::{self, Frame};
use crate::frame::lines;
use crate::frame::profile::Profile;
use crate::record::scan;
use crate::store;
use crate::store::frame::FrameRow;
use crate::store::group::Rules;
use crate::store::log::OWN;
use anyhow::{Context, bail};
use folder::write;
pub use folder::{
    FRAME, MARKS, SEAL, document, document_of, draw_file, draw_file_of, draw_seal_of, drawn_by, open, read,
};
use jiff::Timestamp;
use seal::Seal;
use serde::Serialize;
use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use verify::{Checked, Files, Opened};

/// A frame as defined here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// What it is; policy and registry are those of the day of its definition, until it is built.
    pub definition: Definition,
    /// By which rules.
    pub profile: Profile,
}

/// A frame that was frozen.
#[derive(Debug, Clone, Serialize)]
pub struct Frozen {
    /// SHA-256 (hex) of its bytes.
    pub digest: String,
    /// When.
    pub at: Timestamp,
    /// Units.
    pub units: usize,
    /// Files written.
    pub files: Vec<String>,
}

/// Of which units a draw is.
#[derive(Debug, Clone, Default)]
pub struct Among {
    /// Codes of areas, or their beginnings; empty for the whole frame.
    pub part: BTreeSet<String>,
    /// Units of an earlier study, which come last; for quotas only.
    pub spared: BTreeSet<String>,
}

/// What is asked of a draw at a hub.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The study's name.
    pub study: String,
    /// The seed.
    pub seed: String,
    /// Where it comes from.
    pub how: String,
    /// How units are taken.
    pub design: Design,
    /// Where the line of tickets begins, for a second study.
    pub line: Option<String>,
    /// Units of the reserve that are written down.
    pub reserve: usize,
    /// Why it is drawn again.
    pub again: Option<String>,
}

fn plan(row: &FrameRow) -> anyhow::Result<Plan> {
    let what = || format!("what is stored of the frame {:?} cannot be read; define it again", row.name);
    Ok(Plan {
        definition: serde_json::from_str(&row.definition).with_context(what)?,
        profile: serde_json::from_str(&row.profile).with_context(what)?,
    })
}

impl Hub {
    /// Defines a frame, or defines it anew.
    ///
    /// # Errors
    /// A definition or profile that is not sound; [`Personal`]; database errors.
    pub async fn define_frame(&self, plan: &Plan) -> anyhow::Result<()> {
        plan.definition.check()?;
        plan.profile.check()?;
        for (member, words) in said(&plan.definition) {
            impersonal(&format!("the frame's {member}"), words)?;
        }
        let row = FrameRow {
            name: plan.definition.sample_frame_name.clone(),
            definition: serde_json::to_string(&plan.definition)?,
            profile: serde_json::to_string(&plan.profile)?,
            at: self.clock.now().as_second(),
        };
        let mut db = self.store.write().await?;
        store::frame::define(&mut db, &row).await?;
        Ok(db.commit().await?)
    }

    /// All frames that are defined here, by name.
    ///
    /// # Errors
    /// Database errors.
    pub async fn frames(&self) -> anyhow::Result<Vec<Plan>> {
        let mut db = self.store.read().await?;
        store::frame::defined(&mut db).await?.iter().map(plan).collect()
    }

    /// Notes a person's decision about a group of a frame.
    ///
    /// # Errors
    /// A decision that is not sound; [`Personal`]; database errors.
    pub async fn decide_in_frame(&self, frame: &str, decision: &Decision) -> anyhow::Result<()> {
        decision.check()?;
        impersonal("the reason", &decision.why)?;
        let body = serde_json::to_string(decision)?;
        let mut db = self.store.write().await?;
        store::frame::decide(&mut db, frame, &decision.on, (&decision.date.to_string(), &body)).await?;
        Ok(db.commit().await?)
    }

    /// The decisions of this hub's people about a frame's groups.
    ///
    /// # Errors
    /// Database errors.
    pub async fn frame_decisions(&self, frame: &str) -> anyhow::Result<Vec<Decision>> {
        let mut db = self.store.read().await?;
        let bodies = store::frame::decisions(&mut db, frame).await?;
        bodies.iter().map(|body| serde_json::from_str(body).context("a stored decision cannot be read")).collect()
    }

    /// Builds a frame from the registry as it is.
    ///
    /// # Errors
    /// A definition or decision that is not sound; database errors.
    pub async fn build_frame(&self, plan: &Plan) -> anyhow::Result<Frame> {
        let decisions = self.frame_decisions(&plan.definition.sample_frame_name).await?;
        // One look at the registry: what comes in between is no part of it.
        let mut connection = self.store.read().await?;
        let mut db = sqlx::Connection::begin(&mut *connection).await?;
        let rules = Rules::standing(&mut db, self.policy.clone()).await?;
        let definition = of_registry(&mut db, plan).await?;
        let given = store::frame::given(&mut db, &rules, &definition, false).await?;
        Ok(frozen::build(definition, plan.profile.clone(), given.candidates, &given.apart, decisions)?)
    }

    /// Writes a frame into a new folder, signed. A frame that is given away needs no memory while what was written is checked.
    ///
    /// # Errors
    /// A folder that is there; what is written is not what was meant; I/O and database errors. No folder is left then.
    pub async fn freeze_frame(&self, frame: impl Borrow<Frame>, folder: &Path) -> anyhow::Result<Frozen> {
        let text = frame.borrow().text();
        let (name, units) = (frame.borrow().definition.sample_frame_name.clone(), frame.borrow().units().count());
        drop(frame);
        let mut files = self.frame_documents(document).await?;
        files.insert(MARKS.to_owned(), lines::marks(&text).into_bytes());
        files.insert(FRAME.to_owned(), text);
        let (at, digests) = (self.clock.now(), digests(&files));
        let digest = digests[FRAME].clone();
        let sealed = self.seal(&name, at, digests).await?;
        files.insert(SEAL.to_owned(), sealed.into_bytes());
        refuse(&verify::verify(&files))?;
        folder::place(folder, |beside| files.iter().try_for_each(|(name, bytes)| write(beside, name, bytes)))?;
        let mut db = self.store.write().await?;
        store::frame::froze(&mut db, &digest, &name, at.as_second()).await?;
        db.commit().await?;
        Ok(Frozen { digest, at, units, files: files.into_keys().collect() })
    }

    /// Draws from a frozen frame and writes the draw beside it, signed.
    ///
    /// # Errors
    /// A frame that is not as it was frozen; a second draw for one study without a reason; what the design refuses.
    pub async fn draw_frame(&self, folder: &Path, ask: Ask) -> anyhow::Result<(Draw, String)> {
        self.draw_among(folder, ask, Among::default()).await
    }

    /// Draws from a part of a frozen frame, of this hub or of another, and writes the draw beside it, signed by this hub.
    ///
    /// # Errors
    /// Those of [`Hub::draw_frame`]; [`Personal`].
    pub async fn draw_among(&self, folder: &Path, ask: Ask, among: Among) -> anyhow::Result<(Draw, String)> {
        let mut files = read(folder)?;
        let Opened { checked, frame, draws, .. } = verify::open(&files);
        refuse(&checked)?;
        let (Some(frozen), Some(digest), Some(frame)) = (checked.frozen, checked.digest, frame) else {
            bail!("this folder holds no frame")
        };
        draw::possible(&frame, &ask.design)?;
        let other = (checked.hub != Some(self.id)).then_some(self.id);
        let mut db = self.store.read().await?;
        let drawn = store::frame::drawn_parts(&mut db, &digest, &ask.study).await?;
        drop(db);
        let mut before: Vec<(String, BTreeSet<String>)> = Vec::new();
        for (digest, part) in drawn {
            before.push((digest, serde_json::from_str(&part).context("a stored draw cannot be read")?));
        }
        let of_folder = checked.draws.into_iter().filter(|one| one.study == ask.study);
        for one in of_folder {
            if !before.iter().any(|(digest, _)| *digest == one.digest) {
                before.push((one.digest, one.part));
            }
        }
        let at = self.clock.now();
        let commitment = Commitment { seed: ask.seed, how: ask.how, hub: self.id, at, frozen, frame: digest.clone() };
        let Ask { study, design, line, reserve, again, .. } = ask;
        let Among { part, spared } = among;
        impersonal("the study's name", &study)?;
        impersonal("what is said of the seed", &commitment.how)?;
        impersonal("the reason", again.as_deref().unwrap_or_default())?;
        for one in design.overrides() {
            impersonal("the reason for a choice", &one.reason)?;
        }
        let mut request =
            Request { study: study.clone(), commitment, design, line, reserve, redraw: None, part, spared };
        // A part of which nothing was drawn yet is no second draw.
        before.retain(|(_, part)| request.overlaps(part));
        let earlier: Vec<String> = before.into_iter().map(|(digest, _)| digest).collect();
        // The last of them is the one that no other came after, whatever the clock said.
        let again_of: BTreeSet<&String> =
            draws.values().filter_map(|draw| Some(&draw.request.redraw.as_ref()?.of)).collect();
        let last = earlier.iter().rfind(|digest| !again_of.contains(digest)).or(earlier.last());
        request.redraw = match (again, last) {
            (Some(reason), Some(of)) => Some(Redraw { of: of.clone(), reason }),
            (Some(_), None) => bail!("nothing was drawn from this frame for {study:?} before"),
            (None, _) => None,
        };
        draw::follows(&request, earlier.len())?;
        let drawn = draw::draw(&frame, &digest, request)?;
        let file = (1..).map(|n| (draw_file_of(other, n), n)).find(|(file, _)| !files.contains_key(file));
        let (file, n) = file.context("there is no number left")?;
        // Another hub's documents stand beside the frame's own hub's: their numbers begin at 1 as well.
        let name_of = |version| other.map_or_else(|| document(version), |hub| document_of(hub, version));
        let mut new = self.frame_documents(name_of).await?;
        new.insert(file.clone(), drawn.text());
        let sealed = self.seal(&frame.definition.sample_frame_name, at, digests(&new)).await?;
        new.insert(draw_seal_of(other, n), sealed.into_bytes());
        new.retain(|name, bytes| files.get(name) != Some(bytes));
        files.extend(new.clone());
        refuse(&verify::verify(&files))?;
        // Known before it can be seen: who throws a draw away has drawn all the same.
        let mut db = self.store.write().await?;
        store::frame::drew(&mut db, &drawn.digest(), &digest, &study, at.as_second()).await?;
        let part = serde_json::to_string(&drawn.request.part)?;
        store::frame::drew_part(&mut db, &drawn.digest(), &part).await?;
        db.commit().await?;
        for (name, bytes) in &new {
            write(folder, name, bytes)?;
        }
        Ok((drawn, file))
    }

    /// This hub's documents, under the names that they have in a folder.
    async fn frame_documents(&self, name_of: impl Fn(u64) -> String) -> anyhow::Result<Files> {
        let mut db = self.store.read().await?;
        let versions = store::hub::versions(&mut db, OWN).await?;
        Ok(versions.into_iter().map(|(version, bytes)| (name_of(version), bytes)).collect())
    }

    async fn seal(&self, frame: &str, at: Timestamp, files: BTreeMap<String, String>) -> anyhow::Result<String> {
        let mut db = self.store.read().await?;
        let log = store::log::by_number(&mut db, OWN).await?.context("this database holds no hub")?;
        if log.closed.is_some() {
            bail!("this hub was closed: its document names a hub that takes over, so it signs nothing more");
        }
        let seal = Seal { hub: self.id, at, frame: frame.to_owned(), files };
        Ok(self.keys_of(&log)?.log.note(&seal.text()))
    }
}

/// SHA-256 (hex) of each file.
fn digests(files: &Files) -> BTreeMap<String, String> {
    files.iter().map(|(name, bytes)| (name.clone(), lines::digest(bytes))).collect()
}

/// Words that may be somebody's own, where others will read them.
#[derive(Debug, thiserror::Error)]
#[error("{what} seems to hold {kind}: it would stand in the frame's folder for everybody to read")]
pub struct Personal {
    /// Of what they are.
    pub what: String,
    /// What they seem to be, in words.
    pub kind: &'static str,
}

/// Refuses words that may be somebody's own.
fn impersonal(what: &str, words: &str) -> Result<(), Personal> {
    match scan::in_text(words).first() {
        None => Ok(()),
        Some((kind, _)) => Err(Personal { what: what.to_owned(), kind: kind.words() }),
    }
}

/// What a definition says in free words, by its members' names.
fn said(definition: &Definition) -> [(&'static str, &str); 8] {
    [
        ("labl", definition.labl.as_deref().unwrap_or_default()),
        ("txt", definition.txt.as_deref().unwrap_or_default()),
        ("custodian", &definition.custodian),
        ("useStmt", definition.use_stmt.as_deref().unwrap_or_default()),
        ("universe", &definition.universe),
        ("unitType", &definition.unit_type),
        ("referencePeriod", &definition.reference_period),
        ("updateProcedure", &definition.update_procedure),
    ]
}

/// A plan's definition, built from the registry as it is.
async fn of_registry(db: &mut sqlx::SqliteConnection, plan: &Plan) -> anyhow::Result<Definition> {
    let (registry, _, policy, _) = store::registry::digest(db).await?;
    Ok(Definition { registry, policy, ..plan.definition.clone() })
}

fn refuse(checked: &Checked) -> anyhow::Result<()> {
    match checked.findings.first() {
        None => Ok(()),
        Some(finding) => bail!("{}: {} ({})", finding.file, finding.what, finding.code),
    }
}

/// Brings draws that hubs made from other copies of a frozen frame into one folder. Returns the files that came.
///
/// # Errors
/// A folder of another frame; two draws of one name; files that are not as their hub signed them; I/O errors. Nothing is written then.
pub fn gather(folder: &Path, others: &[std::path::PathBuf]) -> anyhow::Result<Vec<String>> {
    let mut files = read(folder)?;
    let mut new = Files::new();
    for other in others {
        let theirs = read(other)?;
        for name in [FRAME, SEAL] {
            if theirs.get(name) != files.get(name) {
                bail!("{} holds another frame: its {name} is not the same", other.display());
            }
        }
        for (name, bytes) in theirs.into_iter().filter(|(name, _)| name.starts_with("draws/")) {
            match files.get(&name) {
                Some(known) if *known != bytes => {
                    bail!("{name} of {} is another draw than the one here", other.display())
                }
                Some(_) => {}
                None => {
                    files.insert(name.clone(), bytes.clone());
                    new.insert(name, bytes);
                }
            }
        }
    }
    refuse(&verify::verify(&files))?;
    for (name, bytes) in &new {
        write(folder, name, bytes)?;
    }
    Ok(new.into_keys().collect())
}
