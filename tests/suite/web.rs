//! What a hub serves over HTTP: feed files that any client reads rightly, and pages that are safe, private and whole.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use jiff::civil::date;
use jiff::{Timestamp, tz::TimeZone};
use mutuald::web::health::{self, Readiness};
use mutuald::web::respond::{self, Keep};
use mutuald::web::view::*;
use mutuald::web::{self, WebError, feed, pages, query};
use reqwest::header::{self, HeaderMap, HeaderName};
use reqwest::{Client, Method, Response};
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A server on a port of its own, stopped when the test is done with it.
struct Server {
    address: SocketAddr,
    client: Client,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

impl Server {
    async fn start(router: Router) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let running = tokio::spawn(web::serve(listener, router, stop.clone()));
        let client = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Server { address, client, stop, running }
    }

    async fn ask(&self, method: Method, path: &str, headers: &[(HeaderName, &str)]) -> Response {
        let url = format!("http://{}{path}", self.address);
        let request = headers.iter().fold(self.client.request(method, url), |r, (name, value)| r.header(name, *value));
        request.send().await.unwrap()
    }

    async fn get(&self, path: &str, headers: &[(HeaderName, &str)]) -> Response {
        self.ask(Method::GET, path, headers).await
    }

    /// Sends a request line as it stands; clients tidy addresses up. Returns the status.
    async fn raw(&self, request: &str) -> u16 {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        answer
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .unwrap_or_else(|| panic!("{request:?}: {answer}"))
    }

    async fn finish(self) {
        self.stop.cancel();
        self.running.await.unwrap();
    }
}

fn site() -> Arc<Site> {
    Arc::new(Site {
        hub: "Example Hub".into(),
        notice: None,
        contact: Some("lists@hub.example".into()),
        exit: "https://weather.example/".into(),
    })
}

fn everything(feed: Option<Router>) -> Router {
    web::router(site(), Router::new(), feed, health::routes(async || Readiness::Ready))
}

fn tag(response: &Response, name: HeaderName) -> String {
    response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

/// A folder like a publisher's, and what lies beside it that nobody may read.
fn folder(within: &Path) -> Vec<(&'static str, Vec<u8>)> {
    let lines: Vec<u8> =
        (0..200).flat_map(|n| format!("salt {{\"name\":\"Group number {n}\"}}\n").into_bytes()).collect();
    let noise: Vec<u8> = (0..8192u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let files = vec![
        ("/.well-known/groups-hub", b"groups-hub/v1\n{}\n".to_vec()),
        ("/hub/1", b"groups-hub/v1\n{}\n".to_vec()),
        ("/v1/1/checkpoint", b"origin\n200\nroot\n".to_vec()),
        ("/v1/1/tile/0/000", noise.clone()),
        ("/v1/1/tile/entries/000.p/200", noise),
        ("/v1/1/part/public/000.p/200", lines),
        ("/v1/1/part/public/x001/000", Vec::new()),
    ];
    let feed = within.join("feed");
    for (path, content) in &files {
        let file = feed.join(&path[1..]);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, content).unwrap();
    }
    for secret in ["secret", "feed/secret", "feed/v1/1/checkpoint.tmp", "feed/v1/1/part/contact/000"] {
        let file = within.join(secret);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, "secret").unwrap();
    }
    files
}

#[tokio::test]
async fn feed_files_come_as_they_lie_and_as_a_plain_host_gives_them() {
    let temp = tempfile::tempdir().unwrap();
    let files = folder(temp.path());
    let ours = Server::start(everything(Some(feed::routes(temp.path().join("feed"))))).await;
    let plain = PlainHost::start(&temp.path().join("feed"));

    for (path, content) in &files {
        let answer = ours.get(path, &[]).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        assert_eq!(tag(&answer, header::ACCEPT_RANGES), "bytes");
        assert_eq!(tag(&answer, header::ACCESS_CONTROL_ALLOW_ORIGIN), "*");
        assert_eq!(tag(&answer, header::CONTENT_LENGTH), content.len().to_string());
        let caching = tag(&answer, header::CACHE_CONTROL);
        let expected = match *path {
            "/.well-known/groups-hub" => "max-age=300",
            "/v1/1/checkpoint" => "no-cache",
            path if path.contains("/part/") => "public, max-age=300",
            _ => "public, max-age=31536000, immutable",
        };
        assert_eq!(caching, expected, "{path}");
        assert_eq!(answer.bytes().await.unwrap(), content, "{path}");

        let url = format!("http://127.0.0.1:{}{path}", plain.port);
        assert_eq!(ours.client.get(url).send().await.unwrap().bytes().await.unwrap(), content, "plain host: {path}");

        let head = ours.ask(Method::HEAD, path, &[(header::RANGE, "bytes=0-1")]).await;
        assert_eq!((head.status(), tag(&head, header::CONTENT_LENGTH)), (StatusCode::OK, content.len().to_string()));
        assert!(head.bytes().await.unwrap().is_empty(), "{path}");
    }
    ours.finish().await;
}

#[tokio::test]
async fn what_is_held_is_not_sent_again_and_what_changed_is() {
    let temp = tempfile::tempdir().unwrap();
    folder(temp.path());
    let server = Server::start(everything(Some(feed::routes(temp.path().join("feed"))))).await;
    let path = "/v1/1/checkpoint";
    let first = tag(&server.get(path, &[]).await, header::ETAG);
    assert!(first.starts_with('"') && first.ends_with('"'), "{first} is a strong tag");

    let same = server.get(path, &[(header::IF_NONE_MATCH, &first)]).await;
    assert_eq!(same.status(), StatusCode::NOT_MODIFIED);
    assert_eq!((tag(&same, header::ETAG), tag(&same, header::CACHE_CONTROL)), (first.clone(), "no-cache".into()));
    assert!(same.bytes().await.unwrap().is_empty());

    // Another checkpoint of the same size, put in place by rename under the same modification time.
    let file = temp.path().join("feed/v1/1/checkpoint");
    let old = std::fs::metadata(&file).unwrap().modified().unwrap();
    let new = temp.path().join("new");
    std::fs::write(&new, b"origin\n200\nR00T\n").unwrap();
    std::fs::File::options().write(true).open(&new).unwrap().set_modified(old).unwrap();
    std::fs::rename(&new, &file).unwrap();
    let changed = server.get(path, &[(header::IF_NONE_MATCH, &first)]).await;
    assert_eq!(changed.status(), StatusCode::OK);
    assert_ne!(tag(&changed, header::ETAG), first);
    assert_eq!(changed.bytes().await.unwrap(), "origin\n200\nR00T\n");
    server.finish().await;
}

#[tokio::test]
async fn ranges_are_of_the_file_itself() {
    let temp = tempfile::tempdir().unwrap();
    let files = folder(temp.path());
    let server = Server::start(everything(Some(feed::routes(temp.path().join("feed"))))).await;
    let (path, content) = &files[5];
    let all = content.len();
    let etag = tag(&server.get(path, &[]).await, header::ETAG);

    for (range, first, last) in [
        ("bytes=100-", 100, all - 1),
        ("bytes=0-9", 0, 9),
        ("bytes=10-999999", 10, all - 1),
        ("bytes=-5", all - 5, all - 1),
    ] {
        // Asking for codings as well: bytes are counted in the file, so it comes in none.
        let part = server.get(path, &[(header::RANGE, range), (header::ACCEPT_ENCODING, "zstd, gzip")]).await;
        assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT, "{range}");
        assert_eq!(tag(&part, header::CONTENT_RANGE), format!("bytes {first}-{last}/{all}"));
        assert_eq!((tag(&part, header::CONTENT_ENCODING), tag(&part, header::ETAG)), (String::new(), etag.clone()));
        assert_eq!(part.bytes().await.unwrap(), content[first..=last], "{range}");
    }
    let beyond = server.get(path, &[(header::RANGE, &format!("bytes={all}-"))]).await;
    assert_eq!(beyond.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(tag(&beyond, header::CONTENT_RANGE), format!("bytes */{all}"));

    let same = server.get(path, &[(header::RANGE, "bytes=5-"), (header::IF_RANGE, &etag)]).await;
    assert_eq!(same.status(), StatusCode::PARTIAL_CONTENT);
    let other = server.get(path, &[(header::RANGE, "bytes=5-"), (header::IF_RANGE, "\"other\"")]).await;
    assert_eq!(other.status(), StatusCode::OK);
    assert_eq!(other.bytes().await.unwrap(), content);
    server.finish().await;
}

#[tokio::test]
async fn codings_hold_the_same_bytes_under_tags_of_their_own() {
    let temp = tempfile::tempdir().unwrap();
    let files = folder(temp.path());
    let server = Server::start(everything(Some(feed::routes(temp.path().join("feed"))))).await;
    let (path, content) = &files[5];
    let mut tags = vec![tag(&server.get(path, &[]).await, header::ETAG)];

    for coding in ["gzip", "zstd"] {
        let answer = server.get(path, &[(header::ACCEPT_ENCODING, coding)]).await;
        assert_eq!(tag(&answer, header::CONTENT_ENCODING), coding);
        assert_eq!(tag(&answer, header::VARY).to_ascii_lowercase(), "accept-encoding");
        tags.push(tag(&answer, header::ETAG));
        let coded = answer.bytes().await.unwrap();
        assert!(coded.len() * 3 < content.len(), "{coding} saves");
        let mut decoded = Vec::new();
        match coding {
            "gzip" => flate2::read::GzDecoder::new(&coded[..]).read_to_end(&mut decoded).map(|_| ()).unwrap(),
            _ => decoded = zstd::decode_all(&coded[..]).unwrap(),
        }
        assert_eq!(&decoded, content, "{coding}");

        let held = [(header::ACCEPT_ENCODING, coding), (header::IF_NONE_MATCH, tags.last().unwrap().as_str())];
        assert_eq!(server.get(path, &held).await.status(), StatusCode::NOT_MODIFIED, "{coding}");
    }
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), 3, "one tag for one representation");

    // Hashes do not shrink, and small files are not worth it.
    for small in [&files[2], &files[3]] {
        let answer = server.get(small.0, &[(header::ACCEPT_ENCODING, "zstd, gzip")]).await;
        assert_eq!(tag(&answer, header::CONTENT_ENCODING), "", "{}", small.0);
        assert_eq!(answer.bytes().await.unwrap(), small.1);
    }
    server.finish().await;
}

#[tokio::test]
async fn nothing_but_the_feed_is_served_and_nothing_is_taken() {
    let temp = tempfile::tempdir().unwrap();
    folder(temp.path());
    let server = Server::start(everything(Some(feed::routes(temp.path().join("feed"))))).await;
    for path in [
        "/secret",
        "/../secret",
        "/v1/../../secret",
        "/v1/1/../../../secret",
        "/hub/../../secret",
        "/hub/..%2f..%2fsecret",
        "/hub/%2e%2e/secret",
        "/v1/%2e%2e/%2e%2e/secret",
        "/v1/1/tile/0/..%2f..%2f..%2fcheckpoint",
        "/v1/1/tile/..\\..\\..\\secret",
        "/v1/1//checkpoint",
        "/v1/1/checkpoint.tmp",
        "/v1/1/checkpoint%00",
        "/v1/1/checkp%6fint",
        "/v1/1/part/contact/000",
        "/v1/1/part/public",
        "/v1/1/part/public/000.p",
        "/v1/1/tile/0/",
        "/v1/1/",
        "/v1/2/checkpoint",
        "/hub/1/x",
        "//etc/passwd",
        "/v1//etc/passwd",
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n");
        assert_eq!(server.raw(&request).await, 404, "{path}");
    }
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
        for path in ["/v1/1/checkpoint", "/healthz", "/style.css"] {
            let answer = server.ask(method.clone(), path, &[]).await;
            assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            assert_eq!(tag(&answer, header::ALLOW), "GET,HEAD", "{method} {path}");
        }
    }
    let body = "GET /v1/1/checkpoint HTTP/1.1\r\nHost: hub\r\nContent-Length: 3\r\n\r\nabc";
    assert_eq!(server.raw(body).await, 413);
    let long = format!("GET / HTTP/1.1\r\nHost: hub\r\nX-Long: {}\r\n\r\n", "a".repeat(20_000));
    assert_eq!(server.raw(&long).await, 431);
    let many = format!("GET / HTTP/1.1\r\nHost: hub\r\n{}\r\n", "X-Many: 1\r\n".repeat(100));
    assert_eq!(server.raw(&many).await, 431);
    server.finish().await;
}

#[tokio::test]
async fn health_and_readiness_are_two_things() {
    let ready = Arc::new(AtomicBool::new(false));
    let probed = Arc::clone(&ready);
    let health = health::routes(move || {
        let ready = probed.load(Ordering::SeqCst);
        async move { if ready { Readiness::Ready } else { Readiness::NotReady("the first derivation is not done") } }
    });
    let server = Server::start(web::router(site(), Router::new(), None, health)).await;
    assert_eq!(server.get("/healthz", &[]).await.status(), StatusCode::OK);
    let not_yet = server.get("/readyz", &[]).await;
    assert_eq!(not_yet.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(not_yet.text().await.unwrap(), "not ready: the first derivation is not done\n");
    ready.store(true, Ordering::SeqCst);
    assert_eq!(server.get("/readyz", &[]).await.status(), StatusCode::OK);
    // A hub that does not publish serves no feed.
    assert_eq!(server.get("/v1/1/checkpoint", &[]).await.status(), StatusCode::NOT_FOUND);
    server.finish().await;
}

#[tokio::test]
async fn errors_are_pages_and_keep_their_cause_to_themselves() {
    let routes = Router::new()
        .route("/broken", get(async || -> Result<(), WebError> { Err(anyhow::anyhow!("table groups is gone").into()) }))
        .route("/panic", get(async || -> StatusCode { panic!("secret cause") }))
        .route("/busy", get(async || WebError::NotReady))
        .route("/search", get(async || WebError::BadRequest("There are pages from 1 to 500.")));
    let server = Server::start(web::router(site(), routes, None, health::routes(async || Readiness::Ready))).await;
    for (path, status, says) in [
        ("/broken", 500, "Sorry, something went wrong"),
        ("/panic", 500, "Sorry, something went wrong"),
        ("/busy", 503, "Not ready yet"),
        ("/search?page=900", 400, "There are pages from 1 to 500."),
        ("/no/such/page", 404, "Page not found"),
    ] {
        let answer = server.get(path, &[]).await;
        assert_eq!(answer.status(), status, "{path}");
        private(answer.headers(), "no-store");
        let page = answer.text().await.unwrap();
        assert!(page.contains(says) && page.contains("Example Hub"), "{path}: {page}");
        assert!(!page.contains("table groups") && !page.contains("secret cause"), "{path}");
        well_made(path, &page);
    }
    server.finish().await;
}

#[tokio::test]
async fn stopping_lets_open_requests_finish() {
    let (begun, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (at, on) = (Arc::clone(&begun), Arc::clone(&go));
    let slow = async move || {
        at.notify_one();
        on.notified().await;
        "done"
    };
    let routes = Router::new().route("/slow", get(slow));
    let server = Server::start(web::router(site(), routes, None, health::routes(async || Readiness::Ready))).await;
    let request = server.client.get(format!("http://{}/slow", server.address)).send();
    let request = tokio::spawn(request);
    begun.notified().await;
    server.stop.cancel();
    go.notify_one();
    assert_eq!(request.await.unwrap().unwrap().text().await.unwrap(), "done");
    let address = server.address;
    server.finish().await;
    assert!(TcpStream::connect(address).await.is_err(), "nothing listens any more");
}

#[tokio::test]
async fn pages_carry_the_headers_that_keep_a_search_private() {
    let page = || respond::page(StatusCode::OK, pages::search(&site(), &search_page()), Keep::Never);
    let routes = Router::new().route("/search", get(async move || page()));
    let server = Server::start(web::router(site(), routes, None, health::routes(async || Readiness::Ready))).await;
    for coding in ["identity", "gzip"] {
        let answer = server.get("/search?q=anxiety", &[(header::ACCEPT_ENCODING, coding)]).await;
        private(answer.headers(), "no-store");
        assert_eq!(tag(&answer, header::CONTENT_ENCODING), if coding == "gzip" { "gzip" } else { "" });
    }
    let page = server.get("/search", &[]).await.text().await.unwrap();
    let sheet = page.split("href=\"/style.css").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let css = server.get(&format!("/style.css{sheet}"), &[]).await;
    assert_eq!(tag(&css, header::CONTENT_TYPE), "text/css; charset=utf-8");
    assert_eq!(tag(&css, header::CACHE_CONTROL), "public, max-age=31536000, immutable");
    let outdated = server.get("/style.css?v=0", &[]).await;
    assert_eq!(tag(&outdated, header::CACHE_CONTROL), "no-cache");
    let css = css.text().await.unwrap();
    assert!(!css.contains("url(") && !css.contains("@import"), "the sheet loads nothing");
    server.finish().await;
}

fn private(headers: &HeaderMap, caching: &str) {
    for (name, value) in [
        (
            "content-security-policy",
            "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", caching),
        ("content-type", "text/html; charset=utf-8"),
    ] {
        assert_eq!(headers.get(name).map(|value| value.to_str().unwrap()), Some(value), "{name}");
    }
    assert!(!headers.contains_key("set-cookie"));
}

#[test]
fn every_page_is_well_made() {
    let site = site();
    let notice = Site { notice: Some("Every group here is invented.".into()), ..(*site).clone() };
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    std::fs::create_dir_all(&out).unwrap();
    let nothing = SearchPage { hits: Vec::new(), total: 0, pages: 1, ..search_page() };
    for (name, page) in [
        ("home", pages::home(&notice, &home_page())),
        ("search", pages::search(&site, &search_page())),
        ("search-nothing", pages::search(&site, &nothing)),
        ("group", pages::group(&site, &group_page())),
        ("group-bare", pages::group(&site, &bare_group())),
        ("partners", pages::partners(&site, &partners_page())),
        ("about", pages::about(&site)),
        ("error", pages::error(&site, "Page not found", "There is nothing at this address.")),
    ] {
        let page = page.into_string();
        // To be looked at: with the sheet beside it, a browser shows the page as readers see it.
        std::fs::write(out.join(format!("{name}.html")), &page).unwrap();
        well_made(name, &page);
    }
}

/// Topics to browse are a tree: each stands under what is wider, with all groups of what is under it, and nowhere else.
#[tokio::test]
async fn topics_are_browsed_as_a_tree() {
    let hub = crate::support::TestHub::new("Nottingham Hub", 1).await;
    let group = |name: &str, topics: &[&str]| {
        let json = serde_json::json!({ "name": name, "topics": topics });
        mutuald::record::Group::read(&json.to_string()).unwrap()
    };
    let groups = [group("A", &["epilepsy"]), group("B", &["stroke"]), group("C", &["retirement"])];
    let groups: Vec<_> = groups.into_iter().zip(1..).map(|(group, n)| (Uuid::from_u128(n), group)).collect();
    hub.put(&groups).await;
    let mut db = hub.hub.store.read().await.unwrap();
    let home = mutuald::store::directory::home(&mut db).await.unwrap();
    let page = pages::home(&site(), &home).into_string();
    well_made("home", &page);
    assert!(!page.contains("<script"));
    let start = page.find("id=\"topics\"").unwrap();
    let tree = &page[start..start + page[start..].find("</section>").unwrap()];
    // How many lists deep each topic's link stands, and its number of groups.
    let mut depth = 0;
    let mut seen = Vec::new();
    for piece in tree.split('<') {
        match piece {
            _ if piece.starts_with("ul") => depth += 1,
            _ if piece.starts_with("/ul") => depth -= 1,
            _ => {}
        }
        if let Some(topic) = piece.split_once("?topic=").and_then(|(_, rest)| rest.split('"').next()) {
            seen.push((depth, topic));
        }
    }
    assert_eq!(
        seen,
        [
            (0, "condition"),
            (1, "physical-ill-health"),
            (2, "neurological-conditions"),
            (3, "epilepsy"),
            (3, "stroke"),
            (2, "heart-and-circulation"),
            (3, "stroke"),
            (0, "situation"),
            (1, "ageing"),
            (2, "retirement"),
            (1, "retirement"),
        ]
    );
    assert!(tree.contains("Physical health</a> <span class=\"n\">2<"), "{tree}");
}

/// The settings may give the pages another name than the hub document's.
#[tokio::test]
async fn the_pages_carry_the_name_of_the_settings() {
    use mutuald::node::lifecycle::{Lifecycle, Signal};
    use mutuald::node::{notify::Notifier, run};
    for name in [None, Some("Groups in Essex".to_owned())] {
        let shown = name.clone().unwrap_or_else(|| "Essex Hub".into());
        let hub = crate::support::TestHub::with("Essex Hub", 1, |config| config.hub.name = name).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let (stop, signals) = tokio::sync::mpsc::channel(1);
        let lifecycle = Lifecycle::driven(Notifier::silent(), signals);
        let daemon = tokio::spawn(run::start(hub.hub.clone(), listener, lifecycle, run::Options::default()));
        let page = reqwest::get(&url).await.unwrap().text().await.unwrap();
        assert!(page.contains(&shown), "{shown}: {page}");
        stop.send(Signal::Stop).await.unwrap();
        daemon.await.unwrap().unwrap().into_result().unwrap();
    }
}

/// SIGHUP reaches the pages too, on connections that are open; a file that is not right changes nothing.
#[tokio::test]
async fn the_pages_follow_the_settings_when_they_are_read_again() {
    use mutuald::node::lifecycle::{Lifecycle, Signal};
    use mutuald::node::{notify::Notifier, run};
    let hub = crate::support::TestHub::new("Essex Hub", 1).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hub.toml");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (signal, signals) = tokio::sync::mpsc::channel(1);
    let lifecycle = Lifecycle::driven(Notifier::silent(), signals);
    let options = run::Options { file: Some(file.clone()), notice: None };
    let daemon = tokio::spawn(run::start(hub.hub.clone(), listener, lifecycle, options));
    let client = Client::builder().no_proxy().pool_max_idle_per_host(1).build().unwrap();
    let page = async || client.get(&url).send().await.unwrap().text().await.unwrap();
    assert!(page().await.contains("Essex Hub"));
    let state = hub.hub.config.hub.state.display().to_string();
    for (name, shown) in [
        ("Groups in Essex", "Groups in Essex"),
        ("Groups\nin Kent", "Groups in Essex"),
        ("Groups in Kent", "Groups in Kent"),
    ] {
        let toml = format!(
            "[hub]\nstate = {state:?}\nname = \"{name}\"\n\n[web]\nlisten = \"{}\"\n",
            hub.hub.config.web.listen
        );
        std::fs::write(&file, toml).unwrap();
        signal.send(Signal::Reload).await.unwrap();
        let follows = async {
            while !page().await.contains(shown) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(60), follows).await.expect(shown);
    }
    signal.send(Signal::Stop).await.unwrap();
    daemon.await.unwrap().unwrap().into_result().unwrap();
}

#[test]
fn what_others_wrote_stays_text() {
    let evil = "<script>alert('x')</script>\"><b onclick=x>&amp;";
    let escaped = "&lt;script&gt;alert('x')&lt;/script&gt;&quot;&gt;&lt;b onclick=x&gt;&amp;amp;";
    let site = Site { hub: evil.into(), notice: Some(evil.into()), contact: Some(evil.into()), ..(*site()).clone() };
    let said = vec![Said { hub: evil.into(), list: evil.into(), checked: None }];
    let value =
        |v: &str| vec![Value::Text(v.into()), Value::Web(v.into()), Value::Email(v.into()), Value::Phone(v.into())];
    let mut group = group_page();
    group.name = evil.into();
    group.other_names = vec![evil.into()];
    group.description = Some(evil.into());
    group.safety = Some(evil.into());
    group.topics = vec![(evil.into(), evil.into())];
    group.fields = vec![Field {
        label: evil.into(),
        value: value(evil),
        said: said.clone(),
        others: vec![Other { value: value("javascript:alert(1)"), said }],
        rule: Some(evil.into()),
        disagree: true,
    }];
    let mut search = search_page();
    search.terms = Terms {
        words: evil.into(),
        topic: Some(evil.into()),
        place: Some(evil.into()),
        mode: Some(evil.into()),
        ..search.terms
    };
    search.hits[0].name = evil.into();
    search.hits[0].snippet = Some(evil.into());
    let mut partners = partners_page();
    partners.partners[0].name = evil.into();
    partners.partners[0].reason = Some(evil.into());
    partners.partners[0].address = evil.into();
    for (name, page) in [
        ("group", pages::group(&site, &group)),
        ("search", pages::search(&site, &search)),
        ("partners", pages::partners(&site, &partners)),
        ("about", pages::about(&site)),
    ] {
        let page = page.into_string();
        assert!(page.contains(escaped), "{name} shows the text");
        assert!(!page.contains("<script") && !page.contains("<b onclick"), "{name}");
        assert!(!page.contains("href=\"javascript"), "{name}");
        well_made(name, &page);
    }
}

#[test]
fn a_title_never_says_what_was_searched_for() {
    let mut page = search_page();
    page.terms.words = "leaving somebody".into();
    let html = pages::search(&site(), &page).into_string();
    let title = html.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next()).unwrap();
    assert_eq!(title, "Find a group – Example Hub");
    assert!(html.contains("value=\"leaving somebody\""), "the form keeps the words");
    assert!(html.contains("Leave this page quickly"));
    assert!(pages::group(&site(), &group_page()).into_string().contains("Leave this page quickly"));
}

#[test]
fn each_filter_can_be_taken_off_by_itself() {
    let page = search_page();
    let terms = &page.terms;
    let html = pages::search(&site(), &page).into_string();
    for (label, without) in [
        ("Topic: Anxiety and panic", Terms { topic: None, page: 1, ..terms.clone() }),
        ("Place: Nottingham", Terms { place: None, page: 1, ..terms.clone() }),
        ("How it meets: In person", Terms { mode: None, page: 1, ..terms.clone() }),
    ] {
        let address = query::address(&without).replace('&', "&amp;");
        let link = format!("<a href=\"{address}\"><span class=\"aloud\">Remove filter </span>{label}");
        assert!(html.contains(&link), "{link}\n{html}");
    }
    assert!(html.contains("<div role=\"status\"><h2 class=\"count\">21–24 of 24 groups</h2></div>"), "{html}");
    assert!(html.contains("rel=\"prev\"") && !html.contains("rel=\"next\""), "the last page has no next");
    let none = SearchPage { hits: Vec::new(), total: 0, pages: 1, ..page };
    let html = pages::search(&site(), &none).into_string();
    for offer in
        ["No groups found", "Anxiety and panic, anywhere", "Try other words", "Search in a wider area", "/about#start"]
    {
        assert!(html.contains(offer), "{offer}");
    }
}

#[test]
fn a_group_page_says_who_said_what_and_when_it_was_checked() {
    let html = pages::group(&site(), &group_page()).into_string();
    for words in [
        "Checked with the group in <time datetime=\"2026-03-14\">March 2026</time> by Example Hub",
        "Two hubs disagree.",
        "Instead, Derbyshire Hub says:",
        "Why it is shown like this: ",
        "<caption>Two rows of lists name this group</caption>",
        "<th scope=\"row\">Derbyshire Hub</th>",
        "mailto:hello@calm.example",
    ] {
        assert!(html.contains(words), "{words}");
    }
    let closed = pages::group(&site(), &bare_group()).into_string();
    for words in ["<strong>Closed</strong> since", "Not checked yet. Details may be out of date"] {
        assert!(closed.contains(words), "{words}");
    }
}

/// What every page must keep: tags close, ids are unique and what is referred to exists, headings step down one at a time,
/// every field has a label, and there is nothing that a policy without scripts and inline styles would stop.
fn well_made(name: &str, page: &str) {
    let void = ["meta", "link", "input", "br"];
    let (mut open, mut ids, mut refers, mut level, mut rest) = (Vec::new(), Vec::new(), Vec::new(), 0, page);
    assert!(page.starts_with("<!DOCTYPE html><html lang=\"en-GB\">"), "{name}");
    while let Some(at) = rest.find('<') {
        let end = rest[at..].find('>').map(|end| at + end).unwrap_or_else(|| panic!("{name}: a tag without end"));
        let tag = &rest[at + 1..end];
        rest = &rest[end + 1..];
        if let Some(closed) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed), "{name}: </{closed}>");
            continue;
        }
        let element = tag.split(' ').next().unwrap();
        assert!(!matches!(element, "script" | "style" | "img" | "iframe"), "{name}: <{tag}>");
        if let Some(heading) = element.strip_prefix('h').and_then(|digit| digit.parse::<u8>().ok()) {
            assert!(heading <= level + 1 && (heading > 1 || level == 0), "{name}: h{heading} after h{level}");
            level = heading;
        }
        let mut attributes = tag;
        while let Some((before, after)) = attributes.split_once("=\"") {
            let key = before.rsplit(' ').next().unwrap();
            let (value, after) = after.split_once('"').unwrap_or_else(|| panic!("{name}: <{tag}>"));
            attributes = after;
            assert!(key != "style" && !key.starts_with("on") && key != "src", "{name}: <{tag}>");
            match key {
                "id" => ids.push(value),
                "aria-labelledby" | "for" | "list" => refers.push(value),
                "href" if value.starts_with('#') => refers.push(&value[1..]),
                _ => {}
            }
        }
        let block =
            matches!(element, "p" | "div" | "ul" | "ol" | "dl" | "table" | "section" | "h1" | "h2" | "h3" | "details");
        assert!(!(block && open.contains(&"p")), "{name}: <{element}> in a paragraph ends it");
        if !void.contains(&element) && element != "!DOCTYPE" {
            open.push(element);
        }
    }
    assert!(open.is_empty(), "{name}: {open:?} stay open");
    assert_eq!(page.matches("<h1").count(), 1, "{name}: one h1");
    assert_eq!(
        page.matches("<input").count() + page.matches("<select").count(),
        page.matches("<label").count(),
        "{name}"
    );
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "{name}: an id twice");
    for id in refers {
        assert!(ids.contains(&id), "{name}: nothing is called {id}");
    }
    for landmark in ["<main ", "<header ", "<footer", "<nav ", "class=\"skip\" href=\"#main\""] {
        assert!(page.contains(landmark), "{name}: {landmark}");
    }
}

/// `python3 -m http.server` on a folder, ended with the test.
struct PlainHost {
    process: Child,
    port: u16,
}

impl PlainHost {
    fn start(folder: &Path) -> PlainHost {
        let mut process = Command::new("python3")
            .args(["-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory"])
            .arg(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("python3 is installed");
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        // "Serving HTTP on 127.0.0.1 port 40123 (http://127.0.0.1:40123/) ..."
        let port = line.split_whitespace().skip_while(|word| *word != "port").nth(1);
        PlainHost { port: port.and_then(|port| port.parse().ok()).unwrap_or_else(|| panic!("{line}")), process }
    }
}

impl Drop for PlainHost {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn id(n: u128) -> Uuid {
    Uuid::from_u128(0x3a9a_fa8c_9841_4d2f_9e7a_e061_aed1_0000 + n)
}

fn checked(by: &str, with_group: bool) -> Checked {
    let how = if with_group { "By phone" } else { "From its website" };
    Checked { date: date(2026, 3, 14), by: by.into(), with_group, how: how.into() }
}

fn choices(all: &[(&str, &str, u64)]) -> Vec<Choice> {
    all.iter()
        .map(|(value, label, count)| Choice { value: (*value).into(), label: (*label).into(), count: *count })
        .collect()
}

fn topics() -> Vec<Choice> {
    choices(&[
        ("anxiety", "Anxiety and panic", 24),
        ("bereavement", "Bereavement", 31),
        ("carers", "Carers", 27),
        ("chronic-pain", "Chronic pain", 12),
        ("depression", "Depression", 22),
        ("diabetes", "Diabetes", 9),
        ("eating", "Eating and body image", 7),
        ("gambling", "Gambling", 6),
        ("hearing-voices", "Hearing voices", 5),
        ("parents", "Parents of disabled children and young people", 18),
    ])
}

/// The first as the top, the second under it, and so on in threes.
fn tree(choices: Vec<Choice>) -> Vec<Topic> {
    let leaf = |choice: Choice| Topic { choice, narrower: Vec::new() };
    let mut choices = choices.into_iter();
    let mut tops = Vec::new();
    while let Some(choice) = choices.next() {
        let mut under = choices.by_ref().take(2).map(leaf);
        let mut top = leaf(choice);
        top.narrower.extend(under.next());
        if let (Some(first), Some(last)) = (top.narrower.first_mut(), under.next()) {
            first.narrower.push(last);
        }
        tops.push(top);
    }
    tops
}

fn places() -> Vec<Choice> {
    choices(&[("Nottingham", "Nottingham", 83), ("Mansfield", "Mansfield", 22), ("Chelmsford", "Chelmsford", 11)])
}

fn modes() -> Vec<Choice> {
    choices(&[("in-person", "In person", 140), ("online-meeting", "Online meeting", 38), ("telephone", "Telephone", 9)])
}

fn home_page() -> HomePage {
    let counts = Counts { groups: 226, closed: 14, records: 262, hubs: 4, disagreements: 6 };
    HomePage { topics: tree(topics()), places: places(), modes: modes(), counts }
}

fn hit(n: u128, name: &str) -> Hit {
    Hit {
        id: id(n),
        name: name.into(),
        place: Some("Sherwood Community Centre, Nottingham".into()),
        topics: vec!["Anxiety and panic".into(), "Depression".into()],
        modes: vec!["In person".into()],
        checked: Some(checked("Example Hub", true)),
        standing: None,
        hubs: 2,
        disagree: false,
        snippet: Some(
            "We meet to talk about living with anxiety, over tea. Nobody has to speak, and you can come late.".into(),
        ),
        distance: None,
    }
}

fn search_page() -> SearchPage {
    let closed = Standing {
        label: "Closed".into(),
        closed: true,
        since: Some(date(2025, 11, 2)),
        until: None,
        reason: Some("The organisers retired.".into()),
    };
    let looking =
        Standing { label: "Looking for a coordinator".into(), closed: false, since: None, until: None, reason: None };
    SearchPage {
        terms: Terms {
            words: "anxiety".into(),
            topic: Some("anxiety".into()),
            place: Some("Nottingham".into()),
            mode: Some("in-person".into()),
            sort: Sort::Match,
            page: 2,
        },
        near: Some(Near { postcode: "NG1 7DP".into(), miles: 10, precision: "unit: this postcode's own place" }),
        topics: Filter { choices: topics() },
        places: Filter { choices: places() },
        modes: Filter { choices: modes() },
        hits: vec![
            hit(1, "Calm Together Nottingham"),
            Hit { disagree: true, hubs: 3, standing: Some(looking), ..hit(2, "Sherwood Anxiety Self-Help Group") },
            Hit {
                checked: None,
                hubs: 1,
                snippet: None,
                place: None,
                modes: vec!["Online meeting".into()],
                ..hit(3, "Night Owls")
            },
            Hit { standing: Some(closed), checked: Some(checked("Derbyshire Hub", false)), ..hit(4, "Worry Circle") },
        ],
        total: 24,
        per_page: 20,
        pages: 2,
        offers: vec![Offer {
            label: "Anxiety and panic, anywhere".into(),
            terms: Terms { topic: Some("anxiety".into()), page: 1, ..Terms::default() },
            count: 24,
        }],
    }
}

fn said(hub: &str, list: &str, with_group: bool) -> Said {
    Said { hub: hub.into(), list: list.into(), checked: with_group.then(|| checked(hub, true)) }
}

fn field(label: &str, value: Vec<Value>) -> Field {
    let said = vec![
        said("Example Hub", "What we know ourselves", true),
        said("Derbyshire Hub", "Groups of the county", false),
    ];
    Field { label: label.into(), value, said, others: Vec::new(), rule: None, disagree: false }
}

fn text(value: &str) -> Vec<Value> {
    vec![Value::Text(value.into())]
}

fn group_page() -> GroupPage {
    let contact = vec![
        Value::Web("https://calm-together.example/nottingham".into()),
        Value::Email("hello@calm.example".into()),
        Value::Phone("0115 496 0123".into()),
    ];
    let derbyshire = vec![said("Derbyshire Hub", "Groups of the county", false)];
    let mut when = field("When", text("Second Tuesday of the month, 7 pm to 9 pm"));
    when.said.pop();
    when.others = vec![Other { value: text("First Monday of the month, 7 pm"), said: derbyshire.clone() }];
    when.rule = Some("Example Hub checked it later (14 March 2026).".into());
    when.disagree = true;
    let mut cost = field("Cost", text("£2 towards the room"));
    cost.said.pop();
    cost.others = vec![Other { value: text("Free"), said: derbyshire }];
    cost.rule = Some("Example Hub decided so on 2 April 2026.".into());
    GroupPage {
        id: id(1),
        name: "Calm Together Nottingham".into(),
        other_names: vec!["CTN".into(), "Nottingham Anxiety Group".into()],
        topics: vec![("Anxiety and panic".into(), "anxiety".into()), ("Depression".into(), "depression".into())],
        standing: Some(Standing {
            label: "On a break".into(),
            closed: false,
            since: None,
            until: Some(date(2026, 9, 8)),
            reason: Some("The room is being repaired.".into()),
        }),
        checked: Some(checked("Example Hub", true)),
        safety: Some("Please do not pass the address of this group on.".into()),
        description: Some(
            "We are people who live with anxiety and meet to talk about it, over tea.\nNobody has to speak, and you can come late.".into(),
        ),
        contact: Some(field("Contact", contact)),
        fields: vec![
            when,
            field("Where", text("Sherwood Community Centre\n29 Mansfield Road\nNottingham NG5 2FH")),
            field("How it meets", text("In person")),
            field("Who comes", vec![Value::Text("People affected".into()), Value::Text("Carers and family".into())]),
            cost,
            field("Access", text("Level entrance, hearing loop, accessible toilet")),
            field("Newcomers", text("Welcome at any time")),
        ],
        position: Some((52.979_5, -1.150_2)),
        postcode: Some("NG5 2FH".into()),
        about: None,
        members: vec![
            Member {
                hub: "Example Hub".into(),
                list: "What we know ourselves".into(),
                record: id(1),
                checked: Some(checked("Example Hub", true)),
                copy: false,
            },
            Member { hub: "Derbyshire Hub".into(), list: "Groups of the county".into(), record: id(9), checked: None, copy: false },
        ],
        seen: vec![Seen { by: "Leaflet in the library".into(), via: vec!["Derbyshire Hub".into()] }],
        decisions: vec![Decision {
            text: "The two rows are the same group.".into(),
            by: "Example Hub".into(),
            date: date(2026, 4, 2),
        }],
    }
}

fn bare_group() -> GroupPage {
    let whole = group_page();
    GroupPage {
        other_names: Vec::new(),
        standing: Some(Standing {
            label: "Closed".into(),
            closed: true,
            since: Some(date(2025, 11, 2)),
            until: None,
            reason: Some("The organisers retired.".into()),
        }),
        checked: None,
        safety: None,
        description: None,
        contact: None,
        fields: vec![Field { said: Vec::new(), ..field("Where", text("Nottingham")) }],
        position: None,
        members: whole.members.into_iter().skip(1).collect(),
        seen: Vec::new(),
        decisions: Vec::new(),
        ..group_page()
    }
}

fn partners_page() -> PartnersPage {
    let now: Timestamp = "2026-11-22T14:05:00Z".parse().unwrap();
    let ago = |minutes: i64| Some(Timestamp::from_second(now.as_second() - minutes * 60).unwrap());
    let row = |name: &str, n: u8, state: PartnerState| PartnerRow {
        name: name.into(),
        hub: format!("h-{}", ["abcdefgh", "ijklmnop", "qrstuvwx", "yzabcdef"][n as usize].repeat(4)),
        address: format!("https://groups.hub{n}.example/"),
        state,
        last_try: ago(12),
        last_success: ago(12),
        last_change: ago(3 * 1440),
        records: 202,
        lag: 0,
        failures: 0,
        next_try: ago(-18),
        reason: None,
        remedy: None,
        stale: false,
        copies: Vec::new(),
    };
    let failing = PartnerRow {
        last_success: ago(5 * 1440),
        failures: 11,
        stale: true,
        reason: Some("Its certificate ran out on 17 November 2026.".into()),
        remedy: Some("Tell Derbyshire Hub. Nothing is lost: what was taken before stays in use.".into()),
        ..row("Derbyshire Hub", 1, PartnerState::Failing)
    };
    let waiting = PartnerRow {
        lag: 1204,
        reason: Some("It closes 31 of 84 groups at once.".into()),
        remedy: Some("Ask whether that is meant, then run: mutuald partner accept essex".into()),
        ..row("Essex Groups", 2, PartnerState::Waiting)
    };
    let new = PartnerRow {
        last_try: None,
        last_success: None,
        last_change: None,
        records: 0,
        ..row("Leicester", 3, PartnerState::New)
    };
    PartnersPage {
        now: now.to_zoned(TimeZone::get("Europe/London").unwrap()),
        name: "Example Hub".into(),
        hub: "h-mfrggzdfmztwq2lknnwg23tpobyxe43u".into(),
        fingerprint: "mfrg gzdf mztw q2lk nnwg 23tp obyx e43u".into(),
        feed_size: 1312,
        published: true,
        partners: vec![row("Nottingham Hub", 0, PartnerState::UpToDate), failing, waiting, new],
        counts: home_page().counts,
        digest: "9f2c4be1".repeat(8),
    }
}
