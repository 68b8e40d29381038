//! Joined, asked or apart: what follows for two records alone, and by which rule.
//!
//! The score says how likely two records are one group; the rules say what it may decide. To be joined without a person's
//! word, who (name), what (topic) and where must each agree or be unknown, two of them agree, and nothing contradict. A
//! telephone, mailbox or page is none of the three: switchboards, hosts and federations share theirs with many groups.

use super::compare::{MORE, Quick, compare, contacts, quick};
use super::features::Features;
use super::level::{Address, Charity, Contact, Day, Levels, Name, Qualifier, Topic, Town, Where};
use super::model::Model;
use crate::record::statement::Judgement;
use crate::registry::geo::Precision;

/// What follows for two records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Two groups, as far as anybody knows.
    Apart,
    /// Perhaps one: a question for people. It may stay open for ever without harm.
    Asked,
    /// One group.
    Joined,
}

impl Outcome {
    /// Stable label.
    pub fn label(self) -> &'static str {
        match self {
            Outcome::Apart => "apart",
            Outcome::Asked => "asked",
            Outcome::Joined => "joined",
        }
    }
}

/// How two records' lists stand to one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lists {
    /// Two lists, or none named.
    Apart,
    /// One list, known to name a group more than once.
    Repeats,
    /// One list, which names each group once.
    Once,
}

/// The rule that decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The score reached the cut, and nothing speaks against joining.
    Score,
    /// The score is between the two cuts.
    Unsure,
    /// The score is too low to trouble anybody.
    Low,
    /// They give one page on the web: whatever else differs, people are asked.
    OnePage,
    /// They give one front page, near one another or with nothing said of their topics: people are asked.
    OneSite,
    /// Rows of one list that names each group once.
    RowsOfOneList,
    /// More than 30 km apart, and no contact of their own in common.
    FarApart,
    /// Two charity numbers.
    OtherCharity,
    /// Neither name nor topic have anything in common.
    NothingInCommon,
    /// They meet on different days: two meetings of one group, or two groups.
    OtherDays,
    /// Words that tell sister groups apart.
    Sisters,
    /// Who, what and where do not agree well enough to join on scores alone.
    Gate,
    /// One was taken over from the other, or both from one record, as they say themselves.
    Copy,
}

impl Rule {
    /// Stable kebab-case code.
    pub fn code(self) -> &'static str {
        match self {
            Rule::Score => "score",
            Rule::Unsure => "unsure",
            Rule::Low => "low",
            Rule::OnePage => "one-page",
            Rule::OneSite => "one-site",
            Rule::RowsOfOneList => "rows-of-one-list",
            Rule::FarApart => "far-apart",
            Rule::OtherCharity => "other-charity",
            Rule::NothingInCommon => "nothing-in-common",
            Rule::OtherDays => "other-days",
            Rule::Sisters => "sister-groups",
            Rule::Gate => "who-what-where",
            Rule::Copy => "copy",
        }
    }

    /// Plain words.
    pub fn words(self) -> &'static str {
        match self {
            Rule::Score => "enough agrees, and nothing speaks against it",
            Rule::Unsure => "some of it agrees: a person should look",
            Rule::Low => "too little agrees",
            Rule::OnePage => "they give one web page: a person should look",
            Rule::OneSite => "they give one website: a person should look",
            Rule::RowsOfOneList => "two rows of one list, which names each group once",
            Rule::FarApart => "too far apart",
            Rule::OtherCharity => "two charity numbers",
            Rule::NothingInCommon => "neither names nor topics have anything in common",
            Rule::OtherDays => "they meet on different days: two meetings of one group, or two groups",
            Rule::Sisters => "names of sister groups (such as men and women)",
            Rule::Gate => "name, topic and place do not agree well enough without a person's word",
            Rule::Copy => "one was taken over from the other, as it says itself",
        }
    }

    /// Whether it keeps two records out of one group even when others would bring them together.
    pub fn forbids(self) -> bool {
        matches!(
            self,
            Rule::RowsOfOneList
                | Rule::FarApart
                | Rule::OtherCharity
                | Rule::NothingInCommon
                | Rule::OtherDays
                | Rule::Sisters
        )
    }
}

/// What was found of two records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged {
    /// The answers.
    pub levels: Levels,
    /// Hundredths of a nat.
    pub score: i32,
    /// What follows.
    pub outcome: Outcome,
    /// By which rule.
    pub rule: Rule,
    /// What speaks against joining, whatever the score: for clusters.
    pub forbidden: Option<Rule>,
}

/// Compares two records and says what follows. The order of the two makes no difference.
pub fn judge(a: &Features, b: &Features, lists: Lists, model: &Model) -> Judged {
    let levels = compare(a, b, lists != Lists::Apart, model);
    let score = model.score(&levels.places());
    let page = a.page != 0 && a.page == b.page;
    let cuts = model.cuts();
    let apart = hard(a, b, &levels);
    let forbidden = apart.or_else(|| soft(&levels, lists));
    let (outcome, rule) = if let Some(rule) = apart {
        match rule {
            Rule::OtherCharity => (Outcome::Apart, rule),
            _ if page => (Outcome::Asked, Rule::OnePage),
            _ if site(a, b, &levels) => (Outcome::Asked, Rule::OneSite),
            _ => (Outcome::Apart, rule),
        }
    } else if lists == Lists::Once {
        // The list says two; it is asked about only where it looks mistaken.
        let mistaken = score >= cuts.join && gate(&levels) && forbidden == Some(Rule::RowsOfOneList);
        (if mistaken { Outcome::Asked } else { Outcome::Apart }, Rule::RowsOfOneList)
    } else if score >= cuts.join {
        match forbidden {
            Some(rule) => (Outcome::Asked, rule),
            None if gate(&levels) => (Outcome::Joined, Rule::Score),
            None => (Outcome::Asked, Rule::Gate),
        }
    } else if score >= cuts.ask {
        (Outcome::Asked, forbidden.unwrap_or(Rule::Unsure))
    } else if page {
        (Outcome::Asked, Rule::OnePage)
    } else if site(a, b, &levels) {
        (Outcome::Asked, Rule::OneSite)
    } else {
        (Outcome::Apart, Rule::Low)
    };
    Judged { levels, score, outcome, rule, forbidden }
}

/// Whether two records are plainly two groups: [`judge`] then says [`Outcome::Apart`]. Questions that are slow to answer are asked
/// only as long as their answers could matter, so of most pairs that share a key this takes a tenth of the time. Where it
/// says `false`, only [`judge`] can tell.
pub fn apart(a: &Features, b: &Features, lists: Lists, model: &Model) -> bool {
    // One page or one front page is asked about whatever the score.
    if a.page != 0 && a.page == b.page || front(a) && front(b) && a.site == b.site {
        return false;
    }
    let Quick { mut answers, place, contact } = quick(a, b, lists != Lists::Apart);
    if far(a, b, place, contact) {
        return true;
    }
    for more in MORE {
        if model.most(&answers) < model.cuts().ask {
            return true;
        }
        more(a, b, model.cuts(), &mut answers);
    }
    model.most(&answers) < model.cuts().ask
}

fn front(one: &Features) -> bool {
    one.site != 0 && one.page == 0
}

/// Whether two front pages are one, and it is not plain that these are two places of one body.
fn site(a: &Features, b: &Features, levels: &Levels) -> bool {
    let one = front(a) && front(b) && a.site == b.site;
    let near = levels.place <= Where::Beyond || levels.town <= Town::Part;
    // Branches of a body far from one another say what they are about; where nobody says, a person can.
    one && levels.topic != Topic::Other && (near || levels.place != Where::Unknown && levels.topic == Topic::Unknown)
}

/// What keeps two records apart whatever else agrees.
fn hard(a: &Features, b: &Features, levels: &Levels) -> Option<Rule> {
    if levels.charity == Charity::Other {
        Some(Rule::OtherCharity)
    } else if far(a, b, levels.place, levels.contact) {
        Some(Rule::FarApart)
    } else if levels.topic == Topic::Other && levels.name == Name::Nothing {
        Some(Rule::NothingInCommon)
    } else {
        None
    }
}

/// Too far from one another, as far as both places are known, and no contact of their own in common.
fn far(a: &Features, b: &Features, place: Where, contact: Contact) -> bool {
    let own = matches!(contact, Contact::Own2 | Contact::Own1 | Contact::OwnMixed);
    let precise = |f: &Features| f.point.is_some_and(|point| point.precision <= Precision::Sector);
    place == Where::Far && precise(a) && precise(b) && !own
}

/// What keeps two records apart until a person says otherwise.
fn soft(levels: &Levels, lists: Lists) -> Option<Rule> {
    if lists == Lists::Once {
        Some(Rule::RowsOfOneList)
    } else if levels.day == Day::Other {
        Some(Rule::OtherDays)
    } else if levels.qualifier == Qualifier::Both {
        Some(Rule::Sisters)
    } else {
        None
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    For,
    Open,
    Against,
}

/// Who, what and where: none against, two for.
fn gate(levels: &Levels) -> bool {
    let own = matches!(levels.contact, Contact::Own2 | Contact::Own1);
    let who = match levels.name {
        Name::Same | Name::Spelling | Name::Common | Name::Inside | Name::Within | Name::Most => Side::For,
        Name::Empty => Side::Open,
        Name::Half if own => Side::Open,
        Name::Half | Name::Little | Name::Nothing => Side::Against,
    };
    let what = match levels.topic {
        Topic::Same | Topic::Wider => Side::For,
        Topic::Kin | Topic::Unknown => Side::Open,
        // Two hubs file one group under two headings; but then all else must be the same.
        Topic::Other if own && levels.name <= Name::Spelling => Side::Open,
        Topic::Other => Side::Against,
    };
    let house = matches!(levels.address, Address::Both | Address::House);
    let place = match (levels.place, levels.town) {
        (Where::Postcode | Where::Near | Where::Close | Where::District, _) => Side::For,
        _ if house => Side::For,
        (Where::Beyond, Town::Same | Town::Named) => Side::For,
        (Where::Unknown, Town::Same | Town::Named | Town::Part) => Side::For,
        (Where::Unknown, Town::Unknown) => Side::Open,
        _ => Side::Against,
    };
    let sides = [who, what, place];
    !sides.contains(&Side::Against) && sides.iter().filter(|side| **side == Side::For).count() >= 2
}

/// What two records that are not one group may be to one another, to be offered with the question.
pub fn relation(a: &Features, b: &Features, judged: &Judged) -> Option<Judgement> {
    let levels = &judged.levels;
    let contact = contacts(a, b);
    let near = matches!(levels.place, Where::Postcode | Where::Near);
    let alike = levels.name <= Name::Most;
    let one_body = a.body != 0 && a.body == b.body || contact.switchboard || contact.office || contact.site;
    if alike && a.closed != b.closed && levels.place <= Where::District {
        Some(Judgement::SucceededBy)
    } else if one_body && levels.name <= Name::Half && levels.place > Where::District && levels.place != Where::Unknown
    {
        Some(Judgement::BranchOf)
    } else if near && (contact.own() > 0 || contact.shared() > 0) && levels.name > Name::Most {
        Some(Judgement::HostedBy)
    } else if (near || matches!(levels.address, Address::Both | Address::House)) && !alike {
        Some(Judgement::SameVenue)
    } else {
        None
    }
}
