//! Pages follow the hub's settings, also when these are read again.

use super::*;

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
