//! This hub's own document where somebody shows a newer one than this database knows. A backup from before a rollover does not
//! know that its list was closed: whatever it said there would be void at every reader.

use super::Hub;
use crate::feed::hub::{self as hub_document, VerifiedHub};
use crate::peer::pull::document::{self, Known};
use crate::store;
use crate::store::log::OWN;

/// A version of a hub document, as signed, and what it says.
pub(super) type Version = (Vec<u8>, VerifiedHub);

impl Hub {
    /// Versions in this hub's own feed folder that follow from the one it knows, oldest first.
    pub(super) fn documents_here(&self, own: &VerifiedHub) -> Vec<Version> {
        let mut found: Vec<Version> = Vec::new();
        for n in own.document.version + 1.. {
            let before = found.last().map_or(own, |(_, hub)| hub);
            let Ok(bytes) = std::fs::read(self.config.feed().join(format!("hub/{n}"))) else { break };
            let Ok(hub) = hub_document::next(before, &bytes) else { break };
            found.push((bytes, hub));
        }
        found
    }

    /// The longest chain of versions that follow from the one this hub knows, oldest first: from its own feed folder, its mirrors
    /// and its partners. Root keys signed each, so it does not matter who hands them over.
    async fn newer_documents(&self) -> anyhow::Result<Vec<Version>> {
        let own = self.own_document().await?;
        let mut best = self.documents_here(&own);
        let mut db = self.store.read().await?;
        let known = store::hub::version(&mut db, OWN, own.document.version).await?.unwrap_or_default();
        drop(db);
        let today = self.today()?;
        for place in self.relays(&own, &self.id.to_string()).await? {
            let Ok(url) = place.url.join("groups-hub") else { continue };
            let known = Known { hub: &own, document: &known, before: None };
            // Who does not answer, or hands over what does not follow, has said nothing.
            if let Ok(walked) = document::walk(&self.client, &url, known, None, today).await
                && walked.versions.len() > best.len()
            {
                best = walked.versions;
            }
        }
        Ok(best)
    }

    /// Takes over what its root keys signed since. Returns the version that is known now, if it is another.
    pub(super) async fn renew_own_document(&self) -> anyhow::Result<Option<u64>> {
        let newer = self.newer_documents().await?;
        let mut write = self.store.write().await?;
        for (bytes, hub) in &newer {
            store::hub::adopt(&mut write, OWN, hub, bytes).await?;
        }
        write.commit().await?;
        Ok(newer.last().map(|(_, hub)| hub.document.version))
    }
}
