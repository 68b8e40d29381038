//! PROTOCOL F41: what hubs know does not depend on how they came to know it.

use crate::support::TestHub;
use crate::support::hub::group;
use mutuald::node::author::Draft;
use mutuald::record::group::Assured;
use mutuald::record::safety::Level;
use mutuald::record::statement::{Body, Judgement, Kind, Prefer, RecordRef, Revision};
use mutuald::store;
use proptest::prelude::*;
use std::future::Future;
use std::pin::Pin;
use std::task::Poll;
use uuid::Uuid;

/// Records that each hub may speak of.
const RECORDS: u8 = 6;

/// One thing that happens. Hubs and records are taken modulo how many there are.
#[derive(Debug, Clone)]
enum Step {
    Put {
        hub: u8,
        rec: u8,
        name: u8,
        phone: u8,
    },
    /// Ended: a put that says so.
    Close {
        hub: u8,
        rec: u8,
    },
    Withdraw {
        hub: u8,
        rec: u8,
    },
    Affirm {
        hub: u8,
        rec: u8,
        day: u8,
    },
    Link {
        hub: u8,
        a: (u8, u8),
        b: (u8, u8),
        judgement: u8,
    },
    Choose {
        hub: u8,
        on: (u8, u8),
        prefer: (u8, u8),
        retract: bool,
    },
    /// How far a record's place may be known; two words a hub and record, each raised and lowered.
    Safety {
        hub: u8,
        on: (u8, u8),
        word: u8,
        level: u8,
        lower: bool,
    },
    /// A pull; dropped at the n-th time it waits, if it waits so often.
    Pull {
        hub: u8,
        from: u8,
        dropped: Option<u16>,
    },
    Rebuild {
        hub: u8,
    },
    /// A day goes by, for all.
    Night,
}

fn step() -> impl Strategy<Value = Step> {
    let (hub, rec) = (0u8..6, 0..RECORDS);
    let member = || (0u8..6, 0..RECORDS);
    prop_oneof![
        6 => (hub.clone(), rec.clone(), 0u8..4, 0u8..5).prop_map(|(hub, rec, name, phone)| Step::Put { hub, rec, name, phone }),
        1 => (hub.clone(), rec.clone()).prop_map(|(hub, rec)| Step::Close { hub, rec }),
        1 => (hub.clone(), rec.clone()).prop_map(|(hub, rec)| Step::Withdraw { hub, rec }),
        1 => (hub.clone(), rec, 1u8..20).prop_map(|(hub, rec, day)| Step::Affirm { hub, rec, day }),
        2 => (hub.clone(), member(), member(), 0u8..8).prop_map(|(hub, a, b, judgement)| Step::Link { hub, a, b, judgement }),
        2 => (hub.clone(), member(), member(), any::<bool>())
            .prop_map(|(hub, on, prefer, retract)| Step::Choose { hub, on, prefer, retract }),
        2 => (hub.clone(), member(), 0u8..2, 0u8..5, any::<bool>())
            .prop_map(|(hub, on, word, level, lower)| Step::Safety { hub, on, word, level, lower }),
        6 => (hub.clone(), 0u8..6, prop::option::of(0u16..120))
            .prop_map(|(hub, from, dropped)| Step::Pull { hub, from, dropped }),
        1 => hub.prop_map(|hub| Step::Rebuild { hub }),
        1 => Just(Step::Night),
    ]
}

/// Lets a future wait so often, and then drops it where it stands.
async fn interrupted<F: Future>(future: F, waits: u16) -> Option<F::Output> {
    let mut future: Pin<Box<F>> = Box::pin(future);
    let mut left = waits;
    std::future::poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

struct World {
    hubs: Vec<TestHub>,
}

impl World {
    async fn new(count: usize) -> World {
        let mut hubs = Vec::new();
        for n in 0..count {
            // Small runs, so that pulls end in the middle of what there is.
            let small = |config: &mut mutuald::config::Config| config.limits.leaves_per_run = 256;
            hubs.push(TestHub::with(&format!("Hub {n}"), n as u64 + 1, small).await);
        }
        for a in &hubs {
            for b in hubs.iter().filter(|b| b.hub.id != a.hub.id) {
                a.follow(b).await;
            }
        }
        World { hubs }
    }

    fn at(&self, hub: u8) -> &TestHub {
        &self.hubs[usize::from(hub) % self.hubs.len()]
    }

    fn record(&self, (hub, rec): (u8, u8)) -> RecordRef {
        RecordRef { hub: self.at(hub).hub.id, rec: Uuid::from_u128(100 + u128::from(rec)) }
    }

    async fn say(&self, hub: u8, id: Uuid, body: Body, public: Option<String>) {
        let hub = self.at(hub);
        let mut db = hub.hub.store.read().await.unwrap();
        let known = store::record::get(&mut db, store::log::OWN, id).await.unwrap();
        drop(db);
        if known.is_none() && matches!(body, Body::Withdraw(_) | Body::Affirm(..)) {
            return;
        }
        let rev = known.map_or(1, |row| row.state.rev + 1);
        hub.hub.say(&[Draft { id, rev, body, public }]).await.unwrap();
    }

    async fn put(&self, hub: u8, rec: u8, name: u8, phone: u8, closed: bool) {
        // Few names and telephones, so that records of different hubs are one group now and then.
        let names = ["Stroke Club", "The Stroke Club", "Carers Together", "Quiet Minds"];
        let words = group(names[usize::from(name) % 4], "Southend", &format!("01702 60010{phone}"));
        let mut json: serde_json::Value = serde_json::from_str(&words.json()).unwrap();
        if closed {
            json["status"] = serde_json::json!({"state": "closed", "on": "2026-10-01"});
        }
        let id = self.record((hub, rec)).rec;
        self.say(hub, id, Body::Put(Kind::Record), Some(json.to_string())).await;
    }

    async fn take(&self, step: &Step) {
        match step.clone() {
            Step::Put { hub, rec, name, phone } => self.put(hub, rec, name, phone, false).await,
            Step::Close { hub, rec } => self.put(hub, rec, 0, 0, true).await,
            Step::Withdraw { hub, rec } => {
                self.say(hub, self.record((hub, rec)).rec, Body::Withdraw(Kind::Record), None).await;
            }
            Step::Affirm { hub, rec, day } => {
                let date = jiff::civil::date(2026, 11, day as i8);
                let assured = Assured { date, method: "phone".into(), by: "hub".into() };
                self.say(hub, self.record((hub, rec)).rec, Body::Affirm(Kind::Record, assured), None).await;
            }
            Step::Link { hub, a, b, judgement } => {
                let (a, b) = (self.record(a), self.record(b));
                if a != b {
                    let judgement = Judgement::ALL[usize::from(judgement)].0;
                    // One decision per pair and hub, so that later ones take its place.
                    let id = Uuid::from_u128(a.rec.as_u128() * 1_000 + b.rec.as_u128());
                    self.say(hub, id, Body::Link { a, b, judgement }, None).await;
                }
            }
            Step::Choose { hub, on, prefer, retract } => {
                let prefer = match retract {
                    true => Prefer::Retracted,
                    false => Prefer::Value(Revision { record: self.record(prefer), rev: 1 }),
                };
                let on = self.record(on);
                let body = Body::Choose { on, field: "name".into(), prefer, over: vec![] };
                self.say(hub, Uuid::from_u128(on.rec.as_u128() + 7_000), body, None).await;
            }
            Step::Safety { hub, on, word, level, lower } => {
                let on = self.record(on);
                let level = Level::ALL[usize::from(level)].label().to_owned();
                let lowered = lower.then(|| ["trustee".to_owned(), "hub-worker".to_owned()]);
                let body = Body::Safety { on, level, lowered };
                self.say(hub, Uuid::from_u128(on.rec.as_u128() + 9_000 + 10_000 * u128::from(word)), body, None).await;
            }
            Step::Pull { hub, from, dropped } => {
                let (hub, from) = (self.at(hub), self.at(from));
                if hub.hub.id == from.hub.id {
                    return;
                }
                let pull = hub.pull(from);
                let outcome = match dropped {
                    Some(waits) => interrupted(pull, waits).await,
                    None => Some(pull.await),
                };
                if let Some(outcome) = outcome {
                    assert!(outcome.ok(), "{outcome:?}");
                }
            }
            Step::Rebuild { hub } => drop(self.at(hub).hub.rebuild().await.unwrap()),
            Step::Night => {
                for hub in &self.hubs {
                    hub.clock.advance(jiff::SignedDuration::from_hours(24));
                }
            }
        }
    }

    /// Everybody pulls everybody, in an order that differs by hub, until nothing is left; then all must know the same.
    async fn settle(&self) {
        for (n, hub) in self.hubs.iter().enumerate() {
            for other in self.hubs.iter().cycle().skip(n + 1).take(self.hubs.len() - 1) {
                loop {
                    let row = hub.hub.partner(&other.hub.id.to_string()).await.unwrap();
                    // A mass change is accepted: what a person lets in does not depend on the order either.
                    let outcome = hub.hub.pull(&row, true).await.unwrap();
                    assert!(outcome.ok(), "{outcome:?}");
                    if !outcome.pulled.unwrap().more {
                        break;
                    }
                }
            }
            hub.hub.refresh().await.unwrap();
        }
        let mut digests = Vec::new();
        for hub in &self.hubs {
            hub.check_hub().await;
            digests.push(hub.hub.digest().await.unwrap());
        }
        for digest in &digests[1..] {
            assert_eq!(digest, &digests[0]);
        }
    }
}

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// F41: any order, repetition and interruption of pulls over three to six hubs: hubs that hold the same logs have equal
    /// digests, and each is what its records say when made again.
    #[test]
    fn f41_any_order_of_pulls_gives_the_same_registry(hubs in 3usize..=6, steps in prop::collection::vec(step(), 20..70)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let world = World::new(hubs).await;
            for step in &steps {
                world.take(step).await;
            }
            world.settle().await;
        });
    }
}

/// When what held a group together goes, its two records are a group each, and neither is lost.
#[tokio::test]
async fn f41_a_group_that_falls_apart_leaves_all_its_parts() {
    for changed in [1, 2] {
        let hub = TestHub::new("Hub", 1).await;
        let said = |n: u128, phone: &str| (Uuid::from_u128(n), group("Stroke Club", "Southend", phone));
        hub.put(&[said(1, "01702 600101"), said(2, "01702 600101")]).await;
        assert_eq!(hub.names().await.len(), 1);
        hub.put(&[said(changed, "01702 600102")]).await;
        hub.check_hub().await;
        assert_eq!(hub.names().await.len(), 2, "{changed}");
    }
}

/// F41 with long lists, where runs end in the middle of what there is and pulls are dropped at every wait in turn.
#[tokio::test(flavor = "multi_thread")]
async fn f41_a_pull_dropped_at_every_wait_changes_nothing() {
    let world = World::new(3).await;
    let many: Vec<_> = (0..700u128)
        .map(|n| (Uuid::from_u128(10_000 + n), group(&format!("Group {n}"), "Leigh", &format!("01702 {n:06}"))))
        .collect();
    world.hubs[0].put(&many).await;
    for waits in 0..200 {
        let _ = interrupted(world.hubs[1].pull(&world.hubs[0]), waits).await;
        if waits % 40 == 0 {
            world.hubs[1].check_hub().await;
        }
    }
    world.settle().await;
}
