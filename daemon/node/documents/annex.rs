//! The annex of a sharing agreement between two hubs: what is given, on which basis, what each promises, and who answers people.

use super::{Document, Facts, GAP, Partner, fields, kept, section};

pub(super) fn annex(facts: &Facts, partner: &Partner) -> Document {
    let reads = facts.shares && partner.reads;
    let contacts = if reads {
        format!(
            "- Role contacts ({}), where the person agreed to {} by name: {} consents in force.",
            fields(),
            partner.name,
            partner.named
        )
    } else {
        "- No role contacts.".to_owned()
    };
    let facts_given = match facts.publishes {
        true => format!("- Group facts, under {}.", facts.licence),
        false => "- No group facts: this hub does not publish.".to_owned(),
    };
    let special = match reads || partner.gave > 0 {
        true => {
            "Role contacts: explicit consent (Art. 6(1)(a) and 9(2)(a)) that names the receiving hub. To be a contact of a group can tell of \
             health, faith or sex life, so all of them are treated as special category data."
        }
        false => {
            "Role contacts: none are shared. Before any is, each person agrees to the receiving hub by name (Art. 6(1)(a) and 9(2)(a))."
        }
    };
    let theirs = match partner.contact.as_str() {
        "" => format!("{GAP}by {}, whom to write to there: its hub document names nobody]", partner.name),
        contact => contact.to_owned(),
    };
    Document {
        name: format!("annex-{}", partner.id),
        title: format!("Sharing agreement, annex: {} and {}", facts.hub, partner.name),
        sections: vec![
            section("Who", [
                format!("{} ({}): {}. Data protection officer: {}", facts.hub, facts.id, facts.controller(), facts.officer()),
                format!("{} ({}, {}): {GAP}by {}, its full name, address and officer].", partner.name, partner.id, partner.address, partner.name),
                "Each is a controller of its own, and answers for what it holds.".into(),
                format!("As of {}.", facts.today),
            ]),
            section("Why", ["So that people find self-help and mutual-aid groups, and each list is kept by those who know it.".into()]),
            section(&format!("What {} gives", facts.hub), [facts_given, contacts, "- Never: people, support needs, notes, protected places.".into()]),
            section(&format!("What {} gives", partner.name), [
                "- Its group facts, as it publishes them.".into(),
                if partner.gave > 0 { format!("- Role contacts of {} of its groups.", partner.gave) } else { "- No role contacts.".into() },
            ]),
            section("On which basis", [
                format!("Group facts, where they tell of a person: {}", facts.basis_groups()),
                special.into(),
                format!("Other countries: {}", facts.transfers()),
            ]),
            section("What each promises", [
                "- To delete what the other erases, with the next pull, to confirm it, and not to take it back from elsewhere.".into(),
                "- To show role contacts to its own staff alone, and pass them on to nobody.".into(),
                "- To tell the people concerned from whom it holds their details (UK GDPR, Art. 14), within a month.".into(),
                "- To protect a place as far as the more protective of the two says.".into(),
                "- To tell the other within a day of anything that endangers the data.".into(),
            ]),
            section("When somebody asks for their rights", [
                "- Whoever is asked answers, for what it holds itself, within one month of the request (Art. 12(3)), and says who else holds it. Nobody is sent away to the other.".into(),
                format!("- Whoever is asked tells the other within three working days. {} is told at {}; {} at {theirs}.", facts.hub, facts.answers(), partner.name),
                "- To see or to have a copy: each gives out its own. `mutuald subject export` writes it.".into(),
                "- To put right: the hub whose record it is corrects it; the other has it with the next pull.".into(),
                "- To remove, or to take consent back: the hub whose record it is erases or withdraws it, and signs that. The other obeys at its next pull and signs that it has; `mutuald erasure status` shows who has not. A hub that is asked about the other's record takes its own copy out at once and writes to the other (`mutuald erase … --requests`), which decides and answers within the same month.".into(),
                "- To object, or to restrict: the hub that is asked stops using it until both have answered.".into(),
                "- Where both are late or disagree, each answers for itself within the month, and names the Information Commissioner.".into(),
            ]),
            section("Security", [
                format!("{}: {}", facts.hub, facts.security()),
                format!("{}: {GAP}by {}].", partner.name, partner.name),
                "Role contacts are asked for by signed requests, and given line by line to the hubs that a consent names.".into(),
                if partner.address.starts_with("https:") { format!("{} is read over an encrypted connection.", partner.name) } else { format!("{} IS NOT READ OVER AN ENCRYPTED CONNECTION: its address begins with http.", partner.name) },
            ]),
            section(&format!("How long, at {}", facts.hub), kept(facts)),
            section(&format!("How long, at {}", partner.name), [format!("{GAP}by {}].", partner.name)]),
            section("Review", ["To be looked at again once a year, or when either changes.".into(), format!("Signed for {}: {GAP}name, role, day]. Signed for {}: {GAP}name, role, day].", facts.hub, partner.name)]),
        ],
    }
}
