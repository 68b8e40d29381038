//! When to pull a partner hub: pure functions from a schedule, a time zone and what happened last to a due time.
//!
//! People write ordinary five-field cron, as `man 5 crontab` has it. The crate `cron` walks the calendar, but differs from
//! ordinary cron in five ways, each settled here so that no user meets them: it wants a field for seconds, counts weekdays
//! from Sunday = 1, joins day-of-month and weekday with AND, skips a job whose hour the spring change swallows, and runs
//! one twice when the autumn change repeats its hour. It is only ever asked about civil time, written as if it were UTC;
//! turning civil time into moments is done here, with the time zone's own rules.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, civil};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The widest jitter, whatever the interval: a weekly pull asked for at two at night still happens that night.
pub const MAX_JITTER: SignedDuration = SignedDuration::from_hours(1);

/// The first wait after a failed pull. Long enough for a restart at the other end.
pub const BACK_OFF_BASE: SignedDuration = SignedDuration::from_mins(5);

/// The longest wait between two attempts at a partner that keeps failing: one that comes back is noticed within a day.
pub const BACK_OFF_MAX: SignedDuration = SignedDuration::from_hours(24);

/// When something recurs: a five-field cron line, `@hourly`, `@daily`, `@weekly`, or `every 15m` (`m`, `h` or `d`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Schedule {
    text: String,
    rule: Rule,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Rule {
    /// The union of up to two calendars (day-of-month OR weekday).
    Calendar {
        either: Vec<cron::Schedule>,
        /// Every hour of the day is named: the minutes of each real hour count, see [`Schedule::next_after`].
        hourly: bool,
    },
    /// Multiples of this length since 1970, in elapsed time.
    Every(SignedDuration),
}

/// Why a schedule was refused. The message says what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Not five fields, nor one of the names.
    #[error(
        "the schedule has {met} fields, not five; write minute, hour, day of month, month and weekday, as in \"17 */4 * * *\", or @hourly, @daily, @weekly, or \"every 15m\""
    )]
    FieldCount {
        /// How many fields were met.
        met: usize,
    },
    /// One field cannot be read.
    #[error("the {field} field of the schedule cannot be \"{met}\": {remedy}")]
    Field {
        /// Which field, in words.
        field: &'static str,
        /// The part of it that was met.
        met: String,
        /// What to write instead.
        remedy: String,
    },
    /// `every …` with a length that is none, or outside one minute to 31 days.
    #[error(
        "\"every {met}\" is no interval; write a number from one minute to 31 days, as in \"every 15m\", \"every 4h\" or \"every 1d\""
    )]
    Interval {
        /// What stood after `every`.
        met: String,
    },
    /// The day exists in none of its months, as 30 February.
    #[error("the schedule \"{met}\" names a day that never comes; check day of month against month")]
    NeverOccurs {
        /// The whole schedule.
        met: String,
    },
}

impl ScheduleError {
    /// The stable name of the reason, as it appears in reports and tests.
    pub fn code(&self) -> &'static str {
        match self {
            Self::FieldCount { .. } => "schedule-field-count",
            Self::Field { .. } => "schedule-field",
            Self::Interval { .. } => "schedule-interval",
            Self::NeverOccurs { .. } => "schedule-never-occurs",
        }
    }
}

impl Schedule {
    /// Reads a schedule as people write it. Refuses what could never occur.
    pub fn parse(text: &str) -> Result<Self, ScheduleError> {
        let text = text.trim();
        let rule = match text.strip_prefix("every ") {
            Some(length) => Rule::Every(interval(length.trim())?),
            None => calendar(text)?,
        };
        let schedule = Self { text: text.to_owned(), rule };
        // Any start will do: the calendar repeats long before the crate's horizon.
        let start = civil::date(2000, 1, 1).at(0, 0, 0, 0);
        if matches!(schedule.rule, Rule::Calendar { .. }) && schedule.next_civil(start).is_none() {
            return Err(ScheduleError::NeverOccurs { met: text.into() });
        }
        Ok(schedule)
    }

    /// The first occurrence strictly after `after`, or `None` past the year 2100, where the crate's calendar ends.
    ///
    /// Daylight saving: a schedule that names hours occurs once for each civil time it names. If the clocks skip that
    /// time it occurs at the first moment after the gap (several skipped ones fall together); if they repeat it, it occurs
    /// the first time round. A schedule with every hour in it (`*/15 * * * *`) is about minutes of the hour, not times of
    /// day, and occurs in each hour that really passes.
    pub fn next_after(&self, after: Timestamp, tz: &TimeZone) -> Option<Timestamp> {
        match &self.rule {
            Rule::Every(length) => next_multiple(after, *length),
            Rule::Calendar { hourly: true, .. } => self.next_by_elapsed_hours(after, tz),
            Rule::Calendar { hourly: false, .. } => self.next_by_civil_time(after, tz),
        }
    }

    // Civil times in order give moments in order, and no civil time up to that of `after` gives a moment beyond `after`;
    // so walking on from there misses nothing. What is passed over has occurred already, the first time round a fold.
    fn next_by_civil_time(&self, after: Timestamp, tz: &TimeZone) -> Option<Timestamp> {
        let mut civil = whole_second(tz.to_datetime(after));
        loop {
            civil = self.next_civil(civil)?;
            let moment = moment_of(civil, tz)?;
            if moment > after {
                return Some(moment);
            }
        }
    }

    // Between two changes of the clocks the offset is fixed, so the question can be asked at that offset. An answer that
    // lies at or past the next change is asked again from there.
    fn next_by_elapsed_hours(&self, after: Timestamp, tz: &TimeZone) -> Option<Timestamp> {
        let mut offset = tz.to_offset(after);
        let mut from = whole_second(offset.to_datetime(after));
        let mut changes = tz.following(after);
        loop {
            let moment = offset.to_timestamp(self.next_civil(from)?).ok()?;
            match changes.next() {
                Some(change) if moment >= change.timestamp() => {
                    offset = change.offset();
                    // One second before the change: an occurrence at the very change counts.
                    let just_before = change.timestamp() - SignedDuration::from_secs(1);
                    from = offset.to_datetime(just_before);
                }
                _ => return Some(moment),
            }
        }
    }

    /// The first civil time of a calendar rule strictly after `after` (a whole second).
    fn next_civil(&self, after: civil::DateTime) -> Option<civil::DateTime> {
        let Rule::Calendar { either, .. } = &self.rule else {
            return None;
        };
        let after = as_chrono(after)?;
        let next = either.iter().filter_map(|calendar| calendar.after(&after).next()).min()?;
        let as_utc = Timestamp::from_second(next.timestamp()).ok()?;
        Some(TimeZone::UTC.to_datetime(as_utc))
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Schedule {
    type Err = ScheduleError;
    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Schedule {
    type Error = ScheduleError;
    fn try_from(text: String) -> Result<Self, ScheduleError> {
        Self::parse(&text)
    }
}

impl From<Schedule> for String {
    fn from(schedule: Schedule) -> Self {
        schedule.text
    }
}

// ---- Reading what people write ----

struct Field {
    name: &'static str,
    low: u8,
    high: u8,
    /// Names of the values, the first for `low`.
    names: &'static [&'static str],
}

const MINUTE: Field = Field { name: "minute", low: 0, high: 59, names: &[] };
const HOUR: Field = Field { name: "hour", low: 0, high: 23, names: &[] };
const DAY: Field = Field { name: "day of month", low: 1, high: 31, names: &[] };
const MONTH: Field = Field {
    name: "month",
    low: 1,
    high: 12,
    names: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
};
/// Both 0 and 7 are Sunday.
const WEEKDAY: Field =
    Field { name: "weekday", low: 0, high: 7, names: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"] };

impl Field {
    /// The values a field's text names: a comma-separated list of `*`, `a`, `a-b`, each with `/step` if wanted.
    fn values(&self, text: &str) -> Result<BTreeSet<u8>, ScheduleError> {
        let mut values = BTreeSet::new();
        for item in text.split(',') {
            let (range, step) = match item.split_once('/') {
                Some((range, step)) => (range, Some(step)),
                None => (item, None),
            };
            let (first, last) = match range.split_once('-') {
                Some((first, last)) => (self.value(first)?, self.value(last)?),
                None if range == "*" => (self.low, self.high),
                // A single value with a step runs to the end.
                None if step.is_some() => (self.value(range)?, self.high),
                None => (self.value(range)?, self.value(range)?),
            };
            // Sunday ends a week as well as it begins one: FRI-SUN.
            let last = if self.high == 7 && last == 0 && first > 0 { 7 } else { last };
            if last < first || last > self.high {
                return Err(self.refuse(item, "a range runs from the lower value to the higher"));
            }
            let step = match step.map(str::parse::<u8>) {
                None => 1,
                Some(Ok(step)) if (1..=self.high).contains(&step) => step,
                Some(_) => {
                    let remedy = format!("a step after \"/\" is a number from 1 to {}", self.high);
                    return Err(self.refuse(item, &remedy));
                }
            };
            values.extend((first..=last).step_by(step.into()));
        }
        Ok(values)
    }

    fn value(&self, text: &str) -> Result<u8, ScheduleError> {
        let named = self.names.iter().position(|name| name.eq_ignore_ascii_case(text));
        let value = match named {
            Some(position) => u8::try_from(position).ok().map(|p| p + self.low),
            // `parse` would take "+5".
            None if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok(),
            None => None,
        };
        match value {
            Some(value) if (self.low..=self.high).contains(&value) => Ok(value),
            _ => {
                let or_names = match self.names {
                    [first, .., last] => format!(", or {first} to {last}"),
                    _ => String::new(),
                };
                let (low, high) = (self.low, self.high);
                Err(self.refuse(text, &format!("use {low} to {high}{or_names}, or *")))
            }
        }
    }

    fn refuse(&self, met: &str, remedy: &str) -> ScheduleError {
        ScheduleError::Field { field: self.name, met: met.into(), remedy: remedy.into() }
    }
}

fn calendar(text: &str) -> Result<Rule, ScheduleError> {
    let text = match text {
        "@hourly" => "0 * * * *",
        "@daily" => "0 0 * * *",
        "@weekly" => "0 0 * * SUN",
        other => other,
    };
    let fields: Vec<&str> = text.split_ascii_whitespace().collect();
    let &[minute, hour, day, month, weekday] = fields.as_slice() else {
        return Err(ScheduleError::FieldCount { met: fields.len() });
    };
    let hours = HOUR.values(hour)?;
    let (minutes, months) = (MINUTE.values(minute)?, MONTH.values(month)?);
    let days = list(&DAY.values(day)?);
    let weekdays = list(&WEEKDAY.values(weekday)?.iter().map(|day| day % 7 + 1).collect());
    // Ordinary cron: if both fields restrict the day, either is enough. A field that begins with * does not restrict in
    // this sense, even as */2.
    let days_wanted: &[(&str, &str)] = if day.starts_with('*') || weekday.starts_with('*') {
        &[(&days, &weekdays)]
    } else {
        &[(&days, "*"), ("*", &weekdays)]
    };
    let mut either = Vec::new();
    for (days, weekdays) in days_wanted {
        let line = format!("0 {} {} {days} {} {weekdays}", list(&minutes), list(&hours), list(&months));
        // Every list was made from checked values, so a refusal here means this translation is wrong; it is still an error
        // and not a panic.
        let calendar = cron::Schedule::from_str(&line).map_err(|e| ScheduleError::Field {
            field: "translated",
            met: line.clone(),
            remedy: e.to_string(),
        })?;
        either.push(calendar);
    }
    Ok(Rule::Calendar { either, hourly: hours.len() == 24 })
}

fn list(values: &BTreeSet<u8>) -> String {
    let values: Vec<String> = values.iter().map(u8::to_string).collect();
    values.join(",")
}

fn interval(text: &str) -> Result<SignedDuration, ScheduleError> {
    let refuse = || ScheduleError::Interval { met: text.into() };
    let (number, seconds) = [('m', 60), ('h', 3_600), ('d', 86_400)]
        .into_iter()
        .find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)))
        .ok_or_else(refuse)?;
    let number: i64 = number.parse().map_err(|_| refuse())?;
    let length = number.checked_mul(seconds).ok_or_else(refuse)?;
    if !(60..=31 * 86_400).contains(&length) {
        return Err(refuse());
    }
    Ok(SignedDuration::from_secs(length))
}

// ---- Civil time and moments ----

fn whole_second(at: civil::DateTime) -> civil::DateTime {
    at.date().at(at.hour(), at.minute(), at.second(), 0)
}

/// Civil time as `cron` takes it: chrono's UTC, used as a calendar without a zone.
fn as_chrono(at: civil::DateTime) -> Option<chrono::DateTime<chrono::Utc>> {
    let seconds = TimeZone::UTC.to_timestamp(at).ok()?.as_second();
    chrono::DateTime::from_timestamp(seconds, 0)
}

/// The one moment of a civil time: the first if it is repeated, the end of the gap if it is skipped.
fn moment_of(at: civil::DateTime, tz: &TimeZone) -> Option<Timestamp> {
    match tz.to_ambiguous_timestamp(at).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(at).ok(),
        AmbiguousOffset::Fold { before, .. } => before.to_timestamp(at).ok(),
        AmbiguousOffset::Gap { after, .. } => {
            // Read with the offset after the gap, a skipped time lies before the change, which is then the next one.
            let early = after.to_timestamp(at).ok()?;
            tz.following(early).next().map(|change| change.timestamp())
        }
    }
}

fn next_multiple(after: Timestamp, length: SignedDuration) -> Option<Timestamp> {
    let length = length.as_nanos();
    let next = (after.as_nanosecond().div_euclid(length) + 1) * length;
    Timestamp::from_nanosecond(next).ok()
}

// ---- Spreading and waiting ----

/// `next`, put off by a part of `interval` that depends on `hub_id` alone: up to `percent` of it, and [`MAX_JITTER`].
///
/// So that hubs with one schedule do not all arrive in one minute, and each still arrives at the same time every day.
/// `hub_id` may be any text that names who pulls whom. Never earlier than `next`.
pub fn jittered(next: Timestamp, interval: SignedDuration, hub_id: &str, percent: u8) -> Timestamp {
    let width = (interval * i32::from(percent) / 100).clamp(SignedDuration::ZERO, MAX_JITTER);
    next.checked_add(part_of(width, &["jitter", hub_id])).unwrap_or(Timestamp::MAX)
}

/// How long to wait after `failures` failed attempts in a row: `base`, doubled with each further one, at most `max`, less up
/// to a quarter that depends on `hub_id` and the count. Nothing after no failure.
pub fn back_off(failures: u32, base: SignedDuration, hub_id: &str, max: SignedDuration) -> SignedDuration {
    let Some(doublings) = failures.checked_sub(1) else {
        return SignedDuration::ZERO;
    };
    // 2^24 five minutes are a century and a half; more doublings only overflow.
    let longest = base.checked_mul(1 << doublings.min(24)).unwrap_or(max).clamp(SignedDuration::ZERO, max);
    let count = failures.to_string();
    longest - part_of(longest / 4, &["back-off", hub_id, &count])
}

/// A part of `width` fixed by `words`, evenly spread over different words, in whole milliseconds.
fn part_of(width: SignedDuration, words: &[&str]) -> SignedDuration {
    let digest = Sha256::digest(words.join("\n"));
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    let width = u128::try_from(width.as_millis()).unwrap_or(0);
    // Less than `width`, which came from an i64 of milliseconds at most.
    let part = (width * u128::from(u64::from_be_bytes(first))) >> 64;
    SignedDuration::from_millis(i64::try_from(part).unwrap_or(i64::MAX))
}

/// How one partner hub is pulled: what of the configuration decides its due times.
#[derive(Clone, Debug)]
pub struct Pace<'a> {
    /// The partner's own schedule, or the default one.
    pub schedule: &'a Schedule,
    /// The zone whose civil time the schedule speaks of.
    pub time_zone: &'a TimeZone,
    /// Who pulls whom; see [`jittered`].
    pub hub_id: &'a str,
    /// Jitter, in percent of the interval; 0 to 50.
    pub jitter_percent: u8,
    /// The longest Retry-After that is obeyed: [`Limits::retry_after_max_s`](crate::limits::Limits::retry_after_max_s).
    pub retry_after_max: SignedDuration,
}

/// What is known of a partner's pulls when the next is planned.
#[derive(Clone, Copy, Debug)]
pub struct LastPull {
    /// Now, when the last run has ended.
    pub now: Timestamp,
    /// For when the last run was due; `None` if there was none.
    pub last_due: Option<Timestamp>,
    /// Failed runs since the last good one.
    pub failures: u32,
    /// What the partner's server asked for, if it did, counted from now.
    pub retry_after: Option<SignedDuration>,
}

/// When a partner is next due; `None` if its schedule has no further occurrence.
///
/// While a partner fails, waiting takes the place of the schedule: sooner than a daily schedule would have it, later than a
/// quarter-hourly one. Retry-After puts off either. The same arguments give the same time, so it can be made again at any
/// moment from what the database holds.
pub fn next_due(pace: &Pace<'_>, last: &LastPull) -> Option<Timestamp> {
    let due = if last.failures > 0 {
        let wait = back_off(last.failures, BACK_OFF_BASE, pace.hub_id, BACK_OFF_MAX);
        last.now.checked_add(wait).unwrap_or(Timestamp::MAX)
    } else {
        next_scheduled(pace, planning_time(pace, last))?
    };
    let asked = last
        .retry_after
        .unwrap_or_default()
        .clamp(SignedDuration::ZERO, pace.retry_after_max.max(SignedDuration::ZERO));
    let not_before = last.now.checked_add(asked).unwrap_or(Timestamp::MAX);
    Some(due.max(not_before))
}

/// The time to plan from. If the clock was set back since the last due time, by no more than an interval, that due time
/// still counts as past, so nothing runs twice. If by more, the clock was wrong then: believing it would silence the partner.
fn planning_time(pace: &Pace<'_>, last: &LastPull) -> Timestamp {
    let Some(last_due) = last.last_due.filter(|due| *due > last.now) else {
        return last.now;
    };
    match next_scheduled(pace, last_due) {
        Some(following) if last_due.duration_since(last.now) <= following.duration_since(last_due) => last_due,
        _ => last.now,
    }
}

/// The first jittered occurrence strictly after `after`. It may belong to an occurrence that has passed: hence the step back.
fn next_scheduled(pace: &Pace<'_>, after: Timestamp) -> Option<Timestamp> {
    let mut occurrence = after.checked_sub(MAX_JITTER).unwrap_or(Timestamp::MIN);
    loop {
        occurrence = pace.schedule.next_after(occurrence, pace.time_zone)?;
        // Without a following occurrence there is no interval to spread over.
        let interval = pace
            .schedule
            .next_after(occurrence, pace.time_zone)
            .map_or(SignedDuration::ZERO, |next| next.duration_since(occurrence));
        let due = jittered(occurrence, interval, pace.hub_id, pace.jitter_percent);
        if due > after {
            return Some(due);
        }
    }
}
