//! A disk that loses what was not synced when the power fails, and one that answers with errors (PROTOCOL F46).

use super::*;
use crate::support::power::{self, Disk, Lost};

/// Lets the power fail where the work comes to each failpoint, at its first passing and at a later one: all that was not synced is
/// lost, or some of it. Of the failpoints, those whose names begin so. `look` sees the state at the moment, and once the work was
/// done again. Returns the failpoints it came to, and how many writes and names were lost.
async fn power_fails(
    library: &Path,
    start: &Path,
    (what, argument, steps): (&str, &str, &[&str]),
    mut look: impl AsyncFnMut(&Path, &str, bool),
) -> (BTreeSet<String>, usize) {
    let (mut met, mut dropped) = (BTreeSet::new(), 0);
    let trials = tempfile::tempdir().unwrap();
    for name in failpoints().into_iter().filter(|name| steps.iter().any(|step| name.starts_with(step))) {
        for nth in [1, 5] {
            let (whole, journal) = (trials.path().join("whole"), trials.path().join("journal"));
            copy(start, &whole);
            let mut disk = Disk::of(&whole);
            let task = format!("{what} {}{argument}", whole.display());
            let preloaded = [("LD_PRELOAD", library), ("POWER_JOURNAL", &journal), ("POWER_FOLDER", whole.as_path())];
            if !work_with(&task, Some(&format!("{name}:{nth}")), &preloaded) {
                std::fs::remove_dir_all(&whole).unwrap();
                let _ = std::fs::remove_file(&journal);
                break;
            }
            met.insert(name.clone());
            look(&whole, &format!("{name}:{nth}"), false).await;
            let journal_bytes = std::fs::read(&journal).unwrap();
            disk.follow(&journal_bytes);
            for (nth_fall, lost) in [Lost::Everything, Lost::Some(name.len() as u64)].into_iter().enumerate() {
                dropped += disk.clone().fall(lost);
                let at = format!("{name}:{nth}, fall {nth_fall}");
                assert!(!work(&task, None), "{at}");
                look(&whole, &at, true).await;
            }
            std::fs::remove_dir_all(&whole).unwrap();
            std::fs::remove_file(&journal).unwrap();
        }
    }
    (met, dropped)
}

/// F46: the power fails at any step of saying, erasing and publishing, and the disk has lost what was not synced, or some of it
/// (writes below the file system, worked out from what the process asked for). The hub comes back to the state of one whose power
/// did not fail: what readers saw is a beginning of what is published then, and what was erased is gone.
#[tokio::test(flavor = "multi_thread")]
async fn f46_power_that_fails_loses_nothing_that_was_shown() {
    let Some(library) = power::library() else {
        eprintln!("SKIP: no C compiler here, so no power failure was tried");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let start = folder.path().join("start");
    new_state(&start, "Powerless", 5).await;
    let whole = folder.path().join("whole");
    copy(&start, &whole);
    assert!(!work(&format!("brief {}", whole.display()), None));
    let (expected, feed) = (told(&whole).await, files(&whole.join("feed/v1")));
    let mut before = Vec::new();
    let (met, dropped) =
        power_fails(&library, &start, ("brief", "", &["publish", "sa", "erase"]), async |state, at, again| {
            let now = shown(state);
            if !again {
                before = now;
                return;
            }
            assert!(now.starts_with(&before), "{at}: what readers saw is no beginning of what is published");
            assert_eq!(told(state).await, expected, "{at}");
            assert_eq!(files(&state.join("feed/v1")), feed, "{at}");
            let found = audit(&[state], &["Group 3, said"]);
            assert!(found.is_empty(), "{at}: {found:?}");
        })
        .await;
    assert!(met.contains("publish-checkpoint-stored") && met.contains("erase-wal"), "{met:?}");
    assert!(dropped > met.len(), "{dropped} writes were lost");
}

/// F46: the power fails at any step of erasing: what was erased is gone all the same, from exports and backups too, and no file that
/// was removed comes back.
#[tokio::test(flavor = "multi_thread")]
async fn f46_power_that_fails_brings_nothing_back_that_was_erased() {
    let Some(library) = power::library() else {
        eprintln!("SKIP: no C compiler here, so no power failure was tried");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let start = folder.path().join("start");
    let hub = with_secret(&start).await;
    hub.back_up(Some(&start.join("backups/old.backup"))).await.unwrap();
    hub.store.close().await;
    let (met, dropped) =
        power_fails(&library, &start, ("forget-here", "", &["erase", "backup-cleaned"]), async |state, at, again| {
            if again {
                let found = audit(&[state], &[SECRET]);
                assert!(found.is_empty(), "{at}: {found:?}");
            }
        })
        .await;
    assert!(met.contains("erase-scrub") && met.contains("erase-scrubbed"), "{met:?}");
    assert!(dropped > met.len(), "{dropped} writes were lost");
}

/// A partner hub, and at `start` a hub that has pulled its first words; what it changed, took back and erased since is still to come.
async fn partly_pulled(start: &Path) -> TestHub {
    let partner = TestHub::new("Partner Hub", 3).await;
    partner.hub.say(&steps()[0][..20]).await.unwrap();
    new_state(start, "Puller", 6).await;
    let hub = open(start).await;
    hub.add_partner(&partner.url, partner.hub.id, None).await.unwrap();
    let row = hub.partner(&partner.hub.id.to_string()).await.unwrap();
    hub.pull(&row, false).await.unwrap();
    hub.store.close().await;
    let erase = Body::Erase(Kind::Record, 1, ErasedParts::All);
    let erase = Draft { id: Uuid::from_u128(3), rev: 2, body: erase, public: None };
    partner.hub.say(&[steps()[1][..3].to_vec(), vec![erase]].concat()).await.unwrap();
    partner
}

/// F46: the same while a partner is pulled: its list is here as if nothing had happened, and its erasures stay obeyed.
#[tokio::test(flavor = "multi_thread")]
async fn f46_power_that_fails_during_a_pull_leaves_a_hub_that_pulls_on() {
    let Some(library) = power::library() else {
        eprintln!("SKIP: no C compiler here, so no power failure was tried");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let start = folder.path().join("start");
    let partner = partly_pulled(&start).await;
    let whole = folder.path().join("whole");
    copy(&start, &whole);
    let id = partner.hub.id;
    assert!(!work(&format!("pull {} {id}", whole.display()), None));
    let expected = told(&whole).await;
    let (met, dropped) =
        power_fails(&library, &start, ("pull", &format!(" {id}"), &["pull", "erase"]), async |state, at, again| {
            if !again {
                return;
            }
            assert_eq!(told(state).await, expected, "{at}");
            let found = audit(&[state], &["Group 3, said 1"]);
            assert!(found.is_empty(), "{at}: {found:?}");
        })
        .await;
    assert!(met.contains("pull-kept") && met.contains("pull-done"), "{met:?}");
    assert!(dropped > met.len(), "{dropped} writes were lost");
}

/// Lets the disk answer with an error (EIO) at calls that the work makes, drawn over the whole of it: reading, writing and syncing, once or
/// from then on. Work that ended well all the same is on the disk: when the power fails right after, nothing of it is lost. Work
/// that failed leaves what a healed disk goes on from. `look` sees the state after the failure, and once the work was done. Returns
/// how many pieces of work ended well, and how many did not.
async fn disk_fails(
    library: &Path,
    start: &Path,
    (what, argument): (&str, &str),
    mut look: impl AsyncFnMut(&Path, &str, bool),
) -> (usize, usize) {
    let trials = tempfile::tempdir().unwrap();
    let (whole, journal, count) =
        (trials.path().join("whole"), trials.path().join("journal"), trials.path().join("count"));
    let task = format!("{what} {}{argument}", whole.display());
    let begin = || {
        let _ = std::fs::remove_dir_all(&whole);
        let _ = std::fs::remove_file(&journal);
        copy(start, &whole);
        Disk::of(&whole)
    };
    let preloaded = |error: &str| {
        ends(
            &task,
            None,
            &[
                ("LD_PRELOAD", library),
                ("POWER_JOURNAL", &journal),
                ("POWER_FOLDER", &whole),
                ("POWER_COUNT", &count),
                ("POWER_ERROR", Path::new(error)),
            ],
        )
    };
    begin();
    let (_, well, said) = preloaded("");
    assert!(well, "{said}");
    let counts: Vec<usize> =
        std::fs::read_to_string(&count).unwrap().split(' ').map(|count| count.parse().unwrap()).collect();
    let most: usize = std::env::var("DISK_ERRORS").map_or(8, |most| most.parse().unwrap());
    let mut ended = (0, 0);
    for (kind, count) in ["r", "w", "s"].into_iter().zip(counts) {
        assert!(count > 10, "{kind}: {count}");
        // A sync that failed is the one that programs get wrong.
        let some = if kind == "s" { 2 * most } else { most }.min(count);
        // Spread over all of them, each a little off the step, so that none of a rhythm is missed.
        let calls: BTreeSet<usize> = (0..some).map(|nth| 1 + (nth * count + nth * nth % some) / some).collect();
        for (nth, call) in calls.into_iter().filter(|call| *call <= count).enumerate() {
            let error = format!("{kind}{call}{}", if nth % 3 == 2 { "+" } else { "" });
            let mut disk = begin();
            let (_, well, said) = preloaded(&error);
            for place in said.split("panicked at ").skip(1) {
                assert!(place.starts_with("tests/suite/crash.rs"), "{error}: {said}");
            }
            look(&whole, &error, false).await;
            if well {
                ended.0 += 1;
                // Whatever a call answered on the way: what it said in the end is true.
                disk.follow(&std::fs::read(&journal).unwrap());
                disk.fall(Lost::Everything);
            } else {
                ended.1 += 1;
                assert!(said.contains("disk") || said.contains("os error 5"), "{error}: it says why: {said}");
                // The disk is well again. What the work says it did then is on it, whatever was given up before.
                disk.follow(&std::fs::read(&journal).unwrap());
                let _ = std::fs::remove_file(&journal);
                let (_, well, said) = preloaded("");
                assert!(well, "{error}: {said}");
                disk.follow(&std::fs::read(&journal).unwrap());
                look(&whole, &format!("{error}, done again"), true).await;
                disk.fall(Lost::Everything);
            }
            // The power fails after.
            assert!(!work(&task, None), "{error}");
            look(&whole, &format!("{error}, after the power failed"), true).await;
        }
    }
    ended
}

/// F46: the disk answers with an error at any call of saying, erasing and publishing: what readers find is whole all the while and never
/// less than before, what fails says so, what is said to be done is on the disk, and once the disk is well the hub comes to the
/// state of one whose disk did not fail.
#[tokio::test(flavor = "multi_thread")]
async fn f46_a_disk_that_answers_with_errors_never_makes_less_of_what_was_shown() {
    let Some(library) = power::library() else {
        eprintln!("SKIP: no C compiler here, so no disk's error was tried");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let start = folder.path().join("start");
    new_state(&start, "Stubborn", 5).await;
    let whole = folder.path().join("whole");
    copy(&start, &whole);
    assert!(!work(&format!("stubborn {}", whole.display()), None));
    let (expected, all) = (told(&whole).await, shown(&whole));
    let mut before = Vec::new();
    let ended = disk_fails(&library, &start, ("stubborn", ""), async |state, at, done| {
        let now = shown(state);
        if !done {
            before = shown(&start);
        }
        assert!(now.starts_with(&before), "{at}: what readers saw is no beginning of what is published");
        before = now;
        if done {
            assert_eq!(told(state).await, expected, "{at}");
            assert_eq!(before, all, "{at}");
            let found = audit(&[state], &["Group 3, said"]);
            assert!(found.is_empty(), "{at}: {found:?}");
        }
    })
    .await;
    assert!(ended.0 > 0 && ended.1 > 0, "{ended:?}");
}

/// F46: the same while a partner is pulled: its list is here in the end as if nothing had happened.
#[tokio::test(flavor = "multi_thread")]
async fn f46_a_disk_that_answers_with_errors_leaves_a_hub_that_pulls_on() {
    let Some(library) = power::library() else {
        eprintln!("SKIP: no C compiler here, so no disk's error was tried");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let start = folder.path().join("start");
    let partner = partly_pulled(&start).await;
    let whole = folder.path().join("whole");
    copy(&start, &whole);
    let id = partner.hub.id;
    assert!(!work(&format!("follow {} {id}", whole.display()), None));
    // Under which id it confirmed the erasure follows from which try did.
    let but_ack = |mut told: Told| {
        told.1.retain(|(table, _)| *table != "ack");
        told
    };
    let expected = but_ack(told(&whole).await);
    let ended = disk_fails(&library, &start, ("follow", &format!(" {id}")), async |state, at, done| {
        if done {
            assert_eq!(but_ack(told(state).await), expected, "{at}");
            let found = audit(&[state], &["Group 3, said 1"]);
            assert!(found.is_empty(), "{at}: {found:?}");
        }
    })
    .await;
    assert!(ended.0 > 0 && ended.1 > 0, "{ended:?}");
}
