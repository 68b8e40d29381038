//! The lists that are linked for figures, read into group records as an import would.

use mutuald::record::Group;
use mutuald::record::vocabulary;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// One row.
pub struct Listed {
    /// What it says.
    pub group: Group,
    /// Number of its list.
    pub list: usize,
    /// The group it truly is, where that is known.
    pub truth: String,
}

/// Where the lists are: `data` in `MUTUALD_SHARED`, or in `../shared` beside the package.
pub fn folder() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    std::env::var_os("MUTUALD_SHARED").map_or_else(beside, PathBuf::from).join("data")
}

fn rows(path: &Path) -> Vec<std::collections::BTreeMap<String, String>> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_path(path).expect("a readable list");
    reader.deserialize().map(|row| row.expect("a row")).collect()
}

fn some(text: &str) -> Value {
    let text = text.trim();
    if text.is_empty() { Value::Null } else { text.into() }
}

fn group(value: Value) -> Group {
    // Absent rather than null: a record says what it knows.
    fn bare(value: Value) -> Value {
        match value {
            Value::Object(map) => map.into_iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k, bare(v))).collect(),
            other => other,
        }
    }
    serde_json::from_value(bare(value)).expect("a group")
}

fn number(list: &str, known: &mut Vec<String>) -> usize {
    known.iter().position(|other| other == list).unwrap_or_else(|| {
        known.push(list.to_owned());
        known.len() - 1
    })
}

/// The invented UK groups.
pub fn uk_groups(path: &Path) -> Vec<Listed> {
    let mut hubs = Vec::new();
    rows(path)
        .iter()
        .map(|row| {
            let topic = vocabulary::topics().find(&row["focus"]).map_or_else(|| row["focus"].clone(), str::to_owned);
            let json = json!({
                "name": row["name"],
                "topics": [topic],
                "place": {
                    "address": some(&row["address"]), "locality": some(&row["town"]), "postcode": some(&row["postcode"]),
                    "latitude": row["lat"].parse::<f64>().ok(), "longitude": row["lon"].parse::<f64>().ok(),
                },
                "meetings": if row["day"].is_empty() { json!([]) } else { json!([{"text": row["day"]}]) },
                "contact": {"phone": some(&row["phone"]), "email": some(&row["email"]), "url": some(&row["url"])},
            });
            Listed { group: group(json), list: number(&row["hub"], &mut hubs), truth: row["cluster"].clone() }
        })
        .collect()
}

/// Fodor's and Zagat's restaurants.
pub fn restaurants(folder: &Path) -> Vec<Listed> {
    let same: std::collections::BTreeMap<String, String> = rows(&folder.join("matches_fodors_zagats.csv"))
        .iter()
        .map(|row| (row["zagats_id"].clone(), row["fodors_id"].clone()))
        .collect();
    let mut listed = Vec::new();
    for (list, file) in ["fodors.csv", "zagats.csv"].iter().enumerate() {
        for row in rows(&folder.join(file)) {
            let json = json!({
                "name": row["name"],
                "place": {"address": some(&row["addr"]), "locality": some(&row["city"])},
                "contact": {"phone": american(&row["phone"])},
            });
            let id = &row["id"];
            let truth = if list == 0 { id.clone() } else { same.get(id).cloned().unwrap_or_else(|| format!("z{id}")) };
            listed.push(Listed { group: group(json), list, truth });
        }
    }
    listed
}

fn american(phone: &str) -> Value {
    let digits: String = phone.chars().filter(char::is_ascii_digit).take(10).collect();
    match digits.len() {
        7 => format!("+1 312 {digits}").into(),
        10 => format!("+1 {digits}").into(),
        _ => Value::Null,
    }
}

/// Early-childhood services in Chicago.
pub fn early_childhood(path: &Path) -> Vec<Listed> {
    let mut lists = Vec::new();
    rows(path)
        .iter()
        .map(|row| {
            let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            let address = flat(&row["Address"]);
            // "27 Washington Oak Park IL 60302": the post code at the end, the town before the state.
            let last = address.split(' ').next_back().unwrap_or_default();
            let zip = if row["Zip"].trim().is_empty() && last.len() >= 5 && last.bytes().all(|b| b.is_ascii_digit()) {
                last.to_owned()
            } else {
                row["Zip"].split(['-', '.']).next().unwrap_or_default().to_owned()
            };
            let site = if row["Site name"].trim().is_empty() { &row["Program Name"] } else { &row["Site name"] };
            let name = if site.trim().is_empty() { "unnamed".into() } else { flat(site) };
            let json = json!({
                "name": name.chars().take(290).collect::<String>(),
                "place": {"address": some(&address), "postcode": some(&zip)},
                "contact": {
                    "phone": american(&row["Phone"]), "url": some(&row["Website"]), "email": some(&row["Email Address"]),
                },
            });
            Listed { group: group(json), list: number(&row["Source"], &mut lists), truth: row["True Id"].clone() }
        })
        .collect()
}

/// UK mutual-aid groups of 2020.
pub fn mutual_aid(path: &Path) -> Vec<Listed> {
    let mut lists = Vec::new();
    rows(path)
        .iter()
        .filter(|row| !row["name"].trim().is_empty())
        .map(|row| {
            let json = json!({
                "name": row["name"].chars().take(140).collect::<String>(),
                "place": {
                    "locality": some(&row["location_name"]),
                    "latitude": row["lat"].parse::<f64>().ok(), "longitude": row["lng"].parse::<f64>().ok(),
                },
                "contact": {"url": some(&row["url"])},
            });
            Listed { group: group(json), list: number(&row["list"], &mut lists), truth: String::new() }
        })
        .collect()
}

/// Branches of federations, made as hard as lists make them: every branch gives the body's site, switchboard and topic. `placed`:
/// the words by which its name goes beyond the body's are also its town; otherwise its place is in its name only.
pub fn branches(path: &Path, placed: bool) -> Vec<Listed> {
    let mut bodies = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    rows(path)
        .iter()
        .filter(|row| row["relationship"] == "parent" && !row["org_name_a"].trim().is_empty())
        // One branch stands there more than once, under the numbers of several registers.
        .filter(|row| seen.insert(mutuald::registry::normal::words(&row["org_name_a"])))
        .map(|row| {
            let body = number(&row["org_id_a"], &mut bodies);
            let own = mutuald::registry::normal::tokens(&row["org_name_b"]);
            let words = mutuald::registry::normal::tokens(&row["org_name_a"]);
            let town: Vec<String> = words.into_iter().filter(|word| !own.contains(word)).take(3).collect();
            let json = json!({
                "name": row["org_name_a"].trim().chars().take(140).collect::<String>(),
                "affiliation": {"kind": "affiliated", "to": row["org_name_b"]},
                "topics": [format!("body {body}")],
                "place": {"locality": if placed { some(&town.join(" ")) } else { Value::Null }},
                "contact": {"url": format!("https://body{body}.org.uk"), "phone": format!("0300 {:07}", 1_234_567 + body)},
            });
            Listed { group: group(json), list: body, truth: row["org_id_b"].clone() }
        })
        .collect()
}
