//! F1–F10: the way between the hubs.

mod validator;

use crate::support::TestHub;
use crate::support::peer::{End, Reply, TestPeer};
use crate::support::scene::Scene;
use mutuald::clock::Clock;
use mutuald::limits::Limits;
use mutuald::node::{Chance, Hub};
use mutuald::peer::client::Client;
use std::io::Write;
use std::time::Duration;
use tokio_rustls::rustls;

const CHECKPOINT: &str = "/v1/1/checkpoint";

/// Points a hub's partner elsewhere.
async fn move_partner(scene: &Scene, url: &str) {
    let mut row = scene.partner().await;
    row.url = url.to_owned();
    let mut write = scene.hub.hub.store.write().await.unwrap();
    mutuald::store::partner::save(&mut write, &row).await.unwrap();
    write.commit().await.unwrap();
}

/// F1: a name without address, a closed port, a server's error, a certificate that ended long ago: back off, say why, keep
/// what is held, and leave other partners alone.
#[tokio::test]
async fn f01_a_partner_that_cannot_be_reached() {
    let mut scene = Scene::new(3).await;
    let well = TestPeer::new(8).await;
    scene.hub.hub.add_partner(&well.url, well.id, None).await.unwrap();

    move_partner(&scene, "http://nowhere.invalid/").await;
    scene.refused("dns").await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    move_partner(&scene, &format!("http://{closed}/")).await;
    scene.refused("connect").await;
    let first = scene.partner().await;

    let mut parameters = rcgen::CertificateParams::new(vec!["localhost".into()]).unwrap();
    parameters.not_before = rcgen::date_time_ymd(2019, 1, 1);
    parameters.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = parameters.self_signed(&key).unwrap();
    let url = scene.peer.tls(serves(certificate.der().clone(), key.serialize_der())).await;
    move_partner(&scene, &url).await;
    scene.refused("tls").await;
    assert!(scene.partner().await.next_due > first.next_due, "each failure in a row waits longer");
    assert!(scene.peer.paths().is_empty(), "nothing is asked of a server whose certificate is not good");

    let url = scene.peer.url.clone();
    move_partner(&scene, &url).await;
    for status in [500, 503, 404, 403] {
        scene.peer.well();
        scene.peer.fault(CHECKPOINT, move |_, _| Reply::of(status, "no").header("content-length", 2));
        assert!(scene.refused("http-status").await.reason.contains(&status.to_string()));
    }
    let other = scene.hub.hub.partner(&well.id.to_string()).await.unwrap();
    assert!(scene.hub.hub.pull(&other, false).await.unwrap().ok(), "other partners are unaffected");
    scene.heals().await;
}

/// Expected everywhere: whatever a run meets, the log says it in one event, at the level that it deserves.
#[tokio::test]
async fn f01_every_run_is_one_event() {
    use crate::support::events::Events;
    type Meets = fn(&mut Scene);
    let meets: [(&str, &str, Meets); 6] = [
        ("current", "INFO", |_| ()),
        ("http-status", "WARN", |scene| {
            scene.peer.fault(CHECKPOINT, |_, _| Reply::of(500, "").header("content-length", 0))
        }),
        ("web-page", "WARN", |scene| {
            scene.peer.fault(CHECKPOINT, |_, _| Reply::whole("<html>").header("content-type", "text/html"));
        }),
        ("bundle-count", "WARN", |scene| {
            scene.peer.put(9, 1, "Group nine");
            scene.peer.publish();
            scene.peer.fault("tile/entries/000.p/4", |_, _| Reply::whole(""));
        }),
        ("stale-view", "INFO", |scene| scene.peer.publish_at(1)),
        ("disputed", "WARN", |scene| {
            let note = scene.peer.checkpoint(3, [9; 32], scene.peer.now);
            scene.peer.fault(CHECKPOINT, move |_, _| Reply::whole(note.clone()));
        }),
    ];
    for (state, level, meet) in meets {
        let mut scene = Scene::new(3).await;
        meet(&mut scene);
        let events = Events::listen();
        assert_eq!(scene.pull().await.state, state);
        let quiet = |line: &String| line.contains(" DEBUG ") || line.contains(" TRACE ");
        let said: Vec<String> =
            events.lines().into_iter().filter(|line| line.contains(" mutuald::") && !quiet(line)).collect();
        assert!(said.len() == 1 && said[0].contains(level), "{state}: {said:#?}");
        assert!(said[0].contains(&scene.peer.id.to_string()), "it reads alone: {said:?}");
    }
}

/// F1: Retry-After is honoured, and never for longer than a day.
#[tokio::test]
async fn f01_retry_after_is_obeyed_up_to_a_day() {
    let mut scene = Scene::new(1).await;
    let now = scene.hub.clock.now().as_second();
    for (status, asked, at_least, at_most) in [
        (429, "43200", 43_200, 43_200),
        (429, "99999999999", 86_400, 86_400),
        (429, "soon", 0, 0),
        // A date counts from the server's own clock, which may be years off.
        (503, "Wed, 01 Jan 2020 06:00:00 GMT", 21_600, 21_600),
        (503, "Fri, 01 Jan 2038 00:00:00 GMT", 86_400, 86_400),
        (503, "Tue, 31 Dec 2019 00:00:00 GMT", 0, 0),
    ] {
        scene.peer.well();
        scene.peer.fault(CHECKPOINT, move |_, _| {
            let reply = Reply::of(status, "").header("content-length", 0).header("retry-after", asked);
            reply.header("date", "Wed, 01 Jan 2020 00:00:00 GMT")
        });
        scene.refused("http-status").await;
        let row = scene.partner().await;
        let wait = row.retry_after.map_or(0, |at| at - now);
        assert!((at_least..=at_most).contains(&wait), "{asked}: {wait}");
        assert!(row.next_due >= now + wait, "not before it was asked to");
        assert!(row.next_due <= now + 86_400, "and not later than a day for it");
    }
    scene.heals().await;
}

/// Serves every kind of file slowly; each must be given up in good time.
async fn slow(end: End, limits: impl FnOnce(&mut Limits)) -> Scene {
    let mut scene = Scene::with(1, limits).await;
    scene.peer.put(2, 1, "Group two");
    scene.peer.publish();
    for (path, bytes) in [(CHECKPOINT, 20), ("/v1/1/tile/entries/000.p/2", 20), ("/v1/1/part/public/000.p/2", 5)] {
        scene.peer.well();
        let end = end.clone();
        scene.peer.fault(path, move |_, reply| reply.map(|body| body.truncate(bytes)).end(end.clone()));
        let soon = tokio::time::timeout(Duration::from_secs(20), scene.refused("slow"));
        assert!(soon.await.is_ok(), "{path} held the run");
    }
    scene
}

/// F2: an answer that stands still is cut, long before the time for a whole answer is over.
#[tokio::test]
async fn f02_an_answer_that_stands_still_is_cut() {
    let mut scene = slow(End::Stall, |limits| limits.idle_timeout_s = 1).await;
    // A server that takes the request and says nothing at all.
    scene.peer.well();
    let mute = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = scene.peer.url.clone();
    move_partner(&scene, &format!("http://{}/", mute.local_addr().unwrap())).await;
    scene.refused("slow").await;
    move_partner(&scene, &url).await;
    scene.heals().await;
}

/// F2: an answer that drips, each byte just in time, is cut when the time for a whole answer is over.
#[tokio::test]
async fn f02_an_answer_that_drips_is_cut() {
    let mut scene = slow(End::Drip, |limits| limits.get_timeout_s = 1).await;
    scene.heals().await;
}

/// F2: progress of finished bundles is kept: the next run asks only for the rest.
#[tokio::test]
async fn f02_finished_bundles_are_kept() {
    let mut scene = Scene::with(1, |limits| {
        limits.idle_timeout_s = 1;
        limits.parallel_gets = 1;
    })
    .await;
    (2..=1_100).for_each(|n| {
        scene.peer.put(n, 1, &format!("Group number {n}"));
    });
    scene.peer.publish();
    scene.peer.fault("/v1/1/tile/entries/003", |_, reply| reply.map(|body| body.truncate(900)).end(End::Stall));
    scene.refused("slow").await;
    assert_eq!(scene.partner().await.held, 768, "three bundles came before");
    scene.peer.asked();
    scene.peer.well();
    let outcome = scene.pull().await;
    assert_eq!((outcome.state.as_str(), outcome.pulled.unwrap().held), ("changed", 1_100));
    assert!(
        !scene.peer.paths().iter().any(|path| path.ends_with("entries/001")),
        "what is held is not asked for again"
    );
    scene.heals().await;
}

/// F3: endless bodies, lengths that lie, and bombs cost no more than the cap.
#[tokio::test]
async fn f03_endless_data_is_cut_at_the_cap() {
    let mut scene = Scene::new(1).await;
    scene.peer.put(2, 1, "Group two");
    scene.peer.publish();
    let (entries, parts) = ("/v1/1/tile/entries/000.p/2", "/v1/1/part/public/000.p/2");
    for (path, code) in [(CHECKPOINT, "too-large"), (entries, "too-large"), (parts, "too-large")] {
        scene.peer.well();
        scene
            .peer
            .fault(path, |_, reply| Reply::whole(vec![b'x'; 8192]).end(End::Again).header("x-status", reply.status));
        scene.refused(code).await;
    }
    // A line of 10^9 bytes never ends either; its length is the server's word, and nothing is reserved for it.
    scene.peer.well();
    scene
        .peer
        .fault(parts, |_, _| Reply::whole(vec![b'x'; 8192]).header("content-length", 1_000_000_000u64).end(End::Again));
    scene.refused("too-large").await;
    // More promised than sent.
    scene.peer.well();
    scene.peer.fault(CHECKPOINT, |_, reply| reply.without("content-length").header("content-length", 9_000));
    scene.refused("broken").await;
    // Less promised than sent: what is past the length is not the body.
    scene.peer.well();
    scene.peer.fault(CHECKPOINT, |_, reply| reply.without("content-length").header("content-length", 40));
    scene.refused("checkpoint-malformed").await;

    let zeros = vec![0u8; 64 << 20];
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&zeros).unwrap();
    let gzip = gzip.finish().unwrap();
    let zstd = zstd::encode_all(zeros.as_slice(), 19).unwrap();
    for (encoding, bomb) in [("gzip", gzip), ("zstd", zstd)] {
        // Below the ratio's floor the cap speaks, above it the ratio.
        for (path, code) in [(CHECKPOINT, "too-large"), (parts, "ratio")] {
            scene.peer.well();
            let bomb = bomb.clone();
            scene.peer.fault(path, move |_, _| {
                Reply::whole(bomb.clone()).header("content-encoding", encoding).header("content-length", bomb.len())
            });
            scene.refused(code).await;
        }
    }
    scene.heals().await;
}

/// F4: a truncated body, a wrong length prefix, bytes too many, a line too many: the bundle is rejected whole.
#[tokio::test]
async fn f04_a_bundle_is_exactly_right_or_rejected_whole() {
    let mut scene = Scene::new(1).await;
    scene.peer.put(2, 1, "Group two");
    scene.peer.publish();
    let (entries, parts) = ("/v1/1/tile/entries/000.p/2", "/v1/1/part/public/000.p/2");
    type Change = fn(&mut Vec<u8>);
    let cases: [(&str, Change, &str); 9] = [
        (entries, |body| body.truncate(body.len() - 1), "bundle-length"),
        (entries, |body| body.truncate(1), "bundle-length"),
        (entries, |body| body.clear(), "bundle-count"),
        (entries, |body| body[0] = 0xff, "bundle-length"),
        (entries, |body| body.push(0), "bundle-length"),
        (entries, |body| body.extend([0, 1, b'x']), "bundle-count"),
        (parts, |body| body.truncate(body.len() - 1), "bundle-text"),
        (parts, |body| body.push(b'\n'), "bundle-count"),
        (parts, |body| body.extend(b"more\n"), "bundle-count"),
    ];
    for (path, change, code) in cases {
        scene.peer.well();
        scene.peer.fault(path, move |asked, reply| {
            // Of a range, the whole is served: it is the whole file that is wrong.
            let _ = asked;
            Reply::whole(reply.body).map(change)
        });
        // Against ranges the same file is damaged the same way.
        let whole = scene.peer.file(path.trim_start_matches("/v1/1/"));
        scene.peer.fault(path, move |_, _| Reply::whole(whole.clone()).map(change));
        scene.refused(code).await;
    }
    scene.heals().await;
}

/// F5: a web page with status 200, another content type, a byte order mark, CRLF: rejected, and the message names what came.
#[tokio::test]
async fn f05_what_is_no_feed_file_is_named() {
    let mut scene = Scene::new(1).await;
    scene.peer.put(2, 1, "Group two");
    scene.peer.publish();
    let page = "<!doctype html><title>Domain for sale</title>";
    scene.peer.fault(CHECKPOINT, move |_, _| Reply::whole(page).header("content-type", "text/html; charset=utf-8"));
    assert!(scene.refused("web-page").await.reason.contains("text/html"));
    scene.peer.well();
    scene.peer.fault(CHECKPOINT, move |_, _| Reply::whole(page).header("content-type", "text/plain"));
    scene.refused("checkpoint-malformed").await;
    scene.peer.well();
    scene.peer.fault(CHECKPOINT, |_, reply| Reply::whole([b"\xef\xbb\xbf".as_slice(), &reply.body].concat()));
    scene.refused("checkpoint-origin").await;
    scene.peer.well();
    scene.peer.fault(CHECKPOINT, |_, reply| Reply::whole(String::from_utf8(reply.body).unwrap().replace('\n', "\r\n")));
    scene.refused("checkpoint-malformed").await;
    for change in [|text: String| text.replace('\n', "\r\n"), |text: String| format!("\u{feff}{text}")] {
        scene.peer.well();
        let whole = String::from_utf8(scene.peer.file("part/public/000.p/2")).unwrap();
        scene.peer.fault("/v1/1/part/public/000.p/2", move |_, _| Reply::whole(change(whole.clone())));
        assert!(scene.refused("bundle-text").await.reason.contains("part/public/000.p/2"));
    }
    // An honest file with an odd content type is taken.
    scene.peer.well();
    scene.peer.fault("/v1/1/tile/entries/000.p/2", |_, reply| reply.header("content-type", "image/png"));
    assert_eq!(scene.pull().await.state, "changed");
    scene.heals().await;
}

/// F6: a redirect to another host, into a private network, or round in a circle is refused, and nothing is sent there.
#[tokio::test]
async fn f06_redirects_lead_nowhere_else() {
    let mut scene = Scene::new(1).await;
    let other = TestPeer::new(9).await;
    let port = other.url.trim_end_matches('/').rsplit(':').next().unwrap().to_owned();
    for target in [
        format!("http://localhost:{port}/v1/1/checkpoint"),
        "http://169.254.169.254/latest/meta-data/".into(),
        "http://10.0.0.1/".into(),
        "http://[::1]:80/".into(),
        CHECKPOINT.into(),
    ] {
        scene.peer.well();
        let location = target.clone();
        scene.peer.fault(CHECKPOINT, move |_, _| {
            Reply::of(302, "").header("content-length", 0).header("location", &location)
        });
        assert_eq!(scene.refused("redirect").await.state, "redirect", "{target}");
    }
    // Round by way of another path, and on and on without ever coming back: four questions, and no more.
    scene.peer.well();
    scene.peer.asked();
    let to = |location: &str| Reply::of(302, "").header("content-length", 0).header("location", location);
    scene.peer.fault(CHECKPOINT, move |_, _| to("/there"));
    scene.peer.fault("/there", move |_, _| to(CHECKPOINT));
    scene.refused("redirect").await;
    assert_eq!(scene.peer.paths(), [CHECKPOINT, "/there", CHECKPOINT, "/there"]);
    scene.peer.well();
    scene.peer.fault("", move |asked, _| to(&format!("{}x", asked.path)));
    scene.refused("redirect").await;
    assert_eq!(scene.peer.paths().len(), 4);
    assert!(other.paths().is_empty(), "the other host was not asked");
    // Where it may lead: the same host, a few times.
    scene.peer.well();
    let moved = scene.peer.file("checkpoint");
    scene
        .peer
        .fault(CHECKPOINT, |_, _| Reply::of(307, "").header("content-length", 0).header("location", "/elsewhere"));
    scene.peer.fault("/elsewhere", move |_, _| Reply::whole(moved.clone()));
    assert_eq!(scene.pull().await.state, "current");
    scene.heals().await;
}

/// Where [`f06_under_a_trusted_certificate`] finds the certificate that it is to serve under.
const TRUSTED: &str = "MUTUALD_TRUSTED_CERTIFICATE";

/// F6: a redirect from https to http is refused, and nothing is sent there. Which certificates are trusted is settled for a whole
/// process, so the test is another one.
#[test]
fn f06_a_redirect_out_of_tls_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let parameters = rcgen::CertificateParams::new(vec!["localhost".into()]).unwrap();
    let certificate = parameters.self_signed(&key).unwrap();
    std::fs::write(folder.path().join("certificate.pem"), certificate.pem()).unwrap();
    std::fs::write(folder.path().join("certificate"), certificate.der()).unwrap();
    std::fs::write(folder.path().join("key"), key.serialize_der()).unwrap();
    let ended = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["attacks::transport::f06_under_a_trusted_certificate", "--exact", "--nocapture"])
        .env("SSL_CERT_FILE", folder.path().join("certificate.pem"))
        .env_remove("SSL_CERT_DIR")
        .env(TRUSTED, folder.path())
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success() && out.contains("1 passed"), "{out}\n{err}");
}

/// The other process: does nothing unless it was started to.
#[tokio::test]
async fn f06_under_a_trusted_certificate() {
    let Ok(folder) = std::env::var(TRUSTED) else { return };
    let read = |name: &str| std::fs::read(std::path::Path::new(&folder).join(name)).unwrap();
    let scene = Scene::new(1).await;
    let url = scene.peer.tls(serves(read("certificate").into(), read("key"))).await;
    move_partner(&scene, &url).await;
    assert_eq!(scene.pull().await.state, "current", "the certificate is trusted");
    let moved = scene.peer.file("checkpoint");
    scene.peer.fault("/elsewhere", move |_, _| Reply::whole(moved.clone()));
    let lead = |to: &str| {
        let to = to.to_owned();
        scene
            .peer
            .fault(CHECKPOINT, move |_, _| Reply::of(307, "").header("content-length", 0).header("location", &to));
    };
    scene.peer.asked();
    lead("/elsewhere");
    assert_eq!(scene.pull().await.state, "current", "within TLS it leads on");
    assert_eq!(scene.peer.paths(), [CHECKPOINT, "/elsewhere"]);
    // The very same host, as this trial may visit it without TLS too, and with its port, and without.
    let plain = scene.peer.url.replace("127.0.0.1", "localhost");
    for to in [format!("{plain}elsewhere"), "http://localhost/elsewhere".to_owned()] {
        lead(&to);
        scene.refused("redirect").await;
        assert_eq!(scene.peer.paths(), [CHECKPOINT], "{to}");
    }
}

/// A server's part of TLS.
fn serves(certificate: rustls::pki_types::CertificateDer<'static>, key: Vec<u8>) -> rustls::ServerConfig {
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], rustls::pki_types::PrivateKeyDer::try_from(key).unwrap())
        .unwrap()
}

/// F6: a hub that does not allow private addresses goes to none, whether they are written out or a name's meaning; nor
/// anywhere without TLS.
#[tokio::test]
async fn f06_private_addresses_are_not_visited() {
    let scene = Scene::new(1).await;
    let mut config = (*scene.hub.hub.config).clone();
    config.pull.allow_private_addresses = false;
    let port = scene.peer.url.trim_end_matches('/').rsplit(':').next().unwrap().to_owned();
    let careful = Hub::open(config, Clock::fixed(scene.hub.clock.now()), Chance::seeded(3)).await.unwrap();
    for url in [
        format!("http://127.0.0.1:{port}/"),
        format!("https://127.0.0.1:{port}/"),
        format!("https://localhost:{port}/"),
        format!("https://[::ffff:127.0.0.1]:{port}/"),
        format!("https://[::1]:{port}/"),
        format!("https://2130706433:{port}/"),
        format!("https://0177.0.0.1:{port}/"),
        format!("https://0x7f.1:{port}/"),
        format!("https://127.1:{port}/"),
        "https://10.0.0.1/".into(),
        "https://169.254.169.254/".into(),
        "https://[fc00::1]/".into(),
        "https://[fe80::1]/".into(),
        "https://[::ffff:10.0.0.1]/".into(),
        "http://example.org/".into(),
        "ftp://example.org/".into(),
    ] {
        move_partner(&scene, &url).await;
        let outcome = careful.pull(&scene.partner().await, false).await.unwrap();
        assert_eq!(outcome.state, "address", "{url}: {}", outcome.reason);
    }
    assert!(scene.peer.paths().is_empty(), "nothing was sent there");
    assert!(Client::new(&Limits::default(), false, None).is_ok());
}

/// F7: a cache that serves an old checkpoint after the new one: a stale view; nothing goes back, nobody is alarmed.
#[tokio::test]
async fn f07_an_old_checkpoint_is_a_stale_view() {
    let mut scene = Scene::new(3).await;
    let old = scene.peer.file("checkpoint");
    scene.peer.put(4, 1, "Group four");
    scene.peer.publish();
    assert_eq!(scene.pull().await.state, "changed");
    let before = scene.before().await;
    scene.peer.fault(CHECKPOINT, move |_, _| Reply::whole(old.clone()));
    for _ in 0..2 {
        let outcome = scene.pull().await;
        assert_eq!(outcome.state, "stale-view");
        assert!(outcome.ok(), "no failure");
        assert_eq!(scene.before().await, before);
    }
    // Whoever shows old states for longer than the hub itself lets its list grow old is told on, by the newest that it signed.
    for (days, state) in [(2, "stale-view"), (1, "stale-view"), (1, "stale")] {
        scene.hub.clock.advance(jiff::SignedDuration::from_hours(24 * days));
        let outcome = scene.pull().await;
        assert_eq!(outcome.state, state, "{outcome:?}");
        assert_eq!(scene.names().await.len(), 4, "data is kept");
    }
    scene.peer.now = scene.hub.clock.now().as_second();
    scene.heals().await;
}

/// F8: a cache that serves an older, shorter part bundle: asked for again past the cache; what still lacks is withheld,
/// and asked for again with the next pull.
#[tokio::test]
async fn f08_an_old_part_bundle_is_asked_for_again() {
    let mut scene = Scene::new(2).await;
    let old = scene.peer.file("part/public/000.p/2");
    scene.peer.put(3, 1, "Group three");
    scene.peer.publish();
    let path = "/v1/1/part/public/000.p/3";
    let stale = old.clone();
    scene.peer.fault(path, move |asked, reply| {
        let past = asked.headers.get("cache-control").is_some_and(|value| value.contains("no-cache"));
        if past { reply } else { Reply::whole(stale.clone()) }
    });
    assert_eq!(scene.pull().await.state, "changed");
    assert_eq!(scene.state_of(3).await.as_deref(), Some("live"), "past the cache it came");

    scene.peer.well();
    scene.peer.put(4, 1, "Group four");
    scene.peer.publish();
    scene.peer.fault("/v1/1/part/public/000.p/4", move |_, _| Reply::whole(old.clone()));
    let outcome = scene.pull().await;
    assert_eq!((outcome.state.as_str(), outcome.pulled.unwrap().withheld), ("changed", 1));
    assert_eq!(scene.state_of(4).await.as_deref(), Some("withheld"));
    scene.hub.check_hub().await;
    scene.peer.well();
    assert_eq!(scene.pull().await.state, "changed");
    assert_eq!(scene.state_of(4).await.as_deref(), Some("live"));
    scene.heals().await;
}

/// F9: a server that ignores Range, names another, or sends other bytes: the whole file, and the hash decides.
#[tokio::test]
async fn f09_a_server_that_gets_ranges_wrong() {
    let mut scene = Scene::new(20).await;
    type Wrong = fn(&crate::support::peer::Asked, Reply) -> Reply;
    let ranges: [(&str, Wrong); 5] = [
        ("ignored", |_, reply| reply),
        ("not satisfiable", |_, _| Reply::of(416, "").header("content-length", 0)),
        ("another range", |_, reply| reply.without("content-range").header("content-range", "bytes 1-9/10")),
        ("cut", |_, reply| reply.without("content-length").map(|body| body.truncate(body.len() / 2))),
        ("other bytes", |_, reply| {
            reply.map(|body| {
                let middle = body.len() / 2;
                body[middle] ^= 4;
            })
        }),
    ];
    for (n, (name, wrong)) in (21..).zip(ranges) {
        scene.peer.well();
        scene.peer.put(n, 1, &format!("Group number {n}"));
        scene.peer.publish();
        for kind in ["tile/entries", "part/public"] {
            let path = format!("{kind}/000.p/{n}");
            let whole = scene.peer.file(&path);
            scene.peer.fault(&path, move |asked, reply| match asked.from() {
                Some(_) if name == "ignored" => Reply::whole(whole.clone()),
                Some(_) => wrong(asked, reply),
                None => reply,
            });
        }
        scene.peer.asked();
        let outcome = scene.pull().await;
        assert_eq!(outcome.state, "changed", "{name}: {}", outcome.reason);
        assert!(scene.peer.asked().iter().any(|asked| asked.from().is_some()), "{name}: a range was asked for");
        assert_eq!(scene.state_of(n).await.as_deref(), Some("live"), "{name}");
        scene.hub.check_hub().await;
    }
    scene.heals().await;
}

/// F9: with ranges that work, one changed record costs its own bytes and no more.
#[tokio::test]
async fn f09_a_range_that_works_saves_the_rest() {
    let mut scene = Scene::new(200).await;
    scene.peer.put(201, 1, "Group number 201");
    scene.peer.publish();
    let outcome = scene.pull().await;
    assert!(outcome.pulled.unwrap().bytes < 2_048);
    assert_eq!(scene.state_of(201).await.as_deref(), Some("live"));
    scene.heals().await;
}

/// Nothing changed costs one request, answered 304.
#[tokio::test]
async fn nothing_new_is_one_request() {
    let scene = Scene::new(3).await;
    let outcome = scene.pull().await;
    assert_eq!((outcome.state.as_str(), outcome.pulled.unwrap().bytes), ("current", 0));
    assert_eq!(scene.peer.paths(), [CHECKPOINT]);
}

/// A hub without `[publish]` pulls like any other, signs what it decides, and writes no feed.
#[tokio::test]
async fn a_hub_that_publishes_nothing_pulls_all_the_same() {
    let mut peer = TestPeer::new(7).await;
    peer.put(1, 1, "Group one");
    peer.publish();
    let mut scene = Scene::of(peer, |config| config.publish = None).await;
    assert_eq!(scene.names().await, ["Group one"]);
    let own = crate::support::hub::group("Our own", "Leigh", "01702 000111");
    let said = scene.hub.put(&[(uuid::Uuid::from_u128(5), own)]).await;
    assert!(said.published.is_none());
    assert!(!scene.hub.hub.config.feed().exists());
    let with: TestHub = TestHub::new("Publishing Hub", 4).await;
    assert!(with.hub.config.feed().exists(), "where it is configured there is one");
    scene.heals().await;
}
