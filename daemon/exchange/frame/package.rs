//! Frictionless Data Package, version 2: `datapackage.json`, with a Table Schema for every file.

use super::table::{AND, Column, Kind};
use super::{Export, File};
use serde_json::{Map, Value, json};

/// The descriptor.
pub fn descriptor(export: &Export, files: &[File]) -> String {
    let definition = &export.known.frame.definition;
    let licence = &export.origin.licence;
    let licence = if licence.contains("://") {
        json!({"path": licence})
    } else {
        json!({"name": licence, "path": export.licence_url()})
    };
    let organisation = |title: &str, role: &str| json!({"title": title, "roles": [role]});
    let mut all = json!({
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": export.name(),
        "title": export.title(),
        "description": std::iter::once(export.about()).chain(export.cautions()).collect::<Vec<_>>().join("\n\n"),
        "version": definition.as_of.to_string(),
        "created": export.moment().to_string(),
        "licenses": [licence],
        "contributors": [organisation(&definition.custodian, "publisher"), organisation(&export.origin.hub_name, "creator")],
        "keywords": ["self-help groups", "mutual aid", "sampling frame"],
        "resources": files.iter().map(resource).collect::<Vec<_>>(),
    });
    for (what, digest) in export.digests() {
        all[format!("{what}_sha256")] = json!(digest);
    }
    format!("{all:#}\n")
}

fn resource(file: &File) -> Value {
    let File { table, written, .. } = file;
    let links = table
        .links
        .iter()
        .map(|link| json!({"fields": [link.column], "reference": {"resource": link.table, "fields": [link.to]}}));
    let mut schema = json!({
        "$schema": "https://datapackage.org/profiles/2.0/tableschema.json",
        "fields": table.columns.iter().map(field).collect::<Vec<_>>(),
        "primaryKey": table.key,
        "missingValues": [""],
    });
    let links: Vec<Value> = links.collect();
    if !links.is_empty() {
        schema["foreignKeys"] = json!(links);
    }
    json!({
        "name": table.name,
        "type": "table",
        "path": written.file,
        "title": table.title,
        "description": table.about,
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": written.bytes,
        "hash": format!("sha256:{}", written.sha256),
        "dialect": {"delimiter": ",", "lineTerminator": "\n", "doubleQuote": true, "header": true},
        "schema": schema,
    })
}

fn field(column: &Column) -> Value {
    let mut field = json!({"name": column.name, "title": column.title, "description": describe(column)});
    let mut rules = Map::new();
    if column.required {
        rules.insert("required".into(), json!(true));
    }
    match column.kind {
        Kind::Text => {
            field["type"] = json!("string");
            if column.several && !column.values.is_empty() {
                rules.insert("pattern".into(), json!(pattern(column)));
            } else if !column.values.is_empty() {
                let ids: Vec<&str> = column.values.iter().map(|value| value.id.as_str()).collect();
                rules.insert("enum".into(), json!(ids));
                let one = |value: &super::table::Value| json!({"value": value.id, "label": value.label});
                field["categories"] = column.values.iter().map(one).collect();
            }
        }
        Kind::Whole => {
            field["type"] = json!("integer");
            rules.insert("minimum".into(), json!(0));
        }
        Kind::Number => {
            field["type"] = json!("number");
            rules.insert("minimum".into(), json!(0));
        }
        Kind::Yes => {
            field["type"] = json!("boolean");
            field["trueValues"] = json!(["true"]);
            field["falseValues"] = json!(["false"]);
        }
        Kind::Day => field["type"] = json!("date"),
    }
    if !rules.is_empty() {
        field["constraints"] = Value::Object(rules);
    }
    field
}

/// Some of the column's values joined: the ids are small letters, digits and hyphens, which no pattern takes for something else.
fn pattern(column: &Column) -> String {
    let ids: Vec<&str> = column.values.iter().map(|value| value.id.as_str()).collect();
    let (one, and) = (ids.join("|"), AND.replace('+', "\\+"));
    format!("^({one})({and}({one}))*$")
}

/// What a column says, with its values where the schema itself has no place for them.
pub fn describe(column: &Column) -> String {
    if !column.several {
        return column.about.clone();
    }
    let values: Vec<String> = column.values.iter().map(|value| format!("{} ({})", value.id, value.label)).collect();
    let values = if values.is_empty() { String::new() } else { format!(": {}", values.join(", ")) };
    format!("{} One or several, joined by a plus sign with a space on either side{values}.", column.about)
}
