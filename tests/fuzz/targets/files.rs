//! Files of rows: text, workbooks, other people's feeds, saved mappings, the official postcode file.

use crate::{Target, seeds, twice};
use mutuald::exchange::feed::{self, Kind};
use mutuald::exchange::{Mapping, Table, Words, cell, guess, postcodes, row, sightings, table, template};
use mutuald::record::vocabulary::{Vocabulary, named};
use std::io::{Cursor, Read, Write};
use url::Url;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

pub const TARGETS: &[Target] = &[
    Target { name: "text-table", run: text_table, seeds: text_tables },
    Target { name: "workbook", run: workbook, seeds: workbooks },
    Target { name: "workbook-sheet", run: xlsx, seeds: xlsx_sheets },
    Target { name: "opendocument-sheet", run: ods, seeds: ods_sheets },
    Target { name: "mapping", run: mapping, seeds: mappings },
    Target { name: "cell", run: cells, seeds: cell_texts },
    Target { name: "feed", run: feed_file, seeds: || seeds::folder("tests/data/feeds") },
    Target { name: "postcode-file", run: postcode_file, seeds: || seeds::folder("tests/data/postcodes") },
];

/// Terms that a template offers.
const TERMS: [&str; 6] = ["in-person", "online", "phone", "active", "carer", "website"];

fn words() -> Words<'static> {
    fn find(vocabulary: &str, text: &str) -> Option<String> {
        named(vocabulary)?.find(text).map(str::to_owned)
    }
    fn label(vocabulary: &str, id: &str) -> Option<String> {
        Some(named(vocabulary)?.get(id)?.label.clone())
    }
    fn labels(vocabulary: &str) -> Vec<String> {
        let terms = |all: &&Vocabulary| TERMS.iter().filter_map(|id| Some(all.get(id)?.label.clone())).collect();
        named(vocabulary).as_ref().map(terms).unwrap_or_default()
    }
    Words { find: &find, label: &label, labels: &labels }
}

/// Reads a file as an import does: table, mapping, rows. What comes out is bounded by what went in.
fn import(file: &str, bytes: &[u8]) {
    let Ok(met) = twice(|| table::read(file, bytes, None)) else { return };
    assert!(met.rows.len() <= bytes.len().max(table::MAX_ROWS as usize));
    rows(&met);
}

fn rows(met: &Table) {
    let words = words();
    let mapping = twice(|| guess::mapping(met, &words));
    let Ok(bound) = twice(|| mapping.bind(&met.header, &words)) else { return };
    let reading = row::read(met, &bound, &words);
    assert_eq!(reading.rows.len(), met.rows.len(), "every row is accounted for");
    guess::columns(met, &mapping, &Default::default(), &words);
}

fn text_tables() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = ["bad-rows.csv", "semicolon.csv", "tab.tsv", "utf8-bom.csv", "utf8.csv", "windows-1252.csv"]
        .map(|file| seeds::file(&format!("tests/data/imports/{file}")))
        .to_vec();
    all.push(template::csv(&words()).into_bytes());
    all
}

fn text_table(data: &[u8]) {
    if !data.starts_with(b"PK") {
        import("list.csv", data);
    }
}

fn workbooks() -> Vec<Vec<u8>> {
    let mut all = vec![template::xlsx(&words()).expect("the template")];
    all.extend(ods_sheets().iter().map(|content| ods_file(content)));
    all
}

/// The archive itself, with its lengths, offsets and compressed parts.
fn workbook(data: &[u8]) {
    import("list.xlsx", data);
}

fn archive(parts: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, bytes) in parts {
        zip.start_file(name.as_str(), stored).expect("a part");
        zip.write_all(bytes).expect("a part");
    }
    zip.finish().expect("an archive").into_inner()
}

/// The parts of our own template, as a workbook holds them.
fn template_parts() -> Vec<(String, Vec<u8>)> {
    let bytes = template::xlsx(&words()).expect("the template");
    let mut zip = ZipArchive::new(Cursor::new(bytes)).expect("an archive");
    (0..zip.len())
        .map(|at| {
            let mut part = zip.by_index(at).expect("a part");
            let mut bytes = Vec::new();
            part.read_to_end(&mut bytes).expect("a part");
            let name = part.name().expect("a name").into_owned();
            (name, bytes)
        })
        .collect()
}

const SPLIT: &[u8] = b"\0";

fn xlsx_sheets() -> Vec<Vec<u8>> {
    let sheet = r#"<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>Name</t></is></c><c r="B1" t="s"><v>0</v></c></row><row r="2"><c r="A2" t="str"><v>Group</v></c><c r="B2" s="1"><v>45000.5</v></c><c r="C2" t="b"><v>1</v></c><c r="D2" t="e"><v>#N/A</v></c></row></sheetData></worksheet>"#;
    let strings = r#"<?xml version="1.0"?><sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" count="1" uniqueCount="1"><si><t>Postcode</t></si></sst>"#;
    vec![[sheet.as_bytes(), SPLIT, strings.as_bytes()].concat()]
}

/// The XML of a sheet and of its shared texts, in an archive that is otherwise sound.
fn xlsx(data: &[u8]) {
    thread_local!(static PARTS: Vec<(String, Vec<u8>)> = template_parts());
    let split = data.iter().position(|b| *b == 0).unwrap_or(data.len());
    let (sheet, strings) = (&data[..split], data.get(split + 1..).unwrap_or_default());
    let parts = PARTS.with(Clone::clone).into_iter().map(|(name, bytes)| match name.as_str() {
        "xl/worksheets/sheet1.xml" => (name, sheet.to_vec()),
        "xl/sharedStrings.xml" => (name, strings.to_vec()),
        _ => (name, bytes),
    });
    import("list.xlsx", &archive(&parts.collect::<Vec<_>>()));
}

fn ods_sheets() -> Vec<Vec<u8>> {
    let names = r#"xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0""#;
    vec![
        format!(
            r#"<?xml version="1.0"?><office:document-content {names}><style:style style:name="h"><style:table-properties table:display="false"/></style:style><office:body><office:spreadsheet><table:table table:name="a" table:style-name="h"/><table:table table:name="b"><table:table-row><table:table-cell><text:p>Name</text:p></table:table-cell><table:table-cell><text:p>Post<text:s text:c="2"/>code</text:p></table:table-cell></table:table-row><table:table-row table:number-rows-repeated="2"><table:table-cell table:number-columns-repeated="2"><text:p>x &amp; &#233;<text:line-break/>y</text:p></table:table-cell><table:table-cell office:value-type="date" office:date-value="2026-01-02"/></table:table-row><table:table-row table:number-rows-repeated="1048576"><table:table-cell table:number-columns-repeated="16384"/></table:table-row></table:table></office:spreadsheet></office:body></office:document-content>"#
        )
        .into_bytes(),
    ]
}

fn ods_file(content: &[u8]) -> Vec<u8> {
    let kind = b"application/vnd.oasis.opendocument.spreadsheet".to_vec();
    archive(&[("mimetype".into(), kind), ("content.xml".into(), content.to_vec())])
}

fn ods(data: &[u8]) {
    import("list.ods", &ods_file(data));
}

fn mappings() -> Vec<Vec<u8>> {
    ["uk-mutual-aid-covid19.toml", "uk-mutual-aid.toml"]
        .map(|file| seeds::file(&format!("tests/data/imports/{file}")))
        .to_vec()
}

/// A saved mapping that is accepted, written again, is the same mapping.
fn mapping(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(met) = twice(|| Mapping::read(text)) else { return };
    let again = met.toml();
    assert_eq!(Mapping::read(&again).expect("what we write we read").toml(), again);
    let words = words();
    let _ = twice(|| met.bind(&met.headings(), &words));
}

fn cell_texts() -> Vec<Vec<u8>> {
    [
        "Tuesday 3 March 2026",
        "2026-02-29",
        "7.30pm - 9",
        "0115 911 1661; ring Tues",
        "=HYPERLINK(\"http://x\",\"y\")",
        "https://example.org/groups and www.x.uk",
        "NG9 2AB",
        "18 and over",
        "registered charity 1053107",
        "https://x.org/list [website] 2025-04-01; leaflet 2024",
        "circa 1985",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

/// Every reader of one cell.
fn cells(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (clean, _) = twice(|| cell::clean(text, true));
    assert_eq!(cell::clean(&clean, true).0, clean, "what is clean stays as it is");
    twice(|| cell::several(text));
    let _ = twice(|| cell::date(text, None));
    twice(|| sightings::read(text).ok());
    let _ = twice(|| cell::founded(text, None));
    twice(|| cell::time(text).ok());
    let _ = twice(|| cell::phone(text));
    let _ = twice(|| cell::url(text));
    twice(|| cell::email(text).ok());
    twice(|| cell::age(text).ok());
    twice(|| cell::degrees(text, 90.0).ok());
    twice(|| cell::charity(text).ok());
    if let Ok(postcode) = twice(|| cell::postcode(text)) {
        assert_eq!(cell::postcode(&postcode).ok(), Some(postcode), "a postcode has one form");
    }
}

/// Every kind of feed reads the page, whatever it is; a next page is never the same page for ever by our own making.
fn feed_file(data: &[u8]) {
    let (words, from) = (words(), Url::parse("https://source.example/feed?page=1").expect("an address"));
    for kind in [Kind::OpenReferral, Kind::Rpde, Kind::MeetingGuide] {
        let Ok(page) = twice(|| feed::page(kind, data, &from, &words)) else { continue };
        assert!(page.entries.len() <= data.len() && page.gone.len() <= data.len());
        rows(&feed::table(kind, &page.entries, &words));
    }
    if let Ok((_, table)) = feed::file(data, &words) {
        rows(&table);
    }
}

fn postcode_file(data: &[u8]) {
    let read = || {
        let mut rows = 0;
        let layout = postcodes::read(data, |_| {
            rows += 1;
            Ok::<(), std::io::Error>(())
        });
        (layout.ok(), rows)
    };
    let (layout, rows) = twice(read);
    assert!(rows <= data.len() && (layout != Some(None) || rows == 0));
}
