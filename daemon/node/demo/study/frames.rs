//! Acts 1 to 3: from lists to groups, from groups to frames.

use super::{DAY, DECIDED, DERBYSHIRE, ESSEX, NOTTINGHAM, RESEARCH, SEED, SHARED, SITES, Tour, list, number, text};
use crate::node::demo::invent::study::{self, NOT_ASKED};
use anyhow::{Context, ensure};
use serde_json::Value;
use std::collections::BTreeMap;

/// How many rows Essex's three lists have.
const ESSEX_ROWS: u64 = 60;
/// How many groups they are, once people have linked them: 24 that belong, and 24 that do not.
const ESSEX_LINKED: u64 = 48;

impl Tour<'_> {
    /// Act 1.
    pub(super) async fn linked(&self) -> anyhow::Result<()> {
        self.act(
            1,
            "from lists to groups",
            "Nottingham has one good list. Essex has three that overlap: 60 rows, of which 36 speak of the 24 groups that the paper's \
             researchers reached there, and 24 of groups that will not belong. What the linkage model is sure of is joined already; \
             what is likely and not sure is asked. Essex's people ring both numbers, and answer.",
        );
        self.run(ESSEX, &["review", "list", "--mine", "--all"], 3, &["questions are open"]).await?;
        let (same, different) = self.answered(ESSEX).await?;
        self.tell(&format!("Essex answered {} questions: {same} same, {different} different.", same + different));
        self.tell("Nottingham's people answer what is asked of the groups over whose border Derbyshire looks.");
        self.answered(NOTTINGHAM).await?;
        self.tell("Answers are signed records: Research pulls them like any other.");
        for from in [NOTTINGHAM, ESSEX, DERBYSHIRE] {
            let title = format!("{} Hub", self.stages[from].name);
            self.run(RESEARCH, &["partner", "pull", &title], 0, &[&title]).await?;
        }
        Ok(())
    }

    /// Answers every question about a hub's own entries as somebody does who rings both numbers.
    async fn answered(&self, nth: usize) -> anyhow::Result<(usize, usize)> {
        let (mut same, mut different) = (0, 0);
        loop {
            let open = self.ask(nth, &["review", "list", "--mine", "--all"]).await?;
            if list(&open, "/questions")?.is_empty() {
                return Ok((same, different));
            }
            let asked = self.ask(nth, &["review", "show", "1"]).await?;
            let verb = if one_telephone(&asked)? { "same" } else { "different" };
            *(if verb == "same" { &mut same } else { &mut different }) += 1;
            self.run(nth, &["review", verb, "1"], 0, &["review undo"]).await?;
        }
    }

    /// Act 2.
    pub(super) async fn frames(&self) -> anyhow::Result<()> {
        self.act(
            2,
            "two frames",
            "Each site says by written rules which groups are in, and freezes that. `box1` are other rules, with other answers that \
             are both right: it asks for no freedom from set programmes, so it takes groups that follow the Twelve Steps.",
        );
        let built = self.defined(NOTTINGHAM, "nottingham-2026", 0..1).await?;
        ensure!(number(&built, "/included")? == 202, "Nottingham's frame has {} units", built["included"]);
        self.frozen(NOTTINGHAM, "nottingham-2026", 202).await?;

        let built = self.defined(ESSEX, "essex-2026", 1..2).await?;
        ensure!(
            (number(&built, "/flow/1/count")?, number(&built, "/flow/2/count")?) == (ESSEX_ROWS, ESSEX_LINKED),
            "Essex's own rows and groups are {}",
            built["flow"]
        );
        self.tell(
            "Of four groups nobody knows what the rules ask. Two were told of by people and are telephoned now; two answer neither \
             telephone nor letter.",
        );
        self.decided(ESSEX, "essex-2026").await?;
        let built = self.ask(ESSEX, &["frame", "build", "essex-2026"]).await?;
        ensure!(number(&built, "/included")? == 24, "Essex's frame has {} units", built["included"]);
        self.run(ESSEX, &["frame", "build", "essex-2026", "--against", "box1"], 0, &["included"]).await?;
        self.frozen(ESSEX, "essex-2026", 24).await
    }

    /// Defines a frame of some of the sites, shows its accounts under both profiles, and makes sure that they reconcile.
    async fn defined(&self, nth: usize, name: &str, sites: std::ops::Range<usize>) -> anyhow::Result<Value> {
        let sites = &SITES[sites];
        let universe = format!(
            "Self-help/mutual aid groups that meet in {}",
            sites.iter().map(|(site, _)| *site).collect::<Vec<_>>().join(" and ")
        );
        let mut define =
            vec!["frame", "define", name, "--universe", &universe, "--profile", "seebohm2013", "--as-of", DAY];
        sites.iter().flat_map(|(_, codes)| codes.iter()).for_each(|code| define.extend(["--area", code]));
        // A site's own frame is of its own lists, whatever its partners have; the shared one is of all.
        let own = self.stages[nth].hub.id.to_string();
        if nth != RESEARCH {
            define.extend(["--source", &own]);
        }
        self.run(nth, &define, 0, &["is defined"]).await?;
        self.run(nth, &["frame", "build", name, "--against", "box1"], 0, &["received", "included"]).await?;
        let built = self.ask(nth, &["frame", "build", name, "--undecided", "--against", "box1"]).await?;
        reconciled(&built)?;
        Ok(built)
    }

    /// Settles what is undecided of Essex's groups as its people found it, wherever the frame is built.
    async fn decided(&self, nth: usize, name: &str) -> anyhow::Result<()> {
        let rows: Vec<_> = study::essex(SEED).into_iter().flat_map(|(_, rows)| rows).collect();
        let not_asked: Vec<&str> = rows
            .iter()
            .filter(|row| row.criteria.is_empty() && row.source_id.as_deref().is_some_and(told))
            .map(|row| row.name.as_str())
            .collect();
        ensure!(not_asked.len() == NOT_ASKED.len(), "{not_asked:?}");
        let built = self.ask(nth, &["frame", "build", name, "--undecided"]).await?;
        let undecided = list(&built, "/undecided")?;
        ensure!(undecided.len() == 4, "{} groups are undecided in {name}", undecided.len());
        for one in undecided {
            let group = text(one, "/name")?;
            let found = ["--role", "researcher", "--date", DECIDED, "--why"];
            if not_asked.contains(&group) {
                let why = "Asked by telephone on 20 October: its members started it, run it and come as they like.";
                let decide = [&["frame", "decide", name, group, "--include"][..], &found, &[why]].concat();
                self.run(nth, &decide, 0, &["belongs"]).await?;
            } else {
                let why = "Nobody answered three calls and a letter between August and October.";
                let decide =
                    [&["frame", "decide", name, group, "--exclude", "unverifiable"][..], &found, &[why]].concat();
                self.run(nth, &decide, 0, &["left out (unverifiable)"]).await?;
            }
        }
        Ok(())
    }

    async fn frozen(&self, nth: usize, name: &str, units: usize) -> anyhow::Result<()> {
        let folder = format!("{name}.frame");
        self.run(nth, &["frame", "freeze", name, &folder], 0, &[&format!("{units} units")]).await.map(drop)
    }

    /// Act 3.
    pub(super) async fn shared(&self) -> anyhow::Result<()> {
        self.act(
            3,
            "one frame of both",
            "Research has pulled all lists and every answer. It builds one frame of both sites from them, with Essex's four decisions, \
             and freezes it: 226 = 202 + 24. Its number goes to both hubs with the folder, before anybody throws dice.",
        );
        self.defined(RESEARCH, "esteem-2026", 0..2).await?;
        self.decided(RESEARCH, "esteem-2026").await?;
        let built = self.ask(RESEARCH, &["frame", "build", "esteem-2026", "--against", "box1"]).await?;
        reconciled(&built)?;
        ensure!(number(&built, "/included")? == 226, "the shared frame has {} units", built["included"]);
        self.frozen(RESEARCH, "esteem-2026", 226).await?;
        self.post(RESEARCH, NOTTINGHAM, SHARED, SHARED)?;
        self.post(RESEARCH, ESSEX, SHARED, SHARED)
    }
}

/// Rows of what people told Essex of.
fn told(source_id: &str) -> bool {
    let row: usize = source_id.trim_start_matches("P-").parse().unwrap_or(usize::MAX);
    // The unsuitable ones of which nothing is known stand behind the ten rows of the list.
    source_id.starts_with("P-") && row <= 10
}

/// Whether both sides of a question have one contact.
fn one_telephone(question: &Value) -> anyhow::Result<bool> {
    let mut contacts: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for field in list(question, "/fields")?.iter().filter(|field| field["field"] == "contact") {
        for side in ["a", "b"] {
            let said = list(field, &format!("/{side}"))?;
            contacts.entry(side).or_default().extend(said.iter().filter_map(|one| one["words"].as_str()));
        }
    }
    let (a, b) = (contacts.remove("a").context("a side without contact")?, contacts.remove("b").unwrap_or_default());
    Ok(a.iter().any(|one| b.contains(one)))
}

/// Every step of the accounts is the one before less what left, to the last row.
fn reconciled(built: &Value) -> anyhow::Result<()> {
    let steps = list(built, "/flow")?;
    for pair in steps.windows(2) {
        let left: u64 = pair[1]["left"].as_object().map_or(0, |left| left.values().filter_map(Value::as_u64).sum());
        ensure!(
            number(&pair[1], "/count")? + left == number(&pair[0], "/count")?,
            "the accounts do not reconcile: {} after {}",
            pair[1],
            pair[0]
        );
    }
    ensure!(
        number(&steps[steps.len() - 1], "/count")? == number(built, "/included")?,
        "the last step is what is included"
    );
    Ok(())
}
