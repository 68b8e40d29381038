//! CSV on the Web (W3C Recommendation 2015): `csv-metadata.json`.

use super::table::{AND, Column, Kind};
use super::{Export, File};
use serde_json::{Value, json};

/// The metadata.
pub fn metadata(export: &Export, files: &[File]) -> String {
    let all = json!({
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "en"}],
        "dc:title": export.title(),
        "dc:description": export.about(),
        "dc:publisher": export.known.frame.definition.custodian,
        "dc:issued": export.day().to_string(),
        "dc:license": {"@id": export.licence_url()},
        "dc:identifier": export.digests().iter().map(|(what, digest)| format!("{what} sha256:{digest}")).collect::<Vec<_>>(),
        "tables": files.iter().map(|file| table(file, files)).collect::<Vec<_>>(),
    });
    format!("{all:#}\n")
}

fn table(file: &File, files: &[File]) -> Value {
    let table = file.table;
    let mut schema = json!({"columns": table.columns.iter().map(column).collect::<Vec<_>>(), "primaryKey": table.key});
    let links = table.links.iter().filter_map(|link| {
        let to = files.iter().find(|other| other.table.name == link.table)?;
        let reference = json!({"resource": to.written.file, "columnReference": link.to});
        Some(json!({"columnReference": link.column, "reference": reference}))
    });
    let links: Vec<Value> = links.collect();
    if !links.is_empty() {
        schema["foreignKeys"] = json!(links);
    }
    json!({
        "url": file.written.file,
        "dc:title": table.title,
        "dc:description": table.about,
        "dialect": {"lineTerminators": ["\n"], "header": true},
        "tableSchema": schema,
    })
}

fn column(column: &Column) -> Value {
    let ids: Vec<&str> = column.values.iter().map(|value| value.id.as_str()).collect();
    let datatype = match column.kind {
        Kind::Text if ids.is_empty() => json!("string"),
        Kind::Text => json!({"base": "string", "format": format!("({})", ids.join("|"))}),
        Kind::Whole => json!("nonNegativeInteger"),
        Kind::Number => json!("double"),
        Kind::Yes => json!({"base": "boolean", "format": "true|false"}),
        Kind::Day => json!({"base": "date", "format": "yyyy-MM-dd"}),
    };
    let mut all = json!({
        "name": column.name,
        "titles": column.name,
        "dc:title": column.title,
        "dc:description": super::package::describe(column),
        "datatype": datatype,
        "null": "",
    });
    if column.required {
        all["required"] = json!(true);
    }
    if column.several {
        all["separator"] = json!(AND);
    }
    all
}
