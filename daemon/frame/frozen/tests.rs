use super::*;
use crate::frame::eligibility::Verdict;
use crate::frame::eligibility::tests::{day, decision, suitable};
use crate::record::HubId;
use proptest::prelude::*;
use uuid::Uuid;

pub fn record(hub: u8, n: u128) -> RecordRef {
    RecordRef { hub: HubId([hub; 20]), rec: Uuid::from_u128(n) }
}

pub fn definition() -> Definition {
    Definition {
        sample_frame_name: "nottingham-2026".into(),
        labl: None,
        txt: None,
        valid_period: Some(Period { from: day("2026-07-01"), to: day("2027-06-30") }),
        custodian: "Nottingham hub".into(),
        use_stmt: Some("Research on groups, with ethical approval.".into()),
        universe: "Self-help/mutual aid groups that meet in Nottingham".into(),
        unit_type: "group".into(),
        reference_period: "2026-06-30".into(),
        update_procedure: "Built anew each year".into(),
        area: vec!["E06000018".into()],
        as_of: day("2026-06-30"),
        sources: Vec::new(),
        roll_up: "esteem2013".into(),
        policy: "0".repeat(64),
        registry: "1".repeat(64),
    }
}

/// Group `n` of one record of hub 1, and of `more` records of hub 2.
pub fn candidate(n: u128, more: u128, facts: Facts) -> Candidate {
    let records = [(record(1, n), 1)].into_iter().chain((0..more).map(|i| (record(2, 1000 * n + i), 1)));
    Candidate {
        id: record(1, n),
        records: records.collect(),
        copies: Vec::new(),
        facts,
        values: Values::new(),
        sources: vec!["Library".into()],
        assured: Some(day("2026-05-01")),
        listed: true,
    }
}

pub fn profile() -> Profile {
    Profile::shipped("seebohm2013").unwrap()
}

/// Forty groups: of each ten six belong, one has 12 steps, one is undecided, one is elsewhere, one has ended.
pub fn candidates() -> Vec<Candidate> {
    (0..40)
        .map(|n| {
            let mut facts = suitable(if n % 10 == 6 { &[("twelve-step", "met")] } else { &[] });
            match n % 10 {
                7 => drop(facts.criteria.remove("voluntary")),
                8 => facts.area = Some("S12000036".into()),
                9 => facts.state = Some("closed".into()),
                _ => {}
            }
            candidate(n, n % 3, facts)
        })
        .collect()
}

pub fn frame() -> Frame {
    build(definition(), profile(), candidates(), &[(Apart::Withdrawn, 3)], []).unwrap()
}

#[test]
fn a_frame_is_built_counted_and_read_back() {
    let frame = frame();
    assert_eq!(frame.units().count(), 24);
    assert_eq!(frame.flow.linked(), 40);
    assert_eq!(frame.flow.received(), 3 + 40 + 39);
    assert_eq!(frame.flow.in_area(), 36);
    let text = frame.text();
    assert_eq!(Frame::read(&text).unwrap(), frame);
    assert_eq!(frame.digest(), lines::digest(&text));
    let lines = String::from_utf8(text).unwrap();
    assert!(lines.starts_with("mutuald-frame/1\n{\"definition\":{\"area\":[\"E06000018\"],\"asOf\":\"2026-06-30\""));
    assert_eq!(lines.lines().count(), 1 + 3 + 40);
}

#[test]
fn people_and_scope_decide_as_well() {
    let steps = record(1, 6);
    let mut include = decision(Verdict::Include, "2026-05-01");
    include.on = record(2, 7001);
    let mut exclude = decision(Verdict::Exclude("opted-out-of-research".into()), "2026-05-01");
    exclude.on = steps;
    let mut hidden = candidates();
    hidden[0].listed = false;
    let mut narrow = definition();
    narrow.sources = vec![HubId([2; 20])];
    // Group 7 has its second record at hub 2; the decision about that record is the group's.
    let mut seven = candidate(7, 2, suitable(&[]));
    seven.facts.criteria.remove("voluntary");
    hidden[7] = seven;
    let frame = build(narrow, profile(), hidden, &[], [include, exclude]).unwrap();
    let row = |n: u128| frame.rows.iter().find(|row| row.id == record(1, n));
    assert_eq!(row(7).unwrap().outcome, Outcome::Included);
    assert_eq!(
        say(&frame.rows.iter().find(|row| row.id == record(1, 16)).unwrap().outcome),
        "excluded (prescribed-programme-12-step)"
    );
    // Group 6 has no record of hub 2, group 0 is hidden and has none either: other source comes first.
    assert!(row(6).is_none() && row(0).is_none());
    let read = frame.flow.steps()[1].clone();
    assert_eq!(read.left.keys().collect::<Vec<_>>(), ["other-source"]);
    assert_eq!(Frame::read(&frame.text()).unwrap(), frame);
}

#[test]
fn what_must_not_be_listed_stands_in_no_frame() {
    let hiding = |n: usize| {
        let mut hidden = candidates();
        hidden[..n].iter_mut().for_each(|group| group.listed = false);
        let frame = build(definition(), profile(), hidden, &[], []).unwrap();
        let text = String::from_utf8(frame.text()).unwrap();
        (0..n).for_each(|n| assert!(!text.contains(&record(1, n as u128).rec.to_string())));
        (frame.flow.steps()[1].left.get("withheld").copied(), text)
    };
    // 1 + 2 + 3 + 1 + 2 records of five groups.
    assert_eq!(hiding(5).0, Some(9));
    assert_eq!(hiding(4).0, None);
    // Fewer than five leave no trace at all: the frame is that of a registry without them.
    let without = build(definition(), profile(), candidates().split_off(4), &[], []).unwrap();
    assert_eq!(hiding(4).1.as_bytes(), without.text());
}

#[test]
fn a_changed_frame_is_refused_with_what_was_changed() {
    let text = String::from_utf8(frame().text()).unwrap();
    let with = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        Frame::read(text.replacen(from, to, 1).as_bytes()).unwrap_err()
    };
    let cases = [
        (with("{\"excluded\":[\"closed\"]}", "\"included\""), "frame-outcome"),
        (with("is voluntary.\",\"unknown\":\"undecided\"", "is voluntary.\",\"unknown\":\"passes\""), "frame-outcome"),
        (with("\"count\":36", "\"count\":37"), "frame-accounts"),
        (with("\"closed\":4", "\"closed\":5"), "frame-accounts"),
        (with("\"unitType\":\"group\"", "\"unitType\":\"\""), "frame-definition"),
        (with("\"unitType\"", "\"unit-type\""), "frame-line"),
        (with("{\"group\":", "{ \"group\":"), "frame-spelling"),
        (with("mutuald-frame/1", "mutuald-frame/2"), "frame-header"),
    ];
    for (error, code) in cases {
        assert_eq!(error.code(), code, "{error}");
    }
    let without: String =
        text.lines().filter(|line| !line.contains("\"profile\"")).map(|line| format!("{line}\n")).collect();
    assert_eq!(Frame::read(without.as_bytes()).unwrap_err().code(), "frame-part");
    let mut lines: Vec<&str> = text.lines().collect();
    lines.swap(10, 11);
    assert_eq!(Frame::read((lines.join("\n") + "\n").as_bytes()).unwrap_err(), FrameError::Part("list of groups"));
    let last = text.lines().last().unwrap();
    assert_eq!(
        Frame::read(text.strip_suffix(&format!("{last}\n")).unwrap().as_bytes()).unwrap_err(),
        FrameError::Accounts
    );
}

#[test]
fn one_record_is_one_groups() {
    let mut twice = candidates();
    let of_another = twice[0].records[0];
    twice[1].records.push(of_another);
    assert_eq!(build(definition(), profile(), twice, &[], []).unwrap_err().code(), "frame-record");
}

/// The quick way of writing is the library's.
#[test]
fn a_row_is_written_as_the_library_writes_it() {
    let odd = [
        "plain",
        "with \"quotes\" and \\",
        "a\u{8}b\u{c}c\nd\re\tf\u{1f}g\u{7f}h",
        "Ystrad Mynach – Ŵyl",
        "\u{10ffff}\u{2028}",
    ];
    let mut groups = candidates();
    for (at, group) in groups.iter_mut().enumerate() {
        let text = odd[at % odd.len()];
        group.sources = vec![text.to_owned(), "z".to_owned()];
        group.values =
            [("focus", text), ("age", "new")].map(|(name, value)| (name.to_owned(), [value.to_owned()].into())).into();
        group.facts.state = Some(text.to_owned());
        group.facts.since = Some(day("2020-02-29"));
        group.copies = vec![record(9, at as u128)];
        // Names that are not all ASCII are sorted by other units than bytes are.
        if at % 7 == 0 {
            group.values.insert("\u{ffee}".to_owned(), ["a".to_owned()].into());
            group.values.insert("\u{10000}".to_owned(), ["b".to_owned()].into());
        }
    }
    let mut definition = definition();
    definition.area.clear();
    let frame = build(definition, profile(), groups, &[], []).unwrap();
    for row in &frame.rows {
        let (mut mine, mut library) = (Vec::new(), Vec::new());
        row.write(&mut mine);
        lines::write(&mut library, &Written::Group(row));
        assert_eq!(String::from_utf8(mine), String::from_utf8(library));
    }
    assert_eq!(Frame::read(&frame.text()).unwrap(), frame);
}

static TEXT: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| frame().text());

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Groups in another order make the same bytes.
    #[test]
    fn order_is_nothing(turn in 0..40usize) {
        let mut turned = candidates();
        turned.rotate_left(turn);
        let built = build(definition(), profile(), turned, &[(Apart::Withdrawn, 3)], []).unwrap();
        prop_assert_eq!(&built.text(), &*TEXT);
    }

    /// A byte that was changed is either refused, or gives another digest and is named by its line.
    #[test]
    fn any_changed_byte_is_found(at in 0..2000usize, to in 0..=255u8) {
        let text = &*TEXT;
        let at = (at * 7919) % text.len();
        let mut other = text.clone();
        other[at] = to;
        if other != *text {
            let line = text[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
            prop_assert_ne!(lines::digest(&other), lines::digest(text));
            prop_assert_eq!(lines::changed(&other, &lines::marks(text))[0], line);
        }
    }
}

/// What a frame looks at of a group is all that it uses of it.
#[test]
fn few_units_of_a_group_are_all_that_a_frame_needs() {
    let day = day("2026-06-30");
    for merged in crate::registry::merge::tests::samples() {
        let (few, all) = (merged.some(&UNITS), merged.group());
        assert_eq!(Facts::of(&few), Facts::of(&all));
        assert_eq!(strata::values(&few, day, "esteem2013"), strata::values(&all, day, "esteem2013"));
    }
}
