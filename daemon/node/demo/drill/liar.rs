//! Act 2: a hub tells two partners two histories.

use super::{DERBYSHIRE, Drill, ESSEX, NOTTINGHAM, RESEARCH, command};
use crate::node::demo::watch::say;
use crate::store;
use anyhow::{Context, bail};
use serde_json::json;

impl Drill<'_> {
    pub(super) async fn liar(&mut self) -> anyhow::Result<()> {
        let group = self.derbyshire.first().context("no group to lie about")?.name.clone();
        self.act(
            2,
            "a hub that lies",
            &format!(
                "Somebody at Derbyshire has two copies of the hub, with one key. One says that “{group}” has moved, the other that \
                 it has ended. Nottingham is shown the first, Essex the second."
            ),
        );
        let key = self.stages[DERBYSHIRE].hub.keys.log.public().to_string();
        self.down(DERBYSHIRE).await;
        let second = self.twin(DERBYSHIRE, "derbyshire-second-copy")?;
        self.run(DERBYSHIRE, &["group", "edit", &group, "--set", "venue=Old Corn Exchange"], 0, &["Old Corn Exchange"])
            .await?;
        command("Derbyshire (second copy)", &second, &["group", "close", &group], 0, &[]).await?;
        self.up(DERBYSHIRE).await?;
        self.pulls(NOTTINGHAM, DERBYSHIRE, "new statement").await?;
        self.pulls(RESEARCH, DERBYSHIRE, "new statement").await?;
        self.down(DERBYSHIRE).await;
        self.usurp(DERBYSHIRE, &second).await?;
        self.pulls(ESSEX, DERBYSHIRE, "new statement").await?;

        self.tell("Each signature was right, so nobody noticed. Once a day hubs read what their partners have seen; they do it now.");
        for reader in [NOTTINGHAM, ESSEX, RESEARCH] {
            let hub = self.open(reader).await?;
            let mut db = hub.store.read().await?;
            let partners = store::partner::all(&mut db).await?;
            drop(db);
            let mut met = Vec::new();
            for partner in &partners {
                met.extend(hub.gossip(partner, true).await?);
            }
            hub.store.close().await;
            met.sort();
            met.dedup();
            let name = self.stages[reader].name;
            met.iter().for_each(|words| say(&format!("  {name:<11} notices: {words}")));
            if !met.iter().any(|words| words.contains("Derbyshire Hub told")) {
                bail!("{name} did not notice that it was told another history: {met:?}");
            }
        }
        self.tell("Nothing more is taken from Derbyshire. What each held of it before stays as it was.");
        for reader in [NOTTINGHAM, ESSEX, RESEARCH] {
            let before = self.held(reader).await?;
            self.run(reader, &["partner", "pull", "Derbyshire Hub"], 4, &["Derbyshire Hub: disputed"]).await?;
            if self.held(reader).await? != before || before == json!(0) {
                bail!("{} no longer holds what it held of Derbyshire", self.stages[reader].name);
            }
        }
        self.tell("The two signed notes are a proof that anybody can check, with no hub and no trust in Essex.");
        let folder = self.folder.join("evidence");
        let shown = self
            .run(
                ESSEX,
                &["partner", "evidence", "--out", &folder.display().to_string()],
                3,
                &["two histories of its list"],
            )
            .await?;
        let notes: Vec<&str> = shown.lines().map(str::trim).filter(|line| line.ends_with(".note")).collect();
        let [one, other] = notes[..] else { bail!("there are {} notes, not two", notes.len()) };
        let proof = ["verify", "--fork", one, other, "--key", &key];
        command("Anybody", &self.stages[RESEARCH].config, &proof, 0, &["PROVEN"]).await?;
        self.tell("And Derbyshire's honest machine, back at its address, is told as well.");
        self.down(DERBYSHIRE).await;
        self.up(DERBYSHIRE).await?;
        self.run(DERBYSHIRE, &["feed", "heal"], 3, &["another history of this hub's list"]).await?;
        Ok(())
    }

    /// How many statements of Derbyshire a hub holds.
    async fn held(&self, nth: usize) -> anyhow::Result<serde_json::Value> {
        let partners = self.ask(nth, &["partner", "list"]).await?;
        let row = partners.as_array().into_iter().flatten().find(|row| row["name"] == json!("Derbyshire Hub"));
        Ok(row.context("Derbyshire is no partner any longer")?["records_held"].clone())
    }
}
