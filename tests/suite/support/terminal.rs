//! The real program in a real terminal: what a person would see, and the keys that a person would press.

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZero;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// What has come from the program so far.
struct Seen {
    screen: vt100::Parser,
    raw: Vec<u8>,
    ended: bool,
}

/// A terminal with a program in it.
pub struct Terminal {
    keys: File,
    /// The program's side, kept open so that its settings can be looked at afterwards.
    side: File,
    seen: Arc<(Mutex<Seen>, Condvar)>,
    child: Child,
}

/// How long a program may take to show something: on a busy machine, with a debug build.
const PATIENCE: Duration = Duration::from_secs(60);

impl Terminal {
    /// Starts the program in a folder, in a window of so many columns and rows.
    pub fn run(folder: &Path, arguments: &[&str], (columns, rows): (u16, u16)) -> Terminal {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&master, size).unwrap();
        // NOCTTY: of a test run that leads its session this would become the terminal, and its end hang the run up.
        let no_ctty = OpenptFlags::NOCTTY.bits().cast_signed();
        let side = File::options().read(true).write(true).custom_flags(no_ctty).open(name.to_str().unwrap()).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_mutuald"))
            .args(arguments)
            .current_dir(folder)
            .env_remove("MUTUALD_CONFIG")
            .env("TERM", "xterm-256color")
            .stdin(side.try_clone().unwrap())
            .stdout(side.try_clone().unwrap())
            .stderr(side.try_clone().unwrap())
            .spawn()
            .unwrap();
        let mut master = File::from(master);
        let keys = master.try_clone().unwrap();
        let some = |n: u16| NonZero::new(n).unwrap();
        let screen = vt100::Parser::new(some(rows), some(columns), 0);
        let seen = Arc::new((Mutex::new(Seen { screen, raw: Vec::new(), ended: false }), Condvar::new()));
        let shared = seen.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                let read = master.read(&mut buffer);
                let mut seen = shared.0.lock().unwrap();
                match read {
                    Ok(n) if n > 0 => {
                        seen.screen.process(&buffer[..n]);
                        seen.raw.extend(&buffer[..n]);
                    }
                    _ => seen.ended = true,
                }
                shared.1.notify_all();
                if seen.ended {
                    return;
                }
            }
        });
        Terminal { keys, side, seen, child }
    }

    /// What is on the screen once it shows a text.
    #[track_caller]
    pub fn shows(&self, text: &str) -> String {
        let (seen, changed) = &*self.seen;
        let seen = seen.lock().unwrap();
        let (seen, _) = changed
            .wait_timeout_while(seen, PATIENCE, |seen| !seen.ended && !seen.screen.screen().contents().contains(text))
            .unwrap();
        let contents = seen.screen.screen().contents();
        assert!(contents.contains(text), "{text:?} is not shown:\n{contents}");
        contents
    }

    /// Presses keys.
    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// The number of the process.
    pub fn pid(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(&self.child)
    }

    /// Waits for the program's end: how it ended, all it wrote, and whether the terminal is as it was.
    pub fn end(mut self) -> (ExitStatus, String, bool) {
        let status = self.child.wait().unwrap();
        let local = tcgetattr(&self.side).unwrap().local_modes;
        drop(self.side);
        let (seen, changed) = &*self.seen;
        let seen = changed.wait_timeout_while(seen.lock().unwrap(), PATIENCE, |seen| !seen.ended).unwrap().0;
        let raw = String::from_utf8_lossy(&seen.raw).into_owned();
        // Lines and echo, as a shell wants them; the screen of before; the cursor to be seen.
        let lines = local.contains(LocalModes::ICANON | LocalModes::ECHO);
        let screen = seen.screen.screen();
        (status, raw, lines && !screen.alternate_screen() && !screen.hide_cursor())
    }
}
