//! What a request's headers ask for: is it still the same, which bytes of it, in which coding (RFC 9110).

use axum::http::{HeaderMap, HeaderName, header};

/// A content coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// The bytes as they are.
    Identity,
    /// gzip.
    Gzip,
    /// zstd.
    Zstd,
}

impl Coding {
    /// Its token, and the end of the ETag: two codings are two representations, and a strong ETag may not name both.
    pub(super) fn token(self) -> &'static str {
        match self {
            Coding::Identity => "",
            Coding::Gzip => "gzip",
            Coding::Zstd => "zstd",
        }
    }
}

/// Which bytes are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All.
    Whole,
    /// From the first to the last, both included, counted from 0.
    Part(usize, usize),
    /// Bytes that are not there.
    Beyond,
}

/// All values of a list header as one: a repeated header is one list (RFC 9110, 5.3). What is not text is not there.
fn list(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim).filter(|item| !item.is_empty())
}

/// The best coding that the asker takes: zstd, gzip, none. `*` is not read as an offer, since it names nothing.
pub(super) fn coding(headers: &HeaderMap) -> Coding {
    let takes = |coding: Coding| {
        list(headers, header::ACCEPT_ENCODING).any(|item| {
            let mut parts = item.split(';').map(str::trim);
            let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(coding.token()));
            let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
            named && weight.is_none_or(|weight| weight.parse().is_ok_and(|weight: f32| weight > 0.0))
        })
    };
    [Coding::Zstd, Coding::Gzip].into_iter().find(|coding| takes(*coding)).unwrap_or(Coding::Identity)
}

/// Whether the asker holds what `etag` (with its quotes) names. Our tags hold no comma, so a list of them can be split at
/// commas; a weak one compares as its strong form here (RFC 9110, 13.1.2).
pub(super) fn holds(headers: &HeaderMap, etag: &str) -> bool {
    list(headers, header::IF_NONE_MATCH).any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

/// Whether a range was asked for in a form that is served: one range of bytes. Any other may be ignored (RFC 9110, 14.2).
pub(super) fn has_range(headers: &HeaderMap) -> bool {
    range(headers).is_some()
}

/// First and last byte as written; a missing first one asks for the end.
fn range(headers: &HeaderMap) -> Option<(Option<usize>, Option<usize>)> {
    let mut values = headers.get_all(header::RANGE).into_iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    let (first, last) = value.to_str().ok()?.strip_prefix("bytes=")?.trim().split_once('-')?;
    let number = |text: &str| match text {
        "" => Some(None),
        digits if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok().map(Some),
        _ => None,
    };
    match (number(first)?, number(last)?) {
        (None, None) => None,
        (Some(first), Some(last)) if last < first => None,
        bounds => Some(bounds),
    }
}

/// Which of `length` bytes are wanted. `If-Range` must name the very bytes (strong comparison); a date cannot, as no
/// `Last-Modified` is sent.
pub(super) fn wanted(headers: &HeaderMap, etag: &str, length: usize) -> Wanted {
    let Some(bounds) = range(headers) else { return Wanted::Whole };
    if headers.get(header::IF_RANGE).is_some_and(|tag| tag.as_bytes() != etag.as_bytes()) {
        return Wanted::Whole;
    }
    let (first, last) = match bounds {
        (Some(first), last) => (first, last.unwrap_or(usize::MAX)),
        (None, Some(0)) => return Wanted::Beyond,
        (None, suffix) => (length.saturating_sub(suffix.unwrap_or(0)), usize::MAX),
    };
    if first >= length { Wanted::Beyond } else { Wanted::Part(first, last.min(length - 1)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn codings() {
        for (value, coding_) in [
            ("gzip, deflate, br, zstd", Coding::Zstd),
            ("gzip;q=1.0, zstd;q=0", Coding::Gzip),
            ("GZIP", Coding::Gzip),
            ("gzip; q=0.000", Coding::Identity),
            ("gzip;q=much", Coding::Identity),
            ("*", Coding::Identity),
            ("br, x-gzip", Coding::Identity),
            ("", Coding::Identity),
        ] {
            assert_eq!(coding(&with(header::ACCEPT_ENCODING, value)), coding_, "{value}");
        }
        assert_eq!(coding(&HeaderMap::new()), Coding::Identity);
    }

    #[test]
    fn ranges() {
        for (value, wanted_) in [
            ("bytes=0-", Wanted::Part(0, 9)),
            ("bytes=3-5", Wanted::Part(3, 5)),
            ("bytes=3-99999999999", Wanted::Part(3, 9)),
            ("bytes=9-9", Wanted::Part(9, 9)),
            ("bytes=-4", Wanted::Part(6, 9)),
            ("bytes=-40", Wanted::Part(0, 9)),
            ("bytes=-0", Wanted::Beyond),
            ("bytes=10-", Wanted::Beyond),
            ("bytes=5-3", Wanted::Whole),
            ("bytes=-", Wanted::Whole),
            ("bytes=+1-3", Wanted::Whole),
            ("bytes=0-1,3-4", Wanted::Whole),
            ("bytes=99999999999999999999-", Wanted::Whole),
            ("items=0-1", Wanted::Whole),
        ] {
            assert_eq!(wanted(&with(header::RANGE, value), "\"e\"", 10), wanted_, "{value}");
        }
        assert_eq!(wanted(&with(header::RANGE, "bytes=0-"), "\"e\"", 0), Wanted::Beyond);
        let mut headers = with(header::RANGE, "bytes=1-2");
        for (tag, wanted_) in [("\"e\"", Wanted::Part(1, 2)), ("W/\"e\"", Wanted::Whole), ("\"f\"", Wanted::Whole)] {
            headers.insert(header::IF_RANGE, tag.parse().unwrap());
            assert_eq!(wanted(&headers, "\"e\"", 10), wanted_, "{tag}");
        }
    }

    #[test]
    fn what_is_held() {
        for (value, held) in [
            ("\"e\"", true),
            ("W/\"e\"", true),
            ("\"a\", \"e\"", true),
            ("*", true),
            ("\"e-gzip\"", false),
            ("e", false),
            ("", false),
        ] {
            assert_eq!(holds(&with(header::IF_NONE_MATCH, value), "\"e\""), held, "{value}");
        }
    }
}
