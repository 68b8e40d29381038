//! Act 1: a person asks to be taken out.

use super::{DERBYSHIRE, Drill, ESSEX, NOTTINGHAM, RESEARCH};
use anyhow::{Context, bail};
use serde_json::json;

impl Drill<'_> {
    /// Returns the words that are gone, for the act that brings a backup back.
    pub(super) async fn erased(&mut self) -> anyhow::Result<Vec<String>> {
        let group = self.nottingham.first().context("no group to erase")?.clone();
        let contact = group.contact.unwrap_or_default();
        let words: Vec<String> =
            [Some(group.name.clone()), contact.phone, contact.email].into_iter().flatten().collect();
        self.act(
            1,
            "somebody asks to be removed",
            &format!("The person behind “{}” writes to Nottingham: please take us out, everywhere.", group.name),
        );
        let all = [NOTTINGHAM, ESSEX, DERBYSHIRE, RESEARCH];
        self.scan(&all, &words, true)?;
        self.tell("Nottingham looks first. Nothing is changed yet.");
        self.run(NOTTINGHAM, &["erase", &group.name], 0, &["Nothing was changed", "Copies that go"]).await?;
        self.tell("It is what was asked for, so Nottingham does it.");
        self.run(NOTTINGHAM, &["erase", &group.name, "--commit"], 0, &["erased", "Partner hubs delete it"]).await?;
        self.run(NOTTINGHAM, &["erasure", "status"], 3, &["not confirmed since"]).await?;
        self.tell("The others pull, obey the signed notice, and confirm.");
        for reader in [ESSEX, DERBYSHIRE, RESEARCH] {
            self.pulls(reader, NOTTINGHAM, "new statement").await?;
        }
        self.run(ESSEX, &["erasure", "status"], 0, &["erased by Nottingham Hub"]).await?;
        for partner in [ESSEX, DERBYSHIRE] {
            self.pulls(NOTTINGHAM, partner, "new statement").await?;
        }
        self.tell("Nottingham sees who has confirmed, and writes to the person.");
        self.run(NOTTINGHAM, &["erasure", "status"], 0, &["Essex Hub: confirmed on", "Derbyshire Hub: confirmed on"])
            .await?;
        self.run(NOTTINGHAM, &["erasure", "letter", "1"], 0, &["Essex Hub", "Derbyshire Hub"]).await?;
        self.scan(&all, &words, false)?;
        let status = self.ask(NOTTINGHAM, &["erasure", "status"]).await?;
        if status["files_left"] != json!([]) {
            bail!("Nottingham names files that may still hold it: {}", status["files_left"]);
        }
        Ok(words)
    }
}
