//! Words that several pages share: dates, checks, counts, addresses.

use crate::web::view::{Checked, Standing, Value};
use jiff::civil::Date;
use jiff::{Timestamp, Zoned};
use maud::{Markup, html};

/// `22 November 2026`.
pub(super) fn day(date: Date) -> String {
    date.strftime("%-d %B %Y").to_string()
}

/// `1 group`, `3 groups`, `12,345 groups`.
pub(super) fn count(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(n), if n == 1 { one } else { many })
}

/// A number with a comma between thousands.
pub(super) fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `Two`, `Three` … for the start of a sentence.
pub(super) fn number_word(n: usize) -> String {
    match n {
        2 => "Two".to_owned(),
        3 => "Three".to_owned(),
        4 => "Four".to_owned(),
        5 => "Five".to_owned(),
        n => n.to_string(),
    }
}

/// "Checked with the group in March 2026 by Example Hub", or that nobody has.
pub(super) fn checked(checked: Option<&Checked>) -> Markup {
    html! {
        @match checked {
            Some(Checked { date, by, with_group, .. }) => {
                "Checked " @if *with_group { "with the group " } "in "
                time datetime=(date) { (date.strftime("%B %Y")) } " by " bdi { (by) }
            }
            None => "Not checked yet"
        }
    }
}

/// Where in its life a group is, as a label with its dates.
pub(super) fn standing(standing: &Standing) -> Markup {
    html! {
        strong { (standing.label) }
        @if let Some(until) = standing.until { " until " time datetime=(until) { (day(until)) } }
        @else if let Some(since) = standing.since { " since " time datetime=(since) { (day(since)) } }
    }
}

/// A moment as seen from `now`: "12 minutes ago", with the whole of it for those who need it.
pub(super) fn moment(at: Option<Timestamp>, now: &Zoned) -> Markup {
    html! {
        @match at {
            None => "never",
            Some(at) => {
                @let there = at.to_zoned(now.time_zone().clone());
                time datetime=(at) { (distance(at, now.timestamp())) }
                " " span.exact { "(" (there.strftime("%-d %B %Y, %H:%M")) ")" }
            }
        }
    }
}

/// How far a moment is from now, in its largest whole unit.
fn distance(at: Timestamp, now: Timestamp) -> String {
    let seconds = at.as_second() - now.as_second();
    let (n, one, many) = match seconds.unsigned_abs() {
        s if s < 60 => return if seconds > 0 { "in a moment" } else { "just now" }.to_owned(),
        s if s < 3600 => (s / 60, "minute", "minutes"),
        s if s < 86_400 => (s / 3600, "hour", "hours"),
        s => (s / 86_400, "day", "days"),
    };
    if seconds > 0 { format!("in {}", count(n, one, many)) } else { format!("{} ago", count(n, one, many)) }
}

/// One value. What calls itself an address becomes a link only where it is one: `javascript:` and the like stay words.
pub(super) fn value(value: &Value) -> Markup {
    let visible = |text: &str| text.bytes().all(|b| b.is_ascii_graphic());
    html! {
        @match value {
            Value::Web(text) => {
                @if let Ok(url) = url::Url::parse(text) && matches!(url.scheme(), "http" | "https") {
                    a href=(url.as_str()) rel="noreferrer nofollow" { (text) }
                } @else { (text) }
            }
            Value::Email(text) => {
                @if visible(text) && text.matches('@').count() == 1 && !text.contains(['?', '&', '%', ',']) {
                    a href={ "mailto:" (text) } { (text) }
                } @else { (text) }
            }
            Value::Phone(text) => {
                @let dial: String = text.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect();
                @if dial.len() >= 3 && !text.chars().any(char::is_alphabetic) { a href={ "tel:" (dial) } { (text) } }
                @else { (text) }
            }
            Value::Text(text) => (paragraphs(text)),
        }
    }
}

/// Text with its line breaks kept as such.
pub(super) fn paragraphs(text: &str) -> Markup {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    html! {
        @for (at, line) in lines.iter().enumerate() {
            @if at > 0 { br; }
            (line)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_distances() {
        assert_eq!(
            ["0", "999", "1,000", "1,234,567"],
            [0, 999, 1000, 1_234_567].map(number).each_ref().map(String::as_str)
        );
        assert_eq!(count(1, "group", "groups"), "1 group");
        let now = Timestamp::from_second(1_000_000).unwrap();
        for (seconds, text) in [
            (0, "just now"),
            (30, "in a moment"),
            (-60, "1 minute ago"),
            (-7199, "1 hour ago"),
            (-172_800, "2 days ago"),
            (600, "in 10 minutes"),
        ] {
            assert_eq!(distance(Timestamp::from_second(1_000_000 + seconds).unwrap(), now), text);
        }
    }

    #[test]
    fn only_addresses_become_links() {
        for (what, link) in [
            (Value::Web("https://group.example/a?b=c&d".into()), true),
            (Value::Web("javascript:alert(1)".into()), false),
            (Value::Web("data:text/html,x".into()), false),
            (Value::Web("www.group.example".into()), false),
            (Value::Email("hello@group.example".into()), true),
            (Value::Email("a@b.example?bcc=c@d.example".into()), false),
            (Value::Phone("0115 496 0000".into()), true),
            (Value::Phone("ask at the desk 12345".into()), false),
            (Value::Text("https://group.example".into()), false),
        ] {
            assert_eq!(value(&what).into_string().contains("<a "), link, "{what:?}");
        }
    }
}
