//! The figures.

use crate::lists::{self, Listed, folder};
use mutuald::record::{HubId, RecordRef};
use mutuald::registry::linkage::cluster::{Row, from_scratch, pairs};
use mutuald::registry::linkage::evaluate::{Share, Tally};
use mutuald::registry::linkage::fit::{Label, fit_best};
use mutuald::registry::linkage::model::Fitted;
use mutuald::registry::linkage::{Features, Model, Outcome, read, why};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Instant;
use uuid::Uuid;

/// Rows with what is compared of them.
pub struct Kept {
    features: Vec<Features>,
    /// Keys of each row.
    pub keys: Vec<Vec<u64>>,
    lists: Vec<usize>,
    duplicates: bool,
}

impl Kept {
    /// Reads rows. `duplicates`: their lists may name a group twice.
    pub fn read(listed: &[Listed], model: &Model, duplicates: bool) -> Kept {
        // On all cores, as the daemon reads.
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let (features, keys) = std::thread::scope(|scope| {
            let workers: Vec<_> = listed
                .chunks(listed.len().div_ceil(cores).max(1))
                .map(|rows| scope.spawn(|| rows.iter().map(|row| read(&row.group, model)).collect::<Vec<_>>()))
                .collect();
            workers.into_iter().flat_map(|worker| worker.join().expect("a reader")).unzip()
        });
        Kept { features, keys, lists: listed.iter().map(|listed| listed.list).collect(), duplicates }
    }

    /// The rows, to be clustered.
    pub fn rows(&self) -> Vec<Row<'_>> {
        let record = |list: usize, n: u128| RecordRef { hub: HubId([list as u8; 20]), rec: Uuid::from_u128(n) };
        self.features
            .iter()
            .enumerate()
            .map(|(i, features)| Row {
                record: record(self.lists[i], i as u128),
                list: Some(record(self.lists[i], u128::MAX)),
                duplicates: self.duplicates,
                features,
            })
            .collect()
    }
}

/// What came of a list.
pub struct Found {
    /// Group of each row.
    group: Vec<usize>,
    /// Pairs of groups about which people are asked.
    questions: BTreeSet<(usize, usize)>,
    /// Pairs that share a key.
    candidates: usize,
    seconds: f64,
}

/// Links rows.
pub fn link(listed: &[Listed], model: &Model, duplicates: bool) -> Found {
    let start = Instant::now();
    let kept = Kept::read(listed, model, duplicates);
    let rows = kept.rows();
    let (clusters, judged) = from_scratch(&rows, &kept.keys, &[], model);
    let seconds = start.elapsed().as_secs_f64();
    let place: BTreeMap<RecordRef, usize> = rows.iter().enumerate().map(|(i, row)| (row.record, i)).collect();
    let mut group = vec![0; rows.len()];
    for (n, cluster) in clusters.groups.iter().enumerate() {
        cluster.members.iter().for_each(|member| group[place[member]] = n);
    }
    let asked = judged.iter().map(|(a, b, _)| (group[*a], group[*b])).filter(|(a, b)| a != b);
    let questions = asked.map(|(a, b)| (a.min(b), a.max(b))).collect();
    let candidates = pairs(&kept.keys, model.cuts().sharing as usize).len();
    Found { group, questions, candidates, seconds }
}

/// All pairs of rows that are truly one group.
fn true_pairs(listed: &[Listed]) -> Vec<(usize, usize)> {
    let mut members: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    listed.iter().enumerate().for_each(|(i, listed)| members.entry(&listed.truth).or_default().push(i));
    let pairs = |m: &Vec<usize>| -> Vec<(usize, usize)> {
        m.iter().enumerate().flat_map(|(n, a)| m[n + 1..].iter().map(|b| (*a, *b))).collect()
    };
    members.values().flat_map(pairs).collect()
}

/// Pairs within a group, counted against the truth; and true pairs that are joined or asked about. Pairs in `without` are left out.
fn measure(listed: &[Listed], found: &Found, without: &BTreeSet<(usize, usize)>) -> (Tally, Share) {
    let mut tally = Tally::default();
    let mut reached = Share { hits: 0, of: 0 };
    for (a, b) in true_pairs(listed).into_iter().filter(|pair| !without.contains(pair)) {
        let (x, y) = (found.group[a], found.group[b]);
        tally.count(x == y, true);
        reached.of += 1;
        reached.hits += u64::from(x == y || found.questions.contains(&(x.min(y), x.max(y))));
    }
    for (a, b) in within(&found.group).into_iter().filter(|pair| !without.contains(pair)) {
        if listed[a].truth != listed[b].truth {
            tally.count(true, false);
        }
    }
    (tally, reached)
}

/// All pairs of rows that are in one group.
fn within(group: &[usize]) -> Vec<(usize, usize)> {
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    group.iter().enumerate().for_each(|(i, group)| members.entry(*group).or_default().push(i));
    let pairs = |m: &Vec<usize>| -> Vec<(usize, usize)> {
        m.iter().enumerate().flat_map(|(n, a)| m[n + 1..].iter().map(|b| (*a, *b))).collect()
    };
    members.values().flat_map(pairs).collect()
}

/// All figures.
pub fn all(model: &Model) {
    println!("model {} {}: {}", model.file.title, model.file.version, model.hash());
    for name in ["invented", "benchmarks", "mutual-aid", "branches", "speed"] {
        one(model, name);
    }
}

/// The figures of one part.
pub fn one(model: &Model, name: &str) {
    match name {
        "invented" => invented(model),
        "benchmarks" => benchmarks(model),
        "mutual-aid" => mutual_aid(model),
        "branches" => branches(model),
        "speed" => speed(model),
        _ => println!("invented | benchmarks | mutual-aid | branches | speed"),
    }
}

fn report(title: &str, listed: &[Listed], found: &Found, without: &BTreeSet<(usize, usize)>) {
    let (tally, reached) = measure(listed, found, without);
    let questions = found.questions.len() as f64 / listed.len() as f64;
    println!("{title}: {} rows, {} candidate pairs, {:.2} s", listed.len(), found.candidates, found.seconds);
    println!("  joined          precision {}", tally.precision());
    println!("                  recall    {}   F1 {:.4}", tally.recall(), tally.f1());
    println!("  joined or asked recall    {}   questions per record {questions:.3}", reached);
}

fn invented(model: &Model) {
    let none = BTreeSet::new();
    let listed = lists::uk_groups(&folder().join("uk-groups-invented/ukgroups_20k_dev.csv"));
    println!(
        "UK groups, invented, the list it is fitted on, by cut of joining (precision, recall, questions per record):"
    );
    for (cut, twice) in [150, 200, 250, 300, 350, 400].into_iter().flat_map(|cut| [(cut, false), (cut, true)]) {
        let mut file = model.file.clone();
        file.cuts.join = cut;
        let model = Model::publish(file).expect("a model").0;
        let found = link(&listed, &model, twice);
        let (tally, _) = measure(&listed, &found, &none);
        let (p, r) = (tally.precision().value(), tally.recall().value());
        println!(
            "  {cut} {} {p:.4} {r:.4} {:.3}",
            if twice { "may name a group twice" } else { "name each group once  " },
            found.questions.len() as f64 / listed.len() as f64
        );
    }
    for (file, note) in [("ukgroups_5k_dev.csv", "not fitted on"), ("ukgroups_20k_dev.csv", "fitted on")] {
        let listed = lists::uk_groups(&folder().join("uk-groups-invented").join(file));
        let kept = Kept::read(&listed, model, true);
        let shared = pairs(&kept.keys, model.cuts().sharing as usize).into_iter().collect::<BTreeSet<_>>();
        let truth = true_pairs(&listed);
        let found = truth.iter().filter(|pair| shared.contains(pair)).count() as u64;
        println!(
            "UK groups, invented, {file} ({note}): blocking recall {}",
            Share { hits: found, of: truth.len() as u64 }
        );
        report("  lists that may name a group twice", &listed, &link(&listed, model, true), &none);
        report("  lists that name each group once", &listed, &link(&listed, model, false), &none);
    }
}

fn benchmarks(model: &Model) {
    let none = BTreeSet::new();
    let base = folder().join("linkage-benchmarks");
    let sets = [
        ("Fodor's and Zagat's", lists::restaurants(&base), false),
        ("Early childhood", lists::early_childhood(&base.join("early-childhood-chicago.csv")), true),
    ];
    for (title, listed, duplicates) in sets {
        report(&format!("{title}, shipped model"), &listed, &link(&listed, model, duplicates), &none);
        let kept = Kept::read(&listed, model, duplicates);
        let rows = kept.rows();
        let all = pairs(&kept.keys, model.cuts().sharing as usize);
        let truth: BTreeSet<(usize, usize)> = true_pairs(&listed).into_iter().collect();
        let there = truth.iter().filter(|pair| all.binary_search(pair).is_ok()).count() as u64;
        println!("  blocking recall {}", Share { hits: there, of: truth.len() as u64 });
        println!(
            "  fitted on 300 labels, on the rest, for five draws (pairs at even odds; joined at even odds, gate and clusters kept):"
        );
        for draw in 1..=5 {
            let chosen = labelled(&all, draw, |a, b| rows[a].judge(&rows[b], model).score);
            let labels: Vec<Label> = chosen
                .iter()
                .map(|(a, b)| Label {
                    places: rows[*a].judge(&rows[*b], model).levels.places(),
                    same: truth.contains(&(*a, *b)),
                })
                .collect();
            let same = labels.iter().filter(|label| label.same).count();
            let fitted = Fitted {
                lists: vec![title.into()],
                pairs: labels.len() as u32,
                same: same as u32,
                by: "figures".into(),
            };
            let (mut file, hold) = fit_best(&labels, &model.file, fitted).expect("a model");
            file.cuts.join = 0;
            let own = Model::publish(file).expect("a model").0;
            let mut edges = Tally::default();
            for pair in all.iter().filter(|pair| !chosen.contains(pair)) {
                edges.count(rows[pair.0].judge(&rows[pair.1], &own).score >= 0, truth.contains(pair));
            }
            edges.missed += truth.iter().filter(|pair| all.binary_search(pair).is_err()).count() as u64;
            let (joined, reached) = measure(&listed, &link(&listed, &own, duplicates), &chosen);
            println!(
                "    {same} of 300 one group, {} {}: pairs P {:.4} R {:.4} F1 {:.4}; joined P {:.4} R {:.4} F1 {:.4}; joined or asked R {:.4}",
                hold.one,
                if hold.prior { "near the shipped model" } else { "from nothing" },
                edges.precision().value(),
                edges.recall().value(),
                edges.f1(),
                joined.precision().value(),
                joined.recall().value(),
                joined.f1(),
                reached.value()
            );
        }
    }
}

/// 300 pairs to label, half as review asks for them (as many as can be had at each height of the shipped model's score), half at
/// random: both in the order of a hash, which is chance that stays the same.
fn labelled(all: &[(usize, usize)], draw: u64, score: impl Fn(usize, usize) -> i32) -> BTreeSet<(usize, usize)> {
    let chance = |(a, b): &(usize, usize)| {
        let mixed = (*a as u64 * 1_000_003 + *b as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23) ^ draw;
        mixed.wrapping_mul(0x2545_f491_4f6c_dd1d).rotate_left(31).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    };
    let mut drawn = all.to_vec();
    drawn.sort_by_key(chance);
    let mut bands: BTreeMap<i32, Vec<(usize, usize)>> = BTreeMap::new();
    for (a, b) in &drawn {
        bands.entry((score(*a, *b) / 100).clamp(-12, 8)).or_default().push((*a, *b));
    }
    let mut chosen: BTreeSet<(usize, usize)> = BTreeSet::new();
    for round in 0..150 {
        for pair in bands.values().filter_map(|band| band.get(round)) {
            if chosen.len() < 150 {
                chosen.insert(*pair);
            }
        }
    }
    for pair in drawn {
        if chosen.len() < 300 {
            chosen.insert(pair);
        }
    }
    chosen
}

fn mutual_aid(model: &Model) {
    let listed = lists::mutual_aid(&folder().join("uk-mutual-aid/groups-4_2020-05-19_dev.csv"));
    let found = link(&listed, model, true);
    let mut by_url: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (i, row) in listed.iter().enumerate() {
        let url = row.group.contact.as_ref().and_then(|gate| gate.url.as_deref());
        if let Some(web) = url.and_then(mutuald::registry::normal_contact::web) {
            by_url.entry(web.text).or_default().push(i);
        }
    }
    let (mut duplicates, mut joined, mut asked) = (0, 0, 0);
    let mut missed = Vec::new();
    for (url, rows) in by_url.iter().filter(|(_, rows)| rows.len() > 1) {
        // A row is a duplicate when an earlier one has its address; it is met when it is joined to or asked about with any.
        for (n, row) in rows.iter().enumerate().skip(1) {
            duplicates += 1;
            let earlier = &rows[..n];
            let met = |other: &usize| {
                let (x, y) = (found.group[*row], found.group[*other]);
                found.questions.contains(&(x.min(y), x.max(y)))
            };
            if earlier.iter().any(|other| found.group[*other] == found.group[*row]) {
                joined += 1;
            } else if earlier.iter().any(met) {
                asked += 1;
            } else {
                missed.push((url.clone(), *row, rows[0]));
            }
        }
    }
    println!(
        "UK mutual aid, state 4: {} rows, {} questions, {:.2} s",
        listed.len(),
        found.questions.len(),
        found.seconds
    );
    println!(
        "  duplicates by normalised address {duplicates}: joined {joined}, asked {asked}, neither {}",
        missed.len()
    );
    for (url, a, b) in missed.iter().take(12) {
        println!("    {url}: {} / {}", say(&listed[*a]), say(&listed[*b]));
    }
    bare_addresses(&listed, &found, model);
    let all = within(&found.group);
    let kept = Kept::read(&listed, model, true);
    let rows = kept.rows();
    let names = |a: usize, b: usize| rows[a].judge(&rows[b], model).levels.name;
    let alone: Vec<_> =
        all.iter().filter(|(a, b)| names(*a, *b) >= mutuald::registry::linkage::level::Name::Little).collect();
    println!("  joined pairs {}; of them with names that have little in common: {}", all.len(), alone.len());
    for (a, b) in alone.iter().take(12) {
        println!("    {} / {}", say(&listed[*a]), say(&listed[*b]));
    }
    let many = by_url.values().filter(|rows| rows.len() > 5);
    for rows in many {
        let groups: BTreeSet<usize> = rows.iter().map(|row| found.group[*row]).collect();
        let url = listed[rows[0]].group.contact.as_ref().and_then(|gate| gate.url.clone()).unwrap_or_default();
        println!("  {url}: {} rows, {} groups", rows.len(), groups.len());
    }
}

/// An address as whoever counted 381 duplicates counted them: small letters, without scheme, `www.` or `m.`, query and fragment.
fn bare(url: &str) -> Option<String> {
    let lower = url.trim().to_lowercase();
    let rest = lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://")).unwrap_or(&lower);
    let rest = rest.strip_prefix("www.").or_else(|| rest.strip_prefix("m.")).unwrap_or(rest);
    let bare = rest.split(['#', '?']).next().unwrap_or_default().trim_end_matches('/');
    // A cell "[email]" is no address.
    bare.contains('.').then(|| bare.to_owned())
}

/// What became of the duplicates by that form, of which many are no address of anybody: `google.com/url`, `facebook.com`.
fn bare_addresses(listed: &[Listed], found: &Found, model: &Model) {
    let url = |row: usize| listed[row].group.contact.as_ref().and_then(|gate| gate.url.as_deref()).unwrap_or_default();
    let ours = |row: usize| mutuald::registry::normal_contact::web(url(row)).map(|web| web.text);
    let denied = |text: &str| {
        let deny = &model.file.common.deny;
        deny.contains(text) || deny.contains(text.split(['/', '?']).next().unwrap_or_default())
    };
    let mut by_bare: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    (0..listed.len()).for_each(|row| {
        if let Some(text) = bare(url(row)) {
            by_bare.entry(text).or_default().push(row);
        }
    });
    let (mut total, mut kinds) = (0, BTreeMap::<&str, BTreeMap<&str, usize>>::new());
    for (text, rows) in by_bare.iter().filter(|(_, rows)| rows.len() > 1) {
        for (n, row) in rows.iter().enumerate().skip(1) {
            total += 1;
            let one = |x: usize, y: usize| found.group[x] == found.group[y];
            let asked = |x: usize, y: usize| {
                let (x, y) = (found.group[x], found.group[y]);
                found.questions.contains(&(x.min(y), x.max(y)))
            };
            let kind = if rows[..n].iter().any(|other| one(*row, *other)) {
                "joined"
            } else if rows[..n].iter().any(|other| asked(*row, *other)) {
                "asked"
            } else {
                match ours(*row) {
                    None => "neither: the address is nobody's",
                    Some(own) if denied(&own) => "neither: the address is on the deny list",
                    Some(own) if rows[..n].iter().all(|other| ours(*other).as_ref() != Some(&own)) => {
                        "neither: other addresses, once unwrapped"
                    }
                    Some(_) => "NEITHER, THOUGH ONE ADDRESS",
                }
            };
            *kinds.entry(kind).or_default().entry(text).or_default() += 1;
        }
    }
    println!("  duplicates by bare address (no query) {total}:");
    for (kind, addresses) in kinds {
        let count: usize = addresses.values().sum();
        if kind.starts_with(|first: char| first.eq_ignore_ascii_case(&'n')) {
            let each: Vec<String> = addresses.iter().map(|(text, rows)| format!("{text} {rows}")).collect();
            println!("    {kind} {count}: {}", each.join(", "));
        } else {
            println!("    {kind} {count}");
        }
    }
}

fn say(listed: &Listed) -> String {
    let place = listed.group.place.clone().unwrap_or_default();
    let gate = listed.group.contact.clone().unwrap_or_default();
    let parts = [
        Some(listed.group.name.clone()),
        place.address,
        place.locality,
        place.postcode,
        gate.phone,
        gate.email,
        gate.url,
        listed.group.topics.first().cloned(),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" | ")
}

fn branches(model: &Model) {
    for (placed, note) in [(true, "town stated"), (false, "town in the name only")] {
        let listed = lists::branches(&folder().join("uk-charity-lookups/_parent.csv"), placed);
        let found = link(&listed, model, true);
        let fused: Vec<(usize, usize)> =
            within(&found.group).into_iter().filter(|(a, b)| listed[*a].truth != listed[*b].truth).collect();
        let rows: BTreeSet<usize> = fused.iter().flat_map(|(a, b)| [*a, *b]).collect();
        println!(
            "Branches of federations, {note}: {} names, {:.2} s, fused with another branch {} ({:.2} in 1,000), questions {}",
            listed.len(),
            found.seconds,
            rows.len(),
            rows.len() as f64 * 1000.0 / listed.len() as f64,
            found.questions.len()
        );
        for (a, b) in fused.iter().take(12) {
            println!("    {} / {}", say(&listed[*a]), say(&listed[*b]));
        }
    }
}

/// A nation's worth of rows: the 20,000 and 5,000 again and again, each time in other towns.
fn nation(count: usize) -> Vec<Listed> {
    let base = folder().join("uk-groups-invented");
    let mut listed = Vec::new();
    for turn in 0.. {
        for file in ["ukgroups_20k_dev.csv", "ukgroups_5k_dev.csv"] {
            for mut row in lists::uk_groups(&base.join(file)) {
                // Both files number their groups from 1.
                row.truth = format!("{file}/{}", row.truth);
                if listed.len() == count {
                    return listed;
                }
                if turn > 0 {
                    elsewhere(&mut row, turn);
                }
                listed.push(row);
            }
        }
    }
    listed
}

/// The same row as another group in another place: other telephone, mailbox and site, the town and postcode moved.
fn elsewhere(row: &mut Listed, turn: usize) {
    row.truth = format!("{}/{turn}", row.truth);
    if let Some(place) = &mut row.group.place {
        place.locality =
            place.locality.as_ref().map(|town| format!("{town} {}", ["Magna", "Parva", "Regis"][turn % 3]));
        place.latitude = place.latitude.map(|lat| lat + 0.3 * turn as f64);
        place.postcode = place.postcode.as_ref().map(|code| {
            let digits = code.replace(' ', "");
            let (head, tail) = digits.split_at(digits.len().saturating_sub(2));
            format!("{head}{}", tail.chars().rev().collect::<String>())
        });
    }
    if let Some(gate) = &mut row.group.contact {
        gate.phone = gate.phone.as_ref().map(|phone| phone.replace('1', &(turn % 10).to_string()));
        gate.email = gate.email.as_ref().map(|email| format!("{turn}{email}"));
        gate.url = gate.url.as_ref().map(|url| url.replace(".example", &format!("{turn}.example")));
    }
}

fn speed(model: &Model) {
    let count = std::env::var("MUTUALD_BENCH_RECORDS").ok().and_then(|n| n.parse().ok()).unwrap_or(49_000);
    let listed = nation(count);
    let before = peak();
    let found = link(&listed, model, true);
    let bytes: usize = listed.iter().take(1_000).map(|row| read(&row.group, model).0.bytes()).sum();
    println!(
        "Speed: {count} records linked from scratch in {:.2} s (features, keys, pairs, scores, groups), {} pairs scored; peak memory {} MB, of which {before} MB before linking; {} bytes of features a record",
        found.seconds,
        found.candidates,
        peak(),
        bytes / 1_000
    );
    let kept = Kept::read(&listed, model, true);
    let mut by_key: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (i, keys) in kept.keys.iter().enumerate() {
        keys.iter().for_each(|key| by_key.entry(*key).or_default().push(i));
    }
    let rows = kept.rows();
    let mut times: Vec<f64> = Vec::new();
    let mut scored = 0;
    for i in (0..listed.len()).step_by((listed.len() / 200).max(1)) {
        let start = Instant::now();
        let (_, keys) = read(&listed[i].group, model);
        let mut others = BTreeSet::new();
        for key in &keys {
            let members = &by_key[key];
            if members.len() <= model.cuts().sharing as usize {
                others.extend(members.iter().copied().filter(|other| *other != i));
            }
        }
        let asked =
            others.iter().filter(|other| rows[i].judge(&rows[**other], model).outcome != Outcome::Apart).count();
        std::hint::black_box(asked);
        scored += others.len();
        times.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    times.sort_by(f64::total_cmp);
    let keys: usize = kept.keys.iter().map(Vec::len).sum();
    println!(
        "  one record more: median {:.3} ms, largest {:.3} ms (reading, keys, scoring {} others on average, no store); {:.1} keys a record",
        times[times.len() / 2],
        times[times.len() - 1],
        scored / times.len(),
        keys as f64 / count as f64
    );
}

/// Writes a nation's rows as a spreadsheet, one column a field that is compared.
pub fn rows(path: &Path, count: usize) {
    let mut out = csv::Writer::from_path(path).expect("a file");
    out.write_record(["unique_id", "name", "town", "postcode", "phone", "email", "url", "focus", "day", "cluster"])
        .expect("a line");
    for (n, row) in nation(count).into_iter().enumerate() {
        let (group, number) = (row.group, n.to_string());
        let (place, gate) = (group.place.unwrap_or_default(), group.contact.unwrap_or_default());
        let day = group.meetings.into_iter().next().and_then(|meeting| meeting.text);
        let text = |text: Option<String>| text.unwrap_or_default();
        out.write_record([
            number,
            group.name,
            text(place.locality),
            text(place.postcode),
            text(gate.phone),
            text(gate.email),
            text(gate.url),
            text(group.topics.into_iter().next()),
            text(day),
            row.truth,
        ])
        .expect("a line");
    }
    out.flush().expect("a file");
}

/// Most memory this process has had, in MB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap_or_default() / 1024
}

/// Pairs judged wrongly, with why.
pub fn wrong(model: &Model, path: &Path, count: usize) {
    let listed = if path.ends_with("early-childhood-chicago.csv") {
        lists::early_childhood(path)
    } else if path.ends_with("linkage-benchmarks") {
        lists::restaurants(path)
    } else {
        lists::uk_groups(path)
    };
    let found = link(&listed, model, true);
    let kept = Kept::read(&listed, model, true);
    let rows = kept.rows();
    let show = |a: usize, b: usize| {
        println!("  {}\n  {}", say(&listed[a]), say(&listed[b]));
        let why = why::explain(&rows[a], &rows[b], &[], model);
        println!("    {} {}", why.judged.score, why.words(&|_| String::new()));
    };
    let fused: Vec<_> =
        within(&found.group).into_iter().filter(|(a, b)| listed[*a].truth != listed[*b].truth).collect();
    println!("fused {}", fused.len());
    fused.iter().take(count).for_each(|(a, b)| show(*a, *b));
    let missed: Vec<_> = true_pairs(&listed)
        .into_iter()
        .filter(|(a, b)| {
            let (x, y) = (found.group[*a], found.group[*b]);
            x != y && !found.questions.contains(&(x.min(y), x.max(y)))
        })
        .collect();
    println!("neither joined nor asked {}", missed.len());
    missed.iter().take(count).for_each(|(a, b)| show(*a, *b));
    let asked: Vec<_> = true_pairs(&listed).into_iter().filter(|(a, b)| found.group[*a] != found.group[*b]).collect();
    println!("not joined {}", asked.len());
    asked.iter().step_by((asked.len() / count.max(1)).max(1)).for_each(|(a, b)| show(*a, *b));
    let mut rules: BTreeMap<(&str, bool), usize> = BTreeMap::new();
    for (a, b) in &asked {
        let judged = rows[*a].judge(&rows[*b], model);
        *rules.entry((judged.rule.code(), judged.score >= model.cuts().join)).or_default() += 1;
    }
    println!("{rules:?}");
    let shared: BTreeSet<(usize, usize)> = pairs(&kept.keys, model.cuts().sharing as usize).into_iter().collect();
    let unmet: Vec<_> = true_pairs(&listed).into_iter().filter(|pair| !shared.contains(pair)).collect();
    println!("true pairs without a key in common {}", unmet.len());
    unmet.iter().step_by((unmet.len() / count.max(1)).max(1)).for_each(|(a, b)| show(*a, *b));
    let mut kinds: BTreeMap<(&str, &str, &str), (usize, usize)> = BTreeMap::new();
    for (a, b) in pairs(&kept.keys, model.cuts().sharing as usize) {
        let judged = rows[a].judge(&rows[b], model);
        if judged.outcome == Outcome::Joined {
            let levels = judged.levels;
            let kind =
                kinds.entry((levels.contact.label(), levels.name.label(), levels.qualifier.label())).or_default();
            if listed[a].truth == listed[b].truth { kind.0 += 1 } else { kind.1 += 1 }
        }
    }
    for (kind, (right, wrong)) in kinds.iter().filter(|(_, (_, wrong))| *wrong > 1) {
        println!("{kind:?} right {right} wrong {wrong}");
    }
}
