//! The address of a search: read with bounds, and written again for links.

use super::error::WebError;
use crate::store::view::{Sort, Terms};
use serde::Deserialize;
use url::form_urlencoded::Serializer;

/// Most characters of the words searched for.
pub const MAX_WORDS: usize = 200;
/// Most characters of a place.
pub const MAX_PLACE: usize = 100;
/// Most characters of a vocabulary id.
pub const MAX_ID: usize = 100;
/// Last page of answers. Whoever wants more wants the export.
pub const MAX_PAGE: u32 = 500;

/// The query of `/search` as it comes. A form sends all of its fields, so an empty one is a missing one; unknown ones are
/// let be, since other people's links carry their own.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct SearchQuery {
    q: String,
    topic: String,
    place: String,
    mode: String,
    sort: String,
    page: String,
}

impl SearchQuery {
    /// What is searched for.
    ///
    /// # Errors
    /// [`WebError::BadRequest`] where something is longer than it may be, holds control characters or is no page number.
    pub fn terms(self) -> Result<Terms, WebError> {
        let words = text(&self.q, MAX_WORDS, "Please search with fewer words: 200 letters at most.")?;
        let place = text(&self.place, MAX_PLACE, "Please give a shorter place: 100 letters at most.")?;
        let page =
            match self.page.as_str() {
                "" => 1,
                page => page.parse().ok().filter(|page| (1..=MAX_PAGE).contains(page)).ok_or(WebError::BadRequest(
                    "There are pages from 1 to 500. Narrow the search to find the rest.",
                ))?,
            };
        let sort = match self.sort.as_str() {
            "" | "match" => Sort::Match,
            "name" => Sort::Name,
            "checked" => Sort::Checked,
            _ => return Err(WebError::BadRequest("Groups can be sorted by match, by name or by last check.")),
        };
        Ok(Terms {
            words: words.unwrap_or_default(),
            topic: id(&self.topic)?,
            place,
            mode: id(&self.mode)?,
            sort,
            page,
        })
    }
}

/// Trimmed text with single spaces; nothing where it is empty.
fn text(raw: &str, most: usize, too_long: &'static str) -> Result<Option<String>, WebError> {
    if raw.chars().count() > most {
        return Err(WebError::BadRequest(too_long));
    }
    let text = raw.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().any(char::is_control) {
        return Err(WebError::BadRequest("The search holds signs that are no letters."));
    }
    Ok(Some(text).filter(|text| !text.is_empty()))
}

/// A vocabulary id: small letters, digits and hyphens. Whether the vocabulary has it, the search finds out.
fn id(raw: &str) -> Result<Option<String>, WebError> {
    let fits = raw.len() <= MAX_ID && raw.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    match raw {
        "" => Ok(None),
        raw if fits => Ok(Some(raw.to_owned())),
        _ => Err(WebError::BadRequest("That filter is not one of ours. Please choose from the list.")),
    }
}

/// The address of a search, without what is as it is anyway.
pub fn address(terms: &Terms) -> String {
    let mut query = Serializer::new(String::new());
    let sort = match terms.sort {
        Sort::Match => "",
        Sort::Name => "name",
        Sort::Checked => "checked",
    };
    let page = if terms.page > 1 { terms.page.to_string() } else { String::new() };
    let or_empty = |value: &Option<String>| value.clone().unwrap_or_default();
    for (name, value) in [
        ("q", terms.words.clone()),
        ("topic", or_empty(&terms.topic)),
        ("place", or_empty(&terms.place)),
        ("mode", or_empty(&terms.mode)),
        ("sort", sort.to_owned()),
        ("page", page),
    ] {
        if !value.is_empty() {
            query.append_pair(name, &value);
        }
    }
    match query.finish() {
        query if query.is_empty() => "/search".to_owned(),
        query => format!("/search?{query}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::extract::Query;
    use axum::http::Uri;
    use proptest::prelude::*;

    fn read(address: &str) -> Result<Terms, WebError> {
        let uri: Uri = address.parse().unwrap();
        let Query(query) = Query::<SearchQuery>::try_from_uri(&uri).map_err(|_| WebError::BadRequest("query"))?;
        query.terms()
    }

    #[test]
    fn an_empty_form_searches_for_everything() {
        let all = Terms { page: 1, ..Terms::default() };
        assert_eq!(read("/search").unwrap(), all);
        assert_eq!(read("/search?q=+&topic=&place=&mode=&sort=&page=&utm_source=x").unwrap(), all);
        assert_eq!(address(&all), "/search");
    }

    #[test]
    fn everything_is_bounded() {
        assert!(read(&format!("/search?q={}", "%C3%A9".repeat(200))).is_ok());
        for query in [
            format!("q={}", "a".repeat(201)),
            format!("place={}", "a".repeat(101)),
            format!("topic={}", "a".repeat(101)),
            "topic=Anxiety".to_owned(),
            "mode=../x".to_owned(),
            "sort=price".to_owned(),
            "page=0".to_owned(),
            "page=501".to_owned(),
            "page=-1".to_owned(),
            "page=x".to_owned(),
            "q=%00".to_owned(),
            "q=a&q=b".to_owned(),
        ] {
            assert!(matches!(read(&format!("/search?{query}")), Err(WebError::BadRequest(_))), "{query}");
        }
        assert_eq!(read("/search?page=500").unwrap().page, 500);
    }

    proptest! {
        /// A link says what it was made from, whatever was typed.
        #[test]
        fn addresses_read_back(words in "[a-z&=?#%+é\"<> ]{0,60}", place in proptest::option::of("[A-Za-z'&éü]{1,20}"),
                               topic in proptest::option::of("[a-z0-9-]{1,20}"), page in 1u32..=500) {
            let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
            let terms = Terms { words, topic, place, mode: None, sort: Sort::Name, page };
            prop_assert_eq!(read(&address(&terms)).unwrap(), terms);
        }
    }
}
