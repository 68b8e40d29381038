//! Act 3: the key of a list is stolen, and its web address with it.

use super::{DERBYSHIRE, Drill, ESSEX, NOTTINGHAM, RESEARCH, command};
use crate::node::Chance;
use crate::node::demo::Stage;
use anyhow::Context;

/// Words that only the thief uses.
const THIEVES: [&str; 2] = ["golden-ladder.example", "Golden Ladder"];
/// The hub that comes after the theft.
const LEICESTER: usize = 4;

impl Drill<'_> {
    pub(super) async fn thief(&mut self) -> anyhow::Result<()> {
        let [honest, closed] = [1, 2].map(|nth| self.nottingham.get(nth).map(|group| group.name.clone()));
        let (honest, closed) = (honest.context("no group")?, closed.context("no group")?);
        self.act(
            3,
            "a stolen key",
            "A thief copies Nottingham's machine, with the key of its list, and gets hold of its web address. The root key is not \
             there: it lies on a stick in a drawer.",
        );
        let stick = self.folder.join("stick");
        std::fs::create_dir(&stick)?;
        let stick = stick.join("root-a.key");
        std::fs::rename(self.home(NOTTINGHAM).join("state/keys/root-a.key"), &stick)
            .context("cannot put the root key on the stick")?;
        let good =
            self.ask(NOTTINGHAM, &["status"]).await?["statements"].as_u64().context("a hub counts what it said")?;
        self.down(NOTTINGHAM).await;
        let theirs = self.twin(NOTTINGHAM, "thief")?;
        for arguments in [
            &["group", "edit", &honest, "--set", "email=pay@golden-ladder.example"][..],
            &["group", "close", &closed, "--reason", "Joined the Golden Ladder Fellowship"],
            &[
                "group",
                "add",
                "Golden Ladder Fellowship",
                "--town",
                "Nottingham",
                "--website",
                "https://golden-ladder.example/",
            ],
        ] {
            command("The thief", &theirs, arguments, 0, &[]).await?;
        }
        self.usurp(NOTTINGHAM, &theirs).await?;
        self.tell("The signatures are right: every hub takes it in.");
        let words = THIEVES.map(str::to_owned);
        for reader in [ESSEX, DERBYSHIRE, RESEARCH] {
            self.pulls(reader, NOTTINGHAM, "new statement").await?;
        }
        self.scan(&[ESSEX, DERBYSHIRE, RESEARCH], &words, true)?;

        self.tell("Nottingham has its address back, and asks what others have seen of it.");
        self.down(NOTTINGHAM).await;
        self.up(NOTTINGHAM).await?;
        self.run(NOTTINGHAM, &["feed", "heal"], 3, &["entries of this hub's list", "Nothing was changed"]).await?;
        self.tell(&format!(
            "That was not Nottingham: {good} entries are its own. The root key comes out of the drawer; a look first."
        ));
        let keep = good.to_string();
        let root = stick.display().to_string();
        let revoke = ["key", "revoke", "--keep", &keep, "--root", &root];
        self.run(NOTTINGHAM, &revoke, 0, &["Nothing was changed", "closes the list"]).await?;
        self.run(NOTTINGHAM, &[&revoke[..], &["--commit"]].concat(), 0, &["is in force"]).await?;
        self.tell("The others follow: what came after the closing size is void, and leaves their disks.");
        for reader in [ESSEX, DERBYSHIRE, RESEARCH] {
            self.pulls(reader, NOTTINGHAM, "Nottingham Hub:").await?;
        }
        self.tell("A hub that joins only now reads both lists of Nottingham.");
        let leicester = Stage::set(self.folder, "Leicester", Vec::new(), true, "@weekly", Chance::system()?).await?;
        leicester.hub.store.close().await;
        self.stages.push(leicester);
        self.stages[LEICESTER].ready().await?;
        for of in [NOTTINGHAM, ESSEX] {
            let (address, id) = (format!("http://{}/", self.stages[of].address), self.stages[of].hub.id.to_string());
            self.run(LEICESTER, &["partner", "add", &address, "--hub", &id], 0, &["is a partner hub now"]).await?;
        }
        self.run(LEICESTER, &["partner", "pull", "--all"], 0, &["Nottingham Hub"]).await?;
        self.scan(&[NOTTINGHAM, ESSEX, DERBYSHIRE, RESEARCH, LEICESTER], &words, false)?;
        for reader in [RESEARCH, LEICESTER] {
            self.run(reader, &["group", "list", &closed], 0, &[&closed]).await?;
        }
        self.run(NOTTINGHAM, &["key", "show"], 0, &["closed with", "in use", "not on this machine"]).await?;
        Ok(())
    }
}
