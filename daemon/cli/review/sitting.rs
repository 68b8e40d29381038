//! A sitting at the terminal: keys in, answers signed one by one, the screen given back whatever happens.

use super::screen::{Action, Screen};
use super::view::judgement;
use super::{Answer, Context, Failure, NOBODY, append};
use crate::cli::output::count;
use crate::node::Hub;
use crate::node::groups::Reader;
use crate::node::groups::say::SayError;
use crate::node::review::letter::{Letter, letters};
use crate::node::review::question::Question;
use crate::node::review::{Ends, Filter, queue};
use crate::record::RecordRef;
use crate::record::statement::Judgement;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyEventKind};
use serde::Serialize;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// How often the keyboard's thread looks whether it is still wanted.
const PATIENCE: Duration = Duration::from_millis(100);

#[derive(Serialize)]
struct Sat {
    answered: usize,
    taken_back: usize,
    open: u64,
    letters: Vec<Letter>,
    file: Option<PathBuf>,
}

impl fmt::Display for Sat {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answered = count(self.answered as u64, "answer", "answers");
        write!(out, "{answered} signed, {} taken back; ", self.taken_back)?;
        writeln!(out, "{}.", count(self.open, "question is open", "questions are open"))?;
        match &self.file {
            Some(file) if !self.letters.is_empty() => {
                let letters = count(self.letters.len() as u64, "letter", "letters");
                write!(out, "{letters} written to {}. Nothing was sent.", file.display())
            }
            _ => self.letters.iter().try_for_each(|letter| writeln!(out, "\n{letter}")),
        }
    }
}

/// The terminal while it is ours. Dropped, it is as it was; a panic restores it before it speaks.
struct Taken(DefaultTerminal);

impl Taken {
    fn take() -> anyhow::Result<Taken> {
        Ok(Taken(ratatui::try_init()?))
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        // A terminal that is gone cannot be told so.
        let _ = ratatui::try_restore();
    }
}

/// Reads keys on a thread of its own until it is dropped.
struct Keyboard {
    events: mpsc::Receiver<Event>,
    ended: Arc<AtomicBool>,
}

impl Keyboard {
    fn start() -> Keyboard {
        let (send, events) = mpsc::channel(64);
        let ended = Arc::new(AtomicBool::new(false));
        let stop = ended.clone();
        std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                let sent = match event::poll(PATIENCE) {
                    Ok(true) => event::read().is_ok_and(|event| send.blocking_send(event).is_ok()),
                    Ok(false) => true,
                    Err(_) => false,
                };
                // The terminal or the sitting is gone.
                if !sent {
                    return;
                }
            }
        });
        Keyboard { events, ended }
    }
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

/// A sitting.
struct Sitting<'a> {
    hub: &'a Hub,
    reader: Reader,
    filter: Filter,
    screen: Screen,
    answered: usize,
    taken_back: usize,
    letters: Vec<Letter>,
}

/// Fills the screen with questions until a person has had enough.
pub async fn sit(context: &Context, filter: Filter, blind: bool, file: Option<&Path>) -> anyhow::Result<Answer> {
    let hub = context.hub().await?;
    let mut sitting = Sitting::new(hub, filter, blind).await?;
    sitting.go(0).await?;
    let ended = sitting.run().await;
    if let Some(file) = file.filter(|_| !sitting.letters.is_empty()) {
        append(file, &sitting.letters)?;
    }
    let mut db = hub.store.read().await?;
    let open = queue(&mut db, &sitting.reader, Filter { limit: 1, ..filter }).await?.open.total;
    let Sitting { answered, taken_back, letters, .. } = sitting;
    let answer = Answer::of(&Sat { answered, taken_back, open, letters, file: file.map(Path::to_owned) })?;
    match ended {
        Ok(true) => Ok(answer),
        stopped => {
            answer.print(false);
            stopped?;
            let next = "what was answered is kept; `mutuald review` goes on";
            Err(Failure::new("the review was stopped from outside", next).into())
        }
    }
}

impl<'a> Sitting<'a> {
    async fn new(hub: &'a Hub, filter: Filter, blind: bool) -> anyhow::Result<Sitting<'a>> {
        let mut db = hub.store.read().await?;
        let reader = Reader::new(hub, &mut db).await?;
        let found = queue(&mut db, &reader, filter).await?;
        drop(db);
        hub.review_shown(&found.ends).await?;
        let screen = Screen::new(&hub.name, &found.ends, found.open.total, blind);
        Ok(Sitting { hub, reader, filter, screen, answered: 0, taken_back: 0, letters: Vec::new() })
    }

    /// Draws and obeys; `false` when a signal ended it.
    async fn run(&mut self) -> anyhow::Result<bool> {
        let mut signals =
            [signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?, signal(SignalKind::hangup())?];
        let mut terminal = Taken::take()?;
        let mut keyboard = Keyboard::start();
        let [terminated, interrupted, hung_up] = &mut signals;
        loop {
            terminal.0.draw(|frame| self.screen.draw(frame))?;
            let event = tokio::select! {
                event = keyboard.events.recv() => event,
                _ = terminated.recv() => None,
                _ = interrupted.recv() => None,
                _ = hung_up.recv() => None,
            };
            match event {
                None => return Ok(false),
                Some(Event::Key(key)) if key.kind != KeyEventKind::Release => {
                    self.screen.message.clear();
                    let action = self.screen.key(key);
                    if action == Action::Quit {
                        return Ok(true);
                    }
                    // Another program may hold the database: what did not work is said, and the sitting goes on.
                    if let Err(error) = self.obey(action).await {
                        self.screen.message = format!("That did not work: {error:#}.");
                    }
                }
                Some(_) => {}
            }
        }
    }

    async fn obey(&mut self, action: Action) -> anyhow::Result<()> {
        match action {
            Action::Stay | Action::Quit => Ok(()),
            Action::Go(at) => self.go(at).await,
            Action::Answer(said, turned) => self.answer(said, turned).await,
            Action::LeaveOut(record) => self.leave_out(record).await,
            Action::Ask => self.ask().await,
            Action::Undo => self.undo().await,
            Action::More => {
                let (answered, taken_back) = (self.answered, self.taken_back);
                let letters = std::mem::take(&mut self.letters);
                let new = Sitting::new(self.hub, self.filter, self.screen.blind).await?;
                *self = Sitting { answered, taken_back, letters, ..new };
                self.go(0).await
            }
        }
    }

    async fn load(&self, ends: Ends) -> anyhow::Result<Option<Question>> {
        let mut db = self.hub.store.read().await?;
        Ok(Question::load(&mut db, &self.reader, ends).await?)
    }

    /// Shows a question. Those that other answers have settled are passed over, once.
    async fn go(&mut self, at: usize) -> anyhow::Result<()> {
        let mut at = at;
        while let Some(entry) = self.screen.entries.get(at) {
            let (ends, fresh) = (entry.ends, entry.done.is_none());
            let question = self.load(ends).await?;
            let settled = match &question {
                Some(question) if question.one_group && question.said.is_none() => "one group by other answers",
                Some(_) => "",
                None => "an entry is gone",
            };
            if fresh && !settled.is_empty() {
                self.screen.entries[at].done = Some(settled.into());
                at += 1;
                continue;
            }
            self.screen.show(at, question);
            return Ok(());
        }
        self.screen.show(at, None);
        Ok(())
    }

    /// Marks the question that is shown, and goes on to the next.
    async fn done(&mut self, words: String, message: String) -> anyhow::Result<()> {
        let at = self.screen.at;
        if let Some(entry) = self.screen.entries.get_mut(at) {
            entry.done = Some(words);
        }
        let next = self.screen.next();
        self.go(next).await?;
        self.screen.message = message;
        Ok(())
    }

    async fn answer(&mut self, said: Judgement, turned: bool) -> anyhow::Result<()> {
        let Some(question) = &self.screen.question else { return Ok(()) };
        self.hub.answer(question, said, turned).await?;
        self.answered += 1;
        let name = question.left.merged.name().to_owned();
        let held = said == Judgement::Same && !self.load(question.ends).await?.is_some_and(|after| after.one_group);
        let but = if held { "; another decision keeps them apart" } else { "" };
        self.done(judgement(said).into(), format!("{name}: {}{but}. u takes it back.", judgement(said))).await
    }

    async fn leave_out(&mut self, record: RecordRef) -> anyhow::Result<()> {
        let Some(question) = &self.screen.question else { return Ok(()) };
        let (ends, letter) = (question.ends, question.letter(&record).unwrap_or_default());
        let side = if question.left.member(&record).is_some() { &question.left } else { &question.right };
        let said = self.hub.leave_out(side, record).await?;
        self.answered += 1;
        // The question is still the same two records', with one of the sides smaller.
        let question = self.load(ends).await?;
        self.screen.show(self.screen.at, question);
        let apart = count(said.statements as u64, "entry", "entries");
        self.screen.message = format!("{letter} is left out: kept apart from {apart}. u takes it back.");
        Ok(())
    }

    async fn ask(&mut self) -> anyhow::Result<()> {
        let Some(question) = &self.screen.question else { return Ok(()) };
        let mut db = self.hub.store.read().await?;
        let found = letters(self.hub, &mut db, question).await?;
        drop(db);
        let Some(first) = found.first() else {
            self.screen.message = format!("{NOBODY}.");
            return Ok(());
        };
        let message = format!("A text to {} is ready; you get it when you quit.", first.hub);
        self.hub.review_written(question.ends).await?;
        self.letters.extend(found);
        self.done("the other hub is asked".into(), message).await
    }

    async fn undo(&mut self) -> anyhow::Result<()> {
        let undone = match self.hub.undo().await {
            Ok(undone) => undone,
            Err(error) if error.downcast_ref() == Some(&SayError::NothingToUndo) => {
                self.screen.message = "There is nothing to take back.".into();
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        self.taken_back += 1;
        let turned = |(a, b): Ends| (a.min(b), a.max(b));
        let known = |pair: &Ends| self.screen.entries.iter().position(|entry| turned(entry.ends) == turned(*pair));
        let mut at = self.screen.at;
        if let Some(known) = undone.pairs.iter().find_map(known) {
            at = known;
            self.screen.entries[at].done = None;
        } else if let Some(pair) = undone.pairs.first()
            && self.load(*pair).await?.is_some_and(|question| !question.one_group)
        {
            // An answer of another day: its question comes in here.
            at = at.min(self.screen.entries.len());
            self.screen.entries.insert(at, super::screen::Entry { ends: *pair, done: None });
        }
        // What other answers had settled may be open again.
        for entry in &mut self.screen.entries {
            if entry.done.as_deref() == Some("one group by other answers") {
                entry.done = None;
            }
        }
        self.go(at).await?;
        let what = count(undone.pairs.len() as u64, "judgement is", "judgements are");
        self.screen.message = format!("{what} taken back.");
        Ok(())
    }
}
