//! F26: a hub that publishes more than anybody asked for.

use crate::support::scene::Scene;

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
}
