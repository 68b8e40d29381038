//! A statement → the text that is signed. Written by hand where a map's order would decide bytes.

use super::{Body, ErasedParts, HEADER, Kind, Prefer, RecordRef, Revision, Statement};
use serde_json::{Value, json};

impl Statement {
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
            Body::Safety { on, level, lowered } => {
                member("on", pair(on));
                member("level", json!(level));
                if let Some([by, confirmed]) = lowered {
                    member("by", json!(by));
                    member("confirmed", json!(confirmed));
                }
            }
            Body::Hub { version, digest } => {
                member("version", json!(version));
                member("digest", json!(digest));
            }
            Body::Ack { origin, size, erased } => {
                member("origin", json!(origin));
                member("size", json!(size));
                member("erased", json!(erased));
            }
        }
        if let (Some(of), Body::Put(Kind::Record)) = (&self.replaces, &self.body) {
            line.push_str(&format!(",\"replaces\":{}", pair(of)));
        }
        if !self.parts.is_empty() && !matches!(self.body, Body::Erase(..)) {
            let digests: Vec<String> =
                self.parts.iter().map(|(class, digest)| format!("\"{class}\":\"{digest}\"")).collect();
            line.push_str(&format!(",\"parts\":{{{}}}", digests.join(",")));
        }
        Some(format!("{HEADER}{kind}\n{line}}}\n"))
    }
}
