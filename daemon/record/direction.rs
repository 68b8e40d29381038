//! Characters that turn the direction of what follows: embeddings, overrides and isolates of Unicode's bidirectional algorithm.
//!
//! A name that opens one and never closes it turns what others wrote after it. No name needs one: a right-to-left script
//! runs by itself. The marks U+200E and U+200F turn nothing but themselves, and stay.

/// Whether a character turns the direction of what follows it.
pub fn turns(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A text without them.
pub fn straight(text: &str) -> String {
    text.chars().filter(|c| !turns(*c)).collect()
}

/// A name that others chose as it can stand within a sentence: on one line, without what turns or commands.
pub fn one_line(text: &str) -> String {
    let plain: String = text.chars().filter(|c| !turns(*c)).map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_turns_goes_and_scripts_stay() {
        assert_eq!(straight("Carers\u{202e} moc \u{2067}שלום\u{200f}"), "Carers moc שלום\u{200f}");
        assert_eq!(one_line(" A\n# name\u{1b}[2J\u{202e}  of  two "), "A # name [2J of two");
    }
}
