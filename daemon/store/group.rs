//! The records of one group, with the words and decisions that make it. What a group is, is never stored: it is merged
//! from its members when somebody looks, by the same pure functions that listed it.

use super::StoreError;
use super::record::{DecisionRow, RecordRow};
use super::succession::Successions;
use crate::record::list::List;
use crate::record::statement::{Body, HubId, Prefer, RecordRef, Revision, Statement};
use crate::record::{Group, part};
use crate::registry::linkage::{self, Features, Model, Row};
use crate::registry::merge::{self, Member};
use crate::registry::rules as protection;
use crate::registry::{Choice, Cluster, Decision, Merged, Policy, Unit};
use jiff::{Timestamp, civil::Date};
use sqlx::SqliteConnection;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use uuid::Uuid;

/// A record by hub number and id.
pub type Key = (i64, Uuid);

/// What deriving goes by.
#[derive(Clone)]
pub struct Rules {
    /// Whom this hub gives what authority.
    pub policy: Arc<Policy>,
    /// The day the registry speaks of.
    pub as_of: Date,
    /// Hub numbers and ids.
    pub hubs: Arc<BTreeMap<i64, HubId>>,
    /// Records that stand for those of hubs that ended.
    pub successions: Arc<Successions>,
}

impl Rules {
    /// What the registry was last derived by: for readers, who must see groups as they are listed.
    ///
    /// # Errors
    /// Database errors.
    pub async fn standing(db: &mut SqliteConnection, policy: Arc<Policy>) -> Result<Rules, StoreError> {
        let as_of = super::setting(db, "as-of").await?.and_then(|text| text.parse().ok()).unwrap_or_default();
        let rows: Vec<(i64, String)> = sqlx::query_as("SELECT n, id FROM hub").fetch_all(&mut *db).await?;
        let hubs = rows
            .into_iter()
            .map(|(n, id)| Ok((n, id.parse().map_err(|_| super::corrupt("hub.id"))?)))
            .collect::<Result<BTreeMap<i64, HubId>, StoreError>>()?;
        Rules::with(db, policy, as_of, hubs).await
    }

    /// Rules for a day, among these hubs.
    ///
    /// # Errors
    /// Database errors.
    pub async fn with(
        db: &mut SqliteConnection,
        policy: Arc<Policy>,
        as_of: Date,
        hubs: BTreeMap<i64, HubId>,
    ) -> Result<Rules, StoreError> {
        let successions = Arc::new(super::succession::all(db, &hubs).await?);
        Ok(Rules { policy, as_of, hubs: Arc::new(hubs), successions })
    }

    /// A record's name in the world.
    pub fn reference(&self, (hub, rec): Key) -> Option<RecordRef> {
        Some(RecordRef { hub: *self.hubs.get(&hub)?, rec })
    }

    /// A record by its number here, if its hub is known: the one that stands for it.
    pub fn key(&self, record: &RecordRef) -> Option<Key> {
        let record = self.successions.now(*record);
        self.hubs.iter().find(|(_, id)| **id == record.hub).map(|(n, _)| (*n, record.rec))
    }
}

/// Decisions that name any of these records, or one in whose stead it stands.
///
/// # Errors
/// Database errors.
pub async fn decisions(
    db: &mut SqliteConnection,
    rules: &Rules,
    records: &[RecordRef],
) -> Result<Vec<DecisionRow>, StoreError> {
    let former = records.iter().flat_map(|record| rules.successions.former(record).iter().copied());
    let named: Vec<RecordRef> = records.iter().copied().chain(former).collect();
    super::record::decisions(db, &named).await
}

/// Every list of every hub: what it is, for linking and for saying where a row comes from.
pub type Lists = BTreeMap<Key, List>;

/// Reads all lists.
///
/// # Errors
/// Database errors.
pub async fn lists(db: &mut SqliteConnection, rules: &Rules) -> Result<Lists, StoreError> {
    let mut lists = Lists::new();
    for hub in rules.hubs.keys() {
        for row in super::record::lists(db, *hub).await? {
            if let Some((pos, _)) = row.state.put.filter(|_| !row.state.withdrawn)
                && let Some(leaf) = super::log::leaf(db, pos).await?
                && let Some(list) =
                    leaf.line.as_deref().and_then(part::json).and_then(|json| serde_json::from_str(json).ok())
            {
                lists.insert((*hub, row.rec), list);
            }
        }
    }
    Ok(lists)
}

/// The live records of a component with their words.
pub struct Loaded {
    /// By record.
    pub members: BTreeMap<RecordRef, (RecordRow, Group)>,
    /// How far the place may be known of the group to which they belong, where they are not all of it: part of a group is
    /// shown no finer than the whole.
    pub level: Option<String>,
}

impl Loaded {
    /// Reads the live ones among the records with these numbers.
    ///
    /// # Errors
    /// Database errors.
    pub async fn read(db: &mut SqliteConnection, rules: &Rules, records: &[i64]) -> Result<Loaded, StoreError> {
        Ok(Loaded::of(super::record::spoken(db, records).await?, rules))
    }

    /// Takes rows and lines as they are stored.
    pub fn of(spoken: Vec<(RecordRow, String)>, rules: &Rules) -> Loaded {
        let one = |(row, line): (RecordRow, String)| {
            let group = Group::read(part::json(&line)?).ok()?;
            Some((rules.reference((row.hub, row.rec))?, (row, group)))
        };
        Loaded { members: spoken.into_iter().filter_map(one).collect(), level: None }
    }

    /// The records as the linker compares them, by number.
    pub fn compared(&self, model: &Model) -> BTreeMap<i64, Compared> {
        self.members
            .values()
            .map(|(row, group)| {
                let (features, _) = linkage::read(group, model);
                (row.state.first, Compared { hub: row.hub, rec: row.rec, list: group.list, features })
            })
            .collect()
    }

    /// One cluster of them as a group.
    pub fn merge<'a>(
        &'a self,
        cluster: &Cluster,
        rules: &Rules,
        decisions: impl Iterator<Item = &'a DecisionRow>,
    ) -> (Merged, Vec<(&'a RecordRow, RecordRef)>) {
        let found = cluster.members.iter().filter_map(|record| Some((*record, self.members.get(record)?)));
        let rows: Vec<(&RecordRow, RecordRef)> = found.clone().map(|(record, (row, _))| (row, record)).collect();
        let decisions: Vec<&DecisionRow> = decisions.collect();
        let words = safety_words(decisions.iter().copied(), rules);
        let members: Vec<Member> = found
            .map(|(record, (row, group))| {
                let said = guard(&words, &record);
                let guard = protection::most(said.as_deref().into_iter().chain(self.level.as_deref()));
                let former = rules.successions.former(&record).to_vec();
                Member { former, ..member(record, row, group.clone(), guard.map(str::to_owned)) }
            })
            .collect();
        let choices: Vec<Choice> = choices(decisions.into_iter(), rules)
            .into_iter()
            .filter(|choice| cluster.members.contains(&choice.on))
            .collect();
        (merge::merge(&members, &choices, &rules.policy, rules.as_of), rows)
    }
}

/// A record as the linker compares it.
#[derive(Debug, Clone)]
pub struct Compared {
    /// Number of its hub.
    pub hub: i64,
    /// Its id there.
    pub rec: Uuid,
    /// The list whose row it is.
    pub list: Option<Uuid>,
    /// What of it is compared.
    pub features: Features,
}

impl Compared {
    /// A hash of all that a pair's judgement depends on, never 0. Another version of this program may hash otherwise: it then
    /// compares once more than it would have to.
    pub fn hash(&self) -> i64 {
        use sha2::{Digest, Sha256};
        // What decides between equals only, when groups are made, is no part of a judgement.
        let features = Features { content: 0, ..self.features.clone() };
        let digest = Sha256::digest(format!("{:?} {features:?}", self.list));
        i64::from_be_bytes(*digest.first_chunk().unwrap_or(&[1; 8])) | 1
    }

    /// With its place in the world; `None` when its hub is no longer known.
    pub fn row<'a>(&'a self, rules: &Rules, lists: &Lists) -> Option<Row<'a>> {
        let list = self.list.map(|list| (self.hub, list));
        Some(Row {
            record: rules.reference((self.hub, self.rec))?,
            list: list.and_then(|list| rules.reference(list)),
            duplicates: list.and_then(|list| lists.get(&list)).is_some_and(|list| list.duplicates),
            features: &self.features,
        })
    }
}

/// A record as the merge sees it; `guard` is the most protective word of [`safety_words`] about it.
pub fn member(record: RecordRef, row: &RecordRow, group: Group, guard: Option<String>) -> Member {
    let rev = row.state.put.map_or(0, |(_, rev)| rev);
    let eff = if row.state.assured.is_some() { row.state.affirmed } else { row.state.said };
    let eff = Timestamp::from_second(eff).unwrap_or(Timestamp::UNIX_EPOCH);
    Member { record, rev, eff, assured: row.state.assured.clone(), group, guard, former: Vec::new() }
}

/// A hub's word about how far the place of a record's group may be known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SafetyWord {
    /// Whose word.
    pub author: HubId,
    /// The record it is about.
    pub on: RecordRef,
    /// The level.
    pub level: String,
    /// When it was said.
    pub at: Timestamp,
}

/// Safety statements that count: a hub's about its own records, and those of hubs whose decisions count about any.
pub fn safety_words<'a>(rows: impl Iterator<Item = &'a DecisionRow>, rules: &Rules) -> Vec<SafetyWord> {
    rows.filter_map(|row| {
        let author = *rules.hubs.get(&row.hub)?;
        let at = Timestamp::from_second(row.said).ok()?;
        match statement_of(&row.body)?.body {
            Body::Safety { on, level, .. } if on.hub == author || rules.policy.rank(&author).is_some() => {
                Some(SafetyWord { author, on: rules.successions.now(on), level, at })
            }
            _ => None,
        }
    })
    .collect()
}

/// The most protective of the words about a record.
fn guard(words: &[SafetyWord], record: &RecordRef) -> Option<String> {
    let about = words.iter().filter(|word| word.on == *record).map(|word| word.level.as_str());
    protection::most(about).map(str::to_owned)
}

/// A decision's statement.
pub fn statement_of(text: &str) -> Option<Statement> {
    Statement::read(text.as_bytes()).ok()
}

/// Link statements of hubs whose decisions count.
pub fn links<'a>(rows: impl Iterator<Item = &'a DecisionRow>, rules: &Rules) -> Vec<Decision> {
    rows.filter_map(|row| {
        let author = *rules.hubs.get(&row.hub)?;
        let rank = rules.policy.rank(&author)?;
        let at = Timestamp::from_second(row.said).ok()?;
        match statement_of(&row.body)?.body {
            Body::Link { a, b, judgement } => {
                let (a, b) = (rules.successions.now(a), rules.successions.now(b));
                // The record that took the other's place says nothing of itself.
                (a != b).then_some(())?;
                Some(Decision { author, rank, a, b, judgement, at, order: super::log::order(row.pos) })
            }
            _ => None,
        }
    })
    .collect()
}

/// Choose statements of hubs whose decisions count.
pub fn choices<'a>(rows: impl Iterator<Item = &'a DecisionRow>, rules: &Rules) -> Vec<Choice> {
    rows.filter_map(|row| {
        let author = *rules.hubs.get(&row.hub)?;
        let rank = rules.policy.rank(&author)?;
        let at = Timestamp::from_second(row.said).ok()?;
        match statement_of(&row.body)?.body {
            Body::Choose { on, field, prefer, over } => {
                let unit = Unit::of(&field)?;
                let now = |of: Revision| Revision { record: rules.successions.now(of.record), ..of };
                let on = rules.successions.now(on);
                let prefer = match prefer {
                    Prefer::Value(of) => Prefer::Value(now(of)),
                    other => other,
                };
                let over = over.into_iter().map(now).collect();
                Some(Choice { author, rank, on, unit, prefer, over, at, order: super::log::order(row.pos) })
            }
            _ => None,
        }
    })
    .collect()
}

/// A facet's token in the index: `kind_value` with one underscore for all between two words. The words stay as they are
/// written, because people read them again and search by them.
pub fn facet(kind: &str, value: &str) -> String {
    let words = tokens(value);
    format!("{kind}_{}", words.join("_"))
}

/// The words of a text as the full-text index has them.
pub(super) fn tokens(text: &str) -> Vec<String> {
    let plain = deunicode::deunicode(text).to_lowercase();
    plain.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// A group as read: the records it is made of, their lists, and what they say together.
#[derive(Debug, Clone)]
pub struct Reading {
    /// Its number.
    pub n: i64,
    /// Records with their words, by id.
    pub members: BTreeMap<RecordRef, (RecordRow, Group)>,
    /// The lists they are rows of.
    pub lists: BTreeMap<RecordRef, List>,
    /// What they say together.
    pub merged: Merged,
    /// Decisions that name any of them.
    pub decisions: Vec<DecisionRow>,
}

impl Reading {
    /// Number of hubs that speak of it: whoever only repeats them is none.
    pub fn hubs(&self) -> usize {
        let mut hubs: Vec<HubId> = self.merged.members.iter().map(|record| record.hub).collect();
        hubs.dedup();
        hubs.len()
    }
}

/// Reads groups by number, in the order given; those that are gone are left out.
///
/// # Errors
/// Database errors.
pub async fn read(db: &mut SqliteConnection, rules: &Rules, groups: &[i64]) -> Result<Vec<Reading>, StoreError> {
    let mut by_group: HashMap<i64, Vec<Key>> = HashMap::new();
    let records = super::record::members_of(db, groups).await?;
    let loaded = Loaded::read(db, rules, &records).await?;
    for (row, _) in loaded.members.values() {
        by_group.entry(row.group.unwrap_or_default()).or_default().push((row.hub, row.rec));
    }
    let references: Vec<RecordRef> = loaded.members.keys().copied().collect();
    let decisions = decisions(db, rules, &references).await?;
    let lists = lists(db, rules).await?;
    let mut read = Vec::with_capacity(groups.len());
    for n in groups {
        let Some(keys) = by_group.get(n) else { continue };
        let mut members: Vec<RecordRef> = keys.iter().filter_map(|key| rules.reference(*key)).collect();
        members.sort_unstable();
        let names_one = |row: &&DecisionRow| {
            let named = |record: RecordRef| members.contains(&rules.successions.now(record));
            statement_of(&row.body).is_some_and(|statement| match statement.body {
                Body::Link { a, b, .. } => named(a) || named(b),
                Body::Choose { on, .. } | Body::Safety { on, .. } => named(on),
                _ => false,
            })
        };
        let decisions: Vec<DecisionRow> = decisions.iter().filter(names_one).cloned().collect();
        let cluster = Cluster { members: members.clone(), joined: Vec::new() };
        let (merged, _) = loaded.merge(&cluster, rules, decisions.iter());
        let found: BTreeMap<RecordRef, (RecordRow, Group)> =
            members.iter().filter_map(|record| Some((*record, loaded.members.get(record)?.clone()))).collect();
        let lists = found
            .iter()
            .filter_map(|(record, (row, group))| Some((*record, lists.get(&(row.hub, group.list?))?.clone())))
            .collect();
        read.push(Reading { n: *n, members: found, lists, merged, decisions });
    }
    Ok(read)
}
