//! Frames in the feed: what this hub says of one that it has frozen, and what partner hubs say of theirs.
//!
//! A published frame is a record like any other: signed, pulled, taken back, erased. It says what the frame is, its counts and the digest
//! of its bytes. The rows stay in the folder, which goes only to those whom a study's agreement names (the register of research uses);
//! whoever is given one compares it with what the hub published.

use super::verify::{self, Files, Finding, Opened};
use super::{FRAME, SEAL};
use crate::frame::citation::Citation;
use crate::frame::frozen::Frame;
use crate::node::author::Draft;
use crate::node::{Hub, Said};
use crate::record::frame::{APART, Count, FramePart, Period};
use crate::record::statement::{Body, ErasedParts, Kind, RecordRef};
use crate::record::{HubId, part};
use crate::store;
use crate::store::log::OWN;
use anyhow::bail;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Longest line of a part, in bytes, salt and blank included (PROTOCOL 1.10).
const LINE: usize = 16 * 1024;
/// Salt and blank before the words.
const SALT: usize = 23;

/// A frame that a hub published.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shared {
    /// The record.
    pub record: RecordRef,
    /// Whether it is this hub's own.
    pub own: bool,
    /// The hub's name.
    pub hub_name: String,
    /// When it was said.
    pub said: Timestamp,
    /// Its revision.
    #[serde(skip)]
    pub rev: u64,
    /// What it says.
    pub part: FramePart,
}

impl Shared {
    /// How it is cited.
    pub fn citation(&self) -> Citation {
        let part = &self.part;
        Citation {
            name: part.sample_frame_name.clone(),
            title: part.labl.clone(),
            custodian: part.custodian.clone(),
            universe: part.universe.clone(),
            unit: part.unit_type.clone(),
            units: part.number_of_units,
            as_of: part.as_of,
            profile: part.profile.clone(),
            area: part.area.clone(),
            hub: self.record.hub,
            hub_name: self.hub_name.clone(),
            frozen: part.frozen,
            digest: part.digest.clone(),
            licence: part.licence.clone(),
            sample: None,
        }
    }

    /// Whether somebody means it: its name, its name and the beginning of its digest (`name@0a1b`), or eight digits of the digest.
    pub fn meant_by(&self, words: &str) -> bool {
        let part = &self.part;
        match words.split_once('@') {
            Some((name, digest)) => part.sample_frame_name == name && part.digest.starts_with(digest),
            None => part.sample_frame_name == words || (words.len() >= 8 && part.digest.starts_with(words)),
        }
    }
}

/// What partner hubs and this one have published.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct AllShared {
    /// Those that can be read, this hub's own first.
    pub frames: Vec<Shared>,
    /// How many cannot be read by this version.
    pub unreadable: usize,
}

/// What is said of a frozen frame. `frozen` and `digest` are those of its seal and bytes.
pub fn part_of(frame: &Frame, digest: &str, frozen: Timestamp, licence: &str) -> FramePart {
    let definition = frame.definition.clone();
    let count = |step: crate::frame::flow::Step| {
        let left = step.left.into_iter().map(|(why, count)| (why, count as u64));
        let left: BTreeMap<String, u64> = match step.step.as_str() {
            // Together: how many records of an area must not be listed is nobody's to know.
            "read" => {
                let sum: u64 = left.map(|(_, count)| count).sum();
                (sum > 0).then(|| (APART.to_owned(), sum)).into_iter().collect()
            }
            _ => left.collect(),
        };
        Count { step: step.step, of: step.of, count: step.count as u64, left }
    };
    FramePart {
        sample_frame_name: definition.sample_frame_name,
        labl: definition.labl,
        txt: definition.txt,
        valid_period: definition.valid_period.map(|period| Period { from: period.from, to: period.to }),
        custodian: definition.custodian,
        use_stmt: definition.use_stmt,
        universe: definition.universe,
        unit_type: definition.unit_type,
        number_of_units: frame.units().count() as u64,
        reference_period: definition.reference_period,
        update_procedure: definition.update_procedure,
        area: definition.area,
        as_of: definition.as_of,
        sources: definition.sources,
        profile: frame.profile.cited(),
        policy: definition.policy,
        registry: definition.registry,
        counts: frame.flow.steps().into_iter().map(count).collect(),
        frozen: Timestamp::from_second(frozen.as_second()).unwrap_or(frozen),
        digest: digest.to_owned(),
        licence: Some(licence.to_owned()).filter(|licence| !licence.trim().is_empty()),
        extra: BTreeMap::new(),
    }
}

impl Hub {
    /// Every frame that this hub or a partner has published and not taken back.
    ///
    /// # Errors
    /// Database errors.
    pub async fn shared_frames(&self) -> anyhow::Result<AllShared> {
        let mut db = self.store.read().await?;
        let rows = store::frame::published(&mut db).await?;
        let hubs: BTreeMap<i64, HubId> = store::hub::ids(&mut db).await?.into_iter().collect();
        let names = store::directory::names(&mut db).await?;
        drop(db);
        let mut all = AllShared::default();
        for row in rows {
            let read = part::json(&row.line).and_then(|json| FramePart::read(json).ok());
            let (Some(part), Some(hub), Ok(rec)) = (read, hubs.get(&row.hub), Uuid::from_slice(&row.rec)) else {
                all.unreadable += 1;
                continue;
            };
            all.frames.push(Shared {
                record: RecordRef { hub: *hub, rec },
                own: row.hub == OWN,
                hub_name: names.get(hub).cloned().unwrap_or_else(|| hub.to_string()),
                said: Timestamp::from_second(row.said)?,
                rev: row.rev as u64,
                part,
            });
        }
        all.frames
            .sort_by(|a, b| (!a.own, &a.hub_name, a.said, a.record).cmp(&(!b.own, &b.hub_name, b.said, b.record)));
        Ok(all)
    }

    /// What would be said of a frozen frame in this hub's feed. Nothing is changed.
    ///
    /// # Errors
    /// A folder that is not as this hub signed it; a frame that is published already; words that may be somebody's own, or too many.
    pub async fn plan_publishing(&self, files: &Files) -> anyhow::Result<FramePart> {
        if self.config.publish.is_none() {
            bail!("this hub publishes nothing: its settings have no [publish]");
        }
        let Opened { checked, frame, .. } = verify::open(files);
        super::refuse(&checked)?;
        let (Some(frame), Some(hub), Some(digest), Some(frozen)) = (frame, checked.hub, checked.digest, checked.frozen)
        else {
            bail!("this folder holds no frame")
        };
        if hub != self.id {
            let name = checked.hub_name.unwrap_or_default();
            bail!("this frame was frozen by {name} ({hub}); that hub publishes it, and whoever follows it sees it");
        }
        if self.shared_frames().await?.frames.iter().any(|one| one.own && one.part.digest == digest) {
            bail!("this frame is published already");
        }
        for (member, words) in super::said(&frame.definition) {
            super::impersonal(&format!("the frame's {member}"), words)?;
        }
        let part = part_of(&frame, &digest, frozen, &self.own_document().await?.document.licence);
        if part.json().len() + SALT > LINE {
            bail!("what the frame says of itself is longer than {LINE} bytes: shorten its description");
        }
        Ok(part)
    }

    /// Says in the feed what a frozen frame is.
    ///
    /// # Errors
    /// As [`Hub::plan_publishing`] and [`Hub::say`].
    pub async fn publish_frame(&self, files: &Files) -> anyhow::Result<(FramePart, Said)> {
        let part = self.plan_publishing(files).await?;
        let draft = Draft { id: self.chance.id(), rev: 1, body: Body::Put(Kind::Frame), public: Some(part.json()) };
        Ok((part, self.say(&[draft]).await?))
    }

    /// Takes a published frame back: it is no longer stated. With `erase`, its words go everywhere too.
    ///
    /// # Errors
    /// Another hub's frame; as [`Hub::say`].
    pub async fn take_frame_back(&self, shared: &Shared, erase: bool) -> anyhow::Result<Said> {
        if !shared.own {
            bail!("{} published this frame: only that hub takes it back", shared.hub_name);
        }
        let (id, rev) = (shared.record.rec, shared.rev);
        let mut drafts = vec![Draft { id, rev: rev + 1, body: Body::Withdraw(Kind::Frame), public: None }];
        if erase {
            let body = Body::Erase(Kind::Frame, rev + 1, ErasedParts::All);
            drafts.push(Draft { id, rev: rev + 2, body, public: None });
        }
        self.say(&drafts).await
    }

    /// Compares a frozen folder with what its hub published here: who published it, and what differs.
    ///
    /// # Errors
    /// Database errors.
    pub async fn compare_published(&self, opened: &Opened) -> anyhow::Result<(Option<Shared>, Vec<Finding>)> {
        let Opened { checked, frame, .. } = opened;
        let finding = |code: &str, file: &str, what: String| Finding { code: code.into(), file: file.into(), what };
        let (Some(frame), Some(hub), Some(digest), Some(frozen)) =
            (frame, checked.hub, checked.digest.as_ref(), checked.frozen)
        else {
            return Ok((None, Vec::new()));
        };
        let all = self.shared_frames().await?.frames;
        let same = all.iter().filter(|one| one.part.digest == *digest);
        let Some(shared) = same.max_by_key(|one| one.record.hub == hub).cloned() else {
            let name = checked.frame.clone().unwrap_or_default();
            let theirs = all.iter().any(|one| one.record.hub == hub && one.part.sample_frame_name == name);
            let (code, file, what) = if theirs {
                let what = format!("its hub published another frame of the name {name:?}: this is not those bytes");
                ("frame-other-published", FRAME, what)
            } else {
                let what = "no hub that is followed here has published a frame of these bytes".to_owned();
                ("frame-not-published", FRAME, what)
            };
            return Ok((None, vec![finding(code, file, what)]));
        };
        let mut findings = Vec::new();
        if shared.record.hub != hub {
            let what = format!("{} published these bytes, and {hub} signed them", shared.record.hub);
            findings.push(finding("frame-other-hub", SEAL, what));
        }
        let said = part_of(frame, digest, frozen, shared.part.licence.as_deref().unwrap_or_default());
        let published = FramePart { extra: BTreeMap::new(), ..shared.part.clone() };
        if said != published {
            let what =
                format!("what {} published of it (definition, counts or time) is not what it says", shared.hub_name);
            findings.push(finding("frame-published-otherwise", FRAME, what));
        }
        Ok((Some(shared), findings))
    }
}
