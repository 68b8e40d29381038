//! The register of processing (UK GDPR, Art. 30(1)): each activity with its purpose, basis, people, data, recipients and time.

use super::{Document, Facts, count, fields, kept, section};
use crate::node::frames::uses::Use;

pub(super) fn register(facts: &Facts) -> Document {
    let readers = facts.readers();
    let none = |list: Vec<String>| if list.is_empty() { vec!["None.".to_owned()] } else { list };
    let partner = |one: &super::Partner| format!("- {} ({}), at {}", one.name, one.id, one.address);
    let gave = facts.partners.iter().filter(|one| one.gave > 0);
    let received: Vec<String> =
        gave.map(|one| format!("- {}: of {}", one.name, count(one.gave.unsigned_abs(), "group"))).collect();
    let published = match facts.publishes {
        true => format!("Everybody: published under {}. Partner hubs hold copies.", facts.licence),
        false => "Visitors of this hub's directory. Not published as a list.".into(),
    };
    Document {
        name: "register".into(),
        title: format!("Register of processing, {} (UK GDPR, Art. 30)", facts.hub),
        sections: vec![
            section("Controller", [
                format!("{}.", facts.controller()),
                format!("It keeps the hub {}, id {}. There are no joint controllers: each partner hub answers for what it holds.", facts.hub, facts.id),
                format!("Data protection officer: {}", facts.officer()),
                format!("Questions, requests and complaints: {}.", facts.answers()),
                format!("As of {}.", facts.today),
            ]),
            section("1. Group facts", [
                "Purpose: that people find self-help and mutual-aid groups.".into(),
                format!("Basis, where they tell of a person: {}", facts.basis_groups()),
                "People: whoever answers the telephone or mailbox that a group made public.".into(),
                format!("Data: {} of this hub, and those of partner hubs. What a group is, where and when it meets, how the group is reached. No person's name: texts are looked through before they are signed.", count(facts.groups, "group")),
                format!("Recipients: {published}"),
                "Time: as long as the group is listed. What a newer version replaced: 7 days.".into(),
            ]),
            section("2. Role contacts of this hub's groups", [
                "Purpose: that the hubs a contact agreed to can put people in touch with a group.".into(),
                format!("Basis of sharing: explicit consent (Art. 6(1)(a) and 9(2)(a)) that names each hub; in force: {}. Without one nothing is signed or given out.", facts.consents),
                format!("Basis of keeping those that nobody has agreed to share: {}", facts.basis_people()),
                format!("People and data: {} ({}). To be a contact of a group can tell of health, faith or sex life, so each is treated as special category data.", count(facts.contacts as u64, "role contact"), fields()),
                "Recipients: these hubs, each where a consent names it:".into(),
            ].into_iter().chain(none(readers))),
            section("3. Role contacts that partner hubs gave us", [
                "Purpose: that our staff put people in touch with groups elsewhere.".into(),
                "Basis: explicit consent (Art. 6(1)(a) and 9(2)(a)), given to the partner hub. People are told within a month (Art. 14).".into(),
                "Recipients: our own staff alone. Time: as long as the partner hub gives them to us.".into(),
                "From:".into(),
            ].into_iter().chain(none(received))),
            section("4. People", [
                "Purpose: this hub's own work with groups and those who lead them.".into(),
                format!("Basis: {}", facts.basis_people()),
                format!("People and data: {}: names, addresses, support needs and notes, and who looked at whose entry.", match facts.people { 1 => "1 person".to_owned(), n => format!("{n} people") }),
                "Recipients: our own staff alone. They never leave this hub: no published part, export, index or log can hold them.".into(),
            ]),
            section("5. Protected places", [
                "Purpose: that nobody is found who must not be found.".into(),
                format!("Basis: {}", facts.basis_people()),
                format!("Data: of {}, what would give their place away, and the names and roles of our staff who lowered a level.", count(facts.protected as u64, "group")),
                "Recipients: our own staff alone. In backups it is locked, with a key that no backup holds. Time: as long as the group is protected.".into(),
            ]),
            section("6. Spreadsheets and words that wait", [
                "Purpose: that an import can be undone, and that words which seem to tell of a person are looked at before they are published.".into(),
                format!("Basis: {}", facts.basis_groups()),
                format!("Recipients: our own staff alone. Time: former words of records {} days, words that wait {} days.", facts.retention.import_days, facts.retention.held_days),
            ]),
            section("7. Research uses of sampling frames", [
                "Purpose, fields and time as below. Group facts only; no contacts, no people.".to_owned(),
            ].into_iter().chain(research(&facts.uses))),
            section("Partner hubs", none(facts.partners.iter().map(partner).collect())),
            section("Other countries", [facts.transfers()]),
            section("How long", kept(facts)),
            section("Security", [
                facts.security(),
                "What the program does:".into(),
                "- Records are signed; requests for contacts are signed by the asking hub (RFC 9421) and answered line by line from the record of consents.".into(),
                "- Free text is looked through for mailboxes, telephone numbers, names and postcodes of protected places before it is signed.".into(),
                "- Deleted data is overwritten in the database, and taken out of the backups that this hub knows and can reach; a backup that is restored forgets it before it is used.".into(),
                format!("- Backups ({}) can be read by their owner alone; people and contacts are in them as they are.", facts.backups.display()),
            ]),
        ],
    }
}

/// Which studies may use what, a line each; those that have ended too.
fn research(uses: &[Use]) -> Vec<String> {
    let one = |one: &Use| {
        let Use { study, reader, frame, purpose, ethics, fields, begun, until, ended, .. } = one;
        let end = match ended {
            Some(ended) => format!("ended {ended}"),
            None if one.overdue() => format!("ran out {until}; nobody has said that it ended"),
            None => format!("until {until}"),
        };
        format!(
            "- {study}: {reader} uses {frame} since {begun}, {end}. For: {purpose}. Approved: {ethics}. Fields released: {}.",
            fields.join(", ")
        )
    };
    if uses.is_empty() { vec!["None.".to_owned()] } else { uses.iter().rev().map(one).collect() }
}
