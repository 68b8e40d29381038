//! A real hub in a temporary folder: its own database, keys and feed files, served over loopback.

use mutuald::clock::Clock;
use mutuald::config::{Config, Publish};
use mutuald::feed::{SigningKey, hub as hub_document};
use mutuald::node::author::Draft;
use mutuald::node::init::{self, Answers};
use mutuald::node::rollover::{self, Adopted, Change, Later};
use mutuald::node::sync::Outcome;
use mutuald::node::{Chance, Hub, Said, keys};
use mutuald::record::Group;
use mutuald::record::statement::{Body, Kind};
use mutuald::store;
use mutuald::web::relay;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// The day all scenarios begin.
pub const NOW: &str = "2026-11-22T09:00:00Z";

pub struct TestHub {
    pub hub: Hub,
    pub clock: Clock,
    /// Where it lives; gone when the hub is dropped.
    _folder: tempfile::TempDir,
    /// Where its feed is served, with a slash at the end.
    pub url: String,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for TestHub {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl TestHub {
    /// A new hub; `seed` decides its keys and ids.
    pub async fn new(name: &str, seed: u64) -> TestHub {
        TestHub::with(name, seed, |_| {}).await
    }

    /// A new hub that is configured otherwise.
    pub async fn with(name: &str, seed: u64, change: impl FnOnce(&mut Config)) -> TestHub {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::fixed(NOW.parse().unwrap());
        let mut config = Config::default();
        config.hub.state = folder.path().join("state");
        config.publish = Some(Publish::default());
        config.pull.allow_private_addresses = true;
        change(&mut config);
        let answers = Answers {
            name: name.into(),
            address: format!("{}.example", name.to_lowercase().replace(' ', "-")),
            contact: "hub@example.org".into(),
            licence: "CC-BY-4.0".into(),
            areas: vec![],
        };
        init::init(&config, &answers, &clock, &Chance::seeded(seed)).await.unwrap();
        let hub = TestHub::serving(folder, config, clock, seed + 1_000).await;
        hub.hub.refresh().await.unwrap();
        hub.hub.publish().await.unwrap();
        hub
    }

    /// Opens the hub whose state lies in a folder, and serves its feed at an address of its own.
    pub async fn serving(folder: tempfile::TempDir, config: Config, clock: Clock, seed: u64) -> TestHub {
        let hub = Hub::open(config, clock.clone(), Chance::seeded(seed)).await.unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let files = hub.config.feed();
        let relay = relay::routes(hub.store.clone(), files.clone(), relay::Relayed::All);
        let server = tokio::spawn(async move {
            let router = relay.fallback(move |uri: axum::http::Uri| serve(files.clone(), uri));
            axum::serve(listener, router).await.unwrap();
        });
        TestHub { hub, clock, _folder: folder, url, server }
    }

    /// The same hub once more: its keys, its database as it is now, and its files, elsewhere. A backup, or a copied machine.
    pub async fn copy(&self, seed: u64) -> TestHub {
        self.hub.store.checkpoint().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut config = (*self.hub.config).clone();
        config.hub.state = folder.path().join("state");
        copy(&self.hub.config.hub.state, &config.hub.state);
        let clock = Clock::fixed(self.clock.now());
        TestHub::serving(folder, config, clock, seed).await
    }

    /// Signs a change of the hub document with the root key that lies in the hub's own folder.
    pub async fn signed(&self, change: &Change) -> String {
        let plan = self.hub.plan_document(change, true).await.unwrap();
        rollover::add_signature(&plan.text, &self.root()).unwrap()
    }

    /// The root key that the hub was made with.
    pub fn root(&self) -> SigningKey {
        let document = hub_document::open(&std::fs::read(self.hub.config.feed().join("hub/1")).unwrap(), None).unwrap();
        keys::root(&self.hub.config.keys(), document.root_keys()[0].name()).unwrap()
    }

    /// Changes the hub document, signed by its root key.
    pub async fn change(&self, change: Change, later: Option<Later>) -> Adopted {
        let signed = self.signed(&change).await;
        self.hub.adopt_document(signed.as_bytes(), later).await.unwrap()
    }

    /// Begins a new log with a new key.
    pub async fn rotate(&self) -> Adopted {
        self.change(Change::Log { keep: None }, None).await
    }

    /// How many entries the checkpoint in the feed folder signs, of the log in use.
    pub fn published(&self) -> u64 {
        let mut logs: Vec<PathBuf> =
            std::fs::read_dir(self.hub.config.feed().join("v1")).unwrap().map(|entry| entry.unwrap().path()).collect();
        logs.sort();
        let note = std::fs::read_to_string(logs.last().unwrap().join("checkpoint")).unwrap();
        note.lines().nth(1).unwrap().parse().unwrap()
    }

    /// Its server does not answer from now on.
    pub fn goes_down(&self) {
        self.server.abort();
    }

    /// A partner is found at another address from now on, as a person may say.
    pub async fn finds(&self, other: &TestHub, url: &str) {
        let mut db = self.hub.store.write().await.unwrap();
        let mut row = self.hub.partner(&other.hub.id.to_string()).await.unwrap();
        (row.url, row.etag, row.document_seen) = (url.to_owned(), None, 0);
        store::partner::save(&mut db, &row).await.unwrap();
        db.commit().await.unwrap();
    }

    /// Whether these bytes stand anywhere in the hub's state folder.
    pub async fn holds(&self, bytes: &[u8]) -> Vec<PathBuf> {
        self.hub.store.checkpoint().await.unwrap();
        let mut found = Vec::new();
        let mut folders = vec![self.hub.config.hub.state.clone()];
        while let Some(next) = folders.pop() {
            for entry in std::fs::read_dir(next).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if std::fs::read(&path).unwrap().windows(bytes.len()).any(|window| window == bytes) {
                    found.push(path);
                }
            }
        }
        found
    }

    /// Says that groups are as given, each under the id it is given with.
    pub async fn put(&self, groups: &[(Uuid, Group)]) -> Said {
        let mut drafts = Vec::new();
        let mut db = self.hub.store.read().await.unwrap();
        for (id, group) in groups {
            let known = store::record::get(&mut db, store::log::OWN, *id).await.unwrap();
            let rev = known.map_or(1, |row| row.state.rev + 1);
            drafts.push(Draft { id: *id, rev, body: Body::Put(Kind::Record), public: Some(group.json()) });
        }
        drop(db);
        self.hub.say(&drafts).await.unwrap()
    }

    /// Makes another hub a partner.
    pub async fn follow(&self, other: &TestHub) {
        self.hub.add_partner(&other.url, other.hub.id, None).await.unwrap();
    }

    /// Pulls a partner now.
    pub async fn pull(&self, other: &TestHub) -> Outcome {
        let partner = self.hub.partner(&other.hub.id.to_string()).await.unwrap();
        self.hub.pull(&partner, false).await.unwrap()
    }

    /// The names that groups are listed under, sorted.
    pub async fn names(&self) -> Vec<String> {
        let mut db = self.hub.store.read().await.unwrap();
        sqlx::query_scalar("SELECT name FROM grp ORDER BY name").fetch_all(&mut *db).await.unwrap()
    }

    /// Everything that must be true of a hub is.
    pub async fn check_hub(&self) {
        let findings = self.hub.check().await.unwrap();
        assert!(findings.is_empty(), "{findings:#?}");
    }
}

/// Copies a folder with all that is in it.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
        if path.is_dir() {
            copy(&path, &to.join(&name));
        } else {
            std::fs::copy(&path, to.join(&name)).unwrap();
        }
    }
}

/// Answers with a file of a folder.
pub async fn serve(files: PathBuf, uri: axum::http::Uri) -> axum::response::Response {
    use axum::response::IntoResponse;
    match std::fs::read(files.join(uri.path().trim_start_matches('/'))) {
        Ok(bytes) => bytes.into_response(),
        Err(_) => axum::http::StatusCode::NOT_FOUND.into_response(),
    }
}

/// A group with a name, a place and a telephone.
pub fn group(name: &str, locality: &str, phone: &str) -> Group {
    let json = serde_json::json!({
        "name": name, "place": {"locality": locality}, "contact": {"phone": phone}, "topics": ["epilepsy"],
    });
    Group::read(&json.to_string()).unwrap()
}
