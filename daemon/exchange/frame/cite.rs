//! How a frame is cited: `CITATION.cff` (Citation File Format 1.2.0), DataCite 4 metadata for whoever registers a DOI, and the page
//! that a person reads first.

use super::{Export, Written, draw_tables};
use serde_json::{Value, json};

/// Licences that a citation file may name; it takes no others than SPDX ids.
const SPDX: [&str; 8] =
    ["CC0-1.0", "CC-BY-4.0", "CC-BY-SA-4.0", "CC-BY-NC-4.0", "CC-BY-NC-SA-4.0", "OGL-UK-3.0", "ODbL-1.0", "PDDL-1.0"];

/// A text as YAML takes it: JSON's spelling is one of YAML's.
fn quoted(text: &str) -> Value {
    json!(text)
}

/// The citation file.
pub fn cff(export: &Export) -> String {
    let definition = &export.known.frame.definition;
    let mut text = format!(
        "cff-version: 1.2.0\nmessage: {}\ntype: dataset\ntitle: {}\nabstract: {}\nauthors:\n  - name: {}\nversion: {}\ndate-released: {}\n",
        quoted("If you use this frame, please cite it as below."),
        quoted(&export.title()),
        quoted(&export.about()),
        quoted(&definition.custodian),
        quoted(&definition.as_of.to_string()),
        quoted(&export.day().to_string()),
    );
    text.push_str("identifiers:\n");
    for (what, digest) in export.digests() {
        let about = quoted(&format!("SHA-256 of the {what}'s bytes, as its hub signed them"));
        text.push_str(&format!(
            "  - type: other\n    value: {}\n    description: {about}\n",
            quoted(&format!("sha256:{digest}"))
        ));
    }
    text.push_str("keywords:\n  - self-help groups\n  - mutual aid\n  - sampling frame\n");
    if SPDX.contains(&export.origin.licence.as_str()) {
        text.push_str(&format!("license: {}\n", export.origin.licence));
    }
    text
}

/// The DataCite metadata.
pub fn datacite(export: &Export) -> String {
    let definition = &export.known.frame.definition;
    let number = |(what, digest): (&&str, &&str)| json!({"alternateIdentifier": format!("sha256:{digest}"), "alternateIdentifierType": format!("SHA-256 of the {what}")});
    let mut rights = json!({"rights": export.origin.licence, "rightsUri": export.licence_url()});
    if SPDX.contains(&export.origin.licence.as_str()) {
        rights["rightsIdentifier"] = json!(export.origin.licence);
        rights["rightsIdentifierScheme"] = json!("SPDX");
    }
    let all = json!({
        "schemaVersion": "http://datacite.org/schema/kernel-4",
        "creators": [{"name": definition.custodian, "nameType": "Organizational"}],
        "contributors": [{
            "name": export.origin.hub_name,
            "nameType": "Organizational",
            "contributorType": "DataManager",
        }],
        "titles": [{"title": export.title()}],
        "publisher": {"name": definition.custodian},
        "publicationYear": export.day().year().to_string(),
        "types": {"resourceTypeGeneral": "Dataset", "resourceType": "Sampling frame"},
        "language": "en",
        "subjects": [{"subject": "self-help groups"}, {"subject": "mutual aid"}, {"subject": "sampling frame"}],
        "dates": [{"date": export.day().to_string(), "dateType": "Created"}],
        "version": definition.as_of.to_string(),
        "alternateIdentifiers": export.digests().iter().map(number).collect::<Vec<_>>(),
        "rightsList": [rights],
        "descriptions": [{"description": export.about(), "descriptionType": "Abstract"}],
    });
    format!("{all:#}\n")
}

/// The page that a person reads first.
pub fn readme(export: &Export, files: &[Written]) -> String {
    let definition = &export.known.frame.definition;
    let mut text = format!("# {}\n\n{}\n\n", export.title(), export.about());
    for caution in export.cautions() {
        text.push_str(&format!("**{caution}**\n\n"));
    }
    let digests: Vec<String> = export.digests().iter().map(|(what, digest)| format!("- {what}: `{digest}`")).collect();
    text.push_str(&format!(
        "Kept by {}; frozen and signed by {} (`{}`) on {}. SHA-256 by which it is known:\n\n{}\n\n",
        definition.custodian,
        export.origin.hub_name,
        export.origin.hub,
        export.origin.frozen,
        digests.join("\n")
    ));
    if let Some(drawn) = &export.drawn {
        let request = &drawn.draw.request;
        text.push_str(&format!(
            "Sample: {} Seed `{}` ({}), chosen {}.\n\n",
            draw_tables::in_words(drawn),
            request.commitment.seed,
            request.commitment.how,
            request.commitment.at
        ));
    }
    text.push_str("| file | what it is | rows |\n|---|---|---|\n");
    for file in files {
        let rows = file.rows.map_or_else(String::new, |rows| rows.to_string());
        text.push_str(&format!("| {} | {} | {rows} |\n", file.file, file.title));
    }
    text.push_str(
        "\nNo name, contact or place of a group stands here, and no words of people. An id leads to the group's public entry, so publish \
         study numbers and not ids. Nothing here is signed: the frame's own folder is, and `mutuald frame verify` checks it.\n",
    );
    text
}
