//! What is logged while a test looks: every event of this thread, at every level that an operator can ask for.

use std::io::Write;
use std::sync::{Arc, LazyLock, Mutex};
use tracing::Dispatch;
use tracing::subscriber::DefaultGuard;

/// With one subscriber alone, `tracing` asks whichever thread first comes by an event whether anybody listens there, and remembers
/// its no for all threads. Beside this one none is alone.
static SPARE: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(tracing_subscriber::registry()));

/// Listens until it is dropped.
pub struct Events {
    text: Arc<Mutex<Vec<u8>>>,
    _guard: DefaultGuard,
}

struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Events {
    /// From now on, on this thread: a test that listens runs on one.
    pub fn listen() -> Events {
        LazyLock::force(&SPARE);
        let text: Arc<Mutex<Vec<u8>>> = Arc::default();
        let into = text.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(move || Sink(into.clone()))
            .finish();
        Events { text, _guard: tracing::subscriber::set_default(subscriber) }
    }

    /// What was logged so far.
    pub fn lines(&self) -> Vec<String> {
        String::from_utf8_lossy(&self.text.lock().unwrap()).lines().map(str::to_owned).collect()
    }
}
