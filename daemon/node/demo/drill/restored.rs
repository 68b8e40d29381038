//! Act 4: an old backup comes back.

use super::{Drill, ESSEX, NOTTINGHAM, RESEARCH};
use anyhow::{Context, bail};
use serde_json::json;
use std::path::Path;

impl Drill<'_> {
    pub(super) async fn restored(&mut self, backup: &Path, gone: &[String]) -> anyhow::Result<()> {
        let [moved, ended, later] = [0, 1, 2].map(|nth| self.essex.get(nth).map(|group| group.name.clone()));
        let (moved, ended, later) =
            (moved.context("no group")?, ended.context("no group")?, later.context("no group")?);
        self.act(
            4,
            "a week-old backup",
            "Essex writes down what happened this week, and its partners pull. Then its disk fails, and somebody puts last week's \
             backup back.",
        );
        self.run(ESSEX, &["group", "edit", &moved, "--set", "venue=Chapel Rooms"], 0, &["Chapel Rooms"]).await?;
        self.run(ESSEX, &["group", "close", &ended], 0, &[]).await?;
        for reader in [NOTTINGHAM, RESEARCH] {
            self.pulls(reader, ESSEX, "new statement").await?;
        }
        let before = self.ask(ESSEX, &["status"]).await?["statements"].clone();
        self.down(ESSEX).await;
        let file = backup.display().to_string();
        self.run(ESSEX, &["backup", "restore", &file], 0, &["Nothing was changed", "would be missing"]).await?;
        self.run(ESSEX, &["backup", "restore", &file, "--commit"], 0, &["is in place"]).await?;
        self.up(ESSEX).await?;
        self.tell(
            "Nobody thinks of more, and Essex goes on working. It would now contradict what it signed; it refuses.",
        );
        self.run(ESSEX, &["group", "edit", &later, "--set", "venue=New Library"], 1, &["nothing was published"])
            .await?;
        self.run(ESSEX, &["feed", "heal"], 3, &["entries of this hub's list", "Nothing was changed"]).await?;
        self.run(ESSEX, &["feed", "heal", "--commit"], 0, &["Taken back from"]).await?;
        self.tell(
            "What partners held is back, and what was written since follows it. To the others nothing happened at all.",
        );
        for (group, words) in [(&moved, "Chapel Rooms"), (&later, "New Library")] {
            let shown = self.ask(ESSEX, &["group", "show", group]).await?;
            if !shown.to_string().contains(words) {
                bail!("Essex does not say {words:?} of {group:?} any longer: {shown}");
            }
        }
        let now = self.ask(ESSEX, &["status"]).await?["statements"].clone();
        if now.as_u64() <= before.as_u64() {
            bail!("Essex had said {before} things and has {now} now: something is lost");
        }
        for reader in [NOTTINGHAM, RESEARCH] {
            self.pulls(reader, ESSEX, "new statement").await?;
        }
        let feed = format!("http://{}/", self.stages[ESSEX].address);
        self.run(RESEARCH, &["verify", &feed, "--allow-private"], 0, &[]).await?;
        self.tell("And what Nottingham erased in act 1, while the backup lay in a drawer, did not come back.");
        let all: Vec<usize> = (0..self.stages.len()).collect();
        self.scan(&all, gone, false)?;
        if !super::scan::places(self.folder, gone)?.is_empty() {
            bail!("it stands in the backup, or in another file of the drill");
        }
        for nth in all {
            let found = self.ask(nth, &["registry", "check"]).await?;
            if found["findings"] != json!([]) {
                bail!("{} is not as it must be: {}", self.stages[nth].name, found["findings"]);
            }
        }
        Ok(())
    }
}
