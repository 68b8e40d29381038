//! The real program, run as a person runs it: in a folder, with arguments, answers on two streams and a number at the end.

use super::feed::{all, write};
use super::hub::serve;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A hub made by `mutuald init` in a folder of its own.
pub struct Desk {
    folder: tempfile::TempDir,
    /// Its hub id, as the printed page says.
    pub id: String,
}

/// What a run of the program left.
#[derive(Debug)]
pub struct Ran {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// The run ended like this; what it printed to standard output.
    #[track_caller]
    pub fn ended(self, status: i32) -> String {
        assert_eq!(self.status, status, "{}\n{}", self.out, self.err);
        self.out
    }

    /// The run failed like this, and said what to do next; what it printed to standard error.
    #[track_caller]
    pub fn failed(self, status: i32) -> String {
        assert_eq!(self.status, status, "{}\n{}", self.out, self.err);
        assert!(self.err.contains("\nnext: ") && !self.err.ends_with("next: \n"), "no next step: {}", self.err);
        assert_eq!(self.out, "", "an error is no result");
        self.err
    }

    /// The run ended like this; its answer as JSON.
    #[track_caller]
    pub fn json(self, status: i32) -> Value {
        let out = self.ended(status);
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
    }
}

/// Runs the program in a folder, with nobody to ask.
pub fn run(folder: &Path, arguments: &[&str]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_mutuald"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("MUTUALD_CONFIG")
        .env("COLUMNS", "200")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { status: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}

impl Desk {
    /// Makes a hub that may pull partners on this machine.
    pub fn new(name: &str) -> Desk {
        let folder = tempfile::tempdir().unwrap();
        let address = format!("{}.example.org", name.to_lowercase().replace(' ', "-"));
        let arguments = [
            "--json",
            "init",
            "--name",
            name,
            "--address",
            &address,
            "--contact",
            "groups@example.org",
            "--page",
            "page.txt",
        ];
        let page = run(folder.path(), &arguments).json(0);
        let desk = Desk { folder, id: page["hub"].as_str().unwrap().to_owned() };
        let settings = desk.file("hub.toml");
        let text = std::fs::read_to_string(&settings).unwrap();
        std::fs::write(&settings, format!("{text}\n[pull]\nallow_private_addresses = true\n")).unwrap();
        desk
    }

    /// A hub as an earlier version left it: a copy of its state folder.
    pub fn left(state: &Path, id: &str) -> Desk {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path().join("mutuald-state");
        write(&all(state), &here);
        let settings = format!(
            "[hub]\nstate = {:?}\n[publish]\n[pull]\nallow_private_addresses = true\n",
            here.display().to_string()
        );
        std::fs::write(folder.path().join("hub.toml"), settings).unwrap();
        for key in std::fs::read_dir(here.join("keys")).unwrap() {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(key.unwrap().path(), std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        Desk { folder, id: id.to_owned() }
    }

    /// Runs the program there.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        run(self.folder.path(), arguments)
    }

    /// A file of the folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The registry digest.
    pub fn digest(&self) -> Value {
        self.run(&["registry", "digest", "--json"]).json(0)
    }

    /// Fills in the template: rows of heading and value.
    pub fn fill(&self, file: &str, rows: &[&[(&str, &str)]]) {
        self.run(&["import", "--template", file, "--force"]).ended(0);
        let path = self.file(file);
        let mut reader = csv::Reader::from_path(&path).unwrap();
        let header = reader.headers().unwrap().clone();
        let mut records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        for row in rows {
            let named = |heading: &str| heading.trim_start_matches('\u{feff}').to_owned();
            for (heading, _) in *row {
                assert!(header.iter().any(|known| named(known) == *heading), "no column {heading}");
            }
            let cell =
                |known: &str| row.iter().find(|(heading, _)| *heading == named(known)).map_or("", |(_, value)| value);
            records.push(header.iter().map(cell).collect());
        }
        let mut writer = csv::Writer::from_path(&path).unwrap();
        writer.write_record(&header).unwrap();
        records.iter().for_each(|record| writer.write_record(record).unwrap());
        writer.flush().unwrap();
    }

    /// Serves the feed folder from a static host; the address, with a slash at the end.
    pub fn serve(&self) -> Served {
        let files = self.file("mutuald-state/feed");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        runtime.spawn(async move {
            let router = axum::Router::new().fallback(move |uri: axum::http::Uri| serve(files.clone(), uri));
            axum::serve(listener, router).await.unwrap();
        });
        Served { url, _runtime: runtime }
    }
}

/// A feed being served, until it is dropped.
pub struct Served {
    pub url: String,
    _runtime: tokio::runtime::Runtime,
}
