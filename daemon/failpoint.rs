//! Named places where a test stops the real process to kill it there. Release builds have none.

/// Stops here for good when the environment variable `MUTUALD_FAILPOINT` names this place: says so on stderr, then waits
/// for the test's SIGKILL. `MUTUALD_FAILPOINT=name:3` stops at the third passing.
#[inline]
pub fn reach(name: &str) {
    if cfg!(debug_assertions) {
        stop_if_asked(name);
    }
}

fn stop_if_asked(name: &str) {
    use std::sync::atomic::{AtomicU64, Ordering};
    static PASSED: AtomicU64 = AtomicU64::new(0);
    let Ok(asked) = std::env::var("MUTUALD_FAILPOINT") else { return };
    let (place, nth) = asked.split_once(':').unwrap_or((&asked, "1"));
    if place == name && PASSED.fetch_add(1, Ordering::SeqCst) + 1 >= nth.parse().unwrap_or(1) {
        use std::io::Write;
        let _ = writeln!(std::io::stderr(), "failpoint {name}");
        loop {
            std::thread::park();
        }
    }
}
