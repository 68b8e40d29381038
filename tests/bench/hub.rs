//! Parts that run as processes of their own: publishing, serving, pulling.

use mutuald::clock::Clock;
use mutuald::config::{Config, Publish};
use mutuald::node::author::Draft;
use mutuald::node::demo::invent;
use mutuald::node::init::{self, Answers};
use mutuald::node::{Chance, Hub};
use mutuald::record::HubId;
use mutuald::record::statement::{Body, Kind};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use uuid::Uuid;

pub fn runtime(part: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime").block_on(part);
}

fn config(folder: &Path, publishes: bool) -> Config {
    let mut config = Config::default();
    config.hub.state = folder.to_owned();
    config.publish = publishes.then(Publish::default);
    config.pull.allow_private_addresses = true;
    config.limits.leaves_per_run = 1_000_000;
    config
}

/// A hub in a folder, made on first use.
pub async fn open(folder: &Path, publishes: bool) -> Hub {
    let config = config(folder, publishes);
    let (clock, chance) = (Clock::system(), Chance::system().unwrap());
    if !config.database().exists() {
        let answers = Answers {
            name: "Bench Hub".into(),
            address: "bench.example".into(),
            contact: String::new(),
            licence: "CC0-1.0".into(),
            areas: vec![],
        };
        init::init(&config, &answers, &clock, &chance).await.unwrap();
    }
    Hub::open(config, clock, chance).await.unwrap()
}

/// The id under which invented group `n` is put.
pub fn id(n: usize) -> Uuid {
    uuid::Builder::from_random_bytes(
        (n as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes(),
    )
    .into_uuid()
}

pub async fn part(arguments: &[String]) {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        // Puts groups up to a number and publishes.
        ["publish", folder, upto] => {
            let hub = open(Path::new(folder), true).await;
            let upto: usize = upto.parse().unwrap();
            let drafts: Vec<Draft> = invent::many(7, upto, 2)
                .enumerate()
                .map(|(n, group)| Draft {
                    id: id(n),
                    rev: 1,
                    body: Body::Put(Kind::Record),
                    public: Some(group.json()),
                })
                .collect();
            let started = Instant::now();
            let said = hub.say(&drafts).await.unwrap();
            println!("{} {:.3} {}", hub.id, started.elapsed().as_secs_f64(), said.derived.groups);
        }
        // Changes one record and publishes.
        ["change", folder, rev] => {
            let hub = open(Path::new(folder), true).await;
            let mut group = invent::many(7, 11, 2).last().unwrap();
            group.cost = Some(format!("£{rev}"));
            let rev = rev.parse().unwrap();
            let (body, public) = (Body::Put(Kind::Record), Some(group.json()));
            hub.say(&[Draft { id: id(10), rev, body, public }]).await.unwrap();
        }
        // Adds records one by one to so many; milliseconds of each, all told and of linking alone.
        ["add", folder, first, count] => {
            let spent = Spent::watching();
            let hub = open(Path::new(folder), true).await;
            let (first, count): (usize, usize) = (first.parse().unwrap(), count.parse().unwrap());
            for (n, group) in invent::many(7, first + count, 2).enumerate().skip(first) {
                let (body, public) = (Body::Put(Kind::Record), Some(group.json()));
                spent.0.lock().unwrap().take();
                let started = Instant::now();
                hub.say(&[Draft { id: id(n), rev: 1, body, public }]).await.unwrap();
                let all = started.elapsed().as_secs_f64() * 1e3;
                let linking = spent.0.lock().unwrap().take().map_or(0.0, |spent| spent.as_secs_f64() * 1e3);
                println!("{all:.3} {linking:.3}");
            }
        }
        // Serves a feed until killed; prints its address.
        ["serve", folder] => {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            println!("http://{}/", listener.local_addr().unwrap());
            let files = mutuald::web::feed::routes(Path::new(folder).join("feed"));
            mutuald::web::serve(listener, files, tokio_util::sync::CancellationToken::new()).await;
        }
        // Pulls; prints what it took, the most memory this process ever had, and how long linking was of it.
        ["pull", folder, url, partner] => {
            let spent = Spent::watching();
            let hub = open(Path::new(folder), false).await;
            let partner: HubId = partner.parse().unwrap();
            if hub.partner(&partner.to_string()).await.is_err() {
                hub.add_partner(url, partner, None).await.unwrap();
            }
            let row = hub.partner(&partner.to_string()).await.unwrap();
            let started = Instant::now();
            let outcome = hub.pull(&row, true).await.unwrap();
            let seconds = started.elapsed().as_secs_f64();
            let pulled = outcome.pulled.unwrap_or_else(|| panic!("{}: {}", outcome.state, outcome.reason));
            let linking = spent.0.lock().unwrap().take().map_or(0.0, |spent| spent.as_secs_f64());
            let groups = outcome.derived.unwrap().groups;
            println!("{seconds:.4} {} {} {groups} {} {linking:.4}", pulled.new, pulled.bytes, peak_kib());
        }
        ["frame-publish", folder, upto] => crate::frame::publish(Path::new(folder), upto.parse().unwrap()).await,
        ["frame", home, out] => crate::frame::measure(Path::new(home), Path::new(out)).await,
        _ => panic!("no part {arguments:?}"),
    }
}

/// Peak resident memory of this process in KiB.
pub fn peak_kib() -> u64 {
    field("self", "VmHWM:")
}

/// A field of a process's status in KiB.
pub fn field(process: &str, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("0");
    line.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0)
}

/// How long the span "linking" was open, when it last closed.
#[derive(Clone, Default)]
struct Spent(Arc<Mutex<Option<Duration>>>);

impl Spent {
    /// Watches the spans of this process from now on.
    fn watching() -> Spent {
        use tracing_subscriber::layer::SubscriberExt;
        let spent = Spent::default();
        let subscriber = tracing_subscriber::registry().with(spent.clone());
        tracing::subscriber::set_global_default(subscriber).unwrap();
        spent
    }
}

impl<S> tracing_subscriber::Layer<S> for Spent
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    fn enabled(&self, metadata: &tracing::Metadata<'_>, _: tracing_subscriber::layer::Context<'_, S>) -> bool {
        metadata.name() == "linking"
    }

    fn on_new_span(
        &self,
        _: &tracing::span::Attributes<'_>,
        id: &tracing::span::Id,
        context: tracing_subscriber::layer::Context<'_, S>,
    ) {
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(Instant::now());
        }
    }

    fn on_close(&self, id: tracing::span::Id, context: tracing_subscriber::layer::Context<'_, S>) {
        let opened = context.span(&id).and_then(|span| span.extensions().get::<Instant>().copied());
        *self.0.lock().unwrap() = opened.map(|opened| opened.elapsed());
    }
}
