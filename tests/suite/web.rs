//! What a hub serves over HTTP: feed files that any client reads rightly, and pages that are safe, private and whole.

mod sample;
mod settings;
mod written;

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
use sample::search_page;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use written::well_made;

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

/// F11: clients that take every place there is, and then neither finish asking nor read what they asked for, keep nobody out:
/// whoever was quiet for longest gives way.
#[tokio::test]
async fn f11_those_who_stall_give_way() {
    const PLACES: usize = 8;
    // More than any socket's buffers hold, so that whoever does not read keeps it waiting.
    static LARGE: [u8; 16 << 20] = [b'x'; 16 << 20];
    let routes = Router::new()
        .route("/large", get(async || axum::body::Bytes::from_static(&LARGE)))
        .route("/small", get(async || "here"));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
    let crowd = web::Crowd { places: PLACES, give_way: Duration::from_secs(1) };
    let serving = tokio::spawn(web::serve_crowd(listener, routes, stop.clone(), crowd));
    let mut stalled = Vec::new();
    for nth in 0..PLACES + PLACES / 2 {
        let mut client = TcpStream::connect(address).await.unwrap();
        let ask = match nth % 3 {
            0 => "GET /large HTTP/1.1\r\nhost: here\r\n\r\n",
            1 => "GET /small HTTP/1.1\r\nhost: he",
            _ => "",
        };
        client.write_all(ask.as_bytes()).await.unwrap();
        stalled.push(client);
    }
    // Ten minutes is what a connection may last, half a minute a head that does not come: well before, everybody is served.
    let client = Client::builder().pool_max_idle_per_host(0).build().unwrap();
    let many = async {
        let mut asked = tokio::task::JoinSet::new();
        (0..40).for_each(|_| drop(asked.spawn(client.get(format!("http://{address}/small")).send())));
        for answer in asked.join_all().await {
            assert_eq!(answer.unwrap().text().await.unwrap(), "here");
        }
    };
    tokio::time::timeout(Duration::from_secs(25), many).await.expect("nobody waits for those who stall");
    drop(stalled);
    stop.cancel();
    serving.await.unwrap();
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

/// A name with marks that turn the direction of writing turns nothing on any page, and stands apart from what is around it.
#[tokio::test]
async fn what_a_partner_calls_itself_turns_no_page() {
    let name = "Kent \u{202e}buH\u{2067} (all is well)";
    let mut partners = sample::partners_page();
    partners.partners[0].name = name.to_owned();
    let mut group = sample::group_page();
    group.name = name.to_owned();
    group.members[0].hub = name.to_owned();
    group.seen.iter_mut().for_each(|seen| seen.by = name.to_owned());
    for page in [pages::partners(&site(), &partners), pages::group(&site(), &group)] {
        let sent = respond::page(StatusCode::OK, page, Keep::Asking);
        let bytes = axum::body::to_bytes(sent.into_body(), 1 << 20).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let turns =
            text.chars().filter(|c| ('\u{202a}'..='\u{202e}').contains(c) || ('\u{2066}'..='\u{2069}').contains(c));
        assert_eq!(turns.count(), 0, "{text}");
        assert!(text.contains("Kent buH (all is well)"), "{text}");
    }
    let shown = pages::partners(&site(), &partners).into_string();
    assert!(shown.contains(&format!("<bdi>{name}</bdi>")), "{shown}");
}
