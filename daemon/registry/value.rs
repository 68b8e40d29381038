//! When two values of a unit say the same, and when they contradict each other.
//!
//! A value that says less does not contradict: "Nottingham" agrees with "Nottingham, NG1 7DP". Missing is not different.

use super::normal;
use super::normal_contact as contact;
use serde_json::Value;
use std::borrow::Cow;

/// How many things a value states: the fuller of two goes first when nothing weightier decides.
pub(super) fn fullness(value: &Value) -> usize {
    match value {
        Value::Null => 0,
        Value::Array(items) => items.iter().map(fullness).sum(),
        Value::Object(members) => members.values().map(fullness).sum(),
        _ => 1,
    }
}

/// Whether two values of a unit say the same thing.
pub fn same(unit: &str, a: &Value, b: &Value) -> bool {
    if a == b {
        return true;
    }
    match (a, b) {
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len()
                && x.iter().all(|(name, value)| y.get(name).is_some_and(|other| same(name, value, other)))
        }
        (Value::Array(x), Value::Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(x, y)| same(unit, x, y)),
        (Value::String(x), Value::String(y)) => form(unit, x) == form(unit, y),
        // About 500 metres: two geocoders' answers for one door.
        (Value::Number(x), Value::Number(y)) if matches!(unit, "latitude" | "longitude") => {
            x.as_f64().zip(y.as_f64()).is_some_and(|(x, y)| (x - y).abs() < 0.005)
        }
        _ => false,
    }
}

/// Whether two values of a unit cannot both hold: something that both state differs.
pub fn contradicts(unit: &str, a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(x), Value::Object(y)) => {
            x.iter().any(|(name, value)| y.get(name).is_some_and(|other| contradicts(name, value, other)))
        }
        // "NG1" and "NG1 7DP"; "Wells" and "Wells, Somerset".
        (Value::String(x), Value::String(y)) if unit == "postcode" => {
            match (normal::postcode(x), normal::postcode(y)) {
                (Some(x), Some(y)) => {
                    x.outward != y.outward || x.inward.is_some() && y.inward.is_some() && x.inward != y.inward
                }
                _ => !same(unit, a, b),
            }
        }
        (Value::String(x), Value::String(y)) if unit == "locality" => {
            let (x, y) = (normal::locality(x), normal::locality(y));
            let within = |head: &[String], all: &[String]| head.iter().all(|word| all.contains(word));
            !within(&x.head, &y.all) && !within(&y.head, &x.all)
        }
        // "2019" and "2019-05".
        (Value::String(x), Value::String(y)) if unit == "founded" => {
            !x.starts_with(y.as_str()) && !y.starts_with(x.as_str())
        }
        _ => !same(unit, a, b),
    }
}

/// The form in which a text of this member is compared. What cannot be read in the member's own form is compared as words.
fn form<'a>(member: &str, text: &'a str) -> Cow<'a, str> {
    let read = match member {
        "url" => contact::web(text).map(|web| web.text),
        "email" => contact::email(text),
        "phone" => contact::phone(text),
        "charity" => contact::charity(text),
        "postcode" => normal::postcode(text).map(|p| format!("{} {}", p.outward, p.inward.unwrap_or_default())),
        // Terms, codes, dates and rules are what they are.
        "gender" | "orientation" | "state" | "kind" | "venue_kind" | "area" | "date" | "until" | "rrule" | "start"
        | "end" => {
            return Cow::Borrowed(text);
        }
        _ => None,
    };
    Cow::Owned(read.unwrap_or_else(|| normal::words(text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_same_said_differently_is_the_same() {
        for (unit, a, b) in [
            ("name", json!("St. Ann's Group"), json!("St Anns group")),
            ("contact", json!({"phone": "0115 911 1662"}), json!({"phone": "+44 115 9111662"})),
            ("contact", json!({"url": "http://www.a.uk/x/"}), json!({"url": "https://a.uk/x?utm_source=y"})),
            (
                "place",
                json!({"postcode": "ng17dp", "latitude": 52.95}),
                json!({"postcode": "NG1 7DP", "latitude": 52.951}),
            ),
            ("meetings", json!([{"text": "2nd Tuesday."}]), json!([{"text": "2nd tuesday"}])),
        ] {
            assert!(same(unit, &a, &b) && !contradicts(unit, &a, &b), "{a} {b}");
        }
    }

    #[test]
    fn saying_less_is_neither_the_same_nor_a_contradiction() {
        for (unit, a, b) in [
            ("place", json!({"locality": "Wells"}), json!({"locality": "Wells, Somerset", "postcode": "BA5 2PU"})),
            ("place", json!({"postcode": "NG1"}), json!({"postcode": "NG1 7DP"})),
            ("founded", json!("2019"), json!("2019-05")),
            ("ages", json!({"min": 18}), json!({"min": 18, "max": 65})),
        ] {
            assert!(!same(unit, &a, &b) && !contradicts(unit, &a, &b), "{a} {b}");
        }
    }

    #[test]
    fn what_cannot_both_hold_contradicts() {
        for (unit, a, b) in [
            ("place", json!({"locality": "Wells"}), json!({"locality": "Bath"})),
            ("place", json!({"postcode": "NG1 7DP"}), json!({"postcode": "NG1 7DQ"})),
            ("contact", json!({"phone": "0115 911 1662"}), json!({"phone": "0115 911 1663", "email": "a@b.uk"})),
            ("founded", json!("2019"), json!("2020-05")),
            ("newcomers", json!(true), json!(false)),
            ("status", json!({"state": "active"}), json!({"state": "closed"})),
            ("meetings", json!([{"start": "19:00"}]), json!([{"start": "19:30"}])),
        ] {
            assert!(!same(unit, &a, &b) && contradicts(unit, &a, &b), "{a} {b}");
            assert!(contradicts(unit, &b, &a));
        }
    }
}
