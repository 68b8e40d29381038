//! F26: a hub that publishes more than anybody asked for.

use crate::support::scene::Scene;
use mutuald::store::view::{PartnerRow, PartnerState};
use mutuald::store::{self, directory};

/// F26: a flood of entries costs one bounded run at a time, is said, and ends at the limit per hub: the rest is not taken,
/// and the partner's state says so.
#[tokio::test]
async fn f26_a_flood_is_bounded_said_and_stopped() {
    let mut scene = Scene::with(20, |limits| {
        limits.leaves_per_run = 1_100;
        limits.leaves_per_hub = 2_000;
    })
    .await;
    for n in 21..=1_500 {
        scene.peer.put(n, 1, &format!("Flood {n}"));
    }
    scene.peer.publish();
    let outcome = scene.pull().await;
    let pulled = outcome.pulled.unwrap();
    assert!(pulled.new <= 1_100 && pulled.more, "one run takes no more than its limit");
    assert!(outcome.reason.contains("more than ten times"), "{}", outcome.reason);
    assert!(!scene.pull().await.pulled.unwrap().more);
    assert_eq!(scene.partner().await.held, 1_500);
    for n in 1_501..=2_001 {
        scene.peer.put(n, 1, &format!("Flood {n}"));
    }
    scene.peer.publish();
    let refused = scene.refused("too-many-entries").await;
    assert!(refused.reason.contains("limits.leaves_per_hub"), "{}", refused.reason);
    assert_eq!(scene.partner().await.held, 1_500, "nothing of it is held");

    // It is paused, what is held stays, and a person hears of it.
    assert!(scene.partner().await.paused && refused.reason.contains("mutuald partner resume"), "{}", refused.reason);
    let page = page(&scene).await;
    assert_eq!((page.state, page.next_try), (PartnerState::Refused, None));
    assert!(page.remedy.unwrap().contains("limits.leaves_per_hub"));

    // Resumed as it is, it is paused again. With a higher limit it goes on from where it stood.
    resume(&scene).await;
    scene.refused("too-many-entries").await;
    assert!(scene.partner().await.paused);
    let mut config = (*scene.hub.hub.config).clone();
    config.limits.leaves_per_hub = 3_000;
    scene.hub.hub = scene.hub.hub.clone().reconfigured(config).unwrap();
    resume(&scene).await;
    assert_eq!(scene.pull().await.state, "changed");
    assert_eq!((scene.partner().await.held, scene.partner().await.paused), (2_001, false));
    scene.heals().await;
}

/// What a person does once they have looked.
async fn resume(scene: &Scene) {
    let row = store::partner::PartnerRow { paused: false, ..scene.partner().await };
    let mut write = scene.hub.hub.store.write().await.unwrap();
    store::partner::save(&mut write, &row).await.unwrap();
    write.commit().await.unwrap();
}

/// The partner as its page shows it.
async fn page(scene: &Scene) -> PartnerRow {
    let mut db = scene.hub.hub.store.read().await.unwrap();
    let now = scene.hub.clock.now().to_zoned(jiff::tz::TimeZone::UTC);
    directory::partners(&mut db, &now, true).await.unwrap().partners.remove(0)
}
