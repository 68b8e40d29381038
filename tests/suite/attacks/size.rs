//! F48: as much as there can be. Memory stays where it is however long a list and its lines are, and one changed record costs the same
//! among few and among many. (Five million leaves are a figure: `MUTUALD_BENCH_LEAVES=5000000 cargo bench -- long`.)

use crate::support::TestHub;
use crate::support::peer::TestPeer;
use crate::support::scene::Scene;
use mutuald::clock::Clock;
use mutuald::config::Config;
use mutuald::node::{Chance, Hub};
use mutuald::record::part;
use mutuald::record::statement::{Body, Kind};
use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The work of the child: the state folder, and the partner's id.
const WORK: &str = "MUTUALD_SIZE_CHILD";

/// The child pulls, and says the most memory that it ever held, in KiB. It does nothing unless it was started to.
#[tokio::test]
#[expect(clippy::print_stdout, reason = "what the child found out")]
async fn child() {
    let Ok(work) = std::env::var(WORK) else { return };
    let (state, id) = work.split_once(' ').unwrap();
    let mut config = Config::default();
    config.hub.state = state.into();
    config.pull.allow_private_addresses = true;
    let clock = Clock::fixed(crate::support::hub::NOW.parse().unwrap());
    let hub = Hub::open(config, clock, Chance::seeded(7)).await.unwrap();
    let partner = hub.partner(id).await.unwrap();
    let outcome = hub.pull(&partner, false).await.unwrap();
    assert!(outcome.ok(), "{outcome:?}");
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    println!("peak {}", peak.trim().trim_end_matches(" kB"));
}

/// The most memory that a process holds which pulls so many bundles of leaves whose lines are as long as a line may be.
async fn peak(bundles: u128) -> u64 {
    let mut peer = TestPeer::new(7).await;
    for n in 1..=bundles * 256 {
        // Words that no other has, so that nothing is saved by saying it twice.
        let word = format!("{:x}", n * 0x9e37_79b9_7f4a_7c15);
        let words = format!("{word} ").repeat(15_900 / (word.len() + 1));
        let json = serde_json::json!({"name": format!("Group number {n}"), "place": {"locality": "Southend"}, "description": words});
        let line = part::line([n as u8; 16], &json.to_string());
        let statement = peer.statement(n, 1, Body::Put(Kind::Record), &line);
        peer.sign(&statement.text().unwrap(), &line);
    }
    peer.publish();
    let hub = TestHub::with("Reader Hub", 1, |config| config.publish = None).await;
    hub.hub.add_partner(&peer.url, peer.id, None).await.unwrap();
    let state = hub.hub.config.hub.state.display().to_string();
    hub.hub.store.close().await;
    // The partner is served by this process, so that it must not wait for the child on its own thread.
    let id = peer.id.to_string();
    let said = tokio::task::spawn_blocking(move || {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["attacks::size::child", "--exact", "--nocapture"])
            .env(WORK, format!("{state} {id}"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(child.wait().unwrap().success(), "{said}");
        said
    });
    let said = said.await.unwrap();
    said.lines().find_map(|line| line.split_once("peak ")).unwrap().1.parse().unwrap()
}

/// F48: three times as many bundles of the longest lines take no more memory: what came is stored and let go.
#[tokio::test(flavor = "multi_thread")]
async fn f48_memory_does_not_grow_with_the_list() {
    if !std::path::Path::new("/proc/self/status").exists() {
        eprintln!("SKIP: this system does not say how much memory a process held");
        return;
    }
    // As many as are under way at once are held at once: both are more than that.
    // Some twenty bundles may be under way at once; how many are differs from run to run.
    let (few, many) = (peak(20).await, peak(60).await);
    let more = 40 * 256 * 16; // KiB of lines that came in addition
    eprintln!("peak memory: {few} KiB with 20 bundles, {many} KiB with 60");
    assert!(many < few + more / 2, "{few} KiB with 20 bundles, {many} KiB with 60, of which {more} KiB are lines");
}

/// Steps of the database's machine that the writing of a hub takes from now on, in hundreds.
async fn counting(hub: &Hub) -> Arc<AtomicU64> {
    let steps = Arc::new(AtomicU64::new(0));
    let counted = steps.clone();
    let mut write = hub.store.write().await.unwrap();
    write.lock_handle().await.unwrap().set_progress_handler(100, move || {
        counted.fetch_add(1, Ordering::Relaxed);
        true
    });
    write.rollback().await.unwrap();
    steps
}

/// What one changed record of a partner costs among so many, and one of its own.
async fn steps_of_one_change(among: u128) -> (u64, u64) {
    let mut scene = Scene::new(among).await;
    let own = |n: u128| {
        let name = format!("Our own {n}");
        (uuid::Uuid::from_u128(n), crate::support::hub::group(&name, "Leigh", &format!("01702 {n:06}")))
    };
    scene.hub.put(&(1..=among).map(own).collect::<Vec<_>>()).await;
    let steps = counting(&scene.hub.hub).await;
    scene.peer.put(7, 2, "Group number 7, changed");
    scene.peer.publish();
    assert_eq!(scene.pull().await.state, "changed");
    let pulled = steps.swap(0, Ordering::Relaxed);
    scene
        .hub
        .put(&[(uuid::Uuid::from_u128(7), crate::support::hub::group("Our own 7, changed", "Leigh", "01702 000007"))])
        .await;
    (pulled, steps.load(Ordering::Relaxed))
}

/// F48: no step of taking in one changed record goes through all of them, pulled or said.
#[tokio::test]
async fn f48_one_changed_record_costs_the_same_among_many() {
    let ((pulled, said), (pulled_many, said_many)) = (steps_of_one_change(250).await, steps_of_one_change(4_090).await);
    eprintln!("hundreds of steps: pulled {pulled} among 250, {pulled_many} among 4090; said {said}, {said_many}");
    assert!(pulled_many < pulled + 60, "pulled: {pulled} among 250, {pulled_many} among 4090");
    assert!(said_many < said + 60, "said: {said} among 250, {said_many} among 4090");
}

/// F48: three hundred hubs are followed at once, and each is held as if it were the only one.
#[tokio::test]
async fn f48_three_hundred_hubs_are_followed() {
    let hub = TestHub::new("Reader Hub", 1).await;
    let mut peers = Vec::new();
    for n in 0..300 {
        let mut peer = TestPeer::nth(n).await;
        peer.put(u128::from(n) + 1, 1, &format!("Group number {n}"));
        peer.publish();
        hub.hub.add_partner(&peer.url, peer.id, None).await.unwrap();
        peers.push(peer);
    }
    for peer in &peers {
        let row = hub.hub.partner(&peer.id.to_string()).await.unwrap();
        assert_eq!(hub.hub.pull(&row, false).await.unwrap().state, "changed");
    }
    assert_eq!(hub.names().await.len(), peers.len());
    hub.check_hub().await;
}
