//! The one owner of the daemon's tasks: it starts them by name, hears the signals, and knows how each task ended.
//!
//! A task runs until it is asked to stop. The first SIGTERM or SIGINT asks ([`Lifecycle::soft`]): finish what is under way, take on
//! nothing new. A second one, or the end of the time allowed, drops what is left ([`Lifecycle::hard`]); the database and the feed are
//! written so that this is safe at any point. A task that ends unasked, well or badly or by panic, takes the whole daemon down in
//! the same orderly way, and the result says which it was: half a daemon is worse than a restart.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::notify::Notifier;

/// How long the daemon's tasks may take to finish when asked to. The service manager waits longer: `TimeoutStopSec` in
/// `config/mutuald.service`.
pub const DRAIN: Duration = Duration::from_secs(30);

/// How long dropped tasks may take to go. Only one that blocks its thread needs any.
const GRACE: Duration = Duration::from_secs(2);

/// What the world outside asks of a daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM or SIGINT.
    Stop,
    /// SIGHUP: read the configuration again.
    Reload,
}

enum Signals {
    System {
        terminate: tokio::signal::unix::Signal,
        interrupt: tokio::signal::unix::Signal,
        hang_up: tokio::signal::unix::Signal,
    },
    Driven(mpsc::Receiver<Signal>),
}

impl Signals {
    /// The next one; never, when whoever drives them has gone.
    async fn next(&mut self) -> Signal {
        let next = match self {
            Self::System { terminate, interrupt, hang_up } => tokio::select! {
                signal = terminate.recv() => signal.map(|()| Signal::Stop),
                signal = interrupt.recv() => signal.map(|()| Signal::Stop),
                signal = hang_up.recv() => signal.map(|()| Signal::Reload),
            },
            Self::Driven(signals) => signals.recv().await,
        };
        match next {
            Some(signal) => signal,
            None => std::future::pending().await,
        }
    }
}

/// A request to read the configuration again. The service manager is told that the reload has ended when this is dropped.
#[derive(Debug)]
pub struct Reload {
    _ended: oneshot::Sender<()>,
}

/// The tasks of one daemon, until [`run_until_stopped`](Self::run_until_stopped) has seen the last of them end.
pub struct Lifecycle {
    tasks: JoinSet<Option<anyhow::Result<()>>>,
    names: HashMap<Id, String>,
    soft: CancellationToken,
    hard: CancellationToken,
    signals: Signals,
    notifier: Notifier,
    reloads: Option<mpsc::Sender<Reload>>,
}

impl Lifecycle {
    /// Listens to the process's signals from now on. Must be called in a tokio runtime; an error if it cannot listen.
    pub fn new(notifier: Notifier) -> io::Result<Self> {
        Ok(Self::listening_to(
            Signals::System {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
                hang_up: signal(SignalKind::hangup())?,
            },
            notifier,
        ))
    }

    /// Listens to a channel instead of the process's signals: for several hubs in one process, and for tests.
    pub fn driven(notifier: Notifier, signals: mpsc::Receiver<Signal>) -> Self {
        Self::listening_to(Signals::Driven(signals), notifier)
    }

    fn listening_to(signals: Signals, notifier: Notifier) -> Self {
        Self {
            tasks: JoinSet::new(),
            names: HashMap::new(),
            soft: CancellationToken::new(),
            hard: CancellationToken::new(),
            signals,
            notifier,
            reloads: None,
        }
    }

    /// Cancelled when tasks are asked to stop. A task that sees it finishes what it is doing and returns.
    pub fn soft(&self) -> CancellationToken {
        self.soft.clone()
    }

    /// Cancelled when what is left is dropped. Tasks are dropped at their next await without looking at it; it is for work on
    /// threads of its own, which nobody can drop.
    pub fn hard(&self) -> CancellationToken {
        self.hard.clone()
    }

    /// The reload requests. Whoever takes this answers them; a later call takes them over.
    pub fn reloads(&mut self) -> mpsc::Receiver<Reload> {
        let (sender, receiver) = mpsc::channel(1);
        self.reloads = Some(sender);
        receiver
    }

    /// Starts a task that runs as long as the daemon does. That it ends unasked, in whatever way, stops the daemon.
    pub fn spawn<F>(&mut self, name: impl Into<String>, task: F)
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let hard = self.hard.clone();
        let handle = self.tasks.spawn(async move {
            tokio::select! {
                // The task first: one that was asked at the same moment, and has nothing left to do, has ended and is not dropped.
                biased;
                end = task => Some(end),
                () = hard.cancelled() => None,
            }
        });
        self.names.insert(handle.id(), name.into());
    }

    /// Tells the service manager that the daemon is ready, and waits until every task has ended: asked by a signal, or because one of
    /// them ended unasked. From the first asking, tasks have the time `drain` to finish.
    pub async fn run_until_stopped(mut self, drain: Duration) -> Stopped {
        self.notifier.ready();
        let mut stopped = Stopped::default();
        // When to go one step further; set from the first asking on.
        let mut deadline: Option<Instant> = None;
        let mut reloading: Option<oneshot::Receiver<()>> = None;
        let mut reload_again = false;
        while deadline.is_none() || !self.tasks.is_empty() {
            let asked = deadline.is_some();
            tokio::select! {
                // In this order, so that what follows from one moment's events does not depend on chance.
                biased;
                Some(end) = self.tasks.join_next_with_id() => {
                    if self.note_end(end, asked, &mut stopped) && !asked {
                        deadline = Some(self.ask_to_stop(drain));
                    }
                }
                signal = self.signals.next() => match signal {
                    Signal::Stop if !asked => {
                        tracing::info!(tasks = self.tasks.len(), "asked to stop; finishing what is under way");
                        deadline = Some(self.ask_to_stop(drain));
                    }
                    Signal::Stop => {
                        tracing::warn!("asked to stop again");
                        deadline = Some(self.drop_tasks(deadline));
                    }
                    Signal::Reload if asked => {}
                    Signal::Reload if reloading.is_some() => reload_again = true,
                    Signal::Reload => reloading = Some(self.ask_to_reload()),
                },
                // An error means that the request was dropped, which is how a reload ends.
                _ = wait_for(&mut reloading) => {
                    reloading = None;
                    if asked {
                        // It was told that the daemon is stopping; nothing is ready any more.
                        continue;
                    }
                    self.notifier.ready();
                    if std::mem::take(&mut reload_again) {
                        reloading = Some(self.ask_to_reload());
                    }
                }
                () = wait_until(deadline) => {
                    if self.hard.is_cancelled() {
                        // Tasks that block their threads. The process's end takes them.
                        break;
                    }
                    tracing::warn!(seconds = drain.as_secs(), "the time to finish is over");
                    deadline = Some(self.drop_tasks(deadline));
                }
            }
        }
        stopped.dropped.extend(self.names.into_values());
        stopped.dropped.sort();
        if !stopped.dropped.is_empty() {
            tracing::warn!(tasks = ?stopped.dropped, "stopped without waiting for these");
        }
        stopped
    }

    fn ask_to_stop(&self, drain: Duration) -> Instant {
        self.notifier.stopping();
        self.soft.cancel();
        Instant::now() + drain
    }

    fn drop_tasks(&self, deadline: Option<Instant>) -> Instant {
        if self.hard.is_cancelled() {
            return deadline.unwrap_or_else(Instant::now);
        }
        self.hard.cancel();
        Instant::now() + GRACE
    }

    fn ask_to_reload(&self) -> oneshot::Receiver<()> {
        self.notifier.reloading();
        let (ended, wait) = oneshot::channel();
        let request = Reload { _ended: ended };
        // One reload is under way at a time, so there is room unless nobody listens; then the request is dropped here, and ends.
        if self.reloads.as_ref().is_none_or(|reloads| reloads.try_send(request).is_err()) {
            tracing::warn!("nothing here can be reloaded");
        }
        wait
    }

    /// Takes down how a task ended, and says whether that was a failure.
    fn note_end(
        &mut self,
        end: Result<(Id, Option<anyhow::Result<()>>), JoinError>,
        asked: bool,
        stopped: &mut Stopped,
    ) -> bool {
        let id = match &end {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        // Every task was given its name when it was spawned.
        let task = self.names.remove(&id).unwrap_or_default();
        let how = match end {
            Ok((_, None)) => {
                stopped.dropped.push(task);
                return false;
            }
            Ok((_, Some(Ok(())))) if asked => {
                tracing::debug!(task, "finished");
                return false;
            }
            Ok((_, Some(Ok(())))) => How::Returned,
            Ok((_, Some(Err(error)))) => How::Failed(error),
            Err(error) => How::Panicked(match error.try_into_panic() {
                Ok(panic) => words_of(panic.as_ref()),
                Err(error) => error.to_string(),
            }),
        };
        let end = TaskEnd { task, how };
        tracing::error!(task = end.task, reason = end.how.code(), "{end}");
        stopped.failures.push(end);
        true
    }
}

async fn wait_for(reloading: &mut Option<oneshot::Receiver<()>>) {
    match reloading {
        Some(ended) => {
            // Either way it has ended.
            let _ = ended.await;
        }
        None => std::future::pending().await,
    }
}

async fn wait_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

fn words_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message").to_owned()
}

/// How a daemon came to its end.
#[derive(Debug, Default)]
pub struct Stopped {
    /// Tasks that failed, in order: the first is why the daemon stopped, unless it was asked to before.
    pub failures: Vec<TaskEnd>,
    /// Tasks that did not finish in time and were dropped, by name.
    pub dropped: Vec<String>,
}

impl Stopped {
    /// An error naming the failed tasks, if any failed; the process's exit status follows it. Being dropped is no failure: it was
    /// asked for, and loses nothing.
    pub fn into_result(self) -> anyhow::Result<()> {
        let mut failures = self.failures.into_iter();
        let Some(first) = failures.next() else {
            return Ok(());
        };
        let later: String = failures.map(|later| format!(", and then {later}")).collect();
        let task = &first.task;
        Err(match first.how {
            // The error keeps its causes; whoever prints it prints them.
            How::Failed(error) => error.context(format!("the task \"{task}\" failed{later}")),
            How::Returned | How::Panicked(_) => anyhow::anyhow!("{first}{later}"),
        })
    }
}

/// A task's end that was not asked for, or not in this way.
#[derive(Debug)]
pub struct TaskEnd {
    /// The task's name.
    pub task: String,
    /// How it ended.
    pub how: How,
}

/// How a task failed.
#[derive(Debug)]
pub enum How {
    /// It returned without being asked to stop.
    Returned,
    /// It gave an error, asked or not.
    Failed(anyhow::Error),
    /// It panicked, with these words.
    Panicked(String),
}

impl How {
    /// The stable name of the reason.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Returned => "task-returned",
            Self::Failed(_) => "task-failed",
            Self::Panicked(_) => "task-panicked",
        }
    }
}

impl fmt::Display for TaskEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let task = &self.task;
        match &self.how {
            How::Returned => write!(f, "the task \"{task}\" ended although nobody asked it to"),
            How::Failed(error) => write!(f, "the task \"{task}\" failed: {error:#}"),
            How::Panicked(words) => write!(f, "the task \"{task}\" panicked: {words}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    type Said = Arc<Mutex<Vec<String>>>;

    fn driven() -> (Lifecycle, mpsc::Sender<Signal>, Said) {
        let (notifier, said) = Notifier::recorded();
        let (signals, receiver) = mpsc::channel(8);
        (Lifecycle::driven(notifier, receiver), signals, said)
    }

    /// Ends when asked, as a task should.
    async fn obedient(soft: CancellationToken) -> anyhow::Result<()> {
        soft.cancelled().await;
        Ok(())
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_signal_lets_tasks_finish() {
        let (mut life, signals, said) = driven();
        let soft = life.soft();
        let (done, finished) = oneshot::channel();
        life.spawn("web", obedient(life.soft()));
        life.spawn("pull", async move {
            soft.cancelled().await;
            tokio::time::sleep(DRAIN / 2).await;
            done.send("committed").ok();
            Ok(())
        });
        signals.send(Signal::Stop).await.unwrap();
        let stopped = life.run_until_stopped(DRAIN).await;
        assert!(stopped.dropped.is_empty());
        stopped.into_result().expect("a stop that was asked for");
        assert_eq!(finished.await, Ok("committed"));
        assert_eq!(*said.lock().unwrap(), ["READY=1", "STOPPING=1"]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_second_signal_or_the_end_of_time_drops_them() {
        for second in [true, false] {
            let (mut life, signals, _) = driven();
            let hard = life.hard();
            life.spawn("web", obedient(life.soft()));
            life.spawn("pull", std::future::pending());
            signals.send(Signal::Stop).await.unwrap();
            if second {
                signals.send(Signal::Stop).await.unwrap();
            }
            let start = Instant::now();
            let stopped = life.run_until_stopped(DRAIN).await;
            assert_eq!(stopped.dropped, ["pull"]);
            assert!(stopped.into_result().is_ok() && hard.is_cancelled());
            let expected = if second { Duration::ZERO } else { DRAIN };
            // The stopped clock moves in steps of a millisecond.
            assert!(start.elapsed() - expected < Duration::from_millis(2));
        }
    }

    async fn ended_by(task: impl Future<Output = anyhow::Result<()>> + Send + 'static) -> (Stopped, Said) {
        let (mut life, _signals, said) = driven();
        life.spawn("web", obedient(life.soft()));
        life.spawn("pull", task);
        (life.run_until_stopped(DRAIN).await, said)
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_ends_unasked_stops_all_and_is_named() {
        let (returned, said) = ended_by(async { Ok(()) }).await;
        assert_eq!(*said.lock().unwrap(), ["READY=1", "STOPPING=1"]);
        let (failed, _) = ended_by(async { Err(anyhow::anyhow!("disk full").context("cannot commit")) }).await;
        let (panicked, _) = ended_by(async { panic!("{} is not {}", 1, 2) }).await;
        for (stopped, code, says) in [
            (returned, "task-returned", "\"pull\" ended although nobody"),
            (failed, "task-failed", "\"pull\" failed: cannot commit: disk full"),
            (panicked, "task-panicked", "\"pull\" panicked: 1 is not 2"),
        ] {
            assert_eq!(stopped.failures.len(), 1, "only the one is to blame");
            assert_eq!(stopped.failures[0].how.code(), code);
            assert!(stopped.dropped.is_empty());
            let error = stopped.into_result().expect_err("a failing status");
            assert!(format!("{error:#}").contains(says), "{error:#}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_while_finishing_is_a_failure_too() {
        let (mut life, signals, _) = driven();
        let soft = life.soft();
        life.spawn("publish", async move {
            soft.cancelled().await;
            anyhow::bail!("the last commit failed")
        });
        signals.send(Signal::Stop).await.unwrap();
        let error = life.run_until_stopped(DRAIN).await.into_result();
        assert!(format!("{:#}", error.unwrap_err()).contains("the last commit"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_reload_lasts_until_it_is_answered_and_none_is_lost() {
        let (mut life, signals, said) = driven();
        let mut reloads = life.reloads();
        let soft = life.soft();
        let (first, saw_first) = oneshot::channel();
        life.spawn("reload", async move {
            let mut first = Some(first);
            while let Some(Some(request)) = soft.run_until_cancelled(reloads.recv()).await {
                first.take().map(|first| first.send(()));
                tokio::time::sleep(Duration::from_secs(1)).await;
                drop(request);
            }
            Ok(())
        });
        let running = tokio::spawn(life.run_until_stopped(DRAIN));
        signals.send(Signal::Reload).await.unwrap();
        saw_first.await.unwrap();
        // Two more while the first is being answered are one more: each reads the newest file.
        signals.send(Signal::Reload).await.unwrap();
        signals.send(Signal::Reload).await.unwrap();
        tokio::time::sleep(Duration::from_secs(5)).await;
        signals.send(Signal::Stop).await.unwrap();
        running.await.unwrap().into_result().expect("a clean stop");
        let said: Vec<String> =
            said.lock().unwrap().iter().map(|line| line.split(" MONOTONIC_USEC=").next().unwrap().to_owned()).collect();
        let reload = ["RELOADING=1", "READY=1"];
        assert_eq!(said, [&["READY=1"][..], &reload, &reload, &["STOPPING=1"]].concat());
    }

    #[tokio::test(start_paused = true)]
    async fn a_reload_that_ends_while_the_daemon_stops_makes_nothing_ready() {
        let (mut life, signals, said) = driven();
        let mut reloads = life.reloads();
        let (first, saw_first) = oneshot::channel();
        life.spawn("reload", async move {
            let request = reloads.recv().await;
            first.send(()).ok();
            tokio::time::sleep(Duration::from_secs(1)).await;
            drop(request);
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(())
        });
        let running = tokio::spawn(life.run_until_stopped(DRAIN));
        for _ in 0..2 {
            signals.send(Signal::Reload).await.unwrap();
        }
        saw_first.await.unwrap();
        signals.send(Signal::Stop).await.unwrap();
        running.await.unwrap().into_result().expect("a clean stop");
        assert_eq!(said.lock().unwrap().last().map(String::as_str), Some("STOPPING=1"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_reload_that_nobody_answers_ends_at_once() {
        let (mut life, signals, said) = driven();
        life.spawn("web", obedient(life.soft()));
        signals.send(Signal::Reload).await.unwrap();
        let running = tokio::spawn(life.run_until_stopped(DRAIN));
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(said.lock().unwrap().len(), 3);
        assert_eq!(said.lock().unwrap()[2], "READY=1");
        signals.send(Signal::Stop).await.unwrap();
        running.await.unwrap().into_result().expect("a clean stop");
    }

    /// Not a test by itself: the daemon that the next one runs and sends signals to.
    #[tokio::test]
    async fn as_a_daemon() {
        if std::env::var_os("MUTUALD_TEST_AS_A_DAEMON").is_none() {
            return;
        }
        let mut life = Lifecycle::new(Notifier::from_environment()).expect("it can listen");
        life.spawn("web", obedient(life.soft()));
        let stopped = life.run_until_stopped(DRAIN).await;
        stopped.into_result().expect("a stop that was asked for");
    }

    #[test]
    fn real_signals_reload_and_stop_a_real_process() {
        use std::os::unix::net::UnixDatagram;
        use std::process::Command;

        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).expect("a socket");
        // Only so that a failure ends: every message is waited for, none is slept for.
        socket.set_read_timeout(Some(Duration::from_secs(30))).expect("a socket");
        let hears = |beginning: &str| {
            let mut buffer = [0; 512];
            let length = socket.recv(&mut buffer).expect(beginning);
            let heard = String::from_utf8_lossy(&buffer[..length]);
            assert!(heard.starts_with(beginning), "{heard} is not {beginning}");
        };
        for stop in ["TERM", "INT"] {
            let mut daemon = Command::new(std::env::current_exe().expect("this very program"))
                .args(["--exact", "node::lifecycle::tests::as_a_daemon"])
                .env("MUTUALD_TEST_AS_A_DAEMON", "1")
                .env("NOTIFY_SOCKET", &path)
                .stdout(std::process::Stdio::null())
                .spawn()
                .expect("it starts");
            let send = |signal: &str| {
                let line = format!("kill -{signal} {}", daemon.id());
                let sent = Command::new("sh").args(["-c", &line]).status();
                assert!(sent.is_ok_and(|status| status.success()), "{line}");
            };
            hears("READY=1");
            send("HUP");
            hears("RELOADING=1\nMONOTONIC_USEC=");
            hears("READY=1");
            send(stop);
            hears("STOPPING=1");
            assert_eq!(daemon.wait().expect("it ends").code(), Some(0), "{stop}");
        }
    }
}
