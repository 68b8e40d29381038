//! One invented group.

use super::draw::Draw;
use super::places::{self, Town};
use super::words::{
    ACCESS, BODIES, COSTS, JOINING, MARK, NAMES, OPENINGS, OWN_NAMES, SENTENCES, STREETS, SUBJECTS, Subject, VENUES,
};
use crate::record::group::{Affiliation, Ages, Assured, Contact, Criterion, Group, Meeting, Place, Sighting, Status};
use jiff::civil::{Date, date};

/// The criteria by which a study counts a group as self-help, and what suitable groups are known to say to each.
pub const SUITABLE: [(&str, &str); 8] = [
    ("is-a-group", "met"),
    ("shared-experience", "met"),
    ("mutual-support-primary", "met"),
    ("members-control", "met"),
    ("voluntary", "met"),
    ("prescribed-programme", "not_met"),
    ("professionally-managed", "not_met"),
    ("constrained-by-funder-or-statutory", "not_met"),
];

/// Terms of `assurance-methods` with the role of `assurance-roles` that fits.
const CHECKS: [(&str, &str); 6] = [
    ("phone", "hub"),
    ("email", "group"),
    ("visit", "community-worker"),
    ("self-confirmed", "group"),
    ("web-only", "volunteer"),
    ("post", "group"),
];

fn fill(template: &str, place: &str, subject: &Subject) -> String {
    template.replace("{p}", place).replace("{w}", subject.word).replace("{o}", subject.people)
}

fn text(words: &str) -> Option<String> {
    Some(words.to_owned())
}

fn terms(terms: &[&str]) -> Vec<String> {
    terms.iter().map(|term| (*term).to_owned()).collect()
}

/// Lower-case words joined by hyphens: a name as it stands in addresses, within a domain label's 63 characters.
pub fn slug(name: &str) -> String {
    let plain: String = name.to_lowercase().replace('\'', "");
    let words = plain.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut slug = words.collect::<Vec<_>>().join("-");
    slug.truncate(60);
    slug.trim_end_matches('-').to_owned()
}

/// A group in a town, without contact. `place` is what people call the place; usually the town's name.
/// Its description has so many sentences besides the first and the last.
pub fn group(draw: &mut Draw, town: &Town, place: &str, sentences: usize) -> Group {
    let subject = draw.pick(&SUBJECTS);
    let (name, other_names) = names(draw, place, subject);
    let mut group = Group {
        description: Some(words(draw, subject, sentences)),
        other_names,
        topics: terms(subject.topics),
        communities: terms(subject.communities),
        roles: terms(subject.roles),
        gender: (!subject.gender.is_empty()).then(|| subject.gender.to_owned()),
        ages: ages(draw, subject),
        languages: terms(subject.languages),
        place: Some(self::place(draw, town, place)),
        meetings: vec![meeting(draw)],
        cost: draw.percent(85).then(|| (*draw.pick(&COSTS)).to_owned()),
        access: draw.percent(70).then(|| (*draw.pick(&ACCESS)).to_owned()),
        joining: draw.percent(80).then(|| (*draw.pick(&JOINING)).to_owned()),
        founded: draw.percent(60).then(|| founded(draw)),
        status: status(draw),
        affiliation: affiliation(draw, subject),
        orientation: draw.percent(40).then(|| (*draw.pick(&["inward", "inward", "both", "outward"])).to_owned()),
        assured: Some(assured(draw)),
        name,
        ..Group::default()
    };
    let full = group.status.as_ref().is_some_and(|status| status.state == "full");
    group.newcomers = draw.percent(70).then_some(!full);
    let hybrid = draw.percent(12);
    group.modes = terms(if hybrid { &["in-person", "online-meeting"] } else { &["in-person"] });
    group
}

/// The name, and others it goes by.
fn names(draw: &mut Draw, place: &str, subject: &Subject) -> (String, Vec<String>) {
    let plain = fill(draw.pick::<&str>(&NAMES), place, subject);
    let own = *draw.pick(&OWN_NAMES);
    match draw.below(100) {
        0..=13 => (format!("{own}: {plain}"), Vec::new()),
        14..=21 => (format!("{own}, {place}"), vec![plain]),
        22..=29 => (plain, vec![format!("{} {place}", subject.word)]),
        _ => (plain, Vec::new()),
    }
}

/// A description of so many sentences between opening and mark, none of them twice.
pub fn words(draw: &mut Draw, subject: &Subject, sentences: usize) -> String {
    let mut said = vec![fill(draw.pick::<&str>(&OPENINGS), "", subject)];
    let (start, step) = (draw.below(SENTENCES.len()), 1 + 2 * draw.below(3));
    // 1, 3 and 5 share no factor with 28, so no sentence comes twice.
    said.extend((0..sentences).map(|nth| SENTENCES[(start + nth * step) % SENTENCES.len()].to_owned()));
    said.push(MARK.to_owned());
    said.join(" ")
}

fn ages(draw: &mut Draw, subject: &Subject) -> Option<Ages> {
    let between = |min, max| Some(Ages { min, max, ..Ages::default() });
    if subject.roles.contains(&"young-carer") {
        between(Some(8), Some(18))
    } else if subject.communities.contains(&"older-people") {
        between(Some(60), None)
    } else if draw.percent(30) {
        between(Some(18), None)
    } else {
        None
    }
}

/// Where a group in this town may meet.
pub fn place(draw: &mut Draw, town: &Town, name: &str) -> Place {
    let (venue, kind) = draw.pick(&VENUES);
    let near = |centre: i32, off: usize| f64::from(centre * 10 + off as i32 - 5) / 1000.0;
    Place {
        venue: Some(venue.replace("{p}", name)),
        venue_kind: text(kind),
        address: Some(format!("{} {}", 1 + draw.below(90), draw.pick(&STREETS))),
        locality: text(name),
        postcode: Some(places::postcode(draw, town.outward)),
        area: text(town.area),
        latitude: Some(near(town.at.0, draw.below(11))),
        longitude: Some(near(town.at.1, draw.below(11))),
        ..Place::default()
    }
}

/// When a group may meet.
pub fn meeting(draw: &mut Draw) -> Meeting {
    const DAYS: [(&str, &str); 6] = [
        ("Monday", "MO"),
        ("Tuesday", "TU"),
        ("Wednesday", "WE"),
        ("Thursday", "TH"),
        ("Friday", "FR"),
        ("Saturday", "SA"),
    ];
    const NTH: [(&str, &str); 5] = [("First", "1"), ("Second", "2"), ("Third", "3"), ("Fourth", "4"), ("Last", "-1")];
    let (day, code) = draw.pick(&DAYS);
    let (nth, number) = draw.pick(&NTH);
    let (words, rule) = match draw.below(10) {
        0..=5 => (format!("{nth} {day} of the month"), format!("FREQ=MONTHLY;BYDAY={number}{code}")),
        6 => (
            format!("{nth} {day} of the month, not in August"),
            format!("FREQ=MONTHLY;BYDAY={number}{code};BYMONTH=1,2,3,4,5,6,7,9,10,11,12"),
        ),
        7 => (format!("Every other {day}"), format!("FREQ=WEEKLY;INTERVAL=2;BYDAY={code}")),
        _ => (format!("Every {day}"), format!("FREQ=WEEKLY;BYDAY={code}")),
    };
    let start =
        *draw.pick(&[10 * 60, 10 * 60 + 30, 11 * 60, 13 * 60 + 30, 14 * 60, 18 * 60 + 30, 19 * 60, 19 * 60 + 30]);
    let end = start + draw.pick(&[60, 90, 120]);
    let clock = |minutes: i32| Some(format!("{:02}:{:02}", minutes / 60, minutes % 60));
    Meeting { text: Some(words), rrule: Some(rule), start: clock(start), end: clock(end), ..Meeting::default() }
}

fn founded(draw: &mut Draw) -> String {
    let year = 1978 + draw.below(48);
    if draw.percent(25) { format!("{year}-{:02}", 1 + draw.below(12)) } else { year.to_string() }
}

/// Mostly absent, which means active. Groups that have ended are no part of a list of suitable ones.
fn status(draw: &mut Draw) -> Option<Status> {
    let of = |state: &str| Some(Status { state: state.to_owned(), ..Status::default() });
    match draw.below(100) {
        0..=69 => None,
        70..=79 => of("active"),
        80..=84 => of("looking-for-a-coordinator"),
        85..=88 => of("struggling"),
        89..=92 => of("full"),
        93..=96 => of("forming"),
        _ => Some(Status {
            state: "on-a-break".to_owned(),
            until: Some(date(2027, 1 + draw.below(6) as i8, 1)),
            reason: text("The room is being rebuilt"),
            ..Status::default()
        }),
    }
}

fn affiliation(draw: &mut Draw, subject: &Subject) -> Option<Affiliation> {
    let kind = match draw.below(100) {
        0..=34 => return Some(Affiliation { kind: "independent".to_owned(), ..Affiliation::default() }),
        35..=49 => "affiliated-to",
        50..=57 => "network-member",
        58..=61 => "hosted-by",
        _ => return None,
    };
    let to = fill(draw.pick::<&str>(&BODIES), "", subject).replace("'", "");
    Some(Affiliation { kind: kind.to_owned(), to: Some(to), ..Affiliation::default() })
}

fn day(draw: &mut Draw) -> Date {
    date(2026, 1 + draw.below(9) as i8, 1 + draw.below(28) as i8)
}

/// Somebody's check, on some day from January to September 2026.
pub fn assured(draw: &mut Draw) -> Assured {
    let (method, by) = draw.pick(&CHECKS);
    Assured { date: day(draw), method: (*method).to_owned(), by: (*by).to_owned() }
}

/// Adds the facts that make a group suitable, as its hub found them on the telephone the day it was last checked.
pub fn suitable(group: &mut Group) {
    let date = group.assured.as_ref().map(|assured| assured.date);
    for (criterion, value) in SUITABLE {
        let found =
            Criterion { value: value.to_owned(), date, method: text("phone"), by: text("hub"), ..Criterion::default() };
        group.criteria.insert(criterion.to_owned(), found);
    }
}

/// A front gate at a domain that can never be anybody's (RFC 2606), which `key` makes the group's own.
pub fn contact(draw: &mut Draw, key: &str, phone: Option<String>) -> Contact {
    let mailbox = draw.pick(&["hello", "contact", "group", "enquiries", "meet"]);
    let email = Some(format!("{mailbox}@{key}.example"));
    // Some groups have no page, few no mailbox, and nobody has neither and no telephone.
    match draw.below(10) {
        0 | 1 => Contact { email, phone, ..Contact::default() },
        2 if phone.is_some() => Contact { phone, url: Some(format!("https://{key}.example/")), ..Contact::default() },
        _ => Contact { url: Some(format!("https://{key}.example/")), email, phone, ..Contact::default() },
    }
}

/// The same group as another list has it: the same front gate and town, other words, other times, another day of checking.
pub fn retold(draw: &mut Draw, group: &Group) -> Group {
    let mut told = group.clone();
    told.name = respelt(draw, &group.name);
    if told.name != group.name && draw.percent(30) {
        told.other_names = vec![group.name.clone()];
    }
    let subject = SUBJECTS
        .iter()
        .find(|s| s.topics == group.topics && s.communities == group.communities && s.roles == group.roles);
    told.description = subject.map(|subject| words(draw, subject, 1));
    while told.meetings == group.meetings {
        let mut other = meeting(draw);
        // A wrong hour is the commonest difference between lists; a wrong day comes next.
        if let Some(first) = group.meetings.first().filter(|_| draw.percent(50)) {
            (other.text, other.rrule) = (first.text.clone(), first.rrule.clone());
        }
        told.meetings = vec![other];
    }
    told.cost = Some((*draw.pick(&COSTS)).to_owned());
    if draw.percent(40) {
        told.access = None;
    }
    if draw.percent(40) {
        told.joining = Some((*draw.pick(&JOINING)).to_owned());
    }
    told.assured = Some(assured(draw));
    told.sightings.clear();
    told
}

/// A name as somebody else would type it; the words that tell groups apart stay.
fn respelt(draw: &mut Draw, name: &str) -> String {
    // The fourth always differs.
    let forms: [String; 5] = [
        name.replace('\'', ""),
        name.replace(" and ", " & "),
        name.replace("Support Group", "support group").replace("Self-Help", "Self Help"),
        name.strip_prefix("The ").map_or_else(|| format!("The {name}"), str::to_owned),
        name.replace(" Group", " Grp"),
    ];
    let other: Vec<&String> = forms.iter().filter(|form| *form != name).collect();
    (*draw.pick(&other)).clone()
}

/// That a list of this title had the group on the day it was checked.
pub fn sighted(group: &mut Group, title: &str, kind: &str) {
    group.sightings = vec![Sighting {
        observed_by: title.to_owned(),
        kind: text(kind),
        date: group.assured.as_ref().map(|assured| assured.date),
        ..Sighting::default()
    }];
}
