use super::shipped::{FILES, digest_of};
use super::*;

const STUDY: &str = "esteem2013";

fn code(text: &str) -> &'static str {
    Vocabulary::read(text).expect_err("this file breaks a rule").code()
}

/// A vocabulary of one-line terms: id, label, synonym, parents.
fn file(terms: &[(&str, &str, &str, &[&str])]) -> String {
    let terms: Vec<_> = terms
        .iter()
        .map(|(id, label, synonym, parents)| {
            serde_json::json!({"id": id, "label": label, "synonyms": [synonym], "definition": "d", "source": "s", "parents": parents})
        })
        .collect();
    serde_json::json!({"vocabulary": "v", "version": 1, "licence": "CC0-1.0", "terms": terms}).to_string()
}

#[test]
fn every_shipped_file_is_sound() {
    for (name, text) in FILES.iter().filter(|(name, _)| *name != "table1") {
        let vocabulary = Vocabulary::read(text).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(vocabulary.id, *name);
        assert_eq!(vocabulary.licence, "CC0-1.0", "{name}");
        assert!(!vocabulary.terms.is_empty(), "{name}");
        assert_eq!(vocabulary.values.is_empty(), *name != "criteria", "{name}");
    }
    assert_eq!(all().len() + 1, FILES.len());
    assert!(all().is_sorted_by_key(|v| &v.id));
    assert_eq!(named("topics").map(|v| v.terms.len()), Some(topics().terms.len()));
    assert!(named("table1").is_none());
    assert_eq!(criteria().values, ["met", "not_met", "unknown"]);
}

#[test]
fn every_source_is_one_that_the_module_explains() {
    let known = [
        "ESTEEM",
        "ESTEEM Table 1",
        "Carers study",
        "Mutual aid review",
        "Common group names",
        "Safety guidance",
        "mutuald",
    ];
    for vocabulary in all() {
        for term in &vocabulary.terms {
            assert!(known.contains(&term.source.as_str()), "{} {}: {}", vocabulary.id, term.id, term.source);
        }
    }
}

#[test]
fn each_broken_rule_is_named() {
    let good = file(&[("a", "Aye", "ay", &[]), ("b", "Bee", "be", &["a"])]);
    assert!(Vocabulary::read(&good).is_ok());
    assert_eq!(code(&good.replacen("\"label\"", "\"extra\":1,\"label\"", 1)), "vocabulary-shape");
    assert_eq!(code(&good.replacen("\"version\"", "\"extra\":1,\"version\"", 1)), "vocabulary-shape");
    for id in ["", "A", "a b", "-a", "a--b", "caf\u{e9}", &"x".repeat(MAX_ID + 1)] {
        assert_eq!(code(&file(&[(id, "Aye", "ay", &[])])), "vocabulary-id", "{id}");
    }
    assert_eq!(code(&file(&[("a", "Aye", "ay", &[]), ("a", "Bee", "be", &[])])), "vocabulary-duplicate");
    assert_eq!(code(&file(&[("a", " ", "ay", &[])])), "vocabulary-incomplete");
    assert_eq!(code(&file(&[("a", "Aye", "", &[])])), "vocabulary-incomplete");
    assert_eq!(code(&file(&[("a", "Aye", "?!", &[])])), "vocabulary-incomplete");
    assert_eq!(code(&good.replacen("\"d\"", "\"\"", 1)), "vocabulary-incomplete");
    assert_eq!(code(&file(&[("a", "Aye", "ay", &["z"])])), "vocabulary-parent");
    assert_eq!(code(&file(&[("a", "Aye", "ay", &["b"]), ("b", "Bee", "be", &["a"])])), "vocabulary-cycle");
    assert_eq!(code(&file(&[("a", "Aye", "ay", &["a"])])), "vocabulary-cycle");
    assert_eq!(code(&file(&[("a", "Aye", "B\u{c9}E!", &[]), ("b", "Bee", "be", &[])])), "vocabulary-ambiguous");
    assert_eq!(code(&file(&[("a", "Aye", "b", &[]), ("b", "Bee", "be", &[])])), "vocabulary-ambiguous");
}

#[test]
fn people_find_topics_by_the_words_they_use() {
    let words = [
        ("Parkinson\u{2019}s", "parkinsons"),
        ("PARKINSONS DISEASE", "parkinsons"),
        ("m.e.", "me-cfs"),
        ("ME/CFS", "me-cfs"),
        ("Grief & loss", "bereavement"),
        ("stillbirth", "baby-loss"),
        ("Crohn's and Colitis", "crohns-and-colitis"),
        ("  kinship   carers ", "kinship-care"),
        ("m\u{e9}nopause", "menopause"),
        ("problem drinking", "alcohol"),
        ("Unpaid carers", "caring"),
        ("domestic violence", "domestic-abuse"),
        ("drugs-and-alcohol", "drugs-and-alcohol"),
    ];
    for (text, id) in words {
        assert_eq!(topics().find(text), Some(id), "{text}");
    }
    assert_eq!(topics().find("train spotting"), None);
    assert_eq!(topics().find(""), None);
    assert_eq!(venue_kinds().find("Cafe"), Some("cafe"));
}

#[test]
fn the_subjects_that_general_lists_miss_are_here() {
    let missed = [
        "Parkinson's",
        "arthritis",
        "epilepsy",
        "eating disorders",
        "baby loss",
        "menopause",
        "endometriosis",
        "Long Covid",
        "kinship care",
        "gambling",
        "fibromyalgia",
        "tinnitus",
        "ostomy",
        "lupus",
        "hearing voices",
        "motor neurone disease",
        "multiple sclerosis",
        "wound care",
        "postnatal depression",
        "chronic pain",
        "bereavement by suicide",
        "lone parents",
        "men's health",
    ];
    for text in missed {
        assert!(topics().find(text).is_some(), "{text}");
    }
}

#[test]
fn topics_have_several_parents_and_all_reach_the_top() {
    assert_eq!(
        topics().ancestors("drugs-and-alcohol"),
        ["addiction", "condition", "experience", "mental-ill-health", "physical-ill-health"]
    );
    assert_eq!(topics().ancestors("condition"), [""; 0]);
    assert_eq!(topics().ancestors("no-such-topic"), [""; 0]);
    let tops = ["condition", "experience", "situation"];
    for term in &topics().terms {
        let above = topics().ancestors(&term.id);
        assert!(above.is_sorted() && !above.contains(&term.id.as_str()), "{}", term.id);
        let top = tops.contains(&term.id.as_str());
        assert_eq!(above.is_empty(), top, "{}", term.id);
        assert!(top || above.iter().any(|up| tops.contains(up)), "{}", term.id);
        let category = term.roll_up.get(STUDY).map(String::as_str);
        let categories = ["physical-ill-health", "mental-ill-health", "social-isolation"];
        assert_eq!(category.is_some_and(|c| categories.contains(&c)), !top, "{}", term.id);
    }
    for other in all().into_iter().filter(|v| v.id != "topics") {
        assert!(other.terms.iter().all(|term| term.parents.is_empty()), "{}", other.id);
    }
}

#[test]
fn search_words_hold_the_words_of_wider_terms_too() {
    let words = topics().search_words("alcohol");
    assert_eq!(words[0], "Alcohol");
    for word in ["problem drinking", "substance misuse", "addictions"] {
        assert!(words.contains(&word), "{word}");
    }
    assert!(!topics().search_words("addiction").contains(&"problem drinking"));
    assert!(topics().search_words("no-such-topic").is_empty());
}

#[test]
fn table_1_comes_out_of_our_terms() {
    let rows = &table1().rows;
    for row in rows {
        let axes = [
            (topics(), &row.topics),
            (communities(), &row.communities),
            (genders(), &row.genders),
            (roles(), &row.roles),
        ];
        for (vocabulary, ids) in axes {
            assert!(ids.iter().all(|id| vocabulary.get(id).is_some()), "{}", row.label);
        }
        assert!(!row.topics.is_empty(), "{}", row.label);
        for topic in &row.topics {
            assert_eq!(topics().get(topic).and_then(|t| t.roll_up.get(STUDY)), Some(&row.roll_up), "{}", row.label);
        }
        // A row that is nothing but a topic is found by the table's own word, except "General", which says nothing alone.
        let only_topic = row.communities.is_empty() && row.genders.is_empty() && row.roles.is_empty();
        if only_topic && row.label != "General" {
            assert_eq!(topics().find(&row.label), Some(row.topics[0].as_str()));
        }
    }
    let sum = |wanted: &dyn Fn(&Row) -> bool| rows.iter().filter(|row| wanted(row)).map(|row| row.count).sum::<u32>();
    assert_eq!(sum(&|row| row.roll_up == "physical-ill-health"), 10);
    assert_eq!(sum(&|row| row.roll_up == "mental-ill-health"), 5);
    assert_eq!(sum(&|row| row.roll_up == "social-isolation"), 6);
    assert_eq!(sum(&|_| true), 21);
    let is_bame = |id: &String| {
        let category = communities().get(id).and_then(|term| term.roll_up.get(STUDY));
        category.is_some_and(|category| category == "bame")
    };
    assert_eq!(sum(&|row| row.communities.iter().any(is_bame)), 4);
    assert_eq!(table1().study, STUDY);
}

#[test]
fn every_exclusion_reason_of_the_users_list_is_here() {
    // As the users' list writes them; each must also be found in that spelling.
    let codes = "not_shared_experience, not_primarily_mutual_support, professionally_managed, \
        constrained_by_funder_or_statutory, prescribed_programme_12_step, prescribed_programme_other, \
        attendance_required, individual_self_help, one_to_one_peer_support, professional_supervision, \
        not_third_sector, out_of_domain, out_of_area, closed, duplicate, unverifiable, opted_out_of_research, \
        boundary_case_excluded";
    let ids: Vec<String> = codes.split(", ").map(|code| code.replace('_', "-")).collect();
    assert_eq!(ids, exclusion_reasons().terms.iter().map(|t| t.id.clone()).collect::<Vec<_>>());
    for code in codes.split(", ").chain(["managed_by_professionals", "prescribed_programme", "boundary_case"]) {
        assert!(exclusion_reasons().find(code).is_some(), "{code}");
    }
}

#[test]
fn safety_levels_run_from_open_to_sealed() {
    let order: Vec<_> = safety_levels().terms.iter().map(|t| t.id.as_str()).collect();
    assert_eq!(order, ["open", "approximate", "contact-first", "unlisted", "sealed"]);
}

#[test]
fn all_names_of_a_group_are_one_word() {
    assert_eq!(labels()[0], "self-help/mutual aid");
    let names = [
        "Self-help group",
        "mutual aid group",
        "peer support group",
        "user group",
        "support group",
        "Carers\u{2019} group",
    ];
    for name in names {
        assert_eq!(group_labels().find(name), Some("self-help-mutual-aid"), "{name}");
    }
}

#[test]
fn the_digest_depends_on_every_file_and_not_on_their_order() {
    assert_eq!(digest(), digest_of(FILES));
    let reversed: Vec<_> = FILES.iter().rev().copied().collect();
    assert_eq!(digest(), digest_of(&reversed));
    for at in 0..FILES.len() {
        let mut files = FILES.to_vec();
        let longer = format!("{} ", files[at].1);
        files[at].1 = &longer;
        assert_ne!(digest(), digest_of(&files), "{}", FILES[at].0);
    }
    // What `sha256sum` says: of two small files in the order of their names.
    let small = digest_of(&[("b", "2"), ("a", "1")]);
    assert_eq!(small, "bf6b55a3b7da3b1e15912afd12085674171c5dd69066647018a397ce39477458");
}
