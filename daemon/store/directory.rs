//! What people look up: search, a group, the first page, how partners do. Fills in [`super::view`]s.

use super::describe::{self, Names};
use super::group::{self, Rules, facet, tokens};
use super::view::{
    Choice, Counts, Decision, Filter, GroupPage, Hit, HomePage, Offer, PartnerRow, PartnerState, PartnersPage, Proof,
    SearchPage, Sort, Terms, Topic,
};
use super::{StoreError, corrupt};
use crate::feed::Checkpoint;
use crate::record::statement::{Body, Judgement};
use crate::record::vocabulary;
use jiff::tz::TimeZone;
use sqlx::{Row, SqliteConnection};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Up to this many matches are ranked by how well they match; more are too many for anybody to read, and come as they
/// stand in the index.
const RANKED: i64 = 1_000;

/// Words that every group here could be called by. They find nothing, so they are left out of what is searched for.
const EVERY_GROUP: [&str; 12] =
    ["group", "groups", "support", "self", "help", "selfhelp", "mutual", "aid", "peer", "club", "the", "for"];

/// A search as the index reads it: for groups that go on or have ended, by whole words or by how words begin. The index
/// stems English words, so "carer" finds "carers" either way.
pub(super) fn expression(terms: &Terms, current: bool, begin: bool) -> String {
    let mut all = Vec::new();
    let words = tokens(&terms.words);
    let telling: Vec<&String> = words.iter().filter(|word| !EVERY_GROUP.contains(&word.as_str())).collect();
    // Facets hold an underscore, which no word that is typed does: they need not be kept apart here.
    all.extend(telling.iter().map(|word| token(word, begin)));
    all.extend(terms.topic.iter().map(|topic| format!("facets : {}", facet("topic", topic))));
    all.extend(terms.mode.iter().map(|mode| format!("facets : {}", facet("mode", mode))));
    let place = terms.place.as_deref().unwrap_or_default();
    all.extend(tokens(place).iter().map(|word| format!("place : {}", token(word, begin))));
    let status = |status: &str| format!("facets : {}", facet("status", status));
    if all.is_empty() {
        return status(if current { "current" } else { "ended" });
    }
    // Every group has one or the other. Few have ended, nearly all go on: leaving out the few is what costs least.
    let all = all.join(" AND ");
    if current { format!("({all}) NOT {}", status("ended")) } else { format!("({all}) AND {}", status("ended")) }
}

fn token(word: &str, begin: bool) -> String {
    match word.strip_suffix('s') {
        _ if begin && word.len() >= 3 => format!("\"{word}\" *"),
        // Whoever looks for "mens" means "men's" too, which is two words in the index.
        Some(stem) if stem.len() >= 3 => format!("(\"{word}\" OR \"{stem} s\")"),
        _ => format!("\"{word}\""),
    }
}

/// Hub names by id.
///
/// # Errors
/// Database errors.
pub async fn names(db: &mut SqliteConnection) -> Result<Names, StoreError> {
    let rows: Vec<(String, String)> = sqlx::query_as("SELECT id, name FROM hub").fetch_all(db).await?;
    rows.into_iter().map(|(id, name)| Ok((id.parse().map_err(|_| corrupt("hub.id"))?, name))).collect()
}

/// Numbers of the groups that are found, best first, with the total. Groups that have ended come only when no other is
/// found.
///
/// # Errors
/// Database errors.
pub async fn find(
    db: &mut SqliteConnection,
    terms: &Terms,
    limit: i64,
    offset: i64,
) -> Result<(Vec<i64>, u64), StoreError> {
    for (current, begin) in [(true, false), (true, true), (false, false), (false, true)] {
        let expression = expression(terms, current, begin);
        let total: i64 = sqlx::query_scalar("SELECT count(*) FROM search WHERE search MATCH ?")
            .bind(&expression)
            .fetch_one(&mut *db)
            .await?;
        if total == 0 {
            continue;
        }
        let worded = !tokens(&terms.words).is_empty();
        let sql = match terms.sort {
            Sort::Match if worded && total <= RANKED => {
                "SELECT rowid FROM search WHERE search MATCH ? ORDER BY rank, rowid LIMIT ? OFFSET ?"
            }
            Sort::Match if total > RANKED => {
                "SELECT rowid FROM search WHERE search MATCH ? ORDER BY rowid LIMIT ? OFFSET ?"
            }
            Sort::Checked => {
                "SELECT n FROM search JOIN grp ON n = search.rowid WHERE search MATCH ? \
                 ORDER BY checked = '', checked DESC, n LIMIT ? OFFSET ?"
            }
            Sort::Match | Sort::Name => {
                "SELECT n FROM search JOIN grp ON n = search.rowid WHERE search MATCH ? \
                 ORDER BY grp.name COLLATE NOCASE, n LIMIT ? OFFSET ?"
            }
        };
        let found = sqlx::query_scalar(sql).bind(&expression).bind(limit).bind(offset).fetch_all(db).await?;
        return Ok((found, total as u64));
    }
    Ok((Vec::new(), 0))
}

/// One page of search results.
///
/// # Errors
/// Database errors.
pub async fn search(
    db: &mut SqliteConnection,
    rules: &Rules,
    terms: &Terms,
    per_page: u32,
) -> Result<SearchPage, StoreError> {
    let offset = i64::from(terms.page.saturating_sub(1)) * i64::from(per_page);
    let (found, total) = find(db, terms, i64::from(per_page), offset).await?;
    page(db, rules, terms, per_page, &found, total).await
}

/// The page of these groups, of so many in all.
pub(super) async fn page(
    db: &mut SqliteConnection,
    rules: &Rules,
    terms: &Terms,
    per_page: u32,
    found: &[i64],
    total: u64,
) -> Result<SearchPage, StoreError> {
    let names = names(db).await?;
    let hits = hits(db, rules, &names, found, &tokens(&terms.words)).await?;
    let mut page = SearchPage {
        terms: terms.clone(),
        hits,
        total,
        per_page,
        pages: (total.div_ceil(u64::from(per_page.max(1)))).max(1) as u32,
        ..SearchPage::default()
    };
    let all = facets(db).await?;
    page.topics = filter(&all, "topic", terms.topic.as_deref());
    page.places = filter(&all, "place", None);
    page.modes = filter(&all, "mode", terms.mode.as_deref());
    if total == 0 {
        page.offers = offers(db, terms).await?;
    }
    Ok(page)
}

async fn hits(
    db: &mut SqliteConnection,
    rules: &Rules,
    names: &Names,
    found: &[i64],
    words: &[String],
) -> Result<Vec<Hit>, StoreError> {
    let read = group::read(db, rules, found).await?;
    Ok(read.iter().map(|read| describe::hit(read, names, words)).collect())
}

/// Searches that leave something out and then find something.
async fn offers(db: &mut SqliteConnection, terms: &Terms) -> Result<Vec<Offer>, StoreError> {
    let wider = [
        ("The same, anywhere", Terms { place: None, page: 1, ..terms.clone() }),
        ("The same, however it meets", Terms { mode: None, page: 1, ..terms.clone() }),
        ("The same words, on any topic", Terms { topic: None, page: 1, ..terms.clone() }),
        ("Everything there", Terms { words: String::new(), topic: None, mode: None, page: 1, ..terms.clone() }),
    ];
    let mut offers: Vec<Offer> = Vec::new();
    for (label, terms_then) in wider {
        if terms_then == *terms || offers.iter().any(|offer| offer.terms == terms_then) {
            continue;
        }
        let (_, count) = find(db, &terms_then, 0, 0).await?;
        if count > 0 {
            offers.push(Offer { label: label.to_owned(), terms: terms_then, count });
        }
    }
    Ok(offers)
}

/// Every facet in the index with its number of groups.
async fn facets(db: &mut SqliteConnection) -> Result<BTreeMap<String, u64>, StoreError> {
    // One row of all: a thousand rows take many times as long to hand over, and every search page asks for them.
    let all: Option<String> =
        sqlx::query_scalar("SELECT group_concat(term || ' ' || groups, ' ') FROM facet").fetch_one(db).await?;
    let all = all.unwrap_or_default();
    let words: Vec<&str> = all.split(' ').collect();
    let one = |term: &str, count: &str| Ok((term.to_owned(), count.parse().map_err(|_| corrupt("facet.groups"))?));
    words.chunks_exact(2).map(|pair| one(pair[0], pair[1])).collect()
}

/// Most values offered for one filter.
const MOST_CHOICES: usize = 200;

fn filter(all: &BTreeMap<String, u64>, kind: &str, chosen: Option<&str>) -> Filter {
    let choice = |value: &str, label: String| {
        let count = all.get(&facet(kind, value)).copied().unwrap_or(0);
        Choice { value: value.to_owned(), label, count }
    };
    let mut choices: Vec<Choice> = match kind {
        "topic" => vocabulary::topics().terms.iter().map(|term| choice(&term.id, term.label.clone())).collect(),
        "mode" => vocabulary::modes().terms.iter().map(|term| choice(&term.id, term.label.clone())).collect(),
        _ => {
            let places = all.iter().filter_map(|(term, count)| Some((term.strip_prefix("place_")?, *count)));
            let mut places: Vec<(&str, u64)> = places.collect();
            // There are thousands: only those that may be offered are given their capitals again.
            places.sort_unstable_by_key(|(_, count)| std::cmp::Reverse(*count));
            let least = places.get(MOST_CHOICES - 1).map_or(0, |(_, count)| *count);
            let offered = places.into_iter().take_while(|(_, count)| *count >= least);
            offered
                .map(|(term, count)| {
                    let value = term.replace('_', " ");
                    Choice { label: capitals(&value), value, count }
                })
                .collect()
        }
    };
    choices.retain(|choice| choice.count > 0 || Some(choice.value.as_str()) == chosen);
    choices.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.label.cmp(&b.label)));
    choices.truncate(MOST_CHOICES);
    Filter { choices }
}

/// The topics that have groups, as a tree: under `parent`, or from the top. The vocabulary holds no cycles.
fn topics(all: &BTreeMap<String, u64>, parent: Option<&str>) -> Vec<Topic> {
    let here = |term: &&vocabulary::Term| match parent {
        Some(parent) => term.parents.iter().any(|id| id == parent),
        None => term.parents.is_empty(),
    };
    let mut found: Vec<Topic> = vocabulary::topics()
        .terms
        .iter()
        .filter(here)
        .filter_map(|term| {
            let count = all.get(&facet("topic", &term.id)).copied().filter(|count| *count > 0)?;
            let choice = Choice { value: term.id.clone(), label: term.label.clone(), count };
            Some(Topic { choice, narrower: topics(all, Some(&term.id)) })
        })
        .collect();
    let weight = |topic: &Topic| (std::cmp::Reverse(topic.choice.count), topic.choice.label.clone());
    found.sort_by_cached_key(weight);
    found
}

/// A place as the index holds it, with capitals and apostrophes again.
fn capitals(text: &str) -> String {
    let small = ["on", "in", "upon", "the", "and", "le", "under", "by", "of", "near", "cum", "with", "s", "next"];
    let word = |(n, word): (usize, &str)| {
        let mut letters = word.chars();
        match letters.next() {
            Some(first) if n == 0 || !small.contains(&word) => first.to_uppercase().chain(letters).collect(),
            _ => word.to_owned(),
        }
    };
    let shown = text.split(' ').enumerate().map(word).collect::<Vec<String>>().join(" ");
    format!("{shown} ").replace(" s ", "'s ").trim_end().to_owned()
}

/// The group that a record belongs to, by any member's id.
///
/// # Errors
/// Database errors.
pub async fn group_of(db: &mut SqliteConnection, rec: Uuid) -> Result<Option<i64>, StoreError> {
    sqlx::query_scalar("SELECT grp FROM record WHERE rec = ? AND grp IS NOT NULL ORDER BY hub LIMIT 1")
        .bind(&rec.as_bytes()[..])
        .fetch_optional(db)
        .await
}

/// A group's page by any member's id; `None` when there is no such group, or none that the public may see.
///
/// # Errors
/// Database errors.
pub async fn group(db: &mut SqliteConnection, rules: &Rules, rec: Uuid) -> Result<Option<GroupPage>, StoreError> {
    let Some(n) = group_of(db, rec).await? else { return Ok(None) };
    let names = names(db).await?;
    let read = group::read(db, rules, &[n]).await?;
    let Some(read) = read.first().filter(|read| read.merged.listed()) else { return Ok(None) };
    let mut page = describe::page(read, &names);
    page.decisions = read.decisions.iter().filter_map(|row| decision(row, rules, &names)).collect();
    Ok(Some(page))
}

/// A decision in a sentence.
pub fn decision(row: &super::record::DecisionRow, rules: &Rules, names: &Names) -> Option<Decision> {
    let by = rules.hubs.get(&row.hub).and_then(|id| names.get(id)).cloned().unwrap_or_default();
    let date = jiff::Timestamp::from_second(row.said).ok()?.to_zoned(TimeZone::UTC).date();
    let text = match group::statement_of(&row.body)?.body {
        Body::Link { judgement, .. } => match judgement {
            Judgement::Same => "These records speak of one group.",
            Judgement::Different => "Two records that look alike speak of different groups.",
            Judgement::Unsure => "Somebody looked whether two records are one group and could not tell.",
            Judgement::None => "An earlier judgement was taken back.",
            Judgement::BranchOf => "This group is a branch of another, or has one.",
            Judgement::HostedBy => "This group is hosted by another body, or hosts one.",
            Judgement::SucceededBy => "This group followed another, or was followed by one.",
            Judgement::SameVenue => "Another group meets at the same place and is not this one.",
        }
        .to_owned(),
        Body::Choose { field, prefer, .. } => match prefer {
            crate::record::statement::Prefer::Value(_) => {
                format!("A value was chosen for “{}”.", field.replace('_', " "))
            }
            crate::record::statement::Prefer::Unresolved => {
                format!("Somebody looked at “{}” and could not settle it.", field.replace('_', " "))
            }
            crate::record::statement::Prefer::Retracted => {
                format!("A choice for “{}” was taken back.", field.replace('_', " "))
            }
        },
        Body::Safety { .. } => "Where this group meets was said to need care.".to_owned(),
        _ => return None,
    };
    Some(Decision { text, by, date })
}

/// Counts of the registry.
///
/// # Errors
/// Database errors.
pub async fn counts(db: &mut SqliteConnection) -> Result<Counts, StoreError> {
    let row = sqlx::query(
        "SELECT (SELECT count(*) FROM grp WHERE status <> 'closed' AND level IN ('open', 'approximate', 'contact-first', 'unlisted')) AS groups, \
                (SELECT count(*) FROM grp WHERE status = 'closed' AND level IN ('open', 'approximate', 'contact-first', 'unlisted')) AS closed, \
                (SELECT count(*) FROM record WHERE kind = 1 AND state = 'live') AS records, \
                (SELECT count(DISTINCT hub) FROM record WHERE kind = 1 AND state = 'live') AS hubs, \
                (SELECT count(*) FROM grp WHERE conflicts <> '') AS disagreements",
    )
    .fetch_one(db)
    .await?;
    let number = |column: &str| row.get::<i64, _>(column) as u64;
    Ok(Counts {
        groups: number("groups"),
        closed: number("closed"),
        records: number("records"),
        hubs: number("hubs"),
        disagreements: number("disagreements"),
    })
}

/// The first page.
///
/// # Errors
/// Database errors.
pub async fn home(db: &mut SqliteConnection) -> Result<HomePage, StoreError> {
    let all = facets(db).await?;
    let some = |kind: &str, most: usize| filter(&all, kind, None).choices.into_iter().take(most).collect();
    Ok(HomePage {
        topics: topics(&all, None),
        places: some("place", 24),
        modes: some("mode", 10),
        counts: counts(db).await?,
    })
}

/// How partners do, and this hub as they see it.
///
/// # Errors
/// Database errors.
pub async fn partners(
    db: &mut SqliteConnection,
    now: &jiff::Zoned,
    published: bool,
) -> Result<PartnersPage, StoreError> {
    let logs = super::log::all(db).await?;
    // The newest of a hub's logs is the one in use, and they come oldest first.
    let own = logs.iter().rfind(|log| log.owner == super::log::OWN).ok_or(StoreError::RowNotFound)?;
    let (mut partners, evidence) = (Vec::new(), super::hub::evidence(db).await?);
    let readers = super::contact::readers(db).await?;
    for row in super::partner::all(db).await? {
        let log = logs.iter().rfind(|log| log.owner == row.hub).ok_or(StoreError::RowNotFound)?;
        let signed = log.checkpoint.as_deref().and_then(|note| Checkpoint::open(note, &log.key, &log.peer).ok());
        let records = super::registry::live(db, row.hub).await?;
        let mut shown = partner_row(&row, signed.as_ref(), records, now);
        shown.reads_contacts = readers.contains_key(&log.hub);
        shown.evidence = evidence.iter().filter(|one| one.hub == row.id).map(proof).collect();
        partners.push(shown);
    }
    let names = names(db).await?;
    for copy in super::copies::known(db).await?.0 {
        let of = names.get(&copy.of.hub).cloned().unwrap_or_default();
        let words = format!(
            "{} of the {} rows of one of its lists stand word for word in a list of {of}",
            copy.same, copy.rows
        );
        let own = partners.iter_mut().find(|row| row.hub == copy.list.hub.to_string());
        own.into_iter().for_each(|row| row.copies.push(words.clone()));
    }
    Ok(PartnersPage {
        now: now.clone(),
        name: own.name.clone(),
        hub: own.hub.to_string(),
        fingerprint: own.key.fingerprint(),
        feed_size: own.held,
        published,
        partners,
        counts: counts(db).await?,
        digest: super::registry::digest(db).await?.0,
    })
}

fn partner_row(
    row: &super::partner::PartnerRow,
    signed: Option<&Checkpoint>,
    records: u64,
    now: &jiff::Zoned,
) -> PartnerRow {
    let time = |seconds: Option<i64>| seconds.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    let state = match row.state.as_str() {
        // Paused by this hub itself, which a person must hear of.
        "too-many-entries" => PartnerState::Refused,
        _ if row.paused => PartnerState::Paused,
        "new" => PartnerState::New,
        "waiting" => PartnerState::Waiting,
        "disputed" | "fork" | "mismatch" => PartnerState::Refused,
        "current" | "changed" | "stale" | "stale-view" => PartnerState::UpToDate,
        code if code.starts_with("checkpoint-") || code.starts_with("hub-") || code.starts_with("bundle-") => {
            PartnerState::Refused
        }
        _ => PartnerState::Failing,
    };
    let lag = signed.map_or(0, |signed| signed.size.saturating_sub(row.head as u64));
    let behind = lag > 0 && state == PartnerState::UpToDate;
    PartnerRow {
        name: row.name.clone(),
        hub: row.id.clone(),
        address: row.url.clone(),
        state: if behind { PartnerState::CatchingUp } else { state },
        last_try: time(row.last_try),
        last_success: time(row.last_success),
        last_change: time(row.last_change),
        records,
        lag,
        failures: u32::try_from(row.failures).unwrap_or(u32::MAX),
        next_try: time(Some(row.next_due)).filter(|_| !row.paused),
        reason: Some(row.reason.clone()).filter(|reason| !reason.is_empty()),
        remedy: remedy(&row.state).map(str::to_owned),
        copies: Vec::new(),
        reads_contacts: false,
        evidence: Vec::new(),
        stale: signed.is_some_and(|signed| now.timestamp().as_second() - signed.time as i64 > 3 * 86_400),
    }
}

/// Evidence as it is shown.
fn proof(one: &super::hub::Evidence) -> Proof {
    let what = match one.kind.as_str() {
        "fork" => "two histories of its list",
        "document" => "two hub documents of one version",
        _ => "entries past the end that its hub document set to its list",
    };
    Proof { what: what.into(), found: jiff::Timestamp::from_second(one.found).ok(), id: one.id.clone() }
}

/// What to do about an outcome, in one line.
fn remedy(state: &str) -> Option<&'static str> {
    Some(match state {
        "dns" | "connect" | "slow" | "broken" => "Nothing needs doing here; it is tried again by itself.",
        "http-status" => "It is tried again by itself; if it goes on, tell the partner hub what its server answers.",
        "tls" => "Tell the partner hub that its certificate is not valid.",
        "web-page" | "address" | "redirect" => "Ask the partner hub for its present address.",
        "too-large" | "ratio" => "Tell the partner hub; what was taken before stays in use.",
        "too-many-entries" => {
            "Look at its list. If it is right, raise limits.leaves_per_hub, then `mutuald partner resume`."
        }
        "waiting" => "Look at the change, then let it in with `mutuald partner accept`.",
        "disputed" | "fork" => {
            "Speak to the partner hub: somebody may have its key, or it was restored from an old backup."
        }
        "stale" | "stale-view" => "Ask the partner hub whether its daemon runs.",
        code if code.starts_with("hub-") => {
            "Ask the partner hub whether it changed its keys; its id must stay the same."
        }
        code if code.starts_with("checkpoint-") || code.starts_with("bundle-") || code == "mismatch" => {
            "Tell the partner hub that its files do not fit together; what was taken before stays in use."
        }
        _ => return None,
    })
}
