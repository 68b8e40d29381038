//! Why two records are, or are not, taken for one group: which fields agree and how strongly, the rule that decided, and the
//! decisions that bore on it. In codes for programs, in plain words for people.

use super::cluster::Row;
use super::compare::{self, contacts, metres, same_word};
use super::features::Features;
use super::judge::{Judged, Outcome, relation};
use super::level::{Address, Charity, Contact, Day, FIELDS, Name, Qualifier, Topic, Town, Where};
use super::model::Model;
use crate::record::HubId;
use crate::record::statement::Judgement;
use crate::registry::geo::Precision;
use crate::registry::link::{Decision, standing};
use jiff::tz::TimeZone;

/// One field's part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The question ([`FIELDS`]).
    pub field: &'static str,
    /// The answer's label.
    pub answer: &'static str,
    /// What it adds to the score, in hundredths of a nat.
    pub share: i32,
    /// Plain words; empty where there is nothing to say ("not stated").
    pub words: String,
}

/// Why two records are, or are not, one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// What the model and its rules say.
    pub judged: Judged,
    /// What follows for these two alone, decisions counted. Others may bring them together, or hold them apart.
    pub outcome: Outcome,
    /// Fields, the one that adds or takes most first.
    pub fields: Vec<Said>,
    /// Decisions about these two, the one that counts first.
    pub decisions: Vec<Decision>,
    /// What else the two may be to one another.
    pub relation: Option<Judgement>,
}

/// Fields that tell where or when a group meets.
const WHERE_AND_WHEN: [&str; 5] = ["where", "town", "day", "address", "charity"];

/// Explains a pair. Decisions about other pairs are passed over.
pub fn explain(a: &Row, b: &Row, decisions: &[Decision], model: &Model) -> Why {
    let judged = a.judge(b, model);
    let pair = (a.record.min(b.record), a.record.max(b.record));
    let mut about: Vec<Decision> = standing(decisions)
        .into_iter()
        .filter(|decision| decision.pair() == pair && decision.judgement != Judgement::None)
        .collect();
    let keeps = |d: &Decision| !matches!(d.judgement, Judgement::Same | Judgement::Unsure);
    // The order in which they count: rank first, and of one rank what keeps apart.
    about.sort_by_key(|d| (std::cmp::Reverse(d.rank), !keeps(d), d.at, d.author));
    let outcome = match about.iter().find(|decision| decision.judgement != Judgement::Unsure) {
        Some(decision) if decision.judgement == Judgement::Same => Outcome::Joined,
        Some(_) => Outcome::Apart,
        None => judged.outcome,
    };
    let places = judged.levels.places();
    let shares = model.shares(&places);
    let words = field_words(a.features, b.features, &judged, model);
    let mut fields: Vec<Said> = FIELDS
        .iter()
        .zip(words)
        .enumerate()
        .map(|(i, ((field, levels), words))| Said { field, answer: levels[places[i]], share: shares[i], words })
        .collect();
    fields.sort_by_key(|said| std::cmp::Reverse(said.share.abs()));
    let relation = if outcome == Outcome::Joined { None } else { relation(a.features, b.features, &judged) };
    Why { judged, outcome, fields, decisions: about, relation }
}

impl Why {
    /// Without what tells where or when: for groups whose place is protected. Two records that each say too much would
    /// otherwise tell it by how far they are from one another.
    pub fn without_place(mut self) -> Why {
        for said in self.fields.iter_mut().filter(|said| WHERE_AND_WHEN.contains(&said.field)) {
            *said = Said { answer: "withheld", share: 0, words: String::new(), ..said.clone() };
        }
        self
    }

    /// Decisions first, then what the fields say, then the rule, in one line of plain words. `hub` gives a hub's name.
    pub fn words(&self, hub: &dyn Fn(&HubId) -> String) -> String {
        let decided = self.decisions.iter().map(|decision| decided(decision, hub));
        let fields = self.fields.iter().filter(|said| !said.words.is_empty()).map(|said| said.words.clone());
        let rule = format!("{}: {}", self.judged.outcome.label(), self.judged.rule.words());
        decided.chain(fields).chain([rule]).collect::<Vec<_>>().join("; ")
    }
}

/// A decision in plain words.
pub fn decided(decision: &Decision, hub: &dyn Fn(&HubId) -> String) -> String {
    let what = match decision.judgement {
        Judgement::Same => "said to be one group by",
        Judgement::Different => "kept apart by",
        Judgement::Unsure => "left open by",
        Judgement::None => "no longer judged by",
        Judgement::BranchOf => "kept apart as a branch and its parent by",
        Judgement::HostedBy => "kept apart as a group and its host by",
        Judgement::SucceededBy => "kept apart as a group and its successor by",
        Judgement::SameVenue => "kept apart as two groups in one venue by",
    };
    let day = decision.at.to_zoned(TimeZone::UTC).strftime("%-d %B %Y").to_string();
    format!("{what} {} on {day}", hub(&decision.author))
}

/// Words for each field, in the order of [`FIELDS`].
fn field_words(a: &Features, b: &Features, judged: &Judged, model: &Model) -> [String; super::level::COUNT] {
    let levels = &judged.levels;
    let name = match levels.name {
        Name::Same => "same name".into(),
        Name::Spelling => match letters(a, b, model) {
            1 => "name differs by one letter".into(),
            2 => "name differs by two letters".into(),
            n => format!("name differs by {n} letters"),
        },
        Name::Common => "names differ by common words only".into(),
        Name::Inside => "one name within the other, with a word more".into(),
        Name::Within => "one name within the other, with words more".into(),
        Name::Most => "names mostly alike".into(),
        Name::Half => "names half alike".into(),
        Name::Little => "names have little in common".into(),
        Name::Nothing => "names differ".into(),
        Name::Empty => "a name that tells nothing".into(),
    };
    let qualifier = match levels.qualifier {
        Qualifier::Same => "the same words for whom it is",
        Qualifier::Neither => "",
        Qualifier::One => "one says for whom it is, or in which part of town",
        Qualifier::Both => "names of sister groups (such as men and women, or north and south)",
    };
    let town = match levels.town {
        Town::Same => "same town",
        Town::Named => "one's town in the other's name",
        Town::Part => "one place within the other",
        Town::Unknown => "",
        Town::Other => "different towns",
    };
    let topic = match levels.topic {
        Topic::Same => "same topic",
        Topic::Wider => "one topic within the other",
        Topic::Kin => "kindred topics",
        Topic::Unknown => "",
        Topic::Other => "no topic in common",
    };
    let day = match levels.day {
        Day::Same => "same day",
        Day::Some => "a day in common",
        Day::Unknown => "",
        Day::Other => "different days",
    };
    let address = match levels.address {
        Address::Both => "same house and venue",
        Address::House => "same house and street",
        Address::Venue => "same venue",
        Address::Street => "same street",
        Address::Unknown => "",
        Address::Other => "different addresses",
    };
    let charity = match levels.charity {
        Charity::Same => "same charity number",
        Charity::Unknown => "",
        Charity::Other => "different charity numbers",
    };
    [
        name,
        qualifier.into(),
        distance(a, b, levels.place),
        town.into(),
        contact_words(a, b, levels.contact),
        topic.into(),
        day.into(),
        address.into(),
        if levels.rows == super::level::Rows::Together { "rows of one list".into() } else { String::new() },
        charity.into(),
    ]
}

fn letters(a: &Features, b: &Features, model: &Model) -> u32 {
    let towns: Vec<&str> = a.town.split([' ', '|']).chain(b.town.split([' ', '|'])).filter(|w| !w.is_empty()).collect();
    let pairs = a.names.iter().flat_map(|x| b.names.iter().map(move |y| (x, y)));
    pairs
        .map(|(x, y)| compare::name(x, y, &towns, model.cuts()))
        .filter(|names| names.level == Name::Spelling)
        .map(|names| names.letters)
        .min()
        .unwrap_or_default()
}

/// "same postcode", "300 m apart", "about 4 km apart (by postcode sector)".
fn distance(a: &Features, b: &Features, level: Where) -> String {
    if level == Where::Postcode {
        return "same postcode".into();
    }
    let Some((metres, precision)) = metres(a, b) else {
        return if level == Where::District { "same postcode district".into() } else { String::new() };
    };
    let far = match metres {
        0..1_000 => format!("{} m", (metres + 50) / 100 * 100),
        1_000..10_000 => format!("{}.{} km", metres / 1_000, metres % 1_000 / 100),
        _ => format!("{} km", metres / 1_000),
    };
    match precision {
        Precision::Exact | Precision::Unit if metres < 50 => "in one spot".into(),
        Precision::Exact | Precision::Unit => format!("{far} apart"),
        _ if metres < 100 => {
            format!("in one postcode {}", if precision == Precision::Sector { "sector" } else { "district" })
        }
        Precision::Sector => format!("about {far} apart (by postcode sector)"),
        Precision::Outcode => format!("about {far} apart (by postcode district)"),
    }
}

fn contact_words(a: &Features, b: &Features, level: Contact) -> String {
    let found = contacts(a, b);
    let kinds = [
        (found.phone, "phone"),
        (found.switchboard, "organisation's phone"),
        (found.email, "e-mail"),
        (found.office, "organisation's e-mail"),
        (found.page, "web page"),
        (found.site, "website"),
    ];
    let same: Vec<&str> = kinds.iter().filter(|(is, _)| *is).map(|(_, kind)| *kind).collect();
    let text = match level {
        Contact::Unknown => return String::new(),
        Contact::Other | Contact::OtherMore => return "different contacts".into(),
        _ => format!("same {}", same.join(", ")),
    };
    if found.conflicts > 0 { format!("{text}, but another contact differs") } else { text }
}

/// Whether two words count as one, for display of differences: as in comparison, so that normalising never shows as a change.
pub fn one_word(a: &str, b: &str) -> bool {
    same_word(a, b).is_some()
}
