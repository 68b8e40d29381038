//! Sign, publish, pull, verify, merge: the way of a record from one hub to another.

use crate::support::TestHub;
use crate::support::hub::group;
use uuid::Uuid;

#[tokio::test]
async fn what_one_hub_says_another_holds() {
    let nottingham = TestHub::new("Nottingham Hub", 1).await;
    let essex = TestHub::new("Essex Hub", 2).await;
    let groups: Vec<_> = (0..700)
        .map(|n| {
            (Uuid::from_u128(n + 1), group(&format!("Group number {n}"), "Nottingham", &format!("0115 496 {:04}", n)))
        })
        .collect();
    let said = nottingham.put(&groups).await;
    assert_eq!(said.derived.groups, 700);
    nottingham.check_hub().await;

    essex.follow(&nottingham).await;
    let first = essex.pull(&nottingham).await;
    assert_eq!((first.state.as_str(), first.pulled.unwrap().new), ("changed", 702), "{}", first.reason);
    essex.check_hub().await;
    assert_eq!(essex.hub.digest().await.unwrap().groups, 700);

    let again = essex.pull(&nottingham).await;
    assert_eq!((again.state.as_str(), again.derived.unwrap().records), ("current", 0));

    let mut changed = groups[3].clone();
    changed.1.name = "Another name".into();
    nottingham.put(&[changed]).await;
    let third = essex.pull(&nottingham).await;
    assert_eq!((third.state.as_str(), third.pulled.unwrap().new), ("changed", 1), "{}", third.reason);
    essex.check_hub().await;
    nottingham.check_hub().await;
}
