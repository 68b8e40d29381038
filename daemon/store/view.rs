//! What the pages show, as plain data: nothing here reads, decides or formats.
//!
//! Words, labels and counts come ready from whoever fills these in; a page only arranges them. Texts are untrusted:
//! the pages escape all of them and turn an address into a link only where its scheme is safe.
//!
//! This file uses nothing else of [`crate::web`], so that the layer that fills the structs in can own it.

use jiff::civil::Date;
use jiff::{Timestamp, Zoned};
use uuid::Uuid;

/// The hub whose pages these are; on every page.
#[derive(Debug, Clone, Default)]
pub struct Site {
    /// What people call the hub.
    pub hub: String,
    /// A sentence above every page ("Every group here is invented."), where one is needed.
    pub notice: Option<String>,
    /// Role address for corrections and complaints: e-mail address or web address.
    pub contact: Option<String>,
    /// Where "Leave this page quickly" leads: a page that everybody might look at.
    pub exit: String,
}

/// What somebody searches for. All of it is bounded by [`crate::web::query`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    /// Words, as typed.
    pub words: String,
    /// Topic's id in the vocabulary `topics`; its narrower topics count as well.
    pub topic: Option<String>,
    /// Town, postcode district or area, as typed or chosen.
    pub place: Option<String>,
    /// Mode's id in the vocabulary `modes`.
    pub mode: Option<String>,
    /// Order of the answers.
    pub sort: Sort,
    /// Page of answers, from 1.
    pub page: u32,
}

/// Order of search results.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sort {
    /// Best match first; by name where no words were given.
    #[default]
    Match,
    /// By name.
    Name,
    /// Last checked first; unchecked ones at the end.
    Checked,
}

/// When a group's entry was last checked, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Day of the check.
    pub date: Date,
    /// Name of the hub or body that checked.
    pub by: String,
    /// Whether the group itself was asked; otherwise somebody looked at what it publishes.
    pub with_group: bool,
    /// How, as the vocabulary's label ("By phone").
    pub how: String,
}

/// Where in its life a group is. Groups that run as usual have none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The vocabulary's label ("Looking for a coordinator").
    pub label: String,
    /// Whether the group has ended.
    pub closed: bool,
    /// Since when.
    pub since: Option<Date>,
    /// Until when, for a break.
    pub until: Option<Date>,
    /// Why, in words that name no person.
    pub reason: Option<String>,
}

/// One group among search results.
#[derive(Debug, Clone)]
pub struct Hit {
    /// Id of its page.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Where it meets, in one line ("St Ann's, Nottingham").
    pub place: Option<String>,
    /// Labels of its topics.
    pub topics: Vec<String>,
    /// Labels of its modes.
    pub modes: Vec<String>,
    /// The latest check.
    pub checked: Option<Checked>,
    /// Where in its life it is, unless it runs as usual.
    pub standing: Option<Standing>,
    /// How many hubs list it.
    pub hubs: u32,
    /// Whether hubs, or lists of one hub, disagree about it and nobody has settled that.
    pub disagree: bool,
    /// The group's own words around what was found, as plain text.
    pub snippet: Option<String>,
    /// How far away it is ("2.3 miles"; "about 2 miles" where that is not known exactly), where a postcode was asked for.
    pub distance: Option<String>,
}

/// The postcode around which was searched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Near {
    /// As it is written.
    pub postcode: String,
    /// How far was looked.
    pub miles: u32,
    /// How well its own place is known, in plain words.
    pub precision: &'static str,
}

/// A value to filter by, and how many groups have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What goes into the address.
    pub value: String,
    /// What people read.
    pub label: String,
    /// Groups that would be found with it.
    pub count: u64,
}

/// A topic to browse, with those under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// The topic itself; its groups are those of all topics under it, too.
    pub choice: Choice,
    /// Topics directly under it that have groups. A topic stands under each of its parents.
    pub narrower: Vec<Topic>,
}

/// One way to filter: what there is to choose from. What is chosen stands in [`Terms`].
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Best first, at most some hundreds. Holds the chosen one where that has a label, even when its count is 0.
    pub choices: Vec<Choice>,
}

/// Another search that would find something.
#[derive(Debug, Clone)]
pub struct Offer {
    /// In words ("Anxiety, anywhere").
    pub label: String,
    /// The search.
    pub terms: Terms,
    /// What it finds.
    pub count: u64,
}

/// Search results.
#[derive(Debug, Clone, Default)]
pub struct SearchPage {
    /// What was searched for.
    pub terms: Terms,
    /// Topics to filter by.
    pub topics: Filter,
    /// Places to filter by.
    pub places: Filter,
    /// Modes to filter by.
    pub modes: Filter,
    /// This page's answers.
    pub hits: Vec<Hit>,
    /// Answers on all pages.
    pub total: u64,
    /// Answers a page.
    pub per_page: u32,
    /// Pages; 1 where there is no answer.
    pub pages: u32,
    /// Where the place is a postcode: what was measured.
    pub near: Option<Near>,
    /// Searches to try instead where there is no answer: other words, a wider area.
    pub offers: Vec<Offer>,
}

/// One hub's statement of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The hub's name.
    pub hub: String,
    /// Title of the list whose row says so.
    pub list: String,
    /// When that row was last checked.
    pub checked: Option<Checked>,
}

/// One thing a field can hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Words.
    Text(String),
    /// A web address.
    Web(String),
    /// An e-mail address.
    Email(String),
    /// A telephone number.
    Phone(String),
}

/// A value that lost against another.
#[derive(Debug, Clone)]
pub struct Other {
    /// The value.
    pub value: Vec<Value>,
    /// Who says so.
    pub said: Vec<Said>,
}

/// One fact about a group, with everybody who states it.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its label ("Where", "When").
    pub label: String,
    /// What the registry shows; several for lists.
    pub value: Vec<Value>,
    /// Who says so.
    pub said: Vec<Said>,
    /// What others say instead.
    pub others: Vec<Other>,
    /// Why this value and no other, in plain words. Only where there are others.
    pub rule: Option<String>,
    /// Whether this is open: hubs or lists differ and nobody has decided.
    pub disagree: bool,
}

/// One record that is part of a group.
#[derive(Debug, Clone)]
pub struct Member {
    /// Name of the hub that signs it.
    pub hub: String,
    /// Title of its list.
    pub list: String,
    /// The record's id.
    pub record: Uuid,
    /// When it was last checked.
    pub checked: Option<Checked>,
    /// Whether it only repeats other records of the group, and so says nothing beside them.
    pub copy: bool,
    /// Whether its hub has signed newer words, which did not come yet.
    pub awaited: bool,
}

/// Somebody who saw a group at first hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Name of the hub, or title of the source.
    pub by: String,
    /// By which hubs it came, in the order in which they passed it on; empty of what the observer told this hub itself.
    pub via: Vec<String>,
}

/// A decision by a person about this group's records.
#[derive(Debug, Clone)]
pub struct Decision {
    /// What was decided, as a sentence.
    pub text: String,
    /// Name of the hub that decided.
    pub by: String,
    /// When.
    pub date: Date,
}

/// One group.
#[derive(Debug, Clone)]
pub struct GroupPage {
    /// Id of the page.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Earlier, shorter or other-language names.
    pub other_names: Vec<String>,
    /// Labels of its topics, with the topic's id to search by.
    pub topics: Vec<(String, String)>,
    /// Where in its life it is, unless it runs as usual.
    pub standing: Option<Standing>,
    /// The latest check of any of its records.
    pub checked: Option<Checked>,
    /// What to know before sharing the page, for groups whose place is protected.
    pub safety: Option<String>,
    /// Whether what it is about may put somebody at risk who is seen reading of it: the page then has no name in its title, and
    /// says how to leave no trace.
    pub care: bool,
    /// The group's own words.
    pub description: Option<String>,
    /// How to reach it, shown first.
    pub contact: Option<Field>,
    /// Everything else, in the order of the page.
    pub fields: Vec<Field>,
    /// Degrees north and east, where the place is open and known.
    pub position: Option<(f64, f64)>,
    /// Its postcode, where the place is open.
    pub postcode: Option<String>,
    /// Where no degrees are stated: those of its postcode, and how well these are known, in plain words.
    pub about: Option<(f64, f64, &'static str)>,
    /// The records it is made of.
    pub members: Vec<Member>,
    /// Who saw the group at first hand, each once. Empty where those are the hubs whose records these are.
    pub seen: Vec<Seen>,
    /// What people decided about them.
    pub decisions: Vec<Decision>,
}

/// How things stand with a partner hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartnerState {
    /// Looked and up to date.
    UpToDate,
    /// More is there than was taken so far; the next tries go on.
    CatchingUp,
    /// Nobody has looked there yet.
    New,
    /// The last try failed.
    Failing,
    /// What it published was refused: somebody has to look.
    Refused,
    /// Waits for a person to accept a large change.
    Waiting,
    /// Paused by a person.
    Paused,
}

/// One partner hub.
#[derive(Debug, Clone)]
pub struct PartnerRow {
    /// Its name.
    pub name: String,
    /// Its id (`h-…`).
    pub hub: String,
    /// Where its feed is.
    pub address: String,
    /// How things stand.
    pub state: PartnerState,
    /// When we last looked.
    pub last_try: Option<Timestamp>,
    /// When we last looked and all was well, changed or not.
    pub last_success: Option<Timestamp>,
    /// When something new last came.
    pub last_change: Option<Timestamp>,
    /// Its records that we hold.
    pub records: u64,
    /// Statements that it has published, by its newest checkpoint that we verified, and that we have not taken yet.
    pub lag: u64,
    /// Tries that failed in a row.
    pub failures: u32,
    /// When we look next; none while paused.
    pub next_try: Option<Timestamp>,
    /// What went wrong, in plain words.
    pub reason: Option<String>,
    /// What to do about it, in one line.
    pub remedy: Option<String>,
    /// Whether its last sign of life is older than the policy allows.
    pub stale: bool,
    /// Its lists that repeat another hub's, each in a sentence.
    pub copies: Vec<String>,
    /// Whether it may read role contacts whose consent names it.
    pub reads_contacts: bool,
    /// Signed notes that contradict each other: proof that its keys said two things.
    pub evidence: Vec<Proof>,
}

/// Two signed notes that contradict each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Two of what.
    pub what: String,
    /// When it was met.
    pub found: Option<Timestamp>,
    /// What it is called: both notes are served below it, where this hub publishes.
    pub id: String,
}

/// Partner hubs, and this hub as they see it.
#[derive(Debug, Clone)]
pub struct PartnersPage {
    /// The moment all of this was so, in the hub's time zone.
    pub now: Zoned,
    /// This hub's name.
    pub name: String,
    /// This hub's id.
    pub hub: String,
    /// Its fingerprint, in the form people read to each other.
    pub fingerprint: String,
    /// Statements in this hub's feed.
    pub feed_size: u64,
    /// Whether it is served to others.
    pub published: bool,
    /// Partner hubs, by name.
    pub partners: Vec<PartnerRow>,
    /// Counts of the registry.
    pub counts: Counts,
    /// The registry digest: equal at two hubs that hold the same.
    pub digest: String,
}

/// What the registry holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Groups that have not ended.
    pub groups: u64,
    /// Groups that have.
    pub closed: u64,
    /// Records they are made of.
    pub records: u64,
    /// Hubs that state them, this one included.
    pub hubs: u64,
    /// Groups about which hubs, or lists of one hub, disagree.
    pub disagreements: u64,
}

/// The first page.
#[derive(Debug, Clone, Default)]
pub struct HomePage {
    /// Topics to browse, as a tree, with counts.
    pub topics: Vec<Topic>,
    /// Places to browse, with counts.
    pub places: Vec<Choice>,
    /// Modes, with counts.
    pub modes: Vec<Choice>,
    /// Counts of the registry.
    pub counts: Counts,
}
