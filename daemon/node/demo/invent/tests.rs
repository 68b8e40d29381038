use super::*;
use crate::record::vocabulary;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

const SEED: u64 = 2013;

fn contacts(group: &Group) -> Vec<String> {
    let contact = group.contact.as_ref().unwrap();
    [&contact.url, &contact.email, &contact.phone].into_iter().flatten().cloned().collect()
}

/// Contact → how many groups have it.
fn shared<'a>(groups: impl IntoIterator<Item = &'a Group>) -> BTreeMap<String, usize> {
    let mut count = BTreeMap::new();
    for contact in groups.into_iter().flat_map(contacts) {
        *count.entry(contact).or_default() += 1;
    }
    count
}

fn digest<'a>(groups: impl IntoIterator<Item = &'a Group>) -> String {
    let mut sum = Sha256::new();
    groups.into_iter().for_each(|group| sum.update(group.json() + "\n"));
    hex::encode(sum.finalize())[..16].to_owned()
}

fn everything() -> Vec<Group> {
    let mut all = nottingham(SEED);
    all.extend(derbyshire(SEED));
    all.extend(essex(SEED).into_iter().flat_map(|(_, rows)| rows));
    all.extend(many(SEED, 2_000, 2));
    all
}

#[test]
fn counts_are_what_the_demo_promises() {
    let nottingham = nottingham(SEED);
    assert_eq!(nottingham.len(), 202);
    assert!(nottingham.iter().all(|group| !group.closed() && group.safety.is_none()));
    for group in &nottingham {
        for (criterion, value) in one::SUITABLE {
            assert_eq!(group.criteria[criterion].value, value);
        }
    }
    let areas: BTreeSet<_> = nottingham.iter().filter_map(|g| g.place.clone()?.area).collect();
    assert_eq!(areas.len(), 8, "every district of Nottinghamshire: {areas:?}");
    assert!(areas.iter().all(|area| area == "E06000018" || ("E07000170"..="E07000176").contains(&area.as_str())));
    let topics: BTreeSet<_> = nottingham.iter().flat_map(|g| g.topics.clone()).collect();
    assert!(topics.len() > 50, "{} topics", topics.len());
    assert!(nottingham.iter().any(|g| !g.communities.is_empty()));
    assert!(nottingham.iter().filter(|g| g.affiliation.as_ref().is_some_and(|a| a.to.is_some())).count() > 20);

    let derbyshire = derbyshire(SEED);
    assert_eq!(derbyshire.len(), 60);
    let in_town =
        |town: &str| derbyshire.iter().filter(|g| g.place.as_ref().unwrap().locality.as_deref() == Some(town)).count();
    assert!(in_town("Long Eaton") >= 4 && in_town("Ilkeston") >= 4);

    let lists = essex(SEED);
    assert_eq!(lists.each_ref().map(|(_, rows)| rows.len()), [12, 14, 10]);
    let kinds = lists.each_ref().map(|(list, _)| list.kind.as_str());
    assert_eq!(kinds, ["printed-directory", "website", "personal-communication"]);
}

#[test]
fn nothing_pretends_to_be_real() {
    for group in everything() {
        assert!(group.description.as_ref().unwrap().ends_with("Invented for demonstration."));
        assert_eq!(group.sponsorship, None);
        let contact = group.contact.as_ref().unwrap();
        if let Some(email) = &contact.email {
            assert!(email.ends_with(".example"), "{email}");
        }
        if let Some(url) = &contact.url {
            assert!(url.ends_with(".example/"), "{url}");
            let host = url.trim_start_matches("https://").trim_end_matches(".example/");
            assert!(host.len() <= 63 && host.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'), "{host}");
        }
        let postcode = group.place.as_ref().unwrap().postcode.clone().unwrap();
        let (_, inward) = postcode.split_once(' ').unwrap();
        assert!(inward.len() == 3 && inward[1..].bytes().all(|b| b"CIKMOV".contains(&b)), "{postcode}");
    }
    for (list, _) in essex(SEED) {
        assert!(list.title.contains("invented for demonstration"));
        assert_eq!(list.licence.as_deref(), Some("CC0-1.0"));
    }
}

#[test]
fn every_term_is_in_its_vocabulary_and_every_record_reads_back() {
    let known = |vocabulary: &vocabulary::Vocabulary, term: &str| {
        assert!(vocabulary.get(term).is_some(), "{term} is not in {}", vocabulary.id);
    };
    for group in everything() {
        let json = group.json();
        assert_eq!(Group::read(&json).as_ref(), Ok(&group));
        let line = crate::record::part::line([0; 16], &json);
        assert!(line.len() <= 16 * 1024, "{} bytes", line.len());
        group.topics.iter().for_each(|t| known(vocabulary::topics(), t));
        group.communities.iter().for_each(|t| known(vocabulary::communities(), t));
        group.roles.iter().for_each(|t| known(vocabulary::roles(), t));
        group.modes.iter().for_each(|t| known(vocabulary::modes(), t));
        group.gender.iter().for_each(|t| known(vocabulary::genders(), t));
        group.status.iter().for_each(|s| known(vocabulary::statuses(), &s.state));
        group.affiliation.iter().for_each(|a| known(vocabulary::affiliations(), &a.kind));
        group.place.iter().for_each(|p| known(vocabulary::venue_kinds(), p.venue_kind.as_ref().unwrap()));
        group.sightings.iter().for_each(|s| known(vocabulary::source_kinds(), s.kind.as_ref().unwrap()));
        for (criterion, fact) in &group.criteria {
            known(vocabulary::criteria(), criterion);
            assert!(vocabulary::criteria().values.contains(&fact.value));
        }
        let checked = group.assured.unwrap();
        known(vocabulary::assurance_methods(), &checked.method);
        known(vocabulary::assurance_roles(), &checked.by);
    }
    // The subjects that no draw above met.
    words::SUBJECTS.iter().flat_map(|s| s.topics).for_each(|t| known(vocabulary::topics(), t));
    words::SUBJECTS.iter().flat_map(|s| s.roles).for_each(|t| known(vocabulary::roles(), t));
    words::SUBJECTS.iter().flat_map(|s| s.communities).for_each(|t| known(vocabulary::communities(), t));
    words::VENUES.iter().for_each(|(_, kind)| known(vocabulary::venue_kinds(), kind));
}

#[test]
fn hubs_share_the_border_groups_and_disagree_about_them() {
    let (nottingham, derbyshire) = (nottingham(SEED), derbyshire(SEED));
    assert!(shared(&nottingham).values().all(|n| *n == 1), "no two groups of one list share a contact");
    assert!(shared(&derbyshire).values().all(|n| *n == 1));
    let mut met = 0;
    for theirs in &derbyshire {
        for ours in &nottingham {
            if contacts(ours).iter().any(|contact| contacts(theirs).contains(contact)) {
                met += 1;
                assert_eq!(ours.contact, theirs.contact);
                let place = |group: &Group| group.place.clone().map(|p| (p.area, p.locality));
                assert_eq!(place(ours), place(theirs), "near enough to be linked");
                assert_ne!(ours.name, theirs.name);
                assert_ne!(ours.description, theirs.description);
                assert_ne!(ours.meetings, theirs.meetings);
            }
        }
    }
    assert_eq!(met, SHARED_GROUPS);
    assert_eq!(derbyshire.iter().filter(|group| group.closed()).count(), 1);
}

#[test]
fn essexs_lists_speak_of_24_groups_and_of_nobody_elses() {
    let lists = essex(SEED);
    let rows: Vec<&Group> = lists.iter().flat_map(|(_, rows)| rows).collect();
    assert_eq!(rows.len(), 36);
    let distinct: BTreeSet<String> = rows.iter().map(|group| contacts(group).join(" ")).collect();
    assert_eq!(distinct.len(), 24);
    assert_eq!(shared(rows.iter().copied()).values().max(), Some(&3));
    for (_, rows) in &lists {
        assert!(shared(rows).values().all(|n| *n == 1), "a list names no group twice");
    }
    let elsewhere = shared(nottingham(SEED).iter().chain(&derbyshire(SEED)));
    assert!(rows.iter().flat_map(|group| contacts(group)).all(|contact| !elsewhere.contains_key(&contact)));
    for a in &rows {
        for b in rows.iter().filter(|b| b.contact == a.contact && b.sightings != a.sightings) {
            assert!(a.name != b.name || a.meetings != b.meetings, "{}", a.name);
        }
    }
}

#[test]
fn many_are_small_and_share_nothing_unless_asked() {
    let size = |overlapping| {
        let (mut bytes, mut seen, mut again) = (0, BTreeSet::new(), 0);
        for group in many(SEED, 49_000, overlapping) {
            bytes += group.json().len();
            let new = contacts(&group).into_iter().map(|contact| seen.insert(contact)).collect::<Vec<_>>();
            again += usize::from(new.contains(&false));
        }
        (bytes / 49_000, again)
    };
    let (average, again) = size(0);
    assert!((750..=850).contains(&average), "{average} bytes");
    assert_eq!(again, 0);
    let (average, again) = size(2);
    assert!((750..=850).contains(&average), "{average} bytes");
    assert!((880..=1_080).contains(&again), "{again} of 49,000 share a contact");
}

#[test]
fn a_seed_gives_the_same_groups_for_ever() {
    let digests = [
        digest(&nottingham(SEED)),
        digest(&derbyshire(SEED)),
        digest(essex(SEED).iter().flat_map(|(_, rows)| rows)),
        digest(&many(SEED, 1_000, 2).collect::<Vec<_>>()),
    ];
    assert_eq!(digests, ["409600aeb6d5150b", "4cc55c87c2cfe902", "8fc143f7c2fc7fb4", "4bda8f7dd1419329"]);
    assert_ne!(digest(&nottingham(SEED)), digest(&nottingham(SEED + 1)));
    let tail: Vec<Group> = many(SEED, 1_000, 2).skip(990).collect();
    assert_eq!(tail, many(SEED, 1_005, 2).skip(990).take(10).collect::<Vec<_>>());
}
