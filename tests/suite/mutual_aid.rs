//! The real lists of UK Covid mutual-aid groups (2020): two hubs import one national list each, a third pulls both, and three days
//! later all of it again with the next edition. Every row must be found again at the end.
//!
//! The lists are not in the repository, as their licence is another. They are looked for in `MUTUALD_SHARED`, or in `shared`
//! beside the checkout; without them this says SKIP and passes.

use crate::support::command::{Desk, Served};
use serde_json::{Value, json};
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const THIRD: &str = "groups-3_2020-05-16_staging.csv";
const FOURTH: &str = "groups-4_2020-05-19_dev.csv";

/// What each step came to when this was written. Who changes reading, linking or merging sees here what it does to real lists.
///
/// 26 of 3,457 and 7 of 634 records replaced at once are no mass change, so the second pull waits for nobody.
const EXPECTED: [&str; 14] = [
    "edition of 16 May 2020",
    "mutualaidwiki: 4129 rows = 665 of the other list + 3457 new + 0 changed + 0 unchanged + 7 refused (7 bad-url)",
    "mutualaidwiki: 3457 records live, of them 0 not in the file; 3460 statements published",
    "covid19-mutual-aid-groups-uk: 4129 rows = 3464 of the other list + 634 new + 0 changed + 0 unchanged + 31 refused (31 second-row)",
    "covid19-mutual-aid-groups-uk: 634 records live, of them 0 not in the file; 637 statements published",
    "mutualaidwiki: 3460 statements pulled",
    "covid19-mutual-aid-groups-uk: 637 statements pulled",
    "edition of 19 May 2020",
    "mutualaidwiki: 4259 rows = 695 of the other list + 124 new + 26 changed + 3408 unchanged + 6 refused (6 bad-url)",
    "mutualaidwiki: 3581 records live, of them 23 not in the file; 3610 statements published",
    "covid19-mutual-aid-groups-uk: 4259 rows = 3564 of the other list + 35 new + 7 changed + 619 unchanged + 34 refused (34 second-row)",
    "covid19-mutual-aid-groups-uk: 669 records live, of them 8 not in the file; 679 statements published",
    "mutualaidwiki: 150 statements pulled",
    "covid19-mutual-aid-groups-uk: 42 statements pulled",
];

/// What the registry came to after each edition: groups, those of several records, those in both lists, those in conflict.
///
/// Ids are drawn anew in every run, and decide nothing: of two joinings that are equally sure, what the records say does.
const REGISTRY: [[i64; 4]; 2] = [[3991, 92, 60, 45], [4135, 107, 74, 49]];

/// A hub with one of the two lists.
struct Lister {
    desk: Desk,
    mapping: PathBuf,
    /// What the column `list` says of its rows.
    list: &'static str,
    served: Served,
}

fn shared() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let folder = std::env::var_os("MUTUALD_SHARED").map_or_else(beside, PathBuf::from).join("data/uk-mutual-aid");
    let there = folder.join(THIRD).is_file() && folder.join(FOURTH).is_file();
    if !there {
        eprintln!("SKIP {} is not here: no real list is imported, published and pulled", folder.display());
    }
    there.then_some(folder)
}

/// The fourth state of the list, where it is here.
pub fn fourth() -> Option<String> {
    Some(std::fs::read_to_string(shared()?.join(FOURTH)).unwrap())
}

impl Lister {
    fn new(name: &str, mapping: &str, list: &'static str) -> Lister {
        let desk = Desk::new(name);
        let mapping = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/imports").join(mapping);
        let served = desk.serve();
        Lister { desk, mapping, list, served }
    }

    /// Imports; refused rows need a look, so the run ends with 3.
    fn import(&self, file: &Path) -> Value {
        let (file, mapping) = (file.to_str().unwrap(), self.mapping.to_str().unwrap());
        let look = ["import", file, "--mapping", mapping, "--holds-duplicates", "--json"];
        // Rows whose words suggest a question wait for an answer: these were public already.
        let plan = self.desk.run(&look).json(3);
        let held = plan["plan"]["held_back"].as_array().unwrap();
        let lines: Vec<String> = held.iter().map(|row| row["line"].to_string()).collect();
        let answer = format!("{}=open", lines.join(","));
        let mut all = [&look[..], &["--commit"]].concat();
        all.extend(["--safety", &answer].into_iter().filter(|_| !lines.is_empty()));
        self.desk.run(&all).json(3)
    }

    /// Imports, reconciles to the row, and imports again, which does nothing. Two lines of the table, and the feed's size.
    fn take(&self, file: &Path) -> ([String; 2], u64) {
        let before = live(&self.desk).values().sum::<i64>();
        let done = self.import(file);
        let plan = &done["plan"];
        // Rows whose words seem to tell of a person: somebody looks at each, and finds nothing in it.
        let looked = plan["to_look_at"].as_array().map_or(0, Vec::len);
        for held in self.desk.run(&["held", "list", "--json"]).json(if looked > 0 { 3 } else { 0 }).as_array().unwrap()
        {
            self.desk.run(&["held", "release", &held["number"].to_string()]).ended(0);
        }
        let rows = |kind: &str| plan[kind].as_array().unwrap().len() + if kind == "new" { looked } else { 0 };

        // Counted here by other means: what the file holds, and how much of it is this list's.
        let mut reader = csv::Reader::from_path(file).unwrap();
        let column = reader.headers().unwrap().iter().position(|heading| heading == "list").unwrap();
        let lists: Vec<String> = reader.records().map(|row| row.unwrap()[column].to_owned()).collect();
        let own = lists.iter().filter(|list| *list == self.list).count();
        assert_eq!(plan["rows_read"], json!(lists.len()));
        let filtered = plan["skipped"].as_array().unwrap().iter().filter(|row| row["reason"] == "filtered").count();
        assert_eq!((filtered, rows("skipped"), rows("held_back")), (lists.len() - own, lists.len() - own, 0));
        assert_eq!(rows("new") + rows("changed") + rows("unchanged") + rows("refused"), own);

        // One statement a row that says something new; the first time one more for the list itself.
        let said = rows("new") + rows("changed");
        assert_eq!(done["said"]["statements"], json!(said - looked + usize::from(done["new_list"] == true)));
        assert_eq!(live(&self.desk).values().sum::<i64>(), before + rows("new") as i64);
        let size = done["said"]["published"]["size"].as_u64().unwrap() + looked as u64;
        assert_eq!(self.desk.run(&["status", "--json"]).json(0)["statements"], json!(size));

        let digest = self.desk.digest();
        let again = self.import(file);
        let unchanged = again["plan"]["unchanged"].as_array().unwrap().len();
        assert_eq!((unchanged, &again["committed"]), (said + rows("unchanged"), &json!(false)));
        assert_eq!((&again["plan"]["refused"], self.desk.digest()), (&plan["refused"], digest));

        let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
        for row in plan["refused"].as_array().unwrap() {
            // A row with two faults is one refused row.
            *reasons.entry(row["errors"][0]["code"].as_str().unwrap()).or_default() += 1;
        }
        let reasons: Vec<String> = reasons.iter().map(|(code, rows)| format!("{rows} {code}")).collect();
        let (list, rows_read, live) = (self.list, lists.len(), before + rows("new") as i64);
        let [new, changed, unchanged, refused, gone] =
            ["new", "changed", "unchanged", "refused", "not_in_file"].map(rows);
        let reasons = reasons.join(", ");
        let lines = [
            format!(
                "{list}: {rows_read} rows = {filtered} of the other list + {new} new + {changed} changed + {unchanged} unchanged + \
                 {refused} refused ({reasons})"
            ),
            format!("{list}: {live} records live, of them {gone} not in the file; {size} statements published"),
        ];
        (lines, size)
    }
}

/// Looks into a hub's database with nothing of ours in between.
fn ask<T>(desk: &Desk, sql: &'static str) -> Vec<T>
where
    T: for<'r> sqlx::FromRow<'r, sqlx::sqlite::SqliteRow> + Send + Unpin,
{
    let options = SqliteConnectOptions::new().filename(desk.file("mutuald-state/mutuald.db")).read_only(true);
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let mut db = options.connect().await.unwrap();
        sqlx::query_as(sql).fetch_all(&mut db).await.unwrap()
    })
}

/// Live group records by the id of the hub whose they are.
fn live(desk: &Desk) -> BTreeMap<String, i64> {
    let sql = "SELECT hub.id, count(*) FROM record JOIN hub ON hub.n = record.hub \
               WHERE kind = 1 AND state = 'live' GROUP BY hub.id";
    ask(desk, sql).into_iter().collect()
}

/// Pulls both hubs; what came must be what they published since, and the registry what is expected. A line for each hub.
fn pull(
    reader: &Desk,
    listers: [(&Lister, u64); 2],
    held: &mut BTreeMap<String, u64>,
    expected: [i64; 4],
) -> Vec<String> {
    let mut lines = Vec::new();
    for (lister, size) in listers {
        let (id, name) = (&lister.desk.id, lister.list);
        let answer = reader.run(&["partner", "pull", id, "--json"]).json(0);
        let outcome = &answer["pulled"][0];
        let new = size - held.insert(id.clone(), size).unwrap_or(0);
        assert_eq!((&outcome["pulled"]["new"], &outcome["pulled"]["held"]), (&json!(new), &json!(size)));
        assert_eq!((&outcome["pulled"]["void"], &outcome["pulled"]["withheld"]), (&json!({}), &json!(0)));
        assert_eq!((&outcome["state"], &outcome["waiting"]), (&json!("changed"), &Value::Null));
        lines.push(format!("{name}: {new} statements pulled"));
    }

    // To the row: every record that is live there is live here, and is in exactly one group.
    let here = live(reader);
    for (lister, _) in listers {
        assert_eq!(here.get(&lister.desk.id), live(&lister.desk).get(&lister.desk.id), "{}", lister.list);
    }
    let records: i64 = here.values().sum();
    let sql =
        "SELECT count(*), sum(members), sum(members > 1), sum(hubs > 1), sum(conflicts <> ''), max(members) FROM grp";
    let [(groups, members, several, shared, conflicts, largest)]: [(i64, i64, i64, i64, i64, i64); 1] =
        ask(reader, sql).try_into().unwrap();
    assert_eq!(members, records);
    let [(placed,)]: [(i64,); 1] =
        ask(reader, "SELECT count(*) FROM record JOIN grp ON record.grp = grp.n WHERE kind = 1 AND state = 'live'")
            .try_into()
            .unwrap();
    assert_eq!(placed, records);
    let status = reader.run(&["status", "--json"]).json(0);
    for (said, counted) in [("groups", groups), ("records", records), ("shared", shared), ("disagreements", conflicts)]
    {
        assert_eq!(status[said], json!(counted), "{said}");
    }
    eprintln!(
        "registry: {records} records = {groups} groups, {several} of several records (at most {largest}), \
         {shared} in both lists, {conflicts} in conflict"
    );
    let counted = [groups, several, shared, conflicts];
    assert_eq!(counted, expected);

    // Again: nothing new, nothing changed, and nothing that is not derived from the signed records.
    let digest = reader.digest();
    let again = reader.run(&["partner", "pull", "--all", "--json"]).json(0);
    for outcome in again["pulled"].as_array().unwrap() {
        assert_eq!((&outcome["state"], &outcome["pulled"]["new"]), (&json!("current"), &json!(0)));
    }
    assert_eq!(reader.digest(), digest);
    reader.run(&["registry", "rebuild"]).ended(0);
    assert_eq!(reader.digest(), digest);
    for desk in [reader, &listers[0].0.desk, &listers[1].0.desk] {
        assert_eq!(desk.run(&["registry", "check", "--json"]).json(0)["findings"], json!([]));
    }
    lines
}

#[test]
fn two_real_lists_reconcile_to_the_row() {
    let Some(folder) = shared() else { return };
    let wiki = Lister::new("Wiki Hub", "uk-mutual-aid.toml", "mutualaidwiki");
    let covid = Lister::new("Covid Hub", "uk-mutual-aid-covid19.toml", "covid19-mutual-aid-groups-uk");
    let reader = Desk::new("Reading Hub");
    for lister in [&wiki, &covid] {
        reader.run(&["partner", "add", &lister.served.url, "--hub", &lister.desk.id]).ended(0);
    }

    let (mut held, mut table) = (BTreeMap::new(), Vec::new());
    for (edition, file, expected) in [("16 May 2020", THIRD, REGISTRY[0]), ("19 May 2020", FOURTH, REGISTRY[1])] {
        let mut lines = vec![format!("edition of {edition}")];
        let published = [&wiki, &covid].map(|lister| {
            let (taken, size) = lister.take(&folder.join(file));
            lines.extend(taken);
            (lister, size)
        });
        eprintln!("{}", lines.join("\n"));
        let pulled = pull(&reader, published, &mut held, expected);
        eprintln!("{}", pulled.join("\n"));
        table.extend(lines.into_iter().chain(pulled));
    }
    assert_eq!(table, EXPECTED);
}
