//! What fills the screen, and what keys mean: a state, drawn. No terminal, no database.

use super::text::{plain, told_apart, wrapped};
use super::view::{judgement, source};
use crate::node::groups::{Known, One};
use crate::node::review::Ends;
use crate::node::review::question::{Cell, Mark, Question, letter};
use crate::record::RecordRef;
use crate::record::statement::Judgement;
use ratatui::Frame;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

/// Smaller than this nothing can be compared.
const LEAST: (u16, u16) = (60, 16);
/// Column of the mark and the field's name.
const LABEL: usize = 14;

/// One question of the sitting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its two records.
    pub ends: Ends,
    /// What became of it here, in words.
    pub done: Option<String>,
}

/// What the screen waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Looking,
    /// Which way round?
    Way(Judgement),
    /// Which entry is left out?
    LeaveOut,
    Help,
    /// All were looked at.
    End,
}

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Nothing beyond drawing again.
    Stay,
    /// An answer; with `true` the right is its subject.
    Answer(Judgement, bool),
    /// Leave a record out of its side.
    LeaveOut(RecordRef),
    /// Write to the other hub.
    Ask,
    /// Take the last step back.
    Undo,
    /// Look at this question.
    Go(usize),
    /// The next ones.
    More,
    /// End.
    Quit,
}

/// The state of a sitting.
pub struct Screen {
    /// This hub's name.
    pub hub: String,
    /// The questions.
    pub entries: Vec<Entry>,
    /// The one that is shown.
    pub at: usize,
    /// Questions open when the sitting began.
    pub open: u64,
    /// It, read.
    pub question: Option<Question>,
    /// What was just done.
    pub message: String,
    /// Whether the program's opinion is kept back until a question is answered.
    pub blind: bool,
    mode: Mode,
    scroll: usize,
}

impl Screen {
    /// A sitting about these questions.
    pub fn new(hub: &str, ends: &[Ends], open: u64, blind: bool) -> Screen {
        let entries = ends.iter().map(|ends| Entry { ends: *ends, done: None }).collect();
        let hub = hub.to_owned();
        Screen {
            hub,
            entries,
            at: 0,
            open,
            question: None,
            message: String::new(),
            blind,
            mode: Mode::Looking,
            scroll: 0,
        }
    }

    /// Shows a question; `None` past the last.
    pub fn show(&mut self, at: usize, question: Option<Question>) {
        self.at = at.min(self.entries.len());
        self.mode = if self.at == self.entries.len() { Mode::End } else { Mode::Looking };
        self.question = question;
        self.scroll = 0;
    }

    /// How many are answered.
    pub fn answered(&self) -> usize {
        self.entries.iter().filter(|entry| entry.done.is_some()).count()
    }

    /// The next question that nothing became of yet, after this one, then before it; past the last when there is none.
    pub fn next(&self) -> usize {
        let open = |at: &usize| self.entries[*at].done.is_none();
        (self.at + 1..self.entries.len()).find(open).or_else(|| (0..self.at).find(open)).unwrap_or(self.entries.len())
    }

    /// What a key means now.
    pub fn key(&mut self, key: KeyEvent) -> Action {
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return if matches!(key.code, KeyCode::Char('c' | 'd')) { Action::Quit } else { Action::Stay };
        }
        match self.mode {
            Mode::Looking => self.looking(key.code),
            Mode::Way(said) => match key.code {
                KeyCode::Char('1') => self.back(Action::Answer(said, false)),
                KeyCode::Char('2') => self.back(Action::Answer(said, true)),
                KeyCode::Esc | KeyCode::Char('q') => self.back(Action::Stay),
                _ => Action::Stay,
            },
            Mode::LeaveOut => match key.code {
                KeyCode::Char(c) => match self.candidates().into_iter().find(|(choice, ..)| *choice == c) {
                    Some((_, _, record)) => self.back(Action::LeaveOut(record)),
                    None => Action::Stay,
                },
                KeyCode::Esc => self.back(Action::Stay),
                _ => Action::Stay,
            },
            Mode::Help => self.back(Action::Stay),
            Mode::End => match key.code {
                KeyCode::Char('r') => Action::More,
                KeyCode::Char('u') => Action::Undo,
                KeyCode::Char('p') | KeyCode::Left => Action::Go(self.entries.len().saturating_sub(1)),
                KeyCode::Char('q') | KeyCode::Esc => Action::Quit,
                _ => Action::Stay,
            },
        }
    }

    fn back(&mut self, action: Action) -> Action {
        self.mode = Mode::Looking;
        action
    }

    fn looking(&mut self, key: KeyCode) -> Action {
        match key {
            KeyCode::Char('s') => Action::Answer(Judgement::Same, false),
            KeyCode::Char('d') => Action::Answer(Judgement::Different, false),
            KeyCode::Char('n') => Action::Answer(Judgement::Unsure, false),
            KeyCode::Char('v') => Action::Answer(Judgement::SameVenue, false),
            KeyCode::Char('b') => self.ask(Mode::Way(Judgement::BranchOf)),
            KeyCode::Char('h') => self.ask(Mode::Way(Judgement::HostedBy)),
            KeyCode::Char('c') => self.ask(Mode::Way(Judgement::SucceededBy)),
            KeyCode::Char('l') if self.candidates().is_empty() => {
                self.message = "Each side is one entry: there is nothing to leave out.".into();
                Action::Stay
            }
            KeyCode::Char('l') => self.ask(Mode::LeaveOut),
            KeyCode::Char('a') => Action::Ask,
            KeyCode::Char('u') => Action::Undo,
            KeyCode::Char('p') | KeyCode::Left => Action::Go(self.at.saturating_sub(1)),
            KeyCode::Char(' ') | KeyCode::Right => Action::Go(self.at + 1),
            KeyCode::Char('?') | KeyCode::F(1) => self.ask(Mode::Help),
            KeyCode::Char('q') | KeyCode::Esc => Action::Quit,
            KeyCode::Up => self.roll(-1),
            KeyCode::Down => self.roll(1),
            KeyCode::PageUp => self.roll(-8),
            KeyCode::PageDown => self.roll(8),
            _ => Action::Stay,
        }
    }

    fn ask(&mut self, mode: Mode) -> Action {
        self.mode = mode;
        Action::Stay
    }

    fn roll(&mut self, by: isize) -> Action {
        self.scroll = self.scroll.saturating_add_signed(by);
        Action::Stay
    }

    /// Entries that can be left out of their side: the key, the letter, the record.
    fn candidates(&self) -> Vec<(char, String, RecordRef)> {
        let Some(question) = &self.question else { return Vec::new() };
        let sides = [&question.left, &question.right];
        let several = sides.iter().enumerate().filter(|(_, known)| known.members.len() > 1);
        let all = several.flat_map(|(side, known)| {
            known.members.iter().enumerate().map(move |(at, one)| (letter(side, at), one.record))
        });
        ('1'..='9').chain('a'..='z').zip(all).map(|(key, (letter, record))| (key, letter, record)).collect()
    }

    /// Draws it.
    pub fn draw(&mut self, frame: &mut Frame) {
        let area = frame.area();
        if area.width < LEAST.0 || area.height < LEAST.1 {
            let text =
                format!("Please make this window larger: {} by {} at least, 80 by 24 is good.", LEAST.0, LEAST.1);
            frame.render_widget(Paragraph::new(plain(&text, usize::from(area.width))), area);
            return;
        }
        let width = usize::from(area.width);
        let (why, prompt) = (self.why(width), self.prompt(width));
        let rows = [
            Constraint::Length(1),
            Constraint::Min(3),
            Constraint::Length(why.len() as u16),
            Constraint::Length(1),
            Constraint::Length(prompt.len() as u16),
        ];
        let [title, body, reasons, message, keys] = Layout::vertical(rows).areas(area);
        frame.render_widget(
            Paragraph::new(self.title(width)).style(Style::new().add_modifier(Modifier::REVERSED)),
            title,
        );
        self.body(frame, body);
        frame.render_widget(Paragraph::new(why), reasons);
        frame.render_widget(Paragraph::new(Line::from(self.message.clone()).bold()), message);
        frame.render_widget(Paragraph::new(prompt), keys);
    }

    fn title(&self, width: usize) -> Line<'static> {
        let state = match self.entries.get(self.at) {
            Some(Entry { done: Some(done), .. }) => format!(" [{done}]"),
            Some(_) => String::new(),
            None => " [end]".into(),
        };
        let shown = (self.at + 1).min(self.entries.len());
        let (of, answered) = (self.entries.len(), self.answered());
        let left = format!(" The same group?  {shown} of {of}{state}");
        let right = format!("{answered} answered, {} open | {} ", self.open, self.hub);
        let room = width.saturating_sub(Span::raw(left.as_str()).width());
        Line::from(format!("{left}{right:>room$}"))
    }

    fn body(&mut self, frame: &mut Frame, area: Rect) {
        let width = usize::from(area.width);
        let lines = match (&self.question, self.mode) {
            (_, Mode::Help) => help(width),
            (Some(question), _) => compared(question, width),
            (None, Mode::End) => self.end(width),
            (None, _) => plain("One of the two entries is gone: nothing is left to decide here.", width),
        };
        let room = usize::from(area.height);
        self.scroll = self.scroll.min(lines.len().saturating_sub(room));
        let below = lines.len().saturating_sub(self.scroll + room);
        frame.render_widget(Paragraph::new(lines).scroll((self.scroll as u16, 0)), area);
        if below > 0 {
            let text = format!(" {below} more lines: Down ");
            let wide = (text.len() as u16).min(area.width);
            let corner = Rect::new(area.right() - wide, area.bottom() - 1, wide, 1);
            frame.render_widget(Paragraph::new(text).style(Style::new().add_modifier(Modifier::REVERSED)), corner);
        }
    }

    fn end(&self, width: usize) -> Vec<Line<'static>> {
        let text = match self.entries.len() {
            0 => "No question is open here.".to_owned(),
            n => format!("These {n} questions are at their end; {} were answered.", self.answered()),
        };
        let mut lines = vec![Line::default()];
        lines.extend(plain(&text, width));
        lines.extend(plain("What is left open does no harm. The next questions: r. To end: q.", width));
        lines
    }

    /// Why it is asked, and what an answer would change: at most four lines each, cut with a sign.
    fn why(&self, width: usize) -> Vec<Line<'static>> {
        let Some(question) = self.question.as_ref().filter(|_| self.mode != Mode::Help) else { return Vec::new() };
        let mut lines = vec![Line::from("─".repeat(width)).style(Style::new().fg(Color::DarkGray))];
        let mut part = |head: &str, text: &str, most: usize| {
            let mut part = plain(&format!("{head} {text}"), width);
            if part.len() > most {
                part.truncate(most);
                let last = part.pop().map(|line| Line::from(format!("{} …", cut(&line.to_string(), width - 2))));
                part.extend(last);
            }
            lines.extend(part);
        };
        if self.blind && question.said.is_none() {
            part("Why:", "kept back until you have answered (--blind).", 1);
        } else {
            let perhaps = question.why.relation.map(|relation| format!(" Perhaps: {}.", judgement(relation)));
            part("Why:", &format!("{}.{}", question.words(), perhaps.unwrap_or_default()), 4);
        }
        part("", &question.change(), 3);
        lines
    }

    fn prompt(&self, width: usize) -> Vec<Line<'static>> {
        let text = match self.mode {
            Mode::Way(said) => {
                let what = said.label().replace('-', " ");
                let (a, b) = match &self.question {
                    Some(question) => (question.left.merged.name().to_owned(), question.right.merged.name().to_owned()),
                    None => ("A".into(), "B".into()),
                };
                format!("1 {a} is (or was) {what} {b} | 2 {b} is (or was) {what} {a} | Esc neither")
            }
            Mode::LeaveOut => {
                let choices: Vec<String> =
                    self.candidates().into_iter().map(|(key, letter, _)| format!("{key} {letter}")).collect();
                format!("Which entry is none of the others of its side? {} | Esc none", choices.join(" | "))
            }
            Mode::Help => "Any key goes back".into(),
            Mode::End => "r next questions | p previous | u undo | q quit".into(),
            Mode::Looking => "s same | d different | n not sure | b branch of | h hosted by | c succeeded by | v one venue | \
                              l leave one out | a ask the other hub | u undo | p previous | Space next | ? help | q quit"
                .into(),
        };
        keys(&text, width)
    }
}

/// Cuts a text to a width.
fn cut(text: &str, width: usize) -> String {
    let mut kept = String::new();
    for c in text.chars() {
        kept.push(c);
        if Span::raw(kept.as_str()).width() > width {
            kept.pop();
            break;
        }
    }
    kept
}

/// Keys and what they do, wrapped between two of them.
fn keys(text: &str, width: usize) -> Vec<Line<'static>> {
    let mut lines: Vec<Line> = vec![Line::default()];
    for item in text.split(" | ") {
        let words: Vec<Line> = plain(item, width);
        let wide = words.first().map_or(0, Line::width);
        if let Some(last) = lines.last_mut() {
            if words.len() == 1 && last.width() > 0 && last.width() + 3 + wide <= width {
                last.push_span(Span::raw("   "));
                last.push_span(Span::raw(item.to_owned()));
                continue;
            }
            if last.width() == 0 {
                lines.pop();
            }
        }
        lines.extend(words);
    }
    lines.into_iter().map(|line| line.style(Style::new().fg(Color::Cyan))).collect()
}

fn help(width: usize) -> Vec<Line<'static>> {
    let text = [
        ("=", "both say the same"),
        ("~", "one says more"),
        ("X", "they cannot both be right; words that only one side has are underlined"),
        ("-", "only one side says anything. [A2] after a text: only that entry says so"),
        ("s", "same: one group, shown as one entry with all its sources"),
        ("d", "different: two groups, never asked again"),
        ("n", "not sure: looked at, not clear, not asked again"),
        ("b h c", "two groups: one is a branch of the other, hosted by it, or was succeeded by it"),
        ("v", "two groups that only meet in one venue"),
        ("l", "leave one entry out of its side: it is none of the others there"),
        ("a", "write a text to the hub whose entry it is; you get it when you quit, nothing is sent"),
        ("u", "takes back the last answer, also of an earlier day; again for the one before"),
        ("p Space", "previous, next: look again, answer otherwise; nothing is lost"),
        ("q", "stop. Every answer was signed at once, and partner hubs see it"),
    ];
    let mut lines = Vec::new();
    for (key, meaning) in text {
        for (n, line) in plain(meaning, width - 9).into_iter().enumerate() {
            lines.push(Line::from(format!("{:<9}{line}", if n == 0 { key } else { "" })));
        }
    }
    lines
}

/// Both sides, field by field.
fn compared(question: &Question, width: usize) -> Vec<Line<'static>> {
    let column = (width - LABEL - 3) / 2;
    let mut lines = Vec::new();
    let head = |known: &Known, side: usize| -> Vec<Line<'static>> {
        let entry = |(at, one): (usize, &One)| {
            let asked = [question.ends.0, question.ends.1].contains(&one.record) && known.members.len() > 1;
            let own = if one.own() { " (this hub)" } else { "" };
            let asked = if asked { " (the question)" } else { "" };
            plain(&format!("{} {}{own}{asked}", letter(side, at), source(known, one)), column)
        };
        known.members.iter().enumerate().flat_map(entry).collect()
    };
    rows(&mut lines, ' ', "Listed by", head(&question.left, 0), head(&question.right, 1), column);
    for field in &question.fields {
        let text = |cells: &[Cell]| cells.first().map(|cell| cell.words.clone());
        let (left, right) = (text(&field.left), text(&field.right));
        let apart = matches!(field.mark, Mark::Differs | Mark::Near);
        let side = |cells: &[Cell], other: &Option<String>| -> Vec<Line<'static>> {
            if cells.is_empty() {
                return vec![Line::from("(nothing)").style(Style::new().add_modifier(Modifier::DIM))];
            }
            cells
                .iter()
                .flat_map(|cell| {
                    let mut words = told_apart(&cell.words, other.as_deref().filter(|_| apart));
                    if !cell.shown {
                        words.insert(0, ("also:".into(), false));
                    }
                    if !cell.from.is_empty() {
                        words.push((format!("[{}]", cell.from.join(", ")), false));
                    }
                    wrapped(&words, column)
                })
                .collect()
        };
        rows(&mut lines, field.mark.sign(), field.label, side(&field.left, &right), side(&field.right, &left), column);
    }
    lines
}

/// Two columns beside a mark and a label.
fn rows(
    lines: &mut Vec<Line<'static>>,
    sign: char,
    label: &str,
    left: Vec<Line<'static>>,
    right: Vec<Line<'static>>,
    column: usize,
) {
    let style = match sign {
        'X' => Style::new().fg(Color::Yellow).add_modifier(Modifier::BOLD),
        '-' | '~' => Style::new().fg(Color::Cyan),
        _ => Style::new().fg(Color::DarkGray),
    };
    let mut heads = plain(label, LABEL - 3).into_iter().map(|line| line.to_string());
    let many = left.len().max(right.len()).max(heads.len());
    let (mut left, mut right) = (left.into_iter(), right.into_iter());
    for n in 0..many {
        let sign = if n == 0 { sign } else { ' ' };
        let head = format!("{sign} {:<1$} ", heads.next().unwrap_or_default(), LABEL - 3);
        let mut spans = vec![Span::styled(head, style)];
        let cell = left.next().unwrap_or_default();
        let blank = column.saturating_sub(cell.width());
        spans.extend(cell.spans.into_iter().map(|span| span.patch_style(cell.style)));
        spans.push(Span::raw(format!("{} │ ", " ".repeat(blank))));
        let cell = right.next().unwrap_or_default();
        spans.extend(cell.spans.into_iter().map(|span| span.patch_style(cell.style)));
        lines.push(Line::from(spans));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::HubId;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use uuid::Uuid;

    fn ends(n: u128) -> Ends {
        let record = |n| RecordRef { hub: HubId([1; 20]), rec: Uuid::from_u128(n) };
        (record(n), record(n + 1))
    }

    fn screen(n: u128) -> Screen {
        let all: Vec<Ends> = (0..n).map(ends).collect();
        let mut screen = Screen::new("Essex Hub", &all, 900, false);
        screen.show(0, None);
        screen
    }

    fn press(screen: &mut Screen, key: char) -> Action {
        screen.key(KeyEvent::new(KeyCode::Char(key), KeyModifiers::NONE))
    }

    fn drawn(screen: &mut Screen, columns: u16, rows: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
        terminal.draw(|frame| screen.draw(frame)).unwrap();
        terminal.backend().to_string()
    }

    #[test]
    fn keys_mean_what_the_screen_says() {
        let mut screen = screen(3);
        assert_eq!(press(&mut screen, 's'), Action::Answer(Judgement::Same, false));
        assert_eq!(press(&mut screen, 'n'), Action::Answer(Judgement::Unsure, false));
        assert_eq!((press(&mut screen, 'b'), press(&mut screen, 's')), (Action::Stay, Action::Stay));
        assert_eq!(press(&mut screen, '2'), Action::Answer(Judgement::BranchOf, true));
        assert_eq!(
            (press(&mut screen, 'c'), press(&mut screen, '1')),
            (Action::Stay, Action::Answer(Judgement::SucceededBy, false))
        );
        press(&mut screen, 'h');
        assert_eq!(screen.key(KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE)), Action::Stay, "back, not out");
        assert_eq!(press(&mut screen, 'l'), Action::Stay);
        assert!(screen.message.contains("nothing to leave out"));
        assert_eq!((press(&mut screen, 'p'), press(&mut screen, ' ')), (Action::Go(0), Action::Go(1)));
        assert_eq!(screen.key(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL)), Action::Quit);
        screen.show(3, None);
        assert_eq!((press(&mut screen, 's'), press(&mut screen, 'r')), (Action::Stay, Action::More));
    }

    #[test]
    fn the_next_question_is_one_that_is_open_wherever_it_stands() {
        let mut screen = screen(3);
        screen.entries[1].done = Some("two groups".into());
        assert_eq!(screen.next(), 2);
        screen.show(2, None);
        screen.entries[2].done = Some("not sure".into());
        assert_eq!((screen.next(), screen.answered()), (0, 2));
        screen.entries[0].done = Some("not sure".into());
        assert_eq!(screen.next(), 3);
    }

    #[test]
    fn every_window_gets_something_to_read() {
        let mut screen = screen(2);
        assert!(drawn(&mut screen, 40, 10).contains("window larger"));
        let text = drawn(&mut screen, 80, 24);
        for part in ["1 of 2", "0 answered, 900 open | Essex Hub", "s same", "? help   q quit"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        press(&mut screen, '?');
        let help = drawn(&mut screen, 80, 24);
        assert!(help.contains("X        they cannot both be right") && help.contains("q        stop."), "{help}");
        press(&mut screen, 'x');
        screen.show(2, None);
        assert!(drawn(&mut screen, 60, 16).contains("These 2 questions are at their end; 0 were answered."));
    }
}
