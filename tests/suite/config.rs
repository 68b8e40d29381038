//! The configuration: the shipped example is whole and true, and what cannot be meant is refused with a sentence.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use mutuald::config::{Backup, Config, ConfigError, Documents, Hub, Log, LogFormat, Publish, Pull, Retention, Web};
use mutuald::limits::Limits;
use mutuald::peer::schedule::Schedule;

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config/hub.example.toml")
}

/// The example with every option taken into use: `#name = …` and `#[section]`, but not `# prose`.
fn example_in_full() -> String {
    let text = std::fs::read_to_string(example()).expect("the example is there");
    let option = |line: &str| line.starts_with(|c: char| c == '[' || c.is_ascii_lowercase());
    text.lines()
        .map(|line| line.strip_prefix('#').filter(|rest| option(rest)).unwrap_or(line))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Every option there is, as `section.key`. The literal has no `..`, so that a new option does not compile until it is here, and
/// then fails the test until the example shows it.
fn every_option() -> BTreeSet<String> {
    let all = Config {
        hub: Hub {
            state: "/s".into(),
            name: Some("n".into()),
            time_zone: "UTC".into(),
            policy: Some("p".into()),
            linkage: Some("l".into()),
        },
        web: Web { listen: ([127, 0, 0, 1], 1).into(), directory: true, base_url: Some("b".into()) },
        publish: Some(Publish {
            folder: Some("/f".into()),
            serve: true,
            contacts: true,
            republish_s: 1,
            keep_partial_s: 1,
            relay: vec![],
        }),
        pull: Pull {
            schedule: Schedule::parse("@daily").unwrap(),
            jitter_percent: 1,
            allow_private_addresses: true,
            contact: Some("c".into()),
        },
        backup: Backup { folder: Some("/b".into()), keep: 1 },
        retention: Retention::default(),
        documents: Documents {
            controller: Some("c".into()),
            address: Some("a".into()),
            officer: Some("o".into()),
            answers: Some("w".into()),
            basis_groups: Some("g".into()),
            basis_people: Some("p".into()),
            transfers: Some("t".into()),
            security: Some("s".into()),
        },
        limits: Limits::default(),
        log: Log { format: LogFormat::Auto, filter: "info".into() },
    };
    keys(&toml::Table::try_from(all).expect("a configuration can be written"))
}

fn keys(table: &toml::Table) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for (section, options) in table {
        let options = options.as_table().expect("every option is in a section");
        keys.extend(options.keys().map(|key| format!("{section}.{key}")));
    }
    keys
}

#[test]
fn the_example_changes_nothing_as_it_stands() {
    let config = Config::load(&example()).expect("the example loads");
    assert_eq!(config, Config::default());
    assert_eq!(config.check(), []);
    assert_eq!(Config::parse("", "empty").expect("an empty file loads"), Config::default());
}

#[test]
fn the_example_shows_every_option_and_each_is_explained() {
    let full = example_in_full();
    let table: toml::Table = full.parse().expect("the example in full is TOML");
    assert_eq!(keys(&table), every_option());
    let config = Config::parse(&full, "the example in full").expect("every option of the example is accepted");
    // Options shown but off say their true default too.
    let shown = config.publish.clone().expect("the example shows [publish]");
    assert_eq!(shown, Publish { folder: shown.folder.clone(), ..Publish::default() });
    // Policy and model of the example are not there; nothing else is wrong.
    let wrong: Vec<String> = config.check().into_iter().map(|problem| problem.key).collect();
    assert_eq!(wrong, ["hub.policy", "hub.linkage"]);
    // Each run of options has a comment above it.
    let mut explained = false;
    for line in full.lines() {
        let option = !line.starts_with(['#', '[']) && line.contains(" = ");
        explained = line.starts_with("# ") || (explained && option);
        assert!(explained || !option, "no comment above `{line}`");
    }
}

#[test]
fn a_configuration_survives_being_written() {
    for config in [Config::default(), Config::parse(&example_in_full(), "full").unwrap()] {
        let text = toml::to_string(&config).expect("it can be written");
        assert_eq!(Config::parse(&text, "written").expect("and read"), config);
    }
}

#[test]
fn what_cannot_be_read_is_refused_by_file_line_and_key() {
    for (text, line, key, says) in [
        ("[web]\nlistne = \"127.0.0.1:80\"", 2, "web.listne", "unknown field `listne`"),
        ("\n[wbe]\n", 2, "wbe", "unknown field `wbe`"),
        ("[hub]\ntime_zone = 3", 2, "hub.time_zone", "invalid type: integer"),
        ("[web]\nlisten = \"localhost\"", 2, "web.listen", "met in `listen = \"localhost\"`"),
        ("[web]\ndirectory = \"yes\"", 2, "web.directory", "expected a boolean"),
        ("[pull]\n\nschedule = \"0 0 30 2 *\"", 3, "pull.schedule", "names a day that never comes"),
        ("[pull]\njitter_percent = 300", 2, "pull.jitter_percent", "300"),
        ("[publish]\nfolder = 1", 2, "publish.folder", "invalid type"),
        ("[limits]\nline_bytes = -1", 2, "limits.line_bytes", "-1"),
        ("[limits]\nleafs = 1", 2, "limits.leafs", "unknown field `leafs`"),
        ("[log]\nformat = \"syslog\"", 2, "log.format", "`auto`, `journald`, `stderr`"),
        ("[hub]\nname = \"a\"\nname = \"b\"", 3, "the file", "duplicate key"),
        ("[hub\n", 1, "the file", "met in `[hub`"),
    ] {
        let error = Config::parse(text, "hub.toml").expect_err(text);
        let ConfigError::Refused { line: met, problem, .. } = &error else {
            panic!("{text}: {error}");
        };
        assert_eq!((met, problem.key.as_str()), (&Some(line), key), "{text}: {error}");
        let sentence = error.to_string();
        assert!(sentence.starts_with(&format!("hub.toml line {line}: {key}: ")), "{sentence}");
        assert!(sentence.contains(says) && sentence.contains("hub.example.toml"), "{sentence}");
        assert_eq!(error.code(), "config-refused");
    }
    let error = Config::load(Path::new("/nowhere/hub.toml")).expect_err("it is not there");
    assert_eq!(error.code(), "config-unreadable");
    assert!(error.to_string().contains("/nowhere/hub.toml"), "{error}");
}

#[test]
fn a_configuration_that_is_not_there_is_said_once_with_what_to_do() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for arguments in [&["--config", "nowhere.toml", "status"][..], &["--config", "nowhere.toml", "run"]] {
        let said = crate::support::command::run(folder.path(), arguments).failed(1);
        assert_eq!(said.matches("No such file").count(), 1, "{said}");
        assert!(said.contains("nowhere.toml") && said.contains("--config") && said.contains("mutuald init"), "{said}");
    }
}

#[test]
fn what_cannot_be_meant_is_found_by_the_one_check() {
    for (text, key, says) in [
        ("[hub]\nstate = \"state\"", "hub.state", "\"state\" depends on"),
        ("[hub]\nname = \"  \"", "hub.name", "empty"),
        ("[hub]\ntime_zone = \"Europe/Lodon\"", "hub.time_zone", "Europe/London"),
        ("[hub]\npolicy = \"/nowhere/policy.toml\"", "hub.policy", "/nowhere/policy.toml"),
        ("[web]\nbase_url = \"groups/\"", "web.base_url", "https://"),
        ("[web]\nbase_url = \"ftp://example.org/\"", "web.base_url", "https://"),
        ("[web]\nbase_url = \"https://example.org/?a\"", "web.base_url", "https://"),
        ("[web]\nbase_url = \"https://example.org/groups\"", "web.base_url", "add a /"),
        ("[publish]\nfolder = \"feed\"", "publish.folder", "from /"),
        ("[publish]\nrepublish_s = 5", "publish.republish_s", "5 seconds"),
        ("[publish]\nkeep_partial_s = 2678401", "publish.keep_partial_s", "31 days"),
        ("[pull]\njitter_percent = 51", "pull.jitter_percent", "0 to 50"),
        ("[pull]\ncontact = \"a\\nb\"", "pull.contact", "header"),
        ("[pull]\ncontact = \"\"", "pull.contact", "header"),
        ("[documents]\nofficer = \" \"", "documents.officer", "take the line out"),
        ("[limits]\nparallel_gets = 0", "limits.parallel_gets", "above 0"),
        ("[log]\nfilter = \"info,,mutuald=loud\"", "log.filter", "loud"),
    ] {
        let config = Config::parse(text, "hub.toml").unwrap_or_else(|e| panic!("{text}: {e}"));
        let problems = config.check();
        assert_eq!(problems.len(), 1, "{text}: {problems:?}");
        assert_eq!(problems[0].key, key);
        assert!(problems[0].to_string().contains(says), "{}", problems[0]);
    }
    let no_redirects = Config::parse("[limits]\nredirects = 0", "hub.toml").unwrap();
    assert_eq!(no_redirects.check(), []);
}

#[test]
fn paths_follow_the_state_directory_and_the_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("hub.toml");
    std::fs::write(folder.path().join("policy.toml"), "").unwrap();
    std::fs::write(&file, "[hub]\nstate = \"/srv/hub\"\npolicy = \"policy.toml\"\n[publish]\n").unwrap();
    let config = Config::load(&file).expect("it loads");
    assert_eq!(config.check(), []);
    assert_eq!(config.hub.policy, Some(folder.path().join("policy.toml")));
    assert_eq!(config.database(), Path::new("/srv/hub/mutuald.db"));
    assert_eq!(config.keys(), Path::new("/srv/hub/keys"));
    assert_eq!(config.feed(), Path::new("/srv/hub/feed"));
    let elsewhere = Config::parse("[publish]\nfolder = \"/srv/feed\"", "hub.toml").unwrap();
    assert_eq!(elsewhere.feed(), Path::new("/srv/feed"));
}
