//! The JSON that a group's digest is made of: the same facts as [`super::Merged`], in the canonical form of RFC 8785, with
//! records named by their place in `members`. Ids would be most of the text otherwise, and hashing it most of the work.
//!
//! Written here because `serde_json_canonicalizer` takes 20 µs a group, four times all the rest of a merge. It still
//! writes what is rare and intricate (fractions, names outside ASCII), and a test holds the two equal.

use super::{Merged, Other, Resolved};
use crate::record::RecordRef;
use serde::Serialize;
use serde_json::Value;

/// The canonical JSON of a group.
pub(super) fn text(group: &Merged) -> Vec<u8> {
    let mut out = Vec::with_capacity(2048);
    let mut object = Object::begin(&mut out);
    if let Some(assured) = &group.assured {
        let mut inner = Object::begin(object.name("assured"));
        string(inner.name("by"), &assured.by);
        plain(inner.name("date"), &assured.date);
        string(inner.name("method"), &assured.method);
        inner.end();
    }
    if !group.copies.is_empty() {
        list(object.name("copies"), &group.copies, |out, copy| plain(out, &(copy.hub, copy.rec)));
    }
    if let Some(licence) = &group.licence {
        string(object.name("licence"), licence);
    }
    list(object.name("members"), group.members.iter().zip(&group.revs), |out, (member, rev)| {
        plain(out, &(member.hub, member.rec, rev));
    });
    string(object.name("safety"), &group.safety);
    if !group.sightings.is_empty() {
        list(object.name("sightings"), &group.sightings, library);
    }
    let mut values = Object::begin(object.name("values"));
    // Canonical order is that of names; units are numbered otherwise.
    let mut units: Vec<_> = group.values.iter().map(|(unit, resolved)| (unit.name(), resolved)).collect();
    units.sort_unstable_by_key(|(name, _)| *name);
    for (name, resolved) in units {
        one(values.name(name), &group.members, resolved);
    }
    values.end();
    object.end();
    out
}

/// Members in the order of their names, which are all ASCII here.
fn one(out: &mut Vec<u8>, members: &[RecordRef], resolved: &Resolved) {
    let mut object = Object::begin(out);
    if let Some(chosen) = &resolved.chosen {
        library(object.name("chosen"), chosen);
    }
    // A group of one record says who states it once, in `members`.
    let several = members.len() > 1;
    if several {
        places(object.name("from"), members, &resolved.from);
    }
    if let Some(open) = resolved.open {
        string(object.name("open"), open.code());
    }
    if !resolved.others.is_empty() {
        list(object.name("others"), &resolved.others, |out, other| not(out, members, other));
    }
    if several {
        string(object.name("rule"), resolved.rule.code());
    }
    if !resolved.said.is_empty() {
        // Words of records: any text, so not in the order of bytes; therefore a list.
        list(object.name("said"), &resolved.said, |out, (word, who)| {
            out.push(b'[');
            string(out, word);
            out.push(b',');
            places(out, members, who);
            out.push(b']');
        });
    }
    value(object.name("value"), &resolved.value);
    object.end();
}

fn not(out: &mut Vec<u8>, members: &[RecordRef], other: &Other) {
    let mut object = Object::begin(out);
    if let Some(assured) = &other.assured {
        plain(object.name("assured"), assured);
    }
    plain(object.name("contradicts"), &other.contradicts);
    places(object.name("from"), members, &other.from);
    value(object.name("value"), &other.value);
    object.end();
}

fn places(out: &mut Vec<u8>, members: &[RecordRef], who: &[RecordRef]) {
    // Provenance names members only; an id that is none would be written as one past the last.
    list(out, who, |out, record| plain(out, &members.binary_search(record).unwrap_or(members.len())));
}

fn value(out: &mut Vec<u8>, of: &Value) {
    match of {
        Value::String(text) => string(out, text),
        Value::Array(items) => list(out, items, value),
        Value::Object(map) if in_order(map.keys()) => {
            let mut object = Object::begin(out);
            for (name, member) in map {
                value(object.name(name), member);
            }
            object.end();
        }
        Value::Null | Value::Bool(_) => plain(out, of),
        Value::Number(number) if !number.is_f64() || number.as_f64().is_some_and(is_ordinary) => plain(out, of),
        _ => library(out, of),
    }
}

/// Fractions of ordinary size, such as coordinates, have one shortest decimal form, and both write that.
fn is_ordinary(number: f64) -> bool {
    number.fract() != 0.0 && (1e-4..1e15).contains(&number.abs())
}

/// Whether names come as RFC 8785 sorts them (UTF-16 units, which for ASCII is the order of bytes) and need no escapes.
fn in_order<'a>(names: impl Iterator<Item = &'a String>) -> bool {
    let mut last = "";
    names.enumerate().all(|(i, name)| {
        let follows = i == 0 || last < name.as_str();
        last = name;
        follows && name.bytes().all(|b| (b' '..=b'~').contains(&b) && b != b'"' && b != b'\\')
    })
}

/// What serde_json writes as RFC 8785 does: texts (the same escapes), whole numbers, true, false, null.
fn plain(out: &mut Vec<u8>, of: &impl Serialize) {
    serde_json::to_writer(out, of).expect("a value with string keys is written to memory");
}

fn string(out: &mut Vec<u8>, text: &str) {
    plain(out, &text);
}

fn library<T: Serialize>(out: &mut Vec<u8>, of: &T) {
    serde_json_canonicalizer::to_writer(of, out).expect("string keys and finite numbers always serialise");
}

fn list<T>(out: &mut Vec<u8>, items: impl IntoIterator<Item = T>, write: impl Fn(&mut Vec<u8>, T)) {
    out.push(b'[');
    for (i, item) in items.into_iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(b']');
}

/// An object in the writing. Names are given in order, and need no escapes.
struct Object<'a> {
    out: &'a mut Vec<u8>,
    empty: bool,
}

impl Object<'_> {
    fn begin(out: &mut Vec<u8>) -> Object<'_> {
        out.push(b'{');
        Object { out, empty: true }
    }

    fn name(&mut self, name: &str) -> &mut Vec<u8> {
        if !std::mem::take(&mut self.empty) {
            self.out.push(b',');
        }
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    fn end(self) {
        self.out.push(b'}');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-(1i64 << 53)..1i64 << 53).prop_map(Value::from),
            (-9e15..9e15f64).prop_map(Value::from),
            (-1e-6..1e-6f64).prop_map(Value::from),
            (-180.0..180.0f64).prop_map(Value::from),
            (-1_800_000..1_800_000i32).prop_map(|n| Value::from(f64::from(n) / 10_000.0)),
            any::<String>().prop_map(Value::from),
        ];
        let name = prop_oneof!["[a-z_]{1,6}", any::<String>()];
        leaf.prop_recursive(4, 40, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec((name.clone(), inner), 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_value_is_written_as_the_library_writes_it(of in any_value()) {
            let mut out = Vec::new();
            value(&mut out, &of);
            prop_assert_eq!(String::from_utf8(out).unwrap(), serde_json_canonicalizer::to_string(&of).unwrap());
        }
    }

    /// The whole text too is canonical: the library finds nothing to change.
    #[test]
    fn the_text_of_a_group_is_canonical() {
        for merged in crate::registry::merge::tests::samples() {
            let text = String::from_utf8(text(&merged)).unwrap();
            let read: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(serde_json_canonicalizer::to_string(&read).unwrap(), text);
        }
    }
}
