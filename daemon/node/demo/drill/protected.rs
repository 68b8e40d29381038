//! Act 5: a place that must not be known, and a partner that shows it.

use super::{Drill, ESSEX, NOTTINGHAM, RESEARCH, scan};
use crate::node::demo::watch::say;
use crate::store::{Store, protected};
use anyhow::bail;

/// A row of a spreadsheet as somebody at Essex was given it. The place is nobody's, and its words stand nowhere else.
const SHEET: &str = "Group name,About the group (its own words),Venue,Street address,Town or village,Postcode,Telephone\n\
    Thursday Willow Circle,For women after domestic violence.,Quorlick Mill,7 Zyxbury Lane,Vendlethorpe,ZE3 9QX,01632 960778\n";
/// What would give the place away.
const MARKS: [&str; 4] = ["quorlick", "zyxbury", "vendlethorpe", "ze3 9qx"];

impl Drill<'_> {
    pub(super) async fn protected(&mut self) -> anyhow::Result<()> {
        self.act(
            5,
            "a place that must not be known",
            "Essex is given a spreadsheet with a group for women after domestic violence, its address and all.",
        );
        let sheet = self.folder.join("willow.csv");
        std::fs::write(&sheet, SHEET)?;
        let sheet = sheet.display().to_string();
        let words: Vec<String> = MARKS.map(str::to_owned).into();
        self.tell("The import asks. It does not decide, and nothing is taken in before somebody has answered.");
        self.run(ESSEX, &["import", &sheet], 3, &["does anybody come to harm"]).await?;
        self.run(ESSEX, &["import", &sheet, "--safety", "2=contact-first", "--commit"], 0, &[]).await?;
        self.run(ESSEX, &["safety", "list"], 0, &["Thursday Willow Circle", "Contact first"]).await?;

        self.tell("Nottingham has the group from elsewhere, and knows of no danger: it publishes where it meets.");
        let (venue, address) = ("venue=Quorlick Mill", "address=7 Zyxbury Lane");
        let add = ["group", "add", "Thursday Willow Circle", "--town", "Vendlethorpe", "--postcode", "ZE3 9QX"];
        let more = ["--phone", "01632 960778", "--set", venue, "--set", address];
        self.run(NOTTINGHAM, &[&add[..], &more].concat(), 0, &[]).await?;
        self.scan(&[NOTTINGHAM], &words, true)?;

        self.tell(
            "Essex pulls. Without its place the program cannot tell that it is the same group; somebody at Essex can. From then on \
             Essex shows nothing of what Nottingham says of the place, and says whose record it is.",
        );
        self.pulls(ESSEX, NOTTINGHAM, "new statement").await?;
        let two = ["Thursday Willow Circle #1", "Thursday Willow Circle #2"];
        self.run(ESSEX, &["link", "--same", two[0], two[1]], 0, &[]).await?;
        self.run(ESSEX, &["safety", "list"], 3, &["Nottingham Hub"]).await?;
        let shown = self.run(ESSEX, &["group", "show", "Thursday Willow Circle"], 0, &["Contact first"]).await?;
        self.quiet(&shown, "Essex")?;

        self.tell("Nottingham pulls Essex's signed word. It names the record and the level, and nothing of the place.");
        self.pulls(NOTTINGHAM, ESSEX, "new statement").await?;
        self.run(NOTTINGHAM, &["safety", "list"], 3, &["Thursday Willow Circle"]).await?;
        let shown = self.run(NOTTINGHAM, &["group", "show", "Thursday Willow Circle"], 0, &["Contact first"]).await?;
        self.quiet(&shown, "Nottingham")?;
        self.tell("Its people look, and protect their own record as well; what everybody could read is erased.");
        self.run(NOTTINGHAM, &["safety", "set", "Thursday Willow Circle", "contact-first"], 0, &["withheld"]).await?;
        self.run(NOTTINGHAM, &["safety", "set", "Thursday Willow Circle", "contact-first", "--commit"], 0, &["erased"])
            .await?;
        self.pulls(ESSEX, NOTTINGHAM, "new statement").await?;
        self.pulls(RESEARCH, NOTTINGHAM, "new statement").await?;
        self.run(ESSEX, &["safety", "list"], 0, &["Contact first"]).await?;

        self.tell("The two hubs keep the place in one table each, for their own people. Nowhere else is a byte of it.");
        for nth in [ESSEX, NOTTINGHAM] {
            self.scan_beside_the_table(nth, &words).await?;
        }
        let others: Vec<usize> = (0..self.stages.len()).filter(|nth| ![ESSEX, NOTTINGHAM].contains(nth)).collect();
        self.scan(&others, &words, false)
    }

    /// What somebody is shown holds nothing of the place.
    fn quiet(&self, shown: &str, who: &str) -> anyhow::Result<()> {
        let shown = shown.to_lowercase();
        match MARKS.iter().find(|mark| shown.contains(*mark)) {
            Some(mark) => bail!("{who} shows {mark:?}:\n{shown}"),
            None => Ok(()),
        }
    }

    /// The byte scan of a hub that protects places: its rows are taken out of the one table that may hold them, in a copy, and
    /// nothing may be left.
    async fn scan_beside_the_table(&mut self, nth: usize, words: &[String]) -> anyhow::Result<()> {
        self.down(nth).await;
        let copy = self.folder.join("looked-through");
        super::copy(&self.home(nth), &copy)?;
        let store = Store::open(&copy.join("state").join("mutuald.db"), false).await?;
        let mut db = store.write().await?;
        for row in protected::rows(&mut db).await? {
            protected::release(&mut db, row.rec).await?;
        }
        db.commit().await?;
        store.truncate().await?;
        store.close().await;
        let found = scan::places(&copy, words)?;
        let name = self.stages[nth].name;
        say(&format!("  {name:<11} byte scan of its whole folder, but for that table: {}", scan::told(found.len())));
        if !found.is_empty() {
            bail!("the place stands in files of {name}: {found:?}");
        }
        std::fs::remove_dir_all(&copy)?;
        self.up(nth).await
    }
}
