//! Lists that are copies of other hubs' lists: found when somebody looks and something came since, and said in words.

use super::Hub;
use crate::record::statement::RecordRef;
use crate::registry::copies::Copy;
use crate::store;
use crate::store::group::lists;

/// A copied list as people know it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Copied {
    /// Which it is, and of which.
    #[serde(flatten)]
    pub copy: Copy,
    /// Title of the list.
    pub title: String,
    /// Name of its hub.
    pub hub: String,
    /// Title of the list that it repeats.
    pub of_title: String,
    /// Name of that one's hub.
    pub of_hub: String,
}

impl Copied {
    /// In a sentence.
    pub fn words(&self) -> String {
        let Copied { copy: Copy { rows, same, .. }, title, hub, of_title, of_hub } = self;
        format!(
            "{title:?} of {hub} repeats {of_title:?} of {of_hub}: {same} of its {rows} rows word for word, mistakes and long texts \
             included. It is no second sighting of those groups"
        )
    }
}

impl Hub {
    /// Works out which lists are copies, where anything came since that was last done, and keeps it for whoever looks.
    ///
    /// # Errors
    /// Database errors.
    pub async fn look_for_copies(&self) -> anyhow::Result<()> {
        let mut db = self.store.read().await?;
        if store::copies::known(&mut db).await?.1 {
            return Ok(());
        }
        drop(db);
        // In one transaction: what is kept belongs to exactly what it was worked out from.
        let mut write = self.store.write().await?;
        let rules = self.rules(&mut write).await?;
        let found = store::copies::find(&mut write, &rules).await?;
        store::copies::keep(&mut write, &found).await?;
        write.commit().await?;
        Ok(())
    }

    /// The lists that are copies. What is not kept is worked out again, and nothing is written: looking changes nothing.
    ///
    /// # Errors
    /// Database errors.
    pub async fn copies(&self) -> anyhow::Result<Vec<Copied>> {
        let mut db = self.store.read().await?;
        let rules = self.rules(&mut db).await?;
        let found = match store::copies::known(&mut db).await? {
            (found, true) => found,
            // Of one hub's lists none is another hub's.
            _ if rules.hubs.len() < 2 => Vec::new(),
            _ => store::copies::find(&mut db, &rules).await?,
        };
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let (names, lists) = (store::directory::names(&mut db).await?, lists(&mut db, &rules).await?);
        let title = |list: &RecordRef| {
            let key = rules.key(list);
            key.and_then(|key| lists.get(&key)).map_or_else(|| "a list".to_owned(), |list| list.title.clone())
        };
        let hub = |list: &RecordRef| names.get(&list.hub).cloned().unwrap_or_else(|| list.hub.to_string());
        let copied = |copy: Copy| Copied {
            title: title(&copy.list),
            hub: hub(&copy.list),
            of_title: title(&copy.of),
            of_hub: hub(&copy.of),
            copy,
        };
        Ok(found.into_iter().map(copied).collect())
    }
}
