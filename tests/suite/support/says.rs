//! Things a hub may say, each in one line of a scenario.

use super::TestHub;
use mutuald::node::Said;
use mutuald::node::author::Draft;
use mutuald::record::group::Assured;
use mutuald::record::statement::{Body, Judgement, Kind, Prefer, RecordRef, Revision};
use uuid::Uuid;

/// What a [`TestHub`] can say beside `put`.
pub trait Says {
    /// It still stands.
    async fn affirm(&self, id: Uuid, rev: u64) -> Said;
    /// The hub no longer states it.
    async fn withdraw(&self, id: Uuid, rev: u64) -> Said;
    /// Two of the hub's own records are one group.
    async fn link(&self, id: Uuid, rev: u64, a: Uuid, b: Uuid) -> Said;
    /// Of two of the hub's own records, the first's contact is right.
    async fn choose(&self, id: Uuid, rev: u64, first: Uuid, other: Uuid) -> Said;
}

async fn say(hub: &TestHub, id: Uuid, rev: u64, body: Body) -> Said {
    hub.hub.say(&[Draft { id, rev, body, public: None }]).await.unwrap()
}

impl Says for TestHub {
    async fn affirm(&self, id: Uuid, rev: u64) -> Said {
        let assured = Assured { date: "2026-11-22".parse().unwrap(), method: "phone".into(), by: "hub".into() };
        say(self, id, rev, Body::Affirm(Kind::Record, assured)).await
    }

    async fn withdraw(&self, id: Uuid, rev: u64) -> Said {
        say(self, id, rev, Body::Withdraw(Kind::Record)).await
    }

    async fn link(&self, id: Uuid, rev: u64, a: Uuid, b: Uuid) -> Said {
        let record = |rec| RecordRef { hub: self.hub.id, rec };
        say(self, id, rev, Body::Link { a: record(a), b: record(b), judgement: Judgement::Same }).await
    }

    async fn choose(&self, id: Uuid, rev: u64, first: Uuid, other: Uuid) -> Said {
        let revision = |rec| Revision { record: RecordRef { hub: self.hub.id, rec }, rev: 1 };
        let over = vec![revision(first), revision(other)];
        let prefer = Prefer::Value(revision(first));
        say(self, id, rev, Body::Choose { on: revision(first).record, field: "contact".into(), prefer, over }).await
    }
}
