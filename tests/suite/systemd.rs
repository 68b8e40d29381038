//! The service unit: systemd takes every line of it, and it gives away little.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use mutuald::node::lifecycle::DRAIN;

/// At most this much exposure, of 10, as `systemd-analyze security` counts it.
const EXPOSURE: f64 = 1.5;

fn unit() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/mutuald.service");
    std::fs::read_to_string(path).expect("the unit is there")
}

fn setting<'a>(unit: &'a str, name: &str) -> &'a str {
    let mut lines = unit.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    lines.next().unwrap_or_else(|| panic!("no {name}= in the unit"))
}

/// Runs `systemd-analyze` on the unit, with a program that exists in the place of ours. `None`, with a message, where there is no
/// systemd.
fn analyze(arguments: &[&str], unit: &str) -> Option<Output> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("mutuald.service");
    let program = setting(unit, "ExecStart").split(' ').next().expect("a program");
    let stand_in = unit.replace(&format!("ExecStart={program}"), "ExecStart=/bin/sh");
    assert!(stand_in != unit && Path::new("/bin/sh").exists());
    std::fs::write(&path, stand_in).expect("a temporary file");
    let run = Command::new("systemd-analyze").args(arguments).arg(&path).output();
    match run {
        Ok(output) => Some(output),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!(
                "SKIPPED: there is no systemd-analyze here (Debian package systemd), so the unit was not checked"
            );
            None
        }
        Err(error) => panic!("systemd-analyze: {error}"),
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn systemd_understands_every_line() {
    // The manual page is not installed where this runs.
    let verify = |unit: &str| analyze(&["verify", "--man=no"], unit);
    let Some(output) = verify(&unit()) else {
        return;
    };
    // It exits 0 on a setting that it does not know: silence is what counts.
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""));
    // And it would have spoken.
    let misspelt = unit().replace("ProtectHome=", "ProtectHomes=");
    let output = verify(&misspelt).expect("it ran before");
    assert!(stderr(&output).contains("ProtectHomes"), "{output:?}");
}

#[test]
fn the_service_is_hardly_exposed() {
    let security = |unit: &str| analyze(&["security", "--offline=true", "--no-pager"], unit);
    let exposure = |output: &Output| -> f64 {
        let table = String::from_utf8_lossy(&output.stdout).into_owned();
        let summary = table.lines().find(|line| line.contains("Overall exposure level"));
        let level = summary.and_then(|line| line.rsplit_once(": ")?.1.split(' ').next()?.parse().ok());
        level.unwrap_or_else(|| panic!("no exposure in {table}"))
    };
    let Some(output) = security(&unit()) else {
        return;
    };
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""));
    assert!(exposure(&output) <= EXPOSURE, "exposure {}", exposure(&output));
    // And it would have been seen.
    let open = unit().replace("CapabilityBoundingSet=\n", "").replace("RestrictNamespaces=yes\n", "");
    assert!(exposure(&security(&open).expect("it ran before")) > EXPOSURE);
}

#[test]
fn the_unit_and_the_program_agree() {
    let unit = unit();
    assert_eq!(setting(&unit, "ExecStart"), "/usr/bin/mutuald run --config /etc/mutuald/hub.toml");
    // The program's own time to finish ends before systemd's does.
    let stop = setting(&unit, "TimeoutStopSec").strip_suffix('s').expect("seconds");
    let stop = Duration::from_secs(stop.parse().expect("a number"));
    assert!(stop >= DRAIN + Duration::from_secs(10), "{stop:?} against {DRAIN:?}");
    // Signals of readiness and life are listened to, and the default state directory is the one it may write.
    assert_eq!(setting(&unit, "Type"), "notify");
    assert!(setting(&unit, "WatchdogSec").ends_with('s'));
    let state = format!("/var/lib/{}", setting(&unit, "StateDirectory"));
    assert_eq!(mutuald::config::Config::default().hub.state, Path::new(&state));
}

/// The real unit under a real systemd: installed as a package would, initialised by its own user, ready, confined, in the
/// journal, reloaded, killed and back, stopped. `tests/outside/boot.sh` says how.
#[test]
fn the_service_boots_under_systemd() {
    if std::env::var_os("MUTUALD_OUTSIDE_NSPAWN").is_none_or(|value| value.is_empty()) {
        eprintln!("SKIP the service is not booted: MUTUALD_OUTSIDE_NSPAWN is not set (tests/run sets it, for root)");
        return;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/outside/boot.sh");
    let output = Command::new(script).arg(env!("CARGO_BIN_EXE_mutuald")).output().expect("a script that runs");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), stderr(&output));
    eprint!("{said}");
    // 3: a container cannot be booted here, and the script said so.
    assert!(matches!(output.status.code(), Some(0 | 3)), "{said}");
}
