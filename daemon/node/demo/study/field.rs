//! Acts 5 to 7: fieldwork, numbers, release, and a stranger who checks.

use super::{ESSEX, NOTTINGHAM, RESEARCH, SHARED, STUDY, TABLE_1, Tour, copy, list, number, run, text};
use crate::record::vocabulary::table1;
use anyhow::{Context, ensure};
use serde_json::Value;
use std::collections::BTreeMap;

/// Why one group's members said no, in the words of the paper.
const REFUSED: &str =
    "The members felt they did not need support from outside, which made the study irrelevant to them.";

impl Tour<'_> {
    /// Act 5.
    pub(super) async fn fielded(&self) -> anyhow::Result<()> {
        self.act(
            5,
            "fieldwork",
            "Twenty groups are asked, each twice: its coordinator for an interview, its members for a discussion. In one group the \
             members refuse and the coordinator does not. It stays, partial; the next of the reserve is invited and takes part. That \
             is how 20 + 1 are 21.",
        );
        let open = ["frame", "study", "open", SHARED, "--study", STUDY];
        self.run(
            RESEARCH,
            &open,
            0,
            &["Nottingham Hub: 10 of 202 drawn (5.0 %)", "Essex Hub: 10 of 24 drawn (41.7 %)"],
        )
        .await?;
        let shown = self.ask(RESEARCH, &["frame", "study", "show", STUDY]).await?;
        let groups = list(&shown, "/groups")?;
        ensure!(groups.len() == 20, "{} groups are in the field", groups.len());
        let refuser = self.refuser(groups).await?;
        let mut csv = "group,coordinator,members\n".to_owned();
        for group in groups.iter().filter(|group| group["unit"] != refuser["unit"]) {
            csv += &format!("{},complete,complete\n", text(group, "/unit")?);
        }
        std::fs::write(self.home(RESEARCH).join("visits.csv"), csv).context("cannot write visits.csv")?;
        let record = ["frame", "study", "record", STUDY, "--from", "visits.csv"];
        self.run(RESEARCH, &record, 0, &["Nothing was noted"]).await?;
        self.run(RESEARCH, &[&record[..], &["--commit"]].concat(), 0, &["Noted."]).await?;

        let name = text(&refuser, "/name")?;
        let of = |outcome: &'static str| ["frame", "study", "record", STUDY, name, "--members", outcome];
        self.tell("A slip of the pen first: noted of the wrong level, and taken back. Both stay in the history.");
        self.run(RESEARCH, &of("complete"), 0, &["Noted."]).await?;
        let undo = ["frame", "study", "undo", STUDY, "--why", "Noted of the members; it was the coordinator."];
        self.run(RESEARCH, &undo, 0, &["kept in the history"]).await?;
        let refused = [&of("refused")[..], &["--coordinator", "complete", "--reason", REFUSED]].concat();
        self.run(RESEARCH, &of("refused"), 1, &["need a reason"]).await?;
        self.run(RESEARCH, &refused, 0, &["partial", "Its place is free"]).await?;
        let replace = ["frame", "study", "replace", STUDY, name];
        self.run(RESEARCH, &replace, 0, &["social-isolation", "Nothing was issued"]).await?;
        let next = self.ask(RESEARCH, &replace).await?;
        self.run(RESEARCH, &[&replace[..], &["--commit"]].concat(), 0, &["Issued."]).await?;
        let unit = text(&next, "/unit")?;
        self.run(RESEARCH, &["frame", "study", "record", STUDY, unit, "--both", "complete"], 0, &["Noted."]).await?;

        let worked = "RR1 = I / (I + P + R + NC + O + U) = 20 / (20 + 1 + 0 + 0 + 0 + 0) = .9524";
        self.run(RESEARCH, &["frame", "study", "show", STUDY, "--history"], 0, &[worked, "[taken back]"]).await?;
        let shown = self.ask(RESEARCH, &["frame", "study", "show", STUDY]).await?;
        ensure!(list(&shown, "/groups")?.len() == 21, "21 groups are in the field");
        let of = |level: usize, letter: &str| number(&shown, &format!("/rates/{level}/counts/{letter}"));
        ensure!((of(0, "i")?, of(0, "p")?, of(1, "i")?, of(2, "i")?) == (20, 1, 21, 20), "{}", shown["rates"]);
        let rr1 = shown.pointer("/rates/0/rates/0/value").and_then(Value::as_f64).context("no RR1")?;
        ensure!((rr1 - 20.0 / 21.0).abs() < 1e-12, "RR1 is {rr1}");
        let counted = |heading: &str| number(&shown, &format!("/counts/focus/{heading}"));
        let mut paper: BTreeMap<&str, usize> = BTreeMap::new();
        for row in &table1().rows {
            *paper.entry(row.roll_up.as_str()).or_default() += row.count as usize;
        }
        for (heading, n) in TABLE_1 {
            ensure!(counted(heading)? == n as u64 && paper.get(heading) == Some(&n), "{heading}: {}", shown["counts"]);
        }
        self.tell(
            "10 physical, 5 mental, 6 socially isolating: as in the paper's Table 1, whose rows the vocabularies sum up to the same.",
        );
        Ok(())
    }

    /// The group whose members will say no: one of Nottingham's about social isolation, whose place only another such group can take.
    async fn refuser(&self, groups: &[Value]) -> anyhow::Result<Value> {
        let draws = self.ask(NOTTINGHAM, &["frame", "verify", SHARED]).await?;
        let file = text(&draws, "/draws/0/file")?;
        ensure!(file.starts_with("draws/h-"), "another hub's draw stands under its id: {file}");
        let isolated =
            |group: &&Value| group["site"] == "Nottingham Hub" && group["values"]["focus"] == "social-isolation";
        if let Some(group) = groups.iter().find(isolated) {
            return Ok(group.clone());
        }
        anyhow::bail!("no group about social isolation was drawn at Nottingham")
    }

    /// Act 6.
    pub(super) async fn released(&self) -> anyhow::Result<()> {
        self.act(
            6,
            "numbers and release",
            "The paper numbers its groups 1 to 21 \"without reference to site or focus\". The numbers are of chance, given once and \
             kept here. What is released is looked at first: ten of Essex's 24 groups were drawn, so site and focus together would \
             name some of them.",
        );
        self.run(RESEARCH, &["frame", "study", "number", STUDY], 0, &["Nothing was numbered"]).await?;
        self.run(RESEARCH, &["frame", "study", "number", STUDY, "--commit"], 0, &["of chance alone"]).await?;
        let both = ["frame", "study", "release", STUDY, "groups.csv", "--show", "focus", "--show", "site"];
        self.run(
            RESEARCH,
            &[&both[..], &["--commit"]].concat(),
            3,
            &["fewer than 5 groups", "proposed", "Nothing was written"],
        )
        .await?;
        let coarser = [&both[..], &["--coarser", "--commit"]].concat();
        self.run(RESEARCH, &coarser, 0, &["At least 5 groups share", "Written to groups.csv"]).await?;
        let released = std::fs::read_to_string(self.home(RESEARCH).join("groups.csv"))?;
        ensure!(released.lines().count() == 22 && !released.contains("h-"), "{released}");
        Ok(())
    }

    /// Act 7.
    pub(super) async fn checked(&self) -> anyhow::Result<()> {
        self.act(
            7,
            "a stranger checks",
            "Somebody has the folder and nothing else: no hub, no database. Every group is judged again, every draw drawn again, by \
             three hubs' signatures. Then one digit of a draw is changed.",
        );
        let strange = self.folder.join("stranger");
        std::fs::create_dir(&strange).context("cannot make a folder for the stranger")?;
        copy(&self.home(RESEARCH).join(SHARED), &strange.join(SHARED))?;
        let verify = ["frame", "verify", SHARED];
        run(
            "A stranger",
            &strange,
            &verify,
            0,
            &["by Nottingham Hub", "by Essex Hub", "Everything is as the hub signed it"],
        )
        .await?;
        let essex = self.ask(ESSEX, &verify).await?;
        let file = text(&essex, "/draws/0/file")?;
        let path = strange.join(SHARED).join(file);
        let draw = std::fs::read_to_string(&path)?;
        std::fs::write(&path, draw.replacen("271828", "271829", 1))?;
        run("A stranger", &strange, &verify, 3, &[file, "Do not use it"]).await.map(drop)
    }
}
