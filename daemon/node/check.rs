//! Everything that must be true of a hub, looked at again: what tests call after every scenario and people when in doubt.

use super::Hub;
use crate::feed::tile::WIDTH;
use crate::feed::{Checkpoint, Frontier, leaf, merkle};
use crate::record::part::{self, PUBLIC};
use crate::store::log::{LogRow, OWN};
use crate::store::{self, Write};
use std::collections::BTreeMap;

/// Leaves checked at a time on each core.
const PAGE: u64 = 1024;

/// Something that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// Stable kebab-case code.
    pub code: &'static str,
    /// In words.
    pub what: String,
}

/// Computes every leaf's verdict below the head again, signatures included, and stores it.
///
/// # Errors
/// Database errors.
pub async fn verdicts(db: &mut Write, log: &LogRow) -> anyhow::Result<()> {
    let mut from = 0;
    while from < log.held {
        // One page a core: signatures are most of the work.
        let mut pages = Vec::new();
        for _ in 0..std::thread::available_parallelism().map_or(2, |n| n.get()) {
            let leaves = store::log::leaves(db, log.n, from, (from + PAGE).min(log.held)).await?;
            from = (from + PAGE).min(log.held);
            let key = log.key.clone();
            pages.push(tokio::task::spawn_blocking(move || {
                let verdict = |leaf: &store::log::LeafRow| match leaf.note.as_slice() {
                    [] => Some((leaf.pos, "leaf-removed")),
                    note => leaf::open(note, &key).err().map(|verdict| (leaf.pos, verdict.code())),
                };
                leaves.iter().filter_map(verdict).collect::<Vec<_>>()
            }));
        }
        for page in pages {
            store::record::mark_void(db, &page.await?).await?;
        }
    }
    Ok(())
}

impl Hub {
    /// Looks at everything: trees against edges and signed roots, lines against digests, erasures against lines, and the
    /// derived tables against a rebuild, which is taken back afterwards.
    ///
    /// # Errors
    /// Database errors only; what is wrong is in the findings.
    pub async fn check(&self) -> anyhow::Result<Vec<Finding>> {
        let mut findings = Vec::new();
        let mut db = self.store.write().await?;
        for log in store::log::all(&mut db).await? {
            check_log(&mut db, &log, &mut findings).await?;
        }
        let derived = store::registry::dump(&mut db).await?;
        let (policy, as_of) = (store::setting(&mut db, "policy").await?, store::setting(&mut db, "as-of").await?);
        let zone = self.config.time_zone()?;
        let current = policy.as_deref() == Some(self.policy.hash())
            && as_of.as_deref() == Some(self.clock.today(&zone).to_string().as_str());
        if current {
            self.rebuild_in(&mut db).await?;
            for ((table, was), (_, again)) in derived.iter().zip(store::registry::dump(&mut db).await?) {
                if *was != again {
                    findings.push(Finding {
                        code: "derived-differs",
                        what: format!("the table {table} is not what its records say ({was}, again {again}); run `mutuald registry rebuild`"),
                    });
                }
            }
        }
        db.rollback().await?;
        Ok(findings)
    }
}

async fn check_log(db: &mut Write, log: &LogRow, findings: &mut Vec<Finding>) -> anyhow::Result<()> {
    let mut wrong =
        |code, what: String| findings.push(Finding { code, what: format!("{} ({}): {what}", log.name, log.hub) });
    let erased = store::log::erasures(db, log.owner).await?;
    let roots = store::log::bundle_roots(db, log.n, log.held / WIDTH).await?;
    if roots.len() as u64 != log.held / WIDTH {
        wrong("bundle-roots", format!("{} roots are stored for {} full bundles", roots.len(), log.held / WIDTH));
    }
    let mut edge = Frontier::default();
    let mut at_checkpoint = None;
    let signed = log.checkpoint.as_deref().map(|note| Checkpoint::open(note, &log.key, &log.peer));
    let signed_size = signed.as_ref().and_then(|signed| signed.as_ref().ok()).map(|signed| signed.size);
    let mut count = 0;
    for n in 0..log.held.div_ceil(WIDTH) {
        let leaves = store::log::leaves(db, log.n, n * WIDTH, ((n + 1) * WIDTH).min(log.held)).await?;
        let hashes: Vec<_> = leaves.iter().map(|leaf| leaf.hash()).collect();
        if leaves.len() as u64 == WIDTH && roots.get(n as usize) != Some(&merkle::root(hashes.iter().copied())) {
            wrong(
                "bundle-root",
                format!("entries {}–{} are not what was verified; pull again", n * WIDTH, n * WIDTH + WIDTH - 1),
            );
        }
        for (leaf, hash) in leaves.iter().zip(hashes) {
            edge.push(hash);
            count += 1;
            if Some(count) == signed_size {
                at_checkpoint = Some(edge.root());
            }
            check_line(leaf, log, &erased, &mut wrong);
        }
    }
    if count != log.held || edge != log.edge {
        wrong("edge", format!("{count} entries are stored, {} were verified, or they are not the same", log.held));
    }
    match signed {
        Some(Err(error)) => wrong("checkpoint", format!("the stored checkpoint: {error}")),
        Some(Ok(signed)) if signed.size <= log.held && at_checkpoint != Some(signed.root) && signed.size > 0 => {
            wrong("root", format!("the {} entries do not have the root that was signed", signed.size));
        }
        _ => {}
    }
    // Of a log that was closed, the hub's document signs the end.
    let signed_size = log.closed.map(|(size, _)| size).or(signed_size);
    if (log.owner != OWN || log.closed.is_some()) && log.held > signed_size.unwrap_or(0) {
        wrong("unsigned", format!("{} entries are stored, {} are signed", log.held, signed_size.unwrap_or(0)));
    }
    if log.closed.is_some_and(|(size, root)| log.held == size && edge.root() != root) {
        wrong("root", format!("the {} entries do not have the root at which their hub closed them", log.held));
    }
    if log.head > log.held || (log.owner == OWN && log.head != log.held) {
        wrong("head", format!("{} of {} entries are seen", log.head, log.held));
    }
    Ok(())
}

fn check_line(
    leaf: &store::log::LeafRow,
    log: &LogRow,
    erased: &BTreeMap<uuid::Uuid, u64>,
    wrong: &mut impl FnMut(&'static str, String),
) {
    let Some(line) = &leaf.line else { return };
    let index = store::log::index(leaf.pos);
    match leaf::open(&leaf.note, &log.key) {
        Ok(statement) => {
            if statement.parts.get(PUBLIC) != Some(&part::digest(line.as_bytes())) {
                wrong("line", format!("the words of entry {index} are not those that were signed"));
            }
            if erased.get(&statement.id).is_some_and(|upto| statement.rev <= *upto) {
                wrong("erased", format!("the words of entry {index} were erased by their hub and are still here"));
            }
        }
        Err(_) => wrong("line", format!("entry {index} says nothing and has words")),
    }
}
