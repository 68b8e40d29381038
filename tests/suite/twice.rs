//! The same group twice (PEERS section 3, pain 2): from two hubs, and in the real list of mutual-aid groups of 2020, in which
//! 381 rows repeat an address that stands there already, most of them in another writing.

use crate::support::command::Desk;
use mutuald::record::{Group, HubId, RecordRef};
use mutuald::registry::linkage::cluster::from_scratch;
use mutuald::registry::linkage::level::Name;
use mutuald::registry::linkage::{Features, Model, Row, read};
use mutuald::registry::normal_contact;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// A hub that lists groups: name, topic, town, postcode, page.
fn hub(name: &str, groups: &[[&str; 5]]) -> Desk {
    let desk = Desk::new(name);
    let headings = ["Group name", "Topics", "Town or village", "Postcode", "Website"];
    let rows: Vec<Vec<(&str, &str)>> = groups.iter().map(|group| headings.into_iter().zip(*group).collect()).collect();
    desk.fill("groups.csv", &rows.iter().map(Vec::as_slice).collect::<Vec<_>>());
    desk.run(&["import", "groups.csv", "--commit"]).ended(0);
    desk
}

#[test]
fn one_group_that_two_hubs_list_under_two_writings_of_its_page_is_one_or_asked_about() {
    let essex = hub(
        "Essex Hub",
        &[
            ["Perry Vale Carers Circle", "Carers", "Harlow", "CM20 1AA", "https://www.facebook.com/groups/1530421/"],
            [
                "Newhall Neighbours",
                "Loneliness",
                "Harlow",
                "CM17 9AA",
                "https://newhall.example.org/help?utm_source=leaflet",
            ],
            [
                "Great Baddow Helpers",
                "Carers",
                "Chelmsford",
                "CM2 7AA",
                "https://www.facebook.com/search/top/?q=helpers",
            ],
        ],
    );
    let national = hub(
        "National Hub",
        &[
            ["Perry Vale carers' circle", "Carers", "Harlow", "CM20 1AA", "m.facebook.com/groups/1530421?ref=share"],
            ["Help in Church Langley", "Carers", "Harlow", "CM17 9TG", "http://newhall.example.org/help/"],
            [
                "Writtle Shopping Angels",
                "Carers",
                "Chelmsford",
                "CM1 3AA",
                "https://m.facebook.com/search/top/?q=angels",
            ],
        ],
    );
    let served = national.serve();
    essex.run(&["partner", "add", &served.url, "--hub", &national.id]).ended(0);
    essex.run(&["partner", "pull", "--all"]).ended(0);
    let status = essex.run(&["status", "--json"]).json(0);
    let open = essex.run(&["review", "list", "--all", "--json"]).out;
    assert_eq!((&status["records"], &status["groups"], &status["shared"]), (&json!(6), &json!(5), &json!(1)), "{open}");
    // One page, two names: a person is asked. A search on a platform is nobody's page, and asks nobody.
    let open: Value = serde_json::from_str(&open).unwrap();
    assert_eq!(open["open"], json!(1), "{open:#}");
    let text = open.to_string();
    assert!(text.contains("Newhall Neighbours") && text.contains("Help in Church Langley"), "{open:#}");
}

/// A row of the real list.
struct Listed {
    group: Group,
    list: u8,
    url: String,
}

fn listed(text: &str) -> Vec<Listed> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows = reader.deserialize::<BTreeMap<String, String>>().map(Result::unwrap);
    let said = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    rows.filter(|row| !row["name"].trim().is_empty())
        .map(|row| {
            let mut group = Group { name: row["name"].chars().take(140).collect(), ..Group::default() };
            let place = group.place.get_or_insert_default();
            place.locality = said(&row["location_name"]);
            (place.latitude, place.longitude) = (row["lat"].parse().ok(), row["lng"].parse().ok());
            group.contact.get_or_insert_default().url = said(&row["url"]);
            Listed { group, list: u8::from(row["list"] == "mutualaidwiki"), url: row["url"].clone() }
        })
        .collect()
}

/// An address as 381 are counted: small letters, without scheme, `www.` or `m.`, query and fragment.
fn bare(url: &str) -> Option<String> {
    let lower = url.trim().to_lowercase();
    let rest = lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://")).unwrap_or(&lower);
    let rest = rest.strip_prefix("www.").or_else(|| rest.strip_prefix("m.")).unwrap_or(rest);
    let bare = rest.split(['#', '?']).next().unwrap_or_default().trim_end_matches('/');
    bare.contains('.').then(|| bare.to_owned())
}

/// All 381, by what becomes of each. An address that is nobody's (a platform's front page, a search, a redirector) says nothing of
/// two groups: about those nobody is asked. Whoever changes the linker sees here what it does to them.
#[test]
fn every_repeated_address_of_a_real_list_is_joined_asked_about_or_nobodys() {
    let Some(text) = crate::mutual_aid::fourth() else { return };
    let model = Model::shipped();
    let listed = listed(&text);
    let (features, keys): (Vec<Features>, Vec<Vec<u64>>) = listed.iter().map(|row| read(&row.group, &model)).unzip();
    let record = |list: u8, n: u128| RecordRef { hub: HubId([list; 20]), rec: Uuid::from_u128(n) };
    let rows: Vec<Row> = (0..listed.len())
        .map(|i| Row {
            record: record(listed[i].list, i as u128),
            list: Some(record(listed[i].list, u128::MAX)),
            duplicates: true,
            features: &features[i],
        })
        .collect();
    let (clusters, judged) = from_scratch(&rows, &keys, &[], &model);
    let mut group = vec![0; rows.len()];
    for (n, cluster) in clusters.groups.iter().enumerate() {
        cluster.members.iter().for_each(|member| group[member.rec.as_u128() as usize] = n);
    }
    let pair = |a: usize, b: usize| (group[a].min(group[b]), group[a].max(group[b]));
    let questions: BTreeSet<(usize, usize)> = judged.iter().map(|(a, b, _)| pair(*a, *b)).collect();

    let ours = |row: usize| normal_contact::web(&listed[row].url).map(|web| web.text);
    let denied = |text: &str| {
        let deny = &model.file.common.deny;
        deny.contains(text) || deny.contains(text.split(['/', '?']).next().unwrap_or_default())
    };
    let mut by_bare: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (row, text) in listed.iter().enumerate().filter_map(|(row, one)| Some((row, bare(&one.url)?))) {
        by_bare.entry(text).or_default().push(row);
    }
    let mut came_to: BTreeMap<&str, usize> = BTreeMap::new();
    for rows in by_bare.values() {
        for (n, row) in rows.iter().enumerate().skip(1) {
            let earlier = &rows[..n];
            let what = if earlier.iter().any(|other| group[*row] == group[*other]) {
                "joined"
            } else if earlier.iter().any(|other| questions.contains(&pair(*row, *other))) {
                "asked about"
            } else {
                match ours(*row) {
                    None => "nobody's address",
                    Some(own) if denied(&own) => "on the deny list",
                    Some(own) if earlier.iter().all(|other| ours(*other).as_ref() != Some(&own)) => "another page",
                    Some(_) => panic!("one address, and neither joined nor asked about: {}", listed[*row].url),
                }
            };
            *came_to.entry(what).or_default() += 1;
        }
    }
    assert_eq!(came_to.values().sum::<usize>(), 381);
    let expected =
        [("another page", 17), ("asked about", 230), ("joined", 99), ("nobody's address", 33), ("on the deny list", 2)];
    assert_eq!(came_to, BTreeMap::from(expected));

    // None is joined for its address alone: names of any two that were joined have at least half in common.
    for cluster in clusters.groups.iter().filter(|cluster| cluster.members.len() > 1) {
        let places: Vec<usize> = cluster.members.iter().map(|member| member.rec.as_u128() as usize).collect();
        for (n, a) in places.iter().enumerate() {
            for b in &places[n + 1..] {
                let levels = rows[*a].judge(&rows[*b], &model).levels;
                assert!(levels.name < Name::Little || levels.name == Name::Empty, "{levels:?}");
            }
        }
    }
}
