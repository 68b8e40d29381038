//! The statement in a leaf: what a hub says for ever, in ids, dates, labels and digests only.
//!
//! Reading is strict where two readers could differ (such a leaf is *void*), and patient with what is merely newer than
//! this program: an unknown type, op, value or critical member is [`Body::NotUnderstood`], kept and passed on without
//! effect (PROTOCOL, "Settled points" 3).

use super::group::Assured;
use super::strict;
use jiff::{Timestamp, civil::Date};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// First line of every leaf, before its type.
pub const HEADER: &str = "groups-feed/v1 ";
/// Longest leaf in bytes, signature included.
pub const MAX_LEAF: usize = 4096;
/// Most part classes a leaf may name.
const MAX_CLASSES: usize = 8;
/// Most entries in a choose's `over`.
const MAX_OVER: usize = 16;

/// A hub's identity: the first 160 bits of the SHA-256 of its first hub document's text, written `h-` + base32.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HubId(pub [u8; 20]);

const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

impl fmt::Display for HubId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("h-")?;
        for five in self.0.chunks(5) {
            let bits = five.iter().fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
            for shift in (0..8).rev() {
                write!(out, "{}", BASE32[(bits >> (shift * 5)) as usize & 31] as char)?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for HubId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// A text that is not a hub id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a hub id is `h-` and 32 of the characters a-z and 2-7")]
pub struct NotAHubId;

impl FromStr for HubId {
    type Err = NotAHubId;
    fn from_str(text: &str) -> Result<HubId, NotAHubId> {
        let digits = text.strip_prefix("h-").ok_or(NotAHubId)?.as_bytes();
        if digits.len() != 32 {
            return Err(NotAHubId);
        }
        let mut id = [0u8; 20];
        for (eight, five) in digits.chunks(8).zip(id.chunks_mut(5)) {
            let mut bits = 0u64;
            for digit in eight {
                let value = BASE32.iter().position(|c| c == digit).ok_or(NotAHubId)?;
                bits = bits << 5 | value as u64;
            }
            five.copy_from_slice(&bits.to_be_bytes()[3..]);
        }
        Ok(HubId(id))
    }
}

impl serde::Serialize for HubId {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for HubId {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<HubId, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A record's name in the world: its hub, and the id that hub gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct RecordRef {
    /// The hub whose record it is.
    pub hub: HubId,
    /// The record's id there.
    pub rec: Uuid,
}

impl fmt::Display for RecordRef {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.hub, self.rec)
    }
}

/// A record at one revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct Revision {
    /// The record.
    pub record: RecordRef,
    /// Which revision of it.
    pub rev: u64,
}

/// What is done to a record; the wire's `op`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    /// New or changed.
    Put,
    /// Still right.
    Affirm,
    /// This hub no longer states it. (A group that has ended is a `put` with status closed.)
    Withdraw,
    /// All holders delete the named parts.
    Erase,
}

/// What a person judged of two records; the first two say, the last four also keep apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Judgement {
    Same,
    Different,
    Unsure,
    /// Takes back what this hub said of the pair before.
    None,
    BranchOf,
    HostedBy,
    SucceededBy,
    SameVenue,
}

impl Judgement {
    /// All, with their labels on the wire.
    pub const ALL: [(Judgement, &str); 8] = [
        (Judgement::Same, "same"),
        (Judgement::Different, "different"),
        (Judgement::Unsure, "unsure"),
        (Judgement::None, "none"),
        (Judgement::BranchOf, "branch-of"),
        (Judgement::HostedBy, "hosted-by"),
        (Judgement::SucceededBy, "succeeded-by"),
        (Judgement::SameVenue, "same-venue"),
    ];

    /// The label on the wire.
    pub fn label(self) -> &'static str {
        Judgement::ALL.iter().find(|(judgement, _)| *judgement == self).map_or("none", |(_, label)| label)
    }

    /// The judgement of a label, if it is known.
    pub fn of(label: &str) -> Option<Judgement> {
        Judgement::ALL.iter().find(|(_, known)| *known == label).map(|(judgement, _)| *judgement)
    }
}

/// What a choose prefers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Prefer {
    /// The value that this revision states.
    Value(Revision),
    /// Takes back what this hub chose before.
    Retracted,
    /// A person looked, and nobody knows.
    Unresolved,
}

/// Which parts an erase names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErasedParts {
    /// Every class.
    All,
    /// These classes.
    Classes(Vec<String>),
}

impl ErasedParts {
    /// Whether a class is among them.
    pub fn covers(&self, class: &str) -> bool {
        match self {
            ErasedParts::All => true,
            ErasedParts::Classes(classes) => classes.iter().any(|c| c == class),
        }
    }
}

/// Type of record a `put`, `affirm`, `withdraw` or `erase` speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `list`
    List,
    /// `record`: a group.
    Record,
}

/// What a leaf says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// A list or record is as its parts say.
    Put(Kind),
    /// A list or record is still right.
    Affirm(Kind, Assured),
    /// This hub no longer states it.
    Withdraw(Kind),
    /// Delete these parts of revisions up to `upto`.
    Erase(Kind, u64, ErasedParts),
    /// Two records judged.
    Link {
        /// First record; the subject of a directional judgement.
        a: RecordRef,
        /// Second record.
        b: RecordRef,
        /// The judgement.
        judgement: Judgement,
    },
    /// A field decided by reference, never by value.
    Choose {
        /// Any member record of the group.
        on: RecordRef,
        /// A merge unit (`schema/merge.json`).
        field: String,
        /// What is preferred.
        prefer: Prefer,
        /// What was on the table.
        over: Vec<Revision>,
    },
    /// This log stands under that hub document.
    Hub {
        /// Version of the hub document.
        version: u64,
        /// base64url SHA-256 of its text.
        digest: String,
    },
    /// Newer than this program: the type, op, value or critical member that it does not know.
    NotUnderstood(String),
}

/// A leaf's statement, read. Says nothing of its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The record's id in its hub.
    pub id: Uuid,
    /// Its revision, from 1; compared within a hub only, and never against the log's order.
    pub rev: u64,
    /// When the hub says it wrote this. Order inside a hub is the log's, never this.
    pub at: Timestamp,
    /// Class of part to digest of its line.
    pub parts: BTreeMap<String, String>,
    /// What is said.
    pub body: Body,
}

/// Why a leaf's text is void. [`Void::code`] is stable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Void {
    /// Longer than [`MAX_LEAF`].
    #[error("longer than {MAX_LEAF} bytes")]
    TooLong,
    /// The first line is not `groups-feed/v1 <type>`, or there are not exactly two lines.
    #[error("not two lines beginning `{}<type>`", HEADER)]
    Header,
    /// The second line is not JSON that every reader reads alike.
    #[error("{0}")]
    Json(#[from] strict::Refusal),
    /// A member of the rules is missing or has another form.
    #[error("the member {0:?} is missing or of another form than the rules say")]
    Member(&'static str),
}

impl Void {
    /// Stable kebab-case code.
    pub fn code(&self) -> &'static str {
        match self {
            Void::TooLong => "leaf-too-long",
            Void::Header => "leaf-header",
            Void::Json(refusal) => refusal.code(),
            Void::Member(_) => "leaf-member",
        }
    }
}

/// Whether a text is a label: what may stand in a leaf where a word must.
pub fn is_label(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 40
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
        && text.as_bytes()[0].is_ascii_lowercase()
}

/// Whether a text is the base64url of 32 bytes, in its one canonical form.
pub fn is_digest(text: &str) -> bool {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    text.len() == 43 && URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == 32)
}

/// Reads a UUID in its one lower-case hyphenated form.
pub fn uuid(text: &str) -> Option<Uuid> {
    let id = Uuid::try_parse(text).ok()?;
    let mut buffer = Uuid::encode_buffer();
    (*id.hyphenated().encode_lower(&mut buffer) == *text).then_some(id)
}

/// Reads a time in its one form, `YYYY-MM-DDTHH:MM:SSZ`.
pub fn time(text: &str) -> Option<Timestamp> {
    let at: Timestamp = text.parse().ok()?;
    (text.len() == 20 && at.to_string() == text).then_some(at)
}

fn date(text: &str) -> Option<Date> {
    let date: Date = text.parse().ok()?;
    (date.to_string() == text).then_some(date)
}

type Members = Map<String, Value>;

fn text<'a>(members: &'a Members, name: &'static str) -> Result<&'a str, Void> {
    members.get(name).and_then(Value::as_str).ok_or(Void::Member(name))
}

fn label<'a>(members: &'a Members, name: &'static str) -> Result<&'a str, Void> {
    text(members, name).ok().filter(|t| is_label(t)).ok_or(Void::Member(name))
}

fn positive(members: &Members, name: &'static str) -> Result<u64, Void> {
    members.get(name).and_then(Value::as_u64).filter(|n| *n > 0).ok_or(Void::Member(name))
}

fn record_ref(value: &Value) -> Option<RecordRef> {
    match value.as_array()?.as_slice() {
        [hub, rec] => Some(RecordRef { hub: hub.as_str()?.parse().ok()?, rec: uuid(rec.as_str()?)? }),
        _ => None,
    }
}

fn revision(value: &Value) -> Option<Revision> {
    match value.as_array()?.as_slice() {
        [hub, rec, rev] => Some(Revision {
            record: RecordRef { hub: hub.as_str()?.parse().ok()?, rec: uuid(rec.as_str()?)? },
            rev: rev.as_u64().filter(|n| *n > 0)?,
        }),
        _ => None,
    }
}

impl Statement {
    /// Reads a leaf's text (what its signature covers).
    ///
    /// # Errors
    /// [`Void`] for broken bytes and broken rules; the same for every hub that reads it.
    pub fn read(text_of_leaf: &[u8]) -> Result<Statement, Void> {
        let whole = std::str::from_utf8(text_of_leaf).map_err(|_| strict::Refusal::Utf8)?;
        let (first, rest) = whole.split_once('\n').ok_or(Void::Header)?;
        let kind = first.strip_prefix(HEADER).filter(|kind| is_label(kind)).ok_or(Void::Header)?;
        let second = rest.strip_suffix('\n').filter(|line| !line.contains('\n')).ok_or(Void::Header)?;
        let members = strict::object(second.as_bytes())?;

        let id = uuid(text(&members, "id")?).ok_or(Void::Member("id"))?;
        let rev = positive(&members, "rev")?;
        let at = time(text(&members, "at")?).ok_or(Void::Member("at"))?;
        let op = label(&members, "op")?;
        let parts = parts(&members)?;
        let body = match critical(&members)? {
            Some(unknown) => Body::NotUnderstood(unknown),
            None => body(kind, op, &members)?,
        };
        Ok(Statement { id, rev, at, parts, body })
    }

    /// The leaf's text, ready to sign: the members every leaf has, then the type's own, then the parts.
    ///
    /// What was not understood cannot be written: a hub signs only what it means.
    pub fn text(&self) -> Option<String> {
        let (kind, op) = self.names()?;
        let mut line = format!(r#"{{"id":"{}","rev":{},"at":"{}","op":"{op}""#, self.id, self.rev, self.at);
        let mut member = |name: &str, value: Value| {
            line.push_str(&format!(",\"{name}\":{value}"));
        };
        let pair = |r: &RecordRef| json!([r.hub, r.rec]);
        let triple = |r: &Revision| json!([r.record.hub, r.record.rec, r.rev]);
        match &self.body {
            Body::Put(_) | Body::Withdraw(_) | Body::NotUnderstood(_) => {}
            // Written by hand: a map's order is not ours to rely on, and signed bytes should not differ by build.
            Body::Affirm(_, assured) => {
                line.push_str(&format!(
                    r#","assured":{{"date":"{}","method":"{}","by":"{}"}}"#,
                    assured.date, assured.method, assured.by
                ));
            }
            Body::Erase(_, upto, erased) => {
                member("upto", json!(upto));
                member(
                    "parts",
                    match erased {
                        ErasedParts::All => json!("*"),
                        ErasedParts::Classes(classes) => json!(classes),
                    },
                );
            }
            Body::Link { a, b, judgement } => {
                member("a", pair(a));
                member("b", pair(b));
                member("judgement", json!(judgement.label()));
            }
            Body::Choose { on, field, prefer, over } => {
                member("on", pair(on));
                member("field", json!(field));
                member(
                    "prefer",
                    match prefer {
                        Prefer::Value(revision) => triple(revision),
                        Prefer::Retracted => Value::Null,
                        Prefer::Unresolved => json!("unresolved"),
                    },
                );
                member("over", over.iter().map(triple).collect());
            }
            Body::Hub { version, digest } => {
                member("version", json!(version));
                member("digest", json!(digest));
            }
        }
        if !self.parts.is_empty() && !matches!(self.body, Body::Erase(..)) {
            let digests: Vec<String> =
                self.parts.iter().map(|(class, digest)| format!("\"{class}\":\"{digest}\"")).collect();
            line.push_str(&format!(",\"parts\":{{{}}}", digests.join(",")));
        }
        Some(format!("{HEADER}{kind}\n{line}}}\n"))
    }

    /// The type and op on the wire, if this program understands the statement.
    pub fn names(&self) -> Option<(&'static str, &'static str)> {
        let of = |kind: &Kind| match kind {
            Kind::List => "list",
            Kind::Record => "record",
        };
        Some(match &self.body {
            Body::Put(kind) => (of(kind), "put"),
            Body::Affirm(kind, _) => (of(kind), "affirm"),
            Body::Withdraw(kind) => (of(kind), "withdraw"),
            Body::Erase(kind, ..) => (of(kind), "erase"),
            Body::Link { .. } => ("link", "put"),
            Body::Choose { .. } => ("choose", "put"),
            Body::Hub { .. } => ("hub", "put"),
            Body::NotUnderstood(_) => return None,
        })
    }
}

fn parts(members: &Members) -> Result<BTreeMap<String, String>, Void> {
    let invalid = Void::Member("parts");
    // An erase uses the same member to name classes.
    let Some(Value::Object(parts)) = members.get("parts").filter(|_| members.get("op") != Some(&json!("erase"))) else {
        let absent = members.get("parts").is_none() || members.get("op") == Some(&json!("erase"));
        return if absent { Ok(BTreeMap::new()) } else { Err(invalid) };
    };
    if parts.len() > MAX_CLASSES {
        return Err(invalid);
    }
    parts
        .iter()
        .map(|(class, digest)| match digest.as_str() {
            Some(digest) if is_label(class) && is_digest(digest) => Ok((class.clone(), digest.to_owned())),
            _ => Err(invalid.clone()),
        })
        .collect()
}

/// The first critical member that this program does not know. It knows none that need the mark.
fn critical(members: &Members) -> Result<Option<String>, Void> {
    let invalid = Void::Member("crit");
    let Some(crit) = members.get("crit") else { return Ok(None) };
    let names = crit.as_array().filter(|names| !names.is_empty()).ok_or(invalid.clone())?;
    for name in names {
        if !name.as_str().is_some_and(|name| is_label(name) && members.contains_key(name)) {
            return Err(invalid);
        }
    }
    const KNOWN: [&str; 14] =
        ["id", "rev", "at", "op", "parts", "assured", "upto", "a", "b", "judgement", "on", "field", "prefer", "over"];
    let unknown = names.iter().filter_map(Value::as_str).find(|name| !KNOWN.contains(name));
    Ok(unknown.map(|name| format!("crit {name}")))
}

fn body(kind: &str, op: &str, members: &Members) -> Result<Body, Void> {
    let of = match kind {
        "list" => Some(Kind::List),
        "record" => Some(Kind::Record),
        _ => None,
    };
    Ok(match (kind, of, op) {
        (_, Some(of), "put") => Body::Put(of),
        (_, Some(of), "withdraw") => Body::Withdraw(of),
        (_, Some(of), "affirm") => {
            let assured = members.get("assured").and_then(Value::as_object).ok_or(Void::Member("assured"))?;
            Body::Affirm(
                of,
                Assured {
                    date: date(text(assured, "date")?).ok_or(Void::Member("date"))?,
                    method: label(assured, "method")?.to_owned(),
                    by: label(assured, "by")?.to_owned(),
                },
            )
        }
        (_, Some(of), "erase") => Body::Erase(of, positive(members, "upto")?, erased(members)?),
        ("link", _, "put") => {
            let side = |name| members.get(name).and_then(record_ref).ok_or(Void::Member(name));
            let (a, b) = (side("a")?, side("b")?);
            if a == b {
                return Err(Void::Member("b"));
            }
            match Judgement::of(label(members, "judgement")?) {
                Some(judgement) => Body::Link { a, b, judgement },
                None => Body::NotUnderstood("judgement".into()),
            }
        }
        ("choose", _, "put") => {
            let field = label(members, "field")?;
            let prefer = match members.get("prefer").ok_or(Void::Member("prefer"))? {
                Value::Null => Prefer::Retracted,
                Value::String(word) if word == "unresolved" => Prefer::Unresolved,
                Value::String(_) => return Ok(Body::NotUnderstood("prefer".into())),
                value => Prefer::Value(revision(value).ok_or(Void::Member("prefer"))?),
            };
            let over = match members.get("over") {
                None => Vec::new(),
                Some(value) => value
                    .as_array()
                    .filter(|over| over.len() <= MAX_OVER)
                    .and_then(|over| over.iter().map(revision).collect::<Option<Vec<_>>>())
                    .ok_or(Void::Member("over"))?,
            };
            let on = members.get("on").and_then(record_ref).ok_or(Void::Member("on"))?;
            Body::Choose { on, field: field.to_owned(), prefer, over }
        }
        ("hub", _, "put") => Body::Hub {
            version: positive(members, "version")?,
            digest: text(members, "digest").ok().filter(|d| is_digest(d)).ok_or(Void::Member("digest"))?.to_owned(),
        },
        ("list" | "record" | "link" | "choose" | "hub", _, op) => Body::NotUnderstood(format!("op {op}")),
        (kind, _, _) => Body::NotUnderstood(format!("type {kind}")),
    })
}

fn erased(members: &Members) -> Result<ErasedParts, Void> {
    match members.get("parts") {
        Some(Value::String(all)) if all == "*" => Ok(ErasedParts::All),
        Some(Value::Array(classes)) if (1..=MAX_CLASSES).contains(&classes.len()) => classes
            .iter()
            .map(|class| class.as_str().filter(|c| is_label(c)).map(str::to_owned))
            .collect::<Option<Vec<_>>>()
            .map(ErasedParts::Classes)
            .ok_or(Void::Member("parts")),
        _ => Err(Void::Member("parts")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "3a9afa8c-9841-4d2f-9e7a-e061aed1ef68";
    const HUB: &str = "h-abcdefghijklmnopqrstuvwxyz234567";

    fn read(kind: &str, json: &str) -> Result<Statement, Void> {
        Statement::read(format!("groups-feed/v1 {kind}\n{json}\n").as_bytes())
    }

    #[test]
    fn a_hub_id_is_its_text() {
        let id: HubId = HUB.parse().unwrap();
        assert_eq!(id.to_string(), HUB);
        for wrong in ["abcdefghijklmnopqrstuvwxyz234567", "h-ABC", "h-abcdefghijklmnopqrstuvwxyz234561"] {
            assert!(wrong.parse::<HubId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_written_reads_back_the_same() {
        let record = RecordRef { hub: HUB.parse().unwrap(), rec: uuid(ID).unwrap() };
        let other = RecordRef { rec: Uuid::from_u128(7), ..record };
        let revision = Revision { record, rev: 3 };
        let assured = Assured { date: "2026-08-01".parse().unwrap(), method: "phone".into(), by: "hub".into() };
        let bodies = [
            Body::Put(Kind::List),
            Body::Put(Kind::Record),
            Body::Affirm(Kind::Record, assured),
            Body::Withdraw(Kind::Record),
            Body::Erase(Kind::Record, 4, ErasedParts::All),
            Body::Erase(Kind::Record, 4, ErasedParts::Classes(vec!["public".into()])),
            Body::Link { a: record, b: other, judgement: Judgement::BranchOf },
            Body::Choose { on: record, field: "place".into(), prefer: Prefer::Value(revision), over: vec![revision] },
            Body::Choose { on: record, field: "place".into(), prefer: Prefer::Retracted, over: vec![] },
            Body::Choose { on: record, field: "place".into(), prefer: Prefer::Unresolved, over: vec![] },
            Body::Hub { version: 1, digest: "A".repeat(43) },
        ];
        for body in bodies {
            let mut parts = BTreeMap::new();
            if matches!(body, Body::Put(_)) {
                parts.insert("public".to_owned(), "A".repeat(43));
            }
            let statement =
                Statement { id: uuid(ID).unwrap(), rev: 2, at: time("2026-08-05T15:04:00Z").unwrap(), parts, body };
            let text = statement.text().unwrap();
            assert_eq!(Statement::read(text.as_bytes()), Ok(statement), "{text}");
        }
    }

    #[test]
    fn broken_rules_are_void() {
        let common = format!(r#""id":"{ID}","rev":1,"at":"2026-08-05T15:04:00Z""#);
        for (kind, json, member) in [
            ("record", r#"{"op":"put"}"#.to_owned(), "id"),
            ("record", format!(r#"{{"id":"{}","rev":1}}"#, ID.to_uppercase()), "id"),
            ("record", format!(r#"{{"id":"{ID}","rev":0}}"#), "rev"),
            ("record", format!(r#"{{"id":"{ID}","rev":1,"at":"2026-08-05T16:04:00+01:00"}}"#), "at"),
            ("record", format!(r#"{{"id":"{ID}","rev":1,"at":"2026-02-30T16:04:00Z"}}"#), "at"),
            ("record", format!(r#"{{{common},"op":"Put"}}"#), "op"),
            ("record", format!(r#"{{{common},"op":"put","parts":{{"public":"short"}}}}"#), "parts"),
            ("record", format!(r#"{{{common},"op":"affirm"}}"#), "assured"),
            ("record", format!(r#"{{{common},"op":"erase","upto":0}}"#), "upto"),
            (
                "link",
                format!(r#"{{{common},"op":"put","a":["{HUB}","{ID}"],"b":["{HUB}","{ID}"],"judgement":"same"}}"#),
                "b",
            ),
            ("choose", format!(r#"{{{common},"op":"put","field":"name"}}"#), "prefer"),
            ("record", format!(r#"{{{common},"op":"put","crit":["absent"]}}"#), "crit"),
        ] {
            assert_eq!(read(kind, &json), Err(Void::Member(member)), "{json}");
        }
        assert_eq!(Statement::read(b"groups-feed/v2 record\n{}\n"), Err(Void::Header));
        assert_eq!(Statement::read(b"groups-feed/v1 record\n{}\n\n"), Err(Void::Header));
    }

    #[test]
    fn what_is_merely_newer_is_kept_without_effect() {
        let common = format!(r#""id":"{ID}","rev":1,"at":"2026-08-05T15:04:00Z""#);
        for (kind, rest, what) in [
            ("frame", r#""op":"put""#.to_owned(), "type frame"),
            ("record", r#""op":"bless""#.into(), "op bless"),
            ("record", r#""op":"put","x_y":1,"crit":["x_y"]"#.into(), "crit x_y"),
            (
                "link",
                format!(r#""op":"put","a":["{HUB}","{ID}"],"b":["{HUB}","{}"],"judgement":"twin""#, Uuid::nil()),
                "judgement",
            ),
        ] {
            let statement = read(kind, &format!("{{{common},{rest}}}")).unwrap();
            assert_eq!(statement.body, Body::NotUnderstood(what.into()));
            assert_eq!(statement.text(), None);
        }
        let more = read("record", &format!(r#"{{{common},"op":"put","shoe":"red"}}"#)).unwrap();
        assert_eq!(more.body, Body::Put(Kind::Record));
    }
}
