//! A leaf's text → what it says, by rules that give every reader the same verdict.

use super::{Body, ErasedParts, HEADER, Judgement, Kind, MAX_LEAF, Prefer, RecordRef, Revision, Statement};
use crate::record::canonical::{date, time, uuid};
use crate::record::group::Assured;
use crate::record::strict;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Most part classes a leaf may name.
const MAX_CLASSES: usize = 8;
/// Most entries in a choose's `over`.
const MAX_OVER: usize = 16;

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

/// Whether a text is a log's origin as leaves may name one: a host and an ordinal, `feed.example.org/1`. Checkpoints allow
/// more; what could be anybody's words has no place in a leaf.
pub fn is_origin(text: &str) -> bool {
    let word = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let Some((host, ordinal)) = text.split_once('/') else { return false };
    text.len() <= 255
        && host.contains('.')
        && host.split('.').all(word)
        && (1..=9).contains(&ordinal.len())
        && ordinal.bytes().all(|b| b.is_ascii_digit())
        && !ordinal.starts_with('0')
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
        // What cannot be read is no claim, and makes nothing void: earlier versions of this program knew no such member.
        let replaces = members.get("replaces").and_then(record_ref).filter(|_| body == Body::Put(Kind::Record));
        Ok(Statement { id, rev, at, parts, replaces, body })
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
    const KNOWN: [&str; 21] = [
        "id",
        "rev",
        "at",
        "op",
        "parts",
        "assured",
        "upto",
        "a",
        "b",
        "judgement",
        "on",
        "field",
        "prefer",
        "over",
        "origin",
        "size",
        "erased",
        "level",
        "by",
        "confirmed",
        "replaces",
    ];
    let understood = |name: &&str| match *name {
        "replaces" => members.get("replaces").and_then(record_ref).is_some(),
        name => KNOWN.contains(&name),
    };
    let unknown = names.iter().filter_map(Value::as_str).find(|name| !understood(name));
    Ok(unknown.map(|name| format!("crit {name}")))
}

fn body(kind: &str, op: &str, members: &Members) -> Result<Body, Void> {
    let of = match kind {
        "list" => Some(Kind::List),
        "record" => Some(Kind::Record),
        "frame" => Some(Kind::Frame),
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
        ("safety", _, "put" | "lower") => {
            let on = members.get("on").and_then(record_ref).ok_or(Void::Member("on"))?;
            let level = label(members, "level")?.to_owned();
            let role = |name| label(members, name).map(str::to_owned);
            let lowered = if op == "lower" { Some([role("by")?, role("confirmed")?]) } else { None };
            Body::Safety { on, level, lowered }
        }
        ("hub", _, "put") => Body::Hub {
            version: positive(members, "version")?,
            digest: text(members, "digest").ok().filter(|d| is_digest(d)).ok_or(Void::Member("digest"))?.to_owned(),
        },
        ("ack", _, "put") => Body::Ack {
            origin: text(members, "origin").ok().filter(|o| is_origin(o)).ok_or(Void::Member("origin"))?.to_owned(),
            size: positive(members, "size")?,
            erased: positive(members, "erased")?,
        },
        ("list" | "record" | "frame" | "link" | "choose" | "safety" | "hub" | "ack", _, op) => {
            Body::NotUnderstood(format!("op {op}"))
        }
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
