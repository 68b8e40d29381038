//! What a hub's people ask and say of a group, whichever way they sit before it: command line or desk.
//!
//! * this file: finding a group by the words people have for it, and all that is known of it;
//! * [`words`]: its fields and values as people read them;
//! * [`say`]: what a person decides about it, as drafts to sign.
//!
//! Nobody types an id: a name, part of a name, words from its entry, or the beginning of an id all lead to it. Where
//! several groups fit, they are listed in an order that stays, and `#2` after the words takes the second.

pub mod say;
pub mod words;

use super::Hub;
use crate::record::group::Assured;
use crate::record::statement::{Kind, RecordRef};
use crate::record::{Group, HubId, vocabulary};
use crate::registry::normal;
use crate::registry::sighting::{self, Seen};
use crate::registry::{Choice, Cluster, Decision, Merged, linkage};
use crate::store::group::{self as stored, Compared, Lists, Loaded, Rules, facet};
use crate::store::log::OWN;
use crate::store::record::{DecisionRow, RecordRow};
use crate::store::registry::GroupRow;
use crate::store::{self, StoreError, lookup};
use sqlx::SqliteConnection;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Most groups that a question which one is meant lists.
pub const OFFERED: usize = 20;

/// Why words did not lead to one group.
#[derive(Debug, thiserror::Error)]
pub enum NotFound {
    /// Nothing fits.
    #[error("no group is found by {0:?}")]
    None(String),
    /// Several fit. They are in the order of their numbers, from 1.
    #[error("{} groups fit {wanted:?}", candidates.len())]
    Several {
        /// What was asked for, without a number.
        wanted: String,
        /// Those that fit.
        candidates: Vec<GroupRow>,
    },
    /// A number past the last that fits.
    #[error("{wanted:?} fits {} groups, so there is no #{number}", candidates)]
    Number {
        /// What was asked for.
        wanted: String,
        /// The number.
        number: usize,
        /// How many fit.
        candidates: usize,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Narrows a list of groups.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Words that all must be found: in names, topics, places or the group's own words.
    pub words: String,
    /// Id of a topic; narrower ones count as well.
    pub topic: Option<String>,
    /// Words of a place.
    pub place: Option<String>,
    /// Id of a status; `active` is also what says nothing.
    pub status: Option<String>,
}

/// Groups by a filter; by best match where there are words, else by name.
///
/// # Errors
/// Database errors.
pub async fn list(db: &mut SqliteConnection, filter: &Filter) -> Result<Vec<GroupRow>, StoreError> {
    let mut parts = Vec::new();
    parts.extend(expression("name words topics place", &filter.words));
    parts.extend(filter.place.as_deref().and_then(|place| expression("place", place)));
    parts.extend(filter.topic.as_deref().map(|topic| format!("facets : \"{}\"", facet("topic", topic))));
    let numbers =
        if parts.is_empty() { lookup::all(db).await? } else { lookup::search(db, &parts.join(" AND ")).await? };
    let mut rows = lookup::groups(db, &numbers).await?;
    if !filter.words.trim().is_empty() {
        let order: BTreeMap<i64, usize> = numbers.iter().enumerate().map(|(at, n)| (*n, at)).collect();
        rows.sort_by_key(|row| order.get(&row.n).copied());
    }
    if let Some(status) = &filter.status {
        rows.retain(|row| row.status == *status || (row.status.is_empty() && status == "active"));
    }
    Ok(rows)
}

/// An expression for the full-text index: every word, the last as a beginning. `None` without words.
fn expression(columns: &str, text: &str) -> Option<String> {
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let (last, rest) = words.split_last()?;
    let mut terms: Vec<String> = rest.iter().map(|word| format!("\"{word}\"")).collect();
    terms.push(format!("\"{last}\" *"));
    Some(format!("{{{columns}}} : ({})", terms.join(" AND ")))
}

/// The one group that a person means.
///
/// Tried in this order, and the first that fits any group decides: the whole name; all words within the name; all words
/// anywhere in the entry; the beginning of an id (four digits or more).
///
/// # Errors
/// [`NotFound`].
pub async fn find(db: &mut SqliteConnection, wanted: &str) -> Result<GroupRow, NotFound> {
    let wanted = wanted.trim();
    let names = lookup::names(db).await?;
    let whole = fitting(db, wanted, &names).await?;
    let (text, number) = match numbered(wanted) {
        // "Group #2" may be a name as it stands.
        Some((text, number)) if whole.is_empty() => (text, Some(number)),
        _ => (wanted, None),
    };
    let numbers = if number.is_some() { fitting(db, text, &names).await? } else { whole };
    let mut found = lookup::groups(db, &numbers).await?;
    match (found.len(), number) {
        (0, _) => Err(NotFound::None(text.to_owned())),
        (1, None | Some(1)) => Ok(found.remove(0)),
        (_, None) => Err(NotFound::Several { wanted: text.to_owned(), candidates: found }),
        (many, Some(number)) if number > many || number == 0 => {
            Err(NotFound::Number { wanted: text.to_owned(), number, candidates: many })
        }
        (_, Some(number)) => Ok(found.remove(number - 1)),
    }
}

/// `carers #2` as the words and the number.
pub fn numbered(wanted: &str) -> Option<(&str, usize)> {
    let (text, number) = wanted.rsplit_once('#')?;
    Some((text.trim(), number.trim().parse().ok()?))
}

async fn fitting(db: &mut SqliteConnection, wanted: &str, names: &[(i64, String)]) -> Result<Vec<i64>, StoreError> {
    let form = normal::words(wanted);
    if form.is_empty() {
        return Ok(Vec::new());
    }
    let forms: Vec<(i64, String)> = names.iter().map(|(n, name)| (*n, normal::words(name))).collect();
    let exact: Vec<i64> = forms.iter().filter(|(_, name)| *name == form).map(|(n, _)| *n).collect();
    if !exact.is_empty() {
        return Ok(exact);
    }
    let asked: Vec<&str> = form.split(' ').collect();
    let within = |name: &str| asked.iter().all(|word| name.split(' ').any(|known| known.starts_with(word)));
    let within: Vec<i64> = forms.iter().filter(|(_, name)| within(name)).map(|(n, _)| *n).collect();
    if !within.is_empty() {
        return Ok(within);
    }
    if let Some(expression) = expression("name words topics place", wanted) {
        let found = lookup::search(db, &expression).await?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    let digits: String = wanted.chars().filter(|c| *c != '-').collect::<String>().to_lowercase();
    if (4..=32).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return lookup::by_id(db, &digits).await;
    }
    Ok(Vec::new())
}

/// One record that speaks of a group.
#[derive(Debug, Clone)]
pub struct One {
    /// Its name in the world.
    pub record: RecordRef,
    /// As folded.
    pub row: RecordRow,
    /// What it says.
    pub group: Group,
    /// Name of its hub.
    pub hub: String,
    /// Title of its list; empty when it names none that is known.
    pub list: String,
}

impl One {
    /// Whether this hub itself says so.
    pub fn own(&self) -> bool {
        self.row.hub == OWN
    }

    /// The revision whose words these are.
    pub fn rev(&self) -> u64 {
        self.row.state.put.map_or(0, |(_, rev)| rev)
    }

    /// Hub and list, as people tell records apart: "Essex Hub, Website list".
    pub fn whose(&self) -> String {
        if self.list.is_empty() || self.list == self.hub {
            self.hub.clone()
        } else {
            format!("{}, {}", self.hub, self.list)
        }
    }

    /// When it was last checked, if a check that stands says so.
    pub fn checked(&self) -> Option<jiff::civil::Date> {
        self.assured().map(|assured| assured.date)
    }

    /// Its last check, as its hub states it.
    pub fn assured(&self) -> Option<&Assured> {
        self.row.state.assured.as_ref().or(self.group.assured.as_ref())
    }
}

/// All that is known of one group.
pub struct Known {
    /// As listed.
    pub row: GroupRow,
    /// What it is.
    pub merged: Merged,
    /// The records that speak of it, in the order of [`Merged::members`].
    pub members: Vec<One>,
    /// Decisions that name any of them, whoever made them.
    pub decisions: Vec<DecisionRow>,
    reader: Reader,
}

/// What reading any group needs, read once.
#[derive(Clone)]
pub struct Reader {
    hubs: Arc<BTreeMap<HubId, String>>,
    lists: Arc<Lists>,
    rules: Rules,
}

impl Reader {
    /// Reads the names of hubs and lists.
    ///
    /// # Errors
    /// Database errors.
    pub async fn new(hub: &Hub, db: &mut SqliteConnection) -> anyhow::Result<Reader> {
        let rules = hub.rules(db).await?;
        let lists = Arc::new(stored::lists(db, &rules).await?);
        Ok(Reader { hubs: Arc::new(store::directory::names(db).await?), lists, rules })
    }

    /// What groups are derived by.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The lists that rows may be of.
    pub fn lists(&self) -> &Lists {
        &self.lists
    }

    /// Reads a group.
    ///
    /// # Errors
    /// Database errors.
    pub async fn read(&self, db: &mut SqliteConnection, row: GroupRow) -> Result<Known, StoreError> {
        let records = store::record::members_of(db, &[row.n]).await?;
        self.among(db, row, &records).await
    }

    /// Reads these records of a group (by number), as if they were all of it.
    ///
    /// # Errors
    /// Database errors.
    pub async fn among(&self, db: &mut SqliteConnection, row: GroupRow, records: &[i64]) -> Result<Known, StoreError> {
        let Reader { hubs, lists, rules } = self;
        let mut loaded = Loaded::read(db, rules, records).await?;
        loaded.level = Some(row.level.clone());
        let records: Vec<RecordRef> = loaded.members.keys().copied().collect();
        let decisions = stored::decisions(db, rules, &records).await?;
        let cluster = Cluster { members: records, joined: Vec::new() };
        let (merged, _) = loaded.merge(&cluster, rules, decisions.iter());
        let title = |hub: i64, group: &Group| {
            let list = group.list.and_then(|list| lists.get(&(hub, list)));
            list.map(|list| list.title.clone()).unwrap_or_default()
        };
        let one = |(record, (row, group)): (RecordRef, (RecordRow, Group))| One {
            hub: hubs.get(&record.hub).cloned().unwrap_or_else(|| record.hub.to_string()),
            list: title(row.hub, &group),
            record,
            row,
            group,
        };
        let members = loaded.members.into_iter().map(one).collect();
        Ok(Known { row, merged, members, decisions, reader: self.clone() })
    }
}

impl Known {
    /// Reads a group.
    ///
    /// # Errors
    /// Database errors.
    pub async fn load(hub: &Hub, db: &mut SqliteConnection, row: GroupRow) -> anyhow::Result<Known> {
        Ok(Reader::new(hub, db).await?.read(db, row).await?)
    }

    /// Finds and reads.
    ///
    /// # Errors
    /// [`NotFound`] within, and database errors.
    pub async fn find(hub: &Hub, db: &mut SqliteConnection, wanted: &str) -> anyhow::Result<Known> {
        let row = find(db, wanted).await?;
        Known::load(hub, db, row).await
    }

    /// A member.
    pub fn member(&self, record: &RecordRef) -> Option<&One> {
        self.members.iter().find(|one| one.record == *record)
    }

    /// A hub's name.
    pub fn hub_name(&self, hub: &HubId) -> String {
        self.reader.hubs.get(hub).cloned().unwrap_or_else(|| hub.to_string())
    }

    /// Who saw the group at first hand, each observer once.
    pub fn seen(&self) -> Vec<Seen> {
        sighting::seen(self.members.iter().map(|one| (one.record, &one.group, one.checked())))
    }

    /// An observer's name, where it is a hub that is known; else what it is called there.
    pub fn observer(&self, observed_by: &str) -> String {
        observed_by.parse().map_or_else(|_| observed_by.to_owned(), |hub| self.hub_name(&hub))
    }

    /// This hub's own records among the members.
    pub fn own(&self) -> Vec<&One> {
        self.members.iter().filter(|one| one.own()).collect()
    }

    /// People's choices that count here.
    pub fn choices(&self) -> Vec<Choice> {
        stored::choices(self.decisions.iter(), &self.reader.rules)
    }

    /// People's judgements of pairs that count here.
    pub fn links(&self) -> Vec<Decision> {
        stored::links(self.decisions.iter(), &self.reader.rules)
    }

    /// Whether everybody may know its place.
    pub fn open(&self) -> bool {
        self.merged.safety == crate::registry::rules::OPEN
    }

    /// Hubs' words about how far the places of records may be known, as far as they count here.
    pub fn safety_words(&self) -> Vec<stored::SafetyWord> {
        stored::safety_words(self.decisions.iter(), &self.reader.rules)
    }

    /// The members as the linker compares them, in their order.
    pub fn compared(&self) -> Vec<Compared> {
        let model = self.reader.rules.policy.linkage();
        let compared = |one: &One| {
            let (features, _) = linkage::read(&one.group, model);
            Compared { hub: one.row.hub, rec: one.row.rec, list: one.group.list, features }
        };
        self.members.iter().map(compared).collect()
    }

    /// What groups are derived by, and the lists that rows may be of.
    pub fn standing(&self) -> (&Rules, &Lists) {
        (&self.reader.rules, &self.reader.lists)
    }
}

/// The lists of this hub, by id, those of its own knowledge first.
///
/// # Errors
/// Database errors.
pub async fn own_lists(hub: &Hub, db: &mut SqliteConnection) -> anyhow::Result<Vec<(uuid::Uuid, crate::record::List)>> {
    let rules = hub.rules(db).await?;
    let mut lists: Vec<_> = stored::lists(db, &rules)
        .await?
        .into_iter()
        .filter(|((n, _), _)| *n == OWN)
        .map(|((_, id), list)| (id, list))
        .collect();
    lists.sort_by(|a, b| {
        (a.1.kind != crate::record::list::OWN, &a.1.title, a.0).cmp(&(
            b.1.kind != crate::record::list::OWN,
            &b.1.title,
            b.0,
        ))
    });
    Ok(lists)
}

/// This hub's own live records with their words, in the order in which they were first said.
///
/// # Errors
/// Database errors.
pub async fn own_records(hub: &Hub, db: &mut SqliteConnection) -> anyhow::Result<Vec<One>> {
    let rules = hub.rules(db).await?;
    let records = lookup::own_live(db).await?;
    let loaded = Loaded::read(db, &rules, &records).await?;
    let mut own: Vec<One> = loaded
        .members
        .into_iter()
        .filter(|(_, (row, _))| row.state.kind == Kind::Record)
        .map(|(record, (row, group))| One { record, row, group, hub: hub.name.clone(), list: String::new() })
        .collect();
    own.sort_by_key(|one| one.row.state.first);
    Ok(own)
}

/// The id of a topic by any of its words.
pub fn topic(text: &str) -> Option<String> {
    vocabulary::topics().find(text).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_after_the_words_is_told_apart() {
        assert_eq!(numbered("carers #2"), Some(("carers", 2)));
        assert_eq!(numbered("carers#12"), Some(("carers", 12)));
        assert_eq!(numbered("carers"), None);
        assert_eq!(numbered("Group # two"), None);
    }

    #[test]
    fn words_become_an_expression_that_cannot_be_anything_else() {
        assert_eq!(expression("name", "carers' \"OR\" x"), Some(r#"{name} : ("carers" AND "OR" AND "x" *)"#.into()));
        assert_eq!(expression("name", " -- "), None);
    }
}
