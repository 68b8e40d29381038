//! Who saw a group, in one cell: words that people can read and that an import reads again.

use super::fault::Fault;
use crate::record::canonical;
use crate::record::group::Sighting;
use crate::registry::sighting::MOST;

/// Sightings as an export writes them: in words, or as JSON, as it did before and does of what no words are made of.
pub fn read(text: &str) -> Result<Vec<Sighting>, Fault> {
    let seen: Option<Vec<Sighting>> = match text.starts_with('[') {
        true => serde_json::from_str(text).ok(),
        false => text.split(BETWEEN).map(sighting).collect(),
    };
    let sound = |one: &Sighting| !one.observed_by.trim().is_empty() && one.via.len() <= MOST;
    seen.filter(|seen| seen.len() <= MOST && seen.iter().all(sound)).ok_or(Fault::Sightings)
}

/// Between two sightings.
const BETWEEN: &str = "; ";
const RECORD: &str = ", record ";
const WAY: &str = ", by way of ";

/// Sightings for people to read: `Library leaflet [leaflet], 2024-04-01; h-…, record 3a9a…, by way of h-… > h-…`.
pub fn shown(seen: &[Sighting]) -> String {
    let one = |seen: &Sighting| {
        let kind = seen.kind.as_ref().map(|kind| format!(" [{kind}]"));
        let date = seen.date.map(|date| format!(", {date}"));
        let record = seen.record.map(|record| format!("{RECORD}{record}"));
        let way = (!seen.via.is_empty()).then(|| format!("{WAY}{}", seen.via.join(" > ")));
        let after = [kind, date, record, way].into_iter().flatten().collect::<String>();
        format!("{}{after}", seen.observed_by)
    };
    let words = seen.iter().map(one).collect::<Vec<_>>().join(BETWEEN);
    // A title that looks like what follows it, and what this version does not know, only JSON says again as it was.
    if read(&words).as_deref() == Ok(seen) {
        words
    } else {
        serde_json::to_string(seen).expect("sightings are texts and days, which always serialise")
    }
}

fn sighting(text: &str) -> Option<Sighting> {
    let (text, via) = text.rsplit_once(WAY).unwrap_or((text, ""));
    let via = via.split(" > ").filter(|hub| !hub.is_empty()).map(str::to_owned).collect();
    let (text, record) = match text.rsplit_once(RECORD) {
        Some((text, record)) => (text, Some(canonical::uuid(record)?)),
        None => (text, None),
    };
    let dated = text.rsplit_once(", ").and_then(|(text, date)| Some((text, canonical::date(date)?)));
    let (text, date) = dated.map_or((text, None), |(text, date)| (text, Some(date)));
    let kind = |text: &str| {
        let (text, kind) = text.strip_suffix(']')?.rsplit_once(" [")?;
        let label = !kind.is_empty() && kind.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        label.then(|| (text.to_owned(), Some(kind.to_owned())))
    };
    let (observed_by, kind) = kind(text).unwrap_or_else(|| (text.to_owned(), None));
    Some(Sighting { observed_by, kind, date, record, via, ..Sighting::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sightings_are_words_that_are_read_again() {
        let words = "Library leaflet [leaflet], 2024-04-01; Town list; h-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, 2026-01-02, \
                     record 3a9afa8c-9841-4d2f-8e7a-e061aed1ef68, by way of h-bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb > h-cccccccccccccccccccccccccccccccc";
        let seen = read(words).unwrap();
        assert_eq!(seen.len(), 3);
        assert_eq!((seen[0].observed_by.as_str(), seen[0].kind.as_deref()), ("Library leaflet", Some("leaflet")));
        assert_eq!((seen[2].via.len(), seen[2].record.is_some()), (2, true));
        assert_eq!(shown(&seen), words);
        // As exports wrote them before; and of a title that words would not keep, still.
        let json = serde_json::to_string(&seen).unwrap();
        assert_eq!(read(&json).unwrap(), seen);
        for title in ["Leaflets; and posters", "List, 2024-01-01", "Posters [old]", " spaced", "[x]"] {
            let odd = [Sighting { observed_by: title.into(), ..Sighting::default() }];
            assert_eq!(read(&shown(&odd)).unwrap(), odd, "{title}");
        }
        assert_eq!(read("a, record x"), Err(Fault::Sightings));
    }
}
