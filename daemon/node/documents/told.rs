//! What people are told: where they gave us their details themselves (UK GDPR, Art. 13), and where a partner hub did (Art. 14).

use super::{Document, Facts, NO_MACHINE, Partner, fields, kept, rights, section};

/// The privacy notice (Art. 13). No day stands in it: the same words are the same notice.
pub(super) fn notice(facts: &Facts) -> Document {
    let readers = facts.readers();
    let with = if readers.is_empty() {
        vec!["With nobody. Should that change, we ask you first, and name who it is.".to_owned()]
    } else {
        let mut with = vec!["Only with those of these organisations that you agree to, one by one:".to_owned()];
        with.extend(readers);
        with.push("A new partner is not included. We would ask you again.".into());
        with
    };
    Document {
        name: "notice".into(),
        title: format!("How {} uses your contact details", facts.hub),
        sections: vec![
            section("Who we are", [
                format!("{}. We keep the list of groups called {}.", facts.controller(), facts.hub),
                format!("Data protection officer: {}", facts.officer()),
            ]),
            section("What we keep", [
                format!("If you are the contact of a group: your role in it and how that role is reached ({}). Not your name.", fields()),
                "If we support your group: your name and what you told us, for our own work. That never leaves us.".into(),
            ]),
            section("What for, and why we may", [
                "Role contacts: so that the organisations you agree to can put people in touch with your group. We may because you agreed (explicit consent, UK GDPR Art. 6(1)(a) and 9(2)(a)). To be the contact of a group can tell something about your health or your life, so we ask you expressly, and write down what you agreed to, when and how.".into(),
                format!("What we keep for our own work, and a contact that you have not agreed to share: so that we can support groups. The basis: {}", facts.basis_people()),
            ]),
            section("With whom we share it", with.into_iter().chain([format!("Other countries: {}", facts.transfers())])),
            section("How long we keep it", kept(facts)),
            section("What you can ask for", rights(facts)),
            section("Must you?", [
                "No. You need not give us anything, and need not agree to anything; your group is listed all the same, and nobody is told that you said no.".into(),
                NO_MACHINE.into(),
            ]),
        ],
    }
}

/// What goes with an answer to somebody who asks what is held about them (Art. 15): what the entry itself does not say.
pub(super) fn access(facts: &Facts) -> Vec<(String, Vec<String>)> {
    let wanted = ["Who we are", "What for, and why we may", "How long we keep it", "What you can ask for"];
    let mut sections = notice(facts).sections;
    sections.retain(|(heading, _)| wanted.contains(&heading.as_str()));
    sections.push(section("Where we have it from", [format!("{}from whom, if it was not you]", super::GAP)]));
    sections.push(section("Other countries", [facts.transfers()]));
    sections.push(section("Machines", [NO_MACHINE.to_owned()]));
    sections
}

/// What somebody is told whose role contact a partner hub gave us (Art. 14).
pub(super) fn article_14(facts: &Facts, partner: &Partner) -> Document {
    let there = match partner.contact.as_str() {
        "" => partner.address.clone(),
        contact => format!("{contact}, {}", partner.address),
    };
    Document {
        name: format!("article-14-{}", partner.id),
        title: format!("We were given your contact details by {}", partner.name),
        sections: vec![
            section("Who we are", [
                format!("{}. We keep the list of groups called {}.", facts.controller(), facts.hub),
                format!("Data protection officer: {}", facts.officer()),
            ]),
            section("What we hold", [
                format!("Your role as contact of a group and how that role is reached ({}). To be the contact of a group can tell something about your health or your life.", fields()),
            ]),
            section("From whom we have it", [
                format!("From {} ({there}), and not from a public source. You told them that they may give it to us by name.", partner.name),
            ]),
            section("What for, and why we may", [
                "Our staff use it to put people in touch with your group, and for nothing else.".into(),
                format!("We may because you agreed: explicit consent (UK GDPR Art. 6(1)(a) and 9(2)(a)), which {} wrote down.", partner.name),
            ]),
            section("Who else sees it", [
                "Nobody. We show it to our own staff, in no page, export or search, and pass it on to no one.".into(),
                format!("Other countries: {}", facts.transfers()),
            ]),
            section("How long", [
                format!("As long as {} gives it to us. When you take your consent back, there or here, or your consent runs out, it is gone here when we next read their list.", partner.name),
                format!("Backups: we keep the newest {}; a backup that is restored forgets what was taken back meanwhile.", facts.backups_kept),
            ]),
            section("What you can ask for", rights(facts)),
            section("Machines", [NO_MACHINE.to_owned()]),
            section("For us, before this is sent", [
                "Send it within one month of the day on which the details came, and no later than when you first use them (Art. 14(3)). Take this section out.".into(),
            ]),
        ],
    }
}
