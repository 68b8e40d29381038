//! Files that people or other hubs' people hand over: settings, policy, models, vocabularies, labels, schedules.

use crate::{Target, seeds, twice};
use mutuald::config::Config;
use mutuald::exchange::recurrence::Rule;
use mutuald::node::review::labels;
use mutuald::peer::schedule::Schedule;
use mutuald::record::vocabulary::Vocabulary;
use mutuald::registry::linkage::Model;
use mutuald::registry::policy::Policy;

pub const TARGETS: &[Target] = &[
    Target { name: "config", run: config, seeds: || vec![seeds::file("config/hub.example.toml")] },
    Target { name: "policy", run: policy, seeds: || vec![Policy::default_text().into(), rich_policy()] },
    Target { name: "linkage-model", run: model, seeds: || vec![seeds::file("schema/linkage-1.json")] },
    Target { name: "vocabulary", run: vocabulary, seeds: || vec![seeds::file("schema/vocabulary/roles.json")] },
    Target { name: "labels", run: labels_, seeds: label_files },
    Target { name: "schedule", run: schedule, seeds: schedules },
    Target { name: "recurrence", run: recurrence, seeds: recurrences },
];

fn text(data: &[u8], run: impl FnOnce(&str)) {
    if let Ok(text) = std::str::from_utf8(data) {
        run(text);
    }
}

fn config(data: &[u8]) {
    text(data, |text| {
        let met = twice(|| Config::parse(text, "hub.toml"));
        if let Ok(config) = met {
            twice(|| config.check());
            twice(|| config.time_zone().is_ok());
        }
    });
}

fn rich_policy() -> Vec<u8> {
    b"version = 1\n[decisions]\nmin_rank = 2\n[hubs.h-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]\nrank = 3\nareas = [\"E06000018\"]\n".into()
}

fn policy(data: &[u8]) {
    let model = Model::shipped();
    text(data, |text| {
        if let Ok(policy) = twice(|| Policy::parse(text, "v", model.clone())) {
            assert_eq!(policy.hash().len(), 64);
        }
    });
}

fn model(data: &[u8]) {
    text(data, |text| {
        if let Ok(model) = Model::read(text) {
            assert_eq!(Model::read(text).expect("read before").hash(), model.hash());
        }
    });
}

fn vocabulary(data: &[u8]) {
    text(data, |text| {
        let Ok(vocabulary) = Vocabulary::read(text) else { return };
        // Every label leads to its term, and no term is its own ancestor.
        let file: serde_json::Value = serde_json::from_str(text).expect("a vocabulary is JSON");
        for term in file["terms"].as_array().into_iter().flatten() {
            let id = term["id"].as_str().expect("a term has an id");
            assert_eq!(vocabulary.find(term["label"].as_str().expect("and a label")), Some(id));
            assert!(!vocabulary.ancestors(id).contains(&id));
        }
    });
}

fn label_files() -> Vec<Vec<u8>> {
    let end = "h-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/3a9afa8c-9841-4d2f-8e7a-e061aed1ef68";
    let other = "h-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/7b9afa8c-9841-4d2f-8e7a-e061aed1ef68";
    vec![format!("a,b,judgement,score\n{end},{other},same,3\n{other},{end},Branch of,\n\n").into_bytes()]
}

fn labels_(data: &[u8]) {
    if let Ok(labels) = twice(|| labels::read(data)) {
        assert!(labels.len() <= data.len());
    }
}

fn schedules() -> Vec<Vec<u8>> {
    ["*/15 * * * *", "0 3 * * 1-5", "7 4 29 2 *", "every 4h", "30 1 1,15 jan-mar sun"].map(|text| text.into()).to_vec()
}

/// What is accepted occurs, and always later than what it is asked after.
fn schedule(data: &[u8]) {
    text(data, |text| {
        let Ok(schedule) = Schedule::parse(text) else { return };
        let Ok(zone) = jiff::tz::TimeZone::get("Europe/London") else { return };
        let mut now = "2026-03-28T23:30:00Z".parse().expect("a time");
        for _ in 0..5 {
            let next = schedule.next_after(now, &zone).expect("it occurs before 2100");
            assert!(next > now);
            now = next;
        }
    });
}


fn recurrences() -> Vec<Vec<u8>> {
    ["FREQ=MONTHLY;BYDAY=2TU,-1FR", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", "first and third Monday of the month", "every other Friday"]
        .map(|text| text.into())
        .to_vec()
}

fn recurrence(data: &[u8]) {
    text(data, |text| {
        for rule in [twice(|| Rule::parse(text)), twice(|| Rule::from_words(text))].into_iter().flatten() {
            let words = twice(|| rule.words());
            assert!(words.len() <= 64 * text.len() + 256);
            rule.by_day();
            rule.by_month_day();
        }
    });
}
