//! Words on a screen: wrapped to a width, those that tell two texts apart marked.

use crate::registry::linkage::why::one_word;
use crate::registry::normal;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

/// A word, and whether it is marked.
type Word = (String, bool);

/// The words of a text; those marked that the other text does not have. Words that comparison takes for one (spelling,
/// capitals, points) are not marked.
pub fn told_apart(text: &str, other: Option<&str>) -> Vec<Word> {
    let forms: Option<Vec<String>> = other.map(normal::tokens);
    let new = |word: &str| {
        let Some(forms) = &forms else { return false };
        normal::tokens(word).iter().any(|form| !forms.iter().any(|known| one_word(form, known)))
    };
    text.split_whitespace().map(|word| (word.to_owned(), new(word))).collect()
}

/// Wraps words to a width in columns; never empty.
pub fn wrapped(words: &[Word], width: usize) -> Vec<Line<'static>> {
    let width = width.max(1);
    let mut lines: Vec<Vec<Span<'static>>> = vec![Vec::new()];
    let mut used = 0;
    for (word, marked) in words {
        let style =
            if *marked { Style::new().add_modifier(Modifier::BOLD | Modifier::UNDERLINED) } else { Style::new() };
        for piece in pieces(word, width) {
            let span = Span::styled(piece, style);
            let needed = span.width() + usize::from(used > 0);
            if used > 0 && used + needed > width {
                lines.push(Vec::new());
                used = 0;
            }
            let Some(line) = lines.last_mut() else { continue };
            if used > 0 {
                line.push(Span::raw(" "));
                used += 1;
            }
            used += span.width();
            line.push(span);
        }
    }
    lines.into_iter().map(Line::from).collect()
}

/// A word in pieces no wider than a line: addresses of web pages have no blanks.
fn pieces(word: &str, width: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for c in word.chars().filter(|c| !c.is_control()) {
        if let Some(last) = pieces.last_mut() {
            let longer = format!("{last}{c}");
            if !last.is_empty() && Span::raw(longer.as_str()).width() > width {
                pieces.push(c.to_string());
            } else {
                *last = longer;
            }
        }
    }
    pieces
}

/// Plain text, wrapped.
pub fn plain(text: &str, width: usize) -> Vec<Line<'static>> {
    wrapped(&told_apart(text, None), width)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(text: &str, other: &str) -> Vec<String> {
        told_apart(text, Some(other)).into_iter().filter(|(_, marked)| *marked).map(|(word, _)| word).collect()
    }

    #[test]
    fn what_is_only_written_otherwise_is_not_marked() {
        assert_eq!(marked("St. Ann's Carers' Group", "St Anns carers group"), Vec::<String>::new());
        assert_eq!(marked("Old Market Hall", "New Library Hall"), ["Old", "Market"]);
        assert!(told_apart("Old Hall", None).iter().all(|(_, marked)| !marked), "missing is not different");
    }

    #[test]
    fn lines_are_no_wider_than_the_column() {
        let text = "https://example.org/a-page-that-is-longer-than-any-column and some words";
        let lines = plain(text, 20);
        assert!(lines.len() > 3 && lines.iter().all(|line| line.width() <= 20), "{lines:?}");
        let joined: String =
            lines.iter().flat_map(|line| line.spans.iter().map(|span| span.content.to_string())).collect();
        assert_eq!(joined.replace(' ', ""), text.replace(' ', ""));
        assert_eq!(plain("", 10).len(), 1);
        // What a list of another hub says must not steer the terminal.
        assert_eq!(plain("a\u{1b}[2Jb", 10)[0].to_string(), "a[2Jb");
    }
}
