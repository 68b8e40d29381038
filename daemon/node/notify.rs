//! What the service manager is told: ready, reloading, stopping, still alive. Outside systemd all of it does nothing.
//!
//! Only [`lifecycle`](super::lifecycle) says ready, reloading and stopping, so that they come in the order of what happens.

use std::future::Future;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::{self, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

/// The line to the service manager. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Notifier(Line);

#[derive(Clone, Debug)]
enum Line {
    /// To the socket that `NOTIFY_SOCKET` names, if any.
    Systemd,
    Silent,
    #[cfg(test)]
    Recorded(std::sync::Arc<std::sync::Mutex<Vec<String>>>),
}

impl Notifier {
    /// The service manager that started this process; nobody, if `NOTIFY_SOCKET` is not set.
    pub fn from_environment() -> Self {
        Self(Line::Systemd)
    }

    /// Nobody. For a hub that shares its process with others, as in tests.
    pub fn silent() -> Self {
        Self(Line::Silent)
    }

    #[cfg(test)]
    pub(crate) fn recorded() -> (Self, std::sync::Arc<std::sync::Mutex<Vec<String>>>) {
        let said = std::sync::Arc::default();
        (Self(Line::Recorded(std::sync::Arc::clone(&said))), said)
    }

    /// Started, or reloaded: serving.
    pub fn ready(&self) {
        self.send(&[NotifyState::Ready]);
    }

    /// The configuration is being read again; [`ready`](Self::ready) follows. Since version 253 systemd wants the monotonic time in
    /// the same message.
    pub fn reloading(&self) {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => self.send(&[NotifyState::Reloading, now]),
            Err(error) => {
                tracing::warn!(%error, "no monotonic time, so the reload is not announced")
            }
        }
    }

    /// On the way out.
    pub fn stopping(&self) {
        self.send(&[NotifyState::Stopping]);
    }

    /// One line for `systemctl status`: what the daemon is doing. No personal data.
    pub fn status(&self, line: &str) {
        // A line break would start another assignment.
        let line = line.replace(['\n', '\r'], " ");
        self.send(&[NotifyState::Status(&line)]);
    }

    /// Still alive.
    pub fn alive(&self) {
        self.send(&[NotifyState::Watchdog]);
    }

    fn send(&self, states: &[NotifyState<'_>]) {
        match &self.0 {
            Line::Systemd => {
                // A manager that does not listen is no reason to stop; it will act by its own time-outs.
                if let Err(error) = sd_notify::notify(states) {
                    tracing::warn!(%error, "the service manager cannot be told");
                }
            }
            Line::Silent => {}
            #[cfg(test)]
            Line::Recorded(said) => {
                let states: Vec<String> = states.iter().map(ToString::to_string).collect();
                said.lock().expect("no test panics in here").push(states.join(" "));
            }
        }
    }
}

/// How long the service manager waits for a sign of life before it kills and restarts this process: `WATCHDOG_USEC`, if it is meant
/// for this process. `None`: it does not watch.
pub fn watchdog_interval() -> Option<Duration> {
    sd_notify::watchdog_enabled().filter(|interval| !interval.is_zero())
}

/// A task that gives a sign of life twice per `interval`, each time only if `healthy` says yes within half of it. Ends well when
/// `stop` is cancelled.
///
/// `healthy` should ask for what cannot be done without: that the database answers. A process that cannot answer is better
/// restarted; one that answers "no" for a moment has a second chance within the interval.
pub async fn watchdog<H, F>(
    notifier: Notifier,
    interval: Duration,
    stop: CancellationToken,
    healthy: H,
) -> anyhow::Result<()>
where
    H: Fn() -> F + Send,
    F: Future<Output = bool> + Send,
{
    let half = interval / 2;
    let mut ticks = time::interval(half);
    // After a late check the next comes half an interval later, not in a burst.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let check = async {
            ticks.tick().await;
            time::timeout(half, healthy()).await.unwrap_or(false)
        };
        match stop.run_until_cancelled(check).await {
            None => return Ok(()),
            Some(true) => notifier.alive(),
            Some(false) => tracing::error!("not healthy: no sign of life to the service manager"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixDatagram;
    use std::process::Command;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU8, Ordering};

    /// Not a test by itself: the program that the next one runs, with the environment of a service.
    #[test]
    fn as_a_service() {
        if std::env::var_os("MUTUALD_TEST_AS_A_SERVICE").is_none() {
            return;
        }
        let notifier = Notifier::from_environment();
        notifier.ready();
        notifier.reloading();
        notifier.status("3 partner hubs\nMAINPID=1");
        notifier.alive();
        notifier.stopping();
        let interval = watchdog_interval();
        notifier.status(&format!("{interval:?}"));
    }

    #[test]
    fn the_service_manager_hears_what_it_expects() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).expect("a socket");
        let done = Command::new(std::env::current_exe().expect("this very program"))
            .args(["--exact", "node::notify::tests::as_a_service"])
            .env("MUTUALD_TEST_AS_A_SERVICE", "1")
            .env("NOTIFY_SOCKET", &path)
            .env("WATCHDOG_USEC", "20000000")
            .env_remove("WATCHDOG_PID")
            .output()
            .expect("it runs");
        assert!(done.status.success(), "{done:?}");
        socket.set_nonblocking(true).expect("a socket");
        let mut heard = Vec::new();
        let mut buffer = [0; 512];
        while let Ok(length) = socket.recv(&mut buffer) {
            heard.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
        }
        assert_eq!(heard[0], "READY=1\n");
        let monotonic = heard[1].strip_prefix("RELOADING=1\nMONOTONIC_USEC=").expect(&heard[1]);
        assert!(monotonic.trim_end().parse::<u64>().is_ok_and(|usec| usec > 0));
        assert_eq!(heard[2], "STATUS=3 partner hubs MAINPID=1\n");
        assert_eq!(&heard[3..], ["WATCHDOG=1\n", "STOPPING=1\n", "STATUS=Some(20s)\n"]);
    }

    #[tokio::test(start_paused = true)]
    async fn signs_of_life_come_only_while_healthy() {
        let (notifier, said) = Notifier::recorded();
        let stop = CancellationToken::new();
        // 0: no; 1: yes; 2: no answer.
        let state = Arc::new(AtomicU8::new(1));
        let asked = Arc::clone(&state);
        let task = tokio::spawn(watchdog(notifier, Duration::from_secs(20), stop.clone(), move || {
            let state = asked.load(Ordering::SeqCst);
            async move {
                if state == 2 {
                    std::future::pending::<()>().await;
                }
                state == 1
            }
        }));
        // The clock is stopped: this moves it, and waits for nobody.
        let minute = || tokio::time::sleep(Duration::from_secs(61));
        let count = || said.lock().unwrap().len();
        minute().await;
        let healthy = count();
        assert_eq!(healthy, 7, "at once and every ten seconds");
        state.store(0, Ordering::SeqCst);
        minute().await;
        state.store(2, Ordering::SeqCst);
        minute().await;
        assert_eq!(count(), healthy);
        state.store(1, Ordering::SeqCst);
        minute().await;
        assert!(count() >= healthy + 5);
        stop.cancel();
        task.await.expect("no panic").expect("ends well");
        assert!(said.lock().unwrap().iter().all(|line| line == "WATCHDOG=1"));
    }
}
