//! `cargo run --release --example linkage -- fit FILE` fits the linkage model that is shipped;
//! `… -- figures` prints how well linking does, on lists that are not part of the package (`lists::folder` says where);
//! `… -- rows FILE N` writes the N rows on which speed is measured, for `with_splink` beside this file;
//! `… -- part …` runs a part of `cargo bench`;
//! `… -- wrong FILE N` shows N pairs of an invented list that were judged wrongly.

#![expect(clippy::print_stdout, reason = "figures are what this prints")]

mod figures;
#[path = "../hub.rs"]
mod hub;
mod lists;

use lists::{Listed, folder, uk_groups};
use mutuald::registry::linkage::fit::{Hold, Label, fit, rising, word_weights};
use mutuald::registry::linkage::model::{File, Fitted, SHIPPED};
use mutuald::registry::linkage::{Model, cluster};
use mutuald::registry::normal;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["fit", out] => ship(out),
        ["figures"] => figures::all(&Model::shipped()),
        ["figures", only] => figures::one(&Model::shipped(), only),
        // A part of `cargo bench`: `publish FOLDER N`, then `add FOLDER N COUNT`.
        ["part", ..] => hub::runtime(async { hub::part(&arguments[1..]).await }),
        ["rows", file, count] => figures::rows(std::path::Path::new(file), count.parse().expect("a number")),
        ["wrong", file, count] => {
            figures::wrong(&Model::shipped(), &folder().join(file), count.parse().expect("a number"))
        }
        _ => println!("linkage fit FILE | linkage figures [part] | linkage rows FILE N | linkage wrong FILE N"),
    }
}

/// Fits the shipped model on the list it may see.
fn ship(out: &str) {
    let listed = uk_groups(&folder().join("uk-groups-invented/ukgroups_20k_dev.csv"));
    let mut base: File = serde_json::from_str(SHIPPED).expect("the model as it is");
    let model = Model::publish(base.clone()).expect("a model").0;
    // Words of names without their own town's: how rare a town's name is says nothing of how telling it is.
    let names: Vec<Vec<String>> = listed
        .iter()
        .map(|listed| {
            let place = listed.group.place.clone().unwrap_or_default();
            let town = normal::locality(place.locality.as_deref().unwrap_or_default()).all;
            model.words(&listed.group.name).into_iter().filter(|word| !town.contains(word)).collect()
        })
        .collect();
    let (mut weights, _) = word_weights(&names, 8);
    // Words of groups that the list does not have, of the years when help was mutual aid.
    for word in [
        "covid",
        "mutual",
        "aid",
        "neighbour",
        "neighbourhood",
        "volunteer",
        "community",
        "helper",
        "response",
        "village",
        "parish",
        "council",
        "action",
        "local",
        "area",
        "street",
        "isolation",
        "corona",
        "virus",
        "coronavirus",
        "together",
    ] {
        let weight = weights.entry(word.into()).or_insert(300);
        *weight = (*weight).min(300);
    }
    base.words.weights = weights;
    let model = Model::publish(base.clone()).expect("a model").0;
    let (labels, _) = labels(&listed, &model);
    let same = labels.iter().filter(|label| label.same).count();
    println!("{} labelled pairs, {same} of them one group", labels.len());
    let fitted = Fitted {
        lists: vec!["UK groups, invented, 20,000 rows (ukgroups_20k_dev.csv): weights of answers and of words".into()],
        pairs: labels.len() as u32,
        same: same as u32,
        by: "cargo run --release --example linkage -- fit schema/linkage-1.json".into(),
    };
    let file = fit(&labels, &base, Hold { one: 0.1, two: 1.0, prior: false }, fitted).expect("a model");
    let (model, text) = Model::publish(file).expect("a model");
    println!("rising: {:?}", rising(&model));
    std::fs::write(out, text).expect("written");
    println!("{out} {}", model.hash());
}

/// Labels of all pairs that share a key.
fn labels(listed: &[Listed], model: &Model) -> (Vec<Label>, Vec<(usize, usize)>) {
    let kept = figures::Kept::read(listed, model, true);
    let rows = kept.rows();
    let pairs = cluster::pairs(&kept.keys, model.cuts().sharing as usize);
    let labels = pairs
        .iter()
        .map(|(a, b)| Label {
            places: rows[*a].judge(&rows[*b], model).levels.places(),
            same: listed[*a].truth == listed[*b].truth,
        })
        .collect();
    (labels, pairs)
}
