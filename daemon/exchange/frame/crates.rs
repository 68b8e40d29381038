//! RO-Crate 1.1: `ro-crate-metadata.json`, which says of every file in the folder what it is.

use super::{Export, Written};
use serde_json::{Value, json};

/// What the folder is known by: one text, or several; a list of one is not how RO-Crate writes one.
fn identifier(export: &Export) -> Value {
    let all: Vec<String> = export.digests().iter().map(|(what, digest)| format!("{what} sha256:{digest}")).collect();
    if let [one] = &all[..] { json!(one) } else { json!(all) }
}

/// The metadata.
pub fn metadata(export: &Export, files: &[Written]) -> String {
    let definition = &export.known.frame.definition;
    let (hub, custodian, licence) = (format!("#{}", export.origin.hub), "#custodian", export.licence_url());
    let organisation = |id: &str, name: &str| json!({"@id": id, "@type": "Organization", "name": name});
    let mut graph: Vec<Value> = vec![
        json!({
            "@id": "ro-crate-metadata.json",
            "@type": "CreativeWork",
            "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
            "about": {"@id": "./"},
        }),
        json!({
            "@id": "./",
            "@type": "Dataset",
            "name": export.title(),
            "description": std::iter::once(export.about()).chain(export.cautions()).collect::<Vec<_>>().join(" "),
            "datePublished": export.day().to_string(),
            "dateModified": export.moment().to_string(),
            "license": {"@id": licence},
            "identifier": identifier(export),
            "keywords": ["self-help groups", "mutual aid", "sampling frame"],
            "publisher": {"@id": custodian},
            "creator": {"@id": hub},
            "author": {"@id": hub},
            "hasPart": files.iter().map(|file| json!({"@id": file.file})).collect::<Vec<_>>(),
        }),
        organisation(custodian, &definition.custodian),
        organisation(&hub, &export.origin.hub_name),
        json!({"@id": licence, "@type": "CreativeWork", "name": export.origin.licence, "description": "The licence under which the hub publishes."}),
    ];
    graph.extend(files.iter().map(|file| {
        json!({
            "@id": file.file,
            "@type": "File",
            "name": file.title,
            "encodingFormat": file.media,
            "contentSize": file.bytes.to_string(),
            "sha256": file.sha256,
        })
    }));
    let all = json!({"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": graph});
    format!("{all:#}\n")
}
