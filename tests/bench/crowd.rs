//! Three hundred hubs at one minute, while others stall: what a reader waits for (PROTOCOL F11).

use crate::hub;
use crate::pull::published;
use mutuald::web::{self, Crowd};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio_util::sync::CancellationToken;

/// Hubs that ask at the same moment.
const HUBS: usize = 300;
/// Requests of each: a checkpoint, and files of what is new.
const ASKS: usize = 20;

pub fn crowd(folder: &Path) {
    let (publisher, _) = published(folder, 5_000);
    hub::runtime(async {
        for stalled in [0, 600] {
            let times = wait(&publisher.join("feed"), stalled).await;
            let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e3;
            println!(
                "crowd     {HUBS} hubs at once, {} requests, {stalled} other clients that never finish asking: median {:.0} ms, p95 {:.0} ms, \
                 p99 {:.0} ms, slowest {:.0} ms",
                times.len(),
                at(0.5),
                at(0.95),
                at(0.99),
                at(1.0)
            );
        }
    });
}

/// How long each request took, sorted. All of them must be answered.
async fn wait(feed: &Path, stalled: usize) -> Vec<Duration> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
    let router = web::feed::routes(feed);
    let serving = tokio::spawn(web::serve_crowd(listener, router, stop.clone(), Crowd::default()));
    let mut idle = Vec::new();
    for _ in 0..stalled {
        let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
        client.write_all(b"GET /v1/1/checkpoint HTTP/1.1\r\nhost: he").await.unwrap();
        idle.push(client);
    }
    let mut hubs = tokio::task::JoinSet::new();
    for _ in 0..HUBS {
        hubs.spawn(async move {
            let client = reqwest::Client::new();
            let mut times = Vec::new();
            for nth in 0..ASKS {
                let path = if nth % 4 == 0 { "checkpoint".to_owned() } else { format!("tile/entries/{:03}", nth % 16) };
                let started = Instant::now();
                let answer = client.get(format!("http://{address}/v1/1/{path}")).send().await.unwrap();
                assert!(answer.status().is_success(), "{path}: {}", answer.status());
                answer.bytes().await.unwrap();
                times.push(started.elapsed());
            }
            times
        });
    }
    let mut times: Vec<Duration> = hubs.join_all().await.concat();
    times.sort();
    drop(idle);
    stop.cancel();
    serving.await.unwrap();
    times
}
