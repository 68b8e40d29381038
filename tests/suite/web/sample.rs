//! Pages with something of everything in them.

use super::*;

pub fn id(n: u128) -> Uuid {
    Uuid::from_u128(0x3a9a_fa8c_9841_4d2f_9e7a_e061_aed1_0000 + n)
}

pub fn checked(by: &str, with_group: bool) -> Checked {
    let how = if with_group { "By phone" } else { "From its website" };
    Checked { date: date(2026, 3, 14), by: by.into(), with_group, how: how.into() }
}

pub fn choices(all: &[(&str, &str, u64)]) -> Vec<Choice> {
    all.iter()
        .map(|(value, label, count)| Choice { value: (*value).into(), label: (*label).into(), count: *count })
        .collect()
}

pub fn topics() -> Vec<Choice> {
    choices(&[
        ("anxiety", "Anxiety and panic", 24),
        ("bereavement", "Bereavement", 31),
        ("carers", "Carers", 27),
        ("chronic-pain", "Chronic pain", 12),
        ("depression", "Depression", 22),
        ("diabetes", "Diabetes", 9),
        ("eating", "Eating and body image", 7),
        ("gambling", "Gambling", 6),
        ("hearing-voices", "Hearing voices", 5),
        ("parents", "Parents of disabled children and young people", 18),
    ])
}

/// The first as the top, the second under it, and so on in threes.
pub fn tree(choices: Vec<Choice>) -> Vec<Topic> {
    let leaf = |choice: Choice| Topic { choice, narrower: Vec::new() };
    let mut choices = choices.into_iter();
    let mut tops = Vec::new();
    while let Some(choice) = choices.next() {
        let mut under = choices.by_ref().take(2).map(leaf);
        let mut top = leaf(choice);
        top.narrower.extend(under.next());
        if let (Some(first), Some(last)) = (top.narrower.first_mut(), under.next()) {
            first.narrower.push(last);
        }
        tops.push(top);
    }
    tops
}

pub fn places() -> Vec<Choice> {
    choices(&[("Nottingham", "Nottingham", 83), ("Mansfield", "Mansfield", 22), ("Chelmsford", "Chelmsford", 11)])
}

pub fn modes() -> Vec<Choice> {
    choices(&[("in-person", "In person", 140), ("online-meeting", "Online meeting", 38), ("telephone", "Telephone", 9)])
}

pub fn home_page() -> HomePage {
    let counts = Counts { groups: 226, closed: 14, records: 262, hubs: 4, disagreements: 6 };
    HomePage { topics: tree(topics()), places: places(), modes: modes(), counts }
}

pub fn hit(n: u128, name: &str) -> Hit {
    Hit {
        id: id(n),
        name: name.into(),
        place: Some("Sherwood Community Centre, Nottingham".into()),
        topics: vec!["Anxiety and panic".into(), "Depression".into()],
        modes: vec!["In person".into()],
        checked: Some(checked("Example Hub", true)),
        standing: None,
        hubs: 2,
        disagree: false,
        snippet: Some(
            "We meet to talk about living with anxiety, over tea. Nobody has to speak, and you can come late.".into(),
        ),
        distance: None,
    }
}

pub fn search_page() -> SearchPage {
    let closed = Standing {
        label: "Closed".into(),
        closed: true,
        since: Some(date(2025, 11, 2)),
        until: None,
        reason: Some("The organisers retired.".into()),
    };
    let looking =
        Standing { label: "Looking for a coordinator".into(), closed: false, since: None, until: None, reason: None };
    SearchPage {
        terms: Terms {
            words: "anxiety".into(),
            topic: Some("anxiety".into()),
            place: Some("Nottingham".into()),
            mode: Some("in-person".into()),
            sort: Sort::Match,
            page: 2,
        },
        near: Some(Near { postcode: "NG1 7DP".into(), miles: 10, precision: "unit: this postcode's own place" }),
        topics: Filter { choices: topics() },
        places: Filter { choices: places() },
        modes: Filter { choices: modes() },
        hits: vec![
            hit(1, "Calm Together Nottingham"),
            Hit { disagree: true, hubs: 3, standing: Some(looking), ..hit(2, "Sherwood Anxiety Self-Help Group") },
            Hit {
                checked: None,
                hubs: 1,
                snippet: None,
                place: None,
                modes: vec!["Online meeting".into()],
                ..hit(3, "Night Owls")
            },
            Hit { standing: Some(closed), checked: Some(checked("Derbyshire Hub", false)), ..hit(4, "Worry Circle") },
        ],
        total: 24,
        per_page: 20,
        pages: 2,
        offers: vec![Offer {
            label: "Anxiety and panic, anywhere".into(),
            terms: Terms { topic: Some("anxiety".into()), page: 1, ..Terms::default() },
            count: 24,
        }],
    }
}

pub fn said(hub: &str, list: &str, with_group: bool) -> Said {
    Said { hub: hub.into(), list: list.into(), checked: with_group.then(|| checked(hub, true)) }
}

pub fn field(label: &str, value: Vec<Value>) -> Field {
    let said = vec![
        said("Example Hub", "What we know ourselves", true),
        said("Derbyshire Hub", "Groups of the county", false),
    ];
    Field { label: label.into(), value, said, others: Vec::new(), rule: None, disagree: false }
}

pub fn text(value: &str) -> Vec<Value> {
    vec![Value::Text(value.into())]
}

pub fn group_page() -> GroupPage {
    let contact = vec![
        Value::Web("https://calm-together.example/nottingham".into()),
        Value::Email("hello@calm.example".into()),
        Value::Phone("0115 496 0123".into()),
    ];
    let derbyshire = vec![said("Derbyshire Hub", "Groups of the county", false)];
    let mut when = field("When", text("Second Tuesday of the month, 7 pm to 9 pm"));
    when.said.pop();
    when.others = vec![Other { value: text("First Monday of the month, 7 pm"), said: derbyshire.clone() }];
    when.rule = Some("Example Hub checked it later (14 March 2026).".into());
    when.disagree = true;
    let mut cost = field("Cost", text("£2 towards the room"));
    cost.said.pop();
    cost.others = vec![Other { value: text("Free"), said: derbyshire }];
    cost.rule = Some("Example Hub decided so on 2 April 2026.".into());
    GroupPage {
        care: true,
        id: id(1),
        name: "Calm Together Nottingham".into(),
        other_names: vec!["CTN".into(), "Nottingham Anxiety Group".into()],
        topics: vec![("Anxiety and panic".into(), "anxiety".into()), ("Depression".into(), "depression".into())],
        standing: Some(Standing {
            label: "On a break".into(),
            closed: false,
            since: None,
            until: Some(date(2026, 9, 8)),
            reason: Some("The room is being repaired.".into()),
        }),
        checked: Some(checked("Example Hub", true)),
        safety: Some("Please do not pass the address of this group on.".into()),
        description: Some(
            "We are people who live with anxiety and meet to talk about it, over tea.\nNobody has to speak, and you can come late.".into(),
        ),
        contact: Some(field("Contact", contact)),
        fields: vec![
            when,
            field("Where", text("Sherwood Community Centre\n29 Mansfield Road\nNottingham NG5 2FH")),
            field("How it meets", text("In person")),
            field("Who comes", vec![Value::Text("People affected".into()), Value::Text("Carers and family".into())]),
            cost,
            field("Access", text("Level entrance, hearing loop, accessible toilet")),
            field("Newcomers", text("Welcome at any time")),
        ],
        position: Some((52.979_5, -1.150_2)),
        postcode: Some("NG5 2FH".into()),
        about: None,
        members: vec![
            Member {
                hub: "Example Hub".into(),
                list: "What we know ourselves".into(),
                record: id(1),
                checked: Some(checked("Example Hub", true)),
                copy: false,
                awaited: true,
            },
            Member { hub: "Derbyshire Hub".into(), list: "Groups of the county".into(), record: id(9), checked: None, copy: false, awaited: false },
        ],
        seen: vec![Seen { by: "Leaflet in the library".into(), via: vec!["Derbyshire Hub".into()] }],
        decisions: vec![Decision {
            text: "The two rows are the same group.".into(),
            by: "Example Hub".into(),
            date: date(2026, 4, 2),
        }],
    }
}

pub fn bare_group() -> GroupPage {
    let whole = group_page();
    GroupPage {
        care: false,
        other_names: Vec::new(),
        standing: Some(Standing {
            label: "Closed".into(),
            closed: true,
            since: Some(date(2025, 11, 2)),
            until: None,
            reason: Some("The organisers retired.".into()),
        }),
        checked: None,
        safety: None,
        description: None,
        contact: None,
        fields: vec![Field { said: Vec::new(), ..field("Where", text("Nottingham")) }],
        position: None,
        members: whole.members.into_iter().skip(1).collect(),
        seen: Vec::new(),
        decisions: Vec::new(),
        ..group_page()
    }
}

pub fn partners_page() -> PartnersPage {
    let now: Timestamp = "2026-11-22T14:05:00Z".parse().unwrap();
    let ago = |minutes: i64| Some(Timestamp::from_second(now.as_second() - minutes * 60).unwrap());
    let row = |name: &str, n: u8, state: PartnerState| PartnerRow {
        name: name.into(),
        hub: format!("h-{}", ["abcdefgh", "ijklmnop", "qrstuvwx", "yzabcdef"][n as usize].repeat(4)),
        address: format!("https://groups.hub{n}.example/"),
        state,
        last_try: ago(12),
        last_success: ago(12),
        last_change: ago(3 * 1440),
        records: 202,
        lag: 0,
        failures: 0,
        next_try: ago(-18),
        reason: None,
        remedy: None,
        stale: false,
        copies: Vec::new(),
        reads_contacts: false,
        evidence: Vec::new(),
    };
    let failing = PartnerRow {
        last_success: ago(5 * 1440),
        failures: 11,
        stale: true,
        reason: Some("Its certificate ran out on 17 November 2026.".into()),
        remedy: Some("Tell Derbyshire Hub. Nothing is lost: what was taken before stays in use.".into()),
        ..row("Derbyshire Hub", 1, PartnerState::Failing)
    };
    let waiting = PartnerRow {
        lag: 1204,
        reason: Some("It closes 31 of 84 groups at once.".into()),
        remedy: Some("Ask whether that is meant, then run: mutuald partner accept essex".into()),
        reads_contacts: true,
        evidence: vec![Proof {
            what: "two histories of its list".into(),
            found: ago(90),
            id: "0123456789abcdef".into(),
        }],
        ..row("Essex Groups", 2, PartnerState::Waiting)
    };
    let new = PartnerRow {
        last_try: None,
        last_success: None,
        last_change: None,
        records: 0,
        ..row("Leicester", 3, PartnerState::New)
    };
    PartnersPage {
        now: now.to_zoned(TimeZone::get("Europe/London").unwrap()),
        name: "Example Hub".into(),
        hub: "h-mfrggzdfmztwq2lknnwg23tpobyxe43u".into(),
        fingerprint: "mfrg gzdf mztw q2lk nnwg 23tp obyx e43u".into(),
        feed_size: 1312,
        published: true,
        partners: vec![row("Nottingham Hub", 0, PartnerState::UpToDate), failing, waiting, new],
        counts: home_page().counts,
        digest: "9f2c4be1".repeat(8),
    }
}
