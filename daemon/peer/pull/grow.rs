//! New leaves: a few extend the stored edge, many are proven by the tree's upper level first.

use super::fetch::{all_fit, has_parts};
use super::proof::Proof;
use super::{PullError, Run};
use crate::failpoint::reach;
use crate::feed::Checkpoint;
use crate::feed::plan::{Bundle, Plan};
use crate::feed::standing::{self, Extended};
use crate::feed::tile::{self, WIDTH};
use crate::peer::client::{Answer, Ask, FetchError};
use crate::peer::verify::{self, Raw};
use crate::record::part::PUBLIC;
use crate::store::log as logs;
use futures_util::{StreamExt, stream};

impl Run<'_> {
    /// A few new leaves: extend the stored edge, and compare with the signed root before anything is stored.
    pub(super) async fn extend(&mut self, plan: &Plan, theirs: &Checkpoint, note: &[u8]) -> Result<u64, PullError> {
        let mut ranged = true;
        let known = self.known()?;
        let fetched = loop {
            let mut fetched = Vec::new();
            for bundle in &plan.bundles {
                let (raw, _) = self.tail_entries(bundle, ranged).await?;
                fetched.push((bundle, raw));
            }
            let hashes = fetched.iter().flat_map(|(_, raw)| raw.iter().map(|raw| raw.hash));
            match standing::extend(self.log.edge.clone(), hashes, known.as_ref(), theirs) {
                Extended::Proven => break fetched,
                Extended::Fork => return Err(self.fork(note)),
                Extended::Unproven => {}
            }
            if !ranged {
                return Err(self.explain(theirs, note).await?);
            }
            // A range may have been answered with other bytes. The whole files decide (PROTOCOL F9).
            ranged = false;
        };
        let mut tail_bytes = 0;
        for (bundle, raw) in fetched {
            let (lines, bytes) = self.tail_lines(bundle, &raw).await?;
            tail_bytes = bytes;
            let key = self.log.key.clone();
            let checked = tokio::task::spawn_blocking(move || verify::check(raw, &lines, &key));
            let checked = checked.await.map_err(|_| PullError::Stopped)?;
            self.keep(vec![checked], note).await?;
        }
        Ok(if theirs.size.is_multiple_of(WIDTH) { 0 } else { tail_bytes })
    }

    /// Many new leaves: prove the tree's upper level first, then fetch bundles side by side, verify each alone, and store
    /// them in log order.
    pub(super) async fn rebuild_upper(
        &mut self,
        plan: &Plan,
        theirs: &Checkpoint,
        note: &[u8],
    ) -> Result<u64, PullError> {
        let (level1, tail) = self.upper(&plan.level1, theirs).await?;
        if !self.fits_held(&level1, &tail).await? || !self.fits_known(&level1, &tail).await? {
            return Err(self.fork(note));
        }
        // From here on it counts as signed, whatever becomes of this run: a partner that shows another history to whoever
        // was interrupted would else go unseen past what is held.
        let mut write = self.store.write().await?;
        self.remember(&mut write, note, 0).await?;
        write.commit().await?;
        reach("pull-proven");
        let files = self.files();
        let held = self.log.held;
        // What lies behind the full bundles came with the upper level, and is proven already.
        let mut tail = Some(tail);
        let jobs: Vec<(Bundle, Proof)> = plan
            .bundles
            .iter()
            .map(|bundle| {
                let proof = match level1.get(bundle.n as usize) {
                    Some(root) => Proof::Root(*root),
                    None => Proof::Raw(tail.take().unwrap_or_default()),
                };
                (bundle.clone(), proof)
            })
            .collect();
        let side_by_side = self.client.limits().parallel_gets as usize;
        let mut ready = stream::iter(jobs)
            .map(|(bundle, proof)| {
                let files = files.clone();
                async move {
                    tokio::spawn(async move { files.bundle(bundle, proof).await })
                        .await
                        .map_err(|_| PullError::Stopped)?
                }
            })
            .buffered(side_by_side)
            // Whatever is ready goes into one transaction; none is open while a partner lets us wait.
            .ready_chunks(16);
        let mut tail_bytes = 0;
        while let Some(chunk) = ready.next().await {
            let (mut verified, mut failed) = (Vec::new(), None);
            for bundle in chunk {
                match bundle {
                    Ok(bundle) => verified.push(bundle),
                    Err(error) => {
                        failed = Some(error);
                        break;
                    }
                }
            }
            tail_bytes = verified.last().map_or(tail_bytes, |last| last.part_bytes);
            self.seen.bytes += verified.iter().map(|bundle| bundle.bytes).sum::<u64>();
            let leaves = verified.into_iter().map(|bundle| {
                // Of a bundle held in part, only the rest is new.
                let skip = held.saturating_sub(bundle.n * WIDTH).min(WIDTH) as usize;
                bundle.leaves.into_iter().skip(skip).collect()
            });
            self.keep(leaves.collect(), note).await?;
            if let Some(error) = failed {
                return Err(error);
            }
        }
        Ok(if theirs.size.is_multiple_of(WIDTH) { 0 } else { tail_bytes })
    }

    /// The new leaves of a bundle, by Range where part of it is held. Returns them with the bytes that came.
    async fn tail_entries(&mut self, bundle: &Bundle, ranged: bool) -> Result<(Vec<Raw>, u64), PullError> {
        let path = tile::entries(bundle.n, bundle.file_width);
        let fresh = bundle.leaves.end - bundle.leaves.start;
        let url = self.url(&path)?;
        let most = self.client.limits().entry_bundle_bytes;
        let removed = |_| None;
        if ranged && bundle.leaves.start > 0 && bundle.leaves.end == bundle.file_width {
            let mut db = self.store.read().await?;
            let from = bundle.n * WIDTH;
            let held = logs::bytes(&mut db, self.log.n, from, from + bundle.leaves.start).await?;
            drop(db);
            // Before each leaf stands its length, in two bytes.
            let offset = held + 2 * bundle.leaves.start;
            // A server that gets ranges wrong costs us the whole file, nothing more.
            let answer = self.client.get(&url, &Ask { most, from: Some(offset), ..Ask::default() }).await;
            if let Ok(Answer::Rest(bytes)) = &answer
                && let Ok(raw) = verify::raw(bytes, fresh, removed)
                && self.extends_to(&raw)
            {
                self.seen.bytes += bytes.len() as u64;
                return Ok((raw, bytes.len() as u64));
            }
            if let Err(error @ FetchError::Status(_, 429 | 503, _)) = answer {
                return Err(error.into());
            }
        }
        let files = self.files();
        let (raw, bytes) = files.entries(bundle.n, bundle.file_width).await?;
        self.seen.bytes += bytes;
        let new = raw.into_iter().take(bundle.leaves.end as usize).skip(bundle.leaves.start as usize);
        Ok((new.collect(), bytes))
    }

    /// Cheap sanity of a range: every leaf must at least be one.
    fn extends_to(&self, raw: &[Raw]) -> bool {
        raw.iter().all(|raw| raw.note.starts_with(crate::record::statement::HEADER.as_bytes()))
    }

    /// The lines of a bundle's new leaves. Returns them with the length of the whole part bundle.
    async fn tail_lines(&mut self, bundle: &Bundle, raw: &[Raw]) -> Result<(Vec<String>, u64), PullError> {
        let files = self.files();
        if has_parts(raw)
            && let Some(lines) = files.known_lines(raw).await?
        {
            return Ok((lines, 0));
        }
        if !has_parts(raw) {
            // Their lines are empty; the file grew by a line feed each.
            let known = if bundle.leaves.start > 0 { self.log.tail_bytes } else { 0 };
            return Ok((Vec::new(), if known > 0 || bundle.leaves.start == 0 { known + raw.len() as u64 } else { 0 }));
        }
        let path = tile::parts(PUBLIC, bundle.n, bundle.file_width);
        let limits = self.client.limits();
        let (most, longest) = (limits.part_bundle_bytes, limits.line_bytes as usize);
        let offset = self.log.tail_bytes;
        if bundle.leaves.start > 0 && offset > 0 {
            let answer = self.client.get(&self.url(&path)?, &Ask { most, from: Some(offset), ..Ask::default() }).await;
            if let Ok(Answer::Rest(bytes)) = answer
                && let Ok(lines) = tile::read_lines(&bytes, raw.len() as u64, longest)
                && all_fit(raw, &lines)
            {
                self.seen.bytes += bytes.len() as u64;
                let total = offset + bytes.len() as u64;
                return Ok((lines.into_iter().map(str::to_owned).collect(), total));
            }
        }
        let (lines, bytes) = files.lines(bundle.n, bundle.file_width, bundle.leaves.start as usize, raw).await?;
        self.seen.bytes += bytes;
        Ok((lines.into_iter().skip(bundle.leaves.start as usize).collect(), bytes))
    }
}
