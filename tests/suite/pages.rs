//! What people see: the pages of a running hub, in a browser that is not ours.
//!
//! `tests/run` names the browser in `MUTUALD_OUTSIDE_CHROMIUM`; without it this says SKIP and passes.

use crate::support::TestHub;
use crate::support::hub::group;
use mutuald::node::lifecycle::{Lifecycle, Signal};
use mutuald::node::notify::Notifier;
use mutuald::node::run::{self, Options};
use mutuald::record::Group;
use std::ffi::OsString;
use std::path::Path;
use tokio::process::Command;
use uuid::Uuid;

const FLAGS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
];

/// A browser with a profile that goes with the test.
pub struct Browser {
    program: OsString,
    profile: tempfile::TempDir,
}

impl Browser {
    pub fn new() -> Option<Browser> {
        let program = std::env::var_os("MUTUALD_OUTSIDE_CHROMIUM").filter(|program| !program.is_empty());
        if program.is_none() {
            eprintln!("SKIP no page is opened in a browser: MUTUALD_OUTSIDE_CHROMIUM is not set (tests/run sets it)");
        }
        Some(Browser { program: program?, profile: tempfile::tempdir().unwrap() })
    }

    async fn run(&self, arguments: &[String]) -> String {
        let output = Command::new(&self.program)
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", self.profile.path().display()))
            .args(arguments)
            .output()
            .await
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The page as the browser understood it: tags it had to mend are mended here.
    async fn open(&self, url: &str) -> String {
        self.run(&["--dump-dom".to_owned(), url.to_owned()]).await
    }

    /// What axe-core finds against a page, in light on a phone and in dark on a desk: nothing. The page's own
    /// policy lets no script run, so a copy of it is looked at, with its sheet and the checker inside.
    async fn accessible(&self, site: &str, address: &str, name: &str) -> Vec<String> {
        let get = async |url: &str| reqwest::get(url).await.unwrap().text().await.unwrap();
        let page = get(address).await;
        let link = page.split('<').find(|tag| tag.contains("rel=\"stylesheet\"")).expect("a page has a sheet");
        let href = link.split("href=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        let sheet = get(&format!("{site}{href}")).await;
        self.found_against(&page, &sheet, name).await
    }

    /// The same of a page's text and its sheet, which may stand in the page already.
    pub async fn found_against(&self, page: &str, sheet: &str, name: &str) -> Vec<String> {
        let Some(axe) = std::env::var_os("MUTUALD_OUTSIDE_AXE").filter(|path| !path.is_empty()) else {
            eprintln!(
                "SKIP {name} is not checked for accessibility: MUTUALD_OUTSIDE_AXE is not set (tests/run sets it)"
            );
            return Vec::new();
        };
        let mut all = Vec::new();
        let axe = std::fs::read_to_string(axe).unwrap();
        for (scheme, width, dark) in [("light", "375,800", "(width < 0px)"), ("dark", "1280,900", "(width > 0px)")] {
            let [page, sheet] = [page, sheet].map(|text| text.replace("(prefers-color-scheme: dark)", dark));
            const FOUND: &str = "found by axe-core:";
            let run = format!(
                "axe.run(document, {{resultTypes: ['violations']}}).then(found => {{ document.title = '{FOUND}' + \
                 JSON.stringify(found.violations.map(v => [v.id, v.help, v.nodes.map(n => n.html + ' ' + n.failureSummary)])) \
                 + ' passes:' + found.passes.length; }});"
            );
            let copy = page.replacen(
                "</head>",
                &format!("<style>{sheet}</style><script>{axe}</script><script>addEventListener('load', () => {{ {run} }});</script></head>"),
                1,
            );
            let file = self.profile.path().join("looked-at.html");
            std::fs::write(&file, copy).unwrap();
            let arguments = [
                format!("--window-size={width}"),
                "--virtual-time-budget=20000".into(),
                "--dump-dom".into(),
                format!("file://{}", file.display()),
            ];
            let dom = self.run(&arguments).await;
            let title = dom.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next()).unwrap();
            let found = title.strip_prefix(FOUND).unwrap_or_else(|| panic!("axe-core did not run on {name}: {title}"));
            if !found.starts_with("[] passes:") {
                all.push(format!("{name}, {scheme}, {width}: {found}"));
            }
        }
        all
    }

    /// A picture for people, as wide as a phone and as a desk, below the build's folder.
    async fn shoot(&self, url: &str, name: &str) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/pages");
        std::fs::create_dir_all(&folder).unwrap();
        for (device, size) in [("phone", "375,800"), ("desk", "1280,900")] {
            let file = folder.join(format!("{name}-{device}.png"));
            let (file, size) = (format!("--screenshot={}", file.display()), format!("--window-size={size}"));
            self.run(&[file, size, url.to_owned()]).await;
        }
    }
}

/// What is read of a page: its text, without tags, in one line.
fn text(dom: &str) -> String {
    let mut text = String::new();
    for piece in dom.split('<') {
        text.push_str(piece.split_once('>').map_or(piece, |(_, text)| text));
        text.push(' ');
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace("&amp;", "&")
}

#[track_caller]
fn shows(page: &str, all: &[&str]) {
    for one in all {
        assert!(page.contains(one), "{one:?} is not in: {page}");
    }
}

/// The same group in another list: another week, and checked with the group itself.
fn told(hall: &str, time: &str, date: &str, method: &str) -> Group {
    let json = serde_json::json!({
        "name": "Retford Epilepsy Circle", "description": "Half the time is for news.", "topics": ["epilepsy"],
        "place": {"venue": hall, "locality": "St Ann's"}, "contact": {"phone": "01632 960047"}, "modes": ["in-person"],
        "meetings": [{"text": time}], "assured": {"date": date, "method": method, "by": "group"},
    });
    Group::read(&json.to_string()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_shows_results_filters_and_who_said_what_and_when() {
    let Some(browser) = Browser::new() else { return };
    let (here, there) = (TestHub::new("Nottingham Hub", 61).await, TestHub::new("Essex Hub", 62).await);
    let id = Uuid::from_u128;
    here.put(&[
        (id(1), told("Market Hall", "First Monday", "2026-05-04", "website")),
        (id(2), group("Beeston Seizure Friends", "Beeston", "01632 960048")),
    ])
    .await;
    there.put(&[(id(3), told("Market Hall", "Last Monday", "2026-07-20", "phone"))]).await;
    here.follow(&there).await;
    assert_eq!(here.pull(&there).await.state, "changed");

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (stop, signals) = tokio::sync::mpsc::channel(1);
    let lifecycle = Lifecycle::driven(Notifier::silent(), signals);
    let notice = Some("Every group here is invented.".to_owned());
    let options = Options { notice, ..Options::default() };
    let daemon = tokio::spawn(run::start(here.hub.clone(), listener, lifecycle, options));

    let home = text(&browser.open(&format!("{url}/")).await);
    shows(&home, &["Every group here is invented.", "2 groups", "Nottingham Hub", "Browse by place", "St Ann's 1"]);

    let address = format!("{url}/search?q=epilepsy");
    let dom = browser.open(&address).await;
    let results = text(&dom);
    shows(&results, &["2 groups", "Retford Epilepsy Circle", "Beeston Seizure Friends"]);
    shows(
        &results,
        &["Epilepsy (2)", "In person (1)", "Checked with the group in July 2026 by Essex Hub", "Not checked yet"],
    );
    shows(&dom, &["value=\"epilepsy\"", "<select id=\"topic\"", "<select id=\"mode\""]);
    assert!(!dom.contains("<script"), "no JavaScript is needed");
    let narrowed = text(&browser.open(&format!("{address}&mode=in-person")).await);
    assert!(narrowed.contains("1 group") && !narrowed.contains("Beeston Seizure Friends"), "{narrowed}");
    let by_place = text(&browser.open(&format!("{url}/search?place=st+ann+s")).await);
    shows(&by_place, &["1 group", "Retford Epilepsy Circle"]);

    let link = dom.split("href=\"").find_map(|rest| rest.split('"').next().filter(|link| link.starts_with("/group/")));
    let page = format!("{url}{}", link.unwrap());
    let dom = browser.open(&page).await;
    let seen = text(&dom);
    shows(&seen, &["Retford Epilepsy Circle", "Half the time is for news.", "Market Hall", "01632 960047"]);
    shows(&seen, &["Two hubs disagree.", "First Monday", "Last Monday", "Nottingham Hub", "Essex Hub"]);
    shows(&seen, &["Checked with the group in July 2026 by Essex Hub", "4 May 2026"]);
    shows(&dom, &["href=\"tel:"]);
    let partners = text(&browser.open(&format!("{url}/partners")).await);
    shows(&partners, &["Essex Hub", "Records held 1"]);

    let mut found = Vec::new();
    for (name, address) in [
        ("home", format!("{url}/")),
        ("search", address.clone()),
        ("nothing", format!("{url}/search?q=zebra")),
        ("group", page.clone()),
        ("partners", format!("{url}/partners")),
        ("about", format!("{url}/about")),
        ("error", format!("{url}/not-there")),
    ] {
        found.extend(browser.accessible(&url, &address, name).await);
    }
    assert!(found.is_empty(), "{}", found.join("\n"));

    for (address, name) in [(&format!("{url}/"), "home"), (&address, "search"), (&page, "group")] {
        browser.shoot(address, name).await;
    }
    stop.send(Signal::Stop).await.unwrap();
    daemon.await.unwrap().unwrap().into_result().unwrap();
}
