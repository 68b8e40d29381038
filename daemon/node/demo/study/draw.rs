//! Act 4: two hubs draw apart, each from its own part of one frozen frame, with one seed.

use super::{ESSEX, NOTTINGHAM, RESEARCH, SHARED, SITES, STUDY, TABLE_1, Tour, list, number};
use anyhow::{Context, ensure};
use serde_json::Value;

/// Three dice of ten sides, thrown twice.
const DICE: &str = "271828";
const HOW: &str = "Six ten-sided dice, thrown at the advisory group's meeting after the frame's number was read out.";

/// How many of each heading each site is asked for: together, with one more where one refuses, what Table 1 has. The paper names no
/// numbers; these are the tour's.
const FOCUS: [[(&str, usize); 3]; 2] = [
    [("physical-ill-health", 5), ("mental-ill-health", 2), ("social-isolation", 3)],
    [("physical-ill-health", 5), ("mental-ill-health", 3), ("social-isolation", 2)],
];
/// The other three quotas: one of each at least.
const OTHERS: [&str; 5] =
    ["age=new:1", "age=established:1", "affiliation=affiliated:1", "affiliation=independent:1", "community=bame:1"];

impl Tour<'_> {
    /// Act 4.
    pub(super) async fn drawn(&self) -> anyhow::Result<()> {
        self.act(
            4,
            "two hubs draw apart",
            "The dice fall. Nottingham and Essex each draw ten from their own part of the frame, at home, by the four quotas of the \
             paper: a range of issues, new and established, affiliated and independent, groups of ethnic minority communities.",
        );
        for nth in [NOTTINGHAM, ESSEX] {
            let quotas: Vec<String> = FOCUS[nth]
                .iter()
                .map(|(value, n)| format!("focus={value}:{n}"))
                .chain(OTHERS.map(str::to_owned))
                .collect();
            let mut sample = vec!["frame", "sample", SHARED, "--study", STUDY, "--design", "quota", "--n", "10"];
            quotas.iter().for_each(|quota| sample.extend(["--quota", quota]));
            SITES[nth].1.iter().for_each(|code| sample.extend(["--part", code]));
            // All that is left of the part, so that the order of the whole is known to its last place.
            sample.extend(["--reserve", "200", "--seed", DICE, "--how", HOW]);
            self.run(nth, &sample, 0, &["Nothing was drawn", "Non-probability"]).await?;
            let drawn = self.run(nth, &[&sample[..], &["--commit"]].concat(), 0, &["Non-probability"]).await?;
            ensure!(!drawn.contains("NOT MET"), "a quota is not met");
        }
        self.tell("The draws go back to Research, which holds both, and finds the order that one registry would have.");
        self.post(NOTTINGHAM, RESEARCH, SHARED, "from-nottingham.frame")?;
        self.post(ESSEX, RESEARCH, SHARED, "from-essex.frame")?;
        let gather = ["frame", "gather", SHARED, "from-nottingham.frame", "from-essex.frame"];
        self.run(RESEARCH, &gather, 0, &["the places of 226 of 226 units are known"]).await?;
        self.tell("To compare, Research draws from the whole frame, alone, for a study of its own with the same seed.");
        let alone = ["frame", "sample", SHARED, "--study", "One registry", "--n", "20", "--reserve", "206"];
        let alone = [&alone[..], &["--seed", DICE, "--how", HOW, "--commit"]].concat();
        self.run(RESEARCH, &alone, 0, &["The draw is"]).await?;
        let gathered = self.ask(RESEARCH, &["frame", "gather", SHARED, "--show", "226"]).await?;
        let order = |study: &str| -> anyhow::Result<Vec<Value>> {
            let of = list(&gathered, "/orders")?.iter().find(|one| one["study"] == study);
            Ok(list(of.context("a study without an order")?, "/first")?.to_vec())
        };
        let (apart, single) = (order(STUDY)?, order("One registry")?);
        ensure!(single.len() == 226 && single == apart, "the order of two hubs is not that of one registry");
        self.tell("226 units, one order: that of two hubs which drew apart is that of a single registry.");
        let checked = self.ask(RESEARCH, &["frame", "verify", SHARED]).await?;
        ensure!(list(&checked, "/draws")?.len() == 3 && list(&checked, "/findings")?.is_empty(), "{checked}");
        ensure!(number(&checked, "/units")? == 226, "{checked}");
        // With one more that is isolated, whose place will be free: the table.
        let wanted =
            |heading: &str| FOCUS.iter().flatten().filter(|(value, _)| *value == heading).map(|(_, n)| n).sum();
        for (heading, n) in TABLE_1 {
            let drawn: usize = wanted(heading);
            ensure!(drawn + usize::from(heading == "social-isolation") == n, "{heading}");
        }
        Ok(())
    }
}
