//! The one place that may read the time of day. Everything else is given a [`Clock`], or better, a timestamp.
//!
//! `clippy.toml` refuses the ambient sources everywhere else, so that a test decides what time it is and the pure modules
//! cannot depend on when they run. Durations are measured with [`std::time::Instant`], which this does not replace: a
//! measurement may not decide what is written.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, civil};

/// Where the time comes from: the operating system, or a hand that a test moves.
///
/// Cloning is cheap, and all clones of a manual clock show the same time.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    // A lock and not an atomic: `Timestamp` is 12 bytes, and only tests take it.
    Manual(Arc<Mutex<Timestamp>>),
}

impl Clock {
    /// The operating system's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `at` until it is [set](Self::set) or [advanced](Self::advance). For tests and demonstrations.
    pub fn fixed(at: Timestamp) -> Self {
        Self(Source::Manual(Arc::new(Mutex::new(at))))
    }

    /// The present moment, in UTC.
    #[expect(clippy::disallowed_methods, reason = "this is the place that reads the time")]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => Timestamp::now(),
            // A poisoned lock still holds a whole timestamp: nothing else is guarded by it.
            Source::Manual(hand) => *hand.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// The calendar date at this moment in `tz`.
    pub fn today(&self, tz: &TimeZone) -> civil::Date {
        tz.to_datetime(self.now()).date()
    }

    /// Moves a manual clock to `at`, forwards or back. The system's clock is not ours to move: there, nothing happens.
    pub fn set(&self, at: Timestamp) {
        if let Source::Manual(hand) = &self.0 {
            *hand.lock().unwrap_or_else(PoisonError::into_inner) = at;
        }
    }

    /// Moves a manual clock by `by` (back, if negative), stopping at the ends of time. On the system's clock, nothing happens.
    pub fn advance(&self, by: SignedDuration) {
        if let Source::Manual(hand) = &self.0 {
            let mut now = hand.lock().unwrap_or_else(PoisonError::into_inner);
            *now = now.checked_add(by).unwrap_or(if by.is_negative() { Timestamp::MIN } else { Timestamp::MAX });
        }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a timestamp in the test")
    }

    #[test]
    fn clones_of_a_manual_clock_share_one_hand() {
        let clock = Clock::fixed(at("2027-03-28T00:30:00Z"));
        let other = clock.clone();
        other.advance(SignedDuration::from_mins(45));
        assert_eq!(clock.now(), at("2027-03-28T01:15:00Z"));
        clock.set(at("2027-01-01T00:00:00Z"));
        assert_eq!(other.now(), at("2027-01-01T00:00:00Z"));
    }

    #[test]
    fn today_is_the_date_where_the_hub_is() {
        let london = TimeZone::get("Europe/London").expect("tzdata is installed");
        // Half past eleven at night in UTC is already tomorrow in British Summer Time.
        let clock = Clock::fixed(at("2027-07-01T23:30:00Z"));
        assert_eq!(clock.today(&london), civil::date(2027, 7, 2));
        assert_eq!(clock.today(&TimeZone::UTC), civil::date(2027, 7, 1));
    }

    #[test]
    fn the_ends_of_time_hold() {
        let clock = Clock::fixed(Timestamp::MAX);
        clock.advance(SignedDuration::from_hours(1));
        assert_eq!(clock.now(), Timestamp::MAX);
        clock.set(Timestamp::MIN);
        clock.advance(SignedDuration::from_hours(-1));
        assert_eq!(clock.now(), Timestamp::MIN);
    }

    #[test]
    fn the_system_clock_is_not_ours_to_move() {
        let clock = Clock::system();
        clock.set(at("1999-01-01T00:00:00Z"));
        assert!(clock.now() > at("2025-01-01T00:00:00Z"), "the machine's clock is set");
    }
}
