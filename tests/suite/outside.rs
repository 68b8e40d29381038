//! Feeds made here, checked by tools that are not ours, and served by a web server that is not ours.
//!
//! `tests/run` sets `MUTUALD_OUTSIDE` and installs the tools; without it these say SKIP and pass.

use crate::support::feed::{self, all, repository};
use crate::support::hub::group;
use crate::support::{Says, TestHub};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use uuid::Uuid;

fn outside(what: &str) -> bool {
    let asked = std::env::var_os("MUTUALD_OUTSIDE").is_some_and(|value| value == "1");
    if !asked {
        eprintln!("SKIP {what}: MUTUALD_OUTSIDE is not 1 (tests/run sets it)");
    }
    asked
}

/// A feed of two bundles with every type and operation, some of it superseded and blanked.
async fn grown(seed: u64) -> TestHub {
    let hub = TestHub::new("Nottingham", seed).await;
    let id = |n: u128| Uuid::from_u128(n + 1);
    let words = |n: u128, name: &str| (id(n), group(&format!("{name} {n}"), "Nottingham", &format!("01632 96{n:04}")));
    hub.put(&(0..300).map(|n| words(n, "Group")).collect::<Vec<_>>()).await;
    hub.put(&(0..40).map(|n| words(n * 7, "Renamed")).collect::<Vec<_>>()).await;
    for n in [3, 5, 299] {
        hub.withdraw(id(n), 2).await;
    }
    hub.affirm(id(8), 2).await;
    hub.link(id(1_000), 1, id(1), id(2)).await;
    hub.choose(id(1_001), 1, id(1), id(2)).await;
    hub
}

fn verify_feed(folder: &Path, more: &[&str]) -> Output {
    Command::new(repository("tests/outside/verify-feed.sh")).arg(folder).args(more).output().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn go_python_and_openssl_accept_our_feeds() {
    if !outside("no feed is checked with the Go packages, pymerkle and openssl") {
        return;
    }
    let hub = grown(51).await;
    let (folder, id) = (hub.hub.config.feed(), hub.hub.id.to_string());
    let whole = verify_feed(&folder, &["--hub", &id]);
    eprint!("{}", said(&whole));
    if whole.status.code() == Some(3) {
        eprintln!("SKIP no verifier is installed: nothing was checked");
        return;
    }
    assert!(whole.status.success(), "{}", said(&whole));
    let without = verify_feed(&folder, &["--hub", &id, "--without-parts"]);
    assert!(without.status.success(), "{}", said(&without));

    // And they are no nodders.
    let copy = tempfile::tempdir().unwrap();
    let mut files = all(&folder);
    files.get_mut("v1/1/tile/entries/000").unwrap()[5_000] ^= 1;
    feed::write(&files, copy.path());
    let corrupt = verify_feed(copy.path(), &["--hub", &id]);
    assert_eq!(corrupt.status.code(), Some(1), "{}", said(&corrupt));
}

/// Python's own web server on a folder; ended with the test.
struct Static(Child, String);

impl Drop for Static {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Static {
    fn serve(folder: &Path) -> Static {
        let mut child = Command::new("python3")
            .args(["-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory"])
            .arg(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // "Serving HTTP on 127.0.0.1 port 40123 (http://127.0.0.1:40123/) ..."
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map(|(url, _)| url.to_owned());
        Static(child, url.unwrap_or_else(|| panic!("no address in {line:?}")))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_web_server_serves_a_partner_equally_well() {
    if !outside("no feed is served by python3 -m http.server") {
        return;
    }
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("SKIP python3 is missing: no feed is served by python3 -m http.server");
        return;
    }
    let nottingham = grown(52).await;
    let server = Static::serve(&nottingham.hub.config.feed());
    let (here, there) = (TestHub::new("Essex", 53).await, TestHub::new("Derbyshire", 53).await);
    here.follow(&nottingham).await;
    there.hub.add_partner(&server.1, nottingham.hub.id, None).await.unwrap();
    assert_eq!(here.pull(&nottingham).await.state, "changed");
    let outcome = there.pull(&nottingham).await;
    assert_eq!(outcome.state, "changed", "{}", outcome.reason);
    assert_eq!(registry(&there).await, registry(&here).await);
    there.check_hub().await;

    // One more record: this server knows no ranges, so the whole last bundle comes, and that is all the difference.
    nottingham.put(&[(Uuid::from_u128(2_000), group("One more", "Arnold", "01632 960999"))]).await;
    let more = there.pull(&nottingham).await;
    assert_eq!((more.state.as_str(), more.pulled.unwrap().new), ("changed", 1), "{}", more.reason);
    here.pull(&nottingham).await;
    assert_eq!(registry(&there).await, registry(&here).await);
    there.check_hub().await;
    assert_eq!(there.pull(&nottingham).await.state, "current");
}

/// What a hub holds, without which leaves are its own.
async fn registry(hub: &TestHub) -> Vec<[u8; 32]> {
    let mut db = hub.hub.store.read().await.unwrap();
    let mut groups: Vec<_> =
        mutuald::store::registry::digests(&mut db).await.unwrap().into_iter().map(|(_, _, digest)| digest).collect();
    groups.sort_unstable();
    groups
}
