//! Answers as signed statements, and the way back.

use super::question::Question;
use super::{Ends, Memory};
use crate::node::author::Draft;
use crate::node::groups::Known;
use crate::node::groups::say::{self, SayError};
use crate::node::{Hub, Said};
use crate::record::RecordRef;
use crate::record::statement::{Body, Judgement};
use crate::store::group::statement_of;
use crate::store::log::OWN;
use crate::store::{self, record};
use uuid::Uuid;

/// What was taken back.
#[derive(Debug, Clone)]
pub struct Undone {
    /// The pairs of which this hub says nothing any more.
    pub pairs: Vec<Ends>,
    /// What the registry did.
    pub said: Said,
}

impl Hub {
    /// Signs one answer; with "same", also what keeps both sides whole ([`Question::bonds`]). `turned`: the right is the
    /// subject of a directional judgement.
    ///
    /// # Errors
    /// Database errors, and a failure to publish.
    pub async fn answer(&self, question: &Question, judgement: Judgement, turned: bool) -> anyhow::Result<Said> {
        let (a, b) = if turned { (question.ends.1, question.ends.0) } else { question.ends };
        let bonds = if judgement == Judgement::Same { &question.bonds[..] } else { &[] };
        let drafts = std::iter::once((a, b)).chain(bonds.iter().copied()).map(|(a, b)| {
            let decisions = question.left.decisions.iter().chain(&question.right.decisions);
            say::link(decisions, a, b, judgement, self.chance.id())
        });
        self.step(drafts.collect()).await
    }

    /// Takes one record out of its group: "different" against each other member, in one step.
    ///
    /// # Errors
    /// [`SayError::OneValue`] where there is no other member; database errors.
    pub async fn leave_out(&self, known: &Known, record: RecordRef) -> anyhow::Result<Said> {
        let others = known.members.iter().map(|one| one.record).filter(|other| *other != record);
        let drafts: Vec<Draft> = others
            .map(|other| say::link(known.decisions.iter(), record, other, Judgement::Different, self.chance.id()))
            .collect();
        if drafts.is_empty() {
            return Err(SayError::OneMember.into());
        }
        self.step(drafts).await
    }

    /// Says it, and remembers it as one step that can be taken back: both or neither, in one transaction.
    async fn step(&self, drafts: Vec<Draft>) -> anyhow::Result<Said> {
        let mut db = self.store.write().await?;
        let derived = self.say_in(&mut db, &drafts, |_| {}).await?;
        let mut memory = Memory::read(&mut db).await?;
        memory.steps.push(drafts.iter().map(|draft| (draft.id, draft.rev)).collect());
        memory.write(&mut db).await?;
        db.commit().await?;
        Ok(Said { statements: drafts.len(), held: 0, derived, published: self.publish().await? })
    }

    /// Takes back the last step that still stands, with judgements of "none". Steps whose statements were replaced since (by
    /// `link`, or by another answer) are passed over: what replaced them is its own step.
    ///
    /// # Errors
    /// [`SayError::NothingToUndo`]; database errors.
    pub async fn undo(&self) -> anyhow::Result<Undone> {
        let mut db = self.store.write().await?;
        let mut memory = Memory::read(&mut db).await?;
        let mut drafts = Vec::new();
        let mut pairs = Vec::new();
        while let Some(step) = memory.steps.pop() {
            for (id, rev) in step {
                let Some((a, b)) = standing(&mut db, id, rev).await? else { continue };
                drafts.push(Draft {
                    id,
                    rev: rev + 1,
                    body: Body::Link { a, b, judgement: Judgement::None },
                    public: None,
                });
                pairs.push((a, b));
            }
            if !drafts.is_empty() {
                break;
            }
        }
        if drafts.is_empty() {
            return Err(SayError::NothingToUndo.into());
        }
        let derived = self.say_in(&mut db, &drafts, |_| {}).await?;
        memory.write(&mut db).await?;
        db.commit().await?;
        let said = Said { statements: drafts.len(), held: 0, derived, published: self.publish().await? };
        Ok(Undone { pairs, said })
    }
}

/// The two records of a decision of this hub, if this revision of it still stands.
async fn standing(db: &mut store::Write, id: Uuid, rev: u64) -> anyhow::Result<Option<Ends>> {
    let ends = record::ends_of(db, OWN, id).await?;
    let rows = record::decisions(db, &ends).await?;
    let row = rows.iter().find(|row| row.hub == OWN && row.rec == id);
    let statement = row.and_then(|row| statement_of(&row.body)).filter(|statement| statement.rev == rev);
    Ok(statement.and_then(|statement| match statement.body {
        Body::Link { a, b, judgement } if judgement != Judgement::None => Some((a, b)),
        _ => None,
    }))
}
