//! When something happens again: the part of iCalendar's recurrence (RFC 5545, 3.3.10) that groups use, in words and back.
//!
//! Words are only read where nothing of them is left over: "second Tuesday of the month, not in August" stays words.

use std::fmt;

/// A day of the week, from Monday.
const DAYS: [(&str, &str); 7] = [
    ("MO", "Monday"),
    ("TU", "Tuesday"),
    ("WE", "Wednesday"),
    ("TH", "Thursday"),
    ("FR", "Friday"),
    ("SA", "Saturday"),
    ("SU", "Sunday"),
];

/// Numbers in the month, and the days of the week that they belong to.
type Run = (Vec<i8>, Vec<u8>);

/// How often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freq {
    /// Every week, or every so many.
    Weekly,
    /// Every month, or every so many.
    Monthly,
}

/// A recurrence of the kinds that groups use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// How often.
    pub freq: Freq,
    /// Every so many weeks or months; 1 for each.
    pub interval: u32,
    /// Days of the week (0 is Monday), in a monthly rule with the number of the one in the month; -1 is the last, 0 every.
    pub days: Vec<(i8, u8)>,
    /// Days of the month.
    pub month_days: Vec<i8>,
}

/// Whether a text has the form of a recurrence, of whatever kind.
pub fn is_rule(text: &str) -> bool {
    let part = |part: &str| {
        part.split_once('=').is_some_and(|(name, value)| {
            !value.is_empty()
                && name.bytes().all(|b| b.is_ascii_uppercase())
                && value.bytes().all(|b| b.is_ascii_alphanumeric() || b",+-:".contains(&b))
        })
    };
    text.len() <= 200 && text.starts_with("FREQ=") && text.split(';').all(part)
}

impl Rule {
    /// Reads an RRULE; `None` for what groups do not use (years, times, ends).
    pub fn parse(text: &str) -> Option<Rule> {
        let mut rule = Rule { freq: Freq::Weekly, interval: 1, days: Vec::new(), month_days: Vec::new() };
        let mut freq = None;
        for part in text.trim().trim_start_matches("RRULE:").split(';') {
            match part.split_once('=')? {
                ("FREQ", "WEEKLY") => freq = Some(Freq::Weekly),
                ("FREQ", "MONTHLY") => freq = Some(Freq::Monthly),
                ("INTERVAL", n) => rule.interval = n.parse().ok().filter(|n| (1..=99).contains(n))?,
                ("BYDAY", days) => rule.days = days.split(',').map(day).collect::<Option<_>>()?,
                ("BYMONTHDAY", days) => {
                    let number = |text: &str| text.parse().ok().filter(|n: &i8| *n != 0 && (-31..=31).contains(n));
                    rule.month_days = days.split(',').map(number).collect::<Option<_>>()?;
                }
                ("WKST", _) => {}
                _ => return None,
            }
        }
        rule.freq = freq?;
        Some(rule)
    }

    /// Reads words such as "every Tuesday", "Tuesdays", "second Tuesday of the month", "first and third Monday".
    pub fn from_words(text: &str) -> Option<Rule> {
        let lower = text.to_lowercase();
        let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        // Each number belongs to the days that follow it: "first Monday and third Tuesday" is two days a month.
        let (mut runs, mut last_was_day): (Vec<Run>, bool) = (vec![Default::default()], false);
        let (mut monthly, mut other, mut every) = (false, false, 0);
        for word in words {
            if let Some(n) = number_word(word) {
                if last_was_day {
                    runs.push(Default::default());
                }
                runs.last_mut()?.0.push(n);
                last_was_day = false;
            } else if let Some(day) = day_word(word) {
                runs.last_mut()?.1.push(day);
                last_was_day = true;
            } else {
                match word {
                    "month" | "monthly" => monthly = true,
                    "other" | "alternate" | "fortnightly" | "fortnight" => other = true,
                    "every" | "each" => every += 1,
                    "of" | "the" | "on" | "and" | "in" | "week" | "weekly" | "a" => {}
                    _ => return None,
                }
            }
        }
        if let [(none, days), (numbers, nothing)] = &mut runs[..]
            && none.is_empty()
            && nothing.is_empty()
            && days.len() == 1
        {
            // "Tuesdays, second and fourth of the month".
            runs = vec![(std::mem::take(numbers), std::mem::take(days))];
        }
        let numbered = runs.iter().any(|(numbers, _)| !numbers.is_empty());
        // "Monday and second Tuesday", "first and third Monday and Wednesday": nobody can say which is meant.
        let unclear = |(numbers, days): &Run| {
            days.is_empty() || numbered && numbers.is_empty() || numbers.len() > 1 && days.len() > 1
        };
        if runs.iter().any(unclear) || monthly && !numbered || other && (numbered || every > 1) {
            return None;
        }
        // "Every second Tuesday" is every other one to some, and the month's second to others.
        if every > 0 && !monthly && runs.iter().any(|(numbers, _)| matches!(numbers[..], [2..=4])) {
            return None;
        }
        Some(if numbered {
            let each = |(numbers, days): &Run| -> Vec<(i8, u8)> {
                numbers.iter().flat_map(|n| days.iter().map(|day| (*n, *day))).collect()
            };
            let days = runs.iter().flat_map(each).collect();
            Rule { freq: Freq::Monthly, interval: 1, days, month_days: Vec::new() }
        } else {
            let days = runs.into_iter().flat_map(|(_, days)| days).map(|day| (0, day)).collect();
            let interval = if other { 2 } else { 1 };
            Rule { freq: Freq::Weekly, interval, days, month_days: Vec::new() }
        })
    }

    /// "Second Tuesday of the month".
    pub fn words(&self) -> String {
        let name = |day: &u8| DAYS.get(usize::from(*day)).map_or("", |(_, name)| *name);
        let joined = |parts: &[String]| match parts {
            [] => String::new(),
            [one] => one.clone(),
            [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
        };
        let each = |unit: &str| match self.interval {
            1 => format!("every {unit}"),
            2 => format!("every other {unit}"),
            n => format!("every {n} {unit}s"),
        };
        let text = match self.freq {
            Freq::Weekly if self.days.is_empty() => each("week"),
            Freq::Weekly => {
                let days: Vec<String> = self.days.iter().map(|(_, day)| name(day).to_owned()).collect();
                match self.interval {
                    1 | 2 => each(&joined(&days)),
                    _ => format!("{}, {}", joined(&days), each("week")),
                }
            }
            Freq::Monthly => {
                let nth = |(n, day): &(i8, u8)| match *n {
                    0 => format!("every {}", name(day)),
                    n => format!("{} {}", ordinal(n), name(day)),
                };
                let mut days: Vec<String> = self.days.iter().map(nth).collect();
                days.extend(
                    self.month_days.iter().map(|n| if *n == -1 { "last day".to_owned() } else { format!("day {n}") }),
                );
                let of = if self.interval == 1 { "of the month".to_owned() } else { format!("of {}", each("month")) };
                if days.is_empty() { each("month") } else { format!("{} {of}", joined(&days)) }
            }
        };
        let mut letters = text.chars();
        letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
    }

    /// `BYDAY` as iCalendar writes it.
    pub fn by_day(&self) -> String {
        let one = |(n, day): &(i8, u8)| {
            let name = DAYS.get(usize::from(*day)).map_or("", |(short, _)| *short);
            if *n == 0 { name.to_owned() } else { format!("{n}{name}") }
        };
        self.days.iter().map(one).collect::<Vec<_>>().join(",")
    }

    /// `BYMONTHDAY` as iCalendar writes it.
    pub fn by_month_day(&self) -> String {
        self.month_days.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self.freq {
            Freq::Weekly => "FREQ=WEEKLY",
            Freq::Monthly => "FREQ=MONTHLY",
        })?;
        if self.interval > 1 {
            write!(out, ";INTERVAL={}", self.interval)?;
        }
        if !self.days.is_empty() {
            write!(out, ";BYDAY={}", self.by_day())?;
        }
        if !self.month_days.is_empty() {
            write!(out, ";BYMONTHDAY={}", self.by_month_day())?;
        }
        Ok(())
    }
}

/// `2TU`, `-1FR`, `MO`.
fn day(text: &str) -> Option<(i8, u8)> {
    let text = text.trim();
    let (number, name) = text.split_at_checked(text.len().checked_sub(2)?)?;
    let day = DAYS.iter().position(|(short, _)| *short == name)?;
    let n = match number {
        "" => 0,
        _ => number.parse().ok().filter(|n: &i8| *n != 0 && (-5..=5).contains(n))?,
    };
    Some((n, u8::try_from(day).ok()?))
}

/// The day (0 is Monday) of an English name, its plural or its first three letters.
pub fn day_word(word: &str) -> Option<u8> {
    let lower = word.to_lowercase();
    let at = DAYS.iter().position(|(_, name)| {
        let name = name.to_lowercase();
        lower == name
            || lower == format!("{name}s")
            || lower == name[..3]
            || (name.starts_with(&lower) && lower.len() >= 4)
    })?;
    u8::try_from(at).ok()
}

/// The English name of a day (0 is Monday).
pub fn day_name(day: u8) -> Option<&'static str> {
    DAYS.get(usize::from(day)).map(|(_, name)| *name)
}

fn number_word(word: &str) -> Option<i8> {
    Some(match word {
        "first" | "1st" => 1,
        "second" | "2nd" => 2,
        "third" | "3rd" => 3,
        "fourth" | "4th" => 4,
        "fifth" | "5th" => 5,
        "last" => -1,
        _ => return None,
    })
}

fn ordinal(n: i8) -> String {
    match n {
        1 => "first".into(),
        2 => "second".into(),
        3 => "third".into(),
        4 => "fourth".into(),
        5 => "fifth".into(),
        -1 => "last".into(),
        -2 => "last but one".into(),
        n => format!("{n}th"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_rules_say_the_same() {
        for (rule, words) in [
            ("FREQ=WEEKLY;BYDAY=TU", "Every Tuesday"),
            ("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU", "Every other Tuesday"),
            ("FREQ=WEEKLY;BYDAY=MO,TH", "Every Monday and Thursday"),
            ("FREQ=MONTHLY;BYDAY=2TU", "Second Tuesday of the month"),
            ("FREQ=MONTHLY;BYDAY=1MO,3MO", "First Monday and third Monday of the month"),
            ("FREQ=MONTHLY;BYDAY=1MO,3TU", "First Monday and third Tuesday of the month"),
            ("FREQ=MONTHLY;BYDAY=-1FR", "Last Friday of the month"),
        ] {
            let parsed = Rule::parse(rule).unwrap();
            assert_eq!(parsed.words(), words);
            assert_eq!(parsed.to_string(), rule);
            assert_eq!(Rule::from_words(words).as_ref(), Some(&parsed), "{words}");
        }
        let read = |words: &str| Rule::from_words(words).map(|rule| rule.to_string()).unwrap_or_default();
        assert_eq!(read("Second Tuesday and Thursday of the month"), "FREQ=MONTHLY;BYDAY=2TU,2TH");
        assert_eq!(read("Tuesdays, second and fourth of the month"), "FREQ=MONTHLY;BYDAY=2TU,4TU");
        assert_eq!(read("Every second Tuesday of the month"), "FREQ=MONTHLY;BYDAY=2TU");
        assert_eq!(Rule::from_words("first and third Monday").unwrap().to_string(), "FREQ=MONTHLY;BYDAY=1MO,3MO");
        assert_eq!(Rule::from_words("Tuesdays").unwrap().to_string(), "FREQ=WEEKLY;BYDAY=TU");
    }

    #[test]
    fn what_is_not_wholly_understood_stays_words() {
        for words in [
            "Second Tuesday of the month, not in August",
            "monthly",
            "by arrangement",
            "",
            "Tuesday evening",
            "every second Tuesday",
            "Monday and second Tuesday",
            "first and third Monday and Wednesday",
            "every other Monday and every Tuesday",
        ] {
            assert_eq!(Rule::from_words(words), None, "{words}");
        }
        assert_eq!(Rule::parse("FREQ=YEARLY"), None);
        assert!(is_rule("FREQ=YEARLY;BYMONTH=8") && !is_rule("every Tuesday") && !is_rule("FREQ=WEEKLY;X"));
    }
}
