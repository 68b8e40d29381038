//! Nothing is signed or served without a consent in force for that hub, on any day (USERS 4.2, G2 and G3).

use super::partner::Peer;
use super::*;

/// A partner's erasure, withdrawal or newer put takes the line away at once; what was erased does not come back.
#[tokio::test]
async fn pain_8_what_a_partner_takes_back_is_gone_with_the_next_pull() {
    for (case, body) in [
        ("withdrawn", Body::Withdraw(Kind::Record)),
        ("erased", Body::Erase(Kind::Record, 1, mutuald::record::statement::ErasedParts::All)),
    ] {
        let mut peer = Peer::new().await;
        peer.serves([&peer.contact, ""]);
        peer.scene.pull().await;
        assert_eq!(peer.held().await.len(), 1, "{case}");
        peer.scene.peer.say(1, 2, body);
        peer.scene.peer.publish();
        let line = peer.contact.clone();
        peer.scene.peer.fault("part/contact/000.p/3", move |_, _| {
            let body = format!("{line}\n\n\n");
            Reply::whole(body.clone()).header("content-length", body.len())
        });
        for _ in 0..2 {
            assert!(peer.scene.pull().await.ok());
            let mut db = peer.scene.hub.hub.store.read().await.unwrap();
            let left: i64 = sqlx::query_scalar("SELECT count(*) FROM contact_line").fetch_one(&mut *db).await.unwrap();
            assert_eq!(left, 0, "{case}");
        }
        peer.scene.hub.check_hub().await;
    }
}

#[tokio::test]
async fn a_consent_that_runs_out_withdraws_by_itself() {
    let (nottingham, essex, rec, _, consent) = shared(250).await;
    let mut db = nottingham.hub.store.read().await.unwrap();
    let review = store::consent::all(&mut db).await.unwrap()[0].review;
    assert_eq!(store::contact::recipients(&mut db, 1).await.unwrap().len(), 1, "whom to tell is known");
    drop(db);
    assert_eq!(consent, 1);
    let noon = |day: Date| day.at(12, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp();
    // The last day still counts; the day after it nothing is given out, even before the daemon's turn.
    for (day, there) in [(review, true), (review.tomorrow().unwrap(), false)] {
        for hub in [&nottingham, &essex] {
            hub.clock.set(noon(day));
            hub.hub.refresh().await.unwrap();
        }
        let at = nottingham.clock.now().as_second();
        let headers = signed(&essex.hub.keys, &authority(&nottingham), PATH, at);
        let answer = get(&format!("{}{}", nottingham.url, &PATH[1..]), &headers).await;
        assert_eq!((answer.status, answer.body.contains(SECRET)), (200, there), "{day}");
    }
    assert_eq!(nottingham.hub.tend_contacts().await.unwrap().withdrawn, 1);
    assert_eq!(nottingham.hub.tend_contacts().await.unwrap(), Default::default(), "once");
    assert_eq!(lines(&nottingham, 1).await, [""; 0]);
    let outcome = essex.pull(&nottingham).await;
    assert!(outcome.ok());
    assert_eq!(held(&essex, &nottingham).await, [""; 0]);
    assert_eq!(essex.names().await, nottingham.names().await, "the group itself stays");
    let mut db = nottingham.hub.store.read().await.unwrap();
    let row = store::record::get(&mut db, 1, rec).await.unwrap().unwrap();
    let leaf = store::log::leaf(&mut db, row.state.put.unwrap().0).await.unwrap().unwrap();
    assert!(!String::from_utf8(leaf.note).unwrap().contains("contact"));
    drop(db);
    nottingham.check_hub().await;
    essex.check_hub().await;
}

/// So many withdrawals at once that the change waits for a person: the contacts are gone all the same.
#[tokio::test]
async fn a_withdrawal_does_not_wait_with_a_mass_change() {
    let (nottingham, essex) = (TestHub::sharing("Nottingham", 260).await, TestHub::new("Essex", 261).await);
    nottingham.follow(&essex).await;
    essex.follow(&nottingham).await;
    nottingham.hub.share_contacts(essex.hub.id, true).await.unwrap();
    let mut consents = Vec::new();
    for n in 1..=12u128 {
        let rec = Uuid::from_u128(0x4000_8000_0000_0000_0000 + n);
        nottingham.put(&[(rec, group(&format!("Circle {n}"), "Nottingham", &format!("0115 496 00{n:02}")))]).await;
        let contact = add(&nottingham, rec, role(&format!("07700 9009{n:02}"))).await;
        consents.push(nottingham.hub.give_consent(&agreed(&nottingham, contact, &[essex.hub.id])).await.unwrap().0);
    }
    essex.pull(&nottingham).await;
    essex.pull(&nottingham).await;
    assert_eq!(held(&essex, &nottingham).await.len(), 12);
    for consent in consents {
        nottingham.hub.withdraw_consent(consent).await.unwrap();
    }
    assert_eq!(essex.pull(&nottingham).await.state, "waiting");
    assert_eq!(held(&essex, &nottingham).await, [""; 0]);
}

#[tokio::test]
async fn pain_10_private_contacts_do_not_leak_to_a_new_partner() {
    let (nottingham, essex, ..) = shared(270).await;
    let derby = TestHub::new("Derby", 272).await;
    nottingham.follow(&derby).await;
    derby.follow(&nottingham).await;
    // Not shared with at all, then shared with and named by no consent.
    assert_eq!(derby.pull(&nottingham).await.contacts.unwrap().state, "forbidden");
    nottingham.hub.share_contacts(derby.hub.id, true).await.unwrap();
    let read = derby.pull(&nottingham).await.contacts.unwrap();
    assert_eq!((read.state, read.came, read.not_for_us), ("current", 0, 1), "a new partner widens nothing");
    assert_eq!(held(&derby, &nottingham).await, [""; 0]);
    // And one that is no longer shared with loses what it has.
    nottingham.hub.share_contacts(essex.hub.id, false).await.unwrap();
    essex.pull(&nottingham).await;
    assert_eq!(held(&essex, &nottingham).await, [""; 0]);
    nottingham.check_hub().await;
    essex.check_hub().await;
}

#[tokio::test]
async fn a_consent_covers_only_hubs_that_people_were_told_of() {
    let (nottingham, essex, _, contact, _) = shared(280).await;
    let mut given = agreed(&nottingham, contact, &[essex.hub.id]);
    given.notice.0 = "We share your number with our partners.".into();
    let refused = nottingham.hub.give_consent(&given).await.unwrap_err().to_string();
    assert!(refused.contains("does not name Essex"), "{refused}");
    given.notice.0 = "We share your number with Essex.".into();
    nottingham.hub.give_consent(&given).await.unwrap();
    // Another number is another person's until they agree.
    let mut db = nottingham.hub.store.read().await.unwrap();
    let row = store::contact::get(&mut db, contact).await.unwrap().unwrap();
    drop(db);
    let other = ContactRow { contact: role("07700 900986"), ..row };
    let tended = nottingham.hub.save_contact(&other, false).await.unwrap().1;
    assert_eq!(tended.withdrawn, 1);
    // Nor does a new contact come under the number, and so under the consents, of one that was removed.
    nottingham.hub.give_consent(&given).await.unwrap();
    nottingham.hub.remove_contact(contact).await.unwrap();
    let next = add(&nottingham, other.rec, role("07700 900985")).await;
    assert!(next > contact);
    assert_eq!(lines(&nottingham, 1).await, [""; 0]);
    essex.pull(&nottingham).await;
    assert_eq!(held(&essex, &nottingham).await, [""; 0]);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 6, ..Default::default() })]

    /// Whatever is agreed, withdrawn, shared and forgotten on whatever days: at every moment, what is signed and what each hub
    /// is given has a consent in force. The law is looked up in the ledger as it stands, apart from the code that obeys it.
    #[test]
    fn nothing_is_signed_or_served_without_a_consent_in_force(
        steps in proptest::collection::vec((0..7u8, 0..3u8, 0..2usize), 4..14), seed in 300..400u64,
    ) {
        tokio::runtime::Runtime::new().unwrap().block_on(walk(steps, seed));
    }
}

async fn walk(steps: Vec<(u8, u8, usize)>, seed: u64) {
    let nottingham = TestHub::sharing("Nottingham", seed).await;
    let readers = [TestHub::new("Essex", seed + 1_000).await, TestHub::new("Derby", seed + 2_000).await];
    for reader in &readers {
        nottingham.follow(reader).await;
        reader.follow(&nottingham).await;
    }
    let recs: Vec<Uuid> = (1..4).map(|n| Uuid::from_u128(0x4000_8000_0000_0000_0000 + n)).collect();
    for (n, rec) in recs.iter().enumerate() {
        nottingham.put(&[(*rec, group(&format!("Circle {n}"), "Nottingham", &format!("0115 496 000{n}")))]).await;
        add(&nottingham, *rec, role(&format!("07700 90000{n}"))).await;
    }
    for (what, which, reader) in steps {
        let (contact, hub) = (i64::from(which) + 1, readers[reader].hub.id);
        match what {
            0 | 1 => {
                let mut given = agreed(&nottingham, contact, &[hub]);
                given.review = given.given.saturating_add((i64::from(which) + 1).days());
                let _ = nottingham.hub.give_consent(&given).await;
            }
            2 => drop(nottingham.hub.withdraw_consent(contact).await),
            3 => drop(nottingham.hub.share_contacts(hub, which > 0).await.unwrap()),
            4 => nottingham.clock.set(nottingham.clock.now() + 24.hours()),
            5 => drop(nottingham.hub.remove_contact(contact).await),
            _ => {
                let again = group("Circle again", "Nottingham", "0115 496 0009");
                nottingham.put(&[(recs[usize::from(which)], again)]).await;
            }
        }
        // Now and then the daemon has its turn; what is served is right either way.
        if what % 2 == 0 {
            nottingham.hub.refresh().await.unwrap();
            nottingham.hub.tend_contacts().await.unwrap();
        }
        lawful(&nottingham, &readers, what % 2 == 0).await;
    }
}

async fn lawful(hub: &TestHub, readers: &[TestHub; 2], tended: bool) {
    let today = hub.hub.today().unwrap();
    let mut db = hub.hub.store.read().await.unwrap();
    let consents = store::consent::rules(&mut db).await.unwrap();
    let allowed = store::contact::readers(&mut db).await.unwrap();
    let size = store::log::by_number(&mut db, 1).await.unwrap().unwrap().held;
    drop(db);
    let stands = |consent: &&Consent| {
        consent.given <= today && today <= consent.review && consent.withdrawn.is_none_or(|day| today < day)
    };
    let covered = |line: &str, reader: Option<HubId>| {
        (0..3).filter(|n| line.contains(&format!("90000{n}"))).all(|n| {
            consents.iter().filter(stands).any(|consent| {
                consent.contact == n + 1 && reader.is_none_or(|reader| consent.readers.contains(&Reader::Hub(reader)))
            })
        })
    };
    if tended {
        for line in lines(hub, 1).await {
            assert!(covered(&line, None), "signed without a consent: {line}");
        }
    }
    for reader in readers {
        let path = format!("/v1/1/{}", tile::parts(CONTACT, 0, tile::width(0, size)));
        let headers = signed(&reader.hub.keys, &authority(hub), &path, hub.clock.now().as_second());
        let answer = get(&format!("{}{}", hub.url, &path[1..]), &headers).await;
        assert_eq!(answer.status, if allowed.contains_key(&reader.hub.id) { 200 } else { 403 });
        for line in answer.body.lines() {
            assert!(covered(line, Some(reader.hub.id)), "given without a consent: {line}");
        }
    }
}
