//! How a frozen frame is cited: in words, as a `CITATION.cff` (Citation File Format 1.2.0) and as DataCite 4.5 metadata in JSON.
//!
//! A frame has no DOI until somebody deposits it; what is cited until then, and checked for ever, is the digest of its bytes and the
//! hub that signed them. Whoever deposits it adds the DOI that the archive gives.

use super::frozen::Frame;
use crate::record::HubId;
use jiff::civil::Date;
use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};

/// Name of the file that programs and archives look for.
pub const CFF: &str = "CITATION.cff";
/// Name of the DataCite metadata beside it.
pub const DATACITE: &str = "datacite.json";

/// Licences that a citation file may name; it takes no other ids than those SPDX lists.
const SPDX: [&str; 8] =
    ["CC0-1.0", "CC-BY-4.0", "CC-BY-SA-4.0", "CC-BY-NC-4.0", "CC-BY-NC-SA-4.0", "OGL-UK-3.0", "ODbL-1.0", "PDDL-1.0"];

/// What is said of a frame when it is cited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Citation {
    /// Short name of the frame.
    pub name: String,
    /// Its title, where it has one.
    pub title: Option<String>,
    /// Whom it is by: who keeps it. A hub or organisation.
    pub custodian: String,
    /// The population that is meant, in words.
    pub universe: String,
    /// What a unit is.
    pub unit: String,
    /// How many units it has.
    pub units: u64,
    /// The day for which everything was judged.
    pub as_of: Date,
    /// By which rules, as they are cited: `seebohm2013 version 1`.
    pub profile: String,
    /// Codes of areas.
    pub area: Vec<String>,
    /// The hub that signed it.
    pub hub: HubId,
    /// What that hub calls itself.
    pub hub_name: String,
    /// When it was frozen.
    pub frozen: Timestamp,
    /// SHA-256 (hex) of the frame's bytes.
    pub digest: String,
    /// Licence, as an SPDX id or an address; none where nobody gave one.
    pub licence: Option<String>,
    /// The study whose sample is cited with it, and SHA-256 (hex) of the draw's bytes.
    pub sample: Option<(String, String)>,
}

impl Citation {
    /// That of a frozen frame. `digest` is that of its bytes, `frozen` the time of its seal.
    pub fn of(frame: &Frame, digest: &str, frozen: Timestamp, (hub, hub_name): (HubId, &str)) -> Citation {
        let definition = &frame.definition;
        Citation {
            name: definition.sample_frame_name.clone(),
            title: definition.labl.clone(),
            custodian: definition.custodian.clone(),
            universe: definition.universe.clone(),
            unit: definition.unit_type.clone(),
            units: frame.units().count() as u64,
            as_of: definition.as_of,
            profile: frame.profile.cited(),
            area: definition.area.clone(),
            hub,
            hub_name: hub_name.to_owned(),
            frozen,
            digest: digest.to_owned(),
            licence: None,
            sample: None,
        }
    }

    /// The same, with the sample that was drawn from it for a study.
    pub fn sampled(self, study: &str, digest: &str) -> Citation {
        Citation { sample: Some((study.to_owned(), digest.to_owned())), ..self }
    }

    /// The same, under a licence.
    pub fn licensed(self, licence: Option<&str>) -> Citation {
        Citation { licence: licence.filter(|licence| !licence.trim().is_empty()).map(str::to_owned), ..self }
    }

    /// The title, or the name in words.
    pub fn title(&self) -> String {
        let frame = self.title.clone().unwrap_or_else(|| format!("Sampling frame {}", self.name));
        match &self.sample {
            None => frame,
            Some((study, _)) => format!("{frame}, with the sample drawn for {study}"),
        }
    }

    /// The digests by which it is known, and of what.
    fn digests(&self) -> impl Iterator<Item = (&str, &str)> {
        let sample = self.sample.as_ref().map(|(_, digest)| (digest.as_str(), "the draw"));
        std::iter::once((self.digest.as_str(), "frame.txt")).chain(sample)
    }

    /// The day it was frozen, in UTC.
    fn day(&self) -> Date {
        self.frozen.to_zoned(TimeZone::UTC).date()
    }

    /// The beginning of the digest, as a version: a frame that was frozen again is another one.
    fn version(&self) -> &str {
        self.digest.get(..12).unwrap_or(&self.digest)
    }

    fn description(&self) -> String {
        let area = if self.area.is_empty() { String::new() } else { format!(" Area codes: {}.", self.area.join(", ")) };
        format!(
            "{}. {} units ({}), judged for {} by {}.{area} Who has the frame's folder checks it by the SHA-256 of frame.txt.",
            self.universe.trim_end_matches('.'),
            self.units,
            self.unit,
            self.as_of,
            self.profile
        )
    }

    /// In one sentence for a list of references.
    pub fn text(&self) -> String {
        format!(
            "{} ({}). {}. Version {} [sampling frame, {} units, as of {}, by {}]. {} ({}). SHA-256: {}",
            self.custodian,
            self.day().year(),
            self.title(),
            self.version(),
            self.units,
            self.as_of,
            self.profile,
            self.hub_name,
            self.hub,
            self.digest
        )
    }

    /// As Citation File Format 1.2.0. Texts are written as JSON strings, which YAML reads as they are.
    pub fn cff(&self) -> String {
        let quoted = |text: &str| Value::from(text).to_string();
        let licence = match &self.licence {
            Some(address) if address.contains("://") => format!("license-url: {}\n", quoted(address)),
            Some(id) if SPDX.contains(&id.as_str()) => format!("license: {}\n", quoted(id)),
            _ => String::new(),
        };
        let identifier = |value: &str, what: &str| {
            format!("  - type: other\n    value: {}\n    description: {}\n", quoted(value), quoted(what))
        };
        let digests: String = self
            .digests()
            .map(|(digest, of)| identifier(&format!("sha256:{digest}"), &format!("SHA-256 of {of}")))
            .collect();
        format!(
            "cff-version: 1.2.0\nmessage: {}\ntype: dataset\ntitle: {}\nauthors:\n  - name: {}\nabstract: {}\nversion: {}\n\
             date-released: {}\n{licence}identifiers:\n{digests}{}keywords:\n  - sampling frame\n  - self-help groups\n  - mutual aid\n",
            quoted("If you use this sampling frame, please cite it as below."),
            quoted(&self.title()),
            quoted(&self.custodian),
            quoted(&self.description()),
            quoted(self.version()),
            self.day(),
            identifier(&self.hub.to_string(), &format!("The hub that signed it, {}", self.hub_name)),
        )
    }

    /// As DataCite 4 metadata, without the DOI that an archive gives.
    pub fn datacite(&self) -> Value {
        let rights = self.licence.as_ref().map(|licence| {
            if licence.contains("://") {
                json!([{ "rights": licence, "rightsUri": licence }])
            } else if SPDX.contains(&licence.as_str()) {
                json!([{ "rights": licence, "rightsIdentifier": licence, "rightsIdentifierScheme": "SPDX" }])
            } else {
                json!([{ "rights": licence }])
            }
        });
        let number = |(digest, of): (&str, &str)| json!({ "alternateIdentifier": digest, "alternateIdentifierType": format!("SHA-256 of {of}") });
        let numbers: Vec<Value> = self.digests().map(number).collect();
        let mut all = json!({
            "schemaVersion": "http://datacite.org/schema/kernel-4",
            "alternateIdentifiers": numbers,
            "creators": [{ "name": self.custodian, "nameType": "Organizational" }],
            "titles": [{ "title": self.title() }],
            "publisher": { "name": self.hub_name },
            "publicationYear": self.day().year().to_string(),
            "types": { "resourceTypeGeneral": "Dataset", "resourceType": "Sampling frame" },
            "contributors": [{
                "name": self.hub_name,
                "nameType": "Organizational",
                "contributorType": "Distributor",
                "nameIdentifiers": [{ "nameIdentifier": self.hub, "nameIdentifierScheme": "mutuald hub id" }],
            }],
            "dates": [
                { "date": self.day(), "dateType": "Issued" },
                { "date": self.as_of, "dateType": "Valid" },
            ],
            "descriptions": [{ "description": self.description(), "descriptionType": "Abstract" }],
            "subjects": [{ "subject": "sampling frame" }, { "subject": "self-help groups" }, { "subject": "mutual aid" }],
            "sizes": [format!("{} units", self.units)],
            "formats": ["text/plain"],
            "language": "en",
            "version": self.version(),
        });
        if let (Some(rights), Value::Object(members)) = (rights, &mut all) {
            members.insert("rightsList".to_owned(), rights);
        }
        if let (false, Value::Object(members)) = (self.area.is_empty(), &mut all) {
            let places: Vec<Value> = self.area.iter().map(|code| json!({ "geoLocationPlace": code })).collect();
            members.insert("geoLocations".to_owned(), Value::Array(places));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::frozen::tests::frame;

    fn cited() -> Citation {
        let frame = frame();
        let at = "2026-11-22T23:30:00Z".parse().unwrap();
        Citation::of(&frame, &frame.digest(), at, (HubId([7; 20]), "Nottingham \"Hub\""))
    }

    #[test]
    fn it_says_who_what_when_and_which_bytes() {
        let cited = cited();
        let text = cited.text();
        for part in [&cited.custodian, "(2026)", &cited.digest, &cited.hub.to_string(), &cited.profile] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains('\n'));
    }

    #[test]
    fn a_quotation_mark_breaks_neither_file() {
        let cited = cited().licensed(Some("CC-BY-4.0"));
        let cff = cited.cff();
        assert!(cff.contains("description: \"The hub that signed it, Nottingham \\\"Hub\\\"\"\n"), "{cff}");
        assert!(cff.contains("license: \"CC-BY-4.0\"\n") && cff.contains("date-released: 2026-11-22\n"), "{cff}");
        let datacite = cited.datacite();
        assert_eq!(datacite["publisher"]["name"], "Nottingham \"Hub\"");
        assert_eq!(datacite["rightsList"][0]["rightsIdentifier"], "CC-BY-4.0");
        assert_eq!(datacite["publicationYear"], "2026");
        let address = cited.licensed(Some("https://licence.example/1"));
        assert!(address.cff().contains("license-url: "));
        assert!(address.clone().licensed(Some(" ")).datacite().get("rightsList").is_none());
    }
}
