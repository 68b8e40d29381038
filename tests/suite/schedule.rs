//! When partner hubs are pulled: ordinary cron, the two changes of the clocks, jitter, waiting after failures.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan, civil};
use mutuald::peer::schedule::{
    BACK_OFF_BASE, BACK_OFF_MAX, LastPull, MAX_JITTER, Pace, Schedule, back_off, jittered, next_due,
};
use proptest::prelude::*;

fn london() -> TimeZone {
    TimeZone::get("Europe/London").expect("tzdata is installed")
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a timestamp in the test")
}

fn schedule(text: &str) -> Schedule {
    Schedule::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

/// The occurrences in [from, to), in UTC.
fn occurrences(text: &str, tz: &TimeZone, from: &str, to: &str) -> Vec<String> {
    let (schedule, to) = (schedule(text), at(to));
    let mut after = at(from) - SignedDuration::from_secs(1);
    let mut found = Vec::new();
    while let Some(next) = schedule.next_after(after, tz).filter(|next| *next < to) {
        found.push(next.to_string());
        after = next;
    }
    found
}

/// The days of a month on which a schedule occurs, in UTC.
fn days(text: &str, year: i16, month: i8) -> Vec<i8> {
    let schedule = schedule(text);
    let first = civil::date(year, month, 1);
    let mut after = TimeZone::UTC.to_timestamp(first.at(0, 0, 0, 0)).unwrap() - SignedDuration::from_secs(1);
    let mut days = Vec::new();
    while let Some(next) = schedule.next_after(after, &TimeZone::UTC) {
        let date = TimeZone::UTC.to_datetime(next).date();
        if date.first_of_month() != first {
            break;
        }
        days.push(date.day());
        after = next;
    }
    days
}

#[test]
fn a_job_in_the_skipped_hour_runs_once_when_the_gap_ends() {
    assert_eq!(
        occurrences("30 1 * * *", &london(), "2027-03-27T00:00:00Z", "2027-03-30T00:00:00Z"),
        ["2027-03-27T01:30:00Z", "2027-03-28T01:00:00Z", "2027-03-29T00:30:00Z"]
    );
    // Several in the gap fall together, and with one that is due at its end.
    assert_eq!(
        occurrences("0,20,40 1,2 * * *", &london(), "2027-03-28T00:00:00Z", "2027-03-28T12:00:00Z"),
        ["2027-03-28T01:00:00Z", "2027-03-28T01:20:00Z", "2027-03-28T01:40:00Z"]
    );
}

#[test]
fn a_job_in_the_repeated_hour_runs_once_the_first_time_round() {
    assert_eq!(
        occurrences("30 1 * * *", &london(), "2027-10-30T00:00:00Z", "2027-11-02T00:00:00Z"),
        ["2027-10-30T00:30:00Z", "2027-10-31T00:30:00Z", "2027-11-01T01:30:00Z"]
    );
    // Asked in the second hour, it does not come back.
    assert_eq!(
        schedule("30 1 * * *").next_after(at("2027-10-31T01:10:00Z"), &london()),
        Some(at("2027-11-01T01:30:00Z"))
    );
}

#[test]
fn a_job_of_every_hour_keeps_its_rhythm_through_both_changes() {
    for day in ["2027-03-28", "2027-10-31"] {
        let expected: Vec<String> = (0..5).map(|hour| format!("{day}T{hour:02}:30:00Z")).collect();
        let (from, to) = (format!("{day}T00:00:00Z"), format!("{day}T05:00:00Z"));
        assert_eq!(occurrences("30 * * * *", &london(), &from, &to), expected);
        assert_eq!(occurrences("*/15 * * * *", &london(), &from, &to).len(), 20);
        assert_eq!(occurrences("0 * * * *", &london(), &from, &to).len(), 5);
        assert_eq!(occurrences("every 15m", &london(), &from, &to).len(), 20);
    }
}

#[test]
fn a_zone_that_skipped_a_day_and_one_that_moves_by_half_an_hour() {
    // Samoa had no 30 December 2011: the job of that day runs when the 31st begins, and that day's own follows.
    let apia = TimeZone::get("Pacific/Apia").expect("tzdata is installed");
    assert_eq!(
        occurrences("0 9 * * *", &apia, "2011-12-29T12:00:00Z", "2012-01-01T00:00:00Z"),
        ["2011-12-29T19:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T19:00:00Z", "2011-12-31T19:00:00Z"]
    );
    // Lord Howe Island repeats 01:30 to 02:00 on 4 April 2027.
    let lord_howe = TimeZone::get("Australia/Lord_Howe").expect("tzdata is installed");
    assert_eq!(
        occurrences("45 1 * * *", &lord_howe, "2027-04-03T12:00:00Z", "2027-04-04T12:00:00Z"),
        ["2027-04-03T14:45:00Z"]
    );
    // An hourly one follows the wall clock's minutes: there they jump by thirty.
    assert_eq!(
        occurrences("45 * * * *", &lord_howe, "2027-04-03T13:30:00Z", "2027-04-03T16:30:00Z"),
        ["2027-04-03T13:45:00Z", "2027-04-03T14:45:00Z", "2027-04-03T15:15:00Z", "2027-04-03T16:15:00Z"]
    );
}

#[test]
fn leap_days_and_month_ends() {
    assert_eq!(
        schedule("0 6 29 2 *").next_after(at("2027-01-01T00:00:00Z"), &TimeZone::UTC),
        Some(at("2028-02-29T06:00:00Z"))
    );
    assert_eq!(days("0 6 * * *", 2028, 2).len(), 29);
    assert_eq!(days("0 6 * * *", 2027, 2).len(), 28);
    assert_eq!(days("0 6 31 * *", 2027, 4), [] as [i8; 0]);
    assert_eq!(days("0 6 31 * *", 2027, 5), [31]);
    assert_eq!(
        schedule("59 23 31 12 *").next_after(at("2027-12-31T23:59:00Z"), &TimeZone::UTC),
        Some(at("2028-12-31T23:59:00Z"))
    );
}

#[test]
fn weekdays_are_numbered_as_in_ordinary_cron() {
    // 1 February 2027 is a Monday.
    let monday_to_friday: Vec<i8> = (1..=28).filter(|day| (day - 1) % 7 < 5).collect();
    let sundays = [7, 14, 21, 28];
    for text in ["0 6 * * 1-5", "0 6 * * MON-FRI", "0 6 * * mon,tue,3-5"] {
        assert_eq!(days(text, 2027, 2), monday_to_friday, "{text}");
    }
    for text in ["0 6 * * 0", "0 6 * * 7", "0 6 * * SUN", "@weekly", "0 6 * * 0,7"] {
        assert_eq!(days(text, 2027, 2), sundays, "{text}");
    }
    assert_eq!(days("0 6 * * SAT-SUN", 2027, 2), [6, 7, 13, 14, 20, 21, 27, 28]);
    assert_eq!(days("0 6 * * 5-7", 2027, 2), [5, 6, 7, 12, 13, 14, 19, 20, 21, 26, 27, 28]);
    assert_eq!(days("0 6 * * SUN-MON", 2027, 2), [1, 7, 8, 14, 15, 21, 22, 28]);
}

#[test]
fn day_of_month_or_weekday_either_is_enough() {
    assert_eq!(days("0 6 10 * MON", 2027, 2), [1, 8, 10, 15, 22]);
    // Monday the 8th satisfies both, and is one occurrence.
    assert_eq!(days("0 6 8 * MON", 2027, 2), [1, 8, 15, 22]);
    // A star, with or without a step, leaves the day to the other field.
    assert_eq!(days("0 6 10 * *", 2027, 2), [10]);
    assert_eq!(days("0 6 * * MON", 2027, 2), [1, 8, 15, 22]);
    assert_eq!(days("0 6 */2 * MON", 2027, 2), [1, 15]);
    // 30 February never comes, but Mondays in February do.
    assert_eq!(days("0 6 30 2 MON", 2027, 2), [1, 8, 15, 22]);
}

#[test]
fn names_steps_and_intervals() {
    let day = ("2027-02-01T00:00:00Z", "2027-02-02T00:00:00Z");
    let count = |text| occurrences(text, &TimeZone::UTC, day.0, day.1).len();
    assert_eq!(count("@hourly"), 24);
    assert_eq!(count("@daily"), 1);
    assert_eq!(count("17 */4 * * *"), 6);
    assert_eq!(count("10/20 0 * * *"), 3);
    assert_eq!(count("0 8-18/5 * FEB *"), 3);
    assert_eq!(count("every 90m"), 16);
    assert_eq!(count("every 1d"), 1);
    assert_eq!(schedule("  17 */4 * * *  ").to_string(), "17 */4 * * *");
}

#[test]
fn what_cannot_be_meant_is_refused_with_a_remedy() {
    for (text, code, says) in [
        ("", "schedule-field-count", "0 fields"),
        ("* * * *", "schedule-field-count", "minute, hour, day of month"),
        ("0 17 */4 * * *", "schedule-field-count", "6 fields"),
        ("@reboot", "schedule-field-count", "@hourly"),
        ("60 * * * *", "schedule-field", "minute field of the schedule cannot be \"60\": use 0 to 59"),
        ("* 24 * * *", "schedule-field", "use 0 to 23"),
        ("* * 0 * *", "schedule-field", "use 1 to 31"),
        ("* * * 13 *", "schedule-field", "JAN to DEC"),
        ("* * * * 8", "schedule-field", "SUN to SAT"),
        ("* * * * MONDAYS", "schedule-field", "SUN to SAT"),
        ("* * ? * *", "schedule-field", "day of month"),
        ("* * L * *", "schedule-field", "day of month"),
        ("+5 * * * *", "schedule-field", "minute"),
        ("5, * * * *", "schedule-field", "minute"),
        ("30-10 * * * *", "schedule-field", "from the lower"),
        ("5-0 * * * *", "schedule-field", "from the lower"),
        ("*/0 * * * *", "schedule-field", "from 1 to 59"),
        ("*/60 * * * *", "schedule-field", "from 1 to 59"),
        ("0 0 30 2 *", "schedule-never-occurs", "30 2"),
        ("0 0 31 4,6,9,11 *", "schedule-never-occurs", "never comes"),
        ("every 0m", "schedule-interval", "every 0m"),
        ("every 30s", "schedule-interval", "every 15m"),
        ("every 32d", "schedule-interval", "31 days"),
        ("every -5m", "schedule-interval", "one minute"),
        ("every 9223372036854775807d", "schedule-interval", "31 days"),
    ] {
        let error = Schedule::parse(text).expect_err(text);
        assert_eq!(error.code(), code, "{text}: {error}");
        assert!(error.to_string().contains(says), "{text}: {error}");
    }
}

#[test]
fn three_hundred_hubs_on_one_minute_are_spread() {
    let next = at("2027-02-01T04:17:00Z");
    let interval = SignedDuration::from_hours(4);
    let mut minutes = vec![0; 24];
    for hub in 0..300 {
        let due = jittered(next, interval, &format!("h-{hub}"), 10);
        assert_eq!(due, jittered(next, interval, &format!("h-{hub}"), 10));
        let minute = due.duration_since(next).as_secs() / 60;
        minutes[usize::try_from(minute).expect("never before the schedule, always within 24 minutes")] += 1;
    }
    // 12.5 a minute on average; 30 would be five standard deviations.
    assert!(minutes.iter().all(|hubs| (1..=30).contains(hubs)), "{minutes:?}");
    assert_eq!(jittered(next, interval, "h-1", 0), next);
    let weekly = jittered(next, SignedDuration::from_hours(168), "h-1", 50);
    assert!(weekly >= next && weekly < next + MAX_JITTER);
    // An interval that is none (the clock went back) moves nothing back.
    assert_eq!(jittered(next, SignedDuration::from_hours(-4), "h-1", 10), next);
}

#[test]
fn waits_double_to_a_limit_and_differ_between_hubs() {
    let wait = |failures, hub| back_off(failures, BACK_OFF_BASE, hub, BACK_OFF_MAX);
    assert_eq!(wait(0, "h-1"), SignedDuration::ZERO);
    for failures in 1..=8 {
        let whole = BACK_OFF_BASE * (1 << (failures - 1));
        assert!(wait(failures, "h-1") > whole * 3 / 4 - SignedDuration::from_secs(1));
        assert!(wait(failures, "h-1") <= whole);
        assert!(wait(failures, "h-1") < wait(failures + 1, "h-1"));
    }
    for failures in [10, 24, 25, 26, 1_000, u32::MAX] {
        assert!(wait(failures, "h-1") <= BACK_OFF_MAX);
        assert!(wait(failures, "h-1") >= BACK_OFF_MAX * 3 / 4);
    }
    assert_ne!(wait(3, "h-1"), wait(3, "h-2"));
}

fn pace<'a>(schedule: &'a Schedule, time_zone: &'a TimeZone) -> Pace<'a> {
    Pace { schedule, time_zone, hub_id: "h-essex", jitter_percent: 10, retry_after_max: SignedDuration::from_hours(24) }
}

fn pulled(now: Timestamp) -> LastPull {
    LastPull { now, last_due: None, failures: 0, retry_after: None }
}

#[test]
fn failures_wait_instead_of_the_schedule_and_retry_after_is_obeyed_within_reason() {
    let (tz, daily, often) = (london(), schedule("0 2 * * *"), schedule("every 15m"));
    let now = at("2027-02-01T02:30:00Z");
    let failed = |failures| LastPull { failures, ..pulled(now) };
    let wait = |schedule, last: &LastPull| next_due(&pace(schedule, &tz), last).unwrap().duration_since(now);

    // Sooner than tomorrow after one failure, later than a quarter of an hour after six.
    assert!(wait(&daily, &failed(1)) <= BACK_OFF_BASE);
    assert!(wait(&often, &failed(6)) > SignedDuration::from_hours(1));

    let asked = |hours| LastPull { retry_after: Some(SignedDuration::from_hours(hours)), ..failed(1) };
    assert_eq!(wait(&often, &asked(3)), SignedDuration::from_hours(3));
    assert_eq!(wait(&often, &asked(1_000_000)), SignedDuration::from_hours(24));
    assert_eq!(wait(&often, &asked(-5)), wait(&often, &failed(1)));
    // Shorter than the wait: the wait stands.
    let soon = LastPull { retry_after: Some(SignedDuration::from_secs(1)), ..failed(5) };
    assert_eq!(wait(&often, &soon), wait(&often, &failed(5)));
    // It counts after a good run too.
    let busy = LastPull { failures: 0, ..asked(3) };
    assert_eq!(wait(&often, &busy), SignedDuration::from_hours(3));
}

#[test]
fn a_clock_set_back_doubles_nothing_and_one_that_was_wrong_silences_nobody() {
    let (tz, schedule) = (london(), schedule("17 */4 * * *"));
    let pace = pace(&schedule, &tz);
    let due = next_due(&pace, &pulled(at("2027-02-01T07:00:00Z"))).unwrap();
    let after_run = |now| LastPull { last_due: Some(due), ..pulled(now) };
    let following = next_due(&pace, &after_run(due)).unwrap();
    assert!(due > at("2027-02-01T08:17:00Z") && following > at("2027-02-01T12:17:00Z"));
    for minutes in [0, 1, 20, 60, 239] {
        let set_back = due - SignedDuration::from_mins(minutes);
        assert_eq!(next_due(&pace, &after_run(set_back)), Some(following), "{minutes} minutes");
    }
    // The last due time was written by a clock four years ahead.
    let now = due - SignedDuration::from_hours(4 * 365 * 24);
    let next = next_due(&pace, &after_run(now)).unwrap();
    assert!(next > now && next.duration_since(now) <= SignedDuration::from_hours(5));
}

#[test]
fn a_run_that_ends_before_the_next_jittered_time_does_not_lose_it() {
    let (tz, schedule) = (london(), schedule("17 */4 * * *"));
    let pace = pace(&schedule, &tz);
    let first = next_due(&pace, &pulled(at("2027-02-01T07:00:00Z"))).unwrap();
    let second = next_due(&pace, &LastPull { last_due: Some(first), ..pulled(first) }).unwrap();
    // The run of the first took until the schedule's second minute had passed, but not yet the second's own time.
    let ended = at("2027-02-01T12:17:01Z");
    assert!(ended < second);
    assert_eq!(next_due(&pace, &LastPull { last_due: Some(first), ..pulled(ended) }), Some(second));
}

/// Cron lines of every shape, all of which occur.
fn any_line() -> impl Strategy<Value = String> {
    let minute =
        prop_oneof!["[0-5]?[0-9]", Just("*".into()), Just("*/7".into()), Just("5,25,55".into()), Just("*/15".into())];
    let hour = prop_oneof!["[0-9]", "2[0-3]", Just("*".into()), Just("*/4".into()), Just("0-2".into())];
    let day = prop_oneof![4 => Just("*".into()), 1 => "[1-9]", 1 => Just("*/2".into())];
    let weekday = prop_oneof![4 => Just("*".into()), 1 => "[0-7]", 1 => Just("MON-FRI".into())];
    (minute, hour, day, weekday).prop_map(|(m, h, d, w): (String, String, String, String)| format!("{m} {h} {d} * {w}"))
}

/// Moments of 2027, some of them close to a change of the clocks.
fn any_moment() -> impl Strategy<Value = Timestamp> {
    let near = |change: &str| {
        let change = at(change).as_second();
        (change - 7_200)..(change + 7_200)
    };
    let year = at("2027-01-01T00:00:00Z").as_second()..at("2027-12-01T00:00:00Z").as_second();
    prop_oneof![near("2027-03-28T01:00:00Z"), near("2027-10-31T01:00:00Z"), year]
        .prop_map(|second| Timestamp::from_second(second).expect("in 2027"))
}

/// What a line means, by brute force and without the crate: does it name this civil minute?
fn names(line: &str, civil: civil::DateTime) -> bool {
    let within = |field: &str, value: i8, all: std::ops::RangeInclusive<i8>| {
        field.split(',').any(|item| {
            let (range, step) = item.split_once('/').map_or((item, 1), |(r, s)| (r, s.parse().unwrap()));
            let (low, high) = match range {
                "*" => (*all.start(), *all.end()),
                "MON-FRI" => (1, 5),
                _ => match range.split_once('-') {
                    Some((low, high)) => (low.parse().unwrap(), high.parse().unwrap()),
                    None => (range.parse().unwrap(), range.parse().unwrap()),
                },
            };
            (low..=high).contains(&value) && (value - low) % step == 0
        })
    };
    let fields: Vec<&str> = line.split(' ').collect();
    let sunday_is_0 = civil.weekday().to_sunday_zero_offset();
    let day = within(fields[2], civil.day(), 1..=31);
    let weekday = within(fields[4], sunday_is_0, 0..=6) || (sunday_is_0 == 0 && fields[4] == "7");
    let both = fields[2].starts_with('*') || fields[4].starts_with('*');
    within(fields[0], civil.minute(), 0..=59)
        && within(fields[1], civil.hour(), 0..=23)
        && if both { day && weekday } else { day || weekday }
}

proptest! {
    /// Away from the changes of the clocks, each named minute of the next two days occurs, and no other.
    #[test]
    fn occurrences_are_exactly_the_named_minutes(line in any_line(), start in any_moment()) {
        let (tz, schedule) = (TimeZone::UTC, schedule(&line));
        let end = start + SignedDuration::from_hours(48);
        let mut expected = Vec::new();
        let mut minute = tz.to_datetime(start).round(jiff::Unit::Minute).unwrap() - 1.minute();
        while tz.to_timestamp(minute).unwrap() <= end {
            let moment = tz.to_timestamp(minute).unwrap();
            if moment > start && names(&line, minute) {
                expected.push(moment);
            }
            minute = minute.checked_add(1.minute()).unwrap();
        }
        let mut found = Vec::new();
        let mut after = start;
        while let Some(next) = schedule.next_after(after, &tz).filter(|next| *next <= end) {
            found.push(next);
            after = next;
        }
        prop_assert_eq!(found, expected);
    }

    /// Also across the changes: strictly later each time, and asking from anywhere in between gives the same answer, so
    /// none can be skipped by asking at an unlucky moment.
    #[test]
    fn time_only_moves_on_and_nothing_is_skipped(line in any_line(), start in any_moment(), part in 0.0..1.0f64) {
        let (tz, schedule) = (london(), schedule(&line));
        let mut after = start;
        for _ in 0..12 {
            let next = schedule.next_after(after, &tz).expect("every line of the strategy recurs");
            prop_assert!(next > after);
            let between = after + next.duration_since(after).mul_f64(part);
            if between < next {
                prop_assert_eq!(schedule.next_after(between, &tz), Some(next));
            }
            after = next;
        }
    }

    /// Across the changes, a line that names hours occurs once for each civil time it names: London's two days are
    /// never without their occurrence, and never have it twice.
    #[test]
    fn a_daily_job_runs_once_each_day_of_the_year(hour in 0..24u8, minute in 0..60u8) {
        let (tz, schedule) = (london(), schedule(&format!("{minute} {hour} * * *")));
        let mut after = at("2026-12-31T23:59:59Z");
        for day in civil::date(2027, 1, 1).series(1.day()).take(365) {
            let next = schedule.next_after(after, &tz).expect("a daily job");
            prop_assert_eq!(tz.to_datetime(next).date(), day);
            after = next;
        }
    }

    /// Due times move on too, each belongs to one occurrence, and a clock set back within the interval repeats none.
    #[test]
    fn due_times_move_on_and_a_step_back_repeats_none(line in any_line(), start in any_moment(), part in 0.0..1.0f64) {
        let (tz, schedule) = (london(), schedule(&line));
        let pace = pace(&schedule, &tz);
        let mut last = pulled(start);
        for _ in 0..6 {
            let due = next_due(&pace, &last).expect("every line of the strategy recurs");
            let following = next_due(&pace, &LastPull { last_due: Some(due), ..pulled(due) }).expect("recurs");
            prop_assert!(due > last.now && following > due);
            let set_back = due - following.duration_since(due).mul_f64(part);
            prop_assert_eq!(next_due(&pace, &LastPull { last_due: Some(due), ..pulled(set_back) }), Some(following));
            // One occurrence lies between one due time and the next, no more and no fewer.
            let occurrence = schedule.next_after(due, &tz).expect("recurs");
            prop_assert!(occurrence <= following);
            prop_assert!(schedule.next_after(occurrence, &tz).is_none_or(|later| later > following));
            last = LastPull { last_due: Some(due), ..pulled(due) };
        }
    }
}
