//! The one way JSON from outside is read.
//!
//! RFC 8259 leaves duplicate keys, depth and odd numbers to each parser; two hubs whose parsers differ would give one
//! record two verdicts. So every hub refuses, with the same code, whatever parsers disagree on (PROTOCOL F21).

use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::fmt;

/// Deepest nesting of arrays and objects that is read.
pub const MAX_DEPTH: usize = 16;

/// Why a text is not acceptable JSON. [`Refusal::code`] is stable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Bytes that are not UTF-8.
    #[error("not UTF-8")]
    Utf8,
    /// One object names a member twice.
    #[error("the member {0:?} stands twice in one object")]
    DuplicateKey(String),
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("nested deeper than {MAX_DEPTH}")]
    TooDeep,
    /// A string holds U+0000, which C-based readers cut at.
    #[error("a string holds U+0000")]
    Nul,
    /// A number that IEEE doubles cannot hold exactly or that is no number at all.
    #[error("the number {0} is outside what every reader holds exactly")]
    Number(String),
    /// The text is not one JSON object.
    #[error("not a JSON object")]
    NotAnObject,
    /// Any other departure from RFC 8259 (NaN, lone surrogates, trailing text, …).
    #[error("not JSON: {0}")]
    Syntax(String),
}

impl Refusal {
    /// Stable kebab-case code, as it appears in reports, logs and tests.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::Utf8 => "json-utf8",
            Refusal::DuplicateKey(_) => "json-duplicate-key",
            Refusal::TooDeep => "json-too-deep",
            Refusal::Nul => "json-nul",
            Refusal::Number(_) => "json-number",
            Refusal::NotAnObject => "json-not-object",
            Refusal::Syntax(_) => "json-syntax",
        }
    }
}

/// Reads one JSON object.
///
/// # Errors
/// The first [`Refusal`] met, in text order.
pub fn object(bytes: &[u8]) -> Result<Map<String, Value>, Refusal> {
    let text = std::str::from_utf8(bytes).map_err(|_| Refusal::Utf8)?;
    if !text.starts_with('{') {
        return Err(Refusal::NotAnObject);
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Strict { depth: 0 }.deserialize(&mut reader).map_err(refusal)?;
    reader.end().map_err(|e| Refusal::Syntax(position(&e)))?;
    match value {
        Value::Object(map) => Ok(map),
        _ => Err(Refusal::NotAnObject),
    }
}

/// serde's errors carry text only, so the visitor's own refusals travel as marked text.
const MARK: char = '\u{1}';

fn refusal(error: serde_json::Error) -> Refusal {
    let text = error.to_string();
    let Some(rest) = text.strip_prefix(MARK) else {
        // serde_json's own recursion limit is far above MAX_DEPTH, so it never speaks first.
        return Refusal::Syntax(position(&error));
    };
    let detail = rest.get(1..).and_then(|t| t.split(MARK).next()).unwrap_or_default().to_owned();
    match rest.chars().next() {
        Some('k') => Refusal::DuplicateKey(detail),
        Some('d') => Refusal::TooDeep,
        Some('0') => Refusal::Nul,
        _ => Refusal::Number(detail),
    }
}

/// Where and of what kind, never the text itself: a refused line may hold personal data, and reasons are logged.
fn position(error: &serde_json::Error) -> String {
    format!("{:?} error at column {}", error.classify(), error.column())
}

fn marked<E: de::Error>(kind: char, detail: &str) -> E {
    E::custom(format_args!("{MARK}{kind}{detail}{MARK}"))
}

#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: de::Error>(self) -> Result<Strict, E> {
        if self.depth == MAX_DEPTH {
            return Err(marked('d', ""));
        }
        Ok(Strict { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;
    fn deserialize<D: de::Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

/// Largest integer that a double holds exactly (RFC 7493, I-JSON).
const MAX_EXACT: i64 = (1 << 53) - 1;

impl<'de> Visitor<'de> for Strict {
    type Value = Value;
    fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str("JSON")
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        if value < -MAX_EXACT {
            return Err(marked('n', &value.to_string()));
        }
        Ok(value.into())
    }
    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        if value > MAX_EXACT as u64 {
            return Err(marked('n', &value.to_string()));
        }
        Ok(value.into())
    }
    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        // Integers past u64 arrive here, rounded; so does anything written with an exponent.
        match Number::from_f64(value) {
            Some(number) if value.abs() <= MAX_EXACT as f64 => Ok(Value::Number(number)),
            _ => Err(marked('n', &value.to_string())),
        }
    }
    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        self.visit_string(value.to_owned())
    }
    fn visit_string<E: de::Error>(self, value: String) -> Result<Value, E> {
        if value.contains('\0') {
            return Err(marked('0', ""));
        }
        Ok(Value::String(value))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(inner)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut map = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            if key.contains('\0') {
                return Err(marked('0', ""));
            }
            if map.contains_key(&key) {
                return Err(marked('k', &key.replace(|c: char| c.is_control(), "?")));
            }
            let value = members.next_value_seed(inner)?;
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &[u8]) -> &'static str {
        object(text).map_or_else(|refusal| refusal.code(), |_| "ok")
    }

    #[test]
    fn each_disputed_text_has_its_code() {
        assert_eq!(code(br#"{"a":1,"b":[true,null,-2.5]}"#), "ok");
        assert_eq!(code(br#"{"a":1,"\u0061":2}"#), "json-duplicate-key");
        assert_eq!(code(br#"{"x":{"a":1,"a":1}}"#), "json-duplicate-key");
        assert_eq!(code(b"{\"a\":\"\xff\"}"), "json-utf8");
        assert_eq!(code(br#"{"a":NaN}"#), "json-syntax");
        assert_eq!(code(br#"{"a":1e400}"#), "json-syntax");
        assert_eq!(code(br#"{"a":9007199254740992}"#), "json-number");
        assert_eq!(code(br#"{"a":18446744073709551616}"#), "json-number");
        assert_eq!(code(br#"{"a":"\u0000"}"#), "json-nul");
        assert_eq!(code(br#"{"a":"\ud800"}"#), "json-syntax");
        assert_eq!(code(br#"{"a":1} {}"#), "json-syntax");
        assert_eq!(code(br#"[1]"#), "json-not-object");
        assert_eq!(code(br#" {"a":1}"#), "json-not-object");
        assert_eq!(code("\u{feff}{}".as_bytes()), "json-not-object");
        assert_eq!(code(b""), "json-not-object");
    }

    #[test]
    fn depth_is_bounded_exactly_and_a_million_levels_cost_nothing() {
        let nested = |n: usize| format!("{{\"a\":{}{}}}", "[".repeat(n), "]".repeat(n));
        assert_eq!(code(nested(MAX_DEPTH - 1).as_bytes()), "ok");
        assert_eq!(code(nested(MAX_DEPTH).as_bytes()), "json-too-deep");
        assert_eq!(code(nested(1_000_000).as_bytes()), "json-too-deep");
    }
}
