//! F43: clocks that are wrong, here or there, by minutes or by years. (Cron at the two changes of the clocks and on leap days:
//! `suite/schedule.rs`.)

use crate::support::TestHub;
use crate::support::hub::group;
use crate::support::scene::Scene;
use jiff::SignedDuration;
use mutuald::peer::schedule::{LastPull, Pace, Schedule, next_due};
use uuid::Uuid;

const YEARS: i64 = 10 * 31_557_600;

/// F43: a partner whose clock is ten years off, one way or the other, or steps back between two entries: all of its records come, the order
/// of its list stands whatever its dates say, and what is said of its freshness says that its clock is wrong.
#[tokio::test]
async fn f43_a_partners_clock_is_ten_years_off() {
    for (off, then, flag) in
        [(YEARS, 0, "clock is ahead"), (-YEARS, 0, "has not confirmed"), (YEARS, -2 * YEARS, "has not confirmed")]
    {
        let mut scene = Scene::new(2).await;
        let now = scene.peer.now;
        scene.peer.now = now + off;
        scene.peer.put(1, 2, "Said first");
        scene.peer.put(3, 1, "Said by a clock that is off");
        scene.peer.now += then;
        scene.peer.put(1, 3, "Said last");
        scene.peer.publish();
        let outcome = scene.pull().await;
        assert!(outcome.ok(), "a wrong clock cuts nobody off: {outcome:?}");
        assert!(outcome.reason.contains(flag), "{off} {then}: {outcome:?}");
        assert_eq!(scene.state_of(1).await.as_deref(), Some("live"));
        assert_eq!(
            scene.line_at(4).await.as_deref(),
            Some(scene.peer.lines[4].as_str()),
            "the newest in the list counts"
        );
        assert!(!scene.names().await.contains(&"Said first".to_owned()));
        scene.hub.check_hub().await;
        // Its clock is put right: nothing is left of it, and what it said by the wrong clock is in the list as it stands.
        scene.peer.now = now;
        scene.heals().await;
        assert!(scene.names().await.contains(&"Said last".to_owned()), "{off} {then}: {:?}", scene.names().await);
        assert_eq!(scene.pull().await.reason, "");
        let names = scene.names().await;
        scene.hub.hub.rebuild().await.unwrap();
        assert_eq!(scene.names().await, names);
    }
}

/// F43: this hub's own clock steps back by ten years, and forth by twenty, while it runs: it says what it has to say, pulls, takes nothing
/// twice and loses nothing; and right again it is like one whose clock was right.
#[tokio::test]
async fn f43_the_own_clock_steps() {
    let (hub, partner) = (TestHub::new("First Hub", 1).await, TestHub::new("Second Hub", 2).await);
    let right = hub.clock.now();
    let said = |n: u128, name: &str| (Uuid::from_u128(n), group(name, "Southend", &format!("01702 {n:06}")));
    hub.follow(&partner).await;
    partner.follow(&hub).await;
    partner.put(&[said(1, "Theirs")]).await;
    let mut mine = 10;
    for off in [0, -YEARS, YEARS, -3_600, 0] {
        hub.clock.set(right + SignedDuration::from_secs(off));
        hub.hub.refresh().await.unwrap();
        mine += 1;
        hub.put(&[said(mine, &format!("Said {off} off, number {mine}"))]).await;
        hub.put(&[said(10, &format!("Changed at {mine}"))]).await;
        let outcome = hub.pull(&partner).await;
        assert!(outcome.ok(), "{off}: {outcome:?}");
        assert!(partner.pull(&hub).await.ok(), "{off}");
        assert_eq!(hub.hub.check().await.unwrap(), [], "{off}");
        partner.check_hub().await;
    }
    let expected = ["Changed at 15"].len() + 5 + 1;
    assert_eq!(hub.names().await.len(), expected);
    assert!(hub.names().await.contains(&"Changed at 15".to_owned()), "{:?}", hub.names().await);
    partner.clock.set(hub.clock.now());
    partner.hub.refresh().await.unwrap();
    assert_eq!(hub.names().await, partner.names().await);
    assert_eq!(hub.hub.digest().await.unwrap().digest, partner.hub.digest().await.unwrap().digest);
}

/// F43: over a leap day, over both changes of the clocks, and with a clock that steps back in the middle of each, no run of a schedule is
/// skipped and none comes twice.
#[test]
fn f43_no_run_is_skipped_or_doubled_at_the_edges() {
    let zone = jiff::tz::TimeZone::get("Europe/London").unwrap();
    for (line, from, days, runs) in [
        ("30 1 * * *", "2027-03-25T12:00:00Z", 6, 6), // the hour that is skipped
        ("30 1 * * *", "2027-10-28T12:00:00Z", 6, 6), // the hour that comes twice
        ("0 3 29 2 *", "2028-02-27T12:00:00Z", 4, 1), // leap day
        ("0 3 29 2 *", "2027-02-27T12:00:00Z", 4, 0), // none
        ("0 */4 * * *", "2028-02-28T13:00:00Z", 2, 12),
    ] {
        let schedule = Schedule::parse(line).unwrap();
        let pace = Pace {
            schedule: &schedule,
            time_zone: &zone,
            hub_id: "h-a h-b",
            jitter_percent: 0,
            retry_after_max: SignedDuration::from_hours(24),
        };
        let start: jiff::Timestamp = from.parse().unwrap();
        let end = start + SignedDuration::from_hours(24 * days);
        for step_back in [0, 1_800, 7_200] {
            let first = LastPull { now: start, last_due: None, failures: 0, retry_after: None };
            let mut due = next_due(&pace, &first);
            let mut ran = Vec::new();
            while let Some(at) = due.filter(|at| *at < end) {
                ran.push(at);
                assert!(ran.len() < 40, "{line}");
                // The run is over a minute later, by a clock that was put back meanwhile.
                let now = at + SignedDuration::from_secs(60 - step_back);
                due = next_due(&pace, &LastPull { now, last_due: Some(at), failures: 0, retry_after: None });
            }
            assert_eq!(ran.len(), runs, "{line} from {from}, stepping back {step_back}: {ran:?}");
            assert!(ran.windows(2).all(|pair| pair[0] < pair[1]), "{line}: {ran:?}");
        }
    }
}
