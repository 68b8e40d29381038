//! A partner hub that is not to be trusted: it signs and serves a feed of its own making, and misbehaves where told to.

use mutuald::feed::hub::HubDocument;
use mutuald::feed::note::ED25519;
use mutuald::feed::tile::{self, WIDTH};
use mutuald::feed::{Checkpoint, Hash, LogKeys, SigningKey, merkle};
use mutuald::record::statement::{Body, HubId, Kind, Statement};
use mutuald::record::{Group, part};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use uuid::Uuid;

/// A GET as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    pub path: String,
    /// By lower-case name.
    pub headers: BTreeMap<String, String>,
}

impl Asked {
    /// Where a Range begins.
    pub fn from(&self) -> Option<usize> {
        self.headers.get("range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}

/// How a body ends.
#[derive(Debug, Clone, PartialEq)]
pub enum End {
    /// With the connection, as it should.
    Proper,
    /// Never: not one byte more.
    Stall,
    /// Never: its bytes again and again, as fast as they are taken.
    Again,
    /// Never: one byte again and again, each before anybody's patience ends.
    Drip,
}

/// What is sent. Headers are sent as they stand here; a Content-Length that lies is the test's to write.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub end: End,
}

impl Reply {
    pub fn of(status: u16, body: impl Into<Vec<u8>>) -> Reply {
        Reply { status, headers: Vec::new(), body: body.into(), end: End::Proper }
    }

    pub fn whole(body: impl Into<Vec<u8>>) -> Reply {
        Reply::of(200, body)
    }

    pub fn header(mut self, name: &str, value: impl ToString) -> Reply {
        self.headers.push((name.into(), value.to_string()));
        self
    }

    pub fn without(mut self, name: &str) -> Reply {
        self.headers.retain(|(header, _)| !header.eq_ignore_ascii_case(name));
        self
    }

    pub fn end(mut self, end: End) -> Reply {
        self.end = end;
        self
    }

    /// The body changed, with nothing else.
    pub fn map(mut self, change: impl FnOnce(&mut Vec<u8>)) -> Reply {
        change(&mut self.body);
        self
    }
}

/// Changes what an honest server would have sent.
pub type Fault = Arc<dyn Fn(&Asked, Reply) -> Reply + Send + Sync>;

#[derive(Default)]
struct Served {
    files: BTreeMap<String, Vec<u8>>,
    faults: Vec<(String, Fault)>,
    asked: Vec<Asked>,
}

/// The feed's leaves and lines are in the test's hands; nothing is checked before it is signed and served.
pub struct TestPeer {
    pub keys: LogKeys,
    pub root: SigningKey,
    pub document: String,
    pub id: HubId,
    /// Leaves in log order; an empty one was removed, and `hashes` keeps what it hashed to.
    pub leaves: Vec<Vec<u8>>,
    pub hashes: Vec<Hash>,
    /// A line for each leaf; empty for none.
    pub lines: Vec<String>,
    /// Time that statements and checkpoints carry, in seconds since 1970.
    pub now: i64,
    /// With a slash at the end.
    pub url: String,
    served: Arc<Mutex<Served>>,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for TestPeer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// The key files and origin that a seed stands for.
pub fn origin(seed: u8) -> String {
    format!("peer-{seed}.example/1")
}

impl TestPeer {
    /// An empty hub. `seed` decides its keys, and so its id.
    pub async fn new(seed: u8) -> TestPeer {
        TestPeer::with(seed, |_| {}).await
    }

    /// One whose hub document says something else.
    pub async fn with(seed: u8, change: impl FnOnce(&mut HubDocument)) -> TestPeer {
        let secrets = ([seed; 32], [seed.wrapping_add(1); 32]);
        TestPeer::made(&seed.to_string(), secrets, change).await
    }

    /// One of more hubs than there are seeds of one byte.
    pub async fn nth(n: u16) -> TestPeer {
        let mut secrets = ([0xa5; 32], [0x5a; 32]);
        secrets.0[..2].copy_from_slice(&n.to_be_bytes());
        secrets.1[..2].copy_from_slice(&n.to_be_bytes());
        TestPeer::made(&format!("nth-{n}"), secrets, |_| {}).await
    }

    async fn made(seed: &str, secrets: ([u8; 32], [u8; 32]), change: impl FnOnce(&mut HubDocument)) -> TestPeer {
        let keys = LogKeys::from_seed(&format!("peer-{seed}.example/1"), &secrets.0);
        let root = SigningKey::new(&format!("peer-{seed}-root"), ED25519, &secrets.1);
        let expires = "2031-01-01".parse().unwrap();
        let mut hub = HubDocument::first(&format!("Peer {seed}"), "CC-BY-4.0", &root, &keys, "../v1/1/", expires);
        change(&mut hub);
        let document = hub.sign(&[&root]);
        let id = mutuald::feed::hub::id_of(&hub.text());
        let served = Arc::new(Mutex::new(Served::default()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let state = served.clone();
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, state.clone()));
            }
        });
        let now = super::hub::NOW.parse::<jiff::Timestamp>().unwrap().as_second();
        let mut peer = TestPeer {
            keys,
            root,
            document,
            id,
            leaves: vec![],
            hashes: vec![],
            lines: vec![],
            now,
            url,
            served,
            server,
        };
        peer.publish();
        peer
    }

    /// Serves the same over TLS too, with this certificate. Returns the address.
    pub async fn tls(&self, config: tokio_rustls::rustls::ServerConfig) -> String {
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
        let state = self.served.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if let Ok(stream) = acceptor.accept(stream).await {
                    tokio::spawn(answer(stream, state.clone()));
                }
            }
        });
        url
    }

    // ---- What it says ----

    /// Appends bytes as a leaf, with a line.
    pub fn push(&mut self, leaf: impl Into<Vec<u8>>, line: &str) -> usize {
        let leaf = leaf.into();
        self.hashes.push(merkle::leaf_hash(&leaf));
        self.leaves.push(leaf);
        self.lines.push(line.to_owned());
        self.leaves.len() - 1
    }

    /// Appends a text that the log's key signs, whatever it says.
    pub fn sign(&mut self, text: &str, line: &str) -> usize {
        self.push(self.keys.log.note(text), line)
    }

    /// Appends a record's statement.
    pub fn say(&mut self, n: u128, rev: u64, body: Body) -> usize {
        let statement = self.statement(n, rev, body, "");
        self.sign(&statement.text().unwrap(), "")
    }

    /// Appends a group with this name. It shares no link key with any other.
    pub fn put(&mut self, n: u128, rev: u64, name: &str) -> usize {
        let line = self.line(n, rev, name);
        let statement = self.statement(n, rev, Body::Put(Kind::Record), &line);
        self.sign(&statement.text().unwrap(), &line)
    }

    /// The line of [`TestPeer::put`].
    pub fn line(&self, n: u128, rev: u64, name: &str) -> String {
        let group = serde_json::json!({"name": name, "place": {"locality": "Southend"}, "topics": ["epilepsy"]});
        let mut salt = [0; 16];
        salt[..8].copy_from_slice(&(n as u64).to_be_bytes());
        salt[8..].copy_from_slice(&rev.to_be_bytes());
        part::line(salt, &Group::read(&group.to_string()).unwrap().json())
    }

    /// A statement as [`TestPeer::say`] signs it.
    pub fn statement(&self, n: u128, rev: u64, body: Body, line: &str) -> Statement {
        let at = jiff::Timestamp::from_second(self.now).unwrap();
        let digests = (!line.is_empty()).then(|| (part::PUBLIC.to_owned(), part::digest(line.as_bytes())));
        Statement { id: Uuid::from_u128(n), rev, at, parts: digests.into_iter().collect(), replaces: None, body }
    }

    /// Removes a leaf's bytes; its hash stays in the tree.
    pub fn remove(&mut self, index: usize) {
        self.leaves[index].clear();
    }

    /// The tree's root at a size.
    pub fn root_at(&self, size: usize) -> Hash {
        merkle::root(self.hashes[..size].iter().copied())
    }

    /// A checkpoint of any size, root and time, signed.
    pub fn checkpoint(&self, size: u64, root: Hash, time: i64) -> Vec<u8> {
        Checkpoint { size, root, time: time as u64 }.sign(&self.keys).into_bytes()
    }

    /// Puts the files for all leaves in place. Files of earlier sizes stay, as on any static host.
    pub fn publish(&mut self) {
        self.publish_at(self.leaves.len());
    }

    /// Puts the files for the first `size` leaves in place.
    pub fn publish_at(&mut self, size: usize) {
        let mut files = self.files(size);
        files.insert("/v1/1/checkpoint".into(), self.checkpoint(size as u64, self.root_at(size), self.now));
        self.served.lock().unwrap().files.append(&mut files);
    }

    fn files(&self, size: usize) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::from([("/.well-known/groups-hub".to_owned(), self.document.clone().into_bytes())]);
        let mut put = |path: String, bytes: Vec<u8>| files.insert(format!("/v1/1/{path}"), bytes);
        let (leaves, lines, hashes) = (&self.leaves[..size], &self.lines[..size], &self.hashes[..size]);
        let of = |n: usize| (n as u64, tile::width(n as u64, size as u64));
        for (n, bundle) in leaves.chunks(WIDTH as usize).enumerate() {
            let mut bytes = Vec::new();
            bundle.iter().for_each(|leaf| tile::append_entry(&mut bytes, leaf));
            put(tile::entries(of(n).0, of(n).1), bytes);
        }
        for (n, bundle) in lines.chunks(WIDTH as usize).enumerate() {
            let text: String = bundle.iter().map(|line| format!("{line}\n")).collect();
            put(tile::parts(part::PUBLIC, of(n).0, of(n).1), text.into_bytes());
        }
        let mut roots: Vec<Hash> = Vec::new();
        for (n, bundle) in hashes.chunks(WIDTH as usize).enumerate() {
            put(tile::tile(0, of(n).0, of(n).1), bundle.concat());
            roots.extend((bundle.len() as u64 == WIDTH).then(|| merkle::root(bundle.iter().copied())));
        }
        for (n, bundle) in roots.chunks(WIDTH as usize).enumerate() {
            put(tile::tile(1, n as u64, bundle.len() as u64), bundle.concat());
        }
        files
    }

    // ---- What it serves ----

    /// From now on, answers to paths that end so are changed.
    pub fn fault(&self, path: &str, fault: impl Fn(&Asked, Reply) -> Reply + Send + Sync + 'static) {
        self.served.lock().unwrap().faults.push((path.to_owned(), Arc::new(fault)));
    }

    /// From now on it serves as it should.
    pub fn well(&self) {
        self.served.lock().unwrap().faults.clear();
    }

    /// Serves a file, whatever it is.
    pub fn place(&self, path: &str, bytes: impl Into<Vec<u8>>) {
        self.served.lock().unwrap().files.insert(path.to_owned(), bytes.into());
    }

    /// A file as it lies there.
    pub fn file(&self, path: &str) -> Vec<u8> {
        self.served.lock().unwrap().files.get(&format!("/v1/1/{path}")).cloned().unwrap_or_default()
    }

    /// What was asked since the last look, and forgets it.
    pub fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.served.lock().unwrap().asked)
    }

    /// Paths asked since the last look.
    pub fn paths(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.path).collect()
    }
}

/// A key that signs under this name and is not the log's.
pub fn as_log_key(origin: &str, secret: u8) -> SigningKey {
    SigningKey::new(origin, ED25519, &[secret; 32])
}

/// What a static host would send.
fn honest(served: &Served, asked: &Asked) -> Reply {
    let Some(file) = served.files.get(&asked.path) else { return Reply::of(404, "").header("content-length", 0) };
    let etag = format!("\"{}\"", part::digest(file));
    if asked.headers.get("if-none-match") == Some(&etag) {
        return Reply::of(304, "").header("etag", etag);
    }
    let from = asked.from().filter(|from| *from < file.len());
    let body = &file[from.unwrap_or(0)..];
    let reply = Reply::of(if from.is_some() { 206 } else { 200 }, body)
        .header("etag", etag)
        .header("content-length", body.len());
    match from {
        Some(from) => reply.header("content-range", format!("bytes {from}-{}/{}", file.len() - 1, file.len())),
        None => reply,
    }
}

async fn answer<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, served: Arc<Mutex<Served>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut lines = head.lines();
    let path = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().to_owned();
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let asked = Asked { path, headers };
    let reply = {
        let mut served = served.lock().unwrap();
        served.asked.push(asked.clone());
        let faults: Vec<Fault> = served
            .faults
            .iter()
            .filter(|(path, _)| asked.path.ends_with(path.as_str()))
            .map(|(_, fault)| fault.clone())
            .collect();
        faults.iter().fold(honest(&served, &asked), |reply, fault| fault(&asked, reply))
    };
    let mut out = format!("HTTP/1.1 {} x\r\nconnection: close\r\n", reply.status);
    reply.headers.iter().for_each(|(name, value)| out.push_str(&format!("{name}: {value}\r\n")));
    out.push_str("\r\n");
    // Whoever asked may be gone at any point; that is theirs to do.
    let _ = stream.write_all(out.as_bytes()).await;
    let _ = stream.write_all(&reply.body).await;
    let _ = stream.flush().await;
    match reply.end {
        End::Proper => {}
        End::Stall => std::future::pending().await,
        End::Again => while stream.write_all(&reply.body).await.is_ok() {},
        End::Drip => {
            let mut beat = tokio::time::interval(std::time::Duration::from_millis(50));
            while stream.write_all(b"x").await.is_ok() {
                beat.tick().await;
            }
        }
    }
    let _ = stream.shutdown().await;
}

/// Every single-bit change of these bytes.
pub fn flips(bytes: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> {
    (0..bytes.len() * 8).map(|bit| {
        let mut flipped = bytes.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        (bit, flipped)
    })
}
