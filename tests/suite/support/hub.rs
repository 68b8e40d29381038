//! A real hub in a temporary folder: its own database, keys and feed files, served over loopback.

use mutuald::clock::Clock;
use mutuald::config::{Config, Publish};
use mutuald::node::author::Draft;
use mutuald::node::init::{self, Answers};
use mutuald::node::sync::Outcome;
use mutuald::node::{Chance, Hub, Said};
use mutuald::record::Group;
use mutuald::record::statement::{Body, Kind};
use mutuald::store;
use std::path::PathBuf;
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
        let hub = Hub::open(config, clock.clone(), Chance::seeded(seed + 1_000)).await.unwrap();
        hub.refresh().await.unwrap();
        hub.publish().await.unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let files = hub.config.feed();
        // What is not everybody's is no file: a hub that shares contacts is served as the daemon serves it.
        let shares = hub.config.publish.as_ref().is_some_and(|publish| publish.contacts);
        let contacts = shares.then(|| mutuald::node::run::restricted(&hub, listener.local_addr().ok()));
        let server = tokio::spawn(async move {
            if contacts.is_some() {
                return axum::serve(listener, mutuald::web::feed::routes_with(files, contacts)).await.unwrap();
            }
            let router = axum::Router::new().fallback(move |uri: axum::http::Uri| serve(files.clone(), uri));
            axum::serve(listener, router).await.unwrap();
        });
        TestHub { hub, clock, _folder: folder, url, server }
    }

    /// A new hub that shares contacts.
    pub async fn sharing(name: &str, seed: u64) -> TestHub {
        TestHub::with(name, seed, |config| {
            config.publish = Some(Publish { contacts: true, ..Publish::default() });
        })
        .await
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
