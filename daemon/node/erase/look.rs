//! Whether a partner hub still serves words of ours that it says it has erased (PROTOCOL F40).
//!
//! A partner may pass our list on at `<base>/relay/<SHA-256 of the log's origin>/`. Whatever line stands there for a leaf whose
//! words were erased, and has the digest that the leaf signed, is a copy that should be gone. A partner is flagged only if
//! it confirmed: before that it is merely late.

use crate::feed::tile::{self, WIDTH};
use crate::node::Hub;
use crate::peer::client::FetchError;
use crate::peer::pull::document_url;
use crate::record::part::{self, PUBLIC};
use crate::store::erase::{self, How};
use crate::store::log::{self, OWN, index};
use crate::store::partner::PartnerRow;
use crate::store::{self, ack};
use anyhow::Context;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// How many erasures are looked for, the newest first. Stops a look that takes all day.
const MOST: usize = 200;

/// What a look at a partner found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Looked {
    /// The partner.
    pub hub: String,
    /// Whether it passes our list on at all.
    pub relays: bool,
    /// Numbers of erasures whose words it serves although it confirmed them.
    pub still_served: Vec<i64>,
    /// Numbers of erasures whose words it serves and that it has not confirmed yet.
    pub not_yet: Vec<i64>,
}

impl Hub {
    /// Looks at what a partner passes on of this hub's list.
    ///
    /// # Errors
    /// The partner cannot be reached, or serves something else there; database errors.
    pub async fn look_at(&self, partner: &PartnerRow) -> anyhow::Result<Looked> {
        let mut looked = Looked { hub: partner.name.clone(), ..Looked::default() };
        let mut db = self.store.read().await?;
        let own = log::by_number(&mut db, OWN).await?.context("this database holds no hub")?;
        let origin = own.key.name();
        let confirmed = ack::of(&mut db, origin).await?.into_iter().find(|ack| ack.hub == partner.hub);
        let base = document_url(&partner.url)?
            .join("../relay/")?
            .join(&format!("{}/", hex::encode(Sha256::digest(origin))))?;
        let size = match self.client.whole(&base.join("checkpoint")?, self.client.limits().checkpoint_bytes, true).await
        {
            Err(FetchError::Status(_, 404 | 410, _)) => {
                drop(db);
                self.note(partner, &looked).await?;
                return Ok(looked);
            }
            note => String::from_utf8_lossy(&note?).lines().nth(1).and_then(|size| size.parse::<u64>().ok()),
        };
        // Only the names of files follow from it, so nobody's signature is needed; a size that we never had is nobody's.
        let size = size.filter(|size| *size <= own.held).context("what it passes on is not this hub's list")?;
        looked.relays = true;
        let mut rows = erase::after(&mut db, 0).await?;
        rows.retain(|row| row.how == How::Issued && row.parts.covers(PUBLIC) && row.done.is_some());
        let mut bundles: BTreeMap<u64, Vec<String>> = BTreeMap::new();
        for row in rows.iter().rev().take(MOST) {
            let mut served = false;
            for (pos, digest) in
                store::hidden::digests(&mut db, log::pos(own.n, 0)..log::pos(own.n, size), row.rec, row.upto).await?
            {
                let n = index(pos) / WIDTH;
                if let Entry::Vacant(missing) = bundles.entry(n) {
                    let path = base.join(&tile::parts(PUBLIC, n, tile::width(n, size)))?;
                    let lines = match self.client.whole(&path, self.client.limits().part_bundle_bytes, true).await {
                        Err(FetchError::Status(_, 404 | 410, _)) => Vec::new(),
                        bytes => String::from_utf8_lossy(&bytes?).lines().map(str::to_owned).collect(),
                    };
                    missing.insert(lines);
                }
                let line = bundles.get(&n).and_then(|lines| lines.get((index(pos) % WIDTH) as usize));
                served |= line.is_some_and(|line| part::digest(line.as_bytes()) == digest);
            }
            if served {
                let says_gone = confirmed.as_ref().is_some_and(|ack| {
                    row.pos.is_some_and(|pos| log::order(pos) < log::order(log::pos(own.n, ack.size)))
                });
                if says_gone { &mut looked.still_served } else { &mut looked.not_yet }.push(row.n);
            }
        }
        drop(db);
        self.note(partner, &looked).await?;
        Ok(looked)
    }

    /// Flags the partner, or takes the flag away.
    async fn note(&self, partner: &PartnerRow, looked: &Looked) -> anyhow::Result<()> {
        let mut db = self.store.read().await?;
        let before: BTreeSet<i64> = ack::caught(&mut db)
            .await?
            .into_iter()
            .filter(|(hub, ..)| *hub == partner.hub)
            .map(|(_, n, _)| n)
            .collect();
        drop(db);
        if before == looked.still_served.iter().copied().collect() {
            return Ok(());
        }
        let mut write = self.store.write().await?;
        if looked.still_served.is_empty() {
            ack::no_longer_served(&mut write, partner.hub).await?;
        }
        for n in &looked.still_served {
            ack::still_served(&mut write, partner.hub, *n, self.clock.now().as_second()).await?;
        }
        write.commit().await?;
        if !looked.still_served.is_empty() {
            tracing::warn!(partner = %partner.id, erasures = looked.still_served.len(), "it serves what it said it had erased");
        }
        Ok(())
    }
}
