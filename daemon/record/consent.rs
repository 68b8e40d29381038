//! Consent, as far as it decides what is signed and who reads it: pure, so that the law can be tried on anything.
//!
//! The law: *nothing of a role contact is signed unless a consent in force covers it, and nothing is given to a hub unless
//! a consent in force covers all of it for that very hub.* [`Consented`] is the only thing from which the signer makes a
//! contact part, and [`consented`] alone makes one; [`may_read`] is asked at each request.
//!
//! Consent names hubs. A hub that becomes a partner later is named by none that was given before, so it widens nothing.

use super::contact::{ContactPart, Field, RoleContact};
use super::statement::HubId;
use jiff::civil::Date;
use std::collections::BTreeSet;

/// Who a consent lets read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reader {
    /// Everybody.
    Public,
    /// One hub, by name.
    Hub(HubId),
}

/// A consent to share a role contact. Who obtained it and how is the ledger's ([`crate::store::consent`] keeps it).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// The local number of the role contact.
    pub contact: i64,
    /// Which fields.
    pub fields: BTreeSet<Field>,
    /// For whom.
    pub readers: BTreeSet<Reader>,
    /// From this day on.
    pub given: Date,
    /// Up to and with this day. Then it must be asked for again.
    pub review: Date,
    /// The day it was withdrawn: from then on it counts no more.
    pub withdrawn: Option<Date>,
}

impl Consent {
    /// Whether it counts on a day.
    pub fn in_force(&self, day: Date) -> bool {
        self.given <= day && day <= self.review && self.withdrawn.is_none_or(|withdrawn| day < withdrawn)
    }

    fn covers(&self, contact: i64, field: Field, day: Date) -> bool {
        self.contact == contact && self.fields.contains(&field) && self.in_force(day)
    }

    fn names(&self, hub: HubId) -> bool {
        self.readers.contains(&Reader::Hub(hub)) || self.readers.contains(&Reader::Public)
    }
}

/// Something of a role contact that stands in a signed part.
pub type Holds = (i64, Field);

/// A contact part that consents in force let out. Only [`consented`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consented {
    json: String,
    holds: Vec<Holds>,
}

impl Consented {
    /// The part's JSON.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// What it holds of which contact: this decides who reads it.
    pub fn holds(&self) -> &[Holds] {
        &self.holds
    }
}

/// What of these role contacts (with their local numbers) may be signed today. `None` when that is nothing that anybody
/// could be reached by.
pub fn consented(contacts: &[(i64, RoleContact)], consents: &[Consent], day: Date) -> Option<Consented> {
    let (mut part, mut holds) = (ContactPart::default(), Vec::new());
    for (n, contact) in contacts {
        let allowed = |field: &Field| {
            consents.iter().any(|consent| consent.covers(*n, *field, day) && !consent.readers.is_empty())
        };
        let fields: Vec<Field> = contact.fields().filter(allowed).collect();
        if !fields.iter().any(|field| field.is_channel()) {
            continue;
        }
        let mut out = RoleContact { role: contact.role.clone(), ..RoleContact::default() };
        for field in fields {
            out.set(field, contact.get(field).map(str::to_owned));
            holds.push((*n, field));
        }
        part.contacts.push(out);
    }
    (!holds.is_empty()).then(|| Consented { json: part.json(), holds })
}

/// Whether a hub may read a part that holds this, today. A part is one line under one digest, so it is read whole or not at
/// all: every field of every contact in it must be allowed to that hub.
pub fn may_read(holds: &[Holds], consents: &[Consent], hub: HubId, day: Date) -> bool {
    let allowed = |(contact, field): &Holds| {
        consents.iter().any(|consent| consent.covers(*contact, *field, day) && consent.names(hub))
    };
    !holds.is_empty() && holds.iter().all(allowed)
}

/// A contact part as it stands in a log: what it says, what it holds, and to whom it was given.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// Its JSON.
    pub json: &'a str,
    /// What it holds of which contact.
    pub holds: &'a [Holds],
    /// Hubs that hold a copy.
    pub served: &'a BTreeSet<HubId>,
}

/// Whether what is signed of a record's contacts may stay as it is, or the record must be put again: with what is `due` today,
/// and so that hubs which may no longer read what they were given let go of it. `readers` are the hubs that are let read contact parts at all.
pub fn stands(
    signed: Option<Signed<'_>>,
    due: Option<&Consented>,
    consents: &[Consent],
    readers: &BTreeSet<HubId>,
    day: Date,
) -> bool {
    let Some(signed) = signed else { return due.is_none() };
    let may = |hub: &HubId| readers.contains(hub) && may_read(signed.holds, consents, *hub, day);
    due.is_some_and(|due| due.json() == signed.json && due.holds().len() == signed.holds.len())
        && signed.served.iter().all(may)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(n: u8) -> Date {
        Date::constant(2026, 1, 1).checked_add(jiff::Span::new().days(i64::from(n))).unwrap()
    }

    fn hub(n: u8) -> HubId {
        HubId([n; 20])
    }

    prop_compose! {
        fn a_consent()(contact in 1..4i64, fields in proptest::collection::btree_set(0..5usize, 0..5),
                       readers in proptest::collection::btree_set(0..4u8, 0..3),
                       given in 0..20u8, length in 0..20u8, withdrawn in proptest::option::of(0..40u8)) -> Consent {
            Consent {
                contact,
                fields: fields.into_iter().map(|n| Field::ALL[n]).collect(),
                readers: readers.into_iter().map(|n| if n == 0 { Reader::Public } else { Reader::Hub(hub(n)) }).collect(),
                given: day(given),
                review: day(given + length),
                withdrawn: withdrawn.map(day),
            }
        }
    }

    fn contacts() -> Vec<(i64, RoleContact)> {
        (1..4)
            .map(|n| {
                let mut contact = RoleContact { role: "enquiries".into(), ..RoleContact::default() };
                for field in Field::ALL {
                    contact.set(field, Some(format!("secret {n} {}", field.name())));
                }
                (n, contact)
            })
            .collect()
    }

    proptest! {
        /// Said again in the plainest words, apart from the code above: what stands in a part, and who reads it.
        #[test]
        fn nothing_is_signed_or_read_without_a_consent_in_force(
            consents in proptest::collection::vec(a_consent(), 0..6), today in 0..45u8, reader in 1..5u8,
        ) {
            let counts = |consent: &&Consent| {
                let (from, to) = (consent.given, consent.review);
                from <= day(today) && to >= day(today) && consent.withdrawn.is_none_or(|w| w > day(today))
            };
            let standing: Vec<&Consent> = consents.iter().filter(counts).collect();
            let signed = consented(&contacts(), &consents, day(today));
            let json = signed.as_ref().map_or("", |signed| signed.json());
            for n in 1..4 {
                for field in Field::ALL {
                    let there = json.contains(&format!("secret {n} {}", field.name()));
                    let of_it = |consent: &&&Consent| consent.contact == n && consent.fields.contains(&field);
                    let asked = standing.iter().filter(of_it).any(|consent| !consent.readers.is_empty());
                    prop_assert!(!there || asked, "{n} {} is signed and nobody allowed it", field.name());
                    if let Some(signed) = signed.as_ref().filter(|signed| may_read(signed.holds(), &consents, hub(reader), day(today))) {
                        prop_assert_eq!(signed.holds().contains(&(n, field)), there);
                        let named = standing.iter().filter(of_it).any(|consent| {
                            consent.readers.contains(&Reader::Public) || consent.readers.contains(&Reader::Hub(hub(reader)))
                        });
                        prop_assert!(!there || named, "{n} {} is given to a hub that nobody named", field.name());
                    }
                }
            }
        }

        /// A hub that no consent names reads nothing, whatever else is agreed.
        #[test]
        fn a_new_partner_widens_nothing(consents in proptest::collection::vec(a_consent(), 0..6), today in 0..45u8) {
            let named: Vec<Consent> = consents.into_iter().filter(|c| !c.readers.contains(&Reader::Public)).collect();
            if let Some(signed) = consented(&contacts(), &named, day(today)) {
                prop_assert!(!may_read(signed.holds(), &named, hub(99), day(today)));
            }
        }
    }

    /// To the telephone number of one contact, for one hub, from the fifth day to the ninth.
    fn from_five_to_nine() -> Consent {
        Consent {
            contact: 1,
            fields: [Field::Phone].into(),
            readers: [Reader::Hub(hub(1))].into(),
            given: day(5),
            review: day(9),
            withdrawn: None,
        }
    }

    #[test]
    fn a_consent_counts_from_its_day_to_its_review_and_not_from_its_withdrawal() {
        let consent = from_five_to_nine();
        let on: Vec<u8> = (0..15).filter(|n| consent.in_force(day(*n))).collect();
        assert_eq!(on, [5, 6, 7, 8, 9]);
        let withdrawn = Consent { withdrawn: Some(day(7)), ..consent };
        assert_eq!((0..15).filter(|n| withdrawn.in_force(day(*n))).collect::<Vec<u8>>(), [5, 6]);
        assert!(!may_read(&[], &[withdrawn], hub(1), day(5)), "an empty part is nobody's");
    }

    #[test]
    fn what_is_signed_stands_as_long_as_it_is_due_and_whoever_has_it_may() {
        let (entries, consents) = (contacts(), [from_five_to_nine()]);
        let due = consented(&entries, &consents, day(5)).unwrap();
        let (readers, nobody): (BTreeSet<HubId>, BTreeSet<HubId>) = ([hub(1)].into(), BTreeSet::new());
        let has = |served| Some(Signed { json: due.json(), holds: due.holds(), served });
        let stands = |signed, on: u8, readers: &BTreeSet<HubId>| {
            stands(signed, consented(&entries, &consents, day(on)).as_ref(), &consents, readers, day(on))
        };
        assert!(stands(has(&readers), 5, &readers) && stands(has(&nobody), 5, &nobody) && stands(None, 4, &readers));
        assert!(!stands(None, 5, &readers), "it is due and not signed");
        assert!(!stands(has(&nobody), 10, &readers), "it has run out, though nobody was given it");
        assert!(!stands(has(&readers), 5, &nobody), "who was given it may read no longer");
        let other = Signed { json: "{}", holds: due.holds(), served: &nobody };
        assert!(!stands(Some(other), 5, &readers), "it says something else");
    }
}
