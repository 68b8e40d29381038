//! One hub, one partner that is not to be trusted, and what must be true whatever the partner does.

use super::TestHub;
use super::peer::TestPeer;
use mutuald::config::Config;
use mutuald::limits::Limits;
use mutuald::node::Digest;
use mutuald::node::sync::Outcome;
use mutuald::store;
use mutuald::store::partner::PartnerRow;
use uuid::Uuid;

pub struct Scene {
    pub hub: TestHub,
    pub peer: TestPeer,
}

/// What a pull that brings nothing leaves as it was.
#[derive(Debug, Clone, PartialEq)]
pub struct Before {
    pub digest: Digest,
    head: u64,
    checkpoint: Option<Vec<u8>>,
}

impl Scene {
    /// A hub that has pulled a partner with this many groups, numbered from 1.
    pub async fn new(groups: u128) -> Scene {
        Scene::with(groups, |_| {}).await
    }

    /// One whose hub works under other limits.
    pub async fn with(groups: u128, limits: impl FnOnce(&mut Limits)) -> Scene {
        let mut peer = TestPeer::new(7).await;
        (1..=groups).for_each(|n| {
            peer.put(n, 1, &format!("Group number {n}"));
        });
        peer.publish();
        Scene::of(peer, |config| limits(&mut config.limits)).await
    }

    /// A hub that has pulled this partner.
    pub async fn of(peer: TestPeer, change: impl FnOnce(&mut Config)) -> Scene {
        let hub = TestHub::with("Reader Hub", 1, change).await;
        hub.hub.add_partner(&peer.url, peer.id, None).await.unwrap();
        let scene = Scene { hub, peer };
        let first = scene.pull().await;
        assert!(first.ok() && first.state != "waiting", "{first:?}");
        scene.hub.check_hub().await;
        scene.peer.asked();
        scene
    }

    pub async fn partner(&self) -> PartnerRow {
        self.hub.hub.partner(&self.peer.id.to_string()).await.unwrap()
    }

    pub async fn pull(&self) -> Outcome {
        self.hub.hub.pull(&self.partner().await, false).await.unwrap()
    }

    /// What stands now, on today's date.
    pub async fn before(&self) -> Before {
        self.hub.hub.refresh().await.unwrap();
        let mut db = self.hub.hub.store.read().await.unwrap();
        let partner = self.partner().await;
        let log = store::log::by_number(&mut db, partner.hub).await.unwrap().unwrap();
        Before { digest: self.hub.hub.digest().await.unwrap(), head: log.head, checkpoint: log.checkpoint }
    }

    /// Pulls; the run must fail with this code, and what was verified before must stand.
    pub async fn refused(&self, code: &str) -> Outcome {
        let before = self.before().await;
        let row = self.partner().await;
        let outcome = self.pull().await;
        assert_eq!(outcome.state, code, "{outcome:?}");
        assert!(!outcome.reason.is_empty());
        let (mut after, partner) = (self.before().await, self.partner().await);
        if partner.held > row.held {
            // Bundles that came before it failed are held, and with them what was proven to be signed.
            after.checkpoint.clone_from(&before.checkpoint);
        }
        assert_eq!(after, before, "the last verified state stands");
        assert_eq!((partner.failures, partner.state.as_str()), (row.failures + 1, code));
        assert!(partner.next_due > self.hub.clock.now().as_second(), "it waits before it tries again");
        self.hub.check_hub().await;
        outcome
    }

    /// Serves as it should and says one thing more; the next pull must take it in.
    pub async fn heals(&mut self) -> Outcome {
        self.peer.well();
        let n = 1_000_000 + self.peer.leaves.len() as u128;
        self.peer.put(n, 1, &format!("Group number {n}"));
        self.peer.publish();
        let outcome = self.pull().await;
        assert_eq!(outcome.state, "changed", "{outcome:?}");
        assert_eq!(self.partner().await.failures, 0);
        assert_eq!(self.state_of(n).await.as_deref(), Some("live"));
        self.hub.check_hub().await;
        outcome
    }

    /// What became of the partner's record.
    pub async fn state_of(&self, n: u128) -> Option<String> {
        let mut db = self.hub.hub.store.read().await.unwrap();
        let hub = self.partner().await.hub;
        store::record::get(&mut db, hub, Uuid::from_u128(n)).await.unwrap().map(|row| row.standing)
    }

    /// The words that are held at a leaf of the partner.
    pub async fn line_at(&self, index: usize) -> Option<String> {
        let mut db = self.hub.hub.store.read().await.unwrap();
        let pos = store::log::pos(self.partner().await.hub, index as u64);
        store::log::leaf(&mut db, pos).await.unwrap().unwrap().line
    }

    /// The partner's groups as listed: their names, sorted.
    pub async fn names(&self) -> Vec<String> {
        self.hub.names().await
    }
}
